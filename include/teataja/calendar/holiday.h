/* teataja/calendar/holiday.h - public holidays of the partners' countries.
 *
 * Laid down by law as fixed days, as days counted from Easter Sunday, and as a
 * weekday on or after a date; from templates/holidays.yaml, so that an office can
 * correct them:
 *
 *     EE:
 *       - { day: 02-24, name: Independence Day }
 *       - { easter: -2, name: Good Friday }
 *     SE:
 *       - { weekday: saturday, from: 06-20, name: Midsummer Day }
 *     LV:
 *       - { day: 05-04, if_weekend: monday, name: Restoration of Independence }
 *     CZ:
 *       - { easter: -2, since: 2016, name: Good Friday }
 */
#pragma once

#include <stdbool.h>

#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/err.h"
#include "teataja/base/report.h"

struct holidays;

/* Reads the rules; problems go to the report (which may be NULL). *out lives in
 * the arena. ERR_INVALID if anything was wrong; ERR_NOT_FOUND without the file. */
int holidays_load(struct arena *arena, const char *path, struct report *report,
                  struct holidays **out, struct err *err);

/* True if the day is a public holiday in the country (ISO 3166-1 alpha-2, "EE");
 * *name is then its English name (may be NULL). False for an unknown country,
 * and where `holidays` or `country` is NULL. */
bool holiday_is(const struct holidays *holidays, const char *country, const struct civil *day,
                const char **name);

bool holidays_has_country(const struct holidays *holidays, const char *country);

/* Moves the day forward to the next that is neither Saturday, Sunday nor a
 * holiday; the day itself if it is none. The time of day stays. */
void holiday_next_workday(const struct holidays *holidays, const char *country, struct civil *day);

/* As above, backward. */
void holiday_previous_workday(const struct holidays *holidays, const char *country,
                              struct civil *day);
