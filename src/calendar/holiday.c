#include "teataja/calendar/holiday.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/base/schema.h"
#include "teataja/base/yaml.h"

enum weekend { WEEKEND_STAYS, WEEKEND_MONDAY };

struct rule {
    const struct yaml_node *node;
    const char *name;
    const char *day;  /* "MM-DD" */
    int64_t easter;   /* days behind Easter Sunday */
    int weekday;      /* 1 Monday to 7 Sunday, the first on or after `from` */
    const char *from; /* "MM-DD" */
    int if_weekend;   /* of enum weekend */
    int64_t since;    /* first and last year; 0 is open */
    int64_t until;
    int month; /* of `day` or `from`; 0: counted from Easter */
    int month_day;
};

struct country {
    const char *code;
    struct rule *rules;
    size_t count;
};

struct holidays {
    struct country *countries;
    size_t count;
};

static const struct schema_choice weekdays[] = {
    {"monday", 1, NULL},   {"tuesday", 2, NULL},  {"wednesday", 3, NULL}, {"thursday", 4, NULL},
    {"friday", 5, NULL},   {"saturday", 6, NULL}, {"sunday", 7, NULL},    {NULL, 0, NULL},
};

static const struct schema_choice weekends[] = {
    {"monday", WEEKEND_MONDAY, "The Monday after it is the holiday."},
    {NULL, 0, NULL},
};

static const struct schema_field rule_fields[] = {
    {.key = "name", .type = SCHEMA_TEXT, .flags = SCHEMA_REQUIRED,
     .offset = offsetof(struct rule, name), .max = LIMIT_NAME,
     .help = "What the day is called in English."},
    {.key = "day", .type = SCHEMA_TEXT, .offset = offsetof(struct rule, day),
     .help = "The same date each year, month first.", .example = "02-24"},
    {.key = "easter", .type = SCHEMA_INT, .offset = offsetof(struct rule, easter), .min = -100,
     .max = 200, .help = "Days after Easter Sunday; before it if negative.", .example = "-2"},
    {.key = "weekday", .type = SCHEMA_CHOICE, .offset = offsetof(struct rule, weekday),
     .choices = weekdays, .help = "The first such weekday on or after 'from'."},
    {.key = "from", .type = SCHEMA_TEXT, .offset = offsetof(struct rule, from),
     .help = "Where counting to 'weekday' begins, month first.", .example = "06-20"},
    {.key = "if_weekend", .type = SCHEMA_CHOICE, .offset = offsetof(struct rule, if_weekend),
     .choices = weekends, .help = "What becomes of the day when it is a Saturday or Sunday."},
    {.key = "since", .type = SCHEMA_INT, .offset = offsetof(struct rule, since), .min = 1900,
     .max = 2200, .help = "First year of the rule."},
    {.key = "until", .type = SCHEMA_INT, .offset = offsetof(struct rule, until), .min = 1900,
     .max = 2200, .help = "Last year of the rule."},
};

static const struct schema rule_schema = SCHEMA("holiday", struct rule, rule_fields);

/* "MM-DD"; 29 February is no holiday anywhere. */
static bool read_month_day(const char *text, struct rule *rule)
{
    char whole[16];
    struct civil civil;

    if (strlen(text) != 5 || snprintf(whole, sizeof(whole), "2001-%s", text) < 0 ||
        civil_parse(whole, &civil, NULL) < 0) {
        return false;
    }
    rule->month = civil.month;
    rule->month_day = civil.day;
    return true;
}

static void check_rule(struct rule *rule, struct report *report)
{
    bool easter = schema_has(rule->node, "easter");
    const char *date = rule->day ? "day" : "from";
    const char *text = rule->day ? rule->day : rule->from;

    if ((rule->day != NULL) + easter + (rule->weekday != 0) != 1) {
        yaml_problem(report, rule->node, "",
                     "a holiday has one of 'day', 'easter' and 'weekday'");
        return;
    }
    if ((rule->weekday != 0) != (rule->from != NULL)) {
        yaml_problem(report, rule->node, "weekday", "'weekday' and 'from' belong together");
        return;
    }
    if (text && !read_month_day(text, rule)) {
        yaml_problem(report, rule->node, date, "'%s' is not a date: write 02-24, month first",
                     text);
    }
}

static bool is_country(const char *code)
{
    return strlen(code) == 2 && code[0] >= 'A' && code[0] <= 'Z' && code[1] >= 'A' &&
           code[1] <= 'Z';
}

static int read_country(struct arena *arena, const struct yaml_entry *entry,
                        struct report *report, struct country *out, struct err *err)
{
    const struct yaml_node *list = entry->value;
    int rc = 0;

    out->code = entry->key;
    if (!is_country(entry->key)) {
        report_add(report, REPORT_ERROR, list->file, entry->line, entry->column,
                   "'%s' is not a country: write its two letters, such as EE", entry->key);
    }
    if (list->kind != YAML_SEQUENCE) {
        yaml_problem(report, list, "", "a list of holidays is expected");
        return 0;
    }
    out->rules = arena_alloc(arena, list->count + 1, sizeof(*out->rules));
    if (!out->rules) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < list->count && rc != ERR_NOMEM; i++) {
        rc = schema_fill(arena, &rule_schema, list->items[i], SCHEMA_WHOLE, report,
                         &out->rules[i], err);
        if (rc == 0) {
            check_rule(&out->rules[i], report);
        }
    }
    out->count = list->count;
    return rc == ERR_NOMEM ? rc : 0;
}

static int read_all(struct arena *arena, const struct yaml_node *root, struct report *report,
                    struct holidays *out, struct err *err)
{
    if (root->kind != YAML_MAPPING) {
        yaml_problem(report, root, "", "countries with lists of holidays are expected");
        return 0;
    }
    out->countries = arena_alloc(arena, root->count + 1, sizeof(*out->countries));
    if (!out->countries) {
        return err_nomem(err);
    }
    out->count = root->count;
    for (size_t i = 0; i < root->count; i++) {
        int rc = read_country(arena, &root->entries[i], report, &out->countries[i], err);

        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

/* Hands the problems on to the caller's report. */
static int hand_over(struct report *own, struct report *report, struct err *err)
{
    const struct problem *problem;

    for (size_t i = 0; (problem = report_get(own, i)) != NULL; i++) {
        report_add(report, problem->severity, problem->file, problem->line, problem->column,
                   "%s", problem->message);
    }
    return report_check(own, err);
}

int holidays_load(struct arena *arena, const char *path, struct report *report,
                  struct holidays **out, struct err *err)
{
    struct report *own = report_new();
    const struct yaml_node *root;
    char *text;
    size_t len;
    int rc;

    *out = arena_alloc(arena, 1, sizeof(**out));
    if (!*out || !own) {
        report_free(own);
        return err_nomem(err);
    }
    rc = file_read_text(arena, path, (size_t)LIMIT_FILE, &text, &len, err);
    if (rc < 0) {
        report_add(report, REPORT_ERROR, path, 0, 0, "%s", err ? err->msg : "cannot be read");
    }
    if (rc == 0) {
        rc = yaml_parse(arena, path, 1, text, len, own, &root, err);
        if (rc == 0) {
            rc = read_all(arena, root, own, *out, err);
        }
        if (rc == 0 || rc == ERR_INVALID) {
            rc = hand_over(own, report, err);
        }
    }
    report_free(own);
    return rc;
}

/* Easter Sunday as days since 1970: the Gregorian computus, from the century's
 * epact and the paschal full moon. */
static int64_t easter_days(int year)
{
    int golden = year % 19;
    int century = year / 100;
    int moon = (century - century / 4 - (8 * century + 13) / 25 + 19 * golden + 15) % 30;
    struct civil full;

    /* The moon of day 29, and of 28 in late years of the cycle, is a day earlier. */
    moon -= moon == 29 || (moon == 28 && golden > 10);
    full = (struct civil){.year = year, .month = 3, .day = 21};
    civil_add_days(&full, moon);
    /* The Sunday after the full moon, never on it. */
    return civil_days(&full) + 7 - civil_weekday(&full) % 7;
}

static int64_t rule_days(const struct rule *rule, int year)
{
    struct civil civil = {.year = year, .month = rule->month, .day = rule->month_day};

    if ((rule->since && year < rule->since) || (rule->until && year > rule->until)) {
        return INT64_MIN;
    }
    if (rule->month == 0) {
        return easter_days(year) + rule->easter;
    }
    if (rule->weekday != 0) {
        civil_add_days(&civil, (rule->weekday - civil_weekday(&civil) + 7) % 7);
    }
    if (rule->if_weekend == WEEKEND_MONDAY && civil_weekday(&civil) >= 6) {
        civil_add_days(&civil, 8 - civil_weekday(&civil));
    }
    return civil_days(&civil);
}

static const struct country *find_country(const struct holidays *holidays, const char *country)
{
    for (size_t i = 0; holidays && country && i < holidays->count; i++) {
        if (strcmp(holidays->countries[i].code, country) == 0) {
            return &holidays->countries[i];
        }
    }
    return NULL;
}

bool holidays_has_country(const struct holidays *holidays, const char *country)
{
    return find_country(holidays, country) != NULL;
}

bool holiday_is(const struct holidays *holidays, const char *country, const struct civil *day,
                const char **name)
{
    const struct country *found = find_country(holidays, country);
    int64_t days = civil_days(day);

    for (size_t i = 0; found && i < found->count; i++) {
        if (rule_days(&found->rules[i], day->year) == days) {
            if (name) {
                *name = found->rules[i].name;
            }
            return true;
        }
    }
    return false;
}

static void move(const struct holidays *holidays, const char *country, struct civil *day, int step)
{
    while (civil_weekday(day) >= 6 || holiday_is(holidays, country, day, NULL)) {
        civil_add_days(day, step);
    }
}

void holiday_next_workday(const struct holidays *holidays, const char *country, struct civil *day)
{
    move(holidays, country, day, 1);
}

void holiday_previous_workday(const struct holidays *holidays, const char *country,
                              struct civil *day)
{
    move(holidays, country, day, -1);
}
