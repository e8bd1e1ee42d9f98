#include "name_index.h"

#include <stdlib.h>
#include <string.h>

#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/base/utf8.h"

struct name_index *name_index_new(struct arena *arena)
{
    return arena_alloc(arena, 1, sizeof(struct name_index));
}

int name_index_add(struct arena *arena, struct name_index *index, const char *name,
                   const void *thing, struct err *err)
{
    struct name_entry *entry;
    struct str folded;
    int rc;

    if (!name) {
        return 0;
    }
    str_init(&folded, (size_t)LIMIT_VALUE * 4);
    rc = utf8_fold(name, strlen(name), &folded, err);
    if (rc == 0) {
        rc = str_check(&folded, err);
    }
    if (rc == 0) {
        rc = arena_grow(arena, &index->entries, &index->capacity, index->count,
                        sizeof(struct name_entry), err);
    }
    if (rc == 0) {
        entry = &index->entries[index->count];
        entry->folded = arena_strdup(arena, folded.data);
        entry->name = name;
        entry->thing = thing;
        rc = entry->folded ? 0 : err_nomem(err);
        index->count += rc == 0;
    }
    str_release(&folded);
    return rc;
}

int name_index_add_all(struct arena *arena, struct name_index *index, const struct lang_text *names,
                       const void *thing, struct err *err)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < LANG_COUNT; i++) {
        bool seen = false;

        for (int j = 0; j < i; j++) {
            seen = seen || (names->text[i] && names->text[j] &&
                            strcmp(names->text[i], names->text[j]) == 0);
        }
        rc = seen ? 0 : name_index_add(arena, index, names->text[i], thing, err);
    }
    return rc;
}

/* qsort is not stable and entries are copied about: the order of adding is kept
 * by things lying in one array. */
static int compare(const void *a, const void *b)
{
    const struct name_entry *left = a, *right = b;
    int order = strcmp(left->folded, right->folded);

    return order ? order : (left->thing > right->thing) - (left->thing < right->thing);
}

void name_index_sort(struct name_index *index)
{
    if (index->count > 1) {
        qsort(index->entries, index->count, sizeof(struct name_entry), compare);
    }
}

const void *name_index_find(const struct name_index *index, const char *name, struct err *err)
{
    const void *thing = NULL;
    struct err own = {0};
    struct str folded;
    size_t low = 0, high = index ? index->count : 0;

    if (!index || !name) {
        return NULL;
    }
    str_init(&folded, (size_t)LIMIT_VALUE * 4);
    if (utf8_fold(name, strlen(name), &folded, &own) < 0 || str_check(&folded, &own) < 0) {
        /* What is too long or not UTF-8 names nothing. */
        if (own.code == ERR_NOMEM) {
            (void)err_nomem(err);
        }
        goto out;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(index->entries[middle].folded, folded.data) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < index->count && strcmp(index->entries[low].folded, folded.data) == 0) {
        thing = index->entries[low].thing;
    }
out:
    str_release(&folded);
    return thing;
}
