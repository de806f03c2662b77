/* arena: memory with one lifetime.
 *
 * Allocations are freed all at once. An arena may start in memory of the caller (a block of a cache), so
 * that a usual request allocates nothing; it grows by malloc when that is full. There is no failure to
 * check: whoever lets a peer choose sizes has bounded them before, and a machine without memory ends the
 * process (must.h).
 *
 *     struct arena a;
 *     arena_init(&a, first, sizeof first);
 *     char *copy = arena_copy(&a, text).p;
 *     arena_finish(&a);
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

struct arena_chunk;

struct arena {
    char *at, *end;             /* the free room of the current chunk */
    char *first;                /* the caller's memory; may be NULL */
    size_t first_size;          /* bytes */
    struct arena_chunk *chunks; /* further ones, newest first */
    size_t used;                /* bytes handed out since init or reset: what limits are measured by */
};

void arena_init(struct arena *a, void *first, size_t first_size);
/* Frees all but the caller's memory and starts anew. */
void arena_reset(struct arena *a);
void arena_finish(struct arena *a);

/* Uninitialised bytes aligned for any type; never NULL. */
void *arena_alloc(struct arena *a, size_t size);
/* The same, zeroed; count * size must not overflow. */
void *arena_zalloc(struct arena *a, size_t count, size_t size);
/* A copy with a NUL behind it (not counted); an absent slice stays absent. */
struct str arena_copy(struct arena *a, struct str s);
/* The pieces behind one another, with a NUL behind the last (not counted). */
struct str arena_concat(struct arena *a, const struct str *pieces, size_t count);
__attribute__((format(printf, 2, 3), nonnull(2))) struct str arena_printf(struct arena *a, const char *format,
                                                                          ...);

#define ARENA_NEW(arena, type)          ((type *)arena_zalloc((arena), 1, sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_zalloc((arena), (count), sizeof(type)))
#define ARENA_CONCAT(arena, ...)                                                                             \
    arena_concat((arena), (const struct str[]){__VA_ARGS__},                                                 \
                 sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str))

#endif
