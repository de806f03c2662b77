/* The client's side of a call, and the files that it is answered with. */
#include "base/must.h"
#include "serve/call_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- client ---- */

static void body_ready(struct stream *s)
{
    struct call *c = s->context;

    c->body_wanted = false;
    call_clock_in(c);
    if (c->over)
        call_end(c);
    else
        call_pump(c);
}

static void body_gone(struct call *c)
{
    const struct exchange *x = &c->x;
    uint64_t got = x->attempt.body_sent + x->spooled + x->body.n;
    const char *of = x->request.body == REQUEST_BODY_LENGTH ? "" : " of unknown length";

    if (*of)
        exchange_body_failed(&c->x, BODY_FAULT_GONE,
                             arena_printf(x->arena, "the client closed after %llu bytes of its body%s",
                                          (unsigned long long)got, of));
    else
        exchange_body_failed(&c->x, BODY_FAULT_GONE,
                             arena_printf(x->arena, "the client closed after %llu of %llu bytes of its body",
                                          (unsigned long long)got,
                                          (unsigned long long)x->request.content_length));
}

void call_get_body(struct call *c)
{
    struct str bytes = stream_body(c->stream);

    if (bytes.n > c->x.body.n) {
        exchange_body(&c->x, bytes);
        return;
    }
    switch (stream_body_state(c->stream)) {
    case STREAM_BODY_COMPLETE:
        exchange_body_complete(&c->x);
        break;
    case STREAM_BODY_GONE:
        body_gone(c);
        break;
    case STREAM_BODY_BAD:
        exchange_body_failed(&c->x, BODY_FAULT_BAD, str_from(stream_body_fault(c->stream)));
        break;
    case STREAM_BODY_OPEN:
        c->body_wanted = true;
        stream_want_body(c->stream);
        break;
    }
}

static void sent(struct stream *s, int result)
{
    struct call *c = s->context;
    size_t n = c->in_flight;

    c->client_busy = false;
    c->in_flight = 0;
    call_clock_in(c);
    if (c->over) {
        call_end(c);
        return;
    }
    if (result < 0)
        exchange_client_failed(&c->x, call_error_z(c, result));
    else if (c->interim)
        c->interim = false;
    else if (n)
        exchange_to_client_ack(&c->x, n);
    else if (c->ending)
        exchange_ended(&c->x);
    call_pump(c);
}

void call_send_interim(struct call *c)
{
    const struct cgi_head *head = exchange_interim(&c->x);

    if (c->stream->request.minor_version > 0) { /* not to HTTP/1.0 (RFC 9110 section 15.2) */
        c->client_busy = c->interim = true;
        stream_interim(c->stream, head->status, head->fields, head->field_count);
    }
    c->start += exchange_interim_taken(&c->x);
}

void call_write_head(struct call *c)
{
    must(stream_head(c->stream, exchange_response(&c->x)));
    c->head_unsent = true;
    exchange_head_taken(&c->x);
}

void call_write_content(struct call *c)
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

void call_end_answer(struct call *c)
{
    c->head_unsent = false;
    c->client_busy = c->ending = stream_end(c->stream);
    if (!c->client_busy)
        exchange_ended(&c->x);
}

static void watched(struct stream *s, bool gone)
{
    struct call *c = s->context;

    c->watching = false;
    call_clock_in(c);
    if (c->over) {
        call_end(c);
        return;
    }
    if (gone && c->x.plan.config->ignore_client_abort != 1)
        exchange_client_failed(&c->x, "the client closed the connection");
    call_pump(c);
}

/* A client that said it would close after this request may have closed its half already, and still read. */
void call_watch_client(struct call *c)
{
    if (c->x.now_ms < c->watch_at_ms)
        return;
    c->watch_at_ms = c->x.now_ms + CALL_WATCH_MS;
    if (stream_body_state(c->stream) != STREAM_BODY_COMPLETE)
        return;
    c->watch_at_ms = INT64_MAX;
    if (c->stream->request.keep_alive)
        c->watching = stream_watch(c->stream);
}

const struct stream_user call_stream_user = {.body_ready = body_ready, .sent = sent, .watched = watched};

/* ---- files ---- */

static bool file_granted(struct call *c, struct str path, const struct dir_config **config)
{
    struct route_input input = {.request = &c->x.request, .endpoints = c->x.endpoints, .vars = &c->x.vars};

    return route_file_granted(c->worker->router, c->x.arena, &input, &c->x.plan, path, config);
}

static void lookup_judge(struct call *c, struct lookup *l)
{
    const struct dir_config *config = c->x.plan.config;
    struct str real = str_from(l->real_path);

    if (l->kind == LOOKUP_FAILED) {
        bool missing =
            l->error == ENOENT || l->error == ENOTDIR || l->error == ENAMETOOLONG || l->error == ELOOP;

        exchange_file_failed(&c->x,
                             missing              ? 404
                             : l->error == EACCES ? 403
                                                  : 500,
                             call_error_z(c, -l->error));
    } else if (l->renamed && config->follow_symlinks != 1 && !file_granted(c, real, &config)) {
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
    call_clock_in(c);
    if (!c->over && result == 0)
        lookup_judge(c, l);
    else if (!c->over)
        exchange_file_failed(&c->x, 500, "no thread for the look-up");
    if (result == 0 && l->kind == LOOKUP_FILE && l->fd >= 0)
        close(l->fd);
    free(l);
    if (c->over)
        call_end(c);
    else
        call_pump(c);
}

void call_look_up(struct call *c)
{
    const struct dir_config *config;
    struct str path = exchange_file_path(&c->x);

    if (c->x.file_named &&
        (!uri_normalise_path(c->x.arena, path, true, &path) || !file_granted(c, path, &config))) {
        exchange_file_failed(&c->x, 403, "not in a granted directory");
        return;
    }
    c->lookup = malloc(sizeof *c->lookup);
    must(c->lookup != NULL);
    c->lookup->op = (struct io_op){.done = looked_up};
    c->lookup->context = c;
    if (!lookup_start(c->lookup, c->worker->io, path, route_file_base(c->x.plan.server, path))) {
        free(c->lookup);
        c->lookup = NULL;
        exchange_file_failed(&c->x, 404, "no possible file name");
    }
}
