/* teataja/events/event.h - what members are invited to: events/<slug>.md or .ics.
 *
 * Both kinds of file give the same struct. <slug>.md holds the facts and the
 * texts in the site's first language; <slug>.<lang>.md is a language edition
 * with text keys only, of either kind. An .ics file holds one event or one
 * series with its changed occurrences; a <slug>.md beside it holds what calendars do
 * not say: list, approval, audience, invite, rsvp, reminders, thanks, and a text.
 *
 * Times are civil times in the event's zone. `end` is what people write: for an
 * event of whole days the last day, not the day after it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/base/quantity.h"
#include "teataja/base/report.h"
#include "teataja/base/schema.h"
#include "teataja/base/suggest.h"
#include "teataja/base/yaml.h"
#include "teataja/config/config.h"
#include "teataja/render/markdown.h"

enum event_status {
    EVENT_CONFIRMED,
    EVENT_TENTATIVE, /* shown like a confirmed one, with a mark */
    EVENT_CANCELLED
};

/* Counted differently in funders' reports. */
enum event_access { EVENT_PUBLIC, EVENT_CLOSED, EVENT_INTERNAL };

/* An expression of the segment language (compose parses it) and where it stands. */
struct event_expression {
    const char *text;             /* NULL: everybody on the event's list */
    const struct yaml_node *node; /* for yaml_problem and positions; NULL if text is */
};

/* One occurrence of a series that differs from what its rule says. */
struct event_override {
    struct civil original; /* when the rule would have it begin */
    struct civil start;    /* when it begins; `original` if only other things differ */
    struct civil end;      /* as event.end */
    bool moved;            /* start or end differ from the rule's */
    bool cancelled;
    const char *online;    /* NULL: the event's */
    const char *place_url; /* NULL: the event's */
};

/* Its texts in one language; NULL: the event's own. */
struct event_override_text {
    const char *title;
    const char *summary;
    const char *place;
    const char *address;
};

/* The event in one language. Texts that an edition does not give are those of
 * the first one. */
struct event_edition {
    enum language language;
    const char *file;                            /* "events/forum-2027.pl.md" */
    const char *title;                           /* never NULL */
    const char *summary;                         /* one line; NULL if none */
    const char *place;                           /* name of the place, one line; NULL if none */
    const char *address;                         /* its address, one line; NULL if none */
    const struct markdown *body;                 /* NULL if there is none, and for .ics */
    const char *description;                     /* plain text of an .ics; NULL if none */
    const struct markdown *reminder; /* what reminders say; NULL: the house's own words */
    const struct markdown *thanks;   /* what thanks say, with links to material; NULL: none go out */
    const char *const *questions;                /* rsvp.question_count of them */
    const struct event_override_text *overrides; /* override_count of them */
    bool own_body; /* body or description is of this language, not of the first edition */
};

struct event_rsvp {
    bool has_by;
    struct civil by;   /* in the event's zone; date_only: that whole day still counts */
    int64_t by_utc;    /* the first instant that is too late */
    int64_t capacity;  /* seats; 0: no limit */
    bool waiting_list; /* a full event takes names for freed seats */
    int64_t guests;    /* most that one member may bring */
    bool open;         /* strangers who answer become pending guests */
    size_t question_count;
};

struct event {
    const char *slug;
    const char *file;             /* "events/forum-2027.md", "events/opening.ics" */
    const struct yaml_node *node; /* front matter; NULL for an .ics that stands alone */
    const char *uid;    /* that the calendar gives it; NULL for .md, and if it gives none */
    const char *source; /* name of the source it was pulled from (source.h); NULL: a file */
    char tzid[CIVIL_ZONE];        /* IANA name */
    struct civil start;           /* date_only if all_day */
    struct civil end;             /* equals start if !has_end and not all_day */
    bool all_day;
    bool has_end;
    int64_t start_utc; /* of the first occurrence */
    int64_t end_utc;   /* of the first occurrence; for whole days the midnight at its end */

    /* A series; nothing of this in a single event. Rules are in civil time:
     * an UNTIL has no Z. */
    const char *const *rules;
    size_t rule_count;
    const struct civil *dates; /* further occurrences, sorted */
    size_t date_count;
    const struct civil *exceptions; /* occurrences that are not, sorted */
    size_t exception_count;
    const struct event_override *overrides; /* sorted by original */
    size_t override_count;

    const char *online;    /* URL; NULL if none */
    const char *place_url; /* map or web page of the place; NULL if none */
    const char *url;       /* where to read more; NULL if none */
    enum event_status status;
    enum event_access access;
    const char *list;                 /* slug of a list of the site; NULL: cannot be invited to */
    bool has_approval;                /* else it is as its list's newsletter has it */
    int approval;                     /* of enum newsletter_approval: of its invitations */
    struct event_expression audience; /* who is told of it */
    struct event_expression invite;   /* who of them gets an invitation; none: all of them */
    bool has_invite_before;           /* invitations go out by themselves ... */
    struct period invite_before;      /* ... so long before the start */
    struct event_rsvp rsvp;
    const struct period *reminders; /* so long before the start */
    size_t reminder_count;
    bool has_thanks_after; /* else on the morning of the next day */
    struct period thanks_after;
    const char *const *funded_by; /* slugs of projects */
    size_t funded_by_count;
    const struct event_edition *editions; /* the first is in the site's first language */
    size_t edition_count;
};

struct events {
    const struct event *items; /* by slug */
    size_t count;
    const struct left_outs *left; /* the configuration's; NULL if it was not loaded */
};

/* Loads all of <site>/events (which need not exist), and the copies of sources (source.h). Every file may be wrong in
 * many places: all is reported at once, with file, line and column. Returns 0;
 * ERR_INVALID with the first problem in err, *out holding the events that are
 * right; ERR_NOMEM, ERR_IO. The arena must outlive *out. */
int events_load(struct arena *arena, const struct config *config, struct report *report,
                struct events *out, struct err *err);

/* Takes out what config->left names (config_leave_out). Nobody is told that it was cancelled.
 * ERR_NOMEM. */
int events_leave_out(struct arena *arena, struct events *events, struct err *err);

/* NULL if there is none. */
const struct event *event_find(const struct events *events, const char *slug);

/* As event_find; ERR_NOT_FOUND "no event 'forum'; did you mean 'forum-2027'?"; ERR_INVALID with
 * the problem for one that is left out. */
int event_get(const struct events *events, const char *slug, const struct event **out,
              struct err *err);

/* The edition in exactly this language; NULL if there is none. */
const struct event_edition *event_edition(const struct event *event, enum language language);

/* The edition in the first of `count` languages that has one, else in
 * `fallback`, else the first edition: never NULL. *wanted (may be NULL) becomes
 * false unless it is in one of the `count`. */
const struct event_edition *event_edition_for(const struct event *event,
                                              const enum language *languages, size_t count,
                                              enum language fallback, bool *wanted);

bool event_is_series(const struct event *event);

/* True while an answer is taken: not cancelled, before rsvp.by, and before the
 * start (of a single event). */
bool event_takes_answers(const struct event *event, int64_t now);

/* "confirmed", "public". */
const char *event_status_name(enum event_status status);
const char *event_access_name(enum event_access access);

/* 32 hexadecimal digits and a NUL: of the facts whose change raises SEQUENCE
 * (time, recurrence, status, place). ERR_NOMEM, ERR_LIMIT. */
int event_digest(const struct event *event, char out[33], struct err *err);

/* The table behind events/<slug>.md, for the sample and the manual. */
extern const struct schema event_schema;
