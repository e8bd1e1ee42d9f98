/* teataja/delivery/overdue.h - letters that waited until a deadline which they show was over.
 *
 * No row of such a mailing is claimed any more, and ledger_finish holds it. A letter that
 * composes itself can be composed anew for those who have not got it:
 *
 *     overdue_list, and for each: overdue_replace; the letter is planned for the members of
 *     v_replaced; overdue_settle.
 *
 * A row that may have been sent is never touched. Each step may be repeated: what died in
 * between is listed again until the new mailing is there, whose dedupe ends in
 * OVERDUE_NUMBER of the old one.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/db/db.h"

#define OVERDUE_NUMBER "anew-%" PRId64

struct overdue {
    int64_t mailing;
    const char *subject; /* "newsletters/funding" */
};

/* Letters of newsletters that are held because of a deadline, with rows that wait or that
 * were replaced for no mailing yet; the oldest first, in the arena. Returns how many. */
int overdue_list(struct db *db, struct arena *arena, int64_t now, struct overdue **out,
                 struct err *err);

/* Makes its rows that wait `suppressed`, some at a time, so that they count as not told.
 * *count of them. */
int overdue_replace(struct db *db, int64_t mailing, int64_t now, int64_t *count, struct err *err);

/* It is `sent`, unless rows of unknown fate wait for a person, or the new mailing is being made:
 * then whoever makes it settles it. */
int overdue_settle(struct db *db, int64_t mailing, struct err *err);
