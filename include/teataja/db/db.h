/* teataja/db/db.h - one statement interface over the database.
 *
 * Statements live in .sql files beside the module that owns them and arrive here
 * as `const struct db_sql *` (see contrib/cmake/embed_sql.cmake). Parameters are
 * $1, $2, ... and always bound; a text that a segment compiles to is the only
 * statement made at run time, and it binds its values too.
 *
 *     struct db_stmt *stmt = NULL;
 *     rc = db_query(db, SQL_MEMBER_BY_EMAIL, &stmt, err);
 *     ...
 *     rc = db_bind_text(stmt, 1, key, err);
 *     while ((rc = db_next(stmt, err)) == 1) { ... db_int(stmt, 0) ... }
 *     db_stmt_free(stmt);
 *
 * A connection belongs to one thread at a time. Columns count from 0, parameters
 * from 1. Instants are integer microseconds UTC (base/clock.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"

struct db;
struct db_stmt;

struct db_sql {
    const char *name; /* unique in the program */
    const char *text;
};

enum db_open_mode {
    DB_OPEN_CREATE,   /* make it if absent, and migrate to this version */
    DB_OPEN_EXISTING, /* ERR_NOT_FOUND if absent; migrates */
    DB_OPEN_READ      /* read only; ERR_STATE if it needs a migration */
};

/* Opens a database file (or ":memory:"), in WAL mode with foreign keys on and a
 * busy timeout of five seconds, and brings its schema up to date in one
 * transaction. Errors, with messages that say what to do:
 *   ERR_NEWER    the schema is of a newer teataja
 *   ERR_CORRUPT  not a database, damaged, or a migration that ran is not the one
 *                this program knows (its checksum differs)
 *   ERR_DENIED   read-only file or folder; ERR_FULL; ERR_BUSY; ERR_IO
 * On success *out is for the caller to db_close. */
int db_open(const char *path, enum db_open_mode mode, struct db **out, struct err *err);

/* Closes; NULL is fine. Statements must be freed before. */
void db_close(struct db *db);

/* The path that was opened. */
const char *db_path(const struct db *db);

/* What a commit of this connection survives (architecture.md, decision 1). */
enum db_durability {
    DB_SURVIVES_KILL,     /* synchronous=NORMAL: a commit may be lost at a power cut */
    DB_SURVIVES_POWER_CUT /* synchronous=FULL, the default: fsync at each commit */
};
int db_set_durability(struct db *db, enum db_durability durability, struct err *err);

/* Makes all commits so far, of any connection to this database, survive a power cut.
 * Another thread may use the connection meanwhile: commits that are waited for need not
 * stop those that are not. */
int db_sync(const struct db *db, struct err *err);

/* How much of the database the connection keeps in memory, in KiB; 2,000 at start.
 * For work that touches many pages at random, such as an import. */
int db_set_cache(struct db *db, size_t kib, struct err *err);

/* How long the WAL may be, in KiB, before a commit of this connection copies it into the
 * database; 0: 16 MB, as at start. Nobody can write meanwhile: less for work that writes
 * much at once, more for work that commits often. */
void db_set_log(struct db *db, size_t kib);

/* A moment between two of many transactions in a row: others wait for the write lock by
 * looking for it every few milliseconds, and would hardly ever find it free. */
void db_pause(void);

/* Transactions. db_begin takes the write lock at once (BEGIN IMMEDIATE); they do
 * not nest. db_rollback never fails and is a no-op outside of a transaction, so
 * it can stand in every clean-up. db_commit also runs the checkpoint rule: when
 * the WAL has passed 16 MB (db_set_log), a PASSIVE checkpoint under a second connection's
 * write lock, which keeps SQLite's WAL-reset bug away. */
int db_begin(struct db *db, struct err *err);
int db_begin_read(struct db *db, struct err *err); /* one consistent snapshot */
int db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db);
bool db_in_transaction(const struct db *db);

/* Prepares (or takes from the connection's cache) a named statement. */
int db_query(struct db *db, const struct db_sql *sql, struct db_stmt **out, struct err *err);

/* Prepares a text made at run time. */
int db_query_text(struct db *db, const char *text, struct db_stmt **out, struct err *err);

/* Resets, and gives the statement back to the cache. NULL is fine. */
void db_stmt_free(struct db_stmt *stmt);

/* Binds parameter $index. Text and bytes are copied. A NULL text binds NULL.
 * An index that the statement does not have is ERR_INVALID. */
int db_bind_int(struct db_stmt *stmt, int index, int64_t value, struct err *err);
int db_bind_real(struct db_stmt *stmt, int index, double value, struct err *err);
int db_bind_text(struct db_stmt *stmt, int index, const char *value, struct err *err);
int db_bind_text_n(struct db_stmt *stmt, int index, const char *value, size_t len,
                   struct err *err);
int db_bind_bytes(struct db_stmt *stmt, int index, const void *value, size_t len,
                  struct err *err);
int db_bind_null(struct db_stmt *stmt, int index, struct err *err);

/* Steps: 1 a row, 0 the end, negative an error (ERR_EXISTS for a violated
 * uniqueness, ERR_INVALID for another constraint, ERR_BUSY, ERR_FULL, ERR_IO,
 * ERR_CORRUPT, ERR_DENIED read-only). */
int db_next(struct db_stmt *stmt, struct err *err);

/* Steps a statement that returns no rows to its end, and frees it whatever
 * happens. Returns 0 or negative. */
int db_run(struct db_stmt *stmt, struct err *err);

/* Back to before the first row with the bindings kept, to run it again. */
void db_stmt_reset(struct db_stmt *stmt);

/* Columns of the present row. Text is valid until the next step; db_text gives
 * "" for NULL, db_dup copies into an arena (NULL for NULL, or when out of
 * memory). */
int db_columns(struct db_stmt *stmt);
bool db_is_null(struct db_stmt *stmt, int column);
int64_t db_int(struct db_stmt *stmt, int column);
double db_real(struct db_stmt *stmt, int column);
const char *db_text(struct db_stmt *stmt, int column);
const void *db_bytes(struct db_stmt *stmt, int column, size_t *len);
char *db_dup(struct db_stmt *stmt, int column, struct arena *arena);

/* Of the statement that ran last on this connection. */
int64_t db_last_id(struct db *db);
int64_t db_changes(struct db *db);

/* Binds the values named by `format` from parameter 1 on, in one call:
 *   i int64_t   r double   t const char * (NULL binds NULL)   b const void *, size_t
 *   n (NULL, takes no argument)   ? int present, int64_t value (NULL unless present)
 * Example: db_bind(stmt, err, "iti", id, name, now). */
int db_bind(struct db_stmt *stmt, struct err *err, const char *format, ...);

/* Runs a named statement without rows: db_query, db_bind, db_run in one. */
int db_exec(struct db *db, const struct db_sql *sql, struct err *err, const char *format, ...);

/* Runs a named statement whose first row's first column is an integer.
 * Returns 1 and sets *out, 0 if there was no row, or negative. */
int db_get_int(struct db *db, const struct db_sql *sql, int64_t *out, struct err *err,
               const char *format, ...);

/* Prints the plan of a text, a line each, into the arena: for `segment explain`. */
int db_explain(struct db *db, const char *text, struct arena *arena, char **out, struct err *err);

/* "ok" or what PRAGMA quick_check found. */
int db_check(struct db *db, struct arena *arena, char **out, struct err *err);

/* "" or the tables of rows that refer to what is not there, a line each (PRAGMA
 * foreign_key_check). Reads the whole database. */
int db_check_references(struct db *db, struct arena *arena, char **out, struct err *err);

/* The number of the newest migration this program knows. */
int db_schema_version(void);
