/* teataja/members/suppression.h - addresses that get nothing more.
 *
 * Kept as a keyed hash of the folded address, so that a suppression outlives the
 * member's erasure and a stolen database tells no addresses. A member whose
 * address is suppressed has the delivery state `suppressed`.
 */
#pragma once

#include <stdint.h>

#include "teataja/base/err.h"
#include "teataja/members/member.h"

enum suppression_reason {
    SUPPRESSION_HARD,      /* the mailbox does not exist */
    SUPPRESSION_COMPLAINT, /* reported as spam */
    SUPPRESSION_REQUEST,   /* the person asked to get nothing, or was erased */
    SUPPRESSION_MANUAL     /* staff */
};

/* "hard". */
const char *suppression_reason_name(enum suppression_reason reason);

/* Suppresses an address (any spelling), whether or not a member has it. A second
 * time changes nothing. `evidence` (may be NULL) holds no personal data. */
int suppression_add(const struct members *members, const char *email,
                    enum suppression_reason reason, const char *evidence, struct err *err);

/* Suppresses the present address of a member. */
int suppression_add_member(const struct members *members, int64_t member,
                           enum suppression_reason reason, const char *evidence, struct err *err);

/* Lifts it: the member is active again. ERR_NOT_FOUND if it is not suppressed. */
int suppression_lift(const struct members *members, const char *email, struct err *err);

/* 1 if the folded address is suppressed, 0 if not, or negative. */
int suppression_has(const struct members *members, const char *email_key, struct err *err);
