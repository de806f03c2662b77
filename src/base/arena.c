#include "base/arena.h"
#include "base/must.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNK_SIZE = 16 * 1024 };

struct arena_chunk {
    struct arena_chunk *next;
    _Alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *a, void *first, size_t first_size)
{
    *a = (struct arena){.first = first, .first_size = first_size};
    a->at = a->first;
    a->end = first ? a->first + first_size : NULL;
}

void arena_reset(struct arena *a)
{
    arena_finish(a);
    arena_init(a, a->first, a->first_size);
}

void arena_finish(struct arena *a)
{
    while (a->chunks) {
        struct arena_chunk *next = a->chunks->next;

        free(a->chunks);
        a->chunks = next;
    }
    a->at = a->end = NULL;
}

static void *alloc_slow(struct arena *a, size_t size)
{
    size_t room = size > CHUNK_SIZE / 4 ? size : CHUNK_SIZE;
    struct arena_chunk *chunk = malloc(sizeof *chunk + room);

    must(chunk != NULL);
    chunk->next = a->chunks;
    a->chunks = chunk;
    if (room == size)
        return chunk->bytes; /* its own chunk: the current one keeps its room */
    a->at = chunk->bytes + size;
    a->end = chunk->bytes + room;
    return chunk->bytes;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t align = _Alignof(max_align_t);
    size_t pad = (size_t)(-(uintptr_t)a->at & (align - 1));

    must(size <= SIZE_MAX / 2);
    a->used += size;
    if (a->at && (size_t)(a->end - a->at) >= pad && (size_t)(a->end - a->at) - pad >= size) {
        void *p = a->at + pad;

        a->at += pad + size;
        return p;
    }
    return alloc_slow(a, size ? size : 1);
}

void *arena_zalloc(struct arena *a, size_t count, size_t size)
{
    size_t total;

    must(!__builtin_mul_overflow(count, size, &total));
    return memset(arena_alloc(a, total), 0, total);
}

struct str arena_copy(struct arena *a, struct str s)
{
    return s.p ? arena_concat(a, &s, 1) : s;
}

struct str arena_concat(struct arena *a, const struct str *pieces, size_t count)
{
    size_t n = 0;
    char *p, *at;

    for (size_t i = 0; i < count; i++)
        n += pieces[i].n;
    at = p = arena_alloc(a, n + 1);
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].n)
            memcpy(at, pieces[i].p, pieces[i].n);
        at += pieces[i].n;
    }
    *at = '\0';
    return str_make(p, n);
}

struct str arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    char *p;
    int n;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    must(n >= 0);
    p = arena_alloc(a, (size_t)n + 1);
    va_start(args, format);
    vsnprintf(p, (size_t)n + 1, format, args);
    va_end(args);
    return str_make(p, (size_t)n);
}
