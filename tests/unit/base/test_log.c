/* test_log.c - lines of logfmt on standard error. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "teataja/base/clock.h"
#include "teataja/base/log.h"
#include "teataja/base/mem.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define HEAD "ts=2026-12-01T07:00:00.000000Z level=info event="

/* Standard error goes to a file while a test runs. */
static FILE *caught;
static int real_stderr = -1;

static int catch (void **state)
{
    (void)state;
    caught = tmpfile();
    real_stderr = dup(STDERR_FILENO);
    clock_fix(1796108400000000, 0);
    log_set_level(LOG_INFO);
    return caught == NULL || dup2(fileno(caught), STDERR_FILENO) < 0 ? -1 : 0;
}

static int release(void **state)
{
    (void)state;
    mem_fail_at(0, 0);
    log_set_level(LOG_WARN);
    clock_unfix();
    (void)dup2(real_stderr, STDERR_FILENO);
    (void)close(real_stderr);
    (void)fclose(caught);
    return 0;
}

/* What was written since the last call. */
static const char *written(void)
{
    static char text[70000];
    ssize_t got = pread(fileno(caught), text, sizeof(text) - 1, 0);

    text[got > 0 ? got : 0] = '\0';
    (void)ftruncate(fileno(caught), 0);
    (void)lseek(fileno(caught), 0, SEEK_SET);
    return text;
}

static void test_an_event_is_one_line(void **state)
{
    (void)state;
    LOG(LOG_INFO, "mailing_sent", log_int("mailing", 7), log_text("state", "done"),
        log_int("least", INT64_MIN));
    assert_string_equal(written(), HEAD "mailing_sent mailing=7 state=done "
                                        "least=-9223372036854775808\n");
    log_write(LOG_INFO, "started", NULL, 0);
    assert_string_equal(written(), HEAD "started\n");
}

static void test_values_are_quoted_where_they_must_be(void **state)
{
    static const struct {
        const char *text;
        const char *value;
    } cases[] = {
        {"plain", "plain"},
        {"a/b:c@d.example", "a/b:c@d.example"},
        {"õun", "õun"},
        {"", "\"\""},
        {NULL, "\"\""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"say \"x\"", "\"say \\\"x\\\"\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"a\r\nlevel=error\t", "\"a\\r\\nlevel=error\\t\""},
        {"\x1b[0m", "\"\\u001b[0m\""},
        {"\x7f", "\"\\u007f\""},
        {"\xC2\x85", "\"\\u0085\""},
        {"\xE2\x80\xAE", "\"\\u202e\""},
        {"\xE2\x80\xA8", "\"\\u2028\""},
        {"bad \xFF byte", "\"bad \\ufffd byte\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char line[200];

        LOG(LOG_INFO, "e", log_text("k", cases[i].text));
        (void)snprintf(line, sizeof(line), HEAD "e k=%s\n", cases[i].value);
        assert_string_equal(written(), line);
    }
}

static void test_only_the_wanted_levels_are_written(void **state)
{
    static const struct {
        enum log_level least;
        const char *written;
    } cases[] = {
        {LOG_DEBUG, "diwe"}, {LOG_INFO, "iwe"}, {LOG_WARN, "we"}, {LOG_ERROR, "e"}, {LOG_OFF, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char seen[8] = "";
        const char *at;

        log_set_level(cases[i].least);
        for (int level = LOG_DEBUG; level <= LOG_OFF; level++) {
            log_write((enum log_level)level, "x", NULL, 0);
        }
        at = written();
        while ((at = strstr(at, "level=")) != NULL) {
            at += strlen("level=");
            strncat(seen, at, 1);
        }
        assert_string_equal(seen, cases[i].written);
    }
}

static void test_a_line_that_is_too_long_is_told(void **state)
{
    char *text = calloc(1, 20000);

    (void)state;
    memset(text, 'x', 19999);
    LOG(LOG_INFO, "big", log_text("k", text));
    assert_string_equal(written(), HEAD "big fields=too_long\n");
    free(text);
}

static void test_no_memory_is_no_crash_and_errno_is_kept(void **state)
{
    (void)state;
    mem_fail_at(1, 1);
    errno = EDOM;
    LOG(LOG_INFO, "x", log_int("n", 1));
    assert_int_equal(errno, EDOM);
    mem_fail_at(0, 0);
    assert_string_equal(written(), "");
}

static void *write_many(void *arg)
{
    for (int i = 0; i < 200; i++) {
        LOG(LOG_INFO, "thread", log_text("fill", arg));
    }
    return NULL;
}

static void test_lines_of_threads_do_not_mix(void **state)
{
    static char fills[4][60];
    pthread_t threads[4];
    int flags = fcntl(fileno(caught), F_GETFL);
    FILE *in;
    char line[256];
    int lines = 0;

    (void)state;
    (void)fcntl(fileno(caught), F_SETFL, flags | O_APPEND);
    for (int i = 0; i < 4; i++) {
        memset(fills[i], 'a' + i, sizeof(fills[i]) - 1);
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, fills[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    in = caught;
    rewind(in);
    while (fgets(line, sizeof(line), in) != NULL) {
        const char *fill = strstr(line, " fill=");

        assert_non_null(fill);
        assert_int_equal(strncmp(line, HEAD "thread", strlen(HEAD "thread")), 0);
        assert_int_equal(strspn(fill + 6, (char[]){fill[6], '\0'}), 59);
        assert_string_equal(fill + 6 + 59, "\n");
        lines++;
    }
    assert_int_equal(lines, 800);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_event_is_one_line, catch, release),
        cmocka_unit_test_setup_teardown(test_values_are_quoted_where_they_must_be, catch, release),
        cmocka_unit_test_setup_teardown(test_only_the_wanted_levels_are_written, catch, release),
        cmocka_unit_test_setup_teardown(test_a_line_that_is_too_long_is_told, catch, release),
        cmocka_unit_test_setup_teardown(test_no_memory_is_no_crash_and_errno_is_kept, catch,
                                        release),
        cmocka_unit_test_setup_teardown(test_lines_of_threads_do_not_mix, catch, release),
    };

    return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
