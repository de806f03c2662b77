#include "base/vars.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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

static void check_item(size_t index, struct str name, struct str value)
{
    assert_true(index < vars.count);
    assert_true(str_eq(vars.items[index].name, name));
    assert_true(str_eq(vars.items[index].value, value));
}

static void test_set_keeps_the_place(void **state)
{
    (void)state;
    vars_set(&vars, STR("A"), STR("1"));
    vars_set(&vars, STR("B"), STR("2"));
    vars_set(&vars, STR("C"), STR("3"));
    vars_set(&vars, STR("A"), STR("4"));
    assert_int_equal(vars.count, 3);
    check_item(0, STR("A"), STR("4"));
    check_item(1, STR("B"), STR("2"));
    check_item(2, STR("C"), STR("3"));
}

static void test_get(void **state)
{
    (void)state;
    assert_null(vars_get(&vars, STR("A")).p);
    assert_false(vars_has(&vars, STR("A")));
    vars_set(&vars, STR("A"), STR(""));
    vars_set(&vars, STR(""), STR("no name"));
    assert_true(vars_has(&vars, STR("A")));
    assert_non_null(vars_get(&vars, STR("A")).p); /* set, and empty */
    assert_true(str_eq(vars_get(&vars, STR("")), STR("no name")));
    assert_false(vars_has(&vars, STR("a")));
    assert_false(vars_has(&vars, STR("AA")));
}

static void test_unset(void **state)
{
    (void)state;
    vars_set(&vars, STR("A"), STR("1"));
    vars_set(&vars, STR("B"), STR("2"));
    vars_set(&vars, STR("C"), STR("3"));
    vars_unset(&vars, STR("B"));
    vars_unset(&vars, STR("B"));
    vars_unset(&vars, STR("D"));
    assert_int_equal(vars.count, 2);
    check_item(0, STR("A"), STR("1"));
    check_item(1, STR("C"), STR("3"));
    vars_set(&vars, STR("B"), STR("5")); /* as a new one */
    check_item(2, STR("B"), STR("5"));
    vars_unset(&vars, STR("A"));
    vars_unset(&vars, STR("B"));
    vars_unset(&vars, STR("C"));
    assert_int_equal(vars.count, 0);
}

/* The names differ in bytes that the filter does not look at. */
static void test_filter_is_only_a_hint(void **state)
{
    static const struct str names[] = {STR_INIT("A11B2C"), STR_INIT("A21B2C"), STR_INIT("A1xB2C"),
                                       STR_INIT("A11B3C")};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_false(vars_has(&vars, names[i]));
        vars_set(&vars, names[i], names[i]);
    }
    assert_int_equal(vars.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(str_eq(vars_get(&vars, names[i]), names[i]));
}

/* Against a plain table: value[n] is that of name n; the order is that of the first set. */
static void test_random(void **state)
{
    enum { NAMES = 300, ROUNDS = 20000 };
    static char names[NAMES][16];
    static int value[NAMES], order[NAMES];
    size_t count = 0;

    (void)state;
    for (int n = 0; n < NAMES; n++) {
        snprintf(names[n], sizeof names[n], "N%d", n);
        value[n] = -1;
    }
    for (int round = 0; round < ROUNDS; round++) {
        int n = rand() % NAMES;
        struct str name = str_from(names[n]);

        assert_int_equal(vars_has(&vars, name), value[n] >= 0);
        if (rand() % 3) {
            vars_set(&vars, name, arena_printf(&arena, "%d", round));
            if (value[n] < 0)
                order[count++] = n;
            value[n] = round;
        } else if (value[n] >= 0) {
            size_t at = 0;

            vars_unset(&vars, name);
            value[n] = -1;
            while (order[at] != n)
                at++;
            memmove(&order[at], &order[at + 1], (--count - at) * sizeof order[0]);
        }
    }
    assert_int_equal(vars.count, count);
    for (size_t i = 0; i < count; i++)
        check_item(i, str_from(names[order[i]]), arena_printf(&arena, "%d", value[order[i]]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_set_keeps_the_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_get, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_filter_is_only_a_hint, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random, setup, teardown),
    };
    const char *given = getenv("SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);

    print_message("seed %u\n", seed);
    srand(seed);
    return cmocka_run_group_tests_name("vars", tests, NULL, NULL);
}
