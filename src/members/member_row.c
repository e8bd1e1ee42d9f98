#include "member_row.h"

#include <string.h>

#include "sql/members/member.h"
#include "teataja/db/db.h"

static const char *const deliveries[] = {
    [MEMBER_ACTIVE] = "active",
    [MEMBER_BOUNCING] = "bouncing",
    [MEMBER_SUPPRESSED] = "suppressed",
    [MEMBER_ERASED] = "erased",
};

const char *member_delivery_name(enum member_delivery delivery)
{
    return deliveries[delivery];
}

static enum member_delivery member_delivery_find(const char *name)
{
    enum member_delivery delivery = MEMBER_ACTIVE;

    while (delivery < MEMBER_ERASED && strcmp(deliveries[delivery], name) != 0) {
        delivery++;
    }
    return delivery;
}

size_t member_row_languages(const char *text, enum language languages[LANG_COUNT])
{
    size_t count = 0;

    while (*text != '\0' && count < LANG_COUNT) {
        size_t len = strcspn(text, " ");
        enum language language = language_find_bytes(text, len);

        if (language != LANG_NONE) {
            languages[count++] = language;
        }
        text += len;
        text += *text != '\0';
    }
    return count;
}

bool member_row_terms(struct arena *arena, const char *text, struct member_terms *out)
{
    const char **items = NULL;
    char *copy = NULL;
    size_t count = 1;

    out->items = NULL;
    out->count = 0;
    if (*text == '\0') {
        return true;
    }
    for (const char *at = text; *at != '\0'; at++) {
        count += *at == ' ';
    }
    copy = arena_strdup(arena, text);
    items = arena_alloc(arena, count, sizeof(*items));
    if (copy == NULL || items == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = copy;
        copy += strcspn(copy, " ");
        *copy++ = '\0';
    }
    out->items = items;
    out->count = count;
    return true;
}

static bool member_row_fill(struct arena *arena, struct db_stmt *stmt, struct member *out)
{
    out->id = db_int(stmt, 0);
    out->uid = db_dup(stmt, 1, arena);
    out->external_id = db_dup(stmt, 2, arena);
    out->email = db_dup(stmt, 3, arena);
    out->email_key = db_dup(stmt, 4, arena);
    out->name = db_dup(stmt, 5, arena);
    out->language_count = member_row_languages(db_text(stmt, 6), out->languages);
    out->tz = db_dup(stmt, 7, arena);
    out->region = db_dup(stmt, 8, arena);
    out->organisation = db_int(stmt, 9);
    out->organisation_name = db_dup(stmt, 10, arena);
    out->delivery = member_delivery_find(db_text(stmt, 11));
    out->delivery_reason = db_dup(stmt, 12, arena);
    out->soft_score = db_int(stmt, 13);
    out->epoch = db_int(stmt, 14);
    out->joined_at = db_int(stmt, 15);
    out->changed_at = db_int(stmt, 16);
    out->erased_at = db_int(stmt, 17);
    return member_row_terms(arena, db_text(stmt, 18), &out->kinds) &&
           member_row_terms(arena, db_text(stmt, 19), &out->sectors) &&
           member_row_terms(arena, db_text(stmt, 20), &out->tags) && out->uid != NULL &&
           (out->email != NULL || out->erased_at != 0);
}

int member_row_read(const struct members *members, struct arena *arena, int64_t id,
                    struct member *out, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(members->db, SQL_MEMBER_ROW, &stmt, err);

    memset(out, 0, sizeof(*out));
    if (rc == 0) {
        rc = db_bind_int(stmt, 1, id, err);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1 && !member_row_fill(arena, stmt, out)) {
        rc = err_nomem(err);
    }
    db_stmt_free(stmt);
    return rc;
}

int member_row_attrs(const struct members *members, struct arena *arena, int64_t id,
                     const struct member_attr **out, size_t *count, struct err *err)
{
    struct member_attr *attrs = NULL;
    struct db_stmt *stmt = NULL;
    size_t capacity = 0;
    int rc = db_query(members->db, SQL_MEMBER_ATTRS, &stmt, err);

    *count = 0;
    if (rc == 0) {
        rc = db_bind_int(stmt, 1, id, err);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = arena_grow(arena, (void *)&attrs, &capacity, *count, sizeof(*attrs), err);
        if (rc == 0) {
            attrs[*count].key = db_dup(stmt, 0, arena);
            attrs[*count].text = db_dup(stmt, 1, arena);
            rc = attrs[*count].key == NULL || attrs[*count].text == NULL ? err_nomem(err) : 0;
            (*count)++;
        }
    }
    *out = attrs;
    db_stmt_free(stmt);
    return rc;
}
