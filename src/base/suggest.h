/* suggest: which known name a mistyped one is nearest to. */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include "base/str.h"

/* Edits (insert, delete, replace, swap neighbours) from a to b, without case; anything above max is max + 1.
 */
unsigned suggest_distance(struct str a, struct str b, unsigned max);

/* How far off a name of that length may be and still be taken for a slip. */
unsigned suggest_tolerance(size_t length);

#endif
