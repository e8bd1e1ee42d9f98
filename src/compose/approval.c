/* approval.c - see teataja/compose/approval.h. */
#include "approval.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sql/compose/approval.h"
#include "teataja/base/address.h"
#include "teataja/base/civil.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/log.h"
#include "teataja/base/utf8.h"
#include "teataja/delivery/mailing.h"

/* A text column, never NULL; *lost is set when there was no memory. */
static const char *text_at(struct db_stmt *stmt, int column, struct arena *arena, bool *lost)
{
    const char *text = db_is_null(stmt, column) ? "" : db_dup(stmt, column, arena);

    *lost = *lost || text == NULL;
    return text != NULL ? text : "";
}

/* ---- reading ---- */

static bool is_same(const struct approval_item *one, const struct approval_item *other)
{
    return strcmp(one->slug, other->slug) == 0 && strcmp(one->block, other->block) == 0 &&
           strcmp(one->title, other->title) == 0 && strcmp(one->note, other->note) == 0 &&
           strcmp(one->revision, other->revision) == 0;
}

int approval_keep_item(struct arena *arena, struct approval_items *known,
                       const struct approval_item *item, struct approval_item *out, struct err *err)
{
    int rc;

    /* They come in much the same order in every edition. */
    for (size_t i = 0; i < known->count; i++) {
        size_t at = (known->next + i) % known->count;

        if (is_same(&known->items[at], item)) {
            known->next = at + 1;
            *out = known->items[at];
            return 0;
        }
    }
    *out = (struct approval_item){.block = arena_strdup(arena, item->block),
                                  .slug = arena_strdup(arena, item->slug),
                                  .title = arena_strdup(arena, item->title),
                                  .note = arena_strdup(arena, item->note),
                                  .revision = arena_strdup(arena, item->revision)};
    if (out->block == NULL || out->slug == NULL || out->title == NULL || out->note == NULL ||
        out->revision == NULL) {
        return err_nomem(err);
    }
    rc = arena_grow(arena, &known->items, &known->capacity, known->count, sizeof(*known->items),
                    err);
    if (rc == 0) {
        known->items[known->count++] = *out;
    }
    return rc;
}

static int read_items(struct db *db, struct arena *arena, int64_t edition,
                      struct approval_items *known, struct approval_edition *out, struct err *err)
{
    struct approval_item *items = NULL;
    struct db_stmt *stmt = NULL;
    size_t capacity = 0;
    int rc = db_query(db, SQL_APPROVAL_ITEMS, &stmt, err);

    if (rc == 0) {
        rc = db_bind(stmt, err, "i", edition);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        const struct approval_item item = {.block = db_text(stmt, 0),
                                           .slug = db_text(stmt, 1),
                                           .title = db_text(stmt, 2),
                                           .note = db_text(stmt, 3),
                                           .revision = db_text(stmt, 4)};

        rc = arena_grow(arena, &items, &capacity, out->item_count, sizeof(*items), err);
        if (rc == 0) {
            rc = approval_keep_item(arena, known, &item, &items[out->item_count++], err);
        }
    }
    db_stmt_free(stmt);
    out->items = items;
    return rc;
}

int approval_read_editions(struct db *db, struct arena *arena, int64_t mailing, int64_t revision,
                           bool bodies, struct approval_edition **out, size_t *count,
                           struct err *err)
{
    struct approval_items known = {.count = 0};
    struct db_stmt *stmt = NULL;
    size_t capacity = 0;
    int rc = db_query(db, SQL_APPROVAL_EDITIONS, &stmt, err);

    *out = NULL;
    *count = 0;
    if (rc == 0) {
        rc = db_bind(stmt, err, "iii", mailing, revision, (int64_t)bodies);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        bool lost = false;

        rc = arena_grow(arena, out, &capacity, *count, sizeof(**out), err);
        if (rc == 0) {
            struct approval_edition *edition = &(*out)[(*count)++];

            *edition = (struct approval_edition){
                .language = language_find(db_text(stmt, 1)),
                .key = text_at(stmt, 2, arena, &lost),
                .recipients = db_int(stmt, 3),
                .subject = text_at(stmt, 4, arena, &lost),
                .html = db_is_null(stmt, 5) ? NULL : text_at(stmt, 5, arena, &lost),
                .text = db_is_null(stmt, 6) ? NULL : text_at(stmt, 6, arena, &lost),
                .digest = text_at(stmt, 7, arena, &lost),
                .words = text_at(stmt, 8, arena, &lost)};
            rc = lost ? err_nomem(err)
                      : read_items(db, arena, db_int(stmt, 0), &known, edition, err);
        }
    }
    db_stmt_free(stmt);
    return rc;
}

static int read_head(struct db *db, struct arena *arena, int64_t mailing, struct approval *out,
                     struct err *err)
{
    struct db_stmt *stmt = NULL;
    bool lost = false;
    int rc = db_query(db, SQL_APPROVAL_GET, &stmt, err);

    if (rc == 0) {
        rc = db_bind(stmt, err, "i", mailing);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        *out = (struct approval){.mailing = db_int(stmt, 0),
                                 .state = text_at(stmt, 1, arena, &lost),
                                 .purpose = text_at(stmt, 2, arena, &lost),
                                 .target = text_at(stmt, 3, arena, &lost),
                                 .newsletter = text_at(stmt, 4, arena, &lost),
                                 .due_at = db_int(stmt, 5),
                                 .needed = (int)db_int(stmt, 6),
                                 .revision = db_int(stmt, 7),
                                 .reason = text_at(stmt, 8, arena, &lost),
                                 .made_at = db_int(stmt, 9),
                                 .date = db_int(stmt, 10),
                                 .digest = text_at(stmt, 11, arena, &lost),
                                 .recipients = db_int(stmt, 12),
                                 .audience = text_at(stmt, 13, arena, &lost),
                                 .given = (int)db_int(stmt, 14),
                                 .warnings = text_at(stmt, 15, arena, &lost),
                                 .subject = "",
                                 .language = LANG_NONE};
        rc = lost ? err_nomem(err) : 1;
    }
    db_stmt_free(stmt);
    return rc;
}

int approval_head(struct db *db, struct arena *arena, int64_t mailing, struct approval *out,
                  struct err *err)
{
    int64_t one;
    int rc = read_head(db, arena, mailing, out, err);

    if (rc != 0) {
        return rc < 0 ? rc : 0;
    }
    rc = db_get_int(db, SQL_APPROVAL_MAILING, &one, err, "i", mailing);
    return rc < 0    ? rc
           : rc == 0 ? err_set(err, ERR_NOT_FOUND, "no mailing %" PRId64, mailing)
                     : err_set(err, ERR_STATE,
                               "mailing %" PRId64 " did not wait for anybody: it never was a "
                               "draft",
                               mailing);
}

int approval_get(struct db *db, struct arena *arena, int64_t mailing, struct approval *out,
                 struct err *err)
{
    struct approval_edition *editions = NULL;
    int rc = approval_head(db, arena, mailing, out, err);

    if (rc == 0) {
        rc = approval_read_editions(db, arena, mailing, out->revision, false, &editions,
                                    &out->edition_count, err);
        out->editions = editions;
    }
    if (rc == 0 && out->edition_count > 0) {
        out->subject = editions[0].subject;
        out->language = editions[0].language;
    }
    return rc;
}

int approval_list(struct db *db, struct arena *arena, bool open, struct approval **out,
                  size_t *count, struct err *err)
{
    struct db_stmt *stmt = NULL;
    size_t capacity = 0;
    int rc = db_query(db, SQL_APPROVAL_IDS, &stmt, err);

    *out = NULL;
    *count = 0;
    if (rc == 0) {
        rc = db_bind(stmt, err, "i", (int64_t)open);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = arena_grow(arena, out, &capacity, *count, sizeof(**out), err);
        if (rc == 0) {
            rc = approval_get(db, arena, db_int(stmt, 0), &(*out)[*count], err);
            *count += rc == 0;
        }
    }
    db_stmt_free(stmt);
    return rc;
}

int approval_editions(struct db *db, struct arena *arena, int64_t mailing,
                      struct approval_edition **out, size_t *count, struct err *err)
{
    struct approval approval;
    int rc = approval_head(db, arena, mailing, &approval, err);

    *out = NULL;
    *count = 0;
    return rc == 0 ? approval_read_editions(db, arena, mailing, approval.revision, true, out, count,
                                            err)
                   : rc;
}

int approval_body(struct db *db, struct arena *arena, const struct approval *approval,
                  struct approval_edition *edition, struct err *err)
{
    struct db_stmt *stmt = NULL;
    bool lost = false;
    int rc = db_query(db, SQL_APPROVAL_BODY, &stmt, err);

    if (rc == 0) {
        rc = db_bind(stmt, err, "iitt", approval->mailing, approval->revision,
                     language_tag(edition->language), edition->key);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 0) {
        rc = err_set(err, ERR_NOT_FOUND, "mailing %" PRId64 " has no such edition",
                     approval->mailing);
    } else if (rc == 1) {
        edition->html = db_is_null(stmt, 0) ? NULL : text_at(stmt, 0, arena, &lost);
        edition->text = db_is_null(stmt, 1) ? NULL : text_at(stmt, 1, arena, &lost);
        rc = lost ? err_nomem(err) : 0;
    }
    db_stmt_free(stmt);
    return rc;
}

int approval_trail(struct db *db, struct arena *arena, int64_t mailing, struct approval_step **out,
                   size_t *count, struct err *err)
{
    struct db_stmt *stmt = NULL;
    size_t capacity = 0;
    int rc = db_query(db, SQL_APPROVAL_TRAIL, &stmt, err);

    *out = NULL;
    *count = 0;
    if (rc == 0) {
        rc = db_bind(stmt, err, "i", mailing);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        bool lost = false;

        rc = arena_grow(arena, out, &capacity, *count, sizeof(**out), err);
        if (rc == 0) {
            (*out)[(*count)++] = (struct approval_step){.at = db_int(stmt, 0),
                                                        .who = text_at(stmt, 1, arena, &lost),
                                                        .address = text_at(stmt, 2, arena, &lost),
                                                        .how = text_at(stmt, 3, arena, &lost),
                                                        .what = text_at(stmt, 4, arena, &lost),
                                                        .remark = text_at(stmt, 5, arena, &lost),
                                                        .revision = db_int(stmt, 6),
                                                        .digest = text_at(stmt, 7, arena, &lost),
                                                        .valid = db_int(stmt, 8) != 0};
            rc = lost ? err_nomem(err) : 0;
        }
    }
    db_stmt_free(stmt);
    return rc;
}

/* ---- deciding ---- */

enum { PERSON = APPROVAL_NAME * 3 + LIMIT_ADDRESS * 3 };

/* A person as the trail has one. */
struct voice {
    char who[APPROVAL_NAME + 1];
    char address[LIMIT_ADDRESS + 1];
    char person[PERSON + 1];
    const char *how;
};

/* The address decides who it is; a name that is an address is one. */
static int read_voice(const struct approval_person *who, struct voice *out, struct err *err)
{
    const char *name = who->name != NULL ? who->name : "";
    const char *address = who->address != NULL ? who->address : "";
    struct address parsed;
    struct str folded;
    int rc;

    if (address[0] == '\0' && strchr(name, '@') != NULL) {
        address = name;
    }
    if (name[0] == '\0' && address[0] == '\0') {
        return err_set(err, ERR_INVALID, "nobody says who decides");
    }
    if (strlen(name) > APPROVAL_NAME || !utf8_is_valid(name, strlen(name), NULL)) {
        return err_set(err, ERR_INVALID, "a name has at most %d bytes of UTF-8", APPROVAL_NAME);
    }
    *out = (struct voice){.how = who->how};
    (void)snprintf(out->who, sizeof(out->who), "%s", name[0] != '\0' ? name : address);
    if (address[0] != '\0') {
        rc = address_parse(address, &parsed, err);
        if (rc < 0) {
            return rc;
        }
        (void)snprintf(out->address, sizeof(out->address), "%s", parsed.text);
        (void)snprintf(out->person, sizeof(out->person), "a:%s", parsed.key);
        return 0;
    }
    str_init(&folded, PERSON - 2);
    rc = utf8_fold(name, strlen(name), &folded, err);
    if (rc == 0) {
        (void)snprintf(out->person, sizeof(out->person), "n:%s", folded.data);
    }
    str_release(&folded);
    return rc;
}

static int add_step(struct db *db, int64_t mailing, const struct voice *voice, const char *what,
                    const char *remark, struct err *err)
{
    return db_exec(db, SQL_APPROVAL_ADD_STEP, err, "iitttttt", mailing, clock_now(), voice->who,
                   voice->address, voice->person, voice->how, what, remark);
}

int approval_add_step(struct db *db, int64_t mailing, const struct approval_person *who,
                      const char *how, const char *what, const char *remark, struct err *err)
{
    struct voice voice = {.how = how};
    int rc = who != NULL ? read_voice(who, &voice, err) : 0;

    return rc == 0 ? add_step(db, mailing, &voice, what, remark, err) : rc;
}

bool approval_is_open(const struct approval *approval)
{
    return strcmp(approval->state, "waiting") == 0 || strcmp(approval->state, "approved") == 0 ||
           strcmp(approval->state, "rejected") == 0;
}

/* A decision under way: in a transaction, the draft as it is now. */
struct decision {
    struct db *db;
    struct arena *arena;
    struct approval draft;
    struct voice voice;
    struct approval_result *out;
};

static int check_remark(const char *remark, const char *what, struct err *err)
{
    size_t len = strlen(remark);

    if (strspn(remark, " \t\r\n") == len) {
        return err_set(err, ERR_INVALID, "%s is missing", what);
    }
    if (len > APPROVAL_REMARK || !utf8_is_valid(remark, len, NULL)) {
        return err_set(err, ERR_INVALID, "%s has more than %d bytes of UTF-8", what,
                       APPROVAL_REMARK);
    }
    return 0;
}

/* The revision that was seen is the newest. */
static int check_digest(const struct approval *draft, const char *digest, struct err *err)
{
    if (digest == NULL || strcmp(digest, draft->digest) == 0) {
        return 0;
    }
    return err_set(err, ERR_STATE, "the draft of %s was made anew since%s%s: look at it again",
                   draft->target, draft->reason[0] != '\0' ? ", for " : "",
                   draft->reason[0] != '\0' ? draft->reason : "");
}

static int check_open(const struct approval *draft, struct err *err)
{
    const char *state = draft->state;

    if (approval_is_open(draft)) {
        return 0;
    }
    return err_set(err, ERR_STATE, "%s (mailing %" PRId64 ") is %s: it is too late to decide",
                   draft->target, draft->mailing,
                   strcmp(state, "expanding") == 0 ? "being released" : state);
}

static int approve(struct decision *decision, const char *digest, struct err *err)
{
    const struct approval *draft = &decision->draft;
    int64_t one;
    int rc = check_open(draft, err);

    if (rc == 0 && strcmp(draft->state, "rejected") == 0) {
        rc = err_set(err, ERR_STATE, "%s (mailing %" PRId64 ") was rejected: %s", draft->target,
                     draft->mailing, draft->reason);
    }
    if (rc == 0) {
        rc = check_digest(draft, digest, err);
    }
    if (rc == 0) {
        rc = db_get_int(decision->db, SQL_APPROVAL_HAS_APPROVED, &one, err, "it", draft->mailing,
                        decision->voice.person);
        decision->out->again = rc == 1;
    }
    if (rc == 0) {
        rc = add_step(decision->db, draft->mailing, &decision->voice, "approved", "", err);
        decision->out->given++;
    }
    if (rc < 0) {
        return rc;
    }
    decision->out->complete = decision->out->given >= draft->needed;
    return decision->out->complete && strcmp(draft->state, "waiting") == 0
               ? mailing_set_draft(decision->db, draft->mailing, "approved", NULL, err)
               : 0;
}

static int reject(struct decision *decision, const char *digest, const char *reason,
                  struct err *err)
{
    const struct approval *draft = &decision->draft;
    int rc = check_remark(reason, "the reason", err);

    if (rc == 0) {
        rc = check_open(draft, err);
    }
    if (rc == 0) {
        rc = check_digest(draft, digest, err);
    }
    if (rc < 0 || strcmp(draft->state, "rejected") == 0) {
        decision->out->again = rc == 0;
        return rc;
    }
    rc = mailing_set_draft(decision->db, draft->mailing, "rejected", reason, err);
    return rc == 0
               ? add_step(decision->db, draft->mailing, &decision->voice, "rejected", reason, err)
               : rc;
}

static int note(struct decision *decision, const char *text, struct err *err)
{
    int64_t one;
    int rc = check_remark(text, "the note", err);

    if (rc == 0) {
        rc = db_get_int(decision->db, SQL_APPROVAL_HAS_NOTED, &one, err, "itt",
                        decision->draft.mailing, decision->voice.person, text);
    }
    return rc == 0 ? add_step(decision->db, decision->draft.mailing, &decision->voice, "noted",
                              text, err)
                   : rc;
}

static int cancel(struct decision *decision, struct err *err)
{
    int rc = check_open(&decision->draft, err);

    if (rc == 0) {
        rc =
            add_step(decision->db, decision->draft.mailing, &decision->voice, "cancelled", "", err);
    }
    return rc == 0
               ? mailing_set_draft(decision->db, decision->draft.mailing, "cancelled", NULL, err)
               : rc;
}

enum verdict { APPROVE, REJECT, NOTE, CANCEL };

static int decide(struct decision *decision, int64_t mailing, enum verdict verdict,
                  const char *digest, const char *remark, struct err *err)
{
    int rc = approval_head(decision->db, decision->arena, mailing, &decision->draft, err);

    if (rc < 0) {
        return rc;
    }
    *decision->out = (struct approval_result){.needed = decision->draft.needed,
                                              .given = decision->draft.given,
                                              .due_at = decision->draft.due_at};
    switch (verdict) {
    case APPROVE:
        return approve(decision, digest, err);
    case REJECT:
        return reject(decision, digest, remark, err);
    case CANCEL:
        return cancel(decision, err);
    default:
        return note(decision, remark, err);
    }
}

static int run(struct db *db, int64_t mailing, enum verdict verdict, const char *digest,
               const struct approval_person *who, const char *remark, struct approval_result *out,
               struct err *err)
{
    static const char *const names[] = {"approved", "rejected", "noted", "cancelled"};
    struct decision decision = {
        .db = db, .arena = arena_new(LIMIT_ARENA_WORK), .draft.state = "", .out = out};
    int rc = decision.arena == NULL ? err_nomem(err) : read_voice(who, &decision.voice, err);

    *out = (struct approval_result){0};
    if (rc == 0) {
        rc = db_begin(db, err);
    }
    if (rc == 0) {
        rc = decide(&decision, mailing, verdict, digest, remark, err);
        rc = rc < 0 ? rc : db_commit(db, err);
        db_rollback(db);
    }
    if (rc == 0 && !out->again) {
        LOG(LOG_INFO, "draft_decided", log_int("mailing", mailing),
            log_text("what", names[verdict]), log_text("who", decision.voice.who),
            log_text("how", decision.voice.how), log_int("given", out->given),
            log_int("needed", out->needed));
    }
    arena_free(decision.arena);
    return rc;
}

int approval_approve(struct db *db, int64_t mailing, const char *digest,
                     const struct approval_person *who, struct approval_result *out,
                     struct err *err)
{
    return run(db, mailing, APPROVE, digest, who, NULL, out, err);
}

int approval_reject(struct db *db, int64_t mailing, const char *digest,
                    const struct approval_person *who, const char *reason,
                    struct approval_result *out, struct err *err)
{
    return run(db, mailing, REJECT, digest, who, reason, out, err);
}

int approval_note(struct db *db, int64_t mailing, const struct approval_person *who,
                  const char *text, struct err *err)
{
    struct approval_result ignored;

    return run(db, mailing, NOTE, NULL, who, text, &ignored, err);
}

int approval_cancel(struct db *db, int64_t mailing, const struct approval_person *who,
                    struct err *err)
{
    struct approval_result ignored;

    return run(db, mailing, CANCEL, NULL, who, NULL, &ignored, err);
}
