/* snapshot_compare.c - what makes an approval void: see snapshot.h. */
#include <inttypes.h>
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

bool snapshot_same_item(const struct approval_item *one, const struct approval_item *other)
{
    return strcmp(one->slug, other->slug) == 0 && strcmp(kind_of(one), kind_of(other)) == 0;
}

const struct approval_item *snapshot_find_item(const struct snapshot *in,
                                               const struct approval_item *item)
{
    for (size_t i = 0; i < in->count; i++) {
        for (size_t j = 0; j < in->editions[i].item_count; j++) {
            if (snapshot_same_item(&in->editions[i].items[j], item)) {
                return &in->editions[i].items[j];
            }
        }
    }
    return NULL;
}

static const struct approval_edition *find_same(const struct snapshot *in,
                                                const struct approval_edition *edition)
{
    for (size_t i = 0; i < in->count; i++) {
        if (in->editions[i].language == edition->language &&
            strcmp(in->editions[i].key, edition->key) == 0) {
            return &in->editions[i];
        }
    }
    return NULL;
}

const struct approval_edition *snapshot_partner(const struct snapshot *in,
                                                const struct snapshot *of,
                                                const struct approval_edition *edition)
{
    const struct approval_edition *same = find_same(in, edition);
    size_t nth = 0;

    if (same != NULL) {
        return same;
    }
    for (size_t i = 0; i < of->count && &of->editions[i] != edition; i++) {
        nth += of->editions[i].language == edition->language &&
               find_same(in, &of->editions[i]) == NULL;
    }
    for (size_t i = 0; i < in->count; i++) {
        if (in->editions[i].language == edition->language &&
            find_same(of, &in->editions[i]) == NULL && nth-- == 0) {
            return &in->editions[i];
        }
    }
    return NULL;
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
            TELL(comparison, "%.*s: it is '%.*s' now", entry.name_len, entry.name,
                 entry.value_len, entry.value);
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

/* Whether an item stands further in front in the same snapshot: each is told once. */
static bool was_before(const struct snapshot *in, size_t edition, size_t place)
{
    const struct approval_item *item = &in->editions[edition].items[place];

    for (size_t i = 0; i <= edition; i++) {
        size_t end = i < edition ? in->editions[i].item_count : place;

        for (size_t j = 0; j < end; j++) {
            if (snapshot_same_item(&in->editions[i].items[j], item)) {
                return true;
            }
        }
    }
    return false;
}

static void compare_items(struct comparison *comparison)
{
    const struct snapshot *then = comparison->then;
    const struct snapshot *now = comparison->now;

    for (size_t i = 0; i < now->count; i++) {
        for (size_t j = 0; j < now->editions[i].item_count; j++) {
            const struct approval_item *item = &now->editions[i].items[j];
            const struct approval_item *old = snapshot_find_item(then, item);

            if (was_before(now, i, j)) {
                continue;
            }
            if (old == NULL) {
                TELL(comparison, "%s '%s' is in it now and was not", kind_of(item), item->slug);
            } else if (strcmp(old->revision, item->revision) != 0) {
                TELL(comparison, "%s '%s' changed", kind_of(item), item->slug);
            }
        }
    }
    for (size_t i = 0; i < then->count; i++) {
        for (size_t j = 0; j < then->editions[i].item_count; j++) {
            const struct approval_item *item = &then->editions[i].items[j];

            if (!was_before(then, i, j) && snapshot_find_item(now, item) == NULL) {
                TELL(comparison, "%s '%s' was in it and is not now", kind_of(item), item->slug);
            }
        }
    }
}

/* ---- editions ---- */

/* What an edition says of itself, which all of its language share. */
static void compare_language(struct comparison *comparison, enum language language)
{
    const char *tag = language_tag(language);
    bool known = false;
    bool met = false;
    bool words = false;
    bool looks = false;
    bool fresh = false;
    const struct approval_edition *subject = NULL;

    for (size_t i = 0; i < comparison->then->count; i++) {
        known = known || comparison->then->editions[i].language == language;
    }
    for (size_t i = 0; i < comparison->now->count; i++) {
        const struct approval_edition *edition = &comparison->now->editions[i];
        const struct approval_edition *old = find_same(comparison->then, edition);

        if (edition->language != language) {
            continue;
        }
        if (old == NULL) {
            fresh = true;
            continue;
        }
        met = met || strcmp(old->digest, edition->digest) == 0;
        words = words || strcmp(old->words, edition->words) != 0;
        looks = looks || strcmp(old->digest, edition->digest) != 0;
        if (subject == NULL && strcmp(old->subject, edition->subject) != 0) {
            subject = edition;
            TELL(comparison, "%s: the subject was '%s', it is '%s' now", tag, old->subject,
                 edition->subject);
        }
    }
    if (subject == NULL && words) {
        TELL(comparison, "%s: the text changed", tag);
    } else if (subject == NULL && looks) {
        TELL(comparison, "%s: the look changed, or an image, the sender or another header", tag);
    } else if (fresh && !known) {
        TELL(comparison, "%s: a version in this language is new", tag);
    } else if (fresh && !met && !looks) {
        TELL(comparison, "%s: nobody gets a version any more that was approved", tag);
    }
}

int snapshot_compare(const struct snapshot *then, const struct snapshot *now, int tolerance,
                     struct str *out, struct err *err)
{
    struct comparison comparison = {.then = then, .now = now, .out = out};
    int rc;

    compare_rules(&comparison);
    compare_audience(&comparison, tolerance);
    compare_items(&comparison);
    for (int i = 0; i < LANG_COUNT; i++) {
        compare_language(&comparison, (enum language)i);
    }
    rc = str_check(out, err);
    return rc < 0 ? rc : comparison.count;
}
