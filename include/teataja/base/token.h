/* teataja/base/token.h - signed links and random secrets.
 *
 * A signed token is lower-case base32 (RFC 4648 alphabet, no padding) of
 * purpose, key id, varint ids and an 80-bit keyed BLAKE2b MAC. There is no table
 * and no expiry; it is revoked by raising the member's epoch, which is one of
 * the ids. It is read in any case, because mail systems fold local parts.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "teataja/base/err.h"

#define TOKEN_KEY 32  /* bytes of a signing key */
#define TOKEN_IDS 4   /* most ids in a token */
#define TOKEN_TEXT 96 /* most characters of one, with NUL */

enum token_purpose {
    TOKEN_LEAVE = 1,  /* ids: member, list, epoch, mailing */
    TOKEN_BOUNCE = 2, /* ids: outbox row */
    TOKEN_VIEW = 3,   /* ids: outbox row */
    TOKEN_RSVP = 4,   /* ids: invitation, epoch */
    TOKEN_PREFS = 5,  /* ids: member, epoch */
    TOKEN_DRAFT = 6   /* ids: mailing, person, revision: see link_draft of compose/link.h */
};

struct token_key {
    uint8_t id; /* which key, so that keys can be rotated */
    uint8_t secret[TOKEN_KEY];
};

struct token {
    enum token_purpose purpose;
    size_t count;
    uint64_t ids[TOKEN_IDS];
};

/* Writes the token and a NUL into text. Cannot fail for count <= TOKEN_IDS. */
void token_write(const struct token_key *key, const struct token *token, char text[TOKEN_TEXT]);

/* Reads a token of the given purpose. ERR_INVALID if it is malformed, of
 * another purpose or key, or its MAC is wrong; the message does not say which.
 * Runs in constant time over the MAC. */
int token_read(const struct token_key *key, enum token_purpose purpose, const char *text,
               struct token *out, struct err *err);

/* `count` random bytes as lower-case base32 into text, which has room for
 * (count * 8 + 4) / 5 + 1. */
void token_random(size_t count, char *text);

/* Fills a key with random bytes. */
void token_key_make(struct token_key *key);

/* A keyed hash of `data`, 32 hexadecimal digits and a NUL: what stays of an
 * erased address, so that it can be recognised but not read. */
void token_hash(const struct token_key *key, const void *data, size_t len, char out[33]);

/* An unkeyed BLAKE2b-128 of `data` as 32 hexadecimal digits and a NUL: the
 * digest of a file or of a rendered piece. */
void token_digest(const void *data, size_t len, char out[33]);

/* Must be called once before anything above. ERR_IO if the system has no
 * randomness. */
int token_init(struct err *err);

/* From now on token_random and token_key_make give a fixed sequence from
 * `seed`: for tests and golden messages only. */
void token_fix_random(uint64_t seed);
