/* events_site.h - a site whose events/ a test writes and loads. */
#pragma once

#include "teataja/config/config.h"
#include "teataja/events/event.h"
#include "unit/config/site_folder.h"

/* Loads the site; the events that are right are in *events. */
static inline int events_site_load(struct site_folder *f, struct config *config,
                                   struct events *events, struct err *err)
{
    site_folder_write(f, "teataja.yaml", SITE_MINIMAL);
    site_folder_write(f, "projects/south-baltic.yaml",
                      "name: South Baltic\nfrom: 2026-01-01\nto: 2028-12-31\n"
                      "notice: { et: Kaasrahastatud, ru: При поддержке, en: Co-funded }\n");
    assert_int_equal(config_load(f->arena, f->path, f->report, config, NULL), 0);
    return events_load(f->arena, config, f->report, events, err);
}

/* Writes one file, loads the site, and gives its only event, which must be
 * right. */
static inline const struct event *events_site_only(struct site_folder *f, const char *name,
                                                   const char *text)
{
    struct config *config = arena_alloc(f->arena, 1, sizeof(*config));
    struct events events;
    struct err err = {0};

    assert_non_null(config);
    site_folder_write(f, name, text);
    if (events_site_load(f, config, &events, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(events.count, 1);
    return &events.items[0];
}
