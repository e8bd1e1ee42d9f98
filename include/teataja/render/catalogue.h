/* teataja/render/catalogue.h - what the frame says, in the reader's language.
 *
 * templates/locale/<lang>.yaml holds the texts of one language, grouped:
 *
 *     deadline:
 *       in_days: "{days, plural, one {in # day} other {in # days}}"
 *
 * is the text "deadline.in_days". A text is a message pattern in ICU's syntax,
 * with named arguments: {name}, {name, plural, =0 {...} one {...} other {...}},
 * {name, select, yes {...} other {...}}, # for the number inside a plural, '' for
 * an apostrophe before a brace, '{ ... ' for quoted text. ICU's C interface takes
 * positional arguments of types fixed at compile time only; so the pattern is
 * compiled here, and ICU gives the plural rules and writes the numbers. Dates,
 * money and percentages come in as texts that render/format.h wrote.
 *
 * All languages have the same keys with the same arguments, every plural has
 * all the forms of its language: catalogue_load refuses anything else. A loaded
 * catalogue does not change, and threads may share it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/base/report.h"
#include "teataja/base/str.h"
#include "teataja/render/value.h"

struct catalogue;

/* Loads locale/<lang>.yaml of all languages of base/language.h from the folders (such as a site's
 * templates/ and the installed one), the first one winning text by text: the
 * last one must be complete, the others may hold what they change. All problems
 * go to `report` (which may be NULL) with file, line and column.
 * Returns 0 and sets *out (catalogue_free), ERR_INVALID with the first problem,
 * ERR_NOT_FOUND for a language without a file, ERR_NOMEM. */
int catalogue_load(const char *const *folders, size_t count, struct report *report,
                   struct catalogue **out, struct err *err);

void catalogue_free(struct catalogue *catalogue);

struct catalogue_arg {
    const char *name;
    const char *text; /* NULL for a number */
    int64_t number;
};

struct catalogue_arg catalogue_arg_text(const char *name, const char *text);
struct catalogue_arg catalogue_arg_number(const char *name, int64_t number);

/* Appends the text `key` with its arguments. ERR_NOT_FOUND for an unknown
 * key, ERR_INVALID for an argument that is missing, not known to the
 * text (the message suggests one), or a text where a number is needed; `out`
 * then has nothing more than before. */
int catalogue_text(const struct catalogue *catalogue, enum language lang, const char *key,
                   const struct catalogue_arg *args, size_t count, struct str *out,
                   struct err *err);

/* catalogue_text with its arguments in place:
 *     CATALOGUE_TEXT(c, LANG_ET, "deadline.in_days", out, err,
 *                    catalogue_arg_number("days", 3)) */
#define CATALOGUE_TEXT(catalogue, lang, key, out, err, ...)                                        \
    catalogue_text((catalogue), (lang), (key), (const struct catalogue_arg[]){__VA_ARGS__},        \
                   sizeof((const struct catalogue_arg[]){__VA_ARGS__}) /                           \
                       sizeof(struct catalogue_arg),                                               \
                   (out), (err))

/* A text without arguments, which lives as long as the catalogue; NULL if there
 * is no such key, or the text has arguments. */
const char *catalogue_word(const struct catalogue *catalogue, enum language lang, const char *key);

/* Sets all texts without arguments in a map of groups, for templates:
 * {{t.call.read_more}} after catalogue_words(c, LANG_ET, value_set_map(data, "t")).
 * The catalogue must outlive the data. */
void catalogue_words(const struct catalogue *catalogue, enum language lang, struct value *map);

/* Number of texts, and the key at `index`, sorted. */
size_t catalogue_count(const struct catalogue *catalogue);
const char *catalogue_key(const struct catalogue *catalogue, size_t index);
