/* The table walked over a mapping. */
#include "teataja/base/schema.h"

#include <stdio.h>
#include <string.h>

#include "schema_value.h"
#include "teataja/base/limits.h"
#include "teataja/base/suggest.h"

static int fill(struct schema_context *context, const struct schema *schema,
                const struct yaml_node *node, const struct yaml_entry *key, void *out);

/* The worse of two results: memory before mistakes. */
static int worse(int a, int b)
{
    return a == ERR_NOMEM || b == ERR_NOMEM ? ERR_NOMEM : a < 0 ? a : b;
}

static void *member(void *base, size_t offset)
{
    return (char *)base + offset;
}

/* Members are pointers of other types than the table knows: copied as bytes. */
static void store_pointer(void *to, const void *pointer)
{
    memcpy(to, &pointer, sizeof(pointer));
}

static int unknown_key(struct schema_context *context, const struct schema *schema,
                       const struct yaml_node *node, const struct yaml_entry *entry)
{
    struct suggest suggest;
    char names[120] = "";
    bool fits = true;

    suggest_start(&suggest, entry->key);
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_field *field = &schema->fields[i];
        size_t used = strlen(names);
        int len;

        if (field->flags & SCHEMA_IS_KEY) {
            continue;
        }
        suggest_offer(&suggest, field->key);
        len = snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "", field->key);
        fits = fits && len >= 0 && (size_t)len < sizeof(names) - used;
    }
    context->problems++;
    if (suggest.best || !fits) {
        report_add(context->report, REPORT_ERROR, node->file, entry->line, entry->column,
                   "unknown key '%s'%s", entry->key, suggest_hint(&suggest));
    } else {
        report_add(context->report, REPORT_ERROR, node->file, entry->line, entry->column,
                   "unknown key '%s'; the keys here are %s", entry->key, names);
    }
    return err_set(context->err, ERR_INVALID, "%s:%d:%d: unknown key '%s'%s", node->file,
                   entry->line, entry->column, entry->key, suggest_hint(&suggest));
}

/* In a language edition only text keys may stand. */
static int foreign_key(struct schema_context *context, const struct schema *schema,
                       const struct yaml_node *node, const struct yaml_entry *entry)
{
    char names[200] = "";

    for (size_t i = 0; i < schema->count; i++) {
        size_t used = strlen(names);

        if (schema->fields[i].flags & SCHEMA_EDITION) {
            snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "",
                     schema->fields[i].key);
        }
    }
    context->problems++;
    report_add(context->report, REPORT_ERROR, node->file, entry->line, entry->column,
               "'%s' stands once, in the file of the first language; a language edition holds "
               "only %s",
               entry->key, names);
    return err_set(context->err, ERR_INVALID, "%s:%d:%d: '%s' stands in a language edition",
                   node->file, entry->line, entry->column, entry->key);
}

static int check_keys(struct schema_context *context, const struct schema *schema,
                      const struct yaml_node *node)
{
    int worst = 0;

    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_entry *entry = &node->entries[i];
        const struct schema_field *known = NULL;

        for (size_t f = 0; f < schema->count && !known; f++) {
            const struct schema_field *field = &schema->fields[f];

            known = !(field->flags & SCHEMA_IS_KEY) && strcmp(field->key, entry->key) == 0 ? field
                                                                                           : NULL;
        }
        if (!known) {
            worst = unknown_key(context, schema, node, entry);
        } else if (context->mode == SCHEMA_TRANSLATION && !(known->flags & SCHEMA_EDITION)) {
            worst = foreign_key(context, schema, node, entry);
        }
    }
    return worst;
}

/* A value that is no mapping, taken for the mapping's main key. */
static int expand(struct schema_context *context, const struct schema *schema,
                  const struct yaml_node *value, const struct yaml_node **out)
{
    struct yaml_node *node = arena_alloc(context->arena, 1, sizeof(*node));
    struct yaml_entry *entry = arena_alloc(context->arena, 1, sizeof(*entry));

    if (!node || !entry) {
        return err_nomem(context->err);
    }
    *entry = (struct yaml_entry){
        .key = schema->shorthand, .line = value->line, .column = value->column, .value = value};
    *node = (struct yaml_node){.kind = YAML_MAPPING,
                               .file = value->file,
                               .line = value->line,
                               .column = value->column,
                               .text = "",
                               .count = 1,
                               .entries = entry};
    *out = node;
    return 0;
}

/* One struct of a sub-table. `key` is set for those that stand under a key. */
static int fill_map(struct schema_context *context, const struct schema_field *field,
                    const struct yaml_node *node, const struct yaml_entry *key, void *out)
{
    const struct yaml_node *map = node;
    bool nothing = key && yaml_is_null(node);

    if (node->kind != YAML_MAPPING && !nothing) {
        int rc;

        if (!field->sub->shorthand) {
            return schema_reject(context, field, node, "this must be a mapping of keys, not a %s",
                                 node->kind == YAML_SEQUENCE ? "list" : "single value");
        }
        rc = expand(context, field->sub, node, &map);
        if (rc < 0) {
            return rc;
        }
    }
    if (nothing) {
        struct yaml_node *empty = arena_alloc(context->arena, 1, sizeof(*empty));

        if (!empty) {
            return err_nomem(context->err);
        }
        *empty = (struct yaml_node){.kind = YAML_MAPPING,
                                    .file = node->file,
                                    .line = key->line,
                                    .column = key->column,
                                    .text = ""};
        map = empty;
    }
    return fill(context, field->sub, map, key, out);
}

static void store_array(const struct schema_field *field, void *base, void *items, size_t count)
{
    store_pointer(member(base, field->offset), items);
    memcpy(member(base, field->count_offset), &count, sizeof(count));
}

static size_t item_size(const struct schema_field *field)
{
    return field->type == SCHEMA_MAP ? field->sub->size : schema_type_size(field->type);
}

static int fill_one(struct schema_context *context, const struct schema_field *field,
                    const struct yaml_node *node, void *out)
{
    if (field->type == SCHEMA_MAP) {
        return fill_map(context, field, node, NULL, out);
    }
    if (field->type == SCHEMA_NODE) {
        store_pointer(out, node);
        return 0;
    }
    return schema_read(context, field, node, out);
}

/* Reports an item that equals an earlier one. */
static int check_unique(struct schema_context *context, const struct schema_field *field,
                        const struct yaml_node *list, size_t index)
{
    const struct yaml_node *item = list->items[index];

    if (!(field->flags & SCHEMA_UNIQUE) || item->kind != YAML_SCALAR) {
        return 0;
    }
    for (size_t i = 0; i < index; i++) {
        if (list->items[i]->kind == YAML_SCALAR && strcmp(list->items[i]->text, item->text) == 0) {
            return schema_reject(context, field, item, "'%.80s' stands twice in the list",
                                 item->text);
        }
    }
    return 0;
}

static int fill_list(struct schema_context *context, const struct schema_field *field,
                     const struct yaml_node *node, void *base)
{
    const struct yaml_node *single[1] = {node};
    struct yaml_node one = {.kind = YAML_SEQUENCE,
                            .file = node->file,
                            .line = node->line,
                            .column = node->column,
                            .count = 1,
                            .items = single};
    const struct yaml_node *list = node;
    size_t size = item_size(field), count = 0;
    char *items;
    int worst = 0;

    if (node->kind != YAML_SEQUENCE) {
        if (!(field->flags & SCHEMA_OR_ONE)) {
            return schema_reject(context, field, node, "this must be a list, such as [a, b]");
        }
        list = &one;
    }
    if (list->count > LIMIT_LIST) {
        return schema_reject(context, field, node, "the list has more than %d values", LIMIT_LIST);
    }
    if (list->count == 0) {
        return field->flags & SCHEMA_NOT_EMPTY
                   ? schema_reject(context, field, node, "the list is empty")
                   : 0;
    }
    items = arena_alloc(context->arena, list->count, size);
    if (!items) {
        return err_nomem(context->err);
    }
    for (size_t i = 0; i < list->count; i++) {
        int rc = yaml_is_null(list->items[i]) && field->type != SCHEMA_NODE
                     ? schema_reject(context, field, list->items[i], "a value of the list is empty")
                     : fill_one(context, field, list->items[i], items + count * size);

        if (rc == 0) {
            rc = check_unique(context, field, list, i);
        }
        if (rc == 0 || field->type == SCHEMA_MAP) {
            count++;
        } else {
            memset(items + count * size, 0, size);
        }
        worst = worse(worst, rc);
    }
    store_array(field, base, items, count);
    return worst;
}

static int fill_keyed(struct schema_context *context, const struct schema_field *field,
                      const struct yaml_node *node, void *base)
{
    size_t size = item_size(field);
    char *items;
    int worst = 0;

    if (node->kind != YAML_MAPPING) {
        return schema_reject(context, field, node, "this must be a mapping of names to values");
    }
    if (node->count == 0) {
        return field->flags & SCHEMA_NOT_EMPTY
                   ? schema_reject(context, field, node, "there must be one at least")
                   : 0;
    }
    items = arena_alloc(context->arena, node->count, size);
    if (!items) {
        return err_nomem(context->err);
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_entry *entry = &node->entries[i];

        worst = worse(worst, fill_map(context, field, entry->value, entry, items + i * size));
    }
    store_array(field, base, items, node->count);
    return worst;
}

/* A vocabulary: [music, design] or { music: { et: muusika }, design: }. */
static int fill_terms(struct schema_context *context, const struct schema_field *field,
                      const struct yaml_node *node, void *base)
{
    struct schema_field name = *field;
    struct schema_term *terms;
    size_t count = 0;
    int worst = 0;

    name.type = SCHEMA_BY_LANGUAGE;
    if (node->kind == YAML_SCALAR || node->count == 0) {
        return node->kind == YAML_SCALAR ? schema_reject(context, field, node, "this must be %s",
                                                         schema_type_words(SCHEMA_TERMS))
                                         : 0;
    }
    terms = arena_alloc(context->arena, node->count, sizeof(*terms));
    if (!terms) {
        return err_nomem(context->err);
    }
    for (size_t i = 0; i < node->count; i++) {
        bool keyed = node->kind == YAML_MAPPING;
        struct yaml_node key = {.kind = YAML_SCALAR, .file = node->file};
        const struct yaml_node *word = keyed ? &key : node->items[i];
        int rc;

        if (keyed) {
            key.line = node->entries[i].line;
            key.column = node->entries[i].column;
            key.text = node->entries[i].key;
            key.len = strlen(key.text);
        }
        rc = schema_read(context, field, word, &terms[count].slug);
        terms[count].node = keyed ? node->entries[i].value : word;
        if (rc == 0 && keyed && !yaml_is_null(node->entries[i].value)) {
            rc = schema_read(context, &name, node->entries[i].value, &terms[count].name);
        }
        if (rc == 0) {
            count++;
        } else {
            terms[count] = (struct schema_term){0};
        }
        worst = worse(worst, rc);
    }
    store_array(field, base, terms, count);
    return worst;
}

static int fill_value(struct schema_context *context, const struct schema_field *field,
                      const struct yaml_node *node, void *base)
{
    if (field->flags & SCHEMA_KEYED) {
        return fill_keyed(context, field, node, base);
    }
    if (field->type == SCHEMA_TERMS) {
        return fill_terms(context, field, node, base);
    }
    if (field->flags & SCHEMA_LIST) {
        return fill_list(context, field, node, base);
    }
    if (field->flags & SCHEMA_POINTER) {
        void *item = arena_alloc(context->arena, 1, field->sub->size);

        if (!item) {
            return err_nomem(context->err);
        }
        store_pointer(member(base, field->offset), item);
        return fill_map(context, field, node, NULL, item);
    }
    return fill_one(context, field, node, member(base, field->offset));
}

/* What a field holds when the file says nothing. */
static int fill_fallback(struct schema_context *context, const struct schema_field *field,
                         void *base)
{
    const struct yaml_node *node = NULL;
    int rc;

    if (field->type == SCHEMA_LANGUAGE && !(field->flags & SCHEMA_LIST)) {
        enum language none = LANG_NONE;

        memcpy(member(base, field->offset), &none, sizeof(none));
    }
    if (field->type == SCHEMA_MAP &&
        !(field->flags & (SCHEMA_LIST | SCHEMA_KEYED | SCHEMA_POINTER))) {
        return fill(context, field->sub, NULL, NULL, member(base, field->offset));
    }
    if (!field->fallback || context->mode == SCHEMA_TRANSLATION) {
        return 0;
    }
    rc = yaml_parse(context->arena, "(default)", 1, field->fallback, strlen(field->fallback),
                    context->report, &node, context->err);
    return rc < 0 ? rc : fill_value(context, field, node, base);
}

static int missing(struct schema_context *context, const struct schema_field *field,
                   const struct yaml_node *node)
{
    const struct yaml_node *value = yaml_get(node, field->key);

    context->problems++;
    if (value) {
        yaml_problem(context->report, value, "", "the value of '%s' is missing", field->key);
    } else {
        yaml_problem(context->report, node, "", "'%s' is missing", field->key);
    }
    return err_set(context->err, ERR_INVALID, "%s:%d:%d: '%s' is missing", node->file, node->line,
                   node->column, field->key);
}

/* The key under which this mapping stands. */
static int fill_key(struct schema_context *context, const struct schema_field *field,
                    const struct yaml_node *node, const struct yaml_entry *key, void *base)
{
    struct yaml_node *name;

    if (!key) {
        return 0;
    }
    name = arena_alloc(context->arena, 1, sizeof(*name));
    if (!name) {
        return err_nomem(context->err);
    }
    *name = (struct yaml_node){.kind = YAML_SCALAR,
                               .file = node->file,
                               .line = key->line,
                               .column = key->column,
                               .text = key->key,
                               .len = strlen(key->key)};
    return schema_read(context, field, name, member(base, field->offset));
}

/* Fills a struct; `node` is NULL when there are only fallbacks to be had. */
static int fill(struct schema_context *context, const struct schema *schema,
                const struct yaml_node *node, const struct yaml_entry *key, void *out)
{
    int worst = 0;

    memset(out, 0, schema->size);
    store_pointer(member(out, schema->node_offset), node);
    if (node) {
        worst = check_keys(context, schema, node);
    }
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_field *field = &schema->fields[i];
        const struct yaml_node *value = node ? yaml_get(node, field->key) : NULL;
        bool wanted = context->mode == SCHEMA_WHOLE || (field->flags & SCHEMA_EDITION);
        int rc;

        if (field->flags & SCHEMA_IS_KEY) {
            rc = node ? fill_key(context, field, node, key, out) : 0;
        } else if (!yaml_is_null(value) && wanted) {
            rc = fill_value(context, field, value, out);
        } else {
            rc = fill_fallback(context, field, out);
            if (node && wanted && (field->flags & SCHEMA_REQUIRED)) {
                rc = worse(rc, missing(context, field, node));
            }
        }
        worst = worse(worst, rc);
    }
    return worst;
}

int schema_fill(struct arena *arena, const struct schema *schema, const struct yaml_node *node,
                enum schema_mode mode, struct report *report, void *out, struct err *err)
{
    struct err own = {0};
    struct schema_context context = {
        .arena = arena, .report = report, .err = err ? err : &own, .mode = mode};
    struct schema_field root = {.key = schema->name, .type = SCHEMA_MAP, .sub = schema};
    int rc;

    memset(out, 0, schema->size);
    rc = fill_map(&context, &root, node, NULL, out);
    /* What was read after the failure may have put another message there. */
    return rc == ERR_NOMEM ? err_nomem(context.err) : rc;
}

int schema_value(struct arena *arena, const struct schema_field *field,
                 const struct yaml_node *node, struct report *report, void *out, struct err *err)
{
    struct err own = {0};
    struct schema_context context = {.arena = arena, .report = report, .err = err ? err : &own};

    if (yaml_is_null(node)) {
        return schema_reject(&context, field, node, "the value is missing");
    }
    return fill_one(&context, field, node, out);
}

bool schema_has(const struct yaml_node *node, const char *key)
{
    return !yaml_is_null(yaml_get(node, key));
}

bool schema_is_slug(const char *text, size_t len)
{
    if (len == 0 || len > LIMIT_SLUG || text[0] == '-') {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
            return false;
        }
    }
    return true;
}

const char *schema_term_name(const struct schema_term *term, enum language language,
                             enum language fallback)
{
    if (lang_text_has(&term->name, language)) {
        return term->name.text[language];
    }
    return lang_text_has(&term->name, fallback) ? term->name.text[fallback] : term->slug;
}
