/* Works the outbox off: threads of connections over one ledger. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "connection.h"
#include "sql/delivery/delivery.h"
#include "teataja/base/clock.h"
#include "teataja/base/log.h"
#include "teataja/base/mem.h"

enum { CONNECTIONS_MAX = 64, PROGRESS_MS = 200 };

static int count_due(struct db *db, int64_t mailing, int64_t *due, struct err *err)
{
    int rc = db_get_int(db, SQL_DELIVERY_DUE, due, err, "ii", mailing, clock_now());

    return rc < 0 ? rc : 0;
}

static int count_states(struct db *db, int64_t mailing, struct delivery_progress *out,
                        struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_DELIVERY_STATES, &stmt, err);

    memset(out, 0, sizeof(*out));
    if (rc == 0) {
        rc = db_bind_int(stmt, 1, mailing, err);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        const char *state = db_text(stmt, 0);
        int64_t count = db_int(stmt, 1);

        out->total += count;
        out->sent += strcmp(state, "sent") == 0 ? count : 0;
        out->failed += strcmp(state, "failed") == 0 ? count : 0;
        out->deferred += strcmp(state, "deferred") == 0 ? count : 0;
        out->suppressed += strcmp(state, "suppressed") == 0 ? count : 0;
        out->unknown += strcmp(state, "unknown") == 0 ? count : 0;
        rc = 0;
    }
    db_stmt_free(stmt);
    out->left = out->total - out->sent - out->failed - out->suppressed - out->unknown;
    return rc;
}

static void tell_progress(struct delivery *delivery)
{
    const struct delivery_options *options = delivery->options;
    struct delivery_progress now = delivery->start;

    if (options->progress == NULL) {
        return;
    }
    now.sent += atomic_load(&delivery->sent);
    now.failed += atomic_load(&delivery->failed);
    now.deferred += atomic_load(&delivery->deferred);
    now.suppressed += atomic_load(&delivery->suppressed);
    now.unknown += atomic_load(&delivery->unknown);
    now.left = now.total - now.sent - now.failed - now.suppressed - now.unknown;
    options->progress(options->progress_ctx, &now);
}

/* Waits for the threads, showing progress meanwhile. */
static void wait_for(struct delivery *delivery, size_t threads)
{
    pthread_mutex_lock(&delivery->mutex);
    while (delivery->ended < threads) {
        struct timespec until;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += PROGRESS_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec += 1;
        }
        pthread_cond_timedwait(&delivery->ending, &delivery->mutex, &until);
        pthread_mutex_unlock(&delivery->mutex);
        tell_progress(delivery);
        pthread_mutex_lock(&delivery->mutex);
    }
    pthread_mutex_unlock(&delivery->mutex);
}

/* Rows that the relay's rate allows in a second: at least 1, or 0 if it has none. */
static size_t rows_a_second(const struct rate *rate)
{
    int64_t rows = rate->count > 0 ? rate->count * CLOCK_SECOND / rate->micros : 0;

    return rate->count > 0 && rows < 1 ? 1 : (size_t)rows;
}

/* Starts the connections and waits until they have nothing left, or cannot. */
static int run_threads(struct delivery *delivery, size_t wanted, struct err *err)
{
    const struct delivery_options *options = delivery->options;
    pthread_t threads[CONNECTIONS_MAX];
    int rc = pool_open(delivery->ledger, options->mailing, wanted,
                       rows_a_second(&options->relay->rate), &delivery->pool, err);

    if (rc < 0) {
        return rc;
    }
    delivery->started = 0;
    delivery->ended = 0;
    delivery->gave_up = 0;
    while (delivery->started < wanted &&
           pthread_create(&threads[delivery->started], NULL, connection_main, delivery) == 0) {
        delivery->started++;
    }
    if (delivery->started > 0) {
        wait_for(delivery, delivery->started);
    }
    for (size_t i = 0; i < delivery->started; i++) {
        pthread_join(threads[i], NULL);
    }
    rc = pool_close(delivery->pool, err);
    delivery->pool = NULL;
    return rc == 0 && delivery->started == 0
               ? err_set(err, ERR_NOMEM, "cannot start a thread for a connection")
               : rc;
}

static size_t connections_of(const struct delivery_options *options)
{
    size_t wanted =
        options->connections > 0 ? options->connections : (size_t)options->relay->connections;

    return wanted > CONNECTIONS_MAX ? CONNECTIONS_MAX : wanted;
}

static int64_t settled(struct delivery *delivery)
{
    return atomic_load(&delivery->sent) + atomic_load(&delivery->failed) +
           atomic_load(&delivery->deferred) + atomic_load(&delivery->suppressed) +
           atomic_load(&delivery->unknown);
}

/* Rounds of sending: rows that came back, and rows whose fate became unknown if the
 * mailing's policy says so, are sent in the next one. A round that settles nothing
 * is the last. So is one whose connections have all given up; where only some have
 * - a relay may take fewer than we open -, the others go on without them. */
static int run_rounds(struct delivery *delivery, struct db *db, struct err *err)
{
    const struct delivery_options *options = delivery->options;
    size_t connections = connections_of(options);
    int64_t before = -1;
    int64_t due = 0;
    int64_t requeued = 0;
    int rc = count_due(db, options->mailing, &due, err);

    while (rc == 0 && due > 0 && settled(delivery) > before) {
        before = settled(delivery);
        rc = run_threads(delivery, (int64_t)connections > due ? (size_t)due : connections, err);
        if (rc < 0 || delivery->fault_is_ours || delivery->gave_up >= delivery->started ||
            delivery_stopping(delivery)) {
            break;
        }
        connections = delivery->gave_up > 0 ? delivery->started - delivery->gave_up : connections;
        rc = ledger_apply_policy(db, options->mailing, &requeued, err);
        if (rc == 0) {
            rc = count_due(db, options->mailing, &due, err);
        }
    }
    return rc;
}

bool delivery_stopping(const struct delivery *delivery)
{
    return delivery->options->stop != NULL && atomic_load(delivery->options->stop);
}

/* A relay that let some connections in and did all that is due has no fault. */
static int forgive_relay(struct delivery *delivery, struct db *db, struct err *err)
{
    int64_t due = 0;
    int rc = count_due(db, delivery->options->mailing, &due, err);

    if (rc == 0 && due == 0 && !delivery->fault_is_ours && atomic_load(&delivery->answered) > 0) {
        delivery->fault = (struct err){0};
    }
    return rc;
}

static void sum_up(struct delivery *delivery, struct db *db, struct delivery_result *result,
                   struct err *err)
{
    int64_t mailing = delivery->options->mailing;
    int64_t next_at = 0;

    if (count_states(db, mailing, &result->progress, err) < 0 ||
        db_get_int(db, SQL_DELIVERY_NEXT_AT, &next_at, err, "i", mailing) < 0) {
        LOG(LOG_WARN, "delivery_not_summed_up", log_text("error", err->msg));
    }
    result->deferred_until = next_at;
    result->stopped = delivery_stopping(delivery) && result->progress.left > 0;
    snprintf(result->relay_fault, sizeof(result->relay_fault), "%s", delivery->fault.msg);
}

int delivery_run(const struct delivery_options *options, struct delivery_result *result,
                 struct err *err)
{
    struct delivery delivery = {.options = options};
    struct ledger_options ledger_options = {.database = options->database,
                                            .lock_folder = options->lock_folder,
                                            .relay = options->relay->name,
                                            .suppress = options->suppress,
                                            .suppress_ctx = options->suppress_ctx};
    struct db *db = NULL;
    int64_t unknown = 0;
    int rc;

    memset(result, 0, sizeof(*result));
    pthread_mutex_init(&delivery.mutex, NULL);
    pthread_cond_init(&delivery.ending, NULL);
    rc = db_open(options->database, DB_OPEN_EXISTING, &db, err);
    if (rc == 0) {
        rc = ledger_recover(db, options->lock_folder, &unknown, err);
    }
    if (rc == 0) {
        rc = count_states(db, options->mailing, &delivery.start, err);
    }
    if (rc == 0) {
        rc = ledger_open(&ledger_options, &delivery.ledger, err);
    }
    if (rc == 0) {
        tell_progress(&delivery); /* what was there before anything was done */
        rc = run_rounds(&delivery, db, err);
    }
    ledger_close(delivery.ledger);
    if (rc == 0) {
        rc = forgive_relay(&delivery, db, err);
    }
    if (rc == 0) {
        rc = ledger_finish(db, err);
    }
    if (rc == 0) {
        tell_progress(&delivery);
        sum_up(&delivery, db, result, err);
    }
    if (rc == 0 && delivery.fault.code != 0 &&
        (atomic_load(&delivery.answered) == 0 || delivery.fault_is_ours)) {
        *err = delivery.fault;
        rc = err->code;
    }
    db_close(db);
    pthread_cond_destroy(&delivery.ending);
    pthread_mutex_destroy(&delivery.mutex);
    return rc;
}
