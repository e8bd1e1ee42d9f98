/* smtp_server.c - see smtp_server.h. Test code: it aborts when memory is out. */
#include "support/smtp_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fnmatch.h>
#include <gnutls/gnutls.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS 64
#define COMMAND 4096

struct kept {
    struct server_message message;
    struct kept *next;
};

struct smtp_server {
    const struct server_options *options;
    int listener;
    int stop[2];
    unsigned port;
    char url[64];
    pthread_t acceptor;
    pthread_t threads[CONNECTIONS];
    unsigned connections;
    gnutls_certificate_credentials_t credentials;
    pthread_mutex_t lock; /* for what is below */
    struct kept *first;
    struct kept **last;
    size_t messages;
    size_t dots;
    int *hits; /* matches of each fault so far */
    char *transcript;
    size_t transcript_len;
    size_t transcript_room;
};

struct talk {
    struct smtp_server *server;
    unsigned number;
    int fd;
    gnutls_session_t tls;
    char in[65536];
    size_t at;
    size_t have;
    bool logged_in;
    bool has_sender;
    char sender[512];
    char recipient[512];
};

static void *need(void *block)
{
    if (block == NULL) {
        abort();
    }
    return block;
}

static void note(struct talk *talk, const char *line)
{
    struct smtp_server *server = talk->server;
    size_t room = strlen(line) + 16;
    int len;

    pthread_mutex_lock(&server->lock);
    if (server->transcript_len + room > server->transcript_room) {
        server->transcript_room = 2 * (server->transcript_len + room);
        server->transcript = need(realloc(server->transcript, server->transcript_room));
    }
    len =
        snprintf(server->transcript + server->transcript_len, room, "%u %s\n", talk->number, line);
    server->transcript_len += (size_t)len;
    pthread_mutex_unlock(&server->lock);
}

/* Waits for input or the stop; false when stopped. */
static bool wait_input(struct talk *talk, int timeout_ms)
{
    struct pollfd wait[2] = {{.fd = talk->fd, .events = POLLIN},
                             {.fd = talk->server->stop[0], .events = POLLIN}};

    if (talk->tls != NULL && gnutls_record_check_pending(talk->tls) > 0) {
        return true;
    }
    while (poll(wait, 2, timeout_ms) < 0 && errno == EINTR) {
    }
    return wait[0].revents != 0 && wait[1].revents == 0;
}

static bool fill(struct talk *talk)
{
    ssize_t got;

    if (talk->at > 0) {
        memmove(talk->in, talk->in + talk->at, talk->have - talk->at);
        talk->have -= talk->at;
        talk->at = 0;
    }
    if (talk->have == sizeof(talk->in) || !wait_input(talk, -1)) {
        return false;
    }
    got = talk->tls != NULL
              ? gnutls_record_recv(talk->tls, talk->in + talk->have, sizeof(talk->in) - talk->have)
              : recv(talk->fd, talk->in + talk->have, sizeof(talk->in) - talk->have, 0);
    if (got <= 0) {
        return false;
    }
    talk->have += (size_t)got;
    return true;
}

/* One line without its CRLF; false at the end of the connection. */
static bool read_line(struct talk *talk, char *line, size_t room, size_t *len)
{
    for (;;) {
        char *end = memchr(talk->in + talk->at, '\n', talk->have - talk->at);

        if (end != NULL) {
            size_t size = (size_t)(end - (talk->in + talk->at)) + 1;
            if (size < 2 || end[-1] != '\r' || size > room) {
                return false;
            }
            memcpy(line, talk->in + talk->at, size - 2);
            line[size - 2] = '\0';
            *len = size - 2;
            talk->at += size;
            return true;
        }
        if (!fill(talk)) {
            return false;
        }
    }
}

static bool say(struct talk *talk, const char *text)
{
    size_t len = strlen(text);

    while (len > 0) {
        ssize_t sent = talk->tls != NULL ? gnutls_record_send(talk->tls, text, len)
                                         : send(talk->fd, text, len, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        text += sent;
        len -= (size_t)sent;
    }
    return true;
}

/* The fault that hits now, if any. */
static const struct server_fault *find_fault(struct talk *talk, enum server_stage stage)
{
    struct smtp_server *server = talk->server;
    const char *about = stage == SERVER_MAIL ? talk->sender : talk->recipient;
    const struct server_fault *found = NULL;

    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->options->fault_count && found == NULL; i++) {
        const struct server_fault *fault = &server->options->faults[i];
        if (fault->stage != stage ||
            (fault->recipient != NULL && fnmatch(fault->recipient, about, 0) != 0)) {
            continue;
        }
        server->hits[i]++;
        if (server->hits[i] > fault->skip &&
            (fault->times == 0 || server->hits[i] <= fault->skip + fault->times)) {
            found = fault;
        }
    }
    pthread_mutex_unlock(&server->lock);
    return found;
}

static void sleep_ms(struct talk *talk, int ms)
{
    struct pollfd stop = {.fd = talk->server->stop[0], .events = POLLIN};

    poll(&stop, 1, ms);
}

/* Answers, as the faults want it. *done is set to whether the command is to be
 * carried out. False when the connection is over. */
static bool answer(struct talk *talk, enum server_stage stage, const char *usual, bool *done)
{
    const struct server_fault *fault = find_fault(talk, stage);
    struct pollfd stall[2] = {{.fd = talk->fd, .events = POLLRDHUP},
                              {.fd = talk->server->stop[0], .events = POLLIN}};

    *done = usual[0] == '2' || usual[0] == '3';
    if (fault == NULL) {
        return say(talk, usual);
    }
    switch (fault->act) {
    case SERVER_SAY:
        *done = fault->text[0] == '2' || fault->text[0] == '3';
        return say(talk, fault->text);
    case SERVER_SAY_AND_CLOSE:
        say(talk, fault->text);
        return false;
    case SERVER_CLOSE:
        return false;
    case SERVER_STALL:
        poll(stall, 2, -1);
        return false;
    case SERVER_SLOW:
        sleep_ms(talk, fault->delay_ms);
        return say(talk, usual);
    case SERVER_BABBLE:
        return say(talk, usual) && say(talk, fault->text);
    }
    return false;
}

/* Reads the message up to the final dot. */
static bool read_message(struct talk *talk, char **bytes, size_t *len)
{
    char line[COMMAND];
    size_t size = 0;
    size_t room = 0;

    *bytes = NULL;
    *len = 0;
    while (read_line(talk, line, sizeof(line), &size)) {
        const char *from = line;
        if (size == 1 && line[0] == '.') {
            return true;
        }
        if (line[0] == '.') {
            from++;
            size--;
        }
        if (*bytes == NULL || *len + size + 2 > room) {
            room = (*len + size + 2) * 2;
            *bytes = need(realloc(*bytes, room));
        }
        memcpy(*bytes + *len, from, size);
        memcpy(*bytes + *len + size, "\r\n", 2);
        *len += size + 2;
    }
    return false;
}

static void keep(struct talk *talk, char *bytes, size_t len, bool behind)
{
    struct smtp_server *server = talk->server;
    struct kept *kept = need(calloc(1, sizeof(*kept)));

    kept->message.sender = need(strdup(talk->sender));
    kept->message.recipient = need(strdup(talk->recipient));
    kept->message.bytes = bytes;
    kept->message.len = len;
    kept->message.connection = talk->number;
    kept->message.encrypted = talk->tls != NULL;
    kept->message.behind = behind;
    pthread_mutex_lock(&server->lock);
    *server->last = kept;
    server->last = &kept->next;
    server->messages++;
    pthread_mutex_unlock(&server->lock);
}

static bool receive(struct talk *talk)
{
    const struct server_options *options = talk->server->options;
    char *bytes = NULL;
    size_t len = 0;
    bool behind;
    bool done = false;
    bool alive;

    if (!read_message(talk, &bytes, &len)) {
        free(bytes);
        return false;
    }
    note(talk, ".");
    pthread_mutex_lock(&talk->server->lock);
    talk->server->dots++;
    pthread_mutex_unlock(&talk->server->lock);
    behind = talk->at < talk->have || (options->wait_behind && wait_input(talk, 200));
    if (talk->recipient[0] == '\0') {
        free(bytes);
        return answer(talk, SERVER_DOT, "554 5.5.1 Error: no valid recipients\r\n", &done);
    }
    keep(talk, bytes, len, behind);
    alive = answer(talk, SERVER_DOT, "250 2.0.0 Ok: queued\r\n", &done);
    talk->has_sender = false;
    talk->recipient[0] = '\0';
    return alive;
}

/* What stands between < and > of a command. */
static void take_path(const char *line, char *out, size_t room)
{
    const char *start = strchr(line, '<');
    const char *end = start != NULL ? strchr(start, '>') : NULL;

    out[0] = '\0';
    if (end != NULL && (size_t)(end - start) <= room) {
        memcpy(out, start + 1, (size_t)(end - start) - 1);
        out[end - start - 1] = '\0';
    }
}

static bool on_ehlo(struct talk *talk, const char *line)
{
    const struct server_options *options = talk->server->options;
    char text[512];
    char size[48] = "";
    bool done = false;

    (void)line;
    if (options->size > 0) {
        snprintf(size, sizeof(size), "250-SIZE %zu\r\n", options->size);
    }
    snprintf(text, sizeof(text), "250-scripted.example\r\n%s%s%s%s%s%s%s250 HELP\r\n",
             options->pipelining ? "250-PIPELINING\r\n" : "",
             options->eight_bit ? "250-8BITMIME\r\n" : "",
             options->smtputf8 ? "250-SMTPUTF8\r\n" : "",
             options->enhanced ? "250-ENHANCEDSTATUSCODES\r\n" : "", size,
             options->certificate != NULL && talk->tls == NULL ? "250-STARTTLS\r\n" : "",
             options->user != NULL ? "250-AUTH PLAIN\r\n" : "");
    talk->has_sender = false;
    talk->recipient[0] = '\0';
    return answer(talk, SERVER_EHLO, text, &done);
}

static bool start_tls(struct talk *talk)
{
    int rc;

    if (gnutls_init(&talk->tls, GNUTLS_SERVER | GNUTLS_NO_SIGNAL) < 0) {
        return false;
    }
    gnutls_set_default_priority(talk->tls);
    gnutls_credentials_set(talk->tls, GNUTLS_CRD_CERTIFICATE, talk->server->credentials);
    gnutls_transport_set_int(talk->tls, talk->fd);
    do {
        rc = gnutls_handshake(talk->tls);
    } while (rc < 0 && gnutls_error_is_fatal(rc) == 0);
    return rc == 0;
}

static bool on_starttls(struct talk *talk, const char *line)
{
    bool done = false;

    (void)line;
    if (!answer(talk, SERVER_STARTTLS, "220 2.0.0 go ahead\r\n", &done)) {
        return false;
    }
    return !done || start_tls(talk);
}

/* base64 of NUL user NUL password (RFC 4616). */
static bool secret_is_right(const struct server_options *options, const char *given)
{
    gnutls_datum_t got = {0};
    gnutls_datum_t text = {(unsigned char *)(uintptr_t)given, (unsigned)strlen(given)};
    size_t user = strlen(options->user);
    size_t password = strlen(options->password);
    bool right = false;

    if (gnutls_base64_decode2(&text, &got) == 0) {
        right = got.size == user + password + 2 && memcmp(got.data + 1, options->user, user) == 0 &&
                memcmp(got.data + user + 2, options->password, password) == 0;
        gnutls_free(got.data);
    }
    return right;
}

static bool on_auth(struct talk *talk, const char *line)
{
    char secret[COMMAND];
    size_t len = 0;
    bool done = false;

    if (line[10] == ' ') {
        snprintf(secret, sizeof(secret), "%s", line + 11);
    } else if (!say(talk, "334 \r\n") || !read_line(talk, secret, sizeof(secret), &len)) {
        return false;
    }
    talk->logged_in = secret_is_right(talk->server->options, secret);
    return answer(talk, SERVER_AUTH,
                  talk->logged_in ? "235 2.7.0 welcome\r\n" : "535 5.7.8 bad credentials\r\n",
                  &done);
}

static bool on_mail(struct talk *talk, const char *line)
{
    char old[sizeof(talk->sender)];
    bool done = false;
    bool alive;

    if (talk->server->options->user != NULL && !talk->logged_in) {
        return say(talk, "530 5.7.0 log in first\r\n");
    }
    if (talk->has_sender) {
        return answer(talk, SERVER_MAIL, "503 5.5.1 Error: nested MAIL command\r\n", &done);
    }
    memcpy(old, talk->sender, sizeof(old));
    take_path(line, talk->sender, sizeof(talk->sender));
    alive = answer(talk, SERVER_MAIL, "250 2.1.0 Ok\r\n", &done);
    talk->has_sender = done;
    if (!done) {
        memcpy(talk->sender, old, sizeof(old));
    }
    return alive;
}

static bool on_rcpt(struct talk *talk, const char *line)
{
    char old[sizeof(talk->recipient)];
    bool done = false;
    bool alive;

    memcpy(old, talk->recipient, sizeof(old));
    take_path(line, talk->recipient, sizeof(talk->recipient));
    alive = answer(talk, SERVER_RCPT,
                   talk->has_sender ? "250 2.1.5 Ok\r\n" : "503 5.5.1 Error: need MAIL command\r\n",
                   &done);
    if (!done) {
        memcpy(talk->recipient, old, sizeof(old));
    }
    return alive;
}

static bool on_data(struct talk *talk, const char *line)
{
    bool done = false;

    (void)line;
    if (!answer(talk, SERVER_DATA,
                talk->recipient[0] != '\0' ? "354 End data with <CR><LF>.<CR><LF>\r\n"
                                           : "554 5.5.1 Error: no valid recipients\r\n",
                &done)) {
        return false;
    }
    return !done || receive(talk);
}

static bool on_rset(struct talk *talk, const char *line)
{
    bool done = false;

    (void)line;
    talk->has_sender = false;
    talk->recipient[0] = '\0';
    return answer(talk, SERVER_RSET, "250 2.0.0 Ok\r\n", &done);
}

static bool on_quit(struct talk *talk, const char *line)
{
    bool done = false;

    (void)line;
    answer(talk, SERVER_QUIT, "221 2.0.0 Bye\r\n", &done);
    return false;
}

static const struct {
    const char *verb;
    bool (*handle)(struct talk *talk, const char *line);
} verbs[] = {
    {"EHLO ", on_ehlo}, {"STARTTLS", on_starttls}, {"AUTH PLAIN", on_auth}, {"MAIL ", on_mail},
    {"RCPT ", on_rcpt}, {"DATA", on_data},         {"RSET", on_rset},       {"QUIT", on_quit},
};

static bool obey(struct talk *talk, const char *line)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strncasecmp(line, verbs[i].verb, strlen(verbs[i].verb)) == 0) {
            note(talk, verbs[i].handle == on_auth ? "AUTH PLAIN" : line);
            return verbs[i].handle(talk, line);
        }
    }
    note(talk, line);
    return say(talk, "502 5.5.2 Error: command not recognized\r\n");
}

/* Closing with input unread would make the kernel destroy what the client has
 * not read yet, now and then: so the client closes first. */
static void hang_up(struct talk *talk)
{
    struct pollfd wait[2] = {{.fd = talk->fd, .events = POLLRDHUP},
                             {.fd = talk->server->stop[0], .events = POLLIN}};

    if (talk->tls != NULL) {
        gnutls_bye(talk->tls, GNUTLS_SHUT_WR);
    }
    shutdown(talk->fd, SHUT_WR);
    poll(wait, 2, -1);
    if (talk->tls != NULL) {
        gnutls_deinit(talk->tls);
    }
    close(talk->fd);
}

static void *serve(void *context)
{
    struct talk *talk = context;
    char line[COMMAND];
    size_t len = 0;
    bool done = false;

    if ((!talk->server->options->tls_first || start_tls(talk)) &&
        answer(talk, SERVER_GREETING, "220 scripted.example ESMTP\r\n", &done)) {
        while (read_line(talk, line, sizeof(line), &len) && obey(talk, line)) {
        }
    }
    hang_up(talk);
    free(talk);
    return NULL;
}

static void *accept_all(void *context)
{
    struct smtp_server *server = context;
    struct pollfd wait[2] = {{.fd = server->listener, .events = POLLIN},
                             {.fd = server->stop[0], .events = POLLIN}};

    for (;;) {
        struct talk *talk;
        int at_once = 1; /* Nagle and delayed ACKs would cost 40 ms a pipelined answer */
        int fd;

        if (poll(wait, 2, -1) < 0 && errno != EINTR) {
            return NULL;
        }
        if (wait[1].revents != 0) {
            return NULL;
        }
        fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            continue;
        }
        if (server->connections == CONNECTIONS) {
            abort();
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
        talk = need(calloc(1, sizeof(*talk)));
        talk->server = server;
        talk->fd = fd;
        pthread_mutex_lock(&server->lock);
        talk->number = server->connections + 1;
        if (pthread_create(&server->threads[server->connections], NULL, serve, talk) != 0) {
            abort();
        }
        server->connections++;
        pthread_mutex_unlock(&server->lock);
    }
}

static bool listen_somewhere(struct smtp_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
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
    struct smtp_server *server = need(calloc(1, sizeof(*server)));

    server->options = options;
    server->last = &server->first;
    server->hits = need(calloc(options->fault_count + 1, sizeof(*server->hits)));
    server->transcript = need(strdup(""));
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
    for (unsigned i = 0; i < server->connections; i++) {
        pthread_join(server->threads[i], NULL);
    }
    while (server->first != NULL) {
        struct kept *kept = server->first;
        server->first = kept->next;
        free((void *)(uintptr_t)kept->message.sender);
        free((void *)(uintptr_t)kept->message.recipient);
        free((void *)(uintptr_t)kept->message.bytes);
        free(kept);
    }
    if (server->credentials != NULL) {
        gnutls_certificate_free_credentials(server->credentials);
    }
    close(server->listener);
    close(server->stop[0]);
    close(server->stop[1]);
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
    struct kept *kept;

    pthread_mutex_lock(&server->lock);
    kept = server->first;
    while (kept != NULL && index-- > 0) {
        kept = kept->next;
    }
    if (kept != NULL) {
        *out = kept->message;
    }
    pthread_mutex_unlock(&server->lock);
    return kept != NULL;
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
    return read_count(server, &server->messages);
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
    copy = need(strdup(server->transcript));
    pthread_mutex_unlock(&server->lock);
    return copy;
}
