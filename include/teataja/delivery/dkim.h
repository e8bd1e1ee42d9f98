/* teataja/delivery/dkim.h - signs messages with the keys of teataja.yaml.
 *
 * A message is signed by the keys whose `domain` is that of its From, or the
 * nearest domain above it (relaxed alignment, RFC 7489 section 3.1.1): an RSA and
 * an Ed25519 key of one domain give two signatures. From, Subject, To, Date,
 * Reply-To, Cc, List-Unsubscribe and List-Unsubscribe-Post are named once more
 * than they stand there, so that nobody can add another one.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/report.h"
#include "teataja/base/str.h"
#include "teataja/config/config.h"
#include "teataja/delivery/dkim_key.h"

/* One key of the configuration. */
struct dkim_signer {
    const struct site_dkim *site;
    struct dkim_key *key;
};

/* All of them. Does not change: several threads may sign at once. */
struct dkim {
    const struct site *site;
    struct dkim_signer *signers; /* in the order of the configuration */
    size_t count;                /* 0: nothing is signed */
};

/* Reads the keys that the configuration names, which must outlive *out. An error
 * says whose key it is: its file cannot be read, is open to others, holds no
 * private key or a second one of its kind for that domain. The caller ends with
 * dkim_close, also after an error. */
int dkim_open(const struct config *config, struct dkim *out, struct err *err);
void dkim_close(struct dkim *dkim);

/* Adds what is wrong with keys to the report, at its place in teataja.yaml, and as
 * warnings: short keys, a domain that no sender uses, a sender without a key.
 * Nothing where `dkim` is not configured. ERR_NOMEM. */
int dkim_check(const struct config *config, struct report *report, struct err *err);

/* Puts a DKIM-Signature field for each key that fits before the message that
 * stands in `message` from byte `at` to its end. `instant` (microseconds) is the
 * t= of the signature: the message's own date, not the clock's, so that the same
 * message is signed with the same bytes again. A message whose From fits no key
 * stays as it is. ERR_INVALID for a message whose header cannot be read or has
 * not one From; ERR_IO, ERR_LIMIT, ERR_NOMEM. */
int dkim_sign(const struct dkim *dkim, int64_t instant, size_t at, struct str *message,
              struct err *err);

/* What has to stand in the DNS for a key: a TXT record. */
struct dkim_record {
    const char *name;           /* "s1._domainkey.cluster.example" */
    const char *value;          /* "v=DKIM1; k=rsa; p=..." */
    const char *const *strings; /* the value in pieces of at most 255 octets (RFC 1035) */
    size_t string_count;
    const char *zone; /* one entry for a zone file, in lines, without a line end behind it */
};

/* Writes the record of a key, in the arena. */
int dkim_record(struct arena *arena, const char *domain, const char *selector,
                const struct dkim_key *key, struct dkim_record *out, struct err *err);
