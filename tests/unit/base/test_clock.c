/* test_clock.c - the time, which a test can fix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "teataja/base/clock.h"

#define INSTANT INT64_C(1796108400000000)

static int unfix(void **state)
{
    (void)state;
    clock_unfix();
    return 0;
}

static void pause_a_little(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

static void test_the_wall_clock_is_the_systems(void **state)
{
    int64_t before = (int64_t)time(NULL);
    int64_t now = clock_now() / CLOCK_SECOND;

    (void)state;
    assert_in_range(now, before - 1, before + 2);
}

static void test_a_fixed_clock_stands_still(void **state)
{
    (void)state;
    clock_fix(INSTANT, 0);
    pause_a_little();
    assert_true(clock_now() == INSTANT);
    clock_fix(0, 0);
    assert_true(clock_now() == 0);
    clock_fix(-5, 0);
    assert_true(clock_now() == -5);
}

static void test_a_running_clock_starts_there_and_goes_on(void **state)
{
    int64_t first;

    (void)state;
    clock_fix(INSTANT, 1);
    first = clock_now();
    assert_true(first >= INSTANT && first < INSTANT + 10 * CLOCK_SECOND);
    pause_a_little();
    assert_true(clock_now() - first >= 19000);
}

static void test_an_unfixed_clock_is_the_wall_clock_again(void **state)
{
    (void)state;
    clock_fix(0, 0);
    clock_unfix();
    test_the_wall_clock_is_the_systems(state);
}

static void test_ticks_go_on_whatever_the_clock_says(void **state)
{
    int64_t first = clock_ticks();

    (void)state;
    clock_fix(0, 0);
    pause_a_little();
    assert_true(clock_ticks() - first >= 19000000);
}

static void test_units_build_on_each_other(void **state)
{
    (void)state;
    assert_true(CLOCK_DAY == INT64_C(86400000000));
}

static void test_the_boot_has_a_name(void **state)
{
    const char *id = clock_boot_id();

    (void)state;
    assert_true(strlen(id) == 36 || strcmp(id, "unknown") == 0);
    assert_null(strchr(id, '\n'));
    assert_ptr_equal(id, clock_boot_id());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_wall_clock_is_the_systems),
        cmocka_unit_test_teardown(test_a_fixed_clock_stands_still, unfix),
        cmocka_unit_test_teardown(test_a_running_clock_starts_there_and_goes_on, unfix),
        cmocka_unit_test_teardown(test_an_unfixed_clock_is_the_wall_clock_again, unfix),
        cmocka_unit_test_teardown(test_ticks_go_on_whatever_the_clock_says, unfix),
        cmocka_unit_test(test_units_build_on_each_other),
        cmocka_unit_test(test_the_boot_has_a_name),
    };

    return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
