/* Who is let in, by what a configuration says. */
#include "route/configured.h"

struct who {
    const char *line, *fields, *address;
};

#define CLIENT(ip)                                                                                           \
    {                                                                                                        \
        "GET /app/x", "", ip                                                                                 \
    }

/* In <Location /app/> stands the text; want: NULL when access is granted, else the reason. */
struct row {
    const char *text;
    struct who who;
    const char *want;
};

static void check(const char *config, struct who who, const char *want)
{
    struct configured c;
    struct plan plan;

    configured_init(&c, config);
    c.endpoints.remote_addr = str_from(who.address);
    if (who.address[0] == '\0')
        c.endpoints.local_addr = STR("");
    plan = configured_ask(&c, who.line, who.fields);
    if (!want && plan.kind != PLAN_BACKEND)
        fail_msg("not granted to %s: %s\n%s", who.address, plan.reason, config);
    if (want && plan.kind != PLAN_STATUS)
        fail_msg("granted to %s:\n%s", who.address, config);
    if (want) {
        assert_int_equal(plan.status, 403);
        assert_string_equal(plan.reason, want);
    }
    configured_finish(&c);
}

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char config[2048];

        snprintf(config, sizeof config, "SetEnvIf X-V (.+) V=$1\n<Location /app/>\n%s\n</Location>",
                 rows[i].text);
        check(config, rows[i].who, rows[i].want);
    }
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof *(rows))
#define AT(line)         "\" at /etc/gate.conf:" line

static void require_lines(void **state)
{
    static const struct row rows[] = {
        {"Require all granted", CLIENT("192.0.2.7"), NULL},
        {"Require all denied", CLIENT("192.0.2.7"), "denied by \"Require all denied" AT("5")},
        {"Require ip 192.0.2", CLIENT("192.0.2.7"), NULL},
        {"Require ip 10 2001:db8::/32", CLIENT("2001:db8::7"), NULL},
        {"Require ip 10 2001:db8::/32", CLIENT("10.1.2.3"), NULL},
        {"Require ip 10 2001:db8::/32", CLIENT("11.1.2.3"),
         "denied by \"Require ip 10 2001:db8::/32" AT("5")},
        {"Require ip 0.0.0.0/0", CLIENT(""), "denied by \"Require ip 0.0.0.0/0" AT("5")},
        {"Require local", CLIENT("127.9.9.9"), NULL},
        {"Require local", CLIENT("::1"), NULL},
        {"Require local", CLIENT("::ffff:127.0.0.1"), NULL},
        {"Require local", CLIENT("192.0.2.1"), NULL}, /* this end's own address */
        {"Require local", CLIENT(""), NULL},          /* of a Unix socket */
        {"Require local", CLIENT("192.0.2.7"), "denied by \"Require local" AT("5")},
        {"Require local", CLIENT("::2"), "denied by \"Require local" AT("5")},
        {"Require env U V", {"GET /app/x", "X-V: 1\r\n", "192.0.2.7"}, NULL},
        {"Require env U V", CLIENT("192.0.2.7"), "denied by \"Require env U V" AT("5")},
        {"Require env", CLIENT("192.0.2.7"), "denied by \"Require env" AT("5")},
        {"Require method GET", CLIENT("192.0.2.7"), NULL},
        {"Require method GET POST", {"HEAD /app/x", "", "192.0.2.7"}, NULL},
        {"Require method HEAD", CLIENT("192.0.2.7"), NULL},
        {"Require method GET", {"get /app/x", "", "192.0.2.7"}, "denied by \"Require method GET" AT("5")},
        {"Require expr %{QUERY_STRING} =~ /^k=(\\d+)$/", {"GET /app/x?k=12", "", "192.0.2.7"}, NULL},
        {"Require expr \"%{QUERY_STRING} == 'x'\"", CLIENT("192.0.2.7"),
         "denied by \"Require expr \"%{QUERY_STRING} == 'x'\"" AT("5")},
        /* Any of several is enough. */
        {"Require ip 10\nRequire env V\nRequire method POST", {"POST /app/x", "", "192.0.2.7"}, NULL},
        {"Require ip 10\nRequire env V", CLIENT("192.0.2.7"),
         "not granted by any line from \"Require ip 10" AT("5") " on"},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void require_groups(void **state)
{
#define ALL(lines)  "<RequireAll>\n" lines "</RequireAll>\n"
#define ANY(lines)  "<RequireAny>\n" lines "</RequireAny>\n"
#define NONE(lines) "<RequireNone>\n" lines "</RequireNone>\n"
    static const struct row rows[] = {
        {ALL("Require ip 192\nRequire method GET\n"), CLIENT("192.0.2.7"), NULL},
        {ALL("Require ip 192\nRequire method POST\n"), CLIENT("192.0.2.7"),
         "denied by \"Require method POST" AT("7")},
        {ALL("Require ip 10\nRequire method POST\n"), CLIENT("192.0.2.7"),
         "denied by \"Require ip 10" AT("6")},
        {ALL("Require all granted\nRequire not ip 192.0.2.7\n"), CLIENT("192.0.2.8"), NULL},
        {ALL("Require all granted\nRequire not ip 192.0.2.7\n"), CLIENT("192.0.2.7"),
         "denied by \"Require not ip 192.0.2.7" AT("7")},
        /* What is not kept out is not let in by that. */
        {ALL("Require not ip 10\nRequire ip 11\n"), CLIENT("192.0.2.7"), "denied by \"Require ip 11" AT("7")},
        {ALL("Require all granted\n" NONE("Require ip 10\nRequire env V\n")), CLIENT("192.0.2.7"), NULL},
        {ALL("Require all granted\n" NONE("Require ip 10\nRequire env V\n")), CLIENT("10.0.0.1"),
         "denied by \"<RequireNone>" AT("7")},
        {ALL("Require all granted\n" NONE("Require ip 10\nRequire env V\n")),
         {"GET /app/x", "X-V: 1\r\n", "192.0.2.7"},
         "denied by \"<RequireNone>" AT("7")},
        {ANY(ALL("Require ip 192\nRequire env V\n") "Require ip 10\n"), CLIENT("10.0.0.1"), NULL},
        {ANY(ALL("Require ip 192\nRequire env V\n") "Require ip 10\n"),
         {"GET /app/x", "X-V: 1\r\n", "192.0.2.7"},
         NULL},
        {ANY(ALL("Require ip 192\nRequire env V\n") "Require ip 10\n"), CLIENT("192.0.2.7"),
         "not granted by any line from \"<RequireAny>" AT("5") " on"},
        /* A negated group that finds nothing leaves the decision to its parent, which has none. */
        {ALL("Require ip 192\n" NONE("Require env V\n")) "Require ip 11\n", CLIENT("10.0.0.1"),
         "not granted by any line from \"<RequireAll>" AT("5") " on"},
    };

    (void)state;
    CHECK_ROWS(rows);
}

/* Neither an expression that runs into a limit nor its opposite lets anybody in. */
static void limits(void **state)
{
    char query[3000], config[512];
    struct who who = {query, "", "192.0.2.7"};

    (void)state;
    snprintf(query, sizeof query, "GET /app/x?");
    memset(query + strlen(query), 'a', 2900 - strlen(query));
    query[2900] = '\0';
    snprintf(config, sizeof config,
             "<Location /app/>\n<RequireAll>\nRequire all granted\nRequire not expr %%{QUERY_STRING} =~ "
             "/(?:(?:a+)+)+b|c(d)?$/\n</RequireAll>\n</Location>");
    check(config, who,
          "\"Require not expr %{QUERY_STRING} =~ /(?:(?:a+)+)+b|c(d)?$/" AT("6") " is too much work");
}

static void order_lines(void **state)
{
    static const struct row rows[] = {
        {"Order deny,allow", CLIENT("192.0.2.7"), NULL},
        {"Order allow,deny", CLIENT("192.0.2.7"), "not allowed behind \"Order allow,deny" AT("5")},
        {"Order mutual-failure", CLIENT("192.0.2.7"), "not allowed behind \"Order mutual-failure" AT("5")},
        {"Deny from all", CLIENT("192.0.2.7"), "denied by \"Deny from all" AT("5")},
        {"Allow from 10", CLIENT("192.0.2.7"), NULL}, /* the default order is deny,allow */
        {"Order deny,allow\nDeny from all\nAllow from 192.0.2", CLIENT("192.0.2.7"), NULL},
        {"Order allow,deny\nAllow from all\nDeny from 192.0.2", CLIENT("192.0.2.7"),
         "denied by \"Deny from 192.0.2" AT("7")},
        {"Order allow,deny\nAllow from all\nDeny from 192.0.2", CLIENT("192.0.3.7"), NULL},
        {"Order mutual-failure\nAllow from 192\nDeny from 192.0", CLIENT("192.0.2.7"),
         "denied by \"Deny from 192.0" AT("7")},
        {"Order mutual-failure\nAllow from 192\nDeny from 192.0", CLIENT("192.1.2.7"), NULL},
        {"Order deny,allow\nDeny from env=V", CLIENT("192.0.2.7"), NULL},
        {"Order deny,allow\nDeny from env=V",
         {"GET /app/x", "X-V: 1\r\n", "192.0.2.7"},
         "denied by \"Deny from env=V" AT("6")},
        {"Order allow,deny\nAllow from env=!V", CLIENT("192.0.2.7"), NULL},
        {"Order allow,deny\nAllow from env=!V",
         {"GET /app/x", "X-V: 1\r\n", "192.0.2.7"},
         "not allowed behind \"Order allow,deny" AT("5")},
        /* With Require, both must let it pass. */
        {"Require all granted\nDeny from all", CLIENT("192.0.2.7"), "denied by \"Deny from all" AT("6")},
        {"Require all denied\nAllow from all", CLIENT("192.0.2.7"), "denied by \"Require all denied" AT("5")},
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void merging(void **state)
{
#define OUTER "<Location /app>\nRequire ip 192\nDeny from 192.0.2.9\n</Location>\n<Location /app/>\n"
    static const struct row rows[] = {
        {OUTER "</Location>", CLIENT("192.0.2.7"), NULL},
        {OUTER "</Location>", CLIENT("192.0.2.9"), "denied by \"Deny from 192.0.2.9" AT("5")},
        {OUTER "Require env V\n</Location>", CLIENT("192.0.2.7"), "denied by \"Require env V" AT("8")},
        {OUTER "AuthMerging Off\nRequire env V\n</Location>", CLIENT("192.0.2.7"),
         "denied by \"Require env V" AT("9")},
        {OUTER "AuthMerging Off\n</Location>", CLIENT("10.0.0.1"), NULL},
        {OUTER "AuthMerging And\n</Location>", CLIENT("10.0.0.1"), "denied by \"Require ip 192" AT("4")},
        {OUTER "AuthMerging And\nRequire method GET\n</Location>", CLIENT("192.0.2.7"), NULL},
        {OUTER "AuthMerging And\nRequire method POST\n</Location>", CLIENT("192.0.2.7"),
         "denied by \"Require method POST" AT("9")},
        {OUTER "AuthMerging Or\nRequire method GET\n</Location>", CLIENT("10.0.0.1"), NULL},
        {OUTER "AuthMerging Or\nRequire method POST\n</Location>", CLIENT("10.0.0.1"),
         "not granted by any line from \"Require method POST" AT("9") " on"},
        {"<Location /app/>\nAuthMerging And\nRequire ip 192\n</Location>", CLIENT("192.0.2.7"), NULL},
        /* Order, Allow and Deny of a section replace those around it. */
        {OUTER "Allow from 10\n</Location>", CLIENT("192.0.2.9"), NULL},
        {OUTER "Satisfy All\n</Location>", CLIENT("192.0.2.9"), NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(rows[i].text, rows[i].who, rows[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(require_lines), cmocka_unit_test(require_groups), cmocka_unit_test(limits),
        cmocka_unit_test(order_lines),   cmocka_unit_test(merging),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
