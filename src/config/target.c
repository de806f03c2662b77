#include "config/target.h"
#include "config/value.h"

enum { DEFAULT_PORT = 4000, SOCKET_PATH_MAX = 95 /* as httpd */ };

struct parse {
    struct arena *arena;
    struct str text; /* all of it */
    struct target *target;
    struct target_fault *fault;
};

static bool fail(struct parse *p, const char *at, const char *message, const char *hint)
{
    *p->fault = (struct target_fault){message, hint, at ? (size_t)(at - p->text.p) : 0};
    return false;
}

static const char url_hint[] = "scgi://host:port/path or unix:/path/of/socket|scgi://host/path";

/* Takes "scgi://", or for a Unix socket "scgi:" alone, off the URL. */
static bool take_scheme(struct parse *p, struct str *url, bool is_unix)
{
    ptrdiff_t colon = str_find(*url, ':');
    struct str scheme, rest;

    if (colon <= 0)
        return fail(p, url->p, "the URL must be absolute", url_hint);
    scheme = str_first(*url, (size_t)colon);
    rest = str_skip(*url, (size_t)colon + 1);
    for (size_t i = 0; i < scheme.n; i++) {
        char c = ascii_lower(scheme.p[i]);

        if ((c < 'a' || c > 'z') && (i == 0 || (!ascii_digit(c) && c != '+' && c != '-' && c != '.')))
            return fail(p, url->p, "the URL must be absolute", url_hint);
    }
    if (str_eq_nocase(scheme, STR("balancer")))
        return fail(p, url->p, "balancers are not supported in this release",
                    "name one backend: scgi://host:port/");
    if (is_unix && rest.n == 0 && str_eq_nocase(scheme, STR("scgi"))) {
        *url = rest;
        return true;
    }
    if (!str_starts(rest, STR("//")))
        return fail(p, url->p, "the URL must be absolute", url_hint);
    if (!str_eq_nocase(scheme, STR("scgi")))
        return fail(p, url->p, "unknown scheme: scgate speaks only SCGI to backends", url_hint);
    *url = str_skip(rest, 2);
    return true;
}

static bool parse_authority(struct parse *p, struct str authority, bool is_unix)
{
    struct target *t = p->target;
    ptrdiff_t at = str_find_last(authority, '@');
    struct str host, port_text;
    unsigned port = DEFAULT_PORT;
    bool bracketed;

    if (at >= 0)
        authority = str_skip(authority, (size_t)at + 1);
    if (authority.n == 0 && is_unix)
        authority = STR("localhost");
    else if (authority.n == 0)
        return fail(p, authority.p, "the host is missing", url_hint);
    if (!value_split_host(authority, &host, &port_text, &bracketed))
        return fail(p, authority.p, "the host is malformed",
                    "an IPv6 address stands in brackets: [::1]:4000");
    if (bracketed && str_find(host, '%') >= 0)
        return fail(p, host.p, "zone ids are not supported", NULL);
    if (!(bracketed ? value_is_ipv6(host) : value_is_host_name(host)))
        return fail(p, host.p, bracketed ? "the IPv6 address is malformed" : "the host name is malformed",
                    NULL);
    if (port_text.p && !value_port(port_text, &port))
        return fail(p, port_text.p, "the port must be 1 to 65535", NULL);
    host = value_lower(p->arena, host);
    if (!is_unix)
        t->address = (struct address){.kind = ADDRESS_TCP, .host = host, .port = port};
    t->authority = bracketed ? ARENA_CONCAT(p->arena, STR("["), host, STR("]")) : host;
    t->name = is_unix
                  ? arena_printf(p->arena, "unix:%.*s|scgi://%.*s", STR_ARG(t->address.path), STR_ARG(host))
                  : arena_printf(p->arena, "scgi://%.*s:%u", STR_ARG(t->authority), port);
    if (port != DEFAULT_PORT)
        t->authority = arena_printf(p->arena, "%.*s:%u", STR_ARG(t->authority), port);
    return true;
}

static int hex_digit(char c)
{
    c = ascii_lower(c);
    return ascii_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode_path(struct parse *p, struct str path)
{
    char *out = arena_alloc(p->arena, path.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < path.n; i++) {
        const char *at = path.p + i;
        char c = *at;

        if (c == '%') {
            int high = i + 2 < path.n ? hex_digit(path.p[i + 1]) : -1;
            int low = i + 2 < path.n ? hex_digit(path.p[i + 2]) : -1;

            if (high < 0 || low < 0)
                return fail(p, path.p + i, "\"%\" must be followed by two hex digits",
                            "\"%25\" is a percent sign");
            c = (char)(high * 16 + low);
            i += 2;
        }
        if ((unsigned char)c < ' ' || c == '\x7f')
            return fail(p, at, "the path holds a control byte", NULL);
        out[n++] = c;
    }
    out[n] = '\0';
    p->target->path = str_make(out, n);
    return true;
}

static const char choice[] = "a request must not choose the host, port or socket";

/* Where the authority ends: at the path, or with variables at groups that are all the rest. */
static bool find_path(struct parse *p, struct str url, bool variable, struct str *authority, struct str *path)
{
    ptrdiff_t slash = str_find(url, '/'), dollar = variable ? str_find(url, '$') : -1;
    struct str rest;

    *path = slash >= 0 ? str_skip(url, (size_t)slash) : STR_NONE;
    *authority = slash >= 0 ? str_first(url, (size_t)slash) : url;
    if (dollar < 0 || (slash >= 0 && slash < dollar))
        return true;
    rest = str_skip(url, (size_t)dollar);
    *path = rest;
    *authority = str_first(url, (size_t)dollar);
    while (rest.n >= 2 && rest.p[0] == '$' && ascii_digit(rest.p[1]))
        rest = str_skip(rest, 2);
    return rest.n == 0 || fail(p, path->p, choice, "put a slash between the host and what is replaced");
}

bool target_parse(struct arena *arena, struct str runtime_dir, struct str text, bool variable,
                  struct target *target, struct target_fault *fault)
{
    struct parse p = {arena, text, target, fault};
    bool is_unix = str_starts_nocase(text, STR("unix:"));
    struct str url = text, authority, path;

    *target = (struct target){.path = STR_NONE};
    if (is_unix) {
        struct str socket = str_skip(text, 5);

        if (str_find(socket, '|') < 0)
            return fail(&p, text.p, "the URL must be absolute",
                        "a Unix socket is unix:/path|scgi://localhost/");
        url = socket;
        socket = str_until(&url, '|');
        if (variable && str_find(socket, '$') >= 0)
            return fail(&p, text.p, choice, NULL);
        if (socket.n == 0)
            return fail(&p, text.p, "the path of the socket is missing", NULL);
        socket = value_path(arena, runtime_dir, socket);
        if (socket.n > SOCKET_PATH_MAX)
            return fail(&p, text.p, "the path of the socket is longer than 95 bytes", NULL);
        target->address = (struct address){.kind = ADDRESS_UNIX, .path = socket};
    }
    if (!take_scheme(&p, &url, is_unix))
        return false;
    if (!find_path(&p, url, variable, &authority, &path) || (path.p && !decode_path(&p, path)))
        return false;
    return parse_authority(&p, authority, is_unix);
}
