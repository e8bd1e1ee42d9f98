#include "teataja/delivery/relay.h"

#include <string.h>

#include "sql/delivery/relay.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/log.h"

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
