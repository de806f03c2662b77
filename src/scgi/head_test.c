/* Every vector is parsed whole, in every single cut, byte by byte, and in random multi-cuts (the seed is
 * printed; SEED=N in the environment repeats one). What has come so far always ends where its memory ends: a
 * page that may not be touched follows it. */
#include "scgi/head.h"

#include "base/out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include <cmocka.h>

enum { PAGE = 4096, ROOM = 8 * PAGE, RANDOM_CUTS = 40 };

/* ROOM bytes with a forbidden page behind them. */
static char *guarded;

struct vector {
    struct str head;  /* up to its empty line, or up to where the fault shows */
    const char *want; /* "status|reason|content length|name=value|...", or "!fault", or "" for partial */
};

#define V(head, want)                                                                                        \
    {                                                                                                        \
        STR_INIT(head), want                                                                                 \
    }

/* clang-format off */
static const struct vector vectors[] = {
    V("\n", "0||-1"),
    V("\r\n", "0||-1"),
    V("Content-Type: text/plain\n\n", "0||-1|Content-Type=text/plain"),
    V("Content-Type: text/plain\r\n\r\n", "0||-1|Content-Type=text/plain"),
    V("Content-Type: text/plain\r\nX-A: 1\n\r\n", "0||-1|Content-Type=text/plain|X-A=1"),
    V("A:1\nB:\r\nC: \t \nD:  x \ty\t \n\n", "0||-1|A=1|B=|C=|D=x \ty"),
    V("X-A: caf\xc3\xa9\xff\r\n\r\n", "0||-1|X-A=caf\xc3\xa9\xff"),
    V("X: a:b: c\n\n", "0||-1|X=a:b: c"),
    V("Set-Cookie: a=1\nx-d: 2\nSet-Cookie: b=2\nX-D: 3\n\n",
      "0||-1|Set-Cookie=a=1|x-d=2|Set-Cookie=b=2|X-D=3"),
    V("Connection: close\nKeep-Alive: 5\n\n", "0||-1|Connection=close|Keep-Alive=5"),

    V("Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\n",
      "404|Not Found|-1|Content-Type=text/plain"),
    V("STATUS:201\n\n", "201||-1"),
    V("Status: \t 201 \t\n\n", "201||-1"),
    V("Status: 299 Very  Odd\tReason \n\n", "299|Very  Odd\tReason|-1"),
    V("Status: 200   OK\n\n", "200|OK|-1"),
    V("Status: 200OK\n\n", "200||-1"),
    V("Status: 200\tOK\n\n", "200||-1"),
    V("Status: 200 O\x01K\n\n", "200||-1"),
    V("Status: 200 O\x7fK\n\n", "200||-1"),
    V("Status: 200 caf\xe9\n\n", "200|caf\xe9|-1"),
    V("Status: 404 A\nStatus: 201 B\n\n", "201|B|-1"),
    V("Status: 404 A\nStatus: 201\n\n", "201||-1"),
    V("Status: 100 Continue\n\n", "100|Continue|-1"),
    V("Status: 103\nLink: </a>\n\n", "103||-1|Link=</a>"),
    V("Status: 599\n\n", "599||-1"),
    V("Status: 600 Big\n\n", "!status outside 100 to 599"),
    V("Status: 799 Beyond\n\n", "!status outside 100 to 599"),
    V("Status: 099\n\n", "!status outside 100 to 599"),
    V("Status: 101 Switching Protocols\nUpgrade: foo\n\n", "!status 101: protocols cannot be switched"),
    V("Status: 99\n\n", "!status is no three-digit code"),
    V("Status: 1000 x\n\n", "!status is no three-digit code"),
    V("Status: -200\n\n", "!status is no three-digit code"),
    V("Status: abc\n\n", "!status is no three-digit code"),
    V("Status:\n\n", "!status is no three-digit code"),
    V("Status: 2x0 OK\n\n", "!status is no three-digit code"),
    V("Status: abc\nStatus: 200\n\n", "!status is no three-digit code"),
    V("Status: 200 O\rK\n\n", "!CR inside a line"),
    V("Status: 200 O\0K\n\n", "!NUL in a line"),
    V("Status : 200\n\n", "!blank before the colon"),

    V("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", "200|OK|-1|Content-Type=text/plain"),
    V("HTTP/1.0 404 Not: Found\n\n", "404|Not: Found|-1"),
    V("HTTP/1.1 204\n\n", "204||-1"),
    V("HTTP/1.1 204 \n\n", "204||-1"),
    V("HTTP/1.1 200 OK\nStatus: 201\n\n", "201||-1"),
    V("HTTP/1.1 101 Switching\n\n", "!status 101: protocols cannot be switched"),
    V("HTTP/1.1 2000 OK\n\n", "!status is no three-digit code"),
    V("HTTP/1.1\n\n", "!status line without \"HTTP/1.x \""),
    V("HTTP/1.1x200\n\n", "!status line without \"HTTP/1.x \""),
    V("HTTP/1.a 200\n\n", "!status line without \"HTTP/1.x \""),
    V("HTTP/2 200\n\n", "!status line without \"HTTP/1.x \""),
    V("HTTP/: x\n\n", "!status line without \"HTTP/1.x \""),
    V("HTTP/1.1 200 O\rK\n\n", "!CR inside a line"),
    V("HTTP/1.1 200 O\0K\n\n", "!NUL in a line"),
    V("X-A: 1\nHTTP/1.1 200 OK\n\n", "!line without colon"),
    V("http/1.1 200 OK\n\n", "!line without colon"),

    V("Content-Length: 0\n\n", "0||0"),
    V("content-length:  42 \r\n\r\n", "0||42"),
    V("Content-Length: 007\n\n", "0||7"),
    V("Content-Length: 5\nX: y\nContent-Length: 05\n\n", "0||5|X=y"),
    V("Content-Length: 9223372036854775807\n\n", "0||9223372036854775807"),
    V("Content-Length: 9223372036854775808\n\n", "!Content-Length is no number"),
    V("Content-Length: 99999999999999999999999999\n\n", "!Content-Length is no number"),
    V("Content-Length:\n\n", "!Content-Length is no number"),
    V("Content-Length: 4x\n\n", "!Content-Length is no number"),
    V("Content-Length: +4\n\n", "!Content-Length is no number"),
    V("Content-Length: -4\n\n", "!Content-Length is no number"),
    V("Content-Length: 0x4\n\n", "!Content-Length is no number"),
    V("Content-Length: 4, 4\n\n", "!Content-Length is no number"),
    V("Content-Length: 4\nContent-Length: 5\n\n", "!two different Content-Length"),
    V("Content-Length: 0\nContent-Length: 5\n\n", "!two different Content-Length"),
    V("Transfer-Encoding: chunked\n\n", "!Transfer-Encoding is not for applications"),
    V("transfer-encoding:\n\n", "!Transfer-Encoding is not for applications"),

    V("<html>\n\n", "!line without colon"),
    V("Content-Type: text/plain\nabc\n\n", "!line without colon"),
    V(": x\n\n", "!empty field name"),
    V("Content-Type : text/plain\n\n", "!blank before the colon"),
    V("X-A\t: 1\n\n", "!blank before the colon"),
    V("X(A): 1\n\n", "!field name is no token"),
    V("X A: 1\n\n", "!field name is no token"),
    V("X\x80: 1\n\n", "!field name is no token"),
    V("X-A: 1\n more\n\n", "!continuation line"),
    V("X-A: 1\n\tmore: 2\n\n", "!continuation line"),
    V(" X-A: 1\n\n", "!continuation line"),
    V("X-A: a\rb\n\n", "!CR inside a line"),
    V("X-A: a\r\r\n\r\n", "!CR inside a line"),
    V("\rX-A: a\n\n", "!CR inside a line"),
    V("X-A: 1\n\r\r\n\n", "!CR inside a line"),
    V("X-A: a\0b\n\n", "!NUL in a line"),
    V("\0\n\n", "!NUL in a line"),
    V("X\0: b\n\n", "!NUL in a line"),
    V("X-A: a\x01\n\n", "!control byte in a value"),
    V("X-A: a\x7f" "b\n\n", "!control byte in a value"),
    V("X-A: \x0b" "a\n\n", "!control byte in a value"),
    V("X-A: \x1b[2J\n\n", "!control byte in a value"),

    V("", ""),
    V("\r", ""),
    V("Content-Type: text/plain\r\nX-A: 1\r\n", ""),
    V("Content-Type: text/plain\r\nX-A: 1\r\n\r", ""),
    V("<html>", ""),
};

/* Limits of 40 bytes, 10 in a line, 3 lines. */
static const struct cgi_head_limits small = {.total = 40, .line = 10, .lines = 3};
static const struct vector limit_vectors[] = {
    V("A: 4567890\n\n", "0||-1|A=4567890"),
    V("A: 4567890\r\n\r\n", "0||-1|A=4567890"),
    V("A: 45678901", "!line:line too long@10"),
    V("A: 4567890\rx", "!line:line too long@11"),
    V("A: 4567890\r\r", "!line:line too long@11"),
    V("A:1\nA: 4567890\rx", "!line:line too long@15"),
    V("A: 45678901\n", "!line:line too long@10"),
    V("A: 45678901\r\n", "!line:line too long@10"),
    V("A:1\nB:2\nC:3\n\n", "0||-1|A=1|B=2|C=3"),
    V("A:1\nB:2\nC:3\r\n\r\n", "0||-1|A=1|B=2|C=3"),
    V("A:1\nB:2\nC:3\nD:4\n", "!lines:too many lines@12"),
    V("A:1\nB:2\nC:3\nD:4567890\r\n", "!lines:too many lines@12"),
    V("A:1\nB:2\nC:3\nD:456789012345", "!line:line too long@22"),
    V("A:34567890\r\nB:34567890\r\nC:34567890\r\n\r\n", "0||-1|A=34567890|B=34567890|C=34567890"),
};
/* 20 bytes in all: the fault of the total shows as soon as nothing can come any more. */
static const struct cgi_head_limits smaller = {.total = 20, .line = 10, .lines = 3};
static const struct vector total_vectors[] = {
    V("A:34567890\nB:34567\n\n", "0||-1|A=34567890|B=34567"),
    V("A:34567890\nB:34567\r\n\n", "!total:head too long@20"),
    V("A:34567890\nB:345678\n", "!total:head too long@20"),
    V("A:34567890\nB:3456789", "!total:head too long@20"),
    V("A:34567890\nB:345678901234", "!total:head too long@20"),
    V("A:345678\nB:3456789012", "!line:line too long@19"),
};
/* clang-format on */

/* What the parser says after the pieces came one by one: it stops at the first answer but PARTIAL. */
struct feed {
    struct cgi_head_parser parser;
    struct arena arena;
    char text[2048];
    size_t size;
    enum cgi_head_result result;
};

static void describe(struct feed *f, const struct cgi_head *head, const struct cgi_head_fault *fault)
{
    struct out o = OUT_INIT(f->text, sizeof f->text - 1);

    if (f->result == CGI_HEAD_BAD && fault->limit)
        out_printf(&o, "!%s:%s@%zu", fault->limit, fault->reason, fault->offset);
    else if (f->result == CGI_HEAD_BAD)
        out_printf(&o, "!%s", fault->reason);
    else if (f->result == CGI_HEAD_COMPLETE)
        out_printf(&o, "%d|%.*s|%lld", head->status, STR_ARG(head->reason), (long long)head->content_length);
    for (size_t i = 0; f->result == CGI_HEAD_COMPLETE && i < head->field_count; i++) {
        const struct field *field = &head->fields[i];

        assert_int_equal(field->id, field_id_of(field->name));
        assert_non_null(field->value.p);
        out_printf(&o, "|%.*s=%.*s", STR_ARG(field->name), STR_ARG(field->value));
    }
    assert_false(o.overflow);
    f->text[o.n] = '\0';
}

static void feed_to(struct feed *f, struct str input, size_t used, const struct cgi_head_limits *limits)
{
    struct cgi_head head;
    struct cgi_head_fault fault;
    char *at = guarded + ROOM - used;

    if (f->result != CGI_HEAD_PARTIAL)
        return;
    assert_true(used <= ROOM);
    if (used)
        memcpy(at, input.p, used);
    f->result = cgi_head_parse(&f->parser, str_make(at, used), limits, &f->arena, &head, &f->size, &fault);
    describe(f, &head, &fault);
}

static struct feed feed_new(void)
{
    struct feed f = {.result = CGI_HEAD_PARTIAL};

    arena_init(&f.arena, NULL, 0);
    return f;
}

static void feed_check(struct feed *f, const struct vector *v)
{
    assert_string_equal(f->text, v->want);
    if (f->result == CGI_HEAD_COMPLETE)
        assert_int_equal(f->size, v->head.n);
    arena_finish(&f->arena);
}

static void check_cuts(const struct vector *v, struct str input, const struct cgi_head_limits *limits)
{
    struct feed whole = feed_new(), bytes = feed_new();

    feed_to(&whole, input, input.n, limits);
    feed_check(&whole, v);
    for (size_t cut = 0; cut <= input.n; cut++) {
        struct feed one = feed_new();

        feed_to(&one, input, cut, limits);
        feed_to(&one, input, input.n, limits);
        feed_check(&one, v);
        feed_to(&bytes, input, cut, limits);
    }
    feed_check(&bytes, v);
    for (unsigned i = 0; i < RANDOM_CUTS; i++) {
        struct feed many = feed_new();

        for (size_t at = 0; at < input.n; at += 1 + (size_t)rand() % 9)
            feed_to(&many, input, at, limits);
        feed_to(&many, input, input.n, limits);
        feed_check(&many, v);
    }
}

static void check_vectors(const struct vector *v, size_t count, const struct cgi_head_limits *limits)
{
    for (; count--; v++) {
        char memory[256];
        struct out o = OUT_INIT(memory, sizeof memory);

        check_cuts(v, v->head, limits);
        if (v->want[0] == '\0')
            continue; /* partial: what follows would complete it */
        out_str(&o, v->head);
        out_str(&o, STR("body\n\r\n\nX: y"));
        assert_false(o.overflow);
        check_cuts(v, out_done(&o), limits);
    }
}

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void test_vectors(void **state)
{
    (void)state;
    check_vectors(vectors, COUNT(vectors), &cgi_head_limits_default);
}

static void test_limits(void **state)
{
    (void)state;
    check_vectors(limit_vectors, COUNT(limit_vectors), &small);
    check_vectors(total_vectors, COUNT(total_vectors), &smaller);
}

/* A line of almost 64 KiB among 1000 lines: nothing that an application may send is cut at 8 KiB. */
static void test_default_limits(void **state)
{
    static char memory[600 * 1024];
    struct out o = OUT_INIT(memory, sizeof memory);
    struct cgi_head_parser parser = {0};
    struct cgi_head_fault fault;
    struct cgi_head head;
    struct arena arena;
    size_t size;

    (void)state;
    arena_init(&arena, NULL, 0);
    out_printf(&o, "X-A: %0*d\r\n", 65531, 1);
    for (int i = 0; i < 999; i++)
        out_printf(&o, "X-%d: %d\r\n", i, i);
    out_str(&o, STR("\r\n"));
    assert_false(o.overflow);
    assert_int_equal(
        cgi_head_parse(&parser, out_done(&o), &cgi_head_limits_default, &arena, &head, &size, &fault),
        CGI_HEAD_COMPLETE);
    assert_int_equal(head.field_count, 1000);
    assert_int_equal(head.fields[0].value.n, 65531);
    assert_true(str_eq(head.fields[999].value, STR("998")));
    assert_int_equal(size, o.n);
    arena_finish(&arena);
}

/* Heads made of pieces that matter to the parser: whole and in pieces they must give the same. */
static void test_random(void **state)
{
    static const struct str pieces[] = {
        STR_INIT("\n"),         STR_INIT("\r\n"),      STR_INIT("\r"),   STR_INIT(":"),
        STR_INIT(" "),          STR_INIT("Status: "),  STR_INIT("200"),  STR_INIT("OK"),
        STR_INIT("X-A: 1\r\n"), STR_INIT("HTTP/1.1 "), STR_INIT("\0"),   STR_INIT("Content-Length: 1\n"),
        STR_INIT("\t"),         STR_INIT("\x7f"),      STR_INIT("\xff"),
    };

    (void)state;
    for (int round = 0; round < 3000; round++) {
        char memory[512];
        struct out o = OUT_INIT(memory, sizeof memory);
        struct feed whole = feed_new();
        struct vector v;

        for (int n = rand() % 14; n > 0; n--)
            out_str(&o, pieces[(size_t)rand() % COUNT(pieces)]);
        feed_to(&whole, out_done(&o), o.n, &small);
        v = (struct vector){whole.result == CGI_HEAD_COMPLETE ? str_make(memory, whole.size) : out_done(&o),
                            whole.text};
        for (int i = 0; i < 4; i++) {
            struct feed many = feed_new();

            for (size_t at = 0; at < o.n; at += 1 + (size_t)rand() % (i ? 9 : 1))
                feed_to(&many, out_done(&o), at, &small);
            feed_to(&many, out_done(&o), o.n, &small);
            feed_check(&many, &v);
        }
        arena_finish(&whole.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_default_limits),
        cmocka_unit_test(test_random),
    };
    const char *given = getenv("SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);

    print_message("seed %u\n", seed);
    srand(seed);
    guarded = mmap(NULL, ROOM + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (guarded == MAP_FAILED || mprotect(guarded + ROOM, PAGE, PROT_NONE) != 0)
        return 1;
    return cmocka_run_group_tests_name("cgi_head", tests, NULL, NULL);
}
