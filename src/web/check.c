/* check.c - web_check of teataja/web/web.h: what can be said before anything is served. */
#include <stdlib.h>
#include <string.h>

#include "site.h"
#include "teataja/base/file.h"
#include "teataja/web/server.h"
#include "teataja/web/web.h"

static int check_settings(struct arena *arena, const struct site_web *web, struct report *report,
                          struct err *err)
{
    struct err own = {0};

    if (web->listen != NULL && server_listen_check(web->listen, true, &own) < 0) {
        yaml_problem(report, web->node, "listen", "listen: %s", own.msg);
    }
    for (size_t i = 0; i < web->proxy_count; i++) {
        const char *proxy = web->proxies[i] != NULL ? web->proxies[i] : "";
        const char *place =
            arena_printf(arena, strchr(proxy, ':') != NULL ? "[%s]:0" : "%s:0", proxy);

        if (place == NULL) {
            return err_nomem(err);
        }
        if (server_listen_check(place, true, NULL) < 0) {
            yaml_problem(report, web->node, "trusted_proxies",
                         "trusted_proxies: '%s' is no IP address", proxy);
        }
    }
    return 0;
}

/* `message` names its place, such as "web/leave.html.mustache:3: ...". */
static int report_template(struct arena *arena, struct report *report, const char *message,
                           struct err *err)
{
    size_t len = strcspn(message, ":");
    char *rest = NULL;
    long line = strtol(message + len + (message[len] == ':' ? 1 : 0), &rest, 10);
    const char *file = "templates/web";

    if (line > 0 && strncmp(rest, ": ", 2) == 0) {
        file = arena_printf(arena, "templates/%.*s", (int)len, message);
        message = rest + 2;
    }
    if (file == NULL) {
        return err_nomem(err);
    }
    report_add(report, REPORT_ERROR, file, (int)line, 0, "%s", message);
    return 0;
}

/* A mistake in the site's own templates would otherwise show only when a page is asked
 * for. */
static int check_templates(struct arena *arena, const struct config *config, const char *templates,
                           struct report *report, struct err *err)
{
    static const char ending[] = ".mustache";
    const char *folders[2] = {config_path(arena, config, "templates"), templates};
    const char *pages = config_path(arena, config, "templates/web");
    struct template_set *set = NULL;
    char **names = NULL;
    size_t count = 0;
    int rc = 0;

    if (folders[0] == NULL || pages == NULL) {
        return err_nomem(err);
    }
    if (file_list(arena, pages, &names, &count, NULL) < 0) {
        return 0; /* it has none */
    }
    set = template_set_new(folders, 2, TEMPLATE_STRICT);
    if (set == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        size_t len = strlen(names[i]);
        const struct template *template;
        struct err own = {0};
        char *name;

        if (len <= strlen(ending) || strcmp(names[i] + len - strlen(ending), ending) != 0) {
            continue;
        }
        name = arena_printf(arena, "web/%.*s", (int)(len - strlen(ending)), names[i]);
        if (name == NULL) {
            rc = err_nomem(err);
        } else if (template_find(set, name, &template, &own) < 0) {
            rc = report_template(arena, report, own.msg, err);
        }
    }
    template_set_free(set);
    return rc;
}

int web_check(struct arena *arena, const struct config *config, const char *templates,
              struct report *report, struct err *err)
{
    int rc = check_settings(arena, &config->site.web, report, err);

    return rc < 0 ? rc : check_templates(arena, config, templates, report, err);
}
