#include "serve/call.h"
#include "base/must.h"
#include "serve/lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { HEAD_BUFFER = 512 * 1024, LINGER_MS = 1000 };

struct call {
    struct exchange x;
    struct worker *worker;
    struct stream *stream; /* NULL when the answer is done and only the backend's end is waited for */
    struct list link;
    struct wheel_timer timer;

    /* the backend's connection */
    struct io_sock sock;
    struct io_connect connect;
    struct io_op reader, writer;
    struct iovec iov[2];
    struct names_waiter name;
    struct addr address_used;
    unsigned address_next, address_count;
    int64_t address_deadline_ms;
    struct str connect_fault; /* of the last address tried */
    unsigned connect_hop;     /* exchange.hops when it began */
    bool connecting, naming, dropping, ended;

    /* what came from the backend and is not passed on yet: block[start .. received) */
    char *block;
    size_t block_size, start, received;
    bool block_from_cache;

    /* the client */
    bool client_busy; /* a send is under way */
    bool head_unsent;
    bool interim; /* it is an interim head */
    bool body_wanted;
    size_t in_flight; /* bytes of content being sent */

    struct lookup *lookup; /* while a file is looked up */
    int file;              /* the one being sent, or -1 */
    bool over;             /* the exchange is done; ends when nothing is pending */
};

static void pump(struct call *c);

size_t call_size(void)
{
    return sizeof(struct call);
}

static void clock_in(struct call *c)
{
    c->x.now_ms = io_now_ms(c->worker->io);
}

static struct str error_text(struct call *c, int error)
{
    const char *text = strerrordesc_np(error);
    struct str copy = arena_copy(c->x.arena, str_from(text ? text : "unknown error"));

    if (copy.n > 1 && copy.p[1] != ascii_upper(copy.p[1]))
        ((char *)copy.p)[0] = ascii_lower(copy.p[0]);
    return copy;
}

static const char *error_z(struct call *c, int result)
{
    return error_text(c, -result).p;
}

/* ---- the end ---- */

static void block_return(struct call *c)
{
    if (c->block_from_cache)
        block_put(&c->worker->frontend.body_blocks, c->block);
    else
        free(c->block);
    c->block = NULL;
    c->block_size = c->start = c->received = 0;
}

static void call_free(struct call *c)
{
    struct worker *w = c->worker;

    io_timer_clear(w->io, &c->timer);
    io_sock_close(w->io, &c->sock);
    block_return(c);
    list_remove(&c->link);
    w->call_count--;
    block_put(&w->call_blocks, c);
}

static void lingered(struct io_op *op, int result)
{
    struct call *c = CONTAINER_OF(op, struct call, reader);

    (void)result; /* the backend's end, or bytes that nobody asked for: either way it is over */
    call_free(c);
}

static void linger_expired(struct wheel_timer *timer)
{
    struct call *c = CONTAINER_OF(timer, struct call, timer);

    io_cancel(c->worker->io, &c->reader);
}

/* A TCP backend is let close first: else each answer would leave a TIME_WAIT on our side, and those ports run
 * out. */
static void linger_backend(struct call *c)
{
    c->timer.fire = linger_expired;
    c->reader.done = lingered;
    io_timer_set(c->worker->io, &c->timer, LINGER_MS);
    io_readable(c->worker->io, &c->sock, &c->reader);
}

static bool may_linger(const struct call *c)
{
    return c->sock.fd >= 0 && !c->ended && c->x.attempt.down == ATTEMPT_DOWN_END &&
           c->x.attempt.up == ATTEMPT_UP_DONE && c->address_used.u.any.sa_family != AF_UNIX &&
           !c->worker->stopping;
}

static bool pending(const struct call *c)
{
    return io_op_pending(&c->reader) || io_op_pending(&c->writer) || io_op_pending(&c->connect.op) ||
           c->client_busy || c->body_wanted || c->lookup;
}

static void tell(struct call *c)
{
    struct worker *w = c->worker;
    const struct fault *fault = exchange_take_fault(&c->x);

    if (fault)
        logs_fault(w->logs, &c->x, c->stream, fault, io_wall_ms(w->io));
    logs_access(w->logs, &c->x, c->stream, io_wall_ms(w->io), io_now_ms(w->io));
}

/* The exchange is done: waits for what is pending, then lets go of the stream. */
static void call_end(struct call *c)
{
    struct worker *w = c->worker;
    struct stream *s = c->stream;
    bool linger;

    if (!c->over) {
        c->over = true;
        io_timer_clear(w->io, &c->timer);
        if (c->naming)
            names_leave(&c->name);
        c->naming = false;
        if (c->client_busy || c->body_wanted)
            stream_cancel(s);
        io_cancel(w->io, &c->reader);
        io_cancel(w->io, &c->writer);
        io_cancel(w->io, &c->connect.op);
    }
    if (pending(c))
        return;
    if (c->x.cut_off)
        stream_abort(s);
    tell(c);
    linger = may_linger(c);
    if (c->file >= 0)
        close(c->file);
    block_return(c);
    c->file = -1;
    c->stream = NULL;
    if (linger)
        linger_backend(c);
    else
        call_free(c);
    stream_finish(s);
}

/* ---- backend: connecting ---- */

static void connect_next(struct call *c);

static void connect_failed(struct call *c, enum fault_stage stage, int status)
{
    clock_in(c);
    names_forget(c->worker->names, c->x.plan.pass->backend);
    exchange_connect_failed(&c->x, stage, status, c->connect_fault);
}

static void connected(struct io_op *op, int result)
{
    struct call *c = CONTAINER_OF(op, struct call, connect.op);
    char text[ADDR_TEXT_SIZE];
    struct str where;

    c->connecting = false;
    clock_in(c);
    if (c->over) {
        call_end(c);
        return;
    }
    if (c->x.step != STEP_CONNECT || c->x.hops != c->connect_hop) {
        io_sock_close(c->worker->io, &c->sock); /* given up meanwhile */
    } else if (result < 0 && !op->connected) {
        where = addr_text(&c->address_used.u.any, c->address_used.length, text);
        c->connect_fault =
            arena_printf(c->x.arena, "connect to \"%.*s\" failed: %.*s", STR_ARG(where),
                         STR_ARG(result == -ECANCELED ? STR("no answer in time") : error_text(c, -result)));
        io_sock_close(c->worker->io, &c->sock);
        connect_next(c);
    } else {
        exchange_connected(&c->x);
        if (result < 0)
            exchange_send_failed(&c->x, error_z(c, result));
        else
            stream_body_ack(c->stream, exchange_to_backend_ack(&c->x, (size_t)result));
    }
    pump(c);
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

    c->address_count = names_addresses(c->worker->names, c->x.plan.pass->backend, &addresses);
    if (c->address_next >= c->address_count) {
        connect_failed(c, STAGE_CONNECT, 503);
        return;
    }
    c->address_used = addresses[c->address_next++];
    error = io_sock_open(c->worker->io, &c->sock, c->address_used.u.any.sa_family);
    if (error) {
        c->connect_fault = arena_printf(c->x.arena, "socket failed: %.*s", STR_ARG(error_text(c, -error)));
        connect_failed(c, STAGE_CONNECT, 503);
        return;
    }
    exchange_body(&c->x, stream_body(c->stream));
    count = exchange_to_backend(&c->x, slices);
    for (int i = 0; i < count; i++)
        c->iov[i] = (struct iovec){(void *)slices[i].p, slices[i].n};
    c->address_deadline_ms = c->x.now_ms + address_time_ms(c);
    c->connecting = true;
    c->connect_hop = c->x.hops;
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
    clock_in(c);
    if (fault) {
        c->connect_fault = arena_printf(c->x.arena, "look-up of \"%.*s\" failed: %s",
                                        STR_ARG(c->x.plan.pass->backend->address.host), fault);
        connect_failed(c, STAGE_RESOLVE, 502);
    } else {
        connect_next(c);
    }
    pump(c);
}

static void begin_connect(struct call *c)
{
    const struct backend *backend = c->x.plan.pass->backend;
    const struct addr *addresses;

    c->address_next = 0;
    if (names_addresses(c->worker->names, backend, &addresses)) {
        connect_next(c);
        return;
    }
    c->naming = true;
    c->name.found = name_found;
    names_wait(c->worker->names, backend, &c->name);
}

/* ---- backend: talking ---- */

static void written(struct io_op *op, int result)
{
    struct call *c = CONTAINER_OF(op, struct call, writer);

    clock_in(c);
    if (c->over) {
        call_end(c);
        return;
    }
    if (!c->dropping) {
        if (result < 0)
            exchange_send_failed(&c->x, error_z(c, result));
        else
            stream_body_ack(c->stream, exchange_to_backend_ack(&c->x, (size_t)result));
    }
    pump(c);
}

static void write_backend(struct call *c)
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

    clock_in(c);
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
        exchange_backend_ended(&c->x, result < 0 ? error_z(c, result) : NULL);
    }
    pump(c);
}

/* The head fills the block: a larger one takes over. The head's limit is well below its size. */
static void grow_block(struct call *c)
{
    char *larger = malloc(HEAD_BUFFER);

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
        grow_block(c);
    c->reader.done = got;
    io_recv(c->worker->io, &c->sock, &c->reader, c->block + c->received, c->block_size - c->received);
}

static void readable(struct io_op *op, int result)
{
    struct call *c = CONTAINER_OF(op, struct call, reader);

    clock_in(c);
    if (c->over)
        call_end(c);
    else if (!c->dropping && result == -ECANCELED)
        pump(c);
    else if (!c->dropping && exchange_wants(&c->x) & WANT_FROM_BACKEND)
        receive(c); /* which tells of an error too */
    else
        pump(c);
}

/* No buffer is held while a backend thinks. */
static void read_backend(struct call *c)
{
    if (c->block && exchange_backend_buffer_free(&c->x))
        block_return(c);
    if (c->block) {
        receive(c);
        return;
    }
    c->reader.done = readable;
    io_readable(c->worker->io, &c->sock, &c->reader);
}

/* True when the connection is gone, false when operations on it must end first. */
static bool drop_backend(struct call *c)
{
    struct io *io = c->worker->io;

    if (may_linger(c) && exchange_wants(&c->x) & (WANT_END | WANT_DONE))
        return false; /* closed after the answer, see linger_backend() */
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

/* ---- client ---- */

static void body_ready(struct stream *s)
{
    struct call *c = s->context;

    c->body_wanted = false;
    clock_in(c);
    if (c->over)
        call_end(c);
    else
        pump(c);
}

static void get_body(struct call *c)
{
    struct str bytes = stream_body(c->stream);

    if (bytes.n) {
        exchange_body(&c->x, bytes);
    } else if (stream_body_state(c->stream) == STREAM_BODY_GONE) {
        exchange_body_failed(&c->x, BODY_FAULT_GONE,
                             arena_printf(c->x.arena,
                                          "the client closed after %llu of %llu bytes of its body",
                                          (unsigned long long)c->x.attempt.body_sent,
                                          (unsigned long long)c->x.attempt.body_length));
    } else {
        c->body_wanted = true;
        stream_want_body(c->stream);
    }
}

static void sent(struct stream *s, int result)
{
    struct call *c = s->context;
    size_t n = c->in_flight;

    c->client_busy = false;
    c->in_flight = 0;
    clock_in(c);
    if (c->over) {
        call_end(c);
        return;
    }
    if (result < 0)
        exchange_client_failed(&c->x, error_z(c, result));
    else if (c->interim)
        c->interim = false;
    else if (n)
        exchange_to_client_ack(&c->x, n);
    else if (exchange_wants(&c->x) & WANT_END)
        exchange_ended(&c->x);
    pump(c);
}

static void send_interim(struct call *c)
{
    const struct cgi_head *head = exchange_interim(&c->x);

    c->client_busy = c->interim = true;
    stream_interim(c->stream, head->status, head->fields, head->field_count);
    c->start += exchange_interim_taken(&c->x);
}

static void write_head(struct call *c)
{
    must(stream_head(c->stream, exchange_response(&c->x)));
    c->head_unsent = true;
    exchange_head_taken(&c->x);
}

static void write_content(struct call *c)
{
    struct exchange_content content;

    exchange_to_client(&c->x, &content);
    c->client_busy = true;
    c->head_unsent = false;
    if (content.memory.n) {
        c->in_flight = content.memory.n;
        stream_send(c->stream, content.memory, content.last);
    } else {
        c->in_flight = (size_t)content.length;
        stream_send_file(c->stream, c->file, content.offset, content.length, content.last);
    }
}

static void end_answer(struct call *c)
{
    c->head_unsent = false;
    c->client_busy = stream_end(c->stream);
    if (!c->client_busy)
        exchange_ended(&c->x);
}

/* ---- files ---- */

static void lookup_judge(struct call *c, struct lookup *l)
{
    const struct dir_config *config = c->x.plan.config;
    struct str real = str_from(l->real_path);

    if (l->kind == LOOKUP_FAILED) {
        bool missing =
            l->error == ENOENT || l->error == ENOTDIR || l->error == ENAMETOOLONG || l->error == ELOOP;

        exchange_file_failed(&c->x, missing ? 404 : l->error == EACCES ? 403 : 500, error_z(c, -l->error));
    } else if (l->renamed && config->follow_symlinks != 1 &&
               !route_file_granted(c->worker->router, c->x.arena, c->x.plan.server, real, &config)) {
        exchange_file_failed(&c->x, 403, "a symbolic link leads out of the granted directories");
    } else if (l->kind == LOOKUP_DIRECTORY) {
        exchange_file_is_directory(&c->x);
    } else {
        c->file = l->fd;
        l->fd = -1;
        exchange_file_found(&c->x, &l->facts);
    }
}

static void looked_up(struct io_op *op, int result)
{
    struct lookup *l = CONTAINER_OF(op, struct lookup, op);
    struct call *c = l->context;

    c->lookup = NULL;
    clock_in(c);
    if (!c->over && result == 0)
        lookup_judge(c, l);
    if (result == 0 && l->kind == LOOKUP_FILE && l->fd >= 0)
        close(l->fd);
    free(l);
    if (c->over)
        call_end(c);
    else
        pump(c);
}

static void look_up(struct call *c)
{
    const struct dir_config *config;
    struct str path = exchange_file_path(&c->x);

    if (c->x.file_named &&
        (!uri_normalise_path(c->x.arena, path, true, &path) ||
         !route_file_granted(c->worker->router, c->x.arena, c->x.plan.server, path, &config))) {
        exchange_file_failed(&c->x, 403, "not in a granted directory");
        return;
    }
    c->lookup = malloc(sizeof *c->lookup);
    must(c->lookup != NULL);
    c->lookup->op = (struct io_op){.done = looked_up};
    c->lookup->context = c;
    if (!lookup_start(c->lookup, c->worker->io, path)) {
        free(c->lookup);
        c->lookup = NULL;
        exchange_file_failed(&c->x, 404, "no possible file name");
    }
}

/* ---- the loop ---- */

static void find_route(struct call *c)
{
    struct route_input input = {
        .request = exchange_request(&c->x), .endpoints = c->x.endpoints, .vars = &c->x.vars};
    struct plan plan = {0};

    route_request(c->worker->router, c->x.arena, &input, &plan);
    exchange_routed(&c->x, &plan);
}

/* Does one of the things that may be done now without waiting. False when all that is wanted is under way. */
static bool act(struct call *c, unsigned wants)
{
    if (wants & WANT_DROP_BACKEND && drop_backend(c))
        return true;
    if (wants & WANT_ROUTE)
        return find_route(c), true;
    if (wants & WANT_CONNECT && !c->connecting && !c->naming)
        return begin_connect(c), true;
    if (wants & WANT_INTERIM && !c->client_busy)
        return send_interim(c), true;
    if (wants & WANT_FILE && !c->lookup)
        return look_up(c), true;
    if (wants & WANT_HEAD && !c->client_busy)
        return write_head(c), true;
    if (wants & WANT_BODY && !c->body_wanted)
        return get_body(c), true;
    if (wants & WANT_TO_BACKEND && !io_op_pending(&c->writer))
        return write_backend(c), true;
    if (wants & WANT_FROM_BACKEND && !io_op_pending(&c->reader))
        return read_backend(c), true;
    if (wants & WANT_TO_CLIENT && !c->client_busy)
        return write_content(c), true;
    if (wants & WANT_END && !c->client_busy)
        return end_answer(c), true;
    if (wants & WANT_ABORT && !c->client_busy)
        return exchange_ended(&c->x), true;
    if (c->head_unsent && !c->client_busy &&
        !(wants & (WANT_TO_CLIENT | WANT_END | WANT_ABORT | WANT_DONE))) {
        c->head_unsent = false;
        c->client_busy = true;
        stream_flush(c->stream);
    }
    return false;
}

static void set_timer(struct call *c)
{
    int64_t deadline = exchange_deadline_ms(&c->x);

    if (c->connecting && c->address_deadline_ms < deadline)
        deadline = c->address_deadline_ms;
    if (deadline == INT64_MAX || (wheel_armed(&c->timer) && c->timer.due_ms <= deadline))
        return; /* an earlier alarm looks again */
    io_timer_set(c->worker->io, &c->timer, deadline - c->x.now_ms);
}

static void pump(struct call *c)
{
    unsigned wants;

    do {
        wants = exchange_wants(&c->x);
        if (wants & WANT_DONE && !(wants & WANT_DROP_BACKEND && !may_linger(c))) {
            call_end(c);
            return;
        }
    } while (act(c, wants));
    set_timer(c);
}

static void alarm_rang(struct wheel_timer *timer)
{
    struct call *c = CONTAINER_OF(timer, struct call, timer);

    clock_in(c);
    if (c->stream->progress_ms > c->x.client_ms)
        c->x.client_ms = c->stream->progress_ms;
    if (exchange_deadline_ms(&c->x) <= c->x.now_ms)
        exchange_expired(&c->x);
    else if (c->connecting && c->address_deadline_ms <= c->x.now_ms)
        io_cancel(c->worker->io, &c->connect.op);
    pump(c);
}

static const struct stream_user stream_user = {.body_ready = body_ready, .sent = sent};

static void refuse(struct call *c, const struct h1_fault *fault)
{
    struct plan plan = {.kind = PLAN_STATUS, .status = fault->status, .reason = fault->reason};

    plan.server = route_default_server(c->worker->router, c->x.endpoints);
    plan.config = &plan.server->dir;
    exchange_refuse(&c->x, &plan, fault->status, fault->reason);
}

void call_begin(struct frontend *f, struct stream *s, const struct h1_fault *fault)
{
    struct worker *w = CONTAINER_OF(f, struct worker, frontend);
    struct call *c = block_get(&w->call_blocks);

    memset(c, 0, sizeof *c);
    c->worker = w;
    c->stream = s;
    c->sock.fd = -1;
    c->file = -1;
    c->timer.fire = alarm_rang;
    list_append(&w->calls, &c->link);
    w->call_count++;
    s->user = &stream_user;
    s->context = c;
    exchange_begin(&c->x, &w->gate, &s->arena, &s->request, &s->endpoints, io_now_ms(w->io),
                   io_wall_ms(w->io) / 1000);
    if (fault)
        refuse(c, fault);
    pump(c);
}

void call_abort_all(struct worker *w)
{
    struct list *link = w->calls.next;

    while (link != &w->calls) {
        struct call *c = CONTAINER_OF(link, struct call, link);

        link = link->next;
        if (!c->stream) {
            io_cancel(w->io, &c->reader);
            continue;
        }
        clock_in(c);
        exchange_client_failed(&c->x, "the server is stopping");
        pump(c);
    }
}
