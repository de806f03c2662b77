#include "route/sections.h"

#include "route/fixture.h"

static const struct merged *merge_location(struct sections *s, struct arena *arena,
                                           const struct server *server, struct str path)
{
    return sections_merge(s, arena, server, &(struct sections_subject){.path = path});
}

static const struct merged *merge_file(struct sections *s, struct arena *arena, const struct server *server,
                                       struct str file_path, struct str path)
{
    return sections_merge(s, arena, server, &(struct sections_subject){.file_path = file_path, .path = path});
}

static bool location(struct fixture *f, enum section_kind kind, const char *pattern, const char *path)
{
    struct section section = fixture_section(f, kind, pattern);

    return sections_match_location(&section, str_from(path));
}

static void locations_match(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    assert_true(location(&f, SECTION_PATH, "/app/loc", "/app/loc"));
    assert_true(location(&f, SECTION_PATH, "/app/loc", "/app/loc/x"));
    assert_false(location(&f, SECTION_PATH, "/app/loc", "/app/location"));
    assert_true(location(&f, SECTION_PATH, "/app/loc/", "/app/loc/"));
    assert_false(location(&f, SECTION_PATH, "/app/loc/", "/app/loc"));
    assert_true(location(&f, SECTION_PATH, "/", "/anything"));
    assert_false(location(&f, SECTION_PATH, "app", "/app"));
    /* What an equal ProxyPass gives away is covered, doubled slashes or not. */
    assert_true(location(&f, SECTION_PATH, "/app/loc", "//app///loc/x"));

    assert_true(location(&f, SECTION_GLOB, "/app/dee*", "/app/deep"));
    assert_false(location(&f, SECTION_GLOB, "/app/dee*", "/app/deep/x"));
    assert_true(location(&f, SECTION_GLOB, "/*/[a-c]?", "/app/bx"));
    assert_false(location(&f, SECTION_GLOB, "/*", "/a/b"));

    assert_true(location(&f, SECTION_REGEX, "^/app/m[a-z]+", "/app/mabc/x"));
    assert_true(location(&f, SECTION_REGEX, "m.b", "/app/mabc"));
    assert_false(location(&f, SECTION_REGEX, "^/m", "/app/m"));
    fixture_finish(&f);
}

static bool directory(struct fixture *f, enum section_kind kind, const char *pattern, const char *path)
{
    struct section section = fixture_section(f, kind, pattern);

    return sections_match_directory(&section, str_from(path));
}

static void directories_match(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    assert_true(directory(&f, SECTION_PATH, "/", "/srv/www/x"));
    assert_true(directory(&f, SECTION_PATH, "/srv/www", "/srv/www/x"));
    assert_true(directory(&f, SECTION_PATH, "/srv/www", "/srv/www/a/b/x"));
    assert_true(directory(&f, SECTION_PATH, "/srv/www", "/srv/www/"));
    assert_true(
        directory(&f, SECTION_PATH, "/srv/www", "/srv/www")); /* it may be the directory without its slash */
    assert_false(directory(&f, SECTION_PATH, "/srv/www", "/srv/www2/x"));
    assert_false(directory(&f, SECTION_PATH, "/srv/www", "/srv/x"));

    assert_true(directory(&f, SECTION_GLOB, "/home/*/public", "/home/joe/public/x"));
    assert_true(directory(&f, SECTION_GLOB, "/home/*/public", "/home/joe/public/a/b/x"));
    assert_false(directory(&f, SECTION_GLOB, "/home/*/public", "/home/joe/a/public/x"));
    assert_false(directory(&f, SECTION_GLOB, "/home/*/public", "/home/joe/private/x"));
    assert_false(directory(&f, SECTION_GLOB, "/srv/*", "/srv/file.txt")); /* a file is no directory */
    assert_true(directory(&f, SECTION_GLOB, "/srv/*", "/srv/www/"));

    assert_true(directory(&f, SECTION_REGEX, "/\\.git", "/srv/.git/config"));
    assert_false(directory(&f, SECTION_REGEX, "^/\\.git", "/srv/.git/config"));
    fixture_finish(&f);
}

static void check_env(const struct merged *m, const char *want)
{
    char text[512] = "";
    size_t n = 0;

    for (size_t i = 0; i < m->env_count; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%.*s=%.*s ", STR_ARG(m->env[i].name),
                              STR_ARG(m->env[i].value));
    assert_string_equal(text, want);
}

static void env_of_locations(void **state)
{
    struct fixture f;
    struct sections s;
    struct dir_config *d;

    (void)state;
    fixture_init(&f);
    fixture_add_env(&f, &f.main.dir, "V", "server");
    fixture_add_env(&f, &f.main.dir, "EMPTY", "");
    fixture_add_env(&f, &f.main.dir, "GONE", "x");
    fixture_add_env(&f, &f.main.dir, "GONE", NULL);
    fixture_add_env(&f, &f.main.dir, "LAST", "l");
    d = fixture_add_location(&f, &f.main, SECTION_REGEX, "^/app/m");
    fixture_add_env(&f, d, "V", "regex");
    d = fixture_add_location(&f, &f.main, SECTION_PATH, "/app/m");
    fixture_add_env(&f, d, "V", "path");
    fixture_add_env(&f, d, "EMPTY", NULL);
    fixture_add_env(&f, d, "NEW", "n");
    sections_init(&s, &f.arena, &f.model, 8);
    check_env(merge_location(&s, &f.arena, &f.main, STR("/x")), "V=server EMPTY= LAST=l ");
    check_env(merge_location(&s, &f.arena, &f.main, STR("/app/mx")), "V=regex EMPTY= LAST=l ");
    check_env(merge_location(&s, &f.arena, &f.main, STR("/app/m/x")), "V=path LAST=l NEW=n ");
    fixture_finish(&f);
}

static void name_section(struct fixture *f, struct dir_config *d, const char *value)
{
    fixture_add_env(f, d, "LAST", value);
    fixture_add_env(f, d, value, "");
}

static void order_of_directories(void **state)
{
    struct fixture f;
    struct sections s;

    (void)state;
    fixture_init(&f);
    /* As a model has them: by depth, regular expressions last. */
    name_section(&f, fixture_add_directory(&f, &f.main, SECTION_PATH, "/"), "d0");
    name_section(&f, fixture_add_directory(&f, &f.main, SECTION_GLOB, "/*"), "g1");
    name_section(&f, fixture_add_directory(&f, &f.main, SECTION_PATH, "/srv/www"), "d2");
    name_section(&f, fixture_add_directory(&f, &f.main, SECTION_GLOB, "/srv/*/a"), "g3");
    name_section(&f, fixture_add_directory(&f, &f.main, SECTION_PATH, "/srv/www/a/b"), "d4");
    name_section(&f, fixture_add_directory(&f, &f.main, SECTION_REGEX, "^/srv"), "re");
    name_section(&f, fixture_add_location(&f, &f.main, SECTION_PATH, "/a"), "loc");
    sections_init(&s, &f.arena, &f.model, 8);
    check_env(merge_file(&s, &f.arena, &f.main, STR("/srv/www/a/b/x"), STR("/a/b/x")),
              "LAST=loc d0= g1= d2= g3= d4= re= loc= ");
    check_env(merge_file(&s, &f.arena, &f.main, STR("/srv/www/a/b/x"), STR_NONE),
              "LAST=re d0= g1= d2= g3= d4= re= ");
    check_env(merge_file(&s, &f.arena, &f.main, STR("/etc/x"), STR_NONE), "LAST=g1 d0= g1= ");
    fixture_finish(&f);
}

static void innermost_wins(void **state)
{
    struct fixture f;
    struct sections s;

    (void)state;
    fixture_init(&f);
    f.main.dir.path_info = PATH_INFO_MOUNT;
    fixture_grant(fixture_add_location(&f, &f.main, SECTION_PATH, "/a"), false);
    fixture_grant(fixture_add_location(&f, &f.main, SECTION_PATH, "/a/b"), true);
    fixture_add_location(&f, &f.main, SECTION_PATH, "/a/b/c")->path_info = PATH_INFO_APACHE;
    sections_init(&s, &f.arena, &f.model, 8);
    assert_ptr_equal(merge_location(&s, &f.arena, &f.main, STR("/x"))->config.require, NULL);
    assert_ptr_equal(merge_location(&s, &f.arena, &f.main, STR("/a"))->config.require, &fixture_denied);
    assert_ptr_equal(merge_location(&s, &f.arena, &f.main, STR("/a/b"))->config.require, &fixture_granted);
    assert_ptr_equal(merge_location(&s, &f.arena, &f.main, STR("/a/b/c"))->config.require, &fixture_granted);
    assert_int_equal(merge_location(&s, &f.arena, &f.main, STR("/a/b"))->config.path_info, PATH_INFO_MOUNT);
    assert_int_equal(merge_location(&s, &f.arena, &f.main, STR("/a/b/c"))->config.path_info,
                     PATH_INFO_APACHE);
    fixture_finish(&f);
}

static void setenvif_starts_behind_the_server(void **state)
{
    struct fixture f;
    struct sections s;
    struct dir_config *d;
    const struct merged *m;

    (void)state;
    fixture_init(&f);
    PUSH(&f, &f.main.dir.setenvif, fixture_rule(&f, SETENVIF_REQUEST_URI, NULL, NULL, "S", "1"));
    d = fixture_add_location(&f, &f.main, SECTION_PATH, "/a");
    PUSH(&f, &d->setenvif, fixture_rule(&f, SETENVIF_REQUEST_URI, NULL, NULL, "L", "1"));
    sections_init(&s, &f.arena, &f.model, 8);
    m = merge_location(&s, &f.arena, &f.main, STR("/a"));
    assert_int_equal(m->setenvif_start, 1);
    assert_int_equal(m->config.setenvif.count, 2);
    assert_str(m->config.setenvif.items[1].actions.items[0].name, "L");
    fixture_finish(&f);
}

static void kept_and_bounded(void **state)
{
    enum { KEPT = 4 };
    struct fixture f;
    struct sections s;
    struct server *host;
    const struct merged *kept[KEPT], *a, *b;
    char pattern[32];
    size_t used;

    (void)state;
    fixture_init(&f);
    host = fixture_add_host(&f, NULL, 0, "host");
    for (int i = 0; i < KEPT + 2; i++) {
        snprintf(pattern, sizeof pattern, "/%d", i);
        fixture_add_env(
            &f, fixture_add_location(&f, &f.main, SECTION_PATH, arena_copy(&f.arena, str_from(pattern)).p),
            "N", arena_copy(&f.arena, str_from(pattern)).p);
    }
    host->locations.items = f.main.locations.items; /* as inherited: the same sections, the same ids */
    host->locations.count = 1;
    sections_init(&s, &f.arena, &f.model, KEPT);
    for (int i = 0; i < KEPT; i++) {
        snprintf(pattern, sizeof pattern, "/%d", i);
        kept[i] = merge_location(&s, &f.arena, &f.main, str_from(pattern));
        assert_str(kept[i]->env[0].value, pattern);
    }
    used = f.arena.used;
    for (int i = 0; i < KEPT; i++) {
        snprintf(pattern, sizeof pattern, "/%d/x", i);
        assert_ptr_equal(merge_location(&s, &f.arena, &f.main, str_from(pattern)), kept[i]);
    }
    assert_int_equal(f.arena.used, used); /* nothing is merged twice */
    /* No room: right all the same, and nothing more is kept. */
    a = merge_location(&s, &f.arena, &f.main, STR("/5"));
    b = merge_location(&s, &f.arena, &f.main, STR("/5"));
    assert_str(a->env[0].value, "/5");
    assert_str(b->env[0].value, "/5");
    assert_ptr_not_equal(a, b);
    assert_int_equal(s.kept, KEPT);
    /* Another server's equal list of sections is another configuration; a server alone always finds room. */
    assert_ptr_not_equal(merge_location(&s, &f.arena, host, STR("/0")), kept[0]);
    a = merge_location(&s, &f.arena, host, STR_NONE);
    assert_ptr_equal(merge_location(&s, &f.arena, host, STR_NONE), a);
    assert_ptr_not_equal(merge_location(&s, &f.arena, &f.main, STR_NONE), a);
    fixture_finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locations_match),  cmocka_unit_test(directories_match),
        cmocka_unit_test(env_of_locations), cmocka_unit_test(order_of_directories),
        cmocka_unit_test(innermost_wins),   cmocka_unit_test(setenvif_starts_behind_the_server),
        cmocka_unit_test(kept_and_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
