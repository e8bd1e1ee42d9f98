/* Reasons for leaving: kept without the member, within bounds. */
#include "unit/members/register.h"

#include "teataja/members/leave_reason.h"

static int64_t count(struct register_site *r)
{
    struct db_stmt *stmt = NULL;
    int64_t rows = -1;

    register_ok(r, db_query_text(r->members.db, "SELECT count(*) FROM leave_reason", &stmt,
                                 &r->err));
    if (db_next(stmt, &r->err) == 1) {
        rows = db_int(stmt, 0);
    }
    db_stmt_free(stmt);
    return rows;
}

static void test_reasons_that_the_page_offers(void **state)
{
    struct register_site *r = *state;
    int64_t kept = 0;

    for (size_t i = 0; leave_reasons[i] != NULL; i++) {
        register_ok(r, leave_reason_add(&r->members, "funding", leave_reasons[i], NULL, &r->err));
        assert_int_equal(count(r), ++kept);
    }
    assert_true(kept >= 5);
}

static void test_own_words_are_enough(void **state)
{
    struct register_site *r = *state;

    register_ok(r, leave_reason_add(&r->members, "funding", "", "Aitäh kõige eest", &r->err));
    assert_int_equal(count(r), 1);
}

static void test_nothing_said_is_nothing_kept(void **state)
{
    struct register_site *r = *state;

    register_ok(r, leave_reason_add(&r->members, "funding", NULL, NULL, &r->err));
    register_ok(r, leave_reason_add(&r->members, "funding", "", "", &r->err));
    assert_int_equal(count(r), 0);
}

static void test_what_is_refused(void **state)
{
    struct register_site *r = *state;
    char words[2 * (LEAVE_REASON_TEXT + 1) + 1] = "";

    for (size_t i = 0; i <= LEAVE_REASON_TEXT; i++) {
        words[2 * i] = '\xC3';
        words[2 * i + 1] = '\xB5';
    }
    assert_int_equal(leave_reason_add(&r->members, "funding", "bored", NULL, NULL), ERR_INVALID);
    assert_int_equal(leave_reason_add(&r->members, "funding", NULL, "\xC3", NULL), ERR_INVALID);
    assert_int_equal(leave_reason_add(&r->members, "nothing", "other", NULL, NULL), ERR_NOT_FOUND);
    assert_int_equal(leave_reason_add(&r->members, "funding", NULL, words, NULL), ERR_LIMIT);
    assert_int_equal(count(r), 0);
    words[2 * LEAVE_REASON_TEXT] = '\0';
    register_ok(r, leave_reason_add(&r->members, "funding", NULL, words, &r->err));
    assert_int_equal(count(r), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reasons_that_the_page_offers, register_set_up,
                                        register_tear_down),
        cmocka_unit_test_setup_teardown(test_own_words_are_enough, register_set_up,
                                        register_tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_said_is_nothing_kept, register_set_up,
                                        register_tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_refused, register_set_up,
                                        register_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
