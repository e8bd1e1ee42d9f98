/* event_letter_page.h - a letter about an event in one language, rendered: the data of
 * templates/mail/README.md, "Reminder" and "Thanks". */
#pragma once

#include "invitation_page.h"
#include "teataja/compose/event_letter.h"
#include "teataja/events/answer.h"

/* What all letters of one mailing share: an invitation's page whose `next` is the
 * occurrence that the letter is about. */
struct event_letter_page {
    struct invitation_page event;
    enum event_letter_kind kind;
    bool asks; /* answers are taken, and there are seats */
};

/* The event and its occurrence, if such a letter can go out on `date`; `early`: thanks can
 * be looked at before the end. Errors as event_letter_plan. `asks` is the caller's. */
int event_letter_open(struct compose *compose, struct arena *arena, const char *slug,
                      enum event_letter_kind kind, const char *occurrence, int64_t date, bool early,
                      struct event_letter_page *page, struct err *err);

/* Which edition a reader gets. */
const struct event_edition *event_letter_edition(const struct event_letter_page *page,
                                                 const enum language *languages, size_t count);

/* Renders for readers of a zone who answered so, and freezes, in the arena. */
int event_letter_render(const struct event_letter_page *page, struct arena *arena,
                        enum language language, const char *zone, enum answer_state answer,
                        struct rendered *rendered, struct frozen *frozen, struct err *err);

struct sender event_letter_sender(const struct event_letter_page *page);
