/* src/delivery/connection.h - one thread, one connection to the relay. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "pool.h"
#include "teataja/delivery/delivery.h"
#include "teataja/delivery/ledger.h"

/* What the threads of one delivery_run share. */
struct delivery {
    const struct delivery_options *options;
    struct delivery_relay relay; /* the one in use */
    bool probing;     /* it failed last time: one letter shows whether it works again */
    int64_t leave_at; /* clock_now: a better relay may be back then; 0: there is none */
    struct ledger *ledger;
    struct pool *pool;
    struct delivery_progress start; /* as the ledger stood before */
    atomic_int_least64_t sent, failed, deferred, suppressed, unknown; /* since */
    atomic_int_least64_t answered; /* rows that the relays said something about */
    int64_t answered_before;       /* by the relays that were used before this one */
    pthread_mutex_t mutex;         /* of all below */
    pthread_cond_t ending;         /* a thread has ended */
    size_t started;
    size_t ended;
    size_t gave_up;     /* of them: the relay would not go on, or something of ours failed */
    int64_t next_slot;  /* clock_ticks: when the relay's rate allows the next message */
    struct err fault;   /* the first reason for which a thread gave up; code 0: none */
    bool fault_is_ours; /* database, memory, composing: not the relay */
};

/* pthread_create's function; `arg` is the struct delivery. */
void *connection_main(void *arg);

/* No new message is begun: on request, or because another relay's turn has come. */
bool delivery_stopping(const struct delivery *delivery);
