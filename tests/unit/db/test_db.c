/* The statement interface over real database files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "teataja/base/file.h"
#include "teataja/db/db.h"
#include "teataja/db/fault.h"

static char folder[64];
static char path[128];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/teataja-db-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/site.db", folder);
    return 0;
}

static int tear_down(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command); /* NOLINT(cert-env33-c): a folder of the test's own */
}

static struct db *open_ok(enum db_open_mode mode)
{
    struct db *db = NULL;
    struct err err = {0};

    if (db_open(path, mode, &db, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return db;
}

static void run_text(struct db *db, const char *text)
{
    struct db_stmt *stmt = NULL;
    struct err err = {0};

    if (db_query_text(db, text, &stmt, &err) < 0 || db_run(stmt, &err) < 0) {
        fail_msg("%s: %s", text, err.msg);
    }
}

static int64_t number(struct db *db, const char *text)
{
    struct db_stmt *stmt = NULL;
    struct err err = {0};
    int64_t out;

    if (db_query_text(db, text, &stmt, &err) < 0 || db_next(stmt, &err) != 1) {
        fail_msg("%s: %s", text, err.msg);
    }
    out = db_int(stmt, 0);
    db_stmt_free(stmt);
    return out;
}

static void test_open_makes_a_database_with_wal_and_foreign_keys(void **state)
{
    struct db *db = open_ok(DB_OPEN_CREATE);

    (void)state;
    assert_int_equal(number(db, "PRAGMA foreign_keys"), 1);
    assert_int_equal(number(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
    assert_int_equal(number(db, "PRAGMA wal_autocheckpoint"), 0);
    assert_int_equal(number(db, "PRAGMA synchronous"), 2);
    assert_int_equal(number(db, "SELECT max(number) FROM schema_migration"), db_schema_version());
    db_close(db);
    db = open_ok(DB_OPEN_EXISTING);
    db_close(db);
    db = open_ok(DB_OPEN_READ);
    db_close(db);
}

static void test_a_new_database_is_its_owners_alone(void **state)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    struct db *db = open_ok(DB_OPEN_CREATE);

    (void)state;
    run_text(db, "CREATE TABLE t(a INTEGER)");
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        char file[160];
        struct stat status;

        snprintf(file, sizeof(file), "%s%s", path, endings[i]);
        assert_int_equal(stat(file, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
    }
    db_close(db);
}

static void test_parameters_bind_by_their_digit_not_by_appearance(void **state)
{
    struct db *db = open_ok(DB_OPEN_CREATE);
    struct db_stmt *stmt = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(db_query_text(db, "SELECT $2, $1, $2, $3, $4", &stmt, &err), 0);
    assert_int_equal(db_bind(stmt, &err, "itrb", (int64_t)7, "õ'; DROP", 0.5, "a\0b", (size_t)3), 0);
    assert_int_equal(db_next(stmt, &err), 1);
    assert_string_equal(db_text(stmt, 0), "õ'; DROP");
    assert_int_equal(db_int(stmt, 1), 7);
    assert_string_equal(db_text(stmt, 2), "õ'; DROP");
    assert_true(db_real(stmt, 3) > 0.4);
    size_t len;
    const void *bytes = db_bytes(stmt, 4, &len);
    assert_int_equal(len, 3);
    assert_memory_equal(bytes, "a\0b", 3);
    assert_int_equal(db_next(stmt, &err), 0);
    assert_int_equal(db_bind_int(stmt, 9, 1, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "$9"));
    db_stmt_free(stmt);
    db_close(db);
}

static void test_a_duplicate_is_told_from_other_violations(void **state)
{
    struct db *db = open_ok(DB_OPEN_CREATE);
    struct db_stmt *stmt = NULL;
    struct err err = {0};

    (void)state;
    run_text(db, "INSERT INTO list (slug) VALUES ('funding')");
    db_query_text(db, "INSERT INTO list (slug) VALUES ('funding')", &stmt, &err);
    assert_int_equal(db_run(stmt, &err), ERR_EXISTS);
    db_query_text(db, "INSERT INTO consent (member, list, act, at) VALUES (99, 1, 'given', 0)",
                  &stmt, &err);
    assert_int_equal(db_run(stmt, &err), ERR_INVALID);
    db_close(db);
}

static void test_rollback_leaves_nothing(void **state)
{
    struct db *db = open_ok(DB_OPEN_CREATE);
    struct err err = {0};

    (void)state;
    assert_int_equal(db_begin(db, &err), 0);
    run_text(db, "INSERT INTO list (slug) VALUES ('a')");
    assert_true(db_in_transaction(db));
    db_rollback(db);
    db_rollback(db);
    assert_int_equal(number(db, "SELECT count(*) FROM list"), 0);
    db_close(db);
}

static void test_a_second_writer_waits_and_then_says_busy(void **state)
{
    struct db *one = open_ok(DB_OPEN_CREATE);
    struct db *two = open_ok(DB_OPEN_EXISTING);
    struct err err = {0};

    (void)state;
    run_text(two, "PRAGMA busy_timeout = 20");
    assert_int_equal(db_begin(one, &err), 0);
    assert_int_equal(db_begin(two, &err), ERR_BUSY);
    assert_non_null(strstr(err.msg, "another program holds it"));
    db_rollback(one);
    assert_int_equal(db_begin(two, &err), 0);
    db_rollback(two);
    db_close(two);
    db_close(one);
}

static void test_the_wal_is_checkpointed_once_it_passes_its_mark(void **state)
{
    struct db *db = open_ok(DB_OPEN_CREATE);
    struct db *reader = open_ok(DB_OPEN_READ);
    struct stat st;
    char wal[160];
    struct err err = {0};

    (void)state;
    run_text(db, "CREATE TABLE filler (x BLOB)");
    for (int i = 0; i < 60; i++) {
        assert_int_equal(db_begin(db, &err), 0);
        run_text(db, "INSERT INTO filler VALUES (randomblob(1000000))");
        assert_int_equal(db_commit(db, &err), 0);
    }
    snprintf(wal, sizeof(wal), "%s-wal", path);
    assert_int_equal(stat(wal, &st), 0);
    assert_true(st.st_size < 40 * 1000 * 1000);
    assert_int_equal(number(reader, "SELECT count(*) FROM filler"), 60);
    assert_int_equal(number(db, "SELECT count(*) FROM pragma_quick_check"), 1);
    db_close(reader);
    db_close(db);
}

static void expect_refusal(enum db_open_mode mode, int code, const char *says)
{
    struct db *db = NULL;
    struct err err = {0};

    assert_int_equal(db_open(path, mode, &db, &err), code);
    assert_null(db);
    if (strstr(err.msg, says) == NULL) {
        fail_msg("'%s' does not say '%s'", err.msg, says);
    }
}

static void test_databases_that_are_not_ours_are_refused(void **state)
{
    struct db *db;
    struct err err = {0};
    char garbage[5000];

    (void)state;
    expect_refusal(DB_OPEN_EXISTING, ERR_NOT_FOUND, "No such file");

    memset(garbage, 'x', sizeof(garbage));
    assert_int_equal(file_write(path, garbage, sizeof(garbage), 0600, &err), 0);
    expect_refusal(DB_OPEN_CREATE, ERR_CORRUPT, "restore a backup");
    unlink(path);

    db = open_ok(DB_OPEN_CREATE);
    run_text(db, "INSERT INTO schema_migration VALUES (9999, 'future', 'x', 0)");
    db_close(db);
    expect_refusal(DB_OPEN_EXISTING, ERR_NEWER, "is of a newer teataja (schema 9999");

    db = NULL;
    unlink(path);
    db = open_ok(DB_OPEN_CREATE);
    run_text(db, "UPDATE schema_migration SET checksum = 'edited' WHERE number = 2");
    db_close(db);
    expect_refusal(DB_OPEN_EXISTING, ERR_CORRUPT, "is not the one of this program");

    unlink(path);
    db = open_ok(DB_OPEN_CREATE);
    run_text(db, "DELETE FROM schema_migration WHERE number = 1");
    db_close(db);
    expect_refusal(DB_OPEN_EXISTING, ERR_CORRUPT, "lacks migration 1");

    unlink(path);
    db = open_ok(DB_OPEN_CREATE);
    run_text(db, "DROP TABLE schema_migration");
    db_close(db);
    expect_refusal(DB_OPEN_EXISTING, ERR_CORRUPT, "another program");
}

static char *whole_file(struct arena *arena, size_t *len)
{
    char *bytes = NULL;
    struct err err = {0};

    assert_int_equal(file_read(arena, path, 1 << 20, &bytes, len, &err), 0);
    return bytes;
}

/* Named by mistake: not one byte of it changes. */
static void test_a_database_of_another_program_stays_as_it_was(void **state)
{
    static const struct {
        const char *id;
        const char *tables;
    } others[] = {
        {"PRAGMA application_id = 252006674", NULL},
        {"PRAGMA application_id = 0", "DROP TABLE schema_migration"},
    };
    static const enum db_open_mode modes[] = {DB_OPEN_READ, DB_OPEN_EXISTING, DB_OPEN_CREATE};

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct arena *arena = arena_new(16 << 20);
        struct db *db;
        size_t len = 0;
        char *before;

        unlink(path);
        db = open_ok(DB_OPEN_CREATE);
        run_text(db, others[i].id);
        if (others[i].tables != NULL) {
            run_text(db, others[i].tables);
        }
        run_text(db, "PRAGMA journal_mode = DELETE");
        db_close(db);
        before = whole_file(arena, &len);
        for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
            size_t now = 0;
            char *after;

            expect_refusal(modes[m], ERR_CORRUPT, "another program");
            after = whole_file(arena, &now);
            assert_int_equal(now, len);
            assert_memory_equal(after, before, len);
        }
        arena_free(arena);
    }
}

static void test_statements_are_cached_and_may_nest(void **state)
{
    static const struct db_sql ask[1] = {{"ask", "SELECT $1"}};
    struct db *db = open_ok(DB_OPEN_CREATE);
    struct db_stmt *outer = NULL;
    struct db_stmt *inner = NULL;
    struct db_stmt *again = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(db_query(db, ask, &outer, &err), 0);
    assert_int_equal(db_query(db, ask, &inner, &err), 0);
    assert_ptr_not_equal(outer, inner);
    db_bind_int(outer, 1, 1, &err);
    db_bind_int(inner, 1, 2, &err);
    assert_int_equal(db_next(outer, &err), 1);
    assert_int_equal(db_next(inner, &err), 1);
    assert_int_equal(db_int(outer, 0), 1);
    assert_int_equal(db_int(inner, 0), 2);
    db_stmt_free(inner);
    db_stmt_free(outer);
    assert_int_equal(db_query(db, ask, &again, &err), 0);
    assert_ptr_equal(outer, again);
    assert_int_equal(db_next(again, &err), 1);
    assert_true(db_is_null(again, 0));
    db_stmt_free(again);
    db_close(db);
}

static void test_the_step_that_is_to_fail_fails_and_says_what_to_do(void **state)
{
    static const struct {
        enum db_fault fault;
        int code;
        const char *says;
        bool ends_transaction;
    } faults[] = {
        {DB_FAULT_BUSY, ERR_BUSY, "another program holds it; try again", false},
        {DB_FAULT_FULL, ERR_FULL, "no space left on the disk", true},
        {DB_FAULT_IO, ERR_IO, "disk I/O error", true},
        {DB_FAULT_CORRUPT, ERR_CORRUPT, "restore a backup", false},
    };
    struct db *db = open_ok(DB_OPEN_CREATE);
    struct db_stmt *stmt = NULL;

    (void)state;
    run_text(db, "CREATE TABLE t(a INTEGER)");
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        for (int for_good = 0; for_good <= 1; for_good++) {
            struct err err = {0};

            assert_int_equal(db_begin(db, &err), 0);
            db_fail_at(2, for_good != 0, faults[i].fault);
            run_text(db, "INSERT INTO t VALUES (1)");
            assert_int_equal(db_query_text(db, "INSERT INTO t VALUES (2)", &stmt, &err), 0);
            assert_int_equal(db_run(stmt, &err), faults[i].code);
            assert_non_null(strstr(err.msg, faults[i].says));
            assert_int_equal(db_in_transaction(db), !faults[i].ends_transaction);
            db_rollback(db);
            assert_int_equal(db_begin(db, &err), for_good != 0 ? faults[i].code : 0);
            assert_int_equal(db_steps(), 3);
            db_fail_at(0, false, DB_FAULT_BUSY);
            db_rollback(db);
            assert_int_equal(number(db, "SELECT count(*) FROM t"), 0);
        }
    }
    db_close(db);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_new_database_is_its_owners_alone),
        CASE(test_open_makes_a_database_with_wal_and_foreign_keys),
        CASE(test_parameters_bind_by_their_digit_not_by_appearance),
        CASE(test_a_duplicate_is_told_from_other_violations),
        CASE(test_rollback_leaves_nothing),
        CASE(test_a_second_writer_waits_and_then_says_busy),
        CASE(test_the_wal_is_checkpointed_once_it_passes_its_mark),
        CASE(test_databases_that_are_not_ours_are_refused),
        CASE(test_a_database_of_another_program_stays_as_it_was),
        CASE(test_statements_are_cached_and_may_nest),
        CASE(test_the_step_that_is_to_fail_fails_and_says_what_to_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
