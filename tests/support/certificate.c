/* certificate.c - see certificate.h. */
#include "support/certificate.h"

#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void must(int rc)
{
    if (rc < 0) {
        fprintf(stderr, "certificate: %s\n", gnutls_strerror(rc));
        abort();
    }
}

static void write_pem(const char *path, const gnutls_datum_t *pem)
{
    FILE *file = fopen(path, "w");

    if (file == NULL || fwrite(pem->data, 1, pem->size, file) != pem->size || fclose(file) != 0) {
        abort();
    }
}

static gnutls_x509_privkey_t make_key(void)
{
    gnutls_x509_privkey_t key = NULL;

    must(gnutls_x509_privkey_init(&key));
    must(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
    return key;
}

static gnutls_x509_crt_t begin(const char *name, unsigned char serial, time_t from, time_t until,
                               gnutls_x509_privkey_t key)
{
    gnutls_x509_crt_t crt = NULL;

    must(gnutls_x509_crt_init(&crt));
    must(gnutls_x509_crt_set_version(crt, 3));
    must(gnutls_x509_crt_set_serial(crt, &serial, 1));
    must(gnutls_x509_crt_set_activation_time(crt, from));
    must(gnutls_x509_crt_set_expiration_time(crt, until));
    must(gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                       (unsigned)strlen(name)));
    must(gnutls_x509_crt_set_key(crt, key));
    return crt;
}

static void finish(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer, gnutls_x509_privkey_t key,
                   const char *path)
{
    gnutls_datum_t pem = {0};

    must(gnutls_x509_crt_sign2(crt, issuer, key, GNUTLS_DIG_SHA256, 0));
    must(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem));
    write_pem(path, &pem);
    gnutls_free(pem.data);
}

void certificate_make(const char *folder, const char *name, time_t from, time_t until,
                      struct certificate *out)
{
    gnutls_x509_privkey_t root_key = make_key();
    gnutls_x509_privkey_t key = make_key();
    time_t now = time(NULL);
    gnutls_x509_crt_t root =
        begin("Test authority", 1, now - 86400L * 400, now + 86400L * 400, root_key);
    gnutls_x509_crt_t crt = begin(name, 2, from, until, key);
    gnutls_datum_t pem = {0};
    struct in_addr ip;

    snprintf(out->authority, sizeof(out->authority), "%s/authority.pem", folder);
    snprintf(out->certificate, sizeof(out->certificate), "%s/certificate.pem", folder);
    snprintf(out->key, sizeof(out->key), "%s/key.pem", folder);
    must(gnutls_x509_crt_set_basic_constraints(root, 1, 0));
    must(gnutls_x509_crt_set_key_usage(root, GNUTLS_KEY_KEY_CERT_SIGN));
    finish(root, root, root_key, out->authority);
    if (inet_pton(AF_INET, name, &ip) == 1) {
        must(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, &ip, sizeof(ip), 0));
    } else {
        must(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name,
                                                  (unsigned)strlen(name), 0));
    }
    finish(crt, root, root_key, out->certificate);
    must(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem));
    write_pem(out->key, &pem);
    gnutls_free(pem.data);
    gnutls_x509_crt_deinit(root);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(root_key);
    gnutls_x509_privkey_deinit(key);
}

void certificate_remove(const struct certificate *certificate)
{
    unlink(certificate->authority);
    unlink(certificate->certificate);
    unlink(certificate->key);
}
