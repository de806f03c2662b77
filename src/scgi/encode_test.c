#include "scgi/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;
static struct vars vars;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, NULL, 0);
    vars_init(&vars, &arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_finish(&arena);
    return 0;
}

#define CHECK(literal)                                                                                       \
    do {                                                                                                     \
        struct str got = scgi_encode(&arena, &vars);                                                         \
                                                                                                             \
        assert_int_equal(got.n, sizeof(literal) - 1);                                                        \
        assert_memory_equal(got.p, literal, got.n);                                                          \
    } while (0)

/* The example of the SCGI text (2008-06-23). */
static void test_example(void **state)
{
    (void)state;
    vars_set(&vars, STR("CONTENT_LENGTH"), STR("27"));
    vars_set(&vars, STR("SCGI"), STR("1"));
    vars_set(&vars, STR("REQUEST_METHOD"), STR("POST"));
    vars_set(&vars, STR("REQUEST_URI"), STR("/deepthought"));
    /* clang-format off */
    CHECK("70:CONTENT_LENGTH\0" "27\0" "SCGI\0" "1\0" "REQUEST_METHOD\0" "POST\0"
          "REQUEST_URI\0" "/deepthought\0,");
    /* clang-format on */
}

static void test_values(void **state)
{
    (void)state;
    CHECK("0:,");
    vars_set(&vars, STR("A"), STR(""));
    CHECK("3:A\0\0,");
    vars_set(&vars, STR("B"), STR_NONE);
    CHECK("6:A\0\0B\0\0,");
    vars_set(&vars, STR("b c"), STR("\xff,9:\n"));
    CHECK("16:A\0\0B\0\0b c\0\xff,9:\n\0,");
}

/* At each border where the number gains a digit. */
static void test_lengths(void **state)
{
    static char value[100000];

    (void)state;
    memset(value, 'v', sizeof value);
    for (size_t border = 10; border <= sizeof value; border *= 10) {
        for (size_t length = border - 1; length <= border; length++) {
            char prefix[32];
            int n = snprintf(prefix, sizeof prefix, "%zu:N", length);
            struct str got;

            vars_set(&vars, STR("N"), str_make(value, length - 3));
            got = scgi_encode(&arena, &vars);
            assert_int_equal(got.n, (size_t)n - 1 + length + 1);
            assert_memory_equal(got.p, prefix, (size_t)n);
            assert_memory_equal(got.p + got.n - 3, "v\0,", 3);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_example, setup, teardown),
        cmocka_unit_test_setup_teardown(test_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lengths, setup, teardown),
    };

    return cmocka_run_group_tests_name("encode", tests, NULL, NULL);
}
