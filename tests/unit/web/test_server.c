/* The server by itself: places to listen, ceilings, one request a connection, the end. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "teataja/base/clock.h"
#include "teataja/web/server.h"

enum { CEILING = 100 };

static size_t ceiling(void *context, const struct server_request *request)
{
    (void)context;
    return strcmp(request->method, "POST") == 0 ? CEILING : 0;
}

/* Says what came; "/slow" takes its time. */
static void handle(void *context, const struct server_request *request, struct server_reply *reply)
{
    const struct timespec pause = {.tv_nsec = 300000000};

    (void)context;
    if (strcmp(request->path, "/slow") == 0) {
        (void)nanosleep(&pause, NULL);
    }
    reply->status = request->refused != 0 ? request->refused : 200;
    reply->type = "text/plain";
    reply->body =
        arena_printf(request->arena, "%s %s [%s]", request->method, request->path, request->body);
    reply->len = strlen(reply->body);
    server_reply_header(reply, "X-Own", "yes");
}

static struct server *open_server(const char *listen, bool anywhere)
{
    const struct server_options options = {
        .listen = listen, .anywhere = anywhere, .ceiling = ceiling, .handle = handle};
    struct server *server = NULL;
    struct err err = {0};

    if (server_open(&options, &server, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return server;
}

static int connect_to(const struct server *server)
{
    const char *where = server_where(server);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd;

    if (strncmp(where, "unix:", 5) == 0) {
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        (void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", where + 5);
        assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
        return fd;
    }
    address.sin_port = htons((uint16_t)strtol(strrchr(where, ':') + 1, NULL, 10));
    fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Everything until the other side closes. */
static const char *hear(int fd)
{
    static char answer[4096];
    size_t at = 0;
    ssize_t len;

    while ((len = recv(fd, answer + at, sizeof(answer) - 1 - at, 0)) > 0) {
        at += (size_t)len;
    }
    answer[at] = '\0';
    close(fd);
    return answer;
}

static const char *ask(const struct server *server, const char *text)
{
    int fd = connect_to(server);

    say(fd, text);
    return hear(fd);
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("no '%s' in '%s'", part, text);
    }
}

static void test_answers(void **state)
{
    struct server *server = open_server("127.0.0.1:0", false);
    const char *answer;

    (void)state;
    answer = ask(server, "GET /a%20b?c HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_has(answer, "HTTP/1.1 200 ");
    assert_has(answer, "Connection: close\r\n");
    assert_has(answer, "X-Own: yes\r\n");
    assert_has(answer, "\r\n\r\nGET /a b []");
    answer = ask(server, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_has(answer, "Content-Length: 9\r\n");
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    answer = ask(server, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na=b");
    assert_has(answer, "POST / [a=b]");
    server_stop(server);
}

static void test_what_follows_a_request_is_not_read(void **state)
{
    struct server *server = open_server("127.0.0.1:0", false);
    const char *answer = ask(server, "GET /one HTTP/1.1\r\nHost: x\r\n\r\n"
                                     "GET /two HTTP/1.1\r\nHost: x\r\n\r\n");

    (void)state;
    assert_has(answer, "GET /one []");
    assert_null(strstr(answer, "/two"));
    server_stop(server);
}

static void test_ceilings(void **state)
{
    struct server *server = open_server("127.0.0.1:0", false);

    (void)state;
    assert_has(ask(server, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n"),
               "HTTP/1.1 413 ");
    assert_has(ask(server, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"),
               "HTTP/1.1 413 ");
    assert_has(ask(server, "GET / HTTP/1.1\nHost: x\r\n\r\n"), "HTTP/1.1 400 ");
    assert_has(ask(server, "GET /ok HTTP/1.1\r\nHost: x\r\n\r\n"), "GET /ok");
    server_stop(server);
}

static void test_one_client_cannot_take_all_places(void **state)
{
    struct server *server = open_server("127.0.0.1:0", false);
    int held[SERVER_PER_CLIENT];

    (void)state;
    for (size_t i = 0; i < SERVER_PER_CLIENT; i++) {
        held[i] = connect_to(server);
        say(held[i], "GET /");
    }
    assert_has(hear(connect_to(server)), "HTTP/1.1 503 ");
    for (size_t i = 0; i < SERVER_PER_CLIENT; i++) {
        say(held[i], " HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_has(hear(held[i]), "GET / []");
    }
    assert_has(ask(server, "GET /ok HTTP/1.1\r\nHost: x\r\n\r\n"), "GET /ok");
    server_stop(server);
}

static void test_the_end_waits_for_what_is_in_hand(void **state)
{
    struct server *server = open_server("127.0.0.1:0", false);
    const struct timespec moment = {.tv_nsec = 50000000};
    int slow = connect_to(server);
    int idle = connect_to(server);
    int64_t since = clock_ticks();

    (void)state;
    say(slow, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    say(idle, "GET /");
    (void)nanosleep(&moment, NULL);
    server_stop(server);
    assert_true(clock_ticks() - since < INT64_C(2000000000));
    assert_has(hear(slow), "GET /slow []");
    assert_string_equal(hear(idle), "");
}

static void test_a_unix_socket(void **state)
{
    char folder[] = "/tmp/tea-XXXXXX";
    char listen[64];
    struct server *server;
    struct server *other = NULL;
    struct server_options options = {.ceiling = ceiling, .handle = handle, .listen = listen};
    struct err err = {0};
    struct stat info;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(listen, sizeof(listen), "unix:%s/s", folder);
    server = open_server(listen, false);
    assert_string_equal(server_where(server), listen);
    assert_int_equal(stat(listen + 5, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0660);
    assert_has(ask(server, "GET /ok HTTP/1.1\r\nHost: x\r\n\r\n"), "GET /ok");
    assert_int_equal(server_open(&options, &other, &err), ERR_EXISTS);
    server_stop(server);
    assert_int_equal(stat(listen + 5, &info), -1);
    assert_int_equal(rmdir(folder), 0);
}

static void test_a_socket_that_was_left_behind_is_replaced(void **state)
{
    char folder[] = "/tmp/tea-XXXXXX";
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    char listen[64];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(listen, sizeof(listen), "unix:%s/s", folder);
    (void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", listen + 5);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    close(fd);
    server_stop(open_server(listen, false));
    assert_int_equal(rmdir(folder), 0);
}

/* A socket that refuses us for another reason than that nobody listens is somebody's. */
static void test_a_socket_of_another_kind_stays(void **state)
{
    char folder[] = "/tmp/tea-XXXXXX";
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    char listen[64];
    struct server *server = NULL;
    struct server_options options = {.ceiling = ceiling, .handle = handle, .listen = listen};
    struct err err = {0};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(listen, sizeof(listen), "unix:%s/s", folder);
    (void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", listen + 5);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(server_open(&options, &server, &err), ERR_IO);
    assert_has(err.msg, "cannot take the place of unix:");
    assert_int_equal(unlink(listen + 5), 0);
    close(fd);
    assert_int_equal(rmdir(folder), 0);
}

static const struct {
    const char *listen;
    bool anywhere;
    int rc;
} places[] = {
    {"127.0.0.1:8080", false, 0},
    {"127.9.9.9:0", false, 0},
    {"[::1]:8080", false, 0},
    {"unix:/run/x", false, 0},
    {"0.0.0.0:8080", false, ERR_INVALID},
    {"0.0.0.0:8080", true, 0},
    {"[::]:8080", false, ERR_INVALID},
    {"192.0.2.1:80", false, ERR_INVALID},
    {"localhost:80", false, ERR_INVALID},
    {"127.0.0.1", false, ERR_INVALID},
    {"127.0.0.1:", false, ERR_INVALID},
    {"127.0.0.1:65536", false, ERR_INVALID},
    {"127.0.0.1:+1", false, ERR_INVALID},
    {"127.0.0.1:80x", false, ERR_INVALID},
    {"::1:80", false, ERR_INVALID},
    {"unix:", false, ERR_INVALID},
    {"", false, ERR_INVALID},
};

static void test_places_to_listen(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        int rc = server_listen_check(places[i].listen, places[i].anywhere, NULL);

        if (rc != places[i].rc) {
            fail_msg("%s: %d, not %d", places[i].listen, rc, places[i].rc);
        }
    }
}

static void test_a_place_that_is_taken(void **state)
{
    struct server *server = open_server("127.0.0.1:0", false);
    struct server *other = NULL;
    const struct server_options options = {
        .listen = server_where(server), .ceiling = ceiling, .handle = handle};
    struct err err = {0};

    (void)state;
    assert_int_equal(server_open(&options, &other, &err), ERR_EXISTS);
    server_stop(server);
    server_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_what_follows_a_request_is_not_read),
        cmocka_unit_test(test_ceilings),
        cmocka_unit_test(test_one_client_cannot_take_all_places),
        cmocka_unit_test(test_the_end_waits_for_what_is_in_hand),
        cmocka_unit_test(test_a_unix_socket),
        cmocka_unit_test(test_a_socket_that_was_left_behind_is_replaced),
        cmocka_unit_test(test_a_socket_of_another_kind_stays),
        cmocka_unit_test(test_places_to_listen),
        cmocka_unit_test(test_a_place_that_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
