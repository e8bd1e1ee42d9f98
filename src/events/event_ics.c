#include <string.h>
#include <strings.h>

#include "event_file.h"
#include "event_series.h"
#include "ical_reader.h"
#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/base/utf8.h"
#include "teataja/calendar/zone.h"
#include "teataja/events/ical_read.h"
#include "teataja/render/text.h"

#define MOST_TITLE LIMIT_SUBJECT /* of what a calendar calls an event or a place */

struct ics {
    const struct event_file *file;
    const char *zone; /* where times in UTC are shown */
    struct ical_calendar calendar;
    const struct ical_event *master;
    struct event_maker maker;
};

static struct event_spot spot_of(const struct ics *ics, int line)
{
    return (struct event_spot){ics->file->path, line, 1};
}

/* A time in the event's zone; a date stays one. */
static int in_zone(struct ics *ics, const struct ical_time *time, struct civil *out)
{
    struct err local = {0};
    int64_t instant;
    int rc;

    *out = time->civil;
    if (out->date_only || strcmp(time->tzid, ics->maker.event->tzid) == 0) {
        return 0;
    }
    rc = zone_to_utc(time->tzid, &time->civil, &instant, NULL, &local);
    if (rc == 0) {
        rc = zone_from_utc(ics->maker.event->tzid, instant, out, &local);
    }
    if (rc == ERR_NOMEM) {
        return err_nomem(ics->maker.err);
    }
    if (rc < 0) {
        struct event_spot spot = spot_of(ics, time->line);

        event_problem(&ics->maker, &spot, "%s", local.msg);
    }
    return 0;
}

/* DTEND of whole days is the day after the last. */
static void make_inclusive(struct civil *end, const struct civil *start)
{
    if (end->date_only && civil_compare(end, start) > 0) {
        civil_add_days(end, -1);
    }
}

static bool same_uid(const struct ical_event *a, const struct ical_event *b)
{
    return a->uid == NULL || b->uid == NULL ? a->uid == b->uid : strcmp(a->uid, b->uid) == 0;
}

/* One event or one series: the event that replaces no occurrence. */
static void find_master(struct ics *ics)
{
    const struct ical_calendar *calendar = &ics->calendar;
    struct event_spot spot = spot_of(ics, 1);

    if (calendar->event_count == 0) {
        event_problem(&ics->maker, &spot, "the calendar holds no event");
        return;
    }
    for (size_t i = 0; i < calendar->event_count; i++) {
        const struct ical_event *event = &calendar->events[i];

        spot = spot_of(ics, event->line);
        if (!same_uid(event, &calendar->events[0])) {
            event_problem(&ics->maker, &spot,
                          "a second event, '%.*s', begins; one file holds one event or one "
                          "series: put each into a file of its own",
                          ICAL_SHOWN(event->summary != NULL ? event->summary : ""));
            return;
        }
        if (event->is_override) {
            continue;
        }
        if (ics->master != NULL) {
            event_problem(&ics->maker, &spot, "the event of line %d is repeated with the same UID",
                          ics->master->line);
            return;
        }
        ics->master = event;
    }
    if (ics->master == NULL) {
        event_problem(&ics->maker, &spot,
                      "the file holds changed occurrences (RECURRENCE-ID) without their series");
    }
}

static bool is_recurring(const struct ical_event *event)
{
    return event->rule_count > 0 || event->date_count > 0;
}

static int read_times(struct ics *ics)
{
    struct event *event = ics->maker.event;
    const struct ical_event *master = ics->master;
    const char *zone = master->start.tzid;
    int rc;

    if (strcmp(zone, "UTC") == 0 && !master->start.civil.date_only) {
        if (!is_recurring(master)) {
            zone = ics->zone;
        } else if (strcmp(ics->zone, "UTC") != 0) {
            report_add(ics->file->report, REPORT_WARNING, ics->file->path, master->start.line, 1,
                       "the series is written in UTC: its local time changes with summer time");
        }
    }
    memcpy(event->tzid, zone, strlen(zone) + 1);
    ics->maker.start = spot_of(ics, master->start.line);
    ics->maker.end = spot_of(ics, master->has_end ? master->end.line : master->start.line);
    event->all_day = master->start.civil.date_only;
    rc = in_zone(ics, &master->start, &event->start);
    event->end = event->start;
    if (rc == 0 && master->has_end && master->end.civil.year != 0) {
        event->has_end = true;
        rc = in_zone(ics, &master->end, &event->end);
        make_inclusive(&event->end, &event->start);
    }
    return rc;
}

static int read_rules(struct ics *ics)
{
    const struct ical_event *master = ics->master;

    if (master->rule_count == 0) {
        return 0;
    }
    ics->maker.rules = arena_alloc(ics->file->arena, master->rule_count, sizeof(*ics->maker.rules));
    if (ics->maker.rules == NULL) {
        return err_nomem(ics->maker.err);
    }
    for (size_t i = 0; i < master->rule_count; i++) {
        ics->maker.rules[i] =
            (struct event_rule){master->rules[i], spot_of(ics, master->rule_lines[i])};
    }
    ics->maker.rule_count = master->rule_count;
    return 0;
}

static int read_exceptions(struct ics *ics)
{
    const struct ical_event *master = ics->master;

    if (master->exception_count == 0) {
        return 0;
    }
    ics->maker.exceptions =
        arena_alloc(ics->file->arena, master->exception_count, sizeof(*ics->maker.exceptions));
    if (ics->maker.exceptions == NULL) {
        return err_nomem(ics->maker.err);
    }
    for (size_t i = 0; i < master->exception_count; i++) {
        struct event_when *when = &ics->maker.exceptions[i];

        when->spot = spot_of(ics, master->exceptions[i].line);
        if (in_zone(ics, &master->exceptions[i], &when->civil) < 0) {
            return ERR_NOMEM;
        }
    }
    ics->maker.exception_count = master->exception_count;
    return 0;
}

/* One line without private-use characters (slots live there), controls and what
 * is longer than a hand-written text may be. */
static int plain_line(struct ics *ics, const char *text, int line, const char **out)
{
    struct event_spot spot = spot_of(ics, line);
    struct str clean;
    int rc;

    *out = NULL;
    if (text == NULL) {
        return 0;
    }
    str_init(&clean, LIMIT_ICS_LINE);
    text_clean(&clean, text, strlen(text));
    if (clean.len > MOST_TITLE) {
        event_doubt(&ics->maker, &spot, "'%.*s…' is longer than %d bytes; it is cut",
                    ICAL_SHOWN(clean.data), MOST_TITLE);
        str_cut(&clean, utf8_prefix(clean.data, clean.len, MOST_TITLE));
    }
    rc = str_check(&clean, ics->maker.err);
    if (rc == 0 && clean.len > 0) {
        *out = arena_strndup(ics->file->arena, clean.data, clean.len);
        rc = *out == NULL ? err_nomem(ics->maker.err) : 0;
    }
    str_release(&clean);
    return rc;
}

/* A LOCATION that is a link is where to take part from afar. */
static bool is_link(const char *text)
{
    return text != NULL &&
           (strncasecmp(text, "https://", 8) == 0 || strncasecmp(text, "http://", 7) == 0) &&
           strpbrk(text, " \t\"<>") == NULL;
}

static int read_change(struct ics *ics, const struct ical_event *from, struct event_change *to)
{
    const struct ical_event *master = ics->master;
    const char *place = NULL;
    const char *title = NULL;
    int rc = plain_line(ics, from->location, from->line, &place);

    to->spot = spot_of(ics, from->recurrence_id.line);
    if (rc == 0) {
        rc = plain_line(ics, from->summary, from->line, &title);
    }
    if (rc == 0) {
        rc = in_zone(ics, &from->recurrence_id, &to->override.original);
    }
    if (rc == 0) {
        rc = in_zone(ics, &from->start, &to->override.start);
    }
    if (rc == 0 && from->has_end) {
        rc = in_zone(ics, &from->end, &to->override.end);
        make_inclusive(&to->override.end, &to->override.start);
    }
    to->override.cancelled = from->status == ICAL_IS_CANCELLED;
    if (is_link(place)) {
        to->override.online = place;
        place = NULL;
    }
    if (place != NULL &&
        (master->location == NULL || strcmp(from->location, master->location) != 0)) {
        to->text.place = place;
    }
    if (title != NULL && (master->summary == NULL || strcmp(from->summary, master->summary) != 0)) {
        to->text.title = title;
    }
    return rc;
}

/* The overrides, and the RDATEs that bring an end of their own. */
static int read_changes(struct ics *ics)
{
    const struct ical_event *master = ics->master;
    size_t most = ics->calendar.event_count + master->date_count;
    struct event_maker *maker = &ics->maker;
    int rc = 0;

    maker->changes = arena_alloc(ics->file->arena, most, sizeof(*maker->changes));
    maker->dates = arena_alloc(ics->file->arena, most, sizeof(*maker->dates));
    if (maker->changes == NULL || maker->dates == NULL) {
        return err_nomem(maker->err);
    }
    for (size_t i = 0; rc == 0 && i < ics->calendar.event_count; i++) {
        const struct ical_event *event = &ics->calendar.events[i];

        if (event->is_override && event->recurrence_id.civil.year != 0) {
            rc = read_change(ics, event, &maker->changes[maker->change_count++]);
        }
    }
    for (size_t i = 0; rc == 0 && i < master->date_count; i++) {
        const struct ical_date *date = &master->dates[i];
        struct event_when *when = &maker->dates[maker->date_count++];

        when->spot = spot_of(ics, date->start.line);
        rc = in_zone(ics, &date->start, &when->civil);
        if (rc == 0 && date->has_end && !maker->event->all_day) {
            struct event_change *change = &maker->changes[maker->change_count++];

            change->spot = when->spot;
            change->override.original = when->civil;
            rc = in_zone(ics, &date->end, &change->override.end);
        }
    }
    return rc;
}

/* The same for a text of several lines. */
static int plain_text(struct ics *ics, const char *text, const char **out)
{
    struct str clean;
    int rc;

    *out = NULL;
    if (text == NULL) {
        return 0;
    }
    str_init(&clean, LIMIT_ICS_LINE);
    for (const char *at = text;; at++) {
        size_t len = strcspn(at, "\n");

        text_clean(&clean, at, len);
        at += len;
        if (*at == '\0') {
            break;
        }
        str_add_char(&clean, '\n');
    }
    str_trim_end(&clean);
    rc = str_check(&clean, ics->maker.err);
    if (rc == 0 && clean.len > 0) {
        *out = arena_strndup(ics->file->arena, clean.data, clean.len);
        rc = *out == NULL ? err_nomem(ics->maker.err) : 0;
    }
    str_release(&clean);
    return rc;
}

static void set_facts(struct ics *ics)
{
    static const enum event_status statuses[] = {
        [ICAL_IS_CONFIRMED] = EVENT_CONFIRMED,
        [ICAL_IS_TENTATIVE] = EVENT_TENTATIVE,
        [ICAL_IS_CANCELLED] = EVENT_CANCELLED,
    };
    static const enum event_access accesses[] = {
        [ICAL_IS_PUBLIC] = EVENT_PUBLIC,
        [ICAL_IS_PRIVATE] = EVENT_CLOSED,
        [ICAL_IS_CONFIDENTIAL] = EVENT_INTERNAL,
    };
    struct event *event = ics->maker.event;

    event->status = statuses[ics->master->status];
    event->access = accesses[ics->master->access];
    event->url = ics->master->url;
    event->uid = ics->master->uid;
    event->source = ics->file->source != NULL ? ics->file->source->name : NULL;
    event->list = ics->file->source != NULL && ics->file->source->list != NULL
                      ? ics->file->source->list
                      : event_default_list(ics->file->config);
    if (ics->calendar.method != NULL && strcmp(ics->calendar.method, "CANCEL") == 0) {
        event->status = EVENT_CANCELLED;
    }
    if (event->list == NULL) {
        report_add(ics->file->report, REPORT_WARNING, ics->file->path, ics->master->line, 1,
                   "nobody can be invited: the site has several lists and none is 'events'");
    }
}

static int set_override_texts(struct ics *ics, struct event_edition *edition)
{
    struct event_override_text *texts;

    texts = arena_alloc(ics->file->arena, ics->maker.change_count + 1, sizeof(*texts));
    if (texts == NULL) {
        return err_nomem(ics->maker.err);
    }
    for (size_t i = 0; i < ics->maker.change_count; i++) {
        texts[i] = ics->maker.changes[i].text;
    }
    edition->overrides = texts;
    return 0;
}

static int set_texts(struct ics *ics, struct event_edition *edition)
{
    const struct ical_event *master = ics->master;
    int rc = set_override_texts(ics, edition);

    edition->language = ics->file->source != NULL ? ics->file->source->language
                                                  : ics->file->config->site.languages[0];
    edition->file = ics->file->path;
    edition->own_body = true;
    if (rc == 0) {
        rc = plain_line(ics, master->summary, master->line, &edition->title);
    }
    if (rc == 0) {
        rc = plain_line(ics, master->location, master->line, &edition->place);
    }
    if (rc == 0) {
        rc = plain_text(ics, master->description, &edition->description);
    }
    if (is_link(edition->place)) {
        ics->maker.event->online = edition->place;
        edition->place = NULL;
    }
    if (rc == 0 && edition->title == NULL) {
        struct event_spot spot = spot_of(ics, master->line);

        event_problem(&ics->maker, &spot, "the event has no SUMMARY");
        edition->title = ics->file->slug;
    }
    return rc;
}

static int build(struct ics *ics, struct event_edition *edition)
{
    int rc = read_times(ics);

    if (rc == 0) {
        rc = read_rules(ics);
    }
    if (rc == 0) {
        rc = read_exceptions(ics);
    }
    if (rc == 0) {
        rc = read_changes(ics);
    }
    if (rc == 0) {
        rc = event_series_make(&ics->maker);
    }
    if (rc == 0) {
        set_facts(ics);
        rc = set_texts(ics, edition);
    }
    return rc;
}

/* A message from a calendar program is no event of ours. */
static void check_method(struct ics *ics)
{
    static const char *const fine[] = {"PUBLISH", "REQUEST", "CANCEL", "CREATE", "CREATED", "ADD"};
    const char *method = ics->calendar.method;
    struct event_spot spot = spot_of(ics, 1);

    for (size_t i = 0; method != NULL && i < sizeof(fine) / sizeof(fine[0]); i++) {
        if (strcmp(method, fine[i]) == 0) {
            return;
        }
    }
    if (method != NULL) {
        event_problem(&ics->maker, &spot, "METHOD:%.*s is an answer to somebody, not an event",
                      ICAL_SHOWN(method));
    }
}

int event_ics_build(const struct event_file *file, const struct ical_calendar *calendar,
                    struct event *event, struct event_edition *edition, bool *good,
                    struct err *err)
{
    struct ics ics = {.file = file, .calendar = *calendar};
    int rc;

    memset(event, 0, sizeof(*event));
    memset(edition, 0, sizeof(*edition));
    event->slug = file->slug;
    event->file = file->path;
    ics.zone = calendar->zone[0] != '\0' ? ics.calendar.zone : file->config->site.timezone;
    ics.maker = (struct event_maker){
        .arena = file->arena, .report = file->report, .event = event, .err = err};
    check_method(&ics);
    find_master(&ics);
    rc = ics.maker.failed ? 0 : build(&ics, edition);
    *good = rc == 0 && !ics.maker.failed;
    return rc;
}

int event_ics_load(const struct event_file *file, struct event *event,
                   struct event_edition *edition, bool *good, struct err *err)
{
    struct ical_calendar calendar = {0};
    struct err local = {0};
    char *text = NULL;
    size_t len = 0;
    int rc;

    memset(event, 0, sizeof(*event));
    memset(edition, 0, sizeof(*edition));
    *good = false;
    rc = file_read_site(file->arena, file->config->folder, file->path, LIMIT_ICS, file->report,
                        &text, &len, &local);
    if (rc == 0) {
        rc = ical_read(file->arena, file->path, text, len, file->config->site.timezone,
                       file->report, &calendar, &local);
    }
    if (rc == ERR_NOMEM) {
        return err_nomem(err);
    }
    if (rc < 0) {
        if (err != NULL) {
            *err = local;
        }
        return 0;
    }
    return event_ics_build(file, &calendar, event, edition, good, err);
}
