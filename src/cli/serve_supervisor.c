/* The supervisor: reads the configuration, looks after the roles, tells how they are. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve_supervisor.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/log.h"

#define ANNOUNCE_PATIENCE (30 * SERVE_SECOND) /* from a reload until systemd is told it is done */

enum { LOOK_MS = 1000, LOOK_SOON_MS = 100, PROBLEMS_LOGGED = 20 };

/* ---- The configuration ---- */

static void config_close(struct serve_config *config)
{
    workspace_close(&config->workspace);
    arena_free(config->command.arena);
    memset(config, 0, sizeof(*config));
}

/* Reads the files. Faults stay in its report. At the start a newsletter that is wrong stops
 * nothing but its letters; a reload would rather keep what was there. */
static enum exit_status config_open(const struct command *command, bool reload,
                                    struct serve_config *config)
{
    enum exit_status status;

    config->command = *command;
    config->command.arena = arena_new(LIMIT_ARENA_SITE);
    if (config->command.arena == NULL) {
        struct err err = {0};

        err_nomem(&err);
        return command_fail(&err);
    }
    status = reload ? workspace_examine(&config->command, WORKSPACE_CONFIG, &config->workspace)
                    : workspace_read(&config->command, WORKSPACE_CONFIG, &config->workspace);
    if (status == EXIT_DONE) {
        serve_check(&config->workspace, config->workspace.report);
        status =
            reload ? workspace_judge(&config->workspace) : workspace_usable(&config->workspace);
    }
    return status;
}

static void choose_roles(struct supervisor *supervisor)
{
    const struct site_serve *serve = &supervisor->config->workspace.config.site.serve;
    bool any = false;

    for (int i = 0; i < SITE_ROLES; i++) {
        supervisor->children[i].wanted = supervisor->options->chosen[i];
        any = any || supervisor->options->chosen[i];
    }
    for (size_t i = 0; !any && i < serve->role_count; i++) {
        supervisor->children[serve->roles[i]].wanted = true;
    }
    supervisor->children[SERVE_SOURCES].wanted =
        supervisor->children[SERVE_SCHEDULE].wanted &&
        supervisor->config->workspace.config.site.source_count > 0;
    for (int i = 1; i < SITE_SCHEDULERS; i++) {
        supervisor->children[SERVE_SCHEDULE_2 + i - 1].wanted =
            supervisor->children[SERVE_SCHEDULE].wanted && i < serve->schedulers;
    }
    supervisor->children[SERVE_METRICS].wanted = strcmp(serve->metrics, "none") != 0;
    log_set_level((enum log_level)serve->log);
}

/* ---- What is told ---- */

/* Of several schedulers who looked last knows what comes next. */
static void add_figures(struct serve_status *status, const struct child *child)
{
    bool newer = child->figures[SERVE_LOOKED_AT] > status->figures[SERVE_LOOKED_AT];

    for (int i = 0; i < SERVE_FIGURES; i++) {
        if (i != SERVE_NEXT_DUE && i != SERVE_HELD && i != SERVE_LOOKED_AT) {
            status->figures[i] += child->figures[i] + child->earlier[i];
        } else if (newer) {
            status->figures[i] = child->figures[i];
        }
    }
}

static void tell_metrics(struct supervisor *supervisor, int64_t now)
{
    struct serve_status status = {.started = supervisor->started,
                                  .reloads = supervisor->reloads,
                                  .reload_faults = supervisor->reload_faults};
    const struct child *metrics = &supervisor->children[SERVE_METRICS];

    if (metrics->status_fd < 0) {
        return;
    }
    for (int i = 0; i < SERVE_ROLES; i++) {
        const struct child *child = &supervisor->children[i];

        status.roles[i].wanted = child->wanted;
        status.roles[i].up = child_up(child, now);
        status.roles[i].pid = child->pid;
        status.roles[i].restarts = child->restarts;
        add_figures(&status, child);
    }
    /* One that does not read has the next one later. */
    if (write(metrics->status_fd, &status, sizeof(status)) < 0 && errno != EAGAIN &&
        errno != EPIPE) {
        LOG(LOG_WARN, "metrics_not_told", log_text("error", strerror(errno)));
    }
}

static void tell_systemd(struct supervisor *supervisor, int64_t now)
{
    char text[sizeof(supervisor->told)] = "";
    size_t len = 0;
    bool up = children_up(supervisor, now);

    for (int i = 0; i < SERVE_ROLES; i++) {
        const struct child *child = &supervisor->children[i];

        if (child->wanted) {
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s %s", len > 0 ? ", " : "",
                                    serve_role_name((enum serve_id)i),
                                    child_up(child, now) ? "runs"
                                    : child->pid != 0    ? "starts"
                                                         : "is down");
            if (child->restarts > 0) {
                len += (size_t)snprintf(text + len, sizeof(text) - len, " (died %" PRId64 ")",
                                        child->restarts);
            }
        }
    }
    if (strcmp(text, supervisor->told) != 0) {
        memcpy(supervisor->told, text, sizeof(text));
        serve_notify_send(&supervisor->notify, "STATUS=%s", text);
    }
    if (!supervisor->announced &&
        ((up && children_settled(supervisor)) ||
         (supervisor->announce_by != 0 && now >= supervisor->announce_by))) {
        supervisor->announced = true;
        serve_notify_send(&supervisor->notify, "READY=1\nSTATUS=%s", text);
        LOG(LOG_INFO, "serving", log_text("roles", text));
    }
    if (up && supervisor->notify.watchdog > 0 &&
        now - supervisor->watchdog_sent >= supervisor->notify.watchdog) {
        supervisor->watchdog_sent = now;
        serve_notify_send(&supervisor->notify, "WATCHDOG=1");
    }
}

/* ---- Signals ---- */

static void log_problems(struct report *report)
{
    const struct problem *problem;

    for (size_t i = 0; i < PROBLEMS_LOGGED && (problem = report_get(report, i)) != NULL; i++) {
        if (problem->severity == REPORT_ERROR) {
            char place[512];

            snprintf(place, sizeof(place), "%s:%d:%d", problem->file, problem->line,
                     problem->column);
            LOG(LOG_ERROR, "config_problem", log_text("at", place),
                log_text("error", problem->message));
        }
    }
}

/* Roles end in their own time and start with the new configuration. */
static void reload(struct supervisor *supervisor)
{
    struct serve_config *next = supervisor->config == &supervisor->configs[0]
                                    ? &supervisor->configs[1]
                                    : &supervisor->configs[0];
    struct serve_config *old = supervisor->config;

    serve_notify_send(&supervisor->notify, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
                      clock_ticks() / 1000);
    if (config_open(supervisor->options->command, true, next) != EXIT_DONE) {
        if (next->workspace.report != NULL) {
            log_problems(next->workspace.report);
        }
        LOG(LOG_ERROR, "config_refused",
            log_int("errors", next->workspace.report != NULL
                                  ? (int64_t)report_errors(next->workspace.report)
                                  : 1));
        config_close(next);
        supervisor->reload_faults++;
        serve_notify_send(&supervisor->notify, "READY=1");
        return;
    }
    supervisor->config = next;
    supervisor->reloads++;
    supervisor->announced = false;
    supervisor->announce_by = clock_ticks() + ANNOUNCE_PATIENCE;
    choose_roles(supervisor);
    config_close(old);
    for (int i = 0; i < SERVE_ROLES; i++) {
        supervisor->children[i].pause = 0;
        supervisor->children[i].start_at = 0;
        child_ask_to_end(&supervisor->children[i], AT_LEISURE);
    }
    LOG(LOG_INFO, "config_taken", log_int("reloads", supervisor->reloads));
}

static void take_signals(struct supervisor *supervisor)
{
    struct signalfd_siginfo info;

    while (read(supervisor->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGHUP && !supervisor->stopping) {
            reload(supervisor);
        } else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
            if (!supervisor->stopping) {
                LOG(LOG_INFO, "stopping", log_int("signal", info.ssi_signo));
                serve_notify_send(&supervisor->notify, "STOPPING=1\nSTATUS=stopping");
            }
            supervisor->stopping = true;
        }
    }
    children_reap(supervisor);
}

static int open_signals(struct supervisor *supervisor, struct err *err)
{
    /* The last one only so that a role that has just been forked does not die of it. */
    static const int wanted[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SERVE_SIGNAL_LEISURE};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        sigaddset(&set, wanted[i]);
    }
    if (sigprocmask(SIG_BLOCK, &set, NULL) == 0) {
        supervisor->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    }
    return supervisor->signal_fd >= 0
               ? 0
               : err_set_errno(err, ERR_IO, errno, "cannot wait for signals");
}

/* ---- The loop ---- */

/* Sleeps until a signal, a beat, or the next look. */
static void sleep_a_while(struct supervisor *supervisor, int64_t now)
{
    struct pollfd fds[SERVE_ROLES + 1] = {{.fd = supervisor->signal_fd, .events = POLLIN}};
    bool soon = supervisor->stopping;

    for (int i = 0; i < SERVE_ROLES; i++) {
        const struct child *child = &supervisor->children[i];

        /* A pipe whose writer is gone is readable for ever: SIGCHLD tells. */
        fds[i + 1] = (struct pollfd){.fd = child->beat_fd, .events = POLLIN};
        soon = soon || (child->wanted && child->pid == 0 && child->start_at > now) ||
               child->asked != NOT_ASKED;
    }
    if (poll(fds, SERVE_ROLES + 1, soon ? LOOK_SOON_MS : LOOK_MS) < 0 && errno != EINTR) {
        LOG(LOG_WARN, "poll_failed", log_text("error", strerror(errno)));
    }
}

static void run(struct supervisor *supervisor)
{
    int64_t told = 0;

    while (!supervisor->stopping || !children_gone(supervisor)) {
        int64_t now = clock_ticks();

        children_look_after(supervisor, now);
        tell_systemd(supervisor, now);
        if (now - told >= SERVE_SECOND) {
            told = now;
            tell_metrics(supervisor, now);
        }
        sleep_a_while(supervisor, now);
        take_signals(supervisor);
        for (int i = 0; i < SERVE_ROLES; i++) {
            child_hear(&supervisor->children[i]);
        }
    }
}

/* Makes the database and the key of a new site, in a process of its own, so that roles that
 * start at the same time find one of each. */
static enum exit_status prepare(struct supervisor *supervisor)
{
    const pid_t self = getpid();
    int status = 0;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        struct workspace *workspace = &supervisor->config->workspace;
        struct err err = {0};
        enum exit_status result = EXIT_FAILED;

        if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == self) {
            result = workspace_open_db(workspace, &err) < 0 ? command_fail(&err) : EXIT_DONE;
        }
        workspace_close(workspace);
        exit((int)result);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return pid > 0 && WIFEXITED(status) ? (enum exit_status)WEXITSTATUS(status) : EXIT_FAILED;
}

enum exit_status serve_supervise(const struct serve_options *options)
{
    struct supervisor supervisor = {.options = options,
                                    .notify = {.fd = -1},
                                    .lock_fd = -1,
                                    .signal_fd = -1,
                                    .started = clock_now()};
    struct err err = {0};
    enum exit_status status;

    for (int i = 0; i < SERVE_ROLES; i++) {
        supervisor.children[i].beat_fd = -1;
        supervisor.children[i].status_fd = -1;
    }
    supervisor.config = &supervisor.configs[0];
    status = config_open(options->command, false, supervisor.config);
    if (status != EXIT_DONE) {
        if (supervisor.config->workspace.report != NULL) {
            report_print(supervisor.config->workspace.report, stderr);
        }
        goto out;
    }
    choose_roles(&supervisor);
    if (serve_lock(&supervisor.config->workspace, &supervisor.lock_fd, &err) < 0) {
        status = command_fail(&err);
        goto out;
    }
    status = prepare(&supervisor);
    if (status != EXIT_DONE) {
        goto out;
    }
    if (open_signals(&supervisor, &err) < 0) {
        status = command_fail(&err);
        goto out;
    }
    serve_notify_open(&supervisor.notify);
    run(&supervisor);
    log_write(LOG_INFO, "stopped", NULL, 0);
out:
    serve_notify_close(&supervisor.notify);
    serve_close(&supervisor.signal_fd);
    serve_close(&supervisor.lock_fd);
    config_close(supervisor.config);
    return status;
}
