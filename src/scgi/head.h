/* head: the head of a CGI response, bytes to meaning (RFC 3875 section 6, strict).
 *
 * Like h1.h: parsed in one go once complete, slices point into the input, limits hold before that. The result
 * depends on the bytes only, not on how they were cut; nothing is scanned twice but a complete head.
 * Lines end with LF or CRLF. In place of Status, the first line may be a status line "HTTP/1.x NNN reason" as
 * nph programs send it (a Status field after it wins).
 *
 *     struct cgi_head_parser parser = {0};
 *     switch (cgi_head_parse(&parser, bytes, &cgi_head_limits_default, arena, &head, &size, &fault)) ...
 */
#ifndef SCGI_HEAD_H
#define SCGI_HEAD_H

#include "base/arena.h"
#include "http/field.h"

struct cgi_head_limits {
    size_t total; /* bytes of the head */
    size_t line;  /* bytes of one line without its end */
    unsigned lines;
};

/* The defaults: 256 KiB, 64 KiB, 1000 lines. */
extern const struct cgi_head_limits cgi_head_limits_default;

struct cgi_head {
    int status;        /* 0 when the application gave none */
    struct str reason; /* absent: the standard phrase (none given, glued to the code, or unfit to be sent) */
    struct field *fields; /* in order, without Status and Content-Length */
    size_t field_count;
    int64_t content_length; /* bytes, or -1 */
};

enum cgi_head_result { CGI_HEAD_COMPLETE, CGI_HEAD_PARTIAL, CGI_HEAD_BAD };

struct cgi_head_fault {
    const char *reason; /* static text: "line without colon" */
    size_t offset;      /* in the head: of the faulty line, or of the byte that is too many */
    const char *limit;  /* which limit was hit: "total", "line", "lines", or NULL */
};

struct cgi_head_parser {        /* zero it for each head */
    size_t scanned, line_start; /* private */
    unsigned lines;             /* private */
};

/* bytes: all that came so far, at the same place or moved. Complete: *head is filled (the field array from
 * the arena), *size is the head's length with its empty line; what stands behind it is content, or the next
 * head after an interim one. Bad: *fault is filled.
 *
 * Faults: a line without colon; a name that is no token or has blanks around; a continuation line; NUL, CR
 * inside a line, other control bytes; Transfer-Encoding; Content-Length not digits, or two different ones;
 * Status without a three-digit code (after leading blanks), or outside 100 to 599, or 101; limits. An empty
 * line alone is a valid head. The last Status wins; a control byte in its reason only drops the reason. 1xx
 * is valid, what it means is the caller's matter. Hop-by-hop fields are not removed here. */
enum cgi_head_result cgi_head_parse(struct cgi_head_parser *parser, struct str bytes,
                                    const struct cgi_head_limits *limits, struct arena *arena,
                                    struct cgi_head *head, size_t *size, struct cgi_head_fault *fault);

#endif
