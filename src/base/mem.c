/* mem.c - see teataja/base/mem.h. */
#include "teataja/base/mem.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static atomic_ulong made;         /* allocations since the last mem_fail_at */
static atomic_ulong fail_nth;     /* 0: the hook is off */
static atomic_int fail_from_then; /* whether those after the nth fail as well */

static bool allowed(void)
{
    unsigned long number = atomic_fetch_add(&made, 1) + 1;
    unsigned long nth = atomic_load(&fail_nth);

    if (nth == 0 || number < nth) {
        return true;
    }
    return number > nth && !atomic_load(&fail_from_then);
}

void *mem_alloc(size_t count, size_t size)
{
    if (!allowed()) {
        return NULL;
    }
    if (count == 0 || size == 0) {
        return calloc(1, 1);
    }
    return calloc(count, size);
}

void *mem_resize(void *block, size_t count, size_t size)
{
    if (!allowed()) {
        return NULL;
    }
    if (count == 0 || size == 0) {
        return realloc(block, 1);
    }
    return reallocarray(block, count, size);
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
