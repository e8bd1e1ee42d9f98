/* The ten languages and texts in them. */
#include "teataja/base/language.h"

#include <ctype.h>
#include <string.h>

static const struct {
    const char *tag;
    const char *name;
    const char *own_name;
} languages[LANG_COUNT] = {
    [LANG_ET] = {"et", "Estonian", "eesti"},      [LANG_RU] = {"ru", "Russian", "русский"},
    [LANG_EN] = {"en", "English", "English"},     [LANG_LV] = {"lv", "Latvian", "latviešu"},
    [LANG_LT] = {"lt", "Lithuanian", "lietuvių"}, [LANG_PL] = {"pl", "Polish", "polski"},
    [LANG_CS] = {"cs", "Czech", "čeština"},       [LANG_DE] = {"de", "German", "Deutsch"},
    [LANG_SV] = {"sv", "Swedish", "svenska"},     [LANG_FI] = {"fi", "Finnish", "suomi"},
};

enum language language_find_bytes(const char *tag, size_t len)
{
    if (len != 2) {
        return LANG_NONE;
    }
    for (int i = 0; i < LANG_COUNT; i++) {
        if (tolower((unsigned char)tag[0]) == languages[i].tag[0] &&
            tolower((unsigned char)tag[1]) == languages[i].tag[1]) {
            return (enum language)i;
        }
    }
    return LANG_NONE;
}

enum language language_find(const char *tag)
{
    return tag ? language_find_bytes(tag, strlen(tag)) : LANG_NONE;
}

const char *language_tag(enum language language)
{
    return language >= 0 && language < LANG_COUNT ? languages[language].tag : "";
}

const char *language_name(enum language language)
{
    return language >= 0 && language < LANG_COUNT ? languages[language].name : "";
}

const char *language_own_name(enum language language)
{
    return language >= 0 && language < LANG_COUNT ? languages[language].own_name : "";
}

const char *language_all(void)
{
    return "et, ru, en, lv, lt, pl, cs, de, sv, fi";
}

bool lang_text_has(const struct lang_text *text, enum language language)
{
    return language >= 0 && language < LANG_COUNT && text->text[language];
}

const char *lang_text_get(const struct lang_text *text, enum language language,
                          enum language fallback)
{
    if (lang_text_has(text, language)) {
        return text->text[language];
    }
    if (lang_text_has(text, fallback)) {
        return text->text[fallback];
    }
    for (int i = 0; i < LANG_COUNT; i++) {
        if (text->text[i]) {
            return text->text[i];
        }
    }
    return NULL;
}
