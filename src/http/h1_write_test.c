#include "http/guard_test.h"
#include "http/h1_write.h"
#include "http/status.h"

#include <signal.h>
#include <sys/wait.h>

static const struct h1_write_context usual = {
    .client_minor_version = 1, .client_keep_alive = true, .date = STR_INIT("D"), .server = STR_INIT("S")};

static struct str write_head(const struct response *response, const struct h1_write_context *context,
                             enum h1_framing *framing, bool *keep_alive)
{
    static char text[4096];
    struct out o = OUT_INIT(text, sizeof text);

    *framing = h1_write_head(&o, response, context, keep_alive);
    assert_false(o.overflow);
    return out_done(&o);
}

static void check(const struct response *response, const struct h1_write_context *context,
                  enum h1_framing framing, bool keep_alive, const char *want)
{
    enum h1_framing got_framing;
    bool got_keep_alive;
    struct str got = write_head(response, context, &got_framing, &got_keep_alive);

    if (!str_eq(got, str_from(want)))
        fail_msg("%.*s\nis not\n%s", STR_ARG(got), want);
    assert_int_equal(got_framing, framing);
    assert_int_equal(got_keep_alive, keep_alive);
}

static void test_framings(void **state)
{
    struct response r = {.status = 200, .length = 6};
    struct h1_write_context c = usual;

    (void)state;
    check(&r, &c, H1_FRAMING_LENGTH, true,
          "HTTP/1.1 200 OK\r\nDate: D\r\nServer: S\r\nContent-Length: 6\r\n\r\n");
    r.length = 0;
    check(&r, &c, H1_FRAMING_LENGTH, true,
          "HTTP/1.1 200 OK\r\nDate: D\r\nServer: S\r\nContent-Length: 0\r\n\r\n");
    r.length = RESPONSE_LENGTH_UNKNOWN;
    check(&r, &c, H1_FRAMING_CHUNKED, true,
          "HTTP/1.1 200 OK\r\nDate: D\r\nServer: S\r\nTransfer-Encoding: chunked\r\n\r\n");
    r.close = true;
    check(
        &r, &c, H1_FRAMING_CHUNKED, false,
        "HTTP/1.1 200 OK\r\nDate: D\r\nServer: S\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
    r.close = false;
    c.client_keep_alive = false;
    c.server = STR_NONE;
    check(&r, &c, H1_FRAMING_CHUNKED, false,
          "HTTP/1.1 200 OK\r\nDate: D\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
}

static void test_http10(void **state)
{
    struct response r = {.status = 404, .length = RESPONSE_LENGTH_UNKNOWN};
    struct h1_write_context c = {.client_keep_alive = true, .client_asked_keep_alive = true};

    (void)state;
    check(&r, &c, H1_FRAMING_CLOSE, false, "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
    r.length = INT64_MAX;
    check(&r, &c, H1_FRAMING_LENGTH, true,
          "HTTP/1.1 404 Not Found\r\nContent-Length: 9223372036854775807\r\nConnection: Keep-Alive\r\n\r\n");
    c.client_asked_keep_alive = false;
    check(&r, &c, H1_FRAMING_LENGTH, false,
          "HTTP/1.1 404 Not Found\r\nContent-Length: 9223372036854775807\r\nConnection: close\r\n\r\n");
}

/* RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5; RFC 9112 section 6.3 rule 1. */
static void test_without_content(void **state)
{
    struct response r = {.status = 204, .length = 5, .no_content = true};
    struct h1_write_context c = {.client_minor_version = 1, .client_keep_alive = true};

    (void)state;
    check(&r, &c, H1_FRAMING_NONE, true, "HTTP/1.1 204 No Content\r\n\r\n");
    r.status = 304;
    check(&r, &c, H1_FRAMING_NONE, true, "HTTP/1.1 304 Not Modified\r\n\r\n");
    r.status = 205;
    check(&r, &c, H1_FRAMING_NONE, true, "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n");
    r = (struct response){.status = 200, .length = 1234, .head_only = true};
    check(&r, &c, H1_FRAMING_NONE, true, "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
    r.length = RESPONSE_LENGTH_UNKNOWN;
    check(&r, &c, H1_FRAMING_NONE, true, "HTTP/1.1 200 OK\r\n\r\n");
    c.client_minor_version = 0;
    c.client_asked_keep_alive = true;
    check(&r, &c, H1_FRAMING_NONE, true, "HTTP/1.1 200 OK\r\nConnection: Keep-Alive\r\n\r\n");
}

static void test_fields(void **state)
{
    static const struct field fields[] = {
        {STR_INIT("date"), STR_INIT("theirs"), FIELD_DATE},
        {STR_INIT("Set-Cookie"), STR_INIT("a=1"), FIELD_SET_COOKIE},
        {STR_INIT("Set-Cookie"), STR_INIT("b=2"), FIELD_SET_COOKIE},
        {STR_INIT("X-Empty"), STR_INIT(""), FIELD_OTHER},
        {STR_INIT("Server"), STR_INIT("app"), FIELD_SERVER},
    };
    struct response r = {.status = 299, .fields = fields, .field_count = 2};

    (void)state;
    check(&r, &usual, H1_FRAMING_LENGTH, true,
          "HTTP/1.1 299 \r\nServer: S\r\ndate: theirs\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n");
    r.field_count = 5;
    r.reason = STR("Very Odd Reason");
    check(
        &r, &usual, H1_FRAMING_LENGTH, true,
        "HTTP/1.1 299 Very Odd Reason\r\ndate: theirs\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Empty: \r\n"
        "Server: app\r\nContent-Length: 0\r\n\r\n");
    r.reason = STR("");
    r.field_count = 0;
    check(&r, &usual, H1_FRAMING_LENGTH, true,
          "HTTP/1.1 299 \r\nDate: D\r\nServer: S\r\nContent-Length: 0\r\n\r\n");
}

static unsigned count_lines(struct str head, struct str prefix)
{
    unsigned n = 0;

    while (head.p)
        n += str_starts(str_until(&head, '\n'), prefix);
    return n;
}

/* Over all inputs: at most one framing, the one that was returned; the connection goes on only if the end of
 * the content can be known; a head that does not fit leaves no trace. */
static void test_properties(void **state)
{
    static const int statuses[] = {200, 204, 205, 206, 299, 304, 404, 502, 599};
    static const int64_t lengths[] = {RESPONSE_LENGTH_UNKNOWN, 0, 1, 65536, INT64_MAX};

    (void)state;
    for (unsigned i = 0; i < 9 * 5 * 64; i++) {
        struct response r = {.status = statuses[i % 9], .length = lengths[i / 9 % 5]};
        struct h1_write_context c = {.date = STR("D")};
        unsigned bits = i / 45, length, coding, close;
        enum h1_framing framing;
        bool keep_alive;
        struct str head;
        char memory[512];

        r.head_only = bits & 1;
        r.close = bits & 2;
        r.no_content = status_has_no_content(r.status) || (bits & 4);
        c.client_minor_version = bits & 8 ? 1 : 0;
        c.client_keep_alive = bits & 16;
        c.client_asked_keep_alive = bits & 32;
        head = write_head(&r, &c, &framing, &keep_alive);
        length = count_lines(head, STR("Content-Length: "));
        coding = count_lines(head, STR("Transfer-Encoding: "));
        close = count_lines(head, STR("Connection: close\r"));

        assert_true(length + coding <= 1);
        assert_int_equal(coding, framing == H1_FRAMING_CHUNKED);
        assert_true(framing != H1_FRAMING_LENGTH || length == 1);
        assert_true(framing != H1_FRAMING_CLOSE || length + coding == 0);
        assert_int_equal(framing == H1_FRAMING_NONE, r.no_content || r.head_only);
        assert_true(coding == 0 || c.client_minor_version == 1);
        assert_true(length == 0 || (r.status != 204 && r.status != 304));
        assert_int_equal(close, !keep_alive);
        assert_true(count_lines(head, STR("Connection: ")) <= 1);
        assert_true(!keep_alive || (c.client_keep_alive && !r.close && framing != H1_FRAMING_CLOSE));
        assert_true(str_ends_nocase(head, STR("\r\n\r\n")));
        assert_int_equal(str_find_str(head, STR("\r\n\r\n")), head.n - 4);
        for (size_t cap = 0; cap <= head.n; cap += cap + 9 < head.n ? 7 : 1) {
            struct out o = OUT_INIT(memory, cap);

            assert_int_equal(h1_write_head(&o, &r, &c, &keep_alive), framing);
            assert_int_equal(o.overflow, cap < head.n);
            assert_int_equal(o.n, cap < head.n ? 0 : head.n);
        }
    }
}

static void test_interim(void **state)
{
    static const struct field link = {STR_INIT("Link"), STR_INIT("</a>"), FIELD_OTHER};
    char text[128];
    struct out o = OUT_INIT(text, sizeof text), small = OUT_INIT(text, 24);

    (void)state;
    h1_write_interim(&o, 100, NULL, 0);
    assert_true(str_eq(out_done(&o), STR("HTTP/1.1 100 Continue\r\n\r\n")));
    o.n = 0;
    h1_write_interim(&o, 103, &link, 1);
    assert_true(str_eq(out_done(&o), STR("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")));
    h1_write_interim(&small, 100, NULL, 0);
    assert_true(small.overflow && small.n == 0);
}

static void test_chunk_heads(void **state)
{
    char text[H1_CHUNK_HEAD_MAX + 1];
    struct out o = OUT_INIT(text, sizeof text);

    (void)state;
    h1_write_chunk_head(&o, 1);
    assert_true(str_eq(out_done(&o), STR("1\r\n")));
    o.n = 0;
    h1_write_chunk_head(&o, 65536);
    assert_true(str_eq(out_done(&o), STR("10000\r\n")));
    o.n = 0;
    h1_write_chunk_head(&o, UINT64_MAX);
    assert_int_equal(o.n, H1_CHUNK_HEAD_MAX);
    assert_true(str_eq(H1_LAST_CHUNK, STR("0\r\n\r\n")));
}

static void dies(const struct response *r)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        char text[512];
        struct out o = OUT_INIT(text, sizeof text);
        bool keep_alive;

        signal(SIGABRT, SIG_DFL);
        h1_write_head(&o, r, &usual, &keep_alive);
        _exit(0);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* A second framing from above would be a bug of this program: it never gets on the wire. */
static void test_second_framing(void **state)
{
    static const struct field length = {STR_INIT("Content-Length"), STR_INIT("5"), FIELD_CONTENT_LENGTH};
    static const struct field coding = {STR_INIT("Transfer-Encoding"), STR_INIT("chunked"),
                                        FIELD_TRANSFER_ENCODING};

    (void)state;
    dies(&(struct response){.status = 200, .fields = &length, .field_count = 1});
    dies(&(struct response){.status = 200, .fields = &coding, .field_count = 1});
    dies(&(struct response){.status = 100});
    dies(&(struct response){.status = 600});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_framings),        cmocka_unit_test(test_http10),
        cmocka_unit_test(test_without_content), cmocka_unit_test(test_fields),
        cmocka_unit_test(test_properties),      cmocka_unit_test(test_interim),
        cmocka_unit_test(test_chunk_heads),     cmocka_unit_test(test_second_framing),
    };

    return cmocka_run_group_tests_name("h1_write", tests, NULL, NULL);
}
