/* smtp_message.c - whether a message can go through a relay, and its bytes on the
 * wire. Composed messages are 7-bit with short lines; here nothing is trusted. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "smtp_session.h"

static bool refuse(struct reply *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct reply *why, const char *format, ...)
{
    va_list list;

    why->code = 0;
    why->enhanced[0] = '\0';
    va_start(list, format);
    vsnprintf(why->text, sizeof(why->text), format, list);
    va_end(list);
    return false;
}

/* Only CRLF ends lines, none is too long, and the last one is ended. */
static bool lines_are_good(const char *bytes, size_t len, struct reply *why)
{
    size_t at = 0;

    if (memchr(bytes, '\0', len) != NULL) {
        return refuse(why, "the message holds a NUL");
    }
    while (at < len) {
        const char *line = bytes + at;
        const char *end = memchr(line, '\n', len - at);
        size_t size;

        if (end == NULL) {
            return refuse(why, "the message's last line is not ended");
        }
        size = (size_t)(end - line);
        if (size == 0 || line[size - 1] != '\r') {
            return refuse(why, "the message holds a line without CR");
        }
        if (memchr(line, '\r', size - 1) != NULL) {
            return refuse(why, "the message holds a CR of its own");
        }
        if (size - 1 > LIMIT_HEADER_LINE) {
            return refuse(why, "the message has a line of %zu bytes, but %d is the most", size - 1,
                          LIMIT_HEADER_LINE);
        }
        at += size + 1;
    }
    return true;
}

bool smtp_message_is_eight_bit(const char *bytes, size_t len)
{
    unsigned char all = 0;

    for (size_t i = 0; i < len; i++) {
        all |= (unsigned char)bytes[i];
    }
    return all >= 0x80;
}

bool smtp_message_fits(const struct smtp *smtp, const struct smtp_job *job, struct reply *why)
{
    const struct smtp_capabilities *offered = &smtp->capabilities;

    if (job->len == 0) {
        return refuse(why, "the message is empty");
    }
    if (job->len > LIMIT_MESSAGE) {
        return refuse(why, "the message has %zu bytes, but %d is the most", job->len,
                      LIMIT_MESSAGE);
    }
    if (offered->size_max > 0 && job->len > offered->size_max) {
        return refuse(why, "the message has %zu bytes, but %s takes %llu at most", job->len,
                      stream_peer(smtp->stream), (unsigned long long)offered->size_max);
    }
    if ((job->recipient->smtputf8 || (job->sender != NULL && job->sender->smtputf8)) &&
        !offered->smtputf8) {
        return refuse(why, "the address has letters that %s cannot carry: it offers no SMTPUTF8",
                      stream_peer(smtp->stream));
    }
    if (!offered->eight_bit && smtp_message_is_eight_bit(job->bytes, job->len)) {
        return refuse(why, "the message has 8-bit bytes, but %s offers no 8BITMIME",
                      stream_peer(smtp->stream));
    }
    return lines_are_good(job->bytes, job->len, why);
}

void smtp_message_add(struct str *out, const char *bytes, size_t len)
{
    size_t from = 0; /* start of what is not copied yet */
    size_t at = 0;   /* start of a line */

    while (at < len) {
        const char *end = memchr(bytes + at, '\n', len - at);

        if (bytes[at] == '.') {
            str_add_bytes(out, bytes + from, at - from);
            str_add_char(out, '.');
            from = at;
        }
        at = end != NULL ? (size_t)(end - bytes) + 1 : len;
    }
    str_add_bytes(out, bytes + from, len - from);
}
