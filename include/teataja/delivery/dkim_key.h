/* teataja/delivery/dkim_key.h - a key that signs mail (RFC 6376, RFC 8301, RFC 8463).
 *
 * RSA with SHA-256 (PKCS #1 v1.5) or Ed25519 over a SHA-256. Both are
 * deterministic: the same key and input give the same signature, so that a
 * message which is sent again after a crash is the same to the byte.
 * A key does not change: several threads may sign with one. Life: dkim_key_read
 * or dkim_key_make, dkim_key_free. No message shows anything of a private key.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "teataja/base/err.h"
#include "teataja/base/str.h"

enum {
    DKIM_HASH = 32,          /* bytes of a SHA-256 */
    DKIM_RSA_LEAST = 1024,   /* bits; RFC 8301: signatures of shorter keys count for nothing */
    DKIM_RSA_ADVISED = 2048, /* bits; shorter ones should not be made any more */
    DKIM_RSA_MOST = 4096     /* bits; verifiers need not take longer ones */
};

enum dkim_key_type { DKIM_RSA, DKIM_ED25519, DKIM_KEY_TYPES };

/* "rsa", "ed25519": as in the k= of a record and, with "-sha256", a= of a signature. */
const char *dkim_key_type_name(enum dkim_key_type type);

struct dkim_key;

/* Reads PEM, NUL-terminated: PKCS #8 ("PRIVATE KEY") or PKCS #1 ("RSA PRIVATE
 * KEY"), not encrypted. ERR_INVALID for anything else: text that is no private
 * key, another algorithm, RSA outside DKIM_RSA_LEAST to DKIM_RSA_MOST. */
int dkim_key_read(const char *pem, struct dkim_key **out, struct err *err);

/* Makes a new key; `bits` is for DKIM_RSA. Takes a second or so for 4096 bits. */
int dkim_key_make(enum dkim_key_type type, unsigned bits, struct dkim_key **out, struct err *err);

void dkim_key_free(struct dkim_key *key);

enum dkim_key_type dkim_key_type(const struct dkim_key *key);
unsigned dkim_key_bits(const struct dkim_key *key);

/* Appends the private key as PEM (PKCS #8): what belongs into a file of mode 0600. */
int dkim_key_write(const struct dkim_key *key, struct str *out, struct err *err);

/* Appends the public key in base64 as the p= of a record has it: RSA as
 * SubjectPublicKeyInfo, Ed25519 as its 32 bytes. */
int dkim_key_public(const struct dkim_key *key, struct str *out, struct err *err);

/* Appends the signature of a SHA-256 in base64, without line breaks. ERR_IO if
 * the library refuses, ERR_NOMEM. */
int dkim_key_sign(const struct dkim_key *key, const uint8_t hash[DKIM_HASH], struct str *out,
                  struct err *err);

/* Appends base64 without line breaks. */
int dkim_base64(const void *bytes, size_t len, struct str *out, struct err *err);

/* SHA-256 in pieces. Life: dkim_hash_new, any number of dkim_hash_add, then
 * dkim_hash_end, which starts it anew, any number of times; dkim_hash_free. */
struct dkim_hash;
struct dkim_hash *dkim_hash_new(void);                         /* NULL when out of memory */
void dkim_hash_add(void *hash, const void *bytes, size_t len); /* a dkim_write */
void dkim_hash_end(struct dkim_hash *hash, uint8_t out[DKIM_HASH]);
void dkim_hash_free(struct dkim_hash *hash);
