/* What changed from one text to another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "teataja/base/diff.h"

#define HEAD "--- old\n+++ new\n"

static void test_the_difference_is_the_shortest_and_says_where(void **state)
{
    static const struct {
        const char *old;
        const char *new;
        size_t context;
        const char *diff;
        int lines;
    } cases[] = {
        {"", "", 3, "", 0},
        {"a\nb\n", "a\nb", 3, "", 0},
        {"a\n", "", 3, HEAD "@@ -1,1 +0,0 @@\n-a\n", 1},
        {"", "a\nb\n", 3, HEAD "@@ -0,0 +1,2 @@\n+a\n+b\n", 2},
        {"a\nb\nc\n", "a\nx\nc\n", 3, HEAD "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n", 2},
        {"a\nb\nc\n", "a\nx\nc\n", 0, HEAD "@@ -2,1 +2,1 @@\n-b\n+x\n", 2},
        {"a\nb\nc\nd\n", "b\nc\nd\ne\n", 1,
         HEAD "@@ -1,2 +1,1 @@\n-a\n b\n@@ -4,1 +3,2 @@\n d\n+e\n", 2},
        /* The example of Myers' paper: five edits. */
        {"a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n", 9, NULL, 5},
        /* Two changes six lines apart are two groups of context 2, and one of context 3. */
        {"1\n2\n3\n4\n5\n6\n7\n8\n", "x\n2\n3\n4\n5\n6\n7\ny\n", 2,
         HEAD "@@ -1,3 +1,3 @@\n-1\n+x\n 2\n 3\n@@ -6,3 +6,3 @@\n 6\n 7\n-8\n+y\n", 4},
        {"1\n2\n3\n4\n5\n6\n7\n8\n", "x\n2\n3\n4\n5\n6\n7\ny\n", 3,
         HEAD "@@ -1,8 +1,8 @@\n-1\n+x\n 2\n 3\n 4\n 5\n 6\n 7\n-8\n+y\n", 4},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = {0};
        struct str out;

        str_init(&out, 10000);
        assert_int_equal(
            diff_unified("old", cases[i].old, "new", cases[i].new, cases[i].context, &out, &err),
            cases[i].lines);
        assert_int_equal(str_check(&out, &err), 0);
        if (cases[i].diff != NULL) {
            assert_string_equal(out.data, cases[i].diff);
        }
        str_release(&out);
    }
}

/* Words of few kinds, so that many lines are the same. */
static void make_text(struct str *out, size_t lines, unsigned kinds)
{
    for (size_t i = 0; i < lines; i++) {
        str_addf(out, "line %u\n", (unsigned)rand() % kinds);
    }
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fputs(text, file) < 0, 0);
    assert_int_equal(fclose(file), 0);
}

/* patch(1) makes the new text of the old one and the difference. */
static void test_patch_understands_it(void **state)
{
    char folder[] = "/tmp/test_diff.XXXXXX";
    char command[200];

    (void)state;
    if (system("patch --version >/dev/null 2>&1") != 0) {
        skip();
    }
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    srand(7);
    for (unsigned i = 0; i < 60; i++) {
        struct err err = {0};
        struct str old;
        struct str new;
        struct str out;
        int rc;

        str_init(&old, 100000);
        str_init(&new, 100000);
        str_init(&out, 300000);
        make_text(&old, (size_t)(rand() % 60), 2 + i);
        make_text(&new, (size_t)(rand() % 60), 2 + i);
        rc = diff_unified("old", old.data, "new", new.data, (size_t)(rand() % 5), &out, &err);
        assert_true(rc >= 0);
        write_file("text", old.data);
        write_file("want", new.data);
        write_file("patch", out.data);
        (void)snprintf(command, sizeof(command), "%s && touch text && cmp text want",
                       rc > 0 ? "patch -s -f text patch >/dev/null" : "true");
        assert_int_equal(system(command), 0);
        str_release(&old);
        str_release(&new);
        str_release(&out);
    }
    (void)snprintf(command, sizeof(command), "rm -r '%s'", folder);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(system(command), 0);
}

static void test_texts_without_anything_in_common_end_soon(void **state)
{
    struct err err = {0};
    struct str old;
    struct str new;
    struct str out;

    (void)state;
    str_init(&old, 10000000);
    str_init(&new, 10000000);
    str_init(&out, 30000000);
    for (int i = 0; i < 50000; i++) {
        str_addf(&old, "a%d\n", i);
        str_addf(&new, "b%d\n", i);
    }
    assert_int_equal(diff_unified("old", old.data, "new", new.data, 3, &out, &err), 100000);
    for (int i = 0; i < DIFF_LINES; i++) {
        str_add(&old, "a\n");
    }
    assert_int_equal(diff_unified("old", old.data, "new", new.data, 3, &out, &err), ERR_LIMIT);
    str_release(&old);
    str_release(&new);
    str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_difference_is_the_shortest_and_says_where),
        cmocka_unit_test(test_patch_understands_it),
        cmocka_unit_test(test_texts_without_anything_in_common_end_soon),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
