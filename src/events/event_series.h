/* event_series.h - from what a file says about time to what holds.
 *
 * Both kinds of file fill a `struct event_maker`; event_series_make checks it and
 * sets all that struct event says about time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/err.h"
#include "teataja/base/report.h"
#include "teataja/events/event.h"

struct event_spot {
    const char *file;
    int line;
    int column;
};

/* A rule as written, and in civil time. */
struct event_rule {
    const char *text;
    struct event_spot spot;
};

/* An RDATE or an EXDATE, in the event's zone. A date_only one in an event that
 * is not of whole days means the occurrence on that day. */
struct event_when {
    struct civil civil;
    struct event_spot spot;
};

/* An override with its texts in the file's own language. start.year is 0 if it
 * is not moved, end.year if it takes the usual length. */
struct event_change {
    struct event_override override;
    struct event_override_text text;
    struct event_spot spot;
};

struct event_maker {
    struct arena *arena;
    struct report *report;
    struct event *event; /* tzid, start, end, all_day, has_end are set */
    bool strict;         /* hand-written: what calendars forgive is an error here */
    struct event_spot start, end;
    struct event_rule *rules;
    size_t rule_count;
    struct event_when *dates;
    size_t date_count;
    struct event_when *exceptions;
    size_t exception_count;
    struct event_change *changes; /* sorted by event_series_make as event->overrides are */
    size_t change_count;
    struct err *err; /* the caller's: the first error */
    bool failed;
};

/* Adds an error at a spot; remembers the first. */
void event_problem(struct event_maker *maker, const struct event_spot *spot, const char *format,
                   ...) __attribute__((format(printf, 3, 4)));

/* An error if the maker is strict, else a warning. */
void event_doubt(struct event_maker *maker, const struct event_spot *spot, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Sets the rest of what the event says about time. Problems are reported;
 * negative only for ERR_NOMEM. */
int event_series_make(struct event_maker *maker);

/* When the rules, the dates and the start itself have the event begin, in
 * [from, to), sorted, none twice, exceptions not yet taken out. Returns how many
 * or ERR_LIMIT, ERR_NOMEM. */
int event_originals(const struct event *event, const struct civil *from, const struct civil *to,
                    struct arena *arena, struct civil **out, struct err *err);

/* The civil time that lies as far behind `start` as the event's end behind its
 * start. */
void event_usual_end(const struct event *event, const struct civil *start, struct civil *out);

/* A rule with its UNTIL in the event's civil time: a date for events of whole
 * days, else a date and time without Z. In the arena; ERR_INVALID, ERR_NOMEM. */
int event_rule_localize(struct arena *arena, const char *text, const char *tzid, bool all_day,
                        const char **out, struct err *err);

/* Such a rule with its UNTIL in UTC, as RFC 5545 wants it beside a DTSTART with a
 * zone. */
int event_rule_globalize(struct arena *arena, const char *text, const char *tzid, bool all_day,
                         const char **out, struct err *err);
