#include "base/vars.h"

void vars_init(struct vars *v, struct arena *arena)
{
    *v = (struct vars){.arena = arena};
}

/* A cheap spread of names over the filter's bits: first, middle and last byte with the length. */
static unsigned filter_bit(struct str name)
{
    unsigned char first = name.n ? (unsigned char)name.p[0] : 0;
    unsigned char middle = name.n ? (unsigned char)name.p[name.n / 2] : 0;
    unsigned char last = name.n ? (unsigned char)name.p[name.n - 1] : 0;

    return (unsigned)(first * 5 + middle * 31 + last * 113 + name.n * 37) & 255;
}

static bool filter_has(const struct vars *v, unsigned bit)
{
    return v->seen[bit / 64] >> (bit % 64) & 1;
}

static struct var *find(const struct vars *v, struct str name)
{
    if (!filter_has(v, filter_bit(name)))
        return NULL;
    for (size_t i = 0; i < v->count; i++)
        if (str_eq(v->items[i].name, name))
            return &v->items[i];
    return NULL;
}

static void grow(struct vars *v)
{
    size_t room = v->room ? v->room * 2 : 48;
    struct var *items = arena_alloc(v->arena, room * sizeof *items);

    if (v->count)
        memcpy(items, v->items, v->count * sizeof *items);
    v->items = items;
    v->room = room;
}

void vars_set(struct vars *v, struct str name, struct str value)
{
    struct var *old = find(v, name);
    unsigned bit = filter_bit(name);

    if (old) {
        old->value = value;
        return;
    }
    if (v->count == v->room)
        grow(v);
    v->items[v->count++] = (struct var){name, value};
    v->seen[bit / 64] |= 1ull << (bit % 64);
}

void vars_unset(struct vars *v, struct str name)
{
    struct var *old = find(v, name);
    size_t at;

    if (!old)
        return;
    at = (size_t)(old - v->items);
    memmove(old, old + 1, (v->count - at - 1) * sizeof *old);
    v->count--;
}

struct str vars_get(const struct vars *v, struct str name)
{
    const struct var *found = find(v, name);

    return found ? found->value : STR_NONE;
}

bool vars_has(const struct vars *v, struct str name)
{
    return find(v, name) != NULL;
}
