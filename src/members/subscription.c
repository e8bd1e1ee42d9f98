#include "teataja/members/subscription.h"

#include <string.h>

#include "act.h"
#include "sql/members/subscription.h"
#include "teataja/base/clock.h"
#include "teataja/db/db.h"
#include "teataja/members/sync.h"

static const char *const states[] = {
    [SUBSCRIPTION_NONE] = "none",
    [SUBSCRIPTION_PENDING] = "pending",
    [SUBSCRIPTION_UNCONFIRMED] = "unconfirmed",
    [SUBSCRIPTION_ACTIVE] = "active",
    [SUBSCRIPTION_LEFT] = "left",
};

static const char *const bases[] = {
    [SITE_BASIS_CONSENT] = "consent",
    [SITE_BASIS_MEMBERSHIP] = "membership",
    [SITE_BASIS_PUBLIC_TASK] = "public_task",
    [SITE_BASIS_LEGITIMATE_INTEREST] = "legitimate_interest",
};

const char *subscription_state_name(enum subscription_state state)
{
    return states[state];
}

static enum subscription_state subscription_state_find(const char *name)
{
    enum subscription_state state = SUBSCRIPTION_LEFT;

    while (state > SUBSCRIPTION_NONE && strcmp(states[state], name) != 0) {
        state--;
    }
    return state;
}

const char *subscription_basis_name(enum site_basis basis)
{
    return bases[basis];
}

int subscription_basis_find(const char *name)
{
    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        if (strcmp(bases[i], name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* One subscription as it stands and as an act would have it. */
struct subscription_act {
    int64_t member;
    int64_t list;
    enum subscription_state state;
    enum site_basis basis;
};

static int read_row(const struct members *members, const char *list, struct subscription_act *act,
                    struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(members->db, SQL_SUBSCRIPTION_ROW, &stmt, err);

    act->state = SUBSCRIPTION_NONE;
    act->basis = SITE_BASIS_CONSENT;
    if (rc == 0) {
        rc = db_bind(stmt, err, "it", act->member, list);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
        if (rc == 0) {
            rc = list_find(members, list, &act->list, err);
        }
    }
    if (rc == 1) {
        act->list = db_int(stmt, 0);
        rc = 0;
        if (!db_is_null(stmt, 1)) {
            act->state = subscription_state_find(db_text(stmt, 1));
            act->basis = (enum site_basis)subscription_basis_find(db_text(stmt, 2));
        }
    }
    db_stmt_free(stmt);
    return rc;
}

static int put(const struct members *members, const struct subscription_act *act,
               enum subscription_state state, enum site_basis basis, struct err *err)
{
    const struct db_sql *sql =
        act->state == SUBSCRIPTION_NONE ? SQL_SUBSCRIPTION_INSERT : SQL_SUBSCRIPTION_UPDATE;

    return db_exec(members->db, sql, err, "iitti", act->member, act->list, states[state],
                   bases[basis], clock_now());
}

/* Finds or adds a wording; 0 if there is none. */
static int wording_find(const struct members *members, const struct subscription_ground *ground,
                        int64_t *id, struct err *err)
{
    const char *language = ground->wording_language != NULL ? ground->wording_language : "";
    int rc = 0;

    *id = 0;
    if (ground->wording == NULL || *ground->wording == '\0') {
        return 0;
    }
    rc = db_get_int(members->db, SQL_CONSENT_WORDING, id, err, "tt", language, ground->wording);
    if (rc == 0) {
        rc = db_exec(members->db, SQL_CONSENT_ADD_WORDING, err, "tt", language, ground->wording);
        *id = db_last_id(members->db);
    }
    return rc < 0 ? rc : 0;
}

static int record(const struct members *members, const struct subscription_act *act,
                  const char *what, int64_t at, const char *how, const char *source,
                  int64_t wording, struct err *err)
{
    return db_exec(members->db, SQL_CONSENT_INSERT, err, "iititt?", act->member, act->list, what,
                   at, how, source, wording != 0, wording);
}

/* What the ground makes of the state that holds. */
static enum subscription_state resolve(enum subscription_state held,
                                       const struct subscription_ground *ground)
{
    bool right = ground->basis != SITE_BASIS_CONSENT ||
                 (ground->consent_at != 0 && ground->source != NULL && *ground->source != '\0');

    switch (held) {
    case SUBSCRIPTION_NONE:
        return right ? SUBSCRIPTION_ACTIVE : SUBSCRIPTION_UNCONFIRMED;
    case SUBSCRIPTION_PENDING:
    case SUBSCRIPTION_UNCONFIRMED:
        return right ? SUBSCRIPTION_ACTIVE : held;
    case SUBSCRIPTION_LEFT:
        return right && ground->again ? SUBSCRIPTION_ACTIVE : held;
    case SUBSCRIPTION_ACTIVE:
        break;
    }
    return held;
}

static int start(const struct members *members, struct subscription_act *act, const char *list,
                 const struct subscription_ground *ground, enum subscription_state *state,
                 bool *changed, struct err *err)
{
    bool evidence = ground->basis == SITE_BASIS_CONSENT && ground->consent_at != 0;
    int64_t wording = 0;
    int rc = read_row(members, list, act, err);

    if (rc < 0) {
        return rc;
    }
    *state = resolve(act->state, ground);
    *changed = *state != act->state;
    if (!*changed) {
        return 0;
    }
    rc = wording_find(members, ground, &wording, err);
    if (rc == 0) {
        rc = put(members, act, *state, ground->basis, err);
    }
    if (rc == 0) {
        rc = evidence && *state == SUBSCRIPTION_ACTIVE
                 ? record(members, act, "given", ground->consent_at, ground->how, ground->source,
                          wording, err)
                 : record(members, act, "imported", clock_now(), ground->how, ground->source,
                          wording, err);
    }
    return rc;
}

int subscription_start(const struct members *members, int64_t member, const char *list,
                       const struct subscription_ground *ground, enum subscription_state *state,
                       bool *changed, struct err *err)
{
    struct subscription_act row = {.member = member};
    enum subscription_state now = SUBSCRIPTION_NONE;
    struct act act = {0};
    bool any = false;
    int rc = act_begin(&act, members->db, err);

    if (rc == 0) {
        rc = act_end(&act, start(members, &row, list, ground, &now, &any, err), err);
    }
    if (state != NULL) {
        *state = now;
    }
    if (changed != NULL) {
        *changed = any;
    }
    return rc;
}

static int ask(const struct members *members, struct subscription_act *act, const char *list,
               const struct subscription_ground *ground, struct err *err)
{
    int64_t wording = 0;
    int rc = read_row(members, list, act, err);

    if (rc < 0 || act->state == SUBSCRIPTION_ACTIVE) {
        return rc;
    }
    rc = wording_find(members, ground, &wording, err);
    if (rc == 0 && act->state != SUBSCRIPTION_LEFT) {
        rc = put(members, act, SUBSCRIPTION_PENDING, ground->basis, err);
    }
    return rc < 0 ? rc
                  : record(members, act, "asked", clock_now(), ground->how, ground->source, wording,
                           err);
}

int subscription_ask(const struct members *members, int64_t member, const char *list,
                     const struct subscription_ground *ground, struct err *err)
{
    struct subscription_act row = {.member = member};
    struct act act = {0};
    int rc = act_begin(&act, members->db, err);

    return rc < 0 ? rc : act_end(&act, ask(members, &row, list, ground, err), err);
}

static int confirm(const struct members *members, struct subscription_act *act, const char *list,
                   const char *how, const char *source, struct err *err)
{
    int64_t asked = 0;
    int rc = read_row(members, list, act, err);

    if (rc < 0 || act->state == SUBSCRIPTION_ACTIVE) {
        return rc;
    }
    if (act->state == SUBSCRIPTION_LEFT) {
        rc = db_get_int(members->db, SQL_SUBSCRIPTION_ASKED_SINCE_LEFT, &asked, err, "ii",
                        act->member, act->list);
        if (rc < 0) {
            return rc;
        }
    }
    if (act->state == SUBSCRIPTION_NONE || (act->state == SUBSCRIPTION_LEFT && asked == 0)) {
        return err_set(err, ERR_STATE, "there is nothing to confirm: nobody asked to be on '%s'",
                       list);
    }
    rc = put(members, act, SUBSCRIPTION_ACTIVE, SITE_BASIS_CONSENT, err);
    return rc < 0 ? rc : record(members, act, "confirmed", clock_now(), how, source, 0, err);
}

int subscription_confirm(const struct members *members, int64_t member, const char *list,
                         const char *how, const char *source, struct err *err)
{
    struct subscription_act row = {.member = member};
    struct act act = {0};
    int rc = act_begin(&act, members->db, err);

    return rc < 0 ? rc : act_end(&act, confirm(members, &row, list, how, source, err), err);
}

static int leave(const struct members *members, struct subscription_act *act, const char *list,
                 const char *how, const char *source, bool *changed, struct err *err)
{
    int rc = read_row(members, list, act, err);

    if (rc < 0 || act->state == SUBSCRIPTION_LEFT || act->state == SUBSCRIPTION_NONE) {
        return rc;
    }
    *changed = true;
    rc = put(members, act, SUBSCRIPTION_LEFT, act->basis, err);
    return rc < 0 ? rc : record(members, act, "left", clock_now(), how, source, 0, err);
}

int subscription_leave(const struct members *members, int64_t member, const char *list,
                       const char *how, const char *source, bool *changed, struct err *err)
{
    struct subscription_act row = {.member = member};
    struct act act = {0};
    bool any = false;
    int rc = act_begin(&act, members->db, err);

    if (rc == 0) {
        rc = act_end(&act, leave(members, &row, list, how, source, &any, err), err);
    }
    if (changed != NULL) {
        *changed = any;
    }
    return rc;
}

int subscription_get(const struct members *members, int64_t member, const char *list,
                     enum subscription_state *state, struct err *err)
{
    struct subscription_act row = {.member = member};
    int rc = read_row(members, list, &row, err);

    *state = row.state;
    return rc;
}

int subscription_list(const struct members *members, struct arena *arena, int64_t member,
                      struct subscription **out, size_t *count, struct err *err)
{
    struct db_stmt *stmt = NULL;
    size_t capacity = 0;
    int rc = db_query(members->db, SQL_SUBSCRIPTION_OF_MEMBER, &stmt, err);

    *out = NULL;
    *count = 0;
    if (rc == 0) {
        rc = db_bind_int(stmt, 1, member, err);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        struct subscription *row = NULL;

        rc = arena_grow(arena, (void *)out, &capacity, *count, sizeof(*row), err);
        if (rc == 0) {
            row = &(*out)[(*count)++];
            row->list = db_dup(stmt, 0, arena);
            row->state = subscription_state_find(db_text(stmt, 1));
            row->basis = (enum site_basis)subscription_basis_find(db_text(stmt, 2));
            row->since = db_int(stmt, 3);
            rc = row->list == NULL ? err_nomem(err) : 0;
        }
    }
    db_stmt_free(stmt);
    return rc;
}

int consent_list(const struct members *members, struct arena *arena, int64_t member,
                 struct consent **out, size_t *count, struct err *err)
{
    struct db_stmt *stmt = NULL;
    size_t capacity = 0;
    int rc = db_query(members->db, SQL_CONSENT_OF_MEMBER, &stmt, err);

    *out = NULL;
    *count = 0;
    if (rc == 0) {
        rc = db_bind_int(stmt, 1, member, err);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        struct consent *row = NULL;

        rc = arena_grow(arena, (void *)out, &capacity, *count, sizeof(*row), err);
        if (rc == 0) {
            row = &(*out)[(*count)++];
            row->list = db_dup(stmt, 0, arena);
            row->act = db_dup(stmt, 1, arena);
            row->at = db_int(stmt, 2);
            row->how = db_dup(stmt, 3, arena);
            row->source = db_dup(stmt, 4, arena);
            row->wording = db_dup(stmt, 5, arena);
            row->wording_language = db_dup(stmt, 6, arena);
            rc = row->list == NULL || row->act == NULL ? err_nomem(err) : 0;
        }
    }
    db_stmt_free(stmt);
    return rc;
}
