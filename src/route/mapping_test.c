#include "route/mapping.h"

#include "route/fixture.h"

static void prefix_rules(void **state)
{
    static const struct {
        const char *pattern, *path;
        size_t matched;
    } rows[] = {
        {"/app/", "/app/x", 5},
        {"/app/", "/app/", 5},
        {"/app/", "/app", 0}, /* a pattern with a slash at its end wants that slash */
        {"/app/", "/apps/x", 0},
        {"/app/", "/App/x", 0},
        {"/noslash", "/noslash", 8},
        {"/noslash", "/noslash/x", 8},
        {"/noslash", "/noslash/", 8},
        {"/noslash", "/noslashfoo", 0}, /* not the end of a segment */
        {"/noslash", "/no", 0},
        {"/", "/", 1},
        {"/", "/x", 1},
        {"/a/b", "/a//b", 5}, /* runs of slashes */
        {"/a//b", "/a/b", 4},
        {"/a//b/", "/a///b//c", 8},
        {"/a/b", "/ab", 0},
        {"/app/", "//app/x", 6},
        {"/a b", "/a b/c", 4},
        {"app", "/app", 0},
        {"", "/app", 0},
        {"/app", "", 0},
        {"/%61", "/a", 0}, /* both are decoded text: an escape is nothing special */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (mapping_match_prefix(str_from(rows[i].pattern), str_from(rows[i].path)) != rows[i].matched)
            fail_msg("\"%s\" against \"%s\": not %zu", rows[i].pattern, rows[i].path, rows[i].matched);
}

static bool find(struct fixture *f, const struct dir_config *location, const char *path, struct mapping *m)
{
    struct mapping_subject subject = {&f->arena, &f->main, location, str_from(path), str_from(path), NULL};

    return mapping_find(&subject, m);
}

static struct mapping mapping_of(const struct pass *pass, struct str path)
{
    size_t matched = mapping_match_prefix(pass->path, path);

    return (struct mapping){pass, matched, path, pass->target_path, str_skip(path, matched)};
}

static void first_match_wins(void **state)
{
    struct fixture f;
    struct mapping m;

    (void)state;
    fixture_init(&f);
    fixture_add_pass(&f, &f.main, "/a/static/", NULL, NULL);
    fixture_add_pass(&f, &f.main, "/a/", "h", "/first/");
    fixture_add_pass(&f, &f.main, "/a/late/", "h", "/never/");

    assert_true(find(&f, &f.main.dir, "/a/late/x", &m));
    assert_ptr_equal(m.pass, &f.main.passes.items[1]);
    assert_int_equal(m.matched, 3);
    assert_true(find(&f, &f.main.dir, "/a/static/x", &m));
    assert_true(m.pass->exclude);
    assert_false(find(&f, &f.main.dir, "/b", &m));
    fixture_finish(&f);
}

static void location_before_table(void **state)
{
    struct fixture f;
    struct mapping m;
    struct pass pass, whole;
    struct dir_config location;

    (void)state;
    fixture_init(&f);
    fixture_add_pass(&f, &f.main, "/", "h", "/");
    pass = fixture_pass(&f, "/loc/", "h", "/inloc/");
    whole = fixture_pass(&f, NULL, "h", "/pattern");
    dir_config_init(&location);
    location.pass = &pass;
    assert_true(find(&f, &location, "/loc/q", &m));
    assert_ptr_equal(m.pass, &pass);
    assert_int_equal(m.matched, 5);
    /* One that does not fit leaves the table. */
    assert_true(find(&f, &location, "/other", &m));
    assert_ptr_equal(m.pass, &f.main.passes.items[0]);
    /* That of a pattern covers nothing: all of the path is the rest. */
    location.pass = &whole;
    assert_true(find(&f, &location, "/m/x", &m));
    assert_ptr_equal(m.pass, &whole);
    assert_int_equal(m.matched, 0);
    assert_str(mapping_script_filename(&f.arena, &f.main, &m), "proxy:scgi://h/pattern/m/x");
    fixture_finish(&f);
}

static void script_filenames(void **state)
{
    static const struct {
        const char *pattern, *authority, *target, *path, *want;
    } rows[] = {
        {"/app/", "h:18010", "/", "/app/hello", "proxy:scgi://h:18010/hello"},
        {"/app/", "h", "/", "/app/", "proxy:scgi://h/"},
        {"/deep/", "h", "/base/dir/", "/deep/x/y", "proxy:scgi://h/base/dir/x/y"},
        {"/noslash", "h", "", "/noslash", "proxy:scgi://h/"},
        {"/noslash", "h", "", "/noslash/x", "proxy:scgi://h/x"},
        {"/noslash", "h", "/", "/noslash/x", "proxy:scgi://h//x"},
        /* The rest never becomes part of the host. */
        {"/uds0/", "localhost", "", "/uds0/a", "proxy:scgi://localhost/a"},
        {"/a/", "h", "", "/a/.evil.example:1/", "proxy:scgi://h/.evil.example:1/"},
        {"/a/", "h", "", "/a/@evil", "proxy:scgi://h/@evil"},
        {"/query/", "h", "/q?fixed=1", "/query/x", "proxy:scgi://h/q%3Ffixed=1x"},
        {"/app/", "h", "/", "/app/a b/\xc3\xa9/~t", "proxy:scgi://h/a%20b/%C3%A9/~t"},
        {"/app/", "h", "/", "/app/a;p=1/b\\c%2F", "proxy:scgi://h/a;p=1/b%5Cc%252F"},
        {"/v6/", "[::1]:18015", "/", "/v6/x", "proxy:scgi://[::1]:18015/x"},
    };
    struct fixture f;

    (void)state;
    fixture_init(&f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pass pass = fixture_pass(&f, rows[i].pattern, rows[i].authority, rows[i].target);
        struct str path = str_from(rows[i].path);
        struct mapping m = mapping_of(&pass, path);

        assert_str(mapping_script_filename(&f.arena, &f.main, &m), rows[i].want);
    }
    fixture_finish(&f);
}

static void kept_slash_escapes(void **state)
{
    struct fixture f;
    struct pass pass;
    struct mapping m;

    (void)state;
    fixture_init(&f);
    f.main.encoded_slashes = ENCODED_SLASHES_NODECODE;
    pass = fixture_pass(&f, "/app/", "h", "/");
    m = mapping_of(&pass, STR("/app/a%2Fb/c d"));
    assert_str(mapping_script_filename(&f.arena, &f.main, &m), "proxy:scgi://h/a%2Fb/c%20d");
    fixture_finish(&f);
}

static void split_by_mount(void **state)
{
    static const struct {
        const char *pattern, *path, *script_name, *path_info;
    } rows[] = {
        {"/app/", "/app/one/two", "/app", "/one/two"},
        {"/app/", "/app/", "/app", "/"},
        {"/app/", "/app/a b/c+d;e", "/app", "/a b/c+d;e"},
        {"/app/", "/app//x", "/app", "//x"},
        {"/bare", "/bare", "/bare", ""},
        {"/bare", "/bare/", "/bare", "/"},
        {"/bare", "/bare/x", "/bare", "/x"},
        {"/", "/x/y", "", "/x/y"},
        {"/", "/", "", "/"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str path = str_from(rows[i].path);
        struct pass pass = {.path = str_from(rows[i].pattern)};
        struct mapping m = mapping_of(&pass, path);
        struct split split = mapping_split_mount(&m);

        assert_true(m.matched > 0);
        assert_str(split.script_name, rows[i].script_name);
        assert_str(split.path_info, rows[i].path_info);
        assert_int_equal(split.script_name.n + split.path_info.n, path.n);
    }
}

static void split_as_apache(void **state)
{
    /* As seen on Apache, oddities and all. */
    static const struct {
        const char *filename, *path, *script_name, *path_info;
    } rows[] = {
        {"proxy:scgi://h/one/two", "/app/one/two", "/app", "/one/two"},
        {"proxy:scgi://h:1/", "/app/", "/app", "/"},
        {"proxy:scgi://[::1]:1/base/dir/x/y", "/deep/x/y", "/deep", "/base/dir/x/y"},
        {"proxy:scgi://h/", "/bare", "/bare", "/"},
        {"proxy:scgi://h/x", "/bare/x", "/bare", "/x"},
        {"proxy:scgi://h/same/x/y", "/same/x/y", "", "/same/x/y"},
        {"proxy:scgi://h/a%20b/c+d;e", "/app/a b/c+d;e", "/app/a b", "/a%20b/c+d;e"},
        {"proxy:scgi://h/100%25", "/app/100%", "/app/100%", "/100%25"},
        {"proxy:scgi://h/x/y", "/app//x///y", "/app", "/x/y"},
        {"proxy:scgi://h/xb", "/app/b", "/app", "/xb"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct split split = mapping_split_apache(str_from(rows[i].filename), str_from(rows[i].path));

        assert_str(split.script_name, rows[i].script_name);
        assert_str(split.path_info, rows[i].path_info);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefix_rules),          cmocka_unit_test(first_match_wins),
        cmocka_unit_test(location_before_table), cmocka_unit_test(script_filenames),
        cmocka_unit_test(kept_slash_escapes),    cmocka_unit_test(split_by_mount),
        cmocka_unit_test(split_as_apache),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
