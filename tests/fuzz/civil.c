/* Dates and times: what is read is a day of the calendar, and written reads the same. */
#include "fuzz.h"

#include "teataja/base/civil.h"
#include "teataja/base/clock.h"

static void check_civil(const struct civil *civil)
{
    struct civil again = {0};
    char text[CIVIL_TEXT];

    FUZZ_CHECK(civil->year >= 1900 && civil->year <= 2200);
    FUZZ_CHECK(civil->month >= 1 && civil->month <= 12);
    FUZZ_CHECK(civil->day >= 1 && civil->day <= civil_days_in_month(civil->year, civil->month));
    FUZZ_CHECK(civil->hour >= 0 && civil->hour < 24 && civil->minute >= 0 && civil->minute < 60);
    FUZZ_CHECK(civil->second >= 0 && civil->second < 60);
    FUZZ_CHECK(!civil->date_only || civil->hour + civil->minute + civil->second == 0);
    civil_format(civil, text);
    FUZZ_CHECK(strlen(text) == (civil->date_only ? 10u : 19u));
    FUZZ_CHECK(civil_parse(text, &again, NULL) == 0);
    FUZZ_CHECK(civil_compare(civil, &again) == 0 && again.date_only == civil->date_only);
}

static void check_calendar(const struct civil *civil)
{
    struct civil again = *civil;
    int64_t days = civil_days(civil);

    civil_set_days(&again, days);
    FUZZ_CHECK(civil_compare(civil, &again) == 0);
    civil_add_days(&again, 1);
    FUZZ_CHECK(civil_days(&again) == days + 1);
    FUZZ_CHECK(civil_compare(civil, &again) < 0 && civil_compare(&again, civil) > 0);
    FUZZ_CHECK(civil_weekday(&again) == civil_weekday(civil) % 7 + 1);
    civil_from_utc(civil_to_utc(civil), &again);
    FUZZ_CHECK(civil_compare(civil, &again) == 0);
    civil_from_utc(civil_to_utc(civil) + CLOCK_SECOND - 1, &again);
    FUZZ_CHECK(civil_compare(civil, &again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct civil civil = {0};
    struct err err = {0};
    char zone[CIVIL_ZONE] = "?";
    int plain = civil_parse(text, &civil, &err);
    int zoned;

    if (plain == 0) {
        check_civil(&civil);
        check_calendar(&civil);
    } else {
        fuzz_check_error(plain, &err);
    }
    zoned = civil_parse_zoned(text, &civil, zone, &err);
    FUZZ_CHECK(plain < 0 || (zoned == 0 && zone[0] == '\0'));
    if (zoned == 0) {
        check_civil(&civil);
        FUZZ_CHECK(strlen(zone) < CIVIL_ZONE && strpbrk(zone, " \t\r\n") == NULL);
        FUZZ_CHECK(strstr(zone, "..") == NULL && zone[0] != '/');
    }
    if (civil_parse_time(text, &civil, &err) == 0) {
        FUZZ_CHECK(civil.hour >= 0 && civil.hour < 24 && civil.minute >= 0 && civil.minute < 60);
        FUZZ_CHECK(civil.second >= 0 && civil.second < 60 && !civil.date_only);
    }
    free(text);
    return 0;
}
