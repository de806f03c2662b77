#include "gate/attempt.h"
#include "base/must.h"
#include "base/out.h"

enum { EXCERPT_MAX = 64, FIRST_FLIGHT = 10 * 1460 };

void attempt_init(struct attempt *a, struct arena *arena, struct str block, uint64_t body_length)
{
    *a = (struct attempt){
        .arena = arena, .block = block, .body_length = body_length, .limits = cgi_head_limits_default};
    a->fault.blame = BLAME_BACKEND;
}

/* ---- up ---- */

int attempt_to_backend(const struct attempt *a, struct str body, struct str slices[2])
{
    uint64_t left = a->body_length - a->body_sent;
    int n = 0;

    if (a->up == ATTEMPT_UP_DONE)
        return 0;
    if (a->block.n)
        slices[n++] = a->block;
    if (left && body.n)
        slices[n++] = str_first(body, left < body.n ? (size_t)left : body.n);
    return n;
}

size_t attempt_to_backend_ack(struct attempt *a, size_t n)
{
    size_t of_block = n < a->block.n ? n : a->block.n;

    a->block = str_skip(a->block, of_block);
    a->body_sent += n - of_block;
    must(a->body_sent <= a->body_length);
    if (a->up != ATTEMPT_UP_DONE && a->block.n == 0)
        a->up = a->body_sent == a->body_length ? ATTEMPT_UP_DONE : ATTEMPT_UP_BODY;
    return n - of_block;
}

void attempt_send_failed(struct attempt *a)
{
    a->send_failed = true;
    a->up = ATTEMPT_UP_DONE;
}

bool attempt_needs_body(const struct attempt *a)
{
    return a->up != ATTEMPT_UP_DONE && a->body_sent < a->body_length;
}

/* ---- down ---- */

static void fail(struct attempt *a, enum fault_stage stage, int status, struct str message)
{
    a->down = ATTEMPT_DOWN_FAULT;
    a->fault.stage = stage;
    a->fault.status = status;
    a->fault.message = message;
}

static const char *limit_directive(const char *limit)
{
    if (strcmp(limit, "line") == 0)
        return "ProxySCGILimitResponseLine";
    return strcmp(limit, "lines") == 0 ? "ProxySCGILimitResponseFields" : "ProxySCGILimitResponseHead";
}

static void head_fault(struct attempt *a, struct str bytes, const struct cgi_head_fault *fault)
{
    char excerpt[EXCERPT_MAX * 4 + 8];
    struct out o = OUT_INIT(excerpt, sizeof excerpt);
    struct str line = str_skip(bytes, fault->offset);

    if (fault->limit) { /* how much more has come is chance */
        fail(a, STAGE_HEAD, 502,
             arena_printf(a->arena, "bad response head: %s at byte %zu (%s)", fault->reason, fault->offset,
                          limit_directive(fault->limit)));
        return;
    }
    out_escaped(&o, str_until(&line, '\n'), EXCERPT_MAX);
    fail(a, STAGE_HEAD, 502,
         arena_printf(a->arena, "bad response head: %s at byte %zu: \"%.*s\"", fault->reason, fault->offset,
                      STR_ARG(out_done(&o))));
}

/* Content behind a length that was announced is cut off; the end comes with the last byte of it. */
static void take_content(struct attempt *a, struct str bytes)
{
    int64_t length = a->head.content_length;

    if (length >= 0) {
        uint64_t left = (uint64_t)length - a->content_seen;

        bytes = str_first(bytes, left < bytes.n ? (size_t)left : bytes.n);
    }
    a->content = bytes;
    a->content_seen += bytes.n;
    if (length >= 0 && a->content_seen == (uint64_t)length)
        a->down = ATTEMPT_DOWN_END;
}

static void parse_head(struct attempt *a, struct str bytes)
{
    struct cgi_head_fault fault;
    size_t size;

    switch (cgi_head_parse(&a->parser, bytes, &a->limits, a->arena, &a->head, &size, &fault)) {
    case CGI_HEAD_PARTIAL:
        return;
    case CGI_HEAD_BAD:
        head_fault(a, bytes, &fault);
        return;
    case CGI_HEAD_COMPLETE:
        break;
    }
    a->parser = (struct cgi_head_parser){.scanned = size}; /* scanned: where the content begins */
    if (a->head.status >= 100 && a->head.status < 200 && ++a->interims > ATTEMPT_INTERIMS_MAX) {
        fail(a, STAGE_HEAD, 502,
             arena_printf(a->arena, "more than %d interim responses", ATTEMPT_INTERIMS_MAX));
        return;
    }
    if (a->head.status >= 100 && a->head.status < 200) {
        a->down = ATTEMPT_DOWN_INTERIM;
        a->content = str_skip(bytes, size);
        return;
    }
    a->head_seen = true;
    a->down = ATTEMPT_DOWN_CONTENT;
    take_content(a, str_skip(bytes, size));
}

void attempt_from_backend(struct attempt *a, struct str bytes, size_t fresh)
{
    a->received += fresh;
    if (a->down == ATTEMPT_DOWN_HEAD)
        parse_head(a, bytes);
    else if (a->down == ATTEMPT_DOWN_CONTENT)
        take_content(a, bytes);
}

size_t attempt_interim_taken(struct attempt *a)
{
    size_t size = a->parser.scanned;
    struct str rest = a->content;

    must(a->down == ATTEMPT_DOWN_INTERIM);
    a->parser = (struct cgi_head_parser){0};
    a->content = STR_NONE;
    a->down = ATTEMPT_DOWN_HEAD;
    if (rest.n)
        parse_head(a, rest);
    if (a->ended && a->down != ATTEMPT_DOWN_INTERIM)
        attempt_backend_ended(a, a->end_error);
    return size;
}

void attempt_content_ack(struct attempt *a, size_t n)
{
    must(n <= a->content.n);
    a->content = str_skip(a->content, n);
}

static void ended_in_head(struct attempt *a, const char *error)
{
    const char *how = error ? error : "closed";

    if (a->received)
        fail(a, STAGE_HEAD, 502,
             arena_printf(a->arena, "%s within the response head, after %llu bytes", how,
                          (unsigned long long)a->received));
    else if (a->block.n)
        fail(a, STAGE_SEND, 502, arena_printf(a->arena, "%s while the request was being sent", how));
    else if (a->body_sent < a->body_length)
        fail(a, STAGE_SEND, 502,
             arena_printf(a->arena, "%s after %llu of %llu bytes of the request body, before any answer", how,
                          (unsigned long long)a->body_sent, (unsigned long long)a->body_length));
    else
        fail(a, STAGE_HEAD, 502, arena_printf(a->arena, "%s before any answer", how));
}

/* A program that answers and closes without having read all of the request's body resets the connection,
 * whatever it meant to. Over TCP the reset drops what has not left the backend's host yet: of an answer
 * without a length only one that fits the first flight of packets (RFC 6928) is known to be whole. A Unix
 * socket loses nothing. */
static bool reset_is_end(const struct attempt *a)
{
    return a->body_length > 0 && (a->keeps_on_reset || a->received <= FIRST_FLIGHT);
}

void attempt_backend_ended(struct attempt *a, const char *error)
{
    a->ended = true;
    a->end_error = error;
    if (a->down == ATTEMPT_DOWN_HEAD) {
        ended_in_head(a, error);
    } else if (a->down == ATTEMPT_DOWN_CONTENT && a->head.content_length >= 0) {
        fail(a, STAGE_CONTENT, 0,
             arena_printf(a->arena, "%s after %llu of %lld bytes of the response body",
                          error ? error : "closed", (unsigned long long)a->content_seen,
                          (long long)a->head.content_length));
    } else if (a->down == ATTEMPT_DOWN_CONTENT && error && !reset_is_end(a)) {
        fail(a, STAGE_CONTENT, 0,
             arena_printf(a->arena, "%s after %llu bytes of the response body", error,
                          (unsigned long long)a->content_seen));
    } else if (a->down == ATTEMPT_DOWN_CONTENT) {
        a->down = ATTEMPT_DOWN_END;
    }
    a->up = ATTEMPT_UP_DONE;
}
