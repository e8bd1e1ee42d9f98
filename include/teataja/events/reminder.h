/* teataja/events/reminder.h - when those who were invited hear of an event again: before
 * it, and after it.
 *
 * Both are counted in local time of the event's zone, so that "7 days before" is the same
 * hour of the clock on the wall, also across a change of the clocks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/err.h"
#include "teataja/calendar/zone.h"
#include "teataja/events/event.h"
#include "teataja/events/occurrence.h"

#define REMINDER_NAME 16   /* "7d", "36h", "90m" and NUL */
#define REMINDER_MORNING 9 /* whole days are counted from this hour of their first one */
#define THANKS_MORNING 10  /* thanks go out at this hour of the day after */

/* A moment by the clock of the event's zone. */
struct reminder_time {
    struct civil local;
    int64_t at;
    enum zone_fit fit;
};

/* When a reminder of this occurrence is due, so long before its start. */
int reminder_time(const struct occurrence *occurrence, const struct period *before,
                  struct reminder_time *out, struct err *err);

/* Tells the reminders of one event apart, whatever words they are written in. */
void reminder_name(const struct period *before, char out[REMINDER_NAME]);

/* In microseconds, a day being 24 hours. */
int64_t reminder_length(const struct period *before);

/* How long reminder `index` of the event may go out late: until the next one is due, the
 * last of them until the start. 0 for one that is there twice: the other one counts. */
int64_t reminder_patience(const struct event *event, size_t index);

/* The last occurrence that takes place. 1 and *out; 0 if there is none, as with a series
 * that has no end. ERR_LIMIT, ERR_NOMEM as event_occurrences. */
int event_last(const struct event *event, struct arena *arena, struct occurrence *out,
               struct err *err);

/* When the thanks for an event that ends with `last` are due: `thanks_after` its end, else
 * on the morning of the next day. */
int thanks_time(const struct occurrence *last, struct reminder_time *out, struct err *err);
