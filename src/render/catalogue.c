/* catalogue.c - the frame's texts in all languages: loaded, compared, looked up. */
#include "teataja/render/catalogue.h"

#include <stdlib.h>
#include <string.h>

#include "catalogue_pattern.h"
#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/base/suggest.h"
#include "teataja/base/yaml.h"

struct text {
    const char *key;   /* call.read_more */
    const char *group; /* call */
    const char *name;  /* read_more, a part of key */
    /* What English says where the catalogue is complete: the measure of all. */
    const struct pattern *reference;
    const struct pattern *pattern[LANG_COUNT];
};

struct catalogue {
    struct arena *arena;
    struct plural_rules rules[LANG_COUNT];
    struct text *texts; /* sorted by key */
    size_t count;
    size_t capacity;
};

/* What loading hands down. */
struct loader {
    struct catalogue *catalogue;
    struct report *report;
    enum language lang;
    bool complete; /* the last folder: the one that defines */
    struct err *err;
};

static int compare_texts(const void *a, const void *b)
{
    return strcmp(((const struct text *)a)->key, ((const struct text *)b)->key);
}

static struct text *find(const struct catalogue *catalogue, const char *key)
{
    struct text wanted = {.key = key};

    if (catalogue->count == 0) {
        return NULL;
    }
    return bsearch(&wanted, catalogue->texts, catalogue->count, sizeof(*catalogue->texts),
                   compare_texts);
}

static const char *hint(const struct catalogue *catalogue, struct suggest *suggest, const char *key)
{
    suggest_start(suggest, key);
    for (size_t i = 0; i < catalogue->count; i++) {
        suggest_offer(suggest, catalogue->texts[i].key);
    }
    return suggest_hint(suggest);
}

/* --- loading ----------------------------------------------------------------- */

static const struct argument *find_argument(const struct pattern *pattern, const char *name,
                                            size_t len)
{
    for (size_t i = 0; i < pattern->count; i++) {
        const struct argument *argument = &pattern->arguments[i];
        if (argument->len == len && memcmp(argument->name, name, len) == 0) {
            return argument;
        }
    }
    return NULL;
}

/* Every text takes what the English one takes, in the same way. */
static void compare_arguments(const struct loader *loader, const struct yaml_node *node,
                              const struct text *text, const struct pattern *pattern)
{
    for (size_t i = 0; i < text->reference->count; i++) {
        const struct argument *wanted = &text->reference->arguments[i];
        const struct argument *argument = find_argument(pattern, wanted->name, wanted->len);
        if (argument == NULL) {
            yaml_problem(loader->report, node, "", "text '%s' lacks {%.*s}", text->key,
                         (int)wanted->len, wanted->name);
        } else if (argument->kind != wanted->kind) {
            yaml_problem(loader->report, node, "",
                         "text '%s' does not use {%.*s} as the English one does", text->key,
                         (int)wanted->len, wanted->name);
        }
    }
    for (size_t i = 0; i < pattern->count; i++) {
        const struct argument *argument = &pattern->arguments[i];
        if (find_argument(text->reference, argument->name, argument->len) == NULL) {
            yaml_problem(loader->report, node, "", "text '%s' does not know {%.*s}", text->key,
                         (int)argument->len, argument->name);
        }
    }
}

static int define(struct loader *loader, const char *group, const char *key)
{
    struct catalogue *catalogue = loader->catalogue;
    struct text *text;

    if (arena_grow(catalogue->arena, &catalogue->texts, &catalogue->capacity, catalogue->count,
                   sizeof(*catalogue->texts), loader->err) < 0) {
        return ERR_NOMEM;
    }
    text = &catalogue->texts[catalogue->count];
    memset(text, 0, sizeof(*text));
    text->key = key;
    text->group = group;
    text->name = key + strlen(group) + 1;
    catalogue->count++;
    return 0;
}

static int load_text(struct loader *loader, const char *key, const struct yaml_node *node)
{
    struct catalogue *catalogue = loader->catalogue;
    struct text *text = find(catalogue, key);
    struct pattern *pattern;
    struct suggest suggest;
    struct err err = {0};

    if (text == NULL) {
        yaml_problem(loader->report, node, "", "there is no text '%s'%s", key,
                     hint(catalogue, &suggest, key));
        return 0;
    }
    if (node->kind != YAML_SCALAR || node->len == 0) {
        yaml_problem(loader->report, node, "", "text '%s' is not a text", key);
        return 0;
    }
    pattern = arena_alloc(catalogue->arena, 1, sizeof(*pattern));
    if (pattern == NULL) {
        return err_nomem(loader->err);
    }
    if (pattern_compile(catalogue->arena, node->text, &catalogue->rules[loader->lang], pattern,
                        &err) < 0) {
        yaml_problem(loader->report, node, "", "text '%s': %s", key, err.msg);
        return err.code == ERR_NOMEM ? err_nomem(loader->err) : 0;
    }
    if (loader->complete && loader->lang == LANG_EN) {
        text->reference = pattern;
    } else if (text->reference != NULL) {
        compare_arguments(loader, node, text, pattern);
    }
    text->pattern[loader->lang] = pattern;
    return 0;
}

/* Calls `visit` for every text of a file: group: { name: text }. */
static int walk(struct loader *loader, const struct yaml_node *root, bool defining)
{
    for (size_t i = 0; i < root->count; i++) {
        const struct yaml_entry *group = &root->entries[i];

        if (group->value->kind != YAML_MAPPING) {
            yaml_problem(loader->report, group->value, "", "'%s' is not a group of texts",
                         group->key);
            continue;
        }
        for (size_t j = 0; j < group->value->count; j++) {
            const struct yaml_entry *entry = &group->value->entries[j];
            const char *key =
                arena_printf(loader->catalogue->arena, "%s.%s", group->key, entry->key);
            int rc;

            if (key == NULL) {
                return err_nomem(loader->err);
            }
            rc = defining ? define(loader, group->key, key) : load_text(loader, key, entry->value);
            if (rc < 0) {
                return rc;
            }
        }
    }
    return 0;
}

/* Reads <folder>/locale/<lang>.yaml; in messages it is called by the folder's
 * last name, templates/locale/<lang>.yaml. */
static int load_file(struct loader *loader, const char *folder)
{
    struct arena *arena = loader->catalogue->arena;
    const char *slash = strrchr(folder, '/');
    const char *base = slash != NULL ? slash + 1 : folder;
    const char *above =
        slash == folder ? "/" : arena_strndup(arena, folder, (size_t)(base - folder));
    const char *path = arena_printf(arena, "%s/locale/%s.yaml", base, language_tag(loader->lang));
    const struct yaml_node *root = NULL;
    int rc;

    if (slash == NULL) {
        above = ".";
    }
    if (above == NULL || path == NULL) {
        return err_nomem(loader->err);
    }
    if (!loader->complete && !file_exists(arena_printf(arena, "%s/%s", above, path))) {
        return 0;
    }
    rc = yaml_read(arena, above, path, loader->report, &root, loader->err);
    if (rc < 0) {
        return rc;
    }
    if (root->kind != YAML_MAPPING) {
        yaml_problem(loader->report, root, "", "the file has no groups of texts");
        return 0;
    }
    if (loader->complete && loader->lang == LANG_EN) {
        rc = walk(loader, root, true);
        if (rc < 0) {
            return rc;
        }
        if (loader->catalogue->count > 0) {
            qsort(loader->catalogue->texts, loader->catalogue->count,
                  sizeof(*loader->catalogue->texts), compare_texts);
        }
    }
    rc = walk(loader, root, false);
    for (size_t i = 0; rc == 0 && loader->complete && i < loader->catalogue->count; i++) {
        const struct text *text = &loader->catalogue->texts[i];
        if (text->pattern[loader->lang] == NULL) {
            yaml_problem(loader->report, root, "", "text '%s' is missing", text->key);
        }
    }
    return rc;
}

static int load_language(struct loader *loader, const char *const *folders, size_t count)
{
    int rc = plural_rules_open(language_tag(loader->lang), &loader->catalogue->rules[loader->lang],
                               loader->err);

    for (size_t i = count; rc == 0 && i > 0; i--) {
        loader->complete = i == count;
        rc = load_file(loader, folders[i - 1]);
    }
    return rc;
}

int catalogue_load(const char *const *folders, size_t count, struct report *report,
                   struct catalogue **out, struct err *err)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct report *own = NULL;
    struct catalogue *catalogue = NULL;
    size_t errors;
    int rc;

    *out = NULL;
    if (report == NULL) {
        own = report_new();
        report = own;
    }
    catalogue = arena != NULL ? arena_alloc(arena, 1, sizeof(*catalogue)) : NULL;
    if (catalogue == NULL || report == NULL) {
        arena_free(arena);
        report_free(own);
        return err_nomem(err);
    }
    catalogue->arena = arena;
    errors = report_errors(report);
    struct loader loader = {.catalogue = catalogue, .report = report, .err = err};
    loader.lang = LANG_EN; /* first: it defines what there is */
    rc = load_language(&loader, folders, count);
    for (int i = 0; rc == 0 && i < LANG_COUNT; i++) {
        loader.lang = (enum language)i;
        if (loader.lang != LANG_EN) {
            rc = load_language(&loader, folders, count);
        }
    }
    if (rc == 0 && report_errors(report) > errors) {
        rc = own != NULL ? report_check(report, err)
                         : err_set(err, ERR_INVALID, "the texts of the frame have errors");
    }
    report_free(own);
    if (rc < 0) {
        catalogue_free(catalogue);
        return rc;
    }
    *out = catalogue;
    return 0;
}

void catalogue_free(struct catalogue *catalogue)
{
    if (catalogue == NULL) {
        return;
    }
    for (size_t i = 0; i < LANG_COUNT; i++) {
        plural_rules_close(&catalogue->rules[i]);
    }
    arena_free(catalogue->arena);
}

/* --- looking up -------------------------------------------------------------- */

struct catalogue_arg catalogue_arg_text(const char *name, const char *text)
{
    return (struct catalogue_arg){name, text != NULL ? text : "", 0};
}

struct catalogue_arg catalogue_arg_number(const char *name, int64_t number)
{
    return (struct catalogue_arg){name, NULL, number};
}

static int check_args(const char *key, const struct pattern *pattern,
                      const struct catalogue_arg *args, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct argument *argument =
            find_argument(pattern, args[i].name, strlen(args[i].name));
        if (argument == NULL) {
            return err_set(err, ERR_INVALID, "text '%s' does not know {%s}", key, args[i].name);
        }
        if ((argument->kind == ARGUMENT_NUMBER && args[i].text != NULL) ||
            (argument->kind == ARGUMENT_CHOICE && args[i].text == NULL)) {
            return err_set(err, ERR_INVALID, "text '%s' needs a %s for {%s}", key,
                           argument->kind == ARGUMENT_NUMBER ? "number" : "word", args[i].name);
        }
    }
    for (size_t i = 0; i < pattern->count; i++) {
        const struct argument *argument = &pattern->arguments[i];
        bool found = false;

        for (size_t j = 0; j < count; j++) {
            found = found || (strlen(args[j].name) == argument->len &&
                              memcmp(args[j].name, argument->name, argument->len) == 0);
        }
        if (!found) {
            return err_set(err, ERR_INVALID, "text '%s' needs {%.*s}", key, (int)argument->len,
                           argument->name);
        }
    }
    return 0;
}

int catalogue_text(const struct catalogue *catalogue, enum language lang, const char *key,
                   const struct catalogue_arg *args, size_t count, struct str *out, struct err *err)
{
    const struct text *text = find(catalogue, key);
    struct suggest suggest;
    size_t before = out->len;
    int rc;

    if (text == NULL) {
        return err_set(err, ERR_NOT_FOUND, "there is no text '%s'%s", key,
                       hint(catalogue, &suggest, key));
    }
    if (lang < 0 || lang >= LANG_COUNT) {
        return err_set(err, ERR_NOT_FOUND, "text '%s' is asked for in no language", key);
    }
    rc = check_args(key, text->pattern[lang], args, count, err);
    if (rc == 0) {
        rc = pattern_write(text->pattern[lang], &catalogue->rules[lang], args, count, out, err);
    }
    if (rc == 0) {
        rc = str_check(out, err);
    }
    if (rc < 0 && out->failed == 0) {
        str_cut(out, before);
    }
    return rc;
}

const char *catalogue_word(const struct catalogue *catalogue, enum language lang, const char *key)
{
    const struct text *text = find(catalogue, key);

    if (text == NULL || lang < 0 || lang >= LANG_COUNT) {
        return NULL;
    }
    return text->pattern[lang]->plain;
}

void catalogue_words(const struct catalogue *catalogue, enum language lang, struct value *map)
{
    const char *group = "";
    struct value *words = NULL;

    if (lang < 0 || lang >= LANG_COUNT) {
        return;
    }
    for (size_t i = 0; i < catalogue->count; i++) {
        const struct text *text = &catalogue->texts[i];
        const char *plain = text->pattern[lang]->plain;

        if (strcmp(text->group, group) != 0) {
            group = text->group;
            words = value_set_map(map, group);
        }
        if (plain != NULL) {
            value_set_text(words, text->name, plain);
        }
    }
}

size_t catalogue_count(const struct catalogue *catalogue)
{
    return catalogue->count;
}

const char *catalogue_key(const struct catalogue *catalogue, size_t index)
{
    return catalogue->texts[index].key;
}
