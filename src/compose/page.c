/* page.c - see teataja/compose/page.h. */
#include "teataja/compose/page.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "frozen.h"
#include "sql/compose/page.h"
#include "teataja/base/limits.h"

/* Where the links of a public page lead. */
struct page_links {
    const char *web;
    const char *self;
    int64_t mailing;
};

static int hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : toupper((unsigned char)c) - 'A' + 10;
}

/* What compose/qp.h encoded: soft breaks go, CRLF becomes LF. */
static void add_decoded(struct str *out, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] == '=' && i + 2 < len && data[i + 1] == '\r') {
            i += 2;
        } else if (data[i] == '=' && i + 2 < len) {
            str_add_char(out, (char)(hex(data[i + 1]) * 16 + hex(data[i + 2])));
            i += 2;
        } else if (data[i] != '\r') {
            str_add_char(out, data[i]);
        }
    }
}

/* The rendered text as it was before it was cut, slots as their characters. */
static void join_pieces(const struct pieces *pieces, struct str *out)
{
    for (size_t i = 0; i < pieces->count; i++) {
        const struct piece *piece = &pieces->items[i];

        if (piece->kind == PIECE_SLOT) {
            str_add(out, slot_text(piece->slot));
        } else {
            add_decoded(out, piece->data, piece->len);
        }
    }
}

/* Pictures come from us instead of with the message. */
static void link_pictures(const char *html, const struct page_links *links, struct str *out)
{
    static const char mark[] = "src=\"cid:";
    const char *found;

    while ((found = strstr(html, mark)) != NULL) {
        str_add_bytes(out, html, (size_t)(found - html));
        str_addf(out, "src=\"%s/picture/%" PRId64 "/", links->web, links->mailing);
        html = found + strlen(mark);
    }
    str_add(out, html);
}

static int fill_public(struct arena *arena, const struct frozen *frozen,
                       const struct page_links *links, struct str *out, struct err *err)
{
    static const struct piece_options options = {.html = true, .nameless = true};
    const struct slot_values values = {
        .value = {[SLOT_LEAVE] = arena_printf(arena, "%s/leave", links->web),
                  [SLOT_PREFERENCES] = arena_printf(arena, "%s/preferences", links->web),
                  [SLOT_VIEW] = links->self,
                  [SLOT_YES] = arena_printf(arena, "%s/answer", links->web),
                  [SLOT_MAYBE] = arena_printf(arena, "%s/answer", links->web),
                  [SLOT_NO] = arena_printf(arena, "%s/answer", links->web)}};
    struct str joined;
    int rc;

    str_init(&joined, LIMIT_MESSAGE);
    join_pieces(&frozen->html, &joined);
    rc = str_check(&joined, err);
    if (rc == 0) {
        rc = piece_fill_plain(joined.data, joined.len, &options, &values, out, err);
    }
    str_release(&joined);
    return rc;
}

static int make_html(struct arena *arena, const struct frozen *frozen,
                     const struct page_links *links, struct page_letter *out, struct err *err)
{
    struct str filled;
    struct str html;
    int rc;

    str_init(&filled, LIMIT_MESSAGE);
    str_init(&html, LIMIT_MESSAGE);
    rc = fill_public(arena, frozen, links, &filled, err);
    if (rc == 0) {
        link_pictures(filled.data, links, &html);
        rc = str_check(&html, err);
    }
    if (rc == 0) {
        out->html = arena_strndup(arena, html.data, html.len);
        out->html_len = html.len;
        rc = out->html != NULL ? 0 : err_nomem(err);
    }
    str_release(&filled);
    str_release(&html);
    return rc;
}

static int make_subject(struct arena *arena, const struct frozen *frozen, const char **out,
                        struct err *err)
{
    static const struct slot_values none = {0};
    struct str subject;
    int rc;

    str_init(&subject, LIMIT_TEXT);
    rc = piece_fill_line(frozen->subject, &none, &subject, err);
    if (rc == 0) {
        *out = arena_strdup(arena, subject.data);
        rc = *out != NULL ? 0 : err_nomem(err);
    }
    str_release(&subject);
    return rc;
}

static int read_variant(struct db *db, struct arena *arena, int64_t variant, enum language *lang,
                        struct frozen *out, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_PAGE_VARIANT, &stmt, err);

    if (rc == 0) {
        rc = db_bind_int(stmt, 1, variant, err);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 0) {
        rc = err_set(err, ERR_NOT_FOUND, "there is no variant %" PRId64, variant);
    } else if (rc == 1) {
        size_t len = 0;
        const void *pieces = db_bytes(stmt, 1, &len);

        *lang = language_find(db_text(stmt, 0));
        rc = frozen_read(arena, pieces, len, out, err);
    }
    db_stmt_free(stmt);
    return rc;
}

static int make_letter(struct db *db, struct arena *arena, int64_t variant,
                       const struct page_links *links, struct page_letter *out, struct err *err)
{
    struct frozen frozen = {0};
    int rc = read_variant(db, arena, variant, &out->language, &frozen, err);

    rc = rc < 0 ? rc : make_subject(arena, &frozen, &out->subject, err);
    return rc < 0 ? rc : make_html(arena, &frozen, links, out, err);
}

int page_letter_of_row(struct db *db, struct arena *arena, int64_t row, const char *web,
                       const char *self, struct page_letter *out, struct err *err)
{
    struct page_links links = {.web = web, .self = self};
    struct db_stmt *stmt = NULL;
    int64_t variant = 0;
    int rc = db_query(db, SQL_PAGE_ROW, &stmt, err);

    if (rc == 0) {
        rc = db_bind_int(stmt, 1, row, err);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 0) {
        rc = err_set(err, ERR_NOT_FOUND, "there is no letter %" PRId64, row);
    } else if (rc == 1) {
        links.mailing = db_int(stmt, 0);
        variant = db_int(stmt, 1);
        rc = 0;
    }
    db_stmt_free(stmt);
    return rc < 0 ? rc : make_letter(db, arena, variant, &links, out, err);
}

/* The variant in the first of the languages that has one, else the fullest. */
static int find_edition(struct db *db, int64_t mailing, const enum language *languages,
                        size_t language_count, int64_t *out, struct err *err)
{
    struct db_stmt *stmt = NULL;
    size_t best = language_count + 1;
    int rc = db_query(db, SQL_PAGE_EDITIONS, &stmt, err);

    if (rc == 0) {
        rc = db_bind_int(stmt, 1, mailing, err);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        enum language language = language_find(db_text(stmt, 0));
        size_t rank = 0;

        while (rank < language_count && languages[rank] != language) {
            rank++;
        }
        if (rank < best) {
            best = rank;
            *out = db_int(stmt, 1);
        }
        rc = 0;
    }
    db_stmt_free(stmt);
    if (rc == 0 && best > language_count) {
        rc = err_set(err, ERR_NOT_FOUND, "mailing %" PRId64 " has no edition", mailing);
    }
    return rc;
}

/* Rows of the archive, subjects still to come. */
static int list_archived(struct db *db, struct arena *arena, const char *list, size_t most,
                         struct page_entry *entries, int64_t *mailings, size_t *count,
                         struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_PAGE_ARCHIVED, &stmt, err);

    if (rc == 0) {
        rc = db_bind(stmt, err, "ti", list, (int64_t)most);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        mailings[*count] = db_int(stmt, 0);
        entries[*count] =
            (struct page_entry){.uid = db_dup(stmt, 1, arena), .date = db_int(stmt, 2)};
        rc = entries[*count].uid != NULL ? 0 : err_nomem(err);
        *count += 1;
    }
    db_stmt_free(stmt);
    return rc;
}

int page_archive(struct db *db, struct arena *arena, const char *list,
                 const enum language *languages, size_t language_count, size_t most,
                 struct page_entry **out, size_t *count, struct err *err)
{
    struct page_entry *entries = arena_alloc(arena, most + 1, sizeof(*entries));
    int64_t *mailings = arena_alloc(arena, most + 1, sizeof(*mailings));
    size_t listed = 0;
    int rc;

    *count = 0;
    *out = entries;
    if (entries == NULL || mailings == NULL) {
        return err_nomem(err);
    }
    rc = list_archived(db, arena, list, most, entries, mailings, &listed, err);
    for (size_t i = 0; rc == 0 && i < listed; i++) {
        struct page_entry entry = entries[i];
        struct frozen frozen = {0};
        int64_t variant = 0;

        rc = find_edition(db, mailings[i], languages, language_count, &variant, err);
        if (rc == ERR_NOT_FOUND) {
            rc = 0; /* nobody was to get it */
            continue;
        }
        rc = rc < 0 ? rc : read_variant(db, arena, variant, &entry.language, &frozen, err);
        rc = rc < 0 ? rc : make_subject(arena, &frozen, &entry.subject, err);
        entries[(*count)++] = entry;
    }
    return rc;
}

int page_letter_of_archive(struct db *db, struct arena *arena, const char *list, const char *uid,
                           const enum language *languages, size_t language_count, const char *web,
                           const char *self, struct page_letter *out, struct err *err)
{
    struct page_links links = {.web = web, .self = self};
    int64_t variant = 0;
    int rc = db_get_int(db, SQL_PAGE_ARCHIVED_ONE, &links.mailing, err, "tt", list, uid);

    if (rc == 0) {
        return err_set(err, ERR_NOT_FOUND, "list '%s' has no such letter", list);
    }
    rc = rc < 0 ? rc : find_edition(db, links.mailing, languages, language_count, &variant, err);
    return rc < 0 ? rc : make_letter(db, arena, variant, &links, out, err);
}

int page_picture_find(struct db *db, struct arena *arena, int64_t mailing, const char *cid,
                      struct page_picture *out, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_PAGE_PICTURE, &stmt, err);

    if (rc == 0) {
        rc = db_bind(stmt, err, "it", mailing, cid);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 0) {
        rc = err_set(err, ERR_NOT_FOUND, "mailing %" PRId64 " has no such picture", mailing);
    } else if (rc == 1) {
        const void *bytes = db_bytes(stmt, 1, &out->len);
        char *copy = arena_alloc(arena, 1, out->len + 1);

        out->type = db_dup(stmt, 0, arena);
        rc = copy != NULL && out->type != NULL ? 0 : err_nomem(err);
        if (copy != NULL && bytes != NULL) {
            memcpy(copy, bytes, out->len);
        }
        out->data = copy;
    }
    db_stmt_free(stmt);
    return rc;
}

int page_picture_list(struct db *db, struct arena *arena, int64_t mailing, const char ***cids,
                      size_t *count, struct err *err)
{
    struct db_stmt *stmt = NULL;
    size_t capacity = 0;
    int rc = db_query(db, SQL_PAGE_PICTURES, &stmt, err);

    *cids = NULL;
    *count = 0;
    if (rc == 0) {
        rc = db_bind_int(stmt, 1, mailing, err);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = arena_grow(arena, cids, &capacity, *count, sizeof(**cids), err);
        if (rc == 0) {
            (*cids)[*count] = db_dup(stmt, 0, arena);
            rc = (*cids)[*count] != NULL ? 0 : err_nomem(err);
            *count += 1;
        }
    }
    db_stmt_free(stmt);
    return rc;
}

/* The fullest variant of each language; 0 where there is none. */
static int find_variants(struct db *db, int64_t mailing, int64_t variants[LANG_COUNT],
                         struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_PAGE_EDITIONS, &stmt, err);

    if (rc == 0) {
        rc = db_bind_int(stmt, 1, mailing, err);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        enum language language = language_find(db_text(stmt, 0));

        if (language != LANG_NONE && variants[language] == 0) {
            variants[language] = db_int(stmt, 1);
        }
        rc = 0;
    }
    db_stmt_free(stmt);
    return rc;
}

int page_letters_of_mailing(struct db *db, struct arena *arena, int64_t mailing, const char *web,
                            const char *self, struct page_letter **out, size_t *count,
                            struct err *err)
{
    const struct page_links links = {.web = web, .self = self, .mailing = mailing};
    int64_t variants[LANG_COUNT] = {0};
    int rc = find_variants(db, mailing, variants, err);

    *count = 0;
    *out = arena_alloc(arena, LANG_COUNT, sizeof(**out));
    if (*out == NULL) {
        return err_nomem(err);
    }
    for (size_t language = 0; rc == 0 && language < LANG_COUNT; language++) {
        if (variants[language] != 0) {
            rc = make_letter(db, arena, variants[language], &links, &(*out)[*count], err);
            *count += 1;
        }
    }
    return rc;
}
