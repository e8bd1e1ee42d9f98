/* markdown_tree.h - what the files of markdown share: the source with its
 * places, and the tree that the outputs walk. Private to the room.
 *
 * cmark's own tree lives only inside markdown.c; it is copied into the arena
 * while it is checked, so that a document needs no freeing and no output
 * depends on the library.
 */
#pragma once

#include "teataja/render/markdown.h"

#define BLOCK_SLOT 0xF700 /* stands for `{{> name}}` of index 0 while cmark reads */
#define BLOCK_NAMES 64    /* most names of blocks in a table */

enum mark_kind {
    MARK_BLOCK, /* {{> name}} */
    MARK_PARAGRAPH,
    MARK_HEADING,
    MARK_LIST,
    MARK_ITEM,
    MARK_QUOTE,
    MARK_CODE_BLOCK,
    MARK_RULE,
    MARK_TEXT,
    MARK_SOFT_BREAK,
    MARK_HARD_BREAK,
    MARK_CODE,
    MARK_EMPHASIS,
    MARK_STRONG,
    MARK_LINK,
    MARK_IMAGE
};

struct mark {
    enum mark_kind kind;
    const char *text; /* literal; address of a link or an image; name of a block */
    const char *alt;  /* of an image */
    int number;       /* depth of a heading in the outline, first number of an ordered list */
    bool ordered;     /* list */
    bool tight;       /* list: no space between its items */
    struct mark *child, *next;
};

struct markdown_part {
    struct markdown_segment segment;
    const struct mark *first, *end; /* siblings from first up to end, for text */
};

struct markdown {
    struct markdown_part *parts;
    size_t count;
    bool used[MARKDOWN_TOKENS];
};

/* From `prepared` on, an offset p of the prepared text is original + p - prepared
 * of the text as it was given. */
struct source_shift {
    size_t prepared;
    size_t original;
};

/* A text on its way to cmark. */
struct source {
    const struct markdown_options *options;
    struct arena *scratch; /* lives as long as the parse */
    struct report *report;
    const char *text; /* as it was given */
    size_t len;
    size_t *lines; /* offsets of its lines */
    size_t line_count;
    struct str prepared; /* with slots in place of tokens and blocks */
    size_t *prepared_lines;
    size_t prepared_count;
    struct source_shift *shifts;
    size_t shift_count, shift_cap;
    bool used[MARKDOWN_TOKENS];
    size_t problems;
    struct err first; /* the first problem, with its place */
};

/* Notes where the lines start. ERR_NOMEM. */
int source_init(struct source *source, struct err *err);
void source_release(struct source *source);

/* Reports a problem at an offset of the text as it was given. */
void source_problem(struct source *source, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The offset in the given text of a line and byte column of the prepared one,
 * both from 1, as cmark counts. If `needle` stands in that line it is the
 * needle's offset: cmark's columns are rough behind indentation. */
size_t source_offset(const struct source *source, int line, int column, const char *needle);

/* The file's line of an offset. */
int source_line(const struct source *source, size_t offset);

/* Checks the bounds within which cmark is quick: UTF-8, size, lines, nesting,
 * marks, and that no private-use characters come in, also not as &#xE000;.
 * Returns 0, or ERR_INVALID after source_problem. */
int source_guard(struct source *source);

/* Fills `prepared`. Problems go to source_problem; ERR_NOMEM, ERR_LIMIT. */
int source_prepare(struct source *source, struct err *err);

/* The index of the token or block whose slot begins at `text`, or -1. */
int slot_token(const char *text);
int slot_block(const char *text);

/* True if a token's slot is in there. */
bool slot_is_in(const char *text, size_t len);
