/* page_feed.c - for calendars: the deadline of one call, all of a newsletter, and an event. */
#include <string.h>

#include "route.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/compose/call_feed.h"
#include "teataja/events/ical_write.h"
#include "teataja/events/invitation.h"

/* "<slug>.<language>.ics" taken apart. */
static bool read_name(struct call *call, const char **slug, enum language *language)
{
    const char *name = call->words[0];
    size_t len = strcspn(name, ".");
    size_t tag = name[len] == '.' ? strcspn(name + len + 1, ".") : 0;

    *language = tag > 0 ? language_find_bytes(name + len + 1, tag) : LANG_NONE;
    *slug = arena_strndup(call->arena, name, len);
    return *slug != NULL && *language != LANG_NONE && strcmp(name + len + 1 + tag, ".ics") == 0;
}

static int answer_with(struct call *call, const char *slug, enum language language,
                       const struct str *text, struct err *err)
{
    call->reply->status = 200;
    call->reply->type = "text/calendar; charset=utf-8; method=PUBLISH";
    call->reply->len = text->len;
    call->reply->body = arena_strndup(call->arena, text->data, text->len);
    page_headers(call, NULL, PAGE_PUBLIC);
    server_reply_header(call->reply, "Content-Language", language_tag(language));
    server_reply_header(call->reply, "Content-Disposition",
                        arena_printf(call->arena, "inline; filename=\"%s.ics\"", slug));
    return call->reply->body == NULL ? err_nomem(err) : 0;
}

static int send_calendar(struct call *call, const struct call_feed *feed, struct err *err)
{
    const char *slug = feed->call != NULL ? feed->call : feed->newsletter->slug;
    struct str text;
    int rc;

    str_init(&text, LIMIT_MESSAGE);
    rc = call_feed_write(feed, &text, err);
    if (rc == 0) {
        rc = answer_with(call, slug, feed->language, &text, err);
    }
    str_release(&text);
    return rc;
}

static struct call_feed feed_of(const struct call *call, enum language language)
{
    return (struct call_feed){.config = &call->site->config,
                              .content = call->site->content,
                              .catalogue = call->site->catalogue,
                              .language = language,
                              .now = clock_now()};
}

int call_get(struct call *call, struct err *err)
{
    enum language language;
    const char *slug;
    struct call_feed feed;
    int rc;

    if (!read_name(call, &slug, &language)) {
        return page_tell(call, "not_found", 404, err);
    }
    feed = feed_of(call, language);
    feed.call = slug;
    rc = send_calendar(call, &feed, err);
    return rc == ERR_NOT_FOUND ? page_tell(call, "not_found", 404, err) : rc;
}

/* Of a newsletter that anybody may subscribe to: as its archive. */
int feed_get(struct call *call, struct err *err)
{
    const struct config *config = &call->site->config;
    const struct newsletter *newsletter = NULL;
    const struct site_list *list = NULL;
    enum language language;
    const char *slug;
    struct call_feed feed;

    if (read_name(call, &slug, &language)) {
        newsletter = config_newsletter(config, slug);
        list = newsletter != NULL ? site_list_find(&config->site, newsletter->list) : NULL;
    }
    if (list == NULL || !list->public || !call_feed_of(newsletter) ||
        !newsletter_has_language(newsletter, language)) {
        return page_tell(call, "not_found", 404, err);
    }
    feed = feed_of(call, language);
    feed.newsletter = newsletter;
    return send_calendar(call, &feed, err);
}

/* With the UID of its invitations, so that nobody has it twice; without attendees. */
static int send_event(struct call *call, const struct event *event, enum language language,
                      struct err *err)
{
    struct ical_options options = {.method = ICAL_PUBLISH,
                                   .dtstamp = clock_now(),
                                   .edition =
                                       event_edition_for(event, &language, 1, LANG_NONE, NULL)};
    struct event_row row = {0};
    struct str text;
    int rc = call_database(call, err);

    if (rc == 0) {
        rc = event_row_get(call->seat->db, event->slug, &row, err);
    }
    if (rc < 0) {
        return rc;
    }
    options.uid = row.uid;
    options.sequence = row.sequence;
    str_init(&text, LIMIT_MESSAGE);
    rc = ical_invitation(call->arena, event, &options, NULL, NULL, &text, err);
    if (rc == 0) {
        rc = str_check(&text, err);
    }
    if (rc == 0) {
        rc = answer_with(call, event->slug, options.edition->language, &text, err);
    }
    str_release(&text);
    return rc;
}

/* What is not for everybody is told in invitations only. */
int event_ics_get(struct call *call, struct err *err)
{
    const struct event *event = NULL;
    enum language language;
    const char *slug;
    int rc = ERR_NOT_FOUND;

    if (read_name(call, &slug, &language)) {
        event = event_find(&call->site->events, slug);
    }
    if (event != NULL && event->access == EVENT_PUBLIC) {
        rc = send_event(call, event, language, err);
    }
    return rc == ERR_NOT_FOUND ? page_tell(call, "not_found", 404, err) : rc;
}
