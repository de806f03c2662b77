/* request: what a client asks, as the rest of the program sees it, whatever protocol brought it.
 *
 * All slices point into the head as it was received (or, after an internal redirect, into the arena of the
 * transaction); they live as long as the request.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/field.h"
#include "http/uri.h"

enum method {
    METHOD_OTHER, /* unknown or in other letters: passed on as it is */
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_TRACE,
    METHOD_CONNECT,
};

enum request_body {
    REQUEST_BODY_NONE,    /* neither Content-Length nor Transfer-Encoding */
    REQUEST_BODY_LENGTH,  /* content_length bytes follow (0 is possible) */
    REQUEST_BODY_CHUNKED, /* length unknown until its end */
};

struct request {
    struct str line;   /* the request line as sent, for logs */
    struct str method; /* as sent; methods are case-sensitive */
    enum method method_id;
    struct str target;     /* as sent */
    struct uri_target uri; /* the target, split */
    struct str protocol;   /* "HTTP/1.1", as sent */
    int minor_version;     /* 0 for HTTP/1.0, else 1 */
    struct field *fields;
    size_t field_count;
    struct str authority; /* the absolute form's, else the Host field's value; absent without either */
    enum request_body body;
    uint64_t content_length; /* bytes; 0 unless REQUEST_BODY_LENGTH */
    bool keep_alive;         /* the client lets the connection go on (RFC 9112 section 9.3) */
    bool expect_continue;    /* Expect: 100-continue, and the version is 1.1 */
};

enum method method_of(struct str name);

#endif
