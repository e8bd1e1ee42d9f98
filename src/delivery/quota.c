#include "quota.h"

#include "sql/delivery/quota.h"
#include "teataja/base/clock.h"

enum { LIMITS_MAX = 16 };

/* Other workers hold all that is left: they settle it, or die. */
#define ASK_AGAIN CLOCK_SECOND

int64_t quota_grain(int64_t window)
{
    return window / QUOTA_SLOTS > 0 ? window / QUOTA_SLOTS : 1;
}

int quota_declare(struct db *db, const char *relay, const struct site_limit *limits, size_t count,
                  bool *limited, struct err *err)
{
    int rc = db_exec(db, SQL_QUOTA_FORGET, err, "t", relay);

    *limited = false;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (limits[i].rate.count > 0) {
            *limited = true;
            rc = db_exec(db, SQL_QUOTA_DECLARE, err, "tii", relay, limits[i].rate.micros,
                         limits[i].rate.count - limits[i].reserve);
        }
    }
    return rc;
}

struct limit {
    int64_t window;
    int64_t most;
};

static int read_limits(struct db *db, const char *relay, struct limit limits[LIMITS_MAX],
                       size_t *count, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_QUOTA_LIMITS, &stmt, err);

    *count = 0;
    rc = rc == 0 ? db_bind(stmt, err, "t", relay) : rc;
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        if (*count == LIMITS_MAX) {
            rc = err_set(err, ERR_LIMIT, "relay '%s' has more than %d limits", relay, LIMITS_MAX);
            break;
        }
        limits[(*count)++] = (struct limit){.window = db_int(stmt, 0), .most = db_int(stmt, 1)};
        rc = 0;
    }
    db_stmt_free(stmt);
    return rc;
}

/* What one limit leaves. With none left, *next_at is when the oldest slot that has to be
 * over is over. */
static int room_of(struct db *db, const char *relay, const struct limit *limit, int64_t now,
                   int64_t held, int64_t *room, int64_t *next_at, struct err *err)
{
    int64_t grain = quota_grain(limit->window);
    int64_t oldest = (now - limit->window) / grain;
    int64_t used = held;
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_QUOTA_USED, &stmt, err);

    *next_at = used >= limit->most ? now + ASK_AGAIN : 0;
    rc = rc == 0 ? db_bind(stmt, err, "tii", relay, limit->window, oldest) : rc;
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        used += db_int(stmt, 1);
        if (used >= limit->most && *next_at == 0) {
            *next_at = (db_int(stmt, 0) + 1) * grain + limit->window;
        }
        rc = 0;
    }
    db_stmt_free(stmt);
    *room = used < limit->most ? limit->most - used : 0;
    return rc < 0 ? rc : db_exec(db, SQL_QUOTA_PRUNE, err, "tii", relay, limit->window, oldest);
}

int quota_room(struct db *db, const char *relay, int64_t now, int64_t *room, int64_t *next_at,
               struct err *err)
{
    struct limit limits[LIMITS_MAX];
    int64_t held = 0;
    size_t count;
    int rc = read_limits(db, relay, limits, &count, err);

    *room = INT64_MAX;
    *next_at = 0;
    rc = rc == 0 ? db_get_int(db, SQL_QUOTA_HELD, &held, err, "t", relay) : rc;
    rc = rc < 0 ? rc : 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        int64_t left = 0;
        int64_t at = 0;

        rc = room_of(db, relay, &limits[i], now, held, &left, &at, err);
        *room = left < *room ? left : *room;
        *next_at = at > *next_at ? at : *next_at;
    }
    return rc;
}

int quota_hold(struct db *db, int64_t worker, int64_t by, struct err *err)
{
    return by == 0 ? 0 : db_exec(db, SQL_QUOTA_HOLD, err, "ii", worker, by);
}

int quota_use(struct db *db, int64_t worker, int64_t now, int64_t count, struct err *err)
{
    return count == 0 ? 0
                      : db_exec(db, SQL_QUOTA_USE, err, "iiii", worker, now, count,
                                (int64_t)QUOTA_SLOTS);
}
