/* From the text of a configuration and of a request to the plan and the variables. */
#include "config/bundle.h"
#include "route/fixture.h"

struct language {
    struct fixture f;
    struct model *model;
};

static void begin(struct language *l, const char *config)
{
    struct bundle bundle;
    struct config_source source;
    struct config_options options = {.file = STR(BUNDLE_FILE), .directory = STR("/")};
    struct diag_list diags;

    fixture_init(&l->f);
    bundle = bundle_make(
        arena_printf(&l->f.arena, "Listen 8080\nDocumentRoot /srv\nServerName gw.example.test\n%s", config));
    source = bundle_source(&bundle);
    diag_list_init(&diags, &l->f.arena);
    l->model = config_load(&source, &options, &l->f.arena, &diags);
    if (!l->model)
        fail_msg("%s", diag_text(&l->f.arena, diags.first).p);
    l->f.router = router_create(l->model);
}

static void finish(struct language *l)
{
    model_finish(l->model);
    fixture_finish(&l->f);
}

/* "NAME=value NAME=value" of all variables that were set. */
static const char *vars_of(struct language *l, const char *target)
{
    struct str text = STR("");

    fixture_get(&l->f, target);
    for (size_t i = 0; i < l->f.vars.count; i++)
        text = arena_printf(&l->f.arena, "%.*s%s%.*s=%.*s", STR_ARG(text), i ? " " : "",
                            STR_ARG(l->f.vars.items[i].name), STR_ARG(l->f.vars.items[i].value));
    return text.p;
}

/* For a backend: the server, a backend, the proxy sections, the locations, the conditions; later ones win. */
static void order_for_backends(void **state)
{
    struct language l;

    (void)state;
    begin(&l, "SetEnv V server\n"
              "<If \"%{QUERY_STRING} == 'if'\">\nSetEnv V if\n</If>\n"
              "<ElseIf \"%{QUERY_STRING} == 'elseif'\">\nSetEnv V elseif\n</ElseIf>\n"
              "<Else>\nSetEnv I else\n</Else>\n"
              "<Location /app/loc>\nSetEnv V location\n</Location>\n"
              "<Directory /srv>\nSetEnv D directory\n</Directory>\n"
              "<Files x>\nSetEnv F files\n</Files>\n"
              "<Proxy scgi://h:1/>\nSetEnv V proxy\nSetEnv P 1\n</Proxy>\n"
              "<Proxy scgi://h:1/other>\nSetEnv OTHER 1\n</Proxy>\n"
              "ProxyPass /app/ scgi://h:1/\n");
    assert_string_equal(vars_of(&l, "/app/x"), "V=proxy P=1 I=else");
    assert_string_equal(vars_of(&l, "/app/loc"), "V=location P=1 I=else");
    assert_string_equal(vars_of(&l, "/app/loc?if"), "V=if P=1");
    assert_string_equal(vars_of(&l, "/app/loc?elseif"), "V=elseif P=1");
    assert_string_equal(vars_of(&l, "/app/other"), "V=proxy P=1 OTHER=1 I=else");
    finish(&l);
}

/* For a file: the server, directories, files, locations, the conditions. */
static void order_for_files(void **state)
{
    struct language l;

    (void)state;
    begin(&l, "SetEnv V server\n"
              "<If \"%{QUERY_STRING} == 'if'\">\nSetEnv V if\n</If>\n"
              "<Location /loc>\nSetEnv V location\n</Location>\n"
              "<Files ~ \"^[a-z]+[.]t\">\nSetEnv V files\n</Files>\n"
              "<DirectoryMatch ^/srv/m>\nSetEnv V match\n</DirectoryMatch>\n"
              "<Directory /srv>\nSetEnv V directory\n<Files *.in>\nSetEnv IN 1\n</Files>\n</Directory>\n"
              "<Directory /elsewhere>\n<Files *>\nSetEnv NEVER 1\n</Files>\n</Directory>\n"
              "<Proxy *>\nSetEnv P 1\n</Proxy>\n");
    assert_string_equal(vars_of(&l, "/x"), "V=directory");
    assert_string_equal(vars_of(&l, "/m/x"), "V=match");
    assert_string_equal(vars_of(&l, "/m/x.txt"), "V=files");
    assert_string_equal(vars_of(&l, "/x.txt/y.in"), "V=directory IN=1");
    assert_string_equal(vars_of(&l, "/loc/x.txt"), "V=location");
    assert_string_equal(vars_of(&l, "/loc/x.txt?if"), "V=if");
    finish(&l);
}

static void conditions_within_sections(void **state)
{
    struct language l;

    (void)state;
    begin(&l, "ProxyPass / scgi://h/\n"
              "SetEnvIf Request_URI ^/early EARLY=e\n"
              "<Location /in>\n<If \"%{QUERY_STRING} =~ /a/\">\nSetEnv A 1\n"
              "<If \"%{QUERY_STRING} =~ /b/\">\nSetEnv B 1\n</If>\n<Else>\nSetEnv NOT_B 1\n</Else>\n</If>\n"
              "</Location>\n"
              "<If \"%{reqenv:EARLY} == 'e'\">\nSetEnvIf Request_URI . LATE=1\n</If>\n"
              "<VirtualHost *:9>\n<If true>\nSetEnv HOST 1\n</If>\n</VirtualHost>\n");
    assert_string_equal(vars_of(&l, "/out?ab"), "");
    assert_string_equal(vars_of(&l, "/in?b"), "");
    assert_string_equal(vars_of(&l, "/in?a"), "A=1 NOT_B=1");
    assert_string_equal(vars_of(&l, "/in?ab"), "A=1 B=1");
    assert_string_equal(vars_of(&l, "/early"), "EARLY=e LATE=1");
    finish(&l);
}

static void access_by_condition(void **state)
{
    struct language l;

    (void)state;
    begin(&l, "ProxyPass /app/ scgi://h/\nProxyPass /no/ scgi://closed/\n"
              "<If \"%{HTTP_HOST} != 'gw.example.test'\">\nRequire all denied\n</If>\n"
              "<Proxy scgi://closed/>\nRequire all denied\n</Proxy>\n"
              "<FilesMatch \"^[.]ht\">\nRequire all denied\n</FilesMatch>\n");
    assert_int_equal(fixture_get(&l.f, "/app/x").kind, PLAN_BACKEND);
    assert_int_equal(fixture_get(&l.f, "/app/.htx").kind, PLAN_BACKEND);
    assert_int_equal(fixture_get(&l.f, "/no/x").status, 403);
    assert_int_equal(fixture_get(&l.f, "/x").kind, PLAN_FILE);
    assert_int_equal(fixture_get(&l.f, "/.htpasswd").status, 403);
    assert_int_equal(fixture_ask(&l.f, "GET /app/x HTTP/1.1\r\nHost: other\r\n\r\n").status, 403);
    assert_int_equal(fixture_ask(&l.f, "GET /x HTTP/1.1\r\nHost: other\r\n\r\n").status, 403);
    finish(&l);
}

/* A file that is found under another name, or that an application names, has its <Files> sections too. */
static void access_of_found_files(void **state)
{
    const struct dir_config *config;
    struct language l;
    struct plan plan;
    struct request request;
    struct route_input input = {&request, &l.f.endpoints, &l.f.vars};

    (void)state;
    begin(&l, "<Files secret>\nRequire all denied\n</Files>\n"
              "<Directory /srv/open>\n<Files secret>\nRequire all granted\n</Files>\n</Directory>\n");
    request = fixture_request(&l.f, "GET /app HTTP/1.1\r\nHost: h\r\n\r\n");
    plan = fixture_get(&l.f, "/app");
    assert_true(route_file_granted(l.f.router, &l.f.arena, &input, &plan, STR("/srv/x"), &config));
    assert_false(route_file_granted(l.f.router, &l.f.arena, &input, &plan, STR("/srv/secret"), &config));
    assert_true(route_file_granted(l.f.router, &l.f.arena, &input, &plan, STR("/srv/open/secret"), &config));
    finish(&l);
}

static void named_groups(void **state)
{
    struct language l;

    (void)state;
    begin(&l, "ProxyPass /app/ scgi://h:1/\n"
              "<ProxyMatch \"^scgi://[^/]+/(?<first>[a-z]+)(?<none>,)?\">\n</ProxyMatch>\n"
              "<LocationMatch \"^/app/m(?<PART>[a-z]*)\">\nSetEnvIf Request_URI . SEEN\n</LocationMatch>\n"
              "<FilesMatch \"(?<ext>[^.]+)$\">\n</FilesMatch>\n"
              "<DirectoryMatch \"^/srv/(?<dir>[^/]+)/\">\n</DirectoryMatch>\n");
    assert_string_equal(vars_of(&l, "/app/x"), "MATCH_FIRST=x");
    assert_string_equal(vars_of(&l, "/app/mabc"), "MATCH_PART=abc MATCH_FIRST=mabc SEEN=1");
    assert_string_equal(vars_of(&l, "/app/m"), "MATCH_PART= MATCH_FIRST=m SEEN=1");
    assert_string_equal(vars_of(&l, "/app/7"), "");
    assert_string_equal(vars_of(&l, "/d/a.txt"), "MATCH_DIR=d MATCH_EXT=txt");
    finish(&l);
}

static void proxy_sections(void **state)
{
    struct language l;

    (void)state;
    begin(&l, "ProxyPass /u/ unix:/run/x.sock|scgi://localhost/base/\nProxyPass /6/ scgi://[::1]:4000/\n"
              "ProxyPass /d/ SCGI://Host:4000/%41\n"
              "<Proxy>\nSetEnv ALL 1\n</Proxy>\n"
              "<Proxy unix:/run/x.sock>\nSetEnv UNIX 1\n</Proxy>\n"
              "<Proxy scgi://[::1]:4000/>\nSetEnv V6 1\n</Proxy>\n"
              "<Proxy scgi://*/a?>\nSetEnv GLOB 1\n</Proxy>\n"
              "<Proxy SCGI://Host:4000/%41>\nSetEnv WRITTEN 1\n</Proxy>\n");
    assert_string_equal(vars_of(&l, "/u/x"), "ALL=1 UNIX=1");
    assert_string_equal(vars_of(&l, "/6/b/c/a1"), "ALL=1 V6=1 GLOB=1");
    assert_string_equal(vars_of(&l, "/d/x"), "ALL=1 WRITTEN=1");
    assert_string_equal(vars_of(&l, "/file"), "");
    finish(&l);
}

static void forward_requests_have_proxy_sections(void **state)
{
    struct language l;

    (void)state;
    begin(&l, "ProxyRequests On\nProxySCGIForward On\n<Proxy *>\nRequire all denied\n</Proxy>\n"
              "<Proxy scgi://good.example.test>\nRequire all granted\n</Proxy>\n");
    assert_int_equal(fixture_get(&l.f, "scgi://good.example.test/x").kind, PLAN_BACKEND);
    assert_int_equal(fixture_get(&l.f, "SCGI://GOOD.example.test:9/x").kind, PLAN_BACKEND);
    assert_int_equal(fixture_get(&l.f, "scgi://other.example.test/x").status, 403);
    finish(&l);
}

/* SCRIPT_FILENAME behind "proxy:scgi://", SCRIPT_NAME and PATH_INFO; "404" and the like for a status, the
 * path of a file, or where a redirect leads. */
static const char *mapped(struct language *l, const char *target)
{
    struct plan plan = fixture_get(&l->f, target);

    switch (plan.kind) {
    case PLAN_STATUS:
        return arena_printf(&l->f.arena, "%d", plan.status).p;
    case PLAN_FILE:
        return arena_printf(&l->f.arena, "%.*s", STR_ARG(plan.file_path)).p;
    case PLAN_REDIRECT:
        return arena_printf(&l->f.arena, "%d %.*s", plan.status, STR_ARG(plan.location)).p;
    case PLAN_OPTIONS:
        return "options";
    case PLAN_BACKEND:
        break;
    }
    return arena_printf(&l->f.arena, "%.*s %.*s %.*s", STR_ARG(str_skip(plan.script_filename, 13)),
                        STR_ARG(plan.script_name), STR_ARG(plan.path_info))
        .p;
}

#define MAPPED(target, want) assert_string_equal(mapped(&l, target), want)

static void expressions(void **state)
{
    struct language l;

    (void)state;
    begin(&l, "ProxyPassMatch ^/m/no !\n"
              "ProxyPassMatch \"^/m/([^/]+)/(.*)$\" scgi://h:1/$1/x/$2\n"
              "ProxyPassMatch \"^(/img/.*[.]gif)$\" scgi://h:1\n"
              "ProxyPass ~ \"^/t(.*)$\" scgi://h:1$1\n"
              "ProxyPassMatch ^/e/ scgi://h:1/base\n"
              "ProxyPassMatch ^/s/(.) scgi://h:1/\\$1$1\n"
              "SetEnvIf Request_URI . proxy-scgi-pathinfo\n"
              "<LocationMatch ^/l/(.*)>\nProxyPassMatch scgi://h:1/in/$1\n</LocationMatch>\n");
    MAPPED("/m/a/b", "h:1/a/x/b /m/a /b");
    MAPPED("/m/a%20b/c%3fd", "h:1/a%20b/x/c%3Fd /m/a b /c?d");
    MAPPED("/m/no/x", "/srv/m/no/x");
    MAPPED("/img/a/b.gif", "h:1/img/a/b.gif  /img/a/b.gif"); /* without a group all of the path follows */
    MAPPED("/t/x/y", "h:1/x/y /t /x/y");
    MAPPED("/tt.evil.example/", "h:1/t.evil.example/ /tt.evil.example /"); /* never a part of the host */
    MAPPED("/e/x", "h:1/base/e/x  /e/x");
    MAPPED("/s/a", "h:1/$1a /s/a ");
    MAPPED("/l/x/y", "h:1/in/x/y /l /x/y");
    finish(&l);
}

static void interpolation(void **state)
{
    struct language l;

    (void)state;
    begin(&l, "ProxyPassInterpolateEnv On\n"
              "SetEnvIf Host ^([a-z]+)[.] TENANT=$1\n"
              "SetEnvIf Request_URI ^/t/(.) ODD=../$$0?@$1\n"
              "ProxyPass /t/ scgi://h:1/${TENANT}/ interpolate\n"
              "ProxyPass /none/ scgi://h:1/${NONE}/ interpolate\n"
              "ProxyPass /plain/ scgi://h:1/${TENANT}/\n"
              "ProxyPass /odd/ scgi://h:1/${ODD}/${/ interpolate\n"
              "ProxyPassMatch ^/both/(.*) scgi://h:1/$1/${TENANT} interpolate\n"
              "<Location /off/>\nProxyPassInterpolateEnv Off\nProxyPass scgi://h:1/${TENANT}/ interpolate\n"
              "</Location>\n");
    MAPPED("/t/x", "h:1/gw/x /t/x ");
    MAPPED("/none/x", "h:1//x /none/x ");
    MAPPED("/plain/x", "h:1/$%7BTENANT%7D/x /plain/x ");
    MAPPED("/odd/x", "h:1//$%7B/x /odd/x ");
    /* What a group brings is not looked at again. */
    MAPPED("/both/$%7bTENANT%7d", "h:1/$%7BTENANT%7D/gw /both/${TENANT} ");
    MAPPED("/off/x", "h:1/$%7BTENANT%7D/x /off/x ");
    assert_string_equal(vars_of(&l, "/off/x"), "TENANT=gw");
    assert_string_equal(vars_of(&l, "/t"), "TENANT=gw");
    assert_string_equal(vars_of(&l, "/none/"), "TENANT=gw proxy-nokeepalive=1");
    finish(&l);
}

static void undecoded_paths(void **state)
{
    struct language l;

    (void)state;
    begin(&l, "SetEnvIf Request_URI . proxy-scgi-pathinfo\nAllowEncodedSlashes NoDecode\n"
              "ProxyPass /nc/ scgi://h:1/ nocanon\nProxyPass / scgi://all:1/\n"
              "ProxyPass /enc/ scgi://h:1/ mapping=encoded\nProxyPass /srv/ scgi://h:1/ mapping=servlet\n"
              "ProxyPass /bare scgi://h:1 mapping=servlet\nProxyPass /nq/ scgi://h:1/ noquery\n"
              "<Location /srv/closed>\nRequire all denied\n</Location>\n");
    MAPPED("/nc/a%2fb/c%20d%41;x?q=1", "h:1/a%2fb/c%20d%41;x /nc /a%2fb/c dA;x");
    MAPPED("/%6ec/%41", "h:1/A /nc /A"); /* written otherwise: decoded and encoded */
    MAPPED("/enc/a%2fb/c%20d%41;x?q=1", "h:1/a%2fb/c%20dA;x /enc /a%2fb/c dA;x");
    MAPPED("/enc/%2e%2e/x", "all:1/x  /x");
    MAPPED("/srv/a;p=1/b;q%20?z", "h:1/a;p=1/b;q%20 /srv /a;p=1/b;q ");
    MAPPED("/srv;jsession=1/a", "h:1/a /srv /a");
    MAPPED("/srv/x;p/..;q/y;z", "h:1/y;z /srv /y;z");
    MAPPED("/srv/x/..;/..;/y", "all:1/srv/x/..;/..;/y  /srv/x/..;/..;/y");
    MAPPED("/bare;p/x", "h:1/;p/x /bare /x");
    MAPPED("/srv;x/closed;y/z", "403");
    finish(&l);
}

/* With AllowEncodedSlashes Off only mapping= lets them pass. */
static void encoded_slashes_of_mappings(void **state)
{
    struct language l;

    (void)state;
    begin(&l, "ProxyPass /enc/ scgi://h:1/ mapping=encoded\nProxyPass / scgi://all:1/\n"
              "ProxyPass /enc/no/ ! mapping=encoded\n");
    MAPPED("/enc/a%2Fb", "h:1/a%2Fb /enc/a%2Fb ");
    MAPPED("/x/a%2Fb", "404");
    MAPPED("/enc/%00", "404");
    finish(&l);
    /* Where they are decoded, what they climb out of is not mapped. */
    begin(&l,
          "AllowEncodedSlashes On\nProxyPass /enc/ scgi://h:1/ mapping=encoded\nProxyPass / scgi://all:1/\n");
    MAPPED("/enc/x%2f..%2f..%2fetc", "all:1/etc /etc ");
    MAPPED("/enc/x%2fy", "h:1/x%2fy /enc/x/y ");
    finish(&l);
}

static void handlers(void **state)
{
    struct language l;

    (void)state;
    begin(&l,
          "<Location /handler/>\nSetHandler proxy:scgi://h:1\n</Location>\n"
          "<Directory /srv/app>\nSetHandler \"proxy:unix:/run/x.sock|scgi://localhost/base/\"\n</Directory>\n"
          "<FilesMatch [.]txt$>\nSetHandler none\n</FilesMatch>\n"
          "<Directory /srv/closed>\nRequire all denied\nSetHandler proxy:scgi://h:1\n</Directory>\n"
          "ProxyPass /handler/pass/ scgi://pass:1/\n"
          "SetEnvIf Request_URI mount$ proxy-scgi-pathinfo\n");
    MAPPED("/handler/q/r", "h:1/srv/handler /handler /q/r");
    assert_str(fixture_get(&l.f, "/handler/q/r").path_translated, "/srv/q/r");
    MAPPED("/handler/", "h:1/srv/handler /handler /");
    MAPPED("/handler/pass/x", "pass:1/x /handler/pass/x ");
    MAPPED("/app/x/y", "localhost/base/srv/app/x/y /app/x/y ");
    MAPPED("/app/mount", "localhost/base/srv/app/mount  /app/mount");
    MAPPED("/app/x.txt", "/srv/app/x.txt");
    MAPPED("/closed/x", "403");
    MAPPED("/x", "/srv/x");
    finish(&l);
}

/* The source of an application is not served because a directory's index or an answer names it. */
static void handlers_hide_their_files(void **state)
{
    const struct dir_config *config;
    struct route_input input;
    struct request request;
    struct language l;
    struct plan plan;

    (void)state;
    begin(&l, "<FilesMatch [.]app$>\nSetHandler proxy:scgi://h:1\n</FilesMatch>\n"
              "<FilesMatch [.]if$>\n<If \"%{HTTP_HOST} == 'gw.example.test'\">\nRequire all "
              "denied\n</If>\n</FilesMatch>\n");
    plan = fixture_get(&l.f, "/");
    request = fixture_request(&l.f, "GET / HTTP/1.1\r\nHost: gw.example.test\r\n\r\n");
    input = (struct route_input){&request, &l.f.endpoints, &l.f.vars};
    assert_true(route_file_granted(l.f.router, &l.f.arena, &input, &plan, STR("/srv/index.html"), &config));
    assert_false(route_file_granted(l.f.router, &l.f.arena, &input, &plan, STR("/srv/index.app"), &config));
    assert_false(route_file_granted(l.f.router, &l.f.arena, &input, &plan, STR("/srv/index.if"), &config));
    finish(&l);
}

static void redirects(void **state)
{
    struct language l;

    (void)state;
    begin(&l, "ProxyPass /app/ scgi://h:1/\n"
              "Redirect /app/ http://never/\nRedirect permanent /old /new\nRedirectMatch gone ^/gone\n"
              "Alias /old/ /srv/never/\nAliasMatch ^/y/(.*)$ /files/$1\n"
              "<Location /app/moved>\nRedirect 308 https://there/\n</Location>\n"
              "<Location /app/moved/closed>\nRequire all denied\n</Location>\n"
              "<Directory /srv/d>\nRedirect /d/x /e/x\n</Directory>\n");
    MAPPED("/app/x", "h:1/x /app/x ");
    MAPPED("/old/a%20b?q", "301 http://gw.example.test/new/a%20b?q");
    MAPPED("/gone", "410");
    MAPPED("/app/moved/x", "308 https://there/");
    MAPPED("/app/moved/closed", "403"); /* who may not go there is not sent elsewhere */
    MAPPED("/d/x/y", "302 http://gw.example.test/e/x/y");
    MAPPED("/d/y", "/srv/d/y");
    MAPPED("/y/a/../b", "/files/b");
    MAPPED("/y/a/b", "/files/a/b");
    finish(&l);
}

/* "name:port" for a request of that Host on the local port 18001. */
static const char *named(struct language *l, const char *host)
{
    struct plan plan =
        fixture_ask(&l->f, arena_printf(&l->f.arena, "GET /x HTTP/1.1\r\nHost: %s\r\n\r\n", host).p);

    return arena_printf(&l->f.arena, "%.*s:%u", STR_ARG(plan.host), plan.port).p;
}

static void names_of_servers(void **state)
{
    static const struct {
        const char *config, *with_port, *without;
    } rows[] = {
        {"", "h:99", "h:80"},
        {"ServerName s:5\n", "h:99", "h:5"},
        {"UseCanonicalPhysicalPort On\n", "h:99", "h:18001"},
        {"UseCanonicalPhysicalPort On\nServerName s:5\n", "h:99", "h:18001"},
        {"UseCanonicalName On\n", "gw.example.test:80", "gw.example.test:80"},
        {"UseCanonicalName On\nServerName https://s\n", "s:443", "s:443"},
        {"UseCanonicalName On\nServerName s:5\n", "s:5", "s:5"},
        {"UseCanonicalName On\nUseCanonicalPhysicalPort On\n", "gw.example.test:18001",
         "gw.example.test:18001"},
        {"UseCanonicalName On\nUseCanonicalPhysicalPort On\nServerName s:5\n", "s:5", "s:5"},
        {"UseCanonicalName On\n<Location /x>\nUseCanonicalName Off\n</Location>\n", "h:99", "h:80"},
    };
    struct language l;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin(&l, rows[i].config);
        assert_string_equal(named(&l, "h:99"), rows[i].with_port);
        assert_string_equal(named(&l, "h"), rows[i].without);
        finish(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_for_backends),
        cmocka_unit_test(order_for_files),
        cmocka_unit_test(conditions_within_sections),
        cmocka_unit_test(access_by_condition),
        cmocka_unit_test(access_of_found_files),
        cmocka_unit_test(named_groups),
        cmocka_unit_test(proxy_sections),
        cmocka_unit_test(forward_requests_have_proxy_sections),
        cmocka_unit_test(expressions),
        cmocka_unit_test(interpolation),
        cmocka_unit_test(undecoded_paths),
        cmocka_unit_test(encoded_slashes_of_mappings),
        cmocka_unit_test(handlers),
        cmocka_unit_test(handlers_hide_their_files),
        cmocka_unit_test(redirects),
        cmocka_unit_test(names_of_servers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
