/* teataja/schedule/timetable.h - when a newsletter goes out: `schedule:`.
 *
 *     schedule: first Monday 09:00
 *     schedule: { every: 2 weeks on Tuesday 10:00, start: 2026-12-01 }
 *     schedule: { rrule: "FREQ=MONTHLY;BYDAY=1MO", start: 2026-12-07 09:00 }
 *
 * What may stand behind `every` (in any case; a leading "every" and "the", "on",
 * "at", "of" where they read well):
 *
 *     every    = days time
 *     days     = "day" | number "days"
 *              | "weekday"                            Monday to Friday
 *              | weekdays                             "Monday and Thursday"
 *              | ["week" | number "weeks"] weekdays   "2 weeks on Tuesday"
 *              | ordinals (weekday | "weekday") [span]  "first and third Monday"
 *              | (ordinals | "last") ["day"] [span]   "1st and 15th", "last day"
 *     span     = "month" | number "months" | "quarter" | months   "of March and September"
 *     time     = "09:00"
 *
 * "first" to "fifth" and "1st" to "31st" are ordinals, and "last". The first Monday of
 * the quarter is in its first month, the last in its last. Weeks, days and
 * months that are counted are counted from `start` if it is given, else from Monday,
 * 1 January 2024.
 *
 * Times are local. One that does not exist on its day (clocks go forward) means the
 * same offset as before: as far behind the gap's start as it is into it, so 02:30
 * is 03:30 then. One that comes twice (clocks go back) means the first. So each
 * local time is exactly one instant.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/err.h"
#include "teataja/base/report.h"
#include "teataja/calendar/zone.h"
#include "teataja/config/config.h"

struct timetable {
    const char *rule; /* RRULE (RFC 5545 section 3.3.10) without the name */
    struct civil start;
    const char *zone;
};

/* Reads what stands behind `every` into a rule; *start gets its time of day, and 1 January
 * 2024 if it has no date (year 0). ERR_INVALID with what is wrong and what may stand
 * there; *column (may be NULL) counts characters from 1. */
int timetable_parse(struct arena *arena, const char *text, struct civil *start, const char **rule,
                    size_t *column, struct err *err);

/* The timetable of a newsletter; problems go into `report` (may be NULL) with file, line
 * and column. Returns 1; 0 if it has none; ERR_INVALID, ERR_NOMEM. */
int timetable_of(struct arena *arena, const struct config *config,
                 const struct newsletter *newsletter, struct report *report, struct timetable *out,
                 struct err *err);

struct timetable_time {
    struct civil local; /* as the rule says: the occurrence's name */
    int64_t at;         /* the instant */
    enum zone_fit fit;  /* ZONE_GAP: the clock shows another time then */
};

/* Those of [from, to), instants, in order, at most `max` (0: all, or ERR_LIMIT where they
 * are LIMIT_OCCURRENCES or more). Returns the number; ERR_LIMIT, ERR_INVALID, ERR_NOMEM as
 * recurrence_list. */
int timetable_list(struct arena *arena, const struct timetable *timetable, int64_t from, int64_t to,
                   size_t max, struct timetable_time **out, struct err *err);
