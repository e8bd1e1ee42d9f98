#include <string.h>

#include "teataja/base/limits.h"
#include "teataja/base/utf8.h"
#include "teataja/events/ical_write.h"

#define FOLD 75 /* octets of a line without its CRLF (RFC 5545 section 3.1) */

void ical_line(struct str *out, const char *text, size_t len)
{
    size_t room = FOLD;

    while (len > room) {
        size_t take = utf8_prefix(text, len, room);

        if (take == 0) {
            take = room; /* no character is this long: broken input, cut anywhere */
        }
        str_add_bytes(out, text, take);
        str_add(out, "\r\n ");
        text += take;
        len -= take;
        room = FOLD - 1;
    }
    str_add_bytes(out, text, len);
    str_add(out, "\r\n");
}

static bool is_break(int32_t code)
{
    return code == '\n' || code == 0x2028 || code == 0x2029;
}

/* C0, DEL, C1, and what is not well-formed. */
static bool is_refused(int32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

void ical_text(struct str *out, const char *text)
{
    size_t len = strlen(text);

    for (size_t at = 0; at < len;) {
        size_t start = at;
        int32_t code = utf8_next(text, len, &at);

        if (is_break(code)) {
            str_add(out, "\\n");
        } else if (code == '\t') {
            str_add_char(out, ' ');
        } else if (code == '\\' || code == ';' || code == ',') {
            str_add_char(out, '\\');
            str_add_char(out, (char)code);
        } else if (!is_refused(code)) {
            str_add_bytes(out, text + start, at - start);
        }
    }
}

void ical_parameter(struct str *out, const char *text)
{
    size_t len = strlen(text);
    size_t written = 0;
    bool gap = false;

    str_add_char(out, '"');
    for (size_t at = 0; at < len;) {
        size_t start = at;
        int32_t code = utf8_next(text, len, &at);

        if (is_refused(code) || is_break(code) || code == ' ') {
            gap = written > 0;
            continue;
        }
        if (written + (at - start) + (gap ? 1 : 0) > LIMIT_NAME) {
            break;
        }
        if (gap) {
            str_add_char(out, ' ');
            written++;
            gap = false;
        }
        if (code == '"') {
            str_add_char(out, '\'');
        } else {
            str_add_bytes(out, text + start, at - start);
        }
        written += at - start;
    }
    str_add_char(out, '"');
}
