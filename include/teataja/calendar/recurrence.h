/* teataja/calendar/recurrence.h - RRULEs (RFC 5545 section 3.3.10), within bounds.
 *
 * The form of a rule is checked word by word. A rule that nothing here needs
 * (SECONDLY, MINUTELY, HOURLY), or whose days never come by their months alone
 * (30 February), is refused; steps and time are limited (base/limits.h), and no
 * rule is looked at beyond the year 2200. BYWEEKNO without BYDAY means the start's
 * weekday. RSCALE and SKIP (RFC 7529) are refused.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/err.h"

/* Checks a rule such as "FREQ=YEARLY;BYMONTH=2,8;BYMONTHDAY=20" (in any case, a
 * leading "RRULE:" is allowed). ERR_INVALID with what is wrong with it, such as
 * "BYMONTH=13: a month is 1 to 12". */
int recurrence_check(const char *rule, struct err *err);

/* The civil times of `rule` that begins at `start` which lie in [from, to),
 * in order, at most `max` (0: LIMIT_OCCURRENCES). `start` itself counts only if
 * the rule yields it. Stops quietly at `max`. Returns the number, or ERR_LIMIT
 * when the bounds were reached before `to` (message says so), ERR_INVALID for a
 * bad rule. A time of day that does not exist on some date (DST) is yielded all
 * the same: calendar/zone.h says what it means.
 * UNTIL as a date includes that day. UNTIL in UTC ("...Z") needs the zone that
 * `start` is in: use recurrence_list_in; here it is read as a civil time. */
int recurrence_list(struct arena *arena, const char *rule, const struct civil *start,
                    const struct civil *from, const struct civil *to, size_t max,
                    struct civil **out, struct err *err);

/* As above, for times in the zone `tzid` (NULL: as above). ERR_NOT_FOUND for an
 * unknown zone. */
int recurrence_list_in(struct arena *arena, const char *rule, const char *tzid,
                       const struct civil *start, const struct civil *from, const struct civil *to,
                       size_t max, struct civil **out, struct err *err);
