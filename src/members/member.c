#include "teataja/members/member.h"

#include <inttypes.h>
#include <string.h>

#include "act.h"
#include "member_row.h"
#include "member_value.h"
#include "organisation_save.h"
#include "sql/members/member.h"
#include "suppression_key.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/token.h"
#include "teataja/db/db.h"
#include "teataja/members/suppression.h"

#define MEMBER_UID 10 /* random bytes of a uid: 16 characters */

/* Memory for the values of one member on their way into the database. */
#define MEMBER_ARENA ((size_t)4 * 1024 * 1024)

/* NULL for a cleared field, as the columns hold it. */
static const char *or_null(const char *text)
{
    return text != NULL && *text != '\0' ? text : NULL;
}

static bool differs(const char *stored, const char *given)
{
    if (given == NULL) {
        return false;
    }
    return strcmp(stored != NULL ? stored : "", given) != 0;
}

/* The given value if there is one, else the stored one. */
static const char *merged(const char *stored, const char *given)
{
    return given != NULL ? or_null(given) : stored;
}

/* Says whose the address or id is that made `rc` ERR_EXISTS: asked afterwards,
 * since it is rare, and an import asks a hundred thousand times. */
static int explain_taken(const struct members *members, int64_t id,
                         const struct member_input *input, int rc, struct err *err)
{
    struct err ignored = {0};
    int64_t other = 0;

    if (rc != ERR_EXISTS) {
        return rc;
    }
    if (input->value[MEMBER_EMAIL] != NULL &&
        member_by_address(members, input->email_key, false, &other, &ignored) == 1 && other != id) {
        return err_set(err, rc, "the address '%.150s' is member %" PRId64 "'s already",
                       input->value[MEMBER_EMAIL], other);
    }
    if (or_null(input->value[MEMBER_ID]) != NULL &&
        db_get_int(members->db, SQL_MEMBER_ID_BY_EXTERNAL, &other, &ignored, "t",
                   input->value[MEMBER_ID]) == 1 &&
        other != id) {
        return err_set(err, rc, "the id '%.100s' is member %" PRId64 "'s already",
                       input->value[MEMBER_ID], other);
    }
    return rc;
}

/* Terms on their way into the table, four at a time. */
struct term_batch {
    const struct members *members;
    int64_t member;
    const char *vocabulary[4];
    const char *term[4];
    size_t count;
};

static int batch_flush(struct term_batch *batch, struct err *err)
{
    const char **v = batch->vocabulary;
    const char **t = batch->term;
    int rc = 0;

    if (batch->count > 0) {
        rc = db_exec(batch->members->db, SQL_MEMBER_ADD_TERMS, err, "itttttttt", batch->member,
                     v[0], t[0], v[1], t[1], v[2], t[2], v[3], t[3]);
    }
    batch->count = 0;
    memset(batch->term, 0, sizeof(batch->term));
    return rc;
}

static int batch_add(struct term_batch *batch, struct arena *arena,
                     enum member_vocabulary vocabulary, const char *slugs, struct err *err)
{
    struct member_terms terms;
    int rc = 0;

    if (!member_row_terms(arena, slugs, &terms)) {
        return err_nomem(err);
    }
    for (size_t i = 0; rc == 0 && i < terms.count; i++) {
        batch->vocabulary[batch->count] = member_vocabulary_name(vocabulary);
        batch->term[batch->count++] = terms.items[i];
        if (batch->count == sizeof(batch->term) / sizeof(batch->term[0])) {
            rc = batch_flush(batch, err);
        }
    }
    return rc;
}

static int put_attr(const struct members *members, struct arena *arena, int64_t id,
                    const struct member_attr *attr, struct err *err)
{
    const struct site_attribute *attribute = site_attribute_find(&members->config->site, attr->key);
    struct member_attr_value value;
    int rc = member_value_attr(arena, attribute, attr->text, &value, err);

    if (rc < 0) {
        return rc;
    }
    if (value.has_num) {
        return db_exec(members->db, SQL_MEMBER_SET_ATTR, err, "itttr", id, attr->key, value.text,
                       value.fold, value.num);
    }
    return db_exec(members->db, SQL_MEMBER_SET_ATTR, err, "itttn", id, attr->key, value.text,
                   value.fold);
}

static int write_attr(const struct members *members, struct arena *arena, int64_t id,
                      const struct member_attr *attr, bool *changed, struct err *err)
{
    struct db_stmt *stmt = NULL;
    bool same = false;
    int rc = db_query(members->db, SQL_MEMBER_ATTR_TEXT, &stmt, err);

    if (rc == 0) {
        rc = db_bind(stmt, err, "it", id, attr->key);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
        same = rc == 1 ? strcmp(db_text(stmt, 0), attr->text) == 0 : *attr->text == '\0';
    }
    db_stmt_free(stmt);
    if (rc < 0 || same) {
        return rc < 0 ? rc : 0;
    }
    *changed = true;
    return *attr->text == '\0'
               ? db_exec(members->db, SQL_MEMBER_DROP_ATTR, err, "it", id, attr->key)
               : put_attr(members, arena, id, attr, err);
}

static int write_attrs(const struct members *members, struct arena *arena, int64_t id,
                       const struct member_input *input, bool *changed, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < input->attr_count; i++) {
        rc = write_attr(members, arena, id, &input->attrs[i], changed, err);
    }
    return rc;
}

static int fold_name(struct arena *arena, const char *name, const char **fold, struct err *err)
{
    *fold = NULL;
    return name == NULL ? 0 : member_value_fold(arena, name, fold, err);
}

static int add(const struct members *members, struct arena *arena, const struct member_input *input,
               int64_t *id, struct err *err)
{
    static const enum member_field vocabularies[] = {MEMBER_KIND, MEMBER_SECTOR, MEMBER_TAG};
    const char *name = or_null(input->value[MEMBER_NAME]);
    const char *languages = input->value[MEMBER_LANGUAGE];
    const char *fold = NULL;
    char reason[SUPPRESSION_REASON];
    char uid[MEMBER_UID * 2];
    struct term_batch terms = {.members = members};
    int64_t organisation = 0;
    int64_t now = clock_now();
    bool changed = false;
    int suppressed = suppression_reason(members, input->email_key, reason, err);
    int rc = suppressed;

    if (suppressed == 1 && strcmp(reason, suppression_reason_name(SUPPRESSION_REQUEST)) == 0) {
        return err_set(err, ERR_DENIED,
                       "whoever has this address asked to be forgotten: nothing is stored");
    }
    if (rc >= 0) {
        rc = fold_name(arena, name, &fold, err);
    }
    if (rc == 0) {
        rc = organisation_save(members, arena, input, &organisation, &changed, err);
    }
    if (rc < 0) {
        return rc;
    }
    token_random(MEMBER_UID, uid);
    rc = db_exec(members->db, SQL_MEMBER_INSERT, err, "ttttttttt?ttii", uid,
                 or_null(input->value[MEMBER_ID]), input->value[MEMBER_EMAIL], input->email_key,
                 name, fold, languages != NULL ? languages : "",
                 or_null(input->value[MEMBER_TIMEZONE]), or_null(input->value[MEMBER_REGION]),
                 organisation != 0, organisation, suppressed == 1 ? "suppressed" : "active",
                 suppressed == 1 ? reason : NULL,
                 input->value[MEMBER_JOINED] != NULL ? input->joined_at : now, now);
    if (rc < 0) {
        return rc;
    }
    *id = db_last_id(members->db);
    terms.member = *id;
    for (size_t i = 0; rc == 0 && i < sizeof(vocabularies) / sizeof(vocabularies[0]); i++) {
        const char *slugs = or_null(input->value[vocabularies[i]]);

        if (slugs != NULL) {
            rc = batch_add(&terms, arena, (enum member_vocabulary)i, slugs, err);
        }
    }
    if (rc == 0) {
        rc = batch_flush(&terms, err);
    }
    for (size_t i = 0; rc == 0 && i < input->attr_count; i++) {
        if (*input->attrs[i].text != '\0') {
            rc = put_attr(members, arena, *id, &input->attrs[i], err);
        }
    }
    return rc;
}

int member_add(const struct members *members, const struct member_input *input, int64_t *id,
               struct err *err)
{
    struct arena *arena = NULL;
    struct act act = {0};
    int64_t added = 0;
    int rc = 0;

    if (input->value[MEMBER_EMAIL] == NULL) {
        return err_set(err, ERR_INVALID, "a member needs an address");
    }
    arena = arena_new(MEMBER_ARENA);
    if (arena == NULL) {
        return err_nomem(err);
    }
    rc = act_begin(&act, members->db, err);
    if (rc == 0) {
        rc = explain_taken(members, 0, input, add(members, arena, input, &added, err), err);
        rc = act_end(&act, rc, err);
    }
    if (rc == 0 && id != NULL) {
        *id = added;
    }
    arena_free(arena);
    return rc;
}

/* Terms as they are stored in an input: joined by spaces. */
static bool terms_differ(const struct member_terms *stored, const char *given)
{
    if (given == NULL) {
        return false;
    }
    for (size_t i = 0; i < stored->count; i++) {
        size_t len = strlen(stored->items[i]);

        if (strncmp(given, stored->items[i], len) != 0 ||
            (given[len] != '\0' && given[len] != ' ')) {
            return true;
        }
        given += len;
        given += *given == ' ';
    }
    return *given != '\0';
}

static int set_terms(const struct members *members, struct arena *arena,
                     const struct member *member, const struct member_input *input, bool *changed,
                     struct err *err)
{
    const struct {
        const struct member_terms *stored;
        const char *given;
    } sets[] = {
        [MEMBER_KINDS] = {&member->kinds, input->value[MEMBER_KIND]},
        [MEMBER_SECTORS] = {&member->sectors, input->value[MEMBER_SECTOR]},
        [MEMBER_TAGS] = {&member->tags, input->value[MEMBER_TAG]},
    };
    struct term_batch terms = {.members = members, .member = member->id};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof(sets) / sizeof(sets[0]); i++) {
        enum member_vocabulary vocabulary = (enum member_vocabulary)i;

        if (terms_differ(sets[i].stored, sets[i].given)) {
            *changed = true;
            rc = db_exec(members->db, SQL_MEMBER_CLEAR_TERMS, err, "it", member->id,
                         member_vocabulary_name(vocabulary));
            if (rc == 0) {
                rc = batch_add(&terms, arena, vocabulary, sets[i].given, err);
            }
        }
    }
    return rc == 0 ? batch_flush(&terms, err) : rc;
}

static int languages_text(struct arena *arena, const struct member *member, const char **out,
                          struct err *err)
{
    char *text = arena_alloc(arena, LANG_COUNT * 3 + 1, 1);
    char *at = text;

    if (text == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < member->language_count; i++) {
        at = stpcpy(at, i > 0 ? " " : "");
        at = stpcpy(at, language_tag(member->languages[i]));
    }
    *out = text;
    return 0;
}

/* The columns of the member's own row. */
static int set_row(const struct members *members, struct arena *arena, const struct member *member,
                   const struct member_input *input, int64_t organisation, bool *changed,
                   struct err *err)
{
    const char *const *value = input->value;
    const char *name = merged(member->name, value[MEMBER_NAME]);
    const char *languages = NULL;
    const char *fold = NULL;
    int64_t joined = member->joined_at;
    int rc = languages_text(arena, member, &languages, err);

    if (rc < 0) {
        return rc;
    }
    /* An input knows days only: the hour that is known stays. */
    if (value[MEMBER_JOINED] != NULL &&
        (joined < input->joined_at || joined >= input->joined_at + CLOCK_DAY)) {
        joined = input->joined_at;
    }
    if (!differs(member->external_id, value[MEMBER_ID]) &&
        !differs(member->name, value[MEMBER_NAME]) &&
        !differs(member->tz, value[MEMBER_TIMEZONE]) &&
        !differs(member->region, value[MEMBER_REGION]) &&
        !differs(languages, value[MEMBER_LANGUAGE]) && organisation == member->organisation &&
        joined == member->joined_at) {
        return 0;
    }
    *changed = true;
    if (value[MEMBER_LANGUAGE] != NULL) {
        languages = value[MEMBER_LANGUAGE];
    }
    rc = fold_name(arena, name, &fold, err);
    if (rc < 0) {
        return rc;
    }
    return db_exec(members->db, SQL_MEMBER_UPDATE, err, "itttttt?ii", member->id,
                   merged(member->external_id, value[MEMBER_ID]), name, fold, languages,
                   merged(member->tz, value[MEMBER_TIMEZONE]),
                   merged(member->region, value[MEMBER_REGION]), organisation != 0, organisation,
                   joined, clock_now());
}

int member_raise_epoch(const struct members *members, int64_t id, struct err *err)
{
    return db_exec(members->db, SQL_MEMBER_RAISE_EPOCH, err, "i", id);
}

static int change_address(const struct members *members, const struct member *member,
                          const char *email, const char *key, struct err *err)
{
    char reason[SUPPRESSION_REASON];
    int64_t now = clock_now();
    int suppressed = suppression_reason(members, key, reason, err);
    int rc = suppressed;

    if (rc >= 0) {
        rc = db_exec(members->db, SQL_MEMBER_KEEP_ADDRESS, err, "ii", member->id, now);
    }
    if (rc == 0) {
        rc = db_exec(members->db, SQL_MEMBER_SET_ADDRESS, err, "itttti", member->id, email, key,
                     suppressed == 1 ? "suppressed" : "active", suppressed == 1 ? reason : NULL,
                     now);
    }
    return rc < 0 ? rc : db_exec(members->db, SQL_MEMBER_DROP_ADDRESS, err, "it", member->id, key);
}

static int set_email(const struct members *members, const struct member *member,
                     const struct member_input *input, bool *changed, struct err *err)
{
    const char *email = input->value[MEMBER_EMAIL];

    if (email == NULL || strcmp(member->email, email) == 0) {
        return 0;
    }
    *changed = true;
    return change_address(members, member, email, input->email_key, err);
}

static int set(const struct members *members, struct arena *arena, int64_t id,
               const struct member_input *input, bool *changed, struct err *err)
{
    struct member member;
    int64_t organisation = 0;
    bool row = false;
    int rc = member_row_read(members, arena, id, &member, err);

    if (rc == 0) {
        return err_set(err, ERR_NOT_FOUND, "no member %" PRId64, id);
    }
    if (rc == 1 && member.erased_at != 0) {
        return err_set(err, ERR_STATE, "member %" PRId64 " was erased", id);
    }
    if (rc < 0) {
        return rc;
    }
    organisation = member.organisation;
    rc = organisation_save(members, arena, input, &organisation, changed, err);
    if (rc == 0) {
        rc = set_row(members, arena, &member, input, organisation, &row, err);
    }
    if (rc == 0) {
        rc = set_email(members, &member, input, changed, err);
    }
    if (rc == 0) {
        rc = set_terms(members, arena, &member, input, changed, err);
    }
    if (rc == 0) {
        rc = write_attrs(members, arena, id, input, changed, err);
    }
    if (rc == 0 && *changed && !row) {
        rc = db_exec(members->db, SQL_MEMBER_TOUCH, err, "ii", id, clock_now());
    }
    *changed = *changed || row;
    return rc;
}

int member_set(const struct members *members, int64_t id, const struct member_input *input,
               bool *changed, struct err *err)
{
    struct arena *arena = arena_new(MEMBER_ARENA);
    struct act act = {0};
    bool any = false;
    int rc = 0;

    if (arena == NULL) {
        return err_nomem(err);
    }
    rc = act_begin(&act, members->db, err);
    if (rc == 0) {
        rc = explain_taken(members, id, input, set(members, arena, id, input, &any, err), err);
        rc = act_end(&act, rc, err);
    }
    if (changed != NULL) {
        *changed = any;
    }
    arena_free(arena);
    return rc;
}

int member_change_address(const struct members *members, int64_t id, const char *email,
                          struct err *err)
{
    struct member_input input = {0};
    struct address address;
    int rc = address_parse(email, &address, err);

    if (rc < 0) {
        return rc;
    }
    input.value[MEMBER_EMAIL] = address.text;
    input.email_key = address.key;
    return member_set(members, id, &input, NULL, err);
}

int member_set_delivery(const struct members *members, int64_t id, enum member_delivery delivery,
                        const char *reason, int64_t soft_score, struct err *err)
{
    if (delivery != MEMBER_ACTIVE && delivery != MEMBER_BOUNCING) {
        return err_set(err, ERR_INVALID, "suppressing and erasing are acts of their own");
    }
    return db_exec(members->db, SQL_MEMBER_SET_DELIVERY, err, "itti", id,
                   member_delivery_name(delivery), reason, soft_score);
}
