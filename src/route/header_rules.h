/* header_rules: what Header and RequestHeader make of the fields of a message (mod_headers).
 *
 * Unlike httpd, which keeps two tables of response fields, Header acts on all fields of a response, whoever
 * set them: those of `always` first, then the others, each in its order.
 *
 * Results are always valid: control characters of variables become blanks, blanks at the ends go, and fields
 * that frame a message or belong to one connection are never made.
 */
#ifndef ROUTE_HEADER_RULES_H
#define ROUTE_HEADER_RULES_H

#include "http/response.h"
#include "route/expression.h"

/* What rules may ask for. */
struct header_subject {
    struct route_subject request;
    const struct vars *vars; /* of SetEnvIf and SetEnv */
    const struct vars *more; /* asked before them; may be NULL */
    int64_t begun_us;        /* since 1970: when the request came */
    int64_t taken_us;        /* since then */
};

enum {
    HEADER_RULES_MAX_BYTES = 256 << 10
}; /* of all values made for one message; a rule beyond it is skipped */

/* The rules for responses. error: one of the gateway itself, which only `always` rules change. New fields are
 * from the arena; r->fields stays as it is where no rule acts. */
void header_rules_response(struct arena *arena, const struct dir_config *config,
                           const struct header_subject *subject, bool error, struct response *r);

/* The rules for requests, the early ones or the others. True when there were any: *fields and *count are then
 * the new ones, from the arena; request itself stays as it is. */
bool header_rules_request(struct arena *arena, const struct dir_config *config,
                          const struct header_subject *subject, bool early, struct field **fields,
                          size_t *count);

#endif
