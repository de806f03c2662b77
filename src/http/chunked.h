/* chunked: the chunked transfer coding of request bodies, decoded (RFC 9112 section 7.1).
 *
 * Fed with what was received, in any cuts; hands out slices of the content that point into the input.
 * Extensions and trailer fields are checked, limited and dropped.
 */
#ifndef HTTP_CHUNKED_H
#define HTTP_CHUNKED_H

#include "base/str.h"

enum { CHUNKED_LINE_MAX = 4096, CHUNKED_TRAILER_MAX = 16384 }; /* bytes: one size line with extensions; the trailer section */

enum chunked_result {
    CHUNKED_DATA, /* *data holds content; call again with the rest */
    CHUNKED_MORE, /* all input consumed, more is needed */
    CHUNKED_END,  /* the coding is complete; what was not consumed is the next request */
    CHUNKED_BAD,  /* *reason says why: answer 400 and close */
};

struct chunked {
    int step;           /* private */
    uint64_t left;      /* bytes of content left in this chunk */
    size_t line;        /* bytes of the current line or trailer section so far */
    unsigned digits;
    uint64_t total;     /* bytes of content so far */
};

void chunked_init(struct chunked *c);
/* Takes bytes from the front of *input. */
enum chunked_result chunked_decode(struct chunked *c, struct str *input, struct str *data, const char **reason);

#endif
