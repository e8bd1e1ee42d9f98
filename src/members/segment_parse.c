#include <string.h>

#include "segment_tree.h"
#include "teataja/base/limits.h"
#include "teataja/base/utf8.h"

struct segment_parser {
    const struct segment_scope *scope;
    struct arena *arena;
    struct segment_lexer lexer;
    struct segment_token token; /* the one to be looked at */
    struct segment_token last;  /* the one before it; SEGMENT_END at the start */
    int depth;
    struct err *err;
};

static int parse_or(struct segment_parser *parser, struct segment_node **out);

static int parse_step(struct segment_parser *parser)
{
    parser->last = parser->token;
    return segment_token_next(&parser->lexer, &parser->token, parser->err);
}

static bool parse_is_keyword(const struct segment_parser *parser, enum segment_keyword keyword)
{
    return parser->token.kind == SEGMENT_KEYWORD && parser->token.keyword == keyword;
}

static struct segment_node *parse_node(struct segment_parser *parser, enum segment_kind kind)
{
    struct segment_node *node = arena_alloc(parser->arena, 1, sizeof(*node));

    if (node == NULL) {
        err_nomem(parser->err);
    } else {
        node->kind = kind;
    }
    return node;
}

static int parse_add(struct segment_parser *parser, struct segment_node *node,
                     struct segment_node *item)
{
    int rc = arena_grow(parser->arena, (void *)&node->items, &node->capacity, node->count,
                        sizeof(struct segment_node *), parser->err);

    if (rc == 0) {
        node->items[node->count++] = item;
    }
    return rc;
}

static int parse_negate(struct segment_parser *parser, struct segment_node **node)
{
    struct segment_node *negation = parse_node(parser, SEGMENT_NONE_OF);

    if (negation == NULL || parse_add(parser, negation, *node) < 0) {
        return ERR_NOMEM;
    }
    *node = negation;
    return 0;
}

/* The error about a value or name, with the column before it. */
static int parse_place(struct segment_parser *parser, int column, int rc)
{
    return rc < 0 && rc != ERR_NOMEM ? err_prefix(parser->err, "column %d", column) : rc;
}

static int parse_missing(struct segment_parser *parser, const char *what)
{
    if (parser->last.kind == SEGMENT_END) {
        return err_set(parser->err, ERR_INVALID, "column %d: %s is missing", parser->token.column,
                       what);
    }
    return err_set(parser->err, ERR_INVALID, "column %d: %s is missing after '%.60s'",
                   parser->token.column, what, parser->last.text);
}

static int parse_value(struct segment_parser *parser, struct segment_node *test)
{
    struct segment_value *value = NULL;
    int column = parser->token.column;
    int rc = 0;

    if (parser->token.kind != SEGMENT_WORD && parser->token.kind != SEGMENT_QUOTED) {
        return parse_missing(parser, "a value");
    }
    if (test->value_count == LIMIT_SEGMENT_LIST) {
        return err_set(parser->err, ERR_LIMIT, "column %d: the list has more than %d values",
                       column, LIMIT_SEGMENT_LIST);
    }
    if (*parser->token.text == '\0') {
        return err_set(parser->err, ERR_INVALID,
                       "column %d: the value is empty; write 'not %s exists' for those without",
                       column, test->field->name);
    }
    rc = arena_grow(parser->arena, (void *)&test->values, &test->value_capacity, test->value_count,
                    sizeof(*value), parser->err);
    if (rc < 0) {
        return rc;
    }
    value = &test->values[test->value_count++];
    rc = test->field->read(parser->scope, parser->arena, test, parser->token.text, value,
                           parser->err);
    return rc < 0 ? parse_place(parser, column, rc) : parse_step(parser);
}

/* "(" value { "," value } ")" */
static int parse_list(struct segment_parser *parser, struct segment_node *test)
{
    int rc = 0;

    if (parser->token.kind != SEGMENT_OPEN) {
        return parse_missing(parser, "'('");
    }
    do {
        rc = parse_step(parser);
        if (rc == 0) {
            rc = parse_value(parser, test);
        }
        if (rc < 0) {
            return rc;
        }
    } while (parser->token.kind == SEGMENT_COMMA);
    if (parser->token.kind != SEGMENT_CLOSE) {
        return err_set(parser->err, ERR_INVALID, "column %d: %s is missing", parser->token.column,
                       parser->token.kind == SEGMENT_END ? "')'" : "',' or ')'");
    }
    return parse_step(parser);
}

static int parse_check_op(struct segment_parser *parser, const struct segment_node *test,
                          const char *name, enum segment_op op, int column)
{
    static const enum segment_op all[] = {SEGMENT_EQ, SEGMENT_NE,       SEGMENT_LT,
                                          SEGMENT_LE, SEGMENT_GT,       SEGMENT_GE,
                                          SEGMENT_IN, SEGMENT_CONTAINS, SEGMENT_EXISTS};
    unsigned ops = test->field->ops;
    char known[64] = "";

    if (test->key != NULL && !test->field->function && !test->numeric) {
        ops &= ~(unsigned)(SEGMENT_LT | SEGMENT_LE | SEGMENT_GT | SEGMENT_GE);
    } else if (test->numeric) {
        ops &= ~(unsigned)SEGMENT_CONTAINS;
    }
    if ((ops & (unsigned)op) != 0) {
        return 0;
    }
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if ((ops & (unsigned)all[i]) != 0) {
            strncat(known, " ", sizeof(known) - strlen(known) - 1);
            strncat(known, segment_op_name(all[i]), sizeof(known) - strlen(known) - 1);
        }
    }
    return err_set(parser->err, ERR_INVALID, "column %d: '%.60s' does not know '%s', only%s",
                   column, name, segment_op_name(op), known);
}

/* What stands behind a field: an operator and its values. */
static int parse_comparison(struct segment_parser *parser, const char *name,
                            struct segment_node **node)
{
    struct segment_node *test = *node;
    int column = parser->token.column;
    bool negated = false;
    int rc = 0;

    if (parse_is_keyword(parser, SEGMENT_NOT)) {
        negated = true;
        rc = parse_step(parser);
        if (rc < 0) {
            return rc;
        }
        if (!parse_is_keyword(parser, SEGMENT_KEY_IN)) {
            return parse_missing(parser, "'in'");
        }
    }
    if (parse_is_keyword(parser, SEGMENT_KEY_IN)) {
        test->op = SEGMENT_IN;
    } else if (parse_is_keyword(parser, SEGMENT_KEY_EXISTS)) {
        test->op = SEGMENT_EXISTS;
    } else if (parser->token.kind == SEGMENT_OPERATOR) {
        test->op = parser->token.op;
    } else {
        return err_set(parser->err, ERR_INVALID,
                       "column %d: an operator such as '=' is missing after '%.60s'", column, name);
    }
    rc = parse_check_op(parser, test, name, test->op, column);
    if (rc == 0) {
        rc = parse_step(parser);
    }
    if (rc < 0) {
        return rc;
    }
    if (test->op == SEGMENT_IN) {
        rc = parse_list(parser, test);
    } else if (test->op != SEGMENT_EXISTS) {
        rc = parse_value(parser, test);
    }
    if (test->op == SEGMENT_NE) {
        test->op = SEGMENT_EQ;
        negated = true;
    }
    return rc == 0 && negated ? parse_negate(parser, node) : rc;
}

/* The name in brackets of a function. */
static int parse_name(struct segment_parser *parser, struct segment_node *test)
{
    int rc = 0;

    if (parser->token.kind != SEGMENT_OPEN) {
        return parse_missing(parser, "'('");
    }
    rc = parse_step(parser);
    if (rc < 0) {
        return rc;
    }
    if ((parser->token.kind != SEGMENT_WORD && parser->token.kind != SEGMENT_QUOTED) ||
        *parser->token.text == '\0') {
        return parse_missing(parser, "a name");
    }
    rc = test->field->name_it(parser->scope, parser->arena, parser->token.text, test, parser->err);
    if (rc < 0) {
        return parse_place(parser, parser->token.column, rc);
    }
    rc = parse_step(parser);
    if (rc == 0 && parser->token.kind != SEGMENT_CLOSE) {
        return err_set(parser->err, ERR_INVALID, "column %d: ')' is missing", parser->token.column);
    }
    return rc == 0 ? parse_step(parser) : rc;
}

static int parse_condition(struct segment_parser *parser, struct segment_node **out)
{
    struct segment_node *test = NULL;
    struct segment_token name = parser->token;
    int rc = 0;

    if (name.kind == SEGMENT_CLOSE && parser->last.kind != SEGMENT_OPEN && parser->depth == 0) {
        return err_set(parser->err, ERR_INVALID, "column %d: there is no '(' for this ')'",
                       name.column);
    }
    if (name.kind != SEGMENT_WORD) {
        return parse_missing(parser, "a condition");
    }
    test = parse_node(parser, SEGMENT_TEST);
    if (test == NULL) {
        return ERR_NOMEM;
    }
    *out = test;
    test->field = segment_field_find(name.text);
    if (test->field == NULL) {
        rc = segment_field_unknown(parser->scope, parser->arena, name.text, parser->err);
        return parse_place(parser, name.column, rc);
    }
    if (!test->field->function && test->field->name_it != NULL) {
        rc = test->field->name_it(parser->scope, parser->arena, name.text, test, parser->err);
        if (rc < 0) {
            return parse_place(parser, name.column, rc);
        }
    }
    rc = parse_step(parser);
    if (rc == 0 && test->field->function) {
        rc = parse_name(parser, test);
    }
    if (rc < 0 || test->field->bare) {
        return rc;
    }
    return parse_comparison(parser, name.text, out);
}

/* One level deeper, within the limit. */
static int parse_deeper(struct segment_parser *parser)
{
    if (parser->depth == LIMIT_SEGMENT_DEPTH) {
        return err_set(parser->err, ERR_LIMIT, "column %d: more than %d levels of '(' and 'not'",
                       parser->token.column, LIMIT_SEGMENT_DEPTH);
    }
    parser->depth++;
    return parse_step(parser);
}

static int parse_factor(struct segment_parser *parser, struct segment_node **out)
{
    bool bracket = parser->token.kind == SEGMENT_OPEN;
    int rc = 0;

    if (!bracket && !parse_is_keyword(parser, SEGMENT_NOT)) {
        return parse_condition(parser, out);
    }
    rc = parse_deeper(parser);
    if (rc < 0) {
        return rc;
    }
    rc = bracket ? parse_or(parser, out) : parse_factor(parser, out);
    if (rc < 0) {
        return rc;
    }
    parser->depth--;
    if (!bracket) {
        return parse_negate(parser, out);
    }
    if (parser->token.kind != SEGMENT_CLOSE) {
        return err_set(parser->err, ERR_INVALID, "column %d: %s is missing", parser->token.column,
                       parser->token.kind == SEGMENT_END ? "')'" : "'and', 'or' or ')'");
    }
    return parse_step(parser);
}

/* One of `next`, or several joined by `keyword`. */
static int parse_chain(struct segment_parser *parser, enum segment_keyword keyword,
                       enum segment_kind kind,
                       int (*next)(struct segment_parser *, struct segment_node **),
                       struct segment_node **out)
{
    struct segment_node *chain = NULL;
    struct segment_node *item = NULL;
    int rc = next(parser, out);

    if (rc < 0 || !parse_is_keyword(parser, keyword)) {
        return rc;
    }
    chain = parse_node(parser, kind);
    if (chain == NULL) {
        return ERR_NOMEM;
    }
    rc = parse_add(parser, chain, *out);
    while (rc == 0 && parse_is_keyword(parser, keyword)) {
        rc = parse_step(parser);
        if (rc == 0) {
            rc = next(parser, &item);
        }
        if (rc == 0) {
            rc = parse_add(parser, chain, item);
        }
    }
    *out = chain;
    return rc;
}

static int parse_and(struct segment_parser *parser, struct segment_node **out)
{
    return parse_chain(parser, SEGMENT_AND, SEGMENT_ALL_OF, parse_factor, out);
}

static int parse_or(struct segment_parser *parser, struct segment_node **out)
{
    return parse_chain(parser, SEGMENT_OR, SEGMENT_ANY_OF, parse_and, out);
}

int segment_tree_parse(const struct segment_scope *scope, struct arena *arena, const char *text,
                       struct segment_node **out, struct err *err)
{
    struct segment_parser parser = {.scope = scope, .arena = arena, .err = err};
    size_t bad = 0;
    int rc = 0;

    parser.lexer =
        (struct segment_lexer){.arena = arena, .text = text, .len = strlen(text), .column = 1};
    if (parser.lexer.len > LIMIT_SEGMENT) {
        return err_set(err, ERR_LIMIT, "the segment is longer than %d bytes", LIMIT_SEGMENT);
    }
    if (!utf8_is_valid(text, parser.lexer.len, &bad)) {
        return err_set(err, ERR_INVALID, "column %zu: this is not UTF-8",
                       utf8_length(text, bad) + 1);
    }
    rc = segment_token_next(&parser.lexer, &parser.token, err);
    if (rc < 0) {
        return rc;
    }
    if (parser.token.kind == SEGMENT_END) {
        *out = parse_node(&parser, SEGMENT_ALL_OF);
        return *out == NULL ? ERR_NOMEM : 0;
    }
    rc = parse_or(&parser, out);
    if (rc < 0 || parser.token.kind == SEGMENT_END) {
        return rc;
    }
    if (parser.token.kind == SEGMENT_CLOSE) {
        return err_set(err, ERR_INVALID, "column %d: there is no '(' for this ')'",
                       parser.token.column);
    }
    return err_set(err, ERR_INVALID, "column %d: 'and' or 'or' is missing before '%.60s'",
                   parser.token.column, parser.token.text);
}
