/* Every named statement of the program is prepared against the real schema, and
 * every table and column of it has a comment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "all_statements.h"

static struct db *db;

static int open_db(void **state)
{
    struct err err = {0};

    (void)state;
    if (db_open(":memory:", DB_OPEN_CREATE, &db, &err) < 0) {
        print_error("%s\n", err.msg);
        return -1;
    }
    return 0;
}

static int close_db(void **state)
{
    (void)state;
    db_close(db);
    return 0;
}

static void test_every_statement_prepares(void **state)
{
#define ROW(sql) sql,
    static const struct db_sql *const all[] = {DB_SQL_ALL(ROW)};
#undef ROW
    size_t bad = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct db_stmt *stmt = NULL;
        struct err err = {0};

        if (db_query(db, all[i], &stmt, &err) < 0) {
            print_error("%s\n", err.msg);
            bad++;
        }
        db_stmt_free(stmt);
    }
    assert_int_equal(bad, 0);
}

static void test_statement_names_are_unique(void **state)
{
#define ROW(sql) sql,
    static const struct db_sql *const all[] = {DB_SQL_ALL(ROW)};
#undef ROW

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(all[i]->name, all[j]->name);
        }
    }
}

/* A column's line in CREATE TABLE must end with a comment. */
static size_t uncommented(const char *table, const char *sql)
{
    size_t bad = 0;
    const char *line = strchr(sql, '\n');

    while (line != NULL && line[1] != '\0') {
        const char *end = strchr(line + 1, '\n');
        size_t len = end != NULL ? (size_t)(end - line - 1) : strlen(line + 1);
        char copy[512];

        assert_true(len < sizeof(copy));
        memcpy(copy, line + 1, len);
        copy[len] = '\0';
        if (strncmp(copy, "    ", 4) == 0 && copy[4] >= 'a' && copy[4] <= 'z' &&
            strcmp(copy + 4, "id   INTEGER PRIMARY KEY,") != 0 &&
            strstr(copy, "INTEGER PRIMARY KEY,") == NULL && strstr(copy, "-- ") == NULL) {
            /* A column may need two lines; its comment then ends the second. */
            const char *next = end != NULL ? end + 1 : "";
            const char *stop = strchr(next, '\n');
            const char *mark = strstr(next, "-- ");

            if (strncmp(next, "                ", 8) != 0 || mark == NULL ||
                (stop != NULL && mark > stop)) {
                print_error("%s: no comment on: %s\n", table, copy);
                bad++;
            }
        }
        line = end;
    }
    return bad;
}

static void test_every_column_has_a_comment(void **state)
{
    struct db_stmt *stmt = NULL;
    struct err err = {0};
    size_t tables = 0;
    size_t bad = 0;
    int rc;

    (void)state;
    assert_int_equal(db_query_text(db, "SELECT name, sql FROM sqlite_master WHERE type = 'table'",
                                   &stmt, &err), 0);
    while ((rc = db_next(stmt, &err)) == 1) {
        tables++;
        bad += uncommented(db_text(stmt, 0), db_text(stmt, 1));
    }
    db_stmt_free(stmt);
    assert_int_equal(rc, 0);
    assert_true(tables > 20);
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_statement_prepares),
        cmocka_unit_test(test_statement_names_are_unique),
        cmocka_unit_test(test_every_column_has_a_comment),
    };

    return cmocka_run_group_tests(tests, open_db, close_db);
}
