/* staff_queue.c - see staff_queue.h. A variant a person: links are each one's own. */
#include "staff_queue.h"

#include <string.h>

#include "envelope.h"
#include "sql/compose/staff.h"
#include "teataja/base/limits.h"

struct queueing {
    struct compose *compose;
    struct db *db;
    struct arena *arena; /* of one mail */
    const struct staff_mail *mail;
    struct mailing_draft *draft;
    struct str bytes;                   /* of the variant at hand */
    const char *parts[FROZEN_PICTURES]; /* that are written */
    size_t part_count;
};

int staff_note(struct db *db, const struct staff_item *const *items, size_t count, int64_t now,
               struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (items[i]->key == NULL) {
            continue; /* a test */
        }
        rc = db_exec(db, SQL_STAFF_TELL, err, "ttii", items[i]->key, items[i]->state,
                     items[i]->since, now);
    }
    return rc;
}

static int open_draft(struct queueing *queueing, struct err *err)
{
    const struct sender sender = staff_sender(queueing->compose);
    const struct envelope envelope = edition_envelope(queueing->compose, &sender, 0);
    struct mailing mailing = {.purpose = sender.kind->name,
                              .subject = queueing->mail->subject,
                              .dedupe = queueing->mail->dedupe,
                              .on_unknown = "resend",
                              .priority = sender.kind->priority,
                              .audience = "",
                              .message_date = queueing->mail->now,
                              .hash = ""};
    struct str config;
    int rc;

    str_init(&config, LIMIT_TEXT);
    rc = envelope_write(&envelope, &config, err);
    if (rc == 0) {
        mailing.config = config.data;
        rc = mailing_draft_open(queueing->db, &mailing, &queueing->draft, err);
    }
    str_release(&config);
    return rc;
}

/* Those of all persons are the same, but for the letters of languages that some see. */
static int add_parts(struct queueing *queueing, const struct rendered *rendered, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < rendered->picture_count; i++) {
        const struct picture *picture = &rendered->pictures[i];
        bool there = false;

        for (size_t j = 0; j < queueing->part_count; j++) {
            there = there || strcmp(queueing->parts[j], picture->cid) == 0;
        }
        if (!there && queueing->part_count < FROZEN_PICTURES) {
            queueing->parts[queueing->part_count++] = picture->cid;
            rc = mailing_add_part(queueing->db, mailing_draft_id(queueing->draft), picture->cid,
                                  picture->type, picture->data, picture->len, err);
        }
    }
    return rc;
}

static int add_recipient(struct queueing *queueing, const struct staff_person *person,
                         int64_t variant, struct err *err)
{
    const struct row_values values = {
        .name = person->name != NULL ? person->name : "", .organisation = "", .organizer = ""};
    struct mailing_recipient row = {
        .dedupe = person->address.key, .address = person->address.text, .variant = variant};
    struct str slots;
    int rc;

    str_init(&slots, LIMIT_TEXT);
    rc = row_values_write(&values, &slots, err);
    if (rc == 0) {
        row.slots = slots.data;
        rc = mailing_add_recipients(queueing->db, mailing_draft_id(queueing->draft), &row, 1, err);
    }
    str_release(&slots);
    return rc;
}

static int add_person(struct queueing *queueing, const struct staff_person *person,
                      const char **title, struct err *err)
{
    const struct staff_mail *mail = queueing->mail;
    struct rendered rendered;
    struct frozen frozen;
    int64_t variant = 0;
    int rc = staff_render(queueing->compose, queueing->arena, person, mail->items, mail->item_count,
                          mail->now, &rendered, &frozen, err);

    *title = rendered.subject;
    str_reset(&queueing->bytes);
    rc = rc < 0 ? rc : frozen_write(&frozen, &queueing->bytes, err);
    rc = rc < 0 ? rc : db_begin(queueing->db, err);
    rc = rc < 0 ? rc : add_parts(queueing, &rendered, err);
    rc = rc < 0 ? rc
                : mailing_add_variant(queueing->db, mailing_draft_id(queueing->draft),
                                      language_tag(person->language), person->address.key,
                                      queueing->bytes.data, queueing->bytes.len, NULL, 0, &variant,
                                      err);
    rc = rc < 0 ? rc : add_recipient(queueing, person, variant, err);
    rc = rc < 0 ? rc : db_commit(queueing->db, err);
    db_rollback(queueing->db);
    return rc;
}

/* Ready and told, or neither. */
static int finish(struct queueing *queueing, struct err *err)
{
    const struct staff_mail *mail = queueing->mail;
    int rc = mailing_draft_settle(queueing->draft, err);

    rc = rc < 0 ? rc : db_begin(queueing->db, err);
    rc = rc < 0 ? rc : staff_note(queueing->db, mail->items, mail->item_count, mail->now, err);
    rc = rc < 0
             ? rc
             : db_exec(queueing->db, SQL_STAFF_SUBJECT_TOLD, err, "ti", mail->subject, mail->now);
    rc = rc < 0 ? rc : mailing_draft_ready(queueing->draft, "", 0, err);
    rc = rc < 0 ? rc : db_commit(queueing->db, err);
    db_rollback(queueing->db);
    return rc;
}

int staff_queue(struct compose *compose, struct arena *arena, const struct staff_mail *mail,
                const char **title, int64_t *mailing, struct err *err)
{
    struct queueing queueing = {.compose = compose,
                                .db = compose->site.members->db,
                                .arena = arena_new(LIMIT_ARENA_WORK),
                                .mail = mail};
    const char *each = NULL;
    int rc = queueing.arena == NULL ? err_nomem(err) : mailing_draft_clear(queueing.db, err);

    str_init(&queueing.bytes, LIMIT_MESSAGE);
    rc = rc < 0 ? rc : open_draft(&queueing, err);
    for (size_t i = 0; rc == 0 && i < mail->person_count; i++) {
        rc = add_person(&queueing, &mail->people[i], &each, err);
        if (rc == 0 && i == 0) {
            *title = arena_strdup(arena, each);
            rc = *title != NULL ? 0 : err_nomem(err);
        }
    }
    rc = rc < 0 ? rc : finish(&queueing, err);
    if (rc == 0) {
        *mailing = mailing_draft_id(queueing.draft);
    }
    mailing_draft_close(queueing.draft);
    str_release(&queueing.bytes);
    arena_free(queueing.arena);
    return rc;
}

int staff_rehearse(struct compose *compose, struct arena *arena, const struct staff_mail *mail,
                   const char **title, struct err *err)
{
    struct rendered rendered;
    struct frozen frozen;
    int rc = staff_render(compose, arena, &mail->people[0], mail->items, mail->item_count,
                          mail->now, &rendered, &frozen, err);

    *title = rendered.subject;
    return rc;
}
