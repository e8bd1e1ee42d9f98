/* plan.c - see plan.h. */
#include "plan.h"

#include <stdio.h>
#include <string.h>

#include "room.h"
#include "snapshot.h"
#include "teataja/members/sync.h"

/* Pieces that wait for their transaction: it shall not last, nor they need much memory. */
#define CHUNK_BYTES ((size_t)4 * 1024 * 1024)

static struct db *database(const struct plan *plan)
{
    return plan->head.compose->site.members->db;
}

/* Nothing of it is written: it is a dry run, or only looked at. */
static bool is_only_looked_at(const struct plan *plan)
{
    return plan->head.dry_run || (plan->head.way != NULL && plan->head.way->into == 0);
}

int plan_open(struct plan *plan, struct arena *arena, const struct plan_head *head, struct err *err)
{
    memset(plan, 0, sizeof(*plan));
    plan->head = *head;
    plan->arena = arena;
    plan->chunk = arena_new(LIMIT_ARENA_WORK);
    plan->recipients = arena_alloc(arena, PLAN_CHUNK, sizeof(*plan->recipients));
    if (plan->chunk == NULL || plan->recipients == NULL) {
        return err_nomem(err);
    }
    plan->empty = arena_mark(plan->chunk);
    return head->dry_run ? 0 : mailing_draft_clear(database(plan), err);
}

int plan_begin_reading(struct plan *plan, struct err *err)
{
    return db_in_transaction(database(plan)) ? 0 : db_begin_read(database(plan), err);
}

void plan_end_reading(struct plan *plan)
{
    db_rollback(database(plan));
}

void plan_close(struct plan *plan)
{
    if (plan->head.compose != NULL) {
        plan_end_reading(plan);
    }
    mailing_draft_close(plan->draft);
    arena_free(plan->chunk);
    plan->draft = NULL;
    plan->chunk = NULL;
}

/* ---- what there is ---- */

static void *copy_bytes(struct arena *arena, const void *data, size_t len)
{
    void *copy = arena_alloc(arena, 1, len + 1);

    if (copy != NULL && len > 0) {
        memcpy(copy, data, len);
    }
    return copy;
}

static bool has_part(const struct plan *plan, const char *cid)
{
    for (size_t i = 0; i < plan->part_count; i++) {
        if (strcmp(plan->parts[i].cid, cid) == 0) {
            return true;
        }
    }
    return false;
}

int plan_add_pictures(struct plan *plan, const struct rendered *rendered, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < rendered->picture_count; i++) {
        const struct picture *picture = &rendered->pictures[i];

        if (has_part(plan, picture->cid)) {
            continue;
        }
        rc = arena_grow(plan->arena, &plan->parts, &plan->part_capacity, plan->part_count,
                        sizeof(*plan->parts), err);
        if (rc == 0) {
            struct plan_part *part = &plan->parts[plan->part_count++];

            *part = (struct plan_part){.cid = arena_strdup(plan->arena, picture->cid),
                                       .type = arena_strdup(plan->chunk, picture->type),
                                       .data = copy_bytes(plan->chunk, picture->data, picture->len),
                                       .len = picture->len};
            plan->chunk_bytes += picture->len;
            rc = part->cid != NULL && part->type != NULL && part->data != NULL ? 0 : err_nomem(err);
        }
    }
    return rc;
}

int plan_add_variant(struct plan *plan, const char *lang, const char *key, struct err *err)
{
    int rc = arena_grow(plan->arena, &plan->variants, &plan->variant_capacity, plan->variant_count,
                        sizeof(*plan->variants), err);

    if (rc == 0) {
        plan->variants[plan->variant_count++] = (struct plan_variant){.lang = lang, .key = key};
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
    if (rc == 0 && !is_only_looked_at(plan)) {
        token_digest(bytes.data, bytes.len, out->digest);
        out->pieces = copy_bytes(plan->chunk, bytes.data, bytes.len);
        out->len = bytes.len;
        plan->chunk_bytes += bytes.len;
        rc = out->pieces != NULL ? 0 : err_nomem(err);
    }
    str_release(&bytes);
    return rc;
}

/* ---- writing ---- */

struct description {
    struct mailing mailing;
    char dedupe[LIMIT_SLUG + 96];
};

/* Its purpose is its kind's, and its dedupe is what it is about: two sends of one issue
 * are the same mailing, two tests never are. */
static int describe(struct plan *plan, struct description *out, struct err *err)
{
    const struct plan_head *head = &plan->head;
    struct mailing *mailing = &out->mailing;
    struct envelope envelope;
    struct str config;
    char nonce[32];
    int rc;

    *mailing = (struct mailing){.purpose = head->test ? "test" : head->sender->kind->name,
                                .subject = head->subject,
                                .dedupe = out->dedupe,
                                .on_unknown = head->on_unknown,
                                .priority = head->sender->kind->priority,
                                .audience = head->audience,
                                .message_date = head->date,
                                .hash = ""};
    rc = list_find(head->compose->site.members, head->list, &mailing->list, err);
    if (rc < 0) {
        return rc;
    }
    token_random(8, nonce);
    (void)snprintf(out->dedupe, sizeof(out->dedupe), "%s:%s%s%s", mailing->purpose, head->subject,
                   head->test || head->number[0] != '\0' ? ":" : "",
                   head->test ? nonce : head->number);
    envelope = edition_envelope(head->compose, head->sender, mailing->list);
    str_init(&config, LIMIT_TEXT);
    rc = envelope_write(&envelope, &config, err);
    if (rc == 0) {
        plan->config = arena_strdup(plan->arena, config.data);
        rc = plan->config != NULL ? 0 : err_nomem(err);
    }
    str_release(&config);
    mailing->config = plan->config;
    return rc;
}

static int create(struct plan *plan, struct err *err)
{
    const struct plan_way *way = plan->head.way;
    struct description described;
    int rc = describe(plan, &described, err);

    if (rc < 0) {
        return rc;
    }
    return way != NULL ? mailing_draft_reopen(database(plan), way->into, &described.mailing,
                                              &plan->draft, err)
                       : mailing_draft_open(database(plan), &described.mailing, &plan->draft, err);
}

int plan_propose(struct plan *plan, const char *hash, int64_t not_after, int64_t *id,
                 struct err *err)
{
    struct description described;
    int rc = describe(plan, &described, err);

    if (rc == 0) {
        described.mailing.hash = hash;
        described.mailing.not_after = not_after;
        rc = mailing_propose(database(plan), &described.mailing, id, err);
    }
    return rc;
}

static int write_variants(struct plan *plan, struct err *err)
{
    int64_t mailing = mailing_draft_id(plan->draft);
    int rc = 0;

    for (size_t i = plan->parts_written; rc == 0 && i < plan->part_count; i++) {
        const struct plan_part *part = &plan->parts[i];

        rc = mailing_add_part(database(plan), mailing, part->cid, part->type, part->data, part->len,
                              err);
    }
    for (size_t i = plan->variants_written; rc == 0 && i < plan->variant_count; i++) {
        struct plan_variant *variant = &plan->variants[i];

        rc = mailing_add_variant(database(plan), mailing, variant->lang, variant->key,
                                 variant->pieces, variant->len, variant->items, variant->item_count,
                                 &variant->row, err);
    }
    return rc;
}

static int write_recipients(struct plan *plan, struct err *err)
{
    struct mailing_recipient *rows =
        arena_alloc(plan->chunk, plan->recipient_count + 1, sizeof(*rows));
    struct str slots;
    int rc = 0;

    if (rows == NULL) {
        return err_nomem(err);
    }
    str_init(&slots, LIMIT_TEXT);
    for (size_t i = 0; rc == 0 && i < plan->recipient_count; i++) {
        struct plan_recipient *recipient = &plan->recipients[i];

        rc = plan->head.write != NULL ? plan->head.write(plan->head.ctx, recipient, err) : 0;
        str_reset(&slots);
        if (rc == 0) {
            rc = row_values_write(&recipient->values, &slots, err);
        }
        if (rc == 0) {
            rows[i] = (struct mailing_recipient){.dedupe = recipient->dedupe,
                                                 .member = recipient->member,
                                                 .address = recipient->address,
                                                 .variant = plan->variants[recipient->variant].row,
                                                 .slots = arena_strdup(plan->chunk, slots.data)};
            rc = rows[i].slots != NULL ? 0 : err_nomem(err);
        }
    }
    str_release(&slots);
    return rc == 0 ? mailing_add_recipients(database(plan), mailing_draft_id(plan->draft), rows,
                                            plan->recipient_count, err)
                   : rc;
}

static int write_chunk(struct plan *plan, struct err *err)
{
    struct db *db = database(plan);
    int rc = plan->draft != NULL ? 0 : create(plan, err);

    if (rc == 0) {
        rc = db_begin(db, err);
    }
    if (rc == 0) {
        rc = write_variants(plan, err);
    }
    if (rc == 0) {
        rc = write_recipients(plan, err);
    }
    if (rc == 0) {
        rc = db_commit(db, err);
    }
    db_rollback(db);
    return rc;
}

static int flush(struct plan *plan, struct err *err)
{
    int rc;

    plan_end_reading(plan);
    rc = is_only_looked_at(plan) ? 0 : write_chunk(plan, err);
    plan->parts_written = plan->part_count;
    plan->variants_written = plan->variant_count;
    plan->recipient_count = 0;
    plan->chunk_bytes = 0;
    arena_rewind(plan->chunk, plan->empty);
    return rc;
}

int plan_add_recipient(struct plan *plan, const struct plan_recipient *recipient, struct err *err)
{
    struct arena *chunk = plan->chunk;
    struct plan_recipient *out = &plan->recipients[plan->recipient_count++];

    *out = *recipient;
    out->dedupe = arena_strdup(chunk, recipient->dedupe);
    out->address = arena_strdup(chunk, recipient->address);
    out->values.name = arena_strdup(chunk, recipient->values.name);
    out->values.organisation = arena_strdup(chunk, recipient->values.organisation);
    out->values.organizer = arena_strdup(chunk, recipient->values.organizer);
    if (out->dedupe == NULL || out->address == NULL || out->values.name == NULL ||
        out->values.organisation == NULL || out->values.organizer == NULL) {
        return err_nomem(err);
    }
    plan->total++;
    if (plan->head.way != NULL) {
        plan->head.way->snapshot->editions[recipient->variant].recipients++;
        plan->head.way->snapshot->recipients++;
    }
    return plan->recipient_count == PLAN_CHUNK || plan->chunk_bytes >= CHUNK_BYTES
               ? flush(plan, err)
               : 0;
}

/* A digest of everything that every message is made of. */
static int make_hash(const struct plan *plan, char out[33], struct err *err)
{
    struct str text;
    int rc;

    str_init(&text, LIMIT_FILE);
    str_addf(&text, "%s\n%s\n%s\n", plan->head.subject, plan->config, plan->head.audience);
    for (size_t i = 0; i < plan->variant_count; i++) {
        const struct plan_variant *variant = &plan->variants[i];

        str_addf(&text, "%s %s %s\n", variant->lang, variant->key, variant->digest);
    }
    rc = str_check(&text, err);
    if (rc == 0) {
        token_digest(text.data, text.len, out);
    }
    str_release(&text);
    return rc;
}

/* Ready and said to be released at once. */
static int release(struct plan *plan, const char *hash, int64_t not_after, struct err *err)
{
    const struct plan_way *way = plan->head.way;
    int rc = way->judge(way->ctx, err);

    if (rc == 0) {
        rc = mailing_draft_settle(plan->draft, err);
    }
    if (rc == 0) {
        rc = db_begin(database(plan), err);
    }
    if (rc == 0) {
        rc = mailing_draft_ready(plan->draft, hash, not_after, err);
    }
    if (rc == 0) {
        rc = way->released(way->ctx, err);
    }
    if (rc == 0) {
        rc = db_commit(database(plan), err);
    }
    db_rollback(database(plan));
    return rc;
}

int plan_ready(struct plan *plan, int64_t not_after, int64_t *id, struct err *err)
{
    const struct plan_way *way = plan->head.way;
    char hash[33];
    int rc = plan->recipient_count > 0 ? flush(plan, err) : 0;

    plan_end_reading(plan);
    if (way != NULL) {
        way->snapshot->not_after = not_after;
    }
    if (rc == 0 && way != NULL && is_only_looked_at(plan)) {
        *id = 0;
        return way->gathered(way->ctx, plan, err);
    }
    if (rc == 0) {
        rc = make_hash(plan, hash, err);
    }
    if (rc == 0) {
        rc = way != NULL ? release(plan, hash, not_after, err)
                         : mailing_draft_ready(plan->draft, hash, not_after, err);
    }
    if (rc == 0) {
        *id = mailing_draft_id(plan->draft);
    }
    return rc;
}
