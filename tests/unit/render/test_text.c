#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "teataja/base/limits.h"
#include "teataja/render/text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void test_width_counts_columns_of_a_terminal(void **state)
{
    static const struct {
        const char *text;
        size_t width;
    } cases[] = {
        {"", 0},
        {"õun", 3},
        {"o\u0303un", 3}, /* combining tilde */
        {"Кохтла-Ярве", 11},
        {"漢字", 4},
        {"한글", 4},
        {"\u1112\u1161\u11AB", 2}, /* conjoining jamo of one syllable */
        {"a\u200Bb", 2},           /* zero width space */
        {"a\u00ADb", 2},           /* soft hyphen */
        {"😀", 2},
        {"👩\u200D🎨", 2}, /* joined: one picture */
        {"👍🏽", 2}, /* with a skin tone */
        {"🇪🇪", 2},
        {"\u2709\uFE0F", 2}, /* envelope as a picture */
        {"10\u00A0000\u00A0€", 8},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(text_width(cases[i].text, strlen(cases[i].text)), cases[i].width);
    }
}

static void test_wrap_breaks_at_spaces_only(void **state)
{
    static const struct {
        const char *text, *first, *next;
        size_t columns;
        const char *expected;
    } cases[] = {
        {"one two three four", "", "", 9, "one two\nthree\nfour\n"},
        {"one two three", "", "", 7, "one two\nthree\n"},
        {"  one \t two  ", "", "", 20, "one two\n"},
        {"", "- ", "  ", 20, ""},
        {" \t ", "- ", "  ", 20, ""},
        {"one two three", "- ", "  ", 9, "- one two\n  three\n"},
        {"one\ntwo", "> ", "> ", 20, "> one\n> two\n"},
        {"one\n\ntwo", "> ", "> ", 20, "> one\n>\n> two\n"},
        {"see https://a.example/very/long/path now", "", "", 10,
         "see\nhttps://a.example/very/long/path\nnow\n"},
        {"kuni 10\u00A0000\u00A0€ kokku", "", "", 12, "kuni\n10\u00A0000\u00A0€\nkokku\n"},
        {"漢字 漢字 漢字", "", "", 9, "漢字 漢字\n漢字\n"},
        {"long\u200Bword", "", "", 5, "long\nword\n"},
        {"long\u200Bword", "", "", 9, "longword\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct text_wrapping how = {cases[i].first, cases[i].next, cases[i].columns};
        struct str out;
        str_init(&out, LIMIT_TEXT);
        text_wrap(&out, cases[i].text, strlen(cases[i].text), &how);
        assert_string_equal(out.data, cases[i].expected);
        str_release(&out);
    }
}

static void test_wrap_takes_seventy_two_columns_by_default(void **state)
{
    const struct text_wrapping how = {"", "", 0};
    struct str in, out;

    (void)state;
    str_init(&in, LIMIT_TEXT);
    str_init(&out, LIMIT_TEXT);
    for (int i = 0; i < 300; i++) {
        str_add(&in, i % 3 == 0 ? "õhtul " : i % 3 == 1 ? "ja " : "kultuurikorraldaja ");
    }
    text_wrap(&out, in.data, in.len, &how);
    for (const char *line = out.data; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        assert_in_range(text_width(line, len), 45, TEXT_COLUMNS);
        line += len + 1;
    }
    str_release(&in);
    str_release(&out);
}

static void test_marked_paragraphs_are_wrapped_after_filling(void **state)
{
    static const char text[] = "before\n" TEXT_OPEN "- " TEXT_NEXT "  " TEXT_BODY
                               "Dear \uE000 and all" TEXT_CLOSE "\nafter\n";
    struct text_paragraph found;
    struct str out;

    (void)state;
    str_init(&out, LIMIT_TEXT);
    assert_true(text_paragraph_next(text, strlen(text), 0, &found));
    assert_int_equal(found.start, 7);
    assert_int_equal(found.first_len, 2);
    assert_memory_equal(found.first, "- ", 2);
    assert_int_equal(found.words_len, strlen("Dear \uE000 and all"));
    text_paragraph_wrap(&out, &found, "Dear Mari and all", 17, 12);
    assert_string_equal(out.data, "- Dear Mari\n  and all\n");
    assert_string_equal(text + found.end, "after\n");
    assert_false(text_paragraph_next(text, strlen(text), found.end, &found));

    str_release(&out);
}

static void test_flow_wraps_wide_lines_and_leaves_slots(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", ""},
        {"short\n\nline", "short\n\nline\n"},
        {"one two three four\n", "one two\nthree four\n"},
        {"\n\none\n\n\n\ntwo\n", "one\n\ntwo\n"},
        {"  one two three\n", "  one two\n  three\n"},
        {"- one two three\n", "- one two\n  three\n"},
        {"> - one two three\n", "> - one two\n>   three\n"},
        {"1. one two three\n", "1. one two\n   three\n"},
        {"-one two three\n", "-one two\nthree\n"},
        {"[1] https://a.example/\n", "[1] https://a.example/\n"},
        {"[1] \uE001\n", "[1] \uE001\n"},
        {"    int a = 1 + 2;\n", "    int a = 1 + 2;\n"},
        {"Hi \uE000\n", TEXT_OPEN TEXT_NEXT TEXT_BODY "Hi \uE000" TEXT_CLOSE "\n"},
        {"- Hi \uE000\n", TEXT_OPEN "- " TEXT_NEXT "  " TEXT_BODY "Hi \uE000" TEXT_CLOSE "\n"},
        {"a\n" TEXT_OPEN "> " TEXT_NEXT "> " TEXT_BODY "one two three" TEXT_CLOSE "\nb\n",
         "a\n> one two\n> three\nb\n"},
        {TEXT_OPEN TEXT_NEXT TEXT_BODY "Hi \uE000 and all" TEXT_CLOSE "\nb\n",
         TEXT_OPEN TEXT_NEXT TEXT_BODY "Hi \uE000 and all" TEXT_CLOSE "\nb\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str out, again;
        str_init(&out, LIMIT_TEXT);
        str_init(&again, LIMIT_TEXT);
        text_flow(&out, cases[i].text, strlen(cases[i].text), 11);
        assert_string_equal(out.data, cases[i].expected);
        text_flow(&again, out.data, out.len, 11);
        assert_string_equal(again.data, out.data);
        str_release(&out);
        str_release(&again);
    }
}

static void test_what_hangs_before_a_line_has_an_end(void **state)
{
    static const struct {
        const char *sign;
        size_t count;
        const char *end;
    } cases[] = {
        {"> ", 20000, ""},  {">", 40000, " "},  {" >", 20000, "> "},
        {"1", 30000, ". "}, {"1", 30000, "] "}, {"> - ", 10000, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str text, out;

        str_init(&text, LIMIT_TEXT);
        str_init(&out, 4 * LIMIT_TEXT);
        str_add(&text, cases[i].end[0] == ']' ? "[" : "");
        for (size_t j = 0; j < cases[i].count; j++) {
            str_add(&text, cases[i].sign);
        }
        str_add(&text, cases[i].end);
        for (size_t j = 0; j < 10000; j++) {
            str_add(&text, "ab ");
        }
        text_flow(&out, text.data, text.len, 72);
        assert_int_equal(out.failed, 0);
        assert_true(out.len < 40 * text.len);
        str_release(&text);
        str_release(&out);
    }
}

static void test_a_half_marked_paragraph_is_not_found(void **state)
{
    static const char *const cases[] = {"", TEXT_OPEN, TEXT_OPEN "a" TEXT_NEXT "b" TEXT_BODY "c",
                                        TEXT_BODY TEXT_NEXT TEXT_CLOSE};
    struct text_paragraph found;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_false(text_paragraph_next(cases[i], strlen(cases[i]), 0, &found));
    }
}

static void test_a_clean_value_cannot_disturb_the_text_around_it(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"  Mari \r\n  Maasikas ", "Mari Maasikas"},
        {"A\uE000B\uF8F3C\U000F0000D", "ABCD"},
        {"a\x01\x7F\xC2\x85z", "az"},
        {"abc\u202Edef\u2066", "abcdef"},
        {"10\u00A0km", "10\u00A0km"},
        {"שלום", "שלום"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str out;
        str_init(&out, LIMIT_TEXT);
        text_clean(&out, cases[i].text, strlen(cases[i].text));
        assert_string_equal(out.data, cases[i].expected);
        str_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_width_counts_columns_of_a_terminal),
        cmocka_unit_test(test_wrap_breaks_at_spaces_only),
        cmocka_unit_test(test_wrap_takes_seventy_two_columns_by_default),
        cmocka_unit_test(test_marked_paragraphs_are_wrapped_after_filling),
        cmocka_unit_test(test_flow_wraps_wide_lines_and_leaves_slots),
        cmocka_unit_test(test_what_hangs_before_a_line_has_an_end),
        cmocka_unit_test(test_a_half_marked_paragraph_is_not_found),
        cmocka_unit_test(test_a_clean_value_cannot_disturb_the_text_around_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
