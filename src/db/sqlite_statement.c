/* The SQLite driver behind teataja/db/db.h: statements. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "sqlite_driver.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/base/str.h"

/* "$n" is numbered by first appearance, not by digit, so each is looked up. */
static void index_parameters(struct db_stmt *stmt)
{
    int count = sqlite3_bind_parameter_count(stmt->native);
    char name[8];

    for (int n = 1; count > 0 && n <= MAX_PARAMETERS; n++) {
        snprintf(name, sizeof(name), "$%d", n);
        stmt->index[n] = sqlite3_bind_parameter_index(stmt->native, name);
    }
}

static int prepare(struct db *db, const struct db_sql *sql, const char *text, struct db_stmt **out,
                   struct err *err)
{
    const char *tail = NULL;
    struct db_stmt *stmt = mem_alloc(1, sizeof(*stmt));

    if (stmt == NULL) {
        err_nomem(err);
        return ERR_NOMEM;
    }
    stmt->db = db;
    stmt->sql = sql;
    stmt->in_use = true;
    if (sqlite3_prepare_v3(db->native, text, -1, sql != NULL ? SQLITE_PREPARE_PERSISTENT : 0,
                           &stmt->native, &tail) != SQLITE_OK) {
        int rc = sqlite_fail(db, sql != NULL ? sql->name : NULL, err);

        mem_free(stmt);
        return rc < 0 ? rc : ERR_IO; /* the analyzer does not look into fail */
    }
    index_parameters(stmt);
    *out = stmt;
    return 0;
}

int db_query(struct db *db, const struct db_sql *sql, struct db_stmt **out, struct err *err)
{
    size_t at = ((uintptr_t)sql >> 4) % CACHE_SLOTS;
    int rc;

    while (db->cache[at] != NULL && db->cache[at]->sql != sql) {
        at = (at + 1) % CACHE_SLOTS;
    }
    if (db->cache[at] != NULL && !db->cache[at]->in_use) {
        db->cache[at]->in_use = true;
        *out = db->cache[at];
        return 0;
    }
    rc = prepare(db, sql, sql->text, out, err);
    /* One slot stays empty so that the search above ends. */
    if (rc == 0 && db->cache[at] == NULL && db->cached + 1 < CACHE_SLOTS) {
        (*out)->cached = true;
        db->cache[at] = *out;
        db->cached += 1;
    }
    return rc;
}

int db_query_text(struct db *db, const char *text, struct db_stmt **out, struct err *err)
{
    return prepare(db, NULL, text, out, err);
}

void db_stmt_free(struct db_stmt *stmt)
{
    if (stmt == NULL) {
        return;
    }
    if (stmt->cached) {
        sqlite3_reset(stmt->native);
        sqlite3_clear_bindings(stmt->native);
        stmt->in_use = false;
    } else {
        sqlite3_finalize(stmt->native);
        mem_free(stmt);
    }
}

static const char *name_of(const struct db_stmt *stmt)
{
    return stmt->sql != NULL ? stmt->sql->name : NULL;
}

/* SQLite's index of $index, or 0 with an error. */
static int slot(struct db_stmt *stmt, int index, struct err *err)
{
    int at = index >= 1 && index <= MAX_PARAMETERS ? stmt->index[index] : 0;
    char name[16];

    if (index > MAX_PARAMETERS) {
        snprintf(name, sizeof(name), "$%d", index);
        at = sqlite3_bind_parameter_index(stmt->native, name);
    }
    if (at == 0) {
        err_set(err, ERR_INVALID, "statement %s has no parameter $%d",
                name_of(stmt) != NULL ? name_of(stmt) : "made at run time", index);
    }
    return at;
}

static int bound(struct db_stmt *stmt, int native, struct err *err)
{
    return native == SQLITE_OK ? 0 : sqlite_fail(stmt->db, name_of(stmt), err);
}

int db_bind_int(struct db_stmt *stmt, int index, int64_t value, struct err *err)
{
    int at = slot(stmt, index, err);

    return at == 0 ? ERR_INVALID : bound(stmt, sqlite3_bind_int64(stmt->native, at, value), err);
}

int db_bind_real(struct db_stmt *stmt, int index, double value, struct err *err)
{
    int at = slot(stmt, index, err);

    return at == 0 ? ERR_INVALID : bound(stmt, sqlite3_bind_double(stmt->native, at, value), err);
}

int db_bind_text(struct db_stmt *stmt, int index, const char *value, struct err *err)
{
    return value == NULL ? db_bind_null(stmt, index, err)
                         : db_bind_text_n(stmt, index, value, strlen(value), err);
}

int db_bind_text_n(struct db_stmt *stmt, int index, const char *value, size_t len, struct err *err)
{
    int at = slot(stmt, index, err);

    return at == 0 ? ERR_INVALID
                   : bound(stmt,
                           sqlite3_bind_text64(stmt->native, at, value, len, SQLITE_TRANSIENT,
                                               SQLITE_UTF8),
                           err);
}

int db_bind_bytes(struct db_stmt *stmt, int index, const void *value, size_t len, struct err *err)
{
    int at = slot(stmt, index, err);

    /* A NULL pointer would bind NULL where no bytes are meant. */
    return at == 0 ? ERR_INVALID
                   : bound(stmt,
                           len == 0 ? sqlite3_bind_zeroblob(stmt->native, at, 0)
                                    : sqlite3_bind_blob64(stmt->native, at, value, len,
                                                          SQLITE_TRANSIENT),
                           err);
}

int db_bind_null(struct db_stmt *stmt, int index, struct err *err)
{
    int at = slot(stmt, index, err);

    return at == 0 ? ERR_INVALID : bound(stmt, sqlite3_bind_null(stmt->native, at), err);
}

int db_next(struct db_stmt *stmt, struct err *err)
{
    int native = sqlite_fault(stmt->db->native);

    if (native != SQLITE_OK) {
        return sqlite_fail_as(stmt->db, native, name_of(stmt), err);
    }
    native = sqlite3_step(stmt->native);
    if (native == SQLITE_ROW) {
        return 1;
    }
    return native == SQLITE_DONE ? 0 : sqlite_fail(stmt->db, name_of(stmt), err);
}

int db_run(struct db_stmt *stmt, struct err *err)
{
    struct db *db = stmt->db;
    int rc;

    do {
        rc = db_next(stmt, err);
    } while (rc == 1);
    db_stmt_free(stmt);
    if (rc == 0) {
        sqlite_after_commit(db);
    }
    return rc;
}

void db_stmt_reset(struct db_stmt *stmt)
{
    sqlite3_reset(stmt->native);
}

int db_columns(struct db_stmt *stmt)
{
    return sqlite3_column_count(stmt->native);
}

bool db_is_null(struct db_stmt *stmt, int column)
{
    return sqlite3_column_type(stmt->native, column) == SQLITE_NULL;
}

int64_t db_int(struct db_stmt *stmt, int column)
{
    return sqlite3_column_int64(stmt->native, column);
}

double db_real(struct db_stmt *stmt, int column)
{
    return sqlite3_column_double(stmt->native, column);
}

const char *db_text(struct db_stmt *stmt, int column)
{
    const unsigned char *text = sqlite3_column_text(stmt->native, column);

    return text != NULL ? (const char *)text : "";
}

const void *db_bytes(struct db_stmt *stmt, int column, size_t *len)
{
    const void *bytes = sqlite3_column_blob(stmt->native, column);

    *len = (size_t)sqlite3_column_bytes(stmt->native, column);
    return bytes;
}

char *db_dup(struct db_stmt *stmt, int column, struct arena *arena)
{
    return db_is_null(stmt, column) ? NULL : arena_strdup(arena, db_text(stmt, column));
}

int64_t db_last_id(struct db *db)
{
    return sqlite3_last_insert_rowid(db->native);
}

int64_t db_changes(struct db *db)
{
    return sqlite3_changes64(db->native);
}

static int bind_list(struct db_stmt *stmt, struct err *err, const char *format, va_list args)
{
    int rc = 0;
    int index = 1;

    for (const char *type = format; rc == 0 && *type != '\0'; type++, index++) {
        const void *bytes;
        int present;
        int64_t number;

        switch (*type) {
        case 'i':
            rc = db_bind_int(stmt, index, va_arg(args, int64_t), err);
            break;
        case 'r':
            rc = db_bind_real(stmt, index, va_arg(args, double), err);
            break;
        case 't':
            rc = db_bind_text(stmt, index, va_arg(args, const char *), err);
            break;
        case 'b':
            bytes = va_arg(args, const void *);
            rc = db_bind_bytes(stmt, index, bytes, va_arg(args, size_t), err);
            break;
        case 'n':
            rc = db_bind_null(stmt, index, err);
            break;
        case '?':
            present = va_arg(args, int);
            number = va_arg(args, int64_t);
            rc = present ? db_bind_int(stmt, index, number, err)
                         : db_bind_null(stmt, index, err);
            break;
        default:
            rc = err_set(err, ERR_INVALID, "db_bind: no type '%c'", *type);
            break;
        }
    }
    return rc;
}

int db_bind(struct db_stmt *stmt, struct err *err, const char *format, ...)
{
    va_list args;
    int rc;

    va_start(args, format);
    rc = bind_list(stmt, err, format, args);
    va_end(args);
    return rc;
}

int db_exec(struct db *db, const struct db_sql *sql, struct err *err, const char *format, ...)
{
    struct db_stmt *stmt = NULL;
    va_list args;
    int rc = db_query(db, sql, &stmt, err);

    if (rc < 0) {
        return rc;
    }
    va_start(args, format);
    rc = bind_list(stmt, err, format, args);
    va_end(args);
    if (rc < 0) {
        db_stmt_free(stmt);
        return rc;
    }
    return db_run(stmt, err);
}

int db_get_int(struct db *db, const struct db_sql *sql, int64_t *out, struct err *err,
               const char *format, ...)
{
    struct db_stmt *stmt = NULL;
    va_list args;
    int rc = db_query(db, sql, &stmt, err);

    if (rc < 0) {
        return rc;
    }
    va_start(args, format);
    rc = bind_list(stmt, err, format, args);
    va_end(args);
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        *out = db_int(stmt, 0);
    }
    db_stmt_free(stmt);
    return rc;
}

static int rows_as_text(struct db *db, const char *text, int column, struct arena *arena,
                        char **out, struct err *err)
{
    struct db_stmt *stmt = NULL;
    struct str lines;
    int rc = db_query_text(db, text, &stmt, err);

    str_init(&lines, LIMIT_TEXT);
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        str_addf(&lines, "%s%s", lines.len > 0 ? "\n" : "", db_text(stmt, column));
        rc = 0;
    }
    if (rc == 0) {
        rc = str_check(&lines, err);
    }
    if (rc == 0) {
        *out = arena_strdup(arena, lines.data);
        rc = *out != NULL ? 0 : err_nomem(err);
    }
    str_release(&lines);
    db_stmt_free(stmt);
    return rc;
}

int db_explain(struct db *db, const char *text, struct arena *arena, char **out, struct err *err)
{
    struct str explain;
    int rc;

    str_init(&explain, LIMIT_TEXT);
    str_addf(&explain, "EXPLAIN QUERY PLAN %s", text);
    rc = str_check(&explain, err);
    if (rc == 0) {
        rc = rows_as_text(db, explain.data, 3, arena, out, err);
    }
    str_release(&explain);
    return rc;
}

int db_check(struct db *db, struct arena *arena, char **out, struct err *err)
{
    return rows_as_text(db, "PRAGMA quick_check", 0, arena, out, err);
}

int db_check_references(struct db *db, struct arena *arena, char **out, struct err *err)
{
    return rows_as_text(db, "PRAGMA foreign_key_check", 0, arena, out, err);
}
