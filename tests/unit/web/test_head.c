/* Heads of requests: what is clear is taken, what could be read in two ways is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/web/head.h"

#define GET "GET / HTTP/1.1\r\nHost: a.example\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a.example\r\n"

static const struct {
    const char *name;
    const char *head;
    int status;
} heads[] = {
    {"a plain request", GET "\r\n", HEAD_FINE},
    {"with a body behind it", POST "Content-Length: 3\r\n\r\na=b", HEAD_FINE},
    {"without any field, as HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", HEAD_FINE},
    {"a path with escapes and a query", "GET /a%20b?c=%C3%B5 HTTP/1.0\r\n\r\n", HEAD_FINE},
    {"a method of its own", "BREW / HTTP/1.0\r\n\r\n", HEAD_FINE},
    {"white space around a value", GET "A: \t b \t\r\n\r\n", HEAD_FINE},
    {"an empty value", GET "A:\r\n\r\n", HEAD_FINE},
    {"UTF-8 in a value", GET "User-Agent: \xC3\xB5\r\n\r\n", HEAD_FINE},
    {"a port at the host", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", HEAD_FINE},
    {"the end is still to come", GET, HEAD_MORE},
    {"a CR whose LF is still to come", GET "\r", HEAD_MORE},
    {"nothing yet", "", HEAD_MORE},

    {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
    {"an empty host", "GET / HTTP/1.1\r\nHost: \r\n\r\n", 400},
    {"two hosts", GET "Host: b.example\r\n\r\n", 400},
    {"the same host twice", GET "host: a.example\r\n\r\n", 400},
    {"two hosts in one", "GET / HTTP/1.1\r\nHost: a.example, b.example\r\n\r\n", 400},
    {"two lengths", POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
    {"the same length twice", POST "Content-Length: 1\r\ncontent-length: 1\r\n\r\n", 400},
    {"a list of lengths", POST "Content-Length: 1, 1\r\n\r\n", 400},
    {"a length with a sign", POST "Content-Length: +1\r\n\r\n", 400},
    {"a length in hexadecimal", POST "Content-Length: 0x1\r\n\r\n", 400},
    {"an empty length", POST "Content-Length:\r\n\r\n", 400},
    {"length and coding", POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"coding and length", POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400},
    {"a coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"a bare LF behind the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
    {"a bare LF behind a field", GET "A: b\n\r\n", 400},
    {"a bare LF at the end", GET "\n", 400},
    {"a bare CR in a value", GET "A: b\rc\r\n\r\n", 400},
    {"NUL would be cut", GET "A: \x01\r\n\r\n", 400},
    {"DEL in a value", GET "A: \x7F\r\n\r\n", 400},
    {"a folded line", GET "A: b\r\n c\r\n\r\n", 400},
    {"a line folded by a tab", GET "A: b\r\n\tc\r\n\r\n", 400},
    {"white space before the colon", GET "Content-Length : 1\r\n\r\n", 400},
    {"white space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
    {"a field without a name", GET ": b\r\n\r\n", 400},
    {"a line without a colon", GET "A\r\n\r\n", 400},
    {"an empty line first", "\r\n" GET "\r\n", 400},
    {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"no version", "GET /\r\nHost: a\r\n\r\n", 400},
    {"a space in the path", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"a whole address", "GET http://b.example/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"no path", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"a broken escape", "GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"an escaped NUL", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"bytes above ASCII in the path", "GET /\xC3\xB5 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"a fragment", "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"TLS", "\x16\x03\x01\x02", 400},
    {"a coding alone", POST "Transfer-Encoding: chunked\r\n\r\n", 411},
    {"a body of more than anybody needs", POST "Content-Length: 1048577\r\n\r\n", 413},
    {"a length of many digits", POST "Content-Length: 99999999999999999999\r\n\r\n", 413},
    {"another version", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
    {"an old version", "GET / HTTP/0.9\r\n\r\n", 505},
    {"a version in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
};

static void test_heads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        int status = head_check(heads[i].head, strlen(heads[i].head));

        if (status != heads[i].status) {
            fail_msg("%s: %d, not %d", heads[i].name, status, heads[i].status);
        }
    }
}

/* Whatever is said of a part holds for the whole: a head that will be refused for its
 * beginning is refused by it, and a fine one is asked to go on until its end. */
static void test_heads_come_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        size_t len = strlen(heads[i].head);
        int last = HEAD_MORE;

        for (size_t part = 0; part <= len && last == HEAD_MORE; part++) {
            last = head_check(heads[i].head, part);
        }
        if (last != heads[i].status) {
            fail_msg("%s: %d, not %d", heads[i].name, last, heads[i].status);
        }
    }
}

static void test_a_nul_is_refused(void **state)
{
    static const char head[] = "GET / HTTP/1.1\r\nHost: a\r\nA: b\0c\r\n\r\n";

    (void)state;
    assert_int_equal(head_check(head, sizeof(head) - 1), 400);
}

static int check_filled(const char *start, const char *unit, size_t times, const char *end)
{
    struct str head;
    int status;

    str_init(&head, LIMIT_TEXT);
    str_add(&head, start);
    for (size_t i = 0; i < times; i++) {
        str_add(&head, unit);
    }
    str_add(&head, end);
    status = head_check(head.data, head.len);
    str_release(&head);
    return status;
}

static void test_ceilings(void **state)
{
    (void)state;
    assert_int_equal(check_filled("GET /", "a", HEAD_TARGET_MOST - 1, " HTTP/1.0\r\n\r\n"),
                     HEAD_FINE);
    assert_int_equal(check_filled("GET /", "a", HEAD_TARGET_MOST, " HTTP/1.0\r\n\r\n"), 414);
    assert_int_equal(check_filled("GET /", "a", HEAD_TARGET_MOST + 100, ""), 414);
    assert_int_equal(check_filled("GET / HTTP/1.0\r\n", "A: b\r\n", HEAD_FIELDS_MOST, "\r\n"),
                     HEAD_FINE);
    assert_int_equal(check_filled("GET / HTTP/1.0\r\n", "A: b\r\n", HEAD_FIELDS_MOST + 1, "\r\n"),
                     431);
    assert_int_equal(check_filled("GET / HTTP/1.0\r\nA: ", "b", HEAD_MOST - 24, "\r\n\r\n"),
                     HEAD_FINE);
    assert_int_equal(check_filled("GET / HTTP/1.0\r\nA: ", "b", HEAD_MOST, "\r\n\r\n"), 431);
    assert_int_equal(check_filled("GET / HTTP/1.0\r\nA: ", "b", HEAD_MOST, ""), 431);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_heads_come_byte_by_byte),
        cmocka_unit_test(test_a_nul_is_refused),
        cmocka_unit_test(test_ceilings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
