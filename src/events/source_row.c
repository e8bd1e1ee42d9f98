/* source_row.c - the table `source`, and when a poll is due. */
#include "source_row.h"

#include <string.h>

#include "sql/events/source.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/token.h"
#include "teataja/calendar/recurrence.h"
#include "teataja/calendar/zone.h"

#define FIRST_PAUSE (5 * CLOCK_MINUTE)
#define LAST_PAUSE CLOCK_DAY
#define AHEAD_DAYS 800

int source_row_get(struct db *db, const char *name, struct arena *arena, struct source_row *out,
                   struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc;

    *out = (struct source_row){.url = ""};
    rc = db_query(db, SQL_SOURCE_STATE, &stmt, err);
    if (rc == 0) {
        rc = db_bind(stmt, err, "t", name);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        out->polled_at = db_int(stmt, 0);
        out->ok_at = db_int(stmt, 1);
        out->next_at = db_int(stmt, 2);
        out->failures = db_int(stmt, 3);
        out->error = db_dup(stmt, 4, arena);
        out->changed_at = db_int(stmt, 5);
        out->url = db_dup(stmt, 6, arena);
        rc = out->url == NULL || (out->error == NULL && !db_is_null(stmt, 4)) ? err_nomem(err) : 0;
    }
    db_stmt_free(stmt);
    return rc;
}

int source_row_save(struct db *db, const struct site_source *source, const struct source_row *row,
                    struct err *err)
{
    char url[33];

    token_digest(source->url, strlen(source->url), url);
    return db_exec(db, SQL_SOURCE_SAVE, err, "ti?iit?t", source->name, row->polled_at,
                   row->ok_at != 0, row->ok_at, row->next_at, row->failures, row->error,
                   row->changed_at != 0, row->changed_at, url);
}

bool source_row_fits(const struct source_row *row, const struct site_source *source)
{
    char url[33];

    token_digest(source->url, strlen(source->url), url);
    return strcmp(url, row->url) == 0;
}

/* The next time of the rule; 0 if it has none, or cannot be read. */
static int64_t by_rule(const struct config *config, const char *rule, int64_t now)
{
    const struct civil start = {.year = 2024, .month = 1, .day = 1};
    const char *zone = config->site.timezone;
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct civil from, to;
    struct civil *times = NULL;
    int64_t next = 0;

    if (arena != NULL && zone_from_utc(zone, now, &from, NULL) == 0) {
        int count;

        to = from;
        civil_add_days(&to, AHEAD_DAYS);
        /* The second one too: the first may be now, or have been in the hour that the
         * clocks repeat. */
        count = recurrence_list_in(arena, rule, zone, &start, &from, &to, 3, &times, NULL);
        for (int i = 0; next == 0 && i < count; i++) {
            int64_t at;

            if (zone_to_utc(zone, &times[i], &at, NULL, NULL) == 0 && at > now) {
                next = at;
            }
        }
    }
    arena_free(arena);
    return next;
}

int64_t source_next(const struct config *config, const struct site_source *source, int64_t now,
                    int64_t failures, int64_t retry_after)
{
    int64_t pause = FIRST_PAUSE;
    int64_t next = 0;

    if (failures == 0) {
        next = source->rrule != NULL ? by_rule(config, source->rrule, now) : now + source->every;
        return next > 0 ? next : now + LAST_PAUSE;
    }
    while (--failures > 0 && pause < LAST_PAUSE) {
        pause *= 2;
    }
    pause = pause < LAST_PAUSE ? pause : LAST_PAUSE;
    if (pause < retry_after * CLOCK_SECOND) {
        pause = retry_after * CLOCK_SECOND < LAST_PAUSE ? retry_after * CLOCK_SECOND : LAST_PAUSE;
    }
    return now + pause;
}
