#include "teataja/members/sync.h"

#include <inttypes.h>
#include <string.h>

#include "act.h"
#include "member_value.h"
#include "sql/members/sync.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/base/suggest.h"
#include "teataja/base/token.h"

/* A digest of all that is written into the tables: unit separators keep
 * neighbours apart. */
static int sync_digest(const struct regions *regions, char digest[33], struct err *err)
{
    struct str text;
    int rc = 0;

    str_init(&text, (size_t)LIMIT_FILE * 4);
    for (size_t i = 0; i < regions->count; i++) {
        const struct region *region = &regions->items[i];

        str_addf(&text, "%s\x1f%s", region->code,
                 region->parent_code != NULL ? region->parent_code : "");
        for (int lang = 0; lang < LANG_COUNT; lang++) {
            const char *name = region->name.text[lang];

            str_addf(&text, "\x1f%s", name != NULL ? name : "");
        }
        for (size_t k = 0; k < region->alias_count; k++) {
            str_addf(&text, "\x1f%s", region->aliases[k]);
        }
        str_add_char(&text, '\x1d');
        for (size_t k = 0; k < region->member_count; k++) {
            str_addf(&text, "\x1f%s", region->members[k]->code);
        }
        str_add_char(&text, '\x1e');
    }
    rc = str_check(&text, err);
    token_digest(text.data, text.len, digest);
    str_release(&text);
    return rc;
}

static int sync_is_new(struct db *db, const char *digest, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_SYNC_DIGEST, &stmt, err);

    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc >= 0) {
        rc = rc == 1 && strcmp(db_text(stmt, 0), digest) == 0 ? 0 : 1;
    }
    db_stmt_free(stmt);
    return rc;
}

static int sync_add_name(struct db *db, struct arena *arena, const char *code, const char *lang,
                         const char *name, struct err *err)
{
    const char *fold = NULL;
    int rc = member_value_fold(arena, name, &fold, err);

    return rc < 0 ? rc : db_exec(db, SQL_SYNC_ADD_NAME, err, "tttt", code, lang, name, fold);
}

static int sync_add_names(struct db *db, struct arena *arena, const struct region *region,
                          struct err *err)
{
    struct arena_mark mark = arena_mark(arena);
    int rc = 0;

    for (int lang = 0; rc == 0 && lang < LANG_COUNT; lang++) {
        if (region->name.text[lang] != NULL) {
            rc = sync_add_name(db, arena, region->code, language_tag((enum language)lang),
                               region->name.text[lang], err);
        }
    }
    for (size_t i = 0; rc == 0 && i < region->alias_count; i++) {
        rc = sync_add_name(db, arena, region->code, "alias", region->aliases[i], err);
    }
    arena_rewind(arena, mark);
    return rc;
}

/* A region that is in the table but not in the file any more. */
static int sync_retire(const struct members *members, const char *code, int64_t users,
                       struct err *err)
{
    struct db *db = members->db;
    struct err own = {0};
    const struct region *heir = region_find(&members->config->regions, code, &own);
    int rc = 0;

    if (own.code == ERR_NOMEM) {
        return err_nomem(err);
    }
    if (users > 0 && heir == NULL) {
        return err_set(err, ERR_STATE,
                       "%s has no '%s' any more, but %" PRId64 " members and organisations are "
                       "there; make it an alias of the region in its place",
                       REGIONS_FILE, code, users);
    }
    if (users > 0) {
        rc = db_exec(db, SQL_SYNC_MOVE_MEMBERS, err, "tti", code, heir->code, clock_now());
        if (rc == 0) {
            rc = db_exec(db, SQL_SYNC_MOVE_ORGANISATIONS, err, "tt", code, heir->code);
        }
    }
    return rc == 0 ? db_exec(db, SQL_SYNC_DROP_REGION, err, "t", code) : rc;
}

static bool sync_is_declared(const struct regions *regions, const char *code)
{
    for (size_t i = 0; i < regions->count; i++) {
        if (strcmp(regions->items[i].code, code) == 0) {
            return true;
        }
    }
    return false;
}

static int sync_retire_all(const struct members *members, struct arena *arena, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(members->db, SQL_SYNC_REGIONS, &stmt, err);

    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        const char *code = db_dup(stmt, 0, arena);

        rc = 0;
        if (code == NULL) {
            rc = err_nomem(err);
        } else if (!sync_is_declared(&members->config->regions, code)) {
            rc = sync_retire(members, code, db_int(stmt, 1), err);
        }
        if (rc < 0) {
            break;
        }
    }
    db_stmt_free(stmt);
    return rc;
}

static int sync_regions(const struct members *members, struct arena *arena, const char *digest,
                        struct err *err)
{
    const struct regions *regions = &members->config->regions;
    struct db *db = members->db;
    int rc = db_exec(db, SQL_SYNC_CLEAR_NAMES, err, "");

    if (rc == 0) {
        rc = db_exec(db, SQL_SYNC_CLEAR_GROUPS, err, "");
    }
    for (size_t i = 0; rc == 0 && i < regions->count; i++) {
        const struct region *region = &regions->items[i];

        rc = db_exec(db, SQL_SYNC_ADD_REGION, err, "tt", region->code, region->parent_code);
        if (rc == 0) {
            rc = sync_add_names(db, arena, region, err);
        }
        for (size_t k = 0; rc == 0 && k < region->member_count; k++) {
            rc = db_exec(db, SQL_SYNC_ADD_GROUP, err, "tt", region->code, region->members[k]->code);
        }
    }
    if (rc == 0) {
        rc = sync_retire_all(members, arena, err);
    }
    return rc == 0 ? db_exec(db, SQL_SYNC_SET_DIGEST, err, "t", digest) : rc;
}

/* Adds the lists that are new, and refuses the loss of one that is in use; one
 * that nobody is on may stay behind. Returns how many are new if `count_only`. */
static int sync_lists(const struct members *members, bool count_only, struct err *err)
{
    const struct site *site = &members->config->site;
    struct db_stmt *stmt = NULL;
    int missing = 0;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < site->list_count; i++) {
        int64_t id = 0;

        rc = db_get_int(members->db, SQL_LIST_ID, &id, err, "t", site->lists[i].slug);
        if (rc == 0) {
            missing++;
            rc = count_only
                     ? 0
                     : db_exec(members->db, SQL_SYNC_ADD_LIST, err, "t", site->lists[i].slug);
        } else if (rc == 1) {
            rc = 0;
        }
    }
    if (rc < 0) {
        return rc;
    }
    rc = db_query(members->db, SQL_SYNC_LISTS, &stmt, err);
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = 0;
        if (db_int(stmt, 2) > 0 && site_list_find(site, db_text(stmt, 0)) == NULL) {
            rc = err_set(err, ERR_STATE,
                         "%s has no list '%s' any more, but %" PRId64 " members are on it",
                         SITE_FILE, db_text(stmt, 0), db_int(stmt, 2));
        }
    }
    db_stmt_free(stmt);
    return rc < 0 ? rc : missing;
}

int members_sync(const struct members *members, struct err *err)
{
    struct arena *arena = NULL;
    struct act act = {0};
    char digest[33];
    int regions = 0;
    int lists = 0;
    int rc = sync_digest(&members->config->regions, digest, err);

    if (rc == 0) {
        rc = lists = sync_lists(members, true, err);
    }
    if (rc >= 0) {
        rc = regions = sync_is_new(members->db, digest, err);
    }
    if (rc < 0 || (lists == 0 && regions == 0)) {
        return rc;
    }
    arena = arena_new(LIMIT_ARENA_WORK);
    if (arena == NULL) {
        return err_nomem(err);
    }
    rc = act_begin(&act, members->db, err);
    if (rc == 0) {
        rc = sync_lists(members, false, err);
    }
    if (rc >= 0) {
        rc = regions == 0 ? 0 : sync_regions(members, arena, digest, err);
    }
    rc = act_end(&act, rc, err);
    arena_free(arena);
    return rc;
}

int list_find(const struct members *members, const char *slug, int64_t *id, struct err *err)
{
    const struct site *site = &members->config->site;
    struct suggest suggest;
    int rc = 0;

    if (site_list_find(site, slug) != NULL) {
        rc = db_get_int(members->db, SQL_LIST_ID, id, err, "t", slug);
        if (rc != 0) {
            return rc < 0 ? rc : 0;
        }
    }
    suggest_start(&suggest, slug);
    for (size_t i = 0; i < site->list_count; i++) {
        suggest_offer(&suggest, site->lists[i].slug);
    }
    return err_set(err, ERR_NOT_FOUND, "no list '%.100s'%s", slug, suggest_hint(&suggest));
}
