#include "teataja/members/organisation.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "member_row.h"
#include "member_value.h"
#include "organisation_save.h"
#include "sql/members/organisation.h"
#include "teataja/db/db.h"

static bool organisation_fill(struct arena *arena, struct db_stmt *stmt, struct organisation *out)
{
    out->id = db_int(stmt, 0);
    out->registry_code = db_dup(stmt, 1, arena);
    out->name = db_dup(stmt, 2, arena);
    out->kind = db_dup(stmt, 3, arena);
    out->region = db_dup(stmt, 4, arena);
    out->web = db_dup(stmt, 5, arena);
    out->member_count = db_int(stmt, 7);
    return out->name != NULL && member_row_terms(arena, db_text(stmt, 6), &out->sectors);
}

int organisation_get(const struct members *members, struct arena *arena, int64_t id,
                     struct organisation *out, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(members->db, SQL_ORGANISATION_ROW, &stmt, err);

    memset(out, 0, sizeof(*out));
    if (rc == 0) {
        rc = db_bind_int(stmt, 1, id, err);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
        if (rc == 0) {
            rc = err_set(err, ERR_NOT_FOUND, "no organisation %" PRId64, id);
        }
    }
    if (rc == 1) {
        rc = organisation_fill(arena, stmt, out) ? 0 : err_nomem(err);
    }
    db_stmt_free(stmt);
    return rc;
}

int organisation_find(const struct members *members, struct arena *arena, const char *which,
                      struct organisation *out, struct err *err)
{
    const char *fold = NULL;
    char *end = NULL;
    int64_t id = 0;
    int rc = db_get_int(members->db, SQL_ORGANISATION_BY_CODE, &id, err, "t", which);

    if (rc == 0) {
        rc = member_value_fold(arena, which, &fold, err);
    }
    if (rc == 0) {
        rc = db_get_int(members->db, SQL_ORGANISATION_BY_NAME, &id, err, "tn", fold);
    }
    if (rc == 0 && isdigit((unsigned char)*which)) {
        errno = 0;
        id = strtoll(which, &end, 10);
        rc = *end == '\0' && errno == 0;
    }
    if (rc == 1) {
        rc = organisation_get(members, arena, id, out, err);
    } else if (rc == 0) {
        rc = ERR_NOT_FOUND;
    }
    return rc == ERR_NOT_FOUND ? err_set(err, rc, "no organisation '%.100s'", which) : rc;
}

int organisation_list(const struct members *members, struct arena *arena, struct organisation **out,
                      size_t *count, struct err *err)
{
    struct db_stmt *stmt = NULL;
    size_t capacity = 0;
    int rc = db_query(members->db, SQL_ORGANISATION_IDS, &stmt, err);

    *out = NULL;
    *count = 0;
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = arena_grow(arena, (void *)out, &capacity, *count, sizeof(**out), err);
        if (rc == 0) {
            rc = organisation_get(members, arena, db_int(stmt, 0), &(*out)[*count], err);
            (*count)++;
        }
    }
    db_stmt_free(stmt);
    return rc;
}

static bool input_has(const struct member_input *input, enum member_field field)
{
    return input->value[field] != NULL && *input->value[field] != '\0';
}

/* NULL stays NULL, and so does "". */
static const char *input_get(const struct member_input *input, enum member_field field)
{
    return input_has(input, field) ? input->value[field] : NULL;
}

static bool input_has_details(const struct member_input *input)
{
    return input_has(input, MEMBER_ORGANISATION_KIND) ||
           input_has(input, MEMBER_ORGANISATION_REGION) ||
           input_has(input, MEMBER_ORGANISATION_SECTOR) ||
           input_has(input, MEMBER_ORGANISATION_WEB);
}

/* 1 and *id of the organisation that is named, 0 if it is not known, negative. */
static int organisation_match(const struct members *members, const char *code, const char *fold,
                              int64_t *id, struct err *err)
{
    int rc = 0;

    if (code != NULL) {
        rc = db_get_int(members->db, SQL_ORGANISATION_BY_CODE, id, err, "t", code);
    }
    if (rc == 0 && fold != NULL) {
        rc = db_get_int(members->db, SQL_ORGANISATION_BY_NAME, id, err, "tt", fold, code);
    }
    return rc;
}

static int organisation_save_sectors(const struct members *members, struct arena *arena, int64_t id,
                                     const char *sectors, bool *changed, struct err *err)
{
    struct member_terms terms;
    struct db_stmt *stmt = NULL;
    int rc = db_query(members->db, SQL_ORGANISATION_SECTORS, &stmt, err);

    if (rc == 0) {
        rc = db_bind_int(stmt, 1, id, err);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        rc = strcmp(db_text(stmt, 0), sectors) == 0;
    }
    db_stmt_free(stmt);
    if (rc != 0) {
        return rc < 0 ? rc : 0;
    }
    *changed = true;
    if (!member_row_terms(arena, sectors, &terms)) {
        return err_nomem(err);
    }
    rc = db_exec(members->db, SQL_ORGANISATION_CLEAR_SECTORS, err, "i", id);
    for (size_t i = 0; rc == 0 && i < terms.count; i++) {
        rc = db_exec(members->db, SQL_ORGANISATION_ADD_SECTOR, err, "it", id, terms.items[i]);
    }
    return rc;
}

static int organisation_save_details(const struct members *members, struct arena *arena,
                                     const struct member_input *input, const char *name,
                                     const char *fold, int64_t id, bool *changed, struct err *err)
{
    int rc =
        db_exec(members->db, SQL_ORGANISATION_UPDATE, err, "itttttt", id, name, fold,
                input_get(input, MEMBER_ORGANISATION_CODE), input->value[MEMBER_ORGANISATION_KIND],
                input->value[MEMBER_ORGANISATION_REGION], input->value[MEMBER_ORGANISATION_WEB]);

    if (rc < 0) {
        return rc;
    }
    if (db_changes(members->db) > 0) {
        *changed = true;
    }
    return input->value[MEMBER_ORGANISATION_SECTOR] == NULL
               ? 0
               : organisation_save_sectors(members, arena, id,
                                           input->value[MEMBER_ORGANISATION_SECTOR], changed, err);
}

int organisation_save(const struct members *members, struct arena *arena,
                      const struct member_input *input, int64_t *organisation, bool *changed,
                      struct err *err)
{
    const char *name = input_get(input, MEMBER_ORGANISATION);
    const char *code = input_get(input, MEMBER_ORGANISATION_CODE);
    const char *fold = NULL;
    int64_t id = *organisation;
    int rc = 0;

    if (name == NULL && code == NULL) {
        if (input->value[MEMBER_ORGANISATION] != NULL && !input_has_details(input)) {
            *organisation = 0;
            return 0;
        }
        if (!input_has_details(input)) {
            return 0;
        }
        if (id == 0) {
            return err_set(err, ERR_INVALID,
                           "something is said of an organisation, but not its name");
        }
        return organisation_save_details(members, arena, input, NULL, NULL, id, changed, err);
    }
    if (name != NULL) {
        rc = member_value_fold(arena, name, &fold, err);
    }
    if (rc == 0) {
        rc = organisation_match(members, code, fold, &id, err);
    }
    if (rc == 0 && name == NULL) {
        return err_set(err, ERR_INVALID, "no organisation with code '%.60s' yet: give its name too",
                       code);
    }
    if (rc == 0) {
        rc = db_exec(members->db, SQL_ORGANISATION_INSERT, err, "ttt", name, fold, code);
        id = db_last_id(members->db);
        *changed = true;
    }
    if (rc < 0) {
        return rc;
    }
    *organisation = id;
    /* A name alone leaves the spelling that is known. */
    return code == NULL && !input_has_details(input)
               ? 0
               : organisation_save_details(members, arena, input, name, fold, id, changed, err);
}
