/* teataja/delivery/restore.h - the outbox after a backup was restored. */
#pragma once

#include <stdint.h>

#include "teataja/base/err.h"
#include "teataja/db/db.h"

/* What a restored database waits for a person to decide. */
struct delivery_restored {
    int64_t mailings; /* that were under way, and are held now */
    int64_t rows;     /* of them: recipients who may have been served since, now `unknown` */
};

/* Nobody knows what was sent after the backup was made: every row that was still to go
 * becomes `unknown`, with an attempt that says why, and its mailing is held; workers are
 * forgotten. In the caller's transaction. */
int delivery_restore(struct db *db, struct delivery_restored *out, struct err *err);
