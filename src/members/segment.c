#include "teataja/members/segment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "segment_tree.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/db/db.h"

/* Most bytes of the SQL of a segment: each byte of it makes less than this. */
#define SEGMENT_SQL_CEILING ((size_t)LIMIT_SEGMENT * 128)
#define SEGMENT_ARENA ((size_t)16 * 1024 * 1024)

struct segment {
    struct arena *arena;
    struct segment_sql sql;
};

struct segment_walk {
    struct db_stmt *stmt;
};

int segment_parse(const struct segment_scope *scope, const char *text, struct segment **out,
                  struct err *err)
{
    struct segment *segment = mem_alloc(1, sizeof(*segment));
    struct segment_node *root = NULL;
    const char *copy;
    int rc = 0;

    if (segment == NULL) {
        return err_nomem(err);
    }
    str_init(&segment->sql.text, SEGMENT_SQL_CEILING);
    segment->arena = arena_new(SEGMENT_ARENA);
    copy = segment->arena != NULL ? arena_strdup(segment->arena, text == NULL ? "" : text) : NULL;
    if (copy == NULL) {
        rc = err_nomem(err);
        goto out;
    }
    rc = segment_tree_parse(scope, segment->arena, copy, &root, err);
    if (rc < 0) {
        goto out;
    }
    segment->sql.arena = segment->arena;
    segment_sql_node(&segment->sql, root);
    rc = segment->sql.failed ? err_nomem(err) : str_check(&segment->sql.text, err);
    if (rc < 0) {
        goto out;
    }
    *out = segment;
    segment = NULL;
out:
    segment_free(segment);
    return rc;
}

int segment_parse_plain(const struct config *config, const char *text, struct segment **out,
                        struct err *err)
{
    struct segment_scope scope = {.config = config};

    return segment_parse(&scope, text, out, err);
}

void segment_free(struct segment *segment)
{
    if (segment == NULL) {
        return;
    }
    str_release(&segment->sql.text);
    arena_free(segment->arena);
    mem_free(segment);
}

int segment_error_column(const struct err *err)
{
    const char *message = err->msg;

    return strncmp(message, "column ", 7) == 0 ? (int)strtol(message + 7, NULL, 10) : 0;
}

void segment_write_sql(const struct segment *segment, int first, struct str *out)
{
    const char *at = segment->sql.text.data;

    for (;;) {
        size_t plain = strcspn(at, (const char[]){SEGMENT_SQL_MARK, '\0'});

        str_add_bytes(out, at, plain);
        at += plain;
        if (*at == '\0') {
            return;
        }
        str_addf(out, "$%d", first++);
        at++;
    }
}

int segment_bind(const struct segment *segment, struct db_stmt *stmt, int first, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < segment->sql.count; i++) {
        const struct segment_bound *value = &segment->sql.bound[i];

        switch (value->type) {
        case SEGMENT_BOUND_TEXT:
            rc = db_bind_text(stmt, first, value->text, err);
            break;
        case SEGMENT_BOUND_INT:
            rc = db_bind_int(stmt, first, value->integer, err);
            break;
        case SEGMENT_BOUND_REAL:
            rc = db_bind_real(stmt, first, value->real, err);
            break;
        }
        first++;
    }
    return rc;
}

int segment_values(const struct segment *segment)
{
    return (int)segment->sql.count;
}

/* Prepares "`head` <members of the segment> `tail`" with the values bound; the
 * tail's own are behind them. */
static int segment_query(struct db *db, const struct segment *segment, const char *head,
                         const char *tail, struct db_stmt **out, struct err *err)
{
    struct str text;
    int rc = 0;

    str_init(&text, SEGMENT_SQL_CEILING * 2);
    str_add(&text, head);
    str_add(&text, " FROM member m WHERE m.erased_at IS NULL AND ");
    segment_write_sql(segment, 1, &text);
    str_add(&text, tail);
    rc = str_check(&text, err);
    if (rc == 0) {
        rc = db_query_text(db, text.data, out, err);
    }
    if (rc == 0) {
        rc = segment_bind(segment, *out, 1, err);
    }
    if (rc < 0) {
        db_stmt_free(*out);
        *out = NULL;
    }
    str_release(&text);
    return rc;
}

int segment_count(struct db *db, const struct segment *segment, int64_t *count, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = segment_query(db, segment, "SELECT count(*)", "", &stmt, err);

    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        *count = db_int(stmt, 0);
        rc = 0;
    }
    db_stmt_free(stmt);
    return rc;
}

int segment_open(struct db *db, const struct segment *segment, struct segment_walk **out,
                 struct err *err)
{
    struct segment_walk *walk = mem_alloc(1, sizeof(*walk));
    int rc = 0;

    *out = NULL;
    if (walk == NULL) {
        err_nomem(err);
        return ERR_NOMEM;
    }
    rc = segment_query(db, segment, "SELECT m.id", " ORDER BY m.id", &walk->stmt, err);
    if (rc < 0) {
        mem_free(walk);
        return rc;
    }
    *out = walk;
    return 0;
}

int segment_next(struct segment_walk *walk, int64_t *member, struct err *err)
{
    int rc = db_next(walk->stmt, err);

    if (rc == 1) {
        *member = db_int(walk->stmt, 0);
    }
    return rc;
}

void segment_close(struct segment_walk *walk)
{
    if (walk != NULL) {
        db_stmt_free(walk->stmt);
        mem_free(walk);
    }
}

int segment_match_all(struct db *db, const struct segment *segment, struct arena *arena,
                      int64_t **members, size_t *count, struct err *err)
{
    struct segment_walk *walk = NULL;
    size_t capacity = 0;
    int64_t member = 0;
    int rc = 0;

    *members = NULL;
    *count = 0;
    rc = segment_open(db, segment, &walk, err);
    if (walk == NULL) {
        return rc;
    }
    while ((rc = segment_next(walk, &member, err)) == 1) {
        rc = arena_grow(arena, (void *)members, &capacity, *count, sizeof(member), err);
        if (rc < 0) {
            break;
        }
        (*members)[(*count)++] = member;
    }
    segment_close(walk);
    return rc;
}

static const char *segment_bound_text(const struct segment_bound *value, struct arena *arena)
{
    switch (value->type) {
    case SEGMENT_BOUND_INT:
        return arena_printf(arena, "%" PRId64, value->integer);
    case SEGMENT_BOUND_REAL:
        return arena_printf(arena, "%.17g", value->real);
    case SEGMENT_BOUND_TEXT:
        break;
    }
    return arena_strdup(arena, value->text);
}

int segment_explain(struct db *db, const struct segment *segment, struct arena *arena,
                    struct segment_plan *out, struct err *err)
{
    const char **values = arena_alloc(arena, segment->sql.count + 1, sizeof(*values));
    struct str text;
    char *plan = NULL;
    int rc = 0;

    memset(out, 0, sizeof(*out));
    str_init(&text, SEGMENT_SQL_CEILING * 2);
    str_add(&text, "SELECT m.id FROM member m WHERE m.erased_at IS NULL AND ");
    segment_write_sql(segment, 1, &text);
    str_add(&text, " ORDER BY m.id");
    if (values == NULL) {
        rc = err_nomem(err);
        goto out;
    }
    rc = str_check(&text, err);
    if (rc == 0) {
        rc = db_explain(db, text.data, arena, &plan, err);
    }
    if (rc == 0) {
        rc = segment_count(db, segment, &out->count, err);
    }
    if (rc < 0) {
        goto out;
    }
    out->sql = arena_strdup(arena, text.data);
    out->plan = plan;
    for (size_t i = 0; i < segment->sql.count; i++) {
        values[i] = segment_bound_text(&segment->sql.bound[i], arena);
    }
    out->values = values;
    out->value_count = segment->sql.count;
    rc = out->sql == NULL ? err_nomem(err) : 0;
out:
    str_release(&text);
    return rc;
}
