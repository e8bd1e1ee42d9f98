/* utf8.c - see teataja/base/utf8.h. */
#include "teataja/base/utf8.h"

#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "teataja/base/mem.h"

/* Deeper than the Unicode Bidirectional Algorithm goes (UAX 9, BD2). */
#define BIDI_DEPTH 125

int32_t utf8_next(const char *text, size_t len, size_t *at)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t start = *at;
    unsigned char lead = bytes[start];
    unsigned char least = 0x80; /* bounds of the second byte */
    unsigned char most = 0xBF;
    size_t more;
    uint32_t code;

    *at = start + 1;
    if (lead < 0x80) {
        return lead;
    }
    if (lead >= 0xC2 && lead <= 0xDF) {
        more = 1;
        code = lead & 0x1FU;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        more = 2;
        code = lead & 0x0FU;
        least = lead == 0xE0 ? 0xA0 : 0x80;
        most = lead == 0xED ? 0x9F : 0xBF;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        more = 3;
        code = lead & 0x07U;
        least = lead == 0xF0 ? 0x90 : 0x80;
        most = lead == 0xF4 ? 0x8F : 0xBF;
    } else {
        return -1;
    }
    if (len - start <= more) {
        return -1;
    }
    for (size_t i = 1; i <= more; i++) {
        unsigned char next = bytes[start + i];

        if (next < least || next > most) {
            return -1;
        }
        code = code << 6 | (next & 0x3FU);
        least = 0x80;
        most = 0xBF;
    }
    *at = start + more + 1;
    return (int32_t)code;
}

void utf8_add(struct str *out, uint32_t code)
{
    char bytes[4];
    size_t len;

    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
        code = 0xFFFD;
    }
    if (code < 0x80) {
        bytes[0] = (char)code;
        len = 1;
    } else if (code < 0x800) {
        bytes[0] = (char)(0xC0 | code >> 6);
        bytes[1] = (char)(0x80 | (code & 0x3F));
        len = 2;
    } else if (code < 0x10000) {
        bytes[0] = (char)(0xE0 | code >> 12);
        bytes[1] = (char)(0x80 | (code >> 6 & 0x3F));
        bytes[2] = (char)(0x80 | (code & 0x3F));
        len = 3;
    } else {
        bytes[0] = (char)(0xF0 | code >> 18);
        bytes[1] = (char)(0x80 | (code >> 12 & 0x3F));
        bytes[2] = (char)(0x80 | (code >> 6 & 0x3F));
        bytes[3] = (char)(0x80 | (code & 0x3F));
        len = 4;
    }
    str_add_bytes(out, bytes, len);
}

bool utf8_is_valid(const char *text, size_t len, size_t *bad)
{
    size_t at = 0;

    while (at < len) {
        size_t start = at;

        if (utf8_next(text, len, &at) < 0) {
            if (bad != NULL) {
                *bad = start;
            }
            return false;
        }
    }
    return true;
}

size_t utf8_length(const char *text, size_t len)
{
    size_t count = 0;

    for (size_t i = 0; i < len; i++) {
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    }
    return count;
}

/* Controls but tab, LF and CR, for which the place decides. */
static bool is_control(int32_t code)
{
    return (code < 0x20 && code != '\t' && code != '\n' && code != '\r') ||
           (code >= 0x7F && code <= 0x9F) || code == 0x2028 || code == 0x2029;
}

bool utf8_is_private(int32_t code)
{
    return (code >= 0xE000 && code <= 0xF8FF) || code >= 0xF0000;
}

bool utf8_has_private(const char *text, size_t len)
{
    size_t at = 0;

    while (at < len) {
        if (utf8_is_private(utf8_next(text, len, &at))) {
            return true;
        }
    }
    return false;
}

/* The bidirectional controls that are open, innermost last (UAX 9). */
struct bidi {
    size_t depth;
    bool isolate[BIDI_DEPTH];
};

/* False when it nests deeper than any display supports. */
static bool bidi_step(struct bidi *bidi, int32_t code)
{
    size_t depth = bidi->depth;

    if (code == 0x202A || code == 0x202B || code == 0x202D || code == 0x202E ||
        (code >= 0x2066 && code <= 0x2068)) {
        if (depth == BIDI_DEPTH) {
            return false;
        }
        bidi->isolate[depth] = code >= 0x2066;
        bidi->depth++;
    } else if (code == 0x202C) {
        if (depth > 0 && !bidi->isolate[depth - 1]) {
            bidi->depth--;
        }
    } else if (code == 0x2069) {
        /* The end of an isolate ends the embeddings inside it. */
        while (depth > 0 && !bidi->isolate[depth - 1]) {
            depth--;
        }
        if (depth > 0) {
            bidi->depth = depth - 1;
        }
    }
    return true;
}

bool utf8_has_control(const char *text, size_t len)
{
    struct bidi bidi = {0};
    size_t at = 0;

    while (at < len) {
        int32_t code = utf8_next(text, len, &at);

        if (code < 0 || is_control(code) || !bidi_step(&bidi, code)) {
            return true;
        }
        if (code == '\r' && (at == len || text[at] != '\n')) {
            return true;
        }
        /* A line's end ends every embedding, closed or not. */
        if (code == '\n' && bidi.depth > 0) {
            return true;
        }
    }
    return bidi.depth > 0;
}

/* Appends UTF-16 text with runs of white space made one space, ends trimmed. */
static void add_collapsed(struct str *out, const UChar *text, int32_t len)
{
    bool pending = false;
    bool any = false;
    int32_t at = 0;

    while (at < len) {
        uint32_t code = text[at++];

        if (U16_IS_LEAD(code) && at < len) {
            code = 0x10000 + ((code - 0xD800) << 10) + (text[at++] - 0xDC00U);
        }
        if (u_isUWhiteSpace((UChar32)code)) {
            pending = any;
            continue;
        }
        if (pending) {
            str_add_char(out, ' ');
            pending = false;
        }
        utf8_add(out, code);
        any = true;
    }
}

static bool is_ascii(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

/* Most text is ASCII, for which folding is lower case: no detour by UTF-16. */
static void fold_ascii(const char *text, size_t len, struct str *out)
{
    bool pending = false;
    bool any = false;

    str_reserve(out, 0);
    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            pending = any;
            continue;
        }
        if (pending) {
            str_add_char(out, ' ');
            pending = false;
        }
        if (c >= 'A' && c <= 'Z') {
            c = (char)(c - 'A' + 'a');
        }
        str_add_char(out, c);
        any = true;
    }
}

/* Normalises into *folded, which the caller frees. */
static int fold_utf16(const UChar *wide, int32_t wide_len, UChar **folded, int32_t *folded_len,
                      struct err *err)
{
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2 *fold = unorm2_getNFKCCasefoldInstance(&status);
    int32_t room = wide_len + 16;

    if (U_FAILURE(status)) {
        return err_set(err, ERR_IO, "the Unicode library has no case folding: %s",
                       u_errorName(status));
    }
    *folded = mem_alloc((size_t)room, sizeof(UChar));
    if (*folded == NULL) {
        return err_nomem(err);
    }
    *folded_len = unorm2_normalize(fold, wide, wide_len, *folded, room, &status);
    if (status == U_BUFFER_OVERFLOW_ERROR) {
        /* Some characters fold to many: the first try has told how much room it takes. */
        room = *folded_len;
        mem_free(*folded);
        *folded = mem_alloc((size_t)room, sizeof(UChar));
        if (*folded == NULL) {
            return err_nomem(err);
        }
        status = U_ZERO_ERROR;
        *folded_len = unorm2_normalize(fold, wide, wide_len, *folded, room, &status);
    }
    if (U_FAILURE(status)) {
        return status == U_MEMORY_ALLOCATION_ERROR
                   ? err_nomem(err)
                   : err_set(err, ERR_INVALID, "text cannot be folded: %s", u_errorName(status));
    }
    return 0;
}

int utf8_fold(const char *text, size_t len, struct str *out, struct err *err)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar *wide = NULL;
    UChar *folded = NULL;
    int32_t wide_len = 0;
    int32_t folded_len = 0;
    size_t bad = 0;
    int rc;

    if (is_ascii(text, len)) {
        fold_ascii(text, len, out);
        return str_check(out, err);
    }
    if (!utf8_is_valid(text, len, &bad)) {
        return err_set(err, ERR_INVALID, "text is not UTF-8 at byte %zu", bad + 1);
    }
    if (len > INT32_MAX / 64) {
        return err_set(err, ERR_LIMIT, "text is longer than %d bytes", INT32_MAX / 64);
    }
    wide = mem_alloc(len, sizeof(UChar));
    if (wide == NULL) {
        return err_nomem(err);
    }
    u_strFromUTF8(wide, (int32_t)len, &wide_len, text, (int32_t)len, &status);
    rc = fold_utf16(wide, wide_len, &folded, &folded_len, err);
    if (rc == 0) {
        add_collapsed(out, folded, folded_len);
        rc = str_check(out, err);
    }
    mem_free(folded);
    mem_free(wide);
    return rc;
}

size_t utf8_prefix(const char *text, size_t len, size_t max)
{
    size_t at = max;

    if (max >= len) {
        return len;
    }
    while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80) {
        at--;
    }
    return at;
}

void utf8_clean(char *text)
{
    size_t len = strlen(text);
    size_t at = 0;
    size_t out = 0;

    while (at < len) {
        size_t start = at;
        int32_t code = utf8_next(text, len, &at);

        if (code == '\t' || code == '\n' || code == '\r') {
            text[out++] = ' ';
        } else if (code < 0 || is_control(code)) {
            text[out++] = '?';
        } else {
            memmove(text + out, text + start, at - start);
            out += at - start;
        }
    }
    text[out] = '\0';
}
