/* Tables: the first line of the input is the charset ("" for none). What is read
 * and written again reads the same, and no field is a formula. */
#include "fuzz.h"

#include "teataja/base/limits.h"
#include "teataja/members/csv.h"

/* The fields of a table, a NUL behind each, rows ended by \x01 \x02. */
static int read_all(struct csv *csv, struct str *fields, struct str *table, bool plain,
                    struct err *err)
{
    const struct csv_row *row = NULL;
    int rc;

    while ((rc = csv_next(csv, &row, err)) == 1) {
        const char *texts[LIMIT_CSV_COLUMNS];
        bool any = false;

        FUZZ_CHECK(row->count >= 1 && row->count <= LIMIT_CSV_COLUMNS && row->line >= 1);
        for (size_t i = 0; i < row->count; i++) {
            const struct csv_field *field = &row->fields[i];

            FUZZ_CHECK(strlen(field->text) == field->len && field->len <= LIMIT_CSV_FIELD);
            FUZZ_CHECK(utf8_is_valid(field->text, field->len, NULL));
            FUZZ_CHECK(field->line >= row->line && field->column >= 1);
            texts[i] = plain ? csv_plain(field->text) : field->text;
            any = any || row->count > 1 || field->len > 0;
        }
        /* A row of one empty field is written as an empty line, which is no row. */
        for (size_t i = 0; any && i < row->count; i++) {
            str_add(fields, texts[i]);
            str_add_char(fields, '\0');
        }
        if (any) {
            str_add(fields, "\x01\x02");
        }
        if (any && table != NULL) {
            csv_write_row(table, ';', texts, row->count);
        }
    }
    return rc;
}

static void check_written(const struct str *fields, const struct str *table)
{
    const struct csv_options options = {.separator = ';'};
    struct csv *csv = NULL;
    struct str again;

    str_init(&again, (size_t)LIMIT_FILE * 4);
    FUZZ_CHECK(csv_open_memory("y.csv", table->data, table->len, &options, &csv, NULL) == 0);
    FUZZ_CHECK(read_all(csv, &again, NULL, true, NULL) == 0);
    FUZZ_CHECK(again.len == fields->len && memcmp(again.data, fields->data, again.len) == 0);
    str_release(&again);
    csv_close(csv);
}

/* Nothing that a spreadsheet would run stands at the start of a field. */
static void check_harmless(const char *text)
{
    struct str out;

    str_init(&out, (size_t)LIMIT_FILE * 4);
    csv_write_field(&out, ';', text);
    if (out.len > 0) {
        FUZZ_CHECK(strchr("=+-@\t\r", out.data[out.data[0] == '"' ? 1 : 0]) == NULL);
    }
    str_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *charset = fuzz_line(&data, &size);
    const struct csv_options options = {.charset = *charset != '\0' ? charset : NULL};
    struct csv *csv = NULL;
    struct err err = {0};
    struct str fields;
    struct str table;
    int rc = csv_open_memory("x.csv", data, size, &options, &csv, &err);

    str_init(&fields, (size_t)LIMIT_FILE * 4);
    str_init(&table, (size_t)LIMIT_FILE * 4);
    str_add(&table, "\xef\xbb\xbf"); /* as an export begins: the next is the field's own */
    if (rc == 0) {
        rc = read_all(csv, &fields, &table, false, &err);
        FUZZ_CHECK(str_check(&fields, NULL) == 0 && str_check(&table, NULL) == 0);
        if (rc == 0) {
            check_written(&fields, &table);
            if (fields.len > 2) {
                check_harmless(fields.data);
            }
        }
    }
    if (rc < 0) {
        FUZZ_CHECK(rc == ERR_INVALID || rc == ERR_LIMIT);
        fuzz_check_error(rc, &err);
    }
    str_release(&fields);
    str_release(&table);
    csv_close(csv);
    free(charset);
    return 0;
}
