/* page_leave.c - leaving a list: by hand, by one click (RFC 8058), and back. */
#include <string.h>
#include <strings.h>

#include "person.h"
#include "sql/web/web.h"
#include "teataja/members/leave_reason.h"
#include "teataja/members/subscription.h"

/* What a leave link speaks of. */
struct leaving {
    struct member member;
    const char *list; /* slug */
};

/* Lists that one act is about. */
struct left {
    const char **lists;
    size_t count;
};

static int find_list(struct call *call, const struct token *token, struct leaving *out,
                     struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(call->seat->db, SQL_WEB_LIST, &stmt, err);

    if (rc == 0) {
        rc = db_bind(stmt, err, "ii", out->member.id, (int64_t)token->ids[1]);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        out->list = db_dup(stmt, 0, call->arena);
        rc = out->list == NULL ? err_nomem(err) : 1;
    }
    db_stmt_free(stmt);
    /* Nobody can be on a list that the site has no more. */
    if (rc == 1 && site_list_find(&call->site->config.site, out->list) == NULL) {
        rc = 0;
    }
    return rc;
}

/* One of enum person_found, or negative. */
static int find(struct call *call, struct leaving *out, struct err *err)
{
    struct token token;
    int rc;

    if (token_read(call->key, TOKEN_LEAVE, call->words[0], &token, NULL) < 0 || token.count != 4 ||
        token.ids[1] > INT64_MAX) {
        return PERSON_NONE;
    }
    rc = person_find(call, token.ids[0], token.ids[2], &out->member, err);
    if (rc == PERSON_HERE) {
        rc = find_list(call, &token, out, err);
        rc = rc == 0 ? PERSON_NONE : rc < 0 ? rc : PERSON_HERE;
    }
    return rc;
}

static bool is_on(enum subscription_state state)
{
    return state == SUBSCRIPTION_ACTIVE || state == SUBSCRIPTION_PENDING ||
           state == SUBSCRIPTION_UNCONFIRMED;
}

static void set_reasons(struct call *call)
{
    struct value *reasons = value_set_list(call->root, "reasons");

    for (size_t i = 0; leave_reasons[i] != NULL; i++) {
        struct value *map = value_add_map(reasons);
        const char *key = arena_printf(call->arena, "web.reason_%s", leave_reasons[i]);

        value_set_text(map, "value", leave_reasons[i]);
        value_set_text(map, "label", key != NULL ? page_word(call, key) : NULL);
    }
}

static int show_leave(struct call *call, const struct leaving *leaving, bool several,
                      struct err *err)
{
    page_begin(call, leaving->list);
    page_text(call, call->root, "title", "web.leave_title",
              catalogue_arg_text("list", person_list_name(call, leaving->list)));
    page_text(call, call->root, "text", "web.leave_text",
              catalogue_arg_text("address", call_masked(call, leaving->member.email)));
    value_set_bool(call->root, "several", several);
    set_reasons(call);
    return page_send(call, PAGE_LEAVE, 200, PAGE_PERSONAL, err);
}

/* Whether the page may put a member back: on any list that the pages offer, and on one that the
 * member left here. From a list that is not offered the office takes people off for good. */
static int may_return(struct call *call, int64_t member, const char *list, bool *may,
                      struct err *err)
{
    const struct site_list *offered = site_list_find(&call->site->config.site, list);
    struct consent *acts;
    size_t count;
    int rc = consent_list(&call->members, call->arena, member, &acts, &count, err);

    *may = false;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (strcmp(acts[i].list, list) == 0 && strcmp(acts[i].act, "left") == 0) {
            *may = acts[i].how != NULL && strcmp(acts[i].how, "web") == 0;
        }
    }
    *may = offered != NULL && (offered->public || *may);
    return rc;
}

static int show_left(struct call *call, const struct leaving *leaving, const struct left *left,
                     struct err *err)
{
    const char *address = call_masked(call, leaving->member.email);
    struct value *lists;
    bool undo = false;
    int rc = 0;

    page_begin(call, leaving->list);
    value_set_text(call->root, "title", page_word(call, "web.left_title"));
    if (left->count > 1) {
        page_text(call, call->root, "text", "web.left_all", catalogue_arg_text("address", address));
    } else {
        page_text(call, call->root, "text", "web.left_text", catalogue_arg_text("address", address),
                  catalogue_arg_text("list", person_list_name(call, leaving->list)));
    }
    lists = value_set_list(call->root, "lists");
    for (size_t i = 0; rc == 0 && i < left->count; i++) {
        bool may = false;

        rc = may_return(call, leaving->member.id, left->lists[i], &may, err);
        if (may) {
            value_set_text(value_add_map(lists), "slug", left->lists[i]);
            undo = true;
        }
    }
    value_set_bool(call->root, "undo", undo);
    return rc < 0 ? rc : page_send(call, PAGE_LEFT, 200, PAGE_PERSONAL, err);
}

int leave_get(struct call *call, struct err *err)
{
    struct leaving leaving = {0};
    struct subscription *rows;
    size_t count;
    size_t on = 0;
    bool here = false;
    int rc = find(call, &leaving, err);

    if (rc != PERSON_HERE) {
        return rc < 0 ? rc : person_missing(call, rc, err);
    }
    call_member(call, &leaving.member);
    rc = subscription_list(&call->members, call->arena, leaving.member.id, &rows, &count, err);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        on += is_on(rows[i].state) ? 1 : 0;
        here = here || (is_on(rows[i].state) && strcmp(rows[i].list, leaving.list) == 0);
    }
    if (!here) {
        return show_left(call, &leaving, &(struct left){.lists = &leaving.list, .count = 1}, err);
    }
    return show_leave(call, &leaving, on > 1, err);
}

/* Leaves one list, or all; *left are those that were left by this. */
static int leave_lists(struct call *call, const struct leaving *leaving, bool all,
                       const char *source, struct left *left, struct err *err)
{
    struct subscription *rows;
    size_t count;
    int rc = subscription_list(&call->members, call->arena, leaving->member.id, &rows, &count, err);

    left->lists = arena_alloc(call->arena, count + 1, sizeof(*left->lists));
    if (left->lists == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        bool changed = false;

        if (!is_on(rows[i].state) || (!all && strcmp(rows[i].list, leaving->list) != 0) ||
            site_list_find(&call->site->config.site, rows[i].list) == NULL) {
            continue;
        }
        rc = subscription_leave(&call->members, leaving->member.id, rows[i].list, "web", source,
                                &changed, err);
        if (rc == 0 && changed) {
            left->lists[left->count++] = rows[i].list;
        }
    }
    return rc;
}

/* A reason is kept if it makes sense; leaving never fails for it. */
static int keep_reason(struct call *call, const struct leaving *leaving, const struct form *form,
                       struct err *err)
{
    const char *reason = form_get(form, "reason");
    const char *text = person_words(call, form_get(form, "text"), LEAVE_REASON_TEXT);
    bool known = false;

    for (size_t i = 0; reason != NULL && leave_reasons[i] != NULL; i++) {
        known = known || strcmp(leave_reasons[i], reason) == 0;
    }
    return leave_reason_add(&call->members, leaving->list, known ? reason : NULL, text, err);
}

static int leave_by_hand(struct call *call, const struct leaving *leaving, const struct form *form,
                         struct err *err)
{
    struct left left = {0};
    int rc = db_begin(call->seat->db, err);

    rc = rc < 0
             ? rc
             : leave_lists(call, leaving, form_has(form, "all", "yes"), "leave page", &left, err);
    if (rc == 0 && left.count > 0) {
        rc = keep_reason(call, leaving, form, err);
    }
    rc = rc < 0 ? rc : db_commit(call->seat->db, err);
    if (rc < 0) {
        return rc;
    }
    if (left.count == 0) { /* pressed twice */
        left.lists[left.count++] = leaving->list;
    }
    return show_left(call, leaving, &left, err);
}

/* Back on the lists that the form names, if they were left. */
static int come_back(struct call *call, const struct leaving *leaving, const struct form *form,
                     struct err *err)
{
    const char *names = NULL;
    int rc = db_begin(call->seat->db, err);

    for (size_t i = 0; rc == 0 && i < form->count; i++) {
        const char *list = form->fields[i].value;
        enum subscription_state state = SUBSCRIPTION_NONE;
        bool back = false;

        if (strcmp(form->fields[i].name, "list") != 0 ||
            site_list_find(&call->site->config.site, list) == NULL) {
            continue;
        }
        rc = subscription_get(&call->members, leaving->member.id, list, &state, err);
        if (rc == 0 && state == SUBSCRIPTION_LEFT) {
            rc = may_return(call, leaving->member.id, list, &back, err);
            if (rc == 0 && back) {
                rc = person_subscribe(call, &leaving->member, list, "leave page", err);
            }
        }
        if (rc == 0 && (back || state == SUBSCRIPTION_ACTIVE)) {
            names = names == NULL
                        ? person_list_name(call, list)
                        : arena_printf(call->arena, "%s, %s", names, person_list_name(call, list));
        }
    }
    rc = rc < 0 ? rc : db_commit(call->seat->db, err);
    if (rc < 0) {
        return rc;
    }
    if (names == NULL) {
        return page_tell(call, "refused", 400, err);
    }
    page_begin(call, leaving->list);
    value_set_text(call->root, "title", page_word(call, "web.back_title"));
    page_text(call, call->root, "text", "web.back_text",
              catalogue_arg_text("address", call_masked(call, leaving->member.email)),
              catalogue_arg_text("list", names));
    value_set_null(call->root, "write_to");
    return page_send(call, PAGE_MESSAGE, 200, PAGE_PERSONAL, err);
}

/* RFC 8058: the answer is the same for anyone, whatever the token. */
static int leave_by_one_click(struct call *call, struct err *err)
{
    struct leaving leaving = {0};
    struct left left = {0};
    int rc = find(call, &leaving, err);

    if (rc == PERSON_HERE) {
        rc = leave_lists(call, &leaving, false, "one click", &left, err);
    }
    if (rc < 0) {
        return rc;
    }
    page_begin(call, NULL);
    value_set_text(call->root, "title", page_word(call, "web.left_title"));
    value_set_text(call->root, "text", page_word(call, "web.left_anyone"));
    value_set_null(call->root, "write_to");
    return page_send(call, PAGE_MESSAGE, 200, PAGE_PERSONAL, err);
}

/* Some senders end the body with a line end. */
static bool is_one_click(const struct form *form)
{
    static const char wanted[] = "One-Click";
    const char *value = form_get(form, "List-Unsubscribe");

    return value != NULL && strncasecmp(value, wanted, strlen(wanted)) == 0 &&
           value[strlen(wanted) + strspn(value + strlen(wanted), " \n")] == '\0';
}

int leave_post(struct call *call, struct err *err)
{
    struct leaving leaving = {0};
    struct form form;
    int rc = call_form(call, &form, err);

    if (rc != 0) {
        return rc < 0 ? rc : 0;
    }
    if (is_one_click(&form)) {
        return leave_by_one_click(call, err);
    }
    rc = find(call, &leaving, err);
    if (rc != PERSON_HERE) {
        return rc < 0 ? rc : person_missing(call, rc, err);
    }
    call_member(call, &leaving.member);
    if (form_has(&form, "do", "leave")) {
        return leave_by_hand(call, &leaving, &form, err);
    }
    return form_has(&form, "do", "undo") ? come_back(call, &leaving, &form, err)
                                         : page_tell(call, "refused", 400, err);
}
