/* teataja/compose/page.h - letters that went out, as web pages for anybody.
 *
 * The frozen HTML of a mailing without what is one member's own: the greeting has no
 * name, and links to leave, to preferences and to answers lead to pages that say where
 * the reader's own links are. Whoever was handed a letter's link by a friend can read
 * the letter, and nothing of the friend's.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/db/db.h"

struct page_letter {
    enum language language;
    const char *subject;
    const char *html; /* images at <web>/picture/<mailing>/<content id> */
    size_t html_len;
};

/* The letter of an outbox row. `web` is the site's web.url, `self` the link to this page.
 * ERR_NOT_FOUND if there is no such row (any more), ERR_CORRUPT. In the arena. */
int page_letter_of_row(struct db *db, struct arena *arena, int64_t row, const char *web,
                       const char *self, struct page_letter *out, struct err *err);

/* A letter in the archive: one that went out to a list. */
struct page_entry {
    const char *uid;     /* of the mailing */
    const char *subject; /* in `language` */
    enum language language;
    int64_t date;
};

/* The newest letters to a list, at most `most`, each in the first of `languages` that it
 * has. In the arena. */
int page_archive(struct db *db, struct arena *arena, const char *list,
                 const enum language *languages, size_t language_count, size_t most,
                 struct page_entry **out, size_t *count, struct err *err);

/* One of them by its mailing's uid: the edition that tells most. ERR_NOT_FOUND also for a
 * letter to another list. */
int page_letter_of_archive(struct db *db, struct arena *arena, const char *list, const char *uid,
                           const enum language *languages, size_t language_count, const char *web,
                           const char *self, struct page_letter *out, struct err *err);

/* A mailing in each language that it has, the edition that tells most. In the arena. */
int page_letters_of_mailing(struct db *db, struct arena *arena, int64_t mailing, const char *web,
                            const char *self, struct page_letter **out, size_t *count,
                            struct err *err);

/* A picture that a mailing carries. ERR_NOT_FOUND. In the arena. */
struct page_picture {
    const char *type; /* "image/png" */
    const void *data;
    size_t len;
};
int page_picture_find(struct db *db, struct arena *arena, int64_t mailing, const char *cid,
                      struct page_picture *out, struct err *err);

/* The content ids of all of them. In the arena. */
int page_picture_list(struct db *db, struct arena *arena, int64_t mailing, const char ***cids,
                      size_t *count, struct err *err);
