#include <stdlib.h>
#include <string.h>

#include "markdown_tree.h"
#include "teataja/base/limits.h"
#include "teataja/base/utf8.h"
#include "teataja/render/text.h"

/* cmark looks from one inline mark for another through its whole paragraph, so
 * a paragraph may cost its marks times its bytes. Of all known bad inputs the
 * worst takes it 0.3 ns a step; prose of LIMIT_TEXT stays below a third of this. */
#define COST_CEILING (512ULL * 1024 * 1024)

#define INLINE_MARKS "*_[]<`&(!"

/* A line that opens a container deeper down than this cannot be prose. */
#define DEPTH_CEILING ((size_t)2 * LIMIT_MARKDOWN_NESTING)

/* Length of the container mark (">", "-", "12.") at `at`, 0 if there is none. */
static size_t container_mark(const char *line, size_t len, size_t at)
{
    size_t digits = at;

    if (line[at] == '>') {
        return 1;
    }
    while (digits < len && digits - at < 9 && line[digits] >= '0' && line[digits] <= '9') {
        digits++;
    }
    if (digits > at && digits < len && (line[digits] == '.' || line[digits] == ')')) {
        digits++;
    } else if (line[at] == '-' || line[at] == '+' || line[at] == '*') {
        digits = at + 1;
    } else {
        return 0;
    }
    return digits == len || line[digits] == ' ' || line[digits] == '\t' ? digits - at : 0;
}

/* A line of one of - * _ and spaces is a rule, however many there are. */
static bool is_rule(const char *line, size_t len)
{
    size_t start = strspn(line, " \t");

    if (start >= len || strchr("-*_", line[start]) == NULL) {
        return false;
    }
    for (size_t at = start; at < len; at++) {
        if (line[at] != line[start] && line[at] != ' ' && line[at] != '\t' && line[at] != '\r') {
            return false;
        }
    }
    return true;
}

/* How many containers a line opens, and how deep they may lie at most. */
static void count_containers(const char *line, size_t len, size_t *marks, size_t *depth)
{
    size_t at = 0, columns = 0;

    *marks = 0;
    while (at < len) {
        size_t mark;
        if (line[at] == ' ' || line[at] == '\t') {
            columns += line[at] == '\t' ? 4 : 1;
            at++;
            continue;
        }
        mark = container_mark(line, len, at);
        if (mark == 0) {
            break;
        }
        (*marks)++;
        at += mark;
    }
    *depth = *marks == 0 ? 0 : *marks + columns / 2;
}

/* The code point of a numeric character reference at `text`, or -1. */
static long numeric_reference(const char *text)
{
    bool hex = text[2] == 'x' || text[2] == 'X';
    const char *digits = text + (hex ? 3 : 2);
    char *end = NULL;
    long code;

    if (strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") == 0) {
        return -1;
    }
    code = strtol(digits, &end, hex ? 16 : 10);
    return *end == ';' && code <= 0x10FFFF ? code : -1;
}

/* Controls that no text has: HTML forbids them, and a terminal would obey them. */
static bool is_control(long code)
{
    return (code >= 0 && code < ' ' && code != '\t' && code != '\n') ||
           (code >= 0x7F && code <= 0x9F);
}

static void guard_reference(struct source *source, size_t at)
{
    long code = numeric_reference(source->text + at);

    if (text_is_private((int32_t)code)) {
        source_problem(source, at, "this character reference is for private use");
    } else if (code != 0 && is_control(code)) {
        source_problem(source, at, "this character reference stands for a control character");
    }
}

static int guard_characters(struct source *source)
{
    size_t before = source->problems;
    size_t at = 0;

    while (at < source->len && source->problems - before < 20) {
        size_t here = at;
        int32_t code = utf8_next(source->text, source->len, &at);
        if (code < 0) {
            source_problem(source, here, "this is not UTF-8");
        } else if (code == 0) {
            source_problem(source, here, "a NUL character is not allowed");
        } else if (text_is_private(code)) {
            source_problem(source, here,
                           "character U+%04X is for private use: each reader would see another",
                           (unsigned)code);
        } else if (code != '\r' && is_control(code)) {
            source_problem(source, here, "a control character (U+%04X) is not allowed",
                           (unsigned)code);
        } else if (code == '&' && source->text[at] == '#') {
            guard_reference(source, here);
        }
    }
    return source->problems > before ? ERR_INVALID : 0;
}

static size_t count_marks(const char *line, size_t len)
{
    size_t count = 0;

    for (size_t at = 0; at < len; at++) {
        count += strchr(INLINE_MARKS, line[at]) != NULL ? 1 : 0;
    }
    return count;
}

/* The paragraph that the lines are adding up to. */
struct paragraph_cost {
    size_t start; /* offset of its first line */
    unsigned long long marks, bytes, total;
};

static int guard_cost(struct source *source, struct paragraph_cost *cost, size_t start, size_t len)
{
    const char *line = source->text + start;
    bool blank = strspn(line, " \t\r>") >= len;

    if (blank) {
        cost->total += cost->marks * cost->bytes;
        *cost = (struct paragraph_cost){.total = cost->total};
        return 0;
    }
    if (cost->bytes == 0) {
        cost->start = start;
    }
    cost->bytes += len + 1;
    cost->marks += count_marks(line, len);
    if (cost->total + cost->marks * cost->bytes > COST_CEILING) {
        source_problem(source, cost->start,
                       "too many marks (such as * _ [ <) in one paragraph; split it");
        return ERR_INVALID;
    }
    return 0;
}

static int guard_line(struct source *source, struct paragraph_cost *cost, size_t start, size_t len)
{
    const char *line = source->text + start;
    size_t marks = 0, depth = 0;

    if (len > LIMIT_LINE) {
        source_problem(source, start, "the line is longer than %d bytes", LIMIT_LINE);
        return ERR_INVALID;
    }
    if (!is_rule(line, len)) {
        count_containers(line, len, &marks, &depth);
    }
    if (marks > LIMIT_MARKDOWN_NESTING || depth > DEPTH_CEILING) {
        source_problem(source, start, "lists and quotes are nested more than %d deep",
                       LIMIT_MARKDOWN_NESTING);
        return ERR_INVALID;
    }
    return guard_cost(source, cost, start, len);
}

int source_guard(struct source *source)
{
    struct paragraph_cost cost = {0};

    if (source->len > (size_t)LIMIT_TEXT) {
        source_problem(source, 0, "the text is longer than %d bytes", LIMIT_TEXT);
        return ERR_INVALID;
    }
    if (guard_characters(source) < 0) {
        return ERR_INVALID;
    }
    for (size_t i = 0; i < source->line_count; i++) {
        size_t start = source->lines[i];
        size_t end = i + 1 < source->line_count ? source->lines[i + 1] - 1 : source->len;
        if (guard_line(source, &cost, start, end - start) < 0) {
            return ERR_INVALID;
        }
    }
    return 0;
}
