#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>

#include "claim.h"
#include "outcome.h"
#include "teataja/base/mem.h"
#include "teataja/delivery/ledger.h"
#include "worker.h"

enum { GROUP_MAX = 256 /* requests of one commit */ };

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
    struct worker worker;  /* of who runs a commit */
    pthread_mutex_t mutex; /* of all below */
    struct request *head;
    struct request **tail;
    bool led; /* a thread is running a group; else nothing waits */
};

/* ---- groups ---- */

static int run_request(struct worker *worker, struct request *request, struct err *err)
{
    switch (request->kind) {
    case REQUEST_CLAIM:
        return claim_take(worker, request->mailing, request->max, request->rows, &request->count,
                          &request->postponed, err);
    case REQUEST_WRITE:
        return outcome_write(worker, request->outcomes, request->count, request->begin, err);
    case REQUEST_RETURN:
        return claim_return(worker, request->returned, request->count, err);
    }
    return ERR_INVALID;
}

/* One transaction over a group. What fails takes the whole group back: it is a
 * broken database or a broken rule, and either ends the delivery. */
static int run_group(struct worker *worker, struct request *group, struct err *err)
{
    int rc = db_begin(worker->db, err);

    for (struct request *r = group; rc == 0 && r != NULL; r = r->next) {
        rc = run_request(worker, r, err);
    }
    if (rc == 0) {
        rc = db_commit(worker->db, err);
    }
    db_rollback(worker->db);
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
    rc = run_group(&ledger->worker, group, &err);
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
    ledger->worker.lock = -1;
    ledger->worker.relay = options->relay;
    ledger->worker.suppress = options->suppress;
    ledger->worker.suppress_ctx = options->suppress_ctx;
    ledger->worker.max_age = options->max_age;
    ledger->worker.watch.halt_after = options->halt_after;
    ledger->tail = &ledger->head;
    pthread_mutex_init(&ledger->mutex, NULL);
    rc = db_open(options->database, DB_OPEN_EXISTING, &ledger->worker.db, err);
    if (rc == 0) {
        rc = worker_enlist(&ledger->worker, options, err);
    }
    if (rc == 0) {
        rc = db_set_durability(ledger->worker.db, DB_SURVIVES_KILL, err);
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
    if (ledger == NULL) {
        return;
    }
    worker_leave(&ledger->worker);
    db_close(ledger->worker.db);
    pthread_mutex_destroy(&ledger->mutex);
    mem_free(ledger);
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
        rc = db_sync(ledger->worker.db, err);
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
    return atomic_load(&ledger->worker.waits);
}

bool ledger_recalls(struct ledger *ledger)
{
    return atomic_exchange(&ledger->worker.recalls, false);
}

int ledger_write(struct ledger *ledger, const struct ledger_outcome *outcomes, size_t count,
                 const struct ledger_row *begin, struct err *err)
{
    struct request request = {
        .kind = REQUEST_WRITE, .outcomes = outcomes, .count = count, .begin = begin};
    int rc = submit(ledger, &request, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        outcome_log(&outcomes[i]);
    }
    return rc;
}

int ledger_return(struct ledger *ledger, const struct ledger_row *rows, size_t count,
                  struct err *err)
{
    struct request request = {.kind = REQUEST_RETURN, .returned = rows, .count = count};

    return count == 0 ? 0 : submit(ledger, &request, err);
}
