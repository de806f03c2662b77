/* test_groups: the groups of the exchange's tests; all run in one program, which then looks whether every
 * transition was taken (exchange_test.c). */
#ifndef GATE_TEST_GROUPS_H
#define GATE_TEST_GROUPS_H

#include "gate/test_host.h"

/* Each returns the number of tests that failed. */
int run_reply_tests(void);
int run_trouble_tests(void);
int run_body_tests(void);
int run_random_tests(void);

/* Each script of the list, in every cut. */
#define PLAY(list) ((void)state, host_expect_any_cut(list, sizeof(list) / sizeof(list)[0]))

#endif
