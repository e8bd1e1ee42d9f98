/* teataja/delivery/ledger.h - the outbox's writer: one connection for all threads.
 *
 * Every transition of a row goes through it, first in first out; requests that
 * wait at the same time share a commit, for sixteen writers of their own stall each
 * other up to 1.5 s where an fsync costs 0.25 ms. The thread that finds nobody at
 * work runs the commit for itself and all that came meanwhile, so that a lone
 * connection is never handed to another thread. Commits survive SIGKILL. A claim is
 * synced before its rows are handed out, while others go on committing: it survives a
 * power cut, and so does everything before it, because the WAL is ordered.
 *
 * A ledger is a worker: it holds the lock on <folder>/worker-N.lock for as long as
 * the process lives, and each transition is guarded by `worker = N`. There is no
 * time lease, which a stopped process or a stepping clock would break.
 *
 * Calls block until the commit that holds their request; any thread may call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/err.h"
#include "teataja/config/site.h"
#include "teataja/db/db.h"
#include "teataja/delivery/smtp.h"

struct ledger;

/* Runs in the transaction that makes a row failed for good because its mailbox
 * does not exist; `db` is the ledger's connection. Negative takes it all back. */
typedef int ledger_suppress(void *ctx, struct db *db, int64_t member, const char *address,
                            const char *evidence, struct err *err);

struct ledger_options {
    const char *database;    /* path */
    const char *lock_folder; /* where worker-N.lock stands */
    const char *relay;       /* name, for the rows */
    const struct site_limit *limits; /* of the relay; a claim never takes more than they allow */
    size_t limit_count;
    int64_t max_age; /* microseconds from a row's first answer after which it is not put off any
                        more but fails; 0: only by the number of its attempts */
    int halt_after;  /* hundredths of a percent of permanent failures, of at least 20 answers, at
                        which a mailing is held; 0: never */
    ledger_suppress *suppress; /* may be NULL */
    void *suppress_ctx;
};

/* Opens the database and registers this process as a worker. */
int ledger_open(const struct ledger_options *options, struct ledger **out, struct err *err);

/* Puts rows that are claimed and were not begun back to queued, and removes worker
 * and lock. No other call may be under way. NULL is fine. */
void ledger_close(struct ledger *ledger);

/* A claimed row. Texts belong to the row: ledger_row_release. */
struct ledger_row {
    int64_t id;
    int64_t mailing;
    int64_t member; /* 0 for a test address */
    int64_t list;   /* of the mailing; 0 for none */
    int64_t variant;
    int64_t attempts;
    bool may_get;          /* active on the list and not suppressed, when claimed */
    int64_t claimed_ticks; /* clock_ticks of the claim */
    char *address;
    char *slots;
};
void ledger_row_release(struct ledger_row *row);

#define LEDGER_CLAIM 16 /* most rows that a connection may hold: in doubt after a power cut */

/* Claims up to `max` due rows of the most urgent mailing (or of `mailing` unless 0)
 * into `rows`. *count is 0 when nothing is due, or when the relay's limits allow nothing
 * now: see ledger_waits_until. Due rows of a domain that is paused are put off instead,
 * without an attempt. Survives a power cut. */
int ledger_claim(struct ledger *ledger, int64_t mailing, size_t max, struct ledger_row *rows,
                 size_t *count, struct err *err);

/* When the relay's limits allow more, if the last claim took nothing because of them;
 * else 0. */
int64_t ledger_waits_until(const struct ledger *ledger);

/* True once after a mailing was halted or a domain paused: rows that are claimed and not
 * begun had better be returned. */
bool ledger_recalls(struct ledger *ledger);

/* What became of a row. */
struct ledger_outcome {
    const struct ledger_row *row;
    const struct smtp_outcome *smtp; /* NULL: the row may not be sent any more; see reason */
    const char *reason; /* with smtp NULL: "left the list", kept as the reply */
};

/* Writes outcomes and then, unless `begin` is NULL, that the final dot of that row
 * is about to go out - in one commit. ERR_STATE if a row is not this worker's. */
int ledger_write(struct ledger *ledger, const struct ledger_outcome *outcomes, size_t count,
                 const struct ledger_row *begin, struct err *err);

/* Puts claimed rows back to queued. */
int ledger_return(struct ledger *ledger, const struct ledger_row *rows, size_t count,
                  struct err *err);

/* What dead workers left: on the same boot `claimed` goes back to queued and
 * `committing` becomes unknown; after another boot both become unknown, for the
 * last commits may be lost. Then the mailings' policy: with `resend` unknown rows
 * are queued once more - at most LEDGER_RESENDS times -, with `hold` they stay.
 * *unknown (may be NULL) counts the rows that became unknown. */
#define LEDGER_RESENDS 3
int ledger_recover(struct db *db, const char *lock_folder, int64_t *unknown, struct err *err);

/* Applies the policy of unknown rows to one mailing, or to all for 0; *requeued
 * counts the rows that will be sent again. */
int ledger_apply_policy(struct db *db, int64_t mailing, int64_t *requeued, struct err *err);

/* Makes mailings that have nothing left to do `sent` (or `held`, with unknown rows
 * or a deadline that has passed), and drops what is left of cancelled ones: rows that were
 * claimed then and came back, or that whoever cancelled did not live to drop. */
int ledger_finish(struct db *db, struct err *err);
