/* temp_database.h - an empty database in a folder of its own, for a cmocka test.
 *
 * Header only; one test program is one file, so that its variables may stand here.
 *
 *     cmocka_unit_test_setup_teardown(test, temp_database_open, temp_database_remove)
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/temp_folder.h"
#include "teataja/db/db.h"

static char folder[TEMP_FOLDER];
static char path[TEMP_FOLDER + 16]; /* of the database */
static struct db *db;
static struct err err;

static inline void ok(int rc)
{
    if (rc < 0) {
        fail_msg("%s", err.msg);
    }
}

static inline int temp_database_open(void **state)
{
    (void)state;
    assert_true(temp_folder_make("test", folder));
    (void)snprintf(path, sizeof(path), "%s/site.db", folder);
    ok(db_open(path, DB_OPEN_CREATE, &db, &err));
    return 0;
}

static inline int temp_database_remove(void **state)
{
    (void)state;
    db_close(db);
    db = NULL;
    return temp_folder_remove(folder) ? 0 : -1;
}

/* Runs a statement. */
static inline void run_text(const char *text)
{
    struct db_stmt *stmt = NULL;

    ok(db_query_text(db, text, &stmt, &err));
    ok(db_run(stmt, &err));
}

/* The first column of the only row. */
static inline int64_t number(const char *text)
{
    struct db_stmt *stmt = NULL;
    int64_t out;

    ok(db_query_text(db, text, &stmt, &err));
    assert_int_equal(db_next(stmt, &err), 1);
    out = db_int(stmt, 0);
    db_stmt_free(stmt);
    return out;
}
