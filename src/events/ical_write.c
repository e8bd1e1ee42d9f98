#include "teataja/events/ical_write.h"

#include <stdio.h>
#include <string.h>

#include "event_series.h"
#include "teataja/base/limits.h"
#include "teataja/events/occurrence.h"
#include "teataja/render/markdown.h"
#include "teataja/render/text.h"

#define PRODID "PRODID:-//teataja//events//EN"
#define OPEN_YEARS 10    /* how far the VTIMEZONE of a series reaches */
#define UNWRAPPED 100000 /* columns: calendar programs wrap descriptions themselves */

struct writer {
    struct arena *arena;
    const struct event *event;
    const struct ical_options *options;
    struct str text; /* of the piece at hand */
    const char **pieces;
    size_t count, capacity;
    struct err *err;
};

static void add_line(struct writer *writer, const char *line)
{
    ical_line(&writer->text, line, strlen(line));
}

/* NAME:TEXT, escaped and folded; nothing for NULL. */
static int add_text(struct writer *writer, const char *name, const char *text)
{
    struct str line;
    int rc;

    if (text == NULL || text[0] == '\0') {
        return 0;
    }
    str_init(&line, LIMIT_TEXT);
    str_addf(&line, "%s:", name);
    ical_text(&line, text);
    rc = str_check(&line, writer->err);
    if (rc == 0) {
        ical_line(&writer->text, line.data, line.len);
    }
    str_release(&line);
    return rc;
}

/* No control, no space: it can stand in a line without being escaped. */
static bool is_one_word(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at <= ' ' || *at == 0x7f) {
            return false;
        }
    }
    return text[0] != '\0';
}

/* A URI is not escaped; one that could not stand on its line is left out. */
static int add_uri(struct writer *writer, const char *name, const char *uri)
{
    struct str line;
    int rc;

    if (uri == NULL || !is_one_word(uri)) {
        return 0;
    }
    str_init(&line, LIMIT_TEXT);
    str_addf(&line, "%s:%s", name, uri);
    rc = str_check(&line, writer->err);
    if (rc == 0) {
        ical_line(&writer->text, line.data, line.len);
    }
    str_release(&line);
    return rc;
}

/* NAME;TZID=...:20270520T100000, or a date, or UTC. */
static void add_time(struct writer *writer, const char *name, const struct civil *civil)
{
    const struct event *event = writer->event;
    char id[OCCURRENCE_ID];
    char line[CIVIL_ZONE + 64];

    occurrence_id(civil, id);
    if (civil->date_only) {
        snprintf(line, sizeof(line), "%s;VALUE=DATE:%s", name, id);
    } else if (strcmp(event->tzid, "UTC") == 0) {
        snprintf(line, sizeof(line), "%s:%sZ", name, id);
    } else {
        snprintf(line, sizeof(line), "%s;TZID=%s:%s", name, event->tzid, id);
    }
    add_line(writer, line);
}

/* What stands until now becomes a piece. */
static int close_piece(struct writer *writer)
{
    int rc = str_check(&writer->text, writer->err);

    if (rc == 0) {
        rc = arena_grow(writer->arena, &writer->pieces, &writer->capacity, writer->count,
                        sizeof(*writer->pieces), writer->err);
    }
    if (rc < 0) {
        return rc;
    }
    writer->pieces[writer->count] =
        arena_strndup(writer->arena, writer->text.data, writer->text.len);
    if (writer->pieces[writer->count] == NULL) {
        return err_nomem(writer->err);
    }
    writer->count++;
    str_reset(&writer->text);
    return 0;
}

static void add_paragraph(struct str *out, const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return;
    }
    if (out->len > 0) {
        str_trim_end(out);
        str_add(out, "\n\n");
    }
    str_add(out, text);
}

static int add_body(struct str *out, const struct markdown *body, struct err *err)
{
    struct str text;
    struct str flow;
    int rc = 0;

    str_init(&text, LIMIT_TEXT);
    str_init(&flow, LIMIT_TEXT);
    for (size_t i = 0; rc == 0 && i < markdown_count(body); i++) {
        struct markdown_text_options options = {.columns = UNWRAPPED};

        rc = markdown_text(body, i, &options, &text, err);
    }
    if (rc == 0) {
        text_flow(&flow, text.data, text.len, UNWRAPPED);
        add_paragraph(out, flow.data);
        rc = str_check(&flow, err);
    }
    str_release(&text);
    str_release(&flow);
    return rc;
}

/* Summary, body and links, for those whose calendar shows nothing else. */
static int add_description(struct writer *writer, const struct occurrence_text *text, bool whole)
{
    const struct event_edition *edition = writer->options->edition;
    struct str description;
    int rc = 0;

    if (whole && writer->options->description != NULL) {
        return add_text(writer, "DESCRIPTION", writer->options->description);
    }
    str_init(&description, LIMIT_TEXT);
    add_paragraph(&description, text->summary);
    if (edition->body != NULL) {
        rc = add_body(&description, edition->body, writer->err);
    } else {
        add_paragraph(&description, edition->description);
    }
    add_paragraph(&description, text->online);
    add_paragraph(&description, text->place_url);
    str_trim_end(&description);
    if (rc == 0) {
        rc = str_check(&description, writer->err);
    }
    if (rc == 0) {
        rc = add_text(writer, "DESCRIPTION", description.data);
    }
    str_release(&description);
    return rc;
}

static int add_location(struct writer *writer, const struct occurrence_text *text)
{
    struct str place;
    int rc;

    str_init(&place, LIMIT_TEXT);
    str_add(&place, text->place != NULL ? text->place : "");
    if (text->address != NULL) {
        str_add(&place, place.len > 0 ? ", " : "");
        str_add(&place, text->address);
    }
    if (place.len == 0 && text->online != NULL) {
        str_add(&place, text->online);
    }
    rc = str_check(&place, writer->err);
    if (rc == 0) {
        rc = add_text(writer, "LOCATION", place.data);
    }
    str_release(&place);
    return rc;
}

/* What an event and a changed occurrence of it have in common, behind the
 * parties. */
static int add_tail(struct writer *writer, const struct occurrence_text *text,
                    enum event_status status, bool whole)
{
    static const char *const statuses[] = {
        [EVENT_CONFIRMED] = "STATUS:CONFIRMED",
        [EVENT_TENTATIVE] = "STATUS:TENTATIVE",
        [EVENT_CANCELLED] = "STATUS:CANCELLED",
    };
    const struct event *event = writer->event;
    const char *url = writer->options->url;
    int rc = add_text(writer, "SUMMARY", text->title);

    if (url == NULL) {
        url = event->url != NULL     ? event->url
              : text->online != NULL ? text->online
                                     : text->place_url;
    }
    if (rc == 0) {
        rc = add_description(writer, text, whole);
    }
    if (rc == 0) {
        rc = add_location(writer, text);
    }
    if (rc == 0) {
        rc = add_uri(writer, "URL", url);
    }
    add_line(writer, statuses[status]);
    add_line(writer, event->access == EVENT_PUBLIC ? "CLASS:PUBLIC" : "CLASS:PRIVATE");
    add_line(writer, "TRANSP:OPAQUE");
    add_line(writer, "END:VEVENT");
    return rc;
}

static int add_head(struct writer *writer)
{
    const struct ical_options *options = writer->options;
    struct civil stamp;
    char line[64];
    int rc;

    civil_from_utc(options->dtstamp, &stamp);
    add_line(writer, "BEGIN:VEVENT");
    rc = add_text(writer, "UID", options->uid);
    snprintf(line, sizeof(line), "DTSTAMP:%04d%02d%02dT%02d%02d%02dZ", stamp.year, stamp.month,
             stamp.day, stamp.hour, stamp.minute, stamp.second);
    add_line(writer, line);
    snprintf(line, sizeof(line), "SEQUENCE:%lld", (long long)options->sequence);
    add_line(writer, line);
    return rc;
}

static void add_span(struct writer *writer, const struct civil *start, const struct civil *end,
                     bool has_end)
{
    add_time(writer, "DTSTART", start);
    if (start->date_only) {
        struct civil after = *end;

        civil_add_days(&after, 1);
        add_time(writer, "DTEND", &after);
    } else if (has_end && civil_compare(end, start) > 0) {
        add_time(writer, "DTEND", end);
    }
}

static int add_recurrence(struct writer *writer)
{
    const struct event *event = writer->event;

    for (size_t i = 0; i < event->rule_count; i++) {
        const char *rule = NULL;
        char *line;
        int rc = event_rule_globalize(writer->arena, event->rules[i], event->tzid, event->all_day,
                                      &rule, writer->err);

        if (rc < 0) {
            return rc;
        }
        line = arena_printf(writer->arena, "RRULE:%s", rule);
        if (line == NULL) {
            return err_nomem(writer->err);
        }
        add_line(writer, line);
    }
    for (size_t i = 0; i < event->date_count; i++) {
        add_time(writer, "RDATE", &event->dates[i]);
    }
    for (size_t i = 0; i < event->exception_count; i++) {
        add_time(writer, "EXDATE", &event->exceptions[i]);
    }
    for (size_t i = 0; i < event->override_count; i++) {
        if (event->overrides[i].cancelled) {
            add_time(writer, "EXDATE", &event->overrides[i].original);
        }
    }
    return 0;
}

static int add_event(struct writer *writer)
{
    const struct event *event = writer->event;
    const struct event_edition *edition = writer->options->edition;
    const struct occurrence_text text = {edition->title,   edition->summary, edition->place,
                                         edition->address, event->online,    event->place_url};
    int rc = add_head(writer);

    add_span(writer, &event->start, &event->end, event->has_end);
    if (rc == 0) {
        rc = add_recurrence(writer);
    }
    if (rc == 0) {
        rc = close_piece(writer);
    }
    return rc == 0 ? add_tail(writer, &text, event->status, true) : rc;
}

static bool says_something(const struct writer *writer, size_t index)
{
    const struct event_override *override = &writer->event->overrides[index];
    const struct event_override_text *text = &writer->options->edition->overrides[index];

    return !override->cancelled &&
           (override->moved || override->online != NULL || override->place_url != NULL ||
            text->title != NULL || text->summary != NULL || text->place != NULL ||
            text->address != NULL);
}

static int add_override(struct writer *writer, size_t index)
{
    const struct event *event = writer->event;
    const struct event_override *override = &event->overrides[index];
    struct occurrence occurrence = {.event = event, .override = override, .override_index = index};
    struct occurrence_text text;
    int rc;

    occurrence_text(&occurrence, writer->options->edition, &text);
    rc = add_head(writer);
    add_time(writer, "RECURRENCE-ID", &override->original);
    add_span(writer, &override->start, &override->end, true);
    if (rc == 0) {
        rc = close_piece(writer);
    }
    return rc == 0 ? add_tail(writer, &text, event->status, false) : rc;
}

static int add_zone(struct writer *writer)
{
    const struct event *event = writer->event;
    int first = event->start.year;
    int last = event_is_series(event) ? first + OPEN_YEARS : event->end.year;

    if (event->all_day || strcmp(event->tzid, "UTC") == 0) {
        return 0;
    }
    for (size_t i = 0; i < event->date_count; i++) {
        last = event->dates[i].year > last ? event->dates[i].year : last;
    }
    return ical_vtimezone(&writer->text, event->tzid, first, last, writer->err);
}

static int write_all(struct writer *writer)
{
    const struct event *event = writer->event;
    int rc;

    add_line(writer, "BEGIN:VCALENDAR");
    add_line(writer, PRODID);
    add_line(writer, "VERSION:2.0");
    add_line(writer, "CALSCALE:GREGORIAN");
    add_line(writer, writer->options->method == ICAL_REQUEST ? "METHOD:REQUEST" : "METHOD:PUBLISH");
    rc = add_zone(writer);
    if (rc == 0) {
        rc = add_event(writer);
    }
    for (size_t i = 0; rc == 0 && i < event->override_count; i++) {
        if (says_something(writer, i)) {
            rc = add_override(writer, i);
        }
    }
    add_line(writer, "END:VCALENDAR");
    return rc == 0 ? close_piece(writer) : rc;
}

int ical_prepare(struct arena *arena, const struct event *event, const struct ical_options *options,
                 struct ical_draft *out, struct err *err)
{
    struct writer writer = {.arena = arena, .event = event, .options = options, .err = err};
    size_t uid_len = options->uid != NULL ? strlen(options->uid) : 0;
    int rc;

    *out = (struct ical_draft){.method = options->method};
    if (uid_len == 0 || uid_len > 255 || !is_one_word(options->uid)) {
        return err_set(err, ERR_INVALID, "the UID of '%s' must be one word of 1 to 255 octets",
                       event->slug);
    }
    if (options->method == ICAL_REQUEST && event->status == EVENT_CANCELLED) {
        return err_set(err, ERR_STATE, "'%s' is cancelled: nobody can be invited to it",
                       event->slug);
    }
    str_init(&writer.text, LIMIT_MESSAGE);
    rc = write_all(&writer);
    str_release(&writer.text);
    out->pieces = writer.pieces;
    out->count = writer.count;
    return rc;
}

/* mailto: with what RFC 6068 wants encoded; a '+' stays, for clients compare
 * addresses as they are written. */
static void add_mailto(struct str *line, const char *address)
{
    str_add(line, "mailto:");
    for (const char *at = address; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;

        if (c > 0x7e || strchr("%\"#/<>?[\\]^`{|}", c) != NULL) {
            str_addf(line, "%%%02X", c);
        } else {
            str_add_char(line, *at);
        }
    }
}

static int add_party(struct str *out, const char *start, const struct ical_party *party,
                     struct err *err)
{
    struct str line;
    int rc;

    if (!is_one_word(party->address)) {
        return err_set(err, ERR_INVALID, "an address in an invitation is not one word");
    }
    str_init(&line, LIMIT_TEXT);
    str_addf(&line, "%s;CN=", start);
    ical_parameter(&line,
                   party->name != NULL && party->name[0] != '\0' ? party->name : party->address);
    str_add_char(&line, ':');
    add_mailto(&line, party->address);
    rc = str_check(&line, err);
    if (rc == 0) {
        ical_line(out, line.data, line.len);
    }
    str_release(&line);
    return rc;
}

int ical_write(const struct ical_draft *draft, const struct ical_party *organizer,
               const struct ical_party *attendee, struct str *out, struct err *err)
{
    int rc = 0;

    if (draft->method == ICAL_REQUEST && (organizer == NULL || attendee == NULL)) {
        return err_set(err, ERR_INVALID, "an invitation needs an organizer and an attendee");
    }
    if (draft->method == ICAL_PUBLISH && attendee != NULL) {
        return err_set(err, ERR_INVALID, "a published event has no attendee");
    }
    for (size_t i = 0; rc == 0 && i < draft->count; i++) {
        str_add(out, draft->pieces[i]);
        if (i + 1 == draft->count) {
            break;
        }
        if (organizer != NULL) {
            rc = add_party(out, "ORGANIZER", organizer, err);
        }
        if (rc == 0 && attendee != NULL) {
            rc = add_party(out,
                           "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;"
                           "PARTSTAT=NEEDS-ACTION;RSVP=TRUE",
                           attendee, err);
        }
    }
    return rc == 0 ? str_check(out, err) : rc;
}

int ical_invitation(struct arena *arena, const struct event *event,
                    const struct ical_options *options, const struct ical_party *organizer,
                    const struct ical_party *attendee, struct str *out, struct err *err)
{
    struct ical_draft draft;
    int rc = ical_prepare(arena, event, options, &draft, err);

    return rc == 0 ? ical_write(&draft, organizer, attendee, out, err) : rc;
}
