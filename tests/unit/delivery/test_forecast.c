/* When letters will be out, at the limits and the pace of one relay and of several. */
#include "support/outbox_case.h"

#include <stdio.h>

#include "teataja/delivery/forecast.h"
#include "teataja/delivery/mailing.h"

#define SECONDS(n) ((int64_t)(n)*CLOCK_SECOND)

static struct site_limit a_minute[] = {{.rate = {.count = 30, .micros = CLOCK_MINUTE}}};
static struct site_limit an_hour[] = {
    {.rate = {.count = 300, .micros = CLOCK_HOUR}, .reserve = 60}};
static struct site_limit both[] = {
    {.rate = {.count = 30, .micros = CLOCK_MINUTE}},
    {.rate = {.count = 300, .micros = CLOCK_HOUR}, .reserve = 60},
};

static const struct site_relay free_relay = {.name = "free"};
static const struct site_relay paced = {.name = "paced",
                                        .rate = {.count = 20, .micros = CLOCK_SECOND}};
static const struct site_relay minutes = {.name = "first", .limits = a_minute, .limit_count = 1};
static const struct site_relay hours = {.name = "second", .limits = an_hour, .limit_count = 1};
static const struct site_relay twice = {.name = "first", .limits = both, .limit_count = 2};

/* Seconds after `from`, at most `more` late. */
static void assert_at(int64_t at, int64_t from, int64_t seconds, int64_t more)
{
    assert_in_range((at - from) / CLOCK_SECOND, seconds, seconds + more);
}

static void test_one_mailing_waits_for_its_limits_and_takes_turns(void **state)
{
    const struct {
        const char *before;
        const struct site_relay *relays[2];
        int64_t rows;
        int64_t at_once;
        int64_t rest; /* seconds, at least; 0: none */
        int64_t last;
        int64_t more; /* seconds that either may take more */
    } cases[] = {
        {NULL, {&free_relay}, 1000000, 1000000, 0, 0, 0},
        {NULL, {&free_relay}, 0, 0, 0, 0, 0},
        {NULL, {&paced}, 1000, 1000, 0, 50, 0},
        {NULL, {&minutes}, 30, 30, 0, 0, 0},
        {NULL, {&minutes}, 31, 30, 60, 60, 1},
        {NULL, {&minutes}, 300, 30, 60, 540, 10},
        {NULL, {&twice}, 240, 30, 60, 420, 8},
        {NULL, {&twice}, 1000, 30, 60, 4 * 3600, 300},
        /* The second takes what the first one leaves, and gives way again. */
        {NULL, {&minutes, &hours}, 270, 270, 0, 0, 0},
        {NULL, {&minutes, &hours}, 300, 270, 60, 60, 1},
        {NULL, {&minutes, &free_relay}, 300, 300, 0, 0, 0},
        {NULL, {&hours, &minutes}, 330, 270, 60, 120, 2},
        {NULL, {&paced, &free_relay}, 1000, 1000, 0, 50, 0},
        /* What a relay took or holds counts, and one that is parked takes nothing. */
        {"INSERT INTO relay_use VALUES ('first', 60000000, 1700000000000000 / 250000 - 120, 20)",
         {&minutes},
         20,
         10,
         30,
         30,
         1},
        {"INSERT INTO relay_use VALUES ('first', 60000000, 1700000000000000 / 250000 - 120, 20)",
         {&minutes, &hours},
         260,
         250,
         30,
         30,
         1},
        {"INSERT INTO worker (id, boot, pid, started, relay, held) VALUES (7, 'b', 1, 0, 'first', "
         "25)",
         {&minutes},
         30,
         5,
         60,
         60,
         1},
        {"INSERT INTO relay_state VALUES ('first', 3, 1700000000000000 + 600000000, 'away', 0)",
         {&minutes, &hours},
         300,
         240,
         600,
         660,
         1},
        {"INSERT INTO relay_state VALUES ('first', 3, 1700000000000000 + 600000000, 'away', 0)",
         {&minutes},
         10,
         0,
         600,
         600,
         0},
    };

    (void)state;
    must("DELETE FROM outbox");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct site_relay relays[2] = {*cases[i].relays[0]};
        size_t count = cases[i].relays[1] != NULL ? 2 : 1;
        struct forecast_job job = {.rows = cases[i].rows, .priority = MAILING_LETTER};

        if (count == 2) {
            relays[1] = *cases[i].relays[1];
        }
        must("DELETE FROM relay_use");
        must("DELETE FROM relay_state");
        must("DELETE FROM worker");
        if (cases[i].before != NULL) {
            must(cases[i].before);
        }
        ok(relay_forecast(site.db, relays, count, NOW, true, &job, 1, &err));
        assert_int_equal(job.at_once, cases[i].at_once);
        if (cases[i].rest == 0) {
            assert_int_equal(job.rest_at, 0);
        } else {
            assert_at(job.rest_at, NOW, cases[i].rest, cases[i].more);
        }
        assert_at(job.last_at, NOW, cases[i].last, cases[i].more);
        assert_int_equal(job.ahead, 0);
    }
}

static void test_what_is_more_urgent_goes_first_in_the_middle_of_a_letter(void **state)
{
    struct forecast_job jobs[] = {
        {.rows = 100, .priority = MAILING_LETTER},
        {.rows = 30, .priority = MAILING_CANCELLATION, .due = NOW + SECONDS(90)},
        {.rows = 30, .priority = MAILING_LETTER, .due = NOW + CLOCK_HOUR},
    };

    (void)state;
    must("DELETE FROM outbox");
    ok(relay_forecast(site.db, &minutes, 1, NOW, true, jobs, 3, &err));
    assert_int_equal(jobs[0].at_once, 30);
    assert_at(jobs[0].rest_at, NOW, 60, 1);
    assert_at(jobs[0].last_at, NOW, 240, 4);
    assert_int_equal(jobs[0].ahead, 30);
    assert_int_equal(jobs[1].at_once, 0);
    assert_at(jobs[1].last_at, NOW, 120, 2);
    assert_int_equal(jobs[1].ahead, 0);
    assert_int_equal(jobs[2].at_once, 30);
    assert_int_equal(jobs[2].last_at, NOW + CLOCK_HOUR);
    assert_int_equal(jobs[2].rest_at, 0);
}

static void test_what_is_queued_goes_before(void **state)
{
    static const struct {
        int64_t priority;
        int64_t mailing;
        bool others;
        const char *mailing_state;
        int64_t ahead;
        int64_t at_once;
    } cases[] = {
        {MAILING_LETTER, 0, true, "queued", 8, 22},
        {MAILING_LETTER, 0, true, "paused", 0, 30},
        {MAILING_LETTER, 0, false, "queued", 0, 30},
        {MAILING_LETTER, 1, true, "sending", 0, 30},
        {MAILING_CANCELLATION, 0, true, "sending", 0, 30},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct forecast_job job = {
            .rows = 31, .priority = cases[i].priority, .mailing = cases[i].mailing};
        char sql[100];

        snprintf(sql, sizeof(sql), "UPDATE mailing SET priority = 4, state = '%s'",
                 cases[i].mailing_state);
        must(sql);
        ok(relay_forecast(site.db, &minutes, 1, NOW, cases[i].others, &job, 1, &err));
        assert_int_equal(job.ahead, cases[i].ahead);
        assert_int_equal(job.at_once, cases[i].at_once);
        assert_at(job.last_at, NOW, 60, 1);
    }
}

static void test_what_was_put_off_goes_when_it_may(void **state)
{
    struct forecast_job job = {.rows = 30, .priority = MAILING_LETTER};
    char sql[160];

    (void)state;
    snprintf(sql, sizeof(sql), "UPDATE outbox SET state = 'deferred', next_at = %lld",
             (long long)(NOW + SECONDS(600)));
    must(sql);
    ok(relay_forecast(site.db, &minutes, 1, NOW, true, &job, 1, &err));
    assert_int_equal(job.ahead, 0);
    assert_int_equal(job.at_once, 30);
    must("UPDATE outbox SET next_at = 0");
    ok(relay_forecast(site.db, &minutes, 1, NOW, true, &job, 1, &err));
    assert_int_equal(job.ahead, 8);
}

static void test_a_site_without_relays_has_no_forecast(void **state)
{
    struct forecast_job job = {.rows = 5, .due = NOW + CLOCK_DAY};

    (void)state;
    ok(relay_forecast(site.db, NULL, 0, NOW, true, &job, 1, &err));
    assert_int_equal(job.last_at, NOW + CLOCK_DAY);
}

/* However many wait, and however the windows lie. */
static void test_a_long_forecast_ends_soon(void **state)
{
    static const struct site_relay slow = {.name = "first",
                                           .rate = {.count = 14, .micros = CLOCK_SECOND},
                                           .limits = both,
                                           .limit_count = 2};
    struct forecast_job jobs[300];
    int64_t begun = clock_ticks();

    (void)state;
    for (size_t i = 0; i < 300; i++) {
        jobs[i] = (struct forecast_job){
            .rows = 3000, .priority = MAILING_LETTER, .due = NOW + (int64_t)i * CLOCK_HOUR};
    }
    ok(relay_forecast(site.db, &slow, 1, NOW, true, jobs, 300, &err));
    assert_at(jobs[299].last_at, NOW, 900000 / 240 * 3600 - 3600, 60000);
    assert_in_range(clock_ticks() - begun, 0, INT64_C(20000000000));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, outbox_case_open, outbox_case_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_mailing_waits_for_its_limits_and_takes_turns),
        TEST(test_what_is_more_urgent_goes_first_in_the_middle_of_a_letter),
        TEST(test_what_is_queued_goes_before),
        TEST(test_what_was_put_off_goes_when_it_may),
        TEST(test_a_site_without_relays_has_no_forecast),
        TEST(test_a_long_forecast_ends_soon),
    };

    return cmocka_run_group_tests(tests, outbox_case_make_base, outbox_case_remove_base);
}
