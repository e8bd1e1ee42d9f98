#include "act.h"

int act_begin(struct act *act, struct db *db, struct err *err)
{
    int rc = 0;

    act->db = db;
    act->own = false;
    if (!db_in_transaction(db)) {
        rc = db_begin(db, err);
        act->own = rc == 0;
    }
    return rc;
}

int act_end(struct act *act, int rc, struct err *err)
{
    if (!act->own) {
        return rc;
    }
    if (rc == 0) {
        rc = db_commit(act->db, err);
    }
    if (rc < 0) {
        db_rollback(act->db);
    }
    return rc;
}
