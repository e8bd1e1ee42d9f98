/* test_chaos.c - relays with rules of their own, and one that falls apart at random.
 *
 * The random run has 5,000 messages; 100,000 if TEATAJA_LONG is set to anything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/outbox_site.h"
#include "teataja/base/clock.h"

enum { ROWS = 5000, ROWS_LONG = 100000, RUNS_MAX = 500 };

static struct outbox_site site;
static struct outbox_copies *copies;

static void begin(int rows)
{
    copies = calloc((size_t)rows + 1, sizeof(*copies));
    assert_non_null(copies);
    if (!outbox_site_make(&site, rows)) {
        fail_msg("%s", site.why);
    }
}

static int end(void **state)
{
    (void)state;
    outbox_site_remove(&site);
    free(copies);
    copies = NULL;
    return 0;
}

static void good(bool is_good)
{
    if (!is_good || site.why[0] != '\0') {
        fail_msg("%s", site.why);
    }
}

/* ---- rules that relays have ---- */

#define SCRIPT(...)                                                                                \
    .faults = (const struct server_fault[]){__VA_ARGS__},                                          \
    .fault_count =                                                                                 \
        sizeof((const struct server_fault[]){__VA_ARGS__}) / sizeof(struct server_fault)

struct rule {
    const char *name;
    int rows;
    int connections;
    struct server_options server;
    int sent, failed, queued;
    unsigned least, most; /* connections; most 0: any number */
    const char *blamed;   /* words about the relay at the end; NULL: it is not blamed */
};

#define USUAL .pipelining = true, .enhanced = true, .names = true

static const struct rule rules[] = {
    {.name = "a recipient is refused",
     .rows = 20,
     .connections = 1,
     .server = {USUAL, SCRIPT({SERVER_RCPT, "m3@*", SERVER_SAY,
                               "550 5.1.1 <m3@naide.example> no\r\n", 0, 0, 0})},
     .sent = 19,
     .failed = 1,
     .least = 1,
     .most = 1},
    {.name = "the sender is refused by rate, twice",
     .rows = 20,
     .connections = 1,
     .server = {USUAL,
                SCRIPT({SERVER_MAIL, NULL, SERVER_SAY, "450 4.7.1 too much mail\r\n", 0, 5, 2})},
     .sent = 20,
     .least = 3,
     .most = 3},
    {.name = "one recipient is refused, then the sender of the next",
     .rows = 20,
     .connections = 1,
     .server = {USUAL,
                SCRIPT({SERVER_RCPT, "m3@*", SERVER_SAY, "550 5.1.1 <m3@naide.example> no\r\n", 0,
                        0, 0},
                       {SERVER_MAIL, "b-4@*", SERVER_SAY, "450 4.7.1 too much mail\r\n", 0, 0, 1})},
     .sent = 19,
     .failed = 1,
     .least = 2,
     .most = 2},
    {.name = "sender and recipient of one message are refused: the second means nothing",
     .rows = 20,
     .connections = 1,
     .server = {USUAL,
                SCRIPT({SERVER_MAIL, "b-3@*", SERVER_SAY, "450 4.7.1 too much mail\r\n", 0, 0, 1},
                       {SERVER_RCPT, "m3@*", SERVER_SAY, "550 5.1.1 <m3@naide.example> no\r\n", 0,
                        0, 1})},
     .sent = 20,
     .least = 2,
     .most = 2},
    {.name = "the sender is refused, but the message would be taken: no dot goes out",
     .rows = 20,
     .connections = 1,
     .server = {USUAL,
                SCRIPT({SERVER_MAIL, "b-3@*", SERVER_SAY, "450 4.7.1 too much mail\r\n", 0, 0, 1},
                       {SERVER_RCPT, "m3@*", SERVER_SAY, "250 2.1.5 Ok\r\n", 0, 0, 1},
                       {SERVER_DATA, "m3@*", SERVER_SAY, "354 go on\r\n", 0, 0, 1})},
     .sent = 20,
     .least = 2,
     .most = 2},
    {.name = "two connections at most: the third is told 421",
     .rows = 64,
     .connections = 4,
     .server = {USUAL, .at_once = 2, .gather = 4},
     .sent = 64,
     .least = 4},
    {.name = "one connection at most",
     .rows = 64,
     .connections = 4,
     .server = {USUAL, .at_once = 1, .gather = 4},
     .sent = 64,
     .least = 4},
    {.name = "one connection is refused for good when the others have nothing left",
     .rows = 64,
     .connections = 4,
     .server = {USUAL, .gather = 4,
                SCRIPT({SERVER_GREETING, NULL, SERVER_SAY_AND_CLOSE, "554 5.7.1 not you\r\n", 1500,
                        0, 1})},
     .sent = 64,
     .least = 5,
     .most = 7},
    {.name = "it closes after every message, without a word",
     .rows = 12,
     .connections = 1,
     .server = {USUAL, .messages = 1},
     .sent = 12,
     .least = 12,
     .most = 12},
    {.name = "it closes after three messages, without a word",
     .rows = 64,
     .connections = 4,
     .server = {USUAL, .messages = 3},
     .sent = 64,
     .least = 22},
    {.name = "it says 421 after three messages",
     .rows = 64,
     .connections = 4,
     .server = {USUAL, .messages = 3, .enough = "421 4.7.0 enough for one connection\r\n"},
     .sent = 64,
     .least = 22},
    {.name = "it says 421 after two refused recipients, and all are",
     .rows = 12,
     .connections = 1,
     .server = {USUAL, .errors = 4,
                SCRIPT({SERVER_RCPT, NULL, SERVER_SAY, "550 5.1.1 nobody\r\n", 0, 0, 0})},
     .failed = 12,
     .least = 6,
     .most = 7},
    {.name = "it is full after ten messages: the rest stays queued, and the relay is blamed",
     .rows = 40,
     .connections = 1,
     .server = {USUAL,
                SCRIPT({SERVER_MAIL, NULL, SERVER_SAY, "451 4.7.1 hourly quota\r\n", 0, 10, 0})},
     .sent = 10,
     .queued = 30,
     .least = 5,
     .most = 5,
     .blamed = "451 4.7.1 hourly quota"},
    {.name = "it goes away after ten messages",
     .rows = 40,
     .connections = 1,
     .server = {USUAL, .messages = 10,
                SCRIPT({SERVER_GREETING, NULL, SERVER_SAY_AND_CLOSE, "421 4.3.2 shutting down\r\n",
                        0, 1, 0})},
     .sent = 10,
     .queued = 30,
     .least = 5,
     .most = 5,
     .blamed = "421 4.3.2 shutting down"},
};

static void count_is(const char *what, const char *sql, int64_t expected, const char *rule)
{
    int64_t got = outbox_site_number(&site, sql);

    if (got != expected) {
        fail_msg("%s: %lld %s; should be %lld", rule, (long long)got, what, (long long)expected);
    }
}

static void keep_rule(const struct rule *rule)
{
    struct smtp_server *server = smtp_server_start(&rule->server);
    const struct site_relay relay = outbox_site_relay(server, rule->connections, 0);
    const struct delivery_options options = {.relay = &relay, .fault_pause_ms = 10};
    struct delivery_result result;
    struct err err = {0};
    unsigned connections;
    const char *name = rule->name;

    begin(rule->rows);
    if (outbox_site_deliver(&site, options, &result, &err) < 0) {
        fail_msg("%s: %s", name, err.msg);
    }
    count_is("sent", "SELECT count(*) FROM outbox WHERE state = 'sent'", rule->sent, name);
    count_is("failed", "SELECT count(*) FROM outbox WHERE state = 'failed'", rule->failed, name);
    count_is("queued", "SELECT count(*) FROM outbox WHERE state = 'queued'", rule->queued, name);
    count_is("attempts", "SELECT sum(attempts) FROM outbox", rule->sent + rule->failed, name);
    count_is("answers kept", "SELECT count(*) FROM attempt", rule->failed, name);
    connections = smtp_server_connections(server);
    if (connections < rule->least || (rule->most > 0 && connections > rule->most)) {
        fail_msg("%s: %u connections", name, connections);
    }
    if (rule->blamed != NULL ? strstr(result.relay_fault, rule->blamed) == NULL
                             : result.relay_fault[0] != '\0') {
        fail_msg("%s: the relay is blamed for '%s'", name, result.relay_fault);
    }
    good(outbox_site_collect(&site, server, copies));
    good(outbox_site_check(&site, copies, false));
    assert_int_equal(smtp_server_message_count(server), rule->sent);
    smtp_server_stop(server);
    end(NULL);
}

static void test_relays_with_rules_of_their_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        keep_rule(&rules[i]);
    }
}

static void test_a_refused_sender_is_a_reason_to_wait(void **state)
{
    static const struct server_fault fault = {
        SERVER_MAIL, NULL, SERVER_SAY, "450 4.7.1 too much mail\r\n", 0, 5, 1};
    const struct server_options server_options = {USUAL, .faults = &fault, .fault_count = 1};
    struct smtp_server *server = smtp_server_start(&server_options);
    const struct site_relay relay = outbox_site_relay(server, 1, 0);
    const struct delivery_options options = {.relay = &relay, .fault_pause_ms = 400};
    struct delivery_result result;
    struct err err = {0};
    int64_t start = clock_ticks();

    (void)state;
    begin(20);
    if (outbox_site_deliver(&site, options, &result, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_true(clock_ticks() - start > 390 * INT64_C(1000000));
    count_is("sent", "SELECT count(*) FROM outbox WHERE state = 'sent'", 20, "a pause");
    smtp_server_stop(server);
}

/* ---- a dot that stayed here ---- */

/* A message of a megabyte that the server stops reading: its dot cannot have
 * arrived, so that nobody need doubt. */
static void break_off(enum server_act act, int rows, int times, int expected)
{
    const struct server_fault fault = {
        .stage = SERVER_BODY, .recipient = "m1@*", .act = act, .delay_ms = 20, .times = times};
    const struct server_options server_options = {USUAL, .narrow = true, .faults = &fault,
                                                  .fault_count = 1};
    struct smtp_server *server = smtp_server_start(&server_options);
    const struct site_relay relay = outbox_site_relay(server, 1, 1000);
    const struct delivery_options options = {.relay = &relay, .fault_pause_ms = 10};
    struct delivery_result result;
    struct err err = {0};
    const char *name = act == SERVER_RESET ? "reset" : "stall";

    begin(rows);
    site.filler = 1000000;
    if (outbox_site_deliver(&site, options, &result, &err) != expected) {
        fail_msg("%s: %s", name, err.msg);
    }
    good(outbox_site_collect(&site, server, copies));
    good(outbox_site_check(&site, copies, false));
    count_is("answers", "SELECT count(*) FROM attempt", 0, name);
    count_is("sent", "SELECT count(*) FROM outbox WHERE state = 'sent' AND attempts = 1",
             expected == 0 ? rows : 0, name);
    count_is("queued", "SELECT count(*) FROM outbox WHERE state = 'queued' AND attempts = 0",
             expected == 0 ? 0 : rows, name);
    assert_int_equal(smtp_server_message_count(server), expected == 0 ? rows : 0);
    smtp_server_stop(server);
    end(NULL);
}

static void test_a_dot_that_stayed_here_leaves_no_doubt(void **state)
{
    (void)state;
    break_off(SERVER_RESET, 3, 1, 0);
    break_off(SERVER_STALL, 3, 1, 0);
    break_off(SERVER_RESET, 1, 0, ERR_CLOSED);
    break_off(SERVER_STALL, 1, 0, ERR_TIMEOUT);
}

/* ---- a relay that falls apart ---- */

static int64_t count_left(void)
{
    return outbox_site_number(&site, "SELECT count(*) FROM outbox WHERE state NOT IN ('sent', "
                                     "'failed') AND NOT (state = 'unknown' AND resends >= 3)");
}

static bool is_the_relays(int code)
{
    return code == ERR_BUSY || code == ERR_DENIED || code == ERR_CLOSED || code == ERR_TIMEOUT ||
           code == ERR_PROTOCOL || code == ERR_IO;
}

static void test_random_faults_lose_and_mix_up_nobody(void **state)
{
    const char *is_long = getenv("TEATAJA_LONG");
    const int rows = is_long != NULL && is_long[0] != '\0' ? ROWS_LONG : ROWS;
    const struct server_options server_options = {
        USUAL, .chaos = {.per_mille = 30, .seed = 20261121, .stall_ms = 400}};
    struct smtp_server *server = smtp_server_start(&server_options);
    const struct site_relay relay = outbox_site_relay(server, 4, 250);
    const struct delivery_options options = {.relay = &relay, .fault_pause_ms = 5};
    int runs = 0;

    (void)state;
    begin(rows);
    while (count_left() > 0) {
        struct delivery_result result;
        struct err err = {0};

        good(outbox_site_hurry(&site));
        if (outbox_site_deliver(&site, options, &result, &err) < 0 && !is_the_relays(err.code)) {
            fail_msg("%s", err.msg);
        }
        if (++runs == RUNS_MAX) {
            fail_msg("%lld rows are left after %d runs: %s", (long long)count_left(), runs,
                     err.code < 0 ? err.msg : result.relay_fault);
        }
    }
    good(outbox_site_collect(&site, server, copies));
    good(outbox_site_check(&site, copies, true));
    print_message(
        "%d runs, %u connections, %lld sent, %lld failed, %lld times unknown, "
        "%lld times deferred, %zu messages arrived\n",
        runs, smtp_server_connections(server),
        (long long)outbox_site_number(&site, "SELECT count(*) FROM outbox WHERE state = 'sent'"),
        (long long)outbox_site_number(&site, "SELECT count(*) FROM outbox WHERE state = 'failed'"),
        (long long)outbox_site_number(
            &site, "SELECT count(*) FROM attempt WHERE stage = 'dot' AND code IS NULL"),
        (long long)outbox_site_number(
            &site, "SELECT count(*) FROM attempt WHERE code BETWEEN 400 AND 499"),
        smtp_server_message_count(server));
    /* The faults were there, in all their kinds. */
    assert_true(smtp_server_connections(server) > (unsigned)rows / 50);
    assert_true(outbox_site_number(&site, "SELECT count(*) FROM outbox WHERE state = 'sent'") >
                rows * 9 / 10);
    assert_true(outbox_site_number(&site, "SELECT count(*) FROM attempt WHERE stage = 'dot' AND "
                                          "code IS NULL") > rows / 100);
    assert_int_equal(outbox_site_number(&site, "SELECT count(DISTINCT stage) FROM attempt WHERE "
                                               "code BETWEEN 400 AND 499"),
                     3);
    smtp_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relays_with_rules_of_their_own),
        cmocka_unit_test_teardown(test_a_refused_sender_is_a_reason_to_wait, end),
        cmocka_unit_test(test_a_dot_that_stayed_here_leaves_no_doubt),
        cmocka_unit_test_teardown(test_random_faults_lose_and_mix_up_nobody, end),
    };

    return cmocka_run_group_tests_name("chaos", tests, NULL, NULL);
}
