/* What holds a send back - quotas, domains, the watch over a mailing, relays -, at the
 * edges and when memory or the database fails under it: it says so, nothing is half done,
 * and the second try succeeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OUTBOX_CASE_ROWS 40
#include "claim.h"
#include "domain.h"
#include "quota.h"
#include "support/outbox_case.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/db/fault.h"
#include "teataja/delivery/relay.h"
#include "watch.h"

enum { WORKER = 1, HALT_AFTER = 500 /* 5 percent */, STEPS_MOST = 60 };

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void enlist(void)
{
    must("INSERT INTO worker (id, boot, pid, started, relay) VALUES (1, 'boot', 1, 0, 'relay')");
}

/* ---- quotas ---- */

static void declare(int64_t window, int64_t most)
{
    const struct site_limit limits[] = {{.rate = {.count = 0, .micros = CLOCK_DAY}},
                                        {.rate = {.count = most, .micros = window}}};
    bool limited = false;

    ok(quota_declare(site.db, "relay", limits, COUNT(limits), &limited, &err));
    assert_true(limited);
}

static void test_a_limit_of_none_is_none(void **state)
{
    const struct site_limit none = {.rate = {.count = 0, .micros = CLOCK_DAY}};
    bool limited = true;
    int64_t room = 0;
    int64_t next_at = 1;

    (void)state;
    ok(quota_declare(site.db, "relay", &none, 1, &limited, &err));
    assert_false(limited);
    ok(quota_room(site.db, "relay", NOW, &room, &next_at, &err));
    assert_int_equal(room, INT64_MAX);
    assert_int_equal(next_at, 0);
}

static void test_a_window_may_be_shorter_than_its_slots(void **state)
{
    int64_t room = 0;
    int64_t next_at = 0;

    (void)state;
    assert_int_equal(quota_grain(QUOTA_SLOTS - 1), 1);
    assert_int_equal(quota_grain(QUOTA_SLOTS * 7), 7);
    enlist();
    declare(100, 2);
    ok(quota_use(site.db, WORKER, NOW, 2, &err));
    ok(quota_room(site.db, "relay", NOW + 50, &room, &next_at, &err));
    assert_int_equal(room, 0);
    assert_int_equal(next_at, NOW + 1 + 100);
    ok(quota_room(site.db, "relay", next_at, &room, &next_at, &err));
    assert_int_equal(room, 2);
}

/* The newest slots alone fill the limit: what is older need not be waited for. */
static void test_it_is_asked_again_when_the_slot_that_matters_is_over(void **state)
{
    const int64_t grain = quota_grain(CLOCK_HOUR);
    int64_t room = 0;
    int64_t next_at = 0;

    (void)state;
    enlist();
    declare(CLOCK_HOUR, 3);
    for (int64_t slot = 0; slot < 3; slot++) {
        ok(quota_use(site.db, WORKER, NOW + slot * grain, 2, &err));
    }
    ok(quota_room(site.db, "relay", NOW + 3 * grain, &room, &next_at, &err));
    assert_int_equal(room, 0);
    assert_int_equal(next_at, ((NOW + grain) / grain + 1) * grain + CLOCK_HOUR);
}

static void test_a_relay_has_sixteen_limits_at_most(void **state)
{
    int64_t room = 0;
    int64_t next_at = 0;

    (void)state;
    must("INSERT INTO relay_limit WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
         " WHERE i < 17) SELECT 'relay', i, 1 FROM n");
    assert_int_equal(quota_room(site.db, "relay", NOW, &room, &next_at, &err), ERR_LIMIT);
    assert_string_equal(err.msg, "relay 'relay' has more than 16 limits");
}

/* ---- domains ---- */

static struct smtp_outcome answer(enum reply_disposition disposition, const char *enhanced,
                                  const char *text)
{
    struct smtp_outcome out = {.stage = REPLY_RCPT, .verdict = {.disposition = disposition}};

    (void)snprintf(out.reply.enhanced, sizeof(out.reply.enhanced), "%s", enhanced);
    (void)snprintf(out.reply.text, sizeof(out.reply.text), "%s", text);
    return out;
}

static bool put_off(struct domains *domains, const char *address, const char *enhanced,
                    const char *text)
{
    const struct smtp_outcome later = answer(REPLY_DEFERRED, enhanced, text);
    bool paused = false;

    ok(domains_note(site.db, domains, address, &later, NOW, &paused, &err));
    return paused;
}

static void test_what_is_about_one_mailbox_is_not_about_its_domain(void **state)
{
    static const struct {
        const char *enhanced;
        const char *text;
    } answers[] = {{"4.2.2", "the mailbox is full"},
                   {"4.7.1", "you are greylisted"},
                   {"4.7.1", "Graylisted for 5 minutes"},
                   {"", "grey-listing is on"}};
    static const enum reply_stage stages[] = {REPLY_MAIL, REPLY_DATA};
    struct domains domains = {0};

    (void)state;
    for (size_t i = 0; i < 4 * COUNT(answers); i++) {
        assert_false(
            put_off(&domains, "a@naide.example", answers[i / 4].enhanced, answers[i / 4].text));
    }
    for (size_t i = 0; i < 4 * COUNT(stages); i++) {
        struct smtp_outcome later = answer(REPLY_DEFERRED, "4.3.0", "later");
        bool paused = false;

        later.stage = stages[i / 4];
        ok(domains_note(site.db, &domains, "a@naide.example", &later, NOW, &paused, &err));
        assert_false(paused);
    }
    assert_int_equal(number("SELECT count(*) FROM domain_state"), 0);
}

static void test_a_domain_waits_longer_each_time_until_it_takes_one(void **state)
{
    static const int64_t minutes[] = {5, 15, 30, 60, 120, 240, 240};
    const struct smtp_outcome sent = answer(REPLY_SENT, "2.0.0", "Ok");
    struct domains domains = {0};
    bool paused = false;
    int64_t now = NOW;

    (void)state;
    assert_int_equal(domains_paused(&domains, "a@naide.example", NOW), 0);
    assert_false(put_off(&domains, "a@Naide.Example", "4.3.0", "later"));
    assert_false(put_off(&domains, "b@naide.example", "4.3.0", "later"));
    assert_int_equal(domains_paused(&domains, "c@naide.example", NOW), 0);
    for (size_t i = 0; i < COUNT(minutes); i++) {
        const struct smtp_outcome later = answer(REPLY_DEFERRED, "4.3.0", "later");

        paused = false;
        ok(domains_note(site.db, &domains, "c@naide.example", &later, now, &paused, &err));
        assert_true(paused);
        assert_int_equal(domains_paused(&domains, "d@NAIDE.example", now),
                         now + minutes[i] * CLOCK_MINUTE);
        /* What was on the wire when the pause began makes it no longer. */
        paused = false;
        ok(domains_note(site.db, &domains, "e@naide.example", &later, now, &paused, &err));
        assert_false(paused);
        now = domains_paused(&domains, "d@naide.example", now);
    }
    assert_int_equal(domains_paused(&domains, "a@other.example", NOW), 0);
    ok(domains_note(site.db, &domains, "a@other.example", &sent, now, &paused, &err));
    assert_int_equal(domains.count, 1);
    ok(domains_note(site.db, &domains, "f@naide.example", &sent, now, &paused, &err));
    assert_int_equal(domains.count, 0);
    ok(domains_note(site.db, &domains, "f@naide.example", &sent, now, &paused, &err));
    assert_int_equal(number("SELECT count(*) FROM domain_state"), 0);
}

static void test_an_address_may_have_no_domain_or_one_that_is_too_long(void **state)
{
    struct domains domains = {0};
    char address[LIMIT_DOMAIN + 20] = "a@";

    (void)state;
    memset(address + 2, 'x', LIMIT_DOMAIN + 10);
    assert_false(put_off(&domains, address, "4.3.0", "later"));
    assert_false(put_off(&domains, "erased", "4.3.0", "later"));
    assert_int_equal(number("SELECT max(length(domain)) FROM domain_state"), LIMIT_DOMAIN);
    assert_int_equal(number("SELECT count(*) FROM domain_state WHERE domain = ''"), 1);
    assert_int_equal(domains_paused(&domains, "erased", NOW), 0);
}

/* ---- the watch ---- */

static void add_mailings(int count)
{
    for (int i = 2; i <= count; i++) {
        char text[400];

        (void)snprintf(text, sizeof(text),
                       "INSERT INTO mailing (id, uid, purpose, subject, list, dedupe, state,"
                       " priority, config, audience, message_date, hash, created_at)"
                       " SELECT %d, 'u%d', purpose, subject, list, 'd%d', 'sending', priority,"
                       " config, audience, message_date, hash, created_at FROM mailing"
                       " WHERE id = 1",
                       i, i, i);
        must(text);
    }
}

static bool refused(struct watch *watch, int64_t mailing, int times)
{
    bool halted = false;

    for (int i = 0; i < times; i++) {
        ok(watch_note(watch, site.db, mailing, true, &halted, &err));
    }
    return halted;
}

static void test_a_mailing_is_halted_by_its_own_refusals_only(void **state)
{
    struct watch watch = {.halt_after = HALT_AFTER};
    struct watch never = {.halt_after = 0};
    struct watch all = {.halt_after = 10000};
    bool halted = false;

    (void)state;
    add_mailings(WATCH_MAX + 1);
    assert_false(refused(&never, 1, 2 * WATCH_LEAST));
    assert_false(refused(&all, 1, 2 * WATCH_LEAST));
    assert_false(refused(&watch, 1, WATCH_LEAST - 1));
    for (int64_t id = 1; id <= WATCH_MAX + 1; id++) {
        ok(watch_note(&watch, site.db, id, false, &halted, &err));
        assert_false(halted);
    }
    assert_true(refused(&watch, 1, 1));
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE id = 1 AND state = 'held'"
                            " AND reason = '20 of 21 were refused for good'"),
                     1);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE state = 'held'"), 1);
    /* What comes in for one that is held already halts nothing. */
    assert_false(refused(&watch, 1, 2 * WATCH_LEAST));
}

static void test_who_goes_on_all_the_same_is_halted_later_each_time(void **state)
{
    struct watch watch = {.halt_after = HALT_AFTER};

    (void)state;
    must("UPDATE mailing SET state = 'sending'");
    must("INSERT INTO mailing_watch VALUES (1, 100, 9, 1)"); /* 10 percent are allowed now */
    assert_false(refused(&watch, 1, 1));
    assert_true(refused(&watch, 1, 3));
    must("UPDATE mailing SET state = 'sending'");
    must("UPDATE mailing_watch SET halts = 40");
    assert_false(refused(&watch, 1, 3 * WATCH_LEAST));
}

/* ---- relays ---- */

static void test_a_relay_is_left_alone_longer_each_time(void **state)
{
    static const int64_t away[] = {1, 2, 5, 15, 30, 60, 60};
    static const int64_t denied[] = {15, 60, 240, 240};
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct relay_state *list = NULL;
    struct relay_state one;
    size_t count = 0;
    int64_t until = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(away); i++) {
        ok(relay_park(site.db, "first", "no answer", false, NOW, &until, &err));
        assert_int_equal(until, NOW + away[i] * CLOCK_MINUTE);
    }
    for (size_t i = 0; i < COUNT(denied); i++) {
        ok(relay_park(site.db, "second", "go away", true, NOW, &until, &err));
        assert_int_equal(until, NOW + denied[i] * CLOCK_MINUTE);
    }
    ok(relay_state_list(site.db, arena, &list, &count, &err));
    assert_int_equal(count, 2);
    assert_string_equal(list[0].relay, "first");
    assert_int_equal(list[1].failures, COUNT(denied));
    assert_string_equal(list[1].reason, "go away");
    ok(relay_unpark(site.db, "first", &err));
    ok(relay_state_get(site.db, arena, "first", &one, &err));
    assert_int_equal(one.failures, 0);
    assert_string_equal(one.reason, "");
    arena_free(arena);
}

static void test_texts_that_do_not_fit_are_an_error_and_no_state(void **state)
{
    struct arena *arena = NULL;
    struct relay_state one;
    struct relay_state *list = NULL;
    size_t count = 0;
    int64_t until = 0;
    int rc = -1;

    (void)state;
    ok(relay_park(site.db, "relay", "a reason of some length, as relays give", false, NOW, &until,
                  &err));
    for (size_t size = 1; rc != 0; size++) {
        arena = arena_new(size);
        assert_non_null(arena);
        rc = relay_state_get(site.db, arena, "relay", &one, &err);
        assert_true(rc == 0 || rc == ERR_NOMEM);
        arena_free(arena);
        assert_true(size < 1000);
    }
    rc = -1;
    for (size_t size = 1; rc != 0; size++) {
        arena = arena_new(size);
        assert_non_null(arena);
        rc = relay_state_list(site.db, arena, &list, &count, &err);
        assert_int_equal(count, rc == 0 ? 1 : 0);
        arena_free(arena);
        assert_true(size < 10000);
    }
}

/* ---- whatever fails below ---- */

static int act_room(struct err *why)
{
    int64_t room;
    int64_t next_at;

    return quota_room(site.db, "relay", NOW, &room, &next_at, why);
}

static int act_declare(struct err *why)
{
    const struct site_limit limit = {.rate = {.count = 7, .micros = CLOCK_HOUR}};
    bool limited;

    return quota_declare(site.db, "relay", &limit, 1, &limited, why);
}

static int act_use(struct err *why)
{
    int rc = quota_hold(site.db, WORKER, -1, why);

    return rc == 0 ? quota_use(site.db, WORKER, NOW, 1, why) : rc;
}

static int act_put_off(struct err *why)
{
    const struct smtp_outcome later = answer(REPLY_DEFERRED, "4.3.0", "later");
    struct domains domains = {0};
    bool paused = false;

    return domains_note(site.db, &domains, "a@naide.example", &later, NOW, &paused, why);
}

static int act_forgive(struct err *why)
{
    const struct smtp_outcome sent = answer(REPLY_SENT, "2.0.0", "Ok");
    struct domains domains = {0};
    bool paused = false;
    int rc = domains_load(site.db, &domains, why);

    return rc == 0 ? domains_note(site.db, &domains, "a@old.example", &sent, NOW, &paused, why)
                   : rc;
}

static int act_watch(struct err *why)
{
    struct watch watch = {.halt_after = HALT_AFTER};
    bool halted = false;
    int rc = 0;

    for (int64_t id = 1; rc == 0 && id <= WATCH_MAX + 1; id++) {
        rc = watch_note(&watch, site.db, id, false, &halted, why);
    }
    return rc == 0 ? watch_note(&watch, site.db, 1, true, &halted, why) : rc;
}

static int act_park(struct err *why)
{
    int64_t until;

    return relay_park(site.db, "relay", "no answer", false, NOW, &until, why);
}

static int act_list(struct err *why)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct relay_state *list;
    size_t count;
    int rc = arena == NULL ? err_nomem(why) : relay_state_list(site.db, arena, &list, &count, why);

    arena_free(arena);
    return rc;
}

static int (*const acts[])(struct err *why) = {act_room,    act_declare, act_use,  act_put_off,
                                               act_forgive, act_watch,   act_park, act_list};

static void before_act(void)
{
    outbox_case_again();
    enlist();
    add_mailings(WATCH_MAX + 1);
    must("UPDATE mailing SET state = 'sending'");
    must("INSERT INTO relay_limit VALUES ('relay', 3600000000, 5), ('relay', 60000000, 5)");
    must("INSERT INTO relay_use VALUES ('relay', 3600000000, 113333333, 1)");
    must("INSERT INTO domain_state VALUES ('naide.example', 2, 0, 1700000000000000),"
         " ('old.example', 3, 0, 1700000000000000)");
    must("INSERT INTO mailing_watch VALUES (1, 100, 50, 0)");
    must("INSERT INTO relay_state VALUES ('relay', 1, 5, 'x', 1), ('other', 1, 5, 'x', 1)");
}

/* Each act is part of somebody's transaction, which is taken back with it. */
static int in_transaction(int (*act)(struct err *why), bool of_steps, unsigned long nth)
{
    int rc;

    ok(db_begin(site.db, &err));
    if (of_steps) {
        db_fail_at(nth, false, DB_FAULT_IO);
    } else {
        mem_fail_at(nth, 0);
    }
    rc = act(&err);
    db_fail_at(0, false, DB_FAULT_IO);
    mem_fail_at(0, 0);
    db_rollback(site.db);
    return rc;
}

static void test_whatever_fails_below_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(acts); i++) {
        bool of_steps = i % 2 != 0;
        int rc = -1;

        for (unsigned long nth = 1; rc != 0; nth++) {
            before_act(); /* with no statement prepared */
            rc = in_transaction(acts[i / 2], of_steps, nth);
            if (rc != 0 && rc != (of_steps ? ERR_IO : ERR_NOMEM)) {
                fail_msg("act %zu, %lu: %d %s", i / 2, nth, rc, err.msg);
            }
            assert_true(nth < STEPS_MOST);
        }
    }
}

/* ---- signing off with rows in hand ---- */

static void assert_signs_off(bool of_steps, unsigned long nth, bool *done)
{
    const struct ledger_options options = {
        .database = site.path, .lock_folder = site.folder, .relay = "relay"};
    struct ledger *ledger = NULL;
    struct ledger_row rows[LEDGER_CLAIM];
    size_t count = 0;

    outbox_case_again();
    ok(ledger_open(&options, &ledger, &err));
    ok(ledger_claim(ledger, 0, LEDGER_CLAIM, rows, &count, &err));
    assert_int_equal(count, LEDGER_CLAIM);
    for (size_t i = 0; i < count; i++) {
        ledger_row_release(&rows[i]);
    }
    if (of_steps) {
        db_fail_at(nth, false, DB_FAULT_IO);
    } else {
        mem_fail_at(nth, 0);
    }
    ledger_close(ledger);
    *done = of_steps ? db_steps() < nth : mem_count() < nth;
    db_fail_at(0, false, DB_FAULT_IO);
    mem_fail_at(0, 0);
    /* All of it, or nothing: then recovery finds a dead worker with all its rows. */
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE state = 'claimed'"),
                     number("SELECT count(*) FROM worker") * LEDGER_CLAIM);
    ok(ledger_recover(site.db, site.folder, NULL, &err));
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE state = 'queued'"),
                     OUTBOX_CASE_ROWS);
    assert_int_equal(number("SELECT count(*) FROM worker"), 0);
}

static void test_a_worker_signs_off_whole_or_is_found_dead(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        bool done = false;

        for (unsigned long nth = 1; !done; nth++) {
            assert_signs_off(i != 0, nth, &done);
            assert_true(nth < STEPS_MOST);
        }
    }
}

static void test_a_living_worker_is_left_alone_and_a_dead_ones_doubt_is_named(void **state)
{
    const struct ledger_options options = {
        .database = site.path, .lock_folder = site.folder, .relay = "relay"};
    struct ledger *ledger = NULL;
    struct ledger_row rows[2];
    int64_t unknown = 0;
    size_t count = 0;

    (void)state;
    ok(ledger_open(&options, &ledger, &err));
    ok(ledger_claim(ledger, 0, COUNT(rows), rows, &count, &err));
    assert_int_equal(count, COUNT(rows));
    ok(ledger_write(ledger, NULL, 0, &rows[0], &err));
    ok(ledger_recover(site.db, site.folder, &unknown, &err));
    assert_int_equal(unknown, 0);
    assert_int_equal(number("SELECT count(*) FROM worker"), 1);
    ledger_close(ledger); /* as good as dead: it cannot say what became of its row */
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE state = 'committing'"), 1);
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE state = 'claimed'"), 0);
    ok(ledger_recover(site.db, site.folder, &unknown, &err));
    assert_int_equal(unknown, 1);
    assert_int_equal(number("SELECT count(*) FROM attempt WHERE stage = 'recovery'"), 1);
    assert_int_equal(number("SELECT count(*) FROM worker"), 0);
    for (size_t i = 0; i < count; i++) {
        ledger_row_release(&rows[i]);
    }
}

static void test_more_rows_than_memory_are_an_error(void **state)
{
    struct arena *arena = arena_new(64);
    struct worker_row *rows = NULL;
    size_t count = 0;

    (void)state;
    enlist();
    must("UPDATE outbox SET state = 'claimed', worker = 1");
    assert_true(worker_rows(site.db, arena, WORKER, &rows, &count, &err) < 0);
    arena_free(arena);
    arena = arena_new(LIMIT_ARENA_WORK);
    ok(worker_rows(site.db, arena, WORKER, &rows, &count, &err));
    assert_int_equal(count, OUTBOX_CASE_ROWS);
    arena_free(arena);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, outbox_case_open, outbox_case_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_limit_of_none_is_none),
        CASE(test_a_window_may_be_shorter_than_its_slots),
        CASE(test_it_is_asked_again_when_the_slot_that_matters_is_over),
        CASE(test_a_relay_has_sixteen_limits_at_most),
        CASE(test_what_is_about_one_mailbox_is_not_about_its_domain),
        CASE(test_a_domain_waits_longer_each_time_until_it_takes_one),
        CASE(test_an_address_may_have_no_domain_or_one_that_is_too_long),
        CASE(test_a_mailing_is_halted_by_its_own_refusals_only),
        CASE(test_who_goes_on_all_the_same_is_halted_later_each_time),
        CASE(test_a_relay_is_left_alone_longer_each_time),
        CASE(test_texts_that_do_not_fit_are_an_error_and_no_state),
        CASE(test_whatever_fails_below_is_told),
        CASE(test_a_worker_signs_off_whole_or_is_found_dead),
        CASE(test_a_living_worker_is_left_alone_and_a_dead_ones_doubt_is_named),
        CASE(test_more_rows_than_memory_are_an_error),
    };

    return cmocka_run_group_tests(tests, outbox_case_make_base, outbox_case_remove_base);
}
