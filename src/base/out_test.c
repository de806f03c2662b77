#include "base/out.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void assert_out(const struct out *o, const char *want)
{
    assert_false(o->overflow);
    if (!str_eq(out_done(o), str_from(want)))
        fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(out_done(o)), want);
}

static void test_puts(void **state)
{
    char text[64];
    struct out o = OUT_INIT(text, sizeof text);

    (void)state;
    out_str(&o, STR("a"));
    out_str(&o, STR_NONE);
    out_char(&o, ':');
    out_bytes(&o, "\0b", 2);
    out_printf(&o, "%d%s", 5, "x");
    assert_false(o.overflow);
    assert_true(str_eq(out_done(&o), STR("a:\0b5x")));
}

static void test_numbers(void **state)
{
    static const struct {
        uint64_t value;
        const char *decimal, *hex;
    } rows[] = {
        {0, "0", "0"},      {9, "9", "9"},          {10, "10", "a"},
        {255, "255", "ff"}, {4096, "4096", "1000"}, {UINT64_MAX, "18446744073709551615", "ffffffffffffffff"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[20];
        struct out o = OUT_INIT(text, sizeof text);

        out_u64(&o, rows[i].value);
        assert_out(&o, rows[i].decimal);
        o.n = 0;
        out_hex(&o, rows[i].value);
        assert_out(&o, rows[i].hex);
    }
}

/* What does not fit is not written, not even in part, and nothing after it is either. */
static void test_overflow(void **state)
{
    char text[8] = "????????";
    struct out o = OUT_INIT(text, 4);

    (void)state;
    out_str(&o, STR("abcd"));
    assert_out(&o, "abcd");
    out_str(&o, STR(""));
    assert_false(o.overflow);
    out_char(&o, 'e');
    assert_true(o.overflow);
    assert_int_equal(o.n, 4);
    assert_memory_equal(text, "abcd????", 8);

    o = (struct out)OUT_INIT(text, 4);
    out_str(&o, STR("ab"));
    out_str(&o, STR("cde"));
    out_str(&o, STR("f"));
    out_u64(&o, 1);
    out_printf(&o, "x");
    assert_true(o.overflow);
    assert_true(str_eq(out_done(&o), STR("ab")));
    assert_memory_equal(text + 4, "????", 4);

    o = (struct out)OUT_INIT(text, 4);
    out_printf(&o, "%s", "abcdef");
    assert_true(o.overflow && o.n == 0);
    assert_memory_equal(text + 4, "????", 4);
}

static void test_escaped(void **state)
{
    char text[64];
    struct out o = OUT_INIT(text, sizeof text);

    (void)state;
    out_escaped(&o, STR("a \"\\\r\n\t\0\x1b\x7f\xff~"), 100);
    assert_out(&o, "a \\\"\\\\\\r\\n\\t\\x00\\x1b\\x7f\\xff~");
    o.n = 0;
    out_escaped(&o, STR("abcdef"), 6);
    assert_out(&o, "abcdef");
    o.n = 0;
    out_escaped(&o, STR("abcdef"), 5);
    assert_out(&o, "abcde...");
    o.n = 0;
    out_escaped(&o, STR("abc"), 0);
    assert_out(&o, "...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_puts),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_escaped),
    };

    return cmocka_run_group_tests_name("out", tests, NULL, NULL);
}
