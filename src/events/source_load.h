/* source_load.h - the events in the copies of sources. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "source_copy.h"
#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/report.h"
#include "teataja/config/config.h"
#include "teataja/events/event.h"

/* What ended so long ago is left out of copies. */
#define SOURCE_PAST (31 * CLOCK_DAY)

/* The event of a part, with its one edition. Returns 1; 0 if it cannot be used, with
 * the reason in err; or ERR_NOMEM. */
int source_part_event(struct arena *arena, const struct config *config,
                      const struct site_source *source, const struct source_copy *copy,
                      const struct source_part *part, struct event *out, struct err *err);

/* True unless all of it lies further back than SOURCE_PAST. */
bool source_event_is_current(struct arena *arena, const struct event *event, int64_t now);

/* Adds the events of all copies to *events, which stay sorted by slug. An event of a file
 * goes before one with the same UID or slug: a warning says so, as of a copy that cannot
 * be read. 0 or ERR_NOMEM. */
int source_events_add(struct arena *arena, const struct config *config, struct report *report,
                      struct events *events, struct err *err);
