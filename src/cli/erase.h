/* src/cli/erase.h - what an erasure does in all rooms. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "workspace.h"

/* Removes a member's data, with a line in var/erasure.log; one transaction. */
int erase_member(struct workspace *workspace, int64_t id, struct err *err);

/* Erases again, in the register `db`, whom var/erasure.log names: after a restore. Needs the
 * workspace's key. *count is how many. */
int erase_again(struct workspace *workspace, struct db *db, size_t *count, struct err *err);
