#include "teataja/delivery/restore.h"

#include "sql/delivery/restore.h"
#include "teataja/base/clock.h"

int delivery_restore(struct db *db, struct delivery_restored *out, struct err *err)
{
    static const char why[] = "a backup was restored: it may have been sent since";
    int64_t now = clock_now();
    int rc = db_exec(db, SQL_RESTORE_NOTE, err, "it", now, why);

    *out = (struct delivery_restored){0};
    if (rc == 0) {
        rc = db_exec(db, SQL_RESTORE_ROWS, err, "it", now, why);
    }
    if (rc == 0) {
        out->rows = db_changes(db);
        rc = db_exec(db, SQL_RESTORE_MAILINGS, err, "");
    }
    if (rc == 0) {
        out->mailings = db_changes(db);
        rc = db_exec(db, SQL_RESTORE_DRAFTS, err, "");
    }
    if (rc == 0) {
        rc = db_exec(db, SQL_RESTORE_WORKERS, err, "");
    }
    return rc;
}
