/* Nearness of names: edit distance with swaps of neighbours. */
#include "teataja/base/suggest.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/utf8.h"

#define NANOSECONDS INT64_C(1000000000) /* of a second */

enum { ABBREVIATION = 3 }; /* fewest letters that may be the beginning of a name */

static _Thread_local int64_t second;  /* when the one that is counted in began, CPU time */
static _Thread_local uint32_t looked; /* at so many names since */

/* Code points with ASCII letters in lower case; 0 if there are too many. */
static size_t letters(const char *text, int32_t out[SUGGEST_NAME])
{
    size_t len = strlen(text), at = 0, count = 0;

    while (at < len) {
        int32_t code = utf8_next(text, len, &at);

        if (count == SUGGEST_NAME) {
            return 0;
        }
        out[count++] = code >= 'A' && code <= 'Z' ? code - 'A' + 'a' : code;
    }
    return count;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance(const int32_t *a, size_t a_len, const int32_t *b, size_t b_len)
{
    size_t rows[3][SUGGEST_NAME + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_len; j++) {
        before[j] = 0;
        last[j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t *reused = before;

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;

            row[j] = least(least(last[j] + 1, row[j - 1] + 1), last[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = least(row[j], before[j - 2] + 1);
            }
        }
        before = last;
        last = row;
        row = reused;
    }
    return last[b_len];
}

void suggest_start(struct suggest *suggest, const char *name)
{
    int64_t now = clock_thread_ticks();

    if (now - second >= NANOSECONDS) {
        second = now;
        looked = 0;
    }
    suggest->name = name;
    suggest->best = NULL;
    suggest->distance = 0;
    suggest->hint[0] = '\0';
}

void suggest_offer(struct suggest *suggest, const char *candidate)
{
    int32_t written[SUGGEST_NAME], offered[SUGGEST_NAME];
    size_t written_len, offered_len, allowed, found;

    if (!candidate || !suggest->name || looked >= LIMIT_SUGGESTIONS) {
        return;
    }
    looked++;
    written_len = letters(suggest->name, written);
    offered_len = letters(candidate, offered);
    if (written_len == 0 || offered_len == 0) {
        return;
    }
    /* Of two letters one may be wrong; a single letter says nothing. */
    allowed = written_len == 1 ? 0 : least(written_len < 3 ? 1 : written_len / 3, 3);
    if (written_len >= ABBREVIATION && written_len < offered_len &&
        memcmp(written, offered, written_len * sizeof(*written)) == 0) {
        found = least(offered_len - written_len, allowed); /* begun, and not ended */
    } else if (written_len > offered_len + allowed || offered_len > written_len + allowed) {
        return;
    } else {
        found = distance(written, written_len, offered, offered_len);
    }
    if (found <= allowed && (!suggest->best || found < suggest->distance)) {
        suggest->best = candidate;
        suggest->distance = found;
    }
}

const char *suggest_hint(struct suggest *suggest)
{
    if (suggest->best) {
        snprintf(suggest->hint, sizeof(suggest->hint), "; did you mean '%s'?", suggest->best);
    }
    return suggest->hint;
}

const char *suggest_nearest(const char *name, const char *const *names, size_t count)
{
    struct suggest suggest;

    suggest_start(&suggest, name);
    for (size_t i = 0; i < count; i++) {
        suggest_offer(&suggest, names[i]);
    }
    return suggest.best;
}
