/* smtp_session.h - what the files of smtp share. Private to delivery. */
#pragma once

#include "teataja/base/str.h"
#include "teataja/delivery/smtp.h"

struct smtp {
    struct stream *stream;
    struct smtp_options options;
    struct smtp_capabilities capabilities;
    enum smtp_pipelining pipelining; /* what is used: asked for, and offered */
    bool open;                       /* the dialogue is in step: more commands can follow */
    bool reset;                      /* the envelope before was not accepted in full: RSET first */
    uint64_t transactions;           /* MAIL commands of this connection */
    struct str flight;               /* what goes out next */
    size_t have;                     /* bytes in `in` */
    char in[2 * LIMIT_SMTP_REPLY];   /* answers that were not taken yet */
};

/* Sends the flight and empties it. *left as stream_send_all says. */
int smtp_send(struct smtp *smtp, size_t *left, struct err *err);

/* Waits at most timeout_ms for a whole reply and takes it. */
int smtp_read(struct smtp *smtp, int timeout_ms, struct reply *out, struct err *err);

/* Nothing was asked, so nothing may have been said: 0 when that is so, 1 and *out
 * for an unasked 421, ERR_PROTOCOL for any other answer, ERR_CLOSED. */
int smtp_listen(struct smtp *smtp, struct reply *out, struct err *err);

/* Whether the relay can take the message. If not, `why` gets code 0 and a text. */
bool smtp_message_fits(const struct smtp *smtp, const struct smtp_job *job, struct reply *why);

/* Whether any byte has its high bit set. */
bool smtp_message_is_eight_bit(const char *bytes, size_t len);

/* Appends the message, dot-stuffed (RFC 5321 section 4.5.2), without the final dot. */
void smtp_message_add(struct str *out, const char *bytes, size_t len);
