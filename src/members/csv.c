#include "teataja/members/csv.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <unicode/ucnv.h>

#include "teataja/base/arena.h"
#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/base/utf8.h"

#define CSV_BOM "\xef\xbb\xbf"

/* The whole text is in memory: an import is all or nothing anyway. */
struct csv {
    struct arena *arena; /* of the file's text; its charset's conversion */
    const char *name;    /* for messages */
    const char *text;    /* UTF-8 */
    size_t len;
    size_t at;
    int line; /* of text[at] */
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
        char c = csv->text[csv->at];
        bool line_end =
            c == '\n' || (c == '\r' && (csv->at + 1 >= csv->len || csv->text[csv->at + 1] != '\n'));

        if (line_end) {
            csv->line++;
            csv->column = 1;
        } else if (((unsigned char)c & 0xc0u) != 0x80) {
            csv->column++;
        }
    }
}

static int csv_convert(struct csv *csv, const char *charset, struct err *err)
{
    UErrorCode status = U_ZERO_ERROR;
    UConverter *from = NULL;
    UConverter *to = NULL;
    UChar pivot[1024];
    UChar *pivot_from = pivot;
    UChar *pivot_to = pivot;
    const char *source = csv->text;
    size_t room = csv->len * 3 + 16; /* no charset needs more UTF-8 for one of its bytes */
    char *out = NULL;
    char *target = NULL;
    int rc = 0;

    from = ucnv_open(charset, &status);
    if (U_FAILURE(status)) {
        rc = err_set(err, ERR_INVALID,
                     "charset '%s' is not known; write 'UTF-8', 'windows-1257', 'ISO-8859-13' or "
                     "another name that IANA lists",
                     charset);
        goto out;
    }
    to = ucnv_open("UTF-8", &status);
    out = arena_alloc(csv->arena, room, 1);
    if (U_FAILURE(status) || out == NULL) {
        rc = err_nomem(err);
        goto out;
    }
    ucnv_setToUCallBack(from, UCNV_TO_U_CALLBACK_STOP, NULL, NULL, NULL, &status);
    target = out;
    ucnv_convertEx(to, from, &target, out + room - 1, &source, csv->text + csv->len, pivot,
                   &pivot_from, &pivot_to, pivot + sizeof(pivot) / sizeof(pivot[0]), 1, 1, &status);
    csv->text = out;
    csv->len = (size_t)(target - out);
    if (U_FAILURE(status)) {
        const UChar *rest = pivot_from;
        UErrorCode late = U_ZERO_ERROR;
        char message[160];

        /* What stands before the bad byte may still be on its way through the pivot. */
        ucnv_fromUnicode(to, &target, out + room - 1, &rest, pivot_to, NULL, 0, &late);
        csv->len = (size_t)(target - out);
        csv_skip(csv, csv->len);
        (void)snprintf(message, sizeof(message), "a byte here is no character of charset '%.60s'",
                       charset);
        rc = csv_fail(csv, err, ERR_INVALID, csv->line, csv->column, message);
    }
out:
    if (from != NULL) {
        ucnv_close(from);
    }
    if (to != NULL) {
        ucnv_close(to);
    }
    return rc;
}

static int csv_check_text(struct csv *csv, struct err *err)
{
    size_t bad = 0;
    const char *nul = NULL;

    if (!utf8_is_valid(csv->text, csv->len, &bad)) {
        csv_skip(csv, bad);
        return csv_fail(csv, err, ERR_INVALID, csv->line, csv->column,
                        "this is not UTF-8; if the file is in another charset, name it, such as "
                        "--charset windows-1257");
    }
    nul = csv->len > 0 ? memchr(csv->text, '\0', csv->len) : NULL;
    if (nul != NULL) {
        csv_skip(csv, (size_t)(nul - csv->text));
        return csv_fail(csv, err, ERR_INVALID, csv->line, csv->column,
                        "a NUL byte has no place in a table of text");
    }
    return 0;
}

/* What a spreadsheet saves unless it is told otherwise: a ZIP archive (xlsx, ods), or xls. */
static bool csv_is_spreadsheet(const struct csv *csv)
{
    return csv->len >= 4 && (memcmp(csv->text, "PK\x03\x04", 4) == 0 ||
                             memcmp(csv->text, "\xd0\xcf\x11\xe0", 4) == 0);
}

/* Excel's own first line, which names the separator: sep=; */
static void csv_take_separator(struct csv *csv)
{
    const char *line = csv->text + csv->at;

    if (csv->separator == '\0' && csv->len - csv->at >= 6 && strncasecmp(line, "sep=", 4) == 0 &&
        strchr(";,\t|", line[4]) != NULL && (line[5] == '\r' || line[5] == '\n')) {
        csv->separator = line[4];
        csv_skip(csv, 5);
    }
}

static int csv_start(struct csv *csv, const struct csv_options *options, struct err *err)
{
    const char *charset = options != NULL ? options->charset : NULL;
    int rc = 0;

    if (csv->len > LIMIT_CSV) {
        return err_set(err, ERR_LIMIT, "%s is larger than %d MB", csv->name,
                       LIMIT_CSV / (1024 * 1024));
    }
    if (csv_is_spreadsheet(csv)) {
        return csv_fail(csv, err, ERR_INVALID, 1, 1,
                        "this is a spreadsheet's own format; save it as CSV (UTF-8)");
    }
    csv->separator = options != NULL ? options->separator : '\0';
    if (charset == NULL && csv->len >= 2 &&
        (memcmp(csv->text, "\xff\xfe", 2) == 0 || memcmp(csv->text, "\xfe\xff", 2) == 0)) {
        charset = "UTF-16";
    }
    if (charset != NULL && strcmp(charset, "UTF-8") != 0 && strcmp(charset, "utf-8") != 0) {
        rc = csv_convert(csv, charset, err);
        if (rc < 0) {
            return rc;
        }
    }
    rc = csv_check_text(csv, err);
    if (rc == 0 && csv->len >= 3 && memcmp(csv->text, CSV_BOM, 3) == 0) {
        csv->at = 3;
    }
    if (rc == 0) {
        csv_take_separator(csv);
    }
    return rc;
}

/* NULL when out of memory. */
static struct csv *csv_make(const char *name, struct err *err)
{
    struct csv *csv = mem_alloc(1, sizeof(*csv));

    if (csv == NULL) {
        err_nomem(err);
        return NULL;
    }
    str_init(&csv->row, (size_t)LIMIT_CSV_COLUMNS * (LIMIT_CSV_FIELD + 1));
    csv->line = 1;
    csv->column = 1;
    csv->arena = arena_new((size_t)LIMIT_CSV * 5);
    if (csv->arena == NULL || (csv->name = arena_strdup(csv->arena, name)) == NULL) {
        csv_close(csv);
        err_nomem(err);
        return NULL;
    }
    return csv;
}

int csv_open(const char *path, const struct csv_options *options, struct csv **out, struct err *err)
{
    struct csv *csv = csv_make(path, err);
    char *text = NULL;
    int rc = 0;

    if (csv == NULL) {
        return ERR_NOMEM;
    }
    rc = file_read(csv->arena, path, LIMIT_CSV, &text, &csv->len, err);
    if (rc < 0) {
        goto out;
    }
    csv->text = text;
    rc = csv_start(csv, options, err);
    if (rc < 0) {
        goto out;
    }
    *out = csv;
    csv = NULL;
out:
    csv_close(csv);
    return rc;
}

int csv_open_memory(const char *name, const void *data, size_t len,
                    const struct csv_options *options, struct csv **out, struct err *err)
{
    struct csv *csv = csv_make(name, err);
    int rc = 0;

    if (csv == NULL) {
        return ERR_NOMEM;
    }
    csv->text = data;
    csv->len = len;
    rc = csv_start(csv, options, err);
    if (rc < 0) {
        csv_close(csv);
        return rc;
    }
    *out = csv;
    return 0;
}

void csv_close(struct csv *csv)
{
    if (csv == NULL) {
        return;
    }
    str_release(&csv->row);
    arena_free(csv->arena);
    mem_free(csv);
}

/* The separator that the first row has most of outside of quotes. */
static char csv_detect(const struct csv *csv)
{
    static const char candidates[] = {';', ',', '\t'};
    size_t counts[sizeof(candidates)] = {0};
    size_t best = 1;
    bool quoted = false;

    for (size_t at = csv->at; at < csv->len; at++) {
        char c = csv->text[at];

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
    return csv->at >= csv->len || csv->text[csv->at] == '\n' || csv->text[csv->at] == '\r';
}

static void csv_skip_line_end(struct csv *csv)
{
    if (csv->at < csv->len && csv->text[csv->at] == '\r') {
        csv_skip(csv, 1);
        if (csv->at < csv->len && csv->text[csv->at] == '\n') {
            csv_skip(csv, 1);
        }
    } else if (csv->at < csv->len) {
        csv_skip(csv, 1);
    }
}

static int csv_read_quoted(struct csv *csv, struct err *err)
{
    int line = csv->line;
    int column = csv->column;

    csv_skip(csv, 1);
    for (;;) {
        const char *from = csv->text + csv->at;
        const char *quote = csv->at < csv->len ? memchr(from, '"', csv->len - csv->at) : NULL;

        if (quote == NULL) {
            return csv_fail(csv, err, ERR_INVALID, line, column,
                            "the quote that opens here is never closed");
        }
        str_add_bytes(&csv->row, from, (size_t)(quote - from));
        csv_skip(csv, (size_t)(quote - from) + 1);
        if (csv->at >= csv->len || csv->text[csv->at] != '"') {
            break;
        }
        str_add_char(&csv->row, '"');
        csv_skip(csv, 1);
    }
    if (!csv_at_line_end(csv) && csv->text[csv->at] != csv->separator) {
        return csv_fail(csv, err, ERR_INVALID, csv->line, csv->column,
                        "text stands behind a closing quote; a quote inside of a field is "
                        "written twice");
    }
    return 0;
}

static int csv_read_plain(struct csv *csv, struct err *err)
{
    size_t end = csv->at;

    while (end < csv->len && csv->text[end] != csv->separator && csv->text[end] != '\n' &&
           csv->text[end] != '\r') {
        if (csv->text[end] == '"') {
            csv_skip(csv, end - csv->at);
            return csv_fail(csv, err, ERR_INVALID, csv->line, csv->column,
                            "a quote stands inside of a field that does not start with one");
        }
        end++;
    }
    str_add_bytes(&csv->row, csv->text + csv->at, end - csv->at);
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
    if (csv->at < csv->len && csv->text[csv->at] == '"') {
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
    while (csv->at < csv->len && csv_at_line_end(csv)) {
        csv_skip_line_end(csv);
    }
    if (csv->at >= csv->len) {
        return 0;
    }
    if (csv->separator == '\0') {
        csv->separator = csv_detect(csv);
    }
    str_reset(&csv->row);
    csv->out.line = csv->line;
    csv->out.count = 0;
    for (;;) {
        rc = csv_read_field(csv, err);
        if (rc < 0) {
            return rc;
        }
        if (csv_at_line_end(csv)) {
            break;
        }
        csv_skip(csv, 1);
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
