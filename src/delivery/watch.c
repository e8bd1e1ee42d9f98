#include "watch.h"

#include <inttypes.h>
#include <stdio.h>

#include "sql/delivery/watch.h"
#include "teataja/base/log.h"

enum { WHOLE = 10000 }; /* hundredths of a percent */

int watch_flush(struct watch *watch, struct db *db, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < watch->count; i++) {
        rc = db_exec(db, SQL_WATCH_ADD, err, "iii", watch->items[i].mailing,
                     watch->items[i].answered, watch->items[i].failed);
    }
    watch->count = 0;
    return rc;
}

static struct watched *find(struct watch *watch, int64_t mailing)
{
    for (size_t i = 0; i < watch->count; i++) {
        if (watch->items[i].mailing == mailing) {
            return &watch->items[i];
        }
    }
    return NULL;
}

static int judge(const struct watch *watch, struct db *db, int64_t mailing, bool *halted,
                 struct err *err)
{
    struct db_stmt *stmt = NULL;
    int64_t answered = 0;
    int64_t failed = 0;
    int64_t most = 0; /* doubled each time that somebody went on in spite of it */
    char reason[120];
    int rc = db_query(db, SQL_WATCH_GET, &stmt, err);

    rc = rc == 0 ? db_bind(stmt, err, "i", mailing) : rc;
    rc = rc == 0 ? db_next(stmt, err) : rc;
    if (rc == 1) {
        answered = db_int(stmt, 0);
        failed = db_int(stmt, 1);
        most = (int64_t)watch->halt_after << (db_int(stmt, 2) < 14 ? db_int(stmt, 2) : 14);
    }
    db_stmt_free(stmt);
    if (rc < 0 || answered < WATCH_LEAST || failed * WHOLE <= answered * most) {
        return rc < 0 ? rc : 0;
    }
    snprintf(reason, sizeof(reason), "%" PRId64 " of %" PRId64 " were refused for good", failed,
             answered);
    rc = db_exec(db, SQL_WATCH_HALT, err, "it", mailing, reason);
    if (rc == 0 && db_changes(db) == 1) {
        *halted = true;
        LOG(LOG_ERROR, "mailing_halted", log_int("mailing", mailing), log_text("why", reason));
        rc = db_exec(db, SQL_WATCH_ANEW, err, "i", mailing);
    }
    return rc;
}

int watch_note(struct watch *watch, struct db *db, int64_t mailing, bool failed, bool *halted,
               struct err *err)
{
    struct watched *item;
    int rc;

    if (watch->halt_after == 0 || watch->halt_after >= WHOLE) {
        return 0;
    }
    item = find(watch, mailing);
    if (item == NULL) {
        rc = watch->count == WATCH_MAX ? watch_flush(watch, db, err) : 0;
        if (rc < 0) {
            return rc;
        }
        item = &watch->items[watch->count++];
        *item = (struct watched){.mailing = mailing};
    }
    item->answered++;
    if (!failed) {
        return 0;
    }
    item->failed++;
    rc = watch_flush(watch, db, err);
    return rc == 0 ? judge(watch, db, mailing, halted, err) : rc;
}
