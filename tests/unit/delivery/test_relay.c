/* Relays by turns, what their limits allow, and who goes first. */
#define OUTBOX_CASE_ROWS 120
#include "support/outbox_case.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "quota.h"
#include "support/smtp_server.h"
#include "teataja/delivery/relay.h"

static const struct server_options plain = {.pipelining = true, .enhanced = true};

/* Deliveries take their time, by the machine's clock. */
static int open_in_time(void **state)
{
    clock_unfix();
    return outbox_case_open(state);
}

/* Runs with two relays; parked ones are left alone. */
static struct delivery_result deliver(const struct site_relay *first,
                                      const struct site_relay *second, int expected)
{
    const struct delivery_relay spare = {.relay = second};
    const struct delivery_options options = {.relay = first,
                                             .spares = &spare,
                                             .spare_count = second != NULL ? 1 : 0,
                                             .fault_pause_ms = 5};
    struct delivery_result result;
    int rc = outbox_site_run(&site, options, &result, &err);

    if (rc != expected) {
        fail_msg("%d: %s", rc, err.msg);
    }
    return result;
}

static void test_the_better_relay_is_used_again_when_its_time_has_come(void **state)
{
    struct smtp_server *first = smtp_server_start(&plain);
    struct smtp_server *second = smtp_server_start(&plain);
    struct site_relay better = outbox_site_relay(first, 2, 0);
    struct site_relay spare = outbox_site_relay(second, 2, 0);
    struct delivery_result result;
    char park[200];

    (void)state;
    spare.name = "spare";
    spare.rate = (struct rate){.count = 100, .micros = CLOCK_SECOND};
    snprintf(park, sizeof(park), "INSERT INTO relay_state VALUES ('test', 3, %" PRId64 ", 'away', 0)",
             clock_now() + 400 * CLOCK_SECOND / 1000);
    must(park);
    result = deliver(&better, &spare, 0);
    assert_int_equal(result.progress.sent, 120);
    assert_in_range(smtp_server_message_count(second), 10, 80);
    assert_int_equal(smtp_server_message_count(first) + smtp_server_message_count(second), 120);
    assert_int_equal(number("SELECT count(*) FROM relay_state"), 0);
    smtp_server_stop(first);
    smtp_server_stop(second);
}

static void test_a_relay_that_refuses_us_is_parked_and_not_hammered(void **state)
{
    const struct server_fault refusal = {
        .stage = SERVER_MAIL, .act = SERVER_SAY, .text = "550 5.7.1 not you\r\n"};
    struct server_options options = plain;
    struct smtp_server *server;
    struct site_relay relay;
    struct delivery_result result;
    unsigned connections;

    (void)state;
    options.faults = &refusal;
    options.fault_count = 1;
    server = smtp_server_start(&options);
    relay = outbox_site_relay(server, 2, 0);
    result = deliver(&relay, NULL, ERR_DENIED);
    assert_in_range(result.waits_until, clock_now() + 14 * CLOCK_MINUTE,
                    clock_now() + 15 * CLOCK_MINUTE);
    connections = smtp_server_connections(server);
    for (int i = 0; i < 5; i++) {
        result = deliver(&relay, NULL, 0);
        assert_true(result.waits_until > clock_now() && !result.limited);
        assert_non_null(strstr(result.relay_fault, "not you"));
    }
    assert_int_equal(smtp_server_connections(server), connections);
    /* One connection tries it when the time has come; it waits longer after that. */
    must("UPDATE relay_state SET parked_until = 0");
    result = deliver(&relay, NULL, ERR_DENIED);
    assert_int_equal(smtp_server_connections(server), connections + 1);
    assert_true(result.waits_until > clock_now() + 59 * CLOCK_MINUTE);
    assert_int_equal(number("SELECT failures FROM relay_state"), 2);
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE state = 'queued'"), 120);
    smtp_server_stop(server);
}

struct urgent {
    struct smtp_server *server;
    size_t after; /* messages of the letter */
};

/* A cancellation is planned while a letter is on its way. */
static void *plan_urgent(void *arg)
{
    const struct urgent *urgent = arg;
    const struct timespec nap = {.tv_nsec = 5000000};
    struct db *db = NULL;
    struct db_stmt *stmt = NULL;
    struct err why = {0};
    bool good;

    while (smtp_server_message_count(urgent->server) < urgent->after) {
        nanosleep(&nap, NULL);
    }
    good = db_open(site.path, DB_OPEN_EXISTING, &db, &why) == 0 && db_begin(db, &why) == 0 &&
           db_query_text(db,
                         "INSERT INTO mailing (id, uid, purpose, subject, dedupe, state, priority,"
                         " config, audience, message_date, hash, created_at) VALUES (2, 'u2',"
                         " 'invitation', 'events/x', 'x', 'queued', 1, '{}', '', 0, '', 0)",
                         &stmt, &why) == 0 &&
           db_run(stmt, &why) == 0 &&
           db_query_text(db,
                         "INSERT INTO outbox (id, mailing, dedupe, address, slots, priority)"
                         " VALUES (1001, 2, 'a', 'm1001@naide.example', '[]', 1),"
                         " (1002, 2, 'b', 'm1002@naide.example', '[]', 1)",
                         &stmt, &why) == 0 &&
           db_run(stmt, &why) == 0 && db_commit(db, &why) == 0;
    db_close(db);
    return good ? NULL : arg;
}

static void test_a_cancellation_goes_out_in_the_middle_of_a_letter(void **state)
{
    struct smtp_server *server = smtp_server_start(&plain);
    struct site_relay relay = outbox_site_relay(server, 2, 0);
    struct urgent urgent = {.server = server, .after = 20};
    struct server_message message;
    size_t places[2] = {0, 0};
    pthread_t thread;
    void *failed;

    (void)state;
    relay.rate = (struct rate){.count = 40, .micros = CLOCK_SECOND};
    assert_int_equal(pthread_create(&thread, NULL, plan_urgent, &urgent), 0);
    deliver(&relay, NULL, 0);
    pthread_join(thread, &failed);
    assert_null(failed);
    for (size_t i = 0; smtp_server_message(server, i, &message); i++) {
        if (strncmp(message.recipient, "m100", 4) == 0 && strlen(message.recipient) == 19) {
            places[message.recipient[4] - '1'] = i;
        }
    }
    /* A second's worth of rows is claimed ahead at most. */
    assert_in_range(places[0], 20, 20 + 45);
    assert_in_range(places[1], 20, 20 + 45);
    assert_int_equal(smtp_server_message_count(server), 122);
    smtp_server_stop(server);
}

/* ---- limits, by a clock of our own ---- */

static void declare(const struct site_limit *limits, size_t count)
{
    bool limited = false;

    ok(db_begin(site.db, &err));
    ok(quota_declare(site.db, "test", limits, count, &limited, &err));
    assert_true(limited);
    ok(db_commit(site.db, &err));
    must("INSERT INTO worker (id, boot, pid, started, relay) VALUES (7, 'b', 1, 0, 'test')");
}

static void test_sliding_windows_hold_and_waste_little(void **state)
{
    const struct site_limit limits[] = {
        {.rate = {.count = 30, .micros = CLOCK_MINUTE}},
        {.rate = {.count = 300, .micros = CLOCK_HOUR}, .reserve = 60},
    };
    enum { SENT = 1500 };
    static int64_t answered[SENT];
    static int64_t claimed[SENT];
    unsigned seed = 5;
    int64_t now = NOW;
    size_t sent = 0;

    (void)state;
    declare(limits, 2);
    while (sent < SENT) {
        int64_t room = 0;
        int64_t next_at = 0;

        ok(quota_room(site.db, "test", now, &room, &next_at, &err));
        if (room == 0) {
            assert_true(next_at > now);
            now = next_at;
            continue;
        }
        /* A few are claimed together, and each is answered a while later. */
        room = room < 5 ? room : 5;
        ok(quota_hold(site.db, 7, room, &err));
        for (int64_t i = 0; i < room && sent < SENT; i++) {
            seed = seed * 1103515245U + 12345U;
            claimed[sent] = now;
            now += (int64_t)(seed >> 16) * 40;
            ok(quota_hold(site.db, 7, -1, &err));
            ok(quota_use(site.db, 7, now, 1, &err));
            answered[sent++] = now;
        }
        must("UPDATE worker SET held = 0");
    }
    /* However the message took its time between claim and answer. */
    for (size_t i = 0; i + 30 < SENT; i++) {
        assert_true(claimed[i + 30] - answered[i] >= CLOCK_MINUTE);
    }
    for (size_t i = 0; i + 240 < SENT; i++) {
        assert_true(claimed[i + 240] - answered[i] >= CLOCK_HOUR);
    }
    /* 1,500 at 240 an hour: six windows, each with a slot and its own time to send. */
    assert_in_range((now - NOW) / CLOCK_MINUTE, 6 * 60, 6 * 60 + 6 * 15);
    assert_in_range(number("SELECT count(*) FROM relay_use"), 1, 2 * 242);
}

static void test_what_others_hold_counts(void **state)
{
    const struct site_limit limit = {.rate = {.count = 10, .micros = CLOCK_HOUR}};
    int64_t room = 0;
    int64_t next_at = 0;

    (void)state;
    declare(&limit, 1);
    ok(quota_hold(site.db, 7, 10, &err));
    ok(quota_room(site.db, "test", NOW, &room, &next_at, &err));
    assert_int_equal(room, 0);
    assert_in_range(next_at, NOW + 1, NOW + CLOCK_MINUTE);
    ok(quota_hold(site.db, 7, -4, &err));
    ok(quota_use(site.db, 7, NOW, 3, &err));
    ok(quota_room(site.db, "test", NOW, &room, &next_at, &err));
    assert_int_equal(room, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_in_time, outbox_case_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_better_relay_is_used_again_when_its_time_has_come),
        TEST(test_a_relay_that_refuses_us_is_parked_and_not_hammered),
        TEST(test_a_cancellation_goes_out_in_the_middle_of_a_letter),
        TEST(test_sliding_windows_hold_and_waste_little),
        TEST(test_what_others_hold_counts),
    };

    return cmocka_run_group_tests(tests, outbox_case_make_base, outbox_case_remove_base);
}
