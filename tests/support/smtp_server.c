/* smtp_server.c - see smtp_server.h. */
#include "support/smtp_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/smtp_session.h"
#include "support/smtp_talk.h"

static void start_talk(struct smtp_server *server, int fd)
{
    struct talk *talk = talk_need(calloc(1, sizeof(*talk)));
    int at_once = 1; /* Nagle and delayed ACKs would cost 40 ms a pipelined answer */
    pthread_t thread;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
    talk->server = server;
    talk->fd = fd;
    pthread_mutex_lock(&server->lock);
    talk->number = ++server->connections;
    talk->crowded = server->options->at_once > 0 && server->live >= server->options->at_once;
    server->live++;
    pthread_cond_broadcast(&server->changed);
    if (pthread_create(&thread, NULL, session_serve, talk) != 0 || pthread_detach(thread) != 0) {
        abort();
    }
    pthread_mutex_unlock(&server->lock);
}

static void *accept_all(void *context)
{
    struct smtp_server *server = context;
    struct pollfd wait[2] = {{.fd = server->listener, .events = POLLIN},
                             {.fd = server->stop[0], .events = POLLIN}};

    for (;;) {
        int fd;

        if (poll(wait, 2, -1) < 0 && errno != EINTR) {
            return NULL;
        }
        if (wait[1].revents != 0) {
            return NULL;
        }
        fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            start_talk(server, fd);
        }
    }
}

static bool listen_somewhere(struct smtp_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int room = 4096;
    int segment = 536;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server->listener >= 0 && server->options->narrow) {
        setsockopt(server->listener, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
        setsockopt(server->listener, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment));
    }
    if (server->listener < 0 ||
        bind(server->listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(server->listener, 64) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &len) != 0) {
        return false;
    }
    server->port = ntohs(address.sin_port);
    snprintf(server->url, sizeof(server->url), "smtp%s://127.0.0.1:%u",
             server->options->tls_first ? "s" : "", server->port);
    return true;
}

struct smtp_server *smtp_server_start(const struct server_options *options)
{
    struct smtp_server *server = talk_need(calloc(1, sizeof(*server)));

    server->options = options;
    server->dice = options->chaos.seed;
    pthread_cond_init(&server->changed, NULL);
    server->hits = talk_need(calloc(options->fault_count + 1, sizeof(*server->hits)));
    server->transcript = talk_need(strdup(""));
    pthread_mutex_init(&server->lock, NULL);
    if (options->certificate != NULL) {
        gnutls_certificate_allocate_credentials(&server->credentials);
        if (gnutls_certificate_set_x509_key_file(server->credentials, options->certificate,
                                                 options->key, GNUTLS_X509_FMT_PEM) < 0) {
            abort();
        }
    }
    if (pipe(server->stop) != 0 || !listen_somewhere(server) ||
        pthread_create(&server->acceptor, NULL, accept_all, server) != 0) {
        abort();
    }
    return server;
}

void smtp_server_stop(struct smtp_server *server)
{
    if (server == NULL) {
        return;
    }
    if (write(server->stop[1], "", 1) != 1) {
        abort();
    }
    pthread_join(server->acceptor, NULL);
    pthread_mutex_lock(&server->lock);
    while (server->live > 0) {
        pthread_cond_wait(&server->changed, &server->lock);
    }
    pthread_mutex_unlock(&server->lock);
    for (size_t i = 0; i < server->message_count; i++) {
        free((void *)(uintptr_t)server->messages[i].sender);
        free((void *)(uintptr_t)server->messages[i].recipient);
        free((void *)(uintptr_t)server->messages[i].bytes);
    }
    free(server->messages);
    if (server->credentials != NULL) {
        gnutls_certificate_free_credentials(server->credentials);
    }
    close(server->listener);
    close(server->stop[0]);
    close(server->stop[1]);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server->hits);
    free(server->transcript);
    free(server);
}

unsigned smtp_server_port(const struct smtp_server *server)
{
    return server->port;
}

const char *smtp_server_url(const struct smtp_server *server)
{
    return server->url;
}

bool smtp_server_message(struct smtp_server *server, size_t index, struct server_message *out)
{
    bool there;

    pthread_mutex_lock(&server->lock);
    there = index < server->message_count;
    if (there) {
        *out = server->messages[index];
    }
    pthread_mutex_unlock(&server->lock);
    return there;
}

static size_t read_count(struct smtp_server *server, const size_t *count)
{
    size_t value;

    pthread_mutex_lock(&server->lock);
    value = *count;
    pthread_mutex_unlock(&server->lock);
    return value;
}

size_t smtp_server_message_count(struct smtp_server *server)
{
    return read_count(server, &server->message_count);
}

size_t smtp_server_dots(struct smtp_server *server)
{
    return read_count(server, &server->dots);
}

unsigned smtp_server_connections(struct smtp_server *server)
{
    unsigned count;

    pthread_mutex_lock(&server->lock);
    count = server->connections;
    pthread_mutex_unlock(&server->lock);
    return count;
}

char *smtp_server_transcript(struct smtp_server *server)
{
    char *copy;

    pthread_mutex_lock(&server->lock);
    copy = talk_need(strdup(server->transcript));
    pthread_mutex_unlock(&server->lock);
    return copy;
}
