/* DKIM: canonical forms, the published signatures of RFC 8463, which key signs, what is
 * said of keys. Independent verifiers read whole letters in tests/system/test_dkim.py. */
#include "teataja/delivery/dkim.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <sys/stat.h>

#include "teataja/base/clock.h"
#include "teataja/base/mem.h"
#include "teataja/delivery/dkim_relaxed.h"
#include "unit/config/site_folder.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void collect(void *ctx, const void *bytes, size_t len)
{
    str_add_bytes(ctx, bytes, len);
}

/* The relaxed body, given in pieces of `piece` bytes. */
static void relax(const char *text, size_t len, size_t piece, struct str *out)
{
    struct dkim_body body;

    str_reset(out);
    dkim_body_start(&body, collect, out);
    for (size_t at = 0; at < len; at += piece) {
        dkim_body_add(&body, text + at, len - at < piece ? len - at : piece);
    }
    dkim_body_end(&body);
}

static void test_bodies_lose_white_space_and_empty_lines_at_their_end(void **state)
{
    static const struct {
        const char *body;
        const char *relaxed;
    } cases[] = {
        {" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"}, /* RFC 6376 section 3.4.5 */
        {"", ""},
        {"\r\n", ""},
        {"\r\n\r\n\r\n", ""},
        {" \t\r\n \r\n", ""},
        {"   ", ""},
        {"a", "a\r\n"},
        {"a\r\n", "a\r\n"},
        {"a ", "a\r\n"},
        {"a\r\n ", "a\r\n"},
        {"a\t\t b", "a b\r\n"},
        {"\r\n\r\na\r\n", "\r\n\r\na\r\n"},
        {"a\r\n\r\n \r\nb\r\n\r\n", "a\r\n\r\n\r\nb\r\n"},
        {"\ta\r\n", " a\r\n"},
        {"a \r\n b\r\n", "a\r\n b\r\n"},
        {"a =\r\n=20\r\n", "a =\r\n=20\r\n"},
        {"a\rb\r\n", "a\rb\r\n"},
        {"a\nb \nc\r\n", "a\nb \nc\r\n"},
        {"a \r", "a \r\r\n"},
        {"a\r\r\n", "a\r\r\n"},
        {"\xc3\xb5 \xc3\xa4\r\n", "\xc3\xb5 \xc3\xa4\r\n"},
    };
    struct str out;

    (void)state;
    str_init(&out, LIMIT_TEXT);
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t len = strlen(cases[i].body);

        for (size_t piece = 1; piece <= len + 1; piece++) {
            relax(cases[i].body, len, piece, &out);
            assert_string_equal(out.data, cases[i].relaxed);
        }
    }
    str_release(&out);
}

/* Section 3.4.4 word by word, a line after the other. */
static void relax_plainly(const char *text, size_t len, struct str *out)
{
    size_t kept = 0;

    str_reset(out);
    for (size_t at = 0; at < len;) {
        const char *end = memmem(text + at, len - at, "\r\n", 2);
        size_t stop = end != NULL ? (size_t)(end - text) : len;
        size_t last = stop;

        while (last > at && (text[last - 1] == ' ' || text[last - 1] == '\t')) {
            last--;
        }
        for (size_t i = at; i < last; i++) {
            bool space = text[i] == ' ' || text[i] == '\t';

            if (!space || i == at || (text[i - 1] != ' ' && text[i - 1] != '\t')) {
                str_add_char(out, space ? ' ' : text[i]);
            }
        }
        kept = last > at ? out->len : kept;
        str_add(out, "\r\n");
        at = end != NULL ? stop + 2 : len;
    }
    str_cut(out, kept);
    if (kept > 0) {
        str_add(out, "\r\n");
    }
}

static void test_any_body_in_any_pieces_is_the_same_as_by_the_letter(void **state)
{
    static const char letters[] = {'a', 'b', ' ', ' ', '\t', '\r', '\n', '\r', '\n', '='};
    struct str text, out, expected;
    unsigned seed = 1;

    (void)state;
    str_init(&text, LIMIT_TEXT);
    str_init(&out, LIMIT_TEXT);
    str_init(&expected, LIMIT_TEXT);
    for (int round = 0; round < 20000; round++) {
        size_t len = (size_t)rand_r(&seed) % 24;

        str_reset(&text);
        while (text.len < len) {
            char c = letters[(size_t)rand_r(&seed) % sizeof(letters)];

            str_add_char(&text, c);
            if (c == '\r' && rand_r(&seed) % 4 != 0) {
                str_add_char(&text, '\n');
            }
        }
        relax_plainly(text.data, text.len, &expected);
        relax(text.data, text.len, 1 + (size_t)rand_r(&seed) % 9, &out);
        assert_int_equal(out.len, expected.len);
        assert_memory_equal(out.data, expected.data, out.len);
    }
    str_release(&text);
    str_release(&out);
    str_release(&expected);
}

static void test_fields_become_one_line_without_needless_space(void **state)
{
    static const struct {
        const char *field;
        const char *relaxed;
    } cases[] = {
        {"A: X\r\n", "a:X\r\n"}, /* RFC 6376 section 3.4.5, as the next */
        {"B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n"},
        {"Subject:\r\n", "subject:\r\n"},
        {"Subject: \t \r\n", "subject:\r\n"},
        {"Subject:\r\n folded\r\n", "subject:folded\r\n"},
        {"Subject:a\r\n \r\n b\r\n", "subject:a b\r\n"},
        {"SUBJECT \t:A:B\r\n", "subject:A:B\r\n"},
        {"X: a\t b  c", "x:a b c\r\n"},
        {"X: a\rb \r\n", "x:a\rb\r\n"},
        {"From: \"a  b\" <A@B.example>\r\n", "from:\"a b\" <A@B.example>\r\n"},
    };
    struct str out;

    (void)state;
    str_init(&out, LIMIT_TEXT);
    for (size_t i = 0; i < COUNT(cases); i++) {
        str_reset(&out);
        dkim_field(cases[i].field, strlen(cases[i].field), &out);
        assert_string_equal(out.data, cases[i].relaxed);
    }
    str_release(&out);
}

static void test_fields_are_chosen_from_below(void **state)
{
    static const char message[] =
        "From: one\r\nTo: x\r\nFrom: two\r\n folded\r\nSubject:\r\n\r\nTo: body\r\n";
    static const struct {
        const char *names;
        const char *chosen;
    } cases[] = {
        {"from", "from:two folded\r\n"},
        {"From:FROM:From", "from:two folded\r\nfrom:one\r\n"},
        {"to : subject\r\n : from", "to:x\r\nsubject:\r\nfrom:two folded\r\n"},
        {"to:to:cc", "to:x\r\n"},
        {"fro", ""},
        {"", ""},
    };
    static const struct {
        const char *message;
        int rc;
        size_t fields;
        size_t body;
    } heads[] = {
        {message, 0, 4, sizeof(message) - 1 - 10},
        {"A: b\r\n", 0, 1, 6},
        {"A: b", 0, 1, 4},
        {"\r\nbody", 0, 0, 2},
        {"", 0, 0, 0},
        {"A: b\r\nno field\r\n\r\n", ERR_INVALID, 0, 0},
        {" A: b\r\n\r\n", ERR_INVALID, 0, 0},
        {": b\r\n\r\n", ERR_INVALID, 0, 0},
        {"A b: c\r\n\r\n", ERR_INVALID, 0, 0},
    };
    struct dkim_head head;
    struct str out;

    (void)state;
    for (size_t i = 0; i < COUNT(heads); i++) {
        assert_int_equal(dkim_head_split(heads[i].message, strlen(heads[i].message), &head, NULL),
                         heads[i].rc);
        if (heads[i].rc == 0) {
            assert_int_equal(head.count, heads[i].fields);
            assert_int_equal(head.len, heads[i].body);
        }
    }
    assert_int_equal(dkim_head_split(message, strlen(message), &head, NULL), 0);
    assert_int_equal(dkim_head_count(&head, "FROM"), 2);
    str_init(&out, LIMIT_TEXT);
    for (size_t i = 0; i < COUNT(cases); i++) {
        str_reset(&out);
        dkim_head_select(&head, cases[i].names, &out);
        assert_string_equal(out.data, cases[i].chosen);
    }
    str_release(&out);
}

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

static char *rfc_pem(struct arena *arena, const char *file)
{
    char *path = arena_printf(arena, TEST_SOURCE_DIR "/tests/data/dkim/%s", file);
    char *pem = NULL;

    assert_int_equal(file_read(arena, path, LIMIT_TEXT, &pem, NULL, NULL), 0);
    return pem;
}

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

/* ---- signing ---- */

static void write_key(struct site_folder *f, const char *name, const char *pem, mode_t mode)
{
    char *path;

    site_folder_write(f, name, pem);
    path = file_join(f->arena, f->path, name);
    assert_int_equal(chmod(path, mode), 0);
}

/* A site whose teataja.yaml has `dkim` too, and keys of every kind in k/. */
static void open_site(struct site_folder *f, const char *dkim, struct config *config)
{
    char *text = arena_printf(f->arena, SITE_MINIMAL "dkim: %s\n", dkim);

    site_folder_write(f, SITE_FILE, text);
    write_key(f, "k/rsa.pem", rfc_pem(f->arena, "rfc8463-test.pem"), 0600);
    write_key(f, "k/ed.pem", rfc_pem(f->arena, "rfc8463-brisbane.pem"), 0640);
    write_key(f, "k/open.pem", rfc_pem(f->arena, "rfc8463-brisbane.pem"), 0644);
    write_key(f, "k/none.pem", "hello\n", 0600);
    assert_int_equal(config_load(f->arena, f->path, f->report, config, NULL), 0);
    site_folder_expect(f, "");
}

#define KEY(domain, selector, file)                                                                \
    "{ domain: " domain ", selector: " selector ", key_file: k/" file ".pem }"

static const char letter[] = "From: \"B@ro  x\"\r\n <letters@cluster.example>\r\n"
                             "To: mari@naide.example\r\n"
                             "Subject: Rahastus\r\n"
                             "Date: Tue, 01 Dec 2026 07:00:00 +0000\r\n"
                             "Message-ID: <a.1@cluster.example>\r\n"
                             "List-Unsubscribe: <https://letters.cluster.example/leave/abc>\r\n"
                             "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
                             "X-Auto-Response-Suppress: OOF, AutoReply\r\n"
                             "MIME-Version: 1.0\r\n"
                             "Content-Type: text/plain\r\n"
                             "\r\n"
                             "Tere!  \r\n\r\n";

#define INSTANT (INT64_C(1796108400) * CLOCK_SECOND + 999999)

static const char *signed_with_both =
    "before\r\n"
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=cluster.example;\r\n"
    " s=e1; t=1796108400; h=From:From:Subject:Subject:To:To:Cc:Date:Date:\r\n"
    " Reply-To:List-Unsubscribe:List-Unsubscribe:";

static void test_a_letter_is_signed_by_each_key_of_its_domain(void **state)
{
    struct site_folder *f = *state;
    struct config config;
    struct dkim dkim;
    struct str message, again;
    const char *second;
    size_t longest = 0;

    open_site(f,
              "[" KEY("Cluster.example", "E1", "ed") ", " KEY("cluster.example", "r1", "rsa") "]",
              &config);
    assert_int_equal(dkim_open(&config, &dkim, NULL), 0);
    str_init(&message, LIMIT_MESSAGE);
    str_init(&again, LIMIT_MESSAGE);
    str_add(&message, "before\r\n");
    str_add(&message, letter);
    assert_int_equal(dkim_sign(&dkim, INSTANT, strlen("before\r\n"), &message, NULL), 0);
    assert_memory_equal(message.data, signed_with_both, strlen(signed_with_both));
    assert_true(str_ends_with(&message, letter));
    second = strstr(message.data + 20, "\r\nDKIM-Signature: v=1; a=rsa-sha256;");
    assert_non_null(second);
    assert_non_null(strstr(second, " s=r1; "));
    for (const char *at = message.data; at < second;) {
        size_t len = strcspn(at, "\r");

        longest = len > longest ? len : longest;
        at += len + 2;
    }
    assert_in_range(longest, 70, LIMIT_FOLD);
    /* The same again, to the byte. */
    str_add(&again, "before\r\n");
    str_add(&again, letter);
    assert_int_equal(dkim_sign(&dkim, INSTANT, strlen("before\r\n"), &again, NULL), 0);
    assert_string_equal(again.data, message.data);
    str_release(&message);
    str_release(&again);
    dkim_close(&dkim);
}

/* The value of h= without white space. */
static char *signed_names(struct arena *arena, const char *message)
{
    const char *from = strstr(message, "h=");
    char *out = arena_strndup(arena, from + 2, strcspn(from, ";") - 2);
    size_t len = 0;

    for (const char *at = out; *at != '\0'; at++) {
        if (strchr(" \r\n", *at) == NULL) {
            out[len++] = *at;
        }
    }
    out[len] = '\0';
    return out;
}

static void test_what_is_named_twice_cannot_be_added(void **state)
{
    struct site_folder *f = *state;
    struct config config;
    struct dkim dkim;
    struct str message;

    open_site(f, KEY("cluster.example", "e1", "ed"), &config);
    assert_int_equal(dkim_open(&config, &dkim, NULL), 0);
    str_init(&message, LIMIT_MESSAGE);
    str_add(&message, letter);
    assert_int_equal(dkim_sign(&dkim, INSTANT, 0, &message, NULL), 0);
    assert_string_equal(signed_names(f->arena, message.data),
                        "From:From:Subject:Subject:To:To:Cc:Date:Date:Reply-To:List-Unsubscribe:"
                        "List-Unsubscribe:List-Unsubscribe-Post:List-Unsubscribe-Post:Message-ID:"
                        "MIME-Version:Content-Type");
    str_release(&message);
    dkim_close(&dkim);
}

static void test_the_nearest_domain_signs(void **state)
{
    static const struct {
        const char *from;
        const char *domain; /* NULL: not signed */
    } cases[] = {
        {"a@cluster.example", "cluster.example"},
        {"A@Cluster.Example", "cluster.example"},
        {"<a@post.cluster.example>", "post.cluster.example"},
        {"\"x@other.example\" <a@news.cluster.example>", "cluster.example"},
        {"<a@deep.post.cluster.example>", "post.cluster.example"},
        {"<a@acluster.example>", NULL},
        {"<a@example>", NULL},
        {"<a@cluster.example.org>", NULL},
        {"=?utf-8?q?B=C3=BCroo?=\r\n <a@xn--tpne-loa.example>", "xn--tpne-loa.example"},
    };
    struct site_folder *f = *state;
    struct config config;
    struct dkim dkim;
    struct str message;

    open_site(f,
              "[" KEY("cluster.example", "e1", "ed") ", " KEY(
                  "post.cluster.example", "e1", "ed") ", " KEY("täpne.example", "e1", "ed") "]",
              &config);
    assert_int_equal(dkim_open(&config, &dkim, NULL), 0);
    str_init(&message, LIMIT_MESSAGE);
    for (size_t i = 0; i < COUNT(cases); i++) {
        str_reset(&message);
        str_addf(&message, "From: %s\r\n\r\n", cases[i].from);
        assert_int_equal(dkim_sign(&dkim, INSTANT, 0, &message, NULL), 0);
        if (cases[i].domain == NULL) {
            assert_memory_equal(message.data, "From: ", 6);
        } else {
            const char *tag = arena_printf(f->arena, " d=%s;", cases[i].domain);

            assert_non_null(strstr(message.data, tag));
            assert_null(strstr(message.data + 1, "DKIM-Signature"));
        }
    }
    str_release(&message);
    dkim_close(&dkim);
}

static void test_a_message_that_cannot_be_read_is_not_signed(void **state)
{
    static const struct {
        const char *message;
        const char *error;
    } cases[] = {
        {"To: a@b.example\r\n\r\n", "a message is signed if it has one From, not 0"},
        {"From: a@b.example\r\nfrom: c@d.example\r\n\r\n",
         "a message is signed if it has one From, not 2"},
        {"From: nobody\r\n\r\n", "the From of a message has no domain"},
        {"From: a@>\r\n\r\n", "the From of a message has no domain"},
        {"From: a@b.example\r\nwhat\r\n\r\n", "part 2 of a message's header is no field"},
    };
    struct site_folder *f = *state;
    struct config config;
    struct dkim dkim;
    struct str message;

    open_site(f, KEY("cluster.example", "e1", "ed"), &config);
    assert_int_equal(dkim_open(&config, &dkim, NULL), 0);
    str_init(&message, LIMIT_MESSAGE);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};

        str_reset(&message);
        str_add(&message, cases[i].message);
        assert_int_equal(dkim_sign(&dkim, INSTANT, 0, &message, &err), ERR_INVALID);
        assert_string_equal(err.msg, cases[i].error);
        assert_string_equal(message.data, cases[i].message);
    }
    str_release(&message);
    dkim_close(&dkim);
}

static void test_without_keys_nothing_is_touched(void **state)
{
    struct site_folder *f = *state;
    struct config config;
    struct dkim dkim;
    struct str message;

    open_site(f, "", &config);
    assert_int_equal(dkim_open(&config, &dkim, NULL), 0);
    assert_int_equal(dkim.count, 0);
    str_init(&message, LIMIT_MESSAGE);
    str_add(&message, "anything");
    assert_int_equal(dkim_sign(&dkim, INSTANT, 0, &message, NULL), 0);
    assert_string_equal(message.data, "anything");
    assert_int_equal(dkim_check(&config, f->report, NULL), 0);
    site_folder_expect(f, "");
    str_release(&message);
    dkim_close(&dkim);
}

struct worker {
    pthread_t thread;
    const struct dkim *dkim;
    struct str message;
    bool same;
};

static void *sign_many(void *of)
{
    struct worker *worker = of;
    struct str first;

    str_init(&first, LIMIT_MESSAGE);
    worker->same = true;
    for (int i = 0; i < 50; i++) {
        str_reset(&worker->message);
        str_add(&worker->message, letter);
        worker->same &= dkim_sign(worker->dkim, INSTANT, 0, &worker->message, NULL) == 0;
        if (i == 0) {
            str_add(&first, worker->message.data);
        }
        worker->same &= strcmp(first.data, worker->message.data) == 0;
    }
    str_release(&first);
    return NULL;
}

static void test_threads_sign_with_one_key(void **state)
{
    struct site_folder *f = *state;
    struct worker workers[8] = {0};
    struct config config;
    struct dkim dkim;

    open_site(f,
              "[" KEY("cluster.example", "e1", "ed") ", " KEY("cluster.example", "r1", "rsa") "]",
              &config);
    assert_int_equal(dkim_open(&config, &dkim, NULL), 0);
    for (size_t i = 0; i < COUNT(workers); i++) {
        workers[i].dkim = &dkim;
        str_init(&workers[i].message, LIMIT_MESSAGE);
        assert_int_equal(pthread_create(&workers[i].thread, NULL, sign_many, &workers[i]), 0);
    }
    for (size_t i = 0; i < COUNT(workers); i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_true(workers[i].same);
        assert_string_equal(workers[i].message.data, workers[0].message.data);
    }
    for (size_t i = 0; i < COUNT(workers); i++) {
        str_release(&workers[i].message);
    }
    dkim_close(&dkim);
}

static void test_keys_that_cannot_be_used_are_named(void **state)
{
    static const struct {
        const char *dkim;
        const char *error; /* behind the folder's name, if it begins with '/' */
    } cases[] = {
        {KEY("cluster.example", "s", "missing"), "/k/missing.pem': No such file or directory"},
        {KEY("cluster.example", "s", "open"),
         "/k/open.pem'; allow that to its owner alone (chmod 600)"},
        {KEY("cluster.example", "s", "none"),
         "the DKIM key of cluster.example: k/none.pem: there is no private key in it (PEM, RSA or "
         "Ed25519)"},
        {"[" KEY("cluster.example", "s", "ed") ", " KEY("cluster.example", "t", "ed") "]",
         "the DKIM key of cluster.example: cluster.example has an Ed25519 key already, 's': one of "
         "a kind signs for a domain"},
    };
    struct site_folder *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct config config;
        struct dkim dkim;
        struct err err = {0};

        open_site(f, cases[i].dkim, &config);
        assert_true(dkim_open(&config, &dkim, &err) < 0);
        assert_non_null(strstr(err.msg, cases[i].error));
        dkim_close(&dkim);
    }
}

static void test_check_tells_of_keys_and_senders(void **state)
{
    static const struct {
        const char *dkim;
        const char *problems;
    } cases[] = {
        {KEY("cluster.example", "s", "ed"), ""},
        {KEY("cluster.example", "s", "rsa"),
         "teataja.yaml:9:57: warning: key_file: an RSA key of 1024 bits is short; make one of 2048 "
         "(RFC 8301)\n"},
        {KEY("cluster.example", "s", "none"),
         "teataja.yaml:9:57: key_file: k/none.pem: there is no private key in it (PEM, RSA or "
         "Ed25519)\n"},
        {"[" KEY("cluster.example", "s", "ed") ", " KEY("cluster.example", "t", "ed") "]",
         "teataja.yaml:9:120: key_file: cluster.example has an Ed25519 key already, 's': one of a "
         "kind signs for a domain\n"},
        {KEY("other.example", "s", "ed"),
         "teataja.yaml:5:9: warning: address: no key of 'dkim' signs mail from cluster.example\n"
         "teataja.yaml:9:17: warning: domain: no letter comes from other.example: neither the "
         "office nor a newsletter writes from there\n"},
    };
    struct site_folder *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct config config;

        open_site(f, cases[i].dkim, &config);
        assert_int_equal(dkim_check(&config, f->report, NULL), 0);
        site_folder_expect(f, cases[i].problems);
    }
}

static void test_every_sender_needs_its_key(void **state)
{
    struct site_folder *f = *state;
    struct config config;

    site_folder_write(f, "newsletters/funding.yaml",
                      "name: Funding\nlist: funding\n"
                      "from: { name: Cluster, address: a@letters.example }\n");
    open_site(f, KEY("cluster.example", "s", "ed"), &config);
    assert_int_equal(dkim_check(&config, f->report, NULL), 0);
    site_folder_expect(f, "newsletters/funding.yaml:3:33: warning: address: no key of 'dkim' signs "
                          "mail from letters.example\n");
    open_site(f, "[" KEY("cluster.example", "s", "ed") ", " KEY("letters.example", "s", "ed") "]",
              &config);
    assert_int_equal(dkim_check(&config, f->report, NULL), 0);
    site_folder_expect(f, "");
}

static void test_lack_of_memory_is_an_error_and_nothing_else(void **state)
{
    struct site_folder *f = *state;
    struct config config;
    int failures = 0;

    open_site(f,
              "[" KEY("cluster.example", "e1", "ed") ", " KEY("cluster.example", "r1", "rsa") "]",
              &config);
    for (unsigned long nth = 1;; nth++) {
        struct dkim dkim;
        struct str message;
        struct err err = {0};
        int rc;

        str_init(&message, LIMIT_MESSAGE);
        str_add(&message, letter);
        mem_fail_at(nth, 0);
        rc = dkim_open(&config, &dkim, &err);
        rc = rc == 0 ? dkim_sign(&dkim, INSTANT, 0, &message, &err) : rc;
        rc = rc == 0 ? dkim_check(&config, f->report, &err) : rc;
        mem_fail_at(0, 0);
        dkim_close(&dkim);
        str_release(&message);
        if (rc == 0) {
            break;
        }
        assert_int_equal(rc, ERR_NOMEM);
        assert_string_equal(strstr(err.msg, "out of memory"), "out of memory");
        failures++;
    }
    assert_true(failures > 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, site_folder_set_up, site_folder_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_bodies_lose_white_space_and_empty_lines_at_their_end),
        TEST(test_any_body_in_any_pieces_is_the_same_as_by_the_letter),
        TEST(test_fields_become_one_line_without_needless_space),
        TEST(test_fields_are_chosen_from_below),
        TEST(test_published_signatures_are_made_to_the_byte),
        TEST(test_a_key_that_was_made_can_be_read_again),
        TEST(test_what_is_no_key_for_mail_is_refused_in_words),
        TEST(test_records_are_what_the_dns_needs),
        TEST(test_a_letter_is_signed_by_each_key_of_its_domain),
        TEST(test_what_is_named_twice_cannot_be_added),
        TEST(test_the_nearest_domain_signs),
        TEST(test_a_message_that_cannot_be_read_is_not_signed),
        TEST(test_without_keys_nothing_is_touched),
        TEST(test_threads_sign_with_one_key),
        TEST(test_keys_that_cannot_be_used_are_named),
        TEST(test_check_tells_of_keys_and_senders),
        TEST(test_every_sender_needs_its_key),
        TEST(test_lack_of_memory_is_an_error_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
