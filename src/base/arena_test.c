#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool inside(const void *p, const char *memory, size_t size)
{
    return (const char *)p >= memory && (const char *)p < memory + size;
}

static void test_first_memory(void **state)
{
    _Alignas(max_align_t) char memory[256];
    struct arena a;
    char *p, *q;

    (void)state;
    arena_init(&a, memory, sizeof memory);
    p = arena_alloc(&a, 100);
    q = arena_alloc(&a, 100);
    assert_true(inside(p, memory, sizeof memory) && inside(q + 99, memory, sizeof memory));
    assert_true(q >= p + 100);
    assert_null(a.chunks);
    assert_false(inside(arena_alloc(&a, 100), memory, sizeof memory));
    assert_non_null(a.chunks);
    assert_int_equal(a.used, 300);
    arena_reset(&a);
    assert_null(a.chunks);
    assert_int_equal(a.used, 0);
    assert_ptr_equal(arena_alloc(&a, 256), memory); /* all of it, once more */
    arena_finish(&a);
}

/* Any sizes: aligned, apart from each other, with or without memory of the caller. */
static void test_sizes(void **state)
{
    char memory[1000];

    (void)state;
    for (size_t offset = 0; offset < 20; offset++) {
        unsigned char *p[300];
        size_t size[300];
        struct arena a;

        arena_init(&a, offset ? memory + offset : NULL, offset ? sizeof memory - offset : 0);
        for (size_t i = 0; i < 300; i++) {
            size[i] = i * i * 37 % 9000;
            p[i] = arena_alloc(&a, size[i]);
            assert_non_null(p[i]);
            assert_int_equal((uintptr_t)p[i] % _Alignof(max_align_t), 0);
            memset(p[i], (int)i, size[i]);
        }
        for (size_t i = 0; i < 300; i++)
            for (size_t k = 0; k < size[i]; k++)
                if (p[i][k] != (unsigned char)i)
                    fail_msg("allocation %zu was written over", i);
        arena_finish(&a);
    }
}

/* A big allocation gets a chunk of its own; the room of the current chunk is not lost. */
static void test_big(void **state)
{
    struct arena a;
    char *p, *q;

    (void)state;
    arena_init(&a, NULL, 0);
    p = arena_alloc(&a, 16);
    memset(arena_alloc(&a, 1 << 20), 1, 1 << 20);
    q = arena_alloc(&a, 16);
    assert_ptr_equal(q, p + 16);
    arena_finish(&a);
}

static void test_zalloc(void **state)
{
    char memory[64];
    struct arena a;
    int *numbers;

    (void)state;
    memset(memory, 'x', sizeof memory);
    arena_init(&a, memory, sizeof memory);
    numbers = ARENA_ARRAY(&a, int, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(numbers[i], 0);
    assert_non_null(arena_zalloc(&a, 0, 8));
    arena_finish(&a);
}

static void test_text(void **state)
{
    struct arena a;
    struct str s;

    (void)state;
    arena_init(&a, NULL, 0);
    s = arena_copy(&a, STR("a\0b"));
    assert_true(str_eq(s, STR("a\0b")) && s.p[3] == '\0');
    assert_null(arena_copy(&a, STR_NONE).p);
    s = arena_copy(&a, STR(""));
    assert_true(s.p && s.n == 0 && s.p[0] == '\0');
    s = ARENA_CONCAT(&a, STR("a"), STR_NONE, STR(""), STR("bc"));
    assert_true(str_eq(s, STR("abc")) && s.p[3] == '\0');
    s = arena_printf(&a, "%d-%s", 12, "x");
    assert_true(str_eq(s, STR("12-x")) && s.p[4] == '\0');
    s = arena_printf(&a, "%*d", 50000, 1);
    assert_int_equal(s.n, 50000);
    arena_finish(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_memory), cmocka_unit_test(test_sizes), cmocka_unit_test(test_big),
        cmocka_unit_test(test_zalloc),       cmocka_unit_test(test_text),
    };

    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
