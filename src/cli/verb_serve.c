/* serve: everything that goes on without a person. */
#include <stdio.h>
#include <string.h>

#include "serve.h"
#include "teataja/base/suggest.h"
#include "teataja/web/server.h"

void serve_check(const struct workspace *workspace, struct report *report)
{
    const struct site_serve *serve = &workspace->config.site.serve;
    struct err err = {0};

    if (serve->metrics != NULL && strcmp(serve->metrics, "none") != 0 &&
        server_listen_check(serve->metrics, false, &err) < 0) {
        yaml_problem(report, serve->node, "metrics", "metrics: %s", err.msg);
    }
}

/* "deliver,web". */
static enum exit_status read_roles(const struct command *command, struct serve_options *out)
{
    const char *text = command_value(command, "role");

    if (text != NULL && (*text == '\0' || text[strlen(text) - 1] == ',')) {
        return command_misused(command, "--role '%s': a role is missing", text);
    }
    while (text != NULL && *text != '\0') {
        size_t len = strcspn(text, ",");
        bool found = false;

        for (int i = 0; i < SITE_ROLES; i++) {
            const char *name = serve_role_name((enum serve_id)i);

            if (strlen(name) == len && strncmp(name, text, len) == 0) {
                out->chosen[i] = found = true;
            }
        }
        if (!found) {
            struct suggest suggest;
            char tried[64];

            snprintf(tried, sizeof(tried), "%.*s", (int)len, text);
            suggest_start(&suggest, tried);
            for (int i = 0; i < SITE_ROLES; i++) {
                suggest_offer(&suggest, serve_role_name((enum serve_id)i));
            }
            return command_misused(command, "no role '%s'%s", tried,
                                   suggest.best != NULL ? suggest_hint(&suggest)
                                                        : "; it is one of schedule, deliver, web");
        }
        text += len + (text[len] == ',' ? 1 : 0);
    }
    return EXIT_DONE;
}

static enum exit_status serve_run(struct command *command)
{
    struct serve_options options = {.command = command};
    enum exit_status status = read_roles(command, &options);

    return status == EXIT_DONE ? serve_supervise(&options) : status;
}

static const struct option serve_options_table[] = {
    {"role", "ROLES",
     "only these, separated by commas: schedule, deliver, web (default: serve.roles of "
     "teataja.yaml)",
     false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_serve = {
    .name = "serve",
    .usage = "",
    .summary = "the daemon: schedules, delivery and pages, each in a process of its own",
    .help = "Runs in the foreground and logs to standard error (logfmt). A role that dies is\n"
            "started again, with growing pauses. SIGTERM and SIGINT end it within five seconds,\n"
            "between messages; SIGHUP reads the configuration again and keeps the old one if\n"
            "the new one is wrong. One daemon a site; send and other verbs work beside it.\n"
            "/metrics and /healthz are at serve.metrics of teataja.yaml. For systemd see\n"
            "contrib/systemd.",
    .options = serve_options_table,
    .run = serve_run,
};
