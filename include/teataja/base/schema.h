/* teataja/base/schema.h - what a file may say, as a table.
 *
 * A table of fields checks a YAML mapping, fills a C struct, and prints the
 * sample file and the manual's table. All errors of a file are reported at once.
 *
 *     struct timeouts { const struct yaml_node *node; int64_t connect; };
 *
 *     static const struct schema_field timeout_fields[] = {
 *         {.key = "connect", .type = SCHEMA_DURATION, SCHEMA_AT(timeouts, connect), .fallback = "30
 * s", .min = CLOCK_SECOND, .max = CLOCK_HOUR, .help = "How long to wait for a connection."},
 *     };
 *     static const struct schema timeouts_schema =
 *         SCHEMA("timeouts", struct timeouts, timeout_fields);
 *
 * Every struct that a table fills has a member `node`, which becomes the mapping
 * it was filled from (NULL when it was not there and holds defaults only):
 * yaml_problem(report, s->node, "connect", ...) reports at a value's place, and
 * schema_has(s->node, "connect") tells whether it was given.
 *
 * Strings are in the arena or in the tree's arena. A key without a value counts
 * as not given.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/address.h"
#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/base/quantity.h"
#include "teataja/base/report.h"
#include "teataja/base/str.h"
#include "teataja/base/yaml.h"

/* What a value is, and the C type that it fills. */
enum schema_type {
    SCHEMA_TEXT,     /* const char *: one line, trimmed, without control characters */
    SCHEMA_LINES,    /* const char *: text of any number of lines, end trimmed */
    SCHEMA_SLUG,     /* const char *: [a-z0-9][a-z0-9-]*, at most LIMIT_SLUG */
    SCHEMA_NAME,     /* const char *: [a-z][a-z0-9_]*, at most LIMIT_SLUG */
    SCHEMA_CODE,     /* const char *: [A-Za-z0-9][A-Za-z0-9_-]*, at most LIMIT_SLUG */
    SCHEMA_PATH,     /* const char *: relative to the site, never out of it */
    SCHEMA_FILE,     /* const char *: a path that may also be absolute */
    SCHEMA_COLOR,    /* const char *: "#1f6f8b", lower case */
    SCHEMA_URL,      /* const char *: http, https, mailto or tel; `choices` names other schemes */
    SCHEMA_SECRET,   /* const char *: "file:PATH" or "env:NAME", never the secret itself */
    SCHEMA_ZONE,     /* const char *: form of a time-zone name; calendar/zone.h knows which exist */
    SCHEMA_COUNTRY,  /* const char *: ISO 3166-1 alpha-2, upper case */
    SCHEMA_INT,      /* int64_t */
    SCHEMA_BOOL,     /* bool: true, false, yes, no */
    SCHEMA_CHOICE,   /* int, or an enum: one of `choices` */
    SCHEMA_DATE,     /* struct civil, date_only */
    SCHEMA_MOMENT,   /* struct schema_moment: date or date and time, perhaps with a zone */
    SCHEMA_TIME,     /* struct schema_moment: "17:00" or "17:00 Europe/Tallinn"; no date in it */
    SCHEMA_DURATION, /* int64_t: microseconds, a day being 24 hours */
    SCHEMA_PERIOD,   /* struct period: days and microseconds */
    SCHEMA_SIZE,     /* int64_t: bytes */
    SCHEMA_PERCENT,  /* int: hundredths of a percent */
    SCHEMA_RATE,     /* struct rate */
    SCHEMA_EMAIL,    /* struct address; text is "" when not given */
    SCHEMA_LANGUAGE, /* enum language; LANG_NONE when not given */
    SCHEMA_BY_LANGUAGE,       /* struct lang_text: language -> one line, or one line for all */
    SCHEMA_LINES_BY_LANGUAGE, /* struct lang_text: the same of any number of lines */
    SCHEMA_TERMS, /* struct schema_term *, count: list of slugs, or slug -> BY_LANGUAGE */
    SCHEMA_MAP,   /* the struct of `sub`, inside this one */
    SCHEMA_NODE   /* const struct yaml_node *: anything; the caller reads it */
};

enum schema_flag {
    SCHEMA_REQUIRED = 1,    /* must be given */
    SCHEMA_LIST = 2,        /* pointer to an array and a size_t at count_offset; each item is as
                             * `type` says (SCHEMA_MAP: an array of structs, not of pointers) */
    SCHEMA_OR_ONE = 4,      /* with SCHEMA_LIST: a single value stands for a list of one */
    SCHEMA_KEYED = 8,       /* SCHEMA_MAP only: a mapping key -> `sub`, as an array of structs and
                             * a size_t; the key goes to the field of `sub` with SCHEMA_IS_KEY */
    SCHEMA_IS_KEY = 16,     /* this field is the key under which the mapping stands */
    SCHEMA_POINTER = 32,    /* SCHEMA_MAP only: pointer to the struct, NULL when not given */
    SCHEMA_EDITION = 64,    /* a text key: another language's edition of a file may hold it */
    SCHEMA_BEFORE = 128,    /* SCHEMA_DURATION, SCHEMA_PERIOD: "7 days before" is fine */
    SCHEMA_UNIQUE = 256,    /* SCHEMA_LIST of text-like, language or choice: no value twice */
    SCHEMA_NOT_EMPTY = 512, /* a list must have an item (one that is given, or required) */
    SCHEMA_HIDDEN = 1024,   /* not in the sample: the manual has it */
    SCHEMA_SHOWN = 2048     /* in the sample as a key, though it may be left out */
};

/* A date or a date and time, and the zone if one was written ("" if not). */
struct schema_moment {
    struct civil civil;
    char zone[CIVIL_ZONE];
};

/* A word of a vocabulary and its names; the slug is its name where none is given. */
struct schema_term {
    const struct yaml_node *node;
    const char *slug;
    struct lang_text name;
};

/* Ends with a NULL name. */
struct schema_choice {
    const char *name;
    int value;
    const char *help; /* may be NULL */
};

struct schema;

struct schema_field {
    const char *key;
    enum schema_type type;
    unsigned flags;       /* of enum schema_flag */
    size_t offset;        /* offsetof(struct, member) */
    size_t count_offset;  /* of the size_t, for arrays */
    int64_t min;          /* SCHEMA_INT, _DURATION, _PERIOD (microseconds), _SIZE: the range, */
    int64_t max;          /* unbounded if both are 0. Text: max is the most bytes (0: LIMIT_VALUE,
                           * or LIMIT_TEXT for lines). */
    const char *fallback; /* the value when not given, as YAML; NULL: zeros */
    const struct schema_choice *choices;
    const struct schema *sub;
    const char *help;    /* one or two sentences, for the sample and the manual */
    const char *example; /* as YAML, for the sample; NULL: the fallback, or by type */
};

struct schema {
    const char *name; /* "teataja.yaml", "relay": in messages and headings */
    size_t size;
    size_t node_offset;
    const struct schema_field *fields;
    size_t count;
    const char *shorthand; /* key that a value which is no mapping is taken for, or NULL */
};

/* Where a member of a struct is, in a schema_field; and an array with its count. */
#define SCHEMA_AT(type, member) .offset = offsetof(struct type, member)
#define SCHEMA_ARRAY(type, member, counter)                                                        \
    .offset = offsetof(struct type, member), .count_offset = offsetof(struct type, counter)

#define SCHEMA(title, type, table) SCHEMA_SHORT(title, type, table, NULL)
#define SCHEMA_SHORT(title, type, table, key)                                                      \
    {                                                                                              \
        .name = (title), .size = sizeof(type), .node_offset = offsetof(type, node),                \
        .fields = (table), .count = sizeof(table) / sizeof((table)[0]), .shorthand = (key)         \
    }

enum schema_mode {
    SCHEMA_WHOLE,      /* the file in the site's first language: everything */
    SCHEMA_TRANSLATION /* a language edition: keys with SCHEMA_EDITION only, no fallbacks */
};

/* Fills *out (schema->size bytes, set to zero first) from a mapping. Everything
 * wrong is added to `report`; what was right is filled in even then, so that
 * required members, also of structs in arrays, may be empty after ERR_INVALID.
 * Returns 0, ERR_INVALID if anything was reported, or ERR_NOMEM. */
int schema_fill(struct arena *arena, const struct schema *schema, const struct yaml_node *node,
                enum schema_mode mode, struct report *report, void *out, struct err *err);

/* Reads one value by a field's description into *out, which is of the type that
 * field->type names (lists: only through schema_fill). For SCHEMA_NODE values
 * that may be several things. Returns as schema_fill. */
int schema_value(struct arena *arena, const struct schema_field *field,
                 const struct yaml_node *node, struct report *report, void *out, struct err *err);

/* True if `node` has the key, with a value. */
bool schema_has(const struct yaml_node *node, const char *key);

/* The term's name in `language`, else in `fallback`, else its slug. */
const char *schema_term_name(const struct schema_term *term, enum language language,
                             enum language fallback);

/* True if `len` bytes are a slug. */
bool schema_is_slug(const char *text, size_t len);

/* Appends a commented sample file: required keys as they could be, the others
 * behind '#' (or, with `all`, as keys too). */
void schema_sample(const struct schema *schema, bool all, struct str *out);

/* Appends the table of keys for the manual, in man-page roff or plain text. */
enum schema_format { SCHEMA_ROFF, SCHEMA_PLAIN };
void schema_manual(const struct schema *schema, enum schema_format format, struct str *out);
