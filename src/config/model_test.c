/* What a configuration means: the model that comes out of loading. */
#include "config/bundle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct arena arena;

static struct model *load(const char *text)
{
    struct bundle bundle = bundle_make(arena_printf(&arena, "Listen 80\n%s", text));
    struct config_source source = bundle_source(&bundle);
    struct config_options options = {.file = STR(BUNDLE_FILE), .directory = STR("/")};
    struct diag_list diags;
    struct model *m;

    diag_list_init(&diags, &arena);
    m = config_load(&source, &options, &arena, &diags);
    if (!m)
        fail_msg("%s", diag_text(&arena, diags.first).p);
    return m;
}

#define IS(slice, text) assert_string_equal(arena_copy(&arena, (slice)).p, text)

static void test_defaults(void **state)
{
    struct model *m = load("");
    const struct server *s = m->main;

    (void)state;
    IS(m->server_root, "/etc");
    IS(m->runtime_dir, "/etc/logs");
    assert_null(m->pid_file.p);
    assert_null(m->user.p);
    assert_int_equal(m->worker_processes, 0);
    assert_int_equal(m->listen_backlog, 511);
    IS(s->name, "localhost");
    IS(s->admin, "[no address given]");
    IS(s->document_root, "/etc/htdocs");
    assert_int_equal(s->timeout_ms, 60000);
    assert_int_equal(s->proxy_timeout_ms, 0);
    assert_int_equal(s->keep_alive, 1);
    assert_int_equal(s->keep_alive_timeout_ms, 5000);
    assert_int_equal(s->max_keep_alive_requests, 100);
    assert_int_equal(s->limit_request_line, 8190);
    assert_int_equal(s->limit_request_field_size, 8190);
    assert_int_equal(s->limit_request_fields, 100);
    assert_int_equal(s->encoded_slashes, ENCODED_SLASHES_OFF);
    assert_int_equal(s->merge_slashes, 1);
    assert_int_equal(s->trace_enable, 0);
    assert_int_equal(s->log_level, LOG_LEVEL_WARN);
    assert_int_equal(s->dir.gateway_interface, UNSET);
    assert_null(s->dir.require);
    assert_null(s->dir.access_list);
    assert_true(m->types.count > 10);
    model_finish(m);
}

static void test_process(void **state)
{
    struct model *m =
        load("Listen [::1]:81\nListen *:82\nListen unix:x.sock\nDefaultRuntimeDir /run/x\nServerRoot /srv\n"
             "PidFile p.pid\nUser www-data\nGroup #33\nWorkerProcesses 4\nIOEngine epoll\n"
             "ListenBacklog 10\nTypesConfig /etc/types\n=== /etc/types\n# c\ntext/html\thtml HTM\n"
             "text/plain\nx/old txt\ntext/plain txt\n");

    (void)state;
    IS(m->server_root, "/srv");
    IS(m->pid_file, "/srv/p.pid");
    IS(m->user, "www-data");
    IS(m->group, "#33");
    assert_int_equal(m->worker_processes, 4);
    assert_int_equal(m->io_engine, IO_ENGINE_EPOLL);
    assert_int_equal(m->listen_backlog, 10);
    assert_int_equal(m->listens.count, 4);
    assert_null(m->listens.items[0].address.host.p);
    IS(m->listens.items[1].address.host, "::1");
    assert_int_equal(m->listens.items[1].address.port, 81);
    assert_null(m->listens.items[2].address.host.p);
    assert_int_equal(m->listens.items[3].address.kind, ADDRESS_UNIX);
    IS(m->listens.items[3].address.path, "/run/x/x.sock"); /* DefaultRuntimeDir stands behind it */
    assert_int_equal(m->types.count, 3);
    IS(m->types.items[0].extension, "htm");
    IS(m->types.items[2].extension, "txt");
    IS(m->types.items[2].type, "text/plain");
    model_finish(m);
}

static void test_passes(void **state)
{
    struct model *m =
        load("ProxyPass /app/ scgi://127.0.0.1:4001/base%20x/ timeout=3 connectiontimeout=200ms\n"
             "ProxyPass /app2/ SCGI://user@127.0.0.1:4001/base%20x/\nProxyPass /no !\n"
             "ProxyPass /noslash scgi://h\nProxyPass /uds0/ \"unix:be.sock|scgi://\"\n"
             "ProxyPass /uds unix:/b|scgi:\n");
    const struct pass *p = m->main->passes.items;

    (void)state;
    assert_int_equal(m->main->passes.count, 6);
    IS(p[0].path, "/app/");
    IS(p[0].authority, "127.0.0.1:4001");
    IS(p[0].target_path, "/base x/");
    IS(p[0].backend->name, "scgi://127.0.0.1:4001");
    assert_int_equal(p[0].backend->timeout_ms, 3000);
    assert_int_equal(p[0].backend->connect_timeout_ms, 200);
    assert_int_equal(p[0].place.line, 2);
    assert_ptr_equal(p[0].backend, p[1].backend);
    assert_true(p[2].exclude && !p[2].backend);
    IS(p[3].target_path, "");
    IS(p[3].authority, "h");
    assert_int_equal(p[3].backend->address.port, 4000);
    IS(p[4].target_path, "/");
    IS(p[4].authority, "localhost");
    IS(p[4].backend->address.path, "/etc/logs/be.sock");
    IS(p[5].target_path, "");
    assert_int_equal(m->backends.count, 4);
    for (size_t i = 0; i < m->backends.count; i++)
        assert_int_equal(m->backends.items[i]->id, i);
    model_finish(m);
}

static void test_page_examples(void **state)
{
    struct model *m =
        load("ProxyPass /scgi-bin/ scgi://localhost:4000/\nSetEnvIf Request_URI . proxy-scgi-pathinfo\n"
             "ProxySCGIInternalRedirect Off\n<Location /django-app/>\n"
             "ProxySCGIInternalRedirect X-Location\n</Location>\n"
             "<Location /a>\nProxySCGISendfile On\n</Location>\n"
             "<Location /b>\nProxySCGISendfile X-Send-Static\nProxySCGIInternalRedirect on\n</Location>");
    const struct section *l = m->main->locations.items;

    (void)state;
    assert_int_equal(m->main->dir.setenvif.items[0].attribute, SETENVIF_REQUEST_URI);
    assert_non_null(m->main->dir.setenvif.items[0].regex);
    IS(m->main->dir.setenvif.items[0].actions.items[0].value, "1");
    assert_int_equal(m->main->dir.internal_redirect.state, HEADER_SWITCH_OFF);
    assert_int_equal(l[0].config.internal_redirect.state, HEADER_SWITCH_ON);
    IS(l[0].config.internal_redirect.name, "X-Location");
    assert_int_equal(l[0].config.sendfile.state, HEADER_SWITCH_UNSET);
    IS(l[1].config.sendfile.name, "X-Sendfile");
    IS(l[2].config.sendfile.name, "X-Send-Static");
    IS(l[2].config.internal_redirect.name, "Location");
    model_finish(m);
}

static void test_sections(void **state)
{
    struct model *m =
        load("<Location /x/>\nProxyPass scgi://h/y\n</Location>\n<Location /a*>\nProxyPass scgi://h\n"
             "</Location>\n<Location ~ ^/r>\nProxyPass !\n</Location>\n<LocationMatch q>\n</LocationMatch>\n"
             "<Directory ~ q>\nOptions None\n</Directory>\n<Directory /srv/a/b/>\n"
             "Options Indexes FollowSymLinks\n</Directory>\n<Directory />\nRequire all denied\n</Directory>\n"
             "<Directory /srv/*>\nOptions +Indexes\nRequire all denied\nRequire all granted\n"
             "Require all denied\n</Directory>\n<Directory rel>\nOptions SymLinksIfOwnerMatch\n</Directory>");
    const struct section *l = m->main->locations.items, *d = m->main->directories.items;

    (void)state;
    assert_int_equal(m->main->locations.count, 4);
    assert_int_equal(m->section_count, 9);
    assert_int_equal(l[0].kind, SECTION_PATH);
    IS(l[0].config.pass->path, "/x/");
    IS(l[0].config.pass->target_path, "/y");
    assert_int_equal(l[1].kind, SECTION_GLOB);
    assert_null(l[1].config.pass->path.p);
    IS(l[1].config.pass->target_path, "");
    assert_int_equal(l[2].kind, SECTION_REGEX);
    assert_true(l[2].config.pass->exclude);
    assert_int_equal(l[3].kind, SECTION_REGEX);
    assert_int_equal(m->main->directories.count, 5);
    IS(d[0].pattern, "/");
    assert_int_equal(d[0].config.require->kind, REQUIRE_ANY);
    assert_int_equal(d[0].config.require->parts.count, 1);
    assert_int_equal(d[0].config.require->parts.items[0]->kind, REQUIRE_DENIED);
    IS(d[1].pattern, "/srv/*");
    assert_int_equal(d[1].config.require->parts.count, 3);
    assert_int_equal(d[1].config.require->parts.items[1]->kind, REQUIRE_GRANTED);
    assert_int_equal(d[1].config.follow_symlinks, UNSET);
    IS(d[2].pattern, "/etc/rel");
    assert_int_equal(d[2].config.follow_symlinks, UNSET);
    IS(d[3].pattern, "/srv/a/b");
    assert_int_equal(d[3].config.follow_symlinks, 1);
    assert_int_equal(d[4].kind, SECTION_REGEX);
    assert_int_equal(d[4].config.follow_symlinks, 0);
    model_finish(m);
}

static void test_virtual_hosts(void **state)
{
    struct model *m =
        load("<VirtualHost *:80 1.2.3.4:* [2001:DB8::1]:443 _default_>\nServerName https://A.Example:8443\n"
             "ServerAlias B.example *.c.example\nServerAlias d\nTimeout 7\nProxyPass /v/ scgi://v/\n"
             "Alias /v /srv/v\nSetEnv V v\nUnsetEnv M\nDirectoryIndex v.html\n<Location /v>\n</Location>\n"
             "CustomLog v.log \"%v\"\n</VirtualHost>\n"
             "ServerName Main.Example:81\nTimeout 9\nProxyTimeout 500ms\nProxyPass /m/ scgi://m/\n"
             "Alias /m /srv/m/\nSetEnv M m\nDirectoryIndex m.html n.html\n<Location /m>\n</Location>\n"
             "CustomLog m.log name\nLogFormat \"%h\" name\n<VirtualHost *>\n</VirtualHost>");
    const struct server *v = m->virtual_hosts.items[0], *w = m->virtual_hosts.items[1];

    (void)state;
    IS(m->main->name, "main.example");
    assert_int_equal(m->main->port, 81);
    assert_int_equal(m->main->passes.count, 1);
    assert_int_equal(m->main->locations.count, 1);
    assert_int_equal(m->main->file_aliases.count, 1);
    assert_int_equal(m->virtual_hosts.count, 2);
    assert_true(v->is_virtual && !m->main->is_virtual);
    assert_int_equal(v->addresses.count, 4);
    assert_null(v->addresses.items[0].host.p);
    assert_int_equal(v->addresses.items[0].port, 80);
    IS(v->addresses.items[1].host, "1.2.3.4");
    assert_int_equal(v->addresses.items[1].port, 0);
    IS(v->addresses.items[2].host, "2001:db8::1");
    assert_null(v->addresses.items[3].host.p);
    IS(v->name, "a.example");
    IS(v->scheme, "https");
    assert_int_equal(v->port, 8443);
    assert_int_equal(v->aliases.count, 3);
    IS(v->aliases.items[1], "*.c.example");
    /* Directives of the main server count wherever they stand. */
    assert_int_equal(v->timeout_ms, 7000);
    assert_int_equal(v->proxy_timeout_ms, 500);
    assert_int_equal(v->passes.count, 2);
    IS(v->passes.items[0].path, "/m/");
    IS(v->passes.items[1].path, "/v/");
    IS(v->file_aliases.items[0].path, "/v");
    IS(v->file_aliases.items[1].target, "/srv/m/");
    IS(v->locations.items[1].pattern, "/v");
    assert_int_equal(v->dir.env.count, 3);
    assert_int_equal(v->dir.directory_index.count, 1);
    assert_int_equal(v->custom_logs.count, 1);
    IS(v->custom_logs.items[0].path, "/etc/v.log");
    assert_int_equal(m->main->dir.env.count, 1);
    assert_int_equal(m->main->custom_logs.items[0].format.items.count, 1);
    IS(w->name, "main.example");
    assert_int_equal(w->port, 0);
    assert_int_equal(w->aliases.count, 0);
    assert_int_equal(w->timeout_ms, 9000);
    assert_int_equal(w->passes.count, 1);
    assert_int_equal(w->dir.directory_index.count, 2);
    IS(w->custom_logs.items[0].path, "/etc/m.log");
    model_finish(m);
}

static void test_environment(void **state)
{
    struct model *m = load("SetEnv A\nSetEnv B \"b c\"\nUnsetEnv A\nPassEnv FROM_ENVIRONMENT\n"
                           "SetEnvIf Host example\\.org X=$1 !Y Z=!q\nSetEnvIfNoCase X-A ^(.)$ V=$1\n"
                           "SetEnvIf ^X- . W\nBrowserMatchNoCase Mozilla M\nSetEnvIfExpr true T=1\n"
                           "SetEnvIfExpr \"%{HTTPS} =~ /(o)/\" F=$1 G\nSetEnvIf remote_addr \\d D\n");
    const struct env_op *env = m->main->dir.env.items;
    const struct setenvif *e = m->main->dir.setenvif.items;

    (void)state;
    assert_int_equal(m->main->dir.env.count, 4);
    IS(env[0].value, "");
    IS(env[1].value, "b c");
    IS(env[2].name, "A");
    assert_null(env[2].value.p);
    IS(env[3].value, "from environment");
    assert_int_equal(m->main->dir.setenvif.count, 7);
    assert_int_equal(e[0].attribute, SETENVIF_FIELD);
    IS(e[0].field, "Host");
    assert_null(e[0].regex);
    IS(e[0].literal, "example.org");
    assert_false(e[0].nocase);
    assert_int_equal(e[0].actions.count, 3);
    IS(e[0].actions.items[0].value, "$1");
    assert_false(e[0].actions.items[0].substitute);
    IS(e[0].actions.items[1].name, "Y");
    assert_null(e[0].actions.items[1].value.p);
    assert_null(e[0].actions.items[2].value.p);
    assert_non_null(e[1].regex);
    assert_true(e[1].actions.items[0].substitute);
    assert_int_equal(e[2].attribute, SETENVIF_FIELD_REGEX);
    assert_non_null(e[2].field_regex);
    IS(e[3].field, "User-Agent");
    assert_true(e[3].nocase);
    assert_int_equal(e[4].attribute, SETENVIF_EXPR);
    assert_non_null(e[4].expr);
    IS(e[4].actions.items[0].name, "T");
    assert_false(e[4].actions.items[0].substitute);
    assert_ptr_not_equal(e[5].expr, e[4].expr);
    assert_int_equal(e[5].actions.count, 2);
    assert_true(e[5].actions.items[0].substitute);
    assert_int_equal(m->exprs.count, 2);
    assert_int_equal(e[6].attribute, SETENVIF_REMOTE_ADDR);
    assert_non_null(e[6].regex);
    model_finish(m);
}

static void test_files(void **state)
{
    struct model *m =
        load("DocumentRoot /srv/\nDirectoryIndex a b\nDirectoryIndex c\nAddType text/X .Foo bar\n"
             "ErrorDocument 404 /nf.html\nErrorDocument 500 \"some text\"\nErrorDocument 502 http://h/x\n"
             "ErrorDocument 503 default\nErrorDocument 404 notapath\n"
             "LimitRequestBody 5\n<Location /x>\nDirectoryIndex disabled\n</Location>");
    const struct dir_config *d = &m->main->dir;
    struct dir_config merged;

    (void)state;
    IS(m->main->document_root, "/srv");
    assert_int_equal(d->directory_index.count, 3);
    assert_int_equal(d->types.count, 2);
    IS(d->types.items[0].extension, "foo");
    IS(d->types.items[0].type, "text/x");
    assert_int_equal(d->error_documents.count, 5);
    assert_int_equal(d->error_documents.items[0].kind, ERROR_DOCUMENT_LOCAL);
    assert_int_equal(d->error_documents.items[1].kind, ERROR_DOCUMENT_TEXT);
    IS(d->error_documents.items[1].value, "some text");
    assert_int_equal(d->error_documents.items[2].kind, ERROR_DOCUMENT_REDIRECT);
    assert_int_equal(d->error_documents.items[3].kind, ERROR_DOCUMENT_DEFAULT);
    assert_int_equal(d->error_documents.items[4].kind, ERROR_DOCUMENT_TEXT);
    assert_int_equal(d->limit_request_body, 5);
    dir_config_merge(&arena, d, &m->main->locations.items[0].config, &merged);
    assert_true(merged.directory_index_set);
    assert_int_equal(merged.directory_index.count, 0);
    assert_int_equal(merged.limit_request_body, 5);
    assert_int_equal(d->directory_index.count, 3);
    model_finish(m);
}

/* Merging twice from one base: neither sees what was appended for the other. */
static void test_merge_shares_nothing(void **state)
{
    struct model *m = load("SetEnv B b\n<Location /1>\nSetEnv X 1\nProxySCGIPathInfo Mount\n"
                           "ProxySCGIGatewayInterface On\nLimitRequestBody 3\n</Location>\n"
                           "<Location /2>\nSetEnv X 2\nSetEnv Y 2\n</Location>");
    struct dir_config one, two, all;

    (void)state;
    dir_config_merge(&arena, &m->main->dir, &m->main->locations.items[0].config, &one);
    dir_config_merge(&arena, &m->main->dir, &m->main->locations.items[1].config, &two);
    dir_config_merge(&arena, &one, &m->main->locations.items[1].config, &all);
    assert_int_equal(m->main->dir.env.count, 1);
    assert_int_equal(one.env.count, 2);
    IS(one.env.items[1].value, "1");
    assert_int_equal(two.env.count, 3);
    IS(two.env.items[1].value, "2");
    assert_int_equal(all.env.count, 4);
    IS(all.env.items[1].value, "1");
    assert_int_equal(all.path_info, PATH_INFO_MOUNT);
    assert_int_equal(all.gateway_interface, 1);
    assert_int_equal(all.limit_request_body, 3);
    assert_int_equal(two.path_info, PATH_INFO_UNSET);
    model_finish(m);
}

/* -d, -D, -C and -c. */
static void test_options(void **state)
{
    struct bundle bundle =
        bundle_make(STR("ServerRoot /srv\nDefine A 81\n<IfDefine X>\nUser x\n</IfDefine>\nTimeout 5"));
    struct config_source source = bundle_source(&bundle);
    struct str define = STR("X"), before[] = {STR("Listen 80"), STR("Timeout 3")},
               after = STR("Listen ${A}\nUser");
    struct config_options options = {
        .file = STR("gate.conf"), .directory = STR("/etc"), .server_root = STR("../srv")};
    struct diag_list diags;
    struct model *m;

    (void)state;
    diag_list_init(&diags, &arena);
    options.defines.items = &define;
    options.defines.count = 1;
    options.before.items = before;
    options.before.count = 2;
    options.after.items = &after;
    options.after.count = 1;
    assert_null(config_load(&source, &options, &arena, &diags));
    assert_int_equal(diags.errors, 1);
    assert_string_equal(
        diag_text(&arena, diags.first).p,
        "command line:2:1: error: User takes one argument\n  User\n  ^\n  hint: syntax: User name|#number\n");
    after = STR("Listen ${A}");
    diag_list_init(&diags, &arena);
    m = config_load(&source, &options, &arena, &diags);
    assert_non_null(m);
    IS(m->server_root, "/srv");
    IS(m->user, "x");
    assert_int_equal(m->listens.items[1].address.port, 81);
    assert_int_equal(m->main->timeout_ms, 5000);
    model_finish(m);
    diag_list_init(&diags, &arena);
    options.file = STR("none.conf");
    assert_null(config_load(&source, &options, &arena, &diags));
    assert_int_equal(diags.errors, 1);
    assert_string_equal(diag_text(&arena, diags.first).p,
                        "none.conf: error: cannot read the configuration: No such file or directory\n");
}

static void test_software(void **state)
{
    static const char *const rows[][2] = {
        {"Prod", "scgate"},      {"Major", "scgate/0"},    {"Minor", "scgate/0.1"},
        {"Min", "scgate/0.1.0"}, {"Full", "scgate/0.1.0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct model *m = load(arena_printf(&arena, "ServerTokens %s", rows[i][0]).p);

        assert_true(str_starts(STR("scgate/" SCGATE_VERSION), m->software));
        if (str_eq(STR(SCGATE_VERSION), STR("0.1.0")))
            IS(m->software, rows[i][1]);
        model_finish(m);
    }
}

static void test_request_sections(void **state)
{
    struct model *m =
        load("<LocationMatch \"/(?<what>x)(?<Name>y)\">\n</LocationMatch>\n"
             "<Proxy scgi://[::1]:4000/>\n</Proxy>\n<Proxy scgi://*/>\n</Proxy>\n"
             "<If true>\n</If>\n<Else>\n</Else>\n"
             "<Directory /d>\n<Files *.x>\n</Files>\n</Directory>\n"
             "<VirtualHost *>\n<ProxyMatch x>\n</ProxyMatch>\n<If true>\n</If>\n</VirtualHost>\n"
             "ProxyPass /p/ scgi://h:1/ timeout=9\n<Proxy scgi://h:1/ timeout=5>\n</Proxy>");
    const struct server *s = m->main, *host = m->virtual_hosts.items[0];
    const struct section *l = &s->locations.items[0];

    (void)state;
    assert_int_equal(l->names.count, 2);
    IS(l->names.items[0].variable, "MATCH_NAME");
    assert_int_equal(l->names.items[0].group, 2);
    IS(l->names.items[1].variable, "MATCH_WHAT");
    assert_int_equal(s->proxies.count, 3);
    assert_int_equal(s->proxies.items[0].kind, SECTION_PATH); /* the brackets are an address's */
    assert_int_equal(s->proxies.items[1].kind, SECTION_GLOB);
    assert_int_equal(s->dir.ifs.count, 2);
    assert_non_null(s->dir.ifs.items[0]->expr);
    assert_false(s->dir.ifs.items[0]->otherwise);
    assert_null(s->dir.ifs.items[1]->expr);
    assert_true(s->dir.ifs.items[1]->otherwise);
    assert_int_equal(s->directories.items[0].config.files.count, 1);
    IS(s->directories.items[0].config.files.items[0]->pattern, "*.x");
    assert_int_equal(host->proxies.count, 4);
    assert_int_equal(host->proxies.items[3].kind, SECTION_REGEX);
    assert_int_equal(host->dir.ifs.count, 3);
    assert_int_equal(m->backends.items[0]->timeout_ms, 5000);
    assert_int_equal(m->section_count, 10);
    model_finish(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),         cmocka_unit_test(test_process),
        cmocka_unit_test(test_passes),           cmocka_unit_test(test_page_examples),
        cmocka_unit_test(test_sections),         cmocka_unit_test(test_virtual_hosts),
        cmocka_unit_test(test_environment),      cmocka_unit_test(test_files),
        cmocka_unit_test(test_options),          cmocka_unit_test(test_merge_shares_nothing),
        cmocka_unit_test(test_request_sections), cmocka_unit_test(test_software),
    };
    int failed;

    arena_init(&arena, NULL, 0);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_finish(&arena);
    return failed;
}
