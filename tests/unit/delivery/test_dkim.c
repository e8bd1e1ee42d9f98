/* DKIM: which key signs which letter, and what is said of keys and senders. Independent
 * verifiers read whole letters in tests/system/test_dkim.py. */
#include "teataja/delivery/dkim.h"

#include <pthread.h>
#include <sys/stat.h>

#include "support/dkim_pem.h"
#include "teataja/base/clock.h"
#include "teataja/base/mem.h"
#include "unit/config/site_folder.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

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

/* A site that signs, and a message in its hands. */
struct signing {
    struct site_folder *folder;
    struct config config;
    struct dkim dkim;
    struct str message;
};

static void signing_open(struct signing *signing, struct site_folder *f, const char *keys)
{
    signing->folder = f;
    open_site(f, keys, &signing->config);
    assert_int_equal(dkim_open(&signing->config, &signing->dkim, NULL), 0);
    str_init(&signing->message, LIMIT_MESSAGE);
}

static void signing_close(struct signing *signing)
{
    str_release(&signing->message);
    dkim_close(&signing->dkim);
}

/* Signs `text` from `from` on, in place of what the message was. */
static int sign(struct signing *signing, const char *text, size_t from, struct err *err)
{
    str_reset(&signing->message);
    str_add(&signing->message, text);
    return dkim_sign(&signing->dkim, INSTANT, from, &signing->message, err);
}

#define BOTH "[" KEY("cluster.example", "E1", "ed") ", " KEY("Cluster.example", "r1", "rsa") "]"

static const char *signed_with_both =
    "before\r\n"
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=cluster.example;\r\n"
    " s=e1; t=1796108400; h=From:From:Subject:Subject:To:To:Cc:Date:Date:\r\n"
    " Reply-To:List-Unsubscribe:List-Unsubscribe:";

static void test_a_letter_is_signed_by_each_key_of_its_domain(void **state)
{
    const char *text = arena_printf(((struct site_folder *)*state)->arena, "before\r\n%s", letter);
    struct signing signing;
    const char *first;
    const char *second;
    size_t longest = 0;

    signing_open(&signing, *state, BOTH);
    assert_int_equal(sign(&signing, text, strlen("before\r\n"), NULL), 0);
    first = arena_strdup(signing.folder->arena, signing.message.data);
    assert_memory_equal(first, signed_with_both, strlen(signed_with_both));
    assert_true(str_ends_with(&signing.message, letter));
    second = strstr(first + 20, "\r\nDKIM-Signature: v=1; a=rsa-sha256;");
    assert_non_null(second);
    assert_non_null(strstr(second, " s=r1; "));
    for (const char *at = first; at < second;) {
        size_t len = strcspn(at, "\r");

        longest = len > longest ? len : longest;
        at += len + 2;
    }
    assert_in_range(longest, 70, LIMIT_FOLD);
    /* The same again, to the byte. */
    assert_int_equal(sign(&signing, text, strlen("before\r\n"), NULL), 0);
    assert_string_equal(signing.message.data, first);
    signing_close(&signing);
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
    struct signing signing;

    signing_open(&signing, *state, KEY("cluster.example", "e1", "ed"));
    assert_int_equal(sign(&signing, letter, 0, NULL), 0);
    assert_string_equal(signed_names(signing.folder->arena, signing.message.data),
                        "From:From:Subject:Subject:To:To:Cc:Date:Date:Reply-To:List-Unsubscribe:"
                        "List-Unsubscribe:List-Unsubscribe-Post:List-Unsubscribe-Post:Message-ID:"
                        "MIME-Version:Content-Type");
    signing_close(&signing);
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
    struct signing signing;

    signing_open(&signing, *state,
                 "[" KEY("cluster.example", "e1", "ed") ", " KEY(
                     "post.cluster.example", "e1", "ed") ", " KEY("täpne.example", "e1", "ed") "]");
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *text = arena_printf(signing.folder->arena, "From: %s\r\n\r\n", cases[i].from);

        assert_int_equal(sign(&signing, text, 0, NULL), 0);
        if (cases[i].domain == NULL) {
            assert_memory_equal(signing.message.data, "From: ", 6);
        } else {
            const char *tag = arena_printf(signing.folder->arena, " d=%s;", cases[i].domain);

            assert_non_null(strstr(signing.message.data, tag));
            assert_null(strstr(signing.message.data + 1, "DKIM-Signature"));
        }
    }
    signing_close(&signing);
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
    struct signing signing;

    signing_open(&signing, *state, KEY("cluster.example", "e1", "ed"));
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};

        assert_int_equal(sign(&signing, cases[i].message, 0, &err), ERR_INVALID);
        assert_string_equal(err.msg, cases[i].error);
        assert_string_equal(signing.message.data, cases[i].message);
    }
    signing_close(&signing);
}

static void test_without_keys_nothing_is_touched(void **state)
{
    struct signing signing;

    signing_open(&signing, *state, "");
    assert_int_equal(signing.dkim.count, 0);
    assert_int_equal(sign(&signing, "anything", 0, NULL), 0);
    assert_string_equal(signing.message.data, "anything");
    assert_int_equal(dkim_check(&signing.config, signing.folder->report, NULL), 0);
    site_folder_expect(signing.folder, "");
    signing_close(&signing);
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

    open_site(f, BOTH, &config);
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

    open_site(f, BOTH, &config);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, site_folder_set_up, site_folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
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
