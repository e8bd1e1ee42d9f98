/* Lengths of time, sizes, shares and rates. */
#include "teataja/base/quantity.h"

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "teataja/base/clock.h"

#define MOST_DAYS 36500
#define MOST_DIGITS 13 /* of MOST_DAYS in milliseconds */

struct unit {
    const char *name;
    int days;
    int64_t micros;
};

static const struct unit units[] = {
    {"ms", 0, 1000},
    {"s", 0, CLOCK_SECOND},
    {"sec", 0, CLOCK_SECOND},
    {"second", 0, CLOCK_SECOND},
    {"seconds", 0, CLOCK_SECOND},
    {"min", 0, CLOCK_MINUTE},
    {"minute", 0, CLOCK_MINUTE},
    {"minutes", 0, CLOCK_MINUTE},
    {"h", 0, CLOCK_HOUR},
    {"hour", 0, CLOCK_HOUR},
    {"hours", 0, CLOCK_HOUR},
    {"d", 1, 0},
    {"day", 1, 0},
    {"days", 1, 0},
    {"w", 7, 0},
    {"week", 7, 0},
    {"weeks", 7, 0},
};

static void skip_space(const char **at)
{
    while (**at == ' ' || **at == '\t') {
        (*at)++;
    }
}

/* Digits, at most MOST_DIGITS; false if there are none or too many. */
static bool read_number(const char **at, int64_t *number)
{
    const char *start = *at;

    *number = 0;
    while (isdigit((unsigned char)**at)) {
        if (*at - start == MOST_DIGITS) {
            return false;
        }
        *number = *number * 10 + (**at - '0');
        (*at)++;
    }
    return *at > start;
}

/* A word of ASCII letters in lower case; empty if there is none or it is long. */
static void read_word(const char **at, char word[16])
{
    size_t len = 0;

    while (isalpha((unsigned char)(*at)[len])) {
        len++;
    }
    word[0] = '\0';
    if (len < 16) {
        for (size_t i = 0; i < len; i++) {
            word[i] = (char)tolower((unsigned char)(*at)[i]);
        }
        word[len] = '\0';
        *at += len;
    }
}

static const struct unit *find_unit(const char *word)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(units[i].name, word) == 0) {
            return &units[i];
        }
    }
    return NULL;
}

static bool add(struct period *period, int64_t number, int days, int64_t micros)
{
    int64_t most = (int64_t)MOST_DAYS * CLOCK_DAY;

    if ((days > 0 && number > (MOST_DAYS - period->days) / days) ||
        (micros > 0 && number > (most - period->micros) / micros)) {
        return false;
    }
    period->days += (int)(number * days);
    period->micros += number * micros;
    return true;
}

enum outcome { FINE, MALFORMED, TOO_LONG, MONTHS };

/* ISO 8601: behind the P. */
static enum outcome read_iso(const char *at, struct period *out)
{
    static const struct {
        char letter;
        bool time;
        int days;
        int64_t micros;
    } parts[] = {{'W', false, 7, 0},
                 {'D', false, 1, 0},
                 {'H', true, 0, CLOCK_HOUR},
                 {'M', true, 0, CLOCK_MINUTE},
                 {'S', true, 0, CLOCK_SECOND}};
    size_t next = 0, count = 0;
    bool time = false;

    while (*at) {
        int64_t number;

        if ((*at == 'T' || *at == 't') && !time) {
            time = true;
            at++;
        }
        if (!read_number(&at, &number)) {
            return MALFORMED;
        }
        if (!time && strchr("YyMm", *at) && *at) {
            return MONTHS;
        }
        while (next < 5 &&
               (parts[next].letter != toupper((unsigned char)*at) || parts[next].time != time)) {
            next++;
        }
        if (next == 5) {
            return MALFORMED;
        }
        at++;
        if (!add(out, number, parts[next].days, parts[next].micros)) {
            return TOO_LONG;
        }
        next++;
        count++;
    }
    return count > 0 ? FINE : MALFORMED;
}

/* "1 week 2 days". */
static enum outcome read_words(const char *at, bool before, struct period *out)
{
    size_t count = 0;

    for (;;) {
        const struct unit *unit;
        int64_t number;
        char word[16];

        skip_space(&at);
        if (count > 0 && *at == '\0') {
            return FINE;
        }
        if (count > 0 && before && strcasecmp(at, "before") == 0) {
            return FINE;
        }
        if (!read_number(&at, &number)) {
            return MALFORMED;
        }
        skip_space(&at);
        if (number == 0 && *at == '\0' && count == 0) {
            return FINE;
        }
        read_word(&at, word);
        unit = find_unit(word);
        if (!unit) {
            return strncmp(word, "month", 5) == 0 || strncmp(word, "year", 4) == 0 ? MONTHS
                                                                                   : MALFORMED;
        }
        if (!add(out, number, unit->days, unit->micros)) {
            return TOO_LONG;
        }
        count++;
    }
}

int quantity_parse_period(const char *text, bool before, struct period *out, struct err *err)
{
    const char *at = text;
    bool negative = false;
    enum outcome outcome;

    *out = (struct period){0};
    skip_space(&at);
    if (*at == '-' || *at == '+') {
        negative = *at == '-';
        at++;
    }
    outcome = *at == 'P' || *at == 'p' ? read_iso(at + 1, out) : read_words(at, before, out);
    switch (outcome) {
    case FINE:
        break;
    case TOO_LONG:
        return err_set(err, ERR_INVALID, "'%s' is longer than %d days", text, MOST_DAYS);
    case MONTHS:
        return err_set(err, ERR_INVALID,
                       "'%s' has months or years, which differ in length; write days", text);
    case MALFORMED:
        return err_set(err, ERR_INVALID,
                       "'%s' is not a length of time; write '7 days', '36 h' or 'P7D'", text);
    }
    if (negative) {
        out->days = -out->days;
        out->micros = -out->micros;
    }
    return 0;
}

int quantity_parse_duration(const char *text, bool before, int64_t *micros, struct err *err)
{
    struct period period;
    int rc = quantity_parse_period(text, before, &period, err);

    *micros = 0;
    if (rc < 0) {
        return rc;
    }
    *micros = period.days * CLOCK_DAY + period.micros;
    return 0;
}

void quantity_format_duration(int64_t micros, char text[QUANTITY_TEXT])
{
    static const struct {
        int64_t micros;
        const char *one;
        const char *many;
    } steps[] = {
        {CLOCK_DAY, "day", "days"}, {CLOCK_HOUR, "h", "h"}, {CLOCK_MINUTE, "min", "min"},
        {CLOCK_SECOND, "s", "s"},   {1000, "ms", "ms"},
    };

    if (micros == 0) {
        snprintf(text, QUANTITY_TEXT, "0");
        return;
    }
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (micros % steps[i].micros == 0) {
            int64_t number = micros / steps[i].micros;

            snprintf(text, QUANTITY_TEXT, "%" PRId64 " %s", number,
                     number == 1 ? steps[i].one : steps[i].many);
            return;
        }
    }
    snprintf(text, QUANTITY_TEXT, "%" PRId64 " microseconds", micros);
}

int quantity_parse_size(const char *text, int64_t *bytes, struct err *err)
{
    static const struct {
        const char *name;
        int64_t factor;
    } sizes[] = {
        {"", 1},         {"b", 1},         {"kb", 1 << 10},  {"kib", 1 << 10},
        {"k", 1 << 10},  {"mb", 1 << 20},  {"mib", 1 << 20}, {"m", 1 << 20},
        {"gb", 1 << 30}, {"gib", 1 << 30}, {"g", 1 << 30},
    };
    const char *at = text;
    int64_t number;
    char word[16];

    *bytes = 0;
    skip_space(&at);
    if (!read_number(&at, &number)) {
        goto bad;
    }
    skip_space(&at);
    read_word(&at, word);
    skip_space(&at);
    if (*at) {
        goto bad;
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (strcmp(sizes[i].name, word) == 0) {
            if (number > INT64_MAX / sizes[i].factor) {
                goto bad;
            }
            *bytes = number * sizes[i].factor;
            return 0;
        }
    }
bad:
    return err_set(err, ERR_INVALID, "'%s' is not a size; write '80 KB' or '2 MB'", text);
}

int quantity_parse_percent(const char *text, int *hundredths, struct err *err)
{
    const char *at = text;
    int64_t whole, part = 0;

    *hundredths = 0;
    skip_space(&at);
    if (!read_number(&at, &whole)) {
        goto bad;
    }
    if (*at == '.' || *at == ',') {
        const char *start = ++at;

        if (!read_number(&at, &part) || at - start > 2) {
            goto bad;
        }
        part = at - start == 1 ? part * 10 : part;
    }
    skip_space(&at);
    if (*at != '%') {
        goto bad;
    }
    at++;
    skip_space(&at);
    if (*at) {
        goto bad;
    }
    if (whole > 100 || (whole == 100 && part > 0)) {
        return err_set(err, ERR_INVALID, "'%s' is more than 100 %%", text);
    }
    *hundredths = (int)(whole * 100 + part);
    return 0;
bad:
    return err_set(err, ERR_INVALID, "'%s' is not a percentage; write '80%%' or '12.5%%'", text);
}

int quantity_parse_rate(const char *text, struct rate *out, struct err *err)
{
    const char *at = text;
    const struct unit *unit;
    int64_t count;
    char word[16];

    *out = (struct rate){0};
    skip_space(&at);
    if (strcasecmp(at, "unlimited") == 0) {
        return 0;
    }
    if (!read_number(&at, &count) || count == 0) {
        goto bad;
    }
    skip_space(&at);
    if (*at != '/') {
        goto bad;
    }
    at++;
    skip_space(&at);
    read_word(&at, word);
    skip_space(&at);
    unit = find_unit(word);
    if (!unit || *at) {
        goto bad;
    }
    *out = (struct rate){.count = count, .micros = unit->days * CLOCK_DAY + unit->micros};
    return 0;
bad:
    return err_set(err, ERR_INVALID, "'%s' is not a rate; write '20/s', '1000/hour' or 'unlimited'",
                   text);
}
