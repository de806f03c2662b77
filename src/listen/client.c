#include "listen/client.h"
#include "base/date.h"
#include "base/must.h"
#include "io/addr.h"

#include <errno.h>
#include <stdlib.h>

enum { INPUT_SIZE = 14 * 1024, HEAD_ROOM = 1024 };

/* ---- the connection ---- */

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

#define TO(name) (1u << CLIENT_##name)
static const unsigned edges[CLIENT_STEP_COUNT] = {
    [CLIENT_IDLE] = TO(HEAD) | TO(CLOSED),
    [CLIENT_HEAD] = TO(BUSY) | TO(CLOSED),
    [CLIENT_BUSY] = TO(DRAIN) | TO(IDLE) | TO(HEAD) | TO(LINGER) | TO(CLOSED),
    [CLIENT_DRAIN] = TO(IDLE) | TO(HEAD) | TO(LINGER) | TO(CLOSED),
    [CLIENT_LINGER] = TO(CLOSED),
    [CLIENT_CLOSED] = 0,
};

/* What a request borrows: one block of frontend.work_blocks. */
struct work {
    struct stream stream;
    struct client *client;
    struct h1_parser parser;
    char endpoint_text[2][ADDR_TEXT_SIZE];
    /* the body */
    struct str body;    /* at hand */
    uint64_t body_left; /* bytes of the body that were not received yet */
    char *body_block;   /* NULL while the input buffer serves */
    bool body_gone, continue_due, body_wanted;
    /* the answer */
    struct out head; /* what of it is not sent yet */
    enum h1_framing framing;
    bool head_given, ended, keep_alive, broken;
    struct iovec iov[4];
    int iov_first, iov_count;
    char chunk_head[H1_CHUNK_HEAD_MAX];
    int file;
    int64_t file_offset, file_left;
    bool file_last;
    /* what was received: bytes[start .. end) */
    char *input; /* input_own, or from malloc when a head is longer */
    size_t input_size, input_start, input_end;
    char input_own[INPUT_SIZE];
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

static struct client *client_of(struct stream *s)
{
    return CONTAINER_OF(s, struct work, stream)->client;
}

struct io *stream_io(const struct stream *s)
{
    return CONTAINER_OF(s, struct work, stream)->client->frontend->io;
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
    w->input_size = INPUT_SIZE;
    w->file = -1;
    arena_init(&w->stream.arena, w->arena_own, CLIENT_WORK_BLOCK - offsetof(struct work, arena_own));
    c->work = w;
}

static void body_block_return(struct work *w)
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
    body_block_return(w);
    arena_finish(&w->stream.arena);
    input_return(w);
    block_put(&c->frontend->work_blocks, w);
    c->work = NULL;
}

/* Makes the work ready for the next request, of which the input buffer may hold bytes already. */
static void work_renew(struct client *c)
{
    struct work *w = c->work;
    size_t left = w->input_end - w->input_start;
    char *from = w->input + w->input_start;
    char *long_input = w->input != w->input_own ? w->input : NULL;
    size_t long_size = w->input_size;

    body_block_return(w);
    arena_finish(&w->stream.arena);
    memset(w, 0, offsetof(struct work, input_own));
    w->client = c;
    w->file = -1;
    arena_init(&w->stream.arena, w->arena_own, CLIENT_WORK_BLOCK - offsetof(struct work, arena_own));
    if (long_input && left > INPUT_SIZE) {
        memmove(long_input, from, left);
        w->input = long_input;
        w->input_size = long_size;
    } else {
        memmove(w->input_own, from, left);
        free(long_input);
        w->input = w->input_own;
        w->input_size = INPUT_SIZE;
    }
    w->input_end = left;
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

static void client_close(struct client *c)
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
    io_recv(c->frontend->io, &c->sock, &c->reader, c->work->input, c->work->input_size);
}

/* Closing at once would reset the connection if the client still sends, and the reset may overtake the
 * answer: close our half, then read until the client closes too (RFC 9112 section 9.6). */
static void client_linger(struct client *c)
{
    go(c, CLIENT_LINGER);
    io_sock_shutdown(c->frontend->io, &c->sock);
    io_timer_set(c->frontend->io, &c->timer, CLIENT_LINGER_MS);
    c->reader.done = got_lingering;
    io_recv(c->frontend->io, &c->sock, &c->reader, c->work->input, c->work->input_size);
}

/* ---- receiving heads ---- */

static const struct server *server_of(struct client *c)
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

static void ask_ends(struct client *c)
{
    struct addr a;

    addr_of_peer(&a, c->sock.fd);
    c->peer = end_of(&a);
    addr_of_socket(&a, c->sock.fd);
    c->local = end_of(&a);
    c->ends_known = true;
}

static void fill_endpoints(struct client *c)
{
    struct work *w = c->work;
    struct endpoints *e = &w->stream.endpoints;

    if (!c->ends_known)
        ask_ends(c);
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
    if (f->draining) {
        client_close(c);
        return;
    }
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
        s->request.keep_alive = false;
    }
    c->frontend->request(c->frontend, s, fault);
}

static void head_complete(struct client *c, size_t size)
{
    struct work *w = c->work;
    struct request *r = &w->stream.request;
    size_t at_hand;

    w->input_start += size;
    w->stream.received = size;
    at_hand = w->input_end - w->input_start;
    w->body_left = r->body == REQUEST_BODY_LENGTH ? r->content_length : 0;
    if (at_hand > w->body_left)
        at_hand = (size_t)w->body_left;
    w->body = str_make(w->input + w->input_start, at_hand);
    w->body_left -= at_hand;
    w->stream.received += at_hand;
    w->input_start += at_hand;
    w->continue_due = r->expect_continue && w->body_left && at_hand == 0;
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

    h1_limits_of(server_of(c), &limits);
    switch (h1_parse_request(&w->parser, str_make(w->input, w->input_end), &limits, &w->stream.arena,
                             &w->stream.request, &size, &fault)) {
    case H1_COMPLETE:
        head_complete(c, size);
        break;
    case H1_PARTIAL:
        read_head(c);
        break;
    case H1_BAD:
        w->input_start = w->input_end;
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
    io_timer_set(c->frontend->io, &c->timer, server_of(c)->timeout_ms);
}

static void got_readable(struct io_op *op, int result)
{
    struct client *c = CONTAINER_OF(op, struct client, reader);

    if (c->step != CLIENT_IDLE || result < 0) {
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

void client_close_idle(struct frontend *f)
{
    struct list *link = f->clients.next;

    while (link != &f->clients) {
        struct client *c = CONTAINER_OF(link, struct client, link);

        link = link->next;
        if (c->step == CLIENT_IDLE || c->step == CLIENT_HEAD || c->step == CLIENT_LINGER)
            client_close(c);
    }
}

void frontend_drain(struct frontend *f)
{
    f->draining = true;
    client_close_idle(f);
}

/* ---- the body of a request ---- */

struct str stream_body(struct stream *s)
{
    return CONTAINER_OF(s, struct work, stream)->body;
}

enum stream_body_state stream_body_state(const struct stream *s)
{
    const struct work *w = CONTAINER_OF(s, struct work, stream);

    if (w->body_left == 0)
        return STREAM_BODY_COMPLETE;
    return w->body_gone ? STREAM_BODY_GONE : STREAM_BODY_OPEN;
}

static void got_body(struct io_op *op, int result)
{
    struct client *c = CONTAINER_OF(op, struct client, reader);
    struct work *w = c->work;

    w->body_wanted = false;
    if (result > 0) {
        w->body = str_make(w->body_block ? w->body_block : w->input, (size_t)result);
        w->body_left -= (uint64_t)result;
        w->stream.received += (uint64_t)result;
    } else if (result != -ECANCELED) {
        w->body_gone = true;
    }
    if (c->step == CLIENT_BUSY)
        w->stream.user->body_ready(&w->stream);
    else
        client_close(c);
}

/* A long body gets a large buffer; a short one the input buffer, from which all was taken before. */
static void receive_body(struct client *c)
{
    struct work *w = c->work;
    size_t room = w->input_size;
    char *to = w->input;

    must(w->body.n == 0 && w->body_left > 0 && w->input_start == w->input_end);
    w->input_start = w->input_end = 0;
    if (w->body_left > w->input_size || w->body_block) {
        if (!w->body_block)
            w->body_block = block_get(&c->frontend->body_blocks);
        to = w->body_block;
        room = CLIENT_BODY_BLOCK;
    }
    c->reader.done = got_body;
    io_recv(c->frontend->io, &c->sock, &c->reader, to, room < w->body_left ? room : (size_t)w->body_left);
}

static void sent_continue(struct io_op *op, int result)
{
    struct client *c = CONTAINER_OF(op, struct client, writer);
    struct work *w = c->work;

    if (c->step != CLIENT_BUSY) {
        client_close(c);
        return;
    }
    if (result < 0) {
        w->body_gone = w->broken = true;
        w->body_wanted = false;
        w->stream.user->body_ready(&w->stream);
        return;
    }
    receive_body(c);
}

static void send_continue(struct client *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct work *w = c->work;

    w->continue_due = false;
    w->iov[0] = (struct iovec){(void *)text, sizeof text - 1};
    c->writer.done = sent_continue; /* 25 bytes into an empty socket buffer: they go whole or not at all */
    io_send(c->frontend->io, &c->sock, &c->writer, w->iov, 1, false);
}

void stream_want_body(struct stream *s)
{
    struct client *c = client_of(s);
    struct work *w = c->work;

    must(!w->body_wanted && stream_body_state(s) == STREAM_BODY_OPEN);
    w->body_wanted = true;
    if (w->continue_due && !w->head_given)
        send_continue(c);
    else
        receive_body(c);
}

void stream_body_ack(struct stream *s, size_t n)
{
    struct work *w = CONTAINER_OF(s, struct work, stream);

    must(n <= w->body.n);
    w->body = str_skip(w->body, n);
    if (w->body.n == 0 && w->body_left == 0)
        body_block_return(w);
}

/* ---- the answer ---- */

static struct str date_now(struct frontend *f)
{
    int64_t second = io_wall_ms(f->io) / 1000;

    if (second != f->date_second) {
        date_http(second, f->date_text);
        f->date_second = second;
    }
    return str_make(f->date_text, sizeof f->date_text);
}

/* Whether the connection could be used again after this answer, as far as is known before it begins. */
static bool may_keep_alive(struct client *c, const struct response *response)
{
    struct work *w = c->work;
    const struct server *server = server_of(c);

    return !w->broken && !w->body_gone && !response->close && !c->frontend->draining && server->keep_alive &&
           w->stream.request.keep_alive &&
           (server->max_keep_alive_requests == 0 || c->requests < server->max_keep_alive_requests) &&
           !w->continue_due && w->body_left + w->body.n <= CLIENT_DRAIN_MAX;
}

static size_t head_size(const struct response *r)
{
    size_t n = HEAD_ROOM + r->reason.n;

    for (size_t i = 0; i < r->field_count; i++)
        n += r->fields[i].name.n + r->fields[i].value.n + 4;
    return n;
}

bool stream_head(struct stream *s, const struct response *response)
{
    struct client *c = client_of(s);
    struct work *w = c->work;
    size_t size = head_size(response);
    bool keep = may_keep_alive(c, response);
    struct h1_write_context context = {
        .client_minor_version = s->request.minor_version,
        .client_keep_alive = keep,
        .client_asked_keep_alive = keep && s->request.minor_version == 0,
        .date = date_now(c->frontend),
        .server = c->frontend->server,
    };

    must(!w->head_given);
    w->head = (struct out)OUT_INIT(arena_alloc(&s->arena, size), size);
    w->framing = h1_write_head(&w->head, response, &context, &w->keep_alive);
    w->head_given = true;
    return !w->head.overflow;
}

/* ---- sending ---- */

static void sent(struct io_op *op, int result);

static void send_pieces(struct client *c)
{
    struct work *w = c->work;

    c->writer.done = sent;
    io_send(c->frontend->io, &c->sock, &c->writer, w->iov + w->iov_first, w->iov_count - w->iov_first,
            w->file_left > 0);
}

static void send_file(struct client *c)
{
    struct work *w = c->work;

    c->writer.done = sent;
    io_sendfile(c->frontend->io, &c->sock, &c->writer, w->file, w->file_offset, (size_t)w->file_left);
}

static void put_piece(struct work *w, struct str s)
{
    if (s.n)
        w->iov[w->iov_count++] = (struct iovec){(void *)s.p, s.n};
}

static void put_head(struct work *w)
{
    w->iov_first = w->iov_count = 0;
    put_piece(w, out_done(&w->head));
    w->head = (struct out){0};
}

/* Takes n sent bytes off the pieces; true when all have gone. */
static bool advance(struct work *w, size_t n)
{
    while (w->iov_first < w->iov_count && n >= w->iov[w->iov_first].iov_len)
        n -= w->iov[w->iov_first++].iov_len;
    if (w->iov_first == w->iov_count)
        return true;
    w->iov[w->iov_first].iov_base = (char *)w->iov[w->iov_first].iov_base + n;
    w->iov[w->iov_first].iov_len -= n;
    return false;
}

/* The frame's end behind a file's range: CRLF, and the last chunk. */
static bool put_file_end(struct work *w)
{
    w->iov_first = w->iov_count = 0;
    if (w->framing == H1_FRAMING_CHUNKED)
        put_piece(w, w->file_last ? STR("\r\n0\r\n\r\n") : STR("\r\n"));
    return w->iov_count > 0;
}

static void complete(struct client *c, int result)
{
    struct work *w = c->work;

    if (result < 0)
        w->broken = true;
    w->stream.user->sent(&w->stream, result);
}

static void sent(struct io_op *op, int result)
{
    struct client *c = CONTAINER_OF(op, struct client, writer);
    struct work *w = c->work;

    if (c->step != CLIENT_BUSY) {
        client_close(c);
        return;
    }
    if (result < 0 || (result == 0 && w->file_left > 0 && w->iov_first == w->iov_count)) {
        complete(c, result < 0 ? result : -EIO); /* 0: the file became shorter while it was sent */
        return;
    }
    w->stream.progress_ms = io_now_ms(c->frontend->io);
    w->stream.sent_bytes += (uint64_t)result;
    if (w->iov_first < w->iov_count) {
        if (!advance(w, (size_t)result)) {
            send_pieces(c);
            return;
        }
    } else {
        w->file_offset += result;
        w->file_left -= result;
        if (w->file_left == 0 && put_file_end(w)) {
            send_pieces(c);
            return;
        }
    }
    if (w->file_left > 0)
        send_file(c);
    else
        complete(c, 0);
}

static void put_chunk_head(struct work *w, uint64_t n)
{
    struct out o = OUT_INIT(w->chunk_head, sizeof w->chunk_head);

    if (w->framing != H1_FRAMING_CHUNKED)
        return;
    h1_write_chunk_head(&o, n);
    put_piece(w, out_done(&o));
}

void stream_send(struct stream *s, struct str content, bool last)
{
    struct work *w = CONTAINER_OF(s, struct work, stream);

    must(w->head_given && !w->ended && content.n > 0 && w->framing != H1_FRAMING_NONE);
    put_head(w);
    put_chunk_head(w, content.n);
    put_piece(w, content);
    if (w->framing == H1_FRAMING_CHUNKED)
        put_piece(w, last ? STR("\r\n0\r\n\r\n") : STR("\r\n"));
    w->ended = last;
    send_pieces(w->client);
}

void stream_send_file(struct stream *s, int file, int64_t offset, int64_t length, bool last)
{
    struct work *w = CONTAINER_OF(s, struct work, stream);

    must(w->head_given && !w->ended && length > 0 && w->framing != H1_FRAMING_NONE);
    put_head(w);
    put_chunk_head(w, (uint64_t)length);
    w->file = file;
    w->file_offset = offset;
    w->file_left = length;
    w->file_last = last;
    w->ended = last;
    if (w->iov_count)
        send_pieces(w->client);
    else
        send_file(w->client);
}

void stream_flush(struct stream *s)
{
    struct work *w = CONTAINER_OF(s, struct work, stream);

    must(w->head_given && w->head.n > 0);
    put_head(w);
    send_pieces(w->client);
}

bool stream_end(struct stream *s)
{
    struct work *w = CONTAINER_OF(s, struct work, stream);

    if (w->ended)
        return false;
    w->ended = true;
    put_head(w);
    if (w->framing == H1_FRAMING_CHUNKED)
        put_piece(w, H1_LAST_CHUNK);
    if (w->iov_count == 0)
        return false;
    send_pieces(w->client);
    return true;
}

void stream_interim(struct stream *s, int status, const struct field *fields, size_t count)
{
    struct client *c = client_of(s);
    struct work *w = c->work;
    struct response r = {.fields = fields, .field_count = count};
    size_t size = head_size(&r);
    struct out o = OUT_INIT(arena_alloc(&s->arena, size), size);

    h1_write_interim(&o, status, fields, count);
    w->continue_due = w->continue_due && status != 100;
    w->iov_first = w->iov_count = 0;
    put_piece(w, out_done(&o));
    send_pieces(c);
}

void stream_abort(struct stream *s)
{
    CONTAINER_OF(s, struct work, stream)->broken = true;
}

void stream_cancel(struct stream *s)
{
    struct client *c = client_of(s);

    io_cancel(c->frontend->io, &c->reader);
    io_cancel(c->frontend->io, &c->writer);
}

/* ---- after the answer ---- */

static void next_request(struct client *c)
{
    const struct server *server = server_of(c);
    struct work *w = c->work;

    if (w->input_end > w->input_start) {
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
    c->work->body_left -= (uint64_t)result;
    drain(c);
}

static void drain(struct client *c)
{
    struct work *w = c->work;

    if (w->body_left == 0) {
        next_request(c);
        return;
    }
    receive_body(c);
    c->reader.done = got_drained;
}

void stream_finish(struct stream *s)
{
    struct client *c = client_of(s);
    struct work *w = c->work;

    must(!io_op_pending(&c->reader) && !io_op_pending(&c->writer) && c->step == CLIENT_BUSY);
    if (w->broken && w->head_given) {
        client_close(c);
    } else if (!w->keep_alive || w->broken || c->frontend->draining) {
        client_linger(c);
    } else if (w->body_left) {
        w->body = STR_NONE;
        go(c, CLIENT_DRAIN);
        io_timer_set(c->frontend->io, &c->timer, server_of(c)->timeout_ms);
        drain(c);
    } else {
        next_request(c);
    }
}
