#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "connection.h"
#include "sql/delivery/delivery.h"
#include "teataja/base/address.h"
#include "teataja/base/clock.h"
#include "teataja/base/log.h"
#include "teataja/base/mem.h"
#include "teataja/delivery/smtp.h"
#include "teataja/net/stream.h"

enum {
    IN_FLIGHT = 3,  /* one whose outcome is not written yet, and two that smtp_run holds */
    FAULTS_MAX = 4, /* connections in a row that carried nothing */
    FAULT_PAUSE_MS = 500,
    PAUSE_STEP_MS = 50, /* a stop is seen after it */
    MICROS_PER_MS = 1000
};

/* How long what a claim found of the member holds: a quarter of a second. */
#define FRESH_NS INT64_C(250000000)

/* Pauses after the first, second, ... connection in a row that carried nothing, in
 * units of fault_pause_ms. */
static const int fault_pauses[FAULTS_MAX] = {0, 1, 4, 10};

/* A row between claim and outcome. */
struct flight {
    bool used;
    struct ledger_row row;
    struct address sender;
    struct address recipient;
    struct str message;
};

struct connection {
    struct delivery *delivery;
    struct db *reader;       /* for the question who may still get it */
    struct ledger_row ready; /* waits for its turn */
    bool has_ready;
    struct flight flights[IN_FLIGHT];
    struct flight *settled[IN_FLIGHT]; /* outcomes that are not written yet */
    struct smtp_outcome outcomes[IN_FLIGHT];
    size_t settled_count;
    enum smtp_pipelining pipelining; /* stepped down when the relay cannot take it */
    int64_t answered;                /* rows that this thread's connections got an answer for */
    bool connected;                  /* the last one got as far as EHLO */
};

static void count(struct connection *connection, const struct smtp_outcome *outcome)
{
    struct delivery *delivery = connection->delivery;
    enum reply_disposition disposition = outcome->verdict.disposition;

    /* Neither what is unknown nor what the relay says of itself shows that it works:
     * a relay that hangs up after each message must not be fed the whole list. */
    if (disposition != REPLY_RETURNED && disposition != REPLY_UNKNOWN && !outcome->verdict.relay) {
        connection->answered++;
        atomic_fetch_add(&delivery->answered, 1);
    }
    switch (disposition) {
    case REPLY_SENT:
        atomic_fetch_add(&delivery->sent, 1);
        break;
    case REPLY_DEFERRED:
        atomic_fetch_add(&delivery->deferred, 1);
        break;
    case REPLY_FAILED:
        atomic_fetch_add(&delivery->failed, 1);
        break;
    case REPLY_UNKNOWN:
        atomic_fetch_add(&delivery->unknown, 1);
        break;
    case REPLY_RETURNED:
        break;
    }
}

/* The row is no longer ours: it has an outcome, or is `again` to be had. */
static void forget_row(struct connection *connection, struct ledger_row *row, bool again)
{
    ledger_row_release(row);
    pool_settled(connection->delivery->pool, again);
}

static void free_flight(struct connection *connection, struct flight *flight, bool again)
{
    forget_row(connection, &flight->row, again);
    flight->used = false;
}

/* Writes the outcomes that wait, and that `begin` is about to be sent. */
static int write_outcomes(struct connection *connection, const struct ledger_row *begin,
                          struct err *err)
{
    struct ledger_outcome outcomes[IN_FLIGHT];
    int rc = 0;

    for (size_t i = 0; i < connection->settled_count; i++) {
        outcomes[i] = (struct ledger_outcome){.row = &connection->settled[i]->row,
                                              .smtp = &connection->outcomes[i]};
    }
    if (connection->settled_count > 0 || begin != NULL) {
        rc = ledger_write(connection->delivery->ledger, outcomes, connection->settled_count, begin,
                          err);
    }
    for (size_t i = 0; rc == 0 && i < connection->settled_count; i++) {
        count(connection, &connection->outcomes[i]);
        free_flight(connection, connection->settled[i],
                    connection->outcomes[i].verdict.disposition == REPLY_RETURNED);
    }
    connection->settled_count = rc == 0 ? 0 : connection->settled_count;
    if (rc == 0 && ledger_recalls(connection->delivery->ledger)) {
        rc = pool_return(connection->delivery->pool, err);
    }
    return rc;
}

/* ---- where rows come from ---- */

/* 1 with a row that is ready, 0 if nothing is due. */
static int have_row(struct connection *connection, struct err *err)
{
    int rc = 1;

    if (!connection->has_ready) {
        rc = pool_take(connection->delivery->pool, &connection->ready, err);
        connection->has_ready = rc == 1;
    }
    return rc;
}

/* Lets the others have what was not begun. */
static int return_ready(struct connection *connection, struct err *err)
{
    int rc = 0;

    if (connection->has_ready) {
        rc = ledger_return(connection->delivery->ledger, &connection->ready, 1, err);
        forget_row(connection, &connection->ready, true);
        connection->has_ready = false;
    }
    return rc;
}

/* 1 if the relay's rate allows a message now (and takes the turn), else 0. */
static int take_turn(struct connection *connection, bool idle)
{
    struct delivery *delivery = connection->delivery;
    const struct rate *rate = &delivery->relay.relay->rate;
    int64_t pace = rate->count > 0 ? rate->micros / rate->count * 1000 : 0; /* ns a message */
    int64_t wait = 0;

    if (pace == 0) {
        return 1;
    }
    pthread_mutex_lock(&delivery->mutex);
    wait = delivery->next_slot - clock_ticks();
    if (wait <= 0 || idle) {
        delivery->next_slot = (wait > 0 ? delivery->next_slot : clock_ticks()) + pace;
    }
    pthread_mutex_unlock(&delivery->mutex);
    if (wait > 0 && !idle) {
        return 0;
    }
    while (wait > 0 && !delivery_stopping(delivery)) {
        struct timespec nap = {.tv_nsec = wait < 100000000 ? (long)wait : 100000000L};

        nanosleep(&nap, NULL);
        wait -= nap.tv_nsec;
    }
    return !delivery_stopping(delivery);
}

/* Takes the row that is ready into a flight. */
static struct flight *take_row(struct connection *connection)
{
    struct flight *flight = connection->flights;

    while (flight->used) {
        flight++;
    }
    flight->row = connection->ready;
    connection->has_ready = false;
    flight->used = true;
    str_reset(&flight->message);
    return flight;
}

static int settle_unsent(struct connection *connection, struct flight *flight,
                         const struct smtp_outcome *smtp, const char *reason, struct err *err)
{
    const struct ledger_outcome outcome = {.row = &flight->row, .smtp = smtp, .reason = reason};
    int rc = ledger_write(connection->delivery->ledger, &outcome, 1, NULL, err);

    if (rc == 0) {
        atomic_fetch_add(
            smtp == NULL ? &connection->delivery->suppressed : &connection->delivery->failed, 1);
        free_flight(connection, flight, false);
    }
    return rc;
}

/* *why_not is NULL if the row may still go: as the claim found, or asked anew if that is
 * no longer fresh. A question a message would cost as much as composing it. */
static int may_go(struct connection *connection, const struct ledger_row *row, const char **why_not,
                  struct err *err)
{
    static const char *const answers[] = {"left the list, or was suppressed, since it was queued",
                                          NULL, "the mailing was cancelled"};
    int64_t answer = row->may_get;
    int rc = 0;

    if (clock_ticks() - row->claimed_ticks > FRESH_NS) {
        rc = db_get_int(connection->reader, SQL_DELIVERY_MAY_GET, &answer, err, "iii", row->member,
                        row->list, row->mailing);
    }
    *why_not = answers[answer];
    return rc < 0 ? rc : 0;
}

static int compose(struct connection *connection, struct flight *flight, struct err *err)
{
    const struct delivery_options *options = connection->delivery->options;
    const struct delivery_job job = {.row = flight->row.id,
                                     .mailing = flight->row.mailing,
                                     .variant = flight->row.variant,
                                     .member = flight->row.member,
                                     .address = flight->row.address,
                                     .slots = flight->row.slots};
    char sender[LIMIT_ADDRESS + 1] = "";
    int rc = options->compose(options->compose_ctx, &job, &flight->message, sender, err);

    if (rc == 0) {
        rc = str_check(&flight->message, err);
    }
    if (rc == 0) {
        rc = address_parse(flight->row.address, &flight->recipient, err);
    }
    return rc == 0 ? address_parse(sender, &flight->sender, err) : rc;
}

static bool is_ours(int code)
{
    return code == ERR_NOMEM || code == ERR_IO || code == ERR_BUSY || code == ERR_FULL ||
           code == ERR_CORRUPT || code == ERR_DENIED;
}

/* Makes the row ready for the wire: 1; 0 if it was settled without it. */
static int prepare(struct connection *connection, struct flight *flight, struct err *err)
{
    struct smtp_outcome outcome = {.stage = REPLY_MESSAGE,
                                   .verdict = {.disposition = REPLY_FAILED, .class = REPLY_POLICY}};
    struct err why = {0};
    const char *why_not = NULL;
    int rc = may_go(connection, &flight->row, &why_not, err);

    if (rc < 0 || why_not != NULL) {
        return rc < 0 ? rc : settle_unsent(connection, flight, NULL, why_not, err);
    }
    rc = compose(connection, flight, &why);
    if (rc == 0) {
        return 1;
    }
    if (is_ours(rc)) {
        *err = why;
        return rc;
    }
    if (rc == ERR_STATE) {
        return settle_unsent(connection, flight, NULL, why.msg, err);
    }
    snprintf(outcome.reply.text, sizeof(outcome.reply.text), "%s", why.msg);
    return settle_unsent(connection, flight, &outcome, NULL, err);
}

/* ---- the dialogue's callbacks ---- */

static int next(void *context, bool idle, struct smtp_job *job, struct err *err)
{
    struct connection *connection = context;
    int rc = idle ? write_outcomes(connection, NULL, err) : 0;

    while (rc == 0) {
        struct flight *flight;

        if (delivery_stopping(connection->delivery)) {
            return 0;
        }
        rc = have_row(connection, err);
        if (rc <= 0 || take_turn(connection, idle) == 0) {
            return rc < 0 ? rc : 0;
        }
        flight = take_row(connection);
        rc = prepare(connection, flight, err);
        if (rc == 1) {
            *job = (struct smtp_job){.sender = &flight->sender,
                                     .recipient = &flight->recipient,
                                     .bytes = flight->message.data,
                                     .len = flight->message.len,
                                     .row = flight};
            return 1;
        }
    }
    return rc;
}

static int before_dot(void *context, void *row, struct err *err)
{
    const struct flight *flight = row;

    return write_outcomes(context, &flight->row, err);
}

static int outcome(void *context, void *row, const struct smtp_outcome *smtp, struct err *err)
{
    struct connection *connection = context;

    if (connection->settled_count == IN_FLIGHT) {
        int rc = write_outcomes(connection, NULL, err);

        if (rc < 0) {
            return rc;
        }
    }
    connection->settled[connection->settled_count] = row;
    connection->outcomes[connection->settled_count++] = *smtp;
    return 0;
}

/* ---- connections ---- */

static int ms_of(int64_t micros)
{
    return (int)(micros / MICROS_PER_MS);
}

static int connect_relay(struct connection *connection, struct stream **stream, struct smtp **smtp,
                         struct err *err)
{
    static const enum stream_starttls starttls[] = {
        [RELAY_STARTTLS_REQUIRED] = STREAM_STARTTLS_REQUIRED,
        [RELAY_STARTTLS_OPTIONAL] = STREAM_STARTTLS_OPTIONAL,
        [RELAY_STARTTLS_OFF] = STREAM_STARTTLS_OFF,
    };
    const struct delivery_relay *carrier = &connection->delivery->relay;
    const struct site_relay *relay = carrier->relay;
    const struct stream_options stream_options = {
        .url = relay->url,
        .starttls = starttls[relay->starttls],
        .ca_file = carrier->ca_file,
        .user = relay->user,
        .password = carrier->password,
        .connect_ms = ms_of(relay->timeouts.connect),
        .reply_ms = ms_of(relay->timeouts.reply),
        .stop_fd = -1,
    };
    const struct smtp_options smtp_options = {
        .pipelining = connection->pipelining,
        .reply_ms = ms_of(relay->timeouts.reply),
        .dot_ms = ms_of(relay->timeouts.final_dot),
        .messages_max = (uint64_t)relay->messages_per_connection,
    };
    int rc = stream_open(&stream_options, stream, err);

    return rc < 0 ? rc : smtp_open(*stream, &smtp_options, smtp, err);
}

/* One connection from greeting to QUIT. */
static int run_once(struct connection *connection, struct smtp_end *end, struct err *err)
{
    const struct smtp_callbacks callbacks = {
        .context = connection, .next = next, .before_dot = before_dot, .outcome = outcome};
    struct stream *stream = NULL;
    struct smtp *smtp = NULL;
    struct err why = {0};
    int written;
    int rc = connect_relay(connection, &stream, &smtp, err);

    connection->connected = rc == 0;
    *end = (struct smtp_end){.reason = SMTP_END_LOST, .pipelining = connection->pipelining};
    /* An idle end is final only when no row is left: the rate may have paused it. */
    while (rc == 0) {
        rc = smtp_run(smtp, &callbacks, end, err);
        if (rc < 0 || end->reason != SMTP_END_IDLE || !smtp_is_usable(smtp) ||
            delivery_stopping(connection->delivery) ||
            (!connection->has_ready && pool_is_dry(connection->delivery->pool))) {
            break;
        }
    }
    /* The outcomes are known: they are kept whatever became of the connection. */
    written = write_outcomes(connection, NULL, &why);
    if (written < 0) {
        end->reason = SMTP_END_CALLER;
        *err = why;
        rc = written;
    }
    smtp_close(smtp);
    stream_close(stream);
    connection->pipelining = end->pipelining;
    return rc;
}

static void give_up(struct delivery *delivery, const struct err *err, bool ours)
{
    pthread_mutex_lock(&delivery->mutex);
    if (delivery->fault.code == 0 || (ours && !delivery->fault_is_ours)) {
        delivery->fault = *err;
        delivery->fault_is_ours = ours;
    }
    delivery->gave_up++;
    pthread_mutex_unlock(&delivery->mutex);
}

/* Trying again cannot help: the relay, its certificate or our login is wrong, or
 * the sender is refused for good. */
static bool is_final(const struct connection *connection, const struct smtp_end *end, int rc)
{
    return connection->connected ? end->reason == SMTP_END_RELAY && rc == ERR_DENIED
                                 : rc == ERR_DENIED || rc == ERR_PROTOCOL || rc == ERR_INVALID;
}

/* A sender refused for now, as by a limit on the rate, wants a pause even if much
 * was sent before. A 421 does not: that connection has had enough, not we. */
static bool wants_pause(const struct smtp_end *end)
{
    return end->reason == SMTP_END_RELAY && end->stage == REPLY_MAIL && end->reply.code != 421;
}

static void pause_for(const struct delivery *delivery, int units)
{
    int unit =
        delivery->options->fault_pause_ms > 0 ? delivery->options->fault_pause_ms : FAULT_PAUSE_MS;
    int left = units * unit;

    while (left > 0 && !delivery_stopping(delivery)) {
        int step = left < PAUSE_STEP_MS ? left : PAUSE_STEP_MS;
        struct timespec nap = {.tv_nsec = step * 1000000L};

        nanosleep(&nap, NULL);
        left -= step;
    }
}

/* After a connection: 0 to go on, negative when this thread gives up. */
static int take_stock(struct connection *connection, const struct smtp_end *end, int rc,
                      int64_t answered, int *faults, struct err *err)
{
    struct delivery *delivery = connection->delivery;
    bool ours = rc < 0 && end->reason == SMTP_END_CALLER;

    *faults = rc == 0 || connection->answered > answered ? 0 : *faults + 1;
    if (rc < 0 && !ours) {
        LOG(LOG_INFO, "connection_ended", log_text("relay", delivery->relay.relay->name),
            log_text("why", err->msg), log_int("answered", connection->answered - answered));
    }
    if (ours || *faults >= (delivery->probing ? 1 : FAULTS_MAX) ||
        (*faults > 0 && is_final(connection, end, rc))) {
        give_up(delivery, err, ours);
        return rc;
    }
    if (*faults > 0 &&
        (return_ready(connection, err) < 0 || pool_return(delivery->pool, err) < 0)) {
        give_up(delivery, err, true);
        return err->code;
    }
    pause_for(delivery, *faults == 0 && wants_pause(end) ? fault_pauses[1] : fault_pauses[*faults]);
    return 0;
}

/* Connects again and again until nothing is due or the relay cannot be used. */
static void run(struct connection *connection)
{
    struct delivery *delivery = connection->delivery;
    int faults = 0;

    while (!delivery_stopping(delivery)) {
        struct smtp_end end;
        struct err err = {0};
        int64_t answered = connection->answered;
        int rc = have_row(connection, &err);

        if (rc < 0) {
            give_up(delivery, &err, true);
        }
        if (rc <= 0) {
            return;
        }
        rc = run_once(connection, &end, &err);
        if (take_stock(connection, &end, rc, answered, &faults, &err) < 0) {
            return;
        }
    }
}

static int start(struct connection *connection, struct err *err)
{
    static const enum smtp_pipelining pipelining[] = {
        [RELAY_PIPELINING_FULL] = SMTP_PIPELINING_FULL,
        [RELAY_PIPELINING_ENVELOPE] = SMTP_PIPELINING_ENVELOPE,
        [RELAY_PIPELINING_OFF] = SMTP_PIPELINING_OFF,
    };
    const struct delivery_options *options = connection->delivery->options;

    connection->pipelining = pipelining[connection->delivery->relay.relay->pipelining];
    for (size_t i = 0; i < IN_FLIGHT; i++) {
        str_init(&connection->flights[i].message, LIMIT_MESSAGE);
    }
    return db_open(options->database, DB_OPEN_READ, &connection->reader, err);
}

static void finish(struct connection *connection)
{
    struct err err = {0};

    if (return_ready(connection, &err) < 0) {
        give_up(connection->delivery, &err, true);
    }
    for (size_t i = 0; i < IN_FLIGHT; i++) {
        if (connection->flights[i].used) {
            free_flight(connection, &connection->flights[i], false);
        }
        str_release(&connection->flights[i].message);
    }
    db_close(connection->reader);
}

void *connection_main(void *arg)
{
    struct delivery *delivery = arg;
    struct connection *connection = mem_alloc(1, sizeof(*connection));
    struct err err = {0};

    if (connection == NULL) {
        err_nomem(&err);
        give_up(delivery, &err, true);
    } else {
        connection->delivery = delivery;
        if (start(connection, &err) < 0) {
            give_up(delivery, &err, true);
        } else {
            run(connection);
        }
        finish(connection);
        mem_free(connection);
    }
    pthread_mutex_lock(&delivery->mutex);
    delivery->ended++;
    pthread_cond_signal(&delivery->ending);
    pthread_mutex_unlock(&delivery->mutex);
    return NULL;
}
