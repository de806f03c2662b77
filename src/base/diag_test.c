#include "base/diag.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void check(struct diag_place place, struct str hint, const char *want)
{
    struct arena arena;
    struct diag_list list;
    struct diag *d;
    struct str text;

    arena_init(&arena, NULL, 0);
    diag_list_init(&list, &arena);
    d = diag_add(&list, DIAG_ERROR, place, "unknown directive \"%s\"", "ProxyPas");
    d->hint = hint;
    text = diag_text(&arena, d);
    if (!str_eq(text, str_from(want)))
        fail_msg("\n%.*sis not\n%s", STR_ARG(text), want);
    arena_finish(&arena);
}

static void test_text(void **state)
{
    struct diag_place place = {STR("site.conf"), 12, 3, STR("  ProxyPas \"/app/\"")};

    (void)state;
    check(place, STR("did you mean \"ProxyPass\"?"),
          "site.conf:12:3: error: unknown directive \"ProxyPas\"\n"
          "    ProxyPas \"/app/\"\n"
          "    ^\n"
          "  hint: did you mean \"ProxyPass\"?\n");
    place.source = STR("\t\tProxyPas");
    check(place, STR_NONE,
          "site.conf:12:3: error: unknown directive \"ProxyPas\"\n  \t\tProxyPas\n  \t\t^\n");
    place.column = 0;
    check(place, STR_NONE, "site.conf:12: error: unknown directive \"ProxyPas\"\n  \t\tProxyPas\n");
    place.source = STR_NONE;
    check(place, STR_NONE, "site.conf:12: error: unknown directive \"ProxyPas\"\n");
    place.line = 0;
    check(place, STR_NONE, "site.conf: error: unknown directive \"ProxyPas\"\n");
    check((struct diag_place){0}, STR_NONE, "command line: error: unknown directive \"ProxyPas\"\n");
}

/* A place behind the line's end, as for something missing, and one that is not shown. */
static void test_caret(void **state)
{
    struct diag_place place = {STR("f"), 1, 4, STR("abc")};
    struct arena arena;
    struct diag_list list;
    struct str text;

    (void)state;
    check(place, STR_NONE, "f:1:4: error: unknown directive \"ProxyPas\"\n  abc\n     ^\n");
    place.column = 99;
    check(place, STR_NONE, "f:1:99: error: unknown directive \"ProxyPas\"\n  abc\n     ^\n");
    place.column = 201;
    arena_init(&arena, NULL, 0);
    place.source = arena_printf(&arena, "%300d", 1);
    diag_list_init(&list, &arena);
    text = diag_text(&arena, diag_add(&list, DIAG_NOTICE, place, "x"));
    assert_int_equal(str_find(text, '^'), -1);
    assert_int_equal(text.n, sizeof("f:1:201: notice: x\n") - 1 + 2 + 200 + 1);
    arena_finish(&arena);
}

static void test_list(void **state)
{
    struct arena arena;
    struct diag_list list;
    struct diag_place place = {0};
    struct diag *a, *b, *c;

    (void)state;
    arena_init(&arena, NULL, 0);
    diag_list_init(&list, &arena);
    assert_null(list.first);
    a = diag_add(&list, DIAG_WARNING, place, "a");
    b = diag_add(&list, DIAG_ERROR, place, "%*d", 5000, 1);
    c = diag_add(&list, DIAG_ERROR, place, "c");
    diag_add(&list, DIAG_NOTICE, place, "d");
    assert_ptr_equal(list.first, a);
    assert_ptr_equal(a->next, b);
    assert_ptr_equal(b->next, c);
    assert_int_equal(list.errors, 2);
    assert_int_equal(list.warnings, 1);
    assert_int_equal(b->message.n, 1023); /* long messages are cut */
    assert_true(str_eq(c->message, STR("c")));
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_caret),
        cmocka_unit_test(test_list),
    };

    return cmocka_run_group_tests_name("diag", tests, NULL, NULL);
}
