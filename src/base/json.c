#include "teataja/base/json.h"

#include <string.h>

#include "teataja/base/utf8.h"

struct json_writer json_writer(struct str *out)
{
    return (struct json_writer){.out = out, .comma = false};
}

static void separate(struct json_writer *json)
{
    if (json->comma) {
        str_add_char(json->out, ',');
    }
    json->comma = true;
}

static void open_with(struct json_writer *json, char bracket)
{
    separate(json);
    str_add_char(json->out, bracket);
    json->comma = false;
}

static void close_with(struct json_writer *json, char bracket)
{
    str_add_char(json->out, bracket);
    json->comma = true;
}

void json_write_object(struct json_writer *json)
{
    open_with(json, '{');
}

void json_write_object_end(struct json_writer *json)
{
    close_with(json, '}');
}

void json_write_array(struct json_writer *json)
{
    open_with(json, '[');
}

void json_write_array_end(struct json_writer *json)
{
    close_with(json, ']');
}

static void add_quoted(struct str *out, const char *text, size_t len)
{
    size_t from = 0;

    str_add_char(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 0x20 && c != 0x7F && !strchr("\"\\<>&", c)) {
            continue;
        }
        str_add_bytes(out, text + from, i - from);
        if (c == '"' || c == '\\') {
            str_addf(out, "\\%c", c);
        } else {
            str_addf(out, "\\u%04x", c);
        }
        from = i + 1;
    }
    str_add_bytes(out, text + from, len - from);
    str_add_char(out, '"');
}

void json_write_key(struct json_writer *json, const char *key)
{
    separate(json);
    add_quoted(json->out, key, strlen(key));
    str_add_char(json->out, ':');
    json->comma = false;
}

void json_write_text(struct json_writer *json, const char *text)
{
    if (text) {
        json_write_text_n(json, text, strlen(text));
    } else {
        json_write_null(json);
    }
}

void json_write_text_n(struct json_writer *json, const char *text, size_t len)
{
    separate(json);
    add_quoted(json->out, text, len);
}

void json_write_int(struct json_writer *json, int64_t value)
{
    separate(json);
    str_addf(json->out, "%lld", (long long)value);
}

void json_write_bool(struct json_writer *json, bool value)
{
    json_write_raw(json, value ? "true" : "false");
}

void json_write_null(struct json_writer *json)
{
    json_write_raw(json, "null");
}

void json_write_raw(struct json_writer *json, const char *json_text)
{
    separate(json);
    str_add(json->out, json_text);
}

void json_write_text_at(struct json_writer *json, const char *key, const char *text)
{
    json_write_key(json, key);
    json_write_text(json, text);
}

void json_write_int_at(struct json_writer *json, const char *key, int64_t value)
{
    json_write_key(json, key);
    json_write_int(json, value);
}

void json_write_bool_at(struct json_writer *json, const char *key, bool value)
{
    json_write_key(json, key);
    json_write_bool(json, value);
}

struct reader {
    struct arena *arena;
    const char *text;
    size_t len;
    size_t at;
    int depth;
    struct err *err;
};

static int refuse(const struct reader *reader, const char *what)
{
    return err_set(reader->err, ERR_INVALID, "column %zu: %s", reader->at + 1, what);
}

/* The byte at the reading position; 0 at the end (a NUL in the text is refused
 * wherever a byte is expected, so the two cannot be confused). */
static char peek(const struct reader *reader)
{
    return reader->at < reader->len ? reader->text[reader->at] : '\0';
}

static void skip_space(struct reader *reader)
{
    while (reader->at < reader->len && strchr(" \t\r\n", reader->text[reader->at]) &&
           reader->text[reader->at] != '\0') {
        reader->at++;
    }
}

static int read_hex(struct reader *reader, uint32_t *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++) {
        char c = peek(reader);
        uint32_t digit;

        if (c >= '0' && c <= '9') {
            digit = (uint32_t)(c - '0');
        } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
            digit = (uint32_t)((c | 0x20) - 'a') + 10;
        } else {
            return refuse(reader, "four hexadecimal digits expected after '\\u'");
        }
        *code = *code * 16 + digit;
        reader->at++;
    }
    return 0;
}

static int read_unicode(struct reader *reader, struct str *out)
{
    uint32_t code;
    uint32_t low;
    int rc = read_hex(reader, &code);

    if (rc == 0 && code >= 0xD800 && code < 0xDC00) {
        if (reader->len - reader->at < 2 || reader->text[reader->at] != '\\' ||
            reader->text[reader->at + 1] != 'u') {
            return refuse(reader, "half of a surrogate pair is missing");
        }
        reader->at += 2;
        rc = read_hex(reader, &low);
        if (rc == 0 && (low < 0xDC00 || low > 0xDFFF)) {
            return refuse(reader, "half of a surrogate pair is missing");
        }
        code = rc == 0 ? 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00) : 0;
    } else if (rc == 0 && (code == 0 || (code >= 0xDC00 && code < 0xE000))) {
        return refuse(reader, "this character is not allowed");
    }
    if (rc == 0) {
        utf8_add(out, code);
    }
    return rc;
}

static int read_escape(struct reader *reader, struct str *out)
{
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    char c = peek(reader);
    const char *name = c ? strchr(names, c) : NULL;

    if (!name && c != 'u') {
        return refuse(reader, "unknown escape in a text");
    }
    reader->at++;
    if (!name) {
        return read_unicode(reader, out);
    }
    str_add_char(out, values[name - names]);
    return 0;
}

static int read_text(struct reader *reader, const char **text, size_t *len)
{
    struct str out;
    int rc = 0;

    str_init(&out, reader->len);
    reader->at++;
    while (rc == 0 && peek(reader) != '"') {
        size_t from = reader->at;

        while ((unsigned char)peek(reader) >= 0x20 && peek(reader) != '"' && peek(reader) != '\\') {
            reader->at++;
        }
        str_add_bytes(&out, reader->text + from, reader->at - from);
        if (peek(reader) == '\\') {
            reader->at++;
            rc = read_escape(reader, &out);
        } else if (peek(reader) != '"') {
            rc = refuse(reader, reader->at < reader->len ? "control character in a text"
                                                         : "'\"' is missing at the end");
        }
    }
    reader->at++;
    if (rc == 0) {
        rc = str_check(&out, reader->err);
    }
    if (rc == 0) {
        *text = arena_strndup(reader->arena, out.data, out.len);
        *len = out.len;
        rc = *text ? 0 : err_nomem(reader->err);
    }
    str_release(&out);
    return rc;
}

static int read_number(struct reader *reader, int64_t *out)
{
    bool negative = peek(reader) == '-';
    size_t start;
    int64_t value = 0;

    reader->at += negative;
    start = reader->at;
    while (peek(reader) >= '0' && peek(reader) <= '9') {
        int digit = peek(reader) - '0';

        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value)) {
            return refuse(reader, "this number is too large");
        }
        reader->at++;
    }
    if (reader->at == start || (reader->text[start] == '0' && reader->at > start + 1)) {
        return refuse(reader, "a value was expected");
    }
    if (peek(reader) == '.' || (peek(reader) | 0x20) == 'e') {
        return refuse(reader, "only whole numbers are allowed");
    }
    /* Built up below zero, where there is room for one more. */
    if (!negative && value == INT64_MIN) {
        return refuse(reader, "this number is too large");
    }
    *out = negative ? value : -value;
    return 0;
}

static bool read_word(struct reader *reader, const char *word)
{
    size_t len = strlen(word);

    if (reader->len - reader->at < len || memcmp(reader->text + reader->at, word, len) != 0) {
        return false;
    }
    reader->at += len;
    return true;
}

static int read_value(struct reader *reader, struct json *out);

static int read_key(struct reader *reader, const char **keys, size_t count)
{
    size_t len;
    int rc;

    if (peek(reader) != '"') {
        return refuse(reader, "a key in '\"' was expected");
    }
    rc = read_text(reader, &keys[count], &len);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (strcmp(keys[i], keys[count]) == 0) {
            rc = refuse(reader, "this key stands there twice");
        }
    }
    skip_space(reader);
    if (rc == 0 && peek(reader) != ':') {
        rc = refuse(reader, "':' expected");
    }
    reader->at++;
    return rc;
}

/* The inside of an array or object, from behind its opening bracket. */
static int read_items(struct reader *reader, struct json *out, char end)
{
    struct json *items = NULL;
    const char **keys = NULL;
    size_t room = 0;
    size_t key_room = 0;
    int rc = 0;

    skip_space(reader);
    while (rc == 0 && (out->count > 0 || peek(reader) != end)) {
        rc = arena_grow(reader->arena, &items, &room, out->count, sizeof(*items), reader->err);
        if (rc == 0 && end == '}') {
            rc =
                arena_grow(reader->arena, &keys, &key_room, out->count, sizeof(*keys), reader->err);
        }
        if (rc == 0 && end == '}') {
            skip_space(reader);
            rc = read_key(reader, keys, out->count);
        }
        if (rc == 0) {
            rc = read_value(reader, &items[out->count]);
        }
        if (rc < 0) {
            break;
        }
        out->count++;
        skip_space(reader);
        if (peek(reader) == end) {
            break;
        }
        if (peek(reader) != ',') {
            rc = refuse(reader, end == '}' ? "',' or '}' expected" : "',' or ']' expected");
        }
        reader->at++;
    }
    reader->at++;
    out->items = items;
    out->keys = keys;
    return rc;
}

static int read_value(struct reader *reader, struct json *out)
{
    int rc;

    *out = (struct json){.kind = JSON_NULL, .text = ""};
    skip_space(reader);
    switch (peek(reader)) {
    case '"':
        out->kind = JSON_TEXT;
        return read_text(reader, &out->text, &out->len);
    case '[':
    case '{':
        if (reader->depth == JSON_DEPTH) {
            return err_set(reader->err, ERR_LIMIT, "column %zu: nested deeper than %d",
                           reader->at + 1, JSON_DEPTH);
        }
        out->kind = peek(reader) == '[' ? JSON_ARRAY : JSON_OBJECT;
        reader->depth++;
        reader->at++;
        rc = read_items(reader, out, out->kind == JSON_ARRAY ? ']' : '}');
        reader->depth--;
        return rc;
    default:
        if (read_word(reader, "null")) {
            return 0;
        }
        if (read_word(reader, "true")) {
            out->kind = JSON_BOOL;
            out->truth = true;
            return 0;
        }
        if (read_word(reader, "false")) {
            out->kind = JSON_BOOL;
            return 0;
        }
        out->kind = JSON_INT;
        return read_number(reader, &out->number);
    }
}

int json_parse(struct arena *arena, const char *text, size_t len, const struct json **out,
               struct err *err)
{
    struct reader reader = {.arena = arena, .text = text, .len = len, .err = err};
    struct json *root;
    size_t bad;
    int rc;

    *out = NULL;
    if (!utf8_is_valid(text, len, &bad)) {
        return err_set(err, ERR_INVALID, "column %zu: this is not UTF-8", bad + 1);
    }
    root = arena_alloc(arena, 1, sizeof(*root));
    if (!root) {
        return err_nomem(err);
    }
    rc = read_value(&reader, root);
    if (rc < 0) {
        return rc;
    }
    skip_space(&reader);
    if (reader.at < len) {
        return refuse(&reader, "nothing more was expected");
    }
    *out = root;
    return 0;
}

const struct json *json_get(const struct json *json, const char *key)
{
    if (!json || json->kind != JSON_OBJECT) {
        return NULL;
    }
    for (size_t i = 0; i < json->count; i++) {
        if (strcmp(json->keys[i], key) == 0) {
            return &json->items[i];
        }
    }
    return NULL;
}

const char *json_get_text(const struct json *json, const char *key, const char *otherwise)
{
    const struct json *value = json_get(json, key);

    return value && value->kind == JSON_TEXT ? value->text : otherwise;
}

int64_t json_get_int(const struct json *json, const char *key, int64_t otherwise)
{
    const struct json *value = json_get(json, key);

    return value && value->kind == JSON_INT ? value->number : otherwise;
}

bool json_get_bool(const struct json *json, const char *key, bool otherwise)
{
    const struct json *value = json_get(json, key);

    return value && value->kind == JSON_BOOL ? value->truth : otherwise;
}
