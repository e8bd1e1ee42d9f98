/* The templates of templates/mail over tests/data/mail: full.json has every name
 * of their README, bare.json nothing that may be null. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "teataja/base/file.h"
#include "teataja/base/json.h"
#include "teataja/base/limits.h"
#include "teataja/render/catalogue.h"
#include "teataja/render/template.h"
#include "teataja/render/text.h"
#include "teataja/render/theme.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *const folders[] = {TEST_SOURCE_DIR "/templates"};

static struct arena *arena;
static struct catalogue *catalogue;
static struct template_set *templates;

static int setup(void **state)
{
    struct err err = {0};

    (void)state;
    arena = arena_new(LIMIT_ARENA_WORK);
    templates = template_set_new(folders, 1, TEMPLATE_STRICT);
    if (arena == NULL || templates == NULL ||
        catalogue_load(folders, 1, NULL, &catalogue, &err) < 0) {
        print_error("%s\n", err.msg);
        return -1;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    catalogue_free(catalogue);
    template_set_free(templates);
    arena_free(arena);
    return 0;
}

static void set_json(struct value *map, const char *key, const struct json *json);

static void add_json(struct value *list, const struct json *json)
{
    struct value *map = value_add_map(list);

    for (size_t i = 0; i < json->count; i++) {
        set_json(map, json->keys[i], &json->items[i]);
    }
}

static void set_json(struct value *map, const char *key, const struct json *json)
{
    struct value *inner = NULL;

    switch (json->kind) {
    case JSON_NULL:
        value_set_null(map, key);
        break;
    case JSON_BOOL:
        value_set_bool(map, key, json->truth);
        break;
    case JSON_INT:
        value_set_number(map, key, json->number);
        break;
    case JSON_TEXT:
        if (strcmp(key, "body_html") == 0) {
            value_set_markup(map, key, json->text);
        } else {
            value_set_text(map, key, json->text);
        }
        break;
    case JSON_ARRAY:
        inner = value_set_list(map, key);
        for (size_t i = 0; i < json->count; i++) {
            add_json(inner, &json->items[i]);
        }
        break;
    case JSON_OBJECT:
        inner = value_set_map(map, key);
        for (size_t i = 0; i < json->count; i++) {
            set_json(inner, json->keys[i], &json->items[i]);
        }
        break;
    }
}

/* The data of one file, in a language's words. */
static struct value *load(const char *name, enum language language)
{
    const char *path = arena_printf(arena, "%s/tests/data/mail/%s.json", TEST_SOURCE_DIR, name);
    struct value *root = value_new(arena);
    const struct json *json = NULL;
    struct theme theme;
    struct err err = {0};
    char *text = NULL;
    size_t len = 0;

    if (file_read(arena, path, LIMIT_FILE, &text, &len, &err) < 0 ||
        json_parse(arena, text, len, &json, &err) < 0 || theme_init(&theme, NULL, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    for (size_t i = 0; i < json->count; i++) {
        set_json(root, json->keys[i], &json->items[i]);
    }
    theme_value(&theme, root);
    catalogue_words(catalogue, language, value_set_map(root, "t"));
    return root;
}

static void render(const char *name, const struct value *data, struct str *out)
{
    const struct template *template = NULL;
    struct err err = {0};

    if (template_find(templates, name, &template, &err) < 0 ||
        template_render(template, data, out, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

/* Renders all blocks one behind the other. */
static void render_blocks(const char *ending, const struct value *data, struct str *out)
{
    static const char *const blocks[] = {"deadlines", "calls", "events", "news"};

    for (size_t i = 0; i < COUNT(blocks); i++) {
        render(arena_printf(arena, "mail/%s.%s", blocks[i], ending), data, out);
    }
}

static size_t occurrences(const char *text, const char *part)
{
    size_t count = 0;

    while ((text = strstr(text, part)) != NULL) {
        text += strlen(part);
        count++;
    }
    return count;
}

static void test_every_template_renders_full_and_bare_data_in_all_languages(void **state)
{
    static const char *const names[] = {"mail/letter.html", "mail/letter.txt",
                                        "mail/invitation.html", "mail/invitation.txt"};
    static const char *const files[] = {"full", "bare"};
    struct str out;

    (void)state;
    str_init(&out, LIMIT_HTML);
    for (enum language language = LANG_NONE + 1; language < LANG_COUNT; language++) {
        for (size_t file = 0; file < COUNT(files); file++) {
            const struct value *data = load(files[file], language);
            for (size_t i = 0; i < COUNT(names); i++) {
                str_reset(&out);
                render(names[i], data, &out);
            }
            str_reset(&out);
            render_blocks("html", data, &out);
            str_reset(&out);
            render_blocks("txt", data, &out);
        }
    }
    str_release(&out);
}

static void test_blocks_without_items_write_nothing(void **state)
{
    const struct value *data = load("bare", LANG_EN);
    struct str out;

    (void)state;
    str_init(&out, LIMIT_HTML);
    render_blocks("html", data, &out);
    render_blocks("txt", data, &out);
    assert_string_equal(out.data, "");
    str_release(&out);
}

static void test_a_message_has_one_h1_and_says_its_language(void **state)
{
    static const char *const names[] = {"mail/letter.html", "mail/invitation.html"};
    struct str out;

    (void)state;
    str_init(&out, LIMIT_HTML);
    for (size_t i = 0; i < COUNT(names); i++) {
        str_reset(&out);
        render(names[i], load("full", LANG_EN), &out);
        assert_int_equal(occurrences(out.data, "<h1"), 1);
        assert_int_equal(occurrences(out.data, "lang=\"en\" dir=\"ltr\""), 2);
        assert_int_equal(occurrences(out.data, "<table"), occurrences(out.data, "</table>"));
        assert_int_equal(occurrences(out.data, "<table "),
                         occurrences(out.data, "<table role=\"presentation\""));
        assert_int_equal(occurrences(out.data, "<img "), occurrences(out.data, "\" alt=\""));
    }
    str_release(&out);
}

static void test_every_message_shows_how_to_leave_who_writes_and_who_pays(void **state)
{
    static const char *const names[] = {"mail/letter.html", "mail/letter.txt",
                                        "mail/invitation.html", "mail/invitation.txt"};
    static const char *const parts[] = {
        "https://shore.example/leave/a",
        "https://shore.example/preferences/a",
        "Harbour Street 3, 20308 Narva",
        "Co-funded by the European Union",
        "Views and opinions",
        "office@shore.example",
    };
    struct str out;

    (void)state;
    str_init(&out, LIMIT_HTML);
    for (size_t i = 0; i < COUNT(names); i++) {
        str_reset(&out);
        render(names[i], load("full", LANG_EN), &out);
        for (size_t part = 0; part < COUNT(parts); part++) {
            assert_non_null(strstr(out.data, parts[part]));
        }
    }
    str_release(&out);
}

static void test_a_cancelled_event_asks_for_no_answer(void **state)
{
    static const char *const names[] = {"mail/invitation.html", "mail/invitation.txt"};
    struct value *data = load("full", LANG_EN);
    struct str out;

    (void)state;
    str_init(&out, LIMIT_HTML);
    for (size_t i = 0; i < COUNT(names); i++) {
        value_set_bool(data, "cancelled", false);
        str_reset(&out);
        render(names[i], data, &out);
        assert_non_null(strstr(out.data, "https://shore.example/a/yes"));
        value_set_bool(data, "cancelled", true);
        str_reset(&out);
        render(names[i], data, &out);
        assert_null(strstr(out.data, "https://shore.example/a/yes"));
        assert_non_null(strstr(out.data, "This event is cancelled."));
    }
    str_release(&out);
}

static void test_values_are_escaped_in_html_only(void **state)
{
    struct str out;

    (void)state;
    str_init(&out, LIMIT_HTML);
    render("mail/letter.html", load("full", LANG_EN), &out);
    assert_null(strstr(out.data, "<after>"));
    assert_non_null(strstr(out.data, "&amp; &lt;after&gt;"));
    str_reset(&out);
    render("mail/letter.txt", load("full", LANG_EN), &out);
    assert_non_null(strstr(out.data, "Funding in December & <after>"));
    str_release(&out);
}

static void test_a_text_message_keeps_to_its_columns(void **state)
{
    struct str raw, out;

    (void)state;
    str_init(&raw, LIMIT_TEXT);
    str_init(&out, LIMIT_TEXT);
    for (enum language language = LANG_NONE + 1; language < LANG_COUNT; language++) {
        const struct value *data = load("full", language);
        str_reset(&raw);
        str_reset(&out);
        render_blocks("txt", data, &raw);
        render("mail/letter.txt", data, &raw);
        render("mail/invitation.txt", data, &raw);
        text_flow(&out, raw.data, raw.len, 0);
        assert_null(strstr(out.data, "\n\n\n"));
        for (const char *line = out.data; *line != '\0';) {
            size_t len = strcspn(line, "\n");
            assert_true(text_width(line, len) <= TEXT_COLUMNS);
            line += len + 1;
        }
    }
    str_release(&raw);
    str_release(&out);
}

static void test_fifteen_calls_stay_below_the_limit(void **state)
{
    struct value *data = load("full", LANG_EN);
    const struct value *call = value_at(value_find(value_find(data, "calls", 5), "items", 5), 0);
    struct value *items = value_set_list(value_set_map(data, "calls"), "items");
    struct str blocks, out;

    (void)state;
    str_init(&blocks, LIMIT_HTML);
    str_init(&out, LIMIT_HTML);
    for (int i = 0; i < 15; i++) {
        value_add(items, call);
    }
    render_blocks("html", data, &blocks);
    value_set_markup(data, "body_html", blocks.data);
    render("mail/letter.html", data, &out);
    assert_int_equal(str_check(&out, NULL), 0);
    assert_int_equal(occurrences(out.data, "Project grants</h3>"), 15);
    str_release(&blocks);
    str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_template_renders_full_and_bare_data_in_all_languages),
        cmocka_unit_test(test_blocks_without_items_write_nothing),
        cmocka_unit_test(test_a_message_has_one_h1_and_says_its_language),
        cmocka_unit_test(test_every_message_shows_how_to_leave_who_writes_and_who_pays),
        cmocka_unit_test(test_a_cancelled_event_asks_for_no_answer),
        cmocka_unit_test(test_values_are_escaped_in_html_only),
        cmocka_unit_test(test_a_text_message_keeps_to_its_columns),
        cmocka_unit_test(test_fifteen_calls_stay_below_the_limit),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
