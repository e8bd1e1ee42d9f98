/* teataja/events/occurrence.h - when an event takes place. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/err.h"
#include "teataja/events/event.h"

#define OCCURRENCE_ID 17 /* "20270302T100000" or "20270302", and NUL */

struct occurrence {
    const struct event *event;
    char id[OCCURRENCE_ID]; /* RECURRENCE-ID: its start by the rule, local; "" in a single event */
    struct civil original;  /* the same as a civil time */
    struct civil start;     /* local, after an override; a time that the clocks skip is moved on */
    struct civil end;       /* local; for whole days the last day */
    int64_t start_utc;
    int64_t end_utc;                       /* for whole days the midnight at the end of the last */
    bool moved;                            /* not when the rule says */
    bool cancelled;                        /* this one, or the whole event */
    const struct event_override *override; /* NULL if nothing differs */
    size_t override_index;                 /* into event.overrides and edition.overrides */
};

/* The occurrences that overlap [from, to), sorted by start, cancelled ones too.
 * Returns how many and sets *out (in `arena`), or ERR_LIMIT when there are more
 * than LIMIT_OCCURRENCES or the rule takes too long, ERR_NOMEM. */
int event_occurrences(const struct event *event, int64_t from, int64_t to, struct arena *arena,
                      struct occurrence **out, struct err *err);

/* The first occurrence that ends after `from` and is not cancelled, starting
 * before `to`. Returns 1 and sets *out, 0 if there is none, or negative as
 * above. */
int event_next(const struct event *event, int64_t from, int64_t to, struct arena *arena,
               struct occurrence *out, struct err *err);

/* The occurrence that staff mean by `text`: an id, or the date or date and time
 * of its original or present start ("2027-03-02", "2027-03-02 10:00"). For a
 * single event NULL or "" only. ERR_INVALID for what is no date, ERR_NOT_FOUND
 * "'seminar' has no occurrence on 2027-03-03; the next is 2027-03-09 10:00". */
int event_occurrence_find(const struct event *event, const char *text, struct arena *arena,
                          struct occurrence *out, struct err *err);

/* Its texts: those of the override where it has them, else the edition's. Any
 * but `title` may become NULL. */
struct occurrence_text {
    const char *title;
    const char *summary;
    const char *place;
    const char *address;
    const char *online;
    const char *place_url;
};
void occurrence_text(const struct occurrence *occurrence, const struct event_edition *edition,
                     struct occurrence_text *out);

/* Writes RECURRENCE-ID's form of a civil time. */
void occurrence_id(const struct civil *civil, char out[OCCURRENCE_ID]);
