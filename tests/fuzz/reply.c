/* Answers of mail servers: a reply is whole or not there, never a part of one, and
 * what the ledger keeps of it is printable. */
#include "fuzz.h"

#include "teataja/delivery/reply.h"

static void check_reply(const struct reply *reply)
{
    size_t len = strlen(reply->text);

    FUZZ_CHECK(reply->code >= 200 && reply->code <= 599);
    FUZZ_CHECK(len <= LIMIT_REPLY_KEPT && utf8_is_valid(reply->text, len, NULL));
    for (size_t i = 0; i < len; i++) {
        FUZZ_CHECK((unsigned char)reply->text[i] >= ' ' && reply->text[i] != 0x7F);
    }
    FUZZ_CHECK(strlen(reply->enhanced) < REPLY_ENHANCED);
    FUZZ_CHECK(strspn(reply->enhanced, "0123456789.") == strlen(reply->enhanced));
}

/* Bytes that arrive one by one make the same reply at the same place. */
static void check_growing(const char *bytes, size_t used)
{
    struct reply part;
    size_t at = 0;

    for (size_t len = 0; len<used; len += used> 2000 ? 97 : 1) {
        FUZZ_CHECK(reply_parse(bytes, len, &part, &at, NULL) == 0);
    }
    FUZZ_CHECK(reply_parse(bytes, used, &part, &at, NULL) == 1 && at == used);
}

static void check_lines(const char *bytes, size_t used)
{
    const char *text = NULL;
    size_t len = 0;
    size_t at = 0;
    size_t lines = 0;

    while (reply_line(bytes, used, &at, &text, &len)) {
        FUZZ_CHECK(text >= bytes && text + len <= bytes + used);
        FUZZ_CHECK(memchr(text, '\n', len) == NULL);
        lines++;
    }
    FUZZ_CHECK(at == used && lines > 0);
}

static void check_verdicts(const struct reply *reply)
{
    for (int stage = REPLY_CONNECTION; stage <= REPLY_DOT; stage++) {
        struct reply_verdict verdict =
            reply_classify((enum reply_stage)stage, reply, "mari@linn.example");

        FUZZ_CHECK(reply_disposition_name(verdict.disposition)[0] != '\0');
        FUZZ_CHECK(reply_class_name(verdict.class)[0] != '\0');
        FUZZ_CHECK((verdict.disposition == REPLY_SENT) ==
                   (stage == REPLY_DOT && reply->code < 300));
        if (verdict.suppress) {
            FUZZ_CHECK(verdict.disposition == REPLY_FAILED && verdict.counts);
            FUZZ_CHECK(verdict.class == REPLY_HARD && reply->code >= 500);
        }
        if (verdict.counts) {
            FUZZ_CHECK(stage == REPLY_RCPT || stage == REPLY_DOT);
            FUZZ_CHECK(verdict.class != REPLY_POLICY && reply->code >= 400 && reply->code != 421);
        }
        if (verdict.disposition == REPLY_FAILED) {
            FUZZ_CHECK(stage > REPLY_MAIL || stage == REPLY_MESSAGE);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    struct reply reply = {0};
    struct err err = {0};
    size_t used = 0;
    int rc = reply_parse(bytes, size, &reply, &used, &err);

    if (rc == 1) {
        FUZZ_CHECK(used > 0 && used <= size && used <= LIMIT_SMTP_REPLY);
        FUZZ_CHECK(memcmp(bytes + used - 2, "\r\n", 2) == 0);
        check_reply(&reply);
        check_growing(bytes, used);
        check_lines(bytes, used);
        check_verdicts(&reply);
    } else if (rc < 0) {
        FUZZ_CHECK(rc == ERR_PROTOCOL);
        fuzz_check_error(rc, &err);
    } else {
        FUZZ_CHECK(size <= LIMIT_SMTP_REPLY);
    }
    return 0;
}
