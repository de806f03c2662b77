/* The whole walk, from the text of a request to the plan. */
#include "route/route.h"

#include "route/fixture.h"

#define VAR(f, name) vars_get(&(f)->vars, STR(name))

static void assert_refused(struct plan plan, int status)
{
    assert_int_equal(plan.kind, PLAN_STATUS);
    assert_int_equal(plan.status, status);
    assert_non_null(plan.reason);
    assert_non_null(plan.config);
    assert_true(plan.host.p && plan.scheme.p && plan.path.p);
    assert_true(plan.port > 0);
}

static void init(struct fixture *f)
{
    fixture_init(f);
    fixture_add_pass(f, &f->main, "/app/", "127.0.0.1:18010", "/");
    fixture_add_pass(f, &f->main, "/noslash", "127.0.0.1:18010", "");
    fixture_add_pass(f, &f->main, "/deep/", "127.0.0.1:18010", "/base/dir/");
    fixture_add_pass(f, &f->main, "/same/", "127.0.0.1:18010", "/same/");
}

static void assert_proxied(struct plan plan, const char *script_name, const char *script_filename)
{
    assert_int_equal(plan.kind, PLAN_BACKEND);
    assert_non_null(plan.pass);
    assert_str(plan.script_name, script_name);
    assert_str(plan.script_filename, script_filename);
}

static void backend_requests(void **state)
{
    static const struct {
        const char *target, *script_name, *filename; /* filename behind the authority */
    } rows[] = {
        {"/app/hello", "/app/hello", "/hello"},
        {"/app/q?a=1&b=%20", "/app/q", "/q"},
        {"/app/a%20b/%C3%A9/%7Etilde/%41", "/app/a b/\xc3\xa9/~tilde/A", "/a%20b/%C3%A9/~tilde/A"},
        {"/app/one/../two/./three//four", "/app/two/three/four", "/two/three/four"},
        {"/app/a;p=1/b;q?z", "/app/a;p=1/b;q", "/a;p=1/b;q"},
        {"//app/x", "/app/x", "/x"},
        {"/noslash", "/noslash", "/"},
        {"/app/a\\b", "/app/a\\b", "/a%5Cb"},
        {"/app/%2525", "/app/%25", "/%2525"},
    };
    struct fixture f;

    (void)state;
    init(&f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plan plan = fixture_get(&f, rows[i].target);

        assert_proxied(
            plan, rows[i].script_name,
            ARENA_CONCAT(&f.arena, STR("proxy:scgi://127.0.0.1:18010"), str_from(rows[i].filename)).p);
        assert_ptr_equal(plan.server, &f.main);
        assert_str(plan.path, rows[i].script_name);
        assert_null(plan.path_info.p);
        assert_null(plan.path_translated.p);
    }
    assert_int_equal(f.vars.count, 0);
    fixture_finish(&f);
}

static void bad_paths(void **state)
{
    struct fixture f;

    (void)state;
    init(&f);
    assert_refused(fixture_get(&f, "/app/a%2Fb"), 404);
    assert_refused(fixture_get(&f, "/app/a%00b"), 404);
    assert_refused(fixture_get(&f, "/app/%zz"), 400);
    assert_refused(fixture_get(&f, "/app/../../etc/passwd"), 400);
    assert_refused(fixture_get(&f, "/app/%2e%2e/%2e%2e/etc/passwd"), 400);
    fixture_finish(&f);
}

static void encoded_slashes(void **state)
{
    struct fixture f;

    (void)state;
    init(&f);
    f.main.dir.path_info = PATH_INFO_MOUNT;
    f.main.encoded_slashes = ENCODED_SLASHES_ON;
    {
        struct plan plan = fixture_get(&f, "/app/a%2Fb/c%20d");

        assert_proxied(plan, "/app", "proxy:scgi://127.0.0.1:18010/a/b/c%20d");
        assert_str(plan.path_info, "/a/b/c d");
        assert_str(plan.path_translated, "/srv/www/a/b/c d");
    }
    f.main.encoded_slashes = ENCODED_SLASHES_NODECODE;
    {
        struct plan plan = fixture_get(&f, "/app/a%2Fb/c%20d");

        assert_proxied(plan, "/app", "proxy:scgi://127.0.0.1:18010/a%2Fb/c%20d");
        assert_str(plan.path_info, "/a%2Fb/c d");
        assert_str(plan.path_translated, "/srv/www/a%2Fb/c d");
    }
    fixture_finish(&f);
}

static void names_and_ports(void **state)
{
    static const struct {
        const char *head, *host;
        unsigned port;
    } rows[] = {
        {"GET /app/x HTTP/1.1\r\nHost: gw.example.test\r\n\r\n", "gw.example.test", 80},
        {"GET /app/x HTTP/1.1\r\nHost: gw.example.test:18001\r\n\r\n", "gw.example.test", 18001},
        {"GET /app/x HTTP/1.1\r\nHost: Other.Example.TEST:99\r\n\r\n", "other.example.test", 99},
        {"GET /app/x HTTP/1.1\r\nHost: dot.test.\r\n\r\n", "dot.test", 80},
        {"GET /app/x HTTP/1.1\r\nHost: [::1]:18001\r\n\r\n", "[::1]", 18001},
        {"GET /app/x HTTP/1.1\r\nHost: a&b&.test\r\n\r\n", "a&amp;b&amp;.test", 80},
        {"GET /app/x HTTP/1.0\r\n\r\n", "gw.example.test", 80},
        {"GET http://other.example:8080/app/x?q=1 HTTP/1.1\r\nHost: gw.example.test\r\n\r\n", "other.example",
         8080},
        {"GET SCGI://any:1/app/x HTTP/1.1\r\nHost: any:1\r\n\r\n", "any", 1},
    };
    struct fixture f;

    (void)state;
    init(&f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plan plan = fixture_ask(&f, rows[i].head);

        assert_proxied(plan, "/app/x", "proxy:scgi://127.0.0.1:18010/x");
        assert_str(plan.host, rows[i].host);
        assert_int_equal(plan.port, rows[i].port);
        assert_str(plan.scheme, "http");
    }
    fixture_finish(&f);
}

static void schemes(void **state)
{
    struct fixture f;
    struct plan plan;

    (void)state;
    init(&f);
    f.endpoints.tls = true;
    plan = fixture_get(&f, "/app/x");
    assert_str(plan.scheme, "https");
    assert_int_equal(plan.port, 443);
    f.endpoints.tls = false;
    f.main.scheme = STR("https");
    plan = fixture_get(&f, "/app/x");
    assert_str(plan.scheme, "https");
    assert_int_equal(plan.port, 443);
    f.main.port = 8443;
    assert_int_equal(fixture_get(&f, "/app/x").port, 8443);
    plan = fixture_ask(&f, "GET /app/x HTTP/1.1\r\nHost: h:77\r\n\r\n");
    assert_int_equal(plan.port, 77);
    fixture_finish(&f);
}

static void virtual_hosts(void **state)
{
    struct fixture f;
    struct server *first, *second;
    struct plan plan;

    (void)state;
    init(&f);
    first = fixture_add_host(&f, NULL, 18001, "first.test");
    second = fixture_add_host(&f, NULL, 18001, "second.test");
    fixture_add_pass(&f, first, "/app/", "127.0.0.1:18010", "/first/");
    fixture_add_pass(&f, second, "/app/", "127.0.0.1:18010", "/main/"); /* as copied from the main server */
    fixture_add_pass(&f, second, "/app/", "127.0.0.1:18010", "/second/");
    plan = fixture_ask(&f, "GET /app/x HTTP/1.1\r\nHost: FIRST.test.:1\r\n\r\n");
    assert_ptr_equal(plan.server, first);
    assert_proxied(plan, "/app/x", "proxy:scgi://127.0.0.1:18010/first/x");
    plan = fixture_ask(&f, "GET /app/x HTTP/1.1\r\nHost: second.test\r\n\r\n");
    assert_ptr_equal(plan.server, second);
    assert_proxied(plan, "/app/x", "proxy:scgi://127.0.0.1:18010/main/x");
    /* The target's authority wins over Host. */
    plan = fixture_ask(&f, "GET http://second.test/app/x HTTP/1.1\r\nHost: first.test\r\n\r\n");
    assert_ptr_equal(plan.server, second);
    plan = fixture_ask(&f, "GET /app/x HTTP/1.0\r\n\r\n");
    assert_ptr_equal(plan.server, first);
    assert_str(plan.host, "first.test");
    assert_ptr_equal(route_default_server(f.router, &f.endpoints), first);
    f.endpoints.local_port = 5;
    assert_ptr_equal(route_default_server(f.router, &f.endpoints), &f.main);
    fixture_finish(&f);
}

static void methods(void **state)
{
    struct fixture f;

    (void)state;
    init(&f);
    assert_refused(fixture_ask(&f, "TRACE /app/x HTTP/1.1\r\nHost: h\r\n\r\n"), 405);
    assert_refused(fixture_ask(&f, "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n"), 405);
    assert_int_equal(fixture_ask(&f, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").kind, PLAN_OPTIONS);
    assert_int_equal(fixture_ask(&f, "OPTIONS /app/ HTTP/1.1\r\nHost: h\r\n\r\n").kind, PLAN_BACKEND);
    assert_int_equal(fixture_ask(&f, "PROPFIND /app/x HTTP/1.1\r\nHost: h\r\n\r\n").kind, PLAN_BACKEND);
    f.main.trace_enable = 1;
    assert_int_equal(fixture_ask(&f, "TRACE /app/x HTTP/1.1\r\nHost: h\r\n\r\n").kind, PLAN_BACKEND);
    fixture_finish(&f);
}

static void forward_requests(void **state)
{
    struct fixture f;
    struct plan plan;

    (void)state;
    init(&f);
    f.main.proxy_requests = 1;
    assert_refused(fixture_ask(&f, "GET scgi://h:1/app/x HTTP/1.1\r\nHost: h:1\r\n\r\n"), 403);
    assert_refused(fixture_ask(&f, "GET SCGI://h:1/app/x HTTP/1.1\r\nHost: h:1\r\n\r\n"), 403);
    f.main.scgi_forward = 1;
    plan = fixture_ask(&f, "GET scgi://H:1/f%20x?q HTTP/1.1\r\nHost: h:1\r\n\r\n");
    assert_int_equal(plan.kind, PLAN_BACKEND);
    assert_int_equal(plan.pass->backend->id, BACKEND_UNLISTED);
    assert_int_equal(plan.pass->backend->address.port, 1);
    assert_true(str_eq(plan.pass->backend->address.host, STR("h")));
    assert_true(str_eq(plan.script_filename, STR("proxy:scgi://h:1/f%20x")));
    plan = fixture_ask(&f, "GET scgi://[::1]/ HTTP/1.1\r\nHost: h:1\r\n\r\n");
    assert_int_equal(plan.pass->backend->address.port, 4000);
    assert_true(str_eq(plan.pass->backend->address.host, STR("::1")));
    assert_int_equal(fixture_ask(&f, "GET http://h:1/app/x HTTP/1.1\r\nHost: h:1\r\n\r\n").kind,
                     PLAN_BACKEND);
    fixture_finish(&f);
}

static void max_forwards(void **state)
{
    struct fixture f;

    (void)state;
    init(&f);
    assert_int_equal(fixture_ask(&f, "GET /app/ HTTP/1.1\r\nHost: h\r\nMax-Forwards: 5\r\n\r\n").kind,
                     PLAN_BACKEND);
    assert_refused(fixture_ask(&f, "GET /app/ HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n"), 400);
    assert_refused(fixture_ask(&f, "GET /app/ HTTP/1.1\r\nHost: h\r\nMax-Forwards: abc\r\n\r\n"), 400);
    assert_refused(fixture_ask(&f, "GET /app/ HTTP/1.1\r\nHost: h\r\nMax-Forwards: -1\r\n\r\n"), 400);
    assert_refused(
        fixture_ask(&f, "GET /app/ HTTP/1.1\r\nHost: h\r\nMax-Forwards: 99999999999999999999\r\n\r\n"), 400);
    assert_int_equal(fixture_ask(&f, "OPTIONS /app/ HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n").kind,
                     PLAN_OPTIONS);
    /* It is for whoever passes the request on. */
    assert_int_equal(fixture_ask(&f, "GET /file HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n").kind,
                     PLAN_FILE);
    fixture_finish(&f);
}

static void assert_split(struct plan plan, const char *script_name, const char *path_info,
                         const char *translated)
{
    assert_int_equal(plan.kind, PLAN_BACKEND);
    assert_str(plan.script_name, script_name);
    assert_str(plan.path_info, path_info);
    assert_str(plan.path_translated, translated);
}

static void path_info_by_variable(void **state)
{
    struct fixture f;

    (void)state;
    init(&f);
    /* Present is enough, even when empty. */
    PUSH(&f, &f.main.dir.setenvif,
         fixture_rule(&f, SETENVIF_REQUEST_URI, NULL, ".", "proxy-scgi-pathinfo", ""));
    assert_split(fixture_get(&f, "/app/one/two"), "/app", "/one/two", "/srv/www/one/two");
    assert_split(fixture_get(&f, "/app/"), "/app", "/", "/srv/www/");
    assert_split(fixture_get(&f, "/deep/x/y"), "/deep", "/x/y", "/srv/www/x/y");
    assert_split(fixture_get(&f, "/noslash/x"), "/noslash", "/x", "/srv/www/x");
    assert_split(fixture_get(&f, "/noslash"), "/noslash", "", NULL);
    assert_split(fixture_get(&f, "/same/x/y"), "/same", "/x/y", "/srv/www/x/y");
    assert_split(fixture_get(&f, "/app//x///y"), "/app", "/x/y", "/srv/www/x/y");
    assert_split(fixture_get(&f, "/app/a%3Fb%20c"), "/app", "/a?b c", "/srv/www/a?b c");
    f.main.dir.path_info = PATH_INFO_OFF;
    fixture_renew(&f);
    assert_split(fixture_get(&f, "/app/x"), "/app", "/x", "/srv/www/x");
    fixture_finish(&f);
}

static void path_info_by_directive(void **state)
{
    struct fixture f;
    struct dir_config *d;

    (void)state;
    init(&f);
    f.main.dir.path_info = PATH_INFO_MOUNT;
    fixture_add_location(&f, &f.main, SECTION_PATH, "/app/off")->path_info = PATH_INFO_OFF;
    d = fixture_add_location(&f, &f.main, SECTION_PATH, "/app/on");
    d->path_info = PATH_INFO_OFF;
    PUSH(&f, &d->setenvif, fixture_rule(&f, SETENVIF_REQUEST_URI, NULL, ".", "proxy-scgi-pathinfo", "yes"));
    assert_split(fixture_get(&f, "/app/x"), "/app", "/x", "/srv/www/x");
    assert_split(fixture_get(&f, "/app/off/x"), "/app/off/x", NULL, NULL);
    assert_split(fixture_get(&f, "/app/on/x"), "/app", "/on/x", "/srv/www/on/x");
    fixture_finish(&f);
}

static void path_info_unset_in_location(void **state)
{
    struct fixture f;
    struct dir_config *d;

    (void)state;
    init(&f);
    PUSH(&f, &f.main.dir.setenvif,
         fixture_rule(&f, SETENVIF_REQUEST_URI, NULL, ".", "proxy-scgi-pathinfo", "1"));
    d = fixture_add_location(&f, &f.main, SECTION_PATH, "/app/off/");
    PUSH(&f, &d->setenvif, fixture_rule(&f, SETENVIF_REQUEST_URI, NULL, ".", "proxy-scgi-pathinfo", NULL));
    assert_split(fixture_get(&f, "/app/x"), "/app", "/x", "/srv/www/x");
    assert_split(fixture_get(&f, "/app/off/x"), "/app/off/x", NULL, NULL);
    fixture_finish(&f);
}

static void path_info_setenv_is_too_late(void **state)
{
    struct fixture f;

    (void)state;
    init(&f);
    fixture_add_env(&f, &f.main.dir, "proxy-scgi-pathinfo", "1");
    assert_split(fixture_get(&f, "/app/one/two"), "/app/one/two", NULL, NULL);
    assert_str(VAR(&f, "proxy-scgi-pathinfo"), "1");
    fixture_finish(&f);
}

static void path_info_as_apache(void **state)
{
    struct fixture f;

    (void)state;
    init(&f);
    f.main.dir.path_info = PATH_INFO_APACHE;
    fixture_add_alias(&f, &f.main, "/files/", "/data/");
    PUSH(&f, &f.main.dir.setenvif,
         fixture_rule(&f, SETENVIF_REQUEST_URI, NULL, ".", "proxy-scgi-pathinfo", "1"));
    assert_split(fixture_get(&f, "/app/one/two"), "/app", "/one/two", "/srv/www/one/two");
    assert_split(fixture_get(&f, "/deep/x/y"), "/deep", "/base/dir/x/y", "/srv/www/base/dir/x/y");
    assert_split(fixture_get(&f, "/noslash"), "/noslash", "/", "/srv/www/");
    assert_split(fixture_get(&f, "/app/a%20b/c%2bd;e"), "/app/a b", "/a%20b/c+d;e", "/srv/www/a%20b/c+d;e");
    assert_split(fixture_get(&f, "/app/100%25"), "/app/100%", "/100%25", "/srv/www/100%25");
    assert_split(fixture_get(&f, "/same/x/y"), "", "/same/x/y",
                 "proxy:scgi://127.0.0.1:18010/same/x/y/same/x/y");
    assert_split(fixture_get(&f, "/app/files/x"), "/app", "/files/x", "/data/x");
    fixture_finish(&f);
}

static void pass_in_location(void **state)
{
    struct fixture f;
    struct pass in_path, in_pattern, except;

    (void)state;
    init(&f);
    in_path = fixture_pass(&f, "/app/loc/", "127.0.0.1:1", "/inloc/");
    in_pattern = fixture_pass(&f, NULL, "127.0.0.1:2", "");
    except = fixture_pass(&f, "/app/none", NULL, NULL);
    fixture_add_location(&f, &f.main, SECTION_PATH, "/app/loc/")->pass = &in_path;
    fixture_add_location(&f, &f.main, SECTION_REGEX, "^/any/.*[.]gif$")->pass = &in_pattern;
    fixture_add_location(&f, &f.main, SECTION_PATH, "/app/none")->pass = &except;
    f.main.dir.path_info = PATH_INFO_MOUNT;
    assert_split(fixture_get(&f, "/app/loc/q/r"), "/app/loc", "/q/r", "/srv/www/q/r");
    assert_str(fixture_get(&f, "/app/loc/q/r").script_filename, "proxy:scgi://127.0.0.1:1/inloc/q/r");
    assert_split(fixture_get(&f, "/any/a.gif"), "", "/any/a.gif", "/srv/www/any/a.gif");
    assert_str(fixture_get(&f, "/any/a.gif").script_filename, "proxy:scgi://127.0.0.1:2/any/a.gif");
    assert_int_equal(fixture_get(&f, "/app/none/x").kind, PLAN_FILE);
    assert_str(fixture_get(&f, "/app/locx").script_filename, "proxy:scgi://127.0.0.1:18010/locx");
    fixture_finish(&f);
}

static void exclusions(void **state)
{
    struct fixture f;
    struct plan plan;

    (void)state;
    fixture_init(&f);
    fixture_add_pass(&f, &f.main, "/a/static/", NULL, NULL);
    fixture_add_pass(&f, &f.main, "/a/", "h", "/");
    fixture_add_alias(&f, &f.main, "/a/", "/data/");
    PUSH(&f, &f.main.dir.setenvif,
         fixture_rule(&f, SETENVIF_FIELD, "X-Direct", "^1$", "no-proxy", "anything"));
    plan = fixture_get(&f, "/a/static/x");
    assert_int_equal(plan.kind, PLAN_FILE);
    assert_str(plan.file_path, "/data/static/x");
    assert_int_equal(fixture_get(&f, "/a/x").kind, PLAN_BACKEND);
    plan = fixture_ask(&f, "GET /a/x HTTP/1.1\r\nHost: h\r\nX-Direct: 1\r\n\r\n");
    assert_int_equal(plan.kind, PLAN_FILE);
    assert_str(plan.file_path, "/data/x");
    fixture_finish(&f);
}

static void no_proxy_of_a_section_is_too_late(void **state)
{
    struct fixture f;
    struct dir_config *d;

    (void)state;
    init(&f);
    d = fixture_add_location(&f, &f.main, SECTION_PATH, "/app/x");
    PUSH(&f, &d->setenvif, fixture_rule(&f, SETENVIF_REQUEST_URI, NULL, ".", "no-proxy", "1"));
    fixture_add_env(&f, &f.main.dir, "no-proxy", "1");
    assert_int_equal(fixture_get(&f, "/app/x").kind, PLAN_BACKEND);
    fixture_finish(&f);
}

static void variables_in_order(void **state)
{
    static const char *const want[] = {"S=1", "BOTH=env", "L=/app/x", "E=loc", "F="};
    struct fixture f;
    struct dir_config *d;

    (void)state;
    init(&f);
    fixture_add_env(&f, &f.main.dir, "E", "server");
    fixture_add_env(&f, &f.main.dir, "BOTH", "env");
    PUSH(&f, &f.main.dir.setenvif, fixture_rule(&f, SETENVIF_REQUEST_URI, NULL, ".", "S", "1"));
    PUSH(&f, &f.main.dir.setenvif, fixture_rule(&f, SETENVIF_REQUEST_URI, NULL, ".", "BOTH", "if"));
    PUSH(&f, &f.main.dir.setenvif,
         fixture_rule(&f, SETENVIF_FIELD, "E", ".", "SEEN", "SetEnv came before SetEnvIf"));
    d = fixture_add_location(&f, &f.main, SECTION_PATH, "/app");
    PUSH(&f, &d->setenvif, fixture_rule(&f, SETENVIF_REQUEST_URI, NULL, "(.*)", "L", "$1"));
    fixture_add_env(&f, d, "E", "loc");
    fixture_add_env(&f, d, "S", NULL); /* takes nothing from SetEnvIf */
    fixture_add_env(&f, d, "F", "");
    fixture_get(&f, "/app/%78");
    assert_int_equal(f.vars.count, sizeof want / sizeof *want);
    for (size_t i = 0; i < f.vars.count; i++)
        assert_str(ARENA_CONCAT(&f.arena, f.vars.items[i].name, STR("="), f.vars.items[i].value), want[i]);
    fixture_finish(&f);
}

static void access_of_backends(void **state)
{
    struct fixture f;
    struct dir_config *d;

    (void)state;
    init(&f);
    fixture_add_env(&f, &f.main.dir, "E", "1");
    fixture_grant(fixture_add_directory(&f, &f.main, SECTION_PATH, "/"), false);
    d = fixture_add_location(&f, &f.main, SECTION_PATH, "/app/private");
    fixture_grant(d, false);
    PUSH(&f, &d->setenvif, fixture_rule(&f, SETENVIF_REQUEST_URI, NULL, ".", "L", "1"));
    fixture_grant(fixture_add_location(&f, &f.main, SECTION_PATH, "/app/private/open"), true);
    /* <Directory> is not for those. */
    assert_int_equal(fixture_get(&f, "/app/x").kind, PLAN_BACKEND);
    assert_refused(fixture_get(&f, "/app/private/x"), 403);
    assert_str(VAR(&f, "L"), "1");  /* logs may ask for it */
    assert_str(VAR(&f, "E"), NULL); /* SetEnv comes after access */
    assert_refused(fixture_get(&f, "/app/x/%2e%2e/private"), 403);
    assert_refused(fixture_get(&f, "//app//private"), 403);
    assert_int_equal(fixture_get(&f, "/app/private/open/x").kind, PLAN_BACKEND);
    assert_int_equal(fixture_get(&f, "/app/privateer").kind, PLAN_BACKEND);
    /* Access is judged before the hops. */
    assert_refused(fixture_ask(&f, "GET /app/private HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n"), 403);
    fixture_grant(&f.main.dir, false);
    fixture_renew(&f);
    assert_refused(fixture_ask(&f, "GET /app/x HTTP/1.1\r\nHost: h\r\n\r\n"), 403);
    fixture_finish(&f);
}

static void access_of_files(void **state)
{
    struct fixture f;
    struct plan plan;
    struct request request;
    struct route_input input = {&request, &f.endpoints, &f.vars};
    const struct dir_config *config;

    (void)state;
    init(&f);
    request = fixture_request(&f, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    fixture_grant(fixture_add_directory(&f, &f.main, SECTION_PATH, "/"), false);
    fixture_grant(fixture_add_directory(&f, &f.main, SECTION_PATH, "/srv/www"), true);
    fixture_grant(fixture_add_directory(&f, &f.main, SECTION_REGEX, "/\\.git(/|$)"), false);
    fixture_add_directory(&f, &f.main, SECTION_PATH, "/srv/www/big")->limit_request_body = 5;
    fixture_grant(fixture_add_location(&f, &f.main, SECTION_PATH, "/closed"), false);
    fixture_grant(fixture_add_location(&f, &f.main, SECTION_PATH, "/opened"), true);
    fixture_add_alias(&f, &f.main, "/etc/", "/etc/");
    fixture_add_alias(&f, &f.main, "/opened/", "/etc/");
    fixture_add_env(&f, &f.main.dir, "E", "1");

    plan = fixture_get(&f, "/a/b%20c.txt");
    assert_int_equal(plan.kind, PLAN_FILE);
    assert_str(plan.file_path, "/srv/www/a/b c.txt");
    assert_str(VAR(&f, "E"), "1");
    assert_null(plan.pass);
    assert_null(plan.script_filename.p);
    assert_refused(fixture_get(&f, "/etc/passwd"), 403);
    assert_refused(fixture_get(&f, "/.git/config"), 403);
    assert_refused(fixture_get(&f, "/.git"), 403);
    assert_refused(fixture_get(&f, "/closed/x"), 403);
    assert_int_equal(fixture_get(&f, "/opened/x").kind, PLAN_FILE); /* locations are merged last */
    assert_int_equal(fixture_get(&f, "/big/x").config->limit_request_body, 5);
    assert_int_equal(fixture_get(&f, "/x").config->limit_request_body, UNSET);

    /* Files that an application names: <Directory> only. */
    assert_true(route_file_granted(f.router, &f.arena, &input, &plan, STR("/srv/www/closed/x"), &config));
    assert_true(route_file_granted(f.router, &f.arena, &input, &plan, STR("/srv/www/big/x"), &config));
    assert_int_equal(config->limit_request_body, 5);
    assert_false(route_file_granted(f.router, &f.arena, &input, &plan, STR("/etc/passwd"), &config));
    assert_false(route_file_granted(f.router, &f.arena, &input, &plan, STR("/srv/www/.git/x"), &config));
    assert_false(
        route_file_granted(f.router, &f.arena, &input, &plan, STR("/srv/www/../../etc/passwd"), &config));
    assert_false(route_file_granted(f.router, &f.arena, &input, &plan, STR("srv/www/x"), &config));
    assert_non_null(config);
    fixture_finish(&f);
}

static void access_is_granted_by_default(void **state)
{
    struct fixture f;
    struct plan plan;
    struct request request;
    struct route_input input = {&request, &f.endpoints, &f.vars};
    const struct dir_config *config;

    (void)state;
    init(&f);
    request = fixture_request(&f, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    plan = fixture_get(&f, "/x");
    assert_int_equal(plan.kind, PLAN_FILE);
    /* Where no rule says anything, what the configuration serves is for anybody, and nothing else. */
    assert_true(route_file_granted(f.router, &f.arena, &input, &plan, plan.file_path, &config));
    assert_false(route_file_granted(f.router, &f.arena, &input, &plan, STR("/etc/x"), &config));
    assert_ptr_equal(router_model(f.router), &f.model);
    fixture_finish(&f);
}

/* A refused request has run the server's SetEnvIf, on whatever path there is. */
static void variables_of_refused_requests(void **state)
{
    struct fixture f;

    (void)state;
    init(&f);
    PUSH(&f, &f.main.dir.setenvif, fixture_rule(&f, SETENVIF_REQUEST_URI, NULL, "(.*)", "U", "$1"));
    assert_refused(fixture_get(&f, "/app/%zz"), 400);
    assert_str(VAR(&f, "U"), "/app/%zz");
    fixture_get(&f, "/app/%78");
    assert_str(VAR(&f, "U"), "/app/x");
    fixture_ask(&f, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_str(VAR(&f, "U"), "*");
    fixture_finish(&f);
}

/* The usual request takes nothing from the arena but its joined string and what decoding needs. */
static void usual_request_is_cheap(void **state)
{
    struct fixture f;
    struct request request;
    struct route_input input;
    struct plan plan;
    size_t used;

    (void)state;
    init(&f);
    fixture_get(&f, "/app/hello");
    request = fixture_request(&f, "GET /app/hello HTTP/1.1\r\nHost: gw.example.test\r\n\r\n");
    input = (struct route_input){&request, &f.endpoints, &f.vars};
    used = f.arena.used;
    route_request(f.router, &f.arena, &input, &plan);
    assert_int_equal(plan.kind, PLAN_BACKEND);
    assert_true(f.arena.used - used <= 96);
    fixture_finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backend_requests),
        cmocka_unit_test(bad_paths),
        cmocka_unit_test(encoded_slashes),
        cmocka_unit_test(names_and_ports),
        cmocka_unit_test(schemes),
        cmocka_unit_test(virtual_hosts),
        cmocka_unit_test(methods),
        cmocka_unit_test(forward_requests),
        cmocka_unit_test(max_forwards),
        cmocka_unit_test(path_info_by_variable),
        cmocka_unit_test(path_info_by_directive),
        cmocka_unit_test(path_info_unset_in_location),
        cmocka_unit_test(path_info_setenv_is_too_late),
        cmocka_unit_test(path_info_as_apache),
        cmocka_unit_test(pass_in_location),
        cmocka_unit_test(exclusions),
        cmocka_unit_test(no_proxy_of_a_section_is_too_late),
        cmocka_unit_test(variables_in_order),
        cmocka_unit_test(access_of_backends),
        cmocka_unit_test(access_of_files),
        cmocka_unit_test(access_is_granted_by_default),
        cmocka_unit_test(variables_of_refused_requests),
        cmocka_unit_test(usual_request_is_cheap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
