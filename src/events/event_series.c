#include "event_series.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "teataja/base/limits.h"
#include "teataja/calendar/recurrence.h"
#include "teataja/calendar/zone.h"

__attribute__((format(printf, 4, 0))) static void add(struct event_maker *maker,
                                                      enum report_severity severity,
                                                      const struct event_spot *spot,
                                                      const char *format, va_list args)
{
    char message[1024]; /* the report cuts at a character */

    vsnprintf(message, sizeof(message), format, args);
    report_add(maker->report, severity, spot->file, spot->line, spot->column, "%s", message);
    if (severity == REPORT_ERROR && !maker->failed) {
        maker->failed = true;
        err_set(maker->err, ERR_INVALID, "%s:%d:%d: %s", spot->file, spot->line, spot->column,
                message);
    }
}

void event_problem(struct event_maker *maker, const struct event_spot *spot, const char *format,
                   ...)
{
    va_list args;

    va_start(args, format);
    add(maker, REPORT_ERROR, spot, format, args);
    va_end(args);
}

void event_doubt(struct event_maker *maker, const struct event_spot *spot, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(maker, maker->strict ? REPORT_ERROR : REPORT_WARNING, spot, format, args);
    va_end(args);
}

/* The instant of a local time; one that the clocks skip or repeat is doubtful. */
static int instant_of(struct event_maker *maker, const struct civil *civil,
                      const struct event_spot *spot, int64_t *out)
{
    struct err local = {0};
    const char *tzid = maker->event->tzid;
    int rc;

    if (!civil->date_only) {
        rc = zone_to_utc_strict(tzid, civil, out, &local);
        if (rc == ERR_INVALID) {
            event_doubt(maker, spot, "%s", local.msg);
        }
        if (rc == 0) {
            return 0;
        }
    }
    rc = zone_to_utc(tzid, civil, out, NULL, &local);
    if (rc < 0 && rc != ERR_NOMEM) {
        event_problem(maker, spot, "%s", local.msg);
        *out = civil_to_utc(civil);
        rc = 0;
    }
    return rc < 0 ? err_nomem(maker->err) : 0;
}

static int set_instants(struct event_maker *maker)
{
    struct event *event = maker->event;
    struct civil end = event->end;
    int rc = instant_of(maker, &event->start, &maker->start, &event->start_utc);

    if (rc < 0) {
        return rc;
    }
    if (!event->has_end && !event->all_day) {
        event->end_utc = event->start_utc;
        return 0;
    }
    if (event->all_day) {
        civil_add_days(&end, 1);
    }
    rc = instant_of(maker, &end, event->has_end ? &maker->end : &maker->start, &event->end_utc);
    if (rc < 0) {
        return rc;
    }
    if (event->has_end &&
        (event->end_utc < event->start_utc || civil_compare(&event->end, &event->start) < 0)) {
        char text[CIVIL_TEXT];

        civil_print(&event->start, text);
        event_problem(maker, &maker->end, "the event ends before it begins, on %s", text);
        event->end = event->start;
    } else if (event->has_end && !event->all_day && event->end_utc == event->start_utc) {
        event_doubt(maker, &maker->end, "the event ends at the moment when it begins");
        event->has_end = false;
    }
    return 0;
}

void event_usual_end(const struct event *event, const struct civil *start, struct civil *out)
{
    *out = *start;
    if (event->all_day) {
        civil_add_days(out, (int)(civil_days(&event->end) - civil_days(&event->start)));
        return;
    }
    civil_from_utc(civil_to_utc(start) + civil_to_utc(&event->end) - civil_to_utc(&event->start),
                   out);
}

/* Rules in civil time. A rule that does not yield the start is what calendar
 * programs disagree about, so it is doubtful. */
static int set_rules(struct event_maker *maker)
{
    struct event *event = maker->event;
    const char **rules = NULL;
    bool yields = maker->rule_count == 0;

    if (maker->rule_count > 0) {
        rules = arena_alloc(maker->arena, maker->rule_count, sizeof(*rules));
        if (rules == NULL) {
            return err_nomem(maker->err);
        }
    }
    for (size_t i = 0; i < maker->rule_count; i++) {
        struct err local = {0};
        struct civil *first = NULL;
        struct civil end = {.year = event->start.year + 20, .month = 1, .day = 1};
        const struct event_rule *rule = &maker->rules[i];
        int rc = recurrence_check(rule->text, &local);

        if (rc == 0) {
            rc = event_rule_localize(maker->arena, rule->text, event->tzid, event->all_day,
                                     &rules[event->rule_count], &local);
        }
        if (rc == 0) {
            rc = recurrence_list(maker->arena, rules[event->rule_count], &event->start,
                                 &event->start, &end, 1, &first, &local);
        }
        if (rc == ERR_NOMEM) {
            return err_nomem(maker->err);
        }
        if (rc < 0) {
            event_problem(maker, &rule->spot, "%s", local.msg);
            continue;
        }
        event->rule_count++;
        yields |= rc > 0 && civil_compare(first, &event->start) == 0;
        if (rc > 0 && !yields && i + 1 == maker->rule_count) {
            char start[CIVIL_TEXT];
            char text[CIVIL_TEXT];

            civil_print(&event->start, start);
            civil_print(first, text);
            event_doubt(maker, &rule->spot,
                        "the rule does not yield the start %s; its first date is %s", start, text);
        } else if (rc == 0) {
            event_doubt(maker, &rule->spot, "the rule yields no date at all");
        }
    }
    event->rules = rules;
    return 0;
}

static int by_civil(const void *a, const void *b)
{
    return civil_compare(a, b);
}

static int by_original(const void *a, const void *b)
{
    const struct event_change *one = a;
    const struct event_change *other = b;

    return civil_compare(&one->override.original, &other->override.original);
}

static int set_dates(struct event_maker *maker)
{
    struct event *event = maker->event;
    struct civil *dates;

    if (maker->date_count == 0) {
        return 0;
    }
    dates = arena_alloc(maker->arena, maker->date_count, sizeof(*dates));
    if (dates == NULL) {
        return err_nomem(maker->err);
    }
    for (size_t i = 0; i < maker->date_count; i++) {
        struct civil date = maker->dates[i].civil;

        if (event->all_day) {
            date = (struct civil){
                .year = date.year, .month = date.month, .day = date.day, .date_only = true};
        } else if (date.date_only) {
            date = event->start;
            civil_set_days(&date, civil_days(&maker->dates[i].civil));
        }
        if (civil_compare(&date, &event->start) < 0) {
            event_doubt(maker, &maker->dates[i].spot, "the date lies before the start");
        }
        dates[i] = date;
    }
    qsort(dates, maker->date_count, sizeof(*dates), by_civil);
    event->dates = dates;
    event->date_count = maker->date_count;
    return 0;
}

/* All that the series has up to the last date that an exception or an override
 * names; `whole` becomes false if that is more than can be listed. */
static int list_originals(struct event_maker *maker, struct civil **out, size_t *count, bool *whole)
{
    struct civil last = maker->event->start;
    struct err local = {0};
    int rc;

    for (size_t i = 0; i < maker->exception_count; i++) {
        if (civil_compare(&maker->exceptions[i].civil, &last) > 0) {
            last = maker->exceptions[i].civil;
        }
    }
    for (size_t i = 0; i < maker->change_count; i++) {
        if (civil_compare(&maker->changes[i].override.original, &last) > 0) {
            last = maker->changes[i].override.original;
        }
    }
    civil_add_days(&last, 1);
    rc = event_originals(maker->event, &maker->event->start, &last, maker->arena, out, &local);
    *whole = rc >= 0;
    *count = rc > 0 ? (size_t)rc : 0;
    return rc == ERR_NOMEM ? err_nomem(maker->err) : 0;
}

struct originals {
    const struct civil *items;
    size_t count;
    bool whole;
};

/* Turns what was written into the start of the occurrence that it means. */
static bool find_original(const struct event *event, const struct originals *originals,
                          struct civil *civil)
{
    if (event->all_day) {
        civil->date_only = true;
        civil->hour = civil->minute = civil->second = 0;
    }
    for (size_t i = 0; i < originals->count; i++) {
        const struct civil *item = &originals->items[i];

        if (civil->date_only ? civil_days(item) == civil_days(civil)
                             : civil_compare(item, civil) == 0) {
            *civil = *item;
            return true;
        }
    }
    if (civil->date_only && !event->all_day) {
        struct civil time = event->start;

        civil_set_days(&time, civil_days(civil));
        *civil = time;
    }
    return !originals->whole;
}

static void no_occurrence(struct event_maker *maker, const struct originals *originals,
                          const struct civil *civil, const struct event_spot *spot)
{
    char wanted[CIVIL_TEXT];
    char next[CIVIL_TEXT] = "";

    civil_print(civil, wanted);
    for (size_t i = 0; i < originals->count; i++) {
        civil_print(&originals->items[i], next);
        if (civil_compare(&originals->items[i], civil) > 0) {
            break;
        }
    }
    event_doubt(maker, spot, "the series has no occurrence on %s%s%s", wanted,
                next[0] != '\0' ? "; one near it is " : "", next);
}

static int set_exceptions(struct event_maker *maker, const struct originals *originals)
{
    struct event *event = maker->event;
    struct civil *exceptions;

    if (maker->exception_count == 0) {
        return 0;
    }
    exceptions = arena_alloc(maker->arena, maker->exception_count, sizeof(*exceptions));
    if (exceptions == NULL) {
        return err_nomem(maker->err);
    }
    for (size_t i = 0; i < maker->exception_count; i++) {
        exceptions[i] = maker->exceptions[i].civil;
        if (!find_original(event, originals, &exceptions[i])) {
            no_occurrence(maker, originals, &exceptions[i], &maker->exceptions[i].spot);
        }
    }
    qsort(exceptions, maker->exception_count, sizeof(*exceptions), by_civil);
    event->exceptions = exceptions;
    event->exception_count = maker->exception_count;
    return 0;
}

static void set_change(struct event_maker *maker, const struct originals *originals,
                       struct event_change *change)
{
    struct event_override *override = &change->override;
    struct civil usual;
    int64_t instant;

    if (!find_original(maker->event, originals, &override->original)) {
        no_occurrence(maker, originals, &override->original, &change->spot);
    }
    if (override->start.year == 0) {
        override->start = override->original;
    } else if (override->start.date_only != maker->event->all_day) {
        event_problem(maker, &change->spot,
                      "the start must be a date %s a time, as that of the event",
                      maker->event->all_day ? "without" : "with");
        override->start = override->original;
    }
    event_usual_end(maker->event, &override->start, &usual);
    if (override->end.year == 0 || override->end.date_only != maker->event->all_day) {
        override->end = usual;
    }
    instant_of(maker, &override->start, &change->spot, &instant);
    if (civil_compare(&override->end, &override->start) < 0) {
        event_problem(maker, &change->spot, "the occurrence ends before it begins");
    }
    override->moved = civil_compare(&override->start, &override->original) != 0 ||
                      civil_compare(&override->end, &usual) != 0;
}

static int set_overrides(struct event_maker *maker, const struct originals *originals)
{
    struct event_override *overrides;

    if (maker->change_count == 0) {
        return 0;
    }
    overrides = arena_alloc(maker->arena, maker->change_count, sizeof(*overrides));
    if (overrides == NULL) {
        return err_nomem(maker->err);
    }
    for (size_t i = 0; i < maker->change_count; i++) {
        set_change(maker, originals, &maker->changes[i]);
    }
    qsort(maker->changes, maker->change_count, sizeof(*maker->changes), by_original);
    for (size_t i = 0; i < maker->change_count; i++) {
        overrides[i] = maker->changes[i].override;
        if (i > 0 && civil_compare(&overrides[i].original, &overrides[i - 1].original) == 0) {
            event_problem(maker, &maker->changes[i].spot, "the same occurrence is changed twice");
        }
    }
    maker->event->overrides = overrides;
    maker->event->override_count = maker->change_count;
    return 0;
}

int event_series_make(struct event_maker *maker)
{
    struct originals originals = {0};
    struct civil *items = NULL;
    int rc = set_instants(maker);

    if (rc == 0) {
        rc = set_rules(maker);
    }
    if (rc == 0) {
        rc = set_dates(maker);
    }
    if (rc == 0 && !event_is_series(maker->event) &&
        (maker->exception_count > 0 || maker->change_count > 0)) {
        const struct event_spot *spot =
            maker->exception_count > 0 ? &maker->exceptions[0].spot : &maker->changes[0].spot;

        if (!maker->failed) {
            event_problem(maker, spot, "a single event has no occurrences to take out or change");
        }
        return 0;
    }
    if (rc == 0 && (maker->exception_count > 0 || maker->change_count > 0)) {
        rc = list_originals(maker, &items, &originals.count, &originals.whole);
        originals.items = items;
    }
    if (rc == 0) {
        rc = set_exceptions(maker, &originals);
    }
    return rc == 0 ? set_overrides(maker, &originals) : rc;
}
