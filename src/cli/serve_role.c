/* What every role does: signals, beats, the end. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "serve.h"
#include "teataja/base/clock.h"
#include "teataja/base/log.h"

enum { BEAT_MS = 2000, WAIT_BITE_MS = 10000 };

#define SECOND_NS INT64_C(1000000000)

static const char *const names[SERVE_ROLES] = {[SERVE_SCHEDULE] = "schedule",
                                               [SERVE_DELIVER] = "deliver",
                                               [SERVE_WEB] = "web",
                                               [SERVE_SOURCES] = "sources",
                                               [SERVE_METRICS] = "metrics",
                                               [SERVE_SCHEDULE_2] = "schedule-2",
                                               [SERVE_SCHEDULE_3] = "schedule-3",
                                               [SERVE_SCHEDULE_4] = "schedule-4"};

/* How long a role's loop may say nothing; 0: it has none of its own. A schedule's run
 * composes a whole mailing. */
static const int64_t patience[SERVE_ROLES] = {
    [SERVE_SCHEDULE] = 1800 * SECOND_NS,   [SERVE_SCHEDULE_2] = 1800 * SECOND_NS,
    [SERVE_SCHEDULE_3] = 1800 * SECOND_NS, [SERVE_SCHEDULE_4] = 1800 * SECOND_NS,
    [SERVE_SOURCES] = 1800 * SECOND_NS,    [SERVE_DELIVER] = 120 * SECOND_NS};

struct serve_pulse {
    pthread_t thread;
    bool running;
    int beat_fd;
    int end[2]; /* the thread ends when end[0] is readable */
    int64_t patience;
    _Atomic int64_t alive; /* ticks */
    _Atomic int64_t figures[SERVE_FIGURES];
};

static atomic_bool stop;
static atomic_bool hurry;
static int stop_pipe[2] = {-1, -1};

const char *serve_role_name(enum serve_id id)
{
    return names[id];
}

bool serve_is_counter(enum serve_figure figure)
{
    return figure <= SERVE_UNKNOWN || figure >= SERVE_RUNS_DONE;
}

/* What takes longer than it may ends by SIGALRM, also if nobody is there to kill it. */
static void on_stop(int number)
{
    int native = errno;
    const char byte = 's';

    if (number != SERVE_SIGNAL_LEISURE && !atomic_exchange(&hurry, true)) {
        alarm(SERVE_STOP_SECONDS);
    }
    if (!atomic_exchange(&stop, true) && write(stop_pipe[1], &byte, 1) < 0) {
        _exit(EXIT_FAILED);
    }
    errno = native;
}

static void beat(struct serve_pulse *pulse)
{
    struct serve_beat message;

    for (size_t i = 0; i < SERVE_FIGURES; i++) {
        message.figures[i] = atomic_load(&pulse->figures[i]);
    }
    /* A pipe that is full has beats enough in it. */
    if (write(pulse->beat_fd, &message, sizeof(message)) < 0 && errno != EAGAIN) {
        LOG(LOG_WARN, "beat_failed", log_text("error", strerror(errno)));
    }
}

static void *pulse_main(void *context)
{
    struct serve_pulse *pulse = context;
    struct pollfd end = {.fd = pulse->end[0], .events = POLLIN};

    do {
        if (pulse->patience == 0 || clock_ticks() - atomic_load(&pulse->alive) < pulse->patience) {
            beat(pulse);
        }
    } while (poll(&end, 1, BEAT_MS) <= 0);
    return NULL;
}

void serve_ready(struct serve_role *role)
{
    struct serve_pulse *pulse = role->pulse;
    sigset_t all;
    sigset_t before;

    if (pulse->running) {
        return;
    }
    atomic_store(&pulse->alive, clock_ticks());
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pulse->running = pthread_create(&pulse->thread, NULL, pulse_main, pulse) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!pulse->running) {
        LOG(LOG_ERROR, "role_without_pulse", log_text("role", names[role->id]));
    }
}

void serve_alive(struct serve_role *role)
{
    atomic_store(&role->pulse->alive, clock_ticks());
}

void serve_figure(struct serve_role *role, enum serve_figure figure, int64_t value)
{
    atomic_store(&role->pulse->figures[figure], value);
}

bool serve_wait(struct serve_role *role, int milliseconds)
{
    struct pollfd wait = {.fd = role->stop_fd, .events = POLLIN};

    /* In bites, because the pulse has less patience than some have time. */
    while (!atomic_load(role->stop) && milliseconds > 0) {
        int bite = milliseconds < WAIT_BITE_MS ? milliseconds : WAIT_BITE_MS;

        serve_alive(role);
        (void)poll(&wait, 1, bite);
        milliseconds -= bite;
    }
    serve_alive(role);
    return atomic_load(role->stop);
}

static void end_pulse(struct serve_pulse *pulse)
{
    const char byte = 'e';

    if (pulse->running && write(pulse->end[1], &byte, 1) == 1) {
        pthread_join(pulse->thread, NULL);
    }
    beat(pulse); /* the last figures */
}

/* The supervisor has a signal mask and handlers of its own. */
static void take_signals(void)
{
    struct sigaction on = {.sa_handler = on_stop};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t none;

    sigfillset(&on.sa_mask);
    sigaction(SIGTERM, &on, NULL);
    sigaction(SIGINT, &on, NULL);
    sigaction(SERVE_SIGNAL_LEISURE, &on, NULL);
    sigaction(SIGHUP, &ignore, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn void serve_role_main(enum serve_id id, struct workspace *workspace, const char *folder,
                               pid_t parent, int beat_fd, int status_fd)
{
    static int (*const mains[SERVE_ROLES])(struct serve_role * role, struct err * err) = {
        [SERVE_SCHEDULE] = serve_schedule,
        [SERVE_DELIVER] = serve_deliver,
        [SERVE_WEB] = serve_web,
        [SERVE_SOURCES] = serve_sources,
        [SERVE_METRICS] = serve_metrics,
        [SERVE_SCHEDULE_2] = serve_schedule,
        [SERVE_SCHEDULE_3] = serve_schedule,
        [SERVE_SCHEDULE_4] = serve_schedule};
    static struct serve_pulse pulse;
    struct serve_role role = {.id = id,
                              .workspace = workspace,
                              .folder = folder,
                              .stop = &stop,
                              .status_fd = status_fd,
                              .pulse = &pulse};
    struct err err = {0};
    char title[16]; /* as ps shows it */
    int rc;

    pulse.beat_fd = beat_fd;
    pulse.patience = patience[id];
    snprintf(title, sizeof(title), "tea:%s", names[id]);
    (void)prctl(PR_SET_NAME, title);
    if (pipe(stop_pipe) != 0 || pipe(pulse.end) != 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) {
        LOG(LOG_ERROR, "role_not_started", log_text("role", names[id]),
            log_text("error", strerror(errno)));
        exit(EXIT_FAILED);
    }
    role.stop_fd = stop_pipe[0];
    take_signals();
    if (getppid() != parent) { /* it went before the call above */
        exit(EXIT_FAILED);
    }
    rc = mains[id](&role, &err);
    if (rc < 0) {
        LOG(LOG_ERROR, "role_failed", log_text("role", names[id]), log_text("error", err.msg));
    }
    end_pulse(&pulse);
    workspace_close(workspace);
    exit(rc < 0 ? EXIT_FAILED : EXIT_DONE);
}
