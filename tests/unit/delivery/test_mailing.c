/* Mailings and what dead workers leave: every change of state, and every failure of
 * memory and database on the way to it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define OUTBOX_CASE_ROWS 3
#include "support/outbox_case.h"
#include "teataja/base/mem.h"
#include "teataja/db/fault.h"
#include "teataja/delivery/ledger.h"
#include "teataja/delivery/mailing_draft.h"

#define ARENA 1000000
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct mailing plan(const char *dedupe)
{
    return (struct mailing){.purpose = "letter",
                            .subject = "issues/test",
                            .dedupe = dedupe,
                            .on_unknown = "hold",
                            .priority = MAILING_LETTER,
                            .config = "{}",
                            .audience = "",
                            .hash = "h",
                            .message_date = NOW};
}

/* ---- What a mailing may become ---- */

static const char *const states[] = {"expanding", "queued", "sending",  "paused",
                                     "held",      "sent",   "cancelled"};

static void test_a_mailing_goes_only_where_its_state_lets_it(void **state)
{
    static const struct {
        int (*act)(struct db *db, int64_t mailing, struct err *err);
        const char *name;
        const char *becomes[COUNT(states)]; /* NULL: refused */
    } acts[] = {
        {mailing_ready, "ready", {"queued"}},
        {mailing_pause, "pause", {NULL, "paused", "paused"}},
        {mailing_resume, "resume", {NULL, "queued", "queued", "queued", "queued", "queued"}},
        {mailing_cancel, "cancel", {NULL, "cancelled", "cancelled", "cancelled", "cancelled"}},
    };

    (void)state;
    for (size_t a = 0; a < COUNT(acts); a++) {
        for (size_t s = 0; s < COUNT(states); s++) {
            const char *becomes = acts[a].becomes[s];
            char text[200];
            int rc;

            outbox_case_again();
            (void)snprintf(text, sizeof(text), "UPDATE mailing SET state = '%s'", states[s]);
            must(text);
            rc = acts[a].act(site.db, 1, &err);
            if (rc != (becomes != NULL ? 0 : ERR_STATE)) {
                fail_msg("%s while %s: %d", acts[a].name, states[s], rc);
            }
            if (becomes == NULL) {
                (void)snprintf(text, sizeof(text), "mailing 1 is %s: it cannot become ", states[s]);
                assert_memory_equal(err.msg, text, strlen(text));
                becomes = states[s];
            }
            (void)snprintf(text, sizeof(text), "SELECT count(*) FROM mailing WHERE state = '%s'",
                           becomes);
            assert_int_equal(number(text), 1);
            assert_int_equal(acts[a].act(site.db, 9, &err), ERR_NOT_FOUND);
            assert_string_equal(err.msg, "no mailing 9");
        }
    }
}

static void test_cancelling_drops_what_has_not_gone(void **state)
{
    (void)state;
    must("UPDATE outbox SET state = CASE id WHEN 1 THEN 'sent' WHEN 2 THEN 'deferred' ELSE state"
         " END");
    ok(mailing_cancel(site.db, 1, &err));
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE state = 'suppressed' AND reply ="
                            " 'the mailing was cancelled' AND done_at = 1700000000000000"),
                     2);
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE state = 'sent'"), 1);
}

static void test_only_what_is_in_doubt_or_failed_is_sent_again(void **state)
{
    int64_t count = 0;

    (void)state;
    must("UPDATE outbox SET state = CASE id WHEN 1 THEN 'sent' WHEN 2 THEN 'unknown' ELSE 'failed'"
         " END, next_at = 5");
    must("UPDATE mailing SET state = 'sent'");
    ok(mailing_resend_unknown(site.db, 1, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(number("SELECT resends FROM outbox WHERE id = 2 AND state = 'queued'"
                            " AND next_at = 0"),
                     1);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE state = 'queued'"), 1);
    ok(mailing_resend_failed(site.db, 1, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(number("SELECT resends FROM outbox WHERE id = 3 AND state = 'queued'"
                            " AND next_at = 0"),
                     0);
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE id = 1 AND state = 'sent'"), 1);
    must("UPDATE mailing SET state = 'cancelled'");
    must("UPDATE outbox SET state = 'unknown'");
    assert_int_equal(mailing_resend_unknown(site.db, 1, &count, &err), ERR_STATE);
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE state = 'unknown'"), 3);
}

/* ---- Who gets it ---- */

static void test_recipients_are_added_once_in_chunks(void **state)
{
    enum { MANY = 2001 };
    static struct mailing_recipient rows[MANY];
    static char dedupe[MANY][8];

    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(dedupe[i], sizeof(dedupe[i]), "t%zu", i);
        rows[i] = (struct mailing_recipient){
            .dedupe = dedupe[i], .address = "a@naide.example", .variant = 1, .slots = "[]"};
    }
    must("DELETE FROM outbox");
    must("UPDATE mailing SET state = 'expanding'");
    db_fail_at(0, false, DB_FAULT_BUSY);
    ok(mailing_add_recipients(site.db, 1, rows, MANY, &err));
    /* Whoever adds so many lets others write in between: BEGIN and COMMIT, twice. */
    assert_true(db_steps() >= MANY + 4);
    rows[0].address = "other@naide.example";
    ok(mailing_add_recipients(site.db, 1, rows, 1, &err));
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE address = 'a@naide.example'"
                            " AND priority = 4 AND state = 'queued' AND member IS NULL"),
                     MANY);
    assert_int_equal(mailing_add_recipients(site.db, 9, rows, 1, &err), ERR_NOT_FOUND);
}

static void test_nobody_is_forgotten_while_a_letter_is_on_its_way(void **state)
{
    static const struct {
        const char *row;
        int rc;
        const char *after;
    } cases[] = {
        {"queued", 0, "suppressed"},
        {"deferred", 0, "suppressed"},
        {"sent", 0, "sent"},
        {"failed", 0, "failed"},
        {"unknown", 0, "unknown"},
        {"suppressed", 0, "suppressed"},
        {"claimed", ERR_BUSY, "claimed"},
        {"committing", ERR_BUSY, "committing"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[200];

        outbox_case_again();
        must("INSERT INTO attempt VALUES (1, 1, 0, 'r', 'rcpt', 450, '4.2.0', 'm1 is full')");
        (void)snprintf(text, sizeof(text),
                       "UPDATE outbox SET state = '%s', reply = 'm1' "
                       "WHERE id = 1",
                       cases[i].row);
        must(text);
        assert_int_equal(mailing_scrub_member(site.db, 1, &err), cases[i].rc);
        (void)snprintf(text, sizeof(text),
                       "SELECT count(*) FROM outbox WHERE id = 1 AND state = "
                       "'%s' AND (address = '' AND reply IS NULL) = %d",
                       cases[i].after, cases[i].rc == 0);
        assert_int_equal(number(text), 1);
        assert_int_equal(number("SELECT count(*) FROM attempt WHERE text IS NULL"),
                         cases[i].rc == 0);
        assert_int_equal(number("SELECT count(*) FROM outbox WHERE address <> ''"),
                         cases[i].rc == 0 ? 2 : 3);
    }
}

/* ---- What is told of it ---- */

static void test_mailings_are_told_the_newest_first(void **state)
{
    struct arena *arena = arena_new(ARENA);
    struct mailing again = plan("again");
    struct mailing got;
    struct mailing *list;
    size_t count = 0;
    int64_t id = 0;

    (void)state;
    again.not_after = 7;
    again.list = 1;
    ok(mailing_create(site.db, &again, &id, &err));
    ok(mailing_list(site.db, arena, 10, &list, &count, &err));
    assert_int_equal(count, 2);
    assert_int_equal(list[0].id, id);
    assert_int_equal(list[1].id, 1);
    ok(mailing_list(site.db, arena, 1, &list, &count, &err));
    assert_int_equal(count, 1);
    ok(mailing_get(site.db, arena, id, &got, &err));
    assert_int_equal(strlen(got.uid), 16);
    assert_string_equal(got.purpose, again.purpose);
    assert_string_equal(got.subject, again.subject);
    assert_string_equal(got.dedupe, again.dedupe);
    assert_string_equal(got.state, "expanding");
    assert_string_equal(got.on_unknown, again.on_unknown);
    assert_string_equal(got.config, again.config);
    assert_string_equal(got.audience, again.audience);
    assert_string_equal(got.hash, again.hash);
    assert_int_equal(got.list, 1);
    assert_int_equal(got.priority, MAILING_LETTER);
    assert_int_equal(got.message_date, NOW);
    assert_int_equal(got.not_after, 7);
    assert_int_equal(got.created_at, NOW);
    assert_int_equal(got.finished_at, 0);
    assert_int_equal(mailing_get(site.db, arena, 9, &got, &err), ERR_NOT_FOUND);
    assert_string_equal(err.msg, "no mailing 9");
    arena_free(arena);
}

static void test_each_state_is_counted(void **state)
{
    static const struct {
        const char *name;
        size_t offset;
    } counters[] = {
        {"queued", offsetof(struct mailing_counts, queued)},
        {"claimed", offsetof(struct mailing_counts, claimed)},
        {"committing", offsetof(struct mailing_counts, committing)},
        {"sent", offsetof(struct mailing_counts, sent)},
        {"deferred", offsetof(struct mailing_counts, deferred)},
        {"failed", offsetof(struct mailing_counts, failed)},
        {"suppressed", offsetof(struct mailing_counts, suppressed)},
        {"unknown", offsetof(struct mailing_counts, unknown)},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(counters); i++) {
        struct mailing_counts counts;
        char text[100];
        int64_t counted;

        (void)snprintf(text, sizeof(text),
                       "UPDATE outbox SET state = '%s', resends = 1 "
                       "WHERE id < 3",
                       counters[i].name);
        must(text);
        ok(mailing_count(site.db, 1, &counts, &err));
        memcpy(&counted, (const char *)&counts + counters[i].offset, sizeof(counted));
        assert_int_equal(counted, i == 0 ? 3 : 2);
        assert_int_equal(counts.queued, i == 0 ? 3 : 1);
        assert_int_equal(counts.total, 3);
        assert_int_equal(counts.resent, 2);
    }
}

struct seen {
    int64_t ids[4];
    size_t count;
    size_t stop_at;
};

static int see(void *ctx, const struct mailing_row *row)
{
    struct seen *seen = ctx;

    assert_string_equal(row->lang, "et");
    assert_int_equal(row->member, row->id);
    assert_non_null(strstr(row->address, "@naide.example"));
    seen->ids[seen->count++] = row->id;
    return seen->count == seen->stop_at ? 42 : 0;
}

static void test_rows_are_told_until_somebody_has_seen_enough(void **state)
{
    static const struct {
        const char *of;
        size_t stop_at;
        int rc;
        size_t count;
    } cases[] = {{NULL, 0, 0, 3}, {NULL, 2, 42, 2}, {"sent", 0, 0, 1}, {"failed", 0, 0, 0}};

    (void)state;
    must("UPDATE outbox SET state = 'sent', code = 250, enhanced = '2.0.0', reply = 'Ok',"
         " relay = 'r', done_at = 6 WHERE id = 2");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct seen seen = {.stop_at = cases[i].stop_at};

        assert_int_equal(mailing_rows(site.db, 1, cases[i].of, see, &seen, &err), cases[i].rc);
        assert_int_equal(seen.count, cases[i].count);
        for (size_t j = 1; j < seen.count; j++) {
            assert_true(seen.ids[j - 1] < seen.ids[j]);
        }
    }
}

/* ---- Drafts ---- */

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
    const struct mailing mail = plan("new");
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
    const struct mailing mail = plan("new");
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
    const struct mailing mail = plan("new");
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

/* ---- Dead workers ---- */

static void test_a_lock_that_cannot_be_looked_at_is_nobodys_death(void **state)
{
    char folder[1200];
    char lock[200];
    int64_t unknown = -1;

    (void)state;
    must("INSERT INTO worker VALUES (1, 'b', 1, 0)");
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

/* ---- Failures: each act, at each of its allocations and steps ---- */

static int create(struct db *db, struct err *why)
{
    const struct mailing mail = plan("new");
    int64_t id = 0;

    return mailing_create(db, &mail, &id, why);
}

static int add_part(struct db *db, struct err *why)
{
    return mailing_add_part(db, 1, "logo", "image/png", "x", 1, why);
}

static int add_variant(struct db *db, struct err *why)
{
    const struct mailing_item items[] = {{1, "first"}, {1, "second"}};
    int64_t variant = 0;

    return mailing_add_variant(db, 1, "en", "k", "p", 1, items, COUNT(items), &variant, why);
}

static int in_transaction(struct db *db, int (*act)(struct db *db, struct err *err),
                          struct err *why)
{
    int rc = db_begin(db, why);

    rc = rc == 0 ? act(db, why) : rc;
    rc = rc == 0 ? db_commit(db, why) : rc;
    db_rollback(db);
    return rc;
}

static int add_variant_inside(struct db *db, struct err *why)
{
    return in_transaction(db, add_variant, why);
}

static int add_recipients(struct db *db, struct err *why)
{
    const struct mailing_recipient rows[] = {
        {.dedupe = "a", .address = "a@naide.example", .variant = 1, .slots = "[]"},
        {.dedupe = "b", .member = 2, .address = "b@naide.example", .variant = 1, .slots = "[]"}};

    return mailing_add_recipients(db, 1, rows, COUNT(rows), why);
}

static int add_recipients_inside(struct db *db, struct err *why)
{
    return in_transaction(db, add_recipients, why);
}

static int draft(struct db *db, struct err *why)
{
    const struct mailing mail = plan("new");
    struct mailing_draft *made = NULL;
    int rc = mailing_draft_open(db, &mail, &made, why);

    rc = rc == 0 ? mailing_draft_ready(made, "h", 0, why) : rc;
    mailing_draft_close(made);
    return rc;
}

static int clear_drafts(struct db *db, struct err *why)
{
    return mailing_draft_clear(db, why);
}

static int ready(struct db *db, struct err *why)
{
    return mailing_ready(db, 1, why);
}

static int cancel(struct db *db, struct err *why)
{
    return mailing_cancel(db, 1, why);
}

static int refuse(struct db *db, struct err *why)
{
    int rc = mailing_ready(db, 1, why);

    return rc == ERR_STATE ? 0 : rc;
}

static int resend_unknown(struct db *db, struct err *why)
{
    int64_t count = 0;

    return mailing_resend_unknown(db, 1, &count, why);
}

static int resend_failed(struct db *db, struct err *why)
{
    int64_t count = 0;

    return mailing_resend_failed(db, 1, &count, why);
}

static int get(struct db *db, struct err *why)
{
    struct arena *arena = arena_new(ARENA);
    struct mailing mailing;
    int rc = arena != NULL ? mailing_get(db, arena, 1, &mailing, why) : ERR_NOMEM;

    arena_free(arena);
    return rc;
}

static int list(struct db *db, struct err *why)
{
    struct arena *arena = arena_new(ARENA);
    struct mailing *mailings;
    size_t count = 0;
    int rc = arena != NULL ? mailing_list(db, arena, 9, &mailings, &count, why) : ERR_NOMEM;

    arena_free(arena);
    return rc;
}

static int count_states(struct db *db, struct err *why)
{
    struct mailing_counts counts;

    return mailing_count(db, 1, &counts, why);
}

static int rows(struct db *db, struct err *why)
{
    struct seen seen = {0};

    return mailing_rows(db, 1, NULL, see, &seen, why);
}

static int scrub_now(struct db *db, struct err *why)
{
    return mailing_scrub_member(db, 1, why);
}

static int scrub(struct db *db, struct err *why)
{
    return in_transaction(db, scrub_now, why);
}

static int recover(struct db *db, struct err *why)
{
    return ledger_recover(db, site.folder, NULL, why);
}

static int finish(struct db *db, struct err *why)
{
    return ledger_finish(db, why);
}

static const struct act {
    const char *name;
    int (*run)(struct db *db, struct err *err);
    const char *before;
    bool in_steps; /* what failed half way may have done its first half */
} acts[] = {
    {"create", create, "SELECT 1", false},
    {"add part", add_part, "SELECT 1", false},
    {"add variant", add_variant, "INSERT INTO item VALUES (1, 'call', 'a', 1, '', 0, '{}')", false},
    {"add variant inside", add_variant_inside,
     "INSERT INTO item VALUES (1, 'call', 'a', 1, '', 0, '{}')", false},
    {"add recipients", add_recipients, "UPDATE mailing SET state = 'expanding'", false},
    {"add recipients inside", add_recipients_inside, "UPDATE mailing SET state = 'expanding'",
     false},
    {"draft", draft, "SELECT 1", false},
    {"clear drafts", clear_drafts, "UPDATE mailing SET state = 'expanding'", true},
    {"ready", ready, "UPDATE mailing SET state = 'expanding'", false},
    {"cancel", cancel, "SELECT 1", false},
    {"refuse", refuse, "SELECT 1", false},
    {"resend unknown", resend_unknown, "UPDATE outbox SET state = 'unknown'", false},
    {"resend failed", resend_failed, "UPDATE outbox SET state = 'failed'", false},
    {"get", get, "SELECT 1", false},
    {"list", list, "SELECT 1", false},
    {"count", count_states, "SELECT 1", false},
    {"rows", rows, "UPDATE outbox SET reply = 'Ok' WHERE id = 2", false},
    {"scrub", scrub, "SELECT 1", false},
    {"recover", recover, "UPDATE outbox SET state = 'committing', worker = id WHERE id < 3", true},
    {"finish", finish, "UPDATE outbox SET state = 'sent'", false},
};

/* All that an act may change, as one text for the caller to free. */
static char *picture(void)
{
    struct db_stmt *stmt = NULL;
    char *out;

    ok(db_query_text(site.db,
                     "SELECT group_concat(x, ';') FROM ("
                     "SELECT 'm' || id || state || created_at || coalesce(finished_at, '') AS x"
                     " FROM mailing UNION ALL "
                     "SELECT 'o' || id || state || address || slots || coalesce(reply, '') ||"
                     " resends || attempts || coalesce(worker, '') || next_at FROM outbox"
                     " UNION ALL SELECT 'v' || id FROM variant UNION ALL"
                     " SELECT 'i' || variant || item || round FROM variant_item UNION ALL"
                     " SELECT 'p' || name FROM mailing_part UNION ALL"
                     " SELECT 'a' || outbox || n || coalesce(text, '') FROM attempt UNION ALL"
                     " SELECT 'w' || id FROM worker)",
                     &stmt, &err));
    assert_int_equal(db_next(stmt, &err), 1);
    out = strdup(db_text(stmt, 0));
    assert_non_null(out);
    db_stmt_free(stmt);
    return out;
}

static void begin(const struct act *act)
{
    outbox_case_again();
    must("INSERT INTO worker VALUES (1, 'another boot', 1, 0), (2, 'another boot', 1, 0)");
    if (act->before[0] != 'S') {
        must(act->before);
    }
}

/* What the act makes of the site if nothing fails. */
static char *outcome_of(const struct act *act)
{
    begin(act);
    ok(act->run(site.db, &err));
    return picture();
}

static void assert_outcome(const struct act *act, const char *where, const char *outcome)
{
    char *now = picture();

    if (strcmp(outcome, now) != 0) {
        fail_msg("%s, %s: %s and not %s", act->name, where, now, outcome);
    }
    free(now);
}

/* A failure has just been told: the site is as it was, and a second try succeeds. */
static void assert_unharmed(const struct act *act, const char *where, const char *before,
                            const char *outcome)
{
    if (!act->in_steps) {
        assert_outcome(act, where, before);
    }
    ok(act->run(site.db, &err));
    assert_outcome(act, where, outcome);
}

static void test_any_step_of_the_database_may_fail(void **state)
{
    static const struct {
        enum db_fault fault;
        int code;
    } faults[] = {{DB_FAULT_BUSY, ERR_BUSY},
                  {DB_FAULT_FULL, ERR_FULL},
                  {DB_FAULT_IO, ERR_IO},
                  {DB_FAULT_CORRUPT, ERR_CORRUPT}};

    (void)state;
    for (size_t a = 0; a < COUNT(acts); a++) {
        char *outcome = outcome_of(&acts[a]);
        int rc = -1;

        for (unsigned long nth = 1; rc != 0; nth++) {
            for (size_t f = 0; f < COUNT(faults); f++) {
                char where[40];
                char *before;

                begin(&acts[a]);
                before = picture();
                (void)snprintf(where, sizeof(where), "step %lu", nth);
                db_fail_at(nth, false, faults[f].fault);
                rc = acts[a].run(site.db, &err);
                db_fail_at(0, false, DB_FAULT_BUSY);
                if (rc == 0) {
                    free(before);
                    break;
                }
                if (rc != faults[f].code) {
                    fail_msg("%s, %s: %d %s", acts[a].name, where, rc, err.msg);
                }
                assert_unharmed(&acts[a], where, before, outcome);
                free(before);
            }
            assert_true(nth < 100);
        }
        free(outcome);
    }
}

static void test_any_memory_may_be_out(void **state)
{
    (void)state;
    for (size_t a = 0; a < COUNT(acts); a++) {
        char *outcome = outcome_of(&acts[a]);
        bool done = false;

        for (unsigned long nth = 1; !done; nth++) {
            char where[40];
            char *before;
            int rc;

            begin(&acts[a]);
            before = picture();
            (void)snprintf(where, sizeof(where), "allocation %lu", nth);
            mem_fail_at(nth, false);
            rc = acts[a].run(site.db, &err);
            done = mem_count() < nth;
            mem_fail_at(0, false);
            if (rc != 0 && (done || rc != ERR_NOMEM)) {
                fail_msg("%s, %s: %d %s", acts[a].name, where, rc, err.msg);
            }
            if (rc != 0) {
                assert_unharmed(&acts[a], where, before, outcome);
            } else { /* a line of the log may be lost, and no more */
                assert_outcome(&acts[a], where, outcome);
            }
            free(before);
            assert_true(nth < 100);
        }
        free(outcome);
    }
}

static void test_an_arena_too_small_for_a_mailing_is_no_memory(void **state)
{
    struct mailing mailing;
    struct mailing *list_of;
    size_t count;
    size_t small = 0;
    int rc = ERR_NOMEM;

    (void)state;
    for (size_t ceiling = 0; rc == ERR_NOMEM; ceiling += 8) {
        struct arena *arena = arena_new(ceiling);

        rc = mailing_get(site.db, arena, 1, &mailing, &err);
        small += rc == ERR_NOMEM;
        arena_free(arena);
    }
    assert_int_equal(rc, 0);
    assert_true(small > 9);
    for (size_t ceiling = 0; ceiling < 64; ceiling += 8) {
        struct arena *arena = arena_new(ceiling);

        assert_int_equal(mailing_list(site.db, arena, 1, &list_of, &count, &err), ERR_NOMEM);
        arena_free(arena);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, outbox_case_open, outbox_case_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_mailing_goes_only_where_its_state_lets_it),
        CASE(test_cancelling_drops_what_has_not_gone),
        CASE(test_only_what_is_in_doubt_or_failed_is_sent_again),
        CASE(test_recipients_are_added_once_in_chunks),
        CASE(test_nobody_is_forgotten_while_a_letter_is_on_its_way),
        CASE(test_mailings_are_told_the_newest_first),
        CASE(test_each_state_is_counted),
        CASE(test_rows_are_told_until_somebody_has_seen_enough),
        CASE(test_a_draft_whose_lock_cannot_be_taken_stays),
        CASE(test_whose_lock_is_held_already_cannot_make_one),
        CASE(test_many_drafts_may_be_too_many_to_list),
        CASE(test_a_draft_that_somebody_removed_is_never_ready),
        CASE(test_a_database_in_memory_or_here_has_drafts_too),
        CASE(test_a_lock_that_cannot_be_looked_at_is_nobodys_death),
        CASE(test_a_doubt_is_sent_again_a_few_times_and_then_held),
        CASE(test_any_step_of_the_database_may_fail),
        CASE(test_any_memory_may_be_out),
        CASE(test_an_arena_too_small_for_a_mailing_is_no_memory),
    };

    return cmocka_run_group_tests(tests, outbox_case_make_base, outbox_case_remove_base);
}
