/* teataja/web/server.h - an HTTP/1.1 server behind a handler; the adapter of libmicrohttpd.
 *
 * One request a connection: every answer says Connection: close, so that nothing that
 * follows a request can be taken for another one. A thread of its own takes
 * connections and looks at each head (web/head.h) before libmicrohttpd may read it;
 * a few threads answer. Everything has a ceiling, and a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"

#define SERVER_THREADS 4
#define SERVER_CONNECTIONS 512 /* at a time; more wait in the system's queue */
#define SERVER_PER_CLIENT 32   /* of one address that is no trusted proxy */
#define SERVER_HEAD_SECONDS 10 /* for the whole head */
#define SERVER_BODY_SECONDS 20 /* for the whole body */
#define SERVER_IDLE_SECONDS 10 /* without a byte in either direction */
#define SERVER_STOP_SECONDS 4  /* for what is in hand */
#define SERVER_WHERE 140       /* longest name of a place, with NUL */
#define SERVER_HEADERS 12      /* fields that an answer may have */

struct server_request {
    const char *method;    /* "GET" */
    const char *path;      /* percent-decoded, from the first '/', without the query */
    const char *type;      /* Content-Type; NULL */
    const char *languages; /* Accept-Language; NULL */
    const char *body;      /* with a NUL behind it */
    size_t body_len;
    int refused;         /* 0, or 413: the body is longer than `ceiling` said and was not read */
    struct arena *arena; /* of this request */
};

struct server_header {
    const char *name;
    const char *value;
};

/* An answer. Texts live in the request's arena, or longer. */
struct server_reply {
    int status;
    const char *type; /* Content-Type */
    const void *body;
    size_t len;
    struct server_header headers[SERVER_HEADERS];
    size_t header_count;
};

struct server_options {
    const char *listen;         /* "127.0.0.1:8080", "[::1]:0", "unix:/run/teataja/web.sock" */
    bool anywhere;              /* addresses other than loopback are taken too */
    const char *const *proxies; /* addresses without the ceiling of one client */
    size_t proxy_count;

    /* Most bytes of body for this request (method and path are set). */
    size_t (*ceiling)(void *context, const struct server_request *request);

    /* Answers; called by several threads at a time. */
    void (*handle)(void *context, const struct server_request *request, struct server_reply *reply);
    void *context;
};

struct server;

/* Listens, and begins to answer. ERR_INVALID for `listen`, ERR_EXISTS if somebody is
 * there, ERR_DENIED, ERR_IO. A socket file that nobody listens on is replaced. */
int server_open(const struct server_options *options, struct server **out, struct err *err);

/* Where it listens, with the port that was chosen: "127.0.0.1:40123". */
const char *server_where(const struct server *server);

/* Takes nothing new, waits at most SERVER_STOP_SECONDS for what is in hand, closes and
 * frees. NULL is fine. */
void server_stop(struct server *server);

/* Adds a field to an answer; too many abort, for the number is fixed by the code. */
void server_reply_header(struct server_reply *reply, const char *name, const char *value);

/* Checks the form of `listen` for the configuration's sake, without listening. */
int server_listen_check(const char *listen, bool anywhere, struct err *err);
