/* csv_source.h - the text of a table as UTF-8, a stretch at a time: an import of a million
 * members need not hold the file. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "teataja/base/err.h"
#include "teataja/base/limits.h"

/* A stretch shows at least as many bytes, unless it is the last: a whole field that is not
 * too long, all of it quotes, and the line end behind it. */
#define CSV_STRETCH ((size_t)2 * LIMIT_CSV_FIELD + 16)

struct csv_source;

struct csv_stretch {
    const char *text; /* UTF-8 without NUL; a new fill moves it */
    size_t len;
    bool last;         /* nothing follows */
    const char *fault; /* last: why nothing that follows can be read; NULL: it is the end */
};

/* From a file, or from memory that outlives the source. `charset` as in csv_options; `name`
 * for messages. The first stretch is shown. Errors as csv_open says. */
int csv_source_open(const char *path, const char *charset, struct csv_source **out,
                    struct err *err);
int csv_source_open_memory(const char *name, const void *data, size_t len, const char *charset,
                           struct csv_source **out, struct err *err);
void csv_source_close(struct csv_source *source);

/* What is to be seen now. */
const struct csv_stretch *csv_source_stretch(const struct csv_source *source);

/* Drops the first `used` bytes of the stretch and shows more. ERR_IO, or ERR_LIMIT for a
 * file that has grown too large. */
int csv_source_fill(struct csv_source *source, size_t used, struct err *err);
