/* Deadlines as a calendar: which, under which name, and what changes say. */
#include "teataja/compose/call_feed.h"

#include "unit/compose/compose_site.h"

static struct site_rig rig;
static struct catalogue *catalogue;

static int set_up(void **state)
{
    static const char *const folders[] = {TEST_SOURCE_DIR "/templates"};

    (void)state;
    site_make(&rig);
    return catalogue_load(folders, 1, NULL, &catalogue, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    catalogue_free(catalogue);
    site_remove(&rig);
    return 0;
}

static void call(const char *slug, const char *rest)
{
    site_write(&rig, arena_printf(rig.arena, "calls/%s.md", slug),
               arena_printf(rig.arena, "title: Voor %s\nurl: https://fund.example/%s\n%s", slug,
                            slug, rest));
}

/* The calendar with its lines unfolded. */
static const char *feed(const char *slug, enum language language, int code)
{
    const struct call_feed options = {.config = &rig.config,
                                      .content = &rig.content,
                                      .catalogue = catalogue,
                                      .newsletter =
                                          slug == NULL ? &rig.config.newsletters[0] : NULL,
                                      .call = slug,
                                      .language = language,
                                      .now = clock_now()};
    struct err err = {0};
    struct str text;
    char *out;
    char *to;

    str_init(&text, LIMIT_MESSAGE);
    if (call_feed_write(&options, &text, &err) != code) {
        fail_msg("%s", err.msg);
    }
    out = to = arena_strndup(rig.arena, text.data, text.len);
    for (const char *from = out; *from != '\0'; from++) {
        if (strncmp(from, "\r\n ", 3) == 0) {
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
    str_release(&text);
    return out;
}

static void has(const char *calendar, const char *line)
{
    const char *whole = arena_printf(rig.arena, "\r\n%s\r\n", line);

    if (strstr(calendar, whole) == NULL) {
        fail_msg("no line '%s' in\n%s", line, calendar);
    }
}

static void record(void)
{
    struct err err = {0};

    if (content_record(rig.db, rig.arena, &rig.content, clock_now(), &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static void test_a_deadline_stands_in_its_zone(void **state)
{
    const char *text;

    (void)state;
    call("brussels", "deadline: 2027-01-23 17:00 Europe/Brussels\nfunder: Fond\nsummary: Kokku; "
                     "lühidalt\n");
    call("day", "deadline: 2027-02-01\n");
    call("utc", "deadline: 2027-02-02 17:00 UTC\n");
    site_open(&rig);
    text = feed(NULL, LANG_ET, 0);
    has(text, "METHOD:PUBLISH");
    has(text, "X-WR-CALNAME:Rahastuskiri");
    has(text, "TZID:Europe/Brussels");
    has(text, "UID:call-brussels-2027-01-23@cluster.example");
    has(text, "DTSTART;TZID=Europe/Brussels:20270123T170000");
    has(text, "SUMMARY:Tähtaeg: Voor brussels");
    has(text, "DESCRIPTION:Fond\\n\\nKokku\\; lühidalt\\n\\nhttps://fund.example/brussels");
    has(text, "URL:https://fund.example/brussels");
    has(text, "DTSTART;VALUE=DATE:20270201");
    has(text, "DTSTART:20270202T170000Z");
    assert_null(strstr(text, "VALARM"));
    assert_null(strstr(text, "LAST-MODIFIED"));
    assert_non_null(strstr(feed(NULL, LANG_EN, 0), "SUMMARY:Deadline: Voor brussels"));
}

static void test_only_deadlines_that_can_be_told_are_there(void **state)
{
    static const struct {
        const char *slug;
        const char *text;
        bool there;
    } calls[] = {
        {"open", "deadline: 2026-12-20\n", true},
        {"lately", "deadline: 2026-11-20\n", true},
        {"long-past", "deadline: 2026-10-20\n", false},
        {"far", "deadline: 2028-10-20\n", false},
        {"rolling", "deadline: none\n", false},
        {"opens-later", "opens: 2026-12-10\ndeadline: 2027-01-20\n", true},
        {"not-yet", "status: planned\ndeadline: 2027-01-20\n", false},
    };
    const char *text;

    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        call(calls[i].slug, calls[i].text);
    }
    site_open(&rig);
    text = feed(NULL, LANG_ET, 0);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        const char *uid = arena_printf(rig.arena, "UID:call-%s-", calls[i].slug);

        if ((strstr(text, uid) != NULL) != calls[i].there) {
            fail_msg("%s", calls[i].slug);
        }
        (void)feed(calls[i].slug, LANG_ET, calls[i].there ? 0 : ERR_NOT_FOUND);
    }
    (void)feed("nothing", LANG_ET, ERR_NOT_FOUND);
}

static void test_each_round_has_a_name_of_its_own(void **state)
{
    const char *text;

    (void)state;
    call("rounds", "rounds: [2026-12-10, 2027-02-20]\n");
    site_open(&rig);
    text = feed("rounds", LANG_ET, 0);
    has(text, "UID:call-rounds-2026-12-10@cluster.example");
    has(text, "UID:call-rounds-2027-02-20@cluster.example");
    assert_null(strstr(text, "X-WR-CALNAME"));
}

static void test_a_change_keeps_the_name_and_raises_the_sequence(void **state)
{
    static const struct {
        const char *text;
        const char *start;
        const char *status;
    } changes[] = {
        {"deadline: 2026-12-20\n", "DTSTART;VALUE=DATE:20261220", "STATUS:CONFIRMED"},
        {"deadline: 2027-01-10\n", "DTSTART;VALUE=DATE:20270110", "STATUS:CONFIRMED"},
        {"deadline: 2027-01-10\nstatus: exhausted\n", "DTSTART;VALUE=DATE:20270110",
         "STATUS:CANCELLED"},
        {"deadline: 2027-01-10\nstatus: cancelled\n", "DTSTART;VALUE=DATE:20270110",
         "STATUS:CANCELLED"},
        {"deadline: 2027-01-10\nstatus: closed\n", "DTSTART;VALUE=DATE:20270110",
         "STATUS:CANCELLED"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        const char *sequence = arena_printf(rig.arena, "SEQUENCE:%zu", i);

        clock_fix(SITE_NOW + (int64_t)i * CLOCK_DAY, 0);
        call("moving", changes[i].text);
        site_open(&rig);
        for (int recorded = 0; recorded < 2; recorded++) {
            const char *text;
            struct err err = {0};

            assert_int_equal(content_recall(rig.db, rig.arena, &rig.content, clock_now(), &err), 0);
            text = feed("moving", LANG_ET, 0);
            has(text, "UID:call-moving-2026-12-20@cluster.example");
            has(text, sequence);
            has(text, changes[i].start);
            has(text, changes[i].status);
            if (recorded == 1) {
                has(text, arena_printf(rig.arena, "LAST-MODIFIED:202612%02zuT100000Z", i + 1));
            }
            record();
        }
    }
}

static void test_files_are_read_for_feeds_alone(void **state)
{
    const char *database;
    const struct content *content = NULL;
    struct err err = {0};

    (void)state;
    call("good", "deadline: 2026-12-20\n");
    site_open(&rig);
    record();
    call("bad", "deadline: 2026-13-20\n");
    database = file_join(rig.arena, rig.folder, "site.db");
    assert_int_equal(call_feed_read(rig.arena, &rig.config, TEST_SOURCE_DIR "/templates", database,
                                    SITE_NOW, &content, &err),
                     0);
    assert_int_equal(content_call(content, "good")->item.seen_at, SITE_NOW);
    database = file_join(rig.arena, rig.folder, "none.db");
    assert_int_equal(call_feed_read(rig.arena, &rig.config, TEST_SOURCE_DIR "/templates", database,
                                    SITE_NOW, &content, &err),
                     0);
    assert_int_equal(content_call(content, "good")->item.seen_at, 0);
}

int main(void)
{
#define AS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        AS_TEST(test_a_deadline_stands_in_its_zone),
        AS_TEST(test_only_deadlines_that_can_be_told_are_there),
        AS_TEST(test_each_round_has_a_name_of_its_own),
        AS_TEST(test_a_change_keeps_the_name_and_raises_the_sequence),
        AS_TEST(test_files_are_read_for_feeds_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
