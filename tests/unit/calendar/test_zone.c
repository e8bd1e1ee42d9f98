/* Zones: against the C library over two centuries, and clocks put forward and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "teataja/base/clock.h"
#include "teataja/calendar/zone.h"

/* Zones with rules of every shape: none, northern, southern, by quarter of an
 * hour, "negative" summer time, changes at midnight, days left out. */
static const char *const tzids[] = {
    "Europe/Tallinn",   "Europe/Vilnius",      "Europe/Warsaw",     "Europe/Prague",
    "Europe/Stockholm", "Europe/Dublin",       "Europe/Brussels",   "UTC",
    "America/New_York", "Asia/Kolkata",        "Africa/Cairo",      "Pacific/Chatham",
    "Pacific/Apia",     "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Almaty",
    "America/Nuuk",     "Africa/Casablanca",
};

static void zone_agrees_with_the_c_library_from_1970_to_2200(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(tzids) / sizeof(tzids[0]); i++) {
        setenv("TZ", tzids[i], 1);
        tzset();
        /* A prime step of some 5 days walks through all hours of the day. */
        for (int64_t at = 0; at < INT64_C(7258118400); at += 432007) {
            time_t when = at;
            struct tm tm;
            struct civil civil;
            int seconds;

            assert_non_null(localtime_r(&when, &tm));
            assert_int_equal(zone_offset(tzids[i], at * CLOCK_SECOND, &seconds, NULL), 0);
            if (seconds != tm.tm_gmtoff) {
                fail_msg("%s at %lld: %d, not %ld", tzids[i], (long long)at, seconds, tm.tm_gmtoff);
            }
            assert_int_equal(zone_from_utc(tzids[i], at * CLOCK_SECOND, &civil, NULL), 0);
            assert_int_equal(civil.year, tm.tm_year + 1900);
            assert_int_equal(civil.month, tm.tm_mon + 1);
            assert_int_equal(civil.day, tm.tm_mday);
            assert_int_equal(civil.hour, tm.tm_hour);
            assert_int_equal(civil.minute, tm.tm_min);
            assert_int_equal(civil.second, tm.tm_sec);
        }
    }
    unsetenv("TZ");
    tzset();
}

static void zone_to_utc_turns_every_civil_time_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(tzids) / sizeof(tzids[0]); i++) {
        for (int64_t at = 1; at < INT64_C(7258118400); at += 3600 * 131 + 1801) {
            struct civil civil;
            enum zone_fit fit;
            int64_t back;

            assert_int_equal(zone_from_utc(tzids[i], at * CLOCK_SECOND, &civil, NULL), 0);
            assert_int_equal(zone_to_utc(tzids[i], &civil, &back, &fit, NULL), 0);
            assert_int_not_equal(fit, ZONE_GAP);
            /* Of a time that comes twice the first is given. */
            if (back != at * CLOCK_SECOND && (fit != ZONE_AMBIGUOUS || back > at * CLOCK_SECOND)) {
                fail_msg("%s at %lld came back as %lld", tzids[i], (long long)at,
                         (long long)(back / CLOCK_SECOND));
            }
        }
    }
}

static const struct {
    const char *tzid;
    const char *local;
    const char *utc;
    enum zone_fit fit;
    const char *error;
} clocks[] = {
    {"Europe/Tallinn", "2027-01-23 17:00", "2027-01-23T15:00:00.000000Z", ZONE_EXACT, NULL},
    {"Europe/Tallinn", "2027-07-23 17:00", "2027-07-23T14:00:00.000000Z", ZONE_EXACT, NULL},
    {"Europe/Tallinn", "2027-03-28 02:59:59", "2027-03-28T00:59:59.000000Z", ZONE_EXACT, NULL},
    {"Europe/Tallinn", "2027-03-28 03:30", "2027-03-28T01:30:00.000000Z", ZONE_GAP,
     "2027-03-28 03:30 does not exist in Europe/Tallinn: clocks go from 03:00 to 04:00"},
    {"Europe/Tallinn", "2027-03-28 04:00", "2027-03-28T01:00:00.000000Z", ZONE_EXACT, NULL},
    {"Europe/Tallinn", "2027-10-31 03:30", "2027-10-31T00:30:00.000000Z", ZONE_AMBIGUOUS,
     "2027-10-31 03:30 comes twice in Europe/Tallinn: clocks go back from 04:00 to 03:00"},
    {"Europe/Tallinn", "2027-10-31 04:00", "2027-10-31T02:00:00.000000Z", ZONE_EXACT, NULL},
    {"Europe/Warsaw", "2150-03-29 02:15", "2150-03-29T01:15:00.000000Z", ZONE_GAP,
     "2150-03-29 02:15 does not exist in Europe/Warsaw: clocks go from 02:00 to 03:00"},
    {"Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04T14:45:00.000000Z", ZONE_AMBIGUOUS,
     "2026-04-05 01:45 comes twice in Australia/Lord_Howe: clocks go back from 02:00 to 01:30"},
    {"Pacific/Apia", "2011-12-30 12:00", "2011-12-30T22:00:00.000000Z", ZONE_GAP,
     "2011-12-30 12:00 does not exist in Pacific/Apia: clocks go from 00:00 to 00:00"},
    {"Europe/Dublin", "2026-10-25 01:30", "2026-10-25T00:30:00.000000Z", ZONE_AMBIGUOUS,
     "2026-10-25 01:30 comes twice in Europe/Dublin: clocks go back from 02:00 to 01:00"},
    {"UTC", "2027-03-28", "2027-03-28T00:00:00.000000Z", ZONE_EXACT, NULL},
};

static void zone_tells_times_that_do_not_exist_or_come_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
        struct err err = {0};
        struct civil civil;
        enum zone_fit fit;
        int64_t at;
        char text[28];

        assert_int_equal(civil_parse(clocks[i].local, &civil, &err), 0);
        assert_int_equal(zone_to_utc(clocks[i].tzid, &civil, &at, &fit, &err), 0);
        civil_format_instant(at, text);
        assert_string_equal(text, clocks[i].utc);
        assert_int_equal(fit, clocks[i].fit);
        if (clocks[i].error) {
            assert_int_equal(zone_to_utc_strict(clocks[i].tzid, &civil, &at, &err), ERR_INVALID);
            assert_string_equal(err.msg, clocks[i].error);
        } else {
            assert_int_equal(zone_to_utc_strict(clocks[i].tzid, &civil, &at, &err), 0);
        }
    }
}

static const struct {
    const char *name;
    const char *tzid; /* NULL: not found, with this message */
    const char *error;
} names[] = {
    {"Europe/Tallinn", "Europe/Tallinn", NULL},
    {" \"Europe/Tallinn\" ", "Europe/Tallinn", NULL},
    {"FLE Standard Time", "Europe/Kiev", NULL},
    {"W. Europe Standard Time", "Europe/Berlin", NULL},
    {"Eastern Standard Time", "America/New_York", NULL},
    {"/freeassociation.sourceforge.net/Europe/Vilnius", "Europe/Vilnius", NULL},
    {"/mozilla.org/20050126_1/Europe/Berlin", "Europe/Berlin", NULL},
    {"/softwarestudio.org/Olson_20011030_5/America/Argentina/Ushuaia", "America/Argentina/Ushuaia",
     NULL},
    {"Europe/Talinn", NULL, "no time zone 'Europe/Talinn'; did you mean 'Europe/Tallinn'?"},
    {"Customized Time Zone", NULL, "no time zone 'Customized Time Zone'"},
    {"", NULL, "no time zone ''"},
    {"/", NULL, "no time zone '/'"},
};

static void zone_find_maps_the_names_that_calendars_write(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct err err = {0};
        char tzid[CIVIL_ZONE];
        int rc = zone_find(names[i].name, tzid, &err);

        if (names[i].tzid) {
            assert_int_equal(rc, 0);
            assert_string_equal(tzid, names[i].tzid);
        } else {
            assert_int_equal(rc, ERR_NOT_FOUND);
            assert_string_equal(err.msg, names[i].error);
        }
    }
}

static void zone_names_never_lead_out_of_the_zones_folder(void **state)
{
    static const char *const bad[] = {
        "../../../etc/passwd",
        "Europe/../Europe/Tallinn",
        "/usr/share/zoneinfo/UTC",
        "Europe/",
        "Europe//Tallinn",
        "right/UTC",
        "posix/UTC",
        "posixrules",
        "tzdata.zi",
        "zone.tab",
        "Europe",
        "./UTC",
        "UTC\n",
        "leapseconds",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(zone_is_known(bad[i]));
    }
    assert_false(zone_is_known(NULL));
    assert_true(zone_is_known("America/Argentina/ComodRivadavia"));
    assert_true(zone_is_known("Etc/GMT+5"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(zone_agrees_with_the_c_library_from_1970_to_2200),
        cmocka_unit_test(zone_to_utc_turns_every_civil_time_back),
        cmocka_unit_test(zone_tells_times_that_do_not_exist_or_come_twice),
        cmocka_unit_test(zone_find_maps_the_names_that_calendars_write),
        cmocka_unit_test(zone_names_never_lead_out_of_the_zones_folder),
    };

    return cmocka_run_group_tests_name("calendar/zone", tests, NULL, NULL);
}
