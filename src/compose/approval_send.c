/* approval_send.c - see teataja/compose/approval_send.h. */
#include "teataja/compose/approval_send.h"

#include <inttypes.h>
#include <string.h>

#include "approval.h"
#include "invite_draft.h"
#include "letter_draft.h"
#include "room.h"
#include "sql/compose/approval_flow.h"
#include "teataja/base/diff.h"
#include "teataja/base/limits.h"
#include "teataja/base/log.h"

static struct db *database(const struct compose *compose)
{
    return compose->site.members->db;
}

/* How it was drafted. */
static int read_options(struct db *db, struct arena *arena, int64_t mailing,
                        const char **occurrence, bool *again, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_APPROVAL_FLOW_OPTIONS, &stmt, err);

    if (rc == 0) {
        rc = db_bind(stmt, err, "i", mailing);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        *occurrence = db_dup(stmt, 0, arena);
        *again = db_int(stmt, 1) != 0;
        rc = *occurrence != NULL ? 0 : err_nomem(err);
    }
    db_stmt_free(stmt);
    return rc;
}

static bool is_letter(const struct approval *approval)
{
    return strcmp(approval->purpose, "letter") == 0;
}

/* What letter_plan calls it. */
static const char *letter_of(const struct approval *approval)
{
    return strncmp(approval->target, LETTER_AUTOMATIC, strlen(LETTER_AUTOMATIC)) == 0
               ? approval->target
               : strchr(approval->target, '/') + 1;
}

int approval_release(struct compose *compose, struct arena *arena, int64_t mailing,
                     const struct approval_person *by, struct approval_sent *out, struct err *err)
{
    const struct approval_wish wish = {.act = APPROVAL_SEND, .draft = mailing, .by = by};
    struct invite_summary invitations = {0};
    struct letter_summary letter = {0};
    struct approval approval;
    const char *occurrence = "";
    bool again = false;
    int rc = approval_head(database(compose), arena, mailing, &approval, err);

    if (rc == 0) {
        rc = read_options(database(compose), arena, mailing, &occurrence, &again, err);
    }
    if (rc < 0) {
        return rc;
    }
    if (is_letter(&approval)) {
        const struct letter_options options = {
            .occurrence = occurrence[0] != '\0' ? occurrence : NULL, .wish = wish};

        rc = letter_plan(compose, arena, letter_of(&approval), &options, &letter, err);
        *out = letter.sent;
    } else {
        const struct invite_options options = {.again = again, .wish = wish};

        rc = invite_plan(compose, arena, strchr(approval.target, '/') + 1, &options, &invitations,
                         err);
        *out = invitations.sent;
    }
    return rc;
}

static int list_ready(struct db *db, struct arena *arena, int64_t **out, size_t *count,
                      struct err *err)
{
    struct db_stmt *stmt = NULL;
    size_t capacity = 0;
    int rc = db_query(db, SQL_APPROVAL_FLOW_READY, &stmt, err);

    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = arena_grow(arena, out, &capacity, *count, sizeof(**out), err);
        if (rc == 0) {
            (*out)[(*count)++] = db_int(stmt, 0);
        }
    }
    db_stmt_free(stmt);
    return rc;
}

int approval_release_ready(struct compose *compose, int64_t *count, struct err *err)
{
    struct arena *arena = arena_new(LIMIT_ARENA_SITE);
    int64_t *mailings = NULL;
    size_t found = 0;
    int rc = arena == NULL ? err_nomem(err)
                           : list_ready(database(compose), arena, &mailings, &found, err);

    *count = 0;
    for (size_t i = 0; rc == 0 && i < found; i++) {
        struct approval_sent sent = {0};
        struct err why = {0};

        if (approval_release(compose, arena, mailings[i], NULL, &sent, &why) < 0) {
            LOG(LOG_WARN, "release_failed", log_int("mailing", mailings[i]),
                log_text("reason", why.msg));
        } else {
            *count += strcmp(sent.state, "queued") == 0;
        }
    }
    arena_free(arena);
    return rc;
}

/* ---- what changed ---- */

struct comparing {
    struct arena *arena; /* the caller's */
    const struct snapshot *then;
    const struct snapshot *now;
    struct approval_diff *out;
    struct approval_item_change *items;
    size_t item_capacity;
    struct approval_edition_change *editions;
    size_t edition_capacity;
};

static int add_item(struct comparing *comparing, const char *what, const struct approval_item *item,
                    struct err *err)
{
    struct arena *arena = comparing->arena;
    struct approval_item_change *change;
    int rc = arena_grow(arena, &comparing->items, &comparing->item_capacity,
                        comparing->out->item_count, sizeof(*comparing->items), err);

    if (rc < 0) {
        return rc;
    }
    change = &comparing->items[comparing->out->item_count++];
    *change = (struct approval_item_change){.what = what,
                                            .block = arena_strdup(arena, item->block),
                                            .slug = arena_strdup(arena, item->slug),
                                            .title = arena_strdup(arena, item->title)};
    return change->block != NULL && change->slug != NULL && change->title != NULL ? 0
                                                                                  : err_nomem(err);
}

static int add_items(struct comparing *comparing, struct err *err)
{
    struct approval_items then = {.count = 0};
    struct approval_items now = {.count = 0};
    int rc = snapshot_list_items(comparing->then, comparing->then->arena, &then, err);

    if (rc == 0) {
        rc = snapshot_list_items(comparing->now, comparing->now->arena, &now, err);
    }
    for (size_t i = 0; rc == 0 && i < now.count; i++) {
        const struct approval_item *item = &now.items[i];
        const struct approval_item *old = snapshot_find_item(&then, item);

        if (old == NULL || strcmp(old->revision, item->revision) != 0) {
            rc = add_item(comparing, old == NULL ? "new" : "changed", item, err);
        }
    }
    for (size_t i = 0; rc == 0 && i < then.count; i++) {
        if (snapshot_find_item(&now, &then.items[i]) == NULL) {
            rc = add_item(comparing, "gone", &then.items[i], err);
        }
    }
    return rc;
}

static int add_body(struct str *out, const struct approval_edition *edition)
{
    if (edition == NULL || edition->text == NULL) {
        return 0;
    }
    str_addf(out, "Subject: %s\n\n%s", edition->subject, edition->text);
    return 1;
}

/* Subject and text of both; "" where one is not kept. */
static int diff_bodies(struct comparing *comparing, const struct approval_edition *then,
                       const struct approval_edition *now, const char **out, struct err *err)
{
    struct str before;
    struct str after;
    struct str diff;
    int rc = 0;

    *out = "";
    str_init(&before, LIMIT_MESSAGE);
    str_init(&after, LIMIT_MESSAGE);
    str_init(&diff, (size_t)LIMIT_MESSAGE * 2);
    if (add_body(&before, then) + add_body(&after, now) == (then != NULL) + (now != NULL)) {
        const char *tag = language_tag(now != NULL ? now->language : then->language);
        const char *name = arena_printf(comparing->arena, "then/%s", tag);
        const char *other = arena_printf(comparing->arena, "now/%s", tag);

        rc = name == NULL || other == NULL
                 ? err_nomem(err)
                 : diff_unified(name, before.data != NULL ? before.data : "", other,
                                after.data != NULL ? after.data : "", 3, &diff, err);
    }
    if (rc > 0) {
        rc = str_check(&diff, err);
        *out = rc == 0 ? arena_strdup(comparing->arena, diff.data) : "";
        rc = rc == 0 && *out == NULL ? err_nomem(err) : rc;
    }
    str_release(&before);
    str_release(&after);
    str_release(&diff);
    return rc;
}

/* Another one in anything that is sent: two that only recipients left are the same. */
static bool is_other(const struct approval_edition *then, const struct approval_edition *now)
{
    return then == NULL || now == NULL || strcmp(then->digest, now->digest) != 0;
}

static int add_edition(struct comparing *comparing, const struct approval_edition *then,
                       const struct approval_edition *now, struct err *err)
{
    struct arena *arena = comparing->arena;
    struct approval_edition_change *change;
    int rc;

    if (!is_other(then, now)) {
        return 0;
    }
    rc = arena_grow(arena, &comparing->editions, &comparing->edition_capacity,
                    comparing->out->edition_count, sizeof(*comparing->editions), err);
    if (rc < 0) {
        return rc;
    }
    change = &comparing->editions[comparing->out->edition_count++];
    *change = (struct approval_edition_change){
        .language = now != NULL ? now->language : then->language,
        .then = then != NULL ? then->recipients : 0,
        .now = now != NULL ? now->recipients : 0,
        .subject_then = arena_strdup(arena, then != NULL ? then->subject : ""),
        .subject_now = arena_strdup(arena, now != NULL ? now->subject : "")};
    return change->subject_then != NULL && change->subject_now != NULL
               ? diff_bodies(comparing, then, now, &change->diff, err)
               : err_nomem(err);
}

static int add_editions(struct comparing *comparing, struct err *err)
{
    struct snapshot_pair *pairs = NULL;
    size_t count = 0;
    int rc =
        snapshot_pair(comparing->then, comparing->now, comparing->now->arena, &pairs, &count, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = add_edition(comparing, pairs[i].then, pairs[i].now, err);
    }
    return rc;
}

static int compare(struct comparing *comparing, int tolerance, struct err *err)
{
    struct approval_diff *out = comparing->out;
    const struct snapshot *then = comparing->then;
    const struct snapshot *now = comparing->now;
    struct str changes;
    int rc;

    str_init(&changes, LIMIT_TEXT);
    rc = snapshot_compare(then, now, tolerance, &changes, err);
    if (rc >= 0) {
        out->voids = rc > 0;
        str_trim_end(&changes);
        out->changes = rc > 0 ? arena_strdup(comparing->arena, changes.data) : "";
        out->recipients_then = then->recipients;
        out->recipients_now = now->recipients;
        out->audience_then = arena_strdup(comparing->arena, then->audience);
        out->audience_now = arena_strdup(comparing->arena, now->audience);
        rc = out->changes == NULL || out->audience_then == NULL || out->audience_now == NULL
                 ? err_nomem(err)
                 : 0;
    }
    str_release(&changes);
    if (rc == 0) {
        rc = add_items(comparing, err);
    }
    if (rc == 0) {
        rc = add_editions(comparing, err);
    }
    out->items = comparing->items;
    out->editions = comparing->editions;
    return rc;
}

/* What it would be now. */
static int look(struct compose *compose, struct arena *arena, const struct approval *approval,
                struct snapshot *out, int *tolerance, struct err *err)
{
    const char *occurrence;
    bool again = false;
    int rc = read_options(database(compose), arena, approval->mailing, &occurrence, &again, err);

    if (rc < 0) {
        return rc;
    }
    return is_letter(approval) ? letter_look(compose, arena, approval, out, tolerance, err)
                               : invite_look(compose, arena, approval, again, out, tolerance, err);
}

/* Reads the snapshot that is compared, and compares with the one that `now` is. */
static int compare_with(struct arena *arena, struct db *db, const struct approval *approval,
                        const struct snapshot *now, int64_t revision, int tolerance,
                        struct approval_diff *out, struct err *err)
{
    struct comparing comparing = {.arena = arena, .out = out, .now = now};
    struct snapshot then = {0};
    int rc;

    *out = (struct approval_diff){.target = approval->target, .revision = revision};
    out->revision_to = revision < approval->revision ? approval->revision : 0;
    rc = snapshot_read(&then, db, approval->mailing, revision, true, err);
    if (rc == 0) {
        comparing.then = &then;
        rc = compare(&comparing, tolerance, err);
    }
    snapshot_close(&then);
    return rc;
}

int approval_diff_last(struct db *db, struct arena *arena, int64_t mailing,
                       struct approval_diff *out, struct err *err)
{
    struct snapshot now = {0};
    struct approval approval;
    int rc = approval_head(db, arena, mailing, &approval, err);

    memset(out, 0, sizeof(*out));
    if (rc == 0) {
        rc = snapshot_read(&now, db, mailing, approval.revision, true, err);
    }
    if (rc == 0) {
        rc = compare_with(arena, db, &approval, &now, approval.revision - 1, 0, out, err);
    }
    snapshot_close(&now);
    return rc;
}

int approval_diff(struct compose *compose, struct arena *arena, int64_t mailing, bool last,
                  struct approval_diff *out, struct err *err)
{
    struct snapshot now = {0};
    struct approval approval;
    int tolerance = 0;
    int rc;

    if (last) {
        return approval_diff_last(database(compose), arena, mailing, out, err);
    }
    memset(out, 0, sizeof(*out));
    rc = approval_head(database(compose), arena, mailing, &approval, err);
    if (rc == 0 && !approval_is_open(&approval)) {
        rc = err_set(err, ERR_STATE, "mailing %" PRId64 " is %s: its text does not change any more",
                     mailing, approval.state);
    }
    if (rc == 0) {
        rc = look(compose, arena, &approval, &now, &tolerance, err);
    }
    if (rc == 0) {
        rc = compare_with(arena, database(compose), &approval, &now, approval.revision, tolerance,
                          out, err);
    }
    snapshot_close(&now);
    return rc;
}
