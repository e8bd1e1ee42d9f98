/* teataja/members/organisation.h - whom members work for; several may share one.
 *
 * Organisations come and change with members' fields (member_input). One is known
 * by its registry code, or without one by its folded name.
 */
#pragma once

#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/members/member.h"

/* Absent texts are NULL. */
struct organisation {
    int64_t id;
    const char *registry_code; /* in its country's business register */
    const char *name;
    const char *kind;   /* slug */
    const char *region; /* code */
    const char *web;
    struct member_terms sectors;
    int64_t member_count; /* who are not erased */
};

/* ERR_NOT_FOUND. */
int organisation_get(const struct members *members, struct arena *arena, int64_t id,
                     struct organisation *out, struct err *err);

/* By id, registry code or folded name. ERR_NOT_FOUND. */
int organisation_find(const struct members *members, struct arena *arena, const char *which,
                      struct organisation *out, struct err *err);

/* All, by name, in the arena. */
int organisation_list(const struct members *members, struct arena *arena, struct organisation **out,
                      size_t *count, struct err *err);
