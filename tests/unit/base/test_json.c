/* JSON: written in order, read back, refused with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "teataja/base/json.h"
#include "teataja/base/limits.h"

static void what_is_written_has_its_commas_and_escapes(void **state)
{
    struct str out;
    struct json_writer json;

    (void)state;
    str_init(&out, 1000);
    json = json_writer(&out);
    json_write_object(&json);
    json_write_int_at(&json, "least", INT64_MIN);
    json_write_text_at(&json, "te\"xt", "Õun <b>\"\\\n\x7f</b>&");
    json_write_text_at(&json, "none", NULL);
    json_write_bool_at(&json, "yes", true);
    json_write_key(&json, "list");
    json_write_array(&json);
    json_write_array(&json);
    json_write_array_end(&json);
    json_write_int(&json, 1);
    json_write_raw(&json, "{\"a\":2}");
    json_write_text_n(&json, "abc", 2);
    json_write_null(&json);
    json_write_array_end(&json);
    json_write_key(&json, "empty");
    json_write_object(&json);
    json_write_object_end(&json);
    json_write_object_end(&json);
    assert_string_equal(out.data,
                        "{\"least\":-9223372036854775808,\"te\\\"xt\":\"Õun \\u003cb\\u003e\\\"\\\\"
                        "\\u000a\\u007f\\u003c/b\\u003e\\u0026\",\"none\":null,\"yes\":true,"
                        "\"list\":[[],1,{\"a\":2},\"ab\",null],\"empty\":{}}");
    str_release(&out);
}

static void what_is_read_is_a_tree(void **state)
{
    static const char text[] =
        " { \"n\" : -9223372036854775808, \"t\":\"\\u00d5un\\ud83d\\ude00\\/\\n\","
        "\"l\":[1,true,null,[],{}], \"f\": false }\n";
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    const struct json *json;
    const struct json *list;
    struct err err = {0};

    (void)state;
    assert_int_equal(json_parse(arena, text, strlen(text), &json, &err), 0);
    assert_int_equal(json_get_int(json, "n", 0), INT64_MIN);
    assert_string_equal(json_get_text(json, "t", NULL), "Õun😀/\n");
    assert_false(json_get_bool(json, "f", true));
    list = json_get(json, "l");
    assert_int_equal(list->count, 5);
    assert_true(list->items[1].truth);
    assert_int_equal(list->items[2].kind, JSON_NULL);
    assert_string_equal(list->items[2].text, "");
    assert_int_equal(list->items[4].kind, JSON_OBJECT);
    assert_null(json_get(json, "m"));
    assert_null(json_get(list, "m"));
    assert_null(json_get(NULL, "m"));
    assert_int_equal(json_get_int(json, "t", 7), 7);
    arena_free(arena);
}

static const struct {
    const char *text;
    const char *error;
} bad[] = {
    {"", "column 1: a value was expected"},
    {"[1 2]", "column 4: ',' or ']' expected"},
    {"[1,]", "column 4: a value was expected"},
    {"[1", "column 3: ',' or ']' expected"},
    {"{\"a\" 1}", "column 6: ':' expected"},
    {"{a:1}", "column 2: a key in '\"' was expected"},
    {"{\"a\":1,\"a\":2}", "column 11: this key stands there twice"},
    {"{\"a\":1,}", "column 8: a key in '\"' was expected"},
    {"\"a", "column 3: '\"' is missing at the end"},
    {"\"a\nb\"", "column 3: control character in a text"},
    {"\"\\x\"", "column 3: unknown escape in a text"},
    {"\"\\u12g4\"", "column 6: four hexadecimal digits expected after '\\u'"},
    {"\"\\ud800\"", "column 8: half of a surrogate pair is missing"},
    {"\"\\udc00\"", "column 8: this character is not allowed"},
    {"\"\\u0000\"", "column 8: this character is not allowed"},
    {"\"\xff\"", "column 2: this is not UTF-8"},
    {"01", "column 3: a value was expected"},
    {"-", "column 2: a value was expected"},
    {"1.5", "column 2: only whole numbers are allowed"},
    {"1e5", "column 2: only whole numbers are allowed"},
    {"9223372036854775808", "column 20: this number is too large"},
    {"99999999999999999999", "column 19: this number is too large"},
    {"nul", "column 1: a value was expected"},
    {"1 1", "column 3: nothing more was expected"},
};

static void what_is_not_json_is_refused_with_its_place(void **state)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct json *json;
        struct err err = {0};

        assert_int_equal(json_parse(arena, bad[i].text, strlen(bad[i].text), &json, &err),
                         ERR_INVALID);
        assert_string_equal(err.msg, bad[i].error);
        assert_null(json);
    }
    arena_free(arena);
}

static void nesting_has_an_end(void **state)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    const struct json *json;
    char deep[100000];
    struct err err = {0};

    (void)state;
    memset(deep, '[', sizeof(deep));
    assert_int_equal(json_parse(arena, deep, sizeof(deep), &json, &err), ERR_LIMIT);
    memset(deep + JSON_DEPTH, ']', JSON_DEPTH);
    assert_int_equal(json_parse(arena, deep, (size_t)JSON_DEPTH * 2, &json, &err), 0);
    arena_free(arena);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_has_its_commas_and_escapes),
        cmocka_unit_test(what_is_read_is_a_tree),
        cmocka_unit_test(what_is_not_json_is_refused_with_its_place),
        cmocka_unit_test(nesting_has_an_end),
    };

    return cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
