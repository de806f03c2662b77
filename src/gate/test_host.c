#include "gate/test_transcript.h"
#include "scgi/netstring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { STEPS_MAX = 200000, NETSTRING_MAX = 60000 };

bool host_edges[EXCHANGE_STEP_COUNT][EXCHANGE_STEP_COUNT];

/* Writes down the transitions that were taken since the last look. */
static void watch_steps(struct test_host *h)
{
    const struct exchange *x = &h->x;

    assert_true(x->trail_at - h->seen_steps < EXCHANGE_TRAIL);
    for (; h->seen_steps < x->trail_at; h->seen_steps++)
        if (h->seen_steps)
            host_edges[x->trail[(h->seen_steps - 1) % EXCHANGE_TRAIL]]
                      [x->trail[h->seen_steps % EXCHANGE_TRAIL]] = true;
}

/* ---- begin and end ---- */

static void set_request(struct test_host *h)
{
    const struct test_script *s = h->script;
    struct request *r = &h->request;

    *r = (struct request){
        .method = str_from(s->method ? s->method : "GET"),
        .target = str_from(s->target ? s->target : "/app/"),
        .protocol = STR("HTTP/1.1"),
        .minor_version = 1,
        .authority = STR("www.example.com"),
        .keep_alive = true,
        .expect_continue = s->expects,
    };
    r->method_id = method_of(r->method);
    assert_true(uri_parse_target(r->target, &r->uri));
    while (h->field_count < SCRIPT_FIELDS && s->fields[h->field_count].name.p)
        h->field_count++;
    r->fields = ARENA_ARRAY(&h->arena, struct field, h->field_count);
    for (unsigned i = 0; i < h->field_count; i++) {
        r->fields[i] = s->fields[i];
        r->fields[i].id = field_id_of(r->fields[i].name);
    }
    r->field_count = h->field_count;
    if (s->chunked)
        r->body = REQUEST_BODY_CHUNKED;
    else if (s->body.p) {
        r->body = REQUEST_BODY_LENGTH;
        r->content_length = s->body.n;
    }
}

static void set_config(struct test_host *h)
{
    struct dir_config *d = &h->config;

    *d = (struct dir_config){
        .gateway_interface = UNSET, .limit_request_body = UNSET, .follow_symlinks = UNSET};
    d->request_buffering = h->script->buffering;
    if (h->script->configure)
        h->script->configure(d);
    h->backend.name = STR("scgi://127.0.0.1:4000");
    h->backend.connect_timeout_ms = 5000;
    h->backend.timeout_ms = 30000;
    h->pass = (struct pass){
        .path = STR("/app/"), .backend = &h->backend, .authority = STR("127.0.0.1"), .target_path = STR("/")};
    h->server = (struct server){
        .name = STR("www.example.com"),
        .admin = STR("[no address given]"),
        .document_root = STR("/srv"),
        .timeout_ms = 60000,
    };
    h->model.arena = &h->arena;
    h->model.main = &h->server;
    h->gate = (struct gate){.model = &h->model, .software = STR("scgate")};
    h->endpoints = (struct endpoints){.remote_addr = STR("192.0.2.1"),
                                      .local_addr = STR("192.0.2.2"),
                                      .remote_port = 40000,
                                      .local_port = 80};
}

void host_begin(struct test_host *h, const struct test_script *script)
{
    memset(h, 0, offsetof(struct test_host, content));
    h->script = script;
    arena_init(&h->arena, NULL, 0);
    set_config(h);
    set_request(h);
    h->log = (struct out)OUT_INIT(h->log_bytes, sizeof h->log_bytes);
    exchange_begin(&h->x, &h->gate, &h->arena, &h->request, &h->endpoints, 1000000, 1700000000);
    watch_steps(h);
}

/* What the peer received must be a whole netstring or the beginning of one, then bytes of the body; the last
 * `fresh` bytes are new. */
static void check_up(struct test_host *h, size_t fresh)
{
    size_t body_n;

    struct netstring n;
    enum netstring_result result = netstring_decode(str_make(h->up, h->up_n), NETSTRING_MAX, &n);
    bool first = h->connects == 1 && h->x.hops == 0;

    assert_int_not_equal(result, NETSTRING_BAD);
    if (result == NETSTRING_PARTIAL)
        return;
    assert_int_equal(n.content_length, h->x.attempt.body_length);
    if (first)
        assert_int_equal(n.content_length, h->script->body.n);
    body_n = h->up_n - n.size;
    assert_true(body_n <= n.content_length);
    if (fresh > body_n)
        fresh = body_n;
    if (fresh)
        assert_memory_equal(h->up + h->up_n - fresh, h->script->body.p + body_n - fresh, fresh);
}

struct str host_variable(const struct test_host *h, const char *name)
{
    struct netstring n;

    assert_int_equal(netstring_decode(str_make(h->up, h->up_n), NETSTRING_MAX, &n), NETSTRING_COMPLETE);
    return netstring_find(n.block, str_from(name));
}

void host_finish(struct test_host *h)
{
    free(h->in);
    free(h->lent);
    free(h->unspooled);
    arena_finish(&h->arena);
}

/* ---- what is wanted is sane ---- */

static void check_alone(unsigned wants, unsigned want, unsigned others)
{
    if (wants & want)
        assert_int_equal(wants & ~(want | others), 0);
}

/* Whether the backend is asked only when all of the body is here. */
static bool is_collected(const struct test_script *s)
{
    size_t n = s->body.n;

    if (s->chunked || (s->buffering == REQUEST_BUFFERING_ON && s->body.p))
        return true;
    return s->buffering != REQUEST_BUFFERING_OFF && !s->expects && n > 0 && n <= 65536;
}

static void check_body_wants(struct test_host *h, unsigned wants)
{
    bool collecting = h->x.step == STEP_COLLECT;

    if (collecting)
        assert_true(wants == WANT_BODY || wants == WANT_SPOOL_PUT);
    if (wants & WANT_BODY) {
        assert_false(h->body_complete);
        assert_true(collecting ? h->lent_n < HOST_WINDOW : h->lent_n == 0 && h->spool_n == 0);
        assert_true(collecting || h->body_at < h->script->body.n);
    }
    if (wants & WANT_SPOOL_PUT) {
        struct str bytes = exchange_spool_put(&h->x);

        assert_true(collecting && bytes.p == h->lent && bytes.n == h->lent_n && bytes.n > 0);
    }
    if (wants & WANT_SPOOL_GET) {
        assert_true(h->body_complete && h->spool_n == h->script->body.n);
        assert_int_equal(exchange_spool_offset(&h->x), h->spool_read);
        assert_true(h->spool_read < h->spool_n);
    }
    if (wants & WANT_CONNECT && h->x.hops == 0) {
        assert_int_equal(h->body_complete, is_collected(h->script));
        assert_int_equal(h->x.request.content_length, h->script->body.n);
    }
}

static void check_wants(struct test_host *h, unsigned wants)
{
    const unsigned up = WANT_TO_BACKEND | WANT_BODY | WANT_SPOOL_GET;
    const unsigned talk = WANT_TO_BACKEND | WANT_SPOOL_GET | WANT_FROM_BACKEND | WANT_INTERIM;
    struct exchange_content content;
    struct str slices[2];
    int count;

    assert_int_not_equal(wants, 0);
    check_alone(wants, WANT_DONE, WANT_DROP_BACKEND);
    check_alone(wants, WANT_ROUTE, 0);
    check_alone(wants, WANT_CONNECT, 0);
    check_alone(wants, WANT_FILE | WANT_HEAD, WANT_DROP_BACKEND);
    check_alone(wants, WANT_END, WANT_DROP_BACKEND);
    check_alone(wants, WANT_ABORT, WANT_DROP_BACKEND);
    check_alone(wants, WANT_INTERIM, up);
    check_alone(wants, WANT_FROM_BACKEND, up);
    check_alone(wants, WANT_TO_CLIENT, up | WANT_DROP_BACKEND);
    check_alone(wants, WANT_DROP_BACKEND,
                WANT_FILE | WANT_HEAD | WANT_TO_CLIENT | WANT_END | WANT_ABORT | WANT_DONE);
    if (wants & (talk | WANT_DROP_BACKEND) || (wants & WANT_BODY && h->x.step != STEP_COLLECT))
        assert_true(h->connects > h->drops);
    if (h->head_taken)
        assert_int_equal(wants & (WANT_ROUTE | WANT_CONNECT | WANT_INTERIM | WANT_FILE | WANT_HEAD), 0);
    if (wants & WANT_TO_BACKEND) {
        count = exchange_to_backend(&h->x, slices);
        assert_in_range(count, 1, 2);
        for (int i = 0; i < count; i++)
            assert_true(slices[i].n > 0);
    }
    check_body_wants(h, wants);
    if (wants & (WANT_ROUTE | WANT_CONNECT | WANT_FILE | WANT_END | WANT_ABORT | WANT_DONE))
        assert_true(exchange_backend_buffer_free(&h->x));
    if (wants & WANT_TO_CLIENT) {
        exchange_to_client(&h->x, &content);
        assert_true(content.memory.n > 0 || content.length > 0);
    }
}

/* ---- one thing that is wanted: each returns false when it would block ---- */

static struct str decoded_path(struct test_host *h)
{
    struct str path;

    assert_int_equal(
        uri_decode_path(&h->arena, exchange_request(&h->x)->uri.path, URI_SLASH_REFUSE, true, &path), 0);
    return path;
}

static bool do_route(struct test_host *h)
{
    const struct request *r = exchange_request(&h->x);
    struct plan plan = {.server = &h->server,
                        .config = &h->config,
                        .host = STR("www.example.com"),
                        .port = h->script->port ? h->script->port : 80,
                        .scheme = h->script->https ? STR("https") : STR("http")};
    uint64_t status;

    note(h, "route %.*s %.*s%s%.*s", STR_ARG(r->method), STR_ARG(r->uri.path), r->uri.query.p ? "?" : "",
         STR_ARG(r->uri.query));
    if (r->uri.form == URI_ASTERISK) {
        plan.kind = PLAN_OPTIONS;
        exchange_routed(&h->x, &plan);
        return true;
    }
    plan.path = decoded_path(h);
    if (str_starts(plan.path, STR("/files/"))) {
        plan.kind = PLAN_FILE;
        plan.file_path = ARENA_CONCAT(&h->arena, STR("/srv"), plan.path);
    } else if (str_starts(plan.path, STR("/status/"))) {
        plan.kind = PLAN_STATUS;
        assert_true(str_to_u64(str_skip(plan.path, 8), 599, &status));
        plan.status = (int)status;
        plan.reason = "as the test asked";
    } else if (str_starts(plan.path, STR("/redirect/"))) {
        plan.kind = PLAN_REDIRECT;
        plan.status = 301;
        plan.location = STR("https://elsewhere/");
    } else {
        plan.kind = PLAN_BACKEND;
        plan.pass = &h->pass;
        plan.script_name = plan.path;
        plan.script_filename = ARENA_CONCAT(&h->arena, STR("proxy:scgi://127.0.0.1"), plan.path);
        vars_set(&h->x.vars, STR("ROUTED"), r->uri.path);
    }
    exchange_routed(&h->x, &plan);
    return true;
}

static bool do_connect(struct test_host *h)
{
    unsigned count = h->script->backend_count ? h->script->backend_count : 1;

    h->peer = &h->script->backends[h->connects < count ? h->connects : count - 1];
    switch (h->peer->connect) {
    case HANGS:
        return false;
    case REFUSES:
        exchange_connect_failed(&h->x, STAGE_CONNECT, 503, STR("\"127.0.0.1:4000\": connection refused"));
        return true;
    case CONNECTS:
        break;
    }
    h->connects++;
    h->answered = h->up_n = 0;
    h->peer_ended = h->peer_broke = false;
    free(h->in);
    h->in = NULL;
    h->in_n = h->in_from = 0;
    note(h, "connect");
    exchange_connected(&h->x);
    return true;
}

/* Releases the lent bytes of the client's body that were acknowledged: what stays moves to new memory. */
static void relend(struct test_host *h, size_t acked, struct str more)
{
    size_t left = h->lent_n - acked;
    char *bytes = malloc(left + more.n ? left + more.n : 1);

    assert_non_null(bytes);
    if (left)
        memcpy(bytes, h->lent + acked, left);
    if (more.n)
        memcpy(bytes + left, more.p, more.n);
    h->body_at += acked;
    if (more.n || left)
        exchange_body(&h->x, str_make(bytes, left + more.n));
    free(h->lent);
    h->lent = bytes;
    h->lent_n = left + more.n;
}

static bool do_to_backend(struct test_host *h)
{
    struct str slices[2], all;
    int count = exchange_to_backend(&h->x, slices);
    size_t n = 0, of_body;
    uint64_t sent;

    for (int i = 0; i < count; i++)
        n += slices[i].n;
    all = arena_concat(&h->arena, slices, (size_t)count);
    n = test_cut_next(&h->cuts, 0, n);
    if ((h->peer->breaks || h->peer->blocks) && h->up_n + n > h->peer->takes)
        n = h->peer->takes - h->up_n;
    if (n == 0 && h->peer->blocks)
        return false;
    if (n == 0) {
        h->peer_broke = true;
        exchange_send_failed(&h->x, "broken pipe");
        return true;
    }
    assert_true(h->up_n + n <= sizeof h->up);
    memcpy(h->up + h->up_n, all.p, n);
    h->up_n += n;
    check_up(h, n);
    sent = h->x.attempt.body_sent;
    of_body = exchange_to_backend_ack(&h->x, n);
    h->up_body += h->x.attempt.body_sent - sent;
    assert_true(of_body <= h->lent_n);
    assert_int_equal(of_body, h->spool_n ? 0 : h->x.attempt.body_sent - sent);
    if (of_body)
        relend(h, of_body, STR_NONE);
    return true;
}

static bool do_body(struct test_host *h)
{
    const struct test_script *s = h->script;
    size_t limit = s->client == CLIENT_SENDS_ALL ? s->body.n : s->gives;
    size_t at = h->body_at + h->lent_n;

    if (at < limit) {
        size_t n = test_cut_next(&h->cuts, at, limit), room = HOST_WINDOW - h->lent_n;

        relend(h, 0, str_make(s->body.p + at, n < room ? n : room));
        return true;
    }
    if (s->client == CLIENT_STALLS)
        return false;
    if (s->client == CLIENT_SENDS_ALL) {
        h->body_complete = true;
        exchange_body_complete(&h->x);
        return true;
    }
    assert_false(h->body_failed); /* asked once more for what failed */
    h->body_failed = true;
    exchange_body_failed(&h->x, s->client == CLIENT_GOES ? BODY_FAULT_GONE : BODY_FAULT_BAD,
                         s->client == CLIENT_GOES ? STR("the client went") : STR("bad chunk"));
    return true;
}

static bool do_spool_put(struct test_host *h)
{
    const struct test_script *s = h->script;
    struct str bytes = exchange_spool_put(&h->x);
    size_t n = test_cut_next(&h->cuts, 0, bytes.n);

    if (h->spool_n == 0)
        note(h, "spool");
    assert_false(h->body_failed); /* put once more where that failed */
    if ((s->spool == SPOOL_FULL || s->spool == SPOOL_WRITE_FAILS) && h->spool_n + n > s->spool_holds) {
        h->body_failed = true;
        if (s->spool == SPOOL_FULL)
            exchange_spool_failed(&h->x, 507, STR("no space left"));
        else
            exchange_spool_failed(&h->x, 500, STR("write failed"));
        return true;
    }
    assert_true(h->spool_n + n <= sizeof h->spool);
    memcpy(h->spool + h->spool_n, bytes.p, n);
    h->spool_n += n;
    exchange_spool_put_ack(&h->x, n);
    relend(h, n, STR_NONE);
    return true;
}

static bool do_spool_get(struct test_host *h)
{
    size_t n = test_cut_next(&h->cuts, (size_t)h->spool_read, h->spool_n);

    assert_false(h->body_failed);
    if (h->script->spool == SPOOL_READ_FAILS && h->spool_read + n > h->script->spool_gives)
        n = h->script->spool_gives - (size_t)h->spool_read;
    if (n == 0) {
        h->body_failed = true;
        exchange_spool_failed(&h->x, 500, STR("read failed"));
        return true;
    }
    free(h->unspooled);
    h->unspooled = malloc(n);
    assert_non_null(h->unspooled);
    memcpy(h->unspooled, h->spool + h->spool_read, n);
    h->spool_read += n;
    exchange_spool_got(&h->x, str_make(h->unspooled, n));
    return true;
}

static void end_peer(struct test_host *h)
{
    h->peer_ended = true;
    exchange_backend_ended(&h->x, h->peer->end == ENDS_WITH_RESET ? "connection reset" : NULL);
}

/* Appends to what the exchange still refers to, or begins anew. */
static void receive(struct test_host *h, struct str fresh)
{
    size_t left = exchange_backend_buffer_free(&h->x) ? 0 : h->in_n - h->in_from;
    char *bytes = malloc(left + fresh.n);

    assert_non_null(bytes);
    if (left)
        memcpy(bytes, h->in + h->in_from, left);
    memcpy(bytes + left, fresh.p, fresh.n);
    free(h->in);
    h->in = bytes;
    h->in_n = left + fresh.n;
    h->in_from = 0;
    exchange_from_backend(&h->x, str_make(bytes, h->in_n), fresh.n);
}

static bool do_from_backend(struct test_host *h)
{
    const struct fake_backend *peer = h->peer;
    bool body_there = h->x.attempt.body_sent == h->x.attempt.body_length && h->x.attempt.block.n == 0;

    assert_false(h->peer_ended);
    if (!body_there && !peer->early && !h->peer_broke)
        return false;
    if (h->answered < peer->answer.n) {
        size_t n = test_cut_next(&h->cuts, h->answered, peer->answer.n);

        receive(h, str_make(peer->answer.p + h->answered, n));
        h->answered += n;
        if (peer->end_unasked && h->answered == peer->answer.n)
            end_peer(h);
        return true;
    }
    if (peer->end == STAYS_OPEN)
        return false;
    end_peer(h);
    return true;
}

static bool do_drop(struct test_host *h)
{
    h->drops++;
    if (h->answered && !h->peer->early && !h->peer_broke)
        assert_int_equal(h->x.attempt.body_sent, h->x.attempt.body_length);
    exchange_backend_dropped(&h->x);
    return true;
}

static bool do_interim(struct test_host *h)
{
    note_interim(h);
    h->in_from += exchange_interim_taken(&h->x);
    assert_true(h->in_from <= h->in_n);
    return true;
}

static bool do_file(struct test_host *h)
{
    struct str path = exchange_file_path(&h->x);
    struct file_facts facts = {.mtime_us = 1600000000000000};

    note(h, "file %.*s", STR_ARG(path));
    for (int i = 0; i < SCRIPT_FILES && h->script->files[i].path; i++) {
        const struct fake_file *f = &h->script->files[i];

        if (!str_eq(path, str_from(f->path)))
            continue;
        facts.size = f->size;
        if (f->size >= 0)
            exchange_file_found(&h->x, &facts);
        else if (f->size == FAKE_DIRECTORY)
            exchange_file_is_directory(&h->x);
        else
            exchange_file_failed(&h->x, (int)-f->size, "as the test asked");
        return true;
    }
    exchange_file_failed(&h->x, 404, "no such file");
    return true;
}

static bool do_head(struct test_host *h)
{
    assert_false(h->head_taken);
    note_head(h);
    h->head_taken = true;
    exchange_head_taken(&h->x);
    return true;
}

static bool do_to_client(struct test_host *h)
{
    struct exchange_content content;
    size_t n, lent;

    exchange_to_client(&h->x, &content);
    lent = content.memory.n ? content.memory.n : (size_t)content.length;
    n = test_cut_next(&h->cuts, 0, lent);
    if (h->script->reads_little && h->content_n + n > h->script->reads)
        n = h->script->reads - h->content_n;
    if (n == 0 && h->script->stops_reading)
        return false;
    if (n == 0) {
        exchange_client_failed(&h->x, "broken pipe");
        return true;
    }
    assert_true(h->content_n + n <= sizeof h->content);
    for (size_t i = 0; i < n; i++) /* a file's bytes are the letters of their offsets */
        h->content[h->content_n + i] =
            content.memory.n ? content.memory.p[i] : (char)('a' + (content.offset + (int64_t)i) % 26);
    h->content_n += n;
    exchange_to_client_ack(&h->x, n);
    if (h->x.step == STEP_FINISH)
        assert_true(n == lent && (content.last || h->x.cut_off));
    else
        assert_false(n == lent && content.last);
    return true;
}

static bool do_end(struct test_host *h, bool abort)
{
    h->ended = !abort;
    h->aborted = abort;
    exchange_ended(&h->x);
    return true;
}

static bool act(struct test_host *h, unsigned want)
{
    switch (want) {
    case WANT_ROUTE:
        return do_route(h);
    case WANT_CONNECT:
        return do_connect(h);
    case WANT_TO_BACKEND:
        return do_to_backend(h);
    case WANT_BODY:
        return do_body(h);
    case WANT_SPOOL_PUT:
        return do_spool_put(h);
    case WANT_SPOOL_GET:
        return do_spool_get(h);
    case WANT_FROM_BACKEND:
        return do_from_backend(h);
    case WANT_DROP_BACKEND:
        return do_drop(h);
    case WANT_INTERIM:
        return do_interim(h);
    case WANT_FILE:
        return do_file(h);
    case WANT_HEAD:
        return do_head(h);
    case WANT_TO_CLIENT:
        return do_to_client(h);
    case WANT_END:
        return do_end(h, false);
    default:
        assert_int_equal(want, WANT_ABORT);
        return do_end(h, true);
    }
}

static void expire(struct test_host *h)
{
    int64_t deadline = exchange_deadline_ms(&h->x);

    assert_true(deadline < INT64_MAX); /* else this would wait for ever */
    if (deadline < h->x.now_ms)
        fail_msg("the deadline was %lld ms ago: %.*s wants %x", (long long)(h->x.now_ms - deadline),
                 STR_ARG(out_done(&h->log)), exchange_wants(&h->x));
    h->x.now_ms = deadline;
    exchange_expired(&h->x);
}

/* Frees what the exchange said it no longer refers to. */
static void release(struct test_host *h)
{
    if (h->in && exchange_backend_buffer_free(&h->x)) {
        free(h->in);
        h->in = NULL;
        h->in_n = h->in_from = 0;
    }
}

bool host_step(struct test_host *h)
{
    const unsigned kinds = (unsigned)__builtin_ctz(WANT_DONE); /* the bits below it */
    unsigned wants = exchange_wants(&h->x), start = 0;

    watch_steps(h);
    check_wants(h, wants);
    if (wants == WANT_DONE)
        return false;
    h->x.now_ms++;
    if (h->shuffle)
        start = (unsigned)(test_random(&h->random) % kinds);
    for (unsigned i = 0; i < kinds; i++) {
        unsigned want = wants & 1u << (start + i) % kinds;

        if (want && act(h, want)) {
            release(h);
            return true;
        }
    }
    expire(h);
    release(h);
    return true;
}

bool host_until(struct test_host *h, enum exchange_step step)
{
    while (h->x.step != step)
        if (!host_step(h))
            return false;
    return true;
}

struct str host_play(struct test_host *h)
{
    unsigned steps = 0;

    while (host_step(h))
        assert_true(++steps < STEPS_MAX);
    assert_int_equal(h->connects, h->drops);
    free(h->in); /* nothing refers to it any more, not even what a log shows of the head */
    h->in = NULL;
    if (h->x.response.status)
        assert_true(str_find_str(out_done(&h->log), head_text(h)) >= 0 || !h->head_taken);
    note_content(h);
    assert_int_equal(h->content_n, h->x.content_sent);
    if (h->ended)
        note(h, "end");
    if (h->aborted)
        note(h, "abort");
    note_fault(h);
    return out_done(&h->log);
}
