#include "route/setenvif.h"

#include "route/fixture.h"

static void run(struct fixture *f, const char *head, const struct setenvif *rules, size_t count)
{
    struct request request = fixture_request(f, head);
    struct plan plan = {
        .server = &f->main, .host = STR("gw.example.test"), .port = 81, .scheme = STR("http")};
    struct route_subject subject = {&request, &f->endpoints, &plan, STR("/app/a b")};

    vars_init(&f->vars, &f->arena);
    vars_set(&f->vars, STR("REDIRECT_STATUS"), STR("200"));
    setenvif_run(&f->arena, &subject, rules, count, &f->vars);
}

#define HEAD(fields)        "GET /app/a%20b?q HTTP/1.0\r\n" fields "\r\n"
#define RUN(f, head, rules) run(f, head, rules, sizeof(rules) / sizeof(rules)[0])
#define VAR(f, name)        vars_get(&(f)->vars, STR(name))

static void attributes(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    {
        struct setenvif rules[] = {
            fixture_rule(&f, SETENVIF_REMOTE_ADDR, NULL, "(.*)", "RA", "$1"),
            fixture_rule(&f, SETENVIF_REMOTE_HOST, NULL, "(.*)", "RH", "$1"),
            fixture_rule(&f, SETENVIF_SERVER_ADDR, NULL, "(.*)", "SA", "$1"),
            fixture_rule(&f, SETENVIF_REQUEST_METHOD, NULL, "^(GET|POST)$", "RM", "$1"),
            fixture_rule(&f, SETENVIF_REQUEST_PROTOCOL, NULL, "HTTP/1\\.(.)", "RP", "<$1>"),
            fixture_rule(&f, SETENVIF_REQUEST_URI, NULL, "(.*)", "RU", "$1"),
            fixture_rule(&f, SETENVIF_FIELD, "x-in", "^(.)(.*)$", "IN", "$2$1$0$9"),
            fixture_rule(&f, SETENVIF_FIELD_REGEX, "^X-Any-", "(.+)", "ANY", "$1"),
        };

        RUN(&f, HEAD("X-In: hello\r\nX-Any-1: one\r\nX-Any-2: two\r\nY: 3\r\n"), rules);
    }
    assert_str(VAR(&f, "RA"), "192.0.2.7");
    assert_str(VAR(&f, "RH"), "192.0.2.7");
    assert_str(VAR(&f, "SA"), "127.0.0.1");
    assert_str(VAR(&f, "RM"), "GET");
    assert_str(VAR(&f, "RP"), "<0>");
    assert_str(VAR(&f, "RU"), "/app/a b");
    assert_str(VAR(&f, "IN"), "ellohhello");
    assert_str(VAR(&f, "ANY"), "two"); /* the last field that fits */
    fixture_finish(&f);
}

static void missing_fields(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    {
        struct setenvif rules[] = {
            fixture_rule(&f, SETENVIF_FIELD, "Missing", "^$", "NOTTHERE", "1"),
            fixture_rule(&f, SETENVIF_FIELD, "Missing", ".", "THERE", "1"),
            fixture_rule(&f, SETENVIF_FIELD_REGEX, "^No-", "^$", "NONE", "1"),
            fixture_rule(&f, SETENVIF_FIELD, "NOTTHERE", "^1$", "CHAINED", "yes"),
            fixture_rule(&f, SETENVIF_FIELD, "REDIRECT_STATUS", "^(2..)$", "BEFORE", "$1"),
            fixture_rule(&f, SETENVIF_FIELD, "LATER", "1", "TOOEARLY", "1"),
            fixture_rule(&f, SETENVIF_FIELD, "X", NULL, "LATER", "1"),
        };

        RUN(&f, HEAD("X: y\r\n"), rules);
    }
    assert_str(VAR(&f, "NOTTHERE"), "1");
    assert_str(VAR(&f, "THERE"), NULL);
    assert_str(VAR(&f, "NONE"), "1");
    assert_str(VAR(&f, "CHAINED"), "yes");
    assert_str(VAR(&f, "BEFORE"), "200");
    assert_str(VAR(&f, "LATER"), "1");
    assert_str(VAR(&f, "TOOEARLY"), NULL);
    fixture_finish(&f);
}

static void field_beats_variable(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    {
        struct setenvif rules[] = {
            fixture_rule(&f, SETENVIF_FIELD, "X", NULL, "Y", "variable"),
            fixture_rule(&f, SETENVIF_FIELD, "Y", "(.*)", "GOT", "$1"),
        };

        RUN(&f, HEAD("Y: field\r\n"), rules);
        assert_str(VAR(&f, "GOT"), "field");
        RUN(&f, HEAD("Y:\r\n"), rules); /* empty is not missing */
        assert_str(VAR(&f, "GOT"), "");
    }
    fixture_finish(&f);
}

static void repeated_fields_are_joined(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    {
        struct setenvif rules[] = {
            fixture_rule(&f, SETENVIF_FIELD, "X-In", "(.*)", "ALL", "$1"),
            fixture_rule(&f, SETENVIF_FIELD_REGEX, "(?i)^x-i", "(.*)", "ALLRE", "$1"),
        };

        RUN(&f, HEAD("X-In: a\r\nOther: z\r\nx-in: b\r\nX-IN: c\r\n"), rules);
    }
    assert_str(VAR(&f, "ALL"), "a, b, c");
    assert_str(VAR(&f, "ALLRE"), "a, b, c");
    fixture_finish(&f);
}

static void unset_and_several_actions(void **state)
{
    struct fixture f;
    struct setenvif rules[2];

    (void)state;
    fixture_init(&f);
    rules[0] = fixture_rule(&f, SETENVIF_FIELD, "X-In", "^(.)", "HEAD1", "$1");
    PUSH(&f, &rules[0].actions, (struct setenvif_action){STR("PLAIN"), STR("$1"), false});
    rules[1] = fixture_rule(&f, SETENVIF_FIELD, "X-In", "zz", "ZZ", "1");
    PUSH(&f, &rules[1].actions, (struct setenvif_action){STR("HEAD1"), STR_NONE, false});
    RUN(&f, HEAD("X-In: zzz\r\n"), rules);
    assert_str(VAR(&f, "HEAD1"), NULL);
    assert_str(VAR(&f, "PLAIN"), "$1");
    assert_str(VAR(&f, "ZZ"), "1");
    RUN(&f, HEAD("X-In: yyy\r\n"), rules);
    assert_str(VAR(&f, "HEAD1"), "y");
    assert_str(VAR(&f, "ZZ"), NULL);
    fixture_finish(&f);
}

static void literals(void **state)
{
    struct fixture f;
    struct setenvif rules[2];

    (void)state;
    fixture_init(&f);
    rules[0] = fixture_rule(&f, SETENVIF_FIELD, "X", NULL, "CASED", "$0");
    rules[0].literal = STR("hello");
    rules[1] = fixture_rule(&f, SETENVIF_FIELD, "X", NULL, "NOCASE", "1");
    rules[1].literal = STR("HELLO");
    rules[1].nocase = true;
    RUN(&f, HEAD("X: say hello\r\n"), rules);
    assert_str(VAR(&f, "CASED"), "$0"); /* there is no group to take from */
    assert_str(VAR(&f, "NOCASE"), "1");
    RUN(&f, HEAD("X: say Hello.\r\n"), rules);
    assert_str(VAR(&f, "CASED"), NULL);
    assert_str(VAR(&f, "NOCASE"), "1");
    RUN(&f, HEAD("X: hell\r\n"), rules);
    assert_str(VAR(&f, "CASED"), NULL);
    assert_str(VAR(&f, "NOCASE"), NULL);
    fixture_finish(&f);
}

/* ---- SetEnvIfExpr ---- */

struct expr_case {
    const char *text, *value, *got; /* got NULL: the expression does not hold */
};

/* Each rule sets the variable E, and what it has set is seen by the next ones as BEFORE. */
static void check_expr(struct fixture *f, const char *head, const struct expr_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct setenvif rules[2] = {fixture_rule(f, SETENVIF_FIELD, "X-In", NULL, "BEFORE", "set"),
                                    {.attribute = SETENVIF_EXPR}};
        struct expr_fault fault;
        struct expr *e = expr_compile(&f->arena, str_from(cases[i].text), &fault);

        assert_non_null(e);
        rules[1].expr = e;
        PUSH(f, &rules[1].actions, (struct setenvif_action){STR("E"), str_from(cases[i].value), true});
        RUN(f, head, rules);
        if (!str_eq(VAR(f, "E"), str_from(cases[i].got)) || !VAR(f, "E").p != !cases[i].got)
            fail_msg("%s gives \"%.*s\"", cases[i].text, STR_ARG(VAR(f, "E")));
        expr_free(e);
    }
}

static void expressions(void **state)
{
    static const struct expr_case cases[] = {
        {"true", "1", "1"},
        {"false", "1", NULL},
        {"%{QUERY_STRING} =~ /^(q)$/", "<$1$0>", "<qq>"},
        {"%{QUERY_STRING} =~ /^q$/", "$1", "$1"}, /* no groups: nothing to take from */
        {"%{QUERY_STRING} !~ /(z)/", "$1", "$1"},
        {"%{HTTP:x-in} == 'a, b' && %{HTTP:Missing} == ''", "1", "1"},
        {"%{HTTP_USER_AGENT} == 'Curl'", "1", "1"},
        {"%{HTTP_HOST} == 'h:82'", "1", "1"},
        {"%{REQUEST_METHOD} == 'GET' && %{REQUEST_SCHEME} == 'http' && %{HTTPS} == 'off'", "1", "1"},
        {"%{REQUEST_URI} == '/app/a b' && %{DOCUMENT_URI} == %{REQUEST_URI}", "1", "1"},
        {"%{REMOTE_ADDR} == '192.0.2.7' && %{REMOTE_PORT} == '50000' && %{IPV6} == 'off'", "1", "1"},
        {"-R '192.0.2.0/24' && %{SERVER_ADDR} == '127.0.0.1'", "1", "1"},
        {"%{SERVER_NAME} == 'gw.example.test' && %{SERVER_PORT} -eq 81", "1", "1"},
        {"%{DOCUMENT_ROOT} == '/srv/www' && %{SERVER_ADMIN} == ''", "1", "1"},
        {"%{SERVER_PROTOCOL} == 'HTTP/1.0' && %{THE_REQUEST} == 'GET /app/a%20b?q HTTP/1.0'", "1", "1"},
        {"%{reqenv:BEFORE} == 'set' && env('REDIRECT_STATUS') == '200'", "1", "1"},
        {"%{resp:X-In} == ''", "1", "1"},
        {"%{HTTP:X-In} !~ /^(a+|a+,| |b)+z$/ || true", "1", "1"},
    };
    struct fixture f;

    (void)state;
    fixture_init(&f);
    check_expr(&f, HEAD("Host: h:82\r\nX-In: a\r\nUser-Agent: Curl\r\nX-In: b\r\n"), cases,
               sizeof cases / sizeof *cases);
    check_expr(&f, "GET http://u@h:82/ HTTP/1.1\r\nHost: other\r\n\r\n",
               &(struct expr_case){"%{HTTP:host} == 'h:82'", "1", "1"}, 1);
    fixture_finish(&f);
}

/* What cannot be decided sets nothing. */
static void expression_over_limits(void **state)
{
    static const struct expr_case cases[] = {{"%{HTTP:X-In} !~ /^(a+)+$/", "1", NULL}};
    struct fixture f;

    (void)state;
    fixture_init(&f);
    check_expr(&f, HEAD("X-In: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\r\n"), cases, 1);
    fixture_finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes),
        cmocka_unit_test(missing_fields),
        cmocka_unit_test(field_beats_variable),
        cmocka_unit_test(repeated_fields_are_joined),
        cmocka_unit_test(unset_and_several_actions),
        cmocka_unit_test(literals),
        cmocka_unit_test(expressions),
        cmocka_unit_test(expression_over_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
