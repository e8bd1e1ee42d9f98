/* src/cli/schedule_jobs.h - the schedule of a site, with what its jobs do. */
#pragma once

#include "teataja/compose/compose.h"
#include "teataja/schedule/schedule.h"
#include "workspace.h"

/* An opened site with its schedule. Opened anew whenever files may have changed: opening
 * reads them all. */
struct schedule_jobs {
    struct workspace workspace;
    struct compose *compose;
    struct schedule *schedule;
    struct arena *arena; /* of one run */
};

/* Opens the site in command->folder, into command->arena. Problems of its files are
 * printed. EXIT_DONE, or the status to return; close in any case. */
enum exit_status schedule_jobs_open(const struct command *command, struct schedule_jobs *out);
void schedule_jobs_close(struct schedule_jobs *jobs);

/* The time, as schedule_tick takes it. */
struct schedule_time schedule_jobs_time(void);

/* For the daemon's role: opens the site, ticks once, closes it. What is due is queued, not
 * delivered. Call again at out->next_due, and after a minute at the latest. */
enum exit_status schedule_jobs_tick(const struct command *command, struct schedule_tick *out);
