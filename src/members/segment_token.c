#include <string.h>
#include <strings.h>

#include <unicode/uchar.h>

#include "segment_tree.h"
#include "teataja/base/utf8.h"

static const struct {
    const char *text;
    enum segment_op op;
} operators[] = {
    /* Longer ones first: the first that fits counts. */
    {"!=", SEGMENT_NE}, {"<=", SEGMENT_LE}, {">=", SEGMENT_GE},      {"=", SEGMENT_EQ},
    {"<", SEGMENT_LT},  {">", SEGMENT_GT},  {"~", SEGMENT_CONTAINS},
};

/* What people write who know another language. */
static const struct {
    const char *text;
    const char *instead;
} foreign[] = {
    {"==", "="},  {"<>", "!="}, {"=~", "~"}, {"!~", "not ... ~"}, {"&&", "and"},
    {"||", "or"}, {"&", "and"}, {"|", "or"}, {"!", "not"},
};

static const struct {
    const char *text;
    enum segment_keyword keyword;
} keywords[] = {
    {"and", SEGMENT_AND},           {"or", SEGMENT_OR},
    {"not", SEGMENT_NOT},           {"in", SEGMENT_KEY_IN},
    {"exists", SEGMENT_KEY_EXISTS},
};

const char *segment_op_name(enum segment_op op)
{
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (operators[i].op == op) {
            return operators[i].text;
        }
    }
    return op == SEGMENT_IN ? "in" : "exists";
}

static int32_t segment_peek(const struct segment_lexer *lexer, size_t *next)
{
    *next = lexer->at;
    return lexer->at < lexer->len ? utf8_next(lexer->text, lexer->len, next) : -1;
}

static void segment_advance(struct segment_lexer *lexer, size_t next)
{
    lexer->at = next;
    lexer->column++;
}

static bool segment_is_word(int32_t c)
{
    if (c < 0x80) {
        return c > 0 && (strchr("_-.@+:/", c) != NULL || (c >= '0' && c <= '9') ||
                         (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
    }
    return u_isalnum(c) || u_charType(c) == U_NON_SPACING_MARK;
}

static int segment_read_word(struct segment_lexer *lexer, struct segment_token *out,
                             struct err *err)
{
    size_t start = lexer->at;
    size_t next = 0;

    while (segment_is_word(segment_peek(lexer, &next))) {
        segment_advance(lexer, next);
    }
    out->kind = SEGMENT_WORD;
    out->text = arena_strndup(lexer->arena, lexer->text + start, lexer->at - start);
    if (out->text == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (strcasecmp(out->text, keywords[i].text) == 0) {
            out->kind = SEGMENT_KEYWORD;
            out->keyword = keywords[i].keyword;
        }
    }
    return 0;
}

static int segment_read_quoted(struct segment_lexer *lexer, struct segment_token *out,
                               struct err *err)
{
    char *text = arena_alloc(lexer->arena, lexer->len - lexer->at + 1, 1);
    char quote = lexer->text[lexer->at];
    size_t len = 0;
    size_t next = 0;

    if (text == NULL) {
        return err_nomem(err);
    }
    segment_advance(lexer, lexer->at + 1);
    for (;;) {
        int32_t c = segment_peek(lexer, &next);

        if (c == '\\') {
            segment_advance(lexer, next);
            c = segment_peek(lexer, &next);
        } else if (c == quote) {
            segment_advance(lexer, next);
            break;
        }
        if (c < 0) {
            return err_set(err, ERR_INVALID, "column %d: the text that starts here is not closed",
                           out->column);
        }
        memcpy(text + len, lexer->text + lexer->at, next - lexer->at);
        len += next - lexer->at;
        segment_advance(lexer, next);
    }
    out->kind = SEGMENT_QUOTED;
    out->text = text;
    return 0;
}

static int segment_read_operator(struct segment_lexer *lexer, struct segment_token *out,
                                 struct err *err)
{
    const char *at = lexer->text + lexer->at;

    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        if (strncmp(at, foreign[i].text, strlen(foreign[i].text)) == 0 &&
            strncmp(at, "!=", 2) != 0) {
            return err_set(err, ERR_INVALID, "column %d: write '%s' instead of '%s'", out->column,
                           foreign[i].instead, foreign[i].text);
        }
    }
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        size_t len = strlen(operators[i].text);

        if (strncmp(at, operators[i].text, len) == 0) {
            out->kind = SEGMENT_OPERATOR;
            out->op = operators[i].op;
            out->text = operators[i].text;
            lexer->at += len;
            lexer->column += (int)len;
            return 0;
        }
    }
    return 1;
}

static int segment_refuse(const struct segment_lexer *lexer, const struct segment_token *token,
                          int32_t c, size_t next, struct err *err)
{
    int len = (int)(next - lexer->at);

    if (c == 0xab || c == 0xbb || (c >= 0x2018 && c <= 0x201f)) {
        return err_set(err, ERR_INVALID, "column %d: write a straight quote (\") instead of '%.*s'",
                       token->column, len, lexer->text + lexer->at);
    }
    if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
        return err_set(err, ERR_INVALID, "column %d: a control character means nothing here",
                       token->column);
    }
    return err_set(err, ERR_INVALID,
                   "column %d: '%.*s' means nothing here; a value with such "
                   "characters stands in quotes",
                   token->column, len, lexer->text + lexer->at);
}

int segment_token_next(struct segment_lexer *lexer, struct segment_token *out, struct err *err)
{
    size_t next = 0;
    int32_t c = segment_peek(lexer, &next);
    int rc = 0;

    while (c >= 0 && (u_isUWhiteSpace(c) || c == 0xfeff)) {
        segment_advance(lexer, next);
        c = segment_peek(lexer, &next);
    }
    memset(out, 0, sizeof(*out));
    out->text = "";
    out->column = lexer->column;
    if (c < 0) {
        return 0;
    }
    if (segment_is_word(c)) {
        return segment_read_word(lexer, out, err);
    }
    if (c == '"' || c == '\'') {
        return segment_read_quoted(lexer, out, err);
    }
    if (c == '(' || c == ')' || c == ',') {
        out->kind = c == '(' ? SEGMENT_OPEN : c == ')' ? SEGMENT_CLOSE : SEGMENT_COMMA;
        out->text = c == '(' ? "(" : c == ')' ? ")" : ",";
        segment_advance(lexer, next);
        return 0;
    }
    rc = segment_read_operator(lexer, out, err);
    return rc <= 0 ? rc : segment_refuse(lexer, out, c, next, err);
}
