#include <string.h>

#include "member_value.h"
#include "segment_tree.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/schema.h"
#include "teataja/base/suggest.h"

#define ATTR_PREFIX "attr."
#define FOLDER_ISSUES "issues/"
#define FOLDER_NEWSLETTERS "newsletters/"

#define OPS_SET (SEGMENT_EQ | SEGMENT_NE | SEGMENT_IN | SEGMENT_EXISTS)
#define OPS_TEXT (OPS_SET | SEGMENT_CONTAINS)
#define OPS_ORDER (SEGMENT_LT | SEGMENT_LE | SEGMENT_GT | SEGMENT_GE)

/* How values are read. */

static int read_fold(const struct segment_scope *scope, struct arena *arena,
                     const struct segment_node *test, const char *text, struct segment_value *out,
                     struct err *err)
{
    (void)scope;
    (void)test;
    return member_value_fold(arena, text, &out->text, err);
}

static int read_email(const struct segment_scope *scope, struct arena *arena,
                      const struct segment_node *test, const char *text, struct segment_value *out,
                      struct err *err)
{
    struct address address;
    struct err ignored = {0};

    if (test->op != SEGMENT_CONTAINS && address_parse(text, &address, &ignored) == 0) {
        out->text = arena_strdup(arena, address.key);
        return out->text == NULL ? err_nomem(err) : 0;
    }
    return read_fold(scope, arena, test, text, out, err);
}

static int read_language(const struct segment_scope *scope, struct arena *arena,
                         const struct segment_node *test, const char *text,
                         struct segment_value *out, struct err *err)
{
    enum language language = LANG_NONE;
    int rc = member_value_language(arena, text, &language, err);

    (void)scope;
    (void)test;
    if (rc < 0) {
        return rc;
    }
    out->text = arena_printf(arena, " %s ", language_tag(language));
    return out->text == NULL ? err_nomem(err) : 0;
}

static int read_zone(const struct segment_scope *scope, struct arena *arena,
                     const struct segment_node *test, const char *text, struct segment_value *out,
                     struct err *err)
{
    (void)scope;
    (void)test;
    return member_value_zone(arena, text, &out->text, err);
}

static int read_region(const struct segment_scope *scope, struct arena *arena,
                       const struct segment_node *test, const char *text, struct segment_value *out,
                       struct err *err)
{
    (void)test;
    int rc = member_value_region(scope->config, text, &out->text, err);

    if (rc == 0) {
        out->text = arena_strdup(arena, out->text);
        rc = out->text == NULL ? err_nomem(err) : 0;
    }
    return rc;
}

static int read_term(const struct segment_scope *scope, struct arena *arena,
                     const struct segment_node *test, const char *text, struct segment_value *out,
                     struct err *err)
{
    enum member_vocabulary vocabulary = MEMBER_KINDS;
    int rc = 0;

    while (strcmp(member_vocabulary_name(vocabulary), test->field->name) != 0) {
        vocabulary++;
    }
    rc = member_value_term(scope->config, arena, vocabulary, text, &out->text, err);
    if (rc == 0) {
        out->text = arena_strdup(arena, out->text);
        rc = out->text == NULL ? err_nomem(err) : 0;
    }
    return rc;
}

static int read_day(const struct segment_scope *scope, struct arena *arena,
                    const struct segment_node *test, const char *text, struct segment_value *out,
                    struct err *err)
{
    int64_t days = 0;
    int rc = member_value_date(arena, text, &out->text, &days, err);

    (void)test;
    if (rc == 0) {
        rc = member_value_day(scope->config, days, &out->from, err);
    }
    if (rc == 0) {
        rc = member_value_day(scope->config, days + 1, &out->to, err);
    }
    return rc;
}

static int read_attr(const struct segment_scope *scope, struct arena *arena,
                     const struct segment_node *test, const char *text, struct segment_value *out,
                     struct err *err)
{
    struct member_attr_value value;
    int rc = 0;

    if (test->op == SEGMENT_CONTAINS) {
        return read_fold(scope, arena, test, text, out, err);
    }
    rc = member_value_attr(arena, site_attribute_find(&scope->config->site, test->key), text,
                           &value, err);
    out->text = value.fold;
    out->num = value.num;
    return rc;
}

static int read_choice(struct arena *arena, const char *what, const char *const *choices,
                       size_t count, const char *text, struct segment_value *out, struct err *err)
{
    struct suggest suggest;
    const char *fold = NULL;
    int rc = member_value_fold(arena, text, &fold, err);

    if (rc < 0) {
        return rc;
    }
    suggest_start(&suggest, text);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fold, choices[i]) == 0) {
            out->text = choices[i];
            return 0;
        }
        suggest_offer(&suggest, choices[i]);
    }
    return err_set(err, ERR_INVALID, "no %s '%.100s'%s", what, text, suggest_hint(&suggest));
}

static int read_status(const struct segment_scope *scope, struct arena *arena,
                       const struct segment_node *test, const char *text, struct segment_value *out,
                       struct err *err)
{
    static const char *const choices[] = {"active", "bouncing", "suppressed"};

    (void)scope;
    (void)test;
    return read_choice(arena, "status", choices, 3, text, out, err);
}

static int read_answer(const struct segment_scope *scope, struct arena *arena,
                       const struct segment_node *test, const char *text, struct segment_value *out,
                       struct err *err)
{
    static const char *const choices[] = {"yes", "no", "maybe", "waiting", "none"};

    (void)scope;
    (void)test;
    return read_choice(arena, "answer", choices, 5, text, out, err);
}

/* How the names in brackets, and of attributes, are read. */

static int name_attr(const struct segment_scope *scope, struct arena *arena, const char *text,
                     struct segment_node *test, struct err *err)
{
    const char *key = text + strlen(ATTR_PREFIX);
    const struct site_attribute *attribute = site_attribute_find(&scope->config->site, key);
    struct suggest suggest;

    if (attribute == NULL) {
        suggest_start(&suggest, key);
        for (size_t i = 0; i < scope->config->site.attribute_count; i++) {
            suggest_offer(&suggest, scope->config->site.attributes[i].key);
        }
        return err_set(err, ERR_INVALID, "no attribute '%.100s'%s", key, suggest_hint(&suggest));
    }
    test->numeric = attribute->type == SITE_ATTRIBUTE_INT || attribute->type == SITE_ATTRIBUTE_DATE;
    test->key = arena_strdup(arena, attribute->key);
    return test->key == NULL ? err_nomem(err) : 0;
}

static int name_list(const struct segment_scope *scope, struct arena *arena, const char *text,
                     struct segment_node *test, struct err *err)
{
    struct suggest suggest;

    if (site_list_find(&scope->config->site, text) == NULL) {
        suggest_start(&suggest, text);
        for (size_t i = 0; i < scope->config->site.list_count; i++) {
            suggest_offer(&suggest, scope->config->site.lists[i].slug);
        }
        return err_set(err, ERR_INVALID, "no list '%.100s'%s", text, suggest_hint(&suggest));
    }
    test->key = arena_strdup(arena, text);
    return test->key == NULL ? err_nomem(err) : 0;
}

static int name_slug(struct arena *arena, const char *what, const char *const *slugs, size_t count,
                     const char *text, struct segment_node *test, struct err *err)
{
    struct suggest suggest;

    if (!schema_is_slug(text, strlen(text))) {
        return err_set(err, ERR_INVALID, "'%.100s' is no %s: its file's name is meant", text, what);
    }
    suggest_start(&suggest, text);
    for (size_t i = 0; slugs != NULL && i < count && strcmp(slugs[i], text) != 0; i++) {
        suggest_offer(&suggest, slugs[i]);
        if (i + 1 == count) {
            return err_set(err, ERR_INVALID, "no %s '%.100s'%s", what, text,
                           suggest_hint(&suggest));
        }
    }
    if (slugs != NULL && count == 0) {
        return err_set(err, ERR_INVALID, "no %s '%.100s'", what, text);
    }
    test->key = arena_strdup(arena, text);
    return test->key == NULL ? err_nomem(err) : 0;
}

static int name_event(const struct segment_scope *scope, struct arena *arena, const char *text,
                      struct segment_node *test, struct err *err)
{
    return name_slug(arena, "event", scope->events, scope->event_count, text, test, err);
}

/* The letters that a newsletter composed itself, all of them. */
static int name_newsletter(const struct segment_scope *scope, struct arena *arena, const char *text,
                           struct segment_node *test, struct err *err)
{
    const struct config *config = scope->config;
    const char *slug = text + strlen(FOLDER_NEWSLETTERS);
    struct suggest suggest;

    if (config_newsletter(config, slug) == NULL &&
        left_out_find(&config->left, "newsletters", slug) == NULL) {
        suggest_start(&suggest, slug);
        for (size_t i = 0; i < config->newsletter_count; i++) {
            suggest_offer(&suggest, config->newsletters[i].slug);
        }
        return err_set(err, ERR_INVALID, "no newsletter '%.100s'%s", slug, suggest_hint(&suggest));
    }
    test->key = arena_strdup(arena, text);
    return test->key == NULL ? err_nomem(err) : 0;
}

/* The ledger names a mailing by folder and slug. */
static int name_letter(const struct segment_scope *scope, struct arena *arena, const char *text,
                       struct segment_node *test, struct err *err)
{
    const char *slug = strncmp(text, FOLDER_ISSUES, strlen(FOLDER_ISSUES)) == 0
                           ? text + strlen(FOLDER_ISSUES)
                           : text;
    int rc;

    if (strncmp(text, FOLDER_NEWSLETTERS, strlen(FOLDER_NEWSLETTERS)) == 0) {
        return name_newsletter(scope, arena, text, test, err);
    }
    rc = name_slug(arena, "issue", scope->issues, scope->issue_count, slug, test, err);
    if (rc == ERR_INVALID && config_newsletter(scope->config, text) != NULL) {
        return err_set(err, ERR_INVALID, "no issue '%.100s'; did you mean '%s%.100s'?", text,
                       FOLDER_NEWSLETTERS, text);
    }
    if (rc == 0) {
        test->key = arena_printf(arena, "%s%s", FOLDER_ISSUES, slug);
        rc = test->key == NULL ? err_nomem(err) : 0;
    }
    return rc;
}

/* How conditions are written. None may be NULL for any row. */

static void write_column(struct segment_sql *sql, const struct segment_node *test,
                         const char *column)
{
    segment_sql_add(sql, "(");
    segment_sql_add(sql, column);
    segment_sql_add(sql, " IS NOT NULL");
    if (test->op == SEGMENT_CONTAINS) {
        segment_sql_add(sql, " AND instr(");
        segment_sql_add(sql, column);
        segment_sql_add(sql, ", ");
        segment_sql_text(sql, test->values[0].text);
        segment_sql_add(sql, ") > 0");
    } else if (test->op != SEGMENT_EXISTS) {
        segment_sql_add(sql, " AND ");
        segment_sql_add(sql, column);
        segment_sql_add(sql, " IN ");
        segment_sql_texts(sql, test);
    }
    segment_sql_add(sql, ")");
}

static void write_email(struct segment_sql *sql, const struct segment_node *test)
{
    write_column(sql, test, "m.email_key");
}

static void write_name(struct segment_sql *sql, const struct segment_node *test)
{
    write_column(sql, test, "m.name_fold");
}

static void write_status(struct segment_sql *sql, const struct segment_node *test)
{
    write_column(sql, test, "m.delivery_state");
}

static void write_language(struct segment_sql *sql, const struct segment_node *test)
{
    unsigned seen = 0;

    if (test->op == SEGMENT_EXISTS) {
        segment_sql_add(sql, "m.languages <> ''");
        return;
    }
    segment_sql_add(sql, "(");
    for (size_t i = 0; i < test->value_count; i++) {
        unsigned bit = 1u << language_find_bytes(test->values[i].text + 1, 2);

        if ((seen & bit) == 0) {
            segment_sql_add(sql, seen == 0 ? "" : " OR ");
            segment_sql_add(sql, "instr(' ' || m.languages || ' ', ");
            segment_sql_text(sql, test->values[i].text);
            segment_sql_add(sql, ") > 0");
            seen |= bit;
        }
    }
    segment_sql_add(sql, ")");
}

static void write_zone(struct segment_sql *sql, const struct segment_node *test)
{
    if (test->op == SEGMENT_EXISTS) {
        segment_sql_add(sql, "m.tz IS NOT NULL");
        return;
    }
    segment_sql_add(sql, "ifnull(m.tz, ");
    segment_sql_text(sql, test->key);
    segment_sql_add(sql, ") IN ");
    segment_sql_texts(sql, test);
}

static void write_regions(struct segment_sql *sql, const struct segment_node *test,
                          const char *column)
{
    segment_sql_add(sql, column);
    segment_sql_add(sql, " IS NOT NULL");
    if (test->op != SEGMENT_EXISTS) {
        segment_sql_add(sql, " AND ");
        segment_sql_add(sql, column);
        segment_sql_add(sql, " IN (SELECT code FROM v_region_within WHERE within IN ");
        segment_sql_texts(sql, test);
        segment_sql_add(sql, ")");
    }
}

/* Opens a condition on the member's organisation. */
static void write_organisation_start(struct segment_sql *sql)
{
    segment_sql_add(sql, "(m.organisation IS NOT NULL AND m.organisation IN (SELECT ");
}

static void write_region(struct segment_sql *sql, const struct segment_node *test)
{
    segment_sql_add(sql, "(");
    write_regions(sql, test, "m.region");
    segment_sql_add(sql, " OR m.region IS NULL AND ");
    write_organisation_start(sql);
    segment_sql_add(sql, "o.id FROM organisation o WHERE ");
    write_regions(sql, test, "o.region");
    segment_sql_add(sql, ")))");
}

static void write_organisation(struct segment_sql *sql, const struct segment_node *test)
{
    if (test->op == SEGMENT_EXISTS) {
        segment_sql_add(sql, "m.organisation IS NOT NULL");
        return;
    }
    write_organisation_start(sql);
    segment_sql_add(sql, "o.id FROM organisation o WHERE ");
    write_column(sql, test, "o.name_fold");
    if (test->op != SEGMENT_CONTAINS) {
        segment_sql_add(sql, " OR ");
        write_column(sql, test, "o.registry_code");
    }
    segment_sql_add(sql, "))");
}

static void write_member_terms(struct segment_sql *sql, const struct segment_node *test)
{
    segment_sql_add(sql, "m.id IN (SELECT member FROM member_term WHERE vocabulary = ");
    segment_sql_text(sql, test->field->name);
    if (test->op != SEGMENT_EXISTS) {
        segment_sql_add(sql, " AND term IN ");
        segment_sql_texts(sql, test);
    }
    segment_sql_add(sql, ")");
}

static void write_kind(struct segment_sql *sql, const struct segment_node *test)
{
    segment_sql_add(sql, "(");
    write_member_terms(sql, test);
    segment_sql_add(sql, " OR ");
    write_organisation_start(sql);
    segment_sql_add(sql, "o.id FROM organisation o WHERE ");
    write_column(sql, test, "o.kind");
    segment_sql_add(sql, ")))");
}

static void write_sector(struct segment_sql *sql, const struct segment_node *test)
{
    segment_sql_add(sql, "(");
    write_member_terms(sql, test);
    segment_sql_add(sql, " OR ");
    write_organisation_start(sql);
    segment_sql_add(sql, "s.organisation FROM organisation_sector s WHERE ");
    write_column(sql, test, "s.term");
    segment_sql_add(sql, ")))");
}

static void write_joined(struct segment_sql *sql, const struct segment_node *test)
{
    const struct segment_value *value = test->values;

    switch (test->op) {
    case SEGMENT_LT:
        segment_sql_add(sql, "m.joined_at < ");
        segment_sql_int(sql, value->from);
        break;
    case SEGMENT_LE:
        segment_sql_add(sql, "m.joined_at < ");
        segment_sql_int(sql, value->to);
        break;
    case SEGMENT_GT:
        segment_sql_add(sql, "m.joined_at >= ");
        segment_sql_int(sql, value->to);
        break;
    case SEGMENT_GE:
        segment_sql_add(sql, "m.joined_at >= ");
        segment_sql_int(sql, value->from);
        break;
    default:
        segment_sql_add(sql, "(m.joined_at >= ");
        segment_sql_int(sql, value->from);
        segment_sql_add(sql, " AND m.joined_at < ");
        segment_sql_int(sql, value->to);
        segment_sql_add(sql, ")");
        break;
    }
}

static void write_attr(struct segment_sql *sql, const struct segment_node *test)
{
    segment_sql_add(sql, "m.id IN (SELECT member FROM member_attr WHERE key = ");
    segment_sql_text(sql, test->key);
    if (test->op == SEGMENT_CONTAINS) {
        segment_sql_add(sql, " AND instr(fold, ");
        segment_sql_text(sql, test->values[0].text);
        segment_sql_add(sql, ") > 0");
    } else if ((test->op & OPS_ORDER) != 0) {
        segment_sql_add(sql, " AND num IS NOT NULL AND num ");
        segment_sql_add(sql, segment_op_name(test->op));
        segment_sql_add(sql, " ");
        segment_sql_real(sql, test->values[0].num);
    } else if (test->op != SEGMENT_EXISTS) {
        segment_sql_add(sql, " AND fold IN ");
        segment_sql_texts(sql, test);
    }
    segment_sql_add(sql, ")");
}

static void write_subscribed(struct segment_sql *sql, const struct segment_node *test)
{
    segment_sql_add(sql, "m.id IN (SELECT s.member FROM subscription s JOIN list l "
                         "ON l.id = s.list WHERE s.state = 'active' AND l.slug = ");
    segment_sql_text(sql, test->key);
    segment_sql_add(sql, ")");
}

static void write_invited(struct segment_sql *sql, const struct segment_node *test)
{
    segment_sql_add(sql, "m.id IN (SELECT member FROM v_invitation WHERE slug = ");
    segment_sql_text(sql, test->key);
    if (test->value_count > 0) {
        segment_sql_add(sql, " AND answer IN ");
        segment_sql_texts(sql, test);
    }
    segment_sql_add(sql, ")");
}

static void write_received(struct segment_sql *sql, const struct segment_node *test)
{
    segment_sql_add(sql, "m.id IN (SELECT member FROM v_received WHERE subject = ");
    segment_sql_text(sql, test->key);
    segment_sql_add(sql, ")");
}

/* A member without a zone lives in the site's. */
static int name_zone(const struct segment_scope *scope, struct arena *arena, const char *text,
                     struct segment_node *test, struct err *err)
{
    (void)text;
    test->key = arena_strdup(arena, scope->config->site.timezone);
    return test->key == NULL ? err_nomem(err) : 0;
}

static const struct segment_field fields[] = {
    {"email", OPS_TEXT, false, false, read_email, NULL, write_email},
    {"name", OPS_TEXT, false, false, read_fold, NULL, write_name},
    {"language", OPS_SET, false, false, read_language, NULL, write_language},
    {"timezone", OPS_SET, false, false, read_zone, name_zone, write_zone},
    {"region", OPS_SET, false, false, read_region, NULL, write_region},
    {"organisation", OPS_TEXT, false, false, read_fold, NULL, write_organisation},
    {"kind", OPS_SET, false, false, read_term, NULL, write_kind},
    {"sector", OPS_SET, false, false, read_term, NULL, write_sector},
    {"tag", OPS_SET, false, false, read_term, NULL, write_member_terms},
    {"joined", SEGMENT_EQ | SEGMENT_NE | OPS_ORDER, false, false, read_day, NULL, write_joined},
    {"status", SEGMENT_EQ | SEGMENT_NE | SEGMENT_IN, false, false, read_status, NULL, write_status},
    {"subscribed", 0, true, true, NULL, name_list, write_subscribed},
    {"invited", 0, true, true, NULL, name_event, write_invited},
    {"received", 0, true, true, NULL, name_letter, write_received},
    {"rsvp", SEGMENT_EQ | SEGMENT_NE | SEGMENT_IN, true, false, read_answer, name_event,
     write_invited},
};

static const struct segment_field attr_field = {
    ATTR_PREFIX, OPS_TEXT | OPS_ORDER, false, false, read_attr, name_attr, write_attr};

const struct segment_field *segment_field_find(const char *name)
{
    if (strncmp(name, ATTR_PREFIX, strlen(ATTR_PREFIX)) == 0) {
        return &attr_field;
    }
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (strcmp(name, fields[i].name) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

int segment_field_unknown(const struct segment_scope *scope, struct arena *arena, const char *name,
                          struct err *err)
{
    const struct site *site = &scope->config->site;
    struct suggest suggest;

    if (site_attribute_find(site, name) != NULL) {
        return err_set(err, ERR_INVALID, "no field '%.60s'; did you mean 'attr.%.60s'?", name,
                       name);
    }
    suggest_start(&suggest, name);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        suggest_offer(&suggest, fields[i].name);
    }
    for (size_t i = 0; i < site->attribute_count; i++) {
        suggest_offer(&suggest, arena_printf(arena, ATTR_PREFIX "%s", site->attributes[i].key));
    }
    return err_set(err, ERR_INVALID, "no field '%.100s'%s", name, suggest_hint(&suggest));
}
