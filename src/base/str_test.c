#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void assert_str(struct str got, const char *want)
{
    if (!str_eq(got, str_from(want)))
        fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(got), want);
}

static void test_absent(void **state)
{
    struct str none = STR_NONE;

    (void)state;
    assert_null(str_from(NULL).p);
    assert_non_null(STR("").p);
    assert_true(str_eq(none, STR("")));
    assert_null(str_skip(none, 3).p);
    assert_int_equal(str_find(none, 'a'), -1);
    assert_int_equal(str_find_last(none, 'a'), -1);
    assert_int_equal(str_find_str(none, STR("a")), -1);
    assert_int_equal(str_find_str(none, STR("")), 0);
    assert_true(str_starts(none, none));
    assert_false(str_starts(none, STR("a")));
    assert_null(str_until(&none, ',').p);
    assert_null(str_trim(none).p);
    assert_false(str_list_has(none, STR("")));
}

static void test_compare(void **state)
{
    (void)state;
    assert_true(str_eq(STR("a\0b"), STR("a\0b")));
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
    assert_false(str_eq(STR("a"), STR("ab")));
    assert_false(str_eq(STR("a"), STR("A")));
    assert_true(str_eq_nocase(STR("Ab-1"), STR("aB-1")));
    assert_false(str_eq_nocase(STR("ab"), STR("abc")));
    /* Only letters have case: '@' and '`', '[' and '{' differ by the same bit. */
    assert_false(str_eq_nocase(STR("@"), STR("`")));
    assert_false(str_eq_nocase(STR("["), STR("{")));
    assert_false(str_eq_nocase(STR("\xc4"), STR("\xe4")));
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_false(str_starts(STR("ab"), STR("abc")));
    assert_true(str_starts_nocase(STR("ABc"), STR("ab")));
    assert_true(str_ends_nocase(STR("x.HTML"), STR(".html")));
    assert_false(str_ends_nocase(STR("l"), STR(".html")));
}

static void test_find(void **state)
{
    (void)state;
    assert_int_equal(str_find(STR("a,b,c"), ','), 1);
    assert_int_equal(str_find_last(STR("a,b,c"), ','), 3);
    assert_int_equal(str_find(STR("abc"), ','), -1);
    assert_int_equal(str_find(STR("a\0b"), '\0'), 1);
    assert_int_equal(str_find_str(STR("aabab"), STR("ab")), 1);
    assert_int_equal(str_find_str(STR("aaa"), STR("aaaa")), -1);
}

static void test_cut(void **state)
{
    struct str s = STR("a,,b");

    (void)state;
    assert_str(str_skip(STR("abc"), 1), "bc");
    assert_str(str_skip(STR("abc"), 3), "");
    assert_str(str_skip(STR("abc"), SIZE_MAX), "");
    assert_str(str_first(STR("abc"), 2), "ab");
    assert_str(str_first(STR("abc"), 9), "abc");
    assert_str(str_until(&s, ','), "a");
    assert_str(str_until(&s, ','), "");
    assert_str(s, "b");
    assert_str(str_until(&s, ','), "b");
    assert_null(s.p);
    s = STR("a,");
    assert_str(str_until(&s, ','), "a");
    assert_non_null(s.p); /* present and empty: one more element */
    assert_str(str_trim(STR(" \t a b\t ")), "a b");
    assert_str(str_trim(STR(" \t")), "");
    assert_str(str_trim(STR("\r\n")), "\r\n");
}

static void test_numbers(void **state)
{
    uint64_t v = 7;

    (void)state;
    assert_true(str_to_u64(STR("0"), 0, &v) && v == 0);
    assert_true(str_to_u64(STR("00012"), 12, &v) && v == 12);
    assert_true(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &v) && v == UINT64_MAX);
    assert_true(str_to_u64(STR("65535"), 65535, &v) && v == 65535);
    v = 7;
    assert_false(str_to_u64(STR("18446744073709551616"), UINT64_MAX, &v));
    assert_false(str_to_u64(STR("99999999999999999999"), UINT64_MAX, &v));
    assert_false(str_to_u64(STR("65536"), 65535, &v));
    assert_false(str_to_u64(STR("5"), 4, &v));
    assert_false(str_to_u64(STR("10"), 4, &v));
    assert_false(str_to_u64(STR(""), 9, &v));
    assert_false(str_to_u64(STR_NONE, 9, &v));
    assert_false(str_to_u64(STR("+1"), 9, &v));
    assert_false(str_to_u64(STR("-1"), 9, &v));
    assert_false(str_to_u64(STR(" 1"), 9, &v));
    assert_false(str_to_u64(STR("1 "), 9, &v));
    assert_false(str_to_u64(STR("1\0"), 9, &v));
    assert_int_equal(v, 7);
}

static void test_lists(void **state)
{
    (void)state;
    assert_true(str_list_has(STR("close"), STR("close")));
    assert_true(str_list_has(STR("a,\t Close ,b"), STR("close")));
    assert_true(str_list_has(STR("a,b"), STR("b")));
    assert_false(str_list_has(STR("closed, xclose, clos e"), STR("close")));
    assert_false(str_list_has(STR(""), STR("close")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absent), cmocka_unit_test(test_compare), cmocka_unit_test(test_find),
        cmocka_unit_test(test_cut),    cmocka_unit_test(test_numbers), cmocka_unit_test(test_lists),
    };

    return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
