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

#define COMMAND 4096
#define GATHER_MS 3000
#define OVERSIZE_LINES 200
#define NAMED 700 /* an answer with a recipient in it */

struct smtp_server {
    const struct server_options *options;
    int listener;
    int stop[2];
    unsigned port;
    char url[64];
    pthread_t acceptor;
    gnutls_certificate_credentials_t credentials;
    pthread_mutex_t lock;   /* for what is below */
    pthread_cond_t changed; /* a connection has come or gone */
    unsigned connections;
    unsigned live;
    unsigned dice;
    struct server_message *messages;
    size_t message_count;
    size_t message_room;
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
    bool crowded;
    bool reset;
    bool choked; /* more refusals than it wants to say */
    unsigned messages;
    unsigned errors;
    struct server_fault rolled; /* a fault that chaos made up, and its words */
    char words[NAMED];
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

static void sleep_ms(struct talk *talk, int ms)
{
    struct pollfd stop = {.fd = talk->server->stop[0], .events = POLLIN};

    poll(&stop, 1, ms);
}

static bool trickle(struct talk *talk, const char *text, int delay_ms)
{
    for (; *text != '\0'; text++) {
        const char one[] = {*text, '\0'};

        if (!say(talk, one)) {
            return false;
        }
        sleep_ms(talk, delay_ms);
    }
    return true;
}

/* Two texts in one segment, so that they are read together. */
static bool say_both(struct talk *talk, const char *first, const char *second)
{
    size_t room = strlen(first) + strlen(second) + 1;
    char *both = need(malloc(room));
    bool said;

    snprintf(both, room, "%s%s", first, second);
    said = say(talk, both);
    free(both);
    return said;
}

static bool say_oversize(struct talk *talk, const char *usual)
{
    char lines[OVERSIZE_LINES * 64 + 1];
    size_t len = 0;

    for (int i = 0; i < OVERSIZE_LINES; i++) {
        len += (size_t)snprintf(lines + len, sizeof(lines) - len, "%.3s-%s\r\n", usual,
                                "a reply that nobody needs in this length, nor ever will");
    }
    return say_both(talk, lines, usual);
}

/* Whom an answer is about. */
static const char *subject_of(const struct talk *talk, enum server_stage stage)
{
    return stage == SERVER_MAIL ? talk->sender : talk->recipient;
}

static unsigned roll(struct smtp_server *server)
{
    server->dice = server->dice * 1103515245U + 12345U;
    return server->dice >> 8;
}

/* A fault out of nothing; the lock is held. */
static const struct server_fault *roll_fault(struct talk *talk, enum server_stage stage)
{
    static const struct {
        unsigned below; /* of 100 */
        enum server_act act;
        const char *before; /* the name of whom it is about */
        const char *behind;
    } kinds[] = {
        {20, SERVER_SAY, "450 4.2.0 <", "> not now\r\n"},
        {34, SERVER_SAY, "550 5.2.1 <", "> never\r\n"},
        {48, SERVER_SAY_AND_CLOSE, "421 4.3.2 <", "> closing\r\n"},
        {62, SERVER_CLOSE, "", ""},
        {74, SERVER_RESET, "", ""},
        {81, SERVER_TRICKLE, "", ""},
        {84, SERVER_SAY, "hello <", ">\r\n"},
        {87, SERVER_SAY, "250-<", "> yes\r\n550 no\r\n"},
        {90, SERVER_SAY, "250 <", "> bare\n"},
        {96, SERVER_OVERSIZE, "", ""},
        {100, SERVER_STALL, "", ""},
    };
    const struct server_chaos *chaos = &talk->server->options->chaos;
    unsigned pick;
    size_t kind = 0;

    if (chaos->per_mille == 0 || roll(talk->server) % 1000 >= chaos->per_mille) {
        return NULL;
    }
    pick = roll(talk->server) % 100;
    while (pick >= kinds[kind].below) {
        kind++;
    }
    /* Before the login a stall costs a second at least: libcurl looks at its clock. */
    if (kinds[kind].act == SERVER_STALL && stage < SERVER_MAIL && pick % 2 == 0) {
        return NULL;
    }
    snprintf(talk->words, sizeof(talk->words), "%s%s%s", kinds[kind].before,
             subject_of(talk, stage), kinds[kind].behind);
    talk->rolled = (struct server_fault){
        .stage = stage, .act = kinds[kind].act, .text = talk->words, .delay_ms = 1};
    return &talk->rolled;
}

/* The fault that hits now, if any. */
static const struct server_fault *find_fault(struct talk *talk, enum server_stage stage)
{
    struct smtp_server *server = talk->server;
    const char *about = subject_of(talk, stage);
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
    if (found == NULL) {
        found = roll_fault(talk, stage);
    }
    pthread_mutex_unlock(&server->lock);
    return found;
}

static void stall(struct talk *talk)
{
    const struct server_chaos *chaos = &talk->server->options->chaos;
    struct pollfd wait[2] = {{.fd = talk->fd, .events = POLLRDHUP},
                             {.fd = talk->server->stop[0], .events = POLLIN}};

    poll(wait, 2, chaos->stall_ms > 0 ? chaos->stall_ms : -1);
}

static bool makes_sense(const char *text)
{
    return strlen(text) > 4 && text[3] == ' ' && strchr("2345", text[0]) != NULL &&
           strcspn(text, "\r") + 2 == strlen(text);
}

/* What is going to be said at a stage. */
struct reaction {
    const struct server_fault *fault; /* NULL: the usual */
    const char *usual;
    const char *told; /* as the client will understand it; "" for nothing that makes sense */
    bool done;        /* the command is to be carried out */
};

static struct reaction react(struct talk *talk, enum server_stage stage, const char *usual)
{
    struct reaction reaction = {.fault = find_fault(talk, stage), .usual = usual, .told = usual};
    const struct server_fault *fault = reaction.fault;

    reaction.done = usual[0] == '2' || usual[0] == '3';
    if (talk->choked) {
        static const struct server_fault choked = {.act = SERVER_SAY_AND_CLOSE,
                                                   .text = "421 4.7.0 too many errors\r\n"};
        fault = reaction.fault = &choked;
    }
    if (fault == NULL) {
        return reaction;
    }
    if (fault->act == SERVER_SAY || fault->act == SERVER_SAY_AND_CLOSE) {
        reaction.done = fault->text[0] == '2' || fault->text[0] == '3';
        reaction.told = makes_sense(fault->text) ? fault->text : "";
    } else if (fault->act != SERVER_SLOW && fault->act != SERVER_TRICKLE &&
               fault->act != SERVER_BABBLE) {
        reaction.told = "";
    }
    return reaction;
}

/* Says it. False when the connection is over. */
static bool act(struct talk *talk, const struct reaction *reaction)
{
    const struct server_fault *fault = reaction->fault;

    talk->errors += reaction->told[0] == '4' || reaction->told[0] == '5';
    talk->choked =
        talk->server->options->errors > 0 && talk->errors >= talk->server->options->errors;
    if (fault == NULL) {
        return say(talk, reaction->usual);
    }
    if (fault->delay_ms > 0 && fault->act <= SERVER_SAY_AND_CLOSE) {
        sleep_ms(talk, fault->delay_ms);
    }
    switch (fault->act) {
    case SERVER_SAY:
        return say(talk, fault->text);
    case SERVER_SAY_AND_CLOSE:
        say(talk, fault->text);
        return false;
    case SERVER_CLOSE:
        return false;
    case SERVER_RESET:
        sleep_ms(talk, fault->delay_ms);
        talk->reset = true;
        return false;
    case SERVER_STALL:
        stall(talk);
        return false;
    case SERVER_SLOW:
        sleep_ms(talk, fault->delay_ms);
        return say(talk, reaction->usual);
    case SERVER_TRICKLE:
        return trickle(talk, reaction->usual, fault->delay_ms);
    case SERVER_OVERSIZE:
        return say_oversize(talk, reaction->usual);
    case SERVER_BABBLE:
        return say_both(talk, reaction->usual, fault->text);
    }
    return false;
}

/* Answers, as the faults want it. *done is set to whether the command is to be
 * carried out. False when the connection is over. */
static bool answer(struct talk *talk, enum server_stage stage, const char *usual, bool *done)
{
    const struct reaction reaction = react(talk, stage, usual);

    *done = reaction.done;
    return act(talk, &reaction);
}

/* `text` with the recipient in it, if the options want that: "250 2.1.5 <a@b> Ok". */
static const char *naming(const struct talk *talk, const char *text, char out[NAMED])
{
    if (!talk->server->options->names || talk->recipient[0] == '\0') {
        return text;
    }
    snprintf(out, NAMED, "%.10s<%s> %s", text, talk->recipient, text + 10);
    return out;
}

/* The first line of the message is there. False when the connection is over. */
static bool meet_body(struct talk *talk, int *pace_ms)
{
    const struct server_fault *fault = find_fault(talk, SERVER_BODY);

    if (fault == NULL) {
        return true;
    }
    switch (fault->act) {
    case SERVER_SLOW:
    case SERVER_TRICKLE:
        *pace_ms = fault->delay_ms;
        return true;
    case SERVER_RESET:
        sleep_ms(talk, fault->delay_ms);
        talk->reset = true;
        return false;
    case SERVER_STALL:
        stall(talk);
        return false;
    case SERVER_OVERSIZE:
        say_oversize(talk, "250 2.0.0 Ok\r\n");
        return false;
    case SERVER_SAY:
    case SERVER_SAY_AND_CLOSE:
    case SERVER_BABBLE:
        say(talk, fault->text);
        return false;
    case SERVER_CLOSE:
        return false;
    }
    return false;
}

/* Reads the message up to the final dot. */
static bool read_message(struct talk *talk, char **bytes, size_t *len)
{
    char line[COMMAND];
    size_t size = 0;
    size_t room = 0;
    int pace_ms = 0;

    *bytes = NULL;
    *len = 0;
    while (read_line(talk, line, sizeof(line), &size)) {
        const char *from = line;
        if (*len == 0 && !meet_body(talk, &pace_ms)) {
            return false;
        }
        if (pace_ms > 0) {
            sleep_ms(talk, pace_ms);
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
            *bytes = need(realloc(*bytes, room));
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
    struct server_message message = {.sender = need(strdup(talk->sender)),
                                     .recipient = need(strdup(talk->recipient)),
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
            need(realloc(server->messages, server->message_room * sizeof(*server->messages)));
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

/* Between messages: something unasked, or the end. */
static bool idle(struct talk *talk, const char *usual)
{
    const struct server_fault *fault = find_fault(talk, SERVER_IDLE);

    if (fault == NULL) {
        return say(talk, usual);
    }
    switch (fault->act) {
    case SERVER_SAY:
    case SERVER_BABBLE:
        return say_both(talk, usual, fault->text);
    case SERVER_SAY_AND_CLOSE:
        say_both(talk, usual, fault->text);
        return false;
    case SERVER_TRICKLE:
        say(talk, usual);
        trickle(talk, fault->text != NULL ? fault->text : "", fault->delay_ms);
        return false;
    case SERVER_OVERSIZE:
        say(talk, usual);
        say_oversize(talk, "421 4.4.2 idle\r\n");
        return false;
    case SERVER_STALL:
        say(talk, usual);
        stall(talk);
        return false;
    case SERVER_CLOSE:
        say(talk, usual);
        return false;
    case SERVER_SLOW:
    case SERVER_RESET:
        say(talk, usual);
        sleep_ms(talk, fault->delay_ms);
        talk->reset = true;
        return false;
    }
    return false;
}

/* The answer to the dot, and what may come after it. */
static bool answer_dot(struct talk *talk, size_t index)
{
    const struct server_options *options = talk->server->options;
    char named[NAMED];
    const struct reaction reaction =
        react(talk, SERVER_DOT, naming(talk, "250 2.0.0 Ok: queued\r\n", named));
    bool alive;

    set_fate(talk, index, reaction.told); /* before anybody can know it */
    alive = reaction.fault == NULL ? idle(talk, reaction.usual) : act(talk, &reaction);
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
    note(talk, ".");
    pthread_mutex_lock(&talk->server->lock);
    talk->server->dots++;
    pthread_mutex_unlock(&talk->server->lock);
    behind = talk->at < talk->have || (options->wait_behind && wait_input(talk, 200));
    if (talk->recipient[0] == '\0') {
        free(bytes);
        return answer(talk, SERVER_DOT, "554 5.5.1 Error: no valid recipients\r\n", &done);
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
    return answer(talk, SERVER_EHLO, text, &done);
}

static bool on_helo(struct talk *talk, const char *line)
{
    (void)line;
    return say(talk, "250 scripted.example\r\n");
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
    if (talk->server->options->messages > 0 && talk->messages >= talk->server->options->messages) {
        say(talk, talk->server->options->enough);
        return false;
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
    char named[NAMED];
    bool done = false;
    bool alive;

    memcpy(old, talk->recipient, sizeof(old));
    take_path(line, talk->recipient, sizeof(talk->recipient));
    alive = answer(talk, SERVER_RCPT,
                   talk->has_sender ? naming(talk, "250 2.1.5 Ok\r\n", named)
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
    {"EHLO ", on_ehlo},      {"HELO ", on_helo}, {"STARTTLS", on_starttls},
    {"AUTH PLAIN", on_auth}, {"MAIL ", on_mail}, {"RCPT ", on_rcpt},
    {"DATA", on_data},       {"RSET", on_rset},  {"QUIT", on_quit},
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
        say(talk, "421 4.7.0 too many connections from you\r\n");
        return false;
    }
    return (!options->tls_first || start_tls(talk)) &&
           answer(talk, SERVER_GREETING, "220 scripted.example ESMTP\r\n", &done);
}

static void *serve(void *context)
{
    struct talk *talk = context;
    struct smtp_server *server = talk->server;
    char line[COMMAND];
    size_t len = 0;

    if (greet(talk)) {
        while (read_line(talk, line, sizeof(line), &len) && obey(talk, line)) {
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

static void start_talk(struct smtp_server *server, int fd)
{
    struct talk *talk = need(calloc(1, sizeof(*talk)));
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
    if (pthread_create(&thread, NULL, serve, talk) != 0 || pthread_detach(thread) != 0) {
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
    struct smtp_server *server = need(calloc(1, sizeof(*server)));

    server->options = options;
    server->dice = options->chaos.seed;
    pthread_cond_init(&server->changed, NULL);
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
    copy = need(strdup(server->transcript));
    pthread_mutex_unlock(&server->lock);
    return copy;
}
