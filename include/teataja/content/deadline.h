/* teataja/content/deadline.h - calls that no file describes: deadlines from the
 * calendars of others. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/base/report.h"
#include "teataja/calendar/holiday.h"
#include "teataja/config/config.h"
#include "teataja/content/content.h"

struct content_deadline {
    const char *origin; /* in place of a file's name, in messages */
    const char *slug;
    enum language language; /* of its texts */
    const char *title;
    const char *funder;  /* NULL if not known */
    const char *summary; /* NULL if none */
    const char *url;     /* NULL if none */
    const char *zone;
    const struct civil *times; /* sorted; several are rounds */
    size_t time_count;
    bool closed;    /* whatever its dates say */
    bool cancelled; /* likewise */
};

/* Adds a call for each, as if it had a file; a file with the same slug goes before, with
 * a warning. *content stays sorted. Everything else is as with content_load. Returns 0,
 * ERR_INVALID if one of them cannot be a call (it is left out), ERR_NOMEM. */
int content_add_deadlines(struct arena *arena, const struct config *config,
                          const struct holidays *holidays, int64_t now,
                          const struct content_deadline *deadlines, size_t count,
                          struct report *report, struct content *content, struct err *err);
