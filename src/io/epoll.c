/* epoll: readiness turned into completions.
 *
 * I/O comes first, readiness second: an operation is tried when it is submitted, and a descriptor enters the
 * epoll set (edge-triggered) only when an operation must wait for it. What is known of a socket is kept
 * in its flags, so that a system call which could only say EAGAIN is not made: a short read has drained
 * the socket, a short write has filled it. The set is left by close(2) alone.
 *
 * The first wait for reading asks for reading only: EPOLLOUT would wake the loop each time when the peer of a
 * Unix socket reads what was sent. The first wait for writing adds it, with one call more in the life of the
 * socket at most.
 *
 * When the peer's end was announced (EPOLLRDHUP) before a read that came out short, nothing follows: that is
 * the hint io_op.last. It is not drawn after an error or urgent data, where a read may stop before the end of
 * what is queued. (A Unix peer that passes descriptors can bring that about too; none of ours has reason to.)
 */
#include "base/must.h"
#include "io/engine.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BATCH = 256 };

/* What an event's data holds: a pointer to an io_sock, one to an io_op with this bit set, or this value. */
enum { DATA_OP = 1, DATA_POOL = 2 };

struct epoll_io {
    struct io io;
    int fd;
    struct epoll_event events[BATCH];
};

static struct epoll_io *epoll_of(struct io *io)
{
    return CONTAINER_OF(io, struct epoll_io, io);
}

static void flag_off(struct io_sock *sock, enum sock_flag flag)
{
    sock->flags &= ~(unsigned)flag;
}

/* ---- one attempt of each kind: a result, -errno, or -EAGAIN: wait ---- */

static int accept_try(struct io_op *op)
{
    int fd;

    if (!(op->sock->flags & SOCK_FLAG_READABLE))
        return -EAGAIN;
    do
        fd = accept4(op->sock->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && engine_accept_again(errno));
    if (fd >= 0)
        return fd;
    if (errno == EAGAIN)
        flag_off(op->sock, SOCK_FLAG_READABLE);
    return -errno;
}

/* The flag may be mere optimism: an event that no read has used up yet makes it knowledge; a socket that is
 * not in the set enters it, which tells; else poll(2) is asked, which, unlike a peek, does not take an error
 * away. */
static int readable_try(struct io_op *op)
{
    struct io_sock *sock = op->sock;
    struct pollfd p = {.fd = sock->fd, .events = POLLIN | POLLRDHUP};

    if (!(sock->flags & SOCK_FLAG_READABLE))
        return -EAGAIN;
    if (sock->flags & SOCK_FLAG_READABLE_KNOWN)
        return 0;
    if (sock->flags & SOCK_FLAG_WATCHED && poll(&p, 1, 0) == 1)
        return 0;
    flag_off(sock, SOCK_FLAG_READABLE);
    return -EAGAIN;
}

static int recv_try(struct io_op *op)
{
    struct io_sock *sock = op->sock;
    ssize_t n;

    if (!(sock->flags & SOCK_FLAG_READABLE))
        return -EAGAIN;
    flag_off(sock, SOCK_FLAG_READABLE_KNOWN);
    do
        n = recv(sock->fd, op->u.buffer, op->length, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        if (errno == EAGAIN)
            flag_off(sock, SOCK_FLAG_READABLE);
        return -errno;
    }
    if (n > 0 && (size_t)n < op->length && !(sock->flags & SOCK_FLAG_ODD)) {
        if (sock->flags & SOCK_FLAG_ENDED)
            op->last = true;
        else
            flag_off(sock, SOCK_FLAG_READABLE);
    }
    return (int)n;
}

static size_t iov_total(const struct iovec *iov, size_t count)
{
    size_t total = 0;

    while (count--)
        total += (iov++)->iov_len;
    return total;
}

static int send_now(struct io_op *op)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)op->u.iov, .msg_iovlen = op->length};
    int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (op->flags & OP_FLAG_MORE ? MSG_MORE : 0);
    ssize_t n;

    do
        n = sendmsg(op->sock->fd, &message, flags);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        if (errno == EAGAIN)
            flag_off(op->sock, SOCK_FLAG_WRITABLE);
        return -errno;
    }
    if ((size_t)n < iov_total(op->u.iov, op->length))
        flag_off(op->sock, SOCK_FLAG_WRITABLE);
    return (int)n;
}

static int send_try(struct io_op *op)
{
    return op->sock->flags & SOCK_FLAG_WRITABLE ? send_now(op) : -EAGAIN;
}

static int sendfile_try(struct io_op *op)
{
    int n;

    if (!(op->sock->flags & SOCK_FLAG_WRITABLE))
        return -EAGAIN;
    n = engine_sendfile(op);
    if (n == -EAGAIN)
        flag_off(op->sock, SOCK_FLAG_WRITABLE);
    return n;
}

/* The connection stands, or its fault is to be had: by sending the first bytes if there are any. A reset
 * tells that it had stood; other faults of a connection which was not known to stand are those of connecting.
 */
static int connect_finish(struct io_op *op)
{
    int error = 0;
    socklen_t length = sizeof error;

    if (op->length) {
        int n = send_now(op);

        if (n >= 0 || n == -ECONNRESET || n == -EPIPE)
            op->connected = true;
        return n;
    }
    if (!op->connected && getsockopt(op->sock->fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0)
        op->connected = error == 0;
    return -error;
}

static int connect_try(struct io_op *op)
{
    int error;

    if (op->flags & OP_FLAG_STARTED)
        return op->sock->flags & SOCK_FLAG_WRITABLE ? connect_finish(op) : -EAGAIN;
    error = engine_connect(op);
    if (error && error != -EINPROGRESS)
        return error;
    op->flags |= OP_FLAG_STARTED;
    op->connected = error == 0;
    if (error && !op->length) {
        flag_off(op->sock, SOCK_FLAG_WRITABLE);
        return -EAGAIN;
    }
    /* Over loopback the connection mostly stands by now, whatever connect(2) said: sending tells. */
    return connect_finish(op);
}

static int op_try(struct io_op *op)
{
    switch ((enum op_kind)op->kind) {
    case OP_ACCEPT:
        return accept_try(op);
    case OP_READABLE:
        return readable_try(op);
    case OP_RECV:
        return recv_try(op);
    case OP_CONNECT:
        return connect_try(op);
    case OP_SEND:
        return send_try(op);
    case OP_SENDFILE:
        return sendfile_try(op);
    default:
        must(!"an operation of a socket");
        return -EINVAL;
    }
}

/* ---- waiting ---- */

static int sock_watch(struct epoll_io *e, struct io_sock *sock, bool out)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET, .data.ptr = sock};
    bool watched = sock->flags & SOCK_FLAG_WATCHED;

    if (watched && (!out || sock->flags & SOCK_FLAG_WATCHED_OUT))
        return 0;
    if (out)
        event.events |= EPOLLOUT;
    if (epoll_ctl(e->fd, watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, sock->fd, &event))
        return -errno;
    sock->flags |= SOCK_FLAG_WATCHED | (out ? SOCK_FLAG_WATCHED_OUT : 0);
    return 0;
}

static void sock_op_go(struct epoll_io *e, struct io_op *op)
{
    int result = op_try(op);

    if (result == -EAGAIN) {
        if (op->kind == OP_CONNECT && !(op->flags & OP_FLAG_STARTED)) {
            engine_retry_connect(&e->io, op);
            return;
        }
        result = sock_watch(e, op->sock, op->kind > OP_RECV);
        if (result == 0)
            return;
    }
    engine_finish(&e->io, op, result);
}

static void watch_go(struct epoll_io *e, struct io_op *op)
{
    struct epoll_event event = {.events = op->events, .data.u64 = (uintptr_t)op | DATA_OP};

    if (epoll_ctl(e->fd, EPOLL_CTL_ADD, op->fd, &event))
        engine_finish(&e->io, op, -errno);
}

static void watch_end(struct epoll_io *e, struct io_op *op, int result)
{
    epoll_ctl(e->fd, EPOLL_CTL_DEL, op->fd, NULL);
    engine_finish(&e->io, op, result);
}

/* What the page cache has, or takes, is done at once; the rest is slow work. */
static void file_go(struct epoll_io *e, struct io_op *op)
{
    struct iovec one = {.iov_base = op->u.buffer, .iov_len = op->length};
    ssize_t n;

    if (op->kind == OP_FILE_READ)
        n = preadv2(op->fd, &one, 1, op->offset, RWF_NOWAIT);
    else
        n = pwritev2(op->fd, &one, 1, op->offset, RWF_NOWAIT);
    if (n >= 0)
        engine_finish(&e->io, op, (int)n);
    else if (errno == EAGAIN || errno == EOPNOTSUPP || errno == ENOSYS || errno == EINTR)
        pool_submit(&e->io, op);
    else
        engine_finish(&e->io, op, -errno);
}

static void epoll_submit(struct io *io, struct io_op *op)
{
    struct epoll_io *e = epoll_of(io);

    if (op->kind <= OP_SENDFILE)
        sock_op_go(e, op);
    else if (op->kind == OP_WATCH)
        watch_go(e, op);
    else
        file_go(e, op);
}

static void epoll_cancel(struct io *io, struct io_op *op)
{
    if (op->kind == OP_WATCH) {
        watch_end(epoll_of(io), op, -ECANCELED);
        return;
    }
    if (op->state == OP_RETRY)
        io_timer_clear(io, &CONTAINER_OF(op, struct io_connect, op)->retry);
    engine_finish(io, op, -ECANCELED);
}

/* ---- events ---- */

static void sock_event(struct epoll_io *e, struct io_sock *sock, uint32_t events)
{
    if (events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        sock->flags |= SOCK_FLAG_READABLE | SOCK_FLAG_READABLE_KNOWN;
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        sock->flags |= SOCK_FLAG_WRITABLE;
    if (events & EPOLLRDHUP)
        sock->flags |= SOCK_FLAG_ENDED;
    if (events & (EPOLLPRI | EPOLLERR))
        sock->flags |= SOCK_FLAG_ODD;
    if (sock->reader && sock->reader->state == OP_WAITING && sock->flags & SOCK_FLAG_READABLE)
        sock_op_go(e, sock->reader);
    if (sock->writer && sock->writer->state == OP_WAITING && sock->flags & SOCK_FLAG_WRITABLE)
        sock_op_go(e, sock->writer);
}

static void event_translate(struct epoll_io *e, const struct epoll_event *event)
{
    if (event->data.u64 == DATA_POOL)
        pool_collect(&e->io);
    else if (event->data.u64 & DATA_OP)
        watch_end(e, (struct io_op *)(uintptr_t)(event->data.u64 & ~(uint64_t)DATA_OP), (int)event->events);
    else
        sock_event(e, event->data.ptr, event->events);
}

static int epoll_wait_events(struct io *io, int timeout_ms)
{
    struct epoll_io *e = epoll_of(io);
    int count = epoll_wait(e->fd, e->events, BATCH, timeout_ms);

    if (count < 0)
        return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++)
        event_translate(e, &e->events[i]);
    return 0;
}

static int epoll_watch_pool(struct io *io, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = DATA_POOL};

    return epoll_ctl(epoll_of(io)->fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static void epoll_destroy(struct io *io)
{
    close(epoll_of(io)->fd);
    free(epoll_of(io));
}

static const struct engine epoll_engine = {
    .name = "epoll",
    .destroy = epoll_destroy,
    .submit = epoll_submit,
    .cancel = epoll_cancel,
    .wait = epoll_wait_events,
    .watch_pool = epoll_watch_pool,
};

struct io *epoll_create_engine(const char **why)
{
    struct epoll_io *e = calloc(1, sizeof *e);

    must(e != NULL);
    e->fd = epoll_create1(EPOLL_CLOEXEC);
    if (e->fd < 0) {
        if (why)
            *why = "no descriptor for epoll is to be had";
        free(e);
        return NULL;
    }
    if (why)
        *why = "epoll was asked for";
    engine_init(&e->io, &epoll_engine);
    return &e->io;
}
