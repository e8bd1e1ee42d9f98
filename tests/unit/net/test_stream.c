/* test_stream.c - connecting through libcurl to a server that behaves or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/certificate.h"
#include "support/smtp_server.h"
#include "teataja/base/clock.h"
#include "teataja/net/stream.h"

#define DAY 86400L

static char folder[64];

static struct stream_options plain(const char *url)
{
    return (struct stream_options){.url = url,
                                   .starttls = STREAM_STARTTLS_OFF,
                                   .hello = "client.example",
                                   .connect_ms = 3000,
                                   .reply_ms = 3000,
                                   .stop_fd = -1};
}

/* Opens, expecting the error; the message must hold `words`. */
static void fails(const struct stream_options *options, int code, const char *words)
{
    struct stream *stream = NULL;
    struct err err = {0};

    assert_int_equal(stream_open(options, &stream, &err), code);
    assert_null(stream);
    assert_int_equal(err.code, code);
    if (strstr(err.msg, words) == NULL) {
        fail_msg("'%s' does not hold '%s'", err.msg, words);
    }
}

/* One NOOP there and back over an open stream. */
static void talks(struct stream *stream)
{
    struct err err = {0};
    char answer[256];
    size_t got = 0;

    assert_int_equal(stream_send_all(stream, "NOOP\r\n", 6, 1000, NULL, &err), 0);
    assert_int_equal(stream_recv(stream, answer, sizeof(answer), &got, 1000, &err), 0);
    assert_true(got > 4);
    assert_memory_equal(answer, "502 ", 4);
    assert_int_equal(stream_recv(stream, answer, sizeof(answer), &got, 0, &err), ERR_TIMEOUT);
}

static void test_plain_stream_carries_bytes_both_ways(void **state)
{
    struct server_options options = {.pipelining = true};
    struct smtp_server *server = smtp_server_start(&options);
    struct stream_options client = plain(smtp_server_url(server));
    struct stream *stream = NULL;
    struct err err = {0};
    char *transcript;

    (void)state;
    assert_int_equal(stream_open(&client, &stream, &err), 0);
    assert_false(stream_is_encrypted(stream));
    assert_non_null(strstr(smtp_server_url(server), stream_peer(stream)));
    talks(stream);
    stream_close(stream);
    transcript = smtp_server_transcript(server);
    assert_string_equal(transcript, "1 EHLO client.example\n1 NOOP\n");
    free(transcript);
    smtp_server_stop(server);
}

static void test_starttls_and_login_are_done_before_the_stream_is_ours(void **state)
{
    struct certificate pem;
    struct server_options options = {.user = "kuu", .password = "p\xc3\xa4ike"};
    struct smtp_server *server;
    struct stream_options client;
    struct stream *stream = NULL;
    struct err err = {0};
    char *transcript;

    (void)state;
    certificate_make(folder, "127.0.0.1", time(NULL) - DAY, time(NULL) + DAY, &pem);
    options.certificate = pem.certificate;
    options.key = pem.key;
    server = smtp_server_start(&options);
    client = plain(smtp_server_url(server));
    client.starttls = STREAM_STARTTLS_REQUIRED;
    client.ca_file = pem.authority;
    client.user = "kuu";
    client.password = "p\xc3\xa4ike";
    assert_int_equal(stream_open(&client, &stream, &err), 0);
    assert_true(stream_is_encrypted(stream));
    talks(stream);
    stream_close(stream);
    transcript = smtp_server_transcript(server);
    assert_string_equal(transcript, "1 EHLO client.example\n1 STARTTLS\n1 EHLO client.example\n"
                                    "1 AUTH PLAIN\n1 NOOP\n");
    free(transcript);

    client.password = "vale";
    fails(&client, ERR_DENIED, "refused the login of 'kuu'; check user and password: 535 5.7.8");
    smtp_server_stop(server);
    certificate_remove(&pem);
}

static void test_smtps_begins_with_tls(void **state)
{
    struct certificate pem;
    struct server_options options = {.tls_first = true};
    struct smtp_server *server;
    struct stream_options client;
    struct stream *stream = NULL;
    struct err err = {0};

    (void)state;
    certificate_make(folder, "127.0.0.1", time(NULL) - DAY, time(NULL) + DAY, &pem);
    options.certificate = pem.certificate;
    options.key = pem.key;
    server = smtp_server_start(&options);
    client = plain(smtp_server_url(server));
    client.starttls = STREAM_STARTTLS_REQUIRED;
    client.ca_file = pem.authority;
    assert_int_equal(stream_open(&client, &stream, &err), 0);
    assert_true(stream_is_encrypted(stream));
    talks(stream);
    stream_close(stream);
    smtp_server_stop(server);
    certificate_remove(&pem);
}

static void test_bad_certificates_are_told_apart(void **state)
{
    static const struct {
        const char *name;
        int from; /* days from now */
        int until;
        bool trusted;
        const char *words;
    } cases[] = {
        {"127.0.0.1", -1, 1, false, "is not trusted; if it is your own, name its authority"},
        {"other.example", -1, 1, true, "is for another name"},
        {"127.0.0.1", -30, -2, true, " expired on "},
        {"127.0.0.1", 2, 30, true, "is valid only from "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct certificate pem;
        struct server_options options = {0};
        struct smtp_server *server;
        struct stream_options client;

        certificate_make(folder, cases[i].name, time(NULL) + cases[i].from * DAY,
                         time(NULL) + cases[i].until * DAY, &pem);
        options.certificate = pem.certificate;
        options.key = pem.key;
        server = smtp_server_start(&options);
        client = plain(smtp_server_url(server));
        client.starttls = i % 2 == 0 ? STREAM_STARTTLS_REQUIRED : STREAM_STARTTLS_OPTIONAL;
        client.ca_file = cases[i].trusted ? pem.authority : NULL;
        fails(&client, ERR_PROTOCOL, cases[i].words);
        smtp_server_stop(server);
        certificate_remove(&pem);
    }
}

/* In a view of the files of its own, where the system trusts what stands in `trusted`. */
static int open_where_trusted(const char *trusted, const struct stream_options *client)
{
    struct stream *stream = NULL;
    struct err err = {0};
    int rc;

    if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount(trusted, "/etc/ssl/certs", NULL, MS_BIND, NULL) != 0) {
        return 1;
    }
    rc = stream_open(client, &stream, &err);
    stream_close(stream);
    return rc;
}

/* By a process of its own: -rc of open_where_trusted. */
static int try_where_trusted(const char *trusted, const struct stream_options *client)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        _exit(-open_where_trusted(trusted, client) & 0xFF);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_with_an_authority_of_ones_own_the_systems_are_not_trusted(void **state)
{
    struct certificate pem;
    struct certificate other;
    char apart[sizeof(folder) + 8];
    struct server_options options = {0};
    struct smtp_server *server;
    struct stream_options client;
    int rc;

    (void)state;
    (void)snprintf(apart, sizeof(apart), "%s/apart", folder);
    assert_int_equal(mkdir(apart, 0700), 0);
    certificate_make(folder, "127.0.0.1", time(NULL) - DAY, time(NULL) + DAY, &pem);
    certificate_make(apart, "127.0.0.1", time(NULL) - DAY, time(NULL) + DAY, &other);
    options.certificate = pem.certificate;
    options.key = pem.key;
    server = smtp_server_start(&options);
    client = plain(smtp_server_url(server));
    client.starttls = STREAM_STARTTLS_REQUIRED;
    client.ca_file = pem.authority;
    rc = try_where_trusted(folder, &client);
    if (rc != 0xFF) { /* else the system lets nobody change the view */
        assert_int_equal(rc, 0);
        client.ca_file = other.authority;
        assert_int_equal(try_where_trusted(folder, &client), -ERR_PROTOCOL);
    }
    smtp_server_stop(server);
    certificate_remove(&other);
    certificate_remove(&pem);
    assert_int_equal(rmdir(apart), 0);
}

static void test_starttls_that_is_not_offered_is_refused_unless_optional(void **state)
{
    struct server_options options = {.user = "kuu", .password = "x"};
    struct smtp_server *server = smtp_server_start(&options);
    struct stream_options client = plain(smtp_server_url(server));
    struct stream *stream = NULL;
    struct err err = {0};
    char *transcript;

    (void)state;
    client.starttls = STREAM_STARTTLS_REQUIRED;
    fails(&client, ERR_PROTOCOL, "does not offer STARTTLS; use smtps://");
    client.starttls = STREAM_STARTTLS_OPTIONAL;
    client.user = "kuu";
    client.password = "x";
    fails(&client, ERR_PROTOCOL, "a password is not sent without");
    transcript = smtp_server_transcript(server);
    assert_null(strstr(transcript, "AUTH"));
    free(transcript);
    client.user = NULL;
    assert_int_equal(stream_open(&client, &stream, &err), 0);
    assert_false(stream_is_encrypted(stream));
    stream_close(stream);
    smtp_server_stop(server);
}

static void test_login_that_is_not_offered_is_refused(void **state)
{
    struct server_options options = {0};
    struct smtp_server *server = smtp_server_start(&options);
    struct stream_options client = plain(smtp_server_url(server));

    (void)state;
    client.user = "kuu";
    client.password = "x";
    fails(&client, ERR_DENIED, "offers no login that we can use");
    smtp_server_stop(server);
}

static void test_what_the_server_says_instead_of_letting_us_in_is_told(void **state)
{
    static const struct {
        struct server_fault fault;
        int code;
        const char *words;
    } cases[] = {
        {{.stage = SERVER_GREETING, .act = SERVER_SAY_AND_CLOSE, .text = "421 4.3.2 too busy\r\n"},
         ERR_BUSY,
         "refused us: 421 4.3.2 too busy"},
        {{.stage = SERVER_GREETING, .act = SERVER_SAY_AND_CLOSE, .text = "554 5.7.1 not you\r\n"},
         ERR_DENIED,
         "refused us: 554 5.7.1 not you"},
        {{.stage = SERVER_GREETING, .act = SERVER_SAY, .text = "SSH-2.0-x\r\n"},
         ERR_PROTOCOL,
         "does not talk as a mail server: 'SSH-2.0-x'"},
        {{.stage = SERVER_EHLO, .act = SERVER_SAY_AND_CLOSE, .text = "421 4.3.2 too busy\r\n"},
         ERR_BUSY,
         "refused us: 421 4.3.2 too busy"},
        {{.stage = SERVER_GREETING, .act = SERVER_CLOSE}, ERR_CLOSED, "hung up"},
        {{.stage = SERVER_GREETING, .act = SERVER_STALL}, ERR_TIMEOUT, "did not answer in time"},
        {{.stage = SERVER_EHLO, .act = SERVER_CLOSE}, ERR_CLOSED, "hung up"},
        {{.stage = SERVER_EHLO, .act = SERVER_STALL}, ERR_TIMEOUT, "did not answer in time"},
        {{.stage = SERVER_AUTH, .act = SERVER_SAY, .text = "454 4.7.0 try later\r\n"},
         ERR_BUSY,
         "cannot check the login of 'kuu' now: 454 4.7.0"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct server_options options = {
            .faults = &cases[i].fault, .fault_count = 1, .user = "kuu", .password = "x"};
        struct smtp_server *server = smtp_server_start(&options);
        struct stream_options client = plain(smtp_server_url(server));

        client.user = "kuu";
        client.password = "x";
        client.reply_ms = 300;
        fails(&client, cases[i].code, cases[i].words);
        smtp_server_stop(server);
    }
}

static void test_text_injected_before_tls_is_refused(void **state)
{
    struct certificate pem;
    struct server_fault fault = {.stage = SERVER_STARTTLS,
                                 .act = SERVER_SAY,
                                 .text = "220 go\r\n250-evil.example\r\n250 AUTH PLAIN\r\n"};
    struct server_options options = {.faults = &fault, .fault_count = 1};
    struct smtp_server *server;
    struct stream_options client;

    (void)state;
    certificate_make(folder, "127.0.0.1", time(NULL) - DAY, time(NULL) + DAY, &pem);
    options.certificate = pem.certificate;
    options.key = pem.key;
    server = smtp_server_start(&options);
    client = plain(smtp_server_url(server));
    client.starttls = STREAM_STARTTLS_REQUIRED;
    client.ca_file = pem.authority;
    fails(&client, ERR_PROTOCOL, "");
    smtp_server_stop(server);
    certificate_remove(&pem);
}

static void test_nobody_listening_is_named_with_host_and_port(void **state)
{
    struct server_options options = {0};
    struct smtp_server *server = smtp_server_start(&options);
    char url[64];
    char words[96];
    struct stream_options client;

    (void)state;
    snprintf(url, sizeof(url), "%s", smtp_server_url(server));
    snprintf(words, sizeof(words), "no mail server answers at 127.0.0.1:%u: Connection refused",
             smtp_server_port(server));
    smtp_server_stop(server);
    client = plain(url);
    fails(&client, ERR_IO, words);
}

static void test_unusable_options_are_refused(void **state)
{
    static const struct {
        const char *url;
        const char *hello;
        const char *ca_file;
        const char *words;
    } cases[] = {
        {"smtp://", "a.example", NULL, "is not a URL"},
        {"http://127.0.0.1:9", "a.example", NULL, "begins with 'http:'"},
        {"smtp://u:p@127.0.0.1:9", "a.example", NULL, "holds no user and password"},
        {"smtp://127.0.0.1:9/x", "a.example", NULL, "has a path"},
        {"smtp://127.0.0.1:9", "a b\r\nMAIL", NULL, "is not a host name"},
        {"smtp://127.0.0.1:9", "", NULL, "is not a host name"},
        {"smtp://127.0.0.1:9", "a.example", "/nonexistent.pem", "cannot read the certificates"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stream_options client = plain(cases[i].url);
        client.hello = cases[i].hello;
        client.ca_file = cases[i].ca_file;
        fails(&client, ERR_INVALID, cases[i].words);
    }
}

static void test_environment_names_no_proxy_for_us(void **state)
{
    struct server_options options = {0};
    struct smtp_server *server = smtp_server_start(&options);
    struct stream_options client = plain(smtp_server_url(server));
    struct stream *stream = NULL;
    struct err err = {0};

    (void)state;
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    assert_int_equal(stream_open(&client, &stream, &err), 0);
    stream_close(stream);
    unsetenv("ALL_PROXY");
    unsetenv("all_proxy");
    smtp_server_stop(server);
}

static void *stop_soon(void *context)
{
    usleep(100000);
    if (eventfd_write(*(int *)context, 1) != 0) {
        abort();
    }
    return NULL;
}

static void test_stop_ends_a_wait_at_once(void **state)
{
    struct server_fault fault = {.stage = SERVER_EHLO, .act = SERVER_STALL, .skip = 1};
    struct server_options options = {.faults = &fault, .fault_count = 1};
    struct smtp_server *server = smtp_server_start(&options);
    struct stream_options client = plain(smtp_server_url(server));
    struct stream *stream = NULL;
    struct err err = {0};
    int64_t started = clock_ticks();
    pthread_t thread;
    char byte;
    size_t got = 0;

    (void)state;
    client.stop_fd = eventfd(0, EFD_CLOEXEC);
    assert_int_equal(stream_open(&client, &stream, &err), 0);
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, &client.stop_fd), 0);
    assert_int_equal(stream_recv(stream, &byte, 1, &got, 60000, &err), ERR_STOPPED);
    assert_true(clock_ticks() - started < INT64_C(5000000000));
    pthread_join(thread, NULL);
    stream_close(stream);
    fails(&client, ERR_STOPPED, "stopped while connecting");
    close(client.stop_fd);
    smtp_server_stop(server);
}

static void test_end_of_stream_is_told(void **state)
{
    struct server_options options = {0};
    struct smtp_server *server = smtp_server_start(&options);
    struct stream_options client = plain(smtp_server_url(server));
    struct stream *stream = NULL;
    struct err err = {0};
    char bytes[256];
    size_t got = 0;

    (void)state;
    assert_int_equal(stream_open(&client, &stream, &err), 0);
    assert_int_equal(stream_send_all(stream, "QUIT\r\n", 6, 1000, NULL, &err), 0);
    assert_int_equal(stream_recv(stream, bytes, sizeof(bytes), &got, 1000, &err), 0);
    assert_int_equal(stream_recv(stream, bytes, sizeof(bytes), &got, 1000, &err), ERR_CLOSED);
    stream_close(stream);
    smtp_server_stop(server);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/test_stream.XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_stream_carries_bytes_both_ways),
        cmocka_unit_test(test_starttls_and_login_are_done_before_the_stream_is_ours),
        cmocka_unit_test(test_smtps_begins_with_tls),
        cmocka_unit_test(test_bad_certificates_are_told_apart),
        cmocka_unit_test(test_with_an_authority_of_ones_own_the_systems_are_not_trusted),
        cmocka_unit_test(test_starttls_that_is_not_offered_is_refused_unless_optional),
        cmocka_unit_test(test_login_that_is_not_offered_is_refused),
        cmocka_unit_test(test_what_the_server_says_instead_of_letting_us_in_is_told),
        cmocka_unit_test(test_text_injected_before_tls_is_refused),
        cmocka_unit_test(test_nobody_listening_is_named_with_host_and_port),
        cmocka_unit_test(test_unusable_options_are_refused),
        cmocka_unit_test(test_environment_names_no_proxy_for_us),
        cmocka_unit_test(test_stop_ends_a_wait_at_once),
        cmocka_unit_test(test_end_of_stream_is_told),
    };
    return cmocka_run_group_tests_name("stream", tests, make_folder, remove_folder);
}
