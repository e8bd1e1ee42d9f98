/* The writer of messages at its edges: fields that fold in odd places, links without
 * room, and no memory anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "envelope.h"
#include "frozen.h"
#include "kind.h"
#include "support/no_memory.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/compose/header.h"
#include "teataja/compose/link.h"
#include "teataja/compose/qp.h"
#include "write.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define ARENA 1000000
#define TEN "xxxxxxxxxx"
#define SEVENTY TEN TEN TEN TEN TEN TEN TEN

static const struct token_key key = {.id = 1, .secret = {1, 2, 3}};

/* ---- Header fields ---- */

static void test_fields_fold_where_they_may(void **state)
{
    static const struct {
        const char *name, *text, *field;
    } cases[] = {
        {"X",
         "a\x7F\xC2\x85"
         "b\xE2\x80\xA8"
         "c\xE2\x80\xA9"
         "d\xC2\x9F"
         "e",
         "X: a b c d e\r\n"},
        {"X", "az AZ 09 -!*+/ { z õ", "X: =?UTF-8?Q?az_AZ_09_-!*+/_=7B_z_=C3=B5?=\r\n"},
        {SEVENTY, "õ", SEVENTY ": \r\n =?UTF-8?B?w7U=?=\r\n"},
        {TEN TEN TEN TEN TEN TEN, "õ", TEN TEN TEN TEN TEN TEN ": \r\n =?UTF-8?B?w7U=?=\r\n"},
    };
    struct str out;

    (void)state;
    str_init(&out, LIMIT_TEXT);
    for (size_t i = 0; i < COUNT(cases); i++) {
        str_reset(&out);
        header_text(&out, cases[i].name, cases[i].text);
        assert_string_equal(out.data, cases[i].field);
    }
    str_reset(&out);
    header_plain(&out, "X", SEVENTY "xxx  " SEVENTY TEN); /* a fold between two spaces */
    header_plain(&out, "Y",
                 "a\tb\x7F"
                 "c\xC3\xB5");
    assert_string_equal(out.data, "X: " SEVENTY "xxx\r\n  " SEVENTY TEN "\r\nY: a?b?c??\r\n");
    str_release(&out);
}

static void test_a_name_is_a_phrase_while_it_can_be(void **state)
{
    static const struct {
        const char *display, *field;
    } cases[] = {
        {"Aoife O'Neill_2", "To: Aoife O'Neill_2 <a@b.example>\r\n"},
        {"a.b", "To: \"a.b\" <a@b.example>\r\n"},
        {"=?x?=", "To: =?UTF-8?B?PT94Pz0=?= <a@b.example>\r\n"},
        {SEVENTY "x",
         "To: =?UTF-8?Q?xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx?=\r\n"
         " =?UTF-8?Q?xxxxxxxxxxx?= <a@b.example>\r\n"},
    };
    struct address address;
    struct str out;

    (void)state;
    assert_int_equal(address_parse("a@b.example", &address, NULL), 0);
    str_init(&out, LIMIT_TEXT);
    for (size_t i = 0; i < COUNT(cases); i++) {
        str_reset(&out);
        header_mailbox(&out, "To", cases[i].display, &address);
        assert_string_equal(out.data, cases[i].field);
    }
    str_reset(&out);
    header_phrase(&out, "List-Id", NULL, "a.example");
    assert_string_equal(out.data, "List-Id: <a.example>\r\n");
    str_release(&out);
}

static int write_fields(struct err *err)
{
    struct address address;
    struct str out;
    int rc = address_parse("a@b.example", &address, err);

    str_init(&out, LIMIT_TEXT);
    header_text(&out, "Subject", "a");
    header_text(&out, "Subject", "õ");
    header_mailbox(&out, "To", "a", &address);
    header_mailbox(&out, "To", "õ", &address);
    header_phrase(&out, "List-Id", "a.b", "b.example");
    header_plain(&out, "X", "a");
    header_date(&out, "Date", 0);
    rc = rc == 0 ? str_check(&out, err) : rc;
    str_release(&out);
    return rc;
}

static void test_a_field_without_memory_is_no_field(void **state)
{
    (void)state;
    assert_told_without_memory(write_fields);
}

/* ---- Quoted-printable ---- */

static void test_text_that_ends_in_the_middle_is_still_safe(void **state)
{
    static const char text[] = "a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
                               "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80";
    struct str out;

    (void)state;
    str_init(&out, LIMIT_TEXT);
    qp_encode(&out, text + 1, 26); /* bytes that go on, and nothing that began */
    assert_int_equal(strcspn(out.data, "\r"), 76);
    assert_string_equal(out.data + 73, "80=\r\n=80");
    str_reset(&out);
    qp_encode(&out, text, 26);
    assert_string_equal(out.data + 71, "80=\r\n=80");
    str_reset(&out);
    qp_encode(&out, "a\r", 2);
    qp_encode(&out, "\xC3", 1);
    assert_string_equal(out.data, "a=0D=C3");
    str_reset(&out);
    qp_encode(&out, "\n", 1);
    qp_end(&out, 0);
    assert_string_equal(out.data, "\r\n");
    qp_end(&out, 2);
    assert_string_equal(out.data, "\r\n");
    str_release(&out);
}

/* ---- Messages ---- */

#define NAME "\xEE\x80\x80"

static const char *const calendar[] = {"BEGIN:VCALENDAR\r\n", "END:VCALENDAR\r\n"};

static struct frozen make_frozen(void)
{
    return (struct frozen){
        .subject = "Tere",
        .from = "From: a@b.example\r\n",
        .headers = "MIME-Version: 1.0\r\n",
        .organizer = "Office",
        .cids = {"one@b.example"},
        .cid_count = 1,
        .calendar = {.method = ICAL_REQUEST, .pieces = calendar, .count = COUNT(calendar)}};
}

static struct program make_program(struct arena *arena, enum mail_kind_id kind,
                                   struct frozen frozen)
{
    static const struct piece text = {.kind = PIECE_FIXED, .data = "Tere\r\n", .len = 6};
    const struct layout_input input = {.uid = "uid", .lang = "et"};
    struct program program = {.mailing = 3,
                              .uid = "uid",
                              .envelope = {.kind = &mail_kinds[kind],
                                           .domain = "b.example",
                                           .list = 2,
                                           .base = {.web = "https://b.example",
                                                    .mode = SITE_ADDRESS_PLUS,
                                                    .domain = "bounce.b.example",
                                                    .mailbox = "bounce@b.example"}}};

    frozen.text = (struct pieces){.items = &text, .count = 1};
    frozen.html = (struct pieces){.html = true, .items = &text, .count = 1};
    program.frozen = frozen;
    assert_int_equal(mail_kinds[kind].lay_out(arena, &input, &program.layout, NULL), 0);
    return program;
}

static const struct write_input usual_input = {
    .row = 7,
    .member = 5,
    .address = "a@b.example",
    .values = {.name = "Mari", .organisation = "", .organizer = "office@b.example"}};

static int write_one(const struct program *program, const char *address, struct str *out,
                     struct err *err)
{
    struct write_input input = usual_input;
    char sender[LIMIT_ADDRESS + 1];

    input.address = address;
    return write_message(program, &key, &input, out, sender, err);
}

/* Each link is the first that has no room, as the address of the site gets longer. */
static void test_a_site_too_long_for_its_links_is_told(void **state)
{
    struct arena *arena = arena_new(ARENA);
    struct program program = make_program(arena, MAIL_INVITATION, make_frozen());
    char web[LINK_TEXT + 2];
    size_t fits = 0;
    struct str out;

    (void)state;
    str_init(&out, LIMIT_MESSAGE);
    program.envelope.base.web = web;
    for (size_t len = LINK_TEXT - 200; len <= LINK_TEXT; len++) {
        struct err err = {0};
        int rc;

        memset(web, 'w', len);
        web[len] = '\0';
        str_reset(&out);
        rc = write_one(&program, "a@b.example", &out, &err);
        if (rc == 0) {
            assert_int_equal(fits, len - (LINK_TEXT - 200));
            fits++;
        } else {
            assert_int_equal(rc, ERR_LIMIT);
            assert_string_equal(err.msg, "web.url of teataja.yaml is too long for a link");
        }
    }
    assert_in_range(fits, 50, 190);
    str_release(&out);
    arena_free(arena);
}

static void test_an_address_without_room_for_a_token_is_told(void **state)
{
    struct arena *arena = arena_new(ARENA);
    struct program program = make_program(arena, MAIL_LETTER, make_frozen());
    struct link_base *base = &program.envelope.base;
    char mailbox[100];
    char domain[300];
    size_t fits = 0;
    struct str out;
    struct err err = {0};

    (void)state;
    str_init(&out, LIMIT_MESSAGE);
    base->mailbox = mailbox;
    for (size_t len = 1; len <= LIMIT_LOCAL_PART; len++) {
        int rc;

        memset(mailbox, 'm', len);
        memcpy(mailbox + len, "@b.example", sizeof("@b.example"));
        str_reset(&out);
        rc = write_one(&program, "a@b.example", &out, &err);
        assert_true(rc == 0 || rc == ERR_LIMIT);
        fits += rc == 0;
    }
    assert_in_range(fits, 10, 40);
    base->mode = SITE_ADDRESS_CATCHALL;
    base->domain = domain;
    memset(domain, 'd', sizeof(domain) - 1);
    domain[sizeof(domain) - 1] = '\0';
    assert_int_equal(write_one(&program, "a@b.example", &out, &err), ERR_LIMIT);
    domain[200] = '\0';
    str_reset(&out);
    assert_int_equal(write_one(&program, "a@b.example", &out, &err), 0);
    str_release(&out);
    arena_free(arena);
}

static void test_a_message_says_only_what_its_mailing_is(void **state)
{
    struct arena *arena = arena_new(ARENA);
    struct program program = make_program(arena, MAIL_LETTER, make_frozen());
    struct err err = {0};
    struct str out;

    (void)state;
    str_init(&out, LIMIT_MESSAGE);
    assert_int_equal(write_one(&program, "a@b.example", &out, &err), 0);
    assert_non_null(strstr(out.data, "\r\nList-Unsubscribe-Post: "));
    assert_non_null(strstr(out.data, "\r\nSubject: Tere\r\n"));
    str_reset(&out);
    program.envelope.base.web = "http://b.example"; /* RFC 8058 asks for https */
    assert_int_equal(write_one(&program, "a@b.example", &out, &err), 0);
    assert_non_null(strstr(out.data, "\r\nList-Unsubscribe: "));
    assert_null(strstr(out.data, "\r\nList-Unsubscribe-Post: "));
    str_reset(&out);
    program.envelope.list = 0; /* a test: nobody to leave */
    assert_int_equal(write_one(&program, "a@b.example", &out, &err), 0);
    assert_null(strstr(out.data, "List-Unsubscribe"));
    assert_int_equal(write_one(&program, "nobody", &out, &err), ERR_INVALID);
    program.frozen.subject = "a\xEE\x80\xBF";
    assert_int_equal(write_one(&program, "a@b.example", &out, &err), ERR_INVALID);
    str_release(&out);
    arena_free(arena);
}

static int write_invitation(struct err *err)
{
    static struct program program;
    static struct arena *arena;
    struct str out;
    int rc;

    if (arena == NULL || err == NULL) { /* outside of what is counted */
        arena_free(arena);
        arena = arena_new(ARENA);
        program = make_program(arena, MAIL_INVITATION, make_frozen());
        return 0;
    }
    str_init(&out, LIMIT_MESSAGE);
    rc = write_one(&program, "a@b.example", &out, err);
    str_release(&out);
    return rc;
}

static void test_a_message_without_memory_is_no_message(void **state)
{
    (void)state;
    (void)write_invitation(NULL);
    assert_told_without_memory(write_invitation);
}

static void test_a_subject_is_made_once_if_it_is_the_same_for_all(void **state)
{
    struct arena *arena = arena_new(ARENA);
    struct program program = {.frozen = make_frozen()};
    struct err err = {0};
    int rc = ERR_NOMEM;

    (void)state;
    for (size_t ceiling = 0; rc == ERR_NOMEM; ceiling += 16) {
        struct arena *small = arena_new(ceiling);

        rc = write_prepare(&program, small, &err);
        if (rc == 0) {
            assert_string_equal(program.subject, "Subject: Tere\r\n");
        }
        arena_free(small);
    }
    assert_int_equal(rc, 0);
    mem_fail_at(1, 0);
    assert_int_equal(write_prepare(&program, arena, &err), ERR_NOMEM);
    mem_fail_at(0, 0);
    program.subject = NULL;
    program.frozen.subject = "Tere, " NAME;
    assert_int_equal(write_prepare(&program, arena, &err), 0);
    assert_null(program.subject);
    arena_free(arena);
}

static void test_links_are_made_of_what_the_site_says(void **state)
{
    struct site site = {.web = {.url = "https://b.example"}};
    struct link_base base;
    char sender[LIMIT_ADDRESS + 1];
    char mail[LINK_TEXT];
    const struct token token = {.purpose = TOKEN_LEAVE, .count = 1, .ids = {1}};

    (void)state;
    base = link_base_of(&site);
    assert_string_equal(base.domain, "");
    assert_string_equal(base.mailbox, "");
    site.addresses.domain = "bounce.b.example";
    assert_string_equal(link_base_of(&site).domain, "bounce.b.example");
    /* What never was an address makes none. */
    base.mode = SITE_ADDRESS_PLUS;
    base.mailbox = "nobody";
    assert_int_equal(link_envelope(&base, &key, 1, sender, NULL), 0);
    assert_int_equal(sender[strlen(sender) - 1], '@');
    base.mode = SITE_ADDRESS_SINGLE;
    assert_int_equal(link_leave_mail(&base, &key, &token, mail, NULL), 0);
    assert_memory_equal(mail, "mailto:nobody?subject=leave-", 28);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_fold_where_they_may),
        cmocka_unit_test(test_a_name_is_a_phrase_while_it_can_be),
        cmocka_unit_test(test_a_field_without_memory_is_no_field),
        cmocka_unit_test(test_text_that_ends_in_the_middle_is_still_safe),
        cmocka_unit_test(test_a_site_too_long_for_its_links_is_told),
        cmocka_unit_test(test_an_address_without_room_for_a_token_is_told),
        cmocka_unit_test(test_a_message_says_only_what_its_mailing_is),
        cmocka_unit_test(test_a_message_without_memory_is_no_message),
        cmocka_unit_test(test_a_subject_is_made_once_if_it_is_the_same_for_all),
        cmocka_unit_test(test_links_are_made_of_what_the_site_says),
    };

    return token_init(NULL) < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
