/* The stream of an HTTP/1 connection: the body of a request in, its answer out. */
#include "listen/stream.h"
#include "base/date.h"
#include "base/must.h"
#include "listen/client_parts.h"

#include <errno.h>

enum { HEAD_ROOM = 1024, BODY_PIECE_MIN = 4096 };

static struct client *client_of(struct stream *s)
{
    return CONTAINER_OF(s, struct work, stream)->client;
}

/* ---- the body of a request ---- */

struct str stream_body(struct stream *s)
{
    return CONTAINER_OF(s, struct work, stream)->body.window;
}

enum stream_body_state stream_body_state(const struct stream *s)
{
    const struct work *w = CONTAINER_OF(s, struct work, stream);

    if (w->body.complete)
        return STREAM_BODY_COMPLETE;
    if (w->body.fault)
        return STREAM_BODY_BAD;
    return w->body_gone ? STREAM_BODY_GONE : STREAM_BODY_OPEN;
}

const char *stream_body_fault(const struct stream *s)
{
    return CONTAINER_OF(s, struct work, stream)->body.fault;
}

static void got_body(struct io_op *op, int result)
{
    struct client *c = CONTAINER_OF(op, struct client, reader);
    struct work *w = c->work;

    w->body_wanted = false;
    if (result > 0) {
        uint64_t taken = w->body.taken;

        body_received(&w->body, (size_t)result);
        w->stream.received += w->body.taken - taken;
    } else if (result != -ECANCELED) {
        w->body_gone = true;
    }
    if (c->step == CLIENT_BUSY)
        w->stream.user->body_ready(&w->stream);
    else
        client_close(c);
}

/* Whether what is left of the input buffer behind the head will do: for all that is left of a known length,
 * or for a fair piece of an unknown one. */
static bool room_will_do(const struct work *w, size_t room)
{
    return w->body_block ||
           (w->body.kind == REQUEST_BODY_LENGTH ? w->body.left <= room : room >= BODY_PIECE_MIN);
}

/* The head in front of the body stays in the input buffer: the request's slices point there until the stream
 * is finished. */
void stream_receive_body(struct client *c)
{
    struct work *w = c->work;
    char *to;
    size_t room = body_room(&w->body, &to);

    if (!room_will_do(w, room)) {
        w->body_block = block_get(&c->frontend->body_blocks);
        body_move(&w->body, w->body_block, CLIENT_BODY_BLOCK);
        room = body_room(&w->body, &to);
    }
    must(room > 0);
    c->reader.done = got_body;
    io_recv(c->frontend->io, &c->sock, &c->reader, to, room);
}

static void send_next(struct client *c);
static void complete(struct client *c, int result);

/* Meanwhile a send may have been asked for, which waits until now. */
static void sent_continue(struct io_op *op, int result)
{
    struct client *c = CONTAINER_OF(op, struct client, writer);
    struct work *w = c->work;
    bool waits = w->waits;

    if (c->step != CLIENT_BUSY) {
        client_close(c);
        return;
    }
    if (result >= 0 && w->cancelled)
        result = -ECANCELED;
    else if (result >= 0 && (size_t)result < w->continue_iov.iov_len)
        result = -EIO; /* so few bytes go whole or not at all */
    w->waits = w->cancelled = false;
    if (result >= 0) {
        stream_receive_body(c);
        if (waits)
            send_next(c);
        return;
    }
    w->body_gone = w->broken = true;
    w->body_wanted = false;
    w->stream.user->body_ready(&w->stream); /* the stream lives on while a send waits */
    if (waits)
        complete(c, result);
}

static void send_continue(struct client *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct work *w = c->work;

    w->continue_due = false;
    w->continue_iov = (struct iovec){(void *)text, sizeof text - 1};
    c->writer.done = sent_continue;
    io_send(c->frontend->io, &c->sock, &c->writer, &w->continue_iov, 1, false);
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
        stream_receive_body(c);
}

void stream_body_ack(struct stream *s, size_t n)
{
    struct work *w = CONTAINER_OF(s, struct work, stream);

    body_ack(&w->body, n);
    if (w->body.window.n == 0 && w->body.complete && w->body.rest.n == 0)
        client_body_block_return(w);
}

/* ---- a client that goes away ---- */

static void got_behind(struct io_op *op, int result)
{
    struct client *c = CONTAINER_OF(op, struct client, reader);
    struct work *w = c->work;

    if (result > 0) { /* the next request */
        w->body.rest = str_make(w->input + w->input_end, (size_t)result);
        w->input_end += (size_t)result;
    }
    if (c->step == CLIENT_BUSY)
        w->stream.user->watched(&w->stream, result <= 0 && result != -ECANCELED);
    else
        client_close(c);
}

static void stirred(struct io_op *op, int result)
{
    struct client *c = CONTAINER_OF(op, struct client, reader);
    struct work *w = c->work;

    if (result < 0 || c->step != CLIENT_BUSY) {
        got_behind(op, result < 0 ? result : -ECANCELED);
        return;
    }
    c->reader.done = got_behind;
    io_recv(c->frontend->io, &c->sock, &c->reader, w->input + w->input_end, w->input_size - w->input_end);
}

bool stream_watch(struct stream *s)
{
    struct client *c = client_of(s);
    struct work *w = c->work;

    must(w->body.complete);
    if (w->body.rest.n || w->input_end == w->input_size)
        return false;
    c->reader.done = stirred;
    io_readable(c->frontend->io, &c->sock, &c->reader);
    return true;
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

/* Whether what is left of the body could be read and dropped to get at the next request. */
static bool may_drain(const struct work *w)
{
    if (w->body.kind == REQUEST_BODY_LENGTH)
        return w->body.left <= CLIENT_DRAIN_MAX;
    return !w->body.fault;
}

/* Whether the connection could be used again after this answer, as far as is known before it begins. */
static bool may_keep_alive(struct client *c, const struct response *response)
{
    struct work *w = c->work;
    const struct server *server = client_server(c);

    return !w->broken && !w->body_gone && !response->close && !c->frontend->draining && server->keep_alive &&
           w->stream.request.keep_alive &&
           (server->max_keep_alive_requests == 0 || c->requests < server->max_keep_alive_requests) &&
           !w->continue_due && may_drain(w);
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
    s->keep_alive = w->keep_alive;
    return !w->head.overflow;
}

/* ---- sending ---- */

static void sent(struct io_op *op, int result);

/* The pieces that are left, then the file's range. */
static void send_next(struct client *c)
{
    struct work *w = c->work;
    struct io *io = c->frontend->io;

    if (io_op_pending(&c->writer)) { /* 100 (Continue) is on its way still: sent_continue() goes on */
        w->waits = true;
        return;
    }
    c->writer.done = sent;
    if (w->iov_first < w->iov_count)
        io_send(io, &c->sock, &c->writer, w->iov + w->iov_first, w->iov_count - w->iov_first,
                w->file_left > 0);
    else
        io_sendfile(io, &c->sock, &c->writer, w->file, w->file_offset, (size_t)w->file_left);
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

    w->cancelled = false;
    if (result < 0)
        w->broken = true;
    w->stream.user->sent(&w->stream, result);
}

/* n bytes went: true when something is left to be sent. */
static bool take_sent(struct work *w, int n)
{
    if (w->iov_first < w->iov_count)
        return !advance(w, (size_t)n) || w->file_left > 0;
    w->file_offset += n;
    w->file_left -= n;
    return w->file_left > 0 || put_file_end(w);
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
    if (!take_sent(w, result))
        complete(c, 0);
    else if (w->cancelled) /* too late for this piece, in time for the next */
        complete(c, -ECANCELED);
    else
        send_next(c);
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
    send_next(w->client);
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
    send_next(w->client);
}

void stream_flush(struct stream *s)
{
    struct work *w = CONTAINER_OF(s, struct work, stream);

    must(w->head_given && w->head.n > 0);
    put_head(w);
    send_next(w->client);
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
    send_next(w->client);
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
    send_next(c);
}

void stream_abort(struct stream *s)
{
    CONTAINER_OF(s, struct work, stream)->broken = true;
}

void stream_cancel(struct stream *s)
{
    struct client *c = client_of(s);

    c->work->cancelled = io_op_pending(&c->writer);
    io_cancel(c->frontend->io, &c->reader);
    io_cancel(c->frontend->io, &c->writer);
}
