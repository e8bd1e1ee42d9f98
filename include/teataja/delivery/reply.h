/* teataja/delivery/reply.h - what a mail server answered, and what that means.
 *
 * A reply (RFC 5321 section 4.2) is one or more lines of a three-digit code, with
 * an enhanced status code (RFC 2034, 3463) in front of the text if the server has
 * them. The classes are those of product.md, "Bounces and other mail"; inbound
 * uses the same table for delivery reports.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "teataja/base/err.h"
#include "teataja/base/limits.h"

#define REPLY_ENHANCED 12 /* "5.999.999" and NUL, with room */

struct reply {
    int code;                        /* 200 to 599; 0: there was no reply */
    char enhanced[REPLY_ENHANCED];   /* "5.1.1", "" if it has none */
    char text[LIMIT_REPLY_KEPT + 1]; /* all lines joined by a space, without the codes; UTF-8,
                                        controls and broken bytes made '?', cut if longer */
};

/* Reads the reply at the start of `bytes`, which may hold more behind it and may
 * still be growing. Returns 1 with *out and *used (its length), 0 when it is not
 * complete yet, ERR_PROTOCOL when it is no reply: no code, codes that differ from
 * line to line, a NUL, a CR or LF on its own (so that a text that was passed
 * through can never become an answer), or more than LIMIT_SMTP_REPLY bytes. */
int reply_parse(const char *bytes, size_t len, struct reply *out, size_t *used, struct err *err);

/* Walks the lines of a reply that reply_parse found complete: *at starts at 0;
 * each call sets the text behind the code (not NUL-terminated). False at the end. */
bool reply_line(const char *bytes, size_t used, size_t *at, const char **text, size_t *len);

/* Where in the dialogue an answer belongs. */
enum reply_stage {
    REPLY_CONNECTION, /* greeting, EHLO, RSET, or no answer at all */
    REPLY_MESSAGE,    /* none was asked: this relay cannot take this message */
    REPLY_MAIL,
    REPLY_RCPT,
    REPLY_DATA,
    REPLY_DOT /* after the message */
};

/* "connection", "message", "mail", "rcpt", "data", "dot": for the ledger. */
const char *reply_stage_name(enum reply_stage stage);

enum reply_class {
    REPLY_OK,
    REPLY_HARD,  /* there is no such mailbox */
    REPLY_SOFT,  /* the mailbox cannot take it now: full, disabled, its host in trouble */
    REPLY_POLICY /* our fault or our relay's: never the member's */
};

/* "ok", "hard", "soft", "policy". */
const char *reply_class_name(enum reply_class class);

/* Classifies by reply code (0 if unknown), enhanced code ("" or NULL if none) and
 * text: the table of product.md, first match wins, policy first; where the codes
 * do not decide, the text does. */
enum reply_class reply_class_of(int code, const char *enhanced, const char *text);

enum reply_disposition {
    REPLY_SENT,     /* the relay has it and answers for it now */
    REPLY_DEFERRED, /* try again later */
    REPLY_FAILED,   /* never again for this message */
    REPLY_RETURNED, /* as if it had not been tried: back to `queued`, no attempt counted */
    REPLY_UNKNOWN   /* the dot went out and no answer came back */
};

/* "sent", "deferred", "failed", "queued", "unknown": for the ledger. */
const char *reply_disposition_name(enum reply_disposition disposition);

struct reply_verdict {
    enum reply_disposition disposition;
    enum reply_class class;
    bool counts;   /* against the member: an answer to RCPT, or after the dot naming the address */
    bool suppress; /* failed, hard and it counts: the address is to be suppressed */
    bool relay;    /* it is (also) about the relay: it refused the sender or said 421 */
};

/* What an answer at a stage means for the one recipient, whose address is
 * `address`:
 *   MAIL, CONNECTION  not 2xx: returned, and about the relay
 *   RCPT              4xx deferred, 5xx failed; counts unless its class is policy
 *   DATA              4xx deferred, 5xx failed; never counts
 *   DOT               2xx sent; 3xx unknown; 4xx deferred, 5xx failed; counts only if the text
 *                     names the address and its class is not policy
 *   421 anywhere      deferred (returned at MAIL), never counts, about the relay
 * A positive answer before the dot is REPLY_RETURNED with REPLY_OK: nothing was
 * sent yet. */
struct reply_verdict reply_classify(enum reply_stage stage, const struct reply *reply,
                                    const char *address);
