/* The words of `every`, and local times that do not exist or come twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/calendar/recurrence.h"
#include "teataja/calendar/zone.h"
#include "teataja/schedule/timetable.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new(LIMIT_ARENA_WORK);
    return arena == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void test_words_become_rules(void **state)
{
    static const struct {
        const char *text;
        const char *rule;
        const char *start;
    } cases[] = {
        {"day 07:00", "FREQ=DAILY", "2024-01-01T07:00:00"},
        {"every day at 07:00", "FREQ=DAILY", "2024-01-01T07:00:00"},
        {"3 days 07:00", "FREQ=DAILY;INTERVAL=3", "2024-01-01T07:00:00"},
        {"weekday 08:30", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "2024-01-01T08:30:00"},
        {"Tuesday 10:00", "FREQ=WEEKLY;BYDAY=TU", "2024-01-01T10:00:00"},
        {"Mon, Wed and Fri 10:00", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "2024-01-01T10:00:00"},
        {"week on Tuesday 10:00", "FREQ=WEEKLY;BYDAY=TU", "2024-01-01T10:00:00"},
        {"2 weeks on Tuesday 10:00", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "2024-01-01T10:00:00"},
        {"every other Tuesday 10:00", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "2024-01-01T10:00:00"},
        {"2 weeks on Monday and Thursday at 23:59", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH",
         "2024-01-01T23:59:00"},
        {"first Monday 09:00", "FREQ=MONTHLY;BYDAY=1MO", "2024-01-01T09:00:00"},
        {"FIRST  MONDAY  09:00", "FREQ=MONTHLY;BYDAY=1MO", "2024-01-01T09:00:00"},
        {"the first and third Monday of the month 09:00", "FREQ=MONTHLY;BYDAY=1MO,3MO",
         "2024-01-01T09:00:00"},
        {"2nd Wednesday 09:00", "FREQ=MONTHLY;BYDAY=2WE", "2024-01-01T09:00:00"},
        {"last Friday 12:00", "FREQ=MONTHLY;BYDAY=-1FR", "2024-01-01T12:00:00"},
        {"first weekday 12:00", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1",
         "2024-01-01T12:00:00"},
        {"last weekday of the month at 12:00", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
         "2024-01-01T12:00:00"},
        {"1st and 15th 09:00", "FREQ=MONTHLY;BYMONTHDAY=1,15", "2024-01-01T09:00:00"},
        {"last day 09:00", "FREQ=MONTHLY;BYMONTHDAY=-1", "2024-01-01T09:00:00"},
        {"month on the 3rd 09:00", "FREQ=MONTHLY;BYMONTHDAY=3", "2024-01-01T09:00:00"},
        {"2 months on the 3rd 09:00", "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=3",
         "2024-01-01T09:00:00"},
        {"first Monday of 2 months 09:00", "FREQ=MONTHLY;INTERVAL=2;BYDAY=1MO",
         "2024-01-01T09:00:00"},
        {"first Monday of the quarter 09:00", "FREQ=MONTHLY;BYMONTH=1,4,7,10;BYDAY=1MO",
         "2024-01-01T09:00:00"},
        {"last Friday of the quarter 09:00", "FREQ=MONTHLY;BYMONTH=3,6,9,12;BYDAY=-1FR",
         "2024-01-01T09:00:00"},
        {"1st of March and September 09:00", "FREQ=MONTHLY;BYMONTH=3,9;BYMONTHDAY=1",
         "2024-01-01T09:00:00"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct civil start = {0};
        const char *rule = NULL;
        char text[CIVIL_TEXT];
        struct err err = {0};

        if (timetable_parse(arena, cases[i].text, &start, &rule, NULL, &err) < 0) {
            fail_msg("%s: %s", cases[i].text, err.msg);
        }
        assert_string_equal(rule, cases[i].rule);
        civil_format(&start, text);
        assert_string_equal(text, cases[i].start);
        if (recurrence_check(rule, &err) < 0) {
            fail_msg("%s: %s", rule, err.msg);
        }
    }
}

static void test_what_is_wrong_has_its_column_and_a_suggestion(void **state)
{
    static const struct {
        const char *text;
        size_t column;
        const char *message;
    } cases[] = {
        {"", 1, "a day, such as 'first Monday', 'weekday' or '15th', is missing at the end"},
        {"frist Monday 09:00", 1,
         "'frist' stands where a day, such as 'first Monday', 'weekday' or '15th', should be; did "
         "you mean 'first'?"},
        {"first Mondey 09:00", 7,
         "'mondey' stands where a time of day, such as 09:00, should be; did you mean 'monday'?"},
        {"first Monday", 13, "a time of day, such as 09:00, is missing at the end"},
        {"first Monday 25:00", 14, NULL},
        {"first Monday 09:00 sharp", 20, "'sharp' stands where the end should be"},
        {"6th Monday 09:00", 1, "a month has no 6th Monday: it is 'first' to 'fifth', or 'last'"},
        {"32nd 09:00", 1, "a month has days 1 to 31, not 32"},
        {"1th 09:00", 1, NULL},
        {"2 weeks 09:00", 9, "'09:00' stands where a day of the week, such as Tuesday, should be"},
        {"2 fortnights 09:00", 3,
         "'fortnights' stands where 'days', 'weeks' or 'months' should be"},
        {"0 days 09:00", 1, "'0': it is every 1 to 100"},
        {"Monday and Monday 09:00", 12, "'monday' is named twice"},
        {"Monday and 09:00", 12,
         "'09:00' stands where a day of the week, such as Tuesday, should be"},
        {"first and last Friday of the quarter 09:00", 30,
         "of a quarter it is either the first days or the last"},
        {"первый Monday 09:00", 1, NULL},
        {"day, 09:00", 4, "',' stands where a time of day, such as 09:00, should be"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct civil start = {0};
        const char *rule = NULL;
        size_t column = 0;
        struct err err = {0};

        assert_int_equal(timetable_parse(arena, cases[i].text, &start, &rule, &column, &err),
                         ERR_INVALID);
        if (column != cases[i].column ||
            (cases[i].message != NULL && strcmp(err.msg, cases[i].message) != 0)) {
            fail_msg("'%s': column %zu: %s", cases[i].text, column, err.msg);
        }
    }
}

static struct timetable every(const char *text, const char *zone)
{
    struct timetable out = {.zone = zone};
    struct err err = {0};

    if (timetable_parse(arena, text, &out.start, &out.rule, NULL, &err) < 0) {
        fail_msg("%s: %s", text, err.msg);
    }
    return out;
}

static int64_t utc(const char *text)
{
    struct civil civil;

    assert_int_equal(civil_parse(text, &civil, NULL), 0);
    return civil_to_utc(&civil);
}

static void test_a_skipped_hour_fires_behind_the_gap_and_a_doubled_one_once(void **state)
{
    static const struct {
        const char *words;
        const char *from; /* UTC */
        const char *to;
        const char *local;
        const char *at; /* UTC */
        enum zone_fit fit;
    } cases[] = {
        /* 28 March 2027: 03:00 is 04:00 in Tallinn; 31 October 04:00 is 03:00. */
        {"day 03:30", "2027-03-28 00:00", "2027-03-28 12:00", "2027-03-28T03:30:00",
         "2027-03-28 01:30", ZONE_GAP},
        {"day 03:00", "2027-03-28 00:00", "2027-03-28 12:00", "2027-03-28T03:00:00",
         "2027-03-28 01:00", ZONE_GAP},
        {"day 02:59", "2027-03-28 00:00", "2027-03-28 12:00", "2027-03-28T02:59:00",
         "2027-03-28 00:59", ZONE_EXACT},
        {"day 03:30", "2027-10-30 22:00", "2027-10-31 12:00", "2027-10-31T03:30:00",
         "2027-10-31 00:30", ZONE_AMBIGUOUS},
        {"day 04:00", "2027-10-30 22:00", "2027-10-31 12:00", "2027-10-31T04:00:00",
         "2027-10-31 02:00", ZONE_EXACT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct timetable timetable = every(cases[i].words, "Europe/Tallinn");
        struct timetable_time *times = NULL;
        char text[CIVIL_TEXT];

        assert_int_equal(timetable_list(arena, &timetable, utc(cases[i].from), utc(cases[i].to), 0,
                                        &times, NULL),
                         1);
        civil_format(&times[0].local, text);
        assert_string_equal(text, cases[i].local);
        assert_int_equal(times[0].at, utc(cases[i].at));
        assert_int_equal(times[0].fit, cases[i].fit);
    }
}

static const char *const zones[] = {
    "Europe/Tallinn",    "Europe/Warsaw",    "Europe/London",    "Europe/Dublin",
    "Atlantic/Azores",   "America/New_York", "America/Santiago", "Australia/Lord_Howe",
    "Africa/Casablanca", "Asia/Kathmandu",
};

/* Five times of the night, each day of seven years, in ten zones: each local time is one
 * instant, they come in order, and windows that follow each other neither lose nor
 * double one. */
static void test_each_local_time_of_seven_years_is_one_instant(void **state)
{
    const int64_t from = utc("2024-01-01 12:00");
    const int64_t to = utc("2031-01-01 12:00");

    (void)state;
    for (size_t zone = 0; zone < sizeof(zones) / sizeof(zones[0]); zone++) {
        static const char *const words[] = {"day 00:00", "day 01:30", "day 02:00", "day 02:30",
                                            "day 03:15"};

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            struct arena_mark mark = arena_mark(arena);
            struct timetable timetable = every(words[i], zones[zone]);
            int64_t last_day = 0;
            int64_t last = 0;
            int count = 0;

            for (int64_t at = from; at < to; at += 300 * CLOCK_DAY + CLOCK_HOUR) {
                int64_t until = at + 300 * CLOCK_DAY + CLOCK_HOUR;
                struct timetable_time *times = NULL;
                int found =
                    timetable_list(arena, &timetable, at, until < to ? until : to, 0, &times, NULL);

                assert_true(found >= 0);
                for (int k = 0; k < found; k++) {
                    int64_t day = civil_days(&times[k].local);

                    assert_true(times[k].at > last);
                    assert_true(last_day == 0 || day == last_day + 1);
                    last = times[k].at;
                    last_day = day;
                }
                count += found;
            }
            assert_in_range(count, 2556, 2558);
            arena_rewind(arena, mark);
        }
    }
}

static void test_a_schedule_that_comes_too_often_is_refused(void **state)
{
    struct timetable timetable = {
        .rule = "FREQ=DAILY;BYMINUTE=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20;BYHOUR=0,"
                "1,2,3,4,5,6,7,8,9,10,11,12,13",
        .start = {.year = 2026, .month = 1, .day = 1},
        .zone = "UTC"};
    struct timetable_time *times = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(
        timetable_list(arena, &timetable, utc("2026-02-01"), utc("2026-03-01"), 0, &times, &err),
        ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_become_rules),
        cmocka_unit_test(test_what_is_wrong_has_its_column_and_a_suggestion),
        cmocka_unit_test(test_a_skipped_hour_fires_behind_the_gap_and_a_doubled_one_once),
        cmocka_unit_test(test_each_local_time_of_seven_years_is_one_instant),
        cmocka_unit_test(test_a_schedule_that_comes_too_often_is_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
