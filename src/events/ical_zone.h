/* ical_zone.h - what a TZID in an iCalendar file means.
 *
 * Every event needs a zone that the system's tzdata knows, because clocks change
 * after a file is written. A VTIMEZONE therefore only helps to find out which
 * zone is meant when its name does not say.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ical_scan.h"
#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/err.h"

/* STANDARD or DAYLIGHT. */
struct ical_observance {
    struct civil start; /* DTSTART */
    int from;           /* seconds east of UTC before it begins */
    int to;             /* and after */
    const char *rule;   /* NULL if none */
    bool bad;           /* something in it cannot be read */
    struct civil *dates;
    size_t date_count, date_capacity;
};

/* A VTIMEZONE. */
struct ical_description {
    const char *tzid;
    const char *location; /* X-LIC-LOCATION; NULL if none */
    struct ical_observance *observances;
    size_t count, capacity;
};

struct ical_zone_name {
    const char *name;
    char tzid[CIVIL_ZONE];
};

struct ical_zones {
    struct arena *arena;
    const char *fallback; /* the site's zone */
    struct ical_description *items;
    size_t count, capacity;
    struct ical_zone_name *found; /* what was looked up before; tzid "" if in vain */
    size_t found_count, found_capacity;
    int64_t spent; /* nanoseconds on reading VTIMEZONEs: LIMIT_RECURRENCE_MS for all of a file */
};

/* Looks up a TZID for an event in `year`. *guessed becomes true if the zone was
 * told by the VTIMEZONE's clock and not by a name, the first time only.
 * ERR_NOT_FOUND with a message. */
int ical_zones_find(struct ical_zones *zones, const char *name, int year, char tzid[CIVIL_ZONE],
                    bool *guessed, struct err *err);

/* Reads a VTIMEZONE whose BEGIN was just read, to its END. What is wrong inside
 * only means that it tells nothing; errors are those of ical_scan_next. */
int ical_zones_read(struct ical_zones *zones, struct ical_scan *scan, struct err *err);
