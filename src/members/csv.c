#include "teataja/members/csv.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "csv_source.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"

#define CSV_BOM "\xef\xbb\xbf"

struct csv {
    struct csv_source *source;
    const struct csv_stretch *seen; /* of the text */
    size_t at;                      /* in what is seen */
    char *name;                     /* for messages */
    int line;                       /* of text[at] */
    int column;
    char separator;
    bool failed;
    struct str row; /* the present row's fields, a NUL behind each */
    size_t offsets[LIMIT_CSV_COLUMNS];
    struct csv_field fields[LIMIT_CSV_COLUMNS];
    struct csv_row out;
};

static int csv_fail(struct csv *csv, struct err *err, int code, int line, int column,
                    const char *message)
{
    csv->failed = true;
    csv->line = line;
    csv->column = column;
    return err_set(err, code, "%s:%d:%d: %s", csv->name, line, column, message);
}

/* Moves past `count` bytes and keeps count of lines and columns. */
static void csv_skip(struct csv *csv, size_t count)
{
    size_t end = csv->at + count;

    for (; csv->at < end; csv->at++) {
        char c = csv->seen->text[csv->at];
        bool line_end =
            c == '\n' ||
            (c == '\r' && (csv->at + 1 >= csv->seen->len || csv->seen->text[csv->at + 1] != '\n'));

        if (line_end) {
            csv->line++;
            csv->column = 1;
        } else if (((unsigned char)c & 0xc0u) != 0x80) {
            csv->column++;
        }
    }
}

/* Before a field: all of it can be seen, with what ends it, or it is too long. */
static int csv_reach(struct csv *csv, struct err *err)
{
    int rc = 0;

    if (!csv->seen->last && csv->seen->len - csv->at < CSV_STRETCH) {
        rc = csv_source_fill(csv->source, csv->at, err);
        csv->at = 0;
        csv->failed = rc < 0;
    }
    return rc;
}

/* Where nothing more can be seen: 0 if that is the end. */
static int csv_end(struct csv *csv, struct err *err)
{
    csv_skip(csv, csv->seen->len - csv->at);
    return csv->seen->fault == NULL
               ? 0
               : csv_fail(csv, err, ERR_INVALID, csv->line, csv->column, csv->seen->fault);
}

/* Excel's own first line, which names the separator: sep=; */
static void csv_take_separator(struct csv *csv)
{
    const char *line = csv->seen->text + csv->at;

    if (csv->separator == '\0' && csv->seen->len - csv->at >= 6 &&
        strncasecmp(line, "sep=", 4) == 0 && strchr(";,\t|", line[4]) != NULL &&
        (line[5] == '\r' || line[5] == '\n')) {
        csv->separator = line[4];
        csv_skip(csv, 5);
    }
}

static int csv_start(const char *name, struct csv_source *source, const struct csv_options *options,
                     struct csv **out, struct err *err)
{
    struct csv *csv = mem_alloc(1, sizeof(*csv));

    *out = csv;
    if (csv == NULL || (csv->name = mem_strdup(name)) == NULL) {
        csv_source_close(source);
        mem_free(csv);
        *out = NULL;
        return err_nomem(err);
    }
    str_init(&csv->row, (size_t)LIMIT_CSV_COLUMNS * (LIMIT_CSV_FIELD + 1));
    csv->source = source;
    csv->seen = csv_source_stretch(source);
    csv->line = 1;
    csv->column = 1;
    csv->separator = options != NULL ? options->separator : '\0';
    if (csv->seen->len >= 3 && memcmp(csv->seen->text, CSV_BOM, 3) == 0) {
        csv->at = 3;
    }
    csv_take_separator(csv);
    return 0;
}

int csv_open(const char *path, const struct csv_options *options, struct csv **out, struct err *err)
{
    struct csv_source *source = NULL;
    int rc = csv_source_open(path, options != NULL ? options->charset : NULL, &source, err);

    *out = NULL;
    return rc < 0 ? rc : csv_start(path, source, options, out, err);
}

int csv_open_memory(const char *name, const void *data, size_t len,
                    const struct csv_options *options, struct csv **out, struct err *err)
{
    struct csv_source *source = NULL;
    int rc = csv_source_open_memory(name, data, len, options != NULL ? options->charset : NULL,
                                    &source, err);

    *out = NULL;
    return rc < 0 ? rc : csv_start(name, source, options, out, err);
}

void csv_close(struct csv *csv)
{
    if (csv == NULL) {
        return;
    }
    str_release(&csv->row);
    csv_source_close(csv->source);
    mem_free(csv->name);
    mem_free(csv);
}

/* The separator that the first row has most of outside of quotes. */
static char csv_detect(const struct csv *csv)
{
    static const char candidates[] = {';', ',', '\t'};
    size_t counts[sizeof(candidates)] = {0};
    size_t best = 1;
    bool quoted = false;

    for (size_t at = csv->at; at < csv->seen->len; at++) {
        char c = csv->seen->text[at];

        if (c == '"') {
            quoted = !quoted;
        }
        if (quoted) {
            continue;
        }
        if (c == '\n' || c == '\r') {
            break;
        }
        for (size_t i = 0; i < sizeof(candidates); i++) {
            counts[i] += c == candidates[i];
        }
    }
    for (size_t i = 0; i < sizeof(candidates); i++) {
        if (counts[i] > counts[best]) {
            best = i;
        }
    }
    return candidates[best];
}

static bool csv_at_line_end(const struct csv *csv)
{
    return csv->at >= csv->seen->len || csv->seen->text[csv->at] == '\n' ||
           csv->seen->text[csv->at] == '\r';
}

static void csv_skip_line_end(struct csv *csv)
{
    if (csv->at < csv->seen->len && csv->seen->text[csv->at] == '\r') {
        csv_skip(csv, 1);
        if (csv->at < csv->seen->len && csv->seen->text[csv->at] == '\n') {
            csv_skip(csv, 1);
        }
    } else if (csv->at < csv->seen->len) {
        csv_skip(csv, 1);
    }
}

/* A quote that opens and is not closed in all that can be seen. */
static int csv_unclosed(struct csv *csv, int line, int column, struct err *err)
{
    char message[120];
    int rc;

    if (csv->seen->last) {
        rc = csv_end(csv, err);
        return rc < 0 ? rc
                      : csv_fail(csv, err, ERR_INVALID, line, column,
                                 "the quote that opens here is never closed");
    }
    (void)snprintf(message, sizeof(message),
                   "the field is longer than %d bytes: is the quote that opens here ever closed?",
                   LIMIT_CSV_FIELD);
    return csv_fail(csv, err, ERR_LIMIT, line, column, message);
}

static int csv_read_quoted(struct csv *csv, struct err *err)
{
    int line = csv->line;
    int column = csv->column;

    csv_skip(csv, 1);
    for (;;) {
        const char *from = csv->seen->text + csv->at;
        const char *quote =
            csv->at < csv->seen->len ? memchr(from, '"', csv->seen->len - csv->at) : NULL;

        if (quote == NULL) {
            return csv_unclosed(csv, line, column, err);
        }
        str_add_bytes(&csv->row, from, (size_t)(quote - from));
        csv_skip(csv, (size_t)(quote - from) + 1);
        if (csv->at >= csv->seen->len || csv->seen->text[csv->at] != '"') {
            break;
        }
        str_add_char(&csv->row, '"');
        csv_skip(csv, 1);
    }
    if (!csv_at_line_end(csv) && csv->seen->text[csv->at] != csv->separator) {
        return csv_fail(csv, err, ERR_INVALID, csv->line, csv->column,
                        "text stands behind a closing quote; a quote inside of a field is "
                        "written twice");
    }
    return 0;
}

static int csv_read_plain(struct csv *csv, struct err *err)
{
    size_t end = csv->at;

    while (end < csv->seen->len && csv->seen->text[end] != csv->separator &&
           csv->seen->text[end] != '\n' && csv->seen->text[end] != '\r') {
        if (csv->seen->text[end] == '"') {
            csv_skip(csv, end - csv->at);
            return csv_fail(csv, err, ERR_INVALID, csv->line, csv->column,
                            "a quote stands inside of a field that does not start with one");
        }
        end++;
    }
    str_add_bytes(&csv->row, csv->seen->text + csv->at, end - csv->at);
    csv_skip(csv, end - csv->at);
    return 0;
}

/* Reads one field at the present place; its text's offset in the row is kept,
 * for the row's buffer may still move. */
static int csv_read_field(struct csv *csv, struct err *err)
{
    size_t index = csv->out.count;
    struct csv_field *field = NULL;
    int rc = 0;

    if (index == LIMIT_CSV_COLUMNS) {
        char message[64];

        (void)snprintf(message, sizeof(message), "the row has more than %d fields",
                       LIMIT_CSV_COLUMNS);
        return csv_fail(csv, err, ERR_LIMIT, csv->line, csv->column, message);
    }
    field = &csv->fields[index];
    field->line = csv->line;
    field->column = csv->column;
    csv->offsets[index] = csv->row.len;
    if (csv->at < csv->seen->len && csv->seen->text[csv->at] == '"') {
        rc = csv_read_quoted(csv, err);
    } else {
        rc = csv_read_plain(csv, err);
    }
    if (rc < 0) {
        return rc;
    }
    field->len = csv->row.len - csv->offsets[index];
    if (field->len > LIMIT_CSV_FIELD) {
        char message[64];

        (void)snprintf(message, sizeof(message), "the field is longer than %d bytes",
                       LIMIT_CSV_FIELD);
        return csv_fail(csv, err, ERR_LIMIT, field->line, field->column, message);
    }
    str_add_char(&csv->row, '\0');
    csv->out.count++;
    return 0;
}

int csv_next(struct csv *csv, const struct csv_row **out, struct err *err)
{
    int rc = 0;

    if (csv->failed) {
        return 0;
    }
    while ((rc = csv_reach(csv, err)) == 0 && csv->at < csv->seen->len && csv_at_line_end(csv)) {
        csv_skip_line_end(csv);
    }
    if (rc < 0 || csv->at >= csv->seen->len) {
        return rc < 0 ? rc : csv_end(csv, err);
    }
    if (csv->separator == '\0') {
        csv->separator = csv_detect(csv);
    }
    str_reset(&csv->row);
    csv->out.line = csv->line;
    csv->out.count = 0;
    for (;;) {
        rc = csv_read_field(csv, err);
        if (rc == 0 && csv->at >= csv->seen->len) {
            rc = csv_end(csv, err);
        }
        if (rc < 0) {
            return rc;
        }
        if (csv_at_line_end(csv)) {
            break;
        }
        csv_skip(csv, 1);
        rc = csv_reach(csv, err);
        if (rc < 0) {
            return rc;
        }
    }
    csv_skip_line_end(csv);
    rc = str_check(&csv->row, err);
    if (rc < 0) {
        csv->failed = true;
        return rc;
    }
    for (size_t i = 0; i < csv->out.count; i++) {
        csv->fields[i].text = csv->row.data + csv->offsets[i];
    }
    csv->out.fields = csv->fields;
    *out = &csv->out;
    return 1;
}

int csv_line(const struct csv *csv)
{
    return csv->line;
}

int csv_column(const struct csv *csv)
{
    return csv->column;
}

char csv_separator(const struct csv *csv)
{
    return csv->separator;
}

/* Apostrophes before it count as well, or taking one away would change a text
 * that had one of its own. */
static bool csv_is_formula(const char *text)
{
    text += strspn(text, "'");
    return *text != '\0' && strchr("=+-@\t\r", *text) != NULL;
}

void csv_write_field(struct str *out, char separator, const char *text)
{
    const char special[] = {separator, '"', '\r', '\n', '\0'};
    bool quoted = false;
    size_t len = 0;

    if (text == NULL || *text == '\0') {
        return;
    }
    len = strlen(text);
    quoted = strpbrk(text, special) != NULL || text[0] == ' ' || text[len - 1] == ' ';
    if (quoted) {
        str_add_char(out, '"');
    }
    if (csv_is_formula(text)) {
        str_add_char(out, '\'');
    }
    if (!quoted) {
        str_add_bytes(out, text, len);
        return;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"') {
            str_add_char(out, '"');
        }
        str_add_char(out, *at);
    }
    str_add_char(out, '"');
}

void csv_write_row(struct str *out, char separator, const char *const *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            str_add_char(out, separator);
        }
        csv_write_field(out, separator, fields[i]);
    }
    str_add(out, "\r\n");
}

const char *csv_plain(const char *text)
{
    return text[0] == '\'' && csv_is_formula(text) ? text + 1 : text;
}
