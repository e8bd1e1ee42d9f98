/* src/delivery/watch.h - halts a mailing that is refused too often.
 *
 * Answers are counted in memory and written down when rows are claimed or when one
 * fails, so that a message that goes out costs no write more.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "teataja/base/err.h"
#include "teataja/db/db.h"

enum { WATCH_MAX = 8, WATCH_LEAST = 20 };

struct watch {
    int halt_after; /* hundredths of a percent; 0: never */
    size_t count;
    struct watched {
        int64_t mailing;
        int64_t answered; /* not written yet */
        int64_t failed;
    } items[WATCH_MAX];
};

/* A row of the mailing was sent, or has failed for good: *halted, if the mailing is held
 * now. Inside the caller's transaction, as below. */
int watch_note(struct watch *watch, struct db *db, int64_t mailing, bool failed, bool *halted,
               struct err *err);

/* Writes down what was counted. */
int watch_flush(struct watch *watch, struct db *db, struct err *err);
