#include "teataja/calendar/recurrence.h"

#include <pthread.h>

#include <libical/ical.h>

#include "rule.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/calendar/zone.h"

#define RULE_TEXT ((size_t)16 * 1024) /* a rule as it is handed to libical */
#define CLOCK_EVERY 64                /* steps between two looks at the clock */
#define NS_PER_MS INT64_C(1000000)

static pthread_once_t quiet_once = PTHREAD_ONCE_INIT;

/* A build of libical may have been set to abort at the first error. */
static void make_quiet(void)
{
    icalerror_set_errors_are_fatal(false);
}

static struct icaltimetype to_ical(const struct civil *civil)
{
    struct icaltimetype time = icaltime_null_time();

    time.year = civil->year;
    time.month = civil->month;
    time.day = civil->day;
    time.hour = civil->hour;
    time.minute = civil->minute;
    time.second = civil->second;
    time.is_date = civil->date_only;
    return time;
}

static void from_ical(const struct icaltimetype *time, bool date_only, struct civil *civil)
{
    *civil = (struct civil){.year = time->year, .month = time->month, .day = time->day};
    civil->date_only = date_only;
    if (!date_only) {
        civil->hour = time->hour;
        civil->minute = time->minute;
        civil->second = time->second;
    }
}

/* What is asked for, and what was found so far. */
struct listing {
    const struct civil *start;
    const struct civil *from;
    const struct civil *to;
    const struct rule *rule;
    size_t max;
    struct civil *found;
    size_t count;
    size_t room;
};

/* 1 go on, 0 done, or an error. */
static int take(struct arena *arena, struct listing *listing, const struct civil *time,
                struct err *err)
{
    int rc;

    if (civil_compare(time, listing->to) >= 0 ||
        (listing->rule->until.year != 0 && civil_compare(time, &listing->rule->until) > 0)) {
        return 0;
    }
    /* libical 3.0 turns a Monday of week 1 that lies in December into another day. */
    if ((listing->rule->weekdays && !(listing->rule->weekdays & 1U << civil_weekday(time))) ||
        civil_compare(time, listing->from) < 0 ||
        (listing->count > 0 && civil_compare(time, &listing->found[listing->count - 1]) == 0)) {
        return 1;
    }
    rc = arena_grow(arena, &listing->found, &listing->room, listing->count, sizeof(*listing->found),
                    err);
    if (rc < 0) {
        return rc;
    }
    listing->found[listing->count++] = *time;
    return listing->count < listing->max;
}

static int walk(struct arena *arena, icalrecur_iterator *iterator, struct listing *listing,
                struct err *err)
{
    int64_t end = clock_thread_ticks() + LIMIT_RECURRENCE_MS * NS_PER_MS;
    int rc = 1;

    for (long step = 0; rc == 1; step++) {
        struct icaltimetype next = icalrecur_iterator_next(iterator);
        struct civil time;

        if (icaltime_is_null_time(next)) {
            break;
        }
        if (step == LIMIT_RECURRENCE_STEPS || (step % CLOCK_EVERY == 0 && clock_thread_ticks() > end)) {
            return err_set(err, ERR_LIMIT,
                           "the rule was stopped after %ld dates: it recurs too often", step);
        }
        from_ical(&next, listing->start->date_only, &time);
        rc = take(arena, listing, &time, err);
    }
    return rc < 0 ? rc : 0;
}

static int expand(struct arena *arena, const char *text, struct listing *listing, struct err *err)
{
    struct icalrecurrencetype recur;
    icalrecur_iterator *iterator;
    int rc;

    (void)pthread_once(&quiet_once, make_quiet);
    recur = icalrecurrencetype_from_string(text);
    if (recur.freq == ICAL_NO_RECURRENCE) {
        return err_set(err, ERR_INVALID, "the rule is not understood: %.150s", text);
    }
    iterator = icalrecur_iterator_new(recur, to_ical(listing->start));
    if (!iterator) {
        return 0; /* what libical answers for a rule that never comes from the start on */
    }
    rc = walk(arena, iterator, listing, err);
    icalrecur_iterator_free(iterator);
    return rc;
}

int recurrence_check(const char *rule, struct err *err)
{
    struct rule parsed;
    struct str text;
    int rc;

    str_init(&text, RULE_TEXT);
    rc = rule_parse(rule, &parsed, &text, err);
    str_release(&text);
    return rc;
}

int recurrence_list_in(struct arena *arena, const char *rule, const char *tzid,
                       const struct civil *start, const struct civil *from, const struct civil *to,
                       size_t max, struct civil **out, struct err *err)
{
    struct rule parsed;
    struct listing listing = {.rule = &parsed, .start = start, .from = from, .to = to, .max = max};
    struct str text;
    int rc;

    *out = NULL;
    if (max == 0 || max > LIMIT_OCCURRENCES) {
        listing.max = LIMIT_OCCURRENCES;
    }
    str_init(&text, RULE_TEXT);
    rc = rule_parse(rule, &parsed, &text, err);
    if (rc == 0 && parsed.until_utc && tzid) {
        rc = zone_from_utc(tzid, civil_to_utc(&parsed.until), &parsed.until, err);
    }
    if (rc == 0) {
        rc = expand(arena, text.data, &listing, err);
    }
    str_release(&text);
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
