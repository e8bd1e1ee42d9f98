/* letter_lines.c - see letter_lines.h. */
#include "letter_lines.h"

#include <string.h>

#include "sql/compose/letter.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"

enum { WARNINGS = 64 };

const char *letter_plain_subject(struct arena *arena, const char *subject)
{
    struct slot_values values = {{NULL}};
    struct err ignored = {0};
    struct str text;
    const char *out = NULL;

    for (size_t i = 0; i < SLOTS; i++) {
        values.value[i] = "…";
    }
    str_init(&text, LIMIT_TEXT);
    if (piece_fill_line(subject, &values, &text, &ignored) == 0) {
        out = arena_strdup(arena, text.data);
    }
    str_release(&text);
    return out;
}

struct lines {
    const struct letter *letter;
    struct arena *arena;
    struct letter_line *items;
    size_t count;
    enum language language; /* of the letter */
};

static const char *in_language(struct lines *lines, enum language language, const char *note)
{
    const char *tag = language_tag(language);

    if (language == lines->language) {
        return note;
    }
    return note[0] != '\0' ? arena_printf(lines->arena, "%s, in %s", note, tag)
                           : arena_printf(lines->arena, "in %s", tag);
}

static void add_line(struct lines *lines, const char *block, const char *slug, const char *title,
                     enum language language, const char *note)
{
    lines->items[lines->count++] = (struct letter_line){
        .block = block, .slug = slug, .title = title, .note = in_language(lines, language, note)};
}

static void add_calls(struct lines *lines, const struct selection *selection)
{
    static const char *const notes[] = {[SELECT_NEW] = "new",
                                        [SELECT_MOVED] = "moved",
                                        [SELECT_CLOSED] = "closed",
                                        [SELECT_STILL] = "",
                                        [SELECT_CLOSING] = "closing soon"};

    for (size_t i = 0; i < selection->call_count; i++) {
        const struct selected_call *call = &selection->calls[i];

        if (call->reason == SELECT_CLOSING) {
            add_line(lines, "deadlines", call->call->item.slug,
                     call->call->item.editions[call->language]->title, call->language,
                     notes[call->reason]);
        }
    }
    for (int still = 0; still < 2; still++) {
        for (size_t i = 0; i < selection->call_count; i++) {
            const struct selected_call *call = &selection->calls[i];

            if (call->reason != SELECT_CLOSING && (call->reason == SELECT_STILL) == (still == 1)) {
                add_line(lines, still == 1 ? "still_open" : "calls", call->call->item.slug,
                         call->call->item.editions[call->language]->title, call->language,
                         notes[call->reason]);
            }
        }
    }
}

int letter_list_lines(const struct letter *letter, struct arena *arena,
                      const struct selection *selection, const struct letter_line **out,
                      size_t *count, struct err *err)
{
    size_t most = selection->call_count + selection->event_count + selection->news_count;
    struct lines lines = {.letter = letter,
                          .arena = arena,
                          .items = arena_alloc(arena, most + 1, sizeof(*lines.items)),
                          .language = selection->language};

    if (lines.items == NULL) {
        return err_nomem(err);
    }
    if (letter->issue->automatic ||
        (letter->docs[selection->language].blocks & 1U << BLOCK_CALLS) != 0) {
        add_calls(&lines, selection);
    }
    for (size_t i = 0; i < selection->event_count; i++) {
        const struct selected_event *event = &selection->events[i];

        add_line(&lines, "events", event->event->slug,
                 event_edition(event->event, event->language)->title, event->language,
                 event->moved_from.year != 0 && letter->issue->automatic ? "moved" : "");
    }
    for (size_t i = 0; i < selection->news_count; i++) {
        const struct selected_news *news = &selection->news[i];

        add_line(&lines, "news", news->news->item.slug,
                 news->news->item.editions[news->language]->title, news->language, "");
    }
    for (size_t i = 0; i < lines.count; i++) {
        if (lines.items[i].note == NULL) {
            return err_nomem(err);
        }
    }
    *out = lines.items;
    *count = lines.count;
    return 0;
}

/* A call that the editor may still think open. */
static const char *closed_lately(struct arena *arena, const struct call *call, int64_t date)
{
    const struct call_round *round = call_current_round(call, date);
    char text[CIVIL_TEXT];

    if (call_state_at(call, date) != CALL_CLOSED || !round->has_deadline ||
        round->deadline.at > date || round->deadline.at < date - 7 * CLOCK_DAY) {
        return NULL;
    }
    civil_print(&round->deadline.civil, text);
    return arena_printf(arena, "call '%s' closed on %s %s and is left out", call->item.slug, text,
                        round->deadline.zone);
}

static int warn_sent(const struct letter *letter, struct arena *arena, const char **out,
                     struct err *err)
{
    const char *subject = arena_printf(arena, "issues/%s", letter->issue->item.slug);
    int64_t mailing = 0;
    int rc;

    if (subject == NULL) {
        return err_nomem(err);
    }
    rc =
        db_get_int(letter->compose->site.members->db, SQL_LETTER_SENT, &mailing, err, "t", subject);
    if (rc == 1) {
        *out = arena_printf(arena, "%s is mailing %lld already", subject, (long long)mailing);
    }
    return rc < 0 ? rc : 0;
}

/* Adds one; those past the room for them are not told. 0, or ERR_NOMEM. */
static int add_warning(const char **warnings, const char *text, struct letter_summary *out,
                       struct err *err)
{
    if (text == NULL) {
        return err_nomem(err);
    }
    if (out->warning_count < WARNINGS) {
        warnings[out->warning_count++] = text;
    }
    return 0;
}

int letter_warn(const struct letter *letter, const struct selector *selector, struct arena *arena,
                bool sent, struct letter_summary *out, struct err *err)
{
    const struct content *content = letter->compose->site.content;
    const char **warnings = arena_alloc(arena, WARNINGS, sizeof(*warnings));
    const char *text = NULL;
    int rc = 0;

    if (warnings == NULL) {
        return err_nomem(err);
    }
    if (sent && !letter->issue->automatic) {
        rc = warn_sent(letter, arena, &text, err);
    }
    if (text != NULL) {
        warnings[out->warning_count++] = text;
    }
    for (size_t i = 0; rc == 0 && selector_left(selector, i) != NULL; i++) {
        rc = add_warning(warnings, arena_strdup(arena, selector_left(selector, i)), out, err);
    }
    for (size_t i = 0; i < content->call_count && out->warning_count < WARNINGS; i++) {
        text = closed_lately(arena, &content->calls[i], letter->date);
        if (text != NULL) {
            warnings[out->warning_count++] = text;
        }
    }
    out->warnings = warnings;
    return rc;
}
