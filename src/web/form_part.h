/* form_part.h - what the two readers of forms share. */
#pragma once

#include "teataja/web/form.h"

/* Fields while they are read. */
struct form_reader {
    struct arena *arena;
    struct form_field *fields;
    size_t count;
    size_t capacity;
};

/* Adds a field after checking it. */
int form_add(struct form_reader *reader, char *name, size_t name_len, char *value, size_t value_len,
             struct err *err);

/* Line ends as LF, a tab as a space, no other control characters. In the arena. */
char *form_clean(struct arena *arena, const char *text, size_t len);

/* multipart/form-data (RFC 7578); `type` names the boundary. */
int form_read_parts(struct form_reader *reader, const char *type, const char *body, size_t len,
                    struct err *err);
