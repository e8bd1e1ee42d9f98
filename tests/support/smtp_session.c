/* smtp_session.c - see smtp_session.h. */
#include "support/smtp_session.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "support/smtp_script.h"

#define GATHER_MS 3000

/* Reads the message up to the final dot. */
static bool read_message(struct talk *talk, char **bytes, size_t *len)
{
    char line[TALK_COMMAND];
    size_t size = 0;
    size_t room = 0;
    int pace_ms = 0;

    *bytes = NULL;
    *len = 0;
    while (talk_read_line(talk, line, sizeof(line), &size)) {
        const char *from = line;
        if (*len == 0 && !script_body(talk, &pace_ms)) {
            return false;
        }
        if (pace_ms > 0) {
            talk_sleep(talk, pace_ms);
        }
        if (size == 1 && line[0] == '.') {
            return true;
        }
        if (line[0] == '.') {
            from++;
            size--;
        }
        if (*bytes == NULL || *len + size + 2 > room) {
            room = (*len + size + 2) * 2;
            *bytes = talk_need(realloc(*bytes, room));
        }
        memcpy(*bytes + *len, from, size);
        memcpy(*bytes + *len + size, "\r\n", 2);
        *len += size + 2;
    }
    return false;
}

/* Keeps the message; the index is told so that its fate can follow. */
static size_t keep(struct talk *talk, char *bytes, size_t len, bool behind)
{
    struct smtp_server *server = talk->server;
    struct server_message message = {.sender = talk_need(strdup(talk->sender)),
                                     .recipient = talk_need(strdup(talk->recipient)),
                                     .bytes = bytes,
                                     .len = len,
                                     .connection = talk->number,
                                     .encrypted = talk->tls != NULL,
                                     .fate = SERVER_DARK,
                                     .behind = behind};
    size_t index;

    pthread_mutex_lock(&server->lock);
    if (server->message_count == server->message_room) {
        server->message_room = 2 * server->message_room + 64;
        server->messages =
            talk_need(realloc(server->messages, server->message_room * sizeof(*server->messages)));
    }
    index = server->message_count++;
    server->messages[index] = message;
    pthread_mutex_unlock(&server->lock);
    return index;
}

static void set_fate(struct talk *talk, size_t index, const char *told)
{
    pthread_mutex_lock(&talk->server->lock);
    talk->server->messages[index].fate = told[0] == '2'                     ? SERVER_ANSWERED
                                         : told[0] == '4' || told[0] == '5' ? SERVER_REFUSED
                                                                            : SERVER_DARK;
    pthread_mutex_unlock(&talk->server->lock);
}

/* The answer to the dot, and what may come after it. */
static bool answer_dot(struct talk *talk, size_t index)
{
    const struct server_options *options = talk->server->options;
    char named[TALK_NAMED];
    const struct reaction reaction =
        script_react(talk, SERVER_DOT, script_naming(talk, "250 2.0.0 Ok: queued\r\n", named));
    bool alive;

    set_fate(talk, index, reaction.told); /* before anybody can know it */
    alive =
        reaction.fault == NULL ? script_idle(talk, reaction.usual) : script_act(talk, &reaction);
    talk->has_sender = false;
    talk->recipient[0] = '\0';
    talk->messages += reaction.told[0] == '2';
    return alive && (options->messages == 0 || options->enough != NULL ||
                     talk->messages < options->messages);
}

static bool receive(struct talk *talk)
{
    const struct server_options *options = talk->server->options;
    char *bytes = NULL;
    size_t len = 0;
    bool behind;
    bool done = false;

    if (!read_message(talk, &bytes, &len)) {
        free(bytes);
        return false;
    }
    talk_note(talk, ".");
    pthread_mutex_lock(&talk->server->lock);
    talk->server->dots++;
    pthread_mutex_unlock(&talk->server->lock);
    behind = talk->at < talk->have || (options->wait_behind && talk_wait(talk, 200));
    if (talk->recipient[0] == '\0') {
        free(bytes);
        return script_answer(talk, SERVER_DOT, "554 5.5.1 Error: no valid recipients\r\n", &done);
    }
    return answer_dot(talk, keep(talk, bytes, len, behind));
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
    return script_answer(talk, SERVER_EHLO, text, &done);
}

static bool on_helo(struct talk *talk, const char *line)
{
    (void)line;
    return talk_say(talk, "250 scripted.example\r\n");
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
    if (!script_answer(talk, SERVER_STARTTLS, "220 2.0.0 go ahead\r\n", &done)) {
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
    char secret[TALK_COMMAND];
    size_t len = 0;
    bool done = false;

    if (line[10] == ' ') {
        snprintf(secret, sizeof(secret), "%s", line + 11);
    } else if (!talk_say(talk, "334 \r\n") || !talk_read_line(talk, secret, sizeof(secret), &len)) {
        return false;
    }
    talk->logged_in = secret_is_right(talk->server->options, secret);
    return script_answer(
        talk, SERVER_AUTH,
        talk->logged_in ? "235 2.7.0 welcome\r\n" : "535 5.7.8 bad credentials\r\n", &done);
}

static bool on_mail(struct talk *talk, const char *line)
{
    char old[sizeof(talk->sender)];
    bool done = false;
    bool alive;

    if (talk->server->options->user != NULL && !talk->logged_in) {
        return talk_say(talk, "530 5.7.0 log in first\r\n");
    }
    if (talk->has_sender) {
        return script_answer(talk, SERVER_MAIL, "503 5.5.1 Error: nested MAIL command\r\n", &done);
    }
    if (talk->server->options->messages > 0 && talk->messages >= talk->server->options->messages) {
        talk_say(talk, talk->server->options->enough);
        return false;
    }
    memcpy(old, talk->sender, sizeof(old));
    take_path(line, talk->sender, sizeof(talk->sender));
    alive = script_answer(talk, SERVER_MAIL, "250 2.1.0 Ok\r\n", &done);
    talk->has_sender = done;
    if (!done) {
        memcpy(talk->sender, old, sizeof(old));
    }
    return alive;
}

static bool on_rcpt(struct talk *talk, const char *line)
{
    char old[sizeof(talk->recipient)];
    char named[TALK_NAMED];
    bool done = false;
    bool alive;

    memcpy(old, talk->recipient, sizeof(old));
    take_path(line, talk->recipient, sizeof(talk->recipient));
    alive = script_answer(talk, SERVER_RCPT,
                          talk->has_sender ? script_naming(talk, "250 2.1.5 Ok\r\n", named)
                                           : "503 5.5.1 Error: need MAIL command\r\n",
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
    if (!script_answer(talk, SERVER_DATA,
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
    return script_answer(talk, SERVER_RSET, "250 2.0.0 Ok\r\n", &done);
}

static bool on_quit(struct talk *talk, const char *line)
{
    bool done = false;

    (void)line;
    script_answer(talk, SERVER_QUIT, "221 2.0.0 Bye\r\n", &done);
    return false;
}

static const struct {
    const char *verb;
    bool (*handle)(struct talk *talk, const char *line);
} verbs[] = {
    {"EHLO ", on_ehlo},      {"HELO ", on_helo}, {"STARTTLS", on_starttls},
    {"AUTH PLAIN", on_auth}, {"MAIL ", on_mail}, {"RCPT ", on_rcpt},
    {"DATA", on_data},       {"RSET", on_rset},  {"QUIT", on_quit},
};

static bool obey(struct talk *talk, const char *line)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strncasecmp(line, verbs[i].verb, strlen(verbs[i].verb)) == 0) {
            talk_note(talk, verbs[i].handle == on_auth ? "AUTH PLAIN" : line);
            return verbs[i].handle(talk, line);
        }
    }
    talk_note(talk, line);
    return talk_say(talk, "502 5.5.2 Error: command not recognized\r\n");
}

/* Closing with input unread would make the kernel destroy what the client has
 * not read yet, now and then: so the client closes first. */
static void hang_up(struct talk *talk)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    struct pollfd wait[2] = {{.fd = talk->fd, .events = POLLRDHUP},
                             {.fd = talk->server->stop[0], .events = POLLIN}};

    if (talk->reset) {
        setsockopt(talk->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    } else {
        if (talk->tls != NULL) {
            gnutls_bye(talk->tls, GNUTLS_SHUT_WR);
        }
        shutdown(talk->fd, SHUT_WR);
        poll(wait, 2, -1);
    }
    if (talk->tls != NULL) {
        gnutls_deinit(talk->tls);
    }
    close(talk->fd);
}

/* Holds the greeting back until everybody is there. */
static void gather(struct smtp_server *server)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += GATHER_MS / 1000;
    pthread_mutex_lock(&server->lock);
    while (server->connections < server->options->gather &&
           pthread_cond_timedwait(&server->changed, &server->lock, &until) == 0) {
    }
    pthread_mutex_unlock(&server->lock);
}

static bool greet(struct talk *talk)
{
    const struct server_options *options = talk->server->options;
    bool done = false;

    gather(talk->server);
    if (talk->crowded) {
        talk_say(talk, "421 4.7.0 too many connections from you\r\n");
        return false;
    }
    return (!options->tls_first || start_tls(talk)) &&
           script_answer(talk, SERVER_GREETING, "220 scripted.example ESMTP\r\n", &done);
}

void *session_serve(void *context)
{
    struct talk *talk = context;
    struct smtp_server *server = talk->server;
    char line[TALK_COMMAND];
    size_t len = 0;

    if (greet(talk)) {
        while (talk_read_line(talk, line, sizeof(line), &len) && obey(talk, line)) {
        }
    }
    hang_up(talk);
    free(talk);
    pthread_mutex_lock(&server->lock);
    server->live--;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    return NULL;
}
