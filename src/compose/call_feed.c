/* call_feed.c - see teataja/compose/call_feed.h. */
#include "teataja/compose/call_feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "teataja/base/arena.h"
#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/base/report.h"
#include "teataja/compose/deadlines.h"
#include "teataja/content/content.h"
#include "teataja/events/ical_write.h"

enum {
    ZONES = 64, /* of all deadlines; more of them stand in UTC */
    TIME_TEXT = 20
};

struct deadline {
    const struct call *call;
    const struct call_round *round;
    bool cancelled;
};

struct feed {
    const struct call_feed *options;
    struct arena *arena;
    struct deadline *items; /* by time */
    size_t count, capacity;
    const char *zones[ZONES];
    size_t zone_count;
    struct str *out;
    struct err *err;
};

bool call_feed_of(const struct newsletter *newsletter)
{
    for (size_t i = 0; i < newsletter->block_count; i++) {
        if (newsletter->blocks[i] == BLOCK_CALLS || newsletter->blocks[i] == BLOCK_DEADLINES) {
            return true;
        }
    }
    return false;
}

/* ---- which ---- */

static bool is_told(const struct feed *feed, const struct call *call,
                    const struct call_round *round, bool *cancelled)
{
    int64_t now = feed->options->now;
    enum call_state state = call_round_state(call, round, now);

    *cancelled = state == CALL_EXHAUSTED || state == CALL_CANCELLED ||
                 (state == CALL_CLOSED && round->deadline.at > now);
    return round->has_deadline && round->deadline.at > now - CALL_FEED_BEFORE &&
           round->deadline.at < now + CALL_FEED_AFTER &&
           (call->status != CALL_PLANNED || round->has_opens);
}

static int add_deadline(struct feed *feed, const struct deadline *deadline)
{
    size_t at = feed->count;
    int rc = arena_grow(feed->arena, &feed->items, &feed->capacity, feed->count,
                        sizeof(*feed->items), feed->err);

    if (rc < 0) {
        return rc;
    }
    while (at > 0 && feed->items[at - 1].round->deadline.at > deadline->round->deadline.at) {
        feed->items[at] = feed->items[at - 1];
        at--;
    }
    feed->items[at] = *deadline;
    feed->count++;
    return 0;
}

static int collect(struct feed *feed)
{
    const struct content *content = feed->options->content;
    int rc = 0;

    for (size_t i = 0; i < content->call_count; i++) {
        const struct call *call = &content->calls[i];

        if (feed->options->call != NULL && strcmp(feed->options->call, call->item.slug) != 0) {
            continue;
        }
        for (size_t j = 0; rc == 0 && j < call->round_count; j++) {
            struct deadline deadline = {.call = call, .round = &call->rounds[j]};

            if (is_told(feed, call, deadline.round, &deadline.cancelled)) {
                rc = add_deadline(feed, &deadline);
            }
        }
    }
    if (rc == 0 && feed->options->call != NULL && feed->count == 0) {
        rc = err_set(feed->err, ERR_NOT_FOUND, "no call '%s' with a deadline to come",
                     feed->options->call);
    }
    return rc;
}

/* ---- lines ---- */

static void add_line(struct feed *feed, const char *line)
{
    ical_line(feed->out, line, strlen(line));
}

static int add_text(struct feed *feed, const char *name, const char *text)
{
    struct str line;
    int rc;

    str_init(&line, LIMIT_TEXT);
    str_addf(&line, "%s:", name);
    ical_text(&line, text);
    rc = str_check(&line, feed->err);
    if (rc == 0) {
        ical_line(feed->out, line.data, line.len);
    }
    str_release(&line);
    return rc;
}

/* "20270123T150000Z". */
static void utc_text(int64_t at, char out[TIME_TEXT])
{
    struct civil civil;

    civil_from_utc(at, &civil);
    (void)snprintf(out, TIME_TEXT, "%04d%02d%02dT%02d%02d%02dZ", civil.year, civil.month, civil.day,
                   civil.hour, civil.minute, civil.second);
}

static bool has_zone(const struct feed *feed, const char *zone)
{
    for (size_t i = 0; i < feed->zone_count; i++) {
        if (strcmp(feed->zones[i], zone) == 0) {
            return true;
        }
    }
    return false;
}

/* Each zone that a deadline with a time is in, for all the years that they reach. */
static int add_zones(struct feed *feed)
{
    int first = 9999;
    int last = 0;
    int rc = 0;

    for (size_t i = 0; i < feed->count; i++) {
        const struct call_moment *deadline = &feed->items[i].round->deadline;

        first = deadline->civil.year < first ? deadline->civil.year : first;
        last = deadline->civil.year > last ? deadline->civil.year : last;
        if (!deadline->civil.date_only && feed->zone_count < ZONES &&
            strcmp(deadline->zone, "UTC") != 0 && !has_zone(feed, deadline->zone)) {
            feed->zones[feed->zone_count++] = deadline->zone;
        }
    }
    for (size_t i = 0; rc == 0 && i < feed->zone_count; i++) {
        rc = ical_vtimezone(feed->out, feed->zones[i], first, last, feed->err);
    }
    return rc;
}

static void add_start(struct feed *feed, const struct call_moment *deadline)
{
    const struct civil *civil = &deadline->civil;
    char text[TIME_TEXT];
    char line[CIVIL_ZONE + 64];

    if (civil->date_only) {
        (void)snprintf(line, sizeof(line), "DTSTART;VALUE=DATE:%04d%02d%02d", civil->year,
                       civil->month, civil->day);
    } else if (has_zone(feed, deadline->zone)) {
        (void)snprintf(line, sizeof(line), "DTSTART;TZID=%s:%04d%02d%02dT%02d%02d%02d",
                       deadline->zone, civil->year, civil->month, civil->day, civil->hour,
                       civil->minute, civil->second);
    } else {
        utc_text(deadline->at, text);
        (void)snprintf(line, sizeof(line), "DTSTART:%s", text);
    }
    add_line(feed, line);
}

/* Who pays, what for, and where to read more. */
static int add_description(struct feed *feed, const struct edition *edition)
{
    const char *const parts[] = {edition->funder, edition->summary, edition->url};
    struct str text;
    int rc;

    str_init(&text, LIMIT_TEXT);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i] != NULL) {
            str_addf(&text, "%s%s", text.len > 0 ? "\n\n" : "", parts[i]);
        }
    }
    rc = str_check(&text, feed->err);
    if (rc == 0 && text.len > 0) {
        rc = add_text(feed, "DESCRIPTION", text.data);
    }
    str_release(&text);
    return rc;
}

static int add_event(struct feed *feed, const struct deadline *item)
{
    const struct call_feed *options = feed->options;
    const struct newsletter *newsletter = options->newsletter;
    const struct edition *edition =
        item_edition(&item->call->item, &options->language, 1,
                     newsletter != NULL ? newsletter->fallback : LANG_NONE, NULL);
    const char *word = catalogue_word(options->catalogue, options->language, "call.deadline");
    const char *summary =
        arena_printf(feed->arena, "%s: %s", word != NULL ? word : "", edition->title);
    const char *uid =
        arena_printf(feed->arena, "UID:call-%s-%s@%s", item->call->item.slug, item->round->key,
                     address_domain(&options->config->site.office.address));
    char at[TIME_TEXT];
    char line[64];
    int rc;

    if (summary == NULL || uid == NULL) {
        return err_nomem(feed->err);
    }
    add_line(feed, "BEGIN:VEVENT");
    add_line(feed, uid);
    utc_text(item->call->item.seen_at != 0 ? item->call->item.seen_at : options->now, at);
    (void)snprintf(line, sizeof(line), "DTSTAMP:%s", at);
    add_line(feed, line);
    if (item->call->item.seen_at != 0) {
        (void)snprintf(line, sizeof(line), "LAST-MODIFIED:%s", at);
        add_line(feed, line);
    }
    (void)snprintf(line, sizeof(line), "SEQUENCE:%" PRId64, item->call->item.sequence);
    add_line(feed, line);
    add_start(feed, &item->round->deadline);
    rc = add_text(feed, "SUMMARY", summary);
    if (rc == 0) {
        rc = add_description(feed, edition);
    }
    if (edition->url != NULL && strpbrk(edition->url, " \t\r\n") == NULL) {
        const char *url = arena_printf(feed->arena, "URL:%s", edition->url);

        if (url == NULL) {
            return err_nomem(feed->err);
        }
        add_line(feed, url);
    }
    add_line(feed, item->cancelled ? "STATUS:CANCELLED" : "STATUS:CONFIRMED");
    add_line(feed, "TRANSP:TRANSPARENT");
    add_line(feed, "END:VEVENT");
    return rc;
}

static int add_head(struct feed *feed)
{
    const struct call_feed *options = feed->options;
    const struct site *site = &options->config->site;
    const struct lang_text *name =
        options->newsletter != NULL ? &options->newsletter->name : &site->name;
    const char *title = lang_text_get(name, options->language, site->languages[0]);
    int rc;

    add_line(feed, "BEGIN:VCALENDAR");
    add_line(feed, "VERSION:2.0");
    add_line(feed, "PRODID:-//teataja//calls//EN");
    add_line(feed, "CALSCALE:GREGORIAN");
    add_line(feed, "METHOD:PUBLISH");
    if (options->call != NULL) {
        return 0; /* to be added to a calendar, not to be one */
    }
    rc = add_text(feed, "NAME", title != NULL ? title : "");
    if (rc == 0) {
        rc = add_text(feed, "X-WR-CALNAME", title != NULL ? title : "");
    }
    add_line(feed, "REFRESH-INTERVAL;VALUE=DURATION:P1D");
    add_line(feed, "X-PUBLISHED-TTL:P1D");
    return rc;
}

int call_feed_write(const struct call_feed *options, struct str *out, struct err *err)
{
    struct feed feed = {
        .options = options, .arena = arena_new(LIMIT_ARENA_WORK), .out = out, .err = err};
    int rc = feed.arena == NULL ? err_nomem(err) : collect(&feed);

    if (rc == 0) {
        rc = add_head(&feed);
    }
    if (rc == 0) {
        rc = add_zones(&feed);
    }
    for (size_t i = 0; rc == 0 && i < feed.count; i++) {
        rc = add_event(&feed, &feed.items[i]);
    }
    add_line(&feed, "END:VCALENDAR");
    arena_free(feed.arena);
    return rc == 0 ? str_check(out, err) : rc;
}

/* ---- reading ---- */

static int recall(struct arena *arena, const char *database, int64_t now, struct content *content,
                  struct err *err)
{
    struct db *db = NULL;
    int rc = db_open(database, DB_OPEN_EXISTING, &db, err);

    if (rc == 0) {
        rc = content_recall(db, arena, content, now, err);
    } else if (rc == ERR_NOT_FOUND) {
        err_clear(err);
        rc = 0;
    }
    db_close(db);
    return rc;
}

/* All calls that are right, those of sources too. */
static int read_calls(struct arena *arena, struct config *config, const struct holidays *holidays,
                      int64_t now, struct content *out, struct err *err)
{
    struct report *report = report_new();
    int rc = report == NULL ? err_nomem(err)
                            : content_load(arena, config, holidays, now, report, out, err);

    if (rc == 0 || rc == ERR_INVALID) {
        err_clear(err);
        rc = deadlines_add(arena, config, holidays, now, report, out, err);
    }
    if (rc == 0) {
        rc = config_leave_out(arena, config, report, err);
    }
    if (rc == 0) {
        rc = content_leave_out(arena, config, out, err);
    }
    report_free(report);
    return rc;
}

int call_feed_read(struct arena *arena, struct config *config, const char *templates,
                   const char *database, int64_t now, const struct content **out, struct err *err)
{
    struct content *content = arena_alloc(arena, 1, sizeof(*content));
    const char *path = file_join(arena, templates, "holidays.yaml");
    struct holidays *holidays = NULL;
    struct report *report = report_new();
    int rc = content == NULL || path == NULL || report == NULL
                 ? err_nomem(err)
                 : holidays_load(arena, path, report, &holidays, err);

    report_free(report);
    if (rc == 0 || rc == ERR_INVALID) {
        err_clear(err);
        rc = read_calls(arena, config, holidays, now, content, err);
    }
    if (rc == 0) {
        rc = recall(arena, database, now, content, err);
    }
    *out = content;
    return rc;
}
