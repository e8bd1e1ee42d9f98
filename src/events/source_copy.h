/* source_copy.h - what a calendar of others held: var/sources/<name>.json, and the
 * answer of the process that read it, which has the same form. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/str.h"
#include "teataja/config/config.h"
#include "teataja/events/ical_read.h"

#define SOURCE_COPY_MAX 16777216 /* 16 MiB: a copy as JSON */
#define SOURCE_UID 500           /* most bytes of a UID */

struct source_part {
    const char *uid;
    const char *slug; /* "" in an answer */
    bool is_deadline;
    bool broken;     /* in an answer: it is there, but cannot be used; no components */
    int64_t gone_at; /* 0: it is there */
    struct ical_event *components; /* the event, and its changed occurrences */
    size_t component_count;
    char digest[33]; /* of the components */
};

struct source_copy {
    const char *etag; /* "" if none */
    const char *last_modified;
    const char *zone; /* in which times in UTC are shown; "" if the calendar does not say */
    struct source_part *parts;
    size_t count;
    const char **problems; /* in an answer */
    size_t problem_count;
};

/* Appends it as JSON. */
void source_copy_write(const struct source_copy *copy, struct str *out);

/* Reads such a JSON, trusting nothing in it: ERR_INVALID, ERR_LIMIT, ERR_NOMEM. */
int source_copy_parse(struct arena *arena, const char *text, size_t len, struct source_copy *out,
                      struct err *err);

/* The copy of a source. ERR_NOT_FOUND if there is none yet. */
int source_copy_load(struct arena *arena, const struct config *config, const char *name,
                     struct source_copy *out, struct err *err);
int source_copy_save(const struct config *config, const char *name, const struct source_copy *copy,
                     struct err *err);

/* Sets slug and digest of each part. ERR_NOMEM. */
int source_copy_settle(struct arena *arena, const char *name, struct source_copy *copy,
                       struct err *err);

/* The calendar that an event of its own would have come in. */
void source_part_calendar(const struct source_copy *copy, const struct source_part *part,
                          struct ical_calendar *out);
