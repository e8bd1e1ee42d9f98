/* DKIM: the canonical forms of bodies and fields, and which fields are signed. */
#include "teataja/delivery/dkim_relaxed.h"

#include "unit/config/site_folder.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void collect(void *ctx, const void *bytes, size_t len)
{
    str_add_bytes(ctx, bytes, len);
}

/* The relaxed body, given in pieces of `piece` bytes. */
static void relax(const char *text, size_t len, size_t piece, struct str *out)
{
    struct dkim_body body;

    str_reset(out);
    dkim_body_start(&body, collect, out);
    for (size_t at = 0; at < len; at += piece) {
        dkim_body_add(&body, text + at, len - at < piece ? len - at : piece);
    }
    dkim_body_end(&body);
}

static void test_bodies_lose_white_space_and_empty_lines_at_their_end(void **state)
{
    static const struct {
        const char *body;
        const char *relaxed;
    } cases[] = {
        {" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"}, /* RFC 6376 section 3.4.5 */
        {"", ""},
        {"\r\n", ""},
        {"\r\n\r\n\r\n", ""},
        {" \t\r\n \r\n", ""},
        {"   ", ""},
        {"a", "a\r\n"},
        {"a\r\n", "a\r\n"},
        {"a ", "a\r\n"},
        {"a\r\n ", "a\r\n"},
        {"a\t\t b", "a b\r\n"},
        {"\r\n\r\na\r\n", "\r\n\r\na\r\n"},
        {"a\r\n\r\n \r\nb\r\n\r\n", "a\r\n\r\n\r\nb\r\n"},
        {"\ta\r\n", " a\r\n"},
        {"a \r\n b\r\n", "a\r\n b\r\n"},
        {"a =\r\n=20\r\n", "a =\r\n=20\r\n"},
        {"a\rb\r\n", "a\rb\r\n"},
        {"a\nb \nc\r\n", "a\nb \nc\r\n"},
        {"a \r", "a \r\r\n"},
        {"a\r\r\n", "a\r\r\n"},
        {"\xc3\xb5 \xc3\xa4\r\n", "\xc3\xb5 \xc3\xa4\r\n"},
    };
    struct str out;

    (void)state;
    str_init(&out, LIMIT_TEXT);
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t len = strlen(cases[i].body);

        for (size_t piece = 1; piece <= len + 1; piece++) {
            relax(cases[i].body, len, piece, &out);
            assert_string_equal(out.data, cases[i].relaxed);
        }
    }
    str_release(&out);
}

/* Section 3.4.4 word by word, a line after the other. */
static void relax_plainly(const char *text, size_t len, struct str *out)
{
    size_t kept = 0;

    str_reset(out);
    for (size_t at = 0; at < len;) {
        const char *end = memmem(text + at, len - at, "\r\n", 2);
        size_t stop = end != NULL ? (size_t)(end - text) : len;
        size_t last = stop;

        while (last > at && (text[last - 1] == ' ' || text[last - 1] == '\t')) {
            last--;
        }
        for (size_t i = at; i < last; i++) {
            bool space = text[i] == ' ' || text[i] == '\t';

            if (!space || i == at || (text[i - 1] != ' ' && text[i - 1] != '\t')) {
                str_add_char(out, space ? ' ' : text[i]);
            }
        }
        kept = last > at ? out->len : kept;
        str_add(out, "\r\n");
        at = end != NULL ? stop + 2 : len;
    }
    str_cut(out, kept);
    if (kept > 0) {
        str_add(out, "\r\n");
    }
}

static void test_any_body_in_any_pieces_is_the_same_as_by_the_letter(void **state)
{
    static const char letters[] = {'a', 'b', ' ', ' ', '\t', '\r', '\n', '\r', '\n', '='};
    struct str text, out, expected;
    unsigned seed = 1;

    (void)state;
    str_init(&text, LIMIT_TEXT);
    str_init(&out, LIMIT_TEXT);
    str_init(&expected, LIMIT_TEXT);
    for (int round = 0; round < 20000; round++) {
        size_t len = (size_t)rand_r(&seed) % 24;

        str_reset(&text);
        while (text.len < len) {
            char c = letters[(size_t)rand_r(&seed) % sizeof(letters)];

            str_add_char(&text, c);
            if (c == '\r' && rand_r(&seed) % 4 != 0) {
                str_add_char(&text, '\n');
            }
        }
        relax_plainly(text.data, text.len, &expected);
        relax(text.data, text.len, 1 + (size_t)rand_r(&seed) % 9, &out);
        assert_int_equal(out.len, expected.len);
        assert_memory_equal(out.data, expected.data, out.len);
    }
    str_release(&text);
    str_release(&out);
    str_release(&expected);
}

static void test_fields_become_one_line_without_needless_space(void **state)
{
    static const struct {
        const char *field;
        const char *relaxed;
    } cases[] = {
        {"A: X\r\n", "a:X\r\n"}, /* RFC 6376 section 3.4.5, as the next */
        {"B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n"},
        {"Subject:\r\n", "subject:\r\n"},
        {"Subject: \t \r\n", "subject:\r\n"},
        {"Subject:\r\n folded\r\n", "subject:folded\r\n"},
        {"Subject:a\r\n \r\n b\r\n", "subject:a b\r\n"},
        {"SUBJECT \t:A:B\r\n", "subject:A:B\r\n"},
        {"X: a\t b  c", "x:a b c\r\n"},
        {"X: a\rb \r\n", "x:a\rb\r\n"},
        {"From: \"a  b\" <A@B.example>\r\n", "from:\"a b\" <A@B.example>\r\n"},
    };
    struct str out;

    (void)state;
    str_init(&out, LIMIT_TEXT);
    for (size_t i = 0; i < COUNT(cases); i++) {
        str_reset(&out);
        dkim_field(cases[i].field, strlen(cases[i].field), &out);
        assert_string_equal(out.data, cases[i].relaxed);
    }
    str_release(&out);
}

static void test_fields_are_chosen_from_below(void **state)
{
    static const char message[] =
        "From: one\r\nTo: x\r\nFrom: two\r\n folded\r\nSubject:\r\n\r\nTo: body\r\n";
    static const struct {
        const char *names;
        const char *chosen;
    } cases[] = {
        {"from", "from:two folded\r\n"},
        {"From:FROM:From", "from:two folded\r\nfrom:one\r\n"},
        {"to : subject\r\n : from", "to:x\r\nsubject:\r\nfrom:two folded\r\n"},
        {"to:to:cc", "to:x\r\n"},
        {"fro", ""},
        {"", ""},
    };
    static const struct {
        const char *message;
        int rc;
        size_t fields;
        size_t body;
    } heads[] = {
        {message, 0, 4, sizeof(message) - 1 - 10},
        {"A: b\r\n", 0, 1, 6},
        {"A: b", 0, 1, 4},
        {"\r\nbody", 0, 0, 2},
        {"", 0, 0, 0},
        {"A: b\r\nno field\r\n\r\n", ERR_INVALID, 0, 0},
        {" A: b\r\n\r\n", ERR_INVALID, 0, 0},
        {": b\r\n\r\n", ERR_INVALID, 0, 0},
        {"A b: c\r\n\r\n", ERR_INVALID, 0, 0},
    };
    struct dkim_head head;
    struct str out;

    (void)state;
    for (size_t i = 0; i < COUNT(heads); i++) {
        assert_int_equal(dkim_head_split(heads[i].message, strlen(heads[i].message), &head, NULL),
                         heads[i].rc);
        if (heads[i].rc == 0) {
            assert_int_equal(head.count, heads[i].fields);
            assert_int_equal(head.len, heads[i].body);
        }
    }
    assert_int_equal(dkim_head_split(message, strlen(message), &head, NULL), 0);
    assert_int_equal(dkim_head_count(&head, "FROM"), 2);
    str_init(&out, LIMIT_TEXT);
    for (size_t i = 0; i < COUNT(cases); i++) {
        str_reset(&out);
        dkim_head_select(&head, cases[i].names, &out);
        assert_string_equal(out.data, cases[i].chosen);
    }
    str_release(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, site_folder_set_up, site_folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bodies_lose_white_space_and_empty_lines_at_their_end),
        TEST(test_any_body_in_any_pieces_is_the_same_as_by_the_letter),
        TEST(test_fields_become_one_line_without_needless_space),
        TEST(test_fields_are_chosen_from_below),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
