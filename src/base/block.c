#include "base/block.h"
#include "base/must.h"

#include <stdlib.h>

void block_cache_init(struct block_cache *c, size_t size, size_t keep)
{
    must(size >= sizeof(void *));
    *c = (struct block_cache){.size = size, .keep = keep};
}

void block_cache_finish(struct block_cache *c)
{
    must(c->lent == 0);
    while (c->free) {
        void *next = *(void **)c->free;

        free(c->free);
        c->free = next;
    }
    c->cached = 0;
}

void *block_get(struct block_cache *c)
{
    void *block = c->free;

    c->lent++;
    if (block) {
        c->free = *(void **)block;
        c->cached--;
        return block;
    }
    block = malloc(c->size);
    must(block != NULL);
    return block;
}

void block_put(struct block_cache *c, void *block)
{
    if (!block)
        return;
    must(c->lent > 0);
    c->lent--;
    if (c->cached >= c->keep) {
        free(block);
        return;
    }
    *(void **)block = c->free;
    c->free = block;
    c->cached++;
}
