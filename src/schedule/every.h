/* The words behind `every`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/err.h"

enum { EVERY_WORD = 32, EVERY_WORDS = 64 };

struct every_word {
    char text[EVERY_WORD]; /* lower case */
    size_t column;         /* from 1, in characters */
};

/* Words, with commas as words of their own. ERR_LIMIT-like troubles are ERR_INVALID. */
struct every_words {
    struct every_word items[EVERY_WORDS];
    size_t count;
    size_t end; /* column behind the last */
};
int every_split(const char *text, struct every_words *out, size_t *column, struct err *err);

/* What a word stands for. */
enum every_class {
    EVERY_OTHER,
    EVERY_FILLER,   /* the, on, at, of, in, each */
    EVERY_JOIN,     /* and, comma */
    EVERY_TIME,     /* 09:00 */
    EVERY_NUMBER,   /* 2; "other" is 2 too */
    EVERY_ORDINAL,  /* first, 1st, last (-1) */
    EVERY_WEEKDAY,  /* 1 Monday to 7 Sunday */
    EVERY_WORKDAYS, /* weekday */
    EVERY_DAY,
    EVERY_WEEK,
    EVERY_MONTH,
    EVERY_QUARTER,
    EVERY_MONTH_NAME /* 1 to 12 */
};
enum every_class every_class(const char *word, int *value);

/* "; did you mean 'first'?" into `hint`, or "". */
void every_hint(const char *word, char *hint, size_t size);
