/* piece.c - see teataja/compose/piece.h. */
#include "teataja/compose/piece.h"

#include <string.h>

#include "teataja/base/limits.h"
#include "teataja/base/utf8.h"
#include "teataja/compose/qp.h"
#include "teataja/render/markdown.h"
#include "teataja/render/template.h"
#include "teataja/render/text.h"

_Static_assert(SLOTS <= 64, "slots are one three-byte character each, U+E000 to U+E03F");

enum { SLOT_BYTES = 3 }; /* of a slot's character in UTF-8: EE 80 80+n */

const char *slot_text(enum slot slot)
{
    static const char texts[SLOTS][SLOT_BYTES + 1] = {
        [SLOT_NAME] = "\xEE\x80\x80",         [SLOT_EMAIL] = "\xEE\x80\x81",
        [SLOT_ORGANISATION] = "\xEE\x80\x82", [SLOT_NEWSLETTER] = "\xEE\x80\x83",
        [SLOT_SITE] = "\xEE\x80\x84",         [SLOT_LEAVE] = "\xEE\x80\x85",
        [SLOT_PREFERENCES] = "\xEE\x80\x86",  [SLOT_VIEW] = "\xEE\x80\x87",
        [SLOT_YES] = "\xEE\x80\x88",          [SLOT_MAYBE] = "\xEE\x80\x89",
        [SLOT_NO] = "\xEE\x80\x8A",
    };

    return texts[slot];
}

/* The slot whose character begins at `text`, which begins with EE; or -1. */
static int slot_at(const char *text, size_t left)
{
    if (left >= SLOT_BYTES && (unsigned char)text[1] == 0x80) {
        return (unsigned char)text[2] - 0x80;
    }
    return -1;
}

bool piece_has_slot(const char *text)
{
    return strstr(text, "\xEE\x80") != NULL;
}

/* Offset of the first slot character at or behind `at`; `len` if there is none. */
static size_t slot_next(const char *text, size_t len, size_t at)
{
    while (at < len) {
        const char *found = memchr(text + at, 0xEE, len - at);

        if (found == NULL) {
            return len;
        }
        at = (size_t)(found - text);
        if (slot_at(text + at, len - at) >= 0) {
            return at;
        }
        at++;
    }
    return len;
}

/* True for links and the like, which need no cleaning. */
static bool is_clean(const char *value)
{
    while (*value > ' ' && *value < 0x7F) {
        value++;
    }
    return *value == '\0';
}

static void add_value(struct str *out, const char *value, bool html)
{
    struct str clean;

    if (value == NULL || value[0] == '\0') {
        return;
    }
    if (is_clean(value)) {
        if (html) {
            template_escape_html(out, value, strlen(value));
        } else {
            str_add(out, value);
        }
        return;
    }
    if (!html) {
        text_clean(out, value, strlen(value));
        return;
    }
    str_init(&clean, LIMIT_TEXT);
    text_clean(&clean, value, strlen(value));
    template_escape_html(out, clean.data, clean.len);
    if (clean.failed != 0) {
        out->failed = clean.failed;
    }
    str_release(&clean);
}

/* Takes ", " or " " off the end: what led to a name that there is none of. Tells
 * whether the name would have begun its sentence. */
static bool drop_lead(struct str *out)
{
    size_t len = out->len;

    while (len > 0 && out->data[len - 1] == ' ') {
        len--;
    }
    if (len > 0 && out->data[len - 1] == ',') {
        len--;
    }
    str_cut(out, len);
    return len == 0 || out->data[len - 1] == '\n' || out->data[len - 1] == '>' ||
           str_ends_with(out, TEXT_BODY);
}

/* Fills the slots that `values` has a value for; with `all`, every slot. */
static int fill(const char *text, size_t len, const struct piece_options *options,
                const struct slot_values *values, bool all, struct str *out, struct err *err)
{
    for (size_t at = 0; at < len;) {
        size_t next = slot_next(text, len, at);
        int slot;

        str_add_bytes(out, text + at, next - at);
        at = next;
        if (at == len) {
            break;
        }
        slot = slot_at(text + at, len - at);
        if (slot >= SLOTS) {
            return err_set(err, ERR_INVALID, "a rendered text holds an unknown slot (%d)", slot);
        }
        at += SLOT_BYTES;
        if (slot == SLOT_NAME && options->nameless) {
            if (drop_lead(out) && len - at >= 2 && memcmp(text + at, ", ", 2) == 0) {
                at += 2;
            }
        } else if (all || values->value[slot] != NULL) {
            add_value(out, values->value[slot], options->html);
        } else {
            str_add_bytes(out, text + at - SLOT_BYTES, SLOT_BYTES);
        }
    }
    return str_check(out, err);
}

/* A list of pieces that grows in an arena. */
struct cutter {
    struct arena *arena;
    struct piece *items;
    size_t count;
    size_t capacity;
};

static int add_piece(struct cutter *cutter, const struct piece *piece, struct err *err)
{
    int rc = arena_grow(cutter->arena, &cutter->items, &cutter->capacity, cutter->count,
                        sizeof(*cutter->items), err);

    if (rc == 0) {
        cutter->items[cutter->count++] = *piece;
    }
    return rc;
}

static int add_fixed(struct cutter *cutter, const char *text, size_t len, struct err *err)
{
    struct piece piece = {.kind = PIECE_FIXED};
    struct str encoded;
    int rc;

    if (len == 0) {
        return 0;
    }
    str_init(&encoded, LIMIT_MESSAGE);
    qp_encode(&encoded, text, len);
    rc = str_check(&encoded, err);
    if (rc == 0) {
        piece.data = arena_strndup(cutter->arena, encoded.data, encoded.len);
        piece.len = encoded.len;
        rc = piece.data == NULL ? err_nomem(err) : add_piece(cutter, &piece, err);
    }
    str_release(&encoded);
    return rc;
}

/* Fixed text and slots, without marked paragraphs. */
static int cut_plain(struct cutter *cutter, const char *text, size_t len, struct err *err)
{
    int rc = 0;

    for (size_t at = 0; rc == 0 && at < len;) {
        size_t next = slot_next(text, len, at);

        rc = add_fixed(cutter, text + at, next - at, err);
        at = next;
        if (rc == 0 && at < len) {
            const struct piece piece = {.kind = PIECE_SLOT,
                                        .slot = (enum slot)slot_at(text + at, len - at)};

            rc = add_piece(cutter, &piece, err);
            at += SLOT_BYTES;
        }
    }
    return rc;
}

static int cut_text(struct cutter *cutter, const char *text, size_t len, struct err *err)
{
    struct text_paragraph paragraph;
    size_t at = 0;
    int rc = 0;

    while (rc == 0 && text_paragraph_next(text, len, at, &paragraph)) {
        struct piece piece = {.kind = PIECE_PARAGRAPH, .len = paragraph.end - paragraph.start};

        rc = cut_plain(cutter, text + at, paragraph.start - at, err);
        if (rc == 0) {
            piece.data = arena_strndup(cutter->arena, text + paragraph.start, piece.len);
            rc = piece.data == NULL ? err_nomem(err) : add_piece(cutter, &piece, err);
        }
        at = paragraph.end;
    }
    return rc == 0 ? cut_plain(cutter, text + at, len - at, err) : rc;
}

int piece_cut(struct arena *arena, const char *text, size_t len,
              const struct piece_options *options, struct pieces *out, struct err *err)
{
    struct cutter cutter = {.arena = arena};
    struct str filled;
    struct str flowed;
    int rc;

    str_init(&filled, LIMIT_TEXT);
    str_init(&flowed, LIMIT_TEXT);
    rc = fill(text, len, options, &options->fixed, false, &filled, err);
    if (rc == 0 && options->html) {
        rc = cut_plain(&cutter, filled.data, filled.len, err);
    } else if (rc == 0) {
        text_flow(&flowed, filled.data, filled.len, 0);
        rc = str_check(&flowed, err);
        if (rc == 0) {
            rc = cut_text(&cutter, flowed.data, flowed.len, err);
        }
    }
    *out = (struct pieces){
        .html = options->html, .items = cutter.items, .count = rc == 0 ? cutter.count : 0};
    str_release(&filled);
    str_release(&flowed);
    return rc;
}

/* Fills a marked paragraph and wraps it into `lines`. */
static int wrap_paragraph(const struct text_paragraph *paragraph, const struct slot_values *values,
                          struct str *lines, struct err *err)
{
    static const struct piece_options plain = {0};
    struct str words;
    int rc;

    str_init(&words, LIMIT_TEXT);
    rc = fill(paragraph->words, paragraph->words_len, &plain, values, true, &words, err);
    if (rc == 0) {
        text_paragraph_wrap(lines, paragraph, words.data, words.len, 0);
        rc = str_check(lines, err);
    }
    str_release(&words);
    return rc;
}

static int fill_paragraph(const struct piece *piece, const struct slot_values *values,
                          struct str *out, struct err *err)
{
    struct text_paragraph paragraph;
    struct str lines;
    int rc;

    if (!text_paragraph_next(piece->data, piece->len, 0, &paragraph)) {
        return err_set(err, ERR_CORRUPT, "a stored paragraph has lost its marks");
    }
    str_init(&lines, LIMIT_TEXT);
    rc = wrap_paragraph(&paragraph, values, &lines, err);
    if (rc == 0) {
        qp_encode(out, lines.data, lines.len);
    }
    str_release(&lines);
    return rc;
}

static void fill_slot(const char *value, bool html, struct str *out)
{
    struct str text;

    str_init(&text, LIMIT_TEXT);
    add_value(&text, value, html);
    qp_encode(out, text.data, text.len);
    if (text.failed != 0) {
        out->failed = text.failed;
    }
    str_release(&text);
}

int piece_fill(const struct pieces *pieces, const struct slot_values *values, struct str *out,
               struct err *err)
{
    size_t start = out->len;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < pieces->count; i++) {
        const struct piece *piece = &pieces->items[i];

        qp_join(out, start);
        if (piece->kind == PIECE_FIXED) {
            str_add_bytes(out, piece->data, piece->len);
        } else if (piece->kind == PIECE_SLOT) {
            fill_slot(values->value[piece->slot], pieces->html, out);
        } else {
            rc = fill_paragraph(piece, values, out, err);
        }
    }
    qp_end(out, start);
    return rc == 0 ? str_check(out, err) : rc;
}

int piece_fill_fixed(const char *text, size_t len, const struct piece_options *options,
                     struct str *out, struct err *err)
{
    return fill(text, len, options, &options->fixed, false, out, err);
}

int piece_fill_line(const char *text, const struct slot_values *values, struct str *out,
                    struct err *err)
{
    static const struct piece_options plain = {0};

    return fill(text, strlen(text), &plain, values, true, out, err);
}

/* As piece_fill, step by step the same, so that a preview wraps as the message does. */
static int fill_text(const char *text, size_t len, const struct slot_values *values,
                     struct str *out, struct err *err)
{
    static const struct piece_options plain = {0};
    struct text_paragraph paragraph;
    size_t at = 0;
    int rc = 0;

    while (rc == 0 && text_paragraph_next(text, len, at, &paragraph)) {
        rc = fill(text + at, paragraph.start - at, &plain, values, true, out, err);
        if (rc == 0) {
            rc = wrap_paragraph(&paragraph, values, out, err);
        }
        at = paragraph.end;
    }
    return rc == 0 ? fill(text + at, len - at, &plain, values, true, out, err) : rc;
}

int piece_fill_plain(const char *text, size_t len, const struct piece_options *options,
                     const struct slot_values *values, struct str *out, struct err *err)
{
    struct str fixed;
    struct str flowed;
    int rc;

    str_init(&fixed, LIMIT_TEXT);
    str_init(&flowed, LIMIT_TEXT);
    rc = fill(text, len, options, &options->fixed, false, &fixed, err);
    if (rc == 0 && options->html) {
        rc = fill(fixed.data, fixed.len, options, values, true, out, err);
    } else if (rc == 0) {
        text_flow(&flowed, fixed.data, fixed.len, 0);
        rc = str_check(&flowed, err);
        if (rc == 0) {
            rc = fill_text(flowed.data, flowed.len, values, out, err);
        }
    }
    str_release(&fixed);
    str_release(&flowed);
    return rc;
}

static void add_u32(struct str *out, size_t value)
{
    const unsigned char bytes[4] = {
        (unsigned char)(value & 0xFF), (unsigned char)(value >> 8 & 0xFF),
        (unsigned char)(value >> 16 & 0xFF), (unsigned char)(value >> 24 & 0xFF)};

    str_add_bytes(out, bytes, sizeof(bytes));
}

static size_t get_u32(const char *data)
{
    const unsigned char *bytes = (const unsigned char *)data;

    return (size_t)bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 |
           (size_t)bytes[3] << 24;
}

enum { HEAD = 5, ENTRY = 6 }; /* html, count; kind, slot, length */

void piece_write(const struct pieces *pieces, struct str *out)
{
    str_add_char(out, pieces->html ? 1 : 0);
    add_u32(out, pieces->count);
    for (size_t i = 0; i < pieces->count; i++) {
        const struct piece *piece = &pieces->items[i];

        str_add_char(out, (char)piece->kind);
        str_add_char(out, (char)piece->slot);
        add_u32(out, piece->len);
        if (piece->len > 0) {
            str_add_bytes(out, piece->data, piece->len);
        }
    }
}

int piece_read(struct arena *arena, const char *data, size_t len, struct pieces *out,
               struct err *err)
{
    struct piece *items;
    size_t count = len >= HEAD ? get_u32(data + 1) : 0;
    size_t at = HEAD;

    if (len < HEAD || count > len / ENTRY) {
        return err_set(err, ERR_CORRUPT, "a stored variant is cut short");
    }
    items = arena_alloc(arena, count + 1, sizeof(*items));
    if (items == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < count; i++) {
        size_t size = len - at >= ENTRY ? get_u32(data + at + 2) : 0;

        if (len - at < ENTRY || size > len - at - ENTRY ||
            (unsigned char)data[at] > PIECE_PARAGRAPH || (unsigned char)data[at + 1] >= SLOTS) {
            return err_set(err, ERR_CORRUPT, "a stored variant does not make sense");
        }
        items[i] = (struct piece){.kind = (enum piece_kind)data[at],
                                  .slot = (enum slot)data[at + 1],
                                  .data = data + at + ENTRY,
                                  .len = size};
        at += ENTRY + size;
    }
    *out = (struct pieces){.html = data[0] == 1, .items = items, .count = count};
    return 0;
}
