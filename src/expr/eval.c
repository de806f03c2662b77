/* The value of a tree for one request. Depth is bounded by the parser, memory by EXPR_VALUES_MAX_BYTES. */
#include "base/glob.h"
#include "expr/tree.h"

struct run {
    struct arena *arena;
    const struct expr_source *source;
    struct regex_match groups;
    size_t left; /* bytes that values may still take */
    bool fault;
};

/* ---- values ---- */

static struct str value(struct run *r, const struct node *n);

/* False when it is more than one evaluation may take. */
static bool take(struct run *r, size_t size)
{
    if (size > r->left) {
        r->fault = true;
        return false;
    }
    r->left -= size;
    return true;
}

static struct str concat(struct run *r, const struct node *n)
{
    size_t count = 0, size = 0;
    struct str *parts;

    for (const struct node *part = n->first; part; part = part->next)
        count++;
    parts = ARENA_ARRAY(r->arena, struct str, count);
    count = 0;
    for (const struct node *part = n->first; part; part = part->next)
        size += (parts[count++] = value(r, part)).n;
    return take(r, size) ? arena_concat(r->arena, parts, count) : STR("");
}

static bool is_url_char(char c)
{
    char lower = ascii_lower(c);

    return (lower >= 'a' && lower <= 'z') || ascii_digit(c) || (c && strchr("$-_.+!*'(),:;@&=/~", c));
}

static size_t escape(struct str s, char *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (is_url_char(s.p[i])) {
            out[n++] = s.p[i];
            continue;
        }
        out[n++] = '%';
        out[n++] = digits[c >> 4];
        out[n++] = digits[c & 15];
    }
    return n;
}

static int hex_digit(char c)
{
    char lower = ascii_lower(c);

    return ascii_digit(c) ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* %2f stays. A wrong escape, or one of NUL, makes the whole empty. */
static size_t unescape(struct str s, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        int high, low, c;

        if (s.p[i] != '%') {
            out[n++] = s.p[i];
            continue;
        }
        high = i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
        low = i + 2 < s.n ? hex_digit(s.p[i + 2]) : -1;
        c = high * 16 + low;
        if (high < 0 || low < 0 || c == 0)
            return 0;
        if (c == '/') {
            memcpy(out + n, s.p + i, 3);
            n += 3;
        } else {
            out[n++] = (char)c;
        }
        i += 2;
    }
    return n;
}

static struct str convert(struct run *r, enum convert what, struct str s)
{
    size_t room = what == CONVERT_ESCAPE ? 3 * s.n : s.n;
    char *p;

    if (!take(r, room))
        return STR("");
    p = arena_alloc(r->arena, room);
    switch (what) {
    case CONVERT_LOWER:
        for (size_t i = 0; i < s.n; i++)
            p[i] = ascii_lower(s.p[i]);
        break;
    case CONVERT_UPPER:
        for (size_t i = 0; i < s.n; i++)
            p[i] = ascii_upper(s.p[i]);
        break;
    case CONVERT_ESCAPE:
        return str_make(p, escape(s, p));
    case CONVERT_UNESCAPE:
        return str_make(p, unescape(s, p));
    }
    return str_make(p, s.n);
}

/* Never absent. */
static struct str value(struct run *r, const struct node *n)
{
    struct str s = STR_NONE;

    switch (n->kind) {
    case NODE_TEXT:
        s = n->text;
        break;
    case NODE_REFERENCE:
        s = r->groups.groups[n->number];
        break;
    case NODE_CONCAT:
        s = concat(r, n);
        break;
    case NODE_LOOKUP:
        s = r->source->lookup(r->source->context, r->arena, n->name,
                              n->first ? value(r, n->first) : STR_NONE);
        break;
    case NODE_CONVERT:
        s = convert(r, n->convert, value(r, n->first));
        break;
    default:
        break;
    }
    return s.p ? s : STR("");
}

/* ---- conditions ---- */

static unsigned compare_text(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;

    if (order == 0)
        order = a.n < b.n ? -1 : a.n > b.n;
    return order < 0 ? HOLDS_LESS : order > 0 ? HOLDS_MORE : HOLDS_EQUAL;
}

/* The number at the start of the text, as strtoll: blanks, a sign, digits; 0 without digits; what is too
 * large is the largest. */
static int64_t number(struct str s)
{
    bool negative;
    int64_t v = 0;

    while (s.n && (s.p[0] == ' ' || (s.p[0] >= '\t' && s.p[0] <= '\r')))
        s = str_skip(s, 1);
    negative = s.n && s.p[0] == '-';
    s = str_skip(s, negative || (s.n && s.p[0] == '+'));
    for (; s.n && ascii_digit(s.p[0]); s = str_skip(s, 1)) {
        int digit = negative ? '0' - s.p[0] : s.p[0] - '0';

        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v))
            return negative ? INT64_MIN : INT64_MAX;
    }
    return v;
}

static bool compare(struct run *r, const struct node *n)
{
    struct str a = value(r, n->first), b = value(r, n->first->next);
    int64_t x, y;

    if (!n->numeric)
        return (compare_text(a, b) & n->holds) != 0;
    x = number(a);
    y = number(b);
    return ((x < y ? HOLDS_LESS : x > y ? HOLDS_MORE : HOLDS_EQUAL) & n->holds) != 0;
}

static bool is_in(struct run *r, const struct node *n)
{
    struct str wanted = value(r, n->first);

    for (const struct node *i = n->first->next; i && !r->fault; i = i->next)
        if (str_eq(wanted, value(r, i)))
            return true;
    return false;
}

/* Groups stay as they were when the pattern has none. */
static bool matches(struct run *r, const struct node *n)
{
    struct regex_match match;
    bool found = regex_search(n->regex, value(r, n->first), &match);

    r->fault |= match.exhausted;
    if (regex_has_groups(n->regex))
        r->groups = match;
    return found;
}

static bool matches_glob(struct run *r, const struct node *n)
{
    struct str text = value(r, n->first), glob = value(r, n->first->next);

    if (text.n && glob.n > EXPR_GLOB_MAX_STEPS / text.n) {
        r->fault = true;
        return false;
    }
    return glob_match(glob, text, n->slashes, n->nocase);
}

static bool is_on(struct str s)
{
    return s.n && !str_eq(s, STR("0")) && !str_eq_nocase(s, STR("off")) && !str_eq_nocase(s, STR("no")) &&
           !str_eq_nocase(s, STR("false"));
}

static bool holds(struct run *r, const struct node *n);

static bool chain(struct run *r, const struct node *n, bool until)
{
    for (const struct node *i = n->first; i && !r->fault; i = i->next)
        if (holds(r, i) == until)
            return until;
    return !until;
}

static bool plain(struct run *r, const struct node *n)
{
    switch (n->kind) {
    case NODE_CONSTANT:
        return true;
    case NODE_ALL:
        return chain(r, n, false);
    case NODE_ANY:
        return chain(r, n, true);
    case NODE_COMPARE:
        return compare(r, n);
    case NODE_IN:
        return is_in(r, n);
    case NODE_MATCH:
        return matches(r, n);
    case NODE_GLOB:
        return matches_glob(r, n);
    case NODE_SUBNET:
        return subnet_has(n->subnet, value(r, n->first));
    case NODE_EMPTY:
        return value(r, n->first).n == 0;
    case NODE_ON:
        return is_on(value(r, n->first));
    default:
        return false;
    }
}

static bool holds(struct run *r, const struct node *n)
{
    return plain(r, n) != n->negate;
}

enum expr_result expr_test(const struct expr *e, struct arena *arena, const struct expr_source *source,
                           struct regex_match *match)
{
    struct run r = {.arena = arena, .source = source, .left = EXPR_VALUES_MAX_BYTES};
    bool result = holds(&r, e->root);

    if (match)
        *match = r.groups;
    return r.fault ? EXPR_FAULT : result ? EXPR_TRUE : EXPR_FALSE;
}

struct str expr_text(const struct expr *e, struct arena *arena, const struct expr_source *source)
{
    struct run r = {.arena = arena, .source = source, .left = EXPR_VALUES_MAX_BYTES};
    struct str text = value(&r, e->root);

    return r.fault ? STR_NONE : text;
}
