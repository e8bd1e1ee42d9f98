/* smtp_caller.h - a worker's side of the dialogue, for cmocka tests against a scripted server.
 *
 * A run is told as a trace: "next(a) next(b) dot(a) a=sent/dot next(c) ...". So
 * each case shows what the ledger would see, and in which order.
 *
 * Header only; one test program is one file.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static inline void trace(struct caller *caller, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline void trace(struct caller *caller, const char *format, ...)
{
    char text[128];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    str_add(&caller->trace, caller->trace.len > 0 ? " " : "");
    str_add(&caller->trace, text);
}

static inline bool is(const char *a, const char *b)
{
    return a != NULL && strcmp(a, b) == 0;
}

static inline int give_row(void *context, bool idle, struct smtp_job *job, struct err *err)
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
static inline int commit(void *context, void *row, struct err *err)
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

static inline int record(void *context, void *context_row, const struct smtp_outcome *outcome,
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

static inline void caller_init(struct caller *caller, struct smtp_server *server, size_t count)
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

static inline void caller_release(struct caller *caller)
{
    for (size_t i = 0; i < caller->count; i++) {
        assert_int_equal(caller->rows[i].outcomes, i < caller->taken ? 1 : 0);
    }
    str_release(&caller->trace);
    mem_free(caller->rows);
}

static inline struct smtp_callbacks callbacks_of(struct caller *caller)
{
    return (struct smtp_callbacks){caller, give_row, commit, record};
}

static inline struct stream *connect_to(struct smtp_server *server, int stop_fd)
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
static inline int carry(struct caller *caller, const struct smtp_options *options,
                        struct smtp_end *end, struct err *err)
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

static inline void play(const struct scenario *scenario)
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
