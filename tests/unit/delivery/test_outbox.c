/* The outbox's writer: who may work, and what an answer means; and a whole delivery by hand in
 * which memory or the database fails. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pool.h"
#include "support/outbox_ledger.h"
#include "teataja/base/mem.h"
#include "teataja/db/fault.h"

/* ---- Who may work ---- */

static void test_a_worker_without_its_lock_is_none(void **state)
{
    static const char *const prepared[] = {"too long", "absent", "a folder", "held"};
    static const int codes[] = {ERR_LIMIT, ERR_IO, ERR_IO, ERR_IO};
    struct ledger *ledger;

    (void)state;
    for (size_t i = 0; i < COUNT(prepared); i++) {
        char folder[1200];
        char lock[200];
        int fd = -1;
        int rc;

        outbox_case_again();
        (void)snprintf(lock, sizeof(lock), "%s/worker-1.lock", site.folder);
        (void)snprintf(folder, sizeof(folder), "%s%s", site.folder, i == 1 ? "/absent" : "");
        if (i == 0) {
            memset(folder, 'x', sizeof(folder) - 1);
            folder[sizeof(folder) - 1] = '\0';
        } else if (i == 2) {
            assert_int_equal(mkdir(lock, 0755), 0);
        } else if (i == 3) {
            fd = open(lock, O_CREAT | O_RDWR | O_CLOEXEC, 0644);
            assert_int_equal(flock(fd, LOCK_EX), 0);
        }
        rc = open_in(folder, NULL, &ledger, &err);
        if (rc != codes[i]) {
            fail_msg("a lock that is %s: %d %s", prepared[i], rc, err.msg);
        }
        assert_null(ledger);
        assert_int_equal(number("SELECT count(*) FROM worker"), 0);
        if (i == 2) {
            assert_int_equal(rmdir(lock), 0);
        } else if (i == 3) {
            close(fd);
        }
        ok(open_in(site.folder, NULL, &ledger, &err));
        ledger_close(ledger);
        assert_int_equal(access(lock, F_OK), -1);
    }
    ledger_close(NULL);
}

static void test_nobody_works_without_a_database(void **state)
{
    const struct ledger_options options = {
        .database = "/nowhere/site.db", .lock_folder = site.folder, .relay = "test"};
    struct ledger *ledger;

    (void)state;
    assert_int_equal(ledger_open(&options, &ledger, &err), ERR_NOT_FOUND);
    assert_null(ledger);
}

/* ---- What an answer means ---- */

static void test_pauses_grow_and_end(void **state)
{
    static const struct {
        int attempts;
        int64_t pause; /* 0: it failed for good */
    } cases[] = {
        {0, 5 * CLOCK_MINUTE}, {1, 15 * CLOCK_MINUTE}, {2, 30 * CLOCK_MINUTE},
        {3, CLOCK_HOUR},       {4, 2 * CLOCK_HOUR},    {5, 4 * CLOCK_HOUR},
        {6, 4 * CLOCK_HOUR},   {28, 4 * CLOCK_HOUR},   {29, 0},
    };
    const struct smtp_outcome smtp = answer(REPLY_DEFERRED, 450);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ledger_outcome outcome = {.smtp = &smtp};
        struct ledger_row rows[LEDGER_CLAIM];
        struct ledger *ledger;
        size_t count;
        char text[100];

        outbox_case_again();
        (void)snprintf(text, sizeof(text), "UPDATE outbox SET attempts = %d WHERE id = 1",
                       cases[i].attempts);
        must(text);
        ok(open_in(site.folder, NULL, &ledger, &err));
        ok(ledger_claim(ledger, 1, 1, rows, &count, &err));
        outcome.row = &rows[0];
        assert_int_equal(rows[0].attempts, cases[i].attempts);
        ok(ledger_write(ledger, &outcome, 1, NULL, &err));
        (void)snprintf(text, sizeof(text),
                       "SELECT next_at FROM outbox WHERE id = 1 AND state = "
                       "'%s' AND attempts = %d",
                       cases[i].pause == 0 ? "failed" : "deferred", cases[i].attempts + 1);
        if (cases[i].pause != 0) {
            assert_int_equal(number(text), NOW + cases[i].pause);
        } else {
            (void)number(text);
        }
        release(rows, count);
        ledger_close(ledger);
    }
}

static char evidence_kept[200];

static int keep_evidence(void *ctx, struct db *db, int64_t member, const char *address,
                         const char *evidence, struct err *why)
{
    (void)db;
    assert_ptr_equal(ctx, &site);
    assert_int_equal(member, 1);
    (void)snprintf(evidence_kept, sizeof(evidence_kept), "%s: %s", address, evidence);
    return strncmp(evidence, "reply 550", 9) == 0 ? 0 : err_set(why, ERR_FULL, "no room");
}

static void test_a_mailbox_that_does_not_exist_is_told_with_evidence(void **state)
{
    static const struct {
        ledger_suppress *suppress;
        bool suppressed; /* says the verdict */
        int code;
        int rc;
        const char *evidence;
        const char *row;
    } cases[] = {
        {keep_evidence, true, 550, 0, "m1@naide.example: reply 550 5.1.1 to outbox row 1",
         "failed"},
        {keep_evidence, false, 550, 0, "", "failed"},
        {NULL, true, 550, 0, "", "failed"},
        {keep_evidence, true, 551, ERR_FULL, "m1@naide.example: reply 551 5.1.1 to outbox row 1",
         "claimed"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct smtp_outcome smtp = answer(REPLY_FAILED, cases[i].code);
        struct ledger_outcome outcome = {.smtp = &smtp};
        struct ledger_row rows[LEDGER_CLAIM];
        struct ledger *ledger;
        size_t count;
        char text[100];

        outbox_case_again();
        evidence_kept[0] = '\0';
        smtp.verdict.suppress = cases[i].suppressed;
        ok(open_in(site.folder, cases[i].suppress, &ledger, &err));
        ok(ledger_claim(ledger, 1, 1, rows, &count, &err));
        outcome.row = &rows[0];
        assert_int_equal(ledger_write(ledger, &outcome, 1, NULL, &err), cases[i].rc);
        assert_string_equal(evidence_kept, cases[i].evidence);
        (void)snprintf(text, sizeof(text),
                       "SELECT count(*) FROM outbox WHERE id = 1 AND state = "
                       "'%s'",
                       cases[i].row);
        assert_int_equal(number(text), 1);
        release(rows, count);
        ledger_close(ledger);
    }
}

static void test_an_outcome_that_is_none_changes_nothing(void **state)
{
    const struct smtp_outcome none = answer((enum reply_disposition)99, 250);
    const struct smtp_outcome sent = answer(REPLY_SENT, 250);
    struct ledger_row rows[LEDGER_CLAIM];
    struct ledger *ledger;
    size_t count;

    (void)state;
    ok(open_in(site.folder, NULL, &ledger, &err));
    ok(ledger_claim(ledger, 1, 2, rows, &count, &err));
    ok(ledger_write(ledger, NULL, 0, &rows[0], &err));
    {
        const struct ledger_outcome outcomes[] = {{.row = &rows[0], .smtp = &sent},
                                                  {.row = &rows[1], .smtp = &none}};

        assert_int_equal(ledger_write(ledger, outcomes, 2, NULL, NULL), ERR_INVALID);
    }
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE state = 'committing'"), 1);
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE state = 'claimed'"), 1);
    ok(ledger_return(ledger, rows, 0, &err));
    release(rows, count);
    ledger_close(ledger);
}

/* ---- Failures: a whole delivery by hand, at each of its allocations and steps ---- */

/* What has been said of each row; "" for nothing, "begun" for a dot that may be out. */
static const char *told[ROWS + 1];

static int tell(struct ledger *ledger, const struct ledger_row *row,
                const struct smtp_outcome *smtp, const struct ledger_row *begin, const char *state,
                struct err *why)
{
    const struct ledger_outcome outcome = {.row = row, .smtp = smtp, .reason = "left the list"};
    int rc = ledger_write(ledger, &outcome, row != NULL, begin, why);

    if (rc == 0 && row != NULL) {
        told[row->id] = state;
    }
    if (rc == 0 && begin != NULL) {
        told[begin->id] = "begun";
    }
    return rc;
}

static int write_rows(struct ledger *ledger, const struct ledger_row *rows, struct err *why)
{
    const struct smtp_outcome sent = answer(REPLY_SENT, 250);
    const struct smtp_outcome deferred = answer(REPLY_DEFERRED, 450);
    const struct smtp_outcome returned = answer(REPLY_RETURNED, 0);
    const struct smtp_outcome unknown = answer(REPLY_UNKNOWN, 0);
    struct smtp_outcome failed = answer(REPLY_FAILED, 550);
    int rc = tell(ledger, NULL, NULL, &rows[0], NULL, why);

    failed.verdict.suppress = true;
    rc = rc == 0 ? tell(ledger, &rows[0], &sent, &rows[1], "sent", why) : rc;
    rc = rc == 0 ? tell(ledger, &rows[1], &unknown, NULL, "unknown", why) : rc;
    rc = rc == 0 ? tell(ledger, &rows[2], &deferred, NULL, "deferred", why) : rc;
    rc = rc == 0 ? tell(ledger, &rows[3], &failed, NULL, "failed", why) : rc;
    rc = rc == 0 ? tell(ledger, &rows[4], &returned, NULL, "queued", why) : rc;
    rc = rc == 0 ? tell(ledger, &rows[5], NULL, NULL, "suppressed", why) : rc;
    return rc == 0 ? ledger_return(ledger, rows + 6, ROWS - 6, why) : rc;
}

static int deliver_by_hand(struct err *why)
{
    struct ledger_row rows[LEDGER_CLAIM];
    struct ledger *ledger;
    size_t count = 0;
    int rc = open_in(site.folder, NULL, &ledger, why);

    rc = rc == 0 ? ledger_claim(ledger, 1, LEDGER_CLAIM, rows, &count, why) : rc;
    if (rc == 0) {
        assert_int_equal(count, ROWS);
        rc = write_rows(ledger, rows, why);
    }
    release(rows, count);
    ledger_close(ledger);
    return rc;
}

static int deliver_from_a_pool(struct err *why)
{
    struct ledger_row rows[ROWS];
    struct pool *pool = NULL;
    struct ledger *ledger;
    size_t count = 0;
    int rc = open_in(site.folder, NULL, &ledger, why);

    rc = rc == 0 ? pool_open(ledger, 1, 1, 0, &pool, why) : rc;
    while (rc == 0 && count < ROWS && (rc = pool_take(pool, &rows[count], why)) == 1) {
        count++;
        rc = 0;
    }
    if (rc == 0) {
        rc = write_rows(ledger, rows, why);
    }
    for (size_t i = 0; i < count; i++) {
        ledger_row_release(&rows[i]);
        pool_settled(pool, false);
    }
    if (rc == 0) {
        rc = pool_close(pool, why);
    } else {
        (void)pool_close(pool, NULL);
    }
    ledger_close(ledger);
    return rc;
}

static int (*const deliveries[])(struct err *why) = {deliver_by_hand, deliver_from_a_pool};

static void begin_delivery(void)
{
    outbox_case_again();
    for (size_t i = 1; i <= ROWS; i++) {
        told[i] = "";
    }
}

/* After a recovery: what was told of a row is so, and of the others nobody says that
 * they were sent. */
static void assert_true_to_what_was_told(const char *where)
{
    ok(ledger_recover(site.db, site.folder, NULL, &err));
    assert_int_equal(number("SELECT count(*) FROM worker"), 0);
    for (int i = 1; i <= ROWS; i++) {
        const char *expected = told[i][0] == '\0'              ? "queued"
                               : strcmp(told[i], "begun") == 0 ? "unknown"
                                                               : told[i];
        char text[100];

        (void)snprintf(text, sizeof(text),
                       "SELECT count(*) FROM outbox WHERE id = %d AND state = '%s'", i, expected);
        if (number(text) != 1) {
            fail_msg("%s: row %d was told '%s' and is not %s", where, i, told[i], expected);
        }
    }
}

static void test_any_step_of_the_database_may_fail(void **state)
{
    static const struct {
        enum db_fault fault;
        int code;
    } faults[] = {{DB_FAULT_BUSY, ERR_BUSY}, {DB_FAULT_IO, ERR_IO}};

    (void)state;
    for (size_t i = 0; i < 4 * COUNT(deliveries); i++) {
        bool for_good = i % 2 != 0;
        size_t fault = i / 2 % 2;
        bool done = false;

        for (unsigned long nth = 1; !done; nth++) {
            char where[60];
            int rc;

            begin_delivery();
            (void)snprintf(where, sizeof(where), "delivery %zu, step %lu%s", i / 4, nth,
                           for_good ? " and all that follow" : "");
            db_fail_at(nth, for_good, faults[fault].fault);
            rc = deliveries[i / 4](&err);
            done = db_steps() < nth;
            db_fail_at(0, false, DB_FAULT_BUSY);
            /* Who only fails to sign off has delivered all the same. */
            if (rc != 0 && (done || rc != faults[fault].code)) {
                fail_msg("%s: %d %s", where, rc, err.msg);
            }
            assert_true_to_what_was_told(where);
            assert_true(nth < 200);
        }
    }
}

static void test_any_memory_may_be_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(deliveries); i++) {
        bool done = false;

        for (unsigned long nth = 1; !done; nth++) {
            char where[60];
            int rc;

            begin_delivery();
            (void)snprintf(where, sizeof(where), "delivery %zu, allocation %lu", i / 2, nth);
            mem_fail_at(nth, i % 2);
            rc = deliveries[i / 2](&err);
            done = mem_count() < nth;
            mem_fail_at(0, 0);
            if (rc != 0 && (done || rc != ERR_NOMEM)) {
                fail_msg("%s: %d %s", where, rc, err.msg);
            }
            assert_true_to_what_was_told(where);
            assert_true(nth < 200);
        }
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, outbox_case_open, outbox_case_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_worker_without_its_lock_is_none),
        CASE(test_nobody_works_without_a_database),
        CASE(test_pauses_grow_and_end),
        CASE(test_a_mailbox_that_does_not_exist_is_told_with_evidence),
        CASE(test_an_outcome_that_is_none_changes_nothing),
        CASE(test_any_step_of_the_database_may_fail),
        CASE(test_any_memory_may_be_out),
    };

    return cmocka_run_group_tests(tests, outbox_case_make_base, outbox_case_remove_base);
}
