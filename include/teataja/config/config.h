/* teataja/config/config.h - all configuration of a site, loaded and cross-checked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/report.h"
#include "teataja/base/str.h"
#include "teataja/config/left_out.h"
#include "teataja/config/newsletter.h"
#include "teataja/config/project.h"
#include "teataja/config/region.h"
#include "teataja/config/site.h"

struct config {
    const char *folder; /* of the site, as given */
    struct site site;
    struct newsletter *newsletters; /* by slug */
    size_t newsletter_count;
    struct project *projects; /* by slug */
    size_t project_count;
    struct regions regions;
    struct left_outs left; /* what is not used; empty unless config_leave_out was called */
    bool is_settled;       /* it was: newsletters and projects are pointed at from now on */
};

/* Loads teataja.yaml, newsletters/, projects/ and regions.yaml, each of which
 * may be wrong in many places: all is reported at once. Cross-checks that lists,
 * projects and languages that are named exist, and that images do. The arena
 * must outlive *out. Returns 0; ERR_INVALID with the first problem in err (the
 * rest is in `report`, which may be NULL); ERR_NOT_FOUND if `folder` has no
 * teataja.yaml; ERR_NOMEM. After ERR_INVALID *out holds what was right, so that
 * content can be checked in the same run. */
int config_load(struct arena *arena, const char *folder, struct report *report, struct config *out,
                struct err *err);

/* Leaves out what a file with an error in `report` describes (left_out.h): its newsletters and
 * projects are in *config no more, nor newsletters that such a project pays for. To be called
 * before content is loaded, and again behind it, for config->left: then newsletters stay, whose
 * introductions may be wrong. Errors as left_out_read. */
int config_leave_out(struct arena *arena, struct config *config, const struct report *report,
                     struct err *err);

/* NULL if there is none. */
const struct newsletter *config_newsletter(const struct config *config, const char *slug);
const struct project *config_project(const struct config *config, const char *slug);

/* Checks that `count` slugs name projects, and reports each that does not at
 * `key` of `node`: "no project 'south'; did you mean 'south-baltic'?". Returns how
 * many did not. For everything that has funded_by. */
size_t config_check_projects(const struct config *config, const char *const *slugs, size_t count,
                             const struct yaml_node *node, const char *key, struct report *report);

/* A path of the configuration as one that can be opened: absolute as it is,
 * else below the site's folder. In the arena; NULL when out of memory. */
char *config_path(struct arena *arena, const struct config *config, const char *path);

/* Reads what a "file:PATH" or "env:NAME" reference leads to, without white space
 * at its end, at most 4096 bytes and not empty. ERR_NOT_FOUND, ERR_DENIED
 * (the file's mode lets others in, or its group write), ERR_IO. No message shows
 * the secret. */
int config_secret(struct arena *arena, const struct config *config, const char *reference,
                  char **out, struct err *err);

/* Appends the commented sample of a configuration file ("teataja.yaml",
 * "newsletters", "projects", "regions.yaml"), or ERR_NOT_FOUND. */
int config_sample(const char *which, bool all, struct str *out, struct err *err);

/* Appends the manual's tables of all configuration files. */
void config_manual(enum schema_format format, struct str *out);
