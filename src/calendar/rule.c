#include "rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "teataja/base/suggest.h"

#define RULE_MAX 2000  /* bytes of a rule */
#define LAST_YEAR 2200 /* of struct civil; calendars write UNTIL=9999... for "never" */

static const char *const freq_names[] = {"YEARLY", "MONTHLY", "WEEKLY", "DAILY"};

enum part {
    PART_FREQ,
    PART_UNTIL,
    PART_COUNT,
    PART_INTERVAL,
    PART_BYSECOND,
    PART_BYMINUTE,
    PART_BYHOUR,
    PART_BYDAY,
    PART_BYMONTHDAY,
    PART_BYYEARDAY,
    PART_BYWEEKNO,
    PART_BYMONTH,
    PART_BYSETPOS,
    PART_WKST,
    PARTS
};

/* What may stand in a part: whole numbers from min to max, with `negative` also
 * from -max to -min. Parts without max are read by code of their own. */
static const struct part_form {
    const char *name;
    int min;
    int max;
    bool negative;
    bool list;
    const char *what;
} forms[PARTS] = {
    [PART_FREQ] = {.name = "FREQ"},
    [PART_UNTIL] = {.name = "UNTIL"},
    [PART_COUNT] = {"COUNT", 1, 100000, false, false, "a count is 1 to 100000"},
    [PART_INTERVAL] = {"INTERVAL", 1, 1000, false, false, "an interval is 1 to 1000"},
    [PART_BYSECOND] = {"BYSECOND", 0, 59, false, true, "a second is 0 to 59"},
    [PART_BYMINUTE] = {"BYMINUTE", 0, 59, false, true, "a minute is 0 to 59"},
    [PART_BYHOUR] = {"BYHOUR", 0, 23, false, true, "an hour is 0 to 23"},
    [PART_BYDAY] = {.name = "BYDAY", .list = true},
    [PART_BYMONTHDAY] = {"BYMONTHDAY", 1, 31, true, true,
                         "a day of the month is 1 to 31, or -31 to -1"},
    [PART_BYYEARDAY] = {"BYYEARDAY", 1, 366, true, true,
                        "a day of the year is 1 to 366, or -366 to -1"},
    [PART_BYWEEKNO] = {"BYWEEKNO", 1, 53, true, true, "a week is 1 to 53, or -53 to -1"},
    [PART_BYMONTH] = {"BYMONTH", 1, 12, false, true, "a month is 1 to 12"},
    [PART_BYSETPOS] = {"BYSETPOS", 1, 366, true, true, "a position is 1 to 366, or -366 to -1"},
    [PART_WKST] = {.name = "WKST"},
};

struct reader {
    const char *value[PARTS]; /* as written, NULL if not given */
    size_t len[PARTS];
    struct rule *rule;
    bool day_numbers; /* a BYDAY such as 2MO */
    int least_day;    /* the smallest |BYMONTHDAY| */
    struct err *err;
};

static int find_part(const char *name, size_t len)
{
    for (int i = 0; i < PARTS; i++) {
        if (strlen(forms[i].name) == len && memcmp(forms[i].name, name, len) == 0) {
            return i;
        }
    }
    return -1;
}

static int refuse_part(const struct reader *reader, const char *name, size_t len)
{
    char text[SUGGEST_NAME];
    struct suggest suggest;

    (void)snprintf(text, sizeof(text), "%.*s", (int)(len < 40 ? len : 40), name);
    if (strcmp(text, "RSCALE") == 0 || strcmp(text, "SKIP") == 0) {
        return err_set(reader->err, ERR_INVALID, "%s is not supported (RFC 7529)", text);
    }
    suggest_start(&suggest, text);
    for (int i = 0; i < PARTS; i++) {
        suggest_offer(&suggest, forms[i].name);
    }
    return err_set(reader->err, ERR_INVALID, "a rule has no part '%s'%s", text,
                   suggest_hint(&suggest));
}

/* Splits "FREQ=YEARLY;BYMONTH=2" into reader->value. */
static int split(struct reader *reader, const char *text)
{
    while (*text) {
        size_t whole = strcspn(text, ";");
        size_t name = strcspn(text, "=;");
        int part = find_part(text, name);

        if (whole == 0 && text[1] == '\0') {
            break; /* a ';' at the end */
        }
        if (part < 0) {
            return refuse_part(reader, text, name);
        }
        if (reader->value[part]) {
            return err_set(reader->err, ERR_INVALID, "%s stands there twice", forms[part].name);
        }
        if (whole <= name + 1) {
            return err_set(reader->err, ERR_INVALID, "%s has no value", forms[part].name);
        }
        reader->value[part] = text + name + 1;
        reader->len[part] = whole - name - 1;
        text += whole;
        text += *text == ';';
    }
    return 0;
}

static int refuse_number(const struct reader *reader, int part, const char *item, size_t len)
{
    return err_set(reader->err, ERR_INVALID, "%s=%.*s: %s", forms[part].name,
                   (int)(len < 20 ? len : 20), item, forms[part].what);
}

static int read_int(const struct reader *reader, int part, const char *item, size_t len, int *out)
{
    const struct part_form *form = &forms[part];
    bool sign = len > 0 && (*item == '-' || *item == '+') && form->negative;
    int value = 0;

    if (len <= (size_t)sign || len > 7) {
        return refuse_number(reader, part, item, len);
    }
    for (size_t i = sign; i < len; i++) {
        if (item[i] < '0' || item[i] > '9') {
            return refuse_number(reader, part, item, len);
        }
        value = value * 10 + (item[i] - '0');
    }
    if (value < form->min || value > form->max) {
        return refuse_number(reader, part, item, len);
    }
    *out = *item == '-' ? -value : value;
    return 0;
}

static void keep_number(struct rule_numbers *numbers, int value)
{
    numbers->given = true;
    (value < 0 ? numbers->last : numbers->first)[abs(value)] = true;
}

static void keep_value(struct reader *reader, int part, int value)
{
    struct rule *rule = reader->rule;

    switch (part) {
    case PART_COUNT:
        rule->count = value;
        break;
    case PART_INTERVAL:
        rule->interval = value;
        break;
    case PART_BYSECOND:
        rule->seconds |= UINT64_C(1) << value;
        break;
    case PART_BYMINUTE:
        rule->minutes |= UINT64_C(1) << value;
        break;
    case PART_BYHOUR:
        rule->hours |= UINT64_C(1) << value;
        break;
    case PART_BYMONTH:
        rule->months |= UINT64_C(1) << value;
        break;
    case PART_BYMONTHDAY:
        reader->least_day = abs(value) < reader->least_day ? abs(value) : reader->least_day;
        keep_number(&rule->month_days, value);
        break;
    case PART_BYYEARDAY:
        keep_number(&rule->year_days, value);
        break;
    case PART_BYWEEKNO:
        keep_number(&rule->weeks, value);
        break;
    default:
        keep_number(&rule->positions, value);
        break;
    }
}

static int read_numbers(struct reader *reader, int part)
{
    size_t count = 0;
    const char *text = reader->value[part];
    const char *end = text + reader->len[part];

    while (text <= end) {
        size_t len = strcspn(text, ",;");
        int value = 0;
        int rc;

        if (count > 0 && !forms[part].list) {
            return err_set(reader->err, ERR_INVALID, "%s has too many values", forms[part].name);
        }
        rc = read_int(reader, part, text, len, &value);
        if (rc < 0) {
            return rc;
        }
        keep_value(reader, part, value);
        count++;
        text += len + 1;
    }
    return 0;
}

/* 1 Monday to 7 Sunday; 0 if it is none. */
static int read_weekday(const char *text)
{
    static const char names[] = "MOTUWETHFRSASU";

    for (int i = 0; i < 7; i++) {
        if (memcmp(names + (ptrdiff_t)i * 2, text, 2) == 0) {
            return i + 1;
        }
    }
    return 0;
}

static int read_days(struct reader *reader)
{
    struct rule *rule = reader->rule;
    const char *text = reader->value[PART_BYDAY];
    const char *end = text + reader->len[PART_BYDAY];

    while (text <= end) {
        size_t len = strcspn(text, ",;");
        size_t at = len > 0 && (*text == '-' || *text == '+');
        int number = 0;
        int weekday;

        while (at < len && at < 4 && text[at] >= '0' && text[at] <= '9') {
            number = number * 10 + (text[at++] - '0');
        }
        weekday = len - at == 2 ? read_weekday(text + at) : 0;
        if (weekday == 0 || number > 53 || (at > 0 && number == 0)) {
            return err_set(reader->err, ERR_INVALID,
                           "BYDAY=%.*s: a day is MO, TU, WE, TH, FR, SA or SU, perhaps with a "
                           "number such as 2MO or -1FR",
                           (int)(len < 20 ? len : 20), text);
        }
        reader->day_numbers = reader->day_numbers || number != 0;
        rule->weekdays = true;
        (*text == '-' && number != 0 ? rule->weekday_last : rule->weekday_first)[weekday] |=
            UINT64_C(1) << number;
        text += len + 1;
    }
    return 0;
}

static int read_freq(struct reader *reader)
{
    const char *value = reader->value[PART_FREQ];
    size_t len = reader->len[PART_FREQ];

    if (!value) {
        return err_set(reader->err, ERR_INVALID, "FREQ is missing");
    }
    for (int i = 0; i <= RULE_DAILY; i++) {
        if (strlen(freq_names[i]) == len && memcmp(freq_names[i], value, len) == 0) {
            reader->rule->freq = (enum rule_freq)i;
            return 0;
        }
    }
    return err_set(reader->err, ERR_INVALID,
                   "FREQ=%.*s: write YEARLY, MONTHLY, WEEKLY or DAILY; nothing here recurs faster",
                   (int)(len < 20 ? len : 20), value);
}

static int read_until(const struct reader *reader)
{
    struct rule *rule = reader->rule;
    const char *value = reader->value[PART_UNTIL];
    size_t len = reader->len[PART_UNTIL];
    char text[CIVIL_TEXT];
    int year = LAST_YEAR;
    bool time = len > 8;

    if (!value) {
        return 0;
    }
    rule->until_utc = time && value[len - 1] == 'Z';
    len -= rule->until_utc;
    if ((len != 8 && len != 15) || strspn(value, "0123456789") != 8 ||
        (time && (value[8] != 'T' || strspn(value + 9, "0123456789") != 6))) {
        return err_set(reader->err, ERR_INVALID,
                       "UNTIL=%.*s: write 20271231, 20271231T235959 or 20271231T215959Z",
                       (int)(reader->len[PART_UNTIL] < 20 ? reader->len[PART_UNTIL] : 20), value);
    }
    if (memcmp(value, "2200", 4) < 0) {
        year = (int)strtol((const char[]){value[0], value[1], value[2], value[3], '\0'}, NULL, 10);
    }
    if (time) {
        (void)snprintf(text, sizeof(text), "%04d-%.2s-%.2sT%.2s:%.2s:%.2s", year, value + 4,
                       value + 6, value + 9, value + 11, value + 13);
    } else {
        (void)snprintf(text, sizeof(text), "%04d-%.2s-%.2sT23:59:59", year, value + 4, value + 6);
    }
    if (civil_parse(text, &rule->until, reader->err) < 0) {
        return err_prefix(reader->err, "UNTIL");
    }
    return 0;
}

/* Combinations that RFC 5545 section 3.3.10 forbids, and days that never come. */
static int check_parts(const struct reader *reader)
{
    const char *const *value = reader->value;
    const char *wrong = NULL;

    if (value[PART_COUNT] && value[PART_UNTIL]) {
        wrong = "COUNT and UNTIL exclude each other";
    } else if (value[PART_BYWEEKNO] && reader->rule->freq != RULE_YEARLY) {
        wrong = "BYWEEKNO is for FREQ=YEARLY only";
    } else if (value[PART_BYWEEKNO] && (value[PART_BYMONTHDAY] || value[PART_BYYEARDAY])) {
        wrong = "BYWEEKNO does not go with BYMONTHDAY and BYYEARDAY";
    } else if (value[PART_BYYEARDAY] && reader->rule->freq != RULE_YEARLY) {
        wrong = "BYYEARDAY is for FREQ=YEARLY only";
    } else if (value[PART_BYMONTHDAY] && reader->rule->freq == RULE_WEEKLY) {
        wrong = "BYMONTHDAY is not for FREQ=WEEKLY";
    } else if (reader->day_numbers && (reader->rule->freq > RULE_MONTHLY || value[PART_BYWEEKNO])) {
        wrong = "a number in BYDAY is for FREQ=MONTHLY and FREQ=YEARLY without BYWEEKNO only";
    } else if (value[PART_BYSETPOS] && !value[PART_BYDAY] && !value[PART_BYMONTHDAY] &&
               !value[PART_BYYEARDAY] && !value[PART_BYWEEKNO] && !value[PART_BYMONTH] &&
               !value[PART_BYHOUR] && !value[PART_BYMINUTE] && !value[PART_BYSECOND]) {
        wrong = "BYSETPOS chooses from the days of another BY part, and there is none";
    }
    if (!wrong && value[PART_BYMONTH] && value[PART_BYMONTHDAY]) {
        bool possible = false;

        for (int month = 1; month <= 12; month++) {
            possible = possible || ((reader->rule->months & UINT64_C(1) << month) &&
                                    reader->least_day <= civil_days_in_month(2000, month));
        }
        wrong = possible ? NULL : "none of its months has such a day";
    }
    return wrong ? err_set(reader->err, ERR_INVALID, "%s", wrong) : 0;
}

static int read_parts(struct reader *reader)
{
    int rc = read_freq(reader);

    for (int i = 0; rc == 0 && i < PARTS; i++) {
        if (reader->value[i] && forms[i].max > 0) {
            rc = read_numbers(reader, i);
        }
    }
    if (rc == 0 && reader->value[PART_BYDAY]) {
        rc = read_days(reader);
    }
    if (rc == 0 && reader->value[PART_WKST]) {
        reader->rule->week_start =
            reader->len[PART_WKST] == 2 ? read_weekday(reader->value[PART_WKST]) : 0;
        if (reader->rule->week_start == 0) {
            return err_set(reader->err, ERR_INVALID, "WKST is MO, TU, WE, TH, FR, SA or SU");
        }
    }
    if (rc == 0) {
        rc = read_until(reader);
    }
    return rc == 0 ? check_parts(reader) : rc;
}

int rule_parse(const char *text, struct rule *rule, struct err *err)
{
    struct reader reader = {.rule = rule, .least_day = 99, .err = err};
    char upper[RULE_MAX] = "";
    size_t len;
    int rc;

    *rule = (struct rule){.freq = RULE_NONE, .interval = 1, .week_start = 1};
    text += strspn(text, " \t");
    len = strlen(text);
    while (len > 0 && strchr(" \t\r\n", text[len - 1])) {
        len--;
    }
    if (len >= sizeof(upper)) {
        return err_set(err, ERR_INVALID, "the rule is longer than %d bytes", RULE_MAX - 1);
    }
    for (size_t i = 0; i < len; i++) {
        upper[i] = (char)(text[i] >= 'a' && text[i] <= 'z' ? text[i] - 'a' + 'A' : text[i]);
    }
    upper[len] = '\0';
    rc = split(&reader, strncmp(upper, "RRULE:", 6) == 0 ? upper + 6 : upper);
    if (rc == 0) {
        rc = read_parts(&reader);
    }
    return rc;
}
