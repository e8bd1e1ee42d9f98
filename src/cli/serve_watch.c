/* See serve_watch.h. At each tick of the schedule, for it has the site open: once a minute. */
#include "serve_watch.h"

#include "teataja/base/limits.h"
#include "teataja/base/log.h"
#include "teataja/compose/staff.h"

void serve_watch(struct schedule_jobs *jobs, int64_t now)
{
    const struct staff_options options = {.now = now};
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct staff_notice *notices = NULL;
    struct err err = {0};
    size_t count = 0;
    int rc = arena == NULL ? err_nomem(&err)
                           : staff_tell(jobs->compose, arena, &options, &notices, &count, &err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        LOG(LOG_INFO, "staff_told", log_text("subject", notices[i].subject),
            log_int("mailing", notices[i].mailing),
            log_int("people", (int64_t)notices[i].address_count));
    }
    if (rc < 0) {
        LOG(LOG_ERROR, "staff_not_told", log_text("error", err.msg));
    }
    arena_free(arena);
}
