/* smtp_server.h - an SMTP server that misbehaves as a test tells it to.
 *
 * It runs in threads of the test program, one a connection, on a free port of
 * 127.0.0.1. What it does at each stage can be overruled by a table of faults;
 * what it got is kept for comparison. Not shipped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum server_stage {
    SERVER_GREETING,
    SERVER_EHLO,
    SERVER_STARTTLS,
    SERVER_AUTH,
    SERVER_MAIL,
    SERVER_RCPT,
    SERVER_DATA,
    SERVER_BODY, /* one line of the message is read: SERVER_SAY closes, SERVER_TRICKLE reads slowly
                  */
    SERVER_DOT,  /* the message is kept; the fault is about the answer */
    SERVER_IDLE, /* the dot is answered; `recipient` is the one before. What is said comes unasked
                  */
    SERVER_RSET,
    SERVER_QUIT
};

enum server_act {
    SERVER_SAY, /* `text` in place of the answer; the command is carried out if it is 2xx or 3xx */
    SERVER_SAY_AND_CLOSE, /* `text`, then close; what the client sent behind it stays unread */
    SERVER_CLOSE,         /* nothing, and close */
    SERVER_RESET,         /* `text` if there is one, and a TCP reset after `delay_ms` */
    SERVER_STALL,         /* nothing, and wait until the client closes or the server stops */
    SERVER_SLOW,          /* the usual answer after `delay_ms` */
    SERVER_TRICKLE,       /* the usual answer a byte at a time, `delay_ms` apart */
    SERVER_OVERSIZE,      /* the usual answer behind more lines than a reply may have */
    SERVER_BABBLE         /* the usual answer, then `text` that nobody asked for */
};

struct server_fault {
    enum server_stage stage;
    const char *recipient; /* fnmatch pattern over the transaction's recipient; NULL: any.
                              At MAIL it is held against the sender */
    enum server_act act;
    const char *text; /* with its CRLFs, sent as it is, after `delay_ms` */
    int delay_ms;
    int skip;  /* so many matches pass first */
    int times; /* then so many are hit; 0: all */
};

/* Random faults at every stage: what a server that is falling apart might do. */
struct server_chaos {
    unsigned per_mille; /* of the answers; 0: none */
    unsigned seed;
    int stall_ms; /* then a stalled connection is closed */
};

struct server_options {
    bool pipelining;
    bool eight_bit;
    bool smtputf8;
    bool enhanced;
    size_t size;             /* SIZE; 0: not offered */
    const char *certificate; /* PEM files: STARTTLS is offered */
    const char *key;
    bool tls_first;   /* smtps: TLS before the greeting */
    const char *user; /* AUTH PLAIN is offered, and asked for before MAIL */
    const char *password;
    bool wait_behind;   /* at a dot wait up to 200 ms for more input before answering */
    bool names;         /* answers to RCPT, DATA and the dot name the recipient */
    bool narrow;        /* tiny segments and buffers: what is not read stays with the client */
    unsigned gather;    /* nobody is greeted before so many have connected, or for 3 s */
    unsigned at_once;   /* more connections at one time are told 421; 0: no limit */
    unsigned messages;  /* a connection ends after so many, without a word unless: */
    const char *enough; /* the answer to one MAIL more */
    unsigned errors;    /* after so many refusals a connection's next answer is 421; 0: never */
    const struct server_fault *faults;
    size_t fault_count;
    struct server_chaos chaos;
};

enum server_fate {
    SERVER_ANSWERED, /* 2xx was said */
    SERVER_REFUSED,  /* 4xx or 5xx was said */
    SERVER_DARK      /* nothing that makes sense was said: it may be delivered */
};

struct server_message {
    const char *sender;
    const char *recipient; /* the last accepted RCPT */
    const char *bytes;     /* dots unstuffed, CRLF */
    size_t len;
    unsigned connection; /* from 1 */
    bool encrypted;
    enum server_fate fate;
    bool behind; /* more input had come behind the dot before it was answered */
};

struct smtp_server;

/* Starts it; the options and what they point at must stay. NULL on failure. */
struct smtp_server *smtp_server_start(const struct server_options *options);

/* Closes every connection, joins the threads, frees. */
void smtp_server_stop(struct smtp_server *server);

unsigned smtp_server_port(const struct smtp_server *server);

/* "smtp://127.0.0.1:PORT" */
const char *smtp_server_url(const struct smtp_server *server);

/* Messages acknowledged or dropped at the dot by a fault: `index` from 0, false
 * past the end. Valid until smtp_server_stop. */
bool smtp_server_message(struct smtp_server *server, size_t index, struct server_message *out);
size_t smtp_server_message_count(struct smtp_server *server);

/* How many final dots came in so far, whatever was answered. */
size_t smtp_server_dots(struct smtp_server *server);

/* Connections accepted so far. */
unsigned smtp_server_connections(struct smtp_server *server);

/* Every command of every connection as it came: "1 MAIL FROM:<a@b.example>\n"
 * with the connection's number in front; a final dot is "1 .\n". AUTH is kept
 * without its secret. The copy is the caller's, by free(). */
char *smtp_server_transcript(struct smtp_server *server);
