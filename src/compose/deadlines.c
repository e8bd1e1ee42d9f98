/* deadlines.c - see teataja/compose/deadlines.h. */
#include "teataja/compose/deadlines.h"

#include "teataja/content/deadline.h"
#include "teataja/events/source.h"

static int translate(struct arena *arena, const struct source_deadline *from,
                     struct content_deadline *out, struct err *err)
{
    *out =
        (struct content_deadline){.origin = arena_printf(arena, "sources/%s", from->source->name),
                                  .slug = from->slug,
                                  .language = from->source->language,
                                  .title = from->title,
                                  .funder = from->source->funder,
                                  .summary = from->summary,
                                  .url = from->url,
                                  .zone = from->zone,
                                  .times = from->times,
                                  .time_count = from->time_count,
                                  .closed = from->closed,
                                  .cancelled = from->cancelled};
    return out->origin != NULL ? 0 : err_nomem(err);
}

int deadlines_add(struct arena *arena, const struct config *config, const struct holidays *holidays,
                  int64_t now, struct report *report, struct content *content, struct err *err)
{
    struct source_deadline *found = NULL;
    struct content_deadline *deadlines;
    size_t count = 0;
    int rc = sources_deadlines(arena, config, now, &found, &count, err);

    if (rc < 0 || count == 0) {
        return rc;
    }
    deadlines = arena_alloc(arena, count, sizeof(*deadlines));
    if (deadlines == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = translate(arena, &found[i], &deadlines[i], err);
    }
    if (rc == 0) {
        rc = content_add_deadlines(arena, config, holidays, now, deadlines, count, report, content,
                                   err);
    }
    return rc == ERR_INVALID ? 0 : rc;
}
