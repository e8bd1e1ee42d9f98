/* The frame's texts: complete in ten languages, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <unicode/umsg.h>
#include <unicode/ustring.h>

#include "teataja/base/arena.h"
#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/base/yaml.h"
#include "teataja/render/catalogue.h"

#define TEMPLATES TEST_SOURCE_DIR "/templates"

static const char *const installed[] = {TEMPLATES};

static struct catalogue *load_installed(void)
{
    struct catalogue *catalogue = NULL;
    struct err err = {0};

    if (catalogue_load(installed, 1, NULL, &catalogue, &err) != 0) {
        fail_msg("%s", err.msg);
    }
    return catalogue;
}

static void test_the_installed_texts_are_complete_in_every_language(void **state)
{
    struct catalogue *catalogue = NULL;
    struct report *report = report_new();
    struct err err = {0};
    int rc;

    (void)state;
    rc = catalogue_load(installed, 1, report, &catalogue, &err);
    report_print(report, stderr);
    assert_int_equal(rc, 0);
    assert_int_equal(report_errors(report), 0);
    assert_true(catalogue_count(catalogue) > 140);
    for (size_t i = 1; i < catalogue_count(catalogue); i++) {
        assert_true(strcmp(catalogue_key(catalogue, i - 1), catalogue_key(catalogue, i)) < 0);
    }
    catalogue_free(catalogue);
    report_free(report);
}

/* A letter must not mix languages because somebody copied the English line. */
static void test_no_text_is_left_in_english(void **state)
{
    static const char *const shared[] = {
        "sector.design", "sector.film",   "event.online", "sector.games",   "text.links",
        "event.map",     "event.project", "call.regions", "footer.contact", "report.one_region"};
    struct catalogue *catalogue = load_installed();

    (void)state;
    for (size_t i = 0; i < catalogue_count(catalogue); i++) {
        const char *key = catalogue_key(catalogue, i);
        const char *english = catalogue_word(catalogue, LANG_EN, key);
        bool may_be = false;

        for (size_t j = 0; j < sizeof(shared) / sizeof(shared[0]); j++) {
            may_be = may_be || strcmp(shared[j], key) == 0;
        }
        for (int lang = 0; !may_be && english != NULL && lang < LANG_COUNT; lang++) {
            const char *word = catalogue_word(catalogue, (enum language)lang, key);
            if (lang != LANG_EN && strcmp(word, english) == 0) {
                fail_msg("%s: %s is English: %s", language_tag((enum language)lang), key, word);
            }
        }
    }
    catalogue_free(catalogue);
}

static void test_plurals_take_the_form_of_their_number(void **state)
{
    static const struct {
        enum language lang;
        const char *key;
        int64_t number;
        const char *expected;
    } cases[] = {
        {LANG_EN, "call.closes_in_days", 1, "Closes in 1 day"},
        {LANG_EN, "call.closes_in_days", 5, "Closes in 5 days"},
        {LANG_ET, "call.closes_in_days", 5, "Sulgub 5 päeva pärast"},
        {LANG_ET, "count.calls", 1, "1 avatud taotlusvoor"},
        {LANG_ET, "count.calls", 2, "2 avatud taotlusvooru"},
        {LANG_RU, "call.closes_in_days", 1, "Закрывается через 1 день"},
        {LANG_RU, "call.closes_in_days", 3, "Закрывается через 3 дня"},
        {LANG_RU, "call.closes_in_days", 11, "Закрывается через 11 дней"},
        {LANG_RU, "call.closes_in_days", 21, "Закрывается через 21 день"},
        {LANG_LV, "event.free_places", 0, "0 brīvu vietu"},
        {LANG_LV, "event.free_places", 1, "1 brīva vieta"},
        {LANG_LV, "event.free_places", 12, "12 brīvu vietu"},
        {LANG_LV, "event.free_places", 21, "21 brīva vieta"},
        {LANG_LV, "event.free_places", 5, "5 brīvas vietas"},
        {LANG_LT, "event.free_places", 1, "1 laisva vieta"},
        {LANG_LT, "event.free_places", 9, "9 laisvos vietos"},
        {LANG_LT, "event.free_places", 10, "10 laisvų vietų"},
        {LANG_LT, "event.free_places", 21, "21 laisva vieta"},
        {LANG_PL, "count.calls", 1, "1 otwarty nabór"},
        {LANG_PL, "count.calls", 4, "4 otwarte nabory"},
        {LANG_PL, "count.calls", 12, "12 otwartych naborów"},
        {LANG_PL, "count.calls", 22, "22 otwarte nabory"},
        {LANG_CS, "count.calls", 1, "1 otevřená výzva"},
        {LANG_CS, "count.calls", 4, "4 otevřené výzvy"},
        {LANG_CS, "count.calls", 5, "5 otevřených výzev"},
        {LANG_DE, "call.closes_in_days", 1, "Endet in 1 Tag"},
        {LANG_DE, "call.closes_in_days", 2, "Endet in 2 Tagen"},
        {LANG_SV, "call.closes_in_days", 2, "Stänger om 2 dagar"},
        {LANG_FI, "event.free_places", 2, "2 vapaata paikkaa"},
        {LANG_DE, "event.free_places", 1200, "1.200 freie Plätze"},
    };
    struct catalogue *catalogue = load_installed();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *name = strstr(cases[i].key, "days") != NULL ? "days" : "count";
        struct err err = {0};
        struct str out;

        str_init(&out, LIMIT_TEXT);
        if (CATALOGUE_TEXT(catalogue, cases[i].lang, cases[i].key, &out, &err,
                           catalogue_arg_number(name, cases[i].number)) != 0) {
            fail_msg("%s", err.msg);
        }
        assert_string_equal(out.data, cases[i].expected);
        str_release(&out);
    }
    catalogue_free(catalogue);
}

/* What ICU itself makes of a pattern whose one argument is {0, plural, ...}. */
static void format_by_icu(const char *lang, const char *pattern, double number, char out[1024])
{
    UErrorCode status = U_ZERO_ERROR;
    UChar wide[512];
    UChar result[512];
    int32_t len = 0;

    u_strFromUTF8(wide, 512, &len, pattern, -1, &status);
    len = u_formatMessage(lang, wide, len, result, 512, &status, number);
    u_strToUTF8(out, 1024, NULL, result, len, &status);
    assert_true(U_SUCCESS(status));
}

static void compare_with_icu(const struct catalogue *catalogue, enum language lang, const char *key,
                             const char *text)
{
    /* Four digits are left out: umsg groups them where the language does not. */
    static const int64_t numbers[] = {0,  1,  2,  3,  4,  5,   9,   10,  11,  12,    15,
                                      19, 20, 21, 22, 25, 100, 101, 111, 122, 12345, 1000000};
    const char *comma = strchr(text, ',');
    char name[32];
    char pattern[1024];

    (void)snprintf(name, sizeof(name), "%.*s", (int)(comma - text - 1), text + 1);
    (void)snprintf(pattern, sizeof(pattern), "{0%s", comma);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct err err = {0};
        char expected[1024];
        struct str out;

        str_init(&out, LIMIT_TEXT);
        format_by_icu(language_tag(lang), pattern, (double)numbers[i], expected);
        assert_int_equal(CATALOGUE_TEXT(catalogue, lang, key, &out, &err,
                                        catalogue_arg_number(name, numbers[i])),
                         0);
        assert_string_equal(out.data, expected);
        str_release(&out);
    }
}

static void test_plurals_are_written_as_icu_writes_them(void **state)
{
    struct catalogue *catalogue = load_installed();
    size_t compared = 0;

    (void)state;
    for (int lang = 0; lang < LANG_COUNT; lang++) {
        struct arena *arena = arena_new(LIMIT_ARENA_WORK);
        const char *tag = language_tag((enum language)lang);
        const char *path = arena_printf(arena, "locale/%s.yaml", tag);
        const struct yaml_node *root = NULL;
        struct err err = {0};

        assert_int_equal(yaml_read(arena, TEMPLATES, path, NULL, &root, &err), 0);
        for (size_t i = 0; i < root->count; i++) {
            const struct yaml_node *group = root->entries[i].value;
            for (size_t j = 0; j < group->count; j++) {
                const char *text = group->entries[j].value->text;
                const char *key =
                    arena_printf(arena, "%s.%s", root->entries[i].key, group->entries[j].key);
                if (text[0] == '{' && strstr(text, ", plural,") != NULL) {
                    compare_with_icu(catalogue, (enum language)lang, key, text);
                    compared++;
                }
            }
        }
        arena_free(arena);
    }
    assert_true(compared >= (size_t)LANG_COUNT * 7);
    catalogue_free(catalogue);
}

static void test_texts_take_named_arguments(void **state)
{
    struct catalogue *catalogue = load_installed();
    struct err err = {0};
    struct str out;

    (void)state;
    str_init(&out, LIMIT_TEXT);
    assert_int_equal(CATALOGUE_TEXT(catalogue, LANG_ET, "call.extended", &out, &err,
                                    catalogue_arg_text("new", "30. mai"),
                                    catalogue_arg_text("old", "20. mai")),
                     0);
    assert_string_equal(out.data, "Tähtaega pikendati: varem 20. mai, nüüd 30. mai");
    str_reset(&out);
    assert_int_equal(CATALOGUE_TEXT(catalogue, LANG_CS, "call.stage", &out, &err,
                                    catalogue_arg_number("number", 2)),
                     0);
    assert_string_equal(out.data, "2. kolo");
    assert_string_equal(catalogue_word(catalogue, LANG_PL, "event.answer_maybe"), "Być może");
    assert_null(catalogue_word(catalogue, LANG_PL, "call.extended"));
    assert_null(catalogue_word(catalogue, LANG_PL, "call.nothing"));
    str_release(&out);
    catalogue_free(catalogue);
}

static void test_wrong_arguments_are_refused_and_leave_the_output(void **state)
{
    static const struct {
        const char *key;
        struct catalogue_arg arg;
        int code;
        const char *message;
    } cases[] = {
        {"call.closes_in_day",
         {"days", NULL, 3},
         ERR_NOT_FOUND,
         "there is no text 'call.closes_in_day'; did you mean 'call.closes_in_days'?"},
        {"call.closes_in_days",
         {"day", NULL, 3},
         ERR_INVALID,
         "text 'call.closes_in_days' does not know {day}"},
        {"call.closes_in_days",
         {"days", "3", 0},
         ERR_INVALID,
         "text 'call.closes_in_days' needs a number for {days}"},
        {"call.extended", {"old", "x", 0}, ERR_INVALID, "text 'call.extended' needs {new}"},
        {"call.apply", {"x", "x", 0}, ERR_INVALID, "text 'call.apply' does not know {x}"},
    };
    struct catalogue *catalogue = load_installed();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = {0};
        struct str out;

        str_init(&out, LIMIT_TEXT);
        str_add(&out, "before");
        assert_int_equal(
            catalogue_text(catalogue, LANG_EN, cases[i].key, &cases[i].arg, 1, &out, &err),
            cases[i].code);
        assert_string_equal(err.msg, cases[i].message);
        assert_string_equal(out.data, "before");
        str_release(&out);
    }
    catalogue_free(catalogue);
}

/* The keys in {{t.call.apply}} and {{#t.call.apply}} of one template. */
static size_t check_words(const struct catalogue *catalogue, const char *file, const char *text)
{
    size_t found = 0;

    for (const char *at = strstr(text, "{{"); at != NULL; at = strstr(at, "{{")) {
        char key[80];
        size_t len;

        at += 2 + strspn(at + 2, "{#^& ");
        if (strncmp(at, "t.", 2) != 0) {
            continue;
        }
        len = strcspn(at + 2, "} ");
        assert_true(len < sizeof(key));
        memcpy(key, at + 2, len);
        key[len] = '\0';
        if (catalogue_word(catalogue, LANG_EN, key) == NULL) {
            fail_msg("%s: no word '%s'", file, key);
        }
        found++;
    }
    return found;
}

static void test_the_mail_templates_use_words_that_exist(void **state)
{
    struct catalogue *catalogue = load_installed();
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct err err = {0};
    char **names = NULL;
    size_t count = 0;
    size_t found = 0;

    (void)state;
    assert_int_equal(file_list(arena, TEMPLATES "/mail", &names, &count, &err), 0);
    for (size_t i = 0; i < count; i++) {
        char *text = NULL;

        assert_int_equal(file_read_text(arena, file_join(arena, TEMPLATES "/mail", names[i]),
                                        LIMIT_TEXT, &text, NULL, &err),
                         0);
        found += strstr(names[i], ".mustache") != NULL ? check_words(catalogue, names[i], text) : 0;
    }
    assert_true(found > 40);
    arena_free(arena);
    catalogue_free(catalogue);
}

static void test_words_hang_in_groups_for_templates(void **state)
{
    struct catalogue *catalogue = load_installed();
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct value *data = value_new(arena);
    struct err err = {0};
    const struct value *group;
    size_t len;

    (void)state;
    catalogue_words(catalogue, LANG_LT, data);
    assert_int_equal(value_check(data, &err), 0);
    group = value_find(data, "call", 4);
    assert_string_equal(value_as_text(value_find(group, "read_more", 9), &len), "Skaityti daugiau");
    assert_null(value_find(group, "extended", 8));
    arena_free(arena);
    catalogue_free(catalogue);
}

/* --- what is refused --------------------------------------------------------- */

/* A site's templates folder with one locale file. */
struct site {
    char root[32];
    char templates[64];
    char locale[80];
    char file[96];
};

static void site_make(struct site *site, const char *lang, const char *text)
{
    struct err err = {0};

    memset(site, 0, sizeof(*site));
    (void)snprintf(site->root, sizeof(site->root), "/tmp/teataja-test-XXXXXX");
    assert_non_null(mkdtemp(site->root));
    (void)snprintf(site->templates, sizeof(site->templates), "%s/templates", site->root);
    (void)snprintf(site->locale, sizeof(site->locale), "%s/locale", site->templates);
    (void)snprintf(site->file, sizeof(site->file), "%.70s/%.8s.yaml", site->locale, lang);
    assert_int_equal(file_make_folder(site->locale, &err), 0);
    assert_int_equal(file_write(site->file, text, strlen(text), 0644, &err), 0);
}

static void site_remove(const struct site *site)
{
    assert_int_equal(unlink(site->file), 0);
    assert_int_equal(rmdir(site->locale), 0);
    assert_int_equal(rmdir(site->templates), 0);
    assert_int_equal(rmdir(site->root), 0);
}

static void test_a_site_may_change_single_texts(void **state)
{
    struct site site;
    struct catalogue *catalogue = NULL;
    struct err err = {0};

    (void)state;
    site_make(&site, "et", "greeting:\n  plain: Tere päevast!\n");
    if (catalogue_load((const char *const[]){site.templates, TEMPLATES}, 2, NULL, &catalogue,
                       &err) != 0) {
        fail_msg("%s", err.msg);
    }
    assert_string_equal(catalogue_word(catalogue, LANG_ET, "greeting.plain"), "Tere päevast!");
    assert_string_equal(catalogue_word(catalogue, LANG_ET, "call.apply"), "Esita taotlus");
    catalogue_free(catalogue);
    site_remove(&site);
}

static void test_a_faulty_text_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *lang;
        const char *text;
        const char *message;
    } cases[] = {
        {"et", "greeting:\n  plian: Tere\n",
         "templates/locale/et.yaml:2:10: there is no text 'greeting.plian'; did you mean "
         "'greeting.plain'?"},
        {"et", "greeting:\n  plain: [a]\n",
         "templates/locale/et.yaml:2:10: text 'greeting.plain' is not a text"},
        {"et", "greeting: Tere\n",
         "templates/locale/et.yaml:1:11: 'greeting' is not a group of texts"},
        {"et", "greeting:\n  named: Tere!\n",
         "templates/locale/et.yaml:2:10: text 'greeting.named' lacks {name}"},
        {"et", "greeting:\n  plain: \"Tere {name}\"\n",
         "templates/locale/et.yaml:2:10: text 'greeting.plain' does not know {name}"},
        {"et", "greeting:\n  named: \"{name, select, other {x}}\"\n",
         "templates/locale/et.yaml:2:10: text 'greeting.named' does not use {name} as the "
         "English one does"},
        {"ru", "time:\n  in_days: \"{days, plural, one {# день} few {# дня} other {# дня}}\"\n",
         "templates/locale/ru.yaml:2:12: text 'time.in_days': character 15: the plural form "
         "'many' is missing"},
        {"et", "time:\n  in_days: \"{days, plural, one {#} few {#} other {#}}\"\n",
         "templates/locale/et.yaml:2:12: text 'time.in_days': character 15: the language has no "
         "plural form 'few'"},
        {"et", "time:\n  in_days: \"{days, date}\"\n",
         "templates/locale/et.yaml:2:12: text 'time.in_days': character 8: only 'plural' and "
         "'select' can stand here"},
        {"et", "time:\n  in_days: \"päev {days\"\n",
         "templates/locale/et.yaml:2:12: text 'time.in_days': character 11: a '}' is missing"},
        {"et", "time:\n  in_days: \"päev }\"\n",
         "templates/locale/et.yaml:2:12: text 'time.in_days': character 6: a '}' without '{'"},
        {"et", "time:\n  in_days: \"{}\"\n",
         "templates/locale/et.yaml:2:12: text 'time.in_days': character 2: an argument's name is "
         "missing"},
        {"et", "time:\n  in_days: \"{Days}\"\n",
         "templates/locale/et.yaml:2:12: text 'time.in_days': character 2: an argument's name is "
         "made of a-z, 0-9 and _"},
        {"et", "time:\n  in_days: \"{days, plural, one # other {}}\"\n",
         "templates/locale/et.yaml:2:12: text 'time.in_days': character 20: a form such as 'one "
         "{...}' is expected"},
        {"et", "time:\n  in_days: \"{days, plural, =x {a} one {b} other {c}}\"\n",
         "templates/locale/et.yaml:2:12: text 'time.in_days': character 16: '=' needs a whole "
         "number"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct site site;
        struct catalogue *catalogue = NULL;
        struct err err = {0};

        site_make(&site, cases[i].lang, cases[i].text);
        assert_int_equal(catalogue_load((const char *const[]){site.templates, TEMPLATES}, 2, NULL,
                                        &catalogue, &err),
                         ERR_INVALID);
        assert_string_equal(err.msg, cases[i].message);
        assert_null(catalogue);
        site_remove(&site);
    }
}

static void test_quoting_exact_numbers_and_choices_work(void **state)
{
    struct site site;
    struct catalogue *catalogue = NULL;
    struct err err = {0};
    struct str out;

    (void)state;
    site_make(&site, "en",
              "time:\n"
              "  in_days: \"{days, plural, =0 {it's '{'today'}'} one {'#'#} other {# ''d''}}\"\n");
    if (catalogue_load((const char *const[]){site.templates, TEMPLATES}, 2, NULL, &catalogue,
                       &err) != 0) {
        fail_msg("%s", err.msg);
    }
    str_init(&out, LIMIT_TEXT);
    for (int64_t days = 0; days < 3; days++) {
        assert_int_equal(CATALOGUE_TEXT(catalogue, LANG_EN, "time.in_days", &out, &err,
                                        catalogue_arg_number("days", days)),
                         0);
        str_add(&out, "|");
    }
    assert_string_equal(out.data, "it's {today}|#1|2 'd'|");
    str_release(&out);
    catalogue_free(catalogue);
    site_remove(&site);
}

static void test_a_language_without_a_file_or_a_text_is_refused(void **state)
{
    struct site site;
    struct catalogue *catalogue = NULL;
    struct err err = {0};
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    const char *folders[1];

    (void)state;
    site_make(&site, "en", "a:\n  b: c\n  d: e\n");
    folders[0] = site.templates;
    assert_int_equal(catalogue_load(folders, 1, NULL, &catalogue, &err), ERR_NOT_FOUND);
    for (int i = 0; i < LANG_COUNT; i++) {
        const char *text = i == LANG_CS ? "a:\n  b: c\n" : "a:\n  b: c\n  d: e\n";
        const char *name = arena_printf(arena, "%s.yaml", language_tag((enum language)i));
        assert_int_equal(
            file_write(file_join(arena, site.locale, name), text, strlen(text), 0644, &err), 0);
    }
    assert_int_equal(catalogue_load(folders, 1, NULL, &catalogue, &err), ERR_INVALID);
    assert_string_equal(err.msg, "templates/locale/cs.yaml:1:1: text 'a.d' is missing");
    for (int i = 0; i < LANG_COUNT; i++) {
        const char *name = arena_printf(arena, "%s.yaml", language_tag((enum language)i));
        if (i != LANG_EN) {
            assert_int_equal(unlink(file_join(arena, site.locale, name)), 0);
        }
    }
    site_remove(&site);
    arena_free(arena);
}

static void test_no_allocation_that_fails_leaks_or_crashes(void **state)
{
    struct catalogue *catalogue = NULL;
    struct err err = {0};
    unsigned long step = 1;

    (void)state;
    for (unsigned long nth = 1;; nth += step) {
        int rc;

        mem_fail_at(nth, 0);
        rc = catalogue_load(installed, 1, NULL, &catalogue, &err);
        mem_fail_at(0, 0);
        if (rc == 0) {
            break;
        }
        assert_null(catalogue);
        step = nth < 20 ? 1 : nth / 8;
    }
    catalogue_free(catalogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_installed_texts_are_complete_in_every_language),
        cmocka_unit_test(test_no_text_is_left_in_english),
        cmocka_unit_test(test_plurals_take_the_form_of_their_number),
        cmocka_unit_test(test_plurals_are_written_as_icu_writes_them),
        cmocka_unit_test(test_texts_take_named_arguments),
        cmocka_unit_test(test_wrong_arguments_are_refused_and_leave_the_output),
        cmocka_unit_test(test_the_mail_templates_use_words_that_exist),
        cmocka_unit_test(test_words_hang_in_groups_for_templates),
        cmocka_unit_test(test_a_site_may_change_single_texts),
        cmocka_unit_test(test_a_faulty_text_is_refused_with_its_place),
        cmocka_unit_test(test_quoting_exact_numbers_and_choices_work),
        cmocka_unit_test(test_a_language_without_a_file_or_a_text_is_refused),
        cmocka_unit_test(test_no_allocation_that_fails_leaks_or_crashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
