#include "base/glob.h"

bool glob_is_pattern(struct str text)
{
    return str_find(text, '*') >= 0 || str_find(text, '?') >= 0 || str_find(text, '[') >= 0;
}

static char fold(char c, bool nocase)
{
    return nocase ? ascii_lower(c) : c;
}

/* The bracket expression at the start of p, which begins with '['. Returns its length and whether it holds c;
 * 0 when it is not closed, so that the '[' stands for itself. */
static size_t match_bracket(struct str p, char c, bool nocase, bool *matched)
{
    size_t i = 1;
    bool negate = i < p.n && (p.p[i] == '!' || p.p[i] == '^');
    bool found = false, first = true;

    i += negate;
    for (; i < p.n && (first || p.p[i] != ']'); first = false) {
        char low, high;

        i += p.p[i] == '\\' && i + 1 < p.n;
        low = high = p.p[i++];
        if (i + 1 < p.n && p.p[i] == '-' && p.p[i + 1] != ']') {
            i++;
            i += p.p[i] == '\\' && i + 1 < p.n;
            high = p.p[i++];
        }
        found |= (unsigned char)low <= (unsigned char)c && (unsigned char)c <= (unsigned char)high;
        if (nocase)
            found |= fold(low, true) <= fold(c, true) && fold(c, true) <= fold(high, true);
    }
    if (i >= p.n)
        return 0;
    *matched = found != negate;
    return i + 1;
}

/* Matches one character; returns how much of the pattern that takes, 0 when it does not match. */
static size_t match_one(struct str p, char c, bool slashes, bool nocase)
{
    bool matched;
    size_t n;

    if (p.p[0] == '?')
        return !(slashes && c == '/');
    if (p.p[0] == '[') {
        n = match_bracket(p, c, nocase, &matched);
        if (n)
            return matched && !(slashes && c == '/') ? n : 0;
    }
    if (p.p[0] == '\\' && p.n > 1)
        return fold(p.p[1], nocase) == fold(c, nocase) ? 2 : 0;
    return fold(p.p[0], nocase) == fold(c, nocase);
}

bool glob_match(struct str pattern, struct str text, bool slashes, bool nocase)
{
    size_t p = 0, t = 0, star_p = 0, star_t = 0;
    bool star = false;

    /* Only the last '*' is ever tried again: an earlier one could not reach further than it. */
    while (t < text.n) {
        size_t n;

        if (p < pattern.n && pattern.p[p] == '*') {
            star = true;
            star_p = ++p;
            star_t = t;
            continue;
        }
        n = p < pattern.n ? match_one(str_skip(pattern, p), text.p[t], slashes, nocase) : 0;
        if (n) {
            p += n;
            t++;
            continue;
        }
        if (!star || (slashes && text.p[star_t] == '/'))
            return false;
        p = star_p;
        t = ++star_t;
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}
