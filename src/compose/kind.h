/* kind.h - the kinds of mailings: a further one is a row of a table.
 *
 * A kind says how its parts are put together. When a variant is loaded its
 * message is laid out once as steps; a message is the steps, run with a row's
 * values.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "frozen.h"
#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/delivery/mailing.h"

enum step_kind { STEP_BYTES, STEP_TEXT, STEP_HTML, STEP_CALENDAR };

struct step {
    enum step_kind kind;
    const char *data; /* STEP_BYTES */
    size_t len;
};

enum { LAYOUT_STEPS = 16 };

/* What a message consists of behind its headers, beginning with the fields that
 * say so. */
struct layout {
    struct step steps[LAYOUT_STEPS];
    size_t count;
};

#define LAYOUT_MESSAGE "message/rfc822" /* type of a whole message that a notice carries */

/* An image, as the mailing keeps it; or a message to attach. */
struct layout_picture {
    const char *cid; /* of a message: its file name */
    const char *type;
    const void *data;
    size_t len;
};

struct layout_input {
    const char *uid; /* of the mailing: makes the boundaries */
    const char *lang;
    const struct layout_picture *pictures;
    size_t picture_count;
};

struct mail_kind {
    const char *name; /* purpose of its mailings; tests name it in their configuration */
    enum mailing_priority priority;
    const char *folder; /* of what it is about: "issues", "events" */
    int (*lay_out)(struct arena *arena, const struct layout_input *input, struct layout *out,
                   struct err *err);
    bool answers; /* it has links for an answer to an invitation */
    bool watches; /* who says no before it goes, or whose invitation ends, does not get it */
};

enum mail_kind_id {
    MAIL_LETTER,
    MAIL_INVITATION,
    MAIL_REMINDER,
    MAIL_THANKS,
    MAIL_NOTICE, /* to the staff */
    MAIL_KINDS
};
extern const struct mail_kind mail_kinds[MAIL_KINDS];

/* NULL if there is none. */
const struct mail_kind *mail_kind_find(const char *name);
