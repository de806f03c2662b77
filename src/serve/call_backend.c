/* The backend's side of a call: connecting, talking, dropping. */
#include "base/must.h"
#include "serve/call_parts.h"

#include <errno.h>
#include <stdlib.h>

enum { HEAD_BUFFER = 512 * 1024, LINGER_MS = 1000 };

/* ---- backend: connecting ---- */

static void connect_next(struct call *c);

static void connect_failed(struct call *c, enum fault_stage stage, int status)
{
    call_clock_in(c);
    names_forget(c->worker->names, c->x.plan.pass->backend);
    exchange_connect_failed(&c->x, stage, status, c->connect_fault);
}

static void connected(struct io_op *op, int result)
{
    struct call *c = CONTAINER_OF(op, struct call, connect.op);
    char text[ADDR_TEXT_SIZE];
    struct str where;

    c->connecting = false;
    call_clock_in(c);
    if (c->over) {
        call_end(c);
        return;
    }
    if (c->x.step != STEP_CONNECT || c->x.hops != c->connect_hop) {
        io_sock_close(c->worker->io, &c->sock); /* given up meanwhile */
    } else if (result < 0 && !op->connected) {
        where = addr_text(&c->address_used.u.any, c->address_used.length, text);
        c->connect_fault = arena_printf(
            c->x.arena, "connect to \"%.*s\" failed: %.*s", STR_ARG(where),
            STR_ARG(result == -ECANCELED ? STR("no answer in time") : call_error_text(c, -result)));
        io_sock_close(c->worker->io, &c->sock);
        connect_next(c);
    } else {
        exchange_connected(&c->x);
        if (result < 0)
            exchange_send_failed(&c->x, call_error_z(c, result));
        else
            stream_body_ack(c->stream, exchange_to_backend_ack(&c->x, (size_t)result));
    }
    call_pump(c);
}

/* The time of a connect is shared by the addresses that are left. */
static int64_t address_time_ms(struct call *c)
{
    int64_t left = exchange_deadline_ms(&c->x) - c->x.now_ms;
    int64_t share = left / (int64_t)(c->address_count - c->address_next + 1);

    return share > 1 ? share : 1;
}

static void connect_next(struct call *c)
{
    const struct addr *addresses;
    struct str slices[2];
    int error, count;

    c->address_count = names_known(c->worker->names, c->x.plan.pass->backend, &addresses);
    if (c->address_next >= c->address_count) {
        connect_failed(c, STAGE_CONNECT, 503);
        return;
    }
    c->address_used = addresses[c->address_next++];
    error = io_sock_open(c->worker->io, &c->sock, c->address_used.u.any.sa_family);
    if (error) {
        c->connect_fault =
            arena_printf(c->x.arena, "socket failed: %.*s", STR_ARG(call_error_text(c, -error)));
        connect_failed(c, STAGE_CONNECT, 503);
        return;
    }
    if (!c->x.body_complete)
        exchange_body(&c->x, stream_body(c->stream));
    count = exchange_to_backend(&c->x, slices);
    for (int i = 0; i < count; i++)
        c->iov[i] = (struct iovec){(void *)slices[i].p, slices[i].n};
    c->address_deadline_ms = c->x.now_ms + address_time_ms(c);
    c->connecting = true;
    c->ended = false;
    c->start = c->received = 0;
    c->connect.op.done = connected;
    io_connect(c->worker->io, &c->sock, &c->connect, &c->address_used.u.any, c->address_used.length, c->iov,
               count);
}

static void name_found(struct names_waiter *waiter, const char *fault)
{
    struct call *c = CONTAINER_OF(waiter, struct call, name);

    c->naming = false;
    call_clock_in(c);
    if (fault) {
        c->connect_fault = arena_printf(c->x.arena, "look-up of \"%.*s\" failed: %s",
                                        STR_ARG(c->x.plan.pass->backend->address.host), fault);
        connect_failed(c, STAGE_RESOLVE, 502);
    } else {
        connect_next(c);
    }
    call_pump(c);
}

void call_connect(struct call *c)
{
    const struct backend *backend = c->x.plan.pass->backend;
    const struct addr *addresses;

    c->address_next = 0;
    c->connect_hop = c->x.hops;
    if (names_addresses(c->worker->names, backend, &addresses)) {
        connect_next(c);
        return;
    }
    c->naming = true;
    c->name.found = name_found;
    names_wait(c->worker->names, backend, &c->name);
}

void call_give_up_connect(struct call *c)
{
    if (c->naming)
        names_leave(&c->name);
    c->naming = false;
    io_cancel(c->worker->io, &c->connect.op); /* connected() closes the socket */
}

/* ---- backend: talking ---- */

static void written(struct io_op *op, int result)
{
    struct call *c = CONTAINER_OF(op, struct call, writer);

    call_clock_in(c);
    if (c->over) {
        call_end(c);
        return;
    }
    if (!c->dropping) {
        if (result < 0)
            exchange_send_failed(&c->x, call_error_z(c, result));
        else
            stream_body_ack(c->stream, exchange_to_backend_ack(&c->x, (size_t)result));
    }
    call_pump(c);
}

void call_write_backend(struct call *c)
{
    struct str slices[2];
    int count = exchange_to_backend(&c->x, slices);

    for (int i = 0; i < count; i++)
        c->iov[i] = (struct iovec){(void *)slices[i].p, slices[i].n};
    c->writer.done = written;
    io_send(c->worker->io, &c->sock, &c->writer, c->iov, count, false);
}

static void got(struct io_op *op, int result)
{
    struct call *c = CONTAINER_OF(op, struct call, reader);

    call_clock_in(c);
    if (c->over) {
        call_end(c);
        return;
    }
    if (!c->dropping && result > 0) {
        c->received += (size_t)result;
        exchange_from_backend(&c->x, str_make(c->block + c->start, c->received - c->start), (size_t)result);
        if (op->last) {
            c->ended = true;
            exchange_backend_ended(&c->x, NULL);
        }
    } else if (!c->dropping) {
        c->ended = true;
        exchange_backend_ended(&c->x, result < 0 ? call_error_z(c, result) : NULL);
    }
    call_pump(c);
}

/* The block is full within a head. Interim heads that were passed on make room; else a larger block takes
 * over. The head's limit is well below its size. */
static void make_room(struct call *c)
{
    char *larger;

    if (c->start >= c->block_size / 2) {
        c->received -= c->start;
        memmove(c->block, c->block + c->start, c->received);
        c->start = 0;
        return;
    }
    larger = malloc(HEAD_BUFFER);

    must(larger != NULL && c->block_size < HEAD_BUFFER);
    memcpy(larger, c->block, c->received);
    block_put(&c->worker->frontend.body_blocks, c->block);
    c->block = larger;
    c->block_size = HEAD_BUFFER;
    c->block_from_cache = false;
}

static void receive(struct call *c)
{
    if (!c->block) {
        c->block = block_get(&c->worker->frontend.body_blocks);
        c->block_size = CLIENT_BODY_BLOCK;
        c->block_from_cache = true;
    }
    if (c->received == c->block_size)
        make_room(c);
    c->reader.done = got;
    io_recv(c->worker->io, &c->sock, &c->reader, c->block + c->received, c->block_size - c->received);
}

static void readable(struct io_op *op, int result)
{
    struct call *c = CONTAINER_OF(op, struct call, reader);

    call_clock_in(c);
    if (c->over)
        call_end(c);
    else if (!c->dropping && result == -ECANCELED)
        call_pump(c);
    else if (!c->dropping && exchange_wants(&c->x) & WANT_FROM_BACKEND)
        receive(c); /* which tells of an error too */
    else
        call_pump(c);
}

/* No buffer is held while a backend thinks. */
void call_read_backend(struct call *c)
{
    if (c->block && exchange_backend_buffer_free(&c->x))
        call_block_return(c);
    if (c->block) {
        receive(c);
        return;
    }
    c->reader.done = readable;
    io_readable(c->worker->io, &c->sock, &c->reader);
}

/* True when the connection is gone, false when operations on it must end first. */
bool call_drop_backend(struct call *c)
{
    struct io *io = c->worker->io;

    if (call_may_linger(c) && exchange_wants(&c->x) & (WANT_END | WANT_DONE))
        return false; /* closed after the answer, see call_linger_backend() */
    c->dropping = true;
    io_cancel(io, &c->reader);
    io_cancel(io, &c->writer);
    io_cancel(io, &c->connect.op);
    if (io_op_pending(&c->reader) || io_op_pending(&c->writer) || io_op_pending(&c->connect.op))
        return false;
    io_sock_close(io, &c->sock);
    c->dropping = false;
    exchange_backend_dropped(&c->x);
    return true;
}

/* ---- after the answer ---- */

static void lingered(struct io_op *op, int result)
{
    struct call *c = CONTAINER_OF(op, struct call, reader);

    (void)result; /* the backend's end, or bytes that nobody asked for: either way it is over */
    call_free(c);
}

static void linger_expired(struct wheel_timer *timer)
{
    struct call *c = CONTAINER_OF(timer, struct call, timer);
    struct linger reset = {.l_onoff = 1};

    /* It keeps what it has said all of: a reset leaves no TIME_WAIT, and the answer is complete already. */
    setsockopt(c->sock.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    io_cancel(c->worker->io, &c->reader);
}

/* A TCP backend is let close first: else each answer would leave a TIME_WAIT on our side, and those ports run
 * out. */
void call_linger_backend(struct call *c)
{
    c->timer.fire = linger_expired;
    c->reader.done = lingered;
    io_timer_set(c->worker->io, &c->timer, LINGER_MS);
    io_readable(c->worker->io, &c->sock, &c->reader);
}

bool call_may_linger(const struct call *c)
{
    return c->sock.fd >= 0 && !c->ended && c->x.attempt.down == ATTEMPT_DOWN_END &&
           c->x.attempt.up == ATTEMPT_UP_DONE && c->address_used.u.any.sa_family != AF_UNIX &&
           !c->worker->stopping;
}
