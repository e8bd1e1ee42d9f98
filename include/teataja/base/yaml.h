/* teataja/base/yaml.h - a YAML file as a tree that knows where everything stands.
 *
 * The tree is immutable and lives in the arena. Every scalar is text: what it
 * means is for base/schema.h to say. Not accepted, each with its position:
 * duplicate keys, anchors, aliases, tags, directives, a second document, keys
 * that are no scalar, nesting over LIMIT_YAML_DEPTH, more than LIMIT_YAML_NODES
 * nodes, lines over LIMIT_LINE, broken UTF-8, control characters.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/report.h"

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_entry;

struct yaml_node {
    enum yaml_kind kind;
    const char *file; /* as given to yaml_parse */
    int line;         /* from 1, of the file */
    int column;       /* from 1, in characters */

    /* YAML_SCALAR */
    const char *text; /* UTF-8, NUL-terminated, without NUL bytes inside */
    size_t len;
    bool plain; /* neither quoted nor a block: "" and "~" and "null" mean nothing */

    /* YAML_SEQUENCE has items, YAML_MAPPING has entries, in the file's order. */
    size_t count;
    const struct yaml_node *const *items;
    const struct yaml_entry *entries;
};

struct yaml_entry {
    const char *key;
    int line; /* of the key */
    int column;
    const struct yaml_node *value; /* never NULL */
};

/* Parses `len` bytes of text whose first line is line `line` of `file` (1 for a
 * whole file). The file's name is copied into the arena.
 * Problems go into `report` (which may be NULL). Returns 0 when there is a tree:
 * *out is its root, an empty mapping for an empty text. A tree with a duplicate
 * key (the first counts), a tag, an anchor or an alias (an empty scalar) is still
 * returned, so that a schema can find everything else that is wrong: ask
 * report_errors. ERR_INVALID or ERR_LIMIT when there is none, with
 * "file:line:column: message" in err too; ERR_NOMEM. */
int yaml_parse(struct arena *arena, const char *file, int line, const char *text, size_t len,
               struct report *report, const struct yaml_node **out, struct err *err);

/* Reads and parses folder/path; `path` is the name used in messages. A file
 * that cannot be read is a problem in the report as well as in err. */
int yaml_read(struct arena *arena, const char *folder, const char *path, struct report *report,
              const struct yaml_node **out, struct err *err);

/* What yaml_parse demands of text before it looks at it: well-formed UTF-8, no
 * NUL, no line over LIMIT_LINE. Also for the Markdown that follows a head. Every
 * line with a fault is reported. Returns 0 or ERR_INVALID. */
int yaml_check_text(const char *file, int line, const char *text, size_t len, struct report *report,
                    struct err *err);

/* The value of a key, or NULL; NULL too if `node` is NULL or no mapping. */
const struct yaml_node *yaml_get(const struct yaml_node *node, const char *key);

/* The node at a path of keys and indexes: "location.url", "rounds.0". NULL if
 * there is none; the node itself for "". */
const struct yaml_node *yaml_find(const struct yaml_node *node, const char *path);

/* True for NULL and for a plain empty, "~" or "null" scalar: a key without a
 * value is a key that is not there. */
bool yaml_is_null(const struct yaml_node *node);

/* Adds a problem at the value that `path` (as for yaml_find) leads to, or at the
 * last thing on the way that exists. `node` may be NULL: no position.
 *     yaml_problem(report, call->node, "deadline", "the deadline lies before it opens"); */
void yaml_problem(struct report *report, const struct yaml_node *node, const char *path,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
void yaml_warning(struct report *report, const struct yaml_node *node, const char *path,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
