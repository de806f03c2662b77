/* Every vector is decoded whole, in every single cut, byte by byte, and in random multi-cuts (the seed is
 * printed; SEED=N in the environment repeats one). What has come so far always ends where its memory ends, so
 * that a sanitizer sees a read past it. */
#include "scgi/netstring.h"

#include "base/out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { MAX = 4096, RANDOM_CUTS = 50 };

struct vector {
    struct str block, raw;  /* a block to be framed, or raw input as it is */
    const char *want_fault; /* NULL: complete; "": partial */
    uint64_t want_content_length;
    unsigned want_variables;
};

#define GOOD(text, length, variables)                                                                        \
    {                                                                                                        \
        STR_INIT(text), {NULL, 0}, NULL, length, variables                                                   \
    }
#define BAD(text, why)                                                                                       \
    {                                                                                                        \
        STR_INIT(text), {NULL, 0}, why, 0, 0                                                                 \
    }
#define RAW(text, why)                                                                                       \
    {                                                                                                        \
        {NULL, 0}, STR_INIT(text), why, 0, 0                                                                 \
    }

#define LENGTH_0                                                                                             \
    "CONTENT_LENGTH\0"                                                                                       \
    "0\0"
#define SCGI_1                                                                                               \
    "SCGI\0"                                                                                                 \
    "1\0"

/* clang-format off */
static const struct vector vectors[] = {
    /* The example of the SCGI text. */
    GOOD("CONTENT_LENGTH\0" "27\0" SCGI_1 "REQUEST_METHOD\0" "POST\0" "REQUEST_URI\0" "/deepthought\0", 27, 4),
    GOOD(LENGTH_0 SCGI_1, 0, 2),
    GOOD(LENGTH_0 "A\0\0" SCGI_1, 0, 3),
    GOOD(LENGTH_0 SCGI_1 "\x01 =\xff\0\n,9:\0", 0, 3),
    GOOD("CONTENT_LENGTH\0" "9223372036854775807\0" SCGI_1, INT64_MAX, 2),
    /* Names differ by case and by length. */
    GOOD(LENGTH_0 SCGI_1 "scgi\0" "1\0" "SCG\0" "\0" "SCGI_\0" "1\0", 0, 5),

    BAD("", "the first variable is not CONTENT_LENGTH"),
    BAD("\0", "a name without a value"),
    BAD("\0\0", "a variable without a name"),
    BAD(SCGI_1 LENGTH_0, "the first variable is not CONTENT_LENGTH"),
    BAD("content_length\0" "0\0" SCGI_1, "the first variable is not CONTENT_LENGTH"),
    BAD("CONTENT_LENGTH\0" "\0" SCGI_1, "CONTENT_LENGTH is not a decimal number"),
    BAD("CONTENT_LENGTH\0" "00\0" SCGI_1, "CONTENT_LENGTH is not a decimal number"),
    BAD("CONTENT_LENGTH\0" "-1\0" SCGI_1, "CONTENT_LENGTH is not a decimal number"),
    BAD("CONTENT_LENGTH\0" "+1\0" SCGI_1, "CONTENT_LENGTH is not a decimal number"),
    BAD("CONTENT_LENGTH\0" "1 \0" SCGI_1, "CONTENT_LENGTH is not a decimal number"),
    BAD("CONTENT_LENGTH\0" "9223372036854775808\0" SCGI_1, "CONTENT_LENGTH is not a decimal number"),
    BAD("CONTENT_LENGTH\0" "99999999999999999999999\0" SCGI_1, "CONTENT_LENGTH is not a decimal number"),
    BAD(LENGTH_0, "no variable SCGI"),
    BAD(LENGTH_0 "SCGI_\0" "1\0", "no variable SCGI"),
    BAD(LENGTH_0 "SCGI\0" "2\0", "SCGI is not 1"),
    BAD(LENGTH_0 "SCGI\0" "\0", "SCGI is not 1"),
    BAD(LENGTH_0 SCGI_1 SCGI_1, "a variable comes twice"),
    BAD(LENGTH_0 SCGI_1 LENGTH_0, "a variable comes twice"),
    BAD(LENGTH_0 SCGI_1 "A\0" "1\0" "B\0" "1\0" "A\0" "2\0", "a variable comes twice"),
    BAD(LENGTH_0 SCGI_1 "\0" "x\0", "a variable without a name"),
    BAD(LENGTH_0 SCGI_1 "A\0", "a name without a value"),
    BAD(LENGTH_0 SCGI_1 "A\0" "x", "the block does not end with NUL"),

    RAW("", ""),
    RAW("24", ""),
    RAW("24:" LENGTH_0, ""),
    RAW("24:" LENGTH_0 SCGI_1, ""),
    RAW("24:" LENGTH_0 SCGI_1 ".", "no comma after the netstring"),
    RAW("23:" LENGTH_0 SCGI_1 ",", "no comma after the netstring"),
    RAW("024:" LENGTH_0 SCGI_1 ",", "the netstring's length has a leading zero"),
    RAW("00:,", "the netstring's length has a leading zero"),
    RAW(":,", "not a netstring: no length and colon in front"),
    RAW("24;" LENGTH_0 SCGI_1 ",", "not a netstring: no length and colon in front"),
    RAW(" 24:" LENGTH_0 SCGI_1 ",", "not a netstring: no length and colon in front"),
    RAW("-1:,", "not a netstring: no length and colon in front"),
    RAW("0x18:", "not a netstring: no length and colon in front"),
    RAW("GET / HTTP/1.1\r\n\r\n", "not a netstring: no length and colon in front"),
    RAW("4090:", ""),
    RAW("4091:", "the netstring is longer than allowed"),
    RAW("99999x", "the netstring is longer than allowed"),
    RAW("99999999999999999999999999999999:", "the netstring is longer than allowed"),
};
/* clang-format on */

/* What the decoder says after the pieces came one by one: decoding stops at the first answer but PARTIAL. */
struct answer {
    enum netstring_result result;
    struct netstring n;
};

struct feed {
    char *memory; /* of exactly the bytes that have come */
    struct answer answer;
};

static void feed_to(struct feed *f, struct str input, size_t used)
{
    if (f->answer.result != NETSTRING_PARTIAL)
        return;
    free(f->memory);
    f->memory = malloc(used ? used : 1);
    assert_non_null(f->memory);
    if (used)
        memcpy(f->memory, input.p, used);
    f->answer.result = netstring_decode(str_make(f->memory, used), MAX, &f->answer.n);
    /* Slices point into the input; here they are compared by content after the memory is gone. */
    if (f->answer.n.block.p)
        f->answer.n.block.p = input.p + (f->answer.n.block.p - f->memory);
}

static struct answer feed_finish(struct feed *f)
{
    free(f->memory);
    return f->answer;
}

static void check(const struct vector *v, struct str input, size_t size, struct answer a)
{
    if (!v->want_fault) {
        assert_int_equal(a.result, NETSTRING_COMPLETE);
        assert_int_equal(a.n.size, size);
        assert_int_equal(a.n.content_length, v->want_content_length);
        assert_int_equal(a.n.variables, v->want_variables);
        assert_int_equal(a.n.block.n, v->block.n);
        assert_memory_equal(a.n.block.p, v->block.p, v->block.n);
        assert_ptr_equal(a.n.block.p + a.n.block.n + 1, input.p + size);
    } else if (v->want_fault[0]) {
        assert_int_equal(a.result, NETSTRING_BAD);
        assert_string_equal(a.n.fault, v->want_fault);
    } else {
        assert_int_equal(a.result, NETSTRING_PARTIAL);
    }
}

static void check_cuts(const struct vector *v, struct str input, size_t size)
{
    struct feed whole = {0}, bytes = {0};

    feed_to(&whole, input, input.n);
    check(v, input, size, feed_finish(&whole));
    for (size_t cut = 0; cut <= input.n; cut++) {
        struct feed one = {0};

        feed_to(&one, input, cut);
        feed_to(&one, input, input.n);
        check(v, input, size, feed_finish(&one));
        feed_to(&bytes, input, cut);
    }
    check(v, input, size, feed_finish(&bytes));
    for (unsigned i = 0; i < RANDOM_CUTS; i++) {
        struct feed many = {0};

        for (size_t at = 0; at < input.n; at += 1 + (size_t)rand() % 9)
            feed_to(&many, input, at);
        feed_to(&many, input, input.n);
        check(v, input, size, feed_finish(&many));
    }
}

static void test_vectors(void **state)
{
    const char *given = getenv("SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);

    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const struct vector *v = &vectors[i];
        char memory[256];
        struct out o = OUT_INIT(memory, sizeof memory);

        out_str(&o, v->raw);
        if (v->block.p)
            out_printf(&o, "%zu:", v->block.n);
        out_str(&o, v->block);
        out_str(&o, v->block.p ? STR(",") : STR(""));
        assert_false(o.overflow);
        check_cuts(v, out_done(&o), o.n);
        if (v->want_fault && !v->want_fault[0])
            continue; /* partial: what follows would complete it */
        out_str(&o, STR("7:body, "));
        assert_false(o.overflow);
        check_cuts(v, out_done(&o), o.n - 8);
    }
}

static void test_walk_and_find(void **state)
{
    static const char input[] = "42:" LENGTH_0 SCGI_1 "A\0\0"
                                "B\0"
                                "x=\xff y\0"
                                "C\0"
                                "c\0"
                                "D\0\0,";
    struct netstring n;
    struct str rest, name, value;
    unsigned count = 0;

    (void)state;
    assert_int_equal(netstring_decode(str_make(input, sizeof input - 1), MAX, &n), NETSTRING_COMPLETE);
    for (rest = n.block; netstring_next(&rest, &name, &value); count++)
        assert_true(name.n > 0);
    assert_int_equal(count, 6);
    assert_int_equal(n.variables, 6);
    assert_true(str_eq(netstring_find(n.block, STR("B")), STR("x=\xff y")));
    assert_true(str_eq(netstring_find(n.block, STR("CONTENT_LENGTH")), STR("0")));
    assert_non_null(netstring_find(n.block, STR("A")).p); /* there, and empty */
    assert_int_equal(netstring_find(n.block, STR("A")).n, 0);
    assert_non_null(netstring_find(n.block, STR("D")).p);
    assert_null(netstring_find(n.block, STR("c")).p);
    assert_null(netstring_find(n.block, STR("")).p);
}

/* A block of that many variables besides CONTENT_LENGTH and SCGI; the last may repeat the first. */
static enum netstring_result decode_many(unsigned count, bool repeat, struct netstring *n)
{
    static char block_memory[1 << 16], input_memory[1 << 17];
    struct out block = OUT_INIT(block_memory, sizeof block_memory);
    struct out input = OUT_INIT(input_memory, sizeof input_memory);

    out_str(&block, STR(LENGTH_0 SCGI_1));
    for (unsigned i = 0; i < count; i++) {
        out_printf(&block, "N%u", repeat && i == count - 1 ? 0 : i);
        out_bytes(&block, "\0value\0", 7);
    }
    out_printf(&input, "%zu:", block.n);
    out_str(&input, out_done(&block));
    out_char(&input, ',');
    assert_false(block.overflow || input.overflow);
    return netstring_decode(out_done(&input), sizeof input_memory, n);
}

static void test_many_variables(void **state)
{
    struct netstring n;

    (void)state;
    assert_int_equal(decode_many(NETSTRING_MAX_VARIABLES - 2, false, &n), NETSTRING_COMPLETE);
    assert_int_equal(n.variables, NETSTRING_MAX_VARIABLES);
    assert_int_equal(decode_many(NETSTRING_MAX_VARIABLES - 2, true, &n), NETSTRING_BAD);
    assert_string_equal(n.fault, "a variable comes twice");
    assert_int_equal(decode_many(NETSTRING_MAX_VARIABLES - 1, false, &n), NETSTRING_BAD);
    assert_string_equal(n.fault, "too many variables");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_walk_and_find),
        cmocka_unit_test(test_many_variables),
    };

    return cmocka_run_group_tests_name("netstring", tests, NULL, NULL);
}
