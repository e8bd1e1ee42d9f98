/* approval.h - what the files about approvals share inside the room. */
#pragma once

#include "teataja/compose/approval.h"

/* A row of the trail, about the newest revision; `who` NULL: the program. In the caller's
 * transaction. */
int approval_add_step(struct db *db, int64_t mailing, const struct approval_person *who,
                      const char *how, const char *what, const char *remark, struct err *err);

/* As approval_get, without its editions: subject is "", language LANG_NONE. */
int approval_head(struct db *db, struct arena *arena, int64_t mailing, struct approval *out,
                  struct err *err);

/* Items that editions have in common: of thousands of editions the texts are kept once. */
struct approval_items {
    struct approval_item *items;
    size_t count, capacity;
    size_t next; /* where the next one is looked for first */
};

/* Sets *out to the item, with texts in the arena. */
int approval_keep_item(struct arena *arena, struct approval_items *known,
                       const struct approval_item *item, struct approval_item *out,
                       struct err *err);

/* The editions of one snapshot; with `bodies` also html and text. */
int approval_read_editions(struct db *db, struct arena *arena, int64_t mailing, int64_t revision,
                           bool bodies, struct approval_edition **out, size_t *count,
                           struct err *err);

/* Whether the mailing is a draft that somebody may still decide about. */
bool approval_is_open(const struct approval *approval);
