/* snapshot_compare.c - what makes an approval void: see snapshot.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot.h"
#include "teataja/base/limits.h"

struct comparison {
    const struct snapshot *then;
    const struct snapshot *now;
    struct str *out;
    int count;
};

#define TELL(comparison, ...)                                                                      \
    do {                                                                                           \
        str_addf((comparison)->out, __VA_ARGS__);                                                  \
        str_add_char((comparison)->out, '\n');                                                     \
        (comparison)->count++;                                                                     \
    } while (0)

/* "call 'x'": calls stand in several blocks. */
static const char *kind_of(const struct approval_item *item)
{
    return strcmp(item->block, "events") == 0 ? "event"
           : strcmp(item->block, "news") == 0 ? "news"
                                              : "call";
}

static bool is_same_item(const struct approval_item *one, const struct approval_item *other)
{
    return strcmp(one->slug, other->slug) == 0 && strcmp(kind_of(one), kind_of(other)) == 0;
}

const struct approval_item *snapshot_find_item(const struct approval_items *in,
                                               const struct approval_item *item)
{
    for (size_t i = 0; i < in->count; i++) {
        if (is_same_item(&in->items[i], item)) {
            return &in->items[i];
        }
    }
    return NULL;
}

int snapshot_list_items(const struct snapshot *snapshot, struct arena *arena,
                        struct approval_items *out, struct err *err)
{
    int rc = 0;

    *out = (struct approval_items){.count = 0};
    for (size_t i = 0; rc == 0 && i < snapshot->count; i++) {
        for (size_t j = 0; rc == 0 && j < snapshot->editions[i].item_count; j++) {
            const struct approval_item *item = &snapshot->editions[i].items[j];

            if (snapshot_find_item(out, item) == NULL) {
                rc = arena_grow(arena, &out->items, &out->capacity, out->count, sizeof(*out->items),
                                err);
            } else {
                continue;
            }
            if (rc == 0) {
                out->items[out->count++] = *item;
            }
        }
    }
    return rc;
}

/* ---- pairs ---- */

static int by_key(const void *a, const void *b)
{
    const struct snapshot_pair *one = a;
    const struct snapshot_pair *other = b;
    const struct approval_edition *x = one->now;
    const struct approval_edition *y = other->now;

    return x->language != y->language ? (x->language < y->language ? -1 : 1)
                                      : strcmp(x->key, y->key);
}

/* Its place in `sorted`; NULL if it is not there. */
static struct snapshot_pair *find_sorted(struct snapshot_pair *sorted, size_t count,
                                         const struct approval_edition *edition)
{
    const struct snapshot_pair key = {.now = edition};

    return count > 0 ? bsearch(&key, sorted, count, sizeof(*sorted), by_key) : NULL;
}

/* Those without one of their own, by language and in order. */
static void pair_others(struct snapshot_pair *pairs, size_t thens, struct snapshot_pair *nows,
                        size_t now_count)
{
    size_t next[LANG_COUNT] = {0};

    for (size_t i = 0; i < thens; i++) {
        size_t *at = &next[pairs[i].then->language];

        while (pairs[i].now == NULL && *at < now_count) {
            struct snapshot_pair *candidate = &nows[(*at)++];

            if (candidate->then == NULL && candidate->now->language == pairs[i].then->language) {
                candidate->then = pairs[i].then;
                pairs[i].now = candidate->now;
            }
        }
    }
}

int snapshot_pair(const struct snapshot *then, const struct snapshot *now, struct arena *arena,
                  struct snapshot_pair **out, size_t *count, struct err *err)
{
    struct snapshot_pair *pairs = arena_alloc(arena, then->count + now->count + 1, sizeof(*pairs));
    struct snapshot_pair *sorted = arena_alloc(arena, now->count + 1, sizeof(*sorted));
    struct snapshot_pair *nows = arena_alloc(arena, now->count + 1, sizeof(*nows));

    if (pairs == NULL || sorted == NULL || nows == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < now->count; i++) {
        sorted[i] = nows[i] = (struct snapshot_pair){.now = &now->editions[i]};
    }
    qsort(sorted, now->count, sizeof(*sorted), by_key);
    for (size_t i = 0; i < then->count; i++) {
        struct snapshot_pair *same = find_sorted(sorted, now->count, &then->editions[i]);

        pairs[i] = (struct snapshot_pair){.then = &then->editions[i],
                                          .now = same != NULL ? same->now : NULL,
                                          .same = same != NULL};
        if (same != NULL) {
            nows[same->now - now->editions].then = &then->editions[i];
        }
    }
    pair_others(pairs, then->count, nows, now->count);
    *count = then->count;
    for (size_t i = 0; i < now->count; i++) {
        if (nows[i].then == NULL) {
            pairs[(*count)++] = nows[i];
        }
    }
    *out = pairs;
    return 0;
}

/* ---- rule and audience ---- */

/* A line "name: value" of a rule. */
struct entry {
    const char *name;
    int name_len;
    const char *value;
    int value_len;
};

/* Reads the line at *at and moves behind it; false at the end. */
static bool next_entry(const char **at, struct entry *out)
{
    size_t len = strcspn(*at, "\n");
    size_t name = strcspn(*at, ":\n");
    size_t skip = name + 2 <= len ? name + 2 : len;

    *out = (struct entry){*at, (int)name, *at + skip, (int)(len - skip)};
    *at += len;
    *at += **at == '\n';
    return len > 0;
}

static bool find_entry(const char *rule, const struct entry *like, struct entry *out)
{
    while (next_entry(&rule, out)) {
        if (out->name_len == like->name_len &&
            memcmp(out->name, like->name, (size_t)like->name_len) == 0) {
            return true;
        }
    }
    return false;
}

static void compare_rules(struct comparison *comparison)
{
    const char *from = comparison->then->rule;
    const char *to = comparison->now->rule;
    struct entry entry;
    struct entry other;

    while (next_entry(&from, &entry)) {
        if (!find_entry(to, &entry, &other)) {
            TELL(comparison, "%.*s: it was '%.*s'", entry.name_len, entry.name, entry.value_len,
                 entry.value);
        } else if (entry.value_len != other.value_len ||
                   memcmp(entry.value, other.value, (size_t)entry.value_len) != 0) {
            TELL(comparison, "%.*s: it was '%.*s', it is '%.*s' now", entry.name_len, entry.name,
                 entry.value_len, entry.value, other.value_len, other.value);
        }
    }
    while (next_entry(&to, &entry)) {
        if (!find_entry(comparison->then->rule, &entry, &other)) {
            TELL(comparison, "%.*s: it is '%.*s' now", entry.name_len, entry.name, entry.value_len,
                 entry.value);
        }
    }
}

static void compare_audience(struct comparison *comparison, int tolerance)
{
    int64_t then = comparison->then->recipients;
    int64_t now = comparison->now->recipients;
    int64_t change = now > then ? now - then : then - now;
    int64_t most = (then * tolerance + 9999) / 10000;

    if (strcmp(comparison->then->audience, comparison->now->audience) != 0) {
        TELL(comparison, "audience: it was '%s', it is '%s' now", comparison->then->audience,
             comparison->now->audience);
    }
    if (change > most) {
        TELL(comparison,
             "recipients: there were %" PRId64 ", there are %" PRId64
             " now; %d.%02d %% may come or go, which is %" PRId64,
             then, now, tolerance / 100, tolerance % 100, most);
    }
}

/* ---- items ---- */

static int compare_items(struct comparison *comparison, struct arena *arena, struct err *err)
{
    struct approval_items then = {.count = 0};
    struct approval_items now = {.count = 0};
    int rc = snapshot_list_items(comparison->then, arena, &then, err);

    if (rc == 0) {
        rc = snapshot_list_items(comparison->now, arena, &now, err);
    }
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < now.count; i++) {
        const struct approval_item *item = &now.items[i];
        const struct approval_item *old = snapshot_find_item(&then, item);

        if (old == NULL) {
            TELL(comparison, "%s '%s' is in it now and was not", kind_of(item), item->slug);
        } else if (strcmp(old->revision, item->revision) != 0) {
            TELL(comparison, "%s '%s' changed", kind_of(item), item->slug);
        }
    }
    for (size_t i = 0; i < then.count; i++) {
        if (snapshot_find_item(&now, &then.items[i]) == NULL) {
            TELL(comparison, "%s '%s' was in it and is not now", kind_of(&then.items[i]),
                 then.items[i].slug);
        }
    }
    return 0;
}

/* ---- editions ---- */

/* What became of the editions in a language. */
struct fate {
    bool known; /* there was one */
    bool met;   /* one is as it was */
    bool words; /* one has another text */
    bool looks; /* one is not as it was */
    bool fresh; /* one is not the same as any before */

    /* The first with another subject: the same edition, or else one in its place. */
    const struct snapshot_pair *subject;
};

static void note_pair(const struct snapshot_pair *pair, struct fate *fate)
{
    const struct approval_edition *then = pair->then;
    const struct approval_edition *now = pair->now;

    fate->known = fate->known || then != NULL;
    fate->fresh = fate->fresh || (now != NULL && !pair->same);
    if (then == NULL || now == NULL) {
        return;
    }
    if (pair->same) {
        bool other = strcmp(then->digest, now->digest) != 0;

        fate->met = fate->met || !other;
        fate->looks = fate->looks || other;
        fate->words = fate->words || strcmp(then->words, now->words) != 0;
    }
    if (strcmp(then->subject, now->subject) != 0 &&
        (fate->subject == NULL || (pair->same && !fate->subject->same))) {
        fate->subject = pair;
    }
}

static void tell_fate(struct comparison *comparison, const char *tag, const struct fate *fate)
{
    /* One in the place of another may say other things, where others get what was approved. */
    if (fate->subject != NULL && (fate->subject->same || !fate->met)) {
        TELL(comparison, "%s: the subject was '%s', it is '%s' now", tag,
             fate->subject->then->subject, fate->subject->now->subject);
    } else if (fate->words) {
        TELL(comparison, "%s: the text changed", tag);
    } else if (fate->looks) {
        TELL(comparison, "%s: the look changed, or an image, the sender or another header", tag);
    } else if (fate->fresh && !fate->known) {
        TELL(comparison, "%s: a version in this language is new", tag);
    } else if (fate->fresh && !fate->met) {
        TELL(comparison, "%s: nobody gets a version any more that was approved", tag);
    }
}

static int compare_editions(struct comparison *comparison, struct arena *arena, struct err *err)
{
    struct fate fates[LANG_COUNT] = {{.known = false}};
    struct snapshot_pair *pairs = NULL;
    size_t count = 0;
    int rc = snapshot_pair(comparison->then, comparison->now, arena, &pairs, &count, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct approval_edition *one = pairs[i].now != NULL ? pairs[i].now : pairs[i].then;

        note_pair(&pairs[i], &fates[one->language]);
    }
    for (int i = 0; rc == 0 && i < LANG_COUNT; i++) {
        tell_fate(comparison, language_tag((enum language)i), &fates[i]);
    }
    return rc;
}

int snapshot_compare(const struct snapshot *then, const struct snapshot *now, int tolerance,
                     struct str *out, struct err *err)
{
    struct comparison comparison = {.then = then, .now = now, .out = out};
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    int rc = arena == NULL ? err_nomem(err) : 0;

    compare_rules(&comparison);
    compare_audience(&comparison, tolerance);
    if (rc == 0) {
        rc = compare_items(&comparison, arena, err);
    }
    if (rc == 0) {
        rc = compare_editions(&comparison, arena, err);
    }
    if (rc == 0) {
        rc = str_check(out, err);
    }
    arena_free(arena);
    return rc < 0 ? rc : comparison.count;
}
