/* DKIM: the published signatures of RFC 8463, keys, and their records. */
#include "teataja/delivery/dkim.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "support/dkim_pem.h"
#include "teataja/delivery/dkim_relaxed.h"
#include "unit/config/site_folder.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* ---- RFC 8463, appendix A ---- */

#define RFC_ED25519_P "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static const char rfc_message[] = "From: Joe SixPack <joe@football.example.com>\r\n"
                                  "To: Suzie Q <suzie@shopping.example.net>\r\n"
                                  "Subject: Is dinner ready?\r\n"
                                  "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
                                  "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
                                  "\r\n"
                                  "Hi.\r\n"
                                  "\r\n"
                                  "We lost the game.  Are you hungry yet?\r\n"
                                  "\r\n"
                                  "Joe.\r\n";

static const struct {
    const char *file;
    enum dkim_key_type type;
    unsigned bits;
    const char *field; /* up to b= */
    const char *names;
    const char *signature;
} published[] = {
    {"rfc8463-brisbane.pem", DKIM_ED25519, 256,
     "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
     " d=football.example.com; i=@football.example.com;\r\n"
     " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
     " subject : date : message-id : from : subject : date;\r\n"
     " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
     " b=",
     "from : to : subject : date : message-id : from : subject : date",
     "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus"
     "Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="},
    {"rfc8463-test.pem", DKIM_RSA, 1024,
     "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
     " d=football.example.com; i=@football.example.com;\r\n"
     " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
     " date : message-id : from : subject : date;\r\n"
     " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
     " b=",
     "from : to : subject : date : message-id : from : subject : date",
     "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3"
     "DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz"
     "dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8="},
};

static void test_published_signatures_are_made_to_the_byte(void **state)
{
    struct site_folder *f = *state;
    struct dkim_hash *hash = dkim_hash_new();
    struct dkim_head head;
    struct dkim_body body;
    struct str out;
    uint8_t digest[DKIM_HASH];

    str_init(&out, LIMIT_TEXT);
    assert_int_equal(dkim_head_split(rfc_message, strlen(rfc_message), &head, NULL), 0);
    dkim_body_start(&body, dkim_hash_add, hash);
    dkim_body_add(&body, rfc_message + head.len, strlen(rfc_message) - head.len);
    dkim_body_end(&body);
    dkim_hash_end(hash, digest);
    assert_int_equal(dkim_base64(digest, sizeof(digest), &out, NULL), 0);
    assert_string_equal(out.data, "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");

    for (size_t i = 0; i < COUNT(published); i++) {
        struct dkim_key *key = NULL;

        assert_int_equal(dkim_key_read(rfc_pem(f->arena, published[i].file), &key, NULL), 0);
        assert_int_equal(dkim_key_type(key), published[i].type);
        assert_int_equal(dkim_key_bits(key), published[i].bits);
        str_reset(&out);
        dkim_head_select(&head, published[i].names, &out);
        dkim_field(published[i].field, strlen(published[i].field), &out);
        dkim_hash_add(hash, out.data, out.len - 2);
        dkim_hash_end(hash, digest);
        str_reset(&out);
        assert_int_equal(dkim_key_sign(key, digest, &out, NULL), 0);
        assert_string_equal(out.data, published[i].signature);
        dkim_key_free(key);
    }
    str_release(&out);
    dkim_hash_free(hash);
}

/* ---- keys ---- */

static void test_a_key_that_was_made_can_be_read_again(void **state)
{
    static const struct {
        enum dkim_key_type type;
        unsigned bits;
    } cases[] = {{DKIM_RSA, 2048}, {DKIM_RSA, 1024}, {DKIM_ED25519, 0}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct dkim_key *made = NULL, *read = NULL;
        struct str pem, one, two;
        uint8_t hash[DKIM_HASH] = {1, 2, 3};

        str_init(&pem, LIMIT_TEXT);
        str_init(&one, LIMIT_TEXT);
        str_init(&two, LIMIT_TEXT);
        assert_int_equal(dkim_key_make(cases[i].type, cases[i].bits, &made, NULL), 0);
        assert_int_equal(dkim_key_write(made, &pem, NULL), 0);
        assert_memory_equal(pem.data, "-----BEGIN PRIVATE KEY-----\n", 28);
        assert_int_equal(dkim_key_read(pem.data, &read, NULL), 0);
        assert_int_equal(dkim_key_type(read), cases[i].type);
        assert_int_equal(dkim_key_bits(read), cases[i].bits > 0 ? cases[i].bits : 256);
        assert_int_equal(dkim_key_sign(made, hash, &one, NULL), 0);
        assert_int_equal(dkim_key_sign(read, hash, &two, NULL), 0);
        assert_string_equal(one.data, two.data);
        str_release(&pem);
        str_release(&one);
        str_release(&two);
        dkim_key_free(made);
        dkim_key_free(read);
    }
}

/* PEM of a key that DKIM has no use for; `password` may be NULL. */
static char *other_pem(struct arena *arena, gnutls_pk_algorithm_t algorithm, unsigned bits,
                       const char *password)
{
    gnutls_x509_privkey_t key;
    gnutls_datum_t pem;
    char *text;

    assert_int_equal(gnutls_x509_privkey_init(&key), 0);
    assert_int_equal(gnutls_x509_privkey_generate(key, algorithm, bits, 0), 0);
    assert_int_equal(gnutls_x509_privkey_export2_pkcs8(
                         key, GNUTLS_X509_FMT_PEM, password,
                         password != NULL ? GNUTLS_PKCS_PBES2_AES_256 : GNUTLS_PKCS_PLAIN, &pem),
                     0);
    text = arena_strndup(arena, (const char *)pem.data, pem.size);
    gnutls_free(pem.data);
    gnutls_x509_privkey_deinit(key);
    return text;
}

static void test_what_is_no_key_for_mail_is_refused_in_words(void **state)
{
    struct site_folder *f = *state;
    char *cut = rfc_pem(f->arena, "rfc8463-test.pem");
    char *wrong = rfc_pem(f->arena, "rfc8463-test.pem");
    const struct {
        const char *pem;
        const char *error;
    } cases[] = {
        {"", "there is no private key in it (PEM, RSA or Ed25519)"},
        {"hello", "there is no private key in it (PEM, RSA or Ed25519)"},
        {cut, "there is no private key in it (PEM, RSA or Ed25519)"},
        {wrong, "the numbers of the key do not fit each other"},
        {"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
         "\n-----END PUBLIC KEY-----\n",
         "a public key cannot sign; name the private one"},
        {other_pem(f->arena, GNUTLS_PK_RSA, 2048, "secret"),
         "the key is encrypted; nobody is there to type its password when mail is signed"},
        {other_pem(f->arena, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
                   NULL),
         "a key for EC/ECDSA cannot sign mail; it must be RSA or Ed25519"},
        {other_pem(f->arena, GNUTLS_PK_RSA, 768, NULL),
         "the RSA key has 768 bits; verifiers take from 1024 to 4096 (RFC 8301)"},
    };

    cut[strlen(cut) / 2] = '\0';
    wrong[120] = wrong[120] == 'A' ? 'B' : 'A'; /* in the modulus */
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct dkim_key *key = NULL;
        struct err err = {0};

        assert_int_equal(dkim_key_read(cases[i].pem, &key, &err), ERR_INVALID);
        assert_null(key);
        assert_string_equal(err.msg, cases[i].error);
    }
}

static void test_records_are_what_the_dns_needs(void **state)
{
    struct site_folder *f = *state;
    struct dkim_record record;
    struct dkim_key *key = NULL;

    assert_int_equal(dkim_key_read(rfc_pem(f->arena, "rfc8463-brisbane.pem"), &key, NULL), 0);
    assert_int_equal(dkim_record(f->arena, "football.example.com", "brisbane", key, &record, NULL),
                     0);
    assert_string_equal(record.name, "brisbane._domainkey.football.example.com");
    assert_string_equal(record.value, "v=DKIM1; k=ed25519; p=" RFC_ED25519_P);
    assert_int_equal(record.string_count, 1);
    assert_string_equal(record.zone, "brisbane._domainkey.football.example.com. IN TXT (\n"
                                     "    \"v=DKIM1; k=ed25519; p=" RFC_ED25519_P "\" )");
    dkim_key_free(key);
    assert_int_equal(dkim_key_read(rfc_pem(f->arena, "rfc8463-test.pem"), &key, NULL), 0);
    assert_int_equal(dkim_record(f->arena, "football.example.com", "test", key, &record, NULL), 0);
    assert_string_equal(record.value,
                        "v=DKIM1; k=rsa; p="
                        "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR"
                        "6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6l"
                        "HvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB");
    dkim_key_free(key);

    assert_int_equal(dkim_key_make(DKIM_RSA, 2048, &key, NULL), 0);
    assert_int_equal(dkim_record(f->arena, "a.example", "s1", key, &record, NULL), 0);
    assert_int_equal(record.string_count, 2);
    assert_int_equal(strlen(record.strings[0]), 255);
    assert_string_equal(arena_printf(f->arena, "%s%s", record.strings[0], record.strings[1]),
                        record.value);
    dkim_key_free(key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, site_folder_set_up, site_folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_published_signatures_are_made_to_the_byte),
        TEST(test_a_key_that_was_made_can_be_read_again),
        TEST(test_what_is_no_key_for_mail_is_refused_in_words),
        TEST(test_records_are_what_the_dns_needs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
