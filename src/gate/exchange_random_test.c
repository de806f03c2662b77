/* Exchanges of chance: random answers, clients and faults at random times in random order. Whatever happens,
 * the host's checks hold (test_host.h), and what the client got is what the backend sent. */
#include "gate/test_groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* RUNS: unless the environment says otherwise */
enum { RUNS = 4000, ANSWER_MAX = 2048, CHANCE = 60, LONG_BODY = 200000, LIMIT = 150000 };

enum answer_kind { PLAIN, REDIRECT, NAMED, BAD, NOISE, ANSWER_KINDS };

struct answer {
    enum answer_kind kind;
    struct out bytes;
    struct str content; /* of PLAIN: what a client may see of it */
    char memory[ANSWER_MAX];
};

static uint64_t seed;
static char long_body[LONG_BODY];

static size_t chance(size_t n)
{
    return (size_t)(test_random(&seed) % n);
}

static const char *pick(const char *const *of, size_t n)
{
    return of[chance(n)];
}

static void put_lines(struct out *o)
{
    static const char *const lines[] = {
        "X-A: b\n",          "Set-Cookie: a=1\r\n",        "Connection: x-a\n", "Server: test\n",
        "Keep-Alive: 5\r\n", "Content-Type: Text/Plain\n", "ETag: \"e\"\n",     "Location: relative\n",
    };

    for (size_t n = chance(6); n; n--)
        out_str(o, str_from(pick(lines, sizeof lines / sizeof lines[0])));
}

static void put_content(struct answer *a, int64_t length)
{
    size_t n = chance(300), from = a->bytes.n;

    for (size_t i = 0; i < n; i++)
        out_char(&a->bytes, (char)chance(256));
    a->content = str_first(str_make(a->memory + from, n), length < 0 ? n : (size_t)length);
}

static void make_answer(struct answer *a)
{
    static const char *const statuses[] = {"",
                                           "",
                                           "Status: 200\n",
                                           "Status: 404 No\n",
                                           "HTTP/1.1 201 Made\r\n",
                                           "Status: 204\n",
                                           "Status: 304\n"};
    static const char *const targets[] = {"/x", "/files/a", "/files/none", "/files/d/", "/status/403"};
    static const char *const names[] = {"/srv/a", "/srv/none", "relative", ""};
    static const char *const bad[] = {"no colon\n\n", "Transfer-Encoding: chunked\n\n", "Status: 999\n\n",
                                      ": x\n\n"};
    struct out *o = &a->bytes;
    int64_t length = -1;

    *o = (struct out)OUT_INIT(a->memory, sizeof a->memory);
    a->kind = (enum answer_kind)chance(ANSWER_KINDS + 2) % ANSWER_KINDS;
    a->content = STR_NONE;
    for (size_t n = chance(4) ? 0 : 1 + chance(2); n; n--)
        out_str(o, STR("Status: 103\nLink: <a>\n\n"));
    if (a->kind == PLAIN)
        out_str(o, str_from(pick(statuses, sizeof statuses / sizeof statuses[0])));
    put_lines(o);
    switch (a->kind) {
    case PLAIN:
        if (chance(2)) {
            length = (int64_t)chance(300);
            out_printf(o, "Content-Length: %lld\n", (long long)length);
        }
        break;
    case REDIRECT:
        out_printf(o, "Location: %s\n", pick(targets, sizeof targets / sizeof targets[0]));
        break;
    case NAMED:
        out_printf(o, "X-Sendfile: %s\n", pick(names, sizeof names / sizeof names[0]));
        break;
    case BAD:
        out_str(o, str_from(pick(bad, sizeof bad / sizeof bad[0])));
        break;
    default:
        break;
    }
    if (a->kind != NOISE)
        out_char(o, '\n');
    put_content(a, length);
    assert_false(o->overflow);
}

static void configure(struct dir_config *d)
{
    d->sendfile = (struct header_switch){HEADER_SWITCH_ON, STR("X-Sendfile")};
    d->limit_request_body = LIMIT;
}

static void make_body(struct test_script *s)
{
    static const char body[] = "a body that is somewhat longer than one piece of it";
    static const enum request_buffering buffering[] = {REQUEST_BUFFERING_UNSET, REQUEST_BUFFERING_AUTO,
                                                       REQUEST_BUFFERING_ON, REQUEST_BUFFERING_OFF};

    s->buffering = buffering[chance(4)];
    if (chance(2) == 0)
        return;
    s->body = str_make(body, chance(sizeof body));
    if (chance(3) == 0)
        s->body = str_make(long_body, 65530 + (chance(2) ? chance(12) : chance(LONG_BODY - 65530)));
    s->chunked = chance(2);
    s->expects = chance(6) == 0;
    if (chance(4) == 0) {
        s->client = (enum fake_client)chance(4);
        s->gives = chance(s->body.n + 1);
        if (s->gives == s->body.n)
            s->client = CLIENT_SENDS_ALL;
    }
    if (chance(4) == 0) {
        s->spool = (enum fake_spool)chance(4);
        s->spool_holds = chance(2 * s->body.n + 1);
        s->spool_gives = chance(s->body.n + 1);
    }
}

static void make_script(struct test_script *s, struct answer *answers)
{
    static const char *const methods[] = {"GET", "GET", "HEAD", "POST", "PUT", "odd"};
    static const char *const targets[] = {"/app/", "/app/", "/app/", "/files/a", "/files/d", "/status/404"};

    *s = (struct test_script){.name = "of chance", .configure = configure};
    s->method = pick(methods, sizeof methods / sizeof methods[0]);
    s->target = pick(targets, sizeof targets / sizeof targets[0]);
    make_body(s);
    s->reads_little = chance(8) == 0;
    s->reads = chance(100);
    s->stops_reading = chance(2);
    s->files[0] = (struct fake_file){"/srv/files/a", (int64_t)chance(200)};
    s->files[1] = (struct fake_file){"/srv/a", (int64_t)chance(200)};
    s->files[2] = (struct fake_file){"/srv/files/d/", FAKE_DIRECTORY};
    s->backend_count = 1 + (unsigned)chance(SCRIPT_BACKENDS);
    for (unsigned i = 0; i < s->backend_count; i++) {
        struct fake_backend *b = &s->backends[i];

        make_answer(&answers[i]);
        b->answer = out_done(&answers[i].bytes);
        b->end = (enum fake_end)chance(3);
        b->connect = chance(20) ? CONNECTS : (enum fake_connect)chance(3);
        b->early = chance(3) == 0;
        b->breaks = chance(8) == 0;
        b->blocks = chance(16) == 0;
        b->takes = chance(900) + (chance(2) ? chance(s->body.n + 1) : 0);
        b->end_unasked = chance(8) == 0;
    }
}

/* Reports something that no one asked for, or before its time. */
static void disturb(struct test_host *h)
{
    unsigned wants = exchange_wants(&h->x);
    int64_t deadline = exchange_deadline_ms(&h->x);

    switch (chance(6)) {
    case 0:
        exchange_client_failed(&h->x, "gone");
        break;
    case 1:
        if (deadline < INT64_MAX) {
            h->x.now_ms = deadline;
            exchange_expired(&h->x);
        }
        break;
    case 2:
        if (wants & (WANT_FROM_BACKEND | WANT_INTERIM) && !h->peer_ended) {
            h->peer_ended = true;
            exchange_backend_ended(&h->x, chance(2) ? "connection reset" : NULL);
        }
        break;
    case 3:
        if (wants & WANT_TO_BACKEND) {
            h->peer_broke = true;
            exchange_send_failed(&h->x, "broken pipe");
        }
        break;
    case 4: /* at any time: it may be late */
        if (h->spool_n && !h->body_failed) {
            h->body_failed = wants & (WANT_SPOOL_PUT | WANT_SPOOL_GET);
            exchange_spool_failed(&h->x, 500, STR("failed"));
        }
        break;
    default:
        if (wants & (WANT_BODY | WANT_HEAD) && !h->body_failed &&
            (h->x.attempt.body_length || h->x.step == STEP_COLLECT)) {
            h->body_failed = true;
            exchange_body_failed(&h->x, BODY_FAULT_GONE, STR("gone"));
        }
        break;
    }
}

/* What the backend got, test_host.c has compared: here whether it is all. */
static void check_body(const struct test_host *h)
{
    const struct exchange *x = &h->x;
    const struct test_script *s = h->script;
    bool over = s->body.n > LIMIT || (s->chunked && s->buffering == REQUEST_BUFFERING_OFF);

    assert_true(h->spool_n <= LIMIT);
    if (h->up_body == 0)
        return;
    assert_false(over);
    assert_true(h->up_body <= s->body.n);
    if (x->hops == 0 && !x->attempt.send_failed && !x->attempt.ended && x->attempt.up == ATTEMPT_UP_DONE)
        assert_int_equal(h->up_body, s->body.n);
}

static void check_outcome(struct test_host *h, const struct answer *answer)
{
    const struct exchange *x = &h->x;
    const struct response *r = exchange_response(x);
    bool whole = !r->head_only && !r->no_content;

    assert_int_equal(h->connects, h->drops);
    assert_int_equal(h->content_n, x->content_sent);
    assert_int_equal(x->step, STEP_DONE);
    if (h->ended) {
        assert_true(h->head_taken && !x->cut_off);
        if (whole && r->length != RESPONSE_LENGTH_UNKNOWN)
            assert_int_equal(h->content_n, r->length);
    } else {
        assert_true(x->cut_off && x->fault.blame != BLAME_NONE);
    }
    if (h->head_taken && x->fault.status)
        assert_int_equal(x->fault.status, r->status);
    if (!whole)
        assert_int_equal(h->content_n, 0);
    check_body(h);
    if (x->source != SOURCE_BACKEND || answer->kind != PLAIN || h->content_n == 0)
        return;
    assert_true(h->content_n <= answer->content.n);
    assert_memory_equal(h->content, answer->content.p, h->content_n);
    /* A clean end without a length is taken as such, even if the test's disturbance made it. */
    if (h->ended && r->length == RESPONSE_LENGTH_UNKNOWN && h->answered == h->peer->answer.n)
        assert_int_equal(h->content_n, answer->content.n);
}

static void play_one(uint64_t start)
{
    static struct answer answers[SCRIPT_BACKENDS];
    static struct test_host h;
    struct test_script script;
    unsigned last, steps = 0;

    seed = start;
    make_script(&script, answers);
    host_begin(&h, &script);
    h.shuffle = true;
    h.random = test_random(&seed);
    h.cuts = (struct test_cuts){.kind = CUT_RANDOM, .random = test_random(&seed)};
    while (host_step(&h)) {
        assert_true(++steps < 100000);
        if (chance(CHANCE) == 0)
            disturb(&h);
    }
    last = h.connects ? h.connects - 1 : 0;
    check_outcome(&h, &answers[last < script.backend_count ? last : script.backend_count - 1]);
    host_finish(&h);
}

/* What a failed run began with. */
static uint64_t current;

static int tell_seed(void **state)
{
    (void)state;
    if (current)
        print_error("the run that failed is the first of SEED=%llu\n", (unsigned long long)current);
    return 0;
}

static void test_chance(void **state)
{
    uint64_t start = test_seed();
    const char *given = getenv("RUNS");
    uint64_t runs = given ? strtoull(given, NULL, 10) : RUNS;

    (void)state;
    for (size_t i = 0; i < LONG_BODY; i++)
        long_body[i] = (char)('a' + i * i % 257 % 26);
    for (uint64_t i = 0; i < runs; i++) {
        current = start + i;
        play_one(current);
    }
    current = 0;
}

int run_random_tests(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(test_chance, tell_seed)};

    return cmocka_run_group_tests_name("exchange: chance", tests, NULL, NULL);
}
