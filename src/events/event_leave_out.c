/* event_leave_out.c - events with a wrong file are no events: see teataja/events/event.h. */
#include "teataja/events/event.h"

int events_leave_out(struct arena *arena, struct events *events, struct err *err)
{
    struct event *kept;
    size_t count = 0;

    if (events->left == NULL || events->left->count == 0 || events->count == 0) {
        return 0;
    }
    kept = arena_alloc(arena, events->count, sizeof(*kept));
    if (kept == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < events->count; i++) {
        if (left_out_find(events->left, "events", events->items[i].slug) == NULL) {
            kept[count++] = events->items[i];
        }
    }
    events->items = kept;
    events->count = count;
    return 0;
}
