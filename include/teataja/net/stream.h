/* teataja/net/stream.h - a verified byte stream to a mail server.
 *
 * libcurl does the connecting: TCP, greeting, EHLO, STARTTLS or TLS from the
 * start, certificate check and login. Then the bytes are the caller's: delivery
 * speaks SMTP over it, inbound will speak IMAP. No proxy, no netrc, no
 * environment variable changes where it leads.
 * Life: stream_open, any number of stream_send_all and stream_recv,
 * stream_close. One thread at a time for one stream; streams of different
 * threads do not touch each other.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/err.h"

enum stream_starttls {
    STREAM_STARTTLS_REQUIRED, /* no STARTTLS, no connection */
    STREAM_STARTTLS_OPTIONAL, /* used and verified when offered; required as soon as there is a user
                               */
    STREAM_STARTTLS_OFF       /* plain text, a password included: for a relay on this machine */
};

struct stream_options {
    const char *url; /* smtp://host[:port], smtps://host[:port], imap://..., imaps://... */
    enum stream_starttls starttls; /* means nothing for smtps and imaps: they begin with TLS */
    const char *ca_file;           /* PEM file of the authorities to trust; NULL: the system's */
    const char *user;              /* NULL: no login */
    const char *password;          /* with `user` */
    const char *hello;             /* our name in EHLO; NULL: the machine's host name */
    int connect_ms;                /* for name and TCP; 0: 30 s */
    int reply_ms;                  /* for TLS and each answer up to the login; 0: 300 s */
    int stop_fd; /* every wait ends with ERR_STOPPED once it is readable; -1: none */
};

struct stream;

/* Connects and logs in. Blocks for at most connect_ms and reply_ms an answer.
 * Returns 0 and sets *out, or
 *   ERR_INVALID   the URL, the host name in it, `hello` or ca_file is unusable
 *   ERR_IO        no such host, nobody listens there, unreachable
 *   ERR_TIMEOUT   no answer in time
 *   ERR_BUSY      the server said 4xx: try later
 *   ERR_DENIED    the server refused us or the login, or offers no login
 *   ERR_PROTOCOL  STARTTLS is not offered, the certificate is not trusted, is for
 *                 another name or has expired, or TLS itself failed
 *   ERR_CLOSED    it hung up;  ERR_STOPPED;  ERR_NOMEM
 * with a message that names host and port and says what can be done. */
int stream_open(const struct stream_options *options, struct stream **out, struct err *err);

/* Says nothing more to the server and closes. NULL is fine. */
void stream_close(struct stream *stream);

/* Sends all of it, waiting at most timeout_ms for each bit of progress.
 * ERR_CLOSED, ERR_TIMEOUT, ERR_STOPPED or ERR_IO otherwise. *left (may be NULL)
 * is then the most bytes that can have left this machine: none behind it has. */
int stream_send_all(struct stream *stream, const void *bytes, size_t len, int timeout_ms,
                    size_t *left, struct err *err);

/* Waits at most timeout_ms (0: not at all) for at least one byte and sets *got.
 * ERR_CLOSED at the end of the stream, ERR_TIMEOUT, ERR_STOPPED, ERR_IO. */
int stream_recv(struct stream *stream, void *bytes, size_t room, size_t *got, int timeout_ms,
                struct err *err);

/* "host:port", as messages name it. */
const char *stream_peer(const struct stream *stream);

/* True if TLS protects it. */
bool stream_is_encrypted(const struct stream *stream);

/* The instant (base/clock.h) at which the server's certificate expires; 0 without TLS, or
 * where libcurl's TLS library does not say. */
int64_t stream_certificate_ends(const struct stream *stream);
