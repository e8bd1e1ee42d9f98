/* teataja/delivery/mailing.h - one act of sending, frozen.
 *
 * Whoever composes plans a mailing: creates it (state `expanding`), adds the parts,
 * variants and recipients in chunks of short transactions, and makes it ready
 * (`queued`). Until then nobody sends it: it is a draft (mailing_draft.h), which goes
 * when its maker dies. From then on nothing that is written in the site changes it.
 *
 *   expanding -> queued -> sending -> sent
 *                   \-> paused, held (unknown rows wait for a person), cancelled
 *
 * One that waits for people first is proposed, and has no recipients until it is released
 * (compose/approval.h):
 *
 *   waiting, approved, rejected -> expanding -> queued
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/db/db.h"

enum mailing_priority {
    MAILING_CANCELLATION = 1,
    MAILING_ANSWER = 2,
    MAILING_REMINDER = 3,
    MAILING_LETTER = 4
};

struct mailing {
    int64_t id;
    const char *uid;        /* random; part of every Message-ID */
    const char *purpose;    /* "letter", "invitation", "reminder", "thanks", "test" */
    const char *subject;    /* what it is about: "issues/2026-12", "events/forum-2027" */
    int64_t list;           /* row of table list; 0 for none */
    const char *dedupe;     /* one mailing a key */
    const char *state;      /* as above */
    const char *on_unknown; /* "resend" or "hold" */
    int64_t priority;       /* of enum mailing_priority */
    const char *config;     /* JSON that compose wrote and reads */
    const char *audience;   /* the segment's text */
    int64_t message_date;   /* Date of every message */
    int64_t not_after;      /* no attempt past it; 0 for none */
    const char *hash;       /* digest of what was frozen */
    int64_t created_at;
    int64_t finished_at; /* 0 while unfinished */
    const char *reason;  /* held, rejected: why; NULL otherwise */
};

/* Creates a mailing in state expanding from purpose, subject, list, dedupe,
 * on_unknown, priority, config, audience, message_date, not_after and hash of
 * *plan (id, state and times are set here; uid too if it is NULL). ERR_EXISTS when
 * there is one of its dedupe: "issues/2026-12 is mailing 7 already (sent, made
 * 2026-12-01 ...)"; two sends at once: one of them gets that error. Runs its own
 * transaction. */
int mailing_create(struct db *db, const struct mailing *plan, int64_t *id, struct err *err);

/* The same in state waiting, in the caller's transaction. */
int mailing_propose(struct db *db, const struct mailing *plan, int64_t *id, struct err *err);

/* Moves a proposed mailing to state waiting, approved, rejected or cancelled, with a reason or NULL. In the
 * caller's transaction. ERR_STATE when it is in none of the first three. */
int mailing_set_draft(struct db *db, int64_t id, const char *state, const char *reason,
                      struct err *err);

/* Bytes that all variants share. Inside the caller's transaction or by itself. */
int mailing_add_part(struct db *db, int64_t mailing, const char *name, const char *type,
                     const void *data, size_t len, struct err *err);

/* An item that a variant tells, with the round it is about. */
struct mailing_item {
    int64_t item;
    const char *round;
};

/* Adds the variant of a language and selection key; *variant is its row. */
int mailing_add_variant(struct db *db, int64_t mailing, const char *lang, const char *selection,
                        const void *pieces, size_t len, const struct mailing_item *items,
                        size_t item_count, int64_t *variant, struct err *err);

struct mailing_recipient {
    const char *dedupe;  /* "m12", or a standing mailing's own key */
    int64_t member;      /* 0 for a test address */
    const char *address; /* a parsed address's text */
    int64_t variant;
    const char *slots; /* JSON array of this recipient's values */
};

/* Adds rows to the outbox, in the caller's transaction if there is one, else in
 * transactions of at most 1,000 rows, so that no lock lasts 100 ms. A recipient whose
 * dedupe is there already is left as it is. */
int mailing_add_recipients(struct db *db, int64_t mailing, const struct mailing_recipient *rows,
                           size_t count, struct err *err);

/* expanding -> queued. */
int mailing_ready(struct db *db, int64_t mailing, struct err *err);

/* ERR_NOT_FOUND: "no mailing 9". Texts in the arena. */
int mailing_get(struct db *db, struct arena *arena, int64_t id, struct mailing *out,
                struct err *err);

/* Whether it is waiting, approved or rejected. */
bool mailing_is_draft(const struct mailing *mailing);

/* The newest first, at most `max`; `notices`: also what the staff was told. */
int mailing_list(struct db *db, struct arena *arena, size_t max, bool notices,
                 struct mailing **out, size_t *count, struct err *err);

/* How many rows are in each state. */
struct mailing_counts {
    int64_t queued, claimed, committing, sent, deferred, failed, suppressed, unknown, total;
    int64_t resent; /* rows that were sent again after unknown */
};
int mailing_count(struct db *db, int64_t mailing, struct mailing_counts *out, struct err *err);

/* Changes the state, if the present one allows it (ERR_STATE says what it is). */
int mailing_pause(struct db *db, int64_t mailing, struct err *err);
int mailing_resume(struct db *db, int64_t mailing, struct err *err);

/* For good: nothing of it is claimed once its state is written, which is the first thing;
 * then its rows become suppressed, 1,000 a transaction, so that no lock lasts 100 ms. What
 * a process that dies leaves of them, ledger_finish drops, or cancelling again. Outside of
 * any transaction. */
int mailing_cancel(struct db *db, int64_t mailing, struct err *err);

/* The second half: the rows of one cancelled mailing, or of all for 0. */
int mailing_drop_cancelled(struct db *db, int64_t mailing, struct err *err);

/* Puts rows of state unknown (or failed) back to queued: the same message, byte
 * for byte. *count says how many. 1,000 a transaction, each found before the write lock is
 * taken; of one that is cut short the rest stays what it was. Outside of any transaction. */
int mailing_resend_unknown(struct db *db, int64_t mailing, int64_t *count, struct err *err);
int mailing_resend_failed(struct db *db, int64_t mailing, int64_t *count, struct err *err);

/* One row of the ledger, for people: mailing show. */
struct mailing_row {
    int64_t id;
    int64_t member;
    const char *address;
    const char *lang;
    const char *state;
    int64_t attempts;
    int64_t next_at;
    int64_t done_at;
    int64_t code;
    const char *enhanced;
    const char *reply;
    const char *relay;
};

/* The rows of a mailing in the order of their ids, those of one state, or all if
 * `state` is NULL; calls `each` for every row until it returns non-zero, which is
 * then returned. */
int mailing_rows(struct db *db, int64_t mailing, const char *state,
                 int (*each)(void *ctx, const struct mailing_row *row), void *ctx,
                 struct err *err);

/* Removes what the ledger holds of a person - addresses, slots, replies - and
 * keeps the rows, for the counts. Rows that are not sent yet become suppressed.
 * ERR_BUSY while one of them is on the wire. Inside the caller's transaction. */
int mailing_scrub_member(struct db *db, int64_t member, struct err *err);
