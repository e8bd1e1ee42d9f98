/* schedule.c - see teataja/schedule/schedule.h. */
#include "teataja/schedule/schedule.h"

#include <stdlib.h>
#include <string.h>

#include "room.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"

int schedule_open(const struct schedule_options *options, struct schedule **out, struct err *err)
{
    struct schedule *schedule = mem_alloc(1, sizeof(*schedule));
    int rc;

    *out = NULL;
    if (schedule == NULL) {
        return err_nomem(err);
    }
    schedule->options = *options;
    schedule->arena = arena_new(LIMIT_ARENA_WORK);
    schedule->scratch = arena_new(LIMIT_ARENA_WORK);
    rc = schedule->arena == NULL || schedule->scratch == NULL ? err_nomem(err)
                                                              : jobs_make(schedule, err);
    if (rc < 0) {
        schedule_close(schedule);
        return rc;
    }
    *out = schedule;
    return 0;
}

void schedule_close(struct schedule *schedule)
{
    if (schedule == NULL) {
        return;
    }
    arena_free(schedule->scratch);
    arena_free(schedule->arena);
    mem_free(schedule);
}

static int tick_jobs(struct schedule *schedule, int64_t now, struct schedule_tick *out,
                     struct err *err)
{
    int rc = run_recover(schedule, err);

    for (size_t i = 0; rc == 0 && i < schedule->count; i++) {
        rc = due_find(schedule, &schedule->jobs[i], now, out, err);
        if (schedule->jobs[i].next < out->next_due) {
            out->next_due = schedule->jobs[i].next;
        }
    }
    return rc < 0 ? rc : run_due(schedule, now, out, err);
}

int schedule_tick(struct schedule *schedule, const struct schedule_time *time,
                  struct schedule_tick *out, struct err *err)
{
    int rc;

    *out = (struct schedule_tick){.next_due = INT64_MAX};
    rc = jump_check(schedule->options.db, time, err);
    if (rc != 0) {
        out->held = rc == 1;
        out->next_due = time->now + CLOCK_MINUTE;
        return rc == 1 ? 0 : rc;
    }
    rc = tick_jobs(schedule, time->now, out, err);
    schedule->last_now = time->now;
    /* What another scheduler is doing is due all the time. */
    if (out->next_due < time->now + CLOCK_SECOND) {
        out->next_due = time->now + CLOCK_SECOND;
    }
    return rc;
}

/* ---- what will happen ---- */

/* A draft is listed when it is made, and says when its letter goes. */
static int set_draft_times(struct arena *arena, const struct job *job,
                           const struct timetable_time *time, struct schedule_item *out,
                           struct err *err)
{
    char local[CIVIL_TEXT];

    civil_print(&time->local, local);
    out->note = arena_printf(arena, "goes out %s", local);
    return out->note == NULL ? err_nomem(err)
                             : zone_from_utc(job->zone, time->at, &out->local, err);
}

static int add_item(struct schedule *schedule, struct arena *arena, const struct job *job,
                    const struct timetable_time *time, size_t nth, struct schedule_item *out,
                    struct err *err)
{
    char target[JOB_NAME];
    struct civil shown;
    const char *note = "";
    int rc = job_target(schedule, job, nth, time->at, target, err);

    if (rc == ERR_INVALID) {
        note = arena_strdup(arena, err->msg);
        rc = note != NULL ? 0 : err_nomem(err);
        err_clear(err);
    }
    *out = (struct schedule_item){.kind = job->kind,
                                  .job = arena_strdup(arena, job->name),
                                  .target = rc == 1 ? arena_strdup(arena, target) : NULL,
                                  .local = time->local,
                                  .zone = arena_strdup(arena, job->zone),
                                  .due = time->at,
                                  .note = note};
    if (rc < 0 || out->job == NULL || out->zone == NULL || (rc == 1 && out->target == NULL)) {
        return rc < 0 ? rc : err_nomem(err);
    }
    out->slug = out->target != NULL ? strchr(out->target, '/') + 1 : NULL;
    if (job->ahead != 0) {
        return set_draft_times(arena, job, time, out, err);
    }
    if (time->fit == ZONE_AMBIGUOUS) {
        out->note = "the first of two such hours";
    }
    if (time->fit != ZONE_GAP) {
        return 0;
    }
    rc = zone_from_utc(job->zone, time->at, &shown, err);
    if (rc == 0) {
        out->note = arena_printf(arena, "the clock shows %02d:%02d then", shown.hour, shown.minute);
        rc = out->note == NULL ? err_nomem(err) : 0;
    }
    return rc;
}

static int by_time(const void *a, const void *b)
{
    const struct schedule_item *one = a;
    const struct schedule_item *other = b;

    return one->due != other->due ? (one->due > other->due) - (one->due < other->due)
                                  : strcmp(one->job, other->job);
}

int schedule_list(struct schedule *schedule, struct arena *arena, int64_t from, int64_t to,
                  struct schedule_item **out, size_t *count, struct err *err)
{
    size_t capacity = 0;
    int rc = 0;

    *out = NULL;
    *count = 0;
    for (size_t i = 0; rc == 0 && i < schedule->count; i++) {
        const struct job *job = &schedule->jobs[i];
        struct timetable_time *times = NULL;
        int before = 0; /* letters that go out before that of the first draft */
        int found = job_is_over(schedule, job, err);

        if (found == 0 && job->ahead != 0 && !job->once) {
            before = job_list(job, arena, from - job->ahead, from, &times, err);
            found = before < 0 ? before : 0;
        }
        if (found == 0) {
            found = job_list(job, arena, from, to, &times, err);
        } else if (found == 1) {
            found = 0;
        }
        rc = found < 0 ? found : 0;
        for (int k = 0; rc == 0 && times != NULL && k < found; k++) {
            rc = arena_grow(arena, out, &capacity, *count, sizeof(**out), err);
            if (rc == 0) {
                rc = add_item(schedule, arena, job, &times[k], (size_t)before + (size_t)k,
                              &(*out)[*count], err);
                *count += 1;
            }
        }
    }
    if (rc == 0 && *count > 0) {
        qsort(*out, *count, sizeof(**out), by_time);
    }
    return rc;
}
