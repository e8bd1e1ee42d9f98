/* Every change of the clocks from 2024 to 2030 in ten zones, with a clock that is set
 * wrong and right again and a machine that sleeps; and several schedulers at once. */
#include "schedule_site.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "teataja/schedule/timetable.h"

static struct schedule_site site;

static int setup(void **state)
{
    if (temp_database_open(state) != 0) {
        return -1;
    }
    ok(db_set_durability(db, DB_SURVIVES_KILL, &err));
    site_init(&site);
    return 0;
}

static int teardown(void **state)
{
    site_release(&site);
    return temp_database_remove(state);
}

/* ---- clocks ---- */

static const char *const zones[] = {
    "Europe/Tallinn",    "Europe/Warsaw",    "Europe/London",    "Europe/Dublin",
    "Atlantic/Azores",   "America/New_York", "America/Santiago", "Australia/Lord_Howe",
    "Africa/Casablanca", "Asia/Kathmandu",
};
static const char *const words[] = {"day 00:15", "day 01:00", "day 02:30", "day 03:00",
                                    "day 03:45"};
enum { WORDS = sizeof(words) / sizeof(words[0]) };

/* How the wall clock and the ticks go around a change. */
enum course { STEADY, AN_HOUR_FAST, AN_HOUR_SLOW, ASLEEP, COURSES };

/* What the wall clock shows at a true instant: the error lies around the change. */
static int64_t shown(enum course course, int64_t at, int64_t change)
{
    bool wrong = at >= change - 90 * CLOCK_MINUTE && at < change + 150 * CLOCK_MINUTE;

    return at + (wrong && course == AN_HOUR_FAST   ? CLOCK_HOUR
                 : wrong && course == AN_HOUR_SLOW ? -CLOCK_HOUR
                                                   : 0);
}

static void go_through(struct schedule *schedule, enum course course, int64_t change)
{
    for (int64_t at = change - 15 * CLOCK_HOUR; at < change + 15 * CLOCK_HOUR;
         at += 30 * CLOCK_MINUTE) {
        const struct schedule_time time = {
            .now = shown(course, at, change), .uptime = at - change + 60 * CLOCK_DAY, .boot = "b"};
        struct schedule_tick tick;

        if (course == ASLEEP && at > change - 3 * CLOCK_HOUR && at < change + 4 * CLOCK_HOUR) {
            continue;
        }
        ok(schedule_tick(schedule, &time, &tick, &err));
        assert_false(tick.held);
        assert_true(tick.next_due > time.now);
    }
}

/* Days are counted from shortly before: a rule that began years ago takes longer. */
static struct civil start_before(int64_t change)
{
    struct civil start;

    civil_from_utc(change - 4 * CLOCK_DAY, &start);
    start.hour = start.minute = start.second = 0;
    return start;
}

/* What the timetable says was done, and nothing else. */
static void each_was_done(const char *zone, enum course course, int64_t change)
{
    for (size_t i = 0; i < WORDS; i++) {
        struct timetable timetable = {.zone = zone, .start = start_before(change)};
        struct timetable_time *times = NULL;
        struct str done;
        struct str planned;
        int count;

        str_init(&done, LIMIT_TEXT);
        str_init(&planned, LIMIT_TEXT);
        ok(timetable_parse(site.arena, words[i], &timetable.start, &timetable.rule, NULL, &err));
        count = timetable_list(site.arena, &timetable, change - 15 * CLOCK_HOUR,
                               change + 15 * CLOCK_HOUR - 30 * CLOCK_MINUTE + 1, 0, &times, &err);
        ok(count);
        for (int k = 0; k < count; k++) {
            char local[CIVIL_TEXT];

            civil_format(&times[k].local, local);
            str_addf(&planned, "newsletters/n%zu %s\n", i, local);
        }
        for (const char *line = site.fired.data; *line != '\0'; line += strcspn(line, "\n") + 1) {
            if (line[strlen("newsletters/n")] == (char)('0' + i)) {
                str_add_bytes(&done, line, strcspn(line, "\n") + 1);
            }
        }
        if (strcmp(done.data, planned.data) != 0) {
            fail_msg("%s, '%s', course %d: planned\n%sdone\n%s", zone, words[i], (int)course,
                     planned.data, done.data);
        }
        str_release(&done);
        str_release(&planned);
    }
}

/* Does not make mailings: thousands of runs. */
static int count_run(void *ctx, const struct schedule_run *run, struct schedule_outcome *out,
                     struct err *why)
{
    struct schedule_site *counted = ctx;

    (void)why;
    (void)out;
    str_addf(&counted->fired, "%s %s\n", run->job, run->local);
    return 0;
}

static struct schedule *open_counted(struct db *on)
{
    const struct schedule_options options = {.db = on,
                                             .config = &site.config,
                                             .content = &site.content,
                                             .events = &site.events,
                                             .run = count_run,
                                             .ctx = &site};
    struct schedule *schedule = NULL;

    ok(schedule_open(&options, &schedule, &err));
    return schedule;
}

static int go_around(const char *zone, int64_t change)
{
    struct arena_mark mark = arena_mark(site.arena);

    for (size_t i = 0; i < WORDS; i++) {
        site.schedules[i].start.civil = start_before(change);
    }
    for (enum course course = STEADY; course < COURSES; course++) {
        struct schedule *schedule;

        run_text("DELETE FROM schedule_run");
        run_text("DELETE FROM schedule_job");
        run_text("DELETE FROM schedule_clock");
        str_reset(&site.fired);
        schedule = open_counted(db);
        go_through(schedule, course, change);
        schedule_close(schedule);
        each_was_done(zone, course, change);
    }
    arena_rewind(site.arena, mark);
    return 1;
}

static void test_each_run_fires_once_around_every_change_of_the_clocks(void **state)
{
    int changes = 0;

    (void)state;
    for (size_t i = 0; i < WORDS; i++) {
        struct newsletter *newsletter =
            site_newsletter(&site, arena_printf(site.arena, "n%zu", i), words[i]);

        site_issue(&site, arena_printf(site.arena, "i%zu", i), newsletter);
    }
    for (size_t zone = 0; zone < sizeof(zones) / sizeof(zones[0]); zone++) {
        int before;
        int after;

        site.config.site.timezone = zones[zone];
        ok(zone_offset(zones[zone], utc("2024-01-01"), &before, &err));
        for (int64_t at = utc("2024-01-01"); at < utc("2031-01-01"); at += CLOCK_HOUR) {
            ok(zone_offset(zones[zone], at, &after, &err));
            if (after != before) {
                changes += go_around(zones[zone], at);
            }
            before = after;
        }
    }
    /* Kathmandu has none; seven years of two a year, four in Casablanca counted as they are. */
    assert_in_range(changes, 100, 160);
}

/* ---- several schedulers ---- */

enum { SCHEDULERS = 4, PATIENCE = 120 /* seconds */ };

/* They live by one clock: a scheduler whose clock is a day ahead would rightly overtake what
 * the others have found and not begun. */
static pthread_barrier_t *one_clock(void)
{
    pthread_barrier_t *clock =
        mmap(NULL, sizeof(*clock), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_barrierattr_t shared;

    assert_true(clock != MAP_FAILED);
    assert_int_equal(pthread_barrierattr_init(&shared), 0);
    assert_int_equal(pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED), 0);
    assert_int_equal(pthread_barrier_init(clock, &shared, SCHEDULERS), 0);
    assert_int_equal(pthread_barrierattr_destroy(&shared), 0);
    return clock;
}

static void work(int which, pthread_barrier_t *clock)
{
    struct db *own = NULL;
    struct schedule *schedule;

    (void)alarm(PATIENCE); /* where one fails, the others would wait for ever */
    ok(db_open(path, DB_OPEN_EXISTING, &own, &err));
    ok(db_set_durability(own, DB_SURVIVES_KILL, &err));
    str_reset(&site.fired);
    schedule = open_counted(own);
    for (int64_t at = utc("2027-01-01"); at < utc("2027-02-01"); at += 20 * CLOCK_MINUTE) {
        (void)pthread_barrier_wait(clock);
        (void)tick_at(schedule, at + which);
    }
    schedule_close(schedule);
    for (char *line = site.fired.data; *line != '\0'; line += strcspn(line, "\n") + 1) {
        struct db_stmt *stmt = NULL;

        ok(db_query_text(own, "INSERT INTO fired VALUES ($1)", &stmt, &err));
        ok(db_bind_text_n(stmt, 1, line, strcspn(line, "\n"), &err));
        ok(db_run(stmt, &err));
    }
    db_close(own);
}

static void test_several_schedulers_on_one_database_do_each_run_once(void **state)
{
    pthread_barrier_t *clock = one_clock();
    pid_t children[SCHEDULERS];

    (void)state;
    for (int i = 0; i < SITE_NEWSLETTERS; i++) {
        site_issue(&site, arena_printf(site.arena, "i%d", i),
                   site_newsletter(&site, arena_printf(site.arena, "n%d", i), "day 09:00"));
    }
    run_text("CREATE TABLE fired (what TEXT)");
    {
        struct schedule *schedule = open_counted(db);

        (void)tick_at(schedule, utc("2027-01-01"));
        schedule_close(schedule);
    }
    db_close(db);
    db = NULL;
    for (int i = 0; i < SCHEDULERS; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            work(i, clock);
            _exit(0);
        }
        assert_true(children[i] > 0);
    }
    for (int i = 0; i < SCHEDULERS; i++) {
        int status = 0;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(munmap(clock, sizeof(*clock)), 0);
    ok(db_open(path, DB_OPEN_EXISTING, &db, &err));
    assert_int_equal(number("SELECT count(*) FROM fired"), SITE_NEWSLETTERS * 31);
    assert_int_equal(number("SELECT count(DISTINCT what) FROM fired"), SITE_NEWSLETTERS * 31);
    assert_int_equal(number("SELECT count(*) FROM schedule_run WHERE state = 'done'"),
                     SITE_NEWSLETTERS * 31);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_run_fires_once_around_every_change_of_the_clocks,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_several_schedulers_on_one_database_do_each_run_once,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
