#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "teataja/base/limits.h"
#include "teataja/render/theme.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void test_contrast_is_that_of_wcag(void **state)
{
    (void)state;
    assert_true(theme_contrast("#000000", "#ffffff") > 20.99);
    assert_true(theme_contrast("#ffffff", "#ffffff") < 1.01);
    /* #767676 is the lightest grey that passes on white; #777777 fails. */
    assert_true(theme_contrast("#767676", "#ffffff") >= 4.5);
    assert_true(theme_contrast("#ffffff", "#777777") < 4.5);
}

static void check_scheme(const struct theme_colours *scheme)
{
    const char *const grounds[] = {scheme->page, scheme->surface, scheme->tint};
    const char *const inks[] = {scheme->text, scheme->muted, scheme->link};

    for (size_t ground = 0; ground < COUNT(grounds); ground++) {
        for (size_t ink = 0; ink < COUNT(inks); ink++) {
            assert_true(theme_contrast(inks[ink], grounds[ground]) >= THEME_CONTRAST);
        }
    }
    assert_true(theme_contrast(scheme->on_accent, scheme->accent) >= THEME_CONTRAST);
}

static void test_every_brand_gives_a_readable_theme(void **state)
{
    static const unsigned char steps[] = {0, 0x22, 0x55, 0x77, 0x99, 0xBB, 0xDD, 0xFF};
    struct theme theme;

    (void)state;
    for (size_t i = 0; i < 512; i++) {
        char brand[THEME_COLOUR];
        (void)snprintf(brand, sizeof(brand), "#%02x%02x%02x", (unsigned)steps[i / 64],
                       (unsigned)steps[i / 8 % 8], (unsigned)steps[i % 8]);
        assert_int_equal(theme_init(&theme, brand, NULL), 0);
        check_scheme(&theme.light);
        check_scheme(&theme.dark);
    }
}

static void test_styles_hold_colours_and_no_double_quotes(void **state)
{
    struct theme theme;

    (void)state;
    assert_int_equal(theme_init(&theme, NULL, NULL), 0);
    assert_string_equal(theme.brand, THEME_BRAND);
    for (int i = 0; i < THEME_ELEMENTS; i++) {
        const char *style = theme_style(&theme, (enum theme_element)i);
        assert_non_null(strstr(style, "#"));
        assert_null(strpbrk(style, "\"$<>&"));
        assert_true(strlen(style) < THEME_STYLE - THEME_COLOUR);
        assert_non_null(theme_class((enum theme_element)i));
    }
}

static void test_brand_colours_are_checked(void **state)
{
    static const struct {
        const char *text, *brand; /* brand NULL: refused */
    } cases[] = {
        {"#0F5C66", "#0f5c66"}, {"#abc", "#aabbcc"}, {"", THEME_BRAND}, {"red", NULL},
        {"#12345", NULL},       {"#1234567", NULL},  {"0f5c66", NULL},  {"#0f5c6x", NULL},
    };
    struct theme theme;
    struct err err;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int rc = theme_init(&theme, cases[i].text, &err);
        if (cases[i].brand != NULL) {
            assert_int_equal(rc, 0);
            assert_string_equal(theme.brand, cases[i].brand);
        } else {
            assert_int_equal(rc, ERR_INVALID);
            assert_non_null(strstr(err.msg, "is not of the form #rrggbb"));
        }
    }
}

static void test_templates_find_styles_and_colours_by_name(void **state)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct value *root = value_new(arena);
    struct theme theme;
    const struct value *found;
    size_t len = 0;

    (void)state;
    assert_int_equal(theme_init(&theme, NULL, NULL), 0);
    theme_value(&theme, root);
    assert_int_equal(value_check(root, NULL), 0);
    found = value_find(value_find(root, "style", 5), "paragraph", 9);
    assert_string_equal(value_as_text(found, &len), theme_style(&theme, THEME_PARAGRAPH));
    found = value_find(value_find(root, "color", 5), "link", 4);
    assert_string_equal(value_as_text(found, &len), theme.light.link);
    found = value_find(value_find(root, "dark", 4), "on_accent", 9);
    assert_string_equal(value_as_text(found, &len), theme.dark.on_accent);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contrast_is_that_of_wcag),
        cmocka_unit_test(test_every_brand_gives_a_readable_theme),
        cmocka_unit_test(test_styles_hold_colours_and_no_double_quotes),
        cmocka_unit_test(test_brand_colours_are_checked),
        cmocka_unit_test(test_templates_find_styles_and_colours_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
