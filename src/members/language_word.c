/* language_word.c - see language_word.h. */
#include "language_word.h"

#include <string.h>

/* Of each language what the ten call it, theirs in the order of enum language. */
static const char *const words[LANG_COUNT][LANG_COUNT] = {
    [LANG_ET] = {"eesti", "эстонский", "estonian", "igauņu", "estų", "estoński", "estonština",
                 "estnisch", "estniska", "viro"},
    [LANG_RU] = {"vene", "русский", "russian", "krievu", "rusų", "rosyjski", "ruština", "russisch",
                 "ryska", "venäjä"},
    [LANG_EN] = {"inglise", "английский", "english", "angļu", "anglų", "angielski", "angličtina",
                 "englisch", "engelska", "englanti"},
    [LANG_LV] = {"läti", "латышский", "latvian", "latviešu", "latvių", "łotewski", "lotyština",
                 "lettisch", "lettiska", "latvia"},
    [LANG_LT] = {"leedu", "литовский", "lithuanian", "lietuviešu", "lietuvių", "litewski",
                 "litevština", "litauisch", "litauiska", "liettua"},
    [LANG_PL] = {"poola", "польский", "polish", "poļu", "lenkų", "polski", "polština", "polnisch",
                 "polska", "puola"},
    [LANG_CS] = {"tšehhi", "чешский", "czech", "čehu", "čekų", "czeski", "čeština", "tschechisch",
                 "tjeckiska", "tšekki"},
    [LANG_DE] = {"saksa", "немецкий", "german", "vācu", "vokiečių", "niemiecki", "němčina",
                 "deutsch", "tyska", "saksa"},
    [LANG_SV] = {"rootsi", "шведский", "swedish", "zviedru", "švedų", "szwedzki", "švédština",
                 "schwedisch", "svenska", "ruotsi"},
    [LANG_FI] = {"soome", "финский", "finnish", "somu", "suomių", "fiński", "finština", "finnisch",
                 "finska", "suomi"},
};

enum language language_word_find(const char *fold)
{
    for (int i = 0; i < LANG_COUNT; i++) {
        for (size_t j = 0; j < LANG_COUNT; j++) {
            if (strcmp(words[i][j], fold) == 0) {
                return (enum language)i;
            }
        }
    }
    return LANG_NONE;
}
