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
