/* invitation_page.h - an invitation in one language, rendered: the data of
 * templates/mail/README.md, "Invitation". */
#pragma once

#include "edition.h"
#include "teataja/events/event.h"
#include "teataja/events/occurrence.h"

/* What all invitations to an event share. */
struct invitation_page {
    struct compose *compose;
    const struct event *event;
    const struct site_list *list;
    const struct newsletter *newsletter; /* whose brand it wears; NULL: the site's */
    struct occurrence next;
    int64_t stamp; /* DTSTAMP of its calendar; 0: the date */
    int64_t date;
    bool test;
    const char *uid; /* of the calendar */
    int64_t sequence;
};

/* The event, if people can be invited to it now. ERR_NOT_FOUND; ERR_STATE as
 * invite_plan. UID, SEQUENCE and `test` are the caller's to set. */
int invitation_open(struct compose *compose, struct arena *arena, const char *slug, int64_t date,
                    struct invitation_page *page, struct err *err);

/* Renders for readers of a zone and freezes with its calendar, in the arena. */
int invitation_render(const struct invitation_page *page, struct arena *arena,
                      enum language language, const char *zone, struct rendered *rendered,
                      struct frozen *frozen, struct err *err);

struct sender invitation_sender(const struct invitation_page *page);

/* ---- what other letters about an event need of it ---- */

/* Sets compose, event, list, newsletter and date. ERR_NOT_FOUND; ERR_STATE without a list or
 * if the event is cancelled. */
int invitation_find_event(struct compose *compose, const char *slug, int64_t date,
                          struct invitation_page *page, struct err *err);

/* Sets `event`: where and when page->next is. `series`: "Dates: …", NULL for none;
 * `asks`: until when one may answer, and how many seats there are. */
void invitation_set_event(struct frame *frame, const struct invitation_page *page,
                          const struct occurrence_text *text, const char *series, bool asks);

/* Sets `answer`: the links, which are slots. */
void invitation_set_answer(struct frame *frame);

/* Sets body_html and body_text. */
int invitation_set_body(struct frame *frame, const struct event_edition *edition, struct err *err);
