/* teataja/base/language.h - the ten languages that letters and pages speak. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum language {
    LANG_NONE = -1,
    LANG_ET,
    LANG_RU,
    LANG_EN,
    LANG_LV,
    LANG_LT,
    LANG_PL,
    LANG_CS,
    LANG_DE,
    LANG_SV,
    LANG_FI,
    LANG_COUNT
};

/* The language of a tag such as "et", in any case; LANG_NONE if it is none of
 * the ten. language_find_bytes takes `len` bytes without a NUL. */
enum language language_find(const char *tag);
enum language language_find_bytes(const char *tag, size_t len);

/* "et"; "" for LANG_NONE. */
const char *language_tag(enum language language);

/* The language's name in English ("Estonian"), for messages to staff. */
const char *language_name(enum language language);

/* Its name in itself ("eesti"), for those who speak it. */
const char *language_own_name(enum language language);

/* "et, ru, en, lv, lt, pl, cs, de, sv, fi": for messages. */
const char *language_all(void);

/* One text in several languages; NULL where there is none. A text written once
 * "for all" stands in every place, and `same` says so. */
struct lang_text {
    const char *text[LANG_COUNT];
    bool same;
};

/* The text in `language`, else in `fallback`, else in the first language that
 * has one, else NULL. Either may be LANG_NONE. */
const char *lang_text_get(const struct lang_text *text, enum language language,
                          enum language fallback);

/* True if there is a text in `language`. */
bool lang_text_has(const struct lang_text *text, enum language language);
