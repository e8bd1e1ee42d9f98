/* teataja/render/markdown.h - Markdown (CommonMark) to e-mail HTML and plain text.
 *
 * A document is parsed once into a list of segments: text, and blocks such as
 * `{{> calls}}`, which stand on a line of their own (also without blank lines
 * around it) and which the caller fills. Reference links are shared by the whole
 * document.
 *
 * Tokens such as `{{member.name}}` become slots before the Markdown is read: one
 * private-use character each, MARKDOWN_SLOT + the token's index in the options.
 * Both outputs carry these characters; the caller cuts the output there and puts
 * the value in, escaped for that output (template_escape_html for HTML, also inside
 * href; text_clean for both). A value is therefore never read as Markdown.
 * `\{{` writes the braces themselves.
 *
 * Refused, each with its place and all at once: raw HTML, unknown tokens and
 * blocks, links other than http, https, mailto and tel, images other than http
 * and https or without alt text, private-use and control characters, and input that is built
 * to be slow (nesting over LIMIT_MARKDOWN_NESTING, thousands of brackets or
 * emphasis marks in one paragraph).
 *
 * Life: the document lives in the arena that it was parsed into.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/report.h"
#include "teataja/base/str.h"
#include "teataja/render/theme.h"

#define MARKDOWN_SLOT 0xE000 /* the slot of token 0 */
#define MARKDOWN_TOKENS 256  /* most tokens in a table */

struct markdown;

/* A token that authors may use. */
struct markdown_token {
    const char *name; /* "member.name" */
    bool is_url;      /* may be the whole destination of a link: `[leave]({{web.leave}})` */
};

struct markdown_options {
    const char *file;                    /* for messages; relative to the site */
    int first_line;                      /* the file's line of the text's first line; 0 means 1 */
    const struct markdown_token *tokens; /* at most MARKDOWN_TOKENS */
    size_t token_count;
    const char *const *blocks; /* names that `{{> name}}` may have */
    size_t block_count;
};

/* Parses `len` bytes of UTF-8 (at most LIMIT_TEXT). What is wrong goes into
 * `report`, everything that can be found at once. Returns 0 and sets *out, or
 * ERR_INVALID with the first message in `err` ("calls/x.md:12:5: link
 * 'javascript:…' is not http, https, mailto or tel"), or ERR_NOMEM. */
int markdown_parse(struct arena *arena, const char *text, size_t len,
                   const struct markdown_options *options, struct report *report,
                   struct markdown **out, struct err *err);

struct markdown_segment {
    const char *block; /* name of a block, or NULL for text */
    int line;          /* where it starts in the file */
};

/* How many segments there are; 0 for a document without any text. */
size_t markdown_count(const struct markdown *document);

/* Segment `index`; NULL past the end. */
const struct markdown_segment *markdown_segment(const struct markdown *document, size_t index);

/* True if the token of that index occurs anywhere in the document. */
bool markdown_uses(const struct markdown *document, size_t token);

/* Appends a text segment as HTML: no html or body element, every element with
 * its style and class of the theme. A heading at depth n of the document's outline
 * becomes h(n + heading_offset), at most h6, however many # an author begins
 * with, so that no level is skipped: with offset 1 the letter's own h1 stays the
 * only one; inside a card under an h3 it is 3. Nothing for a block.
 * ERR_LIMIT when `out` passes its ceiling. */
int markdown_html(const struct markdown *document, size_t index, const struct theme *theme,
                  int heading_offset, struct str *out, struct err *err);

struct markdown_text_options {
    const char *indent; /* before every line; NULL means "" */
    size_t columns;     /* 0 means TEXT_COLUMNS */
    int *footnote;      /* number of the last footnote so far, counted on; NULL starts at 0 */
};

/* Appends a text segment as plain text, blank lines between its blocks, its last
 * line ended by LF. Links become numbered footnotes "[1]" listed behind the
 * segment, unless the link's text is its address. A paragraph with a slot stays
 * unwrapped between the marks of render/text.h; call text_flow, or wrap it for
 * each member. A footnote's line is never wrapped. Nothing for a block. */
int markdown_text(const struct markdown *document, size_t index,
                  const struct markdown_text_options *options, struct str *out, struct err *err);
