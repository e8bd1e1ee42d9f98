#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "markdown_tree.h"
#include "teataja/base/limits.h"
#include "teataja/base/utf8.h"
#include "teataja/render/text.h"

#define RULE_COLUMNS 24

struct text_writer {
    struct str *out;
    size_t columns;
    struct str first; /* before the next line */
    struct str next;  /* before the lines after it */
    struct str words; /* of the paragraph at hand */
    struct str notes; /* footnotes of the segment, a line each */
    int footnote;     /* number of the last one */
    int oldest;       /* number of the segment's first one */
};

static void write_blocks(struct text_writer *writer, const struct mark *first,
                         const struct mark *end, bool tight);

/* The number of an address, which is noted when it is new to the segment. */
static int footnote(struct text_writer *writer, const char *url)
{
    const char *line = writer->notes.data;
    int number = writer->oldest;

    while (*line != '\0') {
        const char *address = strchr(line, ' ') + 1;
        size_t len = strcspn(address, "\n");
        if (len == strlen(url) && memcmp(address, url, len) == 0) {
            return number;
        }
        line = address + len + 1;
        number++;
    }
    writer->footnote++;
    str_addf(&writer->notes, "[%d] %s\n", writer->footnote, url);
    return writer->footnote;
}

static void add_inline(struct text_writer *writer, const struct mark *first);

/* An address as a person reads it: without mailto: or tel:. */
static const char *readable(const char *url)
{
    if (strncasecmp(url, "mailto:", 7) == 0) {
        return url + 7;
    }
    return strncasecmp(url, "tel:", 4) == 0 ? url + 4 : url;
}

static void add_link(struct text_writer *writer, const struct mark *mark)
{
    const char *url = readable(mark->text);
    size_t start = writer->words.len;

    add_inline(writer, mark->child);
    if (strcmp(writer->words.data + start, url) != 0) {
        str_addf(&writer->words, " [%d]", footnote(writer, url));
    }
}

static void add_inline(struct text_writer *writer, const struct mark *first)
{
    for (const struct mark *mark = first; mark != NULL; mark = mark->next) {
        switch (mark->kind) {
        case MARK_SOFT_BREAK:
            str_add_char(&writer->words, ' ');
            break;
        case MARK_HARD_BREAK:
            str_add_char(&writer->words, '\n');
            break;
        case MARK_EMPHASIS:
        case MARK_STRONG:
            str_add_char(&writer->words, mark->kind == MARK_STRONG ? '*' : '_');
            add_inline(writer, mark->child);
            str_add_char(&writer->words, mark->kind == MARK_STRONG ? '*' : '_');
            break;
        case MARK_LINK:
            add_link(writer, mark);
            break;
        case MARK_IMAGE:
            str_addf(&writer->words, "[%s]", mark->alt);
            break;
        default:
            str_add(&writer->words, mark->text);
            break;
        }
    }
}

/* The prefix of a list item or of the segment was used: the next ones follow. */
static void first_used(struct text_writer *writer)
{
    str_reset(&writer->first);
    str_add_bytes(&writer->first, writer->next.data, writer->next.len);
}

static size_t trimmed(const struct str *prefix)
{
    size_t len = prefix->len;

    while (len > 0 && prefix->data[len - 1] == ' ') {
        len--;
    }
    return len;
}

static void blank_line(struct text_writer *writer)
{
    str_add_bytes(writer->out, writer->next.data, trimmed(&writer->next));
    str_add_char(writer->out, '\n');
}

/* A line that is not wrapped. */
static void add_line(struct text_writer *writer, const char *text, size_t len)
{
    str_add_bytes(writer->out, writer->first.data,
                  len > 0 ? writer->first.len : trimmed(&writer->first));
    str_add_bytes(writer->out, text, len);
    str_add_char(writer->out, '\n');
    first_used(writer);
}

static void write_paragraph(struct text_writer *writer, const struct mark *mark)
{
    const struct text_wrapping how = {writer->first.data, writer->next.data, writer->columns};

    str_reset(&writer->words);
    add_inline(writer, mark->child);
    if (slot_is_in(writer->words.data, writer->words.len)) {
        str_addf(writer->out, TEXT_OPEN "%s" TEXT_NEXT "%s" TEXT_BODY, how.first, how.next);
        str_add_bytes(writer->out, writer->words.data, writer->words.len);
        str_add(writer->out, TEXT_CLOSE "\n");
    } else {
        text_wrap(writer->out, writer->words.data, writer->words.len, &how);
    }
    first_used(writer);
}

/* The two upper levels are underlined; how long cannot be known with a slot. */
static void write_heading(struct text_writer *writer, const struct mark *mark)
{
    size_t width, most;

    write_paragraph(writer, mark);
    if (mark->number > 2 || slot_is_in(writer->words.data, writer->words.len)) {
        return;
    }
    width = text_width(writer->words.data, writer->words.len);
    most = writer->columns - text_width(writer->next.data, writer->next.len);
    str_add_bytes(writer->out, writer->next.data, writer->next.len);
    str_add_repeat(writer->out, mark->number == 1 ? '=' : '-', width < most ? width : most);
    str_add_char(writer->out, '\n');
}

static void write_code(struct text_writer *writer, const char *code)
{
    size_t len = writer->next.len;

    str_add(&writer->first, "    ");
    str_add(&writer->next, "    ");
    while (*code != '\0') {
        size_t line = strcspn(code, "\n");
        add_line(writer, code, line);
        code += line + (code[line] == '\n' ? 1 : 0);
    }
    str_cut(&writer->next, len);
    first_used(writer);
}

/* Writes what stands in a container whose lines begin with `first` and then
 * with `next`. */
static void write_inside(struct text_writer *writer, const struct mark *mark, const char *first,
                         const char *next, bool tight)
{
    size_t len = writer->next.len;

    str_add(&writer->first, first);
    str_add(&writer->next, next);
    if (mark->child == NULL) {
        add_line(writer, "", 0);
    }
    write_blocks(writer, mark->child, NULL, tight);
    str_cut(&writer->next, len);
    first_used(writer);
}

/* Digits of the last number of an ordered list, so that all its texts align. */
static int number_width(const struct mark *list)
{
    int last = list->number - 1;

    for (const struct mark *item = list->child; item != NULL; item = item->next) {
        last++;
    }
    return snprintf(NULL, 0, "%d", last);
}

static void write_list(struct text_writer *writer, const struct mark *list)
{
    int width = number_width(list);
    int number = list->number;
    char sign[32] = "- ", blank[32] = "  ";

    for (const struct mark *item = list->child; item != NULL; item = item->next) {
        if (list->ordered) {
            (void)snprintf(sign, sizeof(sign), "%*d. ", width, number++);
            (void)snprintf(blank, sizeof(blank), "%*s", width + 2, "");
        }
        write_inside(writer, item, sign, blank, list->tight);
        if (item->next != NULL && !list->tight) {
            blank_line(writer);
        }
    }
}

static void write_blocks(struct text_writer *writer, const struct mark *first,
                         const struct mark *end, bool tight)
{
    for (const struct mark *mark = first; mark != end; mark = mark->next) {
        if (mark != first && !tight) {
            blank_line(writer);
        }
        switch (mark->kind) {
        case MARK_HEADING:
            write_heading(writer, mark);
            break;
        case MARK_LIST:
            write_list(writer, mark);
            break;
        case MARK_QUOTE:
            write_inside(writer, mark, "> ", "> ", false);
            break;
        case MARK_CODE_BLOCK:
            write_code(writer, mark->text);
            break;
        case MARK_RULE:
            add_line(writer, "------------------------", RULE_COLUMNS);
            break;
        default:
            write_paragraph(writer, mark);
            break;
        }
    }
}

static void write_notes(struct text_writer *writer)
{
    const char *line = writer->notes.data;

    if (*line != '\0') {
        blank_line(writer);
    }
    while (*line != '\0') {
        size_t len = strcspn(line, "\n");
        add_line(writer, line, len);
        line += len + 1;
    }
}

static int check_all(const struct text_writer *writer, struct err *err)
{
    const struct str *parts[] = {writer->out, &writer->first, &writer->next, &writer->words,
                                 &writer->notes};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        int rc = str_check(parts[i], err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

int markdown_text(const struct markdown *document, size_t index,
                  const struct markdown_text_options *options, struct str *out, struct err *err)
{
    static const struct markdown_text_options defaults;
    struct text_writer writer = {.out = out};
    int rc;

    options = options == NULL ? &defaults : options;
    if (index >= document->count || document->parts[index].first == NULL) {
        return str_check(out, err);
    }
    writer.columns = options->columns > 0 ? options->columns : TEXT_COLUMNS;
    writer.footnote = options->footnote != NULL ? *options->footnote : 0;
    writer.oldest = writer.footnote + 1;
    str_init(&writer.first, LIMIT_LINE);
    str_init(&writer.next, LIMIT_LINE);
    str_init(&writer.words, LIMIT_TEXT);
    str_init(&writer.notes, LIMIT_TEXT);
    str_add(&writer.next, options->indent != NULL ? options->indent : "");
    first_used(&writer);
    write_blocks(&writer, document->parts[index].first, document->parts[index].end, false);
    write_notes(&writer);
    rc = check_all(&writer, err);
    if (rc == 0 && options->footnote != NULL) {
        *options->footnote = writer.footnote;
    }
    str_release(&writer.first);
    str_release(&writer.next);
    str_release(&writer.words);
    str_release(&writer.notes);
    return rc;
}
