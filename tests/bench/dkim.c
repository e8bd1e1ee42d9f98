/* Signs a letter again and again, beside the bare signature of GnuTLS with the same key, in
 * turns, on one core:
 *
 *     bench_dkim MESSAGE.eml [ROUNDS]
 *
 * prints both rates and their ratio, by processor time of this thread. See README.md here.
 */
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>

#include "teataja/base/clock.h"
#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/delivery/dkim.h"

enum { ROUNDS = 7, MOST_ROUNDS = 99 };
static const double turn = 0.3; /* seconds of a rate */

struct bench {
    const char *message;
    size_t len;
    struct dkim dkim;
    gnutls_privkey_t bare[DKIM_KEY_TYPES]; /* of the signers */
    struct str out;
};

static int sign_bare(struct bench *bench)
{
    unsigned char hash[DKIM_HASH] = {1};
    const gnutls_datum_t data = {.data = hash, .size = sizeof(hash)};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < bench->dkim.count; i++) {
        gnutls_datum_t signature = {0};

        rc = dkim_key_type(bench->dkim.signers[i].key) == DKIM_RSA
                 ? gnutls_privkey_sign_hash2(bench->bare[i], GNUTLS_SIGN_RSA_SHA256, 0, &data,
                                             &signature)
                 : gnutls_privkey_sign_data2(bench->bare[i], GNUTLS_SIGN_EDDSA_ED25519, 0, &data,
                                             &signature);
        gnutls_free(signature.data);
    }
    return rc;
}

static int sign_letter(struct bench *bench)
{
    str_reset(&bench->out);
    str_add_bytes(&bench->out, bench->message, bench->len);
    return dkim_sign(&bench->dkim, INT64_C(1796108400) * CLOCK_SECOND, 0, &bench->out, NULL);
}

/* Times a second; 0 if it fails. */
static double rate(struct bench *bench, int (*one)(struct bench *bench))
{
    int64_t start = clock_thread_ticks();
    double seconds = 0;
    long done = 0;

    while (seconds < turn) {
        for (int i = 0; i < 16; i++) {
            if (one(bench) < 0) {
                return 0;
            }
        }
        done += 16;
        seconds = (double)(clock_thread_ticks() - start) / 1e9;
    }
    return (double)done / seconds;
}

static int by_size(const void *a, const void *b)
{
    double one = *(const double *)a, two = *(const double *)b;

    return (one > two) - (one < two);
}

static int measure(struct bench *bench, const char *keys, int rounds)
{
    double bare[MOST_ROUNDS], letters[MOST_ROUNDS], ratios[MOST_ROUNDS];

    for (int i = 0; i < rounds; i++) {
        bare[i] = rate(bench, sign_bare);
        letters[i] = rate(bench, sign_letter);
        ratios[i] = bare[i] > 0 ? letters[i] / bare[i] : 0;
        if (ratios[i] <= 0) {
            return -1;
        }
    }
    qsort(bare, (size_t)rounds, sizeof(bare[0]), by_size);
    qsort(letters, (size_t)rounds, sizeof(letters[0]), by_size);
    qsort(ratios, (size_t)rounds, sizeof(ratios[0]), by_size);
    printf("%s: bare %.0f/s, a letter of %zu bytes %.0f/s, ratio %.3f\n", keys, bare[rounds / 2],
           bench->len, letters[rounds / 2], ratios[rounds / 2]);
    return 0;
}

/* A new key, once for each side. */
static int make_keys(enum dkim_key_type type, struct dkim_key **key, gnutls_privkey_t *bare,
                     struct err *err)
{
    struct str pem;
    gnutls_datum_t data;
    int rc = dkim_key_make(type, DKIM_RSA_ADVISED, key, err);

    str_init(&pem, LIMIT_TEXT);
    rc = rc == 0 ? dkim_key_write(*key, &pem, err) : rc;
    data = (gnutls_datum_t){.data = (unsigned char *)pem.data, .size = (unsigned)pem.len};
    if (rc == 0 &&
        (gnutls_privkey_init(bare) < 0 ||
         gnutls_privkey_import_x509_raw(*bare, &data, GNUTLS_X509_FMT_PEM, NULL, 0) < 0)) {
        rc = err_set(err, ERR_IO, "GnuTLS does not take the key");
    }
    str_release(&pem);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *keys;
        size_t first, count;
    } sets[] = {{"rsa", DKIM_RSA, 1}, {"ed25519", DKIM_ED25519, 1}, {"both", 0, DKIM_KEY_TYPES}};
    struct site_dkim key = {.domain = "bench.example", .selector = "s"};
    const struct site site = {.dkim = &key, .dkim_count = 1};
    struct dkim_signer signers[DKIM_KEY_TYPES] = {{.site = &key}, {.site = &key}};
    gnutls_privkey_t bare[DKIM_KEY_TYPES] = {NULL};
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    int rounds = argc > 2 ? atoi(argv[2]) : ROUNDS;
    struct bench bench = {.dkim.site = &site};
    struct err err = {0};
    char *message = NULL;
    int rc;

    if (argc < 2 || rounds < 1 || rounds > MOST_ROUNDS || arena == NULL) {
        fputs("usage: bench_dkim MESSAGE.eml [ROUNDS]\n", stderr);
        return 2;
    }
    str_init(&bench.out, LIMIT_MESSAGE);
    rc = file_read(arena, argv[1], LIMIT_MESSAGE, &message, &bench.len, &err);
    bench.message = message;
    for (size_t i = 0; rc == 0 && i < DKIM_KEY_TYPES; i++) {
        rc = make_keys((enum dkim_key_type)i, &signers[i].key, &bare[i], &err);
    }
    for (size_t i = 0; rc == 0 && i < sizeof(sets) / sizeof(sets[0]); i++) {
        bench.dkim.signers = &signers[sets[i].first];
        bench.dkim.count = sets[i].count;
        for (size_t j = 0; j < sets[i].count; j++) {
            bench.bare[j] = bare[sets[i].first + j];
        }
        if (measure(&bench, sets[i].keys, rounds) < 0) {
            rc = err_set(&err, ERR_IO, "a signature failed");
        }
    }
    if (rc < 0) {
        fprintf(stderr, "bench_dkim: %s\n", err.msg);
    }
    for (size_t i = 0; i < DKIM_KEY_TYPES; i++) {
        dkim_key_free(signers[i].key);
        if (bare[i] != NULL) {
            gnutls_privkey_deinit(bare[i]);
        }
    }
    str_release(&bench.out);
    arena_free(arena);
    return rc < 0;
}
