/* The block of an SCGI request: what is complete holds what was promised, and is complete at its last byte,
 * not before. */
#include "scgi/netstring.h"
#include "base/must.h"
#include "scgi/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MAX = 8192 };
    struct str input = str_make((const char *)data, size), rest, name, value;
    struct netstring n, part;
    struct arena arena;
    struct vars vars;

    if (netstring_decode(input, MAX, &n) != NETSTRING_COMPLETE)
        return 0;
    must(n.size <= size && n.size <= MAX && n.content_length <= INT64_MAX);
    must(n.block.p > input.p && n.block.p + n.block.n + 1 == input.p + n.size);
    must(netstring_decode(str_first(input, n.size - 1), MAX, &part) == NETSTRING_PARTIAL);
    arena_init(&arena, NULL, 0);
    vars_init(&vars, &arena);
    for (rest = n.block; netstring_next(&rest, &name, &value);) {
        must(name.n > 0 && !vars_has(&vars, name));
        vars_set(&vars, name, value);
        must(str_eq(netstring_find(n.block, name), value));
    }
    must(vars.count == n.variables && vars_has(&vars, STR("SCGI")));
    must(str_eq(scgi_encode(&arena, &vars), str_first(input, n.size))); /* there is one way to write it */
    arena_finish(&arena);
    return 0;
}
