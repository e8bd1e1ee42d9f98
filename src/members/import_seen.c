#include "import_seen.h"

#include <string.h>

#include "teataja/base/mem.h"

static struct import_place *import_seen_place(const struct import_seen *seen, int64_t member)
{
    size_t at = (size_t)((uint64_t)member * UINT64_C(0x9e3779b97f4a7c15) >> 32);

    at &= seen->capacity - 1;
    while (seen->places[at].member != 0 && seen->places[at].member != member) {
        at = (at + 1) & (seen->capacity - 1);
    }
    return &seen->places[at];
}

static int import_seen_grow(struct import_seen *seen, struct err *err)
{
    struct import_seen bigger = {.capacity = seen->capacity == 0 ? 1024 : seen->capacity * 2,
                                 .count = seen->count};

    bigger.places = mem_alloc(bigger.capacity, sizeof(*bigger.places));
    if (bigger.places == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < seen->capacity; i++) {
        if (seen->places[i].member != 0) {
            *import_seen_place(&bigger, seen->places[i].member) = seen->places[i];
        }
    }
    mem_free(seen->places);
    *seen = bigger;
    return 0;
}

int import_seen_add(struct import_seen *seen, int64_t member, int line, int *before,
                    struct err *err)
{
    struct import_place *place = NULL;
    int rc = 0;

    if (seen->count * 2 >= seen->capacity) {
        rc = import_seen_grow(seen, err);
        if (rc < 0) {
            return rc;
        }
    }
    place = import_seen_place(seen, member);
    *before = place->member != 0 ? place->line : 0;
    if (place->member == 0) {
        *place = (struct import_place){member, line};
        seen->count++;
    }
    return 0;
}

bool import_seen_has(const struct import_seen *seen, int64_t member)
{
    return seen->capacity > 0 && import_seen_place(seen, member)->member != 0;
}

void import_seen_release(struct import_seen *seen)
{
    mem_free(seen->places);
    memset(seen, 0, sizeof(*seen));
}
