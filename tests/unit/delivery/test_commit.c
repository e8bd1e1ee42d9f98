/* Commits: what they survive, and who shares one. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/outbox_ledger.h"
#include "teataja/db/fault.h"

enum { CROWD = 300 };

/* ---- What a commit survives ---- */

static atomic_int syncs;
static atomic_int sync_errno; /* 0: the disk is well */

static int sync_with(long call, int fd)
{
    atomic_fetch_add(&syncs, 1);
    errno = atomic_load(&sync_errno);
    return errno != 0 ? -1 : (int)syscall(call, fd);
}

/* In place of the C library's: SQLite calls these. */
int fdatasync(int fd)
{
    return sync_with(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    return sync_with(SYS_fsync, fd);
}

/* Decision 1: after a power cut a claim is there, and what is behind it in the log comes
 * with the next claim. */
static void test_a_claim_waits_for_the_disk_and_an_outcome_does_not(void **state)
{
    const struct smtp_outcome sent = answer(REPLY_SENT, 250);
    struct ledger_row rows[LEDGER_CLAIM];
    struct ledger_outcome outcome = {.smtp = &sent};
    struct ledger *ledger;
    size_t count;

    (void)state;
    ok(open_in(site.folder, NULL, &ledger, &err));
    for (int i = 0; i < 3; i++) {
        atomic_store(&syncs, 0);
        ok(ledger_claim(ledger, 1, 1, rows, &count, &err));
        assert_int_equal(count, 1);
        assert_true(atomic_load(&syncs) > 0);
        atomic_store(&syncs, 0);
        outcome.row = &rows[0];
        ok(ledger_write(ledger, NULL, 0, &rows[0], &err));
        ok(ledger_write(ledger, &outcome, 1, NULL, &err));
        assert_int_equal(atomic_load(&syncs), 0);
        release(rows, count);
    }
    ledger_close(ledger);
}

static void test_a_claim_that_is_not_on_the_disk_is_none(void **state)
{
    static const struct {
        int broken;
        int code;
    } cases[] = {{EIO, ERR_IO}, {ENOSPC, ERR_FULL}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ledger_row rows[LEDGER_CLAIM];
        struct ledger *ledger;
        size_t count = 9;

        outbox_case_again();
        ok(open_in(site.folder, NULL, &ledger, &err));
        atomic_store(&sync_errno, cases[i].broken);
        assert_int_equal(ledger_claim(ledger, 1, LEDGER_CLAIM, rows, &count, &err), cases[i].code);
        assert_int_equal(count, 0);
        atomic_store(&sync_errno, 0);
        ledger_close(ledger);
        assert_int_equal(number("SELECT count(*) FROM outbox WHERE state = 'queued'"), ROWS);
    }
}

/* ---- Crowds and signals ---- */

struct call {
    pthread_t thread;
    struct ledger *ledger;
    int rc;
};

static void *return_nothing(void *context)
{
    struct call *call = context;
    const struct ledger_row nobody = {.id = 9999};

    call->rc = ledger_return(call->ledger, &nobody, 1, NULL);
    return NULL;
}

static void start(struct call *call, void *(*act)(void *context))
{
    assert_int_equal(pthread_create(&call->thread, NULL, act, call), 0);
}

static void pause_ms(int ms)
{
    usleep((unsigned)ms * 1000);
}

static void test_who_waits_together_shares_a_commit(void **state)
{
    static struct call calls[CROWD];
    struct ledger *ledger;

    (void)state;
    ok(open_in(site.folder, NULL, &ledger, &err));
    db_fail_at(0, false, DB_FAULT_BUSY);
    ok(db_begin(site.db, &err)); /* so that the first has to wait for the database */
    for (size_t i = 0; i < CROWD; i++) {
        calls[i] = (struct call){.ledger = ledger, .rc = 1};
        start(&calls[i], return_nothing);
        pause_ms(i == 0 ? 100 : 0);
    }
    pause_ms(300);
    db_rollback(site.db);
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(pthread_join(calls[i].thread, NULL), 0);
        assert_int_equal(calls[i].rc, 0);
    }
    /* One step each, and for each of a few groups its durability, BEGIN and COMMIT. */
    assert_in_range(db_steps(), CROWD, CROWD + 40);
    ledger_close(ledger);
}

static void on_signal(int number_of)
{
    (void)number_of;
}

static void test_a_signal_does_not_wake_who_waits_for_a_commit(void **state)
{
    const struct sigaction quiet = {.sa_handler = on_signal};
    struct sigaction before;
    struct call calls[2];
    struct ledger *ledger;

    (void)state;
    assert_int_equal(sigaction(SIGUSR1, &quiet, &before), 0);
    ok(open_in(site.folder, NULL, &ledger, &err));
    ok(db_begin(site.db, &err));
    for (size_t i = 0; i < COUNT(calls); i++) {
        calls[i] = (struct call){.ledger = ledger, .rc = 1};
        start(&calls[i], return_nothing);
        pause_ms(100);
    }
    for (int i = 0; i < 5; i++) {
        pthread_kill(calls[1].thread, SIGUSR1);
        pause_ms(10);
    }
    assert_int_equal(calls[1].rc, 1);
    db_rollback(site.db);
    for (size_t i = 0; i < COUNT(calls); i++) {
        assert_int_equal(pthread_join(calls[i].thread, NULL), 0);
        assert_int_equal(calls[i].rc, 0);
    }
    ledger_close(ledger);
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, outbox_case_open, outbox_case_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_claim_waits_for_the_disk_and_an_outcome_does_not),
        CASE(test_a_claim_that_is_not_on_the_disk_is_none),
        CASE(test_who_waits_together_shares_a_commit),
        CASE(test_a_signal_does_not_wake_who_waits_for_a_commit),
    };

    return cmocka_run_group_tests(tests, outbox_case_make_base, outbox_case_remove_base);
}
