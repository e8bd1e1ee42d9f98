#include "teataja/events/ical_read.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ical_reader.h"
#include "teataja/base/limits.h"
#include "teataja/calendar/zone.h"

/* A message of ical_scan, "12: text", becomes a problem at that line. */
static int scan_problem(struct ical_reader *reader, int rc, const struct err *scanned)
{
    char *text = NULL;
    long line = strtol(scanned->msg, &text, 10);

    if (rc == ERR_NOMEM) {
        return err_nomem(reader->err);
    }
    if (text[0] == ':' && text[1] == ' ') {
        text += 2;
    }
    ical_problem(reader, (int)line, "%s", text);
    return rc;
}

/* A property of the calendar itself. */
static int read_property(struct ical_reader *reader, const struct ical_content *content)
{
    struct ical_calendar *calendar = reader->calendar;

    if (content->kind == ICAL_CONTENT_BROKEN) {
        report_add(reader->report, REPORT_WARNING, reader->file, content->line, 1,
                   "'%.*s' is not a property; it is passed over", ICAL_SHOWN(content->text));
    } else if (strcmp(content->name, "METHOD") == 0 && calendar->method == NULL) {
        char *method = arena_strdup(reader->arena, content->value);

        if (method == NULL) {
            return err_nomem(reader->err);
        }
        for (char *at = method; *at != '\0'; at++) {
            *at = (char)toupper((unsigned char)*at);
        }
        calendar->method = method;
    } else if (strcmp(content->name, "X-WR-CALNAME") == 0 ||
               (strcmp(content->name, "NAME") == 0 && calendar->name == NULL)) {
        calendar->name = arena_strdup(reader->arena, content->value);
        return calendar->name == NULL ? err_nomem(reader->err) : 0;
    } else if (strcmp(content->name, "X-WR-TIMEZONE") == 0 &&
               zone_find(content->value, calendar->zone, NULL) < 0) {
        calendar->zone[0] = '\0';
    }
    return 0;
}

/* First pass: the structure of the whole file, the calendar's own properties,
 * and its VTIMEZONEs, which may stand behind the events that name them. */
static int read_frame(struct ical_reader *reader, struct ical_scan *scan)
{
    struct ical_content content;
    struct err scanned = {0};
    int calendars = 0;
    int rc;

    while ((rc = ical_scan_next(scan, &content, &scanned)) > 0) {
        if (content.kind == ICAL_CONTENT_BEGIN && content.depth == 1) {
            if (strcmp(content.name, "VCALENDAR") != 0) {
                ical_problem(reader, content.line, "BEGIN:%.*s stands outside of a VCALENDAR",
                             ICAL_SHOWN(content.name));
                return ERR_INVALID;
            }
            if (++calendars > 1) {
                ical_problem(reader, content.line, "a second calendar begins; one file holds one");
                return ERR_INVALID;
            }
        } else if (content.kind == ICAL_CONTENT_BEGIN && content.depth == 2 &&
                   strcmp(content.name, "VTIMEZONE") == 0) {
            rc = ical_zones_read(&reader->zones, scan, &scanned);
            if (rc < 0) {
                break;
            }
        } else if (content.depth == 0) {
            report_add(reader->report, REPORT_WARNING, reader->file, content.line, 1,
                       "'%.*s' stands outside of the calendar; it is passed over",
                       ICAL_SHOWN(content.text));
        } else if (content.depth == 1 && content.kind != ICAL_CONTENT_END) {
            rc = read_property(reader, &content);
            if (rc < 0) {
                return rc;
            }
        }
    }
    if (rc < 0) {
        return scan_problem(reader, rc, &scanned);
    }
    if (calendars == 0) {
        return ical_problem(reader, 1, "the file is not a calendar: there is no BEGIN:VCALENDAR");
    }
    return 0;
}

/* Second pass: the events. */
static int read_events(struct ical_reader *reader, struct ical_scan *scan, bool todos)
{
    struct ical_content content;
    struct err scanned = {0};
    int rc;

    while ((rc = ical_scan_next(scan, &content, &scanned)) > 0) {
        if (content.kind == ICAL_CONTENT_BEGIN && content.depth == 2 &&
            (strcmp(content.name, "VEVENT") == 0 ||
             (todos && strcmp(content.name, "VTODO") == 0))) {
            rc = ical_reader_event(reader, scan, content.line, content.name[1] == 'T');
            if (rc < 0) {
                return rc;
            }
        }
    }
    return rc < 0 ? scan_problem(reader, rc, &scanned) : 0;
}

static int read_calendar(struct arena *arena, const char *file, const char *text, size_t len,
                         const char *zone, bool todos, struct report *report,
                         struct ical_calendar *out, struct err *err)
{
    struct ical_reader reader = {
        .arena = arena, .file = file, .report = report, .calendar = out, .err = err};
    struct ical_scan scan;
    int rc;

    memset(out, 0, sizeof(*out));
    reader.zones.arena = arena;
    reader.zones.fallback = zone;
    if (len > LIMIT_ICS) {
        ical_problem(&reader, 1, "the file has %zu bytes; at most %d are read", len, LIMIT_ICS);
        return ERR_LIMIT;
    }
    ical_scan_init(&scan, text, len);
    rc = read_frame(&reader, &scan);
    ical_scan_release(&scan);
    if (rc == 0) {
        ical_scan_init(&scan, text, len);
        rc = read_events(&reader, &scan, todos);
        ical_scan_release(&scan);
    }
    if (rc < 0) {
        if (err != NULL) {
            err->code = rc;
        }
        return rc;
    }
    return reader.failed ? ERR_INVALID : 0;
}

int ical_read(struct arena *arena, const char *file, const char *text, size_t len, const char *zone,
              struct report *report, struct ical_calendar *out, struct err *err)
{
    return read_calendar(arena, file, text, len, zone, false, report, out, err);
}

int ical_read_todos(struct arena *arena, const char *file, const char *text, size_t len,
                    const char *zone, struct report *report, struct ical_calendar *out,
                    struct err *err)
{
    return read_calendar(arena, file, text, len, zone, true, report, out, err);
}
