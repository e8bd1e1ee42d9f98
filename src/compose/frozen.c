/* frozen.c - see frozen.h.
 *
 * A list of fields, each a letter, a length of four bytes (the least first), and
 * so many bytes. Repeated fields keep their order.
 */
#include "frozen.h"

#include <string.h>

#include "teataja/base/limits.h"

enum { FIELD_HEAD = 5 };

static void add_field(struct str *out, char kind, const char *data, size_t len)
{
    const unsigned char head[FIELD_HEAD] = {
        (unsigned char)kind, (unsigned char)(len & 0xFF), (unsigned char)(len >> 8 & 0xFF),
        (unsigned char)(len >> 16 & 0xFF), (unsigned char)(len >> 24 & 0xFF)};

    str_add_bytes(out, head, sizeof(head));
    str_add_bytes(out, data, len);
}

static void add_text(struct str *out, char kind, const char *text)
{
    if (text != NULL) {
        add_field(out, kind, text, strlen(text));
    }
}

static int add_pieces(struct str *out, char kind, const struct pieces *pieces, struct err *err)
{
    struct str bytes;
    int rc;

    str_init(&bytes, LIMIT_MESSAGE);
    piece_write(pieces, &bytes);
    rc = str_check(&bytes, err);
    if (rc == 0) {
        add_field(out, kind, bytes.data, bytes.len);
    }
    str_release(&bytes);
    return rc;
}

int frozen_write(const struct frozen *frozen, struct str *out, struct err *err)
{
    int rc;

    add_text(out, 's', frozen->subject);
    add_text(out, 'f', frozen->from);
    add_text(out, 'h', frozen->headers);
    add_text(out, 'o', frozen->organizer);
    for (size_t i = 0; i < frozen->cid_count; i++) {
        add_text(out, 'i', frozen->cids[i]);
    }
    for (size_t i = 0; i < frozen->calendar.count; i++) {
        add_text(out, 'c', frozen->calendar.pieces[i]);
    }
    rc = add_pieces(out, 't', &frozen->text, err);
    if (rc == 0) {
        rc = add_pieces(out, 'm', &frozen->html, err);
    }
    return rc == 0 ? str_check(out, err) : rc;
}

/* Pieces of a calendar while they are read. */
struct reader {
    struct arena *arena;
    struct frozen *out;
    const char **calendar;
    size_t calendar_capacity;
};

static int take(struct reader *reader, char kind, const char *data, size_t len, struct err *err)
{
    struct frozen *out = reader->out;
    char *text;
    int rc = 0;

    if (kind == 't' || kind == 'm') {
        return piece_read(reader->arena, data, len, kind == 't' ? &out->text : &out->html, err);
    }
    text = arena_strndup(reader->arena, data, len);
    if (text == NULL) {
        return err_nomem(err);
    }
    switch (kind) {
    case 's':
        out->subject = text;
        break;
    case 'f':
        out->from = text;
        break;
    case 'h':
        out->headers = text;
        break;
    case 'o':
        out->organizer = text;
        break;
    case 'i':
        if (out->cid_count < FROZEN_PICTURES) {
            out->cids[out->cid_count++] = text;
        }
        break;
    case 'c':
        rc = arena_grow(reader->arena, &reader->calendar, &reader->calendar_capacity,
                        out->calendar.count, sizeof(*reader->calendar), err);
        if (rc == 0) {
            reader->calendar[out->calendar.count++] = text;
        }
        break;
    default:
        rc = err_set(err, ERR_CORRUPT, "a stored variant has an unknown field '%c'", kind);
        break;
    }
    return rc;
}

int frozen_read(struct arena *arena, const void *data, size_t len, struct frozen *out,
                struct err *err)
{
    struct reader reader = {.arena = arena, .out = out};
    char *copy = arena_alloc(arena, 1, len + 1);
    size_t at = 0;
    int rc = 0;

    memset(out, 0, sizeof(*out));
    if (copy == NULL) {
        return err_nomem(err);
    }
    if (len > 0) {
        memcpy(copy, data, len);
    }
    while (rc == 0 && at < len) {
        const unsigned char *head = (const unsigned char *)copy + at;
        size_t size = len - at >= FIELD_HEAD ? (size_t)head[1] | (size_t)head[2] << 8 |
                                                   (size_t)head[3] << 16 | (size_t)head[4] << 24
                                             : 0;

        if (len - at < FIELD_HEAD || size > len - at - FIELD_HEAD) {
            return err_set(err, ERR_CORRUPT, "a stored variant is cut short");
        }
        rc = take(&reader, copy[at], copy + at + FIELD_HEAD, size, err);
        at += FIELD_HEAD + size;
    }
    out->calendar.method = ICAL_REQUEST;
    out->calendar.pieces = reader.calendar;
    if (rc == 0 && (out->subject == NULL || out->from == NULL || out->headers == NULL)) {
        rc = err_set(err, ERR_CORRUPT, "a stored variant lacks its headers");
    }
    return rc;
}
