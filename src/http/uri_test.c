#include "http/guard_test.h"
#include "http/uri.h"

#include "base/out.h"

static struct guard guard;

struct target_vector {
    const char *target, *want; /* "form|scheme|authority|path|query", NULL when refused */
};

/* clang-format off */
static const struct target_vector targets[] = {
    {"/", "0|||/|"},
    {"/a/b", "0|||/a/b|"},
    {"/a?", "0|||/a|?"},
    {"/a?b?c", "0|||/a|?b?c"},
    {"/?", "0|||/|?"},
    {"/a#b", "0|||/a#b|"},
    {"/a?b#c", "0|||/a|?b#c"},
    {"//a//b", "0|||//a//b|"},
    {"/http://h/", "0|||/http://h/|"},
    {"/\x80\xff", "0|||/\x80\xff|"},
    {"*", "3|||*|"},
    {"http://h", "1|http|h|/|"},
    {"http://h/", "1|http|h|/|"},
    {"http://h?q", "1|http|h|/|?q"},
    {"http://u:p@h:1/a?b", "1|http|u:p@h:1|/a|?b"},
    {"HTTPS://H/a", "1|HTTPS|H|/a|"},
    {"a1+-.://h/", "1|a1+-.|h|/|"},
    {"http://[::1]:80/x", "1|http|[::1]:80|/x|"},
    {"http://h#f", "1|http|h|#f|"},
    {"h:443", "2||h:443||"},
    {"[::1]:443", "2||[::1]:443||"},
    {"", NULL}, {"a", NULL}, {"**", NULL}, {"*/", NULL}, {"?", NULL}, {"#", NULL}, {"http:", NULL}, {"http:/", NULL},
    {"http:/h/", NULL}, {"http://", NULL}, {"http:///", NULL}, {"http://?", NULL}, {"1http://h/", NULL}, {"://h/", NULL},
    {"h_t://h/", NULL}, {"h:", NULL}, {":80", NULL}, {"h:x", NULL}, {"h:65536", NULL}, {"u@h:80", NULL}, {"h/x:80", NULL},
    {"h?:80", NULL}, {"/a b", NULL}, {"/a\tb", NULL}, {"/a\x7f", NULL}, {"/a\r", NULL}, {"/0123456789\x01", NULL},
};
/* clang-format on */

static void test_targets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        const struct target_vector *v = &targets[i];
        struct uri_target t;
        char text[128];
        struct out o = OUT_INIT(text, sizeof text);

        if (!uri_parse_target(guard_copy(&guard, str_from(v->target)), &t)) {
            if (v->want)
                fail_msg("\"%s\" is refused", v->target);
            continue;
        }
        out_printf(&o, "%d|%.*s|%.*s|%.*s|%s%.*s", (int)t.form, STR_ARG(t.scheme), STR_ARG(t.authority),
                   STR_ARG(t.path), t.query.p ? "?" : "", STR_ARG(t.query));
        if (!v->want || !str_eq(out_done(&o), str_from(v->want)))
            fail_msg("\"%s\" gives %.*s, not %s", v->target, STR_ARG(out_done(&o)),
                     v->want ? v->want : "refusal");
    }
    assert_false(uri_parse_target(STR("/a\0b"), &(struct uri_target){0}));
}

struct authority_vector {
    const char *authority, *host; /* host NULL: refused */
    unsigned port;
};

/* clang-format off */
static const struct authority_vector authorities[] = {
    {"h", "h", 0},
    {"Gw.Example.TEST", "gw.example.test", 0},
    {"h.:80", "h", 80},
    {"h..", "h.", 0},
    {"h:1", "h", 1},
    {"h:65535", "h", 65535},
    {"h:00080", "h", 80},
    {"u@h", "h", 0},
    {"u:p@x@H:8", "h", 8},
    {"127.0.0.1:18001", "127.0.0.1", 18001},
    {"under_score-~!$&'()*+,;=", "under_score-~!$&'()*+,;=", 0},
    {"a%2fB%Aa", "a%2fb%aa", 0},
    {"[::1]", "[::1]", 0},
    {"[2001:DB8::1]:443", "[2001:db8::1]", 443},
    {"[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]", 0},
    {"", NULL, 0}, {".", NULL, 0}, {":80", NULL, 0}, {"@", NULL, 0}, {"u@", NULL, 0}, {"h:", NULL, 0}, {"h:0", NULL, 0},
    {"h:65536", NULL, 0}, {"h:x", NULL, 0}, {"h:-1", NULL, 0}, {"h:1:2", NULL, 0}, {"h:18446744073709551617", NULL, 0},
    {"::1", NULL, 0}, {"a b", NULL, 0}, {"a/b", NULL, 0}, {"a<b", NULL, 0}, {"a\"", NULL, 0}, {"a\\b", NULL, 0}, {"a?b", NULL, 0},
    {"a#b", NULL, 0}, {"a%", NULL, 0}, {"a%2", NULL, 0}, {"a%zz", NULL, 0}, {"a%2g", NULL, 0}, {"a\x80", NULL, 0}, {"a\x7f", NULL, 0},
    {"[", NULL, 0}, {"[]", NULL, 0}, {"[::1", NULL, 0}, {"[::1]x", NULL, 0}, {"[::1]:", NULL, 0}, {"[::1%25eth0]", NULL, 0},
    {"[1.2.3.4]", NULL, 0}, {"[v1.x]", NULL, 0}, {"[:::1]", NULL, 0}, {"[1:2:3:4:5:6:7:8:9]", NULL, 0}, {"x[::1]", NULL, 0},
    {"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", NULL, 0},
};
/* clang-format on */

static void test_authorities(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof authorities / sizeof *authorities; i++) {
        const struct authority_vector *v = &authorities[i];
        struct arena arena;
        struct str host = STR("untouched");
        unsigned port = 7;
        bool ok;

        arena_init(&arena, NULL, 0);
        ok = uri_parse_authority(&arena, guard_copy(&guard, str_from(v->authority)), &host, &port);
        if (ok != (v->host != NULL))
            fail_msg("\"%s\" is %s", v->authority, ok ? "accepted" : "refused");
        if (ok && (!str_eq(host, str_from(v->host)) || port != v->port))
            fail_msg("\"%s\" gives %.*s and %u", v->authority, STR_ARG(host), port);
        arena_finish(&arena);
    }
}

static void test_authority_length(void **state)
{
    char name[257];
    struct arena arena;
    struct str host;
    unsigned port;

    (void)state;
    arena_init(&arena, NULL, 0);
    memset(name, 'a', sizeof name);
    assert_true(uri_parse_authority(&arena, str_make(name, 255), &host, &port));
    assert_false(uri_parse_authority(&arena, str_make(name, 256), &host, &port));
    assert_false(uri_parse_authority(&arena, STR("a\0b"), &host, &port));
    assert_false(uri_parse_authority(&arena, STR("[::1\0]"), &host, &port));
    assert_false(uri_parse_authority(&arena, STR_NONE, &host, &port));
    arena_finish(&arena);
}

struct path_vector {
    const char *raw;
    enum uri_slashes slashes;
    bool merge;
    int status;
    const char *path;
};

/* clang-format off */
static const struct path_vector paths[] = {
    {"/", URI_SLASH_REFUSE, true, 0, "/"},
    {"/a/b", URI_SLASH_REFUSE, true, 0, "/a/b"},
    {"/a%20b/%C3%A9/%7Etilde/%41", URI_SLASH_REFUSE, true, 0, "/a b/\xc3\xa9/~tilde/A"},
    {"/%2525", URI_SLASH_REFUSE, true, 0, "/%25"}, /* once */
    {"/%252e%252e/x", URI_SLASH_REFUSE, true, 0, "/%2e%2e/x"},
    {"/a%3Fb%23", URI_SLASH_REFUSE, true, 0, "/a?b#"},
    {"/a\\..\\b", URI_SLASH_REFUSE, true, 0, "/a\\..\\b"},
    {"/a%0d%0a", URI_SLASH_REFUSE, true, 0, "/a\r\n"},
    /* segments */
    {"/one/../two/./three//four", URI_SLASH_REFUSE, true, 0, "/two/three/four"},
    {"/a/%2e%2E/b/.%2e/%2e/c", URI_SLASH_REFUSE, true, 0, "/c"},
    {"/a/.", URI_SLASH_REFUSE, true, 0, "/a/"},
    {"/a/..", URI_SLASH_REFUSE, true, 0, "/"},
    {"/.", URI_SLASH_REFUSE, true, 0, "/"},
    {"/a/b/../", URI_SLASH_REFUSE, true, 0, "/a/"},
    {"/...", URI_SLASH_REFUSE, true, 0, "/..."},
    {"/.a/..b/c./d..", URI_SLASH_REFUSE, true, 0, "/.a/..b/c./d.."},
    {"/a/..;x/b", URI_SLASH_REFUSE, true, 0, "/a/..;x/b"},
    {"/..", URI_SLASH_REFUSE, true, 400, NULL},
    {"/../", URI_SLASH_REFUSE, true, 400, NULL},
    {"/app/../../etc/passwd", URI_SLASH_REFUSE, true, 400, NULL},
    {"/%2e%2e/etc/passwd", URI_SLASH_REFUSE, true, 400, NULL},
    {"/a/%2e./.%2e/x", URI_SLASH_REFUSE, true, 400, NULL},
    {"//../x", URI_SLASH_REFUSE, true, 400, NULL},
    /* runs of slashes */
    {"//app///x//", URI_SLASH_REFUSE, true, 0, "/app/x/"},
    {"/a//../b", URI_SLASH_REFUSE, true, 0, "/b"},
    {"//app///x//", URI_SLASH_REFUSE, false, 0, "//app///x//"},
    {"/a//../b", URI_SLASH_REFUSE, false, 0, "/a/b"},
    {"//../b", URI_SLASH_REFUSE, false, 0, "/b"},
    {"/a//.", URI_SLASH_REFUSE, false, 0, "/a//"},
    {"/.//a", URI_SLASH_REFUSE, false, 0, "//a"},
    /* encoded slashes */
    {"/a%2Fb", URI_SLASH_REFUSE, true, 404, NULL},
    {"/a%2fb", URI_SLASH_REFUSE, false, 404, NULL},
    {"/a%2Fb/c%20d", URI_SLASH_DECODE, true, 0, "/a/b/c d"},
    {"/a%2F%2fb", URI_SLASH_DECODE, true, 0, "/a/b"},
    {"/a/..%2fb", URI_SLASH_DECODE, true, 0, "/b"},
    {"/a%2F..%2f..", URI_SLASH_DECODE, true, 400, NULL},
    {"/a%2Fb/c%20d%2f", URI_SLASH_KEEP, true, 0, "/a%2Fb/c d%2f"},
    {"/a/..%2f..", URI_SLASH_KEEP, true, 0, "/a/..%2f.."},
    /* what is not to be found, and what is worse */
    {"/a%00b", URI_SLASH_DECODE, true, 404, NULL},
    {"/%00", URI_SLASH_KEEP, true, 404, NULL},
    {"/a%00%zz", URI_SLASH_REFUSE, true, 400, NULL},
    {"/a%2f%", URI_SLASH_REFUSE, true, 400, NULL},
    {"/a%00/../../x", URI_SLASH_REFUSE, true, 400, NULL},
    {"/%", URI_SLASH_REFUSE, true, 400, NULL},
    {"/%4", URI_SLASH_REFUSE, true, 400, NULL},
    {"/%4g", URI_SLASH_REFUSE, true, 400, NULL},
    {"/%g4", URI_SLASH_REFUSE, true, 400, NULL},
    {"/%u0041", URI_SLASH_REFUSE, true, 400, NULL},
    {"", URI_SLASH_REFUSE, true, 400, NULL},
    {"*", URI_SLASH_REFUSE, true, 400, NULL},
    {"a/b", URI_SLASH_REFUSE, true, 400, NULL},
    {"%2Fa", URI_SLASH_DECODE, true, 400, NULL},
};
/* clang-format on */

static void test_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const struct path_vector *v = &paths[i];
        struct str path = STR("untouched");
        struct arena arena;
        int status;

        arena_init(&arena, NULL, 0);
        status = uri_decode_path(&arena, guard_copy(&guard, str_from(v->raw)), v->slashes, v->merge, &path);
        if (status != v->status || !str_eq(path, v->path ? str_from(v->path) : STR("untouched")))
            fail_msg("\"%s\" gives %d \"%.*s\"", v->raw, status, STR_ARG(path));
        arena_finish(&arena);
    }
}

static void test_nothing_copied(void **state)
{
    struct str raw = STR("/app/some/path.html"), path;
    struct arena arena;

    (void)state;
    arena_init(&arena, NULL, 0);
    assert_int_equal(uri_decode_path(&arena, raw, URI_SLASH_REFUSE, true, &path), 0);
    assert_ptr_equal(path.p, raw.p);
    assert_ptr_equal(uri_encode_path(&arena, raw, false).p, raw.p);
    assert_int_equal(uri_decode_path(&arena, STR("/a\0b"), URI_SLASH_REFUSE, true, &path), 400);
    assert_false(uri_normalise_path(&arena, STR(""), true, &path));
    assert_false(uri_normalise_path(&arena, STR("a/b"), true, &path));
    assert_int_equal(arena.used, 0);
    arena_finish(&arena);
}

/* A path of bytes that are likely to matter. */
static struct str random_path(uint64_t *seed, char *text, size_t max)
{
    static const char *const pieces[] = {"/",   "/",   "//",  "..",  ".",    "/../", "/./", "%2e",
                                         "%2E", "%2f", "%2F", "%25", "%00",  "%41",  "%zz", "%",
                                         "a",   "b",   ";",   "?",   "\xff", "\\"};
    struct out o = OUT_INIT(text, max);
    size_t n = random_below(seed, 14), use = 1 + random_below(seed, sizeof pieces / sizeof *pieces);

    out_char(&o, '/');
    while (n--)
        out_str(&o, str_from(pieces[random_below(seed, use)]));
    assert_false(o.overflow);
    return out_done(&o);
}

static bool has_segment(struct str path, struct str segment)
{
    while (path.p)
        if (str_eq(str_until(&path, '/'), segment))
            return true;
    return false;
}

/* What every decoded path is, whatever was sent. */
static void check_decoded(struct str raw, enum uri_slashes slashes, bool merge, struct str path)
{
    struct arena arena;
    struct str again;

    arena_init(&arena, NULL, 0);
    if (path.n == 0 || path.p[0] != '/' || str_find(path, '\0') >= 0 || path.n > raw.n ||
        has_segment(path, STR("..")) || has_segment(path, STR(".")) ||
        (merge && str_find_str(path, STR("//")) >= 0))
        fail_msg("\"%.*s\" gives \"%.*s\"", STR_ARG(raw), STR_ARG(path));
    assert_true(uri_normalise_path(&arena, path, merge, &again));
    assert_true(str_eq(path, again));
    /* Encoded and decoded again it is the same. With KEEP an escaped percent sign may look like a kept slash.
     */
    if (slashes == URI_SLASH_DECODE) {
        again = uri_encode_path(&arena, path, false);
        assert_int_equal(uri_decode_path(&arena, again, slashes, merge, &again), 0);
        assert_true(str_eq(path, again));
    }
    arena_finish(&arena);
}

static void test_path_properties(void **state)
{
    uint64_t seed = random_seed();
    int good = 0;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        char text[128];
        struct str raw = guard_copy(&guard, random_path(&seed, text, sizeof text)), path, decoded, plain;
        enum uri_slashes slashes = (enum uri_slashes)random_below(&seed, 3);
        bool merge = random_below(&seed, 2);
        struct arena arena;
        int status;

        arena_init(&arena, NULL, 0);
        status = uri_decode_path(&arena, raw, slashes, merge, &path);
        assert_true(status == 0 || status == 400 || status == 404);
        if (status == 0)
            check_decoded(raw, slashes, merge, path);
        good += status == 0;
        /* Encoding hides nothing: decoding an encoded text gives the text, normalised. */
        decoded = uri_encode_path(&arena, raw, false);
        status = uri_decode_path(&arena, decoded, URI_SLASH_REFUSE, merge, &path);
        assert_int_equal(status == 0, uri_normalise_path(&arena, raw, merge, &plain));
        if (status == 0)
            assert_true(str_eq(path, plain));
        arena_finish(&arena);
    }
    assert_true(good > 20000);
}

struct encode_vector {
    const char *path, *plain, *keep;
};

static void test_encode(void **state)
{
    static const struct encode_vector vectors[] = {
        {"/a b/\xc3\xa9/~tilde/A", "/a%20b/%C3%A9/~tilde/A", "/a%20b/%C3%A9/~tilde/A"},
        {"/AZaz09~$-_.+!*'(),;:@&=/", "/AZaz09~$-_.+!*'(),;:@&=/", "/AZaz09~$-_.+!*'(),;:@&=/"},
        {"/q?fixed=1x", "/q%3Ffixed=1x", "/q%3Ffixed=1x"},
        {"/a%2Fb%2fc%20", "/a%252Fb%252fc%2520", "/a%2Fb%2fc%2520"},
        {"/%2", "/%252", "/%252"},
        {"\"<>{}|\\^`#[]%\x7f", "%22%3C%3E%7B%7D%7C%5C%5E%60%23%5B%5D%25%7F",
         "%22%3C%3E%7B%7D%7C%5C%5E%60%23%5B%5D%25%7F"},
        {"", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct str path = guard_copy(&guard, str_from(vectors[i].path)), got;
        struct arena arena;

        arena_init(&arena, NULL, 0);
        got = uri_encode_path(&arena, path, false);
        if (!str_eq(got, str_from(vectors[i].plain)))
            fail_msg("\"%s\" gives \"%.*s\"", vectors[i].path, STR_ARG(got));
        got = uri_encode_path(&arena, path, true);
        if (!str_eq(got, str_from(vectors[i].keep)))
            fail_msg("\"%s\" gives \"%.*s\" with kept slashes", vectors[i].path, STR_ARG(got));
        arena_finish(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),          cmocka_unit_test(test_authorities),
        cmocka_unit_test(test_authority_length), cmocka_unit_test(test_paths),
        cmocka_unit_test(test_nothing_copied),   cmocka_unit_test(test_path_properties),
        cmocka_unit_test(test_encode),
    };
    int failed;

    guard = guard_make(4096);
    failed = cmocka_run_group_tests_name("uri", tests, NULL, NULL);
    guard_free(&guard);
    return failed;
}
