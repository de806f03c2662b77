/* h1: the head of an HTTP/1 request, bytes to meaning (RFC 9112, strict).
 *
 * A head is parsed in one go once it is complete; until then a call costs a look at the new bytes only.
 * Nothing is copied: the request's slices point into the given bytes.
 *
 *     struct h1_parser parser = {0};
 *     switch (h1_parse_request(&parser, bytes, &limits, arena, &request)) ...
 */
#ifndef HTTP_H1_H
#define HTTP_H1_H

#include "base/arena.h"
#include "http/request.h"

struct h1_limits {
    size_t line_length;  /* LimitRequestLine: bytes of the request line without its CRLF */
    size_t field_length; /* LimitRequestFieldSize: bytes of one field line without its CRLF */
    unsigned fields;     /* LimitRequestFields: 0 = no limit (then H1_FIELDS_MAX) */
};

enum { H1_FIELDS_MAX = 1000, H1_EMPTY_LINES_MAX = 10 };

/* Where a search for the end of an incomplete head stopped. Zero it for each new request. */
struct h1_parser {
    size_t scanned;    /* bytes that need no second look */
    size_t start;      /* of the request line, behind empty lines */
    size_t line_start; /* of the line that is being received */
    unsigned lines;    /* complete lines seen so far */
};

enum h1_result { H1_COMPLETE, H1_PARTIAL, H1_BAD };

struct h1_fault {
    int status;            /* to answer: 400, 414, 417, 501, 505 */
    const char *reason;    /* static text, e.g. "field line without a colon"; for the log and the page */
    size_t offset;         /* of the offending byte, from the start of the given bytes */
    const char *directive; /* the directive whose limit was hit, or NULL */
};

/* Parses the head at the start of bytes: all that was received so far, the same memory as at the last call or
 * a moved copy of it, with more behind.
 *
 * H1_COMPLETE: *request is filled (fields and unfolded values from the arena), *size is the head's length in
 * bytes, empty lines in front included; what stands behind it is body or the next request. H1_PARTIAL: call
 * again with more; *request holds nothing yet. H1_BAD: *fault tells what to answer; the connection must be
 * closed after it. Of *request, line, method, method_id, minor_version and protocol are filled as far as they
 * could be read (for the log), the rest is empty.
 *
 * The request line is judged as soon as it is complete, the fields when the head is. Limits are enforced
 * before that, so that a head can never make the caller buffer more than they allow: H1_EMPTY_LINES_MAX * 2 +
 * line_length + 2 + fields * (field_length + 2) + 2 bytes.
 *
 * Rules, beyond the grammar of RFC 9112:
 * - Empty lines before the request line are skipped, at most H1_EMPTY_LINES_MAX (section 2.2). A line that
 * ends with a bare LF, a CR elsewhere, NUL and other control bytes except HTAB: 400. Exactly one SP in the
 * request line twice.
 * - HTTP/1.x with x >= 1, and as Apache does any HTTP/d.d from 2.0 on, are taken as 1.1; HTTP/0.d is 505, no
 *   version (HTTP/0.9) 400.
 * - "*" goes with OPTIONS only, the authority form with CONNECT only, else 400.
 * - A folded field is joined with one SP per fold, as Apache does; Host, Content-Length and Transfer-Encoding
 * must not be folded. Each line of a fold counts for `fields`, all lines together for `field_length`.
 * - Host: exactly one in 1.1, never more, never empty, valid for uri_parse_authority(), no user info. The
 * authority of an absolute form wins (without its user info); Host must be valid all the same (section 3.2).
 * - Content-Length: one field, digits only, at most INT64_MAX. Transfer-Encoding: one field, exactly
 * "chunked" without regard to case, never in 1.0, never with Content-Length, else 400; 501 for other codings
 * before chunked (section 6.1).
 * - Expect other than 100-continue: 417; in 1.0 100-continue has no meaning (RFC 9110 section 10.1.1).
 * - Request line too long: 414. Field too long or too many: 400, as Apache does. */
enum h1_result h1_parse_request(struct h1_parser *parser, struct str bytes, const struct h1_limits *limits,
                                struct arena *arena, struct request *request, size_t *size,
                                struct h1_fault *fault);

#endif
