/* teataja/config/left_out.h - what of a site is not used, since a file of it is wrong.
 *
 * One bad file stops what needs it, and nothing else. Whoever only checks a site keeps all that
 * could be read; whoever sends leaves out, once everything was read into one report:
 *
 *   config_load, config_leave_out, content_load, events_load,
 *   config_leave_out again, content_leave_out, events_leave_out
 *
 * What is left out is left out whole: a call whose Polish edition is wrong goes to nobody, in no
 * language. Nobody is then told half of it, or in a language that is not theirs, and it does
 * not count as told: it comes with the next letter after it was corrected.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/report.h"

struct left_out {
    const char *folder;  /* "calls", "news", "issues", "events", "newsletters", "projects" */
    const char *slug;    /* as the file's name begins */
    const char *problem; /* the first, with its place: "calls/forum.pl.md:3:1: ..." */
};

struct left_outs {
    struct left_out *items; /* in the order they were found, each once */
    size_t count;
    size_t capacity;
};

/* NULL if it is used, or not there at all. */
const struct left_out *left_out_find(const struct left_outs *left, const char *folder,
                                     const char *slug);

/* 0, or ERR_INVALID: "calls/forum cannot be used: calls/forum.pl.md:3:1: ...". */
int left_out_check(const struct left_outs *left, const char *folder, const char *slug,
                   struct err *err);

/* Adds one for a reason that no file's error gives; an earlier one stays. ERR_NOMEM. */
int left_out_add(struct arena *arena, struct left_outs *left, const char *folder, const char *slug,
                 const char *problem, struct err *err);

/* Adds what the report's files with errors describe. ERR_INVALID with the problem if one of
 * them is of no item, as teataja.yaml and regions.yaml are: nothing can be sent then.
 * ERR_IO if the system failed to read a file, which says nothing of the file; ERR_NOMEM. */
int left_out_read(struct arena *arena, struct left_outs *left, const struct report *report,
                  struct err *err);
