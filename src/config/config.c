/* All of it, and what one file says of another. */
#include "teataja/config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/base/suggest.h"

#define MOST_SECRET 4096

/* A mistake in one file does not keep us from the next; lack of memory does. */
static bool must_stop(int rc)
{
    return rc == ERR_NOMEM;
}

/* Names of a folder; a site may do without it. */
static int list_folder(struct arena *arena, const char *folder, const char *name,
                       struct report *report, char ***names, size_t *count, struct err *err)
{
    char *path = file_join(arena, folder, name);
    struct err own = {0};
    int rc;

    *count = 0;
    if (!path) {
        return err_nomem(err);
    }
    rc = file_list(arena, path, names, count, &own);
    if (rc == ERR_NOMEM) {
        return err_nomem(err);
    }
    if (rc == ERR_NOT_FOUND) {
        return 0;
    }
    if (rc < 0) {
        report_add_fault(report, name, &own);
        *count = 0;
    }
    if (*count > LIMIT_SITE_FILES) {
        report_add(report, REPORT_ERROR, name, 0, 0, "the folder has more than %d files",
                   LIMIT_SITE_FILES);
        *count = 0;
    }
    return 0;
}

static int load_newsletters(struct arena *arena, struct config *config, struct report *report,
                            struct err *err)
{
    char **names = NULL;
    size_t count;
    int rc = list_folder(arena, config->folder, "newsletters", report, &names, &count, err);

    if (rc < 0) {
        return rc;
    }
    config->newsletters = arena_alloc(arena, count + 1, sizeof(struct newsletter));
    if (!config->newsletters) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < count && !must_stop(rc); i++) {
        struct newsletter *newsletter = &config->newsletters[config->newsletter_count];
        const char *ending = strrchr(names[i], '.');

        if (ending != NULL && strcmp(ending, ".md") == 0) {
            continue; /* what automatic letters begin with: content/automatic.c reads it */
        }
        rc = newsletter_load(arena, config->folder, names[i], report, newsletter, err);
        config->newsletter_count += newsletter->slug != NULL;
    }
    return must_stop(rc) ? rc : 0;
}

static int load_projects(struct arena *arena, struct config *config, struct report *report,
                         struct err *err)
{
    char **names = NULL;
    size_t count;
    int rc = list_folder(arena, config->folder, "projects", report, &names, &count, err);

    if (rc < 0) {
        return rc;
    }
    config->projects = arena_alloc(arena, count + 1, sizeof(struct project));
    if (!config->projects) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < count && !must_stop(rc); i++) {
        struct project *project = &config->projects[config->project_count];

        rc = project_load(arena, config->folder, names[i], report, project, err);
        config->project_count += project->slug != NULL;
    }
    return must_stop(rc) ? rc : 0;
}

static void check_list(const struct config *config, const struct newsletter *newsletter,
                       struct report *report)
{
    struct suggest suggest;

    if (!newsletter->list || config->site.list_count == 0 ||
        site_list_find(&config->site, newsletter->list)) {
        return;
    }
    suggest_start(&suggest, newsletter->list);
    for (size_t i = 0; i < config->site.list_count; i++) {
        suggest_offer(&suggest, config->site.lists[i].slug);
    }
    yaml_problem(report, newsletter->node, "list", "list: " SITE_FILE " has no list '%s'%s",
                 newsletter->list, suggest_hint(&suggest));
}

/* Languages: those of the site unless said, and none besides. */
static int settle_languages(struct arena *arena, const struct site *site,
                            struct newsletter *newsletter, struct report *report, struct err *err)
{
    const struct yaml_node *list = yaml_get(newsletter->node, "languages");

    if (site->language_count == 0) {
        return 0;
    }
    for (size_t i = 0; i < newsletter->language_count; i++) {
        enum language language = newsletter->languages[i];
        const struct yaml_node *at = list;

        for (size_t j = 0; list && list->kind == YAML_SEQUENCE && j < list->count; j++) {
            at = language_find(list->items[j]->text) == language ? list->items[j] : at;
        }
        if (!site_has_language(site, language)) {
            yaml_problem(report, at, "", "languages: %s (%s) is not a language of the site",
                         language_name(language), language_tag(language));
        }
    }
    if (newsletter->language_count == 0) {
        newsletter->languages = arena_alloc(arena, site->language_count, sizeof(enum language));
        if (!newsletter->languages) {
            return err_nomem(err);
        }
        memcpy(newsletter->languages, site->languages,
               site->language_count * sizeof(enum language));
        newsletter->language_count = site->language_count;
    }
    if (newsletter->fallback == LANG_NONE) {
        newsletter->fallback = newsletter->languages[0];
    }
    if (!newsletter_has_language(newsletter, newsletter->fallback)) {
        yaml_problem(report, newsletter->node, "fallback",
                     "fallback: the letter is not sent in %s (%s)",
                     language_name(newsletter->fallback), language_tag(newsletter->fallback));
    }
    return 0;
}

/* A letter is refused when its funder's text is missing: better known early. */
static void check_notices(const struct config *config, const struct newsletter *newsletter,
                          struct report *report)
{
    for (size_t i = 0; i < newsletter->funded_by_count; i++) {
        const struct project *project = config_project(config, newsletter->funded_by[i]);

        for (size_t l = 0; project && l < newsletter->language_count; l++) {
            enum language language = newsletter->languages[l];

            if (!lang_text_has(&project->notice, language)) {
                yaml_warning(report, project->node, "notice",
                             "notice: no text in %s (%s), in which newsletter '%s' is sent",
                             language_name(language), language_tag(language), newsletter->slug);
            }
        }
    }
}

static int cross_check(struct arena *arena, struct config *config, struct report *report,
                       struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < config->newsletter_count; i++) {
        struct newsletter *newsletter = &config->newsletters[i];

        check_list(config, newsletter, report);
        config_check_projects(config, newsletter->funded_by, newsletter->funded_by_count,
                              newsletter->node, "funded_by", report);
        rc = settle_languages(arena, &config->site, newsletter, report, err);
        check_notices(config, newsletter, report);
    }
    return rc;
}

static int load_all(struct arena *arena, struct config *config, struct report *report,
                    struct err *err)
{
    int rc = site_load(arena, config->folder, report, &config->site, err);

    if (!must_stop(rc)) {
        rc = load_newsletters(arena, config, report, err);
    }
    if (!must_stop(rc)) {
        rc = load_projects(arena, config, report, err);
    }
    if (!must_stop(rc)) {
        rc = regions_load(arena, config->folder, report, &config->regions, err);
    }
    return must_stop(rc) ? rc : cross_check(arena, config, report, err);
}

int config_load(struct arena *arena, const char *folder, struct report *report, struct config *out,
                struct err *err)
{
    struct report *own = NULL;
    size_t before;
    char *path;
    int rc;

    *out = (struct config){.folder = arena_strdup(arena, folder)};
    path = file_join(arena, folder, SITE_FILE);
    if (!out->folder || !path) {
        return err_nomem(err);
    }
    if (!file_exists(path)) {
        return err_set(err, ERR_NOT_FOUND, "'%s' is not a site: it has no " SITE_FILE, folder);
    }
    if (!report) {
        own = report_new();
        if (!own) {
            return err_nomem(err);
        }
        report = own;
    }
    before = report_errors(report);
    rc = load_all(arena, out, report, err);
    if (rc == 0) {
        err_clear(err);
        rc = report_errors(report) > before ? report_check(report, err) : 0;
    }
    report_free(own);
    return rc;
}

const struct newsletter *config_newsletter(const struct config *config, const char *slug)
{
    for (size_t i = 0; slug && i < config->newsletter_count; i++) {
        if (strcmp(config->newsletters[i].slug, slug) == 0) {
            return &config->newsletters[i];
        }
    }
    return NULL;
}

const struct project *config_project(const struct config *config, const char *slug)
{
    for (size_t i = 0; slug && i < config->project_count; i++) {
        if (strcmp(config->projects[i].slug, slug) == 0) {
            return &config->projects[i];
        }
    }
    return NULL;
}

static void drop_projects(struct config *config)
{
    size_t kept = 0;

    for (size_t i = 0; i < config->project_count; i++) {
        if (left_out_find(&config->left, "projects", config->projects[i].slug) == NULL) {
            config->projects[kept++] = config->projects[i];
        }
    }
    config->project_count = kept;
}

static void drop_newsletters(struct config *config)
{
    size_t kept = 0;

    for (size_t i = 0; i < config->newsletter_count; i++) {
        if (left_out_find(&config->left, "newsletters", config->newsletters[i].slug) == NULL) {
            config->newsletters[kept++] = config->newsletters[i];
        }
    }
    config->newsletter_count = kept;
}

/* No letter goes out without the notice of who pays for it. */
static int leave_out_unpaid(struct arena *arena, struct config *config,
                            const struct newsletter *newsletter, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < newsletter->funded_by_count; i++) {
        const char *slug = newsletter->funded_by[i];
        const struct left_out *project =
            slug != NULL ? left_out_find(&config->left, "projects", slug) : NULL;

        if (project != NULL) {
            rc = left_out_add(arena, &config->left, "newsletters", newsletter->slug,
                              project->problem, err);
        }
    }
    return rc;
}

int config_leave_out(struct arena *arena, struct config *config, const struct report *report,
                     struct err *err)
{
    bool again = config->is_settled;
    int rc = left_out_read(arena, &config->left, report, err);

    config->is_settled = true;
    if (rc < 0 || again || config->left.count == 0) {
        return rc;
    }
    for (size_t i = 0; rc == 0 && i < config->newsletter_count; i++) {
        rc = leave_out_unpaid(arena, config, &config->newsletters[i], err);
    }
    if (rc == 0) {
        drop_projects(config);
        drop_newsletters(config);
    }
    return rc;
}

size_t config_check_projects(const struct config *config, const char *const *slugs, size_t count,
                             const struct yaml_node *node, const char *key, struct report *report)
{
    const struct yaml_node *list = yaml_get(node, key);
    size_t unknown = 0;

    for (size_t i = 0; i < count; i++) {
        const struct yaml_node *at = list;
        const struct left_out *left;
        struct suggest suggest;

        if (!slugs[i] || config_project(config, slugs[i])) {
            continue;
        }
        left = left_out_find(&config->left, "projects", slugs[i]);
        for (size_t j = 0; list && list->kind == YAML_SEQUENCE && j < list->count; j++) {
            at = strcmp(list->items[j]->text, slugs[i]) == 0 ? list->items[j] : at;
        }
        suggest_start(&suggest, slugs[i]);
        for (size_t j = 0; j < config->project_count; j++) {
            suggest_offer(&suggest, config->projects[j].slug);
        }
        if (left != NULL) {
            yaml_problem(report, at ? at : node, "", "the project cannot be used: %s",
                         left->problem);
        } else {
            yaml_problem(report, at ? at : node, "", "no project '%s'%s", slugs[i],
                         suggest_hint(&suggest));
        }
        unknown++;
    }
    return unknown;
}

char *config_path(struct arena *arena, const struct config *config, const char *path)
{
    return path[0] == '/' ? arena_strdup(arena, path) : file_join(arena, config->folder, path);
}

/* The text without white space at its end. */
static int trim_secret(struct arena *arena, const char *reference, const char *text, char **out,
                       struct err *err)
{
    size_t len = strlen(text);

    while (len > 0 && strchr(" \t\r\n", text[len - 1])) {
        len--;
    }
    if (len == 0) {
        return err_set(err, ERR_NOT_FOUND, "%s is empty", reference);
    }
    if (len > MOST_SECRET) {
        return err_set(err, ERR_LIMIT, "%s is longer than %d bytes", reference, MOST_SECRET);
    }
    *out = arena_strndup(arena, text, len);
    return *out ? 0 : err_nomem(err);
}

int config_secret(struct arena *arena, const struct config *config, const char *reference,
                  char **out, struct err *err)
{
    struct stat status;
    char *path, *text;
    int rc;

    *out = NULL;
    if (strncmp(reference, "env:", 4) == 0) {
        const char *value = getenv(reference + 4);

        return value ? trim_secret(arena, reference, value, out, err)
                     : err_set(err, ERR_NOT_FOUND, "the environment variable %s is not set",
                               reference + 4);
    }
    if (strncmp(reference, "file:", 5) != 0) {
        return err_set(err, ERR_INVALID, "a secret is named as file:PATH or env:NAME");
    }
    path = config_path(arena, config, reference + 5);
    if (!path) {
        return err_nomem(err);
    }
    if (stat(path, &status) == 0 && (status.st_mode & (S_IRWXO | S_IWGRP))) {
        return err_set(err, ERR_DENIED,
                       "others can read or change '%s'; allow that to its owner alone (chmod 600)",
                       path);
    }
    rc = file_read(arena, path, MOST_SECRET + 64, &text, NULL, err);
    return rc < 0 ? rc : trim_secret(arena, reference, text, out, err);
}

static const struct {
    const char *name;
    const struct schema *schema;
    const char *title;
} files[] = {
    {SITE_FILE, &site_schema, "The whole site."},
    {"newsletters", &newsletter_schema, "One regular letter; the file's name is its slug."},
    {"projects", &project_schema,
     "A project that pays for letters or events; the file's name is its slug."},
    {REGIONS_FILE, &regions_schema, "Regions and groups of them."},
};

int config_sample(const char *which, bool all, struct str *out, struct err *err)
{
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (strcmp(files[i].name, which) == 0) {
            str_addf(out, "# %s - %s\n", files[i].schema->name, files[i].title);
            schema_sample(files[i].schema, all, out);
            return str_check(out, err);
        }
    }
    return err_set(err, ERR_NOT_FOUND,
                   "no configuration file '%s': it is teataja.yaml, newsletters, projects or "
                   "regions.yaml",
                   which);
}

void config_manual(enum schema_format format, struct str *out)
{
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        str_addf(out, format == SCHEMA_ROFF ? ".SS %s\n%s\n" : "%s: %s\n\n", files[i].schema->name,
                 files[i].title);
        schema_manual(files[i].schema, format, out);
        str_add(out, format == SCHEMA_ROFF ? "" : "\n");
    }
}
