/* The outbox: claims under a lock, guarded transitions, recovery of the dead. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/temp_database.h"
#include "teataja/base/clock.h"
#include "teataja/delivery/ledger.h"
#include "teataja/delivery/mailing.h"

static int64_t mailing;

static int tear_down(void **state)
{
    clock_unfix();
    return temp_database_remove(state);
}

static void plan(size_t recipients, const char *on_unknown)
{
    const struct mailing mail = {.purpose = "letter",
                                 .subject = "issues/test",
                                 .dedupe = "issues/test",
                                 .on_unknown = on_unknown,
                                 .priority = MAILING_LETTER,
                                 .config = "{}",
                                 .audience = "",
                                 .hash = "",
                                 .message_date = clock_now()};
    int64_t variant = 0;

    ok(mailing_create(db, &mail, &mailing, &err));
    ok(mailing_add_variant(db, mailing, "et", "k", "pieces", 6, NULL, 0, &variant, &err));
    for (size_t i = 0; i < recipients; i++) {
        char dedupe[32];
        char address[64];
        const struct mailing_recipient row = {
            .dedupe = dedupe, .address = address, .variant = variant, .slots = "[]"};

        snprintf(dedupe, sizeof(dedupe), "t%zu", i);
        snprintf(address, sizeof(address), "m%zu@naide.example", i);
        ok(mailing_add_recipients(db, mailing, &row, 1, &err));
    }
    ok(mailing_ready(db, mailing, &err));
}

static struct ledger *open_ledger(void)
{
    const struct ledger_options options = {
        .database = path, .lock_folder = folder, .relay = "test"};
    struct ledger *ledger = NULL;

    ok(ledger_open(&options, &ledger, &err));
    return ledger;
}

static struct mailing_counts counts(void)
{
    struct mailing_counts out;

    ok(mailing_count(db, mailing, &out, &err));
    return out;
}

static void release(struct ledger_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ledger_row_release(&rows[i]);
    }
}

static struct smtp_outcome answer(enum reply_disposition disposition, int code)
{
    struct smtp_outcome outcome = {.stage = REPLY_DOT,
                                   .verdict = {.disposition = disposition},
                                   .reply = {.code = code, .enhanced = "2.0.0", .text = "text"}};

    return outcome;
}

static void test_a_row_goes_from_queued_to_sent_and_only_by_its_worker(void **state)
{
    struct smtp_outcome sent = answer(REPLY_SENT, 250);
    struct ledger_row rows[LEDGER_CLAIM];
    struct ledger_row stolen[LEDGER_CLAIM];
    struct ledger_outcome outcome = {.smtp = &sent};
    struct ledger *one;
    struct ledger *two;
    size_t count = 0;
    size_t none = 9;

    (void)state;
    plan(1, "resend");
    one = open_ledger();
    two = open_ledger();
    ok(ledger_claim(one, 0, LEDGER_CLAIM, rows, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(rows[0].address, "m0@naide.example");
    assert_int_equal(counts().claimed, 1);
    ok(ledger_claim(two, 0, LEDGER_CLAIM, stolen, &none, &err));
    assert_int_equal(none, 0);
    assert_int_equal(ledger_write(two, NULL, 0, &rows[0], &err), ERR_STATE);
    ok(ledger_write(one, NULL, 0, &rows[0], &err));
    assert_int_equal(counts().committing, 1);
    outcome.row = &rows[0];
    assert_int_equal(ledger_write(two, &outcome, 1, NULL, &err), ERR_STATE);
    ok(ledger_write(one, &outcome, 1, NULL, &err));
    assert_int_equal(counts().sent, 1);
    assert_int_equal(ledger_write(one, &outcome, 1, NULL, &err), ERR_STATE);
    release(rows, count);
    ledger_close(two);
    ledger_close(one);
    ok(ledger_finish(db, &err));
}

static void test_an_answer_decides_what_becomes_of_a_row(void **state)
{
    static const struct {
        enum reply_disposition disposition;
        int code;
        const char *row_state;
        int attempts;
    } cases[] = {
        {REPLY_SENT, 250, "sent", 1},     {REPLY_DEFERRED, 451, "deferred", 1},
        {REPLY_FAILED, 550, "failed", 1}, {REPLY_RETURNED, 450, "queued", 0},
        {REPLY_UNKNOWN, 0, "unknown", 1},
    };
    enum { CASES = sizeof(cases) / sizeof(cases[0]) };
    struct ledger_row rows[LEDGER_CLAIM];
    struct ledger *ledger;
    size_t count = 0;

    (void)state;
    clock_fix(INT64_C(1700000000) * CLOCK_SECOND, 0);
    plan(CASES, "resend");
    ledger = open_ledger();
    ok(ledger_claim(ledger, mailing, LEDGER_CLAIM, rows, &count, &err));
    assert_int_equal(count, CASES);
    for (size_t i = 0; i < CASES; i++) {
        struct smtp_outcome smtp = answer(cases[i].disposition, cases[i].code);
        struct ledger_outcome outcome = {.row = &rows[i], .smtp = &smtp};
        char text[200];
        struct db_stmt *stmt = NULL;

        ok(ledger_write(ledger, NULL, 0, &rows[i], &err));
        ok(ledger_write(ledger, &outcome, 1, NULL, &err));
        snprintf(text, sizeof(text),
                 "SELECT state, attempts, next_at, worker FROM outbox WHERE id = %lld",
                 (long long)rows[i].id);
        ok(db_query_text(db, text, &stmt, &err));
        assert_int_equal(db_next(stmt, &err), 1);
        assert_string_equal(db_text(stmt, 0), cases[i].row_state);
        assert_int_equal(db_int(stmt, 1), cases[i].attempts);
        assert_true(db_is_null(stmt, 3));
        if (cases[i].disposition == REPLY_DEFERRED) {
            assert_int_equal(db_int(stmt, 2), clock_now() + 5 * CLOCK_MINUTE);
        }
        db_stmt_free(stmt);
    }
    release(rows, count);
    ledger_close(ledger);
}

/* A child claims everything, brings `begun` rows to committing, and is killed. */
static void die_with(size_t begun)
{
    int ready[2];
    char byte;
    int status;
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    db_close(db); /* a connection does not survive a fork */
    db = NULL;
    child = fork();
    if (child == 0) {
        struct ledger_row rows[LEDGER_CLAIM];
        struct ledger *ledger;
        size_t count = 0;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
        ledger = open_ledger();
        ok(ledger_claim(ledger, 0, LEDGER_CLAIM, rows, &count, &err));
        for (size_t i = 0; i < begun; i++) {
            ok(ledger_write(ledger, NULL, 0, &rows[i], &err));
        }
        if (write(ready[1], "x", 1) != 1) {
            _exit(1);
        }
        pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    ok(db_open(path, DB_OPEN_EXISTING, &db, &err));
    /* A living worker, even a stopped one, is not touched. */
    kill(child, SIGSTOP);
    ok(ledger_recover(db, folder, NULL, &err));
    assert_int_equal(counts().committing, (int)begun);
    assert_int_equal(counts().queued, 0);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    close(ready[0]);
    close(ready[1]);
}

static void test_a_killed_worker_leaves_at_most_what_it_had_begun_in_doubt(void **state)
{
    int64_t unknown = 0;

    (void)state;
    plan(10, "hold");
    die_with(2);
    ok(ledger_recover(db, folder, &unknown, &err));
    assert_int_equal(unknown, 2);
    assert_int_equal(counts().unknown, 2);
    assert_int_equal(counts().queued, 8);
    assert_int_equal(counts().total, 10);
    ok(ledger_recover(db, folder, &unknown, &err));
    assert_int_equal(unknown, 0);
}

static void test_with_resend_the_doubt_is_on_record_before_it_is_sent_again(void **state)
{
    struct db_stmt *stmt = NULL;

    (void)state;
    plan(10, "resend");
    die_with(2);
    ok(ledger_recover(db, folder, NULL, &err));
    assert_int_equal(counts().unknown, 0);
    assert_int_equal(counts().queued, 10);
    assert_int_equal(counts().resent, 2);
    ok(db_query_text(db, "SELECT count(*) FROM attempt WHERE stage = 'recovery'", &stmt, &err));
    assert_int_equal(db_next(stmt, &err), 1);
    assert_int_equal(db_int(stmt, 0), 2);
    db_stmt_free(stmt);
}

static void test_after_another_boot_every_claim_is_in_doubt(void **state)
{
    struct db_stmt *stmt = NULL;
    int64_t unknown = 0;

    (void)state;
    plan(10, "hold");
    die_with(1);
    ok(db_query_text(db, "UPDATE worker SET boot = 'an earlier one'", &stmt, &err));
    ok(db_run(stmt, &err));
    ok(ledger_recover(db, folder, &unknown, &err));
    assert_int_equal(unknown, 10);
    assert_int_equal(counts().unknown, 10);
}

static void test_who_closes_in_order_leaves_nothing(void **state)
{
    struct ledger_row rows[LEDGER_CLAIM];
    struct db_stmt *stmt = NULL;
    struct ledger *ledger;
    size_t count = 0;

    (void)state;
    plan(5, "resend");
    ledger = open_ledger();
    ok(ledger_claim(ledger, 0, 3, rows, &count, &err));
    assert_int_equal(count, 3);
    release(rows, count);
    ledger_close(ledger);
    assert_int_equal(counts().queued, 5);
    ok(db_query_text(db, "SELECT count(*) FROM worker", &stmt, &err));
    assert_int_equal(db_next(stmt, &err), 1);
    assert_int_equal(db_int(stmt, 0), 0);
    db_stmt_free(stmt);
}

static void test_who_closes_over_a_doubt_is_found_by_recovery(void **state)
{
    struct ledger_row rows[LEDGER_CLAIM];
    struct ledger *ledger;
    int64_t unknown = 0;
    size_t count = 0;

    (void)state;
    plan(5, "hold");
    ledger = open_ledger();
    ok(ledger_claim(ledger, 0, 3, rows, &count, &err));
    ok(ledger_write(ledger, NULL, 0, &rows[0], &err));
    release(rows, count);
    ledger_close(ledger); /* its database failed, say, and the outcome was not written */
    assert_int_equal(counts().queued, 4);
    ok(ledger_recover(db, folder, &unknown, &err));
    assert_int_equal(unknown, 1);
    assert_int_equal(counts().unknown, 1);
}

static void test_a_letter_past_its_deadline_is_held_not_sent(void **state)
{
    struct ledger_row rows[LEDGER_CLAIM];
    struct db_stmt *stmt = NULL;
    struct arena *arena = arena_new(1000000);
    struct mailing after;
    struct ledger *ledger;
    size_t count = 9;

    (void)state;
    plan(2, "resend");
    ok(db_query_text(db, "UPDATE mailing SET not_after = 1000", &stmt, &err));
    ok(db_run(stmt, &err));
    ledger = open_ledger();
    ok(ledger_claim(ledger, 0, LEDGER_CLAIM, rows, &count, &err));
    assert_int_equal(count, 0);
    ledger_close(ledger);
    ok(ledger_finish(db, &err));
    ok(mailing_get(db, arena, mailing, &after, &err));
    assert_string_equal(after.state, "held");
    arena_free(arena);
}

static void test_an_issue_is_sent_once(void **state)
{
    const struct mailing again = {.purpose = "letter",
                                  .subject = "issues/test",
                                  .dedupe = "issues/test",
                                  .on_unknown = "resend",
                                  .priority = MAILING_LETTER,
                                  .config = "{}",
                                  .audience = "",
                                  .hash = ""};
    int64_t id = 0;

    (void)state;
    plan(1, "resend");
    assert_int_equal(mailing_create(db, &again, &id, &err), ERR_EXISTS);
    assert_non_null(strstr(err.msg, "issues/test is mailing 1 already (queued"));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, temp_database_open, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_row_goes_from_queued_to_sent_and_only_by_its_worker),
        CASE(test_an_answer_decides_what_becomes_of_a_row),
        CASE(test_a_killed_worker_leaves_at_most_what_it_had_begun_in_doubt),
        CASE(test_with_resend_the_doubt_is_on_record_before_it_is_sent_again),
        CASE(test_after_another_boot_every_claim_is_in_doubt),
        CASE(test_who_closes_in_order_leaves_nothing),
        CASE(test_who_closes_over_a_doubt_is_found_by_recovery),
        CASE(test_a_letter_past_its_deadline_is_held_not_sent),
        CASE(test_an_issue_is_sent_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
