#include "teataja/events/event.h"

#include <string.h>

#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/base/token.h"

const struct event *event_find(const struct events *events, const char *slug)
{
    for (size_t i = 0; i < events->count; i++) {
        if (strcmp(events->items[i].slug, slug) == 0) {
            return &events->items[i];
        }
    }
    return NULL;
}

int event_get(const struct events *events, const char *slug, const struct event **out,
              struct err *err)
{
    struct suggest suggest;

    *out = event_find(events, slug);
    if (*out != NULL) {
        return 0;
    }
    if (events->left != NULL && left_out_check(events->left, "events", slug, err) < 0) {
        return ERR_INVALID;
    }
    suggest_start(&suggest, slug);
    for (size_t i = 0; i < events->count; i++) {
        suggest_offer(&suggest, events->items[i].slug);
    }
    return err_set(err, ERR_NOT_FOUND, "no event '%.100s'%s", slug, suggest_hint(&suggest));
}

const struct event_edition *event_edition(const struct event *event, enum language language)
{
    for (size_t i = 0; i < event->edition_count; i++) {
        if (event->editions[i].language == language) {
            return &event->editions[i];
        }
    }
    return NULL;
}

const struct event_edition *event_edition_for(const struct event *event,
                                              const enum language *languages, size_t count,
                                              enum language fallback, bool *wanted)
{
    const struct event_edition *edition = NULL;

    for (size_t i = 0; i < count && edition == NULL; i++) {
        edition = event_edition(event, languages[i]);
    }
    if (wanted != NULL) {
        *wanted = edition != NULL;
    }
    if (edition == NULL) {
        edition = event_edition(event, fallback);
    }
    return edition != NULL ? edition : &event->editions[0];
}

bool event_is_series(const struct event *event)
{
    return event->rule_count > 0 || event->date_count > 0;
}

bool event_takes_answers(const struct event *event, int64_t now)
{
    if (event->status == EVENT_CANCELLED || (event->rsvp.has_by && now >= event->rsvp.by_utc)) {
        return false;
    }
    return event_is_series(event) || now < event->start_utc;
}

const char *event_status_name(enum event_status status)
{
    static const char *const names[] = {
        [EVENT_CONFIRMED] = "confirmed",
        [EVENT_TENTATIVE] = "tentative",
        [EVENT_CANCELLED] = "cancelled",
    };

    return names[status];
}

const char *event_access_name(enum event_access access)
{
    static const char *const names[] = {
        [EVENT_PUBLIC] = "public",
        [EVENT_CLOSED] = "closed",
        [EVENT_INTERNAL] = "internal",
    };

    return names[access];
}

/* A text that no other facts give: each part with its length before it. */
static void add_text(struct str *facts, const char *text)
{
    if (text == NULL) {
        str_add(facts, "-;");
        return;
    }
    str_addf(facts, "%zu:%s;", strlen(text), text);
}

static void add_civil(struct str *facts, const struct civil *civil)
{
    char text[CIVIL_TEXT];

    civil_format(civil, text);
    str_addf(facts, "%s;", text);
}

int event_digest(const struct event *event, char out[33], struct err *err)
{
    const struct event_edition *edition = &event->editions[0];
    struct str facts;
    int rc;

    str_init(&facts, LIMIT_TEXT);
    add_text(&facts, event->tzid);
    add_civil(&facts, &event->start);
    add_civil(&facts, &event->end);
    str_addf(&facts, "%d;%d;", event->has_end, (int)event->status);
    for (size_t i = 0; i < event->rule_count; i++) {
        add_text(&facts, event->rules[i]);
    }
    str_add(&facts, "dates;");
    for (size_t i = 0; i < event->date_count; i++) {
        add_civil(&facts, &event->dates[i]);
    }
    str_add(&facts, "exceptions;");
    for (size_t i = 0; i < event->exception_count; i++) {
        add_civil(&facts, &event->exceptions[i]);
    }
    str_add(&facts, "overrides;");
    for (size_t i = 0; i < event->override_count; i++) {
        const struct event_override *override = &event->overrides[i];

        add_civil(&facts, &override->original);
        add_civil(&facts, &override->start);
        add_civil(&facts, &override->end);
        str_addf(&facts, "%d;", override->cancelled);
        add_text(&facts, override->online);
        add_text(&facts, edition->overrides[i].place);
        add_text(&facts, edition->overrides[i].address);
    }
    add_text(&facts, edition->place);
    add_text(&facts, edition->address);
    add_text(&facts, event->online);
    rc = str_check(&facts, err);
    if (rc == 0) {
        token_digest(facts.data, facts.len, out);
    }
    str_release(&facts);
    return rc;
}
