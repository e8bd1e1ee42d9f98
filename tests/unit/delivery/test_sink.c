/* test_sink.c - the rehearsal mailbox, over real connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "teataja/base/arena.h"
#include "teataja/base/file.h"
#include "teataja/base/str.h"
#include "teataja/delivery/sink.h"
#include "teataja/delivery/smtp.h"

struct running {
    struct sink_options options;
    struct sink_counts counts;
    char folder[64];
    char maildir[96];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ready;
    char address[64];
    unsigned port;
    int rc;
    unsigned received;
};

static void listening(void *context, const char *address, unsigned port)
{
    struct running *running = context;

    snprintf(running->address, sizeof(running->address), "%s", address);
    pthread_mutex_lock(&running->lock);
    running->port = port;
    pthread_cond_signal(&running->ready);
    pthread_mutex_unlock(&running->lock);
}

static void received(void *context, const char *sender, const char *recipient, const char *path)
{
    (void)sender;
    (void)recipient;
    ((struct running *)context)->received += file_exists(path) ? 1 : 0;
}

static void *serve(void *context)
{
    struct running *running = context;

    running->rc = sink_run(&running->options, &running->counts, NULL);
    return NULL;
}

static void start(struct running *running)
{
    pthread_mutex_init(&running->lock, NULL);
    pthread_cond_init(&running->ready, NULL);
    snprintf(running->folder, sizeof(running->folder), "/tmp/test_sink.XXXXXX");
    assert_non_null(mkdtemp(running->folder));
    snprintf(running->maildir, sizeof(running->maildir), "%s/mail", running->folder);
    running->options.listen = "127.0.0.1:0";
    running->options.maildir = running->maildir;
    running->options.stop_fd = eventfd(0, EFD_CLOEXEC);
    running->options.context = running;
    running->options.listening = listening;
    running->options.received = received;
    assert_int_equal(pthread_create(&running->thread, NULL, serve, running), 0);
    pthread_mutex_lock(&running->lock);
    while (running->port == 0) {
        pthread_cond_wait(&running->ready, &running->lock);
    }
    pthread_mutex_unlock(&running->lock);
    assert_string_equal(running->address, "127.0.0.1");
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *place)
{
    (void)stat;
    (void)type;
    (void)place;
    return remove(path);
}

static void stop(struct running *running)
{
    assert_int_equal(eventfd_write(running->options.stop_fd, 1), 0);
    pthread_join(running->thread, NULL);
    assert_int_equal(running->rc, 0);
    close(running->options.stop_fd);
    pthread_mutex_destroy(&running->lock);
    pthread_cond_destroy(&running->ready);
    assert_int_equal(nftw(running->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static int dial(const struct running *running)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct timeval limit = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_port = htons((uint16_t)running->port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Sends all at once, and reads until the sink closes. */
static void talk(const struct running *running, const char *bytes, size_t len, struct str *answers)
{
    char chunk[4096];
    ssize_t n;
    int fd = dial(running);

    str_reset(answers);
    while (len > 0 && (n = send(fd, bytes, len, MSG_NOSIGNAL)) > 0) {
        bytes += n;
        len -= (size_t)n;
    }
    while ((n = recv(fd, chunk, sizeof(chunk), 0)) > 0) {
        str_add_bytes(answers, chunk, (size_t)n);
    }
    close(fd);
}

/* The codes of the answers, such as "220 250 354": the last line of each. */
static void codes(const struct str *answers, char *out, size_t room)
{
    size_t used = 0;

    out[0] = '\0';
    for (const char *line = answers->data; *line != '\0';) {
        const char *end = strstr(line, "\r\n");
        if (line[3] != '-') {
            used += (size_t)snprintf(out + used, room - used, "%s%.3s", used > 0 ? " " : "", line);
        }
        if (end == NULL) {
            break;
        }
        line = end + 2;
    }
}

/* The one file in a recipient's new/; fails unless there are `count`. */
static char *read_mail(struct arena *arena, const struct running *running, const char *name,
                       size_t count)
{
    char folder[256];
    char **names = NULL;
    char *bytes = NULL;
    size_t found = 0;

    snprintf(folder, sizeof(folder), "%s/%s/tmp", running->maildir, name);
    assert_int_equal(file_list(arena, folder, &names, &found, NULL), 0);
    assert_int_equal(found, 0);
    snprintf(folder, sizeof(folder), "%s/%s/new", running->maildir, name);
    assert_int_equal(file_list(arena, folder, &names, &found, NULL), 0);
    assert_int_equal(found, count);
    assert_int_equal(
        file_read(arena, file_join(arena, folder, names[0]), LIMIT_MESSAGE, &bytes, NULL, NULL), 0);
    return bytes;
}

static void test_every_recipient_has_a_mailbox_with_the_bytes_that_came(void **state)
{
    static const char dialogue[] = "EHLO client.example\r\n"
                                   "MAIL FROM:<b-1@office.example> SIZE=20 BODY=8BITMIME\r\n"
                                   "RCPT TO:<mari@rcpt.example>\r\n"
                                   "RCPT TO:<a/b%c@rcpt.example>\r\n"
                                   "RCPT TO:<\xc3\xb5hk@rcpt.example>\r\n"
                                   "DATA\r\n"
                                   "Subject: x\r\n\r\n..dot\r\n...\r\n\xc3\xb5\r\n.\r\n"
                                   "MAIL FROM:<>\r\nRCPT TO:<mari@rcpt.example>\r\nDATA\r\n.\r\n"
                                   "QUIT\r\n";
    struct running running = {0};
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct str answers;
    char text[256];

    (void)state;
    start(&running);
    str_init(&answers, 65536);
    talk(&running, dialogue, sizeof(dialogue) - 1, &answers);
    codes(&answers, text, sizeof(text));
    assert_string_equal(text, "220 250 250 250 250 250 354 250 250 250 354 250 221");
    assert_non_null(strstr(answers.data, "250-PIPELINING\r\n"));
    assert_non_null(strstr(answers.data, "250-SIZE 2097152\r\n"));
    assert_string_equal(read_mail(arena, &running, "a%2Fb%25c@rcpt.example", 1),
                        "Return-Path: <b-1@office.example>\r\n"
                        "Delivered-To: a/b%c@rcpt.example\r\n"
                        "Subject: x\r\n\r\n.dot\r\n..\r\n\xc3\xb5\r\n");
    read_mail(arena, &running, "\xc3\xb5hk@rcpt.example", 1);
    read_mail(arena, &running, "mari@rcpt.example", 2);
    stop(&running);
    assert_int_equal(running.counts.messages, 2);
    assert_int_equal(running.counts.recipients, 4);
    assert_int_equal(running.received, 4);
    str_release(&answers);
    arena_free(arena);
}

static void test_bad_commands_are_answered_and_leave_nothing(void **state)
{
    static const struct {
        const char *dialogue;
        size_t len; /* 0: a string */
        const char *codes;
    } cases[] = {
        {"MAIL FROM:<a@b.example>\r\nQUIT\r\n", 0, "220 503 221"},
        {"EHLO x\r\nRCPT TO:<a@b.example>\r\nDATA\r\nQUIT\r\n", 0, "220 250 503 503 221"},
        {"EHLO x\r\nMAIL FROM:<a@b.example>\r\nDATA\r\nQUIT\r\n", 0, "220 250 250 554 221"},
        {"EHLO x\r\nMAIL FROM:<a@b.example>\r\nMAIL FROM:<a@b.example>\r\nRSET\r\n"
         "MAIL FROM:<a@b.example>\r\nQUIT\r\n",
         0, "220 250 250 503 250 250 221"},
        {"EHLO x\r\nMAIL FROM:<a b@c>\r\nMAIL FROM: a@b.example\r\nMAIL FROM:<a@b.example\r\n"
         "MAIL\r\nQUIT\r\n",
         0, "220 250 553 501 501 501 221"},
        {"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<../../x>\r\nRCPT TO:<>\r\nQUIT\r\n", 0,
         "220 250 250 553 553 221"},
        {"EHLO x\r\nMAIL FROM:<a@b.example> SIZE=99999999999\r\nQUIT\r\n", 0, "220 250 552 221"},
        {"HELO x\r\nNOOP\r\nVRFY y\r\nSTARTTLS\r\nquit\r\n", 0, "220 250 250 252 502 221"},
        {"NOOP\0x\r\nQUIT\r\n", 14, "220 500 221"},
        {"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\nx\n.\n\r\n.\r\n", 0,
         "220 250 250 250 354 550"},
        {"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\nx\r.\r\r\n.\r\n", 0,
         "220 250 250 250 354 550"},
    };
    struct running running = {0};
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct str answers;
    char **names = NULL;
    size_t count = 0;

    (void)state;
    start(&running);
    str_init(&answers, 65536);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        talk(&running, cases[i].dialogue,
             cases[i].len > 0 ? cases[i].len : strlen(cases[i].dialogue), &answers);
        codes(&answers, text, sizeof(text));
        if (strcmp(text, cases[i].codes) != 0) {
            fail_msg("case %zu: %s, not %s", i, text, cases[i].codes);
        }
    }
    assert_int_equal(file_list(arena, running.maildir, &names, &count, NULL), 0);
    assert_int_equal(count, 0);
    stop(&running);
    str_release(&answers);
    arena_free(arena);
}

static void test_what_is_too_large_is_refused_and_the_connection_lives(void **state)
{
    struct running running = {.options.message_max = 1000};
    struct str dialogue;
    struct str answers;
    char text[256];

    (void)state;
    start(&running);
    str_init(&dialogue, 1 << 20);
    str_init(&answers, 1 << 20);
    str_add(&dialogue, "EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n");
    for (int i = 0; i < 1000; i++) {
        str_add(&dialogue, "a line of a message\r\n");
    }
    str_add(&dialogue, ".\r\nNOOP\r\nQUIT\r\n");
    talk(&running, dialogue.data, dialogue.len, &answers);
    codes(&answers, text, sizeof(text));
    assert_string_equal(text, "220 250 250 250 354 552 250 221");

    str_reset(&dialogue);
    str_add_repeat(&dialogue, 'x', 3000);
    str_add(&dialogue, "\r\nQUIT\r\n");
    talk(&running, dialogue.data, dialogue.len, &answers);
    codes(&answers, text, sizeof(text));
    assert_string_equal(text, "220 500 221");
    stop(&running);
    str_release(&dialogue);
    str_release(&answers);
}

static void test_more_connections_than_allowed_are_told_421(void **state)
{
    struct running running = {.options.connections_max = 2};
    char answer[128] = "";
    int fds[3];

    (void)state;
    start(&running);
    for (size_t i = 0; i < 3; i++) {
        fds[i] = dial(&running);
        assert_true(recv(fds[i], answer, sizeof(answer) - 1, 0) > 4);
        assert_memory_equal(answer, i < 2 ? "220 " : "421 ", 4);
    }
    for (size_t i = 0; i < 3; i++) {
        close(fds[i]);
    }
    stop(&running);
}

static void test_a_silent_connection_is_closed(void **state)
{
    struct running running = {.options.idle_ms = 200};
    char answer[128];
    int fd;

    (void)state;
    start(&running);
    fd = dial(&running);
    assert_true(recv(fd, answer, sizeof(answer), 0) > 4);
    assert_int_equal(recv(fd, answer, sizeof(answer), 0), 0);
    close(fd);
    stop(&running);
}

static void test_addresses_to_listen_on_are_checked(void **state)
{
    static const struct {
        const char *listen;
        int code;
        const char *words;
    } cases[] = {
        {"2525", ERR_INVALID, "is not ADDRESS:PORT"},
        {"127.0.0.1:", ERR_INVALID, "is not ADDRESS:PORT"},
        {"127.0.0.1:65536", ERR_INVALID, "is not ADDRESS:PORT"},
        {"127.0.0.1:25x", ERR_INVALID, "is not ADDRESS:PORT"},
        {"::1:2525", ERR_INVALID, "is not ADDRESS:PORT"},
        {"mail.example:2525", ERR_INVALID, "is no IP address"},
        {"0.0.0.0:0", ERR_INVALID, "can be reached by other machines"},
        {"[::]:0", ERR_INVALID, "can be reached by other machines"},
        {"192.0.2.1:0", ERR_INVALID, "can be reached by other machines"},
    };
    struct running running = {0};
    char taken[32];
    struct err err = {0};

    (void)state;
    start(&running);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sink_options options = {
            .listen = cases[i].listen, .maildir = running.maildir, .stop_fd = -1};
        assert_int_equal(sink_run(&options, NULL, &err), cases[i].code);
        if (strstr(err.msg, cases[i].words) == NULL) {
            fail_msg("%s: '%s' does not hold '%s'", cases[i].listen, err.msg, cases[i].words);
        }
    }
    snprintf(taken, sizeof(taken), "127.0.0.1:%u", running.port);
    assert_int_equal(
        sink_run(&(struct sink_options){.listen = taken, .maildir = running.maildir, .stop_fd = -1},
                 NULL, &err),
        ERR_BUSY);
    stop(&running);
}

static struct address sender;
static struct address recipient;

static int one_message(void *context, bool idle, struct smtp_job *job, struct err *err)
{
    unsigned *left = context;

    (void)idle;
    (void)err;
    if (*left == 0) {
        return 0;
    }
    (*left)--;
    *job = (struct smtp_job){&sender, &recipient, "Subject: x\r\n\r\n.\r\n", 17, context};
    return 1;
}

static int committed(void *context, void *row, struct err *err)
{
    (void)context;
    (void)row;
    (void)err;
    return 0;
}

static int told(void *context, void *row, const struct smtp_outcome *outcome, struct err *err)
{
    (void)context;
    (void)row;
    (void)err;
    assert_int_equal(outcome->verdict.disposition, REPLY_SENT);
    return 0;
}

static void test_our_own_dialogue_fills_it(void **state)
{
    struct running running = {0};
    unsigned left = 500;
    struct smtp_callbacks callbacks = {&left, one_message, committed, told};
    struct smtp_options options = {.pipelining = SMTP_PIPELINING_FULL};
    struct stream_options connection = {.starttls = STREAM_STARTTLS_OPTIONAL, .stop_fd = -1};
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct stream *stream = NULL;
    struct smtp *smtp = NULL;
    struct smtp_end end;
    char url[64];

    (void)state;
    start(&running);
    assert_int_equal(address_parse("b-1@office.example", &sender, NULL), 0);
    assert_int_equal(address_parse("\xc3\xb5hk@rcpt.example", &recipient, NULL), 0);
    snprintf(url, sizeof(url), "smtp://127.0.0.1:%u", running.port);
    connection.url = url;
    assert_int_equal(stream_open(&connection, &stream, NULL), 0);
    assert_int_equal(smtp_open(stream, &options, &smtp, NULL), 0);
    assert_int_equal(smtp_run(smtp, &callbacks, &end, NULL), 0);
    assert_int_equal(end.sent, 500);
    smtp_close(smtp);
    stream_close(stream);
    assert_non_null(strstr(read_mail(arena, &running, recipient.text, 500),
                           "Delivered-To: \xc3\xb5hk@rcpt.example\r\nSubject: x\r\n\r\n.\r\n"));
    stop(&running);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_recipient_has_a_mailbox_with_the_bytes_that_came),
        cmocka_unit_test(test_bad_commands_are_answered_and_leave_nothing),
        cmocka_unit_test(test_what_is_too_large_is_refused_and_the_connection_lives),
        cmocka_unit_test(test_more_connections_than_allowed_are_told_421),
        cmocka_unit_test(test_a_silent_connection_is_closed),
        cmocka_unit_test(test_addresses_to_listen_on_are_checked),
        cmocka_unit_test(test_our_own_dialogue_fills_it),
    };
    return cmocka_run_group_tests_name("sink", tests, NULL, NULL);
}
