/* A composer and what it reads: variants that were tampered with, and any failure of
 * memory and database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "envelope.h"
#include "frozen.h"
#include "support/temp_database.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/compose/message.h"
#include "teataja/db/fault.h"
#include "teataja/delivery/mailing.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define BIG 100000 /* more than a block of an arena */
#define CID "logo@b.example"

static const struct token_key key = {.id = 1, .secret = {1, 2, 3}};

static struct composer *composer;

/* A mailing with one variant that shows a picture; its texts are longer than what an
 * arena has at hand, so that each needs memory of its own. */
static void add_mailing(const char *dedupe)
{
    static const struct piece text = {.kind = PIECE_FIXED, .data = "Tere\r\n", .len = 6};
    static char picture[BIG];
    const struct frozen frozen = {.subject = "Tere",
                                  .from = "From: a@b.example\r\n",
                                  .headers = "MIME-Version: 1.0\r\n",
                                  .text = {.items = &text, .count = 1},
                                  .html = {.html = true, .items = &text, .count = 1},
                                  .cids = {CID},
                                  .cid_count = 1};
    const struct envelope envelope = {.kind = &mail_kinds[MAIL_LETTER],
                                      .domain = "b.example",
                                      .list = 2,
                                      .base = {.web = "https://b.example",
                                               .mode = SITE_ADDRESS_SINGLE,
                                               .domain = "",
                                               .mailbox = "bounce@b.example"}};
    struct mailing plan = {.purpose = "letter",
                           .subject = "issues/a",
                           .dedupe = dedupe,
                           .on_unknown = "hold",
                           .priority = MAILING_LETTER,
                           .audience = "",
                           .hash = ""};
    struct str config;
    struct str pieces;
    int64_t mailing = 0;
    int64_t variant = 0;

    str_init(&config, LIMIT_TEXT);
    str_init(&pieces, LIMIT_MESSAGE);
    ok(envelope_write(&envelope, &config, &err));
    str_add_repeat(&config, ' ', BIG);
    ok(frozen_write(&frozen, &pieces, &err));
    plan.config = config.data;
    ok(mailing_create(db, &plan, &mailing, &err));
    ok(mailing_add_part(db, mailing, CID, "image/png", picture, sizeof(picture), &err));
    ok(mailing_add_variant(db, mailing, "et", "k", pieces.data, pieces.len, NULL, 0, &variant,
                           &err));
    str_release(&pieces);
    str_release(&config);
}

static int set_up(void **state)
{
    (void)temp_database_open(state);
    add_mailing("a");
    ok(composer_open(path, &key, &composer, &err));
    return 0;
}

static int tear_down(void **state)
{
    composer_close(composer);
    composer = NULL;
    return temp_database_remove(state);
}

static int compose(int64_t mailing, int64_t variant, struct str *out)
{
    const struct delivery_job job = {.row = 1,
                                     .mailing = mailing,
                                     .variant = variant,
                                     .member = 1,
                                     .address = "a@b.example",
                                     .slots = "[\"Mari\",\"\",1,0,\"\"]"};
    char sender[LIMIT_ADDRESS + 1];

    return composer_message(composer, &job, out, sender, &err);
}

/* A message of mailing 1 and variant 1, thrown away. */
static int compose_one(void)
{
    struct str out;
    int rc;

    str_init(&out, LIMIT_MESSAGE);
    rc = compose(1, 1, &out);
    if (rc == 0) {
        assert_non_null(strstr(out.data, "Content-ID: <" CID ">"));
        assert_non_null(strstr(out.data, "From: a@b.example\r\n"));
        assert_non_null(strstr(out.data, "To: Mari <a@b.example>\r\n"));
    }
    str_release(&out);
    return rc;
}

static void test_a_variant_is_read_once(void **state)
{
    struct str first;
    struct str again;

    (void)state;
    add_mailing("b");
    run_text(
        "UPDATE variant SET id = 1025, lang = 'en' WHERE id = 2"); /* meets the first in its bucket
                                                                    */
    str_init(&first, LIMIT_MESSAGE);
    str_init(&again, LIMIT_MESSAGE);
    ok(compose(1, 1, &first));
    ok(compose(2, 1025, &again));
    str_reset(&again);
    db_fail_at(0, false, DB_FAULT_BUSY);
    ok(compose(1, 1, &again));
    assert_int_equal(db_steps(), 0);
    assert_string_equal(again.data, first.data);
    assert_int_equal(compose(2, 1, &again), ERR_CORRUPT);
    assert_string_equal(err.msg, "mailing 2 has no variant 1");
    str_release(&again);
    str_release(&first);
}

static void test_what_was_tampered_with_is_told(void **state)
{
    static const struct {
        const char *sql;
        const char *told;
    } cases[] = {
        {"DELETE FROM mailing_part", "mailing 1 has lost its image " CID},
        {"UPDATE variant SET pieces = x'7301'", "a stored variant is cut short"},
        {"UPDATE mailing SET config = '['", "a mailing's configuration is not readable"},
        {"UPDATE mailing SET config = '{}'",
         "a mailing is of a kind that this program does not know"},
        {"DELETE FROM variant", "mailing 1 has no variant 1"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        tear_down(NULL);
        set_up(NULL);
        run_text(cases[i].sql);
        assert_int_equal(compose_one(), ERR_CORRUPT);
        assert_string_equal(err.msg, cases[i].told);
    }
}

static void test_a_picture_of_no_bytes_is_no_bytes(void **state)
{
    struct str out;

    (void)state;
    run_text("UPDATE mailing_part SET data = x''");
    str_init(&out, LIMIT_MESSAGE);
    ok(compose(1, 1, &out));
    assert_non_null(strstr(out.data, "Content-ID: <" CID ">\r\n\r\n--=_r_"));
    str_release(&out);
}

static void test_without_keys_nothing_is_signed(void **state)
{
    const struct dkim none = {0};
    struct str plain;
    struct str signed_by_none;

    (void)state;
    str_init(&plain, LIMIT_MESSAGE);
    str_init(&signed_by_none, LIMIT_MESSAGE);
    ok(compose(1, 1, &plain));
    composer_sign(composer, &none);
    ok(compose(1, 1, &signed_by_none));
    assert_string_equal(signed_by_none.data, plain.data);
    str_release(&signed_by_none);
    str_release(&plain);
}

static void test_any_step_of_the_database_may_fail(void **state)
{
    int rc = -1;

    (void)state;
    for (unsigned long nth = 1; rc != 0; nth++) {
        tear_down(NULL);
        set_up(NULL);
        db_fail_at(nth, false, DB_FAULT_IO);
        rc = compose_one();
        db_fail_at(0, false, DB_FAULT_BUSY);
        if (rc != 0) {
            assert_int_equal(rc, ERR_IO);
            ok(compose_one()); /* nothing of the first try is kept */
        }
        assert_true(nth < 20);
    }
}

static void test_any_memory_may_be_out(void **state)
{
    bool done = false;

    (void)state;
    for (unsigned long nth = 1; !done; nth++) {
        int rc;

        tear_down(NULL);
        set_up(NULL);
        mem_fail_at(nth, 0);
        rc = compose_one();
        done = mem_count() < nth;
        mem_fail_at(0, 0);
        if (rc != (done ? 0 : ERR_NOMEM)) {
            fail_msg("allocation %lu: %d %s", nth, rc, err.msg);
        }
        ok(compose_one());
        assert_true(nth < 1000);
    }
}

static void test_a_composer_needs_a_database_and_memory(void **state)
{
    struct composer *none = NULL;
    char nowhere[TEMP_FOLDER + 16];
    bool done = false;

    (void)state;
    (void)snprintf(nowhere, sizeof(nowhere), "%s/none.db", folder);
    assert_int_equal(composer_open(nowhere, &key, &none, &err), ERR_NOT_FOUND);
    assert_null(none);
    for (unsigned long nth = 1; !done; nth++) {
        int rc;

        mem_fail_at(nth, 0);
        rc = composer_open(path, &key, &none, &err);
        done = mem_count() < nth;
        mem_fail_at(0, 0);
        assert_int_equal(rc, done ? 0 : ERR_NOMEM);
    }
    composer_close(none);
    composer_close(NULL);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_variant_is_read_once),
        CASE(test_what_was_tampered_with_is_told),
        CASE(test_a_picture_of_no_bytes_is_no_bytes),
        CASE(test_without_keys_nothing_is_signed),
        CASE(test_any_step_of_the_database_may_fail),
        CASE(test_any_memory_may_be_out),
        CASE(test_a_composer_needs_a_database_and_memory),
    };

    return token_init(NULL) < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
