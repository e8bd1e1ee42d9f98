/* What the files of this room share. */
#pragma once

#include "teataja/events/reminder.h"
#include "teataja/schedule/schedule.h"
#include "teataja/schedule/timetable.h"

enum { JOB_NAME = 104 }; /* folder, '/', slug, "/reminder-" and its name, NUL */

/* Causes of schedule_run: what people are told of a run that was skipped. */
#define RUN_LATE "late"
#define RUN_EMPTY "empty"

struct job {
    enum schedule_kind kind;
    char name[JOB_NAME];
    const char *zone;
    bool once; /* `at` is its one occurrence; else `timetable` says, or the event */
    bool each; /* a later occurrence does not make up for an earlier one */
    struct timetable_time at;
    struct timetable timetable;
    int64_t draft_before;        /* its draft is made so long before; 0: none is */
    int64_t ahead;               /* of SCHEDULE_DRAFT: so long before; else 0 */
    const struct event *event;   /* of SCHEDULE_REMINDER, SCHEDULE_THANKS */
    const struct period *before; /* of SCHEDULE_REMINDER */
    int64_t too_late_after;
    int64_t since;                       /* unless `once`: see schedule_job; 0 until it was read */
    int64_t next;                        /* nothing is due before; 0: not known */
    const struct newsletter *newsletter; /* of SCHEDULE_NEWSLETTER */
    const char *slug;                    /* of the file */
};

struct schedule {
    struct schedule_options options;
    struct arena *arena;   /* as long as it is open */
    struct arena *scratch; /* of one question; rewound */
    struct job *jobs;
    size_t count;
    int64_t last_now; /* of the last tick */
};

/* ---- job.c ---- */

/* The jobs that the files ask for. */
int jobs_make(struct schedule *schedule, struct err *err);

/* Name of the job that an occurrence belongs to: of a draft, that of its letter. */
const char *job_of(const struct job *job);

/* One more of them. */
struct job *job_add(struct schedule *schedule, enum schedule_kind kind, const char *name);

/* By its name; NULL if there is none. */
struct job *job_find(const struct schedule *schedule, const char *name);

/* The occurrences of [from, to), all of them, in the arena; those of a draft with their letter's
 * local time. Returns how many. */
int job_list(const struct job *job, struct arena *arena, int64_t from, int64_t to,
             struct timetable_time **out, struct err *err);

/* The first occurrence behind `after`; INT64_MAX if there is none in ten years. */
int job_next(const struct job *job, struct arena *arena, int64_t after, int64_t *out,
             struct err *err);

/* 1 if a letter of this subject ("issues/2026-12") was made; *mailing is it. */
int job_mailing(struct db *db, const char *purpose, const char *subject, int64_t *mailing,
                struct err *err);

/* What its `nth` run from now (0, 1, ...), which is at `due`, sends: see schedule_run. 1; 0 if
 * nothing waits; ERR_INVALID if what waits may be an issue that is left out. */
int job_target(const struct schedule *schedule, const struct job *job, size_t nth, int64_t due,
               char out[JOB_NAME], struct err *err);

/* 1 if what the target of a kind names was made before; *mailing is the latest. */
int job_made(struct db *db, enum schedule_kind kind, const char *target, int64_t *mailing,
             struct err *err);

/* 1 if the job's one letter was made already, whoever asked for it. */
int job_is_over(const struct schedule *schedule, const struct job *job, struct err *err);

/* ---- job_event.c: reminders and thanks ---- */

/* The jobs of an event; schedule->jobs has room for job_event_most of all. */
size_t job_event_most(const struct events *events);
void job_event_add(struct schedule *schedule, const struct event *event);

/* As job_list, for one of them. */
int job_event_list(const struct job *job, struct arena *arena, int64_t from, int64_t to,
                   struct timetable_time **out, struct err *err);

/* What makes it another job: which one, and the times of the event. In the arena. */
int job_event_rule(const struct job *job, struct arena *arena, const char **out, struct err *err);

/* Which occurrence a reminder at `due` is about: that which it is planned for, else the next
 * that has not begun. 1 and its id, 0 if there is none. */
int job_event_occurrence(const struct schedule *schedule, const struct job *job, int64_t due,
                         char out[OCCURRENCE_ID], struct err *err);

/* ---- due.c ---- */

/* Makes rows of what came due: the latest to be done, earlier ones as skipped. */
int due_find(struct schedule *schedule, struct job *job, int64_t now, struct schedule_tick *tick,
             struct err *err);

/* ---- run.c ---- */

/* What dead schedulers left running becomes due again. */
int run_recover(struct schedule *schedule, struct err *err);

/* Does the rows that are due. */
int run_due(struct schedule *schedule, int64_t now, struct schedule_tick *tick, struct err *err);

/* ---- jump.c ---- */

/* 1 if everything is held, as it was before or from now on. */
int jump_check(struct db *db, const struct schedule_time *time, struct err *err);
