/* staff_queue.h - a mail to the staff becomes a mailing. */
#pragma once

#include "staff_item.h"

struct staff_mail {
    const char *subject; /* what it is about */
    const char *dedupe;  /* of the mailing: whoever comes second gets ERR_EXISTS */
    int64_t now;
    const struct staff_person *people;
    size_t person_count;
    const struct staff_item *const *items; /* told; none are written for a test */
    size_t item_count;
};

/* Renders it for each person, and in one transaction makes the mailing ready and writes what
 * is told by it. *title is the first person's Subject, in the arena. */
int staff_queue(struct compose *compose, struct arena *arena, const struct staff_mail *mail,
                const char **title, int64_t *mailing, struct err *err);

/* Renders it for the first person only, and writes nothing. */
int staff_rehearse(struct compose *compose, struct arena *arena, const struct staff_mail *mail,
                   const char **title, struct err *err);

/* Writes that the items are told, in the caller's transaction. */
int staff_note(struct db *db, const struct staff_item *const *items, size_t count, int64_t now,
               struct err *err);
