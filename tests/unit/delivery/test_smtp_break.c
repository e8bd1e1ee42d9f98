/* The dialogue where something breaks: the connection, an answer, the ledger. */
#include <sys/eventfd.h>
#include <unistd.h>

#include "support/smtp_caller.h"

static void test_a_break_after_250_counts_the_250_and_steps_down(void **state)
{
    (void)state;
    PLAY(.name = "250 and close", .pipelining = SMTP_PIPELINING_FULL, .rows = 3,
         .faults =
             FAULTS({.stage = SERVER_DOT, .act = SERVER_SAY_AND_CLOSE, .text = "250 2.0.0 Ok\r\n"}),
         .trace = "next(a) next(b) dot(a) a=sent/dot b=queued/connection/policy",
         .reason = SMTP_END_LOST, .next = SMTP_PIPELINING_ENVELOPE,
         .transcript = ENVELOPE("a") "1 .\n");
    PLAY(.name = "250 and 421", .pipelining = SMTP_PIPELINING_FULL, .rows = 3,
         .faults = FAULTS({.stage = SERVER_MAIL,
                           .skip = 1,
                           .act = SERVER_SAY_AND_CLOSE,
                           .text = "421 4.7.0 enough for one connection\r\n"}),
         .trace = "next(a) next(b) dot(a) a=sent/dot b=queued/mail/policy",
         .reason = SMTP_END_RELAY, .next = SMTP_PIPELINING_FULL);
    PLAY(.name = "in the middle of an envelope", .pipelining = SMTP_PIPELINING_ENVELOPE, .rows = 1,
         .faults = FAULTS({.stage = SERVER_RCPT, .act = SERVER_CLOSE, .text = ""}),
         .trace = "next(a) a=queued/connection/policy", .reason = SMTP_END_LOST,
         .next = SMTP_PIPELINING_OFF);
    PLAY(.name = "idle connection closed", .pipelining = SMTP_PIPELINING_ENVELOPE, .rows = 1,
         .faults = FAULTS({.stage = SERVER_MAIL, .act = SERVER_CLOSE, .text = ""}),
         .trace = "next(a) a=queued/connection/policy", .reason = SMTP_END_LOST,
         .next = SMTP_PIPELINING_ENVELOPE);
}

static void test_a_dot_without_an_answer_is_unknown(void **state)
{
    static const struct {
        enum server_act act;
        const char *text;
    } cases[] = {
        {SERVER_CLOSE, ""},
        {SERVER_STALL, ""},
        {SERVER_SAY_AND_CLOSE, "25"},
        {SERVER_SAY_AND_CLOSE, "250-first line\r\n"},
        {SERVER_SAY, "2x0 Ok\r\n"},
        {SERVER_SAY, "250 Ok\n"},
        {SERVER_SAY, "250-Ok\r\n550 no\r\n"},
        {SERVER_SAY, "354 more\r\n"},
        {SERVER_SAY, "   \r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        PLAY(.name = cases[i].text, .pipelining = SMTP_PIPELINING_FULL, .rows = 3,
             .faults = FAULTS({.stage = SERVER_DOT, .act = cases[i].act, .text = cases[i].text}),
             .trace = "next(a) next(b) dot(a) a=unknown/dot/policy b=queued/connection/policy",
             .reason = SMTP_END_LOST, .next = SMTP_PIPELINING_ENVELOPE);
        PLAY(.name = cases[i].text, .pipelining = SMTP_PIPELINING_OFF, .rows = 3,
             .faults = FAULTS({.stage = SERVER_DOT, .act = cases[i].act, .text = cases[i].text}),
             .trace = "next(a) dot(a) a=unknown/dot/policy", .reason = SMTP_END_LOST,
             .next = SMTP_PIPELINING_OFF);
    }
}

/* A relay that says yes while the body is on its way, and breaks: the dot has not left
 * this machine, so whatever was said, nobody has the message. */
static void test_a_250_before_the_dot_could_have_left_is_not_believed(void **state)
{
    static const struct {
        const char *text;
        const char *trace;
    } cases[] = {
        {"250 2.0.0 Ok\r\n", "next(a) dot(a) a=queued/dot/policy"},
        {"", "next(a) dot(a) a=queued/dot/policy"},
        {"550 5.7.1 too big\r\n", "next(a) dot(a) a=failed/dot/policy"},
    };
    static char big[1440000];
    size_t len = strlen(MESSAGE);

    (void)state;
    memset(big, 'x', sizeof(big));
    memcpy(big, MESSAGE, len);
    for (size_t at = len + 70; at < sizeof(big); at += 72) {
        memcpy(big + at, "\r\n", 2);
    }
    memcpy(big + sizeof(big) - 2, "\r\n", 2);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct server_fault fault = {
            .stage = SERVER_BODY, .act = SERVER_RESET, .text = cases[i].text, .delay_ms = 100};
        const struct server_options options = {
            .pipelining = true, .narrow = true, .faults = &fault, .fault_count = 1};
        struct smtp_options client = usual;
        struct caller caller;
        struct smtp_end end;

        client.pipelining = SMTP_PIPELINING_ENVELOPE;
        caller_init(&caller, smtp_server_start(&options), 1);
        caller.rows[0].bytes = big;
        caller.rows[0].len = sizeof(big);
        assert_int_equal(carry(&caller, &client, &end, NULL), ERR_CLOSED);
        assert_string_equal(caller.trace.data, cases[i].trace);
        assert_int_equal(end.reason, SMTP_END_LOST);
        assert_int_equal(end.sent, 0);
        smtp_server_stop(caller.server);
        caller_release(&caller);
    }
}

static void test_421_ends_the_run_wherever_it_comes(void **state)
{
    static const struct {
        enum server_stage stage;
        const char *recipient;
        const char *trace;
    } cases[] = {
        {SERVER_MAIL, NULL, "next(a) a=queued/mail/policy"},
        {SERVER_RCPT, NULL, "next(a) a=deferred/rcpt/policy"},
        {SERVER_DATA, NULL, "next(a) a=deferred/data/policy"},
        {SERVER_DOT, NULL,
         "next(a) next(b) dot(a) a=deferred/dot/policy b=queued/connection/policy"},
        {SERVER_RCPT, "b@*", "next(a) next(b) dot(a) a=sent/dot b=queued/rcpt/policy"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        PLAY(.name = cases[i].trace, .pipelining = SMTP_PIPELINING_FULL, .rows = 3,
             .faults = FAULTS({.stage = cases[i].stage,
                               .recipient = cases[i].recipient,
                               .act = SERVER_SAY_AND_CLOSE,
                               .text = "421 4.3.2 shutting down\r\n"}),
             .trace = cases[i].trace, .reason = SMTP_END_RELAY, .next = SMTP_PIPELINING_FULL);
    }
}

static void test_answers_that_nobody_asked_for_end_the_dialogue(void **state)
{
    (void)state;
    PLAY(.name = "a second answer to the dot shifts the rest", .pipelining = SMTP_PIPELINING_FULL,
         .rows = 3,
         .faults = FAULTS({.stage = SERVER_DOT, .act = SERVER_BABBLE, .text = "250 again\r\n"}),
         .trace = "next(a) next(b) dot(a) a=sent/dot b=queued/connection/policy",
         .reason = SMTP_END_LOST, .next = SMTP_PIPELINING_FULL);
    PLAY(.name = "an answer before the message", .pipelining = SMTP_PIPELINING_ENVELOPE, .rows = 2,
         .faults = FAULTS({.stage = SERVER_DATA, .act = SERVER_BABBLE, .text = "250 queued\r\n"}),
         .trace = "next(a) a=queued/connection/policy", .reason = SMTP_END_LOST,
         .next = SMTP_PIPELINING_ENVELOPE, .transcript = ENVELOPE("a"));
    PLAY(.name = "DATA answered 250", .pipelining = SMTP_PIPELINING_FULL, .rows = 2,
         .faults = FAULTS({.stage = SERVER_DATA, .text = "250 queued\r\n"}),
         .trace = "next(a) a=queued/connection/policy", .reason = SMTP_END_LOST,
         .next = SMTP_PIPELINING_FULL);
    PLAY(.name = "MAIL answered 354", .pipelining = SMTP_PIPELINING_FULL, .rows = 2,
         .faults = FAULTS({.stage = SERVER_MAIL, .text = "354 go\r\n"}),
         .trace = "next(a) a=queued/connection/policy", .reason = SMTP_END_LOST,
         .next = SMTP_PIPELINING_FULL);
    PLAY(.name = "RSET refused", .pipelining = SMTP_PIPELINING_FULL, .rows = 2,
         .faults = FAULTS({.stage = SERVER_RCPT, .times = 1, .text = "450 4.2.1 later\r\n"},
                          {.stage = SERVER_RSET, .text = "500 what\r\n"}),
         .trace = "next(a) a=deferred/rcpt/soft+counts next(b) b=queued/connection/policy",
         .reason = SMTP_END_RELAY, .next = SMTP_PIPELINING_FULL);
}

static void test_a_reply_too_long_is_no_reply(void **state)
{
    struct str text;

    (void)state;
    str_init(&text, (size_t)3 * LIMIT_SMTP_REPLY);
    while (text.len < LIMIT_SMTP_REPLY) {
        str_add(&text, "250-2.0.0 and another line of a very long answer\r\n");
    }
    str_add(&text, "250 Ok\r\n");
    PLAY(.name = "long", .pipelining = SMTP_PIPELINING_OFF, .rows = 2,
         .faults = FAULTS({.stage = SERVER_DOT, .text = text.data}),
         .trace = "next(a) dot(a) a=unknown/dot/policy", .reason = SMTP_END_LOST,
         .next = SMTP_PIPELINING_OFF);
    str_release(&text);
}

static void test_slow_answers_within_the_time_are_fine(void **state)
{
    (void)state;
    PLAY(.name = "slow", .pipelining = SMTP_PIPELINING_FULL, .rows = 2,
         .faults = FAULTS({.stage = SERVER_DOT, .act = SERVER_SLOW, .delay_ms = 150, .text = ""},
                          {.stage = SERVER_RCPT, .act = SERVER_SLOW, .delay_ms = 150, .text = ""}),
         .trace = "next(a) next(b) dot(a) a=sent/dot none dot(b) b=sent/dot idle",
         .next = SMTP_PIPELINING_FULL);
}

static void test_a_failing_ledger_lets_no_dot_out(void **state)
{
    static const struct {
        const char *fail;
        enum smtp_pipelining pipelining;
        const char *trace;
        size_t dots;
    } cases[] = {
        {"dot", SMTP_PIPELINING_FULL,
         "next(a) next(b) dot(a) a=queued/connection/policy b=queued/connection/policy", 0},
        {"dot", SMTP_PIPELINING_OFF, "next(a) dot(a) a=queued/connection/policy", 0},
        {"next", SMTP_PIPELINING_FULL, "next(a) a=queued/connection/policy", 0},
        {"next", SMTP_PIPELINING_ENVELOPE, "next(a) dot(a) a=sent/dot", 1},
        {"outcome", SMTP_PIPELINING_FULL,
         "next(a) next(b) dot(a) a=sent/dot b=queued/connection/policy", 1},
        {"outcome", SMTP_PIPELINING_OFF, "next(a) dot(a) a=sent/dot", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct server_options options = {.pipelining = true};
        struct smtp_options client = usual;
        struct caller caller;
        struct smtp_end end;
        struct err err = {0};

        client.pipelining = cases[i].pipelining;
        caller_init(&caller, smtp_server_start(&options), 3);
        caller.fail = cases[i].fail;
        carry(&caller, &client, &end, &err);
        assert_string_equal(caller.trace.data, cases[i].trace);
        assert_int_equal(end.reason, SMTP_END_CALLER);
        assert_non_null(strstr(err.msg, "failed"));
        smtp_server_stop(caller.server);
        caller_release(&caller);
    }
}

static void test_stop_while_the_dot_waits_is_unknown(void **state)
{
    struct server_fault fault = {.stage = SERVER_DOT, .act = SERVER_STALL};
    struct server_options options = {.pipelining = true, .faults = &fault, .fault_count = 1};
    struct caller caller;
    struct smtp_callbacks callbacks;
    struct smtp_end end;
    struct stream *stream;
    struct smtp *smtp = NULL;
    int stop = eventfd(0, EFD_CLOEXEC);
    pid_t child;

    (void)state;
    caller_init(&caller, smtp_server_start(&options), 2);
    callbacks = callbacks_of(&caller);
    stream = connect_to(caller.server, stop);
    assert_int_equal(smtp_open(stream, &usual, &smtp, NULL), 0);
    child = fork();
    if (child == 0) {
        usleep(150000);
        _exit(eventfd_write(stop, 1) == 0 ? 0 : 1);
    }
    assert_int_equal(smtp_run(smtp, &callbacks, &end, NULL), ERR_STOPPED);
    assert_string_equal(caller.trace.data, "next(a) next(b) dot(a) a=unknown/dot/policy "
                                           "b=queued/connection/policy");
    assert_int_equal(end.reason, SMTP_END_STOPPED);
    assert_false(smtp_is_usable(smtp));
    smtp_close(smtp);
    stream_close(stream);
    close(stop);
    smtp_server_stop(caller.server);
    caller_release(&caller);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_break_after_250_counts_the_250_and_steps_down),
        cmocka_unit_test(test_a_dot_without_an_answer_is_unknown),
        cmocka_unit_test(test_a_250_before_the_dot_could_have_left_is_not_believed),
        cmocka_unit_test(test_421_ends_the_run_wherever_it_comes),
        cmocka_unit_test(test_answers_that_nobody_asked_for_end_the_dialogue),
        cmocka_unit_test(test_a_reply_too_long_is_no_reply),
        cmocka_unit_test(test_slow_answers_within_the_time_are_fine),
        cmocka_unit_test(test_a_failing_ledger_lets_no_dot_out),
        cmocka_unit_test(test_stop_while_the_dot_waits_is_unknown),
    };

    return cmocka_run_group_tests_name("smtp_break", tests, NULL, NULL);
}
