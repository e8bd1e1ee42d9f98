/* teataja/delivery/mailing_draft.h - a mailing while somebody makes it.
 *
 * A draft is a mailing in state `expanding` and a lock on mailing-UID.lock beside
 * the database, held for as long as its maker lives. So a mailing without a lock is
 * a dead maker's, and whoever plans the next one removes it at once (or makes it again what
 * it was: mailing_draft_reopen); a stopped maker keeps its lock and is never overtaken.
 *
 *     rc = mailing_draft_clear(db, err);
 *     ... choose, render ...
 *     rc = mailing_draft_open(db, &plan, &draft, err);
 *     rc = mailing_add_variant(db, mailing_draft_id(draft), ...);
 *     rc = mailing_add_recipients(db, mailing_draft_id(draft), ...); in chunks
 *     rc = mailing_draft_ready(draft, hash, not_after, err);
 *     mailing_draft_close(draft);
 *
 * Until it is ready its commits survive a kill but not a power cut: what is lost then
 * is the end of a mailing that is thrown away anyhow. Being ready survives both, and
 * covers what was committed before.
 */
#pragma once

#include "teataja/delivery/mailing.h"

struct mailing_draft;

/* Removes the drafts whose makers died, in transactions of at most 1,000 rows. What a
 * member was told by one of them counts as told until then, so it comes before anybody
 * is chosen. */
int mailing_draft_clear(struct db *db, struct err *err);

/* Creates the mailing as mailing_create does, with its errors, under a lock of its own.
 * The connection's durability is lowered until the draft is ready or closed. */
int mailing_draft_open(struct db *db, const struct mailing *plan, struct mailing_draft **out,
                       struct err *err);

/* The same for a mailing that was proposed and is waiting or approved: it keeps its id, uid,
 * dedupe and on_unknown, and takes list, priority, config, audience and message_date of *plan. A
 * dead maker leaves it as it was before, without recipients; so does mailing_draft_close.
 * ERR_EXISTS when somebody else has it, or it is in another state. */
int mailing_draft_reopen(struct db *db, int64_t id, const struct mailing *plan,
                         struct mailing_draft **out, struct err *err);

/* Raises the connection's durability again, for who makes the mailing ready in a transaction of
 * his own; mailing_draft_ready does so outside of one. */
int mailing_draft_settle(struct mailing_draft *draft, struct err *err);

int64_t mailing_draft_id(const struct mailing_draft *draft);

/* expanding -> queued, with what is known only at the end: the digest of all that was
 * frozen, and the first deadline shown (0: none). In the caller's transaction, behind
 * mailing_draft_settle, it is ready once that is committed. */
int mailing_draft_ready(struct mailing_draft *draft, const char *hash, int64_t not_after,
                        struct err *err);

/* Removes the mailing if it is not ready (one that was reopened is as it was before), and gives up
 * the lock. NULL is fine. */
void mailing_draft_close(struct mailing_draft *draft);
