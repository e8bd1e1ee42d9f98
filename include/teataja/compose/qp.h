/* teataja/compose/qp.h - bodies that no mail server changes (RFC 2045 section 6.7).
 *
 * Quoted-printable of text that goes out in pieces: a variant's fixed text is
 * encoded once, a member's value by itself, and the two are joined by a soft line
 * break. Whatever the text says, the result is 7-bit, has CRLF line ends only,
 * no line over LIMIT_FOLD octets, none that begins with '.' or "From ", and no
 * white space at the end of a line: dot-stuffing and truncation cannot arise.
 */
#pragma once

#include <stddef.h>

#include "teataja/base/str.h"

/* Appends `len` bytes of UTF-8 encoded, beginning on a line of its own. LF (or
 * CRLF) in the text is a line end; the last line is left open if the text does
 * not end with one. A lone CR is encoded. */
void qp_encode(struct str *out, const char *text, size_t len);

/* Closes an open line softly, so that another piece can follow: what stands in
 * `out` from offset `start` on is encoded text. Nothing for an empty or a closed
 * line. */
void qp_join(struct str *out, size_t start);

/* Closes an open line with CRLF: the end of a body. */
void qp_end(struct str *out, size_t start);
