/* template_compile.c - from the text of a template to its code.
 *
 * Whether a tag stands alone on its line is decided on the source text, as the
 * specification describes it; such a line leaves no trace in the output.
 */
#include <string.h>

#include "teataja/base/limits.h"
#include "template_code.h"

struct compiler {
    struct arena *arena;
    struct template *template;
    const char *text;
    size_t len;
    size_t at;      /* behind what is compiled */
    size_t counted; /* up to here `line` has counted */
    int line;
    const char *open; /* the delimiters, parts of the text or literals */
    size_t open_len;
    const char *close;
    size_t close_len;
    size_t sections[LIMIT_TEMPLATE_DEPTH]; /* code of those not closed yet */
    size_t depth;
    struct err *err;
};

struct tag {
    char kind; /* # ^ / > ! = & {, or 0 for a variable */
    size_t start;
    size_t end; /* behind the closing delimiter */
    const char *name;
    size_t name_len;
    int line;
    bool alone;     /* on its line */
    size_t line_at; /* if alone: where its line starts and the next one does */
    size_t line_end;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_space(char c)
{
    return is_blank(c) || c == '\n' || c == '\r';
}

static int line_of(struct compiler *compiler, size_t offset)
{
    for (; compiler->counted < offset; compiler->counted++) {
        if (compiler->text[compiler->counted] == '\n') {
            compiler->line++;
        }
    }
    return compiler->line;
}

static struct code *emit(struct compiler *compiler, enum code_op op, int line, const char *text,
                         size_t len)
{
    struct template *template = compiler->template;
    struct code *code;

    if (arena_grow(compiler->arena, &template->code, &template->capacity, template->count,
                   sizeof(*template->code), compiler->err) < 0) {
        return NULL;
    }
    code = &template->code[template->count++];
    memset(code, 0, sizeof(*code));
    code->op = op;
    code->line = line;
    code->text = text;
    code->len = len;
    return code;
}

static bool begins_line(const struct compiler *compiler, size_t offset)
{
    return offset == 0 || compiler->text[offset - 1] == '\n';
}

/* The text up to `end`, a line at a time, each announced by CODE_INDENT. */
static int emit_text(struct compiler *compiler, size_t end)
{
    while (compiler->at < end) {
        const char *from = compiler->text + compiler->at;
        const char *newline = memchr(from, '\n', end - compiler->at);
        size_t len = newline != NULL ? (size_t)(newline - from) + 1 : end - compiler->at;

        if (begins_line(compiler, compiler->at) && emit(compiler, CODE_INDENT, 0, "", 0) == NULL) {
            return ERR_NOMEM;
        }
        if (emit(compiler, CODE_TEXT, 0, from, len) == NULL) {
            return ERR_NOMEM;
        }
        compiler->at += len;
    }
    return 0;
}

static const char *find_bytes(const char *text, size_t len, const char *what, size_t what_len)
{
    return what_len <= len ? memmem(text, len, what, what_len) : NULL;
}

/* Sets the parts of a tag that depend on its line. */
static void look_around(const struct compiler *compiler, struct tag *tag)
{
    size_t before = tag->start;
    size_t after = tag->end;

    if (strchr("#^/>!=", tag->kind) == NULL || tag->kind == 0) {
        return;
    }
    while (before > 0 && is_blank(compiler->text[before - 1])) {
        before--;
    }
    while (after < compiler->len && is_blank(compiler->text[after])) {
        after++;
    }
    if (after < compiler->len && compiler->text[after] == '\r') {
        after++;
    }
    if (!begins_line(compiler, before)) {
        return;
    }
    if (after < compiler->len && compiler->text[after] != '\n') {
        return;
    }
    tag->alone = true;
    tag->line_at = before;
    tag->line_end = after < compiler->len ? after + 1 : after;
}

/* Reads the tag at `start`, where the opening delimiter stands. */
static int read_tag(struct compiler *compiler, size_t start, struct tag *tag)
{
    size_t at = start + compiler->open_len;
    char closing[64];
    size_t closing_len = 0;
    const char *end;

    memset(tag, 0, sizeof(*tag));
    tag->name = compiler->text + start;
    tag->start = start;
    tag->line = line_of(compiler, start);
    while (at < compiler->len && is_space(compiler->text[at])) {
        at++;
    }
    if (at < compiler->len && compiler->text[at] != '\0' &&
        strchr("#^/>!=&{", compiler->text[at]) != NULL) {
        tag->kind = compiler->text[at++];
    }
    if (tag->kind == '{' || tag->kind == '=') {
        closing[closing_len++] = tag->kind == '{' ? '}' : '=';
    }
    memcpy(closing + closing_len, compiler->close, compiler->close_len);
    closing_len += compiler->close_len;
    end = find_bytes(compiler->text + at, compiler->len - at, closing, closing_len);
    if (end == NULL) {
        return err_set(compiler->err, ERR_INVALID, "%s:%d: a tag is not closed by '%.*s'",
                       compiler->template->file, tag->line, (int)closing_len, closing);
    }
    tag->name = compiler->text + at;
    tag->name_len = (size_t)(end - tag->name);
    tag->end = (size_t)(end - compiler->text) + closing_len;
    while (tag->name_len > 0 && is_space(*tag->name)) {
        tag->name++;
        tag->name_len--;
    }
    while (tag->name_len > 0 && is_space(tag->name[tag->name_len - 1])) {
        tag->name_len--;
    }
    look_around(compiler, tag);
    return 0;
}

static int check_name(struct compiler *compiler, const struct tag *tag)
{
    const char *fault = NULL;

    if (tag->name_len == 0) {
        fault = "has no name";
    } else if (tag->name_len > LIMIT_NAME) {
        fault = "has a name that is too long";
    } else {
        for (size_t i = 0; i < tag->name_len; i++) {
            if (is_space(tag->name[i])) {
                fault = "has a name with white space in it";
            }
        }
        if (tag->kind != '>' && tag->name_len > 1 &&
            (tag->name[0] == '.' || tag->name[tag->name_len - 1] == '.' ||
             find_bytes(tag->name, tag->name_len, "..", 2) != NULL)) {
            fault = "has a name with a dot too many";
        }
    }
    if (fault == NULL) {
        return 0;
    }
    return err_set(compiler->err, ERR_INVALID, "%s:%d: a tag %s", compiler->template->file,
                   tag->line, fault);
}

static int set_delimiters(struct compiler *compiler, const struct tag *tag)
{
    size_t open_len = 0;
    size_t close_at;

    while (open_len < tag->name_len && !is_space(tag->name[open_len])) {
        open_len++;
    }
    close_at = open_len;
    while (close_at < tag->name_len && is_space(tag->name[close_at])) {
        close_at++;
    }
    for (size_t i = close_at; i < tag->name_len; i++) {
        if (is_space(tag->name[i])) {
            close_at = tag->name_len;
        }
    }
    if (open_len == 0 || close_at >= tag->name_len || tag->name_len - close_at > 16 ||
        open_len > 16 || memchr(tag->name, '=', tag->name_len) != NULL) {
        return err_set(compiler->err, ERR_INVALID,
                       "%s:%d: delimiters are set with two words, as in {{=<%% %%>=}}",
                       compiler->template->file, tag->line);
    }
    compiler->open = tag->name;
    compiler->open_len = open_len;
    compiler->close = tag->name + close_at;
    compiler->close_len = tag->name_len - close_at;
    return 0;
}

static int open_section(struct compiler *compiler, const struct tag *tag)
{
    if (compiler->depth == LIMIT_TEMPLATE_DEPTH) {
        return err_set(compiler->err, ERR_LIMIT, "%s:%d: sections nest deeper than %d",
                       compiler->template->file, tag->line, LIMIT_TEMPLATE_DEPTH);
    }
    compiler->sections[compiler->depth++] = compiler->template->count;
    if (emit(compiler, tag->kind == '#' ? CODE_SECTION : CODE_INVERTED, tag->line, tag->name,
             tag->name_len) == NULL) {
        return ERR_NOMEM;
    }
    return 0;
}

static int close_section(struct compiler *compiler, const struct tag *tag)
{
    struct code *section;

    if (compiler->depth == 0) {
        return err_set(compiler->err, ERR_INVALID, "%s:%d: '%.*s' is closed but was not opened",
                       compiler->template->file, tag->line, (int)tag->name_len, tag->name);
    }
    section = &compiler->template->code[compiler->sections[compiler->depth - 1]];
    if (section->len != tag->name_len || memcmp(section->text, tag->name, tag->name_len) != 0) {
        return err_set(compiler->err, ERR_INVALID,
                       "%s:%d: '%.*s' is closed while section '%.*s' of line %d is open",
                       compiler->template->file, tag->line, (int)tag->name_len, tag->name,
                       (int)section->len, section->text, section->line);
    }
    section->end = compiler->template->count;
    compiler->depth--;
    return emit(compiler, CODE_END, tag->line, "", 0) != NULL ? 0 : ERR_NOMEM;
}

static int add_partial(struct compiler *compiler, const struct tag *tag)
{
    struct code *code = emit(compiler, CODE_PARTIAL, tag->line, tag->name, tag->name_len);

    if (code == NULL) {
        return ERR_NOMEM;
    }
    code->always = compiler->depth == 0;
    if (tag->alone) {
        code->indent = compiler->text + tag->line_at;
        code->indent_len = tag->start - tag->line_at;
    }
    return 0;
}

static int compile_tag(struct compiler *compiler, const struct tag *tag)
{
    int rc = 0;

    if (tag->kind != '!' && tag->kind != '=') {
        rc = check_name(compiler, tag);
    }
    if (rc < 0) {
        return rc;
    }
    switch (tag->kind) {
    case '!':
        return 0;
    case '=':
        return set_delimiters(compiler, tag);
    case '#':
    case '^':
        return open_section(compiler, tag);
    case '/':
        return close_section(compiler, tag);
    case '>':
        return add_partial(compiler, tag);
    default:
        return emit(compiler, tag->kind == 0 ? CODE_VARIABLE : CODE_RAW, tag->line, tag->name,
                    tag->name_len) != NULL
                   ? 0
                   : ERR_NOMEM;
    }
}

/* Compiles up to and with the next tag; *done when there is none. */
static int step(struct compiler *compiler, bool *done)
{
    struct tag tag;
    const char *found = find_bytes(compiler->text + compiler->at, compiler->len - compiler->at,
                                   compiler->open, compiler->open_len);
    int rc;

    if (found == NULL) {
        *done = true;
        return emit_text(compiler, compiler->len);
    }
    rc = read_tag(compiler, (size_t)(found - compiler->text), &tag);
    if (rc < 0) {
        return rc;
    }
    rc = emit_text(compiler, tag.alone ? tag.line_at : tag.start);
    if (rc == 0 && !tag.alone && begins_line(compiler, tag.start) &&
        emit(compiler, CODE_INDENT, 0, "", 0) == NULL) {
        rc = ERR_NOMEM;
    }
    if (rc == 0) {
        rc = compile_tag(compiler, &tag);
    }
    compiler->at = tag.alone ? tag.line_end : tag.end;
    return rc;
}

int template_compile(struct arena *arena, struct template *template, const char *text, size_t len,
                     struct err *err)
{
    struct compiler compiler = {
        .arena = arena,
        .template = template,
        .text = text,
        .len = len,
        .line = 1,
        .open = "{{",
        .open_len = 2,
        .close = "}}",
        .close_len = 2,
        .err = err,
    };
    bool done = false;
    int rc = 0;

    while (rc == 0 && !done) {
        rc = step(&compiler, &done);
    }
    if (rc == 0 && compiler.depth > 0) {
        const struct code *section = &template->code[compiler.sections[compiler.depth - 1]];
        rc = err_set(err, ERR_INVALID, "%s:%d: section '%.*s' is not closed", template->file,
                     section->line, (int)section->len, section->text);
    }
    return rc;
}
