/* teataja/render/format.h - dates, times, numbers and money as the reader writes them.
 *
 * All of it is done by ICU from skeletons, so that cases and separators are
 * right: "5. märts 2026, kell 15:05", "2026 m. kovo 5 d.". Times are civil times
 * that are already local: they are formatted as they stand, and ICU is never
 * asked for an offset, since its zone data is older than the system's. English
 * is written as in Europe (day before month, 24 hours). Non-breaking spaces stay.
 *
 * A struct format holds the formatters of one language, opened when first needed
 * and kept. One thread uses it at a time. All functions append to `out` and
 * return 0, ERR_INVALID (a currency or style that does not exist), or ERR_NOMEM.
 * Life: format_open, any number of format_..., format_close.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "teataja/base/civil.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/base/str.h"

struct format;

/* Formatters of one language, such as LANG_ET. ERR_NOT_FOUND for LANG_NONE. */
int format_open(enum language lang, struct format **out, struct err *err);
void format_close(struct format *format);

/* Examples in Estonian. */
enum format_style {
    FORMAT_FULL,    /* neljapäev, 5. märts 2026 */
    FORMAT_LONG,    /* 5. märts 2026 */
    FORMAT_WEEKDAY, /* neljapäev, 5. märts */
    FORMAT_DAY,     /* 5. märts */
    FORMAT_MONTH,   /* märts 2026 */
    FORMAT_BRIEF,   /* N, 5. märts */
    FORMAT_SHORT,   /* 5.3.2026 */
    /* For the leaf of a calendar, beside the number of the day. */
    FORMAT_LEAF_MONTH,   /* märts, dets: at most six letters, for a leaf 60 px wide */
    FORMAT_LEAF_WEEKDAY, /* neljapäev */
    FORMAT_STYLES
};

/* The date alone. */
int format_date(struct format *format, const struct civil *date, enum format_style style,
                struct str *out, struct err *err);

/* The time alone, hours and minutes: "15:05". */
int format_time(struct format *format, const struct civil *time, struct str *out,
                struct err *err);

/* Date and time, "5. märts 2026, kell 15:05"; the date alone if it is date_only. */
int format_moment(struct format *format, const struct civil *moment, enum format_style style,
                  struct str *out, struct err *err);

/* From `start` to `end`, parts in common written once: "20.–21. mai 2027", with
 * times "20. mai 2027, 10:00–16:00". `end` is the last moment, or the last day
 * itself if both are date_only (not the day after, as iCalendar has it); equal
 * ends, or one before the start, give the start alone. If one of the two is
 * date_only both are taken so. Over several days the weekdays are left out, which
 * FORMAT_FULL and the like ask for: LONG then stands for FULL, DAY for WEEKDAY
 * and BRIEF. */
int format_range(struct format *format, const struct civil *start, const struct civil *end,
                 enum format_style style, struct str *out, struct err *err);

/* The dates of format_range without their times. */
int format_date_range(struct format *format, const struct civil *start, const struct civil *end,
                      enum format_style style, struct str *out, struct err *err);

/* The times of day alone: "10:00–16:00". */
int format_time_range(struct format *format, const struct civil *start, const struct civil *end,
                      struct str *out, struct err *err);

/* The city that a time zone is named for, in the reader's language: "Brüssel"
 * for Europe/Brussels; the id itself where ICU has no city. */
int format_zone_city(struct format *format, const char *zone, struct str *out, struct err *err);

/* A whole number with separators: "1 000 000". */
int format_number(struct format *format, int64_t number, struct str *out, struct err *err);

/* Money in hundredths of the currency (ISO 4217 code, "EUR"), whatever its own
 * smallest coin is; without decimals when it is whole: "4000 €", "12,50 €". */
int format_money(struct format *format, int64_t hundredths, const char *currency,
                 struct str *out, struct err *err);

/* "500–5000 €"; equal ends give one amount. */
int format_money_range(struct format *format, int64_t least, int64_t most, const char *currency,
                       struct str *out, struct err *err);

/* A percentage in hundredths of a percent: 8000 is "80%", 3350 "33,5%". */
int format_percent(struct format *format, int64_t hundredths, struct str *out, struct err *err);

/* Texts joined as a list: "eesti, läti ja leedu". */
int format_list(struct format *format, const char *const *items, size_t count, struct str *out,
                struct err *err);

/* The name of a language in the reader's: "eesti" for "et" read in Estonian. */
int format_language_name(struct format *format, const char *lang, struct str *out,
                         struct err *err);
