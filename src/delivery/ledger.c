#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "domain.h"
#include "quota.h"
#include "sql/delivery/ledger.h"
#include "teataja/base/clock.h"
#include "teataja/base/log.h"
#include "teataja/base/mem.h"
#include "teataja/delivery/ledger.h"
#include "watch.h"

enum {
    LOCK_PATH = 1024,
    GROUP_MAX = 256,  /* requests of one commit */
    ATTEMPTS_MAX = 30, /* deferrals after which a row fails */
    POSTPONE_MAX = 512 /* rows of paused domains that one transaction puts off */
};

/* Pauses after the first, second, ... deferral; the last one repeats. */
static const int64_t pauses[] = {5 * CLOCK_MINUTE,  15 * CLOCK_MINUTE, 30 * CLOCK_MINUTE,
                                 60 * CLOCK_MINUTE, 2 * CLOCK_HOUR,    4 * CLOCK_HOUR};

enum request_kind { REQUEST_CLAIM, REQUEST_WRITE, REQUEST_RETURN };

/* Lives on the caller's stack until it is done. */
struct request {
    struct request *next;
    bool lead; /* woken to run the next group, which it is the first of */
    enum request_kind kind;
    int64_t mailing; /* claim */
    size_t max;
    struct ledger_row *rows;
    size_t count;
    size_t postponed;
    const struct ledger_row *returned;     /* return */
    const struct ledger_outcome *outcomes; /* write */
    const struct ledger_row *begin;
    sem_t wake; /* one each: waking all that wait costs more than the commit */
    int rc;
    struct err err;
};

struct ledger {
    struct db *db;
    int64_t worker;
    int lock;
    char lock_path[LOCK_PATH];
    const char *relay;
    ledger_suppress *suppress;
    void *suppress_ctx;
    int64_t max_age;
    bool limited;                  /* the relay has limits: claims are counted */
    atomic_int_least64_t waits;    /* ledger_waits_until */
    atomic_bool recalls;           /* ledger_recalls */
    struct domains domains;        /* these and the next belong to who runs a commit */
    struct watch watch;
    pthread_mutex_t mutex; /* of all below */
    struct request *head;
    struct request **tail;
    bool led; /* a thread is running a group; else nothing waits */
};

/* ---- worker and lock ---- */

static int lock_name(const char *folder, int64_t worker, char out[LOCK_PATH], struct err *err)
{
    int len = snprintf(out, LOCK_PATH, "%s/worker-%" PRId64 ".lock", folder, worker);

    return len > 0 && len < LOCK_PATH
               ? 0
               : err_set(err, ERR_LIMIT, "the path of folder '%s' is too long", folder);
}

/* The lock is taken before the worker's row is seen by anybody: a row without a
 * held lock is a dead worker's. */
static int enlist(struct ledger *ledger, const struct ledger_options *options, struct err *err)
{
    int rc = db_begin(ledger->db, err);

    if (rc == 0) {
        rc = db_exec(ledger->db, SQL_LEDGER_WORKER_INSERT, err, "tiit", clock_boot_id(),
                     (int64_t)getpid(), clock_now(), ledger->relay);
    }
    if (rc == 0) {
        ledger->worker = db_last_id(ledger->db);
        rc = lock_name(options->lock_folder, ledger->worker, ledger->lock_path, err);
    }
    if (rc == 0) {
        rc = quota_declare(ledger->db, ledger->relay, options->limits, options->limit_count,
                           &ledger->limited, err);
    }
    if (rc == 0) {
        ledger->lock = open(ledger->lock_path, O_CREAT | O_RDWR | O_CLOEXEC, 0644);
        if (ledger->lock < 0 || flock(ledger->lock, LOCK_EX | LOCK_NB) != 0) {
            rc = err_set_errno(err, ERR_IO, errno, "cannot lock '%s'", ledger->lock_path);
        }
    }
    if (rc == 0) {
        rc = db_commit(ledger->db, err);
    }
    db_rollback(ledger->db);
    return rc;
}

/* ---- transitions, inside the group's transaction ---- */

/* A guarded transition touches exactly one row, or the row is not ours. */
static int must_touch_one(struct ledger *ledger, int rc, int64_t row, struct err *err)
{
    if (rc == 0 && db_changes(ledger->db) != 1) {
        rc = err_set(err, ERR_STATE, "outbox row %" PRId64 " is not worker %" PRId64 "'s any more",
                     row, ledger->worker);
    }
    return rc;
}

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

static int claim_rows(struct ledger *ledger, struct request *request, int64_t now, int64_t max,
                      struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(ledger->db, SQL_LEDGER_CLAIM, &stmt, err);

    if (rc == 0) {
        rc = db_bind(stmt, err, "iiii", ledger->worker, now, max, request->mailing);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = claim_row(stmt, &request->rows[request->count++], err);
    }
    db_stmt_free(stmt);
    return rc;
}

/* Puts off what belongs to a paused domain; what is left moves up. */
static int postpone(struct ledger *ledger, struct request *request, int64_t now, struct err *err)
{
    size_t kept = 0;
    int rc = domains_load(ledger->db, &ledger->domains, err);

    if (rc < 0 || ledger->domains.count == 0) {
        return rc;
    }
    for (size_t i = 0; i < request->count; i++) {
        struct ledger_row *row = &request->rows[i];
        int64_t until = domains_paused(&ledger->domains, row->address, now);

        if (rc < 0 || until == 0) {
            request->rows[kept++] = *row;
            continue;
        }
        rc = db_exec(ledger->db, SQL_LEDGER_POSTPONE, err, "iii", row->id, ledger->worker, until);
        ledger_row_release(row);
        request->postponed++;
    }
    request->count = kept;
    return rc;
}

/* What the relay's limits leave of `max`. */
static int limit_claim(struct ledger *ledger, int64_t now, int64_t *max, struct err *err)
{
    int64_t room = 0;
    int64_t next_at = 0;
    int rc;

    if (!ledger->limited) {
        return 0;
    }
    rc = quota_room(ledger->db, ledger->relay, now, &room, &next_at, err);
    *max = room < *max ? room : *max;
    atomic_store(&ledger->waits, room == 0 ? next_at : 0);
    return rc;
}

static int do_claim(struct ledger *ledger, struct request *request, struct err *err)
{
    int64_t now = clock_now();
    int64_t max = (int64_t)request->max;
    int64_t mailing = 0;
    size_t postponed;
    int rc = limit_claim(ledger, now, &max, err);

    request->count = 0;
    request->postponed = 0;
    do {
        postponed = request->postponed;
        if (rc == 0 && max > 0) {
            rc = claim_rows(ledger, request, now, max, err);
        }
        if (rc == 0) {
            rc = postpone(ledger, request, now, err);
        }
    } while (rc == 0 && request->count == 0 && request->postponed > postponed &&
             request->postponed < POSTPONE_MAX);
    for (size_t i = 0; rc == 0 && i < request->count; i++) {
        if (request->rows[i].mailing != mailing) {
            mailing = request->rows[i].mailing;
            rc = db_exec(ledger->db, SQL_LEDGER_MAILING_SENDING, err, "i", mailing);
        }
    }
    if (rc == 0 && ledger->limited) {
        rc = quota_hold(ledger->db, ledger->worker, (int64_t)request->count, err);
    }
    return rc == 0 ? watch_flush(&ledger->watch, ledger->db, err) : rc;
}

static int do_suppress(struct ledger *ledger, const struct ledger_outcome *outcome, struct err *err)
{
    const struct ledger_row *row = outcome->row;
    const struct reply *reply = &outcome->smtp->reply;
    char evidence[64];

    if (!outcome->smtp->verdict.suppress || ledger->suppress == NULL) {
        return 0;
    }
    snprintf(evidence, sizeof(evidence), "reply %d %s to outbox row %" PRId64, reply->code,
             reply->enhanced, row->id);
    return ledger->suppress(ledger->suppress_ctx, ledger->db, row->member, row->address, evidence,
                            err);
}

static int note_attempt(struct ledger *ledger, const struct ledger_outcome *outcome,
                        const char *text, int64_t now, struct err *err)
{
    const struct smtp_outcome *smtp = outcome->smtp;

    return db_exec(ledger->db, SQL_LEDGER_ATTEMPT, err, "iitt?tt", outcome->row->id, now,
                   ledger->relay, smtp != NULL ? reply_stage_name(smtp->stage) : "recipient",
                   smtp != NULL && smtp->reply.code != 0,
                   smtp != NULL ? (int64_t)smtp->reply.code : 0,
                   smtp != NULL ? smtp->reply.enhanced : NULL, text);
}

/* When a row is tried again; *state becomes failed if it has been put off for too long. */
static int put_off(struct ledger *ledger, const struct ledger_row *row, int64_t now,
                   int64_t *next_at, const char **state, struct err *err)
{
    size_t n = (size_t)row->attempts < sizeof(pauses) / sizeof(pauses[0])
                   ? (size_t)row->attempts
                   : sizeof(pauses) / sizeof(pauses[0]) - 1;
    int64_t first = now;
    int rc = ledger->max_age > 0 && row->attempts > 0
                 ? db_get_int(ledger->db, SQL_LEDGER_FIRST_ATTEMPT, &first, err, "ii", row->id, now)
                 : 0;

    *next_at = now + pauses[n];
    if (row->attempts + 1 >= ATTEMPTS_MAX ||
        (ledger->max_age > 0 && *next_at - first > ledger->max_age)) {
        *state = "failed";
    }
    return rc < 0 ? rc : 0;
}

/* Deferred, failed, unknown, or not to be sent any more. */
static int settle(struct ledger *ledger, const struct ledger_outcome *outcome, const char *state,
                  int64_t now, struct err *err)
{
    const struct ledger_row *row = outcome->row;
    const struct smtp_outcome *smtp = outcome->smtp;
    const char *text = smtp != NULL ? smtp->reply.text : outcome->reason;
    int64_t next_at = 0;
    int rc = 0;

    if (strcmp(state, "deferred") == 0) {
        rc = put_off(ledger, row, now, &next_at, &state, err);
    }
    if (rc == 0) {
        rc = db_exec(ledger->db, SQL_LEDGER_SETTLED, err, "iitti?tti", row->id, ledger->worker,
                     state, ledger->relay, now, smtp != NULL && smtp->reply.code != 0,
                     smtp != NULL ? (int64_t)smtp->reply.code : 0,
                     smtp != NULL ? smtp->reply.enhanced : NULL, text, next_at);
    }
    rc = must_touch_one(ledger, rc, row->id, err);
    return rc < 0 ? rc : note_attempt(ledger, outcome, text, now, err);
}

static int do_outcome(struct ledger *ledger, const struct ledger_outcome *outcome, struct err *err)
{
    const struct ledger_row *row = outcome->row;
    const struct smtp_outcome *smtp = outcome->smtp;
    int64_t now = clock_now();
    int rc;

    if (smtp == NULL) {
        return settle(ledger, outcome, "suppressed", now, err);
    }
    switch (smtp->verdict.disposition) {
    case REPLY_SENT:
        rc = db_exec(ledger->db, SQL_LEDGER_SENT, err, "iitiitt", row->id, ledger->worker,
                     ledger->relay, now, (int64_t)smtp->reply.code, smtp->reply.enhanced,
                     smtp->reply.text);
        return must_touch_one(ledger, rc, row->id, err);
    case REPLY_RETURNED:
        rc = db_exec(ledger->db, SQL_LEDGER_RETURN, err, "ii", row->id, ledger->worker);
        return must_touch_one(ledger, rc, row->id, err);
    case REPLY_DEFERRED:
    case REPLY_FAILED:
    case REPLY_UNKNOWN:
        rc = settle(ledger, outcome, reply_disposition_name(smtp->verdict.disposition), now, err);
        return rc < 0 ? rc : do_suppress(ledger, outcome, err);
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
static int learn(struct ledger *ledger, const struct ledger_outcome *outcome, struct err *err)
{
    const struct smtp_outcome *smtp = outcome->smtp;
    bool paused = false;
    bool halted = false;
    int rc;

    if (!uses_quota(smtp)) {
        return 0;
    }
    rc = domains_note(ledger->db, &ledger->domains, outcome->row->address, smtp, clock_now(),
                      &paused, err);
    if (rc == 0 && (smtp->verdict.disposition == REPLY_SENT ||
                    smtp->verdict.disposition == REPLY_FAILED)) {
        rc = watch_note(&ledger->watch, ledger->db, outcome->row->mailing,
                        smtp->verdict.disposition == REPLY_FAILED, &halted, err);
    }
    if (halted || paused) {
        atomic_store(&ledger->recalls, true);
    }
    return rc;
}

/* What is settled is held no more; what the relay answered counts from now on. */
static int account(struct ledger *ledger, const struct request *request, struct err *err)
{
    int64_t used = 0;
    int rc;

    if (!ledger->limited || request->count == 0) {
        return 0;
    }
    for (size_t i = 0; i < request->count; i++) {
        used += uses_quota(request->outcomes[i].smtp) ? 1 : 0;
    }
    rc = quota_hold(ledger->db, ledger->worker, -(int64_t)request->count, err);
    return rc == 0 ? quota_use(ledger->db, ledger->worker, clock_now(), used, err) : rc;
}

static int do_write(struct ledger *ledger, const struct request *request, struct err *err)
{
    int rc = account(ledger, request, err);

    for (size_t i = 0; rc == 0 && i < request->count; i++) {
        rc = do_outcome(ledger, &request->outcomes[i], err);
        rc = rc == 0 ? learn(ledger, &request->outcomes[i], err) : rc;
    }
    if (rc == 0 && request->begin != NULL) {
        rc = db_exec(ledger->db, SQL_LEDGER_BEGIN, err, "iii", request->begin->id, ledger->worker,
                     clock_now());
        rc = must_touch_one(ledger, rc, request->begin->id, err);
    }
    return rc;
}

static int do_return(struct ledger *ledger, const struct request *request, struct err *err)
{
    int rc = ledger->limited
                 ? quota_hold(ledger->db, ledger->worker, -(int64_t)request->count, err)
                 : 0;

    for (size_t i = 0; rc == 0 && i < request->count; i++) {
        rc = db_exec(ledger->db, SQL_LEDGER_RETURN, err, "ii", request->returned[i].id,
                     ledger->worker);
    }
    return rc;
}

/* ---- groups ---- */

static int run_request(struct ledger *ledger, struct request *request, struct err *err)
{
    switch (request->kind) {
    case REQUEST_CLAIM:
        return do_claim(ledger, request, err);
    case REQUEST_WRITE:
        return do_write(ledger, request, err);
    case REQUEST_RETURN:
        return do_return(ledger, request, err);
    }
    return ERR_INVALID;
}

/* One transaction over a group. What fails takes the whole group back: it is a
 * broken database or a broken rule, and either ends the delivery. */
static int run_group(struct ledger *ledger, struct request *group, struct err *err)
{
    int rc = db_begin(ledger->db, err);

    for (struct request *r = group; rc == 0 && r != NULL; r = r->next) {
        rc = run_request(ledger, r, err);
    }
    if (rc == 0) {
        rc = db_commit(ledger->db, err);
    }
    db_rollback(ledger->db);
    return rc;
}

/* Takes all that waits, up to GROUP_MAX, off the queue. */
static struct request *take_group(struct ledger *ledger)
{
    struct request *group = ledger->head;
    struct request *last = group;

    for (size_t n = 1; n < GROUP_MAX && last->next != NULL; n++) {
        last = last->next;
    }
    ledger->head = last->next;
    if (ledger->head == NULL) {
        ledger->tail = &ledger->head;
    }
    last->next = NULL;
    return group;
}

/* Runs the group whose first is `mine`, tells the others, and makes the first of
 * those that came meanwhile the next to lead. */
static void lead(struct ledger *ledger, struct request *mine)
{
    struct request *group;
    struct err err = {0};
    int rc;

    /* Who is about to ask shares this commit: on a busy machine that spares it a commit of
     * its own, on an idle one it costs a system call. */
    sched_yield();
    pthread_mutex_lock(&ledger->mutex);
    group = take_group(ledger);
    pthread_mutex_unlock(&ledger->mutex);
    rc = run_group(ledger, group, &err);
    while (group != NULL) {
        struct request *next = group->next; /* its owner may be gone once it is woken */

        group->rc = rc;
        if (rc < 0) {
            group->err = err;
        }
        if (group != mine) {
            sem_post(&group->wake);
        }
        group = next;
    }
    pthread_mutex_lock(&ledger->mutex);
    ledger->led = ledger->head != NULL;
    if (ledger->led) {
        ledger->head->lead = true;
        sem_post(&ledger->head->wake);
    }
    pthread_mutex_unlock(&ledger->mutex);
}

static int submit(struct ledger *ledger, struct request *request, struct err *err)
{
    bool first; /* nobody leads: lead at once; else `lead` may be looked at only once woken */

    request->next = NULL;
    sem_init(&request->wake, 0, 0);
    pthread_mutex_lock(&ledger->mutex);
    *ledger->tail = request;
    ledger->tail = &request->next;
    first = !ledger->led;
    request->lead = first;
    ledger->led = true;
    pthread_mutex_unlock(&ledger->mutex);
    while (!first && sem_wait(&request->wake) != 0) {
        /* a signal: go on waiting */
    }
    if (request->lead) {
        lead(ledger, request);
    }
    sem_destroy(&request->wake);
    if (request->rc < 0 && err != NULL) {
        *err = request->err;
    }
    return request->rc;
}

/* ---- public ---- */

int ledger_open(const struct ledger_options *options, struct ledger **out, struct err *err)
{
    struct ledger *ledger = mem_alloc(1, sizeof(*ledger));
    int rc;

    *out = NULL;
    if (ledger == NULL) {
        return err_nomem(err);
    }
    ledger->lock = -1;
    ledger->relay = options->relay;
    ledger->suppress = options->suppress;
    ledger->suppress_ctx = options->suppress_ctx;
    ledger->max_age = options->max_age;
    ledger->watch.halt_after = options->halt_after;
    ledger->tail = &ledger->head;
    pthread_mutex_init(&ledger->mutex, NULL);
    rc = db_open(options->database, DB_OPEN_EXISTING, &ledger->db, err);
    if (rc == 0) {
        rc = enlist(ledger, options, err);
    }
    if (rc == 0) {
        rc = db_set_durability(ledger->db, DB_SURVIVES_KILL, err);
    }
    if (rc < 0) {
        ledger_close(ledger);
        return rc;
    }
    *out = ledger;
    return 0;
}

void ledger_close(struct ledger *ledger)
{
    struct err err = {0};
    int rc = 0;

    if (ledger == NULL) {
        return;
    }
    if (ledger->db != NULL && ledger->worker != 0) {
        rc = db_exec(ledger->db, SQL_LEDGER_RETURN_ALL, &err, "i", ledger->worker);
        if (rc == 0) {
            rc = watch_flush(&ledger->watch, ledger->db, &err);
        }
        if (rc == 0) {
            rc = db_exec(ledger->db, SQL_LEDGER_WORKER_DELETE, &err, "i", ledger->worker);
        }
        if (rc == 0 && db_changes(ledger->db) != 1) {
            rc = err_set(&err, ERR_STATE, "it holds a message that may have gone out");
        }
    }
    /* A worker that could not sign off is a dead one: recovery finds its row. */
    if (rc == 0 && ledger->lock >= 0) {
        unlink(ledger->lock_path);
    }
    if (rc < 0) {
        LOG(LOG_WARN, "worker_left_behind", log_int("worker", ledger->worker),
            log_text("error", err.msg));
    }
    if (ledger->lock >= 0) {
        close(ledger->lock);
    }
    db_close(ledger->db);
    pthread_mutex_destroy(&ledger->mutex);
    mem_free(ledger);
}

void ledger_row_release(struct ledger_row *row)
{
    mem_free(row->address);
    mem_free(row->slots);
    row->address = NULL;
    row->slots = NULL;
}

int ledger_claim(struct ledger *ledger, int64_t mailing, size_t max, struct ledger_row *rows,
                 size_t *count, struct err *err)
{
    struct request request = {.kind = REQUEST_CLAIM, .mailing = mailing, .max = max, .rows = rows};
    int rc;

    do {
        rc = submit(ledger, &request, err);
    } while (rc == 0 && request.count == 0 && request.postponed > 0);
    /* Not inside the commit: the others need not wait for the disk. */
    if (rc == 0 && request.count > 0) {
        rc = db_sync(ledger->db, err);
    }
    *count = request.count;
    if (rc < 0) {
        for (size_t i = 0; i < request.count; i++) {
            ledger_row_release(&rows[i]);
        }
        *count = 0;
    }
    return rc;
}

int64_t ledger_waits_until(const struct ledger *ledger)
{
    return atomic_load(&ledger->waits);
}

bool ledger_recalls(struct ledger *ledger)
{
    return atomic_exchange(&ledger->recalls, false);
}

/* What is committed. The relay's words may hold the address: only its codes are logged. */
static void log_outcome(const struct ledger_outcome *outcome)
{
    const struct smtp_outcome *smtp = outcome->smtp;

    LOG(LOG_INFO, "message", log_int("mailing", outcome->row->mailing),
        log_int("row", outcome->row->id), log_int("member", outcome->row->member),
        log_text("outcome", smtp != NULL ? reply_disposition_name(smtp->verdict.disposition)
                                         : outcome->reason),
        log_int("code", smtp != NULL ? smtp->reply.code : 0),
        log_text("enhanced", smtp != NULL ? smtp->reply.enhanced : ""));
}

int ledger_write(struct ledger *ledger, const struct ledger_outcome *outcomes, size_t count,
                 const struct ledger_row *begin, struct err *err)
{
    struct request request = {
        .kind = REQUEST_WRITE, .outcomes = outcomes, .count = count, .begin = begin};
    int rc = submit(ledger, &request, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        log_outcome(&outcomes[i]);
    }
    return rc;
}

int ledger_return(struct ledger *ledger, const struct ledger_row *rows, size_t count,
                  struct err *err)
{
    struct request request = {.kind = REQUEST_RETURN, .returned = rows, .count = count};

    return count == 0 ? 0 : submit(ledger, &request, err);
}
