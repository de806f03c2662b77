/* response: the answer to a client, before any protocol writes it. */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "http/field.h"

enum { RESPONSE_LENGTH_UNKNOWN = -1 };

struct response {
    int status;        /* 200 to 599 */
    struct str reason; /* absent: the standard phrase */
    /* Sent as they are, in this order: no Content-Length, no hop-by-hop field; Date and Server only if the
     * backend gave them. Ids are right, names and values valid. */
    const struct field *fields;
    size_t field_count;
    int64_t length;  /* of the content in bytes, or RESPONSE_LENGTH_UNKNOWN */
    bool no_content; /* 204, 205, 304: the length is not sent */
    bool head_only;  /* answer to HEAD: the framing fields of a GET, no content */
    bool close;      /* the connection must not be used again */
};

#endif
