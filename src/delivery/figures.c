/* figures.c - see teataja/delivery/figures.h. */
#include "teataja/delivery/figures.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sql/delivery/figures.h"
#include "teataja/base/mem.h"

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

/* The first four are open: such a row can still become something else. */
enum { ROW_STATES = 8, OPEN_STATES = 4 };

static const char *const row_states[ROW_STATES] = {"queued", "deferred", "claimed",    "committing",
                                                   "sent",   "failed",   "suppressed", "unknown"};

struct counted {
    int64_t mailing;
    int64_t finished_at;
    int64_t rows[ROW_STATES];
};

struct figures_settled {
    struct counted *items; /* by mailing */
    size_t count, capacity;
};

int figures_settled_new(struct figures_settled **out, struct err *err)
{
    *out = mem_alloc(1, sizeof(**out));
    return *out != NULL ? 0 : err_nomem(err);
}

void figures_settled_free(struct figures_settled *settled)
{
    if (settled != NULL) {
        mem_free(settled->items);
        mem_free(settled);
    }
}

static int settled_add(struct figures_settled *settled, const struct counted *counted,
                       struct err *err)
{
    if (settled->count == settled->capacity) {
        size_t capacity = settled->capacity * 2 + 64;
        struct counted *items = mem_resize(settled->items, capacity, sizeof(*items));

        if (items == NULL) {
            return err_nomem(err);
        }
        settled->items = items;
        settled->capacity = capacity;
    }
    settled->items[settled->count++] = *counted;
    return 0;
}

/* Of settled mailings, in order; *at is where the last one was found. */
static const struct counted *find_settled(const struct figures_settled *settled, size_t *at,
                                          const struct counted *wanted)
{
    while (*at < settled->count && settled->items[*at].mailing < wanted->mailing) {
        *at += 1;
    }
    return *at < settled->count && settled->items[*at].mailing == wanted->mailing &&
                   settled->items[*at].finished_at == wanted->finished_at
               ? &settled->items[*at]
               : NULL;
}

static int count_rows(struct db *db, struct counted *out, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_FIGURES_OUTBOX, &stmt, err);

    rc = rc == 0 ? db_bind_int(stmt, 1, out->mailing, err) : rc;
    rc = rc == 0 ? db_next(stmt, err) : rc;
    for (int i = 0; rc == 1 && i < ROW_STATES; i++) {
        out->rows[i] = db_int(stmt, i);
    }
    db_stmt_free(stmt);
    return rc < 0 ? rc : 0;
}

/* Counts every mailing; those that are settled go into `after` as well. */
static int count_each(struct db *db, const struct figures_settled *before,
                      struct figures_settled *after, int64_t sums[ROW_STATES], struct err *err)
{
    struct db_stmt *stmt = NULL;
    size_t at = 0;
    int rc = db_query(db, SQL_FIGURES_EACH, &stmt, err);

    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        struct counted one = {.mailing = db_int(stmt, 0), .finished_at = db_int(stmt, 1)};
        bool over = db_int(stmt, 2) != 0;
        const struct counted *known = over ? find_settled(before, &at, &one) : NULL;

        rc = 0;
        if (known != NULL) {
            one = *known;
        } else {
            rc = count_rows(db, &one, err);
        }
        for (int i = 0; i < ROW_STATES; i++) {
            sums[i] += one.rows[i];
            over = over && (i >= OPEN_STATES || one.rows[i] == 0);
        }
        rc = rc == 0 && over ? settled_add(after, &one, err) : rc;
    }
    db_stmt_free(stmt);
    return rc;
}

int figures_outbox(struct db *db, struct figures_settled *settled,
                   struct figures_state out[FIGURES_STATES], struct err *err)
{
    struct figures_settled none = {0};
    struct figures_settled after = {0};
    int64_t sums[ROW_STATES] = {0};
    int rc = db_begin_read(db, err); /* one instant of all mailings */

    if (rc == 0) {
        rc = count_each(db, settled != NULL ? settled : &none, &after, sums, err);
    }
    db_rollback(db);
    memset(out, 0, FIGURES_STATES * sizeof(out[0]));
    for (size_t i = 0; i < ROW_STATES; i++) {
        snprintf(out[i].name, sizeof(out[i].name), "%s", row_states[i]);
        out[i].count = sums[i];
    }
    if (rc == 0 && settled != NULL) {
        mem_free(settled->items);
        *settled = after;
    } else {
        mem_free(after.items);
    }
    return rc;
}

int figures_mailings(struct db *db, struct figures_state out[FIGURES_STATES], struct err *err)
{
    static const char *const names[FIGURES_STATES] = {
        "waiting", "approved", "rejected", "expanding", "queued",
        "sending", "paused",   "held",     "sent",      "cancelled"};

    return count_states(db, SQL_FIGURES_MAILINGS, names, out, err);
}
