/* Holidays: Easter, the rules of eight countries, the next workday, bad files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/calendar/holiday.h"

struct fixture {
    struct arena *arena;
    struct holidays *holidays;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct err err = {0};

    fixture->arena = arena_new(LIMIT_ARENA_WORK);
    *state = fixture;
    if (holidays_load(fixture->arena, TEST_SOURCE_DIR "/templates/holidays.yaml", NULL,
                      &fixture->holidays, &err) < 0) {
        print_error("%s\n", err.msg);
        return -1;
    }
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    arena_free(fixture->arena);
    free(fixture);
    return 0;
}

static struct civil date(const char *text)
{
    struct civil civil;

    assert_int_equal(civil_parse(text, &civil, NULL), 0);
    return civil;
}

/* Early and late ones, and the exceptions of the Gregorian cycle (1954, 1981, 2049, 2076). */
static const char *const easters[] = {
    "1900-04-15", "1943-04-25", "1954-04-18", "1961-04-02", "1981-04-19",
    "2000-04-23", "2008-03-23", "2011-04-24", "2024-03-31", "2025-04-20",
    "2026-04-05", "2027-03-28", "2028-04-16", "2029-04-01", "2038-04-25",
    "2049-04-18", "2076-04-19", "2100-03-28", "2199-04-14", "2200-04-06",
};

static void easter_sunday_is_right_in_every_kind_of_year(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(easters) / sizeof(easters[0]); i++) {
        struct civil day = date(easters[i]);
        const char *name = "";

        if (!holiday_is(fixture->holidays, "FI", &day, &name) ||
            strcmp(name, "Easter Sunday") != 0) {
            fail_msg("%s is Easter, not '%s'", easters[i], name);
        }
    }
}

static const struct {
    const char *country;
    const char *day;
    const char *name; /* NULL: no holiday */
} days[] = {
    {"EE", "2026-02-24", "Independence Day"},
    {"EE", "2027-08-20", "Restoration of Independence"},
    {"EE", "2027-03-26", "Good Friday"},
    {"EE", "2027-03-29", NULL},
    {"EE", "2027-01-06", NULL},
    {"LV", "2025-05-04", NULL},
    {"LV", "2025-05-05", "Restoration of Independence"},
    {"LV", "2026-05-04", "Restoration of Independence"},
    {"LV", "2028-11-18", NULL},
    {"LV", "2028-11-20", "Proclamation of the Republic"},
    {"LT", "2019-11-02", NULL},
    {"LT", "2026-11-02", "All Souls' Day"},
    {"LT", "2026-05-03", "Mother's Day"},
    {"LT", "2026-06-07", "Father's Day"},
    {"PL", "2026-06-04", "Corpus Christi"},
    {"PL", "2024-12-24", NULL},
    {"PL", "2026-12-24", "Christmas Eve"},
    {"CZ", "2026-04-03", "Good Friday"},
    {"CZ", "2015-04-03", NULL},
    {"CZ", "2026-07-06", "Jan Hus Day"},
    {"DE", "2026-05-25", "Whit Monday"},
    {"DE", "2026-05-14", "Ascension"},
    {"DE", "2026-11-01", NULL},
    {"SE", "2026-06-19", "Midsummer Eve"},
    {"SE", "2026-06-20", "Midsummer Day"},
    {"SE", "2027-06-26", "Midsummer Day"},
    {"SE", "2026-10-31", "All Saints' Day"},
    {"SE", "2027-11-06", "All Saints' Day"},
    {"FI", "2028-06-24", "Midsummer Day"},
    {"FI", "2026-12-06", "Independence Day"},
    {"XX", "2026-12-25", NULL},
};

static void every_country_has_its_own_days(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
        struct civil day = date(days[i].day);
        const char *name = NULL;
        bool is = holiday_is(fixture->holidays, days[i].country, &day, &name);

        if (is != (days[i].name != NULL) || (is && strcmp(name, days[i].name) != 0)) {
            fail_msg("%s %s: '%s'", days[i].country, days[i].day, name ? name : "no holiday");
        }
    }
    assert_true(holidays_has_country(fixture->holidays, "PL"));
    assert_false(holidays_has_country(fixture->holidays, "XX"));
}

static const struct {
    const char *country;
    const char *day;
    const char *next;
    const char *previous;
} moves[] = {
    {"EE", "2027-08-20", "2027-08-23", "2027-08-19"}, /* a Friday */
    {"EE", "2026-08-20", "2026-08-21", "2026-08-19"}, /* a Thursday */
    {"EE", "2026-08-19", "2026-08-19", "2026-08-19"},
    {"EE", "2026-12-24", "2026-12-28", "2026-12-23"},
    {"LV", "2026-12-31", "2027-01-04", "2026-12-30"},
    {"XX", "2026-12-26", "2026-12-28", "2026-12-25"}, /* weekends are everywhere */
    {NULL, "2026-12-26", "2026-12-28", "2026-12-25"},
};

static void a_holiday_moves_to_the_next_or_previous_workday(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
        struct civil next = date(moves[i].day);
        struct civil previous = next;
        char text[CIVIL_TEXT];

        next.hour = 17;
        holiday_next_workday(fixture->holidays, moves[i].country, &next);
        civil_format(&next, text);
        assert_string_equal(text, moves[i].next);
        assert_int_equal(next.hour, 17);
        holiday_previous_workday(fixture->holidays, moves[i].country, &previous);
        civil_format(&previous, text);
        assert_string_equal(text, moves[i].previous);
    }
}

static const struct {
    const char *yaml;
    const char *problem; /* line:column: message */
} bad[] = {
    {"EE:\n  - { name: A }\n", "2:5: a holiday has one of 'day', 'easter' and 'weekday'"},
    {"EE:\n  - { name: A, day: 02-30 }\n", "2:21: '02-30' is not a date: write 02-24, month first"},
    {"EE:\n  - { name: A, weekday: friday }\n", "2:25: 'weekday' and 'from' belong together"},
    {"Estonia: []\n", "1:1: 'Estonia' is not a country: write its two letters, such as EE"},
    {"EE: { day: 02-24 }\n", "1:5: a list of holidays is expected"},
    {"- EE\n", "1:1: countries with lists of holidays are expected"},
};

static void a_bad_file_is_told_with_its_place(void **state)
{
    struct fixture *fixture = *state;
    char path[] = "/tmp/teataja-holidays-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    (void)close(fd);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct report *report = report_new();
        struct holidays *holidays;
        struct err err = {0};
        char text[300];

        assert_int_equal(file_write(path, bad[i].yaml, strlen(bad[i].yaml), 0600, &err), 0);
        assert_int_equal(holidays_load(fixture->arena, path, report, &holidays, &err), ERR_INVALID);
        assert_int_equal(report_errors(report), 1);
        (void)snprintf(text, sizeof(text), "%d:%d: %s", report_get(report, 0)->line,
                       report_get(report, 0)->column, report_get(report, 0)->message);
        assert_string_equal(text, bad[i].problem);
        report_free(report);
    }
    (void)unlink(path);
    assert_int_equal(holidays_load(fixture->arena, path, NULL, &fixture->holidays, NULL),
                     ERR_NOT_FOUND);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(easter_sunday_is_right_in_every_kind_of_year, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(every_country_has_its_own_days, setup, teardown),
        cmocka_unit_test_setup_teardown(a_holiday_moves_to_the_next_or_previous_workday, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_bad_file_is_told_with_its_place, setup, teardown),
    };

    return cmocka_run_group_tests_name("calendar/holiday", tests, NULL, NULL);
}
