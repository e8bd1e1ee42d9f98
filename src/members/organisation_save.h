/* organisation_save.h - the part of a member's input that is the organisation's. */
#pragma once

#include <stdbool.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/members/member.h"

/* Finds or adds the organisation that *input names and writes its details.
 * *organisation is the member's present one (0: none) and becomes the one that
 * holds; *changed is set when anything was written. */
int organisation_save(const struct members *members, struct arena *arena,
                      const struct member_input *input, int64_t *organisation, bool *changed,
                      struct err *err);
