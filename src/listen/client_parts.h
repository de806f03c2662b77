/* client_parts: what client.c (the connection) and stream.c (its request and answer) share. Private to them.
 */
#ifndef LISTEN_CLIENT_PARTS_H
#define LISTEN_CLIENT_PARTS_H

#include "io/addr.h"
#include "listen/body.h"
#include "listen/client.h"

enum { CLIENT_INPUT_SIZE = 14 * 1024 };

#define CLIENT_STEPS(X)                                                                                      \
    X(IDLE)   /* between requests: nothing is held */                                                        \
    X(HEAD)   /* a request's head is being received */                                                       \
    X(BUSY)   /* the stream is with its user */                                                              \
    X(DRAIN)  /* the rest of an unread body is received and dropped */                                       \
    X(LINGER) /* our half is closed; waits for the client to take notice */                                  \
    X(CLOSED)

enum client_step {
#define X(name) CLIENT_##name,
    CLIENT_STEPS(X)
#undef X
        CLIENT_STEP_COUNT
};

/* What a request borrows: one block of frontend.work_blocks. */
struct work {
    struct stream stream;
    struct client *client;
    struct h1_parser parser;
    char endpoint_text[2][ADDR_TEXT_SIZE];
    /* the body */
    struct body body;
    char *body_block; /* NULL while the input buffer serves */
    bool body_gone, continue_due, body_wanted;
    size_t drained; /* bytes of an unread body that were dropped */
    /* the answer */
    struct out head; /* what of it is not sent yet */
    enum h1_framing framing;
    bool head_given, ended, keep_alive, broken;
    bool waits;     /* a send is to begin when 100 (Continue) has gone */
    bool cancelled; /* what is being sent is not to go on */
    struct iovec iov[4];
    int iov_first, iov_count;
    struct iovec continue_iov;
    char chunk_head[H1_CHUNK_HEAD_MAX];
    int file;
    int64_t file_offset, file_left;
    bool file_last;
    int64_t linger_end_ms;
    /* the head, and what came with it: bytes[0 .. end) */
    char *input; /* input_own, or from malloc when a head is longer */
    size_t input_size, input_end;
    char input_own[CLIENT_INPUT_SIZE];
    char arena_own[];
};

/* One end of a TCP connection; a Unix socket has none to tell. */
union end {
    struct sockaddr any;
    struct sockaddr_in6 in6;
};

struct client {
    struct io_sock sock;
    struct io_op reader, writer;
    struct wheel_timer timer;
    struct list link; /* in frontend.clients */
    struct frontend *frontend;
    struct work *work; /* NULL when idle */
    enum client_step step;
    unsigned requests;
    bool ends_known; /* asked of the kernel when the first request comes */
    union end peer, local;
};

/* ---- client.c ---- */

/* Ends the connection; frees it now, or when what is pending has completed. */
void client_close(struct client *c);
/* The server that a connection belongs to before its requests name one. */
const struct server *client_server(struct client *c);
/* The body's own buffer, if there is one, goes back. */
void client_body_block_return(struct work *w);

/* ---- stream.c ---- */

/* Receives the next bytes of the body: client.reader completes. */
void stream_receive_body(struct client *c);

#endif
