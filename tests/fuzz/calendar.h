/* calendar.h - the form of every calendar that we write. */
#pragma once

#include "fuzz.h"

#include "teataja/base/str.h"

/* Lines of at most 75 octets, ended by CRLF; no other control; whole characters. */
static inline void calendar_check_lines(const struct str *text)
{
    size_t column = 0;

    FUZZ_CHECK(str_check(text, NULL) == 0 && str_ends_with(text, "\r\n"));
    FUZZ_CHECK(utf8_is_valid(text->data, text->len, NULL));
    for (size_t i = 0; i < text->len; i++) {
        char c = text->data[i];

        if (c == '\r') {
            FUZZ_CHECK(text->data[i + 1] == '\n');
            continue;
        }
        if (c == '\n') {
            FUZZ_CHECK(i > 0 && text->data[i - 1] == '\r');
            column = 0;
            continue;
        }
        FUZZ_CHECK((unsigned char)c >= ' ' || c == '\t');
        FUZZ_CHECK(c != 0x7F && ++column <= 75);
    }
}

/* Takes the folds out. */
static inline void calendar_unfold(const struct str *text, struct str *out)
{
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] == '\r' && text->data[i + 1] == '\n' && text->data[i + 2] == ' ') {
            i += 2;
        } else {
            str_add_char(out, text->data[i]);
        }
    }
}
