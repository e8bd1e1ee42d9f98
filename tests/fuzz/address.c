/* E-mail addresses: what is parsed can stand on the wire, and parses to itself. */
#include "fuzz.h"

#include "teataja/base/address.h"

static void check_wire(const char *text)
{
    size_t len = strlen(text);
    size_t signs = 0;

    FUZZ_CHECK(utf8_is_valid(text, len, NULL));
    for (size_t i = 0; i < len; i++) {
        FUZZ_CHECK((unsigned char)text[i] > ' ' && text[i] != 0x7F);
        FUZZ_CHECK(strchr("<>\"\\(),:;[]", text[i]) == NULL);
        signs += text[i] == '@';
    }
    FUZZ_CHECK(signs == 1);
}

static void check_address(const struct address *address)
{
    const char *domain = address_domain(address);
    struct address again = {0};
    struct err err = {0};

    check_wire(address->text);
    check_wire(address->key);
    FUZZ_CHECK(strlen(address->text) <= LIMIT_ADDRESS);
    FUZZ_CHECK((size_t)(domain - address->text) <= LIMIT_LOCAL_PART + 1);
    FUZZ_CHECK(strlen(domain) <= LIMIT_DOMAIN && strchr(domain, '.') != NULL);
    for (const char *at = domain; *at != '\0'; at++) {
        FUZZ_CHECK((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '-' ||
                   *at == '.');
    }
    FUZZ_CHECK(address_parse(address->text, &again, &err) == 0);
    FUZZ_CHECK(strcmp(again.text, address->text) == 0);
    FUZZ_CHECK(strcmp(again.key, address->key) == 0);
    FUZZ_CHECK(again.smtputf8 == address->smtputf8);
    (void)address_is_freemail(address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct address address = {0};
    struct err err = {0};
    int rc = address_parse(text, &address, &err);

    if (rc == 0) {
        check_address(&address);
    } else {
        FUZZ_CHECK(rc == ERR_INVALID && address.text[0] == '\0');
        fuzz_check_error(rc, &err);
    }
    free(text);
    return 0;
}
