/* Cancelling a large mailing takes many commits: it holds from the first of them on,
 * whoever dies between two. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define OUTBOX_CASE_ROWS 2500 /* more than two bites */
#include "support/outbox_case.h"
#include "teataja/db/fault.h"
#include "teataja/delivery/ledger.h"

enum { BITE = 1000, FIRST_BITE = 2 /* the step after the state */, STEPS = 5, KILLS = 20 };

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int64_t in_state(const char *state)
{
    char text[80];

    (void)snprintf(text, sizeof(text), "SELECT count(*) FROM outbox WHERE state = '%s'", state);
    return number(text);
}

static bool is_cancelled(void)
{
    return number("SELECT count(*) FROM mailing WHERE state = 'cancelled'") == 1;
}

static int finish(void)
{
    return ledger_finish(site.db, &err);
}

static int cancel_again(void)
{
    return mailing_cancel(site.db, 1, &err);
}

/* A process that cancels; it is killed by itself once a step fails, or by us meanwhile. */
static pid_t cancelling(unsigned long fail_at)
{
    pid_t child;

    db_close(site.db);
    site.db = NULL;
    child = fork();
    if (child == 0) {
        if (db_open(site.path, DB_OPEN_EXISTING, &site.db, &err) == 0) {
            db_fail_at(fail_at, true, DB_FAULT_IO);
            (void)mailing_cancel(site.db, 1, &err);
        }
        (void)kill(getpid(), SIGKILL);
    }
    return child;
}

static void bury(pid_t child)
{
    int status = 0;

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    ok(db_open(site.path, DB_OPEN_EXISTING, &site.db, &err));
}

static void assert_nobody_can_claim(void)
{
    const struct ledger_options options = {
        .database = site.path, .lock_folder = site.folder, .relay = "relay"};
    struct ledger *ledger = NULL;
    struct ledger_row rows[LEDGER_CLAIM];
    size_t count = 0;

    ok(ledger_open(&options, &ledger, &err));
    ok(ledger_claim(ledger, 0, LEDGER_CLAIM, rows, &count, &err));
    assert_int_equal(count, 0);
    ledger_close(ledger);
}

static void test_whoever_dies_between_two_steps_has_cancelled(void **state)
{
    static int (*const next_one[])(void) = {finish, cancel_again};

    (void)state;
    for (size_t n = 0; n < COUNT(next_one); n++) {
        for (unsigned long step = 1; step <= STEPS; step++) {
            int64_t dropped = step > FIRST_BITE ? (int64_t)(step - FIRST_BITE) * BITE : 0;

            outbox_case_again();
            bury(cancelling(step));
            assert_int_equal(is_cancelled(), step >= FIRST_BITE);
            dropped = dropped < OUTBOX_CASE_ROWS ? dropped : OUTBOX_CASE_ROWS;
            assert_int_equal(in_state("suppressed"), dropped);
            assert_int_equal(in_state("queued"), OUTBOX_CASE_ROWS - dropped);
            if (step < FIRST_BITE) {
                continue;
            }
            assert_nobody_can_claim();
            ok(next_one[n]());
            assert_int_equal(in_state("suppressed"), OUTBOX_CASE_ROWS);
        }
    }
}

static void test_a_kill_at_any_moment_leaves_whole_bites(void **state)
{
    (void)state;
    for (int i = 0; i < KILLS; i++) {
        const struct timespec nap = {.tv_nsec = i * 1500000L};
        pid_t child;

        outbox_case_again();
        child = cancelling(0);
        (void)nanosleep(&nap, NULL);
        (void)kill(child, SIGKILL);
        bury(child);
        if (!is_cancelled()) {
            assert_int_equal(in_state("queued"), OUTBOX_CASE_ROWS);
            continue;
        }
        if (in_state("queued") > 0) {
            assert_int_equal(in_state("suppressed") % BITE, 0);
        }
        assert_nobody_can_claim();
        ok(finish());
        assert_int_equal(in_state("suppressed"), OUTBOX_CASE_ROWS);
    }
}

static void test_others_rows_are_left_alone(void **state)
{
    (void)state;
    must(
        "INSERT INTO mailing (id, uid, purpose, subject, list, dedupe, state, priority, config,"
        " audience, message_date, hash, created_at)"
        " SELECT 2, 'other', purpose, subject, list, 'other', 'queued', priority, config, audience,"
        " message_date, hash, created_at FROM mailing");
    must("UPDATE outbox SET mailing = 2, variant = NULL WHERE id > 1200");
    ok(mailing_cancel(site.db, 1, &err));
    ok(finish());
    assert_int_equal(in_state("suppressed"), 1200);
    assert_int_equal(in_state("queued"), OUTBOX_CASE_ROWS - 1200);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE id = 2 AND state = 'queued'"), 1);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, outbox_case_open, outbox_case_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_whoever_dies_between_two_steps_has_cancelled),
        CASE(test_a_kill_at_any_moment_leaves_whole_bites),
        CASE(test_others_rows_are_left_alone),
    };

    return cmocka_run_group_tests(tests, outbox_case_make_base, outbox_case_remove_base);
}
