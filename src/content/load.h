/* How the files of one kind become items; used by call, news and issue. */
#pragma once

#include "teataja/content/content.h"

struct load {
    struct arena *arena;
    const struct config *config;
    const struct holidays *holidays;
    int64_t now;
    struct report *report;
    struct err *err;
};

/* One kind: its table, and what is done with a file that was read. The struct
 * that the table fills begins with its `struct item`. */
struct load_kind {
    enum item_kind kind;
    size_t size;
    const struct schema *schema;
    /* Takes the texts of a filled struct into an edition. */
    void (*texts)(const void *facts, struct edition *edition);
    /* Computes and checks what the table could not. 0, or ERR_NOMEM. */
    int (*finish)(struct load *load, void *facts);
};

extern const struct load_kind call_kind;
extern const struct load_kind news_kind;
extern const struct load_kind issue_kind;

/* Reads one folder into an array sorted by slug. Problems are only reported.
 * ERR_LIMIT, ERR_IO, ERR_NOMEM. */
int load_folder(struct load *load, const struct load_kind *kind, void **items, size_t *count);

/* The letters of newsletters with `compose: auto`, in automatic.c. 0 or ERR_NOMEM,
 * ERR_LIMIT. */
int load_letters(struct load *load, struct content *out);

/* A time that somebody wrote at `path` of `node`, as an instant: in its own zone,
 * else in `zone`. Of a date the start counts, or with `whole_day` the end. Reports
 * unknown zones and times that DST leaves out or repeats. True if it could. */
bool load_moment(struct load *load, const struct yaml_node *node, const char *path,
                 const struct schema_moment *written, const char *zone, bool whole_day,
                 struct call_moment *out);

/* The same for a civil time in a zone that is known. */
bool load_instant(struct load *load, const struct yaml_node *node, const char *path, bool whole_day,
                  struct call_moment *moment);

/* Names of regions at `key` of `node` as regions; reports the unknown ones. */
int load_regions(struct load *load, const struct yaml_node *node, const char *key,
                 const char *const *names, size_t count, const struct region ***out,
                 size_t *out_count);

/* Terms at `key` of `node` in the vocabulary's own spelling; reports the unknown
 * ones. A vocabulary without terms takes any. */
int load_terms(struct load *load, const struct vocabulary *vocabulary, const char *what,
               const struct yaml_node *node, const char *key, const char *const **slugs,
               size_t count);

/* Rounds of a call, in round.c. 0 or ERR_NOMEM. */
int round_compute(struct load *load, struct call *call);

/* Key with the deadline where it was moved. NULL when memory is out. */
const char *round_told(struct arena *arena, const struct call_round *round);
