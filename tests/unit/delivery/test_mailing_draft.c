/* A mailing belongs to whoever makes it for as long as that process lives. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/temp_database.h"
#include "teataja/base/arena.h"
#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/delivery/mailing_draft.h"

enum { ROWS = 2500 }; /* more than a bite of the removal */

static const struct mailing plan = {.purpose = "letter",
                                    .subject = "issues/test",
                                    .dedupe = "letter:issues/test",
                                    .on_unknown = "resend",
                                    .priority = MAILING_LETTER,
                                    .config = "{}",
                                    .audience = "",
                                    .hash = ""};

static int64_t rows_left(void)
{
    return number("SELECT (SELECT count(*) FROM mailing) + (SELECT count(*) FROM outbox)"
                  " + (SELECT count(*) FROM variant) + (SELECT count(*) FROM mailing_part)");
}

static size_t locks(void)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    char **names = NULL;
    size_t count = 0;
    size_t found = 0;

    ok(file_list(arena, folder, &names, &count, &err));
    for (size_t i = 0; i < count; i++) {
        found += strstr(names[i], ".lock") != NULL;
    }
    arena_free(arena);
    return found;
}

static void fill(struct db *with, int64_t id, int rows)
{
    int64_t variant = 0;

    ok(mailing_add_part(with, id, "logo", "image/png", "x", 1, &err));
    ok(mailing_add_variant(with, id, "et", "k", "pieces", 6, NULL, 0, &variant, &err));
    for (int i = 0; i < rows; i++) {
        char dedupe[32];
        const struct mailing_recipient row = {
            .dedupe = dedupe, .address = "m@naide.example", .variant = variant, .slots = "[]"};

        snprintf(dedupe, sizeof(dedupe), "t%d", i);
        if (i == 0) {
            ok(db_begin(with, &err));
        }
        ok(mailing_add_recipients(with, id, &row, 1, &err));
    }
    if (rows > 0) {
        ok(db_commit(with, &err));
    }
}

static struct mailing_draft *begin(struct db *with, int rows)
{
    struct mailing_draft *draft = NULL;

    ok(mailing_draft_open(with, &plan, &draft, &err));
    fill(with, mailing_draft_id(draft), rows);
    return draft;
}

/* The mailing that waits, or is approved, being released. */
static struct mailing_draft *release(struct db *with, int rows)
{
    struct mailing changed = plan;
    struct mailing_draft *draft = NULL;

    changed.config = "{\"new\":1}";
    changed.message_date = 99;
    ok(mailing_draft_reopen(with, 1, &changed, &draft, &err));
    assert_int_equal(mailing_draft_id(draft), 1);
    fill(with, 1, rows);
    return draft;
}

static void propose(const char *state)
{
    int64_t id = 0;

    ok(mailing_propose(db, &plan, &id, &err));
    assert_int_equal(id, 1);
    ok(mailing_set_draft(db, 1, state, NULL, &err));
    ok(mailing_draft_clear(db, &err));
}

/* A process that is killed while it makes the mailing. */
static void die(struct mailing_draft *(*making)(struct db *with, int rows))
{
    int status = 0;
    pid_t child;

    db_close(db);
    child = fork();
    if (child == 0) {
        if (db_open(path, DB_OPEN_EXISTING, &db, &err) == 0) {
            (void)making(db, ROWS);
        }
        (void)kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    ok(db_open(path, DB_OPEN_EXISTING, &db, &err));
}

static void test_a_draft_that_is_ready_stays_without_its_lock(void **state)
{
    struct mailing_draft *draft = begin(db, 3);

    (void)state;
    assert_int_equal(locks(), 1);
    ok(mailing_draft_ready(draft, "digest", 77, &err));
    mailing_draft_close(draft);
    assert_int_equal(locks(), 0);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE state = 'queued'"
                            " AND hash = 'digest' AND not_after = 77"),
                     1);
    ok(mailing_draft_clear(db, &err));
    assert_int_equal(number("SELECT count(*) FROM outbox"), 3);
}

static void test_a_draft_that_is_given_up_leaves_nothing(void **state)
{
    (void)state;
    mailing_draft_close(begin(db, ROWS));
    assert_int_equal(rows_left(), 0);
    assert_int_equal(locks(), 0);
}

static void test_a_dead_makers_draft_goes_at_once(void **state)
{
    struct mailing_draft *draft = NULL;

    (void)state;
    die(begin);
    assert_int_equal(number("SELECT count(*) FROM outbox"), ROWS);
    assert_int_equal(locks(), 1);
    ok(mailing_draft_clear(db, &err));
    assert_int_equal(rows_left(), 0);
    assert_int_equal(locks(), 0);
    draft = begin(db, 1);
    ok(mailing_draft_ready(draft, "", 0, &err));
    mailing_draft_close(draft);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE not_after IS NULL"), 1);
}

static void test_a_living_makers_draft_is_left_alone(void **state)
{
    struct mailing_draft *draft = begin(db, 5);
    struct mailing_draft *other = NULL;
    struct db *second = NULL;

    (void)state;
    ok(db_open(path, DB_OPEN_EXISTING, &second, &err));
    ok(mailing_draft_clear(second, &err));
    assert_int_equal(number("SELECT count(*) FROM outbox"), 5);
    assert_int_equal(mailing_draft_open(second, &plan, &other, &err), ERR_EXISTS);
    assert_string_equal(err.msg, "issues/test is being prepared by another send at this moment "
                                 "(mailing 1)");
    assert_null(other);
    db_close(second);
    assert_int_equal(locks(), 1);
    ok(mailing_draft_ready(draft, "", 0, &err));
    mailing_draft_close(draft);
}

static void test_a_proposed_mailing_has_no_recipients_and_stays(void **state)
{
    int64_t again = 0;

    (void)state;
    propose("waiting");
    assert_int_equal(rows_left(), 1);
    assert_int_equal(mailing_propose(db, &plan, &again, &err), ERR_EXISTS);
    assert_non_null(strstr(err.msg, "is mailing 1 already (waiting"));
    assert_int_equal(mailing_draft_open(db, &plan, &(struct mailing_draft *){NULL}, &err),
                     ERR_EXISTS);
    assert_int_equal(locks(), 0);
}

static void test_a_release_keeps_the_mailing_and_fills_it(void **state)
{
    struct mailing_draft *draft;

    (void)state;
    propose("approved");
    draft = release(db, 3);
    ok(mailing_draft_settle(draft, &err));
    ok(db_begin(db, &err));
    ok(mailing_draft_ready(draft, "digest", 0, &err));
    ok(db_commit(db, &err));
    mailing_draft_close(draft);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE id = 1 AND state = 'queued'"
                            " AND back IS NULL AND message_date = 99 AND hash = 'digest'"),
                     1);
    assert_int_equal(number("SELECT count(*) FROM outbox"), 3);
    assert_int_equal(mailing_draft_reopen(db, 1, &plan, &draft, &err), ERR_EXISTS);
    assert_int_equal(mailing_set_draft(db, 1, "rejected", "no", &err), ERR_STATE);
    assert_int_equal(locks(), 0);
}

static void test_a_release_that_is_given_up_leaves_the_draft(void **state)
{
    (void)state;
    propose("approved");
    mailing_draft_close(release(db, ROWS));
    assert_int_equal(rows_left(), 1);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE state = 'approved'"
                            " AND back IS NULL"),
                     1);
    assert_int_equal(locks(), 0);
}

static void test_a_dead_releasers_draft_is_approved_again(void **state)
{
    struct mailing_draft *draft;

    (void)state;
    propose("approved");
    die(release);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE state = 'expanding'"), 1);
    ok(mailing_draft_clear(db, &err));
    assert_int_equal(rows_left(), 1);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE state = 'approved'"), 1);
    draft = release(db, 2);
    ok(mailing_draft_ready(draft, "", 0, &err));
    mailing_draft_close(draft);
    assert_int_equal(number("SELECT count(*) FROM outbox"), 2);
}

static void test_of_two_releases_one_has_the_draft(void **state)
{
    struct mailing_draft *draft;
    struct mailing_draft *other = NULL;

    (void)state;
    propose("waiting");
    draft = release(db, 1);
    assert_int_equal(mailing_draft_reopen(db, 1, &plan, &other, &err), ERR_EXISTS);
    ok(mailing_draft_clear(db, &err));
    assert_int_equal(number("SELECT count(*) FROM outbox"), 1);
    mailing_draft_close(draft);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE state = 'waiting'"), 1);
}

static void test_removing_a_draft_leaves_other_mailings_alone(void **state)
{
    struct mailing_draft *draft = begin(db, 4);

    (void)state;
    ok(mailing_draft_ready(draft, "", 0, &err));
    mailing_draft_close(draft);
    assert_int_equal(mailing_draft_open(db, &plan, &draft, &err), ERR_EXISTS);
    assert_non_null(strstr(err.msg, "issues/test is mailing 1 already (queued"));
    assert_int_equal(locks(), 0);
    assert_int_equal(number("SELECT count(*) FROM outbox"), 4);
}

static void test_a_variant_belongs_to_the_rows_mailing(void **state)
{
    struct mailing other = plan;
    struct mailing_recipient row = {.dedupe = "x", .address = "m@naide.example", .slots = "[]"};
    struct mailing_draft *draft = begin(db, 1);
    int64_t id = 0;

    (void)state;
    other.dedupe = "letter:issues/other";
    ok(mailing_create(db, &other, &id, &err));
    row.variant = number("SELECT id FROM variant");
    assert_int_equal(mailing_add_recipients(db, id, &row, 1, &err), ERR_INVALID);
    mailing_draft_close(draft);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, temp_database_open, temp_database_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_draft_that_is_ready_stays_without_its_lock),
        CASE(test_a_draft_that_is_given_up_leaves_nothing),
        CASE(test_a_dead_makers_draft_goes_at_once),
        CASE(test_a_living_makers_draft_is_left_alone),
        CASE(test_a_proposed_mailing_has_no_recipients_and_stays),
        CASE(test_a_release_keeps_the_mailing_and_fills_it),
        CASE(test_a_release_that_is_given_up_leaves_the_draft),
        CASE(test_a_dead_releasers_draft_is_approved_again),
        CASE(test_of_two_releases_one_has_the_draft),
        CASE(test_removing_a_draft_leaves_other_mailings_alone),
        CASE(test_a_variant_belongs_to_the_rows_mailing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
