/* src/cli/ground.h - by what right somebody is put on a list, from a verb's options. */
#pragma once

#include "teataja/members/subscription.h"
#include "workspace.h"

/* Reads --basis, --source and --consent-at (a day of the site's zone); what is not given
 * comes from the list. ERR_INVALID names the option. */
int ground_read(const struct command *command, const struct workspace *workspace, const char *list,
                struct subscription_ground *out, struct err *err);
