#include "ical_zone.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ical_value.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/calendar/recurrence.h"
#include "teataja/calendar/zone.h"

/* Tried in this order after the site's own: zones with a rule of their own come
 * once, the partners' countries first. */
static const char *const well_known[] = {
    "Europe/Tallinn",    "Europe/Vilnius",     "Europe/Riga",      "Europe/Warsaw",
    "Europe/Prague",     "Europe/Berlin",      "Europe/Stockholm", "Europe/Helsinki",
    "Europe/London",     "Europe/Lisbon",      "Europe/Dublin",    "Europe/Kyiv",
    "Europe/Chisinau",   "Europe/Istanbul",    "Europe/Minsk",     "Europe/Moscow",
    "Asia/Tbilisi",      "Atlantic/Reykjavik", "Asia/Jerusalem",   "Africa/Cairo",
    "America/New_York",  "America/Chicago",    "America/Denver",   "America/Los_Angeles",
    "America/Sao_Paulo", "Asia/Tokyo",         "Australia/Sydney", "UTC",
};

#define EARLIEST 1970 /* no onset before this year matters for an event of ours */
#define YEARS_COMPARED 3
#define MOST_DESCRIPTIONS 64 /* VTIMEZONEs, observances in each, and dates in each of those */

struct onset {
    int64_t at;
    int offset;
};

struct onsets {
    struct arena *arena;
    struct onset *items;
    size_t count, capacity;
};

/* "+0200", "-033015" in seconds; false if it is none. */
static bool offset_parse(const char *text, int *seconds)
{
    size_t len = strlen(text);
    int part[3] = {0, 0, 0};

    if ((len != 5 && len != 7) || (text[0] != '+' && text[0] != '-')) {
        return false;
    }
    for (size_t i = 1; i < len; i++) {
        if (!isdigit((unsigned char)text[i])) {
            return false;
        }
        part[(i - 1) / 2] = part[(i - 1) / 2] * 10 + (text[i] - '0');
    }
    if (part[0] > 18 || part[1] > 59 || part[2] > 59) {
        return false;
    }
    *seconds = (part[0] * 3600 + part[1] * 60 + part[2]) * (text[0] == '-' ? -1 : 1);
    return true;
}

static int add_onset(struct onsets *onsets, const struct civil *local,
                     const struct ical_observance *observance, struct err *err)
{
    int rc = arena_grow(onsets->arena, &onsets->items, &onsets->capacity, onsets->count,
                        sizeof(*onsets->items), err);

    if (rc < 0) {
        return rc;
    }
    onsets->items[onsets->count].at =
        civil_to_utc(local) - (int64_t)observance->from * CLOCK_SECOND;
    onsets->items[onsets->count].offset = observance->to;
    onsets->count++;
    return 0;
}

static int add_observance(struct onsets *onsets, const struct ical_observance *observance, int year,
                          struct err *err)
{
    struct civil start = observance->start;
    struct civil from = {.year = EARLIEST, .month = 1, .day = 1};
    struct civil to = {.year = year + YEARS_COMPARED, .month = 1, .day = 1};
    struct civil *list = NULL;
    int rc;

    if (start.year < EARLIEST) {
        start.year = EARLIEST; /* Outlook begins its rules in 1601 */
        if (start.day > civil_days_in_month(start.year, start.month)) {
            start.day = 28;
        }
    }
    rc = add_onset(onsets, &start, observance, err);
    for (size_t i = 0; rc == 0 && i < observance->date_count; i++) {
        rc = add_onset(onsets, &observance->dates[i], observance, err);
    }
    if (rc < 0 || observance->rule == NULL) {
        return rc;
    }
    rc = recurrence_list(onsets->arena, observance->rule, &start, &from, &to, 0, &list, err);
    for (int i = 0, n = rc; rc >= 0 && i < n; i++) {
        rc = add_onset(onsets, &list[i], observance, err);
    }
    return rc < 0 ? rc : 0;
}

static int by_time(const void *a, const void *b)
{
    const struct onset *one = a;
    const struct onset *other = b;

    return (one->at > other->at) - (one->at < other->at);
}

/* True if the described clock and that of `tzid` agree in every week. */
static bool agrees(const struct onsets *onsets, const char *tzid, int year)
{
    struct civil first = {.year = year, .month = 1, .day = 1, .hour = 12};
    struct civil last = {.year = year + YEARS_COMPARED, .month = 1, .day = 1};
    int64_t end = civil_to_utc(&last);
    size_t next = 0;
    int described = 0;
    int real;

    if (onsets->count == 0) {
        return false;
    }
    for (int64_t at = civil_to_utc(&first); at < end; at += 7 * CLOCK_DAY) {
        while (next < onsets->count && onsets->items[next].at <= at) {
            described = onsets->items[next++].offset;
        }
        if (next == 0 || zone_offset(tzid, at, &real, NULL) < 0 || real != described) {
            return false;
        }
    }
    return true;
}

/* Finds the zone whose clock a VTIMEZONE describes. Returns 1, 0 or ERR_NOMEM. */
static int match(struct ical_zones *zones, const struct ical_description *description, int year,
                 char tzid[CIVIL_ZONE], struct err *err)
{
    struct onsets onsets = {.arena = zones->arena};
    struct err ignored = {0};
    const char *hit = NULL;

    for (size_t i = 0; i < description->count; i++) {
        if (description->observances[i].bad) {
            return 0;
        }
    }
    for (size_t i = 0; i < description->count; i++) {
        int64_t began = clock_thread_ticks();
        int rc = zones->spent > LIMIT_RECURRENCE_MS * INT64_C(1000000)
                     ? ERR_LIMIT
                     : add_observance(&onsets, &description->observances[i], year, &ignored);

        zones->spent += clock_thread_ticks() - began;
        if (rc == ERR_NOMEM) {
            return err_nomem(err);
        }
        if (rc < 0) {
            return 0; /* a rule that cannot be read describes no clock */
        }
    }
    if (onsets.count > 0) {
        qsort(onsets.items, onsets.count, sizeof(*onsets.items), by_time);
    }
    if (agrees(&onsets, zones->fallback, year)) {
        hit = zones->fallback;
    }
    for (size_t i = 0; hit == NULL && i < sizeof(well_known) / sizeof(well_known[0]); i++) {
        if (agrees(&onsets, well_known[i], year)) {
            hit = well_known[i];
        }
    }
    if (hit == NULL) {
        return 0;
    }
    memcpy(tzid, hit, strlen(hit) + 1);
    return 1;
}

static const struct ical_description *description_find(const struct ical_zones *zones,
                                                       const char *name)
{
    for (size_t i = 0; i < zones->count; i++) {
        if (zones->items[i].tzid != NULL && strcmp(zones->items[i].tzid, name) == 0) {
            return &zones->items[i];
        }
    }
    return NULL;
}

static int look_up(struct ical_zones *zones, const char *name, int year, char tzid[CIVIL_ZONE],
                   bool *guessed, struct err *err)
{
    const struct ical_description *description = description_find(zones, name);
    int rc = zone_find(name, tzid, err);

    if (rc != ERR_NOT_FOUND || description == NULL) {
        return rc;
    }
    if (description->location != NULL && zone_find(description->location, tzid, NULL) == 0) {
        err_clear(err);
        return 0;
    }
    rc = match(zones, description, year, tzid, err);
    if (rc > 0) {
        err_clear(err);
        *guessed = true;
        return 0;
    }
    return rc < 0 ? rc : ERR_NOT_FOUND;
}

static int not_found(const char *name, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND,
                   "time zone '%s' is not known; use a name such as Europe/Tallinn", name);
}

/* Remembers what a name led to ("" for nothing). */
static int keep(struct ical_zones *zones, const char *name, const char *tzid, struct err *err)
{
    struct ical_zone_name *found;
    int rc = arena_grow(zones->arena, &zones->found, &zones->found_capacity, zones->found_count,
                        sizeof(*zones->found), err);

    if (rc < 0) {
        return rc;
    }
    found = &zones->found[zones->found_count];
    found->name = arena_strdup(zones->arena, name);
    if (found->name == NULL) {
        return err_nomem(err);
    }
    memcpy(found->tzid, tzid, strlen(tzid) + 1);
    zones->found_count++;
    return 0;
}

int ical_zones_find(struct ical_zones *zones, const char *name, int year, char tzid[CIVIL_ZONE],
                    bool *guessed, struct err *err)
{
    int rc;

    *guessed = false;
    for (size_t i = 0; i < zones->found_count; i++) {
        if (strcmp(zones->found[i].name, name) == 0) {
            memcpy(tzid, zones->found[i].tzid, CIVIL_ZONE);
            return tzid[0] != '\0' ? 0 : not_found(name, err);
        }
    }
    rc = look_up(zones, name, year, tzid, guessed, err);
    if (rc < 0 && rc != ERR_NOT_FOUND) {
        return rc;
    }
    if (keep(zones, name, rc == 0 ? tzid : "", err) < 0) {
        return ERR_NOMEM;
    }
    return rc;
}

static int read_property(struct ical_zones *zones, struct ical_observance *observance,
                         const struct ical_content *content, struct err *err)
{
    struct ical_raw_time raw;

    if (strcmp(content->name, "TZOFFSETFROM") == 0) {
        observance->bad |= !offset_parse(content->value, &observance->from);
    } else if (strcmp(content->name, "TZOFFSETTO") == 0) {
        observance->bad |= !offset_parse(content->value, &observance->to);
    } else if (strcmp(content->name, "RRULE") == 0) {
        observance->bad |= observance->rule != NULL;
        observance->rule = arena_strdup(zones->arena, content->value);
        return observance->rule == NULL ? err_nomem(err) : 0;
    } else if (strcmp(content->name, "DTSTART") == 0) {
        observance->bad |= ical_value_time(zones->arena, content->text, &raw, NULL) < 0;
        observance->start = raw.civil;
    } else if (strcmp(content->name, "RDATE") == 0) {
        if (observance->date_count >= MOST_DESCRIPTIONS || strchr(content->value, ',') != NULL ||
            ical_value_time(zones->arena, content->text, &raw, NULL) < 0) {
            observance->bad = true;
            return 0;
        }
        if (arena_grow(zones->arena, &observance->dates, &observance->date_capacity,
                       observance->date_count, sizeof(*observance->dates), err) < 0) {
            return ERR_NOMEM;
        }
        observance->dates[observance->date_count++] = raw.civil;
    }
    return 0;
}

static int read_observance(struct ical_zones *zones, struct ical_description *description,
                           struct ical_scan *scan, struct err *err)
{
    struct ical_observance observance = {0};
    struct ical_content content;
    int depth = scan->depth;
    int rc;

    while ((rc = ical_scan_next(scan, &content, err)) > 0) {
        if (content.kind == ICAL_CONTENT_END && content.depth == depth) {
            break;
        }
        if (content.kind == ICAL_CONTENT_PROPERTY && content.depth == depth) {
            rc = read_property(zones, &observance, &content, err);
            if (rc < 0) {
                return rc;
            }
        }
    }
    observance.bad |= observance.start.year == 0;
    if (rc < 0 || description->count >= MOST_DESCRIPTIONS) {
        return rc < 0 ? rc : 0;
    }
    rc = arena_grow(zones->arena, &description->observances, &description->capacity,
                    description->count, sizeof(observance), err);
    if (rc == 0) {
        description->observances[description->count++] = observance;
    }
    return rc;
}

int ical_zones_read(struct ical_zones *zones, struct ical_scan *scan, struct err *err)
{
    struct ical_description description = {0};
    struct ical_content content;
    int depth = scan->depth;
    int rc;

    while ((rc = ical_scan_next(scan, &content, err)) > 0) {
        if (content.kind == ICAL_CONTENT_END && content.depth == depth) {
            break;
        }
        if (content.kind == ICAL_CONTENT_BEGIN) {
            rc = read_observance(zones, &description, scan, err);
        } else if (content.depth == depth && strcmp(content.name, "TZID") == 0) {
            rc = ical_value_text(zones->arena, content.text, true, &description.tzid, NULL);
            rc = rc == ERR_NOMEM ? err_nomem(err) : 0;
        } else if (content.depth == depth && strcmp(content.name, "X-LIC-LOCATION") == 0) {
            description.location = arena_strdup(zones->arena, content.value);
            rc = description.location == NULL ? err_nomem(err) : 0;
        }
        if (rc < 0) {
            return rc;
        }
    }
    if (rc < 0 || zones->count >= MOST_DESCRIPTIONS) {
        return rc < 0 ? rc : 0;
    }
    rc = arena_grow(zones->arena, &zones->items, &zones->capacity, zones->count,
                    sizeof(description), err);
    if (rc == 0) {
        zones->items[zones->count++] = description;
    }
    return rc;
}
