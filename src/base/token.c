/* token.c - see teataja/base/token.h.
 *
 * The bytes of a token: purpose, key id, each id as a varint (7 bits a byte, the
 * least first, the high bit says "more follows"), and the MAC over all of these.
 * There are no lengths: the MAC is the last MAC_BYTES, the ids fill the rest.
 */
#include "teataja/base/token.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#define MAC_BYTES 10
#define VARINT_MOST 10
#define HEAD_MOST (2 + TOKEN_IDS * VARINT_MOST)
#define TOKEN_MOST (HEAD_MOST + MAC_BYTES)

_Static_assert((TOKEN_MOST * 8 + 4) / 5 + 1 <= TOKEN_TEXT, "the longest token fits");
_Static_assert(TOKEN_KEY == crypto_generichash_KEYBYTES, "a key of BLAKE2b's usual size");

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

static atomic_bool fixed;
static _Atomic uint64_t fixed_seed;
static _Atomic uint64_t fixed_count;

int token_init(struct err *err)
{
    if (sodium_init() < 0) {
        return err_set(err, ERR_IO, "the system has no source of randomness");
    }
    return 0;
}

void token_fix_random(uint64_t seed)
{
    atomic_store(&fixed_seed, seed);
    atomic_store(&fixed_count, 0);
    atomic_store(&fixed, true);
}

static void fill_random(void *bytes, size_t len)
{
    unsigned char seed[randombytes_SEEDBYTES] = {0};
    uint64_t words[2];

    if (!atomic_load(&fixed)) {
        randombytes_buf(bytes, len);
        return;
    }
    words[0] = atomic_load(&fixed_seed);
    words[1] = atomic_fetch_add(&fixed_count, 1);
    for (size_t i = 0; i < 16; i++) {
        seed[i] = (unsigned char)(words[i / 8] >> (i % 8 * 8));
    }
    randombytes_buf_deterministic(bytes, len, seed);
}

/* Writes (len * 8 + 4) / 5 characters and a NUL. */
static void base32_write(const uint8_t *bytes, size_t len, char *text)
{
    unsigned pending = 0;
    unsigned bits = 0;

    for (size_t i = 0; i < len; i++) {
        pending = (pending << 8 | bytes[i]) & 0xFFFFU;
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            *text++ = alphabet[pending >> bits & 31];
        }
    }
    if (bits > 0) {
        *text++ = alphabet[pending << (5 - bits) & 31];
    }
    *text = '\0';
}

static int base32_value(char c)
{
    if (c >= 'a' && c <= 'z') {
        return c - 'a';
    }
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= '2' && c <= '7') {
        return c - '2' + 26;
    }
    return -1;
}

/* Reads into at most TOKEN_MOST bytes. Only the spelling that base32_write
 * gives is taken (in any case): no character more, and unused bits are zero. */
static bool base32_read(const char *text, uint8_t bytes[TOKEN_MOST], size_t *len)
{
    size_t chars = strnlen(text, TOKEN_TEXT);
    unsigned pending = 0;
    unsigned bits = 0;

    *len = 0;
    for (size_t i = 0; i < chars; i++) {
        int value = base32_value(text[i]);

        if (value < 0) {
            return false;
        }
        pending = (pending << 5 | (unsigned)value) & 0xFFFFU;
        bits += 5;
        if (bits >= 8) {
            if (*len == TOKEN_MOST) {
                return false;
            }
            bits -= 8;
            bytes[(*len)++] = (uint8_t)(pending >> bits & 0xFF);
        }
    }
    return bits < 5 && (pending & ((1U << bits) - 1)) == 0;
}

static size_t write_head(const struct token_key *key, const struct token *token,
                         uint8_t head[HEAD_MOST])
{
    size_t len = 0;

    head[len++] = (uint8_t)token->purpose;
    head[len++] = key->id;
    for (size_t i = 0; i < token->count && i < TOKEN_IDS; i++) {
        uint64_t id = token->ids[i];

        while (id >= 0x80) {
            head[len++] = (uint8_t)(id | 0x80);
            id >>= 7;
        }
        head[len++] = (uint8_t)id;
    }
    return len;
}

/* Cut from a hash of 32 bytes, so that it can never be what token_hash (16
 * bytes: another BLAKE2b) says of the same data under the same key. */
static void make_mac(const struct token_key *key, const uint8_t *head, size_t len,
                     uint8_t mac[MAC_BYTES])
{
    uint8_t hash[crypto_generichash_BYTES];

    (void)crypto_generichash(hash, sizeof(hash), head, len, key->secret, sizeof(key->secret));
    memcpy(mac, hash, MAC_BYTES);
}

void token_write(const struct token_key *key, const struct token *token, char text[TOKEN_TEXT])
{
    uint8_t bytes[TOKEN_MOST];
    size_t len = write_head(key, token, bytes);

    make_mac(key, bytes, len, bytes + len);
    base32_write(bytes, len + MAC_BYTES, text);
}

/* Reads the ids that fill `len` bytes. */
static bool read_ids(const uint8_t *bytes, size_t len, struct token *token)
{
    size_t at = 0;

    while (at < len) {
        uint64_t id = 0;
        unsigned shift = 0;
        uint8_t byte;

        if (token->count == TOKEN_IDS) {
            return false;
        }
        do {
            if (at == len || shift >= 7 * VARINT_MOST) {
                return false;
            }
            byte = bytes[at++];
            id |= (uint64_t)(byte & 0x7F) << shift;
            shift += 7;
        } while ((byte & 0x80) != 0);
        token->ids[token->count++] = id;
    }
    return true;
}

int token_read(const struct token_key *key, enum token_purpose purpose, const char *text,
               struct token *out, struct err *err)
{
    struct token token = {.purpose = purpose};
    uint8_t bytes[TOKEN_MOST];
    uint8_t mac[MAC_BYTES];
    size_t len = 0;
    size_t head;

    if (!base32_read(text, bytes, &len) || len < 2 + MAC_BYTES) {
        goto bad;
    }
    head = len - MAC_BYTES;
    make_mac(key, bytes, head, mac);
    if (sodium_memcmp(mac, bytes + head, MAC_BYTES) != 0) {
        goto bad;
    }
    if (bytes[0] != (uint8_t)purpose || bytes[1] != key->id ||
        !read_ids(bytes + 2, head - 2, &token)) {
        goto bad;
    }
    *out = token;
    return 0;
bad:
    return err_set(err, ERR_INVALID, "the token is not valid");
}

void token_random(size_t count, char *text)
{
    uint8_t bytes[40]; /* a multiple of five, so that pieces join */

    *text = '\0';
    while (count > 0) {
        size_t len = count < sizeof(bytes) ? count : sizeof(bytes);

        fill_random(bytes, len);
        base32_write(bytes, len, text);
        text += (len * 8 + 4) / 5;
        count -= len;
    }
    sodium_memzero(bytes, sizeof(bytes));
}

void token_key_make(struct token_key *key)
{
    fill_random(key->secret, sizeof(key->secret));
}

void token_hash(const struct token_key *key, const void *data, size_t len, char out[33])
{
    uint8_t hash[16];

    (void)crypto_generichash(hash, sizeof(hash), data, len, key->secret, sizeof(key->secret));
    (void)sodium_bin2hex(out, 33, hash, sizeof(hash));
}

void token_digest(const void *data, size_t len, char out[33])
{
    uint8_t hash[16];

    (void)crypto_generichash(hash, sizeof(hash), data, len, NULL, 0);
    (void)sodium_bin2hex(out, 33, hash, sizeof(hash));
}
