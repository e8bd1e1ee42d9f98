/* teataja/events/source.h - calendars of others (`sources:` of teataja.yaml).
 *
 * A poll fetches the calendar (net/fetch.h), has it read by a confined process
 * (base/confine.h), compares it with the copy in var/sources/<name>.json and keeps the
 * new one there. Only that copy is ever read by anything else: a poll that fails
 * leaves it as it is. Its events stand beside those of files, under slugs made of the
 * source's name and the event's UID; its deadlines become calls (content/content.h).
 *
 * What vanishes from a calendar is not cancelled: it stays, marked as gone, until it
 * is over. What is over is left out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/base/report.h"
#include "teataja/config/config.h"
#include "teataja/db/db.h"
#include "teataja/events/event.h"

/* What a poll found of one event or deadline. */
enum source_change { SOURCE_NEW, SOURCE_CHANGED, SOURCE_SAME, SOURCE_GONE, SOURCE_CHANGES };

/* "new", "changed", "same", "gone". */
const char *source_change_name(enum source_change change);

struct source_item {
    enum source_change change;
    bool is_deadline;
    const char *slug;
    const char *uid;
    const char *title;
    const char *when; /* "2027-05-20 10:00 Europe/Tallinn" */
};

/* What came of a poll. */
struct source_pull {
    bool unchanged; /* the server said so: nothing was read */
    bool changed;   /* something is new, changed, or gone since the last time */
    struct source_item *items;
    size_t count;
    const char *const *problems; /* of what was left out: "line 12: ..." */
    size_t problem_count;
    int64_t next_at; /* when it is due again */
};

struct source_pull_options {
    bool dry_run; /* nothing is written */
    int stop_fd;  /* ERR_STOPPED soon after it is readable; -1: none */
};

/* Polls a source now, due or not. A poll that fails is recorded with the time of the
 * next, and is the error that is returned: those of fetch_get and confine_ask. Blocks
 * for the source's timeout and some seconds; forks, so that the process should have
 * no other threads. *out lives in the arena. */
int source_pull(struct db *db, const struct config *config, const struct site_source *source,
                int64_t now, const struct source_pull_options *options, struct arena *arena,
                struct source_pull *out, struct err *err);

struct sources_tick {
    int64_t next_due; /* when to call again; INT64_MAX if there are no sources */
    int64_t polled;
    int64_t failed;  /* of them */
    int64_t changed; /* sources in which something was new, changed or gone */
};

/* Polls the sources that are due, one after the other. Polls that fail are rows and
 * events of the log (source_failed), no error here: those are of the database,
 * ERR_NOMEM and ERR_STOPPED. Blocks as source_pull, for each of them: for a process
 * of its own, or one that has time. Cheap when nothing is due. */
int sources_tick(struct db *db, const struct config *config, int64_t now, int stop_fd,
                 struct sources_tick *out, struct err *err);

/* A source as it stands. */
struct source_state {
    const struct site_source *source;
    int64_t polled_at;  /* 0: never */
    int64_t ok_at;      /* 0: never */
    int64_t next_at;    /* 0: at once */
    int64_t changed_at; /* 0: never */
    int64_t failures;   /* since ok_at */
    const char *error;  /* NULL if the last poll was right */
    size_t events;      /* that the copy holds */
    size_t deadlines;
    size_t gone; /* of both, vanished from the calendar */
};

/* Every configured source, in the order of the file. Returns 0 or an error. */
int sources_list(struct db *db, const struct config *config, struct arena *arena,
                 struct source_state **out, size_t *count, struct err *err);

/* A deadline from a copy. */
struct source_deadline {
    const struct site_source *source;
    const char *slug;
    const char *title;
    const char *summary; /* one line; NULL if none */
    const char *url;     /* http or https; NULL if none */
    const char *zone;    /* of the times */
    struct civil *times; /* sorted; one at least */
    size_t time_count;
    bool closed;    /* COMPLETED */
    bool cancelled; /* CANCELLED */
};

/* The deadlines of all copies, from a year before `now` to two years after it. A copy
 * that cannot be read has none: events_load warns of it. ERR_NOMEM. */
int sources_deadlines(struct arena *arena, const struct config *config, int64_t now,
                      struct source_deadline **out, size_t *count, struct err *err);

/* Checks what the configuration cannot: networks and rules. Problems go to `report`. */
void sources_check(const struct config *config, struct report *report);
