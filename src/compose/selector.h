/* selector.h - what a letter may tell, gathered once for all of its members. */
#pragma once

#include "room.h"
#include "teataja/compose/selection.h"

struct event_choice {
    const struct event *event;
    struct occurrence occurrence;
    const char *told;
    int64_t item;
    bool everybody;
    const int64_t *members; /* sorted */
    size_t member_count;
};

struct selector {
    struct compose *compose;
    struct arena *arena;
    const struct issue *issue;
    const struct newsletter *newsletter;
    int64_t date;
    unsigned blocks[LANG_COUNT];
    bool reminds;              /* has a block for deadlines */
    const struct call **calls; /* open, exhausted or cancelled now; by deadline */
    size_t call_count;
    struct event_choice *events; /* by start */
    size_t event_count;
    const char **left; /* of events whose audience is wrong */
    size_t left_count;
    const struct news **news; /* newest first */
    size_t news_count;
};
