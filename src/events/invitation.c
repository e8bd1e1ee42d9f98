#include "teataja/events/invitation.h"

#include <stdio.h>
#include <string.h>

#include "sql/events/invitation.h"
#include "teataja/base/limits.h"
#include "teataja/base/token.h"
#include "transaction.h"

#define UID_RANDOM 16 /* bytes */

int transaction_begin(struct db *db, struct transaction *transaction, struct err *err)
{
    transaction->db = db;
    transaction->own = !db_in_transaction(db);
    return transaction->own ? db_begin(db, err) : 0;
}

int transaction_end(struct transaction *transaction, int rc, struct err *err)
{
    if (!transaction->own) {
        return rc;
    }
    if (rc == 0) {
        rc = db_commit(transaction->db, err);
    }
    if (rc < 0) {
        db_rollback(transaction->db);
    }
    return rc;
}

/* What the table says beside what struct event_row tells. */
struct recorded {
    char digest[33];
    char status[16];
    int64_t capacity; /* -1 for NULL */
    char list[LIMIT_SLUG + 1];
    bool invited;
};

static void copy_column(struct db_stmt *stmt, int column, char *out, size_t size)
{
    snprintf(out, size, "%s", db_text(stmt, column));
}

/* 1 found, 0 not, or negative. */
static int read_row(struct db *db, const char *slug, struct event_row *out,
                    struct recorded *recorded, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_EVENT_BY_SLUG, &stmt, err);

    memset(out, 0, sizeof(*out));
    if (rc == 0) {
        rc = db_bind(stmt, err, "t", slug);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        out->id = db_int(stmt, 0);
        copy_column(stmt, 1, out->uid, sizeof(out->uid));
        out->sequence = db_int(stmt, 2);
        copy_column(stmt, 3, recorded->digest, sizeof(recorded->digest));
        copy_column(stmt, 4, recorded->status, sizeof(recorded->status));
        recorded->capacity = db_is_null(stmt, 5) ? -1 : db_int(stmt, 5);
        copy_column(stmt, 6, recorded->list, sizeof(recorded->list));
        recorded->invited = db_int(stmt, 7) != 0;
    }
    db_stmt_free(stmt);
    return rc;
}

static const char *status_text(const struct event *event)
{
    return event->status == EVENT_CANCELLED ? "CANCELLED" : "CONFIRMED";
}

static int add_row(struct db *db, const struct event *event, const char *domain, const char *digest,
                   struct event_row *out, struct err *err)
{
    char random[(UID_RANDOM * 8 + 4) / 5 + 1];
    int rc;

    memset(out, 0, sizeof(*out));
    token_random(UID_RANDOM, random);
    if (snprintf(out->uid, sizeof(out->uid), "%s@%s", random, domain) >= (int)sizeof(out->uid)) {
        return err_set(err, ERR_LIMIT, "the domain '%.60s…' is too long for a UID", domain);
    }
    rc = db_exec(db, SQL_EVENT_ADD, err, "tttt?t", event->slug, event->list, out->uid,
                 status_text(event), event->rsvp.capacity > 0, event->rsvp.capacity, digest);
    out->id = db_last_id(db);
    out->fresh = true;
    return rc;
}

static int update_row(struct db *db, const struct event *event, const char *digest,
                      const struct recorded *recorded, struct event_row *out, struct err *err)
{
    bool differs = strcmp(digest, recorded->digest) != 0;
    int64_t capacity = event->rsvp.capacity > 0 ? event->rsvp.capacity : -1;
    int rc;

    out->changed = differs && recorded->invited;
    if (!differs && capacity == recorded->capacity &&
        strcmp(status_text(event), recorded->status) == 0 &&
        strcmp(event->list != NULL ? event->list : "", recorded->list) == 0) {
        return 0;
    }
    rc = db_exec(db, SQL_EVENT_UPDATE, err, "itt?ti", out->id, event->list, status_text(event),
                 event->rsvp.capacity > 0, event->rsvp.capacity, digest,
                 (int64_t)(out->changed ? 1 : 0));
    out->sequence += out->changed ? 1 : 0;
    return rc;
}

int event_record(struct db *db, const struct event *event, const char *domain,
                 struct event_row *out, struct err *err)
{
    struct transaction transaction;
    struct recorded recorded = {0};
    char digest[33];
    int rc = event_digest(event, digest, err);

    if (rc < 0) {
        return rc;
    }
    rc = transaction_begin(db, &transaction, err);
    if (rc < 0) {
        return rc;
    }
    rc = read_row(db, event->slug, out, &recorded, err);
    if (rc == 0) {
        rc = add_row(db, event, domain, digest, out, err);
    } else if (rc > 0) {
        rc = update_row(db, event, digest, &recorded, out, err);
    }
    return transaction_end(&transaction, rc, err);
}

int event_row_get(struct db *db, const char *slug, struct event_row *out, struct err *err)
{
    struct recorded recorded;
    int rc = read_row(db, slug, out, &recorded, err);

    if (rc == 0) {
        return err_set(err, ERR_NOT_FOUND, "nobody was invited to '%.100s' yet", slug);
    }
    return rc < 0 ? rc : 0;
}

int event_revision_add(struct db *db, int64_t event, int64_t sequence, int64_t dtstamp,
                       const char *ical, struct err *err)
{
    return db_exec(db, SQL_EVENT_REVISION_ADD, err, "iiit", event, sequence, dtstamp, ical);
}

/* Steps a statement that yields one invitation, and frees it. 1, 0 or negative. */
static int take_invitation(struct db_stmt *stmt, struct arena *arena, struct invitation *out,
                           struct err *err)
{
    int rc = db_next(stmt, err);

    if (rc == 1) {
        memset(out, 0, sizeof(*out));
        out->id = db_int(stmt, 0);
        out->event = db_int(stmt, 1);
        out->member = db_int(stmt, 2);
        out->address = db_dup(stmt, 3, arena);
        out->organizer = db_dup(stmt, 4, arena);
        out->sequence = db_int(stmt, 5);
        out->dtstamp = db_int(stmt, 6);
        out->cancelled = db_int(stmt, 7) != 0;
        if (out->address == NULL || out->organizer == NULL) {
            rc = err_nomem(err);
        }
    }
    db_stmt_free(stmt);
    return rc;
}

static int read_invitation(struct db *db, struct arena *arena, int64_t event, int64_t member,
                           struct invitation *out, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_INVITATION_BY_MEMBER, &stmt, err);

    if (rc == 0) {
        rc = db_bind(stmt, err, "ii", event, member);
    }
    if (rc < 0) {
        db_stmt_free(stmt);
        return rc;
    }
    rc = take_invitation(stmt, arena, out, err);
    return rc == 0  ? err_set(err, ERR_CORRUPT, "an invitation is not where it was put")
           : rc < 0 ? rc
                    : 0;
}

int invitation_add(struct db *db, struct arena *arena, int64_t event, int64_t member,
                   const char *address, const char *organizer, int64_t sequence, int64_t dtstamp,
                   struct invitation *out, struct err *err)
{
    struct transaction transaction;
    bool fresh;
    int rc = transaction_begin(db, &transaction, err);

    if (rc < 0) {
        return rc;
    }
    rc = db_exec(db, SQL_INVITATION_ADD, err, "iittii", event, member, address, organizer, sequence,
                 dtstamp);
    fresh = rc == 0 && db_changes(db) > 0;
    if (fresh) {
        /* It is what was passed: reading it back would cost as much again. */
        *out = (struct invitation){.id = db_last_id(db),
                                   .event = event,
                                   .member = member,
                                   .address = arena_strdup(arena, address),
                                   .organizer = arena_strdup(arena, organizer),
                                   .sequence = sequence,
                                   .dtstamp = dtstamp,
                                   .fresh = true};
        rc = out->address != NULL && out->organizer != NULL ? 0 : err_nomem(err);
    } else if (rc == 0) {
        rc = db_exec(db, SQL_INVITATION_REVIVE, err, "ii", event, member);
        if (rc == 0) {
            rc = read_invitation(db, arena, event, member, out, err);
        }
    }
    return transaction_end(&transaction, rc, err);
}

int invitation_sent(struct db *db, int64_t invitation, const char *address, int64_t sequence,
                    int64_t dtstamp, struct err *err)
{
    return db_exec(db, SQL_INVITATION_SENT, err, "itii", invitation, address, sequence, dtstamp);
}

int invitation_find(struct db *db, struct arena *arena, const char *slug, int64_t member,
                    struct invitation *out, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_INVITATION_BY_SLUG, &stmt, err);

    if (rc == 0) {
        rc = db_bind(stmt, err, "ti", slug, member);
    }
    if (rc < 0) {
        db_stmt_free(stmt);
        return rc;
    }
    rc = take_invitation(stmt, arena, out, err);
    if (rc == 0) {
        return err_set(err, ERR_NOT_FOUND, "member %lld is not invited to '%.100s'",
                       (long long)member, slug);
    }
    return rc < 0 ? rc : 0;
}

int invitation_scrub_member(struct db *db, int64_t member, struct err *err)
{
    struct transaction transaction;
    int rc = transaction_begin(db, &transaction, err);

    if (rc < 0) {
        return rc;
    }
    rc = db_exec(db, SQL_INVITATION_SCRUB_ADDRESS, err, "i", member);
    if (rc == 0) {
        rc = db_exec(db, SQL_INVITATION_SCRUB_ANSWERS, err, "i", member);
    }
    if (rc == 0) {
        rc = db_exec(db, SQL_INVITATION_SCRUB_LOG, err, "i", member);
    }
    return transaction_end(&transaction, rc, err);
}
