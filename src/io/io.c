#include "base/must.h"
#include "io/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <time.h>
#include <unistd.h>

/* Work that completes at once may follow itself this many times before the kernel is asked for events again:
 * the steps of one request mostly fit into one turn, and nobody is starved. */
enum { READY_ROUNDS = 8 };

enum { RETRY_FIRST_MS = 1, RETRY_MAX_MS = 50 };

/* ---- life ---- */

static int64_t clock_ms(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void clocks_read(struct io *io)
{
    io->now_ms = clock_ms(CLOCK_MONOTONIC);
    io->wall_ms = clock_ms(CLOCK_REALTIME);
}

/* sendfile(2) has no MSG_NOSIGNAL; law 2 must hold for it too. */
static void sigpipe_ignore(void)
{
    struct sigaction action;

    if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

void engine_init(struct io *io, const struct engine *engine)
{
    io->engine = engine;
    list_init(&io->ready);
    clocks_read(io);
    wheel_init(&io->wheel, io->now_ms);
    sigpipe_ignore();
}

struct io *io_create(enum io_kind kind, const char **why)
{
    const char *text = NULL;
    struct io *io = NULL;

    if (kind != IO_KIND_EPOLL)
        io = uring_create_engine(&text);
    if (!io && kind != IO_KIND_URING)
        io = epoll_create_engine(text ? NULL : &text);
    if (why)
        *why = text;
    return io;
}

void io_destroy(struct io *io)
{
    if (!io)
        return;
    must(io->pending == 0);
    pool_destroy(io);
    io->engine->destroy(io);
}

const char *io_name(const struct io *io)
{
    return io->engine->name;
}

int64_t io_now_ms(const struct io *io)
{
    return io->now_ms;
}

int64_t io_wall_ms(const struct io *io)
{
    return io->wall_ms;
}

unsigned io_pending(const struct io *io)
{
    return io->pending + io->wheel.armed;
}

/* ---- turns ---- */

void engine_finish(struct io *io, struct io_op *op, int result)
{
    list_remove(&op->link); /* of a list of the implementation, if any */
    op->state = OP_READY;
    op->result = result;
    list_append(&io->ready, &op->link);
}

static void op_deliver(struct io *io, struct io_op *op)
{
    if (op->sock && op->sock->reader == op)
        op->sock->reader = NULL;
    if (op->sock && op->sock->writer == op)
        op->sock->writer = NULL;
    op->state = OP_IDLE;
    io->pending--;
    op->done(op, op->result);
}

static int ready_run(struct io *io)
{
    struct list batch, *link;
    int ran = 0;

    list_init(&batch);
    for (int round = 0; round < READY_ROUNDS && !list_empty(&io->ready); round++) {
        while ((link = list_take(&io->ready)))
            list_append(&batch, link);
        for (; (link = list_take(&batch)); ran++)
            op_deliver(io, CONTAINER_OF(link, struct io_op, link));
    }
    return ran;
}

static int wait_time(const struct io *io, int max_wait_ms)
{
    int64_t next;

    if (!list_empty(&io->ready) || max_wait_ms == 0)
        return 0;
    if (!io->wheel.armed)
        return max_wait_ms;
    next = wheel_next(&io->wheel, clock_ms(CLOCK_MONOTONIC));
    if (max_wait_ms < 0 || next < max_wait_ms)
        return next > INT32_MAX ? INT32_MAX : (int)next;
    return max_wait_ms;
}

int io_turn(struct io *io, int max_wait_ms)
{
    int ran, error;

    must(!io->turning);
    io->turning = true;
    error = io->engine->wait(io, wait_time(io, max_wait_ms));
    clocks_read(io);
    ran = ready_run(io);
    ran += (int)wheel_run(&io->wheel, io->now_ms);
    io->turning = false;
    return error ? error : ran;
}

/* ---- timers ---- */

void io_timer_set(struct io *io, struct wheel_timer *timer, int64_t ms)
{
    if (!io->turning)
        clocks_read(io);
    wheel_set(&io->wheel, timer, io->now_ms + ms);
}

void io_timer_clear(struct io *io, struct wheel_timer *timer)
{
    wheel_clear(&io->wheel, timer);
}

/* ---- operations ---- */

bool io_op_pending(const struct io_op *op)
{
    return op->state != OP_IDLE;
}

static void op_begin(struct io *io, struct io_op *op, enum op_kind kind)
{
    must(op->state == OP_IDLE && op->done);
    op->kind = (uint8_t)kind;
    op->state = OP_WAITING;
    op->connected = op->last = false;
    op->flags = op->flying = 0;
    op->sock = NULL;
    list_init(&op->link);
    io->pending++;
}

static void sock_begin(struct io *io, struct io_sock *sock, struct io_op *op, enum op_kind kind)
{
    struct io_op **slot = kind <= OP_RECV ? &sock->reader : &sock->writer;

    must(sock->fd >= 0 && !*slot); /* law 3 */
    op_begin(io, op, kind);
    op->sock = sock;
    *slot = op;
}

void io_cancel(struct io *io, struct io_op *op)
{
    switch (op->state) {
    case OP_IDLE:
    case OP_READY:
        break;
    case OP_POOLED:
        pool_cancel(io, op);
        break;
    default:
        io->engine->cancel(io, op);
    }
}

/* ---- sockets ---- */

int io_sock_open(struct io *io, struct io_sock *sock, int family)
{
    (void)io;
    *sock = (struct io_sock){.fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (sock->fd < 0)
        return -errno;
    sock->flags = SOCK_FLAG_WRITABLE | (family == AF_UNIX ? 0 : SOCK_FLAG_NAGLE);
    return 0;
}

void io_sock_adopt(struct io *io, struct io_sock *sock, int fd)
{
    (void)io;
    *sock = (struct io_sock){.fd = fd, .flags = SOCK_FLAG_READABLE | SOCK_FLAG_WRITABLE};
}

void io_sock_close(struct io *io, struct io_sock *sock)
{
    (void)io;
    must(!sock->reader && !sock->writer); /* law 6 */
    if (sock->fd >= 0)
        close(sock->fd); /* which takes it out of an epoll set too */
    sock->fd = -1;
}

void io_sock_shutdown(struct io *io, struct io_sock *sock)
{
    (void)io;
    must(!sock->writer);
    shutdown(sock->fd, SHUT_WR);
}

static void no_delay(int fd)
{
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* What connections inherit is set once on the listening socket. */
static void listener_prepare(struct io_sock *sock)
{
    int flags = fcntl(sock->fd, F_GETFL);

    if (flags >= 0 && !(flags & O_NONBLOCK))
        fcntl(sock->fd, F_SETFL, flags | O_NONBLOCK);
    no_delay(sock->fd); /* refused by a Unix socket: all right */
    sock->flags |= SOCK_FLAG_LISTENING;
}

void io_accept(struct io *io, struct io_sock *sock, struct io_op *op)
{
    if (!(sock->flags & SOCK_FLAG_LISTENING))
        listener_prepare(sock);
    sock_begin(io, sock, op, OP_ACCEPT);
    io->engine->submit(io, op);
}

/* The faults that accept(2) lists as those of the new connection. */
bool engine_accept_again(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
        return true;
    default:
        return false;
    }
}

void io_connect(struct io *io, struct io_sock *sock, struct io_connect *connect,
                const struct sockaddr *address, socklen_t address_length, const struct iovec *iov, int count)
{
    must(count >= 0);
    sock_begin(io, sock, &connect->op, OP_CONNECT);
    connect->io = io;
    connect->address = address;
    connect->address_length = address_length;
    connect->wait_ms = 0;
    connect->op.u.iov = iov;
    connect->op.length = (size_t)count;
    io->engine->submit(io, &connect->op);
}

int engine_connect(struct io_op *op)
{
    struct io_connect *c = CONTAINER_OF(op, struct io_connect, op);

    op->sock->flags &= ~(unsigned)SOCK_FLAG_READABLE; /* the peer has not been asked for anything */
    if (connect(op->sock->fd, c->address, c->address_length) == 0)
        return 0;
    if (errno == EINTR)
        return -EINPROGRESS;
    if (errno == EAGAIN && c->address->sa_family != AF_UNIX)
        return -EADDRNOTAVAIL;
    return -errno;
}

static void retry_fired(struct wheel_timer *timer)
{
    struct io_connect *c = CONTAINER_OF(timer, struct io_connect, retry);

    c->op.state = OP_WAITING;
    c->io->engine->submit(c->io, &c->op);
}

void engine_retry_connect(struct io *io, struct io_op *op)
{
    struct io_connect *c = CONTAINER_OF(op, struct io_connect, op);

    c->wait_ms = c->wait_ms ? c->wait_ms * 2 : RETRY_FIRST_MS;
    if (c->wait_ms > RETRY_MAX_MS)
        c->wait_ms = RETRY_MAX_MS;
    op->state = OP_RETRY;
    c->retry.fire = retry_fired;
    io_timer_set(io, &c->retry, c->wait_ms);
}

void io_readable(struct io *io, struct io_sock *sock, struct io_op *op)
{
    sock_begin(io, sock, op, OP_READABLE);
    io->engine->submit(io, op);
}

void io_recv(struct io *io, struct io_sock *sock, struct io_op *op, void *buffer, size_t length)
{
    must(length > 0);
    sock_begin(io, sock, op, OP_RECV);
    op->u.buffer = buffer;
    op->length = length > INT32_MAX ? INT32_MAX : length;
    io->engine->submit(io, op);
}

static void sock_end_nagle(struct io_sock *sock)
{
    if (sock->flags & SOCK_FLAG_NAGLE) {
        no_delay(sock->fd);
        sock->flags &= ~(unsigned)SOCK_FLAG_NAGLE;
    }
}

void io_send(struct io *io, struct io_sock *sock, struct io_op *op, const struct iovec *iov, int count,
             bool more)
{
    must(count > 0);
    sock_begin(io, sock, op, OP_SEND);
    sock_end_nagle(sock);
    op->u.iov = iov;
    op->length = (size_t)count;
    op->flags = more ? OP_FLAG_MORE : 0;
    io->engine->submit(io, op);
}

void io_sendfile(struct io *io, struct io_sock *sock, struct io_op *op, int file, int64_t offset,
                 size_t length)
{
    must(length > 0 && offset >= 0);
    sock_begin(io, sock, op, OP_SENDFILE);
    sock_end_nagle(sock);
    op->fd = file;
    op->offset = offset;
    op->length = length > INT32_MAX ? INT32_MAX : length;
    io->engine->submit(io, op);
}

int engine_sendfile(struct io_op *op)
{
    off_t offset = op->offset;
    ssize_t n;

    do
        n = sendfile(op->sock->fd, op->fd, &offset, op->length);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : (int)n;
}

/* ---- files, foreign descriptors, slow work ---- */

static void file_begin(struct io *io, struct io_op *op, enum op_kind kind, int file, void *buffer,
                       size_t length, int64_t offset)
{
    must(offset >= 0);
    op_begin(io, op, kind);
    op->fd = file;
    op->u.buffer = buffer;
    op->length = length > INT32_MAX ? INT32_MAX : length;
    op->offset = offset;
    io->engine->submit(io, op);
}

void io_file_read(struct io *io, struct io_op *op, int file, void *buffer, size_t length, int64_t offset)
{
    file_begin(io, op, OP_FILE_READ, file, buffer, length, offset);
}

void io_file_write(struct io *io, struct io_op *op, int file, const void *buffer, size_t length,
                   int64_t offset)
{
    file_begin(io, op, OP_FILE_WRITE, file, (void *)(uintptr_t)buffer, length, offset);
}

void io_watch(struct io *io, struct io_op *op, int fd, int events)
{
    must(events && !(events & ~(POLLIN | POLLOUT)));
    op_begin(io, op, OP_WATCH);
    op->fd = fd;
    op->events = (uint16_t)events;
    io->engine->submit(io, op);
}

void io_work(struct io *io, struct io_op *op, void (*run)(struct io_op *op))
{
    op_begin(io, op, OP_WORK);
    op->u.run = run;
    pool_submit(io, op);
}
