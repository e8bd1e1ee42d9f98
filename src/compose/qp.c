/* qp.c - see teataja/compose/qp.h. */
#include "teataja/compose/qp.h"

#include <stdbool.h>
#include <string.h>

#include "teataja/base/limits.h"

enum { LINE = LIMIT_FOLD - 1 }; /* octets before the '=' of a soft break */

static const char hex[] = "0123456789ABCDEF";

static void add_escaped(struct str *out, unsigned char c)
{
    const char text[3] = {'=', hex[c >> 4], hex[c & 15]};

    str_add_bytes(out, text, sizeof(text));
}

/* True if an LF or CRLF stands at `at`. */
static bool at_line_end(const char *text, size_t len, size_t at)
{
    return text[at] == '\n' || (text[at] == '\r' && at + 1 < len && text[at + 1] == '\n');
}

/* Octets that the character at `at` takes encoded, so that no line ends inside
 * one: some readers decode line by line. */
static size_t width_at(const char *text, size_t len, size_t at)
{
    unsigned char c = (unsigned char)text[at];
    size_t bytes = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;

    return 3 * (bytes < len - at ? bytes : len - at);
}

/* Nearly every octet of a message comes by here: what is most common is asked first. */
static bool is_plain(const char *text, size_t len, size_t at)
{
    unsigned char c = (unsigned char)text[at];

    if (c > ' ') {
        return c < 0x7F && c != '=';
    }
    return (c == ' ' || c == '\t') && at + 1 < len && !at_line_end(text, len, at + 1);
}

static bool begins_badly(const char *text, size_t len, size_t at)
{
    return text[at] == '.' || (len - at >= 4 && memcmp(text + at, "From", 4) == 0);
}

/* Length of the run from `at` that stands for itself, at most `room`. */
static size_t plain_run(const char *text, size_t len, size_t at, size_t room)
{
    size_t end = len - at < room ? len : at + room;
    size_t i = at;

    while (i < end && is_plain(text, len, i)) {
        i++;
    }
    return i - at;
}

void qp_encode(struct str *out, const char *text, size_t len)
{
    size_t column = 0;

    str_reserve(out, len + len / 16 + 8);
    for (size_t i = 0; i < len;) {
        size_t run;
        bool continues;

        if (at_line_end(text, len, i)) {
            str_add_bytes(out, "\r\n", 2);
            i += text[i] == '\r' ? 2 : 1;
            column = 0;
            continue;
        }
        continues = ((unsigned char)text[i] & 0xC0) == 0x80;
        if (column >= LINE ||
            (!is_plain(text, len, i) && !continues && column + width_at(text, len, i) > LINE) ||
            (continues && column + 3 > LINE)) {
            str_add_bytes(out, "=\r\n", 3);
            column = 0;
        }
        run =
            column == 0 && begins_badly(text, len, i) ? 0 : plain_run(text, len, i, LINE - column);
        if (run > 0) {
            str_add_bytes(out, text + i, run);
            column += run;
            i += run;
        } else {
            add_escaped(out, (unsigned char)text[i]);
            column += 3;
            i++;
        }
    }
}

void qp_join(struct str *out, size_t start)
{
    if (out->len > start && out->data[out->len - 1] != '\n') {
        str_add_bytes(out, "=\r\n", 3);
    }
}

void qp_end(struct str *out, size_t start)
{
    if (out->len <= start) {
        return;
    }
    if (out->data[out->len - 1] != '\n' ||
        (out->len - start >= 3 && out->data[out->len - 3] == '=')) {
        str_add_bytes(out, "\r\n", 2);
    }
}
