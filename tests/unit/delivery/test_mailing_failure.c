/* Every act on a mailing where memory or the database fails: it says so, the site is as
 * it was, and the second try succeeds. */
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
#include "teataja/base/mem.h"
#include "teataja/db/fault.h"
#include "teataja/delivery/ledger.h"
#include "teataja/delivery/mailing_draft.h"

#define ARENA 1000000
#define NO_ROWS "DELETE;"
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int create(struct db *db, struct err *why)
{
    const struct mailing mail = outbox_case_plan("new");
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
    const struct mailing mail = outbox_case_plan("new");
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

static int propose_again(struct db *db, struct err *why)
{
    return mailing_set_draft(db, 1, "waiting", "its text changed", why);
}

static int reopen(struct db *db, struct err *why)
{
    const struct mailing mail = outbox_case_plan("same");
    struct mailing_draft *made = NULL;
    int rc = mailing_draft_reopen(db, 1, &mail, &made, why);

    rc = rc == 0 ? mailing_draft_ready(made, "h", 0, why) : rc;
    mailing_draft_close(made);
    return rc;
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
    int rc = arena != NULL ? mailing_list(db, arena, 9, false, &mailings, &count, why) : ERR_NOMEM;

    arena_free(arena);
    return rc;
}

static int count_states(struct db *db, struct err *why)
{
    struct mailing_counts counts;

    return mailing_count(db, 1, &counts, why);
}

static int see(void *ctx, const struct mailing_row *row)
{
    (void)ctx;
    assert_non_null(row->address);
    return 0;
}

static int rows(struct db *db, struct err *why)
{
    return mailing_rows(db, 1, NULL, see, NULL, why);
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
    const char *before; /* a statement; with "DELETE;" ahead of it the rows go first */
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
    {"propose again", propose_again, "UPDATE mailing SET state = 'approved'", false},
    {"reopen", reopen, NO_ROWS "UPDATE mailing SET state = 'approved'", true},
    {"cancel", cancel, "SELECT 1", true},
    {"refuse", refuse, "SELECT 1", false},
    {"resend unknown", resend_unknown, "UPDATE outbox SET state = 'unknown'", false},
    {"resend failed", resend_failed, "UPDATE outbox SET state = 'failed'", false},
    {"get", get, "SELECT 1", false},
    {"list", list, "SELECT 1", false},
    {"count", count_states, "SELECT 1", false},
    {"rows", rows, "UPDATE outbox SET reply = 'Ok' WHERE id = 2", false},
    {"scrub", scrub, "SELECT 1", false},
    {"recover", recover, "UPDATE outbox SET state = 'committing', worker = id WHERE id < 3", true},
    {"finish", finish, "UPDATE outbox SET state = 'sent'", true},
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
    must("INSERT INTO worker (id, boot, pid, started) VALUES (1, 'another boot', 1, 0), (2, 'another boot', 1, 0)");
    if (strncmp(act->before, NO_ROWS, strlen(NO_ROWS)) == 0) {
        must("DELETE FROM outbox");
        must("DELETE FROM variant");
        must(act->before + strlen(NO_ROWS));
    } else if (act->before[0] != 'S') {
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

        assert_int_equal(mailing_list(site.db, arena, 1, false, &list_of, &count, &err), ERR_NOMEM);
        arena_free(arena);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, outbox_case_open, outbox_case_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_any_step_of_the_database_may_fail),
        CASE(test_any_memory_may_be_out),
        CASE(test_an_arena_too_small_for_a_mailing_is_no_memory),
    };

    return cmocka_run_group_tests(tests, outbox_case_make_base, outbox_case_remove_base);
}
