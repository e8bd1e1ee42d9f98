/* name_index.h - things found by any of their names; private to config. */
#pragma once

#include <stddef.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"

struct name_entry {
    const char *folded; /* utf8_fold of `name` */
    const char *name;   /* as written */
    const void *thing;
};

struct name_index {
    struct name_entry *entries; /* sorted by folded, then by where `thing` lies */
    size_t count;
    size_t capacity;
};

/* An empty index in the arena; NULL when out of memory. */
struct name_index *name_index_new(struct arena *arena);

/* Adds a name; one that is NULL is passed over. name_index_sort comes last. */
int name_index_add(struct arena *arena, struct name_index *index, const char *name,
                   const void *thing, struct err *err);

/* Adds the names of all languages. */
int name_index_add_all(struct arena *arena, struct name_index *index, const struct lang_text *names,
                       const void *thing, struct err *err);

void name_index_sort(struct name_index *index);

/* The thing with the name, folded; the first in its array if there are several.
 * NULL if there is none, or `index` is NULL, or for lack of memory, which err tells. */
const void *name_index_find(const struct name_index *index, const char *name, struct err *err);
