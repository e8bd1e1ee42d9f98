/* record.c - what was done, and whether what is planned can be. */
#include <string.h>

#include "room.h"
#include "sql/schedule/record.h"

static int read_record(struct db_stmt *stmt, struct arena *arena, struct schedule_record *out,
                       struct err *err)
{
    *out = (struct schedule_record){.id = db_int(stmt, 0),
                                    .kind = db_dup(stmt, 1, arena),
                                    .job = db_dup(stmt, 2, arena),
                                    .target = db_dup(stmt, 3, arena),
                                    .local = db_dup(stmt, 4, arena),
                                    .zone = db_dup(stmt, 5, arena),
                                    .due = db_int(stmt, 6),
                                    .state = db_dup(stmt, 7, arena),
                                    .reason = db_dup(stmt, 8, arena),
                                    .attempts = db_int(stmt, 9),
                                    .next_at = db_int(stmt, 10),
                                    .done_at = db_int(stmt, 11),
                                    .mailing = db_int(stmt, 12)};
    return out->kind == NULL || out->job == NULL || out->target == NULL || out->local == NULL ||
                   out->zone == NULL || out->state == NULL || out->reason == NULL
               ? err_nomem(err)
               : 0;
}

int schedule_records(struct db *db, struct arena *arena, size_t max, struct schedule_record **out,
                     size_t *count, struct err *err)
{
    struct db_stmt *stmt = NULL;
    size_t capacity = 0;
    int rc = db_query(db, SQL_RECORD_LIST, &stmt, err);

    *out = NULL;
    *count = 0;
    if (rc == 0) {
        rc = db_bind(stmt, err, "i", (int64_t)max);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = arena_grow(arena, out, &capacity, *count, sizeof(**out), err);
        if (rc == 0) {
            rc = read_record(stmt, arena, &(*out)[*count], err);
            *count += 1;
        }
    }
    db_stmt_free(stmt);
    return rc;
}

/* A rule that is right but comes never again, or all the time. */
static int check_times(struct arena *arena, const struct newsletter *newsletter,
                       const struct timetable *timetable, int64_t now, struct report *report,
                       struct err *err)
{
    struct job job = {.timetable = *timetable, .zone = timetable->zone};
    struct timetable_time *times = NULL;
    struct err own = {0};
    int64_t next = INT64_MAX;
    int rc = job_list(&job, arena, now, now + 31 * CLOCK_DAY, &times, &own);

    if (rc >= 0) {
        rc = job_next(&job, arena, now, &next, &own);
    }
    if (rc == ERR_NOMEM) {
        return err_nomem(err);
    }
    if (rc < 0) {
        yaml_problem(report, newsletter->schedule->node, "", "schedule: %s", own.msg);
    } else if (next == INT64_MAX) {
        yaml_warning(report, newsletter->schedule->node, "",
                     "schedule: it does not come again in the next ten years");
    }
    return 0;
}

int schedule_check(struct arena *arena, const struct config *config, int64_t now,
                   struct report *report, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc >= 0 && i < config->newsletter_count; i++) {
        const struct newsletter *newsletter = &config->newsletters[i];
        struct timetable timetable;

        rc = timetable_of(arena, config, newsletter, report, &timetable, err);
        if (rc == 1) {
            rc = check_times(arena, newsletter, &timetable, now, report, err);
        }
        rc = rc == ERR_INVALID ? 0 : rc;
    }
    return rc < 0 ? rc : 0;
}
