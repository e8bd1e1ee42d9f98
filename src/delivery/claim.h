/* src/delivery/claim.h - rows that a worker takes from the queue, and puts back.
 *
 * All inside the ledger's transaction.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "worker.h"

/* Takes up to `max` due rows (of `mailing` unless 0), as many as the relay's limits leave.
 * *count are in `rows`; *postponed were due, but their domain is paused: with *count 0 more
 * may be due behind them. After an error rows up to *count still have to be released. */
int claim_take(struct worker *worker, int64_t mailing, size_t max, struct ledger_row *rows,
               size_t *count, size_t *postponed, struct err *err);

/* Puts rows back that were not begun. */
int claim_return(struct worker *worker, const struct ledger_row *rows, size_t count,
                 struct err *err);
