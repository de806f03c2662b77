/* glob: shell patterns: '*', '?', '[a-z]', '[!a]', '\x'. */
#ifndef BASE_GLOB_H
#define BASE_GLOB_H

#include "base/str.h"

/* slashes: '*', '?' and '[]' do not match '/'. Effort is bounded by the product of both lengths. */
bool glob_match(struct str pattern, struct str text, bool slashes, bool nocase);
/* True if the text holds a character that makes it a pattern. */
bool glob_is_pattern(struct str text);

#endif
