/* What a confined process may do, and what becomes of one that misbehaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "teataja/base/confine.h"

#define MOST 100000

static int echo(void *ctx, const char *input, size_t len, struct str *answer, struct err *err)
{
    (void)err;
    str_add(answer, ctx);
    str_add_bytes(answer, input, len);
    return 0;
}

static int refuse(void *ctx, const char *input, size_t len, struct str *answer, struct err *err)
{
    (void)ctx, (void)input, (void)len;
    str_add(answer, "half of it");
    return err_set(err, ERR_LIMIT, "line 3: too much");
}

static int crash(void *ctx, const char *input, size_t len, struct str *answer, struct err *err)
{
    (void)ctx, (void)input, (void)len, (void)answer, (void)err;
    (void)signal(SIGSEGV, SIG_DFL);
    (void)raise(SIGSEGV);
    *(volatile int *)(uintptr_t)8 = 1; /* NOLINT: raise is not allowed to work */
    return 0;
}

static int leave(void *ctx, const char *input, size_t len, struct str *answer, struct err *err)
{
    (void)ctx, (void)input, (void)len, (void)answer, (void)err;
    _exit(7);
}

static int spin(void *ctx, const char *input, size_t len, struct str *answer, struct err *err)
{
    (void)ctx, (void)input, (void)len, (void)answer, (void)err;
    for (volatile unsigned n = 0;; n++) {
    }
    return 0;
}

static int hang(void *ctx, const char *input, size_t len, struct str *answer, struct err *err)
{
    (void)ctx, (void)input, (void)len, (void)answer, (void)err;
    for (;;) {
        (void)pause();
    }
    return 0;
}

/* Taken over by its input: it seems to have ended, and has not. */
static int sulk(void *ctx, const char *input, size_t len, struct str *answer, struct err *err)
{
    (void)close(3);
    return hang(ctx, input, len, answer, err);
}

static int flood(void *ctx, const char *input, size_t len, struct str *answer, struct err *err)
{
    (void)ctx, (void)input, (void)len, (void)err;
    str_add_repeat(answer, 'x', MOST + 10);
    return 0;
}

/* Past the ceiling of its own string: straight into the socket. */
static int shout(void *ctx, const char *input, size_t len, struct str *answer, struct err *err)
{
    static char bytes[4096];

    (void)ctx, (void)input, (void)len, (void)answer, (void)err;
    memset(bytes, '+', sizeof(bytes));
    while (write(3, bytes, sizeof(bytes)) > 0) {
    }
    return 0;
}

/* Names of what works that should not. */
static int try_all(void *ctx, const char *input, size_t len, struct str *answer, struct err *err)
{
    static const char *const files[] = {"/etc/passwd", "/proc/self/environ", "/tmp"};
    int fd;

    (void)input, (void)len, (void)err;
    for (int domain = AF_UNIX; domain <= AF_INET6; domain++) {
        if (socket(domain, SOCK_STREAM, 0) >= 0) {
            str_addf(answer, "socket %d;", domain);
        }
    }
    if (fork() != -1 || errno != EPERM) {
        str_add(answer, "fork;");
    }
    if (kill(getppid(), 0) == 0) {
        str_add(answer, "kill;");
    }
    if (execl("/bin/true", "true", (char *)NULL) != -1 || (errno != EPERM && errno != EACCES)) {
        str_add(answer, "exec;");
    }
    fd = open(ctx, O_WRONLY | O_CREAT, 0600);
    if (fd >= 0 && write(fd, "x", 1) == 1) {
        str_add(answer, "write;");
    }
    for (int i = 4; i < 64; i++) {
        if (fcntl(i, F_GETFD) != -1 && i != fd) {
            str_addf(answer, "descriptor %d;", i);
        }
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (open(files[i], O_RDONLY) >= 0) {
            str_addf(answer, "[%s]", files[i]);
        }
    }
    fd = open("/usr/share/zoneinfo/UTC", O_RDONLY);
    str_add(answer, fd >= 0 ? "zones" : "no zones");
    return 0;
}

static int ask(confine_work *work, void *ctx, const char *input, size_t len, int stop_fd,
               struct str *answer, struct err *err)
{
    const struct confine_options options = {.work = work,
                                            .ctx = ctx,
                                            .readable = "/usr/share/zoneinfo",
                                            .input_max = MOST,
                                            .answer_max = MOST,
                                            .memory = 64 << 20,
                                            .cpu_s = 1,
                                            .wait_ms = 4000};
    struct confine child;
    int rc;

    str_init(answer, MOST);
    memset(err, 0, sizeof(*err));
    assert_int_equal(confine_start(&options, &child, err), 0);
    rc = confine_ask(&child, input, len, stop_fd, answer, err);
    confine_end(&child);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* none is left */
    assert_int_equal(errno, ECHILD);
    return rc;
}

static void test_what_is_sent_comes_back(void **state)
{
    static char big[MOST - 2];
    struct str answer;
    struct err err;

    (void)state;
    memset(big, 'a', sizeof(big));
    assert_int_equal(ask(echo, "=", "", 0, -1, &answer, &err), 0);
    assert_string_equal(answer.data, "=");
    str_release(&answer);
    assert_int_equal(ask(echo, "=", big, sizeof(big), -1, &answer, &err), 0);
    assert_int_equal(answer.len, sizeof(big) + 1);
    str_release(&answer);
}

static void test_whatever_goes_wrong_is_an_error_with_its_words(void **state)
{
    static const struct {
        confine_work *work;
        int code;
        const char *words;
    } cases[] = {
        {refuse, ERR_LIMIT, "line 3: too much"},
        {crash, ERR_PROTOCOL, "the process that read it "},
        {leave, ERR_PROTOCOL, "the process that read it ended with status 7"},
        {spin, ERR_TIMEOUT, "reading it takes more than 1 s of processor time"},
        {hang, ERR_TIMEOUT, "reading it takes longer than 4 s"},
        {sulk, ERR_PROTOCOL, "the process that read it was stopped by signal 9"},
        {flood, ERR_LIMIT, "text is longer than"},
        {shout, ERR_LIMIT, "what was read of it is longer than"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str answer;
        struct err err;
        int rc = ask(cases[i].work, NULL, "in", 2, -1, &answer, &err);

        if (rc != cases[i].code || strstr(err.msg, cases[i].words) == NULL) {
            fail_msg("case %zu: %d '%s', not '%s'", i, rc, err.msg, cases[i].words);
        }
        assert_int_equal(answer.len, 0);
        str_release(&answer);
    }
}

/* Started by a program that closed 0, 1 and 2, where our sockets then come to stand. */
static void test_it_works_where_the_standard_descriptors_are_closed(void **state)
{
    int status = 0;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        struct str answer;
        struct err err;
        bool good;

        for (int fd = 0; fd < 3; fd++) {
            (void)close(fd);
        }
        good = ask(echo, "heard ", "in", 2, -1, &answer, &err) == 0 &&
               strcmp(answer.data, "heard in") == 0;
        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_input_has_a_ceiling(void **state)
{
    static char big[MOST + 1];
    struct str answer;
    struct err err;

    (void)state;
    assert_int_equal(ask(echo, "", big, sizeof(big), -1, &answer, &err), ERR_LIMIT);
}

static void test_waiting_ends_when_it_is_asked_to(void **state)
{
    struct str answer;
    struct err err;
    int pair[2];

    (void)state;
    assert_int_equal(pipe(pair), 0);
    assert_int_equal(write(pair[1], "x", 1), 1);
    assert_int_equal(ask(hang, NULL, "in", 2, pair[0], &answer, &err), ERR_STOPPED);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

static void test_it_reaches_neither_network_nor_programs_nor_files(void **state)
{
    char name[] = "/tmp/teataja-confine-XXXXXX";
    struct str answer;
    struct err err;
    char *files;
    int fd = mkstemp(name);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(ask(try_all, name, "", 0, -1, &answer, &err), 0);
    files = strchr(answer.data, '[');
    if (files != NULL) { /* a kernel without Landlock */
        print_message("files are not confined here: %s\n", files);
        assert_ptr_equal(files, answer.data);
    } else {
        assert_string_equal(answer.data, "zones");
    }
    str_release(&answer);
    (void)close(fd);
    (void)unlink(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_sent_comes_back),
        cmocka_unit_test(test_whatever_goes_wrong_is_an_error_with_its_words),
        cmocka_unit_test(test_it_works_where_the_standard_descriptors_are_closed),
        cmocka_unit_test(test_input_has_a_ceiling),
        cmocka_unit_test(test_waiting_ends_when_it_is_asked_to),
        cmocka_unit_test(test_it_reaches_neither_network_nor_programs_nor_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
