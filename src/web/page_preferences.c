/* page_preferences.c - a member's language and lists. */
#include <string.h>

#include "person.h"
#include "teataja/members/subscription.h"

static int find(struct call *call, struct member *out, struct err *err)
{
    struct token token;

    if (token_read(call->key, TOKEN_PREFS, call->words[0], &token, NULL) < 0 || token.count != 2) {
        return PERSON_NONE;
    }
    return person_find(call, token.ids[0], token.ids[1], out, err);
}

static bool is_first(const struct member *member, enum language language)
{
    return member->language_count > 0 && member->languages[0] == language;
}

static void set_languages(struct call *call, const struct member *member)
{
    struct value *languages = value_set_list(call->root, "languages");

    for (int i = 0; i < LANG_COUNT; i++) {
        enum language language = (enum language)i;
        struct value *map;

        if (!site_has_language(&call->site->config.site, language) && !is_first(member, language)) {
            continue;
        }
        map = value_add_map(languages);
        value_set_text(map, "tag", language_tag(language));
        value_set_text(map, "name", language_own_name(language));
        value_set_bool(map, "on", call->language == language);
    }
}

/* A list can be chosen if it is public, or the member is on it. */
static bool is_offered(const struct site_list *list, enum subscription_state state)
{
    return list->public || state == SUBSCRIPTION_ACTIVE;
}

static int set_lists(struct call *call, const struct member *member, struct err *err)
{
    const struct site *site = &call->site->config.site;
    struct value *lists = value_set_list(call->root, "lists");
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < site->list_count; i++) {
        const struct site_list *list = &site->lists[i];
        enum subscription_state state;
        struct value *map;

        rc = subscription_get(&call->members, member->id, list->slug, &state, err);
        if (rc == ERR_NOT_FOUND) {
            rc = 0; /* too new for the database */
            continue;
        }
        if (rc < 0 || !is_offered(list, state)) {
            continue;
        }
        map = value_add_map(lists);
        value_set_text(map, "slug", list->slug);
        value_set_text(map, "name", web_site_text(call->site, &list->name, call->language));
        value_set_text(map, "description",
                       web_site_text(call->site, &list->description, call->language));
        value_set_bool(map, "on", state == SUBSCRIPTION_ACTIVE);
    }
    return rc;
}

static int show(struct call *call, const struct member *member, bool saved, struct err *err)
{
    int rc;

    page_begin(call, NULL);
    value_set_text(call->root, "title", page_word(call, "web.preferences_title"));
    page_text(call, call->root, "text", "web.preferences_text",
              catalogue_arg_text("address", call_masked(call, member->email)));
    value_set_bool(call->root, "saved", saved);
    set_languages(call, member);
    rc = set_lists(call, member, err);
    return rc < 0 ? rc : page_send(call, PAGE_PREFERENCES, 200, PAGE_PERSONAL, err);
}

int preferences_get(struct call *call, struct err *err)
{
    struct member member;
    int rc = find(call, &member, err);

    if (rc != PERSON_HERE) {
        return rc < 0 ? rc : person_missing(call, rc, err);
    }
    call_member(call, &member);
    return show(call, &member, false, err);
}

/* The chosen language goes before the others that the member has. */
static int save_language(struct call *call, const struct member *member, const char *tag,
                         struct err *err)
{
    enum language chosen = tag != NULL ? language_find(tag) : LANG_NONE;
    struct member_input input = {0};
    char *languages;
    int rc;

    if (chosen == LANG_NONE || is_first(member, chosen) ||
        !site_has_language(&call->site->config.site, chosen)) {
        return 0;
    }
    languages = arena_strdup(call->arena, language_tag(chosen));
    for (size_t i = 0; languages != NULL && i < member->language_count; i++) {
        if (member->languages[i] != chosen) {
            languages =
                arena_printf(call->arena, "%s %s", languages, language_tag(member->languages[i]));
        }
    }
    if (languages == NULL) {
        return err_nomem(err);
    }
    rc =
        member_input_set(&call->site->config, call->arena, &input, MEMBER_LANGUAGE, languages, err);
    rc = rc < 0 ? rc : member_set(&call->members, member->id, &input, NULL, err);
    if (rc == 0) {
        call->language = chosen;
    }
    return rc;
}

static int save_list(struct call *call, const struct member *member, const char *slug,
                     const struct form *form, struct err *err)
{
    const struct site_list *list = site_list_find(&call->site->config.site, slug);
    enum subscription_state state;
    bool wanted = form_has(form, "list", slug);
    int rc = list == NULL ? 0 : subscription_get(&call->members, member->id, slug, &state, err);

    if (list == NULL || rc < 0 || !is_offered(list, state)) {
        return rc;
    }
    if (wanted && state != SUBSCRIPTION_ACTIVE) {
        return person_subscribe(call, member, slug, "preferences page", err);
    }
    return !wanted && state == SUBSCRIPTION_ACTIVE
               ? subscription_leave(&call->members, member->id, slug, "web", "preferences page",
                                    NULL, err)
               : 0;
}

/* Only what the page showed is changed: a list that is new since stays as it is. */
static int save(struct call *call, const struct member *member, const struct form *form,
                struct err *err)
{
    int rc = db_begin(call->seat->db, err);

    for (size_t i = 0; rc == 0 && i < form->count; i++) {
        if (strcmp(form->fields[i].name, "shown") == 0) {
            rc = save_list(call, member, form->fields[i].value, form, err);
        }
    }
    rc = rc < 0 ? rc : save_language(call, member, form_get(form, "language"), err);
    return rc < 0 ? rc : db_commit(call->seat->db, err);
}

int preferences_post(struct call *call, struct err *err)
{
    struct member member;
    struct form form;
    int rc = call_form(call, &form, err);

    if (rc != 0) {
        return rc < 0 ? rc : 0;
    }
    rc = find(call, &member, err);
    if (rc != PERSON_HERE) {
        return rc < 0 ? rc : person_missing(call, rc, err);
    }
    call_member(call, &member);
    if (!form_has(&form, "do", "save")) {
        return page_tell(call, "refused", 400, err);
    }
    rc = save(call, &member, &form, err);
    return rc < 0 ? rc : show(call, &member, true, err);
}
