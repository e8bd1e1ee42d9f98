/* The supervisor: starts roles, listens to their beats, starts them again, stops them. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/log.h"

#define MS_NS INT64_C(1000000)
#define SECOND_NS (1000 * MS_NS)
#define START_PATIENCE (120 * SECOND_NS) /* until the first beat: a migration, a sync */
#define BEAT_PATIENCE (20 * SECOND_NS)   /* between two beats */
#define STOP_PATIENCE (4500 * MS_NS)     /* from SIGTERM to SIGKILL */
#define ANNOUNCE_PATIENCE (30 * SECOND_NS) /* from a reload until systemd is told it is done */
#define PAUSE_FIRST SECOND_NS
#define PAUSE_MOST (60 * SECOND_NS)
#define GOOD_LIFE (60 * SECOND_NS) /* after which the next death is a first one */

enum { LOOK_MS = 1000, LOOK_SOON_MS = 100, PROBLEMS_LOGGED = 20 };

/* A configuration that had no fault when it was read. */
struct serve_config {
    struct command command; /* with the config's arena */
    struct workspace workspace;
};

enum asked { NOT_ASKED, AT_LEISURE, AT_ONCE };

struct child {
    bool wanted;
    pid_t pid; /* 0: none */
    int beat_fd;
    int status_fd; /* metrics: what we tell it */
    int64_t started;
    int64_t beaten; /* 0: not yet */
    enum asked asked; /* to end */
    int64_t kill_at;  /* 0: not to be killed */
    int64_t pause;    /* before the next start */
    int64_t start_at;
    int64_t restarts;
    int64_t figures[SERVE_FIGURES]; /* as told last */
    int64_t earlier[SERVE_FIGURES]; /* of the processes before, what is counted */
};

struct supervisor {
    const struct serve_options *options;
    struct serve_config *config;
    struct serve_config configs[2];
    struct child children[SERVE_ROLES];
    struct serve_notify notify;
    int lock_fd;
    int signal_fd;
    int64_t started;
    int64_t reloads;
    int64_t reload_faults;
    int64_t watchdog_sent; /* ticks */
    bool announced;        /* that everything works */
    int64_t announce_by;   /* ticks: at the latest; 0: only when it does */
    bool stopping;
    char told[400];        /* the last STATUS */
};

/* ---- The configuration ---- */

static void config_close(struct serve_config *config)
{
    workspace_close(&config->workspace);
    arena_free(config->command.arena);
    memset(config, 0, sizeof(*config));
}

/* Reads the files. Faults stay in its report. */
static enum exit_status config_open(const struct command *command, struct serve_config *config)
{
    enum exit_status status;

    config->command = *command;
    config->command.arena = arena_new(LIMIT_ARENA_SITE);
    if (config->command.arena == NULL) {
        struct err err = {0};

        err_nomem(&err);
        return command_fail(&err);
    }
    status = workspace_examine(&config->command, WORKSPACE_CONFIG, &config->workspace);
    if (status == EXIT_DONE) {
        serve_check(&config->workspace, config->workspace.report);
        status = workspace_judge(&config->workspace);
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
    supervisor->children[SERVE_METRICS].wanted = strcmp(serve->metrics, "none") != 0;
    log_set_level((enum log_level)serve->log);
}

/* ---- Children ---- */

static bool is_up(const struct child *child, int64_t now)
{
    return child->pid != 0 && child->beaten != 0 && now - child->beaten < BEAT_PATIENCE;
}

/* What a child must not hold: our lock, the pipes of the others. */
static void close_ours(const struct supervisor *supervisor)
{
    close(supervisor->lock_fd);
    close(supervisor->signal_fd);
    if (supervisor->notify.fd >= 0) {
        close(supervisor->notify.fd);
    }
    for (int i = 0; i < SERVE_ROLES; i++) {
        if (supervisor->children[i].beat_fd >= 0) {
            close(supervisor->children[i].beat_fd);
        }
        if (supervisor->children[i].status_fd >= 0) {
            close(supervisor->children[i].status_fd);
        }
    }
}

static void close_pipe(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

static int open_pipe(int ends[2])
{
    ends[0] = ends[1] = -1;
    return pipe2(ends, O_CLOEXEC | O_NONBLOCK);
}

static void start(struct supervisor *supervisor, enum serve_id id)
{
    struct child *child = &supervisor->children[id];
    const pid_t self = getpid();
    int beats[2] = {-1, -1};
    int status[2] = {-1, -1};

    child->started = clock_ticks();
    child->beaten = 0;
    child->asked = NOT_ASKED;
    child->kill_at = 0;
    fflush(NULL);
    if (open_pipe(beats) == 0 && (id != SERVE_METRICS || open_pipe(status) == 0)) {
        child->pid = fork();
    } else {
        child->pid = -1;
    }
    if (child->pid == 0) {
        close_ours(supervisor);
        close(beats[0]);
        close_pipe(&status[1]);
        serve_role_main(id, &supervisor->config->workspace, supervisor->options->command->folder,
                        self, beats[1], status[0]);
    }
    close_pipe(&beats[1]);
    close_pipe(&status[0]);
    if (child->pid < 0) {
        LOG(LOG_ERROR, "role_not_started", log_text("role", serve_role_name(id)),
            log_text("error", strerror(errno)));
        close_pipe(&beats[0]);
        close_pipe(&status[1]);
        child->pid = 0;
        child->start_at = child->started + PAUSE_MOST;
        return;
    }
    child->beat_fd = beats[0];
    child->status_fd = status[1];
    LOG(LOG_INFO, "role_started", log_text("role", serve_role_name(id)),
        log_int("pid", child->pid));
}

/* At once: a message whose fate is open after five seconds will be unknown. */
static void ask_to_end(struct child *child, enum asked how)
{
    if (child->pid == 0 || child->asked >= how) {
        return;
    }
    child->asked = how;
    if (how == AT_ONCE) {
        child->kill_at = clock_ticks() + STOP_PATIENCE;
    }
    (void)kill(child->pid, how == AT_ONCE ? SIGTERM : SERVE_SIGNAL_LEISURE);
}

static void read_beats(struct child *child)
{
    struct serve_beat beat;

    while (child->beat_fd >= 0 &&
           read(child->beat_fd, &beat, sizeof(beat)) == (ssize_t)sizeof(beat)) {
        child->beaten = clock_ticks();
        memcpy(child->figures, beat.figures, sizeof(child->figures));
    }
}

/* What is counted goes on from here; the rest stays until the next process tells it. */
static void keep_figures(struct child *child)
{
    for (int i = 0; i < SERVE_FIGURES; i++) {
        if (serve_is_counter((enum serve_figure)i)) {
            child->earlier[i] += child->figures[i];
            child->figures[i] = 0;
        }
    }
}

/* A role's process has ended: when the next one starts. */
static void bury(struct supervisor *supervisor, enum serve_id id, int status)
{
    struct child *child = &supervisor->children[id];
    int64_t now = clock_ticks();

    read_beats(child);
    keep_figures(child);
    close_pipe(&child->beat_fd);
    close_pipe(&child->status_fd);
    child->pid = 0;
    if (child->asked != NOT_ASKED) {
        LOG(WIFSIGNALED(status) ? LOG_WARN : LOG_INFO, "role_ended",
            log_text("role", serve_role_name(id)),
            log_int("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0));
        child->pause = 0;
        child->start_at = now;
        return;
    }
    child->pause = child->pause == 0 || now - child->started >= GOOD_LIFE ? PAUSE_FIRST
                                                                          : 2 * child->pause;
    child->pause = child->pause > PAUSE_MOST ? PAUSE_MOST : child->pause;
    child->start_at = now + child->pause;
    child->restarts++;
    LOG(LOG_ERROR, "role_died", log_text("role", serve_role_name(id)),
        log_int("status", WIFEXITED(status) ? WEXITSTATUS(status) : 0),
        log_int("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
        log_int("pause_s", child->pause / SECOND_NS));
}

static void reap(struct supervisor *supervisor)
{
    int status = 0;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (int i = 0; i < SERVE_ROLES; i++) {
            if (supervisor->children[i].pid == pid) {
                bury(supervisor, (enum serve_id)i, status);
            }
        }
    }
}

/* Starts what is to run, ends what is not, kills what does neither. */
static void look_after(struct supervisor *supervisor, int64_t now)
{
    for (int i = 0; i < SERVE_ROLES; i++) {
        struct child *child = &supervisor->children[i];
        int64_t patience = child->beaten != 0 ? BEAT_PATIENCE : START_PATIENCE;
        int64_t since = child->beaten != 0 ? child->beaten : child->started;

        if (child->pid == 0) {
            if (child->wanted && !supervisor->stopping && now >= child->start_at) {
                start(supervisor, (enum serve_id)i);
            }
            continue;
        }
        if (!child->wanted || supervisor->stopping) {
            ask_to_end(child, AT_ONCE);
        }
        if (child->kill_at != 0 && now >= child->kill_at) {
            LOG(LOG_WARN, "role_killed", log_text("role", serve_role_name((enum serve_id)i)));
            (void)kill(child->pid, SIGKILL);
            child->kill_at = 0;
        } else if (child->asked != AT_ONCE && now - since >= patience) {
            LOG(LOG_ERROR, "role_silent", log_text("role", serve_role_name((enum serve_id)i)),
                log_int("seconds", (now - since) / SECOND_NS));
            (void)kill(child->pid, SIGKILL);
            child->beaten = 0;
            child->started = now;
        }
    }
}

static bool all_gone(const struct supervisor *supervisor)
{
    bool gone = true;

    for (int i = 0; i < SERVE_ROLES; i++) {
        gone = gone && supervisor->children[i].pid == 0;
    }
    return gone;
}

/* The metrics are no part of the work: nothing is ended for their sake. */
static bool all_up(const struct supervisor *supervisor, int64_t now)
{
    bool up = true;

    for (int i = 0; i < SITE_ROLES; i++) {
        const struct child *child = &supervisor->children[i];

        up = up && (!child->wanted || is_up(child, now));
    }
    return up;
}

/* A role that is to start anew does not count yet, though it is up. */
static bool is_settled(const struct supervisor *supervisor)
{
    bool settled = true;

    for (int i = 0; i < SITE_ROLES; i++) {
        settled = settled && supervisor->children[i].asked == NOT_ASKED;
    }
    return settled;
}

/* ---- What is told ---- */

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
        status.roles[i].up = is_up(child, now);
        status.roles[i].pid = child->pid;
        status.roles[i].restarts = child->restarts;
        for (int f = 0; f < SERVE_FIGURES; f++) {
            status.figures[f] += child->figures[f] + child->earlier[f];
        }
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
    bool up = all_up(supervisor, now);

    for (int i = 0; i < SERVE_ROLES; i++) {
        const struct child *child = &supervisor->children[i];

        if (child->wanted) {
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s %s", len > 0 ? ", " : "",
                                    serve_role_name((enum serve_id)i),
                                    is_up(child, now)  ? "runs"
                                    : child->pid != 0 ? "starts"
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
        ((up && is_settled(supervisor)) ||
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
    if (config_open(supervisor->options->command, next) != EXIT_DONE) {
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
        ask_to_end(&supervisor->children[i], AT_LEISURE);
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
    reap(supervisor);
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

    while (!supervisor->stopping || !all_gone(supervisor)) {
        int64_t now = clock_ticks();

        look_after(supervisor, now);
        tell_systemd(supervisor, now);
        if (now - told >= SECOND_NS) {
            told = now;
            tell_metrics(supervisor, now);
        }
        sleep_a_while(supervisor, now);
        take_signals(supervisor);
        for (int i = 0; i < SERVE_ROLES; i++) {
            read_beats(&supervisor->children[i]);
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
    status = config_open(options->command, supervisor.config);
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
    close_pipe(&supervisor.signal_fd);
    close_pipe(&supervisor.lock_fd);
    config_close(supervisor.config);
    return status;
}
