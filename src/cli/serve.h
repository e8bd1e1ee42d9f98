/* serve.h - the daemon: a supervisor, and roles in processes of their own.
 *
 * The supervisor holds the configuration that was read last without a fault, and nothing
 * else: no database, no thread. A role is forked from it and so starts with that
 * configuration, whatever the files say by then; only the database is shared.
 *
 * A role beats: every two seconds it writes a struct serve_beat into its pipe. The
 * supervisor passes what it knows of all of them on to the role metrics, by another.
 */
#pragma once

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "teataja/config/site.h"
#include "workspace.h"

enum serve_id {
    SERVE_SCHEDULE = SITE_ROLE_SCHEDULE,
    SERVE_DELIVER = SITE_ROLE_DELIVER,
    SERVE_WEB = SITE_ROLE_WEB,
    SERVE_SOURCES = SITE_ROLES, /* beside schedule, where there are sources */
    SERVE_METRICS,
    SERVE_SCHEDULE_2, /* more of the first: serve.schedulers */
    SERVE_SCHEDULE_3,
    SERVE_SCHEDULE_4,
    SERVE_ROLES
};

/* Numbers that a role tells with each beat. */
enum serve_figure {
    SERVE_SENT, /* to SERVE_UNKNOWN: messages since the process started, by what became of them */
    SERVE_DEFERRED,
    SERVE_FAILED,
    SERVE_SUPPRESSED,
    SERVE_UNKNOWN,
    SERVE_RELAY_FAULT, /* 1 while the relay will not go on */
    SERVE_NEXT_DUE,    /* schedule: the next occurrence, microseconds UTC; INT64_MAX: none */
    SERVE_HELD,        /* schedule: 1 while a jump of the clock holds everything */
    SERVE_LOOKED_AT,   /* schedule: when it found out both, microseconds UTC */
    SERVE_RUNS_DONE,   /* to SERVE_RUNS_FAILED: occurrences since the process started */
    SERVE_RUNS_SKIPPED,
    SERVE_RUNS_FAILED,
    SERVE_FIGURES
};

/* True of what is counted, so that a new process goes on from the sum of the ones before. */
bool serve_is_counter(enum serve_figure figure);

struct serve_beat {
    int64_t figures[SERVE_FIGURES];
};

/* What the supervisor knows, for the metrics. Fits into one write to a pipe. */
struct serve_status {
    int64_t started;       /* microseconds UTC */
    int64_t reloads;       /* of the configuration, that were taken */
    int64_t reload_faults; /* that were refused */
    int64_t figures[SERVE_FIGURES];
    struct {
        bool wanted;
        bool up; /* it has beaten, and not too long ago */
        int64_t pid;
        int64_t restarts; /* since the daemon started, reloads not counted */
    } roles[SERVE_ROLES];
};

/* ---- A role's side ---- */

struct serve_pulse;

struct serve_role {
    enum serve_id id;
    struct workspace *workspace; /* without its database */
    const char *folder;          /* of the site */
    const atomic_bool *stop;     /* true once it shall end */
    int stop_fd;                 /* readable from then on */
    int status_fd;               /* metrics: struct serve_status comes in */
    struct serve_pulse *pulse;
};

/* "schedule", "deliver", "web", "sources", "metrics", "schedule-2" and so on. */
const char *serve_role_name(enum serve_id id);

/* Runs a role in the process that was forked for it, and ends the process. Beats go to
 * `beat_fd`. Stops at SIGTERM and SIGINT; and when the supervisor is gone, which is what
 * `parent` was. Ends itself when that takes more than SERVE_STOP_SECONDS, unless it was asked
 * by SERVE_SIGNAL_LEISURE: then it finishes what it has in hand, however long that takes. */
#define SERVE_STOP_SECONDS 5
#define SERVE_SIGNAL_LEISURE SIGUSR1
_Noreturn void serve_role_main(enum serve_id id, struct workspace *workspace, const char *folder,
                               pid_t parent, int beat_fd, int status_fd);

/* The role does its work: it beats from now on. */
void serve_ready(struct serve_role *role);

/* The role's own loop is alive. One that has not said so for too long stops beating. */
void serve_alive(struct serve_role *role);

/* Tells a figure with the next beat. Any thread. */
void serve_figure(struct serve_role *role, enum serve_figure figure, int64_t value);

/* Waits, at most so long; true if the role shall end. */
bool serve_wait(struct serve_role *role, int milliseconds);

/* The roles: return 0 when they were asked to end. */
int serve_deliver(struct serve_role *role, struct err *err);
int serve_schedule(struct serve_role *role, struct err *err);
int serve_web(struct serve_role *role, struct err *err);
int serve_sources(struct serve_role *role, struct err *err);
int serve_metrics(struct serve_role *role, struct err *err);

/* ---- The supervisor's side ---- */

struct serve_options {
    const struct command *command;
    bool chosen[SITE_ROLES]; /* from --role; none: those of teataja.yaml */
};

/* Opens the site, runs the roles until SIGTERM or SIGINT. */
enum exit_status serve_supervise(const struct serve_options *options);

/* Checks `serve` of teataja.yaml; problems go to `report`. For check as well. */
void serve_check(const struct workspace *workspace, struct report *report);

/* ---- The lock of a site ---- */

/* Takes var/serve.lock, in which the holder's pid and start stand. ERR_EXISTS names them.
 * The lock goes with the process, or when *fd is closed everywhere. */
int serve_lock(struct workspace *workspace, int *fd, struct err *err);

/* ---- systemd's protocol (sd_notify(3)) ---- */

struct serve_notify {
    int fd;           /* -1: nobody listens */
    int64_t watchdog; /* nanoseconds between two signs of life; 0: none are wanted */
};

/* From NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. A socket that cannot be used is logged. */
void serve_notify_open(struct serve_notify *notify);
void serve_notify_close(struct serve_notify *notify);

/* Sends "READY=1" and the like. */
void serve_notify_send(const struct serve_notify *notify, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
