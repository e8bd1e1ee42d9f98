/* The outbox in numbers: what is due next, what is counted, what changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OUTBOX_CASE_ROWS 6
#include "support/outbox_case.h"
#include "teataja/delivery/figures.h"

static int64_t next_due(void)
{
    int64_t due = 0;

    ok(figures_next_due(site.db, NOW, &due, &err));
    return due;
}

static void test_what_is_due_next_is_of_mailings_that_are_under_way(void **state)
{
    static const struct {
        const char *change;
        int64_t due;
    } cases[] = {
        {"UPDATE mailing SET state = 'sending'", 0},
        {"UPDATE outbox SET state = 'deferred', next_at = 70 + id", 71},
        {"UPDATE outbox SET state = 'sent' WHERE id < 4", 74},
        {"UPDATE mailing SET state = 'paused'", INT64_MAX},
        {"UPDATE mailing SET state = 'queued', not_after = 1699999999000000", INT64_MAX},
        {"UPDATE mailing SET not_after = 1700000001000000", 74},
        {"UPDATE outbox SET state = 'claimed', worker = 1", INT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        must(cases[i].change);
        if (next_due() != cases[i].due) {
            fail_msg("%s: %lld", cases[i].change, (long long)next_due());
        }
    }
}

static int64_t of_state(const struct figures_state *states, const char *name)
{
    for (size_t i = 0; i < FIGURES_STATES; i++) {
        if (strcmp(states[i].name, name) == 0) {
            return states[i].count;
        }
    }
    fail_msg("no state %s", name);
    return -1;
}

static void test_every_state_of_the_tables_is_counted(void **state)
{
    static const char *const of_rows[] = {"queued",   "claimed", "committing", "sent",
                                          "deferred", "failed",  "suppressed", "unknown"};
    static const char *const of_mailings[] = {"waiting", "approved", "rejected", "expanding",
                                              "queued",  "sending",  "paused",   "held",
                                              "sent",    "cancelled"};
    struct figures_state states[FIGURES_STATES];
    char text[120];

    (void)state;
    for (size_t i = 0; i < sizeof(of_rows) / sizeof(of_rows[0]); i++) {
        (void)snprintf(text, sizeof(text), "UPDATE outbox SET state = '%s' WHERE id > 2",
                       of_rows[i]);
        must(text);
        ok(figures_outbox(site.db, NULL, states, &err));
        assert_int_equal(of_state(states, of_rows[i]), i == 0 ? 6 : 4);
        assert_int_equal(of_state(states, "queued"), i == 0 ? 6 : 2);
    }
    for (size_t i = 0; i < sizeof(of_mailings) / sizeof(of_mailings[0]); i++) {
        (void)snprintf(text, sizeof(text), "UPDATE mailing SET state = '%s'", of_mailings[i]);
        must(text);
        ok(figures_mailings(site.db, states, &err));
        assert_int_equal(of_state(states, of_mailings[i]), 1);
    }
}

static int64_t sent_rows(struct figures_settled *settled)
{
    struct figures_state states[FIGURES_STATES];

    ok(figures_outbox(site.db, settled, states, &err));
    return of_state(states, "sent");
}

/* That it is not read again shows by a change that nobody makes. */
static void test_what_is_over_is_counted_once_until_it_goes_on(void **state)
{
    struct figures_settled *settled = NULL;

    (void)state;
    ok(figures_settled_new(&settled, &err));
    must("UPDATE outbox SET state = 'sent' WHERE id > 2");
    assert_int_equal(sent_rows(settled), 4);
    must("UPDATE outbox SET state = 'sent' WHERE id = 2");
    assert_int_equal(sent_rows(settled), 5);
    must("UPDATE mailing SET state = 'cancelled', finished_at = 7");
    assert_int_equal(sent_rows(settled), 5); /* a row is open: it is not over */
    must("UPDATE outbox SET state = 'failed' WHERE id = 1");
    must("UPDATE mailing SET state = 'sent'");
    assert_int_equal(sent_rows(settled), 5);
    must("UPDATE outbox SET state = 'sent'");
    assert_int_equal(sent_rows(settled), 5);
    must("UPDATE mailing SET state = 'queued'");
    assert_int_equal(sent_rows(settled), 6);
    must("UPDATE outbox SET state = 'failed' WHERE id = 1");
    must("UPDATE mailing SET state = 'sent', finished_at = 8");
    assert_int_equal(sent_rows(settled), 5);
    figures_settled_free(settled);
    figures_settled_free(NULL);
}

static void test_what_others_write_is_seen_and_what_stays_is_not(void **state)
{
    int64_t first = 0;
    int64_t second = 0;
    int64_t under_way = 0;
    int64_t size = 0;
    struct db *other = NULL;

    (void)state;
    ok(figures_version(site.db, &first, &err));
    ok(figures_version(site.db, &second, &err));
    assert_int_equal(first, second);
    ok(db_open(db_path(site.db), DB_OPEN_EXISTING, &other, &err));
    ok(mailing_pause(other, 1, &err));
    db_close(other);
    ok(figures_version(site.db, &second, &err));
    assert_int_not_equal(first, second);
    ok(figures_under_way(site.db, &under_way, &err));
    assert_int_equal(under_way, 0);
    ok(mailing_resume(site.db, 1, &err));
    ok(figures_under_way(site.db, &under_way, &err));
    assert_int_equal(under_way, 1);
    ok(figures_size(site.db, &size, &err));
    assert_int_equal(size % 4096, 0);
    assert_true(size > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_due_next_is_of_mailings_that_are_under_way,
                                        outbox_case_open, outbox_case_remove),
        cmocka_unit_test_setup_teardown(test_every_state_of_the_tables_is_counted, outbox_case_open,
                                        outbox_case_remove),
        cmocka_unit_test_setup_teardown(test_what_is_over_is_counted_once_until_it_goes_on,
                                        outbox_case_open, outbox_case_remove),
        cmocka_unit_test_setup_teardown(test_what_others_write_is_seen_and_what_stays_is_not,
                                        outbox_case_open, outbox_case_remove),
    };

    return cmocka_run_group_tests(tests, outbox_case_make_base, outbox_case_remove_base);
}
