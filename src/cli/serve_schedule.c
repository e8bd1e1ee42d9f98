/* The role schedule: what is due by the calendar is queued. */
#include "schedule_jobs.h"
#include "serve.h"
#include "teataja/base/clock.h"
#include "teataja/base/log.h"

/* A tick opens the site anew, so that changed files count within a minute. */
enum { TICK_MOST_MS = 60000, TICK_LEAST_MS = 1000 };

/* The first scheduler does that; the others are there when something is due, and look for
 * themselves only in case it hangs. */
enum { TICK_SPARE_MS = 600000 };

/* Exactly then; but what is due still, such as a run that another process has in hand, is
 * looked at once a second. */
static int until_next(int64_t due, int most)
{
    int64_t now = clock_now();

    if (due <= now) {
        return TICK_LEAST_MS;
    }
    return (due - now) / 1000 < most ? (int)((due - now) / 1000) + 1 : most;
}

static void tell(struct serve_role *role, const struct schedule_tick *tick, int64_t counted[3])
{
    counted[0] += tick->done;
    counted[1] += tick->skipped;
    counted[2] += tick->failed;
    for (int i = 0; i < 3; i++) {
        serve_figure(role, (enum serve_figure)(SERVE_RUNS_DONE + i), counted[i]);
    }
    serve_figure(role, SERVE_NEXT_DUE, tick->next_due);
    serve_figure(role, SERVE_HELD, tick->held ? 1 : 0);
    serve_figure(role, SERVE_LOOKED_AT, clock_now());
}

int serve_schedule(struct serve_role *role, struct err *err)
{
    struct workspace_told told = {.at = 0};
    const int most = role->id == SERVE_SCHEDULE ? TICK_MOST_MS : TICK_SPARE_MS;
    int64_t counted[3] = {0};
    bool end = false;

    (void)err;
    while (!end) {
        const struct command command = {.folder = role->folder};
        struct schedule_tick tick = {0};
        enum exit_status status = schedule_jobs_tick(&command, &told, &tick);

        if (status == EXIT_DONE) {
            tell(role, &tick, counted);
        } else {
            LOG(LOG_ERROR, "schedule_not_read", log_int("status", status));
        }
        serve_ready(role);
        end =
            serve_wait(role, status == EXIT_DONE ? until_next(tick.next_due, most) : TICK_MOST_MS);
    }
    return 0;
}
