/* src/schedule/job_left.h - jobs whose files are left out until they are corrected. */
#pragma once

#include "room.h"

/* Whether the file that plans a job ("issues/2026-12") is left out. 0, or ERR_INVALID with its
 * problem. */
int job_left(const struct schedule *schedule, const char *name, struct err *err);

/* Whether an issue that is left out waits for the newsletter's time, or might: then nothing
 * goes in its place. `other`: another issue does wait. 0, or ERR_INVALID with its problem. */
int job_left_waiting(const struct schedule *schedule, const struct job *job, bool other,
                     struct err *err);
