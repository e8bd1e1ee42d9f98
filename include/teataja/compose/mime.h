/* teataja/compose/mime.h - the parts of a message (RFC 2045, 2046, 2387).
 *
 * Boundaries hold "=_", which neither quoted-printable nor base64 can contain, so
 * they need not be searched for; made of the mailing's uid, they are the same
 * each time a message is composed.
 */
#pragma once

#include <stddef.h>

#include "teataja/base/str.h"

#define MIME_BOUNDARY 64 /* most characters of a boundary, with NUL */

enum mime_level { MIME_MIXED, MIME_ALTERNATIVE, MIME_RELATED };

/* The boundary of a level of the message of mailing `uid`. */
void mime_boundary(const char *uid, enum mime_level level, char out[MIME_BOUNDARY]);

/* Content-Type of a multipart with its boundary, as a header field; `parameters`
 * such as "type=\"text/html\"", or NULL. */
void mime_multipart(struct str *out, const char *subtype, const char *boundary,
                    const char *parameters);

/* The line that begins a part, and the one that ends the last. */
void mime_open(struct str *out, const char *boundary);
void mime_close(struct str *out, const char *boundary);

/* The fields above a part's body, with the empty line behind them. Values are
 * the program's own; NULL leaves a field out. */
struct mime_part {
    const char *type;        /* "text/plain; charset=utf-8" */
    const char *encoding;    /* "quoted-printable", "base64" */
    const char *content_id;  /* without angle brackets */
    const char *disposition; /* "inline", "attachment; filename=\"invite.ics\"" */
    const char *language;    /* "et" */
};
void mime_part(struct str *out, const struct mime_part *part);

/* Appends base64 in lines of 76 characters, each with CRLF. */
void mime_base64(struct str *out, const void *data, size_t len);
