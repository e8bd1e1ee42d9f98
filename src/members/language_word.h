/* language_word.h - a language by the name that some office has for it. */
#pragma once

#include "teataja/base/language.h"

/* The language that one of the ten calls so: "vene", "russisch" and "русский" are Russian. `fold`
 * is folded (utf8_fold). LANG_NONE if none does. */
enum language language_word_find(const char *fold);
