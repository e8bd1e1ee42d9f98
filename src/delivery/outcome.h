/* src/delivery/outcome.h - what became of a worker's rows, and what that teaches.
 */
#pragma once

#include <stddef.h>

#include "worker.h"

/* Writes outcomes, what they use of the relay's limits and what they say of domains and
 * mailings; then, unless it is NULL, that `begin` is on its way. Inside the ledger's
 * transaction. */
int outcome_write(struct worker *worker, const struct ledger_outcome *outcomes, size_t count,
                  const struct ledger_row *begin, struct err *err);

/* Once it is committed. */
void outcome_log(const struct ledger_outcome *outcome);
