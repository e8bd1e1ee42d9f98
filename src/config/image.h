/* image.h - an image that a letter carries; private to config. */
#pragma once

#include <stddef.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/report.h"
#include "teataja/base/yaml.h"

/* Checks that folder/path is a PNG, JPEG or GIF of at most LIMIT_LOGO bytes, and
 * sets *type. What is wrong is reported at `key` of `node`, and *type is NULL.
 * Returns 0 in both cases, or ERR_NOMEM. */
int image_check(struct arena *arena, const char *folder, const char *path,
                const struct yaml_node *node, const char *key, struct report *report,
                const char **type, struct err *err);
