/* guard_test: for tests of parsers: input that ends where its memory ends, and random numbers with a printed
 * seed.
 */
#ifndef HTTP_GUARD_TEST_H
#define HTTP_GUARD_TEST_H

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct guard {
    char *memory, *end; /* reading at end is a fault of the processor */
    size_t size;
};

static inline struct guard guard_make(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct guard g;

    g.size = (size + page - 1) / page * page;
    g.memory = mmap(NULL, g.size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g.memory != MAP_FAILED);
    g.end = g.memory + g.size;
    assert_int_equal(mprotect(g.end, page, PROT_NONE), 0);
    return g;
}

/* A copy of the bytes that ends at the guard page; it replaces the copy made before. */
static inline struct str guard_copy(const struct guard *g, struct str s)
{
    assert_true(s.n <= g->size);
    memset(g->memory, 'x', g->size - s.n);
    if (s.n)
        memcpy(g->end - s.n, s.p, s.n);
    return str_make(g->end - s.n, s.n);
}

static inline void guard_free(struct guard *g)
{
    munmap(g->memory, g->size + (size_t)sysconf(_SC_PAGESIZE));
}

/* xorshift64*: the same numbers for the same seed everywhere. */
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717u;
}

static inline size_t random_below(uint64_t *state, size_t n)
{
    return n ? (size_t)(random_next(state) >> 16) % n : 0;
}

/* SEED=N in the environment repeats a run. */
static inline uint64_t random_seed(void)
{
    const char *text = getenv("SEED");
    uint64_t seed = text ? strtoull(text, NULL, 10) : (uint64_t)time(NULL) << 16 ^ (uint64_t)getpid();

    print_message("SEED=%llu\n", (unsigned long long)seed);
    return seed | 1;
}

#endif
