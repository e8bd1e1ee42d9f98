/* smtp_talk.h - one connection of the scripted server: its lines in and out.
 *
 * Inside the server only (smtp_server.h is for tests). False means everywhere that
 * the connection is over.
 */
#pragma once

#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "support/smtp_server.h"

#define TALK_COMMAND 4096
#define TALK_NAMED 700 /* an answer with a recipient in it */

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
    char words[TALK_NAMED];
    char sender[512];
    char recipient[512];
};

/* Test code: it aborts when memory is out. */
static inline void *talk_need(void *block)
{
    if (block == NULL) {
        abort();
    }
    return block;
}

/* Adds a line to the transcript. */
void talk_note(struct talk *talk, const char *line);

/* Waits for input or the stop; false when stopped. */
bool talk_wait(struct talk *talk, int timeout_ms);

/* One line without its CRLF. */
bool talk_read_line(struct talk *talk, char *line, size_t room, size_t *len);

bool talk_say(struct talk *talk, const char *text);

/* Two texts in one segment, so that they are read together. */
bool talk_say_both(struct talk *talk, const char *first, const char *second);

/* `usual` behind more lines than a reply may have. */
bool talk_say_oversize(struct talk *talk, const char *usual);

/* A byte at a time. */
bool talk_trickle(struct talk *talk, const char *text, int delay_ms);

/* Until the time is over or the server stops. */
void talk_sleep(struct talk *talk, int ms);

/* Until the client closes or the server stops. */
void talk_stall(struct talk *talk);
