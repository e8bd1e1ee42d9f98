/* teataja/calendar/holiday.h - public holidays of the partners' countries.
 *
 * Laid down by law as fixed days and as days counted from Easter Sunday (and a few
 * weekday rules); from templates/holidays.yaml, so that an office can correct them.
 */
#pragma once

#include <stdbool.h>

#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/err.h"
#include "teataja/base/report.h"

struct holidays;

/* Reads the rules; problems go to the report. *out lives in the arena. */
int holidays_load(struct arena *arena, const char *path, struct report *report,
                  struct holidays **out, struct err *err);

/* True if the day is a public holiday in the country (ISO 3166-1 alpha-2, "EE");
 * *name is then its English name (may be NULL). False for an unknown country. */
bool holiday_is(const struct holidays *holidays, const char *country, const struct civil *day,
                const char **name);

bool holidays_has_country(const struct holidays *holidays, const char *country);

/* Moves the day forward to the next that is neither Saturday, Sunday nor a
 * holiday; the day itself if it is none. The time of day stays. */
void holiday_next_workday(const struct holidays *holidays, const char *country,
                          struct civil *day);

/* As above, backward. */
void holiday_previous_workday(const struct holidays *holidays, const char *country,
                              struct civil *day);
