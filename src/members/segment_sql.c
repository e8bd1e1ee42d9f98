#include <inttypes.h>

#include "segment_tree.h"

void segment_sql_add(struct segment_sql *sql, const char *text)
{
    str_add(&sql->text, text);
}

static void segment_sql_bound(struct segment_sql *sql, struct segment_bound value)
{
    struct err ignored = {0};

    if (sql->failed || arena_grow(sql->arena, (void *)&sql->bound, &sql->capacity, sql->count,
                                  sizeof(value), &ignored) < 0) {
        sql->failed = true;
        return;
    }
    sql->bound[sql->count++] = value;
    str_add_char(&sql->text, SEGMENT_SQL_MARK);
}

void segment_sql_text(struct segment_sql *sql, const char *value)
{
    segment_sql_bound(sql, (struct segment_bound){.type = SEGMENT_BOUND_TEXT, .text = value});
}

void segment_sql_int(struct segment_sql *sql, int64_t value)
{
    segment_sql_bound(sql, (struct segment_bound){.type = SEGMENT_BOUND_INT, .integer = value});
}

void segment_sql_real(struct segment_sql *sql, double value)
{
    segment_sql_bound(sql, (struct segment_bound){.type = SEGMENT_BOUND_REAL, .real = value});
}

void segment_sql_texts(struct segment_sql *sql, const struct segment_node *test)
{
    segment_sql_add(sql, "(");
    for (size_t i = 0; i < test->value_count; i++) {
        segment_sql_add(sql, i == 0 ? "" : ", ");
        segment_sql_text(sql, test->values[i].text);
    }
    segment_sql_add(sql, ")");
}

/* A balanced tree: SQLite limits how deep an expression may be, and "a or b or c
 * ..." as it stands is as deep as it is long. */
static void segment_sql_chain(struct segment_sql *sql, struct segment_node *const *items,
                              size_t count, const char *operator)
{
    if (count == 1) {
        segment_sql_node(sql, items[0]);
        return;
    }
    segment_sql_add(sql, "(");
    segment_sql_chain(sql, items, count / 2, operator);
    segment_sql_add(sql, operator);
    segment_sql_chain(sql, items + count / 2, count - count / 2, operator);
    segment_sql_add(sql, ")");
}

void segment_sql_node(struct segment_sql *sql, const struct segment_node *node)
{
    switch (node->kind) {
    case SEGMENT_ALL_OF:
        if (node->count == 0) {
            segment_sql_add(sql, "1");
        } else {
            segment_sql_chain(sql, node->items, node->count, " AND ");
        }
        break;
    case SEGMENT_ANY_OF:
        segment_sql_chain(sql, node->items, node->count, " OR ");
        break;
    case SEGMENT_NONE_OF:
        segment_sql_add(sql, "NOT (");
        segment_sql_node(sql, node->items[0]);
        segment_sql_add(sql, ")");
        break;
    case SEGMENT_TEST:
        node->field->write(sql, node);
        break;
    }
}
