/* When those who were invited hear of an event again: by the clock on the wall. */
#include "teataja/events/reminder.h"

#include "teataja/base/clock.h"
#include "teataja/base/str.h"
#include "unit/events/events_site.h"

static int64_t utc(const char *text)
{
    struct civil civil;

    assert_int_equal(civil_parse(text, &civil, NULL), 0);
    return civil_to_utc(&civil);
}

static const char *shown(struct site_folder *f, const struct reminder_time *time)
{
    char local[CIVIL_TEXT];
    char instant[28];

    civil_format(&time->local, local);
    civil_format_instant(time->at, instant);
    return arena_printf(f->arena, "%s %.16sZ", local, instant);
}

static const struct {
    const char *text; /* front matter behind the title */
    const char *expected;
} reminders[] = {
    {"start: 2027-05-20 10:00\nreminders: 1 day before\n",
     "1d 2027-05-19T10:00:00 2027-05-19T07:00Z"},
    /* The same hour of the clock, whose hand is moved on 28 March and on 31 October. */
    {"start: 2027-03-28 10:00\nreminders: 1 day before\n",
     "1d 2027-03-27T10:00:00 2027-03-27T08:00Z"},
    {"start: 2027-03-28 10:00\nreminders: 24 hours before\n",
     "24h 2027-03-27T09:00:00 2027-03-27T07:00Z"},
    {"start: 2027-11-01 10:00\nreminders: 7 days before\n",
     "7d 2027-10-25T10:00:00 2027-10-25T07:00Z"},
    {"start: 2027-10-31 10:00\nreminders: PT12H\n", "12h 2027-10-30T23:00:00 2027-10-30T20:00Z"},
    /* An hour that is skipped: right behind the gap. */
    {"start: 2027-03-29 03:30\nreminders: 1 day before\n",
     "1d 2027-03-28T03:30:00 2027-03-28T01:30Z"},
    /* One that comes twice: the first. */
    {"start: 2027-11-01 03:30\nreminders: 1 day before\n",
     "1d 2027-10-31T03:30:00 2027-10-31T00:30Z"},
    {"start: 2027-05-20 10:00 Europe/Warsaw\nreminders: 90 min before\n",
     "90m 2027-05-20T08:30:00 2027-05-20T06:30Z"},
    /* Whole days: not at midnight. */
    {"start: 2027-06-07\nend: 2027-06-10\nreminders: 2 days before\n",
     "2d 2027-06-05T09:00:00 2027-06-05T06:00Z"},
};

static void test_a_reminder_comes_at_the_hour_of_the_event(void **state)
{
    struct site_folder *f = *state;

    for (size_t i = 0; i < sizeof(reminders) / sizeof(reminders[0]); i++) {
        const struct event *event = events_site_only(
            f, "events/x.md", arena_printf(f->arena, "title: T\n%s", reminders[i].text));
        struct occurrence next;
        struct reminder_time time;
        char name[REMINDER_NAME];

        assert_int_equal(
            event_next(event, utc("2027-01-01"), utc("2028-01-01"), f->arena, &next, NULL), 1);
        assert_int_equal(reminder_time(&next, &event->reminders[0], &time, NULL), 0);
        reminder_name(&event->reminders[0], name);
        assert_string_equal(arena_printf(f->arena, "%s %s", name, shown(f, &time)),
                            reminders[i].expected);
    }
}

static void test_a_reminder_may_be_late_until_the_next_one(void **state)
{
    const struct event *event = events_site_only(
        *state, "events/x.md",
        "title: T\nstart: 2027-05-20 10:00\nreminders: [7 days, 1 day, 24 h, 3 days]\n");

    assert_int_equal(event->reminder_count, 4);
    assert_int_equal(reminder_patience(event, 0), 4 * CLOCK_DAY);
    assert_int_equal(reminder_patience(event, 1), CLOCK_DAY);
    assert_int_equal(reminder_patience(event, 2), 0);
    assert_int_equal(reminder_patience(event, 3), 2 * CLOCK_DAY);
}

static const struct {
    const char *text;
    const char *expected; /* NULL: no last one */
} thanks[] = {
    {"start: 2027-05-20 10:00\nend: 2027-05-21 16:00\n", "2027-05-22T10:00:00 2027-05-22T07:00Z"},
    {"start: 2027-05-20 10:00\n", "2027-05-21T10:00:00 2027-05-21T07:00Z"},
    {"start: 2027-06-07\nend: 2027-06-10\n", "2027-06-11T10:00:00 2027-06-11T07:00Z"},
    /* The morning after the clocks went forward. */
    {"start: 2027-03-27 10:00\nend: 2027-03-27 16:00\n", "2027-03-28T10:00:00 2027-03-28T07:00Z"},
    {"start: 2027-05-20 10:00\nend: 2027-05-20 16:00\nthanks_after: 3 days\n",
     "2027-05-23T16:00:00 2027-05-23T13:00Z"},
    {"start: 2027-05-20 10:00\nend: 2027-05-20 16:00\nthanks_after: 2 h\n",
     "2027-05-20T18:00:00 2027-05-20T15:00Z"},
    {"start: 2027-05-20 10:00\nend: 2027-05-20 16:00\nthanks_after: 0\n",
     "2027-05-20T16:00:00 2027-05-20T13:00Z"},
    {"start: 2027-06-07\nend: 2027-06-10\nthanks_after: 12 h\n",
     "2027-06-11T12:00:00 2027-06-11T09:00Z"},
    /* A series: after the last one that takes place. */
    {"start: 2027-01-05 10:00\nend: 2027-01-05 12:00\nrrule: FREQ=WEEKLY;COUNT=3\n",
     "2027-01-20T10:00:00 2027-01-20T08:00Z"},
    {"start: 2027-01-05 10:00\nend: 2027-01-05 12:00\nrrule: FREQ=WEEKLY;UNTIL=20270119T100000\n"
     "exdate: 2027-01-19\n",
     "2027-01-13T10:00:00 2027-01-13T08:00Z"},
    {"start: 2027-01-05 10:00\nrrule: FREQ=WEEKLY\n", NULL},
    {"start: 2027-01-05 10:00\nstatus: cancelled\n", NULL},
};

static void test_thanks_come_the_morning_after_the_last_day(void **state)
{
    struct site_folder *f = *state;

    for (size_t i = 0; i < sizeof(thanks) / sizeof(thanks[0]); i++) {
        const struct event *event = events_site_only(
            f, "events/x.md", arena_printf(f->arena, "title: T\n%s", thanks[i].text));
        struct occurrence last;
        struct reminder_time time;
        int rc = event_last(event, f->arena, &last, NULL);

        assert_int_equal(rc, thanks[i].expected != NULL);
        if (rc == 1) {
            assert_int_equal(thanks_time(&last, &time, NULL), 0);
            assert_string_equal(shown(f, &time), thanks[i].expected);
        }
    }
}

static void test_words_of_a_file_are_markdown_at_their_place(void **state)
{
    struct site_folder *f = *state;
    struct config config;
    struct events events;
    struct err err = {0};

    site_folder_write(f, "events/x.md",
                      "title: T\nstart: 2027-05-20 10:00\nreminder: |\n  Tulge!\n\n"
                      "  <b>Buss</b> läheb kell 9.\nthanks: \"[Slaidid](javascript:x)\"\n");
    assert_int_equal(events_site_load(f, &config, &events, &err), ERR_INVALID);
    site_folder_expect(f,
                       "events/x.md:6:1: HTML is not allowed here: '<b>'\n"
                       "events/x.md:6:8: HTML is not allowed here: '</b>'\n"
                       "events/x.md:7:11: link 'javascript:x' is not http, https, mailto or tel\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, site_folder_set_up, site_folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_reminder_comes_at_the_hour_of_the_event),
        TEST(test_a_reminder_may_be_late_until_the_next_one),
        TEST(test_thanks_come_the_morning_after_the_last_day),
        TEST(test_words_of_a_file_are_markdown_at_their_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
