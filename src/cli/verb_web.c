/* web: the public pages, in the foreground. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "teataja/base/log.h"
#include "teataja/web/web.h"
#include "workspace.h"

static int stop_pipe[2] = {-1, -1};

static void on_signal(int number)
{
    const char byte = 's';

    (void)number;
    if (write(stop_pipe[1], &byte, 1) < 0) {
        _exit(EXIT_FAILED);
    }
}

static void on_listening(void *context, const char *where)
{
    const struct workspace *workspace = context;

    printf("Pages of %s on %s; Ctrl-C ends it.\n", workspace->config.site.web.url, where);
    fflush(stdout);
}

static enum exit_status web_verb_run(struct command *command)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct workspace workspace;
    struct web_options options = {.folder = command->folder,
                                  .listen = command_value(command, "listen"),
                                  .anywhere = command_has(command, "anywhere"),
                                  .listening = on_listening,
                                  .context = &workspace};
    struct err err = {0};
    /* Makes the database and brings it in step with the files. */
    enum exit_status status = workspace_open(command, WORKSPACE_DB, false, &workspace);

    if (status != EXIT_DONE) {
        goto out;
    }
    db_close(workspace.db);
    workspace.db = NULL;
    options.templates = workspace.templates;
    options.key = workspace.key;
    if (pipe(stop_pipe) != 0) {
        err_set(&err, ERR_IO, "cannot make a pipe");
        status = command_fail(&err);
        goto out;
    }
    options.stop_fd = stop_pipe[0];
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* Nothing is to be read again on request: changed files are seen by themselves. */
    sigaction(SIGHUP, &ignore, NULL);
    log_set_level(LOG_INFO);
    if (web_run(&options, &err) < 0) {
        status = command_fail(&err);
    }
out:
    workspace_close(&workspace);
    return status;
}

static const struct option web_options_table[] = {
    {"listen", "WHERE",
     "127.0.0.1:8080, [::1]:8080 or unix:PATH; port 0 takes a free one "
     "(default: web.listen of teataja.yaml)",
     false},
    {"anywhere", NULL, "also listen where other machines can reach it", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_web = {
    .name = "web",
    .usage = "",
    .summary = "serve the pages that links in letters lead to",
    .help = "Leaving a list, preferences, answers to invitations, letters in a browser. It speaks\n"
            "plain HTTP to a web server on this machine that has the certificate: see\n"
            "contrib/nginx and contrib/caddy. A line in the log for each request, without its\n"
            "path. Files of the site that change are read again.",
    .options = web_options_table,
    .run = web_verb_run,
};
