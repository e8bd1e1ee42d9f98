/* Letters that compose themselves: what is chosen for whom, letter after letter. */
#include "teataja/compose/letter.h"

#include "unit/compose/compose_site.h"

static struct site_rig rig;

static const char weekly[] = "name: { et: Nädalakiri, en: Weekly letter }\n"
                             "list: funding\n"
                             "from: { name: Loomeklaster, address: letters@cluster.example }\n"
                             "languages: [et, en]\n"
                             "fallback: et\n"
                             "compose: auto\n"
                             "events_within: 30 days\n";

static void write_newsletter(const char *more)
{
    site_write(&rig, "newsletters/weekly.yaml", arena_printf(rig.arena, "%s%s", weekly, more));
}

static int set_up(void **state)
{
    (void)state;
    site_make(&rig);
    write_newsletter("");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    site_remove(&rig);
    return 0;
}

/* The site as it is `days` after SITE_NOW. */
static void on_day(int days)
{
    clock_fix(SITE_NOW + days * CLOCK_DAY, 0);
    site_open(&rig);
}

static int plan(bool dry, const char *occurrence, struct letter_summary *out, struct err *err)
{
    const struct letter_options options = {
        .dry_run = dry, .language = LANG_NONE, .occurrence = occurrence};

    return letter_plan(rig.compose, rig.arena, "newsletters/weekly", &options, out, err);
}

/* Sends the letter of a day; how many members get it. */
static int64_t send_on(int days)
{
    struct letter_summary summary;
    struct db_stmt *stmt = NULL;
    struct err err = {0};

    on_day(days);
    if (plan(false, NULL, &summary, &err) < 0) {
        if (err.code != ERR_STATE) {
            fail_msg("%s", err.msg);
        }
        return 0;
    }
    assert_int_equal(db_query_text(rig.db, "UPDATE outbox SET state = 'sent'", &stmt, NULL), 0);
    assert_int_equal(db_run(stmt, NULL), 0);
    return summary.total;
}

static const char *lines_of(const struct letter_line *lines, size_t count)
{
    const char *out = "";

    for (size_t i = 0; i < count; i++) {
        out = arena_printf(rig.arena, "%s%s%s %s%s%s", out, i > 0 ? "; " : "", lines[i].block,
                           lines[i].slug, lines[i].note[0] != '\0' ? " " : "", lines[i].note);
    }
    return out;
}

static struct letter_view view_of(const char *member)
{
    const struct letter_preview options = {.member = member, .language = LANG_NONE};
    struct letter_view view;
    struct err err = {0};

    if (letter_preview(rig.compose, rig.arena, "newsletters/weekly", &options, &view, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return view;
}

static const char *sees(const char *member)
{
    struct letter_view view = view_of(member);

    return lines_of(view.lines, view.line_count);
}

static void call(const char *slug, const char *rest)
{
    site_write(&rig, arena_printf(rig.arena, "calls/%s.md", slug),
               arena_printf(rig.arena, "title: Voor %s\nurl: https://fund.example/%s\n%s", slug,
                            slug, rest));
}

/* ---- letter after letter ---- */

/* One site over some weeks: before each letter files change, then Mari, who joined first,
 * sees this. A letter that holds no more than "still open" does not go out. */
static void test_each_letter_tells_what_is_new_since_the_last(void **state)
{
    static const struct {
        int day;
        const char *slug; /* of a file that changes */
        const char *text;
        const char *sees;
        bool goes;
    } weeks[] = {
        {0, "calls/grants", "title: Toetus\nurl: https://f.example/g\ndeadline: 2027-01-11 17:00\n",
         "calls grants new", true},
        {1, NULL, NULL, "still_open grants", false},
        {7, "news/studio", "title: Stuudio\ndate: 2026-12-07\n", "still_open grants; news studio",
         true},
        {8, NULL, NULL, "still_open grants", false},
        {14, "calls/grants",
         "title: Toetus\nurl: https://f.example/g\ndeadline: 2027-01-04 17:00\n",
         "calls grants moved", true},
        {15, NULL, NULL, "still_open grants", false},
        {21, "events/forum", "title: Foorum\nstart: 2026-12-28 10:00\naccess: public\n",
         "still_open grants; events forum", true},
        {22, "events/forum", "title: Foorum\nstart: 2026-12-29 10:00\naccess: public\n",
         "still_open grants; events forum moved", true},
        {23, "events/far", "title: Kaugel\nstart: 2027-06-01 10:00\naccess: public\n",
         "still_open grants", false},
        {28, NULL, NULL, "deadlines grants closing soon", true},
        {29, NULL, NULL, "still_open grants", false},
        {30, "calls/last", "title: Kiire\nurl: https://f.example/l\ndeadline: 2027-01-03\n",
         "calls last new; still_open grants", true},
        {31, NULL, NULL, "still_open last; still_open grants", false},
        {32, "calls/last",
         "title: Kiire\nurl: https://f.example/l\ndeadline: 2027-01-03\nstatus: exhausted\n",
         "calls last closed; still_open grants", true},
        {33, NULL, NULL, "still_open grants", false},
        {36, NULL, NULL, "", false},
    };

    (void)state;
    on_day(0);
    (void)site_member(&rig, "mari@post.example", "language", "et", NULL);
    for (size_t i = 0; i < sizeof(weeks) / sizeof(weeks[0]); i++) {
        if (weeks[i].slug != NULL) {
            site_write(&rig, arena_printf(rig.arena, "%s.md", weeks[i].slug), weeks[i].text);
        }
        on_day(weeks[i].day);
        if (strcmp(sees("mari@post.example"), weeks[i].sees) != 0) {
            fail_msg("day %d: %s", weeks[i].day, sees("mari@post.example"));
        }
        if (send_on(weeks[i].day) != weeks[i].goes) {
            fail_msg("day %d: %s", weeks[i].day, weeks[i].goes ? "nothing went out" : "a letter");
        }
    }
}

static void test_who_joined_today_gets_what_is_still_open(void **state)
{
    (void)state;
    call("grants", "deadline: 2027-01-11 17:00\n");
    call("over", "deadline: 2026-12-03 17:00\n");
    on_day(0);
    (void)site_member(&rig, "mari@post.example", "language", "et", NULL);
    assert_int_equal(send_on(0), 1);
    on_day(3);
    (void)site_member(&rig, "new@post.example", "language", "en", NULL);
    assert_string_equal(sees("new@post.example"), "calls grants new, in et");
    assert_string_equal(sees("mari@post.example"), "still_open grants");
    assert_int_equal(send_on(3), 1);
    assert_int_equal(send_on(4), 0);
}

static void test_the_next_round_is_told_and_reminded_of_by_itself(void **state)
{
    (void)state;
    call("rounds", "rounds: [2026-12-10, 2027-02-20]\n");
    on_day(0);
    (void)site_member(&rig, "mari@post.example", "language", "et", NULL);
    assert_int_equal(send_on(0), 1);
    on_day(5);
    assert_string_equal(sees("mari@post.example"), "deadlines rounds closing soon");
    assert_int_equal(send_on(5), 1);
    assert_int_equal(send_on(6), 0);
    on_day(12);
    assert_string_equal(sees("mari@post.example"), "calls rounds new");
    assert_int_equal(send_on(12), 1);
    on_day(77);
    assert_string_equal(sees("mari@post.example"), "deadlines rounds closing soon");
}

static void test_a_call_first_told_in_its_last_days_is_not_reminded_of(void **state)
{
    (void)state;
    call("quick", "deadline: 2026-12-06 17:00\n");
    on_day(0);
    (void)site_member(&rig, "mari@post.example", "language", "et", NULL);
    assert_string_equal(sees("mari@post.example"), "calls quick new");
    assert_int_equal(send_on(0), 1);
    assert_int_equal(send_on(1), 0);
    call("quick", "deadline: 2026-12-16 17:00\n");
    on_day(2);
    assert_string_equal(sees("mari@post.example"), "calls quick moved");
    assert_int_equal(send_on(2), 1);
    on_day(12);
    assert_string_equal(sees("mari@post.example"), "deadlines quick closing soon");
}

static void test_what_an_issue_told_is_not_told_again(void **state)
{
    const struct letter_options options = {.language = LANG_NONE};
    struct letter_summary summary;
    struct err err = {0};

    (void)state;
    call("grants", "deadline: 2027-01-11 17:00\n");
    site_write(&rig, "events/forum.md", "title: Foorum\nstart: 2026-12-12 10:00\naccess: public\n");
    on_day(0);
    (void)site_member(&rig, "mari@post.example", "language", "et", NULL);
    assert_int_equal(letter_plan(rig.compose, rig.arena, "december", &options, &summary, &err), 0);
    assert_int_equal(send_on(1), 0);
    assert_string_equal(sees("mari@post.example"), "still_open grants");
}

/* ---- who gets one ---- */

static void test_keys_decide_who_gets_a_letter(void **state)
{
    static const struct {
        const char *keys;
        const char *deadline;
        int64_t music; /* has two new things */
        int64_t film;  /* has one */
        int64_t none;  /* has nothing */
    } cases[] = {
        {"", "2027-01-11", 1, 1, 0},
        {"min_items: 2\n", "2027-01-11", 1, 0, 0},
        {"min_items: 3\n", "2027-01-11", 0, 0, 0},
        {"min_items: 3\n", "2026-12-05", 1, 1, 0},
        {"skip_if_empty: no\n", "2027-01-11", 1, 1, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct letter_summary summary = {0};
        struct err err = {0};
        int64_t total = cases[i].music + cases[i].film + cases[i].none;
        int rc;

        write_newsletter(cases[i].keys);
        call("one",
             arena_printf(rig.arena, "deadline: %s\nsectors: [music, film]\n", cases[i].deadline));
        call("two", "deadline: 2027-01-12\nsectors: [music]\n");
        on_day(0);
        if (i == 0) {
            (void)site_member(&rig, "mu@post.example", "language", "et", "sector", "music", NULL);
            (void)site_member(&rig, "fi@post.example", "language", "et", "sector", "film", NULL);
            (void)site_member(&rig, "de@post.example", "language", "et", "sector", "design", NULL);
        }
        rc = plan(true, NULL, &summary, &err);
        if (rc != (total > 0 ? 0 : ERR_STATE) ||
            (rc == 0 && (summary.total != total || summary.nothing_new != 3 - total))) {
            fail_msg("%s: %d %s: %d of 3", cases[i].keys, rc, err.msg, (int)summary.total);
        }
    }
}

static void test_an_occurrence_is_sent_once(void **state)
{
    struct letter_summary summary;
    struct err err = {0};

    (void)state;
    call("grants", "deadline: 2027-01-11 17:00\n");
    on_day(0);
    (void)site_member(&rig, "mari@post.example", "language", "et", NULL);
    assert_int_equal(plan(false, "2026-12-01T09:00:00", &summary, &err), 0);
    assert_string_equal(summary.subject, "newsletters/weekly");
    (void)site_member(&rig, "new@post.example", "language", "et", NULL);
    assert_int_equal(plan(false, "2026-12-01T09:00:00", &summary, &err), ERR_EXISTS);
    assert_int_equal(plan(false, "2026-12-08T09:00:00", &summary, &err), 0);
    assert_int_equal(summary.total, 1);
    assert_int_equal(summary.nothing_new, 1);
}

static void test_what_is_no_automatic_letter_says_why(void **state)
{
    static const struct {
        const char *name;
        int code;
        const char *message;
    } bad[] = {
        {"newsletters/weekli", ERR_NOT_FOUND,
         "no newsletter 'weekli' in newsletters/; did you mean 'weekly'?"},
        {"newsletters/funding", ERR_STATE, "newsletters/funding.yaml is composed by hand"},
        {"newsletters/weekly", ERR_STATE, "nobody is on the list 'funding'"},
    };

    (void)state;
    on_day(0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct letter_options options = {.language = LANG_NONE};
        struct letter_summary summary;
        struct err err = {0};
        int rc = letter_plan(rig.compose, rig.arena, bad[i].name, &options, &summary, &err);

        if (rc != bad[i].code || strstr(err.msg, bad[i].message) == NULL) {
            fail_msg("%s: %d %s", bad[i].name, rc, err.msg);
        }
    }
}

/* ---- what stands in it ---- */

static void test_deadlines_alone_are_told_once(void **state)
{
    (void)state;
    write_newsletter("blocks: [deadlines]\n");
    call("near", "deadline: 2026-12-05 17:00\n");
    call("far", "deadline: 2027-01-11 17:00\n");
    on_day(0);
    (void)site_member(&rig, "mari@post.example", "language", "et", NULL);
    assert_string_equal(sees("mari@post.example"), "deadlines near closing soon");
    assert_int_equal(send_on(0), 1);
    assert_int_equal(send_on(1), 0);
}

static void test_the_subject_says_what_is_new(void **state)
{
    struct letter_view view;

    (void)state;
    call("grants", "deadline: 2027-01-11 17:00\n");
    site_write(&rig, "calls/grants.en.md", "title: Project grants\n");
    site_write(&rig, "events/forum.md", "title: Foorum\nstart: 2026-12-12 10:00\naccess: public\n");
    on_day(0);
    (void)site_member(&rig, "mari@post.example", "language", "et", NULL);
    (void)site_member(&rig, "ann@post.example", "language", "en", NULL);
    view = view_of("mari@post.example");
    assert_string_equal(view.subject, "Nädalakiri: 1 avatud taotlusvoor · 1 sündmus");
    assert_non_null(strstr(view.html, "Voor grants · Foorum"));
    view = view_of("ann@post.example");
    assert_string_equal(view.subject, "Weekly letter: 1 open call · 1 event");
    assert_non_null(strstr(view.text, "Project grants"));
}

static void test_an_introduction_stands_above_in_its_language(void **state)
{
    struct letter_view view;

    (void)state;
    site_write(&rig, "newsletters/weekly.intro.md", "Tere, {{member.name}}!\n\n{{> news}}\n");
    site_write(&rig, "newsletters/weekly.intro.en.md",
               "subject: Your week\npreheader: In short\n---\nHello {{member.name}}, good week!\n");
    call("grants", "deadline: 2027-01-11 17:00\n");
    site_write(&rig, "news/studio.md", "title: Stuudio\ndate: 2026-11-28\n");
    on_day(0);
    (void)site_member(&rig, "mari@post.example", "language", "et", "name", "Mari", NULL);
    (void)site_member(&rig, "ann@post.example", "language", "en", "name", "Ann", NULL);
    view = view_of("mari@post.example");
    assert_non_null(strstr(view.text, "Tere, Mari!"));
    assert_true(strstr(view.text, "Stuudio") < strstr(view.text, "Voor grants"));
    assert_null(strstr(strstr(view.text, "Stuudio") + 1, "Stuudio\n"));
    view = view_of("ann@post.example");
    assert_string_equal(view.subject, "Your week");
    assert_non_null(strstr(view.text, "Hello Ann, good week!"));
    assert_true(strstr(view.text, "Voor grants") < strstr(view.text, "Stuudio"));
}

static void test_a_letter_without_anything_new_says_so(void **state)
{
    (void)state;
    write_newsletter("skip_if_empty: no\n");
    call("grants", "deadline: 2027-01-11 17:00\n");
    on_day(0);
    (void)site_member(&rig, "ann@post.example", "language", "en", NULL);
    assert_null(strstr(view_of("ann@post.example").text, "Nothing new at the moment."));
    assert_int_equal(send_on(0), 1);
    on_day(1);
    assert_non_null(strstr(view_of("ann@post.example").text, "Nothing new at the moment."));
    assert_string_equal(view_of("ann@post.example").subject, "Weekly letter");
    assert_int_equal(send_on(1), 1);
}

static void test_introductions_that_cannot_be_used_are_reported(void **state)
{
    static const struct {
        const char *path;
        const char *text;
        const char *message;
    } bad[] = {
        {"newsletters/funding.intro.md", "Tere!\n", "there is no newsletters/funding.yaml with"},
        {"newsletters/weekly.intro.ru.md", "Tere!\n", "weekly.yaml is not sent in Russian"},
        {"newsletters/weekly.intro.xx.md", "Tere!\n", "'xx' is none of"},
        {"newsletters/weekly.md", "Tere!\n", "this is not <newsletter>.intro.md"},
        {"newsletters/weekly.intro.md", "Tere!\n\n{{member.nme}}\n",
         "newsletters/weekly.intro.md:3:1"},
        {"newsletters/weekly.intro.md", "subjekt: X\n---\nTere!\n", "unknown key 'subjekt'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = {0};
        struct content content;
        struct config config;
        struct report *report = report_new();

        site_write(&rig, bad[i].path, bad[i].text);
        assert_int_equal(config_load(rig.arena, rig.folder, report, &config, &err), 0);
        assert_int_equal(content_load(rig.arena, &config, NULL, SITE_NOW, report, &content, &err),
                         ERR_INVALID);
        if (strstr(err.msg, bad[i].message) == NULL) {
            fail_msg("%s: %s", bad[i].path, err.msg);
        }
        report_free(report);
        assert_int_equal(unlink(file_join(rig.arena, rig.folder, bad[i].path)), 0);
    }
}

int main(void)
{
#define AS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        AS_TEST(test_each_letter_tells_what_is_new_since_the_last),
        AS_TEST(test_who_joined_today_gets_what_is_still_open),
        AS_TEST(test_the_next_round_is_told_and_reminded_of_by_itself),
        AS_TEST(test_a_call_first_told_in_its_last_days_is_not_reminded_of),
        AS_TEST(test_what_an_issue_told_is_not_told_again),
        AS_TEST(test_keys_decide_who_gets_a_letter),
        AS_TEST(test_an_occurrence_is_sent_once),
        AS_TEST(test_what_is_no_automatic_letter_says_why),
        AS_TEST(test_deadlines_alone_are_told_once),
        AS_TEST(test_the_subject_says_what_is_new),
        AS_TEST(test_an_introduction_stands_above_in_its_language),
        AS_TEST(test_a_letter_without_anything_new_says_so),
        AS_TEST(test_introductions_that_cannot_be_used_are_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
