/* mapping=encoded and mapping=servlet: the path of a ProxyPass is compared with the path as the client sent
 * it, segment by segment. Only what need not have been encoded is decoded first, dot segments are resolved,
 * runs of
 * '/' count as one. For a servlet container the parameters of segments (";name=value") do not count: they
 * stay in the backend's path and in PATH_INFO, and are no part of SCRIPT_NAME, nor of what <Location> sees.
 */
#include "http/uri.h"
#include "route/mapping.h"

struct segment {
    struct str name; /* without parameters where they do not count */
    struct str full;
};

struct segments {
    struct segment *items;
    size_t count;
    bool slash; /* at the end */
};

static int hex_digit(char c)
{
    c = ascii_lower(c);
    return ascii_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_unreserved(int c)
{
    return ascii_digit((char)c) || (ascii_lower((char)c) >= 'a' && ascii_lower((char)c) <= 'z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* "%2e" is the dot that it stands for (RFC 3986 section 6.2.2.2). */
static struct str decode_unreserved(struct arena *arena, struct str raw)
{
    char *p = arena_alloc(arena, raw.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < raw.n; i++) {
        p[n] = raw.p[i];
        if (raw.p[i] == '%' && i + 2 < raw.n) {
            int high = hex_digit(raw.p[i + 1]), low = hex_digit(raw.p[i + 2]);

            if (high >= 0 && low >= 0 && is_unreserved(high << 4 | low)) {
                p[n] = (char)(high << 4 | low);
                i += 2;
            }
        }
        n++;
    }
    return str_make(p, n);
}

/* False when the path climbs above its root. */
static bool split(struct arena *arena, struct str path, bool servlet, struct segments *out)
{
    struct str rest = str_skip(path, 1);
    size_t most = 1;

    for (size_t i = 0; i < path.n; i++)
        most += path.p[i] == '/';
    *out = (struct segments){.items = ARENA_ARRAY(arena, struct segment, most)};
    while (rest.p) {
        struct segment segment = {.full = str_until(&rest, '/')};
        struct str parameters = segment.full;

        segment.name = servlet ? str_until(&parameters, ';') : segment.full;
        out->slash = true; /* what is left out at the end leaves its slash */
        if (segment.name.n == 0 || str_eq(segment.name, STR(".")))
            continue;
        if (str_eq(segment.name, STR(".."))) {
            if (out->count-- == 0)
                return false;
            continue;
        }
        out->items[out->count++] = segment;
        out->slash = rest.p != NULL;
    }
    return true;
}

/* "/a/b", from a segment on; a slash at the end if the path has one. */
static struct str join(struct arena *arena, const struct segments *s, size_t from, bool full)
{
    struct str out = STR("");

    for (size_t i = from; i < s->count; i++)
        out = ARENA_CONCAT(arena, out, STR("/"), full ? s->items[i].full : s->items[i].name);
    return s->slash ? ARENA_CONCAT(arena, out, STR("/")) : out;
}

static bool begins_with(const struct segments *path, const struct segments *pattern)
{
    if (path->count < pattern->count)
        return false;
    for (size_t i = 0; i < pattern->count; i++)
        if (!str_eq(path->items[i].name, pattern->items[i].name))
            return false;
    /* "/app/" does not cover "/app" */
    return !pattern->slash || path->count > pattern->count || path->slash;
}

/* %2F stays as it is: what it separates is one segment. */
static bool decode(struct arena *arena, const struct server *server, struct str encoded, struct str *path)
{
    enum uri_slashes slashes =
        server->encoded_slashes == ENCODED_SLASHES_ON ? URI_SLASH_DECODE : URI_SLASH_KEEP;

    return uri_decode_path(arena, encoded, slashes, true, path) == 0;
}

bool mapping_match_encoded(const struct mapping_subject *s, struct mapping *m)
{
    bool servlet = m->pass->mapping == PASS_SERVLET;
    struct segments path, pattern;
    struct str rest, front, info;
    size_t depth;

    if (s->raw_path.n == 0 || m->pass->path.n == 0 || m->pass->path.p[0] != '/' ||
        !split(s->arena, decode_unreserved(s->arena, s->raw_path), servlet, &path) ||
        !split(s->arena, decode_unreserved(s->arena, m->pass->path), false, &pattern) ||
        !begins_with(&path, &pattern))
        return false;
    depth = pattern.count;
    rest = join(s->arena, &path, depth, true);
    front = join(s->arena, &(struct segments){path.items, depth, false}, 0, false);
    if (servlet && !decode(s->arena, s->server, join(s->arena, &path, 0, false), &m->path))
        return false;
    if (front.n && !decode(s->arena, s->server, front, &front))
        return false;
    if (!str_starts(m->path, front)) /* a decoded slash made another path of it */
        return false;
    m->matched = front.n;
    info = rest;
    if (pattern.slash && rest.n) {
        m->matched++;
        rest = str_skip(rest, 1);
    } else if (depth) { /* parameters of the last segment that was covered go along */
        struct segment last = path.items[depth - 1];

        rest = ARENA_CONCAT(s->arena, str_skip(last.full, last.name.n), rest);
    }
    if (servlet && info.n && !decode(s->arena, s->server, info, &m->info))
        return false;
    m->rest = rest;
    m->rest_encoded = true;
    return true;
}
