/* teataja/delivery/dkim_relaxed.h - "relaxed" forms of headers and bodies.
 *
 * RFC 6376, sections 3.4.2 and 3.4.4: what is signed of a message, so that
 * relays may fold fields anew and touch white space at the end of lines. A
 * message is CRLF lines; a CR or LF alone is a character like any other.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "teataja/base/err.h"
#include "teataja/base/str.h"

/* Takes the bytes of a canonical form, piece by piece. */
typedef void dkim_write(void *ctx, const void *bytes, size_t len);

/* A body on its way. Pieces may end anywhere. Life: dkim_body_start, any number
 * of dkim_body_add, dkim_body_end. Nothing of the body is kept. */
struct dkim_body {
    dkim_write *write;
    void *ctx;
    size_t lines; /* line ends that count once text follows */
    bool space;   /* the same of white space in this line */
    bool cr;      /* the last piece ended with a CR */
    bool any;     /* text was written */
};
void dkim_body_start(struct dkim_body *body, dkim_write *write, void *ctx);
void dkim_body_add(struct dkim_body *body, const char *bytes, size_t len);
void dkim_body_end(struct dkim_body *body);

/* Appends a header field (with or without its CRLF, folded or not) as
 * "name:value" and CRLF. */
void dkim_field(const char *field, size_t len, struct str *out);

enum { DKIM_FIELDS = 128 }; /* most fields of a header */

/* The fields of a message, where they stand. */
struct dkim_head {
    struct {
        const char *text;
        size_t len;      /* with the CRLF */
        size_t name_len; /* without white space before the colon */
    } fields[DKIM_FIELDS];
    size_t count;
    size_t len; /* of the header and the empty line: the body begins there */
};

/* Finds the fields of a message, which must outlive *out. A message without a
 * body may end without the empty line. ERR_INVALID for a line that is no field,
 * ERR_LIMIT for more than DKIM_FIELDS. */
int dkim_head_split(const char *message, size_t len, struct dkim_head *out, struct err *err);

/* How many fields have the name, in any case. */
size_t dkim_head_count(const struct dkim_head *head, const char *name);

/* Appends the relaxed forms of the fields that `names` says ("from : to:from"),
 * as section 5.4.2: a name's first mention is its lowest field, the next one the
 * field above, and a mention without a field adds nothing. */
void dkim_head_select(const struct dkim_head *head, const char *names, struct str *out);
