/* An RRULE taken apart and checked, before libical sees it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "teataja/base/civil.h"
#include "teataja/base/err.h"
#include "teataja/base/str.h"

struct rule {
    struct civil until; /* year 0 if none; the end of the day if a date */
    bool until_utc;
    unsigned weekdays; /* of BYDAY: bit 1 << (1 Monday to 7 Sunday); 0 without it */
};

/* Checks `text` and appends to `out` the rule as libical shall expand it: lists
 * sorted, UNTIL left out (it is in *rule). ERR_INVALID. */
int rule_parse(const char *text, struct rule *rule, struct str *out, struct err *err);
