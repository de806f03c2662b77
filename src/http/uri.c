#include "http/uri.h"
#include "http/span.h"

#include <arpa/inet.h>

enum { HOST_MAX = 255, PORT_MAX = 65535 };

enum {
    URI_SCHEME = 1, /* ALPHA / DIGIT / "+" / "-" / "." (RFC 3986 section 3.1) */
    URI_HOST = 2,   /* unreserved / sub-delims: reg-name without its escapes (section 3.2.2) */
    URI_PATH = 4,   /* what Apache's proxies leave unescaped in a path */
    URI_ALPHA = 8,
};

static const unsigned char classes[256] = {
    ['A' ... 'Z'] = URI_SCHEME | URI_HOST | URI_PATH | URI_ALPHA,
    ['a' ... 'z'] = URI_SCHEME | URI_HOST | URI_PATH | URI_ALPHA,
    ['0' ... '9'] = URI_SCHEME | URI_HOST | URI_PATH,
    ['+'] = URI_SCHEME | URI_HOST | URI_PATH,
    ['-'] = URI_SCHEME | URI_HOST | URI_PATH,
    ['.'] = URI_SCHEME | URI_HOST | URI_PATH,
    ['_'] = URI_HOST | URI_PATH,
    ['~'] = URI_HOST | URI_PATH,
    ['!'] = URI_HOST | URI_PATH,
    ['$'] = URI_HOST | URI_PATH,
    ['&'] = URI_HOST | URI_PATH,
    ['\''] = URI_HOST | URI_PATH,
    ['('] = URI_HOST | URI_PATH,
    [')'] = URI_HOST | URI_PATH,
    ['*'] = URI_HOST | URI_PATH,
    [','] = URI_HOST | URI_PATH,
    [';'] = URI_HOST | URI_PATH,
    ['='] = URI_HOST | URI_PATH,
    [':'] = URI_PATH,
    ['@'] = URI_PATH,
    ['/'] = URI_PATH,
};

/* The length of the longest prefix made of the class. */
static size_t class_span(struct str s, unsigned class)
{
    size_t n = 0;

    while (n < s.n && classes[(unsigned char)s.p[n]] & class)
        n++;
    return n;
}

static int hex_digit(char c)
{
    if (ascii_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte of the escape at the front of s ("%XX"), or -1. */
static int escape_at(struct str s)
{
    int high, low;

    if (s.n < 3 || s.p[0] != '%')
        return -1;
    high = hex_digit(s.p[1]);
    low = hex_digit(s.p[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static void split_query(struct str rest, struct uri_target *out)
{
    out->query = rest;
    out->path = str_until(&out->query, '?');
}

static bool parse_absolute(struct str target, size_t scheme, struct uri_target *out)
{
    struct str rest = str_skip(target, scheme + 3);
    size_t n = 0;

    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?' && rest.p[n] != '#')
        n++;
    if (n == 0)
        return false;
    out->form = URI_ABSOLUTE;
    out->scheme = str_first(target, scheme);
    out->authority = str_first(rest, n);
    split_query(str_skip(rest, n), out);
    if (out->path.n == 0)
        out->path = STR("/");
    return true;
}

/* RFC 9112 section 3.2.3: host and port, no user info. */
static bool parse_authority_form(struct str target, struct uri_target *out)
{
    ptrdiff_t colon = str_find_last(target, ':');
    uint64_t port;

    if (colon <= 0 || !str_to_u64(str_skip(target, (size_t)colon + 1), PORT_MAX, &port))
        return false;
    for (size_t i = 0; i < target.n; i++)
        if (strchr("/?#@", target.p[i]))
            return false;
    out->form = URI_AUTHORITY;
    out->authority = target;
    return true;
}

bool uri_parse_target(struct str target, struct uri_target *out)
{
    size_t scheme;

    *out = (struct uri_target){0};
    if (target.n == 0 || span_from(target, '!') != target.n)
        return false;
    if (target.p[0] == '/') {
        out->form = URI_ORIGIN;
        split_query(target, out);
        return true;
    }
    if (str_eq(target, STR("*"))) {
        out->form = URI_ASTERISK;
        out->path = target;
        return true;
    }
    scheme = class_span(target, URI_SCHEME);
    if (scheme && classes[(unsigned char)target.p[0]] & URI_ALPHA &&
        str_starts(str_skip(target, scheme), STR("://")))
        return parse_absolute(target, scheme, out);
    return parse_authority_form(target, out);
}

static bool ipv6_valid(struct str literal)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char address[16];

    if (literal.n >= sizeof text || memchr(literal.p, 0, literal.n))
        return false;
    memcpy(text, literal.p, literal.n);
    text[literal.n] = '\0';
    return inet_pton(AF_INET6, text, address) == 1;
}

static bool name_valid(struct str name)
{
    while (name.n) {
        size_t n = class_span(name, URI_HOST);

        if (n == 0) {
            if (escape_at(name) < 0)
                return false;
            n = 3;
        }
        name = str_skip(name, n);
    }
    return true;
}

static struct str lower_case(struct arena *arena, struct str s)
{
    size_t at = 0;
    char *p;

    while (at < s.n && ascii_lower(s.p[at]) == s.p[at])
        at++;
    if (at == s.n)
        return s;
    p = arena_alloc(arena, s.n);
    for (size_t i = 0; i < s.n; i++)
        p[i] = ascii_lower(s.p[i]);
    return str_make(p, s.n);
}

bool uri_parse_authority(struct arena *arena, struct str authority, struct str *host, unsigned *port)
{
    struct str rest = str_skip(authority, (size_t)(str_find_last(authority, '@') + 1));
    struct str name = rest;
    uint64_t number = 0;

    if (rest.n && rest.p[0] == '[') {
        ptrdiff_t end = str_find(rest, ']');

        if (end < 0 || !ipv6_valid(str_make(rest.p + 1, (size_t)end - 1)))
            return false;
        name = str_first(rest, (size_t)end + 1);
    } else {
        ptrdiff_t colon = str_find(rest, ':');

        if (colon >= 0)
            name.n = (size_t)colon;
        if (!name_valid(name))
            return false;
    }
    rest = str_skip(rest, name.n);
    if (rest.n && (rest.p[0] != ':' || !str_to_u64(str_skip(rest, 1), PORT_MAX, &number) || number == 0))
        return false;
    if (name.n && name.p[name.n - 1] == '.')
        name.n--;
    if (name.n == 0 || name.n > HOST_MAX)
        return false;
    *host = lower_case(arena, name);
    *port = (unsigned)number;
    return true;
}

/* Cuts the last segment of the path built so far; false when there is none. */
static bool drop_segment(const char *p, size_t *n)
{
    if (*n == 0)
        return false;
    do
        --*n;
    while (p[*n] != '/');
    return true;
}

/* RFC 3986 section 5.2.4 on a path that begins with '/'; out holds in.n bytes and may be in's own memory,
 * since nothing is written past what was read. Returns the length, or 0 when the path climbs above its root.
 */
static size_t normalise(char *out, struct str in, bool merge)
{
    size_t n = 0, at = 0;

    while (at < in.n) {
        struct str segment = str_skip(in, at + 1);
        const char *slash = segment.n ? memchr(segment.p, '/', segment.n) : NULL;
        bool keep = !slash; /* the last segment leaves its slash in any case */

        if (slash)
            segment.n = (size_t)(slash - segment.p);
        at += 1 + segment.n;
        if (str_eq(segment, STR("..")) && !drop_segment(out, &n))
            return 0;
        if (str_eq(segment, STR("..")) || str_eq(segment, STR(".")) || (merge && segment.n == 0))
            segment.n = 0;
        else
            keep = true;
        if (!keep)
            continue;
        out[n++] = '/';
        memmove(out + n, segment.p, segment.n);
        n += segment.n;
    }
    return n;
}

/* True if normalise() would leave the path as it is; may say false of one that it would leave too. */
static bool plain(struct str path, bool merge)
{
    for (const char *at = path.p, *end = path.p + path.n; (at = memchr(at, '/', (size_t)(end - at)));) {
        if (++at == end)
            break;
        if (*at == '.' || (merge && *at == '/'))
            return false;
    }
    return true;
}

bool uri_normalise_path(struct arena *arena, struct str path, bool merge_slashes, struct str *out)
{
    char *p;
    size_t n;

    if (path.n == 0 || path.p[0] != '/')
        return false;
    if (plain(path, merge_slashes)) {
        *out = path;
        return true;
    }
    p = arena_alloc(arena, path.n);
    n = normalise(p, path, merge_slashes);
    if (n == 0)
        return false;
    *out = str_make(p, n);
    return true;
}

/* Decodes into out (raw.n bytes); returns 0 or the status. A bad escape outweighs what is only not to be
 * found, wherever it stands. */
static int decode(struct str raw, enum uri_slashes slashes, char *out, size_t *n)
{
    int status = 0;

    *n = 0;
    for (size_t at = 0; at < raw.n; at++) {
        int byte = (unsigned char)raw.p[at];

        if (byte == '%') {
            byte = escape_at(str_skip(raw, at));
            if (byte < 0)
                return 400;
            if (byte == 0 || (byte == '/' && slashes == URI_SLASH_REFUSE)) {
                status = 404;
            } else if (byte == '/' && slashes == URI_SLASH_KEEP) {
                memcpy(out + *n, raw.p + at, 2);
                *n += 2;
                byte = (unsigned char)raw.p[at + 2];
            }
            at += 2;
        }
        out[(*n)++] = (char)byte;
    }
    return status;
}

int uri_decode_path(struct arena *arena, struct str raw, enum uri_slashes slashes, bool merge_slashes,
                    struct str *path)
{
    char *p;
    size_t n;
    int status;

    if (raw.n == 0 || raw.p[0] != '/' || memchr(raw.p, 0, raw.n))
        return 400;
    if (!memchr(raw.p, '%', raw.n))
        return uri_normalise_path(arena, raw, merge_slashes, path) ? 0 : 400;
    p = arena_alloc(arena, raw.n);
    status = decode(raw, slashes, p, &n);
    if (status == 400)
        return 400;
    n = normalise(p, str_make(p, n), merge_slashes);
    if (n == 0)
        return 400;
    if (status == 0)
        *path = str_make(p, n);
    return status;
}

struct str uri_encode_path(struct arena *arena, struct str path, bool keep_slash_escapes)
{
    size_t same = class_span(path, URI_PATH);
    char *p, *at;

    if (same == path.n)
        return path;
    p = at = arena_alloc(arena, same + (path.n - same) * 3);
    memcpy(p, path.p, same);
    at += same;
    for (struct str rest = str_skip(path, same); rest.n;) {
        unsigned char c = (unsigned char)rest.p[0];
        size_t n = 1;

        if (classes[c] & URI_PATH) {
            *at++ = (char)c;
        } else if (keep_slash_escapes && escape_at(rest) == '/') {
            memcpy(at, rest.p, 3);
            at += 3;
            n = 3;
        } else {
            *at++ = '%';
            *at++ = "0123456789ABCDEF"[c >> 4];
            *at++ = "0123456789ABCDEF"[c & 15];
        }
        rest = str_skip(rest, n);
    }
    return str_make(p, (size_t)(at - p));
}
