#include "teataja/content/item.h"

static const struct {
    const char *folder;
    const char *name;
} kinds[] = {
    [ITEM_CALL] = {"calls", "call"},
    [ITEM_NEWS] = {"news", "news"},
    [ITEM_ISSUE] = {"issues", "issue"},
};

const struct markdown_token item_tokens[ITEM_TOKENS] = {
    [ITEM_TOKEN_MEMBER_NAME] = {"member.name", false},
    [ITEM_TOKEN_MEMBER_EMAIL] = {"member.email", false},
    [ITEM_TOKEN_MEMBER_ORGANISATION] = {"member.organisation", false},
    [ITEM_TOKEN_NEWSLETTER_NAME] = {"newsletter.name", false},
    [ITEM_TOKEN_SITE_NAME] = {"site.name", false},
    [ITEM_TOKEN_WEB_LEAVE] = {"web.leave", true},
    [ITEM_TOKEN_WEB_PREFERENCES] = {"web.preferences", true},
};

const char *const item_blocks[ITEM_BLOCKS] = {"calls", "events", "news", "deadlines"};

const char *item_folder(enum item_kind kind)
{
    return kinds[kind].folder;
}

const char *item_kind_name(enum item_kind kind)
{
    return kinds[kind].name;
}

static const struct edition *edition_in(const struct item *item, enum language language)
{
    return language == LANG_NONE ? NULL : item->editions[language];
}

const struct edition *item_edition(const struct item *item, const enum language *languages,
                                   size_t count, enum language fallback, bool *other)
{
    const struct edition *found = NULL;

    for (size_t i = 0; i < count && !found; i++) {
        found = edition_in(item, languages[i]);
    }
    if (other) {
        *other = found == NULL;
    }
    if (!found) {
        found = edition_in(item, fallback);
    }
    return found ? found : edition_in(item, item->language);
}

int item_body(struct arena *arena, const struct item *item, const struct edition *edition,
              struct report *report, struct markdown **out, struct err *err)
{
    struct markdown_options options = {.file = edition->file, .first_line = edition->body_line};

    if (item->kind == ITEM_ISSUE) {
        options.tokens = item_tokens;
        options.token_count = ITEM_TOKENS;
        options.blocks = item_blocks;
        options.block_count = ITEM_BLOCKS;
    }
    return markdown_parse(arena, edition->body, edition->body_len, &options, report, out, err);
}
