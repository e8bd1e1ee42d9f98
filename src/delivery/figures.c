/* figures.c - see teataja/delivery/figures.h. */
#include "teataja/delivery/figures.h"

#include <stdio.h>
#include <string.h>

#include "sql/delivery/figures.h"

static int read_one(struct db *db, const struct db_sql *sql, int64_t *out, struct err *err)
{
    int rc = db_get_int(db, sql, out, err, "");

    return rc < 0 ? rc : 0;
}

int figures_next_due(struct db *db, int64_t now, int64_t *out, struct err *err)
{
    int rc;

    *out = INT64_MAX;
    rc = db_get_int(db, SQL_FIGURES_NEXT_DUE, out, err, "i", now);
    return rc < 0 ? rc : 0;
}

int figures_under_way(struct db *db, int64_t *out, struct err *err)
{
    return read_one(db, SQL_FIGURES_UNDER_WAY, out, err);
}

int figures_version(struct db *db, int64_t *out, struct err *err)
{
    return read_one(db, SQL_FIGURES_VERSION, out, err);
}

int figures_size(struct db *db, int64_t *out, struct err *err)
{
    return read_one(db, SQL_FIGURES_SIZE, out, err);
}

static int count_states(struct db *db, const struct db_sql *sql, const char *const *names,
                        struct figures_state out[FIGURES_STATES], struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, sql, &stmt, err);

    memset(out, 0, FIGURES_STATES * sizeof(out[0]));
    for (size_t i = 0; i < FIGURES_STATES && names[i] != NULL; i++) {
        snprintf(out[i].name, sizeof(out[i].name), "%s", names[i]);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        for (size_t i = 0; i < FIGURES_STATES; i++) {
            if (strcmp(out[i].name, db_text(stmt, 0)) == 0) {
                out[i].count = db_int(stmt, 1);
            }
        }
        rc = 0;
    }
    db_stmt_free(stmt);
    return rc;
}

int figures_outbox(struct db *db, struct figures_state out[FIGURES_STATES], struct err *err)
{
    static const char *const names[FIGURES_STATES] = {
        "queued", "deferred", "claimed", "committing", "sent", "failed", "suppressed", "unknown"};

    return count_states(db, SQL_FIGURES_OUTBOX, names, out, err);
}

int figures_mailings(struct db *db, struct figures_state out[FIGURES_STATES], struct err *err)
{
    static const char *const names[FIGURES_STATES] = {
        "waiting", "approved", "rejected", "expanding", "queued",
        "sending", "paused",   "held",     "sent",      "cancelled"};

    return count_states(db, SQL_FIGURES_MAILINGS, names, out, err);
}
