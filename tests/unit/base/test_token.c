/* test_token.c - signed links and random secrets. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "teataja/base/token.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";

static struct token_key make_key(uint8_t id)
{
    struct token_key key = {.id = id};

    for (size_t i = 0; i < TOKEN_KEY; i++) {
        key.secret[i] = (uint8_t)(i + 1);
    }
    return key;
}

static const struct token samples[] = {
    {TOKEN_BOUNCE, 1, {0}},
    {TOKEN_BOUNCE, 1, {127}},
    {TOKEN_BOUNCE, 1, {128}},
    {TOKEN_VIEW, 1, {123456789}},
    {TOKEN_PREFS, 0, {0}},
    {TOKEN_RSVP, 2, {5, 0}},
    {TOKEN_DRAFT, 3, {5, ((uint64_t)1 << 60) - 1, (uint64_t)1 << 59}},
    {TOKEN_LEAVE, 4, {1, 2, 3, 4}},
    {TOKEN_LEAVE, 4, {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}},
    {TOKEN_LEAVE, 3, {(uint64_t)1 << 63, 16383, 16384}},
};

static void upper(char *text)
{
    for (; *text != '\0'; text++) {
        *text = (char)toupper((unsigned char)*text);
    }
}

static void assert_same(const struct token *a, const struct token *b)
{
    assert_int_equal(a->purpose, b->purpose);
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_true(a->ids[i] == b->ids[i]);
    }
}

static void test_a_token_is_read_back_in_any_case(void **state)
{
    struct token_key key = make_key(3);

    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        char text[TOKEN_TEXT];
        struct token token = {0};

        token_write(&key, &samples[i], text);
        assert_int_equal(strspn(text, base32), strlen(text));
        assert_int_equal(token_read(&key, samples[i].purpose, text, &token, NULL), 0);
        assert_same(&token, &samples[i]);
        upper(text);
        memset(&token, 0, sizeof(token));
        assert_int_equal(token_read(&key, samples[i].purpose, text, &token, NULL), 0);
        assert_same(&token, &samples[i]);
        text[1] = (char)tolower((unsigned char)text[1]);
        assert_int_equal(token_read(&key, samples[i].purpose, text, &token, NULL), 0);
    }
}

static void test_a_token_never_changes(void **state)
{
    struct token_key key = make_key(1);
    char text[TOKEN_TEXT];

    (void)state;
    token_write(&key, &(struct token){TOKEN_LEAVE, 4, {1042, 3, 1, 77}}, text);
    assert_string_equal(text, "aeazecadafgr7kzbb6ghcguncnea");
    token_write(&key, &(struct token){TOKEN_BOUNCE, 1, {20000}}, text);
    assert_string_equal(text, "aia2bhabhjdgeezx4pztlqfi");
}

static void test_a_bounce_address_stays_within_forty_octets(void **state)
{
    struct token_key key = make_key(255);
    char text[TOKEN_TEXT];

    (void)state;
    token_write(&key, &(struct token){TOKEN_BOUNCE, 1, {((uint64_t)1 << 56) - 1}}, text);
    assert_true(strlen("bounce-") + strlen(text) <= 40);
}

static void test_changing_any_character_is_noticed(void **state)
{
    struct token_key key = make_key(3);

    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        char text[TOKEN_TEXT];
        size_t len;

        token_write(&key, &samples[i], text);
        len = strlen(text);
        for (size_t at = 0; at < len; at++) {
            char was = text[at];

            for (const char *c = base32; *c != '\0'; c++) {
                struct token token = {.count = 9};
                struct err err = {0};

                text[at] = *c;
                if (*c == was) {
                    continue;
                }
                assert_int_equal(token_read(&key, samples[i].purpose, text, &token, &err),
                                 ERR_INVALID);
                assert_string_equal(err.msg, "the token is not valid");
                assert_int_equal(token.count, 9);
            }
            text[at] = was;
        }
    }
}

static void test_cutting_or_lengthening_is_noticed(void **state)
{
    struct token_key key = make_key(3);

    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        char text[TOKEN_TEXT];
        char longer[TOKEN_TEXT + 1];
        struct token token;
        size_t len;

        token_write(&key, &samples[i], text);
        len = strlen(text);
        for (const char *c = "a7=-. \n"; *c != '\0'; c++) {
            (void)snprintf(longer, sizeof(longer), "%s%c", text, *c);
            assert_int_equal(token_read(&key, samples[i].purpose, longer, &token, NULL),
                             ERR_INVALID);
            (void)snprintf(longer, sizeof(longer), "%c%s", *c, text);
            assert_int_equal(token_read(&key, samples[i].purpose, longer, &token, NULL),
                             ERR_INVALID);
        }
        while (len > 0) {
            text[--len] = '\0';
            assert_int_equal(token_read(&key, samples[i].purpose, text, &token, NULL), ERR_INVALID);
        }
    }
}

static void test_rubbish_is_refused(void **state)
{
    struct token_key key = make_key(3);
    char text[5000];
    struct token token;

    (void)state;
    for (size_t len = 0; len < sizeof(text) - 1; len += 1 + len / 8) {
        memset(text, 'a', len);
        text[len] = '\0';
        assert_int_equal(token_read(&key, TOKEN_LEAVE, text, &token, NULL), ERR_INVALID);
        memset(text, '7', len);
        assert_int_equal(token_read(&key, TOKEN_LEAVE, text, &token, NULL), ERR_INVALID);
    }
    assert_int_equal(token_read(&key, TOKEN_LEAVE, "\xC3\xB5un", &token, NULL), ERR_INVALID);
    assert_int_equal(token_read(&key, TOKEN_LEAVE, "0189", &token, NULL), ERR_INVALID);
    for (const char *c = "@[`{/189:"; *c != '\0'; c++) { /* beside the alphabet's ends */
        memset(text, 'a', 30);
        text[7] = *c;
        text[30] = '\0';
        assert_int_equal(token_read(&key, TOKEN_LEAVE, text, &token, NULL), ERR_INVALID);
    }
}

/* Made with the right key by whoever has it: only what is inside can be wrong. */
static void test_what_is_signed_must_still_make_sense(void **state)
{
    static const struct {
        const char *text;
        size_t count; /* ids, or 9 where it is refused */
        const char *what;
    } cases[] = {
        {"aebqtp4c75c2ozunep6q", 0, "no ids"},
        {"aebqcaqdaqeokc7wkzung4jukq", 4, "four ids"},
        {"aebqcaqdaqc6h4ieg5wkpfnsvqcq", 9, "five ids"},
        {"aebybgkz3nkiq3mc27j3m", 9, "an id that goes on, and no more bytes"},
        {"aebqd77767vqtm57ou6sivic", 9, "the same behind another id"},
        {"aeb777777777777774a7cjditn2cdhuetjaq", 1, "an id of ten bytes"},
        {"aeb7777777777777777qdqaa7zo6seqhypltc", 9, "an id of eleven bytes"},
        {"aetmfmenjsz36fsghq", 9, "no key's number"},
    };
    struct token_key key = make_key(3);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct token token = {.count = 9};
        int rc = token_read(&key, TOKEN_LEAVE, cases[i].text, &token, NULL);

        if (rc != (cases[i].count == 9 ? ERR_INVALID : 0) || token.count != cases[i].count) {
            fail_msg("%s: %d, %zu ids", cases[i].what, rc, token.count);
        }
    }
}

static void test_a_token_holds_so_many_ids_and_no_more(void **state)
{
    struct token_key key = make_key(3);
    struct token token = {TOKEN_LEAVE, TOKEN_IDS, {1, 2, 3, 4}};
    char text[TOKEN_TEXT];
    char more[TOKEN_TEXT];

    (void)state;
    token_write(&key, &token, text);
    token.count = TOKEN_IDS + 1;
    token_write(&key, &token, more);
    assert_string_equal(more, text);
}

static void test_another_purpose_or_key_is_refused(void **state)
{
    struct token_key key = make_key(3);
    struct token_key other_id = make_key(4);
    struct token_key other_secret = make_key(3);
    struct token leave = {TOKEN_LEAVE, 4, {1, 2, 3, 4}};
    struct token token;
    char text[TOKEN_TEXT];

    (void)state;
    other_secret.secret[31] ^= 1;
    token_write(&key, &leave, text);
    assert_int_equal(token_read(&key, TOKEN_LEAVE, text, &token, NULL), 0);
    assert_int_equal(token_read(&key, TOKEN_PREFS, text, &token, NULL), ERR_INVALID);
    assert_int_equal(token_read(&other_id, TOKEN_LEAVE, text, &token, NULL), ERR_INVALID);
    assert_int_equal(token_read(&other_secret, TOKEN_LEAVE, text, &token, NULL), ERR_INVALID);
}

static void test_random_text_has_its_length_and_alphabet(void **state)
{
    (void)state;
    for (size_t count = 0; count <= 100; count++) {
        char text[200];

        memset(text, 'X', sizeof(text));
        token_random(count, text);
        assert_int_equal(strlen(text), (count * 8 + 4) / 5);
        assert_int_equal(strspn(text, base32), strlen(text));
        assert_int_equal(text[strlen(text) + 1], 'X');
    }
}

static void test_random_is_not_the_same_twice(void **state)
{
    struct token_key a = {.id = 7};
    struct token_key b = {.id = 7};
    char first[64];
    char second[64];

    (void)state;
    token_random(20, first);
    token_random(20, second);
    assert_string_not_equal(first, second);
    token_key_make(&a);
    token_key_make(&b);
    assert_memory_not_equal(a.secret, b.secret, TOKEN_KEY);
    assert_int_equal(a.id, 7);
}

static void test_hashes_are_known_and_apart(void **state)
{
    struct token_key key = make_key(1);
    struct token_key other = make_key(1);
    char digest[33];
    char hash[33];
    char other_hash[33];

    (void)state;
    token_digest("", 0, digest);
    assert_string_equal(digest, "cae66941d9efbd404e4d88758ea67670"); /* BLAKE2b-128 of nothing */
    token_digest("abc", 3, digest);
    assert_string_equal(digest, "cf4ab791c62b8d2b2109c90275287816");
    token_hash(&key, "abc", 3, hash);
    assert_int_equal(strlen(hash), 32);
    assert_string_not_equal(hash, digest);
    other.secret[0] ^= 1;
    token_hash(&other, "abc", 3, other_hash);
    assert_string_not_equal(hash, other_hash);
}

/* The last test: nothing is random any more afterwards. */
static void test_fixed_random_repeats_itself(void **state)
{
    char first[3][64];
    char again[64];
    struct token_key a = {0};
    struct token_key b = {0};

    (void)state;
    token_fix_random(42);
    for (int i = 0; i < 3; i++) {
        token_random(16, first[i]);
    }
    token_key_make(&a);
    assert_string_not_equal(first[0], first[1]);
    assert_string_not_equal(first[1], first[2]);
    token_fix_random(42);
    for (int i = 0; i < 3; i++) {
        token_random(16, again);
        assert_string_equal(again, first[i]);
    }
    token_key_make(&b);
    assert_memory_equal(a.secret, b.secret, TOKEN_KEY);
    token_fix_random(43);
    token_random(16, again);
    assert_string_not_equal(again, first[0]);
}

static int init(void **state)
{
    (void)state;
    return token_init(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_is_read_back_in_any_case),
        cmocka_unit_test(test_a_token_never_changes),
        cmocka_unit_test(test_a_bounce_address_stays_within_forty_octets),
        cmocka_unit_test(test_changing_any_character_is_noticed),
        cmocka_unit_test(test_cutting_or_lengthening_is_noticed),
        cmocka_unit_test(test_rubbish_is_refused),
        cmocka_unit_test(test_what_is_signed_must_still_make_sense),
        cmocka_unit_test(test_a_token_holds_so_many_ids_and_no_more),
        cmocka_unit_test(test_another_purpose_or_key_is_refused),
        cmocka_unit_test(test_random_text_has_its_length_and_alphabet),
        cmocka_unit_test(test_random_is_not_the_same_twice),
        cmocka_unit_test(test_hashes_are_known_and_apart),
        cmocka_unit_test(test_fixed_random_repeats_itself),
    };

    return cmocka_run_group_tests_name("base/token", tests, init, NULL);
}
