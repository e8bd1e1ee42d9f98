/* teataja/base/json.h - JSON (RFC 8259), written in order and read as a tree.
 *
 * Writing: into a struct str, commas by themselves:
 *
 *     struct json_writer json = json_writer(&out);
 *     json_write_object(&json);
 *     json_write_key(&json, "mailing");
 *     json_write_int(&json, 7);
 *     json_write_text_at(&json, "state", "sent");
 *     json_write_object_end(&json);
 *
 * gives {"mailing":7,"state":"sent"}. Failures are the str's: str_check.
 *
 * Reading: what we or people of the house wrote, within limits: nesting of
 * JSON_DEPTH, whole numbers of 64 bits only, no duplicate keys.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/str.h"

#define JSON_DEPTH 32 /* arrays and objects inside each other, when reading */

struct json_writer {
    struct str *out;
    bool comma; /* a value stands before, at this level */
};

struct json_writer json_writer(struct str *out);

void json_write_object(struct json_writer *json);
void json_write_object_end(struct json_writer *json);
void json_write_array(struct json_writer *json);
void json_write_array_end(struct json_writer *json);

/* Inside an object, before each value. */
void json_write_key(struct json_writer *json, const char *key);

/* Text is UTF-8 and stays so; controls, '"', '\', '<', '>' and '&' are escaped
 * (so that it can also stand inside HTML). A NULL text is written as null. */
void json_write_text(struct json_writer *json, const char *text);
void json_write_text_n(struct json_writer *json, const char *text, size_t len);
void json_write_int(struct json_writer *json, int64_t value);
void json_write_bool(struct json_writer *json, bool value);
void json_write_null(struct json_writer *json);

/* A value that is JSON already. */
void json_write_raw(struct json_writer *json, const char *json_text);

/* Key and value in one. */
void json_write_text_at(struct json_writer *json, const char *key, const char *text);
void json_write_int_at(struct json_writer *json, const char *key, int64_t value);
void json_write_bool_at(struct json_writer *json, const char *key, bool value);

enum json_kind { JSON_NULL, JSON_BOOL, JSON_INT, JSON_TEXT, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_kind kind;
    bool truth;       /* JSON_BOOL */
    int64_t number;   /* JSON_INT */
    const char *text; /* JSON_TEXT: UTF-8 with a NUL behind it; "" for every other kind */
    size_t len;       /* of text */
    size_t count;     /* JSON_ARRAY, JSON_OBJECT */
    const struct json *items; /* the values */
    const char *const *keys;  /* JSON_OBJECT: the keys, in the order of the items */
};

/* Reads one value of `len` bytes; nothing but white space may follow. *out lives
 * in the arena. ERR_INVALID: "column 12: ',' or ']' expected"; ERR_LIMIT for
 * nesting; ERR_NOMEM. */
int json_parse(struct arena *arena, const char *text, size_t len, const struct json **out,
               struct err *err);

/* The value of a key; NULL if there is none or `json` is NULL or no object. */
const struct json *json_get(const struct json *json, const char *key);

/* The value of a key in its C form, or `otherwise` when absent or another kind. */
const char *json_get_text(const struct json *json, const char *key, const char *otherwise);
int64_t json_get_int(const struct json *json, const char *key, int64_t otherwise);
bool json_get_bool(const struct json *json, const char *key, bool otherwise);
