/* test_reply.c - replies read, and what they mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "teataja/base/str.h"
#include "teataja/base/utf8.h"
#include "teataja/delivery/reply.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_whole_replies_are_read(void **state)
{
    static const struct {
        const char *bytes;
        size_t behind; /* bytes that belong to the next */
        int code;
        const char *enhanced;
        const char *text;
    } cases[] = {
        {"250 Ok\r\n", 0, 250, "", "Ok"},
        {"250\r\n", 0, 250, "", ""},
        {"250 \r\n", 0, 250, "", ""},
        {"250 2.0.0 Ok: queued as 4B2\r\n", 0, 250, "2.0.0", "Ok: queued as 4B2"},
        {"354 go\r\n250 2.0.0 next\r\n", 16, 354, "", "go"},
        {"250-a\r\n250-b\r\n250 c\r\n", 0, 250, "", "a b c"},
        {"250-\r\n250 c\r\n", 0, 250, "", "c"},
        {"550-5.1.1 no such\r\n550 5.1.1 user\r\n", 0, 550, "5.1.1", "no such user"},
        {"550-5.1.1 no such\r\n550 user\r\n", 0, 550, "5.1.1", "no such user"},
        {"550-no such\r\n550 5.1.1 user\r\n", 0, 550, "", "no such 5.1.1 user"},
        {"550 5.1.10 x\r\n", 0, 550, "5.1.10", "x"},
        {"550 5.7.509\r\n", 0, 550, "5.7.509", ""},
        {"550 5.1 x\r\n", 0, 550, "", "5.1 x"},
        {"550 5.1.1234 x\r\n", 0, 550, "", "5.1.1234 x"},
        {"550 3.1.1 x\r\n", 0, 550, "", "3.1.1 x"},
        {"550 5.1.1x\r\n", 0, 550, "", "5.1.1x"},
        {"250 a\x01"
         "b\x7f\r\n",
         0, 250, "", "a?b?"},
        {"250 \xc3\xb5\xff\xe2\x80z\r\n", 0, 250, "", "\xc3\xb5???z"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct reply reply;
        struct err err = {0};
        size_t len = strlen(cases[i].bytes);
        size_t used = 0;

        assert_int_equal(reply_parse(cases[i].bytes, len, &reply, &used, &err), 1);
        assert_int_equal(used, len - cases[i].behind);
        assert_int_equal(reply.code, cases[i].code);
        assert_string_equal(reply.enhanced, cases[i].enhanced);
        assert_string_equal(reply.text, cases[i].text);
    }
}

/* Every proper beginning of a reply asks for more. */
static void test_a_reply_that_grows_is_complete_only_at_its_end(void **state)
{
    static const char bytes[] = "550-5.1.1 no\r\n550-5.1.1 such\r\n550 5.1.1 user\r\n";
    struct reply reply;
    size_t used = 0;

    (void)state;
    for (size_t len = 0; len < sizeof(bytes) - 1; len++) {
        assert_int_equal(reply_parse(bytes, len, &reply, &used, NULL), 0);
    }
    assert_int_equal(reply_parse(bytes, sizeof(bytes) - 1, &reply, &used, NULL), 1);
}

static void test_what_is_no_reply_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *words;
    } cases[] = {
        {"hello\r\n", 7, "begins with no code: 'hello'"},
        {"25 x\r\n", 6, "begins with no code"},
        {"2500 x\r\n", 8, "begins with no code"},
        {"199 x\r\n", 7, "begins with no code"},
        {"600 x\r\n", 7, "begins with no code"},
        {"\r\n", 2, "begins with no code"},
        {"250 x\n", 6, "a line without CR"},
        {"250 a\n250 b\r\n", 13, "a line without CR"},
        {"250 a\rb\r\n", 9, "a CR of its own"},
        {"250 a\r\r\n", 8, "a CR of its own"},
        {"250 a\0b\r\n", 9, "holds a NUL"},
        {"250-a\r\n251 b\r\n", 14, "the codes 250 and 251 in one reply"},
        {"250-a\r\nb\r\n", 10, "begins with no code: 'b'"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct reply reply;
        struct err err = {0};
        size_t used = 0;

        assert_int_equal(reply_parse(cases[i].bytes, cases[i].len, &reply, &used, &err),
                         ERR_PROTOCOL);
        if (strstr(err.msg, cases[i].words) == NULL) {
            fail_msg("'%s' does not hold '%s'", err.msg, cases[i].words);
        }
    }
}

static void test_an_endless_reply_is_refused_and_a_long_one_is_cut(void **state)
{
    struct reply reply;
    struct str text;
    size_t used = 0;

    (void)state;
    str_init(&text, (size_t)2 * LIMIT_SMTP_REPLY);
    str_add(&text, "250 ");
    str_add_repeat(&text, 'x', LIMIT_SMTP_REPLY);
    assert_int_equal(reply_parse(text.data, text.len, &reply, &used, NULL), ERR_PROTOCOL);
    str_add(&text, "\r\n");
    assert_int_equal(reply_parse(text.data, text.len, &reply, &used, NULL), ERR_PROTOCOL);
    str_cut(&text, 5);
    while (text.len < 2000) {
        str_add(&text, "\xc3\xb5");
    }
    str_add(&text, "\r\n");
    assert_int_equal(reply_parse(text.data, text.len, &reply, &used, NULL), 1);
    assert_int_equal(strlen(reply.text), LIMIT_REPLY_KEPT - 1);
    assert_true(utf8_is_valid(reply.text, strlen(reply.text), NULL));
    str_release(&text);
}

static void test_lines_of_a_reply_are_walked(void **state)
{
    static const char bytes[] = "250-host\r\n250-SIZE 10\r\n250\r\n";
    static const char *const expected[] = {"host", "SIZE 10", ""};
    const char *text = NULL;
    size_t at = 0;
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(reply_line(bytes, sizeof(bytes) - 1, &at, &text, &len));
        assert_int_equal(len, strlen(expected[i]));
        assert_memory_equal(text, expected[i], len);
    }
    assert_false(reply_line(bytes, sizeof(bytes) - 1, &at, &text, &len));
}

static void test_classes_follow_the_table(void **state)
{
    static const struct {
        int code;
        const char *enhanced;
        const char *text;
        enum reply_class class;
    } cases[] = {
        {250, "2.0.0", "Ok", REPLY_OK},
        {354, "", "go", REPLY_OK},
        {0, "2.1.5", "", REPLY_OK},
        /* hard by code */
        {550, "5.1.1", "", REPLY_HARD},
        {550, "5.1.2", "", REPLY_HARD},
        {553, "5.1.3", "", REPLY_HARD},
        {550, "5.1.6", "", REPLY_HARD},
        {550, "5.1.10", "RESOLVER.ADR.RecipientNotFound", REPLY_HARD},
        {550, "5.4.4", "", REPLY_HARD},
        {0, "5.1.1", NULL, REPLY_HARD},
        /* the text decides */
        {550, "", "sorry, no such user here", REPLY_HARD},
        {550, NULL, "User Unknown", REPLY_HARD},
        {550, "5.2.1", "The email account that you tried to reach is disabled", REPLY_SOFT},
        {550, "5.2.0", "mailbox unavailable", REPLY_SOFT},
        {550, "5.1.0", "Address unknown", REPLY_HARD},
        {554, "5.0.0", "<x@y.example>: mailbox does not exist", REPLY_HARD},
        {550, "5.5.0", "over quota", REPLY_SOFT},
        {550, "5.4.1", "Recipient address rejected: Access denied", REPLY_SOFT},
        {554, "", "Unrouteable address", REPLY_HARD},
        {550, "5.9.9", "who knows", REPLY_SOFT},
        /* soft */
        {452, "4.2.2", "mailbox full", REPLY_SOFT},
        {450, "4.1.1", "unverified, no such user", REPLY_SOFT},
        {451, "", "local error", REPLY_SOFT},
        {552, "5.2.2", "no such user", REPLY_SOFT},
        {552, "5.2.3", "", REPLY_SOFT},
        {554, "5.3.0", "user unknown", REPLY_SOFT},
        {0, "4.4.7", "expired", REPLY_SOFT},
        /* policy: our fault, and first */
        {554, "5.7.1", "Relay access denied", REPLY_POLICY},
        {550, "5.7.26", "", REPLY_POLICY},
        {554, "5.6.0", "", REPLY_POLICY},
        {552, "5.3.4", "", REPLY_POLICY},
        {550, "5.1.8", "", REPLY_POLICY},
        {451, "4.7.1", "try again", REPLY_POLICY},
        {503, "5.5.1", "", REPLY_POLICY},
        {421, "", "", REPLY_POLICY},
        {450, "4.2.1", "Domain exceeded the max hourly limit", REPLY_POLICY},
        {550, "5.1.1", "rejected as SPAM", REPLY_POLICY},
        {550, "", "no PTR record found", REPLY_POLICY},
        {550, "", "DMARC check failed", REPLY_POLICY},
        {550, "5.1.0", "Sender rejected: unknown user", REPLY_POLICY},
        /* words of an address or a link say nothing */
        {550, "5.1.1", "<mari@antispam.example>: unknown", REPLY_HARD},
        {550, "", "unknown user, see https://spam.example/dmarc", REPLY_HARD},
        /* a server that contradicts itself */
        {450, "5.1.1", "later", REPLY_SOFT},
        {550, "4.1.1", "what", REPLY_SOFT},
        {550, "4.7.1", "what", REPLY_POLICY},
        {550, "5..", "what", REPLY_SOFT},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        enum reply_class class = reply_class_of(cases[i].code, cases[i].enhanced, cases[i].text);
        if (class != cases[i].class) {
            fail_msg("%d %s %s is %s, not %s", cases[i].code,
                     cases[i].enhanced != NULL ? cases[i].enhanced : "",
                     cases[i].text != NULL ? cases[i].text : "", reply_class_name(class),
                     reply_class_name(cases[i].class));
        }
    }
}

static void test_only_answers_about_the_recipient_count_against_a_member(void **state)
{
    static const char address[] = "mari@rcpt.example";
    static const struct {
        enum reply_stage stage;
        int code;
        const char *enhanced;
        const char *text;
        enum reply_disposition disposition;
        bool counts;
        bool suppress;
        bool relay;
    } cases[] = {
        {REPLY_CONNECTION, 554, "5.7.1", "no", REPLY_RETURNED, false, false, true},
        {REPLY_MAIL, 250, "", "Ok", REPLY_RETURNED, false, false, false},
        {REPLY_MAIL, 550, "5.1.1", "no such user", REPLY_RETURNED, false, false, true},
        {REPLY_MAIL, 451, "", "later", REPLY_RETURNED, false, false, true},
        {REPLY_MAIL, 421, "", "bye", REPLY_RETURNED, false, false, true},
        {REPLY_RCPT, 250, "", "Ok", REPLY_RETURNED, false, false, false},
        {REPLY_RCPT, 550, "5.1.1", "x", REPLY_FAILED, true, true, false},
        {REPLY_RCPT, 552, "5.2.2", "x", REPLY_FAILED, true, false, false},
        {REPLY_RCPT, 450, "4.2.0", "x", REPLY_DEFERRED, true, false, false},
        {REPLY_RCPT, 450, "4.1.1", "x", REPLY_DEFERRED, true, false, false},
        {REPLY_RCPT, 554, "5.7.1", "x", REPLY_FAILED, false, false, false},
        {REPLY_RCPT, 451, "4.7.1", "x", REPLY_DEFERRED, false, false, false},
        {REPLY_RCPT, 421, "4.2.1", "x", REPLY_DEFERRED, false, false, true},
        {REPLY_DATA, 451, "4.3.0", "x", REPLY_DEFERRED, false, false, false},
        {REPLY_DATA, 550, "5.1.1", "mari@rcpt.example", REPLY_FAILED, false, false, false},
        {REPLY_DOT, 250, "", "Ok", REPLY_SENT, false, false, false},
        {REPLY_DOT, 354, "", "go on", REPLY_UNKNOWN, false, false, false},
        {REPLY_DOT, 451, "4.3.0", "x", REPLY_DEFERRED, false, false, false},
        {REPLY_DOT, 550, "5.1.1", "x", REPLY_FAILED, false, false, false},
        {REPLY_DOT, 550, "5.1.1", "<MARI@rcpt.example> x", REPLY_FAILED, true, true, false},
        {REPLY_DOT, 452, "4.2.2", "mari@rcpt.example x", REPLY_DEFERRED, true, false, false},
        {REPLY_DOT, 554, "5.7.1", "mari@rcpt.example x", REPLY_FAILED, false, false, false},
        {REPLY_DOT, 421, "4.3.2", "mari@rcpt.example", REPLY_DEFERRED, false, false, true},
        {REPLY_MESSAGE, 0, "", "too large", REPLY_FAILED, false, false, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct reply reply = {.code = cases[i].code};
        struct reply_verdict verdict;

        snprintf(reply.enhanced, sizeof(reply.enhanced), "%s", cases[i].enhanced);
        snprintf(reply.text, sizeof(reply.text), "%s", cases[i].text);
        verdict = reply_classify(cases[i].stage, &reply, address);
        if (verdict.disposition != cases[i].disposition || verdict.counts != cases[i].counts ||
            verdict.suppress != cases[i].suppress || verdict.relay != cases[i].relay) {
            fail_msg("case %zu (%s %d): %s counts %d suppress %d relay %d", i,
                     reply_stage_name(cases[i].stage), cases[i].code,
                     reply_disposition_name(verdict.disposition), verdict.counts, verdict.suppress,
                     verdict.relay);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_replies_are_read),
        cmocka_unit_test(test_a_reply_that_grows_is_complete_only_at_its_end),
        cmocka_unit_test(test_what_is_no_reply_is_refused),
        cmocka_unit_test(test_an_endless_reply_is_refused_and_a_long_one_is_cut),
        cmocka_unit_test(test_lines_of_a_reply_are_walked),
        cmocka_unit_test(test_classes_follow_the_table),
        cmocka_unit_test(test_only_answers_about_the_recipient_count_against_a_member),
    };
    return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
