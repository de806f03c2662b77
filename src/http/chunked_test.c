/* Every vector is decoded whole, in every single cut, byte by byte and in random multi-cuts; each piece
 * stands at a guard page. */
#include "http/chunked.h"
#include "http/guard_test.h"

#include "base/out.h"

enum { TEXT_MAX = 64 * 1024, RANDOM_CUTS = 40 };

static struct guard guard;

/* Decodes in pieces that end at the given offsets; the text is "end|content|rest", "more|content" or
 * "bad|content|reason".
 */
static struct str run(struct str raw, const size_t *ends, size_t count, char *text)
{
    struct out o = OUT_INIT(text, TEXT_MAX);
    struct chunked c;
    size_t start = 0;
    const char *reason = NULL;
    enum chunked_result result = CHUNKED_MORE;
    uint64_t total = 0;

    chunked_init(&c);
    out_str(&o, STR("????|"));
    for (size_t i = 0; i < count && result == CHUNKED_MORE; i++) {
        struct str piece = str_make(raw.p + start, ends[i] - start), data, input = guard_copy(&guard, piece),
                   before;

        do {
            before = input;
            result = chunked_decode(&c, &input, &data, &reason);
            if (result != CHUNKED_DATA)
                break;
            assert_true(data.n > 0 && data.p + data.n == input.p && data.p >= before.p);
            out_str(&o, data);
            total += data.n;
        } while (true);
        assert_true(result != CHUNKED_MORE || input.n == 0);
        assert_true(c.total == total);
        start = ends[i] - input.n;
    }
    if (result == CHUNKED_END)
        out_printf(&o, "|%.*s", STR_ARG(str_skip(raw, start)));
    else if (result == CHUNKED_BAD)
        out_printf(&o, "|%s", reason);
    memcpy(text, result == CHUNKED_END ? "end " : result == CHUNKED_BAD ? "bad " : "more", 4);
    if (result != CHUNKED_MORE) {
        struct str more = STR("0\r\n\r\n"), data;

        assert_int_equal(chunked_decode(&c, &more, &data, &reason), result);
        assert_int_equal(more.n, 5);
    }
    assert_false(o.overflow);
    return out_done(&o);
}

static void same(struct str raw, struct str want, const size_t *ends, size_t count)
{
    static char text[TEXT_MAX];
    struct str got = run(raw, ends, count, text);

    if (!str_eq(got, want))
        fail_msg("cut differently (%zu pieces, first %zu):\n%.*s\ngives\n%.*s\nnot\n%.*s", count, ends[0],
                 STR_ARG(raw), STR_ARG(got), STR_ARG(want));
}

static void all_cuts(struct str raw, struct str want, uint64_t *seed)
{
    size_t *ends = malloc((raw.n + 1) * sizeof *ends);

    for (size_t at = 0; at <= raw.n && raw.n < 1000; at++)
        same(raw, want, (size_t[]){at, raw.n}, 2);
    for (size_t at = 0; at <= raw.n; at++)
        ends[at] = at;
    same(raw, want, ends, raw.n + 1);
    for (int i = 0; i < RANDOM_CUTS && raw.n; i++) {
        size_t count = 0, at = 0;

        while (at < raw.n)
            ends[count++] = at += 1 + random_below(seed, raw.n < 12 ? raw.n : 12 + raw.n / 8);
        ends[count - 1] = raw.n;
        same(raw, want, ends, count);
    }
    free(ends);
}

static void check(struct str raw, const char *want, uint64_t *seed)
{
    static char text[TEXT_MAX];
    struct str got = run(raw, &raw.n, 1, text);

    if (!str_eq(got, str_from(want)))
        fail_msg("\n%.*s\ngives\n%.*s\nnot\n%s", STR_ARG(raw), STR_ARG(got), want);
    all_cuts(raw, got, seed);
}

struct vector {
    struct str raw;
    const char *want;
};

#define V(text, want)                                                                                        \
    {                                                                                                        \
        STR_INIT(text), want                                                                                 \
    }

/* clang-format off */
static const struct vector vectors[] = {
    V("0\r\n\r\n", "end ||"),
    V("3\r\nabc\r\n0\r\n\r\n", "end |abc|"),
    V("3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "end |abc|GET / HTTP/1.1\r\n"),
    V("a\r\n0123456789\r\nA\r\n\r\n0\r\n\r\n\r\n0\r\n1\r\nx\r\n000\r\n\r\n", "end |0123456789\r\n0\r\n\r\n\r\n0x|"),
    V("000000000000000a\r\n0123456789\r\n0\r\n\r\n", "end |0123456789|"),
    /* extensions are passed over (RFC 9112 7.1.1), blanks before ';' too */
    V("3;a=b\r\nabc\r\n0;x\r\n\r\n", "end |abc|"),
    V("3 \t;a=\"q;\\\"\"\xff\t\r\nabc\r\n0\r\n\r\n", "end |abc|"),
    V("3;\r\nabc\r\n0\r\n\r\n", "end |abc|"),
    /* trailer fields are dropped (7.1.2) */
    V("0\r\nX: y\r\nContent-Length: 5\r\nE:\r\n\r\nrest", "end ||rest"),
    V("", "more|"),
    V("3", "more|"),
    V("3\r\nab", "more|ab"),
    V("3\r\nabc\r\n", "more|abc"),
    V("0\r\nX: y\r\n", "more|"),
    V("0\r\n\r", "more|"),
    /* 7.1: a size is 1*HEXDIG, right at the start of the line, and ends with CRLF */
    V("\r\n", "bad ||chunk without a size"),
    V(";x\r\n", "bad ||chunk without a size"),
    V(" 3\r\nabc\r\n", "bad ||chunk without a size"),
    V("-3\r\nabc\r\n", "bad ||chunk without a size"),
    V("+3\r\nabc\r\n", "bad ||chunk without a size"),
    V("g\r\n", "bad ||chunk without a size"),
    V("0x3\r\nabc\r\n", "bad ||invalid byte in a chunk size"),
    V("3g\r\nabc\r\n", "bad ||invalid byte in a chunk size"),
    V("3,3\r\nabc\r\n", "bad ||invalid byte in a chunk size"),
    V("3\0\r\nabc\r\n", "bad ||invalid byte in a chunk size"),
    V("3 \r\nabc\r\n", "bad ||invalid byte in a chunk size"),
    V("3 3\r\nabc\r\n", "bad ||invalid byte in a chunk size"),
    V("3\t3;\r\nabc\r\n", "bad ||invalid byte in a chunk size"),
    V("3\nabc\r\n0\r\n\r\n", "bad ||invalid byte in a chunk size"),
    V("3\rabc", "bad ||CR without LF behind a chunk size"),
    V("3;x\rabc", "bad ||CR without LF behind a chunk size"),
    /* 7.1.1: a bare LF in an extension ends nothing here and must not elsewhere */
    V("3;x\nabc\r\n0\r\n\r\n", "bad ||control byte in a chunk extension"),
    V("3;\0\r\nabc\r\n", "bad ||control byte in a chunk extension"),
    V("3;\x7f\r\nabc\r\n", "bad ||control byte in a chunk extension"),
    /* sizes that overflow 32 or 64 bits, signed or not */
    V("8000000000000000\r\n", "bad ||chunk size too large"),
    V("fffffffffffffffe\r\n", "bad ||chunk size too large"),
    V("10000000000000003\r\nabc\r\n", "bad ||chunk size too large"),
    V("00000000000000003\r\nabc\r\n", "bad ||chunk size too large"),
    V("7fffffffffffffff\r\nabc", "more|abc"),
    V("100000003\r\nabc\r\n0\r\n\r\n", "more|abc\r\n0\r\n\r\n"),
    V("1\r\na\r\n7fffffffffffffff\r\n", "bad |a|chunked content too large"),
    /* the data ends with CRLF where the size says */
    V("3\r\nabcd\r\n0\r\n\r\n", "bad |abc|chunk longer than its size"),
    V("3\r\nabc0\r\n\r\n", "bad |abc|chunk longer than its size"),
    V("3\r\nabc\n0\r\n\r\n", "bad |abc|chunk longer than its size"),
    V("3\r\nabc\rx", "bad |abc|chunk longer than its size"),
    V("4\r\nabc\r\n0\r\n\r\n", "bad |abc\r|chunk longer than its size"),
    /* trailer fields are held to the rules of fields */
    V("0\r\nGET / HTTP/1.1\r\n\r\n", "bad ||invalid trailer field"),
    V("0\r\n\n", "bad ||invalid trailer field"),
    V("0\r\n X: y\r\n\r\n", "bad ||invalid trailer field"),
    V("0\r\nX : y\r\n\r\n", "bad ||invalid trailer field"),
    V("0\r\n: y\r\n\r\n", "bad ||invalid trailer field"),
    V("0\r\nX\r\n\r\n", "bad ||invalid trailer field"),
    V("0\r\nX: y\r\n folded\r\n\r\n", "bad ||invalid trailer field"),
    V("0\r\nX: \0\r\n\r\n", "bad ||control byte in a trailer field"),
    V("0\r\nX: y\nZ: 1\r\n\r\n", "bad ||control byte in a trailer field"),
    V("0\r\nX: y\rZ: 1\r\n\r\n", "bad ||CR without LF in the trailer section"),
    V("0\r\n\rX", "bad ||CR without LF in the trailer section"),
};
/* clang-format on */

static void test_vectors(void **state)
{
    uint64_t seed = random_seed();

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        check(vectors[i].raw, vectors[i].want, &seed);
}

/* prefix, n times a byte, suffix. */
static struct str repeated(char *text, struct str prefix, char byte, size_t n, struct str suffix)
{
    struct out o = OUT_INIT(text, TEXT_MAX);

    out_str(&o, prefix);
    while (n--)
        out_char(&o, byte);
    out_str(&o, suffix);
    assert_false(o.overflow);
    return out_done(&o);
}

static void test_limits(void **state)
{
    static char text[TEXT_MAX];
    struct str end = STR("\r\nx\r\n0\r\n\r\n"), last = STR("\r\n\r\n");
    uint64_t seed = random_seed();

    (void)state;
    /* the line: "1;", extension, CR */
    check(repeated(text, STR("1;"), 'e', CHUNKED_LINE_MAX - 3, end), "end |x|", &seed);
    check(repeated(text, STR("1;"), 'e', CHUNKED_LINE_MAX - 2, end), "bad ||chunk size line too long", &seed);
    /* the trailer section: "X:", value, CRLF, CRLF */
    check(repeated(text, STR("0\r\nX:"), 'v', CHUNKED_TRAILER_MAX - 6, last), "end ||", &seed);
    check(repeated(text, STR("0\r\nX:"), 'v', CHUNKED_TRAILER_MAX - 5, last),
          "bad ||trailer section too long", &seed);
}

/* Small chunks are fine for ever; long extensions on small chunks are not. */
static void test_overhead(void **state)
{
    static char text[TEXT_MAX], result[TEXT_MAX];
    struct out o = OUT_INIT(text, sizeof text);
    struct str got;

    (void)state;
    for (int i = 0; i < 8000; i++)
        out_str(&o, STR("1\r\nx\r\n"));
    out_str(&o, STR("0\r\n\r\n"));
    got = run(out_done(&o), &o.n, 1, result);
    assert_true(str_starts(got, STR("end |xxx")));
    assert_int_equal(got.n, 5 + 8000 + 1);

    o.n = 0;
    for (int i = 0; i < 400; i++)
        out_str(
            &o,
            STR("1;"
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890\r\nx\r\n"));
    assert_false(o.overflow);
    got = run(out_done(&o), &o.n, 1, result);
    assert_true(str_starts(got, STR("bad |xxx")));
    assert_true(str_ends_nocase(got, STR("|too many chunk extensions for the content")));
}

/* Random content in random chunks comes out as it went in. */
static void test_round_trip(void **state)
{
    static char text[TEXT_MAX], content[4096], want[8192];
    uint64_t seed = random_seed();

    (void)state;
    for (int i = 0; i < 300; i++) {
        struct out raw = OUT_INIT(text, sizeof text), o = OUT_INIT(want, sizeof want);
        size_t n = random_below(&seed, i < 200 ? 40 : sizeof content);

        for (size_t k = 0; k < n; k++)
            content[k] = (char)random_next(&seed);
        for (size_t at = 0, size; at < n; at += size) {
            size = 1 + random_below(&seed, n - at);
            out_hex(&raw, size);
            out_str(&raw, random_below(&seed, 4) ? STR("\r\n") : STR(";n=v\r\n"));
            out_bytes(&raw, content + at, size);
            out_str(&raw, STR("\r\n"));
        }
        out_str(&raw, STR("0\r\n\r\n"));
        out_str(&o, STR("end |"));
        out_bytes(&o, content, n);
        out_str(&o, STR("|"));
        assert_false(raw.overflow || o.overflow);
        all_cuts(out_done(&raw), out_done(&o), &seed);
    }
}

/* Damaged chunks: whatever comes of them, it does not depend on the cuts. */
static void test_mutations(void **state)
{
    static const char bytes[] = "\r\n\r\n019afx;: \t\0\xff";
    static char result[TEXT_MAX];
    uint64_t seed = random_seed();

    (void)state;
    for (int i = 0; i < 3000; i++) {
        const struct vector *v = &vectors[random_below(&seed, sizeof vectors / sizeof *vectors)];
        char copy[128];
        size_t ends[129], n = v->raw.n;
        struct str raw = str_make(copy, n);

        assert_true(n < sizeof copy);
        memcpy(copy, v->raw.p, n);
        for (size_t k = 1 + random_below(&seed, 2); n && k; k--)
            copy[random_below(&seed, n)] = bytes[random_below(&seed, sizeof bytes - 1)];
        for (size_t at = 0; at <= n; at++)
            ends[at] = at;
        same(raw, run(raw, &raw.n, 1, result), ends, n + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),    cmocka_unit_test(test_limits),    cmocka_unit_test(test_overhead),
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_mutations),
    };
    int failed;

    guard = guard_make(TEXT_MAX);
    failed = cmocka_run_group_tests_name("chunked", tests, NULL, NULL);
    guard_free(&guard);
    return failed;
}
