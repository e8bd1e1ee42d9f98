#include "teataja/events/ical_write.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "teataja/base/civil.h"
#include "teataja/base/clock.h"
#include "teataja/calendar/zone.h"

#define YEARS_SEEN 9     /* so that a fourth Sunday is told from a last one */
#define MOST_CHANGES 400 /* more than any zone has in the years an event may last */

/* A change of the clocks. */
struct change {
    int64_t at;
    int from, to;       /* seconds east of UTC, before and after */
    struct civil local; /* by the clock before */
};

struct changes {
    struct change items[MOST_CHANGES];
    size_t count;
};

/* Finds the second between `low` and `high` at which the offset becomes another. */
static int find_second(const char *tzid, int64_t low, int64_t high, int before, int64_t *out,
                       struct err *err)
{
    while (high - low > CLOCK_SECOND) {
        int64_t middle = low + (high - low) / 2 / CLOCK_SECOND * CLOCK_SECOND;
        int offset;
        int rc = zone_offset(tzid, middle, &offset, err);

        if (rc < 0) {
            return rc;
        }
        if (offset == before) {
            low = middle;
        } else {
            high = middle;
        }
    }
    *out = high;
    return 0;
}

static int find_changes(const char *tzid, int64_t from, int64_t to, struct changes *out,
                        int *offset_before, struct err *err)
{
    int before = 0;
    int rc = zone_offset(tzid, from, &before, err);

    out->count = 0;
    *offset_before = before;
    for (int64_t at = from; rc == 0 && at < to && out->count < MOST_CHANGES; at += CLOCK_DAY) {
        struct change *change = &out->items[out->count];
        int after = before;

        rc = zone_offset(tzid, at + CLOCK_DAY, &after, err);
        if (rc < 0 || after == before) {
            continue;
        }
        rc = find_second(tzid, at, at + CLOCK_DAY, before, &change->at, err);
        if (rc < 0) {
            break;
        }
        change->from = before;
        change->to = after;
        civil_from_utc(change->at + (int64_t)before * CLOCK_SECOND, &change->local);
        before = after;
        out->count++;
    }
    return rc;
}

/* The BYDAY position that all changes of one kind share: 1 to 4, or -1 for the
 * last; 0 if they share none, or no rule at all. */
static int shared_position(const struct changes *changes, bool daylight, int first, int years)
{
    const struct change *model = NULL;
    bool last = true;
    int position = 0;
    int count = 0;

    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->items[i];
        const struct civil *local = &change->local;

        if ((change->to > change->from) != daylight) {
            continue;
        }
        if (model == NULL) {
            model = change;
            position = (local->day - 1) / 7 + 1;
        }
        if (local->year != first + count || local->month != model->local.month ||
            civil_weekday(local) != civil_weekday(&model->local) ||
            local->hour != model->local.hour || local->minute != model->local.minute ||
            local->second != model->local.second || change->from != model->from ||
            change->to != model->to) {
            return 0;
        }
        last = last && local->day + 7 > civil_days_in_month(local->year, local->month);
        position = position == (local->day - 1) / 7 + 1 ? position : 0;
        count++;
    }
    if (count != years) {
        return 0;
    }
    return last ? -1 : position <= 4 ? position : 0;
}

static void add_line(struct str *out, const char *text)
{
    ical_line(out, text, strlen(text));
}

static void add_offset(struct str *out, const char *name, int seconds)
{
    int size = abs(seconds);
    char line[48];
    int used = snprintf(line, sizeof(line), "%s:%c%02d%02d", name, seconds < 0 ? '-' : '+',
                        size / 3600, size / 60 % 60);

    if (size % 60 != 0) {
        snprintf(line + used, sizeof(line) - (size_t)used, "%02d", size % 60);
    }
    add_line(out, line);
}

/* `rule` is the BYDAY position, 0 for none. */
static void add_observance(struct str *out, const struct change *change, int rule)
{
    static const char *const weekdays[] = {"", "MO", "TU", "WE", "TH", "FR", "SA", "SU"};
    const char *name = change->to > change->from ? "DAYLIGHT" : "STANDARD";
    const struct civil *local = &change->local;
    char line[80];

    snprintf(line, sizeof(line), "BEGIN:%s", name);
    add_line(out, line);
    snprintf(line, sizeof(line), "DTSTART:%04d%02d%02dT%02d%02d%02d", local->year, local->month,
             local->day, local->hour, local->minute, local->second);
    add_line(out, line);
    if (rule != 0) {
        snprintf(line, sizeof(line), "RRULE:FREQ=YEARLY;BYMONTH=%d;BYDAY=%d%s", local->month, rule,
                 weekdays[civil_weekday(local)]);
        add_line(out, line);
    }
    add_offset(out, "TZOFFSETFROM", change->from);
    add_offset(out, "TZOFFSETTO", change->to);
    snprintf(line, sizeof(line), "END:%s", name);
    add_line(out, line);
}

/* Every change for itself, and what held before the first. */
static void add_all(struct str *out, const struct changes *changes, int offset, int year, int last)
{
    struct change start = {
        .from = offset, .to = offset, .local = {.year = year, .month = 1, .day = 1}};

    add_observance(out, &start, 0);
    for (size_t i = 0; i < changes->count && changes->items[i].local.year <= last; i++) {
        add_observance(out, &changes->items[i], 0);
    }
}

static const struct change *first_of(const struct changes *changes, bool daylight)
{
    for (size_t i = 0; i < changes->count; i++) {
        if ((changes->items[i].to > changes->items[i].from) == daylight) {
            return &changes->items[i];
        }
    }
    return NULL;
}

int ical_vtimezone(struct str *out, const char *tzid, int first, int last, struct err *err)
{
    /* The year before, so that something is in force on 1 January. */
    int year = first > 1901 ? first - 1 : first;
    int years = last - year + 1 > YEARS_SEEN ? last - year + 1 : YEARS_SEEN;
    struct civil from = {.year = year, .month = 1, .day = 1};
    struct civil to = {.year = year + years, .month = 1, .day = 1};
    struct changes changes;
    char line[CIVIL_ZONE + 8];
    int offset;
    int rc = find_changes(tzid, civil_to_utc(&from), civil_to_utc(&to), &changes, &offset, err);
    int daylight;
    int standard;

    if (rc < 0) {
        return rc;
    }
    add_line(out, "BEGIN:VTIMEZONE");
    snprintf(line, sizeof(line), "TZID:%s", tzid);
    add_line(out, line);
    daylight = shared_position(&changes, true, year, years);
    standard = shared_position(&changes, false, year, years);
    if (daylight != 0 && standard != 0) {
        add_observance(out, first_of(&changes, false), standard);
        add_observance(out, first_of(&changes, true), daylight);
    } else {
        add_all(out, &changes, offset, changes.count > 0 ? year : 1970, last + 1);
    }
    add_line(out, "END:VTIMEZONE");
    return 0;
}
