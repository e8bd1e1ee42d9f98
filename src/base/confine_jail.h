/* confine_jail.h - what a confined process gives up. Private to base. */
#pragma once

#include "teataja/base/confine.h"

/* Closes every descriptor but `fd`, takes the limits, the filter of system calls and the
 * rules for files upon this process. Returns the number that `fd` has now, or -1. */
int confine_jail(const struct confine_options *options, int fd);
