/* engine: what io.c, the implementations (epoll.c, uring.c) and the pool of threads share. Private to io.
 *
 * io.c checks the laws, fills the operation and hands it to the implementation's submit(), which keeps it
 * (OP_WAITING and so on) until engine_finish(). That only queues it: done is called by io_turn(), after all
 * events of the turn have been translated, so that no event of a batch meets a socket which a done
 * function of the same batch has closed or freed.
 */
#ifndef IO_ENGINE_H
#define IO_ENGINE_H

#include "io/io.h"

enum op_kind {
    OP_ACCEPT,
    OP_READABLE,
    OP_RECV, /* the last that reads */
    OP_CONNECT,
    OP_SEND,
    OP_SENDFILE, /* the last of a socket */
    OP_FILE_READ,
    OP_FILE_WRITE,
    OP_WATCH,
    OP_WORK,
};

enum op_state {
    OP_IDLE,    /* not pending */
    OP_WAITING, /* for the kernel */
    OP_STALLED, /* for room in the submission queue */
    OP_RETRY,   /* a Unix connect on its timer */
    OP_POOLED,  /* with the threads */
    OP_READY,   /* finished, done not called yet */
};

enum op_flag {
    OP_FLAG_MORE = 1,      /* send: MSG_MORE */
    OP_FLAG_STARTED = 2,   /* connect: connect(2) was called */
    OP_FLAG_CANCELLED = 4, /* cancel was asked for, the kernel's answer is awaited */
    OP_FLAG_POLLING = 8,   /* the readiness of the socket is awaited first */
    OP_FLAG_TAKEN = 16,    /* a thread has it; guarded by the pool's lock */
};

enum sock_flag {
    SOCK_FLAG_LISTENING = 1, /* prepared by the first io_accept() */
    SOCK_FLAG_NAGLE = 2,     /* TCP_NODELAY is to be set yet */
    /* Of epoll: */
    SOCK_FLAG_READABLE = 4,
    SOCK_FLAG_WRITABLE = 8,
    SOCK_FLAG_ENDED = 16, /* the peer's end was seen: once the socket is drained, nothing follows */
    SOCK_FLAG_ODD = 32,   /* an error or urgent data was seen: a short read tells nothing */
    SOCK_FLAG_WATCHED = 64,
    SOCK_FLAG_WATCHED_OUT = 128,
    SOCK_FLAG_READABLE_KNOWN = 256, /* by an event that no read has used up yet */
};

struct engine {
    const char *name;
    void (*destroy)(struct io *io);
    /* Never sees OP_WORK. */
    void (*submit)(struct io *io, struct io_op *op);
    /* Of an operation that is OP_WAITING, OP_STALLED or OP_RETRY. */
    void (*cancel)(struct io *io, struct io_op *op);
    /* Translates what happened into engine_finish(); 0 or -errno. timeout_ms as of io_turn(). */
    int (*wait)(struct io *io, int timeout_ms);
    /* From now on pool_collect() is called whenever fd is readable; 0 or -errno. */
    int (*watch_pool)(struct io *io, int fd);
};

struct pool;

struct io {
    const struct engine *engine;
    struct wheel wheel;
    struct list ready; /* of io_op */
    unsigned pending;
    bool turning;
    int64_t now_ms, wall_ms;
    struct pool *pool; /* NULL until it is needed */
};

/* Each: NULL when the kernel does not have it; *why says what was found. */
struct io *epoll_create_engine(const char **why);
struct io *uring_create_engine(const char **why);

/* Called by the implementations' create functions on their zeroed struct io. */
void engine_init(struct io *io, const struct engine *engine);
void engine_finish(struct io *io, struct io_op *op, int result);
/* Puts the connect aside until its next attempt, which is a submit(). */
void engine_retry_connect(struct io *io, struct io_op *op);

/* ---- steps that both implementations make with plain system calls; each gives a result, or -errno ---- */

int engine_sendfile(struct io_op *op);
/* connect(2), once; -EINPROGRESS where it goes on in the background, -EAGAIN when a Unix backlog is full. */
int engine_connect(struct io_op *op);
/* True if accept(2) failed by a connection that died in the queue, so that the next one may be tried. */
bool engine_accept_again(int error);

/* ---- pool.c ---- */

/* OP_WORK, or a file operation that would block. */
void pool_submit(struct io *io, struct io_op *op);
void pool_cancel(struct io *io, struct io_op *op);
void pool_collect(struct io *io);
void pool_destroy(struct io *io);

#endif
