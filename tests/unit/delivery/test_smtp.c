/* The dialogue: what goes in which flight, and who or what is refused. */
#include "support/smtp_caller.h"

static void test_body_and_next_envelope_travel_in_one_flight(void **state)
{
    (void)state;
    PLAY(.name = "full", .pipelining = SMTP_PIPELINING_FULL, .rows = 3,
         .trace = "next(a) next(b) dot(a) a=sent/dot next(c) dot(b) b=sent/dot none dot(c) "
                  "c=sent/dot idle",
         .reason = SMTP_END_IDLE, .next = SMTP_PIPELINING_FULL,
         .transcript = ENVELOPE("a") "1 .\n" ENVELOPE("b") "1 .\n" ENVELOPE("c") "1 .\n1 QUIT\n");
}

static void test_without_full_pipelining_each_message_is_answered_first(void **state)
{
    const char *expected = "next(a) dot(a) a=sent/dot next(b) dot(b) b=sent/dot idle";

    (void)state;
    PLAY(.name = "envelope", .pipelining = SMTP_PIPELINING_ENVELOPE, .rows = 2, .trace = expected,
         .next = SMTP_PIPELINING_ENVELOPE,
         .transcript = ENVELOPE("a") "1 .\n" ENVELOPE("b") "1 .\n1 QUIT\n");
    PLAY(.name = "off", .pipelining = SMTP_PIPELINING_OFF, .rows = 2, .trace = expected,
         .next = SMTP_PIPELINING_OFF,
         .transcript = ENVELOPE("a") "1 .\n" ENVELOPE("b") "1 .\n1 QUIT\n");
}

static void test_the_flights_are_what_the_mode_says(void **state)
{
    static const struct {
        bool offered;
        enum smtp_pipelining asked;
        bool behind;
    } cases[] = {
        {true, SMTP_PIPELINING_FULL, true},
        {true, SMTP_PIPELINING_ENVELOPE, false},
        {true, SMTP_PIPELINING_OFF, false},
        {false, SMTP_PIPELINING_FULL, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct server_options options = {.pipelining = cases[i].offered, .wait_behind = true};
        struct smtp_options client = usual;
        struct server_message message;
        struct caller caller;
        struct smtp_end end;

        client.pipelining = cases[i].asked;
        caller_init(&caller, smtp_server_start(&options), 2);
        assert_int_equal(carry(&caller, &client, &end, NULL), 0);
        assert_int_equal(end.sent, 2);
        assert_true(smtp_server_message(caller.server, 0, &message));
        assert_int_equal(message.behind, cases[i].behind);
        assert_true(smtp_server_message(caller.server, 1, &message));
        assert_false(message.behind);
        smtp_server_stop(caller.server);
        caller_release(&caller);
    }
}

static void test_refused_recipient_fails_alone_and_rset_follows(void **state)
{
    const struct server_fault *faults =
        FAULTS({.stage = SERVER_RCPT, .recipient = "b@*", .text = "550 5.1.1 no such user\r\n"});

    (void)state;
    PLAY(.name = "full", .pipelining = SMTP_PIPELINING_FULL, .rows = 3, .faults = faults,
         .trace = "next(a) next(b) dot(a) a=sent/dot b=failed/rcpt/hard+counts+suppress next(c) "
                  "none dot(c) c=sent/dot idle",
         .next = SMTP_PIPELINING_FULL,
         .transcript =
             ENVELOPE("a") "1 .\n" ENVELOPE("b") "1 RSET\n" ENVELOPE("c") "1 .\n1 QUIT\n");
    PLAY(.name = "off", .pipelining = SMTP_PIPELINING_OFF, .rows = 3, .faults = faults,
         .trace = "next(a) dot(a) a=sent/dot next(b) b=failed/rcpt/hard+counts+suppress next(c) "
                  "dot(c) c=sent/dot idle",
         .next = SMTP_PIPELINING_OFF,
         .transcript =
             ENVELOPE("a") "1 .\n1 MAIL FROM:<b-1@bounce.example>\n"
                           "1 RCPT TO:<b@rcpt.example>\n1 RSET\n" ENVELOPE("c") "1 .\n1 QUIT\n");
}

static void test_deferred_recipient_is_tried_again_later(void **state)
{
    (void)state;
    PLAY(.name = "4xx", .pipelining = SMTP_PIPELINING_FULL, .rows = 2,
         .faults =
             FAULTS({.stage = SERVER_RCPT, .recipient = "a@*", .text = "450 4.2.0 later\r\n"}),
         .trace = "next(a) a=deferred/rcpt/soft+counts next(b) none dot(b) b=sent/dot idle",
         .next = SMTP_PIPELINING_FULL);
    PLAY(.name = "policy", .pipelining = SMTP_PIPELINING_FULL, .rows = 1,
         .faults = FAULTS({.stage = SERVER_RCPT, .text = "554 5.7.1 Relay access denied\r\n"}),
         .trace = "next(a) a=failed/rcpt/policy idle", .next = SMTP_PIPELINING_FULL);
}

static void test_lone_dot_only_when_354_came_and_no_recipient_was_accepted(void **state)
{
    (void)state;
    PLAY(.name = "RCPT refused, 354", .pipelining = SMTP_PIPELINING_FULL, .rows = 2,
         .faults =
             FAULTS({.stage = SERVER_RCPT, .recipient = "a@*", .text = "550 5.1.1 unknown\r\n"},
                    {.stage = SERVER_DATA, .recipient = "", .text = "354 go on\r\n"}),
         .trace = "next(a) a=failed/rcpt/hard+counts+suppress next(b) none dot(b) b=sent/dot idle",
         .next = SMTP_PIPELINING_FULL,
         .transcript = ENVELOPE("a") "1 .\n1 RSET\n" ENVELOPE("b") "1 .\n1 QUIT\n");
    PLAY(.name = "MAIL refused, RCPT refused, 354", .pipelining = SMTP_PIPELINING_FULL, .rows = 2,
         .faults = FAULTS({.stage = SERVER_MAIL, .text = "451 4.3.0 not now\r\n"},
                          {.stage = SERVER_DATA, .recipient = "", .text = "354 go on\r\n"}),
         .trace = "next(a) a=queued/mail/policy", .reason = SMTP_END_RELAY,
         .next = SMTP_PIPELINING_FULL, .transcript = ENVELOPE("a") "1 .\n1 QUIT\n");
}

static void test_refused_sender_leaves_the_row_untouched(void **state)
{
    (void)state;
    PLAY(.name = "pipelined", .pipelining = SMTP_PIPELINING_FULL, .rows = 3,
         .faults = FAULTS({.stage = SERVER_MAIL, .skip = 1, .text = "550 5.1.8 bad sender\r\n"}),
         .trace = "next(a) next(b) dot(a) a=sent/dot b=queued/mail/policy",
         .reason = SMTP_END_RELAY, .next = SMTP_PIPELINING_FULL,
         .transcript = ENVELOPE("a") "1 .\n" ENVELOPE("b") "1 QUIT\n");
    PLAY(.name = "lock-step", .pipelining = SMTP_PIPELINING_OFF, .rows = 2,
         .faults = FAULTS({.stage = SERVER_MAIL, .text = "452 4.3.1 disk full\r\n"}),
         .trace = "next(a) a=queued/mail/policy", .reason = SMTP_END_RELAY,
         .next = SMTP_PIPELINING_OFF, .transcript = "1 MAIL FROM:<b-1@bounce.example>\n1 QUIT\n");
    PLAY(.name = "and hung up", .pipelining = SMTP_PIPELINING_FULL, .rows = 2,
         .faults = FAULTS(
             {.stage = SERVER_MAIL, .act = SERVER_SAY_AND_CLOSE, .text = "554 5.7.1 go away\r\n"}),
         .trace = "next(a) a=queued/mail/policy", .reason = SMTP_END_RELAY,
         .next = SMTP_PIPELINING_FULL);
}

static void test_refused_sender_with_accepted_recipient_and_354_closes_without_a_dot(void **state)
{
    (void)state;
    PLAY(.name = "nested", .pipelining = SMTP_PIPELINING_FULL, .rows = 2,
         .faults = FAULTS({.stage = SERVER_MAIL, .text = "503 5.5.1 nested MAIL\r\n"},
                          {.stage = SERVER_RCPT, .text = "250 2.1.5 Ok\r\n"}),
         .trace = "next(a) a=queued/mail/policy", .reason = SMTP_END_RELAY,
         .next = SMTP_PIPELINING_FULL, .transcript = ENVELOPE("a"));
}

static void test_refused_data_is_never_the_members_doing(void **state)
{
    (void)state;
    PLAY(.name = "4xx", .pipelining = SMTP_PIPELINING_FULL, .rows = 2,
         .faults = FAULTS({.stage = SERVER_DATA, .recipient = "a@*", .text = "451 4.3.0 no\r\n"}),
         .trace = "next(a) a=deferred/data/soft next(b) none dot(b) b=sent/dot idle",
         .next = SMTP_PIPELINING_FULL,
         .transcript = ENVELOPE("a") "1 RSET\n" ENVELOPE("b") "1 .\n1 QUIT\n");
    PLAY(.name = "5xx", .pipelining = SMTP_PIPELINING_OFF, .rows = 1,
         .faults = FAULTS({.stage = SERVER_DATA, .text = "550 5.1.1 unknown user\r\n"}),
         .trace = "next(a) a=failed/data/hard idle", .next = SMTP_PIPELINING_OFF);
}

static void test_refused_message_counts_only_if_the_answer_names_the_address(void **state)
{
    (void)state;
    PLAY(.name = "named", .pipelining = SMTP_PIPELINING_FULL, .rows = 2,
         .faults = FAULTS({.stage = SERVER_DOT,
                           .recipient = "a@*",
                           .text = "550 5.1.1 <A@rcpt.example>: unknown\r\n"}),
         .trace = "next(a) next(b) dot(a) a=failed/dot/hard+counts+suppress none dot(b) "
                  "b=sent/dot idle",
         .next = SMTP_PIPELINING_FULL);
    PLAY(.name = "not named", .pipelining = SMTP_PIPELINING_FULL, .rows = 2,
         .faults =
             FAULTS({.stage = SERVER_DOT, .recipient = "a@*", .text = "550 5.1.1 unknown\r\n"},
                    {.stage = SERVER_DOT, .recipient = "b@*", .text = "452 4.2.2 over quota\r\n"}),
         .trace = "next(a) next(b) dot(a) a=failed/dot/hard none dot(b) b=deferred/dot/soft idle",
         .next = SMTP_PIPELINING_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body_and_next_envelope_travel_in_one_flight),
        cmocka_unit_test(test_without_full_pipelining_each_message_is_answered_first),
        cmocka_unit_test(test_the_flights_are_what_the_mode_says),
        cmocka_unit_test(test_refused_recipient_fails_alone_and_rset_follows),
        cmocka_unit_test(test_deferred_recipient_is_tried_again_later),
        cmocka_unit_test(test_lone_dot_only_when_354_came_and_no_recipient_was_accepted),
        cmocka_unit_test(test_refused_sender_leaves_the_row_untouched),
        cmocka_unit_test(test_refused_sender_with_accepted_recipient_and_354_closes_without_a_dot),
        cmocka_unit_test(test_refused_data_is_never_the_members_doing),
        cmocka_unit_test(test_refused_message_counts_only_if_the_answer_names_the_address),
    };

    return cmocka_run_group_tests_name("smtp", tests, NULL, NULL);
}
