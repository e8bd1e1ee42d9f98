/* act.h - an act that runs in the caller's transaction, or in one of its own. */
#pragma once

#include <stdbool.h>

#include "teataja/base/err.h"
#include "teataja/db/db.h"

struct act {
    struct db *db;
    bool own;
};

int act_begin(struct act *act, struct db *db, struct err *err);

/* Commits if rc is 0 and the transaction is the act's own, rolls it back if rc
 * is negative. Returns rc, or the failure of the commit. */
int act_end(struct act *act, int rc, struct err *err);
