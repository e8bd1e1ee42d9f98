/* The role sources: calendars of others are polled. A process of its own, for a poll
 * may take as long as the other side likes. */
#include "serve.h"
#include "teataja/base/clock.h"
#include "teataja/events/source.h"

enum { TICK_MOST_MS = 60000, TICK_LEAST_MS = 1000 };

static int until_next(int64_t due)
{
    int64_t now = clock_now();

    if (due <= now) {
        return TICK_LEAST_MS;
    }
    return (due - now) / 1000 < TICK_MOST_MS ? (int)((due - now) / 1000) + 1 : TICK_MOST_MS;
}

int serve_sources(struct serve_role *role, struct err *err)
{
    struct workspace *workspace = role->workspace;
    bool end = false;
    int rc = workspace_open_db(workspace, err);

    if (rc == 0) {
        serve_ready(role);
    }
    while (rc == 0 && !end) {
        struct sources_tick tick = {0};

        rc =
            sources_tick(workspace->db, &workspace->config, clock_now(), role->stop_fd, &tick, err);
        end = rc == 0 && serve_wait(role, until_next(tick.next_due));
    }
    return rc == ERR_STOPPED ? 0 : rc;
}
