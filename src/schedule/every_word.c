/* every_word.c - the vocabulary of `every`. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "every.h"
#include "teataja/base/suggest.h"

static const struct {
    const char *text;
    enum every_class class;
    int value;
} vocabulary[] = {
    {"monday", EVERY_WEEKDAY, 1},
    {"tuesday", EVERY_WEEKDAY, 2},
    {"wednesday", EVERY_WEEKDAY, 3},
    {"thursday", EVERY_WEEKDAY, 4},
    {"friday", EVERY_WEEKDAY, 5},
    {"saturday", EVERY_WEEKDAY, 6},
    {"sunday", EVERY_WEEKDAY, 7},
    {"mon", EVERY_WEEKDAY, 1},
    {"tue", EVERY_WEEKDAY, 2},
    {"wed", EVERY_WEEKDAY, 3},
    {"thu", EVERY_WEEKDAY, 4},
    {"fri", EVERY_WEEKDAY, 5},
    {"sat", EVERY_WEEKDAY, 6},
    {"sun", EVERY_WEEKDAY, 7},
    {"weekday", EVERY_WORKDAYS, 0},
    {"day", EVERY_DAY, 0},
    {"days", EVERY_DAY, 0},
    {"week", EVERY_WEEK, 0},
    {"weeks", EVERY_WEEK, 0},
    {"month", EVERY_MONTH, 0},
    {"months", EVERY_MONTH, 0},
    {"quarter", EVERY_QUARTER, 0},
    {"first", EVERY_ORDINAL, 1},
    {"second", EVERY_ORDINAL, 2},
    {"third", EVERY_ORDINAL, 3},
    {"fourth", EVERY_ORDINAL, 4},
    {"fifth", EVERY_ORDINAL, 5},
    {"last", EVERY_ORDINAL, -1},
    {"other", EVERY_NUMBER, 2},
    {"and", EVERY_JOIN, 0},
    {",", EVERY_JOIN, 0},
    {"the", EVERY_FILLER, 0},
    {"on", EVERY_FILLER, 0},
    {"at", EVERY_FILLER, 0},
    {"of", EVERY_FILLER, 0},
    {"in", EVERY_FILLER, 0},
    {"each", EVERY_FILLER, 0},
    {"every", EVERY_FILLER, 0},
    {"january", EVERY_MONTH_NAME, 1},
    {"february", EVERY_MONTH_NAME, 2},
    {"march", EVERY_MONTH_NAME, 3},
    {"april", EVERY_MONTH_NAME, 4},
    {"may", EVERY_MONTH_NAME, 5},
    {"june", EVERY_MONTH_NAME, 6},
    {"july", EVERY_MONTH_NAME, 7},
    {"august", EVERY_MONTH_NAME, 8},
    {"september", EVERY_MONTH_NAME, 9},
    {"october", EVERY_MONTH_NAME, 10},
    {"november", EVERY_MONTH_NAME, 11},
    {"december", EVERY_MONTH_NAME, 12},
};
enum { VOCABULARY = sizeof(vocabulary) / sizeof(vocabulary[0]) };

static size_t character_length(const char *text)
{
    size_t len = 1;

    while (((unsigned char)text[len] & 0xc0) == 0x80) {
        len++;
    }
    return len;
}

/* Adds the character at *at to the word; moves past it. */
static void take_character(struct every_word *word, size_t *len, const char **at, size_t *column)
{
    size_t bytes = character_length(*at);

    if (*len + bytes < sizeof(word->text)) {
        for (size_t i = 0; i < bytes; i++) {
            word->text[(*len)++] = (char)(bytes == 1 ? tolower((unsigned char)**at) : (*at)[i]);
        }
    }
    *at += bytes;
    *column += 1;
}

int every_split(const char *text, struct every_words *out, size_t *column, struct err *err)
{
    const char *at = text;
    size_t here = 1;

    memset(out, 0, sizeof(*out));
    while (*at != '\0') {
        struct every_word *word = &out->items[out->count];
        size_t len = 0;

        if (*at == ' ' || *at == '\t') {
            at++;
            here++;
            continue;
        }
        *column = here;
        if (out->count == EVERY_WORDS) {
            return err_set(err, ERR_INVALID, "more than %d words", EVERY_WORDS);
        }
        word->column = here;
        out->count++;
        if (*at == ',') {
            take_character(word, &len, &at, &here);
            continue;
        }
        while (*at != '\0' && strchr(" \t,", *at) == NULL) {
            take_character(word, &len, &at, &here);
        }
    }
    out->end = here;
    return 0;
}

/* "1st", "2nd", "3rd", "15th"; the ending must be the number's own. */
static bool read_ordinal(const char *word, size_t digits, int number)
{
    const char *ending = "th";

    if (number / 10 != 1) {
        ending = number % 10 == 1 ? "st" : number % 10 == 2 ? "nd" : number % 10 == 3 ? "rd" : "th";
    }
    return strcmp(word + digits, ending) == 0;
}

static enum every_class number_class(const char *word, size_t digits, int *value)
{
    *value = digits <= 4 ? (int)strtol(word, NULL, 10) : 10000;
    if (word[digits] == '\0') {
        return EVERY_NUMBER;
    }
    if (word[digits] == ':') {
        return EVERY_TIME;
    }
    return read_ordinal(word, digits, *value) ? EVERY_ORDINAL : EVERY_OTHER;
}

enum every_class every_class(const char *word, int *value)
{
    size_t digits = strspn(word, "0123456789");

    *value = 0;
    if (digits > 0) {
        return number_class(word, digits, value);
    }
    for (size_t i = 0; i < VOCABULARY; i++) {
        if (strcmp(vocabulary[i].text, word) == 0) {
            *value = vocabulary[i].value;
            return vocabulary[i].class;
        }
    }
    return EVERY_OTHER;
}

void every_hint(const char *word, char *hint, size_t size)
{
    struct suggest suggest;

    suggest_start(&suggest, word);
    for (size_t i = 0; i < VOCABULARY; i++) {
        suggest_offer(&suggest, vocabulary[i].text);
    }
    (void)snprintf(hint, size, "%s", suggest_hint(&suggest));
}
