/* ical_value.h - the value of one content line, read by libical.
 *
 * A line is "NAME;PARAMETERS:VALUE", unfolded and checked by ical_scan, with one
 * value: libical's own list parsing and component parsing are never used.
 */
#pragma once

#include <stdbool.h>

#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/err.h"

/* A time before its zone is looked up. */
struct ical_raw_time {
    struct civil civil;
    bool utc;
    const char *tzid; /* as written, in the arena; NULL if none */
};

/* A DATE or DATE-TIME of the years 1600 (where the VTIMEZONEs of Outlook begin) to
 * 2200. ERR_INVALID: "DTSTART '2027' is not a date or a time". */
int ical_value_time(struct arena *arena, const char *line, struct ical_raw_time *out,
                    struct err *err);

/* An RDATE: a DATE, a DATE-TIME, or a PERIOD, whose end is then in *end. */
int ical_value_date(struct arena *arena, const char *line, struct ical_raw_time *start,
                    struct ical_raw_time *end, bool *has_end, struct err *err);

/* A TEXT: unescaped, without controls but LF, NULL if there is nothing but white
 * space. With `one_line` every run of white space becomes one space. */
int ical_value_text(struct arena *arena, const char *line, bool one_line, const char **out,
                    struct err *err);

/* ORGANIZER: the address without mailto:, and CN (NULL if none). */
int ical_value_person(struct arena *arena, const char *line, const char **address,
                      const char **name, struct err *err);
