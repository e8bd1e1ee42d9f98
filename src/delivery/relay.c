#include "teataja/delivery/relay.h"

#include <string.h>

#include "quota.h"
#include "sql/delivery/relay.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/log.h"
#include "teataja/base/mem.h"

/* After the first, second, ... run that it took nothing in; the last one repeats. */
static const int64_t away[] = {CLOCK_MINUTE, 2 * CLOCK_MINUTE, 5 * CLOCK_MINUTE,
                               15 * CLOCK_MINUTE, 30 * CLOCK_MINUTE, CLOCK_HOUR};
static const int64_t refused[] = {15 * CLOCK_MINUTE, CLOCK_HOUR, 4 * CLOCK_HOUR};

static int64_t pause_after(const int64_t *pauses, size_t count, int64_t failures)
{
    return failures < (int64_t)count ? pauses[failures] : pauses[count - 1];
}

static int read_state(struct db_stmt *stmt, struct arena *arena, struct relay_state *out,
                      struct err *err)
{
    *out = (struct relay_state){.relay = db_dup(stmt, 0, arena),
                                .failures = db_int(stmt, 1),
                                .parked_until = db_int(stmt, 2),
                                .reason = db_dup(stmt, 3, arena),
                                .since = db_int(stmt, 4)};
    return out->relay != NULL && out->reason != NULL ? 0 : err_nomem(err);
}

int relay_state_get(struct db *db, struct arena *arena, const char *relay,
                    struct relay_state *out, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_RELAY_STATE_GET, &stmt, err);

    *out = (struct relay_state){.relay = relay, .reason = ""};
    rc = rc == 0 ? db_bind(stmt, err, "t", relay) : rc;
    rc = rc == 0 ? db_next(stmt, err) : rc;
    if (rc == 1) {
        rc = read_state(stmt, arena, out, err);
    }
    db_stmt_free(stmt);
    return rc;
}

int relay_state_list(struct db *db, struct arena *arena, struct relay_state **out, size_t *count,
                     struct err *err)
{
    struct db_stmt *stmt = NULL;
    size_t capacity = 0;
    int rc = db_query(db, SQL_RELAY_STATE_LIST, &stmt, err);

    *out = NULL;
    *count = 0;
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = arena_grow(arena, out, &capacity, *count, sizeof(**out), err);
        rc = rc == 0 ? read_state(stmt, arena, &(*out)[*count], err) : rc;
        *count += rc == 0 ? 1 : 0;
    }
    db_stmt_free(stmt);
    return rc;
}

int relay_park(struct db *db, const char *relay, const char *reason, bool denied, int64_t now,
               int64_t *until, struct err *err)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct relay_state state = {0};
    int rc = arena != NULL ? relay_state_get(db, arena, relay, &state, err) : err_nomem(err);

    if (rc == 0) {
        *until = now + (denied ? pause_after(refused, sizeof(refused) / sizeof(refused[0]),
                                             state.failures)
                               : pause_after(away, sizeof(away) / sizeof(away[0]),
                                             state.failures));
        rc = db_exec(db, SQL_RELAY_PARK, err, "titi", relay, *until, reason, now);
    }
    if (rc == 0) {
        LOG(LOG_WARN, "relay_parked", log_text("relay", relay), log_text("why", reason),
            log_int("failures", state.failures + 1),
            log_int("seconds", (*until - now) / CLOCK_SECOND));
    }
    arena_free(arena);
    return rc;
}

int relay_unpark(struct db *db, const char *relay, struct err *err)
{
    return db_exec(db, SQL_RELAY_UNPARK, err, "t", relay);
}

/* ---- forecast ---- */

/* A slot and what it counts. The ring holds a window and the slot that is being filled. */
struct slot {
    int64_t number;
    int64_t n;
};

enum { RING = QUOTA_SLOTS + 2 };

struct ahead {
    int64_t window;
    int64_t most;
    int64_t grain;
    int64_t used;
    size_t first;
    size_t count;
    struct slot slots[RING];
};

static void let_go(struct ahead *limit, int64_t now)
{
    while (limit->count > 0 &&
           limit->slots[limit->first].number < (now - limit->window) / limit->grain) {
        limit->used -= limit->slots[limit->first].n;
        limit->first = (limit->first + 1) % RING;
        limit->count--;
    }
}

static void add(struct ahead *limit, int64_t at, int64_t n)
{
    int64_t number = at / limit->grain;
    struct slot *last = &limit->slots[(limit->first + limit->count + RING - 1) % RING];

    limit->used += n;
    if (limit->count > 0 && (last->number >= number || limit->count == RING)) {
        last->n += n;
        return;
    }
    limit->slots[(limit->first + limit->count) % RING] = (struct slot){.number = number, .n = n};
    limit->count++;
}

static int load(struct db *db, const char *relay, const struct site_limit *from, int64_t now,
                int64_t held, struct ahead *limit, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_RELAY_USED, &stmt, err);

    *limit = (struct ahead){.window = from->rate.micros,
                            .most = from->rate.count - from->reserve,
                            .grain = quota_grain(from->rate.micros)};
    rc = rc == 0 ? db_bind(stmt, err, "tii", relay, limit->window,
                           (now - limit->window) / limit->grain)
                 : rc;
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        add(limit, db_int(stmt, 0) * limit->grain, db_int(stmt, 1));
        rc = 0;
    }
    db_stmt_free(stmt);
    if (held > 0) {
        add(limit, now, held);
    }
    return rc;
}

/* How many go at *now, which moves on if none do. */
static int64_t burst(struct ahead *limits, size_t count, int64_t rows, int64_t *now)
{
    int64_t room = rows;
    int64_t next_at = *now;

    for (size_t i = 0; i < count; i++) {
        struct ahead *limit = &limits[i];

        let_go(limit, *now);
        if (limit->used >= limit->most) {
            int64_t used = limit->used;
            size_t k = 0;

            while (used >= limit->most && k < limit->count) {
                used -= limit->slots[(limit->first + k++) % RING].n;
            }
            int64_t at =
                (limit->slots[(limit->first + k - 1) % RING].number + 1) * limit->grain +
                limit->window;
            next_at = at > next_at ? at : next_at;
            room = 0;
        } else if (limit->most - limit->used < room) {
            room = limit->most - limit->used;
        }
    }
    *now = room == 0 ? next_at : *now;
    return room;
}

/* With a pace, no more at a time than go in a slot of the shortest window. */
static int64_t at_pace(const struct ahead *limits, size_t count, int64_t pace, int64_t room)
{
    for (size_t i = 0; pace > 0 && i < count; i++) {
        int64_t most = limits[i].grain / pace > 0 ? limits[i].grain / pace : 1;

        room = room < most ? room : most;
    }
    return room;
}

static void simulate(struct ahead *limits, size_t count, int64_t pace, int64_t rows, int64_t now,
                     struct relay_forecast *out)
{
    *out = (struct relay_forecast){.last_at = now};
    while (rows > 0) {
        int64_t room = at_pace(limits, count, pace, burst(limits, count, rows, &now));

        if (room == 0) {
            out->rest_at = out->rest_at == 0 ? now : out->rest_at;
            continue;
        }
        now += room * pace;
        for (size_t i = 0; i < count; i++) {
            add(&limits[i], now, room);
        }
        rows -= room;
        out->at_once += out->rest_at == 0 ? room : 0;
        out->last_at = now;
    }
}

int relay_forecast(struct db *db, const struct site_relay *relay, int64_t rows, int64_t now,
                   struct relay_forecast *out, struct err *err)
{
    int64_t pace = relay->rate.count > 0 ? relay->rate.micros / relay->rate.count : 0;
    struct ahead *limits = mem_alloc(relay->limit_count + 1, sizeof(*limits));
    int64_t held = 0;
    size_t count = 0;
    int rc;

    if (limits == NULL) {
        return err_nomem(err);
    }
    rc = db_get_int(db, SQL_RELAY_HELD, &held, err, "t", relay->name);
    rc = rc < 0 ? rc : 0;
    for (size_t i = 0; rc == 0 && i < relay->limit_count; i++) {
        if (relay->limits[i].rate.count > relay->limits[i].reserve) {
            rc = load(db, relay->name, &relay->limits[i], now, held, &limits[count++], err);
        }
    }
    if (rc == 0) {
        simulate(limits, count, pace, rows, now, out);
    }
    mem_free(limits);
    return rc;
}
