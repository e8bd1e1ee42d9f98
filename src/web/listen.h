/* listen.h - opens the socket that a `listen:` names. */
#pragma once

#include <sys/socket.h>

#include "teataja/web/server.h"

/* Makes a listening socket, non-blocking. *where is its name with the chosen port. */
int listen_open(const char *listen, bool anywhere, char where[SERVER_WHERE], struct err *err);

/* Removes the file of "unix:PATH". */
void listen_remove(const char *where);

/* An address as text, without its port; "" for a Unix socket. */
void listen_peer(const struct sockaddr *address, char out[64]);
