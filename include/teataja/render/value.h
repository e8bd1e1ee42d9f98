/* teataja/render/value.h - the data that a template renders.
 *
 * A tree of maps and lists with texts, markup, numbers and truths at its leaves,
 * built top down in an arena. Building never fails at the call: a tree that ran
 * out of memory remembers it, every function takes the NULL that came of it, and
 * value_check (which template_render calls) reports it once. A finished tree may
 * be rendered by several threads at once.
 *
 *     struct value *data = value_new(arena);
 *     value_set_text(data, "title", call->title);
 *     struct value *rounds = value_set_list(data, "rounds");
 *     for (...) {
 *         struct value *round = value_add_map(rounds);
 *         value_set_text(round, "deadline", text);
 *     }
 *     rc = template_render(template, data, out, err);
 *
 * Keys are not copied: string literals, or text that lives as long as the arena.
 * A key that is set again takes the new value. Texts are copied into the arena.
 * The set functions are for maps and the add functions for lists; on anything
 * else they mark the tree as failed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"

struct value;

enum value_kind {
    VALUE_NULL,   /* there, but nothing: false in a section, "" as text */
    VALUE_BOOL,   /* "true" and "false" as text */
    VALUE_NUMBER, /* 0 is false in a section */
    VALUE_TEXT,   /* anybody's words; an empty text is false in a section */
    VALUE_MARKUP, /* output that our own code made and escaped; empty is false */
    VALUE_LIST,   /* an empty list is false */
    VALUE_MAP     /* always true */
};

/* An empty map that is the root of a tree. NULL when out of memory. */
struct value *value_new(struct arena *arena);

/* Sets a key of a map. A NULL text sets VALUE_NULL, so that what may be absent
 * is still known to a strict template. */
void value_set_text(struct value *map, const char *key, const char *text);
void value_set_text_len(struct value *map, const char *key, const char *text, size_t len);
void value_set_markup(struct value *map, const char *key, const char *markup);
void value_set_bool(struct value *map, const char *key, bool yes);
void value_set_number(struct value *map, const char *key, int64_t number);
void value_set_null(struct value *map, const char *key);
struct value *value_set_map(struct value *map, const char *key);
struct value *value_set_list(struct value *map, const char *key);

/* Hangs in a finished tree, or a part of one, that lives at least as long as
 * this one: how many letters share the data of one newsletter. */
void value_set(struct value *map, const char *key, const struct value *shared);

/* Adds an element to a list. */
void value_add_text(struct value *list, const char *text);
void value_add_bool(struct value *list, bool yes);
void value_add_null(struct value *list);
struct value *value_add_map(struct value *list);
struct value *value_add_list(struct value *list);
void value_add(struct value *list, const struct value *shared);

/* 0, or why building failed: ERR_NOMEM (memory or the arena's ceiling), ERR_STATE
 * (a set on a list, an add on a map). */
int value_check(const struct value *value, struct err *err);

/* What is in there. Of a NULL value: VALUE_NULL. */
enum value_kind value_kind(const struct value *value);

/* The value of a key, the last dot-free part of a name; NULL if it is not there
 * or `map` is no map. */
const struct value *value_find(const struct value *map, const char *key, size_t key_len);

/* Elements of a list or entries of a map; 0 for anything else. */
size_t value_count(const struct value *value);

/* The element or entry at `index` < value_count. */
const struct value *value_at(const struct value *value, size_t index);
const char *value_key_at(const struct value *map, size_t index);

/* How a leaf is written, and its length; "" for null, lists and maps. */
const char *value_as_text(const struct value *value, size_t *len);

int64_t value_as_number(const struct value *value); /* 0 or 1 for a bool */

/* Whether a section over it is rendered (see enum value_kind). */
bool value_is_true(const struct value *value);
