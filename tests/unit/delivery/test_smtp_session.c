/* The dialogue: messages and parameters, sessions that are used again, TLS. */
#include <unistd.h>

#include "support/certificate.h"
#include "support/smtp_caller.h"

static void test_what_the_relay_cannot_carry_fails_with_a_clear_text(void **state)
{
    static const struct {
        const char *recipient;
        const char *bytes;
        size_t len;
        const char *words;
    } cases[] = {
        {"\xc3\xb5hk@rcpt.example", MESSAGE, 0, "offers no SMTPUTF8"},
        {"a@rcpt.example", "Subject: x\r\n\r\n\xc3\xb5\r\n", 0, "offers no 8BITMIME"},
        {"a@rcpt.example", "Subject: x\r\n\r\nb\n", 0, "a line without CR"},
        {"a@rcpt.example", "Subject: x\r\n\r\nb\rc\r\n", 0, "a CR of its own"},
        {"a@rcpt.example", "Subject: x\r\n\r\nb", 0, "last line is not ended"},
        {"a@rcpt.example", "\n", 0, "a line without CR"},
        {"a@rcpt.example", "", 0, "is empty"},
        {"a@rcpt.example", "x\0y\r\n", 5, "holds a NUL"},
        {"a@rcpt.example",
         "Subject: this message is longer than the hundred bytes that the server of this test "
         "takes, if only a little\r\n",
         0, "takes 100 at most"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct server_options options = {.pipelining = true, .size = 100};
        struct caller caller;
        struct smtp_end end;
        char *transcript;

        caller_init(&caller, smtp_server_start(&options), 2);
        assert_int_equal(address_parse(cases[i].recipient, &caller.rows[0].recipient, NULL), 0);
        caller.rows[0].bytes = cases[i].bytes;
        caller.rows[0].len = cases[i].len > 0 ? cases[i].len : strlen(cases[i].bytes);
        assert_int_equal(carry(&caller, &usual, &end, NULL), 0);
        assert_string_equal(caller.trace.data, "next(a) a=failed/message/policy next(b) none "
                                               "dot(b) b=sent/dot idle");
        assert_non_null(strstr(caller.rows[0].outcome.reply.text, cases[i].words));
        transcript = smtp_server_transcript(caller.server);
        assert_null(strstr(transcript, "RSET"));
        free(transcript);
        smtp_server_stop(caller.server);
        caller_release(&caller);
    }
}

static void test_a_line_beyond_998_bytes_is_refused(void **state)
{
    struct server_options options = {.pipelining = true};
    struct caller caller;
    struct smtp_end end;
    struct str text;

    (void)state;
    str_init(&text, 4096);
    str_add(&text, "Subject: x\r\n\r\n");
    str_add_repeat(&text, 'x', LIMIT_HEADER_LINE);
    str_add(&text, "\r\n");
    caller_init(&caller, smtp_server_start(&options), 2);
    caller.rows[0].bytes = text.data;
    caller.rows[0].len = text.len;
    assert_int_equal(carry(&caller, &usual, &end, NULL), 0);
    assert_int_equal(end.sent, 2);
    caller.taken = 0;
    caller.rows[0].outcomes = caller.rows[1].outcomes = 0;
    str_cut(&text, text.len - 2);
    str_add(&text, "x\r\n");
    caller.rows[0].bytes = text.data;
    caller.rows[0].len = text.len;
    assert_int_equal(carry(&caller, &usual, &end, NULL), 0);
    assert_int_equal(end.sent, 1);
    assert_non_null(strstr(caller.rows[0].outcome.reply.text, "a line of 999 bytes"));
    smtp_server_stop(caller.server);
    caller_release(&caller);
    str_release(&text);
}

static void test_parameters_follow_what_is_offered_and_needed(void **state)
{
    struct server_options options = {
        .pipelining = true, .size = 5000000, .eight_bit = true, .smtputf8 = true};
    struct caller caller;
    struct smtp_end end;
    struct err err = {0};
    char *transcript;

    (void)state;
    caller_init(&caller, smtp_server_start(&options), 3);
    assert_int_equal(address_parse("\xc3\xb5hk@rcpt.example", &caller.rows[1].recipient, &err), 0);
    caller.rows[2].bytes = "Subject: x\r\n\r\n\xc3\xb5\r\n";
    caller.rows[2].len = strlen(caller.rows[2].bytes);
    assert_int_equal(carry(&caller, &usual, &end, &err), 0);
    assert_int_equal(end.sent, 3);
    transcript = smtp_server_transcript(caller.server);
    assert_non_null(strstr(transcript, "1 MAIL FROM:<b-1@bounce.example> SIZE=45\n"
                                       "1 RCPT TO:<a@rcpt.example>\n"));
    assert_non_null(strstr(transcript, "1 MAIL FROM:<b-1@bounce.example> SIZE=45 SMTPUTF8\n"
                                       "1 RCPT TO:<\xc3\xb5hk@rcpt.example>\n"));
    assert_non_null(strstr(transcript, "1 MAIL FROM:<b-1@bounce.example> SIZE=18 BODY=8BITMIME\n"
                                       "1 RCPT TO:<c@rcpt.example>\n"));
    free(transcript);
    smtp_server_stop(caller.server);
    caller_release(&caller);
}

static void test_messages_arrive_byte_for_byte(void **state)
{
    static const char *const bodies[] = {
        MESSAGE,
        ".\r\n",
        "..\r\n.\r\n...x\r\n",
        "Subject: x\r\n\r\n.\r\nMAIL FROM:<evil@x.example>\r\n.\r\n\r\n.\r\n",
        "\r\n\r\n",
    };
    struct server_options options = {.pipelining = true};
    struct caller caller;
    struct smtp_end end;
    struct str large;

    (void)state;
    str_init(&large, LIMIT_MESSAGE);
    while (large.len + 3 <= LIMIT_MESSAGE) {
        str_add(&large, ".\r\n");
    }
    for (int mode = SMTP_PIPELINING_OFF; mode <= SMTP_PIPELINING_FULL; mode++) {
        struct smtp_options client = usual;
        size_t count = sizeof(bodies) / sizeof(bodies[0]);

        client.pipelining = (enum smtp_pipelining)mode;
        client.dot_ms = 20000;
        caller_init(&caller, smtp_server_start(&options), count + 2);
        for (size_t i = 0; i < count; i++) {
            caller.rows[i].bytes = bodies[i];
            caller.rows[i].len = strlen(bodies[i]);
        }
        caller.rows[count].bytes = large.data;
        caller.rows[count].len = large.len;
        assert_int_equal(carry(&caller, &client, &end, NULL), 0);
        assert_int_equal(end.sent, count + 2);
        for (size_t i = 0; i < count + 2; i++) {
            struct server_message message;
            assert_true(smtp_server_message(caller.server, i, &message));
            assert_string_equal(message.sender, caller.sender.text);
            assert_string_equal(message.recipient, caller.rows[i].recipient.text);
            assert_int_equal(message.len, caller.rows[i].len);
            assert_memory_equal(message.bytes, caller.rows[i].bytes, message.len);
        }
        smtp_server_stop(caller.server);
        caller_release(&caller);
    }
    str_release(&large);
}

static void test_a_connection_carries_no_more_than_its_messages(void **state)
{
    struct server_options options = {.pipelining = true};
    struct smtp_options client = usual;
    struct caller caller;
    struct smtp_end end;

    (void)state;
    client.messages_max = 2;
    caller_init(&caller, smtp_server_start(&options), 3);
    assert_int_equal(carry(&caller, &client, &end, NULL), 0);
    assert_string_equal(caller.trace.data, "next(a) next(b) dot(a) a=sent/dot dot(b) b=sent/dot");
    assert_int_equal(end.reason, SMTP_END_FULL);
    assert_int_equal(end.transactions, 2);
    assert_int_equal(carry(&caller, &client, &end, NULL), 0);
    assert_int_equal(end.reason, SMTP_END_IDLE);
    assert_int_equal(smtp_server_connections(caller.server), 2);
    smtp_server_stop(caller.server);
    caller_release(&caller);
}

static void test_an_idle_session_is_used_again(void **state)
{
    struct server_options options = {.pipelining = true};
    struct caller caller;
    struct smtp_callbacks callbacks;
    struct smtp_end end;
    struct stream *stream;
    struct smtp *smtp = NULL;

    (void)state;
    caller_init(&caller, smtp_server_start(&options), 2);
    callbacks = callbacks_of(&caller);
    stream = connect_to(caller.server, -1);
    assert_int_equal(smtp_open(stream, &usual, &smtp, NULL), 0);
    assert_true(smtp_capabilities(smtp)->pipelining);
    assert_false(smtp_capabilities(smtp)->smtputf8);
    caller.count = 1;
    assert_int_equal(smtp_run(smtp, &callbacks, &end, NULL), 0);
    assert_true(smtp_is_usable(smtp));
    caller.count = 2;
    assert_int_equal(smtp_run(smtp, &callbacks, &end, NULL), 0);
    assert_int_equal(end.sent, 1);
    smtp_close(smtp);
    stream_close(stream);
    smtp_server_stop(caller.server);
    caller_release(&caller);
}

static void test_ehlo_that_is_refused_says_so(void **state)
{
    static const struct {
        const char *text;
        int code;
    } cases[] = {
        {"421 4.3.2 not now\r\n", ERR_BUSY},
        {"550 5.7.1 not you\r\n", ERR_DENIED},
        {"hello\r\n", ERR_PROTOCOL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct server_fault fault = {.stage = SERVER_EHLO, .skip = 1, .text = cases[i].text};
        struct server_options options = {.faults = &fault, .fault_count = 1};
        struct smtp_server *server = smtp_server_start(&options);
        struct stream *stream = connect_to(server, -1);
        struct smtp *smtp = NULL;
        struct err err = {0};

        assert_int_equal(smtp_open(stream, &usual, &smtp, &err), cases[i].code);
        assert_null(smtp);
        stream_close(stream);
        smtp_server_stop(server);
    }
}

static void test_the_dialogue_runs_inside_tls(void **state)
{
    struct certificate pem;
    struct server_options options = {.pipelining = true};
    struct stream_options client = {.starttls = STREAM_STARTTLS_REQUIRED, .stop_fd = -1};
    struct caller caller;
    struct smtp_callbacks callbacks;
    struct smtp_end end;
    struct stream *stream = NULL;
    struct smtp *smtp = NULL;
    struct server_message message;
    char folder[] = "/tmp/test_smtp.XXXXXX";

    (void)state;
    assert_non_null(mkdtemp(folder));
    certificate_make(folder, "127.0.0.1", time(NULL) - 3600, time(NULL) + 3600, &pem);
    options.certificate = pem.certificate;
    options.key = pem.key;
    caller_init(&caller, smtp_server_start(&options), 20);
    callbacks = callbacks_of(&caller);
    client.url = smtp_server_url(caller.server);
    client.ca_file = pem.authority;
    assert_int_equal(stream_open(&client, &stream, NULL), 0);
    assert_int_equal(smtp_open(stream, &usual, &smtp, NULL), 0);
    assert_int_equal(smtp_run(smtp, &callbacks, &end, NULL), 0);
    assert_int_equal(end.sent, 20);
    smtp_close(smtp);
    stream_close(stream);
    assert_true(smtp_server_message(caller.server, 19, &message));
    assert_true(message.encrypted);
    smtp_server_stop(caller.server);
    caller_release(&caller);
    certificate_remove(&pem);
    rmdir(folder);
}

/* Thousands of rows, each refused or not as its own address says, in every mode:
 * each must have the answer that was meant for it, and only those may arrive. */
static void test_no_answer_goes_to_another_recipient(void **state)
{
    static const struct server_fault faults[] = {
        {.stage = SERVER_RCPT, .recipient = "hard*", .text = "550 5.1.1 r-hard\r\n"},
        {.stage = SERVER_RCPT, .recipient = "soft*", .text = "450 4.2.1 r-soft\r\n"},
        {.stage = SERVER_DATA, .recipient = "data*", .text = "451 4.3.5 r-data\r\n"},
        {.stage = SERVER_DOT, .recipient = "dot*", .text = "554 5.6.0 r-dot\r\n"},
        {.stage = SERVER_DATA, .recipient = "", .skip = 3, .times = 40, .text = "354 go on\r\n"},
    };
    static const char *const kinds[] = {"good", "good", "hard", "good", "soft", "data", "dot"};
    struct server_options options = {
        .pipelining = true, .faults = faults, .fault_count = sizeof(faults) / sizeof(faults[0])};
    unsigned seed = 7;

    (void)state;
    for (int mode = SMTP_PIPELINING_OFF; mode <= SMTP_PIPELINING_FULL; mode++) {
        struct smtp_options client = usual;
        struct caller caller;
        struct smtp_end end;
        size_t good = 0;
        size_t arrived = 0;

        client.pipelining = (enum smtp_pipelining)mode;
        caller_init(&caller, smtp_server_start(&options), ROWS);
        for (size_t i = 0; i < ROWS; i++) {
            char text[64];
            seed = seed * 1103515245U + 12345U;
            snprintf(caller.rows[i].name, sizeof(caller.rows[i].name), "%s",
                     kinds[(seed >> 16) % (sizeof(kinds) / sizeof(kinds[0]))]);
            snprintf(text, sizeof(text), "%s%zu@rcpt.example", caller.rows[i].name, i);
            assert_int_equal(address_parse(text, &caller.rows[i].recipient, NULL), 0);
        }
        assert_int_equal(carry(&caller, &client, &end, NULL), 0);
        for (size_t i = 0; i < ROWS; i++) {
            const struct row *row = &caller.rows[i];
            const struct smtp_outcome *outcome = &row->outcome;
            struct server_message message;

            if (strcmp(row->name, "good") == 0) {
                good++;
                assert_int_equal(outcome->verdict.disposition, REPLY_SENT);
            } else {
                assert_string_equal(outcome->reply.text + 2, row->name);
                assert_int_not_equal(outcome->verdict.disposition, REPLY_SENT);
            }
            if (strcmp(row->name, "good") == 0 || strcmp(row->name, "dot") == 0) {
                assert_true(smtp_server_message(caller.server, arrived++, &message));
                assert_string_equal(message.recipient, row->recipient.text);
            }
        }
        assert_int_equal(end.sent, good);
        assert_int_equal(smtp_server_message_count(caller.server), arrived);
        smtp_server_stop(caller.server);
        caller_release(&caller);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_relay_cannot_carry_fails_with_a_clear_text),
        cmocka_unit_test(test_a_line_beyond_998_bytes_is_refused),
        cmocka_unit_test(test_parameters_follow_what_is_offered_and_needed),
        cmocka_unit_test(test_messages_arrive_byte_for_byte),
        cmocka_unit_test(test_a_connection_carries_no_more_than_its_messages),
        cmocka_unit_test(test_an_idle_session_is_used_again),
        cmocka_unit_test(test_ehlo_that_is_refused_says_so),
        cmocka_unit_test(test_the_dialogue_runs_inside_tls),
        cmocka_unit_test(test_no_answer_goes_to_another_recipient),
    };

    return cmocka_run_group_tests_name("smtp_session", tests, NULL, NULL);
}
