#include "teataja/render/theme.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ground tones: paper and ink, on which the brand is the one colour. */
#define LIGHT_PAGE "#f4f1ec"
#define LIGHT_SURFACE "#ffffff"
#define LIGHT_TEXT "#1c2024"
#define LIGHT_MUTED "#565b61"
#define DARK_PAGE "#121417"
#define DARK_SURFACE "#1b1e22"
#define DARK_TEXT "#eceae6"
#define DARK_MUTED "#b0b4b9"
#define INK "#101214"
#define WHITE "#ffffff"

/* Coloured letters on a dark ground look dull at the least contrast. */
#define DARK_LINK_CONTRAST 6.5

#define SERIF "Georgia,serif"
#define SANS "Arial,sans-serif"
#define MONO "Consolas,Menlo,monospace"

struct rgb {
    double part[3]; /* red, green, blue, 0 to 1 */
};

static struct rgb rgb_read(const char *colour)
{
    unsigned long value = strtoul(colour + 1, NULL, 16);

    return (struct rgb){{(double)(value >> 16 & 0xFF) / 255.0, (double)(value >> 8 & 0xFF) / 255.0,
                         (double)(value & 0xFF) / 255.0}};
}

static void rgb_write(struct rgb rgb, char out[THEME_COLOUR])
{
    unsigned int byte[3];

    for (int i = 0; i < 3; i++) {
        double value = rgb.part[i] < 0 ? 0 : rgb.part[i] > 1 ? 1 : rgb.part[i];
        byte[i] = (unsigned int)lround(value * 255.0) & 0xFFU;
    }
    (void)snprintf(out, THEME_COLOUR, "#%02x%02x%02x", byte[0], byte[1], byte[2]);
}

/* Relative luminance (WCAG 2.2). */
static double luminance(const char *colour)
{
    static const double weight[3] = {0.2126, 0.7152, 0.0722};
    struct rgb rgb = rgb_read(colour);
    double sum = 0;

    for (int i = 0; i < 3; i++) {
        double part = rgb.part[i];
        part = part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4);
        sum += weight[i] * part;
    }
    return sum;
}

double theme_contrast(const char *a, const char *b)
{
    double one = luminance(a) + 0.05, other = luminance(b) + 0.05;

    return one > other ? one / other : other / one;
}

/* `share` of `a` mixed into `b`. */
static void mix(const char *a, const char *b, double share, char out[THEME_COLOUR])
{
    struct rgb x = rgb_read(a), y = rgb_read(b);

    for (int i = 0; i < 3; i++) {
        x.part[i] = x.part[i] * share + y.part[i] * (1 - share);
    }
    rgb_write(x, out);
}

/* Moves `colour` towards `end` (white or ink) until it has at least `ratio` on
 * all of the scheme's grounds. */
static void make_readable(char colour[THEME_COLOUR], const char *end, double ratio,
                          const struct theme_colours *scheme)
{
    char origin[THEME_COLOUR];

    (void)snprintf(origin, sizeof(origin), "%s", colour);
    for (int step = 0; step <= 50; step++) {
        mix(end, origin, step / 50.0, colour);
        if (theme_contrast(colour, scheme->page) >= ratio &&
            theme_contrast(colour, scheme->surface) >= ratio &&
            theme_contrast(colour, scheme->tint) >= ratio) {
            return;
        }
    }
}

static void set(char out[THEME_COLOUR], const char *colour)
{
    (void)snprintf(out, THEME_COLOUR, "%s", colour);
}

/* Text on the accent: white where it can be read, else ink; one of them always
 * can, as ink and white are 18.7 apart. */
static void set_on_accent(struct theme_colours *scheme)
{
    bool white = theme_contrast(WHITE, scheme->accent) >= THEME_CONTRAST;

    set(scheme->on_accent, white ? WHITE : INK);
    if (theme_contrast(scheme->on_accent, scheme->accent) < THEME_CONTRAST) {
        mix(WHITE, scheme->accent, 0.1, scheme->accent);
    }
}

static void make_light(struct theme_colours *light, const char *brand)
{
    set(light->page, LIGHT_PAGE);
    set(light->surface, LIGHT_SURFACE);
    mix(brand, LIGHT_SURFACE, 0.055, light->tint);
    set(light->text, LIGHT_TEXT);
    set(light->muted, LIGHT_MUTED);
    make_readable(light->muted, INK, THEME_CONTRAST, light);
    set(light->link, brand);
    make_readable(light->link, INK, THEME_CONTRAST, light);
    set(light->accent, brand);
    set_on_accent(light);
    mix(LIGHT_TEXT, LIGHT_SURFACE, 0.16, light->line);
}

static void make_dark(struct theme_colours *dark, const char *brand)
{
    set(dark->page, DARK_PAGE);
    set(dark->surface, DARK_SURFACE);
    /* A pale brand would make a pale tint, on which pale text is lost. */
    for (int share = 16; share >= 0; share -= 2) {
        mix(brand, DARK_SURFACE, share / 100.0, dark->tint);
        if (theme_contrast(DARK_MUTED, dark->tint) >= 6) {
            break;
        }
    }
    set(dark->text, DARK_TEXT);
    set(dark->muted, DARK_MUTED);
    make_readable(dark->muted, WHITE, THEME_CONTRAST, dark);
    mix(brand, WHITE, 0.75, dark->link);
    make_readable(dark->link, WHITE, DARK_LINK_CONTRAST, dark);
    set(dark->accent, dark->link);
    set_on_accent(dark);
    mix(DARK_TEXT, DARK_SURFACE, 0.2, dark->line);
}

/* `$name` in a style stands for a colour of the light scheme; the class brings
 * the dark one. */
static const struct {
    const char *name;
    const char *class;
    const char *style;
} elements[THEME_ELEMENTS] = {
    [THEME_H1] = {"h1", "tx",
                  "margin:0;font:normal 34px/1.2 " SERIF ";color:$text;letter-spacing:-.3px"},
    [THEME_H2] = {"h2", "tx", "margin:36px 0 12px;font:normal 25px/1.3 " SERIF ";color:$text"},
    [THEME_H3] = {"h3", "tx", "margin:28px 0 8px;font:bold 20px/1.35 " SERIF ";color:$text"},
    [THEME_H4] = {"h4", "tx", "margin:24px 0 6px;font:bold 17px/1.4 " SANS ";color:$text"},
    [THEME_PARAGRAPH] = {"paragraph", "tx", "margin:0 0 16px;font:17px/1.6 " SANS ";color:$text"},
    [THEME_LIST_BULLET] = {"list", "tx",
                           "margin:0 0 16px;padding:0 0 0 22px;font:17px/1.6 " SANS ";color:$text"},
    [THEME_LIST_ORDERED] = {"ordered", "tx",
                            "margin:0 0 16px;padding:0 0 0 26px;font:17px/1.6 " SANS
                            ";color:$text"},
    [THEME_ITEM] = {"item", "tx", "margin:0 0 6px;color:$text"},
    [THEME_ITEM_PARAGRAPH] = {"item_paragraph", "tx",
                              "margin:0 0 10px;font:17px/1.6 " SANS ";color:$text"},
    [THEME_QUOTE] = {"quote", "bq",
                     "margin:24px 0;padding:2px 0 2px 20px;color:$text;"
                     "border-left:3px solid $accent"},
    [THEME_QUOTE_PARAGRAPH] = {"quote_paragraph", "tx",
                               "margin:0;padding:4px 0;font:italic 20px/1.5 " SERIF ";color:$text"},
    [THEME_CODE] = {"code", "cd",
                    "font:15px/1.5 " MONO ";color:$text;background-color:$tint;padding:1px 4px"},
    [THEME_CODE_BLOCK] = {"code_block", "cd",
                          "margin:0 0 16px;padding:14px 16px;font:15px/1.5 " MONO
                          ";color:$text;background-color:$tint;white-space:pre-wrap;"
                          "word-break:break-word"},
    [THEME_RULE] = {"rule", "hr",
                    "margin:32px 0;border:0;border-top:1px solid $line;height:1px;"
                    "line-height:1px"},
    [THEME_LINK] = {"link", "ln", "color:$link;text-decoration:underline"},
    [THEME_IMAGE] = {"image", "tx",
                     "max-width:100%;height:auto;border:0;display:block;font:15px/1.5 " SANS
                     ";color:$text"},
    [THEME_SMALL] = {"small", "mu", "margin:0 0 10px;font:14px/1.6 " SANS ";color:$muted"},
};

static const struct {
    const char *name;
    size_t offset;
} colours[] = {
    {"page", offsetof(struct theme_colours, page)},
    {"surface", offsetof(struct theme_colours, surface)},
    {"tint", offsetof(struct theme_colours, tint)},
    {"text", offsetof(struct theme_colours, text)},
    {"muted", offsetof(struct theme_colours, muted)},
    {"link", offsetof(struct theme_colours, link)},
    {"accent", offsetof(struct theme_colours, accent)},
    {"on_accent", offsetof(struct theme_colours, on_accent)},
    {"line", offsetof(struct theme_colours, line)},
};

#define COLOURS (sizeof(colours) / sizeof(colours[0]))

static const char *colour_at(const struct theme_colours *scheme, size_t index)
{
    return (const char *)scheme + colours[index].offset;
}

/* The index of the colour that `text` begins with; a longer name never begins
 * with a shorter one. */
static size_t colour_named(const char *text)
{
    size_t index = 0;

    while (index < COLOURS &&
           strncmp(text, colours[index].name, strlen(colours[index].name)) != 0) {
        index++;
    }
    return index;
}

/* Writes an element's style with the light colours in it. */
static void make_style(const char *style, const struct theme_colours *light, char out[THEME_STYLE])
{
    size_t used = 0;

    for (const char *at = style; *at != '\0' && used < THEME_STYLE - THEME_COLOUR; at++) {
        size_t index = *at == '$' ? colour_named(at + 1) : COLOURS;
        if (index < COLOURS) {
            memcpy(out + used, colour_at(light, index), THEME_COLOUR - 1);
            used += THEME_COLOUR - 1;
            at += strlen(colours[index].name);
        } else {
            out[used++] = *at;
        }
    }
    out[used] = '\0';
}

/* "#abc" and "#AABBCC" to "#aabbcc". */
static int read_brand(const char *text, char out[THEME_COLOUR], struct err *err)
{
    size_t digits = text[0] == '#' ? strspn(text + 1, "0123456789abcdefABCDEF") : 0;

    if ((digits != 3 && digits != 6) || text[digits + 1] != '\0') {
        return err_set(err, ERR_INVALID, "colour '%.40s' is not of the form #rrggbb", text);
    }
    out[0] = '#';
    for (size_t i = 0; i < 6; i++) {
        out[i + 1] = (char)tolower((unsigned char)text[1 + (digits == 3 ? i / 2 : i)]);
    }
    out[7] = '\0';
    return 0;
}

int theme_init(struct theme *theme, const char *brand, struct err *err)
{
    memset(theme, 0, sizeof(*theme));
    if (read_brand(brand == NULL || brand[0] == '\0' ? THEME_BRAND : brand, theme->brand, err) <
        0) {
        return ERR_INVALID;
    }
    make_light(&theme->light, theme->brand);
    make_dark(&theme->dark, theme->brand);
    for (size_t i = 0; i < THEME_ELEMENTS; i++) {
        make_style(elements[i].style, &theme->light, theme->style[i]);
    }
    return 0;
}

const char *theme_style(const struct theme *theme, enum theme_element element)
{
    return theme->style[element];
}

const char *theme_class(enum theme_element element)
{
    return elements[element].class;
}

void theme_value(const struct theme *theme, struct value *map)
{
    struct value *style = value_set_map(map, "style");
    struct value *light = value_set_map(map, "color");
    struct value *dark = value_set_map(map, "dark");

    for (size_t i = 0; i < THEME_ELEMENTS; i++) {
        value_set_text(style, elements[i].name, theme->style[i]);
    }
    for (size_t i = 0; i < COLOURS; i++) {
        value_set_text(light, colours[i].name, colour_at(&theme->light, i));
        value_set_text(dark, colours[i].name, colour_at(&theme->dark, i));
    }
}
