#include "teataja/members/recipients.h"

#include <string.h>

#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/base/str.h"
#include "teataja/db/db.h"
#include "teataja/members/sync.h"

#define RECIPIENTS_SQL ((size_t)LIMIT_SEGMENT * 300)

/* Who they are is settled when the walk is opened: no statement stays open, so the
 * caller may write between two of them, and an audience is looked for once. Ids are kept
 * as their distances, seven bits a byte: one byte a member mostly. */
struct recipients {
    const struct members *members;
    unsigned char *steps;
    size_t len;
    size_t capacity;
    size_t at;
    int64_t id;
};

/* $1 to $3 are the statement's own; the segments' values follow. */
#define RECIPIENTS_FIRST 4

#define RECIPIENTS_STEP 10 /* bytes of the largest distance of two ids */

static void recipients_write_audience(const struct recipients_query *query, struct str *out)
{
    int first = RECIPIENTS_FIRST;

    str_add(out, "1");
    for (size_t i = 0; i < RECIPIENTS_SEGMENTS; i++) {
        if (query->audience[i] != NULL) {
            str_add(out, " AND (");
            segment_write_sql(query->audience[i], first, out);
            str_add(out, ")");
            first += segment_values(query->audience[i]);
        }
    }
}

static int recipients_bind(const struct recipients_query *query, struct db_stmt *stmt,
                           struct err *err)
{
    int first = RECIPIENTS_FIRST;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < RECIPIENTS_SEGMENTS; i++) {
        if (query->audience[i] != NULL) {
            rc = segment_bind(query->audience[i], stmt, first, err);
            first += segment_values(query->audience[i]);
        }
    }
    return rc;
}

/* Prepares head, audience and tail as one text, with the audience's values bound. */
static int recipients_query_text(struct db *db, const struct recipients_query *query,
                                 const char *head, const char *tail, struct db_stmt **out,
                                 struct err *err)
{
    struct str text;
    int rc = 0;

    str_init(&text, RECIPIENTS_SQL);
    str_add(&text, head);
    recipients_write_audience(query, &text);
    str_add(&text, tail);
    rc = str_check(&text, err);
    if (rc == 0) {
        rc = db_query_text(db, text.data, out, err);
    }
    if (rc == 0) {
        rc = recipients_bind(query, *out, err);
    }
    str_release(&text);
    return rc;
}

static int recipients_keep(struct recipients *recipients, int64_t id, struct err *err)
{
    uint64_t step = (uint64_t)(id - recipients->id);

    if (recipients->capacity - recipients->len < RECIPIENTS_STEP) {
        size_t capacity = recipients->capacity * 2 + 1024;
        unsigned char *steps = mem_resize(recipients->steps, capacity, 1);

        if (steps == NULL) {
            return err_nomem(err);
        }
        recipients->steps = steps;
        recipients->capacity = capacity;
    }
    for (; step >= 0x80; step >>= 7) {
        recipients->steps[recipients->len++] = (unsigned char)(step | 0x80);
    }
    recipients->steps[recipients->len++] = (unsigned char)step;
    recipients->id = id;
    return 0;
}

static bool recipients_step(struct recipients *recipients)
{
    uint64_t step = 0;
    int shift = 0;

    if (recipients->at == recipients->len) {
        return false;
    }
    while (recipients->steps[recipients->at] >= 0x80) {
        step |= (uint64_t)(recipients->steps[recipients->at++] & 0x7F) << shift;
        shift += 7;
    }
    step |= (uint64_t)recipients->steps[recipients->at++] << shift;
    recipients->id += (int64_t)step;
    return true;
}

static int recipients_list(struct recipients *recipients, const struct recipients_query *query,
                           struct err *err)
{
    struct db_stmt *stmt = NULL;
    int64_t list = 0;
    int rc = list_find(recipients->members, query->list, &list, err);

    if (rc == 0) {
        rc = recipients_query_text(recipients->members->db, query,
                                   "SELECT m.id FROM v_list_recipient r "
                                   "JOIN member m ON m.id = r.member "
                                   "WHERE r.list = $1 AND r.member > $2 AND ",
                                   " ORDER BY r.member LIMIT $3", &stmt, err);
    }
    if (rc == 0) {
        rc = db_bind(stmt, err, "iii", list, query->after,
                     query->limit > 0 ? query->limit : (int64_t)-1);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = recipients_keep(recipients, db_int(stmt, 0), err);
    }
    db_stmt_free(stmt);
    recipients->id = 0;
    return rc;
}

int recipients_open(const struct members *members, const struct recipients_query *query,
                    struct recipients **out, struct err *err)
{
    struct recipients *recipients = mem_alloc(1, sizeof(*recipients));
    int rc;

    if (recipients == NULL) {
        return err_nomem(err);
    }
    recipients->members = members;
    rc = recipients_list(recipients, query, err);
    if (rc < 0) {
        recipients_close(recipients);
        return rc;
    }
    *out = recipients;
    return 0;
}

int recipients_next(struct recipients *recipients, struct arena *arena, struct member_profile *out,
                    struct err *err)
{
    int rc = ERR_NOT_FOUND;

    /* Who was erased since is not there any more. */
    while (rc == ERR_NOT_FOUND) {
        if (!recipients_step(recipients)) {
            return 0;
        }
        rc = member_profile_get(recipients->members, arena, recipients->id, out, err);
    }
    return rc < 0 ? rc : 1;
}

void recipients_close(struct recipients *recipients)
{
    if (recipients != NULL) {
        mem_free(recipients->steps);
        mem_free(recipients);
    }
}

/* One pass over the list's subscriptions, counted here: grouped by the database they
 * would all be kept in memory. The first reason that holds counts. */
static int recipients_count_list(const struct members *members,
                                 const struct recipients_query *query, int64_t list,
                                 struct recipients_count *out, struct err *err)
{
    int64_t *const reasons[] = {&out->left,    &out->pending, &out->unconfirmed, &out->suppressed,
                                &out->outside, &out->get_it,  &out->bouncing};
    struct db_stmt *stmt = NULL;
    int rc = recipients_query_text(
        members->db, query,
        "SELECT CASE WHEN s.state = 'left' THEN 0 WHEN s.state = 'pending' THEN 1"
        " WHEN s.state = 'unconfirmed' THEN 2 WHEN m.delivery_state = 'suppressed' THEN 3"
        " WHEN NOT (",
        ") THEN 4 WHEN m.delivery_state = 'bouncing' THEN 6 ELSE 5 END"
        " FROM subscription s JOIN member m ON m.id = s.member"
        " WHERE s.list = $1 AND m.erased_at IS NULL",
        &stmt, err);

    if (rc == 0) {
        rc = db_bind_int(stmt, 1, list, err);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        *reasons[db_int(stmt, 0)] += 1;
        out->on_list++;
        rc = 0;
    }
    db_stmt_free(stmt);
    out->get_it += out->bouncing;
    return rc;
}

static int recipients_count_others(const struct members *members,
                                   const struct recipients_query *query, int64_t list,
                                   int64_t *count, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = recipients_query_text(members->db, query,
                                   "SELECT count(*) FROM member m WHERE m.erased_at IS NULL "
                                   "AND m.id NOT IN (SELECT member FROM subscription "
                                   "WHERE list = $1) AND ",
                                   "", &stmt, err);

    if (rc == 0) {
        rc = db_bind_int(stmt, 1, list, err);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        *count = db_int(stmt, 0);
        rc = 0;
    }
    db_stmt_free(stmt);
    return rc;
}

int recipients_explain(const struct members *members, const struct recipients_query *query,
                       struct recipients_count *out, struct err *err)
{
    bool audience = false;
    int64_t list = 0;
    int rc = list_find(members, query->list, &list, err);

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < RECIPIENTS_SEGMENTS; i++) {
        audience = audience || query->audience[i] != NULL;
    }
    if (rc == 0) {
        rc = recipients_count_list(members, query, list, out, err);
    }
    if (rc == 0 && audience) {
        rc = recipients_count_others(members, query, list, &out->not_on_list, err);
    }
    return rc;
}
