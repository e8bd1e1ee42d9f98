/* teataja/calendar/zone.h - civil time in a named zone, and instants.
 *
 * Offsets come only from the system's tzdata (TZif files, RFC 8536), never from
 * ICU, whose own data is older.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "teataja/base/civil.h"
#include "teataja/base/err.h"

enum zone_fit {
    ZONE_EXACT,    /* one instant */
    ZONE_GAP,      /* the local time does not exist: clocks were put forward over it */
    ZONE_AMBIGUOUS /* it comes twice: clocks were put back */
};

/* True for an IANA name that the system knows ("Europe/Tallinn", "UTC"). */
bool zone_is_known(const char *tzid);

/* Maps a name as calendars write it - IANA, a Windows name ("FLE Standard
 * Time", by ICU), "/freeassociation.sourceforge.net/Europe/Vilnius" and its like -
 * to an IANA name. ERR_NOT_FOUND with a message and the nearest name. */
int zone_find(const char *name, char tzid[CIVIL_ZONE], struct err *err);

/* The instant of a civil time in a zone. In a gap *out is the instant as far
 * behind the gap's start as the time is into it; when ambiguous *out is the
 * first of the two. *fit says which (may be NULL). ERR_NOT_FOUND for an unknown
 * zone. */
int zone_to_utc(const char *tzid, const struct civil *local, int64_t *out, enum zone_fit *fit,
                struct err *err);

/* As zone_to_utc, but a time that does not exist or comes twice is ERR_INVALID:
 * "2027-03-28 03:30 does not exist in Europe/Tallinn: clocks go from 03:00 to 04:00". */
int zone_to_utc_strict(const char *tzid, const struct civil *local, int64_t *out, struct err *err);

/* The civil time of an instant in a zone. */
int zone_from_utc(const char *tzid, int64_t instant, struct civil *out, struct err *err);

/* Seconds east of UTC at an instant. */
int zone_offset(const char *tzid, int64_t instant, int *seconds, struct err *err);
