/* teataja/base/mem.h - the program's own allocations, with a hook for tests.
 *
 * All memory of our own code comes from here, so that a test can let the k-th
 * allocation fail. Memory that a library hands out is freed as that library says.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Zeroed memory for `count` things of `size` bytes; NULL when there is none or
 * the product overflows. */
void *mem_alloc(size_t count, size_t size);

/* Grows or shrinks to `count` things of `size` bytes; the old block stays valid
 * when NULL is returned. New bytes are not zeroed. */
void *mem_resize(void *block, size_t count, size_t size);

/* A copy of a string; NULL when there is no memory. */
char *mem_strdup(const char *text);

/* Frees; NULL is fine. */
void mem_free(void *block);

/* True once any allocation of the process was refused: what it says of its input
 * from then on may be wrong, such as a name that was "not found". */
bool mem_failed(void);

/* Test hook: the allocation number `nth` from now (1 is the next) fails, and
 * with `for_good` every later one too; 0 switches the hook off. */
void mem_fail_at(unsigned long nth, int for_good);

/* Allocations made since the last mem_fail_at. */
unsigned long mem_count(void);
