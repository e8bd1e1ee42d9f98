/* page_draft_change.c - what changed in a draft since the one before. */
#include <string.h>

#include "page_draft.h"

enum {
    CHANGE_LINES = 400, /* of all editions that are shown */
    CHANGE_TEXT = 2000  /* bytes of a line */
};

/* A line of base/diff.h: heads go, a group of lines begins with a gap. */
static void add_line(struct value *lines, const char *line, size_t len)
{
    static const char *const marks[] = {"---", "+++"};
    struct value *map;

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (len >= 4 && memcmp(line, marks[i], 3) == 0 && line[3] == ' ' &&
            value_count(lines) == 0) {
            return;
        }
    }
    if (len == 0 || strchr("+- @", line[0]) == NULL) {
        return;
    }
    map = value_add_map(lines);
    value_set_bool(map, "came", line[0] == '+');
    value_set_bool(map, "went", line[0] == '-');
    value_set_bool(map, "same", line[0] == ' ');
    value_set_bool(map, "gap", line[0] == '@' && value_count(lines) > 1);
    value_set_text_len(map, "text", line + 1, len - 1 < CHANGE_TEXT ? len - 1 : CHANGE_TEXT);
}

/* Returns how many lines may still follow. */
static size_t add_lines(struct value *lines, const char *diff, size_t left)
{
    while (*diff != '\0' && left > 0) {
        size_t len = strcspn(diff, "\n");

        add_line(lines, diff, len);
        diff += len + (diff[len] == '\n' ? 1 : 0);
        left--;
    }
    return left;
}

/* The titles of what came, went or changed. */
static void add_items(struct call *call, const struct approval_diff *diff, const char *what,
                      struct value *facts)
{
    const char *key = arena_printf(call->arena, "review.item_%s", what);
    const char *titles = NULL;

    for (size_t i = 0; i < diff->item_count; i++) {
        const struct approval_item_change *item = &diff->items[i];

        if (strcmp(item->what, what) == 0) {
            titles = titles == NULL ? item->title
                                    : arena_printf(call->arena, "%s\n%s", titles, item->title);
        }
    }
    if (titles != NULL && key != NULL) {
        draft_add_fact(facts, page_word(call, key), titles);
    }
}

static void add_facts(struct call *call, const struct approval_diff *diff, struct value *facts)
{
    add_items(call, diff, "new", facts);
    add_items(call, diff, "gone", facts);
    add_items(call, diff, "changed", facts);
    if (diff->recipients_then != diff->recipients_now) {
        draft_add_fact(facts, page_word(call, "review.recipients_then"),
                       draft_people(call, diff->recipients_then));
    }
    if (strcmp(diff->audience_then, diff->audience_now) != 0 && diff->audience_then[0] != '\0') {
        draft_add_fact(facts, page_word(call, "review.audience_then"), diff->audience_then);
    }
}

int draft_set_changes(struct call *call, const struct draft *draft, bool *some, struct err *err)
{
    struct value *changes = value_set_list(call->root, "changes");
    struct value *facts = value_set_list(call->root, "change_facts");
    struct approval_diff diff = {0};
    size_t left = CHANGE_LINES;
    bool seen[LANG_COUNT] = {false};
    int rc;

    *some = false;
    if (draft->approval.revision < 2) {
        return 0;
    }
    rc = approval_diff_last(call->seat->db, call->arena, draft->ids.mailing, &diff, err);
    if (rc == 0) {
        add_facts(call, &diff, facts);
    }
    for (size_t i = 0; rc == 0 && i < diff.edition_count; i++) {
        const struct approval_edition_change *change = &diff.editions[i];
        struct value *map;

        if (change->diff[0] == '\0' || change->language == LANG_NONE || seen[change->language]) {
            continue;
        }
        seen[change->language] = true;
        map = value_add_map(changes);
        value_set_text(map, "lang", language_tag(change->language));
        value_set_text(map, "name", draft_language(call, change->language));
        value_set_bool(map, "open", change->language == call->language);
        left = add_lines(value_set_list(map, "lines"), change->diff, left);
    }
    value_set_bool(call->root, "has_change_facts", value_count(facts) > 0);
    *some = value_count(changes) + value_count(facts) > 0;
    return rc == ERR_NOT_FOUND ? 0 : rc;
}
