/* Quoted-printable: what is encoded, in one piece or in two joined ones, decodes to
 * itself, and no line is one that a mail server would change. The first byte says
 * where the text is cut in two. */
#include "quoted.h"

#include "teataja/compose/qp.h"

/* The text with LF for CRLF, as it is decoded. */
static void plain_ends(const char *text, size_t len, struct str *out)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '\r' || i + 1 == len || text[i + 1] != '\n') {
            str_add_char(out, text[i]);
        }
    }
}

static void check_same(const struct str *encoded, const struct str *plain, bool ended)
{
    struct str decoded;

    str_init(&decoded, LIMIT_MESSAGE);
    quoted_decode(encoded->data, encoded->len, &decoded);
    FUZZ_CHECK(str_check(&decoded, NULL) == 0);
    if (ended && plain->len > 0 && plain->data[plain->len - 1] != '\n') {
        FUZZ_CHECK(decoded.len == plain->len + 1 && decoded.data[plain->len] == '\n');
        str_cut(&decoded, plain->len);
    }
    FUZZ_CHECK(decoded.len == plain->len && memcmp(decoded.data, plain->data, plain->len) == 0);
    str_release(&decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data + 1;
    struct str encoded;
    struct str plain;
    size_t cut;

    if (size == 0) {
        return 0;
    }
    size--;
    cut = size * data[0] / 255;
    if (cut > 0 && cut < size && text[cut - 1] == '\r' && text[cut] == '\n') {
        cut--; /* a line end is one thing: two of them would come of it */
    }
    str_init(&encoded, LIMIT_MESSAGE);
    str_init(&plain, LIMIT_MESSAGE);
    plain_ends(text, size, &plain);
    qp_encode(&encoded, text, size);
    FUZZ_CHECK(str_check(&encoded, NULL) == 0);
    check_same(&encoded, &plain, false);
    str_reset(&encoded);
    qp_encode(&encoded, text, cut);
    qp_join(&encoded, 0);
    qp_encode(&encoded, text + cut, size - cut);
    qp_end(&encoded, 0);
    check_same(&encoded, &plain, true);
    str_release(&encoded);
    str_release(&plain);
    return 0;
}
