#include "expr/names.h"
#include "base/glob.h"
#include "base/suggest.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static const char no_clock[] = "expressions see no clock";
static const char no_files[] = "expressions see no files";
static const char no_handler[] = "it is known only after expressions are evaluated";
static const char no_user[] = "nobody is authenticated in this release";
static const char no_tls[] = "TLS is not supported in this release";
static const char left_out[] = "this release leaves it out";

static const struct variable_row variables[] = {
    {.name = STR_INIT("DOCUMENT_ROOT"), .value = EXPR_DOCUMENT_ROOT},
    {.name = STR_INIT("DOCUMENT_URI"), .value = EXPR_REQUEST_URI},
    {.name = STR_INIT("HTTPS"), .value = EXPR_HTTPS},
    {.name = STR_INIT("HTTP_ACCEPT"), .value = EXPR_REQUEST_FIELD, .field = STR_INIT("Accept")},
    {.name = STR_INIT("HTTP_COOKIE"), .value = EXPR_REQUEST_FIELD, .field = STR_INIT("Cookie")},
    {.name = STR_INIT("HTTP_FORWARDED"), .value = EXPR_REQUEST_FIELD, .field = STR_INIT("Forwarded")},
    {.name = STR_INIT("HTTP_HOST"), .value = EXPR_REQUEST_FIELD, .field = STR_INIT("Host")},
    {.name = STR_INIT("HTTP_PROXY_CONNECTION"),
     .value = EXPR_REQUEST_FIELD,
     .field = STR_INIT("Proxy-Connection")},
    {.name = STR_INIT("HTTP_REFERER"), .value = EXPR_REQUEST_FIELD, .field = STR_INIT("Referer")},
    {.name = STR_INIT("HTTP_USER_AGENT"), .value = EXPR_REQUEST_FIELD, .field = STR_INIT("User-Agent")},
    {.name = STR_INIT("IPV6"), .value = EXPR_IPV6},
    {.name = STR_INIT("QUERY_STRING"), .value = EXPR_QUERY_STRING},
    {.name = STR_INIT("REMOTE_ADDR"), .value = EXPR_REMOTE_ADDR},
    /* Names are not looked up: the address stands for the missing name. */
    {.name = STR_INIT("REMOTE_HOST"), .value = EXPR_REMOTE_ADDR},
    {.name = STR_INIT("REMOTE_PORT"), .value = EXPR_REMOTE_PORT},
    {.name = STR_INIT("REQUEST_METHOD"), .value = EXPR_REQUEST_METHOD},
    {.name = STR_INIT("REQUEST_SCHEME"), .value = EXPR_REQUEST_SCHEME},
    {.name = STR_INIT("REQUEST_URI"), .value = EXPR_REQUEST_URI},
    {.name = STR_INIT("SERVER_ADDR"), .value = EXPR_SERVER_ADDR},
    {.name = STR_INIT("SERVER_ADMIN"), .value = EXPR_SERVER_ADMIN},
    {.name = STR_INIT("SERVER_NAME"), .value = EXPR_SERVER_NAME},
    {.name = STR_INIT("SERVER_PORT"), .value = EXPR_SERVER_PORT},
    {.name = STR_INIT("SERVER_PROTOCOL"), .value = EXPR_SERVER_PROTOCOL},
    {.name = STR_INIT("THE_REQUEST"), .value = EXPR_THE_REQUEST},

    {.name = STR_INIT("API_VERSION"), .refused = "there are no modules"},
    {.name = STR_INIT("AUTH_TYPE"), .refused = no_user},
    {.name = STR_INIT("CONN_LOG_ID"), .refused = left_out},
    {.name = STR_INIT("CONN_REMOTE_ADDR"), .refused = "REMOTE_ADDR is the same in this release"},
    {.name = STR_INIT("CONTENT_TYPE"), .refused = no_handler},
    {.name = STR_INIT("CONTEXT_*"), .refused = no_handler},
    {.name = STR_INIT("HANDLER"), .refused = no_handler},
    {.name = STR_INIT("IS_SUBREQ"), .refused = "there are no subrequests"},
    {.name = STR_INIT("LAST_MODIFIED"), .refused = no_files},
    {.name = STR_INIT("PATH_INFO"), .refused = no_handler},
    {.name = STR_INIT("REMOTE_IDENT"), .refused = no_user},
    {.name = STR_INIT("REMOTE_USER"), .refused = no_user},
    {.name = STR_INIT("REQUEST_FILENAME"), .refused = no_handler},
    {.name = STR_INIT("REQUEST_LOG_ID"), .refused = left_out},
    {.name = STR_INIT("REQUEST_STATUS"), .refused = no_handler},
    {.name = STR_INIT("SCRIPT_FILENAME"), .refused = no_handler},
    {.name = STR_INIT("SCRIPT_GROUP"), .refused = no_files},
    {.name = STR_INIT("SCRIPT_USER"), .refused = no_files},
    {.name = STR_INIT("SERVER_SOFTWARE"), .refused = left_out},
    {.name = STR_INIT("SSL_*"), .refused = no_tls},
    {.name = STR_INIT("TIME"), .refused = no_clock},
    {.name = STR_INIT("TIME_*"), .refused = no_clock},
};

static const struct function_row functions[] = {
    {.name = STR_INIT("env"), .lookup = true, .value = EXPR_REQUEST_VARIABLE},
    {.name = STR_INIT("escape"), .convert = CONVERT_ESCAPE},
    {.name = STR_INIT("http"), .lookup = true, .value = EXPR_REQUEST_FIELD},
    {.name = STR_INIT("req"), .lookup = true, .value = EXPR_REQUEST_FIELD},
    {.name = STR_INIT("req_novary"), .lookup = true, .value = EXPR_REQUEST_FIELD},
    {.name = STR_INIT("reqenv"), .lookup = true, .value = EXPR_REQUEST_VARIABLE},
    {.name = STR_INIT("resp"), .lookup = true, .value = EXPR_RESPONSE_FIELD},
    {.name = STR_INIT("tolower"), .convert = CONVERT_LOWER},
    {.name = STR_INIT("toupper"), .convert = CONVERT_UPPER},
    {.name = STR_INIT("unescape"), .convert = CONVERT_UNESCAPE},

    {.name = STR_INIT("base64"), .refused = left_out},
    {.name = STR_INIT("file"), .refused = no_files},
    {.name = STR_INIT("filemod"), .refused = no_files},
    {.name = STR_INIT("filesize"), .refused = no_files},
    {.name = STR_INIT("ldap"), .refused = "there is no LDAP"},
    {.name = STR_INIT("md5"), .refused = left_out},
    {.name = STR_INIT("note"), .refused = "there are no notes of modules"},
    {.name = STR_INIT("osenv"),
     .refused = "PassEnv gives variables of the server's environment to applications"},
    {.name = STR_INIT("replace"), .refused = left_out},
    {.name = STR_INIT("sha1"), .refused = left_out},
    {.name = STR_INIT("SSL"), .refused = no_tls},
    {.name = STR_INIT("unbase64"), .refused = left_out},
    {.name = STR_INIT("PeerExtList"), .refused = no_tls},
};

static const struct operator_row operators[] = {
    {.name = STR_INIT("eq"), .bare = true, .kind = NODE_COMPARE, .holds = HOLDS_EQUAL},
    {.name = STR_INIT("ne"), .bare = true, .kind = NODE_COMPARE, .holds = HOLDS_LESS | HOLDS_MORE},
    {.name = STR_INIT("lt"), .bare = true, .kind = NODE_COMPARE, .holds = HOLDS_LESS},
    {.name = STR_INIT("le"), .bare = true, .kind = NODE_COMPARE, .holds = HOLDS_LESS | HOLDS_EQUAL},
    {.name = STR_INIT("gt"), .bare = true, .kind = NODE_COMPARE, .holds = HOLDS_MORE},
    {.name = STR_INIT("ge"), .bare = true, .kind = NODE_COMPARE, .holds = HOLDS_MORE | HOLDS_EQUAL},
    {.name = STR_INIT("in"), .bare = true, .kind = NODE_IN},
    {.name = STR_INIT("strmatch"), .kind = NODE_GLOB},
    {.name = STR_INIT("strcmatch"), .kind = NODE_GLOB, .nocase = true},
    {.name = STR_INIT("fnmatch"), .kind = NODE_GLOB, .slashes = true},
    {.name = STR_INIT("ipmatch"), .kind = NODE_SUBNET},
};

const struct variable_row *names_variable(struct str name)
{
    for (size_t i = 0; i < COUNT(variables); i++)
        if (glob_match(variables[i].name, name, false, true))
            return &variables[i];
    return NULL;
}

const struct function_row *names_function(struct str name)
{
    for (size_t i = 0; i < COUNT(functions); i++)
        if (str_eq_nocase(functions[i].name, name))
            return &functions[i];
    return NULL;
}

const struct operator_row *names_operator(struct str name, bool dash)
{
    for (size_t i = 0; i < COUNT(operators); i++)
        if (str_eq(operators[i].name, name) && (dash || operators[i].bare))
            return &operators[i];
    return NULL;
}

const char *names_refused_test(char letter)
{
    if (strchr("FU", letter))
        return "there are no subrequests";
    return strchr("defhLsxA", letter) ? no_files : NULL;
}

struct nearest {
    struct str wanted, name;
    unsigned distance;
};

static void consider(struct nearest *n, struct str name)
{
    unsigned distance = suggest_distance(n->wanted, name, n->distance);

    if (distance >= n->distance)
        return;
    n->distance = distance;
    n->name = name;
}

struct str names_suggest_variable(struct str name)
{
    struct nearest nearest = {name, STR_NONE, suggest_tolerance(name.n) + 1};

    for (size_t i = 0; i < COUNT(variables); i++)
        if (!variables[i].refused)
            consider(&nearest, variables[i].name);
    return nearest.name;
}

struct str names_suggest_function(struct str name)
{
    struct nearest nearest = {name, STR_NONE, suggest_tolerance(name.n) + 1};

    for (size_t i = 0; i < COUNT(functions); i++)
        if (!functions[i].refused)
            consider(&nearest, functions[i].name);
    return nearest.name;
}

struct str names_suggest_operator(struct str name)
{
    struct nearest nearest = {name, STR_NONE, suggest_tolerance(name.n) + 1};

    for (size_t i = 0; i < COUNT(operators); i++)
        consider(&nearest, operators[i].name);
    return nearest.name;
}
