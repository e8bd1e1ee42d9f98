/* The roles' processes: started, listened to, started again, stopped. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve_supervisor.h"
#include "teataja/base/clock.h"
#include "teataja/base/log.h"

#define START_PATIENCE (120 * SERVE_SECOND)        /* until the first beat: a migration, a sync */
#define BEAT_PATIENCE (20 * SERVE_SECOND)          /* between two beats */
#define STOP_PATIENCE (4500 * SERVE_SECOND / 1000) /* from SIGTERM to SIGKILL */
#define PAUSE_FIRST SERVE_SECOND
#define PAUSE_MOST (60 * SERVE_SECOND)
#define GOOD_LIFE (60 * SERVE_SECOND) /* after which the next death is a first one */

bool child_up(const struct child *child, int64_t now)
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

void serve_close(int *fd)
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
        serve_close(&status[1]);
        serve_role_main(id, &supervisor->config->workspace, supervisor->options->command->folder,
                        self, beats[1], status[0]);
    }
    serve_close(&beats[1]);
    serve_close(&status[0]);
    if (child->pid < 0) {
        LOG(LOG_ERROR, "role_not_started", log_text("role", serve_role_name(id)),
            log_text("error", strerror(errno)));
        serve_close(&beats[0]);
        serve_close(&status[1]);
        child->pid = 0;
        child->start_at = child->started + PAUSE_MOST;
        return;
    }
    child->beat_fd = beats[0];
    child->status_fd = status[1];
    LOG(LOG_INFO, "role_started", log_text("role", serve_role_name(id)),
        log_int("pid", child->pid));
}

void child_ask_to_end(struct child *child, enum asked how)
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

void child_hear(struct child *child)
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

    child_hear(child);
    keep_figures(child);
    serve_close(&child->beat_fd);
    serve_close(&child->status_fd);
    child->pid = 0;
    if (child->asked != NOT_ASKED) {
        LOG(WIFSIGNALED(status) ? LOG_WARN : LOG_INFO, "role_ended",
            log_text("role", serve_role_name(id)),
            log_int("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0));
        child->pause = 0;
        child->start_at = now;
        return;
    }
    child->pause =
        child->pause == 0 || now - child->started >= GOOD_LIFE ? PAUSE_FIRST : 2 * child->pause;
    child->pause = child->pause > PAUSE_MOST ? PAUSE_MOST : child->pause;
    child->start_at = now + child->pause;
    child->restarts++;
    LOG(LOG_ERROR, "role_died", log_text("role", serve_role_name(id)),
        log_int("status", WIFEXITED(status) ? WEXITSTATUS(status) : 0),
        log_int("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
        log_int("pause_s", child->pause / SERVE_SECOND));
}

void children_reap(struct supervisor *supervisor)
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

void children_look_after(struct supervisor *supervisor, int64_t now)
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
            child_ask_to_end(child, AT_ONCE);
        }
        if (child->kill_at != 0 && now >= child->kill_at) {
            LOG(LOG_WARN, "role_killed", log_text("role", serve_role_name((enum serve_id)i)));
            (void)kill(child->pid, SIGKILL);
            child->kill_at = 0;
        } else if (child->asked != AT_ONCE && now - since >= patience) {
            LOG(LOG_ERROR, "role_silent", log_text("role", serve_role_name((enum serve_id)i)),
                log_int("seconds", (now - since) / SERVE_SECOND));
            (void)kill(child->pid, SIGKILL);
            child->beaten = 0;
            child->started = now;
        }
    }
}

bool children_gone(const struct supervisor *supervisor)
{
    bool gone = true;

    for (int i = 0; i < SERVE_ROLES; i++) {
        gone = gone && supervisor->children[i].pid == 0;
    }
    return gone;
}

bool children_up(const struct supervisor *supervisor, int64_t now)
{
    bool up = true;

    for (int i = 0; i < SITE_ROLES; i++) {
        const struct child *child = &supervisor->children[i];

        up = up && (!child->wanted || child_up(child, now));
    }
    return up;
}

bool children_settled(const struct supervisor *supervisor)
{
    bool settled = true;

    for (int i = 0; i < SITE_ROLES; i++) {
        settled = settled && supervisor->children[i].asked == NOT_ASKED;
    }
    return settled;
}
