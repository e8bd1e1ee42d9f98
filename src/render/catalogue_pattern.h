/* catalogue_pattern.h - one message pattern, compiled; for catalogue*.c alone.
 *
 * The syntax is ICU's MessageFormat in its usual apostrophe mode, as far as
 * render/catalogue.h describes it. Texts and names point into the pattern's
 * source, which must stay.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <unicode/unumberformatter.h>
#include <unicode/upluralrules.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/str.h"
#include "teataja/render/catalogue.h"

/* The plural forms of CLDR. */
enum plural_form {
    PLURAL_ZERO,
    PLURAL_ONE,
    PLURAL_TWO,
    PLURAL_FEW,
    PLURAL_MANY,
    PLURAL_OTHER,
    PLURAL_FORMS
};

const char *plural_form_name(enum plural_form form);

/* How a language counts. Opened once, shared by threads. */
struct plural_rules {
    UPluralRules *rules;
    UNumberFormatter *numbers;
    bool has[PLURAL_FORMS];
};

int plural_rules_open(const char *lang, struct plural_rules *out, struct err *err);
void plural_rules_close(struct plural_rules *rules);

enum argument_kind {
    ARGUMENT_ANY,    /* {name}: a text or a number */
    ARGUMENT_NUMBER, /* {name, plural, ...} */
    ARGUMENT_CHOICE  /* {name, select, ...}: a text */
};

#define PATTERN_ARGUMENTS 8 /* different names in one pattern */
#define PATTERN_DEPTH 8     /* braces inside each other */

struct argument {
    const char *name;
    size_t len;
    enum argument_kind kind;
};

struct piece;

struct pattern {
    const struct piece *pieces;
    struct argument arguments[PATTERN_ARGUMENTS];
    size_t count;
    const char *plain; /* the finished text of a pattern without arguments, or NULL */
};

/* Compiles a text; every plural must have the forms of `rules` and no others.
 * ERR_INVALID with "character 12: ..." (from 1) or ERR_NOMEM. */
int pattern_compile(struct arena *arena, const char *text, const struct plural_rules *rules,
                    struct pattern *out, struct err *err);

/* Appends the pattern with its arguments; the caller has checked that every one
 * is given with the right kind. */
int pattern_write(const struct pattern *pattern, const struct plural_rules *rules,
                  const struct catalogue_arg *args, size_t count, struct str *out, struct err *err);
