/* Letters as pages for anybody: the same letter, and nothing of whom it was sent to. */
#include "unit/compose/compose_site.h"

#include "teataja/compose/letter.h"
#include "teataja/compose/page.h"

static struct site_rig rig;

static const enum language russian[] = {LANG_RU, LANG_EN};

static int set_up(void **state)
{
    const struct letter_options options = {.language = LANG_NONE};
    struct letter_summary summary;
    struct err err = {0};

    (void)state;
    site_make(&rig);
    site_write(
        &rig, "calls/grants.md",
        "title: Toetus = 100 %\nfunder: Fond\nurl: https://fond.example/?a=b&c=d\n"
        "deadline: 2027-01-15 17:00 Europe/Tallinn\n---\n"
        "Võrdus = märk, punkt .\n\nFrom siit algab väga pikk lõik, mis murtakse kirjas mitmele "
        "reale, sest read on lühikesed, aga lehel ei tohi sellest jälgegi jääda.\n");
    site_open(&rig);
    (void)site_member(&rig, "onne@post.example", "name", "Õnne Maasikas", "language", "et", NULL);
    (void)site_member(&rig, "john@post.example", "name", "John Smith", "language", "en", NULL);
    if (letter_plan(rig.compose, rig.arena, "december", &options, &summary, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    site_remove(&rig);
    return 0;
}

/* One value of the database as text. */
static const char *look_up(const char *sql)
{
    struct db_stmt *stmt = NULL;
    const char *out;

    assert_int_equal(db_query_text(rig.db, sql, &stmt, NULL), 0);
    assert_int_equal(db_next(stmt, NULL), 1);
    out = db_dup(stmt, 0, rig.arena);
    db_stmt_free(stmt);
    return out;
}

static void change(const char *sql)
{
    struct db_stmt *stmt = NULL;

    assert_int_equal(db_query_text(rig.db, sql, &stmt, NULL), 0);
    assert_int_equal(db_run(stmt, NULL), 0);
}

static struct page_letter letter_of(const char *address)
{
    const char *row =
        look_up(arena_printf(rig.arena, "SELECT id FROM outbox WHERE address = '%s'", address));
    struct page_letter letter = {0};
    struct err err = {0};

    if (page_letter_of_row(rig.db, rig.arena, strtol(row, NULL, 10), "/w", "/w/view/x", &letter,
                           &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return letter;
}

static void assert_has(const struct page_letter *letter, const char *part)
{
    if (strstr(letter->html, part) == NULL) {
        fail_msg("no '%s' in %s", part, letter->html);
    }
}

static void test_a_page_greets_nobody_and_links_nobody(void **state)
{
    const struct page_letter letter = letter_of("onne@post.example");
    const struct page_letter other = letter_of("john@post.example");

    (void)state;
    assert_int_equal(letter.language, LANG_ET);
    assert_int_equal(letter.html_len, strlen(letter.html));
    assert_has(&letter, "Tere!");
    assert_has(&other, "Hello,");
    assert_has(&letter, "href=\"/w/leave\"");
    assert_has(&letter, "href=\"/w/preferences\"");
    assert_has(&letter, "href=\"/w/view/x\"");
    assert_null(strstr(letter.html, "Maasikas"));
    assert_null(strstr(letter.html, "onne@"));
    assert_null(strstr(other.html, "Smith"));
}

static void test_a_page_is_the_text_as_it_was_before_it_was_encoded(void **state)
{
    const struct page_letter letter = letter_of("onne@post.example");

    (void)state;
    assert_has(&letter, "Toetus = 100 %");
    assert_has(&letter, "https://fond.example/?a=b&amp;c=d");
    assert_null(strstr(letter.html, "=3D"));
    assert_null(strstr(letter.html, "=C3"));
    assert_null(strchr(letter.html, '\r'));
    assert_string_equal(letter.subject, "Toetused detsembris");
}

static void test_a_row_that_is_gone_has_no_page(void **state)
{
    struct page_letter letter;
    struct err err = {0};

    (void)state;
    assert_int_equal(page_letter_of_row(rig.db, rig.arena, 999, "", "", &letter, &err),
                     ERR_NOT_FOUND);
}

static void test_the_archive_has_what_went_out_in_the_readers_language(void **state)
{
    const char *uid = look_up("SELECT uid FROM mailing");
    struct page_entry *entries;
    struct page_letter letter = {0};
    size_t count = 7;

    (void)state;
    assert_int_equal(
        page_archive(rig.db, rig.arena, "funding", russian, 2, 10, &entries, &count, NULL), 0);
    assert_int_equal(count, 0); /* it has not gone out */
    change("UPDATE mailing SET state = 'sent'");
    assert_int_equal(
        page_archive(rig.db, rig.arena, "funding", russian, 2, 10, &entries, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_string_equal(entries[0].uid, uid);
    assert_string_equal(entries[0].subject, "Funding in December"); /* there is no Russian one */
    assert_int_equal(entries[0].language, LANG_EN);
    assert_int_equal(page_letter_of_archive(rig.db, rig.arena, "funding", uid, russian, 2, "", "",
                                            &letter, NULL),
                     0);
    assert_int_equal(letter.language, LANG_EN);
    assert_int_equal(
        page_letter_of_archive(rig.db, rig.arena, "events", uid, russian, 2, "", "", &letter, NULL),
        ERR_NOT_FOUND);
}

/* Only its first part is told, unless nobody got that. */
static void test_a_letter_that_was_composed_anew_is_one_entry(void **state)
{
    static const struct {
        const char *rows;  /* state of those of the first */
        const char *shown; /* how many mailings, and which */
    } cases[] = {{"sent", "1 1"}, {"suppressed", "1 2"}};

    (void)state;
    change("UPDATE mailing SET state = 'sent', subject = 'newsletters/funding'");
    change("INSERT INTO mailing (id, uid, purpose, subject, list, dedupe, state, priority, config, "
           "audience, message_date, hash, created_at) SELECT 2, 'second', purpose, subject, list, "
           "'letter:' || subject || ':anew-1', 'sent', priority, config, audience, message_date, "
           "hash, created_at FROM mailing WHERE id = 1");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        change(arena_printf(rig.arena, "UPDATE outbox SET state = '%s'", cases[i].rows));
        assert_string_equal(look_up("SELECT count(*) || ' ' || max(mailing) FROM v_archived"),
                            cases[i].shown);
    }
}

static void test_a_damaged_variant_is_told(void **state)
{
    const char *row = look_up("SELECT id FROM outbox");
    struct page_letter letter;
    struct err err = {0};

    (void)state;
    change("UPDATE variant SET pieces = x'7300000001'");
    assert_int_equal(
        page_letter_of_row(rig.db, rig.arena, strtol(row, NULL, 10), "", "", &letter, &err),
        ERR_CORRUPT);
}

static void test_pictures_of_a_mailing(void **state)
{
    struct page_picture picture = {0};

    (void)state;
    change("INSERT INTO mailing_part (mailing, name, type, data) "
           "SELECT id, 'logo', 'image/png', x'8950' FROM mailing");
    assert_int_equal(page_picture_find(rig.db, rig.arena,
                                       strtol(look_up("SELECT id FROM mailing"), NULL, 10), "logo",
                                       &picture, NULL),
                     0);
    assert_string_equal(picture.type, "image/png");
    assert_int_equal(picture.len, 2);
    assert_memory_equal(picture.data, "\x89P", 2);
    assert_int_equal(page_picture_find(rig.db, rig.arena, 99, "logo", &picture, NULL),
                     ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_page_greets_nobody_and_links_nobody, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_page_is_the_text_as_it_was_before_it_was_encoded,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_row_that_is_gone_has_no_page, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_archive_has_what_went_out_in_the_readers_language,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_letter_that_was_composed_anew_is_one_entry, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_damaged_variant_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pictures_of_a_mailing, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
