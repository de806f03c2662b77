/* Exchanges whose request body is collected before the backend is asked: in memory, or in the spool. */
#include "gate/test_groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define ROUTE       "route POST /app/; "
#define POST        ROUTE "connect; "
#define SPOOLED     ROUTE "spool; connect; "
#define OK          "head 200; content ok; end"
#define OF(text)    .answer = STR_INIT(text)
#define ANSWERED    .backends = {{OF("\nok")}}
#define SENDS(text) .method = "POST", .body = STR_INIT(text)
/* That many bytes of a long body. */
#define LONG(size)    .method = "POST", .body = {long_body, size}
#define CHUNKED(size) LONG(size), .chunked = true
#define ON            .buffering = REQUEST_BUFFERING_ON
#define OFF           .buffering = REQUEST_BUFFERING_OFF
#define GIVES(size)   .client = CLIENT_STALLS, .gives = size
/* Whoever asks a backend that hangs is seen by it. */
#define NO_BACKEND .backends = {{.connect = HANGS}}

enum { LONG_BODY = 400000, IN_MEMORY = 65536 };

static char long_body[LONG_BODY];

static void limit_three(struct dir_config *d)
{
    d->limit_request_body = 3;
}

static void limit_100000(struct dir_config *d)
{
    d->limit_request_body = 100000;
}

static struct error_document documents[] = {
    {400, ERROR_DOCUMENT_LOCAL, STR_INIT("/doc")},     {408, ERROR_DOCUMENT_LOCAL, STR_INIT("/files/408")},
    {411, ERROR_DOCUMENT_TEXT, STR_INIT("how long?")}, {413, ERROR_DOCUMENT_LOCAL, STR_INIT("/doc")},
    {507, ERROR_DOCUMENT_LOCAL, STR_INIT("/doc")},
};

static void with_documents(struct dir_config *d)
{
    d->error_documents.items = documents;
    d->error_documents.count = sizeof documents / sizeof documents[0];
    d->limit_request_body = 100000;
}

/* clang-format off */
static const struct test_script collected[] = {
    {"chunked, nothing", CHUNKED(0), ANSWERED, .want = POST OK},
    {"chunked, a byte", CHUNKED(1), ANSWERED, .want = POST OK},
    {"chunked, short", CHUNKED(2000), ANSWERED, .want = POST OK},
    {"chunked, all but one in memory", CHUNKED(IN_MEMORY - 1), ANSWERED, .want = POST OK},
    {"chunked, all in memory", CHUNKED(IN_MEMORY), ANSWERED, .want = POST OK},
    {"chunked, one more", CHUNKED(IN_MEMORY + 1), ANSWERED, .want = SPOOLED OK},
    {"chunked, long", CHUNKED(200000), ANSWERED, .want = SPOOLED OK},
    {"chunked, several windows exactly", CHUNKED(3 * HOST_WINDOW), ANSWERED, .want = SPOOLED OK},
    {"chunked, collected anyhow", CHUNKED(200000), ON, ANSWERED, .want = SPOOLED OK},
    {"a length, collected", LONG(IN_MEMORY), ANSWERED, .want = POST OK},
    {"a length, passed on", LONG(IN_MEMORY + 1), ANSWERED, .want = POST OK},
    {"On, nothing", LONG(0), ON, ANSWERED, .want = POST OK},
    {"On, short", LONG(5), ON, ANSWERED, .want = POST OK},
    {"On, all in memory", LONG(IN_MEMORY), ON, ANSWERED, .want = POST OK},
    {"On, one more", LONG(IN_MEMORY + 1), ON, ANSWERED, .want = SPOOLED OK},
    {"On, long", LONG(300000), ON, ANSWERED, .want = SPOOLED OK},
    {"Off, long", LONG(300000), OFF, ANSWERED, .want = POST OK},
    {"Off, unknown length", CHUNKED(5), OFF, NO_BACKEND,
     .want = ROUTE "head 411; page; end; fault client request-body 411: a request body without Content-Length cannot be passed on with ProxySCGIRequestBuffering Off"},
    {"Off, unknown length, with a document", CHUNKED(5), OFF, .configure = with_documents, NO_BACKEND,
     .want = ROUTE "head 411 [Content-Type: text/html; charset=iso-8859-1] length 9; content how long?; end; "
             "fault client request-body 411: a request body without Content-Length cannot be passed on with ProxySCGIRequestBuffering Off"},
    {"who asks first hears from the backend", LONG(9), .expects = true, GIVES(0), .backends = {{OF("Status: 401\n\nno"), .early = true}},
     .want = POST "head 401; content no; end"},
    {"who asks first, unknown length", CHUNKED(9), .expects = true, ANSWERED, .want = POST OK},
    {"who asks first, collected anyhow", LONG(9), .expects = true, ON, GIVES(0), NO_BACKEND,
     .want = ROUTE "head 408; page; end; fault client request-body 408: the client sent nothing of its body for 60.000 s"},
    {"HEAD with a body", .method = "HEAD", .body = {long_body, 9}, .chunked = true, ANSWERED, .want = "route HEAD /app/; connect; head 200; end"},
    {"no connection afterwards", CHUNKED(200000), .backends = {{.connect = REFUSES}},
     .want = ROUTE "spool; head 503; page; end; fault backend connect 503: \"127.0.0.1:4000\": connection refused"},
    {"no connection in time afterwards", CHUNKED(9), NO_BACKEND,
     .want = ROUTE "head 503; page; end; fault backend connect 503: no connection for 5.000 s"},
    {"not for files", CHUNKED(9), .target = "/files/a", NO_BACKEND,
     .want = "route POST /files/a; head 405 [Allow: GET, HEAD, OPTIONS]; page; end; fault client file 405: a file answers only GET and HEAD"},
};

static const struct test_script over_limit[] = {
    {"a length", LONG(100001), .configure = limit_100000, NO_BACKEND,
     .want = ROUTE "head 413; page; end; fault client request-body 413: request body of 100001 bytes or more is over LimitRequestBody 100000"},
    {"a length, collected", LONG(100001), ON, .configure = limit_100000, NO_BACKEND,
     .want = ROUTE "head 413; page; end; fault client request-body 413: request body of 100001 bytes or more is over LimitRequestBody 100000"},
    {"a length at it, collected", LONG(100000), ON, .configure = limit_100000, ANSWERED, .want = SPOOLED OK},
    {"chunked, at it", CHUNKED(3), .configure = limit_three, ANSWERED, .want = POST OK},
    {"chunked, spooled, at it", CHUNKED(100000), .configure = limit_100000, ANSWERED, .want = SPOOLED OK},
};

static const struct test_script broken_off[] = {
    {"goes at once", CHUNKED(9), .client = CLIENT_GOES, NO_BACKEND,
     .want = ROUTE "head 400; page; end; fault client request-body 400: the client went"},
    {"goes, in memory", LONG(9), .client = CLIENT_GOES, .gives = 8, NO_BACKEND,
     .want = ROUTE "head 400; page; end; fault client request-body 400: the client went"},
    {"goes, spooled", CHUNKED(200000), .client = CLIENT_GOES, .gives = 199999, NO_BACKEND,
     .want = ROUTE "spool; head 400; page; end; fault client request-body 400: the client went"},
    {"a bad chunk", CHUNKED(9), .client = CLIENT_SENDS_BAD, .gives = 5, NO_BACKEND,
     .want = ROUTE "head 400; page; end; fault client request-body 400: bad chunk"},
    {"a bad chunk, spooled", CHUNKED(200000), .client = CLIENT_SENDS_BAD, .gives = 150000, NO_BACKEND,
     .want = ROUTE "spool; head 400; page; end; fault client request-body 400: bad chunk"},
    {"stalls at once", LONG(9), GIVES(0), NO_BACKEND,
     .want = ROUTE "head 408; page; end; fault client request-body 408: the client sent nothing of its body for 60.000 s"},
    {"stalls, in memory", CHUNKED(9), GIVES(9), NO_BACKEND, /* its end is missing */
     .want = ROUTE "head 408; page; end; fault client request-body 408: the client sent nothing of its body for 60.000 s"},
    {"stalls, spooled", LONG(200000), ON, GIVES(199999), NO_BACKEND,
     .want = ROUTE "spool; head 408; page; end; fault client request-body 408: the client sent nothing of its body for 60.000 s"},
    {"stalls, with a document", CHUNKED(9), GIVES(3), .configure = with_documents, .files = {{"/srv/files/408", 2}},
     .want = ROUTE "route GET /files/408; file /srv/files/408; head 408 [Last-Modified: Sun, 13 Sep 2020 12:26:40 GMT|ETag: \"2-5af3107a40000\"|Accept-Ranges: bytes] length 2; "
             "content ab; end; fault client request-body 408: the client sent nothing of its body for 60.000 s"},
    {"goes, with a document", CHUNKED(200000), .client = CLIENT_GOES, .gives = 90000, .configure = with_documents, .backends = {{OF("\nsorry")}},
     .want = ROUTE "spool; route GET /doc; connect; head 400; content sorry; end; fault client request-body 400: the client went"},
};

static const struct test_script spool_faults[] = {
    {"no room at once", CHUNKED(200000), .spool = SPOOL_FULL, NO_BACKEND,
     .want = ROUTE "spool; head 507; page; end; fault gateway request-body 507: no space left"},
    {"no room later", CHUNKED(200000), .spool = SPOOL_FULL, .spool_holds = 199999, NO_BACKEND,
     .want = ROUTE "spool; head 507; page; end; fault gateway request-body 507: no space left"},
    {"no room, with a document", CHUNKED(90000), .spool = SPOOL_FULL, .configure = with_documents, .backends = {{OF("\nsorry")}},
     .want = ROUTE "spool; route GET /doc; connect; head 507; content sorry; end; fault gateway request-body 507: no space left"},
    {"not writable", LONG(90000), ON, .spool = SPOOL_WRITE_FAILS, NO_BACKEND,
     .want = ROUTE "spool; head 500; page; end; fault gateway request-body 500: write failed"},
    {"not readable", CHUNKED(90000), .spool = SPOOL_READ_FAILS, ANSWERED,
     .want = SPOOLED "head 500; page; end; fault gateway request-body 500: read failed"},
    {"not readable to the end", CHUNKED(200000), .spool = SPOOL_READ_FAILS, .spool_gives = 199999, ANSWERED,
     .want = SPOOLED "head 500; page; end; fault gateway request-body 500: read failed"},
};

static const struct test_script talks[] = {
    {"an early answer", CHUNKED(200000), .backends = {{OF("Status: 413\nContent-Length: 2\n\nno"), .early = true, .end = STAYS_OPEN}},
     .want = SPOOLED "head 413 length 2; content no; end"},
    {"an early answer up to its end", CHUNKED(200000), .backends = {{OF("Status: 401\n\nno"), .early = true}},
     .want = SPOOLED "head 401; content no; end"},
    {"an early answer, nothing is taken", CHUNKED(200000), .backends = {{OF("Status: 401\nContent-Length: 2\n\nno"), .early = true, .blocks = true, .takes = 900}},
     .want = SPOOLED "head 401 length 2; content no; end"},
    {"an early answer without content", LONG(200000), ON, .backends = {{OF("Status: 204\n\n"), .early = true, .end = STAYS_OPEN}},
     .want = SPOOLED "head 204 without content; end"},
    {"an early redirect", CHUNKED(200000), .backend_count = 2, .backends = {{OF("Location: /x\n\n"), .early = true, .end = STAYS_OPEN}, {OF("\nok")}},
     .want = SPOOLED "route GET /x; connect; " OK},
    {"a redirect", CHUNKED(200000), .backend_count = 2, .backends = {{OF("Location: /x\n\n")}, {OF("\nok")}},
     .want = SPOOLED "route GET /x; connect; " OK},
    {"a redirect out of memory", LONG(20), .backend_count = 2, .backends = {{OF("Location: /x\n\n")}, {OF("\nok")}},
     .want = POST "route GET /x; connect; " OK},
    {"an interim answer", CHUNKED(200000), .backends = {{OF("Status: 102\n\n\nok"), .early = true}}, .want = SPOOLED "interim 102; " OK},
    {"an answer after a failed write", CHUNKED(200000), .backends = {{OF("Status: 413\n\nno"), .breaks = true, .takes = 100000}},
     .want = SPOOLED "head 413; content no; end"},
    {"not all is taken", CHUNKED(200000), .backends = {{OF(""), .blocks = true, .takes = 100000, .end = STAYS_OPEN}},
     .want = SPOOLED "head 504; page; end; fault backend send-request 504: the backend was silent for 30.000 s"},
    {"no answer", CHUNKED(200000), .backends = {{OF(""), .end = STAYS_OPEN}},
     .want = SPOOLED "head 504; page; end; fault backend response-head 504: the backend was silent for 30.000 s"},
    {"closed behind it", CHUNKED(200000), .backends = {{OF("")}},
     .want = SPOOLED "head 502; page; end; fault backend response-head 502: closed before any answer"},
};
/* clang-format on */

static void test_collected(void **state)
{
    PLAY(collected);
}

static void test_over_limit(void **state)
{
    PLAY(over_limit);
}

static void test_broken_off(void **state)
{
    PLAY(broken_off);
}

static void test_spool_faults(void **state)
{
    PLAY(spool_faults);
}

static void test_talks(void **state)
{
    PLAY(talks);
}

/* What the backend is told and gets, and what went through the spool. */
static void test_sizes(void **state)
{
    static const size_t sizes[] = {0, 1, 2, IN_MEMORY - 1, IN_MEMORY, IN_MEMORY + 1, 200000, LONG_BODY};
    struct test_script script = {.method = "POST", ANSWERED};
    static struct test_host h;
    char length[24];

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int form = 0; form < 4; form++) {
            bool waits = form > 0 || sizes[i] <= IN_MEMORY;

            script.body = str_make(long_body, sizes[i]);
            script.chunked = form > 1;
            script.buffering = form % 2 ? REQUEST_BUFFERING_ON : REQUEST_BUFFERING_UNSET;
            host_begin(&h, &script);
            h.cuts = (struct test_cuts){.kind = CUT_RANDOM, .random = test_seed() + i};
            host_play(&h);
            snprintf(length, sizeof length, "%zu", sizes[i]);
            assert_true(str_eq(host_variable(&h, "CONTENT_LENGTH"), str_from(length)));
            assert_int_equal(h.up_body, sizes[i]); /* compared on its way, see check_up() */
            assert_int_equal(h.spool_n, waits && sizes[i] > IN_MEMORY ? sizes[i] : 0);
            assert_int_equal(h.spool_read, h.spool_n);
            host_finish(&h);
        }
}

/* A body that grows past its limit is refused at once, and not all of it was taken. */
static void test_grows_past_limit(void **state)
{
    static const struct test_script scripts[] = {
        {CHUNKED(9), .configure = limit_three, NO_BACKEND},
        {CHUNKED(LONG_BODY), .configure = limit_100000, NO_BACKEND},
        {CHUNKED(100001), .configure = limit_100000, NO_BACKEND},
    };
    static struct test_host h;
    struct str got;

    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++)
        for (uint64_t seed = 0; seed < 50; seed++) {
            int64_t limit;

            host_begin(&h, &scripts[i]);
            h.cuts = (struct test_cuts){.kind = seed ? CUT_RANDOM : CUT_BYTES, .random = test_seed() + seed};
            limit = h.config.limit_request_body;
            got = host_play(&h);
            assert_int_equal(h.connects, 0);
            assert_true(h.ended && h.x.response.status == 413 && h.x.fault.blame == BLAME_CLIENT);
            assert_true((int64_t)h.spool_n <= limit);
            assert_true(str_ends_nocase(got, limit == 3 ? STR(" or more is over LimitRequestBody 3")
                                                        : STR(" or more is over LimitRequestBody 100000")));
            if (seed == 0) /* byte by byte: at the first that is too many */
                assert_int_equal(h.body_at + h.lent_n, limit + 1);
            host_finish(&h);
        }
}

static void expect_variables(struct test_host *h, const char *const (*want)[2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct str got = host_variable(h, want[i][0]);

        if (!got.p != !want[i][1] || (got.p && !str_eq(got, str_from(want[i][1]))))
            fail_msg("%s: \"%.*s\"", want[i][0], STR_ARG(got));
    }
}

/* The next hop has no body, and is told how long it was. */
static void test_redirect_variables(void **state)
{
    static const struct test_script script = {
        CHUNKED(200000),
        .fields = {{STR_INIT("Content-Type"), STR_INIT("a/b")}},
        .backends = {{OF("Location: /x\n\n")}, {OF("\nok")}},
        .backend_count = 2,
    };
    static const char *const want[][2] = {
        {"REQUEST_METHOD", "GET"},
        {"CONTENT_LENGTH", "0"},
        {"CONTENT_TYPE", NULL},
        {"HTTP_TRANSFER_ENCODING", NULL},
        {"REDIRECT_STATUS", "200"},
        {"REDIRECT_REQUEST_METHOD", "POST"},
        {"REDIRECT_CONTENT_LENGTH", "200000"},
    };
    static struct test_host h;

    (void)state;
    host_begin(&h, &script);
    host_play(&h);
    assert_int_equal(h.connects, 2);
    expect_variables(&h, want, sizeof want / sizeof want[0]);
    host_finish(&h);
}

/* The document for a body that was too long: its length is not known, its type does not matter. */
static void test_document_variables(void **state)
{
    static const struct test_script script = {CHUNKED(LONG_BODY), .configure = with_documents,
                                              .fields = {{STR_INIT("Content-Type"), STR_INIT("a/b")}},
                                              .backends = {{OF("\nsorry")}}};
    static const char *const want[][2] = {
        {"REQUEST_METHOD", "GET"},  {"CONTENT_LENGTH", "0"},   {"CONTENT_TYPE", NULL},
        {"REDIRECT_STATUS", "413"}, {"REDIRECT_URL", "/app/"}, {"REDIRECT_CONTENT_LENGTH", NULL},
    };
    static struct test_host h;

    (void)state;
    host_begin(&h, &script);
    host_play(&h);
    assert_int_equal(h.connects, 1);
    assert_int_equal(h.x.response.status, 413);
    assert_int_equal(h.up_body, 0);
    expect_variables(&h, want, sizeof want / sizeof want[0]);
    assert_true(str_starts(host_variable(&h, "REDIRECT_ERROR_NOTES"), STR("request body of ")));
    host_finish(&h);
}

/* The client goes in each step, and while the host is at its spool. */
static void test_client_goes_anywhere(void **state)
{
    static const struct test_script script = {CHUNKED(200000), .backends = {{OF("\nhello")}}};
    static struct test_host h;

    (void)state;
    for (unsigned want = WANT_ROUTE; want < WANT_DONE; want <<= 1) {
        host_begin(&h, &script);
        while (!(exchange_wants(&h.x) & want))
            if (!host_step(&h))
                break;
        if (h.x.step != STEP_DONE) {
            exchange_client_failed(&h.x, "gone");
            assert_int_equal(h.x.step, STEP_DONE);
            assert_true(str_ends_nocase(host_play(&h), STR("fault client send-response 0: gone")));
            assert_false(h.ended || h.aborted);
        }
        host_finish(&h);
    }
}

static void expect_deadline(struct test_host *h, int64_t after_ms)
{
    assert_int_equal(exchange_deadline_ms(&h->x) - h->x.now_ms, after_ms);
}

/* The client has all its time for each piece; the spool's time is not the client's, nor is the backend's. */
static void test_deadlines(void **state)
{
    static const struct test_script script = {CHUNKED(200000),
                                              .backends = {{OF("\nhello"), .end = STAYS_OPEN}}};
    static struct test_host h;

    (void)state;
    host_begin(&h, &script);
    assert_true(host_until(&h, STEP_COLLECT));
    expect_deadline(&h, 60000);
    h.x.now_ms += 50000;
    assert_true(host_step(&h));
    assert_int_equal(exchange_wants(&h.x), WANT_SPOOL_PUT);
    assert_int_equal(exchange_deadline_ms(&h.x), INT64_MAX);
    h.x.now_ms += 100000; /* the disk is slow */
    exchange_expired(&h.x);
    assert_true(host_step(&h));
    assert_int_equal(exchange_wants(&h.x), WANT_BODY);
    expect_deadline(&h, 60000);
    assert_true(host_until(&h, STEP_CONNECT));
    expect_deadline(&h, 5000);
    while (exchange_wants(&h.x) != (WANT_SPOOL_GET | WANT_FROM_BACKEND))
        assert_true(host_step(&h));
    expect_deadline(&h, 30000);
    h.x.now_ms += 29000;
    assert_true(host_step(&h));
    assert_int_equal(exchange_wants(&h.x), WANT_TO_BACKEND | WANT_FROM_BACKEND);
    expect_deadline(&h, 30000);
    h.x.now_ms += 30000;
    exchange_expired(&h.x);
    assert_true(str_eq(host_play(&h), STR(SPOOLED "head 504; page; end; fault backend send-request 504: the "
                                                  "backend was silent for 30.000 s")));
    host_finish(&h);
}

/* A slow client that never stops is not cut off: each byte counts. */
static void test_slow_client(void **state)
{
    static const struct test_script script = {CHUNKED(9), ANSWERED};
    static struct test_host h;

    (void)state;
    host_begin(&h, &script);
    h.cuts.kind = CUT_BYTES;
    assert_true(host_until(&h, STEP_COLLECT));
    while (h.lent_n < 9) {
        h.x.now_ms += 59000;
        assert_true(host_step(&h));
        expect_deadline(&h, 60000);
    }
    assert_true(str_eq(host_play(&h), STR(POST OK)));
    host_finish(&h);
}

/* What is left of a body that failed makes the connection useless. */
static void test_close(void **state)
{
    static const struct {
        struct test_script script;
        bool close;
    } cases[] = {
        {{CHUNKED(200000), ANSWERED}, false},
        {{CHUNKED(200000), .spool = SPOOL_FULL, NO_BACKEND}, true},
        {{CHUNKED(200000), .client = CLIENT_SENDS_BAD, .gives = 90000, NO_BACKEND}, true},
        {{CHUNKED(9), GIVES(3), NO_BACKEND}, true},
        {{CHUNKED(9), .backends = {{.connect = REFUSES}}}, false},
    };
    static struct test_host h;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        host_begin(&h, &cases[i].script);
        host_play(&h);
        assert_true(h.ended);
        assert_int_equal(exchange_response(&h.x)->close, cases[i].close);
        host_finish(&h);
    }
}

/* Brings the exchange to a step where the spool is read, in any order that leads there. */
static bool reach_get(struct test_host *h, const struct test_script *script, enum exchange_step step,
                      uint64_t seed)
{
    host_begin(h, script);
    h->shuffle = true;
    h->random = test_seed() + seed;
    while (h->x.step != step || !(exchange_wants(&h->x) & WANT_SPOOL_GET))
        if (!host_step(h))
            return false;
    return true;
}

/* The spool fails when the answer has begun: it is the gateway's fault, and the client gets all of the
 * answer. */
static void test_spool_fails_late(void **state)
{
    static const struct test_script script = {CHUNKED(200000), .backends = {{OF("\nhello"), .early = true}}};
    static struct test_host h;
    unsigned hits = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        if (reach_get(&h, &script, STEP_CONTENT, seed)) {
            hits++;
            exchange_spool_failed(&h.x, 500, STR("read failed"));
            do
                assert_int_equal(exchange_wants(&h.x) & (WANT_SPOOL_GET | WANT_TO_BACKEND), 0);
            while (host_step(&h));
            assert_true(str_eq(
                host_play(&h),
                STR(SPOOLED "head 200; content hello; end; fault gateway request-body 0: read failed")));
        }
        host_finish(&h);
    }
    assert_true(hits > 0);
}

/* The spool was being read when nobody needed it any more: its failure is no news. */
static void test_spool_fails_too_late(void **state)
{
    static const struct test_script script = {
        CHUNKED(200000),
        .backends = {{OF("Location: /x\n\n"), .early = true}, {OF("\nok")}},
        .backend_count = 2,
    };
    static const enum exchange_step steps[] = {STEP_ROUTE, STEP_CONNECT, STEP_TALK,
                                               STEP_HEAD,  STEP_CONTENT, STEP_FINISH};
    static struct test_host h;

    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        host_begin(&h, &script);
        while (h.x.hops == 0 || h.x.step != steps[i])
            assert_true(host_step(&h));
        exchange_spool_failed(&h.x, 500, STR("read failed"));
        assert_int_equal(h.x.step, steps[i]);
        assert_true(str_eq(host_play(&h), STR(SPOOLED "route GET /x; connect; " OK)));
        assert_false(exchange_response(&h.x)->close);
        host_finish(&h);
    }
}

int run_body_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collected),
        cmocka_unit_test(test_over_limit),
        cmocka_unit_test(test_broken_off),
        cmocka_unit_test(test_spool_faults),
        cmocka_unit_test(test_talks),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_grows_past_limit),
        cmocka_unit_test(test_redirect_variables),
        cmocka_unit_test(test_document_variables),
        cmocka_unit_test(test_client_goes_anywhere),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_slow_client),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_spool_fails_late),
        cmocka_unit_test(test_spool_fails_too_late),
    };

    for (size_t i = 0; i < LONG_BODY; i++)
        long_body[i] = (char)('a' + i * i % 257 % 26);
    return cmocka_run_group_tests_name("exchange: collected bodies", tests, NULL, NULL);
}
