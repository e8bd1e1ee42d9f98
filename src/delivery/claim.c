#include "claim.h"

#include "quota.h"
#include "sql/delivery/claim.h"
#include "sql/delivery/worker.h"
#include "teataja/base/clock.h"
#include "teataja/base/mem.h"

enum { POSTPONE_MAX = 512 /* rows of paused domains that one transaction puts off */ };

/* What a claim has got so far. */
struct claim {
    int64_t mailing; /* 0: of any */
    struct ledger_row *rows;
    size_t count;
    size_t postponed;
};

static int claim_row(struct db_stmt *stmt, struct ledger_row *row, struct err *err)
{
    *row = (struct ledger_row){
        .id = db_int(stmt, 0),
        .mailing = db_int(stmt, 1),
        .member = db_int(stmt, 2),
        .variant = db_int(stmt, 3),
        .attempts = db_int(stmt, 4),
        .address = mem_strdup(db_text(stmt, 5)),
        .slots = mem_strdup(db_text(stmt, 6)),
        .list = db_int(stmt, 7),
        .may_get = db_int(stmt, 8) != 0,
        .claimed_ticks = clock_ticks(),
    };
    return row->address != NULL && row->slots != NULL ? 0 : err_nomem(err);
}

static int claim_rows(struct worker *worker, struct claim *claim, int64_t now, int64_t max,
                      struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(worker->db, SQL_CLAIM_TAKE, &stmt, err);

    if (rc == 0) {
        rc = db_bind(stmt, err, "iiii", worker->id, now, max, claim->mailing);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = claim_row(stmt, &claim->rows[claim->count++], err);
    }
    db_stmt_free(stmt);
    return rc;
}

/* Puts off what belongs to a paused domain; what is left moves up. */
static int postpone(struct worker *worker, struct claim *claim, int64_t now, struct err *err)
{
    size_t kept = 0;
    int rc = domains_load(worker->db, &worker->domains, err);

    if (rc < 0 || worker->domains.count == 0) {
        return rc;
    }
    for (size_t i = 0; i < claim->count; i++) {
        struct ledger_row *row = &claim->rows[i];
        int64_t until = domains_paused(&worker->domains, row->address, now);

        if (rc < 0 || until == 0) {
            claim->rows[kept++] = *row;
            continue;
        }
        rc = db_exec(worker->db, SQL_CLAIM_POSTPONE, err, "iii", row->id, worker->id, until);
        ledger_row_release(row);
        claim->postponed++;
    }
    claim->count = kept;
    return rc;
}

/* What the relay's limits leave of `max`. */
static int limit_claim(struct worker *worker, int64_t now, int64_t *max, struct err *err)
{
    int64_t room = 0;
    int64_t next_at = 0;
    int rc;

    if (!worker->limited) {
        return 0;
    }
    rc = quota_room(worker->db, worker->relay, now, &room, &next_at, err);
    *max = room < *max ? room : *max;
    atomic_store(&worker->waits, room == 0 ? next_at : 0);
    return rc;
}

int claim_take(struct worker *worker, int64_t mailing, size_t max, struct ledger_row *rows,
               size_t *count, size_t *postponed, struct err *err)
{
    struct claim claim = {.mailing = mailing, .rows = rows};
    int64_t now = clock_now();
    int64_t most = (int64_t)max;
    int64_t sending = 0;
    size_t before;
    int rc = limit_claim(worker, now, &most, err);

    do {
        before = claim.postponed;
        if (rc == 0 && most > 0) {
            rc = claim_rows(worker, &claim, now, most, err);
        }
        if (rc == 0) {
            rc = postpone(worker, &claim, now, err);
        }
    } while (rc == 0 && claim.count == 0 && claim.postponed > before &&
             claim.postponed < POSTPONE_MAX);
    for (size_t i = 0; rc == 0 && i < claim.count; i++) {
        if (rows[i].mailing != sending) {
            sending = rows[i].mailing;
            rc = db_exec(worker->db, SQL_CLAIM_MAILING_SENDING, err, "i", sending);
        }
    }
    if (rc == 0 && worker->limited) {
        rc = quota_hold(worker->db, worker->id, (int64_t)claim.count, err);
    }
    *count = claim.count;
    *postponed = claim.postponed;
    return rc == 0 ? watch_flush(&worker->watch, worker->db, err) : rc;
}

int claim_return(struct worker *worker, const struct ledger_row *rows, size_t count,
                 struct err *err)
{
    int rc = worker->limited ? quota_hold(worker->db, worker->id, -(int64_t)count, err) : 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = db_exec(worker->db, SQL_WORKER_RETURN, err, "ii", rows[i].id, worker->id);
    }
    return rc;
}

void ledger_row_release(struct ledger_row *row)
{
    mem_free(row->address);
    mem_free(row->slots);
    row->address = NULL;
    row->slots = NULL;
}
