/* What is due is done once: rows, retries, missed runs, crashes, clocks. */
#include "schedule_site.h"

static struct schedule_site site;

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

static void test_a_newsletter_sends_one_waiting_issue_at_each_time(void **state)
{
    const struct newsletter *funding = site_newsletter(&site, "funding", "first Monday 09:00");

    (void)state;
    site_issue(&site, "a", funding);
    site_issue(&site, "b", funding);
    tick_once(&site, "2026-12-01 00:00");
    assert_int_equal(tick_once(&site, "2026-12-07 06:59:59").done, 0);
    assert_int_equal(tick_once(&site, "2026-12-07 07:00").done, 1);
    assert_int_equal(tick_once(&site, "2026-12-07 07:00").done, 0);
    assert_int_equal(tick_once(&site, "2026-12-20 07:00").done, 0);
    assert_int_equal(tick_once(&site, "2027-01-04 07:00:30").done, 1);
    assert_int_equal(tick_once(&site, "2027-02-01 08:00").skipped, 1);
    assert_string_equal(site.fired.data, "newsletters/funding 2026-12-07T09:00:00 issues/a\n"
                                         "newsletters/funding 2027-01-04T09:00:00 issues/b\n");
    assert_string_equal(
        site_rows(&site),
        "newsletters/funding 2026-12-07T09:00:00 done\n"
        "newsletters/funding 2027-01-04T09:00:00 done\n"
        "newsletters/funding 2027-02-01T09:00:00 skipped: no issue of it says 'send: next'\n");
    assert_int_equal(number("SELECT count(*) FROM schedule_run WHERE cause = 'empty'"), 1);
    assert_int_equal(number("SELECT count(*) FROM schedule_run WHERE cause <> ''"), 1);
}

/* Says that the file of something is wrong, or that all are right again. */
static void leave_out(const char *kind, const char *slug)
{
    site.config.left.count = 0;
    if (slug != NULL) {
        ok(left_out_add(site.arena, &site.config.left, kind, slug, "x.md:1:1: bad", &err));
    }
}

static void test_no_other_issue_goes_in_place_of_one_that_is_wrong(void **state)
{
    const struct newsletter *funding = site_newsletter(&site, "funding", "first Monday 09:00");
    struct issue wrong = {.newsletter_slug = "funding", .send_next = true, .item.slug = "a"};

    (void)state;
    site_issue(&site, "b", funding);
    site_newsletter(&site, "other", "first Monday 09:00");
    tick_once(&site, "2026-12-01 00:00");
    site.content.left_issues = &wrong;
    site.content.left_issue_count = 1;
    leave_out("issues", "a");
    assert_int_equal(tick_once(&site, "2026-12-07 07:00").retried, 1);
    assert_int_equal(tick_once(&site, "2026-12-07 07:01").done, 0);
    assert_int_equal(number("SELECT sum(attempts) FROM schedule_run"), 0);
    /* Nobody can tell whose one is that cannot be read at all. */
    site.content.left_issue_count = 0;
    assert_int_equal(tick_once(&site, "2026-12-07 07:02").done, 1);
    assert_string_equal(site.fired.data, "newsletters/funding 2026-12-07T09:00:00 issues/b\n");
    assert_int_equal(tick_once(&site, "2027-01-04 07:00").retried, 2);
    leave_out("issues", NULL);
    assert_int_equal(tick_once(&site, "2027-01-04 07:02").skipped, 2);
}

static void test_a_run_waits_for_its_file(void **state)
{
    const struct newsletter *funding = site_newsletter(&site, "funding", NULL);

    (void)state;
    site_issue_at(&site, "a", funding, "2026-12-07 09:00");
    site.fail_with = ERR_IO;
    site.fail_times = 1;
    assert_int_equal(tick_once(&site, "2026-12-07 07:00").retried, 1);
    leave_out("issues", "a");
    site.content.issue_count = 0;
    assert_int_equal(tick_once(&site, "2026-12-07 07:01").retried, 1);
    assert_int_equal(tick_once(&site, "2026-12-07 12:00").skipped, 0);
    leave_out("issues", NULL);
    site.content.issue_count = 1;
    assert_int_equal(tick_once(&site, "2026-12-07 12:01").done, 1);
    assert_string_equal(site.fired.data, "issues/a 2026-12-07T09:00:00 issues/a\n");
}

static void test_the_next_tick_is_told(void **state)
{
    const struct newsletter *funding = site_newsletter(&site, "funding", "first Monday 09:00");

    (void)state;
    assert_int_equal(tick_once(&site, "2026-12-01 00:00").next_due, utc("2026-12-07 07:00"));
    site_issue_at(&site, "soon", funding, "2026-12-02 09:00");
    assert_int_equal(tick_once(&site, "2026-12-01 00:00").next_due, utc("2026-12-02 07:00"));
    site.config.newsletter_count = 0;
    site.content.issue_count = 0;
    assert_int_equal(tick_once(&site, "2026-12-01 00:00").next_due, INT64_MAX);
}

static void test_what_lies_before_a_schedule_was_seen_was_not_missed(void **state)
{
    const struct newsletter *daily = site_newsletter(&site, "daily", "day 09:00");

    (void)state;
    site_issue(&site, "a", daily);
    tick_once(&site, "2026-12-07 08:00");
    assert_string_equal(site_rows(&site), "");
    /* An edited one begins anew, too: 10:30 was seen at 12:00 only. */
    site.schedules[0].every = "day 10:30";
    tick_once(&site, "2026-12-07 10:00");
    assert_string_equal(site_rows(&site), "");
    tick_once(&site, "2026-12-08 08:30");
    assert_string_equal(site.fired.data, "newsletters/daily 2026-12-08T10:30:00 issues/a\n");
}

static void test_an_issue_goes_out_at_its_own_time(void **state)
{
    const struct newsletter *plain = site_newsletter(&site, "plain", NULL);

    (void)state;
    site_issue_at(&site, "2026-12", plain, "2026-12-01 09:00");
    site_issue_at(&site, "by-hand", plain, "2026-12-01 09:00");
    make_mailing(db, "letter", "issues/by-hand");
    assert_int_equal(tick_once(&site, "2026-12-01 06:59").done, 0);
    assert_int_equal(tick_once(&site, "2026-12-01 07:00").done, 1);
    assert_int_equal(tick_once(&site, "2026-12-01 07:01").done, 0);
    assert_string_equal(site.fired.data, "issues/2026-12 2026-12-01T09:00:00 issues/2026-12\n");
    assert_string_equal(site_rows(&site), "issues/2026-12 2026-12-01T09:00:00 done\n");
}

static void test_invitations_go_out_before_the_event(void **state)
{
    (void)state;
    site.event = (struct event){.slug = "forum",
                                .tzid = "Europe/Tallinn",
                                .has_invite_before = true,
                                .invite_before = {.days = 21}};
    ok(civil_parse("2027-04-10 10:00", &site.event.start, &err));
    site.event.start_utc = utc("2027-04-10 07:00");
    site.events.count = 1;
    /* Three weeks before, by the clock on the wall: it is winter there. */
    assert_int_equal(tick_once(&site, "2027-03-20 07:59").done, 0);
    assert_int_equal(tick_once(&site, "2027-03-20 08:00").done, 1);
    assert_string_equal(site.fired.data, "events/forum 2027-03-20T10:00:00 events/forum\n");
    site.event.status = EVENT_CANCELLED;
    assert_int_equal(tick_once(&site, "2027-03-20 09:00").next_due, INT64_MAX);
}

static void test_after_downtime_the_latest_run_is_made_up_for(void **state)
{
    const struct newsletter *daily = site_newsletter(&site, "daily", "weekday 09:00");

    (void)state;
    for (int i = 0; i < 10; i++) {
        site_issue(&site, arena_printf(site.arena, "i%d", i), daily);
    }
    tick_once(&site, "2026-12-01 07:00");
    /* Off from Tuesday noon to Friday 20:00. */
    assert_int_equal(tick_once(&site, "2026-12-04 18:00").done, 1);
    assert_string_equal(
        site_rows(&site),
        "newsletters/daily 2026-12-01T09:00:00 done\n"
        "newsletters/daily 2026-12-02T09:00:00 skipped: missed: nobody was there before the next "
        "one came\n"
        "newsletters/daily 2026-12-03T09:00:00 skipped: missed: nobody was there before the next "
        "one came\n"
        "newsletters/daily 2026-12-04T09:00:00 done\n");
}

static void test_what_is_too_late_is_not_sent_and_told(void **state)
{
    struct newsletter *funding = site_newsletter(&site, "funding", "first Monday 09:00");

    (void)state;
    site_issue(&site, "a", funding);
    site_issue_at(&site, "old", funding, "2026-12-05 09:00");
    tick_once(&site, "2026-12-01 00:00");
    assert_int_equal(tick_once(&site, "2026-12-08 07:00:01").skipped, 2);
    assert_string_equal(
        site_rows(&site),
        "issues/old 2026-12-05T09:00:00 skipped: too late: 72 h after its time, 1 day is the most\n"
        "newsletters/funding 2026-12-07T09:00:00 skipped: too late: 24 h after its time, 1 day is "
        "the most\n");
    assert_int_equal(number("SELECT count(*) FROM schedule_run WHERE cause = 'late'"), 2);
    funding->too_late_after = 2 * CLOCK_DAY;
    assert_int_equal(tick_once(&site, "2027-01-06 06:59").done, 1);
}

static void test_a_failure_is_tried_again_with_growing_pauses(void **state)
{
    const struct newsletter *funding = site_newsletter(&site, "funding", "first Monday 09:00");
    static const int minutes[] = {0, 1, 6, 21, 81, 261};
    struct schedule_tick tick;

    (void)state;
    site_issue(&site, "a", funding);
    tick_once(&site, "2026-12-01 00:00");
    site.fail_with = ERR_IO;
    site.fail_times = 100;
    for (size_t i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++) {
        int64_t at = utc("2026-12-07 07:00") + minutes[i] * CLOCK_MINUTE;
        struct schedule *schedule = site_open(&site, db);

        tick = tick_at(schedule, at - 1);
        assert_int_equal(tick.retried + tick.failed, 0);
        tick = tick_at(schedule, at);
        assert_int_equal(tick.retried, i + 1 < SCHEDULE_ATTEMPTS);
        assert_int_equal(tick.failed, i + 1 == SCHEDULE_ATTEMPTS);
        if (i + 1 < SCHEDULE_ATTEMPTS) {
            assert_int_equal(tick.next_due,
                             utc("2026-12-07 07:00") + minutes[i + 1] * CLOCK_MINUTE);
        }
        schedule_close(schedule);
    }
    assert_string_equal(site_rows(&site),
                        "newsletters/funding 2026-12-07T09:00:00 failed: trouble 6\n");
    /* The issue was not lost: it goes out the next time. */
    site.fail_times = 1;
    assert_int_equal(tick_once(&site, "2027-01-04 07:00").retried, 1);
    assert_int_equal(tick_once(&site, "2027-01-04 07:01").done, 1);
    assert_string_equal(site.fired.data, "newsletters/funding 2027-01-04T09:00:00 issues/a\n");
}

static void test_nothing_to_do_is_no_failure(void **state)
{
    const struct newsletter *plain = site_newsletter(&site, "plain", NULL);

    (void)state;
    site_issue_at(&site, "a", plain, "2026-12-01 09:00");
    site.fail_with = ERR_STATE;
    site.fail_times = 1;
    assert_int_equal(tick_once(&site, "2026-12-01 07:00").skipped, 1);
    assert_int_equal(tick_once(&site, "2026-12-01 07:10").done, 0);
    assert_string_equal(site_rows(&site), "issues/a 2026-12-01T09:00:00 skipped: trouble 1\n");
}

static void test_a_later_occurrence_ends_the_attempts_of_an_earlier(void **state)
{
    const struct newsletter *daily = site_newsletter(&site, "daily", "day 09:00");

    (void)state;
    site_issue(&site, "a", daily);
    tick_once(&site, "2026-12-01 00:00");
    site.fail_with = ERR_IO;
    site.fail_times = 1;
    tick_once(&site, "2026-12-01 07:00");
    assert_int_equal(tick_once(&site, "2026-12-02 07:00").done, 1);
    assert_string_equal(site_rows(&site),
                        "newsletters/daily 2026-12-01T09:00:00 skipped: overtaken: the next one "
                        "came before it succeeded\n"
                        "newsletters/daily 2026-12-02T09:00:00 done\n");
}

static void test_an_edit_of_the_time_takes_effect_while_it_is_retried(void **state)
{
    const struct newsletter *plain = site_newsletter(&site, "plain", NULL);
    struct issue *issue = site_issue_at(&site, "a", plain, "2026-12-01 09:00");

    (void)state;
    site.fail_with = ERR_INVALID;
    site.fail_times = 1;
    tick_once(&site, "2026-12-01 07:00");
    ok(civil_parse("2026-12-03 09:00", &issue->send_local, &err));
    issue->send_at = utc("2026-12-03 07:00");
    assert_int_equal(tick_once(&site, "2026-12-01 07:01").skipped, 1);
    assert_int_equal(tick_once(&site, "2026-12-03 07:00").done, 1);
    issue->has_send = false;
    assert_string_equal(site_rows(&site),
                        "issues/a 2026-12-01T09:00:00 skipped: the site plans this for another "
                        "time now\n"
                        "issues/a 2026-12-03T09:00:00 done\n");
}

static void test_what_a_dead_scheduler_left_is_done_and_not_twice(void **state)
{
    const struct newsletter *funding = site_newsletter(&site, "funding", "first Monday 09:00");

    (void)state;
    site_issue(&site, "a", funding);
    site_issue(&site, "b", funding);
    tick_once(&site, "2026-12-01 00:00");
    /* The mailing was made; the scheduler died before it could say so. */
    site.fail_with = ERR_IO;
    site.fail_times = 1;
    site.dies_after = true;
    tick_once(&site, "2026-12-07 07:00");
    run_text("UPDATE schedule_run SET state = 'running'");
    site.fail_with = ERR_EXISTS;
    site.fail_times = 1;
    site.dies_after = false;
    assert_int_equal(tick_once(&site, "2026-12-07 07:00:01").done, 1);
    assert_string_equal(site_rows(&site),
                        "newsletters/funding 2026-12-07T09:00:00 done: it was made before\n");
    assert_int_equal(number("SELECT mailing IS NOT NULL FROM schedule_run"), 1);
    assert_int_equal(number("SELECT target = 'issues/a' FROM schedule_run"), 1);
    assert_string_equal(site.fired.data, ""); /* 'b' waits for January */
}

static void test_a_run_that_kills_its_scheduler_is_given_up(void **state)
{
    const struct newsletter *plain = site_newsletter(&site, "plain", NULL);

    (void)state;
    site_issue_at(&site, "a", plain, "2026-12-01 09:00");
    site.fail_with = ERR_STOPPED;
    site.fail_times = 1;
    {
        struct schedule *schedule = site_open(&site, db);
        const struct schedule_time time = {utc("2026-12-01 07:00"), -1, "one"};
        struct schedule_tick tick;

        assert_int_equal(schedule_tick(schedule, &time, &tick, &err), ERR_STOPPED);
        schedule_close(schedule);
    }
    assert_int_equal(number("SELECT sum(attempts) FROM schedule_run"), 0);
    run_text("UPDATE schedule_run SET state = 'running', attempts = 6");
    assert_int_equal(tick_once(&site, "2026-12-01 07:00").failed, 1);
}

/* ---- by hand ---- */

static void test_a_run_by_hand_is_out_of_turn(void **state)
{
    const struct newsletter *funding = site_newsletter(&site, "funding", "first Monday 09:00");
    const struct schedule_time time = {utc("2026-12-03 12:00"), -1, "one"};
    struct schedule_outcome outcome;
    struct schedule_run planned;
    struct schedule *schedule;

    (void)state;
    site_issue(&site, "a", funding);
    site_issue(&site, "b", funding);
    tick_once(&site, "2026-12-01 00:00");
    schedule = site_open(&site, db);
    assert_int_equal(schedule_run_now(schedule, "fundng", &time, &outcome, &err), ERR_NOT_FOUND);
    assert_string_equal(err.msg, "nothing is scheduled as 'fundng'; did you mean 'funding'?");
    ok(schedule_plan_now(schedule, site.arena, "funding", &time, &planned, &err));
    assert_string_equal(planned.target, "issues/a");
    assert_int_equal(number("SELECT count(*) FROM schedule_run"), 0);
    ok(schedule_run_now(schedule, "funding", &time, &outcome, &err));
    assert_int_equal(outcome.recipients, 60);
    site.fail_with = ERR_IO;
    site.fail_times = 1;
    {
        const struct schedule_time later = {time.now + CLOCK_HOUR, -1, "one"};

        assert_int_equal(schedule_run_now(schedule, "newsletters/funding", &later, &outcome, &err),
                         ERR_IO);
    }
    schedule_close(schedule);
    assert_int_equal(tick_once(&site, "2026-12-07 07:00").done, 1);
    assert_string_equal(site_rows(&site), "newsletters/funding 2026-12-03T14:00:00 done\n"
                                          "newsletters/funding 2026-12-03T15:00:00 failed: trouble "
                                          "1\n"
                                          "newsletters/funding 2026-12-07T09:00:00 done\n");
}

static void test_what_will_happen_is_listed(void **state)
{
    const struct newsletter *funding = site_newsletter(&site, "funding", "first Monday 09:00");
    struct schedule_item *items = NULL;
    struct schedule *schedule;
    size_t count = 0;

    (void)state;
    site_issue(&site, "a", funding);
    site_issue_at(&site, "own", funding, "2026-12-24 12:00");
    site_issue_at(&site, "was", funding, "2026-12-23 12:00");
    make_mailing(db, "letter", "issues/was");
    schedule = site_open(&site, db);
    ok(schedule_list(schedule, site.arena, utc("2026-12-01"), utc("2027-02-01"), &items, &count,
                     &err));
    assert_int_equal(count, 3);
    assert_string_equal(items[0].target, "issues/a");
    assert_string_equal(items[1].target, "issues/own");
    assert_string_equal(items[2].job, "newsletters/funding");
    assert_null(items[2].target);
    schedule_close(schedule);
}

/* ---- clocks ---- */

static void test_a_draft_is_made_before_its_letter_and_is_what_goes_out(void **state)
{
    struct newsletter *newsletter = site_newsletter(&site, "funding", "Monday 09:00");

    (void)state;
    newsletter->draft_before = 3 * CLOCK_DAY;
    site_issue(&site, "b", newsletter);
    (void)tick_once(&site, "2026-12-01T06:00");
    assert_string_equal(site.fired.data, "");
    (void)tick_once(&site, "2026-12-04T07:00");
    (void)tick_once(&site, "2026-12-04T07:01");
    assert_string_equal(site.fired.data,
                        "drafts/newsletters/funding 2026-12-07T09:00:00 issues/b\n");
    /* Another one that stands before it does not take its place. */
    site_issue(&site, "c", newsletter);
    site.issues[1] = site.issues[0];
    site.issues[0].item.slug = "a";
    (void)tick_once(&site, "2026-12-07T07:00");
    assert_string_equal(site.fired.data, "drafts/newsletters/funding 2026-12-07T09:00:00 issues/b\n"
                                         "newsletters/funding 2026-12-07T09:00:00 issues/b\n");
}

static void test_a_draft_whose_time_was_before_its_schedule_is_made_at_once(void **state)
{
    struct newsletter *newsletter = site_newsletter(&site, "funding", "Monday 09:00");

    (void)state;
    newsletter->draft_before = 3 * CLOCK_DAY;
    site_issue(&site, "a", newsletter);
    site_issue_at(&site, "b", newsletter, "2026-12-07T12:00");
    (void)tick_once(&site, "2026-12-06T06:00");
    assert_string_equal(site.fired.data, "drafts/newsletters/funding 2026-12-07T09:00:00 issues/a\n"
                                         "drafts/issues/b 2026-12-07T12:00:00 issues/b\n");
}

static void test_drafts_of_several_weeks_are_of_several_issues(void **state)
{
    struct newsletter *newsletter = site_newsletter(&site, "funding", "weekday 09:00");

    (void)state;
    newsletter->draft_before = 3 * CLOCK_DAY;
    site_issue(&site, "a", newsletter);
    site_issue(&site, "b", newsletter);
    (void)tick_once(&site, "2026-12-07T08:00");
    assert_string_equal(site.fired.data,
                        "drafts/newsletters/funding 2026-12-08T09:00:00 issues/a\n"
                        "drafts/newsletters/funding 2026-12-09T09:00:00 issues/b\n");
}

static void test_what_is_not_approved_waits_and_is_too_late_at_last(void **state)
{
    struct newsletter *newsletter = site_newsletter(&site, "funding", "Monday 09:00");
    struct schedule_tick tick;

    (void)state;
    site_issue(&site, "a", newsletter);
    site.waits = true;
    (void)tick_once(&site, "2026-12-01T06:00");
    tick = tick_once(&site, "2026-12-07T07:00");
    assert_int_equal(tick.waiting, 1);
    assert_int_equal(tick.next_due, utc("2026-12-07T07:01"));
    /* More often than a failure would be tried again. */
    for (int i = 1; i < 60; i++) {
        char when[CIVIL_TEXT];

        (void)snprintf(when, sizeof(when), "2026-12-07T07:%02d", i);
        assert_int_equal(tick_once(&site, when).waiting, 1);
    }
    tick = tick_once(&site, "2026-12-08T07:01");
    assert_int_equal(tick.skipped, 1);
    assert_string_equal(site_rows(&site), "newsletters/funding 2026-12-07T09:00:00 skipped: too "
                                          "late: waits for approval\n");
}

static void test_what_is_approved_while_it_waits_goes_out(void **state)
{
    struct newsletter *newsletter = site_newsletter(&site, "funding", "Monday 09:00");

    (void)state;
    site_issue(&site, "a", newsletter);
    site.waits = true;
    (void)tick_once(&site, "2026-12-01T06:00");
    (void)tick_once(&site, "2026-12-07T07:00");
    site.waits = false;
    assert_int_equal(tick_once(&site, "2026-12-07T07:00:30").done, 0);
    assert_int_equal(tick_once(&site, "2026-12-07T07:01").done, 1);
    assert_string_equal(site_rows(&site), "newsletters/funding 2026-12-07T09:00:00 done\n");
}

static bool held_at(struct schedule *schedule, int64_t now, int64_t uptime, const char *boot)
{
    const struct schedule_time time = {now, uptime, boot};
    struct schedule_tick tick;

    ok(schedule_tick(schedule, &time, &tick, &err));
    return tick.held;
}

static void test_a_clock_that_jumps_holds_everything_until_it_is_released(void **state)
{
    static const struct {
        const char *what;
        int64_t wall;   /* passed since the first tick */
        int64_t uptime; /* the same by the time since boot */
        const char *boot;
        bool held;
    } cases[] = {
        {"a quiet hour", CLOCK_HOUR, CLOCK_HOUR, "one", false},
        {"asleep for a month", 30 * CLOCK_DAY, 30 * CLOCK_DAY, "one", false},
        {"an hour forward", 2 * CLOCK_HOUR, CLOCK_HOUR, "one", false},
        {"an hour back", 0, CLOCK_HOUR, "one", false},
        {"a day forward", CLOCK_DAY, 0, "one", false},
        {"a day and a second forward", CLOCK_DAY + CLOCK_SECOND, 0, "one", true},
        {"a day and a second back", -CLOCK_DAY - CLOCK_SECOND, 0, "one", true},
        {"a year forward", 365 * CLOCK_DAY, CLOCK_MINUTE, "one", true},
        {"off for a month", 30 * CLOCK_DAY, CLOCK_MINUTE - 9 * CLOCK_HOUR, "two", false},
        {"up again in the year 2000", -9800 * CLOCK_DAY, CLOCK_MINUTE, "two", true},
        {"a rehearsal's clock", 365 * CLOCK_DAY, -1, "one", false},
    };
    const int64_t start = utc("2026-12-01 07:00");

    (void)state;
    site_newsletter(&site, "yearly", "first Monday of August 09:00");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct schedule *schedule = site_open(&site, db);
        bool held;

        run_text("DELETE FROM schedule_clock");
        assert_false(held_at(schedule, start, 10 * CLOCK_HOUR, "one"));
        held = held_at(schedule, start + cases[i].wall,
                       cases[i].uptime < 0 ? -1 : 10 * CLOCK_HOUR + cases[i].uptime, cases[i].boot);
        if (held != cases[i].held) {
            fail_msg("%s", cases[i].what);
        }
        schedule_close(schedule);
    }
}

static void test_what_is_held_is_shown_and_released(void **state)
{
    const struct newsletter *funding = site_newsletter(&site, "funding", "first Monday 09:00");
    const int64_t start = utc("2026-12-01 07:00");
    const int64_t wrong = utc("2027-12-07 07:00");
    const struct schedule_time right = {start + CLOCK_HOUR, 2 * CLOCK_HOUR, "one"};
    struct schedule *schedule;
    struct schedule_hold hold;

    (void)state;
    site_issue(&site, "a", funding);
    schedule = site_open(&site, db);
    assert_int_equal(schedule_release(db, &right, &err), ERR_STATE);
    assert_false(held_at(schedule, start, CLOCK_HOUR, "one"));
    assert_int_equal(schedule_held(db, site.arena, &hold, &err), 0);
    assert_true(held_at(schedule, wrong, CLOCK_HOUR + CLOCK_MINUTE, "one"));
    assert_int_equal(schedule_held(db, site.arena, &hold, &err), 1);
    assert_string_equal(hold.reason,
                        "the clock went forward by 370 days 23 h, to 2027-12-07T07:00 UTC");
    assert_int_equal(hold.since, wrong);
    /* Also when the clock comes back: a person looks first. */
    assert_true(held_at(schedule, right.now, right.uptime, "one"));
    ok(schedule_release(db, &right, &err));
    assert_false(held_at(schedule, right.now, right.uptime, "one"));
    assert_string_equal(site.fired.data, "");
    assert_false(held_at(schedule, start + 6 * CLOCK_DAY, CLOCK_HOUR + 6 * CLOCK_DAY, "one"));
    schedule_close(schedule);
    assert_string_equal(site.fired.data, "newsletters/funding 2026-12-07T09:00:00 issues/a\n");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_a_newsletter_sends_one_waiting_issue_at_each_time),
        CASE(test_no_other_issue_goes_in_place_of_one_that_is_wrong),
        CASE(test_a_run_waits_for_its_file),
        CASE(test_the_next_tick_is_told),
        CASE(test_what_lies_before_a_schedule_was_seen_was_not_missed),
        CASE(test_an_issue_goes_out_at_its_own_time),
        CASE(test_invitations_go_out_before_the_event),
        CASE(test_after_downtime_the_latest_run_is_made_up_for),
        CASE(test_what_is_too_late_is_not_sent_and_told),
        CASE(test_a_failure_is_tried_again_with_growing_pauses),
        CASE(test_nothing_to_do_is_no_failure),
        CASE(test_a_later_occurrence_ends_the_attempts_of_an_earlier),
        CASE(test_an_edit_of_the_time_takes_effect_while_it_is_retried),
        CASE(test_what_a_dead_scheduler_left_is_done_and_not_twice),
        CASE(test_a_run_that_kills_its_scheduler_is_given_up),
        CASE(test_a_run_by_hand_is_out_of_turn),
        CASE(test_what_will_happen_is_listed),
        CASE(test_a_draft_is_made_before_its_letter_and_is_what_goes_out),
        CASE(test_a_draft_whose_time_was_before_its_schedule_is_made_at_once),
        CASE(test_drafts_of_several_weeks_are_of_several_issues),
        CASE(test_what_is_not_approved_waits_and_is_too_late_at_last),
        CASE(test_what_is_approved_while_it_waits_goes_out),
        CASE(test_a_clock_that_jumps_holds_everything_until_it_is_released),
        CASE(test_what_is_held_is_shown_and_released),
    };
#undef CASE

    return cmocka_run_group_tests(tests, NULL, NULL);
}
