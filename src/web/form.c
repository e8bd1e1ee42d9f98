/* form.c - see teataja/web/form.h. */
#include "teataja/web/form.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "form_part.h"
#include "teataja/base/utf8.h"

int form_add(struct form_reader *reader, char *name, size_t name_len, char *value, size_t value_len,
             struct err *err)
{
    struct form_field *fields;
    int rc;

    if (reader->count == FORM_FIELDS || name_len > FORM_NAME || value_len > FORM_VALUE) {
        return err_set(err, ERR_LIMIT, "the form has too many fields, or one that is too long");
    }
    if (!utf8_is_valid(name, name_len, NULL) || !utf8_is_valid(value, value_len, NULL) ||
        memchr(name, '\0', name_len) != NULL) {
        return err_set(err, ERR_INVALID, "the form is not well-formed UTF-8");
    }
    rc = arena_grow(reader->arena, &reader->fields, &reader->capacity, reader->count,
                    sizeof(*reader->fields), err);
    if (rc < 0) {
        return rc;
    }
    fields = &reader->fields[reader->count];
    fields->name = arena_strndup(reader->arena, name, name_len);
    fields->value = form_clean(reader->arena, value, value_len);
    if (fields->name == NULL || fields->value == NULL) {
        return err_nomem(err);
    }
    reader->count++;
    return 0;
}

char *form_clean(struct arena *arena, const char *text, size_t len)
{
    char *out = arena_alloc(arena, 1, len + 1);
    size_t at = 0;

    for (size_t i = 0; out != NULL && i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '\r') {
            out[at++] = '\n';
            i += i + 1 < len && text[i + 1] == '\n' ? 1 : 0;
        } else if (c == '\t') {
            out[at++] = ' ';
        } else if (c == '\n' || (c >= ' ' && c != 0x7F)) {
            out[at++] = (char)c;
        }
    }
    return out;
}

static int hex(char c)
{
    return isdigit((unsigned char)c)    ? c - '0'
           : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
                                        : -1;
}

/* Decodes in place. The new length, or -1. */
static long unescape(char *text, size_t len)
{
    size_t out = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] != '%') {
            text[out++] = text[i] == '+' ? ' ' : text[i];
        } else if (i + 2 < len && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
            text[out++] = (char)(hex(text[i + 1]) * 16 + hex(text[i + 2]));
            i += 2;
        } else {
            return -1;
        }
    }
    return (long)out;
}

static int read_pair(struct form_reader *reader, char *pair, size_t len, struct err *err)
{
    char *equals = memchr(pair, '=', len);
    size_t name = equals != NULL ? (size_t)(equals - pair) : len;
    size_t value = equals != NULL ? len - name - 1 : 0;
    char *text = pair + len - value;
    long name_len = unescape(pair, name);
    long value_len = unescape(text, value);

    if (name_len < 0 || value_len < 0) {
        return err_set(err, ERR_INVALID, "the form has a broken escape");
    }
    return form_add(reader, pair, (size_t)name_len, text, (size_t)value_len, err);
}

static int read_urlencoded(struct form_reader *reader, const char *body, size_t len,
                           struct err *err)
{
    char *text = arena_alloc(reader->arena, 1, len + 1);
    size_t at = 0;
    int rc = 0;

    if (text == NULL) {
        return err_nomem(err);
    }
    memcpy(text, body, len);
    while (rc == 0 && at < len) {
        char *end = memchr(text + at, '&', len - at);
        size_t size = end != NULL ? (size_t)(end - text) - at : len - at;

        if (size > 0) {
            rc = read_pair(reader, text + at, size, err);
        }
        at += size + 1;
    }
    return rc;
}

/* "multipart/form-data" of "multipart/form-data; boundary=x". */
static bool is_type(const char *type, const char *wanted)
{
    size_t len = strlen(wanted);

    type += strspn(type, " \t");
    return strncasecmp(type, wanted, len) == 0 && strchr("; \t", type[len]) != NULL;
}

int form_parse(struct arena *arena, const char *type, const char *body, size_t len,
               struct form *out, struct err *err)
{
    struct form_reader reader = {.arena = arena};
    int rc;

    *out = (struct form){0};
    if (type == NULL || is_type(type, "application/x-www-form-urlencoded")) {
        rc = read_urlencoded(&reader, body, len, err);
    } else if (is_type(type, "multipart/form-data")) {
        rc = form_read_parts(&reader, type, body, len, err);
    } else {
        rc = err_set(err, ERR_INVALID, "the form is neither urlencoded nor multipart/form-data");
    }
    *out = (struct form){.fields = reader.fields, .count = rc == 0 ? reader.count : 0};
    return rc;
}

const char *form_get(const struct form *form, const char *name)
{
    for (size_t i = 0; i < form->count; i++) {
        if (strcmp(form->fields[i].name, name) == 0) {
            return form->fields[i].value;
        }
    }
    return NULL;
}

bool form_has(const struct form *form, const char *name, const char *value)
{
    for (size_t i = 0; i < form->count; i++) {
        if (strcmp(form->fields[i].name, name) == 0 && strcmp(form->fields[i].value, value) == 0) {
            return true;
        }
    }
    return false;
}
