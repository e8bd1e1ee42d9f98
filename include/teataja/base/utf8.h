/* teataja/base/utf8.h - UTF-8 (RFC 3629): checked, walked, folded. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/err.h"
#include "teataja/base/str.h"

/* Decodes the character at text[*at] and moves *at past it. Returns the code
 * point, or -1 for a malformed sequence (overlong, surrogate, truncated, past
 * U+10FFFF), in which case *at moves by one byte. `*at` must be < len. */
int32_t utf8_next(const char *text, size_t len, size_t *at);

/* Appends a code point. */
void utf8_add(struct str *out, uint32_t code);

/* True if all of it is well-formed; else *bad is the offset of the first bad
 * byte (`bad` may be NULL). */
bool utf8_is_valid(const char *text, size_t len, size_t *bad);

/* Characters (code points) in well-formed text. */
size_t utf8_length(const char *text, size_t len);

/* True if it holds a C0 control other than tab and LF (and CR before LF), DEL, a
 * C1 control, U+2028/2029, or a bidirectional override or isolate that is not
 * closed: nothing that belongs in a name, a subject or a header. */
bool utf8_has_control(const char *text, size_t len);

/* Code points for private use. Each reader would see another sign (icons of a web page are
 * such), and texts of letters mark with them where a member's values stand. */
bool utf8_is_private(int32_t code);
bool utf8_has_private(const char *text, size_t len);

/* Appends the text case-folded and NFKC-normalised (ICU, nfkc_cf), runs of
 * white space made one space, ends trimmed: the form that is compared, so that
 * "ÕUN" is "õun". */
int utf8_fold(const char *text, size_t len, struct str *out, struct err *err);

/* The longest prefix of at most `max` bytes that splits no character. */
size_t utf8_prefix(const char *text, size_t len, size_t max);

/* Replaces, in place, controls and malformed bytes of a NUL-terminated text by
 * '?', and line breaks and tabs by a space: what a stranger wrote can then stand
 * in a message on a terminal. Never longer than before. */
void utf8_clean(char *text);
