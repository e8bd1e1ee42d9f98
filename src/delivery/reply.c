/* reply.c - reading a reply's lines. */
#include "teataja/delivery/reply.h"

#include <stdint.h>
#include <string.h>

#include "teataja/base/str.h"
#include "teataja/base/utf8.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The length of an enhanced status code at the start of a text, 0 if there is
 * none: class "." subject "." detail (RFC 3463 section 2). */
static size_t enhanced_length(const char *text, size_t len)
{
    size_t at = 2;

    if (len < 5 || (text[0] != '2' && text[0] != '4' && text[0] != '5') || text[1] != '.') {
        return 0;
    }
    for (int part = 0; part < 2; part++) {
        size_t digits = 0;
        while (at < len && is_digit(text[at]) && digits < 4) {
            at++;
            digits++;
        }
        if (digits == 0 || digits > 3) {
            return 0;
        }
        if (part == 0) {
            if (at >= len || text[at] != '.') {
                return 0;
            }
            at++;
        }
    }
    return at == len || text[at] == ' ' ? at : 0;
}

/* Appends a line's text to what the ledger keeps, printable and cut. */
static void keep_text(struct reply *out, size_t *kept, const char *text, size_t len)
{
    size_t at = 0;

    if (*kept > 0 && len > 0 && *kept < LIMIT_REPLY_KEPT) {
        out->text[(*kept)++] = ' ';
    }
    while (at < len) {
        size_t start = at;
        int32_t code = utf8_next(text, len, &at);
        bool shown = code >= 0x20 && code != 0x7f && !(code >= 0x80 && code < 0xa0);
        size_t bytes = shown ? at - start : 1;

        if (*kept + bytes > LIMIT_REPLY_KEPT) {
            break;
        }
        if (shown) {
            memcpy(out->text + *kept, text + start, bytes);
        } else {
            out->text[*kept] = code == '\t' ? ' ' : '?';
        }
        *kept += bytes;
    }
    out->text[*kept] = '\0';
}

/* Finds the line that starts at `at`: 1 and *len without CRLF, 0 not complete,
 * ERR_PROTOCOL for a CR, LF or NUL of its own. */
static int find_line(const char *bytes, size_t total, size_t at, size_t *len, struct err *err)
{
    for (size_t i = at; i < total; i++) {
        if (bytes[i] == '\0') {
            return err_set(err, ERR_PROTOCOL, "the mail server's answer holds a NUL");
        }
        if (bytes[i] == '\n') {
            return err_set(err, ERR_PROTOCOL, "the mail server's answer has a line without CR");
        }
        if (bytes[i] == '\r') {
            if (i + 1 == total) {
                return 0;
            }
            if (bytes[i + 1] != '\n') {
                return err_set(err, ERR_PROTOCOL, "the mail server's answer holds a CR of its own");
            }
            *len = i - at;
            return 1;
        }
    }
    return 0;
}

/* The code of a line, or ERR_PROTOCOL. *last is false when more lines follow. */
static int line_code(const char *line, size_t len, bool *last, struct err *err)
{
    if (len < 3 || line[0] < '2' || line[0] > '5' || !is_digit(line[1]) || !is_digit(line[2]) ||
        (len > 3 && line[3] != ' ' && line[3] != '-')) {
        return err_set(err, ERR_PROTOCOL, "the mail server's answer begins with no code: '%.*s'",
                       len < 40 ? (int)len : 40, line);
    }
    *last = len == 3 || line[3] == ' ';
    return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

/* One complete line: its code is held against the first line's. Returns 1 if it
 * is the last line, 0 if not, ERR_PROTOCOL. */
static int take_line(struct reply *out, size_t *kept, const char *line, size_t len, struct err *err)
{
    bool last = true;
    int code = line_code(line, len, &last, err);
    size_t skip;

    if (code < 0) {
        return code;
    }
    if (out->code != 0 && code != out->code) {
        return err_set(err, ERR_PROTOCOL,
                       "the mail server's answer has the codes %d and %d in one reply", out->code,
                       code);
    }
    line = len > 4 ? line + 4 : line + len;
    len = len > 4 ? len - 4 : 0;
    skip = enhanced_length(line, len);
    if (skip > 0 && (out->code == 0 || out->enhanced[0] != '\0')) {
        if (out->code == 0) {
            memcpy(out->enhanced, line, skip);
            out->enhanced[skip] = '\0';
        }
        skip += skip < len ? 1 : 0;
    } else {
        skip = 0;
    }
    out->code = code;
    keep_text(out, kept, line + skip, len - skip);
    return last ? 1 : 0;
}

int reply_parse(const char *bytes, size_t len, struct reply *out, size_t *used, struct err *err)
{
    size_t at = 0;
    size_t kept = 0;
    int rc = 0;

    out->code = 0;
    out->enhanced[0] = '\0';
    out->text[0] = '\0';
    while (rc == 0) {
        size_t line = 0;
        rc = find_line(bytes, len, at, &line, err);
        if (rc <= 0) {
            break;
        }
        rc = take_line(out, &kept, bytes + at, line, err);
        at += line + 2;
    }
    if (rc >= 0 && (rc == 1 ? at : len) > LIMIT_SMTP_REPLY) {
        return err_set(err, ERR_PROTOCOL, "the mail server's answer is longer than %d bytes",
                       LIMIT_SMTP_REPLY);
    }
    if (rc == 1) {
        *used = at;
    }
    return rc;
}

bool reply_line(const char *bytes, size_t used, size_t *at, const char **text, size_t *len)
{
    const char *end;

    if (*at >= used) {
        return false;
    }
    end = memchr(bytes + *at, '\r', used - *at);
    if (end == NULL) {
        return false;
    }
    *len = (size_t)(end - (bytes + *at));
    *text = bytes + *at + (*len > 4 ? 4 : *len);
    *at += *len + 2;
    *len = *len > 4 ? *len - 4 : 0;
    return true;
}
