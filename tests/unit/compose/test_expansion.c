/* A mailing longer than a chunk: everybody gets one row, or nobody any. */
#include "teataja/compose/invite.h"
#include "teataja/compose/letter.h"
#include "unit/compose/compose_site.h"

enum { MEMBERS = 2300 }; /* two whole chunks and a part of one */

static struct site_rig rig;

static const char forum[] = "title: Foorum\n"
                            "list: events\n"
                            "access: closed\n"
                            "start: 2027-02-03 10:00\n"
                            "end: 2027-02-03 16:00\n"
                            "---\nTulge!\n";

static void run_text(const char *text)
{
    struct db_stmt *stmt = NULL;
    struct err err = {0};

    if (db_query_text(rig.db, text, &stmt, &err) < 0 || db_run(stmt, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static int64_t number(const char *text)
{
    struct db_stmt *stmt = NULL;
    int64_t out;

    assert_int_equal(db_query_text(rig.db, text, &stmt, NULL), 0);
    assert_int_equal(db_next(stmt, NULL), 1);
    out = db_int(stmt, 0);
    db_stmt_free(stmt);
    return out;
}

/* The last one reads English, the others Estonian. */
static void add_members(void)
{
    char text[600];

    (void)snprintf(text, sizeof(text),
                   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
                   " INSERT INTO member (id, uid, email, email_key, name, languages, joined_at,"
                   " changed_at)"
                   " SELECT i, 'u' || i, 'm' || i || '@post.example', 'm' || i || '@post.example',"
                   " 'Mari', iif(i = %d, 'en', 'et'), 0, 0 FROM n",
                   MEMBERS, MEMBERS);
    run_text(text);
    run_text("INSERT INTO subscription SELECT member.id, list.id, 'active', 'membership', 0"
             " FROM member, list");
}

static int set_up(void **state)
{
    (void)state;
    site_make(&rig);
    site_write(&rig, "events/foorum.md", forum);
    site_write(&rig, "projects/eesti.yaml",
               "name: Projekt\nprogramme: Fond\nnumber: 1\nfrom: 2026-01-01\nto: 2028-01-01\n"
               "notice: { et: Rahastab fond. }\n");
    site_write(&rig, "issues/paid.md",
               "newsletter: funding\nsubject: X\nfunded_by: [eesti]\n---\nTere!\n");
    site_write(&rig, "issues/paid.en.md", "subject: X\n---\nHello!\n");
    site_open(&rig);
    add_members();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    site_remove(&rig);
    return 0;
}

static int send(const char *slug, bool dry, struct letter_summary *out, struct err *err)
{
    const struct letter_options options = {.dry_run = dry, .language = LANG_NONE};

    return letter_plan(rig.compose, rig.arena, slug, &options, out, err);
}

static int invite(bool dry, struct invite_summary *out, struct err *err)
{
    const struct invite_options options = {.dry_run = dry, .language = LANG_NONE};

    return invite_plan(rig.compose, rig.arena, "foorum", &options, out, err);
}

static int64_t left_behind(void)
{
    return number("SELECT (SELECT count(*) FROM mailing) + (SELECT count(*) FROM outbox)"
                  " + (SELECT count(*) FROM variant) + (SELECT count(*) FROM mailing_part)");
}

static bool has_lock(void)
{
    char **names = NULL;
    size_t count = 0;

    assert_int_equal(file_list(rig.arena, rig.folder, &names, &count, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        if (strstr(names[i], ".lock") != NULL) {
            return true;
        }
    }
    return false;
}

static void test_a_letter_gives_everybody_one_row_of_their_variant(void **state)
{
    struct letter_summary summary;
    struct err err = {0};

    (void)state;
    if (send("december", false, &summary, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(summary.total, MEMBERS);
    assert_int_equal(summary.group_count, 2);
    assert_int_equal(summary.groups[0].recipients, MEMBERS - 1);
    assert_int_equal(summary.groups[1].recipients, 1);
    assert_int_equal(number("SELECT count(DISTINCT member) FROM outbox"), MEMBERS);
    assert_int_equal(number("SELECT count(*) FROM outbox JOIN variant ON variant.id ="
                            " outbox.variant JOIN member ON member.id = outbox.member"
                            " WHERE variant.lang = member.languages"),
                     MEMBERS);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE state = 'queued'"
                            " AND length(hash) = 32"),
                     1);
    assert_false(has_lock());
}

static void test_a_variant_that_cannot_be_rendered_leaves_nothing_behind(void **state)
{
    struct letter_summary summary;
    struct err err = {0};

    (void)state;
    assert_int_equal(send("paid", false, &summary, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "the notice has no text in English"));
    assert_int_equal(left_behind(), 0);
    assert_false(has_lock());
}

static void test_a_dry_run_writes_nothing(void **state)
{
    struct letter_summary letter;
    struct invite_summary invited;
    struct err err = {0};

    (void)state;
    if (send("december", true, &letter, &err) < 0 || invite(true, &invited, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(letter.total, MEMBERS);
    assert_int_equal(letter.mailing, 0);
    assert_int_equal(invited.total, MEMBERS);
    assert_int_equal(left_behind(), 0);
    assert_int_equal(number("SELECT (SELECT count(*) FROM invitation) + (SELECT count(*) FROM"
                            " event)"),
                     0);
}

static void test_invitations_are_written_beside_their_messages(void **state)
{
    struct invite_summary summary;
    struct err err = {0};

    (void)state;
    if (invite(false, &summary, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(summary.total, MEMBERS);
    assert_int_equal(number("SELECT count(*) FROM outbox JOIN invitation"
                            " ON invitation.member = outbox.member"
                            " AND invitation.id = json_extract(outbox.slots, '$[3]')"
                            " AND invitation.organizer = json_extract(outbox.slots, '$[4]')"),
                     MEMBERS);
    assert_false(has_lock());
}

static void test_when_nobody_is_left_to_invite_the_event_stays_as_it_was(void **state)
{
    struct invite_summary summary;
    struct err err = {0};

    (void)state;
    if (invite(false, &summary, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    site_write(&rig, "events/foorum.md",
               "title: Foorum\nlist: events\naccess: closed\n"
               "start: 2027-02-04 10:00\nend: 2027-02-04 16:00\n"
               "---\nTulge!\n");
    site_open(&rig);
    assert_int_equal(invite(false, &summary, &err), ERR_STATE);
    assert_non_null(strstr(err.msg, "nobody is left to invite"));
    assert_int_equal(number("SELECT count(*) FROM mailing"), 1);
    /* Or an update would have nothing to tell. */
    assert_int_equal(number("SELECT sequence FROM event"), 0);
}

static void test_who_joins_later_is_invited_by_a_mailing_of_its_own(void **state)
{
    struct invite_summary summary;
    struct err err = {0};

    (void)state;
    if (invite(false, &summary, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    (void)site_member(&rig, "late@post.example", "language", "et", NULL);
    if (invite(false, &summary, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(summary.total, 1);
    assert_int_equal(summary.invited_before, MEMBERS);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE state = 'queued'"), 2);
}

static void test_an_event_decades_ahead_is_not_over(void **state)
{
    struct invite_summary summary;
    struct err err = {0};

    (void)state;
    site_write(
        &rig, "events/foorum.md",
        "title: Foorum\nlist: events\nstart: 2099-06-01 10:00\naccess: closed\n---\nTere!\n");
    site_open(&rig);
    if (invite(true, &summary, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(summary.total, MEMBERS);
    site_write(
        &rig, "events/foorum.md",
        "title: Foorum\nlist: events\nstart: 2026-06-01 10:00\naccess: closed\n---\nTere!\n");
    site_open(&rig);
    assert_int_equal(invite(true, &summary, &err), ERR_STATE);
    assert_non_null(strstr(err.msg, "the event is over"));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_letter_gives_everybody_one_row_of_their_variant),
        CASE(test_a_variant_that_cannot_be_rendered_leaves_nothing_behind),
        CASE(test_a_dry_run_writes_nothing),
        CASE(test_invitations_are_written_beside_their_messages),
        CASE(test_when_nobody_is_left_to_invite_the_event_stays_as_it_was),
        CASE(test_an_event_decades_ahead_is_not_over),
        CASE(test_who_joins_later_is_invited_by_a_mailing_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
