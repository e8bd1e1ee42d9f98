/* test_address.c - e-mail addresses, parsed once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "teataja/base/address.h"
#include "teataja/base/mem.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define L64 A60 "aaaa"
#define D63 A60 "aaa"
/* Behind it, "@" and a top-level domain fill an address up to its limit. */
#define D189 D63 "." D63 "." A60 "a"

static int hook_off(void **state)
{
    (void)state;
    mem_fail_at(0, 0);
    return 0;
}

static void test_good_addresses_are_taken(void **state)
{
    static const struct {
        const char *text;
        const char *parsed;
        const char *key;
        bool smtputf8;
    } cases[] = {
        {"anna@post.example", "anna@post.example", "anna@post.example", false},
        {" \tanna@post.example\t ", "anna@post.example", "anna@post.example", false},
        {"Anna.Tamm@Post.EXAMPLE", "Anna.Tamm@post.example", "anna.tamm@post.example", false},
        {"a@b.example", "a@b.example", "a@b.example", false},
        {"a+tag@b.example", "a+tag@b.example", "a+tag@b.example", false},
        {"!#$%&'*+-/=?^_`{|}~@b.example", "!#$%&'*+-/=?^_`{|}~@b.example",
         "!#$%&'*+-/=?^_`{|}~@b.example", false},
        {"a@1.2.3.example", "a@1.2.3.example", "a@1.2.3.example", false},
        {"a@x--y.example", "a@x--y.example", "a@x--y.example", false},
        {"a@3com.example", "a@3com.example", "a@3com.example", false},
        {"info@õismäe.example", "info@xn--isme-noa2h.example", "info@xn--isme-noa2h.example",
         false},
        {"info@ÕISMÄE.example", "info@xn--isme-noa2h.example", "info@xn--isme-noa2h.example",
         false},
        {"info@straße.example", "info@xn--strae-oqa.example", "info@xn--strae-oqa.example", false},
        {"info@bücher.example", "info@xn--bcher-kva.example", "info@xn--bcher-kva.example", false},
        {"info@XN--BCHER-KVA.example", "info@xn--bcher-kva.example", "info@xn--bcher-kva.example",
         false},
        {"info@bu\xCC\x88"
         "cher.example",
         "info@xn--bcher-kva.example", "info@xn--bcher-kva.example", false},
        {"info@пример.example", "info@xn--e1afmkfd.example", "info@xn--e1afmkfd.example", false},
        {"info@b\xE3\x80\x82"
         "example",
         "info@b.example", "info@b.example", false}, /* ideographic full stop */
        {"jürgen@post.example", "jürgen@post.example", "jürgen@post.example", true},
        {"JÜRGEN@post.example", "JÜRGEN@post.example", "jürgen@post.example", true},
        {"õnne.väli@bücher.example", "õnne.väli@xn--bcher-kva.example",
         "õnne.väli@xn--bcher-kva.example", true},
        {"почта@пример.example", "почта@xn--e1afmkfd.example", "почта@xn--e1afmkfd.example", true},
        {"ju\xCC\x88rgen@post.example", "ju\xCC\x88rgen@post.example", "jürgen@post.example", true},
        {L64 "@b.example", L64 "@b.example", L64 "@b.example", false},
        {"a@" D63 ".example", "a@" D63 ".example", "a@" D63 ".example", false},
        {A60 "@" D189 ".xxx", A60 "@" D189 ".xxx", A60 "@" D189 ".xxx", false}, /* 254 in all */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct address address;
        struct err err = {0};

        if (address_parse(cases[i].text, &address, &err) != 0) {
            fail_msg("%s", err.msg);
        }
        assert_string_equal(address.text, cases[i].parsed);
        assert_string_equal(address.key, cases[i].key);
        assert_int_equal(address.smtputf8, cases[i].smtputf8);
        assert_string_equal(address_domain(&address), strchr(address.text, '@') + 1);
    }
}

static void test_bad_addresses_are_refused_with_a_reason(void **state)
{
    static const struct {
        const char *text;
        const char *msg;
    } cases[] = {
        {"", "address '' is empty"},
        {" \t ", "address '' is empty"},
        {"anna", "address 'anna' has no '@'"},
        {"anna.post.example", "address 'anna.post.example' has no '@'"},
        {"a@b@c", "address 'a@b@c' has two '@'"},
        {"a@b@c@d", "address 'a@b@c@d' has more than one '@'"},
        {"\"a@b\"@c.example", "address '\"a@b\"@c.example' has two '@'"},
        {"@b.example", "address '@b.example' has nothing before the '@'"},
        {"a@", "address 'a@' has nothing behind the '@'"},
        {"@", "address '@' has nothing before the '@'"},
        {".a@b.example", "address '.a@b.example' starts with a dot"},
        {"a.@b.example", "address 'a.@b.example' has a dot before the '@'"},
        {"a..b@c.example", "address 'a..b@c.example' has two dots in a row"},
        {"a@.b.example", "address 'a@.b.example' has a dot behind the '@'"},
        {"a@b.example.", "address 'a@b.example.' ends with a dot"},
        {"a@b..example", "address 'a@b..example' has two dots in a row"},
        {"a@localhost", "address 'a@localhost' has no dot in its domain"},
        {"a@-b.example", "address 'a@-b.example' has a part of its domain that starts or ends "
                         "with '-'"},
        {"a@b-.example", "address 'a@b-.example' has a part of its domain that starts or ends "
                         "with '-'"},
        {"a@b_c.example", "address 'a@b_c.example' holds a character that cannot stand in a "
                          "domain"},
        {"a@b.example/c", "address 'a@b.example/c' holds a character that cannot stand in a "
                          "domain"},
        {"a@[192.0.2.1]", "address 'a@[192.0.2.1]' has an IP address where its domain should be"},
        {"a@[IPv6:2001:db8::1]", "address 'a@[IPv6:2001:db8::1]' has an IP address where its "
                                 "domain should be"},
        {"a@192.0.2.1", "address 'a@192.0.2.1' has an IP address where its domain should be"},
        {"a b@c.example", "address 'a b@c.example' holds a space"},
        {"a@b .example", "address 'a@b .example' holds a space"},
        {"a\xC2\xA0@c.example", "address 'a\xC2\xA0@c.example' holds a space"},
        {"a@c.example\xE3\x80\x80", "address 'a@c.example\xE3\x80\x80' holds a space"},
        {"\"a b\"@c.example", "address '\"a b\"@c.example' holds a space"},
        {"\"a\"@c.example", "address '\"a\"@c.example' holds a character that cannot stand before "
                            "the '@'"},
        {"a(x)@c.example", "address 'a(x)@c.example' holds a character that cannot stand before "
                           "the '@'"},
        {"a,b@c.example", "address 'a,b@c.example' holds a character that cannot stand before "
                          "the '@'"},
        {"a\\@c.example", "address 'a\\@c.example' holds a character that cannot stand before "
                          "the '@'"},
        {"mailto:a@c.example", "address 'mailto:a@c.example' holds a character that cannot stand "
                               "before the '@'"},
        {"Anna <a@c.example>", "address 'Anna <a@c.example>' holds an angle bracket; write "
                               "only what stands between them"},
        {"<a@c.example>", "address '<a@c.example>' holds an angle bracket; write only what "
                          "stands between them"},
        {"a@c.example>", "address 'a@c.example>' holds an angle bracket; write only what stands "
                         "between them"},
        {"a@c.example\r\nBcc: x@y.example", "address 'a@c.example  Bcc: x@y.example' holds a line "
                                            "break"},
        {"a@c.example\r\n", "address 'a@c.example  ' holds a line break"},
        {"a\r@c.example", "address 'a @c.example' holds a line break"},
        {"\na@c.example", "address ' a@c.example' holds a line break"},
        {"a@c.example\nRCPT TO:<x@y.example>", "address 'a@c.example RCPT TO:<x@y.example>' holds "
                                               "a line break"},
        {"a\x01@c.example", "address 'a?@c.example' holds a control character"},
        {"a\t@c.example", "address 'a @c.example' holds a control character"},
        {"a@c\x7f.example", "address 'a@c?.example' holds a control character"},
        {"a\xC2\x85@c.example", "address 'a?@c.example' holds a control character"},
        {"a\xE2\x80\xA8@c.example", "address 'a?@c.example' holds a space"},
        {"a\xFF@c.example", "address 'a?@c.example' is not UTF-8"},
        {"a\xE2\x80\xAE@c.example", "address 'a\xE2\x80\xAE@c.example' holds a character that "
                                    "cannot stand before the '@'"}, /* RLO */
        {"a\xE2\x80\x8B@c.example", "address 'a\xE2\x80\x8B@c.example' holds a character that "
                                    "cannot stand before the '@'"}, /* zero width space */
        {"a\xEF\xBC\xA0"
         "b@c.example",
         "address 'a\xEF\xBC\xA0"
         "b@c.example' holds a character that cannot stand before the '@'"}, /* fullwidth @ */
        {"a\xEF\xBC\x9C@c.example", "address 'a\xEF\xBC\x9C@c.example' holds a character that "
                                    "cannot stand before the '@'"}, /* fullwidth < */
        {"\xEF\xB8\x8F@c.example", "address '\xEF\xB8\x8F@c.example' has nothing before the "
                                   "'@'"}, /* a variation selector alone */
        {"a@b\xEF\xBC\xA0"
         "c.example",
         "address 'a@b\xEF\xBC\xA0"
         "c.example' holds a character that cannot stand in a domain"},
        {"a@xn--a.example", "address 'a@xn--a.example' has a domain that no registry could hold "
                            "(IDNA 2008)"},
        {"a@\xE2\x99\xA5.example", "address 'a@\xE2\x99\xA5.example' has a domain that no registry "
                                   "could hold (IDNA 2008)"}, /* a heart */
        {"a@b\xE2\x80\xAE.example", "address 'a@b\xE2\x80\xAE.example' has a domain that no "
                                    "registry could hold (IDNA 2008)"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct address address = {.text = "untouched"};
        struct err err = {0};

        assert_int_equal(address_parse(cases[i].text, &address, &err), ERR_INVALID);
        assert_string_equal(err.msg, cases[i].msg);
        assert_string_equal(address.text, "untouched");
    }
}

static void test_long_parts_are_refused(void **state)
{
    static char endless[1000001];
    static const struct {
        const char *text;
        const char *about;
    } cases[] = {
        {L64 "a@b.example", "has more than 64 bytes before the '@'"},
        {"a@" D63 "a.example", "has a part of more than 63 characters in its domain"},
        {"a@ü" D63 ".example", "has a part of more than 63 characters in its domain"},
        {A60 "@" D189 ".xxxx", "is longer than 254 bytes"}, /* 255 in all */
        {"a@" D63 "." D63 "." D63 "." D63 ".xx", "has a domain that is too long"},
        {"a@ü." D63 "." D63 "." D63 "." D63 ".xx", "has a domain that is too long"},
        {endless, "is too long"},
    };

    (void)state;
    memset(endless, 'a', sizeof(endless) - 1);
    endless[500000] = '@';
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct address address;
        struct err err = {0};

        assert_int_equal(address_parse(cases[i].text, &address, &err), ERR_INVALID);
        if (strlen(err.msg) < strlen(cases[i].about) ||
            strcmp(err.msg + strlen(err.msg) - strlen(cases[i].about), cases[i].about) != 0) {
            fail_msg("%s", err.msg);
        }
    }
}

/* Whatever byte is put anywhere: what is accepted can stand on a wire. */
static void test_nothing_accepted_can_break_a_command(void **state)
{
    static const char model[] = "anna@post.example";

    (void)state;
    for (size_t at = 0; at <= strlen(model); at++) {
        for (int byte = 1; byte < 256; byte++) {
            char text[2 * sizeof(model) + 1];
            struct address address;

            (void)snprintf(text, sizeof(text), "%.*s%c%s", (int)at, model, byte, model + at);
            if (address_parse(text, &address, NULL) < 0) {
                continue;
            }
            assert_int_equal(strcspn(address.text, "\r\n\t <>,;:()[]\\\""), strlen(address.text));
            for (const char *c = address.text; *c != '\0'; c++) {
                assert_in_range((unsigned char)*c, 0x21, 0x7E);
            }
            assert_true(byte < 0x80);
        }
    }
}

static void test_parsing_what_was_parsed_changes_nothing(void **state)
{
    static const char *const texts[] = {"Anna@Post.Example", "õ@bücher.example",
                                        "a@пример.example"};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct address once;
        struct address twice;

        assert_int_equal(address_parse(texts[i], &once, NULL), 0);
        assert_int_equal(address_parse(once.text, &twice, NULL), 0);
        assert_string_equal(once.text, twice.text);
        assert_string_equal(once.key, twice.key);
    }
}

static void test_free_mail_providers_are_known(void **state)
{
    static const struct {
        const char *text;
        bool freemail;
    } cases[] = {
        {"a@gmail.com", true},
        {"a@GMail.com", true},
        {"a@googlemail.com", true},
        {"a@outlook.com", true},
        {"a@outlook.de", true},
        {"a@hotmail.co.uk", true},
        {"a@live.se", true},
        {"a@yahoo.com", true},
        {"a@yahoo.co.uk", true},
        {"a@icloud.com", true},
        {"a@mail.ru", true},
        {"a@yandex.ru", true},
        {"a@seznam.cz", true},
        {"a@wp.pl", true},
        {"a@o2.pl", true},
        {"a@onet.pl", true},
        {"a@gmx.net", true},
        {"a@web.de", true},
        {"a@mail.ee", true},
        {"a@hot.ee", true},
        {"a@inbox.lv", true},
        {"a@inbox.lt", true},
        {"a@centrum.cz", true},
        {"a@t-online.de", true},
        {"a@news.gmail.com", false},
        {"a@gmail.com.example", false},
        {"a@gmail.example", false},
        {"a@notgmail.com", false},
        {"a@outlook.example", false},
        {"a@live.ee", false},
        {"a@cluster.example", false},
        {"a@web.example", false},
        {"gmail.com@post.example", false},
        {"a@yahoo.c.om", false},
        {"a@yahoo.co", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct address address;

        assert_int_equal(address_parse(cases[i].text, &address, NULL), 0);
        if (address_is_freemail(&address) != cases[i].freemail) {
            fail_msg("%s", cases[i].text);
        }
    }
}

static void test_every_failing_allocation_is_reported(void **state)
{
    (void)state;
    for (unsigned long nth = 1;; nth++) {
        struct address address = {0};
        struct err err = {0};
        int rc;

        mem_fail_at(nth, 0);
        rc = address_parse("JÜRGEN@bücher.example", &address, &err);
        if (mem_count() < nth) {
            assert_int_equal(rc, 0);
            assert_true(nth > 3);
            break;
        }
        assert_int_equal(rc, ERR_NOMEM);
        assert_string_equal(err.msg, "out of memory");
        assert_string_equal(address.text, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_addresses_are_taken),
        cmocka_unit_test(test_bad_addresses_are_refused_with_a_reason),
        cmocka_unit_test(test_long_parts_are_refused),
        cmocka_unit_test(test_nothing_accepted_can_break_a_command),
        cmocka_unit_test(test_parsing_what_was_parsed_changes_nothing),
        cmocka_unit_test(test_free_mail_providers_are_known),
        cmocka_unit_test_teardown(test_every_failing_allocation_is_reported, hook_off),
    };

    return cmocka_run_group_tests_name("base/address", tests, NULL, NULL);
}
