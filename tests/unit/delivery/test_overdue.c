/* Letters that waited past a deadline: which are listed, and when the old one is settled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OUTBOX_CASE_ROWS 3
#include "support/outbox_case.h"
#include "teataja/delivery/overdue.h"

static int listed(void)
{
    struct arena *arena = arena_new(1000000);
    struct overdue *list = NULL;
    int count = overdue_list(site.db, arena, NOW, &list, &err);

    arena_free(arena);
    return count;
}

/* Somebody who plans the new one may die, and the others would never get it. */
static void test_the_old_one_is_settled_only_when_the_new_one_is_there(void **state)
{
    struct mailing anew = outbox_case_plan("letter:newsletters/funding:anew-1");
    int64_t count = 0;
    int64_t id = 0;

    (void)state;
    must("UPDATE mailing SET state = 'held', not_after = 900, purpose = 'letter', "
         "subject = 'newsletters/funding'");
    assert_int_equal(listed(), 1);
    ok(overdue_replace(site.db, 1, NOW, &count, &err));
    assert_int_equal(count, OUTBOX_CASE_ROWS);
    ok(mailing_create(site.db, &anew, &id, &err));
    ok(overdue_settle(site.db, 1, &err));
    assert_int_equal(number("SELECT state = 'held' FROM mailing WHERE id = 1"), 1);
    must("UPDATE mailing SET state = 'queued' WHERE id > 1");
    ok(overdue_settle(site.db, 1, &err));
    assert_int_equal(number("SELECT state = 'sent' FROM mailing WHERE id = 1"), 1);
    assert_int_equal(listed(), 0);
}

static void test_doubt_and_refusals_wait_for_a_person(void **state)
{
    int64_t count = 0;

    (void)state;
    must("UPDATE mailing SET state = 'held', not_after = 900, purpose = 'letter', "
         "subject = 'newsletters/funding', reason = 'too many refused'");
    assert_int_equal(listed(), 0);
    must("UPDATE mailing SET reason = NULL");
    must("UPDATE outbox SET state = 'unknown' WHERE id = 1");
    ok(overdue_replace(site.db, 1, NOW, &count, &err));
    assert_int_equal(count, OUTBOX_CASE_ROWS - 1);
    ok(overdue_settle(site.db, 1, &err));
    assert_int_equal(number("SELECT state = 'held' FROM mailing WHERE id = 1"), 1);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, outbox_case_open, outbox_case_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_the_old_one_is_settled_only_when_the_new_one_is_there),
        CASE(test_doubt_and_refusals_wait_for_a_person),
    };

    return cmocka_run_group_tests(tests, outbox_case_make_base, outbox_case_remove_base);
}
