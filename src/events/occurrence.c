#include "teataja/events/occurrence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event_series.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/calendar/recurrence.h"
#include "teataja/calendar/zone.h"

#define WINDOW (400 * CLOCK_DAY) /* how far event_next looks at a time */
#define WINDOWS 20               /* and how often: a rule of every fourth year is found */

static int by_civil(const void *a, const void *b)
{
    return civil_compare(a, b);
}

struct list {
    struct arena *arena;
    struct civil *items;
    size_t count, capacity;
};

static int add_within(struct list *list, const struct civil *item, const struct civil *from,
                      const struct civil *to, struct err *err)
{
    int rc;

    if (civil_compare(item, from) < 0 || civil_compare(item, to) >= 0) {
        return 0;
    }
    rc = arena_grow(list->arena, &list->items, &list->capacity, list->count, sizeof(*item), err);
    if (rc == 0) {
        list->items[list->count++] = *item;
    }
    return rc;
}

int event_originals(const struct event *event, const struct civil *from, const struct civil *to,
                    struct arena *arena, struct civil **out, struct err *err)
{
    struct list list = {.arena = arena};
    size_t kept = 0;
    int rc = add_within(&list, &event->start, from, to, err);

    for (size_t i = 0; rc == 0 && i < event->date_count; i++) {
        rc = add_within(&list, &event->dates[i], from, to, err);
    }
    for (size_t i = 0; rc == 0 && i < event->rule_count; i++) {
        struct civil *yielded = NULL;
        int n = recurrence_list(arena, event->rules[i], &event->start, from, to, 0, &yielded, err);

        if (n >= LIMIT_OCCURRENCES) {
            n = err_set(err, ERR_LIMIT, "'%s' has more than %d occurrences in this time",
                        event->slug, LIMIT_OCCURRENCES);
        }
        rc = n < 0 ? n : 0;
        for (int k = 0; rc == 0 && k < n; k++) {
            rc = add_within(&list, &yielded[k], from, to, err);
        }
    }
    if (rc < 0) {
        return rc;
    }
    if (list.count > 0) {
        qsort(list.items, list.count, sizeof(*list.items), by_civil);
    }
    for (size_t i = 0; i < list.count; i++) {
        if (i == 0 || civil_compare(&list.items[i], &list.items[kept - 1]) != 0) {
            list.items[kept++] = list.items[i];
        }
    }
    if (kept > LIMIT_OCCURRENCES) {
        return err_set(err, ERR_LIMIT, "'%s' has more than %d occurrences in this time",
                       event->slug, LIMIT_OCCURRENCES);
    }
    *out = list.items;
    return (int)kept;
}

void occurrence_id(const struct civil *civil, char out[OCCURRENCE_ID])
{
    /* Masks keep the compiler sure that nothing is cut. */
    unsigned year = (unsigned)civil->year % 10000;

    if (civil->date_only) {
        snprintf(out, OCCURRENCE_ID, "%04u%02u%02u", year, (unsigned)civil->month % 100,
                 (unsigned)civil->day % 100);
    } else {
        snprintf(out, OCCURRENCE_ID, "%04u%02u%02uT%02u%02u%02u", year,
                 (unsigned)civil->month % 100, (unsigned)civil->day % 100,
                 (unsigned)civil->hour % 100, (unsigned)civil->minute % 100,
                 (unsigned)civil->second % 100);
    }
}

/* A civil time as an instant, moved out of a gap that the clocks skip. */
static int settle(const char *tzid, struct civil *civil, int64_t *instant, struct err *err)
{
    enum zone_fit fit;
    int rc = zone_to_utc(tzid, civil, instant, &fit, err);

    if (rc == 0 && fit == ZONE_GAP && !civil->date_only) {
        rc = zone_from_utc(tzid, *instant, civil, err);
    }
    return rc;
}

static int set_times(struct occurrence *occurrence, struct err *err)
{
    const struct event *event = occurrence->event;
    int rc = settle(event->tzid, &occurrence->start, &occurrence->start_utc, err);
    struct civil midnight;

    if (rc < 0) {
        return rc;
    }
    if (!event->all_day) {
        rc = settle(event->tzid, &occurrence->end, &occurrence->end_utc, err);
        if (rc == 0 && occurrence->end_utc < occurrence->start_utc) {
            occurrence->end = occurrence->start; /* the clocks were put back meanwhile */
            occurrence->end_utc = occurrence->start_utc;
        }
        return rc;
    }
    midnight = occurrence->end;
    civil_add_days(&midnight, 1);
    return zone_to_utc(event->tzid, &midnight, &occurrence->end_utc, NULL, err);
}

static int make(const struct event *event, const struct civil *original, struct occurrence *out,
                struct err *err)
{
    memset(out, 0, sizeof(*out));
    out->event = event;
    out->original = *original;
    out->start = *original;
    event_usual_end(event, original, &out->end);
    out->cancelled = event->status == EVENT_CANCELLED;
    if (event_is_series(event)) {
        occurrence_id(original, out->id);
    }
    for (size_t i = 0; i < event->override_count; i++) {
        if (civil_compare(&event->overrides[i].original, original) == 0) {
            out->override = &event->overrides[i];
            out->override_index = i;
            out->start = out->override->start;
            out->end = out->override->end;
            out->moved = out->override->moved;
            out->cancelled |= out->override->cancelled;
            break;
        }
    }
    return set_times(out, err);
}

static bool is_exception(const struct event *event, const struct civil *original)
{
    return event->exception_count > 0 &&
           bsearch(original, event->exceptions, event->exception_count, sizeof(*original),
                   by_civil) != NULL;
}

/* True for an event without a length that begins in the range, and for any other
 * that overlaps it. */
static bool overlaps(const struct occurrence *occurrence, int64_t from, int64_t to)
{
    if (occurrence->start_utc == occurrence->end_utc) {
        return occurrence->start_utc >= from && occurrence->start_utc < to;
    }
    return occurrence->end_utc > from && occurrence->start_utc < to;
}

static int by_start(const void *a, const void *b)
{
    const struct occurrence *one = a;
    const struct occurrence *other = b;

    if (one->start_utc != other->start_utc) {
        return one->start_utc < other->start_utc ? -1 : 1;
    }
    return civil_compare(&one->original, &other->original);
}

/* The civil time of an instant, moved by days and kept within the years of
 * struct civil. */
static int bound(const struct event *event, int64_t instant, int days, struct civil *out,
                 struct err *err)
{
    const int64_t first = civil_to_utc(&(struct civil){.year = 1901, .month = 1, .day = 1});
    const int64_t last = civil_to_utc(&(struct civil){.year = 2199, .month = 1, .day = 1});
    int64_t length = event->end_utc - event->start_utc;
    int64_t at = instant;
    int rc;

    if (days < 0 && at > first + length) {
        at -= length;
    }
    at = at < first ? first : at > last ? last : at;
    rc = zone_from_utc(event->tzid, at, out, err);
    if (rc == 0) {
        civil_add_days(out, days);
        out->date_only = event->all_day;
        if (event->all_day) {
            out->hour = out->minute = out->second = 0;
        }
    }
    return rc;
}

struct occurrences {
    struct arena *arena;
    struct occurrence *items;
    size_t count, capacity;
};

static int add_occurrence(struct occurrences *list, const struct event *event,
                          const struct civil *original, int64_t from, int64_t to, struct err *err)
{
    struct occurrence occurrence;
    int rc = make(event, original, &occurrence, err);

    if (rc < 0 || !overlaps(&occurrence, from, to)) {
        return rc;
    }
    rc = arena_grow(list->arena, &list->items, &list->capacity, list->count, sizeof(occurrence),
                    err);
    if (rc == 0) {
        list->items[list->count++] = occurrence;
    }
    return rc;
}

static bool is_overridden(const struct event *event, const struct civil *original)
{
    for (size_t i = 0; i < event->override_count; i++) {
        if (civil_compare(&event->overrides[i].original, original) == 0) {
            return true;
        }
    }
    return false;
}

int event_occurrences(const struct event *event, int64_t from, int64_t to, struct arena *arena,
                      struct occurrence **out, struct err *err)
{
    struct occurrences list = {.arena = arena};
    struct civil *originals = NULL;
    struct civil first;
    struct civil last;
    int n;
    int rc;

    *out = NULL;
    rc = bound(event, from, -2, &first, err);
    if (rc == 0) {
        rc = bound(event, to, 2, &last, err);
    }
    if (rc < 0) {
        return rc;
    }
    n = event_originals(event, &first, &last, arena, &originals, err);
    if (n < 0) {
        return n;
    }
    for (int i = 0; rc == 0 && i < n; i++) {
        if (!is_exception(event, &originals[i]) && !is_overridden(event, &originals[i])) {
            rc = add_occurrence(&list, event, &originals[i], from, to, err);
        }
    }
    /* An override may have come from anywhere. */
    for (size_t i = 0; rc == 0 && i < event->override_count; i++) {
        if (!is_exception(event, &event->overrides[i].original)) {
            rc = add_occurrence(&list, event, &event->overrides[i].original, from, to, err);
        }
    }
    if (rc < 0) {
        return rc;
    }
    if (list.count > 0) {
        qsort(list.items, list.count, sizeof(*list.items), by_start);
    }
    *out = list.items;
    return (int)list.count;
}

int event_next(const struct event *event, int64_t from, int64_t to, struct arena *arena,
               struct occurrence *out, struct err *err)
{
    int64_t first = event->start_utc;
    int64_t begin;

    for (size_t i = 0; i < event->override_count; i++) {
        int64_t moved = civil_to_utc(&event->overrides[i].start) - CLOCK_DAY; /* in any zone */

        first = moved < first ? moved : first;
    }
    begin = from < first ? first : from;
    for (int window = 0; window < WINDOWS && begin < to; window++) {
        int64_t end = begin > INT64_MAX - WINDOW || begin + WINDOW > to ? to : begin + WINDOW;
        struct occurrence *list = NULL;
        int n = event_occurrences(event, begin, end, arena, &list, err);

        if (n < 0) {
            return n;
        }
        for (int i = 0; i < n; i++) {
            if (!list[i].cancelled && (list[i].end_utc > from || list[i].start_utc >= from)) {
                *out = list[i];
                return 1;
            }
        }
        begin = end;
    }
    return 0;
}

/* "20270302", "20270302T100000" or what civil_parse takes. */
static int parse_wanted(const char *text, struct civil *out, struct err *err)
{
    char plain[CIVIL_TEXT] = "";
    size_t len = strlen(text);

    if ((len == 8 || len == 15) && strspn(text, "0123456789") == 8 &&
        (len == 8 || text[8] == 'T')) {
        snprintf(plain, sizeof(plain), "%.4s-%.2s-%.2s", text, text + 4, text + 6);
        if (len == 15) {
            snprintf(plain + 10, sizeof(plain) - 10, "T%.2s:%.2s:%.2s", text + 9, text + 11,
                     text + 13);
        }
        return civil_parse(plain, out, err);
    }
    return civil_parse(text, out, err);
}

static bool fits(const struct civil *have, const struct civil *wanted)
{
    return wanted->date_only ? civil_days(have) == civil_days(wanted)
                             : civil_compare(have, wanted) == 0;
}

int event_occurrence_find(const struct event *event, const char *text, struct arena *arena,
                          struct occurrence *out, struct err *err)
{
    struct occurrence *list = NULL;
    struct occurrence next;
    struct civil wanted;
    char shown[CIVIL_TEXT];
    int64_t around;
    int rc;

    if (!event_is_series(event)) {
        if (text != NULL && text[0] != '\0') {
            return err_set(err, ERR_NOT_FOUND, "'%s' is a single event and has no occurrences",
                           event->slug);
        }
        return make(event, &event->start, out, err);
    }
    rc = parse_wanted(text != NULL ? text : "", &wanted, err);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < event->override_count; i++) {
        const struct event_override *override = &event->overrides[i];

        if (!is_exception(event, &override->original) && fits(&override->original, &wanted)) {
            return make(event, &override->original, out, err);
        }
    }
    around = civil_to_utc(&wanted);
    rc =
        event_occurrences(event, around - 2 * CLOCK_DAY, around + 3 * CLOCK_DAY, arena, &list, err);
    for (int i = 0; i < rc; i++) {
        if (fits(&list[i].original, &wanted) || fits(&list[i].start, &wanted)) {
            *out = list[i];
            return 0;
        }
    }
    if (rc < 0) {
        return rc;
    }
    rc = event_next(event, around, INT64_MAX, arena, &next, err);
    if (rc < 0) {
        return rc;
    }
    civil_print(rc > 0 ? &next.start : &event->start, shown);
    return err_set(err, ERR_NOT_FOUND, "'%s' has no occurrence on %s; the %s is %s", event->slug,
                   text, rc > 0 ? "next" : "first", shown);
}

void occurrence_text(const struct occurrence *occurrence, const struct event_edition *edition,
                     struct occurrence_text *out)
{
    const struct event *event = occurrence->event;

    *out = (struct occurrence_text){
        .title = edition->title,
        .summary = edition->summary,
        .place = edition->place,
        .address = edition->address,
        .online = event->online,
        .place_url = event->place_url,
    };
    if (occurrence->override != NULL) {
        const struct event_override_text *own = &edition->overrides[occurrence->override_index];
        bool elsewhere = own->place != NULL || own->address != NULL;

        out->title = own->title != NULL ? own->title : out->title;
        out->summary = own->summary != NULL ? own->summary : out->summary;
        if (elsewhere) { /* the address of one place does not belong to another */
            out->place = own->place;
            out->address = own->address;
            out->place_url = NULL;
        }
        if (occurrence->override->online != NULL) {
            out->online = occurrence->override->online;
        }
        if (occurrence->override->place_url != NULL) {
            out->place_url = occurrence->override->place_url;
        }
    }
}
