/* history.h - what a member was told, as the ledger keeps it.
 *
 * Of a call: the round's key, then ">" and the deadline where it was moved, then "!" and
 * the state of a call that ended, or "~" where it was said that it closes soon. Of an
 * occurrence of an event: its id, ">", its start.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/err.h"
#include "teataja/db/db.h"

struct had {
    const char *kind;
    const char *slug;
    const char *round;
};

struct history {
    struct had *items; /* oldest first */
    size_t count;
    size_t capacity;
};

/* Of member 0: nothing. */
int history_read(struct db *db, struct arena *arena, int64_t member, struct history *out,
                 struct err *err);

/* Length of the key at the head of what was told. */
size_t history_key(const char *told);

/* What was told last of a call: of the round with that key, or of any if it is NULL. */
const char *history_call(const struct history *history, const char *slug, const char *key);

/* What was told last of the occurrence that `told` is of. */
const char *history_event(const struct history *history, const char *slug, const char *told);

bool history_news(const struct history *history, const char *slug);

/* Whether it was said that the round closes soon, with the deadline that it has. */
bool history_reminded(const struct history *history, const char *slug, const char *round);

/* Whether both tell the same deadline of a round. */
bool history_same(const char *told, const char *round);

/* The deadline or the start that was told; year 0 if it does not say. */
void history_deadline(const char *told, struct civil *out);
