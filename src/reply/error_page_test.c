#include "reply/error_page.h"

#include "http/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_finish(&arena);
    return 0;
}

static bool has(struct str page, struct str what)
{
    return str_find_str(page, what) >= 0;
}

/* Each page names its status, is ASCII, and closes what it opens. */
static void test_every_status(void **state)
{
    (void)state;
    for (int status = 100; status <= 599; status++) {
        struct str page = error_page(&arena, status, STR_NONE);
        struct str reason = status_reason(status);
        int depth = 0;

        assert_true(str_starts(page, STR("<!DOCTYPE html>\n")));
        assert_true(has(page, arena_printf(&arena, "<title>%d %.*s", status, STR_ARG(reason))));
        if (reason.p)
            assert_true(has(page, arena_printf(&arena, "<h1>%.*s</h1>", STR_ARG(reason))));
        assert_true(str_ends_nocase(page, STR("</p>\n</body>\n</html>\n")));
        for (size_t i = 0; i < page.n; i++) {
            assert_true(page.p[i] == '\n' || (page.p[i] >= ' ' && page.p[i] < 0x7f));
            depth += (page.p[i] == '<') - (page.p[i] == '>');
            assert_true(depth == 0 || depth == 1);
        }
        assert_int_equal(depth, 0);
    }
}

static void test_usual_pages_are_shared(void **state)
{
    size_t used;

    (void)state;
    used = arena.used;
    assert_ptr_equal(error_page(&arena, 502, STR_NONE).p, error_page(&arena, 502, STR("")).p);
    assert_int_equal(arena.used, used);
}

static void test_detail(void **state)
{
    struct str page, plain;

    (void)state;
    for (int status = 404; status <= 599; status += 195) {
        plain = error_page(&arena, status, STR_NONE);
        page = error_page(&arena, status, STR("Say so."));
        assert_true(has(page, STR("</p>\n<p>Say so.</p>\n</body>")));
        assert_int_equal(page.n, plain.n + sizeof "</p>\n<p>Say so." - 1);
    }
}

static void test_signature(void **state)
{
    (void)state;
    assert_true(str_eq(error_page_signature(&arena, STR("sw"), STR("h"), 80, STR_NONE),
                       STR("<address>sw Server at h Port 80</address>\n")));
    assert_true(str_eq(error_page_signature(&arena, STR("sw"), STR("h"), 8080, STR("a@b")),
                       STR("<address>sw Server at <a href=\"mailto:a@b\">h</a> Port 8080</address>\n")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_status, setup, teardown),
        cmocka_unit_test_setup_teardown(test_usual_pages_are_shared, setup, teardown),
        cmocka_unit_test_setup_teardown(test_detail, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signature, setup, teardown),
    };

    return cmocka_run_group_tests_name("error_page", tests, NULL, NULL);
}
