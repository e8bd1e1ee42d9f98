#include "forecast.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "output.h"
#include "teataja/base/clock.h"
#include "teataja/compose/message.h"
#include "teataja/content/content.h"

/* ---- dates ---- */

/* The deadline of a line that tells a call which is open; 0: none. */
static int64_t deadline_of(const struct workspace *workspace, const struct letter_line *line,
                           int64_t date)
{
    const struct call *call = content_call(&workspace->content, line->slug);
    const struct call_round *round = call != NULL ? call_current_round(call, date) : NULL;

    return round != NULL && round->has_deadline && round->deadline.at > date ? round->deadline.at
                                                                             : 0;
}

/* Editions in several languages tell the same call. */
static bool is_known(const struct forecast_dates *dates, const struct forecast_date *date)
{
    for (size_t i = 0; i < dates->count; i++) {
        if (strcmp(dates->items[i].slug, date->slug) == 0 && dates->items[i].at == date->at) {
            return true;
        }
    }
    return false;
}

/* Puts it where it belongs, copied. */
static int add_date(struct arena *arena, struct forecast_dates *out, struct forecast_date date,
                    struct err *err)
{
    size_t at = out->count;
    int rc = is_known(out, &date) ? 1
                                  : arena_grow(arena, &out->items, &out->capacity, out->count,
                                               sizeof(*out->items), err);

    if (rc != 0) {
        return rc < 0 ? rc : 0;
    }
    date.slug = arena_strdup(arena, date.slug);
    date.title = arena_strdup(arena, date.title);
    if (date.slug == NULL || date.title == NULL) {
        return err_nomem(err);
    }
    for (; at > 0 && out->items[at - 1].at > date.at; at--) {
        out->items[at] = out->items[at - 1];
    }
    out->items[at] = date;
    out->count++;
    return 0;
}

int forecast_read_letter(const struct workspace *workspace, struct arena *arena,
                         const struct letter_summary *summary, struct forecast_dates *out,
                         struct err *err)
{
    int rc = 0;

    out->renewed = letter_is_renewed(summary->newsletter, summary->subject);
    for (size_t i = 0; rc == 0 && i < summary->group_count; i++) {
        const struct letter_group *group = &summary->groups[i];

        for (size_t k = 0; rc == 0 && k < group->line_count; k++) {
            const struct letter_line *line = &group->lines[k];
            int64_t at =
                strcmp(line->note, "closed") != 0 ? deadline_of(workspace, line, summary->date) : 0;

            if (at > 0) {
                rc = add_date(
                    arena, out,
                    (struct forecast_date){
                        .slug = line->slug, .title = line->title, .what = "closes", .at = at},
                    err);
            }
        }
    }
    return rc;
}

int forecast_read_event(const struct workspace *workspace, struct arena *arena, const char *slug,
                        int64_t date, struct forecast_dates *out, struct err *err)
{
    const struct event *event = event_find(&workspace->events, slug);
    struct forecast_date found = {.slug = slug};
    int rc = 0;

    if (event == NULL) {
        return 0;
    }
    found.title = event->editions[0].title;
    if (event->rsvp.has_by && event->rsvp.by_utc > date) {
        found.what = "takes answers until";
        found.at = event->rsvp.by_utc;
        rc = add_date(arena, out, found, err);
    }
    if (rc == 0 && event->start_utc > date) {
        found.what = "begins";
        found.at = event->start_utc;
        rc = add_date(arena, out, found, err);
    }
    return rc;
}

size_t forecast_late(const struct forecast_dates *dates, int64_t last_at)
{
    size_t count = 0;

    while (count < dates->count && dates->items[count].at < last_at) {
        count++;
    }
    return count;
}

/* ---- the whole ---- */

int forecast_mailing(struct workspace *workspace, const char *relay_name, const char *purpose,
                     int64_t rows, struct forecast *out, struct err *err)
{
    const struct site *site = &workspace->config.site;
    const struct site_relay *only = relay_name != NULL ? site_relay_find(site, relay_name) : NULL;
    int64_t now = clock_now();

    *out =
        (struct forecast){.relays = only != NULL ? only : site->relays,
                          .relay_count = only != NULL         ? 1
                                         : relay_name != NULL ? 0
                                                              : site->relay_count,
                          .job = {.due = now, .rows = rows, .priority = composer_priority(purpose)},
                          .purpose = purpose};
    return relay_forecast(workspace->db, out->relays, out->relay_count, now, true, &out->job, 1,
                          err);
}

static void print_relays(const struct forecast *forecast)
{
    printf(forecast->relay_count == 1 ? "relay" : "the relays");
    for (size_t i = 0; i < forecast->relay_count; i++) {
        printf("%s '%s'", i > 0 ? "," : "", forecast->relays[i].name);
    }
}

void forecast_print(struct workspace *workspace, const struct forecast *forecast)
{
    struct arena *arena = workspace->arena;
    const struct forecast_job *job = &forecast->job;

    if (forecast->relay_count == 0) {
        return;
    }
    if (job->ahead > 0) {
        printf("\n%" PRId64 " queued before go first.", job->ahead);
    }
    if (job->rest_at > 0) {
        printf("\nThe limits of ");
        print_relays(forecast);
        printf(" let %" PRId64 " go now, the rest from %s UTC, the last at %s UTC.\n", job->at_once,
               output_when(arena, job->rest_at), output_when(arena, job->last_at));
    } else if (job->last_at - clock_now() > CLOCK_MINUTE) {
        printf("\nAt the pace of ");
        print_relays(forecast);
        printf(" the last one goes at %s UTC.\n", output_when(arena, job->last_at));
    } else if (job->ahead > 0) {
        puts("");
    }
    for (size_t i = 0; i < forecast_late(&forecast->dates, job->last_at); i++) {
        const struct forecast_date *late = &forecast->dates.items[i];

        printf("warning: '%s' %s %s%s UTC, before the last one is out%s\n", late->title, late->what,
               strcmp(late->what, "takes answers until") == 0 ? "" : "at ",
               output_when(arena, late->at),
               strcmp(forecast->purpose, "letter") != 0 ? ""
               : forecast->dates.renewed ? ": who waits until then gets a letter without it"
                                         : ": from then on nobody gets this letter");
    }
}

void forecast_json(const struct forecast *forecast, struct json_writer *json)
{
    const struct forecast_job *job = &forecast->job;

    if (forecast->relay_count == 0) {
        return;
    }
    json_write_key(json, "forecast");
    json_write_object(json);
    json_write_key(json, "relays");
    json_write_array(json);
    for (size_t i = 0; i < forecast->relay_count; i++) {
        json_write_text(json, forecast->relays[i].name);
    }
    json_write_array_end(json);
    json_write_int_at(json, "ahead", job->ahead);
    json_write_int_at(json, "first", job->at_once);
    if (job->rest_at > 0) {
        json_write_int_at(json, "rest_at", job->rest_at);
    }
    json_write_int_at(json, "last_at", job->last_at);
    json_write_key(json, "late");
    json_write_array(json);
    for (size_t i = 0; i < forecast_late(&forecast->dates, job->last_at); i++) {
        const struct forecast_date *late = &forecast->dates.items[i];

        json_write_object(json);
        json_write_text_at(json, "slug", late->slug);
        json_write_text_at(json, "title", late->title);
        json_write_text_at(json, "what", late->what);
        json_write_int_at(json, "at", late->at);
        json_write_object_end(json);
    }
    json_write_array_end(json);
    json_write_object_end(json);
}
