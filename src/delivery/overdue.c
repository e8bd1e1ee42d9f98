/* overdue.c - see teataja/delivery/overdue.h. */
#include "teataja/delivery/overdue.h"

#include "sql/delivery/overdue.h"

enum { BITE = 1000 };

int overdue_list(struct db *db, struct arena *arena, int64_t now, struct overdue **out,
                 struct err *err)
{
    struct db_stmt *stmt = NULL;
    size_t capacity = 0;
    int count = 0;
    int rc = db_query(db, SQL_OVERDUE_LIST, &stmt, err);

    *out = NULL;
    if (rc == 0) {
        rc = db_bind_int(stmt, 1, now, err);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = arena_grow(arena, out, &capacity, (size_t)count, sizeof(**out), err);
        if (rc == 0) {
            (*out)[count] =
                (struct overdue){.mailing = db_int(stmt, 0), .subject = db_dup(stmt, 1, arena)};
            rc = (*out)[count].subject != NULL ? 0 : err_nomem(err);
            count++;
        }
    }
    db_stmt_free(stmt);
    return rc < 0 ? rc : count;
}

int overdue_replace(struct db *db, int64_t mailing, int64_t now, int64_t *count, struct err *err)
{
    int64_t changed = 0;
    int rc;

    *count = 0;
    do {
        rc = db_exec(db, SQL_OVERDUE_REPLACE, err, "iii", mailing, now, (int64_t)BITE);
        changed = rc == 0 ? db_changes(db) : 0;
        *count += changed;
    } while (changed > 0);
    return rc;
}

int overdue_settle(struct db *db, int64_t mailing, struct err *err)
{
    return db_exec(db, SQL_OVERDUE_SETTLE, err, "i", mailing);
}
