/* test_report.c - all the problems of a check, sorted. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/base/report.h"

static int hook_off(void **state)
{
    (void)state;
    mem_fail_at(0, 0);
    return 0;
}

/* What report_print writes; the caller frees it. */
static char *printed(struct report *report)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    report_print(report, out);
    (void)fclose(out);
    return text;
}

static void test_problems_are_printed_in_the_order_of_the_files(void **state)
{
    struct report *report = report_new();
    char *text;

    (void)state;
    report_add(report, REPORT_ERROR, "b.md", 10, 2, "ten");
    report_add(report, REPORT_ERROR, "b.md", 2, 5, "two five, first");
    report_add(report, REPORT_WARNING, "b.md", 2, 5, "two five, %s", "second");
    report_add(report, REPORT_ERROR, "b.md", 2, 1, "two one");
    report_add(report, REPORT_WARNING, "a.md", 99, 0, "no column");
    report_add(report, REPORT_ERROR, "b.md", 0, 0, "no line");
    report_add(report, REPORT_ERROR, NULL, 0, 0, "no file");
    report_add(report, REPORT_ERROR, "a.yaml", 1, 1, "another file");
    text = printed(report);
    assert_string_equal(text, "no file\n"
                              "a.md:99: warning: no column\n"
                              "a.yaml:1:1: another file\n"
                              "b.md: no line\n"
                              "b.md:2:1: two one\n"
                              "b.md:2:5: two five, first\n"
                              "b.md:2:5: warning: two five, second\n"
                              "b.md:10:2: ten\n");
    free(text);
    assert_int_equal(report_errors(report), 6);
    assert_int_equal(report_warnings(report), 2);
    report_free(report);
}

static void test_problems_can_be_added_after_reading(void **state)
{
    struct report *report = report_new();

    (void)state;
    report_add(report, REPORT_ERROR, "b", 1, 1, "b");
    assert_string_equal(report_get(report, 0)->message, "b");
    report_add(report, REPORT_ERROR, "a", 1, 1, "a");
    assert_string_equal(report_get(report, 0)->message, "a");
    assert_string_equal(report_get(report, 1)->message, "b");
    assert_null(report_get(report, 2));
    report_free(report);
}

static void test_strings_are_copied(void **state)
{
    struct report *report = report_new();
    char file[] = "a.md";

    (void)state;
    report_add(report, REPORT_WARNING, file, 1, 1, "%s", file);
    memset(file, 'x', 4);
    assert_string_equal(report_get(report, 0)->file, "a.md");
    assert_string_equal(report_get(report, 0)->message, "a.md");
    assert_int_equal(report_get(report, 0)->severity, REPORT_WARNING);
    report_free(report);
}

static void test_a_message_is_one_line_of_plain_text(void **state)
{
    struct report *report = report_new();
    char text[3000];

    (void)state;
    for (size_t at = 0; at + 3 < sizeof(text); at += 3) {
        (void)snprintf(text + at, sizeof(text) - at, "€");
    }
    report_add(report, REPORT_ERROR, "a", 1, 1, "a\nb\x1b[0m\xFF");
    report_add(report, REPORT_ERROR, "b", 1, 1, "%s", text);
    assert_string_equal(report_get(report, 0)->message, "a b?[0m?");
    assert_true(strlen(report_get(report, 1)->message) > 1000);
    assert_null(strchr(report_get(report, 1)->message, '?'));
    report_free(report);
}

static void test_the_name_of_a_file_is_one_line_of_plain_text(void **state)
{
    struct report *report = report_new();
    char *text;

    (void)state;
    report_add(report, REPORT_ERROR, "calls/\xFF\n\x1B[31m.md", 1, 2, "x");
    text = printed(report);
    assert_null(strpbrk(text, "\xFF\x1B"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    free(text);
    report_free(report);
}

static void test_no_report_keeps_nothing(void **state)
{
    struct err err = {0};

    (void)state;
    report_add(NULL, REPORT_ERROR, "a", 1, 1, "x");
    assert_int_equal(report_errors(NULL), 0);
    assert_int_equal(report_warnings(NULL), 0);
    assert_null(report_get(NULL, 0));
    assert_int_equal(report_check(NULL, &err), 0);
    report_free(NULL);
}

static void test_more_than_the_limit_is_counted(void **state)
{
    struct report *report = report_new();
    char *text;

    (void)state;
    for (int i = 1; i <= LIMIT_PROBLEMS; i++) {
        report_add(report, REPORT_WARNING, "a", i, 0, "x");
    }
    text = printed(report);
    assert_null(strstr(text, "not shown"));
    free(text);
    report_add(report, REPORT_ERROR, "a", 1, 0, "y");
    text = printed(report);
    assert_non_null(strstr(text, "\n1 more problem is not shown\n"));
    free(text);
    report_add(report, REPORT_ERROR, "a", 1, 0, "y");
    text = printed(report);
    assert_non_null(strstr(text, "\n2 more problems are not shown\n"));
    free(text);
    assert_int_equal(report_errors(report), 2);
    assert_int_equal(report_warnings(report), LIMIT_PROBLEMS);
    assert_null(report_get(report, LIMIT_PROBLEMS));
    report_free(report);
}

static void test_check_gives_the_first_error(void **state)
{
    struct report *report = report_new();
    struct err err = {0};

    (void)state;
    assert_int_equal(report_check(report, &err), 0);
    report_add(report, REPORT_WARNING, "a.md", 1, 1, "only a warning");
    assert_int_equal(report_check(report, &err), 0);
    assert_int_equal(err.code, ERR_OK);
    report_add(report, REPORT_ERROR, "c.md", 1, 1, "later");
    report_add(report, REPORT_ERROR, "b.md", 3, 7, "first");
    assert_int_equal(report_check(report, &err), ERR_INVALID);
    assert_string_equal(err.msg, "b.md:3:7: first");
    report_free(report);
}

static void test_a_fault_of_the_system_is_told_from_one_of_the_site(void **state)
{
    static const struct {
        struct err fault;
        bool refused;
        bool failing;
    } cases[] = {
        {{.code = ERR_LIMIT, .msg = "too large"}, false, false},
        {{.code = ERR_IO, .msg = "a folder"}, false, false},
        {{.code = ERR_IO, .native = ELOOP, .msg = "links"}, false, false},
        {{.code = ERR_NOT_FOUND, .native = ENOENT, .msg = "gone"}, false, false},
        {{.code = ERR_IO, .native = EIO, .msg = "disk"}, true, true},
        {{.code = ERR_IO, .native = EACCES, .msg = "denied"}, true, false},
    };

    (void)state;
    report_add_fault(NULL, "a.md", &cases[0].fault);
    assert_false(report_refused(NULL));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct report *report = report_new();

        report_add_fault(report, "a.md", &cases[i].fault);
        report_add(report, REPORT_ERROR, "b.md", 1, 1, "later");
        assert_int_equal(report_refused(report), cases[i].refused);
        assert_int_equal(report_failing(report), cases[i].failing);
        assert_int_equal(report_errors(report), 2);
        assert_string_equal(report_get(report, 0)->message, cases[i].fault.msg);
        assert_int_equal(report_get(report, 0)->line, 0);
        report_free(report);
    }
}

static void test_each_file_with_an_error_is_named_once_however_many_problems_there_are(void **state)
{
    struct report *report = report_new();
    char text[64];

    (void)state;
    assert_null(report_bad_file(NULL, 0));
    report_add(report, REPORT_WARNING, "a.md", 1, 1, "only a warning");
    report_add(report, REPORT_ERROR, "b.md", 3, 7, "the first");
    for (int i = 0; i < LIMIT_PROBLEMS; i++) {
        report_add(report, REPORT_ERROR, "b.md", 1, 1, "another");
    }
    report_add(report, REPORT_ERROR, "c.md", 0, 0, "not kept");
    report_add(report, REPORT_ERROR, "b.md", 9, 1, "late");
    assert_true(report_whole(report));
    report_format(report_bad_file(report, 0), text, sizeof(text));
    assert_string_equal(text, "b.md:3:7: the first");
    report_format(report_bad_file(report, 1), text, sizeof(text));
    assert_string_equal(text, "c.md: not kept");
    report_format(report_bad_file(report, 1), text, 8);
    assert_string_equal(text, "c.md: n");
    assert_null(report_bad_file(report, 2));
    report_free(report);
}

static void test_an_error_that_was_not_kept_still_counts(void **state)
{
    struct err err = {0};

    (void)state;
    for (unsigned long nth = 1;; nth++) {
        struct report *report;

        mem_fail_at(nth, 1);
        report = report_new();
        if (report == NULL) {
            continue;
        }
        report_add(report, REPORT_ERROR, "a", 1, 1, "x");
        assert_int_equal(report_errors(report), 1);
        assert_int_equal(report_check(report, &err), ERR_INVALID);
        report_free(report);
        if (mem_count() < nth) {
            assert_string_equal(err.msg, "a:1:1: x");
            break;
        }
        assert_string_equal(err.msg, "1 error was found");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_problems_are_printed_in_the_order_of_the_files),
        cmocka_unit_test(test_problems_can_be_added_after_reading),
        cmocka_unit_test(test_strings_are_copied),
        cmocka_unit_test(test_a_message_is_one_line_of_plain_text),
        cmocka_unit_test(test_the_name_of_a_file_is_one_line_of_plain_text),
        cmocka_unit_test(test_no_report_keeps_nothing),
        cmocka_unit_test(test_more_than_the_limit_is_counted),
        cmocka_unit_test(test_check_gives_the_first_error),
        cmocka_unit_test(test_a_fault_of_the_system_is_told_from_one_of_the_site),
        cmocka_unit_test(
            test_each_file_with_an_error_is_named_once_however_many_problems_there_are),
        cmocka_unit_test_teardown(test_an_error_that_was_not_kept_still_counts, hook_off),
    };

    return cmocka_run_group_tests_name("base/report", tests, NULL, NULL);
}
