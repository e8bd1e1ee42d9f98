/* route.h - the table of pages, and which of them a request is about. */
#pragma once

#include "call.h"

/* Makes an answer: 0, or negative for a page that says what is wrong. */
typedef int (*route_handler)(struct call *call, struct err *err);

struct route {
    const char *name;    /* for the log: paths hold tokens */
    const char *pattern; /* words, or "@" for any one: "/view/@" */
    route_handler get;   /* also HEAD */
    route_handler post;  /* NULL: GET and HEAD only */
    size_t body;         /* most bytes of a POST */
};

/* The route of a path below the site's prefix, with its words copied into the arena; NULL if
 * there is none (or memory is out). `words` may be NULL. */
const struct route *route_find(const char *prefix, const char *path, struct arena *arena,
                               const char **words);

/* Answers whatever was asked, and logs it. `since` is when it came (clock_ticks). */
void route_answer(struct call *call, int64_t since);

/* Opens the call's database. ERR_BUSY and the like make a page that asks to try again. */
int call_database(struct call *call, struct err *err);

/* The pages, one file each. */
int home_get(struct call *call, struct err *err);
int own_link_get(struct call *call, struct err *err);
int leave_get(struct call *call, struct err *err);
int leave_post(struct call *call, struct err *err);
int preferences_get(struct call *call, struct err *err);
int preferences_post(struct call *call, struct err *err);
int answer_get(struct call *call, struct err *err);
int answer_post(struct call *call, struct err *err);
int call_get(struct call *call, struct err *err);
int feed_get(struct call *call, struct err *err);
int event_ics_get(struct call *call, struct err *err);
int letter_get(struct call *call, struct err *err);
int archive_get(struct call *call, struct err *err);
int archive_letter_get(struct call *call, struct err *err);
int draft_get(struct call *call, struct err *err);
int draft_post(struct call *call, struct err *err);
int draft_letter_get(struct call *call, struct err *err);
int style_get(struct call *call, struct err *err);
int image_get(struct call *call, struct err *err);
int icon_get(struct call *call, struct err *err);
int picture_get(struct call *call, struct err *err);
