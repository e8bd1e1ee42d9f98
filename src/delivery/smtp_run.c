/* smtp_run.c - the order in which envelopes, bodies and answers travel.
 *
 * At the top of the loop of smtp_run no answer is outstanding. A row is in one of
 * two places: `envelope`, from `next` until its MAIL, RCPT and DATA are answered,
 * and `body`, from 354 until its final dot is answered. With full pipelining both
 * are taken at once, and the answers come back in the order dot, MAIL, RCPT,
 * DATA; so each answer is read into the place it belongs to before anything is
 * made of it.
 */
#include <stdio.h>
#include <string.h>

#include "smtp_session.h"

struct run {
    struct smtp *smtp;
    const struct smtp_callbacks *callbacks;
    struct smtp_end *end;
    struct err *err;
    int rc; /* why the run ends: 0 while it goes on */
    struct smtp_job body;
    struct smtp_job envelope; /* row NULL: there is none */
};

/* The first reason stands; the dialogue is out of step unless `open`. */
static void end_run(struct run *run, enum smtp_end_reason reason, int rc, bool open)
{
    run->smtp->open = run->smtp->open && open;
    if (run->rc == 0) {
        run->rc = rc;
        run->end->reason = reason;
    }
}

static void end_lost(struct run *run, int rc)
{
    end_run(run, rc == ERR_STOPPED ? SMTP_END_STOPPED : SMTP_END_LOST, rc, false);
}

static void end_relay(struct run *run, enum reply_stage stage, const struct reply *reply, bool open)
{
    if (run->rc == 0) {
        run->end->stage = stage;
        run->end->reply = *reply;
        err_set(run->err, reply->code < 500 ? ERR_BUSY : ERR_DENIED, "%s said at %s: %d %s%s%.150s",
                stream_peer(run->smtp->stream), reply_stage_name(stage), reply->code,
                reply->enhanced, reply->enhanced[0] != '\0' ? " " : "", reply->text);
    }
    end_run(run, SMTP_END_RELAY, reply->code < 500 ? ERR_BUSY : ERR_DENIED,
            open && reply->code != 421);
}

static void end_protocol(struct run *run, enum reply_stage stage, const struct reply *reply)
{
    if (run->rc == 0) {
        err_set(run->err, ERR_PROTOCOL, "%s answered '%d %.100s' at %s, which makes no sense there",
                stream_peer(run->smtp->stream), reply->code, reply->text, reply_stage_name(stage));
    }
    end_run(run, SMTP_END_LOST, ERR_PROTOCOL, false);
}

/* Tells what became of a row, and forgets it. */
static void tell(struct run *run, struct smtp_job *job, const struct smtp_outcome *outcome)
{
    void *row = job->row;
    int rc;

    job->row = NULL;
    if (outcome->verdict.disposition == REPLY_SENT) {
        run->end->sent++;
    }
    rc = run->callbacks->outcome(run->callbacks->context, row, outcome,
                                 run->rc == 0 ? run->err : NULL);
    if (rc < 0) {
        end_run(run, SMTP_END_CALLER, rc, run->body.row == NULL && run->envelope.row == NULL);
    }
}

/* The answer of a stage decides. Servers say 421 to whatever comes next once a
 * connection has had enough messages or errors: only on the first message of a
 * connection may it be about this one. */
static void tell_reply(struct run *run, struct smtp_job *job, enum reply_stage stage,
                       const struct reply *reply)
{
    struct smtp_outcome outcome = {.stage = stage, .reply = *reply};

    outcome.verdict = reply_classify(stage, reply, job->recipient->text);
    if (reply->code == 421 && stage != REPLY_DOT && run->smtp->transactions > 1) {
        outcome.verdict.disposition = REPLY_RETURNED;
    }
    tell(run, job, &outcome);
}

/* No answer decides: `disposition` with a text of our own. */
static void tell_fate(struct run *run, struct smtp_job *job, enum reply_stage stage,
                      enum reply_disposition disposition, const char *text)
{
    struct smtp_outcome outcome = {.stage = stage};

    outcome.verdict.disposition = disposition;
    outcome.verdict.class = REPLY_POLICY;
    snprintf(outcome.reply.text, sizeof(outcome.reply.text), "%s", text);
    tell(run, job, &outcome);
}

/* Whatever is still under way when the run ends goes back to the queue. */
static void give_back(struct run *run)
{
    struct smtp_job *jobs[] = {&run->body, &run->envelope};

    for (size_t i = 0; i < 2; i++) {
        if (jobs[i]->row != NULL) {
            tell_fate(run, jobs[i], REPLY_CONNECTION, REPLY_RETURNED,
                      run->err != NULL && run->err->msg[0] != '\0' ? run->err->msg
                                                                   : "the connection ended");
        }
    }
}

/* Takes the next row that this relay can carry into run->envelope. */
static void take_envelope(struct run *run, bool idle)
{
    struct reply why;

    while (run->rc == 0 && run->envelope.row == NULL && smtp_is_usable(run->smtp)) {
        struct smtp_job job = {0};
        int rc = run->callbacks->next(run->callbacks->context, idle, &job, run->err);

        if (rc < 0) {
            end_run(run, SMTP_END_CALLER, rc, run->body.row == NULL);
        }
        if (rc <= 0) {
            return;
        }
        run->envelope = job;
        if (!smtp_message_fits(run->smtp, &run->envelope, &why)) {
            tell_reply(run, &run->envelope, REPLY_MESSAGE, &why);
        }
    }
}

static void add_mail(struct run *run)
{
    const struct smtp_job *job = &run->envelope;
    const struct smtp_capabilities *offered = &run->smtp->capabilities;
    struct str *flight = &run->smtp->flight;
    bool utf8 = job->recipient->smtputf8 || (job->sender != NULL && job->sender->smtputf8);

    str_addf(flight, "MAIL FROM:<%s>", job->sender != NULL ? job->sender->text : "");
    if (offered->size) {
        str_addf(flight, " SIZE=%zu", job->len);
    }
    if (offered->eight_bit && smtp_message_is_eight_bit(job->bytes, job->len)) {
        str_add(flight, " BODY=8BITMIME");
    }
    str_add(flight, utf8 ? " SMTPUTF8\r\n" : "\r\n");
    run->smtp->transactions++;
    run->end->transactions++;
}

static void add_rcpt(struct run *run)
{
    str_addf(&run->smtp->flight, "RCPT TO:<%s>\r\n", run->envelope.recipient->text);
}

/* The four commands of an envelope that travel together. */
static void add_envelope(struct run *run)
{
    if (run->smtp->reset) {
        str_add(&run->smtp->flight, "RSET\r\n");
    }
    add_mail(run);
    add_rcpt(run);
    str_add(&run->smtp->flight, "DATA\r\n");
}

/* The answers to an envelope; code 0 where none came. */
struct answers {
    struct reply mail;
    struct reply rcpt;
    struct reply data;
};

/* Reads one answer. False when the run is over: lost, or 421. */
static bool read_answer(struct run *run, enum reply_stage stage, struct reply *out)
{
    int rc = smtp_read(run->smtp, run->smtp->options.reply_ms, out, run->err);

    if (rc < 0) {
        end_lost(run, rc);
        return false;
    }
    if (out->code == 421) {
        end_relay(run, stage, out, false);
        return false;
    }
    return true;
}

static bool send_flight(struct run *run)
{
    int rc = smtp_send(run->smtp, NULL, run->err);

    if (rc < 0) {
        end_lost(run, rc);
    }
    return rc == 0;
}

/* RSET's answer; anything but 2xx means that we do not know where we are. */
static bool read_reset(struct run *run)
{
    struct reply reply;

    if (!run->smtp->reset) {
        return true;
    }
    if (!read_answer(run, REPLY_CONNECTION, &reply)) {
        return false;
    }
    if (reply.code / 100 != 2) {
        end_relay(run, REPLY_CONNECTION, &reply, false);
        return false;
    }
    run->smtp->reset = false;
    return true;
}

/* A relay that breaks off in the middle of a pipelined envelope gets less of it
 * next time: its closing may have destroyed an answer that was on the way. */
static void step_down(struct run *run, bool with_body, const struct answers *answers)
{
    bool choked = answers->data.code == 0 && (with_body || answers->mail.code != 0);

    if (!choked || run->end->reason != SMTP_END_LOST) {
        return;
    }
    run->end->pipelining = with_body ? SMTP_PIPELINING_ENVELOPE : SMTP_PIPELINING_OFF;
}

static void read_envelope(struct run *run, struct answers *answers)
{
    if (read_reset(run) && read_answer(run, REPLY_MAIL, &answers->mail) &&
        read_answer(run, REPLY_RCPT, &answers->rcpt)) {
        read_answer(run, REPLY_DATA, &answers->data);
    }
}

/* One command at a time: what the relay offers, or what the options ask for. */
static void step_through_envelope(struct run *run, struct answers *answers)
{
    if (run->smtp->reset) {
        str_add(&run->smtp->flight, "RSET\r\n");
        if (!send_flight(run) || !read_reset(run)) {
            return;
        }
    }
    add_mail(run);
    if (!send_flight(run) || !read_answer(run, REPLY_MAIL, &answers->mail) ||
        answers->mail.code / 100 != 2) {
        return;
    }
    add_rcpt(run);
    if (!send_flight(run) || !read_answer(run, REPLY_RCPT, &answers->rcpt) ||
        answers->rcpt.code / 100 != 2) {
        return;
    }
    str_add(&run->smtp->flight, "DATA\r\n");
    if (send_flight(run)) {
        read_answer(run, REPLY_DATA, &answers->data);
    }
}

/* The relay waits for a message that has no recipient: an empty one ends it. */
static void send_lone_dot(struct run *run)
{
    struct reply reply;
    int rc;

    str_add(&run->smtp->flight, ".\r\n");
    if (!send_flight(run)) {
        return;
    }
    rc = smtp_read(run->smtp, run->smtp->options.dot_ms, &reply, run->err);
    if (rc < 0) {
        end_lost(run, rc);
    } else if (reply.code == 421) {
        end_relay(run, REPLY_CONNECTION, &reply, false);
    }
}

/* MAIL was refused: that is about the relay, and the answers behind it say only
 * that there was no MAIL. They are looked at for one thing: whether the relay
 * now waits for a message, and would give it to somebody. */
static void sender_refused(struct run *run, const struct answers *answers)
{
    bool waits = answers->data.code == 354;
    bool harmless = waits && answers->rcpt.code / 100 != 2;

    if (harmless && run->rc == 0) {
        send_lone_dot(run);
    }
    if (run->end->reason == SMTP_END_LOST) {
        run->rc = 0; /* it hung up after saying why, and why is what the caller needs */
    }
    end_relay(run, REPLY_MAIL, &answers->mail, !waits || harmless);
    tell_reply(run, &run->envelope, REPLY_MAIL, &answers->mail);
}

/* True if the answer is 3xx, or with `positive` 2xx, where neither can be. */
static bool makes_no_sense(struct run *run, enum reply_stage stage, const struct reply *reply,
                           bool positive)
{
    if (reply->code / 100 == 3 || (positive && reply->code / 100 == 2)) {
        end_protocol(run, stage, reply);
        return true;
    }
    return false;
}

/* Makes of the answers what they mean for the row; on 354 it becomes the body. */
static void judge_envelope(struct run *run, const struct answers *answers)
{
    struct smtp *smtp = run->smtp;

    smtp->reset = true; /* unless it is accepted in full */
    if (answers->mail.code == 0 || makes_no_sense(run, REPLY_MAIL, &answers->mail, false)) {
        return;
    }
    if (answers->mail.code / 100 != 2) {
        sender_refused(run, answers);
        return;
    }
    if (answers->rcpt.code == 0 || makes_no_sense(run, REPLY_RCPT, &answers->rcpt, false)) {
        return;
    }
    if (answers->rcpt.code / 100 != 2) {
        tell_reply(run, &run->envelope, REPLY_RCPT, &answers->rcpt);
        if (answers->data.code == 354 && smtp->open) {
            send_lone_dot(run);
        }
        return;
    }
    if (answers->data.code == 0) {
        return;
    }
    if (answers->data.code == 354) {
        smtp->reset = false;
        run->body = run->envelope;
        run->envelope.row = NULL;
        return;
    }
    if (!makes_no_sense(run, REPLY_DATA, &answers->data, true)) {
        tell_reply(run, &run->envelope, REPLY_DATA, &answers->data);
    }
}

/* The answer to the final dot. `left` bytes at most went out, the dot's end at
 * `dot`: a dot that stayed here cannot have delivered anything. */
static void judge_dot(struct run *run, int sent, size_t left, size_t dot)
{
    struct err quiet = {0};
    struct reply reply = {0};
    int rc = sent;
    bool gone = sent == 0 || left >= dot;

    if (sent == 0 || sent == ERR_CLOSED) { /* it may have said why before it closed */
        rc = smtp_read(run->smtp, run->smtp->options.dot_ms, &reply, &quiet);
    }
    if (rc < 0 || (reply.code / 100 == 2 && !gone)) {
        if (sent == 0 && run->err != NULL) {
            *run->err = quiet;
        }
        end_lost(run, sent < 0 ? sent : rc);
        tell_fate(run, &run->body, REPLY_DOT, gone ? REPLY_UNKNOWN : REPLY_RETURNED,
                  sent < 0 && run->err != NULL ? run->err->msg : quiet.msg);
        return;
    }
    if (reply.code / 100 == 3) {
        end_protocol(run, REPLY_DOT, &reply);
        tell_fate(run, &run->body, REPLY_DOT, REPLY_UNKNOWN,
                  "the answer to the message made no sense");
        return;
    }
    if (reply.code == 421) {
        end_relay(run, REPLY_DOT, &reply, false);
    }
    tell_reply(run, &run->body, REPLY_DOT, &reply);
    if (sent < 0) {
        end_lost(run, sent);
    }
}

/* 354 is there: this message's body and dot, with the next envelope behind them
 * where the relay may have that. */
static void send_body(struct run *run)
{
    struct smtp *smtp = run->smtp;
    struct answers answers = {0};
    size_t left = 0;
    size_t dot;
    int rc;

    if (smtp->pipelining == SMTP_PIPELINING_FULL) {
        take_envelope(run, false);
    }
    if (run->rc == 0) {
        rc = run->callbacks->before_dot(run->callbacks->context, run->body.row, run->err);
        if (rc < 0) {
            end_run(run, SMTP_END_CALLER, rc, false);
        }
    }
    if (run->rc < 0) {
        smtp->open = false; /* only closing ends a message that was announced */
        return;
    }
    smtp_message_add(&smtp->flight, run->body.bytes, run->body.len);
    str_add(&smtp->flight, ".\r\n");
    dot = smtp->flight.len;
    if (run->envelope.row != NULL) {
        add_envelope(run);
    }
    rc = smtp_send(smtp, &left, run->err);
    judge_dot(run, rc, left, dot);
    if (run->envelope.row == NULL) {
        return;
    }
    if (run->rc == 0 || smtp->open) {
        read_envelope(run, &answers);
        judge_envelope(run, &answers);
    }
    step_down(run, true, &answers);
}

static void send_envelope(struct run *run)
{
    struct answers answers = {0};

    if (run->smtp->pipelining == SMTP_PIPELINING_OFF) {
        step_through_envelope(run, &answers);
        judge_envelope(run, &answers);
        return;
    }
    add_envelope(run);
    if (send_flight(run)) {
        read_envelope(run, &answers);
    }
    judge_envelope(run, &answers);
    step_down(run, false, &answers);
}

/* Between flights the relay has nothing to say. */
static void check_silence(struct run *run)
{
    struct reply reply;
    int rc = smtp_listen(run->smtp, &reply, run->err);

    if (rc == 1) {
        end_relay(run, REPLY_CONNECTION, &reply, false);
    } else if (rc < 0) {
        end_lost(run, rc);
    }
}

int smtp_run(struct smtp *smtp, const struct smtp_callbacks *callbacks, struct smtp_end *end,
             struct err *err)
{
    struct err own = {0};
    struct run run = {.smtp = smtp, .callbacks = callbacks, .end = end};

    run.err = err != NULL ? err : &own;
    memset(end, 0, sizeof(*end));
    end->reason = SMTP_END_IDLE;
    end->pipelining = smtp->options.pipelining;
    if (!smtp->open) {
        end->reason = SMTP_END_LOST;
        return err_set(run.err, ERR_STATE, "the session with %s is over",
                       stream_peer(smtp->stream));
    }
    while (run.rc == 0) {
        if (run.body.row == NULL && run.envelope.row == NULL) {
            take_envelope(&run, true);
            if (run.envelope.row == NULL) {
                break;
            }
        }
        check_silence(&run);
        if (run.rc == 0 && run.body.row != NULL) {
            send_body(&run);
        } else if (run.rc == 0) {
            send_envelope(&run);
        }
    }
    give_back(&run);
    if (run.rc == 0 && !smtp_is_usable(smtp)) {
        end->reason = SMTP_END_FULL;
    }
    return run.rc;
}
