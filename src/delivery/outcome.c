#include "outcome.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "quota.h"
#include "sql/delivery/outcome.h"
#include "sql/delivery/worker.h"
#include "teataja/base/clock.h"
#include "teataja/base/log.h"

enum { ATTEMPTS_MAX = 30 /* deferrals after which a row fails */ };

/* Pauses after the first, second, ... deferral; the last one repeats. */
static const int64_t pauses[] = {5 * CLOCK_MINUTE,  15 * CLOCK_MINUTE, 30 * CLOCK_MINUTE,
                                 60 * CLOCK_MINUTE, 2 * CLOCK_HOUR,    4 * CLOCK_HOUR};

static int suppress(struct worker *worker, const struct ledger_outcome *outcome, struct err *err)
{
    const struct ledger_row *row = outcome->row;
    const struct reply *reply = &outcome->smtp->reply;
    char evidence[64];

    if (!outcome->smtp->verdict.suppress || worker->suppress == NULL) {
        return 0;
    }
    snprintf(evidence, sizeof(evidence), "reply %d %s to outbox row %" PRId64, reply->code,
             reply->enhanced, row->id);
    return worker->suppress(worker->suppress_ctx, worker->db, row->member, row->address, evidence,
                            err);
}

static int note_attempt(struct worker *worker, const struct ledger_outcome *outcome,
                        const char *text, int64_t now, struct err *err)
{
    const struct smtp_outcome *smtp = outcome->smtp;

    return db_exec(worker->db, SQL_OUTCOME_ATTEMPT, err, "iitt?tt", outcome->row->id, now,
                   worker->relay, smtp != NULL ? reply_stage_name(smtp->stage) : "recipient",
                   smtp != NULL && smtp->reply.code != 0,
                   smtp != NULL ? (int64_t)smtp->reply.code : 0,
                   smtp != NULL ? smtp->reply.enhanced : NULL, text);
}

/* When a row is tried again; *state becomes failed if it has been put off for too long. */
static int put_off(struct worker *worker, const struct ledger_row *row, int64_t now,
                   int64_t *next_at, const char **state, struct err *err)
{
    size_t n = (size_t)row->attempts < sizeof(pauses) / sizeof(pauses[0])
                   ? (size_t)row->attempts
                   : sizeof(pauses) / sizeof(pauses[0]) - 1;
    int64_t first = now;
    int rc =
        worker->max_age > 0 && row->attempts > 0
            ? db_get_int(worker->db, SQL_OUTCOME_FIRST_ATTEMPT, &first, err, "ii", row->id, now)
            : 0;

    *next_at = now + pauses[n];
    if (row->attempts + 1 >= ATTEMPTS_MAX ||
        (worker->max_age > 0 && *next_at - first > worker->max_age)) {
        *state = "failed";
    }
    return rc < 0 ? rc : 0;
}

/* Deferred, failed, unknown, or not to be sent any more. */
static int settle(struct worker *worker, const struct ledger_outcome *outcome, const char *state,
                  int64_t now, struct err *err)
{
    const struct ledger_row *row = outcome->row;
    const struct smtp_outcome *smtp = outcome->smtp;
    const char *text = smtp != NULL ? smtp->reply.text : outcome->reason;
    int64_t next_at = 0;
    int rc = 0;

    if (strcmp(state, "deferred") == 0) {
        rc = put_off(worker, row, now, &next_at, &state, err);
    }
    if (rc == 0) {
        rc = db_exec(worker->db, SQL_OUTCOME_SETTLED, err, "iitti?tti", row->id, worker->id, state,
                     worker->relay, now, smtp != NULL && smtp->reply.code != 0,
                     smtp != NULL ? (int64_t)smtp->reply.code : 0,
                     smtp != NULL ? smtp->reply.enhanced : NULL, text, next_at);
    }
    rc = worker_touched_one(worker, rc, row->id, err);
    return rc < 0 ? rc : note_attempt(worker, outcome, text, now, err);
}

static int write_row(struct worker *worker, const struct ledger_outcome *outcome, struct err *err)
{
    const struct ledger_row *row = outcome->row;
    const struct smtp_outcome *smtp = outcome->smtp;
    int64_t now = clock_now();
    int rc;

    if (smtp == NULL) {
        return settle(worker, outcome, "suppressed", now, err);
    }
    switch (smtp->verdict.disposition) {
    case REPLY_SENT:
        rc = db_exec(worker->db, SQL_OUTCOME_SENT, err, "iitiitt", row->id, worker->id,
                     worker->relay, now, (int64_t)smtp->reply.code, smtp->reply.enhanced,
                     smtp->reply.text);
        return worker_touched_one(worker, rc, row->id, err);
    case REPLY_RETURNED:
        rc = db_exec(worker->db, SQL_WORKER_RETURN, err, "ii", row->id, worker->id);
        return worker_touched_one(worker, rc, row->id, err);
    case REPLY_DEFERRED:
    case REPLY_FAILED:
    case REPLY_UNKNOWN:
        rc = settle(worker, outcome, reply_disposition_name(smtp->verdict.disposition), now, err);
        return rc < 0 ? rc : suppress(worker, outcome, err);
    }
    return err_set(err, ERR_INVALID, "outbox row %" PRId64 " has no outcome", row->id);
}

/* The relay has had the message, or at least was asked to take it. */
static bool uses_quota(const struct smtp_outcome *smtp)
{
    return smtp != NULL && smtp->verdict.disposition != REPLY_RETURNED &&
           smtp->stage != REPLY_MESSAGE;
}

/* What an outcome means for its domain and for its mailing. */
static int learn(struct worker *worker, const struct ledger_outcome *outcome, struct err *err)
{
    const struct smtp_outcome *smtp = outcome->smtp;
    bool paused = false;
    bool halted = false;
    int rc;

    if (!uses_quota(smtp)) {
        return 0;
    }
    rc = domains_note(worker->db, &worker->domains, outcome->row->address, smtp, clock_now(),
                      &paused, err);
    if (rc == 0 &&
        (smtp->verdict.disposition == REPLY_SENT || smtp->verdict.disposition == REPLY_FAILED)) {
        rc = watch_note(&worker->watch, worker->db, outcome->row->mailing,
                        smtp->verdict.disposition == REPLY_FAILED, &halted, err);
    }
    if (halted || paused) {
        atomic_store(&worker->recalls, true);
    }
    return rc;
}

/* What is settled is held no more; what the relay answered counts from now on. */
static int account(struct worker *worker, const struct ledger_outcome *outcomes, size_t count,
                   struct err *err)
{
    int64_t used = 0;
    int rc;

    if (!worker->limited || count == 0) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        used += uses_quota(outcomes[i].smtp) ? 1 : 0;
    }
    rc = quota_hold(worker->db, worker->id, -(int64_t)count, err);
    return rc == 0 ? quota_use(worker->db, worker->id, clock_now(), used, err) : rc;
}

int outcome_write(struct worker *worker, const struct ledger_outcome *outcomes, size_t count,
                  const struct ledger_row *begin, struct err *err)
{
    int rc = account(worker, outcomes, count, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = write_row(worker, &outcomes[i], err);
        rc = rc == 0 ? learn(worker, &outcomes[i], err) : rc;
    }
    if (rc == 0 && begin != NULL) {
        rc = db_exec(worker->db, SQL_OUTCOME_BEGIN, err, "iii", begin->id, worker->id, clock_now());
        rc = worker_touched_one(worker, rc, begin->id, err);
    }
    return rc;
}

/* The relay's words may hold the address: only its codes are logged. */
void outcome_log(const struct ledger_outcome *outcome)
{
    const struct smtp_outcome *smtp = outcome->smtp;

    LOG(LOG_INFO, "message", log_int("mailing", outcome->row->mailing),
        log_int("row", outcome->row->id), log_int("member", outcome->row->member),
        log_text("outcome", smtp != NULL ? reply_disposition_name(smtp->verdict.disposition)
                                         : outcome->reason),
        log_int("code", smtp != NULL ? smtp->reply.code : 0),
        log_text("enhanced", smtp != NULL ? smtp->reply.enhanced : ""));
}
