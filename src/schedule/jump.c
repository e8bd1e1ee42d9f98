/* jump.c - a wall clock that cannot be right: a letter that goes out a month early cannot
 * be called back. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "room.h"
#include "sql/schedule/jump.h"
#include "teataja/base/log.h"

/* A database that is written at each tick costs more than the tick. */
#define NOTED_AGAIN_AFTER CLOCK_HOUR

enum { REASON = 200, BOOT = 64 };

struct clocks {
    char boot[BOOT];
    int64_t wall;
    int64_t uptime;
    bool held;
};

/* 1, or 0 before the first tick. */
static int read_clocks(struct db *db, struct clocks *out, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_JUMP_GET, &stmt, err);

    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        (void)snprintf(out->boot, sizeof(out->boot), "%s", db_text(stmt, 0));
        out->wall = db_int(stmt, 1);
        out->uptime = db_int(stmt, 2);
        out->held = !db_is_null(stmt, 3);
    }
    db_stmt_free(stmt);
    return rc;
}

/* How far the wall clock is from where it should be; 0 when that cannot be known, as after
 * a reboot, when it may be later by any time that the machine was off. */
static int64_t distance(const struct clocks *before, const struct schedule_time *time)
{
    int64_t passed;

    if (strcmp(before->boot, time->boot) == 0) {
        return (time->now - before->wall) - (time->uptime - before->uptime);
    }
    passed = time->now - before->wall;
    return passed < 0 ? passed : 0;
}

static int hold(struct db *db, int64_t jump, int64_t now, struct err *err)
{
    int64_t hours = (jump < 0 ? -jump : jump) / CLOCK_HOUR;
    char reason[REASON];
    char at[28];

    civil_format_instant(now, at);
    (void)snprintf(reason, sizeof(reason),
                   "the clock went %s by %" PRId64 " days %" PRId64 " h, to %.16s UTC",
                   jump < 0 ? "back" : "forward", hours / 24, hours % 24, at);
    LOG(LOG_ERROR, "schedule_held", log_text("reason", reason));
    return db_exec(db, SQL_JUMP_HOLD, err, "it", now, reason);
}

int jump_check(struct db *db, const struct schedule_time *time, struct err *err)
{
    struct clocks before = {.wall = 0};
    int64_t jump = 0;
    int rc = read_clocks(db, &before, err);

    if (rc < 0 || (rc == 1 && before.held)) {
        return rc;
    }
    if (time->uptime < 0) {
        return 0;
    }
    if (rc == 1) {
        jump = distance(&before, time);
    }
    if (jump > SCHEDULE_JUMP || jump < -SCHEDULE_JUMP) {
        rc = hold(db, jump, time->now, err);
        return rc < 0 ? rc : 1;
    }
    if (rc == 1 && strcmp(before.boot, time->boot) == 0 && jump < CLOCK_SECOND &&
        jump > -CLOCK_SECOND && time->now - before.wall < NOTED_AGAIN_AFTER) {
        return 0;
    }
    rc = db_exec(db, SQL_JUMP_SET, err, "tii", time->boot, time->now, time->uptime);
    return rc < 0 ? rc : 0;
}

int schedule_hold_all(struct db *db, const char *reason, int64_t now, struct err *err)
{
    return db_exec(db, SQL_JUMP_HOLD_ALL, err, "it", now, reason);
}

int schedule_held(struct db *db, struct arena *arena, struct schedule_hold *out, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_JUMP_HELD, &stmt, err);

    memset(out, 0, sizeof(*out));
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        out->since = db_int(stmt, 0);
        out->reason = db_dup(stmt, 1, arena);
        rc = out->reason == NULL ? err_nomem(err) : 1;
    }
    db_stmt_free(stmt);
    return rc;
}

int schedule_release(struct db *db, const struct schedule_time *time, struct err *err)
{
    int rc = db_exec(db, SQL_JUMP_RELEASE, err, "tii", time->boot, time->now,
                     time->uptime < 0 ? 0 : time->uptime);

    if (rc == 0 && db_changes(db) == 0) {
        rc = err_set(err, ERR_STATE, "nothing is held");
    }
    if (rc == 0) {
        LOG(LOG_INFO, "schedule_released", log_int("wall", time->now));
    }
    return rc;
}
