#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/base/suggest.h"
#include "teataja/calendar/zone.h"
#include "teataja/config/front_matter.h"

/* A folder while it is read. */
struct folder {
    struct load *load;
    const struct load_kind *kind;
    char **names;
    size_t name_count;
    char *items; /* of kind->size each */
    size_t count;
};

static struct item *item_at(const struct folder *folder, size_t index)
{
    return (struct item *)(void *)(folder->items + index * folder->kind->size);
}

static int compare_items(const void *a, const void *b)
{
    return strcmp(((const struct item *)a)->slug, ((const struct item *)b)->slug);
}

static struct item *find_item(const struct folder *folder, const char *slug)
{
    const struct item key = {.slug = slug};

    return bsearch(&key, folder->items, folder->count, folder->kind->size, compare_items);
}

static bool is_markdown(const char *name)
{
    size_t len = strlen(name);

    return len > 3 && strcmp(name + len - 3, ".md") == 0;
}

/* The head of one file into `facts`, its texts and body into *out. Returns 1 if
 * there is anything, 0 if the file cannot be used, or a negative code. */
static int read_file(struct folder *folder, const char *path, enum schema_mode mode, void *facts,
                     struct edition *out)
{
    struct load *load = folder->load;
    struct front_matter matter;
    int rc = front_matter_read(load->arena, load->config->folder, path, load->report, &matter,
                               load->err);

    if (rc == 0) {
        rc = schema_fill(load->arena, folder->kind->schema, matter.head, mode, load->report, facts,
                         load->err);
        if (rc == 0 || rc == ERR_INVALID) {
            out->node = matter.head;
            out->file = matter.file;
            out->body = matter.body;
            out->body_len = matter.body_len;
            out->body_line = matter.body_line;
            folder->kind->texts(facts, out);
            return 1;
        }
    }
    return rc == ERR_NOMEM ? rc : 0;
}

/* Markdown is checked now and parsed again when it is needed: letters use few of
 * the items that a site has. */
static int check_body(struct load *load, const struct item *item, const struct edition *edition)
{
    struct arena_mark mark = arena_mark(load->arena);
    struct markdown *document;
    int rc = item_body(load->arena, item, edition, load->report, &document, load->err);

    arena_rewind(load->arena, mark);
    return rc == ERR_NOMEM ? rc : 0;
}

static int add_first(struct folder *folder, const char *path, const struct content_name *name)
{
    struct load *load = folder->load;
    struct item *item = item_at(folder, folder->count);
    struct edition *edition = arena_alloc(load->arena, 1, sizeof(*edition));
    int rc;

    if (!edition) {
        return err_nomem(load->err);
    }
    rc = read_file(folder, path, SCHEMA_WHOLE, item, edition);
    if (rc < 0) {
        return rc;
    }
    /* A file that cannot be read keeps its place until `finish`, so that its
     * editions are not said to have none. */
    item->kind = folder->kind->kind;
    item->slug = arena_strdup(load->arena, name->slug);
    item->file = arena_strdup(load->arena, path);
    item->language =
        load->config->site.language_count > 0 ? load->config->site.languages[0] : LANG_EN;
    edition->language = item->language;
    item->editions[item->language] = rc == 1 ? edition : NULL;
    folder->count++;
    if (!item->slug || !item->file) {
        return err_nomem(load->err);
    }
    return rc == 1 ? check_body(load, item, edition) : 0;
}

/* A text of the first edition stands in for one that does not depend on language. */
static void inherit(struct edition *edition, const struct edition *first)
{
    edition->funder = edition->funder ? edition->funder : first->funder;
    edition->url = edition->url ? edition->url : first->url;
}

static int add_edition(struct folder *folder, const char *path, const struct content_name *name)
{
    struct load *load = folder->load;
    struct item *item = find_item(folder, name->slug);
    struct edition *edition = arena_alloc(load->arena, 1, sizeof(*edition));
    void *facts = arena_alloc(load->arena, 1, folder->kind->size);
    int rc;

    if (!edition || !facts) {
        return err_nomem(load->err);
    }
    if (!site_has_language(&load->config->site, name->language)) {
        report_add(load->report, REPORT_ERROR, path, 0, 0, "%s is not a language of this site",
                   language_name(name->language));
        return 0;
    }
    if (!item) {
        report_add(load->report, REPORT_ERROR, path, 0, 0,
                   "there is no %s/%s.md, which holds the facts of this edition",
                   item_folder(folder->kind->kind), name->slug);
        return 0;
    }
    if (item->language == name->language) {
        report_add(load->report, REPORT_ERROR, path, 0, 0,
                   "%s is this edition already: %s is the site's first language", item->file,
                   language_name(name->language));
        return 0;
    }
    rc = read_file(folder, path, SCHEMA_TRANSLATION, facts, edition);
    if (rc <= 0) {
        return rc;
    }
    edition->language = name->language;
    if (item->editions[item->language]) {
        inherit(edition, item->editions[item->language]);
    }
    item->editions[name->language] = edition;
    return check_body(load, item, edition);
}

/* First files first, so that every edition finds its item. */
static int read_names(struct folder *folder, bool editions)
{
    struct load *load = folder->load;
    int rc = 0;

    for (size_t i = 0; i < folder->name_count && rc == 0; i++) {
        const char *file = folder->names[i];
        const char *path =
            arena_printf(load->arena, "%s/%s", item_folder(folder->kind->kind), file);
        struct content_name name;
        struct err err = {0};

        if (!path) {
            return err_nomem(load->err);
        }
        if (!is_markdown(file)) {
            if (!editions) {
                report_add(load->report, REPORT_WARNING, path, 0, 0,
                           "this file is not read: its name does not end in .md");
            }
            continue;
        }
        if (content_name_parse(path, ".md", &name, &err) < 0) {
            if (!editions) {
                report_add(load->report, REPORT_ERROR, path, 0, 0, "%s", err.msg);
            }
        } else if (name.language == LANG_NONE && !editions) {
            rc = add_first(folder, path, &name);
        } else if (name.language != LANG_NONE && editions) {
            rc = add_edition(folder, path, &name);
        }
    }
    return rc;
}

static int finish(struct folder *folder)
{
    size_t kept = 0;
    int rc = 0;

    for (size_t i = 0; i < folder->count; i++) {
        struct item *item = item_at(folder, i);

        if (item->editions[item->language]) {
            if (kept != i) {
                memcpy(item_at(folder, kept), item, folder->kind->size);
            }
            kept++;
        }
    }
    folder->count = kept;
    for (size_t i = 0; i < folder->count && rc == 0; i++) {
        rc = folder->kind->finish(folder->load, item_at(folder, i));
    }
    return rc;
}

int load_folder(struct load *load, const struct load_kind *kind, void **items, size_t *count)
{
    struct folder folder = {.load = load, .kind = kind};
    const char *path =
        arena_printf(load->arena, "%s/%s", load->config->folder, item_folder(kind->kind));
    int rc;

    *count = 0;
    *items = NULL;
    if (!path) {
        return err_nomem(load->err);
    }
    rc = file_list(load->arena, path, &folder.names, &folder.name_count, load->err);
    if (rc == ERR_NOT_FOUND) {
        err_clear(load->err);
        return 0;
    }
    if (rc == 0 && folder.name_count > LIMIT_SITE_FILES) {
        rc = err_set(load->err, ERR_LIMIT, "%s holds more than %d files", path, LIMIT_SITE_FILES);
    }
    if (rc < 0) {
        return rc;
    }
    folder.items = arena_alloc(load->arena, folder.name_count + 1, kind->size);
    if (!folder.items) {
        return err_nomem(load->err);
    }
    rc = read_names(&folder, false);
    if (rc == 0) {
        qsort(folder.items, folder.count, kind->size, compare_items);
        rc = read_names(&folder, true);
    }
    if (rc == 0) {
        rc = finish(&folder);
    }
    *count = folder.count;
    *items = folder.items;
    return rc;
}

bool load_instant(struct load *load, const struct yaml_node *node, const char *path, bool whole_day,
                  struct call_moment *moment)
{
    struct civil civil = moment->civil;
    struct err err = {0};
    int rc;

    if (civil.date_only) {
        civil_add_days(&civil, whole_day);
        rc = zone_to_utc(moment->zone, &civil, &moment->at, NULL, &err);
    } else {
        rc = zone_to_utc_strict(moment->zone, &civil, &moment->at, &err);
    }
    if (rc < 0) {
        yaml_problem(load->report, node, path, "%s", err.msg);
    }
    return rc == 0;
}

bool load_moment(struct load *load, const struct yaml_node *node, const char *path,
                 const struct schema_moment *written, const char *zone, bool whole_day,
                 struct call_moment *out)
{
    char tzid[CIVIL_ZONE];
    struct err err = {0};

    out->civil = written->civil;
    out->zone = zone;
    if (written->zone[0] != '\0') {
        if (zone_find(written->zone, tzid, &err) < 0) {
            yaml_problem(load->report, node, path, "%s", err.msg);
            return false;
        }
        out->zone = arena_strdup(load->arena, tzid);
        if (!out->zone) {
            yaml_problem(load->report, node, path, "out of memory");
            return false;
        }
    }
    return load_instant(load, node, path, whole_day, out);
}

int load_regions(struct load *load, const struct yaml_node *node, const char *key,
                 const char *const *names, size_t count, const struct region ***out,
                 size_t *out_count)
{
    const struct regions *regions = &load->config->regions;

    *out_count = 0;
    *out = arena_alloc(load->arena, count + 1, sizeof(void *));
    if (!*out) {
        return err_nomem(load->err);
    }
    for (size_t i = 0; i < count; i++) {
        struct err own = {0};
        const struct region *region = names[i] ? region_find(regions, names[i], &own) : NULL;

        if (own.code == ERR_NOMEM) {
            return err_nomem(load->err);
        }
        if (region) {
            (*out)[(*out_count)++] = region;
        } else if (names[i]) {
            struct suggest suggest;
            char path[64];

            suggest_start(&suggest, names[i]);
            region_suggest(regions, &suggest);
            (void)snprintf(path, sizeof(path), "%s.%zu", key, i);
            yaml_problem(load->report, node, path, "no region '%s'%s", names[i],
                         suggest_hint(&suggest));
        }
    }
    return 0;
}

int load_terms(struct load *load, const struct vocabulary *vocabulary, const char *what,
               const struct yaml_node *node, const char *key, const char *const **slugs,
               size_t count)
{
    const char **own;

    if (vocabulary->count == 0 || count == 0) {
        return 0;
    }
    own = arena_alloc(load->arena, count, sizeof(*own));
    if (!own) {
        return err_nomem(load->err);
    }
    if (site_check_terms(vocabulary, what, *slugs, count, node, key, load->report, load->err) < 0) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        struct err lack = {0};
        const struct schema_term *term =
            (*slugs)[i] ? site_term_find(vocabulary, (*slugs)[i], &lack) : NULL;

        if (lack.code == ERR_NOMEM) {
            return err_nomem(load->err);
        }
        own[i] = term ? term->slug : (*slugs)[i];
    }
    *slugs = own;
    return 0;
}
