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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
