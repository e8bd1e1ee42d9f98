/* Who may approve what, and what makes an approval void. */
#include "teataja/compose/approval.h"

#include "teataja/compose/approval_send.h"
#include "teataja/compose/letter.h"
#include "unit/compose/compose_site.h"

#define NEWSLETTER                                                                                 \
    "name: { et: Rahastuskiri, en: Funding letter }\nlist: funding\n"                              \
    "from: { name: Loomeklaster, address: letters@cluster.example }\n"                             \
    "languages: [et, en, ru]\nfallback: et\napproval_tolerance: 25%\n"

static struct site_rig rig;
static struct err err;

static const struct approval_person kati = {.name = "Kati", .how = "cli"};
static const struct approval_person mati = {
    .name = "Mati", .address = "mati@x.example", .how = "web"};

static int set_up(void **state)
{
    (void)state;
    site_make(&rig);
    site_write(&rig, "newsletters/funding.yaml", NEWSLETTER "approval: two\n");
    site_write(
        &rig, "calls/grants.md",
        "title: Projektitoetus\nurl: https://fund.example/grants\ndeadline: 2026-12-20 17:00\n"
        "regions: [EE]\nsummary: Lühike tutvustus.\n---\nPikk tutvustus.\n");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    site_remove(&rig);
    return 0;
}

static void expect(int got, int want)
{
    if (got != want) {
        fail_msg("%d instead of %d: %s", got, want, err.msg);
    }
}

static struct approval_sent send_letter(enum approval_act act, int64_t due)
{
    const struct letter_options options = {.wish = {.act = act, .due = due, .by = &kati}};
    struct letter_summary summary;

    expect(letter_plan(rig.compose, rig.arena, "december", &options, &summary, &err), 0);
    return summary.sent;
}

static struct approval draft(void)
{
    struct approval out;

    expect(approval_get(rig.db, rig.arena, 1, &out, &err), 0);
    return out;
}

static struct approval_result approve(const struct approval_person *who)
{
    struct approval_result out;

    expect(approval_approve(rig.db, 1, draft().digest, who, &out, &err), 0);
    return out;
}

/* Without a name if it is "". */
static void add_member(const char *address, const char *name, const char *language)
{
    (void)site_member(&rig, address, "language", language, name[0] != '\0' ? "name" : NULL, name,
                      NULL);
}

static void open_with_members(int count)
{
    site_open(&rig);
    for (int i = 0; i < count; i++) {
        char address[64];

        (void)snprintf(address, sizeof(address), "m%d@naide.example", i);
        add_member(address, "Liige", i % 2 == 0 ? "et" : "en");
    }
}

static int64_t number(const char *sql)
{
    struct db_stmt *stmt = NULL;
    int64_t out;

    expect(db_query_text(rig.db, sql, &stmt, &err), 0);
    expect(db_next(stmt, &err), 1);
    out = db_int(stmt, 0);
    db_stmt_free(stmt);
    return out;
}

static void test_a_draft_has_versions_items_and_no_recipients(void **state)
{
    struct approval_edition *editions = NULL;
    struct approval_sent sent;
    size_t count = 0;

    (void)state;
    open_with_members(5);
    sent = send_letter(APPROVAL_SEND, 0);
    assert_string_equal(sent.state, "waiting");
    assert_int_equal(sent.recipients, 5);
    assert_int_equal(draft().edition_count, 2);
    assert_string_equal(draft().subject, "Toetused detsembris");
    assert_int_equal(draft().language, LANG_ET);
    assert_int_equal(number("SELECT count(*) FROM outbox"), 0);
    assert_int_equal(number("SELECT count(*) FROM variant"), 0);
    expect(approval_editions(rig.db, rig.arena, 1, &editions, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_int_equal(editions[0].recipients, 3);
    assert_non_null(strstr(editions[0].text, "Tere, …!"));
    assert_non_null(strstr(editions[1].html, "Hello …,"));
    assert_string_equal(editions[0].items[0].slug, "grants");
    assert_string_equal(editions[0].items[0].block, "calls");
    assert_int_equal(approval_get(rig.db, rig.arena, 2, &(struct approval){0}, &err),
                     ERR_NOT_FOUND);
}

static void test_two_different_people_are_needed(void **state)
{
    static const struct approval_person same = {.address = "MATI@x.example", .how = "cli"};
    static const struct approval_person nobody = {.how = "cli"};
    struct approval_result result;
    struct approval *list = NULL;
    size_t count = 0;

    (void)state;
    open_with_members(3);
    (void)send_letter(APPROVAL_SEND, 0);
    assert_int_equal(approve(&mati).given, 1);
    result = approve(&same);
    assert_true(result.again && result.given == 1 && !result.complete);
    assert_int_equal(approval_approve(rig.db, 1, NULL, &nobody, &result, &err), ERR_INVALID);
    expect(approval_list(rig.db, rig.arena, false, &list, &count, &err), 0);
    assert_int_equal(count, 1);
    assert_int_equal(list[0].given, 1);
    result = approve(&kati);
    assert_true(result.complete && result.given == 2);
    assert_string_equal(draft().state, "approved");
    expect(approval_list(rig.db, rig.arena, false, &list, &count, &err), 0);
    assert_int_equal(count, 0);
    assert_string_equal(send_letter(APPROVAL_SEND, 0).state, "queued");
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE state = 'queued'"), 3);
    assert_int_equal(approval_approve(rig.db, 1, NULL, &kati, &result, &err), ERR_STATE);
}

static void test_a_click_on_an_old_mail_approves_nothing_newer(void **state)
{
    const char *old;
    struct approval_result result;

    (void)state;
    open_with_members(3);
    (void)send_letter(APPROVAL_SEND, 0);
    old = draft().digest;
    (void)approve(&kati);
    site_write(&rig, "issues/december.en.md", "subject: Funding anew\n---\nHello!\n");
    site_open(&rig);
    assert_non_null(strstr(send_letter(APPROVAL_SEND, 0).changes, "en: the subject was "));
    assert_int_equal(approval_approve(rig.db, 1, old, &mati, &result, &err), ERR_STATE);
    assert_non_null(strstr(err.msg, "made anew since"));
    assert_int_equal(approval_reject(rig.db, 1, old, &mati, "no", &result, &err), ERR_STATE);
    assert_int_equal(draft().given, 0);
    assert_int_equal(draft().revision, 2);
}

static void test_a_rejection_has_a_reason_and_holds(void **state)
{
    struct approval_result result;

    (void)state;
    open_with_members(3);
    (void)send_letter(APPROVAL_SEND, 0);
    assert_int_equal(approval_reject(rig.db, 1, NULL, &kati, " \n", &result, &err), ERR_INVALID);
    expect(approval_reject(rig.db, 1, NULL, &kati, "Vale kuupäev", &result, &err), 0);
    assert_false(result.again);
    expect(approval_reject(rig.db, 1, NULL, &mati, "Ka minu meelest", &result, &err), 0);
    assert_true(result.again);
    assert_string_equal(draft().reason, "Vale kuupäev");
    assert_int_equal(approval_approve(rig.db, 1, NULL, &mati, &result, &err), ERR_STATE);
    assert_non_null(strstr(err.msg, "was rejected: Vale kuupäev"));
}

static void test_notes_are_kept_once_and_everything_in_order(void **state)
{
    struct approval_step *steps = NULL;
    size_t count = 0;

    (void)state;
    open_with_members(3);
    (void)send_letter(APPROVAL_SEND, 0);
    expect(approval_note(rig.db, 1, &mati, "Hea", &err), 0);
    expect(approval_note(rig.db, 1, &mati, "Hea", &err), 0);
    (void)approve(&mati);
    expect(approval_cancel(rig.db, 1, &kati, &err), 0);
    expect(approval_trail(rig.db, rig.arena, 1, &steps, &count, &err), 0);
    assert_int_equal(count, 4);
    assert_string_equal(steps[0].what, "drafted");
    assert_string_equal(steps[1].remark, "Hea");
    assert_string_equal(steps[1].address, "mati@x.example");
    assert_true(steps[2].valid);
    assert_string_equal(steps[3].what, "cancelled");
    assert_int_equal(approval_cancel(rig.db, 1, &kati, &err), ERR_STATE);
}

/* Everything that an approval binds, changed one by one between the approval and the release. */
static void test_any_change_makes_an_approval_void(void **state)
{
    static const struct {
        const char *file;
        const char *text;
        const char *told; /* NULL: nothing is void */
    } cases[] = {
        {"issues/december.md", "newsletter: funding\nsubject: Muu\n---\nTere!\n\n{{> calls}}\n",
         "et: the subject was 'Toetused detsembris', it is 'Muu' now"},
        {"issues/december.en.md",
         "subject: Funding in December\n---\nHello {{member.name}},\n\n{{> calls}}\nMore.\n",
         "en: the text changed"},
        {"calls/grants.md",
         "title: Projektitoetus\nurl: https://fund.example/grants\ndeadline: 2026-12-20 17:00\n"
         "regions: [EE]\nsummary: Teine tutvustus.\n---\nPikk tutvustus.\n",
         "call 'grants' changed"},
        {"calls/grants.md",
         "title: Projektitoetus\nurl: https://fund.example/grants\ndeadline: 2026-12-21 17:00\n"
         "regions: [EE]\nsummary: Lühike tutvustus.\n---\nPikk tutvustus.\n",
         "call 'grants' changed"},
        {"calls/more.md",
         "title: Teine toetus\nurl: https://fund.example/more\ndeadline: 2026-12-20 17:00\n"
         "regions: [EE]\nsummary: Veel.\n",
         "call 'more' is in it now and was not"},
        {"newsletters/funding.yaml", NEWSLETTER "approval: two\nevents_within: 30 days\n",
         "events_within: it was '90 days', it is '30 days' now"},
        {"newsletters/funding.yaml", NEWSLETTER "approval: two\nblocks: [calls]\n",
         "blocks: it was "},
        {"newsletters/funding.yaml", NEWSLETTER "approval: two\naudience: 'not language = ru'\n",
         "audience: it was '', it is 'not language = ru' now"},
        {"newsletters/funding.yaml", NEWSLETTER "approval: two\nbrand: { color: '#123456' }\n",
         "et: the look changed"},
        {"newsletters/funding.yaml", NEWSLETTER "approval: two\nreply_to: b@cluster.example\n",
         "reply to: it was '', it is 'b@cluster.example' now"},
        {"newsletters/funding.yaml", NEWSLETTER "approval: two\neditors: [a@x.example]\n", NULL},
        {"issues/other.md", "newsletter: funding\nsubject: Muu\n---\nTere!\n", NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct approval_sent sent;

        if (i > 0) {
            (void)tear_down(state);
            (void)set_up(state);
        }
        open_with_members(4);
        (void)send_letter(APPROVAL_SEND, 0);
        (void)approve(&kati);
        (void)approve(&mati);
        site_write(&rig, cases[i].file, cases[i].text);
        site_open(&rig);
        sent = send_letter(APPROVAL_AT_TIME, 0);
        if (cases[i].told == NULL) {
            assert_string_equal(sent.state, "queued");
            continue;
        }
        if (strstr(sent.changes, cases[i].told) == NULL) {
            fail_msg("case %zu: %s: '%s'", i, sent.state, sent.changes);
        }
        assert_string_equal(sent.state, "waiting");
        assert_string_equal(draft().state, "waiting");
        assert_int_equal(draft().given, 0);
        assert_int_equal(number("SELECT count(*) FROM outbox"), 0);
        assert_int_equal(number("SELECT count(*) FROM variant"), 0);
        assert_int_equal(number("SELECT count(*) FROM mailing"), 1);
    }
}

/* Between the look at a draft and its first row: triggers do what another process would. */
static void test_what_became_void_while_it_is_released_stays(void **state)
{
    static const char *const meanwhile[] = {
        "UPDATE approval SET valid_from = 1000",
        "UPDATE approval SET revision = 2; "
        "INSERT INTO approval_snapshot SELECT mailing, 2, made_at, date, not_after, digest, "
        "recipients, audience, rule, warnings FROM approval_snapshot",
    };

    for (size_t i = 0; i < sizeof(meanwhile) / sizeof(meanwhile[0]); i++) {
        const struct letter_options options = {.wish = {.act = APPROVAL_AT_TIME}};
        struct letter_summary summary;
        struct db_stmt *stmt = NULL;
        char sql[1000];

        if (i > 0) {
            (void)tear_down(state);
            (void)set_up(state);
        }
        open_with_members(4);
        (void)send_letter(APPROVAL_SEND, 0);
        (void)approve(&kati);
        (void)approve(&mati);
        (void)snprintf(sql, sizeof(sql),
                       "CREATE TRIGGER meanwhile AFTER UPDATE OF state ON mailing "
                       "WHEN new.state = 'expanding' BEGIN %s; END",
                       meanwhile[i]);
        expect(db_query_text(rig.db, sql, &stmt, &err), 0);
        expect(db_next(stmt, &err), 0);
        db_stmt_free(stmt);
        assert_int_equal(letter_plan(rig.compose, rig.arena, "december", &options, &summary, &err),
                         ERR_BUSY);
        assert_string_equal(err.msg, "what was approved of issues/december was made void just now");
        assert_int_equal(number("SELECT count(*) FROM outbox"), 0);
        assert_int_equal(number("SELECT count(*) FROM mailing WHERE state = 'approved'"), 1);
    }
}

static void test_the_audience_may_change_within_the_tolerance(void **state)
{
    (void)state;
    open_with_members(4); /* of 4, 25 % is one */
    (void)send_letter(APPROVAL_SEND, 0);
    (void)approve(&kati);
    (void)approve(&mati);
    add_member("uus@naide.example", "Uus", "et");
    add_member("teine@naide.example", "Teine", "en");
    assert_non_null(
        strstr(send_letter(APPROVAL_SEND, 0).changes, "recipients: there were 4, there are 6 now"));
    (void)approve(&kati);
    (void)approve(&mati);
    add_member("kolmas@naide.example", "Kolmas", "et");
    assert_string_equal(send_letter(APPROVAL_SEND, 0).state, "queued");
    assert_int_equal(number("SELECT count(*) FROM outbox"), 7);
}

/* Whoever comes and has no name, or had other letters, gets an edition nobody looked at. */
static void test_a_newcomer_gets_a_version_of_approved_items_only(void **state)
{
    (void)state;
    open_with_members(4);
    (void)send_letter(APPROVAL_SEND, 0);
    (void)approve(&kati);
    (void)approve(&mati);
    add_member("nimeta@naide.example", "", "et");
    assert_string_equal(send_letter(APPROVAL_SEND, 0).state, "queued");
    assert_int_equal(number("SELECT count(*) FROM variant"), 3);
}

static void test_a_version_in_another_language_is_void(void **state)
{
    (void)state;
    site_write(&rig, "issues/december.ru.md", "subject: Финансирование\n---\nЗдравствуйте!\n");
    open_with_members(4);
    (void)send_letter(APPROVAL_SEND, 0);
    (void)approve(&kati);
    (void)approve(&mati);
    add_member("uus@naide.example", "Uus", "ru");
    assert_non_null(
        strstr(send_letter(APPROVAL_SEND, 0).changes, "ru: a version in this language is new"));
}

static void test_a_text_keeps_its_day_until_a_deadline_is_over(void **state)
{
    (void)state;
    open_with_members(4);
    (void)send_letter(APPROVAL_SEND, 0);
    (void)approve(&kati);
    (void)approve(&mati);
    /* The next day it still says how many days are left from the day it was drafted. */
    clock_fix(SITE_NOW + 20 * CLOCK_HOUR, 0);
    assert_string_equal(send_letter(APPROVAL_AT_TIME, 0).state, "queued");
    (void)tear_down(state);
    (void)set_up(state);
    open_with_members(4);
    (void)send_letter(APPROVAL_DRAFT, SITE_NOW + 19 * CLOCK_DAY);
    (void)approve(&kati);
    (void)approve(&mati);
    clock_fix(SITE_NOW + 19 * CLOCK_DAY + 6 * CLOCK_HOUR, 0); /* an hour after 17:00 in Tallinn */
    assert_non_null(
        strstr(send_letter(APPROVAL_AT_TIME, 0).changes, "call 'grants' was in it and is not now"));
    clock_fix(SITE_NOW, 0);
}

static void test_a_draft_that_nobody_must_approve_goes_out_as_it_is_then(void **state)
{
    (void)state;
    site_write(&rig, "newsletters/funding.yaml", NEWSLETTER);
    open_with_members(4);
    assert_string_equal(send_letter(APPROVAL_DRAFT, SITE_NOW + CLOCK_DAY).state, "waiting");
    assert_int_equal(draft().needed, 0);
    site_write(&rig, "issues/december.en.md", "subject: Funding anew\n---\nHello!\n");
    site_open(&rig);
    clock_fix(SITE_NOW + CLOCK_DAY, 0);
    assert_string_equal(send_letter(APPROVAL_AT_TIME, SITE_NOW + CLOCK_DAY).state, "queued");
    clock_fix(SITE_NOW, 0);
}

static void test_a_draft_keeps_its_warnings_and_none_voids_it(void **state)
{
    static const char closed[] = "title: Vana toetus\nurl: https://fund.example/old\n"
                                 "deadline: 2026-11-%d 17:00\nregions: [EE]\nsummary: Vana.\n";
    char text[sizeof(closed)];

    (void)state;
    open_with_members(4);
    (void)send_letter(APPROVAL_SEND, 0);
    assert_string_equal(draft().warnings, "");
    (void)approve(&kati);
    (void)approve(&mati);
    (void)snprintf(text, sizeof(text), closed, 29);
    site_write(&rig, "calls/old.md", text);
    site_open(&rig);
    assert_string_equal(send_letter(APPROVAL_AT_TIME, 0).state, "queued");
    (void)tear_down(state);
    (void)set_up(state);
    site_write(&rig, "calls/old.md", text);
    open_with_members(4);
    (void)send_letter(APPROVAL_SEND, 0);
    assert_non_null(strstr(draft().warnings, "call 'old' closed on "));
}

static void test_what_changed_is_shown_line_by_line(void **state)
{
    struct approval_diff diff;

    (void)state;
    open_with_members(4);
    (void)send_letter(APPROVAL_SEND, 0);
    expect(approval_diff(rig.compose, rig.arena, 1, false, &diff, &err), 0);
    assert_false(diff.voids);
    assert_int_equal(diff.edition_count, 0);
    site_write(&rig, "issues/december.en.md",
               "subject: Funding in December\n---\nHello {{member.name}},\n\n{{> calls}}\nMore.\n");
    site_open(&rig);
    expect(approval_diff(rig.compose, rig.arena, 1, false, &diff, &err), 0);
    assert_true(diff.voids);
    assert_int_equal(diff.edition_count, 1);
    assert_int_equal(diff.editions[0].language, LANG_EN);
    assert_non_null(strstr(diff.editions[0].diff, "\n+More."));
    assert_int_equal(approval_diff(rig.compose, rig.arena, 1, true, &diff, &err), ERR_NOT_FOUND);
    (void)send_letter(APPROVAL_SEND, 0);
    expect(approval_diff(rig.compose, rig.arena, 1, true, &diff, &err), 0);
    assert_non_null(strstr(diff.editions[0].diff, "\n+More."));
    assert_int_equal(diff.revision_to, 2);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_draft_has_versions_items_and_no_recipients),
        CASE(test_two_different_people_are_needed),
        CASE(test_a_click_on_an_old_mail_approves_nothing_newer),
        CASE(test_a_rejection_has_a_reason_and_holds),
        CASE(test_notes_are_kept_once_and_everything_in_order),
        CASE(test_any_change_makes_an_approval_void),
        CASE(test_what_became_void_while_it_is_released_stays),
        CASE(test_the_audience_may_change_within_the_tolerance),
        CASE(test_a_newcomer_gets_a_version_of_approved_items_only),
        CASE(test_a_version_in_another_language_is_void),
        CASE(test_a_text_keeps_its_day_until_a_deadline_is_over),
        CASE(test_a_draft_that_nobody_must_approve_goes_out_as_it_is_then),
        CASE(test_a_draft_keeps_its_warnings_and_none_voids_it),
        CASE(test_what_changed_is_shown_line_by_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
