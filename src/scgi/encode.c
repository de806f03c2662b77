#include "scgi/encode.h"

#include "base/must.h"
#include "base/out.h"

struct str scgi_encode(struct arena *arena, const struct vars *vars)
{
    enum { FRAME = 20 + 2 }; /* the longest number, colon and comma */
    size_t length = 0;
    struct out o = {0};

    for (size_t i = 0; i < vars->count; i++)
        length += vars->items[i].name.n + vars->items[i].value.n + 2;
    o.cap = length + FRAME;
    o.p = arena_alloc(arena, o.cap);
    out_u64(&o, length);
    out_char(&o, ':');
    for (size_t i = 0; i < vars->count; i++) {
        out_str(&o, vars->items[i].name);
        out_char(&o, '\0');
        out_str(&o, vars->items[i].value);
        out_char(&o, '\0');
    }
    out_char(&o, ',');
    must(!o.overflow);
    return out_done(&o);
}
