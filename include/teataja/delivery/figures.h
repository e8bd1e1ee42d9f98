/* teataja/delivery/figures.h - the outbox in numbers: for who waits, and who watches. */
#pragma once

#include <stdint.h>

#include "teataja/base/err.h"
#include "teataja/db/db.h"

/* When a row is due next: an instant that may have passed, INT64_MAX if no mailing that
 * is under way has a row that waits. Cheap: one look into an index for each such mailing. */
int figures_next_due(struct db *db, int64_t now, int64_t *out, struct err *err);

/* How many mailings are queued or being sent. */
int figures_under_way(struct db *db, int64_t *out, struct err *err);

/* Rows, or mailings, in each state, the states by name. */
#define FIGURES_STATES 10
struct figures_state {
    char name[16];
    int64_t count;
};

/* What was counted of mailings that are over: their rows stay what they are, and are not
 * counted again while the mailing stays sent, or cancelled. NULL is freed too. */
struct figures_settled;
int figures_settled_new(struct figures_settled **out, struct err *err);
void figures_settled_free(struct figures_settled *settled);

/* States that no row is in are told as 0, always in the same order. The outbox's reads the
 * rows of all mailings that are not in `settled` (NULL: of all), and on a million of them that
 * takes a while. Outside of any transaction. */
int figures_outbox(struct db *db, struct figures_settled *settled,
                   struct figures_state out[FIGURES_STATES], struct err *err);
int figures_mailings(struct db *db, struct figures_state out[FIGURES_STATES], struct err *err);

/* A number that changes when another connection has written to the database. */
int figures_version(struct db *db, int64_t *out, struct err *err);

/* Bytes of the database file, free pages in it included; the log beside it is not. */
int figures_size(struct db *db, int64_t *out, struct err *err);
