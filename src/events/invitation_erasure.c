#include "sql/events/invitation_erasure.h"
#include "teataja/events/invitation.h"

int invitation_scrub_member(struct db *db, int64_t member, struct err *err)
{
    const struct db_sql *const steps[] = {SQL_INVITATION_ERASURE_ADDRESS,
                                          SQL_INVITATION_ERASURE_ANSWER,
                                          SQL_INVITATION_ERASURE_LOG};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof(steps) / sizeof(steps[0]); i++) {
        rc = db_exec(db, steps[i], err, "i", member);
    }
    return rc;
}
