#include "teataja/compose/tally.h"

#include <string.h>

#include "sql/compose/tally.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/delivery/reply.h"
#include "teataja/render/format.h"

/* Who leaves later than this after a letter leaves for another reason. */
#define LEAVE_WINDOW (30 * CLOCK_DAY)

const char *tally_section_name(enum tally_section section)
{
    static const char *const names[TALLY_SECTIONS] = {"mailing", "language", "region", "kind",
                                                      "sector"};

    return names[section];
}

static int count_totals(struct db *db, const struct tally_scope *scope, struct tally *out,
                        struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_TALLY_TOTALS, &stmt, err);

    if (rc == 0) {
        rc = db_bind(stmt, err, "iii", scope->mailing, scope->from, scope->until);
    }
    if (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        out->mailings = db_int(stmt, 0);
        out->recipients = db_int(stmt, 1);
        out->delivered = db_int(stmt, 2);
        out->deferred = db_int(stmt, 3);
        out->suppressed = db_int(stmt, 4);
        out->unknown = db_int(stmt, 5);
        out->members = db_int(stmt, 6);
    }
    db_stmt_free(stmt);
    rc = rc < 0 ? rc
                : db_get_int(db, SQL_TALLY_ORGANISATIONS, &out->organisations, err, "iii",
                             scope->mailing, scope->from, scope->until);
    return rc < 0 ? rc : 0;
}

static int count_failed(struct db *db, const struct tally_scope *scope, struct tally *out,
                        struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_TALLY_FAILED, &stmt, err);

    if (rc == 0) {
        rc = db_bind(stmt, err, "iii", scope->mailing, scope->from, scope->until);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        switch (reply_class_of((int)db_int(stmt, 0), db_text(stmt, 1), db_text(stmt, 2))) {
        case REPLY_HARD:
            out->hard++;
            break;
        case REPLY_SOFT:
            out->soft++;
            break;
        case REPLY_OK:
        case REPLY_POLICY:
            out->policy++;
            break;
        }
        rc = 0;
    }
    db_stmt_free(stmt);
    return rc;
}

static int count_left(struct db *db, const struct tally_scope *scope, struct tally *out,
                      struct err *err)
{
    int rc = scope->mailing != 0 ? db_get_int(db, SQL_TALLY_LEFT_MAILING, &out->left, err, "ii",
                                              scope->mailing, (int64_t)LEAVE_WINDOW)
                                 : db_get_int(db, SQL_TALLY_LEFT_PERIOD, &out->left, err, "ii",
                                              scope->from, scope->until);

    return rc < 0 ? rc : 0;
}

static const char *name_of_language(struct arena *arena, const char *key, enum language language)
{
    struct format *format = NULL;
    struct str name;
    const char *out = key;

    str_init(&name, LIMIT_VALUE);
    if (language_find(key) != LANG_NONE && format_open(language, &format, NULL) == 0 &&
        format_language_name(format, key, &name, NULL) == 0) {
        out = arena_strdup(arena, name.data);
    }
    format_close(format);
    str_release(&name);
    return out;
}

static const char *name_of(const struct config *config, enum tally_section section, const char *key,
                           enum language language, struct arena *arena)
{
    const struct vocabulary *vocabulary = section == TALLY_KIND
                                              ? &config->site.vocabularies.kinds
                                              : &config->site.vocabularies.sectors;
    const struct region *region;
    const struct schema_term *term;

    switch (section) {
    case TALLY_LANGUAGE:
        return name_of_language(arena, key, language);
    case TALLY_REGION:
        region = region_find(&config->regions, key, NULL);
        return region != NULL ? lang_text_get(&region->name, language, LANG_NONE) : key;
    case TALLY_KIND:
    case TALLY_SECTOR:
        term = site_term_find(vocabulary, key, NULL);
        return term != NULL ? schema_term_name(term, language, LANG_NONE) : key;
    case TALLY_MAILING:
    case TALLY_SECTIONS:
        break;
    }
    return key;
}

static int query_section(struct db *db, const struct tally_scope *scope, enum tally_section section,
                         struct db_stmt **stmt, struct err *err)
{
    const struct db_sql *sql = section == TALLY_MAILING    ? SQL_TALLY_BY_MAILING
                               : section == TALLY_LANGUAGE ? SQL_TALLY_BY_LANGUAGE
                                                           : SQL_TALLY_BY_GROUP;
    int rc = db_query(db, sql, stmt, err);

    if (rc == 0) {
        rc = db_bind(*stmt, err, "iii", scope->mailing, scope->from, scope->until);
    }
    if (rc == 0 && sql == SQL_TALLY_BY_GROUP) {
        rc = db_bind_text(*stmt, 4, tally_section_name(section), err);
    }
    return rc;
}

static int count_section(struct db *db, const struct config *config,
                         const struct tally_scope *scope, enum tally_section section,
                         enum language language, struct arena *arena, struct tally *out,
                         struct err *err)
{
    struct tally_line **lines = &out->sections[section].lines;
    size_t *count = &out->sections[section].count;
    size_t capacity = 0;
    struct db_stmt *stmt = NULL;
    int rc = query_section(db, scope, section, &stmt, err);

    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        struct tally_line *line;

        rc = arena_grow(arena, lines, &capacity, *count, sizeof(**lines), err);
        if (rc < 0) {
            break;
        }
        line = &(*lines)[(*count)++];
        line->key = db_dup(stmt, 0, arena);
        line->name =
            db_is_null(stmt, 1)
                ? name_of(config, section, line->key != NULL ? line->key : "", language, arena)
                : db_dup(stmt, 1, arena);
        line->recipients = db_int(stmt, 2);
        line->delivered = db_int(stmt, 3);
        line->members = db_int(stmt, 4);
        rc = line->key == NULL || line->name == NULL ? err_nomem(err) : 0;
    }
    db_stmt_free(stmt);
    return rc;
}

int tally_count(struct db *db, const struct config *config, const struct tally_scope *scope,
                enum language language, struct arena *arena, struct tally *out, struct err *err)
{
    int rc = db_begin_read(db, err);

    memset(out, 0, sizeof(*out));
    if (rc < 0) {
        return rc;
    }
    rc = count_totals(db, scope, out, err);
    rc = rc < 0 ? rc : count_failed(db, scope, out, err);
    rc = rc < 0 ? rc : count_left(db, scope, out, err);
    for (enum tally_section section = 0; rc == 0 && section < TALLY_SECTIONS; section++) {
        rc = count_section(db, config, scope, section, language, arena, out, err);
    }
    db_rollback(db);
    return rc;
}
