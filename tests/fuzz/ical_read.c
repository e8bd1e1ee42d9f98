/* Calendars: what is read is a time in a zone that exists and a text without
 * controls, and a text that we write into a calendar reads the same. */
#include "calendar.h"

#include "teataja/base/limits.h"
#include "teataja/calendar/zone.h"
#include "teataja/events/ical_read.h"
#include "teataja/events/ical_write.h"

#define ZONE "Europe/Tallinn"

static void check_time(const struct ical_time *time)
{
    struct civil again = {0};
    char text[CIVIL_TEXT];

    FUZZ_CHECK(zone_is_known(time->tzid) && time->line >= 1);
    civil_format(&time->civil, text);
    FUZZ_CHECK(civil_parse(text, &again, NULL) == 0);
    FUZZ_CHECK(civil_compare(&again, &time->civil) == 0);
}

static void check_text(const char *text, bool one_line)
{
    size_t len;

    if (text == NULL) {
        return;
    }
    len = strlen(text);
    FUZZ_CHECK(len > 0 && utf8_is_valid(text, len, NULL));
    for (size_t i = 0; i < len; i++) {
        FUZZ_CHECK((unsigned char)text[i] >= ' ' || (!one_line && text[i] == '\n') ||
                   text[i] == '\t');
    }
}

static void add_property(struct str *out, const char *name, const char *text)
{
    struct str line;

    str_init(&line, (size_t)LIMIT_ICS * 2);
    str_add(&line, name);
    ical_text(&line, text);
    ical_line(out, line.data, line.len);
    str_release(&line);
}

static void check_written(const struct ical_event *event)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct ical_calendar again;
    struct str out;

    str_init(&out, (size_t)LIMIT_ICS * 2);
    str_add(&out, "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20270520T100000Z\r\n");
    add_property(&out, "SUMMARY:", event->summary);
    add_property(&out, "DESCRIPTION:", event->description);
    str_add(&out, "END:VEVENT\r\nEND:VCALENDAR\r\n");
    calendar_check_lines(&out);
    FUZZ_CHECK(ical_read(arena, "y.ics", out.data, out.len, ZONE, NULL, &again, NULL) == 0);
    FUZZ_CHECK(again.event_count == 1);
    FUZZ_CHECK(strcmp(again.events[0].summary, event->summary) == 0);
    FUZZ_CHECK(strcmp(again.events[0].description, event->description) == 0);
    str_release(&out);
    arena_free(arena);
}

static void check_event(const struct ical_event *event)
{
    check_time(&event->start);
    if (event->has_end) {
        check_time(&event->end);
    }
    if (event->is_override) {
        check_time(&event->recurrence_id);
    }
    for (size_t i = 0; i < event->date_count; i++) {
        check_time(&event->dates[i].start);
        if (event->dates[i].has_end) {
            check_time(&event->dates[i].end);
        }
    }
    for (size_t i = 0; i < event->exception_count; i++) {
        check_time(&event->exceptions[i]);
    }
    for (size_t i = 0; i < event->rule_count; i++) {
        FUZZ_CHECK(event->rules[i] != NULL && event->rule_lines[i] >= 1);
    }
    check_text(event->summary, true);
    check_text(event->location, true);
    check_text(event->description, false);
    check_text(event->organizer_name, true);
    if (event->url != NULL) {
        FUZZ_CHECK(strncmp(event->url, "http", 4) == 0);
    }
    if (event->summary != NULL && event->description != NULL) {
        check_written(event);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct report *report = report_new();
    struct ical_calendar calendar;
    struct err err = {0};
    int rc = ical_read(arena, "x.ics", (const char *)data, size, ZONE, report, &calendar, &err);

    if (rc == 0) {
        FUZZ_CHECK(report_errors(report) == 0);
        FUZZ_CHECK(calendar.zone[0] == '\0' || zone_is_known(calendar.zone));
        for (size_t i = 0; i < calendar.event_count; i++) {
            check_event(&calendar.events[i]);
        }
    } else {
        FUZZ_CHECK(rc == ERR_INVALID || rc == ERR_LIMIT);
        FUZZ_CHECK(report_errors(report) > 0);
        fuzz_check_error(rc, &err);
    }
    report_free(report);
    arena_free(arena);
    return 0;
}
