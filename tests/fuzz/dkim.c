/* DKIM: the fields of a header lie one behind the other; canonical forms do not depend on
 * how the bytes arrive, and the form of a form is itself; what is signed ends with what it
 * was. The first byte says where the body is cut in two. */
#include "fuzz.h"

#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/delivery/dkim.h"
#include "teataja/delivery/dkim_relaxed.h"

/* RFC 8463, appendix A. */
static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
                          "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
                          "-----END PRIVATE KEY-----\n";

static void collect(void *ctx, const void *bytes, size_t len)
{
    str_add_bytes(ctx, bytes, len);
}

static void relax(const char *text, size_t len, size_t cut, struct str *out)
{
    struct dkim_body body;

    dkim_body_start(&body, collect, out);
    dkim_body_add(&body, text, cut);
    dkim_body_add(&body, text + cut, len - cut);
    dkim_body_end(&body);
}

static bool is_same(const struct str *one, const struct str *two)
{
    return one->len == two->len && memcmp(one->data, two->data, one->len) == 0;
}

static void check_body(const char *text, size_t len, size_t cut)
{
    struct str whole, parts, again;

    str_init(&whole, LIMIT_MESSAGE);
    str_init(&parts, LIMIT_MESSAGE);
    str_init(&again, LIMIT_MESSAGE);
    relax(text, len, len, &whole);
    relax(text, len, cut, &parts);
    relax(whole.data, whole.len, whole.len, &again);
    FUZZ_CHECK(is_same(&whole, &parts));
    FUZZ_CHECK(is_same(&whole, &again));
    FUZZ_CHECK(whole.len <= len + 2);
    str_release(&whole);
    str_release(&parts);
    str_release(&again);
}

static void check_head(const char *text, size_t len)
{
    struct dkim_head head;
    struct err err = {0};
    struct str one, two;
    size_t at = 0;
    int rc = dkim_head_split(text, len, &head, &err);

    if (rc < 0) {
        fuzz_check_error(rc, &err);
        return;
    }
    str_init(&one, LIMIT_MESSAGE);
    str_init(&two, LIMIT_MESSAGE);
    for (size_t i = 0; i < head.count; i++) {
        FUZZ_CHECK(head.fields[i].text == text + at);
        FUZZ_CHECK(head.fields[i].name_len < head.fields[i].len);
        at += head.fields[i].len;
        str_reset(&one);
        str_reset(&two);
        dkim_field(head.fields[i].text, head.fields[i].len, &one);
        dkim_field(one.data, one.len, &two);
        FUZZ_CHECK(is_same(&one, &two));
    }
    FUZZ_CHECK(at <= head.len && head.len <= len);
    str_release(&one);
    str_release(&two);
}

static void check_signed(const char *text, size_t len)
{
    static struct site_dkim key = {.domain = "a.example", .selector = "s"};
    static struct dkim_signer signer = {.site = &key};
    static const struct site site = {.dkim = &key, .dkim_count = 1};
    static const struct dkim dkim = {.site = &site, .signers = &signer, .count = 1};
    struct err err = {0};
    struct str message;
    int rc;

    if (signer.key == NULL) {
        FUZZ_CHECK(dkim_key_read(pem, &signer.key, NULL) == 0);
    }
    str_init(&message, LIMIT_MESSAGE);
    str_add_bytes(&message, text, len);
    rc = dkim_sign(&dkim, INT64_C(1796108400) * CLOCK_SECOND, 0, &message, &err);
    if (rc < 0) {
        fuzz_check_error(rc, &err);
        FUZZ_CHECK(message.len == len);
    }
    FUZZ_CHECK(message.len >= len && memcmp(message.data + message.len - len, text, len) == 0);
    for (size_t at = 0; at < message.len - len;) {
        size_t line = (size_t)(strstr(message.data + at, "\r\n") - (message.data + at));

        FUZZ_CHECK(line > 0 && line <= LIMIT_FOLD);
        at += line + 2;
    }
    str_release(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size == 0) {
        return 0;
    }
    size--;
    text = fuzz_text(data + 1, size);
    check_body(text, size, size * data[0] / 255);
    check_head(text, size);
    check_signed(text, size);
    free(text);
    return 0;
}
