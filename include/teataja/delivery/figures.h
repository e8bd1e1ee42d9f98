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

/* Both read whole tables: on a million rows that takes a while. States that no row is in
 * are told as 0, always in the same order. */
int figures_outbox(struct db *db, struct figures_state out[FIGURES_STATES], struct err *err);
int figures_mailings(struct db *db, struct figures_state out[FIGURES_STATES], struct err *err);

/* A number that changes when another connection has written to the database. */
int figures_version(struct db *db, int64_t *out, struct err *err);

/* Bytes of the database file, free pages in it included; the log beside it is not. */
int figures_size(struct db *db, int64_t *out, struct err *err);
