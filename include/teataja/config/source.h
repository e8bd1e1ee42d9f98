/* teataja/config/source.h - `sources:` of teataja.yaml: calendars of others.
 *
 *     sources:
 *       partner: https://partner.example/calendar.ics
 *       funders:
 *         url: webcal://funders.example/deadlines.ics
 *         holds: deadlines
 *         rrule: "FREQ=DAILY;BYHOUR=6,18;BYMINUTE=0;BYSECOND=0"
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/language.h"
#include "teataja/base/schema.h"
#include "teataja/base/yaml.h"

#define SITE_SOURCE_NAME 40 /* most bytes of a source's name */

enum site_source_holds { SITE_SOURCE_EVENTS, SITE_SOURCE_DEADLINES, SITE_SOURCE_BOTH };

struct site_source {
    const struct yaml_node *node;
    const char *name;       /* slug */
    const char *url;        /* http, https, webcal */
    int holds;              /* of enum site_source_holds */
    int64_t every;          /* microseconds between two polls, if rrule is NULL */
    const char *rrule;      /* in the site's zone, from 2024-01-01; NULL: `every` */
    enum language language; /* of its texts; the site's first if not given */
    const char *funder;     /* of deadlines; NULL: the source's name */
    const char *list;       /* slug of the list whose members may be invited; NULL: the site's
                             * usual one */
    int64_t max_size;       /* bytes */
    int64_t timeout;        /* microseconds */
    const char *user;       /* NULL: no login */
    const char *password;   /* reference for config_secret */
    const char *ca_file;    /* NULL: the system's; a path for config_path */
    bool allow_http;
    bool allow_private;
    const char *const *allow; /* networks; net/fetch.h reads them */
    size_t allow_count;
};

struct site;

/* NULL if there is none. */
const struct site_source *site_source_find(const struct site *site, const char *name);
