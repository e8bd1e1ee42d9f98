/* mem.c - see teataja/base/mem.h. */
#include "teataja/base/mem.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static atomic_ulong made;         /* allocations since the last mem_fail_at */
static atomic_ulong fail_nth;     /* 0: the hook is off */
static atomic_int fail_from_then; /* whether those after the nth fail as well */
static atomic_bool failed;        /* an allocation was refused, whoever was told */

/* False when the test hook wants a failure, and for a size that no allocator
 * has: those would end the program under AddressSanitizer. */
static bool allowed(size_t count, size_t size)
{
    unsigned long number = atomic_fetch_add(&made, 1) + 1;
    unsigned long nth = atomic_load(&fail_nth);

    if (size != 0 && count > PTRDIFF_MAX / size) {
        return false;
    }
    if (nth == 0 || number < nth) {
        return true;
    }
    return number > nth && !atomic_load(&fail_from_then);
}

/* Passes a block on; notes that there was none. */
static void *note(void *block)
{
    if (block == NULL) {
        atomic_store(&failed, true);
    }
    return block;
}

void *mem_alloc(size_t count, size_t size)
{
    if (!allowed(count, size)) {
        return note(NULL);
    }
    if (count == 0 || size == 0) {
        return note(calloc(1, 1));
    }
    return note(calloc(count, size));
}

void *mem_resize(void *block, size_t count, size_t size)
{
    if (!allowed(count, size)) {
        return note(NULL);
    }
    if (count == 0 || size == 0) {
        return note(realloc(block, 1));
    }
    return note(realloc(block, count * size));
}

char *mem_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = mem_alloc(1, size);

    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}

void mem_free(void *block)
{
    free(block);
}

bool mem_failed(void)
{
    return atomic_load(&failed);
}

void mem_fail_at(unsigned long nth, int for_good)
{
    atomic_store(&fail_nth, 0);
    atomic_store(&made, 0);
    atomic_store(&fail_from_then, for_good != 0);
    atomic_store(&fail_nth, nth);
}

unsigned long mem_count(void)
{
    return atomic_load(&made);
}
