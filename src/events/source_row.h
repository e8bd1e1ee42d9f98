/* source_row.h - what the database knows of a source: when it was polled, and when next. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/config/config.h"
#include "teataja/db/db.h"

struct source_row {
    int64_t polled_at; /* 0: never */
    int64_t ok_at;     /* 0: never; when saving: as it was */
    int64_t next_at;
    int64_t failures;
    int64_t changed_at; /* as ok_at */
    const char *error;  /* NULL: none */
    const char *url;    /* digest of the URL it was polled at; "" if never */
};

/* All zeros for a source that was never polled. */
int source_row_get(struct db *db, const char *name, struct arena *arena, struct source_row *out,
                   struct err *err);
int source_row_save(struct db *db, const struct site_source *source, const struct source_row *row,
                    struct err *err);

/* True if it was polled at the URL that it has now. */
bool source_row_fits(const struct source_row *row, const struct site_source *source);

/* When the next poll is due: by `every` or `rrule`, and after `failures` in a row by
 * pauses that double from five minutes to a day, or by what the server asked for. */
int64_t source_next(const struct config *config, const struct site_source *source, int64_t now,
                    int64_t failures, int64_t retry_after);
