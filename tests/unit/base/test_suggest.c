/* Nearness of names, and the languages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "teataja/base/language.h"
#include "teataja/base/limits.h"
#include "teataja/base/suggest.h"

static const char *const names[] = {"sector",   "region", "tag",      "timeouts",
                                    "timezone", "музыка", "Ida-Viru", "ab"};

static const struct {
    const char *written;
    const char *best;
} cases[] = {
    {"secter", "sector"},
    {"Sector", "sector"},
    {"scetor", "sector"},
    {"sectors", "sector"},
    {"regoin", "region"},
    {"tga", "tag"},
    {"timezon", "timezone"},
    {"музика", "музыка"},
    {"ida viru", "Ida-Viru"},
    {"tim", "timeouts"},
    {"timez", "timezone"},
    {"ida", "Ida-Viru"},
    {"re", NULL},
    {"deadline", NULL},
    {"x", NULL},
    {"xy", NULL},
    {"", NULL},
    {"a-name-that-is-much-longer-than-any-name-that-somebody-could-have-meant-to-write", NULL},
};

static void test_the_nearest_name_is_suggested(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *best =
            suggest_nearest(cases[i].written, names, sizeof(names) / sizeof(names[0]));

        assert_int_equal(best != NULL, cases[i].best != NULL);
        if (best) {
            assert_string_equal(best, cases[i].best);
        }
    }
}

static void test_a_hint_is_words_or_nothing(void **state)
{
    struct suggest suggest;

    (void)state;
    suggest_start(&suggest, "secter");
    suggest_offer(&suggest, NULL);
    assert_string_equal(suggest_hint(&suggest), "");
    suggest_offer(&suggest, "sectar");
    suggest_offer(&suggest, "secter");
    assert_string_equal(suggest_hint(&suggest), "; did you mean 'secter'?");
}

static void test_languages_are_found_in_any_case(void **state)
{
    (void)state;
    for (int i = 0; i < LANG_COUNT; i++) {
        assert_int_equal(language_find(language_tag((enum language)i)), i);
        assert_true(strlen(language_name((enum language)i)) > 3);
        assert_non_null(strstr(language_all(), language_tag((enum language)i)));
    }
    assert_int_equal(language_find("ET"), LANG_ET);
    assert_int_equal(language_find_bytes("et-EE", 2), LANG_ET);
    assert_int_equal(language_find("ee"), LANG_NONE);
    assert_int_equal(language_find("est"), LANG_NONE);
    assert_int_equal(language_find(NULL), LANG_NONE);
    assert_string_equal(language_tag(LANG_NONE), "");
}

static void test_a_text_falls_back(void **state)
{
    struct lang_text text = {.text = {[LANG_EN] = "Hello", [LANG_PL] = "Witaj"}};
    struct lang_text none = {0};

    (void)state;
    assert_string_equal(lang_text_get(&text, LANG_PL, LANG_EN), "Witaj");
    assert_string_equal(lang_text_get(&text, LANG_ET, LANG_PL), "Witaj");
    assert_string_equal(lang_text_get(&text, LANG_ET, LANG_NONE), "Hello");
    assert_null(lang_text_get(&none, LANG_ET, LANG_EN));
    assert_false(lang_text_has(&text, LANG_NONE));
}

static void test_thousands_of_names_for_thousands_of_mistakes_have_an_end(void **state)
{
    struct suggest suggest;

    (void)state;
    suggest_start(&suggest, "secter");
    for (int i = 0; i < LIMIT_SUGGESTIONS; i++) {
        suggest_offer(&suggest, "timezone");
    }
    suggest_offer(&suggest, "sector");
    assert_string_equal(suggest_hint(&suggest), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_nearest_name_is_suggested),
        cmocka_unit_test(test_a_hint_is_words_or_nothing),
        cmocka_unit_test(test_languages_are_found_in_any_case),
        cmocka_unit_test(test_a_text_falls_back),
        /* The last: the others want hints in the same second. */
        cmocka_unit_test(test_thousands_of_names_for_thousands_of_mistakes_have_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
