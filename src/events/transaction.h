/* transaction.h - the caller's transaction, or one of our own. */
#pragma once

#include <stdbool.h>

#include "teataja/db/db.h"

struct transaction {
    struct db *db;
    bool own;
};

int transaction_begin(struct db *db, struct transaction *transaction, struct err *err);

/* Commits if `rc` is 0, else rolls back, either only if it is our own. Returns
 * rc, or what the commit returned. */
int transaction_end(struct transaction *transaction, int rc, struct err *err);
