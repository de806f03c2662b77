#include "config/value.h"

enum { DAY_MS = 86400 * 1000 };

static int64_t unit_ms(struct str unit, int64_t default_ms)
{
    if (unit.n == 0)
        return default_ms;
    if (str_eq_nocase(unit, STR("ms")))
        return 1;
    if (str_eq_nocase(unit, STR("s")))
        return 1000;
    if (str_eq_nocase(unit, STR("mi")) || str_eq_nocase(unit, STR("min")))
        return 60 * 1000;
    if (str_eq_nocase(unit, STR("h")))
        return 3600 * 1000;
    return 0;
}

bool value_time(struct str s, int64_t default_unit_ms, int64_t *ms)
{
    size_t digits = 0;
    uint64_t number;
    int64_t unit;

    while (digits < s.n && ascii_digit(s.p[digits]))
        digits++;
    unit = unit_ms(str_skip(s, digits), default_unit_ms);
    if (!unit || !str_to_u64(str_first(s, digits), 1000 * (uint64_t)DAY_MS / (uint64_t)unit, &number))
        return false;
    *ms = (int64_t)number * unit;
    return true;
}

bool value_flag(struct str s, int *flag)
{
    *flag = str_eq_nocase(s, STR("on"));
    return *flag || str_eq_nocase(s, STR("off"));
}

bool value_integer(struct str s, int64_t *value)
{
    bool negative = s.n && s.p[0] == '-';
    uint64_t number;

    if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
        s = str_skip(s, 1);
    if (!str_to_u64(s, INT64_MAX, &number))
        return false;
    *value = negative ? -(int64_t)number : (int64_t)number;
    return true;
}

bool value_port(struct str s, unsigned *port)
{
    uint64_t number;

    if (!str_to_u64(s, 65535, &number) || number == 0)
        return false;
    *port = (unsigned)number;
    return true;
}

/* Appends one segment to the n bytes of a normal path in p; ".." takes one away. Returns the new length. */
static size_t append_segment(char *p, size_t n, struct str segment)
{
    if (segment.n == 0 || str_eq(segment, STR(".")))
        return n;
    if (str_eq(segment, STR(".."))) {
        while (n && p[--n] != '/')
            ;
        return n;
    }
    p[n++] = '/';
    memcpy(p + n, segment.p, segment.n);
    return n + segment.n;
}

struct str value_path(struct arena *arena, struct str base, struct str path)
{
    bool absolute = path.n && path.p[0] == '/';
    bool slash = path.n && path.p[path.n - 1] == '/';
    struct str parts[2] = {absolute ? STR("") : base, path};
    char *p = arena_alloc(arena, parts[0].n + path.n + 4);
    size_t n = 0;

    for (int i = 0; i < 2; i++)
        while (parts[i].p)
            n = append_segment(p, n, str_until(&parts[i], '/'));
    if (n == 0 || slash)
        p[n++] = '/';
    p[n] = '\0';
    return str_make(p, n);
}

struct str value_lower(struct arena *arena, struct str s)
{
    char *p;

    if (!s.p)
        return s;
    p = arena_alloc(arena, s.n + 1);
    for (size_t i = 0; i < s.n; i++)
        p[i] = ascii_lower(s.p[i]);
    p[s.n] = '\0';
    return str_make(p, s.n);
}

bool value_is_ipv4(struct str s)
{
    for (int i = 0; i < 4; i++) {
        uint64_t byte;

        if (!s.p || !str_to_u64(str_until(&s, '.'), 255, &byte))
            return false;
    }
    return s.p == NULL;
}

static bool is_hex_group(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = ascii_lower(s.p[i]);

        if (!ascii_digit(c) && (c < 'a' || c > 'f'))
            return false;
    }
    return s.n >= 1 && s.n <= 4;
}

bool value_is_ipv6(struct str s)
{
    struct str rest = s;
    ptrdiff_t gap = str_find_str(s, STR("::"));
    int groups = 0;

    if (gap >= 0 && str_find_str(str_skip(s, (size_t)gap + 1), STR("::")) >= 0)
        return false; /* a second gap, or ":::" */
    while (rest.p) {
        bool first = rest.p == s.p;
        struct str group = str_until(&rest, ':');
        size_t at = (size_t)(group.p - s.p);

        if (group.n == 0) {
            /* Empty only beside the gap. */
            if (gap < 0 || at < (size_t)gap || at > (size_t)gap + 2)
                return false;
            continue;
        }
        if (!rest.p && !first && value_is_ipv4(group))
            groups += 2;
        else if (is_hex_group(group))
            groups++;
        else
            return false;
    }
    return gap >= 0 ? groups <= 7 : groups == 8;
}

bool value_is_host_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = ascii_lower(s.p[i]);

        if (!ascii_digit(c) && (c < 'a' || c > 'z') && c != '-' && c != '.' && c != '_')
            return false;
    }
    return s.n >= 1 && s.n <= 255;
}

bool value_split_host(struct str s, struct str *host, struct str *port_text, bool *bracketed)
{
    ptrdiff_t end;

    *bracketed = s.n && s.p[0] == '[';
    *port_text = STR_NONE;
    if (!*bracketed) {
        *host = str_until(&s, ':');
        *port_text = s;
        return str_find(s, ':') < 0;
    }
    end = str_find(s, ']');
    if (end < 0)
        return false;
    *host = str_make(s.p + 1, (size_t)end - 1);
    s = str_skip(s, (size_t)end + 1);
    if (s.n == 0)
        return true;
    if (s.p[0] != ':')
        return false;
    *port_text = str_skip(s, 1);
    return true;
}
