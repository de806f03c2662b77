/* The small grammars: values, targets of ProxyPass, log formats, near names. */
#include "base/suggest.h"
#include "config/directive.h"
#include "config/target.h"
#include "config/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct arena arena;

static int64_t time_of(const char *text)
{
    int64_t ms;

    return value_time(str_from(text), 1000, &ms) ? ms : -1;
}

static void test_time(void **state)
{
    (void)state;
    assert_int_equal(time_of("5"), 5000);
    assert_int_equal(time_of("0"), 0);
    assert_int_equal(time_of("5s"), 5000);
    assert_int_equal(time_of("500MS"), 500);
    assert_int_equal(time_of("2min"), 120000);
    assert_int_equal(time_of("2mi"), 120000);
    assert_int_equal(time_of("1h"), 3600000);
    assert_int_equal(time_of("86400000"), 1000LL * 86400 * 1000);
    assert_int_equal(time_of("86400001"), -1);
    assert_int_equal(time_of("99999999999999999999"), -1);
    assert_int_equal(time_of(""), -1);
    assert_int_equal(time_of("s"), -1);
    assert_int_equal(time_of("-1"), -1);
    assert_int_equal(time_of("5x"), -1);
    assert_int_equal(time_of("5 s"), -1);
}

static void test_integer(void **state)
{
    int64_t v;
    unsigned port;

    (void)state;
    assert_true(value_integer(STR("-12"), &v) && v == -12);
    assert_true(value_integer(STR("+12"), &v) && v == 12);
    assert_true(value_integer(STR("9223372036854775807"), &v) && v == INT64_MAX);
    assert_false(value_integer(STR("9223372036854775808"), &v));
    assert_false(value_integer(STR("--1"), &v));
    assert_false(value_integer(STR(""), &v));
    assert_true(value_port(STR("65535"), &port) && port == 65535);
    assert_false(value_port(STR("65536"), &port));
    assert_false(value_port(STR("0"), &port));
    assert_false(value_port(STR("+1"), &port));
}

#define PATH(base, path) value_path(&arena, STR(base), STR(path)).p

static void test_path(void **state)
{
    (void)state;
    assert_string_equal(PATH("/a/b", "c"), "/a/b/c");
    assert_string_equal(PATH("/a/b/", "c/"), "/a/b/c/");
    assert_string_equal(PATH("/a", "/c//d/./e/../f"), "/c/d/f");
    assert_string_equal(PATH("/a", "../../.."), "/");
    assert_string_equal(PATH("/a", "../../x"), "/x");
    assert_string_equal(PATH("/", ""), "/");
    assert_string_equal(PATH("/a", ""), "/a");
    assert_string_equal(PATH("", "/"), "/");
    assert_string_equal(PATH("/a", ".."), "/");
    assert_string_equal(PATH("/a", "...x/.y"), "/a/...x/.y");
}

static void test_addresses(void **state)
{
    static const char *const good6[] = {"::",
                                        "::1",
                                        "1::",
                                        "1:2:3:4:5:6:7:8",
                                        "fe80::1:2",
                                        "1::8",
                                        "::ffff:1.2.3.4",
                                        "1:2:3:4:5:6:1.2.3.4",
                                        "2001:DB8::a"};
    static const char *const bad6[] = {"",
                                       ":",
                                       ":::",
                                       "1",
                                       "1:2:3:4:5:6:7",
                                       "1:2:3:4:5:6:7:8:9",
                                       "1::2::3",
                                       "g::1",
                                       "12345::",
                                       ":1::2",
                                       "1::2:",
                                       "1.2.3.4",
                                       "::1.2.3",
                                       "1.2.3.4::1",
                                       "fe80::1%eth0",
                                       "1:2:3:4:5:6:7::8:9"};

    (void)state;
    for (size_t i = 0; i < sizeof good6 / sizeof *good6; i++)
        if (!value_is_ipv6(str_from(good6[i])))
            fail_msg("refused: %s", good6[i]);
    for (size_t i = 0; i < sizeof bad6 / sizeof *bad6; i++)
        if (value_is_ipv6(str_from(bad6[i])))
            fail_msg("accepted: %s", bad6[i]);
    assert_true(value_is_ipv4(STR("1.2.3.255")));
    assert_false(value_is_ipv4(STR("1.2.3.256")));
    assert_false(value_is_ipv4(STR("1.2.3")));
    assert_false(value_is_ipv4(STR("1.2.3.4.")));
    assert_false(value_is_ipv4(STR("1.2.3.4.5")));
    assert_true(value_is_host_name(STR("a-b.c_d.Example")));
    assert_false(value_is_host_name(STR("")));
    assert_false(value_is_host_name(STR("a b")));
}

/* "authority path name", or "!offset message". */
static const char *read_target(const char *text, bool variable)
{
    struct target t;
    struct target_fault fault;

    if (!target_parse(&arena, STR("/run/gate"), str_from(text), variable, &t, &fault))
        return arena_printf(&arena, "!%zu %s", fault.offset, fault.message).p;
    return arena_printf(&arena, "%.*s %s %.*s", STR_ARG(t.authority), t.path.p ? t.path.p : "-",
                        STR_ARG(t.name))
        .p;
}

#define TARGET(text, want)   assert_string_equal(read_target(text, false), want)
#define VARIABLE(text, want) assert_string_equal(read_target(text, true), want)

static void test_target_tcp(void **state)
{
    (void)state;
    TARGET("scgi://localhost:4000/", "localhost / scgi://localhost:4000");
    TARGET("SCGI://LOCALHOST/A", "localhost /A scgi://localhost:4000");
    TARGET("scgi://h:4001", "h:4001 - scgi://h:4001");
    TARGET("scgi://user:pw@h:4001/x", "h:4001 /x scgi://h:4001");
    TARGET("scgi://[::1]:4002/", "[::1]:4002 / scgi://[::1]:4002");
    TARGET("scgi://[2001:DB8::1]/", "[2001:db8::1] / scgi://[2001:db8::1]:4000");
    TARGET("scgi://h/a%20b%2525?q=1", "h /a b%25?q=1 scgi://h:4000");
}

/* Groups and variables stand in the path. */
static void test_target_variable(void **state)
{
    (void)state;
    VARIABLE("scgi://h/$1/${X}", "h /$1/${X} scgi://h:4000");
    VARIABLE("scgi://h:1$1", "h:1 $1 scgi://h:1");
    VARIABLE("scgi://h$1$2", "h $1$2 scgi://h:4000");
    VARIABLE("unix:/x|scgi://h/$1", "h /$1 unix:/x|scgi://h");
    VARIABLE("scgi://$1/", "!7 a request must not choose the host, port or socket");
    VARIABLE("scgi://h$1/x", "!8 a request must not choose the host, port or socket");
    VARIABLE("scgi://h:$1x", "!9 a request must not choose the host, port or socket");
    VARIABLE("scgi://${X}/", "!7 a request must not choose the host, port or socket");
    VARIABLE("scgi://${X}", "!7 a request must not choose the host, port or socket");
    VARIABLE("unix:/$1|scgi://h/", "!0 a request must not choose the host, port or socket");
    VARIABLE("scgi://$1", "!7 the host is missing");
    TARGET("scgi://h$1/x", "!7 the host name is malformed");
    TARGET("unix:/$1|scgi://h/", "h / unix:/$1|scgi://h");
}

#define LONG_31 "/345678901234567890123456789012"
#define LONG_94 LONG_31 LONG_31 LONG_31 "/"

static void test_target_unix(void **state)
{
    (void)state;
    TARGET("unix:/tmp/x|scgi://h/y", "h /y unix:/tmp/x|scgi://h");
    TARGET("unix:x.sock|scgi://h", "h - unix:/run/gate/x.sock|scgi://h");
    TARGET("UNIX:/x|scgi:", "localhost - unix:/x|scgi://localhost");
    TARGET("unix:/x|scgi://", "localhost - unix:/x|scgi://localhost");
    TARGET("unix:/x|scgi:///y", "localhost /y unix:/x|scgi://localhost");
    TARGET("unix:/tmp/x", "!0 the URL must be absolute");
    TARGET("unix:|scgi://h/", "!0 the path of the socket is missing");
    TARGET("unix:" LONG_94 "x|scgi://h", "h - unix:" LONG_94 "x|scgi://h");
    TARGET("unix:" LONG_94 "xx|scgi://h", "!0 the path of the socket is longer than 95 bytes");
}

static void test_target_faults(void **state)
{
    (void)state;
    TARGET("", "!0 the URL must be absolute");
    TARGET("/b/", "!0 the URL must be absolute");
    TARGET("h:80", "!0 the URL must be absolute");
    TARGET("scgi:", "!0 the URL must be absolute");
    TARGET("1x://h/", "!0 the URL must be absolute");
    TARGET("frob://h/", "!0 unknown scheme: scgate speaks only SCGI to backends");
    TARGET("balancer://x/", "!0 balancers are not supported in this release");
    TARGET("scgi://h:99999/", "!9 the port must be 1 to 65535");
    TARGET("scgi://h:0/", "!9 the port must be 1 to 65535");
    TARGET("scgi://h:/", "!9 the port must be 1 to 65535");
    TARGET("scgi://[fe80::1%25eth0]/", "!8 zone ids are not supported");
    TARGET("scgi://[::1/", "!7 the host is malformed");
    TARGET("scgi://::1/", "!7 the host is malformed");
    TARGET("scgi://[::g]/", "!8 the IPv6 address is malformed");
    TARGET("scgi://a b/", "!7 the host name is malformed");
    TARGET("scgi://h?x", "!7 the host name is malformed");
    TARGET("scgi:///x", "!7 the host is missing");
    TARGET("scgi://h/%zz", "!9 \"%\" must be followed by two hex digits");
    TARGET("scgi://h/%4", "!9 \"%\" must be followed by two hex digits");
    TARGET("scgi://h/%00", "!9 the path holds a control byte");
}

static const char *format_of(const char *text)
{
    struct log_format f;
    struct str out = STR("");
    size_t offset;
    const char *fault = log_format_parse(&arena, str_from(text), &f, &offset);

    if (fault)
        return arena_printf(&arena, "!%zu %s", offset, fault).p;
    for (size_t i = 0; i < f.items.count; i++) {
        const struct log_item *item = &f.items.items[i];

        out = arena_printf(&arena, "%s[%s%s%.*s%s%.*s]", out.p, item->original ? "<" : "",
                           item->final ? ">" : "", item->letter ? 1 : 0, &item->letter,
                           item->letter ? ":" : "", STR_ARG(item->argument));
    }
    return out.p;
}

static void test_log_format(void **state)
{
    (void)state;
    assert_string_equal(format_of("%h %l \"%r\" %>s"), "[h:][ ][l:][ \"][r:][\" ][>s:]");
    assert_string_equal(format_of("%{User-Agent}i%<U"), "[i:User-Agent][<U:]");
    assert_string_equal(format_of("100%%\\t\\n\\\\\\q"), "[100%\t\n\\\\q]");
    assert_string_equal(format_of(""), "");
    assert_string_equal(format_of("ab %Q"), "!3 unknown format letter");
    assert_string_equal(format_of("%"), "!0 \"%\" at the end");
    assert_string_equal(format_of("%{x"), "!0 \"%{\" without \"}\"");
    assert_string_equal(format_of("%i"), "!0 this letter needs a name: %{name}");
    assert_string_equal(format_of("%400r"), "!0 conditions on the status are not supported in this release");
}

static void test_distance(void **state)
{
    (void)state;
    assert_int_equal(suggest_distance(STR("ProxyPas"), STR("ProxyPass"), 4), 1);
    assert_int_equal(suggest_distance(STR("proxypass"), STR("ProxyPass"), 4), 0);
    assert_int_equal(suggest_distance(STR("PorxyPass"), STR("ProxyPass"), 4), 1);
    assert_int_equal(suggest_distance(STR("abc"), STR("axc"), 4), 1);
    assert_int_equal(suggest_distance(STR("kitten"), STR("sitting"), 4), 3);
    assert_int_equal(suggest_distance(STR("kitten"), STR("sitting"), 2), 3);
    assert_int_equal(suggest_distance(STR(""), STR("abcdef"), 3), 4);
    assert_int_equal(suggest_distance(STR("ca"), STR("abc"), 4), 3);
}

static void test_suggestions(void **state)
{
    (void)state;
    assert_string_equal(rules_suggest(&arena, STR("Lisen"), false).p, "Listen");
    assert_string_equal(rules_suggest(&arena, STR("proxyscgisendfil"), false).p, "ProxySCGISendfile");
    assert_string_equal(rules_suggest(&arena, STR("VirtualHosts"), true).p, "<VirtualHost>");
    assert_null(rules_suggest(&arena, STR("Frobnicate"), false).p);
    assert_null(rules_suggest(&arena, STR("Listen"), true).p);
}

/* Each row is complete, and no name stands twice. */
static void test_table(void **state)
{
    size_t n = config_directive_count();

    (void)state;
    assert_true(n > 100);
    for (size_t i = 0; i < n; i++) {
        struct directive_info a = config_directive(i);
        struct str name = a.section ? arena_printf(&arena, "<%.*s", STR_ARG(a.name)) : a.name;

        if (!str_starts(a.syntax, name) || !a.help.n || !a.contexts.n)
            fail_msg("row of \"%.*s\" is not complete", STR_ARG(a.name));
        if (a.help.p[a.help.n - 1] == '.')
            fail_msg("help of \"%.*s\" ends in a full stop", STR_ARG(a.name));
        for (size_t k = 0; k < i; k++) {
            struct directive_info b = config_directive(k);

            if (a.section == b.section && str_eq_nocase(a.name, b.name))
                fail_msg("\"%.*s\" stands twice", STR_ARG(a.name));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_integer),
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_target_tcp),
        cmocka_unit_test(test_target_unix),
        cmocka_unit_test(test_target_variable),
        cmocka_unit_test(test_target_faults),
        cmocka_unit_test(test_log_format),
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_suggestions),
        cmocka_unit_test(test_table),
    };
    int failed;

    arena_init(&arena, NULL, 0);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_finish(&arena);
    return failed;
}
