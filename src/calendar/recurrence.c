#include "teataja/calendar/recurrence.h"

#include "rule.h"
#include "teataja/base/limits.h"
#include "teataja/calendar/zone.h"

int recurrence_check(const char *rule, struct err *err)
{
    struct rule parsed;

    return rule_parse(rule, &parsed, err);
}

int recurrence_list_in(struct arena *arena, const char *rule, const char *tzid,
                       const struct civil *start, const struct civil *from, const struct civil *to,
                       size_t max, struct civil **out, struct err *err)
{
    struct rule parsed;
    struct rule_listing listing = {.start = start, .from = from, .to = to, .max = max};
    int rc;

    *out = NULL;
    if (max == 0 || max > LIMIT_OCCURRENCES) {
        listing.max = LIMIT_OCCURRENCES;
    }
    rc = rule_parse(rule, &parsed, err);
    if (rc == 0 && parsed.until_utc && tzid) {
        rc = zone_from_utc(tzid, civil_to_utc(&parsed.until), &parsed.until, err);
    }
    if (rc == 0) {
        rc = rule_expand(arena, &parsed, &listing, err);
    }
    if (rc < 0) {
        return rc;
    }
    *out = listing.found;
    return (int)listing.count;
}

int recurrence_list(struct arena *arena, const char *rule, const struct civil *start,
                    const struct civil *from, const struct civil *to, size_t max,
                    struct civil **out, struct err *err)
{
    return recurrence_list_in(arena, rule, NULL, start, from, to, max, out, err);
}
