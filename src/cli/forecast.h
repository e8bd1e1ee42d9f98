/* src/cli/forecast.h - when the last letter will be out, and what will be over by then. */
#pragma once

#include "teataja/base/json.h"
#include "teataja/compose/letter.h"
#include "teataja/delivery/forecast.h"
#include "workspace.h"

/* A date that a mail shows, and that may have passed when it arrives. */
struct forecast_date {
    const char *slug;
    const char *title;
    const char *what; /* "closes", "takes answers until", "begins" */
    int64_t at;
};

/* In the arena it was read into. */
struct forecast_dates {
    struct forecast_date *items; /* earliest first, one a call */
    size_t count;
    size_t capacity;
    bool renewed; /* who waits past one of them gets a letter without it */
};

/* The deadlines that a letter tells of calls that are open. */
int forecast_read_letter(const struct workspace *workspace, struct arena *arena,
                         const struct letter_summary *summary, struct forecast_dates *out,
                         struct err *err);

/* When an event begins, and until when it takes answers; of what is still to come. */
int forecast_read_event(const struct workspace *workspace, struct arena *arena, const char *slug,
                        int64_t date, struct forecast_dates *out, struct err *err);

/* How many of them are over by then. */
size_t forecast_late(const struct forecast_dates *dates, int64_t last_at);

struct forecast {
    const struct site_relay *relays; /* that are used by turns */
    size_t relay_count;              /* 0: the site has none, and there is no forecast */
    struct forecast_job job;
    struct forecast_dates dates;
    const char *purpose; /* "letter", "invitation" */
};

/* Of a mailing that would go to so many now, through this relay alone, or by turns through
 * those of the site (NULL). The caller fills in `dates`. */
int forecast_mailing(struct workspace *workspace, const char *relay_name, const char *purpose,
                     int64_t rows, struct forecast *out, struct err *err);

/* One or two lines, and a line each of what will be late. Nothing if all goes at once. */
void forecast_print(struct workspace *workspace, const struct forecast *forecast);

/* "forecast": "relays"; "ahead", so many letters of others first; "first", so many at once;
 * "rest_at" (absent if there is none), "last_at", "late". */
void forecast_json(const struct forecast *forecast, struct json_writer *json);
