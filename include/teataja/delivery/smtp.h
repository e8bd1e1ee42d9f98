/* teataja/delivery/smtp.h - the dialogue with a relay (RFC 5321, 2920).
 *
 * A session runs over a connected stream (net/stream.h: already greeted,
 * encrypted and logged in), says EHLO again to learn what the relay can do, and
 * carries messages with one recipient each. At its fastest the body of one
 * message and the envelope of the next travel in one flight.
 *
 * The order of callbacks, for rows A, B, C, with nothing refused:
 *
 *   next -> A                               MAIL RCPT DATA of A go out
 *   next -> B, before_dot(A)                body of A, its dot, MAIL RCPT DATA of B go out
 *   outcome(A sent), next -> C, before_dot(B)   body of B, its dot, envelope of C go out
 *   outcome(B sent), next -> none, before_dot(C)  body of C and its dot go out
 *   outcome(C sent), next(idle) -> none     smtp_run returns 0
 *
 * So one commit made in before_dot can hold `committing` of that row and every
 * outcome that was told before it. With pipelining `envelope` or `off` the only
 * difference is that `next` is called with nothing in flight.
 * Every row that `next` gave gets exactly one outcome before smtp_run returns:
 * what reply_classify says of the answer, but a 421 before the message returns the
 * row if the connection had carried others (the relay has had enough of it).
 *
 * Life: stream_open, smtp_open, smtp_run (again after a pause, if
 * smtp_is_usable), smtp_close, stream_close. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/address.h"
#include "teataja/base/err.h"
#include "teataja/delivery/reply.h"
#include "teataja/net/stream.h"

enum smtp_pipelining {
    SMTP_PIPELINING_OFF,      /* each command waits for its answer */
    SMTP_PIPELINING_ENVELOPE, /* MAIL, RCPT and DATA in one flight */
    SMTP_PIPELINING_FULL      /* the body of this message and the envelope of the next */
};

/* "off", "envelope", "full"; smtp_pipelining_find returns -1 for anything else. */
const char *smtp_pipelining_name(enum smtp_pipelining pipelining);
int smtp_pipelining_find(const char *name);

struct smtp_options {
    const char *hello;               /* our name in EHLO; NULL: the machine's host name */
    enum smtp_pipelining pipelining; /* at most this; less if the relay does not offer it */
    int reply_ms;                    /* wait for an answer; 0: 300 s */
    int dot_ms;                      /* wait for the answer to the final dot; 0: 600 s */
    uint64_t messages_max;           /* transactions a connection; 0: no limit */
};

/* What the relay offered in EHLO. */
struct smtp_capabilities {
    bool pipelining;
    bool eight_bit; /* 8BITMIME */
    bool smtputf8;
    bool enhanced;     /* ENHANCEDSTATUSCODES */
    bool size;         /* SIZE */
    uint64_t size_max; /* 0: no limit told */
};

struct smtp_job {
    const struct address *sender;    /* NULL: the null sender <> */
    const struct address *recipient; /* these, and the bytes, stay valid until the row's outcome */
    const char *bytes; /* the message, lines ended by CRLF; dot-stuffing is done here */
    size_t len;
    void *row; /* the caller's; never NULL */
};

struct smtp_outcome {
    enum reply_stage stage;
    struct reply_verdict verdict;
    struct reply reply; /* code 0 and a text of our own where the relay said nothing */
};

struct smtp_callbacks {
    void *context;

    /* The next row: 1 and *job, 0 none now, negative an error. Called when the
     * envelope is about to go on the wire, so suppression is checked here. With
     * `idle` nothing is in flight: outcomes may be made durable and it may wait
     * (for a rate limit, for work); without, it must not wait. To stop between
     * messages answer 0. */
    int (*next)(void *context, bool idle, struct smtp_job *job, struct err *err);

    /* The final dot of `row` is about to go out. Must return 0 only once that,
     * and all outcomes told so far, will survive a kill. Negative: the message is
     * not sent, the connection is closed and the row is returned. */
    int (*before_dot)(void *context, void *row, struct err *err);

    /* What became of `row`. Need not be durable at once, see above. Negative ends
     * the run after the outcomes of the other rows in flight. */
    int (*outcome)(void *context, void *row, const struct smtp_outcome *outcome, struct err *err);
};

enum smtp_end_reason {
    SMTP_END_IDLE,    /* `next` had nothing: the session can be used again */
    SMTP_END_FULL,    /* messages_max was reached: open another connection */
    SMTP_END_RELAY,   /* the relay refused MAIL or said 421: `reply` is about the relay */
    SMTP_END_LOST,    /* the connection broke, or an answer did not come or made no sense */
    SMTP_END_STOPPED, /* the stream's stop_fd */
    SMTP_END_CALLER   /* a callback failed */
};

struct smtp_end {
    enum smtp_end_reason reason;
    enum reply_stage stage; /* SMTP_END_RELAY: where it was said */
    struct reply reply;     /* SMTP_END_RELAY: what */
    uint64_t sent;          /* messages that the relay took in this run */
    uint64_t transactions;  /* envelopes that went out in this run */
    /* What to use on the next connection to this relay: less than was used here if
     * the relay broke off with a pipelined envelope unanswered. */
    enum smtp_pipelining pipelining;
};

struct smtp;

/* Says EHLO over `stream` (borrowed; it must outlive the session). Returns 0 and
 * sets *out, or ERR_BUSY (4xx), ERR_DENIED (5xx), or what stream.h and reply.h say. */
int smtp_open(struct stream *stream, const struct smtp_options *options, struct smtp **out,
              struct err *err);

/* Says QUIT if the session is usable, waits a moment for the answer, and frees. */
void smtp_close(struct smtp *smtp);

const struct smtp_capabilities *smtp_capabilities(const struct smtp *smtp);

/* True while another smtp_run can use the session. */
bool smtp_is_usable(const struct smtp *smtp);

/* Carries rows until `next` answers 0 with nothing in flight, or as *end says.
 * Returns 0 for SMTP_END_IDLE and SMTP_END_FULL. Otherwise negative, with the
 * error: ERR_BUSY or ERR_DENIED for SMTP_END_RELAY (4xx, 5xx), what the stream
 * said for LOST and STOPPED, the callback's own for CALLER. *end is always set. */
int smtp_run(struct smtp *smtp, const struct smtp_callbacks *callbacks, struct smtp_end *end,
             struct err *err);
