/* Single values: one reader a type. */
#include "schema_value.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "teataja/base/clock.h"
#include "teataja/base/suggest.h"

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

static void format_amount(enum schema_type type, int64_t number, char text[QUANTITY_TEXT])
{
    if (type == SCHEMA_DURATION || type == SCHEMA_PERIOD) {
        quantity_format_duration(number, text);
    } else {
        snprintf(text, QUANTITY_TEXT, "%" PRId64 "%s", number, type == SCHEMA_SIZE ? " bytes" : "");
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
        snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "", field->choices[i].name);
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
            return schema_reject(context, field, node, "'%.80s' is not a name of a time zone",
                                 zone);
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
        int rc = schema_read_text(context, field, node, &text->text[0]);

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
            struct yaml_node key = {
                .file = node->file, .line = entry->line, .column = entry->column};

            rc = schema_reject(context, field, &key, "no language '%.40s'; there are %s",
                               entry->key, language_all());
        } else if (yaml_is_null(entry->value)) {
            rc = 0;
        } else if (entry->value->kind != YAML_SCALAR) {
            rc = schema_reject(context, field, entry->value, "the text in '%s' must be a text",
                               entry->key);
        } else {
            rc = schema_read_text(context, field, entry->value, &text->text[language]);
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
    [SCHEMA_TEXT] = {sizeof(char *), "one line of text", "Text", schema_read_text, false},
    [SCHEMA_LINES] = {sizeof(char *), "text", "|\n  First line\n  Second line", schema_read_text,
                      false},
    [SCHEMA_SLUG] = {sizeof(char *), "a slug", "some-slug", schema_read_word, false},
    [SCHEMA_NAME] = {sizeof(char *), "a name", "some_name", schema_read_word, false},
    [SCHEMA_CODE] = {sizeof(char *), "a code", "EE00A", schema_read_word, false},
    [SCHEMA_PATH] = {sizeof(char *), "a path in the site", "assets/logo.png", schema_read_path,
                     false},
    [SCHEMA_FILE] = {sizeof(char *), "a path", "/etc/ssl/certs/ca.pem", schema_read_path, false},
    [SCHEMA_COLOR] = {sizeof(char *), "a colour", "\"#1f6f8b\"", schema_read_color, false},
    [SCHEMA_URL] = {sizeof(char *), "a URL", "https://www.example.org/", schema_read_url, false},
    [SCHEMA_SECRET] = {sizeof(char *), "file:PATH or env:NAME", "env:NAME", schema_read_secret,
                       false},
    [SCHEMA_ZONE] = {sizeof(char *), "a time zone", "Europe/Tallinn", schema_read_word, false},
    [SCHEMA_COUNTRY] = {sizeof(char *), "a country code", "EE", schema_read_country, false},
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
                      "[music, design]", schema_read_word, false},
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
