/* Recurrence: the dates of good rules, the messages of bad ones, and an end to all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/calendar/recurrence.h"

static const struct {
    const char *rule;
    const char *tzid;
    const char *start;
    const char *from;
    const char *to;
    const char *dates; /* joined by spaces; times as T17:00 */
} good[] = {
    {"FREQ=YEARLY;BYMONTH=2,5,8,11;BYMONTHDAY=20", NULL, "2026-01-01", "2026-06-01", "2027-06-01",
     "2026-08-20 2026-11-20 2027-02-20 2027-05-20"},
    {"FREQ=YEARLY;BYMONTH=11,2;BYMONTHDAY=20,-1", NULL, "2026-01-01", "2026-01-01", "2027-01-01",
     "2026-02-20 2026-02-28 2026-11-20 2026-11-30"},
    {"RRULE:freq=monthly;byday=-1fr", NULL, "2026-01-01", "2026-01-01", "2026-04-01",
     "2026-01-30 2026-02-27 2026-03-27"},
    {"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", NULL, "2026-01-01", "2026-05-01",
     "2026-08-01", "2026-05-29 2026-06-30 2026-07-31"},
    {"FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH;COUNT=3", NULL, "2026-03-24 18:00", "2026-01-01",
     "2027-01-01", "2026-03-24T18:00 2026-03-26T18:00 2026-04-07T18:00"},
    {"FREQ=DAILY;COUNT=3", NULL, "2027-03-27 03:30", "2026-01-01", "2028-01-01",
     "2027-03-27T03:30 2027-03-28T03:30 2027-03-29T03:30"},
    {"FREQ=DAILY;BYHOUR=17,9", NULL, "2027-01-01 09:00", "2027-01-01", "2027-01-02",
     "2027-01-01T09:00 2027-01-01T17:00"},
    {"FREQ=DAILY;UNTIL=20270102", NULL, "2027-01-01 10:00", "2026-01-01", "2028-01-01",
     "2027-01-01T10:00 2027-01-02T10:00"},
    {"FREQ=DAILY;UNTIL=20270102T100000", NULL, "2027-01-01 10:00", "2026-01-01", "2028-01-01",
     "2027-01-01T10:00 2027-01-02T10:00"},
    {"FREQ=DAILY;UNTIL=20270102T080000Z", "Europe/Tallinn", "2027-01-01 10:00", "2026-01-01",
     "2028-01-01", "2027-01-01T10:00 2027-01-02T10:00"},
    {"FREQ=DAILY;UNTIL=20270102T075959Z", "Europe/Tallinn", "2027-01-01 10:00", "2026-01-01",
     "2028-01-01", "2027-01-01T10:00"},
    {"FREQ=YEARLY;UNTIL=99991231T235959Z", "Europe/Tallinn", "2026-05-01", "2199-01-01",
     "2200-12-31", "2199-05-01 2200-05-01"},
    {"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", NULL, "2026-01-01", "2026-01-01", "2034-01-01",
     "2028-02-29 2032-02-29"},
    {"FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", NULL, "2026-01-01", "2026-01-01", "2028-12-31",
     "2027-01-04 2028-01-03"},
    {"FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO,FR", NULL, "2026-01-01", "2026-01-01", "2028-01-01",
     "2026-05-11 2026-05-15 2027-05-17 2027-05-21"},
    /* Weeks that lie in two years; what the start says where the rule is silent. */
    {"FREQ=YEARLY;BYWEEKNO=53,1;BYDAY=TH,FR", NULL, "2026-12-01", "2026-01-01", "2028-01-31",
     "2026-12-31 2027-01-01 2027-01-07 2027-01-08 2028-01-06 2028-01-07"},
    {"FREQ=YEARLY;BYWEEKNO=20", NULL, "2026-05-13", "2026-01-01", "2028-01-01",
     "2026-05-13 2027-05-19"},
    {"FREQ=YEARLY;BYYEARDAY=-1,60", NULL, "2027-01-01", "2027-01-01", "2029-01-01",
     "2027-03-01 2027-12-31 2028-02-29 2028-12-31"},
    {"FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", NULL, "2027-01-01", "2027-01-01", "2029-01-01",
     "2027-03-28 2028-03-26"},
    {"FREQ=YEARLY;BYDAY=20MO", NULL, "2027-01-01", "2027-01-01", "2029-01-01",
     "2027-05-17 2028-05-15"},
    {"FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR", NULL, "2026-01-01", "2026-01-01", "2027-09-01",
     "2026-02-13 2026-03-13 2026-11-13 2027-08-13"},
    {"FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", NULL, "2027-08-03", "2027-01-01",
     "2028-01-01", "2027-08-03 2027-08-08 2027-08-17 2027-08-22"},
    {"FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", NULL, "2027-08-03", "2027-01-01",
     "2028-01-01", "2027-08-03 2027-08-15 2027-08-17 2027-08-29"},
    {"FREQ=DAILY;BYHOUR=9,17;BYSETPOS=-1", NULL, "2027-01-01 08:00", "2027-01-01", "2027-01-03",
     "2027-01-01T17:00 2027-01-02T17:00"},
    {"FREQ=DAILY;BYHOUR=9", NULL, "2027-01-01", "2027-01-01", "2027-01-03", "2027-01-01 2027-01-02"},
    {"FREQ=YEARLY", NULL, "2028-02-29", "2028-01-01", "2037-01-01",
     "2028-02-29 2032-02-29 2036-02-29"},
    {"FREQ=MONTHLY;BYMONTHDAY=31", NULL, "2026-01-31", "2026-01-01", "2026-06-01",
     "2026-01-31 2026-03-31 2026-05-31"},
    /* The start counts only where the rule yields it. */
    {"FREQ=MONTHLY;BYMONTHDAY=1", NULL, "2026-01-15", "2026-01-01", "2026-03-01", "2026-02-01"},
    {"FREQ=DAILY", NULL, "2026-01-15", "2026-01-01", "2026-01-15", ""},
    {"FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29", NULL, "2027-01-01", "2027-01-01",
     "2100-01-01", ""},
    {"FREQ=DAILY", NULL, "2026-01-15", "2026-01-15", "2026-01-16", "2026-01-15"},
};

static void join(const struct civil *dates, int count, struct str *out)
{
    for (int i = 0; i < count; i++) {
        char text[CIVIL_TEXT];

        civil_format(&dates[i], text);
        if (!dates[i].date_only) {
            text[16] = '\0';
        }
        str_addf(out, "%s%s", i ? " " : "", text);
    }
}

static void recurrence_list_yields_the_dates_of_a_rule_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct arena *arena = arena_new(LIMIT_ARENA_WORK);
        struct err err = {0};
        struct civil start;
        struct civil from;
        struct civil to;
        struct civil *dates;
        struct str text;
        int count;

        str_init(&text, 4096);
        assert_int_equal(recurrence_check(good[i].rule, &err), 0);
        assert_int_equal(civil_parse(good[i].start, &start, &err), 0);
        assert_int_equal(civil_parse(good[i].from, &from, &err), 0);
        assert_int_equal(civil_parse(good[i].to, &to, &err), 0);
        count = recurrence_list_in(arena, good[i].rule, good[i].tzid, &start, &from, &to, 0, &dates,
                                   &err);
        if (count < 0) {
            fail_msg("%s: %s", good[i].rule, err.msg);
        }
        join(dates, count, &text);
        assert_string_equal(text.data, good[i].dates);
        str_release(&text);
        arena_free(arena);
    }
}

static const struct {
    const char *rule;
    const char *error;
} bad[] = {
    {"", "FREQ is missing"},
    {"BYMONTH=2", "FREQ is missing"},
    {"FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
     "FREQ=SECONDLY: write YEARLY, MONTHLY, WEEKLY or DAILY; nothing here recurs faster"},
    {"FREQ=HOURLY",
     "FREQ=HOURLY: write YEARLY, MONTHLY, WEEKLY or DAILY; nothing here recurs faster"},
    {"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "none of its months has such a day"},
    {"FREQ=DAILY;BYMONTH=4,6,9,11;BYMONTHDAY=-31", "none of its months has such a day"},
    {"FREQ=YEARLY;BYMONHT=2", "a rule has no part 'BYMONHT'; did you mean 'BYMONTH'?"},
    {"FREQ=YEARLY;FREQ=DAILY", "FREQ stands there twice"},
    {"FREQ=YEARLY;BYMONTH", "BYMONTH has no value"},
    {"FREQ=YEARLY;BYMONTH=", "BYMONTH has no value"},
    {"FREQ=YEARLY;BYMONTH=13", "BYMONTH=13: a month is 1 to 12"},
    {"FREQ=YEARLY;BYMONTH=2,,3", "BYMONTH=: a month is 1 to 12"},
    {"FREQ=YEARLY;BYMONTH=5L", "BYMONTH=5L: a month is 1 to 12"},
    {"FREQ=YEARLY;BYMONTHDAY=0", "BYMONTHDAY=0: a day of the month is 1 to 31, or -31 to -1"},
    {"FREQ=DAILY;INTERVAL=0", "INTERVAL=0: an interval is 1 to 1000"},
    {"FREQ=DAILY;INTERVAL=1,2", "INTERVAL has too many values"},
    {"FREQ=DAILY;COUNT=99999999999", "COUNT=99999999999: a count is 1 to 100000"},
    {"FREQ=DAILY;COUNT=2;UNTIL=20270101", "COUNT and UNTIL exclude each other"},
    {"FREQ=DAILY;UNTIL=2027-01-01",
     "UNTIL=2027-01-01: write 20271231, 20271231T235959 or 20271231T215959Z"},
    {"FREQ=DAILY;UNTIL=20270230", "UNTIL: 2027-02-30 is not a date: February 2027 has 28 days"},
    {"FREQ=MONTHLY;BYDAY=FRI",
     "BYDAY=FRI: a day is MO, TU, WE, TH, FR, SA or SU, perhaps with a number such as 2MO or -1FR"},
    {"FREQ=MONTHLY;BYDAY=0FR",
     "BYDAY=0FR: a day is MO, TU, WE, TH, FR, SA or SU, perhaps with a number such as 2MO or -1FR"},
    {"FREQ=WEEKLY;BYDAY=2FR",
     "a number in BYDAY is for FREQ=MONTHLY and FREQ=YEARLY without BYWEEKNO only"},
    {"FREQ=MONTHLY;BYWEEKNO=2", "BYWEEKNO is for FREQ=YEARLY only"},
    {"FREQ=WEEKLY;BYMONTHDAY=2", "BYMONTHDAY is not for FREQ=WEEKLY"},
    {"FREQ=DAILY;BYSETPOS=2",
     "BYSETPOS chooses from the days of another BY part, and there is none"},
    {"FREQ=YEARLY;BYWEEKNO=53;BYYEARDAY=100", "BYWEEKNO does not go with BYMONTHDAY and BYYEARDAY"},
    {"FREQ=DAILY;WKST=XX", "WKST is MO, TU, WE, TH, FR, SA or SU"},
    {"FREQ=YEARLY;RSCALE=CHINESE", "RSCALE is not supported (RFC 7529)"},
};

static void recurrence_check_says_what_is_wrong_with_a_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = {0};

        assert_int_equal(recurrence_check(bad[i].rule, &err), ERR_INVALID);
        assert_string_equal(err.msg, bad[i].error);
    }
}

/* Rules of good form that yield nothing for long, or too much. */
static const char *const hard[] = {
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;INTERVAL=997",
    "FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29",
    "FREQ=YEARLY;BYYEARDAY=366;BYMONTH=3",
    "FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1",
    "FREQ=YEARLY;BYDAY=MO;BYSETPOS=366",
    "FREQ=WEEKLY;BYMONTH=2;BYDAY=MO;BYSETPOS=7",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=40",
    "FREQ=YEARLY;BYDAY=1MO,2MO,3MO,4MO,5MO,6MO,7MO,8MO,9MO;BYSETPOS=366",
    "FREQ=DAILY;INTERVAL=7;BYDAY=MO;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19;"
    "BYMINUTE=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29;"
    "BYSECOND=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29",
    /* The last one is also too much. */
    "FREQ=DAILY;BYHOUR=8,9,10,11,12,13,14,15;BYMINUTE=0,10,20,30,40,50;BYSECOND=1,2,3,4,5,6",
};

static void recurrence_list_always_comes_to_an_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(hard) / sizeof(hard[0]); i++) {
        struct arena *arena = arena_new(LIMIT_ARENA_WORK);
        struct err err = {0};
        struct civil start = {.year = 2027, .month = 1, .day = 1, .hour = 9};
        struct civil from = {.year = 2190, .month = 1, .day = 1};
        struct civil to = {.year = 2200, .month = 1, .day = 1};
        struct civil *dates;
        int64_t began = clock_thread_ticks();
        int count = recurrence_list(arena, hard[i], &start, &from, &to, 0, &dates, &err);

        if (count < 0 && err.code != ERR_LIMIT) {
            fail_msg("%s: %s", hard[i], err.msg);
        }
        if (clock_thread_ticks() - began > INT64_C(1000000000)) {
            fail_msg("%s took too long", hard[i]);
        }
        arena_free(arena);
    }
}

static void recurrence_list_stops_at_the_greatest_number(void **state)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct civil start = {.year = 2027, .month = 1, .day = 1, .date_only = true};
    struct civil to = {.year = 2100, .month = 1, .day = 1, .date_only = true};
    struct civil *dates;

    (void)state;
    assert_int_equal(recurrence_list(arena, "FREQ=DAILY", &start, &start, &to, 7, &dates, NULL), 7);
    assert_int_equal(recurrence_list(arena, "FREQ=DAILY", &start, &start, &to, 0, &dates, NULL),
                     LIMIT_OCCURRENCES);
    arena_free(arena);
}

static void recurrence_list_says_when_a_rule_recurs_too_often(void **state)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct err err = {0};
    struct civil start = {.year = 1900, .month = 1, .day = 1};
    struct civil from = {.year = 2199, .month = 1, .day = 1};
    struct civil *dates;

    (void)state;
    assert_int_equal(recurrence_list(arena, hard[sizeof(hard) / sizeof(hard[0]) - 1], &start, &from, &from, 0, &dates, &err),
                     ERR_LIMIT);
    assert_non_null(strstr(err.msg, "it recurs too often"));
    arena_free(arena);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(recurrence_list_yields_the_dates_of_a_rule_in_order),
        cmocka_unit_test(recurrence_check_says_what_is_wrong_with_a_rule),
        cmocka_unit_test(recurrence_list_always_comes_to_an_end),
        cmocka_unit_test(recurrence_list_stops_at_the_greatest_number),
        cmocka_unit_test(recurrence_list_says_when_a_rule_recurs_too_often),
    };

    return cmocka_run_group_tests_name("calendar/recurrence", tests, NULL, NULL);
}
