/* frozen.h - a variant as the database keeps it. */
#pragma once

#include <stddef.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/str.h"
#include "teataja/compose/piece.h"
#include "teataja/events/ical_write.h"

enum { FROZEN_PICTURES = 32 };

struct frozen {
    const char *subject; /* may hold slots */
    const char *from;    /* the From field, whole */
    const char *headers; /* fields that are the same for all, whole lines */
    struct pieces text;
    struct pieces html;
    const char *cids[FROZEN_PICTURES]; /* parts of the mailing that it shows */
    size_t cid_count;
    struct ical_draft calendar; /* count 0: none */
    const char *organizer;      /* CN of the calendar's ORGANIZER */
};

int frozen_write(const struct frozen *frozen, struct str *out, struct err *err);

/* Copies `data` into the arena, where *out points to. ERR_CORRUPT. */
int frozen_read(struct arena *arena, const void *data, size_t len, struct frozen *out,
                struct err *err);
