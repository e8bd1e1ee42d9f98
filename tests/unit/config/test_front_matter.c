/* Content files split into head and body, and what their names say. */
#include "teataja/config/front_matter.h"

#include "teataja/base/str.h"
#include "unit/config/site_folder.h"

static const struct {
    const char *text;
    const char *title; /* of the head; NULL: none */
    int title_line;
    const char *body;
    int body_line;
} cases[] = {
    {"---\ntitle: a\n---\nBody\n", "a", 2, "Body\n", 4},
    {"title: a\n---\nBody\n", "a", 1, "Body\n", 3},
    {"title: a\n", "a", 1, "", 2},
    {"title: a", "a", 1, "", 2},
    {"---\n---\nBody", NULL, 0, "Body", 3},
    {"---  \r\ntitle: a\r\n--- \r\nOne\r\nTwo\r\n", "a", 2, "One\nTwo\n", 4},
    {"title: a\n---\nOne\n---\nTwo\n", "a", 1, "One\n---\nTwo\n", 3},
    {"title: |\n  a\n  ---\n---\nBody", "a\n---\n", 1, "Body", 5},
    {"title: a\n----\n", NULL, 0, NULL, 0},
    {"title: a\n---", "a", 1, "", 3},
    {"", NULL, 0, "", 1},
};

static void test_a_file_is_split_where_its_head_ends(void **state)
{
    struct site_folder *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct front_matter page;
        const struct yaml_node *title;
        int rc = front_matter_parse(f->arena, "calls/a.md", cases[i].text, strlen(cases[i].text),
                                    f->report, &page, NULL);

        if (!cases[i].body) {
            assert_int_equal(rc, ERR_INVALID);
            continue;
        }
        assert_int_equal(rc, 0);
        title = yaml_get(page.head, "title");
        assert_int_equal(title != NULL, cases[i].title != NULL);
        if (title) {
            assert_string_equal(title->text, cases[i].title);
            assert_int_equal(title->line, cases[i].title_line);
        }
        assert_string_equal(page.body, cases[i].body);
        assert_int_equal(page.body_len, strlen(cases[i].body));
        assert_int_equal(page.body_line, cases[i].body_line);
    }
}

static const struct {
    const char *text;
    const char *error;
} wrong[] = {
    {"---\ntitle: a\nBody\n", "a.md:1:1: the head that begins here has no line '---' at its end\n"},
    {"Just text\n", "a.md:1:1: a content file begins with keys such as 'title: ...'; a line '---' "
                    "ends them and the text follows\n"},
    {"---\ntitle: a\n---\nBody\nB\xc3\n", "a.md:5:2: broken UTF-8; save the file as UTF-8\n"},
    {"---\ntitle: a: b\n---\n",
     "a.md:2:9: not YAML: mapping values are not allowed in this context: a value that holds ': ' "
     "needs quotes\n"},
};

static void test_a_broken_file_says_where(void **state)
{
    struct site_folder *f = *state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct front_matter page;

        assert_int_equal(front_matter_parse(f->arena, "a.md", wrong[i].text, strlen(wrong[i].text),
                                            f->report, &page, NULL),
                         ERR_INVALID);
        site_folder_expect(f, wrong[i].error);
    }
}

static void test_a_head_has_a_ceiling(void **state)
{
    struct site_folder *f = *state;
    struct front_matter page;
    struct str text;

    str_init(&text, LIMIT_FILE);
    for (int i = 0; i < 10000; i++) {
        str_addf(&text, "key%d: value\n", i);
    }
    assert_int_equal(
        front_matter_parse(f->arena, "a.md", text.data, text.len, f->report, &page, NULL),
        ERR_LIMIT);
    str_release(&text);
}

static void test_a_file_is_read_with_its_mark_and_its_ceiling(void **state)
{
    struct site_folder *f = *state;
    struct front_matter page;
    size_t len = 10 * 1024 * 1024;
    char *line = malloc(len);

    site_folder_write(f, "calls/a.md", "\xef\xbb\xbf---\ntitle: Õhtu\n---\nTere\n");
    assert_int_equal(front_matter_read(f->arena, f->path, "calls/a.md", f->report, &page, NULL), 0);
    assert_string_equal(page.file, "calls/a.md");
    assert_string_equal(yaml_get(page.head, "title")->text, "Õhtu");

    memset(line, 'x', len);
    site_folder_write_bytes(f, "calls/b.md", line, len);
    site_folder_write_bytes(f, "calls/c.md", line, LIMIT_LINE + 1);
    free(line);
    assert_int_equal(front_matter_read(f->arena, f->path, "calls/b.md", f->report, &page, NULL),
                     ERR_LIMIT);
    assert_int_equal(front_matter_read(f->arena, f->path, "calls/c.md", f->report, &page, NULL),
                     ERR_INVALID);
    assert_int_equal(front_matter_read(f->arena, f->path, "calls/d.md", f->report, &page, NULL),
                     ERR_NOT_FOUND);
    assert_int_equal(report_errors(f->report), 3);
}

static const struct {
    const char *path;
    const char *extension;
    const char *slug; /* NULL: refused */
    enum language language;
} file_names[] = {
    {"calls/kultuurkapital.md", ".md", "kultuurkapital", LANG_NONE},
    {"calls/2026-12.pl.md", ".md", "2026-12", LANG_PL},
    {"forum.ics", ".ics", "forum", LANG_NONE},
    {"forum.pl.ics", ".ics", NULL, LANG_NONE},
    {"calls/Forum.md", ".md", NULL, LANG_NONE},
    {"calls/a b.md", ".md", NULL, LANG_NONE},
    {"calls/-a.md", ".md", NULL, LANG_NONE},
    {"calls/a.ee.md", ".md", NULL, LANG_NONE},
    {"calls/a.b.et.md", ".md", NULL, LANG_NONE},
    {"calls/.md", ".md", NULL, LANG_NONE},
    {"calls/a.txt", ".md", NULL, LANG_NONE},
    {"a234567890123456789012345678901234567890123456789012345678901234.md", ".md",
     "a234567890123456789012345678901234567890123456789012345678901234", LANG_NONE},
    {"a2345678901234567890123456789012345678901234567890123456789012345.md", ".md", NULL,
     LANG_NONE},
};

static void test_a_name_is_slug_and_language(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(file_names) / sizeof(file_names[0]); i++) {
        struct content_name name;
        struct err err = {0};
        int rc = content_name_parse(file_names[i].path, file_names[i].extension, &name, &err);

        assert_int_equal(rc, file_names[i].slug ? 0 : ERR_INVALID);
        if (file_names[i].slug) {
            assert_string_equal(name.slug, file_names[i].slug);
            assert_int_equal(name.language, file_names[i].language);
        } else {
            assert_true(err.msg[0] != '\0');
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, site_folder_set_up, site_folder_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_file_is_split_where_its_head_ends),
        TEST(test_a_broken_file_says_where),
        TEST(test_a_head_has_a_ceiling),
        TEST(test_a_file_is_read_with_its_mark_and_its_ceiling),
        TEST(test_a_name_is_slug_and_language),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
