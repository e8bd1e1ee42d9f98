/* plan.h - a mailing that is being planned: variants and recipients are written as
 * they are found, a chunk at a time, so that neither memory nor the longest lock grows
 * with their number.
 *
 *     plan_open, then for each recipient: perhaps plan_add_variant with plan_set_pieces,
 *     plan_add_recipient; plan_ready; plan_close.
 *
 * The mailing is created with the first chunk: whoever finds nobody leaves no trace.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "edition.h"
#include "teataja/base/limits.h"
#include "teataja/delivery/mailing_draft.h"

struct plan_recipient {
    int64_t member; /* 0: of a test */
    const char *dedupe;
    const char *address;
    size_t variant; /* index */
    struct row_values values;
};

struct plan;

/* How a mailing that waits for people is planned (approval_flow.h). */
struct plan_way {
    struct snapshot *snapshot; /* gathers what it would be, edition by edition as variants */
    int64_t date;              /* that dates and deadlines are reckoned from; 0: the plan's own */
    int64_t into;              /* the draft that is released; 0: only the snapshot is wanted */

    /* Instead of making the mailing ready, once all is gathered: nothing was written. Only with
     * `into` 0. */
    int (*gathered)(void *ctx, struct plan *plan, struct err *err);

    /* With `into`: whether it may go out, once all is written; an error leaves the draft. */
    int (*judge)(void *ctx, struct err *err);

    /* With `into`: called in the transaction that makes it ready. */
    int (*released)(void *ctx, struct err *err);
    void *ctx;
};

/* What is being planned. What it points to outlives the plan. */
struct plan_head {
    struct compose *compose;
    const struct sender *sender;
    const char *subject;    /* "issues/2026-12" */
    const char *list;       /* slug */
    const char *number;     /* tells the mailings of one subject apart; "" if there is one only */
    const char *audience;   /* "" if none */
    const char *on_unknown; /* "resend" or "hold" */
    int64_t date;
    bool test;
    bool dry_run;               /* nothing is written */
    const struct plan_way *way; /* NULL: it waits for nobody */

    /* Called for each recipient in the transaction that writes the row, to write what
     * belongs to it and set what only that tells; NULL for none. */
    int (*write)(void *ctx, struct plan_recipient *recipient, struct err *err);
    void *ctx;
};

struct plan_variant {
    const char *lang;
    const char *key; /* unique with lang */
    const struct mailing_item *items;
    size_t item_count;
    char digest[33];    /* of the pieces */
    const void *pieces; /* until they are written */
    size_t len;
    int64_t row; /* once written */
};

struct plan_part {
    const char *cid;
    const char *type; /* as data: until it is written */
    const void *data;
    size_t len;
};

enum { PLAN_CHUNK = 1000 }; /* rows of one transaction: some 10 ms */

struct plan {
    struct plan_head head;
    struct arena *arena; /* the caller's: variants and parts */
    struct arena *chunk; /* what is not written yet */
    struct arena_mark empty;
    size_t chunk_bytes;
    struct mailing_draft *draft; /* from the first chunk on, as is config */
    const char *config;
    struct plan_part *parts;
    size_t part_count, part_capacity, parts_written;
    struct plan_variant *variants;
    size_t variant_count, variant_capacity, variants_written;
    struct plan_recipient *recipients; /* of the chunk */
    size_t recipient_count;
    int64_t total; /* recipients so far */
};

/* Removes what dead plans left, unless it is a dry run. */
int plan_open(struct plan *plan, struct arena *arena, const struct plan_head *head,
              struct err *err);

/* Removes what was written, unless it is ready. Fine for a zeroed plan. */
void plan_close(struct plan *plan);

/* Begins a snapshot for reading, if there is none: statements that come by themselves
 * would each lock and unlock the database. A chunk that is written ends it. */
int plan_begin_reading(struct plan *plan, struct err *err);
void plan_end_reading(struct plan *plan);

/* Adds the pictures of a rendered message, each once. */
int plan_add_pictures(struct plan *plan, const struct rendered *rendered, struct err *err);

/* Adds variant number plan->variant_count; strings and items stay the caller's, in the
 * plan's arena. It needs its pieces before its first recipient. */
int plan_add_variant(struct plan *plan, const char *lang, const char *key, struct err *err);

/* Sets the frozen pieces of a variant. */
int plan_set_pieces(struct plan *plan, size_t variant, const struct frozen *frozen,
                    struct err *err);

/* Adds a recipient; everything is copied. No statement may be open that reads: a full
 * chunk is written. ERR_EXISTS as mailing_create. */
int plan_add_recipient(struct plan *plan, const struct plan_recipient *recipient, struct err *err);

/* Proposes the mailing, in the caller's transaction: its row without recipients. */
int plan_propose(struct plan *plan, const char *hash, int64_t not_after, int64_t *id,
                 struct err *err);

/* Writes what is left and makes the mailing ready, or does what its way says; *id is its row, 0
 * if there is none. */
int plan_ready(struct plan *plan, int64_t not_after, int64_t *id, struct err *err);
