/* Whole deliveries into a scripted server: who got what is compared with the ledger. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/smtp_server.h"
#include "support/temp_database.h"
#include "teataja/base/clock.h"
#include "teataja/delivery/delivery.h"
#include "teataja/delivery/mailing.h"

static int64_t mailing;

/* `recipients` members on a list, each with a row in the outbox. */
static void plan(int recipients, const char *on_unknown)
{
    const struct mailing mail = {.purpose = "letter",
                                 .subject = "issues/test",
                                 .list = 1,
                                 .dedupe = "test",
                                 .on_unknown = on_unknown,
                                 .priority = MAILING_LETTER,
                                 .config = "{}",
                                 .audience = "",
                                 .hash = "",
                                 .message_date = clock_now()};
    int64_t variant = 0;

    run_text("INSERT INTO list (id, slug) VALUES (1, 'funding')");
    ok(mailing_create(db, &mail, &mailing, &err));
    ok(mailing_add_variant(db, mailing, "et", "k", "pieces", 6, NULL, 0, &variant, &err));
    ok(db_begin(db, &err));
    for (int i = 1; i <= recipients; i++) {
        char text[400];

        snprintf(text, sizeof(text),
                 "INSERT INTO member (id, uid, email, email_key, joined_at, changed_at)"
                 " VALUES (%d, 'u%d', 'm%d@naide.example', 'm%d@naide.example', 0, 0)",
                 i, i, i, i);
        run_text(text);
        snprintf(text, sizeof(text),
                 "INSERT INTO subscription VALUES (%d, 1, 'active', 'membership', 0)", i);
        run_text(text);
        snprintf(text, sizeof(text),
                 "INSERT INTO outbox (mailing, dedupe, member, address, variant, slots, priority)"
                 " VALUES (%d, 'm%d', %d, 'm%d@naide.example', %d, '[]', 4)",
                 (int)mailing, i, i, i, (int)variant);
        run_text(text);
    }
    ok(db_commit(db, &err));
    ok(mailing_ready(db, mailing, &err));
}

static int compose(void *ctx, const struct delivery_job *job, struct str *message,
                   char sender[LIMIT_ADDRESS + 1], struct err *why)
{
    (void)ctx;
    if (strcmp(job->address, "m666@naide.example") == 0) {
        return err_set(why, ERR_CORRUPT, "a broken variant");
    }
    snprintf(sender, LIMIT_ADDRESS + 1, "b-%lld@office.example", (long long)job->row);
    str_addf(message, "To: <%s>\r\nSubject: test\r\n\r\nrow %lld\r\n", job->address,
             (long long)job->row);
    return str_check(message, why);
}

static int suppressions;

static int suppress(void *ctx, struct db *ledger_db, int64_t member, const char *address,
                    const char *evidence, struct err *why)
{
    (void)ctx;
    (void)ledger_db;
    (void)address;
    (void)evidence;
    (void)why;
    suppressions++;
    return member > 0 ? 0 : ERR_INVALID;
}

static struct site_relay relay_at(const struct smtp_server *server, int connections)
{
    struct site_relay relay = {.name = "test",
                               .url = smtp_server_url(server),
                               .starttls = RELAY_STARTTLS_OFF,
                               .connections = connections,
                               .messages_per_connection = 1000,
                               .pipelining = RELAY_PIPELINING_FULL,
                               .timeouts = {.connect = 5 * CLOCK_SECOND,
                                            .reply = 5 * CLOCK_SECOND,
                                            .final_dot = 5 * CLOCK_SECOND}};

    return relay;
}

static struct delivery_result deliver(const struct site_relay *relay, int expected)
{
    const struct delivery_options options = {.database = path,
                                             .lock_folder = folder,
                                             .relay = relay,
                                             .try_parked = true,
                                             .mailing = mailing,
                                             .suppress = suppress,
                                             .compose = compose};
    struct delivery_result result;
    int rc = delivery_run(&options, &result, &err);

    if (rc != expected) {
        fail_msg("%d: %s", rc, err.msg);
    }
    return result;
}

static struct mailing_counts counts(void)
{
    struct mailing_counts out;

    ok(mailing_count(db, mailing, &out, &err));
    return out;
}

/* Every message that the server acknowledged is for the recipient it names, and its
 * row says sent; nobody has two. */
static void compare(struct smtp_server *server, int64_t expected)
{
    struct server_message message;
    size_t index = 0;
    static unsigned char seen[5000];

    memset(seen, 0, sizeof(seen));
    for (; smtp_server_message(server, index, &message); index++) {
        char text[160];
        char to[80];
        int member = 0;

        assert_int_equal(sscanf(message.recipient, "m%d@", &member), 1);
        snprintf(to, sizeof(to), "To: <%s>\r\n", message.recipient);
        assert_memory_equal(message.bytes, to, strlen(to));
        snprintf(text, sizeof(text),
                 "SELECT count(*) FROM outbox WHERE member = %d AND state = 'sent' AND id = %d",
                 member, atoi(strstr(message.bytes, "row ") + 4));
        assert_int_equal(number(text), 1);
        assert_int_equal(seen[member]++, 0);
    }
    assert_int_equal(index, expected);
}

static void test_everybody_gets_one_over_four_connections(void **state)
{
    const struct server_options options = {.pipelining = true, .enhanced = true};
    struct smtp_server *server = smtp_server_start(&options);
    const struct site_relay relay = relay_at(server, 4);
    struct delivery_result result;

    (void)state;
    plan(300, "resend");
    result = deliver(&relay, 0);
    assert_int_equal(result.progress.sent, 300);
    assert_int_equal(result.progress.left, 0);
    compare(server, 300);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE state = 'sent'"), 1);
    smtp_server_stop(server);
}

static void test_refusals_touch_only_the_rows_that_they_are_about(void **state)
{
    static const struct server_fault faults[] = {
        {SERVER_RCPT, "m7@*", SERVER_SAY, "550 5.1.1 no such user here\r\n", 0, 0, 0},
        {SERVER_RCPT, "m8@*", SERVER_SAY, "452 4.2.2 mailbox full\r\n", 0, 0, 0},
        {SERVER_DOT, "m9@*", SERVER_SAY, "554 5.7.1 looks like spam\r\n", 0, 0, 0},
    };
    const struct server_options options = {
        .pipelining = true, .enhanced = true, .faults = faults, .fault_count = 3};
    struct smtp_server *server = smtp_server_start(&options);
    const struct site_relay relay = relay_at(server, 2);
    struct delivery_result result;

    (void)state;
    suppressions = 0;
    plan(40, "resend");
    result = deliver(&relay, 0);
    assert_int_equal(result.progress.sent, 37);
    assert_int_equal(result.progress.failed, 2);
    assert_int_equal(result.progress.deferred, 1);
    assert_true(result.deferred_until > clock_now());
    assert_int_equal(suppressions, 1);
    assert_int_equal(number("SELECT code FROM outbox WHERE member = 7 AND state = 'failed'"), 550);
    assert_int_equal(number("SELECT count(*) FROM attempt WHERE text LIKE '%mailbox full%'"), 1);
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE member = 9 AND state = 'failed'"),
                     1);
    smtp_server_stop(server);
}

static void test_a_lost_answer_is_unknown_and_held_or_sent_again(void **state)
{
    static const struct server_fault faults[] = {
        {SERVER_DOT, "m5@*", SERVER_CLOSE, NULL, 0, 0, 1},
    };
    const struct server_options options = {.pipelining = true, .faults = faults, .fault_count = 1};
    struct smtp_server *server = smtp_server_start(&options);
    const struct site_relay relay = relay_at(server, 1);

    (void)state;
    plan(20, "hold");
    deliver(&relay, 0);
    assert_int_equal(counts().unknown, 1);
    assert_int_equal(counts().sent, 19);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE state = 'held'"), 1);
    run_text("UPDATE mailing SET on_unknown = 'resend', state = 'queued'");
    deliver(&relay, 0);
    assert_int_equal(counts().sent, 20);
    assert_int_equal(counts().resent, 1);
    smtp_server_stop(server);
}

static void test_who_left_meanwhile_gets_nothing(void **state)
{
    const struct server_options options = {.pipelining = true};
    struct smtp_server *server = smtp_server_start(&options);
    const struct site_relay relay = relay_at(server, 1);

    (void)state;
    plan(10, "resend");
    run_text("UPDATE subscription SET state = 'left' WHERE member = 3");
    run_text("UPDATE member SET delivery_state = 'suppressed' WHERE id = 4");
    deliver(&relay, 0);
    assert_int_equal(counts().sent, 8);
    assert_int_equal(counts().suppressed, 2);
    compare(server, 8);
    smtp_server_stop(server);
}

/* Somebody at another terminal cancels the mailing while its second letter is made. */
static int compose_and_cancel(void *ctx, const struct delivery_job *job, struct str *message,
                              char sender[LIMIT_ADDRESS + 1], struct err *why)
{
    if (job->row == 2) {
        ok(mailing_cancel(db, mailing, &err));
    }
    return compose(ctx, job, message, sender, why);
}

static void test_what_was_claimed_when_its_mailing_was_cancelled_stays_here(void **state)
{
    static const struct server_fault faults[] = {{SERVER_DOT, NULL, SERVER_SLOW, NULL, 100, 0, 0}};
    const struct server_options options = {.pipelining = true, .faults = faults, .fault_count = 1};
    struct smtp_server *server = smtp_server_start(&options);
    const struct site_relay relay = relay_at(server, 1);
    const struct delivery_options run = {.database = path,
                                         .lock_folder = folder,
                                         .relay = &relay,
                                         .mailing = 1,
                                         .compose = compose_and_cancel};
    struct delivery_result result;

    (void)state;
    plan(40, "resend");
    ok(delivery_run(&run, &result, &err));
    assert_in_range(counts().sent, 1, 8); /* what a quarter of a second is enough for */
    assert_int_equal(counts().sent + counts().suppressed, 40);
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE state = 'suppressed'"
                            " AND reply <> 'the mailing was cancelled'"),
                     0);
    assert_int_equal(number("SELECT count(*) FROM mailing WHERE state = 'cancelled'"), 1);
    compare(server, counts().sent);
    smtp_server_stop(server);
}

static void test_a_relay_that_refuses_the_sender_costs_nobody_an_attempt(void **state)
{
    static const struct server_fault faults[] = {
        {SERVER_MAIL, NULL, SERVER_SAY, "550 5.7.1 you may not send here\r\n", 0, 0, 0},
    };
    const struct server_options options = {.pipelining = true, .faults = faults, .fault_count = 1};
    struct smtp_server *server = smtp_server_start(&options);
    const struct site_relay relay = relay_at(server, 2);

    (void)state;
    plan(10, "resend");
    deliver(&relay, ERR_DENIED);
    assert_non_null(strstr(err.msg, "you may not send here"));
    assert_int_equal(counts().queued, 10);
    assert_int_equal(number("SELECT sum(attempts) FROM outbox"), 0);
    assert_int_equal(smtp_server_message_count(server), 0);
    smtp_server_stop(server);
}

static void test_without_a_relay_nothing_is_lost(void **state)
{
    const struct server_options options = {.pipelining = true};
    struct smtp_server *server = smtp_server_start(&options);
    char url[64];
    struct site_relay relay = relay_at(server, 2);

    (void)state;
    snprintf(url, sizeof(url), "%s", smtp_server_url(server));
    smtp_server_stop(server);
    relay.url = url;
    plan(5, "resend");
    deliver(&relay, ERR_IO);
    assert_int_equal(counts().queued, 5);
    assert_int_equal(number("SELECT count(*) FROM worker"), 0);
}

static void test_a_stop_leaves_the_rest_queued(void **state)
{
    static const struct server_fault faults[] = {{SERVER_DOT, NULL, SERVER_SLOW, NULL, 20, 0, 0}};
    const struct server_options options = {.pipelining = true, .faults = faults, .fault_count = 1};
    struct smtp_server *server = smtp_server_start(&options);
    const struct site_relay relay = relay_at(server, 1);
    static atomic_bool stop;
    const struct delivery_options run = {.database = path,
                                         .lock_folder = folder,
                                         .relay = &relay,
                                         .mailing = 1,
                                         .compose = compose,
                                         .stop = &stop};
    struct delivery_result result;

    (void)state;
    plan(50, "resend");
    atomic_store(&stop, true);
    ok(delivery_run(&run, &result, &err));
    assert_true(result.stopped);
    assert_int_equal(counts().queued, 50);
    atomic_store(&stop, false);
    ok(delivery_run(&run, &result, &err));
    assert_int_equal(counts().sent, 50);
    smtp_server_stop(server);
}

static void test_what_cannot_be_composed_stops_the_delivery_not_the_ledger(void **state)
{
    const struct server_options options = {.pipelining = true};
    struct smtp_server *server = smtp_server_start(&options);
    const struct site_relay relay = relay_at(server, 1);

    (void)state;
    plan(700, "resend");
    deliver(&relay, ERR_CORRUPT);
    assert_non_null(strstr(err.msg, "a broken variant"));
    assert_int_equal(counts().sent + counts().queued, 700);
    assert_int_equal(counts().unknown, 0);
    compare(server, counts().sent);
    smtp_server_stop(server);
}

static void test_a_rate_is_kept(void **state)
{
    const struct server_options options = {.pipelining = true};
    struct smtp_server *server = smtp_server_start(&options);
    struct site_relay relay = relay_at(server, 4);
    int64_t start;

    (void)state;
    relay.rate = (struct rate){.count = 20, .micros = CLOCK_SECOND};
    plan(11, "resend");
    start = clock_ticks();
    deliver(&relay, 0);
    assert_true(clock_ticks() - start > 450 * INT64_C(1000000));
    assert_int_equal(counts().sent, 11);
    smtp_server_stop(server);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, temp_database_open, temp_database_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_everybody_gets_one_over_four_connections),
        CASE(test_refusals_touch_only_the_rows_that_they_are_about),
        CASE(test_a_lost_answer_is_unknown_and_held_or_sent_again),
        CASE(test_who_left_meanwhile_gets_nothing),
        CASE(test_what_was_claimed_when_its_mailing_was_cancelled_stays_here),
        CASE(test_a_relay_that_refuses_the_sender_costs_nobody_an_attempt),
        CASE(test_without_a_relay_nothing_is_lost),
        CASE(test_a_stop_leaves_the_rest_queued),
        CASE(test_what_cannot_be_composed_stops_the_delivery_not_the_ledger),
        CASE(test_a_rate_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
