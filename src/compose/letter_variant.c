/* letter_variant.c - see letter_variant.h. */
#include "letter_variant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "letter_draft.h"
#include "letter_lines.h"

int letter_variants_open(struct letter_variants *variants, const struct letter *letter,
                         struct plan *plan, struct arena *scratch, struct err *err)
{
    *variants = (struct letter_variants){
        .letter = letter, .plan = plan, .arena = plan->arena, .scratch = scratch};
    variants->buckets = arena_alloc(plan->arena, LETTER_BUCKETS, sizeof(*variants->buckets));
    return variants->buckets != NULL ? 0 : err_nomem(err);
}

/* ---- rendering ---- */

static void note_deadlines(struct letter_variants *variants, const struct selection *selection)
{
    for (size_t i = 0; i < selection->call_count; i++) {
        const struct selected_call *call = &selection->calls[i];

        if (call->reason != SELECT_CLOSED && call->round->has_deadline &&
            (variants->not_after == 0 || call->round->deadline.at < variants->not_after)) {
            variants->not_after = call->round->deadline.at;
        }
    }
}

static int render(struct letter_variants *variants, size_t index, bool nameless, struct err *err)
{
    struct letter_variant *variant = &variants->items[index];
    const struct sender sender = letter_sender(variants->letter);
    struct arena_mark mark = arena_mark(variants->scratch);
    struct rendered rendered;
    struct frozen frozen;
    int rc = edition_render(variants->letter, variants->scratch, &variant->selection, nameless,
                            &rendered, err);

    memset(&frozen, 0, sizeof(frozen));
    if (rc == 0) {
        rc = edition_freeze(variants->letter->compose, variants->scratch, &rendered, &sender,
                            &frozen, err);
    }
    if (rc == 0) {
        rc = plan_add_pictures(variants->plan, &rendered, err);
    }
    if (rc == 0) {
        rc = plan_set_pieces(variants->plan, index, &frozen, err);
    }
    if (rc == 0) {
        variant->subject = letter_plain_subject(variants->arena, frozen.subject);
        variant->html_bytes = rendered.html_len;
        note_deadlines(variants, &variant->selection);
        rc = variant->subject != NULL ? 0 : err_nomem(err);
    }
    if (rc == 0 && variants->plan->head.way != NULL) {
        const struct preview preview = {.compose = variants->letter->compose,
                                        .rendered = &rendered,
                                        .sender = &sender,
                                        .frozen = &frozen,
                                        .date = variants->letter->date};

        rc = letter_snapshot(variants->letter, variants->scratch, &variant->selection,
                             variant->key, &preview, variants->plan->head.way->snapshot, err);
    }
    arena_rewind(variants->scratch, mark);
    return rc;
}

/* ---- finding ---- */

static int copy_selection(struct arena *arena, const struct selection *from, struct selection *to,
                          struct err *err)
{
    struct selected_call *calls = arena_alloc(arena, from->call_count + 1, sizeof(*calls));
    struct selected_event *events = arena_alloc(arena, from->event_count + 1, sizeof(*events));
    struct selected_news *news = arena_alloc(arena, from->news_count + 1, sizeof(*news));

    if (calls == NULL || events == NULL || news == NULL) {
        return err_nomem(err);
    }
    *to = *from;
    for (size_t i = 0; i < from->call_count; i++) {
        calls[i] = from->calls[i];
        calls[i].told = arena_strdup(arena, calls[i].told);
        if (calls[i].told == NULL) {
            return err_nomem(err);
        }
    }
    for (size_t i = 0; i < from->event_count; i++) {
        events[i] = from->events[i];
    }
    for (size_t i = 0; i < from->news_count; i++) {
        news[i] = from->news[i];
    }
    to->calls = calls;
    to->events = events;
    to->news = news;
    return 0;
}

/* What a variant's recipients are told: calls, events and news of blocks that are shown. */
static int set_items(const struct letter_variants *variants, struct plan_variant *variant,
                     const struct selection *selection, struct err *err)
{
    unsigned blocks = variants->letter->docs[selection->language].blocks;
    size_t most = selection->call_count + selection->event_count + selection->news_count;
    struct mailing_item *items = arena_alloc(variants->arena, most + 1, sizeof(*items));
    unsigned calls = variants->letter->issue->automatic
                         ? 1U << BLOCK_CALLS | 1U << BLOCK_DEADLINES
                         : 1U << BLOCK_CALLS;

    if (items == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; (blocks & calls) != 0 && i < selection->call_count; i++) {
        const struct selected_call *call = &selection->calls[i];

        if (call->call->item.id != 0) {
            items[variant->item_count++] =
                (struct mailing_item){.item = call->call->item.id, .round = call->told};
        }
    }
    for (size_t i = 0; i < selection->event_count; i++) {
        if (selection->events[i].item != 0) {
            items[variant->item_count++] = (struct mailing_item){
                .item = selection->events[i].item, .round = selection->events[i].told};
        }
    }
    for (size_t i = 0; i < selection->news_count; i++) {
        if (selection->news[i].news->item.id != 0) {
            items[variant->item_count++] =
                (struct mailing_item){.item = selection->news[i].news->item.id, .round = ""};
        }
    }
    variant->items = items;
    return 0;
}

/* Its place among the buckets: where it is, or where it would be. */
static size_t *bucket(const struct letter_variants *variants, const char *key)
{
    size_t at =
        strtoul((const char[]){key[0], key[1], key[2], key[3], '\0'}, NULL, 16) % LETTER_BUCKETS;

    while (variants->buckets[at] != 0 &&
           strcmp(variants->items[variants->buckets[at] - 1].key, key) != 0) {
        at = (at + 1) % LETTER_BUCKETS;
    }
    return &variants->buckets[at];
}

/* The one with a name of the one without, and the other way round. */
static size_t find_sibling(const struct letter_variants *variants, const char *key, size_t self)
{
    char other[sizeof(variants->items->key)];
    size_t len = strlen(key);
    size_t found;

    (void)snprintf(other, sizeof(other), "%s", key);
    if (other[len - 1] == '-') {
        other[len - 1] = '\0';
    } else {
        (void)snprintf(other + len, sizeof(other) - len, "-");
    }
    found = *bucket(variants, other);
    return found != 0 ? found - 1 : self;
}

static int add(struct letter_variants *variants, const struct selection *selection, const char *key,
               struct err *err)
{
    struct plan *plan = variants->plan;
    size_t index = plan->variant_count;
    struct letter_variant *variant;
    char *kept = arena_strdup(variants->arena, key);
    int rc = kept == NULL ? err_nomem(err)
                          : arena_grow(variants->arena, &variants->items, &variants->capacity,
                                       index, sizeof(*variants->items), err);

    if (rc < 0) {
        return rc;
    }
    variant = &variants->items[index];
    memset(variant, 0, sizeof(*variant));
    (void)snprintf(variant->key, sizeof(variant->key), "%s", key);
    variant->sibling = find_sibling(variants, key, index);
    rc = copy_selection(variants->arena, selection, &variant->selection, err);
    if (rc == 0) {
        rc = plan_add_variant(plan, language_tag(selection->language), kept, err);
    }
    return rc == 0 ? set_items(variants, &plan->variants[index], &variant->selection, err) : rc;
}

int letter_variants_find(struct letter_variants *variants, const struct selection *selection,
                         bool nameless, size_t *out, struct err *err)
{
    size_t count = variants->plan->variant_count;
    char key[sizeof(variants->items->key)];
    size_t *place;
    int rc;

    (void)snprintf(key, sizeof(key), "%s%s", selection->key, nameless ? "-" : "");
    place = bucket(variants, key);
    if (*place != 0) {
        *out = *place - 1;
        return 0;
    }
    if (count >= LETTER_BUCKETS / 2) {
        return err_set(err, ERR_LIMIT,
                       "the letter would have more than %d variants: its members have had too "
                       "different things",
                       LETTER_BUCKETS / 2);
    }
    rc = add(variants, selection, key, err);
    if (rc == 0) {
        *place = count + 1;
        *out = count;
        rc = render(variants, count, nameless, err);
    }
    return rc;
}

/* ---- the summary ---- */

static int compare_groups(const void *a, const void *b)
{
    const struct letter_group *one = a;
    const struct letter_group *other = b;

    if (one->recipients != other->recipients) {
        return one->recipients < other->recipients ? 1 : -1;
    }
    return strcmp(one->key, other->key);
}

int letter_variants_group(const struct letter_variants *variants, struct arena *arena,
                          struct letter_summary *out, struct err *err)
{
    size_t count = variants->plan->variant_count;
    struct letter_group *groups = arena_alloc(arena, count + 1, sizeof(*groups));
    size_t *places = arena_alloc(arena, count + 1, sizeof(*places));
    int rc = 0;

    if (groups == NULL || places == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct letter_variant *variant = &variants->items[i];
        struct letter_group *group;

        places[i] = variant->sibling < i ? places[variant->sibling] : out->group_count++;
        group = &groups[places[i]];
        group->recipients += variant->recipients;
        if (variant->sibling < i) {
            continue;
        }
        group->language = variant->selection.language;
        group->key = arena_strdup(arena, variant->selection.key);
        group->subject = arena_strdup(arena, variant->subject);
        group->html_bytes = variant->html_bytes;
        rc = group->key == NULL || group->subject == NULL
                 ? err_nomem(err)
                 : letter_list_lines(variants->letter, arena, &variant->selection, &group->lines,
                                     &group->line_count, err);
    }
    if (rc == 0) {
        qsort(groups, out->group_count, sizeof(*groups), compare_groups);
    }
    out->groups = groups;
    return rc;
}
