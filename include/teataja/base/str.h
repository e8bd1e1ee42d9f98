/* teataja/base/str.h - a growing string with a ceiling.
 *
 * Appending never fails at the call: it sets a flag that str_check reports once
 * at the end, so that code that builds text reads as what it builds. After a
 * failure further appends do nothing. The content is always NUL-terminated (and
 * may hold NUL bytes of its own; `len` counts).
 * Life: str_init, str_add..., str_check, str_release.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "teataja/base/err.h"

struct str {
    char *data; /* never NULL; "" when empty */
    size_t len;
    size_t cap;     /* 0 while data is the static empty string */
    size_t ceiling; /* most bytes that `len` may reach */
    int failed;     /* 0, ERR_LIMIT or ERR_NOMEM */
};

/* An empty string that may grow to `ceiling` bytes. Allocates nothing. */
void str_init(struct str *str, size_t ceiling);

/* Frees; the string is empty again, with its ceiling kept. */
void str_release(struct str *str);

/* Empties and forgets a failure; the memory is kept for reuse. */
void str_reset(struct str *str);

/* Cuts to `len` bytes (which must be at most the length it has). */
void str_cut(struct str *str, size_t len);

void str_add(struct str *str, const char *text);
void str_add_bytes(struct str *str, const void *bytes, size_t len);
void str_add_char(struct str *str, char c);
void str_add_repeat(struct str *str, char c, size_t times);
void str_addf(struct str *str, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Replaces `old_len` bytes at `at` by `len` bytes. */
void str_splice(struct str *str, size_t at, size_t old_len, const void *bytes, size_t len);

/* Makes room for `more` bytes beyond the length. */
void str_reserve(struct str *str, size_t more);

/* Removes white space (space, tab, CR, LF) at the end. */
void str_trim_end(struct str *str);

/* 0, or the failure with a message such as "text is longer than 81920 bytes". */
int str_check(const struct str *str, struct err *err);

/* The content as an allocated string that the caller frees with mem_free; the
 * str is empty afterwards. NULL when it failed or memory is out. */
char *str_take(struct str *str);

/* True if the content starts or ends so. */
bool str_ends_with(const struct str *str, const char *end);
