/* preview.h - one message of any kind, shown. */
#pragma once

#include "edition.h"
#include "teataja/compose/letter.h"

struct preview {
    struct compose *compose;
    const struct rendered *rendered;
    const struct sender *sender;
    const struct frozen *frozen;
    int64_t date;
    struct write_input input;
};

/* Fills subject, html and text of *out, in the arena. */
int preview_show(const struct preview *preview, struct arena *arena, struct letter_view *out,
                 struct err *err);

/* Fills all of *out but its lines, in the arena. */
int preview_view(const struct preview *preview, struct arena *arena, struct letter_view *out,
                 struct err *err);
