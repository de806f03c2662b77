#include "gate/test_cuts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

uint64_t test_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t test_seed(void)
{
    static uint64_t seed;
    const char *given = getenv("SEED");

    if (seed == 0) {
        seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
        print_message("SEED=%llu\n", (unsigned long long)seed);
    }
    return seed;
}

size_t test_cut_next(struct test_cuts *cuts, size_t at, size_t total)
{
    size_t left = total - at;

    switch (cuts->kind) {
    case CUT_ONCE:
        return at < cuts->at && cuts->at < total ? cuts->at - at : left;
    case CUT_BYTES:
        return 1;
    case CUT_RANDOM:
        return 1 + (size_t)(test_random(&cuts->random) % (test_random(&cuts->random) % 4 ? 8 : left)) % left;
    default:
        return left;
    }
}
