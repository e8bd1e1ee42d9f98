/* suppression_key.h - suppression by folded address, inside of this room. */
#pragma once

#include "teataja/base/err.h"
#include "teataja/members/member.h"
#include "teataja/members/suppression.h"

#define SUPPRESSION_REASON 16 /* bytes of a reason's name, with NUL */

/* 1 and the reason if the folded address is suppressed, 0 if not, or negative. */
int suppression_reason(const struct members *members, const char *email_key,
                       char reason[SUPPRESSION_REASON], struct err *err);

/* Suppresses a folded address, and the member who has it. */
int suppression_add_key(const struct members *members, const char *email_key,
                        enum suppression_reason reason, const char *evidence, struct err *err);
