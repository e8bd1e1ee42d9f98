/* test_smtp.c - the dialogue against a server that behaves or not.
 *
 * A run is told as a trace: "next(a) next(b) dot(a) a=sent/dot next(c) ...". So
 * each case shows what the ledger would see, and in which order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "support/certificate.h"
#include "support/smtp_server.h"
#include "teataja/base/mem.h"
#include "teataja/base/str.h"
#include "teataja/delivery/smtp.h"

#define MESSAGE "From: a@office.example\r\nSubject: x\r\n\r\nHello\r\n"
#define ROWS 4000

struct row {
    struct address recipient;
    const char *bytes;
    size_t len;
    char name[16];
    struct smtp_outcome outcome;
    int outcomes;
};

/* What the worker is in the program. */
struct caller {
    struct smtp_server *server;
    struct address sender;
    struct row *rows;
    size_t count;
    size_t taken;
    size_t dots;
    struct str trace;
    const char *fail; /* the callback that fails: "next", "dot", "outcome" */
};

static void trace(struct caller *caller, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void trace(struct caller *caller, const char *format, ...)
{
    char text[128];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    str_add(&caller->trace, caller->trace.len > 0 ? " " : "");
    str_add(&caller->trace, text);
}

static bool is(const char *a, const char *b)
{
    return a != NULL && strcmp(a, b) == 0;
}

static int give_row(void *context, bool idle, struct smtp_job *job, struct err *err)
{
    struct caller *caller = context;
    struct row *row;

    if (is(caller->fail, "next") && caller->taken > 0) {
        return err_set(err, ERR_IO, "next failed");
    }
    if (caller->taken == caller->count) {
        trace(caller, "%s", idle ? "idle" : "none");
        return 0;
    }
    row = &caller->rows[caller->taken++];
    trace(caller, "next(%s)", row->name);
    job->sender = &caller->sender;
    job->recipient = &row->recipient;
    job->bytes = row->bytes;
    job->len = row->len;
    job->row = row;
    return 1;
}

/* The heart of it: at this moment the server must not have seen this dot. */
static int commit(void *context, void *row, struct err *err)
{
    struct caller *caller = context;

    trace(caller, "dot(%s)", ((struct row *)row)->name);
    assert_int_equal(smtp_server_message_count(caller->server), caller->dots);
    if (is(caller->fail, "dot")) {
        return err_set(err, ERR_FULL, "commit failed");
    }
    caller->dots++;
    return 0;
}

static int record(void *context, void *context_row, const struct smtp_outcome *outcome,
                  struct err *err)
{
    struct caller *caller = context;
    struct row *row = context_row;
    char marks[64];

    row->outcome = *outcome;
    row->outcomes++;
    snprintf(marks, sizeof(marks), "%s%s%s%s%s", reply_stage_name(outcome->stage),
             outcome->verdict.class == REPLY_OK ? "" : "/",
             outcome->verdict.class == REPLY_OK ? "" : reply_class_name(outcome->verdict.class),
             outcome->verdict.counts ? "+counts" : "",
             outcome->verdict.suppress ? "+suppress" : "");
    trace(caller, "%s=%s/%s", row->name, reply_disposition_name(outcome->verdict.disposition),
          marks);
    if (is(caller->fail, "outcome")) {
        return err_set(err, ERR_FULL, "outcome failed");
    }
    return 0;
}

static void caller_init(struct caller *caller, struct smtp_server *server, size_t count)
{
    memset(caller, 0, sizeof(*caller));
    caller->server = server;
    caller->count = count;
    str_init(&caller->trace, (size_t)1 << 22);
    caller->rows = mem_alloc(count, sizeof(*caller->rows));
    assert_non_null(caller->rows);
    assert_int_equal(address_parse("b-1@bounce.example", &caller->sender, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        struct row *row = &caller->rows[i];
        char text[64];
        snprintf(row->name, sizeof(row->name), "%c", (char)('a' + i % 26));
        snprintf(text, sizeof(text), "%s@rcpt.example", row->name);
        assert_int_equal(address_parse(text, &row->recipient, NULL), 0);
        row->bytes = MESSAGE;
        row->len = strlen(MESSAGE);
    }
}

static void caller_release(struct caller *caller)
{
    for (size_t i = 0; i < caller->count; i++) {
        assert_int_equal(caller->rows[i].outcomes, i < caller->taken ? 1 : 0);
    }
    str_release(&caller->trace);
    mem_free(caller->rows);
}

static struct smtp_callbacks callbacks_of(struct caller *caller)
{
    return (struct smtp_callbacks){caller, give_row, commit, record};
}

static struct stream *connect_to(struct smtp_server *server, int stop_fd)
{
    struct stream_options options = {.url = smtp_server_url(server),
                                     .starttls = STREAM_STARTTLS_OFF,
                                     .hello = "client.example",
                                     .connect_ms = 3000,
                                     .reply_ms = 3000,
                                     .stop_fd = stop_fd};
    struct stream *stream = NULL;
    struct err err = {0};

    if (stream_open(&options, &stream, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return stream;
}

static const struct smtp_options usual = {.hello = "client.example",
                                          .pipelining = SMTP_PIPELINING_FULL,
                                          .reply_ms = 2000,
                                          .dot_ms = 2000};

/* Carries the caller's rows over one connection; returns what smtp_run did. */
static int carry(struct caller *caller, const struct smtp_options *options, struct smtp_end *end,
                 struct err *err)
{
    struct smtp_callbacks callbacks = callbacks_of(caller);
    struct stream *stream = connect_to(caller->server, -1);
    struct smtp *smtp = NULL;
    int rc = smtp_open(stream, options, &smtp, err);

    assert_int_equal(rc, 0);
    rc = smtp_run(smtp, &callbacks, end, err);
    assert_int_equal(rc < 0, end->reason != SMTP_END_IDLE && end->reason != SMTP_END_FULL);
    smtp_close(smtp);
    stream_close(stream);
    return rc;
}

struct scenario {
    const char *name;
    enum smtp_pipelining pipelining;
    const struct server_fault *faults;
    size_t rows;
    const char *trace;
    enum smtp_end_reason reason;
    enum smtp_pipelining next; /* what the end advises */
    const char *transcript;    /* after the two EHLO; NULL: not compared */
};

static void play(const struct scenario *scenario)
{
    struct server_options options = {.pipelining = true, .enhanced = true};
    struct smtp_options client = usual;
    struct caller caller;
    struct smtp_end end;
    struct err err = {0};
    char *transcript;
    const char *commands;

    while (scenario->faults != NULL && scenario->faults[options.fault_count].text != NULL) {
        options.fault_count++;
    }
    options.faults = scenario->faults;
    client.pipelining = scenario->pipelining;
    client.reply_ms = 500;
    client.dot_ms = 500;
    caller_init(&caller, smtp_server_start(&options), scenario->rows);
    carry(&caller, &client, &end, &err);
    if (strcmp(caller.trace.data, scenario->trace) != 0) {
        fail_msg("%s:\n  is     %s\n  not    %s\n  error  %s", scenario->name, caller.trace.data,
                 scenario->trace, err.msg);
    }
    if (end.reason != scenario->reason || end.pipelining != scenario->next) {
        fail_msg("%s: ended for reason %d, advises %s: %s", scenario->name, (int)end.reason,
                 smtp_pipelining_name(end.pipelining), err.msg);
    }
    transcript = smtp_server_transcript(caller.server);
    commands = transcript + strlen("1 EHLO client.example\n1 EHLO client.example\n");
    if (scenario->transcript != NULL && strcmp(commands, scenario->transcript) != 0) {
        fail_msg("%s:\n%s-- not --\n%s", scenario->name, commands, scenario->transcript);
    }
    free(transcript);
    smtp_server_stop(caller.server);
    caller_release(&caller);
}

#define FAULTS(...) ((const struct server_fault[]){__VA_ARGS__, {.text = NULL}})
#define PLAY(...) play(&(const struct scenario){__VA_ARGS__})

#define ENVELOPE(who) "1 MAIL FROM:<b-1@bounce.example>\n1 RCPT TO:<" who "@rcpt.example>\n1 DATA\n"

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
        cmocka_unit_test(test_a_break_after_250_counts_the_250_and_steps_down),
        cmocka_unit_test(test_a_dot_without_an_answer_is_unknown),
        cmocka_unit_test(test_a_250_before_the_dot_could_have_left_is_not_believed),
        cmocka_unit_test(test_421_ends_the_run_wherever_it_comes),
        cmocka_unit_test(test_answers_that_nobody_asked_for_end_the_dialogue),
        cmocka_unit_test(test_a_reply_too_long_is_no_reply),
        cmocka_unit_test(test_slow_answers_within_the_time_are_fine),
        cmocka_unit_test(test_a_failing_ledger_lets_no_dot_out),
        cmocka_unit_test(test_what_the_relay_cannot_carry_fails_with_a_clear_text),
        cmocka_unit_test(test_a_line_beyond_998_bytes_is_refused),
        cmocka_unit_test(test_parameters_follow_what_is_offered_and_needed),
        cmocka_unit_test(test_messages_arrive_byte_for_byte),
        cmocka_unit_test(test_a_connection_carries_no_more_than_its_messages),
        cmocka_unit_test(test_an_idle_session_is_used_again),
        cmocka_unit_test(test_stop_while_the_dot_waits_is_unknown),
        cmocka_unit_test(test_ehlo_that_is_refused_says_so),
        cmocka_unit_test(test_the_dialogue_runs_inside_tls),
        cmocka_unit_test(test_no_answer_goes_to_another_recipient),
    };
    return cmocka_run_group_tests_name("smtp", tests, NULL, NULL);
}
