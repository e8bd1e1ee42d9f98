/* teataja/compose/event_letter.h - letters about an event to those who were invited to it:
 * reminders before it, thanks after it.
 *
 * A reminder goes to who said yes or maybe, and to who has not answered as long as answers
 * are taken and there are seats; never to who said no or waits for a seat. In a series the
 * answer to the occurrence goes before the answer to the whole. Thanks go to who said yes,
 * to the whole or to any occurrence. Both only to active subscribers of the event's list
 * who are not suppressed; each in the member's language and by the member's clock.
 *
 * They hold no calendar object: a second REQUEST would ask those who have answered again.
 * An answer that comes before the letter goes is looked at when the message is made
 * (composer_message).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/compose/compose.h"
#include "teataja/compose/letter.h"

enum event_letter_kind { EVENT_REMINDER, EVENT_THANKS };

struct event_letter_options {
    enum event_letter_kind kind;
    const char *occurrence; /* of a series, as event_occurrence_find takes it; NULL: the next */
    const char *name;       /* which reminder of the event (reminder_name): one mailing of each
                             * and occurrence. NULL: one by hand, at most one a day */
    int64_t invited_by;     /* who was invited later is not reminded; 0: whoever is invited */
    bool dry_run;
    const char *test;       /* an address: one message goes there */
    enum language language; /* with test; LANG_NONE: the site's first */
    int64_t date;           /* 0: now */
};

struct event_letter_group {
    enum language language;
    const char *subject;
    int64_t recipients;
};

struct event_letter_summary {
    int64_t mailing;     /* 0 for a dry run */
    const char *subject; /* "events/forum-2027" */
    const char *when;    /* start of the occurrence, local: "2027-05-20 10:00" */
    int64_t total;
    int64_t invited;   /* of the list's active subscribers */
    int64_t said_no;   /* as things stand */
    int64_t waiting;   /* for a seat */
    int64_t no_answer; /* and cannot answer any more, or were not there */
    int64_t invited_later;
    struct event_letter_group groups[LANG_COUNT];
    size_t group_count;
};

/* Plans the letter and makes the mailing ready. Refused, with nothing left behind:
 *   ERR_NOT_FOUND  no such event or occurrence
 *   ERR_EXISTS     this reminder was sent; the event's thanks were
 *   ERR_STATE      cancelled; a reminder of what has begun, or of what is more than a year
 *                  away; thanks before the end, or without a text; nobody was invited, or
 *                  nobody of them is to get it
 *   ERR_INVALID, ERR_LIMIT as letter_plan. */
int event_letter_plan(struct compose *compose, struct arena *arena, const char *slug,
                      const struct event_letter_options *options, struct event_letter_summary *out,
                      struct err *err);

/* The letter as it would look (html, text, eml; no lines); thanks also before the end. The
 * answer it shows is the member's; without a member, none. */
int event_letter_preview(struct compose *compose, struct arena *arena, const char *slug,
                         enum event_letter_kind kind, const struct letter_preview *options,
                         struct letter_view *out, struct err *err);
