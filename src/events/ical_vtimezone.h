/* ical_vtimezone.h - a VTIMEZONE of what the system's tzdata says. */
#pragma once

#include "teataja/base/err.h"
#include "teataja/base/str.h"

/* Appends a VTIMEZONE (RFC 5545 section 3.6.5) that is right from the beginning
 * of `first` to the end of year `last`. Where the clocks change by one rule, each
 * observance has its RRULE and holds on; otherwise every change is written out.
 * ERR_NOT_FOUND for an unknown zone. */
int ical_vtimezone(struct str *out, const char *tzid, int first, int last, struct err *err);
