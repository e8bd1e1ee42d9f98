#include "member_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "language_word.h"
#include "teataja/base/civil.h"
#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/base/suggest.h"
#include "teataja/base/utf8.h"
#include "teataja/calendar/zone.h"

const char *member_vocabulary_name(enum member_vocabulary vocabulary)
{
    static const char *const names[] = {"kind", "sector", "tag"};

    return names[vocabulary];
}

int member_value_fold(struct arena *arena, const char *text, const char **out, struct err *err)
{
    struct str fold;
    char *copy = NULL;
    int rc = 0;

    str_init(&fold, (size_t)LIMIT_VALUE * 4);
    rc = utf8_fold(text, strlen(text), &fold, err);
    if (rc == 0) {
        rc = str_check(&fold, err);
    }
    if (rc == 0 && (copy = arena_strndup(arena, fold.data, fold.len)) == NULL) {
        rc = err_nomem(err);
    }
    *out = copy;
    str_release(&fold);
    return copy != NULL ? 0 : rc < 0 ? rc : ERR_NOMEM;
}

int member_value_region(const struct config *config, const char *text, const char **code,
                        struct err *err)
{
    struct err own = {0};
    const struct region *region = region_find(&config->regions, text, &own);
    struct suggest suggest;

    if (region != NULL) {
        *code = region->code;
        return 0;
    }
    if (own.code == ERR_NOMEM) {
        return err_nomem(err);
    }
    suggest_start(&suggest, text);
    region_suggest(&config->regions, &suggest);
    return err_set(err, ERR_INVALID, "no region '%.100s'%s", text, suggest_hint(&suggest));
}

static const struct vocabulary *member_vocabulary(const struct config *config,
                                                  enum member_vocabulary vocabulary)
{
    switch (vocabulary) {
    case MEMBER_KINDS:
        return &config->site.vocabularies.kinds;
    case MEMBER_SECTORS:
        return &config->site.vocabularies.sectors;
    case MEMBER_TAGS:
        break;
    }
    return &config->site.vocabularies.tags;
}

int member_value_term(const struct config *config, struct arena *arena,
                      enum member_vocabulary vocabulary, const char *text, const char **slug,
                      struct err *err)
{
    const struct vocabulary *declared = member_vocabulary(config, vocabulary);
    const struct schema_term *term = NULL;
    struct err own = {0};
    struct suggest suggest;
    char *free_term = NULL;
    int rc = 0;

    if (declared->count > 0) {
        term = site_term_find(declared, text, &own);
        if (term != NULL) {
            *slug = term->slug;
            return 0;
        }
        if (own.code == ERR_NOMEM) {
            return err_nomem(err);
        }
        return err_set(err, ERR_INVALID, "no %s '%.100s'%s", member_vocabulary_name(vocabulary),
                       text, site_term_hint(declared, text, &suggest));
    }
    rc = member_value_fold(arena, text, slug, err);
    if (rc < 0) {
        return rc;
    }
    free_term = arena_strdup(arena, *slug);
    if (free_term == NULL) {
        return err_nomem(err);
    }
    for (char *at = free_term; *at != '\0'; at++) {
        *at = *at == ' ' ? '-' : *at;
    }
    *slug = free_term;
    if (strlen(free_term) > LIMIT_SLUG || utf8_has_control(free_term, strlen(free_term)) ||
        *free_term == '\0') {
        return err_set(err, ERR_INVALID, "'%.100s' cannot be a %s: it is empty or too long", text,
                       member_vocabulary_name(vocabulary));
    }
    return 0;
}

int member_value_language(struct arena *arena, const char *text, enum language *out,
                          struct err *err)
{
    const char *fold = NULL;
    size_t tag = strcspn(text, "-_");
    int rc = 0;

    *out = language_find_bytes(text, tag);
    if (*out != LANG_NONE) {
        return 0;
    }
    rc = member_value_fold(arena, text, &fold, err);
    if (rc < 0) {
        return rc;
    }
    *out = language_word_find(fold);
    return *out != LANG_NONE ? 0
                             : err_set(err, ERR_INVALID, "no language '%.100s'; letters speak %s",
                                       text, language_all());
}

int member_value_zone(struct arena *arena, const char *text, const char **tzid, struct err *err)
{
    char zone[CIVIL_ZONE];
    int rc = zone_find(text, zone, err);

    if (rc < 0) {
        return rc == ERR_NOT_FOUND && err != NULL ? (err->code = ERR_INVALID) : rc;
    }
    *tzid = arena_strdup(arena, zone);
    return *tzid == NULL ? err_nomem(err) : 0;
}

int member_value_date(struct arena *arena, const char *text, const char **normal, int64_t *days,
                      struct err *err)
{
    struct civil civil;
    char formatted[CIVIL_TEXT];
    int rc = civil_parse(text, &civil, err);

    if (rc < 0) {
        return rc;
    }
    if (!civil.date_only) {
        return err_set(err, ERR_INVALID, "'%.40s' has a time of day; a date is meant", text);
    }
    *days = civil_days(&civil);
    civil_format(&civil, formatted);
    *normal = arena_strdup(arena, formatted);
    return *normal == NULL ? err_nomem(err) : 0;
}

int member_value_day(const struct config *config, int64_t days, int64_t *instant, struct err *err)
{
    struct civil civil = {0};

    civil_set_days(&civil, days);
    return zone_to_utc(config->site.timezone, &civil, instant, NULL, err);
}

static int member_value_int(struct arena *arena, const char *text, struct member_attr_value *out,
                            struct err *err)
{
    char *end = NULL;
    long long value = 0;

    errno = 0;
    value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || value > INT64_C(1) << 53 ||
        value < -(INT64_C(1) << 53)) {
        return err_set(err, ERR_INVALID, "'%.100s' is not a whole number", text);
    }
    out->num = (double)value;
    out->has_num = true;
    out->text = arena_printf(arena, "%lld", value);
    return out->text == NULL ? err_nomem(err) : 0;
}

static int member_value_bool(const char *text, const char *fold, struct member_attr_value *out,
                             struct err *err)
{
    static const char *const yes[] = {"true", "yes", "1",   "jah", "да",    "jā",
                                      "taip", "tak", "ano", "ja",  "kyllä", "x"};
    static const char *const no[] = {"false", "no", "0",   "ei",   "нет",
                                     "nē",    "ne", "nie", "nein", "nej"};

    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (strcmp(fold, yes[i]) == 0) {
            out->text = "true";
            return 0;
        }
    }
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        if (strcmp(fold, no[i]) == 0) {
            out->text = "false";
            return 0;
        }
    }
    return err_set(err, ERR_INVALID, "'%.100s' is neither yes nor no", text);
}

int member_value_attr(struct arena *arena, const struct site_attribute *attribute, const char *text,
                      struct member_attr_value *out, struct err *err)
{
    int64_t days = 0;
    int rc = 0;

    memset(out, 0, sizeof(*out));
    switch ((enum site_attribute_type)attribute->type) {
    case SITE_ATTRIBUTE_INT:
        rc = member_value_int(arena, text, out, err);
        break;
    case SITE_ATTRIBUTE_DATE:
        rc = member_value_date(arena, text, &out->text, &days, err);
        out->num = (double)days;
        out->has_num = true;
        break;
    case SITE_ATTRIBUTE_BOOL:
        rc = member_value_fold(arena, text, &out->fold, err);
        if (rc == 0) {
            rc = member_value_bool(text, out->fold, out, err);
        }
        break;
    case SITE_ATTRIBUTE_TEXT:
        if (strlen(text) > LIMIT_VALUE) {
            return err_set(err, ERR_LIMIT, "the value is longer than %d bytes", LIMIT_VALUE);
        }
        if (utf8_has_control(text, strlen(text))) {
            return err_set(err, ERR_INVALID, "the value holds a control character");
        }
        out->text = text;
        break;
    }
    if (rc < 0) {
        return rc;
    }
    return member_value_fold(arena, out->text, &out->fold, err);
}
