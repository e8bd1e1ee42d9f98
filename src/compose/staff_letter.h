/* staff_letter.h - the letter of a draft, taken apart and put together for its editors.
 *
 * A snapshot keeps what a browser shows: HTML with its images inside. A mail program does not
 * show those, so they become parts again. */
#pragma once

#include "edition.h"
#include "frame.h"
#include "teataja/compose/approval.h"

struct staff_letter {
    struct compose *compose;
    const struct newsletter *newsletter; /* NULL: the office sends it */
    int64_t date;
    struct rendered rendered; /* images are cid: again */
};

/* In the frame's arena, which must outlive it. */
int staff_letter_read(struct frame *frame, const struct approval *draft,
                      const struct approval_edition *edition, struct staff_letter *out,
                      struct err *err);

/* What can stand inside of another letter: no document, no landmark, no title of its own. */
int staff_letter_body(const struct staff_letter *letter, struct arena *arena, const char **out,
                      struct err *err);

/* The message as a reader would get it, but for links and fields that are a reader's own. */
int staff_letter_message(const struct staff_letter *letter, struct arena *arena, const char **out,
                         size_t *len, struct err *err);
