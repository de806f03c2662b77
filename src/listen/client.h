/* client: a client's connection: HTTP/1 requests in, answers out, one after the other (RFC 9112 section 9).
 *
 * An idle connection is one small struct; the buffers and the arena of a request are borrowed from the
 * frontend's caches while it runs. Pipelined requests wait in the buffer. The connection's steps:
 *
 *     IDLE -> HEAD -> BUSY -> (DRAIN ->) IDLE | HEAD
 *                         \-> LINGER -> closed
 */
#ifndef LISTEN_CLIENT_H
#define LISTEN_CLIENT_H

#include "base/block.h"
#include "io/io.h"
#include "listen/stream.h"
#include "route/route.h"

enum {
    CLIENT_WORK_BLOCK = 24 * 1024,  /* a request's stream, arena and input buffer */
    CLIENT_BODY_BLOCK = 128 * 1024, /* relays of bodies, both ways */
    CLIENT_DRAIN_MAX =
        256 * 1024, /* bytes of an unread request body that are read and dropped to keep a connection */
    CLIENT_LINGER_MS = 2000, /* how long a closing connection waits for the client's end, or more from it */
    CLIENT_LINGER_MAX_MS = 30000, /* how long in all while the client goes on sending */
};

struct client;

/* What all connections of one worker share; made by serve/. */
struct frontend {
    struct io *io;
    struct router *router;
    struct block_cache work_blocks; /* of CLIENT_WORK_BLOCK */
    struct block_cache body_blocks; /* of CLIENT_BODY_BLOCK */
    /* A request has come (fault NULL), or something that is none (the stream's request is filled as far as it
     * could be read). Sets user and context; must lead to stream_finish() in the end, though never from
     * inside this call. */
    void (*request)(struct frontend *f, struct stream *s, const struct h1_fault *fault);
    struct str server;   /* of the Server field; absent: none is sent */
    struct list clients; /* all connections */
    unsigned client_count, idle_count;
    bool draining;       /* no new requests: connections close after the current one */
    int64_t date_second; /* of date_text */
    char date_text[29];
};

void frontend_init(struct frontend *f, struct io *io, struct router *router);
/* Ends idle connections at once and the others after their answer. */
void frontend_drain(struct frontend *f);
/* No connection may exist any more. */
void frontend_finish(struct frontend *f);

/* Takes over an accepted descriptor. */
void client_create(struct frontend *f, int fd);
/* Breaks off all connections that run no request; busy ones end by their streams. */
void client_close_idle(struct frontend *f);

#endif
