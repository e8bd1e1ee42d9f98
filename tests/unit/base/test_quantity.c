/* Amounts with units, as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "teataja/base/clock.h"
#include "teataja/base/quantity.h"

static const struct {
    const char *text;
    int days;
    int64_t micros;
} periods[] = {
    {"7 days", 7, 0},
    {"1 day", 1, 0},
    {" 36h ", 0, 36 * CLOCK_HOUR},
    {"90 min", 0, 90 * CLOCK_MINUTE},
    {"1 week 2 days 3 hours", 9, 3 * CLOCK_HOUR},
    {"250 ms", 0, 250000},
    {"0", 0, 0},
    {"-2 Days", -2, 0},
    {"P7D", 7, 0},
    {"PT36H", 0, 36 * CLOCK_HOUR},
    {"p1dt12h30m", 1, 12 * CLOCK_HOUR + 30 * CLOCK_MINUTE},
    {"-P2W", -14, 0},
    {"36500 days", 36500, 0},
};

static const char *const bad[] = {
    "",
    "7",
    "days",
    "7 dais",
    "P",
    "PT",
    "P7",
    "P7D8",
    "PT7D",
    "P1H",
    "P7D1W",
    "PT1S1M",
    "7 days before",
    "1.5 h",
    "36501 days",
    "1 month",
    "P1M",
    "P1Y",
    "2 years",
    "9999999999999 s",
    "99999999 h",
    "7 days 99999 days",
};

static void test_periods_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
        struct period period;
        int64_t micros;

        assert_int_equal(quantity_parse_period(periods[i].text, false, &period, NULL), 0);
        assert_int_equal(period.days, periods[i].days);
        assert_int_equal(period.micros, periods[i].micros);
        assert_int_equal(quantity_parse_duration(periods[i].text, false, &micros, NULL), 0);
        assert_int_equal(micros, periods[i].days * CLOCK_DAY + periods[i].micros);
    }
}

static void test_what_is_no_period_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct period period;
        struct err err = {0};

        assert_int_equal(quantity_parse_period(bad[i], false, &period, &err), ERR_INVALID);
        assert_true(err.msg[0] != '\0');
    }
}

static void test_before_is_allowed_where_it_means_something(void **state)
{
    struct period period;

    (void)state;
    assert_int_equal(quantity_parse_period("7 days before", true, &period, NULL), 0);
    assert_int_equal(period.days, 7);
    assert_int_equal(quantity_parse_period("before", true, &period, NULL), ERR_INVALID);
}

static void test_durations_are_written_in_their_largest_unit(void **state)
{
    static const struct {
        int64_t micros;
        const char *text;
    } cases[] = {
        {0, "0"},
        {CLOCK_DAY, "1 day"},
        {7 * CLOCK_DAY, "7 days"},
        {36 * CLOCK_HOUR, "36 h"},
        {90 * CLOCK_SECOND, "90 s"},
        {1500000, "1500 ms"},
        {INT64_C(1000000007999000), "1000000007999 ms"},
        {7, "7 microseconds"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[QUANTITY_TEXT];
        int64_t again = 0;

        quantity_format_duration(cases[i].micros, text);
        assert_string_equal(text, cases[i].text);
        if (cases[i].micros % 1000 == 0) {
            assert_int_equal(quantity_parse_duration(text, false, &again, NULL), 0);
            assert_int_equal(again, cases[i].micros);
        }
    }
}

static void test_sizes_shares_and_rates_are_read(void **state)
{
    int64_t bytes;
    int hundredths;
    struct rate rate;

    (void)state;
    assert_int_equal(quantity_parse_size("80 KB", &bytes, NULL), 0);
    assert_int_equal(bytes, 80 * 1024);
    assert_int_equal(quantity_parse_size("512", &bytes, NULL), 0);
    assert_int_equal(bytes, 512);
    assert_int_equal(quantity_parse_size("2MiB", &bytes, NULL), 0);
    assert_int_equal(bytes, 2 * 1024 * 1024);
    assert_int_equal(quantity_parse_size("2 TB", &bytes, NULL), ERR_INVALID);
    assert_int_equal(quantity_parse_size("-1", &bytes, NULL), ERR_INVALID);
    assert_int_equal(quantity_parse_percent("80 %", &hundredths, NULL), 0);
    assert_int_equal(hundredths, 8000);
    assert_int_equal(quantity_parse_percent("12,5%", &hundredths, NULL), 0);
    assert_int_equal(hundredths, 1250);
    assert_int_equal(quantity_parse_percent("12.345%", &hundredths, NULL), ERR_INVALID);
    assert_int_equal(quantity_parse_percent("100.01%", &hundredths, NULL), ERR_INVALID);
    assert_int_equal(quantity_parse_percent("100%", &hundredths, NULL), 0);
    assert_int_equal(quantity_parse_rate("20/s", &rate, NULL), 0);
    assert_int_equal(rate.micros, CLOCK_SECOND);
    assert_int_equal(quantity_parse_rate("20000 / day", &rate, NULL), 0);
    assert_int_equal(rate.count, 20000);
    assert_int_equal(rate.micros, CLOCK_DAY);
    assert_int_equal(quantity_parse_rate("unlimited", &rate, NULL), 0);
    assert_int_equal(rate.count, 0);
    assert_int_equal(quantity_parse_rate("0/s", &rate, NULL), ERR_INVALID);
    assert_int_equal(quantity_parse_rate("20/parsec", &rate, NULL), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_periods_are_read),
        cmocka_unit_test(test_what_is_no_period_is_refused),
        cmocka_unit_test(test_before_is_allowed_where_it_means_something),
        cmocka_unit_test(test_durations_are_written_in_their_largest_unit),
        cmocka_unit_test(test_sizes_shares_and_rates_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
