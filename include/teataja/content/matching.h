/* teataja/content/matching.h - whom a call or a piece of news concerns. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "teataja/content/call.h"
#include "teataja/content/news.h"

/* What is known of a reader; an empty list is "not known" and matches everything. */
struct audience_profile {
    const char *const *kinds; /* the member's, and the organisation's */
    size_t kind_count;
    const char *const *sectors;
    size_t sector_count;
    /* Codes of the reader's regions and of every region and group that these lie
     * in (v_region_within). */
    const char *const *regions;
    size_t region_count;
};

enum match {
    MATCH_NONE,
    MATCH_TELL, /* by `tell`: cannot apply, but should know */
    MATCH_APPLY /* by `applicants` */
};

/* A sector and a region must match, and a kind by `applicants` or by `tell`. A
 * call that names neither is for all. */
enum match call_matches(const struct call *call, const struct audience_profile *profile);

bool news_matches(const struct news *news, const struct audience_profile *profile);
