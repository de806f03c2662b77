#include "scgi/netstring.h"

#include "base/must.h"

enum { SLOTS = 2048 }; /* a power of two, twice NETSTRING_MAX_VARIABLES: a free slot is always near */

/* The names seen so far, by open addressing. A sender who makes them collide gains little: there are at most
 * NETSTRING_MAX_VARIABLES. */
struct names {
    struct str name[SLOTS];
};

static uint32_t hash(struct str s)
{
    uint32_t h = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 16777619u;
    return h;
}

/* False when the name is there already. */
static bool names_add(struct names *seen, struct str name)
{
    uint32_t slot = hash(name) % SLOTS;

    while (seen->name[slot].p) {
        if (str_eq(seen->name[slot], name))
            return false;
        slot = (slot + 1) % SLOTS;
    }
    seen->name[slot] = name;
    return true;
}

static enum netstring_result bad(struct netstring *n, const char *why)
{
    n->fault = why;
    return NETSTRING_BAD;
}

bool netstring_next(struct str *rest, struct str *name, struct str *value)
{
    if (rest->n == 0)
        return false;
    *name = str_until(rest, '\0');
    if (!rest->p)
        return false;
    *value = str_until(rest, '\0');
    return rest->p != NULL;
}

struct str netstring_find(struct str block, struct str name)
{
    struct str n, v;

    while (netstring_next(&block, &n, &v))
        if (str_eq(n, name))
            return v;
    return STR_NONE;
}

/* The length in front: decimal, no leading zero, then a colon. Sets n->size. */
static enum netstring_result decode_length(struct str input, size_t max, struct netstring *n, size_t *prefix)
{
    size_t i, length = 0;

    for (i = 0; i < input.n && ascii_digit(input.p[i]); i++) {
        if (i == 1 && input.p[0] == '0')
            return bad(n, "the netstring's length has a leading zero");
        length = length * 10 + (size_t)(input.p[i] - '0');
        if (length + i + 3 > max) /* with these digits, the colon and the comma */
            return bad(n, "the netstring is longer than allowed");
    }
    if (i == input.n)
        return NETSTRING_PARTIAL;
    if (i == 0 || input.p[i] != ':')
        return bad(n, "not a netstring: no length and colon in front");
    *prefix = i + 1;
    n->size = *prefix + length + 1;
    return NETSTRING_COMPLETE;
}

static bool decode_content_length(struct str value, uint64_t *length)
{
    return str_to_u64(value, INT64_MAX, length) && (value.n == 1 || value.p[0] != '0');
}

static enum netstring_result decode_block(struct netstring *n)
{
    struct names seen = {0};
    struct str rest = n->block, name, value;
    bool scgi = false;

    if (rest.n && rest.p[rest.n - 1] != '\0')
        return bad(n, "the block does not end with NUL");
    for (; netstring_next(&rest, &name, &value); n->variables++) {
        if (n->variables == NETSTRING_MAX_VARIABLES)
            return bad(n, "too many variables");
        if (name.n == 0)
            return bad(n, "a variable without a name");
        if (n->variables == 0 && !str_eq(name, STR("CONTENT_LENGTH")))
            break;
        if (n->variables == 0 && !decode_content_length(value, &n->content_length))
            return bad(n, "CONTENT_LENGTH is not a decimal number");
        if (!names_add(&seen, name))
            return bad(n, "a variable comes twice");
        if (str_eq(name, STR("SCGI"))) {
            if (!str_eq(value, STR("1")))
                return bad(n, "SCGI is not 1");
            scgi = true;
        }
    }
    if (!rest.p)
        return bad(n, "a name without a value");
    if (n->variables == 0)
        return bad(n, "the first variable is not CONTENT_LENGTH");
    if (!scgi)
        return bad(n, "no variable SCGI");
    return NETSTRING_COMPLETE;
}

enum netstring_result netstring_decode(struct str input, size_t max, struct netstring *n)
{
    enum netstring_result result;
    size_t prefix;

    must(max <= (size_t)1 << 30);
    *n = (struct netstring){0};
    result = decode_length(input, max, n, &prefix);
    if (result != NETSTRING_COMPLETE)
        return result;
    if (input.n < n->size)
        return NETSTRING_PARTIAL;
    if (input.p[n->size - 1] != ',')
        return bad(n, "no comma after the netstring");
    n->block = str_make(input.p + prefix, n->size - prefix - 1);
    return decode_block(n);
}
