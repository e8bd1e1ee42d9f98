/* What the ledger refuses to do now: limits, paused domains, halted mailings, age. */
#define OUTBOX_CASE_ROWS 24
#include "support/outbox_case.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "teataja/db/fault.h"
#include "teataja/delivery/ledger.h"

enum { MANY = 1200 };

static const struct site_limit a_minute = {.rate = {.count = 20, .micros = CLOCK_MINUTE},
                                           .reserve = 4};

static int open_with(const struct site_limit *limit, int halt_after, struct ledger **out,
                     struct err *why)
{
    const struct ledger_options options = {.database = site.path,
                                           .lock_folder = site.folder,
                                           .relay = "test",
                                           .limits = limit,
                                           .limit_count = limit != NULL ? 1 : 0,
                                           .max_age = CLOCK_HOUR,
                                           .halt_after = halt_after};

    return ledger_open(&options, out, why);
}

static void release(struct ledger_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ledger_row_release(&rows[i]);
    }
}

static struct smtp_outcome answer(enum reply_stage stage, enum reply_disposition disposition,
                                  int code, const char *enhanced, const char *text)
{
    struct smtp_outcome out = {
        .stage = stage, .verdict = {.disposition = disposition}, .reply = {.code = code}};

    (void)snprintf(out.reply.enhanced, sizeof(out.reply.enhanced), "%s", enhanced);
    (void)snprintf(out.reply.text, sizeof(out.reply.text), "%s", text);
    return out;
}

static int settle(struct ledger *ledger, const struct ledger_row *row,
                  const struct smtp_outcome *smtp, struct err *why)
{
    const struct ledger_outcome outcome = {.row = row, .smtp = smtp, .reason = "left the list"};
    int rc = smtp != NULL && smtp->verdict.disposition == REPLY_SENT
                 ? ledger_write(ledger, NULL, 0, row, why)
                 : 0;

    return rc == 0 ? ledger_write(ledger, &outcome, 1, NULL, why) : rc;
}

static void test_a_claim_takes_what_the_limits_leave(void **state)
{
    const struct smtp_outcome sent = answer(REPLY_DOT, REPLY_SENT, 250, "", "");
    struct ledger_row rows[LEDGER_CLAIM];
    struct ledger *ledger;
    size_t count;

    (void)state;
    ok(open_with(&a_minute, 0, &ledger, &err));
    ok(ledger_claim(ledger, 1, LEDGER_CLAIM, rows, &count, &err));
    assert_int_equal(count, 16);
    assert_int_equal(ledger_waits_until(ledger), 0);
    assert_int_equal(number("SELECT held FROM worker"), 16);
    for (size_t i = 0; i < count; i++) {
        ok(settle(ledger, &rows[i], &sent, &err));
    }
    release(rows, count);
    ok(ledger_claim(ledger, 1, LEDGER_CLAIM, rows, &count, &err));
    assert_int_equal(count, 0);
    assert_in_range(ledger_waits_until(ledger), NOW + CLOCK_MINUTE, NOW + 61 * CLOCK_SECOND);
    ledger_close(ledger);
    /* Another process, and then the same when the time has come. */
    ok(open_with(&a_minute, 0, &ledger, &err));
    ok(ledger_claim(ledger, 1, LEDGER_CLAIM, rows, &count, &err));
    assert_int_equal(count, 0);
    clock_fix(NOW + 61 * CLOCK_SECOND, 0);
    ok(ledger_claim(ledger, 1, LEDGER_CLAIM, rows, &count, &err));
    clock_fix(NOW, 0);
    assert_int_equal(count, 8);
    assert_int_equal(ledger_waits_until(ledger), 0);
    ok(ledger_return(ledger, rows, count, &err));
    assert_int_equal(number("SELECT held FROM worker"), 0);
    release(rows, count);
    ledger_close(ledger);
}

static void test_a_dead_worker_s_doubts_count(void **state)
{
    (void)state;
    must("INSERT INTO worker (id, boot, pid, started, relay, held) VALUES (5, 'b', 1, 0, 'test', 3)");
    must("INSERT INTO relay_limit VALUES ('test', 60000000, 16)");
    must("UPDATE outbox SET state = 'claimed', worker = 5 WHERE id <= 3");
    ok(ledger_recover(site.db, site.folder, NULL, &err));
    assert_int_equal(number("SELECT sum(n) FROM relay_use"), 3);
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE state = 'unknown'"), 3);
}

static void test_rows_of_a_paused_domain_are_put_off_however_many(void **state)
{
    struct ledger_row rows[LEDGER_CLAIM];
    struct ledger *ledger;
    size_t count;
    char text[300];

    (void)state;
    (void)snprintf(text, sizeof(text),
                   "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
                   " INSERT INTO outbox (id, mailing, dedupe, address, variant, slots, priority)"
                   " SELECT i, 1, 'x' || i, 'x' || i || '@Late.example', 1, '[]', 4 FROM n",
                   99 + MANY);
    must(text);
    (void)snprintf(text, sizeof(text),
                   "INSERT INTO domain_state VALUES ('late.example', 4, %" PRId64 ", 0)",
                   NOW + CLOCK_HOUR);
    must(text);
    must("UPDATE outbox SET next_at = 5 WHERE id < 100");
    ok(open_with(NULL, 0, &ledger, &err));
    ok(ledger_claim(ledger, 1, LEDGER_CLAIM, rows, &count, &err));
    assert_int_equal(count, 16);
    for (size_t i = 0; i < count; i++) {
        assert_true(rows[i].id < 100);
    }
    (void)snprintf(text, sizeof(text),
                   "SELECT count(*) FROM outbox WHERE state = 'deferred' AND attempts = 0"
                   " AND next_at = %" PRId64, NOW + CLOCK_HOUR);
    assert_int_equal(number(text), MANY);
    release(rows, count);
    ledger_close(ledger);
}

static void test_a_halted_mailing_gives_back_what_is_claimed(void **state)
{
    const struct smtp_outcome sent = answer(REPLY_DOT, REPLY_SENT, 250, "", "");
    const struct smtp_outcome failed = answer(REPLY_DOT, REPLY_FAILED, 554, "5.7.1", "no");
    struct ledger_row rows[2 * LEDGER_CLAIM];
    struct ledger *ledger;
    size_t count;

    (void)state;
    ok(open_with(NULL, 1000, &ledger, &err));
    ok(ledger_claim(ledger, 1, 2 * LEDGER_CLAIM, rows, &count, &err));
    assert_int_equal(count, 24);
    for (size_t i = 0; i < 20; i++) {
        assert_false(ledger_recalls(ledger));
        ok(settle(ledger, &rows[i], i % 7 == 0 || i == 19 ? &failed : &sent, &err));
    }
    assert_true(ledger_recalls(ledger));
    assert_false(ledger_recalls(ledger));
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE state = 'held'"
                            " AND reason = '4 of 20 were refused for good'"), 1);
    release(rows, count);
    ledger_close(ledger);
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE state = 'queued'"), 4);
    assert_int_equal(number("SELECT count(*) FROM worker"), 0);
    /* Who goes on has decided: the share allowed is twice as large. */
    ok(mailing_resume(site.db, 1, &err));
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE reason IS NOT NULL"), 0);
    assert_int_equal(number("SELECT halts FROM mailing_watch"), 1);
}

static void test_a_row_is_given_up_by_its_age(void **state)
{
    static const struct {
        int64_t ago;
        const char *state;
    } cases[] = {{50 * CLOCK_MINUTE, "failed"}, {10 * CLOCK_MINUTE, "deferred"}};
    const struct smtp_outcome later = answer(REPLY_DOT, REPLY_DEFERRED, 452, "4.2.2", "full");

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ledger_row row;
        struct ledger *ledger;
        size_t count;
        char text[200];

        outbox_case_again();
        must("UPDATE outbox SET attempts = 1 WHERE id = 1");
        (void)snprintf(text, sizeof(text),
                       "INSERT INTO attempt (outbox, n, at, relay, stage) VALUES"
                       " (1, 1, %" PRId64 ", 'test', 'rcpt')", NOW - cases[i].ago);
        must(text);
        ok(open_with(NULL, 0, &ledger, &err));
        ok(ledger_claim(ledger, 1, 1, &row, &count, &err));
        ok(settle(ledger, &row, &later, &err));
        (void)snprintf(text, sizeof(text),
                       "SELECT count(*) FROM outbox WHERE id = 1 AND state = '%s'"
                       " AND reply = 'full'", cases[i].state);
        assert_int_equal(number(text), 1);
        release(&row, 1);
        ledger_close(ledger);
    }
}

/* A bit of all. *sent counts what was told to be sent. */
static int deliver(int *sent, struct err *why)
{
    const struct smtp_outcome outcomes[] = {
        answer(REPLY_DOT, REPLY_SENT, 250, "", ""),
        answer(REPLY_DOT, REPLY_SENT, 250, "", ""),
        answer(REPLY_MESSAGE, REPLY_FAILED, 0, "", "too big"),
        answer(REPLY_RCPT, REPLY_DEFERRED, 452, "4.2.2", "full"),
        answer(REPLY_MAIL, REPLY_RETURNED, 451, "", ""),
        answer(REPLY_DOT, REPLY_FAILED, 554, "5.7.1", "no"),
        answer(REPLY_RCPT, REPLY_DEFERRED, 451, "4.4.1", "no route"),
        answer(REPLY_RCPT, REPLY_DEFERRED, 451, "4.4.1", "no route"),
        answer(REPLY_RCPT, REPLY_DEFERRED, 451, "4.4.1", "no route"),
    };
    const size_t asked = sizeof(outcomes) / sizeof(outcomes[0]);
    struct ledger_row rows[LEDGER_CLAIM];
    struct ledger *ledger = NULL;
    size_t count = 0;
    size_t left = 0;
    int rc = open_with(&a_minute, 1000, &ledger, why);

    *sent = 0;
    rc = rc == 0 ? ledger_claim(ledger, 1, LEDGER_CLAIM, rows, &count, why) : rc;
    for (size_t i = 0; rc == 0 && i < asked; i++) {
        rc = settle(ledger, &rows[i], &outcomes[i], why);
        *sent += rc == 0 && outcomes[i].verdict.disposition == REPLY_SENT;
    }
    rc = rc == 0 ? settle(ledger, &rows[asked], NULL, why) : rc;
    rc = rc == 0 ? ledger_return(ledger, rows + asked + 1, count - asked - 1, why) : rc;
    release(rows, count);
    if (rc == 0) {
        assert_true(ledger_recalls(ledger));
        rc = ledger_claim(ledger, 1, LEDGER_CLAIM, rows, &left, why);
        assert_int_equal(left, 0);
    }
    ledger_close(ledger);
    return rc;
}

static void test_any_step_may_fail_and_no_limit_forgets_what_was_sent(void **state)
{
    bool done = false;

    (void)state;
    for (unsigned long nth = 1; !done; nth++) {
        char text[200];
        int sent;
        int rc;

        outbox_case_again();
        must("UPDATE outbox SET attempts = 1 WHERE id = 4");
        db_fail_at(nth, nth % 2 == 0, DB_FAULT_IO);
        rc = deliver(&sent, &err);
        done = db_steps() < nth;
        db_fail_at(0, false, DB_FAULT_IO);
        if (rc != 0 && (done || rc != ERR_IO)) {
            fail_msg("step %lu: %d %s", nth, rc, err.msg);
        }
        ok(ledger_recover(site.db, site.folder, NULL, &err));
        assert_int_equal(number("SELECT coalesce(sum(held), 0) FROM worker"), 0);
        (void)snprintf(text, sizeof(text), "SELECT coalesce(sum(n), 0) >= %d FROM relay_use", sent);
        assert_int_equal(number(text), 1);
        assert_int_equal(
            number("SELECT count(*) FROM outbox WHERE state IN ('claimed', 'committing')"), 0);
        assert_true(nth < 600);
    }
    assert_int_equal(number("SELECT sum(n) FROM relay_use"), 7);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, outbox_case_open, outbox_case_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_claim_takes_what_the_limits_leave),
        CASE(test_a_dead_worker_s_doubts_count),
        CASE(test_rows_of_a_paused_domain_are_put_off_however_many),
        CASE(test_a_halted_mailing_gives_back_what_is_claimed),
        CASE(test_a_row_is_given_up_by_its_age),
        CASE(test_any_step_may_fail_and_no_limit_forgets_what_was_sent),
    };

    return cmocka_run_group_tests(tests, outbox_case_make_base, outbox_case_remove_base);
}
