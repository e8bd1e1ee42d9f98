/* Values that stay text: words, paths, links, references to secrets. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "schema_value.h"
#include "teataja/base/limits.h"
#include "teataja/base/utf8.h"

#define MOST_PATH 1024

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A scalar's text without white space at its ends, in the arena. */
static int read_trimmed(struct schema_context *context, const struct schema_field *field,
                        const struct yaml_node *node, const char **out)
{
    size_t start = 0, end = node->len;

    while (start < end && is_space(node->text[start])) {
        start++;
    }
    while (end > start && is_space(node->text[end - 1])) {
        end--;
    }
    if (start == end) {
        (void)schema_reject(context, field, node, "the value is empty");
        return ERR_INVALID;
    }
    if (start == 0 && end == node->len) {
        *out = node->text;
        return 0;
    }
    *out = arena_strndup(context->arena, node->text + start, end - start);
    if (!*out) {
        (void)err_nomem(context->err);
        return ERR_NOMEM;
    }
    return 0;
}

int schema_read_text(struct schema_context *context, const struct schema_field *field,
                     const struct yaml_node *node, void *out)
{
    bool lines = field->type == SCHEMA_LINES || field->type == SCHEMA_LINES_BY_LANGUAGE;
    size_t most = field->max > 0 ? (size_t)field->max : lines ? LIMIT_TEXT : LIMIT_VALUE;
    const char *text;
    size_t len;
    int rc = read_trimmed(context, field, node, &text);

    if (rc < 0) {
        return rc;
    }
    len = strlen(text);
    if (len > most) {
        return schema_reject(context, field, node,
                             "the text has %zu bytes; at most %zu are allowed", len, most);
    }
    if (!lines && strpbrk(text, "\r\n\t")) {
        return schema_reject(context, field, node, "the value must be one line without tabs");
    }
    if (utf8_has_control(text, len)) {
        return schema_reject(context, field, node, "the text holds a control character");
    }
    if (utf8_has_private(text, len)) {
        return schema_reject(context, field, node,
                             "the text holds a character for private use: each reader would see "
                             "another");
    }
    memcpy(out, &text, sizeof(text));
    return 0;
}

/* Words of a small alphabet. */
int schema_read_word(struct schema_context *context, const struct schema_field *field,
                     const struct yaml_node *node, void *out)
{
    static const struct {
        enum schema_type type;
        const char *first, *rest;
        const char *rule;
    } words[] = {
        {SCHEMA_SLUG, "a0", "a0-", "a slug is of a-z, 0-9 and '-'"},
        {SCHEMA_NAME, "a", "a0_", "a name is of a-z, 0-9 and '_', and starts with a letter"},
        {SCHEMA_CODE, "aA0", "aA0-_", "a code is of letters a-z, digits, '-' and '_'"},
        {SCHEMA_TERMS, "a0", "a0-_", "a word of a vocabulary is of a-z, 0-9, '-' and '_'"},
        {SCHEMA_ZONE, "aA", "aA0-_/+", "a time zone is a name such as Europe/Tallinn"},
    };
    size_t w = 0, most = field->type == SCHEMA_ZONE ? CIVIL_ZONE - 1 : LIMIT_SLUG;
    const char *text;
    int rc = read_trimmed(context, field, node, &text);

    if (rc < 0) {
        return rc;
    }
    while (words[w].type != field->type) {
        w++;
    }
    for (size_t i = 0; text[i]; i++) {
        const char *allowed = i == 0 ? words[w].first : words[w].rest;
        char c = text[i];
        char class = c >= 'a' && c <= 'z' ? 'a' : c >= 'A' && c <= 'Z' ? 'A' : c;

        class = c >= '0' && c <= '9' ? '0' : class;
        if (!strchr(allowed, class)) {
            return schema_reject(context, field, node, "'%s' cannot be used: %s", text,
                                 words[w].rule);
        }
    }
    if (strlen(text) > most) {
        return schema_reject(context, field, node, "'%s' is longer than %zu characters", text,
                             most);
    }
    memcpy(out, &text, sizeof(text));
    return 0;
}

int schema_read_path(struct schema_context *context, const struct schema_field *field,
                     const struct yaml_node *node, void *out)
{
    const char *text, *at;
    int rc = read_trimmed(context, field, node, &text);

    if (rc < 0) {
        return rc;
    }
    if (strlen(text) > MOST_PATH || strpbrk(text, "\\\t\r\n") ||
        utf8_has_control(text, strlen(text))) {
        return schema_reject(context, field, node, "'%.80s' is not a path of a file", text);
    }
    if (text[0] == '/' && field->type == SCHEMA_PATH) {
        return schema_reject(context, field, node,
                             "'%s' is absolute; files of a site are named from its folder", text);
    }
    for (at = text; *at; at += strcspn(at, "/")) {
        at += *at == '/';
        if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0')) {
            return schema_reject(context, field, node, "'%s' leads out of its folder", text);
        }
    }
    memcpy(out, &text, sizeof(text));
    return 0;
}

int schema_read_color(struct schema_context *context, const struct schema_field *field,
                      const struct yaml_node *node, void *out)
{
    const char *text;
    char *color;
    int rc = read_trimmed(context, field, node, &text);

    if (rc < 0) {
        return rc;
    }
    if (text[0] != '#' || strlen(text) != 7 || strspn(text + 1, "0123456789abcdefABCDEF") != 6) {
        return schema_reject(context, field, node,
                             "'%s' is not a colour; write \"#1f6f8b\" in quotes", text);
    }
    color = arena_strdup(context->arena, text);
    if (!color) {
        return err_nomem(context->err);
    }
    for (size_t i = 0; color[i]; i++) {
        color[i] = (char)tolower((unsigned char)color[i]);
    }
    memcpy(out, &color, sizeof(color));
    return 0;
}

static const struct schema_choice web_schemes[] = {
    {"http", 0, NULL}, {"https", 0, NULL}, {"mailto", 0, NULL}, {"tel", 0, NULL}, {NULL, 0, NULL},
};

/* Why a URL with a host is none; NULL if it is one. */
static const char *fault_of_authority(const char *rest)
{
    size_t len;

    if (strncmp(rest, "//", 2) != 0) {
        return "'//' is missing behind the scheme";
    }
    rest += 2;
    len = strcspn(rest, "/?#");
    if (len == 0 || rest[0] == ':') {
        return "the host is missing";
    }
    if (memchr(rest, '@', len)) {
        return "a user name or a password cannot stand in it";
    }
    return NULL;
}

/* Why the part behind the scheme is wrong; NULL if it is not. */
static const char *fault_of_url(const char *scheme, size_t len, const char *rest)
{
    if (len == 3 && strncasecmp(scheme, "tel", 3) == 0) {
        return rest[0] && strspn(rest, "+0123456789-.()") == strlen(rest)
                   ? NULL
                   : "a telephone number is of digits, '+' and '-'";
    }
    if (len == 6 && strncasecmp(scheme, "mailto", 6) == 0) {
        struct address address;
        size_t end = strcspn(rest, "?");
        char text[LIMIT_ADDRESS + 1];

        if (end > LIMIT_ADDRESS) {
            return "the address is too long";
        }
        memcpy(text, rest, end);
        text[end] = '\0';
        return address_parse(text, &address, NULL) == 0 ? NULL : "the address is not valid";
    }
    return fault_of_authority(rest);
}

int schema_read_url(struct schema_context *context, const struct schema_field *field,
                    const struct yaml_node *node, void *out)
{
    const struct schema_choice *schemes = field->choices ? field->choices : web_schemes;
    const char *text, *fault;
    size_t len, i = 0;
    int rc = read_trimmed(context, field, node, &text);

    if (rc < 0) {
        return rc;
    }
    len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
    if (len == 0 || text[len] != ':') {
        return schema_reject(context, field, node,
                             "'%.200s' is not a URL: it has no scheme such as %s:", text,
                             schemes[1].name);
    }
    while (schemes[i].name &&
           (strlen(schemes[i].name) != len || strncasecmp(schemes[i].name, text, len) != 0)) {
        i++;
    }
    if (!schemes[i].name) {
        char names[100] = "";

        for (i = 0; schemes[i].name; i++) {
            size_t used = strlen(names);

            snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "", schemes[i].name);
        }
        return schema_reject(context, field, node, "a URL with '%.*s:' cannot be used; only %s can",
                             (int)(len < 20 ? len : 20), text, names);
    }
    if (strlen(text) > LIMIT_VALUE || strpbrk(text, " \t\r\n<>\"\\`{}|^") ||
        utf8_has_control(text, strlen(text)) || utf8_has_private(text, strlen(text))) {
        return schema_reject(context, field, node,
                             "'%.200s' is not a URL: it is too long or holds a space, a quote or a "
                             "bracket",
                             text);
    }
    fault = fault_of_url(text, len, text + len + 1);
    if (fault) {
        return schema_reject(context, field, node, "'%.200s' is not a URL: %s", text, fault);
    }
    memcpy(out, &text, sizeof(text));
    return 0;
}

/* The value itself is never shown: it may be the secret. */
int schema_read_secret(struct schema_context *context, const struct schema_field *field,
                       const struct yaml_node *node, void *out)
{
    const char *text;
    int rc = read_trimmed(context, field, node, &text);

    if (rc < 0) {
        return rc;
    }
    if (strncmp(text, "env:", 4) == 0) {
        if (!text[4] || strspn(text + 4, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
                                         "0123456789") != strlen(text + 4)) {
            return schema_reject(context, field, node,
                                 "behind env: stands the name of an environment variable");
        }
    } else if (strncmp(text, "file:", 5) == 0) {
        if (!text[5] || strpbrk(text + 5, "\t\r\n") || strlen(text) > MOST_PATH) {
            return schema_reject(context, field, node, "behind file: stands the path of a file");
        }
    } else {
        return schema_reject(context, field, node,
                             "a secret does not stand in the configuration; write file:PATH or "
                             "env:NAME and keep it there");
    }
    memcpy(out, &text, sizeof(text));
    return 0;
}

int schema_read_country(struct schema_context *context, const struct schema_field *field,
                        const struct yaml_node *node, void *out)
{
    char *text;

    if (node->len != 2 || !isalpha((unsigned char)node->text[0]) ||
        !isalpha((unsigned char)node->text[1])) {
        return schema_reject(context, field, node,
                             "'%.40s' is not a country; write two letters such as EE", node->text);
    }
    text = arena_printf(context->arena, "%c%c", toupper((unsigned char)node->text[0]),
                        toupper((unsigned char)node->text[1]));
    if (!text) {
        return err_nomem(context->err);
    }
    memcpy(out, &text, sizeof(text));
    return 0;
}
