/* frame.c - see frame.h. */
#include "frame.h"

#include <string.h>

#include "teataja/base/limits.h"
#include "teataja/calendar/zone.h"
#include "teataja/compose/piece.h"

int frame_check(const struct frame *frame, struct err *err)
{
    if (frame->err.code != 0 && err != NULL) {
        *err = frame->err;
    }
    return frame->err.code;
}

const char *frame_take(struct frame *frame, struct str *text)
{
    const char *out = NULL;

    if (frame->err.code == 0 && str_check(text, &frame->err) == 0) {
        out = arena_strndup(frame->arena, text->data, text->len);
        if (out == NULL) {
            (void)err_nomem(&frame->err);
        }
    }
    str_release(text);
    return out;
}

const char *frame_text(struct frame *frame, const char *key, const struct catalogue_arg *args,
                       size_t count)
{
    struct str text;

    if (frame->err.code != 0) {
        return NULL;
    }
    str_init(&text, LIMIT_TEXT);
    (void)catalogue_text(frame->compose->catalogue, frame->language, key, args, count, &text,
                         &frame->err);
    return frame_take(frame, &text);
}

const char *frame_word(struct frame *frame, const char *key)
{
    return frame_text(frame, key, NULL, 0);
}

const char *frame_text_with(struct frame *frame, const char *key, const char *name,
                            const char *value)
{
    const struct catalogue_arg arg = catalogue_arg_text(name, value != NULL ? value : "");

    return frame_text(frame, key, &arg, 1);
}

const char *frame_text_count(struct frame *frame, const char *key, const char *name, int64_t number)
{
    const struct catalogue_arg arg = catalogue_arg_number(name, number);

    return frame_text(frame, key, &arg, 1);
}

const char *frame_keep(struct frame *frame, const char *text)
{
    if (text == NULL && frame->err.code == 0) {
        (void)err_nomem(&frame->err);
    }
    return text;
}

const char *frame_date(struct frame *frame, const struct civil *date, enum format_style style)
{
    struct str text;

    if (frame->err.code != 0) {
        return NULL;
    }
    str_init(&text, LIMIT_VALUE);
    (void)format_date(frame->format, date, style, &text, &frame->err);
    return frame_take(frame, &text);
}

const char *frame_zoned(struct frame *frame, const char *text, const struct civil *moment,
                        const char *zone)
{
    struct str city;
    int64_t at = 0;
    int here = 0;
    int there = 0;
    const char *name;

    if (frame->err.code != 0 || zone == NULL ||
        zone_to_utc(zone, moment, &at, NULL, &frame->err) < 0 ||
        zone_offset(frame->zone, at, &here, &frame->err) < 0 ||
        zone_offset(zone, at, &there, &frame->err) < 0 || here == there) {
        return text;
    }
    str_init(&city, LIMIT_VALUE);
    (void)format_zone_city(frame->format, zone, &city, &frame->err);
    name = frame_take(frame, &city);
    if (name == NULL) {
        return NULL;
    }
    return frame_text(frame, "time.zoned",
                      (const struct catalogue_arg[]){catalogue_arg_text("time", text),
                                                     catalogue_arg_text("city", name)},
                      2);
}

const char *frame_moment(struct frame *frame, const struct civil *moment, const char *zone,
                         enum format_style style)
{
    struct str text;
    const char *words;

    if (frame->err.code != 0) {
        return NULL;
    }
    str_init(&text, LIMIT_VALUE);
    (void)format_moment(frame->format, moment, style, &text, &frame->err);
    words = frame_take(frame, &text);
    return moment->date_only || words == NULL ? words : frame_zoned(frame, words, moment, zone);
}

const char *frame_list(struct frame *frame, const char *const *items, size_t count)
{
    struct str text;

    if (frame->err.code != 0 || count == 0) {
        return NULL;
    }
    str_init(&text, LIMIT_TEXT);
    (void)format_list(frame->format, items, count, &text, &frame->err);
    return frame_take(frame, &text);
}

int frame_picture(struct frame *frame, const char *path, const struct picture **out,
                  struct err *err)
{
    struct picture picture;
    int rc = picture_load(frame->compose, frame->arena, path, &picture, err);

    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < frame->picture_count; i++) {
        if (strcmp(frame->pictures[i].cid, picture.cid) == 0) {
            *out = &frame->pictures[i];
            return 0;
        }
    }
    if (frame->picture_count == FRAME_PICTURES) {
        return err_set(err, ERR_LIMIT, "a letter can carry at most %d images", FRAME_PICTURES);
    }
    frame->pictures[frame->picture_count] = picture;
    *out = &frame->pictures[frame->picture_count++];
    return 0;
}

void frame_set_picture(struct value *map, struct frame *frame, const struct picture *picture,
                       const char *alt, int most_width, int most_height)
{
    char *src = arena_printf(frame->arena, "cid:%s", picture->cid);
    int width;
    int height;

    picture_fit(picture, most_width, most_height, &width, &height);
    value_set_text(map, "src", src);
    value_set_text(map, "alt", alt != NULL ? alt : "");
    value_set_number(map, "width", width);
    value_set_number(map, "height", height);
}

static const char *in_language(const struct frame *frame, const struct lang_text *text)
{
    return lang_text_get(text, frame->language, frame->compose->site.config->site.languages[0]);
}

/* Adds each line of a text to a list as {line}. */
static void add_lines(struct value *list, const char *text)
{
    while (text != NULL && *text != '\0') {
        size_t len = strcspn(text, "\n");

        if (len > 0) {
            value_set_text_len(value_add_map(list), "line", text, len);
        }
        text += len + (text[len] == '\n' ? 1 : 0);
    }
}

static int set_brand(struct frame *frame, struct err *err)
{
    const struct newsletter *newsletter = frame->newsletter;
    const struct site *site = &frame->compose->site.config->site;
    struct value *brand = value_set_map(frame->root, "brand");
    const char *name = newsletter != NULL && !frame->site_brand
                           ? in_language(frame, &newsletter->name)
                           : NULL;
    const struct picture *picture;
    int rc = 0;

    value_set_text(brand, "name",
                   name != NULL ? name : compose_site_name(frame->compose, frame->language));
    value_set_text(brand, "url", site->url);
    value_set_null(brand, "logo");
    value_set_null(brand, "image");
    if (newsletter != NULL && newsletter->brand.logo != NULL) {
        rc = frame_picture(frame, newsletter->brand.logo, &picture, err);
        if (rc == 0) {
            frame_set_picture(value_set_map(brand, "logo"), frame, picture,
                              in_language(frame, &newsletter->brand.logo_alt), 180, 60);
        }
    }
    if (rc == 0 && newsletter != NULL && newsletter->brand.header_image != NULL) {
        rc = frame_picture(frame, newsletter->brand.header_image, &picture, err);
        if (rc == 0) {
            frame_set_picture(value_set_map(brand, "image"), frame, picture,
                              in_language(frame, &newsletter->brand.header_alt), 600, 400);
        }
    }
    return rc;
}

static void set_reason(struct frame *frame, const char *key)
{
    static const char *const by_basis[] = {
        [SITE_BASIS_CONSENT] = "footer.why_consent",
        [SITE_BASIS_MEMBERSHIP] = "footer.why_membership",
        [SITE_BASIS_PUBLIC_TASK] = "footer.why_public_task",
        [SITE_BASIS_LEGITIMATE_INTEREST] = "footer.why_legitimate_interest",
    };

    if (frame->list == NULL) {
        value_set_null(frame->root, "reason");
        return;
    }
    value_set_text(frame->root, "reason",
                   frame_text_with(frame, key != NULL ? key : by_basis[frame->list->basis], "list",
                                   in_language(frame, &frame->list->name)));
}

static void set_sender(struct frame *frame)
{
    const struct site *site = &frame->compose->site.config->site;
    struct value *postal = value_set_list(frame->root, "postal");
    struct value *contact = value_set_map(frame->root, "contact");
    struct value *web = value_set_map(frame->root, "web");

    value_set_text(value_add_map(postal), "line",
                   compose_site_name(frame->compose, frame->language));
    add_lines(postal, in_language(frame, &site->postal_address));
    value_set_text(contact, "email", site->office.address.text);
    value_set_text(contact, "phone", site->office.phone);
    value_set_text(web, "leave", frame->list != NULL ? slot_text(SLOT_LEAVE) : NULL);
    value_set_text(web, "preferences", slot_text(SLOT_PREFERENCES));
    value_set_text(web, "view", slot_text(SLOT_VIEW));
    value_set_text(web, "privacy", frame->list != NULL ? frame->list->privacy_url : NULL);
}

static int check_period(const struct frame *frame, const struct project *project, struct err *err)
{
    char day[CIVIL_TEXT];
    char from[CIVIL_TEXT];
    char to[CIVIL_TEXT];
    struct civil today = frame->today;

    if (project_covers(project, &today)) {
        return 0;
    }
    today.date_only = true;
    civil_format(&today, day);
    civil_format(&project->from, from);
    civil_format(project_end(project), to);
    return err_set(err, ERR_STATE,
                   "project '%s' runs from %s to %s and cannot pay for what goes out on %s: take "
                   "it out of funded_by, or enter extended_to in %s",
                   project->slug, from, to, day, project->file);
}

static int add_notice(struct frame *frame, struct value *notices, const struct project *project,
                      struct err *err)
{
    struct value *notice;
    struct value *lines;
    struct value *logos;
    const char *partner;
    int rc = check_period(frame, project, err);

    if (rc < 0) {
        return rc;
    }
    if (!lang_text_has(&project->notice, frame->language)) {
        return err_set(err, ERR_INVALID,
                       "%s: the notice has no text in %s, and a letter in that language must "
                       "carry it; write it under notice.%s",
                       project->file, language_name(frame->language),
                       language_tag(frame->language));
    }
    notice = value_add_map(notices);
    lines = value_set_list(notice, "lines");
    logos = value_set_list(notice, "logos");
    partner = lang_text_get(&project->partner, frame->language, LANG_NONE);
    add_lines(lines, project->notice.text[frame->language]);
    if (partner != NULL && strstr(project->notice.text[frame->language], partner) == NULL) {
        value_set_text(value_add_map(lines), "line", partner);
    }
    for (size_t i = 0; rc == 0 && i < project->logo_count; i++) {
        const struct picture *picture;

        rc = frame_picture(frame, project->logos[i].file, &picture, err);
        if (rc == 0) {
            frame_set_picture(value_add_map(logos), frame, picture,
                              in_language(frame, &project->logos[i].alt), 260, 64);
        } else {
            (void)err_prefix(err, "%s: logo", project->file);
        }
    }
    return rc;
}

static int set_notices(struct frame *frame, const struct frame_options *options, struct err *err)
{
    struct value *notices = value_set_list(frame->root, "notices");
    const struct project *done[FRAME_PROJECTS];
    size_t done_count = 0;
    int rc = 0;

    for (size_t list = 0; rc == 0 && list < 2; list++) {
        for (size_t i = 0; rc == 0 && i < options->funded_by_count[list]; i++) {
            const char *slug = options->funded_by[list][i];
            const struct project *project = config_project(frame->compose->site.config, slug);
            bool again = false;

            for (size_t j = 0; j < done_count; j++) {
                again = again || done[j] == project;
            }
            if (again) {
                continue;
            }
            if (project == NULL || done_count == FRAME_PROJECTS) {
                return err_set(err, ERR_INVALID,
                               project == NULL ? "funded_by: no project '%s'"
                                               : "funded_by: '%s' is one project too many",
                               slug);
            }
            done[done_count++] = project;
            rc = add_notice(frame, notices, project, err);
        }
    }
    return rc;
}

/* Every variant of a letter has the same, and mixing its colours takes a while. */
static int set_theme(struct frame *frame, struct err *err)
{
    struct compose *compose = frame->compose;
    const char *colour = frame->newsletter != NULL ? frame->newsletter->brand.color : NULL;

    if (!compose->has_theme || compose->theme_colour != colour) {
        int rc = theme_init(&compose->theme, colour, err);

        compose->theme_colour = colour;
        compose->has_theme = rc == 0;
        if (rc < 0) {
            return rc;
        }
    }
    frame->theme = compose->theme;
    return 0;
}

int frame_start(struct compose *compose, struct arena *arena, const struct frame_options *options,
                struct frame *out, struct err *err)
{
    int rc;

    memset(out, 0, sizeof(*out));
    out->compose = compose;
    out->arena = arena;
    out->language = options->language;
    out->newsletter = options->newsletter;
    out->list = options->list;
    out->zone = options->zone;
    out->date = options->date;
    out->automatic = options->automatic;
    out->site_brand = options->site_brand;
    out->root = value_new(arena);
    rc = zone_from_utc(out->zone, out->date, &out->today, err);
    rc = rc < 0 ? rc : compose_format(compose, out->language, &out->format, err);
    rc = rc < 0 ? rc : set_theme(out, err);
    if (rc < 0) {
        return rc;
    }
    value_set_text(out->root, "lang", language_tag(out->language));
    value_set_text(out->root, "dir", "ltr");
    theme_value(&out->theme, out->root);
    catalogue_words(compose->catalogue, out->language, value_set_map(out->root, "t"));
    value_set_text(out->root, "date", frame_date(out, &out->today, FORMAT_LONG));
    set_sender(out);
    set_reason(out, options->reason);
    rc = frame_check(out, err);
    rc = rc < 0 ? rc : set_brand(out, err);
    rc = rc < 0 ? rc : set_notices(out, options, err);
    return rc < 0 ? rc : value_check(out->root, err);
}
