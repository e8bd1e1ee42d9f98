/* plan.h - a mailing that is being planned: variants and recipients, gathered
 * first, then written in one go. */
#pragma once

#include <stddef.h>

#include "edition.h"
#include "teataja/delivery/mailing.h"

struct plan_part {
    const char *cid;
    const char *type;
    const void *data;
    size_t len;
};

struct plan_variant {
    const char *lang;
    const char *key; /* unique with lang */
    const void *pieces;
    size_t len;
    const struct mailing_item *items;
    size_t item_count;
    int64_t row; /* once written */
};

/* recipients[].variant is an index into variants until plan_write. */
struct plan {
    struct arena *arena;
    struct plan_part *parts;
    size_t part_count, part_capacity;
    struct plan_variant *variants;
    size_t variant_count, variant_capacity;
    struct mailing_recipient *recipients;
    size_t recipient_count, recipient_capacity;
};

int plan_open(struct plan *plan, struct err *err);
void plan_close(struct plan *plan);

/* Adds the pictures of a rendered message, each once. */
int plan_add_pictures(struct plan *plan, const struct rendered *rendered, struct err *err);

/* Sets the frozen pieces of a variant. */
int plan_set_pieces(struct plan *plan, size_t variant, const struct frozen *frozen,
                    struct err *err);

/* Adds a recipient of variant number `variant`. Everything is copied. */
int plan_add_recipient(struct plan *plan, size_t variant, int64_t member, const char *dedupe,
                       const char *address, const struct row_values *values, struct err *err);

/* Writes the mailing and makes it ready; *id is its row. What was begun is
 * removed when it fails. The hash of *mailing is made here. */
int plan_write(struct plan *plan, struct db *db, struct mailing *mailing, int64_t *id,
               struct err *err);
