/* teataja/compose/call_feed.h - deadlines of calls as a calendar (RFC 5545, METHOD:PUBLISH).
 *
 * One VEVENT a call and round, without a duration and without an alarm, at the deadline in
 * its own zone. Its UID stays while the deadline moves; SEQUENCE and LAST-MODIFIED rise with
 * the facts that are recorded of the call (content_recall). A round of a call that was
 * cancelled, whose budget is spent or that the file closes early is there as
 * STATUS:CANCELLED, so that calendars drop it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/clock.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/base/str.h"
#include "teataja/config/config.h"
#include "teataja/render/catalogue.h"

#define CALL_FEED_BEFORE (30 * CLOCK_DAY) /* deadlines that are past so long are left out */
#define CALL_FEED_AFTER (550 * CLOCK_DAY) /* and those that are still so far */

struct content; /* teataja/content/content.h */

struct call_feed {
    const struct config *config;
    const struct content *content;
    const struct catalogue *catalogue;
    const struct newsletter *newsletter; /* gives its name and fallback; NULL: the site's */
    const char *call;                    /* slug of the only one; NULL: all */
    enum language language;
    int64_t now;
};

/* Whether a newsletter has deadlines to tell: it has a block for calls or deadlines. */
bool call_feed_of(const struct newsletter *newsletter);

/* Appends the calendar. ERR_NOT_FOUND for a call that does not exist, or has no deadline
 * in that time that can be told (it is planned without dates, or always open); ERR_NOMEM,
 * ERR_LIMIT. */
int call_feed_write(const struct call_feed *feed, struct str *out, struct err *err);

/* Reads a site's content for feeds alone, with the deadlines of its sources, as the database
 * `database` knows it (unless it is not there yet). Files that are wrong are left out, and
 * added to config->left, as config_leave_out did with those of *config. `templates` has the
 * holidays. *out lives in the arena, and *config must outlive it. */
int call_feed_read(struct arena *arena, struct config *config, const char *templates,
                   const char *database, int64_t now, const struct content **out, struct err *err);
