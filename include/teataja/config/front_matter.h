/* teataja/config/front_matter.h - a content file: keys in YAML, then Markdown.
 *
 *     ---                      optional
 *     title: Culture grants
 *     deadline: 2027-01-23
 *     ---
 *     Text in *Markdown*.
 *
 * With a first line '---' the head ends at the next line '---', which must be
 * there. Without one the head ends at the first line '---', and a file that has
 * no such line is all head. Spaces behind '---' do not matter.
 */
#pragma once

#include <stddef.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/base/limits.h"
#include "teataja/base/report.h"
#include "teataja/base/yaml.h"

struct front_matter {
    const char *file;             /* as in messages: relative to the site */
    const struct yaml_node *head; /* a mapping; empty if the head is */
    const char *body;             /* "" if there is none; lines end with LF */
    size_t body_len;
    int body_line; /* line of the file on which the body begins */
};

/* Splits and parses `len` bytes of text. Problems go into `report`. Returns 0,
 * also when the head has problems that leave a tree (see yaml_parse);
 * ERR_INVALID, ERR_LIMIT (the head is over LIMIT_FRONT_MATTER) or ERR_NOMEM. */
int front_matter_parse(struct arena *arena, const char *file, const char *text, size_t len,
                       struct report *report, struct front_matter *out, struct err *err);

/* Reads folder/path (at most LIMIT_FILE, UTF-8) and parses it; `path` is the
 * name in messages. A file that cannot be read is a problem in the report too. */
int front_matter_read(struct arena *arena, const char *folder, const char *path,
                      struct report *report, struct front_matter *out, struct err *err);

/* What the name of a content file says. */
struct content_name {
    char slug[LIMIT_SLUG + 1];
    enum language language; /* LANG_NONE: the site's first language */
};

/* Takes "calls/<slug>.md" or "<slug>.<lang>.md" apart; `extension` is ".md" or
 * ".ics" (which has no language editions). ERR_INVALID with a message such as
 * "'Forum 2027.md' is not <slug>.md: a slug is of a-z, 0-9 and '-'". */
int content_name_parse(const char *path, const char *extension, struct content_name *out,
                       struct err *err);
