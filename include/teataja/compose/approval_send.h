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
                     const struct approval_person *by, struct approval_sent *out, struct err *err);

/* Releases what is approved and has no time. *count mailings were queued. What fails is told in
 * the log and left; errors are those of the database. */
int approval_release_ready(struct compose *compose, int64_t *count, struct err *err);

/* What differs from the newest snapshot to what the site's files would give now, as of the same
 * day; with `last` as approval_diff_last.
 * ERR_NOT_FOUND if there was none before; ERR_STATE for a mailing that is no draft any more,
 * without `last`; errors of letter_plan and invite_plan. */
int approval_diff(struct compose *compose, struct arena *arena, int64_t mailing, bool last,
                  struct approval_diff *out, struct err *err);
