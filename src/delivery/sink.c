/* sink.c - the sink's listener and its one poll loop. */
#include "teataja/delivery/sink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sink_session.h"
#include "teataja/base/clock.h"
#include "teataja/base/mem.h"

#define CONNECTIONS 64
#define CONNECTIONS_MOST 1000
#define IDLE_MS 300000
#define BACKLOG 128
#define NANOSECONDS 1000000 /* in a millisecond */

struct connection {
    int fd;
    int64_t heard; /* clock_ticks of the last bytes */
    struct sink_session session;
};

struct sink {
    const struct sink_options *options;
    struct sink_counts counts;
    int listener;
    unsigned room; /* most connections */
    unsigned used;
    struct connection **connections;
    struct pollfd *polls; /* stop, listener, then one a connection */
    char chunk[SINK_CHUNK];
};

/* Splits "host:port" or "[v6]:port". */
static int split_address(const char *listen_at, char *host, size_t room, char *port,
                         size_t port_room, struct err *err)
{
    const char *colon = strrchr(listen_at, ':');
    const char *start = listen_at;
    size_t len = colon != NULL ? (size_t)(colon - listen_at) : 0;
    char *end = NULL;

    if (len > 1 && start[0] == '[' && start[len - 1] == ']') {
        start++;
        len -= 2;
    } else if (memchr(start, ':', len) != NULL) {
        len = 0;
    }
    if (len == 0 || len >= room || colon[1] < '0' || colon[1] > '9' ||
        strtoul(colon + 1, &end, 10) > 65535 || *end != '\0') {
        return err_set(err, ERR_INVALID, "'%s' is not ADDRESS:PORT, such as 127.0.0.1:2525",
                       listen_at);
    }
    memcpy(host, start, len);
    host[len] = '\0';
    snprintf(port, port_room, "%s", colon + 1);
    return 0;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    return address->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

static int bind_listener(struct sink *sink, const struct addrinfo *found, struct err *err)
{
    const char *where = sink->options->listen;
    int on = 1;
    int code;

    sink->listener = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sink->listener < 0) {
        return err_set_errno(err, ERR_IO, errno, "cannot open a socket for %s", where);
    }
    setsockopt(sink->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(sink->listener, found->ai_addr, found->ai_addrlen) == 0 &&
        listen(sink->listener, BACKLOG) == 0) {
        return 0;
    }
    code = errno == EADDRINUSE ? ERR_BUSY : errno == EACCES ? ERR_DENIED : ERR_IO;
    return err_set_errno(err, code, errno, "cannot listen on %s", where);
}

/* Listens, and tells the address that it became. */
static int open_listener(struct sink *sink, struct err *err)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    struct sockaddr_storage bound;
    socklen_t len = sizeof(bound);
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    int rc = split_address(sink->options->listen, host, sizeof(host), port, sizeof(port), err);

    if (rc < 0) {
        return rc;
    }
    if (getaddrinfo(host, port, &hints, &found) != 0) {
        return err_set(err, ERR_INVALID, "'%s' is no IP address to listen on", host);
    }
    if (!sink->options->anywhere && !is_loopback(found->ai_addr)) {
        rc = err_set(err, ERR_INVALID,
                     "%s can be reached by other machines; the sink listens on 127.0.0.1 or [::1]",
                     host);
    } else {
        rc = bind_listener(sink, found, err);
    }
    freeaddrinfo(found);
    if (rc == 0 && sink->options->listening != NULL &&
        getsockname(sink->listener, (struct sockaddr *)&bound, &len) == 0 &&
        getnameinfo((struct sockaddr *)&bound, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        sink->options->listening(sink->options->context, host, (unsigned)strtoul(port, NULL, 10));
    }
    return rc;
}

static void drop(struct sink *sink, unsigned index)
{
    struct connection *connection = sink->connections[index];

    close(connection->fd);
    sink_session_release(&connection->session);
    mem_free(connection);
    sink->used--;
    sink->connections[index] = sink->connections[sink->used];
}

static void take_connection(struct sink *sink)
{
    static const char busy[] = "421 4.3.2 too many connections\r\n";
    struct connection *connection = NULL;
    int on = 1;
    int fd = accept4(sink->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0) {
        return;
    }
    if (sink->used < sink->room) {
        connection = mem_alloc(1, sizeof(*connection));
    }
    if (connection == NULL) {
        send(fd, busy, sizeof(busy) - 1, MSG_NOSIGNAL);
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    connection->fd = fd;
    connection->heard = clock_ticks();
    sink_session_init(&connection->session, sink->options, &sink->counts);
    sink->connections[sink->used++] = connection;
    sink->counts.connections++;
}

/* Sends what the socket takes. False when the connection is over. */
static bool send_some(struct connection *connection)
{
    struct str *out = &connection->session.out;

    while (out->len > 0) {
        ssize_t n = send(connection->fd, out->data, out->len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno == EAGAIN || errno == EWOULDBLOCK;
        }
        str_splice(out, 0, (size_t)n, "", 0);
    }
    return !connection->session.closing;
}

/* Reads once, answers at once. False when the connection is over. */
static bool serve(struct sink *sink, struct connection *connection, short events)
{
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0 && !connection->session.closing) {
        ssize_t n = recv(connection->fd, sink->chunk, sizeof(sink->chunk), 0);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            return false;
        }
        if (n > 0) {
            connection->heard = clock_ticks();
            if (sink_session_feed(&connection->session, sink->chunk, (size_t)n) < 0) {
                return false;
            }
        }
    }
    return send_some(connection);
}

static int wait_for_events(struct sink *sink)
{
    sink->polls[0] = (struct pollfd){.fd = sink->options->stop_fd, .events = POLLIN};
    sink->polls[1] = (struct pollfd){.fd = sink->listener, .events = POLLIN};
    for (unsigned i = 0; i < sink->used; i++) {
        const struct sink_session *session = &sink->connections[i]->session;
        short events = session->out.len > 0 ? POLLOUT : 0;

        sink->polls[2 + i] = (struct pollfd){.fd = sink->connections[i]->fd, .events = events};
        if (session->out.len == 0) {
            sink->polls[2 + i].events |= POLLIN;
        }
    }
    return poll(sink->polls, 2 + sink->used, 1000);
}

static void serve_all(struct sink *sink)
{
    int idle_ms = sink->options->idle_ms > 0 ? sink->options->idle_ms : IDLE_MS;
    int64_t silent = clock_ticks() - (int64_t)idle_ms * NANOSECONDS;

    /* Backwards: dropping one puts the last, already served, in its place. */
    for (unsigned i = sink->used; i-- > 0;) {
        struct connection *connection = sink->connections[i];
        short events = sink->polls[2 + i].revents;

        if ((events != 0 && !serve(sink, connection, events)) || connection->heard < silent) {
            drop(sink, i);
        }
    }
}

static int run(struct sink *sink, struct err *err)
{
    for (;;) {
        int ready = wait_for_events(sink);

        if (ready < 0 && errno != EINTR) {
            return err_set_errno(err, ERR_IO, errno, "cannot wait for connections");
        }
        if (ready < 0) {
            continue;
        }
        if (sink->polls[0].revents != 0) {
            return 0;
        }
        serve_all(sink);
        if (sink->polls[1].revents != 0) {
            take_connection(sink);
        }
    }
}

int sink_run(const struct sink_options *options, struct sink_counts *counts, struct err *err)
{
    struct sink *sink = mem_alloc(1, sizeof(*sink));
    int rc;

    if (sink == NULL) {
        return err_nomem(err);
    }
    sink->options = options;
    sink->listener = -1;
    sink->room = options->connections_max > 0 ? options->connections_max : CONNECTIONS;
    sink->room = sink->room < CONNECTIONS_MOST ? sink->room : CONNECTIONS_MOST;
    sink->connections = mem_alloc(sink->room, sizeof(struct connection *));
    sink->polls = mem_alloc((size_t)sink->room + 2, sizeof(*sink->polls));
    if (sink->connections == NULL || sink->polls == NULL) {
        rc = err_nomem(err);
        goto out;
    }
    rc = sink_maildir_open(options->maildir, err);
    if (rc == 0) {
        rc = open_listener(sink, err);
    }
    if (rc == 0) {
        rc = run(sink, err);
    }
out:
    while (sink->connections != NULL && sink->used > 0) {
        drop(sink, sink->used - 1);
    }
    if (sink->listener >= 0) {
        close(sink->listener);
    }
    if (counts != NULL) {
        *counts = sink->counts;
    }
    mem_free(sink->connections);
    mem_free(sink->polls);
    mem_free(sink);
    return rc;
}
