/* teataja/base/arena.h - memory for one unit of work, freed at once.
 *
 * A request, a command, a message: whoever starts it makes an arena, hands it
 * down, and frees it at the end. Results that say "in `arena`" live until then.
 * Life: arena_new, any number of allocations, perhaps arena_mark/arena_rewind
 * around a loop's body, arena_free. Not thread-safe: one thread, one arena.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "teataja/base/err.h"

struct arena;

/* An arena that hands out at most `ceiling` bytes. NULL when out of memory. */
struct arena *arena_new(size_t ceiling);

void arena_free(struct arena *arena);

/* Zeroed, aligned for anything; NULL when memory or the ceiling is reached. */
void *arena_alloc(struct arena *arena, size_t count, size_t size);

/* Copies; NULL as above. arena_strndup copies at most `length` bytes and adds a
 * NUL. A NULL `text` gives NULL. */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);

/* printf into the arena; NULL as above. */
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Grows an array of `size`-byte things in the arena so that one more fits:
 *     if (arena_grow(arena, &rows, &capacity, count, sizeof(*rows), err) < 0) ...
 * Doubles the capacity; the old array is left behind in the arena. */
int arena_grow(struct arena *arena, void *array, size_t *capacity, size_t count, size_t size,
               struct err *err);

/* A place to come back to: arena_rewind frees all that was allocated since. */
struct arena_mark {
    void *block;
    size_t used;
    size_t total;
};
struct arena_mark arena_mark(const struct arena *arena);
void arena_rewind(struct arena *arena, struct arena_mark mark);

/* Bytes handed out and still valid. */
size_t arena_used(const struct arena *arena);
