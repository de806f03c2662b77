#include "reply/media_types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static struct media_type table[] = {
    {STR_INIT("7z"), STR_INIT("application/x-7z-compressed")},
    {STR_INIT("gz"), STR_INIT("application/gzip")},
    {STR_INIT("htm"), STR_INIT("text/html")},
    {STR_INIT("html"), STR_INIT("text/html")},
    {STR_INIT("txt"), STR_INIT("text/plain")},
    {STR_INIT("xhtml"), STR_INIT("application/xhtml+xml")},
};
static struct media_type added[] = {
    {STR_INIT("md"), STR_INIT("text/old")},
    {STR_INIT("md"), STR_INIT("text/markdown")},
    {STR_INIT("txt"), STR_INIT("text/special")},
};

static void check(size_t added_count, const char *path, const char *want)
{
    struct model model = {.types = {.items = table, .count = COUNT(table)}};
    struct dir_config config = {.types = {.items = added, .count = added_count}};
    struct str got = media_type_of(&model, &config, str_from(path));

    if (want)
        assert_true(str_eq(got, str_from(want)));
    else
        assert_null(got.p);
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        char path[64];

        snprintf(path, sizeof path, "/a.b/c.%.*s", STR_ARG(table[i].extension));
        check(0, path, table[i].type.p);
    }
    check(0, "/x/NOTE.TXT", "text/plain");
    check(0, "note.tXt", "text/plain");
    check(0, "/x/a.tar.gz", "application/gzip");
    check(0, "/x/.hidden.txt", "text/plain");
    check(0, "/x/.txt", NULL);
    check(0, "/x/..txt", NULL);
    check(0, "/x/txt", NULL);
    check(0, "/x.txt/y", NULL);
    check(0, "/x/a.", NULL);
    check(0, "/x/a.tx", NULL);
    check(0, "/x/a.txtt", NULL);
    check(0, "/x/a.zzz", NULL);
    check(0, "/x/a.\xff", NULL);
    check(0, "/x/", NULL);
    check(0, "", NULL);
}

static void test_add_type(void **state)
{
    (void)state;
    check(COUNT(added), "/a.md", "text/markdown");
    check(COUNT(added), "/a.MD", "text/markdown");
    check(COUNT(added), "/a.txt", "text/special");
    check(COUNT(added), "/a.html", "text/html");
    check(1, "/a.md", "text/old");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_add_type)};

    return cmocka_run_group_tests_name("media_types", tests, NULL, NULL);
}
