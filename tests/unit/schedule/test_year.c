/* A year of the demo site, as two schedulers on one database live through it: 2027, with
 * three days without power in May. */
#include "schedule_site.h"

#include "teataja/config/config.h"

static struct schedule_site site;
static struct db *other;

static int setup(void **state)
{
    if (temp_database_open(state) != 0) {
        return -1;
    }
    ok(db_open(path, DB_OPEN_EXISTING, &other, &err));
    ok(db_set_durability(db, DB_SURVIVES_KILL, &err));
    ok(db_set_durability(other, DB_SURVIVES_KILL, &err));
    site_init(&site);
    return 0;
}

static int teardown(void **state)
{
    db_close(other);
    site_release(&site);
    return temp_database_remove(state);
}

static void read_demo(void)
{
    static const char *const names[] = {"funding.yaml", "meetings.yaml"};

    for (size_t i = 0; i < 2; i++) {
        ok(newsletter_load(site.arena, TEST_SOURCE_DIR "/templates/site/demo", names[i], NULL,
                           &site.newsletters[i], &err));
    }
    site.config.newsletter_count = 2;
    for (size_t i = 0; i < 45; i++) {
        bool funding = i < 14;

        site_issue(&site, arena_printf(site.arena, "%s-%02zu", funding ? "funding" : "meetings", i),
                   config_newsletter(&site.config, funding ? "funding" : "meetings"));
    }
    site_issue_at(&site, "summer", config_newsletter(&site.config, "funding"), "2027-06-23 12:00");
    /* Written and never sent before, with a time that is long past. */
    site_issue_at(&site, "stale", config_newsletter(&site.config, "funding"), "2026-12-20 12:00");
}

static bool no_power(int64_t at)
{
    return at >= utc("2027-04-30 12:00") && at < utc("2027-05-04 06:30");
}

static const char expected[] =
    "issues/stale 2026-12-20T12:00:00 skipped: too late: 290 h after its time, 1 day is the most\n"
    "newsletters/funding 2027-01-04T09:00:00 done\n"
    "newsletters/meetings 2027-01-06T10:30:00 done\n"
    "newsletters/meetings 2027-01-20T10:30:00 done\n"
    "newsletters/funding 2027-02-01T09:00:00 done\n"
    "newsletters/meetings 2027-02-03T10:30:00 done\n"
    "newsletters/meetings 2027-02-17T10:30:00 done\n"
    "newsletters/funding 2027-03-01T09:00:00 done\n"
    "newsletters/meetings 2027-03-03T10:30:00 done\n"
    "newsletters/meetings 2027-03-17T10:30:00 done\n"
    "newsletters/meetings 2027-03-31T10:30:00 done\n"
    "newsletters/funding 2027-04-05T09:00:00 done\n"
    "newsletters/meetings 2027-04-14T10:30:00 done\n"
    "newsletters/meetings 2027-04-28T10:30:00 done\n"
    "newsletters/funding 2027-05-03T09:00:00 skipped: too late: 24 h after its time, 1 day is the "
    "most\n"
    "newsletters/meetings 2027-05-12T10:30:00 done\n"
    "newsletters/meetings 2027-05-26T10:30:00 done\n"
    "newsletters/funding 2027-06-07T09:00:00 done\n"
    "newsletters/meetings 2027-06-09T10:30:00 done\n"
    "newsletters/meetings 2027-06-23T10:30:00 done\n"
    "issues/summer 2027-06-23T12:00:00 done\n"
    "newsletters/funding 2027-07-05T09:00:00 done\n"
    "newsletters/meetings 2027-07-07T10:30:00 done\n"
    "newsletters/meetings 2027-07-21T10:30:00 done\n"
    "newsletters/funding 2027-08-02T09:00:00 done\n"
    "newsletters/meetings 2027-08-04T10:30:00 done\n"
    "newsletters/meetings 2027-08-18T10:30:00 done\n"
    "newsletters/meetings 2027-09-01T10:30:00 done\n"
    "newsletters/funding 2027-09-06T09:00:00 done\n"
    "newsletters/meetings 2027-09-15T10:30:00 done\n"
    "newsletters/meetings 2027-09-29T10:30:00 done\n"
    "newsletters/funding 2027-10-04T09:00:00 done\n"
    "newsletters/meetings 2027-10-13T10:30:00 done\n"
    "newsletters/meetings 2027-10-27T10:30:00 done\n"
    "newsletters/funding 2027-11-01T09:00:00 done\n"
    "newsletters/meetings 2027-11-10T10:30:00 done\n"
    "newsletters/meetings 2027-11-24T10:30:00 done\n"
    "newsletters/funding 2027-12-06T09:00:00 done\n"
    "newsletters/meetings 2027-12-08T10:30:00 done\n"
    "newsletters/meetings 2027-12-22T10:30:00 done\n";

/* Every second by which a run was late, while somebody was there. */
static int64_t late;

static void live(struct schedule *schedules[2], int64_t from, int64_t to)
{
    int which = 0;

    for (int64_t at = from; at < to; which ^= 1) {
        struct schedule_tick tick = {.next_due = at + CLOCK_HOUR};

        if (!no_power(at)) {
            site.db = which == 0 ? db : other;
            tick = tick_at(schedules[which], at);
            late += tick.done > 0 && at % CLOCK_MINUTE != 0 ? at % CLOCK_MINUTE : 0;
        }
        at = tick.next_due > at + CLOCK_HOUR ? at + CLOCK_HOUR : tick.next_due;
    }
}

static void test_two_schedulers_live_through_a_year(void **state)
{
    struct schedule *schedules[2];

    (void)state;
    read_demo();
    schedules[0] = site_open(&site, db);
    schedules[1] = site_open(&site, other);
    live(schedules, utc("2027-01-01 12:00"), utc("2027-07-15"));
    /* One of them is started again, with the files read anew. */
    schedule_close(schedules[0]);
    schedules[0] = site_open(&site, db);
    live(schedules, utc("2027-07-15"), utc("2028-01-01"));
    schedule_close(schedules[0]);
    schedule_close(schedules[1]);
    site.db = db;
    assert_string_equal(site_rows(&site), expected);
    assert_int_equal(late, 0);
    /* Each waiting issue went out once, in order, and each occurrence took one. */
    assert_int_equal(number("SELECT count(*) FROM mailing"), 38);
    assert_int_equal(number("SELECT count(DISTINCT target) FROM schedule_run WHERE state = 'done'"),
                     38);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE subject LIKE 'issues/funding-%'"),
                     11);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE subject = 'issues/funding-10'"), 1);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE subject = 'issues/funding-11'"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_two_schedulers_live_through_a_year, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
