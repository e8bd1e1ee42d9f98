/* job_event.c - reminders and thanks of events. */
#include <stdio.h>
#include <string.h>

#include "room.h"

/* A change of the clocks, and the morning of a whole day, are less. */
#define MOST_SHIFT (2 * CLOCK_DAY)
#define AHEAD (366 * CLOCK_DAY)

/* Thanks that nobody was awake for go out so late. */
#define THANKS_PATIENCE (7 * CLOCK_DAY)

static bool has_thanks(const struct event *event)
{
    return event->edition_count > 0 && event->editions[0].thanks != NULL;
}

size_t job_event_most(const struct events *events)
{
    size_t most = 0;

    for (size_t i = 0; i < events->count; i++) {
        most += events->items[i].reminder_count + 1;
    }
    return most;
}

static struct job *add(struct schedule *schedule, enum schedule_kind kind,
                       const struct event *event, const char *what, const char *which)
{
    char name[JOB_NAME];
    struct job *job;

    (void)snprintf(name, sizeof(name), "events/%s/%s%s", event->slug, what, which);
    job = job_add(schedule, kind, name);
    job->slug = event->slug;
    job->event = event;
    job->zone = event->tzid;
    job->each = true;
    return job;
}

void job_event_add(struct schedule *schedule, const struct event *event)
{
    if (event->status == EVENT_CANCELLED) {
        return;
    }
    for (size_t i = 0; i < event->reminder_count; i++) {
        int64_t patience = reminder_patience(event, i);
        char which[REMINDER_NAME];

        if (patience > 0) {
            struct job *job;

            reminder_name(&event->reminders[i], which);
            job = add(schedule, SCHEDULE_REMINDER, event, "reminder-", which);
            job->before = &event->reminders[i];
            job->too_late_after = patience;
        }
    }
    if (has_thanks(event)) {
        add(schedule, SCHEDULE_THANKS, event, "thanks", "")->too_late_after = THANKS_PATIENCE;
    }
}

static struct timetable_time as_time(const struct reminder_time *time)
{
    return (struct timetable_time){.local = time->local, .at = time->at, .fit = time->fit};
}

static int list_thanks(const struct job *job, struct arena *arena, int64_t from, int64_t to,
                       struct timetable_time **out, struct err *err)
{
    struct occurrence last;
    struct reminder_time time;
    int rc = event_last(job->event, arena, &last, err);

    if (rc == 1) {
        rc = thanks_time(&last, &time, err);
        rc = rc < 0 ? rc : time.at >= from && time.at < to;
    }
    if (rc == 1) {
        *out = arena_alloc(arena, 1, sizeof(**out));
        if (*out == NULL) {
            return err_nomem(err);
        }
        **out = as_time(&time);
    }
    return rc;
}

int job_event_list(const struct job *job, struct arena *arena, int64_t from, int64_t to,
                   struct timetable_time **out, struct err *err)
{
    struct occurrence *occurrences = NULL;
    int64_t before;
    int found = 0;
    int count;

    *out = NULL;
    if (job->kind == SCHEDULE_THANKS) {
        return list_thanks(job, arena, from, to, out, err);
    }
    before = reminder_length(job->before);
    count = event_occurrences(job->event, from + before - MOST_SHIFT, to + before + MOST_SHIFT,
                              arena, &occurrences, err);
    if (count <= 0) {
        return count;
    }
    *out = arena_alloc(arena, (size_t)count, sizeof(**out));
    if (*out == NULL) {
        return err_nomem(err);
    }
    for (int i = 0; i < count; i++) {
        struct reminder_time time;

        if (occurrences[i].cancelled) {
            continue;
        }
        if (reminder_time(&occurrences[i], job->before, &time, err) < 0) {
            return err->code;
        }
        if (time.at >= from && time.at < to) {
            (*out)[found++] = as_time(&time);
        }
    }
    return found;
}

int job_event_rule(const struct job *job, struct arena *arena, const char **out, struct err *err)
{
    char digest[33];
    int rc = event_digest(job->event, digest, err);

    if (rc == 0) {
        *out = arena_printf(arena, "%s of %s %d %lld", strrchr(job->name, '/') + 1, digest,
                            job->event->has_thanks_after,
                            (long long)reminder_length(&job->event->thanks_after));
        rc = *out != NULL ? 0 : err_nomem(err);
    }
    return rc;
}

int job_event_occurrence(const struct schedule *schedule, const struct job *job, int64_t due,
                         char out[OCCURRENCE_ID], struct err *err)
{
    struct arena_mark mark = arena_mark(schedule->scratch);
    struct occurrence *occurrences = NULL;
    const struct occurrence *next = NULL;
    const struct occurrence *meant = NULL;
    int rc = 0;
    int count = event_occurrences(job->event, due, due + reminder_length(job->before) + AHEAD,
                                  schedule->scratch, &occurrences, err);

    for (int i = 0; rc == 0 && meant == NULL && i < count; i++) {
        struct reminder_time time;

        if (occurrences[i].cancelled) {
            continue;
        }
        rc = reminder_time(&occurrences[i], job->before, &time, err);
        meant = rc == 0 && time.at == due ? &occurrences[i] : NULL;
        if (next == NULL && occurrences[i].start_utc > due) {
            next = &occurrences[i];
        }
    }
    meant = meant != NULL ? meant : next;
    if (meant != NULL) {
        memcpy(out, meant->id, OCCURRENCE_ID);
    }
    arena_rewind(schedule->scratch, mark);
    return count < 0 ? count : rc < 0 ? rc : meant != NULL;
}
