/* src/cli/forecast.h - when the last letter will be out at the relay's limits. */
#pragma once

#include "teataja/base/json.h"
#include "teataja/compose/letter.h"
#include "teataja/delivery/relay.h"
#include "workspace.h"

/* A deadline that a letter shows and that will have passed when it arrives. */
struct forecast_late {
    const char *slug;
    const char *title;
    int64_t deadline;
};

/* All in the workspace's arena. */
struct forecast {
    const struct site_relay *relay; /* NULL: the site has none, and all else is empty */
    struct relay_forecast times;
    struct forecast_late *late; /* earliest first */
    size_t late_count;
};

/* Of a letter that would go to so many now through this relay (NULL: the site's first). */
int forecast_letter(struct workspace *workspace, const char *relay_name,
                    const struct letter_summary *summary, struct forecast *out, struct err *err);

/* One or two lines, and a line each of what will be late. Nothing if all goes at once. */
void forecast_print(struct workspace *workspace, const struct forecast *forecast);

/* "first": so many at once; "rest_at" (absent if there is none), "last_at", "late". */
void forecast_json(const struct forecast *forecast, struct json_writer *json);
