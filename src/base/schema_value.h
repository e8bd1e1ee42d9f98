/* schema_value.h - how schema.c reads one value; private to base. */
#pragma once

#include "teataja/base/schema.h"

/* One call of schema_fill or schema_value. */
struct schema_context {
    struct arena *arena;
    struct report *report;
    struct err *err; /* never NULL */
    enum schema_mode mode;
    size_t problems;
};

/* Reports a problem with a field's value: "key: message". Returns ERR_INVALID. */
int schema_reject(struct schema_context *context, const struct schema_field *field,
                  const struct yaml_node *node, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Reads a value that is no map, no array and no node into *out. Returns 0,
 * ERR_INVALID after reporting, or ERR_NOMEM. */
int schema_read(struct schema_context *context, const struct schema_field *field,
                const struct yaml_node *node, void *out);

/* Bytes of the C type. 0 for SCHEMA_MAP: its table knows. */
size_t schema_type_size(enum schema_type type);

/* "a date": for messages and the manual. */
const char *schema_type_words(enum schema_type type);

/* A value of the type, as YAML, for samples. */
const char *schema_type_sample(enum schema_type type);

/* Readers of values that stay text (schema_text.c): as schema_read. */
int schema_read_text(struct schema_context *context, const struct schema_field *field,
                     const struct yaml_node *node, void *out);
int schema_read_word(struct schema_context *context, const struct schema_field *field,
                     const struct yaml_node *node, void *out);
int schema_read_path(struct schema_context *context, const struct schema_field *field,
                     const struct yaml_node *node, void *out);
int schema_read_color(struct schema_context *context, const struct schema_field *field,
                      const struct yaml_node *node, void *out);
int schema_read_url(struct schema_context *context, const struct schema_field *field,
                    const struct yaml_node *node, void *out);
int schema_read_secret(struct schema_context *context, const struct schema_field *field,
                       const struct yaml_node *node, void *out);
int schema_read_country(struct schema_context *context, const struct schema_field *field,
                        const struct yaml_node *node, void *out);
