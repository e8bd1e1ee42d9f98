/* catalogue_pattern.c - message patterns: compiled to pieces, written with arguments. */
#include "catalogue_pattern.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/ustring.h>

#include "teataja/base/utf8.h"

enum piece_kind { PIECE_TEXT, PIECE_ARGUMENT, PIECE_HASH, PIECE_PLURAL, PIECE_SELECT };

struct branch {
    const char *name; /* one, few, yes; NULL for an exact number */
    size_t len;
    int64_t exact;
    const struct piece *pieces;
    struct branch *next;
};

struct piece {
    enum piece_kind kind;
    const char *text; /* PIECE_TEXT */
    size_t len;
    size_t argument; /* of the others: its index in the pattern */
    const struct branch *branches;
    struct piece *next;
};

struct compiler {
    struct arena *arena;
    const char *text;
    size_t at;
    char *room; /* for the pieces' texts: each is followed by a sign of the syntax or the end */
    const struct plural_rules *rules;
    struct pattern *pattern;
    struct err *err;
};

/* --- plural rules ------------------------------------------------------------ */

static const char *const form_names[PLURAL_FORMS] = {"zero", "one", "two", "few", "many", "other"};

const char *plural_form_name(enum plural_form form)
{
    return form_names[form];
}

static int find_form(const char *name, size_t len)
{
    for (int i = 0; i < PLURAL_FORMS; i++) {
        if (strlen(form_names[i]) == len && memcmp(form_names[i], name, len) == 0) {
            return i;
        }
    }
    return -1;
}

int plural_rules_open(const char *lang, struct plural_rules *out, struct err *err)
{
    UErrorCode status = U_ZERO_ERROR;
    UEnumeration *names = NULL;
    const char *name;
    int32_t len = 0;
    int rc = 0;

    memset(out, 0, sizeof(*out));
    out->rules = uplrules_open(lang, &status);
    names = uplrules_getKeywords(out->rules, &status);
    while (U_SUCCESS(status) && (name = uenum_next(names, &len, &status)) != NULL) {
        int form = find_form(name, (size_t)len);
        if (form >= 0) {
            out->has[form] = true;
        }
    }
    out->numbers = unumf_openForSkeletonAndLocale(u"", -1, lang, &status);
    if (U_FAILURE(status)) {
        rc = err_set(err, ERR_NOT_FOUND, "no plural rules for '%s': %s", lang, u_errorName(status));
        plural_rules_close(out);
    }
    uenum_close(names);
    return rc;
}

void plural_rules_close(struct plural_rules *rules)
{
    uplrules_close(rules->rules);
    unumf_close(rules->numbers);
    memset(rules, 0, sizeof(*rules));
}

/* --- compiling --------------------------------------------------------------- */

static int compile_pieces(struct compiler *compiler, int depth, const size_t *plural,
                          const struct piece **out);

static int fault(struct compiler *compiler, size_t at, const char *message)
{
    return err_set(compiler->err, ERR_INVALID, "character %zu: %s",
                   utf8_length(compiler->text, at) + 1, message);
}

static char peek(const struct compiler *compiler)
{
    return compiler->text[compiler->at];
}

static void skip_space(struct compiler *compiler)
{
    while (isspace((unsigned char)peek(compiler))) {
        compiler->at++;
    }
}

/* A name or a selector: up to white space or punctuation of the syntax. */
static size_t read_word(struct compiler *compiler)
{
    size_t start;

    skip_space(compiler);
    start = compiler->at;
    while (peek(compiler) != '\0' && !isspace((unsigned char)peek(compiler)) &&
           strchr("{},'#", peek(compiler)) == NULL) {
        compiler->at++;
    }
    return compiler->at - start;
}

static int add_argument(struct compiler *compiler, const char *name, size_t len,
                        enum argument_kind kind, size_t *index)
{
    struct pattern *pattern = compiler->pattern;
    struct argument *argument;

    for (size_t i = 0; i < len; i++) {
        if (!islower((unsigned char)name[i]) && !isdigit((unsigned char)name[i]) &&
            name[i] != '_') {
            return fault(compiler, (size_t)(name - compiler->text),
                         "an argument's name is made of a-z, 0-9 and _");
        }
    }
    for (size_t i = 0; i < pattern->count; i++) {
        argument = &pattern->arguments[i];
        if (argument->len == len && memcmp(argument->name, name, len) == 0) {
            if (kind != ARGUMENT_ANY && argument->kind != ARGUMENT_ANY && kind != argument->kind) {
                return fault(compiler, (size_t)(name - compiler->text),
                             "one argument is used for both plural and select");
            }
            argument->kind = kind != ARGUMENT_ANY ? kind : argument->kind;
            *index = i;
            return 0;
        }
    }
    if (pattern->count == PATTERN_ARGUMENTS) {
        return fault(compiler, compiler->at, "there are too many arguments");
    }
    *index = pattern->count++;
    pattern->arguments[*index] = (struct argument){name, len, kind};
    return 0;
}

/* The forms that a plural lacks or has too many. */
static int check_forms(struct compiler *compiler, size_t at, const struct branch *branches)
{
    bool seen[PLURAL_FORMS] = {false};
    char message[80];

    for (const struct branch *branch = branches; branch != NULL; branch = branch->next) {
        int form = branch->name != NULL ? find_form(branch->name, branch->len) : -1;
        if (branch->name != NULL && (form < 0 || !compiler->rules->has[form])) {
            (void)snprintf(message, sizeof(message), "the language has no plural form '%.*s'",
                           (int)(branch->len < 30 ? branch->len : 30), branch->name);
            return fault(compiler, at, message);
        }
        if (form >= 0) {
            seen[form] = true;
        }
    }
    for (int i = 0; i < PLURAL_FORMS; i++) {
        if (compiler->rules->has[i] && !seen[i]) {
            (void)snprintf(message, sizeof(message), "the plural form '%s' is missing",
                           form_names[i]);
            return fault(compiler, at, message);
        }
    }
    return 0;
}

static int check_choice(struct compiler *compiler, size_t at, const struct branch *branches)
{
    for (const struct branch *branch = branches; branch != NULL; branch = branch->next) {
        if (branch->name == NULL) {
            return fault(compiler, at, "a select has no numbers");
        }
        if (branch->len == 5 && memcmp(branch->name, "other", 5) == 0) {
            return 0;
        }
    }
    return fault(compiler, at, "a select needs 'other'");
}

/* One "few {...}" or "=0 {...}". */
static int compile_branch(struct compiler *compiler, int depth, const size_t *plural,
                          struct branch *branch)
{
    size_t len = read_word(compiler);
    const char *word = compiler->text + compiler->at - len;
    int rc;

    branch->name = word;
    branch->len = len;
    if (len > 1 && word[0] == '=') {
        char *end = NULL;
        branch->exact = strtoll(word + 1, &end, 10);
        branch->name = NULL;
        if (end != word + len) {
            return fault(compiler, (size_t)(word - compiler->text), "'=' needs a whole number");
        }
    }
    skip_space(compiler);
    if (len == 0 || peek(compiler) != '{') {
        return fault(compiler, compiler->at, "a form such as 'one {...}' is expected");
    }
    compiler->at++;
    rc = compile_pieces(compiler, depth + 1, plural, &branch->pieces);
    if (rc < 0) {
        return rc;
    }
    if (peek(compiler) != '}') {
        return fault(compiler, compiler->at, "a '}' is missing");
    }
    compiler->at++;
    return 0;
}

static int compile_branches(struct compiler *compiler, int depth, struct piece *piece)
{
    size_t start = compiler->at;
    struct branch *first = NULL;
    struct branch **link = &first;

    skip_space(compiler);
    while (peek(compiler) != '}') {
        struct branch *branch = arena_alloc(compiler->arena, 1, sizeof(*branch));
        int rc;

        if (branch == NULL) {
            return err_nomem(compiler->err);
        }
        rc = compile_branch(compiler, depth, piece->kind == PIECE_PLURAL ? &piece->argument : NULL,
                            branch);
        if (rc < 0) {
            return rc;
        }
        *link = branch;
        link = &branch->next;
        skip_space(compiler);
    }
    piece->branches = first;
    return piece->kind == PIECE_PLURAL ? check_forms(compiler, start, first)
                                       : check_choice(compiler, start, first);
}

/* What stands between braces, from behind the opening one. */
static int compile_argument(struct compiler *compiler, int depth, struct piece *piece)
{
    size_t name_len = read_word(compiler);
    const char *name = compiler->text + compiler->at - name_len;
    enum argument_kind kind = ARGUMENT_ANY;
    int rc = 0;

    if (name_len == 0) {
        return fault(compiler, compiler->at, "an argument's name is missing");
    }
    piece->kind = PIECE_ARGUMENT;
    skip_space(compiler);
    if (peek(compiler) == ',') {
        size_t len;
        const char *type;

        compiler->at++;
        len = read_word(compiler);
        type = compiler->text + compiler->at - len;
        if (len == 6 && memcmp(type, "plural", 6) == 0) {
            kind = ARGUMENT_NUMBER;
            piece->kind = PIECE_PLURAL;
        } else if (len == 6 && memcmp(type, "select", 6) == 0) {
            kind = ARGUMENT_CHOICE;
            piece->kind = PIECE_SELECT;
        } else {
            return fault(compiler, (size_t)(type - compiler->text),
                         "only 'plural' and 'select' can stand here");
        }
        skip_space(compiler);
        if (peek(compiler) != ',') {
            return fault(compiler, compiler->at, "a ',' is missing");
        }
        compiler->at++;
    }
    rc = add_argument(compiler, name, name_len, kind, &piece->argument);
    if (rc == 0 && kind != ARGUMENT_ANY) {
        rc = compile_branches(compiler, depth, piece);
    }
    if (rc == 0 && peek(compiler) != '}') {
        rc = fault(compiler, compiler->at, "a '}' is missing");
    }
    compiler->at += rc == 0 ? 1 : 0;
    return rc;
}

/* Text up to the next thing of the syntax, apostrophes resolved: two of them are
 * one, and one before a brace (or # in a plural) quotes up to the next. */
static void compile_text(struct compiler *compiler, bool in_plural, struct piece *piece)
{
    char *text = compiler->room;
    size_t len = 0;
    bool quoted = false;

    for (;; compiler->at++) {
        char c = peek(compiler);
        char next = c != '\0' ? compiler->text[compiler->at + 1] : '\0';

        if (c == '\'' && next == '\'') {
            compiler->at++;
        } else if (c == '\'' && quoted) {
            quoted = false;
            continue;
        } else if (c == '\'' && (next == '{' || next == '}' || (in_plural && next == '#'))) {
            quoted = true;
            continue;
        } else if (c == '\0' || (!quoted && (c == '{' || c == '}' || (in_plural && c == '#')))) {
            break;
        }
        text[len++] = c;
    }
    text[len] = '\0';
    compiler->room += len + 1;
    piece->kind = PIECE_TEXT;
    piece->text = text;
    piece->len = len;
}

/* Pieces up to a closing brace or the end. `plural` is the argument that '#'
 * stands for, NULL outside a plural. */
static int compile_pieces(struct compiler *compiler, int depth, const size_t *plural,
                          const struct piece **out)
{
    struct piece *first = NULL;
    struct piece **link = &first;
    int rc = 0;

    if (depth > PATTERN_DEPTH) {
        return fault(compiler, compiler->at, "braces nest too deep");
    }
    while (rc == 0 && peek(compiler) != '\0' && peek(compiler) != '}') {
        struct piece *piece = arena_alloc(compiler->arena, 1, sizeof(*piece));

        if (piece == NULL) {
            return err_nomem(compiler->err);
        }
        if (peek(compiler) == '{') {
            compiler->at++;
            rc = compile_argument(compiler, depth, piece);
        } else if (peek(compiler) == '#' && plural != NULL) {
            compiler->at++;
            piece->kind = PIECE_HASH;
            piece->argument = *plural;
        } else {
            compile_text(compiler, plural != NULL, piece);
        }
        *link = piece;
        link = &piece->next;
    }
    *out = first;
    return rc;
}

int pattern_compile(struct arena *arena, const char *text, const struct plural_rules *rules,
                    struct pattern *out, struct err *err)
{
    struct compiler compiler = {
        .arena = arena, .text = text, .rules = rules, .pattern = out, .err = err};
    int rc;

    memset(out, 0, sizeof(*out));
    compiler.room = arena_alloc(arena, strlen(text) + 1, 1);
    if (compiler.room == NULL) {
        return err_nomem(err);
    }
    rc = compile_pieces(&compiler, 0, NULL, &out->pieces);
    if (rc == 0 && peek(&compiler) == '}') {
        rc = fault(&compiler, compiler.at, "a '}' without '{'");
    }
    /* Without arguments all of it is one text. */
    if (rc == 0 && out->count == 0) {
        out->plain = out->pieces != NULL ? out->pieces->text : "";
    }
    return rc;
}

/* --- writing ----------------------------------------------------------------- */

struct writer {
    const struct pattern *pattern;
    const struct plural_rules *rules;
    const struct catalogue_arg *args;
    size_t count;
    struct str *out;
    struct err *err;
};

static const struct catalogue_arg *given(const struct writer *writer, size_t argument)
{
    const struct argument *wanted = &writer->pattern->arguments[argument];

    for (size_t i = 0; i < writer->count; i++) {
        const char *name = writer->args[i].name;
        if (strlen(name) == wanted->len && memcmp(name, wanted->name, wanted->len) == 0) {
            return &writer->args[i];
        }
    }
    return NULL;
}

static int write_number(const struct writer *writer, int64_t number)
{
    UErrorCode status = U_ZERO_ERROR;
    UFormattedNumber *result = unumf_openResult(&status);
    UChar wide[64];
    char text[192];
    int32_t len = 0;

    unumf_formatInt(writer->rules->numbers, number, result, &status);
    len = unumf_resultToString(result, wide, 64, &status);
    u_strToUTF8(text, sizeof(text), NULL, wide, len, &status);
    unumf_closeResult(result);
    if (U_FAILURE(status)) {
        return err_set(writer->err, status == U_MEMORY_ALLOCATION_ERROR ? ERR_NOMEM : ERR_INVALID,
                       "the number %" PRId64 " cannot be written: %s", number, u_errorName(status));
    }
    str_add(writer->out, text);
    return 0;
}

static const struct branch *find_branch(const struct branch *branches, const char *name)
{
    const struct branch *other = NULL;
    size_t len = strlen(name);

    for (const struct branch *branch = branches; branch != NULL; branch = branch->next) {
        if (branch->name == NULL) {
            continue;
        }
        if (branch->len == len && memcmp(branch->name, name, len) == 0) {
            return branch;
        }
        if (branch->len == 5 && memcmp(branch->name, "other", 5) == 0) {
            other = branch;
        }
    }
    return other;
}

static const struct branch *choose_form(const struct writer *writer, const struct piece *piece,
                                        int64_t number)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar wide[16];
    char name[16] = "other";

    for (const struct branch *branch = piece->branches; branch != NULL; branch = branch->next) {
        if (branch->name == NULL && branch->exact == number) {
            return branch;
        }
    }
    if (uplrules_select(writer->rules->rules, (double)number, wide, 16, &status) > 0 &&
        U_SUCCESS(status)) {
        u_austrncpy(name, wide, (int32_t)sizeof(name));
    }
    return find_branch(piece->branches, name);
}

static int write_pieces(const struct writer *writer, const struct piece *pieces);

/* What stands for an argument. That it was given, and that there is a branch for it,
 * was checked before writing began. */
static int write_argument(const struct writer *writer, const struct piece *piece)
{
    const struct catalogue_arg *arg = given(writer, piece->argument);
    const struct branch *branch = NULL;

    if (arg != NULL && piece->kind == PIECE_PLURAL) {
        branch = choose_form(writer, piece, arg->number);
    } else if (arg != NULL && piece->kind == PIECE_SELECT) {
        branch = find_branch(piece->branches, arg->text);
    }
    if (branch != NULL) {
        return write_pieces(writer, branch->pieces);
    }
    if (arg != NULL && arg->text == NULL) {
        return write_number(writer, arg->number);
    }
    str_add(writer->out, arg != NULL ? arg->text : "");
    return 0;
}

static int write_pieces(const struct writer *writer, const struct piece *pieces)
{
    int rc = 0;

    for (const struct piece *piece = pieces; rc == 0 && piece != NULL; piece = piece->next) {
        if (piece->kind == PIECE_TEXT) {
            str_add_bytes(writer->out, piece->text, piece->len);
        } else {
            rc = write_argument(writer, piece);
        }
    }
    return rc;
}

int pattern_write(const struct pattern *pattern, const struct plural_rules *rules,
                  const struct catalogue_arg *args, size_t count, struct str *out, struct err *err)
{
    struct writer writer = {pattern, rules, args, count, out, err};

    return write_pieces(&writer, pattern->pieces);
}
