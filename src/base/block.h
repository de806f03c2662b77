/* block: a cache of equal blocks of memory, one per size and worker.
 *
 * Connections and exchanges borrow their buffers here while a request runs, so that an idle connection
 * holds none and the hot path calls no malloc. At most `keep` free blocks stay cached.
 */
#ifndef BASE_BLOCK_H
#define BASE_BLOCK_H

#include <stddef.h>

struct block_cache {
    void *free;    /* a chain through the first word of each free block */
    size_t size;   /* bytes of one block */
    size_t cached; /* blocks in the chain */
    size_t keep;
    size_t lent; /* blocks with callers */
};

void block_cache_init(struct block_cache *c, size_t size, size_t keep);
/* Frees what is cached; no block may be lent any more. */
void block_cache_finish(struct block_cache *c);
/* Never NULL (see arena.h). */
void *block_get(struct block_cache *c);
/* NULL is allowed. */
void block_put(struct block_cache *c, void *block);

#endif
