/* test_err.c - messages that can be shown as they are. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "teataja/base/err.h"
#include "teataja/base/utf8.h"

static void test_err_set_returns_the_code_it_stores(void **state)
{
    struct err err = {0};

    (void)state;
    err.native = 7;
    assert_int_equal(err_set(&err, ERR_INVALID, "line %d of %s", 3, "a.md"), ERR_INVALID);
    assert_int_equal(err.code, ERR_INVALID);
    assert_int_equal(err.native, 0);
    assert_string_equal(err.msg, "line 3 of a.md");
}

static void test_err_may_be_null(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, ERR_LIMIT, "x"), ERR_LIMIT);
    assert_int_equal(err_set_errno(NULL, ERR_IO, ENOSPC, "x"), ERR_FULL);
    assert_int_equal(err_prefix(NULL, "x"), ERR_OK);
    assert_int_equal(err_nomem(NULL), ERR_NOMEM);
    err_clear(NULL);
}

static void test_a_long_message_is_cut_between_characters(void **state)
{
    struct err err = {0};
    char text[600];

    (void)state;
    for (size_t lead = 0; lead < 4; lead++) {
        memset(text, 'x', lead);
        text[lead] = '\0';
        for (size_t at = lead; at < 500; at += strlen("õ€😀")) {
            (void)snprintf(text + at, sizeof(text) - at, "õ€😀");
        }
        err_set(&err, ERR_INVALID, "%s", text);
        assert_in_range(strlen(err.msg), sizeof(err.msg) - 4, sizeof(err.msg) - 1);
        assert_true(utf8_is_valid(err.msg, strlen(err.msg), NULL));
    }
    memset(text, 'a', 599);
    text[599] = '\0';
    err_set(&err, ERR_INVALID, "%s", text);
    assert_int_equal(strlen(err.msg), 255);
}

static void test_a_message_is_safe_on_a_terminal(void **state)
{
    struct err err = {0};

    (void)state;
    err_set(&err, ERR_INVALID,
            "a\x1b[31mb\nc\xff"
            "d\xc2\x9b"
            "e\x7f");
    assert_string_equal(err.msg, "a?[31mb c?d?e?");
}

static void test_err_set_errno_appends_the_reason(void **state)
{
    static const struct {
        int native;
        int code;
        const char *msg;
    } cases[] = {
        {ENOENT, ERR_IO, "cannot read 'x': No such file or directory"},
        {ENOSPC, ERR_FULL, "cannot read 'x': No space left on device"},
        {EDQUOT, ERR_FULL, "cannot read 'x': Disk quota exceeded"},
        {ENOMEM, ERR_NOMEM, "cannot read 'x': Cannot allocate memory"},
    };
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(err_set_errno(&err, ERR_IO, cases[i].native, "cannot read '%s'", "x"),
                         cases[i].code);
        assert_int_equal(err.code, cases[i].code);
        assert_int_equal(err.native, cases[i].native);
        assert_string_equal(err.msg, cases[i].msg);
    }
}

static void test_the_reason_survives_a_long_path(void **state)
{
    struct err err = {0};
    char path[900];

    (void)state;
    memset(path, 'p', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    err_set_errno(&err, ERR_IO, EACCES, "cannot read '%s'", path);
    assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
    assert_non_null(strstr(err.msg, "pppp: Permission denied"));
}

static void test_err_prefix_puts_context_in_front(void **state)
{
    struct err err = {0};

    (void)state;
    err_set_errno(&err, ERR_IO, EACCES, "no");
    assert_int_equal(err_prefix(&err, "file %d", 2), ERR_IO);
    assert_string_equal(err.msg, "file 2: no: Permission denied");
    assert_int_equal(err.native, EACCES);
    err_clear(&err);
    assert_int_equal(err.code, ERR_OK);
    assert_string_equal(err.msg, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err_set_returns_the_code_it_stores),
        cmocka_unit_test(test_err_may_be_null),
        cmocka_unit_test(test_a_long_message_is_cut_between_characters),
        cmocka_unit_test(test_a_message_is_safe_on_a_terminal),
        cmocka_unit_test(test_err_set_errno_appends_the_reason),
        cmocka_unit_test(test_the_reason_survives_a_long_path),
        cmocka_unit_test(test_err_prefix_puts_context_in_front),
    };

    return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}
