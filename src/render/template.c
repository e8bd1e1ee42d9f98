/* template.c - sets of templates: found in folders, compiled once, kept. */
#include "teataja/render/template.h"

#include <string.h>

#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/base/suggest.h"
#include "template_code.h"

struct source {
    const char *name;
    const char *text;
    struct source *next;
};

struct template_set {
    struct arena *arena;
    const char **folders;
    size_t count;
    enum template_mode mode;
    struct source *sources; /* given by template_set_add */
    struct template *templates;
};

struct template_set *template_set_new(const char *const *folders, size_t count,
                                      enum template_mode mode)
{
    struct template_set *set = NULL;
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);

    if (arena == NULL) {
        return NULL;
    }
    set = arena_alloc(arena, 1, sizeof(*set));
    if (set == NULL) {
        goto fail;
    }
    set->arena = arena;
    set->mode = mode;
    set->count = count;
    set->folders = arena_alloc(arena, count + 1, sizeof(*set->folders));
    if (set->folders == NULL) {
        goto fail;
    }
    for (size_t i = 0; i < count; i++) {
        set->folders[i] = arena_strdup(arena, folders[i]);
        if (set->folders[i] == NULL) {
            goto fail;
        }
    }
    return set;
fail:
    arena_free(arena);
    return NULL;
}

void template_set_free(struct template_set *set)
{
    if (set != NULL) {
        arena_free(set->arena);
    }
}

int template_set_add(struct template_set *set, const char *name, const char *text, struct err *err)
{
    struct source *source = arena_alloc(set->arena, 1, sizeof(*source));

    if (source == NULL) {
        return err_nomem(err);
    }
    source->name = arena_strdup(set->arena, name);
    source->text = arena_strdup(set->arena, text);
    if (source->name == NULL || source->text == NULL) {
        return err_nomem(err);
    }
    source->next = set->sources;
    set->sources = source;
    return 0;
}

static bool name_is_sound(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_-./";

    return name[0] != '\0' && name[0] != '/' && strspn(name, allowed) == strlen(name) &&
           strstr(name, "..") == NULL && strstr(name, "//") == NULL;
}

/* The text of a template: *text is NULL if there is none of that name. */
static int read_source(struct template_set *set, const char *name, const char **text, size_t *len,
                       struct err *err)
{
    *text = NULL;
    for (const struct source *source = set->sources; source != NULL; source = source->next) {
        if (strcmp(source->name, name) == 0) {
            *text = source->text;
            *len = strlen(source->text);
            return 0;
        }
    }
    for (size_t i = 0; i < set->count; i++) {
        char *path = arena_printf(set->arena, "%s/%s.mustache", set->folders[i], name);
        char *content = NULL;
        int rc;

        if (path == NULL) {
            return err_nomem(err);
        }
        if (!file_exists(path)) {
            continue;
        }
        rc = file_read_text(set->arena, path, LIMIT_TEXT, &content, len, err);
        *text = content;
        return rc;
    }
    return 0;
}

/* What exists beside a template that is missing, for the hint. */
static int no_template(struct template_set *set, const char *name, struct err *err)
{
    struct suggest suggest;
    const char *slash = strrchr(name, '/');
    const char *base = slash != NULL ? slash + 1 : name;

    suggest_start(&suggest, base);
    for (size_t i = 0; i < set->count; i++) {
        char **names = NULL;
        size_t count = 0;
        char *folder =
            arena_printf(set->arena, "%s/%.*s", set->folders[i], (int)(base - name), name);

        if (folder == NULL || file_list(set->arena, folder, &names, &count, NULL) < 0) {
            continue;
        }
        for (size_t j = 0; j < count; j++) {
            char *end = strstr(names[j], ".mustache");
            if (end != NULL) {
                *end = '\0';
                suggest_offer(&suggest, names[j]);
            }
        }
    }
    return err_set(err, ERR_NOT_FOUND, "no template '%s'%s", name, suggest_hint(&suggest));
}

/* calls -> mail/calls.html, for a partial in mail/letter.html. */
static const char *partial_name(struct template_set *set, const struct template *in,
                                const struct code *code)
{
    const char *slash = strrchr(in->name, '/');
    const char *dot = strrchr(slash != NULL ? slash : in->name, '.');
    int folder = slash != NULL ? (int)(slash - in->name) + 1 : 0;

    if (memchr(code->text, '/', code->len) != NULL) {
        folder = 0;
    }
    return arena_printf(set->arena, "%.*s%.*s%s", folder, in->name, (int)code->len, code->text,
                        dot != NULL ? dot : "");
}

static int load(struct template_set *set, const char *name, int depth, struct template **out,
                struct err *err);

static int load_partials(struct template_set *set, struct template *template, int depth,
                         struct err *err)
{
    for (size_t i = 0; i < template->count; i++) {
        struct code *code = &template->code[i];
        struct template *partial = NULL;
        const char *name;
        int rc;

        if (code->op != CODE_PARTIAL) {
            continue;
        }
        name = partial_name(set, template, code);
        if (name == NULL) {
            return err_nomem(err);
        }
        if (!name_is_sound(name)) {
            return err_set(err, ERR_INVALID, "%s:%d: '%.*s' is not a template's name",
                           template->file, code->line, (int)code->len, code->text);
        }
        rc = load(set, name, depth + 1, &partial, err);
        if (rc == ERR_NOT_FOUND) {
            if (set->mode == TEMPLATE_LENIENT) {
                err_clear(err);
                continue;
            }
            err_prefix(err, "%s:%d", template->file, code->line);
            err->code = ERR_INVALID;
            return ERR_INVALID;
        }
        if (rc < 0) {
            return rc;
        }
        code->partial = partial;
    }
    return 0;
}

static int load(struct template_set *set, const char *name, int depth, struct template **out,
                struct err *err)
{
    struct template *template;
    const char *text = NULL;
    size_t len = 0;
    size_t name_len = strlen(name);
    int rc;

    for (template = set->templates; template != NULL; template = template->next) {
        if (strcmp(template->name, name) == 0) {
            *out = template;
            return 0;
        }
    }
    if (!name_is_sound(name)) {
        return err_set(err, ERR_INVALID, "'%s' is not a template's name", name);
    }
    if (depth > LIMIT_TEMPLATE_DEPTH) {
        return err_set(err, ERR_LIMIT, "%s.mustache: partials nest deeper than %d", name,
                       LIMIT_TEMPLATE_DEPTH);
    }
    rc = read_source(set, name, &text, &len, err);
    if (rc < 0) {
        return rc;
    }
    if (text == NULL) {
        return no_template(set, name, err);
    }
    template = arena_alloc(set->arena, 1, sizeof(*template));
    if (template == NULL) {
        return err_nomem(err);
    }
    template->name = arena_strdup(set->arena, name);
    template->file = arena_printf(set->arena, "%s.mustache", name);
    if (template->name == NULL || template->file == NULL) {
        return err_nomem(err);
    }
    template->html = name_len > 5 && strcmp(name + name_len - 5, ".html") == 0;
    template->strict = set->mode == TEMPLATE_STRICT;
    /* In the list before its partials are loaded: it may be one of them. */
    template->next = set->templates;
    set->templates = template;
    *out = template;
    rc = template_compile(set->arena, template, text, len, err);
    return rc < 0 ? rc : load_partials(set, template, depth, err);
}

/* A partial outside every section that leads back to its template never ends. */
static int check_recursion(struct template *template, struct err *err)
{
    template->check = CHECK_UNDERWAY;
    for (size_t i = 0; i < template->count; i++) {
        const struct code *code = &template->code[i];
        struct template *partial = code->partial;

        if (code->op != CODE_PARTIAL || partial == NULL || partial->check == CHECK_DONE) {
            continue;
        }
        if (code->always && partial->check == CHECK_UNDERWAY) {
            return err_set(err, ERR_INVALID, "%s:%d: partial '%.*s' contains itself without end",
                           template->file, code->line, (int)code->len, code->text);
        }
        if (code->always) {
            int rc = check_recursion(partial, err);
            if (rc < 0) {
                return rc;
            }
        }
    }
    template->check = CHECK_DONE;
    return 0;
}

int template_find(struct template_set *set, const char *name, const struct template **out,
                  struct err *err)
{
    struct template *kept = set->templates;
    struct template *template = NULL;
    struct err local = {0};
    struct err *told = err != NULL ? err : &local;
    int rc = load(set, name, 0, &template, told);

    for (struct template *t = set->templates; rc == 0 && t != kept; t = t->next) {
        if (t->check == CHECK_NONE) {
            rc = check_recursion(t, told);
        }
    }
    if (rc < 0) {
        set->templates = kept; /* nothing half done is found again */
        return rc;
    }
    *out = template;
    return 0;
}
