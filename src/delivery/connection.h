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
    struct ledger *ledger;
    struct pool *pool;
    struct delivery_progress start; /* as the ledger stood before */
    atomic_int_least64_t sent, failed, deferred, suppressed, unknown; /* since */
    atomic_int_least64_t answered; /* rows that the relay said something about */
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

bool delivery_stopping(const struct delivery *delivery);
