/* chunked: the chunked transfer coding of request bodies, decoded (RFC 9112 section 7.1).
 *
 * Fed with what was received, in any cuts; hands out slices of the content that point into the input.
 * Extensions and trailer fields are checked, limited and dropped.
 */
#ifndef HTTP_CHUNKED_H
#define HTTP_CHUNKED_H

#include "base/str.h"

enum {
    CHUNKED_LINE_MAX = 4096,      /* bytes: one size line with its extensions */
    CHUNKED_TRAILER_MAX = 16384,  /* bytes: the trailer section */
    CHUNKED_OVERHEAD_MAX = 16384, /* bytes: size lines, less 16 for each and two for each byte of content */
};

enum chunked_result {
    CHUNKED_DATA, /* *data holds content; call again with the rest */
    CHUNKED_MORE, /* all input consumed, more is needed */
    CHUNKED_END,  /* the coding is complete; what was not consumed is the next request */
    CHUNKED_BAD,  /* *reason says why: answer 400 and close */
};

struct chunked {
    int step;        /* private */
    unsigned digits; /* of the size so far */
    uint64_t left;   /* bytes of content left in this chunk */
    uint64_t total;  /* bytes of content handed out so far */
    size_t line;     /* bytes of the current size line or of the trailer section so far */
    size_t overhead; /* see CHUNKED_OVERHEAD_MAX */
    const char *fault;
};

void chunked_init(struct chunked *c);
/* Takes bytes from the front of *input. CHUNKED_END and CHUNKED_BAD are final: further calls say the same and
 * take nothing. *data is set with CHUNKED_DATA only, *reason (static text) with CHUNKED_BAD only. */
enum chunked_result chunked_decode(struct chunked *c, struct str *input, struct str *data,
                                   const char **reason);

#endif
