#include <string.h>

#include "member_value.h"
#include "teataja/base/limits.h"
#include "teataja/base/suggest.h"
#include "teataja/base/utf8.h"
#include "teataja/members/member.h"

#define INPUT_PARTS 200 /* most values of one field */

static const char *const names[MEMBER_FIELD_COUNT] = {
    [MEMBER_ID] = "id",
    [MEMBER_EMAIL] = "email",
    [MEMBER_NAME] = "name",
    [MEMBER_LANGUAGE] = "language",
    [MEMBER_TIMEZONE] = "timezone",
    [MEMBER_REGION] = "region",
    [MEMBER_KIND] = "kind",
    [MEMBER_SECTOR] = "sector",
    [MEMBER_TAG] = "tag",
    [MEMBER_JOINED] = "joined",
    [MEMBER_ORGANISATION] = "organisation",
    [MEMBER_ORGANISATION_CODE] = "organisation_code",
    [MEMBER_ORGANISATION_KIND] = "organisation_kind",
    [MEMBER_ORGANISATION_SECTOR] = "organisation_sector",
    [MEMBER_ORGANISATION_REGION] = "organisation_region",
    [MEMBER_ORGANISATION_WEB] = "organisation_web",
};

const char *member_field_name(enum member_field field)
{
    return field >= 0 && field < MEMBER_FIELD_COUNT ? names[field] : "";
}

enum member_field member_field_find(const char *name)
{
    for (int i = 0; i < MEMBER_FIELD_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            return (enum member_field)i;
        }
    }
    return MEMBER_NONE;
}

/* Without white space and no-break spaces around it, in the arena. */
static char *input_trim(struct arena *arena, const char *text, size_t len)
{
    while (len > 0 && (strchr(" \t\r\n", *text) != NULL || strncmp(text, "\xc2\xa0", 2) == 0)) {
        size_t skip = *text == '\xc2' ? 2 : 1;

        text += skip;
        len -= skip;
    }
    while (len > 0 && (strchr(" \t\r\n", text[len - 1]) != NULL ||
                       (len > 1 && strncmp(text + len - 2, "\xc2\xa0", 2) == 0))) {
        len -= text[len - 1] == '\xa0' ? 2 : 1;
    }
    return arena_strndup(arena, text, len);
}

static int input_line(const char *what, const char *text, size_t limit, struct err *err)
{
    if (strlen(text) > limit) {
        return err_set(err, ERR_LIMIT, "the %s is longer than %zu bytes", what, limit);
    }
    if (utf8_has_control(text, strlen(text)) || strpbrk(text, "\r\n\t") != NULL) {
        return err_set(err, ERR_INVALID, "the %s holds a line break or a control character", what);
    }
    return 0;
}

struct input_parts {
    const char *items[INPUT_PARTS];
    size_t count;
};

static int input_split(struct arena *arena, const char *text, const char *separators,
                       struct input_parts *parts, struct err *err)
{
    parts->count = 0;
    while (*text != '\0') {
        size_t len = strcspn(text, separators);
        char *part = input_trim(arena, text, len);

        if (part == NULL) {
            return err_nomem(err);
        }
        if (*part != '\0') {
            if (parts->count == INPUT_PARTS) {
                return err_set(err, ERR_LIMIT, "more than %d values in one field", INPUT_PARTS);
            }
            parts->items[parts->count++] = part;
        }
        text += len;
        text += *text != '\0';
    }
    return 0;
}

static int input_join(struct arena *arena, const struct input_parts *parts, const char **out,
                      struct err *err)
{
    char *joined = NULL;
    char *at = NULL;
    size_t len = 1;

    for (size_t i = 0; i < parts->count; i++) {
        len += strlen(parts->items[i]) + 1;
    }
    joined = at = arena_alloc(arena, len, 1);
    if (joined == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < parts->count; i++) {
        if (i > 0) {
            *at++ = ' ';
        }
        at = stpcpy(at, parts->items[i]);
    }
    *out = joined;
    return 0;
}

/* Puts a value where it belongs, once: sorted if `sorted`, else at the end. */
static void input_put(struct input_parts *parts, const char *item, bool sorted)
{
    size_t at = 0;

    for (size_t i = 0; i < parts->count; i++) {
        if (strcmp(parts->items[i], item) == 0) {
            return;
        }
    }
    at = parts->count++;
    while (sorted && at > 0 && strcmp(parts->items[at - 1], item) > 0) {
        parts->items[at] = parts->items[at - 1];
        at--;
    }
    parts->items[at] = item;
}

static int input_languages(struct arena *arena, const char *text, const char **out, struct err *err)
{
    struct input_parts parts;
    struct input_parts tags = {.count = 0};
    int rc = input_split(arena, text, ",;|/\n ", &parts, err);

    for (size_t i = 0; rc == 0 && i < parts.count; i++) {
        enum language language = LANG_NONE;

        rc = member_value_language(arena, parts.items[i], &language, err);
        if (rc == 0) {
            input_put(&tags, language_tag(language), false);
        }
    }
    return rc == 0 ? input_join(arena, &tags, out, err) : rc;
}

static int input_terms(const struct config *config, struct arena *arena,
                       enum member_vocabulary vocabulary, const char *text, const char **out,
                       struct err *err)
{
    struct input_parts parts;
    struct input_parts slugs = {.count = 0};
    int rc = input_split(arena, text, ",;|\n", &parts, err);

    for (size_t i = 0; rc == 0 && i < parts.count; i++) {
        const char *slug = NULL;

        rc = member_value_term(config, arena, vocabulary, parts.items[i], &slug, err);
        if (rc == 0) {
            input_put(&slugs, slug, true);
        }
    }
    return rc == 0 ? input_join(arena, &slugs, out, err) : rc;
}

static int input_email(struct arena *arena, struct member_input *input, const char *text,
                       struct err *err)
{
    struct address address;
    int rc = address_parse(text, &address, err);

    if (rc < 0) {
        return rc;
    }
    input->value[MEMBER_EMAIL] = arena_strdup(arena, address.text);
    input->email_key = arena_strdup(arena, address.key);
    return input->value[MEMBER_EMAIL] == NULL || input->email_key == NULL ? err_nomem(err) : 0;
}

static int input_joined(const struct config *config, struct arena *arena,
                        struct member_input *input, const char *text, struct err *err)
{
    int64_t days = 0;
    int rc = 0;

    if (*text == '\0') {
        return err_set(err, ERR_INVALID, "the date of joining cannot be cleared");
    }
    rc = member_value_date(arena, text, &input->value[MEMBER_JOINED], &days, err);
    return rc < 0 ? rc : member_value_day(config, days, &input->joined_at, err);
}

static int input_web(const char *text, struct err *err)
{
    if (strncmp(text, "https://", 8) != 0 && strncmp(text, "http://", 7) != 0) {
        return err_set(err, ERR_INVALID,
                       "'%.100s' is no address on the web: it starts with "
                       "https:// or http://",
                       text);
    }
    return input_line("address on the web", text, LIMIT_VALUE, err);
}

int member_input_set(const struct config *config, struct arena *arena, struct member_input *input,
                     enum member_field field, const char *text, struct err *err)
{
    const char **value = &input->value[field];
    const char *plain = input_trim(arena, text, strlen(text));

    if (plain == NULL) {
        return err_nomem(err);
    }
    if (*plain == '\0' && field != MEMBER_EMAIL && field != MEMBER_JOINED) {
        *value = "";
        return 0;
    }
    switch (field) {
    case MEMBER_EMAIL:
        return input_email(arena, input, plain, err);
    case MEMBER_JOINED:
        return input_joined(config, arena, input, plain, err);
    case MEMBER_LANGUAGE:
        return input_languages(arena, plain, value, err);
    case MEMBER_TIMEZONE:
        return member_value_zone(arena, plain, value, err);
    case MEMBER_REGION:
    case MEMBER_ORGANISATION_REGION:
        return member_value_region(config, plain, value, err);
    case MEMBER_KIND:
        return input_terms(config, arena, MEMBER_KINDS, plain, value, err);
    case MEMBER_SECTOR:
    case MEMBER_ORGANISATION_SECTOR:
        return input_terms(config, arena, MEMBER_SECTORS, plain, value, err);
    case MEMBER_TAG:
        return input_terms(config, arena, MEMBER_TAGS, plain, value, err);
    case MEMBER_ORGANISATION_KIND:
        return member_value_term(config, arena, MEMBER_KINDS, plain, value, err);
    case MEMBER_ORGANISATION_WEB:
        *value = plain;
        return input_web(plain, err);
    case MEMBER_ID:
    case MEMBER_NAME:
    case MEMBER_ORGANISATION:
    case MEMBER_ORGANISATION_CODE:
        *value = plain;
        return input_line(member_field_name(field), plain, LIMIT_NAME, err);
    case MEMBER_NONE:
    case MEMBER_FIELD_COUNT:
        break;
    }
    return err_set(err, ERR_INVALID, "no such field");
}

int member_input_set_attr(const struct config *config, struct arena *arena,
                          struct member_input *input, const char *key, const char *text,
                          struct err *err)
{
    const struct site_attribute *attribute = NULL;
    struct member_attr_value value;
    struct suggest suggest;
    const char *plain = input_trim(arena, text, strlen(text));
    int rc = 0;

    if (plain == NULL) {
        return err_nomem(err);
    }
    key += strncmp(key, "attr.", 5) == 0 ? 5 : 0;
    attribute = site_attribute_find(&config->site, key);
    if (attribute == NULL) {
        suggest_start(&suggest, key);
        for (size_t i = 0; i < config->site.attribute_count; i++) {
            suggest_offer(&suggest, config->site.attributes[i].key);
        }
        return err_set(err, ERR_INVALID, "no attribute '%.100s'%s", key, suggest_hint(&suggest));
    }
    value.text = "";
    if (*plain != '\0') {
        rc = member_value_attr(arena, attribute, plain, &value, err);
    }
    if (rc == 0) {
        rc = arena_grow(arena, (void *)&input->attrs, &input->attr_capacity, input->attr_count,
                        sizeof(struct member_attr), err);
    }
    if (rc == 0) {
        input->attrs[input->attr_count++] =
            (struct member_attr){.key = attribute->key, .text = value.text};
    }
    return rc;
}

int member_input_set_named(const struct config *config, struct arena *arena,
                           struct member_input *input, const char *name, const char *text,
                           struct err *err)
{
    enum member_field field = member_field_find(name);
    struct suggest suggest;

    if (field != MEMBER_NONE) {
        return member_input_set(config, arena, input, field, text, err);
    }
    if (strncmp(name, "attr.", 5) == 0) {
        return member_input_set_attr(config, arena, input, name, text, err);
    }
    suggest_start(&suggest, name);
    for (int i = 0; i < MEMBER_FIELD_COUNT; i++) {
        suggest_offer(&suggest, names[i]);
    }
    return err_set(err, ERR_INVALID, "no field '%.100s'%s", name, suggest_hint(&suggest));
}
