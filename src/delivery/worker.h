/* src/delivery/worker.h - a delivering process in the database, and what its commits know.
 *
 * It is alive while it holds the lock on <folder>/worker-N.lock: a row of table worker
 * without a held lock is a dead worker's. Private to the ledger: all but the two atomics
 * belongs to the thread that runs a commit.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "domain.h"
#include "teataja/base/arena.h"
#include "teataja/delivery/ledger.h"
#include "watch.h"

enum { WORKER_LOCK_PATH = 1024 };

struct worker {
    struct db *db; /* open; the worker's own */
    int64_t id;
    int lock; /* -1: none */
    char lock_path[WORKER_LOCK_PATH];
    const char *relay;
    ledger_suppress *suppress;
    void *suppress_ctx;
    int64_t max_age;
    bool limited; /* the relay has limits: claims are counted */
    struct domains domains;
    struct watch watch;
    atomic_int_least64_t waits; /* ledger_waits_until */
    atomic_bool recalls;        /* ledger_recalls */
};

/* ERR_LIMIT: the folder's path is too long. */
int worker_lock_name(const char *folder, int64_t worker, char out[WORKER_LOCK_PATH],
                     struct err *err);

/* Makes the row and takes the lock. */
int worker_enlist(struct worker *worker, const struct ledger_options *options, struct err *err);

/* Puts back what is claimed and goes; one that cannot sign off leaves a dead worker for
 * recovery to find. The database stays open. */
void worker_leave(struct worker *worker);

/* A row that a worker has claimed. */
struct worker_row {
    int64_t id;
    bool begun; /* it is committing: its message may have gone out */
};

/* The rows of a worker, which nobody else changes while his lock is held. Takes half a second
 * for a million recipients: not inside a transaction that writes. */
int worker_rows(struct db *db, struct arena *arena, int64_t worker, struct worker_row **out,
                size_t *count, struct err *err);

/* A guarded transition touches exactly one row, or the row is not ours: ERR_STATE. Hands
 * on a negative rc. */
int worker_touched_one(const struct worker *worker, int rc, int64_t row, struct err *err);
