/* teataja/members/erasure.h - a person's data is removed for good.
 *
 * An erasure spans rooms: the caller begins a transaction, scrubs the other
 * rooms' rows of the member, calls member_erase, and commits. The log file lies
 * outside of the database, so that a backup from before can be told after it is
 * restored.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "teataja/base/err.h"
#include "teataja/members/member.h"

/* Removes address, name, all fields, earlier addresses and subscriptions; keeps
 * the row's number and uid, the acts of consent without where they were done, and the keyed hash
 * of each address as suppressed. Then appends a line to the log at `log_path`
 * (made if absent, fsynced; NULL: no line, for a replay). An erased member is
 * left as it is. ERR_NOT_FOUND, ERR_IO. */
int member_erase(const struct members *members, int64_t id, const char *log_path, struct err *err);

/* Erases again whom the log names and who is in the database: after a restore.
 * `scrub` (may be NULL) is called for each in the same transaction, before, for the
 * other rooms. A log that is absent is empty. *count is how many were erased. */
int member_erase_replay(const struct members *members, const char *log_path,
                        int (*scrub)(void *context, int64_t member, struct err *err), void *context,
                        size_t *count, struct err *err);
