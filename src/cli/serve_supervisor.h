/* serve_supervisor.h - what the supervisor knows of its children. */
#pragma once

#include "serve.h"

#define SERVE_SECOND INT64_C(1000000000) /* in clock_ticks */

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
    int64_t beaten;   /* 0: not yet */
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
    char told[400]; /* the last STATUS */
};

/* Nothing is ended for the sake of sources and metrics: others do not wait for them. */
bool children_up(const struct supervisor *supervisor, int64_t now);

/* False while one that is up is still to start anew. */
bool children_settled(const struct supervisor *supervisor);
bool children_gone(const struct supervisor *supervisor);

/* It has beaten, and not too long ago. */
bool child_up(const struct child *child, int64_t now);

/* Asks for its end. At once: a message whose fate is open after five seconds will be
 * unknown. */
void child_ask_to_end(struct child *child, enum asked how);

/* Hears what it tells. */
void child_hear(struct child *child);

/* Starts what is to run, ends what is not, kills what does neither. */
void children_look_after(struct supervisor *supervisor, int64_t now);

/* Takes note of those that have ended, and of when the next one starts. */
void children_reap(struct supervisor *supervisor);

/* Closes unless it is -1, and makes it -1. */
void serve_close(int *fd);
