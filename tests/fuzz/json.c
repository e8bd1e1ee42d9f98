/* JSON: a tree that was read is written so that it reads the same. */
#include "fuzz.h"

#include "teataja/base/json.h"
#include "teataja/base/limits.h"

static void write_value(struct json_writer *writer, const struct json *json)
{
    switch (json->kind) {
    case JSON_NULL:
        json_write_null(writer);
        break;
    case JSON_BOOL:
        json_write_bool(writer, json->truth);
        break;
    case JSON_INT:
        json_write_int(writer, json->number);
        break;
    case JSON_TEXT:
        json_write_text_n(writer, json->text, json->len);
        break;
    case JSON_ARRAY:
        json_write_array(writer);
        for (size_t i = 0; i < json->count; i++) {
            write_value(writer, &json->items[i]);
        }
        json_write_array_end(writer);
        break;
    case JSON_OBJECT:
        json_write_object(writer);
        for (size_t i = 0; i < json->count; i++) {
            json_write_key(writer, json->keys[i]);
            write_value(writer, &json->items[i]);
        }
        json_write_object_end(writer);
        break;
    }
}

static void check_value(const struct json *json, int depth)
{
    FUZZ_CHECK(depth <= JSON_DEPTH);
    FUZZ_CHECK(json->text != NULL && json->text[json->len] == '\0');
    FUZZ_CHECK(utf8_is_valid(json->text, json->len, NULL));
    for (size_t i = 0; i < json->count; i++) {
        check_value(&json->items[i], depth + 1);
        if (json->kind == JSON_OBJECT) {
            FUZZ_CHECK(json_get(json, json->keys[i]) == &json->items[i]);
        }
    }
}

static void check_round_trip(struct arena *arena, const struct json *json)
{
    const struct json *again = NULL;
    struct json_writer writer;
    struct str first;
    struct str second;

    str_init(&first, LIMIT_FILE);
    str_init(&second, LIMIT_FILE);
    writer = json_writer(&first);
    write_value(&writer, json);
    FUZZ_CHECK(str_check(&first, NULL) == 0);
    FUZZ_CHECK(strpbrk(first.data, "<>&\n\r\t") == NULL);
    FUZZ_CHECK(json_parse(arena, first.data, first.len, &again, NULL) == 0);
    writer = json_writer(&second);
    write_value(&writer, again);
    FUZZ_CHECK(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    str_release(&first);
    str_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    const struct json *json = NULL;
    struct err err = {0};
    int rc = json_parse(arena, (const char *)data, size, &json, &err);

    if (rc == 0) {
        check_value(json, 0);
        check_round_trip(arena, json);
    } else {
        FUZZ_CHECK(rc == ERR_INVALID || rc == ERR_LIMIT);
        fuzz_check_error(rc, &err);
    }
    arena_free(arena);
    return 0;
}
