/* compose.c - see teataja/compose/compose.h. */
#include "room.h"

#include <stdlib.h>
#include <string.h>

#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"

static int load_texts(struct compose *compose, struct err *err)
{
    const char *own = config_path(compose->arena, compose->site.config, "templates");
    const char *folders[2] = {own, compose->site.templates};
    int rc;

    if (own == NULL) {
        return err_nomem(err);
    }
    rc = catalogue_load(folders, 2, NULL, &compose->catalogue, err);
    if (rc < 0) {
        return rc;
    }
    compose->templates = template_set_new(folders, 2, TEMPLATE_STRICT);
    return compose->templates != NULL ? 0 : err_nomem(err);
}

static int make_scope(struct compose *compose, struct err *err)
{
    const struct events *events = compose->site.events;
    const struct content *content = compose->site.content;
    const struct left_outs *left = &compose->site.config->left;
    const char **event_slugs =
        arena_alloc(compose->arena, events->count + left->count + 1, sizeof(char *));
    const char **issue_slugs =
        arena_alloc(compose->arena, content->issue_count + left->count + 1, sizeof(char *));
    size_t event_count = events->count;
    size_t issue_count = content->issue_count;

    if (event_slugs == NULL || issue_slugs == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < events->count; i++) {
        event_slugs[i] = events->items[i].slug;
    }
    for (size_t i = 0; i < content->issue_count; i++) {
        issue_slugs[i] = content->issues[i].item.slug;
    }
    /* Who attended what cannot be read at the moment attended it nevertheless. */
    for (size_t i = 0; i < left->count; i++) {
        if (strcmp(left->items[i].folder, "events") == 0) {
            event_slugs[event_count++] = left->items[i].slug;
        } else if (strcmp(left->items[i].folder, "issues") == 0) {
            issue_slugs[issue_count++] = left->items[i].slug;
        }
    }
    compose->scope = (struct segment_scope){.config = compose->site.config,
                                            .events = event_slugs,
                                            .event_count = event_count,
                                            .issues = issue_slugs,
                                            .issue_count = issue_count};
    return 0;
}

int compose_open(const struct compose_site *site, struct compose **out, struct err *err)
{
    struct compose *compose = mem_alloc(1, sizeof(*compose));
    int rc;

    if (compose == NULL) {
        return err_nomem(err);
    }
    compose->site = *site;
    compose->arena = arena_new(LIMIT_ARENA_WORK);
    rc = compose->arena == NULL ? err_nomem(err) : load_texts(compose, err);
    if (rc == 0) {
        rc = make_scope(compose, err);
    }
    if (rc < 0) {
        compose_close(compose);
        return rc;
    }
    *out = compose;
    return 0;
}

void compose_close(struct compose *compose)
{
    if (compose == NULL) {
        return;
    }
    for (size_t i = 0; i < LANG_COUNT; i++) {
        format_close(compose->formats[i]);
    }
    template_set_free(compose->templates);
    catalogue_free(compose->catalogue);
    arena_free(compose->arena);
    mem_free(compose);
}

int compose_format(struct compose *compose, enum language language, struct format **out,
                   struct err *err)
{
    int rc = compose->formats[language] != NULL
                 ? 0
                 : format_open(language, &compose->formats[language], err);

    *out = compose->formats[language];
    return rc;
}

int compose_segment(struct compose *compose, const char *what, const char *text,
                    struct segment **out, struct err *err)
{
    int rc;

    *out = NULL;
    if (text == NULL) {
        return 0;
    }
    rc = segment_parse(&compose->scope, text, out, err);
    return rc < 0 ? err_prefix(err, "%s", what) : 0;
}

const char *compose_zone(const struct compose *compose, const struct newsletter *newsletter)
{
    return newsletter != NULL && newsletter->timezone != NULL ? newsletter->timezone
                                                              : compose->site.config->site.timezone;
}

const char *compose_reader_zone(const struct compose *compose, const struct newsletter *newsletter,
                                const struct member_profile *profile)
{
    /* A profile without a zone of its own has the site's. */
    return profile->tz != NULL && strcmp(profile->tz, compose->site.config->site.timezone) != 0
               ? profile->tz
               : compose_zone(compose, newsletter);
}

const char *compose_site_name(const struct compose *compose, enum language language)
{
    const struct site *site = &compose->site.config->site;
    const char *name = lang_text_get(&site->name, language, site->languages[0]);

    return name != NULL ? name : "";
}

/* Parses a segment only to report what is wrong with it. */
static void check_segment(struct compose *compose, struct report *report,
                          const struct yaml_node *node, const char *key, const char *text)
{
    struct segment *segment = NULL;
    struct err own = {0};

    if (text != NULL && segment_parse(&compose->scope, text, &segment, &own) < 0) {
        yaml_problem(report, node, key, "%s: %s", key[0] != '\0' ? key : "expression", own.msg);
    }
    segment_free(segment);
}

static void check_notices(struct compose *compose, struct report *report,
                          const struct newsletter *newsletter)
{
    for (size_t i = 0; i < newsletter->funded_by_count; i++) {
        const struct project *project =
            config_project(compose->site.config, newsletter->funded_by[i]);

        for (size_t j = 0; project != NULL && j < newsletter->language_count; j++) {
            enum language language = newsletter->languages[j];

            if (!lang_text_has(&project->notice, language)) {
                yaml_problem(report, project->node, "notice",
                             "notice: the text in %s is missing, a language of the newsletter '%s'",
                             language_name(language), newsletter->slug);
            }
        }
    }
}

static void check_call(struct compose *compose, struct report *report, const struct call *call)
{
    struct err own = {0};
    const struct event *event;

    if (call->info_event != NULL &&
        event_get(compose->site.events, call->info_event, &event, &own) < 0) {
        yaml_problem(report, call->node, "info_event", "info_event: %s", own.msg);
    }
}

static bool is_told(struct report *report, const char *message)
{
    const struct problem *problem;

    for (size_t i = 0; (problem = report_get(report, i)) != NULL; i++) {
        if (strcmp(problem->message, message) == 0) {
            return true;
        }
    }
    return false;
}

/* `message` names its place, such as "mail/footer.txt.mustache:3: ...", or with the site's
 * folder and a column where the file could not be read. */
static int report_template(struct compose *compose, struct report *report, const char *message,
                           struct err *err)
{
    const char *site = compose->site.config->folder;
    size_t above = strlen(site);
    bool whole = strncmp(message, site, above) == 0 && message[above] == '/';
    const char *place = whole ? message + above + 1 : message;
    size_t len = strcspn(place, ":");
    char *rest = NULL;
    long line = strtol(place + len + (place[len] == ':'), &rest, 10);
    long column = line > 0 && rest[0] == ':' && rest[1] != ' ' ? strtol(rest + 1, &rest, 10) : 0;
    const char *file = "templates";

    if (line > 0 && strncmp(rest, ": ", 2) == 0) {
        file = arena_printf(compose->arena, "%s%.*s", whole ? "" : "templates/", (int)len, place);
        message = rest + 2;
    } else {
        line = 0;
        column = 0;
    }
    if (file == NULL) {
        return err_nomem(err);
    }
    if (!is_told(report, message)) {
        report_add(report, REPORT_ERROR, file, (int)line, (int)column, "%s", message);
    }
    return 0;
}

/* A mistake in the site's own templates would otherwise show only when somebody
 * sends. */
static int check_templates(struct compose *compose, struct report *report, struct err *err)
{
    static const char ending[] = ".mustache";
    const char *folder = config_path(compose->arena, compose->site.config, "templates/mail");
    char **names = NULL;
    size_t count = 0;
    int rc = folder != NULL ? 0 : err_nomem(err);

    if (rc == 0 && file_list(compose->arena, folder, &names, &count, NULL) < 0) {
        return 0; /* it has none */
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct template *template;
        struct err own = {0};
        size_t len = strlen(names[i]);
        char *name;

        if (len <= strlen(ending) || strcmp(names[i] + len - strlen(ending), ending) != 0) {
            continue;
        }
        name = arena_printf(compose->arena, "mail/%.*s", (int)(len - strlen(ending)), names[i]);
        if (name == NULL) {
            return err_nomem(err);
        }
        if (template_find(compose->templates, name, &template, &own) < 0) {
            rc = report_template(compose, report, own.msg, err);
        }
    }
    return rc;
}

int compose_check(struct compose *compose, struct report *report, struct err *err)
{
    const struct config *config = compose->site.config;
    const struct content *content = compose->site.content;
    const struct events *events = compose->site.events;

    for (size_t i = 0; i < config->newsletter_count; i++) {
        check_segment(compose, report, config->newsletters[i].node, "audience",
                      config->newsletters[i].audience);
        check_notices(compose, report, &config->newsletters[i]);
    }
    for (size_t i = 0; i < content->issue_count; i++) {
        check_segment(compose, report, content->issues[i].node, "audience",
                      content->issues[i].audience);
    }
    for (size_t i = 0; i < events->count; i++) {
        const struct event *event = &events->items[i];

        check_segment(compose, report, event->audience.node, "", event->audience.text);
        check_segment(compose, report, event->invite.node, "", event->invite.text);
    }
    for (size_t i = 0; i < content->call_count; i++) {
        check_call(compose, report, &content->calls[i]);
    }
    return check_templates(compose, report, err);
}
