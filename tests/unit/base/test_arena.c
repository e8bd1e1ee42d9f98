/* test_arena.c - memory of a unit of work. */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "teataja/base/arena.h"
#include "teataja/base/mem.h"

#define CEILING ((size_t)8 * 1024 * 1024)

static int hook_off(void **state)
{
    (void)state;
    mem_fail_at(0, 0);
    return 0;
}

static void test_what_is_handed_out_is_zeroed_and_aligned(void **state)
{
    struct arena *arena = arena_new(CEILING);

    (void)state;
    for (size_t size = 1; size < 20000; size = size * 3 / 2 + 1) {
        unsigned char *at = arena_alloc(arena, 1, size);

        assert_non_null(at);
        assert_int_equal((uintptr_t)at % alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(at[i], 0);
        }
        memset(at, 0xAA, size);
    }
    arena_free(arena);
    arena_free(NULL);
}

static void test_allocations_do_not_overlap(void **state)
{
    struct arena *arena = arena_new(CEILING);
    unsigned char *at[500];

    (void)state;
    for (size_t i = 0; i < 500; i++) {
        at[i] = arena_alloc(arena, i + 1, 1);
        memset(at[i], (int)(i & 0xFF), i + 1);
    }
    for (size_t i = 0; i < 500; i++) {
        assert_int_equal(at[i][0], i & 0xFF);
        assert_int_equal(at[i][i], i & 0xFF);
    }
    arena_free(arena);
}

static void test_the_ceiling_holds(void **state)
{
    struct arena *arena = arena_new(1024);

    (void)state;
    assert_null(arena_alloc(arena, 1, 1025));
    assert_non_null(arena_alloc(arena, 1, 1000));
    assert_null(arena_alloc(arena, 1, 100));
    assert_non_null(arena_alloc(arena, 1, 16));
    assert_null(arena_alloc(arena, 1, 1));
    assert_int_equal(arena_used(arena), 1024);
    arena_free(arena);
}

static void test_sizes_that_overflow_are_refused(void **state)
{
    struct arena *arena = arena_new(SIZE_MAX);

    (void)state;
    assert_null(arena_alloc(arena, SIZE_MAX, 2));
    assert_null(arena_alloc(arena, SIZE_MAX, 1));
    assert_null(arena_alloc(arena, 1, SIZE_MAX - 8));
    assert_null(arena_alloc(arena, SIZE_MAX / 4, 3));
    arena_free(arena);
}

static void test_strings_are_copied(void **state)
{
    struct arena *arena = arena_new(CEILING);
    char text[] = "letter";
    char *copy = arena_strdup(arena, text);

    (void)state;
    text[0] = 'x';
    assert_string_equal(copy, "letter");
    assert_string_equal(arena_strndup(arena, "letter", 3), "let");
    assert_string_equal(arena_strndup(arena, "let", 30), "let");
    assert_string_equal(arena_strndup(arena, "let", 0), "");
    assert_null(arena_strdup(arena, NULL));
    assert_null(arena_strndup(arena, NULL, 5));
    assert_string_equal(arena_printf(arena, "%s-%03d", "a", 7), "a-007");
    assert_string_equal(arena_printf(arena, "%s", ""), "");
    assert_int_equal(strlen(arena_printf(arena, "%*d", 9000, 1)), 9000);
    arena_free(arena);
}

static void test_an_array_grows_and_keeps_its_rows(void **state)
{
    struct arena *arena = arena_new(CEILING);
    struct err err = {0};
    uint64_t *rows = NULL;
    size_t capacity = 0;

    (void)state;
    for (size_t i = 0; i < 5000; i++) {
        assert_int_equal(arena_grow(arena, &rows, &capacity, i, sizeof(*rows), &err), 0);
        assert_true(capacity > i);
        rows[i] = i * 7;
    }
    for (size_t i = 0; i < 5000; i++) {
        assert_int_equal(rows[i], i * 7);
    }
    arena_free(arena);
}

static void test_an_array_that_cannot_grow_is_left_as_it_is(void **state)
{
    struct arena *arena = arena_new(100);
    struct err err = {0};
    uint64_t *rows = NULL;
    uint64_t *before;
    size_t capacity = 0;

    (void)state;
    assert_int_equal(arena_grow(arena, &rows, &capacity, 0, sizeof(*rows), &err), 0);
    before = rows;
    assert_int_equal(arena_grow(arena, &rows, &capacity, 8, sizeof(*rows), &err), ERR_NOMEM);
    assert_ptr_equal(rows, before);
    assert_int_equal(capacity, 8);
    assert_string_equal(err.msg, "out of memory");
    capacity = SIZE_MAX / 2 + 2;
    assert_int_equal(arena_grow(arena, &rows, &capacity, capacity, sizeof(*rows), &err), ERR_NOMEM);
    arena_free(arena);
}

static void test_a_rewind_frees_what_came_since(void **state)
{
    struct arena *arena = arena_new(CEILING);
    struct arena_mark empty = arena_mark(arena);
    char *kept = arena_strdup(arena, "kept");
    size_t used = arena_used(arena);
    struct arena_mark mark = arena_mark(arena);

    (void)state;
    /* More than the ceiling altogether: only rewinding lets this pass. */
    for (int round = 0; round < 100; round++) {
        for (size_t size = 1; size < 100000; size *= 3) {
            unsigned char *at = arena_alloc(arena, 1, size);

            assert_non_null(at);
            for (size_t i = 0; i < size; i += 97) {
                assert_int_equal(at[i], 0);
            }
            memset(at, 0xFF, size);
        }
        arena_rewind(arena, mark);
        assert_int_equal(arena_used(arena), used);
    }
    assert_string_equal(kept, "kept");
    arena_rewind(arena, empty);
    assert_int_equal(arena_used(arena), 0);
    assert_string_equal(arena_strdup(arena, "again"), "again");
    arena_free(arena);
}

static void test_every_failing_allocation_is_reported(void **state)
{
    (void)state;
    for (unsigned long nth = 1;; nth++) {
        struct arena *arena;
        bool failed = false;

        mem_fail_at(nth, 0);
        arena = arena_new(CEILING);
        failed = arena == NULL;
        for (int i = 0; arena != NULL && i < 40; i++) {
            failed = arena_alloc(arena, 1, 5000) == NULL || failed;
        }
        arena_free(arena);
        if (mem_count() < nth) {
            assert_false(failed);
            assert_true(nth > 3);
            break;
        }
        assert_true(failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_handed_out_is_zeroed_and_aligned),
        cmocka_unit_test(test_allocations_do_not_overlap),
        cmocka_unit_test(test_the_ceiling_holds),
        cmocka_unit_test(test_sizes_that_overflow_are_refused),
        cmocka_unit_test(test_strings_are_copied),
        cmocka_unit_test(test_an_array_grows_and_keeps_its_rows),
        cmocka_unit_test(test_an_array_that_cannot_grow_is_left_as_it_is),
        cmocka_unit_test(test_a_rewind_frees_what_came_since),
        cmocka_unit_test_teardown(test_every_failing_allocation_is_reported, hook_off),
    };

    return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
