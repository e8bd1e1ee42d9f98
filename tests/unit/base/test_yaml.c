/* YAML trees: positions, and everything that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/base/str.h"
#include "teataja/base/yaml.h"
#include "unit/base/printed.h"

struct fixture {
    struct arena *arena;
    struct report *report;
    struct err err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->arena = arena_new(LIMIT_ARENA_WORK);
    f->report = report_new();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    arena_free(f->arena);
    report_free(f->report);
    free(f);
    return 0;
}

static const struct yaml_node *parse(struct fixture *f, const char *text)
{
    const struct yaml_node *root = NULL;

    assert_int_equal(
        yaml_parse(f->arena, "a.yaml", 1, text, strlen(text), f->report, &root, &f->err), 0);
    return root;
}

static void test_every_node_knows_its_place(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *path;
        int line, column;
    } places[] = {
        {"", 5, 1},           {"title", 5, 8},         {"where", 7, 3},   {"where.name", 7, 9},
        {"where.tags", 8, 9}, {"where.tags.1", 8, 13}, {"list.0", 10, 5}, {"list.1.a", 11, 8},
    };
    const char *text = "title: Õhtu\nwhere:\n  name: Narva\n  tags: [õ, b]\nlist:\n  - one\n"
                       "  - a: 1\n";
    const struct yaml_node *root = NULL;

    assert_int_equal(yaml_parse(f->arena, "x.md", 5, text, strlen(text), f->report, &root, &f->err),
                     0);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        const struct yaml_node *node = yaml_find(root, places[i].path);

        assert_non_null(node);
        assert_string_equal(node->file, "x.md");
        assert_int_equal(node->line, places[i].line);
        assert_int_equal(node->column, places[i].column);
    }
    assert_string_equal(yaml_get(root, "title")->text, "Õhtu");
    assert_null(yaml_find(root, "where.nothing"));
    assert_null(yaml_find(root, "list.2"));
    assert_null(yaml_find(root, "list.x"));
}

static void test_an_empty_file_is_an_empty_mapping(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {"", "\n\n", "# only a comment\n", "---\n"};

    for (size_t i = 0; i < 3; i++) {
        const struct yaml_node *root = parse(f, texts[i]);

        assert_int_equal(root->kind, YAML_MAPPING);
        assert_int_equal(root->count, 0);
    }
    assert_true(yaml_is_null(parse(f, texts[3])));
}

static void test_only_plain_words_mean_nothing(void **state)
{
    struct fixture *f = *state;
    const struct yaml_node *root = parse(f, "a:\nb: ~\nc: null\nd: ''\ne: \"null\"\nf: no\n");

    assert_true(yaml_is_null(yaml_get(root, "a")));
    assert_true(yaml_is_null(yaml_get(root, "b")));
    assert_true(yaml_is_null(yaml_get(root, "c")));
    assert_false(yaml_is_null(yaml_get(root, "d")));
    assert_false(yaml_is_null(yaml_get(root, "e")));
    assert_false(yaml_is_null(yaml_get(root, "f")));
    assert_true(yaml_is_null(NULL));
}

static void test_what_leaves_a_tree_is_reported_and_read_on(void **state)
{
    struct fixture *f = *state;
    const struct yaml_node *root =
        parse(f, "a: 1\nb: &x 2\nc: *x\na: 3\nd: !!str 4\ne: [*x, 5]\na: 6\n");
    char *text = printed(f->report);

    assert_string_equal(
        text,
        "a.yaml:2:4: anchors are not allowed ('&x'); a value that starts with '&' needs quotes\n"
        "a.yaml:3:4: aliases are not allowed ('*x'); a value that starts with '*' needs quotes\n"
        "a.yaml:4:1: the key 'a' stands twice; it is on line 1 already\n"
        "a.yaml:5:4: tags are not allowed ('tag:yaml.org,2002:str'); a value that starts with '!' "
        "needs quotes\n"
        "a.yaml:6:5: aliases are not allowed ('*x'); a value that starts with '*' needs quotes\n"
        "a.yaml:7:1: the key 'a' stands twice; it is on line 1 already\n");
    assert_string_equal(yaml_get(root, "a")->text, "1");
    assert_string_equal(yaml_get(root, "d")->text, "4");
    assert_int_equal(root->count, 5);
    free(text);
}

static const struct {
    const char *text;
    const char *error;
} broken[] = {
    {"title: Culture: grants\n",
     "a.yaml:1:15: not YAML: mapping values are not allowed in this context: a value that holds "
     "': ' needs quotes"},
    {"a: 1\n\tb: 2\n",
     "a.yaml:2:1: not YAML: found a tab character that violates indentation: indent with spaces"},
    {"a: 1\nb: @home\n",
     "a.yaml:2:4: not YAML: found character that cannot start any token: indent with spaces, and "
     "put a value that starts with one of @ ` % & * ! | > { [ in quotes"},
    {"a: [1, 2\nb: 3\n",
     "a.yaml:2:2: not YAML: did not find expected ',' or ']': a bracket is not closed, or a comma "
     "is missing"},
    {"a: \"open\n", "a.yaml:2:1: not YAML: found unexpected end of stream: a quote is not closed"},
    {"a: 1\n---\nb: 2\n", "a.yaml:2:1: a second document begins here; a file holds one"},
    {"[a, b]: 1\n",
     "a.yaml:1:1: a key must be a word, not a list; a value that starts with '[' needs quotes"},
    {"name: {{member.name}}\n",
     "a.yaml:1:8: a key must be a word, not a mapping; a value that starts with '{' needs quotes"},
    {"a: 1\nb: caf\xe9\n", "a.yaml:2:7: broken UTF-8; save the file as UTF-8"},
    {"a: \x01\n", "a.yaml:1:4: not YAML: control characters are not allowed"},
    {"a: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\n",
     "a.yaml:1:19: lists and mappings are nested more than 16 deep"},
};

static void test_what_leaves_no_tree_says_where(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        const struct yaml_node *root = NULL;
        struct err err = {0};
        int rc = yaml_parse(f->arena, "a.yaml", 1, broken[i].text, strlen(broken[i].text),
                            f->report, &root, &err);

        assert_true(rc == ERR_INVALID || rc == ERR_LIMIT);
        assert_null(root);
        assert_string_equal(err.msg, broken[i].error);
        assert_int_equal(report_errors(f->report), i + 1);
    }
}

static void test_an_alias_bomb_stays_small(void **state)
{
    struct fixture *f = *state;
    struct str text;
    const struct yaml_node *root = NULL;

    str_init(&text, LIMIT_FILE);
    str_add(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 30; i++) {
        str_addf(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i,
                 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    }
    assert_int_equal(
        yaml_parse(f->arena, "a.yaml", 1, text.data, text.len, f->report, &root, &f->err), 0);
    assert_true(report_errors(f->report) > 200);
    assert_true(arena_used(f->arena) < 1024 * 1024);
    str_release(&text);
}

static void test_nodes_are_counted(void **state)
{
    struct fixture *f = *state;
    struct str text;
    const struct yaml_node *root = NULL;

    str_init(&text, LIMIT_FILE);
    str_add(&text, "a:\n");
    for (int i = 0; i < LIMIT_YAML_NODES; i++) {
        str_add(&text, "- x\n");
    }
    assert_int_equal(
        yaml_parse(f->arena, "a.yaml", 1, text.data, text.len, f->report, &root, &f->err),
        ERR_LIMIT);
    assert_non_null(strstr(f->err.msg, "the file has more than 200000 values"));
    str_release(&text);
}

static void test_deep_nesting_ends_at_once(void **state)
{
    struct fixture *f = *state;
    static const char *const starts[] = {"[", "- ", "{a: "};

    for (size_t i = 0; i < 3; i++) {
        struct str text;
        const struct yaml_node *root = NULL;

        str_init(&text, LIMIT_FILE);
        for (int n = 0; n < 10000; n++) {
            str_add(&text, starts[i]);
        }
        assert_true(
            yaml_parse(f->arena, "a.yaml", 1, text.data, text.len, f->report, &root, &f->err) < 0);
        assert_null(root);
        str_release(&text);
    }
}

static void test_a_line_of_ten_megabytes_is_refused(void **state)
{
    struct fixture *f = *state;
    size_t len = 10 * 1024 * 1024;
    char *text = mem_alloc(len, 1);
    const struct yaml_node *root = NULL;

    memset(text, 'x', len);
    text[0] = '\n';
    assert_int_equal(yaml_parse(f->arena, "a.yaml", 1, text, len, f->report, &root, &f->err),
                     ERR_INVALID);
    assert_string_equal(f->err.msg, "a.yaml:2:1: the line is longer than 65536 bytes");
    mem_free(text);
}

static void test_a_nul_is_refused(void **state)
{
    struct fixture *f = *state;
    const struct yaml_node *root = NULL;
    char *text;

    assert_int_equal(yaml_parse(f->arena, "a.yaml", 1, "a: b\0c\n", 7, f->report, &root, &f->err),
                     ERR_INVALID);
    assert_int_equal(
        yaml_parse(f->arena, "a.yaml", 3, "a: \"b\\0c\"\n", 10, f->report, &root, &f->err), 0);
    assert_string_equal(yaml_get(root, "a")->text, "b");
    text = printed(f->report);
    assert_string_equal(text, "a.yaml:1:5: the file holds a NUL byte\n"
                              "a.yaml:3:4: the value holds a NUL\n");
    free(text);
}

static void test_problems_are_put_at_what_exists(void **state)
{
    struct fixture *f = *state;
    const struct yaml_node *root = parse(f, "a:\n  b: 1\n");
    char *text;

    yaml_problem(f->report, root, "a.b", "at the value");
    yaml_problem(f->report, root, "a.c", "at the %s", "mapping");
    yaml_warning(f->report, root, "a.b.c", "beyond it");
    yaml_problem(f->report, NULL, "a", "nowhere");
    text = printed(f->report);
    assert_string_equal(text, "nowhere\na.yaml:2:3: at the mapping\na.yaml:2:6: at the value\n"
                              "a.yaml:2:6: warning: beyond it\n");
    free(text);
}

static void test_a_file_that_is_not_there_is_a_problem(void **state)
{
    struct fixture *f = *state;
    const struct yaml_node *root = NULL;

    assert_int_equal(yaml_read(f->arena, "/nonexistent", "a.yaml", f->report, &root, &f->err),
                     ERR_NOT_FOUND);
    assert_int_equal(report_errors(f->report), 1);
}

static void test_lack_of_memory_is_an_error(void **state)
{
    struct fixture *f = *state;
    const char *text = "a: 1\nb: [1, 2, 3]\nc: {d: e}\n";

    for (size_t ceiling = 0; ceiling < 4000; ceiling += 100) {
        struct arena *small = arena_new(ceiling);
        const struct yaml_node *root = NULL;
        int rc = yaml_parse(small, "a.yaml", 1, text, strlen(text), f->report, &root, &f->err);

        assert_true(rc == 0 || rc == ERR_NOMEM);
        assert_int_equal(root != NULL, rc == 0);
        arena_free(small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_node_knows_its_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_empty_file_is_an_empty_mapping, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_only_plain_words_mean_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_leaves_a_tree_is_reported_and_read_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_leaves_no_tree_says_where, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_alias_bomb_stays_small, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nodes_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deep_nesting_ends_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_line_of_ten_megabytes_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_nul_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_problems_are_put_at_what_exists, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_is_not_there_is_a_problem, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_lack_of_memory_is_an_error, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
