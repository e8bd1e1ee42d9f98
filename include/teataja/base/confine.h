/* teataja/base/confine.h - a stranger's bytes, worked on by a process that can do nothing else.
 *
 * confine_start forks; the child closes every descriptor but its end of a socket pair,
 * takes limits on processor time, memory, files and processes upon itself, gives up
 * sockets, programs and new processes (seccomp), all files but those below one folder,
 * which it may read (Landlock, where the kernel has it), and waits. confine_ask sends
 * the input and gets the answer, a text. A crash, a hang, or an answer that is too
 * long is an error here and nothing more.
 *
 *     confine_start(&options, &child, err);   // before any thread exists
 *     ... fetch the bytes ...
 *     confine_ask(&child, bytes, len, &answer, err);
 *     confine_end(&child);                    // in any case
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "teataja/base/err.h"
#include "teataja/base/str.h"

/* Runs in the child: `input` is a NUL-terminated text of `len` bytes. What it puts in
 * *answer goes back when it returns 0; otherwise the words of err do. */
typedef int confine_work(void *ctx, const char *input, size_t len, struct str *answer,
                         struct err *err);

struct confine_options {
    confine_work *work;
    void *ctx;
    const char *readable; /* folder whose files may be read; NULL: none */
    size_t input_max;     /* bytes */
    size_t answer_max;    /* bytes */
    size_t memory;        /* bytes beyond what the process has now */
    int cpu_s;            /* seconds of processor time */
    int wait_ms;          /* how long confine_ask waits in all */
};

struct confine {
    struct confine_options options;
    pid_t pid;
    int fd;
};

/* Returns 0, or ERR_IO, ERR_NOMEM. Only the calling thread lives on in the child: call
 * it from a process without others. */
int confine_start(const struct confine_options *options, struct confine *out, struct err *err);

/* Once for each start. Appends the answer to *answer. Returns 0; what the work returned,
 * with its words; ERR_PROTOCOL if the child died ("... was stopped by signal 11");
 * ERR_TIMEOUT; ERR_LIMIT if input or answer is too long; ERR_STOPPED soon after stop_fd
 * (-1: none) is readable. */
int confine_ask(struct confine *child, const char *input, size_t len, int stop_fd,
                struct str *answer, struct err *err);

/* Ends the child and waits for it. Fine for one that was not started (all zeros). */
void confine_end(struct confine *child);
