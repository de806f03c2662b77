/* Variables of whole requests, in their order. The tables hold what Apache was seen to send, but where the
 * header of params.h says otherwise. */
#include "scgi/params.h"

#include "base/out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { FIELDS_MAX = 12 };

static struct arena arena;
static struct field fields[FIELDS_MAX];
static struct request request;
static struct endpoints ends;
static struct scgi_facts facts;
static char text[8192];

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, NULL, 0);
    request = (struct request){
        .method = STR("GET"), .target = STR("/app/x"), .protocol = STR("HTTP/1.1"), .fields = fields};
    ends = (struct endpoints){.remote_addr = STR("127.0.0.1"),
                              .local_addr = STR("127.0.0.2"),
                              .remote_port = 55090,
                              .local_port = 8080};
    facts = (struct scgi_facts){.request = &request,
                                .endpoints = &ends,
                                .method = STR("GET"),
                                .has_body = true,
                                .request_uri = STR("/app/x"),
                                .query_string = STR(""),
                                .script_name = STR("/app/x"),
                                .script_filename = STR("proxy:scgi://127.0.0.1:4001/x"),
                                .server_name = STR("gw.example.test"),
                                .server_software = STR("scgate"),
                                .server_admin = STR("admin@example.test"),
                                .document_root = STR("/srv/www"),
                                .server_port = 80,
                                .scheme = STR("http")};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_finish(&arena);
    return 0;
}

static void add_field(struct str name, struct str value)
{
    assert_true(request.field_count < FIELDS_MAX);
    fields[request.field_count++] = (struct field){name, value, field_id_of(name)};
}

/* "NAME=value\n" for each. */
static const char *run(void)
{
    struct out o = OUT_INIT(text, sizeof text - 1);
    struct vars vars;

    vars_init(&vars, &arena);
    scgi_params(&facts, &vars);
    for (size_t i = 0; i < vars.count; i++)
        out_printf(&o, "%.*s=%.*s\n", STR_ARG(vars.items[i].name), STR_ARG(vars.items[i].value));
    assert_false(o.overflow);
    text[o.n] = '\0';
    return text;
}

/* Between the first two variables and SERVER_SIGNATURE. */
static const char *run_middle(void)
{
    static const char start[] = "CONTENT_LENGTH=0\nSCGI=1\n";
    char *end;

    run();
    assert_memory_equal(text, start, sizeof start - 1);
    end = strstr(text, "SERVER_SIGNATURE=\n");
    assert_non_null(end);
    *end = '\0';
    return text + sizeof start - 1;
}

static const char computed[] = "SERVER_SIGNATURE=\n"
                               "SERVER_SOFTWARE=scgate\n"
                               "SERVER_NAME=gw.example.test\n"
                               "SERVER_ADDR=127.0.0.2\n"
                               "SERVER_PORT=80\n"
                               "REMOTE_ADDR=127.0.0.1\n"
                               "DOCUMENT_ROOT=/srv/www\n"
                               "REQUEST_SCHEME=http\n"
                               "CONTEXT_PREFIX=\n"
                               "CONTEXT_DOCUMENT_ROOT=/srv/www\n"
                               "SERVER_ADMIN=admin@example.test\n"
                               "SCRIPT_FILENAME=proxy:scgi://127.0.0.1:4001/x\n"
                               "REMOTE_PORT=55090\n"
                               "SERVER_PROTOCOL=HTTP/1.1\n"
                               "REQUEST_METHOD=GET\n"
                               "QUERY_STRING=\n"
                               "REQUEST_URI=/app/x\n"
                               "SCRIPT_NAME=/app/x\n";

static void test_usual_request(void **state)
{
    char want[2048];

    (void)state;
    add_field(STR("Host"), STR("gw.example.test"));
    add_field(STR("Connection"), STR("close"));
    snprintf(want, sizeof want,
             "CONTENT_LENGTH=0\nSCGI=1\nHTTP_HOST=gw.example.test\nHTTP_CONNECTION=close\n%s", computed);
    assert_string_equal(run(), want);
}

static void test_all_variables(void **state)
{
    (void)state;
    facts.method = STR("POST");
    facts.content_length = UINT64_MAX;
    facts.query_string = STR("a=%20b&?");
    facts.request_uri = STR("http://h/app/a%20b/c?a=%20b&?");
    facts.script_name = STR("/app");
    facts.path_info = STR("/a b/c");
    facts.path_translated = STR("/srv/www/a b/c");
    facts.server_name = STR("[::1]");
    facts.server_port = 65535;
    facts.remote_user = STR("alice");
    facts.auth_type = STR("Basic");
    facts.gateway_interface = true;
    facts.scheme = STR("https");
    request.protocol = STR("HTTP/1.0");
    ends = (struct endpoints){
        .remote_addr = STR("::1"), .local_addr = STR("::2"), .remote_port = 1, .local_port = 8080};
    add_field(STR("content-type"), STR("text/plain; charset=UTF-8"));
    assert_string_equal(run(), "CONTENT_LENGTH=18446744073709551615\n"
                               "SCGI=1\n"
                               "CONTENT_TYPE=text/plain; charset=UTF-8\n"
                               "SERVER_SIGNATURE=\n"
                               "SERVER_SOFTWARE=scgate\n"
                               "SERVER_NAME=[::1]\n"
                               "SERVER_ADDR=::2\n"
                               "SERVER_PORT=65535\n"
                               "REMOTE_ADDR=::1\n"
                               "DOCUMENT_ROOT=/srv/www\n"
                               "REQUEST_SCHEME=https\n"
                               "CONTEXT_PREFIX=\n"
                               "CONTEXT_DOCUMENT_ROOT=/srv/www\n"
                               "SERVER_ADMIN=admin@example.test\n"
                               "SCRIPT_FILENAME=proxy:scgi://127.0.0.1:4001/x\n"
                               "REMOTE_PORT=1\n"
                               "REMOTE_USER=alice\n"
                               "AUTH_TYPE=Basic\n"
                               "GATEWAY_INTERFACE=CGI/1.1\n"
                               "SERVER_PROTOCOL=HTTP/1.0\n"
                               "REQUEST_METHOD=POST\n"
                               "QUERY_STRING=a=%20b&?\n"
                               "REQUEST_URI=http://h/app/a%20b/c?a=%20b&?\n"
                               "SCRIPT_NAME=/app\n"
                               "PATH_INFO=/a b/c\n"
                               "PATH_TRANSLATED=/srv/www/a b/c\n");
}

/* A client on a Unix socket has no port; an empty script name is a value, an absent path is none. */
static void test_absent_and_empty(void **state)
{
    (void)state;
    ends = (struct endpoints){.remote_addr = STR(""), .local_addr = STR("")};
    facts.script_name = STR("");
    run();
    assert_non_null(strstr(text, "\nREMOTE_ADDR=\n"));
    assert_non_null(strstr(text, "\nSERVER_ADDR=\n"));
    assert_null(strstr(text, "REMOTE_PORT"));
    assert_non_null(strstr(text, "\nSCRIPT_NAME=\n"));
    assert_null(strstr(text, "PATH"));
    assert_null(strstr(text, "REMOTE_USER"));
    assert_null(strstr(text, "AUTH_TYPE"));
    assert_null(strstr(text, "GATEWAY_INTERFACE"));
}

/* ---- fields ---- */

struct row {
    struct {
        const char *name, *value;
    } fields[8];
    const char *want;
};

static const struct row rows[] = {
    {{{"Host", "Other.Example.TEST:99"}}, "HTTP_HOST=Other.Example.TEST:99\n"},
    {{{"Content-Length", "7"}, {"Content-Type", "application/x-www-form-urlencoded"}},
     "CONTENT_TYPE=application/x-www-form-urlencoded\n"},
    {{{"Content-Encoding", "gzip"}, {"Content-MD5", "x"}, {"Content-Language", "en"}},
     "HTTP_CONTENT_ENCODING=gzip\nHTTP_CONTENT_MD5=x\nHTTP_CONTENT_LANGUAGE=en\n"},
    /* Names: only letters, digits and '-'. */
    {{{"X.Dot", "1"},
      {"X!Bang", "2"},
      {"X~Tilde", "3"},
      {"9Digit", "4"},
      {"-Dash-", "5"},
      {"X_Under", "6"},
      {"A", ""}},
     "HTTP_9DIGIT=4\nHTTP__DASH_=5\nHTTP_A=\n"},
    {{{"X_A", "evil"}, {"X-A", "good"}}, "HTTP_X_A=good\n"},
    /* One variable for equal names, in the place of the first. */
    {{{"X-Dup", "a"}, {"Accept", "*/*"}, {"x-dup", "b"}, {"X-DUP", ""}},
     "HTTP_X_DUP=a, b, \nHTTP_ACCEPT=*/*\n"},
    {{{"Cookie", "a=1"}, {"X", "1"}, {"Cookie", "b=2"}, {"cookie", "c=3"}, {"x", "2"}},
     "HTTP_COOKIE=a=1; b=2; c=3\nHTTP_X=1, 2\n"},
    {{{"User-Agent", "a"}, {"User-agent", "b"}}, "HTTP_USER_AGENT=a, b\n"},
    {{{"Content-Type", "a/b"}, {"Content-Type", "c/d"}}, "CONTENT_TYPE=a/b, c/d\n"},
    /* What is never passed on. */
    {{{"Authorization", "Basic YTpi"},
      {"Proxy-Authorization", "Basic eA=="},
      {"Proxy", "http://evil"},
      {"Proxy-Connection", "close"}},
     "HTTP_PROXY_CONNECTION=close\n"},
    {{{"pROXY", "http://evil"}, {"Transfer-Encoding", "chunked"}, {"content-length", "1"}}, ""},
    /* Hop-by-hop fields are, for compatibility. */
    {{{"TE", "trailers"},
      {"Trailer", "X"},
      {"Upgrade", "h2c"},
      {"Keep-Alive", "5"},
      {"Connection", "close, X-Hop"},
      {"X-Hop", "1"},
      {"Expect", "100-continue"}},
     "HTTP_TE=trailers\nHTTP_TRAILER=X\nHTTP_UPGRADE=h2c\nHTTP_KEEP_ALIVE=5\nHTTP_CONNECTION=close, "
     "X-Hop\nHTTP_X_HOP=1\n"
     "HTTP_EXPECT=100-continue\n"},
    {{{"X-Forwarded-For", "1.2.3.4"}, {"Forwarded", "for=1.1.1.1"}, {"Via", "1.0 up"}},
     "HTTP_X_FORWARDED_FOR=1.2.3.4\nHTTP_FORWARDED=for=1.1.1.1\nHTTP_VIA=1.0 up\n"},
    {{{"Max-Forwards", "5"}}, "HTTP_MAX_FORWARDS=4\n"},
    {{{"Max-Forwards", "001"}}, "HTTP_MAX_FORWARDS=0\n"},
    {{{"Range", "bytes=0-1"},
      {"If-None-Match", "\"x\""},
      {"Accept-Encoding", "gzip, br"},
      {"Accept", "*/*;q=0.1"}},
     "HTTP_RANGE=bytes=0-1\nHTTP_IF_NONE_MATCH=\"x\"\nHTTP_ACCEPT_ENCODING=gzip, "
     "br\nHTTP_ACCEPT=*/*;q=0.1\n"},
    {{{"X-High", "caf\xc3\xa9\xff"}, {"X-Tab", "a\tb"}}, "HTTP_X_HIGH=caf\xc3\xa9\xff\nHTTP_X_TAB=a\tb\n"},
    /* Names of response fields mean nothing here. */
    {{{"Status", "500"}, {"Location", "/x"}, {"Set-Cookie", "a"}, {"Set-Cookie", "b"}},
     "HTTP_STATUS=500\nHTTP_LOCATION=/x\nHTTP_SET_COOKIE=a, b\n"},
};

static void test_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        request.field_count = 0;
        for (size_t f = 0; f < 8 && rows[i].fields[f].name; f++)
            add_field(str_from(rows[i].fields[f].name), str_from(rows[i].fields[f].value));
        assert_string_equal(run_middle(), rows[i].want);
    }
}

/* The names of all known fields are those that would be built from their letters. */
static void test_known_names(void **state)
{
    static const char *const names[] = {
        "Accept-Ranges",
        "Connection",
        "Content-Range",
        "Cookie",
        "Date",
        "ETag",
        "Expect",
        "Host",
        "If-Match",
        "If-Modified-Since",
        "If-None-Match",
        "If-Range",
        "If-Unmodified-Since",
        "Keep-Alive",
        "Last-Modified",
        "Location",
        "Proxy-Connection",
        "Range",
        "Referer",
        "Server",
        "Set-Cookie",
        "Status",
        "TE",
        "Trailer",
        "Upgrade",
        "User-Agent",
        "Vary",
        "X-Sendfile",
    };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char want[64];
        int n = snprintf(want, sizeof want, "HTTP_%s=v\n", names[i]);

        for (int at = 0; at < n - 3; at++)
            want[at] = want[at] == '-' ? '_' : ascii_upper(want[at]);
        request.field_count = 0;
        add_field(str_from(names[i]), STR("v"));
        assert_int_not_equal(fields[0].id, FIELD_OTHER);
        assert_string_equal(run_middle(), want);
    }
}

/* However often a name comes, its values are joined once. */
static void test_many_equal_fields(void **state)
{
    enum { COUNT = 1000, LENGTH = 100 };
    static struct field many[COUNT];
    static char value[LENGTH];
    struct vars vars;

    (void)state;
    memset(value, 'v', sizeof value);
    for (size_t i = 0; i < COUNT; i++)
        many[i] = (struct field){STR("X-Many"), str_make(value, LENGTH), FIELD_OTHER};
    request.fields = many;
    request.field_count = COUNT;
    vars_init(&vars, &arena);
    scgi_params(&facts, &vars);
    assert_int_equal(vars_get(&vars, STR("HTTP_X_MANY")).n, COUNT * (LENGTH + 2) - 2);
    assert_true(arena.used < (size_t)2 * COUNT * LENGTH);
}

static void test_absolute_form(void **state)
{
    (void)state;
    request.uri.form = URI_ABSOLUTE;
    request.authority = STR("other.example:8080");
    add_field(STR("Host"), STR("gw.example.test"));
    assert_string_equal(run_middle(), "HTTP_HOST=other.example:8080\n");
    request.authority = STR("me:pw@x@Other.example");
    assert_string_equal(run_middle(), "HTTP_HOST=Other.example\n");
    request.field_count = 0;
    assert_string_equal(run_middle(), "");
}

static void test_authorization(void **state)
{
    (void)state;
    facts.pass_authorization = true;
    add_field(STR("Authorization"), STR("Basic YTpi"));
    add_field(STR("Proxy-Authorization"), STR("Basic eA=="));
    add_field(STR("Proxy"), STR("http://evil"));
    assert_string_equal(run_middle(), "HTTP_AUTHORIZATION=Basic YTpi\nHTTP_PROXY_AUTHORIZATION=Basic eA==\n");
}

/* A request that lost its body by a redirect has lost its type too. */
static void test_content_type_goes_with_the_body(void **state)
{
    (void)state;
    add_field(STR("Content-Type"), STR("text/x"));
    facts.has_body = false;
    assert_string_equal(run_middle(), "");
}

/* ---- variables that were set before ---- */

static void test_env_order(void **state)
{
    struct vars env;

    (void)state;
    vars_init(&env, &arena);
    vars_set(&env, STR("HEAD1"), STR("h"));
    vars_set(&env, STR("lower.dot"), STR("a b"));
    vars_set(&env, STR("REMOTE_ADDR"), STR("9.9.9.9"));
    vars_set(&env, STR("REQUEST_METHOD"), STR("FAKE"));
    vars_set(&env, STR("HTTP_X_SET"), STR("viaenv"));
    vars_set(&env, STR("HTTP_X_BOTH"), STR("viaenv"));
    vars_set(&env, STR("SCGI"), STR("7"));
    vars_set(&env, STR("CONTENT_LENGTH"), STR("999"));
    vars_set(&env, STR("GATEWAY_INTERFACE"), STR("x"));
    vars_set(&env, STR("PATH"), STR("/bin"));
    vars_set(&env, STR("PATH_INFO"), STR("/set"));
    vars_set(&env, STR("EMPTY"), STR(""));
    facts.env = &env;
    add_field(STR("Host"), STR("h"));
    add_field(STR("x-both"), STR("a"));
    add_field(STR("X-Both"), STR("b"));
    assert_string_equal(run(), "CONTENT_LENGTH=0\n"
                               "SCGI=1\n"
                               "HEAD1=h\n"
                               "lower.dot=a b\n"
                               "REMOTE_ADDR=127.0.0.1\n"
                               "REQUEST_METHOD=GET\n"
                               "HTTP_X_SET=viaenv\n"
                               "HTTP_X_BOTH=a, b\n"
                               "PATH=/bin\n"
                               "PATH_INFO=/set\n"
                               "EMPTY=\n"
                               "HTTP_HOST=h\n"
                               "SERVER_SIGNATURE=\n"
                               "SERVER_SOFTWARE=scgate\n"
                               "SERVER_NAME=gw.example.test\n"
                               "SERVER_ADDR=127.0.0.2\n"
                               "SERVER_PORT=80\n"
                               "DOCUMENT_ROOT=/srv/www\n"
                               "REQUEST_SCHEME=http\n"
                               "CONTEXT_PREFIX=\n"
                               "CONTEXT_DOCUMENT_ROOT=/srv/www\n"
                               "SERVER_ADMIN=admin@example.test\n"
                               "SCRIPT_FILENAME=proxy:scgi://127.0.0.1:4001/x\n"
                               "REMOTE_PORT=55090\n"
                               "SERVER_PROTOCOL=HTTP/1.1\n"
                               "QUERY_STRING=\n"
                               "REQUEST_URI=/app/x\n"
                               "SCRIPT_NAME=/app/x\n");
}

static void test_env_names(void **state)
{
    static const struct var bad[] = {
        {STR_INIT(""), STR_INIT("x")},
        {STR_INIT("A\0B"), STR_INIT("x")},
        {STR_INIT("A"), STR_INIT("x\0REMOTE_USER\0root")},
        {STR_INIT("REMOTE.ADDR"), STR_INIT("9.9.9.9")},
        {STR_INIT("PATH-INFO"), STR_INIT("/x")},
        {STR_INIT("CONTENT-LENGTH"), STR_INIT("9")},
        {STR_INIT("GATEWAY.INTERFACE"), STR_INIT("9")},
    };
    struct vars env;

    (void)state;
    vars_init(&env, &arena);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        vars_set(&env, bad[i].name, bad[i].value);
    vars_set(&env, STR("proxy-scgi-pathinfo"), STR(""));
    vars_set(&env, STR("remote.addr"), STR("ok"));
    vars_set(&env, STR("with space"), STR("ok"));
    vars_set(&env, STR("SCRIPT_NAME"), STR("/set"));
    facts.env = &env;
    facts.script_name = STR("/a\0SCGI");
    facts.path_info = STR("/a\0b");
    run();
    assert_ptr_equal(strstr(text,
                            "CONTENT_LENGTH=0\nSCGI=1\nproxy-scgi-pathinfo=\nremote.addr=ok\nwith space=ok\n"
                            "SERVER_SIGNATURE=\n"),
                     text);
    assert_null(strstr(text, "SCRIPT_NAME"));
    assert_null(strstr(text, "PATH_INFO"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_usual_request, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_variables, setup, teardown),
        cmocka_unit_test_setup_teardown(test_absent_and_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(test_known_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_equal_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(test_absolute_form, setup, teardown),
        cmocka_unit_test_setup_teardown(test_authorization, setup, teardown),
        cmocka_unit_test_setup_teardown(test_content_type_goes_with_the_body, setup, teardown),
        cmocka_unit_test_setup_teardown(test_env_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_env_names, setup, teardown),
    };

    return cmocka_run_group_tests_name("params", tests, NULL, NULL);
}
