/* page_answer.c - the answer to an invitation. */
#include <stdlib.h>
#include <string.h>

#include "person.h"
#include "sql/web/web.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/calendar/zone.h"
#include "teataja/events/answer.h"
#include "teataja/events/occurrence.h"

enum { COMMENT_MOST = 500, GUEST_DIGITS = 4 };

/* What an answer link speaks of. */
struct invited {
    struct member member;
    const struct event *event;
    bool withdrawn;
    const char *answer; /* NULL if none */
    int64_t guests;
    const char *comment; /* NULL if none */
};

/* What the page says besides the event. */
struct said {
    const char *answered;
    const char *problem;
    const char *chosen; /* "yes" */
    int status;
};

static int read_invitation(struct call *call, int64_t id, int64_t *member, struct invited *out,
                           struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(call->seat->db, SQL_WEB_INVITATION, &stmt, err);

    if (rc == 0) {
        rc = db_bind_int(stmt, 1, id, err);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        *member = db_int(stmt, 0);
        out->event = event_find(&call->site->events, db_text(stmt, 1));
        out->withdrawn = strcmp(db_text(stmt, 2), "invited") != 0;
        out->answer = db_dup(stmt, 3, call->arena);
        out->guests = db_int(stmt, 4);
        out->comment = db_dup(stmt, 5, call->arena);
    }
    db_stmt_free(stmt);
    return rc;
}

static int find(struct call *call, struct invited *out, struct err *err)
{
    struct token token;
    int64_t member = 0;
    int rc;

    if (token_read(call->key, TOKEN_RSVP, call->words[0], &token, NULL) < 0 || token.count != 2 ||
        token.ids[0] > INT64_MAX) {
        return PERSON_NONE;
    }
    if (token.ids[0] == 0) {
        return PERSON_TEST;
    }
    rc = call_database(call, err);
    rc = rc < 0 ? rc : read_invitation(call, (int64_t)token.ids[0], &member, out, err);
    if (rc < 0) {
        return rc;
    }
    return rc == 0 || member == 0 || out->event == NULL
               ? PERSON_NONE
               : person_find(call, (uint64_t)member, token.ids[1], &out->member, err);
}

static const char *take(struct call *call, struct str *text, int rc)
{
    const char *out = rc == 0 ? arena_strdup(call->arena, text->data) : NULL;

    str_release(text);
    return out != NULL ? out : "";
}

/* The occurrence that the page shows: the next one, else the first. */
static struct occurrence find_next(struct call *call, const struct event *event)
{
    struct occurrence first = {
        .event = event, .start = event->start, .end = event->end, .start_utc = event->start_utc};
    struct occurrence next = first;
    int64_t now = clock_now();

    return event_next(event, now, INT64_MAX, call->arena, &next, &call->err) == 1 ? next : first;
}

/* Several days with the same hours each, as "20.-21. May, 10:00-16:00". */
static bool has_hours_each_day(const struct occurrence *next)
{
    const struct civil *start = &next->start;
    const struct civil *end = &next->end;

    return civil_days(start) != civil_days(end) && !start->date_only && !end->date_only &&
           start->hour * 60 + start->minute < end->hour * 60 + end->minute;
}

/* Whether clocks in the event's zone show another time than the member's. */
static bool is_elsewhere(struct call *call, const struct member *member,
                         const struct occurrence *next)
{
    const char *zone = member->tz != NULL ? member->tz : call->site->config.site.timezone;
    int here = 0;
    int there = 0;

    return !next->event->all_day && zone_offset(zone, next->start_utc, &here, &call->err) == 0 &&
           zone_offset(next->event->tzid, next->start_utc, &there, &call->err) == 0 &&
           here != there;
}

/* When it takes place, as the invitation says it. */
static const char *when(struct call *call, const struct member *member,
                        const struct occurrence *next)
{
    struct format *format;
    struct str text;
    const char *words;
    int rc = call_format(call, call->language, &format, &call->err);

    str_init(&text, LIMIT_VALUE);
    if (rc == 0 && has_hours_each_day(next)) {
        rc = format_date_range(format, &next->start, &next->end, FORMAT_LONG, &text, &call->err);
        str_add(&text, ", ");
        rc = rc < 0 ? rc : format_time_range(format, &next->start, &next->end, &text, &call->err);
    } else if (rc == 0) {
        rc = format_range(format, &next->start, &next->end, FORMAT_FULL, &text, &call->err);
    }
    words = take(call, &text, rc);
    if (!is_elsewhere(call, member, next)) {
        return words;
    }
    str_init(&text, LIMIT_VALUE);
    rc = format_zone_city(format, next->event->tzid, &text, &call->err);
    return page_string(
        call, "time.zoned",
        (const struct catalogue_arg[]){catalogue_arg_text("time", words),
                                       catalogue_arg_text("city", take(call, &text, rc))},
        2);
}

static void set_choices(struct call *call, const char *chosen)
{
    static const enum answer_state states[] = {ANSWER_YES, ANSWER_MAYBE, ANSWER_NO};
    static const char *const labels[] = {"event.answer_yes", "event.answer_maybe",
                                         "event.answer_no"};
    struct value *choices = value_set_list(call->root, "choices");

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        struct value *map = value_add_map(choices);
        const char *name = answer_state_name(states[i]);

        value_set_text(map, "value", name);
        value_set_text(map, "label", page_word(call, labels[i]));
        value_set_bool(map, "on", chosen != NULL && strcmp(chosen, name) == 0);
    }
}

/* Why no answer is taken; NULL if one is. */
static const char *closed(const struct call *call, const struct invited *invited)
{
    if (invited->event->status == EVENT_CANCELLED) {
        return page_word(call, "event.cancelled_note");
    }
    return invited->withdrawn || !event_takes_answers(invited->event, clock_now())
               ? page_word(call, "web.answers_closed")
               : NULL;
}

static void set_form(struct call *call, const struct invited *invited, const struct said *said)
{
    const struct event_rsvp *rsvp = &invited->event->rsvp;
    struct value *guests;
    struct format *format;
    struct str by;

    set_choices(call, said->chosen);
    value_set_text(call->root, "comment", invited->comment);
    value_set_null(call->root, "guests");
    if (rsvp->guests > 0) {
        guests = value_set_map(call->root, "guests");
        value_set_number(guests, "most", rsvp->guests);
        value_set_number(guests, "number", invited->guests);
    }
    value_set_null(call->root, "by");
    if (rsvp->has_by && call_format(call, call->language, &format, &call->err) == 0) {
        str_init(&by, LIMIT_VALUE);
        page_text(call, call->root, "by", "event.register_by_on",
                  catalogue_arg_text("date", take(call, &by,
                                                  format_moment(format, &rsvp->by, FORMAT_LONG, &by,
                                                                &call->err))));
    }
}

static int show(struct call *call, const struct invited *invited, const struct said *said,
                struct err *err)
{
    const struct event_edition *edition =
        event_edition_for(invited->event, invited->member.languages, invited->member.language_count,
                          call->site->config.site.languages[0], NULL);

    const struct occurrence next = find_next(call, invited->event);
    struct occurrence_text text;

    occurrence_text(&next, edition, &text);
    page_begin(call, invited->event->list);
    value_set_text(call->root, "title", text.title);
    value_set_text(call->root, "edition",
                   edition->language != call->language ? language_tag(edition->language) : NULL);
    value_set_text(call->root, "when", when(call, &invited->member, &next));
    value_set_text(call->root, "place", text.place);
    value_set_text(call->root, "address", text.address);
    value_set_text(call->root, "answered", said->answered);
    value_set_text(call->root, "problem", said->problem);
    value_set_text(call->root, "closed", closed(call, invited));
    page_text(call, call->root, "write_to", "web.write_to",
              catalogue_arg_text("address", call->site->config.site.office.address.text));
    set_form(call, invited, said);
    return page_send(call, PAGE_ANSWER, said->status, PAGE_PERSONAL, err);
}

int answer_get(struct call *call, struct err *err)
{
    struct invited invited = {0};
    struct said said = {.status = 200};
    int rc = find(call, &invited, err);

    if (rc != PERSON_HERE) {
        return rc < 0 ? rc : person_missing(call, rc, err);
    }
    call_member(call, &invited.member);
    said.chosen = call->words[1] != NULL ? call->words[1] : invited.answer;
    return show(call, &invited, &said, err);
}

/* The form's number of guests. False if it is none that the event allows. */
static bool read_guests(const struct form *form, int64_t most, int64_t *out)
{
    const char *text = form_get(form, "guests");
    size_t len = text != NULL ? strspn(text, "0123456789") : 0;

    *out = 0;
    if (text == NULL || text[0] == '\0') {
        return true;
    }
    *out = strtol(text, NULL, 10);
    return text[len] == '\0' && len <= GUEST_DIGITS && *out <= most;
}

static int enter(struct call *call, struct invited *invited, const struct form *form,
                 struct said *said, struct err *err)
{
    static const char *const thanks[] = {[ANSWER_YES] = "web.answered_yes",
                                         [ANSWER_MAYBE] = "web.answered_maybe",
                                         [ANSWER_NO] = "web.answered_no"};
    struct answer_entry entry = {
        .address = invited->member.email, .via = "web", .now = clock_now()};
    const char *chosen = form_get(form, "answer");
    struct answer_result result;
    struct err own = {0};
    int rc;

    if (chosen == NULL || answer_state_find(chosen, &entry.state, NULL) < 0 ||
        !read_guests(form, invited->event->rsvp.guests, &entry.guests)) {
        rc = page_tell(call, "refused", 400, err);
        return rc < 0 ? rc : 1;
    }
    entry.guests = entry.state == ANSWER_NO ? 0 : entry.guests;
    entry.comment = person_words(call, form_get(form, "comment"), COMMENT_MOST);
    entry.comment = entry.comment[0] != '\0' ? entry.comment : NULL;
    rc = answer_enter(call->seat->db, invited->event, &entry, &result, &own);
    said->chosen = chosen;
    invited->guests = entry.guests;
    invited->comment = entry.comment;
    if (rc == ERR_STATE) {
        said->status = 409;
        said->problem = page_word(call, "web.event_full");
    } else if (rc < 0) {
        *err = own;
        return rc;
    } else {
        said->answered = arena_printf(call->arena, "%s %s", page_word(call, thanks[entry.state]),
                                      page_word(call, "web.change_answer"));
    }
    return 0;
}

int answer_post(struct call *call, struct err *err)
{
    struct invited invited = {0};
    struct said said = {.status = 200};
    struct form form;
    int rc = call_form(call, &form, err);

    if (rc != 0) {
        return rc < 0 ? rc : 0;
    }
    rc = find(call, &invited, err);
    if (rc != PERSON_HERE) {
        return rc < 0 ? rc : person_missing(call, rc, err);
    }
    call_member(call, &invited.member);
    if (closed(call, &invited) != NULL) {
        said.status = 409;
    } else {
        rc = enter(call, &invited, &form, &said, err);
        if (rc != 0) {
            return rc < 0 ? rc : 0;
        }
    }
    return show(call, &invited, &said, err);
}
