#include "base/str.h"

bool str_eq_nocase(struct str a, struct str b)
{
    return a.n == b.n && str_starts_nocase(a, b);
}

bool str_starts_nocase(struct str s, struct str prefix)
{
    if (s.n < prefix.n)
        return false;
    for (size_t i = 0; i < prefix.n; i++)
        if (ascii_lower(s.p[i]) != ascii_lower(prefix.p[i]))
            return false;
    return true;
}

bool str_ends_nocase(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_starts_nocase(str_skip(s, s.n - suffix.n), suffix);
}

ptrdiff_t str_find(struct str s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;

    return at ? at - s.p : -1;
}

ptrdiff_t str_find_last(struct str s, char c)
{
    const char *at = s.n ? memrchr(s.p, c, s.n) : NULL;

    return at ? at - s.p : -1;
}

ptrdiff_t str_find_str(struct str s, struct str what)
{
    const char *at;

    if (what.n == 0)
        return 0;
    at = s.n ? memmem(s.p, s.n, what.p, what.n) : NULL;
    return at ? at - s.p : -1;
}

struct str str_until(struct str *s, char c)
{
    struct str before = *s;
    ptrdiff_t at = str_find(*s, c);

    if (at < 0) {
        *s = STR_NONE;
        return before;
    }
    before.n = (size_t)at;
    *s = str_skip(*s, before.n + 1);
    return before;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
    while (s.n && blank(s.p[0]))
        s = str_skip(s, 1);
    while (s.n && blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool str_to_u64(struct str s, uint64_t max, uint64_t *value)
{
    uint64_t v = 0;

    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned)(s.p[i] - '0');

        if (!ascii_digit(s.p[i]) || v > (max - digit) / 10 || digit > max)
            return false;
        v = v * 10 + digit;
    }
    *value = v;
    return true;
}

bool str_list_has(struct str list, struct str token)
{
    while (list.p)
        if (str_eq_nocase(str_trim(str_until(&list, ',')), token))
            return true;
    return false;
}
