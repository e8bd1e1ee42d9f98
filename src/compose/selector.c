/* selector.c - what is the same for all members: see selector.h. */
#include "selector.h"

#include <stdlib.h>
#include <string.h>

#include "teataja/base/clock.h"
#include "teataja/base/json.h"
#include "teataja/base/limits.h"
#include "teataja/base/token.h"

static int64_t deadline_of(const struct selector *selector, const struct call *call)
{
    const struct call_round *round = call_current_round(call, selector->date);

    return round->has_deadline ? round->deadline.at : INT64_MAX;
}

static int collect_calls(struct selector *selector, struct err *err)
{
    const struct content *content = selector->compose->site.content;

    selector->calls =
        arena_alloc(selector->arena, content->call_count + 1, sizeof(const struct call *));
    if (selector->calls == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < content->call_count; i++) {
        const struct call *call = &content->calls[i];
        enum call_state state = call_state_at(call, selector->date);
        size_t at = selector->call_count;

        if (state != CALL_OPEN && state != CALL_EXHAUSTED && state != CALL_CANCELLED) {
            continue;
        }
        while (at > 0 &&
               deadline_of(selector, selector->calls[at - 1]) > deadline_of(selector, call)) {
            selector->calls[at] = selector->calls[at - 1];
            at--;
        }
        selector->calls[at] = call;
        selector->call_count++;
    }
    return 0;
}

static int collect_news(struct selector *selector, struct err *err)
{
    const struct content *content = selector->compose->site.content;

    selector->news =
        arena_alloc(selector->arena, content->news_count + 1, sizeof(const struct news *));
    if (selector->news == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < content->news_count; i++) {
        const struct news *news = &content->news[i];
        size_t at = selector->news_count;

        if (!news_is_current(news, selector->date, selector->newsletter->news_max_age)) {
            continue;
        }
        while (at > 0 && selector->news[at - 1]->date_at < news->date_at) {
            selector->news[at] = selector->news[at - 1];
            at--;
        }
        selector->news[at] = news;
        selector->news_count++;
    }
    return 0;
}

/* Who may see an event: of a public one, its audience; of another, those of its
 * audience who are on its list. An internal meeting without an audience: nobody. */
static int find_audience(struct selector *selector, const struct event *event,
                         struct event_choice *choice, struct err *err)
{
    struct segment *segment = NULL;
    struct str text;
    int rc;

    str_init(&text, LIMIT_SEGMENT + LIMIT_SLUG + 32);
    if (event->audience.text != NULL && event->audience.text[0] != '\0') {
        str_addf(&text, "(%s)", event->audience.text);
    }
    if (event->access != EVENT_PUBLIC && event->list != NULL) {
        str_addf(&text, "%ssubscribed(%s)", text.len > 0 ? " and " : "", event->list);
    }
    choice->everybody = text.len == 0 && event->access == EVENT_PUBLIC;
    if (event->access == EVENT_INTERNAL && event->audience.text == NULL) {
        str_reset(&text);
    }
    rc = str_check(&text, err);
    if (rc == 0 && text.len > 0) {
        rc = compose_segment(selector->compose, event->file, text.data, &segment, err);
    }
    if (rc == 0 && segment != NULL) {
        int64_t *members = NULL;

        rc = segment_match_all(selector->compose->site.members->db, segment, selector->arena,
                               &members, &choice->member_count, err);
        choice->members = members;
    }
    segment_free(segment);
    str_release(&text);
    return rc < 0 ? rc : 0;
}

static int compare_events(const void *a, const void *b)
{
    const struct event_choice *one = a;
    const struct event_choice *other = b;

    return (one->occurrence.start_utc > other->occurrence.start_utc) -
           (one->occurrence.start_utc < other->occurrence.start_utc);
}

/* 1, or negative. */
static int set_event_told(struct selector *selector, struct event_choice *choice, struct err *err)
{
    char start[CIVIL_TEXT];

    civil_format(&choice->occurrence.start, start);
    choice->told = arena_printf(selector->arena, "%s>%s", choice->occurrence.id, start);
    return choice->told != NULL ? 1 : err_nomem(err);
}

/* One event must not stop a letter: it comes with a later one. */
static int leave_event_out(struct selector *selector, const struct event *event, struct err *err)
{
    bool named = strncmp(err->msg, event->file, strlen(event->file)) == 0;
    const char *why = arena_printf(selector->arena, "event '%s' is left out: %s%s%s", event->slug,
                                   named ? "" : event->file, named ? "" : ": ", err->msg);

    if (why == NULL) {
        return err_nomem(err);
    }
    selector->left[selector->left_count++] = why;
    memset(&selector->events[selector->event_count], 0, sizeof(*selector->events));
    err_clear(err);
    return 0;
}

static int collect_events(struct selector *selector, struct err *err)
{
    const struct events *events = selector->compose->site.events;
    int64_t until = selector->date + selector->newsletter->events_within;
    int rc = 0;

    selector->events = arena_alloc(selector->arena, events->count + 1, sizeof(*selector->events));
    selector->left = arena_alloc(selector->arena, events->count + 1, sizeof(*selector->left));
    if (selector->events == NULL || selector->left == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; rc >= 0 && i < events->count; i++) {
        struct event_choice *choice = &selector->events[selector->event_count];

        choice->event = &events->items[i];
        rc = event_next(choice->event, selector->date, until, selector->arena, &choice->occurrence,
                        err);
        if (rc == 1) {
            rc = set_event_told(selector, choice, err);
        }
        if (rc == 1) {
            rc = find_audience(selector, choice->event, choice, err);
            selector->event_count += rc == 0;
        }
        if (rc == ERR_INVALID || rc == ERR_LIMIT) {
            rc = leave_event_out(selector, choice->event, err);
        }
    }
    if (rc >= 0) {
        qsort(selector->events, selector->event_count, sizeof(*selector->events), compare_events);
    }
    return rc < 0 ? rc : 0;
}

int selector_open(struct compose *compose, struct arena *arena,
                  const struct selector_options *options, struct selector **out, struct err *err)
{
    struct selector *selector = arena_alloc(arena, 1, sizeof(*selector));
    int rc;

    if (selector == NULL) {
        return err_nomem(err);
    }
    selector->compose = compose;
    selector->arena = arena;
    selector->issue = options->issue;
    selector->newsletter = options->issue->newsletter;
    selector->date = options->date;
    memcpy(selector->blocks, options->blocks, sizeof(selector->blocks));
    for (size_t i = 0; i < LANG_COUNT; i++) {
        selector->reminds |= (selector->blocks[i] & 1U << BLOCK_DEADLINES) != 0;
    }
    rc = collect_calls(selector, err);
    if (rc == 0) {
        rc = collect_news(selector, err);
    }
    if (rc == 0) {
        rc = collect_events(selector, err);
    }
    *out = selector;
    return rc;
}

static int record_event(struct selector *selector, struct event_choice *choice, struct err *err)
{
    const struct event *event = choice->event;
    struct db *db = selector->compose->site.members->db;
    int64_t revision;
    char digest[33];
    struct str data;
    struct json_writer json = json_writer(&data);
    int rc;

    str_init(&data, LIMIT_TEXT);
    json_write_object(&json);
    json_write_text_at(&json, "title", event_edition_for(event, NULL, 0, LANG_NONE, NULL)->title);
    json_write_object_end(&json);
    rc = str_check(&data, err);
    if (rc == 0) {
        token_digest(data.data, data.len, digest);
        rc = item_record(db, "event", event->slug, digest, data.data, clock_now(), &choice->item,
                         &revision, err);
    }
    str_release(&data);
    return rc;
}

int selector_record(struct selector *selector, struct err *err)
{
    struct db *db = selector->compose->site.members->db;
    int rc = selector->event_count > 0 ? db_begin(db, err) : 0;

    for (size_t i = 0; rc == 0 && i < selector->event_count; i++) {
        rc = record_event(selector, &selector->events[i], err);
    }
    if (selector->event_count > 0) {
        rc = rc == 0 ? db_commit(db, err) : rc;
        db_rollback(db);
    }
    return rc;
}
