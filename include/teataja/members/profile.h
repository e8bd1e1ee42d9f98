/* teataja/members/profile.h - what a letter to a member is made from. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/members/member.h"

/* All in one arena. Kind, sector and region are as the segment language sees
 * them: the organisation's region where the member has none, kinds and sectors of
 * both. */
struct member_profile {
    int64_t id;
    const char *uid;
    const char *email;
    const char *name;                    /* "" if none */
    enum language languages[LANG_COUNT]; /* in order of preference */
    size_t language_count;
    const char *tz;              /* the member's, else the site's */
    const char *region;          /* code; NULL if none */
    struct member_terms regions; /* that and every region and group it lies in */
    struct member_terms kinds;
    struct member_terms sectors;
    struct member_terms tags;
    const char *organisation; /* name; "" if none */
    const struct member_attr *attrs;
    size_t attr_count;
    int64_t epoch; /* for signed links */
    enum member_delivery delivery;
};

/* The profile of one member who is not erased. ERR_NOT_FOUND. */
int member_profile_get(const struct members *members, struct arena *arena, int64_t id,
                       struct member_profile *out, struct err *err);
