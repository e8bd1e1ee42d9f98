/* src/delivery/quota.h - how much a relay with limits takes now.
 *
 * A claim reserves: what a worker has claimed and not settled counts against every
 * limit, and what was answered counts until the window that began at its answer is
 * over. A message reaches the relay between its claim and its answer, so by the relay's
 * own clock no window has more than its limit, however long anything takes.
 *
 * Answers are counted in slots of a 240th of the window, each of which counts until all
 * of it is older than the window: never more than the limit, and at most 1/240 slower.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "teataja/base/err.h"
#include "teataja/config/site.h"
#include "teataja/db/db.h"

enum { QUOTA_SLOTS = 240 };

/* Writes the relay's limits down in place of those that are there. All inside the
 * caller's transaction, as below. *limited: it has any. */
int quota_declare(struct db *db, const char *relay, const struct site_limit *limits, size_t count,
                  bool *limited, struct err *err);

/* How many more may be claimed now; when that is 0, *next_at is when to ask again. */
int quota_room(struct db *db, const char *relay, int64_t now, int64_t *room, int64_t *next_at,
               struct err *err);

/* A worker has claimed so many rows, or settled them if negative. */
int quota_hold(struct db *db, int64_t worker, int64_t by, struct err *err);

/* The worker's relay has answered for so many, or may have got them. */
int quota_use(struct db *db, int64_t worker, int64_t now, int64_t count, struct err *err);

/* The length of a slot. */
int64_t quota_grain(int64_t window);
