/* format_state.h - the open formatters of one language; for format*.c alone. */
#pragma once

#include <unicode/udat.h>
#include <unicode/udateintervalformat.h>
#include <unicode/udatpg.h>
#include <unicode/ulistformatter.h>
#include <unicode/unumberformatter.h>
#include <unicode/unumberrangeformatter.h>

#include "teataja/render/format.h"

#define FORMAT_CURRENCIES 8 /* kept open; more are opened in turn */
#define FORMAT_CITIES 16    /* kept; more are looked up in turn */
#define FORMAT_MEMOS 256    /* texts of dates that are kept */
#define FORMAT_MEMO 120     /* bytes of one; longer ones are written each time */

enum { FORMAT_TIME = FORMAT_STYLES, FORMAT_KINDS }; /* a time alone, behind the date styles */

struct format_money {
    char currency[4]; /* "" while unused */
    UNumberFormatter *amount;
    UNumberRangeFormatter *range;
};

/* The name of a zone's city. */
struct format_city {
    char zone[CIVIL_ZONE]; /* "" while unused */
    char name[FORMAT_MEMO];
};

/* What was written for a date or a range: the versions of a letter speak of the same
 * ones, and ICU needs 5 us for each. */
struct format_memo {
    struct civil start;
    struct civil end; /* of a range; else as start */
    signed char kind;
    bool timed;
    bool range;
    char text[FORMAT_MEMO]; /* "" while unused */
};

struct format {
    enum language lang;
    const char *locale; /* for ICU */
    UDateTimePatternGenerator *patterns;
    UDateFormat *dates[FORMAT_KINDS][2]; /* [1] with the time */
    UDateIntervalFormat *ranges[FORMAT_KINDS][2];
    UNumberFormatter *number;
    UNumberFormatter *percent;
    UFormattedNumber *result;
    struct format_money money[FORMAT_CURRENCIES];
    size_t next_money; /* which is given up for the next currency */
    UListFormatter *list;
    struct format_city cities[FORMAT_CITIES];
    size_t next_city; /* which is given up for the next */
    struct format_memo memos[FORMAT_MEMOS];
};

/* ERR_NOMEM, or ERR_INVALID with what could not be written. */
int format_fault(const struct format *format, UErrorCode status, const char *what, struct err *err);

/* Appends UTF-16. */
void format_add(struct str *out, const UChar *text, int32_t len);

/* Closes what format_number.c opens. */
void format_close_numbers(struct format *format);
