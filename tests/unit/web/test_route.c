/* Which page a path is about, and which language and address a page shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "route.h"
#include "teataja/base/limits.h"

static const struct {
    const char *prefix;
    const char *path;
    const char *name;  /* NULL: no page */
    const char *words; /* "a|b" */
} paths[] = {
    {"", "/", "home", ""},
    {"", "/leave/abc", "leave", "abc"},
    {"", "/leave", "leave", ""},
    {"", "/leave/", NULL, ""},
    {"", "/leave/a/b", NULL, ""},
    {"", "/leavex/a", NULL, ""},
    {"", "/Leave/a", NULL, ""},
    {"", "/answer/a/yes", "answer", "a|yes"},
    {"", "/answer/a", "answer", "a"},
    {"", "/answer/a/", NULL, ""},
    {"", "/archive/funding/x", "archive_letter", "funding|x"},
    {"", "/picture/1/a.b@c", "picture", "1|a.b@c"},
    {"", "/c/grants.et.ics", "call", "grants.et.ics"},
    {"", "/feed/funding.en.ics", "feed", "funding.en.ics"},
    {"", "/c/", NULL, ""},
    {"", "/draft/a", "draft", "a"},
    {"", "/draft/a/et-2.txt", "draft_letter", "a|et-2.txt"},
    {"", "/draft/a/et/x", NULL, ""},
    {"", "/draft", NULL, ""},
    {"", "/favicon.ico", "icon", ""},
    {"", "//leave/a", NULL, ""},
    {"", "leave/a", NULL, ""},
    {"", "/..", NULL, ""},
    {"", "", "home", ""},
    {"/w", "/w", "home", ""},
    {"/w", "/w/", "home", ""},
    {"/w", "/w/leave/a", "leave", "a"},
    {"/w", "/leave/a", "leave", "a"},
    {"/w", "/wx", NULL, ""},
    {"/leave", "/leave/leave/a", "leave", "a"},
};

static void test_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct arena *arena = arena_new(LIMIT_ARENA_WORK);
        const char *words[CALL_WORDS] = {NULL};
        const struct route *route = route_find(paths[i].prefix, paths[i].path, arena, words);
        const char *found = words[0] == NULL   ? ""
                            : words[1] == NULL ? words[0]
                                               : arena_printf(arena, "%s|%s", words[0], words[1]);

        if ((route != NULL) != (paths[i].name != NULL) ||
            (route != NULL &&
             (strcmp(route->name, paths[i].name) != 0 || strcmp(found, paths[i].words) != 0))) {
            fail_msg("%s: '%s', '%s'", paths[i].path, route != NULL ? route->name : "", found);
        }
        arena_free(arena);
    }
}

static const struct {
    const char *header;
    enum language language;
} headers[] = {
    {NULL, LANG_CS},
    {"", LANG_CS},
    {"et", LANG_ET},
    {"ET-ee", LANG_ET},
    {"fr, xx", LANG_CS},
    {"fr, ru;q=0.5", LANG_RU},
    {"ru;q=0.5, et;q=0.9, pl;q=0.8", LANG_ET},
    {"ru;q=0.500,et;q=0.501", LANG_ET},
    {"ru ; q=0.2 ,lv", LANG_LV},
    {"en;q=0, lt;q=0.001", LANG_LT},
    {"en;q=0", LANG_CS},
    {"*", LANG_CS},
    {"de,fi", LANG_DE},
    {"de;q=9, fi;q=1", LANG_DE},
    {",,;q=,fi", LANG_FI},
    {"eta, etx;q=1", LANG_CS},
};

static void test_languages(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        enum language found = call_accept(headers[i].header, LANG_CS);

        if (found != headers[i].language) {
            fail_msg("%s: %s", headers[i].header, language_tag(found));
        }
    }
}

static void test_addresses_are_masked(void **state)
{
    struct call call = {.arena = arena_new(LIMIT_ARENA_WORK)};

    (void)state;
    assert_string_equal(call_masked(&call, "mari@naide.example"), "m…\u2060@naide.example");
    assert_string_equal(call_masked(&call, "õnne@naide.example"), "õ…\u2060@naide.example");
    assert_string_equal(call_masked(&call, "\"a@b\"@naide.example"), "\"…\u2060@naide.example");
    assert_string_equal(call_masked(&call, NULL), "");
    arena_free(call.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_languages),
        cmocka_unit_test(test_addresses_are_masked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
