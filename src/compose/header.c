/* header.c - see teataja/compose/header.h. */
#include "teataja/compose/header.h"

#include <stdbool.h>
#include <string.h>

#include "teataja/base/civil.h"
#include "teataja/base/limits.h"
#include "teataja/base/utf8.h"

enum {
    WORD_MOST = 75, /* an encoded word, RFC 2047 section 2 */
    WORD_FRAME = 12 /* "=?UTF-8?B?" and "?=" */
};

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex[] = "0123456789ABCDEF";

/* A field that is being written. */
struct field {
    struct str *out;
    size_t column;
};

static void put(struct field *field, const char *text, size_t len)
{
    str_add_bytes(field->out, text, len);
    field->column += len;
}

static void fold(struct field *field)
{
    str_add_bytes(field->out, "\r\n ", 3);
    field->column = 1;
}

static struct field begin(struct str *out, const char *name)
{
    struct field field = {.out = out, .column = strlen(name) + 2};

    str_add(out, name);
    str_add_bytes(out, ": ", 2);
    return field;
}

static bool is_space(int32_t code)
{
    return code <= ' ' || code == 0x7F || (code >= 0x80 && code <= 0x9F) || code == 0x2028 ||
           code == 0x2029;
}

/* Appends the text with runs of white space and controls as one space, ends
 * trimmed, and malformed bytes replaced. */
static void clean(struct str *out, const char *text)
{
    size_t len = strlen(text);
    bool space = false;

    for (size_t at = 0; at < len;) {
        int32_t code = utf8_next(text, len, &at);

        if (code >= 0 && is_space(code)) {
            space = true;
            continue;
        }
        if (space && out->len > 0) {
            str_add_char(out, ' ');
        }
        space = false;
        utf8_add(out, code < 0 ? 0xFFFD : (uint32_t)code);
    }
}

static bool is_ascii(const struct str *text)
{
    for (size_t i = 0; i < text->len; i++) {
        if ((unsigned char)text->data[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static size_t longest_word(const struct str *text)
{
    size_t longest = 0;
    size_t word = 0;

    for (size_t i = 0; i < text->len; i++) {
        word = text->data[i] == ' ' ? 0 : word + 1;
        longest = word > longest ? word : longest;
    }
    return longest;
}

/* Writes words, folding at spaces. */
static void put_words(struct field *field, const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t end = at;
        bool space = text[at] == ' ';

        end += space ? 1 : 0;
        while (end < len && text[end] != ' ') {
            end++;
        }
        if (space && field->column + (end - at) > LIMIT_FOLD && field->column > 1) {
            fold(field);
            at++;
        }
        put(field, text + at, end - at);
        at = end;
    }
}

static bool q_plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '!' || c == '*' || c == '+' || c == '/';
}

static size_t q_width(const char *text, size_t len)
{
    size_t width = 0;

    for (size_t i = 0; i < len; i++) {
        width += q_plain((unsigned char)text[i]) || text[i] == ' ' ? 1 : 3;
    }
    return width;
}

static void put_q(struct field *field, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        const char escaped[3] = {'=', hex[c >> 4], hex[c & 15]};

        if (c == ' ') {
            put(field, "_", 1);
        } else if (q_plain(c)) {
            put(field, text + i, 1);
        } else {
            put(field, escaped, sizeof(escaped));
        }
    }
}

static void put_b(struct field *field, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        unsigned a = (unsigned char)text[i];
        unsigned b = left > 1 ? (unsigned char)text[i + 1] : 0;
        unsigned c = left > 2 ? (unsigned char)text[i + 2] : 0;
        const char four[4] = {base64[a >> 2], base64[(a & 3) << 4 | b >> 4],
                              left > 1 ? base64[(b & 15) << 2 | c >> 6] : '=',
                              left > 2 ? base64[c & 63] : '='};

        put(field, four, sizeof(four));
    }
}

static size_t b_width(size_t len)
{
    return (len + 2) / 3 * 4;
}

/* Bytes of whole characters from `at` on that fit into `room` when encoded. */
static size_t word_fit(const char *text, size_t len, size_t room, bool q)
{
    size_t fit = 0;

    for (size_t at = 0; at < len;) {
        size_t from = at;
        size_t width;

        (void)utf8_next(text, len, &at);
        width = q ? q_width(text, at) : b_width(at);
        if (width > room) {
            return from;
        }
        fit = at;
    }
    return fit;
}

/* Encoded words, a line each; white space between them means nothing. */
static void put_encoded(struct field *field, const char *text, size_t len)
{
    bool q = q_width(text, len) <= b_width(len);

    for (size_t at = 0; at < len;) {
        size_t line = LIMIT_FOLD - field->column;
        size_t room = field->column + WORD_FRAME >= LIMIT_FOLD
                          ? 0
                          : (line < WORD_MOST ? line : WORD_MOST) - WORD_FRAME;
        size_t fit = word_fit(text + at, len - at, room, q);

        if (fit == 0) {
            fold(field);
            continue;
        }
        put(field, q ? "=?UTF-8?Q?" : "=?UTF-8?B?", 10);
        if (q) {
            put_q(field, text + at, fit);
        } else {
            put_b(field, text + at, fit);
        }
        put(field, "?=", 2);
        at += fit;
        if (at < len) {
            fold(field);
        }
    }
}

void header_text(struct str *out, const char *name, const char *text)
{
    struct field field = begin(out, name);
    struct str plain;

    str_init(&plain, LIMIT_TEXT);
    clean(&plain, text != NULL ? text : "");
    if (is_ascii(&plain) && strstr(plain.data, "=?") == NULL &&
        longest_word(&plain) + strlen(name) + 2 <= LIMIT_FOLD) {
        put_words(&field, plain.data, plain.len);
    } else {
        put_encoded(&field, plain.data, plain.len);
    }
    str_add_bytes(out, "\r\n", 2);
    if (plain.failed != 0) {
        out->failed = plain.failed;
    }
    str_release(&plain);
}

/* RFC 5322 section 3.2.4. */
static void put_quoted(struct field *field, const struct str *text)
{
    put(field, "\"", 1);
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] == '"' || text->data[i] == '\\') {
            put(field, "\\", 1);
        }
        put(field, text->data + i, 1);
    }
    put(field, "\"", 1);
}

static bool is_phrase(const struct str *text)
{
    for (size_t i = 0; i < text->len; i++) {
        unsigned char c = (unsigned char)text->data[i];

        if (!q_plain(c) && c != ' ' && c != '\'' && c != '_') {
            return false;
        }
    }
    return true;
}

/* A display name; false if there is none. */
static bool put_display(struct field *field, const char *display)
{
    struct str text;
    bool any;

    str_init(&text, LIMIT_TEXT);
    clean(&text, display != NULL ? display : "");
    any = text.len > 0;
    if (!is_ascii(&text) || strstr(text.data, "=?") != NULL ||
        text.len + field->column + 2 > LIMIT_FOLD) {
        put_encoded(field, text.data, text.len);
    } else if (is_phrase(&text)) {
        put_words(field, text.data, text.len);
    } else {
        put_quoted(field, &text);
    }
    if (text.failed != 0) {
        field->out->failed = text.failed;
    }
    str_release(&text);
    return any;
}

static void put_angle(struct field *field, const char *id, bool after_display)
{
    size_t len = strlen(id);

    if (after_display && field->column + len + 3 > LIMIT_FOLD) {
        fold(field);
    } else if (after_display) {
        put(field, " ", 1);
    }
    put(field, "<", 1);
    put(field, id, len);
    put(field, ">", 1);
}

void header_mailbox(struct str *out, const char *name, const char *display,
                    const struct address *address)
{
    struct field field = begin(out, name);

    if (address->smtputf8) {
        put_encoded(&field, address->text, strlen(address->text));
        put(&field, " :;", 3);
    } else if (put_display(&field, display)) {
        put_angle(&field, address->text, true);
    } else {
        put(&field, address->text, strlen(address->text));
    }
    str_add_bytes(out, "\r\n", 2);
}

void header_phrase(struct str *out, const char *name, const char *display, const char *id)
{
    struct field field = begin(out, name);
    bool any = put_display(&field, display);

    put_angle(&field, id, any);
    str_add_bytes(out, "\r\n", 2);
}

void header_plain(struct str *out, const char *name, const char *value)
{
    struct field field = begin(out, name);
    struct str text;

    str_init(&text, LIMIT_TEXT);
    for (const char *at = value; *at != '\0'; at++) {
        str_add_char(&text, *at >= ' ' && *at < 0x7F ? *at : '?');
    }
    put_words(&field, text.data, text.len);
    str_add_bytes(out, "\r\n", 2);
    if (text.failed != 0) {
        out->failed = text.failed;
    }
    str_release(&text);
}

void header_date(struct str *out, const char *name, int64_t instant)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct civil at;

    civil_from_utc(instant, &at);
    str_addf(out, "%s: %s, %02d %s %04d %02d:%02d:%02d +0000\r\n", name,
             days[civil_weekday(&at) - 1], at.day, months[at.month - 1], at.year, at.hour,
             at.minute, at.second);
}
