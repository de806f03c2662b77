/* stream: one request and its answer on a client's connection, as the rest of the program sees it.
 *
 * The connection (client.h) makes a stream for each request and hands it to the frontend's request function.
 * From then on the user of the stream pulls the body and pushes the answer; each call that has to wait
 * completes by one of the functions of struct stream_user, from io_turn() only. At last stream_finish() gives
 * the connection back.
 *
 * Rules: one stream_want_body() at a time; one send at a time (stream_send, stream_send_file, stream_flush,
 * stream_end or stream_interim), completed by sent(); the head is given once, before any content. After
 * sent() has told of an error nothing more can be sent; stream_abort() and stream_finish() are still due.
 */
#ifndef LISTEN_STREAM_H
#define LISTEN_STREAM_H

#include "http/endpoints.h"
#include "http/h1.h"
#include "http/h1_write.h"

struct stream;

enum { STREAM_BODY_MAX = 64 * 1024 }; /* bytes at hand with which more may be wanted */

enum stream_body_state {
    STREAM_BODY_OPEN,     /* more is to come */
    STREAM_BODY_COMPLETE, /* what stream_body() lends is the last of it */
    STREAM_BODY_GONE,     /* the client closed or reset the connection */
    STREAM_BODY_BAD,      /* its chunked coding is broken: stream_body_fault() */
};

struct stream_user {
    /* After stream_want_body(): new bytes are at hand, or the state changed. */
    void (*body_ready)(struct stream *s);
    /* After a send: 0, or -errno. */
    void (*sent)(struct stream *s, int result);
    /* After stream_watch(): the watch is over; gone: the client closed or reset the connection. */
    void (*watched)(struct stream *s, bool gone);
};

struct stream {
    struct arena arena; /* of the request; freed by stream_finish() */
    struct request request;
    struct endpoints endpoints;
    const struct stream_user *user; /* set by the frontend's request function */
    void *context;                  /* the user's */
    int64_t begun_wall_ms;          /* when the head was complete */
    int64_t progress_ms;            /* when bytes last went to the client */
    uint64_t received, sent_bytes;  /* on the wire, for logs */
    unsigned requests_before;       /* on this connection, for logs */
    bool keep_alive;                /* the answer's head lets the connection go on */
};

/* The bytes of the body that are at hand (maybe none); they stay in place until they are acked. */
struct str stream_body(struct stream *s);
enum stream_body_state stream_body_state(const struct stream *s);
/* Of STREAM_BODY_BAD: static text. */
const char *stream_body_fault(const struct stream *s);
/* Calls body_ready() when more than now is at hand, or the state changes. What is at hand grows; it may move,
 * so none of it may be lent further, and it must be less than STREAM_BODY_MAX. Sends "100 Continue" first, if
 * the client waits for it. */
void stream_want_body(struct stream *s);
void stream_body_ack(struct stream *s, size_t n);

/* Looks out for a client that goes away while its answer is waited for. Only when the body is complete; one
 * watch at a time; a request that comes behind this one ends it too (gone: false), and false is returned when
 * one is here already. */
bool stream_watch(struct stream *s);

/* An interim answer (1xx); not to HTTP/1.0 clients: then nothing is sent and sent() is called all the same.
 */
void stream_interim(struct stream *s, int status, const struct field *fields, size_t count);
/* Writes the head into the stream's memory; it goes out with the first send. False when it does not fit (a
 * bug of limits). */
bool stream_head(struct stream *s, const struct response *response);
/* Content, framed as the head said. last: nothing follows, the framing's end is sent with it. n > 0. The
 * bytes stay in place until sent(). */
void stream_send(struct stream *s, struct str content, bool last);
/* A range of a regular file, length > 0. */
void stream_send_file(struct stream *s, int file, int64_t offset, int64_t length, bool last);
/* The head alone, when no content is at hand yet. */
void stream_flush(struct stream *s);
/* Whatever is not sent yet and the framing's end. False when all had gone before: then sent() is not called.
 */
bool stream_end(struct stream *s);
/* The answer stays visibly incomplete: the connection will be closed. */
void stream_abort(struct stream *s);
/* The user lets go; no want or send may be pending unless stream_cancel() came before. The stream must not be
 * touched any more. */
void stream_finish(struct stream *s);
/* Cancels what is pending; its function is called with -ECANCELED (body_ready: state as it is; watched: not
 * gone). */
void stream_cancel(struct stream *s);

#endif
