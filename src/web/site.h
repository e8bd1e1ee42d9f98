/* site.h - the site's files as the pages need them, read as one and never changed. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/config/config.h"
#include "teataja/events/event.h"
#include "teataja/render/catalogue.h"
#include "teataja/render/template.h"

enum web_page {
    PAGE_MESSAGE,
    PAGE_LEAVE,
    PAGE_LEFT,
    PAGE_PREFERENCES,
    PAGE_ANSWER,
    PAGE_ARCHIVE,
    PAGE_DRAFT,
    WEB_PAGES
};

enum { WEB_HASH = 33 }; /* hexadecimal digits of a digest, and NUL */

/* An image of a newsletter's brand. */
struct web_image {
    char hash[WEB_HASH];
    const char *type;
    const char *data;
    size_t len;
};

/* How the pages of one newsletter look. The first is the site's own: its name, with the
 * brand of the first newsletter. */
struct web_look {
    const struct newsletter *newsletter; /* NULL for the site's own */
    const struct lang_text *logo_alt;    /* NULL without a logo */
    char style[WEB_HASH];                /* digest of css */
    const char *css;
    size_t css_len;
    const struct web_image *logo; /* NULL if none */
};

struct content;

struct web_site {
    int users;       /* web.c counts them under its lock */
    uint64_t serial; /* 1, 2, ...: no other site of this process has it */
    struct arena *arena;
    struct config config;
    struct events events;
    const struct content *content; /* for the calendars of deadlines */
    const char *database;
    const char *prefix; /* path of web.url: "" or "/letters" */
    struct catalogue *catalogue;
    struct template_set *templates;
    const struct template *pages[WEB_PAGES];
    struct web_look *looks;
    size_t look_count;
    struct web_image *images;
    size_t image_count;
};

/* Reads the site in `folder`. ERR_INVALID with the first problem, with file and line. */
int web_site_load(const char *folder, const char *templates, struct web_site **out,
                  struct err *err);
void web_site_free(struct web_site *site);

/* What says that files have changed: of their names, sizes and times. Never 0. */
uint64_t web_site_stamp(const char *folder);

/* The look of the newsletter of a list; the site's own if there is none. `list` may be
 * NULL. */
const struct web_look *web_site_look(const struct web_site *site, const char *list);

/* NULL if there is none with that hash. */
const struct web_look *web_site_style(const struct web_site *site, const char *hash);
const struct web_image *web_site_image(const struct web_site *site, const char *hash);

/* A text in a language, else in the site's first. */
const char *web_site_text(const struct web_site *site, const struct lang_text *text,
                          enum language language);
