/* src/cli/serve_watch.h - the daemon looks whether the staff is to be told something. */
#pragma once

#include "schedule_jobs.h"

/* Looks and queues mails (compose/staff.h). What goes wrong is logged: planned letters do not
 * wait for it. */
void serve_watch(struct schedule_jobs *jobs, int64_t now);
