/* snapshot.h - what a mailing would be, kept for the people who approve it, and compared with
 * what it would be now. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "approval.h"
#include "preview.h"
#include "teataja/events/event.h"

struct snapshot {
    struct arena *arena; /* of its own */
    struct approval_edition *editions;
    size_t count, capacity;
    struct approval_items known; /* while it is made */
    bool is_bare;                /* keeps no bodies: for comparing only */
    size_t body_bytes;
    bool has_body[LANG_COUNT];
    const char *rule;     /* lines "name: value" */
    const char *audience; /* "" if none */
    const char *warnings; /* a line each; "" if none: nothing is void for them */
    int64_t date;
    int64_t not_after;
    int64_t recipients;
    int64_t revision; /* 0: not kept */
};

int snapshot_open(struct snapshot *snapshot, struct err *err);
void snapshot_close(struct snapshot *snapshot);

/* Adds the edition number snapshot->count. The items' texts are copied. `preview` shows it to
 * nobody in particular. */
int snapshot_add(struct snapshot *snapshot, const struct preview *preview, const char *key,
                 const struct approval_item *items, size_t item_count, struct err *err);

/* Most recipients first, once all are added. */
void snapshot_sort(struct snapshot *snapshot);

/* Digests of what an item says, in all its languages, and of its facts. In the arena. */
struct item;
const char *snapshot_item_revision(struct arena *arena, const struct item *item, int64_t row);
const char *snapshot_event_revision(struct arena *arena, const struct event *event,
                                    const char *told);

/* Keeps it as the newest revision of a draft, and forgets all but the one before. In the
 * caller's transaction. */
int snapshot_write(struct snapshot *snapshot, struct db *db, int64_t mailing, int64_t revision,
                   struct err *err);

/* Reads a kept one. ERR_NOT_FOUND. */
int snapshot_read(struct snapshot *snapshot, struct db *db, int64_t mailing, int64_t revision,
                  bool bodies, struct err *err);

/* Appends what is different, a line each, nothing if an approval of `then` is one of `now`: the
 * number of recipients may differ by `tolerance` (hundredths of a percent, rounded up to a
 * person), and a member who comes may get an edition of his own of items that are approved, if
 * others of his language get an approved one. Returns how many lines, or an error. */
int snapshot_compare(const struct snapshot *then, const struct snapshot *now, int tolerance,
                     struct str *out, struct err *err);

/* An edition and what stands for it in the other snapshot: the same by language and key, or else
 * another of its language that has no such one, the nth for the nth. */
struct snapshot_pair {
    const struct approval_edition *then; /* NULL: it is new */
    const struct approval_edition *now;  /* NULL: it is gone */
    bool same;                           /* language and key */
};

/* All editions of both, those of `then` in front. In the arena. */
int snapshot_pair(const struct snapshot *then, const struct snapshot *now, struct arena *arena,
                  struct snapshot_pair **out, size_t *count, struct err *err);

/* The items of all editions, each once, in the order in which they come. In the arena. */
int snapshot_list_items(const struct snapshot *snapshot, struct arena *arena,
                        struct approval_items *out, struct err *err);

/* The same item in a list; NULL if it is not in it. */
const struct approval_item *snapshot_find_item(const struct approval_items *in,
                                               const struct approval_item *item);
