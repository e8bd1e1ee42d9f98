/* fetch_guard.h - which addresses a fetch may connect to. Private to net. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "teataja/net/fetch.h"

/* True if the options let a connection be made to it. */
bool fetch_may_connect(const struct fetch_options *options, const struct sockaddr *address);

/* "127.0.0.1", "::1"; for messages. */
#define FETCH_ADDRESS 64
void fetch_address_text(const struct sockaddr *address, char out[FETCH_ADDRESS]);
