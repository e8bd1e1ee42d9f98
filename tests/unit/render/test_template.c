/* Templates: the Mustache specification, and what it leaves open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "teataja/base/arena.h"
#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/base/yaml.h"
#include "teataja/render/template.h"

/* One rendering: a set, its data and its output. */
struct bench {
    struct arena *arena;
    struct template_set *set;
    struct value *data;
    struct str out;
    struct err err;
};

static void bench_open(struct bench *bench, enum template_mode mode)
{
    memset(bench, 0, sizeof(*bench));
    bench->arena = arena_new(LIMIT_ARENA_WORK);
    bench->set = template_set_new(NULL, 0, mode);
    bench->data = value_new(bench->arena);
    assert_non_null(bench->set);
    assert_non_null(bench->data);
    str_init(&bench->out, LIMIT_TEXT);
}

static void bench_close(struct bench *bench)
{
    str_release(&bench->out);
    template_set_free(bench->set);
    arena_free(bench->arena);
}

static void bench_add(struct bench *bench, const char *name, const char *text)
{
    assert_int_equal(template_set_add(bench->set, name, text, &bench->err), 0);
}

static int bench_render(struct bench *bench, const char *name, const struct value *data)
{
    const struct template *template = NULL;
    int rc = template_find(bench->set, name, &template, &bench->err);

    return rc < 0 ? rc : template_render(template, data, &bench->out, &bench->err);
}

/* --- the specification ------------------------------------------------------ */

static void build(const struct yaml_node *node, struct value *parent, const char *key);

static void build_scalar(const struct yaml_node *node, struct value *parent, const char *key)
{
    bool yes = node->plain && strcmp(node->text, "true") == 0;

    if (yaml_is_null(node)) {
        key != NULL ? value_set_null(parent, key) : value_add_null(parent);
    } else if (yes || (node->plain && strcmp(node->text, "false") == 0)) {
        key != NULL ? value_set_bool(parent, key, yes) : value_add_bool(parent, yes);
    } else {
        key != NULL ? value_set_text(parent, key, node->text) : value_add_text(parent, node->text);
    }
}

static void build(const struct yaml_node *node, struct value *parent, const char *key)
{
    struct value *child;

    switch (node->kind) {
    case YAML_SCALAR:
        build_scalar(node, parent, key);
        break;
    case YAML_SEQUENCE:
        child = key != NULL ? value_set_list(parent, key) : value_add_list(parent);
        for (size_t i = 0; i < node->count; i++) {
            build(node->items[i], child, NULL);
        }
        break;
    case YAML_MAPPING:
        child = key != NULL ? value_set_map(parent, key) : value_add_map(parent);
        for (size_t i = 0; i < node->count; i++) {
            build(node->entries[i].value, child, node->entries[i].key);
        }
        break;
    }
}

static void run_case(const char *module, const struct yaml_node *test)
{
    const struct yaml_node *partials = yaml_get(test, "partials");
    const char *name = yaml_get(test, "name")->text;
    const char *expected = yaml_get(test, "expected")->text;
    struct bench bench;
    int rc;

    bench_open(&bench, TEMPLATE_LENIENT);
    bench_add(&bench, "main.html", yaml_get(test, "template")->text);
    for (size_t i = 0; partials != NULL && i < partials->count; i++) {
        bench_add(&bench, arena_printf(bench.arena, "%s.html", partials->entries[i].key),
                  partials->entries[i].value->text);
    }
    build(yaml_get(test, "data"), bench.data, "data");
    rc = bench_render(&bench, "main.html", value_find(bench.data, "data", 4));
    if (rc != 0 || strcmp(bench.out.data, expected) != 0) {
        print_error("%s: %s: %s\n  expected: %s\n  rendered: %s\n", module, name, bench.err.msg,
                    expected, bench.out.data);
    }
    assert_int_equal(rc, 0);
    assert_string_equal(bench.out.data, expected);
    bench_close(&bench);
}

static void test_required_modules_of_the_specification_pass(void **state)
{
    static const struct {
        const char *module;
        size_t cases;
    } modules[] = {{"comments", 12}, {"delimiters", 14}, {"interpolation", 40},
                   {"inverted", 22}, {"partials", 11},   {"sections", 34}};

    (void)state;
    for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
        struct arena *arena = arena_new(LIMIT_ARENA_WORK);
        const char *path = arena_printf(arena, "mustache/%s.json", modules[i].module);
        const struct yaml_node *root = NULL;
        const struct yaml_node *tests;
        struct err err = {0};

        if (!file_exists(file_join(arena, TEST_SHARED_DATA, path))) {
            arena_free(arena);
            skip();
        }
        if (yaml_read(arena, TEST_SHARED_DATA, path, NULL, &root, &err) != 0) {
            fail_msg("%s", err.msg);
        }
        tests = yaml_get(root, "tests");
        assert_true(tests->count >= modules[i].cases);
        for (size_t j = 0; j < tests->count; j++) {
            run_case(modules[i].module, tests->items[j]);
        }
        arena_free(arena);
    }
}

/* --- cases of our own ------------------------------------------------------- */

static void fill(struct value *data)
{
    struct value *calls = value_set_list(data, "calls");
    struct value *member = value_set_map(data, "member");
    struct value *call = value_add_map(calls);

    value_set_text(call, "title", "Music & design");
    value_set_number(call, "left", 3);
    call = value_add_map(calls);
    value_set_text(call, "title", "\"Film\" <40%>");
    value_set_number(call, "left", 0);
    value_set_text(member, "name", "Õnne O'Neill");
    value_set_text(member, "city", NULL);
    value_set_text(data, "title", "Kuu kiri");
    value_set_markup(data, "body", "<p>Tere</p>");
    value_set_list(data, "events");
    value_set_text(data, "empty", "");
    value_set_bool(data, "urgent", true);
}

static void test_a_template_renders_its_data(void **state)
{
    static const struct {
        const char *name;
        const char *text;
        const char *expected;
    } cases[] = {
        {"a.html", "{{title}}", "Kuu kiri"},
        {"a.html", "{{member.name}}", "Õnne O&#39;Neill"},
        {"a.txt", "{{member.name}}", "Õnne O'Neill"},
        {"a.subject", "{{#calls}}{{title}};{{/calls}}", "Music & design;\"Film\" <40%>;"},
        {"a.html", "{{#calls}}{{title}};{{/calls}}",
         "Music &amp; design;&quot;Film&quot; &lt;40%&gt;;"},
        {"a.html", "{{{body}}}{{&body}}", "<p>Tere</p><p>Tere</p>"},
        {"a.html", "{{body}}", "&lt;p&gt;Tere&lt;/p&gt;"},
        {"a.txt", "{{{member.name}}}", "Õnne O'Neill"},
        {"a.html", "[{{member.city}}]", "[]"},
        {"a.html", "{{#member.city}}in {{.}}{{/member.city}}", ""},
        {"a.html", "{{^member.city}}nowhere{{/member.city}}", "nowhere"},
        {"a.html", "{{#empty}}x{{/empty}}{{^events}}none{{/events}}", "none"},
        {"a.txt", "{{#calls}}{{#left}}{{left}} left{{/left}}{{^left}}full{{/left}} {{/calls}}",
         "3 left full "},
        {"a.txt", "{{#urgent}}{{urgent}}{{/urgent}}", "true"},
        {"a.txt", "A\r\n  {{#urgent}}\r\nB\r\n{{/urgent}}\r\nC", "A\r\nB\r\nC"},
        {"a.txt", "{{! {{note}} }}x", " }}x"},
        {"a.txt", "{{=<% %>=}}<%title%>{{title}}", "Kuu kiri{{title}}"},
        {"a.txt", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench bench;

        bench_open(&bench, TEMPLATE_STRICT);
        fill(bench.data);
        bench_add(&bench, cases[i].name, cases[i].text);
        if (bench_render(&bench, cases[i].name, bench.data) != 0) {
            fail_msg("%s: %s", cases[i].text, bench.err.msg);
        }
        assert_string_equal(bench.out.data, cases[i].expected);
        bench_close(&bench);
    }
}

static void test_a_mistake_is_named_with_file_and_line(void **state)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"a\nb\n{{#calls}}\n", "m/x.html.mustache:3: section 'calls' is not closed"},
        {"{{/calls}}", "m/x.html.mustache:1: 'calls' is closed but was not opened"},
        {"{{#calls}}\n\n{{/events}}",
         "m/x.html.mustache:3: 'events' is closed while section 'calls' of line 1 is open"},
        {"\n{{title", "m/x.html.mustache:2: a tag is not closed by '}}'"},
        {"\n{{{title}}", "m/x.html.mustache:2: a tag is not closed by '}}}'"},
        {"{{ }}", "m/x.html.mustache:1: a tag has no name"},
        {"{{a b}}", "m/x.html.mustache:1: a tag has a name with white space in it"},
        {"{{a..b}}", "m/x.html.mustache:1: a tag has a name with a dot too many"},
        {"{{=<% =}}", "m/x.html.mustache:1: delimiters are set with two words, as in {{=<% %>=}}"},
        {"{{!\n\n}}{{titel}}", "m/x.html.mustache:3: no value 'titel'; did you mean 'title'?"},
        {"{{member.nmae}}", "m/x.html.mustache:1: no value 'member.nmae'; did you mean 'name'?"},
        {"{{#calls}}\n{{memberr}}{{/calls}}",
         "m/x.html.mustache:2: no value 'memberr'; did you mean 'member'?"},
        {"{{#nothing_like_it}}{{/nothing_like_it}}",
         "m/x.html.mustache:1: no value 'nothing_like_it'"},
        {"{{^evnts}}{{/evnts}}", "m/x.html.mustache:1: no value 'evnts'; did you mean 'events'?"},
        {"{{calls}}", "m/x.html.mustache:1: 'calls' is a list, not a text"},
        {"{{member}}", "m/x.html.mustache:1: 'member' is a map, not a text"},
        {"{{{title}}}",
         "m/x.html.mustache:1: 'title' is not markup: it needs two braces, not three"},
        {"\n\n{{> footer}}", "m/x.html.mustache:3: no template 'm/footer.html'"},
        {"\n{{> ../../etc/passwd}}",
         "m/x.html.mustache:2: '../../etc/passwd' is not a template's name"},
        {"\n{{> x}}", "m/x.html.mustache:2: partial 'x' contains itself without end"},
        {"{{> bad}}", "m/bad.html.mustache:2: section 'a' is not closed"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench bench;

        bench_open(&bench, TEMPLATE_STRICT);
        fill(bench.data);
        bench_add(&bench, "m/x.html", cases[i].text);
        bench_add(&bench, "m/bad.html", "\n{{#a}}");
        assert_int_equal(bench_render(&bench, "m/x.html", bench.data), ERR_INVALID);
        assert_string_equal(bench.err.msg, cases[i].message);
        assert_int_equal(bench.err.code, ERR_INVALID);
        bench_close(&bench);
    }
}

static void test_a_partial_takes_folder_and_ending_of_its_template(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, TEMPLATE_STRICT);
    fill(bench.data);
    bench_add(&bench, "mail/letter.html", "{{> row}}|{{> web/head}}");
    bench_add(&bench, "mail/letter.txt", "{{> row}}");
    bench_add(&bench, "mail/row.html", "<b>{{member.name}}</b>");
    bench_add(&bench, "mail/row.txt", "{{member.name}}");
    bench_add(&bench, "web/head.html", "head");
    assert_int_equal(bench_render(&bench, "mail/letter.html", bench.data), 0);
    assert_string_equal(bench.out.data, "<b>Õnne O&#39;Neill</b>|head");
    str_reset(&bench.out);
    assert_int_equal(bench_render(&bench, "mail/letter.txt", bench.data), 0);
    assert_string_equal(bench.out.data, "Õnne O'Neill");
    bench_close(&bench);
}

static void test_a_partial_of_a_partial_is_indented_by_both(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench, TEMPLATE_STRICT);
    fill(bench.data);
    bench_add(&bench, "a.txt", "A\n  {{> b}}\nZ\n");
    bench_add(&bench, "b.txt", "B\n{{#urgent}}\n {{> c}}\n{{/urgent}}\n{{> d}}{{> d}}\n");
    bench_add(&bench, "c.txt", "C\n\nCC\n");
    bench_add(&bench, "d.txt", "D\nD");
    assert_int_equal(bench_render(&bench, "a.txt", bench.data), 0);
    assert_string_equal(bench.out.data, "A\n  B\n   C\n   \n   CC\n  D\nDD\nD\nZ\n");
    bench_close(&bench);
}

static void write_template(const char *folder, const char *name, const char *text)
{
    struct err err = {0};
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);

    assert_int_equal(file_make_folder(folder, &err), 0);
    assert_int_equal(file_write(file_join(arena, folder, name), text, strlen(text), 0644, &err), 0);
    arena_free(arena);
}

static void remove_template(const char *folder, const char *name)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);

    assert_int_equal(unlink(file_join(arena, folder, name)), 0);
    arena_free(arena);
}

static void test_the_first_folder_that_has_a_template_wins(void **state)
{
    char root[] = "/tmp/teataja-test-XXXXXX";
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    const char *folders[2];
    const char *mail[2];
    struct template_set *set;
    const struct template *template = NULL;
    struct value *data = value_new(arena);
    struct str out;
    struct err err = {0};

    (void)state;
    assert_non_null(mkdtemp(root));
    folders[0] = file_join(arena, root, "site");
    folders[1] = file_join(arena, root, "installed");
    mail[0] = file_join(arena, folders[0], "mail");
    mail[1] = file_join(arena, folders[1], "mail");
    write_template(mail[1], "letter.txt.mustache", "installed {{> foot}}");
    write_template(mail[1], "foot.txt.mustache", "foot");
    write_template(mail[0], "foot.txt.mustache", "our foot");
    set = template_set_new(folders, 2, TEMPLATE_STRICT);
    str_init(&out, LIMIT_TEXT);
    assert_int_equal(template_find(set, "mail/letter.txt", &template, &err), 0);
    assert_int_equal(template_render(template, data, &out, &err), 0);
    assert_string_equal(out.data, "installed our foot");
    assert_int_equal(template_find(set, "mail/leter.txt", &template, &err), ERR_NOT_FOUND);
    assert_string_equal(err.msg, "no template 'mail/leter.txt'; did you mean 'letter.txt'?");
    str_release(&out);
    template_set_free(set);
    remove_template(mail[0], "foot.txt.mustache");
    remove_template(mail[1], "foot.txt.mustache");
    remove_template(mail[1], "letter.txt.mustache");
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(rmdir(mail[i]), 0);
        assert_int_equal(rmdir(folders[i]), 0);
    }
    assert_int_equal(rmdir(root), 0);
    arena_free(arena);
}

static void test_the_installed_templates_compile(void **state)
{
    static const char *const folders[] = {TEST_SOURCE_DIR "/templates"};
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct template_set *set = template_set_new(folders, 1, TEMPLATE_STRICT);
    struct err err = {0};
    char **names = NULL;
    size_t count = 0;

    (void)state;
    assert_int_equal(file_list(arena, TEST_SOURCE_DIR "/templates/mail", &names, &count, &err), 0);
    for (size_t i = 0; i < count; i++) {
        const struct template *template = NULL;
        const char *end = strstr(names[i], ".mustache");

        if (end != NULL &&
            template_find(set, arena_printf(arena, "mail/%.*s", (int)(end - names[i]), names[i]),
                          &template, &err) != 0) {
            fail_msg("%s", err.msg);
        }
    }
    template_set_free(set);
    arena_free(arena);
}

static void test_recursion_over_data_ends_with_the_data(void **state)
{
    struct bench bench;
    struct value *node;

    (void)state;
    bench_open(&bench, TEMPLATE_STRICT);
    bench_add(&bench, "tree.txt", "{{name}}({{#below}}{{> tree}}{{/below}})");
    node = bench.data;
    for (int i = 0; i < 15; i++) {
        value_set_text(node, "name", "n");
        node = value_set_map(node, "below");
    }
    value_set_text(node, "name", "end");
    value_set_null(node, "below");
    assert_int_equal(bench_render(&bench, "tree.txt", bench.data), 0);
    assert_non_null(strstr(bench.out.data, "n(end())"));
    value_set(node, "below", bench.data);
    str_reset(&bench.out);
    assert_int_equal(bench_render(&bench, "tree.txt", bench.data), ERR_LIMIT);
    assert_string_equal(bench.err.msg,
                        "tree.txt.mustache:1: sections and partials nest deeper than 32");
    bench_close(&bench);
}

static void test_sections_and_partials_nest_within_the_limit(void **state)
{
    struct bench bench;
    struct str text;

    (void)state;
    bench_open(&bench, TEMPLATE_LENIENT);
    str_init(&text, LIMIT_TEXT);
    for (int i = 0; i <= LIMIT_TEMPLATE_DEPTH; i++) {
        str_add(&text, "{{#a}}\n");
    }
    bench_add(&bench, "deep.txt", text.data);
    assert_int_equal(bench_render(&bench, "deep.txt", bench.data), ERR_LIMIT);
    assert_string_equal(bench.err.msg, "deep.txt.mustache:33: sections nest deeper than 32");
    for (int i = 0; i <= LIMIT_TEMPLATE_DEPTH + 1; i++) {
        bench_add(&bench, arena_printf(bench.arena, "p%d.txt", i),
                  arena_printf(bench.arena, "{{> p%d}}", i + 1));
    }
    assert_int_equal(bench_render(&bench, "p0.txt", bench.data), ERR_LIMIT);
    assert_string_equal(bench.err.msg, "p33.txt.mustache: partials nest deeper than 32");
    str_release(&text);
    bench_close(&bench);
}

static void test_the_output_has_a_ceiling(void **state)
{
    struct bench bench;
    struct value *list;

    (void)state;
    bench_open(&bench, TEMPLATE_STRICT);
    str_init(&bench.out, 1000);
    list = value_set_list(bench.data, "list");
    for (int i = 0; i < 1000; i++) {
        value_add_text(list, "x");
    }
    bench_add(&bench, "long.txt", "{{#list}}{{#list}}{{#list}}{{.}}{{/list}}{{/list}}{{/list}}");
    assert_int_equal(bench_render(&bench, "long.txt", bench.data), ERR_LIMIT);
    assert_string_equal(bench.err.msg, "long.txt.mustache: text is longer than 1000 bytes");
    bench_close(&bench);
}

static void test_a_template_that_failed_is_not_found_half_made(void **state)
{
    struct bench bench;
    const struct template *template = NULL;

    (void)state;
    bench_open(&bench, TEMPLATE_STRICT);
    bench_add(&bench, "a.txt", "{{> b}}{{> missing}}");
    bench_add(&bench, "b.txt", "{{#x}}{{> a}}{{/x}}");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(template_find(bench.set, "a.txt", &template, &bench.err), ERR_INVALID);
        assert_string_equal(bench.err.msg, "a.txt.mustache:1: no template 'missing.txt'");
        assert_int_equal(template_find(bench.set, "b.txt", &template, &bench.err), ERR_INVALID);
    }
    bench_close(&bench);
}

static void test_a_text_is_as_long_as_it_was_set(void **state)
{
    static const char text[] = {'a', '\0', 'b'};
    struct bench bench;

    (void)state;
    bench_open(&bench, TEMPLATE_STRICT);
    bench_add(&bench, "a.txt", "{{text}}");
    value_set_text_len(bench.data, "text", text, sizeof(text));
    assert_int_equal(bench_render(&bench, "a.txt", bench.data), 0);
    assert_int_equal(bench.out.len, sizeof(text));
    assert_memory_equal(bench.out.data, text, sizeof(text));
    bench_close(&bench);
}

static void test_data_built_wrongly_is_refused(void **state)
{
    struct bench bench;
    struct value *list;

    (void)state;
    bench_open(&bench, TEMPLATE_STRICT);
    bench_add(&bench, "a.txt", "x");
    list = value_set_list(bench.data, "list");
    value_set_text(list, "key", "in a list");
    assert_int_equal(bench_render(&bench, "a.txt", bench.data), ERR_STATE);
    assert_int_equal(bench_render(&bench, "a.txt", NULL), ERR_NOMEM);
    bench_close(&bench);
}

/* The whole way from an empty set to the output, which must be right or fail. */
static int render_once(char text[64])
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct template_set *set = template_set_new(NULL, 0, TEMPLATE_STRICT);
    const struct template *template = NULL;
    struct value *data;
    struct str out;
    struct err err = {0};
    int rc = ERR_NOMEM;

    str_init(&out, LIMIT_TEXT);
    if (arena == NULL || set == NULL) {
        goto out;
    }
    data = value_new(arena);
    value_set_text(value_add_map(value_set_list(data, "calls")), "title", "Film");
    rc = template_set_add(set, "a.txt", "{{#calls}}{{> b}}{{/calls}}", &err);
    if (rc == 0) {
        rc = template_set_add(set, "b.txt", "{{title}}!", &err);
    }
    if (rc == 0) {
        rc = template_find(set, "a.txt", &template, &err);
    }
    if (rc == 0) {
        rc = template_render(template, data, &out, &err);
    }
    (void)snprintf(text, 64, "%s", out.data);
out:
    str_release(&out);
    template_set_free(set);
    arena_free(arena);
    return rc;
}

static void test_no_allocation_that_fails_does_harm(void **state)
{
    char text[64];
    int rc = ERR_NOMEM;

    (void)state;
    for (unsigned long nth = 1; rc != 0; nth++) {
        assert_true(nth < 1000);
        mem_fail_at(nth, 0);
        rc = render_once(text);
        mem_fail_at(0, 0);
        assert_true(rc == 0 || rc == ERR_NOMEM);
    }
    assert_string_equal(text, "Film!");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_required_modules_of_the_specification_pass),
        cmocka_unit_test(test_a_template_renders_its_data),
        cmocka_unit_test(test_a_mistake_is_named_with_file_and_line),
        cmocka_unit_test(test_a_partial_takes_folder_and_ending_of_its_template),
        cmocka_unit_test(test_a_partial_of_a_partial_is_indented_by_both),
        cmocka_unit_test(test_the_first_folder_that_has_a_template_wins),
        cmocka_unit_test(test_the_installed_templates_compile),
        cmocka_unit_test(test_recursion_over_data_ends_with_the_data),
        cmocka_unit_test(test_sections_and_partials_nest_within_the_limit),
        cmocka_unit_test(test_the_output_has_a_ceiling),
        cmocka_unit_test(test_a_template_that_failed_is_not_found_half_made),
        cmocka_unit_test(test_a_text_is_as_long_as_it_was_set),
        cmocka_unit_test(test_data_built_wrongly_is_refused),
        cmocka_unit_test(test_no_allocation_that_fails_does_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
