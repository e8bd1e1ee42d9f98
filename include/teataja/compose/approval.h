/* teataja/compose/approval.h - letters and invitations that wait for people.
 *
 * With `approval: one` or `two`, and with `draft_before`, a mailing begins as a draft: a row
 * of `mailing` without recipients, of one id for its whole life, and a snapshot of what it
 * would be (its editions, items, rule and audience).
 *
 *   waiting -> approved -> expanding -> queued -> sending -> sent
 *      \          \-> waiting   anew, when what would go out is not what was approved
 *       \-> rejected -> waiting   anew, once the site's files changed and it is sent again
 *
 * Each snapshot is a revision of the draft and has a digest. An approval is of one digest:
 * when a new snapshot is taken, the approvals of the one before are void. So a page, a mail or
 * a token carries the digest that it shows, and hands it back with the decision: a click on
 * an old mail never approves a newer text.
 *
 * The functions here need the database only: any process may call them, several at once; each
 * runs in a transaction of its own. Releasing a mailing needs the site's files:
 * compose/approval_send.h. Who approves in a browser needs do nothing more: the daemon's
 * schedule releases what is approved (at its time, or within a minute if it has none).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/db/db.h"

enum {
    APPROVAL_DIGEST = 32,             /* bytes of a digest: hexadecimal */
    APPROVAL_NAME = 200,              /* most bytes of a person's name */
    APPROVAL_REMARK = 4000,           /* most bytes of a reason or a note */
    APPROVAL_BODIES = 4 * 1024 * 1024 /* bytes of HTML and text that a snapshot keeps */
};

/* Something that an edition tells. */
struct approval_item {
    const char *block; /* "calls", "still_open", "events", "news", "deadlines" */
    const char *slug;
    const char *title;
    const char *note;     /* "new", "moved", ...; "" */
    const char *revision; /* digest of its facts and texts */
};

/* One version of the letter. Those that differ by the greeting only are two. */
struct approval_edition {
    enum language language;
    const char *key; /* tells those of one language apart */
    int64_t recipients;
    const char *subject; /* a value of the member's own is "…" */
    const char *html;    /* as a browser shows it, images inside; NULL: see approval_editions */
    const char *text;    /* likewise */
    const struct approval_item *items;
    size_t item_count;
    const char *digest; /* of the pieces that would be frozen, headers and all */
    const char *words;  /* of the subject and the text alone */
};

/* A draft, in its newest revision. Texts are in the arena, never NULL. */
struct approval {
    int64_t mailing;
    const char *state;      /* of the mailing: "waiting", "approved", "rejected", "cancelled",
                             * "expanding", "queued", ... */
    const char *purpose;    /* "letter", "invitation" */
    const char *target;     /* "issues/2026-12", "newsletters/funding", "events/forum" */
    const char *newsletter; /* slug; "" for an event whose list has none */
    const char *subject;    /* of the edition with most recipients */
    enum language language; /* of that edition */
    int64_t due_at;         /* when it is to go out; 0: as soon as it is approved */
    int64_t date;           /* the day that its dates and deadlines are reckoned from */
    int64_t revision;       /* 1, 2, ... */
    int64_t made_at;        /* when this revision was made */
    const char *digest;     /* of this revision: APPROVAL_DIGEST bytes */
    int needed;             /* 0: it goes out at its time unless it is rejected; else 1 or 2 */
    int given;              /* approvals of this revision, each by another person */
    int64_t recipients;
    const char *audience; /* the expression; "" if there is none */
    const char *warnings; /* what may be wrong with it, a line each; "" if nothing */
    const char *reason;   /* rejected: why; waiting again: what changed; "" if neither */
    const struct approval_edition *editions; /* without html and text; most recipients first */
    size_t edition_count;
};

/* The drafts in state "waiting", the one that is due first in front; those without a time
 * last. With `open` also "approved" and "rejected" ones. */
int approval_list(struct db *db, struct arena *arena, bool open, struct approval **out,
                  size_t *count, struct err *err);

/* One by its mailing. ERR_NOT_FOUND: "no mailing 9"; ERR_STATE: it never was a draft. */
int approval_get(struct db *db, struct arena *arena, int64_t mailing, struct approval *out,
                 struct err *err);

/* The editions of its newest revision with html and text, most recipients first. Both are NULL
 * where the snapshot would have become larger than APPROVAL_BODIES: then another edition of
 * the language has them. ERR_NOT_FOUND. */
int approval_editions(struct db *db, struct arena *arena, int64_t mailing,
                      struct approval_edition **out, size_t *count, struct err *err);

/* Fills html and text of one edition of `approval`, which may be of any revision that is still
 * kept. Both are NULL as above. ERR_NOT_FOUND. */
int approval_body(struct db *db, struct arena *arena, const struct approval *approval,
                  struct approval_edition *edition, struct err *err);

/* What was done with it, oldest first. */
struct approval_step {
    int64_t at;
    const char *who;     /* a name or an address; "" for the program */
    const char *address; /* "" if not known */
    const char *how;     /* "cli", "web", "schedule" */
    const char *what;    /* "drafted", "approved", "rejected", "noted", "voided", "released",
                          * "cancelled" */
    const char *remark;  /* reason, note, what changed; "" */
    int64_t revision;    /* of the draft at that time */
    const char *digest;  /* its digest */
    bool valid;          /* "approved": it counts for the newest revision */
};

int approval_trail(struct db *db, struct arena *arena, int64_t mailing, struct approval_step **out,
                   size_t *count, struct err *err);

/* Who decides. Two of the same address are one person; without an address the name
 * counts, without regard to case. */
struct approval_person {
    const char *name;    /* NULL or "" if there is only an address */
    const char *address; /* NULL or "" if not known */
    const char *how;     /* "cli", "web" */
};

/* What a decision led to. */
struct approval_result {
    int needed;
    int given;
    bool again;    /* it was decided so before, by the same person: nothing was written */
    bool complete; /* it is approved now */
    int64_t due_at;
};

/* Approves the revision of this digest (NULL: the newest). The last approval that is needed makes
 * the mailing "approved". By the same person twice: *out says so, nothing changes.
 *   ERR_STATE      another revision is the newest now: "the draft was made anew since ..., for
 *                  ...: look at it again"; it is rejected, cancelled, or on its way already
 *   ERR_NOT_FOUND  no such mailing, or it is no draft
 *   ERR_INVALID    neither a name nor an address, or one that is too long */
int approval_approve(struct db *db, int64_t mailing, const char *digest,
                     const struct approval_person *who, struct approval_result *out,
                     struct err *err);

/* Rejects it, waiting or approved, with a reason (1 to APPROVAL_REMARK bytes, not only
 * spaces). Whoever rejects what is rejected already, hears it: *out->again. Errors as above. */
int approval_reject(struct db *db, int64_t mailing, const char *digest,
                    const struct approval_person *who, const char *reason,
                    struct approval_result *out, struct err *err);

/* Adds a note to the trail, in any state; the state stays. The same note by the same person to
 * the same revision is kept once. */
int approval_note(struct db *db, int64_t mailing, const struct approval_person *who,
                  const char *text, struct err *err);

/* Cancels it for good, as mailing_cancel does, and keeps who did. */
int approval_cancel(struct db *db, int64_t mailing, const struct approval_person *who,
                    struct err *err);

/* ---- sending what needs approval: letter_plan, invite_plan ---- */

/* What sending is to do with it. */
enum approval_act {
    APPROVAL_SEND,   /* by hand: makes a draft or, if the files changed, makes it anew; an
                      * approved one is released, before its time too */
    APPROVAL_DRAFT,  /* only makes the draft, with or without approval; does not release it */
    APPROVAL_AT_TIME /* its time has come: releases it if it may go out, or tells that it waits */
};

struct approval_wish {
    enum approval_act act;
    int64_t due;   /* when it is planned to go out: its day is what a draft is reckoned from; 0:
                    * when it is approved */
    int64_t draft; /* this draft (its mailing) and no other; 0: whichever there is */
    const struct approval_person *by; /* who asks for it; NULL: the schedule */
};

/* What came of it. */
struct approval_sent {
    const char *state; /* "queued": it waits for nobody, or not any more; "waiting", "approved":
                        * nothing was queued */
    int64_t mailing;
    int needed;
    int given;
    int64_t due_at;      /* 0: none */
    int64_t recipients;  /* of the draft */
    const char *changes; /* waiting anew: what is not as it was approved or drafted; "" if it
                          * never was */
};

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
    int64_t then;             /* recipients; 0: there was none */
    int64_t now;              /* 0: there is none */
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

/* What differs from the snapshot before the newest to the newest: what was voided, or drafted
 * anew. ERR_NOT_FOUND if there was none before. */
int approval_diff_last(struct db *db, struct arena *arena, int64_t mailing,
                       struct approval_diff *out, struct err *err);
