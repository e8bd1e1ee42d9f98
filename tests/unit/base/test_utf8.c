/* test_utf8.c - UTF-8 checked, walked, folded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "teataja/base/mem.h"
#include "teataja/base/utf8.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int hook_off(void **state)
{
    (void)state;
    mem_fail_at(0, 0);
    return 0;
}

static void test_every_code_point_survives_the_round_trip(void **state)
{
    struct str str;

    (void)state;
    str_init(&str, 4);
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        size_t at = 0;

        if (code >= 0xD800 && code <= 0xDFFF) {
            continue;
        }
        str_reset(&str);
        utf8_add(&str, code);
        assert_int_equal(utf8_next(str.data, str.len, &at), code);
        assert_int_equal(at, str.len);
    }
    str_release(&str);
}

static void test_what_is_no_character_becomes_the_replacement(void **state)
{
    static const uint32_t codes[] = {0xD800, 0xDFFF, 0x110000, UINT32_MAX};
    struct str str;

    (void)state;
    str_init(&str, 10);
    for (size_t i = 0; i < COUNT(codes); i++) {
        str_reset(&str);
        utf8_add(&str, codes[i]);
        assert_string_equal(str.data, "\xEF\xBF\xBD");
    }
    str_release(&str);
}

static void test_malformed_sequences_are_found_where_they_stand(void **state)
{
    static const struct {
        const char *text;
        size_t bad;
    } cases[] = {
        {"\x80", 0},                     /* continuation alone */
        {"\xBF", 0},                     /* continuation alone */
        {"ab\xFF", 2},                   /* never in UTF-8 */
        {"ab\xFE", 2},                   /* never in UTF-8 */
        {"\xC0\xAF", 0},                 /* overlong '/' */
        {"\xC1\xBF", 0},                 /* overlong */
        {"\xE0\x80\xAF", 0},             /* overlong '/' */
        {"\xE0\x9F\xBF", 0},             /* overlong */
        {"\xF0\x80\x80\xAF", 0},         /* overlong '/' */
        {"\xF0\x8F\xBF\xBF", 0},         /* overlong */
        {"\xED\xA0\x80", 0},             /* high surrogate */
        {"\xED\xBF\xBF", 0},             /* low surrogate */
        {"\xED\xA0\xBD\xED\xB8\x80", 0}, /* surrogate pair (CESU-8) */
        {"\xF4\x90\x80\x80", 0},         /* past U+10FFFF */
        {"\xF5\x80\x80\x80", 0},         /* past U+10FFFF */
        {"\xF8\x88\x80\x80\x80", 0},     /* five bytes */
        {"a\xC3", 1},                    /* truncated */
        {"a\xE2\x82", 1},                /* truncated */
        {"a\xF0\x9F\x98", 1},            /* truncated */
        {"\xC3(", 0},                    /* second byte missing */
        {"\xE2\x82(", 0},                /* third byte missing */
        {"\xF0\x9F\x98(", 0},            /* fourth byte missing */
        {"\xE2(\xA1", 0},                /* second byte wrong */
        {"\xC3\xB5\xC3", 2},             /* good, then truncated */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t len = strlen(cases[i].text);
        size_t bad = 99;
        size_t at = cases[i].bad;

        assert_false(utf8_is_valid(cases[i].text, len, &bad));
        assert_false(utf8_is_valid(cases[i].text, len, NULL));
        assert_int_equal(bad, cases[i].bad);
        assert_int_equal(utf8_next(cases[i].text, len, &at), -1);
        assert_int_equal(at, cases[i].bad + 1);
    }
}

static void test_edges_of_the_ranges_are_valid(void **state)
{
    static const char *const texts[] = {
        "",
        "\x7F",
        "\xC2\x80",
        "\xDF\xBF",
        "\xE0\xA0\x80",
        "\xED\x9F\xBF",
        "\xEE\x80\x80",
        "\xEF\xBF\xBF",
        "\xF0\x90\x80\x80",
        "\xF4\x8F\xBF\xBF",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_true(utf8_is_valid(texts[i], strlen(texts[i]), NULL));
    }
    assert_true(utf8_is_valid("a\0b", 3, NULL));
}

static void test_length_counts_characters(void **state)
{
    (void)state;
    assert_int_equal(utf8_length("", 0), 0);
    assert_int_equal(utf8_length("õun", 4), 3);
    assert_int_equal(utf8_length("€😀a", 8), 3);
}

static void test_controls_are_found(void **state)
{
    static const struct {
        const char *text;
        bool control;
    } cases[] = {
        {"plain õ 😀", false},
        {"tab\tand\nline\r\nbreak", false},
        {"lone\rCR", true},
        {"CR at the end\r", true},
        {"bell\a", true},
        {"esc\x1b[0m", true},
        {"del\x7f", true},
        {"next line \xC2\x85", true},
        {"csi \xC2\x9B", true},
        {"no-break\xC2\xA0space", false},
        {"line separator \xE2\x80\xA8", true},
        {"paragraph separator \xE2\x80\xA9", true},
        {"malformed \xFF", true},
        {"mark \xE2\x80\x8F is fine", false},                       /* RLM */
        {"joined \xE2\x80\x8D", false},                             /* ZWJ */
        {"override \xE2\x80\xAE gnp.exe", true},                    /* RLO */
        {"override \xE2\x80\xAE gnp \xE2\x80\xAC closed", false},   /* RLO PDF */
        {"embedding \xE2\x80\xAA", true},                           /* LRE */
        {"isolate \xE2\x81\xA7", true},                             /* RLI */
        {"isolate \xE2\x81\xA7 x \xE2\x81\xA9", false},             /* RLI PDI */
        {"\xE2\x81\xA6\xE2\x80\xAE x \xE2\x81\xA9", false},         /* LRI RLO PDI */
        {"\xE2\x80\xAE\xE2\x81\xA6 x \xE2\x80\xAC", true},          /* RLO LRI PDF */
        {"\xE2\x80\xAE\xE2\x81\xA6\xE2\x80\xAC\xE2\x81\xA9", true}, /* RLO LRI PDF PDI */
        {"\xE2\x80\xAC\xE2\x81\xA9 closers alone", false},          /* PDF PDI */
        {"\xE2\x80\xAE\n\xE2\x80\xAC", true},                       /* RLO over a line's end */
    };
    char deep[3 * 126 + 1] = "";

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (utf8_has_control(cases[i].text, strlen(cases[i].text)) != cases[i].control) {
            fail_msg("%s", cases[i].text);
        }
    }
    assert_true(utf8_has_control("a\0b", 3));
    for (int i = 0; i < 126; i++) {
        (void)snprintf(deep + (size_t)i * 3, 4, "\xE2\x81\xA7");
    }
    assert_true(utf8_has_control(deep, strlen(deep)));
}

static void test_folding_makes_one_of_many_spellings(void **state)
{
    static const struct {
        const char *text;
        const char *folded;
    } cases[] = {
        {"", ""},
        {"   ", ""},
        {"ABC xyz", "abc xyz"},
        {" a  b\t\nc ", "a b c"},
        {"ÕUN", "õun"},
        {"O\xCC\x83UN", "õun"}, /* decomposed */
        {"Straße", "strasse"},
        {"STRASSE", "strasse"},
        {"ΑΣ ας", "ασ ασ"}, /* the final sigma is a sigma */
        {"Ｆｕｌｌ", "full"},
        {"ﬁn", "fin"},
        {"a\xC2\xA0\xC2\xA0 b", "a b"}, /* no-break spaces */
        {"a\xE3\x80\x80"
         "b",
         "a b"}, /* ideographic space */
        {"so\xC2\xAD"
         "ft",
         "soft"}, /* soft hyphen */
        {"ČESKÁ", "česká"},
        {"ŻÓŁĆ", "żółć"},
        {"Ärzte Ü", "ärzte ü"},
        {"ПРИВЕТ", "привет"},
        {"😀 A", "😀 a"},
        {"\xF0\x9D\x94\xB8", "a"},                /* mathematical A, past the BMP */
        {"\xF0\x90\x90\x80", "\xF0\x90\x90\xA8"}, /* Deseret capital */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str out;
        struct err err = {0};

        str_init(&out, 100);
        str_add(&out, ">");
        assert_int_equal(utf8_fold(cases[i].text, strlen(cases[i].text), &out, &err), 0);
        assert_string_equal(out.data + 1, cases[i].folded);
        str_release(&out);
    }
}

static void test_folding_twice_changes_nothing(void **state)
{
    struct str once;
    struct str twice;
    struct str one;

    (void)state;
    str_init(&one, 4);
    str_init(&once, 200);
    str_init(&twice, 200);
    for (uint32_t code = 1; code < 0x30000; code++) {
        if (code >= 0xD800 && code <= 0xDFFF) {
            continue;
        }
        str_reset(&one);
        str_reset(&once);
        str_reset(&twice);
        utf8_add(&one, code);
        assert_int_equal(utf8_fold(one.data, one.len, &once, NULL), 0);
        assert_int_equal(utf8_fold(once.data, once.len, &twice, NULL), 0);
        assert_string_equal(once.data, twice.data);
    }
    str_release(&one);
    str_release(&once);
    str_release(&twice);
}

static void test_text_that_folds_to_much_more_fits(void **state)
{
    struct str text;
    struct str out;

    (void)state;
    str_init(&text, 1000);
    str_init(&out, 100000);
    for (int i = 0; i < 100; i++) {
        utf8_add(&text, 0xFDFA); /* one character that folds to eighteen */
    }
    assert_int_equal(utf8_fold(text.data, text.len, &out, NULL), 0);
    assert_int_equal(utf8_length(out.data, out.len), 1800);
    str_release(&text);
    str_release(&out);
}

static void test_folding_refuses_what_it_cannot_fold(void **state)
{
    struct str out;
    struct err err = {0};

    (void)state;
    str_init(&out, 3);
    assert_int_equal(utf8_fold("ab\xFF", 3, &out, &err), ERR_INVALID);
    assert_string_equal(err.msg, "text is not UTF-8 at byte 3");
    assert_int_equal(utf8_fold("abcd", 4, &out, &err), ERR_LIMIT);
    str_reset(&out);
    assert_int_equal(utf8_fold("õõ", 4, &out, &err), ERR_LIMIT);
    str_release(&out);
}

static void test_folding_reports_every_failing_allocation(void **state)
{
    struct err err = {0};

    (void)state;
    for (unsigned long nth = 1;; nth++) {
        struct str out;
        int rc;

        str_init(&out, 1000);
        mem_fail_at(nth, 0);
        rc = utf8_fold("ÕUN \xEF\xB7\xBA", 9, &out, &err);
        str_release(&out);
        if (mem_count() < nth) {
            assert_int_equal(rc, 0);
            break;
        }
        assert_int_equal(rc, ERR_NOMEM);
    }
}

static void test_prefix_splits_no_character(void **state)
{
    static const struct {
        const char *text;
        size_t max;
        size_t prefix;
    } cases[] = {
        {"abc", 5, 3}, {"abc", 3, 3}, {"abc", 2, 2}, {"õun", 1, 0}, {"õun", 2, 2},
        {"a€b", 1, 1}, {"a€b", 2, 1}, {"a€b", 3, 1}, {"a€b", 4, 4}, {"😀", 3, 0},
        {"😀", 4, 4},   {"", 0, 0},    {"abc", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(utf8_prefix(cases[i].text, strlen(cases[i].text), cases[i].max),
                         cases[i].prefix);
    }
}

static void test_clean_makes_text_safe_to_show(void **state)
{
    static const struct {
        const char *text;
        const char *clean;
    } cases[] = {
        {"", ""},
        {"õ 😀", "õ 😀"},
        {"a\tb\r\nc", "a b  c"},
        {"\x1b[2J\x7f", "?[2J?"},
        {"\xC2\x9B"
         "1m\xE2\x80\xA8x",
         "?1m?x"},
        {"\xC3\xFF\xF0\x9F\x98", "?????"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[32];

        (void)snprintf(text, sizeof(text), "%s", cases[i].text);
        utf8_clean(text);
        assert_string_equal(text, cases[i].clean);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point_survives_the_round_trip),
        cmocka_unit_test(test_what_is_no_character_becomes_the_replacement),
        cmocka_unit_test(test_malformed_sequences_are_found_where_they_stand),
        cmocka_unit_test(test_edges_of_the_ranges_are_valid),
        cmocka_unit_test(test_length_counts_characters),
        cmocka_unit_test(test_controls_are_found),
        cmocka_unit_test(test_folding_makes_one_of_many_spellings),
        cmocka_unit_test(test_folding_twice_changes_nothing),
        cmocka_unit_test(test_text_that_folds_to_much_more_fits),
        cmocka_unit_test(test_folding_refuses_what_it_cannot_fold),
        cmocka_unit_test_teardown(test_folding_reports_every_failing_allocation, hook_off),
        cmocka_unit_test(test_prefix_splits_no_character),
        cmocka_unit_test(test_clean_makes_text_safe_to_show),
    };

    return cmocka_run_group_tests_name("base/utf8", tests, NULL, NULL);
}
