/* The only file that knows GnuTLS. See teataja/delivery/dkim_key.h. */
#include "teataja/delivery/dkim_key.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

#include "teataja/base/mem.h"

/* GnuTLS lets several threads sign with one gnutls_privkey_t (gnutls_privkey_init(3)). */
struct dkim_key {
    gnutls_privkey_t private;
    enum dkim_key_type type;
    unsigned bits;
};

static const struct {
    const char *name;
    gnutls_pk_algorithm_t algorithm;
} types[DKIM_KEY_TYPES] = {
    [DKIM_RSA] = {"rsa", GNUTLS_PK_RSA},
    [DKIM_ED25519] = {"ed25519", GNUTLS_PK_EDDSA_ED25519},
};

static int failed(const char *what, int native, struct err *err)
{
    if (native == GNUTLS_E_MEMORY_ERROR) {
        return err_nomem(err);
    }
    err_set(err, ERR_IO, "%s: %s", what, gnutls_strerror(native));
    if (err != NULL) {
        err->native = native;
    }
    return ERR_IO;
}

const char *dkim_key_type_name(enum dkim_key_type type)
{
    return types[type].name;
}

enum dkim_key_type dkim_key_type(const struct dkim_key *key)
{
    return key->type;
}

unsigned dkim_key_bits(const struct dkim_key *key)
{
    return key->bits;
}

void dkim_key_free(struct dkim_key *key)
{
    if (key != NULL) {
        if (key->private != NULL) {
            gnutls_privkey_deinit(key->private);
        }
        mem_free(key);
    }
}

static struct dkim_key *key_new(void)
{
    struct dkim_key *key = mem_alloc(1, sizeof(*key));

    if (key != NULL && gnutls_privkey_init(&key->private) < 0) {
        key->private = NULL;
        dkim_key_free(key);
        return NULL;
    }
    return key;
}

/* What the text is instead, in words. */
static int no_private_key(const char *pem, int native, struct err *err)
{
    if (native == GNUTLS_E_MEMORY_ERROR) {
        return err_nomem(err);
    }
    if (native == GNUTLS_E_DECRYPTION_FAILED || strstr(pem, "ENCRYPTED") != NULL) {
        return err_set(err, ERR_INVALID,
                       "the key is encrypted; nobody is there to type its password when mail is "
                       "signed");
    }
    if (strstr(pem, "PUBLIC KEY-----") != NULL || strstr(pem, "CERTIFICATE-----") != NULL) {
        return err_set(err, ERR_INVALID, "a public key cannot sign; name the private one");
    }
    return err_set(err, ERR_INVALID, "there is no private key in it (PEM, RSA or Ed25519)");
}

static int take_type(struct dkim_key *key, struct err *err)
{
    int algorithm = gnutls_privkey_get_pk_algorithm(key->private, &key->bits);

    for (size_t i = 0; i < DKIM_KEY_TYPES; i++) {
        if ((int)types[i].algorithm == algorithm) {
            key->type = (enum dkim_key_type)i;
            if (i == DKIM_RSA && (key->bits < DKIM_RSA_LEAST || key->bits > DKIM_RSA_MOST)) {
                return err_set(err, ERR_INVALID,
                               "the RSA key has %u bits; verifiers take from %d to %d (RFC 8301)",
                               key->bits, DKIM_RSA_LEAST, DKIM_RSA_MOST);
            }
            return 0;
        }
    }
    return err_set(err, ERR_INVALID, "a key for %s cannot sign mail; it must be RSA or Ed25519",
                   algorithm < 0 ? "something else"
                                 : gnutls_pk_get_name((gnutls_pk_algorithm_t)algorithm));
}

int dkim_key_read(const char *pem, struct dkim_key **out, struct err *err)
{
    const gnutls_datum_t data = {.data = (unsigned char *)pem, .size = (unsigned)strlen(pem)};
    struct dkim_key *key = key_new();
    int rc;

    if (key == NULL) {
        return err_nomem(err);
    }
    rc = gnutls_privkey_import_x509_raw(key->private, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (rc < 0) {
        rc = no_private_key(pem, rc, err);
    } else {
        rc = take_type(key, err);
    }
    if (rc == 0 && gnutls_privkey_verify_params(key->private) < 0) {
        rc = err_set(err, ERR_INVALID, "the numbers of the key do not fit each other");
    }
    if (rc < 0) {
        dkim_key_free(key);
        return rc;
    }
    *out = key;
    return 0;
}

int dkim_key_make(enum dkim_key_type type, unsigned bits, struct dkim_key **out, struct err *err)
{
    struct dkim_key *key = key_new();
    int rc;

    if (key == NULL) {
        return err_nomem(err);
    }
    rc = gnutls_privkey_generate(
        key->private, types[type].algorithm,
        type == DKIM_RSA ? bits : GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519), 0);
    rc = rc < 0 ? failed("cannot make a key", rc, err) : take_type(key, err);
    if (rc < 0) {
        dkim_key_free(key);
        return rc;
    }
    *out = key;
    return 0;
}

int dkim_key_write(const struct dkim_key *key, struct str *out, struct err *err)
{
    gnutls_x509_privkey_t plain = NULL;
    gnutls_datum_t pem = {0};
    int rc = gnutls_privkey_export_x509(key->private, &plain);

    if (rc == 0) {
        rc = gnutls_x509_privkey_export2_pkcs8(plain, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
                                               &pem);
    }
    if (rc == 0) {
        str_add_bytes(out, pem.data, pem.size);
        gnutls_memset(pem.data, 0, pem.size);
    }
    gnutls_free(pem.data);
    if (plain != NULL) {
        gnutls_x509_privkey_deinit(plain);
    }
    return rc < 0 ? failed("cannot write the key", rc, err) : str_check(out, err);
}

int dkim_base64(const void *bytes, size_t len, struct str *out, struct err *err)
{
    const gnutls_datum_t data = {.data = (unsigned char *)bytes, .size = (unsigned)len};
    gnutls_datum_t text = {0};
    int rc = gnutls_base64_encode2(&data, &text);

    if (rc == 0) {
        str_add_bytes(out, text.data, text.size);
    }
    gnutls_free(text.data);
    return rc < 0 ? failed("cannot encode", rc, err) : str_check(out, err);
}

int dkim_key_public(const struct dkim_key *key, struct str *out, struct err *err)
{
    gnutls_pubkey_t public = NULL;
    gnutls_datum_t bytes = {0};
    gnutls_ecc_curve_t curve;
    int rc = gnutls_pubkey_init(&public);

    if (rc == 0) {
        rc = gnutls_pubkey_import_privkey(public, key->private, 0, 0);
    }
    if (rc == 0) {
        rc = key->type == DKIM_RSA ? gnutls_pubkey_export2(public, GNUTLS_X509_FMT_DER, &bytes)
                                   : gnutls_pubkey_export_ecc_raw2(public, &curve, &bytes, NULL, 0);
    }
    rc = rc < 0 ? failed("cannot write the public key", rc, err)
                : dkim_base64(bytes.data, bytes.size, out, err);
    gnutls_free(bytes.data);
    if (public != NULL) {
        gnutls_pubkey_deinit(public);
    }
    return rc;
}

int dkim_key_sign(const struct dkim_key *key, const uint8_t hash[DKIM_HASH], struct str *out,
                  struct err *err)
{
    const gnutls_datum_t data = {.data = (unsigned char *)hash, .size = DKIM_HASH};
    gnutls_datum_t signature = {0};
    int rc;

    /* RFC 8463 section 3: Ed25519 signs the hash as if it were the message. */
    rc = key->type == DKIM_RSA
             ? gnutls_privkey_sign_hash2(key->private, GNUTLS_SIGN_RSA_SHA256, 0, &data, &signature)
             : gnutls_privkey_sign_data2(key->private, GNUTLS_SIGN_EDDSA_ED25519, 0, &data,
                                         &signature);
    rc = rc < 0 ? failed("cannot sign", rc, err)
                : dkim_base64(signature.data, signature.size, out, err);
    gnutls_free(signature.data);
    return rc;
}

struct dkim_hash {
    gnutls_hash_hd_t handle;
};

struct dkim_hash *dkim_hash_new(void)
{
    struct dkim_hash *hash = mem_alloc(1, sizeof(*hash));

    if (hash != NULL && gnutls_hash_init(&hash->handle, GNUTLS_DIG_SHA256) < 0) {
        mem_free(hash);
        return NULL;
    }
    return hash;
}

void dkim_hash_add(void *hash, const void *bytes, size_t len)
{
    struct dkim_hash *to = hash;

    (void)gnutls_hash(to->handle, bytes, len);
}

void dkim_hash_end(struct dkim_hash *hash, uint8_t out[DKIM_HASH])
{
    gnutls_hash_output(hash->handle, out);
}

void dkim_hash_free(struct dkim_hash *hash)
{
    if (hash != NULL) {
        gnutls_hash_deinit(hash->handle, NULL);
        mem_free(hash);
    }
}
