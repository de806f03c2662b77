/* h1_write: the head of an HTTP/1 response, meaning to bytes, and the frames of a chunked body (RFC 9112). */
#ifndef HTTP_H1_WRITE_H
#define HTTP_H1_WRITE_H

#include "base/out.h"
#include "http/response.h"

/* How the content's end is told to the client. */
enum h1_framing {
    H1_FRAMING_NONE,    /* no content follows */
    H1_FRAMING_LENGTH,  /* Content-Length */
    H1_FRAMING_CHUNKED, /* Transfer-Encoding: chunked */
    H1_FRAMING_CLOSE,   /* by closing the connection (HTTP/1.0 clients) */
};

struct h1_write_context {
    int client_minor_version;     /* 0: no chunked coding */
    bool client_keep_alive;       /* what the request allowed, and the server too */
    bool client_asked_keep_alive; /* HTTP/1.0 with Connection: keep-alive: say so in the answer */
    struct str date;              /* IMF-fixdate, used unless the response has its own Date */
    struct str server;            /* Server field, used unless the response has its own; absent: none */
};

/* Writes the whole head, CRLFCRLF included. Returns the framing chosen; *keep_alive says whether the
 * connection may go on after the content. When the head does not fit, nothing is written and o->overflow is
 * set. Order: status line, Date, Server, fields, framing, Connection.
 *
 * Framing (RFC 9112 section 6.3): H1_FRAMING_NONE for head_only (with Content-Length if the length is known)
 * and for no_content (205 alone gets "Content-Length: 0", since it does not end with its head by itself);
 * else by length; unknown: chunked, or by closing to an HTTP/1.0 client. Connection: "close" when it ends,
 * "Keep-Alive" when it goes on with an HTTP/1.0 client that asked for it. */
enum h1_framing h1_write_head(struct out *o, const struct response *response,
                              const struct h1_write_context *context, bool *keep_alive);

/* "HTTP/1.1 100 Continue" and other interim heads except 101 (RFC 9110 section 15.2); fields may be NULL. */
void h1_write_interim(struct out *o, int status, const struct field *fields, size_t field_count);

/* Bytes that the frame around one chunk needs in front (hex size, CRLF). */
enum { H1_CHUNK_HEAD_MAX = 18 };

/* The frame in front of n (> 0) bytes of content: "hex CRLF"; behind them stands CRLF. */
void h1_write_chunk_head(struct out *o, uint64_t n);
/* Behind the last chunk's CRLF: "0 CRLF CRLF". */
#define H1_LAST_CHUNK STR("0\r\n\r\n")

#endif
