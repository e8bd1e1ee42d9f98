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
static void add_mailing_of(enum mail_kind_id kind, const char *dedupe)
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
    const struct envelope envelope = {.kind = &mail_kinds[kind],
                                      .occurrence =
                                          kind == MAIL_REMINDER ? "20270417T100000" : NULL,
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

static void add_mailing(const char *dedupe)
{
    add_mailing_of(MAIL_LETTER, dedupe);
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

static int compose_to(int64_t mailing, int64_t variant, const char *slots, struct str *out)
{
    const struct delivery_job job = {.row = 1,
                                     .mailing = mailing,
                                     .variant = variant,
                                     .member = 1,
                                     .address = "a@b.example",
                                     .slots = slots};
    char sender[LIMIT_ADDRESS + 1];

    return composer_message(composer, &job, out, sender, &err);
}

static int compose(int64_t mailing, int64_t variant, struct str *out)
{
    return compose_to(mailing, variant, "[\"Mari\",\"\",1,0,\"\"]", out);
}

/* A reminder to who holds invitation 7, thrown away. */
static int compose_reminder(void)
{
    struct str out;
    int rc;

    str_init(&out, LIMIT_MESSAGE);
    rc = compose_to(2, 2, "[\"Mari\",\"\",1,7,\"\"]", &out);
    str_release(&out);
    return rc;
}

static int set_up_reminder(void **state)
{
    (void)set_up(state);
    add_mailing_of(MAIL_REMINDER, "r");
    run_text("INSERT INTO event (id, slug, uid, digest) VALUES (3, 'forum', 'u', 'd')");
    run_text("INSERT INTO invitation (id, event, address, organizer, sequence, dtstamp) "
             "VALUES (7, 3, 'a@b.example', 'o@b.example', 0, 1)");
    return 0;
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

static void test_a_reminder_looks_at_the_answer_of_now(void **state)
{
    static const struct {
        const char *sql;
        const char *told; /* NULL: it goes */
    } cases[] = {
        {"UPDATE event SET sequence = 0", NULL},
        {"INSERT INTO answer (invitation, state, via, at) VALUES (7, 'maybe', 'web', 1)", NULL},
        {"INSERT INTO answer (invitation, state, via, at) VALUES (7, 'no', 'web', 1)",
         "said no to the invitation, since it was queued"},
        {"INSERT INTO answer (invitation, recurrence_id, state, via, at) "
         "VALUES (7, '', 'no', 'web', 1), (7, '20270417T100000', 'yes', 'web', 1)",
         NULL},
        {"INSERT INTO answer (invitation, recurrence_id, state, via, at) "
         "VALUES (7, '', 'yes', 'web', 1), (7, '20270417T100000', 'no', 'web', 1)",
         "said no to the invitation, since it was queued"},
        {"UPDATE event SET status = 'CANCELLED'", "the event was cancelled, since it was queued"},
        {"UPDATE invitation SET state = 'cancelled'",
         "the invitation does not hold any more, since it was queued"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        tear_down(NULL);
        set_up_reminder(NULL);
        run_text(cases[i].sql);
        assert_int_equal(compose_reminder(), cases[i].told != NULL ? ERR_STATE : 0);
        if (cases[i].told != NULL) {
            assert_string_equal(err.msg, cases[i].told);
        }
    }
    (void)state;
}

static void test_a_reminder_that_is_tried_asks_nobody(void **state)
{
    struct str out;

    (void)state;
    run_text("UPDATE event SET status = 'CANCELLED'");
    str_init(&out, LIMIT_MESSAGE);
    ok(compose(2, 2, &out));
    str_release(&out);
}

static void test_any_step_for_a_reminder_may_fail(void **state)
{
    int rc = -1;

    (void)state;
    for (unsigned long nth = 1; rc != 0; nth++) {
        tear_down(NULL);
        set_up_reminder(NULL);
        db_fail_at(nth, false, DB_FAULT_IO);
        rc = compose_reminder();
        db_fail_at(0, false, DB_FAULT_BUSY);
        assert_true(rc == 0 || rc == ERR_IO);
        ok(compose_reminder());
        assert_true(nth < 20);
    }
    rc = -1;
    for (unsigned long nth = 1; rc != 0; nth++) {
        tear_down(NULL);
        set_up_reminder(NULL);
        mem_fail_at(nth, 0);
        rc = compose_reminder();
        mem_fail_at(0, 0);
        assert_true(rc == 0 || rc == ERR_NOMEM);
        ok(compose_reminder());
        assert_true(nth < 1000);
    }
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

#define REMINDER(test) cmocka_unit_test_setup_teardown(test, set_up_reminder, tear_down)
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_variant_is_read_once),
        CASE(test_what_was_tampered_with_is_told),
        CASE(test_a_picture_of_no_bytes_is_no_bytes),
        CASE(test_without_keys_nothing_is_signed),
        REMINDER(test_a_reminder_looks_at_the_answer_of_now),
        REMINDER(test_a_reminder_that_is_tried_asks_nobody),
        REMINDER(test_any_step_for_a_reminder_may_fail),
        CASE(test_any_step_of_the_database_may_fail),
        CASE(test_any_memory_may_be_out),
        CASE(test_a_composer_needs_a_database_and_memory),
    };

    return token_init(NULL) < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
