/* The lock of a run, held for as long as the process does it. */
#pragma once

#include <stdint.h>

#include "teataja/db/db.h"

struct run_lock {
    int fd; /* -1: nothing to hold, as for a database in memory */
    char path[1024];
};

/* 1 when it is held now, 0 when somebody else holds it. */
int run_lock_take(struct run_lock *lock, const struct db *db, int64_t run, struct err *err);
void run_lock_release(struct run_lock *lock);
