#include "organisation_save.h"

#include <string.h>

#include "member_row.h"
#include "member_value.h"
#include "sql/members/organisation.h"
#include "teataja/db/db.h"

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
