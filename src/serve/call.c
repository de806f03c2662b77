#include "base/must.h"
#include "serve/call_parts.h"

#include <stdlib.h>
#include <unistd.h>

size_t call_size(void)
{
    return sizeof(struct call);
}

void call_clock_in(struct call *c)
{
    c->x.now_ms = io_now_ms(c->worker->io);
}

struct str call_error_text(struct call *c, int error)
{
    const char *text = strerrordesc_np(error);
    struct str copy = arena_copy(c->x.arena, str_from(text ? text : "unknown error"));

    if (copy.n > 1 && copy.p[1] != ascii_upper(copy.p[1]))
        ((char *)copy.p)[0] = ascii_lower(copy.p[0]);
    return copy;
}

const char *call_error_z(struct call *c, int result)
{
    return call_error_text(c, -result).p;
}

/* ---- the end ---- */

void call_block_return(struct call *c)
{
    if (c->block_from_cache)
        block_put(&c->worker->frontend.body_blocks, c->block);
    else
        free(c->block);
    c->block = NULL;
    c->block_size = c->start = c->received = 0;
}

void call_free(struct call *c)
{
    struct worker *w = c->worker;

    io_timer_clear(w->io, &c->timer);
    io_sock_close(w->io, &c->sock);
    call_block_return(c);
    list_remove(&c->link);
    w->call_count--;
    block_put(&w->call_blocks, c);
}

static bool pending(const struct call *c)
{
    return io_op_pending(&c->reader) || io_op_pending(&c->writer) || io_op_pending(&c->connect.op) ||
           c->client_busy || c->body_wanted || c->watching || c->lookup || call_spool_busy(c);
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
void call_end(struct call *c)
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
        if (c->client_busy || c->body_wanted || c->watching)
            stream_cancel(s);
        io_cancel(w->io, &c->reader);
        io_cancel(w->io, &c->writer);
        io_cancel(w->io, &c->connect.op);
        call_spool_cancel(c);
    }
    if (pending(c))
        return;
    if (c->x.cut_off)
        stream_abort(s);
    tell(c);
    linger = call_may_linger(c);
    if (c->file >= 0)
        close(c->file);
    call_block_return(c);
    call_spool_finish(c);
    call_ahead_return(c);
    c->file = -1;
    c->stream = NULL;
    if (linger)
        call_linger_backend(c);
    else
        call_free(c);
    stream_finish(s);
}

/* ---- the loop ---- */

static void find_route(struct call *c)
{
    struct route_input input = {
        .request = exchange_request(&c->x),
        .endpoints = c->x.endpoints,
        .vars = &c->x.vars,
        .begun_us = c->x.wall_s * 1000000,
        .taken_us = (c->x.now_ms - c->x.begun_ms) * 1000,
    };
    struct plan plan = {0};

    route_request(c->worker->router, c->x.arena, &input, &plan);
    exchange_routed(&c->x, &plan);
}

/* Does one of the things that may be done now without waiting. False when all that is wanted is under way. */
static bool act(struct call *c, unsigned wants)
{
    if (wants & WANT_DROP_BACKEND && call_drop_backend(c))
        return true;
    if ((c->connecting || c->naming) && (!(wants & WANT_CONNECT) || c->x.hops != c->connect_hop))
        call_give_up_connect(c);
    if (wants & WANT_ROUTE)
        return find_route(c), true;
    if (wants & WANT_CONNECT && !c->connecting && !c->naming)
        return call_connect(c), true;
    if (wants & WANT_INTERIM && !c->client_busy)
        return call_send_interim(c), true;
    if (wants & WANT_FILE && !c->lookup)
        return call_look_up(c), true;
    if (wants & WANT_HEAD && !c->client_busy)
        return call_write_head(c), true;
    if (wants & WANT_BODY && !c->body_wanted)
        return call_get_body(c), true;
    if (wants & WANT_SPOOL_PUT && !call_spool_busy(c))
        return call_spool_put(c), true;
    if (wants & WANT_SPOOL_GET && !call_spool_busy(c))
        return call_spool_get(c), true;
    if (wants & WANT_TO_BACKEND && !io_op_pending(&c->writer))
        return call_write_backend(c), true;
    if (wants & WANT_FROM_BACKEND && call_feed_ahead(c))
        return true;
    if (wants & WANT_FROM_BACKEND && !io_op_pending(&c->reader))
        return call_read_backend(c), true;
    if (wants & WANT_TO_CLIENT && !c->client_busy)
        return call_write_content(c), true;
    if (call_may_read_ahead(c))
        return call_read_ahead(c), true;
    if (wants & WANT_END && !c->client_busy)
        return call_end_answer(c), true;
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
    if (c->watch_at_ms < deadline)
        deadline = c->watch_at_ms;
    if (deadline == INT64_MAX || (wheel_armed(&c->timer) && c->timer.due_ms <= deadline))
        return; /* an earlier alarm looks again */
    io_timer_set(c->worker->io, &c->timer, deadline - c->x.now_ms);
}

void call_pump(struct call *c)
{
    unsigned wants;

    do {
        wants = exchange_wants(&c->x);
        if (wants & WANT_DONE) { /* what is still under way reports to call_end() only, from now on */
            call_end(c);
            return;
        }
    } while (act(c, wants));
    set_timer(c);
}

static void alarm_rang(struct wheel_timer *timer)
{
    struct call *c = CONTAINER_OF(timer, struct call, timer);

    call_clock_in(c);
    if (c->stream->progress_ms > c->x.client_ms)
        c->x.client_ms = c->stream->progress_ms;
    call_watch_client(c);
    if (exchange_deadline_ms(&c->x) <= c->x.now_ms)
        exchange_expired(&c->x);
    else if (c->connecting && c->address_deadline_ms <= c->x.now_ms)
        io_cancel(c->worker->io, &c->connect.op);
    call_pump(c);
}

static void refuse(struct call *c, const struct h1_fault *fault)
{
    struct plan plan = {.kind = PLAN_STATUS, .status = fault->status, .reason = fault->reason};

    if (fault->directive)
        plan.reason = arena_printf(c->x.arena, "%s (%s)", fault->reason, fault->directive).p;
    plan.server = route_default_server(c->worker->router, c->x.endpoints);
    plan.config = &plan.server->dir;
    exchange_refuse(&c->x, &plan, fault->status, plan.reason);
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
    c->watch_at_ms = io_now_ms(w->io) + CALL_WATCH_MS;
    list_append(&w->calls, &c->link);
    w->call_count++;
    s->user = &call_stream_user;
    s->context = c;
    exchange_begin(&c->x, &w->gate, &s->arena, &s->request, &s->endpoints, io_now_ms(w->io),
                   io_wall_ms(w->io) / 1000);
    if (fault)
        refuse(c, fault);
    call_pump(c);
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
        call_clock_in(c);
        exchange_client_failed(&c->x, "the server is stopping");
        call_pump(c);
    }
}
