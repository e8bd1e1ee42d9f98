/* Reminders and thanks of events are due at their times, each once, and never because a
 * file was written. */
#include "schedule_site.h"

static struct schedule_site site;
static struct period reminders[] = {{.days = 7}, {.days = 1}};
static struct event_edition edition = {.title = "Foorum"};

static int setup(void **state)
{
    if (temp_database_open(state) != 0) {
        return -1;
    }
    site_init(&site);
    return 0;
}

static int teardown(void **state)
{
    site_release(&site);
    return temp_database_remove(state);
}

/* 10:00 to 12:00 in Tallinn. */
static void make_event(const char *day, const char *const *rules)
{
    const char *zone = "Europe/Tallinn";

    edition.thanks = NULL;
    site.event = (struct event){.slug = "forum",
                                .file = "events/forum.md",
                                .has_end = true,
                                .reminders = reminders,
                                .reminder_count = 2,
                                .editions = &edition,
                                .edition_count = 1,
                                .rules = rules,
                                .rule_count = rules != NULL};
    memcpy(site.event.tzid, zone, strlen(zone) + 1);
    ok(civil_parse(arena_printf(site.arena, "%s 10:00", day), &site.event.start, &err));
    ok(civil_parse(arena_printf(site.arena, "%s 12:00", day), &site.event.end, &err));
    ok(zone_to_utc(zone, &site.event.start, &site.event.start_utc, NULL, &err));
    ok(zone_to_utc(zone, &site.event.end, &site.event.end_utc, NULL, &err));
    site.events.count = 1;
}

static void test_each_reminder_comes_once_at_its_time(void **state)
{
    (void)state;
    make_event("2027-03-30", NULL);
    /* The clocks go forward two days before. */
    assert_int_equal(tick_once(&site, "2027-03-01 00:00").next_due, utc("2027-03-23 08:00"));
    assert_int_equal(tick_once(&site, "2027-03-23 07:59:59").done, 0);
    assert_int_equal(tick_once(&site, "2027-03-23 08:00").done, 1);
    assert_int_equal(tick_once(&site, "2027-03-23 08:00").done, 0);
    assert_int_equal(tick_once(&site, "2027-03-29 07:00:10").done, 1);
    assert_int_equal(tick_once(&site, "2027-03-30 07:00").next_due, INT64_MAX);
    assert_string_equal(site.fired.data,
                        "events/forum/reminder-7d 2027-03-23T10:00:00 events/forum\n"
                        "events/forum/reminder-1d 2027-03-29T10:00:00 events/forum\n");
}

static void test_a_file_that_is_written_sends_nothing_at_once(void **state)
{
    (void)state;
    make_event("2027-03-30", NULL);
    assert_int_equal(tick_once(&site, "2027-03-25 00:00").done, 0);
    /* It moves: what was due for the new date by now is not made up for. */
    make_event("2027-03-31", NULL);
    assert_int_equal(tick_once(&site, "2027-03-25 00:00").done, 0);
    assert_int_equal(tick_once(&site, "2027-03-29 08:00").done, 0);
    assert_int_equal(tick_once(&site, "2027-03-30 08:00").done, 1);
    assert_string_equal(site_rows(&site), "events/forum/reminder-1d 2027-03-30T10:00:00 done\n");
}

static void test_a_reminder_is_made_up_for_until_the_next_one(void **state)
{
    (void)state;
    make_event("2027-03-30", NULL);
    tick_once(&site, "2027-03-01 00:00");
    assert_int_equal(tick_once(&site, "2027-03-28 08:00").done, 1);
    assert_int_equal(tick_once(&site, "2027-03-30 08:00").done, 0);
    assert_string_equal(
        site_rows(&site),
        "events/forum/reminder-7d 2027-03-23T10:00:00 done\n"
        "events/forum/reminder-1d 2027-03-29T10:00:00 skipped: too late: 25 h after its time, "
        "1 day is the most\n");
}

static void test_of_two_that_were_missed_the_later_goes(void **state)
{
    (void)state;
    make_event("2027-03-30", NULL);
    tick_once(&site, "2027-03-01 00:00");
    assert_int_equal(tick_once(&site, "2027-03-29 12:00").done, 1);
    assert_string_equal(
        site_rows(&site),
        "events/forum/reminder-7d 2027-03-23T10:00:00 skipped: too late: 148 h after its time, "
        "6 days is the most\n"
        "events/forum/reminder-1d 2027-03-29T10:00:00 done\n");
}

static void test_every_occurrence_of_a_series_has_its_own(void **state)
{
    static const char *const rules[] = {"FREQ=DAILY;COUNT=3"};

    (void)state;
    make_event("2027-04-10", rules);
    site.event.reminders = &reminders[1];
    site.event.reminder_count = 1;
    tick_once(&site, "2027-04-01 00:00");
    assert_int_equal(tick_once(&site, "2027-04-09 07:00").done, 1);
    /* Off for two days: two were missed, and one of those has begun. */
    assert_int_equal(tick_once(&site, "2027-04-11 07:30").done, 1);
    assert_string_equal(
        site.fired.data,
        "events/forum/reminder-1d 2027-04-09T10:00:00 events/forum/20270410T100000\n"
        "events/forum/reminder-1d 2027-04-11T10:00:00 events/forum/20270412T100000\n");
    assert_int_equal(tick_once(&site, "2027-04-12 12:00").next_due, INT64_MAX);
}

static void test_an_occurrence_that_does_not_take_place_has_none(void **state)
{
    static const char *const rules[] = {"FREQ=DAILY;COUNT=3"};
    static const struct event_override_text texts[2];
    struct event_override overrides[2] = {{.cancelled = true}, {.moved = true}};

    (void)state;
    make_event("2027-04-10", rules);
    site.event.reminders = &reminders[1];
    site.event.reminder_count = 1;
    ok(civil_parse("2027-04-11 10:00", &overrides[0].original, &err));
    overrides[0].start = overrides[0].end = overrides[0].original;
    ok(civil_parse("2027-04-12 10:00", &overrides[1].original, &err));
    ok(civil_parse("2027-04-20 18:00", &overrides[1].start, &err));
    ok(civil_parse("2027-04-20 19:00", &overrides[1].end, &err));
    site.event.overrides = overrides;
    site.event.override_count = 2;
    edition.overrides = texts;
    tick_once(&site, "2027-04-01 00:00");
    for (int day = 9; day <= 20; day++) {
        tick_once(&site, arena_printf(site.arena, "2027-04-%02d 16:00", day));
    }
    assert_string_equal(
        site.fired.data,
        "events/forum/reminder-1d 2027-04-09T10:00:00 events/forum/20270410T100000\n"
        "events/forum/reminder-1d 2027-04-19T18:00:00 events/forum/20270412T100000\n");
}

static void test_a_reminder_of_an_event_that_is_put_off_is_not_sent(void **state)
{
    (void)state;
    make_event("2027-03-30", NULL);
    tick_once(&site, "2027-03-01 00:00");
    site.fail_with = ERR_IO;
    site.fail_times = 1;
    assert_int_equal(tick_once(&site, "2027-03-23 08:00").retried, 1);
    make_event("2027-05-30", NULL);
    assert_int_equal(tick_once(&site, "2027-03-23 08:05").skipped, 1);
    site.event.status = EVENT_CANCELLED;
    assert_int_equal(tick_once(&site, "2027-03-23 08:06").next_due, INT64_MAX);
    assert_string_equal(site_rows(&site), "events/forum/reminder-7d 2027-03-23T10:00:00 skipped: "
                                          "the site plans this for another time now\n");
}

static void test_thanks_go_the_morning_after_once_whoever_sends_them(void **state)
{
    (void)state;
    make_event("2027-03-27", NULL);
    site.event.reminder_count = 0;
    edition.thanks = (const struct markdown *)&edition; /* that there are some is all it asks */
    assert_int_equal(tick_once(&site, "2027-03-01 00:00").next_due, utc("2027-03-28 07:00"));
    assert_int_equal(tick_once(&site, "2027-03-28 07:00").done, 1);
    assert_string_equal(site.fired.data, "events/forum/thanks 2027-03-28T10:00:00 events/forum\n");
    make_event("2027-04-20", NULL);
    site.event.reminder_count = 0;
    edition.thanks = (const struct markdown *)&edition;
    tick_once(&site, "2027-04-01 00:00");
    assert_int_equal(tick_once(&site, "2027-04-21 07:00").done, 0);
}

static void test_what_was_made_before_a_crash_counts(void **state)
{
    (void)state;
    make_event("2027-03-30", NULL);
    tick_once(&site, "2027-03-01 00:00");
    site.fail_with = ERR_EXISTS;
    site.fail_times = 1;
    site.dies_after = true;
    assert_int_equal(tick_once(&site, "2027-03-23 08:00").done, 1);
    assert_string_equal(site_rows(&site),
                        "events/forum/reminder-7d 2027-03-23T10:00:00 done: it was made before\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_reminder_comes_once_at_its_time),
        TEST(test_a_file_that_is_written_sends_nothing_at_once),
        TEST(test_a_reminder_is_made_up_for_until_the_next_one),
        TEST(test_of_two_that_were_missed_the_later_goes),
        TEST(test_every_occurrence_of_a_series_has_its_own),
        TEST(test_an_occurrence_that_does_not_take_place_has_none),
        TEST(test_a_reminder_of_an_event_that_is_put_off_is_not_sent),
        TEST(test_thanks_go_the_morning_after_once_whoever_sends_them),
        TEST(test_what_was_made_before_a_crash_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
