/* teataja/render/text.h - plain text in columns.
 *
 * Columns are those of a terminal: East Asian wide characters and emoji take
 * two, combining marks, joiners and zero-width characters take none (UAX #11).
 * All input is well-formed UTF-8.
 *
 * A rendered text may hold paragraphs that are not wrapped yet, because a slot
 * in them is filled for each member. Such a paragraph is marked:
 *
 *     TEXT_OPEN prefix TEXT_NEXT prefix TEXT_BODY words TEXT_CLOSE '\n'
 *
 * The first prefix stands before the first line of the result, the other before
 * each later one. Whoever fills the slots finds the paragraph with
 * text_paragraph_next, fills its words and wraps them with text_paragraph_wrap;
 * or fills the whole text and calls text_flow.
 * The marks are private-use characters, which markdown_parse refuses in its
 * input; values that go into slots must be free of them too (text_clean).
 * HTML is escaped by template_escape_html.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/err.h"
#include "teataja/base/str.h"

#define TEXT_COLUMNS 72 /* width of the plain-text part */

/* The marks, as code points and as UTF-8. */
#define TEXT_OPEN_CODE 0xF8F0
#define TEXT_NEXT_CODE 0xF8F1
#define TEXT_BODY_CODE 0xF8F2
#define TEXT_CLOSE_CODE 0xF8F3
#define TEXT_OPEN "\xEF\xA3\xB0"
#define TEXT_NEXT "\xEF\xA3\xB1"
#define TEXT_BODY "\xEF\xA3\xB2"
#define TEXT_CLOSE "\xEF\xA3\xB3"

/* Columns that the text takes; control characters count as none. */
size_t text_width(const char *text, size_t len);

/* True for code points of the private-use areas (U+E000 to U+F8FF and planes
 * 15 and 16): slots and marks live there, so no input may. */
bool text_is_private(int32_t code);

/* How a paragraph is wrapped. */
struct text_wrapping {
    const char *first; /* before the first line, "" for nothing */
    const char *next;  /* before each later line */
    size_t columns;    /* most columns of a line with its prefix; 0 means TEXT_COLUMNS */
};

/* Appends `text` in lines, each ended by LF. Lines break at spaces and tabs,
 * whose runs become one space; at U+200B; never at a no-break space (U+00A0,
 * U+202F); an LF in the text is a break that is kept. A word wider than the line
 * stands on a line of its own and is never broken, so that links stay whole. A
 * prefix loses its trailing spaces on a line without words. Text without words
 * gives no line. Failures are in out (str_check). */
void text_wrap(struct str *out, const char *text, size_t len, const struct text_wrapping *how);

/* A marked paragraph inside a text; all pointers point into that text. */
struct text_paragraph {
    size_t start; /* offset of TEXT_OPEN */
    size_t end;   /* offset behind TEXT_CLOSE and the LF that follows it */
    const char *first, *next, *words;
    size_t first_len, next_len, words_len;
};

/* Finds the first marked paragraph at or behind offset `at`; false if there is
 * none. */
bool text_paragraph_next(const char *text, size_t len, size_t at, struct text_paragraph *out);

/* As text_wrap, for the words of a found paragraph after their slots were
 * filled: `words` replaces out->words. `columns` as in struct text_wrapping. */
void text_paragraph_wrap(struct str *out, const struct text_paragraph *paragraph, const char *words,
                         size_t words_len, size_t columns);

/* Appends a text that templates made, with no line over `columns`:
 *  - A marked paragraph is wrapped and its marks are gone, unless a slot (any
 *    private-use character) is still in it: then it stays as it is.
 *  - Any other line that is too wide is wrapped. What it begins with (spaces,
 *    "> ", then "- ", "12. " or "[1] ") hangs before its later lines as spaces
 *    and "> ". With a slot in it, it becomes a marked paragraph.
 *  - Lines that are indented by four spaces or more are code, and kept.
 *  - Of several blank lines in a row one stays, and none at the start of `out`.
 * So it is called on a whole text once before it is cut at its slots, and
 * text_paragraph_wrap (or text_flow again) after they are filled. */
void text_flow(struct str *out, const char *text, size_t len, size_t columns);

/* Appends a value that goes into a slot: without private-use characters and
 * controls, runs of white space made one space. */
void text_clean(struct str *out, const char *text, size_t len);
