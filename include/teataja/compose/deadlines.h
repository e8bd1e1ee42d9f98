/* teataja/compose/deadlines.h - deadlines of sources as calls.
 *
 * Rooms of one floor do not use each other: events keeps the calendars of others, content
 * knows what a call is.
 */
#pragma once

#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/report.h"
#include "teataja/calendar/holiday.h"
#include "teataja/config/config.h"
#include "teataja/content/content.h"

/* Adds what events keeps of `sources:` to the calls. To be called behind content_load, with
 * what that had; one that can be no call is a warning in `report`. ERR_NOMEM. */
int deadlines_add(struct arena *arena, const struct config *config, const struct holidays *holidays,
                  int64_t now, struct report *report, struct content *content, struct err *err);
