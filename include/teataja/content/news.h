/* teataja/content/news.h - anything else to tell: news/<slug>.md.
 *
 *     title: Studio in Narva to let
 *     type: offer
 *     date: 2026-11-20
 *     until: 2027-01-31
 *     sectors: [art, design]
 *     image: { file: assets/studio.jpg, alt: A bright room with two easels }
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/civil.h"
#include "teataja/base/schema.h"
#include "teataja/config/region.h"
#include "teataja/content/item.h"

enum news_type {
    NEWS_NEWS,
    NEWS_OFFER,
    NEWS_PARTNER_SEARCH,
    NEWS_JOB,
    NEWS_SURVEY,
    NEWS_PUBLICATION
};

/* "news", "offer", "partner_search", ... */
const char *news_type_name(enum news_type type);

struct news_image {
    const struct yaml_node *node;
    const char *file; /* path in the site; exists, at most LIMIT_IMAGE */
    const char *alt;  /* in the first edition's language; others: edition.image_alt */
};

struct news {
    struct item item;
    const struct yaml_node *node;

    const char *title;
    const char *summary;
    const char *url;
    const char *image_alt;    /* text key of other editions */
    int type;                 /* of enum news_type */
    struct civil date;        /* published on; year 0 if not given: always new enough */
    struct civil until;       /* last day that it is shown; year 0 if not given */
    struct news_image *image; /* NULL if none */
    const char *const *kinds; /* whom it is for; none: all, as in the following */
    size_t kind_count;
    const char *const *sectors;
    size_t sector_count;
    const char *const *region_names; /* as written */
    size_t region_name_count;

    /* Computed, in the site's zone. */
    const struct region **regions;
    size_t region_count;
    int64_t date_at;  /* start of `date`; INT64_MIN if not given */
    int64_t until_at; /* end of `until`; INT64_MAX if not given */
};

/* True if it may be shown at an instant: published, not over, and (max_age > 0)
 * not older than so many microseconds. */
bool news_is_current(const struct news *news, int64_t at, int64_t max_age);

extern const struct schema news_schema;
