/* teataja/delivery/sink.h - a mailbox to rehearse into.
 *
 * An SMTP server that takes every message for anybody, keeps it, and delivers
 * nothing. Each recipient has a Maildir of its own below the folder:
 *
 *   <maildir>/mari@naide.example/new/<time>.<n>.sink
 *
 * '/' and '%' of an address are written %2F and %25. A message is kept byte for
 * byte as it came (CRLF, dots unstuffed), with two lines in front of it:
 * Return-Path: <sender> and Delivered-To: recipient. It appears in new/ in one
 * step, without fsync: what a power cut loses is a rehearsal.
 * Offers PIPELINING, SIZE, 8BITMIME, SMTPUTF8 and ENHANCEDSTATUSCODES; no TLS and
 * no login, so it listens on loopback only unless told otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/err.h"

struct sink_options {
    const char *listen;       /* "127.0.0.1:2525", "[::1]:2525"; port 0: a free one */
    const char *maildir;      /* made if it is not there */
    bool anywhere;            /* also on an address that other machines reach */
    unsigned connections_max; /* more are told 421; 0: 64 */
    size_t message_max;       /* bytes; 0: LIMIT_MESSAGE */
    int idle_ms;              /* a silent connection is closed after it; 0: 300 s */
    int stop_fd;              /* sink_run ends once it is readable; -1: never */
    void *context;            /* of the two callbacks, which may be NULL */
    void (*listening)(void *context, const char *address, unsigned port);
    void (*received)(void *context, const char *sender, const char *recipient, const char *path);
};

struct sink_counts {
    uint64_t connections;
    uint64_t messages;   /* accepted by the dot */
    uint64_t recipients; /* files written */
};

/* Serves until stop_fd. Messages that are half received then are dropped; they
 * were not acknowledged. Returns 0, ERR_INVALID for an address that cannot be
 * parsed or is not loopback, ERR_BUSY when somebody listens there, ERR_DENIED
 * when the port or the folder is not ours to use, ERR_IO, ERR_NOMEM. *counts may
 * be NULL. */
int sink_run(const struct sink_options *options, struct sink_counts *counts, struct err *err);
