/* The table printed: a sample file and the manual's list of keys. */
#include "teataja/base/schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "schema_value.h"

#define WIDTH 88
#define INDENT ((size_t)2)

struct printing {
    struct str *out;
    bool all;     /* no key is commented out */
    bool comment; /* we are inside one that is */
};

static bool is_array(const struct schema_field *field)
{
    return (field->flags & (SCHEMA_LIST | SCHEMA_KEYED)) != 0;
}

static void start_line(const struct printing *printing, size_t indent)
{
    str_add(printing->out, printing->comment ? "#" : "");
    str_add_repeat(printing->out, ' ', indent);
}

/* A comment of any length, wrapped. */
static void print_help(const struct printing *printing, const char *help, size_t indent)
{
    size_t room = WIDTH - indent - INDENT;

    while (*help) {
        size_t len = strlen(help);

        if (len > room) {
            len = room;
            while (len > 0 && help[len] != ' ') {
                len--;
            }
            len = len > 0 ? len : strcspn(help, " ");
        }
        start_line(printing, indent);
        str_add(printing->out, "# ");
        str_add_bytes(printing->out, help, len);
        str_add_char(printing->out, '\n');
        help += len;
        help += strspn(help, " ");
    }
}

static void print_choices(const struct printing *printing, const struct schema_field *field,
                          size_t indent)
{
    if (field->type != SCHEMA_CHOICE) {
        return;
    }
    for (size_t i = 0; field->choices[i].name; i++) {
        char line[200];

        snprintf(line, sizeof(line), "- %s%s%s", field->choices[i].name,
                 field->choices[i].help ? ": " : "",
                 field->choices[i].help ? field->choices[i].help : "");
        print_help(printing, line, indent);
    }
}

/* The value that stands in the sample. */
static const char *sample_value(const struct schema_field *field)
{
    if (field->example) {
        return field->example;
    }
    if (field->fallback) {
        return field->fallback;
    }
    return field->type == SCHEMA_CHOICE ? field->choices[0].name : schema_type_sample(field->type);
}

/* A value of one line, or of several that are indented below the key. */
static void print_value(const struct printing *printing, const struct schema_field *field,
                        size_t indent)
{
    const char *value = sample_value(field);
    bool bracket = (field->flags & SCHEMA_LIST) && value[0] != '[' && value[0] != '\n';
    size_t len = strcspn(value, "\n");

    str_add(printing->out, value[0] == '\n' ? "" : bracket ? " [" : " ");
    str_add_bytes(printing->out, value, len);
    str_add(printing->out, bracket ? "]\n" : "\n");
    for (value += len; *value; value += len) {
        value++;
        len = strcspn(value, "\n");
        start_line(printing, indent);
        str_add_bytes(printing->out, value, len);
        str_add_char(printing->out, '\n');
    }
}

static void print_fields(const struct printing *printing, const struct schema *schema,
                         size_t indent, bool item);

static void print_map(const struct printing *printing, const struct schema_field *field,
                      size_t indent)
{
    str_add_char(printing->out, '\n');
    if (field->flags & SCHEMA_KEYED) {
        start_line(printing, indent + INDENT);
        str_addf(printing->out, "%s:\n", field->example ? field->example : "example");
        print_fields(printing, field->sub, indent + 2 * INDENT, false);
    } else if (field->flags & SCHEMA_LIST) {
        print_fields(printing, field->sub, indent + 2 * INDENT, true);
    } else {
        print_fields(printing, field->sub, indent + INDENT, false);
    }
}

/* `item`: the fields are those of a list's item, the first behind a '-'. A dash
 * needs a key beside it, so that the first field is never commented out. */
static void print_fields(const struct printing *printing, const struct schema *schema,
                         size_t indent, bool item)
{
    bool first = item;

    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_field *field = &schema->fields[i];
        struct printing inner = *printing;

        if (field->flags & (SCHEMA_IS_KEY | SCHEMA_HIDDEN)) {
            continue;
        }
        inner.comment = printing->comment || (!printing->all && !first &&
                                              !(field->flags & (SCHEMA_REQUIRED | SCHEMA_SHOWN)));
        if (field->help) {
            print_help(printing, field->help, indent);
        }
        print_choices(printing, field, indent);
        start_line(&inner, first ? indent - INDENT : indent);
        str_addf(inner.out, "%s%s:", first ? "- " : "", field->key);
        first = false;
        if (field->type == SCHEMA_MAP && !(field->example && field->example[0] == '\n')) {
            print_map(&inner, field, indent);
        } else {
            print_value(&inner, field, indent);
        }
    }
}

void schema_sample(const struct schema *schema, bool all, struct str *out)
{
    struct printing printing = {.out = out, .all = all};

    print_fields(&printing, schema, 0, false);
}

/* Text in which man-page roff finds nothing to do. */
static void add_text(struct str *out, enum schema_format format, const char *text)
{
    if (format == SCHEMA_ROFF && (*text == '.' || *text == '\'')) {
        str_add(out, "\\&");
    }
    for (; *text; text++) {
        if (format == SCHEMA_ROFF && *text == '\\') {
            str_add(out, "\\e");
        } else if (format == SCHEMA_ROFF && *text == '-') {
            str_add(out, "\\-");
        } else {
            str_add_char(out, *text == '\n' ? ' ' : *text);
        }
    }
}

static void add_words(struct str *out, const struct schema_field *field)
{
    if (field->type == SCHEMA_CHOICE) {
        str_add(out, (field->flags & SCHEMA_LIST) ? "list of " : "");
        for (size_t i = 0; field->choices[i].name; i++) {
            str_addf(out, "%s%s", i ? " | " : "", field->choices[i].name);
        }
    } else if (field->flags & SCHEMA_KEYED) {
        str_add(out, "names, each with the keys below");
    } else if (field->type == SCHEMA_MAP && (field->flags & SCHEMA_LIST)) {
        str_add(out, "list, each with the keys below");
    } else if (field->flags & SCHEMA_LIST) {
        str_addf(out, "list: %s%s", schema_type_words(field->type),
                 field->flags & SCHEMA_OR_ONE ? ", or one alone" : "");
    } else {
        str_add(out, schema_type_words(field->type));
    }
}

/* "number, from 1 to 64; default 4; required". */
static void add_facts(struct str *out, const struct schema_field *field)
{
    add_words(out, field);
    if (field->type == SCHEMA_INT && (field->min || field->max)) {
        if (field->max == INT64_MAX) {
            str_addf(out, ", at least %" PRId64, field->min);
        } else {
            str_addf(out, ", from %" PRId64 " to %" PRId64, field->min, field->max);
        }
    }
    if (field->flags & SCHEMA_REQUIRED) {
        str_add(out, "; required");
    } else if (field->fallback) {
        str_addf(out, "; default: %s", field->fallback);
    }
    if (field->flags & SCHEMA_EDITION) {
        str_add(out, "; also in language editions");
    }
}

static void print_rows(const struct schema *schema, enum schema_format format, const char *prefix,
                       struct str *out)
{
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_field *field = &schema->fields[i];
        struct str path, facts;

        if (field->flags & SCHEMA_IS_KEY) {
            continue;
        }
        str_init(&path, 256);
        str_init(&facts, 2048);
        str_addf(&path, "%s%s%s", prefix, *prefix ? "." : "", field->key);
        add_facts(&facts, field);
        str_add(out, format == SCHEMA_ROFF ? ".TP\n\\fB" : "");
        add_text(out, format, path.data);
        str_add(out, format == SCHEMA_ROFF ? "\\fR\n" : "\n    ");
        add_text(out, format, facts.data);
        str_add_char(out, '\n');
        if (field->help) {
            str_add(out, format == SCHEMA_ROFF ? ".br\n" : "    ");
            add_text(out, format, field->help);
            str_add_char(out, '\n');
        }
        if (field->type == SCHEMA_MAP) {
            str_add(&path, (field->flags & SCHEMA_KEYED) ? ".NAME" : is_array(field) ? "[]" : "");
            print_rows(field->sub, format, path.data, out);
        }
        str_release(&facts);
        str_release(&path);
    }
}

void schema_manual(const struct schema *schema, enum schema_format format, struct str *out)
{
    print_rows(schema, format, "", out);
}
