/* What dead workers left behind: see teataja/delivery/ledger.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "quota.h"
#include "sql/delivery/recovery.h"
#include "sql/delivery/worker.h"
#include "teataja/base/arena.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/log.h"
#include "teataja/delivery/figures.h"
#include "teataja/delivery/ledger.h"
#include "teataja/delivery/mailing.h"
#include "worker.h"

struct enlisted {
    int64_t id;
    bool same_boot;
};

/* True if nobody holds the worker's lock; *fd then does, until it is closed. */
static bool is_dead(const char *folder, int64_t worker, int *fd)
{
    char path[WORKER_LOCK_PATH];

    *fd = -1;
    if (worker_lock_name(folder, worker, path, NULL) < 0) {
        return false;
    }
    *fd = open(path, O_RDWR | O_CLOEXEC);
    if (*fd < 0) {
        return errno == ENOENT;
    }
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        close(*fd);
        *fd = -1;
        return false;
    }
    unlink(path);
    return true;
}

/* Of one row: it is in doubt, or as if it had not been tried. */
static int settle_row(struct db *db, const struct enlisted *worker, const struct worker_row *row,
                      int64_t *doubts, struct err *err)
{
    const char *why = worker->same_boot ? "the program ended while the message was on its way"
                                        : "the machine went down while the message was claimed";
    int rc;

    if (worker->same_boot && !row->begun) {
        return db_exec(db, SQL_WORKER_RETURN, err, "ii", row->id, worker->id);
    }
    *doubts += 1;
    rc = db_exec(db, SQL_RECOVERY_NOTE, err, "iiit", row->id, worker->id, clock_now(), why);
    return rc == 0 ? db_exec(db, SQL_RECOVERY_UNKNOWN, err, "iiit", row->id, worker->id,
                             clock_now(), why)
                   : rc;
}

static int bury(struct db *db, struct arena *arena, const struct enlisted *worker, int64_t *unknown,
                struct err *err)
{
    struct worker_row *rows = NULL;
    size_t count = 0;
    int64_t doubts = 0;
    int rc = worker_rows(db, arena, worker->id, &rows, &count, err);

    if (rc == 0) {
        rc = db_begin(db, err);
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = settle_row(db, worker, &rows[i], &doubts, err);
    }
    if (rc == 0) {
        rc = quota_use(db, worker->id, clock_now(), doubts, err);
    }
    if (rc == 0) {
        rc = db_exec(db, SQL_WORKER_DELETE, err, "i", worker->id);
    }
    if (rc == 0) {
        rc = db_commit(db, err);
    }
    db_rollback(db);
    *unknown += rc == 0 ? doubts : 0;
    return rc;
}

static int list_workers(struct db *db, struct arena *arena, struct enlisted **workers,
                        size_t *count, struct err *err)
{
    struct db_stmt *stmt = NULL;
    size_t capacity = 0;
    int rc = db_query(db, SQL_WORKER_LIST, &stmt, err);

    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = arena_grow(arena, workers, &capacity, *count, sizeof(**workers), err);
        if (rc == 0) {
            (*workers)[*count].id = db_int(stmt, 0);
            (*workers)[*count].same_boot = strcmp(db_text(stmt, 1), clock_boot_id()) == 0;
            *count += 1;
        }
    }
    db_stmt_free(stmt);
    return rc;
}

int ledger_recover(struct db *db, const char *lock_folder, int64_t *unknown, struct err *err)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct enlisted *workers = NULL;
    int64_t became_unknown = 0;
    int64_t requeued = 0;
    size_t count = 0;
    int rc = arena == NULL ? err_nomem(err) : list_workers(db, arena, &workers, &count, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        int fd;

        if (is_dead(lock_folder, workers[i].id, &fd)) {
            rc = bury(db, arena, &workers[i], &became_unknown, err);
            LOG(became_unknown > 0 ? LOG_WARN : LOG_INFO, "worker_recovered",
                log_int("worker", workers[i].id), log_int("unknown", became_unknown));
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    if (rc == 0) {
        rc = ledger_apply_policy(db, 0, &requeued, err);
    }
    if (unknown != NULL) {
        *unknown = became_unknown;
    }
    arena_free(arena);
    return rc;
}

int ledger_apply_policy(struct db *db, int64_t mailing, int64_t *requeued, struct err *err)
{
    int rc = db_exec(db, SQL_RECOVERY_REQUEUE, err, "ii", mailing, (int64_t)LEDGER_RESENDS);

    *requeued = rc == 0 ? db_changes(db) : 0;
    return rc;
}

/* How often it is read again that nothing is claimed while others write; then the lock is
 * taken first. */
enum { FINISH_TRIES = 3 };

struct ending {
    struct db *db;
    int64_t now;
    int64_t version; /* of the database when the mailings were read */
    int64_t *mailings;
    size_t count;
};

static int read_over(struct ending *ending, struct arena *arena, struct err *err)
{
    struct db_stmt *stmt = NULL;
    size_t capacity = 0;
    int rc = db_begin_read(ending->db, err);

    ending->count = 0;
    ending->mailings = NULL;
    rc = rc == 0 ? db_query(ending->db, SQL_RECOVERY_OVER, &stmt, err) : rc;
    rc = rc == 0 ? db_bind_int(stmt, 1, ending->now, err) : rc;
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = arena_grow(arena, &ending->mailings, &capacity, ending->count,
                        sizeof(*ending->mailings), err);
        if (rc == 0) {
            ending->mailings[ending->count++] = db_int(stmt, 0);
        }
    }
    db_stmt_free(stmt);
    rc = rc == 0 ? figures_version(ending->db, &ending->version, err) : rc;
    db_rollback(ending->db);
    return rc;
}

static int finish_one(const struct ending *ending, int64_t mailing, bool unchanged, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(ending->db, SQL_RECOVERY_FINISH, &stmt, err);

    rc = rc == 0 ? db_bind(stmt, err, "iii", ending->now, mailing, (int64_t)unchanged) : rc;
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        bool held = db_text(stmt, 2)[0] != '\0';

        LOG(held ? LOG_WARN : LOG_INFO, "mailing_ended", log_int("mailing", db_int(stmt, 0)),
            log_text("state", db_text(stmt, 1)), log_text("why", db_text(stmt, 2)),
            log_int("left", db_int(stmt, 3)));
        rc = 0;
    }
    db_stmt_free(stmt);
    return rc;
}

/* 1 if somebody has written since, and `look` is false. */
static int finish_all(const struct ending *ending, bool look, struct err *err)
{
    int64_t version = 0;
    bool unchanged;
    int rc = db_begin(ending->db, err);

    rc = rc == 0 ? figures_version(ending->db, &version, err) : rc;
    unchanged = version == ending->version;
    if (rc == 0 && !unchanged && !look) {
        rc = 1;
    }
    for (size_t i = 0; rc == 0 && i < ending->count; i++) {
        rc = finish_one(ending, ending->mailings[i], unchanged, err);
    }
    rc = rc == 0 ? db_commit(ending->db, err) : rc;
    db_rollback(ending->db);
    return rc;
}

int ledger_finish(struct db *db, struct err *err)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct ending ending = {.db = db, .now = clock_now()};
    int rc = arena == NULL ? err_nomem(err) : mailing_drop_cancelled(db, 0, err);
    int again = 1;

    for (int i = 1; rc == 0 && again == 1; i++) {
        again = 0;
        rc = read_over(&ending, arena, err);
        if (rc == 0 && ending.count > 0) {
            again = finish_all(&ending, i >= FINISH_TRIES, err);
            rc = again < 0 ? again : 0;
        }
    }
    arena_free(arena);
    return rc;
}
