/* What the dead leave behind: drafts without a maker, workers without a lock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUTBOX_CASE_ROWS 3
#include "support/outbox_case.h"
#include "teataja/base/mem.h"
#include "teataja/delivery/ledger.h"
#include "teataja/delivery/mailing_draft.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* As somebody who may not look into the site's folder. */
static int clear_as_nobody(void)
{
    bool root = geteuid() == 0;
    int rc;

    assert_int_equal(chmod(site.folder, 0), 0);
    assert_int_equal(root ? seteuid(65534) : 0, 0);
    rc = mailing_draft_clear(site.db, &err);
    assert_int_equal(root ? seteuid(0) : 0, 0);
    assert_int_equal(chmod(site.folder, 0700), 0);
    return rc;
}

static void test_a_draft_whose_lock_cannot_be_taken_stays(void **state)
{
    char lock[200];

    (void)state;
    must("UPDATE mailing SET state = 'expanding', uid = 'u'");
    (void)snprintf(lock, sizeof(lock), "%s/mailing-u.lock", site.folder);
    assert_int_equal(clear_as_nobody(), ERR_DENIED);
    assert_non_null(strstr(err.msg, "mailing-u.lock"));
    assert_int_equal(mkdir(lock, 0755), 0);
    assert_int_equal(mailing_draft_clear(site.db, &err), ERR_IO);
    assert_int_equal(rmdir(lock), 0);
    assert_int_equal(number("SELECT count(*) FROM mailing"), 1);
    ok(mailing_draft_clear(site.db, &err));
    assert_int_equal(number("SELECT count(*) FROM mailing"), 0);
    assert_int_equal(access(lock, F_OK), -1);
}

static void test_whose_lock_is_held_already_cannot_make_one(void **state)
{
    const struct mailing mail = outbox_case_plan("new");
    struct mailing_draft *made = NULL;
    char uid[20];
    char lock[200];
    int fd;

    (void)state;
    token_fix_random(42);
    token_random(10, uid);
    (void)snprintf(lock, sizeof(lock), "%s/mailing-%s.lock", site.folder, uid);
    fd = open(lock, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    token_fix_random(42);
    assert_int_equal(mailing_draft_open(site.db, &mail, &made, &err), ERR_BUSY);
    assert_non_null(strstr(err.msg, "is held by another program"));
    assert_int_equal(number("SELECT count(*) FROM mailing"), 1);
    close(fd);
    assert_int_equal(unlink(lock), 0);
}

static void test_many_drafts_may_be_too_many_to_list(void **state)
{
    int out_of_memory = 0;

    (void)state;
    must("UPDATE mailing SET state = 'expanding'");
    must("WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
         " INSERT INTO mailing (uid, purpose, subject, dedupe, state, priority, config, audience,"
         " message_date, hash, created_at) SELECT 'u' || i, 'letter', '', i, 'expanding', 4, '',"
         " '', 0, '', 0 FROM n");
    for (unsigned long nth = 1; nth <= 8; nth++) {
        int rc;

        mem_fail_at(nth, 0);
        rc = mailing_draft_clear(site.db, &err);
        mem_fail_at(0, 0);
        assert_true(rc == 0 || rc == ERR_NOMEM);
        out_of_memory += rc == ERR_NOMEM;
    }
    assert_in_range(out_of_memory, 4, 8);
    ok(mailing_draft_clear(site.db, &err));
    assert_int_equal(number("SELECT count(*) FROM mailing"), 0);
}

static void test_a_draft_that_somebody_removed_is_never_ready(void **state)
{
    const struct mailing mail = outbox_case_plan("new");
    struct mailing_draft *made = NULL;

    (void)state;
    ok(mailing_draft_open(site.db, &mail, &made, &err));
    must("DELETE FROM mailing WHERE dedupe = 'new'");
    assert_int_equal(mailing_draft_ready(made, "h", 0, &err), ERR_STATE);
    mailing_draft_close(made);
    mailing_draft_close(NULL);
}

static void test_a_database_in_memory_or_here_has_drafts_too(void **state)
{
    const char *const paths[] = {":memory:", "here.db"};
    const struct mailing mail = outbox_case_plan("new");
    char was[400];

    (void)state;
    assert_non_null(getcwd(was, sizeof(was)));
    assert_int_equal(chdir(site.folder), 0);
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct mailing_draft *made = NULL;
        struct db *db = NULL;

        ok(db_open(paths[i], DB_OPEN_CREATE, &db, &err));
        ok(mailing_draft_open(db, &mail, &made, &err));
        ok(mailing_draft_ready(made, "h", 7, &err));
        ok(mailing_draft_clear(db, &err));
        mailing_draft_close(made);
        db_close(db);
    }
    assert_int_equal(chdir(was), 0);
}

static void test_a_lock_that_cannot_be_looked_at_is_nobodys_death(void **state)
{
    char folder[1200];
    char lock[200];
    int64_t unknown = -1;

    (void)state;
    must("INSERT INTO worker (id, boot, pid, started) VALUES (1, 'b', 1, 0)");
    must("UPDATE outbox SET state = 'committing', worker = 1 WHERE id = 1");
    memset(folder, 'x', sizeof(folder) - 1);
    folder[sizeof(folder) - 1] = '\0';
    ok(ledger_recover(site.db, folder, &unknown, &err)); /* longer than a path may be */
    assert_int_equal(unknown, 0);
    (void)snprintf(lock, sizeof(lock), "%s/worker-1.lock", site.folder);
    assert_int_equal(mkdir(lock, 0755), 0);
    ok(ledger_recover(site.db, site.folder, &unknown, &err)); /* not a file */
    assert_int_equal(unknown, 0);
    assert_int_equal(rmdir(lock), 0);
    assert_int_equal(number("SELECT count(*) FROM worker"), 1);
    ok(ledger_recover(site.db, site.folder, &unknown, &err)); /* gone: dead */
    assert_int_equal(unknown, 1);
    assert_int_equal(number("SELECT count(*) FROM worker"), 0);
}

static void test_a_doubt_is_sent_again_a_few_times_and_then_held(void **state)
{
    int64_t requeued = 0;

    (void)state;
    must("UPDATE mailing SET on_unknown = 'resend'");
    must("UPDATE outbox SET state = 'unknown', resends = id");
    ok(ledger_apply_policy(site.db, 2, &requeued, &err));
    assert_int_equal(requeued, 0);
    ok(ledger_apply_policy(site.db, 1, &requeued, &err));
    assert_int_equal(requeued, 2);
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE id < 3 AND state = 'queued'"
                            " AND resends = id + 1"),
                     2);
    must("UPDATE outbox SET state = 'sent' WHERE state = 'queued'");
    ok(ledger_finish(site.db, &err));
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE state = 'held'"), 1);
    must("UPDATE outbox SET state = 'sent'");
    must("UPDATE mailing SET state = 'sending'");
    ok(ledger_finish(site.db, &err));
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE state = 'sent'"
                            " AND finished_at = 1700000000000000"),
                     1);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, outbox_case_open, outbox_case_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_draft_whose_lock_cannot_be_taken_stays),
        CASE(test_whose_lock_is_held_already_cannot_make_one),
        CASE(test_many_drafts_may_be_too_many_to_list),
        CASE(test_a_draft_that_somebody_removed_is_never_ready),
        CASE(test_a_database_in_memory_or_here_has_drafts_too),
        CASE(test_a_lock_that_cannot_be_looked_at_is_nobodys_death),
        CASE(test_a_doubt_is_sent_again_a_few_times_and_then_held),
    };

    return cmocka_run_group_tests(tests, outbox_case_make_base, outbox_case_remove_base);
}
