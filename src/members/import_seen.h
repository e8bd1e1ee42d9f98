/* import_seen.h - which line of an imported file a member was met in. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/err.h"

struct import_place {
    int64_t member; /* 0: free */
    int line;
};

/* An open hash of ids. Life: zeroed, import_seen_add..., import_seen_release. */
struct import_seen {
    struct import_place *places;
    size_t capacity; /* 0, or a power of two */
    size_t count;
};

/* Keeps the line of a member; *before is the line that was kept already, or 0. */
int import_seen_add(struct import_seen *seen, int64_t member, int line, int *before,
                    struct err *err);

bool import_seen_has(const struct import_seen *seen, int64_t member);

void import_seen_release(struct import_seen *seen);
