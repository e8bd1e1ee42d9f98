/* selection.c - what one member gets of it: see teataja/compose/selection.h. */
#include "teataja/compose/selection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history.h"
#include "selector.h"
#include "teataja/base/limits.h"
#include "teataja/base/token.h"

struct reader {
    struct selector *selector;
    struct arena *arena;
    const struct member_profile *profile;
    struct audience_profile audience;
    struct history history;
    enum language languages[LANG_COUNT + 1]; /* the letter's, then the member's */
    size_t language_count;
};

static const struct call_round *round_by_key(const struct call *call, const char *told)
{
    size_t len = history_key(told);

    for (size_t i = 0; i < call->round_count; i++) {
        if (strlen(call->rounds[i].key) == len && strncmp(call->rounds[i].key, told, len) == 0) {
            return &call->rounds[i];
        }
    }
    return NULL;
}

/* An end is news only to who was told of the beginning, and before its deadline. */
static bool pick_closed(struct reader *reader, const struct call *call, struct selected_call *out)
{
    const char *told = history_call(&reader->history, call->item.slug, NULL);
    const struct call_round *round = told != NULL ? round_by_key(call, told) : NULL;

    if (round == NULL || strchr(told, '!') != NULL ||
        (round->has_deadline && round->deadline.at <= reader->selector->date)) {
        return false;
    }
    out->round = round;
    out->reason = SELECT_CLOSED;
    out->told = arena_printf(reader->arena, "%.*s!%s", (int)history_key(told), told,
                             call_state_name(call_state_at(call, reader->selector->date)));
    return true;
}

/* Whether an automatic letter says of this round that it closes soon. */
static bool closes_soon(const struct selector *selector, const struct call_round *round)
{
    return selector->issue->automatic && selector->reminds && round->has_deadline &&
           round->deadline.at <= selector->date + selector->newsletter->closing_soon;
}

static void pick_open(struct reader *reader, const struct call *call, struct selected_call *out)
{
    const struct call_round *round = call_current_round(call, reader->selector->date);
    const char *told = history_call(&reader->history, call->item.slug, round->key);
    bool soon = closes_soon(reader->selector, round);

    out->round = round;
    out->told = round->told;
    if (told == NULL || strchr(told, '!') != NULL) {
        out->reason = SELECT_NEW;
    } else if (!history_same(told, round->told)) {
        out->reason = SELECT_MOVED;
        history_deadline(told, &out->moved_from);
    } else {
        out->reason = soon && !history_reminded(&reader->history, call->item.slug, round->told)
                          ? SELECT_CLOSING
                          : SELECT_STILL;
    }
    if (soon && out->reason != SELECT_STILL) {
        out->told = arena_printf(reader->arena, "%s~", round->told);
    }
}

/* Without a place for calls, only what closes soon is shown, and as such. */
static bool has_place(const struct reader *reader, struct selected_call *call, unsigned blocks)
{
    if (!reader->selector->issue->automatic || (blocks & 1U << BLOCK_CALLS) != 0) {
        return true;
    }
    if (call->reason == SELECT_STILL || call->reason == SELECT_CLOSED ||
        !closes_soon(reader->selector, call->round)) {
        return false;
    }
    call->reason = SELECT_CLOSING;
    return true;
}

static enum language shown_language(const struct reader *reader, const struct item *item)
{
    const struct edition *edition = item_edition(item, reader->languages, reader->language_count,
                                                 reader->selector->newsletter->fallback, NULL);

    return edition->language;
}

static int pick_calls(struct reader *reader, unsigned blocks, struct selection *out,
                      struct err *err)
{
    struct selector *selector = reader->selector;
    struct selected_call *calls =
        arena_alloc(reader->arena, selector->call_count + 1, sizeof(*calls));

    if (calls == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < selector->call_count; i++) {
        const struct call *call = selector->calls[i];
        struct selected_call *picked = &calls[out->call_count];

        memset(picked, 0, sizeof(*picked));
        picked->call = call;
        picked->match = call_matches(call, &reader->audience);
        if (picked->match == MATCH_NONE) {
            continue;
        }
        if (call_state_at(call, selector->date) == CALL_OPEN) {
            pick_open(reader, call, picked);
        } else if (!pick_closed(reader, call, picked)) {
            continue;
        }
        if (picked->told == NULL) {
            return err_nomem(err);
        }
        if (!has_place(reader, picked, blocks)) {
            continue;
        }
        if (picked->reason != SELECT_STILL) {
            out->fresh++;
            out->urgent |= picked->reason != SELECT_CLOSED && closes_soon(selector, picked->round);
        }
        picked->language = shown_language(reader, &call->item);
        out->call_count++;
    }
    out->calls = calls;
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a;
    int64_t other = *(const int64_t *)b;

    return (one > other) - (one < other);
}

static bool may_see(const struct reader *reader, const struct event_choice *choice)
{
    return choice->everybody ||
           (choice->member_count > 0 &&
            bsearch(&reader->profile->id, choice->members, choice->member_count,
                    sizeof(*choice->members), compare_ids) != NULL);
}

static int pick_events(struct reader *reader, struct selection *out, struct err *err)
{
    struct selector *selector = reader->selector;
    struct selected_event *events =
        arena_alloc(reader->arena, selector->event_count + 1, sizeof(*events));

    if (events == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < selector->event_count; i++) {
        const struct event_choice *choice = &selector->events[i];

        const char *told = may_see(reader, choice)
                               ? history_event(&reader->history, choice->event->slug, choice->told)
                               : NULL;
        bool same = told != NULL && strcmp(told, choice->told) == 0;

        if (may_see(reader, choice) && !(selector->issue->automatic && same)) {
            struct selected_event *event = &events[out->event_count++];

            *event = (struct selected_event){
                .event = choice->event,
                .occurrence = choice->occurrence,
                .told = choice->told,
                .item = choice->item,
                .language =
                    event_edition_for(choice->event, reader->languages, reader->language_count,
                                      selector->newsletter->fallback, NULL)
                        ->language};
            if (told != NULL && !same) {
                history_deadline(told, &event->moved_from);
            }
        }
    }
    out->fresh += out->event_count;
    out->events = events;
    return 0;
}

static int pick_news(struct reader *reader, struct selection *out, struct err *err)
{
    struct selector *selector = reader->selector;
    struct selected_news *news =
        arena_alloc(reader->arena, selector->news_count + 1, sizeof(*news));

    if (news == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < selector->news_count; i++) {
        if (news_matches(selector->news[i], &reader->audience) &&
            !history_news(&reader->history, selector->news[i]->item.slug)) {
            news[out->news_count++] = (struct selected_news){
                .news = selector->news[i],
                .language = shown_language(reader, &selector->news[i]->item)};
        }
    }
    out->fresh += out->news_count;
    out->news = news;
    return 0;
}

/* A line of the key: words, and what a letter says by its reason and match. */
static void add_key(struct str *text, const char *kind, const char *slug, const char *word,
                    enum language language)
{
    str_add(text, kind);
    str_add_char(text, ' ');
    str_add(text, slug);
    str_add_char(text, ' ');
    str_add(text, word);
    str_add_char(text, ' ');
    str_add(text, language_tag(language));
    str_add_char(text, '\n');
}

static void add_call_key(struct str *text, const struct selected_call *call)
{
    const char marks[] = {(char)('0' + (int)call->reason), (char)('0' + (int)call->match), ' '};
    char moved[CIVIL_TEXT];

    str_add_bytes(text, marks, sizeof(marks));
    if (call->reason == SELECT_MOVED) {
        civil_format(&call->moved_from, moved);
        str_add(text, moved);
    }
    add_key(text, "call", call->call->item.slug, call->told, call->language);
}

/* Everything that makes two letters differ, a line each. Made for each recipient: printf
 * would take longer than choosing. */
static int make_key(struct selection *selection, struct err *err)
{
    struct str text;
    int rc;

    str_init(&text, LIMIT_TEXT);
    add_key(&text, "letter", selection->zone, "", selection->language);
    for (size_t i = 0; i < selection->call_count; i++) {
        add_call_key(&text, &selection->calls[i]);
    }
    for (size_t i = 0; i < selection->event_count; i++) {
        const struct selected_event *event = &selection->events[i];

        if (event->moved_from.year != 0) {
            char moved[CIVIL_TEXT];

            civil_format(&event->moved_from, moved);
            str_add(&text, moved);
        }
        add_key(&text, "event", event->event->slug, event->told, event->language);
    }
    for (size_t i = 0; i < selection->news_count; i++) {
        add_key(&text, "news", selection->news[i].news->item.slug, "", selection->news[i].language);
    }
    rc = str_check(&text, err);
    if (rc == 0) {
        token_digest(text.data, text.len, selection->key);
    }
    str_release(&text);
    return rc;
}

static void set_languages(struct reader *reader, enum language first)
{
    const struct member_profile *profile = reader->profile;

    reader->languages[reader->language_count++] = first;
    for (size_t i = 0; i < profile->language_count; i++) {
        if (profile->languages[i] != first) {
            reader->languages[reader->language_count++] = profile->languages[i];
        }
    }
}

int selector_pick(struct selector *selector, struct arena *arena,
                  const struct member_profile *profile, struct selection *out, struct err *err)
{
    struct reader reader = {.selector = selector,
                            .arena = arena,
                            .profile = profile,
                            .audience = {.kinds = profile->kinds.items,
                                         .kind_count = profile->kinds.count,
                                         .sectors = profile->sectors.items,
                                         .sector_count = profile->sectors.count,
                                         .regions = profile->regions.items,
                                         .region_count = profile->regions.count}};
    const struct edition *edition =
        item_edition(&selector->issue->item, profile->languages, profile->language_count,
                     selector->newsletter->fallback, NULL);
    const unsigned calls = 1U << BLOCK_CALLS | 1U << BLOCK_DEADLINES;
    unsigned blocks = selector->blocks[edition->language];
    int rc;

    memset(out, 0, sizeof(*out));
    out->language = edition->language;
    (void)snprintf(out->zone, sizeof(out->zone), "%s",
                   compose_reader_zone(selector->compose, selector->newsletter, profile));
    set_languages(&reader, edition->language);
    rc =
        history_read(selector->compose->site.members->db, arena, profile->id, &reader.history, err);
    if (rc == 0 && (blocks & calls) != 0) {
        rc = pick_calls(&reader, blocks, out, err);
    }
    if (rc == 0 && (blocks & 1U << BLOCK_EVENTS) != 0) {
        rc = pick_events(&reader, out, err);
    }
    if (rc == 0 && (blocks & 1U << BLOCK_NEWS) != 0) {
        rc = pick_news(&reader, out, err);
    }
    return rc == 0 ? make_key(out, err) : rc;
}

const char *selector_left(const struct selector *selector, size_t index)
{
    return index < selector->left_count ? selector->left[index] : NULL;
}

bool selector_sends(const struct selector *selector, const struct selection *selection)
{
    const struct newsletter *newsletter = selector->newsletter;

    return !selector->issue->automatic || !newsletter->skip_if_empty || selection->urgent ||
           selection->fresh >= (size_t)newsletter->min_items;
}
