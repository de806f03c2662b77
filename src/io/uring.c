/* uring: operations handed to the kernel as they are; one system call per turn submits and waits.
 *
 * Done by plain system calls here: connecting a Unix socket (the ring would give a full backlog to a kernel
 * thread of its own) and sendfile(2) (which the ring does not have). Where the kernel says EAGAIN
 * nevertheless, as sendfile does, the operation waits for readiness by a poll and is then tried again.
 *
 * The user data of an entry is the operation's address with a step in its low bits. What the kernel copies
 * when it takes an entry (message headers) needs to live until the next submission only: there is one for
 * each slot of the submission queue.
 */
#include "base/must.h"
#include "io/engine.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>

enum { SQ_ENTRIES = 512, CQ_ENTRIES = 4096 };

enum step { STEP_MAIN, STEP_CONNECT, STEP_POLL, STEP_POOL, STEP_MASK = 7 };

struct uring_io {
    struct io io;
    struct io_uring ring;
    struct list stalled; /* operations that found the submission queue full, also cancels of waiting ones */
    struct msghdr messages[SQ_ENTRIES];
    int pool_fd; /* -1 until there is a pool */
    bool pool_armed;
};

static struct uring_io *uring_of(struct io *io)
{
    return CONTAINER_OF(io, struct uring_io, io);
}

/* ---- entries ---- */

static bool sq_has_room(struct uring_io *u, unsigned need)
{
    if (io_uring_sq_space_left(&u->ring) < need)
        io_uring_submit(&u->ring);
    return io_uring_sq_space_left(&u->ring) >= need;
}

/* Only after sq_has_room(). */
static struct io_uring_sqe *sqe_get(struct uring_io *u)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

    must(sqe != NULL);
    return sqe;
}

static void sqe_mark(struct io_uring_sqe *sqe, struct io_op *op, enum step step)
{
    io_uring_sqe_set_data64(sqe, (uintptr_t)op | step);
    op->flying++;
}

static void prep_send(struct uring_io *u, struct io_op *op)
{
    struct io_uring_sqe *sqe = sqe_get(u);
    struct msghdr *message = &u->messages[sqe - u->ring.sq.sqes];
    unsigned flags = MSG_NOSIGNAL | (op->flags & OP_FLAG_MORE ? MSG_MORE : 0);

    if (op->length == 1) {
        io_uring_prep_send(sqe, op->sock->fd, op->u.iov->iov_base, op->u.iov->iov_len, (int)flags);
    } else {
        *message = (struct msghdr){.msg_iov = (struct iovec *)(uintptr_t)op->u.iov, .msg_iovlen = op->length};
        io_uring_prep_sendmsg(sqe, op->sock->fd, message, flags);
    }
    sqe_mark(sqe, op, STEP_MAIN);
}

static void prep_poll(struct uring_io *u, struct io_op *op, int fd, unsigned events, enum step step)
{
    struct io_uring_sqe *sqe = sqe_get(u);

    io_uring_prep_poll_add(sqe, fd, events);
    sqe_mark(sqe, op, step);
}

/* TCP: connect, and if that succeeds the first bytes, as one chain. */
static void prep_connect(struct uring_io *u, struct io_op *op)
{
    struct io_connect *c = CONTAINER_OF(op, struct io_connect, op);
    struct io_uring_sqe *sqe = sqe_get(u);

    io_uring_prep_connect(sqe, op->sock->fd, c->address, c->address_length);
    sqe_mark(sqe, op, STEP_CONNECT);
    op->flags |= OP_FLAG_STARTED;
    if (op->length) {
        sqe->flags |= IOSQE_IO_LINK;
        prep_send(u, op);
    }
}

static void prep_op(struct uring_io *u, struct io_op *op)
{
    struct io_uring_sqe *sqe;

    switch ((enum op_kind)op->kind) {
    case OP_CONNECT: /* the address is no Unix one */
        if (op->connected)
            prep_send(u, op);
        else
            prep_connect(u, op);
        return;
    case OP_SEND:
        prep_send(u, op);
        return;
    case OP_READABLE:
        prep_poll(u, op, op->sock->fd, POLLIN | POLLRDHUP, STEP_MAIN);
        return;
    case OP_WATCH:
        prep_poll(u, op, op->fd, op->events, STEP_MAIN);
        return;
    default:
        break;
    }
    sqe = sqe_get(u);
    if (op->kind == OP_ACCEPT)
        io_uring_prep_accept(sqe, op->sock->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    else if (op->kind == OP_RECV)
        io_uring_prep_recv(sqe, op->sock->fd, op->u.buffer, op->length, 0);
    else if (op->kind == OP_FILE_READ)
        io_uring_prep_read(sqe, op->fd, op->u.buffer, (unsigned)op->length, (uint64_t)op->offset);
    else
        io_uring_prep_write(sqe, op->fd, op->u.buffer, (unsigned)op->length, (uint64_t)op->offset);
    sqe_mark(sqe, op, STEP_MAIN);
}

/* ---- starting ---- */

static void op_stall(struct uring_io *u, struct io_op *op)
{
    list_remove(&op->link);
    list_append(&u->stalled, &op->link);
}

static bool is_unix(const struct io_op *op)
{
    return CONTAINER_OF(op, const struct io_connect, op)->address->sa_family == AF_UNIX;
}

/* The steps that are plain system calls; true when no entry is needed any more. */
static bool step_inline(struct uring_io *u, struct io_op *op)
{
    int result;

    if (op->flags & OP_FLAG_POLLING)
        return false;
    if (op->kind == OP_CONNECT && !op->connected && is_unix(op)) {
        result = engine_connect(op);
        if (result == -EAGAIN) {
            engine_retry_connect(&u->io, op);
            return true;
        }
        op->connected = result == 0;
        if (result || !op->length) {
            engine_finish(&u->io, op, result);
            return true;
        }
    } else if (op->kind == OP_SENDFILE) {
        result = engine_sendfile(op);
        if (result != -EAGAIN) {
            engine_finish(&u->io, op, result);
            return true;
        }
        op->flags |= OP_FLAG_POLLING;
    }
    return false;
}

static void op_go(struct uring_io *u, struct io_op *op)
{
    if (step_inline(u, op))
        return;
    if (!sq_has_room(u, 2)) {
        op->state = OP_STALLED;
        op_stall(u, op);
        return;
    }
    op->state = OP_WAITING;
    if (op->flags & OP_FLAG_POLLING)
        prep_poll(u, op, op->sock->fd, op->kind <= OP_RECV ? POLLIN | POLLRDHUP : POLLOUT, STEP_POLL);
    else
        prep_op(u, op);
}

static void uring_submit(struct io *io, struct io_op *op)
{
    op_go(uring_of(io), op);
}

/* ---- cancelling ---- */

static void cancel_go(struct uring_io *u, struct io_op *op)
{
    static const enum step steps[] = {STEP_CONNECT, STEP_MAIN, STEP_POLL};

    if (!sq_has_room(u, 3)) {
        op_stall(u, op);
        return;
    }
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct io_uring_sqe *sqe;

        if (steps[i] == STEP_CONNECT && op->kind != OP_CONNECT)
            continue;
        if ((steps[i] == STEP_POLL) != !!(op->flags & OP_FLAG_POLLING))
            continue;
        sqe = sqe_get(u);
        io_uring_prep_cancel64(sqe, (uintptr_t)op | steps[i], 0);
        io_uring_sqe_set_data64(sqe, 0); /* its own completion tells nothing */
    }
}

static void uring_cancel(struct io *io, struct io_op *op)
{
    if (op->state == OP_WAITING) {
        if (op->flags & OP_FLAG_CANCELLED)
            return;
        op->flags |= OP_FLAG_CANCELLED;
        cancel_go(uring_of(io), op);
        return;
    }
    if (op->state == OP_RETRY)
        io_timer_clear(io, &CONTAINER_OF(op, struct io_connect, op)->retry);
    engine_finish(io, op, -ECANCELED);
}

static void stalled_go(struct uring_io *u)
{
    struct list batch, *link;

    list_init(&batch);
    while ((link = list_take(&u->stalled)))
        list_append(&batch, link);
    while ((link = list_take(&batch))) {
        struct io_op *op = CONTAINER_OF(link, struct io_op, link);

        if (op->state == OP_STALLED)
            op_go(u, op);
        else
            cancel_go(u, op);
    }
}

/* ---- completions ---- */

static void op_end(struct uring_io *u, struct io_op *op, int result)
{
    if (op->flags & OP_FLAG_CANCELLED && (result == -EINTR || result == -EAGAIN))
        result = -ECANCELED;
    if (op->kind == OP_READABLE && result > 0)
        result = 0;
    engine_finish(&u->io, op, result);
}

/* The kernel would have had the caller try again. */
static bool again(const struct io_op *op, int result)
{
    if (result == -EINTR || result == -EAGAIN)
        return true;
    return op->kind == OP_ACCEPT && result < 0 && engine_accept_again(-result);
}

static void main_done(struct uring_io *u, struct io_op *op, int result)
{
    if (!again(op, result) || op->flags & OP_FLAG_CANCELLED) {
        op_end(u, op, result);
        return;
    }
    if (result == -EAGAIN && op->kind <= OP_SENDFILE)
        op->flags |= OP_FLAG_POLLING;
    op_go(u, op);
}

static void connect_done(struct uring_io *u, struct io_op *op, enum step step, int result)
{
    if (step == STEP_CONNECT) {
        op->connected = result == 0;
        op->result = result;
    } else if (op->connected) { /* else it is the rest of a broken chain, and the connect's result counts */
        op->result = result;
    }
    if (op->flying)
        return;
    if (op->connected)
        main_done(u, op, op->result);
    else
        op_end(u, op, op->result == -EAGAIN ? -EADDRNOTAVAIL : op->result);
}

static void poll_done(struct uring_io *u, struct io_op *op, int result)
{
    op->flags &= (uint8_t)~OP_FLAG_POLLING;
    if (op->flags & OP_FLAG_CANCELLED)
        op_end(u, op, -ECANCELED);
    else if (result < 0 && result != -EINTR)
        op_end(u, op, result);
    else
        op_go(u, op);
}

static void cqe_translate(struct uring_io *u, uint64_t data, int result)
{
    struct io_op *op = (struct io_op *)(uintptr_t)(data & ~(uint64_t)STEP_MASK);
    enum step step = data & STEP_MASK;

    if (data == 0)
        return;
    if (step == STEP_POOL) {
        u->pool_armed = false;
        pool_collect(&u->io);
        return;
    }
    op->flying--;
    if (step == STEP_POLL)
        poll_done(u, op, result);
    else if (op->kind == OP_CONNECT)
        connect_done(u, op, step, result);
    else
        main_done(u, op, result);
}

/* ---- turns ---- */

static void pool_arm(struct uring_io *u)
{
    struct io_uring_sqe *sqe;

    if (u->pool_fd < 0 || u->pool_armed || !sq_has_room(u, 1))
        return;
    sqe = sqe_get(u);
    io_uring_prep_poll_add(sqe, u->pool_fd, POLLIN);
    io_uring_sqe_set_data64(sqe, STEP_POOL);
    u->pool_armed = true;
}

static int enter(struct uring_io *u, int timeout_ms)
{
    struct __kernel_timespec limit = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000LL};
    struct io_uring_cqe *cqe;
    int error;

    if (timeout_ms == 0)
        error = io_uring_submit_and_get_events(&u->ring);
    else
        error = io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1, timeout_ms < 0 ? NULL : &limit, NULL);
    /* -EBUSY and -EAGAIN: completions must be taken first, or memory is short: entries stay queued. */
    if (error >= 0 || error == -ETIME || error == -EINTR || error == -EBUSY || error == -EAGAIN)
        return 0;
    return error;
}

static int uring_wait(struct io *io, int timeout_ms)
{
    struct uring_io *u = uring_of(io);
    struct io_uring_cqe *cqe;
    int error;

    stalled_go(u);
    pool_arm(u);
    error = enter(u, list_empty(&io->ready) && list_empty(&u->stalled) ? timeout_ms : 0);
    if (error)
        return error;
    for (int i = 0; i < CQ_ENTRIES && io_uring_peek_cqe(&u->ring, &cqe) == 0; i++) {
        uint64_t data = cqe->user_data;
        int result = cqe->res;

        io_uring_cqe_seen(&u->ring, cqe);
        cqe_translate(u, data, result);
    }
    return 0;
}

/* ---- life ---- */

static int uring_watch_pool(struct io *io, int fd)
{
    uring_of(io)->pool_fd = fd;
    return 0;
}

static void uring_destroy(struct io *io)
{
    io_uring_queue_exit(&uring_of(io)->ring);
    free(uring_of(io));
}

static const struct engine uring_engine = {
    .name = "io_uring",
    .destroy = uring_destroy,
    .submit = uring_submit,
    .cancel = uring_cancel,
    .wait = uring_wait,
    .watch_pool = uring_watch_pool,
};

/* The newest way to set up a ring that the kernel takes. */
static int ring_open(struct io_uring *ring)
{
    static const unsigned ways[] = {
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, /* 6.1 */
        IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,   /* 5.19 */
        0,
    };
    int error = -EINVAL;

    for (size_t i = 0; i < sizeof ways / sizeof *ways && error == -EINVAL; i++) {
        struct io_uring_params p = {.flags = ways[i] | IORING_SETUP_CQSIZE, .cq_entries = CQ_ENTRIES};

        error = io_uring_queue_init_params(SQ_ENTRIES, ring, &p);
    }
    return error;
}

static bool ring_suffices(struct io_uring *ring)
{
    static const int needed[] = {
        IORING_OP_ACCEPT, IORING_OP_CONNECT, IORING_OP_RECV,     IORING_OP_SEND,         IORING_OP_SENDMSG,
        IORING_OP_READ,   IORING_OP_WRITE,   IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL,
    };
    const unsigned features =
        IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG;
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    bool all = probe && (ring->features & features) == features;

    for (size_t i = 0; all && i < sizeof needed / sizeof *needed; i++)
        all = io_uring_opcode_supported(probe, needed[i]);
    io_uring_free_probe(probe);
    return all;
}

static const char *reason_text(int error)
{
    switch (error) {
    case ENOSYS:
        return "the kernel has no io_uring";
    case EPERM:
    case EACCES:
        return "io_uring is forbidden here (kernel.io_uring_disabled, or a seccomp filter)";
    case ENOMEM:
        return "io_uring was refused: the limit of locked memory is too low";
    case EMFILE:
    case ENFILE:
        return "io_uring was refused: no descriptor is left";
    default:
        return "io_uring was refused by the kernel";
    }
}

struct io *uring_create_engine(const char **why)
{
    struct uring_io *u = calloc(1, sizeof *u);
    int error;

    must(u != NULL);
    error = ring_open(&u->ring);
    if (error) {
        *why = reason_text(-error);
        free(u);
        return NULL;
    }
    if (!ring_suffices(&u->ring)) {
        *why = "the kernel's io_uring is too old";
        io_uring_queue_exit(&u->ring);
        free(u);
        return NULL;
    }
    *why = "the kernel has io_uring";
    list_init(&u->stalled);
    u->pool_fd = -1;
    engine_init(&u->io, &uring_engine);
    return &u->io;
}
