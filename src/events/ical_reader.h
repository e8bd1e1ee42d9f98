/* ical_reader.h - the state of reading one iCalendar file. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "ical_scan.h"
#include "ical_zone.h"
#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/quantity.h"
#include "teataja/base/report.h"
#include "teataja/base/utf8.h"
#include "teataja/events/ical_read.h"

/* The beginning of a text, for "%.*s" in a message. */
#define ICAL_SHOWN(text) (int)utf8_prefix((text), strlen(text), 40), (text)

struct ical_reader {
    struct arena *arena;
    const char *file;
    struct report *report;
    struct ical_zones zones;
    struct ical_calendar *calendar;
    size_t event_capacity;
    size_t repeated; /* dates and exceptions of the whole file */
    struct err *err; /* the caller's: the first problem */
    bool failed;

    /* Of the event at hand. */
    unsigned seen; /* properties that stand once, by their place in the table */
    size_t rule_capacity, line_capacity, date_capacity, exception_capacity;
    struct period duration;
    int duration_line; /* 0 if none */
};

/* Adds a problem and remembers the first. Returns ERR_INVALID. */
int ical_problem(struct ical_reader *reader, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads a VEVENT or VTODO whose BEGIN was at `line`, to its END, into the calendar. What
 * is wrong in it becomes a problem; negative only when reading must stop
 * (ERR_NOMEM, ERR_LIMIT). */
int ical_reader_event(struct ical_reader *reader, struct ical_scan *scan, int line, bool todo);
