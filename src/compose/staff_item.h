/* staff_item.h - what the files of staff share: something to tell, and a mail about it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "edition.h"
#include "frame.h"
#include "plan.h"
#include "teataja/compose/approval.h"
#include "teataja/compose/staff.h"

enum staff_kind {
    STAFF_DRAFT,
    STAFF_REJECTED,
    STAFF_SENT,
    STAFF_HALTED,
    STAFF_HELD,    /* rows of it are unknown, and a person decides */
    STAFF_OVERDUE, /* a deadline that it shows is over */
    STAFF_RELAY_DOWN,
    STAFF_RELAY_BACK,
    STAFF_SOURCE_DOWN,
    STAFF_SOURCE_BACK,
    STAFF_SCHEDULE,
    STAFF_RUN_FAILED,
    STAFF_RUN_LATE,
    STAFF_RUN_EMPTY,
    STAFF_LEFT, /* of what is left out of the site: config/left_out.h */
    STAFF_TEST,
    STAFF_MUTE, /* nothing to tell: the row alone is written */
    STAFF_KINDS
};

struct staff_item {
    enum staff_kind kind;
    const char *key;                     /* of staff_told */
    const char *state;                   /* that it will be told in */
    int64_t since;                       /* when that began */
    const char *subject;                 /* at most one mail an hour */
    const char *name;                    /* of a relay or source; what a run or mailing is about */
    const char *said;                    /* a reason, an error; "" if none */
    const struct newsletter *newsletter; /* whose editors are told; NULL: of none */
    int64_t mailing;                     /* 0 if none */
    int64_t begun;                       /* a mailing; a source: when it was read last, or 0 */
    int64_t next;                        /* relay, source: tried again; 0: not known */
    const struct approval *draft;        /* STAFF_DRAFT, STAFF_REJECTED */
};

struct staff_items {
    struct staff_item *items;
    size_t count, capacity;
};

/* Everything that is in another state than it was told in, whatever the hour, in the arena. */
int staff_gather(struct compose *compose, struct arena *arena, int64_t now, struct staff_items *out,
                 struct err *err);

/* What is left out of the site, if that is not told, or was and is over: 1 and *out; 0 if there
 * is nothing to tell or to note. In the arena. */
int staff_left(struct compose *compose, struct arena *arena, int64_t now, struct staff_item *out,
               struct err *err);

/* Which roles are told of a kind. */
bool staff_concerns(enum staff_kind kind, enum site_staff_role role);

/* Renders a mail about the items for one person and freezes it. What it shows as pictures or
 * attaches is in *rendered. In the arena. */
int staff_render(struct compose *compose, struct arena *arena, const struct staff_person *person,
                 const struct staff_item *const *items, size_t count, int64_t now,
                 struct rendered *rendered, struct frozen *frozen, struct err *err);

/* Who sends it. */
struct sender staff_sender(const struct compose *compose);

/* ---- Of a draft: staff_draft.c ---- */

/* Adds to `facts` when it goes out and who approved it, and sets what the templates need of
 * its editions in `map`; pictures and letters to attach are added to the frame's pictures. */
int staff_set_draft(struct frame *frame, struct value *map, struct value *facts,
                    const struct approval *draft, struct err *err);

/* Sets the link to the page on which this person decides. */
int staff_set_link(struct frame *frame, struct value *map, const struct approval *draft,
                   const struct staff_person *person, struct err *err);

/* ---- What both show ---- */

/* An instant in the site's zone. */
const char *staff_moment(struct frame *frame, int64_t instant);

/* Adds {label, text}, unless the text is NULL or "". */
void staff_fact(struct frame *frame, struct value *facts, const char *label, const char *text);
