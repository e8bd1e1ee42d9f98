/* approval_flow.c - see approval_flow.h. */
#include "approval_flow.h"

#include <inttypes.h>
#include <string.h>

#include "room.h"
#include "sql/compose/approval_flow.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/log.h"

/* One passage through the flow. */
struct passage {
    struct approval_flow *flow;
    struct db *db;
    int64_t now;
    struct approval draft; /* mailing 0: there is none yet */
    struct snapshot then;  /* of the draft */
    struct snapshot fresh; /* of what is made now */
    const char *changes;   /* judge: what is not as it was approved; NULL if nothing */
};

static int fill(struct passage *passage, const char *state, struct err *err)
{
    struct approval_sent *out = passage->flow->out;
    struct approval draft;
    int rc = approval_head(passage->db, passage->flow->arena, passage->draft.mailing, &draft, err);

    if (rc < 0) {
        return rc;
    }
    out->mailing = draft.mailing;
    out->state = state;
    out->needed = draft.needed;
    out->given = draft.given;
    out->due_at = draft.due_at;
    out->recipients = draft.recipients;
    out->changes = draft.reason;
    return 0;
}

static int add_step(const struct passage *passage, const char *what, const char *remark,
                    struct err *err)
{
    const struct approval_person *by = passage->flow->wish->by;

    return approval_add_step(passage->db, passage->draft.mailing, by,
                             by != NULL ? by->how : "schedule", what, remark, err);
}

/* ---- drafts ---- */

static int write_draft(struct passage *passage, struct plan *plan, struct err *err)
{
    const struct approval_flow *flow = passage->flow;
    int64_t *mailing = &passage->draft.mailing;
    int rc = plan_propose(plan, "", passage->fresh.not_after, mailing, err);

    if (rc == 0) {
        rc = db_exec(passage->db, SQL_APPROVAL_FLOW_ADD, err, "itti?i", *mailing, flow->newsletter,
                     flow->occurrence != NULL ? flow->occurrence : "", (int64_t)flow->again,
                     flow->wish->due != 0, flow->wish->due, (int64_t)flow->needed);
    }
    if (rc == 0) {
        rc = snapshot_write(&passage->fresh, passage->db, *mailing, 1, err);
    }
    return rc == 0 ? add_step(passage, "drafted", "", err) : rc;
}

static int propose(void *ctx, struct plan *plan, struct err *err)
{
    struct passage *passage = ctx;
    int rc = db_begin(passage->db, err);

    if (rc == 0) {
        rc = write_draft(passage, plan, err);
    }
    if (rc == 0) {
        rc = db_commit(passage->db, err);
    }
    db_rollback(passage->db);
    return rc;
}

/* Of two who draft at once, one does; to the other it is as if it had been there. */
static int draft_first(struct passage *passage, struct err *err)
{
    const struct plan_way way = {.snapshot = &passage->fresh,
                                 .date = passage->flow->wish->due,
                                 .gathered = propose,
                                 .ctx = passage};
    int rc = snapshot_open(&passage->fresh, err);

    if (rc == 0) {
        rc = passage->flow->make(passage->flow->ctx, &way, err);
    }
    if (rc == 0) {
        LOG(LOG_INFO, "draft_made", log_int("mailing", passage->draft.mailing),
            log_text("of", passage->flow->target));
        rc = fill(passage, "waiting", err);
    }
    return rc;
}

static int leave_it(void *ctx, struct plan *plan, struct err *err)
{
    (void)ctx;
    (void)plan;
    (void)err;
    return 0;
}

static int compare(struct passage *passage, int *count, const char **changes, struct err *err)
{
    struct str text;
    int rc;

    str_init(&text, LIMIT_TEXT);
    rc = snapshot_compare(&passage->then, &passage->fresh, passage->flow->tolerance, &text, err);
    *count = rc;
    if (rc > 0) {
        str_trim_end(&text);
        *changes = arena_strdup(passage->flow->arena, text.data);
        rc = *changes != NULL ? 0 : err_nomem(err);
    }
    str_release(&text);
    return rc < 0 ? rc : 0;
}

/* Nobody decided about it since it was looked at. */
static int check_state(const struct passage *passage, struct err *err)
{
    struct approval now;
    int rc = approval_head(passage->db, passage->flow->arena, passage->draft.mailing, &now, err);

    if (rc == 0 &&
        (strcmp(now.state, passage->draft.state) != 0 || now.revision != passage->draft.revision)) {
        rc = err_set(err, ERR_BUSY, "somebody decided about the draft of %s just now: it is %s",
                     passage->flow->target, now.state);
    }
    return rc;
}

/* The draft's next revision. In a transaction. */
static int write_revision(struct passage *passage, const char *changes, bool voided,
                          struct err *err)
{
    const struct approval_flow *flow = passage->flow;
    const struct approval *draft = &passage->draft;
    int64_t due = flow->wish->due != 0 ? flow->wish->due : draft->due_at;
    int rc = check_state(passage, err);

    if (rc == 0 && voided) {
        rc = add_step(passage, "voided", changes, err);
    }
    if (rc == 0) {
        rc = db_exec(passage->db, SQL_APPROVAL_FLOW_RENEW, err, "iiti?it", draft->mailing,
                     draft->revision, flow->newsletter, (int64_t)flow->again, due != 0, due,
                     (int64_t)flow->needed, changes);
    }
    if (rc == 0) {
        rc = mailing_set_draft(passage->db, draft->mailing, "waiting", NULL, err);
    }
    if (rc == 0) {
        rc = snapshot_write(&passage->fresh, passage->db, draft->mailing, draft->revision + 1, err);
    }
    return rc == 0 ? add_step(passage, "drafted", changes, err) : rc;
}

static int renew(struct passage *passage, const char *changes, bool voided, struct err *err)
{
    int rc = db_begin(passage->db, err);

    if (rc == 0) {
        rc = write_revision(passage, changes, voided, err);
    }
    if (rc == 0) {
        rc = db_commit(passage->db, err);
    }
    db_rollback(passage->db);
    if (rc == 0) {
        LOG(LOG_INFO, voided ? "draft_voided" : "draft_renewed",
            log_int("mailing", passage->draft.mailing), log_text("changes", changes));
        rc = fill(passage, "waiting", err);
    }
    return rc;
}

/* The day that the draft's dates are reckoned from stays as long as they are right enough. */
static int64_t day_of(const struct passage *passage)
{
    const struct snapshot *then = &passage->then;
    int64_t date = passage->draft.date;

    if (!passage->flow->dated) {
        return 0;
    }
    return passage->now - date > passage->flow->too_late_after ||
                   (then->not_after != 0 && then->not_after <= passage->now)
               ? passage->now
               : date;
}

static int look(struct passage *passage, struct err *err)
{
    const struct plan_way way = {
        .snapshot = &passage->fresh, .date = day_of(passage), .gathered = leave_it, .ctx = passage};
    int rc = snapshot_open(&passage->fresh, err);

    return rc == 0 ? passage->flow->make(passage->flow->ctx, &way, err) : rc;
}

/* Time and number of approvals may have changed without the letter. */
static int plan_anew(struct passage *passage, struct err *err)
{
    const struct approval_flow *flow = passage->flow;
    int64_t due = flow->wish->due != 0 ? flow->wish->due : passage->draft.due_at;

    if (due == passage->draft.due_at && flow->needed == passage->draft.needed) {
        return 0;
    }
    return db_exec(passage->db, SQL_APPROVAL_FLOW_PLAN, err, "i?i", passage->draft.mailing,
                   due != 0, due, (int64_t)flow->needed);
}

/* A draft that waits or was rejected: made anew if it would be another one now. */
static int refresh(struct passage *passage, struct err *err)
{
    bool rejected = strcmp(passage->draft.state, "rejected") == 0;
    const char *changes = NULL;
    int count = 0;
    int rc = look(passage, err);

    if (rc == 0) {
        rc = compare(passage, &count, &changes, err);
    }
    if (rc < 0) {
        return rc;
    }
    if (count > 0) {
        return renew(passage, changes, false, err);
    }
    if (rejected) {
        return err_set(err, ERR_STATE,
                       "%s (mailing %" PRId64 ") was rejected and has not changed since: %s",
                       passage->flow->target, passage->draft.mailing, passage->draft.reason);
    }
    rc = plan_anew(passage, err);
    return rc == 0 ? fill(passage, "waiting", err) : rc;
}

/* ---- release ---- */

/* While it is written nobody can decide about it; but somebody may have, between the look at the
 * draft and the first row. */
static int check_approvals(const struct passage *passage, struct err *err)
{
    struct approval now;
    int rc = approval_head(passage->db, passage->flow->arena, passage->draft.mailing, &now, err);

    if (rc == 0 && (now.revision != passage->draft.revision || now.given < passage->flow->needed)) {
        rc = err_set(err, ERR_BUSY, "what was approved of %s was made void just now",
                     passage->flow->target);
    }
    return rc;
}

static int judge(void *ctx, struct err *err)
{
    struct passage *passage = ctx;
    int count = 0;
    int rc = compare(passage, &count, &passage->changes, err);

    if (rc == 0 && count > 0 && passage->flow->needed > 0) {
        return err_set(err, ERR_STATE, "%s is not what was approved any more",
                       passage->flow->target);
    }
    passage->changes = NULL;
    return rc == 0 ? check_approvals(passage, err) : rc;
}

static int released(void *ctx, struct err *err)
{
    return add_step(ctx, "released", "", err);
}

/* It cannot go out as it was approved, and there is nothing else to show. */
static int void_it(struct passage *passage, const char *why, struct err *err)
{
    int rc = db_begin(passage->db, err);

    if (rc == 0) {
        rc = check_state(passage, err);
    }
    if (rc == 0) {
        rc = add_step(passage, "voided", why, err);
    }
    if (rc == 0) {
        rc = db_exec(passage->db, SQL_APPROVAL_FLOW_VOID, err, "it", passage->draft.mailing, why);
    }
    if (rc == 0) {
        rc = mailing_set_draft(passage->db, passage->draft.mailing, "waiting", NULL, err);
    }
    if (rc == 0) {
        rc = db_commit(passage->db, err);
    }
    db_rollback(passage->db);
    return rc;
}

/* Before anything is written. */
static int inspect(struct passage *passage, struct err *err)
{
    int rc = look(passage, err);

    if (rc == 0) {
        rc = judge(passage, err);
    }
    if (rc == 0) {
        snapshot_close(&passage->fresh);
    }
    return rc;
}

/* For those who are to approve it again. */
static int draft_anew(struct passage *passage, struct err *err)
{
    int rc = 0;

    if (passage->fresh.is_bare) {
        snapshot_close(&passage->then);
        snapshot_close(&passage->fresh);
        rc = look(passage, err);
    }
    return rc == 0 ? renew(passage, passage->changes, true, err) : rc;
}

static int release(struct passage *passage, struct err *err)
{
    const struct plan_way way = {.snapshot = &passage->fresh,
                                 .date = day_of(passage),
                                 .into = passage->draft.mailing,
                                 .judge = judge,
                                 .released = released,
                                 .ctx = passage};
    struct err ignored = {0};
    int rc = passage->flow->leaves_traces ? inspect(passage, err) : 0;

    if (rc == 0) {
        rc = snapshot_open(&passage->fresh, err);
        passage->fresh.is_bare = true;
    }
    if (rc == 0) {
        rc = passage->flow->make(passage->flow->ctx, &way, err);
    }
    if (rc == 0) {
        return fill(passage, "queued", err);
    }
    if (passage->changes != NULL) {
        return draft_anew(passage, err);
    }
    if (rc == ERR_STATE && passage->flow->needed > 0) {
        (void)void_it(passage, err->msg, &ignored);
    }
    return rc;
}

/* ---- what is to be done ---- */

static int find(struct passage *passage, struct err *err)
{
    const struct approval_flow *flow = passage->flow;
    int64_t mailing = flow->wish->draft;
    int rc = mailing != 0 ? 1
                          : db_get_int(passage->db, SQL_APPROVAL_FLOW_FIND, &mailing, err, "ttt",
                                       flow->purpose, flow->target, flow->occurrence);

    if (rc == 1) {
        rc = approval_head(passage->db, flow->arena, mailing, &passage->draft, err);
        rc = rc < 0 ? rc : 1;
    }
    if (rc == 1 && approval_is_open(&passage->draft)) {
        rc = snapshot_read(&passage->then, passage->db, mailing, passage->draft.revision, false,
                           err);
        rc = rc < 0 ? rc : 1;
    }
    return rc;
}

/* At its time, without an open draft: it may have been released, or cancelled. */
static int was_settled(const struct passage *passage, struct err *err)
{
    const struct approval_flow *flow = passage->flow;
    struct db_stmt *stmt = NULL;
    int rc;

    if (flow->wish->act != APPROVAL_AT_TIME || flow->wish->due == 0) {
        return 0;
    }
    rc = db_query(passage->db, SQL_APPROVAL_FLOW_SETTLED, &stmt, err);
    if (rc == 0) {
        rc = db_bind(stmt, err, "tti", flow->purpose, flow->target, flow->wish->due);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1 && strcmp(db_text(stmt, 1), "cancelled") == 0) {
        rc = err_set(err, ERR_STATE, "mailing %" PRId64 " was cancelled", db_int(stmt, 0));
    } else if (rc == 1) {
        rc = err_set(err, ERR_EXISTS, "%s was released as mailing %" PRId64 " already",
                     flow->target, db_int(stmt, 0));
    }
    db_stmt_free(stmt);
    return rc;
}

static int begin(struct passage *passage, struct err *err)
{
    const struct approval_flow *flow = passage->flow;
    int rc = was_settled(passage, err);

    if (rc == 0 && (flow->needed > 0 || flow->wish->act == APPROVAL_DRAFT)) {
        return draft_first(passage, err);
    }
    return rc == 0 ? flow->make(flow->ctx, NULL, err) : rc;
}

static int go_on(struct passage *passage, struct err *err)
{
    const struct approval_flow *flow = passage->flow;
    const struct approval *draft = &passage->draft;
    bool approved = strcmp(draft->state, "approved") == 0;

    if (!approval_is_open(draft)) {
        return err_set(err, ERR_EXISTS, "%s (mailing %" PRId64 ") is %s", flow->target,
                       draft->mailing,
                       strcmp(draft->state, "expanding") == 0 ? "being released" : draft->state);
    }
    if (strcmp(draft->state, "rejected") == 0) {
        return flow->wish->act == APPROVAL_AT_TIME
                   ? err_set(err, ERR_STATE, "mailing %" PRId64 " was rejected: %s", draft->mailing,
                             draft->reason)
                   : refresh(passage, err);
    }
    if (flow->wish->act == APPROVAL_DRAFT) {
        int rc = approved ? plan_anew(passage, err) : refresh(passage, err);

        return rc == 0 && approved ? fill(passage, "approved", err) : rc;
    }
    if (approved || flow->needed == 0) {
        return release(passage, err);
    }
    return flow->wish->act == APPROVAL_AT_TIME ? fill(passage, "waiting", err)
                                               : refresh(passage, err);
}

int approval_flow_run(struct approval_flow *flow, struct err *err)
{
    struct passage passage = {
        .flow = flow, .db = flow->compose->site.members->db, .now = clock_now(), .draft.state = ""};
    int rc = mailing_draft_clear(passage.db, err);

    if (rc == 0) {
        rc = find(&passage, err);
    }
    if (rc >= 0) {
        rc = rc == 0 ? begin(&passage, err) : go_on(&passage, err);
    }
    snapshot_close(&passage.then);
    snapshot_close(&passage.fresh);
    return rc;
}

void approval_flow_tell(struct approval_sent *sent, int64_t *mailing, int64_t total)
{
    if (strcmp(sent->state, "queued") == 0) {
        sent->mailing = *mailing;
        sent->recipients = total;
    }
    *mailing = sent->mailing;
}

int approval_flow_look(struct approval_flow *flow, const struct approval *approval,
                       struct snapshot *out, struct err *err)
{
    struct passage passage = {.flow = flow,
                              .db = flow->compose->site.members->db,
                              .now = clock_now(),
                              .draft = *approval};
    int rc = look(&passage, err);

    snapshot_sort(&passage.fresh);
    *out = passage.fresh;
    return rc;
}
