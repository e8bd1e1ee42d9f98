/* timetable.c - see teataja/schedule/timetable.h. */
#include "teataja/schedule/timetable.h"

#include <string.h>
#include <strings.h>

#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/calendar/recurrence.h"

/* A problem at a character of a value; of the value as a whole where it is not written as
 * it reads. */
static void report_at(struct report *report, const struct yaml_node *schedule, size_t column,
                      const char *message)
{
    const struct yaml_node *value =
        schedule->kind == YAML_SCALAR ? schedule : yaml_get(schedule, "every");

    if (value == NULL) {
        value = schedule;
    }
    report_add(report, REPORT_ERROR, value->file, value->line,
               value->column + (value->plain && column > 0 ? (int)column - 1 : 0), "schedule: %s",
               message);
}

static int read_every(struct arena *arena, const struct newsletter_schedule *schedule,
                      struct report *report, struct timetable *out, struct err *err)
{
    size_t column = 0;
    int rc = timetable_parse(arena, schedule->every, &out->start, &out->rule, &column, err);

    if (rc == ERR_INVALID) {
        report_at(report, schedule->node, column, err->msg);
    }
    return rc;
}

static int read_rule(const struct newsletter_schedule *schedule, struct report *report,
                     struct timetable *out, struct err *err)
{
    const char *rule = schedule->rrule;

    if (rule == NULL || out->start.year == 0 || out->start.date_only) {
        return err_set(err, ERR_INVALID, "schedule: 'every', or 'rrule' and 'start', are missing");
    }
    if (recurrence_check(rule, err) < 0) {
        yaml_problem(report, schedule->node, "rrule", "schedule: %s", err->msg);
        return err->code;
    }
    out->rule = strncasecmp(rule, "RRULE:", 6) == 0 ? rule + 6 : rule;
    return 0;
}

static int find_zone(struct arena *arena, const struct config *config,
                     const struct newsletter *newsletter, struct report *report, const char **out,
                     struct err *err)
{
    const struct newsletter_schedule *schedule = newsletter->schedule;
    const char *name = schedule->start.zone[0] != '\0' ? schedule->start.zone
                       : newsletter->timezone != NULL  ? newsletter->timezone
                       : config->site.timezone != NULL ? config->site.timezone
                                                       : "UTC";
    char tzid[CIVIL_ZONE];
    int rc = zone_find(name, tzid, err);

    if (rc < 0) {
        if (schedule->start.zone[0] != '\0') {
            yaml_problem(report, schedule->node, "start", "schedule: %s", err->msg);
        }
        return rc == ERR_NOMEM ? rc : err_set(err, ERR_INVALID, "%s", err->msg);
    }
    *out = arena_strdup(arena, tzid);
    return *out == NULL ? err_nomem(err) : 0;
}

int timetable_of(struct arena *arena, const struct config *config,
                 const struct newsletter *newsletter, struct report *report, struct timetable *out,
                 struct err *err)
{
    const struct newsletter_schedule *schedule = newsletter->schedule;
    struct err own = {0};
    int rc;

    memset(out, 0, sizeof(*out));
    if (schedule == NULL) {
        return 0;
    }
    out->start = schedule->start.civil;
    rc = find_zone(arena, config, newsletter, report, &out->zone, &own);
    if (rc == 0 && schedule->every != NULL) {
        out->start.date_only = false;
        rc = read_every(arena, schedule, report, out, &own);
    } else if (rc == 0) {
        rc = read_rule(schedule, report, out, &own);
    }
    return rc == 0 ? 1 : err_set(err, rc, "%s: %s", newsletter->file, own.msg);
}

/* The local times of a window that holds every instant of [from, to). */
static int list_local(struct arena *arena, const struct timetable *timetable, int64_t from,
                      int64_t to, size_t max, struct civil **out, struct err *err)
{
    struct civil first;
    struct civil last;
    int rc = zone_from_utc(timetable->zone, from - CLOCK_DAY, &first, err);

    if (rc == 0) {
        rc = zone_from_utc(timetable->zone, to + CLOCK_DAY, &last, err);
    }
    return rc < 0 ? rc
                  : recurrence_list_in(arena, timetable->rule, timetable->zone, &timetable->start,
                                       &first, &last, max, out, err);
}

/* A time in a gap comes behind the one that the clock shows an hour later. */
static void sort_in(struct timetable_time *times, size_t count, const struct timetable_time *time)
{
    while (count > 0 && times[count - 1].at > time->at) {
        times[count] = times[count - 1];
        count--;
    }
    times[count] = *time;
}

int timetable_list(struct arena *arena, const struct timetable *timetable, int64_t from, int64_t to,
                   size_t max, struct timetable_time **out, struct err *err)
{
    struct civil *locals = NULL;
    struct timetable_time *times;
    size_t count = 0;
    int found;

    *out = NULL;
    if (to <= from) {
        return 0;
    }

    found = list_local(arena, timetable, from, to, 0, &locals, err);
    if (found < 0) {
        return found;
    }
    if (max == 0 && found == LIMIT_OCCURRENCES) {
        return err_set(err, ERR_LIMIT, "the schedule comes more than %d times in so long",
                       LIMIT_OCCURRENCES);
    }
    times = arena_alloc(arena, (size_t)found + 1, sizeof(*times));
    if (times == NULL) {
        return err_nomem(err);
    }
    for (int i = 0; i < found; i++) {
        struct timetable_time time = {.local = locals[i]};
        int rc = zone_to_utc(timetable->zone, &locals[i], &time.at, &time.fit, err);

        if (rc < 0) {
            return rc;
        }
        if (time.at >= from && time.at < to) {
            sort_in(times, count++, &time);
        }
    }
    *out = times;
    return (int)(max > 0 && count > max ? max : count);
}
