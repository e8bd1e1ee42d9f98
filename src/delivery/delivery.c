/* Works the outbox off: threads of connections over one ledger. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "connection.h"
#include "quota.h"
#include "sql/delivery/delivery.h"
#include "teataja/base/arena.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/log.h"
#include "teataja/base/mem.h"
#include "teataja/delivery/relay.h"

enum { CONNECTIONS_MAX = 64, PROGRESS_MS = 200 };

static int count_due(struct db *db, int64_t mailing, int64_t *due, struct err *err)
{
    int rc = db_get_int(db, SQL_DELIVERY_DUE, due, err, "ii", mailing, clock_now());

    return rc < 0 ? rc : 0;
}

/* Of all mailings no more than what waits: a million rows that are settled are nobody's news. */
static int count_open(struct db *db, struct delivery_progress *out, struct err *err)
{
    int rc = db_get_int(db, SQL_DELIVERY_OPEN, &out->total, err, "");

    out->left = out->total;
    return rc < 0 ? rc : 0;
}

static int count_states(struct db *db, int64_t mailing, struct delivery_progress *out,
                        struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc;

    memset(out, 0, sizeof(*out));
    if (mailing == 0) {
        return count_open(db, out, err);
    }
    rc = db_query(db, SQL_DELIVERY_STATES, &stmt, err);
    if (rc == 0) {
        rc = db_bind_int(stmt, 1, mailing, err);
    }
    if (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        out->total = db_int(stmt, 0);
        out->sent = db_int(stmt, 1);
        out->failed = db_int(stmt, 2);
        out->deferred = db_int(stmt, 3);
        out->suppressed = db_int(stmt, 4);
        out->unknown = db_int(stmt, 5);
        rc = 0;
    }
    db_stmt_free(stmt);
    out->left = out->total - out->sent - out->failed - out->suppressed - out->unknown;
    return rc;
}

/* What there was, and what was done since. */
static struct delivery_progress progress_now(struct delivery *delivery)
{
    struct delivery_progress now = delivery->start;

    now.sent += atomic_load(&delivery->sent);
    now.failed += atomic_load(&delivery->failed);
    now.deferred += atomic_load(&delivery->deferred);
    now.suppressed += atomic_load(&delivery->suppressed);
    now.unknown += atomic_load(&delivery->unknown);
    now.left = now.total - now.sent - now.failed - now.suppressed - now.unknown;
    return now;
}

static void tell_progress(struct delivery *delivery)
{
    const struct delivery_options *options = delivery->options;

    if (options->progress != NULL) {
        struct delivery_progress now = progress_now(delivery);

        options->progress(options->progress_ctx, &now);
    }
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
                       rows_a_second(&delivery->relay.relay->rate), &delivery->pool, err);

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

static size_t connections_of(const struct delivery *delivery)
{
    size_t wanted = delivery->options->connections > 0
                        ? delivery->options->connections
                        : (size_t)delivery->relay.relay->connections;

    if (delivery->probing) {
        return 1;
    }
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
    size_t connections = connections_of(delivery);
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

static bool is_stopped(const struct delivery *delivery)
{
    return delivery->options->stop != NULL && atomic_load(delivery->options->stop);
}

bool delivery_stopping(const struct delivery *delivery)
{
    return is_stopped(delivery) || (delivery->leave_at > 0 && clock_now() >= delivery->leave_at) ||
           (delivery->probing && atomic_load(&delivery->answered) > delivery->answered_before);
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
    struct delivery_progress left = {0};
    int64_t next_at = 0;
    int rc = count_states(db, mailing, &left, err);

    result->progress = mailing == 0 ? progress_now(delivery) : left;
    result->progress.left = left.left;
    if (rc < 0 ||
        db_get_int(db, SQL_DELIVERY_NEXT_AT, &next_at, err, "i", mailing) < 0) {
        LOG(LOG_WARN, "delivery_not_summed_up", log_text("error", err->msg));
    }
    result->deferred_until = next_at;
    result->stopped = is_stopped(delivery) && result->progress.left > 0;
    if (delivery->fault.code != 0) {
        snprintf(result->relay_fault, sizeof(result->relay_fault), "%s", delivery->fault.msg);
    }
}

/* ---- which relay ---- */

/* One of the relays, while delivery_run lasts. */
struct candidate {
    struct delivery_relay relay;
    int64_t failures;
    int64_t parked_until;
    int64_t limited_until; /* its limits are used up */
    char reason[256];      /* why it is parked */
};

struct candidates {
    size_t count;
    struct candidate items[1 + DELIVERY_SPARES];
};

static int find_candidates(const struct delivery_options *options, struct db *db,
                           struct candidates *out, struct err *err)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    int rc = arena != NULL ? 0 : err_nomem(err);

    out->items[0] = (struct candidate){.relay = {.relay = options->relay,
                                                 .password = options->password,
                                                 .ca_file = options->ca_file}};
    out->count = 1;
    for (size_t i = 0; i < options->spare_count && i < DELIVERY_SPARES; i++) {
        out->items[out->count++] = (struct candidate){.relay = options->spares[i]};
    }
    for (size_t i = 0; rc == 0 && i < out->count; i++) {
        struct relay_state state;

        rc = relay_state_get(db, arena, out->items[i].relay.relay->name, &state, err);
        if (rc == 0) {
            out->items[i].failures = state.failures;
            out->items[i].parked_until = options->try_parked ? 0 : state.parked_until;
            snprintf(out->items[i].reason, sizeof(out->items[i].reason), "%s", state.reason);
        }
    }
    arena_free(arena);
    return rc;
}

static int64_t free_at(const struct candidate *candidate)
{
    return candidate->parked_until > candidate->limited_until ? candidate->parked_until
                                                              : candidate->limited_until;
}

/* The first that may be used now, or NULL; *leave_at is when a better one may be. */
static const struct candidate *choose(const struct candidates *candidates, int64_t now,
                                      int64_t *leave_at)
{
    *leave_at = 0;
    for (size_t i = 0; i < candidates->count; i++) {
        int64_t at = free_at(&candidates->items[i]);

        if (at <= now) {
            return &candidates->items[i];
        }
        *leave_at = *leave_at == 0 || at < *leave_at ? at : *leave_at;
    }
    return NULL;
}

/* After a turn: what it says of the relay. */
static int judge(struct delivery *delivery, struct db *db, struct candidate *candidate,
                 struct err *err)
{
    bool answered = atomic_load(&delivery->answered) > delivery->answered_before;
    const char *name = candidate->relay.relay->name;

    candidate->limited_until = ledger_waits_until(delivery->ledger);
    if (delivery->fault_is_ours) {
        return 0;
    }
    if (candidate->limited_until > 0) {
        /* What was held then is settled now. */
        int64_t room = 0;
        int rc = quota_room(db, name, clock_now(), &room, &candidate->limited_until, err);

        if (rc < 0) {
            return rc;
        }
    }
    if (delivery->started > 0 && delivery->gave_up >= delivery->started) {
        candidate->failures++;
        snprintf(candidate->reason, sizeof(candidate->reason), "%s", delivery->fault.msg);
        return relay_park(db, name, delivery->fault.msg, delivery->fault.code == ERR_DENIED,
                          clock_now(), &candidate->parked_until, err);
    }
    if (answered && candidate->failures > 0) {
        candidate->failures = 0;
        candidate->parked_until = 0;
        return relay_unpark(db, name, err);
    }
    return 0;
}

/* Sends over one relay until nothing is due, it would not go on, its limits are used up,
 * or another one's turn has come. */
static int take_turn(struct delivery *delivery, struct db *db, struct candidate *candidate,
                     struct err *err)
{
    const struct delivery_options *options = delivery->options;
    const struct ledger_options ledger_options = {.database = options->database,
                                                  .lock_folder = options->lock_folder,
                                                  .relay = candidate->relay.relay->name,
                                                  .limits = candidate->relay.relay->limits,
                                                  .limit_count = candidate->relay.relay->limit_count,
                                                  .max_age = options->max_age,
                                                  .halt_after = options->halt_after,
                                                  .suppress = options->suppress,
                                                  .suppress_ctx = options->suppress_ctx};
    int rc;

    delivery->relay = candidate->relay;
    delivery->probing = candidate->failures > 0;
    delivery->answered_before = atomic_load(&delivery->answered);
    delivery->started = 0;
    delivery->gave_up = 0;
    delivery->next_slot = 0;
    delivery->fault = (struct err){0};
    rc = ledger_open(&ledger_options, &delivery->ledger, err);
    if (rc == 0) {
        rc = run_rounds(delivery, db, err);
    }
    if (rc == 0) {
        rc = judge(delivery, db, candidate, err);
    }
    ledger_close(delivery->ledger);
    delivery->ledger = NULL;
    return rc;
}

/* When to call again, and why not now. */
static void tell_wait(const struct candidates *candidates, struct delivery_result *result)
{
    const struct candidate *parked = NULL;

    if (choose(candidates, clock_now(), &result->waits_until) != NULL) {
        result->waits_until = 0;
        return;
    }
    for (size_t i = candidates->count; i > 0; i--) {
        const struct candidate *candidate = &candidates->items[i - 1];

        if (candidate->parked_until > candidate->limited_until) {
            parked = candidate;
        }
    }
    result->limited = parked == NULL;
    if (parked != NULL) {
        snprintf(result->relay_fault, sizeof(result->relay_fault), "%s", parked->reason);
    }
}

/* Turns of the relays, until nothing is due or none of them takes anything now. */
static int run_relays(struct delivery *delivery, struct db *db, struct candidates *candidates,
                      struct delivery_result *result, struct err *err)
{
    int64_t mailing = delivery->options->mailing;
    int64_t due = 0;
    int rc = count_due(db, mailing, &due, err);

    while (rc == 0 && due > 0 && !is_stopped(delivery) && !delivery->fault_is_ours) {
        const struct candidate *chosen = choose(candidates, clock_now(), &delivery->leave_at);
        int64_t before = settled(delivery);
        bool goes_on;

        if (chosen == NULL) {
            break;
        }
        rc = take_turn(delivery, db, &candidates->items[chosen - candidates->items], err);
        /* It did something, it works again, or a better one's time has come. */
        goes_on = settled(delivery) > before || (delivery->probing && chosen->failures == 0) ||
                  free_at(chosen) > clock_now() ||
                  (delivery->leave_at > 0 && clock_now() >= delivery->leave_at);
        if (rc == 0) {
            rc = count_due(db, mailing, &due, err);
        }
        if (!goes_on) {
            break; /* it neither settles anything nor says when it will */
        }
    }
    if (rc == 0 && due > 0) {
        tell_wait(candidates, result);
    }
    return rc;
}

int delivery_run(const struct delivery_options *options, struct delivery_result *result,
                 struct err *err)
{
    struct delivery delivery = {.options = options};
    struct candidates candidates = {0};
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
        rc = find_candidates(options, db, &candidates, err);
    }
    if (rc == 0) {
        tell_progress(&delivery); /* what was there before anything was done */
        rc = run_relays(&delivery, db, &candidates, result, err);
    }
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
