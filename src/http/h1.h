/* h1: the head of an HTTP/1 request, bytes to meaning (RFC 9112, strict).
 *
 * A head is parsed in one go once it is complete; until then a call costs a look at the new bytes only. Nothing is
 * copied: the request's slices point into the given bytes.
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
    size_t scanned;      /* bytes that need no second look */
    size_t start;        /* of the request line, behind empty lines */
    size_t line_start;   /* of the line that is being received */
    unsigned lines;      /* complete lines seen so far */
};

enum h1_result { H1_COMPLETE, H1_PARTIAL, H1_BAD };

struct h1_fault {
    int status;         /* to answer: 400, 411, 414, 417, 431, 501, 505 */
    const char *reason; /* static text, e.g. "field line without colon"; for the log and the page */
    size_t offset;      /* of the offending byte in the head */
    const char *directive; /* the directive whose limit was hit, or NULL */
};

/* Parses the head at the start of bytes (all that was received so far, the same memory or a moved copy of it with more behind).
 * H1_COMPLETE: *request is filled (the field array from the arena), *size is the head's length in bytes, what stands behind it is body or
 * the next request. H1_PARTIAL: call again with more. H1_BAD: *fault tells what to answer; the connection must be closed after
 * it; of *request, line, method, minor_version and protocol are filled as far as they could be read (for the log), the rest is empty.
 *
 * Limits are enforced before a head is complete, so that a head can never make the caller buffer more than they allow.
 * Rules: empty lines (CRLF) before the request line are skipped, at most H1_EMPTY_LINES_MAX; lines end with CRLF, bare LF or CR is 400; exactly one
 * SP between the parts of the request line; version HTTP/1.x with one digit accepted as 1.1 for x >= 1, HTTP/2.0 and other HTTP/d.d as Apache does
 * (accepted, treated as 1.1); no version (HTTP/0.9): 400; names are tokens, no blank before the colon; obs-fold is
 * joined with one SP (as Apache; copied to the arena); NUL and other control bytes except HTAB in values: 400;
 * Host: exactly one in 1.1, at most one ever, valid (uri_parse_authority), not empty; an absolute-form target's authority wins but
 * Host must still be valid; Content-Length: digits only, one field only; Transfer-Encoding: only exactly "chunked" (any case) and only in 1.1, else 400 (501 for
 * an unknown coding before chunked); Transfer-Encoding together with Content-Length: 400; Expect other than 100-continue: 417;
 * line longer than limits: 414; field too long or too many: 431 is not used, Apache's 400 is. */
enum h1_result h1_parse_request(struct h1_parser *parser, struct str bytes, const struct h1_limits *limits,
                                struct arena *arena, struct request *request, size_t *size, struct h1_fault *fault);

#endif
