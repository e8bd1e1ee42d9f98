#include "ical_reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ical_value.h"
#include "teataja/base/limits.h"
#include "teataja/calendar/recurrence.h"
#include "teataja/calendar/zone.h"

#define MOST_RULES 16 /* RRULEs of one event */

int ical_problem(struct ical_reader *reader, int line, const char *format, ...)
{
    char message[1024]; /* the report cuts at a character */
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    report_add(reader->report, REPORT_ERROR, reader->file, line, 1, "%s", message);
    if (!reader->failed) {
        reader->failed = true;
        err_set(reader->err, ERR_INVALID, "%s:%d:1: %s", reader->file, line, message);
    }
    return ERR_INVALID;
}

/* Reports what a helper returned, and lets only lack of memory and ceilings
 * through. */
static int pass(struct ical_reader *reader, int line, int rc, const struct err *local)
{
    if (rc == 0 || rc == ERR_NOMEM) {
        return rc == 0 ? 0 : err_nomem(reader->err);
    }
    ical_problem(reader, line, "%s", local->msg);
    return rc == ERR_LIMIT ? ERR_LIMIT : 0;
}

static int resolve(struct ical_reader *reader, const struct ical_raw_time *raw, int line,
                   struct ical_time *out)
{
    struct err local = {0};
    bool guessed;
    int rc;

    memset(out, 0, sizeof(*out));
    out->civil = raw->civil;
    out->line = line;
    if (raw->civil.year < 1900) {
        ical_problem(reader, line, "the year %d is not between 1900 and 2200", raw->civil.year);
        out->civil.year = 0;
    }
    if (raw->utc) {
        memcpy(out->tzid, "UTC", sizeof("UTC"));
        return 0;
    }
    if (raw->civil.date_only || raw->tzid == NULL) {
        const char *zone =
            reader->calendar->zone[0] != '\0' ? reader->calendar->zone : reader->zones.fallback;

        memcpy(out->tzid, zone, strlen(zone) + 1);
        out->floating = !raw->civil.date_only;
        return 0;
    }
    rc = ical_zones_find(&reader->zones, raw->tzid, raw->civil.year, out->tzid, &guessed, &local);
    if (rc == 0 && guessed) {
        report_add(reader->report, REPORT_WARNING, reader->file, line, 1,
                   "time zone '%s' is taken for %s, whose clock the file describes", raw->tzid,
                   out->tzid);
    }
    if (rc == ERR_NOT_FOUND) {
        memcpy(out->tzid, reader->zones.fallback, strlen(reader->zones.fallback) + 1);
    }
    return pass(reader, line, rc, &local);
}

static int read_time(struct ical_reader *reader, const struct ical_content *content,
                     struct ical_time *out)
{
    struct err local = {0};
    struct ical_raw_time raw;
    int rc = ical_value_time(reader->arena, content->text, &raw, &local);

    if (rc < 0) {
        out->civil.year = 0;
        out->line = content->line;
        return pass(reader, content->line, rc, &local);
    }
    return resolve(reader, &raw, content->line, out);
}

static int read_start(struct ical_reader *reader, struct ical_event *event,
                      const struct ical_content *content)
{
    return read_time(reader, content, &event->start);
}

static int read_end(struct ical_reader *reader, struct ical_event *event,
                    const struct ical_content *content)
{
    event->has_end = true;
    return read_time(reader, content, &event->end);
}

static int read_due(struct ical_reader *reader, struct ical_event *event,
                    const struct ical_content *content)
{
    return event->is_todo ? read_end(reader, event, content) : 0;
}

static int read_recurrence_id(struct ical_reader *reader, struct ical_event *event,
                              const struct ical_content *content)
{
    event->is_override = true;
    if (strcasestr(content->text, "RANGE=THISANDFUTURE") != NULL) {
        ical_problem(reader, content->line,
                     "RECURRENCE-ID with RANGE=THISANDFUTURE is not supported: end the series with "
                     "UNTIL and begin a new one in another file");
    }
    return read_time(reader, content, &event->recurrence_id);
}

static int read_duration(struct ical_reader *reader, struct ical_event *event,
                         const struct ical_content *content)
{
    struct err local = {0};
    int rc = quantity_parse_period(content->value, false, &reader->duration, &local);

    (void)event;
    reader->duration_line = content->line;
    if (rc < 0) {
        ical_problem(reader, content->line, "DURATION: %s", local.msg);
        return 0;
    }
    if (reader->duration.days < 0 || reader->duration.micros < 0) {
        ical_problem(reader, content->line, "DURATION '%.*s' is negative",
                     ICAL_SHOWN(content->value));
        reader->duration = (struct period){0, 0};
    }
    return 0;
}

static int read_rule(struct ical_reader *reader, struct ical_event *event,
                     const struct ical_content *content)
{
    struct err local = {0};
    int rc = recurrence_check(content->value, &local);

    if (rc < 0) {
        return pass(reader, content->line, rc == ERR_LIMIT ? ERR_INVALID : rc, &local);
    }
    if (event->rule_count >= MOST_RULES) {
        ical_problem(reader, content->line, "an event has more than %d rules", MOST_RULES);
        return ERR_LIMIT;
    }
    if (arena_grow(reader->arena, &event->rules, &reader->rule_capacity, event->rule_count,
                   sizeof(*event->rules), reader->err) < 0 ||
        arena_grow(reader->arena, &event->rule_lines, &reader->line_capacity, event->rule_count,
                   sizeof(*event->rule_lines), reader->err) < 0) {
        return ERR_NOMEM;
    }
    event->rules[event->rule_count] = arena_strdup(reader->arena, content->value);
    event->rule_lines[event->rule_count] = content->line;
    if (event->rules[event->rule_count] == NULL) {
        return err_nomem(reader->err);
    }
    event->rule_count++;
    return 0;
}

static int add_date(struct ical_reader *reader, struct ical_event *event, const char *line,
                    int number)
{
    struct err local = {0};
    struct ical_raw_time start;
    struct ical_raw_time end;
    struct ical_date date = {0};
    int rc = ical_value_date(reader->arena, line, &start, &end, &date.has_end, &local);

    if (rc < 0) {
        return pass(reader, number, rc, &local);
    }
    rc = resolve(reader, &start, number, &date.start);
    if (rc == 0 && date.has_end) {
        rc = resolve(reader, &end, number, &date.end);
    }
    if (rc == 0) {
        rc = arena_grow(reader->arena, &event->dates, &reader->date_capacity, event->date_count,
                        sizeof(*event->dates), reader->err);
    }
    if (rc == 0) {
        event->dates[event->date_count++] = date;
    }
    return rc;
}

static int add_exception(struct ical_reader *reader, struct ical_event *event, const char *line,
                         int number)
{
    struct err local = {0};
    struct ical_raw_time raw;
    struct ical_time time;
    int rc = ical_value_time(reader->arena, line, &raw, &local);

    if (rc < 0) {
        return pass(reader, number, rc, &local);
    }
    rc = resolve(reader, &raw, number, &time);
    if (rc == 0) {
        rc = arena_grow(reader->arena, &event->exceptions, &reader->exception_capacity,
                        event->exception_count, sizeof(*event->exceptions), reader->err);
    }
    if (rc == 0) {
        event->exceptions[event->exception_count++] = time;
    }
    return rc;
}

/* Calls `add` with a line of its own for each of the values between commas. */
static int read_values(struct ical_reader *reader, struct ical_event *event,
                       const struct ical_content *content,
                       int (*add)(struct ical_reader *, struct ical_event *, const char *, int))
{
    const char *at = content->value;
    struct str line;
    int rc = 0;

    str_init(&line, LIMIT_ICS_LINE);
    while (rc == 0) {
        size_t len = strcspn(at, ",");

        if (++reader->repeated > LIMIT_OCCURRENCES) {
            ical_problem(reader, content->line, "the file has more than %d dates and exceptions",
                         LIMIT_OCCURRENCES);
            rc = ERR_LIMIT;
            break;
        }
        str_reset(&line);
        str_add_bytes(&line, content->text, content->prefix_len);
        str_add_bytes(&line, at, len);
        rc = str_check(&line, reader->err);
        if (rc == 0) {
            rc = add(reader, event, line.data, content->line);
        }
        if (at[len] == '\0') {
            break;
        }
        at += len + 1;
    }
    str_release(&line);
    return rc;
}

static int read_dates(struct ical_reader *reader, struct ical_event *event,
                      const struct ical_content *content)
{
    return read_values(reader, event, content, add_date);
}

static int read_exceptions(struct ical_reader *reader, struct ical_event *event,
                           const struct ical_content *content)
{
    return read_values(reader, event, content, add_exception);
}

static int read_text(struct ical_reader *reader, const struct ical_content *content, bool one_line,
                     const char **out)
{
    struct err local = {0};
    int rc;

    if (content->value[0] == '\0') {
        *out = NULL;
        return 0;
    }
    rc = ical_value_text(reader->arena, content->text, one_line, out, &local);
    return pass(reader, content->line, rc, &local);
}

static int read_summary(struct ical_reader *reader, struct ical_event *event,
                        const struct ical_content *content)
{
    return read_text(reader, content, true, &event->summary);
}

static int read_description(struct ical_reader *reader, struct ical_event *event,
                            const struct ical_content *content)
{
    return read_text(reader, content, false, &event->description);
}

static int read_location(struct ical_reader *reader, struct ical_event *event,
                         const struct ical_content *content)
{
    return read_text(reader, content, true, &event->location);
}

static int read_uid(struct ical_reader *reader, struct ical_event *event,
                    const struct ical_content *content)
{
    return read_text(reader, content, true, &event->uid);
}

static int read_url(struct ical_reader *reader, struct ical_event *event,
                    const struct ical_content *content)
{
    if (strncasecmp(content->value, "http://", 7) != 0 &&
        strncasecmp(content->value, "https://", 8) != 0) {
        return 0;
    }
    if (strpbrk(content->value, " \t\"<>") != NULL) {
        report_add(reader->report, REPORT_WARNING, reader->file, content->line, 1,
                   "URL holds a character that no address has; it is left out");
        return 0;
    }
    event->url = arena_strdup(reader->arena, content->value);
    return event->url == NULL ? err_nomem(reader->err) : 0;
}

static int read_organizer(struct ical_reader *reader, struct ical_event *event,
                          const struct ical_content *content)
{
    struct err local = {0};
    int rc = 0;

    if (content->value[0] != '\0') {
        rc = ical_value_person(reader->arena, content->text, &event->organizer,
                               &event->organizer_name, &local);
    }
    if (rc == ERR_INVALID) {
        report_add(reader->report, REPORT_WARNING, reader->file, content->line, 1, "%s", local.msg);
        return 0;
    }
    return pass(reader, content->line, rc, &local);
}

static int read_status(struct ical_reader *reader, struct ical_event *event,
                       const struct ical_content *content)
{
    if (strcasecmp(content->value, "CANCELLED") == 0) {
        event->status = ICAL_IS_CANCELLED;
    } else if (strcasecmp(content->value, "TENTATIVE") == 0) {
        event->status = ICAL_IS_TENTATIVE;
    } else if (event->is_todo) {
        event->is_done = strcasecmp(content->value, "COMPLETED") == 0;
    } else if (strcasecmp(content->value, "CONFIRMED") != 0 && content->value[0] != '\0') {
        ical_problem(reader, content->line,
                     "STATUS '%.*s' is not CONFIRMED, TENTATIVE or CANCELLED",
                     ICAL_SHOWN(content->value));
    }
    return 0;
}

static int read_class(struct ical_reader *reader, struct ical_event *event,
                      const struct ical_content *content)
{
    (void)reader;
    if (strcasecmp(content->value, "CONFIDENTIAL") == 0) {
        event->access = ICAL_IS_CONFIDENTIAL;
    } else if (strcasecmp(content->value, "PUBLIC") != 0 && content->value[0] != '\0') {
        event->access = ICAL_IS_PRIVATE; /* RFC 5545: an unknown class is treated so */
    }
    return 0;
}

static int read_sequence(struct ical_reader *reader, struct ical_event *event,
                         const struct ical_content *content)
{
    char *end = NULL;
    long long number;

    errno = 0;
    number = strtoll(content->value, &end, 10);
    if (errno != 0 || end == content->value || *end != '\0' || number < 0 || number > INT32_MAX) {
        ical_problem(reader, content->line, "SEQUENCE '%.*s' is not a number",
                     ICAL_SHOWN(content->value));
        return 0;
    }
    event->sequence = number;
    return 0;
}

static const struct {
    const char *name;
    bool once; /* RFC 5545 section 3.6.1: must not occur more than once */
    int (*read)(struct ical_reader *, struct ical_event *, const struct ical_content *);
} properties[] = {
    {"DTSTART", true, read_start},
    {"DTEND", true, read_end},
    {"DUE", true, read_due},
    {"DURATION", true, read_duration},
    {"RECURRENCE-ID", true, read_recurrence_id},
    {"UID", true, read_uid},
    {"SUMMARY", true, read_summary},
    {"DESCRIPTION", true, read_description},
    {"LOCATION", true, read_location},
    {"URL", true, read_url},
    {"ORGANIZER", true, read_organizer},
    {"STATUS", true, read_status},
    {"CLASS", true, read_class},
    {"SEQUENCE", true, read_sequence},
    {"RRULE", false, read_rule},
    {"RDATE", false, read_dates},
    {"EXDATE", false, read_exceptions},
};

_Static_assert(sizeof(properties) / sizeof(properties[0]) <= 8 * sizeof(unsigned),
               "one bit a property");

static int read_property(struct ical_reader *reader, struct ical_event *event,
                         const struct ical_content *content)
{
    if (content->kind == ICAL_CONTENT_BROKEN) {
        ical_problem(reader, content->line, "'%.*s' is not a property: there is no ':'",
                     ICAL_SHOWN(content->text));
        return 0;
    }
    for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
        if (strcmp(properties[i].name, content->name) != 0) {
            continue;
        }
        if (properties[i].once && (reader->seen & (1U << i)) != 0) {
            ical_problem(reader, content->line, "a second %s in one event", content->name);
            return ERR_LIMIT; /* what follows may be thousands of them */
        }
        reader->seen |= 1U << i;
        return properties[i].read(reader, event, content);
    }
    return 0;
}

/* Local time moves by days, the clock by hours (RFC 5545 section 3.3.6). */
static int add_duration(struct ical_reader *reader, struct ical_event *event)
{
    struct err local = {0};
    struct civil moved = event->start.civil;
    int64_t instant;
    int rc = 0;

    event->has_end = true;
    event->end = event->start;
    event->end.line = reader->duration_line;
    civil_add_days(&moved, reader->duration.days);
    if (event->start.civil.date_only) {
        if (reader->duration.micros != 0) {
            ical_problem(reader, reader->duration_line,
                         "an event of whole days must last whole days");
        }
    } else {
        rc = zone_to_utc(event->start.tzid, &moved, &instant, NULL, &local);
        if (rc == 0) {
            rc =
                zone_from_utc(event->start.tzid, instant + reader->duration.micros, &moved, &local);
        }
    }
    if (moved.year > 2200) {
        ical_problem(reader, reader->duration_line, "the event ends after the year 2200");
        return 0;
    }
    event->end.civil = moved;
    return pass(reader, reader->duration_line, rc, &local);
}

static int finish_event(struct ical_reader *reader, struct ical_event *event)
{
    int rc;

    if (event->is_todo && event->has_end) {
        event->start = event->end;
        event->has_end = false;
    }
    if (event->start.line == 0 && !event->is_override) {
        ical_problem(reader, event->line, "the %s has no %s", event->is_todo ? "to-do" : "event",
                     event->is_todo ? "DUE" : "DTSTART");
        return 0;
    }
    if (event->start.line == 0) {
        event->start = event->recurrence_id;
    }
    if (event->start.civil.year == 0) {
        return 0; /* was reported where it stands */
    }
    if (event->has_end && reader->duration_line > 0) {
        ical_problem(reader, reader->duration_line, "an event has DTEND or DURATION, not both");
    } else if (reader->duration_line > 0) {
        rc = add_duration(reader, event);
        if (rc < 0) {
            return rc;
        }
    }
    if (event->is_todo && event->has_end) { /* DTSTART and DURATION */
        event->start = event->end;
        event->has_end = false;
    }
    if (event->has_end && event->end.civil.year != 0 &&
        event->end.civil.date_only != event->start.civil.date_only) {
        ical_problem(reader, event->end.line,
                     "DTSTART and DTEND must both be dates or both be times");
    }
    if (event->start.floating) {
        report_add(reader->report, REPORT_WARNING, reader->file, event->start.line, 1,
                   "the time has no zone; it is taken as %s", event->start.tzid);
    }
    return 0;
}

int ical_reader_event(struct ical_reader *reader, struct ical_scan *scan, int line, bool todo)
{
    struct ical_event event = {.line = line, .is_todo = todo};
    struct ical_content content;
    struct err local = {0};
    int depth = scan->depth;
    int rc;

    reader->seen = 0;
    reader->rule_capacity = reader->line_capacity = 0;
    reader->date_capacity = reader->exception_capacity = 0;
    reader->duration_line = 0;
    reader->duration = (struct period){0, 0};
    while ((rc = ical_scan_next(scan, &content, &local)) > 0) {
        if (content.kind == ICAL_CONTENT_END && content.depth == depth) {
            break;
        }
        if (content.depth != depth || content.kind == ICAL_CONTENT_BEGIN) {
            continue; /* VALARM and its like */
        }
        rc = read_property(reader, &event, &content);
        if (rc < 0) {
            return rc;
        }
    }
    if (rc < 0) {
        return err_nomem(reader->err); /* all else was found by the first pass */
    }
    rc = finish_event(reader, &event);
    if (rc == 0 && reader->calendar->event_count >= LIMIT_OCCURRENCES) {
        ical_problem(reader, line, "the file has more than %d events", LIMIT_OCCURRENCES);
        rc = ERR_LIMIT;
    }
    if (rc == 0) {
        rc = arena_grow(reader->arena, &reader->calendar->events, &reader->event_capacity,
                        reader->calendar->event_count, sizeof(event), reader->err);
    }
    if (rc == 0) {
        reader->calendar->events[reader->calendar->event_count++] = event;
    }
    return rc;
}
