/* confine.c - see teataja/base/confine.h. */
#include "teataja/base/confine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine_jail.h"
#include "teataja/base/clock.h"

#define NANOSECONDS 1000000 /* in a millisecond */
#define CHUNK 65536

/* What comes first in an answer. */
enum { ANSWER_GOOD = '+', ANSWER_BAD = '-' };

static int read_all(int fd, struct str *out)
{
    char chunk[CHUNK];

    for (;;) {
        ssize_t got = read(fd, chunk, sizeof(chunk));

        if (got == 0) {
            return str_check(out, NULL);
        }
        if (got > 0) {
            str_add_bytes(out, chunk, (size_t)got);
        } else if (errno != EINTR) {
            return ERR_IO;
        }
    }
}

static void write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, bytes, len);

        if (put < 0 && errno != EINTR) {
            return;
        }
        if (put > 0) {
            bytes += put;
            len -= (size_t)put;
        }
    }
}

/* All of the child's life; it never returns to its parent's code. */
__attribute__((noreturn)) static void live(const struct confine_options *options, int fd)
{
    struct str input;
    struct str answer;
    struct err err = {0};
    int rc;

    fd = confine_jail(options, fd);
    if (fd < 0) {
        _exit(1);
    }
    str_init(&input, options->input_max);
    str_init(&answer, options->answer_max);
    if (read_all(fd, &input) < 0) {
        _exit(1);
    }
    str_add_char(&answer, ANSWER_GOOD);
    rc = options->work(options->ctx, input.data, input.len, &answer, &err);
    if (rc == 0) {
        rc = str_check(&answer, &err);
    }
    if (rc < 0) {
        str_reset(&answer);
        str_addf(&answer, "%c%d %s", ANSWER_BAD, rc, err.msg);
    }
    write_all(fd, answer.data, answer.len);
    _exit(0);
}

int confine_start(const struct confine_options *options, struct confine *out, struct err *err)
{
    int pair[2];

    *out = (struct confine){.options = *options, .fd = -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        return err_set_errno(err, ERR_IO, errno, "cannot start a confined process");
    }
    out->pid = fork();
    if (out->pid == 0) {
        (void)close(pair[0]);
        live(options, pair[1]);
    }
    (void)close(pair[1]);
    if (out->pid < 0) {
        int native = errno;

        out->pid = 0;
        (void)close(pair[0]);
        return err_set_errno(err, ERR_IO, native, "cannot start a confined process");
    }
    out->fd = pair[0];
    return 0;
}

struct talk {
    struct confine *child;
    int stop_fd;
    int64_t until; /* clock_ticks */
};

/* Waits for the child to take or give something. */
static int await(const struct talk *talk, short what, struct err *err)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = talk->child->fd, .events = what},
                               {.fd = talk->stop_fd, .events = POLLIN}};
        int64_t left = (talk->until - clock_ticks()) / NANOSECONDS;
        int got = left > 0 ? poll(fds, 2, (int)left) : 0;

        if (got == 0) {
            return err_set(err, ERR_TIMEOUT, "reading it takes longer than %d s",
                           talk->child->options.wait_ms / 1000);
        }
        if (got < 0 && errno != EINTR) {
            return err_set_errno(err, ERR_IO, errno, "the confined process");
        }
        if (got > 0 && fds[1].revents != 0) {
            return err_set(err, ERR_STOPPED, "stopped while reading");
        }
        if (got > 0 && fds[0].revents != 0) {
            return 0;
        }
    }
}

/* The child is gone before its time: why. One that only closed its end is not waited for;
 * the end of one that does end stays what it was. */
static int died(struct confine *child, struct err *err)
{
    int status = 0;

    (void)kill(child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR) {
    }
    child->pid = 0;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) {
        return err_set(err, ERR_TIMEOUT, "reading it takes more than %d s of processor time",
                       child->options.cpu_s);
    }
    if (WIFSIGNALED(status)) {
        return err_set(err, ERR_PROTOCOL, "the process that read it was stopped by signal %d",
                       WTERMSIG(status));
    }
    return err_set(err, ERR_PROTOCOL, "the process that read it ended with status %d",
                   WEXITSTATUS(status));
}

static int send_input(const struct talk *talk, const char *input, size_t len, struct err *err)
{
    int fd = talk->child->fd;

    while (len > 0) {
        int rc = await(talk, POLLOUT, err);
        ssize_t put;

        if (rc < 0) {
            return rc;
        }
        put = send(fd, input, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put < 0 && errno != EINTR && errno != EAGAIN) {
            return died(talk->child, err);
        }
        if (put > 0) {
            input += put;
            len -= (size_t)put;
        }
    }
    (void)shutdown(fd, SHUT_WR);
    return 0;
}

static int get_answer(const struct talk *talk, struct str *raw, struct err *err)
{
    char chunk[CHUNK];

    for (;;) {
        int rc = await(talk, POLLIN, err);
        ssize_t got;

        if (rc < 0) {
            return rc;
        }
        got = recv(talk->child->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
        if (got == 0) {
            return raw->len == 0 ? died(talk->child, err) : 0;
        }
        if (got < 0 && errno != EINTR && errno != EAGAIN) {
            return died(talk->child, err);
        }
        if (got > 0) {
            str_add_bytes(raw, chunk, (size_t)got);
            if (raw->failed != 0) {
                return err_set(err, raw->failed, "what was read of it is longer than %zu bytes",
                               raw->ceiling);
            }
        }
    }
}

/* "-4 words": the code and the words of an error. */
static int bad_answer(const char *text, struct err *err)
{
    char *words = NULL;
    long code = strtol(text, &words, 10);

    if (code >= 0 || code < ERR_STATE) {
        code = ERR_PROTOCOL;
    }
    return err_set(err, (int)code, "%s", *words == ' ' ? words + 1 : words);
}

int confine_ask(struct confine *child, const char *input, size_t len, int stop_fd,
                struct str *answer, struct err *err)
{
    struct talk talk = {.child = child,
                        .stop_fd = stop_fd,
                        .until = clock_ticks() + (int64_t)child->options.wait_ms * NANOSECONDS};
    struct str raw;
    int rc;

    if (len > child->options.input_max) {
        return err_set(err, ERR_LIMIT, "it has %zu bytes; at most %zu are read", len,
                       child->options.input_max);
    }
    str_init(&raw, child->options.answer_max + 1);
    rc = send_input(&talk, input, len, err);
    if (rc == 0) {
        rc = get_answer(&talk, &raw, err);
    }
    if (rc == 0 && raw.data[0] == ANSWER_GOOD) {
        str_add_bytes(answer, raw.data + 1, raw.len - 1);
        rc = str_check(answer, err);
    } else if (rc == 0) {
        rc = bad_answer(raw.data + 1, err);
    }
    str_release(&raw);
    return rc;
}

void confine_end(struct confine *child)
{
    if (child->pid > 0) {
        (void)kill(child->pid, SIGKILL);
        while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    if (child->options.work != NULL && child->fd >= 0) {
        (void)close(child->fd);
    }
    *child = (struct confine){.fd = -1};
}
