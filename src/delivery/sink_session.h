/* sink_session.h - one connection of the sink. Private to delivery. */
#pragma once

#include "teataja/base/address.h"
#include "teataja/base/str.h"
#include "teataja/delivery/sink.h"

#define SINK_RECIPIENTS 100 /* of one message (RFC 5321 section 4.5.3.1.8) */
#define SINK_CHUNK 65536    /* most bytes that are fed at once */

struct sink_mail {
    bool has_sender;
    char sender[LIMIT_ADDRESS + 1]; /* "" is the null sender */
    size_t recipients;
    struct address *recipient; /* SINK_RECIPIENTS of them, allocated at the first */
    struct str bytes;          /* dots unstuffed */
    bool too_large;
};

struct sink_session {
    const struct sink_options *options;
    struct sink_counts *counts;
    bool greeted; /* EHLO or HELO was said */
    bool in_data;
    bool closing; /* nothing more is read; close once `out` is gone */
    struct str in;
    struct str out;
    struct sink_mail mail;
};

/* Sets up a session whose greeting stands in `out`. */
void sink_session_init(struct sink_session *session, const struct sink_options *options,
                       struct sink_counts *counts);
void sink_session_release(struct sink_session *session);

/* Takes at most SINK_CHUNK bytes that came in; answers are appended to `out`. Negative when memory
 * is out: close. */
int sink_session_feed(struct sink_session *session, const char *bytes, size_t len);

/* Makes the folder; a recipient's own Maildir is made with the first message. */
int sink_maildir_open(const char *maildir, struct err *err);

/* Writes a message into the Maildir of one recipient. */
int sink_maildir_store(const struct sink_options *options, const struct sink_mail *mail,
                       const struct address *recipient, uint64_t number, struct err *err);
