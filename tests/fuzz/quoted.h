/* quoted.h - a reader of quoted-printable that takes only what qp.h promises. */
#pragma once

#include "fuzz.h"

#include "teataja/base/limits.h"
#include "teataja/base/str.h"

static inline int quoted_digit(char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    FUZZ_CHECK(at != NULL);
    return (int)(at - digits);
}

/* One line without its CRLF. */
static inline void quoted_check_line(const char *line, size_t len)
{
    FUZZ_CHECK(len <= LIMIT_FOLD);
    FUZZ_CHECK(len == 0 || line[0] != '.');
    FUZZ_CHECK(len < 5 || memcmp(line, "From ", 5) != 0);
    FUZZ_CHECK(len == 0 || (line[len - 1] != ' ' && line[len - 1] != '\t'));
    for (size_t i = 0; i < len; i++) {
        FUZZ_CHECK((line[i] >= ' ' && line[i] < 0x7F) || line[i] == '\t');
    }
}

/* Appends what `len` bytes of quoted-printable mean, with LF ends. */
static inline void quoted_decode(const char *text, size_t len, struct str *out)
{
    for (size_t at = 0; at < len;) {
        const char *line = text + at;
        const char *feed = memchr(line, '\n', len - at);
        size_t size = feed != NULL ? (size_t)(feed - line) : len - at;
        bool soft = false;

        if (feed != NULL) {
            FUZZ_CHECK(size > 0 && line[size - 1] == '\r');
            size--;
        }
        quoted_check_line(line, size);
        for (size_t i = 0; i < size; i++) {
            if (line[i] != '=') {
                str_add_char(out, line[i]);
            } else if (i + 1 == size) {
                soft = true;
            } else {
                FUZZ_CHECK(i + 2 < size);
                str_add_char(out,
                             (char)(quoted_digit(line[i + 1]) * 16 + quoted_digit(line[i + 2])));
                i += 2;
            }
        }
        FUZZ_CHECK(!soft || feed != NULL);
        if (feed != NULL && !soft) {
            str_add_char(out, '\n');
        }
        at += size + (feed != NULL ? 2 : 0);
    }
}
