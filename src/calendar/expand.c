/* expand.c - the times of a rule (RFC 5545 section 3.3.10), period by period.
 *
 * A period is one day, week, month or year of the rule's FREQ. Its days that pass
 * the BY parts, times the times of day, are the set that BYSETPOS chooses from.
 * A period costs at most a look at each of its days, and there are as many as
 * lie before the year LAST_YEAR: a rule that never comes ends as soon as others.
 */
#include "rule.h"

#include "teataja/base/clock.h"
#include "teataja/base/limits.h"

#define NS_PER_MS INT64_C(1000000)

enum {
    LAST_YEAR = 2200,  /* of struct civil */
    CLOCK_EVERY = 64,  /* steps between two looks at the clock */
    PERIOD_DAYS = 366, /* of the longest period */
    POSITIONS = RULE_NUMBERS - 1
};

/* A day and where it lies. */
struct day {
    struct civil civil;
    int weekday; /* 1 Monday to 7 Sunday */
    int month_len;
    int of_year; /* from 1 */
    int year_len;
};

struct expander {
    struct arena *arena;
    const struct rule *rule;
    struct rule_listing *listing;
    struct err *err;
    uint64_t hours;
    uint64_t minutes;
    uint64_t seconds;
    int64_t end;  /* of the time that it may take */
    long steps;   /* times looked at */
    int64_t left; /* of COUNT */
};

static bool has(uint64_t bits, int number)
{
    return (bits >> number & 1) != 0;
}

/* Whether `at` of `total` (from 1) is among the numbers. */
static bool is_numbered(const struct rule_numbers *numbers, int at, int total)
{
    return numbers->first[at] || numbers->last[total - at + 1];
}

static int64_t days_of(int year, int month, int day)
{
    const struct civil civil = {.year = year, .month = month, .day = day};

    return civil_days(&civil);
}

static void day_init(struct day *day, int64_t days)
{
    day->civil = (struct civil){0};
    civil_set_days(&day->civil, days);
    day->weekday = civil_weekday(&day->civil);
    day->month_len = civil_days_in_month(day->civil.year, day->civil.month);
    day->of_year = (int)(days - days_of(day->civil.year, 1, 1)) + 1;
    day->year_len = (int)(days_of(day->civil.year + 1, 1, 1) - days_of(day->civil.year, 1, 1));
}

/* The number of the week that holds a day, and of the last week of that week's
 * year, which is the year of the week's fourth day. */
static int week_of(int64_t days, int week_start, int *last)
{
    struct day fourth;
    struct day other;

    day_init(&fourth, days);
    day_init(&fourth, days - (fourth.weekday - week_start + 7) % 7 + 3);
    /* 28 December is always in the last week. */
    day_init(&other, days_of(fourth.civil.year, 12, 28));
    day_init(&other, days_of(fourth.civil.year, 12, 28) - (other.weekday - week_start + 7) % 7 + 3);
    *last = (other.of_year - 1) / 7 + 1;
    return (fourth.of_year - 1) / 7 + 1;
}

static bool is_in_weeks(const struct rule *rule, int64_t days)
{
    int last = 0;
    int week = week_of(days, rule->week_start, &last);

    return is_numbered(&rule->weeks, week, last);
}

/* BYDAY, its numbers counting in the month, or in the year of a yearly rule
 * without BYMONTH. */
static bool is_weekday(const struct rule *rule, const struct day *day)
{
    bool in_year = rule->freq == RULE_YEARLY && rule->months == 0;
    int at = in_year ? day->of_year : day->civil.day;
    int total = in_year ? day->year_len : day->month_len;

    return has(rule->weekday_first[day->weekday], 0) ||
           has(rule->weekday_first[day->weekday], (at - 1) / 7 + 1) ||
           has(rule->weekday_last[day->weekday], (total - at) / 7 + 1);
}

/* What the start says where the rule is silent. */
static bool is_like_start(const struct expander *expander, const struct day *day)
{
    const struct rule *rule = expander->rule;
    const struct civil *start = expander->listing->start;

    if (rule->weekdays || rule->month_days.given || rule->year_days.given) {
        return true;
    }
    if (rule->freq == RULE_WEEKLY || rule->weeks.given) {
        return day->weekday == civil_weekday(start);
    }
    return rule->freq == RULE_DAILY ||
           (day->civil.day == start->day &&
            (rule->freq == RULE_MONTHLY || rule->months != 0 || day->civil.month == start->month));
}

static bool is_day(const struct expander *expander, int64_t days)
{
    const struct rule *rule = expander->rule;
    struct day day;

    day_init(&day, days);
    return (rule->months == 0 || has(rule->months, day.civil.month)) &&
           (!rule->month_days.given ||
            is_numbered(&rule->month_days, day.civil.day, day.month_len)) &&
           (!rule->year_days.given || is_numbered(&rule->year_days, day.of_year, day.year_len)) &&
           (!rule->weekdays || is_weekday(rule, &day)) &&
           (!rule->weeks.given || is_in_weeks(rule, days)) && is_like_start(expander, &day);
}

static int count_bits(uint64_t bits)
{
    int count = 0;

    for (; bits != 0; bits &= bits - 1) {
        count++;
    }
    return count;
}

/* The bit number `index` (from 0) of those that are set. */
static int bit_at(uint64_t bits, int64_t index)
{
    int bit = 0;

    for (; index > 0; index--) {
        bits &= bits - 1;
    }
    while (!has(bits, bit)) {
        bit++;
    }
    return bit;
}

/* One time of the rule: 1 go on, 0 done, or an error. */
static int take(struct expander *expander, const struct civil *time)
{
    struct rule_listing *listing = expander->listing;
    const struct civil *until = &expander->rule->until;
    int rc;

    if (expander->steps == LIMIT_RECURRENCE_STEPS ||
        (expander->steps % CLOCK_EVERY == 0 && clock_thread_ticks() > expander->end)) {
        return err_set(expander->err, ERR_LIMIT,
                       "the rule was stopped after %ld dates: it recurs too often",
                       expander->steps);
    }
    expander->steps++;
    if (civil_compare(time, listing->start) < 0) {
        return 1;
    }
    if (civil_compare(time, listing->to) >= 0 ||
        (until->year != 0 && civil_compare(time, until) > 0)) {
        return 0;
    }
    if (civil_compare(time, listing->from) >= 0) {
        rc = arena_grow(expander->arena, &listing->found, &listing->room, listing->count,
                        sizeof(*listing->found), expander->err);
        if (rc < 0) {
            return rc;
        }
        listing->found[listing->count++] = *time;
    }
    expander->left--;
    return expander->left > 0 && listing->count < listing->max;
}

/* The times of the period whose days are given; returns as take. */
static int take_set(struct expander *expander, const int64_t *days, int count)
{
    const struct rule *rule = expander->rule;
    int minutes = count_bits(expander->minutes);
    int seconds = count_bits(expander->seconds);
    int64_t times = (int64_t)count_bits(expander->hours) * minutes * seconds;
    int64_t total = times * count;
    int rc = 1;

    for (int64_t i = 0; rc == 1 && i < total; i++) {
        struct civil time = {0};

        if (rule->positions.given) {
            if (i == POSITIONS && total > INT64_C(2) * POSITIONS) {
                i = total - POSITIONS; /* between the two ends nothing can be chosen */
            }
            if (!(i < POSITIONS && rule->positions.first[i + 1]) &&
                !(total - i <= POSITIONS && rule->positions.last[total - i])) {
                continue;
            }
        }
        civil_set_days(&time, days[i / times]);
        time.date_only = expander->listing->start->date_only;
        if (!time.date_only) {
            time.hour = bit_at(expander->hours, i % times / seconds / minutes);
            time.minute = bit_at(expander->minutes, i % times / seconds % minutes);
            time.second = bit_at(expander->seconds, i % times % seconds);
        }
        rc = take(expander, &time);
    }
    return rc;
}

/* Period number `index`: its first day and how many days it has. */
static int64_t period_at(const struct rule *rule, const struct civil *start, int64_t index,
                         int *count)
{
    int64_t step = index * rule->interval;
    int64_t month = start->year * INT64_C(12) + start->month - 1 + step;

    switch (rule->freq) {
    case RULE_DAILY:
        *count = 1;
        return civil_days(start) + step;
    case RULE_WEEKLY:
        *count = 7;
        return civil_days(start) - (civil_weekday(start) - rule->week_start + 7) % 7 + step * 7;
    case RULE_MONTHLY:
        *count = civil_days_in_month((int)(month / 12), (int)(month % 12) + 1);
        return days_of((int)(month / 12), (int)(month % 12) + 1, 1);
    default:
        *count = (int)(days_of(start->year + (int)step + 1, 1, 1) -
                       days_of(start->year + (int)step, 1, 1));
        return days_of(start->year + (int)step, 1, 1);
    }
}

int rule_expand(struct arena *arena, const struct rule *rule, struct rule_listing *listing,
                struct err *err)
{
    const struct civil *start = listing->start;
    struct expander expander = {.arena = arena, .rule = rule, .listing = listing, .err = err};
    int64_t last = civil_days(listing->to);
    int64_t days[PERIOD_DAYS];
    int rc = 1;

    /* Rules of whole days have no times, whatever they say. */
    expander.hours =
        rule->hours != 0 && !start->date_only ? rule->hours : UINT64_C(1) << start->hour;
    expander.minutes =
        rule->minutes != 0 && !start->date_only ? rule->minutes : UINT64_C(1) << start->minute;
    expander.seconds =
        rule->seconds != 0 && !start->date_only ? rule->seconds : UINT64_C(1) << start->second;
    expander.end = clock_thread_ticks() + LIMIT_RECURRENCE_MS * NS_PER_MS;
    expander.left = rule->count > 0 ? rule->count : INT64_MAX;
    if (last > days_of(LAST_YEAR, 12, 31)) {
        last = days_of(LAST_YEAR, 12, 31);
    }
    for (int64_t period = 0; rc == 1; period++) {
        int length = 0;
        int count = 0;
        int64_t first = period_at(rule, start, period, &length);

        if (first > last) {
            break;
        }
        for (int i = 0; i < length; i++) {
            if (is_day(&expander, first + i)) {
                days[count++] = first + i;
            }
        }
        rc = take_set(&expander, days, count);
    }
    return rc < 0 ? rc : 0;
}
