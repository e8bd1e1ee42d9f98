#include "teataja/members/suppression.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "act.h"
#include "sql/members/suppression.h"
#include "suppression_key.h"
#include "teataja/base/clock.h"
#include "teataja/base/token.h"
#include "teataja/db/db.h"

const char *suppression_reason_name(enum suppression_reason reason)
{
    static const char *const names[] = {"hard", "complaint", "request", "manual"};

    return names[reason];
}

static int suppression_hash(const struct members *members, const char *key, char hash[33],
                            struct err *err)
{
    if (members->key == NULL) {
        return err_set(err, ERR_STATE, "the site's token key is needed for this");
    }
    token_hash(members->key, key, strlen(key), hash);
    return 0;
}

int suppression_reason(const struct members *members, const char *email_key,
                       char reason[SUPPRESSION_REASON], struct err *err)
{
    struct db_stmt *stmt = NULL;
    char hash[33];
    int rc = suppression_hash(members, email_key, hash, err);

    if (rc == 0) {
        rc = db_query(members->db, SQL_SUPPRESSION_FIND, &stmt, err);
    }
    if (rc == 0) {
        rc = db_bind_text(stmt, 1, hash, err);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        (void)snprintf(reason, SUPPRESSION_REASON, "%s", db_text(stmt, 0));
    }
    db_stmt_free(stmt);
    return rc;
}

int suppression_has(const struct members *members, const char *email_key, struct err *err)
{
    char reason[SUPPRESSION_REASON];

    return suppression_reason(members, email_key, reason, err);
}

int suppression_add_key(const struct members *members, const char *email_key,
                        enum suppression_reason reason, const char *evidence, struct err *err)
{
    struct act act = {0};
    char hash[33];
    int rc = suppression_hash(members, email_key, hash, err);

    if (rc == 0) {
        rc = act_begin(&act, members->db, err);
    }
    if (rc < 0) {
        return rc;
    }
    rc = db_exec(members->db, SQL_SUPPRESSION_INSERT, err, "ttti", hash,
                 suppression_reason_name(reason), evidence, clock_now());
    if (rc == 0 && db_changes(members->db) > 0) {
        rc = db_exec(members->db, SQL_SUPPRESSION_MARK_MEMBER, err, "ttt", email_key, "suppressed",
                     suppression_reason_name(reason));
    }
    return act_end(&act, rc, err);
}

int suppression_add(const struct members *members, const char *email,
                    enum suppression_reason reason, const char *evidence, struct err *err)
{
    struct address address;
    int rc = address_parse(email, &address, err);

    return rc < 0 ? rc : suppression_add_key(members, address.key, reason, evidence, err);
}

int suppression_add_member(const struct members *members, int64_t member,
                           enum suppression_reason reason, const char *evidence, struct err *err)
{
    struct db_stmt *stmt = NULL;
    char key[LIMIT_ADDRESS * 3 + 1] = "";
    int rc = db_query(members->db, SQL_SUPPRESSION_MEMBER_KEY, &stmt, err);

    if (rc == 0) {
        rc = db_bind_int(stmt, 1, member, err);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        (void)snprintf(key, sizeof(key), "%s", db_text(stmt, 0));
    }
    db_stmt_free(stmt);
    if (rc == 0) {
        return err_set(err, ERR_NOT_FOUND, "no member %" PRId64, member);
    }
    return rc < 0 ? rc : suppression_add_key(members, key, reason, evidence, err);
}

int suppression_lift(const struct members *members, const char *email, struct err *err)
{
    struct address address;
    struct act act = {0};
    char hash[33];
    int rc = address_parse(email, &address, err);

    if (rc == 0) {
        rc = suppression_hash(members, address.key, hash, err);
    }
    if (rc == 0) {
        rc = act_begin(&act, members->db, err);
    }
    if (rc < 0) {
        return rc;
    }
    rc = db_exec(members->db, SQL_SUPPRESSION_LIFT, err, "ti", hash, clock_now());
    if (rc == 0 && db_changes(members->db) == 0) {
        rc = err_set(err, ERR_NOT_FOUND, "the address '%.150s' is not suppressed", address.text);
    }
    if (rc == 0) {
        rc = db_exec(members->db, SQL_SUPPRESSION_MARK_MEMBER, err, "ttn", address.key, "active");
    }
    return act_end(&act, rc, err);
}
