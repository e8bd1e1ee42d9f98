/* leave_reason.c - see teataja/members/leave_reason.h. */
#include "teataja/members/leave_reason.h"

#include <string.h>

#include "act.h"
#include "sql/members/leave_reason.h"
#include "teataja/base/clock.h"
#include "teataja/base/utf8.h"

const char *const leave_reasons[] = {"too_many", "not_useful", "not_asked",
                                     "moved_on", "other",      NULL};

static int check(const char *reason, const char *text, struct err *err)
{
    for (size_t i = 0; reason[0] != '\0'; i++) {
        if (leave_reasons[i] == NULL) {
            return err_set(err, ERR_INVALID, "'%.40s' is not a reason that the page offers",
                           reason);
        }
        if (strcmp(leave_reasons[i], reason) == 0) {
            break;
        }
    }
    if (!utf8_is_valid(text, strlen(text), NULL)) {
        return err_set(err, ERR_INVALID, "the reason is not well-formed UTF-8");
    }
    return utf8_length(text, strlen(text)) <= LEAVE_REASON_TEXT
               ? 0
               : err_set(err, ERR_LIMIT, "the reason is longer than %d characters",
                         LEAVE_REASON_TEXT);
}

static int add(struct db *db, const char *list, const char *reason, const char *text,
               struct err *err)
{
    int64_t now = clock_now();
    int64_t id = 0;
    int rc = db_get_int(db, SQL_LEAVE_REASON_LIST, &id, err, "t", list);

    if (rc == 0) {
        return err_set(err, ERR_NOT_FOUND, "no list '%s'", list);
    }
    return rc < 0 ? rc
                  : db_exec(db, SQL_LEAVE_REASON_ADD, err, "iitt", id, now - now % CLOCK_DAY,
                            reason, text[0] != '\0' ? text : NULL);
}

int leave_reason_add(const struct members *members, const char *list, const char *reason,
                     const char *text, struct err *err)
{
    struct act act = {0};
    int rc;

    reason = reason != NULL ? reason : "";
    text = text != NULL ? text : "";
    rc = check(reason, text, err);
    if (rc < 0 || (reason[0] == '\0' && text[0] == '\0')) {
        return rc;
    }
    rc = act_begin(&act, members->db, err);
    return rc < 0 ? rc : act_end(&act, add(members->db, list, reason, text, err), err);
}
