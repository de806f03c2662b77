/* What Header and RequestHeader make of fields, by what a configuration says. */
#include "route/header_rules.h"

#include "route/configured.h"

/* "Name: value" of each, joined by '|'. */
static const char *text_of(struct arena *arena, const struct field *fields, size_t count)
{
    struct str text = STR("");

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(fields[i].id, field_id_of(fields[i].name));
        assert_true(field_name_valid(fields[i].name) && field_value_valid(fields[i].value));
        text = arena_printf(arena, "%.*s%s%.*s: %.*s", STR_ARG(text), i ? "|" : "", STR_ARG(fields[i].name),
                            STR_ARG(fields[i].value));
    }
    return arena_copy(arena, text).p;
}

/* The fields of a text "Name: value|Name: value". */
static size_t fields_of(struct str text, struct field *fields)
{
    size_t n = 0;

    while (text.n) {
        struct str value = str_until(&text, '|'), name = str_until(&value, ':');

        fields[n++] = (struct field){name, str_trim(value), field_id_of(name)};
    }
    return n;
}

struct row {
    const char *config;
    const char *in; /* of the response */
    const char *want;
};

/* What the request has: see check_response(). */
static void check_response(const char *config, const char *in, bool error, const char *want)
{
    struct configured c;
    struct field fields[16];
    struct response r = {.status = 200, .fields = fields};
    struct vars params;
    struct plan plan;
    struct header_subject subject = {
        .vars = &c.vars, .more = &params, .begun_us = 1700000000000000, .taken_us = 12000};

    configured_init(&c, config);
    plan =
        configured_ask(&c, "GET /app/x?q",
                       "X-A: 1\r\nx-b: 2\r\nConnection: X-C\r\nX-C: 3\r\nContent-Length: 0\r\nDate: d\r\n");
    subject.request = (struct route_subject){
        .request = &c.request, .endpoints = &c.endpoints, .plan = &plan, .path = plan.path};
    vars_init(&params, &c.arena);
    vars_set(&params, STR("REQUEST_METHOD"), STR("GET"));
    vars_set(&params, STR("BAD"), STR(" a\r\nb\1c "));
    r.field_count = fields_of(str_from(in), fields);
    header_rules_response(&c.arena, plan.config, &subject, error, &r);
    in = text_of(&c.arena, r.fields, r.field_count);
    if (strcmp(in, want) != 0)
        fail_msg("%s\ngives  %s\nwanted %s", config, in, want);
    configured_finish(&c);
}

static void actions(void **state)
{
    static const struct row rows[] = {
        {"", "A: 1", "A: 1"},
        {"Header set A 2", "", "A: 2"},
        {"Header set a 2", "A: 1|B: 1|A: 3", "A: 2|B: 1"},
        {"Header set A \"\"", "A: 1", "A: "},
        {"Header set A: 2", "A: 1", "A: 2"},
        {"Header setifempty A 2", "A: 1", "A: 1"},
        {"Header setifempty A 2", "A:", "A: "},
        {"Header setifempty A 2", "B: 1", "B: 1|A: 2"},
        {"Header add A 2", "A: 1", "A: 1|A: 2"},
        {"Header append A 2", "A: 1|A: 3", "A: 1, 2|A: 3"},
        {"Header append A 2", "", "A: 2"},
        {"Header merge A 2", "A: 1", "A: 1, 2"},
        {"Header merge A 2", "A: 1,  2 ,3", "A: 1,  2 ,3"},
        {"Header merge A 2", "A: \"1, 2\"", "A: \"1, 2\", 2"},
        {"Header merge A B", "A: b", "A: b, B"},
        {"Header merge A 2", "", "A: 2"},
        {"Header unset A", "a: 1|B: 1|A: 2", "B: 1"},
        {"Header echo ^X-", "", "X-A: 1|X-C: 3"}, /* with regard to case */
        {"Header echo .", "", "Host: h.test|X-A: 1|x-b: 2|X-C: 3|Date: d"},
        {"Header echo ^Date", "", "Date: d"},
        {"Header echo ^Date", "Date: e", "Date: e"}, /* there is one only */
        {"Header edit A (.) <$1$1>", "A: xyx|B: x|A: y", "A: <xx>yx|B: x|A: <yy>"},
        {"Header edit* A x [$0]", "A: xyx", "A: [x]y[x]"},
        {"Header edit* A z* -", "A: xy", "A: -x-y-"},
        {"Header edit* A z* -", "A: ", "A: -"},
        {"Header edit A z -", "A: xy", "A: xy"},
        {"Header edit A z -", "B: z", "B: z"},
        {"Header edit Set-Cookie ^(.*)$ \"$1; Secure\"", "Set-Cookie: a=1|Set-Cookie: b=2",
         "Set-Cookie: a=1; Secure|Set-Cookie: b=2; Secure"},
        /* Of some there is one only. */
        {"Header add Location /b\nHeader add ETag e", "Location: /a", "Location: /b|ETag: e"},
        {"Header set Server me", "", "Server: me"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_response(rows[i].config, rows[i].in, false, rows[i].want);
}

static void values(void **state)
{
    static const struct row rows[] = {
        {"Header set A \"%{REQUEST_METHOD}e/%{NONE}e/%%/%t/%D/50%\"", "",
         "A: GET/(null)/%/t=1700000000000000/D=12000/50%"},
        {"SetEnv V \"of SetEnv\"\nHeader set A %{V}e", "", "A: of SetEnv"},
        {"Header set A %{BAD}e", "", "A: a  b c"},
        {"Header set A \" a\\tb \"", "", "A: a\tb"},
        {"Header set A \"expr=%{REQUEST_METHOD} %{tolower:ABC} %{resp:B}\"", "B: 1|B: 2",
         "B: 1|B: 2|A: GET abc 1, 2"},
        /* A variable in a replacement stands for itself. */
        {"SetEnv V $1\nHeader edit A (.) %{V}e$1", "A: x", "A: $1x"},
        {"Header edit A (.) %{NONE}e$1", "A: x", "A: (null)x"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_response(rows[i].config, rows[i].in, false, rows[i].want);
}

static void conditions(void **state)
{
    static const struct row rows[] = {
        {"SetEnv V\nHeader set A 1 env=V\nHeader set B 1 env=!V\nHeader unset C env=V", "C: 1", "A: 1"},
        {"Header set A 1 env=V\nHeader set B 1 env=!V\nHeader unset C env=V", "C: 1", "C: 1|B: 1"},
        {"Header set A 1 env=REQUEST_METHOD", "", "A: 1"},
        {"Header set A 1 \"expr=%{QUERY_STRING} == 'q'\"\nHeader set B 1 expr=%{QUERY_STRING}=='r'", "",
         "A: 1"},
        /* Later rules see what earlier ones did. */
        {"Header set A 1\nHeader set B 1 \"expr=%{resp:a} == '1'\"", "", "A: 1|B: 1"},
        {"Header edit A 1 2 \"expr=-n %{resp:B}\"", "A: 1", "A: 1"},
        /* always comes first, and sections come after the server. */
        {"Header set A 1\nHeader always set A 2\nHeader always set B 1", "", "A: 1|B: 1"},
        {"<Location /app>\nHeader append A 2\n</Location>\nHeader append A 1", "", "A: 1, 2"},
        {"<Location /other>\nHeader append A 2\n</Location>\nHeader onsuccess append A 1", "", "A: 1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_response(rows[i].config, rows[i].in, false, rows[i].want);
    check_response("Header set A 1\nHeader always set B 1\nHeader onsuccess set C 1", "D: 1", true,
                   "D: 1|B: 1");
}

/* The fields that applications get, and what the configuration sees of them. */
static void check_request(const char *config, const char *in, const char *want)
{
    struct configured c;
    struct plan plan;

    configured_init(&c, config);
    c.begun_us = 5;
    c.taken_us = 6;
    plan = configured_ask(&c, "GET /app/x", in);
    assert_int_equal(plan.kind, PLAN_BACKEND);
    in = plan.fields ? text_of(&c.arena, plan.fields, plan.field_count) : "as it was";
    if (strcmp(in, want) != 0)
        fail_msg("%s\ngives  %s\nwanted %s", config, in, want);
    configured_finish(&c);
}

static void requests(void **state)
{
    (void)state;
    check_request("", "A: 1\r\n", "as it was");
    check_request("Header set B 1", "A: 1\r\n", "as it was");
    check_request("RequestHeader set A 2", "A: 1\r\na: 3\r\n", "Host: h.test|A: 2");
    check_request("RequestHeader unset a", "A: 1\r\nB: 1\r\n", "Host: h.test|B: 1");
    check_request("RequestHeader append A tail\nRequestHeader append B tail", "A: 1\r\n",
                  "Host: h.test|A: 1, tail|B: tail");
    check_request("RequestHeader add A 2\nRequestHeader merge A 1\nRequestHeader edit A 2 3", "A: 1\r\n",
                  "Host: h.test|A: 1|A: 3");
    check_request("RequestHeader set Connection x", "", "Host: h.test|Connection: x");
    check_request("RequestHeader set A \"%t %D\"", "", "Host: h.test|A: t=5 D=6");
    /* Variables of SetEnv are there; rules see what those before them did. */
    check_request(
        "SetEnv V 1\nRequestHeader set A %{V}e env=V\nRequestHeader set B 1 \"expr=%{HTTP:A} == '1'\"", "",
        "Host: h.test|A: 1|B: 1");
    check_request("<Location /app>\nRequestHeader set A 2\n</Location>\nRequestHeader set A 1", "",
                  "Host: h.test|A: 2");
    /* Others come too late for SetEnvIf and access. */
    check_request("RequestHeader set A early early\nSetEnvIf A (.+) V=$1\nRequestHeader set B %{V}e", "",
                  "Host: h.test|A: early|B: early");
    check_request("RequestHeader set A late\nSetEnvIf A (.+) V=$1\nRequestHeader set B %{V}e", "",
                  "Host: h.test|A: late|B: (null)");
    check_request("RequestHeader set A 1 early\n<Location />\nRequire expr \"%{HTTP:A} == '1'\"\n</Location>",
                  "", "Host: h.test|A: 1");
}

/* After an internal redirect the request has its early changes already. */
static void early_once(void **state)
{
    struct configured c;
    struct route_input input = {.request = &c.request, .endpoints = &c.endpoints, .vars = &c.vars};
    struct plan plan;

    (void)state;
    configured_init(&c, "RequestHeader append A 1 early\nRequestHeader append B 1");
    plan = configured_ask(&c, "GET /app/x", "");
    c.request.fields = plan.fields;
    c.request.field_count = plan.field_count;
    vars_init(&c.vars, &c.arena);
    vars_set(&c.vars, STR("REDIRECT_STATUS"), STR("200"));
    route_request(c.router, &c.arena, &input, &plan);
    assert_string_equal(text_of(&c.arena, plan.fields, plan.field_count), "Host: h.test|A: 1|B: 1, 1");
    configured_finish(&c);
}

/* What one message may grow by is bounded. */
static void bounds(void **state)
{
    struct configured c;
    struct response r = {.status = 200};
    struct field field;
    struct plan plan;
    struct header_subject subject = {.vars = &c.vars};
    char *long_value;

    (void)state;
    configured_init(&c, "Header edit* A . 0123456789\nHeader set B 1");
    plan = configured_ask(&c, "GET /app/x", "");
    subject.request = (struct route_subject){.request = &c.request, .endpoints = &c.endpoints, .plan = &plan};
    long_value = arena_alloc(&c.arena, HEADER_RULES_MAX_BYTES);
    memset(long_value, 'x', HEADER_RULES_MAX_BYTES);
    for (int over = 0; over < 2; over++) {
        field = (struct field){
            STR("A"), str_make(long_value, (HEADER_RULES_MAX_BYTES - 1) / 10 + (size_t)over), FIELD_OTHER};
        r.fields = &field;
        r.field_count = 1;
        header_rules_response(&c.arena, plan.config, &subject, false, &r);
        assert_int_equal(r.field_count, 2);
        assert_int_equal(r.fields[0].value.n, over ? field.value.n : 10 * field.value.n);
    }
    configured_finish(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(actions),  cmocka_unit_test(values),     cmocka_unit_test(conditions),
        cmocka_unit_test(requests), cmocka_unit_test(early_once), cmocka_unit_test(bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
