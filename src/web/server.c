/* server.c - see teataja/web/server.h: libmicrohttpd behind the inlet. */
#include "teataja/web/server.h"

#include <microhttpd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "inlet.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/web/head.h"

enum {
    CONNECTION_MEMORY = 65536, /* libmicrohttpd's, for head and answer of one connection */
    FIRST_BODY = 1024,
    STOP_POLL_MS = 10
};

#define SECOND_NS INT64_C(1000000000)

struct server {
    struct server_options options;
    struct inlet *inlet;
    struct MHD_Daemon *daemon;
};

/* A request while it comes in. */
struct incoming {
    struct arena *arena;
    struct server_request request;
    size_t ceiling;
    char *body;
    size_t capacity;
    int64_t since; /* ticks */
};

void server_reply_header(struct server_reply *reply, const char *name, const char *value)
{
    if (reply->header_count == SERVER_HEADERS) {
        abort();
    }
    reply->headers[reply->header_count++] = (struct server_header){.name = name, .value = value};
}

static enum MHD_Result send_reply(struct MHD_Connection *connection,
                                  const struct server_reply *reply)
{
    /* A copy, for what the body stands in may go before the last byte is out. */
    struct MHD_Response *response = MHD_create_response_from_buffer(
        reply->len, (void *)(uintptr_t)reply->body, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result;

    if (response == NULL) {
        return MHD_NO;
    }
    result = MHD_add_response_header(response, "Connection", "close");
    if (result == MHD_YES && reply->type != NULL) {
        result = MHD_add_response_header(response, "Content-Type", reply->type);
    }
    for (size_t i = 0; result == MHD_YES && i < reply->header_count; i++) {
        result = MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
    }
    if (result == MHD_YES) {
        result = MHD_queue_response(connection, (unsigned)reply->status, response);
    }
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer(struct server *server, struct MHD_Connection *connection,
                              struct incoming *incoming)
{
    struct server_reply reply = {0};

    incoming->request.body = incoming->body;
    server->options.handle(server->options.context, &incoming->request, &reply);
    return reply.status != 0 ? send_reply(connection, &reply) : MHD_NO;
}

static const char *field(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static struct incoming *begin(struct server *server, struct MHD_Connection *connection,
                              const char *method, const char *path)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct incoming *incoming = arena != NULL ? arena_alloc(arena, 1, sizeof(*incoming)) : NULL;

    if (incoming == NULL) {
        arena_free(arena);
        return NULL;
    }
    incoming->arena = arena;
    incoming->since = clock_ticks();
    incoming->request = (struct server_request){.method = arena_strdup(arena, method),
                                                .path = arena_strdup(arena, path),
                                                .type = field(connection, "Content-Type"),
                                                .languages = field(connection, "Accept-Language"),
                                                .arena = arena};
    incoming->capacity = FIRST_BODY;
    incoming->body = arena_alloc(arena, 1, incoming->capacity);
    if (incoming->request.method == NULL || incoming->request.path == NULL ||
        incoming->body == NULL) {
        arena_free(arena);
        return NULL;
    }
    incoming->ceiling = server->options.ceiling(server->options.context, &incoming->request);
    return incoming;
}

/* The inlet has seen that it is a number, and how large. */
static size_t announced(struct MHD_Connection *connection)
{
    const char *length = field(connection, "Content-Length");

    return length != NULL ? (size_t)strtoul(length, NULL, 10) : 0;
}

static bool take_body(struct incoming *incoming, const char *data, size_t len)
{
    size_t need = incoming->request.body_len + len + 1;

    if (clock_ticks() - incoming->since > SERVER_BODY_SECONDS * SECOND_NS ||
        need > incoming->ceiling + 1) {
        return false;
    }
    if (need > incoming->capacity) {
        size_t capacity = need > 2 * incoming->capacity ? need : 2 * incoming->capacity;
        char *body = arena_alloc(incoming->arena, 1, capacity);

        if (body == NULL) {
            return false;
        }
        memcpy(body, incoming->body, incoming->request.body_len);
        incoming->body = body;
        incoming->capacity = capacity;
    }
    memcpy(incoming->body + incoming->request.body_len, data, len);
    incoming->request.body_len += len;
    incoming->body[incoming->request.body_len] = '\0';
    return true;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *data, size_t *len, void **slot)
{
    struct server *server = context;
    struct incoming *incoming = *slot;

    (void)version;
    if (incoming == NULL) {
        incoming = begin(server, connection, method, path);
        *slot = incoming;
        if (incoming == NULL) {
            return MHD_NO;
        }
        if (announced(connection) > incoming->ceiling) {
            incoming->request.refused = 413;
            return answer(server, connection, incoming);
        }
        return MHD_YES;
    }
    if (*len > 0) {
        bool taken = take_body(incoming, data, *len);

        *len = 0;
        return taken ? MHD_YES : MHD_NO;
    }
    return answer(server, connection, incoming);
}

static void on_done(void *context, struct MHD_Connection *connection, void **slot,
                    enum MHD_RequestTerminationCode code)
{
    struct incoming *incoming = *slot;

    (void)context;
    (void)connection;
    (void)code;
    if (incoming != NULL) {
        arena_free(incoming->arena);
    }
    *slot = NULL;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **slot,
                          enum MHD_ConnectionNotificationCode code)
{
    struct server *server = context;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    (void)slot;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED && info != NULL) {
        inlet_left(server->inlet, info->connect_fd);
    }
}

static int take(void *context, int fd, const struct sockaddr *peer, socklen_t len)
{
    struct server *server = context;

    return MHD_add_connection(server->daemon, fd, peer, len) == MHD_YES ? 0 : -1;
}

static int start_daemon(struct server *server, struct err *err)
{
    server->daemon = MHD_start_daemon(
        MHD_USE_NO_LISTEN_SOCKET | MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL,
        on_request, server, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)SERVER_THREADS,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)(SERVER_CONNECTIONS + SERVER_THREADS),
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SERVER_IDLE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_COMPLETED,
        on_done, server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_END);
    return server->daemon != NULL ? 0
                                  : err_set(err, ERR_IO, "the HTTP server's threads do not start");
}

int server_open(const struct server_options *options, struct server **out, struct err *err)
{
    struct server *server = mem_alloc(1, sizeof(*server));
    int rc;

    if (server == NULL) {
        return err_nomem(err);
    }
    server->options = *options;
    rc = start_daemon(server, err);
    if (rc == 0) {
        rc = inlet_open(&server->options, take, server, &server->inlet, err);
    }
    if (rc < 0) {
        server_stop(server);
        return rc;
    }
    *out = server;
    return 0;
}

const char *server_where(const struct server *server)
{
    return inlet_where(server->inlet);
}

void server_stop(struct server *server)
{
    const struct timespec pause = {.tv_nsec = STOP_POLL_MS * 1000000L};
    int64_t end = clock_ticks() + SERVER_STOP_SECONDS * SECOND_NS;

    if (server == NULL) {
        return;
    }
    if (server->inlet != NULL) {
        inlet_close(server->inlet);
        while (inlet_in_hand(server->inlet) > 0 && clock_ticks() < end) {
            (void)nanosleep(&pause, NULL);
        }
    }
    if (server->daemon != NULL) {
        MHD_stop_daemon(server->daemon);
    }
    inlet_free(server->inlet);
    mem_free(server);
}
