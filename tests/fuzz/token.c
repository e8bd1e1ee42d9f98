/* Signed tokens: nothing is taken but what was written with the key, in any case.
 * The first byte is the purpose, the next 32 are ids, the rest is a forged text. */
#include "fuzz.h"

#include <ctype.h>
#include <strings.h>

#include "teataja/base/token.h"

static const struct token_key key = {.id = 3, .secret = "a key of thirty-two bytes, fixed"};

static void check_same(const struct token *token, const char *text)
{
    struct token read = {0};

    FUZZ_CHECK(token_read(&key, token->purpose, text, &read, NULL) == 0);
    FUZZ_CHECK(read.purpose == token->purpose && read.count == token->count);
    FUZZ_CHECK(memcmp(read.ids, token->ids, token->count * sizeof(read.ids[0])) == 0);
}

/* One character changed, one more, one less: never a token. */
static void check_changed(const struct token *token, const char *text, unsigned where, char with)
{
    char changed[TOKEN_TEXT + 1];
    size_t len = strlen(text);
    size_t at = where % len;
    struct token read = {0};

    memcpy(changed, text, len + 1);
    changed[at] = with;
    if (tolower((unsigned char)with) != text[at]) {
        FUZZ_CHECK(token_read(&key, token->purpose, changed, &read, NULL) == ERR_INVALID);
    }
    memcpy(changed, text, len);
    changed[len] = with;
    changed[len + 1] = '\0';
    if (with != '\0') {
        FUZZ_CHECK(token_read(&key, token->purpose, changed, &read, NULL) == ERR_INVALID);
    }
    changed[len - 1] = '\0';
    FUZZ_CHECK(token_read(&key, token->purpose, changed, &read, NULL) == ERR_INVALID);
}

/* A text that is taken is one that we wrote: the fuzzer may have seen it do so. */
static void check_forged(enum token_purpose purpose, const char *forged)
{
    struct token read = {0};
    struct err err = {0};
    char text[TOKEN_TEXT];
    int rc = token_read(&key, purpose, forged, &read, &err);

    if (rc == 0) {
        token_write(&key, &read, text);
        FUZZ_CHECK(strcasecmp(forged, text) == 0);
    } else {
        FUZZ_CHECK(rc == ERR_INVALID);
        fuzz_check_error(rc, &err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct token token = {.purpose = TOKEN_LEAVE, .count = TOKEN_IDS};
    char text[TOKEN_TEXT];
    char *forged = NULL;
    size_t ids = sizeof(token.ids);

    FUZZ_CHECK(token_init(NULL) == 0);
    if (size > 0) {
        token.purpose = (enum token_purpose)(data[0] % 5 + 1);
        token.count = data[0] / 5 % (TOKEN_IDS + 1);
        data++;
        size--;
    }
    ids = size < ids ? size : ids;
    if (ids > 0) {
        memcpy(token.ids, data, ids);
    }
    token_write(&key, &token, text);
    check_same(&token, text);
    check_changed(&token, text, ids > 0 ? data[0] : 0, ids > 1 ? (char)data[1] : 'z');
    for (char *at = text; *at != '\0'; at++) {
        *at = (char)toupper((unsigned char)*at);
    }
    check_same(&token, text);
    forged = fuzz_text(data + ids, size - ids);
    check_forged(token.purpose, forged);
    free(forged);
    return 0;
}
