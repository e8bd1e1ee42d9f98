/* Who gets what: selections over a small site, sent and sent again. */
#include "teataja/compose/letter.h"

#include "teataja/compose/message.h"
#include "unit/compose/compose_site.h"

static struct site_rig rig;

static int set_up(void **state)
{
    (void)state;
    site_make(&rig);
    site_write(&rig, "calls/grants.md",
               "title: Projektitoetus\nfunder: Kultuurifond\nurl: https://fund.example/grants\n"
               "deadline: 2026-12-20 17:00\namount: { max: 5000 }\napplicants: [individual]\n"
               "sectors: [music]\nsummary: Lühike tutvustus.\n");
    site_write(&rig, "calls/grants.en.md", "title: Project grants\nsummary: In short.\n");
    site_write(&rig, "calls/rolling.md",
               "title: Jooksev voor\nuntil: budget_spent\ndeadline: none\nregions: [EE]\n"
               "url: https://fund.example/rolling\nsummary: Kuni raha jätkub.\n");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    site_remove(&rig);
    return 0;
}

static void plan(const char *slug, bool dry, struct letter_summary *out)
{
    const struct letter_options options = {.dry_run = dry, .language = LANG_NONE};
    struct err err = {0};

    if (letter_plan(rig.compose, rig.arena, slug, &options, out, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

/* What a member sees: "calls grants new; still_open rolling ;". */
static const char *sees(const char *member)
{
    const struct letter_preview options = {.member = member, .language = LANG_NONE};
    struct letter_view view;
    struct err err = {0};
    const char *out = "";

    if (letter_preview(rig.compose, rig.arena, "december", &options, &view, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    out = language_tag(view.language);
    for (size_t i = 0; i < view.line_count; i++) {
        out = arena_printf(rig.arena, "%s; %s %s %s", out, view.lines[i].block, view.lines[i].slug,
                           view.lines[i].note);
    }
    return out;
}

/* Plans another issue with the same blocks and says that all of it went out. */
static void send_all(const char *slug)
{
    struct letter_summary summary;
    struct db_stmt *stmt = NULL;

    plan(slug, false, &summary);
    assert_int_equal(db_query_text(rig.db, "UPDATE outbox SET state = 'sent'", &stmt, NULL), 0);
    assert_int_equal(db_run(stmt, NULL), 0);
}

static void test_a_call_is_told_to_whom_it_matches_and_only_once(void **state)
{
    (void)state;
    site_open(&rig);
    (void)site_member(&rig, "mari@post.example", "name", "Mari", "language", "et", "kind",
                      "individual", "sector", "music", "region", "EE00A", NULL);
    (void)site_member(&rig, "jan@post.example", "language", "en", "kind", "company_sme", "region",
                      "PL", NULL);
    (void)site_member(&rig, "empty@post.example", "language", "ru", NULL);
    assert_string_equal(sees("mari@post.example"), "et; calls grants new; calls rolling new");
    assert_string_equal(sees("jan@post.example"), "en");
    assert_string_equal(sees("empty@post.example"), "et; calls grants new; calls rolling new");
    send_all("december");
    assert_string_equal(sees("mari@post.example"), "et; still_open grants ; still_open rolling ");
    assert_string_equal(sees("jan@post.example"), "en");
}

static void test_a_moved_deadline_and_an_end_are_told(void **state)
{
    (void)state;
    site_open(&rig);
    (void)site_member(&rig, "mari@post.example", "language", "et", NULL);
    send_all("december");
    site_write(&rig, "calls/grants.md",
               "title: Projektitoetus\ndeadline: 2027-01-10 17:00\nmoved_from: 2026-12-20 17:00\n");
    site_write(&rig, "calls/grants.en.md", "title: Project grants\n");
    site_write(&rig, "calls/rolling.md",
               "title: Jooksev voor\nuntil: budget_spent\ndeadline: none\nstatus: exhausted\n");
    site_open(&rig);
    (void)site_member(&rig, "new@post.example", "language", "et", NULL);
    assert_string_equal(sees("mari@post.example"), "et; calls grants moved; calls rolling closed");
    assert_string_equal(sees("new@post.example"), "et; calls grants new");
    site_write(&rig, "issues/next.md", "newsletter: funding\nsubject: Veel\n---\n{{> calls}}\n");
    site_open(&rig);
    send_all("next");
    assert_string_equal(sees("mari@post.example"), "et; still_open grants ");
}

static void test_the_next_round_is_new(void **state)
{
    (void)state;
    site_write(&rig, "calls/rounds.md", "title: Voorud\nrounds: [2026-12-10, 2027-02-20]\n");
    site_open(&rig);
    (void)site_member(&rig, "mari@post.example", "language", "et", "sector", "film", "region", "PL",
                      NULL);
    assert_string_equal(sees("mari@post.example"), "et; calls rounds new");
    send_all("december");
    assert_string_equal(sees("mari@post.example"), "et; still_open rounds ");
    clock_fix(SITE_NOW + 12 * CLOCK_DAY, 0);
    site_open(&rig);
    assert_string_equal(sees("mari@post.example"), "et; calls rounds new");
}

static void test_events_are_shown_to_those_who_may_see_them(void **state)
{
    static const struct {
        const char *slug;
        const char *text;
    } events[] = {
        {"open-day", "start: 2026-12-12 10:00\naccess: public\n"},
        {"training", "start: 2026-12-13 10:00\naccess: closed\nlist: events\n"
                     "audience: 'sector = music'\n"},
        {"team", "start: 2026-12-14 10:00\naccess: internal\n"},
        {"far", "start: 2027-05-14 10:00\naccess: public\n"},
        {"past", "start: 2026-11-14 10:00\naccess: public\n"},
        {"off", "start: 2026-12-15 10:00\naccess: public\nstatus: cancelled\n"},
        {"music-night", "start: 2026-12-16 20:00\naudience: 'sector = music'\naccess: public\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        site_write(&rig, arena_printf(rig.arena, "events/%s.md", events[i].slug),
                   arena_printf(rig.arena, "title: %s\n%s", events[i].slug, events[i].text));
    }
    site_open(&rig);
    (void)site_member(&rig, "mari@post.example", "language", "et", "sector", "music", "kind",
                      "nonprofit", "region", "PL", NULL);
    (void)site_member(&rig, "jaan@post.example", "language", "et", "sector", "film", "kind",
                      "nonprofit", "region", "PL", NULL);
    assert_string_equal(sees("mari@post.example"),
                        "et; events open-day ; events training ; events music-night ");
    assert_string_equal(sees("jaan@post.example"), "et; events open-day ");
}

static void test_news_is_told_once_and_while_it_is_fresh(void **state)
{
    (void)state;
    site_write(&rig, "news/studio.md", "title: Stuudio\ndate: 2026-11-20\nsectors: [design]\n");
    site_write(&rig, "news/old.md", "title: Vana\ndate: 2026-01-20\n");
    site_write(&rig, "news/over.md", "title: Läbi\ndate: 2026-11-20\nuntil: 2026-11-30\n");
    site_open(&rig);
    (void)site_member(&rig, "mari@post.example", "language", "et", "sector", "design", "region",
                      "PL", NULL);
    (void)site_member(&rig, "jaan@post.example", "language", "et", "sector", "film", "region", "PL",
                      NULL);
    assert_string_equal(sees("mari@post.example"), "et; news studio ");
    assert_string_equal(sees("jaan@post.example"), "et");
    send_all("december");
    assert_string_equal(sees("mari@post.example"), "et");
}

static void test_equal_selections_share_a_variant(void **state)
{
    struct letter_summary summary;
    char email[40];

    (void)state;
    site_open(&rig);
    for (int i = 0; i < 300; i++) {
        (void)snprintf(email, sizeof(email), "m%d@post.example", i);
        (void)site_member(&rig, email, "language", i % 3 == 0 ? "en" : "et", "sector",
                          i % 2 == 0 ? "music" : "film", "region", "EE00A",
                          i % 2 == 0 ? "name" : NULL, "Mari", NULL);
    }
    plan("december", true, &summary);
    assert_int_equal(summary.mailing, 0);
    assert_int_equal(summary.total, 300);
    assert_int_equal(summary.group_count, 4);
    assert_int_equal(summary.groups[0].recipients, 100);
    assert_true(summary.not_after > SITE_NOW);
    assert_int_equal(summary.reasons.get_it, 300);
}

static void test_an_issue_is_sent_once(void **state)
{
    const struct letter_options options = {.language = LANG_NONE};
    struct letter_summary summary;
    struct err err = {0};

    (void)state;
    site_open(&rig);
    (void)site_member(&rig, "mari@post.example", "language", "et", NULL);
    plan("december", false, &summary);
    assert_true(summary.mailing > 0);
    assert_int_equal(letter_plan(rig.compose, rig.arena, "december", &options, &summary, &err),
                     ERR_EXISTS);
    plan("december", true, &summary);
    assert_int_equal(summary.warning_count, 1);
    assert_non_null(strstr(summary.warnings[0], "is mailing 1 already"));
}

static void test_a_test_letter_goes_to_its_address_and_is_not_had(void **state)
{
    const struct letter_options options = {
        .test = "editor@cluster.example", .as = "mari@post.example", .language = LANG_NONE};
    struct letter_summary summary;
    struct composer *composer = NULL;
    struct str message;
    char sender[LIMIT_ADDRESS + 1];
    struct delivery_job job = {.member = 0, .row = 1, .address = "editor@cluster.example"};
    struct db_stmt *stmt = NULL;
    struct err err = {0};

    (void)state;
    site_open(&rig);
    (void)site_member(&rig, "mari@post.example", "name", "Mari", "language", "et", NULL);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(letter_plan(rig.compose, rig.arena, "december", &options, &summary, &err),
                         0);
        assert_int_equal(summary.total, 1);
    }
    assert_string_equal(sees("mari@post.example"), "et; calls grants new; calls rolling new");
    assert_int_equal(
        db_query_text(rig.db, "SELECT id, mailing, variant, slots FROM outbox", &stmt, NULL), 0);
    assert_int_equal(db_next(stmt, NULL), 1);
    job.row = db_int(stmt, 0);
    job.mailing = db_int(stmt, 1);
    job.variant = db_int(stmt, 2);
    job.slots = db_dup(stmt, 3, rig.arena);
    db_stmt_free(stmt);
    assert_int_equal(composer_open(db_path(rig.db), &rig.key, &composer, &err), 0);
    str_init(&message, LIMIT_MESSAGE);
    if (composer_message(composer, &job, &message, sender, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_non_null(strstr(message.data, "\r\nTo: Mari <editor@cluster.example>\r\n"));
    assert_non_null(strstr(message.data, "\r\nSubject: "));
    assert_non_null(strstr(message.data, "Tere, Mari!"));
    str_release(&message);
    composer_close(composer);
}

static void test_what_cannot_be_sent_says_why(void **state)
{
    static const struct {
        const char *slug;
        const char *file;
        const char *text;
        int code;
        const char *message;
    } bad[] = {
        {"decembre", NULL, NULL, ERR_NOT_FOUND,
         "no issue 'decembre' in issues/; did you mean 'december'?"},
        {"narrow", "issues/narrow.md",
         "newsletter: funding\nsubject: X\naudience: 'sector = design'\n---\nX\n", ERR_STATE,
         "nobody would get issues/narrow"},
        {"wrong", "issues/wrong.md",
         "newsletter: funding\nsubject: X\naudience: 'secter = design'\n---\nX\n", ERR_INVALID,
         "issues/wrong.md: audience: column 1: no field 'secter'"},
        {"paid", "issues/paid.md", "newsletter: funding\nsubject: X\nfunded_by: [over]\n---\nX\n",
         ERR_STATE, "project 'over' runs from 2024-01-01 to 2025-12-31 and cannot pay"},
        {"mute", "issues/mute.md",
         "newsletter: funding\nsubject: X\nfunded_by: [english]\n---\nX\n", ERR_INVALID,
         "projects/english.yaml: the notice has no text in Estonian"},
    };

    (void)state;
    site_write(&rig, "projects/over.yaml",
               "name: Over\nfrom: 2024-01-01\nto: 2025-12-31\nnotice: Paid by the Union.\n");
    site_write(&rig, "projects/english.yaml",
               "name: English\nfrom: 2024-01-01\nto: 2029-12-31\nnotice: { en: Paid by it. }\n");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (bad[i].file != NULL) {
            site_write(&rig, bad[i].file, bad[i].text);
        }
    }
    site_open(&rig);
    (void)site_member(&rig, "mari@post.example", "language", "et", "sector", "music", NULL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct letter_options options = {.language = LANG_NONE};
        struct letter_summary summary;
        struct err err = {0};
        int rc = letter_plan(rig.compose, rig.arena, bad[i].slug, &options, &summary, &err);

        if (rc != bad[i].code || strstr(err.msg, bad[i].message) == NULL) {
            fail_msg("%s: %d %s", bad[i].slug, rc, err.msg);
        }
    }
    struct db_stmt *stmt = NULL;

    assert_int_equal(db_query_text(rig.db, "SELECT count(*) FROM mailing", &stmt, NULL), 0);
    assert_int_equal(db_next(stmt, NULL), 1);
    assert_int_equal(db_int(stmt, 0), 0);
    db_stmt_free(stmt);
}

static void test_a_long_letter_leaves_details_out_and_a_longer_one_is_refused(void **state)
{
    const struct letter_preview options = {.language = LANG_ET};
    struct letter_view view;
    struct err err = {0};
    int rc;

    (void)state;
    for (int i = 0; i < 24; i++) {
        site_write(&rig, arena_printf(rig.arena, "calls/c%02d.md", i),
                   "title: Voor\nurl: https://fund.example/x\ndeadline: 2026-12-20\n"
                   "summary: Lühike tutvustus.\nsectors: [music, design, film]\n"
                   "contact: { name: Maie, email: maie@fund.example }\napplicants: [individual]\n");
    }
    site_open(&rig);
    rc = letter_preview(rig.compose, rig.arena, "december", &options, &view, &err);
    if (rc < 0) {
        fail_msg("%s", err.msg);
    }
    assert_null(strstr(view.text, "maie@fund.example"));
    for (int i = 24; i < 120; i++) {
        site_write(&rig, arena_printf(rig.arena, "calls/c%02d.md", i),
                   "title: Voor\nurl: https://fund.example/x\ndeadline: 2026-12-20\n");
    }
    site_open(&rig);
    assert_int_equal(letter_preview(rig.compose, rig.arena, "december", &options, &view, &err),
                     ERR_LIMIT);
    assert_non_null(strstr(err.msg, "give calls a summary"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_call_is_told_to_whom_it_matches_and_only_once,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_moved_deadline_and_an_end_are_told, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_the_next_round_is_new, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_events_are_shown_to_those_who_may_see_them, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_news_is_told_once_and_while_it_is_fresh, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_equal_selections_share_a_variant, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_issue_is_sent_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_test_letter_goes_to_its_address_and_is_not_had,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_sent_says_why, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_long_letter_leaves_details_out_and_a_longer_one_is_refused, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
