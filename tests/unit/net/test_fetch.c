/* test_fetch.c - which addresses and URLs are fetched from; servers that misbehave are
 * in tests/system/test_sources.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "teataja/net/fetch.h"

static struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage out = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out;

    if (strchr(text, ':') != NULL) {
        out.ss_family = AF_INET6;
        assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
    } else {
        out.ss_family = AF_INET;
        assert_int_equal(inet_pton(AF_INET, text, &v4->sin_addr), 1);
    }
    return out;
}

static void test_only_addresses_of_the_internet_are_public(void **state)
{
    static const char *const no[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:2::1",
        "2001:10::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:808:808::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    };
    static const char *const yes[] = {
        "1.1.1.1",         "9.255.255.255",   "11.0.0.0",       "100.63.255.255",
        "100.128.0.0",     "126.255.255.255", "128.0.0.1",      "169.253.255.255",
        "169.255.0.0",     "172.15.255.255",  "172.32.0.0",     "192.0.1.0",
        "192.167.255.255", "192.169.0.0",     "198.17.255.255", "198.20.0.0",
        "223.255.255.255", "2000::1",         "2001:200::1",    "2001:4860:4860::8888",
        "2a00:1450::1",    "3ffe::1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        struct sockaddr_storage address = address_of(no[i]);

        if (fetch_address_is_public((const struct sockaddr *)&address)) {
            fail_msg("%s is taken for public", no[i]);
        }
    }
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        struct sockaddr_storage address = address_of(yes[i]);

        if (!fetch_address_is_public((const struct sockaddr *)&address)) {
            fail_msg("%s is not taken for public", yes[i]);
        }
    }
}

static void test_an_address_of_another_kind_is_not_public(void **state)
{
    struct sockaddr address = {.sa_family = AF_UNIX};

    (void)state;
    assert_false(fetch_address_is_public(&address));
}

static void test_networks_are_read(void **state)
{
    static const struct {
        const char *text;
        int family;
        int bits;
    } good[] = {
        {"10.0.0.0/8", AF_INET, 8},   {"127.0.0.1", AF_INET, 32}, {"0.0.0.0/0", AF_INET, 0},
        {"fd00::/8", AF_INET6, 8},    {"::1", AF_INET6, 128},     {"::/0", AF_INET6, 0},
        {"10.1.2.3/31", AF_INET, 31},
    };
    static const char *const bad[] = {
        "",          "10.0.0.0/33",  "10.0.0.0/",  "10.0.0.0/-1", "10.0.0.0/8 ",
        "10.0.0/8",  "010.0.0.1",    "0x7f.1",     "2130706433",  "::1/129",
        "localhost", "1.2.3.4/1000", "fe80::1%lo", "[::1]",       "10.0.0.0/8/8",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct fetch_net net;

        assert_int_equal(fetch_net_parse(good[i].text, &net, NULL), 0);
        assert_int_equal(net.family, good[i].family);
        assert_int_equal(net.bits, good[i].bits);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct fetch_net net;
        struct err err = {0};

        if (fetch_net_parse(bad[i], &net, &err) != ERR_INVALID ||
            strstr(err.msg, "is not a network; write ADDRESS or ADDRESS/BITS") == NULL) {
            fail_msg("'%s': '%s'", bad[i], err.msg);
        }
    }
}

static int get(const char *url, bool allow_http, const char *allow, int stop_fd, struct err *err)
{
    struct fetch_net net;
    struct fetch_answer answer;
    struct fetch_options options = {.url = url,
                                    .allow_http = allow_http,
                                    .max_bytes = 1000,
                                    .connect_ms = 2000,
                                    .total_ms = 3000,
                                    .stop_fd = stop_fd};
    int rc;

    if (allow != NULL) {
        assert_int_equal(fetch_net_parse(allow, &net, NULL), 0);
        options.allow = &net;
        options.allow_count = 1;
    }
    memset(err, 0, sizeof(*err));
    rc = fetch_get(&options, &answer, err);
    fetch_answer_release(&answer);
    return rc;
}

/* However an address is written, and whatever a name leads to. Port 9 of this machine
 * would answer with a refusal: that none was tried is in the message. */
static void test_no_spelling_leads_to_what_is_not_public(void **state)
{
    static const struct {
        const char *url;
        const char *address; /* that it comes down to; NULL: this machine's or none */
    } cases[] = {
        {"http://127.0.0.1:9/", "127.0.0.1"},
        {"http://2130706433:9/", "127.0.0.1"},
        {"http://0x7f000001:9/", "127.0.0.1"},
        {"http://0177.0.0.1:9/", "127.0.0.1"},
        {"http://127.1:9/", "127.0.0.1"},
        {"http://0x7f.1:9/", "127.0.0.1"},
        {"http://0:9/", "0.0.0.0"},
        {"http://%31%32%37.0.0.1:9/", "127.0.0.1"},
        {"http://localhost:9/", NULL},
        {"http://a.localhost:9/", NULL},
        {"http://10.0.0.1/", "10.0.0.1"},
        {"http://169.254.169.254/latest/meta-data/", "169.254.169.254"},
        {"http://[::1]:9/", "::1"},
        {"http://[::]:9/", "::"},
        {"http://[::ffff:127.0.0.1]:9/", "::ffff:127.0.0.1"},
        {"http://[::ffff:7f00:1]:9/", "::ffff:127.0.0.1"},
        {"http://[64:ff9b::127.0.0.1]:9/", "64:ff9b::7f00:1"},
        {"http://[fe80::1]:9/", "fe80::1"},
        {"http://[fd00::1]:9/", "fd00::1"},
        {"https://127.0.0.1:9/", "127.0.0.1"},
        {"webcal://127.0.0.1:9/", "127.0.0.1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char words[100] = "which is not on the public internet";
        struct err err;
        int rc = get(cases[i].url, true, "192.0.2.0/24", -1, &err);

        if (cases[i].address != NULL) {
            (void)snprintf(words, sizeof(words), "leads to %s, which is not on the public internet",
                           cases[i].address);
        }
        if (rc != ERR_DENIED || strstr(err.msg, words) == NULL) {
            fail_msg("%s: %d '%s'", cases[i].url, rc, err.msg);
        }
    }
}

static void test_urls_that_cannot_be_used_say_why(void **state)
{
    static const struct {
        const char *url;
        int code;
        const char *words;
    } cases[] = {
        {"http://127.0.0.1:9/", ERR_DENIED, "has no TLS; use https, or allow http"},
        {"ftp://127.0.0.1/", ERR_DENIED, "only https is fetched, not ftp"},
        {"file:///etc/passwd", ERR_DENIED, "only https is fetched, not file"},
        {"gopher://127.0.0.1/", ERR_DENIED, "only https is fetched, not gopher"},
        {"https://user:secret@127.0.0.1/", ERR_INVALID, "a login stands in it"},
        {"https://a b/", ERR_INVALID, "a space"},
        {"https://näide.example/", ERR_INVALID, "not ASCII"},
        {"https://a.example/\r\nX: y", ERR_INVALID, "a space"},
        {"https://", ERR_INVALID, "the address cannot be used"},
        {"", ERR_INVALID, "the address cannot be used"},
        {"https://127.0.0.1:99999/", ERR_INVALID, "the address cannot be used"},
        {"https://does-not-exist.invalid/", ERR_IO, "there is no host"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err;
        int rc = get(cases[i].url, false, NULL, -1, &err);

        if (rc != cases[i].code || strstr(err.msg, cases[i].words) == NULL ||
            strstr(err.msg, "secret") != NULL) {
            fail_msg("%s: %d '%s'", cases[i].url, rc, err.msg);
        }
    }
}

static void test_an_allowed_network_is_reached(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(get("http://127.0.0.1:9/", true, "127.0.0.0/8", -1, &err), ERR_IO);
    assert_non_null(strstr(err.msg, "no web server answers at 127.0.0.1:9"));
    assert_int_equal(get("http://127.0.0.1:9/", true, "127.0.0.2", -1, &err), ERR_DENIED);
    assert_int_equal(get("http://[::1]:9/", true, "127.0.0.0/8", -1, &err), ERR_DENIED);
}

/* A listener that never accepts: only the kernel answers. */
static void test_waiting_ends_when_it_is_asked_to_or_in_time(void **state)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(where);
    char url[60];
    struct err err;
    int stop = eventfd(1, EFD_CLOEXEC);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&where, sizeof(where)), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&where, &len), 0);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(where.sin_port));
    assert_int_equal(get(url, true, "127.0.0.1", stop, &err), ERR_STOPPED);
    assert_int_equal(get(url, true, "127.0.0.1", -1, &err), ERR_TIMEOUT);
    (void)close(fd);
    (void)close(stop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_addresses_of_the_internet_are_public),
        cmocka_unit_test(test_an_address_of_another_kind_is_not_public),
        cmocka_unit_test(test_networks_are_read),
        cmocka_unit_test(test_no_spelling_leads_to_what_is_not_public),
        cmocka_unit_test(test_urls_that_cannot_be_used_say_why),
        cmocka_unit_test(test_an_allowed_network_is_reached),
        cmocka_unit_test(test_waiting_ends_when_it_is_asked_to_or_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
