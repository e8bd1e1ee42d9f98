/* teataja/members/leave_reason.h - why people left a list, in so far as they said.
 *
 * Kept without the member: something to learn from, and nothing to erase.
 */
#pragma once

#include <stddef.h>

#include "teataja/base/err.h"
#include "teataja/members/member.h"

#define LEAVE_REASON_TEXT 500 /* most characters (code points) of own words */

/* The reasons that a page offers, in its order; ends with NULL: "too_many", ... */
extern const char *const leave_reasons[];

/* Keeps a reason (one of leave_reasons, or NULL or "" for none) and own words (NULL or ""
 * for none); with neither, nothing is kept. Runs in the caller's transaction if there is
 * one. ERR_INVALID for another reason or words that are not UTF-8, ERR_LIMIT,
 * ERR_NOT_FOUND for the list. */
int leave_reason_add(const struct members *members, const char *list, const char *reason,
                     const char *text, struct err *err);
