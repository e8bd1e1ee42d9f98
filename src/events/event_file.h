/* event_file.h - one file of events/ becomes an event or an edition of one. */
#pragma once

#include <stdbool.h>

#include "event_series.h"
#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/report.h"
#include "teataja/config/config.h"
#include "teataja/events/event.h"

struct event_file {
    struct arena *arena;
    const struct config *config;
    struct report *report;
    const char *path; /* "events/forum-2027.md" */
    const char *slug;
    const struct site_source *source; /* it was pulled from; NULL: a file */
};

/* Each reads its file; what is wrong is in the report. Returns 0 with *good
 * telling whether the event can be used, or ERR_NOMEM; *err has the first
 * problem. The first edition goes to *edition. */
int event_md_load(const struct event_file *file, struct event *event, struct event_edition *edition,
                  bool *good, struct err *err);
int event_ics_load(const struct event_file *file, struct event *event,
                   struct event_edition *edition, bool *good, struct err *err);

/* The event of a calendar that was read; as event_ics_load otherwise. */
struct ical_calendar;
int event_ics_build(const struct event_file *file, const struct ical_calendar *calendar,
                    struct event *event, struct event_edition *edition, bool *good,
                    struct err *err);

/* <slug>.md beside <slug>.ics: what a calendar does not say - whom it is for, how answers
 * are taken, when invitations and reminders go out - and a text in place of its own. */
int event_beside_load(const struct event_file *file, struct event *event,
                      struct event_edition *edition, bool *good, struct err *err);

/* <slug>.<lang>.md of either kind of event; `first` is the edition whose texts
 * stand in for those that are not given. */
int event_edition_load(const struct event_file *file, const struct event *event,
                       const struct event_edition *first, enum language language,
                       struct event_edition *edition, bool *good, struct err *err);

/* The list that an event belongs to which names none: 'events', or the only one,
 * or NULL. */
const char *event_default_list(const struct config *config);
