#include "teataja/render/text.h"

#include <string.h>

#include <unicode/uchar.h>

#include "teataja/base/limits.h"
#include "teataja/base/utf8.h"

#define MARK_BYTES 3 /* of each TEXT_ mark in UTF-8 */

/* What may hang before a line: "> " as deep as Markdown goes. Without an end to it a line of
 * 40 KB would come out a thousand times as long. */
#define PREFIX_MOST ((size_t)2 * LIMIT_MARKDOWN_NESTING)
#define SIGN_DIGITS 9 /* CommonMark's lists have no longer numbers */

enum { ZERO_WIDTH_SPACE = 0x200B, ZERO_WIDTH_JOINER = 0x200D, EMOJI_STYLE = 0xFE0F };

/* Columns of a code point that stands by itself. */
static size_t code_width(int32_t code)
{
    int8_t category;
    int width;
    int hangul;

    /* Latin and Cyrillic letters are nearly all that is asked about; ICU's
     * properties cost a fifth of composing a message. */
    if ((code >= 0x20 && code < 0x7F) || (code >= 0xC0 && code < 0x300) ||
        (code >= 0x400 && code < 0x480)) {
        return 1;
    }
    category = u_charType(code);
    width = u_getIntPropertyValue(code, UCHAR_EAST_ASIAN_WIDTH);
    hangul = u_getIntPropertyValue(code, UCHAR_HANGUL_SYLLABLE_TYPE);
    if (category == U_CONTROL_CHAR || category == U_FORMAT_CHAR || category == U_NON_SPACING_MARK ||
        category == U_ENCLOSING_MARK) {
        return 0;
    }
    if (hangul == U_HST_VOWEL_JAMO || hangul == U_HST_TRAILING_JAMO ||
        u_hasBinaryProperty(code, UCHAR_EMOJI_MODIFIER)) {
        return 0; /* part of the sign before it */
    }
    return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

size_t text_width(const char *text, size_t len)
{
    size_t at = 0, total = 0, last = 0;
    bool joined = false;

    while (at < len) {
        int32_t code = utf8_next(text, len, &at);
        if (code < 0) {
            code = 0xFFFD;
        }
        if (code == ZERO_WIDTH_JOINER) {
            joined = true;
            continue;
        }
        if (code == EMOJI_STYLE && last == 1) {
            total++; /* shown as a picture, which takes two */
            last = 2;
            continue;
        }
        last = joined ? 0 : code_width(code);
        total += last;
        joined = false;
    }
    return total;
}

bool text_is_private(int32_t code)
{
    return utf8_is_private(code);
}

/* What stands before a line: the prefix without the spaces at its end if
 * nothing follows. */
struct prefix {
    const char *text;
    size_t len;
};

struct wrapper {
    struct str *out;
    struct prefix first, next;
    size_t columns;
    size_t column; /* of the line so far, with its prefix */
    bool any_line; /* a line was begun before */
    bool in_line;  /* the current line has its prefix */
};

static void line_begin(struct wrapper *wrapper)
{
    const struct prefix *prefix = wrapper->any_line ? &wrapper->next : &wrapper->first;

    str_add_bytes(wrapper->out, prefix->text, prefix->len);
    wrapper->column = text_width(prefix->text, prefix->len);
    wrapper->any_line = true;
    wrapper->in_line = true;
}

static void line_end(struct wrapper *wrapper)
{
    if (!wrapper->in_line) {
        const struct prefix *prefix = wrapper->any_line ? &wrapper->next : &wrapper->first;
        size_t len = prefix->len;
        while (len > 0 && prefix->text[len - 1] == ' ') {
            len--;
        }
        str_add_bytes(wrapper->out, prefix->text, len);
        wrapper->any_line = true;
    }
    str_add_char(wrapper->out, '\n');
    wrapper->in_line = false;
}

static void add_word(struct wrapper *wrapper, const char *word, size_t len, bool spaced)
{
    size_t width = text_width(word, len);

    if (wrapper->in_line && wrapper->column + (spaced ? 1 : 0) + width > wrapper->columns) {
        line_end(wrapper);
    }
    if (!wrapper->in_line) {
        line_begin(wrapper);
    } else if (spaced) {
        str_add_char(wrapper->out, ' ');
        wrapper->column++;
    }
    str_add_bytes(wrapper->out, word, len);
    wrapper->column += width;
}

static void wrap(struct wrapper *wrapper, const char *text, size_t len)
{
    size_t at = 0, start = 0;
    bool spaced = false, ended = true;

    while (at <= len) {
        size_t here = at;
        int32_t code = at < len ? utf8_next(text, len, &at) : '\n';
        if (code != ' ' && code != '\t' && code != '\r' && code != '\n' &&
            code != ZERO_WIDTH_SPACE) {
            continue;
        }
        if (here > start) {
            add_word(wrapper, text + start, here - start, spaced);
            spaced = false;
            ended = false;
        }
        spaced = spaced || code != ZERO_WIDTH_SPACE;
        if (here == len) {
            break;
        }
        if (code == '\n') {
            line_end(wrapper);
            ended = true;
        }
        start = at;
    }
    if (!ended) {
        line_end(wrapper);
    }
}

void text_wrap(struct str *out, const char *text, size_t len, const struct text_wrapping *how)
{
    struct wrapper wrapper = {.out = out,
                              .first = {how->first, strlen(how->first)},
                              .next = {how->next, strlen(how->next)},
                              .columns = how->columns > 0 ? how->columns : TEXT_COLUMNS};

    wrap(&wrapper, text, len);
}

/* Offset of a mark at or behind `at`; `len` if it is not there. */
static size_t find_mark(const char *text, size_t len, size_t at, const char *mark)
{
    const char *found = at < len ? memmem(text + at, len - at, mark, MARK_BYTES) : NULL;

    return found == NULL ? len : (size_t)(found - text);
}

bool text_paragraph_next(const char *text, size_t len, size_t at, struct text_paragraph *out)
{
    size_t open = find_mark(text, len, at, TEXT_OPEN);
    size_t next = find_mark(text, len, open, TEXT_NEXT);
    size_t body = find_mark(text, len, next, TEXT_BODY);
    size_t close = find_mark(text, len, body, TEXT_CLOSE);

    if (close == len) {
        return false;
    }
    out->start = open;
    out->first = text + open + MARK_BYTES;
    out->first_len = next - open - MARK_BYTES;
    out->next = text + next + MARK_BYTES;
    out->next_len = body - next - MARK_BYTES;
    out->words = text + body + MARK_BYTES;
    out->words_len = close - body - MARK_BYTES;
    out->end = close + MARK_BYTES;
    if (out->end < len && text[out->end] == '\n') {
        out->end++;
    }
    return true;
}

void text_paragraph_wrap(struct str *out, const struct text_paragraph *paragraph, const char *words,
                         size_t words_len, size_t columns)
{
    struct wrapper wrapper = {.out = out,
                              .first = {paragraph->first, paragraph->first_len},
                              .next = {paragraph->next, paragraph->next_len},
                              .columns = columns > 0 ? columns : TEXT_COLUMNS};

    wrap(&wrapper, words, words_len);
}

static bool has_slot(const char *text, size_t len)
{
    size_t at = 0;

    while (at < len) {
        if (text_is_private(utf8_next(text, len, &at))) {
            return true;
        }
    }
    return false;
}

/* Length of "- ", "12. " or "[1] " at the start of `text`, or 0. */
static size_t item_sign(const char *text, size_t len)
{
    bool bracket = len > 0 && text[0] == '[';
    size_t start = bracket ? 1 : 0, at = start;

    while (at < len && at - start < SIGN_DIGITS && text[at] >= '0' && text[at] <= '9') {
        at++;
    }
    if (at > start && at < len && text[at] == (bracket ? ']' : '.')) {
        at++;
    } else if (len > 0 && (text[0] == '-' || text[0] == '*')) {
        at = 1;
    } else {
        return 0;
    }
    return at < len && text[at] == ' ' ? at + 1 : 0;
}

/* Appends to `next` what hangs before the later lines of a line, and returns
 * the length of what it begins with. */
static size_t hanging_prefix(const char *line, size_t len, struct str *next)
{
    size_t at = 0, sign;

    while (at < len && at < PREFIX_MOST && (line[at] == ' ' || (line[at] == '>' && at + 1 < len))) {
        str_add_char(next, line[at++]);
    }
    sign = at < PREFIX_MOST ? item_sign(line + at, len - at) : 0;
    str_add_repeat(next, ' ', sign);
    return at + sign;
}

static void flow_line(struct str *out, const char *line, size_t len, size_t columns)
{
    struct str next;
    size_t prefix;
    bool slot = has_slot(line, len);

    if ((len >= 4 && memcmp(line, "    ", 4) == 0) || (!slot && text_width(line, len) <= columns)) {
        str_add_bytes(out, line, len);
        str_add_char(out, '\n');
        return;
    }
    str_init(&next, out->ceiling);
    prefix = hanging_prefix(line, len, &next);
    if (memchr(line + prefix, ' ', len - prefix) == NULL) {
        str_add_bytes(out, line, len); /* one word, such as the address of a footnote */
        str_add_char(out, '\n');
    } else if (slot) {
        str_add(out, TEXT_OPEN);
        str_add_bytes(out, line, prefix);
        str_addf(out, TEXT_NEXT "%s" TEXT_BODY, next.data);
        str_add_bytes(out, line + prefix, len - prefix);
        str_add(out, TEXT_CLOSE "\n");
    } else {
        struct wrapper wrapper = {
            .out = out, .first = {line, prefix}, .next = {next.data, next.len}, .columns = columns};
        wrap(&wrapper, line + prefix, len - prefix);
    }
    out->failed = out->failed != 0 ? out->failed : next.failed;
    str_release(&next);
}

/* Sections of a template that wrote nothing leave blank lines behind: one of a
 * row of them is enough, and none at the start. */
static bool is_spare_blank(const struct str *out, size_t len)
{
    return len == 0 && (out->len == 0 || str_ends_with(out, "\n\n"));
}

static void flow_lines(struct str *out, const char *text, size_t len, size_t columns)
{
    size_t at = 0;

    while (at < len) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line = end != NULL ? (size_t)(end - text) - at : len - at;
        if (!is_spare_blank(out, line)) {
            flow_line(out, text + at, line, columns);
        }
        at += line + 1;
    }
}

void text_flow(struct str *out, const char *text, size_t len, size_t columns)
{
    struct text_paragraph paragraph;
    size_t at = 0;

    columns = columns > 0 ? columns : TEXT_COLUMNS;
    while (text_paragraph_next(text, len, at, &paragraph)) {
        flow_lines(out, text + at, paragraph.start - at, columns);
        if (has_slot(paragraph.words, paragraph.words_len)) {
            str_add_bytes(out, text + paragraph.start, paragraph.end - paragraph.start);
        } else {
            text_paragraph_wrap(out, &paragraph, paragraph.words, paragraph.words_len, columns);
        }
        at = paragraph.end;
    }
    flow_lines(out, text + at, len - at, columns);
}

/* Bidirectional embeddings, overrides and isolates: a value that leaves one
 * open would turn the text behind it around. */
static bool is_bidi_control(int32_t code)
{
    return (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

void text_clean(struct str *out, const char *text, size_t len)
{
    size_t at = 0;
    bool space = false, any = false;

    while (at < len) {
        int32_t code = utf8_next(text, len, &at);
        if (code == ' ' || code == '\t' || code == '\n' || code == '\r' || code == 0x2028 ||
            code == 0x2029) {
            space = true;
            continue;
        }
        if (code < 0x20 || (code >= 0x7F && code <= 0x9F) || text_is_private(code) ||
            is_bidi_control(code)) {
            continue;
        }
        if (space && any) {
            str_add_char(out, ' ');
        }
        utf8_add(out, (uint32_t)code);
        space = false;
        any = true;
    }
}
