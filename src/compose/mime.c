/* mime.c - see teataja/compose/mime.h. */
#include "teataja/compose/mime.h"

#include <stdio.h>

#include "teataja/base/limits.h"
#include "teataja/compose/header.h"

void mime_boundary(const char *uid, enum mime_level level, char out[MIME_BOUNDARY])
{
    static const char *const letters[] = {"m", "a", "r"};

    (void)snprintf(out, MIME_BOUNDARY, "=_%s_%.40s", letters[level], uid);
}

void mime_multipart(struct str *out, const char *subtype, const char *boundary,
                    const char *parameters)
{
    str_addf(out, "Content-Type: multipart/%s;", subtype);
    if (parameters != NULL) {
        str_addf(out, " %s;", parameters);
    }
    str_addf(out, "\r\n boundary=\"%s\"\r\n", boundary);
}

void mime_open(struct str *out, const char *boundary)
{
    str_addf(out, "--%s\r\n", boundary);
}

void mime_close(struct str *out, const char *boundary)
{
    str_addf(out, "--%s--\r\n", boundary);
}

void mime_part(struct str *out, const struct mime_part *part)
{
    const struct {
        const char *name;
        const char *value;
    } fields[] = {
        {"Content-Type", part->type},
        {"Content-Transfer-Encoding", part->encoding},
        {"Content-Disposition", part->disposition},
        {"Content-Language", part->language},
    };

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (fields[i].value != NULL) {
            header_plain(out, fields[i].name, fields[i].value);
        }
    }
    if (part->content_id != NULL) {
        str_addf(out, "Content-ID: <%s>\r\n", part->content_id);
    }
    str_add_bytes(out, "\r\n", 2);
}

void mime_base64(struct str *out, const void *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    enum { TRIPLES = LIMIT_FOLD / 4 };
    const size_t bytes_a_line = (size_t)TRIPLES * 3;
    const unsigned char *bytes = data;

    str_reserve(out, (len + 2) / 3 * 4 + len / 57 * 2 + 4);
    for (size_t line = 0; line < len; line += bytes_a_line) {
        char text[TRIPLES * 4 + 2];
        size_t used = 0;

        for (size_t i = line; i < len && i < line + bytes_a_line; i += 3) {
            size_t left = len - i;
            unsigned a = bytes[i];
            unsigned b = left > 1 ? bytes[i + 1] : 0;
            unsigned c = left > 2 ? bytes[i + 2] : 0;

            text[used++] = digits[a >> 2];
            text[used++] = digits[(a & 3) << 4 | b >> 4];
            text[used++] = left > 1 ? digits[(b & 15) << 2 | c >> 6] : '=';
            text[used++] = left > 2 ? digits[c & 63] : '=';
        }
        text[used++] = '\r';
        text[used++] = '\n';
        str_add_bytes(out, text, used);
    }
}
