/* regex: Perl-compatible regular expressions (PCRE2), compiled once, matched with bounded effort.
 *
 * A compiled expression is immutable and may be shared; matching needs no memory of its own. A match that
 * runs into the effort limits counts as no match.
 */
#ifndef BASE_REGEX_H
#define BASE_REGEX_H

#include "base/arena.h"

struct regex;

enum { REGEX_GROUPS_MAX = 10 }; /* $0 to $9 */

struct regex_match {
    struct str groups[REGEX_GROUPS_MAX]; /* slices of the subject; absent when the group took no part */
    bool exhausted;                      /* no match, and only because of the limits */
};

/* NULL on a fault; *error is then its text (from the arena), *offset its place in the pattern. To be freed.
 */
struct regex *regex_compile(struct arena *arena, struct str pattern, bool nocase, struct str *error,
                            size_t *offset);
void regex_free(struct regex *r);
/* True if the pattern has groups of its own, beside $0. */
bool regex_has_groups(const struct regex *r);
/* The named groups, in the order of their names: false when there are no more than index. */
bool regex_named_group(const struct regex *r, size_t index, struct str *name, unsigned *group);
/* Unanchored search; match may be NULL. */
bool regex_search(const struct regex *r, struct str subject, struct regex_match *match);

/* text with $0 to $9 replaced by the groups; "\$" gives '$' ("\\" gives a backslash); other characters stay.
 */
struct str regex_substitute(struct arena *arena, struct str text, const struct regex_match *match);

#endif
