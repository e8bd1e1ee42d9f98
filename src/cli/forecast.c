#include "forecast.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "output.h"
#include "teataja/base/clock.h"
#include "teataja/content/content.h"

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
static bool is_known(const struct forecast *forecast, const struct forecast_late *late)
{
    for (size_t i = 0; i < forecast->late_count; i++) {
        if (strcmp(forecast->late[i].slug, late->slug) == 0) {
            return true;
        }
    }
    return false;
}

/* Puts it where it belongs by its deadline. */
static int add_late(struct workspace *workspace, struct forecast *out, size_t *capacity,
                    struct forecast_late late, struct err *err)
{
    size_t at = out->late_count;
    int rc = is_known(out, &late) ? 1
                                  : arena_grow(workspace->arena, &out->late, capacity,
                                               out->late_count, sizeof(*out->late), err);

    if (rc != 0) {
        return rc < 0 ? rc : 0;
    }
    for (; at > 0 && out->late[at - 1].deadline > late.deadline; at--) {
        out->late[at] = out->late[at - 1];
    }
    out->late[at] = late;
    out->late_count++;
    return 0;
}

int forecast_letter(struct workspace *workspace, const char *relay_name,
                    const struct letter_summary *summary, struct forecast *out, struct err *err)
{
    const struct site *site = &workspace->config.site;
    size_t capacity = 0;
    int rc;

    *out = (struct forecast){.relay = relay_name != NULL ? site_relay_find(site, relay_name)
                                      : site->relay_count > 0 ? &site->relays[0]
                                                              : NULL};
    if (out->relay == NULL) {
        return 0;
    }
    rc = relay_forecast(workspace->db, out->relay, summary->total, clock_now(), &out->times, err);
    for (size_t i = 0; rc == 0 && i < summary->group_count; i++) {
        const struct letter_group *group = &summary->groups[i];

        for (size_t k = 0; rc == 0 && k < group->line_count; k++) {
            int64_t at = deadline_of(workspace, &group->lines[k], summary->date);

            if (at > 0 && at < out->times.last_at && strcmp(group->lines[k].note, "closed") != 0) {
                rc = add_late(workspace, out, &capacity,
                              (struct forecast_late){.slug = group->lines[k].slug,
                                                     .title = group->lines[k].title,
                                                     .deadline = at},
                              err);
            }
        }
    }
    return rc;
}

void forecast_print(struct workspace *workspace, const struct forecast *forecast)
{
    struct arena *arena = workspace->arena;

    if (forecast->relay == NULL) {
        return;
    }
    if (forecast->times.rest_at > 0) {
        printf("\nThe limits of relay '%s' let %" PRId64 " go now, the rest from %s UTC, the last at "
               "%s UTC.\n",
               forecast->relay->name, forecast->times.at_once,
               output_when(arena, forecast->times.rest_at),
               output_when(arena, forecast->times.last_at));
    } else if (forecast->times.last_at - clock_now() > CLOCK_MINUTE) {
        printf("\nAt the pace of relay '%s' the last one goes at %s UTC.\n", forecast->relay->name,
               output_when(arena, forecast->times.last_at));
    }
    for (size_t i = 0; i < forecast->late_count; i++) {
        printf("warning: '%s' closes at %s UTC, before the last one is out: from then on nobody "
               "gets this letter\n",
               forecast->late[i].title, output_when(arena, forecast->late[i].deadline));
    }
}

void forecast_json(const struct forecast *forecast, struct json_writer *json)
{
    if (forecast->relay == NULL) {
        return;
    }
    json_write_key(json, "forecast");
    json_write_object(json);
    json_write_text_at(json, "relay", forecast->relay->name);
    json_write_int_at(json, "first", forecast->times.at_once);
    if (forecast->times.rest_at > 0) {
        json_write_int_at(json, "rest_at", forecast->times.rest_at);
    }
    json_write_int_at(json, "last_at", forecast->times.last_at);
    json_write_key(json, "late");
    json_write_array(json);
    for (size_t i = 0; i < forecast->late_count; i++) {
        json_write_object(json);
        json_write_text_at(json, "slug", forecast->late[i].slug);
        json_write_text_at(json, "title", forecast->late[i].title);
        json_write_int_at(json, "deadline", forecast->late[i].deadline);
        json_write_object_end(json);
    }
    json_write_array_end(json);
    json_write_object_end(json);
}
