/* test_civil.c - dates and times as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "teataja/base/civil.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void test_dates_and_times_are_read_and_written(void **state)
{
    static const struct {
        const char *text;
        const char *written;
    } cases[] = {
        {"2027-01-23", "2027-01-23"},
        {"1900-01-01", "1900-01-01"},
        {"2200-12-31", "2200-12-31"},
        {"2028-02-29", "2028-02-29"},
        {"2000-02-29", "2000-02-29"},
        {"2027-01-23 17:00", "2027-01-23T17:00:00"},
        {"2027-01-23T17:00", "2027-01-23T17:00:00"},
        {"2027-01-23 17:00:30", "2027-01-23T17:00:30"},
        {"2027-01-23T00:00:00", "2027-01-23T00:00:00"},
        {"2027-01-23T23:59:59", "2027-01-23T23:59:59"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct civil civil;
        char text[CIVIL_TEXT];

        assert_int_equal(civil_parse(cases[i].text, &civil, NULL), 0);
        assert_int_equal(civil.date_only, strlen(cases[i].text) == 10);
        civil_format(&civil, text);
        assert_string_equal(text, cases[i].written);
    }
}

static void test_times_for_people_have_seconds_only_if_there_are_any(void **state)
{
    static const char *const cases[] = {"2027-01-23", "2027-01-23 17:00", "2027-01-23 17:00:30"};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct civil civil;
        char text[CIVIL_TEXT];

        assert_int_equal(civil_parse(cases[i], &civil, NULL), 0);
        civil_print(&civil, text);
        assert_string_equal(text, cases[i]);
    }
}

static void test_bad_dates_are_refused_with_a_reason(void **state)
{
    static const char form[] =
        "'%s' is not a date: write 2027-01-23, or with a time 2027-01-23 17:00";
    static const struct {
        const char *text;
        const char *msg; /* NULL: the message about the form */
    } cases[] = {
        {"2027-02-30", "2027-02-30 is not a date: February 2027 has 28 days"},
        {"2028-02-30", "2028-02-30 is not a date: February 2028 has 29 days"},
        {"2100-02-29", "2100-02-29 is not a date: February 2100 has 28 days"},
        {"2027-04-31", "2027-04-31 is not a date: April 2027 has 30 days"},
        {"2027-12-32", "2027-12-32 is not a date: December 2027 has 31 days"},
        {"2027-01-00", "2027-01-00 is not a date: days run from 01"},
        {"2027-13-01", "2027-13-01 is not a date: months run from 01 to 12"},
        {"2027-00-10", "2027-00-10 is not a date: months run from 01 to 12"},
        {"1899-12-31", "1899-12-31 is not a date: years run from 1900 to 2200"},
        {"2201-01-01", "2201-01-01 is not a date: years run from 1900 to 2200"},
        {"0000-01-01", "0000-01-01 is not a date: years run from 1900 to 2200"},
        {"2027-02-30 17:00", "2027-02-30 is not a date: February 2027 has 28 days"},
        {"2027-01-23 24:00", "24:00 is not a time: times run from 00:00:00 to 23:59:59"},
        {"2027-01-23 17:60", "17:60 is not a time: times run from 00:00:00 to 23:59:59"},
        {"2027-01-23 17:00:60", "17:00:60 is not a time: times run from 00:00:00 to 23:59:59"},
        {"2027-01-23 17", "'17' is not a time: write 17:00 or 17:00:30"},
        {"2027-01-23 7:00", "'7:00' is not a time: write 17:00 or 17:00:30"},
        {"2027-01-23 17:0", "'17:0' is not a time: write 17:00 or 17:00:30"},
        {"2027-01-23 17:00:", "'17:00:' is not a time: write 17:00 or 17:00:30"},
        {"", NULL},
        {" 2027-01-23", NULL},
        {"2027-01-23 ", NULL},
        {"2027-1-23", NULL},
        {"2027-01-2", NULL},
        {"27-01-23", NULL},
        {"23.01.2027", NULL},
        {"2027/01/23", NULL},
        {"+027-01-23", NULL},
        {"2027-01-231", NULL},
        {"2027-01-23  17:00", NULL},
        {"2027-01-23T", NULL},
        {"2027-01-23t17:00", NULL},
        {"2027-01-23 17:00 ", NULL},
        {"2027-01-23 17:00Z", NULL},
        {"2027-01-23T17:00:00.5", NULL},
        {"2027-01-23 17:00 Europe/Tallinn", NULL},
        {"tomorrow", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct civil civil = {.year = 1};
        struct err err = {0};
        char msg[256];

        assert_int_equal(civil_parse(cases[i].text, &civil, &err), ERR_INVALID);
        assert_int_equal(civil.year, 1); /* untouched */
        if (cases[i].msg == NULL) {
            (void)snprintf(msg, sizeof(msg), "'%s'%s", cases[i].text, form + 4);
        }
        assert_string_equal(err.msg, cases[i].msg == NULL ? msg : cases[i].msg);
    }
}

static void test_a_zone_may_follow(void **state)
{
    static const struct {
        const char *text;
        const char *zone; /* NULL: refused */
        bool date_only;
    } cases[] = {
        {"2027-01-23 17:00 Europe/Brussels", "Europe/Brussels", false},
        {"2027-01-23T17:00:30 Etc/GMT+5", "Etc/GMT+5", false},
        {"2027-01-23 17:00 America/Port-au-Prince", "America/Port-au-Prince", false},
        {"2027-01-23 17:00 America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires",
         false},
        {"2027-01-23 Europe/Tallinn", "Europe/Tallinn", true},
        {"2027-01-23 17:00", "", false},
        {"2027-01-23", "", true},
        {"2027-01-23 17:00 ", NULL, false},
        {"2027-01-23 17:00  UTC", NULL, false},
        {"2027-01-23 17:00Europe/Tallinn", NULL, false},
        {"2027-01-23 17:00 ../../etc/passwd", NULL, false},
        {"2027-01-23 17:00 /etc/passwd", NULL, false},
        {"2027-01-23 17:00 Europe/../x", NULL, false},
        {"2027-01-23 17:00 Europe/Tallinn x", NULL, false},
        {"2027-01-23 17:00 Europe\r\nX", NULL, false},
        {"2027-01-23 17:00 Õismäe", NULL, false},
        {"2027-01-23 17:00 +02:00", NULL, false},
        {"2027-01-23 17:00 "
         "A23456789012345678901234567890123456789012345678901234567890123",
         "A23456789012345678901234567890123456789012345678901234567890123", false},
        {"2027-01-23 17:00 "
         "A234567890123456789012345678901234567890123456789012345678901234",
         NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct civil civil = {0};
        struct err err = {0};
        char zone[CIVIL_ZONE] = "untouched";
        int rc = civil_parse_zoned(cases[i].text, &civil, zone, &err);

        if (cases[i].zone == NULL) {
            assert_int_equal(rc, ERR_INVALID);
            assert_string_equal(zone, "untouched");
            assert_true(err.msg[0] != '\0');
            continue;
        }
        assert_int_equal(rc, 0);
        assert_string_equal(zone, cases[i].zone);
        assert_int_equal(civil.date_only, cases[i].date_only);
        assert_int_equal(civil.day, 23);
    }
}

static void test_a_time_alone_keeps_the_date(void **state)
{
    struct civil civil;
    struct err err = {0};

    (void)state;
    assert_int_equal(civil_parse("2027-01-23", &civil, NULL), 0);
    assert_int_equal(civil_parse_time("09:05:07", &civil, &err), 0);
    assert_int_equal(civil.day, 23);
    assert_int_equal(civil.hour * 10000 + civil.minute * 100 + civil.second, 90507);
    assert_false(civil.date_only);
    assert_int_equal(civil_parse_time("09:05x", &civil, &err), ERR_INVALID);
    assert_string_equal(err.msg, "'09:05x' is not a time: write 17:00 or 17:00:30");
    assert_int_equal(civil_parse_time("", &civil, &err), ERR_INVALID);
    assert_int_equal(civil_parse_time("25:00", &civil, &err), ERR_INVALID);
    assert_int_equal(civil.hour, 9);
}

static void test_days_agree_with_the_c_library(void **state)
{
    struct civil civil = {.year = 1899, .month = 12, .day = 31, .hour = 7};
    const int64_t first = -25567; /* 1900-01-01 */

    (void)state;
    for (int64_t days = first; days < first + INT64_C(301) * 366; days++) {
        time_t instant = (time_t)days * 86400;
        struct tm tm;

        assert_non_null(gmtime_r(&instant, &tm));
        civil_add_days(&civil, 1);
        assert_int_equal(civil.year, tm.tm_year + 1900);
        assert_int_equal(civil.month, tm.tm_mon + 1);
        assert_int_equal(civil.day, tm.tm_mday);
        assert_int_equal(civil.hour, 7);
        assert_int_equal(civil_days(&civil), days);
        assert_int_equal(civil_weekday(&civil), tm.tm_wday == 0 ? 7 : tm.tm_wday);
    }
    assert_true(civil.year > 2200);
}

static void test_days_move_both_ways(void **state)
{
    struct civil civil = {.year = 2028, .month = 3, .day = 1};

    (void)state;
    civil_add_days(&civil, -1);
    assert_int_equal(civil.month * 100 + civil.day, 229);
    civil_add_days(&civil, -366);
    assert_int_equal(civil.year * 10000 + civil.month * 100 + civil.day, 20270228);
    civil_add_days(&civil, 0);
    assert_int_equal(civil.day, 28);
}

static void test_months_have_their_days(void **state)
{
    (void)state;
    assert_int_equal(civil_days_in_month(2027, 2), 28);
    assert_int_equal(civil_days_in_month(2028, 2), 29);
    assert_int_equal(civil_days_in_month(1900, 2), 28);
    assert_int_equal(civil_days_in_month(2000, 2), 29);
    assert_int_equal(civil_days_in_month(2027, 11), 30);
    assert_int_equal(civil_days_in_month(2027, 12), 31);
    assert_int_equal(civil_days_in_month(2027, 0), 0);
    assert_int_equal(civil_days_in_month(2027, 13), 0);
}

static void test_comparison_sorts_by_time(void **state)
{
    static const char *const sorted[] = {
        "1999-12-31 23:59:59", "2027-01-23", "2027-01-23 00:00:01", "2027-01-23 00:01",
        "2027-01-23 17:00",    "2027-01-24", "2027-02-01",          "2028-01-01",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(sorted); i++) {
        for (size_t j = 0; j < COUNT(sorted); j++) {
            struct civil a;
            struct civil b;
            int order;

            assert_int_equal(civil_parse(sorted[i], &a, NULL), 0);
            assert_int_equal(civil_parse(sorted[j], &b, NULL), 0);
            order = civil_compare(&a, &b);
            assert_true(i < j ? order < 0 : i > j ? order > 0 : order == 0);
        }
    }
}

static void test_a_date_is_its_midnight(void **state)
{
    struct civil date;
    struct civil midnight;

    (void)state;
    assert_int_equal(civil_parse("2027-01-23", &date, NULL), 0);
    assert_int_equal(civil_parse("2027-01-23 00:00", &midnight, NULL), 0);
    assert_int_equal(civil_compare(&date, &midnight), 0);
    assert_int_equal(civil_to_utc(&date), civil_to_utc(&midnight));
}

static void test_instants_go_there_and_back(void **state)
{
    static const struct {
        int64_t instant;
        const char *text;
        const char *civil;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000000Z", "1970-01-01T00:00:00"},
        {1, "1970-01-01T00:00:00.000001Z", "1970-01-01T00:00:00"},
        {-1, "1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59"},
        {-1000000, "1969-12-31T23:59:59.000000Z", "1969-12-31T23:59:59"},
        {-86400000000, "1969-12-31T00:00:00.000000Z", "1969-12-31T00:00:00"},
        {1796108400000000, "2026-12-01T07:00:00.000000Z", "2026-12-01T07:00:00"},
        {1796108400123456, "2026-12-01T07:00:00.123456Z", "2026-12-01T07:00:00"},
        {4102444799999999, "2099-12-31T23:59:59.999999Z", "2099-12-31T23:59:59"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[28];
        char civil_text[CIVIL_TEXT];
        struct civil civil;
        int64_t micros = (cases[i].instant % 1000000 + 1000000) % 1000000;

        civil_format_instant(cases[i].instant, text);
        assert_string_equal(text, cases[i].text);
        civil_from_utc(cases[i].instant, &civil);
        civil_format(&civil, civil_text);
        assert_string_equal(civil_text, cases[i].civil);
        assert_true(civil_to_utc(&civil) == cases[i].instant - micros);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_for_people_have_seconds_only_if_there_are_any),
        cmocka_unit_test(test_dates_and_times_are_read_and_written),
        cmocka_unit_test(test_bad_dates_are_refused_with_a_reason),
        cmocka_unit_test(test_a_zone_may_follow),
        cmocka_unit_test(test_a_time_alone_keeps_the_date),
        cmocka_unit_test(test_days_agree_with_the_c_library),
        cmocka_unit_test(test_days_move_both_ways),
        cmocka_unit_test(test_months_have_their_days),
        cmocka_unit_test(test_comparison_sorts_by_time),
        cmocka_unit_test(test_a_date_is_its_midnight),
        cmocka_unit_test(test_instants_go_there_and_back),
    };

    return cmocka_run_group_tests_name("base/civil", tests, NULL, NULL);
}
