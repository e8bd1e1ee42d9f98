/* room.h - what the files of this room share. */
#pragma once

#include "teataja/compose/compose.h"
#include "teataja/members/profile.h"
#include "teataja/members/segment.h"
#include "teataja/render/catalogue.h"
#include "teataja/render/format.h"
#include "teataja/render/template.h"
#include "teataja/render/theme.h"

struct compose {
    struct compose_site site;
    struct arena *arena;
    struct catalogue *catalogue;
    struct template_set *templates;
    struct format *formats[LANG_COUNT]; /* opened when first needed */
    struct theme theme;                 /* made last */
    const char *theme_colour;           /* of the configuration: what it was made of */
    bool has_theme;
    struct segment_scope scope;
};

/* The formatters of a language, which the compose keeps. */
int compose_format(struct compose *compose, enum language language, struct format **out,
                   struct err *err);

/* Parses a segment of a file; `what` says where it stands: "events/forum.md: audience".
 * A NULL text gives NULL. */
int compose_segment(struct compose *compose, const char *what, const char *text,
                    struct segment **out, struct err *err);

/* The zone of a letter's dates: the newsletter's, else the site's. */
const char *compose_zone(const struct compose *compose, const struct newsletter *newsletter);

/* The zone of this reader's dates: the member's own, else the letter's. */
const char *compose_reader_zone(const struct compose *compose, const struct newsletter *newsletter,
                                const struct member_profile *profile);

/* The site's name in a language. */
const char *compose_site_name(const struct compose *compose, enum language language);
