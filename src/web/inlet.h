/* inlet.h - takes connections, and hands on those whose head may be read.
 *
 * A connection waits here, unread (MSG_PEEK), until its head is whole and clear
 * (web/head.h). Then it belongs to whoever `take` gives it to, until inlet_left. What
 * waits longest gives way when all places are taken, so that idle connections
 * keep nobody out.
 */
#pragma once

#include <sys/socket.h>

#include "teataja/web/server.h"

struct inlet;

/* Gets a connection; returns 0, or negative after closing it. */
typedef int (*inlet_take)(void *context, int fd, const struct sockaddr *peer, socklen_t len);

/* Listens and starts the thread. *out is set before it runs: inlet_left may be called by then. */
int inlet_open(const struct server_options *options, inlet_take take, void *context,
               struct inlet **out, struct err *err);

const char *inlet_where(const struct inlet *inlet);

/* A connection that was taken is about to be closed. Any thread. */
void inlet_left(struct inlet *inlet, int fd);

/* Connections taken and not left. */
size_t inlet_in_hand(struct inlet *inlet);

/* Stops listening and closes what waits; ends the thread. */
void inlet_close(struct inlet *inlet);

/* After inlet_close, once nobody calls inlet_left any more. */
void inlet_free(struct inlet *inlet);
