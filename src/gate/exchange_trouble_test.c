/* Exchanges in trouble: both directions at once, writes that fail, clients that go, time that runs out. */
#include "gate/test_groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define ASK         "route GET /app/; connect; "
#define POST        "route POST /app/; connect; "
#define OF(text)    .answer = STR_INIT(text)
#define SENDS(text) .method = "POST", .body = STR_INIT(text)
/* The body goes to the backend as it comes. */
#define STREAMS(text) SENDS(text), .buffering = REQUEST_BUFFERING_OFF

static void limit_three(struct dir_config *d)
{
    d->limit_request_body = 3;
}

static void limit_none(struct dir_config *d)
{
    d->limit_request_body = 0;
}

/* clang-format off */
static const struct test_script duplex[] = {
    {"an answer before the body", STREAMS("a body"), .client = CLIENT_STALLS, .gives = 3,
     .backends = {{OF("Status: 413\nContent-Length: 2\n\nno"), .early = true, .end = STAYS_OPEN}},
     .want = POST "head 413 length 2; content no; end"},
    {"an answer before the body, up to its end", STREAMS("a body"), .client = CLIENT_STALLS,
     .backends = {{OF("Status: 401\n\nno"), .early = true}}, .want = POST "head 401; content no; end"},
    {"an early answer without content", STREAMS("a body"), .client = CLIENT_STALLS,
     .backends = {{OF("Status: 204\n\n"), .early = true, .end = STAYS_OPEN}}, .want = POST "head 204 without content; end"},
    {"an early redirect", STREAMS("a body"), .client = CLIENT_STALLS, .backend_count = 2,
     .backends = {{OF("Location: /x\n\n"), .early = true, .end = STAYS_OPEN}, {OF("\nok")}},
     .want = POST "route GET /x; connect; head 200; content ok; end"},
    {"an answer while the body goes up", STREAMS("a body"),
     .backends = {{OF("Content-Type: text/plain\n\nan answer of some length"), .early = true}},
     .want = POST "head 200 [Content-Type: text/plain]; content an answer of some length; end"},
    {"an interim answer while the body goes up", STREAMS("a body"),
     .backends = {{OF("Status: 102\n\n\nok"), .early = true}}, .want = POST "interim 102; head 200; content ok; end"},
    {"a short answer while the body goes up", STREAMS("a body"),
     .backends = {{OF("Content-Length: 9\n\nhello"), .early = true}},
     .want = POST "head 200 length 9; content hello; abort; fault backend response-body 0: closed after 5 of 9 bytes of the response body"},
    {"an answer after a failed write", STREAMS("a body"), .backends = {{OF("Status: 413\n\nno"), .breaks = true, .takes = 10}},
     .want = POST "head 413; content no; end"},
    {"no answer after a failed write of the netstring", .backends = {{OF(""), .breaks = true, .takes = 10}},
     .want = ASK "head 502; page; end; fault backend send-request 502: closed while the request was being sent"},
    {"a reset after a failed write of the netstring", STREAMS("a body"), .backends = {{OF(""), .breaks = true, .takes = 0, .end = ENDS_WITH_RESET}},
     .want = POST "head 502; page; end; fault backend send-request 502: connection reset while the request was being sent"},
    {"half a head after a failed write", .backends = {{OF("Status: 20"), .breaks = true, .takes = 10}},
     .want = ASK "head 502; page; end; fault backend response-head 502: closed within the response head, after 10 bytes"},
    {"silence after a failed write", .backends = {{OF(""), .breaks = true, .takes = 10, .end = STAYS_OPEN}},
     .want = ASK "head 504; page; end; fault backend response-head 504: the backend was silent for 30.000 s"},
    {"an end while the body goes up", STREAMS("a body"), .client = CLIENT_STALLS, .gives = 3, .ordered = true,
     .backends = {{OF(""), .early = true}},
     .want = POST "head 502; page; end; fault backend send-request 502: closed after 3 of 6 bytes of the request body, before any answer"},
};

static const struct test_script clients[] = {
    {"goes", STREAMS("a body"), .client = CLIENT_GOES, .gives = 3, .backends = {{OF("\nok")}},
     .want = POST "head 400; page; end; fault client request-body 400: the client went"},
    {"sends a bad body", STREAMS("a body"), .client = CLIENT_SENDS_BAD, .gives = 0, .backends = {{OF("\nok")}},
     .want = POST "head 400; page; end; fault client request-body 400: bad chunk"},
    {"sends no more", STREAMS("a body"), .client = CLIENT_STALLS, .gives = 5, .backends = {{OF("\nok")}},
     .want = POST "head 408; page; end; fault client request-body 408: the client sent nothing of its body for 60.000 s"},
    {"goes while it reads", .reads_little = true, .reads = 3, .backends = {{OF("\nhello")}},
     .want = ASK "head 200; content hel; fault client send-response 0: broken pipe"},
    {"goes while it reads a page", .reads_little = true, .target = "/status/404",
     .want = "route GET /status/404; head 404; fault client route 404: as the test asked"},
    {"reads no more", .reads_little = true, .reads = 3, .stops_reading = true, .backends = {{OF("\nhello"), .end = STAYS_OPEN}},
     .want = ASK "head 200; content hel; fault client send-response 0: the client did not read its answer"},
    {"reads no more of a file", .target = "/files/a", .reads_little = true, .reads = 3, .stops_reading = true, .files = {{"/srv/files/a", 9}},
     .want = "route GET /files/a; file /srv/files/a; head 200 [Last-Modified: Sun, 13 Sep 2020 12:26:40 GMT|ETag: \"9-5af3107a40000\"|Accept-Ranges: bytes] length 9; "
             "content abc; fault client send-response 0: the client did not read its answer"},
    {"body over the limit", SENDS("four"), .configure = limit_three,
     .want = "route POST /app/; head 413; page; end; fault client request-body 413: request body of 4 bytes or more is over LimitRequestBody 3"},
    {"body at the limit", SENDS("333"), .configure = limit_three, .backends = {{OF("\nok")}}, .want = POST "head 200; content ok; end"},
    {"no limit", SENDS("four"), .configure = limit_none, .backends = {{OF("\nok")}}, .want = POST "head 200; content ok; end"},
};

static const struct test_script silences[] = {
    {"no connection", .backends = {{.connect = HANGS}},
     .want = "route GET /app/; head 503; page; end; fault backend connect 503: no connection for 5.000 s"},
    {"the request is not taken", .backends = {{OF(""), .blocks = true, .takes = 20, .end = STAYS_OPEN}},
     .want = ASK "head 504; page; end; fault backend send-request 504: the backend was silent for 30.000 s"},
    {"the request is not taken, nor does the client send", STREAMS("a body"), .client = CLIENT_STALLS,
     .backends = {{OF(""), .blocks = true, .takes = 20, .end = STAYS_OPEN}},
     .want = POST "head 504; page; end; fault backend send-request 504: the backend was silent for 30.000 s"},
    {"no answer", .backends = {{OF(""), .end = STAYS_OPEN}},
     .want = ASK "head 504; page; end; fault backend response-head 504: the backend was silent for 30.000 s"},
    {"half a head", .backends = {{OF("Status: 200\nX"), .end = STAYS_OPEN}},
     .want = ASK "head 504; page; end; fault backend response-head 504: the backend was silent for 30.000 s"},
    {"an interim head only", .backends = {{OF("Status: 102\n\n"), .end = STAYS_OPEN}},
     .want = ASK "interim 102; head 504; page; end; fault backend response-head 504: the backend was silent for 30.000 s"},
    {"no content", .backends = {{OF("\n"), .end = STAYS_OPEN}},
     .want = ASK "head 200; abort; fault backend response-body 0: the backend was silent for 30.000 s"},
    {"half the content", .backends = {{OF("Content-Length: 9\n\nhello"), .end = STAYS_OPEN}},
     .want = ASK "head 200 length 9; content hello; abort; fault backend response-body 0: the backend was silent for 30.000 s"},
};
/* clang-format on */

static void test_duplex(void **state)
{
    PLAY(duplex);
}

static void test_clients(void **state)
{
    PLAY(clients);
}

static void test_silences(void **state)
{
    PLAY(silences);
}

/* Wherever the write breaks off, an answer that is there is read. */
static void test_write_breaks_anywhere(void **state)
{
    static struct test_host h;
    struct test_script script = {SENDS("a body"), .backends = {{OF("Status: 413\n\nno"), .breaks = true}}};
    bool broke;

    (void)state;
    script.name = "a write breaks";
    do {
        host_begin(&h, &script);
        assert_true(str_eq(host_play(&h), STR(POST "head 413; content no; end")));
        broke = h.peer_broke;
        host_finish(&h);
        script.backends[0].takes++;
    } while (broke);
    assert_int_equal(h.up_body, 6);
}

/* The client goes in each step: nothing more happens but that the backend is let go. */
static void test_client_goes_anywhere(void **state)
{
    static const struct test_script scripts[] = {
        {SENDS("a body"), .backends = {{OF("Status: 200 Fine\nX: y\n\nhello")}}},
        {.target = "/files/a", .files = {{"/srv/files/a", 9}}},
        {.target = "/app/", .backends = {{OF("Location: /x\n\n")}, {OF("\nok")}}, .backend_count = 2},
    };
    static struct test_host h;
    struct str got;

    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        for (int step = STEP_ROUTE; step < STEP_DONE; step++) {
            host_begin(&h, &scripts[i]);
            if (host_until(&h, (enum exchange_step)step)) {
                exchange_client_failed(&h.x, "gone");
                assert_int_equal(h.x.step, STEP_DONE);
                got = host_play(&h);
                assert_true(str_ends_nocase(got, STR("fault client send-response 0: gone")));
                assert_false(h.ended || h.aborted);
                exchange_client_failed(&h.x, "gone again");
                assert_null(exchange_take_fault(&h.x));
            }
            host_finish(&h);
        }
    }
}

/* The body fails when the answer has begun: the client gets all of the answer, and the rest of the body is
 * not asked for. */
static void test_body_fails_late(void **state)
{
    static const struct test_script script = {STREAMS("a body"), .client = CLIENT_STALLS, .gives = 3,
                                              .backends = {{OF("\nhello"), .early = true}}};
    static const enum exchange_step steps[] = {STEP_HEAD, STEP_CONTENT};
    static struct test_host h;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        host_begin(&h, &script);
        assert_true(host_until(&h, steps[i]));
        exchange_body_failed(&h.x, BODY_FAULT_GONE, STR("gone"));
        do
            assert_int_equal(exchange_wants(&h.x) & (WANT_BODY | WANT_TO_BACKEND), 0);
        while (host_step(&h));
        assert_true(str_eq(host_play(&h),
                           STR(POST "head 200; content hello; end; fault client request-body 0: gone")));
        host_finish(&h);
    }
}

static void expect_deadline(struct test_host *h, enum exchange_step step, int64_t after_ms)
{
    assert_true(host_until(h, step));
    assert_int_equal(exchange_deadline_ms(&h->x) - h->x.now_ms, after_ms);
}

/* Which setting counts, and from when. */
static void test_deadlines(void **state)
{
    static const struct test_script script = {.backends = {{OF("\nhello"), .end = STAYS_OPEN}}};
    static struct test_host h;

    (void)state;
    host_begin(&h, &script);
    assert_int_equal(exchange_deadline_ms(&h.x), INT64_MAX);
    expect_deadline(&h, STEP_CONNECT, 5000);
    h.backend.connect_timeout_ms = 0;
    expect_deadline(&h, STEP_CONNECT, 30000);
    h.backend.timeout_ms = 0;
    expect_deadline(&h, STEP_CONNECT, 60000);
    h.server.proxy_timeout_ms = 40000;
    expect_deadline(&h, STEP_CONNECT, 40000);
    h.x.now_ms += 1000;
    expect_deadline(&h, STEP_TALK, 40000);
    assert_true(host_until(&h, STEP_HEAD));
    /* the head may have to wait until an interim one has gone */
    assert_int_equal(exchange_deadline_ms(&h.x) - h.x.now_ms, 60000);
    h.x.now_ms += 50000; /* the head has waited: the backend is not to blame */
    exchange_head_taken(&h.x);
    assert_int_equal(exchange_wants(&h.x), WANT_TO_CLIENT);
    assert_int_equal(exchange_deadline_ms(&h.x) - h.x.now_ms, 60000);
    h.x.now_ms += 50000;
    exchange_to_client_ack(&h.x, 5);
    assert_int_equal(exchange_wants(&h.x), WANT_FROM_BACKEND);
    assert_int_equal(exchange_deadline_ms(&h.x) - h.x.now_ms, 40000);
    h.x.content_sent = 0;
    h.x.now_ms += 40000;
    exchange_expired(&h.x);
    assert_int_equal(exchange_wants(&h.x), WANT_ABORT | WANT_DROP_BACKEND);
    assert_int_equal(exchange_deadline_ms(&h.x) - h.x.now_ms, 20000); /* a piece may be on its way still */
    host_play(&h);
    host_finish(&h);
}

/* The answer waits for long at the client with nothing to read from the backend meanwhile. */
static void test_head_waits_before_content(void **state)
{
    static const struct test_script script = {.backends = {{OF("\n"), .end = STAYS_OPEN}}};
    static struct test_host h;

    (void)state;
    host_begin(&h, &script);
    assert_true(host_until(&h, STEP_HEAD));
    h.x.now_ms += 50000;
    exchange_head_taken(&h.x);
    assert_int_equal(exchange_deadline_ms(&h.x) - h.x.now_ms, 30000);
    host_finish(&h);
}

/* A backend that waited for the client's body has all its time when the body fails. */
static void test_body_stalls_late(void **state)
{
    static const struct test_script script = {
        STREAMS("a body"),
        .client = CLIENT_STALLS,
        .gives = 3,
        .backends = {{OF("\nhello"), .early = true, .end = STAYS_OPEN}},
    };
    static struct test_host h;

    (void)state;
    host_begin(&h, &script);
    while (h.content_n < 5)
        assert_true(host_step(&h));
    assert_int_equal(exchange_wants(&h.x), WANT_BODY | WANT_FROM_BACKEND);
    expect_deadline(&h, STEP_CONTENT, 60000);
    h.x.now_ms += 60000;
    exchange_expired(&h.x);
    assert_int_equal(exchange_wants(&h.x), WANT_FROM_BACKEND);
    expect_deadline(&h, STEP_CONTENT, 30000);
    assert_true(str_eq(host_play(&h),
                       STR(POST "head 200; content hello; abort; fault client request-body 0: the client "
                                "sent nothing of its body for 60.000 s")));
    host_finish(&h);
}

static void test_end_is_not_read(void **state)
{
    static const struct test_script script = {.backends = {{OF("\nhello")}}};
    static struct test_host h;

    (void)state;
    host_begin(&h, &script);
    assert_true(host_until(&h, STEP_FINISH));
    h.x.now_ms = exchange_deadline_ms(&h.x);
    exchange_expired(&h.x);
    assert_int_equal(h.x.step, STEP_DONE);
    assert_true(
        str_eq(host_play(&h), STR(ASK "head 200; content hello; fault client send-response 0: the client did "
                                      "not read its answer")));
    host_finish(&h);
}

/* Nothing is announced over the usual limit of a body. */
static void test_usual_limit(void **state)
{
    static const struct test_script script = {SENDS("x"), .backends = {{OF("\nok")}}};
    static struct test_host h;

    (void)state;
    host_begin(&h, &script);
    h.x.request.content_length = 1073741824;
    assert_true(host_until(&h, STEP_CONNECT));
    host_finish(&h);
    host_begin(&h, &script);
    h.x.request.content_length = 1073741825;
    assert_true(host_until(&h, STEP_HEAD));
    assert_int_equal(exchange_response(&h.x)->status, 413);
    host_finish(&h);
}

/* A request that could not be read. */
static void test_refused(void **state)
{
    static const struct test_script script = {.target = "/"};
    static struct test_host h;
    struct plan plan;

    (void)state;
    host_begin(&h, &script);
    plan = (struct plan){.server = &h.server, .config = &h.config};
    exchange_refuse(&h.x, &plan, 414, "the request line is too long");
    assert_true(str_eq(host_play(&h),
                       STR("head 414; page; end; fault client route 414: the request line is too long")));
    host_finish(&h);
}

/* The document for such a request: nothing is known of the request but where it came from. */
static void test_refused_with_document(void **state)
{
    static struct error_document document = {400, ERROR_DOCUMENT_LOCAL, STR_INIT("/doc")};
    static const struct test_script script = {.backends = {{OF("\nsorry")}}};
    static const struct request nothing;
    static struct test_host h;
    struct plan plan;

    (void)state;
    host_begin(&h, &script);
    h.request = nothing;
    h.config.error_documents.items = &document;
    h.config.error_documents.count = 1;
    exchange_begin(&h.x, &h.gate, &h.arena, &h.request, &h.endpoints, 1000000, 1700000000);
    plan = (struct plan){.server = &h.server, .config = &h.config};
    exchange_refuse(&h.x, &plan, 400, "no request line");
    assert_true(str_eq(host_play(&h),
                       STR("route GET /doc; connect; head 400; content sorry; end; fault client route 400: "
                           "no request line")));
    assert_true(str_eq(host_variable(&h, "REDIRECT_STATUS"), STR("400")));
    assert_false(host_variable(&h, "REDIRECT_URL").p);
    host_finish(&h);
}

static void test_trail(void **state)
{
    static const struct test_script script = {.backends = {{OF("Location: /app/\n\n")}}};
    static struct test_host h;
    char text[256];
    struct out o = OUT_INIT(text, sizeof text);

    (void)state;
    host_begin(&h, &script);
    assert_true(host_until(&h, STEP_TALK));
    exchange_trail(&h.x, &o);
    assert_true(str_eq(out_done(&o), STR("ROUTE>CONNECT>TALK")));
    host_play(&h);
    o.n = 0;
    exchange_trail(&h.x, &o);
    assert_true(str_ends_nocase(out_done(&o), STR("CONNECT>TALK>HEAD>CONTENT>FINISH>DONE")));
    host_finish(&h);
}

int run_trouble_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duplex),
        cmocka_unit_test(test_clients),
        cmocka_unit_test(test_silences),
        cmocka_unit_test(test_write_breaks_anywhere),
        cmocka_unit_test(test_client_goes_anywhere),
        cmocka_unit_test(test_body_fails_late),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_head_waits_before_content),
        cmocka_unit_test(test_body_stalls_late),
        cmocka_unit_test(test_end_is_not_read),
        cmocka_unit_test(test_usual_limit),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_refused_with_document),
        cmocka_unit_test(test_trail),
    };

    return cmocka_run_group_tests_name("exchange: trouble", tests, NULL, NULL);
}
