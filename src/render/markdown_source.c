#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "markdown_tree.h"
#include "teataja/base/limits.h"
#include "teataja/base/suggest.h"
#include "teataja/base/utf8.h"

#define NAME_BYTES 64 /* longest name of a token or block, with NUL */

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."

static int index_lines(struct arena *scratch, const char *text, size_t len, size_t **out,
                       size_t *count, struct err *err)
{
    size_t lines = 1, used = 0;
    size_t *starts;

    for (size_t at = 0; at < len; at++) {
        lines += text[at] == '\n' ? 1 : 0;
    }
    starts = arena_alloc(scratch, lines, sizeof(*starts));
    if (starts == NULL) {
        return err_nomem(err);
    }
    starts[used++] = 0;
    for (size_t at = 0; at < len; at++) {
        if (text[at] == '\n') {
            starts[used++] = at + 1;
        }
    }
    *out = starts;
    *count = lines;
    return 0;
}

int source_init(struct source *source, struct err *err)
{
    str_init(&source->prepared, (size_t)LIMIT_TEXT * 2);
    return index_lines(source->scratch, source->text, source->len, &source->lines,
                       &source->line_count, err);
}

void source_release(struct source *source)
{
    str_release(&source->prepared);
}

/* Index of the line that holds `offset`. */
static size_t line_of(const size_t *lines, size_t count, size_t offset)
{
    size_t low = 0, high = count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (lines[middle] <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

int source_line(const struct source *source, size_t offset)
{
    int first = source->options->first_line > 0 ? source->options->first_line : 1;

    return first + (int)line_of(source->lines, source->line_count, offset);
}

void source_problem(struct source *source, size_t offset, const char *format, ...)
{
    const char *file = source->options->file != NULL ? source->options->file : "";
    size_t start = source->lines[line_of(source->lines, source->line_count, offset)];
    int line = source_line(source, offset);
    int column = 1;
    char message[256];
    va_list args;

    if (source->problems >= LIMIT_PROBLEMS) {
        /* The report keeps no more, and counting columns would take quadratic time. */
        source->problems++;
        report_add(source->report, REPORT_ERROR, file, line, 0, "and so on");
        return;
    }
    for (size_t at = start; at < offset && at < source->len;) {
        (void)utf8_next(source->text, source->len, &at);
        column++;
    }
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    message[utf8_prefix(message, strlen(message), sizeof(message) - 1)] = '\0';
    if (source->problems++ == 0) {
        (void)err_set(&source->first, ERR_INVALID, "%s:%d:%d: %s", file, line, column, message);
    }
    report_add(source->report, REPORT_ERROR, file, line, column, "%s", message);
}

size_t source_offset(const struct source *source, int line, int column, const char *needle)
{
    size_t index = line > 0 ? (size_t)line - 1 : 0;
    size_t offset, start, end, low = 0, high = source->shift_count;
    const char *found = NULL;

    index = index < source->prepared_count ? index : source->prepared_count - 1;
    offset = source->prepared_lines[index] + (column > 0 ? (size_t)column - 1 : 0);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (source->shifts[middle].prepared <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low > 0) {
        offset = source->shifts[low - 1].original + offset - source->shifts[low - 1].prepared;
    }
    offset = offset < source->len ? offset : source->len;
    if (needle != NULL && needle[0] != '\0') {
        size_t at = line_of(source->lines, source->line_count, offset);
        start = source->lines[at];
        end = at + 1 < source->line_count ? source->lines[at + 1] : source->len;
        found = memmem(source->text + start, end - start, needle, strlen(needle));
    }
    return found != NULL ? (size_t)(found - source->text) : offset;
}

/* Notes that the prepared text now goes on as the given one does at `original`. */
static int shift(struct source *source, size_t original, struct err *err)
{
    if (arena_grow(source->scratch, &source->shifts, &source->shift_cap, source->shift_count,
                   sizeof(*source->shifts), err) < 0) {
        return ERR_NOMEM;
    }
    source->shifts[source->shift_count++] =
        (struct source_shift){.prepared = source->prepared.len, .original = original};
    return 0;
}

int slot_token(const char *text)
{
    const unsigned char *byte = (const unsigned char *)text;

    if (byte[0] != 0xEE || byte[1] < 0x80 || byte[1] > 0x83) {
        return -1; /* U+E000 to U+E0FF are EE 80 80 to EE 83 BF */
    }
    return (byte[1] - 0x80) * 64 + (byte[2] - 0x80);
}

int slot_block(const char *text)
{
    const unsigned char *byte = (const unsigned char *)text;

    return byte[0] == 0xEF && byte[1] == 0x9C ? byte[2] - 0x80 : -1; /* from U+F700 */
}

bool slot_is_in(const char *text, size_t len)
{
    for (size_t at = 0; at + 2 < len; at++) {
        if (slot_token(text + at) >= 0) {
            return true;
        }
    }
    return false;
}

static const char *token_name(const void *table, size_t index)
{
    return ((const struct markdown_token *)table)[index].name;
}

static const char *block_name(const void *table, size_t index)
{
    return ((const char *const *)table)[index];
}

/* A table of names that may be written. */
struct vocabulary {
    const char *what; /* "token" */
    const void *table;
    size_t count;
    const char *(*name)(const void *table, size_t index);
};

static int vocabulary_find(struct source *source, const struct vocabulary *vocabulary,
                           const char *name, size_t offset)
{
    struct suggest suggest;

    suggest_start(&suggest, name);
    for (size_t i = 0; i < vocabulary->count; i++) {
        if (strcmp(vocabulary->name(vocabulary->table, i), name) == 0) {
            return (int)i;
        }
        suggest_offer(&suggest, vocabulary->name(vocabulary->table, i));
    }
    source_problem(source, offset, "no %s '%s'%s", vocabulary->what, name, suggest_hint(&suggest));
    return -1;
}

/* What stands between {{ and }}. */
struct braces {
    char sign; /* '>' '#' '{' ... or 0 */
    char name[NAME_BYTES];
    size_t end; /* offset behind }} */
};

/* Reads braces at `at`; false, after a problem, if they are no token or block. */
static bool braces_read(struct source *source, size_t at, size_t line_end, struct braces *out)
{
    const char *text = source->text;
    size_t from = at + 2, len;
    const char *close = memmem(text + from, line_end - from, "}}", 2);

    *out = (struct braces){.end = line_end};
    if (close == NULL) {
        source_problem(source, at,
                       "'{{' is not closed by '}}' on this line; "
                       "write \\{{ for the braces themselves");
        return false;
    }
    out->end = (size_t)(close - text) + 2;
    if (strchr(">#^/!&{=", text[from]) != NULL) {
        out->sign = text[from++];
    }
    from += strspn(text + from, " \t");
    len = strspn(text + from, NAME_CHARACTERS);
    if (len == 0 || len >= NAME_BYTES ||
        from + len + strspn(text + from + len, " \t") != (size_t)(close - text)) {
        source_problem(source, at,
                       "between '{{' and '}}' stands no name; "
                       "write \\{{ for the braces themselves");
        return false;
    }
    memcpy(out->name, text + from, len);
    if (out->sign != 0 && out->sign != '>') {
        source_problem(source, at,
                       "'{{%c' belongs to templates; content has tokens such as "
                       "{{member.name}} and blocks such as {{> calls}}",
                       out->sign);
        return false;
    }
    return true;
}

/* True if the line holds nothing but `{{> ...`. */
static bool is_block_line(const char *line, size_t len, size_t *braces)
{
    size_t at = strspn(line, " ");
    size_t end = len;

    while (end > 0 && (line[end - 1] == ' ' || line[end - 1] == '\t' || line[end - 1] == '\r')) {
        end--;
    }
    *braces = at;
    return at <= 3 && at + 5 <= end && memcmp(line + at, "{{>", 3) == 0 &&
           memcmp(line + end - 2, "}}", 2) == 0 &&
           (const char *)memmem(line + at, end - at, "}}", 2) == line + end - 2;
}

/* The block stands in a paragraph of its own, whatever is around it: cmark
 * gets blank lines that the file need not have. */
static int prepare_block(struct source *source, size_t at, size_t line_end, struct err *err)
{
    const struct vocabulary blocks = {"block", source->options->blocks,
                                      source->options->block_count, block_name};
    struct braces braces;
    int index = -1;

    if (braces_read(source, at, line_end, &braces)) {
        index = vocabulary_find(source, &blocks, braces.name, at);
    }
    str_add_char(&source->prepared, '\n');
    if (shift(source, at, err) < 0) {
        return ERR_NOMEM;
    }
    if (index >= 0) {
        utf8_add(&source->prepared, (uint32_t)(BLOCK_SLOT + index));
    }
    str_add(&source->prepared, "\n");
    return shift(source, line_end, err);
}

static int prepare_token(struct source *source, size_t at, size_t line_end, size_t *next,
                         struct err *err)
{
    const struct vocabulary tokens = {"token", source->options->tokens,
                                      source->options->token_count, token_name};
    struct braces braces;
    int index = -1;

    if (braces_read(source, at, line_end, &braces)) {
        if (braces.sign == '>') {
            source_problem(source, at, "block '%s' must stand on a line of its own", braces.name);
        } else {
            index = vocabulary_find(source, &tokens, braces.name, at);
        }
    }
    if (index >= 0) {
        utf8_add(&source->prepared, (uint32_t)(MARKDOWN_SLOT + index));
        source->used[index] = true;
    } else {
        str_add_char(&source->prepared, '?');
    }
    *next = braces.end;
    return shift(source, braces.end, err);
}

/* True if the character at `at` has an odd number of backslashes before it. */
static bool is_escaped(const char *text, size_t line_start, size_t at)
{
    size_t before = at;

    while (before > line_start && text[before - 1] == '\\') {
        before--;
    }
    return (at - before) % 2 == 1;
}

static int prepare_line(struct source *source, size_t start, size_t end, struct err *err)
{
    const char *text = source->text;
    size_t at = start;

    while (at < end) {
        if (text[at] == '{' && text[at + 1] == '{' && at + 1 < end) {
            if (!is_escaped(text, start, at)) {
                if (prepare_token(source, at, end, &at, err) < 0) {
                    return ERR_NOMEM;
                }
                continue;
            }
            str_add_bytes(&source->prepared, text + at, 2);
            at += 2;
            continue;
        }
        if (text[at] ==
            '\r') { /* dropped at the end, a space elsewhere, as cmark has lines of its own */
            at++;
            if (at < end) {
                str_add_char(&source->prepared, ' ');
            } else if (shift(source, at, err) < 0) {
                return ERR_NOMEM;
            }
            continue;
        }
        str_add_char(&source->prepared, text[at++]);
    }
    return 0;
}

int source_prepare(struct source *source, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; i < source->line_count && rc == 0; i++) {
        size_t start = source->lines[i], braces = 0;
        bool last = i + 1 == source->line_count;
        size_t end = last ? source->len : source->lines[i + 1] - 1;
        if (is_block_line(source->text + start, end - start, &braces)) {
            rc = prepare_block(source, start + braces, end, err);
        } else {
            rc = prepare_line(source, start, end, err);
        }
        if (!last) {
            str_add_char(&source->prepared, '\n');
        }
    }
    if (rc == 0) {
        rc = str_check(&source->prepared, err);
    }
    if (rc == 0) {
        rc = index_lines(source->scratch, source->prepared.data, source->prepared.len,
                         &source->prepared_lines, &source->prepared_count, err);
    }
    return rc;
}
