/* invitation_page.c - see invitation_page.h. */
#include "invitation_page.h"

#include <string.h>

#include "block.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"

enum { DATES_MOST = 12 }; /* of a series that are written out */

static const char *office_name(const struct compose *compose, enum language language)
{
    const struct site *site = &compose->site.config->site;
    const char *name = lang_text_get(&site->office.name, language, site->languages[0]);

    return name != NULL ? name : compose_site_name(compose, language);
}

/* The newsletter that goes to the event's list lends its brand and fallback. */
static const struct newsletter *newsletter_of(const struct config *config, const char *list)
{
    for (size_t i = 0; list != NULL && i < config->newsletter_count; i++) {
        if (strcmp(config->newsletters[i].list, list) == 0) {
            return &config->newsletters[i];
        }
    }
    return NULL;
}

int invitation_find_event(struct compose *compose, const char *slug, int64_t date,
                          struct invitation_page *page, struct err *err)
{
    const struct config *config = compose->site.config;
    const struct event *event = NULL;
    int rc = event_get(compose->site.events, slug, &event, err);

    memset(page, 0, sizeof(*page));
    if (rc < 0) {
        return rc;
    }
    page->compose = compose;
    page->event = event;
    page->date = date;
    page->list = event->list != NULL ? site_list_find(&config->site, event->list) : NULL;
    page->newsletter = newsletter_of(config, event->list);
    if (page->list == NULL) {
        return err_set(err, ERR_STATE,
                       "%s: nobody can be invited without a list; name one of teataja.yaml with "
                       "'list:'",
                       event->file);
    }
    return event->status == EVENT_CANCELLED
               ? err_set(err, ERR_STATE, "%s: the event is cancelled", event->file)
               : 0;
}

int invitation_open(struct compose *compose, struct arena *arena, const char *slug, int64_t date,
                    struct invitation_page *page, struct err *err)
{
    int rc = invitation_find_event(compose, slug, date, page, err);
    const struct event *event = page->event;

    if (rc < 0) {
        return rc;
    }
    if (event->access == EVENT_INTERNAL && event->audience.text == NULL &&
        event->invite.text == NULL) {
        return err_set(err, ERR_STATE,
                       "%s: an internal meeting needs an 'audience:' that says who it is for",
                       event->file);
    }
    rc = event_next(event, date, INT64_MAX, arena, &page->next, err);
    if (rc == 0) {
        return err_set(err, ERR_STATE, "%s: the event is over", event->file);
    }
    if (rc == 1 && !event_takes_answers(event, date)) {
        return err_set(err, ERR_STATE, "%s: answers were taken until rsvp.by, which is past",
                       event->file);
    }
    return rc < 0 ? rc : 0;
}

struct sender invitation_sender(const struct invitation_page *page)
{
    const struct site *site = &page->compose->site.config->site;

    return (struct sender){.newsletter = page->newsletter,
                           .list = page->list,
                           .from = &site->office.address,
                           .from_name = &site->office.name,
                           .feedback = page->event->slug,
                           .kind = &mail_kinds[MAIL_INVITATION]};
}

/* "Dates: 2 March, 9 March and 16 March"; NULL for a single event. */
static const char *series_text(struct frame *frame, const struct invitation_page *page)
{
    const char *dates[DATES_MOST + 1];
    struct occurrence *occurrences;
    const char *label;
    const char *list;
    size_t count = 0;
    int found;

    if (!event_is_series(page->event) || frame->err.code != 0) {
        return NULL;
    }
    found = event_occurrences(page->event, frame->date, frame->date + 366 * CLOCK_DAY, frame->arena,
                              &occurrences, &frame->err);
    for (int i = 0; i < found && count < DATES_MOST; i++) {
        if (!occurrences[i].cancelled) {
            dates[count++] = frame_date(frame, &occurrences[i].start, FORMAT_DAY);
        }
    }
    if (count == DATES_MOST && found > DATES_MOST) {
        dates[count++] = "…";
    }
    label = frame_word(frame, "event.dates");
    list = frame_list(frame, dates, count);
    return label != NULL && list != NULL ? frame_printf(frame, "%s: %s", label, list) : NULL;
}

void invitation_set_event(struct frame *frame, const struct invitation_page *page,
                          const struct occurrence_text *text, const char *series, bool asks)
{
    const struct event *event = page->event;
    struct value *map = value_set_map(frame->root, "event");
    const struct civil *start = &page->next.start;

    value_set_text(map, "title", text->title);
    value_set_text(map, "when", block_when(frame, &page->next));
    value_set_null(map, "zone_note");
    value_set_text(map, "series", series);
    value_set_text(map, "place", text->place);
    value_set_text(map, "address", text->address);
    value_set_text(map, "map_url", text->place_url);
    value_set_text(map, "online_url", text->online);
    value_set_text(map, "url", event->url);
    value_set_text(map, "day", frame_printf(frame, "%d", start->day));
    value_set_text(map, "month", frame_date(frame, start, FORMAT_LEAF_MONTH));
    value_set_text(map, "weekday", frame_date(frame, start, FORMAT_LEAF_WEEKDAY));
    value_set_text(map, "rsvp_by",
                   asks && event->rsvp.has_by
                       ? frame_moment(frame, &event->rsvp.by, event->tzid, FORMAT_LONG)
                       : NULL);
    value_set_text(map, "seats",
                   asks && event->rsvp.capacity > 0
                       ? frame_text_count(frame, "event.seats", "count", event->rsvp.capacity)
                       : NULL);
    value_set_text(map, "organizer", office_name(frame->compose, frame->language));
}

void invitation_set_answer(struct frame *frame)
{
    struct value *answer = value_set_map(frame->root, "answer");

    value_set_text(answer, "yes", slot_text(SLOT_YES));
    value_set_text(answer, "maybe", slot_text(SLOT_MAYBE));
    value_set_text(answer, "no", slot_text(SLOT_NO));
}

/* The text of an .ics is plain: its paragraphs become the summary of the page. */
int invitation_set_body(struct frame *frame, const struct event_edition *edition, struct err *err)
{
    const struct markdown_options options = {.file = edition->file};
    struct markdown *body = NULL;
    int rc = 0;

    if (edition->body != NULL) {
        return block_set_body(frame, frame->root, edition->body, 1, err);
    }
    if (edition->description != NULL) {
        struct str escaped;

        str_init(&escaped, LIMIT_TEXT);
        for (const char *at = edition->description; *at != '\0'; at++) {
            if (strchr("\\`*_{}[]<>#+-.!|&~", *at) != NULL) {
                str_add_char(&escaped, '\\');
            }
            str_add_char(&escaped, *at);
        }
        rc = str_check(&escaped, err);
        if (rc == 0) {
            rc =
                markdown_parse(frame->arena, escaped.data, escaped.len, &options, NULL, &body, err);
        }
        str_release(&escaped);
    }
    return rc == 0 ? block_set_body(frame, frame->root, body, 1, err) : rc;
}

static int set_data(struct frame *frame, const struct invitation_page *page,
                    const struct event_edition *edition, struct rendered *out, struct err *err)
{
    struct occurrence_text text;

    occurrence_text(&page->next, edition, &text);
    value_set_text(frame->root, "title", text.title);
    value_set_text(frame->root, "preheader",
                   text.summary != NULL ? text.summary : block_when(frame, &page->next));
    value_set_null(frame->root, "counts");
    value_set_text(frame->root, "lead", frame_word(frame, "event.invited"));
    value_set_bool(frame->root, "cancelled", false);
    invitation_set_event(frame, page, &text, series_text(frame, page), true);
    invitation_set_answer(frame);
    out->subject = frame_text_with(frame, "event.subject", "title", text.title);
    if (page->test) {
        out->subject = frame_text_with(frame, "letter.test", "subject", out->subject);
    }
    return invitation_set_body(frame, edition, err);
}

static int add_calendar(const struct invitation_page *page, struct arena *arena,
                        const struct event_edition *edition, struct frozen *frozen, struct err *err)
{
    const struct ical_options options = {.method = ICAL_REQUEST,
                                         .uid = page->uid,
                                         .sequence = page->sequence,
                                         .dtstamp = page->stamp != 0 ? page->stamp : page->date,
                                         .edition = edition};

    frozen->organizer = office_name(page->compose, edition->language);
    return ical_prepare(arena, page->event, &options, &frozen->calendar, err);
}

int invitation_render(const struct invitation_page *page, struct arena *arena,
                      enum language language, const char *zone, struct rendered *rendered,
                      struct frozen *frozen, struct err *err)
{
    const struct event *event = page->event;
    const struct event_edition *edition = event_edition(event, language);
    const struct sender sender = invitation_sender(page);
    const struct frame_options options = {.language = language,
                                          .zone = zone,
                                          .newsletter = page->newsletter,
                                          .list = page->list,
                                          .date = page->date,
                                          .reason = "footer.why_invited",
                                          .funded_by = {event->funded_by, NULL},
                                          .funded_by_count = {event->funded_by_count, 0}};
    struct frame *frame = arena_alloc(arena, 1, sizeof(*frame));
    int rc;

    memset(rendered, 0, sizeof(*rendered));
    memset(frozen, 0, sizeof(*frozen));
    if (frame == NULL) {
        return err_nomem(err);
    }
    rendered->language = language;
    rc = frame_start(page->compose, arena, &options, frame, err);
    if (rc == 0) {
        rc = set_data(frame, page, edition, rendered, err);
    }
    if (rc == 0) {
        rc = frame_check(frame, err);
    }
    if (rc == 0) {
        rc = edition_templates(frame, "invitation", rendered, err);
    }
    rendered->pictures = frame->pictures;
    rendered->picture_count = frame->picture_count;
    if (rc == 0 && rendered->html_len > LIMIT_HTML) {
        rc = err_set(err, ERR_LIMIT, "%s: the invitation is %zu KB, over %d KB: shorten its text",
                     edition->file, rendered->html_len / 1024, LIMIT_HTML / 1024);
    }
    if (rc == 0) {
        rc = edition_freeze(page->compose, arena, rendered, &sender, frozen, err);
    }
    return rc == 0 ? add_calendar(page, arena, edition, frozen, err) : rc;
}
