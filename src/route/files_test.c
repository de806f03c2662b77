#include "route/files.h"

#include "route/fixture.h"

static void normal_paths(void **state)
{
    static const char *const good[] = {"/", "/a", "/a/", "/a/b.c", "/a/..b/...", "/.a/b."};
    static const char *const bad[] = {"",     "a",  "a/b", "//",   "//a",     "/a//b",
                                      "/a//", "/.", "/..", "/a/.", "/a/../b", "/a/./b"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(files_is_normal(str_from(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (files_is_normal(str_from(bad[i])))
            fail_msg("\"%s\" was taken", bad[i]);
    assert_false(files_is_normal(STR("/a\0b")));
    assert_false(files_is_normal(STR_NONE));
}

static void maps(void **state)
{
    static const struct {
        const char *path, *want; /* NULL: refused */
    } rows[] = {
        {"/x/y.txt", "/srv/www/x/y.txt"},
        {"/", "/srv/www/"},
        {"/files/a/b", "/data/files/a/b"},
        {"/files/", "/data/files/"},
        {"/files", "/srv/www/files"},
        {"/files/late/x", "/data/files/late/x"}, /* the first match wins */
        {"/one", "/data/one.txt"},
        {"/onefoo", "/srv/www/onefoo"},
        {"/one/x", "/data/one.txt/x"},
        {"/a//b", "/srv/www/a/b"},
        {"/up/x", "/data/x"},
        {"/top/x", NULL},
    };
    struct fixture f;
    struct str got;

    (void)state;
    fixture_init(&f);
    fixture_add_alias(&f, &f.main, "/files/", "/data/files/");
    fixture_add_alias(&f, &f.main, "/files/late/", "/never/");
    fixture_add_alias(&f, &f.main, "/one", "/data/one.txt");
    fixture_add_alias(&f, &f.main, "/up/", "/data/sub/../");
    fixture_add_alias(&f, &f.main, "/top/", "/../");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool mapped = files_map(&f.arena, &f.main, str_from(rows[i].path), &got);

        if (mapped != (rows[i].want != NULL))
            fail_msg("\"%s\": mapped %d", rows[i].path, mapped);
        if (mapped)
            assert_str(got, rows[i].want);
    }
    f.main.document_root = STR("/");
    assert_true(files_map(&f.arena, &f.main, STR("/etc"), &got));
    assert_str(got, "/etc");
    fixture_finish(&f);
}

static void roots(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    assert_str(files_below_root(&f.arena, STR("/srv/www"), STR("/x/")), "/srv/www/x/");
    assert_str(files_below_root(&f.arena, STR("/"), STR("/x")), "/x");
    fixture_finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_paths),
        cmocka_unit_test(maps),
        cmocka_unit_test(roots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
