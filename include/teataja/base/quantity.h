/* teataja/base/quantity.h - amounts with a unit, as people write them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "teataja/base/err.h"

/* A length of time on the calendar: whole days (which may have 23 or 25 hours)
 * and microseconds beside them. Both have the sign of the whole. */
struct period {
    int days;
    int64_t micros;
};

/* "7 days", "36h", "90 min", "1 week 2 days", "250 ms", or ISO 8601 "P7D",
 * "PT36H", "-P1DT12H". With `before`, an ending " before" is allowed. Months and
 * years are refused, for their length differs; so is a number without a unit,
 * except 0. At most 36500 days. ERR_INVALID with a message such as
 * "'7 dais' is not a length of time; write '7 days', '36 h' or 'P7D'". */
int quantity_parse_period(const char *text, bool before, struct period *out, struct err *err);

/* As above, in microseconds, a day being 24 hours. */
int quantity_parse_duration(const char *text, bool before, int64_t *micros, struct err *err);

/* "7 days", "36 h", "250 ms": the largest unit that leaves nothing over. */
#define QUANTITY_TEXT 40
void quantity_format_duration(int64_t micros, char text[QUANTITY_TEXT]);

/* "80 KB", "2 MiB", "512": bytes; K, M and G are powers of 1024. */
int quantity_parse_size(const char *text, int64_t *bytes, struct err *err);

/* "80%", "12.5 %": in hundredths of a percent (8000, 1250). 0 to 100 %. */
int quantity_parse_percent(const char *text, int *hundredths, struct err *err);

/* So many in so long; count 0 means without limit. */
struct rate {
    int64_t count;
    int64_t micros;
};

/* "20/s", "500 / min", "1000/hour", "20000/day", "unlimited". */
int quantity_parse_rate(const char *text, struct rate *out, struct err *err);
