/* io: the engine: the only code of the program that waits.
 *
 * One engine serves one worker. Work is handed over as operations; each operation completes exactly once,
 * by a call of its done function, and only from inside io_turn(): never from inside the call that
 * submitted it. A done function may submit, cancel and close whatever it likes. Nothing above this header
 * knows which implementation runs (io_uring, epoll; later a simulated one); all pass the same law suite
 * (io_law_test.c).
 *
 * Laws
 *   1. struct io_op and what was handed over with it (buffers, iov arrays, addresses) belong to the caller,
 * who leaves them alone from submit to completion. From the moment done is called the operation may be
 *      submitted again, or freed.
 *   2. A result is >= 0, or -errno. No signal is raised by writing to a closed connection.
 *   3. At most one operation that reads (recv, readable, accept) and one that writes (connect, send,
 *      sendfile) is pending per socket.
 *   4. io_cancel() makes a pending operation complete soon: with -ECANCELED, or with its true result if
 *      that was quicker. It never completes twice, and bytes that were read are never lost by it:
 *      either the result tells of them, or they are read by the next recv.
 *   5. Completions of different operations come in any order.
 *   6. A socket is closed by io_sock_close() only when none of its operations is pending.
 *   7. Progress is fair: a completion that submits new work that could complete at once lets the others
 *      of that turn go first.
 *
 *     struct echo { struct io_sock sock; struct io_op op; char bytes[4096]; };
 *     static void got(struct io_op *op, int result) { ... io_send(io, &e->sock, &e->op, ...); }
 *     e->op.done = got;
 *     io_recv(io, &e->sock, &e->op, e->bytes, sizeof e->bytes);
 */
#ifndef IO_IO_H
#define IO_IO_H

#include "base/list.h"
#include "base/wheel.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct io;
struct io_op;
struct io_sock;

typedef void io_done(struct io_op *op, int result);

enum io_kind { IO_KIND_AUTO, IO_KIND_EPOLL, IO_KIND_URING };

/* One operation. Zeroed it is valid and not pending. The caller sets done (and whatever surrounds the
 * struct); the rest is the engine's. */
struct io_op {
    io_done *done;
    int result;
    /* Set by the engine for the done function: */
    bool connected; /* of io_connect(): the connection stood, an error is one of sending */
    bool last;      /* of io_recv(): it is known that no byte follows these (a hint: false tells nothing) */
    /* Private to the engine: */
    uint8_t kind, state;
    struct list link;
    struct io_sock *sock;
    union {
        void *buffer;
        const struct iovec *iov;
        void (*run)(struct io_op *op);
    } u;
    size_t length; /* bytes, or the number of vectors */
    int64_t offset;
    int fd;
    uint16_t events;
    uint8_t flags, flying;
};

/* A connection being made: larger than the operations that an idle connection needs. done gets &connect->op,
 * io_cancel() takes it; after completion that op may serve for sending. */
struct io_connect {
    struct io_op op;
    /* Private to the engine: */
    struct io *io;
    const struct sockaddr *address;
    socklen_t address_length;
    unsigned wait_ms;
    struct wheel_timer retry; /* of a Unix connect whose backlog is full */
};

/* One connected, connecting or listening stream socket; embedded by the caller, and not moved while it is
 * open. */
struct io_sock {
    int fd; /* -1 when closed */
    /* Private to the engine: */
    unsigned flags;
    struct io_op *reader, *writer;
};

/* A timer: fires once. One struct wheel_timer of the caller, whose fire function runs from io_turn(). */

/* ---- the engine ---- */

/* Makes an engine, which serves the calling thread of the calling process (after its forks) alone.
 * IO_KIND_AUTO takes io_uring where the kernel allows it, else epoll. NULL when the kind is not to be had;
 * *why (static text, may be NULL) says what was found, also on success. */
struct io *io_create(enum io_kind kind, const char **why);
/* All operations must have completed (cancel them and run turns first). */
void io_destroy(struct io *io);
/* "epoll" or "io_uring". */
const char *io_name(const struct io *io);

/* Waits for completions, timers and work at most max_wait_ms (-1: no bound), runs their functions, returns
 * how many ran; or -errno of a broken engine. */
int io_turn(struct io *io, int max_wait_ms);

/* Milliseconds of the monotonic clock, and of the wall clock since 1970, as read at the start of this turn's
 * callbacks: no system call. */
int64_t io_now_ms(const struct io *io);
int64_t io_wall_ms(const struct io *io);

/* Operations and timers that are pending; for tests and orderly ends. */
unsigned io_pending(const struct io *io);

/* ---- timers ---- */

/* (Re)arms the timer: fire is called from io_turn() when io_now_ms() is at least ms further than now (0: in
 * the next turn, or at the end of this one). */
void io_timer_set(struct io *io, struct wheel_timer *timer, int64_t ms);
/* Disarms; harmless when it is not armed. */
void io_timer_clear(struct io *io, struct wheel_timer *timer);

/* ---- sockets ---- */

/* A new close-on-exec stream socket of AF_INET, AF_INET6 (TCP; Nagle's algorithm is off from the first
 * io_send() on) or AF_UNIX, to be connected. 0 or -errno. */
int io_sock_open(struct io *io, struct io_sock *sock, int family);
/* Takes over a descriptor: one that io_accept() gave, a listening one, or any other connected one that is
 * non-blocking. */
void io_sock_adopt(struct io *io, struct io_sock *sock, int fd);
/* See law 6. Harmless on a socket that is closed (fd == -1) already. */
void io_sock_close(struct io *io, struct io_sock *sock);

/* Result: a new descriptor for io_sock_adopt() (close-on-exec, TCP_NODELAY when TCP). -EMFILE and its like
 * tell that connections wait which cannot be had now: submit again after a while. Faults of a single
 * connection that died in the queue are passed over. A cancel may come too late: a result >= 0 is to be
 * closed. */
void io_accept(struct io *io, struct io_sock *sock, struct io_op *op);

/* Connects and sends the first bytes (count may be 0) in one operation. Result: the number of bytes sent,
 * which may be fewer than given; on an error op->connected tells which half failed (after an error the socket
 * can only be closed). The address and the iov array must live until completion. A Unix socket whose backlog
 * is full (EAGAIN) is tried again on a timer, from 1 ms doubling to 50 ms, until it connects or the
 * operation is cancelled. */
void io_connect(struct io *io, struct io_sock *sock, struct io_connect *connect,
                const struct sockaddr *address, socklen_t address_length, const struct iovec *iov, int count);

/* Result 0 when bytes (or the end, or an error) can be read. For a connection that waits without a buffer. */
void io_readable(struct io *io, struct io_sock *sock, struct io_op *op);
/* Result: bytes read, 0 at the end of the stream. length > 0. */
void io_recv(struct io *io, struct io_sock *sock, struct io_op *op, void *buffer, size_t length);
/* Result: bytes sent, at least one, maybe fewer than given. more: further bytes follow at once (MSG_MORE).
 * The iov array itself must live until completion. */
void io_send(struct io *io, struct io_sock *sock, struct io_op *op, const struct iovec *iov, int count,
             bool more);
/* From a regular file; result: bytes sent, at least one; 0 when the file ended before the offset. */
void io_sendfile(struct io *io, struct io_sock *sock, struct io_op *op, int file, int64_t offset,
                 size_t length);
/* The writing half ends (shutdown(2)); no operation that writes may be pending. */
void io_sock_shutdown(struct io *io, struct io_sock *sock);

/* ---- files, foreign descriptors, slow work ---- */

/* Regular files, at an offset >= 0; result: bytes, maybe fewer than asked for, 0 at the end of file. Does not
 * block the loop. */
void io_file_read(struct io *io, struct io_op *op, int file, void *buffer, size_t length, int64_t offset);
void io_file_write(struct io *io, struct io_op *op, int file, const void *buffer, size_t length,
                   int64_t offset);

/* A descriptor that is not ours to read (eventfd, signalfd, inotify, a library's socket; no regular file):
 * result: the poll(2) events that came, once. events: POLLIN, POLLOUT. One watch at a time per descriptor,
 * and none is pending when it is closed. */
void io_watch(struct io *io, struct io_op *op, int fd, int events);

/* Runs run(op) on a thread of a small pool, then completes with what run left in op->result. For what may
 * block: name look-ups, file opens, password hashes. A cancel before it started completes with -ECANCELED;
 * one that came later does nothing. */
void io_work(struct io *io, struct io_op *op, void (*run)(struct io_op *op));

/* See law 4; harmless on an operation that is not pending. */
void io_cancel(struct io *io, struct io_op *op);
/* True from submit to the call of done. */
bool io_op_pending(const struct io_op *op);

#endif
