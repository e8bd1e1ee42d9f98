/* teataja/base/diff.h - what changed from one text to another, line by line.
 *
 * The shortest edit (E. Myers, "An O(ND) difference algorithm and its variations", 1986, in
 * linear space), printed in the unified format of POSIX diff -u: "-" what went, "+" what came,
 * " " lines around it, "@@ -1,4 +1,5 @@" before each group. Texts that differ in more than
 * some thousand lines are told as replaced where it would take too long to tell better.
 */
#pragma once

#include <stddef.h>

#include "teataja/base/err.h"
#include "teataja/base/str.h"

enum { DIFF_LINES = 200000 }; /* of both texts together */

/* Appends the difference to *out, nothing if there is none; `before` and `after` are names of
 * the texts for its first two lines. `context` lines stand around each change. Lines end with
 * LF; whether the last one does makes no difference. Returns how many lines went or came,
 * ERR_LIMIT, ERR_NOMEM. */
int diff_unified(const char *before, const char *old, const char *after, const char *new,
                 size_t context, struct str *out, struct err *err);
