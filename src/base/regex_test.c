#include "base/regex.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;

static struct regex *compile(const char *pattern, bool nocase)
{
    struct str error;
    size_t offset;
    struct regex *r = regex_compile(&arena, str_from(pattern), nocase, &error, &offset);

    assert_non_null(r);
    return r;
}

static bool search(const char *pattern, bool nocase, const char *subject)
{
    struct regex *r = compile(pattern, nocase);
    bool found = regex_search(r, str_from(subject), NULL);

    regex_free(r);
    return found;
}

static void test_search(void **state)
{
    (void)state;
    assert_true(search("^/a", false, "/ab"));
    assert_false(search("^/a", false, "x/ab"));
    assert_true(search("b", false, "abc"));
    assert_false(search("B", false, "abc"));
    assert_true(search("B", true, "abc"));
    assert_true(search("", false, ""));
    assert_true(search("^$", false, ""));
    assert_true(search("a.b", false, "a\nb"));
    assert_false(search("a$", false, "a\n"));
}

static void test_absent_subject(void **state)
{
    struct regex *r = compile("^$", false);

    (void)state;
    assert_true(regex_search(r, STR_NONE, NULL));
    regex_free(r);
}

static void test_groups(void **state)
{
    struct regex *r = compile("^/(x)?([a-z]+)()(.)(.)(.)(.)(.)(.)(.)(.)$", false);
    struct regex_match m;

    (void)state;
    assert_true(regex_search(r, STR("/ab12345678"), &m));
    assert_true(str_eq(m.groups[0], STR("/ab12345678")));
    assert_null(m.groups[1].p);
    assert_true(str_eq(m.groups[2], STR("ab")));
    assert_non_null(m.groups[3].p);
    assert_int_equal(m.groups[3].n, 0);
    assert_true(str_eq(m.groups[9], STR("6")));
    assert_false(regex_search(r, STR("nothing"), &m));
    for (int i = 0; i < REGEX_GROUPS_MAX; i++)
        assert_null(m.groups[i].p);
    regex_free(r);
}

static void test_fault(void **state)
{
    struct str error = STR_NONE;
    size_t offset = 0;

    (void)state;
    assert_null(regex_compile(&arena, STR("ab(("), false, &error, &offset));
    assert_int_equal(offset, 4);
    assert_true(str_find_str(error, STR("parenthesis")) >= 0);
}

/* An expression with exponential effort ends, as no match. */
static void test_effort_is_bounded(void **state)
{
    char subject[64];

    (void)state;
    memset(subject, 'a', sizeof subject);
    subject[sizeof subject - 2] = '!';
    subject[sizeof subject - 1] = '\0';
    assert_false(search("^(a+)+$", false, subject));
    {
        struct regex *r = compile("^(a+)+$", false);
        struct regex_match m;

        assert_false(regex_search(r, str_from(subject), &m));
        assert_true(m.exhausted);
        assert_false(regex_search(r, STR("b"), &m));
        assert_false(m.exhausted);
        regex_free(r);
    }
}

static void test_has_groups(void **state)
{
    static const struct {
        const char *pattern;
        bool groups;
    } cases[] = {{"a", false}, {"(?:a)\\(", false}, {"(a)", true}, {"(?<n>a)", true}, {"", false}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct regex *r = compile(cases[i].pattern, false);

        assert_int_equal(regex_has_groups(r), cases[i].groups);
        regex_free(r);
    }
}

/* A long subject that needs more than the machine stack of compiled code still matches. */
static void test_long_subject(void **state)
{
    static char subject[20000];
    struct regex *r = compile("^(?:(a)|b)*$", false);

    (void)state;
    memset(subject, 'a', sizeof subject);
    assert_true(regex_search(r, str_make(subject, sizeof subject), NULL));
    regex_free(r);
}

static void test_substitute(void **state)
{
    struct regex *r = compile("(b)(c)?", false);
    struct regex_match m;

    (void)state;
    assert_true(regex_search(r, STR("abd"), &m));
    assert_string_equal(regex_substitute(&arena, STR("<$0|$1|$2|$9>"), &m).p, "<b|b||>");
    assert_string_equal(regex_substitute(&arena, STR("a\\$1\\\\&\\n$x$"), &m).p, "a$1\\&\\n$x$");
    assert_string_equal(regex_substitute(&arena, STR(""), &m).p, "");
    regex_free(r);
}

static void test_named_groups(void **state)
{
    struct regex *r = compile("(a)(?<two>b)(?<One>c)", false);
    unsigned group = 0;
    struct str name;

    (void)state;
    assert_true(regex_named_group(r, 0, &name, &group));
    assert_true(str_eq(name, STR("One")));
    assert_int_equal(group, 3);
    assert_true(regex_named_group(r, 1, &name, &group));
    assert_true(str_eq(name, STR("two")));
    assert_int_equal(group, 2);
    assert_false(regex_named_group(r, 2, &name, &group));
    regex_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search),       cmocka_unit_test(test_absent_subject),
        cmocka_unit_test(test_groups),       cmocka_unit_test(test_fault),
        cmocka_unit_test(test_long_subject), cmocka_unit_test(test_effort_is_bounded),
        cmocka_unit_test(test_substitute),   cmocka_unit_test(test_has_groups),
        cmocka_unit_test(test_named_groups),
    };
    int failed;

    arena_init(&arena, NULL, 0);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_finish(&arena);
    return failed;
}
