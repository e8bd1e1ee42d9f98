/* smtp_talk.c - see smtp_talk.h. */
#include "support/smtp_talk.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define OVERSIZE_LINES 200

void talk_note(struct talk *talk, const char *line)
{
    struct smtp_server *server = talk->server;
    size_t room = strlen(line) + 16;
    int len;

    pthread_mutex_lock(&server->lock);
    if (server->transcript_len + room > server->transcript_room) {
        server->transcript_room = 2 * (server->transcript_len + room);
        server->transcript = talk_need(realloc(server->transcript, server->transcript_room));
    }
    len =
        snprintf(server->transcript + server->transcript_len, room, "%u %s\n", talk->number, line);
    server->transcript_len += (size_t)len;
    pthread_mutex_unlock(&server->lock);
}

bool talk_wait(struct talk *talk, int timeout_ms)
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
    if (talk->have == sizeof(talk->in) || !talk_wait(talk, -1)) {
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

bool talk_read_line(struct talk *talk, char *line, size_t room, size_t *len)
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

bool talk_say(struct talk *talk, const char *text)
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

void talk_sleep(struct talk *talk, int ms)
{
    struct pollfd stop = {.fd = talk->server->stop[0], .events = POLLIN};

    poll(&stop, 1, ms);
}

bool talk_trickle(struct talk *talk, const char *text, int delay_ms)
{
    for (; *text != '\0'; text++) {
        const char one[] = {*text, '\0'};

        if (!talk_say(talk, one)) {
            return false;
        }
        talk_sleep(talk, delay_ms);
    }
    return true;
}

bool talk_say_both(struct talk *talk, const char *first, const char *second)
{
    size_t room = strlen(first) + strlen(second) + 1;
    char *both = talk_need(malloc(room));
    bool said;

    snprintf(both, room, "%s%s", first, second);
    said = talk_say(talk, both);
    free(both);
    return said;
}

bool talk_say_oversize(struct talk *talk, const char *usual)
{
    char lines[OVERSIZE_LINES * 64 + 1];
    size_t len = 0;

    for (int i = 0; i < OVERSIZE_LINES; i++) {
        len += (size_t)snprintf(lines + len, sizeof(lines) - len, "%.3s-%s\r\n", usual,
                                "a reply that nobody needs in this length, nor ever will");
    }
    return talk_say_both(talk, lines, usual);
}

void talk_stall(struct talk *talk)
{
    const struct server_chaos *chaos = &talk->server->options->chaos;
    struct pollfd wait[2] = {{.fd = talk->fd, .events = POLLRDHUP},
                             {.fd = talk->server->stop[0], .events = POLLIN}};

    poll(wait, 2, chaos->stall_ms > 0 ? chaos->stall_ms : -1);
}
