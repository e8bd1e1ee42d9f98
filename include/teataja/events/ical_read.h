/* teataja/events/ical_read.h - an iCalendar file (RFC 5545), read within bounds.
 *
 * Our own scanner unfolds the lines and watches size, line length, nesting and
 * counts, so that libical only ever sees one short property at a time; it reads
 * their values. What comes out are plain structs in the arena.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/err.h"
#include "teataja/base/report.h"

/* A date, or a time in a zone that the system knows. */
struct ical_time {
    struct civil civil;    /* date_only for VALUE=DATE */
    char tzid[CIVIL_ZONE]; /* IANA name, "UTC"; the default zone for a floating time and a date */
    bool floating;         /* written without any zone */
    int line;              /* of the file */
};

/* An RDATE; a PERIOD brings its own end. */
struct ical_date {
    struct ical_time start;
    struct ical_time end;
    bool has_end;
};

enum ical_status { ICAL_IS_CONFIRMED, ICAL_IS_TENTATIVE, ICAL_IS_CANCELLED };
enum ical_class { ICAL_IS_PUBLIC, ICAL_IS_PRIVATE, ICAL_IS_CONFIDENTIAL };

/* A VEVENT, or with ical_read_todos a VTODO. Texts are unescaped, UTF-8, NULL when absent or empty; line breaks
 * are LF, other controls are gone. */
struct ical_event {
    int line;        /* of its BEGIN */
    const char *uid; /* NULL if it has none */
    bool is_todo;    /* start is when it is due, there is no end; DTSTART only if nothing else */
    bool is_done;    /* STATUS:COMPLETED */
    struct ical_time start;
    struct ical_time end; /* as written: for dates the day after the last; valid if has_end */
    bool has_end;         /* DTEND or DURATION */
    struct ical_time recurrence_id; /* which occurrence this replaces; valid if is_override */
    bool is_override;
    const char **rules; /* RRULE, as written */
    int *rule_lines;
    size_t rule_count;
    struct ical_date *dates; /* RDATE, in the file's order */
    size_t date_count;
    struct ical_time *exceptions; /* EXDATE, in the file's order */
    size_t exception_count;
    enum ical_status status;
    enum ical_class access;
    int64_t sequence;
    const char *summary; /* one line */
    const char *description;
    const char *location;       /* one line */
    const char *url;            /* http or https, else NULL */
    const char *organizer;      /* address without mailto:, as written */
    const char *organizer_name; /* CN */
};

struct ical_calendar {
    const char *method;        /* METHOD in upper case; NULL if none */
    const char *name;          /* X-WR-CALNAME or NAME */
    char zone[CIVIL_ZONE];     /* X-WR-TIMEZONE as an IANA name; "" if none */
    struct ical_event *events; /* in the file's order */
    size_t event_count;
};

/* Reads one VCALENDAR from `len` bytes of UTF-8. `zone` is the IANA zone of
 * floating times and dates. A TZID is looked up as an IANA or a Windows name;
 * failing that by X-LIC-LOCATION of its VTIMEZONE, or as the first well-known
 * zone (`zone` first) whose clock agrees with that VTIMEZONE in the years of the
 * event. What is not an event is passed over.
 *
 * Everything wrong goes into `report` (which may be NULL) at its line of `file`;
 * what merely looks odd (a floating time, broken lines outside of an event) is a
 * warning. Returns 0; ERR_INVALID with the first error; ERR_LIMIT past
 * LIMIT_ICS, LIMIT_ICS_LINE, LIMIT_ICS_NESTING, LIMIT_ICS_COMPONENTS, or
 * LIMIT_OCCURRENCES events, dates or exceptions; ERR_NOMEM. */
int ical_read(struct arena *arena, const char *file, const char *text, size_t len, const char *zone,
              struct report *report, struct ical_calendar *out, struct err *err);

/* As ical_read, with the VTODOs among the events. */
int ical_read_todos(struct arena *arena, const char *file, const char *text, size_t len,
                    const char *zone, struct report *report, struct ical_calendar *out,
                    struct err *err);
