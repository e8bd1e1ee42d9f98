/* Header fields: whatever a value says, one well-formed field comes of it that reads
 * as the value. The first line is an address, the rest a name or a subject. */
#include "fuzz.h"

#include "teataja/base/limits.h"
#include "teataja/compose/header.h"

/* The text as a field may show it: runs of white space and controls one space. */
static void expected_text(const char *text, struct str *out)
{
    size_t len = strlen(text);
    bool space = false;

    for (size_t at = 0; at < len;) {
        int32_t code = utf8_next(text, len, &at);

        if ((code >= 0 && code <= ' ') || (code >= 0x7F && code <= 0x9F) || code == 0x2028 ||
            code == 0x2029) {
            space = true;
            continue;
        }
        if (space && out->len > 0) {
            str_add_char(out, ' ');
        }
        space = false;
        utf8_add(out, code < 0 ? 0xFFFD : (uint32_t)code);
    }
}

/* One field: 7-bit, lines within their limits, every line but the first begins with
 * a space and is not only white space. Appends it unfolded, without its name. */
static void unfold(const struct str *field, const char *name, struct str *out)
{
    size_t prefix = strlen(name) + 2;

    FUZZ_CHECK(str_check(field, NULL) == 0);
    FUZZ_CHECK(str_ends_with(field, "\r\n") && field->len > prefix);
    FUZZ_CHECK(memcmp(field->data, name, prefix - 2) == 0 && field->data[prefix - 2] == ':');
    for (size_t at = 0; at < field->len;) {
        const char *line = field->data + at;
        const char *feed = memchr(line, '\n', field->len - at);
        size_t len;

        FUZZ_CHECK(feed != NULL && feed > line && feed[-1] == '\r');
        len = (size_t)(feed - line) - 1;
        FUZZ_CHECK(len <= LIMIT_HEADER_LINE);
        FUZZ_CHECK(at == 0 || (line[0] == ' ' && strspn(line, " \t") < len));
        for (size_t i = 0; i < len; i++) {
            FUZZ_CHECK(line[i] >= ' ' && line[i] < 0x7F);
        }
        str_add_bytes(out, at == 0 ? line + prefix : line, at == 0 ? len - prefix : len);
        at += len + 2;
    }
}

static int digit_of(char c, const char *digits)
{
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    FUZZ_CHECK(at != NULL);
    return (int)(at - digits);
}

static void decode_b(const char *text, size_t len, struct str *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    FUZZ_CHECK(len % 4 == 0);
    for (size_t i = 0; i < len; i += 4) {
        size_t bytes = text[i + 2] == '=' ? 1 : text[i + 3] == '=' ? 2 : 3;
        unsigned value = 0;

        FUZZ_CHECK(bytes == 3 || i + 4 == len);
        for (size_t k = 0; k < 4; k++) {
            value = value << 6 | (k <= bytes ? (unsigned)digit_of(text[i + k], digits) : 0);
        }
        for (size_t k = 0; k < bytes; k++) {
            str_add_char(out, (char)(value >> (16 - 8 * k) & 0xFF));
        }
    }
}

static void decode_q(const char *text, size_t len, struct str *out)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < len; i++) {
        FUZZ_CHECK(text[i] != ' ');
        if (text[i] == '=') {
            FUZZ_CHECK(i + 2 < len);
            str_add_char(
                out, (char)(digit_of(text[i + 1], digits) * 16 + digit_of(text[i + 2], digits)));
            i += 2;
        } else {
            str_add_char(out, text[i] == '_' ? ' ' : text[i]);
        }
    }
}

/* Decodes the encoded word at `at`; returns its length, 0 if there is none. */
static size_t decode_word(const char *at, struct str *out)
{
    struct str word;
    const char *end;

    if (strncmp(at, "=?UTF-8?", 8) != 0) {
        return 0;
    }
    end = strstr(at + 10, "?=");
    FUZZ_CHECK(at[9] == '?' && end != NULL);
    FUZZ_CHECK((size_t)(end - at) + 2 <= 75);
    str_init(&word, LIMIT_TEXT);
    (at[8] == 'B' ? decode_b : decode_q)(at + 10, (size_t)(end - at) - 10, &word);
    FUZZ_CHECK(at[8] == 'B' || at[8] == 'Q');
    FUZZ_CHECK(utf8_is_valid(word.data, word.len, NULL));
    str_add_bytes(out, word.data, word.len);
    str_release(&word);
    return (size_t)(end - at) + 2;
}

/* What a reader of mail shows for an unfolded value: RFC 2047 section 6. */
static void decode(const char *text, struct str *out)
{
    bool after_word = false;

    while (*text != '\0') {
        size_t spaces = strspn(text, " ");
        size_t word = 0;
        struct str own;

        str_init(&own, LIMIT_TEXT);
        word = decode_word(text + spaces, &own);
        if (word == 0 || !after_word) {
            str_add_bytes(out, text, spaces);
        }
        if (word == 0) {
            size_t plain = strcspn(text + spaces, " ");
            str_add_bytes(out, text + spaces, plain);
            text += spaces + plain;
        } else {
            str_add_bytes(out, own.data, own.len);
            text += spaces + word;
        }
        after_word = word > 0;
        str_release(&own);
    }
}

/* A quoted string or words, as what they stand for. */
static void unquote(struct str *text)
{
    struct str plain;

    if (text->len == 0 || text->data[0] != '"') {
        return;
    }
    FUZZ_CHECK(text->len >= 2 && text->data[text->len - 1] == '"');
    str_init(&plain, LIMIT_TEXT);
    for (size_t i = 1; i + 1 < text->len; i++) {
        FUZZ_CHECK(text->data[i] != '"');
        i += text->data[i] == '\\';
        FUZZ_CHECK(i + 1 < text->len);
        str_add_char(&plain, text->data[i]);
    }
    str_reset(text);
    str_add_bytes(text, plain.data, plain.len);
    str_release(&plain);
}

static void check_value(const struct str *field, const char *name, const char *text)
{
    struct str unfolded;
    struct str decoded;
    struct str expected;

    str_init(&unfolded, LIMIT_MESSAGE);
    str_init(&decoded, LIMIT_MESSAGE);
    str_init(&expected, LIMIT_MESSAGE);
    unfold(field, name, &unfolded);
    decode(unfolded.data, &decoded);
    expected_text(text, &expected);
    FUZZ_CHECK(strcmp(decoded.data, expected.data) == 0);
    str_release(&unfolded);
    str_release(&decoded);
    str_release(&expected);
}

/* `display <id>`, or the id alone. */
static void check_phrase(const struct str *field, const char *name, const char *display,
                         const char *id, bool bare)
{
    struct str value;
    struct str decoded;
    struct str expected;
    struct str angle;

    str_init(&value, LIMIT_MESSAGE);
    str_init(&decoded, LIMIT_MESSAGE);
    str_init(&expected, LIMIT_MESSAGE);
    str_init(&angle, LIMIT_MESSAGE);
    unfold(field, name, &value);
    expected_text(display, &expected);
    str_addf(&angle, bare && expected.len == 0 ? "%s" : "<%s>", id);
    FUZZ_CHECK(str_ends_with(&value, angle.data));
    str_cut(&value, value.len - angle.len);
    str_trim_end(&value);
    if (value.len > 0 && value.data[0] != '"') {
        FUZZ_CHECK(strpbrk(value.data, "<>\"@,;:\\()[]") == NULL);
        decode(value.data, &decoded);
    } else {
        str_add_bytes(&decoded, value.data, value.len);
        unquote(&decoded);
    }
    FUZZ_CHECK(strcmp(decoded.data, expected.data) == 0);
    str_release(&value);
    str_release(&decoded);
    str_release(&expected);
    str_release(&angle);
}

static void check_plain(const char *text)
{
    struct str unfolded;
    struct str field;
    size_t word = 0;

    for (const char *at = text; *at != '\0'; at++) {
        word = *at == ' ' ? 0 : word + 1;
        if (word > 900 || (*at == ' ' && (at[1] == ' ' || at[1] == '\0'))) {
            return; /* the program's own values are not so */
        }
    }
    str_init(&field, LIMIT_MESSAGE);
    str_init(&unfolded, LIMIT_MESSAGE);
    header_plain(&field, "X-Plain", text);
    unfold(&field, "X-Plain", &unfolded);
    FUZZ_CHECK(unfolded.len == strlen(text));
    str_release(&field);
    str_release(&unfolded);
}

static void check_mailbox(const char *text, const struct address *address)
{
    struct str field;

    str_init(&field, LIMIT_MESSAGE);
    header_mailbox(&field, "From", text, address);
    if (address->smtputf8) {
        FUZZ_CHECK(str_ends_with(&field, " :;\r\n"));
        str_cut(&field, field.len - 5);
        str_add(&field, "\r\n");
        check_value(&field, "From", address->text);
    } else {
        check_phrase(&field, "From", text, address->text, true);
    }
    str_release(&field);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line = fuzz_line(&data, &size);
    char *text = fuzz_text(data, size);
    struct address address = {0};
    struct str field;

    if (address_parse(line, &address, NULL) < 0) {
        FUZZ_CHECK(address_parse("office@cluster.example", &address, NULL) == 0);
    }
    str_init(&field, LIMIT_MESSAGE);
    header_text(&field, "Subject", text);
    check_value(&field, "Subject", text);
    str_reset(&field);
    header_phrase(&field, "List-Id", text, "funding.cluster.example");
    check_phrase(&field, "List-Id", text, "funding.cluster.example", false);
    str_release(&field);
    check_mailbox(text, &address);
    check_plain(text);
    free(text);
    free(line);
    return 0;
}
