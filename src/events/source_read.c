/* source_read.c - see source_read.h. */
#include "source_read.h"

#include <stdlib.h>
#include <string.h>

#include "source_copy.h"
#include "source_load.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"

#define MOST_PROBLEMS 50 /* that are told */

/* An event of the calendar, by UID, and what its components are. */
struct entry {
    const struct ical_event *event;
    size_t place; /* in the calendar */
    bool bad;
};

struct reader {
    const struct source_reading *reading;
    struct arena *arena;
    struct report *report;
    struct ical_calendar calendar;
    struct entry *entries;
    struct source_copy out;
    struct err *err;
};

static int add_problem(struct reader *reader, int line, const char *text)
{
    char *problem;

    if (reader->out.problem_count >= MOST_PROBLEMS) {
        return 0;
    }
    problem = arena_printf(reader->arena, "line %d: %s", line, text);
    if (problem == NULL) {
        return err_nomem(reader->err);
    }
    reader->out.problems[reader->out.problem_count++] = problem;
    return 0;
}

/* A problem belongs to the event that began last before its line. */
static int mark_bad(struct reader *reader)
{
    const struct problem *problem;
    int rc = 0;

    for (size_t i = 0; rc == 0 && (problem = report_get(reader->report, i)) != NULL; i++) {
        size_t at = reader->calendar.event_count;

        if (problem->severity != REPORT_ERROR) {
            continue;
        }
        while (at > 0 && reader->calendar.events[at - 1].line > problem->line) {
            at--;
        }
        if (at > 0) {
            reader->entries[at - 1].bad = true;
        }
        rc = add_problem(reader, problem->line, problem->message);
    }
    return rc;
}

static int by_uid(const void *a, const void *b)
{
    const struct entry *one = a;
    const struct entry *other = b;
    int order = one->event->is_todo - other->event->is_todo;

    if (order == 0 && (one->event->uid == NULL || other->event->uid == NULL)) {
        order = (one->event->uid != NULL) - (other->event->uid != NULL);
    } else if (order == 0) {
        order = strcmp(one->event->uid, other->event->uid);
    }
    return order != 0 ? order : one->place < other->place ? -1 : 1;
}

static bool same_part(const struct entry *a, const struct entry *b)
{
    return a->event->is_todo == b->event->is_todo && a->event->uid != NULL &&
           b->event->uid != NULL && strcmp(a->event->uid, b->event->uid) == 0;
}

/* True if the source takes such things; *deadline says as what. */
static bool is_wanted(const struct reader *reader, const struct ical_event *event, bool *deadline)
{
    int holds = reader->reading->source->holds;

    *deadline = event->is_todo || holds == SITE_SOURCE_DEADLINES;
    return !event->is_todo || holds != SITE_SOURCE_EVENTS;
}

/* Builds the event to know whether it can be used, and whether it is over. */
static int try_part(struct reader *reader, struct source_part *part, bool *keep)
{
    const struct source_reading *reading = reader->reading;
    struct arena_mark mark = arena_mark(reader->arena);
    struct err local = {0};
    struct event event;
    int rc = source_part_event(reader->arena, reading->config, reading->source, &reader->out, part,
                               &event, &local);

    *keep = rc == 0 || (rc == 1 && source_event_is_current(reader->arena, &event, reading->now));
    arena_rewind(reader->arena, mark);
    if (rc == 0) {
        const char *text = strstr(local.msg, ": "); /* behind the place, which is the copy's */

        part->broken = true;
        part->component_count = 0;
        return add_problem(reader, part->components[0].line, text != NULL ? text + 2 : local.msg);
    }
    return rc < 0 ? err_nomem(reader->err) : 0;
}

static int add_part(struct reader *reader, const struct entry *entries, size_t count)
{
    struct source_part *part = &reader->out.parts[reader->out.count];
    const char *uid = entries[0].event->uid;
    bool keep = true;
    int rc = 0;

    *part = (struct source_part){.uid = uid, .slug = ""};
    if (!is_wanted(reader, entries[0].event, &part->is_deadline)) {
        return 0;
    }
    if (uid == NULL || uid[0] == '\0' || strlen(uid) > SOURCE_UID) {
        return entries[0].bad
                   ? 0
                   : add_problem(reader, entries[0].event->line,
                                 uid == NULL ? "it has no UID" : "its UID is empty or too long");
    }
    part->components = arena_alloc(reader->arena, count, sizeof(*part->components));
    if (part->components == NULL) {
        return err_nomem(reader->err);
    }
    for (size_t i = 0; i < count; i++) {
        part->components[part->component_count++] = *entries[i].event;
        part->broken = part->broken || entries[i].bad;
    }
    if (part->broken) {
        part->component_count = 0;
    } else {
        rc = try_part(reader, part, &keep);
    }
    reader->out.count += keep;
    return rc;
}

static int add_parts(struct reader *reader)
{
    size_t count = reader->calendar.event_count;
    int rc = 0;

    if (count > 0) {
        qsort(reader->entries, count, sizeof(*reader->entries), by_uid);
    }
    for (size_t i = 0; rc == 0 && i < count;) {
        size_t next = i + 1;

        while (next < count && same_part(&reader->entries[i], &reader->entries[next])) {
            next++;
        }
        rc = add_part(reader, &reader->entries[i], next - i);
        i = next;
    }
    return rc;
}

static int read_calendar(struct reader *reader, const char *input, size_t len)
{
    const struct source_reading *reading = reader->reading;
    size_t count;
    int rc = ical_read_todos(reader->arena, reading->source->name, input, len,
                             reading->config->site.timezone, reader->report, &reader->calendar,
                             reader->err);

    /* Without events, or past what a report holds, nobody knows which are right. */
    if (rc < 0 && (rc != ERR_INVALID || reader->calendar.event_count == 0 ||
                   report_errors(reader->report) > LIMIT_PROBLEMS)) {
        return rc;
    }
    err_clear(reader->err);
    count = reader->calendar.event_count;
    reader->entries = arena_alloc(reader->arena, count + 1, sizeof(*reader->entries));
    reader->out.parts = arena_alloc(reader->arena, count + 1, sizeof(*reader->out.parts));
    reader->out.problems = arena_alloc(reader->arena, MOST_PROBLEMS, sizeof(*reader->out.problems));
    if (reader->entries == NULL || reader->out.parts == NULL || reader->out.problems == NULL) {
        return err_nomem(reader->err);
    }
    for (size_t i = 0; i < count; i++) {
        reader->entries[i] = (struct entry){.event = &reader->calendar.events[i], .place = i};
    }
    reader->out.zone = reader->calendar.zone;
    rc = mark_bad(reader);
    return rc == 0 ? add_parts(reader) : rc;
}

int source_read(void *ctx, const char *input, size_t len, struct str *answer, struct err *err)
{
    struct reader reader = {.reading = ctx, .err = err};
    int rc;

    reader.out = (struct source_copy){.etag = "", .last_modified = "", .zone = ""};
    reader.arena = arena_new(LIMIT_ARENA_WORK);
    reader.report = report_new();
    if (reader.arena == NULL || reader.report == NULL) {
        rc = err_nomem(err);
        goto out;
    }
    rc = read_calendar(&reader, input, len);
    if (rc == 0) {
        source_copy_write(&reader.out, answer);
        rc = str_check(answer, err);
    }
out:
    report_free(reader.report);
    arena_free(reader.arena);
    return rc;
}
