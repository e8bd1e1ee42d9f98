#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "member_row.h"
#include "sql/members/member.h"
#include "teataja/db/db.h"

int member_get(const struct members *members, struct arena *arena, int64_t id, struct member *out,
               struct err *err)
{
    int rc = member_row_read(members, arena, id, out, err);

    if (rc == 0) {
        return err_set(err, ERR_NOT_FOUND, "no member %" PRId64, id);
    }
    return rc < 0 ? rc : member_row_attrs(members, arena, id, &out->attrs, &out->attr_count, err);
}

int member_by_address(const struct members *members, const char *email_key, bool earlier,
                      int64_t *id, struct err *err)
{
    int rc = db_get_int(members->db, SQL_MEMBER_ID_BY_KEY, id, err, "t", email_key);

    if (rc != 0 || !earlier) {
        return rc;
    }
    return db_get_int(members->db, SQL_MEMBER_ID_BY_EARLIER, id, err, "t", email_key);
}

/* 1 and *id, 0, or negative. */
static int member_find_id(const struct members *members, const char *who, int64_t *id,
                          struct err *err)
{
    struct address address;
    struct err own = {0};
    char *end = NULL;
    int rc = 0;

    if (strncmp(who, "id:", 3) == 0) {
        return db_get_int(members->db, SQL_MEMBER_ID_BY_EXTERNAL, id, err, "t", who + 3);
    }
    if (strchr(who, '@') != NULL) {
        rc = address_parse(who, &address, &own);
        if (rc < 0) {
            return rc == ERR_NOMEM ? err_nomem(err) : 0;
        }
        return member_by_address(members, address.key, true, id, err);
    }
    if (isdigit((unsigned char)*who)) {
        errno = 0;
        *id = strtoll(who, &end, 10);
        if (*end == '\0' && errno == 0) {
            rc = db_get_int(members->db, SQL_MEMBER_ID_BY_ID, id, err, "i", *id);
        }
    }
    if (rc != 0) {
        return rc;
    }
    rc = db_get_int(members->db, SQL_MEMBER_ID_BY_UID, id, err, "t", who);
    return rc != 0 ? rc : db_get_int(members->db, SQL_MEMBER_ID_BY_EXTERNAL, id, err, "t", who);
}

int member_find(const struct members *members, struct arena *arena, const char *who,
                struct member *out, struct err *err)
{
    int64_t id = 0;
    int rc = member_find_id(members, who, &id, err);

    if (rc == 1) {
        rc = member_get(members, arena, id, out, err);
    } else if (rc == 0) {
        rc = ERR_NOT_FOUND;
    }
    return rc == ERR_NOT_FOUND ? err_set(err, rc, "no member '%.100s'", who) : rc;
}

int member_count(const struct members *members, int64_t *count, struct err *err)
{
    int rc = db_get_int(members->db, SQL_MEMBER_COUNT, count, err, "");

    return rc < 0 ? rc : 0;
}
