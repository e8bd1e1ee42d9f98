/* src/db/sqlite_driver.h - what the files of the SQLite driver share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <sqlite3.h>

#include "driver.h"

enum {
    CACHE_SLOTS = 512,   /* open addressing; more statements than this are not cached */
    MAX_PARAMETERS = 48  /* $1 to $48 */
};

struct db_stmt {
    struct db *db;
    sqlite3_stmt *native;
    const struct db_sql *sql; /* NULL for a text made at run time */
    bool cached;
    bool in_use;
    int index[MAX_PARAMETERS + 1]; /* SQLite's index of $n; 0 if absent */
};

/* Statements that every transaction runs: prepared once. */
enum plain { PLAIN_BEGIN_IMMEDIATE, PLAIN_BEGIN, PLAIN_COMMIT, PLAIN_COUNT };

struct db {
    sqlite3 *native;
    sqlite3_stmt *plain[PLAIN_COUNT];
    enum db_durability durability;
    sqlite3 *guard; /* holds the write lock while `native` checkpoints */
    char *path;
    char *log_path; /* of the WAL beside it */
    int wal_pages; /* length of the WAL after the last commit */
    int checkpoint_pages; /* of the WAL, before a commit copies it into the database */
    struct db_stmt *cache[CACHE_SLOTS];
    size_t cached;
};

/* An ERR_... for SQLite's extended result code. */
int sqlite_code(int native);

/* Sets the connection's last error, with `what` (may be NULL) before it and advice
 * behind it. Returns its code. */
int sqlite_fail(const struct db *db, const char *what, struct err *err);

/* The result code that the test hook wants of the step that is due (teataja/db/fault.h);
 * SQLITE_OK if none. */
int sqlite_fault(sqlite3 *native);

/* As sqlite_fail, for a step that the hook let fail with `native`. */
int sqlite_fail_as(const struct db *db, int native, const char *what, struct err *err);

/* After a commit: the checkpoint rule. */
void sqlite_after_commit(struct db *db);
