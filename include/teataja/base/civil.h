/* teataja/base/civil.h - dates and times as people write them, without a zone.
 *
 * Things planned are a civil time and the name of a time zone; calendar/zone.h
 * turns the two into an instant.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "teataja/base/err.h"

struct civil {
    int year;   /* 1900 to 2200 */
    int month;  /* 1 to 12 */
    int day;    /* 1 to 31 */
    int hour;   /* 0 to 23 */
    int minute; /* 0 to 59 */
    int second; /* 0 to 59 */
    bool date_only; /* no time was given; hour, minute and second are 0 */
};

#define CIVIL_TEXT 20 /* "2027-01-23T17:00:00" and NUL */
#define CIVIL_ZONE 64 /* most characters of a zone name, with NUL */

/* Parses "2027-01-23", "2027-01-23 17:00", "2027-01-23T17:00:30". Returns 0 or
 * ERR_INVALID: "2027-02-30 is not a date: February 2027 has 28 days". */
int civil_parse(const char *text, struct civil *out, struct err *err);

/* As civil_parse, with an optional zone name behind a space ("2027-01-23 17:00
 * Europe/Brussels"); zone is "" when there is none. Only the form of the zone
 * name is checked here: calendar/zone.h knows which exist. */
int civil_parse_zoned(const char *text, struct civil *out, char zone[CIVIL_ZONE], struct err *err);

/* Parses "17:00" or "17:00:30" into hour, minute, second of *out and clears its
 * date_only; the date is kept as it is. */
int civil_parse_time(const char *text, struct civil *out, struct err *err);

/* "2027-01-23" or "2027-01-23T17:00:00": for keys and programs. */
void civil_format(const struct civil *civil, char text[CIVIL_TEXT]);

/* "2027-01-23" or "2027-01-23 17:00", with seconds if there are any: for people, who
 * write it so. */
void civil_print(const struct civil *civil, char text[CIVIL_TEXT]);

/* <0, 0, >0; a date without a time is compared as its midnight. */
int civil_compare(const struct civil *a, const struct civil *b);

/* Days since 1970-01-01 in the proleptic Gregorian calendar, and back (the
 * time of day is kept as it is in *civil). */
int64_t civil_days(const struct civil *civil);
void civil_set_days(struct civil *civil, int64_t days);

/* 1 Monday to 7 Sunday (ISO 8601). */
int civil_weekday(const struct civil *civil);

/* Moves by whole days. */
void civil_add_days(struct civil *civil, int days);

int civil_days_in_month(int year, int month);

/* A civil time read as UTC, in microseconds, and back. */
int64_t civil_to_utc(const struct civil *civil);
void civil_from_utc(int64_t instant, struct civil *civil);

/* "2026-12-01T07:00:00.000000Z" style, 28 bytes with NUL. */
void civil_format_instant(int64_t instant, char text[28]);
