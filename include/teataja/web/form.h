/* teataja/web/form.h - what a form sent: urlencoded or multipart (RFC 7578).
 *
 * Read within bounds and strictly; a file that was chosen in a form is skipped. Values
 * are UTF-8 without control characters but line ends, which become LF.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"

#define FORM_FIELDS 64  /* most fields */
#define FORM_NAME 100   /* most bytes of a field's name */
#define FORM_VALUE 4000 /* most bytes of a value */

struct form_field {
    const char *name;
    const char *value;
};

struct form {
    const struct form_field *fields; /* as they came */
    size_t count;
};

/* Reads `len` bytes of a body. `type` is its Content-Type; NULL means urlencoded. In
 * the arena. ERR_INVALID: another type, a broken escape or boundary, text that
 * is not UTF-8; ERR_LIMIT; ERR_NOMEM. */
int form_parse(struct arena *arena, const char *type, const char *body, size_t len,
               struct form *out, struct err *err);

/* The first value of a field; NULL if it was not sent. */
const char *form_get(const struct form *form, const char *name);

/* True if the field was sent with this value. */
bool form_has(const struct form *form, const char *name, const char *value);
