/* What editors and admins are told, when, and who. */
#include "teataja/compose/staff.h"

#include "teataja/compose/message.h"
#include "teataja/delivery/mailing.h"
#include "teataja/delivery/mailing_draft.h"
#include "unit/compose/compose_site.h"

static struct site_rig rig;
static int64_t now;

static const char more_site[] = "relays:\n"
                                "  - { name: main, url: \"smtp://127.0.0.1:2525\" }\n"
                                "  - { name: spare, url: \"smtp://127.0.0.1:2526\" }\n"
                                "sources:\n"
                                "  one: https://one.example/a.ics\n"
                                "  two: https://two.example/a.ics\n"
                                "  three: https://three.example/a.ics\n";

/* teataja.yaml of the rig with two relays, sources, and what is given. */
static void write_site(const char *more)
{
    const char *site = NULL;
    const char *cut;

    for (size_t i = 0; site_files[i][0] != NULL; i++) {
        if (strcmp(site_files[i][0], "teataja.yaml") == 0) {
            site = site_files[i][1];
        }
    }
    cut = strstr(site, "relays:");
    site_write(&rig, "teataja.yaml",
               arena_printf(rig.arena, "%.*s%s%s%s", (int)(cut - site), site, strchr(cut, '\n') + 1,
                            more_site, more));
}

static const char english[] = "staff: { address: admin@cluster.example, name: Ann, language: en,\n"
                              "         roles: [admin, editor] }\n";

static int set_up(void **state)
{
    (void)state;
    site_make(&rig);
    write_site(english);
    site_open(&rig);
    now = SITE_NOW;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    site_remove(&rig);
    return 0;
}

static void run(const char *sql)
{
    struct db_stmt *stmt = NULL;
    struct err err = {0};

    if (db_query_text(rig.db, sql, &stmt, &err) < 0 || db_run(stmt, &err) < 0) {
        fail_msg("%s: %s", sql, err.msg);
    }
}

static int64_t count(const char *sql)
{
    struct db_stmt *stmt = NULL;
    struct err err = {0};
    int64_t out;

    if (db_query_text(rig.db, sql, &stmt, &err) < 0 || db_next(stmt, &err) != 1) {
        fail_msg("%s: %s", sql, err.msg);
    }
    out = db_int(stmt, 0);
    db_stmt_free(stmt);
    return out;
}

/* The titles of what a look tells, joined; "" if nothing. */
static const char *look(bool dry)
{
    const struct staff_options options = {.now = now, .dry_run = dry};
    struct staff_notice *notices = NULL;
    struct err err = {0};
    const char *out = "";
    size_t found = 0;

    if (staff_tell(rig.compose, rig.arena, &options, &notices, &found, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    for (size_t i = 0; i < found; i++) {
        out = arena_printf(rig.arena, "%s%s%s", out, i > 0 ? "; " : "", notices[i].title);
    }
    return out;
}

/* `minutes` later. */
static void told_after(int64_t minutes, const char *titles)
{
    now += minutes * CLOCK_MINUTE;
    clock_fix(now, 0);
    assert_string_equal(look(false), titles);
}

static void relay_down(const char *name)
{
    run(arena_printf(rig.arena,
                     "INSERT INTO relay_state (relay, failures, parked_until, reason, since) "
                     "VALUES ('%s', 1, %lld, 'connection refused', %lld)",
                     name, (long long)(now + 15 * CLOCK_MINUTE), (long long)now));
}

static void source_polled(const char *name, int failures)
{
    run(arena_printf(rig.arena,
                     "INSERT INTO source (name, polled_at, ok_at, next_at, failures, error, url) "
                     "VALUES ('%s', %lld, 1, 1, %d, %s, '') "
                     "ON CONFLICT (name) DO UPDATE SET failures = excluded.failures",
                     name, (long long)now, failures, failures > 0 ? "'no such host'" : "NULL"));
}

/* ---- relays and sources ---- */

static void test_a_relay_is_told_of_once_and_once_when_it_is_back(void **state)
{
    (void)state;
    told_after(0, "");
    relay_down("main");
    told_after(4, "");
    told_after(1, "The mail server main takes no letters");
    told_after(1, "");
    told_after(600, "");
    run("DELETE FROM relay_state");
    told_after(1, "The mail server main works again");
    told_after(600, "");
}

static void test_one_mail_an_hour_tells_what_holds_then(void **state)
{
    (void)state;
    relay_down("main");
    told_after(5, "The mail server main takes no letters");
    run("DELETE FROM relay_state");
    told_after(10, "");
    relay_down("main");
    told_after(50, ""); /* as it was told: it need not be told again */
    run("DELETE FROM relay_state");
    told_after(1, "The mail server main works again");
    relay_down("main");
    told_after(59, "");
    told_after(1, "The mail server main takes no letters");
}

static void test_where_no_relay_works_nothing_is_told_until_one_does(void **state)
{
    (void)state;
    relay_down("main");
    relay_down("spare");
    told_after(30, "");
    assert_int_equal(count("SELECT count(*) FROM mailing"), 0);
    run("DELETE FROM relay_state WHERE relay = 'spare'");
    told_after(1, "The mail server main takes no letters; The mail server spare works again");
    run("DELETE FROM relay_state");
    told_after(61, "The mail server main works again");
}

static void test_a_relay_that_was_told_as_down_is_not_told_again_when_all_are(void **state)
{
    (void)state;
    relay_down("main");
    told_after(5, "The mail server main takes no letters");
    relay_down("spare");
    told_after(70, "");
    run("DELETE FROM relay_state WHERE relay = 'spare'");
    told_after(1, "The mail server spare works again");
}

static void test_what_stands_in_the_site_no_more_is_not_told(void **state)
{
    (void)state;
    relay_down("gone");
    source_polled("gone", 9);
    told_after(60, "");
}

static void test_sources_within_an_hour_are_gathered(void **state)
{
    (void)state;
    source_polled("one", STAFF_POLLS - 1);
    told_after(0, "");
    source_polled("one", STAFF_POLLS);
    told_after(1, "The calendar one cannot be read");
    source_polled("two", 7);
    told_after(10, "");
    source_polled("three", 3);
    source_polled("one", 0);
    told_after(49, "");
    told_after(1, "The calendar three cannot be read (+2)");
    source_polled("three", 0);
    source_polled("two", 0);
    told_after(60, "The calendar three can be read again (+1)");
    told_after(60, "");
    assert_int_equal(count("SELECT count(*) FROM mailing"), 3);
}

/* ---- mailings ---- */

static void add_mailing(int64_t id, const char *purpose, const char *state, const char *more)
{
    run(arena_printf(rig.arena,
                     "INSERT INTO mailing (id, uid, purpose, subject, dedupe, state, priority, "
                     "config, audience, message_date, hash, created_at, finished_at, reason) "
                     "VALUES (%lld, 'u%lld', '%s', 'issues/december', 'd%lld', '%s', 4, '{}', '', "
                     "1, '', 1, %s)",
                     (long long)id, (long long)id, purpose, (long long)id, state, more));
}

static void finish(int64_t id, const char *purpose)
{
    add_mailing(id, purpose, "sent", arena_printf(rig.arena, "%lld, NULL", (long long)now));
}

static void test_a_mailing_that_ends_is_told_of_once(void **state)
{
    (void)state;
    finish(1, "letter");
    told_after(0, ""); /* it ended before anybody looked */
    now += CLOCK_MINUTE;
    finish(2, "letter");
    finish(3, "test");
    finish(4, "notice");
    finish(5, "invitation");
    told_after(0, "Sent: issues/december; Sent: issues/december");
    told_after(120, "");
    assert_int_equal(count("SELECT count(*) FROM staff_told WHERE key IN ('mailings/2', "
                           "'mailings/5') AND state = 'sent'"),
                     2);
}

static void test_who_sat_in_front_of_it_is_not_told(void **state)
{
    struct err err = {0};

    (void)state;
    told_after(0, "");
    now += CLOCK_MINUTE;
    finish(2, "letter");
    finish(3, "letter");
    assert_int_equal(staff_seen(rig.db, 2, now, &err), 0);
    assert_int_equal(staff_seen(rig.db, 3, now, &err), 0);
    assert_int_equal(staff_unseen(rig.db, 3, &err), 0);
    told_after(0, "Sent: issues/december");
    assert_int_equal(count("SELECT count(*) FROM mailing WHERE subject = 'mailings/3'"), 1);
}

static void test_a_mailing_that_halts_again_is_told_of_again(void **state)
{
    (void)state;
    add_mailing(2, "letter", "held", "NULL, '21 of 40 answers were refusals'");
    add_mailing(3, "letter", "held", "NULL, NULL");
    told_after(0, "Halted: issues/december; Waiting for a decision: issues/december");
    told_after(70, "");
    run("UPDATE mailing SET state = 'sending', reason = NULL WHERE id = 2");
    told_after(1, "");
    run("UPDATE mailing SET state = 'held', reason = '30 of 40' WHERE id = 2");
    told_after(1, "Halted: issues/december");
}

/* Text of the last mail, as the first of its readers gets it. */
static bool last_mail_has(const char *words)
{
    return count(arena_printf(rig.arena,
                              "SELECT instr(CAST(pieces AS BLOB), CAST('%s' AS BLOB)) > 0 FROM "
                              "variant ORDER BY id DESC LIMIT 1",
                              words)) == 1;
}

static void test_who_decides_hears_what_about(void **state)
{
    (void)state;
    told_after(0, "");
    add_mailing(1, "letter", "held", "NULL, NULL");
    told_after(1, "Waiting for a decision: issues/december");
    assert_true(last_mail_has("A deadline that the letter shows is over"));
    add_mailing(102, "letter", "held", "NULL, NULL");
    run("INSERT INTO variant (mailing, lang, selection, pieces) VALUES (102, 'en', '', "
        "x'7300000001')");
    run("INSERT INTO outbox (mailing, dedupe, address, variant, state, priority) SELECT 102, 'a', "
        "'a@cluster.example', max(id), 'unknown', 4 FROM variant");
    told_after(1, "Waiting for a decision: issues/december");
    assert_true(last_mail_has("it is not known whether the letter reached them"));
}

/* ---- files ---- */

static void leave_out(const char *slug, const char *problem)
{
    struct err err = {0};

    if (left_out_add(rig.arena, &rig.config.left, "calls", slug, problem, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static void test_files_that_are_left_out_are_told_once_they_stay_wrong(void **state)
{
    (void)state;
    told_after(0, "");
    leave_out("forum", "calls/forum.md:3:1: bad");
    told_after(1, ""); /* somebody may be saving it */
    rig.config.left.count = 0;
    told_after(1, "");
    leave_out("forum", "calls/forum.md:3:1: bad");
    told_after(1, "");
    told_after(4, "");
    told_after(1, "Left out: calls/forum");
    assert_true(last_mail_has("calls/forum.md:3:1: bad"));
    told_after(1, "");
    told_after(24 * 60, "");
    leave_out("other", "calls/other.md:9:1: worse");
    told_after(1, "");
    told_after(5, "Left out: calls/forum (+1)");
    rig.config.left.count = 0;
    told_after(1, "");
    leave_out("third", "calls/third.md:1:1: bad");
    told_after(1, "");
    told_after(6, ""); /* one mail an hour */
    told_after(60, "Left out: calls/third");
}

/* A folder full of files after a name in regions.yaml was changed. */
static void test_however_many_are_left_out_it_is_one_mail(void **state)
{
    (void)state;
    told_after(0, "");
    for (int i = 0; i < 2000; i++) {
        leave_out(arena_printf(rig.arena, "c%d", i), "calls/c.md:4:11: there is no region 'harju'");
    }
    told_after(1, "");
    told_after(5, "Left out: calls/c0 (+1999)");
    assert_int_equal(count("SELECT count(*) FROM staff_told"), 1);
}

/* ---- the schedule ---- */

static void add_run(const char *job, const char *state, const char *cause, const char *reason)
{
    run(arena_printf(rig.arena,
                     "INSERT INTO schedule_run (job, local, kind, zone, due_at, state, cause, "
                     "reason, done_at) VALUES ('%s', '%lld', 'newsletter', 'UTC', %lld, '%s', "
                     "'%s', '%s', %lld)",
                     job, (long long)now, (long long)now, state, cause, reason, (long long)now));
}

static void test_the_schedule_tells_what_did_not_happen(void **state)
{
    static const struct {
        const char *state, *cause, *reason, *told;
    } cases[] = {
        {"done", "", "", ""},
        {"failed", "", "no space left on the device", "Not sent: Funding letter"},
        {"skipped", "late", "too late: 30 h after its time, 1 day is the most",
         "Too late, so not sent: Funding letter"},
        {"skipped", "empty", "no issue of it says ''send: next''",
         "No letter was ready: Funding letter"},
        {"skipped", "", "missed: nobody was there before the next one came", ""},
        {"skipped", "", "nobody has anything new to read", ""},
    };

    (void)state;
    add_run("newsletters/funding", "failed", "", "before anybody looked");
    told_after(0, "");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        now += 2 * CLOCK_HOUR;
        add_run("newsletters/funding", cases[i].state, cases[i].cause, cases[i].reason);
        told_after(0, cases[i].told);
    }
    run("INSERT INTO schedule_clock (one, boot, wall, uptime, held_since, reason) "
        "VALUES (1, '', 1, 1, 5, 'the clock jumped')");
    told_after(0, "The schedule is on hold");
    told_after(90, "");
    run("UPDATE schedule_clock SET held_since = 6");
    told_after(1, "The schedule is on hold");
}

/* ---- who ---- */

static const char *people(enum site_staff_role role, const char *newsletter)
{
    struct staff_person *found = NULL;
    struct err err = {0};
    size_t found_count = 0;
    const char *out = "";

    assert_int_equal(
        staff_people(&rig.config, rig.arena, role,
                     newsletter != NULL ? config_newsletter(&rig.config, newsletter) : NULL, &found,
                     &found_count, &err),
        0);
    for (size_t i = 0; i < found_count; i++) {
        out = arena_printf(rig.arena, "%s%s%.*s:%s", out, i > 0 ? " " : "",
                           (int)strcspn(found[i].address.text, "@"), found[i].address.text,
                           language_tag(found[i].language));
    }
    return out;
}

static void test_who_is_told_stands_in_the_site(void **state)
{
    static const char funding[] = "name: Funding\nlist: funding\n"
                                  "from: { name: N, address: letters@cluster.example }\n";

    (void)state;
    write_site("");
    site_open(&rig);
    assert_string_equal(people(SITE_STAFF_ADMIN, NULL), "office:et");
    assert_string_equal(people(SITE_STAFF_EDITOR, "funding"), "office:et");
    write_site("staff:\n  - root@cluster.example\n"
               "  - { address: kati@cluster.example, language: fi, roles: editor }\n");
    site_write(&rig, "newsletters/funding.yaml",
               arena_printf(rig.arena,
                            "%seditors: [{ address: mari@cluster.example, language: ru }, "
                            "KATI@cluster.example, ROOT@Cluster.example]\n",
                            funding));
    site_open(&rig);
    assert_string_equal(people(SITE_STAFF_ADMIN, NULL), "root:et");
    assert_string_equal(people(SITE_STAFF_EDITOR, NULL), "kati:fi");
    assert_string_equal(people(SITE_STAFF_EDITOR, "funding"), "mari:ru KATI:fi ROOT:et");
}

/* ---- the mail ---- */

/* Some bytes of the message of a row, which may be anywhere in it. */
static const char *message(int64_t row)
{
    struct delivery_job job = {.row = row, .slots = "[\"Ann\",\"\",0,0,\"\"]"};
    struct composer *composer = NULL;
    char sender[LIMIT_ADDRESS + 1];
    struct err err = {0};
    struct str out;
    const char *text;

    job.mailing = count(
        arena_printf(rig.arena, "SELECT mailing FROM outbox WHERE id = %lld", (long long)row));
    job.variant = count(
        arena_printf(rig.arena, "SELECT variant FROM outbox WHERE id = %lld", (long long)row));
    job.address = "admin@cluster.example";
    str_init(&out, LIMIT_MESSAGE);
    if (composer_open(db_path(rig.db), &rig.key, &composer, &err) < 0 ||
        composer_message(composer, &job, &out, sender, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    composer_close(composer);
    text = arena_strdup(rig.arena, out.data);
    str_release(&out);
    return text;
}

static void test_the_mail_is_a_mail_of_the_office_and_of_no_list(void **state)
{
    static const char *const there[] = {"From: Office <office@cluster.example>\r\n",
                                        "To: Ann <admin@cluster.example>\r\n",
                                        "Subject: The calendar one cannot be read (+1)\r\n",
                                        "\r\nDate: ",
                                        "\r\nMessage-ID: <",
                                        "\r\nAuto-Submitted: auto-generated\r\n",
                                        "\r\nContent-Language: en\r\n",
                                        "Hello Ann,",
                                        "The calendar two cannot be read",
                                        "no such host",
                                        "teataja source pull two --dry-run",
                                        "because you look after"};
    static const char *const absent[] = {"List-", "/leave/", "/preferences/", "/view/"};
    const char *text;

    (void)state;
    source_polled("one", 3);
    source_polled("two", 3);
    told_after(0, "The calendar one cannot be read (+1)");
    text = message(count("SELECT id FROM outbox"));
    for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
        if (strstr(text, there[i]) == NULL) {
            fail_msg("%s is missing in\n%s", there[i], text);
        }
    }
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
        if (strstr(text, absent[i]) != NULL) {
            fail_msg("%s stands in\n%s", absent[i], text);
        }
    }
}

static void test_every_language_has_its_words(void **state)
{
    (void)state;
    for (int language = 0; language < LANG_COUNT; language++) {
        write_site(arena_printf(rig.arena,
                                "staff: { address: a@cluster.example, language: %s, "
                                "roles: [admin, editor] }\n",
                                language_tag((enum language)language)));
        site_open(&rig);
        run("DELETE FROM staff_told");
        run("DELETE FROM relay_state");
        run("DELETE FROM schedule_clock");
        run("DELETE FROM outbox");
        run("DELETE FROM variant");
        run("DELETE FROM mailing");
        now += CLOCK_DAY;
        clock_fix(now, 0);
        relay_down("main");
        source_polled("one", 3);
        add_mailing(100, "letter", "held", "NULL, NULL");
        add_mailing(101, "letter", "held", "NULL, 'too many refusals'");
        finish(102, "letter");
        add_run("newsletters/funding", "failed", "", "why");
        add_run("events/forum", "skipped", "late", "too late: by far");
        add_run("newsletters/none", "skipped", "empty", "no issue of it says so");
        run("INSERT INTO schedule_clock (one, boot, wall, uptime, held_since, reason) "
            "VALUES (1, '', 1, 1, 5, 'the clock jumped')");
        now += 10 * CLOCK_MINUTE;
        (void)look(false);
        assert_int_equal(count("SELECT count(*) FROM mailing WHERE purpose = 'notice'"),
                         language == 0 ? 5 : 9);
    }
}

static void test_nothing_counts_it(void **state)
{
    (void)state;
    source_polled("one", 3);
    told_after(0, "The calendar one cannot be read");
    run("UPDATE outbox SET state = 'sent', done_at = 5");
    assert_int_equal(count("SELECT count(*) FROM outbox"), 1);
    assert_int_equal(count("SELECT count(*) FROM v_outcome"), 0);
    assert_int_equal(count("SELECT count(*) FROM v_had"), 0);
    assert_int_equal(count("SELECT count(*) FROM v_received"), 0);
    assert_int_equal(count("SELECT count(*) FROM v_archived"), 0);
}

/* ---- drafts ---- */

#define PICTURE "iVBORw0KGgo=" /* the first eight bytes of a PNG */

static void add_edition(int64_t id, const char *lang, int64_t recipients, const char *subject,
                        const char *html)
{
    run(arena_printf(rig.arena,
                     "INSERT INTO approval_edition (id, mailing, revision, lang, key, recipients, "
                     "digest, words, subject, html, text) VALUES (%lld, 7, 1, '%s', 'k%lld', %lld, "
                     "'', '', '%s', %s, %s)",
                     (long long)id, lang, (long long)id, (long long)recipients, subject, html,
                     strcmp(html, "NULL") == 0 ? "NULL" : "'Words of the letter.'"));
}

/* A draft of three versions in two languages, of which one approval is there. */
static void add_draft(void)
{
    static const char html[] =
        "'<!DOCTYPE html><html><head><title>x</title></head><body><div role=\"main\"><p>pre</p>"
        "<table><tr><td><h1>Title</h1><img src=\"data:image/png;base64," PICTURE "\" alt=\"\">"
        "<img src=\"data:image/png;base64," PICTURE "\" alt=\"\"></td></tr></table></div></body>"
        "</html>'";

    add_mailing(7, "letter", "waiting", "NULL, NULL");
    run("INSERT INTO approval (mailing, newsletter, occurrence, again, due_at, needed, revision, "
        "valid_from, reason) VALUES (7, 'funding', '', 0, 1796464800000000, 2, 1, 1, "
        "'calls/music changed')");
    run("INSERT INTO approval_snapshot (mailing, revision, made_at, date, digest, recipients, "
        "audience, rule, warnings) VALUES (7, 1, 1, 1, 'first', 35, 'sector = music', '', '')");
    add_edition(1, "et", 20, "Kiri", html);
    add_edition(2, "en", 14, "Letter", "NULL");
    add_edition(3, "en", 1, "Letter", html);
    run("INSERT INTO approval_item VALUES (3, 0, 'calls', 'music', 'Music grant', 'new, in et', "
        "'')");
    run("INSERT INTO approval_trail (mailing, at, who, address, person, how, what, remark, "
        "revision, digest) VALUES (7, 1796119200000000, 'Kati Kask', '', 'kati', 'web', "
        "'approved', '', 1, 'first')");
}

static size_t occurrences(const char *text, const char *part)
{
    size_t found = 0;

    for (const char *at = text; (at = strstr(at, part)) != NULL; at++) {
        found++;
    }
    return found;
}

static void test_a_draft_is_shown_with_its_letters(void **state)
{
    static const struct {
        const char *text;
        size_t times;
    } parts[] = {
        {"Subject: Draft: Kiri\r\n", 1},
        {"One approval has been given.", 2},
        {"calls/music changed", 2},
        {"35 people", 2},
        {"sector =3D music", 2},
        {"Kati Kask, 1 December 2026 at 12:00", 2},
        {"5 December 2026 at 12:00", 2},
        {"What the readers get (in Estonian)", 2},
        {"What the readers get (in English)", 2},
        {"15 people", 2},
        {"2 versions", 2},
        {"Music grant (New, in Estonian)", 1},
        {"https://letters.cluster.example/draft/", 2},
        {"Words of the letter.", 4}, /* twice shown, twice attached */
        {"Content-Type: message/rfc822", 2},
        {"filename=\"et-7.eml\"", 1},
        {"filename=\"en-7.eml\"", 1},
        {"Content-Type: image/png", 3}, /* shown once, attached with each letter */
        {PICTURE, 3},
        {"src=3D\"data:", 0},
        {"<h3>Title</h3>", 2},
        {"<h1>Title</h1>", 2},
        {"From: Creative Cluster <letters@cluster.example>", 1},
    };
    const char *text;
    int wrong = 0;

    (void)state;
    add_draft();
    told_after(0, "Draft: Kiri");
    text = message(count("SELECT id FROM outbox"));
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (occurrences(text, parts[i].text) != parts[i].times) {
            print_error("%s: %zu times, not %zu\n", parts[i].text, occurrences(text, parts[i].text),
                        parts[i].times);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static void test_a_draft_is_told_again_when_it_is_another(void **state)
{
    (void)state;
    add_draft();
    told_after(0, "Draft: Kiri");
    told_after(70, "");
    run("UPDATE approval_snapshot SET digest = 'second'");
    told_after(1, "Draft: Kiri");
    run("UPDATE approval_snapshot SET digest = 'third'");
    told_after(59, "");
    run("UPDATE approval_snapshot SET digest = 'fourth'");
    told_after(1, "Draft: Kiri");
    run("UPDATE mailing SET state = 'approved' WHERE id = 7");
    told_after(70, "");
    run("UPDATE mailing SET state = 'rejected', reason = 'no <b>' WHERE id = 7");
    told_after(1, "Rejected: Kiri");
    told_after(70, "");
}

/* What no mail program would show whole is attached only; what no relay would take, not. */
static void test_a_long_letter_does_not_make_a_mail_too_long(void **state)
{
    const char *text;

    (void)state;
    add_draft();
    run("UPDATE approval_edition SET html = '<body><table><tr><td>' || "
        "hex(zeroblob(38000)) || '</td></tr></table></body>' WHERE lang = 'et'");
    run("UPDATE approval_edition SET html = '<body><table><tr><td>' || "
        "hex(zeroblob(700000)) || '</td></tr></table></body>' WHERE id = 3");
    told_after(0, "Draft: Kiri");
    text = message(count("SELECT id FROM outbox"));
    assert_int_equal(occurrences(text, "Content-Type: message/rfc822"), 1);
    assert_true(strlen(text) < 120000);
}

/* ---- together ---- */

/* Done once a minute; on a site with ten years of mailings. */
static void test_a_look_that_finds_nothing_is_cheap(void **state)
{
    enum { LOOKS = 20 };
    int64_t begun;
    int64_t each;

    (void)state;
    told_after(0, "");
    run("WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n WHERE i < 2000) "
        "INSERT INTO mailing (uid, purpose, subject, dedupe, state, priority, config, audience, "
        "message_date, hash, created_at, finished_at) SELECT 'n' || i, 'letter', 'issues/x', "
        "'n' || i, 'sent', 4, hex(zeroblob(300)), '', 1, '', 1, 9e17 FROM n");
    run("WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n WHERE i < 2000) "
        "INSERT INTO schedule_run (job, local, kind, zone, due_at, state, done_at) "
        "SELECT 'j', i, 'newsletter', 'UTC', 1, 'done', 9e17 FROM n");
    run("INSERT INTO staff_told SELECT 'mailings/' || id, 'sent', 1, 1 FROM mailing");
    begun = clock_thread_ticks();
    for (int i = 0; i < LOOKS; i++) {
        told_after(1, "");
    }
    each = (clock_thread_ticks() - begun) / LOOKS;
    print_message("a look: %lld us\n", (long long)(each / 1000));
    assert_true(each < INT64_C(60) * 1000 * 1000); /* a thousandth of a minute, checked by ASan */
}

static void test_looking_only_writes_nothing(void **state)
{
    (void)state;
    source_polled("one", 3);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(look(true), "The calendar one cannot be read");
    }
    assert_int_equal(count("SELECT count(*) FROM mailing"), 0);
    assert_int_equal(count("SELECT (SELECT count(*) FROM staff_told) + "
                           "(SELECT count(*) FROM staff_subject) + "
                           "(SELECT count(*) FROM staff_look)"),
                     0);
}

/* Another daemon has its mailing under way; it dies, and ours tells it. */
static void test_two_daemons_do_not_tell_twice(void **state)
{
    const struct mailing theirs = {.purpose = "notice",
                                   .subject = "sources",
                                   .dedupe = "notice:sources:1",
                                   .on_unknown = "resend",
                                   .priority = MAILING_ANSWER,
                                   .config = "{}",
                                   .audience = "",
                                   .hash = ""};
    struct mailing_draft *draft = NULL;
    struct err err = {0};

    (void)state;
    source_polled("one", 3);
    assert_int_equal(mailing_draft_open(rig.db, &theirs, &draft, &err), 0);
    told_after(0, "");
    assert_int_equal(count("SELECT count(*) FROM staff_told"), 0);
    mailing_draft_close(draft);
    told_after(1, "The calendar one cannot be read");
    assert_int_equal(count("SELECT count(*) FROM mailing WHERE state = 'queued'"), 1);
}

static void test_a_clock_that_was_put_back_silences_nobody(void **state)
{
    (void)state;
    source_polled("one", 3);
    told_after(0, "The calendar one cannot be read");
    source_polled("two", 3);
    told_after(-600, "The calendar two cannot be read");
}

/* Another scheduler read the clock a moment later, and was faster. */
static void test_who_looks_a_moment_behind_tells_nothing_again(void **state)
{
    (void)state;
    told_after(0, "");
    source_polled("one", 3);
    leave_out("forum", "calls/forum.md:3:1: bad");
    told_after(1, "The calendar one cannot be read");
    now -= 1000;
    source_polled("two", 3);
    told_after(0, "");
    told_after(6, "Left out: calls/forum");
    told_after(55, "The calendar two cannot be read");
}

static void test_a_test_goes_to_everybody_who_is_told_something(void **state)
{
    struct staff_notice notice;
    struct err err = {0};

    (void)state;
    site_write(&rig, "newsletters/funding.yaml",
               "name: Funding\nlist: funding\neditors: [mari@cluster.example]\n"
               "from: { name: N, address: letters@cluster.example }\n");
    site_open(&rig);
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(staff_test(rig.compose, rig.arena, now, &notice, &err), 0);
        assert_string_equal(notice.title, "A test: Creative Cluster tells its staff");
        assert_int_equal(notice.address_count, 2);
        assert_int_equal(count("SELECT count(*) FROM outbox"), 2 * i);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(test_a_relay_is_told_of_once_and_once_when_it_is_back),
        CASE(test_one_mail_an_hour_tells_what_holds_then),
        CASE(test_where_no_relay_works_nothing_is_told_until_one_does),
        CASE(test_a_relay_that_was_told_as_down_is_not_told_again_when_all_are),
        CASE(test_what_stands_in_the_site_no_more_is_not_told),
        CASE(test_sources_within_an_hour_are_gathered),
        CASE(test_a_mailing_that_ends_is_told_of_once),
        CASE(test_who_sat_in_front_of_it_is_not_told),
        CASE(test_a_mailing_that_halts_again_is_told_of_again),
        CASE(test_who_decides_hears_what_about),
        CASE(test_files_that_are_left_out_are_told_once_they_stay_wrong),
        CASE(test_however_many_are_left_out_it_is_one_mail),
        CASE(test_the_schedule_tells_what_did_not_happen),
        CASE(test_who_is_told_stands_in_the_site),
        CASE(test_the_mail_is_a_mail_of_the_office_and_of_no_list),
        CASE(test_every_language_has_its_words),
        CASE(test_nothing_counts_it),
        CASE(test_a_draft_is_shown_with_its_letters),
        CASE(test_a_draft_is_told_again_when_it_is_another),
        CASE(test_a_long_letter_does_not_make_a_mail_too_long),
        CASE(test_a_look_that_finds_nothing_is_cheap),
        CASE(test_looking_only_writes_nothing),
        CASE(test_two_daemons_do_not_tell_twice),
        CASE(test_a_clock_that_was_put_back_silences_nobody),
        CASE(test_who_looks_a_moment_behind_tells_nothing_again),
        CASE(test_a_test_goes_to_everybody_who_is_told_something),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
