/* Dates, ranges, numbers and money in ten languages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "teataja/base/limits.h"
#include "teataja/base/utf8.h"
#include "teataja/render/format.h"

static const struct civil march = {2026, 3, 5, 15, 5, 0, false};
static const struct civil start = {2027, 5, 20, 10, 0, 0, false};
static const struct civil later = {2027, 5, 20, 16, 30, 0, false};
static const struct civil next_day = {2027, 5, 21, 16, 0, 0, false};
static const struct civil next_month = {2027, 6, 2, 0, 0, 0, true};
static const struct civil next_year = {2028, 1, 3, 0, 0, 0, true};

enum golden {
    FULL,
    DAY,
    BRIEF,
    MONTH,
    MOMENT,
    SAME_DAY,
    TWO_DAYS_TIMED,
    TWO_DAYS,
    TWO_MONTHS,
    TWO_YEARS,
    TIMES,
    CITY,
    NUMBER,
    MILLION,
    CENTS,
    CROWNS,
    MONEY_RANGE,
    PERCENT,
    LIST,
    LANGUAGE,
    GOLDENS
};

/* Read by eye against the usage of each language. The white space is part of it:
 * U+00A0 and U+202F hold a number and its unit together, U+2009 stands around a
 * dash, U+2012 is the dash between figures. */
static const struct {
    enum language lang;
    const char *text[GOLDENS];
} goldens[] = {
    {LANG_ET,
     {"neljapäev, 5. märts 2026",
      "5. märts",
      "N, 5. märts",
      "märts 2026",
      "5. märts 2026, kell 15:05",
      "neljapäev, 20. mai 2027 10:00–16:30",
      "20. mai 2027, kell 10:00\u2009–\u200921. mai 2027, kell 16:00",
      "20.–21. mai 2027",
      "20. mai\u2009–\u20092. juuni 2027",
      "20. mai 2027\u2009–\u20093. jaanuar 2028",
      "10:00–16:30",
      "Brüssel",
      "1\u00a0000\u00a0000",
      "1\u00a0000\u00a0000\u00a0€",
      "12,50\u00a0€",
      "200\u00a0000\u00a0CZK",
      "500\u20125000\u00a0€",
      "33,5%",
      "a, b ja c",
      "eesti"}},
    {LANG_RU,
     {"четверг, 5 марта 2026\u202fг.",
      "5 марта",
      "чт, 5 марта",
      "март 2026\u202fг.",
      "5 марта 2026\u202fг. в 15:05",
      "четверг, 20 мая 2027\u202fг., 10:00–16:30",
      "20 мая 2027\u202fг. в 10:00 – 21 мая 2027\u202fг. в 16:00",
      "20–21 мая 2027\u202fг.",
      "20 мая – 2 июня 2027\u202fг.",
      "20 мая 2027\u202fг. – 3 января 2028\u202fг.",
      "10:00–16:30",
      "Брюссель",
      "1\u00a0000\u00a0000",
      "1\u00a0000\u00a0000\u00a0€",
      "12,50\u00a0€",
      "200\u00a0000\u00a0CZK",
      "500–5\u00a0000\u00a0€",
      "33,5\u00a0%",
      "a, b и c",
      "эстонский"}},
    {LANG_EN,
     {"Thursday, 5 March 2026",
      "5 March",
      "Thu, 5 March",
      "March 2026",
      "5 March 2026 at 15:05",
      "Thursday, 20 May 2027, 10:00–16:30",
      "20 May 2027 at 10:00\u2009–\u200921 May 2027 at 16:00",
      "20–21 May 2027",
      "20 May\u2009–\u20092 June 2027",
      "20 May 2027\u2009–\u20093 January 2028",
      "10:00–16:30",
      "Brussels",
      "1,000,000",
      "€1,000,000",
      "€12.50",
      "CZK\u00a0200,000",
      "€500 – €5,000",
      "33.5%",
      "a, b and c",
      "Estonian"}},
    {LANG_LV,
     {"ceturtdiena, 2026. gada 5. marts",
      "5. marts",
      "ceturtd., 5. marts",
      "2026. g. marts",
      "2026. gada 5. marts 15:05",
      "ceturtdiena, 2027. gada 20. maijs 10:00–16:30",
      "2027. gada 20. maijs 10:00\u2009–\u20092027. gada 21. maijs 16:00",
      "2027. gada 20.–21. maijs",
      "2027. gada 20. maijs\u2009–\u20092. jūnijs",
      "2027. gada 20. maijs\u2009–\u20092028. gada 3. janvāris",
      "10:00–16:30",
      "Brisele",
      "1\u00a0000\u00a0000",
      "1\u00a0000\u00a0000\u00a0€",
      "12,50\u00a0€",
      "200\u00a0000\u00a0CZK",
      "500–5000\u00a0€",
      "33,5%",
      "a, b un c",
      "igauņu"}},
    {LANG_LT,
     {"2026 m. kovo 5 d., ketvirtadienis",
      "kovo 5 d.",
      "kovo 5 d., kt",
      "2026 m. kovas",
      "2026 m. kovo 5 d. 15:05",
      "2027 m. gegužės 20 d., ketvirtadienis 10:00–16:30",
      "2027 m. gegužės 20 d. 10:00\u2009–\u20092027 m. gegužės 21 d. 16:00",
      "2027 gegužės 20–21",
      "2027 gegužės 20\u2009–\u2009birželio 2",
      "2027 gegužės 20\u2009–\u20092028 sausio 3",
      "10:00–16:30",
      "Briuselis",
      "1\u00a0000\u00a0000",
      "1\u00a0000\u00a0000\u00a0€",
      "12,50\u00a0€",
      "200\u00a0000\u00a0CZK",
      "500–5\u00a0000\u00a0€",
      "33,5\u00a0%",
      "a, b ir c",
      "estų"}},
    {LANG_PL,
     {"czwartek, 5 marca 2026",
      "5 marca",
      "czw., 5 marca",
      "marzec 2026",
      "5 marca 2026 15:05",
      "czwartek, 20 maja 2027, 10:00–16:30",
      "20 maja 2027 10:00\u2009–\u200921 maja 2027 16:00",
      "20–21 maja 2027",
      "20 maja\u2009–\u20092 czerwca 2027",
      "20 maja 2027\u2009–\u20093 stycznia 2028",
      "10:00–16:30",
      "Bruksela",
      "1\u00a0000\u00a0000",
      "1\u00a0000\u00a0000\u00a0€",
      "12,50\u00a0€",
      "200\u00a0000\u00a0CZK",
      "500–5000\u00a0€",
      "33,5%",
      "a, b i c",
      "estoński"}},
    {LANG_CS,
     {"čtvrtek 5. března 2026",
      "5. března",
      "čt 5. března",
      "březen 2026",
      "5. března 2026 v 15:05",
      "čtvrtek 20. května 2027 10:00–16:30",
      "20. května 2027 v 10:00\u2009–\u200921. května 2027 v 16:00",
      "20.–21. 5. 2027",
      "20. 5. – 2. 6. 2027",
      "20. 5. 2027\u2009–\u20093. 1. 2028",
      "10:00–16:30",
      "Brusel",
      "1\u00a0000\u00a0000",
      "1\u00a0000\u00a0000\u00a0€",
      "12,50\u00a0€",
      "200\u00a0000\u00a0Kč",
      "500–5\u00a0000\u00a0€",
      "33,5\u00a0%",
      "a, b a\u00a0c",
      "estonština"}},
    {LANG_DE,
     {"Donnerstag, 5. März 2026",
      "5. März",
      "Do., 5. März",
      "März 2026",
      "5. März 2026 um 15:05",
      "Donnerstag, 20. Mai 2027, 10:00–16:30 Uhr",
      "20. Mai 2027 um 10:00\u2009–\u200921. Mai 2027 um 16:00",
      "20.–21. Mai 2027",
      "20. Mai\u2009–\u20092. Juni 2027",
      "20. Mai 2027\u2009–\u20093. Januar 2028",
      "10:00–16:30 Uhr",
      "Brüssel",
      "1.000.000",
      "1.000.000\u00a0€",
      "12,50\u00a0€",
      "200.000\u00a0CZK",
      "500–5.000\u00a0€",
      "33,5\u00a0%",
      "a, b und c",
      "Estnisch"}},
    {LANG_SV,
     {"torsdag 5 mars 2026",
      "5 mars",
      "tors 5 mars",
      "mars 2026",
      "5 mars 2026 kl. 15:05",
      "torsdag 20 maj 2027 10:00–16:30",
      "20 maj 2027 kl. 10:00\u2009–\u200921 maj 2027 kl. 16:00",
      "20–21 maj 2027",
      "20 maj–2 juni 2027",
      "20 maj 2027–3 januari 2028",
      "10:00–16:30",
      "Bryssel",
      "1\u00a0000\u00a0000",
      "1\u00a0000\u00a0000\u00a0€",
      "12,50\u00a0€",
      "200\u00a0000\u00a0CZK",
      "500\u20125\u00a0000\u00a0€",
      "33,5\u00a0%",
      "a, b och c",
      "estniska"}},
    {LANG_FI,
     {"torstaina 5. maaliskuuta 2026",
      "5. maaliskuuta",
      "to 5. maaliskuuta",
      "maaliskuu 2026",
      "5. maaliskuuta 2026 klo 15.05",
      "torstaina 20. toukokuuta 2027 10.00–16.30",
      "20. toukokuuta 2027 klo 10.00–21. toukokuuta 2027 klo 16.00",
      "20.–21. toukokuuta 2027",
      "20. toukokuuta\u2009–\u20092. kesäkuuta 2027",
      "20. toukokuuta 2027\u2009–\u20093. tammikuuta 2028",
      "10.00–16.30",
      "Bryssel",
      "1\u00a0000\u00a0000",
      "1\u00a0000\u00a0000\u00a0€",
      "12,50\u00a0€",
      "200\u00a0000\u00a0CZK",
      "500–5\u00a0000\u00a0€",
      "33,5\u00a0%",
      "a, b ja c",
      "viro"}},
};

static int write_golden(struct format *format, enum golden what, struct str *out, struct err *err)
{
    static const char *const items[] = {"a", "b", "c"};

    switch (what) {
    case FULL:
        return format_date(format, &march, FORMAT_FULL, out, err);
    case DAY:
        return format_date(format, &march, FORMAT_DAY, out, err);
    case BRIEF:
        return format_date(format, &march, FORMAT_BRIEF, out, err);
    case MONTH:
        return format_date(format, &march, FORMAT_MONTH, out, err);
    case MOMENT:
        return format_moment(format, &march, FORMAT_LONG, out, err);
    case SAME_DAY:
        return format_range(format, &start, &later, FORMAT_FULL, out, err);
    case TWO_DAYS_TIMED:
        return format_range(format, &start, &next_day, FORMAT_FULL, out, err);
    case TWO_DAYS:
        return format_date_range(format, &start, &next_day, FORMAT_LONG, out, err);
    case TWO_MONTHS:
        return format_range(format, &start, &next_month, FORMAT_FULL, out, err);
    case TWO_YEARS:
        return format_range(format, &start, &next_year, FORMAT_DAY, out, err);
    case TIMES:
        return format_time_range(format, &start, &later, out, err);
    case CITY:
        return format_zone_city(format, "Europe/Brussels", out, err);
    case NUMBER:
        return format_number(format, 1000000, out, err);
    case MILLION:
        return format_money(format, 100000000, "EUR", out, err);
    case CENTS:
        return format_money(format, 1250, "EUR", out, err);
    case CROWNS:
        return format_money(format, 20000000, "CZK", out, err);
    case MONEY_RANGE:
        return format_money_range(format, 50000, 500000, "EUR", out, err);
    case PERCENT:
        return format_percent(format, 3350, out, err);
    case LIST:
        return format_list(format, items, 3, out, err);
    case LANGUAGE:
        return format_language_name(format, "et", out, err);
    case GOLDENS:
        break;
    }
    return ERR_INVALID;
}

static void test_every_language_writes_as_its_readers_do(void **state)
{
    (void)state;
    assert_int_equal(sizeof(goldens) / sizeof(goldens[0]), LANG_COUNT);
    for (size_t i = 0; i < LANG_COUNT; i++) {
        struct format *format = NULL;
        struct err err = {0};
        struct str out;

        str_init(&out, LIMIT_TEXT);
        assert_int_equal(format_open(goldens[i].lang, &format, &err), 0);
        /* Twice: opened first, then kept. */
        for (int j = 0; j < 2 * GOLDENS; j++) {
            str_reset(&out);
            if (write_golden(format, (enum golden)(j % GOLDENS), &out, &err) != 0) {
                fail_msg("%s", err.msg);
            }
            assert_string_equal(out.data, goldens[i].text[j % GOLDENS]);
        }
        format_close(format);
        str_release(&out);
    }
}

/* A format, and what the last call appended. */
struct bench {
    struct format *format;
    struct str out;
    struct err err;
};

static int bench_open(void **state)
{
    static struct bench bench;

    memset(&bench, 0, sizeof(bench));
    str_init(&bench.out, LIMIT_TEXT);
    *state = &bench;
    return format_open(LANG_ET, &bench.format, &bench.err);
}

static int bench_close(void **state)
{
    struct bench *bench = *state;

    format_close(bench->format);
    str_release(&bench->out);
    return 0;
}

static void check(struct bench *bench, int rc, const char *expected)
{
    if (rc != 0) {
        fail_msg("%s", bench->err.msg);
    }
    assert_string_equal(bench->out.data, expected);
    str_reset(&bench->out);
}

#define CHECK(bench, expected, call, ...)                                                          \
    check((bench), call((bench)->format, __VA_ARGS__, &(bench)->out, &(bench)->err), (expected))

static void test_a_moment_without_a_time_is_a_date(void **state)
{
    struct bench *bench = *state;

    CHECK(bench, "2. juuni 2027", format_moment, &next_month, FORMAT_LONG);
    CHECK(bench, "2.6.2027", format_moment, &next_month, FORMAT_SHORT);
    CHECK(bench, "kolmapäev, 2. juuni", format_moment, &next_month, FORMAT_WEEKDAY);
    CHECK(bench, "kolmapäev", format_date, &next_month, FORMAT_LEAF_WEEKDAY);
    CHECK(bench, "juuni", format_date, &next_month, FORMAT_LEAF_MONTH);
}

static void test_a_month_fits_a_leaf_in_every_language(void **state)
{
    (void)state;
    for (int lang = 0; lang < LANG_COUNT; lang++) {
        struct format *format = NULL;

        assert_int_equal(format_open((enum language)lang, &format, NULL), 0);
        for (int month = 1; month <= 12; month++) {
            const struct civil day = {2027, month, 5, 0, 0, 0, true};
            struct str out;

            str_init(&out, 100);
            assert_int_equal(format_date(format, &day, FORMAT_LEAF_MONTH, &out, NULL), 0);
            if (utf8_length(out.data, out.len) > 6 || out.len == 0) {
                fail_msg("%s: '%s' is too wide", language_tag((enum language)lang), out.data);
            }
            str_release(&out);
        }
        format_close(format);
    }
}

static void test_a_range_that_is_none_is_its_start(void **state)
{
    struct bench *bench = *state;
    struct civil day = {2027, 5, 20, 0, 0, 0, true};

    CHECK(bench, "20. mai 2027, kell 10:00", format_range, &start, &start, FORMAT_LONG);
    CHECK(bench, "20. mai 2027, kell 16:30", format_range, &later, &start, FORMAT_LONG);
    CHECK(bench, "neljapäev, 20. mai 2027", format_range, &day, &day, FORMAT_FULL);
    CHECK(bench, "21. mai 2027", format_date_range, &next_day, &next_day, FORMAT_LONG);
    CHECK(bench, "16:30", format_time_range, &later, &start);
}

static void test_times_stay_as_they_stand_in_every_gap_of_the_clock(void **state)
{
    struct bench *bench = *state;
    /* 3:30 does not exist in Tallinn on this day, nor 2:30 in Berlin. */
    struct civil gap = {2027, 3, 28, 3, 30, 0, false};

    CHECK(bench, "28. märts 2027, kell 03:30", format_moment, &gap, FORMAT_LONG);
    gap.hour = 2;
    CHECK(bench, "28. märts 2027, kell 02:30", format_moment, &gap, FORMAT_LONG);
    gap.hour = 23;
    gap.minute = 59;
    gap.second = 59;
    CHECK(bench, "23:59", format_time, &gap);
}

static void test_the_ends_of_the_calendar_can_be_written(void **state)
{
    struct bench *bench = *state;
    struct civil first = {1900, 1, 1, 0, 0, 0, true};
    struct civil last = {2200, 12, 31, 23, 59, 0, false};

    CHECK(bench, "1. jaanuar 1900", format_date, &first, FORMAT_LONG);
    CHECK(bench, "31. detsember 2200, kell 23:59", format_moment, &last, FORMAT_LONG);
}

static void test_a_zone_without_a_city_is_its_id(void **state)
{
    struct bench *bench = *state;

    CHECK(bench, "Tallinn", format_zone_city, "Europe/Tallinn");
    CHECK(bench, "UTC", format_zone_city, "UTC");
    CHECK(bench, "Mars/Base", format_zone_city, "Mars/Base");
    CHECK(bench, "", format_zone_city, "");
}

static void test_money_is_exact(void **state)
{
    struct bench *bench = *state;

    CHECK(bench, "0\u00a0€", format_money, INT64_C(0), "EUR");
    CHECK(bench, "0,01\u00a0€", format_money, INT64_C(1), "EUR");
    CHECK(bench, "−33,50\u00a0€", format_money, INT64_C(-3350), "EUR");
    CHECK(bench, "90\u00a0071\u00a0992\u00a0547\u00a0409,93\u00a0€", format_money,
          INT64_C(9007199254740993), "EUR");
    CHECK(bench, "−92\u00a0233\u00a0720\u00a0368\u00a0547\u00a0758,08\u00a0€", format_money,
          INT64_MIN, "EUR");
    CHECK(bench, "500\u00a0€", format_money_range, INT64_C(50000), INT64_C(50000), "EUR");
    CHECK(bench, "80%", format_percent, INT64_C(8000));
    CHECK(bench, "0%", format_percent, INT64_C(0));
}

static void test_more_currencies_than_are_kept_take_turns(void **state)
{
    static const char *const codes[] = {"EUR", "CZK", "PLN", "SEK", "NOK", "DKK",
                                        "GBP", "CHF", "USD", "UAH", "ISK"};
    struct bench *bench = *state;

    for (size_t i = 0; i < 3 * sizeof(codes) / sizeof(codes[0]); i++) {
        const char *code = codes[i % (sizeof(codes) / sizeof(codes[0]))];
        assert_int_equal(format_money(bench->format, 100, code, &bench->out, &bench->err), 0);
    }
    str_reset(&bench->out);
    CHECK(bench, "1\u00a0€", format_money, INT64_C(100), "EUR");
}

static void test_lists_join_any_number_of_items(void **state)
{
    static const char *const items[] = {"Pärnu", "Rīga", "Elbląg"};
    static const char *const masks[] = {"🎭", "😀"};
    struct bench *bench = *state;

    CHECK(bench, "", format_list, items, (size_t)0);
    CHECK(bench, "Pärnu", format_list, items, (size_t)1);
    CHECK(bench, "Pärnu ja Rīga", format_list, items, (size_t)2);
    CHECK(bench, "Pärnu, Rīga ja Elbląg", format_list, items, (size_t)3);
    CHECK(bench, "🎭 ja 😀", format_list, masks, (size_t)2);
}

static void test_what_does_not_exist_is_refused(void **state)
{
    static const char *const bad[] = {"", "EU", "eur", "EURO", "E R", "€"};
    struct bench *bench = *state;
    struct format *format = NULL;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(format_money(bench->format, 100, bad[i], &bench->out, &bench->err),
                         ERR_INVALID);
        assert_string_equal(bench->out.data, "");
    }
    assert_string_equal(bench->err.msg, "'€' is not the code of a currency, such as EUR");
    assert_int_equal(format_date(bench->format, &march, FORMAT_STYLES, &bench->out, &bench->err),
                     ERR_INVALID);
    assert_int_equal(format_open(LANG_NONE, &format, &bench->err), ERR_NOT_FOUND);
    assert_null(format);
}

static void test_the_output_has_a_ceiling(void **state)
{
    struct bench *bench = *state;
    struct str small;

    str_init(&small, 4);
    assert_int_equal(format_date(bench->format, &march, FORMAT_FULL, &small, &bench->err),
                     ERR_LIMIT);
    str_release(&small);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_open, bench_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_language_writes_as_its_readers_do),
        WITH_BENCH(test_a_moment_without_a_time_is_a_date),
        cmocka_unit_test(test_a_month_fits_a_leaf_in_every_language),
        WITH_BENCH(test_a_range_that_is_none_is_its_start),
        WITH_BENCH(test_times_stay_as_they_stand_in_every_gap_of_the_clock),
        WITH_BENCH(test_the_ends_of_the_calendar_can_be_written),
        WITH_BENCH(test_a_zone_without_a_city_is_its_id),
        WITH_BENCH(test_money_is_exact),
        WITH_BENCH(test_more_currencies_than_are_kept_take_turns),
        WITH_BENCH(test_lists_join_any_number_of_items),
        WITH_BENCH(test_what_does_not_exist_is_refused),
        WITH_BENCH(test_the_output_has_a_ceiling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
