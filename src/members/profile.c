#include "teataja/members/profile.h"

#include <inttypes.h>
#include <string.h>

#include "member_row.h"
#include "sql/members/profile.h"
#include "teataja/db/db.h"

/* The region and all that it lies in, by the configuration: it is what the
 * tables were brought in step with, and needs no query. */
static int profile_regions(const struct members *members, struct arena *arena, const char *code,
                           struct member_terms *out, struct err *err)
{
    const struct regions *regions = &members->config->regions;
    struct err own = {0};
    const struct region *home = code != NULL ? region_find(regions, code, &own) : NULL;
    const char **codes = NULL;
    size_t count = 0;

    out->items = NULL;
    out->count = 0;
    if (home == NULL) {
        return own.code == ERR_NOMEM ? err_nomem(err) : 0;
    }
    for (size_t i = 0; i < regions->count; i++) {
        count += region_is_within(home, &regions->items[i]);
    }
    codes = arena_alloc(arena, count + 1, sizeof(*codes));
    if (codes == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < regions->count; i++) {
        if (region_is_within(home, &regions->items[i])) {
            size_t at = out->count++;

            while (at > 0 && strcmp(codes[at - 1], regions->items[i].code) > 0) {
                codes[at] = codes[at - 1];
                at--;
            }
            codes[at] = regions->items[i].code;
        }
    }
    out->items = codes;
    return 0;
}

/* Adds a term where it belongs in the order, once. */
static void profile_add_term(const char **items, size_t *count, const char *term)
{
    size_t at = *count;

    while (at > 0 && strcmp(items[at - 1], term) > 0) {
        at--;
    }
    if (at > 0 && strcmp(items[at - 1], term) == 0) {
        return;
    }
    memmove(&items[at + 1], &items[at], (*count - at) * sizeof(*items));
    items[at] = term;
    *count += 1;
}

static size_t profile_count_words(const char *text)
{
    size_t count = *text != '\0';

    for (; *text != '\0'; text++) {
        count += *text == ' ';
    }
    return count;
}

/* Takes the first word off a text; NULL at its end. */
static char *profile_take_word(char **text)
{
    char *word = *text;

    if (*word == '\0') {
        return NULL;
    }
    *text += strcspn(word, " ");
    if (**text != '\0') {
        *(*text)++ = '\0';
    }
    return word;
}

/* The member's own terms, and the organisation's kind and sectors. */
static bool profile_terms(struct arena *arena, struct db_stmt *stmt, struct member_profile *out)
{
    static const char *const names[] = {"kind=", "sector=", "tag="};
    struct member_terms *const terms[] = {&out->kinds, &out->sectors, &out->tags};
    size_t most = profile_count_words(db_text(stmt, 10)) + profile_count_words(db_text(stmt, 11)) +
                  profile_count_words(db_text(stmt, 12));
    const char **items[3];
    char *own = arena_strdup(arena, db_text(stmt, 10));
    char *kind = arena_strdup(arena, db_text(stmt, 11));
    char *sectors = arena_strdup(arena, db_text(stmt, 12));
    char *word;

    if (most == 0) {
        return true;
    }
    for (size_t i = 0; i < 3; i++) {
        items[i] = arena_alloc(arena, most, sizeof(*items[i]));
        if (items[i] == NULL || own == NULL || kind == NULL || sectors == NULL) {
            return false;
        }
    }
    while ((word = profile_take_word(&own)) != NULL) {
        for (size_t i = 0; i < 3; i++) {
            if (strncmp(word, names[i], strlen(names[i])) == 0) {
                profile_add_term(items[i], &terms[i]->count, word + strlen(names[i]));
            }
        }
    }
    if (*kind != '\0') {
        profile_add_term(items[0], &terms[0]->count, kind);
    }
    while ((word = profile_take_word(&sectors)) != NULL) {
        profile_add_term(items[1], &terms[1]->count, word);
    }
    for (size_t i = 0; i < 3; i++) {
        terms[i]->items = items[i];
    }
    return true;
}

static bool profile_fill(const struct members *members, struct arena *arena, struct db_stmt *stmt,
                         struct member_profile *out)
{
    const char *state = db_text(stmt, 9);

    out->id = db_int(stmt, 0);
    out->uid = db_dup(stmt, 1, arena);
    out->email = db_dup(stmt, 2, arena);
    out->name = arena_strdup(arena, db_text(stmt, 3));
    out->language_count = member_row_languages(db_text(stmt, 4), out->languages);
    out->tz = db_is_null(stmt, 5) ? members->config->site.timezone : db_dup(stmt, 5, arena);
    out->region = db_dup(stmt, 6, arena);
    out->organisation = arena_strdup(arena, db_text(stmt, 7));
    out->epoch = db_int(stmt, 8);
    out->delivery = strcmp(state, "active") == 0     ? MEMBER_ACTIVE
                    : strcmp(state, "bouncing") == 0 ? MEMBER_BOUNCING
                                                     : MEMBER_SUPPRESSED;
    return profile_terms(arena, stmt, out) && out->uid != NULL && out->email != NULL &&
           out->name != NULL && out->tz != NULL && out->organisation != NULL;
}

int member_profile_get(const struct members *members, struct arena *arena, int64_t id,
                       struct member_profile *out, struct err *err)
{
    struct db_stmt *stmt = NULL;
    bool has_attrs = false;
    int rc = db_query(members->db, SQL_PROFILE_ROW, &stmt, err);

    memset(out, 0, sizeof(*out));
    if (rc == 0) {
        rc = db_bind_int(stmt, 1, id, err);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
        if (rc == 0) {
            rc = err_set(err, ERR_NOT_FOUND, "no member %" PRId64, id);
        }
    }
    if (rc == 1) {
        has_attrs = db_int(stmt, 13) != 0;
        rc = profile_fill(members, arena, stmt, out) ? 0 : err_nomem(err);
    }
    db_stmt_free(stmt);
    if (rc == 0) {
        rc = profile_regions(members, arena, out->region, &out->regions, err);
    }
    return rc < 0 || !has_attrs
               ? rc
               : member_row_attrs(members, arena, id, &out->attrs, &out->attr_count, err);
}
