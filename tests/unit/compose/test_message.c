/* Whole messages, byte for byte, with a fixed clock and key: tests/data/golden.
 * TEATAJA_GOLDEN=write writes them anew, after a look at the difference. */
#include "teataja/base/mem.h"
#include "teataja/compose/message.h"

#include "teataja/compose/invite.h"
#include "teataja/compose/letter.h"
#include "unit/compose/compose_site.h"

static struct site_rig rig;

/* A PNG of one pixel. */
static const unsigned char pixel[] = {
    0x89, 'P',  'N',  'G',  '\r', '\n', 0x1A, '\n', 0,    0,    0,    13,   'I',  'H',
    'D',  'R',  0,    0,    0,    1,    0,    0,    0,    1,    8,    0,    0,    0,
    0,    0x3A, 0x7E, 0x9B, 0x55, 0,    0,    0,    10,   'I',  'D',  'A',  'T',  0x78,
    0x9C, 0x63, 0x68, 0,    0,    0,    0x82, 0,    0x81, 0x77, 0xCD, 0x72, 0xB6, 0,
    0,    0,    0,    'I',  'E',  'N',  'D',  0xAE, 0x42, 0x60, 0x82};

/* Templates of their own, so that a change of design changes nothing here. */
static const char *const templates[][2] = {
    {"letter.html",
     "<!DOCTYPE html>\n<html lang=\"{{lang}}\"><title>{{title}}</title>\n"
     "{{#brand.logo}}<img src=\"{{src}}\" alt=\"{{alt}}\" width=\"{{width}}\">{{/brand.logo}}\n"
     "{{{body_html}}}\n<a href=\"{{web.leave}}\">{{t.footer.leave}}</a>\n"
     "{{#notices}}{{#logos}}<img src=\"{{src}}\" alt=\"{{alt}}\">{{/logos}}"
     "{{#lines}}<p>{{line}}</p>{{/lines}}{{/notices}}\n</html>\n"},
    {"letter.txt", "{{title}}\n\n{{body_text}}\n\n{{t.footer.leave}}: {{web.leave}}\n"},
    {"calls.html",
     "{{#calls}}{{#items}}<h3>{{title}}</h3><p>{{deadline.text}}</p>{{/items}}{{/calls}}"},
    {"calls.txt",
     "{{#calls}}\n{{#items}}\n- {{title}}, {{deadline.text}}\n{{/items}}\n{{/calls}}\n"},
    {"invitation.html",
     "<!DOCTYPE html>\n<html lang=\"{{lang}}\"><h1>{{event.title}}</h1><p>{{event.when}}</p>\n"
     "{{#answer}}<a href=\"{{yes}}\">{{t.event.answer_yes}}</a>{{/answer}}\n</html>\n"},
    {"invitation.txt", "{{event.title}}\n{{event.when}}\n{{#answer}}\n{{yes}}\n{{/answer}}\n"},
    {NULL, NULL},
};

static int set_up(void **state)
{
    (void)state;
    site_make(&rig);
    for (size_t i = 0; templates[i][0] != NULL; i++) {
        site_write(&rig, arena_printf(rig.arena, "templates/mail/%s.mustache", templates[i][0]),
                   templates[i][1]);
    }
    site_write(&rig, "calls/grants.md",
               "title: Projektitoetus\ndeadline: 2026-12-20 17:00 Europe/Brussels\n");
    site_write(
        &rig, "projects/sea.yaml",
        "name: Meri\nfrom: 2026-01-01\nto: 2027-12-31\n"
        "logos: [{ file: assets/logo.png, alt: Lipp }]\nnotice: Kaasrahastanud Euroopa Liit.\n");
    site_write(&rig, "issues/sea.md",
               "newsletter: funding\nsubject: \"Meri, {{member.name}}\"\nfunded_by: [sea]\n---\n"
               "Tere, {{member.name}}! See lõik on nii pikk, et ta ei mahu ühele reale, ja nimi "
               "{{member.name}} seisab selle sees.\n\n{{> calls}}\n\n"
               "Teie aadress on {{member.email}}. [Lahku]({{web.leave}})\n");
    site_write(&rig, "events/forum.md",
               "title: Foorum\nstart: 2027-02-04 10:00\nend: 2027-02-05 16:00\nlist: events\n"
               "location: { name: Kreenholm }\naccess: closed\n");
    site_write(&rig, "assets/x", "");
    assert_int_equal(file_write(file_join(rig.arena, rig.folder, "assets/logo.png"), pixel,
                                sizeof(pixel), 0644, NULL),
                     0);
    site_open(&rig);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    site_remove(&rig);
    return 0;
}

/* The message of the outbox's row number `index`, and its sender. */
static char *compose(int64_t index, char sender[LIMIT_ADDRESS + 1])
{
    struct composer *composer = NULL;
    struct delivery_job job = {0};
    struct db_stmt *stmt = NULL;
    struct err err = {0};
    struct str message;
    char *out;

    assert_int_equal(db_query_text(rig.db,
                                   "SELECT id, mailing, variant, coalesce(member, 0), address, "
                                   "slots FROM outbox ORDER BY id LIMIT 1 OFFSET $1",
                                   &stmt, NULL),
                     0);
    assert_int_equal(db_bind_int(stmt, 1, index, NULL), 0);
    assert_int_equal(db_next(stmt, NULL), 1);
    job.row = db_int(stmt, 0);
    job.mailing = db_int(stmt, 1);
    job.variant = db_int(stmt, 2);
    job.member = db_int(stmt, 3);
    job.address = db_dup(stmt, 4, rig.arena);
    job.slots = db_dup(stmt, 5, rig.arena);
    db_stmt_free(stmt);
    assert_int_equal(composer_open(db_path(rig.db), &rig.key, &composer, &err), 0);
    str_init(&message, LIMIT_MESSAGE);
    if (composer_message(composer, &job, &message, sender, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    out = arena_strdup(rig.arena, message.data);
    str_release(&message);
    composer_close(composer);
    return out;
}

static void assert_golden(const char *name, const char *message)
{
    const char *path = arena_printf(rig.arena, TEST_SOURCE_DIR "/tests/data/golden/%s", name);
    const char *write = getenv("TEATAJA_GOLDEN");
    struct err err = {0};
    char *golden = NULL;

    if (write != NULL && strcmp(write, "write") == 0) {
        assert_int_equal(file_write(path, message, strlen(message), 0644, &err), 0);
    }
    if (file_read(rig.arena, path, LIMIT_MESSAGE, &golden, NULL, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    if (strcmp(golden, message) != 0) {
        (void)fprintf(stderr, "%s\n", message);
        fail_msg("differs from %s", path);
    }
}

static void add_members(void)
{
    (void)site_member(&rig, "onne@post.example", "name", "Õnne \"Õ\" <b>Maasikas", "language", "et",
                      NULL);
    (void)site_member(&rig, "nameless@post.example", "language", "et", NULL);
}

static void send_sea(void)
{
    const struct letter_options options = {.language = LANG_NONE};
    struct letter_summary summary;
    struct err err = {0};

    if (letter_plan(rig.compose, rig.arena, "sea", &options, &summary, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(summary.total, 2);
    assert_int_equal(summary.group_count, 1);
}

static void test_a_letter_is_what_it_was(void **state)
{
    char sender[LIMIT_ADDRESS + 1];
    char again[LIMIT_ADDRESS + 1];
    const char *message;

    (void)state;
    add_members();
    send_sea();
    message = compose(0, sender);
    assert_golden("letter.eml", message);
    assert_string_equal(compose(0, again), message);
    assert_string_equal(again, sender);
    assert_non_null(strstr(sender, "@bounce.cluster.example"));
}

static void test_who_has_no_name_is_greeted_without_one(void **state)
{
    char sender[LIMIT_ADDRESS + 1];
    const char *message;

    (void)state;
    add_members();
    send_sea();
    message = compose(1, sender);
    assert_golden("letter-nameless.eml", message);
    assert_non_null(strstr(message, "\r\nSubject: Meri\r\n"));
    assert_non_null(strstr(message, "\r\nTere! "));
    assert_non_null(strstr(message, "<p"));
}

/* True if a line may differ between a preview and what is sent. */
static bool is_named(const char *line, size_t len)
{
    static const char *const named[] = {"Message-ID:", "=_", "/leave/", "mailto:u-"};
    const char *text = arena_strndup(rig.arena, line, len);

    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        if (strstr(text, named[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static void test_a_preview_is_the_message_but_for_what_it_names(void **state)
{
    const struct letter_preview options = {.member = "onne@post.example", .language = LANG_NONE};
    struct letter_view view;
    char sender[LIMIT_ADDRESS + 1];
    struct err err = {0};
    const char *sent;
    const char *shown;
    size_t lines = 0;

    (void)state;
    add_members();
    assert_int_equal(letter_preview(rig.compose, rig.arena, "sea", &options, &view, &err), 0);
    send_sea();
    sent = compose(0, sender);
    for (shown = view.eml; *shown != '\0'; lines++) {
        size_t one = strcspn(shown, "\n") + 1;
        size_t other = strcspn(sent, "\n") + 1;

        if ((one != other || memcmp(shown, sent, one) != 0) && !is_named(shown, one)) {
            fail_msg("%.*s and not %.*s", (int)one, shown, (int)other, sent);
        }
        shown += one;
        sent += other;
    }
    assert_true(lines > 60);
    assert_int_equal(*sent, '\0');
    assert_non_null(strstr(view.html, "src=\"data:image/png;base64,iVBOR"));
    assert_non_null(strstr(view.html, "Õnne &quot;Õ&quot; &lt;b&gt;Maasikas"));
    assert_non_null(strstr(view.text, "Õnne \"Õ\" <b>Maasikas"));
    assert_string_equal(view.subject, "Meri, Õnne \"Õ\" <b>Maasikas");
}

static void invite(const struct invite_options *options, int code, struct invite_summary *out)
{
    struct err err = {0};
    int rc = invite_plan(rig.compose, rig.arena, "forum", options, out, &err);

    if (rc != code) {
        fail_msg("%d %s", rc, err.msg);
    }
}

static void test_an_invitation_is_what_it_was_and_goes_once(void **state)
{
    struct invite_options options = {.language = LANG_NONE};
    struct invite_summary summary;
    char sender[LIMIT_ADDRESS + 1];
    const char *message;

    (void)state;
    (void)site_member(&rig, "onne@post.example", "name", "Õnne", "language", "et", NULL);
    invite(&options, 0, &summary);
    assert_int_equal(summary.total, 1);
    message = compose(0, sender);
    assert_golden("invitation.eml", message);
    invite(&options, ERR_STATE, &summary);
    (void)site_member(&rig, "late@post.example", "language", "ru", NULL);
    options.dry_run = true;
    invite(&options, 0, &summary);
    assert_int_equal(summary.total, 1);
    assert_int_equal(summary.invited_before, 1);
    options.dry_run = false;
    invite(&options, 0, &summary);
    options.again = true;
    invite(&options, 0, &summary);
    assert_int_equal(summary.total, 2);
}

static void test_a_tried_invitation_invites_nobody(void **state)
{
    const struct invite_options options = {.test = "editor@cluster.example", .language = LANG_ET};
    struct invite_summary summary;
    struct db_stmt *stmt = NULL;

    (void)state;
    (void)site_member(&rig, "onne@post.example", "name", "Õnne", "language", "et", NULL);
    invite(&options, 0, &summary);
    assert_int_equal(summary.total, 1);
    assert_int_equal(db_query_text(rig.db, "SELECT count(*) FROM invitation", &stmt, NULL), 0);
    assert_int_equal(db_next(stmt, NULL), 1);
    assert_int_equal(db_int(stmt, 0), 0);
    db_stmt_free(stmt);
}

static void test_a_row_that_was_tampered_with_fails_alone(void **state)
{
    struct delivery_job job = {.row = 1,
                               .mailing = 1,
                               .variant = 1,
                               .member = 1,
                               .address = "onne@post.example",
                               .slots = "[1]"};
    struct composer *composer = NULL;
    char sender[LIMIT_ADDRESS + 1];
    struct err err = {0};
    struct str message;

    (void)state;
    add_members();
    send_sea();
    str_init(&message, LIMIT_MESSAGE);
    assert_int_equal(composer_open(db_path(rig.db), &rig.key, &composer, &err), 0);
    assert_int_equal(composer_message(composer, &job, &message, sender, &err), ERR_CORRUPT);
    job.variant = 99;
    assert_int_equal(composer_message(composer, &job, &message, sender, &err), ERR_CORRUPT);
    assert_string_equal(err.msg, "mailing 1 has no variant 99");
    composer_close(composer);
    str_release(&message);
}

/* Lets one allocation after another fail until none is left to fail. */
static void test_no_memory_is_an_error_and_no_more(void **state)
{
    const struct letter_options send = {.language = LANG_NONE};
    const struct invite_options invitations = {.language = LANG_NONE};
    const struct letter_preview show = {.language = LANG_ET};
    bool done[4] = {false, false, false, false};

    (void)state;
    add_members();
    for (unsigned long nth = 1; !done[0] || !done[1] || !done[2] || !done[3]; nth += 3) {
        for (size_t act = 0; act < 4; act++) {
            struct letter_summary letter;
            struct invite_summary invited;
            struct letter_view view;
            struct err err = {0};
            int rc = 0;

            if (done[act]) {
                continue;
            }
            mem_fail_at(nth, 0);
            switch (act) {
            case 0:
                rc = letter_preview(rig.compose, rig.arena, "sea", &show, &view, &err);
                break;
            case 1:
                rc = invite_preview(rig.compose, rig.arena, "forum", &show, &view, &err);
                break;
            case 2:
                rc = letter_plan(rig.compose, rig.arena, "sea", &send, &letter, &err);
                break;
            default:
                rc = invite_plan(rig.compose, rig.arena, "forum", &invitations, &invited, &err);
                break;
            }
            done[act] = rc == 0 && (act >= 2 || mem_count() < nth);
            mem_fail_at(0, 0);
            if (rc != 0 && rc != ERR_NOMEM) {
                fail_msg("act %zu, allocation %lu: %d %s", act, nth, rc, err.msg);
            }
        }
        assert_true(nth < 200000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_letter_is_what_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_has_no_name_is_greeted_without_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_preview_is_the_message_but_for_what_it_names, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_an_invitation_is_what_it_was_and_goes_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_tried_invitation_invites_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_row_that_was_tampered_with_fails_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory_is_an_error_and_no_more, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
