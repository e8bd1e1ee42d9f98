/* frame.h - the data that every message's templates need: brand, sender, links,
 * notices (templates/mail/README.md, "Every message"). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "picture.h"
#include "room.h"
#include "teataja/render/theme.h"

enum { FRAME_PICTURES = 32, FRAME_PROJECTS = 16 };

struct frame {
    struct compose *compose;
    struct arena *arena;
    enum language language;
    const struct newsletter *newsletter; /* NULL: the site's own brand */
    const struct site_list *list;
    const char *zone;   /* of the dates shown */
    bool automatic;     /* of a letter that composes itself */
    bool site_brand;    /* its title is the newsletter's name */
    int brief;          /* how much is left out so that a long letter fits: block.h */
    int64_t date;       /* of the message */
    struct civil today; /* the same in the zone */
    struct format *format;
    struct theme theme;
    struct value *root;
    struct picture pictures[FRAME_PICTURES];
    size_t picture_count;
    struct err err; /* the first failure of what builds texts; frame_check */
};

struct frame_options {
    enum language language;
    const char *zone; /* of the reader; must outlive the frame */
    const struct newsletter *newsletter;
    const struct site_list *list;
    int64_t date;
    bool automatic;
    bool site_brand; /* the site's name above a title that is the newsletter's */
    const char *reason; /* key of the catalogue with {list}: "footer.why_invited"; NULL: by basis */
    const char *const *funded_by[2];
    size_t funded_by_count[2];
};

/* Fills frame->root but for title, preheader, counts and the message's own names.
 * Refuses, as project.h says, what a project may not pay for. */
int frame_start(struct compose *compose, struct arena *arena, const struct frame_options *options,
                struct frame *out, struct err *err);

/* Building never fails at the call: these give NULL after a failure, which
 * frame_check reports once, so that code which builds data reads as the data. */
int frame_check(const struct frame *frame, struct err *err);

/* A text of the catalogue in the frame's language, in the arena. */
const char *frame_text(struct frame *frame, const char *key, const struct catalogue_arg *args,
                       size_t count);

/* frame_text without, with one text, and with one number as argument. */
const char *frame_word(struct frame *frame, const char *key);
const char *frame_text_with(struct frame *frame, const char *key, const char *name,
                            const char *value);
const char *frame_text_count(struct frame *frame, const char *key, const char *name,
                             int64_t number);

/* printf in the arena: frame_keep notes when memory is out. */
const char *frame_keep(struct frame *frame, const char *text);
#define frame_printf(frame, ...) frame_keep((frame), arena_printf((frame)->arena, __VA_ARGS__))

/* A date in a style; a date and time, with the city of its zone where clocks show
 * another time than in the reader's zone. */
const char *frame_date(struct frame *frame, const struct civil *date, enum format_style style);
const char *frame_moment(struct frame *frame, const struct civil *moment, const char *zone,
                         enum format_style style);

/* `text` with the city of the zone, as above. */
const char *frame_zoned(struct frame *frame, const char *text, const struct civil *moment,
                        const char *zone);

/* Texts joined as a list; NULL for none. */
const char *frame_list(struct frame *frame, const char *const *items, size_t count);

/* What a function of format.h wrote with frame->err, in the arena; releases it. */
const char *frame_take(struct frame *frame, struct str *text);

/* The picture of a path, in the letter once however often it is shown. */
int frame_picture(struct frame *frame, const char *path, const struct picture **out,
                  struct err *err);

/* Sets {src, alt, width, height}. */
void frame_set_picture(struct value *map, struct frame *frame, const struct picture *picture,
                       const char *alt, int most_width, int most_height);
