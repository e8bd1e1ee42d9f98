/* The SQLite driver behind teataja/db/db.h: connections and transactions. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sqlite_driver.h"
#include "teataja/base/mem.h"
#include "teataja/base/token.h"

enum {
    BUSY_TIMEOUT_MS = 5000,
    CHECKPOINT_PAGES = 4096, /* of 4 KiB: 16 MB of WAL */
    PAGE_KIB = 4,
    APPLICATION_ID = 0x54454154 /* "TEAT" */
};

int sqlite_code(int native)
{
    switch (native & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: /* the locks of the log were taken again and again */
        return ERR_BUSY;
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return ERR_DENIED;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_CONSTRAINT:
        return native == SQLITE_CONSTRAINT_UNIQUE || native == SQLITE_CONSTRAINT_PRIMARYKEY ||
                       native == SQLITE_CONSTRAINT_ROWID
                   ? ERR_EXISTS
                   : ERR_INVALID;
    case SQLITE_TOOBIG:
        return ERR_LIMIT;
    case SQLITE_INTERRUPT:
        return ERR_STOPPED;
    default:
        return ERR_IO;
    }
}

static const char *advice(int code)
{
    switch (code) {
    case ERR_BUSY:
        return " (another program holds it; try again)";
    case ERR_DENIED:
        return " (check the permissions of the file and its folder)";
    case ERR_CORRUPT:
        return " (restore a backup)";
    case ERR_FULL:
        return " (no space left on the disk)";
    default:
        return "";
    }
}

static int fail_with(const struct db *db, int native, int system, const char *text,
                     const char *what, struct err *err)
{
    int code = sqlite_code(native);

    /* A full disk is SQLITE_FULL only in the database and its log, not in the index
     * of the log. */
    if (code == ERR_IO && (system == ENOSPC || system == EDQUOT)) {
        code = ERR_FULL;
    }
    err_set(err, code, "database '%s': %s%s%s%s", db->path, what != NULL ? what : "",
            what != NULL ? ": " : "", text, advice(code));
    if (err != NULL) {
        err->native = native;
    }
    return code;
}

int sqlite_fail(const struct db *db, const char *what, struct err *err)
{
    return fail_with(db, sqlite3_extended_errcode(db->native), sqlite3_system_errno(db->native),
                     sqlite3_errmsg(db->native), what, err);
}

int sqlite_fail_as(const struct db *db, int native, const char *what, struct err *err)
{
    return fail_with(db, native, 0, sqlite3_errstr(native), what, err);
}

static int run_plain(struct db *db, const char *text, struct err *err)
{
    int native = sqlite_fault(db->native);

    if (native != SQLITE_OK) {
        return sqlite_fail_as(db, native, NULL, err);
    }
    return sqlite3_exec(db->native, text, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : sqlite_fail(db, NULL, err);
}

/* Each message costs a transaction: parsing its ends anew would be felt. */
static int run_kept(struct db *db, enum plain plain, const char *text, struct err *err)
{
    int native = sqlite_fault(db->native);
    int stepped;

    if (native != SQLITE_OK) {
        return sqlite_fail_as(db, native, NULL, err);
    }
    if (db->plain[plain] == NULL &&
        sqlite3_prepare_v3(db->native, text, -1, SQLITE_PREPARE_PERSISTENT, &db->plain[plain],
                           NULL) != SQLITE_OK) {
        return sqlite_fail(db, NULL, err);
    }
    stepped = sqlite3_step(db->plain[plain]);
    native = sqlite3_reset(db->plain[plain]);
    return stepped == SQLITE_DONE && native == SQLITE_OK ? 0 : sqlite_fail(db, NULL, err);
}

static int on_wal(void *ctx, sqlite3 *native, const char *name, int pages)
{
    struct db *db = ctx;

    (void)native;
    (void)name;
    db->wal_pages = pages;
    return SQLITE_OK;
}

/* A new database is its owner's alone, for it holds people's addresses; SQLite gives the
 * files beside it the same rights. What fails here is SQLite's to tell. */
static void make_private(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd >= 0) {
        close(fd);
    }
}

/* SQLite counts its memory under a lock that all connections share; nobody reads it. */
static void configure(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int connect_native(const char *path, int flags, sqlite3 **out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int rc;

    (void)pthread_once(&once, configure);
    if ((flags & SQLITE_OPEN_CREATE) != 0 && strcmp(path, ":memory:") != 0) {
        make_private(path);
    }
    rc = sqlite3_open_v2(path, out, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(*out, BUSY_TIMEOUT_MS);
    }
    return rc;
}

static int pragma_int(struct db *db, const char *text, int64_t *out, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query_text(db, text, &stmt, err);

    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        *out = db_int(stmt, 0);
        rc = 0;
    }
    db_stmt_free(stmt);
    return rc;
}

/* A file that says it belongs to another program, or has none of our tables but others, is left
 * alone: nothing may be written to it before this, WAL mode included. */
static int identify(struct db *db, int64_t *id, struct err *err)
{
    int rc = pragma_int(db, "PRAGMA application_id", id, err);

    if (rc == 0 && *id != 0 && *id != APPLICATION_ID) {
        rc = err_set(err, ERR_CORRUPT, "'%s' is a database of another program", db->path);
    }
    return rc == 0 ? migrate_recognise(db, err) : rc;
}

static int mark(struct db *db, int64_t id, bool may_write, struct err *err)
{
    char text[64];

    if (id != 0 || !may_write) {
        return 0;
    }
    snprintf(text, sizeof(text), "PRAGMA application_id = %d", APPLICATION_ID);
    return run_plain(db, text, err);
}

static int set_up(struct db *db, bool may_write, struct err *err)
{
    int rc = run_plain(db,
                       "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
                       "PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY;",
                       err);

    if (rc == 0 && may_write) {
        rc = run_plain(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", err);
    }
    return rc;
}

int db_open(const char *path, enum db_open_mode mode, struct db **out, struct err *err)
{
    bool may_write = mode != DB_OPEN_READ;
    int flags = mode == DB_OPEN_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    struct db *db = mem_alloc(1, sizeof(*db));
    size_t size = strlen(path) + sizeof("-wal");
    int64_t id = 0;
    int rc = 0;

    *out = NULL;
    if (db == NULL || (db->path = mem_strdup(path)) == NULL ||
        (db->log_path = mem_alloc(size, 1)) == NULL) {
        db_close(db);
        return err_nomem(err);
    }
    snprintf(db->log_path, size, "%s-wal", path);
    db->durability = DB_SURVIVES_POWER_CUT;
    if (mode == DB_OPEN_CREATE) {
        flags |= SQLITE_OPEN_CREATE;
    }
    db->checkpoint_pages = CHECKPOINT_PAGES;
    rc = token_init(err);
    if (rc == 0 && connect_native(path, flags, &db->native) != SQLITE_OK) {
        int system = db->native != NULL ? sqlite3_system_errno(db->native) : 0;

        rc = system != 0 ? err_set_errno(err,
                                         system == ENOENT   ? ERR_NOT_FOUND
                                         : system == EACCES ? ERR_DENIED
                                                            : ERR_IO,
                                         system, "cannot open database '%s'", path)
                         : err_set(err, ERR_IO, "cannot open database '%s'", path);
    }
    /* SQLite opens what it cannot open for writing for reading, and says nothing. */
    if (rc == 0 && may_write && sqlite3_db_readonly(db->native, "main") == 1) {
        rc =
            err_set(err, ERR_DENIED, "database '%s' cannot be written%s", path, advice(ERR_DENIED));
    }
    if (rc == 0) {
        rc = identify(db, &id, err);
    }
    if (rc == 0) {
        rc = set_up(db, may_write, err);
    }
    if (rc == 0) {
        rc = migrate_up(db, may_write, err);
    }
    if (rc == 0) {
        rc = mark(db, id, may_write, err);
    }
    if (rc < 0) {
        db_close(db);
        return rc;
    }
    sqlite3_wal_hook(db->native, on_wal, db);
    *out = db;
    return 0;
}

void db_close(struct db *db)
{
    if (db == NULL) {
        return;
    }
    for (size_t i = 0; i < PLAIN_COUNT; i++) {
        sqlite3_finalize(db->plain[i]);
    }
    for (size_t i = 0; i < CACHE_SLOTS; i++) {
        if (db->cache[i] != NULL) {
            sqlite3_finalize(db->cache[i]->native);
            mem_free(db->cache[i]);
        }
    }
    sqlite3_close(db->guard);
    sqlite3_close(db->native);
    mem_free(db->path);
    mem_free(db->log_path);
    mem_free(db);
}

const char *db_path(const struct db *db)
{
    return db->path;
}

int db_set_durability(struct db *db, enum db_durability durability, struct err *err)
{
    int rc = durability == db->durability
                 ? 0
                 : run_plain(db,
                             durability == DB_SURVIVES_KILL ? "PRAGMA synchronous = NORMAL"
                                                            : "PRAGMA synchronous = FULL",
                             err);

    db->durability = rc == 0 ? durability : db->durability;
    return rc;
}

/* The log is ordered, so what is in it up to now is safe once it is synced; what is no
 * longer in it was synced by the checkpoint that took it out. No locks are lost when
 * our descriptor is closed: SQLite holds its own on other files. */
int db_sync(const struct db *db, struct err *err)
{
    int fd = open(db->log_path, O_RDONLY | O_CLOEXEC);
    int rc = 0;

    if ((fd < 0 && errno != ENOENT) || (fd >= 0 && fdatasync(fd) != 0)) {
        rc = err_set_errno(err, errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO, errno,
                           "cannot write '%s' to the disk", db->log_path);
    }
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}

int db_set_cache(struct db *db, size_t kib, struct err *err)
{
    char text[48];

    snprintf(text, sizeof(text), "PRAGMA cache_size = -%zu", kib);
    return run_plain(db, text, err);
}

void db_set_log(struct db *db, size_t kib)
{
    db->checkpoint_pages = kib > 0 ? (int)(kib / PAGE_KIB) : CHECKPOINT_PAGES;
}

void db_pause(void)
{
    const struct timespec moment = {.tv_nsec = 1000000};

    (void)nanosleep(&moment, NULL);
}

int driver_script(struct db *db, const char *name, const char *script, struct err *err)
{
    int rc = run_plain(db, script, err);

    return rc < 0 ? err_prefix(err, "%s", name) : 0;
}

/* Copies the WAL into the database and lets the next commit start it anew.
 * A second connection holds the write lock meanwhile: SQLite 3.7.0 to 3.51.2 may
 * damage a database when a checkpoint runs while a writer resets the WAL. Nobody
 * is told when it does not work out: the next commit tries again. */
static void checkpoint(struct db *db)
{
    if (db->guard == NULL &&
        connect_native(db->path, SQLITE_OPEN_READWRITE, &db->guard) != SQLITE_OK) {
        sqlite3_close(db->guard);
        db->guard = NULL;
        return;
    }
    sqlite3_exec(db->guard, "PRAGMA wal_autocheckpoint = 0", NULL, NULL, NULL);
    if (db->durability == DB_SURVIVES_KILL) {
        (void)db_sync(db, NULL); /* the checkpoint would do it under the lock */
    }
    if (sqlite3_exec(db->guard, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) {
        return;
    }
    sqlite3_wal_checkpoint_v2(db->native, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    sqlite3_exec(db->guard, "ROLLBACK", NULL, NULL, NULL);
    db->wal_pages = 0;
}

void sqlite_after_commit(struct db *db)
{
    if (db->wal_pages >= db->checkpoint_pages && sqlite3_get_autocommit(db->native)) {
        checkpoint(db);
    }
}

int db_begin(struct db *db, struct err *err)
{
    return run_kept(db, PLAIN_BEGIN_IMMEDIATE, "BEGIN IMMEDIATE", err);
}

int db_begin_read(struct db *db, struct err *err)
{
    return run_kept(db, PLAIN_BEGIN, "BEGIN", err);
}

int db_commit(struct db *db, struct err *err)
{
    int rc = run_kept(db, PLAIN_COMMIT, "COMMIT", err);

    if (rc == 0) {
        sqlite_after_commit(db);
    }
    return rc;
}

void db_rollback(struct db *db)
{
    if (db != NULL && db_in_transaction(db)) {
        sqlite3_exec(db->native, "ROLLBACK", NULL, NULL, NULL);
    }
}

bool db_in_transaction(const struct db *db)
{
    return sqlite3_get_autocommit(db->native) == 0;
}
