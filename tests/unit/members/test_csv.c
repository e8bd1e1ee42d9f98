/* CSV: what is read, what is refused and where, and what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "teataja/base/limits.h"
#include "teataja/base/utf8.h"
#include "teataja/members/csv.h"

#define BYTES(text) text, sizeof(text) - 1

/* Rows as "a|b/c|d". */
static int read_all(const char *data, size_t len, const struct csv_options *options, char *out,
                    size_t room, struct err *err)
{
    const struct csv_row *row = NULL;
    struct csv *csv = NULL;
    int rc = csv_open_memory("t.csv", data, len, options, &csv, err);

    out[0] = '\0';
    while (rc == 0 && (rc = csv_next(csv, &row, err)) == 1) {
        for (size_t i = 0; i < row->count; i++) {
            size_t used = strlen(out);

            assert_int_equal(strlen(row->fields[i].text), row->fields[i].len);
            (void)snprintf(out + used, room - used, "%s%s",
                           i > 0      ? "|"
                           : used > 0 ? "/"
                                      : "",
                           row->fields[i].text);
        }
        rc = 0;
    }
    csv_close(csv);
    return rc;
}

static const struct {
    const char *name;
    const char *data;
    size_t len;
    const char *rows;
} good[] = {
    {"comma", BYTES("a,b\nc,d\n"), "a|b/c|d"},
    {"semicolon", BYTES("a;b\r\nc,1;d\r\n"), "a|b/c,1|d"},
    {"tab", BYTES("a\tb\nc\td"), "a|b/c|d"},
    {"old line ends", BYTES("a,b\rc,d\r"), "a|b/c|d"},
    {"byte order mark",
     BYTES("\xef\xbb\xbf"
           "a,b\n"),
     "a|b"},
    {"byte order mark before a quote", BYTES("\xef\xbb\xbf\"a\",b\n"), "a|b"},
    {"one column", BYTES("email\na@b.example\n"), "email/a@b.example"},
    {"empty fields", BYTES("a,,\n,,c"), "a||/||c"},
    {"a quoted empty field", BYTES("a,b\n\"\",x"), "a|b/|x"},
    {"quotes", BYTES("a,b\n\"x, y\",\"say \"\"hi\"\"\"\n"), "a|b/x, y|say \"hi\""},
    {"a line end in quotes", BYTES("a,b\n\"one\ntwo\",2\n3,4"), "a|b/one\ntwo|2/3|4"},
    {"empty lines are passed over", BYTES("\n\r\na,b\n\n\nc,d\n\n"), "a|b/c|d"},
    {"the separator is not looked for in quotes", BYTES("\"a;b;c\",d\n1,2"), "a;b;c|d/1|2"},
    {"spaces stay", BYTES("a , b\n"), "a | b"},
    {"UTF-16 by its mark",
     BYTES("\xff\xfe"
           "a\0;\0\xd5\0\n\0"),
     "a|Õ"},
    {"Excel's line for the separator", BYTES("\xef\xbb\xbfsep=,\r\na;b,c\r\n1,2\r\n"), "a;b|c/1|2"},
    {"a heading that looks like it", BYTES("sep=x\na\n"), "sep=x/a"},
    {"nothing", BYTES(""), ""},
};

static void test_tables_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        char rows[256];
        struct err err = {0};

        if (read_all(good[i].data, good[i].len, NULL, rows, sizeof(rows), &err) < 0) {
            fail_msg("%s: %s", good[i].name, err.msg);
        }
        if (strcmp(rows, good[i].rows) != 0) {
            fail_msg("%s: '%s'", good[i].name, rows);
        }
    }
}

static const struct {
    const char *data;
    size_t len;
    const char *error;
} bad[] = {
    {BYTES("a,b\n1,\"x\n2,y\n"), "t.csv:2:3: the quote that opens here is never closed"},
    {BYTES("a,b\n\"õ\"x,2\n"),
     "t.csv:2:4: text stands behind a closing quote; a quote inside of a field is written twice"},
    {BYTES("a,b\nõx\"y,2\n"),
     "t.csv:2:3: a quote stands inside of a field that does not start with one"},
    {BYTES("PK\x03\x04\x14\0\x06\0"),
     "t.csv:1:1: this is a spreadsheet's own format; save it as CSV (UTF-8)"},
    {BYTES("a,b\nõ\xd5x,2\n"), "t.csv:2:2: this is not UTF-8; if the file is in another charset, "
                               "name it, such as --charset windows-1257"},
    {BYTES("a,b\n\"x\r\ny\",2\n3\"\n"),
     "t.csv:4:2: a quote stands inside of a field that does not start with one"},
    {BYTES("a\0b"), "t.csv:1:2: a NUL byte has no place in a table of text"},
};

static void test_mistakes_are_named_with_their_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char rows[256];
        struct err err = {0};

        assert_int_equal(read_all(bad[i].data, bad[i].len, NULL, rows, sizeof(rows), &err),
                         ERR_INVALID);
        assert_string_equal(err.msg, bad[i].error);
    }
}

static void test_other_charsets_are_read_by_name(void **state)
{
    struct csv_options baltic = {.charset = "windows-1257"};
    struct csv_options unknown = {.charset = "windows-9999"};
    struct csv_options ascii = {.charset = "US-ASCII"};
    struct err err = {0};
    char rows[64];

    (void)state;
    assert_int_equal(
        read_all(BYTES("nimi;\xd5un\nPetra\xe8;\xf0\n"), &baltic, rows, sizeof(rows), &err), 0);
    assert_string_equal(rows, "nimi|Õun/Petrač|š");
    assert_int_equal(read_all(BYTES("a"), &unknown, rows, sizeof(rows), &err), ERR_INVALID);
    assert_int_equal(read_all(BYTES("a\nb\xd5"), &ascii, rows, sizeof(rows), &err), ERR_INVALID);
    assert_string_equal(err.msg, "t.csv:2:2: a byte here is no character of charset 'US-ASCII'");
}

static void test_a_separator_can_be_given(void **state)
{
    struct csv_options options = {.separator = ';'};
    struct err err = {0};
    char rows[64];

    (void)state;
    assert_int_equal(read_all(BYTES("a,b,c\nd;e"), &options, rows, sizeof(rows), &err), 0);
    assert_string_equal(rows, "a,b,c/d|e");
}

static void test_ceilings_hold(void **state)
{
    char *data = malloc(LIMIT_CSV_FIELD + 2);
    char rows[64];
    struct err err = {0};

    (void)state;
    memset(data, 'x', LIMIT_CSV_FIELD + 1);
    assert_int_equal(read_all(data, LIMIT_CSV_FIELD + 1, NULL, rows, sizeof(rows), &err),
                     ERR_LIMIT);
    assert_string_equal(err.msg, "t.csv:1:1: the field is longer than 65536 bytes");
    memset(data, ',', LIMIT_CSV_COLUMNS);
    assert_int_equal(read_all(data, LIMIT_CSV_COLUMNS, NULL, rows, sizeof(rows), &err), ERR_LIMIT);
    assert_string_equal(err.msg, "t.csv:1:201: the row has more than 200 fields");
    free(data);
}

static void test_places_of_fields_are_known(void **state)
{
    const struct csv_row *row = NULL;
    struct csv *csv = NULL;
    const char data[] = "õ,b\n\"x\ny\",\"z\"\n";

    (void)state;
    assert_int_equal(csv_open_memory("t.csv", data, sizeof(data) - 1, NULL, &csv, NULL), 0);
    assert_int_equal(csv_next(csv, &row, NULL), 1);
    assert_int_equal(csv_separator(csv), ',');
    assert_int_equal(row->fields[1].column, 3);
    assert_int_equal(csv_next(csv, &row, NULL), 1);
    assert_int_equal(row->line, 2);
    assert_int_equal(row->fields[1].line, 3);
    assert_int_equal(row->fields[1].column, 4);
    csv_close(csv);
}

/* ---- Files of more than a stretch ---- */

enum { MANY = 20000 };

/* `pad` bytes and then MANY rows of a number, signs of two, three and four bytes, and a line
 * end and quotes in quotes: wherever a stretch ends, it cuts something else. */
static void write_many(struct str *out, size_t pad)
{
    str_init(out, (size_t)LIMIT_CSV);
    for (size_t i = 0; i < pad; i++) {
        str_add_char(out, 'x');
    }
    str_add(out, ";b\r\n");
    for (int i = 0; i < MANY; i++) {
        str_addf(out, "%d;\"õ\r\n\"\"€;𝄞\"\r\n", i);
    }
    assert_int_equal(str_check(out, NULL), 0);
}

static void read_many(struct csv *csv, const char *what)
{
    const struct csv_row *row = NULL;
    struct err err = {0};
    int rows = -1;
    int rc;

    for (; (rc = csv_next(csv, &row, &err)) == 1; rows++) {
        char number[16];

        (void)snprintf(number, sizeof(number), "%d", rows);
        if (row->count != 2 ||
            (rows >= 0 && (strcmp(row->fields[0].text, number) != 0 ||
                           strcmp(row->fields[1].text, "õ\r\n\"€;𝄞") != 0 ||
                           row->line != 2 + 2 * rows || row->fields[1].line != row->line))) {
            fail_msg("%s: row %d, line %d: '%s'", what, rows, row->line, row->fields[0].text);
        }
    }
    if (rc < 0 || rows != MANY) {
        fail_msg("%s: %d rows, %s", what, rows, err.msg);
    }
    csv_close(csv);
}

static void test_it_does_not_show_where_a_stretch_ends(void **state)
{
    char path[] = "/tmp/teataja-csv-XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    for (size_t pad = 1; pad <= 12; pad++) {
        struct csv *csv = NULL;
        struct err err = {0};
        struct str text;
        char what[40];

        (void)snprintf(what, sizeof(what), "%zu bytes before", pad);
        write_many(&text, pad);
        assert_int_equal(csv_open_memory(what, text.data, text.len, NULL, &csv, &err), 0);
        read_many(csv, what);
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, text.data, text.len, 0), text.len);
        assert_int_equal(csv_open(path, NULL, &csv, &err), 0);
        read_many(csv, path);
        str_release(&text);
    }
    close(fd);
    unlink(path);
}

static void add_unit(struct str *out, uint32_t unit, bool big)
{
    str_add_char(out, (char)(big ? unit >> 8 : unit & 0xff));
    str_add_char(out, (char)(big ? unit & 0xff : unit >> 8));
}

static void write_utf16(const struct str *text, bool big, struct str *out)
{
    str_init(out, (size_t)LIMIT_CSV);
    for (size_t at = 0; at < text->len;) {
        uint32_t code = (uint32_t)utf8_next(text->data, text->len, &at);

        if (code >= 0x10000) {
            add_unit(out, 0xd800 + ((code - 0x10000) >> 10), big);
            add_unit(out, 0xdc00 + (code & 0x3ff), big);
        } else {
            add_unit(out, code, big);
        }
    }
    assert_int_equal(str_check(out, NULL), 0);
}

static void test_another_charset_is_converted_across_stretches(void **state)
{
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        const char *charset = i % 2 == 0 ? "UTF-16LE" : "UTF-16BE";
        const struct csv_options options = {.charset = charset};
        struct csv *csv = NULL;
        struct err err = {0};
        struct str text;
        struct str raw;

        write_many(&text, 1 + i / 2);
        write_utf16(&text, i % 2 != 0, &raw);
        assert_int_equal(csv_open_memory("t.csv", raw.data, raw.len, &options, &csv, &err), 0);
        read_many(csv, charset);
        str_release(&raw);
        str_release(&text);
    }
}

/* What follows MANY rows cannot be read: they come first, and then the place is named. */
static void test_a_mistake_far_down_ends_the_table_there(void **state)
{
    static const struct {
        const char *name;
        const char *data;
        size_t len;
        const char *charset;
        int code;
        const char *error;
    } ends[] = {
        {"not UTF-8", BYTES("a;\xc3("), NULL, ERR_INVALID, "t.csv:40002:3: this is not UTF-8;"},
        {"cut off", BYTES("a;\xe2\x82"), NULL, ERR_INVALID, "t.csv:40002:3: this is not UTF-8;"},
        {"in quotes", BYTES("a;\"\xff\""), NULL, ERR_INVALID, "t.csv:40002:4: this is not UTF-8;"},
        {"NUL", BYTES("a;b\0c"), NULL, ERR_INVALID, "t.csv:40002:4: a NUL byte"},
        {"charset", BYTES("a;\xd5"), "US-ASCII", ERR_INVALID,
         "t.csv:40002:3: a byte here is no character of charset 'US-ASCII'"},
        {"no quote", BYTES("a;\"b"), NULL, ERR_INVALID,
         "t.csv:40002:3: the quote that opens here is never closed"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        const struct csv_options options = {.charset = ends[i].charset};
        const struct csv_row *row = NULL;
        struct csv *csv = NULL;
        struct err err = {0};
        struct str text;
        int rows = 0;
        int rc;

        if (ends[i].charset == NULL) {
            write_many(&text, 1);
        } else {
            str_init(&text, (size_t)LIMIT_CSV);
            str_add(&text, "a;b\n");
            for (int n = 0; n < 2 * MANY; n++) {
                str_add(&text, "x;y and z and more\n");
            }
        }
        str_add_bytes(&text, ends[i].data, ends[i].len);
        assert_int_equal(csv_open_memory("t.csv", text.data, text.len, &options, &csv, &err), 0);
        while ((rc = csv_next(csv, &row, &err)) == 1) {
            rows++;
        }
        if (rc != ends[i].code || strncmp(err.msg, ends[i].error, strlen(ends[i].error)) != 0) {
            fail_msg("%s: %d %s", ends[i].name, rc, err.msg);
        }
        assert_int_equal(rows, ends[i].charset == NULL ? 1 + MANY : 1 + 2 * MANY);
        assert_int_equal(csv_next(csv, &row, &err), 0);
        csv_close(csv);
        str_release(&text);
    }
}

static void test_an_open_quote_that_swallows_the_table_is_a_field_too_long(void **state)
{
    const size_t size = (size_t)LIMIT_CSV_FIELD * 8;
    char *data = malloc(size);
    char rows[64];
    struct err err = {0};

    (void)state;
    memset(data, 'x', size);
    memcpy(data, "a;b\n1;\"", 7);
    assert_int_equal(read_all(data, size, NULL, rows, sizeof(rows), &err), ERR_LIMIT);
    assert_string_equal(err.msg, "t.csv:2:3: the field is longer than 65536 bytes: is the quote "
                                 "that opens here ever closed?");
    free(data);
}

static void test_only_a_file_is_read(void **state)
{
    struct csv *csv = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(csv_open("/tmp", NULL, &csv, &err), ERR_IO);
    assert_string_equal(err.msg, "cannot read '/tmp': it is a folder");
    assert_int_equal(csv_open("/tmp/is/not/there.csv", NULL, &csv, &err), ERR_NOT_FOUND);
    assert_null(csv);
}

static const struct {
    const char *text;
    const char *written;
} fields[] = {
    {"plain", "plain"},
    {NULL, ""},
    {"a,b", "\"a,b\""},
    {"say \"hi\"", "\"say \"\"hi\"\"\""},
    {"two\nlines", "\"two\nlines\""},
    {" space", "\" space\""},
    {"=1+1", "'=1+1"},
    {"+372 555", "'+372 555"},
    {"-5", "'-5"},
    {"@sum", "'@sum"},
    {"\tx", "'\tx"},
    {"\rx", "\"'\rx\""},
    {"=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""},
    {"'=x", "''=x"},
    {"'tis", "'tis"},
    {"a=b", "a=b"},
};

static void test_no_field_is_a_formula_and_all_are_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const char *text = fields[i].text != NULL ? fields[i].text : "";
        const struct csv_row *row = NULL;
        struct csv *csv = NULL;
        struct str out;

        str_init(&out, 1024);
        csv_write_field(&out, ',', fields[i].text);
        assert_string_equal(out.data, fields[i].written);
        str_add(&out, ",end\r\n");
        assert_int_equal(csv_open_memory("t.csv", out.data, out.len, NULL, &csv, NULL), 0);
        assert_int_equal(csv_next(csv, &row, NULL), 1);
        assert_int_equal(row->count, 2);
        assert_string_equal(csv_plain(row->fields[0].text), text);
        csv_close(csv);
        str_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_are_read),
        cmocka_unit_test(test_mistakes_are_named_with_their_place),
        cmocka_unit_test(test_other_charsets_are_read_by_name),
        cmocka_unit_test(test_a_separator_can_be_given),
        cmocka_unit_test(test_ceilings_hold),
        cmocka_unit_test(test_places_of_fields_are_known),
        cmocka_unit_test(test_it_does_not_show_where_a_stretch_ends),
        cmocka_unit_test(test_another_charset_is_converted_across_stretches),
        cmocka_unit_test(test_a_mistake_far_down_ends_the_table_there),
        cmocka_unit_test(test_an_open_quote_that_swallows_the_table_is_a_field_too_long),
        cmocka_unit_test(test_only_a_file_is_read),
        cmocka_unit_test(test_no_field_is_a_formula_and_all_are_read_back),
    };

    return cmocka_run_group_tests_name("members/csv", tests, NULL, NULL);
}
