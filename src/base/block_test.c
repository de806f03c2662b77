#include "base/block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { SIZE = 64, KEEP = 3, COUNT = 5 };

static void test_reuse(void **state)
{
    struct block_cache c;
    char *a, *b;

    (void)state;
    block_cache_init(&c, SIZE, KEEP);
    a = block_get(&c);
    b = block_get(&c);
    memset(a, 1, SIZE);
    memset(b, 2, SIZE);
    assert_ptr_not_equal(a, b);
    assert_int_equal(a[SIZE - 1], 1);
    assert_int_equal(c.lent, 2);
    block_put(&c, a);
    assert_int_equal(c.cached, 1);
    assert_ptr_equal(block_get(&c), a); /* the last one back is the warmest */
    assert_int_equal(c.cached, 0);
    block_put(&c, a);
    block_put(&c, b);
    block_put(&c, NULL);
    assert_int_equal(c.lent, 0);
    block_cache_finish(&c);
    assert_int_equal(c.cached, 0);
}

static void test_cap(void **state)
{
    struct block_cache c;
    void *blocks[COUNT];

    (void)state;
    block_cache_init(&c, SIZE, KEEP);
    for (int i = 0; i < COUNT; i++)
        blocks[i] = block_get(&c);
    assert_int_equal(c.lent, COUNT);
    for (int i = 0; i < COUNT; i++)
        block_put(&c, blocks[i]);
    assert_int_equal(c.lent, 0);
    assert_int_equal(c.cached, KEEP);
    for (int i = 0; i < COUNT; i++)
        blocks[i] = block_get(&c);
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; k < i; k++)
            assert_ptr_not_equal(blocks[i], blocks[k]);
    for (int i = 0; i < COUNT; i++)
        block_put(&c, blocks[i]);
    block_cache_finish(&c);
}

static void test_no_cache(void **state)
{
    struct block_cache c;

    (void)state;
    block_cache_init(&c, sizeof(void *), 0);
    block_put(&c, block_get(&c));
    assert_int_equal(c.cached, 0);
    block_cache_finish(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_cap),
        cmocka_unit_test(test_no_cache),
    };

    return cmocka_run_group_tests_name("block", tests, NULL, NULL);
}
