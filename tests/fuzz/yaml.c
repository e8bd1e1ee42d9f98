/* YAML: a tree within its bounds, each node at a place that the text has. */
#include "fuzz.h"

#include "teataja/base/limits.h"
#include "teataja/base/yaml.h"

struct bounds {
    int lines;
    size_t nodes;
};

static void check_node(const struct yaml_node *node, int depth, struct bounds *bounds)
{
    FUZZ_CHECK(++bounds->nodes <= LIMIT_YAML_NODES);
    FUZZ_CHECK(depth <= LIMIT_YAML_DEPTH + 1);
    FUZZ_CHECK(node->line >= 1 && node->line <= bounds->lines + 1 && node->column >= 1);
    FUZZ_CHECK(strcmp(node->file, "x.yaml") == 0);
    if (node->kind == YAML_SCALAR) {
        FUZZ_CHECK(strlen(node->text) == node->len);
        FUZZ_CHECK(utf8_is_valid(node->text, node->len, NULL));
    } else if (node->kind == YAML_SEQUENCE) {
        for (size_t i = 0; i < node->count; i++) {
            check_node(node->items[i], depth + 1, bounds);
        }
    } else {
        for (size_t i = 0; i < node->count; i++) {
            const struct yaml_entry *entry = &node->entries[i];

            FUZZ_CHECK(entry->line >= 1 && entry->line <= bounds->lines + 1 && entry->column >= 1);
            FUZZ_CHECK(yaml_get(node, entry->key) == entry->value);
            check_node(entry->value, depth + 1, bounds);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct report *report = report_new();
    const struct yaml_node *root = NULL;
    struct bounds bounds = {0};
    struct err err = {0};
    int rc = yaml_parse(arena, "x.yaml", 1, (const char *)data, size, report, &root, &err);

    bounds.lines = fuzz_lines((const char *)data, size);
    if (rc == 0) {
        check_node(root, 0, &bounds);
    } else {
        FUZZ_CHECK(rc == ERR_INVALID || rc == ERR_LIMIT);
        FUZZ_CHECK(report_errors(report) > 0);
        fuzz_check_error(rc, &err);
    }
    fuzz_check_report(report, (const char *)data, size);
    report_free(report);
    arena_free(arena);
    return 0;
}
