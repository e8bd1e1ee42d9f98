/* block.c - the blocks as a whole, events and news; calls are in block_call.c. */
#include "block.h"

#include <string.h>

#include "block_call.h"
#include "teataja/base/limits.h"

void block_set_language(struct frame *frame, struct value *item, enum language language)
{
    bool other = language != frame->language;
    const char *words = NULL;

    if (other) {
        words = frame_word(frame, frame_printf(frame, "language.in_%s", language_tag(language)));
    }
    value_set_text(item, "lang", other ? language_tag(language) : NULL);
    value_set_text(item, "dir", other ? "ltr" : NULL);
    value_set_text(item, "lang_note", words != NULL ? frame_printf(frame, "(%s)", words) : NULL);
}

static int body_parts(const struct markdown *body, const struct theme *theme, int heading_offset,
                      struct str *html, struct str *text, struct err *err)
{
    int footnote = 0;
    const struct markdown_text_options options = {.footnote = &footnote};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < markdown_count(body); i++) {
        rc = markdown_html(body, i, theme, heading_offset, html, err);
        if (rc == 0) {
            rc = markdown_text(body, i, &options, text, err);
        }
    }
    return rc;
}

int block_set_body(struct frame *frame, struct value *item, const struct markdown *body,
                   int heading_offset, struct err *err)
{
    struct str html;
    struct str text;
    int rc = 0;

    value_set_null(item, "body_html");
    value_set_null(item, "body_text");
    if (body == NULL || markdown_count(body) == 0) {
        return 0;
    }
    str_init(&html, LIMIT_TEXT);
    str_init(&text, LIMIT_TEXT);
    rc = body_parts(body, &frame->theme, heading_offset, &html, &text, err);
    if (rc == 0) {
        str_trim_end(&text);
        value_set_markup(item, "body_html", html.data);
        value_set_text(item, "body_text", text.data);
    }
    str_release(&html);
    str_release(&text);
    return rc;
}

/* ---- events ---- */

/* A meeting of several days is on at the same hours each day; one that ends early
 * in the morning after is a single night. */
static bool same_hours(const struct occurrence *occurrence)
{
    const struct civil *start = &occurrence->start;
    const struct civil *end = &occurrence->end;

    return civil_days(start) != civil_days(end) && !start->date_only && !end->date_only &&
           start->hour * 60 + start->minute < end->hour * 60 + end->minute;
}

const char *block_when(struct frame *frame, const struct occurrence *occurrence)
{
    struct str text;
    const char *words;
    int rc;

    if (frame->err.code != 0) {
        return NULL;
    }
    str_init(&text, LIMIT_VALUE);
    if (same_hours(occurrence)) {
        rc = format_date_range(frame->format, &occurrence->start, &occurrence->end, FORMAT_LONG,
                               &text, &frame->err);
        str_add(&text, ", ");
        if (rc == 0) {
            (void)format_time_range(frame->format, &occurrence->start, &occurrence->end, &text,
                                    &frame->err);
        }
    } else {
        (void)format_range(frame->format, &occurrence->start, &occurrence->end, FORMAT_FULL, &text,
                           &frame->err);
    }
    words = frame_take(frame, &text);
    return occurrence->start.date_only || words == NULL
               ? words
               : frame_zoned(frame, words, &occurrence->start, occurrence->event->tzid);
}

const char *block_place(struct frame *frame, const struct occurrence_text *text)
{
    if (text->place != NULL && text->address != NULL) {
        return frame_printf(frame, "%s, %s", text->place, text->address);
    }
    return text->place != NULL ? text->place : text->address;
}

static const char *rsvp_by(struct frame *frame, const struct event *event)
{
    return event->rsvp.has_by ? frame_moment(frame, &event->rsvp.by, event->tzid, FORMAT_LONG)
                              : NULL;
}

/* From what this reader was told, else from what the rule says. */
static const char *moved_text(struct frame *frame, const struct selected_event *selected)
{
    const struct occurrence *occurrence = &selected->occurrence;
    bool told = frame->automatic && selected->moved_from.year != 0;
    const char *from =
        frame_date(frame, told ? &selected->moved_from : &occurrence->original, FORMAT_DAY);
    const char *to = frame_date(frame, &occurrence->start, FORMAT_DAY);

    if (told && civil_days(&selected->moved_from) == civil_days(&occurrence->start)) {
        return frame_word(frame, "event.changed");
    }
    return frame_text(
        frame, "event.moved",
        (const struct catalogue_arg[]){catalogue_arg_text("old", from != NULL ? from : ""),
                                       catalogue_arg_text("new", to != NULL ? to : "")},
        2);
}

static void add_event(struct frame *frame, struct value *items,
                      const struct selected_event *selected)
{
    const struct event *event = selected->event;
    const struct event_edition *edition = event_edition(event, selected->language);
    const struct occurrence *occurrence = &selected->occurrence;
    struct value *item = value_add_map(items);
    struct occurrence_text text;

    occurrence_text(occurrence, edition, &text);
    value_set_text(item, "title", text.title);
    value_set_text(item, "url", event->url);
    block_set_language(frame, item, selected->language);
    value_set_text(item, "day", frame_printf(frame, "%d", occurrence->start.day));
    value_set_text(item, "month", frame_date(frame, &occurrence->start, FORMAT_LEAF_MONTH));
    value_set_text(item, "when", block_when(frame, occurrence));
    value_set_text(item, "place", block_place(frame, &text));
    value_set_bool(item, "online", text.online != NULL);
    value_set_text(item, "rsvp_by", rsvp_by(frame, event));
    value_set_text(item, "badge",
                   occurrence->moved || (frame->automatic && selected->moved_from.year != 0)
                       ? moved_text(frame, selected)
                       : NULL);
    value_set_text(item, "summary", frame->brief < BRIEF_TEXTS ? text.summary : NULL);
}

/* ---- news ---- */

static int add_news(struct frame *frame, struct value *items, const struct selected_news *selected,
                    struct err *err)
{
    const struct news *news = selected->news;
    const struct edition *edition = news->item.editions[selected->language];
    const char *key = frame_printf(frame, "news.%s", news_type_name((enum news_type)news->type));
    struct value *item = value_add_map(items);
    struct markdown *body = NULL;
    int rc = 0;

    value_set_text(item, "title", edition->title);
    value_set_text(item, "url", edition->url);
    block_set_language(frame, item, selected->language);
    value_set_text(item, "type",
                   news->type != NEWS_NEWS && key != NULL
                       ? catalogue_word(frame->compose->catalogue, frame->language, key)
                       : NULL);
    value_set_text(item, "summary", edition->summary);
    value_set_text(item, "until",
                   news->until.year != 0
                       ? frame_text_with(frame, "news.valid_until", "date",
                                         frame_date(frame, &news->until, FORMAT_LONG))
                       : NULL);
    value_set_null(item, "image");
    if (edition->body_len > 0 && (edition->summary == NULL || edition->url == NULL)) {
        rc = item_body(frame->arena, &news->item, edition, NULL, &body, err);
    }
    if (rc == 0) {
        rc = block_set_body(frame, item, body, 3, err);
    }
    if (rc == 0 && news->image != NULL) {
        const struct picture *picture;
        struct err own = {0};

        /* A larger picture belongs to the page that the news links to. */
        if (frame_picture(frame, news->image->file, &picture, &own) == 0) {
            frame_set_picture(value_set_map(item, "image"), frame, picture,
                              edition->image_alt != NULL ? edition->image_alt : news->image->alt,
                              520, 400);
        }
    }
    return rc;
}

/* ---- all ---- */

/* The list of a block that is not empty; a null for one that is. */
static struct value *items_of(struct frame *frame, const char *name, size_t count)
{
    if (count == 0) {
        value_set_null(frame->root, name);
        return NULL;
    }
    return value_set_list(value_set_map(frame->root, name), "items");
}

static void set_counts(struct frame *frame, size_t calls, const struct selection *selection)
{
    const struct {
        const char *key;
        size_t count;
    } counts[] = {
        {"count.calls", calls},
        {"count.events", selection->event_count},
        {"count.news", selection->news_count},
    };
    const char *line = NULL;

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        const char *words;

        if (counts[i].count == 0) {
            continue;
        }
        words = frame_text_count(frame, counts[i].key, "count", (int64_t)counts[i].count);
        line = line != NULL && words != NULL ? frame_printf(frame, "%s · %s", line, words) : words;
    }
    value_set_text(frame->root, "counts", line);
}

int block_set(struct frame *frame, const struct selection *selection, struct err *err)
{
    struct value *events = items_of(frame, "events", selection->event_count);
    struct value *news = items_of(frame, "news", selection->news_count);
    size_t open = 0;
    int rc = block_set_calls(frame, selection, &open, err);

    for (size_t i = 0; i < selection->event_count; i++) {
        add_event(frame, events, &selection->events[i]);
    }
    for (size_t i = 0; rc == 0 && i < selection->news_count; i++) {
        rc = add_news(frame, news, &selection->news[i], err);
    }
    set_counts(frame, open, selection);
    if (rc == 0) {
        rc = frame_check(frame, err);
    }
    return rc == 0 ? value_check(frame->root, err) : rc;
}
