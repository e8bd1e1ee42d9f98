/* block_call.c - see block_call.h. */
#include "block_call.h"

#include <string.h>

#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/calendar/zone.h"

enum {
    LEFT_MOST = 60, /* days: farther deadlines are not counted down */
    LAST_DAYS = 7,  /* a new call that closes so soon says so */
    TERMS_MOST = 64
};

static const int64_t INFO_WITHIN = 366 * CLOCK_DAY;

/* Days from the message's date to a deadline, by the calendar of its zone. */
static int64_t days_left(struct frame *frame, const struct call_round *round)
{
    struct civil today;

    if (!round->has_deadline ||
        zone_from_utc(round->deadline.zone, frame->date, &today, &frame->err) < 0) {
        return INT64_MAX;
    }
    return civil_days(&round->deadline.civil) - civil_days(&today);
}

static const char *left_text(struct frame *frame, const struct call_round *round)
{
    int64_t days = days_left(frame, round);

    if (days < 0 || days > LEFT_MOST) {
        return NULL;
    }
    return days == 0   ? frame_word(frame, "time.today")
           : days == 1 ? frame_word(frame, "time.tomorrow")
                       : frame_text_count(frame, "time.in_days", "days", days);
}

static const char *deadline_text(struct frame *frame, const struct selected_call *selected)
{
    const struct call_round *round = selected->round;

    if (round->has_deadline) {
        return frame_moment(frame, &round->deadline.civil, round->deadline.zone, FORMAT_LONG);
    }
    return frame_word(frame, selected->call->until_spent ? "call.until_spent" : "call.rolling");
}

/* "moved from ... to ...": from what this reader was told, else from what the
 * funder had first said. */
static const char *moved_text(struct frame *frame, const struct selected_call *selected)
{
    const struct call_round *round = selected->round;
    const struct civil *old = selected->moved_from.year != 0 ? &selected->moved_from
                              : round->moved                 ? &round->moved_from
                                                             : NULL;
    const char *from;
    const char *to;

    if (old == NULL || !round->has_deadline || civil_compare(old, &round->deadline.civil) == 0) {
        return NULL;
    }
    from = frame_date(frame, old, FORMAT_LONG);
    to = frame_date(frame, &round->deadline.civil, FORMAT_LONG);
    return frame_text(
        frame, civil_compare(&round->deadline.civil, old) > 0 ? "call.extended" : "call.moved",
        (const struct catalogue_arg[]){catalogue_arg_text("old", from != NULL ? from : ""),
                                       catalogue_arg_text("new", to != NULL ? to : "")},
        2);
}

static const char *stages_text(struct frame *frame, const struct call *call)
{
    const char *line = NULL;

    for (size_t i = 0; call->stage_count > 1 && i < call->stage_count; i++) {
        const struct call_stage *stage = &call->stages[i];
        const char *name = lang_text_get(&stage->name, frame->language, LANG_NONE);
        const char *date =
            frame_moment(frame, &stage->deadline.civil, stage->deadline.zone, FORMAT_LONG);
        const char *words;

        if (name == NULL) {
            name = frame_text_count(frame, "call.stage", "number", (int64_t)i + 1);
        }
        words = frame_printf(frame, "%s: %s", name != NULL ? name : "", date != NULL ? date : "");
        line = line != NULL && words != NULL ? frame_printf(frame, "%s; %s", line, words) : words;
    }
    return line;
}

static void set_deadline(struct frame *frame, struct value *item,
                         const struct selected_call *selected, bool note)
{
    struct value *deadline = value_set_map(item, "deadline");
    const char *moved = note ? moved_text(frame, selected) : NULL;

    value_set_text(deadline, "text", deadline_text(frame, selected));
    value_set_text(deadline, "left", left_text(frame, selected->round));
    if (note) {
        value_set_text(deadline, "note", moved);
        value_set_text(deadline, "stages", stages_text(frame, selected->call));
    }
}

static const char *badge_text(struct frame *frame, const struct selected_call *selected, bool mixed)
{
    if (selected->reason == SELECT_MOVED) {
        return frame_word(frame, "call.deadline_moved");
    }
    if (days_left(frame, selected->round) <= LAST_DAYS) {
        return frame_word(frame, "call.last_days");
    }
    return mixed ? frame_word(frame, "letter.new") : NULL;
}

/* ---- amounts ---- */

static const char *amount_text(struct frame *frame, const struct call_amount *amount)
{
    struct str text;
    const char *words;

    if (frame->err.code != 0 || (amount->min == 0 && amount->max == 0)) {
        return NULL;
    }
    str_init(&text, LIMIT_VALUE);
    if (amount->min > 0 && amount->max > 0) {
        (void)format_money_range(frame->format, amount->min * 100, amount->max * 100,
                                 amount->currency, &text, &frame->err);
        return frame_take(frame, &text);
    }
    (void)format_money(frame->format, (amount->min > 0 ? amount->min : amount->max) * 100,
                       amount->currency, &text, &frame->err);
    words = frame_take(frame, &text);
    return frame_text_with(frame, amount->min > 0 ? "amount.from" : "amount.upto", "amount", words);
}

static const char *percent(struct frame *frame, int hundredths)
{
    struct str text;

    if (frame->err.code != 0) {
        return NULL;
    }
    str_init(&text, LIMIT_VALUE);
    (void)format_percent(frame->format, hundredths, &text, &frame->err);
    return frame_take(frame, &text);
}

static const char *rate_text(struct frame *frame, const struct call_amount *amount)
{
    const char *rate = amount->rate > 0 ? frame_text_with(frame, "amount.rate_upto", "rate",
                                                          percent(frame, amount->rate))
                                        : NULL;
    const char *share = amount->own_share > 0
                            ? frame_text_with(frame, "amount.own_share_from", "share",
                                              percent(frame, amount->own_share))
                            : NULL;

    if (rate != NULL && share != NULL) {
        return frame_printf(frame, "%s, %s", rate, share);
    }
    return rate != NULL ? rate : share;
}

/* One amount has its rate on a line of its own; of several each carries its own. */
static void set_amounts(struct frame *frame, struct value *item, const struct call *call)
{
    const char *line = NULL;

    if (call->amount_count == 1) {
        const char *amount = amount_text(frame, &call->amounts[0]);
        const char *rate = rate_text(frame, &call->amounts[0]);

        value_set_text(item, "amount", amount != NULL ? amount : rate);
        value_set_text(item, "rate", amount != NULL ? rate : NULL);
        return;
    }
    for (size_t i = 0; i < call->amount_count; i++) {
        const char *amount = amount_text(frame, &call->amounts[i]);
        const char *rate = rate_text(frame, &call->amounts[i]);
        const char *words = amount != NULL && rate != NULL
                                ? frame_printf(frame, "%s (%s)", amount, rate)
                                : (amount != NULL ? amount : rate);

        line = line != NULL && words != NULL ? frame_printf(frame, "%s; %s", line, words)
                                             : (words != NULL ? words : line);
    }
    value_set_text(item, "amount", line);
    value_set_null(item, "rate");
}

/* ---- who, where, how ---- */

/* The name of a term: the site's own in this language, else the catalogue's. */
static const char *term_name(struct frame *frame, const struct vocabulary *vocabulary,
                             const char *group, const char *slug)
{
    const struct schema_term *term = site_term_find(vocabulary, slug, &frame->err);
    const char *key = frame_printf(frame, "%s.%s", group, slug);
    const char *word = NULL;

    if (term != NULL && lang_text_has(&term->name, frame->language)) {
        return term->name.text[frame->language];
    }
    if (key != NULL) {
        word = catalogue_word(frame->compose->catalogue, frame->language, key);
    }
    if (word == NULL && term != NULL) {
        word =
            schema_term_name(term, frame->language, frame->compose->site.config->site.languages[0]);
    }
    return word != NULL ? word : slug;
}

static const char *terms_text(struct frame *frame, const struct vocabulary *vocabulary,
                              const char *group, const char *const *slugs, size_t count)
{
    const char *names[TERMS_MOST];
    size_t most = count < TERMS_MOST ? count : TERMS_MOST;

    for (size_t i = 0; i < most; i++) {
        names[i] = term_name(frame, vocabulary, group, slugs[i]);
    }
    return frame_list(frame, names, most);
}

static const char *regions_text(struct frame *frame, const struct call *call)
{
    const char *names[TERMS_MOST];
    size_t most = call->region_count < TERMS_MOST ? call->region_count : TERMS_MOST;

    for (size_t i = 0; i < most; i++) {
        const char *name = lang_text_get(&call->regions[i]->name, frame->language,
                                         frame->compose->site.config->site.languages[0]);

        names[i] = name != NULL ? name : call->regions[i]->code;
    }
    return frame_list(frame, names, most);
}

static void set_languages(struct frame *frame, struct value *item, const struct call *call)
{
    const char *names[LANG_COUNT];
    struct value *languages;
    size_t count = 0;

    value_set_null(item, "languages");
    for (size_t i = 0; i < call->apply_language_count && count < LANG_COUNT; i++) {
        struct str text;

        str_init(&text, LIMIT_VALUE);
        if (frame->err.code == 0) {
            (void)format_language_name(frame->format, language_tag(call->apply_languages[i]), &text,
                                       &frame->err);
        }
        names[count++] = frame_take(frame, &text);
    }
    if (count > 0 && frame->err.code == 0) {
        languages = value_set_map(item, "languages");
        value_set_text(languages, "label",
                       frame_text_count(frame, "call.languages", "count", (int64_t)count));
        value_set_text(languages, "text", frame_list(frame, names, count));
    }
}

static const char *contact_text(struct frame *frame, const struct call_contact *contact)
{
    const char *const parts[] = {contact->name,
                                 contact->email.text[0] != '\0' ? contact->email.text : NULL,
                                 contact->phone, contact->url};
    const char *line = NULL;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i] != NULL) {
            line = line != NULL ? frame_printf(frame, "%s, %s", line, parts[i]) : parts[i];
        }
    }
    return line;
}

/* The information session, while it is to come and open to everybody. */
static const char *info_text(struct frame *frame, const struct call *call)
{
    const struct event *event =
        call->info_event != NULL ? event_find(frame->compose->site.events, call->info_event) : NULL;
    const enum language languages[] = {frame->language};
    struct occurrence next;
    const char *when;
    int rc;

    if (event == NULL || event->access != EVENT_PUBLIC || frame->err.code != 0) {
        return NULL;
    }
    rc =
        event_next(event, frame->date, frame->date + INFO_WITHIN, frame->arena, &next, &frame->err);
    if (rc != 1) {
        return NULL;
    }
    when = block_when(frame, &next);
    return frame_printf(frame, "%s, %s",
                        event_edition_for(event, languages, 1, LANG_NONE, NULL)->title,
                        when != NULL ? when : "");
}

/* ---- items ---- */

static const struct edition *set_head(struct frame *frame, struct value *item,
                                      const struct selected_call *selected)
{
    const struct edition *edition = selected->call->item.editions[selected->language];

    value_set_text(item, "title", edition->title);
    value_set_text(item, "url", edition->url);
    block_set_language(frame, item, selected->language);
    return edition;
}

/* The summary; the body where there is none, or nowhere to read more. */
static int set_texts(struct frame *frame, struct value *item, const struct call *call,
                     const struct edition *edition, struct err *err)
{
    struct markdown *body = NULL;
    int rc = 0;

    if (edition->body_len > 0 && (edition->summary == NULL || edition->url == NULL)) {
        rc = item_body(frame->arena, &call->item, edition, NULL, &body, err);
    }
    value_set_text(item, "summary", edition->summary);
    return rc == 0 ? block_set_body(frame, item, body, 3, err) : rc;
}

/* What the call's own page says too. */
static void set_details(struct frame *frame, struct value *item, const struct call *call)
{
    const struct site_vocabularies *words = &frame->compose->site.config->site.vocabularies;

    if (frame->brief >= BRIEF_DETAILS) {
        static const char *const details[] = {"sectors", "regions", "languages", "contact", "info"};

        for (size_t i = 0; i < sizeof(details) / sizeof(details[0]); i++) {
            value_set_null(item, details[i]);
        }
        return;
    }
    value_set_text(item, "sectors",
                   terms_text(frame, &words->sectors, "sector", call->sectors, call->sector_count));
    value_set_text(item, "regions", regions_text(frame, call));
    set_languages(frame, item, call);
    value_set_text(item, "contact", contact_text(frame, &call->contact));
    value_set_text(item, "info", info_text(frame, call));
}

/* Where the deadline is for a calendar; NULL without pages of our own or a deadline. */
static const char *calendar_url(struct frame *frame, const struct selected_call *selected)
{
    const char *web = frame->compose->site.config->site.web.url;

    return web != NULL && selected->round->has_deadline && frame->brief < BRIEF_DETAILS
               ? frame_printf(frame, "%s/c/%s.%s.ics", web, selected->call->item.slug,
                              language_tag(frame->language))
               : NULL;
}

static int add_call(struct frame *frame, struct value *items, const struct selected_call *selected,
                    bool mixed, struct err *err)
{
    const struct site_vocabularies *words = &frame->compose->site.config->site.vocabularies;
    const struct call *call = selected->call;
    struct value *item = value_add_map(items);
    const struct edition *edition = set_head(frame, item, selected);
    bool elsewhere = call->apply_url != NULL &&
                     (edition->url == NULL || strcmp(call->apply_url, edition->url) != 0);

    value_set_text(item, "funder", edition->funder);
    value_set_text(item, "badge", badge_text(frame, selected, mixed));
    set_deadline(frame, item, selected, true);
    set_amounts(frame, item, call);
    value_set_text(item, "applicants",
                   frame->brief < BRIEF_TEXTS ? terms_text(frame, &words->kinds, "kind",
                                                           call->applicants, call->applicant_count)
                                              : NULL);
    value_set_text(item, "told",
                   selected->match == MATCH_TELL ? frame_word(frame, "call.told") : NULL);
    set_details(frame, item, call);
    value_set_text(item, "apply_url", elsewhere ? call->apply_url : NULL);
    value_set_text(item, "calendar_url", calendar_url(frame, selected));
    return set_texts(frame, item, call, edition, err);
}

/* Whoever was told of the beginning is told of the end, and of nothing else. */
static void add_closed(struct frame *frame, struct value *items,
                       const struct selected_call *selected)
{
    struct value *item = value_add_map(items);
    bool cancelled = strstr(selected->told, "!cancelled") != NULL;

    (void)set_head(frame, item, selected);
    value_set_text(item, "status",
                   frame_word(frame, cancelled ? "status.cancelled" : "status.exhausted"));
}

static void add_deadline(struct frame *frame, struct value *items,
                         const struct selected_call *selected)
{
    const struct call_round *round = selected->round;
    struct value *item = value_add_map(items);
    const struct edition *edition = set_head(frame, item, selected);

    value_set_text(item, "day", frame_printf(frame, "%d", round->deadline.civil.day));
    value_set_text(item, "month", frame_date(frame, &round->deadline.civil, FORMAT_LEAF_MONTH));
    value_set_text(item, "text",
                   frame_moment(frame, &round->deadline.civil, round->deadline.zone, FORMAT_LONG));
    value_set_text(item, "left", left_text(frame, round));
    value_set_text(item, "what", edition->funder);
    value_set_text(item, "calendar_url", calendar_url(frame, selected));
}

static bool in_deadlines(const struct frame *frame, const struct selected_call *selected)
{
    if (frame->automatic) {
        return selected->reason == SELECT_CLOSING;
    }
    return selected->reason != SELECT_CLOSED && selected->round->has_deadline &&
           frame->newsletter != NULL &&
           selected->round->deadline.at <= frame->date + frame->newsletter->deadlines_within;
}

static struct value *items_of(struct frame *frame, const char *name, size_t count)
{
    value_set_null(frame->root, name);
    return count > 0 ? value_set_list(value_set_map(frame->root, name), "items") : NULL;
}

/* The table of deadlines, with its heading. */
static struct value *dated_items(struct frame *frame, size_t count)
{
    struct value *map;

    value_set_null(frame->root, "deadlines");
    if (count == 0) {
        return NULL;
    }
    map = value_set_map(frame->root, "deadlines");
    value_set_text(
        map, "heading",
        frame_word(frame, frame->automatic ? "letter.closing_soon" : "letter.deadlines"));
    return value_set_list(map, "items");
}

int block_set_calls(struct frame *frame, const struct selection *selection, size_t *open,
                    struct err *err)
{
    size_t told;
    size_t still = 0;
    size_t closed = 0;
    size_t closing = 0;
    size_t dated = 0;
    struct value *calls;
    struct value *still_open;
    struct value *closed_calls;
    struct value *deadlines;
    int rc = 0;

    for (size_t i = 0; i < selection->call_count; i++) {
        still += selection->calls[i].reason == SELECT_STILL;
        closed += selection->calls[i].reason == SELECT_CLOSED;
        closing += selection->calls[i].reason == SELECT_CLOSING;
        dated += in_deadlines(frame, &selection->calls[i]);
    }
    told = selection->call_count - still - closed - closing;
    *open += told + still + closing;
    calls = items_of(frame, "calls", told);
    still_open = items_of(frame, "still_open", still);
    closed_calls = items_of(frame, "closed_calls", closed);
    deadlines = dated_items(frame, dated);
    for (size_t i = 0; rc == 0 && i < selection->call_count; i++) {
        const struct selected_call *selected = &selection->calls[i];

        if (selected->reason == SELECT_CLOSED) {
            add_closed(frame, closed_calls, selected);
        } else if (selected->reason == SELECT_NEW || selected->reason == SELECT_MOVED) {
            rc = add_call(frame, calls, selected, still > 0, err);
        } else if (selected->reason == SELECT_STILL) {
            struct value *item = value_add_map(still_open);

            (void)set_head(frame, item, selected);
            set_deadline(frame, item, selected, false);
        }
        if (in_deadlines(frame, selected)) {
            add_deadline(frame, deadlines, selected);
        }
    }
    return rc;
}
