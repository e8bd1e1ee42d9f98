/* teataja/compose/header.h - header lines of a message (RFC 5322, RFC 2047).
 *
 * Each function appends one whole field with its CRLF, folded at LIMIT_FOLD where
 * it can be, never over LIMIT_HEADER_LINE, 7-bit, and without any CR, LF or
 * control that a value brings: a value cannot begin a field of its own. Names
 * are literals of the program.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "teataja/base/address.h"
#include "teataja/base/str.h"

/* Text that anybody wrote (Subject). ASCII stays as it is; otherwise encoded
 * words in UTF-8, B or Q as is shorter, at most 75 characters each, each of whole
 * characters and decodable by itself. Runs of white space and controls become
 * one space. */
void header_text(struct str *out, const char *name, const char *text);

/* A mailbox: `display` (NULL or "" for none) as a quoted string or encoded
 * words, then the address. An address whose local part is not ASCII cannot
 * stand in a 7-bit field: it becomes a group without members whose name is the
 * address, encoded (RFC 6857 section 3.1). */
void header_mailbox(struct str *out, const char *name, const char *display,
                    const struct address *address);

/* `display` as a phrase and then `<id>`: List-Id (RFC 2919). */
void header_phrase(struct str *out, const char *name, const char *display, const char *id);

/* What our own code wrote, ASCII: folded at its spaces only. A non-ASCII byte or
 * control becomes '?'. */
void header_plain(struct str *out, const char *name, const char *value);

/* Date, in UTC: "Tue, 01 Dec 2026 07:00:00 +0000". */
void header_date(struct str *out, const char *name, int64_t instant);
