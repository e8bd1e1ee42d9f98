/* src/delivery/pool.h - the rows that a process has claimed, for all its connections.
 *
 * A claim waits for the disk. One for all connections waits as long as one for each
 * and takes as many rows as they may hold together; and it is made while some are left,
 * so that only the thread that makes it waits.
 */
#pragma once

#include "teataja/delivery/ledger.h"

struct pool;

/* At most LEDGER_CLAIM rows a connection are claimed and not settled at any time, so
 * many may be in doubt after a power cut; and at most `a_second` rows a claim, unless
 * it is 0: what waits for the relay's rate had better wait in the queue. `ledger`
 * outlives the pool. `mailing` as ledger_claim has it. */
int pool_open(struct ledger *ledger, int64_t mailing, size_t connections, size_t a_second,
              struct pool **out, struct err *err);

/* pool_return, and the end. No other call may be under way. NULL is fine. */
int pool_close(struct pool *pool, struct err *err);

/* 1 with a row, which the caller owns: ledger_row_release, then pool_settled. 0 when
 * nothing is due. */
int pool_take(struct pool *pool, struct ledger_row *row, struct err *err);

/* A row that was taken is settled, or back in the queue with `again`. */
void pool_settled(struct pool *pool, bool again);

/* Puts what was claimed and not taken back to queued, for another process to have if
 * our relay takes nothing now. */
int pool_return(struct pool *pool, struct err *err);

/* Whether the last claim found nothing and nothing has come back since. */
bool pool_is_dry(struct pool *pool);
