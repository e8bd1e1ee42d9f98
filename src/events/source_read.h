/* source_read.h - a calendar of others, read: the work of the confined process. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "teataja/base/err.h"
#include "teataja/base/str.h"
#include "teataja/config/config.h"

struct source_reading {
    const struct config *config;
    const struct site_source *source;
    int64_t now;
};

/* A confine_work: `ctx` is a struct source_reading, `answer` becomes what
 * source_copy_parse reads. What cannot be used is left out and said so; an error is
 * what makes the whole calendar useless. */
int source_read(void *ctx, const char *input, size_t len, struct str *answer, struct err *err);
