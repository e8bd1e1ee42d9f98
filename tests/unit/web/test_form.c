/* Forms: both encodings, read strictly and within bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/web/form.h"

#define URLENCODED "application/x-www-form-urlencoded"
#define MULTIPART "multipart/form-data; boundary=b"
#define PART "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"

static const struct {
    const char *name;
    const char *type;
    const char *body;
    const char *read; /* "a=1|b=2"; NULL: refused */
} forms[] = {
    {"one click", URLENCODED, "List-Unsubscribe=One-Click", "List-Unsubscribe=One-Click"},
    {"one click, as another mail program sends it", "multipart/form-data; boundary=\"x y\"",
     "--x y\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n"
     "--x y--\r\n",
     "List-Unsubscribe=One-Click"},
    {"no type", NULL, "a=1", "a=1"},
    {"a charset behind the type", URLENCODED "; charset=UTF-8", "a=1", "a=1"},
    {"the type in capitals", "APPLICATION/X-WWW-FORM-URLENCODED", "a=1", "a=1"},
    {"nothing", URLENCODED, "", ""},
    {"several fields in order", URLENCODED, "a=1&b=2&a=3", "a=1|b=2|a=3"},
    {"empty pairs", URLENCODED, "&a=1&&b", "a=1|b="},
    {"escapes and plus", URLENCODED, "a=%C3%B5+b%2B%3D", "a=õ b+="},
    {"escapes in a name", URLENCODED, "%61=1", "a=1"},
    {"line ends become LF", URLENCODED, "a=b%0D%0Ac%0Dd", "a=b\nc\nd"},
    {"controls are dropped", URLENCODED, "a=b%00%07%1Bc%09d", "a=bc d"},
    {"a broken escape", URLENCODED, "a=%4", NULL},
    {"an escape of letters", URLENCODED, "a=%zz", NULL},
    {"no UTF-8", URLENCODED, "a=%C3", NULL},
    {"NUL in a name", URLENCODED, "a%00b=1", NULL},
    {"another type", "application/json", "{}", NULL},
    {"a type that only begins so", URLENCODED "x", "a=1", NULL},

    {"parts", MULTIPART, PART "1\r\n" PART "2\r\n--b--\r\n", "a=1|a=2"},
    {"an empty part", MULTIPART, PART "\r\n--b--", "a="},
    {"a preamble", MULTIPART, "hello\r\n" PART "1\r\n--b--", "a=1"},
    {"the boundary inside a line", MULTIPART, PART "1--b2\r\n--b--", "a=1--b2"},
    {"more fields of a part", MULTIPART,
     "--b\r\nContent-Type: text/plain\r\ncontent-disposition: form-data; x=\"; name=c\"; "
     "name=a\r\n\r\n1\r\n--b--",
     "a=1"},
    {"a file is skipped", MULTIPART,
     "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n\x01\xff\r\n" PART
     "1\r\n--b--",
     "a=1"},
    {"no boundary in the type", "multipart/form-data", PART "1\r\n--b--", NULL},
    {"an empty boundary", "multipart/form-data; boundary=", "--\r\n", NULL},
    {"a long boundary",
     "multipart/form-data; "
     "boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "", NULL},
    {"no boundary in the body", MULTIPART, "a=1", NULL},
    {"no end", MULTIPART, PART "1\r\n", NULL},
    {"no end of the head", MULTIPART, "--b\r\nContent-Disposition: form-data; name=a\r\n--b--",
     NULL},
    {"no name", MULTIPART, "--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--", NULL},
    {"a quote that does not close", MULTIPART,
     "--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n--b--", NULL},
    {"no head", MULTIPART, "--b\r\n\r\n1\r\n--b--", NULL},
    {"something behind the boundary", MULTIPART, "--bx\r\n", NULL},
    {"an empty body", MULTIPART, "", NULL},
};

static void print(const struct form *form, char *out, size_t size)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < form->count; i++) {
        at += (size_t)snprintf(out + at, size - at, "%s%s=%s", i > 0 ? "|" : "",
                               form->fields[i].name, form->fields[i].value);
    }
}

static void test_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct arena *arena = arena_new(LIMIT_ARENA_WORK);
        struct err err = {0};
        struct form form;
        char read[500];
        int rc =
            form_parse(arena, forms[i].type, forms[i].body, strlen(forms[i].body), &form, &err);

        print(&form, read, sizeof(read));
        if ((rc == 0) != (forms[i].read != NULL) || (rc == 0 && strcmp(read, forms[i].read) != 0) ||
            (rc < 0 && form.count != 0)) {
            fail_msg("%s: %d, '%s' (%s)", forms[i].name, rc, read, err.msg);
        }
        arena_free(arena);
    }
}

static int parse_repeated(struct arena *arena, const char *unit, size_t times)
{
    static char body[20000];
    struct form form;

    for (size_t i = 0; i < times * strlen(unit); i++) {
        body[i] = unit[i % strlen(unit)];
    }
    return form_parse(arena, URLENCODED, body, times * strlen(unit), &form, NULL);
}

static void test_ceilings(void **state)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);

    (void)state;
    assert_int_equal(parse_repeated(arena, "a=1&", FORM_FIELDS), 0);
    assert_int_equal(parse_repeated(arena, "a=1&", FORM_FIELDS + 1), ERR_LIMIT);
    assert_int_equal(parse_repeated(arena, "n", FORM_NAME), 0);
    assert_int_equal(parse_repeated(arena, "n", FORM_NAME + 1), ERR_LIMIT);
    assert_int_equal(parse_repeated(arena, "=", FORM_VALUE + 1), 0);
    assert_int_equal(parse_repeated(arena, "=", FORM_VALUE + 2), ERR_LIMIT);
    arena_free(arena);
}

static void test_fields_are_found(void **state)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct form form;

    (void)state;
    assert_int_equal(form_parse(arena, NULL, "a=1&b=2&a=3", 11, &form, NULL), 0);
    assert_string_equal(form_get(&form, "a"), "1");
    assert_null(form_get(&form, "c"));
    assert_true(form_has(&form, "a", "3"));
    assert_false(form_has(&form, "b", "3"));
    arena_free(arena);
}

static void test_no_memory_is_an_error_and_no_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        for (unsigned long nth = 1;; nth++) {
            struct arena *arena = arena_new(LIMIT_ARENA_WORK);
            struct form form;
            int rc;

            assert_non_null(arena);
            mem_fail_at(nth, 0);
            rc =
                form_parse(arena, forms[i].type, forms[i].body, strlen(forms[i].body), &form, NULL);
            arena_free(arena);
            if (mem_count() < nth) {
                break;
            }
            assert_true(rc == ERR_NOMEM || (rc < 0 && forms[i].read == NULL));
        }
        mem_fail_at(0, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_ceilings),
        cmocka_unit_test(test_fields_are_found),
        cmocka_unit_test(test_no_memory_is_an_error_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
