/* libyaml's events made into a tree of our own.
 *
 * Events, not libyaml's document: nesting, nodes and aliases are refused where
 * they begin, before anything is built of them.
 */
#include "teataja/base/yaml.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/base/utf8.h"

/* A collection that is being read. */
struct frame {
    struct yaml_node *node;
    const struct yaml_node **items;
    struct yaml_entry *entries;
    size_t capacity;
    bool has_key; /* a mapping's key was read, its value comes next */
    struct yaml_entry entry;
};

struct reading {
    struct arena *arena;
    struct report *report;
    struct err *err;
    const char *file;
    const char *text;
    size_t len;
    int line;
    struct frame stack[LIMIT_YAML_DEPTH];
    size_t depth;
    size_t nodes;
    size_t documents;
    const struct yaml_node *root;
};

static int line_of(const struct reading *reading, yaml_mark_t mark)
{
    return reading->line + (int)mark.line;
}

static int column_of(yaml_mark_t mark)
{
    return (int)mark.column + 1;
}

/* Adds a problem and makes it the error as well; returns `code`. */
static int problem_at(struct reading *reading, int code, int line, int column, const char *format,
                      ...) __attribute__((format(printf, 5, 6)));

static int problem_at(struct reading *reading, int code, int line, int column, const char *format,
                      ...)
{
    char message[512];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    report_add(reading->report, REPORT_ERROR, reading->file, line, column, "%s", message);
    return err_set(reading->err, code, "%s:%d:%d: %s", reading->file, line, column, message);
}

/* What is to be done about it, for mistakes that libyaml names in its own terms. */
static const char *advice(const char *problem)
{
    static const struct {
        const char *part;
        const char *advice;
    } table[] = {
        {"mapping values are not allowed", ": a value that holds ': ' needs quotes"},
        {"cannot start any token", ": indent with spaces, and put a value that starts with one of "
                                   "@ ` % & * ! | > { [ in quotes"},
        {"tab character", ": indent with spaces"},
        {"could not find expected ':'", ": a key needs ': ' behind it"},
        {"did not find expected key", ": is the line indented like the keys above it?"},
        {"unexpected end of stream", ": a quote is not closed"},
        {"did not find expected ',' or", ": a bracket is not closed, or a comma is missing"},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strstr(problem, table[i].part)) {
            return table[i].advice;
        }
    }
    return "";
}

static int syntax_error(struct reading *reading, const yaml_parser_t *parser)
{
    const char *problem = parser->problem ? parser->problem : "cannot be read";

    if (parser->error == YAML_MEMORY_ERROR) {
        return err_nomem(reading->err);
    }
    if (parser->error == YAML_READER_ERROR) {
        int line = reading->line, column = 1;

        for (size_t at = 0; at < parser->problem_offset && at < reading->len;) {
            bool feed = reading->text[at] == '\n';

            utf8_next(reading->text, reading->len, &at);
            line += feed;
            column = feed ? 1 : column + 1;
        }
        return problem_at(reading, ERR_INVALID, line, column, "not YAML: %s", problem);
    }
    return problem_at(reading, ERR_INVALID, line_of(reading, parser->problem_mark),
                      column_of(parser->problem_mark), "not YAML: %s%s", problem, advice(problem));
}

static struct yaml_node *new_node(struct reading *reading, enum yaml_kind kind, yaml_mark_t mark)
{
    struct yaml_node *node;

    if (++reading->nodes > LIMIT_YAML_NODES) {
        problem_at(reading, ERR_LIMIT, line_of(reading, mark), column_of(mark),
                   "the file has more than %d values", LIMIT_YAML_NODES);
        return NULL;
    }
    node = arena_alloc(reading->arena, 1, sizeof(*node));
    if (!node) {
        err_nomem(reading->err);
        return NULL;
    }
    node->kind = kind;
    node->file = reading->file;
    node->line = line_of(reading, mark);
    node->column = column_of(mark);
    node->text = "";
    return node;
}

/* Puts a finished or opened node where it belongs. */
static int attach(struct reading *reading, struct yaml_node *node)
{
    struct frame *frame = reading->depth > 0 ? &reading->stack[reading->depth - 1] : NULL;
    int rc;

    if (!frame) {
        reading->root = node;
        return 0;
    }
    if (frame->node->kind == YAML_SEQUENCE) {
        rc = arena_grow(reading->arena, &frame->items, &frame->capacity, frame->node->count,
                        sizeof(const struct yaml_node *), reading->err);
        if (rc < 0) {
            return rc;
        }
        frame->items[frame->node->count++] = node;
        return 0;
    }
    if (!frame->has_key) {
        if (node->kind != YAML_SCALAR) {
            return problem_at(reading, ERR_INVALID, node->line, node->column,
                              "a key must be a word, not a %s; a value that starts with '%c' needs "
                              "quotes",
                              node->kind == YAML_SEQUENCE ? "list" : "mapping",
                              node->kind == YAML_SEQUENCE ? '[' : '{');
        }
        frame->entry =
            (struct yaml_entry){.key = node->text, .line = node->line, .column = node->column};
        frame->has_key = true;
        return 0;
    }
    rc = arena_grow(reading->arena, &frame->entries, &frame->capacity, frame->node->count,
                    sizeof(struct yaml_entry), reading->err);
    if (rc < 0) {
        return rc;
    }
    frame->entry.value = node;
    frame->entries[frame->node->count++] = frame->entry;
    frame->has_key = false;
    return 0;
}

/* Anchors and tags are refused; reading goes on without them. */
static void refuse(struct reading *reading, yaml_mark_t mark, const yaml_char_t *anchor,
                   const yaml_char_t *tag)
{
    if (anchor) {
        problem_at(reading, ERR_INVALID, line_of(reading, mark), column_of(mark),
                   "anchors are not allowed ('&%s'); a value that starts with '&' needs quotes",
                   (const char *)anchor);
    }
    if (tag) {
        problem_at(reading, ERR_INVALID, line_of(reading, mark), column_of(mark),
                   "tags are not allowed ('%s'); a value that starts with '!' needs quotes",
                   (const char *)tag);
    }
}

static int on_scalar(struct reading *reading, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    struct yaml_node *node = new_node(reading, YAML_SCALAR, event->start_mark);

    if (!node) {
        return ERR_NOMEM;
    }
    refuse(reading, event->start_mark, event->data.scalar.anchor, event->data.scalar.tag);
    if (memchr(text, '\0', len)) {
        problem_at(reading, ERR_INVALID, node->line, node->column, "the value holds a NUL");
        len = strlen(text);
    }
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->len = len;
    node->text = arena_strndup(reading->arena, text, len);
    return node->text ? attach(reading, node) : err_nomem(reading->err);
}

static int on_alias(struct reading *reading, const yaml_event_t *event)
{
    struct yaml_node *node = new_node(reading, YAML_SCALAR, event->start_mark);

    if (!node) {
        return ERR_NOMEM;
    }
    problem_at(reading, ERR_INVALID, node->line, node->column,
               "aliases are not allowed ('*%s'); a value that starts with '*' needs quotes",
               (const char *)event->data.alias.anchor);
    node->plain = true;
    return attach(reading, node);
}

static int on_start(struct reading *reading, enum yaml_kind kind, const yaml_event_t *event)
{
    struct yaml_node *node = new_node(reading, kind, event->start_mark);
    int rc;

    if (!node) {
        return ERR_NOMEM;
    }
    if (kind == YAML_SEQUENCE) {
        refuse(reading, event->start_mark, event->data.sequence_start.anchor,
               event->data.sequence_start.tag);
    } else {
        refuse(reading, event->start_mark, event->data.mapping_start.anchor,
               event->data.mapping_start.tag);
    }
    if (reading->depth == LIMIT_YAML_DEPTH) {
        return problem_at(reading, ERR_LIMIT, node->line, node->column,
                          "lists and mappings are nested more than %d deep", LIMIT_YAML_DEPTH);
    }
    rc = attach(reading, node);
    if (rc < 0) {
        return rc;
    }
    reading->stack[reading->depth++] = (struct frame){.node = node};
    return 0;
}

/* By key, then by place, so that of two equal keys the first comes first. */
static int compare_entries(const void *a, const void *b)
{
    const struct yaml_entry *left = *(const struct yaml_entry *const *)a;
    const struct yaml_entry *right = *(const struct yaml_entry *const *)b;
    int order = strcmp(left->key, right->key);

    return order ? order : (left > right) - (left < right);
}

/* Reports keys that stand twice and keeps the first of each. Sorting, because a
 * mapping may have 100,000 keys. */
static int drop_duplicates(struct reading *reading, struct frame *frame)
{
    size_t count = frame->node->count, kept = 0;
    struct yaml_entry **sorted;

    if (count < 2) {
        return 0;
    }
    sorted = arena_alloc(reading->arena, count, sizeof(struct yaml_entry *));
    if (!sorted) {
        return err_nomem(reading->err);
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &frame->entries[i];
    }
    qsort(sorted, count, sizeof(struct yaml_entry *), compare_entries);
    for (size_t i = 1, first = 0; i < count; i++) {
        if (strcmp(sorted[first]->key, sorted[i]->key) != 0) {
            first = i;
            continue;
        }
        problem_at(reading, ERR_INVALID, sorted[i]->line, sorted[i]->column,
                   "the key '%s' stands twice; it is on line %d already", sorted[i]->key,
                   sorted[first]->line);
        sorted[i]->value = NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (frame->entries[i].value) {
            frame->entries[kept++] = frame->entries[i];
        }
    }
    frame->node->count = kept;
    return 0;
}

static int on_end(struct reading *reading)
{
    struct frame *frame;

    /* libyaml ends only what began. */
    if (reading->depth == 0 || !reading->stack[reading->depth - 1].node) {
        return 0;
    }
    frame = &reading->stack[--reading->depth];
    frame->node->items = frame->items;
    frame->node->entries = frame->entries;
    return frame->node->kind == YAML_MAPPING ? drop_duplicates(reading, frame) : 0;
}

static int on_document(struct reading *reading, const yaml_event_t *event)
{
    if (event->data.document_start.version_directive ||
        event->data.document_start.tag_directives.start !=
            event->data.document_start.tag_directives.end) {
        problem_at(reading, ERR_INVALID, line_of(reading, event->start_mark),
                   column_of(event->start_mark), "'%%' directives are not allowed");
    }
    if (++reading->documents > 1) {
        return problem_at(reading, ERR_INVALID, line_of(reading, event->start_mark),
                          column_of(event->start_mark),
                          "a second document begins here; a file holds one");
    }
    return 0;
}

static int on_event(struct reading *reading, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return on_document(reading, event);
    case YAML_SCALAR_EVENT:
        return on_scalar(reading, event);
    case YAML_ALIAS_EVENT:
        return on_alias(reading, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_start(reading, YAML_SEQUENCE, event);
    case YAML_MAPPING_START_EVENT:
        return on_start(reading, YAML_MAPPING, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_end(reading);
    default:
        return 0;
    }
}

static int read_events(struct reading *reading, yaml_parser_t *parser)
{
    bool end = false;

    while (!end) {
        yaml_event_t event;
        int rc;

        if (!yaml_parser_parse(parser, &event)) {
            return syntax_error(reading, parser);
        }
        end = event.type == YAML_STREAM_END_EVENT;
        rc = on_event(reading, &event);
        yaml_event_delete(&event);
        if (rc < 0) {
            return reading->err->code;
        }
    }
    return 0;
}

int yaml_parse(struct arena *arena, const char *file, int line, const char *text, size_t len,
               struct report *report, const struct yaml_node **out, struct err *err)
{
    struct err own = {0};
    struct reading reading = {.arena = arena,
                              .report = report,
                              .err = err ? err : &own,
                              .text = text,
                              .len = len,
                              .line = line};
    yaml_parser_t parser;
    yaml_mark_t start = {0};
    int rc;

    *out = NULL;
    reading.file = arena_strdup(arena, file);
    if (!reading.file || !yaml_parser_initialize(&parser)) {
        return err_nomem(err);
    }
    rc = yaml_check_text(file, line, text, len, report, err);
    if (rc < 0) {
        goto out;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    rc = read_events(&reading, &parser);
    if (rc < 0) {
        goto out;
    }
    if (!reading.root) {
        reading.root = new_node(&reading, YAML_MAPPING, start);
    }
    rc = reading.root ? 0 : ERR_NOMEM;
    if (rc == 0) {
        err_clear(reading.err);
        *out = reading.root;
    }
out:
    yaml_parser_delete(&parser);
    return rc;
}

static int text_fault(const char *file, int line, int column, struct report *report,
                      struct err *err, const char *message)
{
    report_add(report, REPORT_ERROR, file, line, column, "%s", message);
    return err_set(err, ERR_INVALID, "%s:%d:%d: %s", file, line, column, message);
}

int yaml_check_text(const char *file, int line, const char *text, size_t len, struct report *report,
                    struct err *err)
{
    int rc = 0;

    for (size_t start = 0; start < len; line++) {
        const char *feed = memchr(text + start, '\n', len - start);
        size_t end = feed ? (size_t)(feed - text) : len, bad = 0;
        const char *row = text + start;
        const char *nul = memchr(row, '\0', end - start);

        if (end - start > LIMIT_LINE) {
            char message[80];

            snprintf(message, sizeof(message), "the line is longer than %d bytes", LIMIT_LINE);
            rc = text_fault(file, line, 1, report, err, message);
        } else if (!utf8_is_valid(row, end - start, &bad)) {
            rc = text_fault(file, line, (int)utf8_length(row, bad) + 1, report, err,
                            "broken UTF-8; save the file as UTF-8");
        } else if (nul) {
            rc = text_fault(file, line, (int)utf8_length(row, (size_t)(nul - row)) + 1, report, err,
                            "the file holds a NUL byte");
        }
        start = end + 1;
    }
    return rc;
}

int yaml_read(struct arena *arena, const char *folder, const char *path, struct report *report,
              const struct yaml_node **out, struct err *err)
{
    char *text = NULL;
    size_t len = 0;
    int rc;

    *out = NULL;
    rc = file_read_site(arena, folder, path, LIMIT_FILE, report, &text, &len, err);
    return rc < 0 ? rc : yaml_parse(arena, path, 1, text, len, report, out, err);
}

const struct yaml_node *yaml_get(const struct yaml_node *node, const char *key)
{
    if (!node || node->kind != YAML_MAPPING) {
        return NULL;
    }
    for (size_t i = 0; i < node->count; i++) {
        if (strcmp(node->entries[i].key, key) == 0) {
            return node->entries[i].value;
        }
    }
    return NULL;
}

/* One step of a path: `len` bytes of a key or an index. */
static const struct yaml_node *step(const struct yaml_node *node, const char *name, size_t len)
{
    size_t index = 0;

    if (node->kind == YAML_MAPPING) {
        for (size_t i = 0; i < node->count; i++) {
            if (strncmp(node->entries[i].key, name, len) == 0 && !node->entries[i].key[len]) {
                return node->entries[i].value;
            }
        }
        return NULL;
    }
    if (node->kind != YAML_SEQUENCE || len == 0 || len > 9) {
        return NULL;
    }
    for (size_t i = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9') {
            return NULL;
        }
        index = index * 10 + (size_t)(name[i] - '0');
    }
    return index < node->count ? node->items[index] : NULL;
}

/* Follows a path as far as it goes; *whole says whether that was to its end. */
static const struct yaml_node *follow(const struct yaml_node *node, const char *path, bool *whole)
{
    *whole = node != NULL;
    while (node && path && *path) {
        size_t len = strcspn(path, ".");
        const struct yaml_node *next = step(node, path, len);

        if (!next) {
            *whole = false;
            return node;
        }
        node = next;
        path += len;
        path += *path == '.';
    }
    return node;
}

const struct yaml_node *yaml_find(const struct yaml_node *node, const char *path)
{
    bool whole;
    const struct yaml_node *found = follow(node, path, &whole);

    return whole ? found : NULL;
}

bool yaml_is_null(const struct yaml_node *node)
{
    return !node ||
           (node->kind == YAML_SCALAR && node->plain &&
            (node->len == 0 || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0));
}

static void add_problem(struct report *report, enum report_severity severity,
                        const struct yaml_node *node, const char *path, const char *format,
                        va_list args) __attribute__((format(printf, 5, 0)));

static void add_problem(struct report *report, enum report_severity severity,
                        const struct yaml_node *node, const char *path, const char *format,
                        va_list args)
{
    bool whole;
    const struct yaml_node *at = follow(node, path, &whole);
    char message[1024];

    vsnprintf(message, sizeof(message), format, args);
    report_add(report, severity, at ? at->file : "", at ? at->line : 0, at ? at->column : 0, "%s",
               message);
}

void yaml_problem(struct report *report, const struct yaml_node *node, const char *path,
                  const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_problem(report, REPORT_ERROR, node, path, format, args);
    va_end(args);
}

void yaml_warning(struct report *report, const struct yaml_node *node, const char *path,
                  const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_problem(report, REPORT_WARNING, node, path, format, args);
    va_end(args);
}
