/* An RRULE taken apart and checked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/err.h"

/* How often, in the order of RFC 5545; finer ones are refused. */
enum rule_freq { RULE_NONE = -1, RULE_YEARLY, RULE_MONTHLY, RULE_WEEKLY, RULE_DAILY };

enum { RULE_NUMBERS = 367 }; /* 1 to 366, of days of a year and of positions */

/* Numbers that count from the start of something, and from its end (-1, ...). */
struct rule_numbers {
    bool given;
    bool first[RULE_NUMBERS];
    bool last[RULE_NUMBERS];
};

struct rule {
    enum rule_freq freq;
    int interval;
    int count;          /* 0 if none */
    int week_start;     /* 1 Monday to 7 Sunday */
    struct civil until; /* year 0 if none; the end of the day if a date */
    bool until_utc;
    uint64_t months; /* bit 1 << month; 0 without BYMONTH; the next three likewise */
    uint64_t hours;
    uint64_t minutes;
    uint64_t seconds;
    struct rule_numbers month_days;
    struct rule_numbers year_days;
    struct rule_numbers weeks;
    struct rule_numbers positions;
    /* BYDAY by 1 Monday to 7 Sunday: bit 0 of the first is every such day. */
    bool weekdays;
    uint64_t weekday_first[8];
    uint64_t weekday_last[8];
};

/* Reads and checks `text`. ERR_INVALID. */
int rule_parse(const char *text, struct rule *rule, struct err *err);

/* What is asked for, and what was found. */
struct rule_listing {
    const struct civil *start;
    const struct civil *from;
    const struct civil *to;
    size_t max;
    struct civil *found; /* in the arena */
    size_t count;
    size_t room;
};

/* Finds the civil times of the rule, as recurrence_list says. 0, or ERR_LIMIT. */
int rule_expand(struct arena *arena, const struct rule *rule, struct rule_listing *listing,
                struct err *err);
