#include "teataja/content/matching.h"

#include <string.h>

static bool has_any(const char *const *wanted, size_t wanted_count, const char *const *have,
                    size_t have_count)
{
    for (size_t i = 0; i < wanted_count; i++) {
        for (size_t j = 0; j < have_count; j++) {
            if (wanted[i] && strcmp(wanted[i], have[j]) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* True if nothing is asked for or nothing is known. */
static bool fits(const char *const *wanted, size_t wanted_count, const char *const *have,
                 size_t have_count)
{
    return wanted_count == 0 || have_count == 0 || has_any(wanted, wanted_count, have, have_count);
}

static bool fits_region(const struct region *const *regions, size_t count,
                        const struct audience_profile *profile)
{
    if (count == 0 || profile->region_count == 0) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (has_any(&regions[i]->code, 1, profile->regions, profile->region_count)) {
            return true;
        }
    }
    return false;
}

enum match call_matches(const struct call *call, const struct audience_profile *profile)
{
    if (!fits(call->sectors, call->sector_count, profile->sectors, profile->sector_count) ||
        !fits_region(call->regions, call->region_count, profile)) {
        return MATCH_NONE;
    }
    /* `tell` beside no `applicants` adds nothing: all may apply. */
    if (fits(call->applicants, call->applicant_count, profile->kinds, profile->kind_count)) {
        return MATCH_APPLY;
    }
    return has_any(call->tell, call->tell_count, profile->kinds, profile->kind_count) ? MATCH_TELL
                                                                                      : MATCH_NONE;
}

bool news_matches(const struct news *news, const struct audience_profile *profile)
{
    return fits(news->sectors, news->sector_count, profile->sectors, profile->sector_count) &&
           fits(news->kinds, news->kind_count, profile->kinds, profile->kind_count) &&
           fits_region(news->regions, news->region_count, profile);
}
