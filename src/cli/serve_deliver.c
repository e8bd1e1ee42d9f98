/* The role deliver: whatever is due goes out. */
#include <inttypes.h>
#include <string.h>

#include "deliver.h"
#include "serve.h"
#include "teataja/base/clock.h"
#include "teataja/base/log.h"
#include "teataja/delivery/figures.h"
#include "teataja/delivery/ledger.h"

enum {
    LOOK_MS = 500,         /* between two looks whether somebody wrote */
    PAUSE_FIRST_MS = 5000, /* when nothing could go although it was due */
    PAUSE_MOST_MS = 300000,
    WAIT_MOST_MS = 60000 /* when the relays say until when: limits and parking may change */
};

#define RECOVER_EVERY (60 * INT64_C(1000000000)) /* nanoseconds */

struct courier {
    struct serve_role *role;
    char *var;
    int64_t counted[SERVE_UNKNOWN + 1]; /* since the process started */
    int64_t run[SERVE_UNKNOWN + 1];     /* of the present run, as told last */
    bool run_begun;
    int64_t recovered; /* ticks */
    int pause_ms;
};

/* Progress counts the whole outbox: what is added to it is ours. */
static void count(void *ctx, const struct delivery_progress *progress)
{
    struct courier *courier = ctx;
    const int64_t now[] = {[SERVE_SENT] = progress->sent,
                           [SERVE_DEFERRED] = progress->deferred,
                           [SERVE_FAILED] = progress->failed,
                           [SERVE_SUPPRESSED] = progress->suppressed,
                           [SERVE_UNKNOWN] = progress->unknown};

    for (int i = SERVE_SENT; i <= SERVE_UNKNOWN; i++) {
        if (courier->run_begun && now[i] > courier->run[i]) {
            courier->counted[i] += now[i] - courier->run[i];
            serve_figure(courier->role, (enum serve_figure)i, courier->counted[i]);
        }
        courier->run[i] = now[i];
    }
    courier->run_begun = true;
    serve_alive(courier->role);
}

static int64_t settled(const struct courier *courier)
{
    int64_t sum = 0;

    for (int i = SERVE_SENT; i <= SERVE_UNKNOWN; i++) {
        sum += courier->counted[i];
    }
    return sum;
}

/* What other processes left when they died, and mailings that have nothing left to do. */
static int recover(struct courier *courier, struct err *err)
{
    struct db *db = courier->role->workspace->db;
    int64_t now = clock_ticks();
    int64_t under_way = 0;
    int64_t unknown = 0;
    int rc;

    if (courier->recovered != 0 && now - courier->recovered < RECOVER_EVERY) {
        return 0;
    }
    courier->recovered = now;
    rc = figures_under_way(db, &under_way, err);
    if (rc == 0 && under_way > 0) {
        rc = ledger_recover(db, courier->var, &unknown, err);
    }
    if (rc == 0 && under_way > 0) {
        rc = ledger_finish(db, err);
    }
    return rc == ERR_BUSY ? 0 : rc;
}

/* How long to leave the relays alone: until they may take something, or longer each time
 * that nothing could go although it was due. */
static void set_pause(struct courier *courier, const struct delivery_result *result, bool idle)
{
    int64_t wait_ms = (result->waits_until - clock_now()) / 1000;

    if (result->waits_until > 0 && wait_ms > 0) {
        courier->pause_ms = wait_ms < WAIT_MOST_MS ? (int)wait_ms + 1 : WAIT_MOST_MS;
    } else if (idle) {
        courier->pause_ms =
            courier->pause_ms < PAUSE_FIRST_MS ? PAUSE_FIRST_MS : 2 * courier->pause_ms;
        courier->pause_ms = courier->pause_ms > PAUSE_MOST_MS ? PAUSE_MOST_MS : courier->pause_ms;
    } else {
        courier->pause_ms = 0;
    }
}

/* Only what no other attempt can mend is an error. */
static int deliver(struct courier *courier, struct err *err)
{
    const struct deliver_watch watch = {
        .stop = courier->role->stop, .progress = count, .ctx = courier};
    struct delivery_result result;
    struct err fault = {0};
    int64_t before = settled(courier);
    const char *why;
    int rc;

    courier->run_begun = false;
    rc = deliver_due(courier->role->workspace, &watch, &result, &fault);
    if (rc == ERR_NOMEM || rc == ERR_CORRUPT || rc == ERR_NEWER) {
        *err = fault;
        return rc;
    }
    why = rc < 0 ? fault.msg : result.relay_fault;
    if (settled(courier) > before) {
        LOG(LOG_INFO, "delivered", log_int("settled", settled(courier) - before),
            log_int("left", result.progress.left));
    }
    set_pause(courier, &result, why[0] != '\0' || settled(courier) == before);
    if (why[0] != '\0') {
        LOG(LOG_WARN, "relay_fault", log_text("error", why),
            log_int("pause_ms", courier->pause_ms));
    }
    serve_figure(courier->role, SERVE_RELAY_FAULT, why[0] != '\0');
    return 0;
}

/* Waits until the row is due, somebody writes, or a minute has passed; true: end. */
static int wait_for_work(struct courier *courier, int64_t due, bool *end, struct err *err)
{
    struct db *db = courier->role->workspace->db;
    int64_t until = clock_ticks() + RECOVER_EVERY;
    int64_t version = 0;
    int64_t seen = 0;
    int rc = figures_version(db, &seen, err);

    while (rc == 0 && !(*end = serve_wait(courier->role, LOOK_MS)) && clock_ticks() < until &&
           clock_now() < due) {
        rc = figures_version(db, &version, err);
        if (version != seen) {
            break;
        }
    }
    return rc;
}

int serve_deliver(struct serve_role *role, struct err *err)
{
    struct courier courier = {.role = role};
    bool end = false;
    int64_t due = INT64_MAX;
    int rc = workspace_open_db(role->workspace, err);

    rc = rc == 0 ? workspace_var(role->workspace, &courier.var, err) : rc;
    rc = rc == 0 ? recover(&courier, err) : rc;
    if (rc == 0) {
        serve_ready(role);
    }
    while (rc == 0 && !end) {
        rc = recover(&courier, err);
        rc = rc == 0 ? figures_next_due(role->workspace->db, clock_now(), &due, err) : rc;
        if (rc < 0) {
            break;
        }
        if (due <= clock_now()) {
            rc = deliver(&courier, err);
            end =
                courier.pause_ms > 0 ? serve_wait(role, courier.pause_ms) : atomic_load(role->stop);
        } else {
            rc = wait_for_work(&courier, due, &end, err);
        }
    }
    return rc;
}
