/* member_value.h - one value as people write it, checked and in its stored form.
 *
 * Shared by the fields of members and by the values of segments, so that both
 * mean the same. Results are in the arena or in the configuration.
 */
#pragma once

#include <stdbool.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/config/config.h"

enum member_vocabulary { MEMBER_KINDS, MEMBER_SECTORS, MEMBER_TAGS };

/* "kind", "sector", "tag": as in the table member_term, and in messages. */
const char *member_vocabulary_name(enum member_vocabulary vocabulary);

/* The folded form that is compared. */
int member_value_fold(struct arena *arena, const char *text, const char **out, struct err *err);

/* The code of a region or group. */
int member_value_region(const struct config *config, const char *text, const char **code,
                        struct err *err);

/* The slug of a term. A vocabulary that the site does not declare takes any: the
 * folded text with '-' for spaces. */
int member_value_term(const struct config *config, struct arena *arena,
                      enum member_vocabulary vocabulary, const char *text, const char **slug,
                      struct err *err);

/* One of the ten languages by tag ("et", "et-EE"), English name or own name. */
int member_value_language(struct arena *arena, const char *text, enum language *out,
                          struct err *err);

/* An IANA name. */
int member_value_zone(struct arena *arena, const char *text, const char **tzid, struct err *err);

/* A date as days since 1970-01-01, and its normal text. */
int member_value_date(struct arena *arena, const char *text, const char **normal, int64_t *days,
                      struct err *err);

/* The instant at which a day starts in the site's zone. */
int member_value_day(const struct config *config, int64_t days, int64_t *instant, struct err *err);

/* A value of a free attribute. */
struct member_attr_value {
    const char *text; /* normal form */
    const char *fold;
    bool has_num;
    double num; /* an int; days since 1970-01-01 of a date */
};
int member_value_attr(struct arena *arena, const struct site_attribute *attribute, const char *text,
                      struct member_attr_value *out, struct err *err);
