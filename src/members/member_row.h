/* member_row.h - a member as the statement member_row gives it. */
#pragma once

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/members/member.h"

/* A member without attributes: 1, 0 if there is no such row, or negative. */
int member_row_read(const struct members *members, struct arena *arena, int64_t id,
                    struct member *out, struct err *err);

/* "et ru" as languages; returns how many. */
size_t member_row_languages(const char *text, enum language languages[LANG_COUNT]);

/* "design music" as terms in the arena; false when out of memory. */
bool member_row_terms(struct arena *arena, const char *text, struct member_terms *out);

/* The attributes of a member. */
int member_row_attrs(const struct members *members, struct arena *arena, int64_t id,
                     const struct member_attr **out, size_t *count, struct err *err);
