/* Single values: one reader a type. */
#include "schema_value.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/suggest.h"
#include "teataja/base/utf8.h"

#define MOST_PATH 1024

int schema_reject(struct schema_context *context, const struct schema_field *field,
                  const struct yaml_node *node, const char *format, ...)
{
    char message[768];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    context->problems++;
    yaml_problem(context->report, node, "", "%s: %s", field->key, message);
    return err_set(context->err, ERR_INVALID, "%s:%d:%d: %s: %s", node->file, node->line,
                   node->column, field->key, message);
}

/* The message of a parser, as a problem. */
static int reject_err(struct schema_context *context, const struct schema_field *field,
                      const struct yaml_node *node, const struct err *err)
{
    return schema_reject(context, field, node, "%s", err->msg);
}

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
        return schema_reject(context, field, node, "the value is empty");
    }
    if (start == 0 && end == node->len) {
        *out = node->text;
        return 0;
    }
    *out = arena_strndup(context->arena, node->text + start, end - start);
    return *out ? 0 : err_nomem(context->err);
}

static int read_text(struct schema_context *context, const struct schema_field *field,
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
        return schema_reject(context, field, node, "the text has %zu bytes; at most %zu are allowed",
                             len, most);
    }
    if (!lines && strpbrk(text, "\r\n\t")) {
        return schema_reject(context, field, node, "the value must be one line without tabs");
    }
    if (utf8_has_control(text, len)) {
        return schema_reject(context, field, node, "the text holds a control character");
    }
    memcpy(out, &text, sizeof(text));
    return 0;
}

/* Words of a small alphabet. */
static int read_word(struct schema_context *context, const struct schema_field *field,
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
        return schema_reject(context, field, node, "'%s' is longer than %zu characters", text, most);
    }
    memcpy(out, &text, sizeof(text));
    return 0;
}

static int read_path(struct schema_context *context, const struct schema_field *field,
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

static int read_color(struct schema_context *context, const struct schema_field *field,
                      const struct yaml_node *node, void *out)
{
    const char *text;
    char *color;
    int rc = read_trimmed(context, field, node, &text);

    if (rc < 0) {
        return rc;
    }
    if (text[0] != '#' || strlen(text) != 7 ||
        strspn(text + 1, "0123456789abcdefABCDEF") != 6) {
        return schema_reject(context, field, node, "'%s' is not a colour; write \"#1f6f8b\" in quotes",
                             text);
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

static int read_url(struct schema_context *context, const struct schema_field *field,
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
        return schema_reject(context, field, node, "'%.200s' is not a URL: it has no scheme such as %s:",
                             text, schemes[1].name);
    }
    while (schemes[i].name && (strlen(schemes[i].name) != len ||
                               strncasecmp(schemes[i].name, text, len) != 0)) {
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
        utf8_has_control(text, strlen(text))) {
        return schema_reject(context, field, node,
                             "'%.200s' is not a URL: it is too long or holds a space, a quote or a "
                             "bracket", text);
    }
    fault = fault_of_url(text, len, text + len + 1);
    if (fault) {
        return schema_reject(context, field, node, "'%.200s' is not a URL: %s", text, fault);
    }
    memcpy(out, &text, sizeof(text));
    return 0;
}

/* The value itself is never shown: it may be the secret. */
static int read_secret(struct schema_context *context, const struct schema_field *field,
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

static int read_country(struct schema_context *context, const struct schema_field *field,
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

static void format_amount(enum schema_type type, int64_t number, char text[QUANTITY_TEXT])
{
    if (type == SCHEMA_DURATION || type == SCHEMA_PERIOD) {
        quantity_format_duration(number, text);
    } else {
        snprintf(text, QUANTITY_TEXT, "%" PRId64 "%s", number,
                 type == SCHEMA_SIZE ? " bytes" : "");
    }
}

static int check_range(struct schema_context *context, const struct schema_field *field,
                       const struct yaml_node *node, int64_t number)
{
    char least[QUANTITY_TEXT], most[QUANTITY_TEXT];

    if ((field->min == 0 && field->max == 0) || (number >= field->min && number <= field->max)) {
        return 0;
    }
    format_amount(field->type, field->min, least);
    format_amount(field->type, field->max, most);
    if (field->max == INT64_MAX) {
        return schema_reject(context, field, node, "%s is too little; it must be at least %s",
                             node->text, least);
    }
    return schema_reject(context, field, node, "%s is out of range; it must be from %s to %s",
                         node->text, least, most);
}

static int read_int(struct schema_context *context, const struct schema_field *field,
                    const struct yaml_node *node, void *out)
{
    const char *at = node->text + (node->text[0] == '-' || node->text[0] == '+');
    size_t digits = strspn(at, "0123456789");
    int64_t number = 0;

    if (digits == 0 || at[digits]) {
        bool grouped = digits > 0 && strspn(at, "0123456789 ,.'_") == strlen(at);

        return schema_reject(context, field, node, "'%.80s' is not a whole number%s", node->text,
                             grouped ? "; write the digits alone, such as 15600" : "");
    }
    if (digits > 18) {
        return schema_reject(context, field, node, "the number is too large");
    }
    for (size_t i = 0; i < digits; i++) {
        number = number * 10 + (at[i] - '0');
    }
    number = node->text[0] == '-' ? -number : number;
    memcpy(out, &number, sizeof(number));
    return check_range(context, field, node, number);
}

static int read_bool(struct schema_context *context, const struct schema_field *field,
                     const struct yaml_node *node, void *out)
{
    bool yes = strcasecmp(node->text, "true") == 0 || strcasecmp(node->text, "yes") == 0;
    bool no = strcasecmp(node->text, "false") == 0 || strcasecmp(node->text, "no") == 0;

    if (!yes && !no) {
        return schema_reject(context, field, node, "'%.80s' is neither true nor false", node->text);
    }
    memcpy(out, &yes, sizeof(yes));
    return 0;
}

static int read_choice(struct schema_context *context, const struct schema_field *field,
                       const struct yaml_node *node, void *out)
{
    struct suggest suggest;
    char names[300] = "";

    suggest_start(&suggest, node->text);
    for (size_t i = 0; field->choices[i].name; i++) {
        size_t used = strlen(names);

        if (strcmp(field->choices[i].name, node->text) == 0) {
            memcpy(out, &field->choices[i].value, sizeof(int));
            return 0;
        }
        suggest_offer(&suggest, field->choices[i].name);
        snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
                 field->choices[i].name);
    }
    return schema_reject(context, field, node, "'%.80s' is not one of %s%s", node->text, names,
                         suggest_hint(&suggest));
}

static int read_date(struct schema_context *context, const struct schema_field *field,
                     const struct yaml_node *node, void *out)
{
    struct civil civil;
    struct err err = {0};

    if (civil_parse(node->text, &civil, &err) < 0) {
        return reject_err(context, field, node, &err);
    }
    if (!civil.date_only) {
        return schema_reject(context, field, node, "'%s' has a time; only a date can stand here",
                             node->text);
    }
    memcpy(out, &civil, sizeof(civil));
    return 0;
}

static int read_moment(struct schema_context *context, const struct schema_field *field,
                       const struct yaml_node *node, void *out)
{
    struct schema_moment moment = {0};
    struct err err = {0};

    if (civil_parse_zoned(node->text, &moment.civil, moment.zone, &err) < 0) {
        return reject_err(context, field, node, &err);
    }
    memcpy(out, &moment, sizeof(moment));
    return 0;
}

/* "17:00 Europe/Tallinn": read as a time of some day. */
static int read_time(struct schema_context *context, const struct schema_field *field,
                     const struct yaml_node *node, void *out)
{
    struct schema_moment moment = {0};
    struct err err = {0};
    size_t len = strcspn(node->text, " ");
    const char *zone = node->text + len + strspn(node->text + len, " ");
    char clock[16] = "";

    if (len < sizeof(clock)) {
        memcpy(clock, node->text, len);
    }
    if (civil_parse_time(clock, &moment.civil, &err) < 0) {
        return schema_reject(context, field, node,
                             "'%.80s' is not a time of day; write 17:00 or 17:00 Europe/Tallinn",
                             node->text);
    }
    if (*zone) {
        struct civil unused;
        char dated[100];

        snprintf(dated, sizeof(dated), "2000-01-01 %s %.70s", clock, zone);
        if (civil_parse_zoned(dated, &unused, moment.zone, &err) < 0) {
            return schema_reject(context, field, node, "'%.80s' is not a name of a time zone", zone);
        }
    }
    memcpy(out, &moment, sizeof(moment));
    return 0;
}

static int read_period(struct schema_context *context, const struct schema_field *field,
                       const struct yaml_node *node, void *out)
{
    struct period period;
    struct err err = {0};
    int64_t micros;

    if (quantity_parse_period(node->text, (field->flags & SCHEMA_BEFORE) != 0, &period, &err) < 0) {
        return reject_err(context, field, node, &err);
    }
    micros = period.days * CLOCK_DAY + period.micros;
    if (field->type == SCHEMA_PERIOD) {
        memcpy(out, &period, sizeof(period));
    } else {
        memcpy(out, &micros, sizeof(micros));
    }
    return check_range(context, field, node, micros);
}

static int read_size(struct schema_context *context, const struct schema_field *field,
                     const struct yaml_node *node, void *out)
{
    struct err err = {0};
    int64_t bytes;

    if (quantity_parse_size(node->text, &bytes, &err) < 0) {
        return reject_err(context, field, node, &err);
    }
    memcpy(out, &bytes, sizeof(bytes));
    return check_range(context, field, node, bytes);
}

static int read_percent(struct schema_context *context, const struct schema_field *field,
                        const struct yaml_node *node, void *out)
{
    struct err err = {0};

    return quantity_parse_percent(node->text, out, &err) < 0
               ? reject_err(context, field, node, &err)
               : 0;
}

static int read_rate(struct schema_context *context, const struct schema_field *field,
                     const struct yaml_node *node, void *out)
{
    struct err err = {0};

    return quantity_parse_rate(node->text, out, &err) < 0 ? reject_err(context, field, node, &err)
                                                          : 0;
}

static int read_email(struct schema_context *context, const struct schema_field *field,
                      const struct yaml_node *node, void *out)
{
    struct address address;
    struct err err = {0};

    if (address_parse(node->text, &address, &err) < 0) {
        return reject_err(context, field, node, &err);
    }
    memcpy(out, &address, sizeof(address));
    return 0;
}

static int read_language(struct schema_context *context, const struct schema_field *field,
                         const struct yaml_node *node, void *out)
{
    enum language language = language_find(node->text);

    if (language == LANG_NONE) {
        return schema_reject(context, field, node, "no language '%.40s'; there are %s", node->text,
                             language_all());
    }
    memcpy(out, &language, sizeof(language));
    return 0;
}

static int read_by_language(struct schema_context *context, const struct schema_field *field,
                            const struct yaml_node *node, void *out)
{
    struct lang_text *text = out;
    int worst = 0;

    if (node->kind == YAML_SCALAR) {
        int rc = read_text(context, field, node, &text->text[0]);

        for (int i = 1; rc == 0 && i < LANG_COUNT; i++) {
            text->text[i] = text->text[0];
        }
        text->same = rc == 0;
        return rc;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_entry *entry = &node->entries[i];
        enum language language = language_find(entry->key);
        int rc;

        if (language == LANG_NONE) {
            struct yaml_node key = {.file = node->file, .line = entry->line,
                                    .column = entry->column};

            rc = schema_reject(context, field, &key, "no language '%.40s'; there are %s",
                               entry->key, language_all());
        } else if (yaml_is_null(entry->value)) {
            rc = 0;
        } else if (entry->value->kind != YAML_SCALAR) {
            rc = schema_reject(context, field, entry->value, "the text in '%s' must be a text",
                               entry->key);
        } else {
            rc = read_text(context, field, entry->value, &text->text[language]);
        }
        worst = rc < 0 && worst != ERR_NOMEM ? rc : worst;
    }
    return worst;
}

static const struct value_type {
    size_t size;
    const char *words;
    const char *sample;
    int (*read)(struct schema_context *context, const struct schema_field *field,
                const struct yaml_node *node, void *out);
    bool mapping; /* may be one */
} types[] = {
    [SCHEMA_TEXT] = {sizeof(char *), "one line of text", "Text", read_text, false},
    [SCHEMA_LINES] = {sizeof(char *), "text", "|\n  First line\n  Second line", read_text, false},
    [SCHEMA_SLUG] = {sizeof(char *), "a slug", "some-slug", read_word, false},
    [SCHEMA_NAME] = {sizeof(char *), "a name", "some_name", read_word, false},
    [SCHEMA_CODE] = {sizeof(char *), "a code", "EE00A", read_word, false},
    [SCHEMA_PATH] = {sizeof(char *), "a path in the site", "assets/logo.png", read_path, false},
    [SCHEMA_FILE] = {sizeof(char *), "a path", "/etc/ssl/certs/ca.pem", read_path, false},
    [SCHEMA_COLOR] = {sizeof(char *), "a colour", "\"#1f6f8b\"", read_color, false},
    [SCHEMA_URL] = {sizeof(char *), "a URL", "https://www.example.org/", read_url, false},
    [SCHEMA_SECRET] = {sizeof(char *), "file:PATH or env:NAME", "env:NAME", read_secret, false},
    [SCHEMA_ZONE] = {sizeof(char *), "a time zone", "Europe/Tallinn", read_word, false},
    [SCHEMA_COUNTRY] = {sizeof(char *), "a country code", "EE", read_country, false},
    [SCHEMA_INT] = {sizeof(int64_t), "a whole number", "1", read_int, false},
    [SCHEMA_BOOL] = {sizeof(bool), "true or false", "true", read_bool, false},
    [SCHEMA_CHOICE] = {sizeof(int), "one of a few words", NULL, read_choice, false},
    [SCHEMA_DATE] = {sizeof(struct civil), "a date", "2027-01-23", read_date, false},
    [SCHEMA_MOMENT] = {sizeof(struct schema_moment), "a date, perhaps with time and zone",
                       "2027-01-23 17:00 Europe/Brussels", read_moment, false},
    [SCHEMA_TIME] = {sizeof(struct schema_moment), "a time of day", "\"17:00\"", read_time, false},
    [SCHEMA_DURATION] = {sizeof(int64_t), "a length of time", "30 s", read_period, false},
    [SCHEMA_PERIOD] = {sizeof(struct period), "a length of time", "7 days", read_period, false},
    [SCHEMA_SIZE] = {sizeof(int64_t), "a size", "80 KB", read_size, false},
    [SCHEMA_PERCENT] = {sizeof(int), "a percentage", "80%", read_percent, false},
    [SCHEMA_RATE] = {sizeof(struct rate), "a rate", "20/s", read_rate, false},
    [SCHEMA_EMAIL] = {sizeof(struct address), "an e-mail address", "office@cluster.example",
                      read_email, false},
    [SCHEMA_LANGUAGE] = {sizeof(enum language), "a language", "et", read_language, false},
    [SCHEMA_BY_LANGUAGE] = {sizeof(struct lang_text), "one line of text in each language",
                            "{ et: Tekst, en: Text }", read_by_language, true},
    [SCHEMA_LINES_BY_LANGUAGE] = {sizeof(struct lang_text), "text in each language",
                                  "{ et: Tekst, en: Text }", read_by_language, true},
    [SCHEMA_TERMS] = {sizeof(struct schema_term), "a list of words, or words with names",
                      "[music, design]", read_word, false},
    [SCHEMA_MAP] = {0, "keys of its own", NULL, NULL, true},
    [SCHEMA_NODE] = {sizeof(const struct yaml_node *), "a value", "value", NULL, true},
};

size_t schema_type_size(enum schema_type type)
{
    return types[type].size;
}

const char *schema_type_words(enum schema_type type)
{
    return types[type].words;
}

const char *schema_type_sample(enum schema_type type)
{
    return types[type].sample;
}

int schema_read(struct schema_context *context, const struct schema_field *field,
                const struct yaml_node *node, void *out)
{
    const struct value_type *type = &types[field->type];

    if (node->kind == YAML_SEQUENCE || (node->kind == YAML_MAPPING && !type->mapping)) {
        return schema_reject(context, field, node, "this must be %s, not a %s", type->words,
                             node->kind == YAML_SEQUENCE ? "list" : "mapping");
    }
    return type->read(context, field, node, out);
}
