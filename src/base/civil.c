/* civil.c - see teataja/base/civil.h. */
#include "teataja/base/civil.h"

#include <ctype.h>
#include <string.h>

#define YEAR_FIRST 1900
#define YEAR_LAST 2200
#define SHOWN 60 /* most bytes of the user's text that a message repeats */
#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)

static const char *const month_names[] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December",
};

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int civil_days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (month < 1 || month > 12) {
        return 0;
    }
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Reads exactly `digits` digits; -1 when others stand there. */
static int read_number(const char **text, int digits)
{
    int value = 0;

    for (int i = 0; i < digits; i++) {
        char c = (*text)[i];

        if (c < '0' || c > '9') {
            return -1;
        }
        value = value * 10 + (c - '0');
    }
    *text += digits;
    return value;
}

static bool skip(const char **text, char c)
{
    if (**text != c) {
        return false;
    }
    (*text)++;
    return true;
}

static int bad_form(const char *text, struct err *err)
{
    return err_set(err, ERR_INVALID,
                   "'%.*s' is not a date: write 2027-01-23, or with a time 2027-01-23 17:00", SHOWN,
                   text);
}

/* Reads the date at *text and moves past it. */
static int read_date(const char **text, struct civil *out, struct err *err)
{
    const char *whole = *text;
    int year = read_number(text, 4);
    int month;
    int day;
    int last;

    if (year < 0 || !skip(text, '-')) {
        return bad_form(whole, err);
    }
    month = read_number(text, 2);
    if (month < 0 || !skip(text, '-')) {
        return bad_form(whole, err);
    }
    day = read_number(text, 2);
    if (day < 0) {
        return bad_form(whole, err);
    }
    if (year < YEAR_FIRST || year > YEAR_LAST) {
        return err_set(err, ERR_INVALID, "%.10s is not a date: years run from %d to %d", whole,
                       YEAR_FIRST, YEAR_LAST);
    }
    if (month < 1 || month > 12) {
        return err_set(err, ERR_INVALID, "%.10s is not a date: months run from 01 to 12", whole);
    }
    last = civil_days_in_month(year, month);
    if (day > last) {
        return err_set(err, ERR_INVALID, "%.10s is not a date: %s %d has %d days", whole,
                       month_names[month - 1], year, last);
    }
    if (day < 1) {
        return err_set(err, ERR_INVALID, "%.10s is not a date: days run from 01", whole);
    }
    out->year = year;
    out->month = month;
    out->day = day;
    return 0;
}

/* Reads the time at *text and moves past it. */
static int read_time(const char **text, struct civil *out, struct err *err)
{
    const char *whole = *text;
    int hour = read_number(text, 2);
    int minute = -1;
    int second = 0;

    if (hour >= 0 && skip(text, ':')) {
        minute = read_number(text, 2);
    }
    if (minute >= 0 && skip(text, ':')) {
        second = read_number(text, 2);
    }
    if (hour < 0 || minute < 0 || second < 0) {
        return err_set(err, ERR_INVALID, "'%.*s' is not a time: write 17:00 or 17:00:30", SHOWN,
                       whole);
    }
    if (hour > 23 || minute > 59 || second > 59) {
        return err_set(err, ERR_INVALID, "%.*s is not a time: times run from 00:00:00 to 23:59:59",
                       (int)(*text - whole), whole);
    }
    out->hour = hour;
    out->minute = minute;
    out->second = second;
    out->date_only = false;
    return 0;
}

/* Reads a date and, if digits follow behind a space or 'T', a time. */
static int read_moment(const char **text, struct civil *out, struct err *err)
{
    int rc = read_date(text, out, err);

    if (rc < 0) {
        return rc;
    }
    out->date_only = true;
    if ((**text == ' ' || **text == 'T') && isdigit((unsigned char)(*text)[1])) {
        (*text)++;
        rc = read_time(text, out, err);
    }
    return rc;
}

int civil_parse(const char *text, struct civil *out, struct err *err)
{
    struct civil civil = {0};
    const char *at = text;
    int rc = read_moment(&at, &civil, err);

    if (rc < 0) {
        return rc;
    }
    if (*at != '\0') {
        return bad_form(text, err);
    }
    *out = civil;
    return 0;
}

/* Letters, digits, '/', '_', '-' and '+', a letter first: nothing that could
 * step out of the folder of time zones. */
static bool is_zone_name(const char *name)
{
    if (!isalpha((unsigned char)name[0])) {
        return false;
    }
    for (const char *c = name; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && strchr("/_-+", *c) == NULL) {
            return false;
        }
    }
    return true;
}

int civil_parse_zoned(const char *text, struct civil *out, char zone[CIVIL_ZONE], struct err *err)
{
    struct civil civil = {0};
    const char *at = text;
    size_t len;
    int rc = read_moment(&at, &civil, err);

    if (rc < 0) {
        return rc;
    }
    if (*at == '\0') {
        zone[0] = '\0';
        *out = civil;
        return 0;
    }
    if (!skip(&at, ' ')) {
        return bad_form(text, err);
    }
    len = strlen(at);
    if (!is_zone_name(at)) {
        return err_set(err, ERR_INVALID,
                       "'%.*s' is not the name of a time zone, which looks like Europe/Tallinn",
                       SHOWN, at);
    }
    if (len >= CIVIL_ZONE) {
        return err_set(err, ERR_INVALID, "'%.*s...' is too long for the name of a time zone",
                       SHOWN - 20, at);
    }
    memcpy(zone, at, len + 1);
    *out = civil;
    return 0;
}

int civil_parse_time(const char *text, struct civil *out, struct err *err)
{
    struct civil civil = *out;
    const char *at = text;
    int rc = read_time(&at, &civil, err);

    if (rc < 0) {
        return rc;
    }
    if (*at != '\0') {
        return err_set(err, ERR_INVALID, "'%.*s' is not a time: write 17:00 or 17:00:30", SHOWN,
                       text);
    }
    *out = civil;
    return 0;
}

/* Writes the last `digits` digits of a number and what follows them. */
static char *write_number(char *text, int64_t value, int digits, char after)
{
    for (int i = digits - 1; i >= 0; i--) {
        text[i] = (char)('0' + value % 10);
        value /= 10;
    }
    text[digits] = after;
    return text + digits + 1;
}

void civil_format(const struct civil *civil, char text[CIVIL_TEXT])
{
    text = write_number(text, civil->year, 4, '-');
    text = write_number(text, civil->month, 2, '-');
    text = write_number(text, civil->day, 2, civil->date_only ? '\0' : 'T');
    if (!civil->date_only) {
        text = write_number(text, civil->hour, 2, ':');
        text = write_number(text, civil->minute, 2, ':');
        (void)write_number(text, civil->second, 2, '\0');
    }
}

void civil_print(const struct civil *civil, char text[CIVIL_TEXT])
{
    enum { DAY_END = 10, MINUTE_END = 16 }; /* "2027-01-23", "2027-01-23T17:00" */

    civil_format(civil, text);
    if (!civil->date_only) {
        text[DAY_END] = ' ';
        text[MINUTE_END] = civil->second != 0 ? ':' : '\0';
    }
}

/* Seconds since midnight. */
static int time_of_day(const struct civil *civil)
{
    return civil->date_only ? 0 : civil->hour * 3600 + civil->minute * 60 + civil->second;
}

int civil_compare(const struct civil *a, const struct civil *b)
{
    int64_t days_a = civil_days(a);
    int64_t days_b = civil_days(b);
    int time_a = time_of_day(a);
    int time_b = time_of_day(b);

    if (days_a != days_b) {
        return days_a < days_b ? -1 : 1;
    }
    return (time_a > time_b) - (time_a < time_b);
}

/* Leap days in the years 1 to `year` of the proleptic Gregorian calendar. */
static int64_t leap_days(int64_t year)
{
    return year / 4 - year / 100 + year / 400;
}

/* Days from 0001-01-01 to 1 January of `year` (from 1). */
static int64_t days_before_year(int64_t year)
{
    return (year - 1) * 365 + leap_days(year - 1);
}

#define DAYS_TO_1970 719162 /* days_before_year(1970) */

int64_t civil_days(const struct civil *civil)
{
    int64_t days = days_before_year(civil->year) - DAYS_TO_1970;

    for (int month = 1; month < civil->month; month++) {
        days += civil_days_in_month(civil->year, month);
    }
    return days + civil->day - 1;
}

void civil_set_days(struct civil *civil, int64_t days)
{
    int64_t since = days + DAYS_TO_1970;
    int64_t year = since / 366 + 1; /* not past the right one */
    int month = 1;

    while (days_before_year(year + 1) <= since) {
        year += (since - days_before_year(year + 1)) / 366 + 1;
    }
    since -= days_before_year(year);
    while (since >= civil_days_in_month((int)year, month)) {
        since -= civil_days_in_month((int)year, month);
        month++;
    }
    civil->year = (int)year;
    civil->month = month;
    civil->day = (int)since + 1;
}

int civil_weekday(const struct civil *civil)
{
    int64_t days = civil_days(civil) + 3; /* 1970-01-01 was a Thursday */

    return (int)((days % 7 + 7) % 7) + 1;
}

void civil_add_days(struct civil *civil, int days)
{
    civil_set_days(civil, civil_days(civil) + days);
}

int64_t civil_to_utc(const struct civil *civil)
{
    return civil_days(civil) * DAY + time_of_day(civil) * SECOND;
}

void civil_from_utc(int64_t instant, struct civil *civil)
{
    int64_t days = instant / DAY;
    int64_t rest = instant % DAY;
    int seconds;

    if (rest < 0) {
        rest += DAY;
        days--;
    }
    seconds = (int)(rest / SECOND);
    *civil =
        (struct civil){.hour = seconds / 3600, .minute = seconds / 60 % 60, .second = seconds % 60};
    civil_set_days(civil, days);
}

void civil_format_instant(int64_t instant, char text[28])
{
    struct civil civil;
    int64_t micros = instant % SECOND;

    if (micros < 0) {
        micros += SECOND;
    }
    civil_from_utc(instant, &civil);
    civil_format(&civil, text);
    text[CIVIL_TEXT - 1] = '.';
    text = write_number(text + CIVIL_TEXT, micros, 6, 'Z');
    *text = '\0';
}
