#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "sql/delivery/mailing.h"
#include "teataja/base/civil.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/token.h"
#include "teataja/delivery/mailing.h"

enum {
    CHUNK = 1000,   /* rows of one transaction: well under 100 ms */
    LOG_KIB = 4096, /* a checkpoint of 16 MB can take 200 ms */
    UID_BYTES = 10
};

/* Says what stands in the way of a mailing of this dedupe. */
static int refuse_double(struct db *db, const char *dedupe, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_MAILING_BY_DEDUPE, &stmt, err);

    if (rc == 0) {
        rc = db_bind_text(stmt, 1, dedupe, err);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        int64_t id = db_int(stmt, 0);
        int64_t at = db_int(stmt, 2);
        struct civil when;
        char text[CIVIL_TEXT];

        if (strcmp(db_text(stmt, 1), "expanding") != 0) {
            civil_from_utc(at, &when);
            civil_print(&when, text);
            rc = err_set(err, ERR_EXISTS, "%s is mailing %" PRId64 " already (%s, made %s UTC)",
                         db_text(stmt, 3), id, db_text(stmt, 1), text);
        } else {
            rc =
                err_set(err, ERR_EXISTS,
                        "%s is being prepared by another send at this moment (mailing %" PRId64 ")",
                        db_text(stmt, 3), id);
        }
    }
    db_stmt_free(stmt);
    return rc;
}

/* In the caller's transaction. */
static int insert(struct db *db, const struct mailing *plan, const char *state, int64_t *id,
                  struct err *err)
{
    char uid[UID_BYTES * 2];
    int rc = refuse_double(db, plan->dedupe, err);

    token_random(UID_BYTES, uid);
    if (rc == 0) {
        rc = db_exec(db, SQL_MAILING_INSERT, err, "ttt?ttitti?tit",
                     plan->uid != NULL ? plan->uid : uid, plan->purpose, plan->subject,
                     plan->list != 0, plan->list, plan->dedupe, plan->on_unknown, plan->priority,
                     plan->config, plan->audience, plan->message_date, plan->not_after != 0,
                     plan->not_after, plan->hash, clock_now(), state);
    }
    if (rc == 0) {
        *id = db_last_id(db);
    }
    return rc;
}

int mailing_create(struct db *db, const struct mailing *plan, int64_t *id, struct err *err)
{
    int rc = db_begin(db, err);

    if (rc == 0) {
        rc = insert(db, plan, "expanding", id, err);
    }
    if (rc == 0) {
        rc = db_commit(db, err);
    }
    db_rollback(db);
    return rc;
}

int mailing_propose(struct db *db, const struct mailing *plan, int64_t *id, struct err *err)
{
    return insert(db, plan, "waiting", id, err);
}

int mailing_add_part(struct db *db, int64_t mailing, const char *name, const char *type,
                     const void *data, size_t len, struct err *err)
{
    return db_exec(db, SQL_MAILING_PART_INSERT, err, "ittb", mailing, name, type, data, len);
}

int mailing_add_variant(struct db *db, int64_t mailing, const char *lang, const char *selection,
                        const void *pieces, size_t len, const struct mailing_item *items,
                        size_t item_count, int64_t *variant, struct err *err)
{
    bool nested = db_in_transaction(db);
    int rc = nested ? 0 : db_begin(db, err);

    if (rc == 0) {
        rc = db_exec(db, SQL_MAILING_VARIANT_INSERT, err, "ittb", mailing, lang, selection, pieces,
                     len);
    }
    if (rc == 0) {
        *variant = db_last_id(db);
    }
    for (size_t i = 0; rc == 0 && i < item_count; i++) {
        rc = db_exec(db, SQL_MAILING_VARIANT_ITEM_INSERT, err, "iit", *variant, items[i].item,
                     items[i].round);
    }
    if (rc == 0 && !nested) {
        rc = db_commit(db, err);
    }
    if (!nested) {
        db_rollback(db);
    }
    return rc;
}

static int priority_of(struct db *db, int64_t mailing, int64_t *priority, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_MAILING_GET, &stmt, err);

    if (rc == 0) {
        rc = db_bind_int(stmt, 1, mailing, err);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 0) {
        rc = err_set(err, ERR_NOT_FOUND, "no mailing %" PRId64, mailing);
    } else if (rc == 1) {
        *priority = db_int(stmt, 8);
        rc = 0;
    }
    db_stmt_free(stmt);
    return rc;
}

static int insert_rows(struct db *db, int64_t mailing, int64_t priority,
                       const struct mailing_recipient *rows, size_t count, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_MAILING_RECIPIENT_INSERT, &stmt, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = db_bind(stmt, err, "it?titi", mailing, rows[i].dedupe, rows[i].member != 0,
                     rows[i].member, rows[i].address, rows[i].variant, rows[i].slots, priority);
        if (rc == 0) {
            rc = db_next(stmt, err);
            db_stmt_reset(stmt);
        }
    }
    db_stmt_free(stmt);
    return rc;
}

static int insert_chunk(struct db *db, int64_t mailing, int64_t priority,
                        const struct mailing_recipient *rows, size_t count, struct err *err)
{
    int rc = db_begin(db, err);

    if (rc == 0) {
        rc = insert_rows(db, mailing, priority, rows, count, err);
    }
    if (rc == 0) {
        rc = db_commit(db, err);
    }
    db_rollback(db);
    return rc;
}

int mailing_add_recipients(struct db *db, int64_t mailing, const struct mailing_recipient *rows,
                           size_t count, struct err *err)
{
    int64_t priority = 0;
    int rc = priority_of(db, mailing, &priority, err);

    if (rc == 0 && db_in_transaction(db)) {
        return insert_rows(db, mailing, priority, rows, count, err);
    }
    for (size_t at = 0; rc == 0 && at < count; at += CHUNK) {
        rc = insert_chunk(db, mailing, priority, rows + at, count - at < CHUNK ? count - at : CHUNK,
                          err);
    }
    return rc;
}

/* A text of the row in the arena. *lost is set if there was no memory for it. */
static const char *get_text(struct db_stmt *stmt, int column, struct arena *arena, bool *lost)
{
    const char *text = db_dup(stmt, column, arena);

    if (text == NULL && !db_is_null(stmt, column)) {
        *lost = true;
    }
    return text;
}

static int get_row(struct db_stmt *stmt, struct arena *arena, struct mailing *out, struct err *err)
{
    bool lost = false;

    *out = (struct mailing){
        .id = db_int(stmt, 0),
        .uid = get_text(stmt, 1, arena, &lost),
        .purpose = get_text(stmt, 2, arena, &lost),
        .subject = get_text(stmt, 3, arena, &lost),
        .list = db_int(stmt, 4),
        .dedupe = get_text(stmt, 5, arena, &lost),
        .state = get_text(stmt, 6, arena, &lost),
        .on_unknown = get_text(stmt, 7, arena, &lost),
        .priority = db_int(stmt, 8),
        .config = get_text(stmt, 9, arena, &lost),
        .audience = get_text(stmt, 10, arena, &lost),
        .message_date = db_int(stmt, 11),
        .not_after = db_int(stmt, 12),
        .hash = get_text(stmt, 13, arena, &lost),
        .created_at = db_int(stmt, 14),
        .finished_at = db_int(stmt, 15),
        .reason = get_text(stmt, 16, arena, &lost),
    };
    return lost ? err_nomem(err) : 0;
}

int mailing_get(struct db *db, struct arena *arena, int64_t id, struct mailing *out,
                struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_MAILING_GET, &stmt, err);

    if (rc == 0) {
        rc = db_bind_int(stmt, 1, id, err);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 0) {
        rc = err_set(err, ERR_NOT_FOUND, "no mailing %" PRId64, id);
    } else if (rc == 1) {
        rc = get_row(stmt, arena, out, err);
    }
    db_stmt_free(stmt);
    return rc;
}

bool mailing_is_draft(const struct mailing *mailing)
{
    return strstr(",waiting,approved,rejected,", mailing->state) != NULL;
}

int mailing_list(struct db *db, struct arena *arena, size_t max, bool notices, struct mailing **out,
                 size_t *count, struct err *err)
{
    struct db_stmt *stmt = NULL;
    size_t capacity = 0;
    int rc = db_query(db, SQL_MAILING_LIST, &stmt, err);

    *out = NULL;
    *count = 0;
    if (rc == 0) {
        rc = db_bind(stmt, err, "ii", (int64_t)max, (int64_t)notices);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = arena_grow(arena, out, &capacity, *count, sizeof(**out), err);
        if (rc == 0) {
            rc = get_row(stmt, arena, &(*out)[*count], err);
        }
        if (rc == 0) {
            *count += 1;
        }
    }
    db_stmt_free(stmt);
    return rc;
}

int mailing_count(struct db *db, int64_t mailing, struct mailing_counts *out, struct err *err)
{
    const struct {
        const char *state;
        int64_t *count;
    } states[] = {
        {"queued", &out->queued},         {"claimed", &out->claimed},
        {"committing", &out->committing}, {"sent", &out->sent},
        {"deferred", &out->deferred},     {"failed", &out->failed},
        {"suppressed", &out->suppressed}, {"unknown", &out->unknown},
    };
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_MAILING_COUNT_STATES, &stmt, err);

    memset(out, 0, sizeof(*out));
    if (rc == 0) {
        rc = db_bind_int(stmt, 1, mailing, err);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
            if (strcmp(states[i].state, db_text(stmt, 0)) == 0) {
                *states[i].count = db_int(stmt, 1);
            }
        }
        out->total += db_int(stmt, 1);
        out->resent += db_int(stmt, 2);
        rc = 0;
    }
    db_stmt_free(stmt);
    return rc;
}

static int refuse_state(struct db *db, int64_t id, const char *state, struct err *err)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct mailing mailing = {0};
    int rc;

    if (arena == NULL) {
        return err_nomem(err);
    }
    rc = mailing_get(db, arena, id, &mailing, err);
    if (rc == 0) {
        rc = err_set(err, ERR_STATE, "mailing %" PRId64 " is %s: it cannot become %s", id,
                     mailing.state, state);
    }
    arena_free(arena);
    return rc;
}

static int set_state(struct db *db, int64_t id, const char *state, const char *from,
                     struct err *err)
{
    int rc = db_exec(db, SQL_MAILING_SET_STATE, err, "itt", id, state, from);

    return rc < 0 || db_changes(db) == 1 ? rc : refuse_state(db, id, state, err);
}

int mailing_set_draft(struct db *db, int64_t id, const char *state, const char *reason,
                      struct err *err)
{
    int rc = db_exec(db, SQL_MAILING_SET_DRAFT, err, "ittt", id, state,
                     ",waiting,approved,rejected,", reason);

    return rc < 0 || db_changes(db) == 1 ? rc : refuse_state(db, id, state, err);
}

int mailing_ready(struct db *db, int64_t mailing, struct err *err)
{
    return set_state(db, mailing, "queued", ",expanding,", err);
}

int mailing_pause(struct db *db, int64_t mailing, struct err *err)
{
    return set_state(db, mailing, "paused", ",queued,sending,", err);
}

int mailing_resume(struct db *db, int64_t mailing, struct err *err)
{
    return set_state(db, mailing, "queued", ",queued,sending,paused,held,sent,", err);
}

int mailing_drop_cancelled(struct db *db, int64_t mailing, struct err *err)
{
    int64_t dropped = CHUNK;
    int rc = 0;

    db_set_log(db, LOG_KIB);
    while (rc == 0 && dropped == CHUNK) {
        rc = db_exec(db, SQL_MAILING_DROP_CANCELLED, err, "iii", mailing, clock_now(),
                     (int64_t)CHUNK);
        dropped = rc == 0 ? db_changes(db) : 0;
        if (dropped == CHUNK) {
            db_pause();
        }
    }
    db_set_log(db, 0);
    return rc;
}

int mailing_cancel(struct db *db, int64_t mailing, struct err *err)
{
    int rc = set_state(db, mailing, "cancelled",
                       ",waiting,approved,rejected,queued,sending,paused,held,cancelled,", err);

    return rc == 0 ? mailing_drop_cancelled(db, mailing, err) : rc;
}

struct resend {
    struct db *db;
    int64_t mailing;
    const struct db_sql *list; /* of the ids that are left */
    const char *state;         /* of these rows */
    int64_t last;              /* id of the last one that was looked at */
    int64_t end;               /* id of the mailing's last one */
    int64_t count;
    int64_t ids[CHUNK];
    size_t found;
};

static int find_span(struct resend *resend, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(resend->db, SQL_MAILING_SPAN, &stmt, err);

    rc = rc == 0 ? db_bind_int(stmt, 1, resend->mailing, err) : rc;
    rc = rc == 0 ? db_next(stmt, err) : rc;
    if (rc == 1) {
        resend->last = db_int(stmt, 0) - 1;
        resend->end = db_int(stmt, 1);
        rc = 0;
    }
    db_stmt_free(stmt);
    return rc;
}

/* Reads which rows come next. What fails again meanwhile lies behind. */
static int find_next(struct resend *resend, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(resend->db, resend->list, &stmt, err);

    resend->found = 0;
    if (rc == 0) {
        rc = db_bind(stmt, err, "iiii", resend->mailing, resend->last, resend->end, (int64_t)CHUNK);
    }
    while (rc == 0 && resend->found < CHUNK && (rc = db_next(stmt, err)) == 1) {
        resend->last = db_int(stmt, 0);
        resend->ids[resend->found++] = resend->last;
        rc = 0;
    }
    db_stmt_free(stmt);
    return rc;
}

/* In a transaction. The first rows let it go on; from then on who pauses it is obeyed. */
static int requeue_found(struct resend *resend, struct err *err)
{
    struct db *db = resend->db;
    bool first = resend->count == 0;
    int64_t count = 0;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < resend->found; i++) {
        rc = db_exec(db, SQL_MAILING_REQUEUE, err, "it", resend->ids[i], resend->state);
        count += rc == 0 ? db_changes(db) : 0;
    }
    if (rc < 0 || count == 0) {
        return rc;
    }
    resend->count += count;
    if (first) {
        return set_state(db, resend->mailing, "queued", ",queued,sending,paused,held,sent,", err);
    }
    rc = db_exec(db, SQL_MAILING_RESEND_GOES_ON, err, "i", resend->mailing);
    return rc < 0 || db_changes(db) == 1 ? rc : refuse_state(db, resend->mailing, "queued", err);
}

/* In chunks; with nothing to send the mailing stays what it is: sent, or held. */
static int resend(struct db *db, int64_t mailing, const struct db_sql *list, const char *state,
                  int64_t *count, struct err *err)
{
    struct resend resend = {.db = db, .mailing = mailing, .list = list, .state = state};
    int rc = find_span(&resend, err);

    *count = 0;
    do {
        rc = rc == 0 ? find_next(&resend, err) : rc;
        if (rc == 0 && resend.found > 0) {
            rc = db_begin(db, err);
        }
        if (rc == 0 && resend.found > 0) {
            rc = requeue_found(&resend, err);
        }
        if (rc == 0 && resend.found > 0) {
            rc = db_commit(db, err);
        }
        db_rollback(db);
        if (rc == 0) {
            *count = resend.count;
        }
        if (rc == 0 && resend.found == CHUNK) {
            db_pause();
        }
    } while (rc == 0 && resend.found == CHUNK);
    return rc;
}

int mailing_resend_unknown(struct db *db, int64_t mailing, int64_t *count, struct err *err)
{
    return resend(db, mailing, SQL_MAILING_UNKNOWN_IDS, "unknown", count, err);
}

int mailing_resend_failed(struct db *db, int64_t mailing, int64_t *count, struct err *err)
{
    return resend(db, mailing, SQL_MAILING_FAILED_IDS, "failed", count, err);
}

int mailing_rows(struct db *db, int64_t mailing, const char *state,
                 int (*each)(void *ctx, const struct mailing_row *row), void *ctx, struct err *err)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct db_stmt *stmt = NULL;
    int stop = 0;
    int rc;

    if (arena == NULL) {
        return err_nomem(err);
    }
    rc = db_query(db, SQL_MAILING_ROWS, &stmt, err);
    if (rc == 0) {
        rc = db_bind(stmt, err, "it", mailing, state);
    }
    while (rc == 0 && stop == 0 && (rc = db_next(stmt, err)) == 1) {
        struct arena_mark mark = arena_mark(arena);
        bool lost = false;
        const struct mailing_row row = {
            .id = db_int(stmt, 0),
            .member = db_int(stmt, 1),
            .address = get_text(stmt, 2, arena, &lost),
            .lang = get_text(stmt, 3, arena, &lost),
            .state = get_text(stmt, 4, arena, &lost),
            .attempts = db_int(stmt, 5),
            .next_at = db_int(stmt, 6),
            .done_at = db_int(stmt, 7),
            .code = db_int(stmt, 8),
            .enhanced = get_text(stmt, 9, arena, &lost),
            .reply = get_text(stmt, 10, arena, &lost),
            .relay = get_text(stmt, 11, arena, &lost),
        };

        rc = lost ? err_nomem(err) : 0;
        if (rc == 0) {
            stop = each(ctx, &row);
        }
        arena_rewind(arena, mark);
    }
    db_stmt_free(stmt);
    arena_free(arena);
    return rc < 0 ? rc : stop;
}

int mailing_scrub_member(struct db *db, int64_t member, struct err *err)
{
    int64_t on_wire = 0;
    int rc = db_get_int(db, SQL_MAILING_SCRUB_WIRE, &on_wire, err, "i", member);

    if (rc < 0) {
        return rc;
    }
    if (on_wire > 0) {
        return err_set(err, ERR_BUSY,
                       "a letter to this member is on its way: try again when the "
                       "mailing is done");
    }
    rc = db_exec(db, SQL_MAILING_SCRUB_ATTEMPTS, err, "i", member);
    return rc < 0 ? rc : db_exec(db, SQL_MAILING_SCRUB_OUTBOX, err, "i", member);
}
