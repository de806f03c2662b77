/* Whole configurations: what is accepted, and what the faults say, where. */
#include "config/expect.h"

static void test_listen(void **state)
{
    struct str faults;

    (void)state;
    assert_null(load("", &faults));
    assert_string_equal(faults.p,
                        "0:0: error: no Listen directive | say where to listen, e.g. \"Listen 8080\" or "
                        "\"Listen unix:/run/scgate.sock\"\n");
    GOOD("Listen 127.0.0.1:80\nListen [::1]:80\nListen *:81\nListen name:82 http\nListen unix:/run/x.sock");
    FAULT("Listen 127.0.0.1:99999", "2:8: error: \"99999\" is not a port: 1 to 65535");
    FAULT("Listen 99999", "2:8: error: \"99999\" is not a port: 1 to 65535");
    FAULT("Listen 127.0.0.1", "2:8: error: the port is missing | write \"Listen 127.0.0.1:8080\"");
    FAULT("Listen [::1",
          "2:8: error: \"[::1\" is not an address | 8080, 127.0.0.1:8080, [::1]:8080 or unix:/path are");
    FAULT("Listen 443 https", "2:12: error: the protocol \"https\" is not supported in this release");
    FAULT("Listen unix:", "2:8: error: the path of the Unix socket is missing");
    FAULT("  Listen 8080", "2:10: error: Listen 8080 stands twice | the first is at /etc/gate.conf:1");
}

static void test_counts(void **state)
{
    (void)state;
    FAULT("ProxySCGIInternalRedirect On Off",
          "2:30: error: ProxySCGIInternalRedirect takes one argument | syntax: "
          "ProxySCGIInternalRedirect On|Off|Headername");
    FAULT("ProxySCGISendfile",
          "2:1: error: ProxySCGISendfile takes one argument | syntax: ProxySCGISendfile On|Off|Headername");
    FAULT("ServerName \"\"",
          "2:12: error: ServerName takes one argument | syntax: ServerName [scheme://]host[:port]");
    FAULT("ProxyTimeout 5 # five",
          "2:16: error: ProxyTimeout takes one argument | a comment needs a line of its own");
    FAULT("SetEnv A b c", "2:12: error: SetEnv takes one to two arguments | syntax: SetEnv variable [value]");
    GOOD("SetEnv A \"\"\nUnsetEnv A B C");
    FAULT("SetEnv A \\\n b \\\n c",
          "4:2: error: SetEnv takes one to two arguments | syntax: SetEnv variable [value]");
}

static void test_names(void **state)
{
    (void)state;
    GOOD("pRoXyPaSs /a/ scgi://h/");
    FAULT("ProxyPas /a/ scgi://h/",
          "2:1: error: unknown directive \"ProxyPas\" | did you mean \"ProxyPass\"?");
    FAULT("Frobnicate On", "2:1: error: unknown directive \"Frobnicate\"");
    FAULT("<Locatoin /x>\n</Locatoin>",
          "2:1: error: unknown section \"<Locatoin>\" | did you mean \"<Location>\"?");
}

static void test_contexts(void **state)
{
    (void)state;
    FAULT("<Location /x>\n  Listen 81\n</Location>",
          "3:3: error: Listen is not allowed in <Location> | its places are: server config");
    FAULT("<VirtualHost *>\n<VirtualHost *>\n</VirtualHost>\n</VirtualHost>",
          "3:1: error: <VirtualHost> is not allowed in <VirtualHost> | its places are: server config");
    FAULT("ServerAlias x",
          "2:1: error: ServerAlias is not allowed outside of a section | its places are: virtual host");
    FAULT("Require all granted",
          "2:1: error: Require is not allowed outside of a section | its places are: directory");
    FAULT(
        "<Directory /x>\nProxyPass scgi://h/\n</Directory>",
        "3:1: error: ProxyPass is not allowed in <Directory> | its places are: server config, virtual host, "
        "<Location>");
}

static void test_sections(void **state)
{
    (void)state;
    GOOD("<LOCATION \"/x\"> junk\n</location>\n<Location ~ ^/x>\n</Location>\n<LocationMatch "
         "x>\n</LocationMatch>");
    GOOD("<Directory />\n</Directory>\n<Directory ~ x>\n</Directory>\n<DirectoryMatch x>\n</DirectoryMatch>");
    FAULT("<Location /x>\nSetEnv A b", "2:1: error: \"<Location>\" is not closed");
    FAULT("</Location>", "2:1: error: \"</Location>\" without matching \"<Location>\" section");
    FAULT("<Location /x\n</Location>", "2:1: error: \"<Location\" is missing its closing \">\"");
    FAULT("<Location /x>\n</Location", "3:1: error: \"</Location\" is missing its closing \">\"");
    FAULT("< /x>\nSetEnv A b", "2:1: error: a section needs a name behind \"<\"");
    FAULT("<Location>\n</Location>",
          "2:1: error: <Location> takes one to two arguments | syntax: <Location [~] URL-path>");
    FAULT("<Location /x /y>\n</Location>", "2:14: error: <Location> takes one argument");
    FAULT("<LocationMatch \"a((b\">\n</LocationMatch>",
          "2:21: error: the expression cannot be compiled: missing closing parenthesis");
    FAULT("<Location /x>\n</Directory>\n</Location>",
          "3:1: error: expected \"</Location>\" but saw \"</Directory>\" | \"<Location>\" was opened at "
          "/etc/gate.conf:2");
    FAULT("<Location /x>\n</Locatoin>",
          "3:1: error: expected \"</Location>\" but saw \"</Locatoin>\" | \"<Location>\" was opened at "
          "/etc/gate.conf:2");
    FAULT("<VirtualHost *>\n<Location /x>\n</VirtualHost>\nServerName y",
          "4:1: error: expected \"</Location>\" but saw \"</VirtualHost>\" | \"<Location>\" was opened at "
          "/etc/gate.conf:3");
}

/* One fault does not hide another; they come in the order of the file. */
static void test_files_and_proxy(void **state)
{
    (void)state;
    GOOD("<Files x>\nSetEnv A b\n</Files>\n<Directory /d>\n<FilesMatch "
         "\"[.]x$\">\n</FilesMatch>\n</Directory>");
    FAULT("<Location />\n<Files x>\n</Files>\n</Location>",
          "3:1: error: <Files> is not allowed in <Location> | its places are: server config, virtual host, "
          "<Directory>");
    FAULT("<Files x>\nProxyPass scgi://h/\n</Files>",
          "3:1: error: ProxyPass is not allowed in <Files> | its places are: server config, virtual host, "
          "<Location>");
    GOOD("<Proxy>\n</Proxy>\n<Proxy *>\nSetEnv A b\n</Proxy>\n<Proxy ~ ^scgi>\n</Proxy>\n"
         "<ProxyMatch x$>\n</ProxyMatch>\n<Proxy scgi://h:1/ timeout=5>\n</Proxy>");
    FAULT("<Proxy * timeout=1>\n</Proxy>",
          "2:10: error: parameters need the URL of one backend | <Proxy \"scgi://host:port/\" timeout=5>");
    FAULT("<Proxy scgi://h/ frob=1>\n</Proxy>", "2:18: error: unknown parameter \"frob\" of ProxyPass");
    FAULT("<Proxy balancer://x>\nBogus\n</Proxy>",
          "2:8: error: balancers are not supported in this release | name one backend with ProxyPass: "
          "scgi://host:port/");
    FAULT("<Proxy http://h/ timeout=1>\n</Proxy>",
          "2:8: error: unknown scheme: scgate speaks only SCGI to backends: \"http://h/\" | "
          "scgi://host:port/path or unix:/path/of/socket|scgi://host/path");
    FAULT("<ProxyMatch (>\n</ProxyMatch>",
          "2:14: error: the expression cannot be compiled: missing closing parenthesis");
    FAULT("<Location />\n<Proxy *>\n</Proxy>\n</Location>",
          "3:1: error: <Proxy> is not allowed in <Location> | its places are: server config, virtual host");
    FAULT("<LocationMatch (.)(.)(.)(.)(.)(.)(.)(.)(.)(?<x>.)>\n</LocationMatch>",
          "2:16: warning: the group \"x\" is not among the first nine: it sets no variable");
}

static void test_if(void **state)
{
    (void)state;
    GOOD("<If \"true\">\n</If>\n<ElseIf \"-n %{QUERY_STRING}\">\n<If \"false\">\n</If>\n<Else>\n</Else>\n"
         "</ElseIf>\n<Else>\nSetEnv A b\n</Else>");
    FAULT("<Else>\n</Else>",
          "2:1: error: <Else> without <If> before it | <If> or <ElseIf> must stand before it "
          "in the same section");
    FAULT("<If true>\n</If>\n<Else>\n</Else>\n<ElseIf true>\n</ElseIf>",
          "6:1: error: <ElseIf> without <If> before it | <If> or <ElseIf> must stand before it in the same "
          "section");
    FAULT("<If true>\n</If>\n<Location />\n<Else>\n</Else>\n</Location>",
          "5:1: error: <Else> without <If> before it | <If> or <ElseIf> must stand before it in the same "
          "section");
    FAULT("<If true>\n<Location />\n</Location>\n</If>",
          "3:1: error: <Location> is not allowed in <If> | its places are: server config, virtual host");
    FAULT("<If true>\nProxyPass scgi://h/\n</If>",
          "3:1: error: ProxyPass is not allowed in <If> | its places are: server config, virtual host, "
          "<Location>");
    FAULT("<If true false>\n</If>", "2:10: error: <If> takes one argument | syntax: <If expression>");
    FAULT("<Else x>\n</Else>", "2:7: error: <Else> takes no arguments | syntax: <Else>");
}

static void test_many(void **state)
{
    (void)state;
    FAULT("<VirtualHost *>\nKeepAlive x\n</VirtualHost>\nTimeout 0\nKeepAlive maybe\nUser",
          "3:11: error: KeepAlive must be On or Off\n"
          "5:9: warning: \"0\" is not a time of at least 1 ms; 60 seconds are used\n"
          "6:11: error: KeepAlive must be On or Off\n"
          "7:1: error: User takes one argument | syntax: User name|#number");
}

static void test_fault_limit(void **state)
{
    char text[2000] = "Listen 80\n", *at = text + strlen(text);
    struct str faults;
    size_t lines = 0;

    (void)state;
    for (int i = 0; i < 90; i++)
        at += sprintf(at, "Bogus%d\n", i);
    assert_null(load(text, &faults));
    for (size_t i = 0; i < faults.n; i++)
        lines += faults.p[i] == '\n';
    assert_int_equal(lines, 51);
    assert_true(str_find_str(faults, STR("notice: too many errors, the rest is not shown")) >= 0);
}

static void test_variables(void **state)
{
    (void)state;
    GOOD("Define PORT 81\nListen ${PORT}\nDefine A 127.0.0.1:${PORT}\nListen ${A}");
    FAULT("Define P 99999\nListen 127.0.0.1:${P}", "3:8: error: \"99999\" is not a port: 1 to 65535");
    FAULT("Define H a b\nListen x", "2:12: error: Define takes one or two arguments\n"
                                    "3:8: error: the port is missing | write \"Listen x:8080\"");
    FAULT("Define", "2:1: error: Define takes one or two arguments");
    FAULT("Define a:b c", "2:8: error: the name of a variable must not contain \":\"");
    FAULT("SetEnv A \"${NOPE}\"", "2:11: warning: variable \"NOPE\" is not defined");
    GOOD("SetEnv A \"${NO:PE} ${OPEN\"");
    GOOD("User \"${FROM_ENVIRONMENT}\"");
    FAULT("Define A 81\nUnDefine A\nListen ${A}",
          "4:8: warning: variable \"A\" is not defined\n"
          "4:8: error: the port is missing | write \"Listen ${A}:8080\"");
    FAULT("Define X\nSetEnv A ${X}", "3:10: warning: variable \"X\" is not defined");
    FAULT("Define A x\nDefine B ${A}${A}y\nBogus${B}", "4:1: error: unknown directive \"Bogusxxy\"");
}

/* Doubling a value is stopped before it fills the memory. */
static void test_growth(void **state)
{
    char text[2000] = "Listen 80\nDefine A xxxxxxxxxxxxxxxx\n", *at = text + strlen(text);
    struct str faults;

    (void)state;
    for (int i = 0; i < 60; i++)
        at += sprintf(at, "Define A ${A}${A}\n");
    assert_null(load(text, &faults));
    assert_true(str_find_str(faults, STR("longer than 256 KiB after its variables were replaced")) >= 0);
}

/* Many long lines are stopped too. */
static void test_budget(void **state)
{
    static char text[20000];
    char *at = text + sprintf(text, "Listen 80\nDefine A xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n");
    struct str faults;

    (void)state;
    for (int i = 0; i < 12; i++)
        at += sprintf(at, "Define A ${A}${A}\n");
    for (int i = 0; i < 600; i++)
        at += sprintf(at, "SetEnv A ${A}\n");
    assert_null(load(text, &faults));
    assert_true(str_find_str(faults, STR("error: the configuration is larger than 64 MiB")) >= 0);
}

static void test_conditions(void **state)
{
    (void)state;
    GOOD("<IfModule no.c>\nthis is (junk \"unbalanced\n<IfModule x>\n</IfModule>\n<Other>\n</IfModule>");
    FAULT("<IfModule mod_proxy_scgi.c>\nBogus\n</IfModule>", "3:1: error: unknown directive \"Bogus\"");
    FAULT("<IfModule !no>\nBogus\n</IfModule>", "3:1: error: unknown directive \"Bogus\"");
    GOOD("<IfModule !proxy_module>\nBogus\n</IfModule>");
    FAULT("<IfDirective !no>\nBogus\n</IfDirective>", "3:1: error: unknown directive \"Bogus\"");
    FAULT("<IfDirective proxypass>\nBogus\n</IfDirective>", "3:1: error: unknown directive \"Bogus\"");
    FAULT("<IfSection proxy>\nBogus\n</IfSection>", "3:1: error: unknown directive \"Bogus\"");
    GOOD("<IfDirective RewriteRule>\nBogus\n</IfDirective>\n<IfSection !Location>\nBogus\n</IfSection>\n"
         "<IfDirective Location>\nBogus\n</IfDirective>");
    FAULT("<IfDefine GIVEN>\nBogus\n</IfDefine>", "3:1: error: unknown directive \"Bogus\"");
    FAULT("<IfDefine !NOT_GIVEN>\nBogus\n</IfDefine>", "3:1: error: unknown directive \"Bogus\"");
    GOOD("<IfDefine NOT_GIVEN>\nBogus\n</IfDefine>");
    FAULT("Define X\n<IfDefine X>\n<Location /y>\nBogus\n</Location>\n</IfDefine>",
          "5:1: error: unknown directive \"Bogus\"");
    GOOD("<IfFile /srv>\nUser a\n</IfFile>\n<IfFile none>\nBogus\n</IfFile>");
    FAULT("<IfModule x>\nUser a", "2:1: error: \"<IfModule>\" is not closed");
    FAULT("<IfDefine GIVEN>\nUser a", "2:1: error: \"<IfDefine>\" is not closed");
    FAULT("<IfModule>\n</IfModule>", "2:1: error: <IfModule> takes one argument");
    FAULT("<IfModule a b>\n</IfModule>", "2:13: error: <IfModule> takes one argument");
    FAULT("<IfModule a\n</IfModule>", "2:1: error: \"<IfModule\" is missing its closing \">\"");
}

static void test_version(void **state)
{
    static const char *const met[] = {">= 2.4", "2.4.71",  "= 2.4.71",  "== 2.4.71", "<= 2.4.71",
                                      "< 2.5",  "> 2",     "!> 2.4.71", "!2.2",      "~ ^2\\.4",
                                      "/^2/",   "= /2.4/", "!~ ^3"};
    static const char *const unmet[] = {"< 2.4", "2.4", "> 2.4.71", "!>= 2.4", "~ ^3", "/^3/", "!/^2/"};

    (void)state;
    for (size_t i = 0; i < sizeof met / sizeof *met; i++)
        FAULT(arena_printf(&arena, "<IfVersion %s>\nBogus\n</IfVersion>", met[i]).p,
              "3:1: error: unknown directive \"Bogus\"");
    for (size_t i = 0; i < sizeof unmet / sizeof *unmet; i++)
        GOOD(arena_printf(&arena, "<IfVersion %s>\nBogus\n</IfVersion>", unmet[i]).p);
    FAULT("<IfVersion ~~ 2>\n</IfVersion>", "2:12: error: unknown operator \"~~\"");
    FAULT("<IfVersion >= 2.x>\n</IfVersion>", "2:15: error: \"2.x\" is not a version");
    FAULT("<IfVersion 2.4.71.1>\n</IfVersion>", "2:12: error: \"2.4.71.1\" is not a version");
    FAULT("<IfVersion ~ (>\n</IfVersion>",
          "2:14: error: the expression cannot be compiled: missing closing parenthesis");
}

static void test_macros(void **state)
{
    (void)state;
    GOOD("<Macro App $path $port>\nProxyPass $path scgi://h:$port/\n<Location $path>\nSetEnv A "
         "\"${FROM_ENVIRONMENT}\"\n"
         "</Location>\n</Macro>\nUse app /a/ 81\n<VirtualHost *>\nUSE App /b/ 82\n</VirtualHost>\nUndefMacro "
         "APP\n"
         "<IfModule mod_macro.c>\n<Macro Empty>\n</Macro>\nUse Empty\n</IfModule>\n"
         "<Macro Blank $x>\n$x\n</Macro>\nUse Blank \"\"");
    /* Shown where the line stands that was read. */
    FAULT("<Macro M %x %xx>\n  Bogus%xx %x\n</Macro>\nUse M a b", "3:3: error: unknown directive \"Bogusb\"");
    FAULT("<Macro M $d>\n$d On\n</Macro>\nUse M Bogus", "3:1: error: unknown directive \"Bogus\"");
    FAULT("Use None", "2:5: error: there is no macro \"None\"");
    FAULT("Use", "2:1: error: Use takes the name of a macro");
    FAULT("<Macro M $a>\n</Macro>\nUse M",
          "4:5: error: the macro \"M\" takes 1 argument | it is defined at /etc/gate.conf:2");
    FAULT("<Macro M>\nUse N\n</Macro>\n<Macro N>\nUse M\n</Macro>\nUse M",
          "6:5: error: the macro \"M\" uses itself");
    FAULT("<Macro>\n</Macro>", "2:1: error: <Macro> needs a name");
    FAULT("<Macro M $a $a>\n</Macro>", "2:13: error: the parameter \"$a\" stands twice");
    FAULT("<Macro M \"\">\n</Macro>", "2:10: error: a parameter is empty");
    FAULT("<Macro M>\n</Macro>\n<Macro m>\n</Macro>",
          "4:8: warning: the macro \"m\" is defined again | the first is at /etc/gate.conf:2");
    FAULT("<Macro M>\nBogus", "2:1: error: \"<Macro>\" is not closed");
    FAULT("<Macro M>\n<Location /x>\n</Macro>\nUse M", "3:1: error: \"<Location>\" is not closed");
    FAULT(
        "<Location /x>\n<Macro M>\n</Location>\n</Macro>\nUse M\n</Location>",
        "4:1: error: \"</Location>\" without matching \"<Location>\" section | a file opens and closes whole "
        "sections only");
    FAULT("UndefMacro M", "2:12: error: there is no macro \"M\"");
    FAULT("<IfDefine NO>\n<Macro M>\n</Macro>\n</IfDefine>\nUse M", "6:5: error: there is no macro \"M\"");
}

/* Macros that use others twice would grow without bound. */
static void test_macro_growth(void **state)
{
    struct str
        text = STR(
            "Listen 80\n<Macro M0>\nSetEnv A bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n</Macro>\n"),
        faults;

    (void)state;
    for (int i = 1; i < 40; i++)
        text = arena_printf(&arena, "%.*s<Macro M%d>\nUse M%d\nUse M%d\n</Macro>\n", STR_ARG(text), i, i - 1,
                            i - 1);
    text = ARENA_CONCAT(&arena, text, STR("Use M39\n"));
    assert_null(load(arena_copy(&arena, text).p, &faults));
    assert_true(str_find_str(faults, STR("error: the configuration is larger than 64 MiB")) >= 0);
}

static void test_include(void **state)
{
    (void)state;
    GOOD("Include a.conf\nListen 82\n=== /etc/a.conf\nListen 81\n");
    FAULT("Include a.conf\n=== /etc/a.conf\n# x\nBogus\n",
          "/etc/a.conf:2:1: error: unknown directive \"Bogus\"");
    FAULT("Include none.conf", "2:9: error: cannot read \"/etc/none.conf\": no such file");
    FAULT("Include x/*.conf", "2:9: error: no file matches \"/etc/x/*.conf\" | IncludeOptional accepts that");
    GOOD("IncludeOptional none.conf\nIncludeOptional x/*.conf");
    FAULT("Include d/*.conf\n=== /etc/d/b.conf\nBogus2\n=== /etc/d/a.conf\nBogus1\n=== /etc/d/c\nBogus3\n",
          "/etc/d/a.conf:1:1: error: unknown directive \"Bogus1\"\n"
          "/etc/d/b.conf:1:1: error: unknown directive \"Bogus2\"");
    FAULT("Include d\n=== /etc/d/b\nBogus\n=== /etc/d/e/\n",
          "/etc/d/b:1:1: error: unknown directive \"Bogus\"");
    FAULT("Include", "2:1: error: Include takes one argument");
    FAULT("<Location /x>\nInclude a.conf\n</Location>\n=== /etc/a.conf\n</Location>\n",
          "/etc/a.conf:1:1: error: \"</Location>\" without matching \"<Location>\" section | a file opens "
          "and closes "
          "whole sections only");
    FAULT("Include a.conf\n</Location>\n=== /etc/a.conf\n<Location /x>\n",
          "/etc/a.conf:1:1: error: \"<Location>\" is not closed\n"
          "3:1: error: \"</Location>\" without matching \"<Location>\" section");
    FAULT("Include a.conf\nInclude a.conf\n=== /etc/a.conf\nInclude a.conf\nInclude a.conf\n",
          "/etc/a.conf:1:9: error: Include is nested more than 128 deep; does a file include itself?");
    FAULT("ServerRoot /srv\nInclude a.conf\n=== /etc/a.conf\n",
          "3:9: error: cannot read \"/srv/a.conf\": no such file");
}

static void test_error(void **state)
{
    (void)state;
    FAULT("Error \"stop here\"\nBogus", "2:1: error: stop here\n"
                                        "3:1: error: unknown directive \"Bogus\"");
}

static void test_proxy_pass(void **state)
{
    (void)state;
    GOOD("ProxyPass /a/ scgi://h/ connectiontimeout=300ms timeout=5\nProxyPass /b !\nProxyPass \"/c\" \"!\"");
    GOOD("<Location /x/>\nProxyPass scgi://h/ timeout=3\n</Location>");
    FAULT("ProxyPass /a/",
          "2:1: error: ProxyPass needs a path and a URL outside of <Location> | syntax: ProxyPass "
          "[[~] path] !|url [key=value ...]");
    FAULT("<Location /x>\nProxyPass /y scgi://h/\n</Location>",
          "3:11: error: ProxyPass takes no path inside of <Location>: the section's is used");
    FAULT("ProxyPass /a/ /b/", "2:15: error: the URL must be absolute: \"/b/\" | scgi://host:port/path or "
                               "unix:/path/of/socket|scgi://host/path");
    FAULT("ProxyPass /a/ scgi://h:99999/", "2:15: error: the port must be 1 to 65535: \"scgi://h:99999/\"");
    FAULT("ProxyPass /a/ balancer://x/ lbmethod=byrequests",
          "2:15: error: balancers are not supported in this release: \"balancer://x/\" | name one backend: "
          "scgi://host:port/");
    GOOD("ProxyPass ~ ^/x scgi://h/\nProxyPassMatch ^/y !\nProxyPassMatch ^(/z) scgi://h$1\n"
         "<LocationMatch ^/l/(.*)>\nProxyPassMatch scgi://h/$1\n</LocationMatch>");
    FAULT("ProxyPassMatch ~ ^/x scgi://h/", "2:16: error: \"~\" belongs to ProxyPass outside of <Location>");
    FAULT("ProxyPassMatch ^/x",
          "2:1: error: ProxyPassMatch needs an expression and a URL outside of <Location> | syntax: "
          "ProxyPassMatch [regex] !|url [key=value ...]");
    FAULT("ProxyPassMatch ( scgi://h/",
          "2:17: error: the expression cannot be compiled: missing closing parenthesis");
    FAULT("<Location /x>\nProxyPassMatch scgi://h/\n</Location>",
          "3:16: error: ProxyPassMatch takes its expression from <LocationMatch>");
    FAULT("<LocationMatch /x>\nProxyPass scgi://h/ mapping=encoded\n</LocationMatch>",
          "3:11: error: mapping= needs the path of a <Location>");
    FAULT("ProxyPassMatch ^/(.*) scgi://$1/",
          "2:23: error: a request must not choose the host, port or socket: \"scgi://$1/\" | put a slash "
          "between the host and what is replaced");
    FAULT("ProxyPass /x/ scgi://${HOST}/ interpolate",
          "2:22: warning: variable \"HOST\" is not defined\n2:15: error: a request must not choose the host, "
          "port or socket: \"scgi://${HOST}/\" | put a slash between the host and what is replaced");
    FAULT("ProxyPassMatch ^/ scgi://h/ mapping=servlet",
          "2:1: error: mapping= does not go together with an expression");
    FAULT("ProxyPassMatch ^/ scgi://h/ nocanon", "2:1: warning: nocanon has no effect with an expression");
    FAULT("ProxyPass /a/ scgi://h",
          "2:15: warning: the path ends in a slash and the URL has none; \"/\" is put in | "
          "write \"scgi://h/\"");
    FAULT("ProxyPass a scgi://h/",
          "2:11: warning: the path does not begin with a slash; no request will match it");
    FAULT("ProxyPass /a/ scgi://h/ timeout=5\nProxyPass /b/ scgi://h/ timeout=6",
          "3:15: warning: the parameters are not used: the backend is shared with /etc/gate.conf:2");
}

static void test_handler(void **state)
{
    (void)state;
    GOOD("SetHandler none\n<Files x>\nSetHandler \"proxy:unix:/run/x.sock|scgi://localhost/\"\n</Files>\n"
         "<If true>\nSetHandler default-handler\n</If>");
    FAULT("SetHandler server-status",
          "2:12: error: the handler \"server-status\" is not supported | syntax: SetHandler "
          "proxy:url|default-handler|none");
    FAULT("SetHandler proxy:http://h/",
          "2:12: error: unknown scheme: scgate speaks only SCGI to backends: \"proxy:http://h/\" | "
          "scgi://host:port/path or unix:/path/of/socket|scgi://host/path");
}

static void test_redirects(void **state)
{
    (void)state;
    GOOD("Redirect /a http://h/\nRedirect permanent /a /b\nRedirect 308 /a HTTPS://h\nRedirect gone /a\n"
         "Redirect 404 /a\nRedirectMatch (.*)[.]gif$ http://h$1.jpg\nRedirectMatch seeother ^/x $0\n"
         "RedirectTemp /a /b\nRedirectPermanent /a /b\nAliasMatch ^/x/(.*) /srv/$1\n"
         "<Location /x>\nRedirect 301 http://h/\n</Location>\n<Location /y>\nRedirect gone\n</Location>");
    FAULT("Redirect a http://h/", "2:10: error: the path must begin with a slash");
    FAULT("Redirect /a", "2:1: error: the URL to redirect to is missing | syntax: Redirect [status] "
                         "[URL-path] [URL]");
    FAULT("Redirect /a b", "2:13: error: \"b\" is not a URL | an absolute URL, or a path that begins with a "
                           "slash");
    FAULT("Redirect gone /a http://h/", "2:18: error: status 410 takes no URL");
    FAULT("Redirect 200 /a", "2:10: error: status 200 is neither a redirect nor an error");
    FAULT("Redirect 304 /a /b", "2:10: error: status 304 is neither a redirect nor an error");
    FAULT("Redirect 301 /a /b /c",
          "2:20: error: Redirect takes no more arguments | syntax: Redirect [status] "
          "[URL-path] [URL]");
    FAULT("Redirect gone", "2:1: error: Redirect needs a path");
    FAULT("RedirectMatch 301", "2:1: error: RedirectMatch needs an expression");
    FAULT("RedirectMatch ( /x",
          "2:16: error: the expression cannot be compiled: missing closing parenthesis");
    FAULT("AliasMatch ( /x", "2:13: error: the expression cannot be compiled: missing closing parenthesis");
}

static void test_proxy_parameters(void **state)
{
    static const struct {
        const char *text, *want;
    } bad[] = {
        {"oops", "\"oops\" is not a parameter of ProxyPass | parameters are key=value"},
        {"frob=1", "unknown parameter \"frob\" of ProxyPass"},
        {"mapping=odd", "unknown mapping \"odd\""},
        {"timeout=abc", "timeout must be a number from 1 to 1000000"},
        {"timeout=5x", "timeout must be a number from 1 to 1000000"},
        {"timeout=0", "timeout must be a number from 1 to 1000000"},
        {"connectiontimeout=x", "connectiontimeout must be a time of at least 1 ms"},
        {"connectiontimeout=0", "connectiontimeout must be a time of at least 1 ms"},
    };
    static const char *const bad_values[] = {
        "max=-1",
        "min=-1",
        "smax=x",
        "ttl=0",
        "acquire=0",
        "flushpackets=maybe",
        "flushwait=1001",
        "addressttl=1.5",
        "retry=-1",
        "iobuffersize=1",
        "keepalive=1",
        "receivebuffersize=100",
        "lbset=100",
        "disablereuse=1",
        "status=Z",
        "status=",
        "loadfactor=0",
        "loadfactor=0.5",
        "loadfactor=101",
        "loadfactor=100.1",
        "route=rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr",
    };
    struct str faults;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect(arena_printf(&arena, "ProxyPass /a/ scgi://h/ %s", bad[i].text).p,
               arena_printf(&arena, "2:25: error: %s\n", bad[i].want).p);
    for (size_t i = 0; i < sizeof bad_values / sizeof *bad_values; i++)
        if (load(arena_printf(&arena, "Listen 80\nProxyPass /a/ scgi://h/ %s", bad_values[i]).p, &faults))
            fail_msg("accepted: %s", bad_values[i]);
    FAULT("ProxyPass /a/ scgi://h/ max=5 Retry=0 loadfactor=1.5 status=+D-E+H upgrade=websocket nocanon",
          "2:1: warning: without effect in this release: max, retry, loadfactor, status, upgrade");
}

static void test_values(void **state)
{
    (void)state;
    FAULT("ProxyTimeout -5", "2:14: error: \"-5\" is not a time limit | a number of seconds, at least 1");
    GOOD("ProxyTimeout 5s\nKeepAliveTimeout 500ms\nLimitRequestBody 0\nTraceEnable extended\nMergeSlashes "
         "Off");
    FAULT("KeepAliveTimeout x",
          "2:18: error: \"x\" is not a time | a number with or without a unit: ms, s, min, h");
    FAULT("LimitRequestLine 99999999999",
          "2:18: warning: LimitRequestLine is out of bounds; 1048576 is used");
    FAULT("LimitRequestFields -1", "2:20: error: LimitRequestFields must not be negative");
    FAULT("MaxKeepAliveRequests x", "2:22: warning: \"x\" is not a number; the default stays");
    FAULT("LimitRequestBody -1", "2:18: error: \"-1\" is not a number of bytes (0: no limit)");
    FAULT("WorkerProcesses 0", "2:17: error: WorkerProcesses must be auto or a number from 1 to 1024");
    FAULT("IOEngine select", "2:10: error: IOEngine must be auto, io_uring or epoll");
    FAULT("DocumentRoot /none", "2:14: error: DocumentRoot \"/none\" is not a directory");
    FAULT("ServerRoot none", "2:12: error: ServerRoot \"/etc/none\" is not a directory");
    FAULT("ServerName \"a b\"", "2:12: warning: \"a b\" is not a host name; no request will ask for it");
    FAULT("<VirtualHost name:80>\n</VirtualHost>", "2:14: error: \"name:80\" is not an address of a virtual "
                                                   "host | *, *:8080, 127.0.0.1:8080 or [::1]:8080 are; "
                                                   "names are not looked up here");
    FAULT("ProxySCGISendfile \"a b\"", "2:19: error: \"a b\" is neither On, Off nor the name of a header");
    FAULT("TypesConfig none", "2:13: error: cannot read \"/etc/none\": No such file or directory");
    FAULT("Options Bogus", "2:9: error: unknown option \"Bogus\"");
    FAULT("Options Indexes +FollowSymLinks", "2:17: error: options with and without + or - cannot be mixed");
    FAULT("ErrorDocument 200 x", "2:15: error: \"200\" is not a status from 400 to 599");
    FAULT("ErrorDocument 401 http://h/",
          "2:19: warning: a redirect cannot ask for a password; ErrorDocument 401 is left out");
    FAULT("AllowOverride All",
          "2:1: error: AllowOverride is not allowed outside of a section | its places are: <Directory>");
    FAULT("<Directory /srv>\nAllowOverride All\nAllowOverride FileInfo\n</Directory>",
          "3:15: warning: .htaccess files are not read");
}

static void test_environment(void **state)
{
    (void)state;
    FAULT("SetEnv A=b",
          "2:8: warning: the variable's name is \"A=b\", with the \"=\" | name and value are two words: "
          "SetEnv A value");
    FAULT("PassEnv FROM_ENVIRONMENT NOPE", "2:26: warning: the environment has no variable \"NOPE\"");
    FAULT("SetEnvIf Host", "2:1: error: SetEnvIf needs an expression");
    FAULT("SetEnvIf Host x", "2:1: error: SetEnvIf needs a variable to set");
    FAULT("SetEnvIf \"^X((\" . A",
          "2:15: error: the expression cannot be compiled: missing closing parenthesis");
    FAULT("BrowserMatch \"x(\" A",
          "2:17: error: the expression cannot be compiled: missing closing parenthesis");
    FAULT("SetEnvIfExpr \"%{X} == 1\" A",
          "2:17: error: there is no variable \"X\" | a variable of SetEnvIf is %{reqenv:X}");
    FAULT("SetEnvIfExpr \"%{REQUEST_METHD} == 'GET'\" A",
          "2:17: error: there is no variable \"REQUEST_METHD\" | did you mean %{REQUEST_METHOD}?");
    FAULT("SetEnvIfExpr \"true &&\" A", "2:22: error: expected a value, not the end");
    FAULT("SetEnvIfExpr \"true && \\\n  -n 'a' 'b'\" A",
          "3:10: error: expected &&, || or the end, not \"'\"");
    FAULT("SetEnvIfExpr \"'a\\\\b' == b\" A",
          "2:25: error: \"b\" is neither quoted nor a function | texts stand in quotes: 'b'");
    FAULT("SetEnvIfExpr true",
          "2:1: error: SetEnvIfExpr takes at least two arguments | syntax: SetEnvIfExpr expression "
          "[!]variable[=value] ...");
}

static void test_logs(void **state)
{
    (void)state;
    GOOD("CustomLog logs/a common\nLogFormat \"%h %l %u %t \\\"%r\\\" %>s %b\" common\nErrorLog e.log\n"
         "CustomLog b \"%h\" env=!quiet\nLogLevel warn");
    FAULT("CustomLog a comon", "2:13: error: no LogFormat is named \"comon\" | e.g. LogFormat \"%h %l %u %t "
                               "\\\"%r\\\" %>s %b\" comon");
    FAULT("LogFormat \"%h %Q\" x", "2:15: error: unknown format letter: \"%Q\"");
    FAULT("CustomLog \"|prog\" \"%h\"", "2:11: error: logs to a program are not supported in this release");
    FAULT("ErrorLog syslog:local1", "2:10: error: logs to syslog are not supported in this release");
    FAULT("CustomLog a \"%h\" x", "2:18: error: the third argument of CustomLog is env=NAME or env=!NAME");
    FAULT("LogLevel loud",
          "2:10: error: unknown log level \"loud\" | emerg, alert, crit, error, warn, notice, info, "
          "debug, trace1 to trace8");
    FAULT("LogLevel warn proxy_scgi:trace3 core:info",
          "2:15: warning: levels of single modules have no effect");
}

/* What cannot be done and would open or change something is refused; the rest is named. */
static void test_foreign(void **state)
{
    struct str faults;
    struct model *m;

    (void)state;
    m = load("Listen 80\nLoadModule a b\nMaxRequestWorkers 5\nLoadModule c d\nStartServers 1", &faults);
    assert_non_null(m);
    assert_string_equal(faults.p, "");
    assert_int_equal(m->ignored.count, 3);
    assert_true(str_eq(m->ignored.items[0], STR("LoadModule")));
    assert_true(str_eq(m->ignored.items[2], STR("StartServers")));
    model_finish(m);
    FAULT("ServerTokens Loud", "2:14: error: ServerTokens must be Prod, Major, Minor, Min, OS or Full");
    FAULT("UseCanonicalName Maybe", "2:18: error: UseCanonicalName must be On, Off or DNS");
    FAULT("UseCanonicalName DNS", "2:18: warning: addresses are not looked up: ServerName is used | "
                                  "UseCanonicalName On says the same");
    FAULT("CGIVar PATH_INFO x", "2:8: error: CGIVar knows REQUEST_URI only");
    FAULT("CGIVar REQUEST_URI x", "2:20: error: REQUEST_URI must be original-uri or current-uri");
    FAULT("ProxyVia On\nProxyVia Off", "2:1: warning: ProxyVia has no effect: it has no meaning for SCGI");
    GOOD("HostnameLookups Off\nUseCanonicalName Off\nUseCanonicalPhysicalPort On\nServerSignature email\n"
         "CGIVar REQUEST_URI current-uri\nCGIPassAuth On\nQualifyRedirectURL On\nAddHandler type-map var");
    FAULT("HostnameLookups Maybe", "2:17: error: HostnameLookups must be On, Off or Double");
    FAULT(
        "AddHandler cgi-script .cgi",
        "2:1: error: AddHandler is not supported in this release: without it other content would be served");
    FAULT("ProxyPassReverse /a/",
          "2:1: error: ProxyPassReverse needs a path and a URL outside of <Location>");
    FAULT("RewriteRule a b",
          "2:1: error: RewriteRule is not supported in this release: URL rewriting is not part of "
          "it; ProxyPass and Alias map paths");
    FAULT("RewriteEngine On",
          "2:15: error: RewriteEngine On is not supported in this release: URL rewriting is not "
          "part of it; ProxyPass and Alias map paths");
    GOOD("RewriteEngine Off\nProxyErrorOverride Off");
    FAULT("ProxyErrorOverride Off 404",
          "2:24: error: ProxyErrorOverride must be Off in this release: error pages of "
          "applications would be passed on");
    FAULT("<Limit GET>\nBogus\n</Limit>",
          "2:1: error: <Limit> is not supported in this release: without it what it "
          "encloses would be missing, or cover everything");
    FAULT("ProxyRequests On",
          "2:15: error: ProxyRequests On would let clients reach any SCGI server | a gateway needs "
          "only ProxyPass; \"ProxySCGIForward On\" allows it for those who want it");
    GOOD("ProxyRequests On\nProxySCGIForward On");
    GOOD("ProxyRequests On\nProxyRequests Off");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listen),      cmocka_unit_test(test_counts),
        cmocka_unit_test(test_names),       cmocka_unit_test(test_contexts),
        cmocka_unit_test(test_sections),    cmocka_unit_test(test_many),
        cmocka_unit_test(test_if),          cmocka_unit_test(test_files_and_proxy),
        cmocka_unit_test(test_fault_limit), cmocka_unit_test(test_variables),
        cmocka_unit_test(test_growth),      cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_budget),      cmocka_unit_test(test_version),
        cmocka_unit_test(test_macros),      cmocka_unit_test(test_macro_growth),
        cmocka_unit_test(test_include),     cmocka_unit_test(test_error),
        cmocka_unit_test(test_proxy_pass),  cmocka_unit_test(test_proxy_parameters),
        cmocka_unit_test(test_handler),     cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_values),      cmocka_unit_test(test_environment),
        cmocka_unit_test(test_logs),        cmocka_unit_test(test_foreign),
    };
    int failed;

    arena_init(&arena, NULL, 0);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_finish(&arena);
    return failed;
}
