/* What the files of this room share. */
#pragma once

#include "teataja/schedule/schedule.h"
#include "teataja/schedule/timetable.h"

enum { JOB_NAME = 96 }; /* folder, '/', slug, NUL */

struct job {
    enum schedule_kind kind;
    char name[JOB_NAME];
    const char *zone;
    bool once; /* `at` is its one occurrence; else `timetable` says */
    struct timetable_time at;
    struct timetable timetable;
    int64_t too_late_after;
    int64_t since;                       /* of a timetable: see schedule_job; 0 until it was read */
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

/* By its name; NULL if there is none. */
struct job *job_find(const struct schedule *schedule, const char *name);

/* The occurrences of [from, to), all of them, in the arena. Returns how many. */
int job_list(const struct job *job, struct arena *arena, int64_t from, int64_t to,
             struct timetable_time **out, struct err *err);

/* The first occurrence behind `after`; INT64_MAX if there is none in ten years. */
int job_next(const struct job *job, struct arena *arena, int64_t after, int64_t *out,
             struct err *err);

/* 1 if a letter of this subject ("issues/2026-12") was made; *mailing is it. */
int job_mailing(struct db *db, const char *purpose, const char *subject, int64_t *mailing,
                struct err *err);

/* What its `nth` run from now (0, 1, ...) sends: "issues/2026-12", "newsletters/funding" or
 * "events/forum". 1; 0 if nothing waits. */
int job_target(const struct schedule *schedule, const struct job *job, size_t nth,
               char out[JOB_NAME], struct err *err);

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
