/* Plain text in columns: no word is lost, and no line is too wide that could break.
 * The first byte gives the columns. */
#include "fuzz.h"

#include "teataja/base/limits.h"
#include "teataja/render/text.h"

/* The next character that is no place to break; -1 at the end. */
static int32_t next_of_word(const char *text, size_t len, size_t *at)
{
    while (*at < len) {
        int32_t code = utf8_next(text, len, at);

        if (code != ' ' && code != '\t' && code != '\n' && code != 0x200B) {
            return code;
        }
    }
    return -1;
}

static void check_wrap(const char *text, size_t len, size_t columns)
{
    const struct text_wrapping how = {.first = "", .next = "", .columns = columns};
    size_t in = 0;
    size_t at = 0;
    struct str out;
    int32_t code;

    str_init(&out, LIMIT_TEXT);
    text_wrap(&out, text, len, &how);
    FUZZ_CHECK(str_check(&out, NULL) == 0);
    do {
        code = next_of_word(text, len, &in);
        FUZZ_CHECK(next_of_word(out.data, out.len, &at) == code);
    } while (code >= 0);
    for (size_t from = 0; from < out.len;) {
        const char *line = out.data + from;
        const char *feed = memchr(line, '\n', out.len - from);

        FUZZ_CHECK(feed != NULL);
        if (text_width(line, (size_t)(feed - line)) > columns) {
            FUZZ_CHECK(memchr(line, ' ', (size_t)(feed - line)) == NULL);
        }
        from = (size_t)(feed - out.data) + 1;
    }
    str_release(&out);
}

/* Marks that no renderer wrote need not come out as they went in. */
static bool has_mark(const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        int32_t code = utf8_next(text, len, &at);

        if (code >= TEXT_OPEN_CODE && code <= TEXT_CLOSE_CODE) {
            return true;
        }
    }
    return false;
}

static void check_flow(const char *text, size_t len, size_t columns)
{
    struct str once;
    struct str twice;

    str_init(&once, LIMIT_TEXT);
    str_init(&twice, LIMIT_TEXT);
    text_flow(&once, text, len, columns);
    if (str_check(&once, NULL) < 0) {
        /* Long prefixes before many lines: more than a text may be. */
        FUZZ_CHECK(once.failed == ERR_LIMIT && len > 1000);
        goto out;
    }
    FUZZ_CHECK(utf8_is_valid(once.data, once.len, NULL));
    if (!has_mark(text, len)) {
        FUZZ_CHECK(once.len == 0 || once.data[0] != '\n');
        FUZZ_CHECK(strstr(once.data, "\n\n\n") == NULL);
        text_flow(&twice, once.data, once.len, columns);
        FUZZ_CHECK(str_check(&twice, NULL) == 0);
        FUZZ_CHECK(twice.len == once.len && memcmp(twice.data, once.data, once.len) == 0);
    }
out:
    str_release(&once);
    str_release(&twice);
}

static void check_clean(const char *text, size_t len)
{
    struct str out;

    str_init(&out, LIMIT_TEXT);
    text_clean(&out, text, len);
    FUZZ_CHECK(str_check(&out, NULL) == 0 && strstr(out.data, "  ") == NULL);
    for (size_t at = 0; at < out.len;) {
        int32_t code = utf8_next(out.data, out.len, &at);

        FUZZ_CHECK(code >= ' ' && code != 0x7F && !text_is_private(code));
    }
    str_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text;
    size_t columns;

    if (size == 0) {
        return 0;
    }
    columns = 20u + data[0] % 80u;
    text = (const char *)data + 1;
    size--;
    if (utf8_is_valid(text, size, NULL) && memchr(text, '\0', size) == NULL &&
        memchr(text, '\r', size) == NULL) {
        check_wrap(text, size, columns);
        check_flow(text, size, columns);
        check_clean(text, size);
    }
    return 0;
}
