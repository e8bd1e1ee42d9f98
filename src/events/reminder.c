#include "teataja/events/reminder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "teataja/base/clock.h"

#define LONGEST (3660 * CLOCK_DAY) /* of a series whose end is looked for */

/* `days` by the clock on the wall, then `micros` of time that passes. */
static int shift(const char *tzid, const struct civil *from, int days, int64_t micros,
                 struct reminder_time *out, struct err *err)
{
    int rc;

    out->local = *from;
    civil_add_days(&out->local, days);
    rc = zone_to_utc(tzid, &out->local, &out->at, &out->fit, err);
    if (rc == 0 && micros != 0) {
        out->at += micros;
        out->fit = ZONE_EXACT;
        rc = zone_from_utc(tzid, out->at, &out->local, err);
    }
    return rc;
}

int reminder_time(const struct occurrence *occurrence, const struct period *before,
                  struct reminder_time *out, struct err *err)
{
    struct civil start = occurrence->start;

    if (start.date_only) {
        start.date_only = false;
        start.hour = REMINDER_MORNING;
    }
    return shift(occurrence->event->tzid, &start, -before->days, -before->micros, out, err);
}

void reminder_name(const struct period *before, char out[REMINDER_NAME])
{
    static const struct {
        int64_t micros;
        char letter;
    } units[] = {{CLOCK_HOUR, 'h'}, {CLOCK_MINUTE, 'm'}, {CLOCK_SECOND, 's'}};
    int64_t length = reminder_length(before);
    size_t i = 0;

    if (before->micros == 0) {
        (void)snprintf(out, REMINDER_NAME, "%dd", before->days);
        return;
    }
    while (i < 2 && length % units[i].micros != 0) {
        i++;
    }
    (void)snprintf(out, REMINDER_NAME, "%" PRId64 "%c", length / units[i].micros, units[i].letter);
}

int64_t reminder_length(const struct period *before)
{
    return before->days * CLOCK_DAY + before->micros;
}

int64_t reminder_patience(const struct event *event, size_t index)
{
    int64_t own = reminder_length(&event->reminders[index]);
    int64_t next = 0;

    for (size_t i = 0; i < event->reminder_count; i++) {
        int64_t other = reminder_length(&event->reminders[i]);

        if (other == own && i < index) {
            return 0;
        }
        if (other < own && other > next) {
            next = other;
        }
    }
    return own - next;
}

/* A rule with neither COUNT nor UNTIL goes on for ever. */
static bool is_endless(const struct event *event)
{
    for (size_t i = 0; i < event->rule_count; i++) {
        if (strstr(event->rules[i], "COUNT=") == NULL &&
            strstr(event->rules[i], "UNTIL=") == NULL) {
            return true;
        }
    }
    return false;
}

int event_last(const struct event *event, struct arena *arena, struct occurrence *out,
               struct err *err)
{
    struct occurrence *occurrences = NULL;
    int count = is_endless(event)
                    ? 0
                    : event_occurrences(event, event->start_utc - CLOCK_DAY,
                                        event->start_utc + LONGEST, arena, &occurrences, err);
    bool found = false;

    for (int i = 0; i < count; i++) {
        if (!occurrences[i].cancelled && (!found || occurrences[i].end_utc > out->end_utc)) {
            *out = occurrences[i];
            found = true;
        }
    }
    return count < 0 ? count : found;
}

int thanks_time(const struct occurrence *last, struct reminder_time *out, struct err *err)
{
    const struct event *event = last->event;
    struct civil end = last->end;
    int days = event->thanks_after.days;

    if (end.date_only) { /* the end is the midnight behind the last day */
        end.date_only = false;
        days++;
    }
    if (event->has_thanks_after) {
        return shift(event->tzid, &end, days, event->thanks_after.micros, out, err);
    }
    end.hour = THANKS_MORNING;
    end.minute = 0;
    end.second = 0;
    return shift(event->tzid, &end, 1, 0, out, err);
}
