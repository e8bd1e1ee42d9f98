/* test_file.c - files read with a ceiling and written at once. */
#include <dirent.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Every test runs in an empty folder of its own, which is its working folder. */
struct place {
    struct arena *arena;
    char folder[64];
};

static int enter(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    (void)snprintf(place->folder, sizeof(place->folder), "/tmp/test-file-XXXXXX");
    if (mkdtemp(place->folder) == NULL || chdir(place->folder) != 0) {
        free(place);
        return -1;
    }
    place->arena = arena_new(LIMIT_ARENA_WORK);
    *state = place;
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    (void)info;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static int leave(void **state)
{
    struct place *place = *state;

    mem_fail_at(0, 0);
    arena_free(place->arena);
    if (chdir("/") != 0 || nftw(place->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0) {
        return -1;
    }
    free(place);
    return 0;
}

static void put(const char *path, const void *data, size_t len)
{
    struct err err = {0};

    if (file_write(path, data, len, 0644, &err) != 0) {
        fail_msg("%s", err.msg);
    }
}

/* Everything in a folder, files that file_list does not show as well. */
static size_t entries(const char *folder)
{
    DIR *dir = opendir(folder);
    size_t count = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    (void)closedir(dir);
    return count - 2; /* "." and ".." */
}

static void test_a_file_is_read_with_a_nul_behind_it(void **state)
{
    struct place *place = *state;
    struct err err = {0};
    char *text = NULL;
    size_t len = 0;

    put("a", "one\0two", 7);
    assert_int_equal(file_read(place->arena, "a", 7, &text, &len, &err), 0);
    assert_int_equal(len, 7);
    assert_memory_equal(text, "one\0two", 8);
    put("empty", "", 0);
    assert_int_equal(file_read(place->arena, "empty", 0, &text, NULL, &err), 0);
    assert_string_equal(text, "");
}

static void test_a_file_without_a_size_is_read(void **state)
{
    struct place *place = *state;
    char *text = NULL;
    size_t len = 0;

    assert_int_equal(file_read(place->arena, "/proc/self/status", 65536, &text, &len, NULL), 0);
    assert_true(len > 100);
    assert_non_null(strstr(text, "Pid:"));
    assert_int_equal(file_read(place->arena, "/proc/self/status", 10, &text, &len, NULL),
                     ERR_LIMIT);
}

static void test_what_cannot_be_read_is_named(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *path;
        int code;
        const char *msg;
    } cases[] = {
        {"none", ERR_NOT_FOUND, "cannot read 'none': No such file or directory"},
        {"file/x", ERR_NOT_FOUND, "cannot read 'file/x': Not a directory"},
        {"folder", ERR_IO, "cannot read 'folder': it is a folder"},
        {"pipe", ERR_IO, "cannot read 'pipe': it is not a regular file"},
        {"file", ERR_LIMIT, "file: the file is larger than 5 bytes"},
    };

    put("file", "123456", 6);
    assert_int_equal(file_make_folder("folder", NULL), 0);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        char *text = NULL;

        assert_int_equal(file_read(place->arena, cases[i].path, 5, &text, NULL, &err),
                         cases[i].code);
        assert_string_equal(err.msg, cases[i].msg);
        assert_null(text);
    }
}

static void test_what_cannot_be_read_of_a_site_is_reported_once_with_its_name(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *path;
        int code;
        const char *reported;
        const char *msg;
    } cases[] = {
        {"none", ERR_NOT_FOUND, "the file cannot be read: No such file or directory",
         "none: the file cannot be read: No such file or directory"},
        {"inner", ERR_IO, "the file cannot be read: it is a folder",
         "inner: the file cannot be read: it is a folder"},
        {"long", ERR_LIMIT, "the file is larger than 5 bytes",
         "long: the file is larger than 5 bytes"},
    };

    assert_int_equal(file_make_folder("site/inner", NULL), 0);
    put("site/long", "123456", 6);
    put("site/marked", "\xEF\xBB\xBFok", 5);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct report *report = report_new();
        struct err err = {0};
        char *text = NULL;
        size_t len = 0;

        assert_int_equal(
            file_read_site(place->arena, "site", cases[i].path, 5, report, &text, &len, &err),
            cases[i].code);
        assert_string_equal(err.msg, cases[i].msg);
        assert_string_equal(report_get(report, 0)->file, cases[i].path);
        assert_string_equal(report_get(report, 0)->message, cases[i].reported);
        assert_int_equal(
            file_read_site(place->arena, "site", "marked", 5, report, &text, &len, NULL), 0);
        assert_string_equal(text, "ok");
        assert_int_equal(len, 2);
        report_free(report);
    }
}

static void test_text_is_checked_and_a_fault_has_its_place(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *data;
        size_t len;
        const char *msg; /* NULL: fine */
    } cases[] = {
        {"", 0, NULL},
        {"õ\r\n\nlast", 9, NULL},
        {"a\nõõ\xFFz", 8, "t:2:3: byte 0xFF is not UTF-8; save the file as UTF-8"},
        {"\xEF\xBB\xBF\xF5", 4, "t:1:1: byte 0xF5 is not UTF-8; save the file as UTF-8"},
        {"na\xEFve\n", 6, "t:1:3: byte 0xEF is not UTF-8; save the file as UTF-8"},
        {"a\0", 2, "t:1:2: a NUL byte does not belong in text"},
        {"\xFF\xFE"
         "a\0",
         4, "t:1:1: byte 0xFF is not UTF-8; save the file as UTF-8"},
        {"\n\n\xC3", 3, "t:3:1: byte 0xC3 is not UTF-8; save the file as UTF-8"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        char *text = NULL;
        size_t len = 99;
        int rc;

        put("t", cases[i].data, cases[i].len);
        rc = file_read_text(place->arena, "t", LIMIT_FILE, &text, &len, &err);
        if (cases[i].msg == NULL) {
            assert_int_equal(rc, 0);
            assert_int_equal(len, cases[i].len);
            assert_string_equal(text, cases[i].data);
        } else {
            assert_int_equal(rc, ERR_INVALID);
            assert_string_equal(err.msg, cases[i].msg);
        }
    }
}

static void test_a_byte_order_mark_is_removed(void **state)
{
    struct place *place = *state;
    char *text = NULL;
    size_t len = 0;

    put("t", "\xEF\xBB\xBFõ", 5);
    assert_int_equal(file_read_text(place->arena, "t", 100, &text, &len, NULL), 0);
    assert_int_equal(len, 2);
    assert_string_equal(text, "õ");
}

static void test_a_line_may_be_as_long_as_the_limit(void **state)
{
    struct place *place = *state;
    struct err err = {0};
    char *data = malloc(LIMIT_LINE + 4);
    char *text = NULL;

    memset(data, 'x', LIMIT_LINE + 4);
    data[0] = '\n';
    data[LIMIT_LINE + 1] = '\n';
    put("t", data, LIMIT_LINE + 2);
    assert_int_equal(file_read_text(place->arena, "t", LIMIT_FILE, &text, NULL, &err), 0);
    data[LIMIT_LINE + 1] = 'x';
    put("t", data, LIMIT_LINE + 2);
    assert_int_equal(file_read_text(place->arena, "t", LIMIT_FILE, &text, NULL, &err), ERR_INVALID);
    assert_string_equal(err.msg, "t:2:65537: the line is longer than 65536 bytes");
    free(data);
}

static void test_a_write_replaces_the_whole_file(void **state)
{
    struct place *place = *state;
    struct stat info;
    char *text = NULL;

    put("f", "a long first version", 20);
    assert_int_equal(file_write("f", "second", 6, 0600, NULL), 0);
    assert_int_equal(file_read(place->arena, "f", 100, &text, NULL, NULL), 0);
    assert_string_equal(text, "second");
    assert_int_equal(stat("f", &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(file_write("f", "third", 5, 0644, NULL), 0);
    assert_int_equal(stat("f", &info), 0);
    assert_int_equal(info.st_mode & 07777, 0644);
    assert_int_equal(entries("."), 1);
}

static void test_a_write_that_fails_leaves_no_trace(void **state)
{
    struct err err = {0};
    char path[5000];

    (void)state;
    assert_int_equal(file_write("none/f", "x", 1, 0644, &err), ERR_NOT_FOUND);
    assert_string_equal(err.msg, "cannot write 'none/f': No such file or directory");
    assert_int_equal(file_make_folder("taken/x", NULL), 0);
    assert_int_equal(file_write("taken", "x", 1, 0644, &err), ERR_IO);
    assert_int_equal(entries("."), 1);
    memset(path, 'p', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(file_write(path, "x", 1, 0644, &err), ERR_LIMIT);
}

/* A file size limit stands in for a full device: write(2) refuses in the middle. */
static void test_a_write_refused_half_way_keeps_the_old_file(void **state)
{
    struct place *place = *state;
    struct rlimit before;
    struct rlimit small;
    struct err err = {0};
    static char data[8192];
    char *text = NULL;
    int rc;

    put("f", "old", 3);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 4096;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    rc = file_write("f", data, sizeof(data), 0644, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(rc, ERR_IO);
    assert_string_equal(err.msg, "cannot write 'f': File too large");
    assert_int_equal(file_read(place->arena, "f", 100, &text, NULL, NULL), 0);
    assert_string_equal(text, "old");
    assert_int_equal(entries("."), 1);
}

static void test_folders_are_made_with_those_above(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(file_make_folder("a/b//c/", &err), 0);
    assert_true(file_exists("a/b/c"));
    assert_int_equal(file_make_folder("a/b/c", &err), 0);
    put("a/file", "x", 1);
    assert_int_equal(file_make_folder("a/file", &err), ERR_IO);
    assert_string_equal(err.msg, "cannot make the folder 'a/file': Not a directory");
    assert_int_equal(file_make_folder("a/file/b", &err), ERR_IO);
    assert_int_equal(file_make_folder("", &err), ERR_IO);
    assert_false(file_exists("a/none"));
}

static void test_names_are_listed_sorted_without_dot_files(void **state)
{
    struct place *place = *state;
    static const char *const sorted[] = {"B.md", "a.et.md", "a.md", "b", "õ.md"};
    struct err err = {0};
    char **names = NULL;
    size_t count = 99;

    assert_int_equal(file_make_folder("d", NULL), 0);
    assert_int_equal(file_list(place->arena, "d", &names, &count, &err), 0);
    assert_int_equal(count, 0);
    put("d/b", "", 0);
    put("d/õ.md", "", 0);
    put("d/a.md", "", 0);
    put("d/.hidden", "", 0);
    put("d/B.md", "", 0);
    put("d/a.et.md", "", 0);
    assert_int_equal(file_list(place->arena, "d", &names, &count, &err), 0);
    assert_int_equal(count, COUNT(sorted));
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(names[i], sorted[i]);
    }
    assert_int_equal(file_list(place->arena, "none", &names, &count, &err), ERR_NOT_FOUND);
    assert_string_equal(err.msg, "cannot read the folder 'none': No such file or directory");
}

static void test_join_puts_one_slash_between(void **state)
{
    struct place *place = *state;

    assert_string_equal(file_join(place->arena, "a", "b"), "a/b");
    assert_string_equal(file_join(place->arena, "a/", "b"), "a/b");
    assert_string_equal(file_join(place->arena, "", "b"), "b");
    assert_string_equal(file_join(place->arena, "/", "b"), "/b");
}

static void test_every_failing_allocation_is_reported(void **state)
{
    char **names = NULL;
    char *text = NULL;
    size_t count = 0;

    (void)state;
    for (unsigned long nth = 1;; nth++) {
        struct arena *arena = arena_new(LIMIT_ARENA_WORK);
        int rc;

        mem_fail_at(nth, 0);
        rc = file_write("f", "text", 4, 0644, NULL);
        rc = rc < 0 ? rc : file_make_folder("d/e", NULL);
        rc = rc < 0 ? rc : file_read_text(arena, "f", 100, &text, NULL, NULL);
        rc = rc < 0 ? rc : file_list(arena, ".", &names, &count, NULL);
        arena_free(arena);
        if (mem_count() < nth) {
            assert_int_equal(rc, 0);
            break;
        }
        assert_int_equal(rc, ERR_NOMEM);
    }
    assert_int_equal(entries("."), 2);
}

static void test_a_new_file_takes_nobodys_place(void **state)
{
    struct place *place = *state;
    struct err err = {0};
    struct stat info;
    char *text;
    size_t len;

    assert_int_equal(file_write_new("key", "secret", 6, 0600, &err), 0);
    assert_int_equal(stat("key", &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(file_write_new("key", "other", 5, 0600, &err), ERR_EXISTS);
    assert_string_equal(err.msg, "'key' is there already");
    assert_int_equal(file_read(place->arena, "key", 100, &text, &len, &err), 0);
    assert_string_equal(text, "secret");
    assert_int_equal(symlink("nowhere", "link"), 0);
    assert_int_equal(file_write_new("link", "x", 1, 0600, &err), ERR_EXISTS);
    assert_int_equal(file_write_new("no/folder", "x", 1, 0600, &err), ERR_NOT_FOUND);
    assert_int_equal(entries("."), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_file_is_read_with_a_nul_behind_it, enter, leave),
        cmocka_unit_test_setup_teardown(test_a_file_without_a_size_is_read, enter, leave),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_read_is_named, enter, leave),
        cmocka_unit_test_setup_teardown(
            test_what_cannot_be_read_of_a_site_is_reported_once_with_its_name, enter, leave),
        cmocka_unit_test_setup_teardown(test_text_is_checked_and_a_fault_has_its_place, enter,
                                        leave),
        cmocka_unit_test_setup_teardown(test_a_byte_order_mark_is_removed, enter, leave),
        cmocka_unit_test_setup_teardown(test_a_line_may_be_as_long_as_the_limit, enter, leave),
        cmocka_unit_test_setup_teardown(test_a_write_replaces_the_whole_file, enter, leave),
        cmocka_unit_test_setup_teardown(test_a_write_that_fails_leaves_no_trace, enter, leave),
        cmocka_unit_test_setup_teardown(test_a_write_refused_half_way_keeps_the_old_file, enter,
                                        leave),
        cmocka_unit_test_setup_teardown(test_a_new_file_takes_nobodys_place, enter, leave),
        cmocka_unit_test_setup_teardown(test_folders_are_made_with_those_above, enter, leave),
        cmocka_unit_test_setup_teardown(test_names_are_listed_sorted_without_dot_files, enter,
                                        leave),
        cmocka_unit_test_setup_teardown(test_join_puts_one_slash_between, enter, leave),
        cmocka_unit_test_setup_teardown(test_every_failing_allocation_is_reported, enter, leave),
    };

    return cmocka_run_group_tests_name("base/file", tests, NULL, NULL);
}
