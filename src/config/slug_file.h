/* src/config/slug_file.h - a file that is named for its slug: newsletters/<slug>.yaml. */
#pragma once

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/report.h"
#include "teataja/base/schema.h"

/* Reads folder/<kind>/<name> by the schema into *out, which the caller zeroed. *file
 * and *slug live in the arena. Problems go into `report`; 0 also then, if there is a
 * tree. ERR_INVALID for a name or a text that cannot be read at all, ERR_NOMEM. */
int slug_file_read(struct arena *arena, const char *folder, const char *kind, const char *name,
                   const struct schema *schema, struct report *report, void *out,
                   const char **file, const char **slug, struct err *err);
