/* letter_variant.h - the variants of a letter: each selection that somebody has, met
 * once, rendered once, and added to the plan. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "edition.h"
#include "plan.h"
#include "teataja/compose/letter.h"

struct letter_variant {
    char key[35];   /* of the selection; with '-' behind it for those without a name */
    size_t sibling; /* the variant of the same selection that was met first */
    struct selection selection;
    int64_t recipients;
    const char *subject;
    size_t html_bytes;
};

enum { LETTER_BUCKETS = 16384 }; /* half of them is as many variants as a letter may have */

struct letter_variants {
    const struct letter *letter;
    struct plan *plan;
    struct arena *arena;          /* the plan's */
    struct arena *scratch;        /* for rendering; rewound */
    struct letter_variant *items; /* beside plan->variants */
    size_t capacity;
    size_t *buckets;   /* hash of keys: index of an item + 1 */
    int64_t not_after; /* the first deadline that any of them shows; 0: none */
};

/* The letter and the plan outlive it. */
int letter_variants_open(struct letter_variants *variants, const struct letter *letter,
                         struct plan *plan, struct arena *scratch, struct err *err);

/* The variant of a selection, rendered if there is none yet. Errors of edition_render;
 * ERR_LIMIT when there are too many. */
int letter_variants_find(struct letter_variants *variants, const struct selection *selection,
                         bool nameless, size_t *out, struct err *err);

/* Variants that differ by the name only are one group of the summary, in `arena`. */
int letter_variants_group(const struct letter_variants *variants, struct arena *arena,
                          struct letter_summary *out, struct err *err);
