/* test_mem.c - allocations and the hook that lets them fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "teataja/base/mem.h"

static int hook_off(void **state)
{
    (void)state;
    mem_fail_at(0, 0);
    return 0;
}

static void test_mem_alloc_gives_zeroed_memory(void **state)
{
    unsigned char *block = mem_alloc(100, 3);

    (void)state;
    assert_non_null(block);
    for (size_t i = 0; i < 300; i++) {
        assert_int_equal(block[i], 0);
    }
    mem_free(block);
}

static void test_a_product_that_overflows_is_refused(void **state)
{
    char *block = mem_alloc(4, 1);

    (void)state;
    assert_null(mem_alloc(SIZE_MAX / 2, 3));
    assert_null(mem_resize(block, SIZE_MAX / 2, 3));
    block[3] = 'x'; /* the old block stays valid */
    mem_free(block);
}

static void test_nothing_is_still_a_block(void **state)
{
    char *block = mem_alloc(0, 10);

    (void)state;
    assert_non_null(block);
    block = mem_resize(block, 0, 10);
    assert_non_null(block);
    mem_free(block);
    mem_free(NULL);
}

static void test_mem_resize_keeps_the_content(void **state)
{
    char *block = mem_strdup("teataja");

    (void)state;
    block = mem_resize(block, 1000, 2);
    assert_string_equal(block, "teataja");
    mem_free(block);
}

static void test_the_nth_allocation_fails_once(void **state)
{
    (void)state;
    for (unsigned long nth = 1; nth <= 4; nth++) {
        mem_fail_at(nth, 0);
        for (unsigned long i = 1; i <= 4; i++) {
            char *block = mem_strdup("x");

            assert_true((block == NULL) == (i == nth));
            mem_free(block);
        }
        assert_int_equal(mem_count(), 4);
    }
}

static void test_for_good_fails_all_later_ones(void **state)
{
    (void)state;
    mem_fail_at(2, 1);
    for (unsigned long i = 1; i <= 4; i++) {
        void *block = mem_resize(NULL, 1, 1);

        assert_true((block == NULL) == (i >= 2));
        mem_free(block);
    }
}

static void test_the_hook_can_be_switched_off(void **state)
{
    void *block;

    (void)state;
    mem_fail_at(1, 1);
    assert_null(mem_alloc(1, 1));
    mem_fail_at(0, 1);
    assert_int_equal(mem_count(), 0);
    block = mem_alloc(1, 1);
    assert_non_null(block);
    mem_free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mem_alloc_gives_zeroed_memory),
        cmocka_unit_test(test_a_product_that_overflows_is_refused),
        cmocka_unit_test(test_nothing_is_still_a_block),
        cmocka_unit_test(test_mem_resize_keeps_the_content),
        cmocka_unit_test_teardown(test_the_nth_allocation_fails_once, hook_off),
        cmocka_unit_test_teardown(test_for_good_fails_all_later_ones, hook_off),
        cmocka_unit_test_teardown(test_the_hook_can_be_switched_off, hook_off),
    };

    return cmocka_run_group_tests_name("base/mem", tests, NULL, NULL);
}
