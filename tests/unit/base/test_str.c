/* test_str.c - a growing string with a ceiling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "teataja/base/mem.h"
#include "teataja/base/str.h"

static int hook_off(void **state)
{
    (void)state;
    mem_fail_at(0, 0);
    return 0;
}

static void test_an_empty_string_needs_no_memory(void **state)
{
    struct str str;

    (void)state;
    mem_fail_at(0, 0);
    str_init(&str, 10);
    assert_string_equal(str.data, "");
    assert_int_equal(str.len, 0);
    str_add(&str, "");
    str_addf(&str, "%s", "");
    str_trim_end(&str);
    str_cut(&str, 0);
    assert_int_equal(str_check(&str, NULL), 0);
    str_release(&str);
    str_release(&str);
    assert_string_equal(str.data, "");
}

static void test_appending_builds_the_text(void **state)
{
    struct str str;

    (void)state;
    str_init(&str, 1000);
    str_add(&str, "ab");
    str_add_char(&str, 'c');
    str_add_repeat(&str, '-', 3);
    str_add_repeat(&str, '-', 0);
    str_addf(&str, "%d/%s", 42, "x");
    str_add_bytes(&str, "1\0002", 3);
    assert_int_equal(str.len, 13);
    assert_memory_equal(str.data, "abc---42/x1\0002", 14);
    str_release(&str);
    assert_int_equal(str.ceiling, 1000);
}

static void test_a_long_text_grows_in_steps(void **state)
{
    struct str str;

    (void)state;
    str_init(&str, 100000);
    for (int i = 0; i < 10000; i++) {
        str_addf(&str, "%09d\n", i);
    }
    assert_int_equal(str.len, 100000);
    assert_int_equal(str_check(&str, NULL), 0);
    assert_memory_equal(str.data + 99990, "000009999\n", 11);
    str_release(&str);
}

static void test_the_ceiling_is_exact_and_nothing_is_cut(void **state)
{
    struct str str;
    struct err err = {0};

    (void)state;
    str_init(&str, 8);
    str_add(&str, "12345678");
    assert_int_equal(str_check(&str, &err), 0);
    str_add_char(&str, '9');
    assert_int_equal(str_check(&str, &err), ERR_LIMIT);
    assert_string_equal(err.msg, "text is longer than 8 bytes");
    assert_string_equal(str.data, "12345678");
    str_reset(&str);
    assert_int_equal(str_check(&str, &err), 0);
    str_add(&str, "1234567");
    str_add(&str, "89");
    str_add(&str, "8"); /* would fit, but text is missing before it */
    assert_string_equal(str.data, "1234567");
    assert_int_equal(str_check(&str, &err), ERR_LIMIT);
    str_release(&str);
    assert_int_equal(str_check(&str, &err), 0);
}

static void test_every_way_to_append_heeds_the_ceiling(void **state)
{
    struct str str;

    (void)state;
    for (int way = 0; way < 6; way++) {
        str_init(&str, 4);
        str_add(&str, "abc");
        switch (way) {
        case 0:
            str_add(&str, "de");
            break;
        case 1:
            str_add_bytes(&str, "de", 2);
            break;
        case 2:
            str_add_repeat(&str, 'd', SIZE_MAX);
            break;
        case 3:
            str_addf(&str, "%s", "de");
            break;
        case 4:
            str_splice(&str, 0, 1, "123", 3);
            break;
        default:
            str_reserve(&str, SIZE_MAX);
            break;
        }
        assert_int_equal(str.failed, ERR_LIMIT);
        assert_string_equal(str.data, "abc");
        str_release(&str);
    }
}

static void test_every_failing_allocation_is_reported(void **state)
{
    struct str str;
    struct err err = {0};

    (void)state;
    for (unsigned long nth = 1;; nth++) {
        size_t len = 0;

        mem_fail_at(nth, 0);
        str_init(&str, 10000);
        for (int i = 0; i < 100; i++) {
            str_addf(&str, "%d ", i);
            str_add(&str, "abcdefg");
            len = str.failed ? len : str.len;
        }
        assert_int_equal(strlen(str.data), str.len);
        if (mem_count() < nth) {
            assert_int_equal(str_check(&str, &err), 0);
            str_release(&str);
            break;
        }
        assert_int_equal(str_check(&str, &err), ERR_NOMEM);
        assert_null(str_take(&str));
        assert_int_equal(str_check(&str, &err), ERR_NOMEM);
        assert_int_equal(str.len, 0);
        str_release(&str);
    }
}

static void test_splice_replaces_in_the_middle(void **state)
{
    static const struct {
        size_t at;
        size_t old_len;
        const char *put;
        const char *result;
    } cases[] = {
        {0, 0, "X", "Xhello"},    {5, 0, "X", "helloX"},  {1, 3, "", "ho"},
        {0, 5, "", ""},           {1, 1, "EE", "hEEllo"}, {1, 3, "E", "hEo"},
        {0, 5, "other", "other"}, {4, 1, "", "hell"},     {2, 2, "LLLLLL", "heLLLLLLo"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str str;

        str_init(&str, 100);
        str_add(&str, "hello");
        str_splice(&str, cases[i].at, cases[i].old_len, cases[i].put, strlen(cases[i].put));
        assert_string_equal(str.data, cases[i].result);
        assert_int_equal(str.len, strlen(cases[i].result));
        str_release(&str);
    }
}

static void test_splice_into_an_empty_string_appends(void **state)
{
    struct str str;

    (void)state;
    str_init(&str, 100);
    str_splice(&str, 0, 0, "", 0);
    assert_string_equal(str.data, "");
    str_splice(&str, 0, 0, "abc", 3);
    assert_string_equal(str.data, "abc");
    str_release(&str);
}

static void test_trim_end_removes_white_space_only(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        size_t left;
    } cases[] = {
        {"", 0, 0}, {"a", 1, 1}, {"a \t\r\n", 5, 1}, {" \n", 2, 0}, {" a b ", 5, 4}, {"a\0", 2, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str str;

        str_init(&str, 100);
        str_add_bytes(&str, cases[i].text, cases[i].len);
        str_trim_end(&str);
        assert_int_equal(str.len, cases[i].left);
        str_release(&str);
    }
}

static void test_take_hands_the_memory_over(void **state)
{
    struct str str;
    char *text;

    (void)state;
    str_init(&str, 100);
    str_add(&str, "mine");
    text = str_take(&str);
    assert_string_equal(text, "mine");
    assert_string_equal(str.data, "");
    mem_free(text);
    text = str_take(&str);
    assert_string_equal(text, "");
    mem_free(text);
    mem_fail_at(1, 0);
    assert_null(str_take(&str));
    assert_int_equal(str_check(&str, NULL), ERR_NOMEM);
}

static void test_ends_with_looks_at_the_end(void **state)
{
    struct str str;

    (void)state;
    str_init(&str, 100);
    assert_true(str_ends_with(&str, ""));
    assert_false(str_ends_with(&str, "a"));
    str_add(&str, "line\r\n");
    assert_true(str_ends_with(&str, "\r\n"));
    assert_true(str_ends_with(&str, "line\r\n"));
    assert_false(str_ends_with(&str, "a line\r\n"));
    assert_false(str_ends_with(&str, "line"));
    str_release(&str);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_string_needs_no_memory),
        cmocka_unit_test(test_appending_builds_the_text),
        cmocka_unit_test(test_a_long_text_grows_in_steps),
        cmocka_unit_test(test_the_ceiling_is_exact_and_nothing_is_cut),
        cmocka_unit_test(test_every_way_to_append_heeds_the_ceiling),
        cmocka_unit_test_teardown(test_every_failing_allocation_is_reported, hook_off),
        cmocka_unit_test(test_splice_replaces_in_the_middle),
        cmocka_unit_test(test_splice_into_an_empty_string_appends),
        cmocka_unit_test(test_trim_end_removes_white_space_only),
        cmocka_unit_test_teardown(test_take_hands_the_memory_over, hook_off),
        cmocka_unit_test(test_ends_with_looks_at_the_end),
    };

    return cmocka_run_group_tests_name("base/str", tests, NULL, NULL);
}
