/* Exchanges with a backend: what the client sees of answers, faults and time-outs, in every cut. The other
 * groups stand in exchange_reply_test.c and exchange_random_test.c. */
#include "gate/test_groups.h"

#include "gate/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define TEXT     "Content-Type: text/plain\r\n"
#define ASK      "route GET /app/; connect; "
#define POST     "route POST /app/; connect; "
#define HEAD     "route HEAD /app/; connect; "
#define OF(text) .answer = STR_INIT(text)

/* clang-format off */
static const struct test_script answers[] = {
    {"plain", .backends = {{OF(TEXT "\r\nhello")}},
     .want = ASK "head 200 [Content-Type: text/plain]; content hello; end"},
    {"no content", .backends = {{OF(TEXT "\r\n")}},
     .want = ASK "head 200 [Content-Type: text/plain]; end"},
    {"an empty line only", .backends = {{OF("\n")}}, .want = ASK "head 200; end"},
    {"status and reason", .backends = {{OF("Status: 404 Not Here\n\nno")}},
     .want = ASK "head 404 Not Here; content no; end"},
    {"status line", .backends = {{OF("HTTP/1.1 201 Made\r\n\r\nx")}}, .want = ASK "head 201 Made; content x; end"},
    {"a reset is no clean end", .backends = {{OF("\r\nhello"), .end = ENDS_WITH_RESET}},
     .want = ASK "head 200; content hello; abort; fault backend response-body 0: connection reset after 5 bytes of the response body"},
    {"absolute location", .backends = {{OF("Location: http://example.com/\r\n\r\n")}},
     .want = ASK "head 302 [Location: http://example.com/]; end"},
    {"absolute location with status", .backends = {{OF("Status: 201\nLocation: http://example.com/\r\n\r\n")}},
     .want = ASK "head 201 [Location: http://example.com/]; end"},
    {"the last location counts", .backends = {{OF("Location: /a\nLocation: http://example.com/\r\n\r\n")}},
     .want = ASK "head 302 [Location: http://example.com/]; end"},
    {"no absolute location", .backends = {{OF("Location: no scheme://x\r\n\r\n")}},
     .want = ASK "head 200 [Location: no scheme://x]; end"},
    {"post", .method = "POST", .body = STR_INIT("a=1&b=2"), .backends = {{OF("\r\nok")}},
     .want = POST "head 200; content ok; end"},
    {"empty body", .method = "POST", .body = STR_INIT(""), .backends = {{OF("\r\nok")}},
     .want = POST "head 200; content ok; end"},
};

static const struct test_script lengths[] = {
    {"exact", .backends = {{OF("Content-Length: 5\r\n\r\nhello")}}, .want = ASK "head 200 length 5; content hello; end"},
    {"exact, and the backend stays", .backends = {{OF("Content-Length: 5\r\n\r\nhello"), .end = STAYS_OPEN}},
     .want = ASK "head 200 length 5; content hello; end"},
    {"exact, then reset", .backends = {{OF("Content-Length: 5\r\n\r\nhello"), .end = ENDS_WITH_RESET}},
     .want = ASK "head 200 length 5; content hello; end"},
    {"none", .backends = {{OF("Content-Length: 0\r\n\r\n"), .end = STAYS_OPEN}}, .want = ASK "head 200 length 0; end"},
    {"longer than announced", .backends = {{OF("Content-Length: 5\r\n\r\nhello world")}},
     .want = ASK "head 200 length 5; content hello; end"},
    {"longer than nothing", .backends = {{OF("Content-Length: 0\r\n\r\nhello")}}, .want = ASK "head 200 length 0; end"},
    {"shorter than announced", .backends = {{OF("Content-Length: 9\r\n\r\nhello")}},
     .want = ASK "head 200 length 9; content hello; abort; fault backend response-body 0: closed after 5 of 9 bytes of the response body"},
    {"shorter, reset", .backends = {{OF("Content-Length: 9\r\n\r\nhello"), .end = ENDS_WITH_RESET}},
     .want = ASK "head 200 length 9; content hello; abort; fault backend response-body 0: connection reset after 5 of 9 bytes of the response body"},
    {"nothing of it", .backends = {{OF("Content-Length: 9\r\n\r\n")}},
     .want = ASK "head 200 length 9; abort; fault backend response-body 0: closed after 0 of 9 bytes of the response body"},
    {"twice the same", .backends = {{OF("Content-Length: 5\nContent-Length: 5\n\nhello")}},
     .want = ASK "head 200 length 5; content hello; end"},
    {"two lengths", .backends = {{OF("Content-Length: 5\nContent-Length: 6\n\nhello")}},
     .want = ASK "head 502; page; end; fault backend response-head 502: bad response head: two different Content-Length at byte 18: \"Content-Length: 6\""},
};

static const struct test_script bodiless[] = {
    {"head", .method = "HEAD", .backends = {{OF(TEXT "\r\n")}}, .want = HEAD "head 200 [Content-Type: text/plain]; end"},
    {"head with length", .method = "HEAD", .backends = {{OF("Content-Length: 5\n\n"), .end = STAYS_OPEN}},
     .want = HEAD "head 200 length 5; end"},
    {"head with content", .method = "HEAD", .backends = {{OF("Content-Length: 5\n\nhello")}},
     .want = HEAD "head 200 length 5; end"},
    {"204", .backends = {{OF("Status: 204\n\nhello")}}, .want = ASK "head 204 without content; end"},
    {"304", .backends = {{OF("Status: 304\nETag: \"x\"\nContent-Length: 5\n\nhello")}},
     .want = ASK "head 304 [ETag: \"x\"] length 5 without content; end"},
    {"204, and the backend stays", .backends = {{OF("Status: 204\n\n"), .end = STAYS_OPEN}},
     .want = ASK "head 204 without content; end"},
    {"an error's page is not sent to HEAD", .method = "HEAD", .backends = {{OF("")}},
     .want = HEAD "head 502; end; fault backend response-head 502: closed before any answer"},
};

static const struct test_script interims[] = {
    {"one", .backends = {{OF("Status: 103 Early\nLink: </a>\n\n" TEXT "\nhello")}},
     .want = ASK "interim 103 [Link: </a>]; head 200 [Content-Type: text/plain]; content hello; end"},
    {"three", .backends = {{OF("Status: 100\n\nHTTP/1.1 102 Processing\r\n\r\nStatus: 103\nA: b\n\nContent-Length: 2\n\nok")}},
     .want = ASK "interim 100; interim 102; interim 103 [A: b]; head 200 length 2; content ok; end"},
    {"the end is told at once", .backends = {{OF("Status: 103\n\n\nhello"), .end_unasked = true}},
     .want = ASK "interim 103; head 200; content hello; end"},
    {"a reset is told at once", .backends = {{OF("Status: 103\n\n\nhello"), .end = ENDS_WITH_RESET, .end_unasked = true}},
     .want = ASK "interim 103; head 200; content hello; abort; fault backend response-body 0: connection reset after 5 bytes of the response body"},
    {"cut off, told at once", .backends = {{OF("Status: 103\n\nContent-Length: 9\n\nhello"), .end_unasked = true}},
     .want = ASK "interim 103; head 200 length 9; content hello; abort; fault backend response-body 0: closed after 5 of 9 bytes of the response body"},
    {"hop-by-hop fields stay behind", .backends = {{OF("Status: 103\nConnection: X\nX: y\nLink: <a>\nKeep-Alive: 5\n\n\n")}},
     .want = ASK "interim 103 [Link: <a>]; head 200; end"},
    {"nothing follows", .backends = {{OF("Status: 103\n\n")}},
     .want = ASK "interim 103; head 502; page; end; fault backend response-head 502: closed within the response head, after 13 bytes"},
    {"nothing follows, told at once", .backends = {{OF("Status: 103\n\n"), .end_unasked = true}},
     .want = ASK "interim 103; head 502; page; end; fault backend response-head 502: closed within the response head, after 13 bytes"},
    {"a bad head follows", .backends = {{OF("Status: 103\n\nnonsense\n\n")}},
     .want = ASK "interim 103; head 502; page; end; fault backend response-head 502: bad response head: line without colon at byte 0: \"nonsense\""},
};

static const struct test_script fields[] = {
    {"hop-by-hop", .backends = {{OF("Connection: close, X-Hop\nX-Hop: 1\nKeep-Alive: 5\nUpgrade: h2c\nTE: x\nTrailer: y\n"
        "Proxy-Connection: z\nX-Stay: 1\nConnection: x-other\nX-Other: 2\nx-hop: 3\n\n")}},
     .want = ASK "head 200 [X-Stay: 1]; end"},
    {"cookies stay apart", .backends = {{OF("Set-Cookie: a=1\nX: 1\nset-cookie: b=2\nX: 2\n\n")}},
     .want = ASK "head 200 [Set-Cookie: a=1|X: 1|set-cookie: b=2|X: 2]; end"},
    {"the last of single ones", .backends = {{OF("Content-Type: a/b\nETag: \"1\"\nX: 1\nContent-Type: c/d\nETag: \"2\"\n\n")}},
     .want = ASK "head 200 [Content-Type: c/d|ETag: \"2\"|X: 1]; end"},
    {"the type is lower case", .backends = {{OF("Content-Type: Text/HTML; Charset=UTF-8\n\n")}},
     .want = ASK "head 200 [Content-Type: text/html; Charset=UTF-8]; end"},
    {"an empty type is none", .backends = {{OF("Content-Type:\nX:\n\n")}}, .want = ASK "head 200 [X: ]; end"},
    {"date and server of the application", .backends = {{OF("Date: now\nServer: app\n\n")}},
     .want = ASK "head 200 [Date: now|Server: app]; end"},
    {"dates", .backends = {{OF("Last-Modified: Thursday, 01-Jan-15 00:00:00 GMT\n\n")}},
     .want = ASK "head 200 [Last-Modified: Thu, 01 Jan 2015 00:00:00 GMT]; end"},
    {"a date to come", .backends = {{OF("Last-Modified: Fri, 01 Jan 2038 00:00:00 GMT\n\n")}},
     .want = ASK "head 200 [Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT]; end"},
    {"no date", .backends = {{OF("Last-Modified: today\n\n")}}, .want = ASK "head 200; end"},
    {"the file's field is ordinary when off", .backends = {{OF("X-Sendfile: /srv/files/a\n\n")}},
     .want = ASK "head 200 [X-Sendfile: /srv/files/a]; end"},
};

static const struct test_script faults[] = {
    {"refused", .backends = {{.connect = REFUSES}},
     .want = "route GET /app/; head 503; page; end; fault backend connect 503: \"127.0.0.1:4000\": connection refused"},
    {"closed at once", .backends = {{OF("")}},
     .want = ASK "head 502; page; end; fault backend response-head 502: closed before any answer"},
    {"reset at once", .backends = {{OF(""), .end = ENDS_WITH_RESET}},
     .want = ASK "head 502; page; end; fault backend response-head 502: connection reset before any answer"},
    {"closed within the head", .backends = {{OF("Status: 200 OK\r\nX-A")}},
     .want = ASK "head 502; page; end; fault backend response-head 502: closed within the response head, after 19 bytes"},
    {"transfer-encoding", .backends = {{OF("Transfer-Encoding: chunked\n\n0\r\n\r\n"), .end = STAYS_OPEN}},
     .want = ASK "head 502; page; end; fault backend response-head 502: bad response head: Transfer-Encoding is not for applications at byte 0: \"Transfer-Encoding: chunked\""},
    {"101", .backends = {{OF("Status: 101\n\n"), .end = STAYS_OPEN}},
     .want = ASK "head 502; page; end; fault backend response-head 502: bad response head: status 101: protocols cannot be switched at byte 0: \"Status: 101\""},
};
/* clang-format on */

static void test_answers(void **state)
{
    PLAY(answers);
}
static void test_lengths(void **state)
{
    PLAY(lengths);
}
static void test_bodiless(void **state)
{
    PLAY(bodiless);
}
static void test_interims(void **state)
{
    PLAY(interims);
}
static void test_fields(void **state)
{
    PLAY(fields);
}
static void test_faults(void **state)
{
    PLAY(faults);
}

/* Each transition of the table is taken by one test at least, and none but those. Runs last. */
static void test_every_transition(void **state)
{
    (void)state;
    for (int from = 0; from < EXCHANGE_STEP_COUNT; from++)
        for (int to = 0; to < EXCHANGE_STEP_COUNT; to++)
            if (exchange_may_go((enum exchange_step)from, (enum exchange_step)to) != host_edges[from][to])
                fail_msg("%s to %s: allowed %d, taken %d", exchange_step_name((enum exchange_step)from),
                         exchange_step_name((enum exchange_step)to), !host_edges[from][to],
                         host_edges[from][to]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),  cmocka_unit_test(test_lengths), cmocka_unit_test(test_bodiless),
        cmocka_unit_test(test_interims), cmocka_unit_test(test_fields),  cmocka_unit_test(test_faults),
    };
    const struct CMUnitTest transitions[] = {cmocka_unit_test(test_every_transition)};
    int failed = cmocka_run_group_tests_name("exchange: talk", tests, NULL, NULL);

    failed += run_reply_tests() + run_trouble_tests() + run_body_tests();
    failed += cmocka_run_group_tests_name("exchange: transitions", transitions, NULL, NULL);
    return failed + run_random_tests();
}
