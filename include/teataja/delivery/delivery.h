/* teataja/delivery/delivery.h - works the outbox off.
 *
 * A worker is a process that holds the lock on var/worker-N.lock for as long as it
 * lives. One ledger thread owns its writing connection; one thread a connection
 * to the relay claims rows, has them composed, and speaks SMTP. See
 * src/delivery/README.md for the order of what is durable when.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/err.h"
#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/config/site.h"
#include "teataja/delivery/ledger.h"

/* A row to compose. Texts are valid during the call. */
struct delivery_job {
    int64_t row;     /* of the outbox: ids of tokens and the Message-ID */
    int64_t mailing;
    int64_t variant;
    int64_t member;      /* 0 for a test address */
    const char *address; /* envelope recipient */
    const char *slots;   /* JSON array */
};

/* Writes the message (CRLF lines, no dot-stuffing needed: see decision 4) into
 * `message` and the envelope sender's text into `sender`. Called by several threads
 * at once. The same job gives the same bytes. ERR_STATE: the row is not to be sent any
 * more, and is suppressed with the error's text. Another error fails the row with its
 * text, except ERR_NOMEM, ERR_IO and ERR_BUSY, which stop the delivery. */
typedef int delivery_compose(void *ctx, const struct delivery_job *job, struct str *message,
                             char sender[LIMIT_ADDRESS + 1], struct err *err);

/* Of a mailing; of all together only what was open when the run began, and what this run did. */
struct delivery_progress {
    int64_t total; /* rows of the mailing */
    int64_t sent, failed, deferred, suppressed, unknown;
    int64_t left; /* still to do now */
};

/* Another relay, for when the first cannot take a letter. */
struct delivery_relay {
    const struct site_relay *relay;
    const char *password; /* read from its reference; NULL for none */
    const char *ca_file;  /* as a path; NULL for the system's */
};

#define DELIVERY_SPARES 15 /* at most */

struct delivery_options {
    const char *database; /* path */
    const char *lock_folder; /* the site's var/ */
    const struct site_relay *relay;
    const char *password; /* of the relay, read from its reference; NULL for none */
    const char *ca_file;  /* as a path; NULL for the system's */
    const struct delivery_relay *spares; /* in the order in which they are used */
    size_t spare_count;
    bool try_parked;  /* try relays that are parked too: somebody asks for it */
    int64_t max_age;  /* as ledger_options has them */
    int halt_after;
    ledger_suppress *suppress; /* for addresses that do not exist; may be NULL */
    void *suppress_ctx;
    int64_t mailing;      /* only this one; 0 for all that is due */
    size_t connections;   /* 0: the relay's */
    int fault_pause_ms;   /* after the first connection that carried nothing; then 4 and 10 times
                             it, then its thread gives up. 0: 500 */
    delivery_compose *compose;
    void *compose_ctx;
    const atomic_bool *stop; /* set from a signal handler: stop between messages */
    /* At the start, about 5 a second, at the end; may be NULL. */
    void (*progress)(void *ctx, const struct delivery_progress *progress);
    void *progress_ctx;
};

struct delivery_result {
    struct delivery_progress progress;
    bool stopped;         /* on request; rows are left */
    int64_t deferred_until; /* the earliest next_at of deferred rows; 0 for none */
    int64_t waits_until;    /* rows are due, but no relay takes one before: its limits are used
                               up, or it is parked. 0: it is not so */
    bool limited;           /* waits_until is for limits alone */
    char relay_fault[256]; /* why the relay would not go on; "" if nothing is left to do now */
};

/* Recovers what dead workers left (decision 1), then sends until nothing of the
 * mailing is due. Returns 0 also when rows failed or were deferred: *result says.
 * A connection that the relay ends is opened again, with growing pauses while
 * connections carry nothing; where it lets some connections in and not others, those
 * do the work.
 *
 * A relay that would not go on is parked (relay.h), and the next one is used while one is
 * parked or its limits are used up; as soon as that is over, it is used again. When no
 * relay takes anything now, it returns, with *result: waits_until says when to call again.
 *
 * Errors: the relays answered for no row at all (they are away, refuse the login or the
 * sender, have an untrusted certificate), a database that fails. *result is filled in as
 * far as it is known. */
int delivery_run(const struct delivery_options *options, struct delivery_result *result,
                 struct err *err);
