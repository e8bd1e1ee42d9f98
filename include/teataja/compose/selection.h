/* teataja/compose/selection.h - what a letter tells this member.
 *
 * The edition is in the first of the member's languages that the issue has, else
 * in the newsletter's fallback; each item falls back by itself. Of the calls:
 * whose round is open at the message's date, that match the member's profile, and
 * of whose round the member has not been told. A round that was told is told
 * again when its deadline moved, and once when it is exhausted or cancelled; else
 * it stands in the table "still open". News once. Events that the member may see,
 * each time. What was told is read from v_had, by slug and round.
 *
 * An automatic letter (issue->automatic) tells an occurrence of an event once, and again
 * when it moved. With the block `deadlines` it reminds of a call that was told when its
 * deadline is at most closing_soon away, once a deadline; a call that it first tells so
 * late is not reminded of. Without the block `calls` it reminds of calls that were never
 * told, and shows no others.
 *
 * Deadlines and events are in their own zone, which is named where the reader's
 * clock shows another time.
 *
 * A selection has a key: equal keys are the same letter but for slots.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/compose/compose.h"
#include "teataja/content/call.h"
#include "teataja/content/issue.h"
#include "teataja/content/matching.h"
#include "teataja/content/news.h"
#include "teataja/events/occurrence.h"
#include "teataja/members/profile.h"

enum selection_reason {
    SELECT_NEW,    /* not told yet */
    SELECT_MOVED,  /* told with another deadline */
    SELECT_CLOSED, /* told while open; exhausted or cancelled since */
    SELECT_STILL,  /* told and open: the short table */
    SELECT_CLOSING /* told and open, and closes soon: the table of deadlines, once */
};

struct selected_call {
    const struct call *call;
    const struct call_round *round;
    enum selection_reason reason;
    enum match match;
    enum language language;  /* of the edition shown */
    struct civil moved_from; /* the deadline told before; year 0 if none */
    const char *told;        /* what the ledger keeps: the round; behind it "!" and its state if
                              * closed, "~" if it was said that it closes soon */
};

struct selected_event {
    const struct event *event;
    struct occurrence occurrence; /* the next one */
    enum language language;
    struct civil moved_from; /* the start told before; year 0 if none */
    const char *told;        /* what the ledger keeps: id of the occurrence, ">", its start */
    int64_t item;            /* row of `item`; 0 until recorded */
};

struct selected_news {
    const struct news *news;
    enum language language;
};

struct selection {
    enum language language;            /* of the edition */
    char zone[CIVIL_ZONE];             /* of the reader's dates */
    const struct selected_call *calls; /* by deadline; also SELECT_STILL */
    size_t call_count;
    const struct selected_event *events; /* by start */
    size_t event_count;
    const struct selected_news *news; /* newest first */
    size_t news_count;
    size_t fresh; /* items that were not told so before: all but SELECT_STILL */
    bool urgent;  /* one of them closes within closing_soon */
    char key[33];
};

/* What is the same for all recipients of a letter: the open rounds, the coming
 * occurrences, who may see which event. */
struct selector;

struct selector_options {
    const struct issue *issue;
    int64_t date;                /* of the message */
    unsigned blocks[LANG_COUNT]; /* by language of the edition: bit 1 << enum newsletter_block */
};

/* Lives in the arena, with nothing to close. An event whose audience cannot be understood is
 * left out: selector_left. */
int selector_open(struct compose *compose, struct arena *arena,
                  const struct selector_options *options, struct selector **out, struct err *err);

/* Of the events left out, the words for number `index`: "event 'forum' is left out:
 * events/forum.md: ...". NULL past the end. */
const char *selector_left(const struct selector *selector, size_t index);

/* Whether a member gets the letter at all: of an automatic one, if enough is new. */
bool selector_sends(const struct selector *selector, const struct selection *selection);

/* Records the events that may be told, so that they have items: in a transaction of its
 * own. */
int selector_record(struct selector *selector, struct err *err);

/* The selection of a member (profile->id 0: a reader who has had nothing). */
int selector_pick(struct selector *selector, struct arena *arena,
                  const struct member_profile *profile, struct selection *out, struct err *err);
