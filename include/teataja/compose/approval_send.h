/* teataja/compose/approval_send.h - drafts that go out, and what changed in them: what needs the
 * site's files besides the database. */
#pragma once

#include "teataja/compose/approval.h"
#include "teataja/compose/compose.h"

/* Sends a draft as `send` does: an approved one is planned anew, for the audience of today, into
 * its own mailing, and queued if it is still what was approved; else it waits again, and
 * out->changes says what changed. A draft that waits is made anew if the files changed.
 * `by`: who asks for it; NULL: the schedule. Errors of letter_plan and invite_plan. */
int approval_release(struct compose *compose, struct arena *arena, int64_t mailing,
                     const struct approval_person *by, struct approval_sent *out,
                     struct err *err);

/* Releases what is approved and has no time. *count mailings were queued. What fails is told in
 * the log and left; errors are those of the database. */
int approval_release_ready(struct compose *compose, int64_t *count, struct err *err);

/* An item that came, went or changed. */
struct approval_item_change {
    const char *what; /* "new", "gone", "changed" */
    const char *block;
    const char *slug;
    const char *title;
};

/* A version that is another one now. */
struct approval_edition_change {
    enum language language;
    int64_t then; /* recipients; 0: there was none */
    int64_t now;  /* 0: there is none */
    const char *subject_then; /* "" if there was none */
    const char *subject_now;
    const char *diff; /* of subject and text, as base/diff.h prints it; "" if only the look differs,
                       * or the snapshot was too large to keep this one's text */
};

struct approval_diff {
    const char *target;
    int64_t revision;    /* of the snapshot that is compared */
    int64_t revision_to; /* 0: with what the site's files give now */
    bool voids;          /* an approval of the one is none of the other */
    const char *changes; /* what is different, a line each; "" if nothing */
    int64_t recipients_then, recipients_now;
    const char *audience_then, *audience_now;
    const struct approval_item_change *items;
    size_t item_count;
    const struct approval_edition_change *editions;
    size_t edition_count;
};

/* What differs from the newest snapshot to what the site's files would give now, as of the same
 * day; with `last` from the snapshot before it to the newest: what was voided, or drafted anew.
 * ERR_NOT_FOUND if there was none before; ERR_STATE for a mailing that is no draft any more,
 * without `last`; errors of letter_plan and invite_plan. */
int approval_diff(struct compose *compose, struct arena *arena, int64_t mailing, bool last,
                  struct approval_diff *out, struct err *err);
