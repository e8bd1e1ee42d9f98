/* value.c - the tree of maps and lists that templates render. */
#include "teataja/render/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* One per tree: what building it shares. */
struct value_tree {
    struct arena *arena;
    int failed; /* 0 or a code of enum err_code */
};

struct entry {
    const char *key; /* NULL in a list */
    size_t key_len;
    const struct value *value;
};

struct value {
    enum value_kind kind;
    struct value_tree *tree;
    int64_t number;
    const char *text; /* text, markup, and what numbers and truths look like */
    size_t len;
    struct entry *entries; /* map and list */
    size_t count;
    size_t capacity;
};

static struct value *make(struct value_tree *tree, enum value_kind kind)
{
    struct value *value = arena_alloc(tree->arena, 1, sizeof(*value));

    if (value == NULL) {
        tree->failed = ERR_NOMEM;
        return NULL;
    }
    value->kind = kind;
    value->tree = tree;
    value->text = "";
    return value;
}

struct value *value_new(struct arena *arena)
{
    struct value_tree *tree = arena_alloc(arena, 1, sizeof(*tree));

    if (tree == NULL) {
        return NULL;
    }
    tree->arena = arena;
    return make(tree, VALUE_MAP);
}

static struct entry *find(const struct value *map, const char *key, size_t key_len)
{
    for (size_t i = 0; i < map->count; i++) {
        struct entry *entry = &map->entries[i];
        if (entry->key_len == key_len && memcmp(entry->key, key, key_len) == 0) {
            return entry;
        }
    }
    return NULL;
}

/* Puts `child` under a key, or at the end of a list if the key is NULL. */
static void attach(struct value *parent, const char *key, const struct value *child)
{
    struct value_tree *tree;
    struct entry *entry = NULL;

    if (parent == NULL) {
        return;
    }
    tree = parent->tree;
    if (parent->kind != (key != NULL ? VALUE_MAP : VALUE_LIST)) {
        tree->failed = ERR_STATE;
        return;
    }
    if (child == NULL) {
        tree->failed = ERR_NOMEM;
        return;
    }
    if (child->tree->failed != 0) {
        tree->failed = child->tree->failed;
    }
    if (key != NULL) {
        entry = find(parent, key, strlen(key));
    }
    if (entry == NULL) {
        if (arena_grow(tree->arena, &parent->entries, &parent->capacity, parent->count,
                       sizeof(*parent->entries), NULL) < 0) {
            tree->failed = ERR_NOMEM;
            return;
        }
        entry = &parent->entries[parent->count++];
        entry->key = key;
        entry->key_len = key != NULL ? strlen(key) : 0;
    }
    entry->value = child;
}

static struct value *child_of(struct value *parent, const char *key, enum value_kind kind)
{
    struct value *child;

    if (parent == NULL) {
        return NULL;
    }
    child = make(parent->tree, kind);
    attach(parent, key, child);
    return child;
}

static void put_text(struct value *parent, const char *key, enum value_kind kind, const char *text,
                     size_t len)
{
    struct value *child = child_of(parent, key, text != NULL ? kind : VALUE_NULL);
    char *copy;

    if (child == NULL || text == NULL) {
        return;
    }
    /* Not arena_strndup, which would stop at a NUL inside and belie `len`. */
    copy = arena_alloc(parent->tree->arena, 1, len + 1);
    if (copy == NULL) {
        child->text = "";
        child->len = 0;
        parent->tree->failed = ERR_NOMEM;
        return;
    }
    memcpy(copy, text, len);
    child->text = copy;
    child->len = len;
}

static void put_bool(struct value *parent, const char *key, bool yes)
{
    struct value *child = child_of(parent, key, VALUE_BOOL);

    if (child != NULL) {
        child->number = yes ? 1 : 0;
        child->text = yes ? "true" : "false";
        child->len = strlen(child->text);
    }
}

static void put_number(struct value *parent, const char *key, int64_t number)
{
    struct value *child = child_of(parent, key, VALUE_NUMBER);

    if (child == NULL) {
        return;
    }
    child->number = number;
    child->text = arena_printf(parent->tree->arena, "%" PRId64, number);
    if (child->text == NULL) {
        child->text = "";
        parent->tree->failed = ERR_NOMEM;
    }
    child->len = strlen(child->text);
}

void value_set_text(struct value *map, const char *key, const char *text)
{
    put_text(map, key, VALUE_TEXT, text, text != NULL ? strlen(text) : 0);
}

void value_set_text_len(struct value *map, const char *key, const char *text, size_t len)
{
    put_text(map, key, VALUE_TEXT, text, len);
}

void value_set_markup(struct value *map, const char *key, const char *markup)
{
    put_text(map, key, VALUE_MARKUP, markup, markup != NULL ? strlen(markup) : 0);
}

void value_set_bool(struct value *map, const char *key, bool yes)
{
    put_bool(map, key, yes);
}

void value_set_number(struct value *map, const char *key, int64_t number)
{
    put_number(map, key, number);
}

void value_set_null(struct value *map, const char *key)
{
    child_of(map, key, VALUE_NULL);
}

struct value *value_set_map(struct value *map, const char *key)
{
    return child_of(map, key, VALUE_MAP);
}

struct value *value_set_list(struct value *map, const char *key)
{
    return child_of(map, key, VALUE_LIST);
}

void value_set(struct value *map, const char *key, const struct value *shared)
{
    attach(map, key, shared);
}

void value_add_text(struct value *list, const char *text)
{
    put_text(list, NULL, VALUE_TEXT, text, text != NULL ? strlen(text) : 0);
}

void value_add_bool(struct value *list, bool yes)
{
    put_bool(list, NULL, yes);
}

void value_add_null(struct value *list)
{
    child_of(list, NULL, VALUE_NULL);
}

struct value *value_add_map(struct value *list)
{
    return child_of(list, NULL, VALUE_MAP);
}

struct value *value_add_list(struct value *list)
{
    return child_of(list, NULL, VALUE_LIST);
}

void value_add(struct value *list, const struct value *shared)
{
    attach(list, NULL, shared);
}

int value_check(const struct value *value, struct err *err)
{
    if (value == NULL) {
        return err_nomem(err);
    }
    switch (value->tree->failed) {
    case 0:
        return 0;
    case ERR_STATE:
        return err_set(err, ERR_STATE,
                       "a template's data has a key in a list or an element "
                       "in a map");
    default:
        return err_nomem(err);
    }
}

enum value_kind value_kind(const struct value *value)
{
    return value != NULL ? value->kind : VALUE_NULL;
}

const struct value *value_find(const struct value *map, const char *key, size_t key_len)
{
    const struct entry *entry = NULL;

    if (map != NULL && map->kind == VALUE_MAP) {
        entry = find(map, key, key_len);
    }
    return entry != NULL ? entry->value : NULL;
}

size_t value_count(const struct value *value)
{
    return value != NULL ? value->count : 0;
}

const struct value *value_at(const struct value *value, size_t index)
{
    return value->entries[index].value;
}

const char *value_key_at(const struct value *map, size_t index)
{
    return map->entries[index].key;
}

const char *value_as_text(const struct value *value, size_t *len)
{
    *len = value != NULL ? value->len : 0;
    return value != NULL ? value->text : "";
}

int64_t value_as_number(const struct value *value)
{
    return value != NULL ? value->number : 0;
}

bool value_is_true(const struct value *value)
{
    switch (value_kind(value)) {
    case VALUE_NULL:
        return false;
    case VALUE_BOOL:
    case VALUE_NUMBER:
        return value->number != 0;
    case VALUE_TEXT:
    case VALUE_MARKUP:
        return value->len > 0;
    case VALUE_LIST:
        return value->count > 0;
    case VALUE_MAP:
        return true;
    }
    return false;
}
