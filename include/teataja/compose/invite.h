/* teataja/compose/invite.h - invitations to an event (RFC 5545, 5546, 6047).
 *
 * Recipients are the active subscribers of the event's list, in its audience and
 * its `invite` expression, not suppressed, and not invited yet. Each gets a
 * calendar object of their own: one ATTENDEE, composed with the message.
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
#include "teataja/members/recipients.h"

struct invite_options {
    bool dry_run;
    bool again;                /* also those who are invited already */
    const char *test;          /* an address: one message goes there, nobody is invited */
    enum language language;    /* with test; LANG_NONE: the site's first */
    int64_t date;              /* 0: now */
    struct approval_wish wish; /* where people have a say; zeros: sent by hand */
};

struct invite_group {
    enum language language;
    const char *subject;
    int64_t recipients;
};

struct invite_summary {
    int64_t mailing;           /* 0 for a dry run */
    struct approval_sent sent; /* whether it was queued or waits; zeros for a dry run */
    const char *subject;       /* "events/forum-2027" */
    int64_t total;
    int64_t invited_before; /* left out, for they have an invitation */
    struct invite_group groups[LANG_COUNT];
    size_t group_count;
    struct recipients_count reasons;
};

/* Plans the invitations to event `slug` and makes the mailing ready. Refused:
 * ERR_NOT_FOUND; ERR_STATE for an event without a list, cancelled, over, internal
 * without audience, past rsvp.by, or when nobody is left to invite; ERR_EXISTS when
 * somebody else is inviting to it; ERR_INVALID, ERR_LIMIT as letter_plan. Where the event, or else
 * the newsletter of its list, asks for approval, nothing is queued before it has it. */
int invite_plan(struct compose *compose, struct arena *arena, const char *slug,
                const struct invite_options *options, struct invite_summary *out, struct err *err);

/* The invitation as it would look in a language (html, text, eml; no lines). */
int invite_preview(struct compose *compose, struct arena *arena, const char *slug,
                   const struct letter_preview *options, struct letter_view *out, struct err *err);
