/* teataja/delivery/forecast.h - when letters will be out, at the limits and the pace of relays.
 *
 * The relays are used as delivery uses them: always the first that is not parked and has
 * room, so that a second one takes what the first leaves, and gives way again. Limits begin
 * with what was sent in their windows. Of several mailings the more urgent goes first, also
 * in the middle of another one; of equal ones the older.
 *
 * What it takes to carry a letter is not counted, nor are answers that put letters off.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/err.h"
#include "teataja/config/site.h"
#include "teataja/db/db.h"

struct forecast_job {
    int64_t due; /* not before; in the past: now */
    int64_t rows;
    int64_t mailing;  /* its row; 0: not made yet, so behind all that are as urgent */
    int64_t priority; /* of enum mailing_priority */

    /* Filled in. */
    int64_t at_once; /* so many before the first wait */
    int64_t rest_at; /* when the next ones go; 0: there are none */
    int64_t last_at; /* when the last one goes; `due` if there are no rows */
    int64_t ahead;   /* letters of other mailings that went first, though this was due */
};

/* Forecasts `count` jobs from `now` on. With `others` what is queued in the database goes
 * before and between them; a mailing that is one of the jobs is not counted again. Jobs
 * may be due in any order; equal ones go in the order of the array. ERR_NOMEM, database. */
int relay_forecast(struct db *db, const struct site_relay *relays, size_t relay_count, int64_t now,
                   bool others, struct forecast_job *jobs, size_t count, struct err *err);
