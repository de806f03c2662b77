#include "base/glob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct vector {
    const char *pattern, *text;
    bool slashes, nocase, want;
};

static const struct vector vectors[] = {
    {"", "", false, false, true},
    {"", "a", false, false, false},
    {"a", "", false, false, false},
    {"abc", "abc", false, false, true},
    {"abc", "abC", false, false, false},
    {"abc", "aBC", false, true, true},
    {"*", "", false, false, true},
    {"*", "any/thing", false, false, true},
    {"*", "any/thing", true, false, false},
    {"**", "any", true, false, true},
    {"*/*", "any/thing", true, false, true},
    {"/a/*/c", "/a/b/c", true, false, true},
    {"/a/*/c", "/a/b/b/c", true, false, false},
    {"/a/*/c", "/a/b/b/c", false, false, true},
    {"a*b*c", "aXbYbZc", false, false, true},
    {"a*b*c", "aXbYbZ", false, false, false},
    {"*.example.org", "www.example.org", false, false, true},
    {"*.example.org", "example.org", false, false, false},
    {"?", "a", false, false, true},
    {"?", "", false, false, false},
    {"?", "/", false, false, true},
    {"?", "/", true, false, false},
    {"a?c", "abc", false, false, true},
    {"[abc]", "b", false, false, true},
    {"[a-c]x", "bx", false, false, true},
    {"[a-c]", "d", false, false, false},
    {"[a-c]", "B", false, true, true},
    {"[A-C]", "b", false, true, true},
    {"[!a-c]", "d", false, false, true},
    {"[^a-c]", "b", false, false, false},
    {"[]]", "]", false, false, true},
    {"[!]]", "]", false, false, false},
    {"[a-]", "-", false, false, true},
    {"[\\]]", "]", false, false, true},
    {"[a\\-c]", "b", false, false, false},
    {"[/]", "/", false, false, true},
    {"[/]", "/", true, false, false},
    {"[!x]", "/", true, false, false},
    {"[a", "[a", false, false, true},
    {"[", "[", false, false, true},
    {"[a-", "[a-", false, false, true},
    {"\\*", "*", false, false, true},
    {"\\*", "a", false, false, false},
    {"a\\", "a\\", false, false, true},
};

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct vector *v = &vectors[i];
        bool got = glob_match(str_from(v->pattern), str_from(v->text), v->slashes, v->nocase);

        if (got != v->want)
            fail_msg("pattern \"%s\", text \"%s\": got %d", v->pattern, v->text, got);
    }
}

/* Effort is the product of both lengths, not exponential in the number of stars. */
static void test_many_stars(void **state)
{
    char pattern[401], text[2000];

    (void)state;
    for (size_t i = 0; i < 400; i += 2)
        memcpy(pattern + i, "*a", 2);
    pattern[400] = 'b';
    memset(text, 'a', sizeof text);
    assert_false(glob_match(str_make(pattern, sizeof pattern), str_make(text, sizeof text), false, false));
}

static void test_is_pattern(void **state)
{
    (void)state;
    assert_true(glob_is_pattern(STR("a*")));
    assert_true(glob_is_pattern(STR("a?")));
    assert_true(glob_is_pattern(STR("[a")));
    assert_false(glob_is_pattern(STR("/a/b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_many_stars),
        cmocka_unit_test(test_is_pattern),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
