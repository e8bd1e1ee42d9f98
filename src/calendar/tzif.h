/* One zone of the system's tzdata: a TZif file (RFC 8536) in memory. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/err.h"

/* When a footer's daylight saving begins or ends (POSIX TZ, section 8.3). */
struct tzif_rule {
    enum { TZIF_JULIAN, TZIF_DAY, TZIF_MONTH } kind; /* Jn, n, Mm.w.d */
    int day;                                         /* n, or the weekday 0 Sunday to 6 */
    int week;                                        /* 1 to 5; 5 is the last */
    int month;
    int seconds; /* local time of the change, from midnight; may be negative */
};

struct tzif {
    size_t count;         /* transitions */
    int64_t *at;          /* their instants, in seconds, rising */
    int32_t *offset;      /* seconds east of UTC from then on */
    int32_t first_offset; /* before the first */
    bool footer;          /* the following holds after the last transition */
    bool footer_dst;
    int32_t standard; /* seconds east of UTC */
    int32_t daylight;
    struct tzif_rule start; /* of daylight saving, in standard time */
    struct tzif_rule end;   /* in daylight time */
};

/* Reads a whole file of version 2 or later. ERR_CORRUPT, ERR_NOMEM. The caller
 * frees with tzif_free whatever happens. */
int tzif_parse(const unsigned char *data, size_t len, struct tzif *out, struct err *err);
void tzif_free(struct tzif *zone);

/* Seconds east of UTC at an instant in seconds. */
int32_t tzif_offset(const struct tzif *zone, int64_t at);

/* The last instant <= at from which another offset holds; INT64_MIN if none. */
int64_t tzif_change_before(const struct tzif *zone, int64_t at);

/* Every offset that the zone has anywhere, into offsets[TZIF_OFFSETS]; returns how many. */
#define TZIF_OFFSETS 258
size_t tzif_offsets(const struct tzif *zone, int32_t offsets[TZIF_OFFSETS]);
