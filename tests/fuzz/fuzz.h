/* fuzz.h - what the fuzz targets share. Bytes arrive in blocks of exactly their
 * size, so that AddressSanitizer sees every step over an end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "teataja/base/err.h"
#include "teataja/base/report.h"
#include "teataja/base/utf8.h"

/* What libFuzzer, and replay.c in the ordinary build, call with each input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that holds for every input. */
#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* A copy with a NUL behind it; the caller frees it. */
static inline char *fuzz_text(const void *data, size_t len)
{
    char *text = malloc(len + 1);

    FUZZ_CHECK(text != NULL);
    if (len > 0) {
        memcpy(text, data, len);
    }
    text[len] = '\0';
    return text;
}

/* Cuts the first line off the input, without its LF; the caller frees it. */
static inline char *fuzz_line(const uint8_t **data, size_t *size)
{
    const uint8_t *feed = *size > 0 ? memchr(*data, '\n', *size) : NULL;
    size_t len = feed != NULL ? (size_t)(feed - *data) : *size;
    char *line = fuzz_text(*data, len);

    len += feed != NULL ? 1 : 0;
    *data += len;
    *size -= len;
    return line;
}

/* An error can be shown: it has its code, and words without controls. */
static inline void fuzz_check_error(int rc, const struct err *err)
{
    size_t len = strlen(err->msg);

    FUZZ_CHECK(rc < 0 && err->code == rc);
    FUZZ_CHECK(len > 0 && utf8_is_valid(err->msg, len, NULL));
    for (size_t i = 0; i < len; i++) {
        FUZZ_CHECK((unsigned char)err->msg[i] >= ' ' && err->msg[i] != 0x7F);
    }
}

/* How many lines a text has, which YAML ends at CR, U+0085, U+2028 and U+2029 too. */
static inline int fuzz_lines(const char *text, size_t len)
{
    int lines = 1;

    for (size_t at = 0; at < len;) {
        int32_t code = utf8_next(text, len, &at);

        lines += code == '\n' || code == '\r' || code == 0x85 || code == 0x2028 || code == 0x2029;
    }
    return lines;
}

/* Problems stand where the text is: on a line that it has. */
static inline void fuzz_check_report(struct report *report, const char *text, size_t len)
{
    const struct problem *problem = NULL;
    int lines = fuzz_lines(text, len);

    for (size_t i = 0; (problem = report_get(report, i)) != NULL; i++) {
        FUZZ_CHECK(problem->line >= 0 && problem->line <= lines + 1);
        FUZZ_CHECK(problem->column >= 0 && (size_t)problem->column <= len + 2);
        FUZZ_CHECK(problem->message[0] != '\0');
        FUZZ_CHECK(utf8_is_valid(problem->message, strlen(problem->message), NULL));
    }
}
