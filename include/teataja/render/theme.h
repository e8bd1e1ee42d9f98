/* teataja/render/theme.h - colours and type of the mail, made from one brand colour.
 *
 * A theme is a plain value: theme_init fills it, copying it is fine, there is
 * nothing to free. Every pair of text and background in it, light and dark, has
 * a contrast of at least THEME_CONTRAST (WCAG 2.2, 1.4.3): a brand colour too
 * pale or too dark for that is moved along its own hue until it has.
 *
 * Light colours are written into each element's style attribute; dark ones come
 * by class from the style sheet in templates/mail/style.mustache, for the mail
 * programs that know prefers-color-scheme.
 */
#pragma once

#include <stddef.h>

#include "teataja/base/err.h"
#include "teataja/render/value.h"

#define THEME_CONTRAST 4.5
#define THEME_COLOUR 8        /* "#rrggbb" and NUL */
#define THEME_STYLE 320       /* longest style of an element, with NUL */
#define THEME_BRAND "#0f5c66" /* when a site names no colour */

/* The colours of one scheme. */
struct theme_colours {
    char page[THEME_COLOUR];      /* behind the letter */
    char surface[THEME_COLOUR];   /* the letter's sheet */
    char tint[THEME_COLOUR];      /* cards, notices: a touch of the brand */
    char text[THEME_COLOUR];      /* on page, surface and tint */
    char muted[THEME_COLOUR];     /* secondary text on the same three */
    char link[THEME_COLOUR];      /* links and accented text on the same three */
    char accent[THEME_COLOUR];    /* a button's or a band's background */
    char on_accent[THEME_COLOUR]; /* text on accent */
    char line[THEME_COLOUR];      /* rules and borders: decoration only */
};

/* What Markdown and the templates style. */
enum theme_element {
    THEME_H1,
    THEME_H2,
    THEME_H3,
    THEME_H4, /* and every lower level */
    THEME_PARAGRAPH,
    THEME_LIST_BULLET,
    THEME_LIST_ORDERED,
    THEME_ITEM,
    THEME_ITEM_PARAGRAPH, /* a paragraph inside a list item */
    THEME_QUOTE,
    THEME_QUOTE_PARAGRAPH,
    THEME_CODE,
    THEME_CODE_BLOCK,
    THEME_RULE,
    THEME_LINK,
    THEME_IMAGE,
    THEME_SMALL, /* footers and notes; never under 14 px */
    THEME_ELEMENTS
};

struct theme {
    char brand[THEME_COLOUR]; /* as it was given, in lower case */
    struct theme_colours light, dark;
    char style[THEME_ELEMENTS][THEME_STYLE]; /* CSS declarations, without quotes */
};

/* Makes the theme of a brand colour, "#rrggbb" or "#rgb"; NULL or "" means
 * THEME_BRAND. ERR_INVALID with "colour 'red' is not of the form #rrggbb". */
int theme_init(struct theme *theme, const char *brand, struct err *err);

/* The value of an element's style attribute. */
const char *theme_style(const struct theme *theme, enum theme_element element);

/* The class by which the dark style sheet finds the element, such as "tx". */
const char *theme_class(enum theme_element element);

/* Sets in a template's data: {{style.paragraph}} and the other elements by name,
 * {{color.text}} of the light and {{dark.text}} of the dark scheme. */
void theme_value(const struct theme *theme, struct value *map);

/* Contrast ratio of two colours "#rrggbb", 1 to 21 (WCAG 2.2 "contrast ratio"). */
double theme_contrast(const char *a, const char *b);
