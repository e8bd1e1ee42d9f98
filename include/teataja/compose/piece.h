/* teataja/compose/piece.h - a rendered text cut at its slots.
 *
 * Templates and Markdown leave one private-use character (MARKDOWN_SLOT + number)
 * where a member's value goes. piece_cut takes a rendered text apart there and
 * encodes what is fixed, once a variant; piece_fill puts the values in, a few
 * copies a message. Pieces are frozen with the variant as bytes (piece_write,
 * piece_read).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/str.h"
#include "teataja/content/item.h"

/* What a slot stands for: first what authors may write, in the order of
 * item_tokens, then what only templates use. */
enum slot {
    SLOT_NAME = ITEM_TOKEN_MEMBER_NAME,
    SLOT_EMAIL = ITEM_TOKEN_MEMBER_EMAIL,
    SLOT_ORGANISATION = ITEM_TOKEN_MEMBER_ORGANISATION,
    SLOT_NEWSLETTER = ITEM_TOKEN_NEWSLETTER_NAME, /* the same for all: filled when cut */
    SLOT_SITE = ITEM_TOKEN_SITE_NAME,             /* likewise */
    SLOT_LEAVE = ITEM_TOKEN_WEB_LEAVE,
    SLOT_PREFERENCES = ITEM_TOKEN_WEB_PREFERENCES,
    SLOT_VIEW = ITEM_TOKENS,
    SLOT_YES,
    SLOT_MAYBE,
    SLOT_NO,
    SLOTS
};

/* A slot's character as UTF-8, for a template's data. */
const char *slot_text(enum slot slot);

/* True if a slot stands in the text. */
bool piece_has_slot(const char *text);

/* Values by slot; NULL counts as "". */
struct slot_values {
    const char *value[SLOTS];
};

enum piece_kind {
    PIECE_FIXED,    /* encoded bytes */
    PIECE_SLOT,     /* a value: escaped for HTML, or cleaned for text */
    PIECE_PARAGRAPH /* a marked paragraph of render/text.h, not encoded: filled, then wrapped */
};

struct piece {
    enum piece_kind kind;
    enum slot slot;   /* PIECE_SLOT */
    const char *data; /* PIECE_FIXED, PIECE_PARAGRAPH */
    size_t len;
};

struct pieces {
    bool html; /* values are escaped */
    const struct piece *items;
    size_t count;
};

struct piece_options {
    bool html;
    struct slot_values fixed; /* values that are the same for everybody; NULL: a slot stays */
    bool nameless; /* a greeting without a name: SLOT_NAME goes, with ", " or " " before it */
};

/* Cuts `len` bytes of rendered text; text parts are flown (text_flow) first.
 * ERR_INVALID for a slot that does not exist. In the arena. */
int piece_cut(struct arena *arena, const char *text, size_t len,
              const struct piece_options *options, struct pieces *out, struct err *err);

/* Appends the text with its values: quoted-printable, a whole body that ends with
 * CRLF. */
int piece_fill(const struct pieces *pieces, const struct slot_values *values, struct str *out,
               struct err *err);

/* The same from the rendered text, without encoding and with LF ends: for the .html
 * and .txt of a preview. */
int piece_fill_plain(const char *text, size_t len, const struct piece_options *options,
                     const struct slot_values *values, struct str *out, struct err *err);

/* A line of text with all its values, not wrapped: subjects. */
int piece_fill_line(const char *text, const struct slot_values *values, struct str *out,
                    struct err *err);

/* Only what is the same for everybody; other slots stay (subjects). */
int piece_fill_fixed(const char *text, size_t len, const struct piece_options *options,
                     struct str *out, struct err *err);

/* As bytes, and back (pointing into `data`). ERR_CORRUPT. */
void piece_write(const struct pieces *pieces, struct str *out);
int piece_read(struct arena *arena, const char *data, size_t len, struct pieces *out,
               struct err *err);
