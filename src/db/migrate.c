#include <inttypes.h>
#include <string.h>

#include "driver.h"
#include "sql/migrations.h"
#include "teataja/base/clock.h"
#include "teataja/base/token.h"

/* The migrations table makes itself, so its own statements cannot be prepared
 * before it; it is the only table outside of src/db/migrations. */
static const char table[] =
    "-- Which migrations this database has had.\n"
    "CREATE TABLE schema_migration (\n"
    "    number     INTEGER PRIMARY KEY, -- from the file's name\n"
    "    name       TEXT NOT NULL,       -- the file's name\n"
    "    checksum   TEXT NOT NULL,       -- BLAKE2b-128 of its text\n"
    "    applied_at INTEGER NOT NULL     -- microseconds UTC\n"
    ") STRICT;\n";

static const struct db_sql table_is[1] = {
    {"migrate_table_is", "SELECT count(*), count(*) FILTER (WHERE name = 'schema_migration')"
                         "  FROM sqlite_master WHERE type = 'table'"}};
static const struct db_sql list[1] = {
    {"migrate_list", "SELECT number, name, checksum FROM schema_migration ORDER BY number"}};
static const struct db_sql note[1] = {
    {"migrate_note", "INSERT INTO schema_migration (number, name, checksum, applied_at)"
                     " VALUES ($1, $2, $3, $4)"}};

static const size_t known = sizeof(migrations) / sizeof(migrations[0]);

int db_schema_version(void)
{
    return migrations[known - 1].number;
}

/* Counts the migrations that ran, each checked against the one we know. */
static int applied(struct db *db, size_t *count, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc;

    *count = 0;
    rc = db_query(db, list, &stmt, err);
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        char checksum[33];
        int64_t number = db_int(stmt, 0);

        if (number > db_schema_version()) {
            rc = err_set(err, ERR_NEWER,
                         "database '%s' is of a newer teataja (schema %" PRId64
                         ", this program knows %d): install that version",
                         db_path(db), number, db_schema_version());
            break;
        }
        if (*count >= known || number != migrations[*count].number) {
            rc = err_set(err, ERR_CORRUPT,
                         "database '%s' lacks migration %d but has %" PRId64
                         ": restore a backup",
                         db_path(db), *count < known ? migrations[*count].number : 0, number);
            break;
        }
        token_digest(migrations[*count].text, strlen(migrations[*count].text), checksum);
        if (strcmp(checksum, db_text(stmt, 2)) != 0) {
            rc = err_set(err, ERR_CORRUPT,
                         "database '%s': migration %s that ran is not the one of this program",
                         db_path(db), migrations[*count].name);
            break;
        }
        *count += 1;
        rc = 0;
    }
    db_stmt_free(stmt);
    return rc;
}

/* 1 if our migrations table is there, 0 for an empty database. */
static int is_ours(struct db *db, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, table_is, &stmt, err);

    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1 && db_int(stmt, 1) == 0 && db_int(stmt, 0) > 0) {
        rc = err_set(err, ERR_CORRUPT, "'%s' is a database of another program", db_path(db));
    } else if (rc == 1) {
        rc = db_int(stmt, 1) > 0;
    }
    db_stmt_free(stmt);
    return rc;
}

int migrate_recognise(struct db *db, struct err *err)
{
    int rc = is_ours(db, err);

    return rc < 0 ? rc : 0;
}

static int apply(struct db *db, size_t from, struct err *err)
{
    int rc = 0;

    for (size_t i = from; rc == 0 && i < known; i++) {
        char checksum[33];

        rc = driver_script(db, migrations[i].name, migrations[i].text, err);
        if (rc == 0) {
            token_digest(migrations[i].text, strlen(migrations[i].text), checksum);
            rc = db_exec(db, note, err, "itti", (int64_t)migrations[i].number, migrations[i].name,
                         checksum, clock_now());
        }
    }
    return rc;
}

int migrate_up(struct db *db, bool may_write, struct err *err)
{
    size_t count = 0;
    int ours = is_ours(db, err);
    int rc = ours;

    if (rc == 1) {
        rc = applied(db, &count, err);
    }
    if (rc < 0 || (ours == 1 && count == known)) {
        return rc;
    }
    if (!may_write) {
        return err_set(err, ERR_STATE, "database '%s' needs a migration: open it for writing first",
                       db_path(db));
    }
    rc = db_begin(db, err);
    if (rc < 0) {
        return rc;
    }
    /* Asked again under the lock: another process may have migrated meanwhile. */
    ours = is_ours(db, err);
    rc = ours == 1 ? applied(db, &count, err) : ours;
    if (rc == 0 && ours == 0) {
        rc = driver_script(db, "schema_migration", table, err);
    }
    if (rc == 0) {
        rc = apply(db, count, err);
    }
    if (rc == 0) {
        rc = db_commit(db, err);
    }
    db_rollback(db);
    return rc;
}
