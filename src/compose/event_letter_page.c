/* event_letter_page.c - see event_letter_page.h. */
#include "event_letter_page.h"

#include <string.h>

#include "block.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/events/reminder.h"

#define AHEAD (366 * CLOCK_DAY)

/* ---- what it is about ---- */

/* The next that has not begun. */
static int find_next(const struct event *event, struct arena *arena, int64_t date,
                     struct occurrence *out, struct err *err)
{
    struct occurrence *occurrences = NULL;
    int count = event_occurrences(event, date, date + AHEAD, arena, &occurrences, err);

    for (int i = 0; i < count; i++) {
        if (!occurrences[i].cancelled && occurrences[i].start_utc > date) {
            *out = occurrences[i];
            return 0;
        }
    }
    return count < 0 ? count
                     : err_set(err, ERR_STATE,
                               "%s: the event has begun, or is more than a year away", event->file);
}

static int find_occurrence(struct invitation_page *page, struct arena *arena,
                           const char *occurrence, struct err *err)
{
    const struct event *event = page->event;
    int rc;

    if (occurrence == NULL || occurrence[0] == '\0') {
        return find_next(event, arena, page->date, &page->next, err);
    }
    rc = event_occurrence_find(event, occurrence, arena, &page->next, err);
    if (rc == 0 && page->next.cancelled) {
        return err_set(err, ERR_STATE, "%s: %s is cancelled", event->file, page->next.id);
    }
    if (rc == 0 && page->next.start_utc <= page->date) {
        return err_set(err, ERR_STATE, "%s: %s has begun", event->file, page->next.id);
    }
    return rc;
}

static int find_end(struct invitation_page *page, struct arena *arena, bool early, struct err *err)
{
    const struct event *event = page->event;
    int rc;

    if (event->editions[0].thanks == NULL) {
        return err_set(err, ERR_STATE,
                       "%s: there is nothing to send: 'thanks:' has the text and the links of such "
                       "a letter",
                       event->file);
    }
    rc = event_last(event, arena, &page->next, err);
    if (rc == 0) {
        return err_set(err, ERR_STATE, "%s: the event has no end to give thanks after",
                       event->file);
    }
    if (rc == 1 && !early && page->next.end_utc > page->date) {
        return err_set(err, ERR_STATE, "%s: the event is not over", event->file);
    }
    return rc < 0 ? rc : 0;
}

int event_letter_open(struct compose *compose, struct arena *arena, const char *slug,
                      enum event_letter_kind kind, const char *occurrence, int64_t date, bool early,
                      struct event_letter_page *page, struct err *err)
{
    int rc;

    memset(page, 0, sizeof(*page));
    page->kind = kind;
    rc = invitation_find_event(compose, slug, date, &page->event, err);
    if (rc < 0) {
        return rc;
    }
    return kind == EVENT_REMINDER ? find_occurrence(&page->event, arena, occurrence, err)
                                  : find_end(&page->event, arena, early, err);
}

struct sender event_letter_sender(const struct event_letter_page *page)
{
    struct sender sender = invitation_sender(&page->event);

    sender.kind = &mail_kinds[page->kind == EVENT_REMINDER ? MAIL_REMINDER : MAIL_THANKS];
    sender.occurrence = page->kind == EVENT_REMINDER ? page->event.next.id : NULL;
    return sender;
}

const struct event_edition *event_letter_edition(const struct event_letter_page *page,
                                                 const enum language *languages, size_t count)
{
    const struct newsletter *newsletter = page->event.newsletter;
    enum language fallback = newsletter != NULL
                                 ? newsletter->fallback
                                 : page->event.compose->site.config->site.languages[0];

    return event_edition_for(page->event.event, languages, count, fallback, NULL);
}

/* ---- the data ---- */

static int set_words(struct frame *frame, const struct markdown *words, struct err *err)
{
    if (words == NULL || markdown_count(words) == 0) {
        value_set_null(frame->root, "words");
        return 0;
    }
    return block_set_body(frame, value_set_map(frame->root, "words"), words, 2, err);
}

/* Who is invited and has none in the calendar gets it there; what is not public is not told
 * to whoever finds the address. */
static const char *calendar_url(struct frame *frame, const struct event *event)
{
    const char *web = frame->compose->site.config->site.web.url;

    return web != NULL && event->access == EVENT_PUBLIC
               ? frame_printf(frame, "%s/e/%s.%s.ics", web, event->slug,
                              language_tag(frame->language))
               : NULL;
}

static int set_reminder(struct frame *frame, const struct event_letter_page *page,
                        const struct event_edition *edition, enum answer_state answer,
                        struct err *err)
{
    static const char *const said[] = {[ANSWER_NONE] = "event.reminder_none",
                                       [ANSWER_YES] = "event.reminder_yes",
                                       [ANSWER_MAYBE] = "event.reminder_maybe"};
    int rc;

    value_set_text(frame->root, "lead", frame_word(frame, "event.reminder"));
    value_set_text(frame->root, "said", frame_word(frame, said[answer]));
    value_set_text(
        frame->root, "question",
        frame_word(frame, answer == ANSWER_YES ? "event.plans_changed" : "event.answer"));
    value_set_text(frame->root, "calendar_url", calendar_url(frame, page->event.event));
    if (event_takes_answers(page->event.event, page->event.date)) {
        invitation_set_answer(frame);
    } else {
        value_set_null(frame->root, "answer");
    }
    rc = set_words(frame, edition->reminder, err);
    return rc == 0 ? invitation_set_body(frame, edition, err) : rc;
}

static int set_data(struct frame *frame, const struct event_letter_page *page,
                    const struct event_edition *edition, enum answer_state answer,
                    struct rendered *out, struct err *err)
{
    bool reminder = page->kind == EVENT_REMINDER;
    struct occurrence_text text;

    occurrence_text(&page->event.next, edition, &text);
    value_set_text(frame->root, "title", text.title);
    value_set_text(frame->root, "preheader", block_when(frame, &page->event.next));
    value_set_null(frame->root, "counts");
    invitation_set_event(frame, &page->event, &text, NULL, reminder && answer == ANSWER_NONE);
    out->subject = frame_text_with(
        frame, reminder ? "event.subject_reminder" : "event.subject_thanks", "title", text.title);
    if (page->event.test) {
        out->subject = frame_text_with(frame, "letter.test", "subject", out->subject);
    }
    if (reminder) {
        return set_reminder(frame, page, edition, answer, err);
    }
    value_set_text(frame->root, "lead", frame_word(frame, "event.thanks"));
    return block_set_body(frame, frame->root, edition->thanks, 1, err);
}

/* ---- the whole ---- */

int event_letter_render(const struct event_letter_page *page, struct arena *arena,
                        enum language language, const char *zone, enum answer_state answer,
                        struct rendered *rendered, struct frozen *frozen, struct err *err)
{
    const struct event *event = page->event.event;
    const struct event_edition *edition = event_edition(event, language);
    const struct sender sender = event_letter_sender(page);
    const struct frame_options options = {.language = language,
                                          .zone = zone,
                                          .newsletter = page->event.newsletter,
                                          .list = page->event.list,
                                          .date = page->event.date,
                                          .reason = "footer.why_about_event",
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
    rc = frame_start(page->event.compose, arena, &options, frame, err);
    if (rc == 0) {
        rc = set_data(frame, page, edition, answer, rendered, err);
    }
    if (rc == 0) {
        rc = frame_check(frame, err);
    }
    if (rc == 0) {
        rc = edition_templates(frame, page->kind == EVENT_REMINDER ? "reminder" : "thanks",
                               rendered, err);
    }
    rendered->pictures = frame->pictures;
    rendered->picture_count = frame->picture_count;
    if (rc == 0 && rendered->html_len > LIMIT_HTML) {
        rc = err_set(err, ERR_LIMIT, "%s: the letter is %zu KB, over %d KB: shorten its text",
                     edition->file, rendered->html_len / 1024, LIMIT_HTML / 1024);
    }
    return rc == 0 ? edition_freeze(page->event.compose, arena, rendered, &sender, frozen, err)
                   : rc;
}
