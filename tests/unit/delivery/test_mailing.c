/* Mailings: what they may become, who gets them, what is told of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OUTBOX_CASE_ROWS 3
#include "support/outbox_case.h"
#include "teataja/db/fault.h"
#include "teataja/delivery/mailing.h"

#define ARENA 1000000
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* ---- What a mailing may become ---- */

static const char *const states[] = {"expanding", "queued",    "sending", "paused",   "held",
                                     "sent",      "cancelled", "waiting", "approved", "rejected"};

static int propose_again(struct db *db, int64_t mailing, struct err *why)
{
    return mailing_set_draft(db, mailing, "waiting", "its text changed", why);
}

static void test_a_mailing_goes_only_where_its_state_lets_it(void **state)
{
    static const struct {
        int (*act)(struct db *db, int64_t mailing, struct err *err);
        const char *name;
        const char *becomes[COUNT(states)]; /* NULL: refused */
    } acts[] = {
        {mailing_ready, "ready", {"queued"}},
        {mailing_pause, "pause", {NULL, "paused", "paused"}},
        {mailing_resume, "resume", {NULL, "queued", "queued", "queued", "queued", "queued"}},
        {mailing_cancel,
         "cancel",
         {NULL, "cancelled", "cancelled", "cancelled", "cancelled", NULL, "cancelled", "cancelled",
          "cancelled", "cancelled"}},
        {propose_again,
         "propose again",
         {NULL, NULL, NULL, NULL, NULL, NULL, NULL, "waiting", "waiting", "waiting"}},
    };

    (void)state;
    for (size_t a = 0; a < COUNT(acts); a++) {
        for (size_t s = 0; s < COUNT(states); s++) {
            const char *becomes = acts[a].becomes[s];
            char text[200];
            int rc;

            outbox_case_again();
            (void)snprintf(text, sizeof(text), "UPDATE mailing SET state = '%s'", states[s]);
            must(text);
            rc = acts[a].act(site.db, 1, &err);
            if (rc != (becomes != NULL ? 0 : ERR_STATE)) {
                fail_msg("%s while %s: %d", acts[a].name, states[s], rc);
            }
            if (becomes == NULL) {
                (void)snprintf(text, sizeof(text), "mailing 1 is %s: it cannot become ", states[s]);
                assert_memory_equal(err.msg, text, strlen(text));
                becomes = states[s];
            }
            (void)snprintf(text, sizeof(text), "SELECT count(*) FROM mailing WHERE state = '%s'",
                           becomes);
            assert_int_equal(number(text), 1);
            assert_int_equal(acts[a].act(site.db, 9, &err), ERR_NOT_FOUND);
            assert_string_equal(err.msg, "no mailing 9");
        }
    }
}

static void test_cancelling_drops_what_has_not_gone(void **state)
{
    (void)state;
    must("UPDATE outbox SET state = CASE id WHEN 1 THEN 'sent' WHEN 2 THEN 'deferred' ELSE state"
         " END");
    ok(mailing_cancel(site.db, 1, &err));
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE state = 'suppressed' AND reply ="
                            " 'the mailing was cancelled' AND done_at = 1700000000000000"),
                     2);
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE state = 'sent'"), 1);
}

static void test_only_what_is_in_doubt_or_failed_is_sent_again(void **state)
{
    int64_t count = 0;

    (void)state;
    must("UPDATE outbox SET state = CASE id WHEN 1 THEN 'sent' WHEN 2 THEN 'unknown' ELSE 'failed'"
         " END, next_at = 5");
    must("UPDATE mailing SET state = 'sent'");
    ok(mailing_resend_unknown(site.db, 1, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(number("SELECT resends FROM outbox WHERE id = 2 AND state = 'queued'"
                            " AND next_at = 0"),
                     1);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE state = 'queued'"), 1);
    ok(mailing_resend_failed(site.db, 1, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(number("SELECT resends FROM outbox WHERE id = 3 AND state = 'queued'"
                            " AND next_at = 0"),
                     0);
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE id = 1 AND state = 'sent'"), 1);
    must("UPDATE mailing SET state = 'sent'");
    ok(mailing_resend_failed(site.db, 1, &count, &err));
    assert_int_equal(count, 0);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE state = 'sent'"), 1);
    must("UPDATE mailing SET state = 'cancelled'");
    must("UPDATE outbox SET state = 'unknown'");
    assert_int_equal(mailing_resend_unknown(site.db, 1, &count, &err), ERR_STATE);
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE state = 'unknown'"), 3);
}

/* 1,500 failed rows of each of two mailings, one after the other. */
static void add_failed_rows(void)
{
    must("DELETE FROM outbox WHERE mailing = 1");
    must("INSERT INTO mailing (id, uid, purpose, subject, dedupe, state, on_unknown, priority,"
         " config, audience, message_date, hash, created_at)"
         " SELECT 7, 'other', purpose, subject, 'other', 'sent', on_unknown, priority, config,"
         " audience, message_date, hash, created_at FROM mailing WHERE id = 1");
    must("INSERT INTO variant (id, mailing, lang, selection, pieces)"
         " SELECT 70, 7, lang, '', x'' FROM variant LIMIT 1");
    must("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
         " INSERT INTO outbox (mailing, dedupe, address, variant, slots, priority, state)"
         " SELECT CASE WHEN i % 2 THEN 1 ELSE 7 END, 'r' || i, 'a' || i || '@x.example',"
         "        CASE WHEN i % 2 THEN (SELECT min(id) FROM variant) ELSE 70 END, '[]', 5, 'failed'"
         "   FROM n");
    must("UPDATE mailing SET state = 'sent'");
}

static void test_many_are_sent_again_in_chunks_and_nobody_of_another_mailing(void **state)
{
    int64_t count = 0;

    (void)state;
    add_failed_rows();
    ok(mailing_resend_failed(site.db, 1, &count, &err));
    assert_int_equal(count, 1500);
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE mailing = 1 AND state = 'queued'"),
                     1500);
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE mailing = 7 AND state = 'failed'"),
                     1500);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE id = 1 AND state = 'queued'"), 1);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE id = 7 AND state = 'sent'"), 1);
}

static void test_who_cancels_or_pauses_between_two_chunks_is_obeyed(void **state)
{
    static const struct {
        const char *becomes;
        int rc;
        int64_t queued;
    } cases[] = {{"cancelled", ERR_STATE, 1000}, {"paused", 0, 1500}, {"sent", 0, 1500}};
    char text[300];
    int64_t count = 0;

    (void)state;
    add_failed_rows();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        must("UPDATE mailing SET state = 'sent'");
        must("UPDATE outbox SET state = 'failed'");
        /* Before the first row of the second chunk. */
        (void)snprintf(text, sizeof(text),
                       "CREATE TRIGGER meanwhile BEFORE UPDATE ON outbox WHEN old.id ="
                       " (SELECT id FROM outbox WHERE mailing = 1 ORDER BY id LIMIT 1 OFFSET 1000)"
                       " BEGIN UPDATE mailing SET state = '%s' WHERE id = 1; END",
                       cases[i].becomes);
        must(text);
        assert_int_equal(mailing_resend_failed(site.db, 1, &count, &err), cases[i].rc);
        must("DROP TRIGGER meanwhile");
        assert_int_equal(
            number("SELECT count(*) FROM outbox WHERE mailing = 1 AND state = 'queued'"),
            cases[i].queued);
        assert_int_equal(number("SELECT count(*) FROM mailing WHERE id = 1 AND state = 'paused'"),
                         strcmp(cases[i].becomes, "paused") == 0);
        assert_int_equal(count, cases[i].queued);
    }
}

/* ---- Who gets it ---- */

static void test_recipients_are_added_once_in_chunks(void **state)
{
    enum { MANY = 2001 };
    static struct mailing_recipient rows[MANY];
    static char dedupe[MANY][8];

    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(dedupe[i], sizeof(dedupe[i]), "t%zu", i);
        rows[i] = (struct mailing_recipient){
            .dedupe = dedupe[i], .address = "a@naide.example", .variant = 1, .slots = "[]"};
    }
    must("DELETE FROM outbox");
    must("UPDATE mailing SET state = 'expanding'");
    db_fail_at(0, false, DB_FAULT_BUSY);
    ok(mailing_add_recipients(site.db, 1, rows, MANY, &err));
    /* Whoever adds so many lets others write in between: BEGIN and COMMIT, twice. */
    assert_true(db_steps() >= MANY + 4);
    rows[0].address = "other@naide.example";
    ok(mailing_add_recipients(site.db, 1, rows, 1, &err));
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE address = 'a@naide.example'"
                            " AND priority = 4 AND state = 'queued' AND member IS NULL"),
                     MANY);
    assert_int_equal(mailing_add_recipients(site.db, 9, rows, 1, &err), ERR_NOT_FOUND);
}

static void test_nobody_is_forgotten_while_a_letter_is_on_its_way(void **state)
{
    static const struct {
        const char *row;
        int rc;
        const char *after;
    } cases[] = {
        {"queued", 0, "suppressed"},
        {"deferred", 0, "suppressed"},
        {"sent", 0, "sent"},
        {"failed", 0, "failed"},
        {"unknown", 0, "unknown"},
        {"suppressed", 0, "suppressed"},
        {"claimed", ERR_BUSY, "claimed"},
        {"committing", ERR_BUSY, "committing"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[200];

        outbox_case_again();
        must("INSERT INTO attempt VALUES (1, 1, 0, 'r', 'rcpt', 450, '4.2.0', 'm1 is full')");
        (void)snprintf(text, sizeof(text),
                       "UPDATE outbox SET state = '%s', reply = 'm1' "
                       "WHERE id = 1",
                       cases[i].row);
        must(text);
        assert_int_equal(mailing_scrub_member(site.db, 1, &err), cases[i].rc);
        (void)snprintf(text, sizeof(text),
                       "SELECT count(*) FROM outbox WHERE id = 1 AND state = "
                       "'%s' AND (address = '' AND reply IS NULL) = %d",
                       cases[i].after, cases[i].rc == 0);
        assert_int_equal(number(text), 1);
        assert_int_equal(number("SELECT count(*) FROM attempt WHERE text IS NULL"),
                         cases[i].rc == 0);
        assert_int_equal(number("SELECT count(*) FROM outbox WHERE address <> ''"),
                         cases[i].rc == 0 ? 2 : 3);
    }
}

/* ---- What is told of it ---- */

static void test_mailings_are_told_the_newest_first(void **state)
{
    struct arena *arena = arena_new(ARENA);
    struct mailing again = outbox_case_plan("again");
    struct mailing got;
    struct mailing notice = again;
    struct mailing *list;
    size_t count = 0;
    int64_t id_of_notice = 0;
    int64_t id = 0;

    (void)state;
    again.not_after = 7;
    again.list = 1;
    ok(mailing_create(site.db, &again, &id, &err));
    ok(mailing_list(site.db, arena, 10, false, &list, &count, &err));
    assert_int_equal(count, 2);
    assert_int_equal(list[0].id, id);
    assert_int_equal(list[1].id, 1);
    ok(mailing_list(site.db, arena, 1, false, &list, &count, &err));
    assert_int_equal(count, 1);
    notice.purpose = "notice";
    notice.dedupe = "notice:relays:1";
    ok(mailing_create(site.db, &notice, &id_of_notice, &err));
    ok(mailing_list(site.db, arena, 1, false, &list, &count, &err));
    assert_int_equal(list[0].id, id);
    ok(mailing_list(site.db, arena, 1, true, &list, &count, &err));
    assert_int_equal(list[0].id, id_of_notice);
    ok(mailing_get(site.db, arena, id, &got, &err));
    assert_int_equal(strlen(got.uid), 16);
    assert_string_equal(got.purpose, again.purpose);
    assert_string_equal(got.subject, again.subject);
    assert_string_equal(got.dedupe, again.dedupe);
    assert_string_equal(got.state, "expanding");
    assert_string_equal(got.on_unknown, again.on_unknown);
    assert_string_equal(got.config, again.config);
    assert_string_equal(got.audience, again.audience);
    assert_string_equal(got.hash, again.hash);
    assert_int_equal(got.list, 1);
    assert_int_equal(got.priority, MAILING_LETTER);
    assert_int_equal(got.message_date, NOW);
    assert_int_equal(got.not_after, 7);
    assert_int_equal(got.created_at, NOW);
    assert_int_equal(got.finished_at, 0);
    assert_int_equal(mailing_get(site.db, arena, 9, &got, &err), ERR_NOT_FOUND);
    assert_string_equal(err.msg, "no mailing 9");
    arena_free(arena);
}

static void test_each_state_is_counted(void **state)
{
    static const struct {
        const char *name;
        size_t offset;
    } counters[] = {
        {"queued", offsetof(struct mailing_counts, queued)},
        {"claimed", offsetof(struct mailing_counts, claimed)},
        {"committing", offsetof(struct mailing_counts, committing)},
        {"sent", offsetof(struct mailing_counts, sent)},
        {"deferred", offsetof(struct mailing_counts, deferred)},
        {"failed", offsetof(struct mailing_counts, failed)},
        {"suppressed", offsetof(struct mailing_counts, suppressed)},
        {"unknown", offsetof(struct mailing_counts, unknown)},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(counters); i++) {
        struct mailing_counts counts;
        char text[100];
        int64_t counted;

        (void)snprintf(text, sizeof(text),
                       "UPDATE outbox SET state = '%s', resends = 1 "
                       "WHERE id < 3",
                       counters[i].name);
        must(text);
        ok(mailing_count(site.db, 1, &counts, &err));
        memcpy(&counted, (const char *)&counts + counters[i].offset, sizeof(counted));
        assert_int_equal(counted, i == 0 ? 3 : 2);
        assert_int_equal(counts.queued, i == 0 ? 3 : 1);
        assert_int_equal(counts.total, 3);
        assert_int_equal(counts.resent, 2);
    }
}

struct seen {
    int64_t ids[4];
    size_t count;
    size_t stop_at;
};

static int see(void *ctx, const struct mailing_row *row)
{
    struct seen *seen = ctx;

    assert_string_equal(row->lang, "et");
    assert_int_equal(row->member, row->id);
    assert_non_null(strstr(row->address, "@naide.example"));
    seen->ids[seen->count++] = row->id;
    return seen->count == seen->stop_at ? 42 : 0;
}

static void test_rows_are_told_until_somebody_has_seen_enough(void **state)
{
    static const struct {
        const char *of;
        size_t stop_at;
        int rc;
        size_t count;
    } cases[] = {{NULL, 0, 0, 3}, {NULL, 2, 42, 2}, {"sent", 0, 0, 1}, {"failed", 0, 0, 0}};

    (void)state;
    must("UPDATE outbox SET state = 'sent', code = 250, enhanced = '2.0.0', reply = 'Ok',"
         " relay = 'r', done_at = 6 WHERE id = 2");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct seen seen = {.stop_at = cases[i].stop_at};

        assert_int_equal(mailing_rows(site.db, 1, cases[i].of, see, &seen, &err), cases[i].rc);
        assert_int_equal(seen.count, cases[i].count);
        for (size_t j = 1; j < seen.count; j++) {
            assert_true(seen.ids[j - 1] < seen.ids[j]);
        }
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, outbox_case_open, outbox_case_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_mailing_goes_only_where_its_state_lets_it),
        CASE(test_cancelling_drops_what_has_not_gone),
        CASE(test_only_what_is_in_doubt_or_failed_is_sent_again),
        CASE(test_many_are_sent_again_in_chunks_and_nobody_of_another_mailing),
        CASE(test_who_cancels_or_pauses_between_two_chunks_is_obeyed),
        CASE(test_recipients_are_added_once_in_chunks),
        CASE(test_nobody_is_forgotten_while_a_letter_is_on_its_way),
        CASE(test_mailings_are_told_the_newest_first),
        CASE(test_each_state_is_counted),
        CASE(test_rows_are_told_until_somebody_has_seen_enough),
    };

    return cmocka_run_group_tests(tests, outbox_case_make_base, outbox_case_remove_base);
}
