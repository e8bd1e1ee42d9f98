#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "quota.h"
#include "sql/delivery/worker.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/log.h"

int worker_lock_name(const char *folder, int64_t worker, char out[WORKER_LOCK_PATH],
                     struct err *err)
{
    int len = snprintf(out, WORKER_LOCK_PATH, "%s/worker-%" PRId64 ".lock", folder, worker);

    return len > 0 && len < WORKER_LOCK_PATH
               ? 0
               : err_set(err, ERR_LIMIT, "the path of folder '%s' is too long", folder);
}

/* The lock is taken before the worker's row is seen by anybody: a row without a
 * held lock is a dead worker's. */
int worker_enlist(struct worker *worker, const struct ledger_options *options, struct err *err)
{
    int rc = db_begin(worker->db, err);

    if (rc == 0) {
        rc = db_exec(worker->db, SQL_WORKER_INSERT, err, "tiit", clock_boot_id(), (int64_t)getpid(),
                     clock_now(), worker->relay);
    }
    if (rc == 0) {
        worker->id = db_last_id(worker->db);
        rc = worker_lock_name(options->lock_folder, worker->id, worker->lock_path, err);
    }
    if (rc == 0) {
        rc = quota_declare(worker->db, worker->relay, options->limits, options->limit_count,
                           &worker->limited, err);
    }
    if (rc == 0) {
        worker->lock = open(worker->lock_path, O_CREAT | O_RDWR | O_CLOEXEC, 0644);
        if (worker->lock < 0 || flock(worker->lock, LOCK_EX | LOCK_NB) != 0) {
            rc = err_set_errno(err, ERR_IO, errno, "cannot lock '%s'", worker->lock_path);
        }
    }
    if (rc == 0) {
        rc = db_commit(worker->db, err);
    }
    db_rollback(worker->db);
    return rc;
}

int worker_rows(struct db *db, struct arena *arena, int64_t worker, struct worker_row **out,
                size_t *count, struct err *err)
{
    struct db_stmt *stmt = NULL;
    size_t capacity = 0;
    int rc = db_query(db, SQL_WORKER_ROWS, &stmt, err);

    *out = NULL;
    *count = 0;
    rc = rc == 0 ? db_bind_int(stmt, 1, worker, err) : rc;
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = arena_grow(arena, out, &capacity, *count, sizeof(**out), err);
        if (rc == 0) {
            (*out)[(*count)++] =
                (struct worker_row){.id = db_int(stmt, 0), .begun = db_int(stmt, 1) != 0};
        }
    }
    db_stmt_free(stmt);
    return rc;
}

/* Returns what was not begun; *begun counts the others, which stay with their worker. */
static int settle_rows(struct worker *worker, const struct worker_row *rows, size_t count,
                       size_t *begun, struct err *err)
{
    int rc = watch_flush(&worker->watch, worker->db, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        *begun += rows[i].begun ? 1 : 0;
        rc = rows[i].begun
                 ? 0
                 : db_exec(worker->db, SQL_WORKER_RETURN, err, "ii", rows[i].id, worker->id);
    }
    return rc < 0 || *begun > 0 ? rc : db_exec(worker->db, SQL_WORKER_DELETE, err, "i", worker->id);
}

static int sign_off(struct worker *worker, struct err *err)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct worker_row *rows = NULL;
    size_t count = 0;
    size_t begun = 0;
    int rc = arena == NULL ? err_nomem(err)
                           : worker_rows(worker->db, arena, worker->id, &rows, &count, err);

    rc = rc == 0 ? db_begin(worker->db, err) : rc;
    rc = rc == 0 ? settle_rows(worker, rows, count, &begun, err) : rc;
    rc = rc == 0 ? db_commit(worker->db, err) : rc;
    db_rollback(worker->db);
    if (rc == 0 && begun > 0) {
        rc = err_set(err, ERR_STATE, "it holds a message that may have gone out");
    }
    arena_free(arena);
    return rc;
}

void worker_leave(struct worker *worker)
{
    struct err err = {0};
    int rc = worker->id != 0 ? sign_off(worker, &err) : 0;

    if (rc == 0 && worker->lock >= 0) {
        unlink(worker->lock_path);
    }
    if (rc < 0) {
        LOG(LOG_WARN, "worker_left_behind", log_int("worker", worker->id),
            log_text("error", err.msg));
    }
    if (worker->lock >= 0) {
        close(worker->lock);
        worker->lock = -1;
    }
}

int worker_touched_one(const struct worker *worker, int rc, int64_t row, struct err *err)
{
    if (rc == 0 && db_changes(worker->db) != 1) {
        rc = err_set(err, ERR_STATE, "outbox row %" PRId64 " is not worker %" PRId64 "'s any more",
                     row, worker->id);
    }
    return rc;
}
