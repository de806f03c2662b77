#include "base/must.h"
#include "listen/client_parts.h"

#include <stdlib.h>

#define TO(name) (1u << CLIENT_##name)
static const unsigned edges[CLIENT_STEP_COUNT] = {
    [CLIENT_IDLE] = TO(HEAD) | TO(CLOSED),
    [CLIENT_HEAD] = TO(BUSY) | TO(CLOSED),
    [CLIENT_BUSY] = TO(DRAIN) | TO(IDLE) | TO(HEAD) | TO(LINGER) | TO(CLOSED),
    [CLIENT_DRAIN] = TO(IDLE) | TO(HEAD) | TO(LINGER) | TO(CLOSED),
    [CLIENT_LINGER] = TO(CLOSED),
    [CLIENT_CLOSED] = 0,
};

static void read_head(struct client *c);
static void take_head(struct client *c);
static void got_readable(struct io_op *op, int result);

static void go(struct client *c, enum client_step to)
{
    must(edges[c->step] & 1u << to);
    if (c->step == CLIENT_IDLE)
        c->frontend->idle_count--;
    if (to == CLIENT_IDLE)
        c->frontend->idle_count++;
    c->step = to;
}

void frontend_init(struct frontend *f, struct io *io, struct router *router)
{
    *f = (struct frontend){.io = io, .router = router, .date_second = -1};
    block_cache_init(&f->work_blocks, CLIENT_WORK_BLOCK, 1024);
    block_cache_init(&f->body_blocks, CLIENT_BODY_BLOCK, 64);
    list_init(&f->clients);
}

void frontend_finish(struct frontend *f)
{
    must(f->client_count == 0);
    block_cache_finish(&f->work_blocks);
    block_cache_finish(&f->body_blocks);
}

/* ---- borrowing ---- */

static void work_borrow(struct client *c)
{
    struct work *w = block_get(&c->frontend->work_blocks);

    memset(w, 0, offsetof(struct work, input_own));
    w->client = c;
    w->input = w->input_own;
    w->input_size = CLIENT_INPUT_SIZE;
    w->file = -1;
    arena_init(&w->stream.arena, w->arena_own, CLIENT_WORK_BLOCK - offsetof(struct work, arena_own));
    c->work = w;
}

void client_body_block_return(struct work *w)
{
    block_put(&w->client->frontend->body_blocks, w->body_block);
    w->body_block = NULL;
}

static void input_return(struct work *w)
{
    if (w->input != w->input_own)
        free(w->input);
}

static void work_return(struct client *c)
{
    struct work *w = c->work;

    if (!w)
        return;
    client_body_block_return(w);
    arena_finish(&w->stream.arena);
    input_return(w);
    block_put(&c->frontend->work_blocks, w);
    c->work = NULL;
}

/* Makes the work ready for the next request, whose first bytes stand behind the body of the last one. */
static void work_renew(struct client *c)
{
    struct work *w = c->work;
    struct str rest = w->body.rest;
    char *old_input = w->input != w->input_own ? w->input : NULL;
    char *old_block = w->body_block;
    size_t size = CLIENT_INPUT_SIZE;
    char *input = w->input_own;

    if (rest.n > CLIENT_INPUT_SIZE) {
        input = malloc(size = rest.n * 2);
        must(input != NULL);
    }
    memmove(input, rest.p, rest.n);
    free(old_input);
    block_put(&c->frontend->body_blocks, old_block);
    arena_finish(&w->stream.arena);
    memset(w, 0, offsetof(struct work, input_own));
    w->client = c;
    w->file = -1;
    arena_init(&w->stream.arena, w->arena_own, CLIENT_WORK_BLOCK - offsetof(struct work, arena_own));
    w->input = input;
    w->input_size = size;
    w->input_end = rest.n;
}

/* ---- closing ---- */

static void client_free(struct client *c)
{
    struct frontend *f = c->frontend;

    io_timer_clear(f->io, &c->timer);
    work_return(c);
    io_sock_close(f->io, &c->sock);
    list_remove(&c->link);
    f->client_count--;
    free(c);
}

void client_close(struct client *c)
{
    if (c->step != CLIENT_CLOSED)
        go(c, CLIENT_CLOSED);
    io_cancel(c->frontend->io, &c->reader);
    io_cancel(c->frontend->io, &c->writer);
    if (!io_op_pending(&c->reader) && !io_op_pending(&c->writer))
        client_free(c);
}

static void got_lingering(struct io_op *op, int result)
{
    struct client *c = CONTAINER_OF(op, struct client, reader);

    if (c->step != CLIENT_LINGER || result <= 0) {
        client_close(c);
        return;
    }
    if (io_now_ms(c->frontend->io) < c->work->linger_end_ms)
        io_timer_set(c->frontend->io, &c->timer, CLIENT_LINGER_MS);
    io_recv(c->frontend->io, &c->sock, &c->reader, c->work->input, c->work->input_size);
}

/* Closing at once would reset the connection if the client still sends, and the reset may overtake the
 * answer: close our half, then read until the client closes too (RFC 9112 section 9.6). */
static void client_linger(struct client *c)
{
    go(c, CLIENT_LINGER);
    c->work->linger_end_ms = io_now_ms(c->frontend->io) + CLIENT_LINGER_MAX_MS;
    io_sock_shutdown(c->frontend->io, &c->sock);
    io_timer_set(c->frontend->io, &c->timer, CLIENT_LINGER_MS);
    c->reader.done = got_lingering;
    io_recv(c->frontend->io, &c->sock, &c->reader, c->work->input, c->work->input_size);
}

/* ---- receiving heads ---- */

const struct server *client_server(struct client *c)
{
    return route_default_server(c->frontend->router, &c->work->stream.endpoints);
}

static union end end_of(const struct addr *a)
{
    union end end = {.any.sa_family = AF_UNIX};

    if (a->length <= sizeof end)
        memcpy(&end, &a->u, a->length);
    return end;
}

/* False when the kernel cannot tell any more who the peer is, since it has reset the connection. */
static bool know_ends(struct client *c)
{
    struct addr peer, local;

    if (c->ends_known)
        return true;
    if (!addr_of_socket(&local, c->sock.fd) ||
        (!addr_of_peer(&peer, c->sock.fd) && local.u.any.sa_family != AF_UNIX))
        return false;
    c->peer = end_of(&peer);
    c->local = end_of(&local);
    c->ends_known = true;
    return true;
}

static void fill_endpoints(struct client *c)
{
    struct work *w = c->work;
    struct endpoints *e = &w->stream.endpoints;

    e->remote_addr = addr_host_text(&c->peer.any, sizeof c->peer, w->endpoint_text[0]);
    e->remote_port = addr_port(&c->peer.any, sizeof c->peer);
    e->local_addr = addr_host_text(&c->local.any, sizeof c->local, w->endpoint_text[1]);
    e->local_port = addr_port(&c->local.any, sizeof c->local);
}

static void idle(struct client *c)
{
    struct frontend *f = c->frontend;

    work_return(c);
    go(c, CLIENT_IDLE);
    c->reader.done = got_readable;
    io_readable(f->io, &c->sock, &c->reader);
}

static void timed_out(struct wheel_timer *timer)
{
    struct client *c = CONTAINER_OF(timer, struct client, timer);

    if (c->step == CLIENT_HEAD && c->work->input_end > 0) {
        c->work->parser.scanned = SIZE_MAX; /* tells got_head() that the head is given up */
        io_cancel(c->frontend->io, &c->reader);
        return;
    }
    client_close(c);
}

static void begin_request(struct client *c, const struct h1_fault *fault)
{
    struct work *w = c->work;
    struct stream *s = &w->stream;

    io_timer_clear(c->frontend->io, &c->timer);
    go(c, CLIENT_BUSY);
    c->requests++;
    s->begun_wall_ms = io_wall_ms(c->frontend->io);
    s->requests_before = c->requests - 1;
    s->progress_ms = io_now_ms(c->frontend->io);
    if (fault) {
        s->request.body = REQUEST_BODY_NONE;
        s->request.content_length = 0;
        body_begin(&w->body, &s->request, w->input, 0, 0);
        s->request.keep_alive = false;
    }
    c->frontend->request(c->frontend, s, fault);
}

static void head_complete(struct client *c, size_t size)
{
    struct work *w = c->work;
    const struct request *r = &w->stream.request;

    body_begin(&w->body, r, w->input + size, w->input_end - size, w->input_size - size);
    w->stream.received = size + w->body.taken;
    w->continue_due = r->expect_continue && !body_ended(&w->body) && w->body.taken == 0;
    begin_request(c, NULL);
}

static void h1_limits_of(const struct server *server, struct h1_limits *limits)
{
    limits->line_length = (size_t)server->limit_request_line;
    limits->field_length = (size_t)server->limit_request_field_size;
    limits->fields = (unsigned)server->limit_request_fields;
}

/* The head fills the buffer: doubles it. The parser's limits bound how far this goes. */
static void grow_input(struct work *w)
{
    char *longer = malloc(w->input_size * 2);

    must(longer != NULL);
    memcpy(longer, w->input, w->input_end);
    input_return(w);
    w->input = longer;
    w->input_size *= 2;
}

static void take_head(struct client *c)
{
    struct work *w = c->work;
    struct h1_limits limits;
    struct h1_fault fault;
    size_t size = 0;

    h1_limits_of(client_server(c), &limits);
    switch (h1_parse_request(&w->parser, str_make(w->input, w->input_end), &limits, &w->stream.arena,
                             &w->stream.request, &size, &fault)) {
    case H1_COMPLETE:
        head_complete(c, size);
        break;
    case H1_PARTIAL:
        read_head(c);
        break;
    case H1_BAD:
        begin_request(c, &fault);
        break;
    }
}

static void got_head(struct io_op *op, int result)
{
    struct client *c = CONTAINER_OF(op, struct client, reader);
    static const struct h1_fault late = {408, "the request head did not arrive in time", 0, "Timeout"};

    if (c->step == CLIENT_CLOSED) {
        client_close(c);
    } else if (c->work->parser.scanned == SIZE_MAX) {
        begin_request(c, &late);
    } else if (result <= 0) {
        client_close(c);
    } else {
        c->work->input_end += (size_t)result;
        take_head(c);
    }
}

static void read_head(struct client *c)
{
    struct work *w = c->work;

    if (w->input_end == w->input_size)
        grow_input(w);
    c->reader.done = got_head;
    io_recv(c->frontend->io, &c->sock, &c->reader, w->input + w->input_end, w->input_size - w->input_end);
}

static void begin_head(struct client *c)
{
    fill_endpoints(c);
    go(c, CLIENT_HEAD);
    io_timer_set(c->frontend->io, &c->timer, client_server(c)->timeout_ms);
}

static void got_readable(struct io_op *op, int result)
{
    struct client *c = CONTAINER_OF(op, struct client, reader);

    if (c->step != CLIENT_IDLE || result < 0 || !know_ends(c)) {
        client_close(c);
        return;
    }
    work_borrow(c);
    begin_head(c);
    read_head(c);
}

void client_create(struct frontend *f, int fd)
{
    struct client *c = calloc(1, sizeof *c);

    must(c != NULL);
    c->frontend = f;
    io_sock_adopt(f->io, &c->sock, fd);
    list_append(&f->clients, &c->link);
    f->client_count++;
    f->idle_count++;
    c->step = CLIENT_IDLE;
    c->timer.fire = timed_out;
    c->reader.done = got_readable;
    io_timer_set(f->io, &c->timer, router_model(f->router)->main->timeout_ms);
    io_readable(f->io, &c->sock, &c->reader);
}

static void close_those_in(struct frontend *f, unsigned steps)
{
    struct list *link = f->clients.next;

    while (link != &f->clients) {
        struct client *c = CONTAINER_OF(link, struct client, link);

        link = link->next;
        if (steps & 1u << c->step)
            client_close(c);
    }
}

void client_close_idle(struct frontend *f)
{
    close_those_in(f, TO(IDLE) | TO(HEAD) | TO(DRAIN) | TO(LINGER));
}

void frontend_drain(struct frontend *f)
{
    f->draining = true;
    close_those_in(f, TO(IDLE) | TO(HEAD)); /* the others have an answer that is not read yet */
}

/* ---- after the answer ---- */

static void next_request(struct client *c)
{
    const struct server *server = client_server(c);
    struct work *w = c->work;

    if (c->frontend->draining) {
        client_linger(c);
        return;
    }
    if (w->body.rest.n) {
        work_renew(c);
        begin_head(c);
        take_head(c);
        return;
    }
    io_timer_set(c->frontend->io, &c->timer, server->keep_alive_timeout_ms);
    idle(c);
}

static void drain(struct client *c);

static void got_drained(struct io_op *op, int result)
{
    struct client *c = CONTAINER_OF(op, struct client, reader);

    if (c->step != CLIENT_DRAIN || result <= 0) {
        client_close(c);
        return;
    }
    c->work->drained += (size_t)result;
    body_received(&c->work->body, (size_t)result);
    drain(c);
}

static void drain(struct client *c)
{
    struct work *w = c->work;

    body_ack(&w->body, w->body.window.n);
    if (w->body.complete) {
        next_request(c);
    } else if (w->body.fault || w->drained > CLIENT_DRAIN_MAX) {
        client_linger(c);
    } else {
        stream_receive_body(c);
        c->reader.done = got_drained;
    }
}

void stream_finish(struct stream *s)
{
    struct client *c = CONTAINER_OF(s, struct work, stream)->client;
    struct work *w = c->work;

    must(!io_op_pending(&c->reader) && !io_op_pending(&c->writer) && c->step == CLIENT_BUSY);
    if (w->broken || !w->ended) { /* there is no whole answer that the client could still want to read */
        client_close(c);
    } else if (!w->keep_alive) {
        client_linger(c);
    } else if (!w->body.complete && !c->frontend->draining) {
        go(c, CLIENT_DRAIN);
        io_timer_set(c->frontend->io, &c->timer, client_server(c)->timeout_ms);
        drain(c);
    } else {
        next_request(c);
    }
}
