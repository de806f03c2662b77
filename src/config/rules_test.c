/* Who is let in and which fields are changed: what is accepted of the directives, and what the faults say. */
#include "config/expect.h"

static void test_require(void **state)
{
    (void)state;
    GOOD("<Location />\nRequire all granted\nRequire all DENIED\nRequire ip 10 192.0.2.1 2001:db8::/32\n"
         "Require ip 10.0.0.0/255.0.0.0\nRequire local\nRequire env A B\nRequire method GET PATCH\n"
         "Require expr %{REQUEST_URI} =~ m#\"a b\"#\nRequire expr \"true\"\nAuthMerging Or\n</Location>");
    GOOD("<Location />\n<RequireAll>\nRequire not ip 10\n<RequireAny>\nRequire local\n<RequireAll>\nRequire "
         "env A\n"
         "<RequireNone>\nRequire env "
         "B\n</RequireNone>\n</RequireAll>\n</RequireAny>\n</RequireAll>\n</Location>");
#define REQUIRE(line, want) FAULT("<Location />\nRequire " line "\n</Location>", "3:" want)
    REQUIRE("foo",
            "9: error: there is no \"Require foo\" | all, ip, local, env, method and expr can be required");
    REQUIRE("methods GET", "9: error: there is no \"Require methods\" | did you mean \"method\"?");
    REQUIRE("All granted", "9: error: there is no \"Require All\" | did you mean \"all\"?");
    REQUIRE("not",
            "1: error: there is no \"Require \" | all, ip, local, env, method and expr can be required");
    REQUIRE("all", "1: error: Require all takes \"granted\" or \"denied\"");
    REQUIRE("all not granted", "17: error: Require all takes \"granted\" or \"denied\"");
    REQUIRE("all granted x", "21: error: Require all takes \"granted\" or \"denied\"");
    REQUIRE("ip", "1: error: Require ip needs an address");
    REQUIRE("ip 10 host.test",
            "15: error: \"host.test\" is neither an address nor a range of addresses | 192.0.2.7, 192.0.2, "
            "192.0.2.0/24, 192.0.2.0/255.255.255.0 and 2001:db8::/32 are");
    REQUIRE("env", "1: warning: Require env without arguments lets nobody in");
    REQUIRE("local x", "15: warning: Require local takes no argument; what follows it has no effect");
    REQUIRE("method GET get", "20: error: \"get\" is not a method; they are written in capitals");
    REQUIRE("expr", "1: error: Require expr needs an expression");
    REQUIRE("expr \"tru\"",
            "15: error: \"tru\" is neither quoted nor a function | texts stand in quotes: 'tru'");
    REQUIRE("host example.org",
            "9: error: Require host is not supported in this release: names are not looked up; "
            "\"Require ip\" takes addresses and ranges of them");
    REQUIRE("valid-user",
            "9: error: Require valid-user is not supported in this release: authentication is not part "
            "of it");
    REQUIRE("not user a",
            "13: error: Require user is not supported in this release: authentication is not part of it");
    REQUIRE("not ip 10",
            "9: error: Require not has no effect where any Require line is enough | put it into a "
            "<RequireAll>");
}

static void test_require_groups(void **state)
{
    (void)state;
    FAULT("<RequireAll>\nRequire all granted\n</RequireAll>",
          "2:1: error: <RequireAll> is not allowed outside of a section | its places are: directory");
    FAULT("<Location />\n<RequireAll>\n</RequireAll>\n</Location>",
          "3:1: error: <RequireAll> has no Require line");
    FAULT("<Location />\n<RequireAll x>\nRequire all granted\n</RequireAll>\n</Location>",
          "3:13: error: <RequireAll> takes no arguments | syntax: <RequireAll>");
    FAULT("<Location />\n<RequireAll>\nRequire not ip 10\n</RequireAll>\n</Location>",
          "3:1: error: nothing in <RequireAll> lets anybody in | \"Require all granted\" beside it lets in "
          "whom it does "
          "not keep out");
    FAULT("<Location />\n<RequireNone>\nRequire ip 10\n</RequireNone>\n</Location>",
          "3:1: error: <RequireNone> has no effect where any Require line is enough | put it into a "
          "<RequireAll>");
    FAULT("<Location />\n<RequireAll>\n<RequireNone>\nRequire not ip "
          "10\n</RequireNone>\n</RequireAll>\n</Location>",
          "5:9: error: Require not has no effect where any Require line is enough | put it into a "
          "<RequireAll>");
    FAULT("<Location />\n<RequireAll>\nSetEnv A b\nRequire all granted\n</RequireAll>\n</Location>",
          "4:1: error: SetEnv is not allowed in <RequireAll> and its like | its places are: server config, "
          "virtual "
          "host, directory");
}

static void test_order(void **state)
{
    (void)state;
    GOOD("<Location />\nOrder allow,deny\nAllow from 10 192.0.2.0/24 ::1 env=A env=!B\nDeny from "
         "all\nSatisfy All\n</Location>");
    GOOD("<Location />\nOrder Deny,Allow\n</Location>\n<Location />\nOrder mutual-failure\n</Location>");
    FAULT("Order allow,deny",
          "2:1: error: Order is not allowed outside of a section | its places are: directory");
#define ORDER(line, want) FAULT("<Location />\n" line "\n</Location>", "3:" want)
    ORDER("Order allow", "7: error: Order must be \"allow,deny\", \"deny,allow\" or \"mutual-failure\"");
    ORDER("Order allow, deny",
          "14: error: Order takes one argument | syntax: Order allow,deny|deny,allow|mutual-failure");
    ORDER("Deny from",
          "1: error: Deny takes at least two arguments | syntax: Deny from all|address|env=[!]variable ...");
    ORDER("Allow to all", "7: error: Allow must be followed by \"from\"");
    ORDER("Allow from 10.0.0.0/33",
          "12: error: \"10.0.0.0/33\" is neither an address nor a range of addresses | 192.0.2.7, 192.0.2, "
          "192.0.2.0/24, 192.0.2.0/255.255.255.0 and 2001:db8::/32 are");
    ORDER("Allow from 10 example.org",
          "15: error: Allow from a host name is not supported in this release: names are "
          "not looked up | write addresses or ranges of them");
    ORDER("Satisfy any",
          "9: error: Satisfy Any is not supported in this release: <RequireAny> says what is enough");
    ORDER("Satisfy x", "9: error: Satisfy must be All or Any");
    ORDER("AuthMerging On", "13: error: AuthMerging must be Off, And or Or");
}

static void test_header(void **state)
{
    (void)state;
    GOOD("Header set A b\nHeader ALWAYS Set A b\nheader onsuccess unset A\nHeader unset A env=!V\nHeader "
         "echo ^X-\n"
         "Header edit* A (.) $1$1 env=V\nHeader set A \"expr=%{REQUEST_METHOD} it\\'s\" expr=true\nHeader "
         "merge A: b\n"
         "RequestHeader setifempty A \"%{V}e %t %D %% %\"\nRequestHeader append A \"\" early\n"
         "<Location />\nRequestHeader unset A\nHeader add Set-Cookie a=1\n</Location>");
    FAULT("Header",
          "2:1: error: Header takes at least one argument | syntax: Header [always|onsuccess] action field "
          "[value [replacement]] [env=[!]variable|expr=expression]");
    FAULT("Header always",
          "2:1: error: there is no action \"\" | the actions are set, setifempty, add, append, merge, "
          "unset, edit, edit* and echo");
    FAULT("RequestHeader always set A b", "2:15: error: there is no action \"always\" | the actions are set, "
                                          "setifempty, add, append, merge, unset, edit, edit*");
    FAULT("Header note A b",
          "2:8: error: the action note is not supported in this release: there are no notes");
    FAULT("RequestHeader echo A", "2:15: error: only Header can echo a field of the request");
    FAULT("Header set", "2:1: error: Header needs the name of a field");
    FAULT("Header set \"A B\" c", "2:12: error: \"A B\" is no name of a field");
    FAULT("Header set A", "2:1: error: Header set needs a value");
    FAULT("Header edit A b", "2:1: error: Header edit needs an expression and a replacement");
    FAULT("Header edit A ( b", "2:16: error: the expression cannot be compiled: missing closing parenthesis");
    FAULT("Header echo (", "2:13: error: the expression cannot be compiled: missing closing parenthesis");
    FAULT("Header set A b c", "2:16: error: unknown condition \"c\" | env=VARIABLE, env=!VARIABLE and "
                              "expr=EXPRESSION are conditions");
    FAULT("RequestHeader unset A b", "2:23: error: unknown condition \"b\" | env=VARIABLE, env=!VARIABLE and "
                                     "expr=EXPRESSION are conditions, so is early");
    FAULT("Header set A b env=X Y", "2:22: error: Header has too many arguments");
    FAULT("Header set A b env=!", "2:16: error: the variable's name is missing behind \"env=\"");
    FAULT("Header set A b \"expr=tru\"",
          "2:22: error: \"tru\" is neither quoted nor a function | texts stand in quotes: 'tru'");
    FAULT("Header set A expr=%{NOPE}",
          "2:21: error: there is no variable \"NOPE\" | a variable of SetEnvIf is "
          "%{reqenv:NOPE}");
    FAULT("Header set A %{X}s",
          "2:14: error: %{...}s is not supported in this release: TLS is not part of it");
    FAULT("Header set A %l", "2:14: error: %l is not supported: the load of the host is nobody's business");
    FAULT("Header set A %{a}Q", "2:14: error: there is no format %Q | %{VARIABLE}e, %t, %D and %% are known");
    FAULT("Header set A %{x", "2:14: error: there is no format % | %{VARIABLE}e, %t, %D and %% are known");
    FAULT("Header set A a\\nb",
          "2:14: error: a field's value cannot hold a line break or another control character");
    FAULT("Header set content-length 1",
          "2:12: warning: the field content-length is scgate's own; the line has no effect");
    FAULT("Header unset Connection",
          "2:14: warning: the field Connection is scgate's own; the line has no effect");
    FAULT("RequestHeader set Transfer-Encoding x",
          "2:19: warning: the field Transfer-Encoding is scgate's own; the line has no effect");
    GOOD("RequestHeader unset Connection");
    FAULT("Header set A b early",
          "2:16: warning: early is for RequestHeader; the field is changed when the response is complete");
    FAULT("<Location />\nRequestHeader unset A early\n</Location>",
          "3:23: warning: early acts before sections are chosen: here it has no effect");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_require),
        cmocka_unit_test(test_require_groups),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_header),
    };
    int failed;

    arena_init(&arena, NULL, 0);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_finish(&arena);
    return failed;
}
