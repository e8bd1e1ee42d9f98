/* source_load.c - copies of sources become events and deadlines. */
#include "source_load.h"

#include <stdlib.h>
#include <string.h>

#include "event_file.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/base/utf8.h"
#include "teataja/events/occurrence.h"
#include "teataja/events/source.h"
#include "teataja/render/text.h"

#define AHEAD (732 * CLOCK_DAY)  /* how far deadlines are told, and series are looked at */
#define BEHIND (366 * CLOCK_DAY) /* past deadlines of a series that are still rounds */

int source_part_event(struct arena *arena, const struct config *config,
                      const struct site_source *source, const struct source_copy *copy,
                      const struct source_part *part, struct event *out, struct err *err)
{
    struct event_edition *edition = arena_alloc(arena, 1, sizeof(*edition));
    struct event_file file = {.arena = arena, .config = config, .source = source};
    struct ical_calendar calendar;
    bool good = false;
    int rc;

    file.path = arena_printf(arena, "sources/%s", source->name);
    file.slug = part->slug;
    if (edition == NULL || file.path == NULL) {
        (void)err_nomem(err);
        return ERR_NOMEM;
    }
    source_part_calendar(copy, part, &calendar);
    rc = event_ics_build(&file, &calendar, out, edition, &good, err);
    if (rc < 0) {
        return rc;
    }
    out->editions = edition;
    out->edition_count = 1;
    return good;
}

bool source_event_is_current(struct arena *arena, const struct event *event, int64_t now)
{
    struct arena_mark mark = arena_mark(arena);
    struct occurrence *list;
    int count = event->start_utc >= now - SOURCE_PAST
                    ? 1
                    : event_occurrences(event, now - SOURCE_PAST, now + AHEAD, arena, &list, NULL);

    arena_rewind(arena, mark);
    return count != 0;
}

struct adding {
    struct arena *arena;
    const struct config *config;
    struct report *report;
    struct event *events; /* the files' first, then those added */
    size_t count, capacity;
    size_t file_count;
    struct event *slugs; /* what was there before the source at hand, by slug */
    size_t before;
    struct event *uids; /* of them, those that have a UID, by it */
    size_t uid_count;
    struct err *err;
};

static int by_slug(const void *a, const void *b)
{
    return strcmp(((const struct event *)a)->slug, ((const struct event *)b)->slug);
}

static int by_uid(const void *a, const void *b)
{
    return strcmp(((const struct event *)a)->uid, ((const struct event *)b)->uid);
}

/* What is there before a source, by slug and by UID. */
static int make_index(struct adding *adding)
{
    adding->before = adding->count;
    adding->slugs = arena_alloc(adding->arena, adding->count + 1, sizeof(*adding->slugs));
    adding->uids = arena_alloc(adding->arena, adding->count + 1, sizeof(*adding->uids));
    adding->uid_count = 0;
    if (adding->slugs == NULL || adding->uids == NULL) {
        return err_nomem(adding->err);
    }
    for (size_t i = 0; i < adding->count; i++) {
        adding->slugs[i] = adding->events[i];
        if (adding->events[i].uid != NULL) {
            adding->uids[adding->uid_count++] = adding->events[i];
        }
    }
    qsort(adding->slugs, adding->count, sizeof(*adding->slugs), by_slug);
    qsort(adding->uids, adding->uid_count, sizeof(*adding->uids), by_uid);
    return 0;
}

/* One with the same slug, or with the same UID: a file's, or of a source before. */
static const struct event *find_twin(const struct adding *adding, const struct event *event)
{
    const struct event *twin =
        bsearch(event, adding->slugs, adding->before, sizeof(*adding->slugs), by_slug);

    if (twin == NULL && event->uid != NULL) {
        twin = bsearch(event, adding->uids, adding->uid_count, sizeof(*adding->uids), by_uid);
    }
    return twin;
}

static int add_event(struct adding *adding, const struct event *event)
{
    const struct event *twin = find_twin(adding, event);
    int rc;

    if (twin != NULL) {
        report_add(adding->report, REPORT_WARNING, event->file, 0, 0,
                   "'%s' (%s) is in %s already; that one counts", event->editions[0].title,
                   event->slug, twin->file);
        return 0;
    }
    rc = arena_grow(adding->arena, &adding->events, &adding->capacity, adding->count,
                    sizeof(*event), adding->err);
    if (rc == 0) {
        adding->events[adding->count++] = *event;
    }
    return rc;
}

/* The copy of a source; nothing, with a warning, if it cannot be read. */
static int load_copy(struct arena *arena, const struct config *config,
                     const struct site_source *source, struct report *report,
                     struct source_copy *out, struct err *err)
{
    struct err local = {0};
    int rc = source_copy_load(arena, config, source->name, out, &local);

    if (rc == 0) {
        return 0;
    }
    memset(out, 0, sizeof(*out));
    if (rc == ERR_NOMEM) {
        return err_nomem(err);
    }
    if (rc != ERR_NOT_FOUND) {
        report_add(report, REPORT_WARNING, SITE_FILE, source->node->line, source->node->column,
                   "source '%s': %s; the next poll makes it anew", source->name, local.msg);
    }
    return 0;
}

static int add_source(struct adding *adding, const struct site_source *source)
{
    struct source_copy copy;
    int rc = load_copy(adding->arena, adding->config, source, adding->report, &copy, adding->err);

    if (rc == 0) {
        rc = make_index(adding);
    }
    for (size_t i = 0; rc == 0 && i < copy.count; i++) {
        struct err local = {0};
        struct event event = {0};

        if (copy.parts[i].is_deadline) {
            continue;
        }
        rc = source_part_event(adding->arena, adding->config, source, &copy, &copy.parts[i], &event,
                               &local);
        if (rc == 1) {
            rc = add_event(adding, &event);
        } else if (rc < 0) {
            return err_nomem(adding->err);
        }
    }
    return rc;
}

int source_events_add(struct arena *arena, const struct config *config, struct report *report,
                      struct events *events, struct err *err)
{
    struct adding adding = {.arena = arena, .config = config, .report = report, .err = err};
    int rc = 0;

    if (config->site.source_count == 0) {
        return 0;
    }
    adding.capacity = events->count + 16;
    adding.events = arena_alloc(arena, adding.capacity, sizeof(*adding.events));
    if (adding.events == NULL) {
        return err_nomem(err);
    }
    if (events->count > 0) {
        memcpy(adding.events, events->items, events->count * sizeof(*adding.events));
    }
    adding.count = adding.file_count = events->count;
    for (size_t i = 0; rc == 0 && i < config->site.source_count; i++) {
        if (config->site.sources[i].name != NULL) {
            rc = add_source(&adding, &config->site.sources[i]);
        }
    }
    if (adding.count > adding.file_count) {
        qsort(adding.events, adding.count, sizeof(*adding.events), by_slug);
    }
    events->items = adding.events;
    events->count = adding.count;
    return rc;
}

struct deadlines {
    struct arena *arena;
    const struct config *config;
    int64_t now;
    struct source_deadline *items;
    size_t count, capacity;
    struct err *err;
};

static int by_time(const void *a, const void *b)
{
    return civil_compare(a, b);
}

/* When it is due: the start of each occurrence, for an event that lasts longer is over
 * for whoever comes late. */
static int set_times(const struct deadlines *all, const struct event *event,
                     struct source_deadline *out)
{
    struct occurrence *list = NULL;
    int count =
        event_occurrences(event, all->now - BEHIND, all->now + AHEAD, all->arena, &list, NULL);

    out->times = arena_alloc(all->arena, count > 0 ? (size_t)count : 1, sizeof(*out->times));
    if (out->times == NULL) {
        return err_nomem(all->err);
    }
    if (!event_is_series(event)) {
        out->times[out->time_count++] = event->start;
    }
    for (int i = 0; event_is_series(event) && i < count; i++) {
        if (!list[i].cancelled) {
            out->times[out->time_count++] = list[i].start;
        }
    }
    qsort(out->times, out->time_count, sizeof(*out->times), by_time);
    return 0;
}

/* The beginning of a description, as one line. */
static int set_summary(const struct deadlines *all, const char *text, const char **out)
{
    struct str line;
    int rc;

    *out = NULL;
    if (text == NULL) {
        return 0;
    }
    str_init(&line, LIMIT_ICS_LINE);
    text_clean(&line, text, strlen(text));
    for (size_t i = 0; i < line.len; i++) {
        line.data[i] = line.data[i] == '\n' ? ' ' : line.data[i];
    }
    if (line.len > LIMIT_SUBJECT) {
        str_cut(&line, utf8_prefix(line.data, line.len, LIMIT_SUBJECT));
    }
    str_trim_end(&line);
    rc = str_check(&line, all->err);
    if (rc == 0 && line.len > 0) {
        *out = arena_strndup(all->arena, line.data, line.len);
        rc = *out == NULL ? err_nomem(all->err) : 0;
    }
    str_release(&line);
    return rc;
}

static int add_deadline(struct deadlines *all, const struct site_source *source,
                        const struct source_copy *copy, const struct source_part *part)
{
    struct source_deadline deadline = {.source = source, .slug = part->slug};
    struct event event = {0};
    struct err local = {0};
    int rc = source_part_event(all->arena, all->config, source, copy, part, &event, &local);

    if (rc <= 0) {
        return rc < 0 ? err_nomem(all->err) : 0;
    }
    deadline.title = event.editions[0].title;
    deadline.url = event.url;
    deadline.zone = arena_strdup(all->arena, event.tzid);
    deadline.cancelled = event.status == EVENT_CANCELLED;
    deadline.closed = part->components[0].is_done;
    if (deadline.zone == NULL) {
        return err_nomem(all->err);
    }
    rc = set_times(all, &event, &deadline);
    if (rc == 0) {
        rc = set_summary(all, event.editions[0].description, &deadline.summary);
    }
    if (rc == 0 && deadline.time_count > 0) {
        rc = arena_grow(all->arena, &all->items, &all->capacity, all->count, sizeof(deadline),
                        all->err);
        if (rc == 0) {
            all->items[all->count++] = deadline;
        }
    }
    return rc;
}

int sources_deadlines(struct arena *arena, const struct config *config, int64_t now,
                      struct source_deadline **out, size_t *count, struct err *err)
{
    struct deadlines all = {.arena = arena, .config = config, .now = now, .err = err};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < config->site.source_count; i++) {
        const struct site_source *source = &config->site.sources[i];
        struct source_copy copy = {0};

        if (source->name == NULL || source->holds == SITE_SOURCE_EVENTS) {
            continue;
        }
        /* What is wrong with a copy is said where the events are loaded. */
        rc = load_copy(arena, config, source, NULL, &copy, err);
        for (size_t k = 0; rc == 0 && k < copy.count; k++) {
            if (copy.parts[k].is_deadline) {
                rc = add_deadline(&all, source, &copy, &copy.parts[k]);
            }
        }
    }
    *out = all.items;
    *count = all.count;
    return rc;
}
