/* test_cuts: how the tests of gate/ cut bytes into pieces: not at all, once, byte by byte, at random from a
 * seed that is printed. */
#ifndef GATE_TEST_CUTS_H
#define GATE_TEST_CUTS_H

#include "base/str.h"

/* How a run of bytes is cut into pieces. */
enum test_cut_kind { CUT_NONE, CUT_ONCE, CUT_BYTES, CUT_RANDOM };

struct test_cuts {
    enum test_cut_kind kind;
    size_t at; /* of CUT_ONCE */
    uint64_t random;
};

/* How many of the bytes from offset at to total come next (at < total). */
size_t test_cut_next(struct test_cuts *cuts, size_t at, size_t total);
uint64_t test_random(uint64_t *state);
/* From SEED in the environment, or the clock; printed. */
uint64_t test_seed(void);

#endif
