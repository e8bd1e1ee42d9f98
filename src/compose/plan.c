/* plan.c - see plan.h. */
#include "plan.h"

#include <string.h>

#include "teataja/base/limits.h"

int plan_open(struct plan *plan, struct err *err)
{
    memset(plan, 0, sizeof(*plan));
    plan->arena = arena_new(LIMIT_ARENA_SITE);
    return plan->arena != NULL ? 0 : err_nomem(err);
}

void plan_close(struct plan *plan)
{
    arena_free(plan->arena);
    memset(plan, 0, sizeof(*plan));
}

static void *copy_bytes(struct arena *arena, const void *data, size_t len)
{
    void *copy = arena_alloc(arena, 1, len + 1);

    if (copy != NULL && len > 0) {
        memcpy(copy, data, len);
    }
    return copy;
}

int plan_add_pictures(struct plan *plan, const struct rendered *rendered, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < rendered->picture_count; i++) {
        const struct picture *picture = &rendered->pictures[i];
        bool there = false;

        for (size_t j = 0; j < plan->part_count; j++) {
            there = there || strcmp(plan->parts[j].cid, picture->cid) == 0;
        }
        if (there) {
            continue;
        }
        rc = arena_grow(plan->arena, &plan->parts, &plan->part_capacity, plan->part_count,
                        sizeof(*plan->parts), err);
        if (rc == 0) {
            struct plan_part *part = &plan->parts[plan->part_count++];

            *part = (struct plan_part){.cid = arena_strdup(plan->arena, picture->cid),
                                       .type = arena_strdup(plan->arena, picture->type),
                                       .data = copy_bytes(plan->arena, picture->data, picture->len),
                                       .len = picture->len};
            rc = part->cid != NULL && part->type != NULL && part->data != NULL ? 0 : err_nomem(err);
        }
    }
    return rc;
}

int plan_set_pieces(struct plan *plan, size_t variant, const struct frozen *frozen, struct err *err)
{
    struct plan_variant *out = &plan->variants[variant];
    struct str bytes;
    int rc;

    str_init(&bytes, LIMIT_MESSAGE);
    rc = frozen_write(frozen, &bytes, err);
    if (rc == 0) {
        out->pieces = copy_bytes(plan->arena, bytes.data, bytes.len);
        out->len = bytes.len;
        rc = out->pieces != NULL ? 0 : err_nomem(err);
    }
    str_release(&bytes);
    return rc;
}

int plan_add_recipient(struct plan *plan, size_t variant, int64_t member, const char *dedupe,
                       const char *address, const struct row_values *values, struct err *err)
{
    struct mailing_recipient *out;
    struct str slots;
    int rc = arena_grow(plan->arena, &plan->recipients, &plan->recipient_capacity,
                        plan->recipient_count, sizeof(*plan->recipients), err);

    if (rc < 0) {
        return rc;
    }
    str_init(&slots, LIMIT_TEXT);
    rc = row_values_write(values, &slots, err);
    if (rc == 0) {
        out = &plan->recipients[plan->recipient_count++];
        *out = (struct mailing_recipient){.dedupe = arena_strdup(plan->arena, dedupe),
                                          .member = member,
                                          .address = arena_strdup(plan->arena, address),
                                          .variant = (int64_t)variant,
                                          .slots = arena_strdup(plan->arena, slots.data)};
        rc = out->dedupe != NULL && out->address != NULL && out->slots != NULL ? 0 : err_nomem(err);
    }
    str_release(&slots);
    return rc;
}

/* A digest of everything that every message is made of. */
static int make_hash(const struct plan *plan, const struct mailing *mailing, char out[33],
                     struct err *err)
{
    struct str text;
    char digest[33];
    int rc;

    str_init(&text, LIMIT_FILE);
    str_addf(&text, "%s\n%s\n%s\n", mailing->subject, mailing->config, mailing->audience);
    for (size_t i = 0; i < plan->variant_count; i++) {
        token_digest(plan->variants[i].pieces, plan->variants[i].len, digest);
        str_addf(&text, "%s %s %s\n", plan->variants[i].lang, plan->variants[i].key, digest);
    }
    rc = str_check(&text, err);
    if (rc == 0) {
        token_digest(text.data, text.len, out);
    }
    str_release(&text);
    return rc;
}

/* Parts and variants in one transaction: few, and small beside the recipients. */
static int write_variants(struct plan *plan, struct db *db, int64_t mailing, struct err *err)
{
    int rc = db_begin(db, err);

    for (size_t i = 0; rc == 0 && i < plan->part_count; i++) {
        const struct plan_part *part = &plan->parts[i];

        rc = mailing_add_part(db, mailing, part->cid, part->type, part->data, part->len, err);
    }
    for (size_t i = 0; rc == 0 && i < plan->variant_count; i++) {
        struct plan_variant *variant = &plan->variants[i];

        rc = mailing_add_variant(db, mailing, variant->lang, variant->key, variant->pieces,
                                 variant->len, variant->items, variant->item_count, &variant->row,
                                 err);
    }
    if (rc == 0) {
        rc = db_commit(db, err);
    }
    db_rollback(db);
    return rc;
}

int plan_write(struct plan *plan, struct db *db, struct mailing *mailing, int64_t *id,
               struct err *err)
{
    char hash[33];
    int64_t made = 0;
    int rc = make_hash(plan, mailing, hash, err);

    if (rc < 0) {
        return rc;
    }
    mailing->hash = hash;
    rc = mailing_create(db, mailing, &made, err);
    mailing->hash = NULL;
    if (rc < 0) {
        return rc;
    }
    rc = write_variants(plan, db, made, err);
    for (size_t i = 0; rc == 0 && i < plan->recipient_count; i++) {
        plan->recipients[i].variant = plan->variants[plan->recipients[i].variant].row;
    }
    if (rc == 0) {
        rc = mailing_add_recipients(db, made, plan->recipients, plan->recipient_count, err);
    }
    if (rc == 0) {
        rc = mailing_ready(db, made, err);
    }
    if (rc < 0) {
        struct err ignored = {0};

        (void)mailing_discard(db, made, &ignored);
        return rc;
    }
    *id = made;
    return 0;
}
