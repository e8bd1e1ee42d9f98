/* every.c - the words of `every`, as a rule: see teataja/schedule/timetable.h. */
#include "every.h"

#include <stdio.h>
#include <string.h>

#include "teataja/base/str.h"
#include "teataja/schedule/timetable.h"

enum { RULE_TEXT = 500, LIST = 31 };

static const char *const day_names[] = {"", "MO", "TU", "WE", "TH", "FR", "SA", "SU"};
static const char *const full_names[] = {"",         "Monday", "Tuesday",  "Wednesday",
                                         "Thursday", "Friday", "Saturday", "Sunday"};

struct parser {
    struct every_words words;
    size_t at;
    size_t column; /* of what is wrong */
    struct str rule;
    struct err *err;
};

struct numbers {
    int items[LIST];
    size_t count;
};

static const struct every_word *word_at(const struct parser *parser)
{
    return parser->at < parser->words.count ? &parser->words.items[parser->at] : NULL;
}

static enum every_class peek(const struct parser *parser, int *value)
{
    const struct every_word *word = word_at(parser);

    *value = 0;
    return word != NULL ? every_class(word->text, value) : EVERY_OTHER;
}

/* Where the parser stands is wrong: `expected` should stand there. */
static int refuse(struct parser *parser, const char *expected)
{
    const struct every_word *word = word_at(parser);
    char hint[320] = "";
    int value;

    parser->column = word != NULL ? word->column : parser->words.end;
    if (word == NULL) {
        return err_set(parser->err, ERR_INVALID, "%s is missing at the end", expected);
    }
    if (peek(parser, &value) == EVERY_OTHER) {
        every_hint(word->text, hint, sizeof(hint));
    }
    return err_set(parser->err, ERR_INVALID, "'%s' stands where %s should be%s", word->text,
                   expected, hint);
}

static void skip_fillers(struct parser *parser)
{
    int value;

    while (peek(parser, &value) == EVERY_FILLER) {
        parser->at++;
    }
}

/* One of `class` or several, joined by "and" or commas. */
static int read_list(struct parser *parser, enum every_class class, const char *expected,
                     struct numbers *out)
{
    int value;

    out->count = 0;
    for (;;) {
        skip_fillers(parser);
        if (peek(parser, &value) != class) {
            return refuse(parser, expected);
        }
        for (size_t i = 0; i < out->count; i++) {
            if (out->items[i] == value) {
                parser->column = word_at(parser)->column;
                return err_set(parser->err, ERR_INVALID, "'%s' is named twice",
                               word_at(parser)->text);
            }
        }
        out->items[out->count++] = value; /* no class has more than LIST values in range */
        parser->at++;
        if (peek(parser, &value) != EVERY_JOIN) {
            return 0;
        }
        while (peek(parser, &value) == EVERY_JOIN) {
            parser->at++;
        }
        if (out->count == LIST) {
            return refuse(parser, "the time of day");
        }
    }
}

static void add_numbers(struct parser *parser, const char *part, const struct numbers *numbers)
{
    str_addf(&parser->rule, ";%s=", part);
    for (size_t i = 0; i < numbers->count; i++) {
        str_addf(&parser->rule, "%s%d", i > 0 ? "," : "", numbers->items[i]);
    }
}

static void add_interval(struct parser *parser, int interval)
{
    if (interval > 1) {
        str_addf(&parser->rule, ";INTERVAL=%d", interval);
    }
}

/* "Monday and Thursday", "weekday". */
static int read_weekdays(struct parser *parser, int interval)
{
    struct numbers days;
    int value;
    int rc = 0;

    str_add(&parser->rule, "FREQ=WEEKLY");
    add_interval(parser, interval);
    skip_fillers(parser);
    if (peek(parser, &value) == EVERY_WORKDAYS) {
        parser->at++;
        str_add(&parser->rule, ";BYDAY=MO,TU,WE,TH,FR");
        return 0;
    }
    rc = read_list(parser, EVERY_WEEKDAY, "a day of the week, such as Tuesday,", &days);
    for (size_t i = 0; rc == 0 && i < days.count; i++) {
        str_addf(&parser->rule, "%s%s", i == 0 ? ";BYDAY=" : ",", day_names[days.items[i]]);
    }
    return rc;
}

/* The first Monday of a quarter is in its first month, the last in its last. */
static int read_quarter(struct parser *parser, const struct numbers *ordinals,
                        struct numbers *months)
{
    static const struct numbers first = {{1, 4, 7, 10}, 4};
    static const struct numbers last = {{3, 6, 9, 12}, 4};
    size_t from_end = 0;

    for (size_t i = 0; i < ordinals->count; i++) {
        from_end += ordinals->items[i] < 0;
    }
    if (from_end > 0 && from_end < ordinals->count) {
        parser->column = word_at(parser)->column;
        return err_set(parser->err, ERR_INVALID,
                       "of a quarter it is either the first days or the last");
    }
    *months = from_end > 0 ? last : first;
    parser->at++;
    return 0;
}

/* "of the month", "of 2 months", "of the quarter", "of March and September"; may be left out. */
static int read_span(struct parser *parser, const struct numbers *ordinals, int *interval,
                     struct numbers *months)
{
    int value;

    months->count = 0;
    skip_fillers(parser);
    switch (peek(parser, &value)) {
    case EVERY_MONTH_NAME:
        return read_list(parser, EVERY_MONTH_NAME, "the name of a month", months);
    case EVERY_QUARTER:
        return read_quarter(parser, ordinals, months);
    case EVERY_NUMBER:
        *interval = value;
        parser->at++;
        if (peek(parser, &value) != EVERY_MONTH) {
            return refuse(parser, "'months'");
        }
        parser->at++;
        return 0;
    case EVERY_MONTH:
        parser->at++;
        return 0;
    default:
        return 0;
    }
}

/* The part that says which days of the month; `ordinals` were read before `column`. */
static int add_days(struct parser *parser, const struct numbers *ordinals, enum every_class class,
                    int weekday, size_t column)
{
    int most = class == EVERY_DAY ? 31 : 5;

    for (size_t i = 0; i < ordinals->count; i++) {
        int number = ordinals->items[i];

        if (number < 1 || number > most) {
            if (number == -1) {
                continue;
            }
            parser->column = column;
            return class == EVERY_DAY
                       ? err_set(parser->err, ERR_INVALID, "a month has days 1 to 31, not %d",
                                 number)
                       : err_set(parser->err, ERR_INVALID,
                                 "a month has no %dth %s: it is 'first' to 'fifth', or 'last'",
                                 number, weekday != 0 ? full_names[weekday] : "weekday");
        }
    }
    if (class == EVERY_DAY) {
        add_numbers(parser, "BYMONTHDAY", ordinals);
    } else if (class == EVERY_WORKDAYS) {
        str_add(&parser->rule, ";BYDAY=MO,TU,WE,TH,FR");
        add_numbers(parser, "BYSETPOS", ordinals);
    } else {
        for (size_t i = 0; i < ordinals->count; i++) {
            str_addf(&parser->rule, "%s%d%s", i == 0 ? ";BYDAY=" : ",", ordinals->items[i],
                     day_names[weekday]);
        }
    }
    return 0;
}

/* "first and third Monday of March", "1st and 15th", "last day of the month". */
static int read_month_days(struct parser *parser, int interval)
{
    struct numbers ordinals;
    struct numbers months;
    enum every_class class;
    size_t column;
    int weekday = 0;
    int rc;

    skip_fillers(parser);
    column = word_at(parser) != NULL ? word_at(parser)->column : parser->words.end;
    rc = read_list(parser, EVERY_ORDINAL, "'first', '15th' or 'last'", &ordinals);
    if (rc < 0) {
        return rc;
    }
    class = peek(parser, &weekday);
    if (class == EVERY_WEEKDAY || class == EVERY_WORKDAYS || class == EVERY_DAY) {
        parser->at++;
    } else {
        class = EVERY_DAY;
        weekday = 0;
    }
    rc = read_span(parser, &ordinals, &interval, &months);
    if (rc < 0) {
        return rc;
    }
    str_add(&parser->rule, "FREQ=MONTHLY");
    add_interval(parser, interval);
    if (months.count > 0) {
        add_numbers(parser, "BYMONTH", &months);
    }
    return add_days(parser, &ordinals, class, weekday, column);
}

/* What follows a number or stands for one: "2 weeks on Tuesday", "month on the 3rd". */
static int read_unit(struct parser *parser, int interval)
{
    int value;

    switch (peek(parser, &value)) {
    case EVERY_DAY:
        parser->at++;
        str_add(&parser->rule, "FREQ=DAILY");
        add_interval(parser, interval);
        return 0;
    case EVERY_WEEK:
        parser->at++;
        return read_weekdays(parser, interval);
    case EVERY_WEEKDAY:
        return read_weekdays(parser, interval);
    case EVERY_MONTH:
        parser->at++;
        return read_month_days(parser, interval);
    default:
        return refuse(parser, "'days', 'weeks' or 'months'");
    }
}

static int read_days(struct parser *parser)
{
    int value;

    skip_fillers(parser);
    switch (peek(parser, &value)) {
    case EVERY_NUMBER:
        if ((value < 1 || value > 100) && word_at(parser) != NULL) {
            parser->column = word_at(parser)->column;
            return err_set(parser->err, ERR_INVALID, "'%s': it is every 1 to 100",
                           word_at(parser)->text);
        }
        parser->at++;
        return read_unit(parser, value);
    case EVERY_DAY:
    case EVERY_WEEK:
    case EVERY_MONTH:
        return read_unit(parser, 1);
    case EVERY_WEEKDAY:
    case EVERY_WORKDAYS:
        return read_weekdays(parser, 1);
    case EVERY_ORDINAL:
        return read_month_days(parser, 1);
    default:
        return refuse(parser, "a day, such as 'first Monday', 'weekday' or '15th',");
    }
}

static int read_time(struct parser *parser, struct civil *start)
{
    struct err own = {0};
    int value;

    skip_fillers(parser);
    if (peek(parser, &value) != EVERY_TIME) {
        return refuse(parser, "a time of day, such as 09:00,");
    }
    parser->column = word_at(parser)->column;
    if (civil_parse_time(word_at(parser)->text, start, &own) < 0) {
        return err_set(parser->err, ERR_INVALID, "%s", own.msg);
    }
    parser->at++;
    return parser->at < parser->words.count ? refuse(parser, "the end") : 0;
}

int timetable_parse(struct arena *arena, const char *text, struct civil *start, const char **rule,
                    size_t *column, struct err *err)
{
    struct parser parser = {.err = err};
    int rc;

    str_init(&parser.rule, RULE_TEXT);
    rc = every_split(text, &parser.words, &parser.column, err);
    if (rc == 0) {
        rc = read_days(&parser);
    }
    if (start->year == 0) {
        *start = (struct civil){.year = 2024, .month = 1, .day = 1};
    }
    if (rc == 0) {
        rc = read_time(&parser, start);
    }
    if (rc == 0) {
        rc = str_check(&parser.rule, err);
    }
    if (rc == 0) {
        *rule = arena_strdup(arena, parser.rule.data);
        rc = *rule == NULL ? err_nomem(err) : 0;
    }
    if (column != NULL) {
        *column = parser.column;
    }
    str_release(&parser.rule);
    return rc;
}
