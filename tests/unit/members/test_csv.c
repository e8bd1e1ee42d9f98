/* CSV: what is read, what is refused and where, and what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "teataja/base/limits.h"
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
        cmocka_unit_test(test_no_field_is_a_formula_and_all_are_read_back),
    };

    return cmocka_run_group_tests_name("members/csv", tests, NULL, NULL);
}
