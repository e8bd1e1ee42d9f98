/* teataja/calendar/recurrence.h - RRULEs (RFC 5545 section 3.3.10), within bounds.
 *
 * libical expands them; a rule that never ends or never occurs is stopped by the
 * limits on steps and time (base/limits.h) and reported.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/err.h"

/* Checks the form of a rule; ERR_INVALID with what is wrong with it. FREQ of
 * SECONDLY and MINUTELY is refused. */
int recurrence_check(const char *rule, struct err *err);

/* The civil times of `rule` that begins at `start` which lie in [from, to),
 * in order, at most `max` (0: LIMIT_OCCURRENCES). `start` itself counts only if
 * the rule yields it. Returns the number, or ERR_LIMIT when the bounds were
 * reached before `to` (message says so), ERR_INVALID for a bad rule. */
int recurrence_list(struct arena *arena, const char *rule, const struct civil *start,
                    const struct civil *from, const struct civil *to, size_t max,
                    struct civil **out, struct err *err);
