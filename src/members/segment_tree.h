/* segment_tree.h - a segment as tokens, as a tree, and as SQL; inside of this room. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/str.h"
#include "teataja/members/segment.h"

/* Tokens (segment_token.c). */

enum segment_token_kind {
    SEGMENT_END,
    SEGMENT_WORD,
    SEGMENT_QUOTED,
    SEGMENT_OPEN,
    SEGMENT_CLOSE,
    SEGMENT_COMMA,
    SEGMENT_OPERATOR,
    SEGMENT_KEYWORD
};

enum segment_op {
    SEGMENT_EQ = 1,
    SEGMENT_NE = 2,
    SEGMENT_LT = 4,
    SEGMENT_LE = 8,
    SEGMENT_GT = 16,
    SEGMENT_GE = 32,
    SEGMENT_CONTAINS = 64,
    SEGMENT_IN = 128,
    SEGMENT_EXISTS = 256
};

enum segment_keyword {
    SEGMENT_AND = 1,
    SEGMENT_OR,
    SEGMENT_NOT,
    SEGMENT_KEY_IN,
    SEGMENT_KEY_EXISTS
};

struct segment_token {
    enum segment_token_kind kind;
    const char *text; /* as written, without quotes and escapes; "" at the end */
    int column;       /* in characters, from 1 */
    enum segment_op op;
    enum segment_keyword keyword;
};

struct segment_lexer {
    struct arena *arena;
    const char *text;
    size_t len;
    size_t at;
    int column;
};

/* The next token in reading order; SEGMENT_END for good at the end. */
int segment_token_next(struct segment_lexer *lexer, struct segment_token *out, struct err *err);

/* "=" of SEGMENT_EQ. */
const char *segment_op_name(enum segment_op op);

/* Tree (segment_parse.c). */

struct segment_value {
    const char *text; /* in its stored, comparable form */
    int64_t from;     /* dates: the instant at which the day starts, */
    int64_t to;       /* and ends */
    double num;       /* attributes with numbers */
};

struct segment_field;

enum segment_kind { SEGMENT_ALL_OF, SEGMENT_ANY_OF, SEGMENT_NONE_OF, SEGMENT_TEST };

struct segment_node {
    enum segment_kind kind;
    struct segment_node **items; /* SEGMENT_NONE_OF has one; SEGMENT_ALL_OF may have none */
    size_t count;
    size_t capacity;

    /* SEGMENT_TEST */
    const struct segment_field *field;
    enum segment_op op; /* never SEGMENT_NE: that is NONE_OF an EQ */
    const char *key;    /* attribute, list, event, issue */
    bool numeric;       /* an attribute that compares as a number */
    struct segment_value *values;
    size_t value_count;
    size_t value_capacity;
};

/* Parses into the arena. */
int segment_tree_parse(const struct segment_scope *scope, struct arena *arena, const char *text,
                       struct segment_node **out, struct err *err);

/* Fields (segment_field.c). */

struct segment_sql;

struct segment_field {
    const char *name;
    unsigned ops;  /* of enum segment_op */
    bool function; /* takes a name in brackets */
    bool bare;     /* a function that is a condition by itself */
    /* Checks a value as written and puts its comparable form into *out. */
    int (*read)(const struct segment_scope *scope, struct arena *arena,
                const struct segment_node *test, const char *text, struct segment_value *out,
                struct err *err);
    /* Checks the name in brackets, and sets node->key. */
    int (*name_it)(const struct segment_scope *scope, struct arena *arena, const char *text,
                   struct segment_node *test, struct err *err);
    void (*write)(struct segment_sql *sql, const struct segment_node *test);
};

/* The field or function of a name, NULL if there is none. "attr.x" gives the
 * field for all attributes. */
const struct segment_field *segment_field_find(const char *name);

/* ERR_INVALID: "no field 'secter'; did you mean 'sector'?". */
int segment_field_unknown(const struct segment_scope *scope, struct arena *arena, const char *name,
                          struct err *err);

/* SQL (segment_sql.c): text in which each bound value is the byte SEGMENT_SQL_MARK. */

#define SEGMENT_SQL_MARK '\x01'

enum segment_bound_type { SEGMENT_BOUND_TEXT, SEGMENT_BOUND_INT, SEGMENT_BOUND_REAL };

struct segment_bound {
    enum segment_bound_type type;
    const char *text;
    int64_t integer;
    double real;
};

struct segment_sql {
    struct arena *arena;
    struct str text;
    struct segment_bound *bound;
    size_t count;
    size_t capacity;
    bool failed;
};

void segment_sql_add(struct segment_sql *sql, const char *text);
void segment_sql_text(struct segment_sql *sql, const char *value);
void segment_sql_int(struct segment_sql *sql, int64_t value);
void segment_sql_real(struct segment_sql *sql, double value);

/* "(?, ?, ?)" of a test's texts. */
void segment_sql_texts(struct segment_sql *sql, const struct segment_node *test);

/* Appends the condition of a tree. */
void segment_sql_node(struct segment_sql *sql, const struct segment_node *node);
