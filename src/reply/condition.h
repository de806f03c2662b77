/* condition: conditional requests (RFC 9110 section 13), measured by the validators of what would be sent. */
#ifndef REPLY_CONDITION_H
#define REPLY_CONDITION_H

#include "http/request.h"

struct validators {
    struct str etag;   /* an entity-tag with its quotes; absent: none */
    bool has_modified; /* modified is known */
    int64_t modified;  /* seconds since 1970, never later than now */
};

/* What the conditions make of an answer of 200: 200, 304 or 412 (RFC 9110 section 13.2.2). Without a
 * validator no condition counts, not even
 * "*". now: seconds since 1970. */
int condition_status(const struct request *request, const struct validators *v, int64_t now);

/* Whether a Range may be honoured: no If-Range, or a strong validator that is ours (RFC 9110 section 13.1.5).
 */
bool condition_range_holds(const struct request *request, const struct validators *v, int64_t now);

/* For GET and HEAD ranges and 304 exist. */
bool condition_is_get_or_head(const struct request *request);

#endif
