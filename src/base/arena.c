/* arena.c - see teataja/base/arena.h.
 *
 * A stack of blocks, each twice as large as the one below up to BLOCK_MOST.
 * What is not handed out of a block is always zero, so that handing out is a
 * step of a counter; arena_rewind restores that.
 */
#include "teataja/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "teataja/base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN
#endif
#endif

/* Under AddressSanitizer what is not handed out is poisoned, and a gap stands
 * between two allocations: overruns and uses after a rewind are caught. */
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define GAP ALIGN
#define HIDE(at, size) ASAN_POISON_MEMORY_REGION(at, size)
#define SHOW(at, size) ASAN_UNPOISON_MEMORY_REGION(at, size)
#else
#define GAP ((size_t)0)
#define HIDE(at, size) ((void)(at), (void)(size))
#define SHOW(at, size) ((void)(at), (void)(size))
#endif

#define ALIGN alignof(max_align_t)
#define BLOCK_FIRST ((size_t)4 * 1024)
#define BLOCK_MOST ((size_t)1024 * 1024)

struct block {
    struct block *below;
    size_t size;
    size_t used;
    alignas(max_align_t) unsigned char data[];
};

struct arena {
    struct block *top;
    struct block *spare; /* the largest that a rewind emptied: a loop's body needs it again */
    size_t ceiling;
    size_t total; /* bytes handed out, each allocation rounded up to ALIGN */
    size_t next;  /* size of the next block */
};

struct arena *arena_new(size_t ceiling)
{
    struct arena *arena = mem_alloc(1, sizeof(*arena));

    if (arena != NULL) {
        arena->ceiling = ceiling;
        arena->next = BLOCK_FIRST;
    }
    return arena;
}

static void pop_block(struct arena *arena)
{
    struct block *block = arena->top;

    arena->top = block->below;
    SHOW(block->data, block->size);
    mem_free(block);
}

void arena_free(struct arena *arena)
{
    if (arena == NULL) {
        return;
    }
    while (arena->top != NULL) {
        pop_block(arena);
    }
    if (arena->spare != NULL) {
        SHOW(arena->spare->data, arena->spare->size);
        mem_free(arena->spare);
    }
    mem_free(arena);
}

/* Zeroes what was handed out of a block behind its first `used` bytes. */
static void wipe(struct block *block, size_t used)
{
    SHOW(block->data + used, block->used - used);
    memset(block->data + used, 0, block->used - used);
    HIDE(block->data + used, block->size - used);
    block->used = used;
}

/* As pop_block, but the larger of this block and the spare one is kept. */
static void retire_block(struct arena *arena)
{
    struct block *block = arena->top;

    if (arena->spare != NULL && arena->spare->size >= block->size) {
        pop_block(arena);
        return;
    }
    arena->top = block->below;
    wipe(block, 0);
    if (arena->spare != NULL) {
        SHOW(arena->spare->data, arena->spare->size);
        mem_free(arena->spare);
    }
    arena->spare = block;
}

static struct block *new_block(struct arena *arena, size_t need)
{
    size_t size = arena->next > need ? arena->next : need;
    struct block *block = arena->spare;

    if (block != NULL && block->size >= need) {
        arena->spare = NULL;
        return block;
    }
    if (size > SIZE_MAX - sizeof(*block)) {
        return NULL;
    }
    block = mem_alloc(1, sizeof(*block) + size);
    if (block != NULL) {
        block->size = size;
        HIDE(block->data, size);
    }
    return block;
}

static struct block *push_block(struct arena *arena, size_t need)
{
    struct block *block = new_block(arena, need);

    if (block == NULL) {
        return NULL;
    }
    block->below = arena->top;
    arena->top = block;
    if (arena->next < BLOCK_MOST) {
        arena->next *= 2;
    }
    return block;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
    struct block *block = arena->top;
    size_t bytes;
    size_t rounded;
    unsigned char *at;

    if (size != 0 && count > (SIZE_MAX - 2 * ALIGN) / size) {
        return NULL;
    }
    bytes = count * size;
    rounded = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    if (rounded == 0) {
        rounded = ALIGN;
    }
    if (rounded > arena->ceiling - arena->total) {
        return NULL;
    }
    if (block == NULL || rounded + GAP > block->size - block->used) {
        block = push_block(arena, rounded + GAP);
        if (block == NULL) {
            return NULL;
        }
    }
    at = block->data + block->used;
    block->used += rounded + GAP;
    arena->total += rounded;
    SHOW(at, bytes);
    return at;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
    size_t len;
    char *copy;

    if (text == NULL) {
        return NULL;
    }
    len = strnlen(text, length);
    copy = arena_alloc(arena, 1, len + 1);
    if (copy != NULL) {
        memcpy(copy, text, len);
    }
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_list again;
    int len;
    char *text = NULL;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    if (len >= 0) {
        text = arena_alloc(arena, 1, (size_t)len + 1);
    }
    if (text != NULL) {
        (void)vsnprintf(text, (size_t)len + 1, format, again);
    }
    va_end(again);
    va_end(args);
    return text;
}

int arena_grow(struct arena *arena, void *array, size_t *capacity, size_t count, size_t size,
               struct err *err)
{
    size_t wanted = *capacity == 0 ? 8 : *capacity;
    void *old;
    void *grown;

    if (count < *capacity) {
        return 0;
    }
    while (wanted <= count) {
        if (wanted > SIZE_MAX / 2) {
            return err_nomem(err);
        }
        wanted *= 2;
    }
    grown = arena_alloc(arena, wanted, size);
    if (grown == NULL) {
        return err_nomem(err);
    }
    /* `array` is the address of a pointer to any type: copied as bytes, since
     * reading it as a void * would break the aliasing rules. */
    memcpy(&old, array, sizeof(old));
    if (old != NULL && count > 0) {
        memcpy(grown, old, count * size);
    }
    memcpy(array, &grown, sizeof(grown));
    *capacity = wanted;
    return 0;
}

struct arena_mark arena_mark(const struct arena *arena)
{
    struct arena_mark mark = {.block = arena->top, .total = arena->total};

    if (arena->top != NULL) {
        mark.used = arena->top->used;
    }
    return mark;
}

void arena_rewind(struct arena *arena, struct arena_mark mark)
{
    while (arena->top != mark.block) {
        retire_block(arena);
        if (arena->next > BLOCK_FIRST) {
            arena->next /= 2;
        }
    }
    if (arena->top != NULL) {
        wipe(arena->top, mark.used);
    }
    arena->total = mark.total;
}

size_t arena_used(const struct arena *arena)
{
    return arena->total;
}
