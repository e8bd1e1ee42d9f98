/* Header fields, quoted-printable and links, case by case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "teataja/base/limits.h"
#include "teataja/base/token.h"
#include "teataja/compose/header.h"
#include "teataja/compose/link.h"
#include "teataja/compose/mime.h"
#include "teataja/compose/qp.h"

static void test_a_subject_is_plain_or_encoded(void **state)
{
    static const struct {
        const char *text, *field;
    } cases[] = {
        {"Funding in December", "Subject: Funding in December\r\n"},
        {"", "Subject: \r\n"},
        {NULL, "Subject: \r\n"},
        {"  a\t b\n c ", "Subject: a b c\r\n"},
        {"x\r\nBcc: all@evil.example", "Subject: x Bcc: all@evil.example\r\n"},
        {"=?UTF-8?Q?x?=", "Subject: =?UTF-8?B?PT9VVEYtOD9RP3g/PQ==?=\r\n"},
        {"Õhtu", "Subject: =?UTF-8?B?w5VodHU=?=\r\n"},
        {"Toetused ja üritused", "Subject: =?UTF-8?Q?Toetused_ja_=C3=BCritused?=\r\n"},
        {"Финансирование и встречи: что открыто сейчас",
         "Subject: =?UTF-8?B?0KTQuNC90LDQvdGB0LjRgNC+0LLQsNC90LjQtSDQuCDQstGB0YI=?=\r\n"
         " =?UTF-8?B?0YDQtdGH0Lg6INGH0YLQviDQvtGC0LrRgNGL0YLQviDRgdC10LnRh9Cw0YE=?=\r\n"},
        {"A subject of seventy-six characters and more is folded at a space between words",
         "Subject: A subject of seventy-six characters and more is folded at a space\r\n"
         " between words\r\n"},
        {"broken \xFF here", "Subject: =?UTF-8?B?YnJva2VuIO+/vSBoZXJl?=\r\n"},
    };
    struct str out;

    (void)state;
    str_init(&out, LIMIT_TEXT);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        str_reset(&out);
        header_text(&out, "Subject", cases[i].text);
        assert_string_equal(out.data, cases[i].field);
    }
    str_release(&out);
}

static void test_a_mailbox_shows_a_name_and_never_a_second_address(void **state)
{
    static const struct {
        const char *display, *field;
    } cases[] = {
        {NULL, "To: mari@post.example\r\n"},
        {"", "To: mari@post.example\r\n"},
        {"Mari Maasikas", "To: Mari Maasikas <mari@post.example>\r\n"},
        {"Maasikas, Mari", "To: \"Maasikas, Mari\" <mari@post.example>\r\n"},
        {"A \"B\" \\ C", "To: \"A \\\"B\\\" \\\\ C\" <mari@post.example>\r\n"},
        {"eve@evil.example>,", "To: \"eve@evil.example>,\" <mari@post.example>\r\n"},
        {"Mari\r\nBcc: x@y.example", "To: \"Mari Bcc: x@y.example\" <mari@post.example>\r\n"},
        {"Õnne Päev", "To: =?UTF-8?B?w5VubmUgUMOkZXY=?= <mari@post.example>\r\n"},
    };
    struct address address;
    struct str out;

    (void)state;
    assert_int_equal(address_parse("mari@post.example", &address, NULL), 0);
    str_init(&out, LIMIT_TEXT);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        str_reset(&out);
        header_mailbox(&out, "To", cases[i].display, &address);
        assert_string_equal(out.data, cases[i].field);
    }
    assert_int_equal(address_parse("õnne@post.example", &address, NULL), 0);
    str_reset(&out);
    header_mailbox(&out, "To", "Õnne", &address);
    assert_string_equal(out.data, "To: =?UTF-8?B?w7VubmVAcG9zdC5leGFtcGxl?= :;\r\n");
    str_release(&out);
}

static void test_other_fields_are_what_their_rfc_says(void **state)
{
    struct str out;

    (void)state;
    str_init(&out, LIMIT_TEXT);
    header_date(&out, "Date", INT64_C(1796119200) * 1000000);
    header_phrase(&out, "List-Id", "Rahastus", "funding.cluster.example");
    header_plain(&out, "List-Unsubscribe",
                 "<https://letters.cluster.example/leave/aeaqaaiaadpnxw6lmc6wjqq76q>, "
                 "<mailto:u-x@bounce.example>");
    assert_string_equal(
        out.data,
        "Date: Tue, 01 Dec 2026 10:00:00 +0000\r\n"
        "List-Id: Rahastus <funding.cluster.example>\r\n"
        "List-Unsubscribe: <https://letters.cluster.example/leave/aeaqaaiaadpnxw6lmc6wjqq76q>,\r\n"
        " <mailto:u-x@bounce.example>\r\n");
    str_release(&out);
}

static void test_quoted_printable_keeps_every_line_safe(void **state)
{
    static const struct {
        const char *text, *encoded;
    } cases[] = {
        {"", ""},
        {"a", "a"},
        {"a\n", "a\r\n"},
        {"a\r\nb\n", "a\r\nb\r\n"},
        {"a\rb\n", "a=0Db\r\n"},
        {".", "=2E"},
        {"..\n.x\n", "=2E.\r\n=2Ex\r\n"},
        {"From me\n>From\n", "=46rom me\r\n>From\r\n"},
        {"a \n\tb\t\n", "a=20\r\n\tb=09\r\n"},
        {"a ", "a=20"},
        {"1=2", "1=3D2"},
        {"õ", "=C3=B5"},
    };
    struct str out;

    (void)state;
    str_init(&out, LIMIT_TEXT);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        str_reset(&out);
        qp_encode(&out, cases[i].text, strlen(cases[i].text));
        assert_string_equal(out.data, cases[i].encoded);
    }
    str_release(&out);
}

static void test_pieces_join_softly(void **state)
{
    struct str out;

    (void)state;
    str_init(&out, LIMIT_TEXT);
    str_add(&out, "header\r\n");
    qp_encode(&out, "Tere, ", 6);
    qp_join(&out, 8);
    qp_encode(&out, "", 0);
    qp_join(&out, 8);
    qp_encode(&out, ".!\n", 3);
    qp_join(&out, 8);
    qp_end(&out, 8);
    assert_string_equal(out.data, "header\r\nTere,=20=\r\n=2E!\r\n");
    str_reset(&out);
    qp_encode(&out, "x", 1);
    qp_join(&out, 0);
    qp_end(&out, 0);
    assert_string_equal(out.data, "x=\r\n\r\n");
    str_release(&out);
}

static void test_base64_has_lines_of_76(void **state)
{
    struct str out;

    (void)state;
    str_init(&out, LIMIT_TEXT);
    mime_base64(&out, "M", 1);
    mime_base64(&out, "Ma", 2);
    mime_base64(&out, "Man", 3);
    assert_string_equal(out.data, "TQ==\r\nTWE=\r\nTWFu\r\n");
    str_reset(&out);
    mime_base64(&out, "0123456789012345678901234567890123456789012345678901234567890", 61);
    assert_string_equal(out.data, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3"
                                  "ODkwMTIzNDU2\r\nNzg5MA==\r\n");
    str_release(&out);
}

static void test_senders_come_back_by_each_mode(void **state)
{
    static const struct token_key key = {.id = 1, .secret = {9}};
    struct link_base base = {.web = "https://l.example",
                             .mode = SITE_ADDRESS_CATCHALL,
                             .domain = "bounce.example",
                             .mailbox = "bounce@cluster.example"};
    const struct token leave = {.purpose = TOKEN_LEAVE, .count = 4, .ids = {1, 2, 3, 4}};
    char sender[LIMIT_ADDRESS + 1];
    char link[LINK_TEXT];
    char token_text[TOKEN_TEXT];
    struct address address;
    struct token token;
    struct err err = {0};

    (void)state;
    assert_int_equal(link_envelope(&base, &key, 123456789, sender, &err), 0);
    assert_int_equal(address_parse(sender, &address, &err), 0);
    assert_string_equal(address_domain(&address), "bounce.example");
    (void)snprintf(token_text, sizeof(token_text), "%.*s", (int)strcspn(sender + 2, "@"),
                   sender + 2);
    assert_int_equal(token_read(&key, TOKEN_BOUNCE, token_text, &token, &err), 0);
    assert_int_equal(token.ids[0], 123456789);
    base.mode = SITE_ADDRESS_PLUS;
    assert_int_equal(link_envelope(&base, &key, 123456789, sender, &err), 0);
    assert_memory_equal(sender, "bounce+b-", 9);
    assert_true(strcspn(sender, "@") <= LIMIT_LOCAL_PART);
    assert_int_equal(link_leave_mail(&base, &key, &leave, link, &err), 0);
    assert_memory_equal(link, "mailto:bounce+u-", 16);
    base.mailbox = "the-mailbox-of-all-bounces-that-come-back-to-us@cluster.example";
    assert_int_equal(link_envelope(&base, &key, 123456789, sender, &err), ERR_LIMIT);
    base.mode = SITE_ADDRESS_SINGLE;
    assert_int_equal(link_envelope(&base, &key, 123456789, sender, &err), 0);
    assert_string_equal(sender, base.mailbox);
}

static void test_a_draft_link_is_of_one_person_and_one_text(void **state)
{
    static const struct token_key key = {.id = 1, .secret = {9}};
    static const struct token_key other = {.id = 1, .secret = {10}};
    const struct link_base base = {.web = "https://l.example/w"};
    static const char start[] = "https://l.example/w/draft/";
    struct address mari;
    struct address same;
    struct address jaan;
    struct link_draft_ids ids;
    char link[LINK_TEXT];
    char token[TOKEN_TEXT];
    struct token leave = {.purpose = TOKEN_LEAVE, .count = 3, .ids = {7, 8, 9}};

    (void)state;
    assert_int_equal(address_parse("mari@cluster.example", &mari, NULL), 0);
    assert_int_equal(address_parse("Mari@Cluster.EXAMPLE", &same, NULL), 0);
    assert_int_equal(address_parse("jaan@cluster.example", &jaan, NULL), 0);
    assert_int_equal(link_draft(&base, &key, 7, &mari, "text one", link, NULL), 0);
    assert_memory_equal(link, start, strlen(start));
    assert_true(strlen(link) < 90);
    assert_int_equal(link_draft_read(&key, link + strlen(start), &ids, NULL), 0);
    assert_int_equal(ids.mailing, 7);
    assert_true(ids.person == link_person(&key, &mari));
    assert_true(ids.person == link_person(&key, &same));
    assert_true(ids.person != link_person(&key, &jaan));
    assert_true(ids.person != link_person(&other, &mari));
    assert_true(ids.revision == link_revision("text one"));
    assert_true(ids.revision != link_revision("text two"));
    assert_true(ids.person >> 60 == 0 && ids.revision >> 60 == 0);
    assert_int_equal(link_draft_read(&other, link + strlen(start), &ids, NULL), ERR_INVALID);
    token_write(&key, &leave, token);
    assert_int_equal(link_draft_read(&key, token, &ids, NULL), ERR_INVALID);
    leave.purpose = TOKEN_DRAFT;
    leave.count = 2;
    token_write(&key, &leave, token);
    assert_int_equal(link_draft_read(&key, token, &ids, NULL), ERR_INVALID);
    leave.count = 3;
    leave.ids[0] = UINT64_MAX;
    token_write(&key, &leave, token);
    assert_int_equal(link_draft_read(&key, token, &ids, NULL), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_subject_is_plain_or_encoded),
        cmocka_unit_test(test_a_mailbox_shows_a_name_and_never_a_second_address),
        cmocka_unit_test(test_other_fields_are_what_their_rfc_says),
        cmocka_unit_test(test_quoted_printable_keeps_every_line_safe),
        cmocka_unit_test(test_pieces_join_softly),
        cmocka_unit_test(test_base64_has_lines_of_76),
        cmocka_unit_test(test_senders_come_back_by_each_mode),
        cmocka_unit_test(test_a_draft_link_is_of_one_person_and_one_text),
    };

    return token_init(NULL) < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
