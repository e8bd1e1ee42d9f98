/* import_seen.h - which line of an imported file a member was met in. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/err.h"

/* Lines by the member's id, in pages that are made when they are needed: ids are given in
 * order, so a million members take 4 MB. Life: zeroed, import_seen_add...,
 * import_seen_release. */
struct import_seen {
    int **pages;
    size_t page_count;
};

/* Keeps the line of a member; *before is the line that was kept already, or 0. */
int import_seen_add(struct import_seen *seen, int64_t member, int line, int *before,
                    struct err *err);

bool import_seen_has(const struct import_seen *seen, int64_t member);

void import_seen_release(struct import_seen *seen);
