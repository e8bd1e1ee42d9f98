/* teataja/config/project.h - projects/<slug>.yaml: a funder's project.
 *
 * A letter or an event that a project pays for carries its visibility notice:
 * logos and a text in the letter's language. Outside the project's period, or
 * with a text missing, sending is refused by those who compose.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/base/report.h"
#include "teataja/base/schema.h"
#include "teataja/base/yaml.h"

struct project_logo {
    const struct yaml_node *node;
    const char *file;     /* path in the site; exists, at most LIMIT_LOGO */
    struct lang_text alt; /* given */
    const char *type;     /* "image/png", "image/jpeg", "image/gif", by its first bytes */
};

struct project {
    const struct yaml_node *node;
    const char *file; /* "projects/south-baltic-creative.yaml" */
    const char *slug;
    struct lang_text name;
    const char *programme;    /* NULL if none */
    const char *number;       /* NULL if none */
    struct civil from;        /* first day */
    struct civil to;          /* last day as granted */
    struct civil extended_to; /* year 0 if not extended */
    struct lang_text partner; /* whose letter this is; nothing if not given */
    struct project_logo *logos;
    size_t logo_count;
    struct lang_text notice; /* lines; may lack languages */
};

/* Reads folder/projects/<name>. As site_load. */
int project_load(struct arena *arena, const char *folder, const char *name, struct report *report,
                 struct project *out, struct err *err);

/* The last day, with its extension. */
const struct civil *project_end(const struct project *project);

/* True if the day is within the project's period. */
bool project_covers(const struct project *project, const struct civil *day);

/* "image/png" and so on by an image's first bytes; NULL if it is none of PNG,
 * JPEG, GIF. */
const char *project_image_type(const void *data, size_t len);

extern const struct schema project_schema;
