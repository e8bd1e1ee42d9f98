/* src/cli/schedule_jobs.h - the schedule of a site, with what its jobs do. */
#pragma once

#include "forecast.h"
#include "teataja/base/json.h"
#include "teataja/compose/compose.h"
#include "teataja/schedule/schedule.h"
#include "workspace.h"

/* An opened site with its schedule. Opened anew whenever files may have changed: opening
 * reads them all. */
struct schedule_jobs {
    struct workspace workspace;
    struct compose *compose;
    struct schedule *schedule;
};

/* Opens the site in command->folder, into command->arena. Problems of its files are printed,
 * or logged with `told` (may be NULL). EXIT_DONE, or the status to return; close in any case. */
enum exit_status schedule_jobs_open(const struct command *command, struct workspace_told *told,
                                    struct schedule_jobs *out);
void schedule_jobs_close(struct schedule_jobs *jobs);

/* The time, as schedule_tick takes it. */
struct schedule_time schedule_jobs_time(void);

/* For the daemon's role: opens the site, ticks once, closes it. What is due is queued, not
 * delivered. Call again at out->next_due, and after a minute at the latest. */
enum exit_status schedule_jobs_tick(const struct command *command, struct workspace_told *told,
                                    struct schedule_tick *out);

/* To how many a target would go on `date`; the dates that it shows go to *dates (may be NULL),
 * in `arena`. Errors as letter_plan and invite_plan. */
int schedule_jobs_count(struct schedule_jobs *jobs, enum schedule_kind kind, const char *target,
                        int64_t date, struct arena *arena, struct forecast_dates *dates,
                        int64_t *out, struct err *err);

/* A tick, and behind it what people approved that has no time: both wait while everything is held.
 * Errors as schedule_tick. */
int schedule_jobs_do(struct schedule_jobs *jobs, const struct schedule_time *time,
                     struct schedule_tick *out, struct err *err);

/* The purpose of the mailings of a kind: "letter", "invitation" ... */
const char *schedule_jobs_purpose(enum schedule_kind kind);

/* The next five times of each newsletter's schedule in words of the site's first language:
 * printed, or as a key of an object. What cannot be read is left out: check reports it. */
void schedule_times_print(const struct workspace *workspace);
void schedule_times_json(const struct workspace *workspace, struct json_writer *json);
