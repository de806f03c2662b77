#include "base/must.h"
#include "gate/answer.h"

/* COLLECT_WINDOW: bytes of a body that are kept in memory; a longer one goes to the spool. The host's window
 * is larger */
enum { LIMIT_REQUEST_BODY_DEFAULT = 1073741824, COLLECT_WINDOW = 64 * 1024 };

/* ---- steps ---- */

/* The edges: from each step to those in the set. */
#define TO(name) (1u << STEP_##name)
static const unsigned edges[EXCHANGE_STEP_COUNT] = {
    [STEP_ROUTE] = TO(COLLECT) | TO(CONNECT) | TO(FILE) | TO(HEAD) | TO(ROUTE) | TO(DONE),
    [STEP_COLLECT] = TO(CONNECT) | TO(HEAD) | TO(ROUTE) | TO(DONE),
    [STEP_CONNECT] = TO(TALK) | TO(HEAD) | TO(ROUTE) | TO(DONE),
    [STEP_TALK] = TO(HEAD) | TO(FILE) | TO(ROUTE) | TO(DONE),
    [STEP_FILE] = TO(FILE) | TO(HEAD) | TO(ROUTE) | TO(DONE),
    [STEP_HEAD] = TO(CONTENT) | TO(FINISH) | TO(DONE),
    [STEP_CONTENT] = TO(FINISH) | TO(DONE),
    [STEP_FINISH] = TO(DONE),
    [STEP_DONE] = 0,
};

const char *exchange_step_name(enum exchange_step step)
{
    static const char *const names[] = {
#define X(name) #name,
        EXCHANGE_STEPS(X)
#undef X
    };

    return names[step];
}

bool exchange_may_go(enum exchange_step from, enum exchange_step to)
{
    return edges[from] >> to & 1u;
}

void exchange_go(struct exchange *x, enum exchange_step to)
{
    must(exchange_may_go(x->step, to));
    x->step = to;
    x->trail[x->trail_at++ % EXCHANGE_TRAIL] = (uint8_t)to;
}

void exchange_trail(const struct exchange *x, struct out *o)
{
    unsigned from = x->trail_at > EXCHANGE_TRAIL ? x->trail_at - EXCHANGE_TRAIL : 0;

    for (unsigned i = from; i < x->trail_at; i++) {
        if (i > from)
            out_char(o, '>');
        out_str(o, str_from(exchange_step_name(x->trail[i % EXCHANGE_TRAIL])));
    }
}

void exchange_begin(struct exchange *x, const struct gate *gate, struct arena *arena,
                    const struct request *request, const struct endpoints *endpoints, int64_t now_ms,
                    int64_t wall_s)
{
    *x = (struct exchange){
        .gate = gate,
        .arena = arena,
        .first = request,
        .endpoints = endpoints,
        .now_ms = now_ms,
        .wall_s = wall_s,
        .step = STEP_ROUTE,
        .request = *request,
        .has_body = true,
        .begun_ms = now_ms,
        .backend_ms = now_ms,
        .client_ms = now_ms,
    };
    x->trail[x->trail_at++] = STEP_ROUTE;
    vars_init(&x->vars, arena);
    vars_init(&x->params, arena);
}

/* True while the answer needs the backend's connection. */
static bool backend_useful(const struct exchange *x)
{
    return x->step == STEP_TALK ||
           ((x->step == STEP_HEAD || x->step == STEP_CONTENT) && x->source == SOURCE_BACKEND &&
            !(x->attempt.down == ATTEMPT_DOWN_END && x->attempt.up == ATTEMPT_UP_DONE));
}

static unsigned wants_up(const struct exchange *x)
{
    struct str slices[2];
    unsigned wants = 0;

    if (attempt_to_backend(&x->attempt, x->body, slices))
        wants |= WANT_TO_BACKEND;
    if (attempt_needs_body(&x->attempt) && x->body.n == 0)
        wants |= x->spooled ? WANT_SPOOL_GET : WANT_BODY;
    return wants;
}

static unsigned wants_collect(const struct exchange *x)
{
    if (x->body.n > COLLECT_WINDOW || (x->body_complete && x->body.n))
        return WANT_SPOOL_PUT;
    return WANT_BODY;
}

static unsigned wants_content(const struct exchange *x)
{
    if (x->source != SOURCE_BACKEND)
        return WANT_TO_CLIENT;
    if (x->attempt.content.n)
        return WANT_TO_CLIENT | wants_up(x);
    return (x->attempt.down == ATTEMPT_DOWN_CONTENT ? WANT_FROM_BACKEND : 0) | wants_up(x);
}

unsigned exchange_wants(const struct exchange *x)
{
    unsigned drop = x->backend_open && !backend_useful(x) ? WANT_DROP_BACKEND : 0;

    switch (x->step) {
    case STEP_ROUTE:
        return drop ? drop : WANT_ROUTE;
    case STEP_COLLECT:
        return wants_collect(x);
    case STEP_CONNECT:
        return WANT_CONNECT;
    case STEP_TALK:
        return wants_up(x) | (x->attempt.down == ATTEMPT_DOWN_INTERIM ? WANT_INTERIM : WANT_FROM_BACKEND);
    case STEP_FILE:
        return drop | WANT_FILE;
    case STEP_HEAD:
        return drop | WANT_HEAD;
    case STEP_CONTENT:
        return drop | wants_content(x);
    case STEP_FINISH:
        return drop | (x->cut_off ? WANT_ABORT : WANT_END);
    default:
        return drop | WANT_DONE;
    }
}

void exchange_blame(struct exchange *x, enum blame blame, enum fault_stage stage, int status,
                    struct str message)
{
    if (x->fault.blame == BLAME_NONE)
        x->fault = (struct fault){blame, stage, status, message};
}

const struct fault *exchange_take_fault(struct exchange *x)
{
    if (x->fault.blame == BLAME_NONE || x->fault_told)
        return NULL;
    x->fault_told = true;
    return &x->fault;
}

/* ---- route ---- */

const struct request *exchange_request(const struct exchange *x)
{
    return &x->request;
}

void exchange_refuse(struct exchange *x, const struct plan *plan, int status, const char *reason)
{
    must(x->step == STEP_ROUTE);
    x->plan = *plan;
    x->routed = true;
    exchange_blame(x, BLAME_CLIENT, STAGE_ROUTE, status, str_from(reason));
    answer_error(x, status);
}

static struct str proxy_reason(const struct exchange *x)
{
    return str_from(x->plan.reason ? x->plan.reason : "refused");
}

/* True when `size` bytes of body are too many: answered then. */
static bool body_over_limit(struct exchange *x, uint64_t size)
{
    int64_t limit = x->plan.config->limit_request_body;

    if (limit == UNSET)
        limit = LIMIT_REQUEST_BODY_DEFAULT;
    if (limit == 0 || size <= (uint64_t)limit)
        return false;
    exchange_blame(x, BLAME_CLIENT, STAGE_BODY, 413,
                   arena_printf(x->arena, "request body of %llu bytes or more is over LimitRequestBody %lld",
                                (unsigned long long)size, (long long)limit));
    answer_error(x, 413);
    return true;
}

static void set_head_limits(struct exchange *x)
{
    const struct dir_config *config = x->plan.config;
    struct cgi_head_limits *limits = &x->attempt.limits;

    if (config->limit_response_head > 0)
        limits->total = (size_t)config->limit_response_head;
    if (config->limit_response_line > 0)
        limits->line = (size_t)config->limit_response_line;
    if (config->limit_response_fields > 0)
        limits->lines = (unsigned)config->limit_response_fields;
}

static void begin_attempt(struct exchange *x)
{
    attempt_init(&x->attempt, x->arena, exchange_params_block(x),
                 x->has_body ? x->request.content_length : 0);
    set_head_limits(x);
    x->attempt.keeps_on_reset = x->plan.pass->backend->address.kind == ADDRESS_UNIX;
    x->backend_ms = x->now_ms;
    exchange_go(x, STEP_CONNECT);
}

/* A body without a length must be complete before its length can be told; a short one is collected too, so
 * that no slow client keeps a backend waiting. */
static bool must_collect(const struct exchange *x)
{
    enum request_buffering mode = x->plan.config->request_buffering;

    if (!x->has_body || x->request.body == REQUEST_BODY_NONE)
        return false;
    if (x->request.body == REQUEST_BODY_CHUNKED || mode == REQUEST_BUFFERING_ON)
        return true;
    /* A client that asks first wants the backend's word, not ours. */
    return mode != REQUEST_BUFFERING_OFF && !x->request.expect_continue && x->request.content_length &&
           x->request.content_length <= COLLECT_WINDOW;
}

static void begin_request(struct exchange *x)
{
    x->body = STR_NONE;
    if (x->has_body && body_over_limit(x, x->request.content_length))
        return;
    if (x->has_body && x->request.body == REQUEST_BODY_CHUNKED &&
        x->plan.config->request_buffering == REQUEST_BUFFERING_OFF) {
        exchange_blame(x, BLAME_CLIENT, STAGE_BODY, 411,
                       STR("a request body without Content-Length cannot be passed on with "
                           "ProxySCGIRequestBuffering Off"));
        answer_error(x, 411);
    } else if (must_collect(x)) {
        x->client_ms = x->now_ms;
        exchange_go(x, STEP_COLLECT);
    } else {
        begin_attempt(x);
    }
}

/* When all of the body is here, its length is known. */
static void settle_collect(struct exchange *x)
{
    if (x->step != STEP_COLLECT || !x->body_complete || (x->spooled && x->body.n))
        return;
    x->request.content_length = x->spooled + x->body.n;
    x->request.body = REQUEST_BODY_LENGTH;
    begin_attempt(x);
}

void exchange_routed(struct exchange *x, const struct plan *plan)
{
    must(x->step == STEP_ROUTE && !x->backend_open);
    x->plan = *plan;
    x->routed = true;
    if (plan->fields) {
        x->request.fields = plan->fields;
        x->request.field_count = plan->field_count;
    }
    switch (plan->kind) {
    case PLAN_STATUS:
        exchange_blame(x, BLAME_CLIENT, STAGE_ROUTE, plan->status, proxy_reason(x));
        answer_error(x, plan->status);
        break;
    case PLAN_BACKEND:
        begin_request(x);
        break;
    case PLAN_FILE:
        x->file_path = plan->file_path;
        x->directory_path = STR_NONE;
        x->index_next = 0;
        answer_file_begin(x);
        break;
    case PLAN_OPTIONS:
        answer_options(x);
        break;
    case PLAN_REDIRECT:
        answer_redirect(x);
        break;
    }
}

/* ---- backend ---- */

void exchange_connected(struct exchange *x)
{
    x->backend_open = true;
    x->backend_ms = x->now_ms;
    x->client_ms = x->now_ms;
    exchange_go(x, STEP_TALK);
}

void exchange_connect_failed(struct exchange *x, enum fault_stage stage, int status, struct str message)
{
    must(x->step == STEP_CONNECT);
    exchange_blame(x, BLAME_BACKEND, stage, status, message);
    answer_error(x, status);
}

int exchange_to_backend(const struct exchange *x, struct str slices[2])
{
    return attempt_to_backend(&x->attempt, x->body, slices);
}

size_t exchange_to_backend_ack(struct exchange *x, size_t n)
{
    size_t of_body = attempt_to_backend_ack(&x->attempt, n);

    x->backend_ms = x->now_ms;
    x->client_ms = x->now_ms; /* the wait for the client's next bytes begins here */
    x->body = str_skip(x->body, of_body);
    return x->spooled ? 0 : of_body;
}

/* Everything that may end the conversation's first half: decides what becomes of it. */
static void settle_head(struct exchange *x)
{
    if (x->step != STEP_TALK)
        return;
    if (x->attempt.head_seen) {
        answer_backend(x); /* a fault behind the head cuts the content off */
    } else if (x->attempt.down == ATTEMPT_DOWN_FAULT) {
        const struct fault *f = &x->attempt.fault;

        exchange_blame(x, f->blame, f->stage, f->status, f->message);
        answer_error(x, f->status);
    } else if (x->attempt.down == ATTEMPT_DOWN_INTERIM) {
        answer_interim(x);
    }
}

/* The end of the content, when all of it has gone to the client. */
static void settle_content(struct exchange *x)
{
    const struct fault *f = &x->attempt.fault;

    if (x->step != STEP_CONTENT || x->source != SOURCE_BACKEND || x->attempt.content.n)
        return;
    if (x->attempt.down == ATTEMPT_DOWN_FAULT) {
        exchange_blame(x, f->blame, f->stage, f->status, f->message);
        x->cut_off = true;
        exchange_go(x, STEP_FINISH);
    } else if (x->attempt.down == ATTEMPT_DOWN_END) {
        exchange_go(x, STEP_FINISH);
    }
}

void exchange_send_failed(struct exchange *x, const char *error)
{
    (void)error; /* what the backend says or does next is the better message */
    attempt_send_failed(&x->attempt);
}

void exchange_from_backend(struct exchange *x, struct str bytes, size_t fresh)
{
    x->backend_ms = x->now_ms;
    x->client_ms = x->now_ms;
    attempt_from_backend(&x->attempt, bytes, fresh);
    settle_head(x);
}

void exchange_backend_ended(struct exchange *x, const char *error)
{
    attempt_backend_ended(&x->attempt, error);
    settle_head(x);
    settle_content(x);
}

bool exchange_backend_buffer_free(const struct exchange *x)
{
    if (x->step == STEP_CONTENT)
        return x->source != SOURCE_BACKEND || x->attempt.content.n == 0;
    return x->step != STEP_TALK && x->step != STEP_HEAD;
}

void exchange_backend_dropped(struct exchange *x)
{
    x->backend_open = false;
}

/* ---- client ---- */

void exchange_body(struct exchange *x, struct str bytes)
{
    x->client_ms = x->now_ms;
    if (x->step == STEP_COLLECT && body_over_limit(x, x->spooled + bytes.n))
        return;
    x->body = bytes;
}

void exchange_body_complete(struct exchange *x)
{
    must(x->step == STEP_COLLECT);
    x->body_complete = true;
    settle_collect(x);
}

void exchange_body_failed(struct exchange *x, enum exchange_body_fault what, struct str message)
{
    int status = what == BODY_FAULT_TIMEOUT ? 408 : 400;
    bool begun = x->step == STEP_HEAD || x->step == STEP_CONTENT;

    x->body_failed = true;
    exchange_blame(x, BLAME_CLIENT, STAGE_BODY, begun ? 0 : status, message);
    if (x->step == STEP_TALK || x->step == STEP_COLLECT) {
        answer_error(x, status);
    } else if (begun) {
        attempt_send_failed(&x->attempt); /* the answer is decided already: it is all the client gets */
        x->backend_ms = x->now_ms;        /* it waited for the body */
    }
}

const struct cgi_head *exchange_interim(const struct exchange *x)
{
    return &x->attempt.head;
}

size_t exchange_interim_taken(struct exchange *x)
{
    size_t drop = attempt_interim_taken(&x->attempt);

    x->backend_ms = x->now_ms; /* the backend was not asked meanwhile */
    x->client_ms = x->now_ms;
    settle_head(x);
    return drop;
}

const struct response *exchange_response(const struct exchange *x)
{
    return &x->response;
}

void exchange_head_taken(struct exchange *x)
{
    bool content = !x->response.no_content && !x->response.head_only && x->source != SOURCE_NONE;

    must(x->step == STEP_HEAD);
    answer_own_head(x);
    x->head_taken = true;
    x->client_ms = x->now_ms;
    x->backend_ms = x->now_ms; /* the backend was not asked meanwhile */
    if (!content || (x->source != SOURCE_BACKEND && x->response.length == 0)) {
        exchange_go(x, STEP_FINISH);
        return;
    }
    exchange_go(x, STEP_CONTENT);
    settle_content(x);
}

void exchange_to_client(const struct exchange *x, struct exchange_content *content)
{
    *content = (struct exchange_content){0};
    switch (x->source) {
    case SOURCE_BACKEND:
        content->memory = x->attempt.content;
        content->last = x->attempt.down == ATTEMPT_DOWN_END;
        break;
    case SOURCE_MEMORY:
        content->memory = x->page;
        content->last = true;
        break;
    case SOURCE_FILE:
        content->memory = x->file.parts[x->part].text;
        if (content->memory.n == 0) {
            content->offset = x->file.parts[x->part].offset;
            content->length = x->file.parts[x->part].length;
        }
        content->last =
            x->part + 1 == x->file.part_count && (content->length || !x->file.parts[x->part].length);
        break;
    case SOURCE_NONE:
        break;
    }
}

static void ack_file(struct exchange *x, size_t n)
{
    struct file_part *part = &x->file.parts[x->part];

    if (part->text.n) {
        part->text = str_skip(part->text, n);
    } else {
        part->offset += (int64_t)n;
        part->length -= (int64_t)n;
    }
    while (x->part < x->file.part_count && x->file.parts[x->part].text.n == 0 &&
           x->file.parts[x->part].length == 0)
        x->part++;
    if (x->part == x->file.part_count)
        exchange_go(x, STEP_FINISH);
}

void exchange_to_client_ack(struct exchange *x, size_t n)
{
    must(x->step == STEP_CONTENT);
    x->content_sent += n;
    x->client_ms = x->now_ms;
    x->backend_ms = x->now_ms; /* the backend was not asked while the client was slow */
    switch (x->source) {
    case SOURCE_BACKEND:
        attempt_content_ack(&x->attempt, n);
        settle_content(x);
        break;
    case SOURCE_MEMORY:
        x->page = str_skip(x->page, n);
        if (x->page.n == 0)
            exchange_go(x, STEP_FINISH);
        break;
    default:
        ack_file(x, n);
        break;
    }
}

void exchange_client_failed(struct exchange *x, const char *error)
{
    if (x->step == STEP_DONE)
        return;
    exchange_blame(x, BLAME_CLIENT, STAGE_CLIENT, 0, str_from(error));
    answer_own_head(x);
    x->cut_off = true;
    exchange_go(x, STEP_DONE);
}

void exchange_ended(struct exchange *x)
{
    must(x->step == STEP_FINISH);
    exchange_go(x, STEP_DONE);
}

/* ---- spool ---- */

struct str exchange_spool_put(const struct exchange *x)
{
    return x->body;
}

void exchange_spool_put_ack(struct exchange *x, size_t n)
{
    must(x->step == STEP_COLLECT && n <= x->body.n);
    x->body = str_skip(x->body, n);
    x->spooled += n;
    x->client_ms = x->now_ms; /* the client was not asked meanwhile */
    settle_collect(x);
}

uint64_t exchange_spool_offset(const struct exchange *x)
{
    return x->unspooled;
}

void exchange_spool_got(struct exchange *x, struct str bytes)
{
    x->body = bytes;
    x->unspooled += bytes.n;
    x->backend_ms = x->now_ms;
}

void exchange_spool_failed(struct exchange *x, int status, struct str message)
{
    bool begun = x->step == STEP_CONTENT;

    if (!(exchange_wants(x) & (WANT_SPOOL_PUT | WANT_SPOOL_GET)))
        return; /* nobody needs it any more, or not yet: then it is asked for again */
    x->body_failed = true;
    exchange_blame(x, BLAME_GATEWAY, STAGE_BODY, begun ? 0 : status, message);
    if (begun)
        attempt_send_failed(&x->attempt);
    else
        answer_error(x, status);
}

/* ---- files ---- */

struct str exchange_file_path(const struct exchange *x)
{
    return x->file_path;
}

/* ---- time ---- */

static int64_t backend_timeout_ms(const struct exchange *x)
{
    const struct backend *backend = x->plan.pass->backend;
    const struct server *server = x->plan.server;

    if (backend->timeout_ms)
        return backend->timeout_ms;
    return server->proxy_timeout_ms ? server->proxy_timeout_ms : server->timeout_ms;
}

static int64_t connect_timeout_ms(const struct exchange *x)
{
    int64_t own = x->plan.pass->backend->connect_timeout_ms;

    return own ? own : backend_timeout_ms(x);
}

enum waiting { WAITING_NOBODY, WAITING_CONNECT, WAITING_BACKEND, WAITING_BODY, WAITING_CLIENT };

/* Whose turn it is. A backend that waits for the client's body cannot answer; one that does not take what is
 * at hand could. */
static enum waiting waiting_for(const struct exchange *x)
{
    unsigned wants = exchange_wants(x);

    if (wants & WANT_CONNECT)
        return WAITING_CONNECT;
    if (wants & (WANT_INTERIM | WANT_HEAD | WANT_TO_CLIENT | WANT_END | WANT_ABORT))
        return WAITING_CLIENT; /* which may have an earlier piece to read first */
    if (wants & WANT_TO_BACKEND)
        return WAITING_BACKEND;
    if (wants & WANT_BODY)
        return WAITING_BODY;
    if (wants & WANT_FROM_BACKEND)
        return WAITING_BACKEND;
    return WAITING_NOBODY;
}

int64_t exchange_deadline_ms(const struct exchange *x)
{
    switch (waiting_for(x)) {
    case WAITING_CONNECT:
        return x->backend_ms + connect_timeout_ms(x);
    case WAITING_BACKEND:
        return x->backend_ms + backend_timeout_ms(x);
    case WAITING_BODY:
    case WAITING_CLIENT:
        return x->client_ms + x->plan.server->timeout_ms;
    default:
        return INT64_MAX;
    }
}

static struct str seconds_text(struct exchange *x, const char *what, int64_t ms)
{
    return arena_printf(x->arena, "%s for %lld.%03lld s", what, (long long)(ms / 1000),
                        (long long)(ms % 1000));
}

static void backend_expired(struct exchange *x)
{
    struct str waited = seconds_text(x, "the backend was silent", backend_timeout_ms(x));

    if (x->step == STEP_TALK) {
        exchange_blame(x, BLAME_BACKEND, x->attempt.up == ATTEMPT_UP_DONE ? STAGE_HEAD : STAGE_SEND, 504,
                       waited);
        answer_error(x, 504);
        return;
    }
    exchange_blame(x, BLAME_BACKEND, STAGE_CONTENT, 0, waited);
    x->cut_off = true;
    exchange_go(x, STEP_FINISH);
}

void exchange_expired(struct exchange *x)
{
    switch (waiting_for(x)) {
    case WAITING_CONNECT:
        exchange_connect_failed(x, STAGE_CONNECT, 503,
                                seconds_text(x, "no connection", connect_timeout_ms(x)));
        break;
    case WAITING_BACKEND:
        backend_expired(x);
        break;
    case WAITING_BODY:
        exchange_body_failed(
            x, BODY_FAULT_TIMEOUT,
            seconds_text(x, "the client sent nothing of its body", x->plan.server->timeout_ms));
        break;
    case WAITING_CLIENT:
        exchange_client_failed(x, "the client did not read its answer");
        break;
    case WAITING_NOBODY:
        break;
    }
}
