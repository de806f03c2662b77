/* What expressions come to, as httpd 2.4.71 says (rows marked "ours" differ on purpose), and their faults. */
#include "expr/expr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;

static struct str lookup(void *context, struct arena *a, enum expr_name name, struct str argument)
{
    static const struct str values[] = {[EXPR_DOCUMENT_ROOT] = STR_INIT("/srv/www"),
                                        [EXPR_HTTPS] = STR_INIT("off"),
                                        [EXPR_IPV6] = STR_INIT("off"),
                                        [EXPR_QUERY_STRING] = STR_INIT("id=42&x=%41"),
                                        [EXPR_REMOTE_ADDR] = STR_INIT("127.0.0.1"),
                                        [EXPR_REMOTE_PORT] = STR_INIT("50000"),
                                        [EXPR_REQUEST_METHOD] = STR_INIT("GET"),
                                        [EXPR_REQUEST_SCHEME] = STR_INIT("http"),
                                        [EXPR_REQUEST_URI] = STR_INIT("/index.txt"),
                                        [EXPR_SERVER_ADDR] = STR_INIT("127.0.0.2"),
                                        [EXPR_SERVER_ADMIN] = STR_INIT("admin@example.test"),
                                        [EXPR_SERVER_NAME] = STR_INIT("gw.example.test"),
                                        [EXPR_SERVER_PORT] = STR_INIT("81"),
                                        [EXPR_SERVER_PROTOCOL] = STR_INIT("HTTP/1.1"),
                                        [EXPR_THE_REQUEST] = STR_INIT("GET /index.txt HTTP/1.1")};
    static const struct {
        enum expr_name kind;
        struct str name, value;
    } named[] = {
        {EXPR_REQUEST_FIELD, STR_INIT("X-A"), STR_INIT("one, two")},
        {EXPR_REQUEST_FIELD, STR_INIT("X-Pct"), STR_INIT("a%2fb%20c")},
        {EXPR_REQUEST_FIELD, STR_INIT("X-Bad"), STR_INIT("a%zz")},
        {EXPR_REQUEST_FIELD, STR_INIT("X-Short"), STR_INIT("a%4")},
        {EXPR_REQUEST_FIELD, STR_INIT("X-Nul"), STR_INIT("a%00b")},
        {EXPR_REQUEST_FIELD, STR_INIT("X-As"),
         STR_INIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")},
        {EXPR_REQUEST_FIELD, STR_INIT("User-Agent"), STR_INIT("Curl/7")},
        {EXPR_REQUEST_FIELD, STR_INIT("Host"), STR_INIT("gw.example.test:81")},
        {EXPR_REQUEST_FIELD, STR_INIT("Cookie"), STR_INIT("c")},
        {EXPR_REQUEST_FIELD, STR_INIT("Referer"), STR_INIT("r")},
        {EXPR_REQUEST_FIELD, STR_INIT("Accept"), STR_INIT("a")},
        {EXPR_RESPONSE_FIELD, STR_INIT("X-A"), STR_INIT("of the response")},
        {EXPR_REQUEST_VARIABLE, STR_INIT("SEEN"), STR_INIT("yes")},
        {EXPR_REQUEST_VARIABLE, STR_INIT("NAME"), STR_INIT("x-a")},
    };

    (void)context;
    (void)a;
    if (name < EXPR_REQUEST_FIELD)
        return values[name];
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (named[i].kind == name && (name == EXPR_REQUEST_VARIABLE ? str_eq(argument, named[i].name)
                                                                    : str_eq_nocase(argument, named[i].name)))
            return named[i].value;
    return STR_NONE;
}

static const struct expr_source source = {NULL, lookup};

static enum expr_result test(struct str text, struct regex_match *match)
{
    struct expr_fault fault = {0};
    struct expr *e = expr_compile(&arena, text, &fault);
    enum expr_result result;

    if (!e)
        fail_msg("%.*s: at %zu: %.*s", STR_ARG(text), fault.offset, STR_ARG(fault.message));
    result = expr_test(e, &arena, &source, match);
    assert_int_equal(expr_test(e, &arena, &source, NULL), result);
    expr_free(e);
    return result;
}

struct row {
    const char *text;
    bool holds;
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (test(str_from(rows[i].text), NULL) != (rows[i].holds ? EXPR_TRUE : EXPR_FALSE))
            fail_msg("%s is not %s", rows[i].text, rows[i].holds ? "true" : "false");
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof *(rows))

static void conditions(void **state)
{
    static const struct row rows[] = {
        {"true", true},
        {"false", false},
        {"!false", true},
        {"! true", false},
        {"!!true", true},
        {"!!!true", false},
        {"not false", true},
        {"not !false", false},
        {"true and false", false},
        {"true or false", true},
        {"(true)", true},
        {"((true || false) && !(false))", true},
        {"true || false && false", true},
        {"(true || false) && false", false},
        {"false && true || true", true},
        {"true or false and false", true},
        {"!true || true", true},
        {"!(true || true)", false},
        {"! false && false", false},
        {"false || false || true || false", true},
        {"true && true && false && true", false},
        {"false || 'a' == 'a'", true},
        {"!'a' == 'b'", true},
        {"not 'a' == 'b' and true", true},
        {"'a' == 'b' or not false", true},
        {"%{REQUEST_METHOD}=='GET'&&%{HTTPS}=='off'", true},
        {"'a' == 'a'\t&&\n\ttrue", true},
    };

    (void)state;
    CHECK(rows);
}

static void comparisons(void **state)
{
    static const struct row rows[] = {
        {"'a' == 'a'", true},
        {"'a' = 'a'", true},
        {"'a'=='b'", false},
        {"'a' != 'b'", true},
        {"'a' != 'a'", false},
        {"'a' < 'b'", true},
        {"'a' < 'a'", false},
        {"'a' < 'aa'", true},
        {"'' < 'a'", true},
        {"'b' <= 'b'", true},
        {"'c' <= 'b'", false},
        {"'B' > 'a'", false},
        {"'b' > 'a'", true},
        {"'b' >= 'b'", true},
        {"'a' >= 'b'", false},
        {"'\\377' > 'a'", true},
        {"9 < 10", false},
        {"10 -eq 10", true},
        {"'10' eq 10", true},
        {"'abc' -eq 0", true},
        {"9 -lt 10", true},
        {"9 lt 10", true},
        {"10 -lt 9", false},
        {"-5 -lt 3", true},
        {"3 -le 3", true},
        {"4 le 3", false},
        {"3 -gt 3", false},
        {"4 gt 3", true},
        {"3 -ge 3", true},
        {"2 ge 3", false},
        {"2 -ne 3", true},
        {"3 ne 3", false},
        {"1.2 == 12", true},
        {"1 . 2 -eq 12", true},
        {"99999999999999999999 -eq 9223372036854775807", true},
        {"-99999999999999999999 -lt -9223372036854775807", true},
        {"-9223372036854775808 -eq -9223372036854775809", true},
        {"' 12' -eq 12", true},
        {"'12abc' -eq 12", true},
        {"'-0' -eq 0", true},
        {"'+5' -eq 5", true},
        {"'- 5' -eq 0", true},
        {"10 == '10'", true},
        {"010 -eq 10", true},
        {"'a' in {'b','a'}", true},
        {"'a' -in {'b', 'a'}", true},
        {"'a' in {'b'}", false},
        {"'a' in { 'A' }", false},
        {"%{REQUEST_METHOD} in {'GET','HEAD'}", true},
        {"'ab' in {'a' . 'b'}", true},
        {"-n %{QUERY_STRING}", true},
        {"-z %{QUERY_STRING}", false},
        {"-n''", false},
        {"! -n ''", true},
        {"-z ''", true},
        {"-n 'a' . 'b'", true},
        {"-T 'off'", false},
        {"-T 'OFF'", false},
        {"-T 'o'", true},
        {"-T '0'", false},
        {"-T '00'", true},
        {"-T 'no'", false},
        {"-T 'False'", false},
        {"-T ''", false},
        {"-T 'yes'", true},
    };

    (void)state;
    CHECK(rows);
}

static void globs_and_addresses(void **state)
{
    static const struct row rows[] = {
        {"'abc' -strmatch 'a*'", true},
        {"'abc' -strmatch 'A*'", false},
        {"'aBc' -strcmatch 'Ab?'", true},
        {"'a/c' -strmatch 'a*'", true},
        {"'a[b]' -strmatch 'a[b]'", false},
        {"'a/c' -fnmatch 'a*'", false},
        {"'a/c' -fnmatch 'a/[abc]'", true},
        {"'/a/.c' -fnmatch '/a/*'", true},
        {"'127.0.0.1' -ipmatch '127.0.0.0/8'", true},
        {"'127.0.0.1' -ipmatch '127'", true},
        {"'127.0.0.1' -ipmatch '127.0.0.1'", true},
        {"'127.0.0.1' -ipmatch '127.0.0.0/255.0.0.0'", true},
        {"'127.0.0.1' -ipmatch '10.1.2.3/8'", false},
        {"'::1' -ipmatch '::/64'", true},
        {"'1234:abcd::1' -ipmatch '1234:abcd::/32'", true},
        {"'nonsense' -ipmatch '10.0.0.0/8'", false},
        {"-R '127.0.0.1'", true},
        {"-R '10.0.0.0/8'", false},
        {"-R '::1'", false},
        {"! -R '10.0.0.0/8' && true", true},
    };

    (void)state;
    CHECK(rows);
}

static void values(void **state)
{
    static const struct row rows[] = {
        {"'' == \"\"", true},
        {"'a' . 'b' == 'ab'", true},
        {"'a' . %{REQUEST_METHOD} . 'b' == 'aGETb'", true},
        {"'%{REQUEST_METHOD}' == \"GET\"", true},
        {"'x%{HTTP:X-A}y%{HTTP:X-B}' == 'xone, twoy'", true},
        {"'a%b$c' == 'a%b$c'", true},
        {"'a}b' == 'a}b'", true},
        {"'a\\'b' == \"a'b\"", true},
        {"'\\z\\x41' == 'zx41'", true},
        {"'\\%{REQUEST_METHOD}' == '%' . '{REQUEST_METHOD}'", true},
        {"'\\$1' == '$' . '1'", true},
        {"'a\\101' == 'aA'", true},
        {"'a\\1' =~ /^a.$/", true},
        {"'a\\t\\r\\b\\f' =~ /^a\\t\\r\\x08\\f$/", true},
        {"'a\\\\b' =~ /^a.b$/", true},
        {"'\303\244' == '\303\244'", true},
        {"%{request_method} == 'GET'", true},
        {"%{DOCUMENT_ROOT} == '/srv/www'", true},
        {"%{DOCUMENT_URI} == %{REQUEST_URI}", true},
        {"%{IPV6} == 'off'", true},
        {"%{REMOTE_ADDR} == '127.0.0.1' && %{REMOTE_HOST} == '127.0.0.1'", true},
        {"%{REMOTE_PORT} -eq 50000", true},
        {"%{Request_Scheme} == 'http'", true},
        {"%{REQUEST_URI} == '/index.txt'", true},
        {"%{SERVER_ADDR} == '127.0.0.2'", true}, /* ours: httpd does not know it */
        {"%{SERVER_ADMIN} == 'admin@example.test'", true},
        {"%{SERVER_NAME} == 'gw.example.test'", true},
        {"%{SERVER_PORT} == '81'", true},
        {"%{SERVER_PROTOCOL} == 'HTTP/1.1'", true},
        {"%{THE_REQUEST} == 'GET /index.txt HTTP/1.1'", true},
        {"%{HTTP_HOST} == 'gw.example.test:81'", true},
        {"%{HTTP_COOKIE} == 'c' && %{HTTP_REFERER} == 'r' && %{HTTP_ACCEPT} == 'a'", true},
        {"%{HTTP_FORWARDED} . %{HTTP_PROXY_CONNECTION} == ''", true},
        {"%{HTTP:X-A} == 'one, two'", true},
        {"%{http:x-a} == 'one, two'", true},
        {"%{req:X-A} == 'one, two'", true},
        {"%{HTTP: X-A} == 'one, two'", false},
        {"%{HTTP:Nosuch} == ''", true},
        {"%{HTTP:%{reqenv:NAME}} == 'one, two'", true},
        {"http('X-' . 'A') == 'one, two' && req_novary('X-A') == req('x-a')", true},
        {"%{RESP:X-A} == 'of the response'", true},
        {"resp('X-B') == ''", true},
        {"%{REQENV:SEEN} == 'yes' && reqenv('SEEN') == 'yes'", true},
        {"env('SEEN') == 'yes' && %{ENV:SEEN} == 'yes'", true},
        {"reqenv('seen') == ''", true},
        {"tolower('AbC') == 'abc'", true},
        {"ToUpper('AbC') == 'ABC'", true},
        {"%{tolower:AbC} == 'abc'", true},
        {"%{tolower:A\\}B} == 'a}b'", true},
        {"%{tolower:%{HTTP_USER_AGENT}} == 'curl/7'", true},
        {"tolower( 'A' . 'B' ) == 'ab'", true},
        {"toupper(tolower(%{HTTP_USER_AGENT})) == 'CURL/7'", true},
        {"escape('a b/c?d%') == 'a%20b/c%3fd%25'", true},
        {"escape('$-_.+!*(),:;@&=/~') == '$-_.+!*(),:;@&=/~'", true},
        {"escape('\\377#<>[]^|') == '%ff%23%3c%3e%5b%5d%5e%7c'", true},
        {"unescape(%{HTTP:X-Pct}) == 'a%2fb c'", true},
        {"unescape('%41%4a%4A') == 'AJJ'", true},
        {"unescape(%{HTTP:X-Bad}) == '' && unescape(%{HTTP:X-Short}) == ''", true},
        {"unescape(%{HTTP:X-Nul}) == ''", true},
    };

    (void)state;
    CHECK(rows);
}

static void patterns(void **state)
{
    static const struct row rows[] = {
        {"%{QUERY_STRING} =~ /id=(\\d+)/", true},
        {"%{QUERY_STRING}=~/ID=/", false},
        {"%{QUERY_STRING} =~ m#ID=(\\d+)#i", true},
        {"%{QUERY_STRING} =~ m\"id=(.)\"", true},
        {"%{QUERY_STRING} =~ m!id=! && true", true},
        {"%{QUERY_STRING} =~ m.id=.", true},
        {"%{QUERY_STRING} =~ m_id=_", true}, /* ours: httpd takes m_id for a name */
        {"%{QUERY_STRING} =~ /id=/i&&true", true},
        {"%{QUERY_STRING} =~ /id=/iand true", true},
        {"%{QUERY_STRING} =~ /id=/or false", true},
        {"%{QUERY_STRING} =~ //", true},
        {"%{REQUEST_URI} =~ m#^/index#", true},
        {"%{REQUEST_URI} =~ /^\\/index/", true}, /* ours: httpd ends the pattern there */
        {"'a\\\\' =~ /^a\\\\/", true},
        {"'a|b' =~ m|^a\\|b$|", true},
        {"%{QUERY_STRING} !~ /zzz(.)/", true},
        {"%{QUERY_STRING} !~ /id(.)/", false},
        {"%{QUERY_STRING} =~ /id=(\\d)/ && $1 == '4'", true},
        {"%{QUERY_STRING} =~ /id=(\\d)/ && '<$1$0$2>' == '<4id=4>'", true},
        {"%{QUERY_STRING} =~ /id=(\\d)/ && $1 -eq 4", true},
        {"%{QUERY_STRING} =~ /id=(\\d)/ && %{tolower:X$1} == 'x4'", true},
        {"$0 . $9 == ''", true},
    };

    (void)state;
    CHECK(rows);
}

static void groups(void **state)
{
    static const struct {
        const char *text, *zero, *one;
    } rows[] = {
        {"true", NULL, NULL},
        {"%{QUERY_STRING} =~ /id=/", NULL, NULL},
        {"%{QUERY_STRING} =~ /id=(\\d+)/", "id=42", "42"},
        {"!(%{QUERY_STRING} !~ /id(.)/)", "id=", "="},
        {"%{QUERY_STRING} =~ /id=(\\d)/ && %{QUERY_STRING} =~ /x=/", "id=4", "4"},
        {"%{QUERY_STRING} =~ /id=(\\d)/ && %{QUERY_STRING} =~ /(x)=/", "x=", "x"},
        {"%{QUERY_STRING} =~ /id=(\\d)/ && !(%{QUERY_STRING} =~ /y=(.)/)", NULL, NULL},
        {"%{QUERY_STRING} !~ /zzz(.)/", NULL, NULL},
        {"true || %{QUERY_STRING} =~ /id=(\\d)/", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str zero = str_from(rows[i].zero), one = str_from(rows[i].one);
        struct regex_match match;

        memset(&match, 0xff, sizeof match);
        assert_int_equal(test(str_from(rows[i].text), &match), EXPR_TRUE);
        if (!str_eq(match.groups[0], zero) || !match.groups[0].p != !zero.p || !str_eq(match.groups[1], one))
            fail_msg("%s: \"%.*s\", \"%.*s\"", rows[i].text, STR_ARG(match.groups[0]),
                     STR_ARG(match.groups[1]));
    }
}

/* The offset is that of '^' in the line below. */
static const struct {
    const char *text, *caret, *message, *hint;
} faults[] = {
    {"", "^", "expected a value, not the end", NULL},
    {"   ", "   ^", "expected a value, not the end", NULL},
    {"TRUE", "^", "\"TRUE\" is neither quoted nor a function", "true and false are written in small letters"},
    {"REQUEST_URI == 'a'", "^", "\"REQUEST_URI\" is neither quoted nor a function",
     "the variable is %{REQUEST_URI}"},
    {"%{REQUEST_METHOD} == GET", "                     ^", "\"GET\" is neither quoted nor a function",
     "texts stand in quotes: 'GET'"},
    {"'a'", "   ^", "expected a comparison, not the end", "-n tests whether a value is not empty"},
    {"'a' == 'a' == 'a'", "           ^", "expected &&, || or the end, not \"==\"", NULL},
    {"true true", "     ^", "expected &&, || or the end, not \"true\"", NULL},
    {"true )", "     ^", "expected &&, || or the end, not \")\"", NULL},
    {"( true", "      ^", "expected \")\", not the end", NULL},
    {"('a') == 'a'", "    ^", "expected a comparison, not \")\"", NULL},
    {"&& true", "^", "expected a value, not \"&&\"", NULL},
    {"true &&", "       ^", "expected a value, not the end", NULL},
    {"true & true", "     ^", "expected &&, || or the end, not \"&\"", NULL},
    {"!", " ^", "expected a value, not the end", NULL},
    {"'a' ==", "      ^", "expected a value, not the end", NULL},
    {"5 -3", "  ^", "expected a comparison, not \"-3\"", NULL},
    {"-n '' == ''", "      ^", "expected &&, || or the end, not \"==\"", NULL},
    {"-q 'x'", "^", "there is no operator \"-q\"", NULL},
    {"-e '/etc/passwd'", "^", "the operator \"-e\" is not supported: expressions see no files", NULL},
    {"-U '/x'", "^", "the operator \"-U\" is not supported: there are no subrequests", NULL},
    {"'abc' -strmtch 'x'", "      ^", "expected a comparison, not \"-strmtch\"",
     "did you mean \"-strmatch\"?"},
    {"'abc' strmatch 'x'", "      ^", "expected a comparison, not \"strmatch\"", NULL},
    {"'a' in {}", "        ^", "expected a value, not \"}\"", NULL},
    {"'a' in {'b' 'c'}", "            ^", "expected \"}\", not \"'\"", NULL},
    {"'a' in 'a'", "       ^", "expected \"{\", not \"'\"", NULL},
    {"'a' in PeerExtList('1')", "       ^",
     "the list function \"PeerExtList\" is not supported: TLS is not supported in this release", NULL},
    {"'a' in other('1')", "       ^", "the list function \"other\" is not supported: there is none", NULL},
    {"'1' -ipmatch 'nonsense'", "             ^", "\"nonsense\" is not a range of addresses",
     "for example '192.0.2.0/24' or '2001:db8::/32'"},
    {"-R %{SERVER_ADDR}", "   ^", "the range of addresses must be a text without variables", NULL},
    {"'abc", "^", "the text has no \"'\" at its end", NULL},
    {"'a' == 'a\\'", "       ^", "the text has no \"'\" at its end", NULL},
    {"'a\nb' == ''", "^", "the text is not ended before the line ends", NULL},
    {"'a\\900' == ''", "  ^", "\"\\900\" is no character", NULL},
    {"'a\\08' == ''", "  ^", "\"\\08\" is no character", NULL},
    {"'a\\1012' == ''", "  ^", "\"\\1012\" is no character", NULL},
    {"'a\\400' == ''", "  ^", "\"\\400\" is no character", NULL},
    {"'a\\0' == ''", "  ^", "\"\\0\" is no character", NULL}, /* ours: httpd cuts the text */
    {"%{:'a':} == 'a'", "  ^", "expected the name of a variable behind \"%{\"", NULL},
    {"%{ HTTPS} == 'a'", "  ^", "expected the name of a variable behind \"%{\"", NULL},
    {"%{HTTPS } == 'a'", "^", "the variable has no \"}\" behind its name", NULL},
    {"%{HTTPS", "^", "the variable has no \"}\" behind its name", NULL},
    {"'%{HTTPS' == 'a'", " ^", "the variable has no \"}\" behind its name", NULL},
    {"%{HTTP:X-A", "^", "the text has no \"}\" at its end", NULL},
    {"'%{HTTP:X-A' == ''", " ^", "the text is not ended before a quote", NULL},
    {"%{HTTP:} == ''", "  ^", "the function \"HTTP\" needs a text behind the \":\"", NULL},
    {"%{NOSUCH} == ''", "  ^", "there is no variable \"NOSUCH\"",
     "a variable of SetEnvIf is %{reqenv:NOSUCH}"},
    {"%{REQUEST_METHD} == ''", "  ^", "there is no variable \"REQUEST_METHD\"",
     "did you mean %{REQUEST_METHOD}?"},
    {"'x%{HTTP_X_FORWARDED_FOR}' == ''", "    ^", "there is no variable \"HTTP_X_FORWARDED_FOR\"",
     "the request field is %{HTTP:X-Forwarded-For}"},
    {"%{TIME_YEAR} -gt 2000", "  ^", "the variable \"TIME_YEAR\" is not supported: expressions see no clock",
     NULL},
    {"%{REMOTE_USER} == ''", "  ^",
     "the variable \"REMOTE_USER\" is not supported: nobody is authenticated in this release", NULL},
    {"%{SSL_CIPHER} == ''", "  ^",
     "the variable \"SSL_CIPHER\" is not supported: TLS is not supported in this release", NULL},
    {"%{HTTPS:x} == ''", "  ^", "there is no function \"HTTPS\"", "did you mean \"http\"?"},
    {"%{REQUEST_METHOD:x} == ''", "  ^", "there is no function \"REQUEST_METHOD\"", NULL},
    {"tolowr('a') == ''", "^", "there is no function \"tolowr\"", "did you mean \"tolower\"?"},
    {"'a' == file('/etc/passwd')", "       ^",
     "the function \"file\" is not supported: expressions see no files", NULL},
    {"osenv('HOME') == ''", "^",
     "the function \"osenv\" is not supported: PassEnv gives variables of the server's environment to "
     "applications",
     NULL},
    {"md5('a') == ''", "^", "the function \"md5\" is not supported: this release leaves it out", NULL},
    {"tolower('A','B') == 'ab'", "           ^", "expected \")\", not \",\"", NULL},
    {"tolower() == ''", "        ^", "expected a value, not \")\"", NULL},
    {"a.b == ''", "^", "\"a\" is neither quoted nor a function", "texts stand in quotes: 'a'"},
    {"'a' . == ''", "      ^", "expected a value, not \"==\"", NULL},
    {"%{HTTPS} =~ 'off'", "            ^", "expected a pattern, not \"'\"",
     "patterns are written /.../ or m#...#"},
    {"%{HTTPS} =~", "           ^", "expected a pattern, not the end",
     "patterns are written /.../ or m#...#"},
    {"%{HTTPS} =~ m(o)", "            ^", "expected a pattern, not \"m\"",
     "patterns are written /.../ or m#...#"},
    {"%{HTTPS} =~ m /o/", "            ^", "expected a pattern, not \"m\"",
     "patterns are written /.../ or m#...#"},
    {"%{HTTPS} =~ /o", "            ^", "the pattern has no \"/\" at its end", NULL},
    {"%{HTTPS} =~ /o\\", "            ^", "the pattern has no \"/\" at its end", NULL},
    {"%{HTTPS} =~ /o((/", "                ^", "the pattern cannot be compiled: missing closing parenthesis",
     NULL},
    {"%{HTTPS} =~ /o/gi", "               ^", "a pattern has no flag \"g\": only i", NULL},
    {"%{HTTPS} =~ /o/is", "                ^", "a pattern has no flag \"s\": only i", NULL},
    {"%{HTTPS} =~ /o/ s", "                ^", "expected &&, || or the end, not \"s\"", NULL},
    {"'a' ~ 'b'", "    ^", "expected a comparison, not \"~\"", NULL},
    {"%{HTTPS} =~ /(a)/ && %{HTTPS} =~ /b/ &", "                                     ^",
     "expected &&, || or the end, not \"&\"", NULL},
};

static void faults_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct expr_fault fault = {0};
        struct str hint = str_from(faults[i].hint);

        if (expr_compile(&arena, str_from(faults[i].text), &fault))
            fail_msg("%s was compiled", faults[i].text);
        if (!str_eq(fault.message, str_from(faults[i].message)) || !str_eq(fault.hint, hint) ||
            !fault.hint.p != !hint.p || fault.offset != strlen(faults[i].caret) - 1)
            fail_msg("%s: at %zu: %.*s (%.*s)", faults[i].text, fault.offset, STR_ARG(fault.message),
                     STR_ARG(fault.hint));
    }
}

/* A fault at each cut of an expression, or another expression: nothing in between. */
static void every_cut(void **state)
{
    static const struct str text = STR_INIT("!(%{HTTP:X-%{reqenv:A}} =~ m#a(\\d)#i) && 'a\\101$1' . "
                                            "tolower('B') in {1, \"c\"} || -R '0.0.0.0/0'");

    (void)state;
    for (size_t n = 0; n < text.n; n++) {
        struct expr_fault fault;
        char *exact = malloc(n + 1); /* so that a read behind the end is seen */
        struct expr *e;

        memcpy(exact, text.p, n);
        e = expr_compile(&arena, str_make(exact, n), &fault);
        free(exact);
        if (e)
            (void)expr_test(e, &arena, &source, NULL);
        else
            assert_true(fault.offset <= n && fault.message.n);
        expr_free(e);
    }
    assert_int_equal(test(text, NULL), EXPR_TRUE);
}

/* ---- limits ---- */

static struct str repeat(const char *front, const char *middle, const char *back, size_t count)
{
    size_t f = strlen(front), b = strlen(back);
    char *p = arena_alloc(&arena, count * (f + b) + strlen(middle) + 1), *at = p;

    for (size_t i = 0; i < count; i++, at += f)
        memcpy(at, front, f);
    at = stpcpy(at, middle);
    for (size_t i = 0; i < count; i++, at += b)
        memcpy(at, back, b);
    return str_make(p, (size_t)(at - p));
}

static void depth(void **state)
{
    static const char *const nests[][3] = {{"(", "true", ")"},
                                           {"tolower(", "'a'", ")"},
                                           {"%{tolower:", "a", "}"},
                                           {"%{HTTP:x", "%{HTTPS}", "y}"}};

    (void)state;
    for (size_t i = 0; i < sizeof nests / sizeof *nests; i++) {
        struct str most = repeat(nests[i][0], nests[i][1], nests[i][2], EXPR_DEPTH_MAX);
        struct str over = repeat(nests[i][0], nests[i][1], nests[i][2], EXPR_DEPTH_MAX + 1);
        struct str far = repeat(nests[i][0], nests[i][1], nests[i][2], 3000);
        struct str end = i ? STR(" != 'b'") : STR("");
        struct expr_fault fault;

        assert_int_equal(test(ARENA_CONCAT(&arena, most, end), NULL), EXPR_TRUE);
        assert_null(expr_compile(&arena, ARENA_CONCAT(&arena, over, end), &fault));
        assert_string_equal(fault.message.p, "more than 100 levels within one another");
        assert_null(expr_compile(&arena, ARENA_CONCAT(&arena, far, end), &fault));
    }
    /* What does not nest has no limit but the length. */
    assert_int_equal(test(repeat("!", "true", "", 60000), NULL), EXPR_TRUE);
    assert_int_equal(test(repeat("true && ", "true", "", 8000), NULL), EXPR_TRUE);
    assert_int_equal(test(repeat("false || ", "true", "", 7000), NULL), EXPR_TRUE);
    assert_int_equal(test(ARENA_CONCAT(&arena, repeat("''.", "'a'", "", 20000), STR("=='a'")), NULL),
                     EXPR_TRUE);
}

static void length(void **state)
{
    struct expr_fault fault;
    struct str text = repeat(" ", "true", "", EXPR_LENGTH_MAX - 4);

    (void)state;
    assert_int_equal(test(text, NULL), EXPR_TRUE);
    assert_null(expr_compile(&arena, ARENA_CONCAT(&arena, STR(" "), text), &fault));
    assert_int_equal(fault.offset, EXPR_LENGTH_MAX);
}

/* A compiled text takes memory in proportion to its length, however it is cut into parts. */
static void memory(void **state)
{
    struct str text = ARENA_CONCAT(&arena, repeat("''.", "''", "", 21000), STR("==''"));
    struct expr_fault fault;
    size_t before = arena.used;
    struct expr *e = expr_compile(&arena, text, &fault);

    (void)state;
    assert_non_null(e);
    assert_true(arena.used - before < 200 * text.n);
    expr_free(e);
}

static void effort(void **state)
{
    struct str doubled = STR("'aaaaaaaaaaaaaaaa' =~ /(.*)/");
    struct str text = doubled;

    (void)state;
    /* A pattern that costs too much does neither match nor not match. */
    assert_int_equal(test(STR("%{HTTP:X-As} =~ /^(a+)+$/"), NULL), EXPR_FAULT);
    assert_int_equal(test(STR("%{HTTP:X-As} !~ /^(?:a+)+$/"), NULL), EXPR_FAULT);
    assert_int_equal(test(STR("!(%{HTTP:X-As} =~ /^(a+)+$/) || true"), NULL), EXPR_FAULT);
    /* Values that double at each step end before the memory does. */
    for (int i = 0; i < 40; i++)
        text = ARENA_CONCAT(&arena, text, STR(" && '$0$0' =~ /(.*)/"));
    assert_int_equal(test(text, NULL), EXPR_FAULT);
    text = doubled;
    for (int i = 0; i < 10; i++)
        text = ARENA_CONCAT(&arena, text, STR(" && '$0$0' =~ /(.*)/"));
    assert_int_equal(test(text, NULL), EXPR_TRUE);
    /* So does a long text with a long glob. */
    text = ARENA_CONCAT(&arena, text, STR(" && $0 -strmatch $0"));
    assert_int_equal(test(text, NULL), EXPR_FAULT);
}

static void texts(void **state)
{
    static const struct {
        const char *text, *want; /* NULL: a fault */
    } rows[] = {
        {"", ""},
        {"plain 'text' \"as\" it is", "plain 'text' \"as\" it is"},
        {"%{REQUEST_METHOD}", "GET"},
        {"m=%{REQUEST_METHOD} $1 %{tolower:ABC}\\%", "m=GET  abc%"},
        {"%{HTTP:None}", ""},
        {"%{resp:X-A}", "of the response"},
        {"100%", "100%"},
        {"%{", NULL},
        {"%{NOTHING}", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct expr_fault fault;
        struct expr *x = expr_compile_text(&arena, str_from(rows[i].text), &fault);

        if (!rows[i].want) {
            assert_null(x);
            continue;
        }
        assert_non_null(x);
        assert_string_equal(arena_copy(&arena, expr_text(x, &arena, &source)).p, rows[i].want);
        expr_free(x);
    }
    assert_null(expr_compile_text(&arena, STR("a\0b"), &(struct expr_fault){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions),
        cmocka_unit_test(comparisons),
        cmocka_unit_test(globs_and_addresses),
        cmocka_unit_test(values),
        cmocka_unit_test(patterns),
        cmocka_unit_test(groups),
        cmocka_unit_test(every_cut),
        cmocka_unit_test(faults_are_told),
        cmocka_unit_test(depth),
        cmocka_unit_test(length),
        cmocka_unit_test(memory),
        cmocka_unit_test(effort),
        cmocka_unit_test(texts),
    };
    int failed;

    arena_init(&arena, NULL, 0);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_finish(&arena);
    return failed;
}
