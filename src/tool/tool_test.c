#include "tool/text.h"

#include "tool/address.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_escapes(void **state)
{
    static const struct {
        void (*put)(struct out *o, struct str s);
        struct str in, want;
    } vectors[] = {
        {out_html, STR_INIT("a<b>&\"c\"'\xc3\xa9"), STR_INIT("a&lt;b&gt;&amp;&quot;c&quot;&#39;\xc3\xa9")},
        {out_json, STR_INIT("a\"\\\n\0\x7f\xe9/"), STR_INIT("\"a\\\"\\\\\\u000a\\u0000\\u007f\\u00e9/\"")},
        {out_json, STR_INIT(""), STR_INIT("\"\"")},
        {out_line, STR_INIT("a\nb\tc\r\0\x7f\xe9"), STR_INIT("a\\nb\\tc\\x0d\\x00\\x7f\xe9")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        char memory[200];
        struct out o = OUT_INIT(memory, sizeof memory);

        vectors[i].put(&o, vectors[i].in);
        assert_true(str_eq(out_done(&o), vectors[i].want));
    }
}

static void test_query(void **state)
{
    static const struct {
        struct str query, want; /* of the field "n"; absent: there is none */
    } vectors[] = {
        {STR_INIT("n=1"), STR_INIT("1")},
        {STR_INIT("a=b&n=1&n=2"), STR_INIT("1")},
        {STR_INIT("n="), STR_INIT("")},
        {STR_INIT("n"), STR_INIT("")},
        {STR_INIT("%6E=x"), STR_INIT("x")},
        {STR_INIT("n=a%20b+c=d%26"), STR_INIT("a b c=d&")},
        {STR_INIT("n=%"), STR_INIT("%")},
        {STR_INIT("n=%4"), STR_INIT("%4")},
        {STR_INIT("n=%4g%zz%41"), STR_INIT("%4g%zzA")},
        {STR_INIT("n=%00"), STR_INIT("\0")},
        {STR_INIT("nn=1&N=2&&=&"), {NULL, 0}},
        {STR_INIT(""), {NULL, 0}},
        {{NULL, 0}, {NULL, 0}},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, NULL, 0);
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct str got = query_find(&arena, vectors[i].query, STR("n"));

        assert_true(str_eq(got, vectors[i].want));
        assert_true(!got.p == !vectors[i].want.p);
    }
    arena_finish(&arena);
}

static void test_addresses(void **state)
{
    static const struct {
        const char *text, *want_host, *want_port, *want_path; /* all NULL: refused */
    } vectors[] = {
        {"scgi://localhost:4001", "localhost", "4001", ""},
        {"scgi://localhost:4001/", "localhost", "4001", ""},
        {"SCGI://localhost", "localhost", "4000", ""},
        {"127.0.0.1:0", "127.0.0.1", "0", ""},
        {"[::1]:99", "::1", "99", ""},
        {"scgi://[::1]", "::1", "4000", ""},
        {"unix:/run/a.sock", "", "", "/run/a.sock"},
        {"unix:a|scgi://localhost/", "", "", "a"},
        {"", NULL, NULL, NULL},
        {"scgi://", NULL, NULL, NULL},
        {":4000", NULL, NULL, NULL},
        {"a:", NULL, NULL, NULL},
        {"a:65536", NULL, NULL, NULL},
        {"a:1x", NULL, NULL, NULL},
        {"::1", NULL, NULL, NULL},
        {"[::1", NULL, NULL, NULL},
        {"[::1]4000", NULL, NULL, NULL},
        {"http://a:80", NULL, NULL, NULL},
        {"a/b:80", NULL, NULL, NULL},
        {"unix:", NULL, NULL, NULL},
        {"/run/a.sock", NULL, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        char why[ADDRESS_FAULT_SIZE] = "";
        struct address a;
        bool good = address_parse(vectors[i].text, &a, why);

        assert_int_equal(good, vectors[i].want_host != NULL);
        assert_int_equal(good, why[0] == '\0');
        if (good) {
            assert_string_equal(a.host, vectors[i].want_host);
            assert_string_equal(a.port, vectors[i].want_port);
            assert_string_equal(a.path, vectors[i].want_path);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_addresses),
    };

    return cmocka_run_group_tests_name("tool", tests, NULL, NULL);
}
